"""Debt dynamics: the recursion of the debt ratio, its parts, what stabilises it, fan and stress.

d_t = d_{t−1} · (1 + i) / (1 + g) − pb + sfa, everything in percent of the same
denominator (usually 综合财力 or GDP), growth in current prices.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
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


def _paths(
    *given: Path, years: int | Iterable[Any] | None = None, **named: Path
) -> tuple[list[Any], dict[str, Array]]:
    """The paths of `PATHS`, given in their order or by name, on their years."""
    taken = dict(zip(PATHS, given, strict=False)) | named
    return broadcast(taken | {"stock_flow_pct": taken.get("stock_flow_pct", 0.0)}, years)


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
    labels, paths = _paths(primary_balance_pct, rate_pct, growth_pct, stock_flow_pct, years=years)
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


#: Name -> shocks in percentage points to each year's value; ``_once`` hits the first year only.
STRESSES: dict[str, dict[str, float]] = {
    "baseline": {},
    "lower_growth": {"growth_pct": -2.0},
    "higher_rate": {"rate_pct": 2.0},
    "weaker_balance": {"primary_balance_pct": -1.0},
    "combined": {"growth_pct": -1.0, "rate_pct": 1.0, "primary_balance_pct": -0.5},
    "contingent": {"stock_flow_pct_once": 10.0},
}


def debt_fan(
    debt_ratio_pct: float,
    primary_balance_pct: Path,
    rate_pct: Path,
    growth_pct: Path,
    history: pd.DataFrame,
    *,
    seed: int,
    stock_flow_pct: Path = 0.0,
    years: int | Iterable[Any] | None = None,
    draws: int = 2000,
    block: int = 1,
    levels: Sequence[float] = (80, 95),
) -> pd.DataFrame:
    """Fan of debt paths from resampled history.

    Parameters
    ----------
    debt_ratio_pct, primary_balance_pct, rate_pct, growth_pct, stock_flow_pct, years
        The central path, as in `debt_path`.
    history
        One row a past year (in order), with any of the columns ``growth_pct``,
        ``rate_pct``, ``primary_balance_pct``, ``stock_flow_pct``; at least four
        rows. What varies is the deviation from each column's mean, whole years
        together, so that correlations between the columns are kept.
    seed
        Seed of the draws; the same seed gives the same fan.
    draws
        Number of paths.
    block
        Length of the runs of years that are drawn together (moving blocks).
    levels
        Central bands in percent.

    Returns
    -------
    DataFrame
        ``year, central, mean, median`` and ``lo-80, hi-80 …`` of the closing
        debt ratio; ``central`` is the path without shocks.

    Raises
    ------
    InputError
        If the history is too short, has gaps or unknown columns.
    """
    columns = [name for name in PATHS if name in history.columns]
    unknown = [c for c in history.columns if c not in (*PATHS, "year")]
    if unknown or not columns:
        raise InputError(
            "history", "debt.path.history_columns", names=list(history), known=list(PATHS)
        )
    past = history[columns].to_numpy(float)
    if len(past) < 4 or not np.isfinite(past).all():
        raise InputError("history", "debt.path.history_short", years=len(past))
    if not 1 <= block <= len(past):
        raise InputError("block", "debt.path.block", text=block, most=len(past))
    labels, paths = _paths(primary_balance_pct, rate_pct, growth_pct, stock_flow_pct, years=years)
    rng = np.random.default_rng(seed)
    picked = _resampled(rng, len(past), (draws, len(labels)), block)
    shocks = dict(zip(columns, np.moveaxis((past - past.mean(axis=0))[picked], 2, 0), strict=True))
    drawn = {name: path + shocks.get(name, 0.0) for name, path in paths.items()}
    check_growth(np.asarray(drawn["growth_pct"]))
    closing = _closings(opening_ratio(debt_ratio_pct), drawn, draws, len(labels))
    central = debt_path(debt_ratio_pct, **paths)["closing"]
    fan = pd.DataFrame({"year": labels, "central": central.to_numpy()})
    fan["mean"], fan["median"] = closing.mean(axis=0), np.median(closing, axis=0)
    for level in levels:
        tail = (100 - level) / 2
        fan[f"lo-{level:g}"], fan[f"hi-{level:g}"] = np.percentile(
            closing, [tail, 100 - tail], axis=0
        )
    return fan


def _resampled(
    rng: np.random.Generator, length: int, shape: tuple[int, int], block: int
) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Row numbers of the history for each draw and year, in runs of `block`."""
    draws, years = shape
    runs = -(-years // block)
    starts = rng.integers(0, length - block + 1, size=(draws, runs))
    return (starts[:, :, None] + np.arange(block)).reshape(draws, -1)[:, :years]


def _closings(
    opening: float, paths: Mapping[str, Any], draws: int, years: int
) -> np.ndarray[Any, np.dtype[np.float64]]:
    full = {name: np.broadcast_to(values, (draws, years)) for name, values in paths.items()}
    debt, result = np.full(draws, opening), np.empty((draws, years))
    for t in range(years):
        factor = (1 + full["rate_pct"][:, t] / 100) / (1 + full["growth_pct"][:, t] / 100)
        debt = debt * factor - full["primary_balance_pct"][:, t] + full["stock_flow_pct"][:, t]
        result[:, t] = debt
    return result


def stress_pack(
    debt_ratio_pct: float,
    primary_balance_pct: Path,
    rate_pct: Path,
    growth_pct: Path,
    *,
    stock_flow_pct: Path = 0.0,
    years: int | Iterable[Any] | None = None,
    stresses: Mapping[str, Mapping[str, float]] | None = None,
) -> pd.DataFrame:
    """The path under each standard shock.

    Parameters
    ----------
    debt_ratio_pct, primary_balance_pct, rate_pct, growth_pct, stock_flow_pct, years
        The path without shocks, as in `debt_path`.
    stresses
        Name -> shock in percentage points by argument (``growth_pct``, …);
        ``stock_flow_pct_once`` and the like hit the first year only. Default:
        growth −2, rate +2, balance −1, half of all three together, and hidden
        or guaranteed debt of 10 points recognised in the first year.

    Returns
    -------
    DataFrame
        ``stress, year, opening, …, closing`` as `debt_path`, one block a shock.

    Notes
    -----
    The sizes are the house's own choice for a county, not a rule; pass others.
    """
    labels, paths = _paths(primary_balance_pct, rate_pct, growth_pct, stock_flow_pct, years=years)
    blocks = []
    for stress, shocks in (STRESSES if stresses is None else stresses).items():
        moved = {name: path.copy() for name, path in paths.items()}
        for key, size in shocks.items():
            name = key.removesuffix("_once")
            if name not in moved:
                raise InputError(
                    f"stresses[{stress}]", "debt.unknown_option", text=key, known=list(PATHS)
                )
            moved[name][: 1 if key.endswith("_once") else None] += size
        made = debt_path(debt_ratio_pct, **moved, years=labels)
        made.insert(0, "stress", stress)
        blocks.append(made)
    return pd.concat(blocks, ignore_index=True)
