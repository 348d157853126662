"""Sparse linear programmes: numbered columns, rows of terms, and HiGHS through scipy."""

from __future__ import annotations

import time

import numpy as np

from fiscalmodel.debt.plan_periods import Bools, Floats, Ints

#: A mixed-integer programme is stopped after this many seconds; what it has found is a plan,
#: but not proven to be the cheapest.
TIME_LIMIT_S = 60.0


class Columns:
    """Numbers the variables and remembers bounds, costs and whole numbers."""

    def __init__(self) -> None:
        self.count = 0
        self.lower: list[Floats] = []
        self.upper: list[Floats] = []
        self.cost: list[Floats] = []
        self.whole: list[Bools] = []

    def add(self, mask: Bools, *, upper: Floats | float = np.inf, cost: Floats | float = 0.0,
            whole: bool = False) -> Ints:  # fmt: skip
        """Index array shaped like `mask`; -1 where there is no variable."""
        index = np.full(mask.shape, -1, dtype=np.int64)
        size = int(mask.sum())
        index[mask] = np.arange(self.count, self.count + size)
        self.count += size
        self.lower.append(np.zeros(size))
        self.upper.append(np.broadcast_to(upper, mask.shape)[mask])
        self.cost.append(np.broadcast_to(cost, mask.shape)[mask])
        self.whole.append(np.full(size, whole))
        return index


class Rows:
    """Collects sparse rows ``sum <= rhs``; terms whose column is -1 vanish."""

    def __init__(self) -> None:
        self.count = 0
        self.entries: list[tuple[Ints, Ints, Floats]] = []
        self.rhs: list[Floats] = []

    def add(self, rhs: Floats, *terms: tuple[Ints, Floats | float]) -> Ints:
        """One row for each element of `rhs`; terms are (columns, coefficients) of its shape."""
        size = rhs.size
        rows = np.arange(self.count, self.count + size)
        self.count += size
        self.rhs.append(rhs.ravel())
        for columns, values in terms:
            shape = np.broadcast_shapes(columns.shape, rhs.shape)
            value = np.broadcast_to(values, shape).ravel()
            column = np.broadcast_to(columns, shape).ravel()
            row = np.broadcast_to(rows.reshape(rhs.shape), shape).ravel()
            there = column >= 0
            self.entries.append((row[there], column[there], value[there]))
        return rows.reshape(rhs.shape)


def run_highs(col: Columns, ub: Rows, eq: Rows) -> tuple[str, Floats, Floats, Floats, float, str]:
    """Status, values, marginals of the inequality rows and of the upper bounds."""
    from scipy import sparse
    from scipy.optimize import Bounds, LinearConstraint, linprog, milp

    def matrix(rows: Rows) -> sparse.csr_array:
        row, column, value = (np.concatenate(part) for part in zip(*rows.entries, strict=True))
        return sparse.csr_array((value, (row, column)), shape=(rows.count, col.count))

    cost, lower, upper = (np.concatenate(part) for part in (col.cost, col.lower, col.upper))
    whole = np.concatenate(col.whole)
    a_ub, a_eq = matrix(ub), matrix(eq)
    b_ub, b_eq = np.concatenate(ub.rhs), np.concatenate(eq.rhs)
    if col.count == 0:
        return "optimal", np.zeros(0), np.zeros(ub.count), np.zeros(0), 0.0, "nothing to decide"
    begun = time.perf_counter()
    proven = "optimal"
    none = np.zeros(0)
    if whole.any():
        mixed = milp(
            cost,
            integrality=whole.astype(int),
            bounds=Bounds(lower, upper),
            constraints=[LinearConstraint(a_ub, -np.inf, b_ub), LinearConstraint(a_eq, b_eq, b_eq)],
            options={"mip_rel_gap": 1e-7, "time_limit": TIME_LIMIT_S},
        )
        if mixed.x is None:
            seconds = time.perf_counter() - begun
            return _status(mixed.status), none, none, none, seconds, mixed.message
        # A solution that the time limit left unproven is feasible, no more.
        proven = "optimal" if mixed.status == 0 else "feasible"
        # With the whole numbers fixed it is linear again, and has prices.
        lower, upper = lower.copy(), upper.copy()
        lower[whole] = upper[whole] = np.round(mixed.x[whole])
    result = linprog(
        cost, A_ub=a_ub, b_ub=b_ub, A_eq=a_eq, b_eq=b_eq,
        bounds=np.column_stack([lower, upper]), method="highs",
    )  # fmt: skip
    seconds = time.perf_counter() - begun
    if result.status != 0:
        return _status(result.status), none, none, none, seconds, result.message
    prices, upper_prices = result.ineqlin.marginals, result.upper.marginals
    return proven, result.x, prices, upper_prices, seconds, result.message


def _status(code: int) -> str:
    return "infeasible" if code == 2 else "failed"
