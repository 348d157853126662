"""Gaps in a history, and calibre breaks: what is filled, spliced or refused."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fiscalmodel.errors import InputError
from fiscalmodel.revenue.history import History
from fiscalmodel.revenue.labels import own_label
from fiscalmodel.revenue.smoothing import Array
from fiscalmodel.series.types import Series

#: Longest gap that is filled: this many years, or one season.
LONGEST_GAP = 3


def fill(
    values: Array, labels: list[Any], season: int, notes: list[str]
) -> tuple[Array, list[Any], tuple[int, ...]]:
    """Short gaps interpolated; after a long gap the history starts anew."""
    missing = np.isnan(values)
    longest = max(LONGEST_GAP, season if season > 1 else 0)
    start = _after_long_gap(missing, longest)
    if start:
        notes.append(
            f"values before {labels[start]} were left out: "
            f"a gap of more than {longest} periods lies between"
        )
        values, labels, missing = values[start:], labels[start:], missing[start:]
    if not missing.any():
        return values, labels, ()
    places = np.flatnonzero(missing)
    shown = ", ".join(str(labels[p]) for p in places[:4]) + (" …" if len(places) > 4 else "")
    notes.append(f"{len(places)} missing values were interpolated for the fit: {shown}")
    return _interpolated(values, missing, season), labels, tuple(int(p) for p in places)


def refilled(values: Array, filled: Sequence[int], season: int) -> Array:
    """The values with those at `filled` interpolated anew from the others."""
    missing = np.zeros(len(values), dtype=bool)
    missing[[place for place in filled if place < len(values)]] = True
    return _interpolated(values, missing, season) if missing.any() else values


def _after_long_gap(missing: NDArray[np.bool_], longest: int) -> int:
    """Place of the first value after the last gap longer than `longest`."""
    known = np.flatnonzero(~missing)
    wide = np.flatnonzero(np.diff(known) > longest + 1)
    return int(known[wide[-1] + 1]) if len(wide) else 0


def _interpolated(values: Array, missing: NDArray[np.bool_], season: int) -> Array:
    """Along the growth path where all values are positive, else along the line.

    Seasonal series: each position of the season on its own, the line where that fails.
    """
    out = values.copy()
    known = ~missing
    in_logs = bool((values[known] > 0).all())
    level = np.full(len(values), np.nan)
    level[known] = np.log(values[known]) if in_logs else values[known]
    if season > 1:
        for k in range(min(season, len(values))):
            place = np.arange(k, len(values), season)
            have = known[place]
            if have.sum() >= 2:
                level[place] = np.interp(place, place[have], level[place][have])
    have = ~np.isnan(level)
    place = np.arange(len(values))
    level = np.interp(place, place[have], level[have])
    out[missing] = np.exp(level[missing]) if in_logs else level[missing]
    return out


def combined_january(
    values: Array, labels: list[Any], season: int, horizon: int, notes: list[str]
) -> tuple[Array, list[Any], int, list[Any]]:
    """Monthly figures whose Januaries all stand inside February: eleven periods a year."""
    if season == 12 and isinstance(labels[0], pd.Period) and labels[0].freqstr == "M":
        january = np.array([label.month == 1 for label in labels])
        if january.sum() >= 2 and np.isnan(values[january]).all():
            notes.append(
                "every January is missing: February is taken to hold both months, "
                "and a year to have eleven periods"
            )
            months = [labels[-1] + k for k in range(1, 2 * horizon + 2)]
            ahead = [month for month in months if month.month != 1][:horizon]
            kept = [label for label, skip in zip(labels, january, strict=True) if not skip]
            return values[~january], kept, 11, ahead
    return values, labels, season, [labels[-1] + k for k in range(1, horizon + 1)]


def breaks_of(breaks: Any) -> dict[Any, float | None] | None:
    """Breaks as first period of the new calibre -> factor; None if nothing was said.

    Raises
    ------
    InputError
        Neither a mapping nor a list of periods.
    """
    if breaks is None or isinstance(breaks, Mapping):
        return None if breaks is None else dict(breaks)
    if isinstance(breaks, Sequence | set | pd.Index) and not isinstance(breaks, str):
        return dict.fromkeys(breaks)
    raise InputError(
        "breaks",
        f"a {type(breaks).__name__} is no list of breaks",
        "give {first period on the new calibre: factor for the values before it}",
    )


def splice(history: History, breaks: Mapping[Any, float | None], *, allow_break: bool) -> History:
    """Values before each break put on the calibre of those after it (同口径).

    Parameters
    ----------
    history
        As read.
    breaks
        First period on the new calibre -> factor by which earlier values are to be
        multiplied; None where the size of the break is not known.
    allow_break
        Fit across breaks of unknown size all the same, with a warning in the notes.

    Raises
    ------
    InputError
        A break of unknown size, unless allowed; a factor that is no positive number; a
        period that cannot be read.
    """
    values = np.array(history.values)
    notes = list(history.notes)
    labels = [str(label) for label in history.past]
    for given, factor in breaks.items():
        where = f"breaks[{given}]"
        period = own_label(given, history.past, where)
        place = sum(label < period for label in history.past)
        inside = str(period) in labels or 0 < place < len(labels)
        if not inside:
            notes.append(f"the break at {period} lies outside the history and changes nothing")
        elif factor is None:
            if not allow_break:
                raise InputError(
                    where,
                    "a calibre break 口径变化 of unknown size",
                    "link the series first (fm.link_calibre), or pass allow_break=True",
                )
            notes.append(f"WARNING: fitted across the unlinked calibre break at {period}")
        else:
            number = _factor(factor, where)
            values[:place] *= number
            notes.append(f"values before {period} multiplied by {number:.4g} (同口径)")
    values = refilled(values, history.filled, history.season_length)
    return replace(history, values=values, notes=tuple(notes))


def _factor(factor: Any, where: str) -> float:
    try:
        number = float(factor)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number) or not 0 < number < 1e6:
        raise InputError(where, f"{factor!r} is not a positive factor", "for example 0.93")
    return number


def look_for_breaks(y: Any, history: History, *, allow_break: bool) -> tuple[str, ...]:
    """Notes on likely breaks that nobody has announced, in a yearly history.

    A `Series` of the project on its published calibre (自然口径) is refused, unless allowed:
    there, linking is at hand. For plain figures a note warns.

    Raises
    ------
    InputError
        A likely break in an unlinked `Series`, and `allow_break` is False.
    """
    from fiscalmodel.series.breaks import find_breaks

    years = [getattr(label, "year", label) for label in history.past]
    plausible = all(isinstance(year, int) and 1900 <= year <= 2200 for year in years)
    if history.season_length != 1 or not plausible or len(set(years)) < len(years):
        return ()
    if isinstance(y, Series) and y.calibre == "like_for_like":
        return ()
    labels = pd.PeriodIndex([str(year) for year in years], freq="Y")
    found = find_breaks(pd.Series(history.values, index=labels))
    if not found:
        return ()
    said = "; ".join(map(str, found))
    if isinstance(y, Series) and not allow_break:
        raise InputError(
            y.series_id,
            f"a likely break of calibre, fitting across it would mislead: {said}",
            "link it with fm.link_calibre, name it in breaks=, or pass allow_break=True",
        )
    return (f"WARNING: a likely break of calibre lies in the history ({said})",)
