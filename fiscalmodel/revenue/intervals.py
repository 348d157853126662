"""Bands: how far outturns lay from forecasts, each side for itself, on the scale of growth.

A yearly forecast m of a positive series has the band m·exp(−q₁w₁) to m·exp(q₂w₂). w₁ and w₂ say
how large errors below and above are to be expected of such a history: how it has moved, how
it moved last, how far the candidates lie apart. q₁ and q₂ are quantiles, by length of history,
step ahead and level, of errors in these units. Both were measured offline on forecasts of series
that the forecasts had not seen, years of shocks among them, for budget revenue on Chinese cities
and local finance alone (``_assets/bands.json``, made by ``benchmarks/calibrate_forecast.py``).
Where a value is not positive, the same holds for changes as shares of the level, added to m.
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
from fiscalmodel.revenue.pooled import tilt

_TABLE = Path(__file__).parent / "_assets" / "bands.json"

#: Typical yearly move as a share of the level: counts as one step more than the history has.
PRIOR_MOVE = 0.08
#: Periods back over which the level is taken.
_LEVEL_SPAN = 8
#: Growth below this is not told from none.
_LEAST = 0.01
#: No band reaches further than this many log points from the forecast.
_FARTHEST = 5.0
SIDES = ("lower", "upper")


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


def scale_features(y: Array, mean: Array, parts: Array) -> Array:
    """What tells large errors from small ones, in logs: shape (series, horizon, features).

    Parameters
    ----------
    y
        Histories of one length n >= 2, shape (series, n).
    mean
        Forecast, shape (series, horizon).
    parts
        Candidates' forecasts, shape (candidates, series, horizon).

    Notes
    -----
    Of the growth of the history: median distance from its median, standard deviation, mean of
    the last three, mean, the last against the first one forecast; the largest fall and the
    largest rise of the last two; how far the candidates lie apart; log n, 1/n, and the standard
    deviation and the mean times 6/n.
    """
    n, horizon = y.shape[1], parts.shape[2]
    positive, level = relative_to(y)
    growth = change(y[:, 1:], y[:, :-1], positive, level)
    ahead = change(mean[:, :1], y[:, -1:], positive, level)[:, 0]

    def logged(x: Array) -> Array:
        return np.log(np.minimum(np.abs(x), 2.0) + _LEAST)

    middle = np.median(growth, axis=1, keepdims=True)
    spread, usual = logged(growth.std(axis=1)), logged(growth.mean(axis=1))
    few = 6 / max(n, 6)
    fixed = [
        logged(np.median(np.abs(growth - middle), axis=1)),
        spread,
        logged(np.abs(growth[:, -3:]).mean(axis=1)),
        usual,
        logged(growth[:, -1] - ahead),
        np.log(np.clip(-growth[:, -2:].min(axis=1), 0, 0.5) + 0.05),
        np.log(np.clip(growth[:, -2:].max(axis=1), 0, 0.5) + 0.05),
        np.full(len(y), np.log(n)),
        np.full(len(y), 1 / n),
        few * spread,
        few * usual,
    ]
    apart = logged((parts - parts.mean(axis=0)).std(axis=0) / level[:, None])
    steady = np.repeat(np.stack(fixed, axis=1)[:, None], horizon, axis=1)
    return np.concatenate([apart[:, :, None], steady], axis=2)


def expected_error(x: Array, model: dict[str, Any]) -> Array:
    """exp(c_h + β·x + γ·x·tilt(h)), shape (series, horizon), x from `scale_features`."""
    start = np.array(model["start"])
    last = np.minimum(np.arange(x.shape[1]), len(start) - 1)
    lean = tilt(x.shape[1])
    power = start[last] + x @ np.array(model["main"]) + (x @ np.array(model["tilt"])) * lean
    return np.asarray(np.exp(np.clip(power, -7, 2)))


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
        return groups["revenue" if kind in ("revenue", "tax") else "yearly"]
    return groups["quarterly" if season_length <= 4 else "monthly"]


def quantiles(group: dict[str, Any], side: str, n: int, horizon: int, level: float) -> Array:
    """Width in units of the expected error for each step ahead, shape (horizon,).

    Between measured lengths and levels it is interpolated; beyond the longest measured
    horizon it grows as a power of the horizon, as it did over the measured steps.
    """
    lengths, levels = np.array(group["lengths"], float), np.array(group["levels"], float)
    grid = np.array(group[side])  # length, level, horizon
    by_level = np.stack([_interpolate(n, lengths, grid[:, k]) for k in range(len(levels))])
    # In the normal score, quantiles are close to a straight line.
    row = _interpolate(_score(level), _score(levels), by_level)
    if not levels[0] <= level <= levels[-1]:
        edge = levels[-1] if level > levels[-1] else levels[0]
        row = row * _score(level) / _score(edge)
    known = len(row)
    if horizon > known:
        ahead = np.arange(known + 1, horizon + 1) / known
        row = np.concatenate([row, row[-1] * ahead ** group["growth"]])
    return np.asarray(row[:horizon])


def _score(level: Any) -> Any:
    """Normal quantile of the upper edge of a central band."""
    from scipy.special import ndtri

    return ndtri(0.5 + np.asarray(level, dtype=float) / 200)


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
        Histories, forecast and candidates' forecasts, as in `scale_features`.
    levels
        In percent.
    season_length
        Periods in a season, 1 for none.
    kind
        Kind of revenue whose table is used.
    widening
        Factor on the widths.
    """
    if not levels:
        return {}
    group, (n, horizon) = _group(season_length, kind), (y.shape[1], parts.shape[2])
    yearly = season_length == 1
    if not yearly:
        size = seasonal_error(y, parts, season_length)
        sizes = dict.fromkeys(SIDES, size)
    elif n == 1:
        sizes = {side: np.ones(mean.shape) for side in SIDES}
    else:
        x = scale_features(y, mean, parts)
        sizes = {side: expected_error(x, group["scale"][side]) for side in SIDES}
    positive, level_of = relative_to(y)
    level_of = np.where(y.any(axis=1), level_of, 0.0)  # nothing but noughts: no scale
    found: dict[float, tuple[Array, Array]] = {}
    width = {side: np.zeros(mean.shape) for side in SIDES}
    for level in sorted(levels):
        for side in SIDES:
            wide = widening * sizes[side] * quantiles(group, side, n, horizon, level)
            wide = np.maximum(width[side], wide)
            width[side] = np.maximum.accumulate(wide, axis=1) if yearly else wide
        if not yearly:
            found[level] = mean - width["lower"], mean + width["upper"]
            continue
        down, up = (np.minimum(width[side], _FARTHEST) for side in SIDES)
        logs = positive[:, None] & (mean > 0)
        unit = np.where(logs, 1.0, level_of[:, None])
        lower = np.where(logs, mean * np.exp(-down), mean - unit * down)
        upper = np.where(logs, mean * np.exp(up), mean + unit * up)
        found[level] = lower, upper
    return found


def coverage(n: int, horizon: int, level: float, season_length: int = 1, kind: str = "") -> Array:
    """Share (%) of actual values inside the band, by step, when it was tried out.

    Each data set, and of the cities each third of the provinces in each span of years, was
    forecast with a model and a table made from the others. NaN for levels beyond those tried.
    """
    group = _group(season_length, kind)
    levels = np.array(group["levels"], dtype=float)
    lengths = np.array(group["lengths"], dtype=float)
    grid = np.array(group["coverage"])
    by_level = np.stack([_interpolate(n, lengths, grid[:, k]) for k in range(len(levels))])
    if not levels[0] <= level <= levels[-1]:
        return np.full(horizon, np.nan)
    row = _interpolate(level, levels, by_level)
    return np.asarray(row[np.minimum(np.arange(horizon), len(row) - 1)])
