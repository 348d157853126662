"""Seasonality: M4's test, classical indices, and the candidates for seasonal series."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from fiscalmodel.revenue.models import (
    Array,
    Forecaster,
    Shapes,
    free_theta,
    local_global_trend,
)

#: Multiplicative indices below this would blow the adjusted series up.
_LEAST_INDEX = 0.02
#: Moves over a season below this share of those from one value to the next: a sharp season.
SHARP = 0.8


def is_seasonal(y: Array, season_length: int) -> NDArray[np.bool_]:
    """Whether each history (rows) is seasonal: M4's test at 90 % of the autocorrelation at lag m.

    Notes
    -----
    |r_m| > 1.645 sqrt((1 + 2 Σ_{k<m} r_k²)/n), with at least 3 m points.
    """
    count, n = y.shape
    if season_length < 2 or n < 3 * season_length:
        return np.zeros(count, dtype=bool)
    centred = y - y.mean(axis=1, keepdims=True)
    total = np.square(centred).sum(axis=1)
    total = np.where(total > 0, total, np.inf)
    acf = np.stack(
        [
            (centred[:, k:] * centred[:, :-k]).sum(axis=1) / total
            for k in range(1, season_length + 1)
        ]
    )
    limit = 1.645 * np.sqrt((1 + 2 * np.square(acf[:-1]).sum(axis=0)) / n)
    return np.asarray(np.abs(acf[-1]) > limit)


def repeats(y: Array, season_length: int) -> NDArray[np.bool_]:
    """Whether the values move less over a season than from one to the next, shape (series,).

    Notes
    -----
    mean |y_t − y_{t−m}| < 0.8 · mean |y_t − y_{t−1}|. Tells a sharp season from a little more
    than one season of values, where the test of `is_seasonal` cannot speak or is too shy: on
    training parts cut to one and a half to three and a half years, scaled errors of Tourism
    series fell by 5 to 37 %, those of M1 and M3 by up to 5 % (one group rose, by 4 %).
    """
    over = np.abs(y[:, season_length:] - y[:, :-season_length]).mean(axis=1)
    return np.asarray(over < SHARP * np.abs(np.diff(y, axis=1)).mean(axis=1))


def has_season(y: Array, season_length: int) -> NDArray[np.bool_]:
    """Whether a season is told by M4's test or by its sharpness, for n > m."""
    return is_seasonal(y, season_length) | repeats(y, season_length)


def centred_average(y: Array, season_length: int) -> Array:
    """Centred moving average over one year (2×m where m is even); NaN at the ends."""
    n = y.shape[1]
    m = season_length
    weights = np.ones(m) / m if m % 2 else np.r_[0.5, np.ones(m - 1), 0.5] / m
    half = len(weights) // 2
    out = np.full(y.shape, np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(y, len(weights), axis=1)
    out[:, half : n - half] = windows @ weights
    return out


def seasonal_indices(y: Array, season_length: int, *, multiplicative: bool) -> Array:
    """Classical decomposition: index of each position in the season, shape (series, m).

    Multiplicative indices average one, additive ones nought. Position 0 is that of
    the first observation.
    """
    trend = centred_average(y, season_length)
    ratio = y / trend if multiplicative else y - trend
    index = np.stack(
        [np.nanmean(ratio[:, k::season_length], axis=1) for k in range(season_length)], axis=1
    )
    mean = index.mean(axis=1, keepdims=True)
    return np.asarray(index / mean if multiplicative else index - mean)


def tile(index: Array, start: int, length: int) -> Array:
    """Seasonal indices laid along time, from position `start` of the first season."""
    m = index.shape[1]
    return index[:, (start + np.arange(length)) % m]


def naive2(y: Array, horizon: int, season_length: int) -> Array:
    """M4's Naive2: naive on the multiplicatively adjusted series where the test says seasonal."""
    out = np.repeat(y[:, -1:], horizon, axis=1)
    seasonal = is_seasonal(y, season_length) & (y > 0).all(axis=1)
    if seasonal.any():
        chosen = y[seasonal]
        index = seasonal_indices(chosen, season_length, multiplicative=True)
        n = y.shape[1]
        level = chosen[:, -1] / tile(index, n - 1, 1)[:, 0]
        out[seasonal] = level[:, None] * tile(index, n, horizon)
    return out


def adjust(
    y: Array, horizon: int, season_length: int, found: NDArray[np.bool_]
) -> tuple[Array, Array, Array]:
    """Seasonally adjusted histories, and the factor and term that put the season back.

    Multiplicative where all values are positive, additive elsewhere; histories that are
    not `found` seasonal stay as they are. At least two seasons of history are needed.
    """
    adjusted = y.copy()
    factor = np.ones((len(y), horizon))
    term = np.zeros((len(y), horizon))
    n = y.shape[1]
    if not found.any():
        return adjusted, factor, term
    ratio = _ratio_indices(y, season_length)
    no_ratio = np.isnan(ratio[:, 0])
    by_ratio, by_term = found & ~no_ratio, found & no_ratio
    if by_ratio.any():
        adjusted[by_ratio] = y[by_ratio] / tile(ratio[by_ratio], 0, n)
        factor[by_ratio] = tile(ratio[by_ratio], n, horizon)
    if by_term.any():
        index = seasonal_indices(y[by_term], season_length, multiplicative=False)
        adjusted[by_term] = y[by_term] - tile(index, 0, n)
        term[by_term] = tile(index, n, horizon)
    return adjusted, factor, term


def _ratio_indices(y: Array, season_length: int) -> Array:
    """Multiplicative indices; NaN rows where they do not serve: values or indices near nought."""
    out = np.full((len(y), season_length), np.nan)
    positive = (y > 0).all(axis=1)
    if positive.any():
        index = seasonal_indices(y[positive], season_length, multiplicative=True)
        serves = np.isfinite(index).all(axis=1) & (index.min(axis=1) > _LEAST_INDEX)
        out[positive] = np.where(serves[:, None], index, np.nan)
    return out


# ---------------- candidates

#: Grid for seasonally adjusted series: long and noisy, so light smoothing is allowed.
_ADJUSTED = Shapes((0.2, 0.4, 0.7, 0.9), (0.05, 0.2), (0.0, 0.5), 0.1)
#: Years whose seasonal shares are averaged, the later ones counting for more.
_SHARE_YEARS = 4


def seasonal_naive(y: Array, horizon: int, season_length: int) -> Array:
    """The value of the same period a season ago."""
    return y[:, -season_length:][:, np.arange(horizon) % season_length]


def seasonal_candidates(
    y: Array, horizon: int, season_length: int, yearly: Callable[[Array, int], Array]
) -> tuple[tuple[str, ...], Array, Array]:
    """Names, forecasts and weights (candidates × series × horizon), for n above one season.

    Parameters
    ----------
    y
        Histories, shape (series, n), n > m.
    horizon
        Steps ahead.
    season_length
        Periods in a season, m.
    yearly
        Forecaster of yearly sums.

    Notes
    -----
    From two seasons on, in equal parts: Theta on the series adjusted where it has a season;
    the local and global trend on the series adjusted in any case; yearly sums forecast by the
    yearly combination and spread by the seasonal shares of the last years (the same period
    of last year, while there are fewer than three years). Before, the same period of last
    year, and as much Theta where the season is not sharp.
    """
    n = y.shape[1]
    if n < 2 * season_length:
        plain = free_theta(y, horizon) if n >= 3 else np.repeat(y[:, -1:], horizon, axis=1)
        parts = np.stack([seasonal_naive(y, horizon, season_length), plain])
        share = np.where(repeats(y, season_length), 1.0, 0.5)[:, None]
        weights = np.stack([share, 1 - share]) + np.zeros(parts.shape)
        return ("seasonal_naive", "theta_plain"), parts, weights
    found = has_season(y, season_length)
    always = np.ones(len(y), dtype=bool)
    third = seasonal_naive(y, horizon, season_length)
    by_year = n >= 3 * season_length
    if by_year:
        third = _by_shares(y, horizon, season_length, yearly, third)
    names = ("theta_adjusted", "steady_adjusted", "yearly_shares" if by_year else "seasonal_naive")
    parts = np.stack(
        [
            _adjusted(free_theta, y, horizon, season_length, found),
            _adjusted(_steady, y, horizon, season_length, always),
            third,
        ]
    )
    return names, parts, np.full(parts.shape, 1 / len(names))


def _steady(y: Array, horizon: int) -> Array:
    return local_global_trend(y, horizon, _ADJUSTED)


def _adjusted(
    run: Forecaster, y: Array, horizon: int, season_length: int, found: np.ndarray
) -> Array:
    adjusted, factor, term = adjust(y, horizon, season_length, found)
    return run(adjusted, horizon) * factor + term


def _by_shares(
    y: Array, horizon: int, season_length: int, yearly: Callable[[Array, int], Array], other: Array
) -> Array:
    """Forecast of yearly sums spread by seasonal shares; `other` where a sum is not positive."""
    count, n = y.shape
    years = n // season_length
    cube = y[:, n - years * season_length :].reshape(count, years, season_length)
    sums = cube.sum(axis=2)
    usable = (y >= 0).all(axis=1) & (sums > 0).all(axis=1)
    if not usable.any():
        return other
    back = min(years, _SHARE_YEARS)
    weight = np.arange(1, back + 1, dtype=float)
    recent = (cube[usable, -back:] * weight[:, None]).sum(axis=1)
    shares = recent / (sums[usable, -back:] * weight).sum(axis=1, keepdims=True)
    ahead = yearly(sums[usable], -(-horizon // season_length))
    out = other.copy()
    out[usable] = (ahead[:, :, None] * shares[:, None, :]).reshape(len(ahead), -1)[:, :horizon]
    return out
