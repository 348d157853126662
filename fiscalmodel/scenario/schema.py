"""What a scenario file may say: keys, units in their names, ranges.

``python -m fiscalmodel.scenario.schema`` writes ``params/schema/scenario.schema.json``.
"""

from __future__ import annotations

import datetime as dt
import json
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)

from fiscalmodel.words import Text, say

Year = Annotated[int, Field(ge=1950, le=2100)]
#: Yearly growth or shock in percent; 50 % a year is already beyond any county's record.
Percent = Annotated[float, Field(ge=-95, le=200, allow_inf_nan=False)]
Amount = Annotated[float, Field(allow_inf_nan=False, ge=-1e9, le=1e9)]
Stock = Annotated[float, Field(allow_inf_nan=False, ge=0, le=1e9)]
ByYear = dict[Year, Amount]


class Part(BaseModel):
    """Base of all parts: frozen, unknown keys refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class DataPlace(Part):
    """Where data stand: a file, in it a sheet, on it a row or column where there are several."""

    file: str = Field(min_length=1)
    sheet: str | None = None
    unit: Literal["元", "百元", "千元", "万元", "百万元", "亿元"] | None = None
    row: str | None = None
    column: str | None = None

    @model_validator(mode="after")
    def _row_or_column(self) -> DataPlace:
        if self.row is not None and self.column is not None:
            raise ValueError("scenario.row_or_column")
        return self

    def __str__(self) -> str:
        sheet = f"[{self.sheet}]" if self.sheet else ""
        return f"{self.file}{sheet} {self.row or self.column or ''}".strip()


def _reference(given: object) -> str:
    return "place" if isinstance(given, (dict, DataPlace)) else "text"


def _amounts(given: object) -> str:
    if isinstance(given, DataPlace) or (isinstance(given, dict) and "file" in given):
        return "place"
    return "several" if isinstance(given, list) else "years"


#: Shares up to this, in percent, are likely ratios.
RATIO_SHARE = 1.0


def _percent(value: float, info: ValidationInfo) -> float:
    """A share in percent: 0.75 is a ratio by mistake, unless the scenario confirms it."""
    answers = info.context or ()
    if 0 < value <= RATIO_SHARE and not any(
        key.startswith("ratio.") and key.endswith(f".{info.field_name}") for key in answers
    ):
        raise ValueError(say("scenario.pct_as_ratio", value=value, meant=value * 100))
    return value


#: A share in percent that is nowhere near 1 %.
Share = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False), AfterValidator(_percent)]
#: A file or a series by name, or where in a file the data stand.
DataRef = Annotated[
    Annotated[str, Field(min_length=1), Tag("text")] | Annotated[DataPlace, Tag("place")],
    Discriminator(_reference),
]
#: Amounts by year, where they stand, or several series that are added up.
Amounts = Annotated[
    Annotated[ByYear, Tag("years")]
    | Annotated[DataPlace, Tag("place")]
    | Annotated[list[DataRef], Field(min_length=1, max_length=40), Tag("several")],
    Discriminator(_amounts),
]


def _title(given: object) -> Text:
    """A name in both languages; a plain one stands for both."""
    if isinstance(given, Text):
        return given
    entry = {"zh": given, "en": given} if isinstance(given, str) else given
    if not isinstance(entry, dict) or set(entry) != {"zh", "en"}:
        raise ValueError("scenario.bad_title")
    if not all(isinstance(text, str) and 1 <= len(text) <= 400 for text in entry.values()):
        raise ValueError("scenario.bad_title")
    return Text(**entry)


_WORDS = {"type": "string", "minLength": 1, "maxLength": 400}
Title = Annotated[
    Text,
    BeforeValidator(_title),
    WithJsonSchema(
        {
            "anyOf": [
                _WORDS,
                {
                    "type": "object",
                    "properties": {"zh": _WORDS, "en": _WORDS},
                    "required": ["zh", "en"],
                    "additionalProperties": False,
                },
            ]
        }
    ),
]


class Span(Part):
    """First and last year of the scenario, both included."""

    first: Year
    last: Year

    @model_validator(mode="after")
    def _ordered(self) -> Span:
        if not self.first <= self.last <= self.first + 40:
            raise ValueError(say("scenario.bad_span", last=self.last))
        return self


class AdjustmentSpec(Part):
    """One sourced change: ``growth`` and ``shock`` in ``pct``, others in ``amount_wan``."""

    name: Title
    kind: Literal["growth", "shock", "measure", "one_off"]
    pct: dict[Year, Percent] | None = None
    amount_wan: ByYear | None = None
    lasting: bool = False
    source: str = Field(min_length=2)

    @model_validator(mode="after")
    def _one_unit(self) -> AdjustmentSpec:
        in_pct = self.kind in ("growth", "shock")
        wanted, other = ("pct", "amount_wan") if in_pct else ("amount_wan", "pct")
        if not getattr(self, wanted) or getattr(self, other) is not None:
            raise ValueError(say("scenario.wrong_unit", kind=self.kind, wanted=wanted, other=other))
        if self.lasting and self.kind != "shock":
            raise ValueError("scenario.lasting_is_for_shocks")
        return self

    @property
    def by_year(self) -> dict[int, float]:
        """Year -> percent or 万元."""
        return dict(self.pct or self.amount_wan or {})


class Target(Part):
    """An official target for the scenario's revenue."""

    year: Year
    value_wan: Stock
    source: str = Field(min_length=2)


class MeasureSpec(Part):
    """A dated policy measure 政策性增减收 on an item; a tax cut is negative."""

    name: Title
    full_year_wan: Amount
    start: dt.date
    end: dt.date | None = None
    source: str = Field(min_length=2)


class ItemSpec(Part):
    """One revenue item 税种或非税项目, carried forward by the growth of its base."""

    name: Title
    series: DataRef | None = None
    last_wan: Amount | None = None
    one_offs_last_wan: Amount = 0.0
    elasticity: float = Field(default=1.0, ge=-5, le=5, allow_inf_nan=False)
    elasticity_error: float = Field(default=0.0, ge=0, le=5, allow_inf_nan=False)
    base_growth_pct: Percent | dict[Year, Percent]
    base_growth_error_pct: float = Field(default=0.0, ge=0, le=50, allow_inf_nan=False)
    one_offs_wan: ByYear = {}
    measures: dict[str, MeasureSpec] = {}
    source: str = Field(min_length=2)

    @model_validator(mode="after")
    def _one_last(self) -> ItemSpec:
        if (self.series is None) == (self.last_wan is None):
            raise ValueError("scenario.one_last_value")
        return self


class NowcastSpec(Part):
    """The year under way: revenue to date by month 累计数, its budget, and what it consists of.

    ``plan`` is the year's monthly plan 序时计划 of the total, cumulative.
    """

    series: DataRef
    budget_wan: Stock | None = None
    plan: DataRef | None = None
    items: dict[str, DataRef] = {}


class ProgressSpec(Part):
    """Expenditure of the year under way 支出进度: to date by month, by unit, against its budget.

    ``items_budget_wan`` names units of ``items``; ``behind_points`` is from when one lags.
    """

    series: DataRef
    budget_wan: Stock | None = None
    items: dict[str, DataRef] = {}
    items_budget_wan: dict[str, Stock] = {}
    behind_points: float = Field(default=5.0, ge=0, le=100)

    @model_validator(mode="after")
    def _of_units(self) -> ProgressSpec:
        if set(self.items_budget_wan) - set(self.items):
            raise ValueError("scenario.budget_of_no_unit")
        return self


class RevenueSpec(Part):
    """General public budget revenue 一般公共预算收入.

    ``drivers`` is what moves it, by year: gross product, its target, a tax base.
    """

    series: DataRef
    drivers: DataRef | None = None
    like_for_like: bool = True
    use_estimates: bool = False
    allow_break: bool = False
    items: dict[str, ItemSpec] = {}
    adjustments: dict[str, AdjustmentSpec] = {}
    target: Target | None = None
    nowcast: NowcastSpec | None = None


class ExpenditureSpec(Part):
    """General public budget expenditure 一般公共预算支出, from a sourced path.

    Either an amount for each year, or a base with yearly growth that an official
    plan states. There is no default growth: spending is not tied to revenue or GDP.
    ``progress`` may also stand alone.
    """

    base_year: Year | None = None
    base_wan: Stock | None = None
    growth_pct: Percent | dict[Year, Percent] | None = None
    amount_wan: Amounts | None = None
    livelihood_base_wan: Stock | None = None
    progress: ProgressSpec | None = None
    source: str = Field(min_length=2)

    @model_validator(mode="after")
    def _one_way(self) -> ExpenditureSpec:
        if isinstance(self.amount_wan, dict) and any(v < 0 for v in self.amount_wan.values()):
            raise ValueError("scenario.spent_below_nought")
        based = self.base_year is not None and self.base_wan is not None
        alone = self.progress is not None and not self.planned
        if self.amount_wan is None and not (based and self.growth_pct is not None) and not alone:
            raise ValueError("scenario.expenditure_one_way")
        return self

    @property
    def planned(self) -> bool:
        """Whether years ahead are given, beside the progress of the one under way."""
        return any(v is not None for v in (self.amount_wan, self.base_year, self.base_wan))


class BalanceSpec(Part):
    """What stands beside own revenue in the general public budget, 万元 by year.

    Each is a mapping by year, the place of a series, or a list of series whose sum it is.
    Transfers that are tied to a purpose (专项转移支付) do not belong here.
    """

    transfers_wan: Amounts = {}
    other_resources_wan: Amounts = {}
    sanbao_need_wan: Amounts
    statutory_debt_service_wan: Amounts = {}
    other_commitments_wan: Amounts = {}
    source: str = Field(min_length=2)


class DebtSpec(Part):
    """Clearance of hidden debt 隐性债务化解."""

    ledger: DataRef
    sources: DataRef
    quotas: DataRef | None = None
    bonds: DataRef | None = None
    claims: DataRef | None = None
    limits: DataRef | None = None
    custom: DataRef | None = None
    deadline: dt.date | None = None
    rule: Literal[
        "quota_first", "least_interest", "least_present_value", "least_cost",
        "highest_rate_first", "earliest_maturity_first", "pro_rata",
    ] = "quota_first"  # fmt: skip
    discount_pct: Annotated[float, Field(ge=0, le=20)] | None = None
    frequency: Literal["year", "quarter", "month"] = "month"
    general_budget_source: str | None = None
    general_budget_share_pct: Share = 100.0
    funding_shock_pct: dict[str, Percent] = {}
    quota_shock_pct: Percent = 0.0
    #: All interest rates, of contracts and of the plan's bonds, move by this.
    rate_shift_bp: Annotated[float, Field(ge=-500, le=1000, allow_inf_nan=False)] = 0.0
    refinanced_pct: Share = 100.0
    special_interest_inside: bool = True
    reserve_pct: Annotated[float, Field(ge=0, le=100)] = 0.0
    comprehensive_resources_wan: ByYear = {}


class CommissionSpec(Part):
    """Commissions to the collecting banks 代收手续费."""

    receipts: DataRef
    period: Literal["month", "quarter", "year"] = "year"
    rate_fines_pct: Annotated[float, Field(gt=0, le=5)] | None = None
    rate_charges_pct: Annotated[float, Field(gt=0, le=5)] | None = None
    budget_wan: Stock | None = None
    relations: DataRef | None = None
    payments: DataRef | None = None


class StateCapitalSpec(Part):
    """Ratios of the state-capital budget: what enterprises hand over, and what moves on."""

    profit_wan: ByYear
    handing_over_pct: Share
    transfer_pct: Share
    source: str = Field(min_length=2)


class BudgetsSpec(Part):
    """The four budgets 四本预算, by year and version, and what moves between them.

    ``level``: only these accounts of a table that holds both levels.
    """

    accounts: DataRef
    level: Literal["whole", "own"] | None = None
    state_capital: StateCapitalSpec | None = None
    source: str = Field(min_length=2)


class MediumTermSpec(Part):
    """The medium-term plan 中期财政规划: spending line by line as standard times number.

    Revenue is the scenario's. ``flows`` gives the other lines of the account by year (subsidies,
    carried in, remitted, principal …); without it they are those of ``balance``.
    """

    lines: DataRef
    flows: DataRef | None = None
    changes: DataRef | None = None
    measures: DataRef | None = None
    last_plan: DataRef | None = None
    outturn: DataRef | None = None
    fund_opening_wan: Stock | None = None
    source: str = Field(min_length=2)


class LocalBoundSpec(Part):
    """A floor or ceiling of the region's own, with its document."""

    pct: Annotated[float, Field(gt=0, le=1000, allow_inf_nan=False), AfterValidator(_percent)]
    start: dt.date = dt.date(1950, 1, 1)
    source: str = Field(min_length=2)


class GuardrailsSpec(Part):
    """Amounts by year that the guardrails 约束线 are set against, beside the scenario's own.

    ``local`` gives bounds of the region by the name of the rule (``livelihood_share`` …); a
    floor of one region is none of another.
    """

    amounts: DataRef | None = None
    local: dict[str, LocalBoundSpec] = {}
    source: str = Field(min_length=2)


class SanbaoSpec(Part):
    """The three guarantees 三保 by month and, where they are given, cash 库款 and its flows.

    ``months``: need, budget and payment; ``cash``: balances of the months behind; ``flows``:
    receipts and payments, planned and (behind) actual.
    """

    months: DataRef
    cash: DataRef | None = None
    flows: DataRef | None = None
    hold_months: Annotated[int, Field(ge=0, le=60)] | None = None
    keep_wan: Stock = 0.0
    source: str = Field(min_length=2)

    @model_validator(mode="after")
    def _both_or_none(self) -> SanbaoSpec:
        if (self.cash is None) != (self.flows is None):
            raise ValueError("warning.cash_and_flows")
        return self


class ProjectsSpec(Part):
    """The project pool 项目库 against the ceiling of each year.

    ``assess`` is one policy or project that is set against the balance (财政承受能力评估);
    ``executed`` are the projects whose execution and score decide on next year's ceiling.
    """

    pool: DataRef
    ceiling_wan: Annotated[ByYear, Field(min_length=1)]
    class_ceilings_wan: dict[str, ByYear] = {}
    phasing: bool = True
    least_score: Annotated[float, Field(ge=0, le=100)] | None = None
    assess: DataRef | None = None
    assess_bond_rate_pct: Annotated[float, Field(ge=0, le=36)] = 0.0
    assess_bond_years: Annotated[int, Field(ge=1, le=40)] = 10
    executed: DataRef | None = None
    least_execution_pct: Share | None = None
    least_self_score: Annotated[float, Field(ge=0, le=100)] | None = None
    source: str = Field(min_length=2)

    @model_validator(mode="after")
    def _thresholds(self) -> ProjectsSpec:
        given = (self.least_execution_pct, self.least_self_score)
        if self.executed is not None and None in given:
            raise ValueError("warning.thresholds_missing")
        return self


class IdleSpec(Part):
    """Idle money 存量资金 and advances 暂付款 by age; ``cuts``: budget lines like for like."""

    funds: DataRef
    digestion_years: Annotated[int, Field(ge=1, le=20)] | None = None
    cuts: DataRef | None = None
    source: str = Field(min_length=2)


class SpecialBondsSpec(Part):
    """Projects that special bonds 专项债券 pay for, with their income by year."""

    projects: DataRef
    income: DataRef
    source: str = Field(min_length=2)


class ScenarioSpec(Part):
    """A whole scenario file after its ``extends`` are merged."""

    name: Title
    region: str = Field(min_length=1)
    as_of: dt.date
    years: Span
    seed: Annotated[int, Field(ge=0, le=2**32 - 1)] = 0
    synthetic: bool = False
    revenue: RevenueSpec | None = None
    expenditure: ExpenditureSpec | None = None
    balance: BalanceSpec | None = None
    debt: DebtSpec | None = None
    commissions: CommissionSpec | None = None
    budgets: BudgetsSpec | None = None
    medium_term: MediumTermSpec | None = None
    guardrails: GuardrailsSpec | None = None
    sanbao: SanbaoSpec | None = None
    projects: ProjectsSpec | None = None
    special_bonds: SpecialBondsSpec | None = None
    idle: IdleSpec | None = None
    #: Question of `scenario.plausibility` -> why the figure is right all the same.
    confirmed: dict[str, Annotated[str, Field(min_length=2, max_length=400)]] = {}
    note: Title | None = None

    @model_validator(mode="after")
    def _years_inside(self) -> ScenarioSpec:
        if self.revenue is not None:
            for key, change in self.revenue.adjustments.items():
                outside = [
                    y for y in change.by_year if not self.years.first <= y <= self.years.last
                ]
                if outside:
                    raise ValueError(say("scenario.outside_years", key=key, year=outside[0]))
        return self


def schema_text() -> str:
    """The JSON Schema of scenario files, as it is checked in for editors.

    Nothing is required, since a file may extend another.
    """
    schema: dict[str, Any] = ScenarioSpec.model_json_schema()
    schema.pop("required", None)
    schema["properties"]["extends"] = {
        "type": "string",
        "description": "A scenario file, relative to this one, whose keys this file changes.",
    }
    for part in schema["$defs"].values():
        part.pop("required", None)
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
    return json.dumps(schema, ensure_ascii=False, indent=2) + "\n"


if __name__ == "__main__":
    from fiscalmodel.paths import project_root

    target = project_root() / "params/schema/scenario.schema.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(schema_text(), encoding="utf-8")
