"""Bands by pooled conformal prediction.

The error of a forecast, divided by the size that is to be expected from how the series
has moved (`expected_error`), has much the same distribution on thousands of public
series. Its quantiles by length of history and step ahead were measured offline, on
series that the forecasts had not seen, and are shipped as a table
(``_assets/bands.json``, made by ``benchmarks/calibrate_forecast.py``).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from fiscalmodel.revenue import seasonal
from fiscalmodel.revenue.pooled import tilt
from fiscalmodel.revenue.smoothing import Array

_TABLE = Path(__file__).parent / "_assets" / "bands.json"

#: Typical yearly move as a share of the level: counts as one step more than the history has.
PRIOR_MOVE = 0.08
#: Periods back over which the level is taken.
_LEVEL_SPAN = 8


@dataclass(frozen=True)
class Band:
    """Half-widths of one level, shape (series, horizon)."""

    level: float
    half_width: Array


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


def scale_features(y: Array, parts: Array) -> Array:
    """What tells large errors from small ones, in logs: shape (series, horizon, features).

    Parameters
    ----------
    y
        Histories of one length n >= 2, shape (series, n).
    parts
        Candidates' forecasts, shape (candidates, series, horizon).

    Notes
    -----
    All relative to `typical_move`: how far the candidates lie apart, the level, the last
    four steps, the spread of the steps, the mean step, the change of the steps; the spread
    and the mean step again times 6/n; and log n, 1/n.
    """
    n = y.shape[1]
    base = np.maximum(typical_move(y), 1e-300)
    steps = np.diff(y, axis=1)
    turns = np.abs(np.diff(steps, axis=1)).mean(axis=1) if n > 2 else np.abs(steps).mean(axis=1)

    def relative(x: Array, least: float) -> Array:
        return np.log(np.maximum(x, least * base) / base)

    apart = parts.std(axis=0)
    horizon = apart.shape[1]
    spread = relative(steps.std(axis=1), 0.1)
    mean_step = relative(np.abs(steps.mean(axis=1)), 0.05)
    few = 6 / max(n, 6)
    fixed = np.stack(
        [
            relative(0.1 * np.abs(y[:, -_LEVEL_SPAN:]).mean(axis=1) + 0.1 * base, 0.1),
            relative(np.abs(steps[:, -4:]).mean(axis=1), 0.1),
            spread,
            mean_step,
            relative(turns, 0.1),
            few * spread,
            few * mean_step,
            np.full(len(y), np.log(n)),
            np.full(len(y), 1 / n),
        ],
        axis=1,
    )
    near = np.log(np.maximum(apart, 0.05 * base[:, None]) / base[:, None])
    return np.concatenate([near[:, :, None], np.repeat(fixed[:, None], horizon, axis=1)], axis=2)


def expected_error(y: Array, parts: Array, season_length: int = 1) -> Array:
    """Size of error to be expected, shape (series, horizon), up to the table's factor.

    Yearly: exp(c_h + β·x + γ·x·tilt(h)) times `typical_move`, x from `scale_features`, fitted
    to make the interval score small. One point: its absolute value. Seasonal: `seasonal_error`.
    """
    horizon = parts.shape[2]
    if season_length > 1:
        return seasonal_error(y, parts, season_length)
    if y.shape[1] == 1:
        return np.repeat(np.abs(y), horizon, axis=1)
    model = table()["groups"]["yearly"]["scale"]
    start = np.array(model["start"])
    last = np.minimum(np.arange(horizon), len(start) - 1)
    x = scale_features(y, parts)
    lean = tilt(horizon)
    power = start[last] + x @ np.array(model["main"]) + (x @ np.array(model["tilt"])) * lean
    return np.asarray(typical_move(y)[:, None] * np.exp(np.clip(power, -5, 6)))


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


def _group(season_length: int) -> dict[str, Any]:
    name = "yearly" if season_length == 1 else "quarterly" if season_length <= 4 else "monthly"
    found: dict[str, Any] = table()["groups"][name]
    return found


def quantiles(n: int, horizon: int, level: float, season_length: int = 1) -> Array:
    """Half-width in units of `expected_error` for each step ahead, shape (horizon,).

    Between measured lengths and levels it is interpolated; beyond the longest measured
    horizon it grows as a power of the horizon, as it did over the measured steps.
    """
    group = _group(season_length)
    lengths = np.array(group["lengths"], dtype=float)
    levels = np.array(group["levels"], dtype=float)
    grid = np.array(group["quantiles"])  # length, level, horizon
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


def bands(y: Array, parts: Array, levels: Sequence[float], season_length: int = 1) -> list[Band]:
    """Half-widths for each level, ascending; wider with the level and, yearly, the horizon."""
    horizon = parts.shape[2]
    size = expected_error(y, parts, season_length)
    found: list[Band] = []
    for level in sorted(levels):
        width = size * quantiles(y.shape[1], horizon, level, season_length)
        if found:
            width = np.maximum(width, found[-1].half_width)
        if season_length == 1:
            width = np.maximum.accumulate(width, axis=1)
        found.append(Band(level, width))
    return found


def coverage(n: int, horizon: int, level: float, season_length: int = 1) -> Array:
    """Share (%) of actual values inside the band, by step, when it was tried out.

    Each data set was forecast with a model and a table made from the others. NaN for
    levels beyond those tried.
    """
    group = _group(season_length)
    levels = np.array(group["levels"], dtype=float)
    lengths = np.array(group["lengths"], dtype=float)
    grid = np.array(group["coverage"])
    by_level = np.stack([_interpolate(n, lengths, grid[:, k]) for k in range(len(levels))])
    if not levels[0] <= level <= levels[-1]:
        return np.full(horizon, np.nan)
    row = _interpolate(level, levels, by_level)
    return np.asarray(row[np.minimum(np.arange(horizon), len(row) - 1)])
