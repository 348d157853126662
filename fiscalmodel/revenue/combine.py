"""Which candidates for how long a history, and how they are combined."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fiscalmodel.revenue import pooled, seasonal
from fiscalmodel.revenue.models import POOLED_NAME, candidate_forecasts
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

    @property
    def spread(self) -> Array:
        """What the candidates of `SPREAD` said; all of them for other series."""
        return spread_of(self.names, self.parts)


#: The pooled model and two methods that each history fits for itself. Half the mean step in
#: one (Theta), strong priors in the other: where growth fades after the years that the pooled
#: model learned from, they hold it back.
SHARES: dict[str, float] = {"pooled": 0.5, "theta": 0.25, "steady": 0.25}
#: For general public budget revenue (一般公共预算收入): half a damped trend, half the above. On
#: the provinces 2019 to 2023 (``data/provincial_annual.csv``) the damped trend did best of all
#: candidates; the choice is made on those years.
REVENUE_SHARES: dict[str, float] = {"damped": 0.5} | {k: v / 2 for k, v in SHARES.items()}

#: Whose disagreement tells how sure a yearly forecast is: without the candidates that follow
#: the latest steps alone, which run off at the far end.
SPREAD = ("naive", "drift", "median_growth", "theta", "damped", "steady", "pooled")


def combine(
    y: Array, horizon: int, season_length: int = 1, shares: Mapping[str, float] = SHARES
) -> Combination:
    """Combined forecast of histories of one length, shape (series, n).

    ``shares`` gives the yearly candidates' weights; seasonal ones count the same.
    """
    scale = np.abs(y).max(axis=1, keepdims=True)
    scale = np.where(scale > 0, scale, 1.0)
    with_season = season_length > 1 and y.shape[1] > season_length
    made = (
        _seasonal(y / scale, horizon, season_length, shares)
        if with_season
        else _yearly(y / scale, horizon, shares)
    )
    return Combination(
        made.mean * scale, made.names, made.parts * scale, made.weights, made.seasonal
    )


def spread_of(names: tuple[str, ...], parts: Array) -> Array:
    """Forecasts of the candidates of `SPREAD`, or all of them where those are not there."""
    if not set(SPREAD) <= set(names):
        return parts
    return parts[[names.index(name) for name in SPREAD]]


def with_pooled(y: Array, horizon: int) -> tuple[tuple[str, ...], Array]:
    """Names and forecasts of all yearly candidates, the pooled model last: (names, k × s × h)."""
    # As far ahead as the network was trained, so that what it says of a step does not
    # depend on how many more are asked for.
    names, parts = candidate_forecasts(y, max(horizon, pooled.TRAINED_STEPS))
    if len(names) > 1:
        names = (*names, POOLED_NAME)
        parts = np.concatenate([parts, pooled.forecast(y, parts)[None]])
    return names, parts[:, :, :horizon]


def _yearly(y: Array, horizon: int, shares: Mapping[str, float]) -> Combination:
    names, parts = with_pooled(y, horizon)
    weights = np.zeros(parts.shape)
    if len(names) == 1:
        weights[:] = 1
    else:
        for name, share in shares.items():
            weights[names.index(name)] = share
    mean = (weights * parts).sum(axis=0)
    return Combination(mean, names, parts, weights, np.zeros(len(y), dtype=bool))


def _seasonal(
    y: Array, horizon: int, season_length: int, shares: Mapping[str, float]
) -> Combination:
    names, parts, weights = seasonal_candidates(
        y, horizon, season_length, lambda sums, years: _yearly(sums, years, shares).mean
    )
    found = seasonal.has_season(y, season_length)
    return Combination((weights * parts).sum(axis=0), names, parts, weights, found)
