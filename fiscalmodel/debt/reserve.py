"""The debt-service reserve fund 偿债备付金: roll-forward, and what must be paid in.

The fund is explored locally and encouraged by 国办发〔2024〕52号; the formula here is
an own design: the balance covers the next k periods of principal and interest.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from fiscalmodel.errors import Collector, InputError

Array = npt.NDArray[np.float64]
Values = float | Sequence[float] | Mapping[Any, float] | pd.Series


def _amounts(given: Mapping[str, Values], cover: int) -> tuple[list[Any], list[Array]]:
    """Periods (named by the first, the service) and one amount a period of each."""
    service = next(iter(given.values()))
    if isinstance(service, Mapping | pd.Series):
        labels = list(service.keys())
    elif isinstance(service, Sequence):
        labels = list(range(1, len(service) + 1))
    else:
        raise InputError("service_wan", "debt.reserve.service")
    if int(cover) != cover or cover < 1:
        raise InputError("cover", "debt.no_count", text=cover)
    found, made = Collector(), []
    for name, values in given.items():
        if isinstance(values, Mapping | pd.Series):
            values = [values.get(label, math.nan) for label in labels]
        try:
            made.append(np.broadcast_to(np.asarray(values, float), len(labels)))
        except ValueError:
            found.add(name, "debt.reserve.values", count=len(labels))
            continue
        for label, value in zip(labels, made[-1], strict=True):
            if not math.isfinite(value) or value < 0:
                found.add(f"{name}[{label}]", "debt.missing_or_negative", text=value)
    found.raise_if_any()
    return labels, made


def targets(service: Array, cover: int) -> Array:
    """Principal and interest of the next `cover` periods after each one.

    >>> targets(np.array([1.0, 2.0, 4.0]), 2).tolist()
    [6.0, 4.0, 0.0]
    """
    ahead = np.concatenate([service[1:], np.zeros(cover)])
    return np.array([ahead[t : t + cover].sum() for t in range(len(service))])


def required_contributions(
    service_wan: Values,
    contributions_wan: Values | None = None,
    *,
    draws_wan: Values = 0.0,
    opening_wan: float = 0.0,
    rate_pct: float = 0.0,
    cover: int = 1,
) -> pd.DataFrame:
    """Roll the fund forward, with the least that must be paid in to reach its target.

    Parameters
    ----------
    service_wan
        Principal and interest due by period; names the periods.
    contributions_wan
        Paid in each period (shares of land income, project income, 超收), if it is known;
        None: the least with which no gap is left.
    draws_wan
        Taken out to pay debt.
    opening_wan, rate_pct
        Balance at the start, and interest a period on the opening balance.
    cover
        How many periods ahead the fund should cover.

    Returns
    -------
    DataFrame
        ``period, opening_wan, contribution_wan, interest_wan, draw_wan,
        closing_wan, target_wan, gap_wan``; opening + contribution + interest −
        draw = closing, gap = what the closing lacks to the target.

    Raises
    ------
    InputError
        Missing or negative amounts, or a draw beyond what is there.

    Notes
    -----
    Least contribution = max(0, target + draw − opening − interest).
    """
    given = {"service_wan": service_wan, "draws_wan": draws_wan,
             "contributions_wan": 0.0 if contributions_wan is None else contributions_wan,
             "opening_wan": opening_wan, "rate_pct": rate_pct}  # fmt: skip
    labels, (service, draws, paid, *_) = _amounts(given, cover)
    balance, rows = float(opening_wan), []
    wanted = targets(service, cover)
    for label, target, drawn, part in zip(labels, wanted, draws, paid, strict=True):
        interest = balance * rate_pct / 100
        if contributions_wan is None:
            part = max(0.0, target + drawn - balance - interest)
        closing = balance + part + interest - drawn
        if closing < -1e-9:
            raise InputError(
                f"draws_wan[{label}]", "debt.reserve.draw", drawn=drawn, held=drawn + closing
            )
        gap = max(0.0, target - closing)
        rows.append((label, balance, part, interest, drawn, closing, target, gap))
        balance = closing
    columns = ["period", "opening_wan", "contribution_wan", "interest_wan", "draw_wan",
               "closing_wan", "target_wan", "gap_wan"]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def even_contribution(
    service_wan: Values,
    *,
    weights: Values = 1.0,
    draws_wan: Values = 0.0,
    opening_wan: float = 0.0,
    rate_pct: float = 0.0,
    cover: int = 1,
) -> float:
    """Smallest even contribution that reaches every period's target.

    Parameters
    ----------
    weights
        What the contribution is a multiple of: 1 gives 万元 a period; land income
        by period gives the share of land income (0.05 for 5 %).

    Returns
    -------
    float
        The multiple; infinite where a target stands before any weight.

    Notes
    -----
    The balance is linear in the multiple x: closing_t = a_t + b_t·x, so
    x = max_t max(0, (target_t − a_t) / b_t).
    """
    given = {"service_wan": service_wan, "draws_wan": draws_wan, "weights": weights}
    _, (service, draws, weight) = _amounts(given, cover)
    factor, fixed, slope, needed = 1 + rate_pct / 100, float(opening_wan), 0.0, 0.0
    for target, drawn, part in zip(targets(service, cover), draws, weight, strict=True):
        fixed, slope = fixed * factor - drawn, slope * factor + part
        # The fund may not run dry on the way either.
        lacking = max(target, 0.0) - fixed
        if lacking > 0:
            needed = max(needed, lacking / slope if slope > 0 else math.inf)
    return float(needed)
