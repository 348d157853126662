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
ZH_UNITS = {"万元 a year": "万元/年", "万元": "万元", "months": "个月", "": ""}


@dataclass(frozen=True)
class Lever:
    """One lever: how much of it closes the gap alone, or that it cannot (not a number)."""

    lever: str
    amount: float
    unit: str
    zh: str
    en: str

    @property
    def closes(self) -> bool:
        """Whether it closes the gap alone."""
        return bool(np.isfinite(self.amount))


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


def lever_table(rows: tuple[Lever, ...], lang: str = "zh") -> pd.DataFrame:
    """Columns ``lever, amount, unit, closes, detail``; empty where there is no gap."""
    english = lang == "en"
    lines = [
        (
            row.lever,
            row.amount,
            row.unit if english else ZH_UNITS[row.unit],
            row.closes,
            row.en if english else row.zh,
        )
        for row in rows
    ]
    return pd.DataFrame(lines, columns=list(COLUMNS))


def levers(plan: ClearancePlan) -> tuple[Lever, ...]:
    """What would close a plan's gap, each lever alone.

    Another order of payment (``least_cost_order``, where only the rule fails),
    ``extra_funds`` (万元 a year), ``extra_quota`` (万元), ``earlier_disposal``
    and ``longer_deadline`` (months). None where there is no gap.
    """
    if plan.status != "infeasible":
        return ()
    given, p = plan.given, plan.problem
    if plan.rule != "least_cost" and is_feasible(p):
        zh, en = "资金足够，改按最低成本安排即可", "money is enough in another order"
        return (Lever("least_cost_order", 0.0, "", zh, en),)
    return _funds(p, given), _quota(p), _disposal(given), _deadline(given)


def _funds(p: Problem, given: PlanInput) -> Lever:
    amount = extra_a_year(p, given)
    first, last = p.grid.ends[0].year, p.grid.ends[-1].year
    zh, en = f"{first}—{last}年每年", f"every year from {first} to {last}"
    if not np.isfinite(amount):
        zh, en = "受合同条款而非资金限制", "contract terms, not money, stand in the way"
    return Lever("extra_funds", amount, "万元 a year", zh, en)


def _quota(p: Problem) -> Lever:
    name, unit, none = "extra_quota", "万元", float("nan")
    if not p.quotas:
        zh, en = "未给出置换额度，利率未知", "no quota is given whose rate could be used"
        return Lever(name, none, unit, zh, en)
    eye = np.eye(len(p.quotas))
    extras = tuple(Extra(quotas=row, cost=1.0) for row in eye)
    found = solve(p, extras=extras, cost_weight=0.0)
    if found.status not in ("optimal", "feasible"):
        zh, en = "可置换的债务不足", "what may be replaced is too little"
        if p.headroom is not None:
            zh, en = zh + "，或专项债务限额不足", en + ", or the special limit too low"
        return Lever(name, none, unit, zh, en)
    parts = [
        (f"{amount:,.2f}", quota.period)
        for amount, quota in zip(found.extras, p.quotas, strict=True)
        if amount > 1e-6
    ]
    zh = "、".join(f"{period}年{amount}" for amount, period in parts)
    en = ", ".join(f"{amount} in {period}" for amount, period in parts)
    return Lever(name, float(found.extras.sum()), unit, zh, en)


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
    name, step, none = "earlier_disposal", MONTHS[given.frequency], float("nan")
    ends = [s.last for s in given.sources if s.kind == "disposal"]
    if not ends:
        zh, en = "没有资产处置来源", "no source is a disposal of assets"
        return Lever(name, none, "months", zh, en)
    start = opened(given.as_of)

    def holds(k: int) -> bool:
        # Nothing can be sold before the plan begins: what would be, is sold at once.
        sources = tuple(
            replace(s, first=max(s.first, start), last=max(s.last, start))
            for s in moved(given.sources, k * step)
        )
        return is_feasible(build_problem(replace(given, sources=sources)))

    last = max(ends)
    most = -(-((last.year - start.year) * 12 + last.month - start.month) // step)
    k = smallest(holds, 1, max(most, 0))
    if k is None:
        zh, en = "即使立即全部处置也不够", "not even if all were sold at once"
        return Lever(name, none, "months", zh, en)
    zh, en = "收入留待需要时使用", "proceeds are kept until they are needed"
    return Lever(name, float(k * step), "months", zh, en)


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
        zh = f"{YEARS_LONGER}年内均不能：缺口来自此前到期的债务"
        en = f"not within {YEARS_LONGER} years: what falls due before is the gap"
        return Lever("longer_deadline", float("nan"), "months", zh, en)
    to = add_months(given.deadline, k * step)
    zh = f"延至{to}；各年度来源按最后一年延续"
    en = f"to {to}; yearly sources go on as in the last year"
    return Lever("longer_deadline", float(k * step), "months", zh, en)
