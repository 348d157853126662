"""Guardrails 约束线: floors and ceilings that a budget or plan must keep, by date.

The thresholds stand in ``params/policy/`` with their documents; this module
only sets shares against them.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd

from fiscalmodel import policy
from fiscalmodel.days import calendar_year, to_date
from fiscalmodel.display import Result
from fiscalmodel.errors import Collector, InputError
from fiscalmodel.findings import Finding, Severity, to_frame
from fiscalmodel.words import Text, say


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


RULES = (
    Rule("livelihood_share", "livelihood_wan", "expenditure_wan", "livelihood_share_floor",
         floor=True),
    Rule("sanbao_coverage", "sanbao_arranged_wan", "sanbao_need_wan", "sanbao_coverage_floor",
         floor=True),
    Rule("ppp_share", "ppp_wan", "expenditure_wan", "ppp_share_ceiling"),
    Rule("ppp_share_warning", "ppp_wan", "expenditure_wan", "ppp_share_warning",
         severity="warning"),
    Rule("ppp_no_government_pay", "ppp_wan", "expenditure_wan", "ppp_share_no_new_government_pay",
         severity="note"),
    Rule("general_interest_share", "general_interest_wan", "expenditure_wan",
         "interest_share_ceiling"),
    Rule("special_interest_share", "special_interest_wan", "fund_expenditure_wan",
         "interest_share_ceiling"),
)  # fmt: skip


@dataclass(frozen=True, repr=False)
class Guardrails(Result):
    """Each guardrail in each year.

    Attributes
    ----------
    table
        ``year, rule, share_pct, threshold_pct, bound, margin_wan, kept,
        source``; ``margin_wan`` is the amount above a floor or below a ceiling,
        negative where it is broken. A rule whose columns are absent is left out.
    found
        The guardrails that are broken.
    """

    table: pd.DataFrame
    found: tuple[Finding, ...]

    @property
    def findings(self) -> pd.DataFrame:
        """`found` as a frame with the house columns."""
        return to_frame(self.found)

    @property
    def answer(self) -> Text:
        """Whether all are kept, or which are broken."""
        if not len(self.table):
            return say("budget.nothing_to_check")
        if not self.found:
            return say("budget.kept", count=len(self.table))
        titles = {rule.name: rule.title for rule in RULES}
        names = [titles[name] for name in dict.fromkeys(found.rule for found in self.found)]
        return say("budget.broken", count=len(self.table), broken=len(self.found), names=names)

    @property
    def short(self) -> pd.DataFrame:
        """The table with the rules by name."""
        titles = {rule.name: str(rule.title) for rule in RULES}
        named = self.table.assign(rule=self.table["rule"].map(titles))
        return named.rename(columns={"share_pct": "ratio_pct"})


def check_guardrails(frame: pd.DataFrame, on: Any = None) -> Guardrails:
    """Set a budget or plan against its guardrails.

    Parameters
    ----------
    frame
        One row a year: ``year`` and any of ``expenditure_wan`` (一般公共预算支出),
        ``livelihood_wan``, ``sanbao_arranged_wan`` with ``sanbao_need_wan``,
        ``ppp_wan``, ``general_interest_wan``, ``special_interest_wan`` with
        ``fund_expenditure_wan``; 万元, blank where not known.
    on
        Day whose thresholds apply to all rows; by default each year's last day.

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
    >>> check_guardrails(rows).table[["share_pct", "margin_wan"]].round(2).to_numpy().tolist()
    [[75.86, 7314.0]]
    """
    rows = _checked(frame)
    lines, found = [], []
    for row in rows:
        day = dt.date(int(row["year"]), 12, 31) if on is None else to_date(on, where="on")
        for rule in RULES:
            over, under = row.get(rule.over, math.nan), row.get(rule.under, math.nan)
            entry = policy.in_force(rule.key, day)
            if entry is None or not math.isfinite(over) or not math.isfinite(under):
                continue
            threshold = float(entry.value)
            margin = (over - under * threshold / 100) * (1 if rule.floor else -1)
            kept = margin >= -1e-9 * under
            lines.append(
                {
                    "year": row["year"], "rule": rule.name, "share_pct": over / under * 100,
                    "threshold_pct": threshold, "bound": "floor" if rule.floor else "ceiling",
                    "margin_wan": margin, "kept": kept, "source": entry.citation(),
                }
            )  # fmt: skip
            if not kept:
                found.append(_finding(rule, row["year"], over / under * 100, threshold, margin))
    columns = ["year", "rule", "share_pct", "threshold_pct", "bound", "margin_wan", "kept",
               "source"]  # fmt: skip
    return Guardrails(pd.DataFrame(lines, columns=columns), tuple(found))


def guardrails(frame: pd.DataFrame, on: Any = None) -> pd.DataFrame:
    """Findings of `check_guardrails`: one row for each guardrail that is broken."""
    return check_guardrails(frame, on).findings


def _finding(rule: Rule, year: Any, share: float, threshold: float, margin: float) -> Finding:
    return Finding(
        rule.name, rule.severity, str(year), threshold, share, threshold - share, 0.0,
        say("budget.off_by", rule=rule.title, threshold=threshold, amount=abs(margin)), "%",
    )  # fmt: skip


def _checked(frame: pd.DataFrame) -> list[dict[str, Any]]:
    found = Collector()
    if not isinstance(frame, pd.DataFrame):
        raise InputError("frame", "budget.not_a_table", kind=type(frame).__name__)
    if "year" not in frame:
        raise InputError("frame", "budget.no_year_column")
    for year in frame["year"]:
        calendar_year(year, where="year")
    for year in frame["year"][frame["year"].duplicated()]:
        found.add(f"year {year}", "budget.year_twice", year=year)
    known = {name for rule in RULES for name in (rule.over, rule.under)}
    denominators = {rule.under for rule in RULES}
    rows = [{"year": year} for year in frame["year"]]
    for name in frame.columns.intersection(sorted(known)):
        for row, raw, value in zip(rows, frame[name], _numbers(frame[name]), strict=True):
            blank = raw is None or raw != raw
            where = f"{name}[{row['year']}]"
            if not blank and not math.isfinite(value):
                found.add(where, "budget.not_a_number", text=raw)
            elif value < 0 or (value == 0 and name in denominators):
                found.add(where, "budget.impossible_amount", value=value)
            row[name] = value
    found.raise_if_any()
    return rows


def _numbers(column: pd.Series[Any]) -> Iterator[float]:
    return iter(pd.to_numeric(column, errors="coerce").astype(float))
