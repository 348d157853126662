"""The least-cost linear programme: build it sparse, solve it with HiGHS.

A variable for each contract × period (closing balance) and each group ×
pool × period (money); sources are allotted to single contracts afterwards,
which always works because a group is what the same pools may pay.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from fiscalmodel.debt.plan_model import Problem
from fiscalmodel.debt.plan_periods import Bools, Floats, Ints
from fiscalmodel.debt.plan_sparse import Columns, Rows, run_highs


@dataclass(frozen=True)
class Extra:
    """One more variable that adds money or quota, or (negative) takes it away.

    `pools` is K × T and `quotas` Q per unit of the variable.
    """

    pools: Floats | None = None
    quotas: Floats | None = None
    cost: float = 0.0
    upper: float = np.inf


@dataclass(frozen=True)
class Solution:
    """Values of a solved programme; empty arrays where it is infeasible."""

    status: str  # optimal, infeasible or failed
    objective: float
    balance: Floats  # n × T
    replaced: Floats  # n × T
    flow: Floats  # K × G × T
    bonds: Floats  # Q × T
    missing: Floats  # G × T: money that is not there
    unlawful: Floats  # n × T: principal that may not be repaid yet
    extras: Floats
    pool_price: Floats  # K × T: saving by one more 万元
    quota_price: Floats  # Q
    due_price: Floats  # n × T: saving if one more 万元 might stay
    seconds: float = 0.0
    message: str = field(default="")


def _before(index: Ints) -> Ints:
    """The same variables one period earlier."""
    return np.concatenate([np.full((len(index), 1), -1, dtype=np.int64), index[:, :-1]], axis=1)


def solve(
    p: Problem,
    *,
    extras: tuple[Extra, ...] = (),
    elastic: str = "no",
    cost_weight: float = 1.0,
    missing_at_most: float | None = None,
) -> Solution:
    """Solve the plan as a (mixed-integer) linear programme.

    Parameters
    ----------
    elastic
        ``no``: hard. ``least``: money may be missing, as little as possible.
        ``late``: missing money (at most `missing_at_most`) as late as possible.
    cost_weight
        Weight of interest and bond service in the objective.
    """
    n, periods = p.shape
    gn = p.eligible.shape[1]
    col, ub, eq = Columns(), Rows(), Rows()
    growth = 1 + p.interest
    lead = growth if p.capitalise else np.ones_like(growth)
    loose = elastic != "no"

    # Interest of period t is paid on the closing balance of t - 1.
    later = np.concatenate([p.interest[:, 1:], np.zeros((n, 1))], axis=1)
    b = col.add(np.ones((n, periods), dtype=bool), upper=p.highest, cost=cost_weight * later)
    r_mask = p.replaceable[:, None] & p.quota_open.any(axis=0, keepdims=True)
    r = col.add(r_mask)
    charged = (p.fee > 0) & (p.principal > 0)[:, None]
    f = col.add(charged, cost=cost_weight * p.fee)
    active = np.full(p.cap.shape, True) if extras else np.cumsum(p.cap, axis=1) > 0
    usable = p.eligible[:, :, None] & active[:, None, :]
    y = col.add(usable)
    w = col.add(p.hold & active)
    v = col.add(p.quota_open, cost=cost_weight * p.bond_value)
    late = np.arange(periods, 0, -1.0) if elastic == "late" else np.ones(periods)
    e = col.add(np.full((gn, periods), loose), cost=np.broadcast_to(late, (gn, periods)))
    h = col.add(_stuck(p) & loose, cost=np.broadcast_to(late, (n, periods)))
    # At the latest in the period of clearance everything is paid, the minimum included.
    timed = (p.minimum > 0) & (p.principal > 0)[:, None]
    timed &= np.arange(periods)[None, :] < p.clear[:, None]
    z = col.add(timed, upper=1.0, whole=True)
    x = col.add(
        np.ones(len(extras), dtype=bool),
        upper=np.array([a.upper for a in extras]),
        cost=np.array([a.cost for a in extras]),
    )

    b0 = _before(b)
    start = np.zeros((n, periods))
    start[:, 0] = p.principal
    # A. A balance only falls (or grows by unpaid interest at most).
    ub.add(lead * start, (b, 1.0), (r, 1.0), (h, 1.0), (b0, -lead))
    # B. Principal in cash stays within what may be paid.
    rows = np.isfinite(p.limit)
    ub.add(
        (p.limit - start)[rows], (b0[rows], 1.0), (b[rows], -1.0), (r[rows], -1.0), (h[rows], -1.0)
    )
    # Early principal bears the fee.
    ub.add(
        (p.scheduled - start)[charged],
        (b0[charged], 1.0), (b[charged], -1.0), (r[charged], -1.0), (h[charged], -1.0),
        (f[charged], -1.0),
    )  # fmt: skip
    # C. Cash of each group is paid from its pools (or is missing).
    for g in range(gn):
        mine = p.group == g
        need = (growth * start)[mine].sum(axis=0)
        eq.add(
            -need,
            (b0[mine], growth[mine]), (b[mine], -1.0), (r[mine], -1.0), (h[mine], -1.0),
            (f[mine], p.fee[mine]), (y[:, g, :], -1.0), (e[g], -1.0),
        )  # fmt: skip
    # D. Money of each pool, carried where it may be.
    pool_rows = ub.add(
        p.cap,
        (np.moveaxis(y, 1, 0), 1.0), (w, 1.0), (_before(w), -1.0),
        *((np.where(_of(a.pools, p.cap) != 0, x[k], -1), -_of(a.pools, p.cap))
          for k, a in enumerate(extras)),
    )  # fmt: skip
    # E. What is replaced is covered by bonds; F. bonds by quota; G. and by the limit.
    eq.add(np.zeros(periods), (r, 1.0), (v, -1.0))
    quota_rows = ub.add(
        p.quota,
        (v.T, 1.0),
        *((np.where(_of(a.quotas, p.quota) != 0, x[k], -1), -_of(a.quotas, p.quota))
          for k, a in enumerate(extras)),
    )  # fmt: skip
    if p.headroom is not None:
        ub.add(np.array([p.headroom]), (v.reshape(-1, 1), 1.0))
    # H. A minimum is paid while a balance remains.
    top = p.principal[:, None] * (np.cumprod(growth, axis=1) if p.capitalise else 1.0)
    ub.add((growth * start)[timed], (b[timed], 1.0), (r[timed], 1.0), (h[timed], 1.0),
           (b0[timed], -growth[timed]), (z[timed], p.minimum[timed]))  # fmt: skip
    top = np.minimum(np.broadcast_to(top, (n, periods)), p.highest)
    ub.add(np.zeros(int(timed.sum())), (b[timed], 1.0), (z[timed], -top[timed]))
    if elastic == "late" and missing_at_most is not None:
        everything = np.concatenate([e.ravel(), h.ravel()])[:, None]
        ub.add(np.array([missing_at_most]), (everything, 1.0))

    status, values, marginals, upper_marginals, seconds, message = run_highs(col, ub, eq)
    if status not in ("optimal", "feasible"):
        return _nothing(status, seconds, message)

    def at(index: Ints) -> Floats:
        return np.where(index >= 0, values[index], 0.0) if values.size else np.zeros(index.shape)

    fixed = cost_weight * float((p.interest[:, 0] * p.principal).sum()) if n else 0.0
    cost = np.concatenate(col.cost)
    return Solution(
        status=status, objective=fixed + float(cost @ values), balance=at(b), replaced=at(r),
        flow=at(y), bonds=at(v), missing=at(e), unlawful=at(h), extras=at(x),
        pool_price=np.maximum(-marginals[pool_rows], 0.0),
        quota_price=np.maximum(-marginals[quota_rows], 0.0),
        due_price=np.maximum(-upper_marginals[b], 0.0), seconds=seconds, message=message,
    )  # fmt: skip


def _of(array: Floats | None, like: Floats) -> Floats:
    return np.zeros_like(like) if array is None else array


def _stuck(p: Problem) -> Bools:
    """Contracts that must be 0 in a period in which their terms do not let them be repaid."""
    stuck = np.zeros(p.shape, dtype=bool)
    rows = np.arange(len(p.contracts))
    stuck[rows, p.clear] = np.isfinite(p.limit[rows, p.clear])
    return stuck


def _nothing(status: str, seconds: float, message: str) -> Solution:
    none = np.zeros((0, 0))
    return Solution(
        status, float("nan"), none, none, np.zeros((0, 0, 0)), none, none, none, np.zeros(0),
        none, np.zeros(0), none, seconds, message,
    )  # fmt: skip
