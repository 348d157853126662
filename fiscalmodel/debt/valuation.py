"""Internal rate of return and present value of dated flows (XIRR convention)."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from fiscalmodel.days import to_date
from fiscalmodel.errors import Collector, InputError

Flows = Mapping[Any, float] | Iterable[tuple[Any, float]] | pd.DataFrame | pd.Series
Array = npt.NDArray[np.float64]


def dated_flows(
    flows: Flows,
    *,
    where: str = "flows",
    amount: Sequence[str] = ("amount",),
    positive: bool = False,
) -> tuple[Array, Array]:
    """Day numbers and amounts of dated flows, in order of date.

    Parameters
    ----------
    flows
        Mapping or pairs of date -> amount, a Series indexed by date, or a frame
        with ``date`` and the first of the columns `amount` that it has.
    positive
        Whether every amount must be above 0.

    Raises
    ------
    InputError
        For a missing date or amount, all at once.
    """
    try:
        if isinstance(flows, pd.DataFrame):
            column = next((name for name in amount if name in flows), amount[0])
            pairs = list(zip(flows["date"], flows[column], strict=True))
        else:
            given = flows.items() if isinstance(flows, Mapping | pd.Series) else flows
            pairs = [(day, value) for day, value in given]
    except KeyError as error:
        raise InputError(where, "ground.missing", name=error.args[0]) from None
    except (TypeError, ValueError):
        raise InputError(where, "debt.no_dates_table") from None
    found = Collector()
    rows: list[tuple[int, float]] = []
    for number, (day, value) in enumerate(pairs, 1):
        at = f"{where} row {number}"
        on = found.attempt(partial(to_date, day, where=at), dt.date.min)
        known = isinstance(value, int | float | Decimal | np.number) and math.isfinite(value)
        if not known or (positive and value <= 0):
            what = "debt.part_not_positive" if positive else "debt.no_amount"
            found.add(at, what, text=value, day=on)
        else:
            rows.append((on.toordinal(), float(value)))
    found.raise_if_any()
    if not rows:
        raise InputError(where, "debt.no_flows")
    rows.sort()
    return np.array([r[0] for r in rows], float), np.array([r[1] for r in rows])


def present_value(flows: Flows, rate_pct: float, on: Any) -> float:
    """Present value of dated flows on a day.

    Parameters
    ----------
    flows
        See `dated_flows`; flows before `on` are carried forward to it.
    rate_pct
        Effective yearly rate in percent, above −100.
    on
        Day to which the flows are discounted.

    Notes
    -----
    PV = Σ amount / (1 + r)^(days from `on` / 365), the convention of XNPV.

    >>> round(present_value({"2025-01-01": 110.0}, 10, "2024-01-02"), 6)
    100.0
    """
    days, amounts = dated_flows(flows)
    if not isinstance(rate_pct, int | float | np.number) or not -100 < rate_pct < math.inf:
        raise InputError("rate_pct", "debt.rate_below", text=rate_pct)
    at = to_date(on, where="on").toordinal()
    return float(math.fsum(amounts * (1 + rate_pct / 100) ** (-(days - at) / 365)))


def irr(flows: Flows) -> float:
    """Internal rate of return of dated flows, percent a year (XIRR).

    Parameters
    ----------
    flows
        See `dated_flows`; at least one positive and one negative amount.

    Returns
    -------
    float
        The effective yearly rate in percent. Where the flows change sign more
        than once several rates can solve the equation; the one nearest to
        zero is returned.

    Raises
    ------
    InputError
        If the flows do not change sign, or no rate above −100 % solves them.

    Notes
    -----
    Σ amount / (1 + r)^(days from the first flow / 365) = 0.

    >>> round(irr([("2024-01-02", -100.0), ("2025-01-01", 110.0)]), 8)
    10.0
    """
    days, amounts = dated_flows(flows)
    if not (amounts > 0).any() or not (amounts < 0).any():
        raise InputError("flows", "debt.one_sign")
    years = (days - days[0]) / 365
    # Substituting the log rate keeps the function smooth down to -100 %.
    grid = np.concatenate([[0.0], np.geomspace(1e-3, 12, 220)])
    roots = [_rooted(years, amounts, side) for side in (grid, -grid)]
    known = [root for root in roots if root is not None]
    if not known:
        raise InputError("flows", "debt.no_root")
    return math.expm1(min(known, key=abs)) * 100


def _rooted(years: Array, amounts: Array, grid: Array) -> float | None:
    """Log rate nearest to zero where the value changes sign along the grid."""
    from scipy.optimize import brentq

    def value(log_rate: float) -> float:
        # Scaled so that the largest weight is 1: neither overflow nor underflow.
        weights = -years * log_rate
        return float(np.dot(amounts, np.exp(weights - weights.max())))

    previous, last = float(grid[0]), value(float(grid[0]))
    if last == 0:
        return previous
    for point in map(float, grid[1:]):
        here = value(point)
        if here == 0:
            return point
        if (here > 0) != (last > 0):
            root: float = brentq(value, previous, point, xtol=1e-15, rtol=1e-14, maxiter=200)
            return root
        previous, last = point, here
    return None
