"""Which candidates for how long a history, and how they are combined."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fiscalmodel.revenue import seasonal
from fiscalmodel.revenue.models import CANDIDATES
from fiscalmodel.revenue.smoothing import Array

#: Candidates by the fewest points of history from which they are taken.
BY_LENGTH: tuple[tuple[int, tuple[str, ...]], ...] = (
    (8, ("drift", "median_growth", "theta", "damped")),
    (6, ("naive", "drift", "theta", "log_theta")),
    (2, ("half_drift",)),
    (1, ("naive",)),
)


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
        Weight of each, shape (candidates, series).
    seasonal
        Whether a seasonal pattern was taken out and put back, shape (series,).
    """

    mean: Array
    names: tuple[str, ...]
    parts: Array
    weights: Array
    seasonal: Array


def combine(y: Array, horizon: int, season_length: int = 1) -> Combination:
    """Combined forecast of histories of one length, shape (series, n).

    Seasonal histories (M4's test) are adjusted first, forecast, and put back.
    """
    scale = np.abs(y).max(axis=1, keepdims=True)
    scale = np.where(scale > 0, scale, 1.0)
    scaled = y / scale
    found = seasonal.is_seasonal(scaled, season_length)
    adjusted, back_factor, back_term = _adjust(scaled, horizon, season_length, found)
    names = next(names for least, names in BY_LENGTH if y.shape[1] >= least)
    runs = {c.name: c.run for c in CANDIDATES}
    parts = np.stack([runs[name](adjusted, horizon) for name in names])
    parts = (parts * back_factor + back_term) * scale
    mean = np.median(parts, axis=0)
    weights = np.full(parts.shape[:2], 1 / len(names))
    return Combination(mean, names, parts, weights, found)


def _adjust(y: Array, horizon: int, season_length: int, found: Array) -> tuple[Array, Array, Array]:
    """Seasonally adjusted histories, and the factor and term that put the season back."""
    adjusted = y.copy()
    factor = np.ones((len(y), horizon))
    term = np.zeros((len(y), horizon))
    n = y.shape[1]
    positive = (y > 0).all(axis=1)
    for chosen, multiplicative in ((found & positive, True), (found & ~positive, False)):
        if not chosen.any():
            continue
        index = seasonal.seasonal_indices(y[chosen], season_length, multiplicative=multiplicative)
        past = seasonal.tile(index, 0, n)
        ahead = seasonal.tile(index, n, horizon)
        if multiplicative:
            adjusted[chosen] = y[chosen] / past
            factor[chosen] = ahead
        else:
            adjusted[chosen] = y[chosen] - past
            term[chosen] = ahead
    return adjusted, factor, term
