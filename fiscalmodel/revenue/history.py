"""A clean history: what forecasting works on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fiscalmodel.revenue.smoothing import Array


@dataclass(frozen=True)
class History:
    """A clean history and what was done to it.

    Attributes
    ----------
    values
        Finite values without gaps, oldest first.
    past
        Labels of the values.
    ahead
        Labels of the periods after the last value, as many as were asked for.
    season_length
        Periods in a year: 1, 4, 12, or as given.
    notes
        What was left out, filled, sorted or spliced.
    filled
        Positions that were filled in.
    """

    values: Array
    past: Sequence[Any]
    ahead: Sequence[Any]
    season_length: int
    notes: tuple[str, ...] = ()
    filled: tuple[int, ...] = ()
