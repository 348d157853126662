"""The medium-term fiscal plan 中期财政规划: three years, rolled every year, binding the budget.

Step 1 is the baseline under current policy, step 2 adds the reforms.
Expenditure is built from lines, each a standard times a number (零基预算);
nothing here grows with GDP or revenue by itself.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from fiscalmodel import policy
from fiscalmodel.display import BLUE, ORANGE, RED, Chart, Result, bars, figure, legend, scale
from fiscalmodel.errors import Collector, InputError
from fiscalmodel.findings import Finding, finding, to_frame
from fiscalmodel.words import Text, say

#: Project classes of zero-based budgeting 五类项目.
CLASSES = ("保障运转", "社会事业", "产业发展", "重点建设", "特定事项")
LINE_COLUMNS = ("year", "line", "project_class", "standard_wan", "number", "basis")
MEASURE_COLUMNS = ("year", "measure", "side", "amount_wan", "basis")
#: A basis that ties spending to these is refused.
_TIED = ("gdp", "生产总值", "收入增幅", "财政收入增长", "revenue growth", "挂钩")


@dataclass(frozen=True, repr=False)
class MediumTermPlan(Result):
    """A three-year plan, 万元.

    Attributes
    ----------
    table
        One row a year: ``baseline_resources_wan, baseline_expenditure_wan,
        baseline_gap_wan`` (step 1), ``measures_resources_wan,
        measures_expenditure_wan`` and ``resources_wan, expenditure_wan,
        balance_wan`` (step 2), ``fund_opening_wan, fund_drawn_wan,
        fund_filled_wan, fund_closing_wan`` (预算稳定调节基金) and ``shortfall_wan``.
    lines
        Expenditure lines with ``amount_wan`` = standard · number.
    measures
        The reforms of step 2.
    found
        Years whose uses exceed what there is.
    """

    table: pd.DataFrame
    lines: pd.DataFrame
    measures: pd.DataFrame
    found: tuple[Finding, ...]

    @property
    def findings(self) -> pd.DataFrame:
        """`found` as a frame."""
        return to_frame(self.found)

    @property
    def answer(self) -> Text:
        """Whether the years balance, and the ceiling of the first."""
        years, short = self.table["year"], self.table["shortfall_wan"]
        span = {"first": years.iloc[0], "last": years.iloc[-1], "ceiling": self.ceiling_wan}
        if not self.found:
            fund = float(self.table["fund_closing_wan"].iloc[-1])
            return say("budget.plan_holds", **span, fund=fund)
        first = self.found[0].where
        return say("budget.plan_short", **span, short=math.fsum(short), year=first)

    @property
    def short(self) -> pd.DataFrame:
        """Resources, spending, balance and fund by year."""
        columns = ["year", "resources_wan", "expenditure_wan", "balance_wan", "fund_closing_wan",
                   "shortfall_wan"]  # fmt: skip
        return self.table[columns].rename(columns={"balance_wan": "net_wan"})

    def plot(self, lang: str | None = None) -> Chart:
        """Resources and expenditure of each year beside the gap before reforms."""
        columns = ["resources_wan", "expenditure_wan", "baseline_gap_wan"]
        table = self.table.set_index("year")[columns]
        divisor, unit = scale("万元", float(table.abs().to_numpy().max()))
        made, axis, lang = figure(say("budget.chart_plan"), lang, unit=unit)
        bars(axis, table / divisor, colors=(BLUE, ORANGE, RED), lang=lang)
        legend(axis)
        return Chart(made, self.answer(lang))

    @property
    def ceiling_wan(self) -> float:
        """Expenditure of the first year, which binds the annual budget."""
        return float(self.table["expenditure_wan"].iloc[0])

    def change_from(self, earlier: MediumTermPlan) -> pd.DataFrame:
        """Change against last year's plan in the years both hold: ``year, line, change_wan``."""
        sums = [
            plan.lines.groupby(["year", "line"])["amount_wan"].sum() for plan in (earlier, self)
        ]
        shared = set(earlier.table["year"]) & set(self.table["year"])
        change = (sums[1].sub(sums[0], fill_value=0.0)).rename("change_wan").reset_index()
        return change[change["year"].isin(shared) & change["change_wan"].ne(0)].reset_index(
            drop=True
        )


def medium_term_plan(
    resources_wan: Mapping[int, float] | pd.Series,
    lines: pd.DataFrame,
    measures: pd.DataFrame | None = None,
    *,
    fund_opening_wan: float = 0.0,
    on: Any,
) -> MediumTermPlan:
    """Lay out a medium-term plan.

    Parameters
    ----------
    resources_wan
        Baseline resources of each year: forecast revenue, transfers and the
        rest, without the stabilisation fund. As many years in a row as
        ``medium_term_plan_years`` says (three).
    lines
        Expenditure lines: ``year, line, project_class, standard_wan, number,
        basis``. A basis that ties the line to GDP or revenue growth is refused.
    measures
        Reforms: ``year, measure, side`` (``resource`` or ``use``),
        ``amount_wan`` (with sign), ``basis``.
    fund_opening_wan
        Stabilisation fund at the start.
    on
        Day whose rules apply.

    Raises
    ------
    InputError
        All problems at once: years that do not fit, unknown classes, missing or
        negative standards, lines without a basis or tied to growth.

    Notes
    -----
    balance = resources − expenditure. A surplus fills the stabilisation fund
    and pays for nothing else (财预〔2018〕35号, art. 4 and 5); a deficit draws on
    the fund; what the fund does not hold is the shortfall.

    Source: 国发〔2015〕3号; 国发〔2014〕45号.
    """
    years = sorted(int(str(y)) for y in resources_wan.keys())  # noqa: SIM118  a Series iterates values
    span = int(policy.value("medium_term_plan_years", on=on))
    found = Collector()
    if years != list(range(years[0], years[0] + span)):
        found.add("resources_wan", "budget.years_in_a_row", years=years, span=span)
    amounts = {int(str(y)): float(v) for y, v in resources_wan.items()}
    for year, value in amounts.items():
        if not math.isfinite(value) or value < 0:
            found.add(f"resources_wan[{year}]", "budget.missing_or_negative", value=value)
    if not fund_opening_wan >= 0:
        found.add("fund_opening_wan", "budget.missing_or_negative", value=fund_opening_wan)
    spending = _lines(lines, years, found)
    reforms = _measures(measures, years, found)
    found.raise_if_any()
    rows, fund = [], float(fund_opening_wan)
    for year in years:
        base_use = float(spending.loc[spending["year"].eq(year), "amount_wan"].sum())
        mine = reforms[reforms["year"].eq(year)]
        more = float(mine.loc[mine["side"].eq("resource"), "amount_wan"].sum())
        use = float(mine.loc[mine["side"].eq("use"), "amount_wan"].sum())
        balance = amounts[year] + more - base_use - use
        drawn, filled = min(fund, max(-balance, 0.0)), max(balance, 0.0)
        rows.append(
            {
                "year": year,
                "baseline_resources_wan": amounts[year],
                "baseline_expenditure_wan": base_use,
                "baseline_gap_wan": amounts[year] - base_use,
                "measures_resources_wan": more,
                "measures_expenditure_wan": use,
                "resources_wan": amounts[year] + more,
                "expenditure_wan": base_use + use,
                "balance_wan": balance,
                "fund_opening_wan": fund,
                "fund_drawn_wan": drawn,
                "fund_filled_wan": filled,
                "fund_closing_wan": fund - drawn + filled,
                "shortfall_wan": max(-balance, 0.0) - drawn,
            }
        )
        fund = fund - drawn + filled
    table = pd.DataFrame(rows)
    return MediumTermPlan(table, spending, reforms, tuple(_short(table)))


def _short(table: pd.DataFrame) -> list[Finding]:
    return [
        finding(
            "medium_term_shortfall", str(year), stated=resources, computed=resources + short,
            said=say("budget.plan_gap"),
        )
        for year, resources, short in zip(
            table["year"], table["resources_wan"], table["shortfall_wan"], strict=True
        )
        if short > 1e-9
    ]  # fmt: skip


def _rows(
    frame: pd.DataFrame, columns: Sequence[str], name: str, years: Sequence[int], found: Collector
) -> pd.DataFrame | None:
    missing = [c for c in columns if c not in frame]
    for column in missing:
        found.add(name, "budget.no_column", name=column, needed=list(columns))
    if missing:
        return None
    made = frame[list(columns)].reset_index(drop=True).copy()
    for i, year in enumerate(made["year"], 1):
        if year not in years:
            found.add(f"{name} row {i}, year", "budget.not_in_plan", year=year, years=list(years))
    return made


def _lines(frame: pd.DataFrame, years: Sequence[int], found: Collector) -> pd.DataFrame:
    made = _rows(frame, LINE_COLUMNS, "lines", years, found)
    if made is None:
        return pd.DataFrame(columns=[*LINE_COLUMNS, "amount_wan"])
    for name in ("standard_wan", "number"):
        made[name] = pd.to_numeric(made[name], errors="coerce")
        for i, value in enumerate(made[name], 1):
            if not value >= 0:
                found.add(f"lines row {i}, {name}", "budget.bad_standard")
    for i, (kind, basis) in enumerate(zip(made["project_class"], made["basis"], strict=True), 1):
        if kind not in CLASSES:
            found.add(
                f"lines row {i}, project_class", "budget.no_class", text=kind, classes=CLASSES
            )
        text = str(basis or "").strip().lower()
        if not text or text == "nan":
            found.add(f"lines row {i}, basis", "budget.no_basis")
        elif any(word in text for word in _TIED):
            found.add(f"lines row {i}, basis", "budget.tied", text=basis)
    made["amount_wan"] = made["standard_wan"] * made["number"]
    return made


def _measures(frame: pd.DataFrame | None, years: Sequence[int], found: Collector) -> pd.DataFrame:
    empty = pd.DataFrame(columns=list(MEASURE_COLUMNS))
    if frame is None:
        return empty
    made = _rows(frame, MEASURE_COLUMNS, "measures", years, found)
    if made is None:
        return empty
    made["amount_wan"] = pd.to_numeric(made["amount_wan"], errors="coerce")
    for i, (side, amount) in enumerate(zip(made["side"], made["amount_wan"], strict=True), 1):
        if side not in ("resource", "use"):
            found.add(f"measures row {i}, side", "budget.no_side", text=side)
        if not math.isfinite(amount):
            found.add(f"measures row {i}, amount_wan", "budget.no_measure_amount")
    return made


def surplus_use(surplus_wan: float, deficit_wan: float = 0.0) -> dict[str, float]:
    """Where an in-year revenue surplus 超收 goes: against the deficit, the rest into the fund.

    Source: 财预〔2018〕35号, art. 4; it may not pay for new spending.

    >>> surplus_use(100, 30)
    {'deficit_offset_wan': 30, 'fund_filled_wan': 70}
    """
    for name, value in (("surplus_wan", surplus_wan), ("deficit_wan", deficit_wan)):
        if not value >= 0:
            raise InputError(name, "budget.missing_or_negative", value=value)
    offset = min(surplus_wan, deficit_wan)
    return {"deficit_offset_wan": offset, "fund_filled_wan": surplus_wan - offset}


def fund_carry_over_excess(
    carry_over_wan: float, income_wan: float, on: Any, *, ceiling_pct: float | None = None
) -> float:
    """What of a government fund's carry-over goes into the stabilisation fund, 万元.

    Notes
    -----
    max(0, carry-over − ceiling · income of the year), ceiling
    ``fund_carry_over_ceiling`` (30 %, confidence M).

    >>> fund_carry_over_excess(400, 1000, "2026-12-31", ceiling_pct=30)
    100.0
    """
    if not (carry_over_wan >= 0 and income_wan >= 0):
        raise InputError("carry_over_wan", "budget.missing_or_negative", value=carry_over_wan)
    held = policy.value("fund_carry_over_ceiling", on=on) if ceiling_pct is None else ceiling_pct
    return 0.0 if held is None else max(0.0, carry_over_wan - income_wan * float(held) / 100)
