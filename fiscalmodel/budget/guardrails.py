"""Guardrails 约束线: floors and ceilings that a budget or plan must keep, by date.

The thresholds stand in ``params/policy/`` with their documents; this module
only sets shares against them.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pandas as pd

from fiscalmodel import policy
from fiscalmodel.days import to_date
from fiscalmodel.display import BLUE, Chart, Found, bars, chart
from fiscalmodel.findings import Finding, Severity
from fiscalmodel.tables.records import TableLike, read_records
from fiscalmodel.words import Text, headers_in, say


@dataclass(frozen=True)
class Rule:
    """One guardrail: `over` / `under` against the policy parameter `key`."""

    name: str
    over: str
    under: str
    key: str
    floor: bool = False
    severity: Severity = "error"

    @property
    def title(self) -> Text:
        """What it is called."""
        return say(f"budget.rule.{self.name}")


_COVERED = "sanbao_coverage_floor"
RULES = (
    Rule("livelihood_share", "livelihood_wan", "expenditure_wan", "livelihood_share_floor",
         floor=True),
    Rule("sanbao_coverage", "sanbao_arranged_wan", "sanbao_need_wan", _COVERED, floor=True),
    Rule("sanbao_livelihood", "livelihood_arranged_wan", "livelihood_need_wan", _COVERED,
         floor=True),
    Rule("sanbao_wages", "wages_arranged_wan", "wages_need_wan", _COVERED, floor=True),
    Rule("sanbao_operation", "operation_arranged_wan", "operation_need_wan", _COVERED, floor=True),
    Rule("ppp_share", "ppp_wan", "expenditure_wan", "ppp_share_ceiling"),
    Rule("ppp_share_warning", "ppp_wan", "expenditure_wan", "ppp_share_warning",
         severity="warning"),
    Rule("ppp_no_government_pay", "ppp_wan", "expenditure_wan", "ppp_share_no_new_government_pay",
         severity="note"),
    Rule("general_interest_share", "general_interest_wan", "expenditure_wan",
         "interest_share_ceiling"),
    Rule("special_interest_share", "special_interest_wan", "fund_expenditure_wan",
         "interest_share_ceiling"),
    Rule("general_debt_limit", "general_debt_wan", "general_limit_wan", "debt_limit_ceiling"),
    Rule("special_debt_limit", "special_debt_wan", "special_limit_wan", "debt_limit_ceiling"),
    Rule("reserve_floor", "reserve_wan", "expenditure_wan", "reserve_share_floor", floor=True,
         severity="warning"),
    Rule("reserve_ceiling", "reserve_wan", "expenditure_wan", "reserve_share_ceiling",
         severity="warning"),
    # No rule of the whole country: measured against a local bound, where the scenario gives one.
    Rule("self_sufficiency", "revenue_wan", "expenditure_wan", "", floor=True,
         severity="warning"),
    Rule("tax_share", "tax_wan", "revenue_wan", "", floor=True, severity="warning"),
    Rule("fund_size", "stabilisation_fund_wan", "expenditure_wan", "", floor=True,
         severity="warning"),
)  # fmt: skip
_DENOMINATORS = {rule.under for rule in RULES}
#: Columns that the rules are worked out from.
AMOUNTS = tuple(dict.fromkeys(name for rule in RULES for name in (rule.over, rule.under)))


@dataclass(frozen=True)
class LocalBound:
    """A bound of the region's own for one rule: percent, since when, by which document."""

    pct: float
    source: str
    start: dt.date = dt.date(1950, 1, 1)


@dataclass(frozen=True, repr=False)
class Guardrails(Found):
    """Each guardrail in each year.

    Attributes
    ----------
    table
        ``year, rule, share_pct, threshold_pct, bound, margin_wan, kept, over_change_wan,
        under_change_wan, source``; ``margin_wan`` is the amount above a floor or below a
        ceiling, negative where it is broken. Either change alone, of the numerator or of the
        denominator, would restore a rule that is broken (0 where it is kept). A rule whose
        columns are absent is left out, and so is one without a bound.
    found
        The guardrails that are broken.
    amounts
        The amounts that they were worked out from, by ``year``.
    """

    table: pd.DataFrame
    found: tuple[Finding, ...]
    amounts: pd.DataFrame = field(default_factory=pd.DataFrame)

    @property
    def answer(self) -> Text:
        """Whether all are kept, or which are broken."""
        if not len(self.table):
            return say("budget.nothing_to_check")
        if self.table["kept"].all():
            return say("budget.kept", count=self.table["rule"].nunique())
        titles = {rule.name: rule.title for rule in RULES}
        first = self.headroom.dropna(subset=["first_breach"])
        names = [
            say("budget.broken_from", rule=titles[name], year=int(year))
            for name, year in zip(first["rule"], first["first_breach"], strict=True)
        ]
        rules = self.table["rule"].nunique()
        return say("budget.broken", count=rules, broken=len(first), names=names)

    @cached_property
    def headroom(self) -> pd.DataFrame:
        """Each rule where it is tightest.

        ``rule, year, share_pct, threshold_pct, margin_wan, first_breach, over_change_wan,
        under_change_wan``: the year of the least room relative to the threshold, the first year
        in which it is broken, and what in the year of the least room would restore it.
        """
        rows = list[dict[str, Any]]()
        for rule, mine in self.table.groupby("rule", sort=False):
            sign = mine["bound"].map({"floor": 1.0, "ceiling": -1.0})
            room = (mine["share_pct"] - mine["threshold_pct"]) * sign / mine["threshold_pct"]
            tight = mine.iloc[int(room.argmin())]
            broken = mine[~mine["kept"].astype(bool)]
            first = float(broken["year"].iloc[0]) if len(broken) else math.nan
            rows.append({"rule": rule, "first_breach": first, **tight})
        columns = ["rule", "year", "share_pct", "threshold_pct", "margin_wan", "first_breach",
                   "over_change_wan", "under_change_wan"]  # fmt: skip
        return pd.DataFrame(rows, columns=columns)

    @property
    def short(self) -> pd.DataFrame:
        """Each rule where it is tightest, by name, with the first year in which it is broken."""
        titles = {rule.name: str(rule.title) for rule in RULES}
        head = self.headroom
        years = ["" if math.isnan(year) else str(int(year)) for year in head["first_breach"]]
        named = head.assign(rule=head["rule"].map(titles), first_breach=years)
        return named.rename(columns={"share_pct": "ratio_pct"})

    def plot(self, lang: str | None = None) -> Chart:
        """Room of each rule in its tightest year, in percent of the bound; below 0 it is broken."""
        head = self.headroom
        sign = head["rule"].map({rule.name: 1.0 if rule.floor else -1.0 for rule in RULES})
        room = (head["share_pct"] / head["threshold_pct"] - 1) * 100 * sign
        titles = {rule.name: rule.title(lang) for rule in RULES}
        shown = pd.DataFrame({"room_pct": room.to_numpy()}, index=head["rule"].map(titles))
        title = say("budget.chart_guardrails")
        return chart(bars, shown, title, self.answer, lang, unit="%", colors=(BLUE,))


def check_guardrails(
    frame: TableLike, on: Any = None, *, region: str = "",
    local: Mapping[str, LocalBound] | None = None,
) -> Guardrails:  # fmt: skip
    """Set a budget or plan against its guardrails.

    Parameters
    ----------
    frame
        One row a year: ``year`` and any of ``expenditure_wan`` (一般公共预算支出),
        ``livelihood_wan``, ``sanbao_arranged_wan`` with ``sanbao_need_wan``,
        ``ppp_wan``, ``general_interest_wan``, ``special_interest_wan`` with
        ``fund_expenditure_wan``, debts with their limits, ``reserve_wan`` and the others of
        `AMOUNTS`; 万元, blank where not known.
    on
        Day whose thresholds apply to all rows; by default each year's last day.
    region
        Region whose own rules apply too: a local floor is no floor of every county.
    local
        Rule -> a bound of the region's own, in the place of the general one.

    Raises
    ------
    InputError
        A missing year column, a year twice, text, negative amounts or an
        expenditure of 0.

    Notes
    -----
    share = numerator / denominator; a floor asks share ≥ threshold, a ceiling
    share ≤ threshold. PPP is the sum over all projects against the same year's
    own expenditure.

    Examples
    --------
    >>> rows = pd.DataFrame(
    ...     {"year": [2020], "livelihood_wan": [641814.0], "expenditure_wan": [846000.0]})
    >>> table = check_guardrails(rows, region="jianghan").table
    >>> table[["share_pct", "margin_wan"]].round(2).to_numpy().tolist()
    [[75.86, 7314.0]]
    """
    amounts = read_guardrail_amounts(frame)
    rows: list[dict[Any, Any]] = amounts.to_dict("records")
    lines, found = [], []
    for row in rows:
        day = dt.date(int(row["year"]), 12, 31) if on is None else to_date(on, where="on")
        for rule in RULES:
            over, under = row.get(rule.over, math.nan), row.get(rule.under, math.nan)
            bound = _bound(rule, day, region, local or {})
            if bound is None or not math.isfinite(over) or not math.isfinite(under):
                continue
            threshold, source = bound
            margin = (over - under * threshold / 100) * (1 if rule.floor else -1)
            kept = margin >= -1e-9 * under
            # Either the numerator or the denominator alone, to stand exactly at the bound.
            over_change = under * threshold / 100 - over
            under_change = over / threshold * 100 - under
            lines.append(
                {
                    "year": row["year"], "rule": rule.name, "share_pct": over / under * 100,
                    "threshold_pct": threshold, "bound": "floor" if rule.floor else "ceiling",
                    "margin_wan": margin, "kept": kept,
                    "over_change_wan": 0.0 if kept else over_change,
                    "under_change_wan": 0.0 if kept else under_change, "source": source,
                }
            )  # fmt: skip
            if not kept:
                found.append(_finding(rule, row["year"], over / under * 100, threshold, margin))
    columns = ["year", "rule", "share_pct", "threshold_pct", "bound", "margin_wan", "kept",
               "over_change_wan", "under_change_wan", "source"]  # fmt: skip
    return Guardrails(pd.DataFrame(lines, columns=columns), tuple(found), amounts)


def _bound(
    rule: Rule, day: dt.date, region: str, local: Mapping[str, LocalBound]
) -> tuple[float, str] | None:
    """The bound of a rule on a day and its source: the region's own before the general one."""
    own = local.get(rule.name)
    if own is not None and own.start <= day:
        return own.pct, own.source
    entry = policy.in_force(rule.key, day, region=region) if rule.key else None
    return None if entry is None else (float(entry.value), entry.citation())


def guardrails(
    frame: TableLike, on: Any = None, *, region: str = "",
    local: Mapping[str, LocalBound] | None = None,
) -> pd.DataFrame:  # fmt: skip
    """Findings of `check_guardrails`: one row for each guardrail that is broken."""
    return check_guardrails(frame, on, region=region, local=local).findings


def read_guardrail_amounts(source: TableLike) -> pd.DataFrame:
    """``year`` and the amounts of `AMOUNTS` that a table gives, one row a year.

    Raises
    ------
    InputError
        With every cell that cannot be read, every year that stands twice and every denominator
        of 0; a table without any of the columns.
    """
    table = read_records(source, name="guardrails", columns=headers_in("guardrails"), unit="万元")
    table.need("year")
    given = [name for name in AMOUNTS if table.has(name)]
    if not given and not table.found.problems:
        table.found.add(table.place(), "budget.no_column", name="…_wan", needed=list(AMOUNTS))
    rows = dict[int, dict[str, float]]()
    for row in table:
        year = row.year("year")
        if year in rows:
            row.report("year", "budget.year_twice", year=year)
        rows[year] = {name: row.wan(name, low=0, default=math.nan) for name in given}
        for name in given:
            if rows[year][name] == 0 and name in _DENOMINATORS:
                row.report(name, "budget.impossible_amount", value=0.0)
    table.done()
    return pd.DataFrame([{"year": year, **row} for year, row in rows.items()],
                        columns=["year", *given])  # fmt: skip


def _finding(rule: Rule, year: Any, share: float, threshold: float, margin: float) -> Finding:
    return Finding(
        rule.name, rule.severity, str(year), threshold, share, threshold - share, 0.0,
        say("budget.off_by", rule=rule.title, threshold=threshold, amount=abs(margin)), "%",
    )  # fmt: skip
