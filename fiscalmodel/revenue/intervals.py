"""Bands: how far outturns lay from forecasts, in percent of them.

A yearly forecast m of a positive series has the band m·(1 − p) to m·(1 + p): as much below as
above, as it is read out. p is a quantile of such distances, by length of history, step ahead and
level, times the square root of how much the growth of the history varies: a restless history gets
a wider band, and a shock within it too. The quantiles were measured offline on forecasts of
series that the forecasts had not seen, for budget revenue on Chinese cities from 2012 on alone
(``_assets/bands.json``, made by ``benchmarks/calibrate_forecast.py``). Which side outturns lay on
changed with the years (above while revenue grew by a fifth a year, below since): it says nothing
of the years to come, so both sides are one. Where a value is not positive, p is a share of the
level, added to m.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fiscalmodel.revenue import seasonal
from fiscalmodel.revenue.models import Array

_TABLE = Path(__file__).parent / "_assets" / "bands.json"

#: Typical yearly move as a share of the level: counts as one step more than the history has.
PRIOR_MOVE = 0.08
#: Periods back over which the level is taken.
_LEVEL_SPAN = 8
#: No history is taken to vary less than this.
LEAST_SPREAD = 0.05
#: Half of the forecast: below it a band comes ever nearer to nought and never reaches it.
_HALF = 0.5
#: No band reaches further above than this many times the forecast.
_FARTHEST = 150.0


def typical_move(y: Array) -> Array:
    """How much each history usually moves in a step, shape (series,).

    Notes
    -----
    Mean of |y_t − y_{t−1}| with one step more of `PRIOR_MOVE` times the mean of |y|, so that
    a short or flat history is not taken for a sure one.
    """
    level = np.abs(y[:, -_LEVEL_SPAN:]).mean(axis=1)
    moves = np.abs(np.diff(y, axis=1)).sum(axis=1)
    return np.asarray((moves + PRIOR_MOVE * level) / y.shape[1])


def relative_to(y: Array) -> tuple[NDArray[np.bool_], Array]:
    """Which histories are positive throughout, and the level of each: (series,), (series,)."""
    level = np.abs(y[:, -_LEVEL_SPAN:]).mean(axis=1)
    return np.asarray((y > 0).all(axis=1)), np.where(level > 0, level, 1.0)


def change(to: Array, start: Array, positive: NDArray[np.bool_], level: Array) -> Array:
    """log(to ÷ start) of positive histories, (to − start) ÷ level of others; same shape as `to`."""
    good = positive.reshape(-1, *[1] * (to.ndim - 1)) & (to > 0) & (start > 0)
    logs = np.log(np.where(good, to, 1.0)) - np.log(np.where(good, start, 1.0))
    return np.where(good, logs, (to - start) / level.reshape(-1, *[1] * (to.ndim - 1)))


def spread(y: Array) -> Array:
    """Square root of how much the growth of each history varies, shape (series, 1).

    Notes
    -----
    √max(s, 0.05), with s the standard deviation of log growth; of changes as shares of the level
    where a value is not positive. On competitions widths in proportion to s did worse, on cities
    widths free of it.
    """
    positive, level = relative_to(y)
    growth = change(y[:, 1:], y[:, :-1], positive, level)
    return np.asarray(np.sqrt(np.maximum(growth.std(axis=1), LEAST_SPREAD))[:, None])


def below(p: Array) -> Array:
    """Share of the forecast that the lower limit lies below it: p up to a half, never the whole."""
    return np.where(p <= _HALF, p, 1 - _HALF * np.exp(np.minimum(1 - p / _HALF, 0)))


def seasonal_error(y: Array, parts: Array, season_length: int) -> Array:
    """Size of error to be expected of a seasonal history, shape (series, horizon).

    Notes
    -----
    a^½ b^¼ c^¼ with a the typical step over a season, b the typical step of the series
    adjusted for the season, and c how far the candidates lie apart (at least 5 % of b). Below
    two seasons: a, which is the typical step while there is no more than one season.
    """
    move = _seasonal_move(y, season_length)[:, None]
    if y.shape[1] < 2 * season_length:
        return np.repeat(move, parts.shape[2], axis=1)
    everyone = np.ones(len(y), dtype=bool)
    step = typical_move(seasonal.adjust(y, 1, season_length, everyone)[0])[:, None]
    apart = np.maximum(parts.std(axis=0), 0.05 * step)
    return np.asarray(np.sqrt(move * np.sqrt(step * apart)))


def _seasonal_move(y: Array, season_length: int) -> Array:
    """Typical step over a season; of a period, while there is no more than one season."""
    n = y.shape[1]
    if n <= season_length:
        return typical_move(y)
    level = np.abs(y[:, -season_length:]).mean(axis=1)
    over = np.abs(y[:, season_length:] - y[:, :-season_length]).sum(axis=1)
    return np.asarray((over + PRIOR_MOVE * level) / (n - season_length + 1))


@cache
def table() -> dict[str, Any]:
    """The calibration table, as shipped."""
    loaded: dict[str, Any] = json.loads(_TABLE.read_text(encoding="utf-8"))
    return loaded


def _group(season_length: int, kind: str) -> dict[str, Any]:
    groups: dict[str, dict[str, Any]] = table()["groups"]
    if season_length == 1:
        return groups["revenue" if kind == "revenue" else "yearly"]
    return groups["quarterly" if season_length <= 4 else "monthly"]


def quantiles(group: dict[str, Any], n: int, horizon: int, level: float) -> Array:
    """Width in units of the size of errors for each step ahead, shape (horizon,).

    Between measured lengths and levels it is interpolated; beyond the longest measured
    horizon it grows as a power of the horizon, as it did over the measured steps.
    """
    levels, by_level = _by_level(group, n, "width")
    row = at_level(level, levels, by_level)
    known = len(row)
    if horizon > known:
        ahead = np.arange(known + 1, horizon + 1) / known
        row = np.concatenate([row, row[-1] * ahead ** group["growth"]])
    return np.asarray(row[:horizon])


def _by_level(group: dict[str, Any], n: int, what: str) -> tuple[Array, Array]:
    """Measured levels, and what was measured at a length, shape (levels, horizon)."""
    grid = np.array(group[what]).swapaxes(0, 1)  # level, length, horizon
    lengths = np.array(group["lengths"], dtype=float)
    rows = np.stack([_interpolate(n, lengths, of_level) for of_level in grid])
    return np.array(group["levels"], dtype=float), rows


def normal_score(level: Any) -> Any:
    """Normal quantile of the upper edge of a central band.

    >>> round(float(normal_score(95)), 3)
    1.96
    """
    from scipy.special import ndtri

    return ndtri(0.5 + np.asarray(level, dtype=float) / 200)


def at_level(level: float, levels: Array, rows: Array) -> Array:
    """Rows at a level: between measured ones straight in the normal score, where quantiles are
    close to a line; beyond them in proportion to it."""
    row = _interpolate(normal_score(level), normal_score(levels), rows)
    edge = min(max(level, levels[0]), levels[-1])
    return np.asarray(row * normal_score(level) / normal_score(edge) if edge != level else row)


def _interpolate(at: float, grid: Array, rows: Array) -> Array:
    """Rows linearly between grid points; the end rows beyond them."""
    high = int(np.clip(np.searchsorted(grid, at), 1, len(grid) - 1))
    share = float(np.clip((at - grid[high - 1]) / (grid[high] - grid[high - 1]), 0, 1))
    return np.asarray((1 - share) * rows[high - 1] + share * rows[high])


def bands(
    y: Array,
    mean: Array,
    parts: Array,
    levels: Sequence[float],
    season_length: int = 1,
    *,
    kind: str = "",
    widening: float = 1.0,
) -> dict[float, tuple[Array, Array]]:
    """Lower and upper limits by level, each (series, horizon), ascending.

    They widen with the level and, yearly, with the horizon.

    Parameters
    ----------
    y, mean, parts
        Histories (series, n), forecast (series, horizon) and candidates' forecasts
        (candidates, series, horizon).
    levels
        In percent.
    season_length
        Periods in a season, 1 for none.
    kind
        Kind of revenue whose table is used.
    widening
        Factor on the widths.
    """
    group, (n, horizon) = _group(season_length, kind), (y.shape[1], mean.shape[1])
    yearly = season_length == 1
    if not yearly:
        size = seasonal_error(y, parts, season_length)
    else:
        size = spread(y) if n > 1 else np.ones((len(y), 1))
    positive, level_of = relative_to(y)
    level_of = np.where(y.any(axis=1), level_of, 0.0)  # nothing but noughts: no scale
    in_percent = positive[:, None] & (mean > 0)
    found: dict[float, tuple[Array, Array]] = {}
    width = np.zeros(mean.shape)
    for level in sorted(levels):
        width = np.maximum(width, widening * size * quantiles(group, n, horizon, level))
        if not yearly:
            found[level] = mean - width, mean + width
            continue
        width = np.minimum(np.maximum.accumulate(width, axis=1), _FARTHEST)
        unit = np.where(in_percent, mean, level_of[:, None])
        found[level] = mean - unit * np.where(in_percent, below(width), width), mean + unit * width
    return found


def coverage(n: int, horizon: int, level: float, season_length: int = 1, kind: str = "") -> Array:
    """Share (%) of actual values inside the band, by step, when it was tried out.

    Each data set, and of the cities each third of the provinces in each span of years, was
    forecast with a model and a table made from the others. NaN for levels beyond those tried.
    """
    levels, by_level = _by_level(_group(season_length, kind), n, "coverage")
    if not levels[0] <= level <= levels[-1]:
        return np.full(horizon, np.nan)
    row = _interpolate(level, levels, by_level)
    return np.asarray(row[np.minimum(np.arange(horizon), len(row) - 1)])
