"""Forecasts of items and of their total made to agree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from fiscalmodel.errors import Collector, InputError


@dataclass(frozen=True)
class Reconciled:
    """Items that add up to their total.

    Attributes
    ----------
    items
        Item -> reconciled forecast.
    total
        Their sum.
    table
        ``item, forecast, reconciled, change``, the total last.
    gap
        Forecast of the total less the sum of the items' forecasts, before.
    """

    items: pd.Series[float]
    total: float
    table: pd.DataFrame
    gap: float


def reconcile_total(
    items: Mapping[str, float],
    total: float,
    *,
    item_spread: Mapping[str, float],
    total_spread: float,
    floors: Mapping[str, float] | None = None,
) -> Reconciled:
    """Reconcile forecasts of items with a forecast of their total.

    Parameters
    ----------
    items, total
        Forecasts, one unit.
    item_spread, total_spread
        Standard error of each (a band's width will do: only proportions matter). A spread of
        0 holds the figure as it is.
    floors
        Least value of an item: nought where nothing may be negative, or the year to date.

    Returns
    -------
    Reconciled

    Raises
    ------
    InputError
        Not a number, a negative spread, everything held while the sum is off, or floors that
        lie above the total.

    Notes
    -----
    Weighted least squares with variance scaling, the diagonal form of minimum-trace (MinT)
    reconciliation; for one total over n items it has the closed form

        item_i + v_i · gap / (v_T + Σ v),   total − v_T · gap / (v_T + Σ v),

    with gap = total − Σ item and v = spread². Items that fall below their floor are set to
    it and the rest is solved again.

    Source: Wickramasuriya, Athanasopoulos, Hyndman (2019), "Optimal forecast reconciliation
    for hierarchical and grouped time series through trace minimization", Journal of the
    American Statistical Association 114.

    Examples
    --------
    >>> made = reconcile_total({"a": 60.0, "b": 30.0}, 100.0,
    ...     item_spread={"a": 2.0, "b": 1.0}, total_spread=0.0)
    >>> made.items.round(6).to_dict(), made.total
    ({'a': 68.0, 'b': 32.0}, 100.0)
    """
    names = [str(name) for name in items]
    _check(items, total, item_spread, total_spread, floors or {})
    x = np.array([float(items[n]) for n in names])
    v = np.array([float(item_spread[n]) for n in names]) ** 2
    v_total = float(total_spread) ** 2
    least = np.array([float((floors or {}).get(n, -np.inf)) for n in names])
    made, free = x.copy(), v > 0
    gap = float(total) - float(x.sum())
    for _ in range(len(names) + 1):
        base = np.where(free, x, made)
        left = float(total) - float(base.sum())
        room = v_total + float(v[free].sum())
        if room <= 0:
            if abs(left) > 1e-9 * max(1.0, abs(float(total))):
                raise InputError(
                    "items", f"held figures miss the total by {left:g}", "leave one of them free"
                )
            break
        made = np.where(free, x + v * left / room, made)
        low = free & (made < least)
        if not low.any():
            break
        made[low], free = least[low], free & ~low
    kept = pd.Series(made, index=names, dtype=float)
    whole = float(made.sum())
    table = pd.DataFrame(
        {
            "item": [*names, "total"],
            "forecast": [*x.tolist(), float(total)],
            "reconciled": [*made.tolist(), whole],
        }
    )
    table["change"] = table["reconciled"] - table["forecast"]
    return Reconciled(kept, whole, table, gap)


def _check(
    items: Mapping[str, float],
    total: Any,
    spread: Mapping[str, float],
    total_spread: Any,
    floors: Mapping[str, float],
) -> None:
    found = Collector()
    if not items:
        found.add("items", "is empty", "give at least one item")
    for name, value in {**dict(items), "total": total}.items():
        if not np.isfinite(float(value)):
            found.add(str(name), f"{value} is no number")
    for name in items:
        if name not in spread:
            found.add(str(name), "has no spread", "give its standard error")
    for name, value in {**dict(spread), "total": total_spread}.items():
        if not float(value) >= 0 or not np.isfinite(float(value)):
            found.add(str(name), f"a spread of {value} is none", "0 or more")
    for name in floors:
        if name not in items:
            found.add(str(name), "a floor for no item")
    found.raise_if_any()
