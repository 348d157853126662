"""Which candidates for how long a history, and how they are combined."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fiscalmodel.revenue import pooled, seasonal
from fiscalmodel.revenue.models import candidate_forecasts, held
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
    with_season = season_length > 1 and y.shape[1] > season_length
    made = (
        _seasonal(y / scale, horizon, season_length, shares, fades)
        if with_season
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
