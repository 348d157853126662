"""Candidates for seasonal series: adjusted for the season, or forecast by the year."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fiscalmodel.revenue import seasonal
from fiscalmodel.revenue.local_global import Shapes, local_global_trend
from fiscalmodel.revenue.models import Forecaster
from fiscalmodel.revenue.smoothing import Array, free_theta

#: Grid for seasonally adjusted series: long and noisy, so light smoothing is allowed.
_ADJUSTED = Shapes(
    (0.2, 0.4, 0.7, 0.9), (0.05, 0.2), (0.0, 0.5), (0.0, 0.5), 8.0, 3.0, 0.1, 2.5, 0.9
)
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
        share = np.where(seasonal.repeats(y, season_length), 1.0, 0.5)[:, None]
        weights = np.stack([share, 1 - share]) + np.zeros(parts.shape)
        return ("seasonal_naive", "theta_plain"), parts, weights
    found = seasonal.has_season(y, season_length)
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
    adjusted, factor, term = seasonal.adjust(y, horizon, season_length, found)
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
