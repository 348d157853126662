"""Mean, candidates and ordered bands for a block of equally long, clean histories."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fiscalmodel.revenue.combine import Combination, combine
from fiscalmodel.revenue.intervals import bands
from fiscalmodel.revenue.kinds import PLAIN, Kind
from fiscalmodel.revenue.outliers import outlying, repaired
from fiscalmodel.revenue.seasonal_models import seasonal_naive
from fiscalmodel.revenue.smoothing import Array


@dataclass(frozen=True)
class Block:
    """Forecasts of a block: `mean`, `lower[level]`, `upper[level]`, each (series, horizon).

    ``anchor`` is what the mean is shrunk to for some kinds of revenue, by the name
    ``anchor_name``: the last value, or that of a year before.
    """

    mean: Array
    lower: dict[float, Array]
    upper: dict[float, Array]
    combination: Combination
    anchor: Array
    anchor_name: str


def forecast_block(
    y: Array,
    horizon: int,
    season_length: int,
    levels: Sequence[float],
    *,
    kind: Kind = PLAIN,
    clip: bool = True,
) -> Block:
    """Forecast histories of one length, shape (series, n), without missing values.

    Parameters
    ----------
    y
        Histories.
    horizon
        Steps ahead.
    season_length
        Periods in a season; 1 for none.
    levels
        Band levels in percent, ascending.
    kind
        How this kind of revenue is forecast.
    clip
        Hold mean and bands at nought where no value of the history is negative.
    """
    fitted = y if season_length > 1 else repaired(y, outlying(y))
    found = combine(fitted, horizon, season_length, kind.shares, fades=kind.fades)
    mean = found.mean
    with_season = 1 < season_length < y.shape[1]
    anchor = (seasonal_naive if with_season else _last)(y, horizon, season_length)
    if kind.shrink:
        mean = (1 - kind.shrink) * mean + kind.shrink * anchor
    lower, upper = {}, {}
    floor = np.where(clip & (y.min(axis=1) >= 0), 0.0, -np.inf)[:, None]
    inner_low, inner_high = mean, mean
    for band in bands(
        y, mean, found.parts, levels, season_length, kind=kind.name, widening=kind.widening
    ):
        inner_low = np.minimum(inner_low, band.lower)
        inner_high = np.maximum(inner_high, band.upper)
        lower[band.level] = np.maximum(inner_low, floor)
        upper[band.level] = np.maximum(inner_high, floor)
    name = "seasonal_naive" if with_season else "naive"
    return Block(np.maximum(mean, floor), lower, upper, found, anchor, name)


def _last(y: Array, horizon: int, season_length: int) -> Array:
    return np.repeat(y[:, -1:], horizon, axis=1)
