"""Risk of government debt 债务风险: ratios, grades, limits, interest, and their path by year.

The debt ratio 债务率 is told in two calibres: statutory debt alone, and with
hidden debt, which is the one that the risk grade looks at. Thresholds come from
``params/policy/`` by date.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from fiscalmodel import policy
from fiscalmodel.days import calendar_year, to_date
from fiscalmodel.debt.ledger import above_limit
from fiscalmodel.display import Checked
from fiscalmodel.errors import Collector, InputError
from fiscalmodel.findings import Finding, finding
from fiscalmodel.words import Text, label, say

if TYPE_CHECKING:
    from fiscalmodel.display import Chart

#: Gravest first.
GRADES = ("red", "orange", "yellow", "green")

#: Columns of the input, all 万元; those after the first group are optional.
REQUIRED = ("year", "resources_wan", "general_wan", "special_wan")
OPTIONAL = (
    "hidden_wan",
    "general_limit_wan",
    "special_limit_wan",
    "general_interest_wan",
    "special_interest_wan",
    "hidden_interest_wan",
    "principal_due_wan",
    "expenditure_wan",
    "fund_expenditure_wan",
    "general_resources_wan",
    "fund_resources_wan",
)
#: Policy parameters: ceiling of the interest shares, and warning line of the statutory ratio.
CEILINGS = ("interest_share_ceiling", "statutory_debt_warning_ratio")


@dataclass(frozen=True, repr=False)
class RiskPath(Checked):
    """Debt risk by year.

    Attributes
    ----------
    table
        One row a year: the input, ``statutory_ratio_pct`` and ``risk_ratio_pct``
        (with hidden debt), ``grade``, ``general_headroom_wan``,
        ``special_headroom_wan``, ``general_interest_pct``,
        ``special_interest_pct``. What cannot be computed is missing; so is the
        grade of a year before the thresholds, which a finding tells.
    found
        Limits, warning lines and ceilings that are broken.
    calibres
        What each ratio counts, for the report.
    """

    table: pd.DataFrame
    found: tuple[Finding, ...]
    calibres: Mapping[str, Text]

    @property
    def answer(self) -> Text:
        """Ratio and grade at the beginning and at the end."""
        first, last = self.table.iloc[0], self.table.iloc[-1]
        codes = [str(row["grade"]) for row in (first, last)]
        grades = [Text(label(c, "zh", "debt"), label(c, "en", "debt")) for c in codes]
        return say("debt.risk.answer", first=int(first["year"]), last=int(last["year"]),
                   before=first["risk_ratio_pct"], after=last["risk_ratio_pct"],
                   grade=grades[0], grade_after=grades[1])  # fmt: skip

    @property
    def short(self) -> pd.DataFrame:
        """Debt, resources, ratios and grade."""
        columns = ["year", "general_wan", "special_wan", "hidden_wan", "resources_wan",
                   "statutory_ratio_pct", "risk_ratio_pct", "grade"]  # fmt: skip
        return self.table[[c for c in columns if c in self.table]]

    def plot(self, lang: str | None = None) -> Chart:
        """Debt ratios by year with the bounds of the grades on the last day."""
        from fiscalmodel.debt.charts import risk_chart

        day = dt.date(int(self.table["year"].iloc[-1]), 12, 31)
        bounds = policy.value("debt_risk_grades", on=day)
        return risk_chart(self.table, {g: float(bounds[g]) for g in GRADES[2::-1]}, lang)


def grade_of(ratio_pct: float, on: Any, *, bounds: Mapping[str, float] | None = None) -> str:
    """Risk grade of a debt ratio on a day: red, orange, yellow or green.

    Parameters
    ----------
    ratio_pct
        Debt with hidden debt over comprehensive resources, percent.
    on
        Day whose thresholds apply.
    bounds
        Other lower bounds, as ``{"yellow": 120, "orange": 200, "red": 300}``.

    Notes
    -----
    A ratio equal to a bound belongs to the graver grade.

    Source: ``debt_risk_grades`` in ``params/policy/`` (confidence M).
    """
    if not math.isfinite(ratio_pct) or ratio_pct < 0:
        raise InputError("ratio_pct", "debt.missing_or_negative", text=ratio_pct)
    lower = policy.value("debt_risk_grades", on=on) if bounds is None else bounds
    return next((g for g in GRADES[:-1] if ratio_pct >= float(lower[g])), "green")


def risk_path(
    frame: pd.DataFrame, *, on: Any = None, bounds: Mapping[str, float] | None = None
) -> RiskPath:
    """Ratios, grade, limits and interest shares of each year.

    Parameters
    ----------
    frame
        One row a year: ``year``, ``resources_wan`` (综合财力), ``general_wan``
        and ``special_wan`` (year-end balances); optional ``hidden_wan``, limits
        ``general_limit_wan`` and ``special_limit_wan``, ``general_interest_wan``
        with ``expenditure_wan``, ``special_interest_wan`` with
        ``fund_expenditure_wan``; ``general_resources_wan`` and
        ``fund_resources_wan`` where each debt is set against its own budget.
    on
        Day whose thresholds apply to all years; by default each year's last day.
    bounds
        Other bounds of the grades; see `grade_of`.

    Raises
    ------
    InputError
        Missing columns, a year twice, negative or missing amounts, all at once.

    Notes
    -----
    Statutory ratio = (general + special) / resources; risk ratio adds hidden
    debt. Interest share: general interest / general-budget expenditure, special
    interest / fund expenditure, each against its ceiling (国办函〔2016〕88号).
    """
    table = _checked(frame)
    ends = [dt.date(int(year), 12, 31) for year in table["year"]]
    days = ends if on is None else [to_date(on, where="on")] * len(ends)
    statutory = table["general_wan"] + table["special_wan"]
    hidden = table.get("hidden_wan", 0.0)
    table["statutory_ratio_pct"] = statutory / table["resources_wan"] * 100
    table["risk_ratio_pct"] = (statutory + hidden) / table["resources_wan"] * 100
    table["grade"] = [
        grade_of(float(r), d, bounds=bounds)
        if bounds or policy.in_force("debt_risk_grades", d)
        else None
        for r, d in zip(table["risk_ratio_pct"], days, strict=True)
    ]
    for kind, base in (("general", "expenditure_wan"), ("special", "fund_expenditure_wan")):
        if f"{kind}_limit_wan" in table:
            table[f"{kind}_headroom_wan"] = table[f"{kind}_limit_wan"] - table[f"{kind}_wan"]
        if f"{kind}_interest_wan" in table and base in table:
            share = table[f"{kind}_interest_wan"] / table[base].where(table[base] > 0) * 100
            table[f"{kind}_interest_pct"] = share
    for kind, own in (("general", "general_resources_wan"), ("special", "fund_resources_wan")):
        if own in table:
            table[f"{kind}_ratio_pct"] = (
                table[f"{kind}_wan"] / table[own].where(table[own] > 0) * 100
            )
    hidden_known = "with_hidden" if "hidden_wan" in table else "no_hidden"
    calibres = {
        "statutory_ratio_pct": say("debt.risk.statutory"),
        "risk_ratio_pct": say(f"debt.risk.{hidden_known}"),
    }
    return RiskPath(table, tuple(_broken(table, days)), calibres)


def _checked(frame: pd.DataFrame) -> pd.DataFrame:
    found = Collector()
    if not isinstance(frame, pd.DataFrame):
        raise InputError("frame", "debt.no_frame", text=type(frame).__name__)
    for name in REQUIRED:
        if name not in frame:
            found.add("frame", "ground.missing", name=name)
    found.raise_if_any()
    table = frame[[c for c in frame.columns if c in (*REQUIRED, *OPTIONAL)]].reset_index(drop=True)
    for year in table["year"]:
        calendar_year(year, where="year")
    for year in table["year"][table["year"].duplicated()]:
        found.add(f"year {year}", "debt.year_twice", year=year)
    for name in table.columns.drop("year"):
        # Hidden debt that is not stated is not 0.
        optional = name in OPTIONAL and name != "hidden_wan"
        values = pd.to_numeric(table[name], errors="coerce")
        for year, value, raw in zip(table["year"], values, table[name], strict=True):
            blank = raw is None or raw != raw
            if (not optional or not blank) and not math.isfinite(value):
                found.add(f"{name}[{year}]", "debt.missing_or_negative", text=raw)
            elif value < 0 or (name == "resources_wan" and value == 0):
                found.add(f"{name}[{year}]", "debt.missing_or_negative", text=f"{value:g}")
        table[name] = values
    found.raise_if_any()
    return table.sort_values("year", ignore_index=True)


def _broken(table: pd.DataFrame, days: list[Any]) -> Iterator[Finding]:
    for row, day in zip(table.to_dict("records"), days, strict=True):
        year = row["year"]
        ceiling, line = (
            math.inf if rule is None else float(rule.value)
            for rule in (policy.in_force(key, day) for key in CEILINGS)
        )
        if row["grade"] not in GRADES:
            yield finding(
                "no_grade", str(year), computed=row["risk_ratio_pct"], severity="note", unit="%",
                said=say("debt.risk.no_grade"),
            )  # fmt: skip
        for kind in ("general", "special"):
            limit = row.get(f"{kind}_limit_wan", math.nan)
            yield from above_limit(f"{year} {kind}", kind, limit, row[f"{kind}_wan"])
            share = row.get(f"{kind}_interest_pct", math.nan)
            if share > ceiling:
                yield finding(
                    "interest_share", f"{year} {kind}", stated=ceiling, computed=share,
                    unit="%", said=say("debt.risk.interest_share", kind=say(f"debt.{kind}")),
                )  # fmt: skip
        apart: list[str] = [k for k in ("general_ratio_pct", "special_ratio_pct") if k in row]
        for name in apart or ["statutory_ratio_pct"]:
            ratio = row[name]
            if ratio > line:
                yield finding(
                    "statutory_ratio", f"{year} {name.split('_')[0]}", stated=line, computed=ratio,
                    severity="warning", unit="%", said=say("debt.risk.statutory_ratio"),
                )  # fmt: skip
