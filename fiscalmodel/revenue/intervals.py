"""Bands by pooled conformal prediction.

The error of a forecast, divided by how much the series usually moves, has much
the same distribution on thousands of public series. Its quantiles by length of
history and horizon were measured offline, on parts of public competition series
that the forecasts had not seen, and are shipped as a table
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

from fiscalmodel.revenue.smoothing import Array

_TABLE = Path(__file__).parent / "_assets" / "bands.json"

#: Typical yearly move as a share of the level: stands in for steps not yet seen.
PRIOR_MOVE = 0.08
#: How many steps the typical move counts for.
PRIOR_STEPS = 1.0


@dataclass(frozen=True)
class Band:
    """Half-widths of one level: shape (series, horizon), below and above the mean."""

    level: float
    below: Array
    above: Array


def error_scale(y: Array, season_length: int = 1) -> Array:
    """How much each history usually moves in a step, shape (series,).

    Notes
    -----
    Mean of |y_t − y_{t−1}|, with `PRIOR_STEPS` further steps of `PRIOR_MOVE` times the
    mean of |y|, so that a short or flat history is not taken for a sure one.
    """
    level = np.abs(y[:, -8:]).mean(axis=1)
    moves = np.abs(np.diff(y, axis=1)).sum(axis=1)
    steps = y.shape[1] - 1
    return np.asarray((moves + PRIOR_STEPS * PRIOR_MOVE * level) / (steps + PRIOR_STEPS))


@cache
def table() -> dict[str, Any]:
    """The calibration table, as shipped."""
    loaded: dict[str, Any] = json.loads(_TABLE.read_text(encoding="utf-8"))
    return loaded


def _group(season_length: int) -> str:
    if season_length == 1:
        return "yearly"
    return "quarterly" if season_length <= 4 else "monthly"


def quantiles(n: int, horizon: int, level: float, season_length: int = 1) -> Array:
    """Half-width in units of `error_scale` for each step ahead, never falling.

    Between measured lengths and levels it is interpolated; beyond the longest measured
    horizon it grows as it grew over the last measured steps.
    """
    group = table()["groups"][_group(season_length)]
    lengths = np.array(group["lengths"], dtype=float)
    levels = np.array(group["levels"], dtype=float)
    grid = np.array(group["quantiles"])  # length, level, horizon
    by_level = np.stack([_interpolate(n, lengths, grid[:, k]) for k in range(len(levels))])
    # Interpolate in the normal score, where quantiles are close to straight.
    row = _interpolate(_score(level), _score(levels), by_level)
    if level > levels[-1]:
        row = row * _score(level) / _score(levels[-1])
    elif level < levels[0]:
        row = row * _score(level) / _score(levels[0])
    known = len(row)
    if horizon > known:
        ahead = np.arange(known + 1, horizon + 1)
        back = max(known // 2, 1)
        power = np.log(row[-1] / row[back - 1]) / np.log(known / back) if known > back else 0.5
        row = np.concatenate([row, row[-1] * (ahead / known) ** np.clip(power, 0.5, 1.0)])
    return np.maximum.accumulate(row[:horizon])


def _score(level: Any) -> Any:
    """Normal quantile of the upper edge of a central band."""
    from scipy.special import ndtri

    return ndtri(0.5 + np.asarray(level, dtype=float) / 200)


def _interpolate(at: float, grid: Array, rows: Array) -> Array:
    """Rows linearly between grid points; the end rows beyond them."""
    high = int(np.clip(np.searchsorted(grid, at), 1, len(grid) - 1))
    share = float(np.clip((at - grid[high - 1]) / (grid[high] - grid[high - 1]), 0, 1))
    return np.asarray((1 - share) * rows[high - 1] + share * rows[high])


def bands(y: Array, horizon: int, levels: Sequence[float], season_length: int = 1) -> list[Band]:
    """Half-widths for each level, for histories of one length (series, n)."""
    scale = error_scale(y, season_length)[:, None]
    found = []
    for level in sorted(levels):
        width = scale * quantiles(y.shape[1], horizon, level, season_length)
        found.append(Band(level, width, width))
    return found


def coverage(n: int, horizon: int, level: float, season_length: int = 1) -> Array:
    """Share of held-out actual values (%) inside the band in the calibration, by step."""
    group = table()["groups"][_group(season_length)]
    nearest = int(np.abs(np.array(group["levels"]) - level).argmin())
    lengths = np.array(group["lengths"], dtype=float)
    row = _interpolate(n, lengths, np.array(group["coverage"])[:, nearest])
    return np.asarray(row[np.minimum(np.arange(horizon), len(row) - 1)])
