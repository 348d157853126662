"""A clearance plan as arrays: contracts × periods, money pools × periods, quotas."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

import numpy as np

from fiscalmodel.debt.plan_input import PlanInput
from fiscalmodel.debt.plan_periods import MONTHS, Bools, Floats, Grid, Ints, make_grid
from fiscalmodel.debt.plan_rows import Contract, Quota, Source
from fiscalmodel.debt.plan_words import Note


@dataclass(frozen=True)
class Problem:
    """n contracts, T periods, K pools of money, G groups of contracts, Q quotas.

    A pool is money that may be spent on the same contracts and keeps (or
    loses) what is left at the same period ends. A group is the contracts that
    the same pools may pay; inside a group money is interchangeable, so that
    sources can be allotted to contracts after the plan is made.
    """

    grid: Grid
    contracts: tuple[Contract, ...]
    principal: Floats  # n
    interest: Floats  # n × T: of the opening balance
    highest: Floats  # n × T: closing balance at most (inf: no bound)
    scheduled: Floats  # n × T: principal due by contract in the period
    limit: Floats  # n × T: cash principal at most (inf: free)
    fee: Floats  # n × T: of principal above `scheduled`
    clear: Ints  # n: period in which the balance is 0
    minimum: Floats  # n × T: cash while a balance remains
    replaceable: Bools  # n
    group: Ints  # n
    pool_names: tuple[str, ...]  # K: source ids
    cap: Floats  # K × T: net money that comes in
    hold: Bools  # K × T: what is left at the end of t is there in t + 1
    eligible: Bools  # K × G
    sources: tuple[Source, ...]
    shares: tuple[tuple[int, int, float], ...]  # (source row, pool·T + t, share of its cap)
    nets: tuple[float, ...]  # net cap of each source row, after the reserve
    quotas: tuple[Quota, ...]
    quota: Floats  # Q
    quota_open: Bools  # Q × T
    bond_value: Floats  # Q × T: present value of the service of one 万元 issued at t
    headroom: float | None
    capitalise: bool
    notes: tuple[Note, ...] = field(default=())

    @property
    def shape(self) -> tuple[int, int]:
        """Contracts and periods."""
        return len(self.contracts), len(self.grid)


def build_problem(plan: PlanInput) -> Problem:
    """Arrays of a checked input."""
    grid = make_grid(plan.as_of, plan.deadline, plan.frequency, plan.day_count)
    n, periods = len(plan.contracts), len(grid)
    rates = np.array([c.rate_pct for c in plan.contracts]) / 100
    scheduled, highest, limit, fee = (np.zeros((n, periods)) for _ in range(4))
    clear = np.zeros(n, dtype=np.int64)
    minimum = np.zeros((n, periods))
    for i, c in enumerate(plan.contracts):
        clear[i] = min(grid.index(c.clear_by or plan.deadline), periods - 1)
        minimum[i] = _minimum(c, grid) if plan.minimums else 0.0
        scheduled[i], highest[i], limit[i], fee[i] = _terms(c, grid, int(clear[i]), minimum[i])
    notes: list[Note] = []
    nets = _after_reserve(plan, notes)
    names, cap, hold, marks, shares = _pools(plan, grid, nets, notes)
    group, eligible = _groups(plan.contracts, marks)
    quota_open = np.zeros((len(plan.quotas), periods), dtype=bool)
    for q, quota in enumerate(plan.quotas):
        first, last = _span(quota.first, quota.last, quota.available_from, grid)
        quota_open[q, max(first, 0) : last + 1] = True
    at_issue = np.array([bond_value(q, plan.discount_pct) for q in plan.quotas])
    value = at_issue[:, None] * (1 + plan.discount_pct / 100) ** -grid.years[None, :]
    return Problem(
        grid=grid, contracts=plan.contracts,
        principal=np.array([c.principal for c in plan.contracts], dtype=float),
        interest=rates[:, None] * grid.fractions[None, :],
        highest=highest, scheduled=scheduled, limit=limit, fee=fee, clear=clear, minimum=minimum,
        replaceable=np.array([c.replaceable for c in plan.contracts], dtype=bool),
        group=group, pool_names=names, cap=cap, hold=hold, eligible=eligible,
        sources=plan.sources, shares=shares, nets=tuple(nets), quotas=plan.quotas,
        quota=np.array([q.amount for q in plan.quotas], dtype=float), quota_open=quota_open,
        bond_value=value, headroom=plan.headroom, capitalise=plan.capitalise, notes=tuple(notes),
    )  # fmt: skip


def _minimum(c: Contract, grid: Grid) -> Floats:
    """Minimum instalment per plan period: of the contract's own frequency, in proportion."""
    if c.step is None:
        return np.full(len(grid), c.minimum)
    return c.minimum * 12 / c.step * grid.fractions


def principal_due(c: Contract, grid: Grid) -> Floats:
    """Principal due by contract in each period, and after the last one."""
    due = np.zeros(len(grid) + 1)
    if c.overdue or c.maturity is None:
        due[-1] = c.principal
    elif c.instalments:
        for date, amount in c.instalments:
            due[min(grid.index(date), len(grid))] += amount
    else:
        due[min(grid.index(c.maturity), len(grid))] = c.principal
    return due


def _terms(
    c: Contract, grid: Grid, clear: int, minimum: Floats
) -> tuple[Floats, Floats, Floats, Floats]:
    """Principal due, highest closing balance, cash limit and early-repayment fee by period."""
    periods = len(grid)
    on_demand = c.overdue or c.maturity is None
    due = principal_due(c, grid)
    mature = periods if c.maturity is None else grid.index(c.maturity)
    left = c.principal - np.cumsum(due[:periods])
    left[np.abs(left) < 1e-9 * max(c.principal, 1.0)] = 0.0
    highest = np.where(np.cumsum(due[:periods]) > 0, left, np.inf)
    if c.extendable_to is not None and not on_demand and mature < periods:
        # An extension moves what falls due at maturity; earlier instalments stay due.
        last = c.instalments[-1][1] if c.instalments else c.principal
        extended = min(grid.index(c.extendable_to), periods)
        highest[mature:extended] = np.maximum(highest[mature:extended], last)
    highest[clear:] = 0.0
    limit = np.full(periods, np.inf)
    fee = np.zeros(periods)
    scheduled = np.maximum(due[:periods], minimum)
    if not on_demand:
        early = np.arange(periods) < mature
        if c.prepayable:
            fee[early] = c.prepay_fee_pct / 100
        else:
            limit[early] = scheduled[early]
    return scheduled, highest, limit, fee


def _span(first: dt.date, last: dt.date, available: dt.date | None, grid: Grid) -> tuple[int, int]:
    """Indices of the periods in which money can be used; the first is after the last if never."""
    start, end = grid.index(first), grid.index(last)
    if available is not None and available > first:
        start = grid.index(available)
        end = max(end, start)
    if start >= len(grid) or end < 0:
        return len(grid), -1
    return max(start, 0), min(end, len(grid) - 1)


def _pools(
    plan: PlanInput, grid: Grid, nets: list[float], notes: list[Note]
) -> tuple[
    tuple[str, ...], Floats, Bools, list[tuple[str, ...]], tuple[tuple[int, int, float], ...]
]:
    """Pools of money; a coarse period is spread evenly over the plan's periods inside it."""
    periods = len(grid)
    keys: dict[tuple[object, ...], int] = {}
    caps: list[Floats] = []
    holds: list[Bools] = []
    marks: list[tuple[str, ...]] = []
    names: list[str] = []
    shares: list[tuple[int, int, float]] = []
    for row, s in enumerate(plan.sources):
        first, last = _span(s.first, s.last, s.available_from, grid)
        if last < 0:
            if s.cap > 0 and grid.index(s.last) < 0:
                notes.append(
                    Note(
                        f"{s.source_id} {s.period}：早于余额日，未使用",
                        f"{s.source_id} {s.period}: before as_of, not used",
                    )
                )
            continue
        spread = first < last
        key = (s.source_id, s.earmark, s.carry, row if spread and not s.carry else None)
        k = keys.setdefault(key, len(keys))
        if k == len(caps):
            caps.append(np.zeros(periods))
            holds.append(np.zeros(periods, dtype=bool))
            marks.append(s.earmark)
            names.append(s.source_id)
        holds[k][first : (periods - 1 if s.carry else last)] = True
        # On a given day all of it is there; else a year's money comes in evenly.
        parts, arrives = 1, range(first, first + 1)
        if s.available_from is None:
            # What comes in after the deadline does not help.
            parts = max(_steps(grid.ends[first], s.last, MONTHS[grid.frequency]), 1)
            arrives = range(first, last + 1)
        for t in arrives:
            caps[k][t] += nets[row] / parts
            shares.append((row, k * periods + t, 1 / parts))
    cap = np.array(caps).reshape(len(caps), periods)
    hold = np.array(holds, dtype=bool).reshape(len(caps), periods)
    return tuple(names), cap, hold, marks, tuple(shares)


def _steps(first_end: dt.date, last: dt.date, step: int) -> int:
    """Periods from the one that ends on a day to the one that holds another day."""
    closing = -(-first_end.month // step) * step  # the last period may end early, on the deadline
    months = (last.year - first_end.year) * 12 + last.month - closing
    return -(-months // step) + 1


def _after_reserve(plan: PlanInput, notes: list[Note]) -> list[float]:
    """Net caps; the reserved need comes off general-budget money of its period, in proportion."""
    nets = [s.net for s in plan.sources]
    for first, last, need in plan.reserved:
        rows = [
            row
            for row, s in enumerate(plan.sources)
            if s.kind == "fiscal" and max(first, s.first) <= min(last, s.last)
        ]
        there = sum(nets[row] for row in rows)
        share = min(need / there, 1.0) if there > 0 else 0.0
        for row in rows:
            nets[row] *= 1 - share
        if need - there > 1e-9:
            notes.append(
                Note(
                    f"{first.year}年“三保”需要超过一般公共预算来源{need - there:,.2f}万元",
                    f"三保 need of {first.year} exceeds the general-budget sources "
                    f"by {need - there:,.2f} 万元",
                )
            )
    return nets


def _groups(contracts: tuple[Contract, ...], marks: list[tuple[str, ...]]) -> tuple[Ints, Bools]:
    """Group of each contract and which pools may pay which group."""
    signatures: dict[tuple[bool, ...], int] = {}
    group = np.zeros(len(contracts), dtype=np.int64)
    for i, c in enumerate(contracts):
        mine = tuple(not m or c.contract_id in m or c.category in m for m in marks)
        group[i] = signatures.setdefault(mine, len(signatures))
    eligible = np.array(list(signatures), dtype=bool).reshape(len(signatures), len(marks)).T
    return group, eligible


def bond_flows(tenor: float, rate_pct: float, repayment: str) -> list[tuple[float, float, float]]:
    """Years after issue, principal and interest of a bond of 1, with yearly coupons.

    A broken first coupon period is proportional; ``equal_instalment`` pays
    level service on whole years.
    """
    years = int(np.ceil(tenor - 1e-9))
    times = [tenor - (years - 1 - k) for k in range(years)]
    i = rate_pct / 100
    level = i / (1 - (1 + i) ** -years) if i > 0 else 1 / years
    balance, before, flows = 1.0, 0.0, []
    for k, time in enumerate(times):
        if repayment == "bullet":
            principal = balance if k == years - 1 else 0.0
        elif repayment == "equal_instalment":
            principal = balance if k == years - 1 else level - balance * i
        else:
            principal = 1 / years
        flows.append((time, principal, balance * i * (time - before)))
        balance, before = balance - principal, time
    return flows


def bond_value(quota: Quota, discount_pct: float) -> float:
    """Present value, on the day of issue, of the whole service of one 万元 of bonds."""
    v = 1 / (1 + discount_pct / 100)
    flows = bond_flows(quota.tenor_years, quota.rate_pct, quota.repayment)
    return float(sum((p + c) * v**t for t, p, c in flows))
