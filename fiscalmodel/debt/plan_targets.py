"""Targets: the smallest even effort, the latest start, the earliest clearance."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from fiscalmodel.debt.plan_levers import extra_a_year, is_feasible, smallest
from fiscalmodel.debt.plan_model import build_problem

if TYPE_CHECKING:
    from fiscalmodel.debt.plan_result import ClearancePlan


def even_effort(plan: ClearancePlan, *, instead_of: Collection[str] = ("fiscal",)) -> float:
    """Smallest even amount a year, 万元, with which the debt is cleared by the deadline.

    Parameters
    ----------
    plan
        Any plan; its contracts, quotas and other sources are taken.
    instead_of
        Kinds of source that the even effort replaces: ``fiscal``, ``land``,
        ``transfer``, ``project``, ``disposal``, ``named``.

    Returns
    -------
    float
        Not a number where no effort is enough, since contract terms stand in
        the way.
    """
    sources = tuple(s for s in plan.given.sources if s.kind not in instead_of)
    given = replace(plan.given, sources=sources, reserved=())
    return extra_a_year(build_problem(given), given)


def latest_start(plan: ClearancePlan) -> str | None:
    """Latest period in which early repayment and replacement may begin.

    Before it only what is due is paid. None where there is no plan at all.
    """
    p = plan.problem
    periods = len(p.grid)

    def fails(k: int) -> bool:
        limit, quota_open = p.limit.copy(), p.quota_open.copy()
        waiting = np.arange(periods) < k
        limit = np.where(waiting & np.isinf(p.limit) & (p.highest > 0), p.scheduled, limit)
        quota_open[:, waiting] = False
        return not is_feasible(replace(p, limit=limit, quota_open=quota_open))

    if fails(0):
        return None
    first = smallest(fails, 1, periods - 1)
    return p.grid.labels[(first if first is not None else periods) - 1]


def earliest_clearance(plan: ClearancePlan) -> dt.date | None:
    """Last day of the earliest period in which all hidden debt can be 0; None if there is none."""
    given, ends = plan.given, plan.problem.grid.ends

    def holds(k: int) -> bool:
        end = ends[k]
        contracts = tuple(
            replace(c, clear_by=None) if c.clear_by and c.clear_by > end else c
            for c in given.contracts
        )
        return is_feasible(build_problem(replace(given, deadline=end, contracts=contracts)))

    k = smallest(holds, 0, len(ends) - 1)
    return None if k is None else ends[k]


def targets(plan: ClearancePlan) -> pd.DataFrame:
    """The three targets of a plan: columns ``target, value, unit``."""
    effort = even_effort(plan)
    rows = [
        ("even_effort", effort if np.isfinite(effort) else None, "万元 a year"),
        ("latest_start", latest_start(plan), "period"),
        ("earliest_clearance", earliest_clearance(plan), "date"),
    ]
    return pd.DataFrame(rows, columns=["target", "value", "unit"], dtype=object)
