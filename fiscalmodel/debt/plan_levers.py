"""What would close the gap, each lever alone; and targets: effort, latest start, earliest end."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from fiscalmodel.debt.plan_input import PlanInput
from fiscalmodel.debt.plan_lp import Extra, solve
from fiscalmodel.debt.plan_model import Problem, build_problem
from fiscalmodel.debt.plan_periods import MONTHS, Floats, add_months, make_grid, opened
from fiscalmodel.debt.plan_rows import Source

if TYPE_CHECKING:
    from fiscalmodel.debt.plan_result import ClearancePlan

#: How far a longer deadline is looked for.
YEARS_LONGER = 5
COLUMNS = ("lever", "amount", "unit", "closes", "detail")


@dataclass(frozen=True)
class Lever:
    """One lever: how much of it closes the gap alone, or that it cannot."""

    lever: str
    amount: float
    unit: str
    closes: bool
    detail: str


def is_feasible(p: Problem) -> bool:
    """Whether any plan keeps all terms."""
    return solve(p, cost_weight=0.0).status in ("optimal", "feasible")


def smallest(holds: Callable[[int], bool], low: int, high: int) -> int | None:
    """Smallest whole number in low..high at which a monotone condition holds; None if none."""
    if low > high or not holds(high):
        return None
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return high


def yearly_pool(p: Problem, plan: PlanInput) -> tuple[Problem, Floats]:
    """The problem with one more, empty pool for all contracts; what 1 万元 a year puts in it.

    The money of a year comes in evenly and may be used later in that year.
    """
    whole = make_grid(plan.as_of, plan.deadline, plan.frequency)
    years = np.array([end.year for end in whole.ends])
    hold = np.append(years[:-1] == years[1:], False)
    wider = replace(
        p,
        pool_names=(*p.pool_names, "extra"),
        cap=np.vstack([p.cap, np.zeros(len(p.grid))]),
        hold=np.vstack([p.hold, hold]),
        eligible=np.vstack([p.eligible, np.ones((1, p.eligible.shape[1]), dtype=bool)]),
    )
    delta = np.zeros_like(wider.cap)
    delta[-1] = whole.fractions
    return wider, delta


def extra_a_year(p: Problem, plan: PlanInput) -> float:
    """Smallest amount a year, 万元, that makes a plan possible; nan if none does."""
    wider, delta = yearly_pool(p, plan)
    found = solve(wider, extras=(Extra(pools=delta, cost=1.0),), cost_weight=0.0)
    return float(found.extras[0]) if found.status in ("optimal", "feasible") else float("nan")


def levers(plan: ClearancePlan) -> pd.DataFrame:
    """What would close a plan's gap, each lever alone.

    Columns ``lever, amount, unit, closes, detail``. Levers: another order of
    payment (where only the rule fails), ``extra_funds`` (万元 a year),
    ``extra_quota`` (万元), ``earlier_disposal`` and ``longer_deadline``
    (months). Empty where there is no gap.
    """
    if plan.status != "infeasible":
        return pd.DataFrame([], columns=list(COLUMNS))
    given, p = plan.given, plan.problem
    rows: list[Lever] = []
    if plan.rule != "least_cost" and is_feasible(p):
        rows.append(
            Lever("least_cost_order", 0.0, "", True, "the money is enough in another order")
        )
    else:
        rows += [_funds(p, given), _quota(p), _disposal(given), _deadline(given)]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _funds(p: Problem, given: PlanInput) -> Lever:
    amount = extra_a_year(p, given)
    closes = bool(np.isfinite(amount))
    detail = (
        f"every year from {p.grid.labels[0][:4]} to {p.grid.labels[-1][:4]}"
        if closes
        else "contract terms, not money, stand in the way"
    )
    return Lever("extra_funds", amount, "万元 a year", closes, detail)


def _quota(p: Problem) -> Lever:
    name, unit = "extra_quota", "万元"
    if not p.quotas:
        return Lever(name, float("nan"), unit, False, "no quota is given whose rate could be used")
    eye = np.eye(len(p.quotas))
    extras = tuple(Extra(quotas=row, cost=1.0) for row in eye)
    found = solve(p, extras=extras, cost_weight=0.0)
    if found.status not in ("optimal", "feasible"):
        why = "what may be replaced is too little"
        if p.headroom is not None:
            why += ", or the special limit too low"
        return Lever(name, float("nan"), unit, False, why)
    parts = [
        f"{amount:,.2f} in {quota.period}"
        for amount, quota in zip(found.extras, p.quotas, strict=True)
        if amount > 1e-6
    ]
    return Lever(name, float(found.extras.sum()), unit, True, ", ".join(parts))


def moved(sources: Iterable[Source], months: int) -> tuple[Source, ...]:
    """Disposals some months earlier; what comes early is kept until it is needed."""
    return tuple(
        replace(
            s,
            first=add_months(s.first, -months),
            last=add_months(s.last, -months),
            available_from=s.available_from and add_months(s.available_from, -months),
            carry=True,
        )
        if s.kind == "disposal"
        else s
        for s in sources
    )


def _disposal(given: PlanInput) -> Lever:
    name, step = "earlier_disposal", MONTHS[given.frequency]
    if not any(s.kind == "disposal" for s in given.sources):
        return Lever(name, float("nan"), "months", False, "no source is a disposal of assets")
    start = opened(given.as_of)

    def holds(k: int) -> bool:
        sources = moved(given.sources, k * step)
        # Nothing can be sold before the plan begins: what would be, is sold at once.
        clipped = tuple(
            replace(s, first=max(s.first, start), last=max(s.last, start)) for s in sources
        )
        return is_feasible(build_problem(replace(given, sources=clipped)))

    last = max(s.last for s in given.sources if s.kind == "disposal")
    most = -(-((last.year - start.year) * 12 + last.month - start.month) // step)
    k = smallest(holds, 1, max(most, 0))
    if k is None:
        return Lever(name, float("nan"), "months", False, "not even if all were sold at once")
    return Lever(name, float(k * step), "months", True, "proceeds are kept until they are needed")


def longer(given: PlanInput, months: int) -> PlanInput:
    """The input with a later deadline; yearly sources go on as in their last year."""
    deadline = add_months(given.deadline, months)
    contracts = tuple(
        replace(c, clear_by=None) if c.clear_by == given.deadline else c for c in given.contracts
    )
    more: list[Source] = []
    for name in dict.fromkeys(s.source_id for s in given.sources if s.kind != "disposal"):
        mine = [s for s in given.sources if s.source_id == name]
        if max(s.last for s in mine) > given.deadline:
            continue
        year = max(s.last for s in mine).year
        for ahead in range(1, YEARS_LONGER + 1):
            more += [
                replace(
                    s,
                    first=add_months(s.first, 12 * ahead),
                    last=add_months(s.last, 12 * ahead),
                    available_from=s.available_from and add_months(s.available_from, 12 * ahead),
                )
                for s in mine
                if s.last.year == year == given.deadline.year
            ]
    return replace(given, deadline=deadline, contracts=contracts, sources=(*given.sources, *more))


def _deadline(given: PlanInput) -> Lever:
    step = MONTHS[given.frequency]

    def holds(k: int) -> bool:
        return is_feasible(build_problem(longer(given, k * step)))

    k = smallest(holds, 1, YEARS_LONGER * 12 // step)
    if k is None:
        why = f"not within {YEARS_LONGER} years: what falls due before is the gap"
        return Lever("longer_deadline", float("nan"), "months", False, why)
    detail = f"to {add_months(given.deadline, k * step)}; yearly sources go on as in the last year"
    return Lever("longer_deadline", float(k * step), "months", True, detail)
