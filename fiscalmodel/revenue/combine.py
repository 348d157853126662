"""Which candidates for how long a history, and how they are combined."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fiscalmodel.revenue import pooled, seasonal
from fiscalmodel.revenue.models import CORE_NAME, candidate_forecasts
from fiscalmodel.revenue.seasonal_models import seasonal_candidates
from fiscalmodel.revenue.smoothing import Array


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


def trust_in_core(n: int) -> float:
    """Share of the median of five in the combination; the pooled model has the rest.

    Notes
    -----
    max(0, (n − 3)/n): the pooled model gains most where the history is too short to
    tell a trend from chance; long histories speak for themselves. Chosen on training parts,
    each competition forecast by a model trained on the others.
    """
    return max(0.0, (n - 3) / n)


def combine(y: Array, horizon: int, season_length: int = 1) -> Combination:
    """Combined forecast of histories of one length, shape (series, n)."""
    scale = np.abs(y).max(axis=1, keepdims=True)
    scale = np.where(scale > 0, scale, 1.0)
    with_season = season_length > 1 and y.shape[1] > season_length
    run = _seasonal if with_season else _yearly
    made = run(y / scale, horizon, season_length)
    return Combination(
        made.mean * scale, made.names, made.parts * scale, made.weights, made.seasonal
    )


def _yearly(y: Array, horizon: int, season_length: int = 1) -> Combination:
    """Median of five and pooled model, by the length of the history."""
    # As far ahead as the network was trained, so that what it says of a step does not
    # depend on how many more are asked for.
    names, parts = candidate_forecasts(y, max(horizon, pooled.TRAINED_STEPS))
    if len(names) == 1:
        weights = np.ones(parts.shape)
    else:
        core = trust_in_core(y.shape[1])
        weights = (1 - core) * pooled.weights(y, parts)
        weights[names.index(CORE_NAME)] += core
    weights, parts = weights[:, :, :horizon], parts[:, :, :horizon]
    mean = (weights * parts).sum(axis=0)
    return Combination(mean, names, parts, weights, np.zeros(len(y), dtype=bool))


def _seasonal(y: Array, horizon: int, season_length: int) -> Combination:
    """Mean of the seasonal candidates."""
    names, parts = seasonal_candidates(
        y, horizon, season_length, lambda sums, years: _yearly(sums, years).mean
    )
    weights = np.full(parts.shape, 1 / len(names))
    found = seasonal.is_seasonal(y, season_length)
    return Combination(parts.mean(axis=0), names, parts, weights, found)
