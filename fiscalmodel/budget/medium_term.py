"""The medium-term fiscal plan 中期财政规划: three years, rolled every year, binding the budget.

Step 1 is the baseline under current policy, step 2 adds the reforms.
Expenditure is built from lines, each a standard times a number (零基预算), or an amount
with its reason where no standard exists; nothing here grows with GDP or revenue by itself.
A standard or number changes only on a date and by a source.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from fiscalmodel import policy
from fiscalmodel.budget.account import SIDE_OF, known_line
from fiscalmodel.display import BLUE, ORANGE, RED, Chart, Found, bars, chart
from fiscalmodel.errors import Collector, InputError, did_you_mean
from fiscalmodel.findings import Finding, finding
from fiscalmodel.tables.records import FILLED, Row, TableLike, read_records
from fiscalmodel.words import Text, headers_in, say

#: Project classes of zero-based budgeting 五类项目.
CLASSES = ("保障运转", "社会事业", "产业发展", "重点建设", "特定事项")
LINE_COLUMNS = (
    "year", "line", "project_class", "standard_wan", "number", "basis", "sanbao_part",
)  # fmt: skip
#: Rule of a finding: the lines do not add up to the budget that stands beside them.
LINES_APART = "lines_apart"
#: Amounts in 万元 that differ by less are one to the 分.
TO_THE_FEN = 0.5e-6
#: A basis that ties spending to these is refused; 低收入家庭 and the like are no such tie.
_TIED = re.compile(
    r"gdp|生产总值|物价指数|cpi|指数化|挂钩|revenue growth|% of revenue|price index"
    r"|(?<!低)(?<!民)收入(?:增[幅长速]|的?\s*\d|的?比例|比重|同步)|按比例增长|同比例|同步增长",
    re.IGNORECASE,
)


@dataclass(frozen=True, repr=False)
class MediumTermPlan(Found):
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
        Years whose uses exceed what there is; lines that are another budget than the balance.
    changes
        Against last year's plan: ``year, line, change_wan``; None where none is given.
    execution
        Last year's plan against its outturn: ``year, line, planned_wan, outturn_wan,
        difference_wan, execution_pct``; None where none is given.
    """

    table: pd.DataFrame
    lines: pd.DataFrame
    measures: pd.DataFrame
    found: tuple[Finding, ...]
    changes: pd.DataFrame | None = None
    execution: pd.DataFrame | None = None

    @property
    def answer(self) -> Text:
        """Whether the years balance, and the ceiling of the first."""
        years, short = self.table["year"], self.table["shortfall_wan"]
        span = {"first": years.iloc[0], "last": years.iloc[-1], "ceiling": self.ceiling_wan}
        gaps = [found.where for found in self.found if found.rule != LINES_APART]
        if len(gaps) < len(self.found) and not gaps:
            return say("budget.plan_apart", **span)
        if not gaps:
            fund = float(self.table["fund_closing_wan"].iloc[-1])
            return say("budget.plan_holds", **span, fund=fund)
        first = gaps[0]
        return say("budget.plan_short", **span, short=math.fsum(short), year=first)

    @property
    def short(self) -> pd.DataFrame:
        """Resources, spending, balance and fund by year."""
        columns = ["year", "resources_wan", "expenditure_wan", "balance_wan", "fund_closing_wan",
                   "shortfall_wan"]  # fmt: skip
        return self.table[columns].rename(
            columns={"balance_wan": "net_wan", "resources_wan": "money_wan"}
        )

    def plot(self, lang: str | None = None) -> Chart:
        """Resources and expenditure of each year beside the gap before reforms."""
        columns = ["resources_wan", "expenditure_wan", "baseline_gap_wan"]
        table = self.table.set_index("year")[columns]
        shown = table.rename(columns={"resources_wan": "money_wan"})
        colors = (BLUE, ORANGE, RED)
        return chart(bars, shown, say("budget.chart_plan"), self.answer, lang, colors=colors)

    @property
    def compared(self) -> list[Text]:
        """Against last year's plan and its outturn, in sentences; none where none is given."""
        said = list[Text]()
        if self.changes is not None and len(self.changes):
            first = self.changes[self.changes["year"].eq(self.changes["year"].min())]
            largest = first.reindex(first["change_wan"].abs().sort_values().index[::-1]).head(3)
            lines = [
                say("budget.line_changed", year=int(year), line=line, amount=float(amount))
                for year, line, amount in largest.itertuples(index=False)
            ]
            said.append(say("budget.plan_changed", lines=lines))
        if self.execution is not None and len(self.execution):
            both = self.execution.dropna(subset=["planned_wan", "outturn_wan"])
            pct = float(both["outturn_wan"].sum() / both["planned_wan"].sum() * 100)
            said.append(say("budget.plan_executed", pct=pct))
        return said

    @property
    def ceiling_wan(self) -> float:
        """Expenditure of the first year, which binds the annual budget."""
        return float(self.table["expenditure_wan"].iloc[0])

    def change_from(self, earlier: MediumTermPlan | pd.DataFrame) -> pd.DataFrame:
        """Change against last year's plan in the years both hold: ``year, line, change_wan``.

        `earlier` is a plan, or its lines: ``year, line, amount_wan``.
        """
        before = earlier.lines if isinstance(earlier, MediumTermPlan) else earlier
        sums = [
            lines.groupby(["year", "line"])["amount_wan"].sum() for lines in (before, self.lines)
        ]
        shared = set(before["year"]) & set(self.table["year"])
        change = (sums[1].sub(sums[0], fill_value=0.0)).rename("change_wan").reset_index()
        return change[change["year"].isin(shared) & change["change_wan"].ne(0)].reset_index(
            drop=True
        )


def read_plan_lines(
    source: TableLike, years: Sequence[int], *, changes: TableLike | None = None
) -> pd.DataFrame:
    """Spending lines of a plan from a table, one row a line and year.

    Parameters
    ----------
    source
        ``line, project_class, basis`` and ``standard_wan, number``, or ``amount_wan`` where no
        standard exists (then `basis` says why). A row with ``year`` holds in that year alone,
        one without in all years of the plan. ``sanbao_part`` names the part of 三保 that the
        line belongs to.
    years
        Years of the plan.
    changes
        Dated changes: ``line, year`` (from then on), ``standard_wan`` or ``number``, ``source``.

    Raises
    ------
    InputError
        With every problem of both tables: a line without a standard or an amount, with both, a
        change without a source or of a line that is not there.
    """
    found = Collector()
    rows = _line_rows(source, years, found)
    for change in _changes(changes, {str(row["line"]) for row in rows}, found):
        for made in rows:
            if made["line"] == change["line"] and made["year"] >= change["year"]:
                made |= {k: change[k] for k in ("standard_wan", "number") if change[k] is not None}
                made["basis"] = f"{made['basis']}；{change['source']}"
    found.raise_if_any()
    return pd.DataFrame(rows, columns=list(LINE_COLUMNS))


def _line_rows(
    source: TableLike, years: Sequence[int], found: Collector, *, all_years: bool = True
) -> list[dict[str, Any]]:
    """A row for each line and year; a year outside the plan is left out, or a problem."""
    table = read_records(
        source, name="lines", columns=headers_in("plan_lines"), unit="万元", found=found
    )
    if not table.need("line", "project_class", "basis"):
        return []
    rows = list[dict[str, Any]]()
    for row in table:
        kind, basis = row.text("project_class"), row.text("basis")
        if kind not in CLASSES:
            row.report("project_class", "budget.no_class", text=kind, classes=CLASSES)
        if not basis:
            row.report("basis", "budget.no_basis")
        elif _TIED.search(basis):
            row.report("basis", "budget.tied", text=basis)
        amount, standard = (not row.blank(name) for name in ("amount_wan", "standard_wan"))
        used = "standard_wan" if standard else "amount_wan"
        each = row.wan(used, low=0) if amount or standard else math.nan
        number = row.number("number", low=0) if standard else 1.0
        if amount == standard and not (
            amount and abs(row.wan("amount_wan") - each * number) <= TO_THE_FEN
        ):
            row.report("standard_wan", "budget.one_amount")
        mine = list(years) if row.blank("year") else [row.year("year")]
        if not all_years:
            _in_plan(row, years)
        made = {
            "line": row.text("line", FILLED), "project_class": kind, "standard_wan": each,
            "number": number, "basis": basis,
            "sanbao_part": row.word("sanbao_part", "sanbao_part", default=""),
        }  # fmt: skip
        rows += [{"year": year, **made} for year in mine if year in years]
    return rows


def _in_plan(row: Row, years: Sequence[int]) -> None:
    year = None if row.blank("year") else row.year("year")
    if year is not None and year not in years:
        row.report("year", "budget.not_in_plan", year=year, years=list(years))


def _changes(source: TableLike | None, known: set[str], found: Collector) -> list[dict[str, Any]]:
    """Dated changes in order of their year; each names its line and its source."""
    if source is None:
        return []
    table = read_records(
        source, name="changes", columns=headers_in("plan_lines"), unit="万元", found=found
    )
    table.need("line", "year", "source")
    made = list[dict[str, Any]]()
    for row in table:
        name = row.text("line", FILLED)
        if name not in known:
            row.report("line", "budget.no_such_line", did_you_mean(name, known), text=name)
        if row.blank("source"):
            row.report("source", "budget.change_without_source")
        if row.blank("standard_wan") and row.blank("number"):
            row.report("standard_wan", "budget.nothing_changes")
        standard = None if row.blank("standard_wan") else row.wan("standard_wan", low=0)
        number = None if row.blank("number") else row.number("number", low=0)
        made.append(
            {
                "line": name,
                "year": row.year("year"),
                "source": row.text("source"),
                "standard_wan": standard,
                "number": number,
            }
        )
    return sorted(made, key=lambda change: change["year"])


def read_amounts_by_line(source: TableLike, *, name: str) -> pd.DataFrame:
    """An earlier plan or an outturn: ``year, line, amount_wan``; a line's parts are added up.

    Raises
    ------
    InputError
        With every cell that cannot be read.
    """
    table = read_records(source, name=name, columns=headers_in("plan_lines"), unit="万元")
    table.need("line", "year", "amount_wan")
    rows = [
        (row.year("year"), row.text("line", FILLED), row.wan("amount_wan", low=0)) for row in table
    ]
    table.done()
    made = pd.DataFrame(rows, columns=["year", "line", "amount_wan"])
    return made.groupby(["year", "line"], sort=False)[["amount_wan"]].sum().reset_index()


def read_flows(source: TableLike, years: Sequence[int]) -> list[tuple[int, str, float]]:
    """The account's other lines by year: ``year, item, amount_wan, basis``; uses with a minus.

    A row without ``year`` holds in every year. Revenue and expenditure do not belong here.

    Raises
    ------
    InputError
        With every cell that cannot be read, every unknown line and every row without a basis.
    """
    table = read_records(source, name="flows", columns=headers_in("plan_flows"), unit="万元")
    table.need("item", "amount_wan", "basis")
    rows = list[tuple[int, str, float]]()
    for row in table:
        line = known_line(row.text("item", FILLED))
        side = SIDE_OF.get(line or "")
        if line in ("revenue", "expenditure") or (
            side not in ("resource", "use") and line != "carry_over"
        ):
            row.report("item", "budget.flow_unknown", text=row.text("item"))
            continue
        row.text("basis", FILLED)
        amount = row.wan("amount_wan", low=0)
        mine = list(years) if row.blank("year") else [row.year("year")]
        sign = 1.0 if side == "resource" else -1.0
        rows += [(year, str(line), sign * amount) for year in mine if year in years]
    table.done()
    return rows


def against_outturn(planned: pd.DataFrame, outturn: pd.DataFrame) -> pd.DataFrame:
    """A plan's lines beside what was spent, in the years that both hold.

    Returns
    -------
    DataFrame
        ``year, line, planned_wan, outturn_wan, difference_wan, execution_pct``; what only one
        of them has is missing in the other, not 0.
    """
    sums = [t.groupby(["year", "line"], sort=False)["amount_wan"].sum() for t in (planned, outturn)]
    made = pd.concat(sums, axis=1, keys=["planned_wan", "outturn_wan"]).reset_index()
    made = made[made["year"].isin(set(planned["year"]) & set(outturn["year"]))]
    made["difference_wan"] = made["outturn_wan"] - made["planned_wan"]
    made["execution_pct"] = made["outturn_wan"] / made["planned_wan"].where(lambda w: w > 0) * 100
    return made.reset_index(drop=True)


def medium_term_plan(
    resources_wan: Mapping[int, float] | pd.Series,
    lines: TableLike,
    measures: TableLike | None = None,
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
        Expenditure lines as for `read_plan_lines`, or what it made of them. A basis that ties
        the line to GDP or revenue growth is refused.
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
    spending = pd.DataFrame(
        _line_rows(lines, years, found, all_years=False), columns=list(LINE_COLUMNS)
    )
    spending["amount_wan"] = spending["standard_wan"] * spending["number"]
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


def _measures(source: TableLike | None, years: Sequence[int], found: Collector) -> pd.DataFrame:
    """Reforms of step 2, each in a year of the plan and with its basis."""
    rows = list[tuple[Any, ...]]()
    if source is not None:
        table = read_records(
            source, name="measures", columns=headers_in("plan_measures"), unit="万元", found=found
        )
        table.need(*headers_in("plan_measures"))
        for row in table:
            _in_plan(row, years)
            rows.append((row.year("year"), row.text("measure", FILLED),
                         row.word("side", "budget_side"), row.wan("amount_wan"),
                         row.text("basis", FILLED)))  # fmt: skip
    return pd.DataFrame(rows, columns=list(headers_in("plan_measures"))).astype(
        {"amount_wan": float}
    )


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
    held = ceiling_pct
    if held is None:
        entry = policy.in_force("fund_carry_over_ceiling", on)
        if entry is None:
            return 0.0
        held = float(entry.value)
    return max(0.0, carry_over_wan - income_wan * held / 100)
