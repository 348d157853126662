"""Self-scores of a project 绩效自评: execution for 20 points, indicators for 80.

And what follows for next year: the ceiling that execution and score leave a project.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import pandas as pd

from fiscalmodel import policy
from fiscalmodel.display import Found
from fiscalmodel.errors import Collector, InputError
from fiscalmodel.findings import Finding, finding
from fiscalmodel.tables.records import Row, TableLike, read_records
from fiscalmodel.words import Text, headers_in, say


@dataclass(frozen=True, repr=False)
class ScoreForm(Found):
    """One self-score form.

    Attributes
    ----------
    table
        ``indicator, comparator, value, achieved, weight, points``; points are missing where
        nothing is entered as achieved.
    execution_pct
        Executed ÷ budget, in percent; missing where either is.
    execution_points
        Its points, capped at full marks.
    weight, execution_weight
        Points that the indicators and execution can give.
    pending
        Indicators without an achieved value.
    """

    table: pd.DataFrame
    execution_pct: float
    execution_points: float
    weight: float
    execution_weight: float
    pending: tuple[str, ...]
    found: tuple[Finding, ...]

    @property
    def points(self) -> float:
        """The score; missing while anything is pending."""
        return self.execution_points + float(self.table["points"].sum(skipna=False))

    @property
    def most(self) -> float:
        """The highest score that the execution still allows."""
        known = self.table["points"].fillna(self.table["weight"]).sum()
        points = self.execution_points
        return float(known) + (self.execution_weight if math.isnan(points) else points)

    @property
    def answer(self) -> Text:
        """The score, or what is still missing for it."""
        values = {"rate": self.execution_pct, "execution": self.execution_points,
                  "most": self.most}  # fmt: skip
        if math.isnan(self.execution_points):
            return say("warning.score_no_execution", most=self.most, count=len(self.pending))
        if self.pending:
            return say("warning.score_pending", count=len(self.pending), **values)
        return say("warning.scored", points=self.points, **values)


def score_form(
    indicators: TableLike,
    *,
    budget_wan: float | None = None,
    executed_wan: float | None = None,
    on: Any,
) -> ScoreForm:
    """Score one project's form.

    Parameters
    ----------
    indicators
        ``indicator, comparator`` (≥, ≤, =, range, blank for a qualitative one), ``value`` (the
        target), ``achieved`` and ``weight``. A qualitative indicator is achieved in percent.
    budget_wan, executed_wan
        Budget (as adjusted) and what was spent of it.
    on
        Day whose weights apply (``performance_weight_execution``, ``..._indicators``).

    Raises
    ------
    InputError
        Indicators that stand twice, weights that do not add up to the points of the rule,
        unknown comparators, negative amounts: all at once.

    Notes
    -----
    Execution: points · min(1, executed / budget). ``≥`` and ``=``: weight · min(1, achieved /
    target); ``≤``: weight · min(1, target / achieved); a range: full marks within it, else in
    proportion to the nearer end; qualitative: weight · percent achieved.

    Source: the usual self-score form; weights of six forms of 江汉区财政局 for 2024 add up to 80.

    Examples
    --------
    >>> rows = [{"indicator": "培训", "comparator": ">=", "value": 10, "achieved": 9, "weight": 80}]
    >>> score_form(rows, budget_wan=100, executed_wan=95, on="2026-12-31").points
    91.0
    """
    found = Collector()
    records = read_records(indicators, name="indicators", columns=headers_in("scores"), found=found)
    records.need("indicator", "weight")
    rows, seen = [], set()
    for row in records:
        name, weight = row.text("indicator"), row.number("weight", low=0, high=100)
        comparator = row.word("comparator", "comparator", default="qualitative")
        if name in seen:
            row.report("indicator", "warning.indicator_twice", text=name)
        seen.add(name)
        plain = comparator == "qualitative"
        target = math.nan if plain else row.number("value", default=math.nan)
        achieved = row.number("achieved", low=0, default=math.nan)
        high = row.number("value_max", default=math.nan)
        rows.append({
            "indicator": name, "comparator": comparator, "value": target, "achieved": achieved,
            "weight": weight, "points": weight * _share(row, comparator, target, high, achieved),
        })  # fmt: skip
    total = float(policy.value("performance_weight_indicators", on=on))
    execution = float(policy.value("performance_weight_execution", on=on))
    table = pd.DataFrame(rows, columns=["indicator", "comparator", "value", "achieved", "weight",
                                        "points"])  # fmt: skip
    if not found.problems and abs(table["weight"].sum() - total) > 1e-9:
        found.add(records.place(), "warning.weights", sum=table["weight"].sum(), total=total)
    rate = _rate(budget_wan, executed_wan, found)
    found.raise_if_any()
    notes = []
    if rate > 100 + 1e-9:
        notes.append(finding("execution", "executed_wan", stated=budget_wan, computed=executed_wan,
                             severity="warning", said=say("warning.over_budget")))  # fmt: skip
    pending = tuple(table.loc[table["points"].isna(), "indicator"])
    return ScoreForm(table, rate, execution * min(1.0, rate / 100), total, execution, pending,
                     tuple(notes))  # fmt: skip


def _share(row: Row, comparator: str, target: float, high: float, achieved: float) -> float:
    """Part of the weight that is earned, 0 to 1; missing where nothing is known."""
    if math.isnan(achieved):
        return math.nan
    if comparator == "qualitative":
        return min(achieved, 100.0) / 100
    if math.isnan(target):
        row.report("value", "warning.no_target", text=row.text("indicator"))
        return math.nan
    if comparator == "<=":
        return 1.0 if achieved <= target else target / achieved
    if comparator == "range" and not math.isnan(high) and achieved > high:
        return high / achieved
    if target == 0:
        return 1.0 if achieved == 0 or comparator == ">=" else 0.0
    return min(1.0, achieved / target)


def _rate(budget: float | None, executed: float | None, found: Collector) -> float:
    if budget is None or executed is None:
        return math.nan
    if not budget > 0:
        found.add("budget_wan", "budget.missing_or_negative", value=budget)
        return math.nan
    if not executed >= 0:
        found.add("executed_wan", "budget.missing_or_negative", value=executed)
        return math.nan
    return executed / budget * 100


@dataclass(frozen=True, repr=False)
class NextCeilings(Found):
    """Next year's ceilings by execution and score.

    Attributes
    ----------
    table
        ``project, budget_wan, executed_wan, rate_of_execution_pct, score, most`` (the highest
        score that this execution allows), ``ceiling_wan, cut_wan, reason``.
    found
        Self-scores above what their execution allows.
    """

    table: pd.DataFrame
    found: tuple[Finding, ...]

    @property
    def answer(self) -> Text:
        """What is cut, and which scores cannot be right."""
        cut = self.table["cut_wan"]
        said = say("warning.next_ceilings", count=len(self.table), cut=int((cut > 0).sum()),
                   amount=float(cut.sum()))  # fmt: skip
        names = [found.where for found in self.found]
        return said + say("warning.scores_too_high", names=names) if names else said


def next_ceilings(
    projects: TableLike, *, least_execution_pct: float, least_score: float, on: Any
) -> NextCeilings:
    """Next year's ceiling of each project from its execution and its score.

    Parameters
    ----------
    projects
        ``project, budget_wan, adjusted_wan`` (blank: not adjusted), ``executed_wan, score``.
    least_execution_pct, least_score
        The bureau's own thresholds: a project below either gets no more than it spent.
    on
        Day whose weights apply.

    Notes
    -----
    Execution is against the adjusted budget. A self-score cannot exceed 80 + 20 · execution;
    one that does is a finding.
    """
    records = read_records(projects, name="projects", columns=headers_in("executed"))
    records.need("project", "budget_wan", "executed_wan")
    execution = float(policy.value("performance_weight_execution", on=on))
    indicators = float(policy.value("performance_weight_indicators", on=on))
    rows, found = [], []
    for row in records:
        budget = row.wan("adjusted_wan", low=0, default=math.nan)
        budget = row.wan("budget_wan", low=0) if math.isnan(budget) else budget
        executed = row.wan("executed_wan", low=0)
        score = row.number("score", low=0, high=100, default=math.nan)
        rate = executed / budget * 100 if budget else math.nan
        most = indicators + execution * min(1.0, rate / 100)
        low = rate < least_execution_pct
        poor = not math.isnan(score) and score < least_score
        ceiling = min(budget, executed) if low or poor else budget
        reason = say("warning.cut_execution") if low else say("warning.cut_score")
        rows.append({
            "project": row.text("project"), "budget_wan": budget, "executed_wan": executed,
            "rate_of_execution_pct": rate, "score": score, "most_score": most,
            "ceiling_wan": ceiling, "cut_wan": budget - ceiling,
            "reason": str(reason) if low or poor else "",
        })  # fmt: skip
        # Printed scores are whole: half a point is their rounding.
        if score > most + 0.5:
            found.append(finding("self_score", row.text("project"), stated=score, computed=most,
                                 tolerance=0.5, unit="分", severity="warning",
                                 said=say("warning.score_too_high")))  # fmt: skip
    records.done()
    if not rows:
        raise InputError(records.place(), "warning.no_rows")
    return NextCeilings(pd.DataFrame(rows), tuple(found))
