"""Debt dynamics: the recursion of the debt ratio, its parts, and what stabilises it.

d_t = d_{t−1} · (1 + i) / (1 + g) − pb + sfa, everything in percent of the same
denominator (usually 综合财力 or GDP), growth in current prices.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from fiscalmodel.errors import Collector, InputError

Path = float | Sequence[float] | npt.NDArray[np.float64] | pd.Series
Array = npt.NDArray[np.float64]
#: What a debt path is made of, besides the opening.
PATHS = ("primary_balance_pct", "rate_pct", "growth_pct", "stock_flow_pct")
#: Most years of a path.
LONGEST = 1000


def broadcast(
    paths: dict[str, Any], years: int | Iterable[Any] | None
) -> tuple[list[Any], dict[str, Array]]:
    """Year labels, and each path as one value a year.

    A pandas Series brings its own labels: without `years` they are the labels of
    the path, and Series of the same years in another order are put in order.

    Raises
    ------
    InputError
        For a missing or non-numeric value, lengths or years that differ.
    """
    found = Collector()
    labels, first = None if years is None else _labels(years), ""
    arrays: dict[str, Array] = {}
    for name, path in paths.items():
        own = _own_labels(path)
        if own is not None and labels is None:
            labels, first = own, name
        elif own is not None and set(own) == set(labels or ()) and len(set(own)) == len(own):
            path = path.iloc[[own.index(label) for label in labels or ()]]
        elif own is not None and first and labels and len(own) == len(labels):
            found.add(name, "debt.path.other_years", first=own[0], last=own[-1], other=first,
                      begin=labels[0], end=labels[-1])  # fmt: skip
        try:
            values = np.asarray(path, dtype=float)
        except (TypeError, ValueError, OverflowError):
            found.add(name, "debt.path.not_numbers", text=path)
            continue
        if values.ndim > 1:
            found.add(name, "debt.path.two_values")
        elif not np.isfinite(values).all():
            at = 1 if values.ndim == 0 else int(np.argmin(np.isfinite(values))) + 1
            found.add(name, "debt.path.missing", at=at)
        arrays[name] = values
    found.raise_if_any()
    lengths = {name: len(values) for name, values in arrays.items() if values.ndim}
    if labels is not None:
        lengths["years"] = len(labels)
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise InputError("years", "debt.path.lengths", told=told)
    count = next(iter(lengths.values()), 1)
    if count < 1:
        raise InputError("years", "debt.path.no_year")
    return labels or list(range(1, count + 1)), {
        name: np.broadcast_to(values, count) for name, values in arrays.items()
    }


def _own_labels(path: Any) -> list[Any] | None:
    """Labels of a Series; None for what has none, as the plain count 0, 1, 2 …"""
    if not isinstance(path, pd.Series) or not len(path):
        return None
    index = path.index
    if index.equals(pd.RangeIndex(len(index))):
        return None
    yearly = isinstance(index, pd.PeriodIndex) and index.freqstr[0] in "YA"
    if yearly or (isinstance(index, pd.DatetimeIndex) and index.year.is_unique):
        return [int(label.year) for label in index]
    return list(index)


def _labels(years: int | Iterable[Any]) -> list[Any]:
    if isinstance(years, int | np.integer) and 0 < years <= LONGEST:
        return list(range(1, int(years) + 1))
    try:
        return list(years)  # type: ignore[arg-type]  # what is no list is refused
    except TypeError:
        raise InputError("years", "debt.path.no_years", text=years, most=LONGEST) from None


def debt_path(
    debt_ratio_pct: float,
    primary_balance_pct: Path,
    rate_pct: Path,
    growth_pct: Path,
    *,
    stock_flow_pct: Path = 0.0,
    years: int | Iterable[Any] | None = None,
) -> pd.DataFrame:
    """Path of the debt ratio, with the contributions that add up to its change.

    Parameters
    ----------
    debt_ratio_pct
        Debt at the start in percent of the denominator, not negative.
    primary_balance_pct
        Primary balance (surplus positive) in percent of the year's denominator;
        a scalar or one value a year, like all that follow.
    rate_pct
        Effective interest rate on the opening stock, percent.
    growth_pct
        Growth of the denominator in current prices, percent, above −100.
    stock_flow_pct
        Stock-flow adjustment (debt taken on outside the balance), percent.
    years
        Number of years, or their labels; without it those of a Series given on
        years. Needed where all paths are scalars; one year without it.

    Returns
    -------
    DataFrame
        ``year, opening, interest, growth, primary_balance, stock_flow,
        closing``; the four in the middle are contributions in percentage
        points and add up to closing − opening, so a surplus is negative in
        ``primary_balance``.

    Raises
    ------
    InputError
        For missing values, paths of different lengths, a negative debt, or
        growth of −100 % and below.

    Notes
    -----
    interest = d·i/(1 + g), growth = −d·g/(1 + g), primary_balance = −pb,
    stock_flow = sfa. Dividing by 1 + g is what makes them add up; (i − g)·d
    alone does not.

    Source: IMF, Staff Guidance Note on Public Debt Sustainability Analysis
    (2013), annex on debt dynamics.

    Examples
    --------
    >>> debt_path(60, [-1, -0.5, 0, 0.5, 1], 4, 3.5)["closing"].round(4).tolist()
    [61.2899, 62.0859, 62.3859, 62.1873, 61.4877]
    """
    given = primary_balance_pct, rate_pct, growth_pct, stock_flow_pct
    labels, paths = broadcast(dict(zip(PATHS, given, strict=True)), years)
    debt = opening_ratio(debt_ratio_pct)
    check_growth(paths["growth_pct"])
    rows = []
    for t, year in enumerate(labels):
        factor = 1 + float(paths["growth_pct"][t]) / 100
        interest = debt * float(paths["rate_pct"][t]) / 100 / factor
        growth = -debt * float(paths["growth_pct"][t]) / 100 / factor
        balance, other = -float(paths["primary_balance_pct"][t]), float(paths["stock_flow_pct"][t])
        # Closing is the recursion itself; the sum of the parts meets it to rounding.
        closing = debt * (1 + float(paths["rate_pct"][t]) / 100) / factor + balance + other
        rows.append((year, debt, interest, growth, balance + 0.0, other, closing))
        debt = closing
    columns = ["year", "opening", "interest", "growth", "primary_balance", "stock_flow", "closing"]
    return pd.DataFrame(rows, columns=columns)


def opening_ratio(debt_ratio_pct: Any) -> float:
    """The debt at the start, checked."""
    try:
        value = float(debt_ratio_pct)
    except (TypeError, ValueError, OverflowError):
        raise InputError(
            "debt_ratio_pct", "debt.missing_or_negative", text=debt_ratio_pct
        ) from None
    if not math.isfinite(value) or value < 0:
        raise InputError("debt_ratio_pct", "debt.missing_or_negative", text=debt_ratio_pct)
    return value


def check_growth(growth: Array) -> None:
    """Growth above −100 %, so that a denominator is left."""
    if (growth <= -100).any():
        bad = float(growth[growth <= -100][0])
        raise InputError("growth_pct", "debt.path.no_denominator", rate=bad)


def stabilising_balance(
    debt_ratio_pct: float, rate_pct: float, growth_pct: float, *, stock_flow_pct: float = 0.0
) -> float:
    """Primary balance (percent) that keeps the debt ratio where it is.

    Notes
    -----
    pb* = d·(i − g)/(1 + g) + sfa.

    >>> round(stabilising_balance(60, 4, 3.5), 6)
    0.289855
    """
    path = debt_path(debt_ratio_pct, 0.0, rate_pct, growth_pct, stock_flow_pct=stock_flow_pct)
    return float(path["interest"].iloc[0] + path["growth"].iloc[0] + path["stock_flow"].iloc[0])


def target_balance(
    debt_ratio_pct: float,
    target_pct: float,
    rate_pct: Path,
    growth_pct: Path,
    *,
    stock_flow_pct: Path = 0.0,
    years: int | Iterable[Any] | None = None,
) -> float:
    """Constant primary balance (percent) that ends the path on the target.

    Notes
    -----
    The end of the path is linear in a constant balance b: d_T(b) = d_T(0) −
    b·s with s = Σ_t Π_{k>t} (1 + i_k)/(1 + g_k), so b = (d_T(0) − target)/s.

    >>> balance = target_balance(60, 55, 4, 3.5, years=5)
    >>> round(float(debt_path(60, balance, 4, 3.5, years=5)["closing"].iloc[-1]), 9)
    55.0
    """
    ends = [
        float(
            debt_path(
                debt_ratio_pct, b, rate_pct, growth_pct, stock_flow_pct=stock_flow_pct, years=years
            )["closing"].iloc[-1]
        )
        for b in (0.0, 1.0)
    ]
    return (ends[0] - float(target_pct)) / (ends[0] - ends[1])
