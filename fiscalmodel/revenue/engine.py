"""Candidates combined, then mean and ordered bands for equally long, clean histories."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fiscalmodel.errors import InputError, did_you_mean, known_names
from fiscalmodel.revenue import pooled, seasonal
from fiscalmodel.revenue.intervals import bands
from fiscalmodel.revenue.models import Array, candidate_forecasts, held
from fiscalmodel.revenue.seasonal import seasonal_candidates, seasonal_naive
from fiscalmodel.series.calibre import CalibreLink
from fiscalmodel.series.types import Series
from fiscalmodel.words import marked


@dataclass(frozen=True)
class Combination:
    """Forecasts of a block of equally long histories.

    Attributes
    ----------
    mean
        Combined forecast, shape (series, horizon).
    names
        Candidates used.
    parts
        What each said, shape (candidates, series, horizon).
    weights
        Weight of each, shape (candidates, series, horizon), adding up to one.
    seasonal
        Whether a seasonal pattern was taken out and put back, shape (series,).
    """

    mean: Array
    names: tuple[str, ...]
    parts: Array
    weights: Array
    seasonal: NDArray[np.bool_]


#: Share of each yearly candidate: the pooled model, and two methods that each history fits for
#: itself; where growth fades after the years that the model learned from, they hold it back.
SHARES: dict[str, float] = {"pooled": 0.5, "theta": 0.25, "steady": 0.25}
#: For general public budget revenue (一般公共预算收入) and its taxes: half the pooled model, half
#: the last value with half the mean step; the pooled model's share fades.
REVENUE_SHARES: dict[str, float] = {"pooled": 0.5, "half_drift": 0.5}


def combine(
    y: Array,
    horizon: int,
    season_length: int = 1,
    shares: Mapping[str, float] = SHARES,
    *,
    fades: bool = False,
) -> Combination:
    """Combined forecast of histories of one length, shape (series, n).

    ``shares`` gives the yearly candidates' weights; seasonal ones count the same. With `fades`
    the pooled model's share falls with the years ahead to 2/(h+1) of what it is in the first,
    in favour of half the mean step: what it learned of momentum holds for the next year, less
    for the third.
    """
    scale = np.abs(y).max(axis=1, keepdims=True)
    scale = np.where(scale > 0, scale, 1.0)
    made = (
        _seasonal(y / scale, horizon, season_length, shares, fades)
        if 1 < season_length < y.shape[1]
        else _yearly(y / scale, horizon, shares, fades)
    )
    return Combination(
        made.mean * scale, made.names, made.parts * scale, made.weights, made.seasonal
    )


def with_pooled(y: Array, horizon: int) -> tuple[tuple[str, ...], Array]:
    """Names and forecasts of all yearly candidates, the pooled model last: (names, k × s × h)."""
    # As far ahead as the network was trained, so that what it says of a step does not
    # depend on how many more are asked for.
    names, parts = candidate_forecasts(y, max(horizon, pooled.TRAINED_STEPS))
    if len(names) > 1:
        names = (*names, "pooled")
        parts = np.concatenate([parts, held(y, pooled.forecast(y, parts))[None]])
    return names, parts[:, :, :horizon]


def _yearly(y: Array, horizon: int, shares: Mapping[str, float], fades: bool) -> Combination:
    names, parts = with_pooled(y, horizon)
    weights = np.zeros(parts.shape)
    if len(names) == 1:
        weights[:] = 1
    else:
        for name, share in shares.items():
            weights[names.index(name)] = share
        if fades:
            first = shares["pooled"]
            fading = 2 * first / (1 + np.arange(1, horizon + 1))
            weights[names.index("pooled")] = fading
            weights[names.index("half_drift")] += first - fading
    mean = (weights * parts).sum(axis=0)
    return Combination(mean, names, parts, weights, np.zeros(len(y), dtype=bool))


def _seasonal(
    y: Array, horizon: int, season_length: int, shares: Mapping[str, float], fades: bool
) -> Combination:
    names, parts, weights = seasonal_candidates(
        y, horizon, season_length, lambda sums, years: _yearly(sums, years, shares, fades).mean
    )
    found = seasonal.has_season(y, season_length)
    return Combination((weights * parts).sum(axis=0), names, parts, weights, found)


# ---------------- kinds of revenue


@dataclass(frozen=True)
class Kind:
    """How a kind of revenue is forecast.

    Attributes
    ----------
    name
        As it is given to `forecast`; empty for series of any other kind.
    shares
        Share of each yearly candidate in the forecast.
    fades
        Whether the pooled model's share falls with the years ahead.
    shrink
        Share of the last value in the forecast.
    widening
        Factor on the bands.
    """

    name: str = ""
    shares: Mapping[str, float] = field(default_factory=lambda: SHARES)
    fades: bool = False
    shrink: float = 0.0
    widening: float = 1.0


PLAIN = Kind()
#: General public budget revenue (一般公共预算收入).
REVENUE = Kind("revenue", REVENUE_SHARES, fades=True)
#: One tax: as any series; on a city's taxes to 2015 that erred less than as budget revenue (1.03
#: against 1.06 of naive's error), and so it did after (.88 against .91).
TAX = Kind("tax")
#: Land-sale (土地出让) and other fund revenue. On the provinces' fund revenue every trend made
#: things worse (errors of 22, 39 and 48 % one to three years ahead for the last value, 26, 53
#: and 76 % for the combination). The widening was taken from every second province; on the others
#: the 80 % band then holds 75 to 85 %.
FUND = Kind("fund", shrink=0.9, widening=1.9)
#: Growth of a history of no known kind that varies by more than this may be that of land sales:
#: budget revenue of nine provinces in ten varied by less, funds of three in four by more.
RESTLESS = 0.2

KINDS: dict[str, Kind] = {"revenue": REVENUE, "tax": TAX, "land": FUND, "fund": FUND}


def kind_of(y: Any, kind: str | None = None) -> Kind:
    """The kind asked for, or found from the name: a `Series`, what it is linked from, or text.

    Raises
    ------
    InputError
        A kind that is not known.
    """
    if kind is not None:
        if isinstance(kind, str) and kind in KINDS:
            return KINDS[kind]
        hint = did_you_mean(str(kind), KINDS) or known_names(KINDS)
        raise InputError("kind", "revenue.no_kind", hint, kind=kind)
    if isinstance(y, CalibreLink):
        y = y.source
    if isinstance(y, Series):
        y = f"{y.budget_scope} {y.indicator} {y.series_id}"
    if not isinstance(y, str):
        return PLAIN
    if marked(y, "not_revenue"):  # what is spent or owed, and what comes from above or from bonds
        return PLAIN
    if marked(y, "fund"):
        return FUND
    if marked(y, "one_tax"):
        return TAX
    return REVENUE if marked(y, "budget") and marked(y, "revenue") else PLAIN


# ---------------- outlying values

#: Fewest points from which an outlier can be told.
LEAST = 7
#: A value is outlying beyond this many spreads of the others …
SCORE = 5.0
#: … and beyond this many log points from what its neighbours say.
SIZE = 0.08


def outlying(y: Array) -> NDArray[np.bool_]:
    """Which values are one-off outliers, shape (series, n).

    Notes
    -----
    d_t = log y_t − ½ (log y_{t−1} + log y_{t+1}) for the inner values. A value is outlying
    if |d_t| > 0.08 and |d_t| > 5 s, where s is 1.4826 times the median of |d| over the inner
    values and at least 0.01, and both neighbours lie on one side of it: it fell and came
    back, or rose and fell. The first and the last two values never are: at the end, a
    one-off cannot be told from a new level. Of neighbouring outliers the largest counts.
    Only for positive series of `LEAST` values and more.
    """
    count, n = y.shape
    found = np.zeros((count, n), dtype=bool)
    positive = (y > 0).all(axis=1)
    if n < LEAST or not positive.any():
        return found
    logs = np.log(y[positive])
    off = logs[:, 1:-1] - (logs[:, :-2] + logs[:, 2:]) / 2
    size = np.abs(off)
    spread = np.maximum(1.4826 * np.median(size, axis=1, keepdims=True), 0.01)
    alone = (logs[:, 1:-1] - logs[:, :-2]) * (logs[:, 1:-1] - logs[:, 2:]) > 0
    flagged = (size > SIZE) & (size > SCORE * spread) & alone
    padded = np.pad(size, ((0, 0), (1, 1)))
    largest = (size >= padded[:, :-2]) & (size >= padded[:, 2:])
    inner = np.zeros((len(logs), n), dtype=bool)
    inner[:, 1:-1] = flagged & largest
    inner[:, -2:] = False
    found[positive] = inner
    return found


def repaired(y: Array, found: NDArray[np.bool_]) -> Array:
    """Outlying values replaced by the geometric mean of their neighbours, for the fit only."""
    out = y.copy()
    rows, columns = np.nonzero(found)
    out[rows, columns] = np.sqrt(y[rows, columns - 1] * y[rows, columns + 1])
    return out


# ---------------- the forecast of a block


@dataclass(frozen=True)
class Block:
    """Forecasts of a block: `mean`, `lower[level]`, `upper[level]`, each (series, horizon)."""

    mean: Array
    lower: dict[float, Array]
    upper: dict[float, Array]
    combination: Combination


def forecast_block(
    y: Array,
    horizon: int,
    season_length: int,
    levels: Sequence[float],
    *,
    kind: Kind = PLAIN,
) -> Block:
    """Forecast histories of one length, shape (series, n), without missing values.

    Mean and bands are held at nought where no value of the history is negative.

    Parameters
    ----------
    y
        Histories.
    horizon
        Steps ahead.
    season_length
        Periods in a season; 1 for none.
    levels
        Band levels in percent, ascending.
    kind
        How this kind of revenue is forecast.
    """
    fitted = y if season_length > 1 else repaired(y, outlying(y))
    alone = combine(fitted, horizon, season_length, kind.shares, fades=kind.fades)
    found = _shrunk(alone, y, season_length, kind.shrink) if kind.shrink else alone
    mean = found.mean
    lower, upper = {}, {}
    floor = np.where(y.min(axis=1) >= 0, 0.0, -np.inf)[:, None]
    inner_low, inner_high = mean, mean
    limits = bands(
        y, mean, alone.parts, levels, season_length, kind=kind.name, widening=kind.widening
    )
    for level, (low, high) in limits.items():
        inner_low, inner_high = np.minimum(inner_low, low), np.maximum(inner_high, high)
        lower[level] = np.maximum(inner_low, floor)
        upper[level] = np.maximum(inner_high, floor)
    return Block(np.maximum(mean, floor), lower, upper, found)


def anchor_of(n: int, season_length: int) -> str:
    """What some kinds are shrunk to: the same period of last year, or the last value."""
    return "seasonal_naive" if 1 < season_length < n else "naive"


def _shrunk(found: Combination, y: Array, season_length: int, share: float) -> Combination:
    """A combination with a share of the anchor, which stands among the candidates."""
    name, horizon = anchor_of(y.shape[1], season_length), found.mean.shape[1]
    said = seasonal_naive(y, horizon, season_length if name != "naive" else 1)
    names, parts, weights = found.names, found.parts, found.weights * (1 - share)
    if name not in names:
        names, parts = (*names, name), np.concatenate([parts, said[None]])
        weights = np.concatenate([weights, np.zeros((1, *said.shape))])
    weights[names.index(name)] += share
    mean = (1 - share) * found.mean + share * said
    return Combination(mean, names, parts, weights, found.seasonal)
