"""From what a user hands over to a clean history: dates, gaps, breaks, or one clear error."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from fiscalmodel.errors import InputError
from fiscalmodel.revenue.gaps import combined_january, fill
from fiscalmodel.revenue.history import History
from fiscalmodel.revenue.labels import regular_index
from fiscalmodel.revenue.smoothing import Array
from fiscalmodel.series.types import Series

#: Values beyond this are no amounts of money in any currency.
LARGEST = 1e100


def check_horizon(horizon: object) -> int:
    """The horizon as an int from 1 to 100, or an `InputError`."""
    if isinstance(horizon, bool) or not isinstance(horizon, (int, np.integer)):
        raise InputError("horizon", f"{horizon!r} is not a whole number", "give 1 to 100 periods")
    if not 1 <= horizon <= 100:
        raise InputError("horizon", f"{horizon} is out of range", "give 1 to 100 periods")
    return int(horizon)


def check_least(least: object) -> int | None:
    """Points of a first history as an int from 2 up, None by default, or an `InputError`."""
    if least is None:
        return None
    if isinstance(least, bool) or not isinstance(least, int | np.integer) or least < 2:
        raise InputError("least", f"{least!r} is no number of points", "give 2 or more")
    return int(least)


def check_levels(levels: object) -> tuple[float, ...]:
    """Band levels in percent, sorted and unique, or an `InputError`."""
    items = list(levels) if isinstance(levels, (list, tuple, set, np.ndarray)) else [levels]
    found = set()
    for item in items:
        if isinstance(item, bool) or not isinstance(item, (int, float, np.integer, np.floating)):
            raise InputError("levels", f"{item!r} is not a percentage", "for example (80, 95)")
        if not 0 < item < 100:
            raise InputError("levels", f"{item} is not between 0 and 100", "for example (80, 95)")
        found.add(int(item) if float(item).is_integer() else float(item))
    if not found:
        raise InputError("levels", "no level given", "for example (80, 95)")
    return tuple(sorted(found))


def check_season(season_length: object) -> int:
    """Periods in a season as an int from 1 to 366, or an `InputError`."""
    whole = isinstance(season_length, (int, np.integer)) and not isinstance(season_length, bool)
    if not whole or not 1 <= season_length <= 366:  # type: ignore[operator]
        raise InputError(
            "season_length",
            f"{season_length!r} is not a number of periods",
            "1 for yearly, 4 for quarterly, 12 for monthly figures",
        )
    return int(season_length)  # type: ignore[call-overload,no-any-return]


def numbers(values: object, where: str) -> Array:
    """Values as floats, missing as NaN; text, infinities and amounts beyond reason are errors."""
    if any(isinstance(value, complex) for value in np.asarray(values, dtype=object).ravel()):
        raise InputError(where, "complex numbers are no amounts", "give real numbers")
    try:
        array = pd.to_numeric(pd.Series(values, dtype=object)).to_numpy(dtype=float)
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(
            where, f"not all values are numbers ({error})", "give numbers only"
        ) from None
    if np.isinf(array).any() or (np.abs(array[~np.isnan(array)]) > LARGEST).any():
        place = int(np.argmax(np.isinf(array) | (np.abs(np.nan_to_num(array)) > LARGEST)))
        raise InputError(where, f"value {place + 1} is infinite or beyond {LARGEST:g}", "check it")
    return np.asarray(array)


def read(y: object, horizon: int, season_length: int | None) -> History:
    """A clean history from a pandas series, a list, an array, a `Series` or a `CalibreLink`.

    Raises
    ------
    InputError
        Text or infinite values, no value at all, dates twice or of no known frequency.
    """
    notes: list[str] = []
    name = "y"
    if isinstance(y, Series):
        name = y.series_id or name
        y = _actual_values(y, notes)
    if hasattr(y, "linked") and isinstance(y.linked, pd.Series):
        notes.append("like-for-like (同口径) levels of the calibre link")
        y = y.linked
    if isinstance(y, pd.Series):
        values, labels, season = _dated(y, name, notes, season_length)
    elif isinstance(y, (list, tuple, np.ndarray)):
        if isinstance(y, np.ndarray) and y.ndim != 1:
            raise InputError(name, f"an array of {y.ndim} dimensions", "give one series")
        values, season = numbers(y, name), 1
        labels = list(range(1, len(values) + 1))
    else:
        raise InputError(
            name,
            f"a {type(y).__name__} is not a series",
            "give a pandas Series with years, quarters or months as its index, or a list",
        )
    values, labels = _trim(values, labels, name, notes)
    season = check_season(season if season_length is None else season_length)
    values, labels, season, ahead = combined_january(values, labels, season, horizon, notes)
    values, labels, filled = fill(values, labels, season, notes)
    return History(values, labels, ahead, season, tuple(notes), filled)


def _actual_values(series: Series, notes: list[str]) -> pd.Series[float]:
    actual = series.actuals()
    left = len(series) - len(actual)
    if left:
        periods = series.values.index.difference(actual.values.index)
        shown = ", ".join(map(str, periods[:4])) + (" …" if left > 4 else "")
        notes.append(f"{left} values that are estimates, budgets or targets were left out: {shown}")
    if not len(actual):
        raise InputError(series.series_id, "holds no actual value", "forecast from actuals")
    return actual.values


def _dated(
    y: pd.Series[Any], name: str, notes: list[str], wanted: int | None
) -> tuple[Array, list[Any], int]:
    """Values, labels and season length of a pandas series, sorted and on a full index."""
    values = numbers(y.to_numpy(), name)
    index, season = regular_index(y.index, name, wanted)
    if not len(index):
        raise InputError(name, "the series is empty", "at least one value is needed")
    twice = index[index.duplicated()].unique()
    if len(twice):
        shown = ", ".join(map(str, twice[:5]))
        raise InputError(name, f"dates that stand twice: {shown}", "keep one value for each period")
    if not index.is_monotonic_increasing:
        notes.append("the dates were out of order and have been sorted")
        order = np.argsort(index)
        values, index = values[order], index[order]
    span = (
        int((index[-1] - index[0]).n)
        if isinstance(index, pd.PeriodIndex)
        else int(index[-1] - index[0])
    )
    if span + 1 > 100 * len(index) + 1000:
        raise InputError(name, f"{len(index)} values over {span + 1} periods", "check the dates")
    if isinstance(index, pd.PeriodIndex):
        full = pd.period_range(index[0], index[-1], freq=index.freq)
        place = np.array([(p - index[0]).n for p in index])
        labels: list[Any] = list(full)
    else:
        place = np.asarray(index - index[0], dtype=int)
        labels = list(range(int(index[0]), int(index[-1]) + 1))
    whole = np.full(len(labels), np.nan)
    whole[place] = values
    return whole, labels, season


def _trim(values: Array, labels: list[Any], name: str, notes: list[str]) -> tuple[Array, list[Any]]:
    """Without missing values at either end; the forecast starts after the last known one."""
    known = np.flatnonzero(~np.isnan(values))
    if not len(known):
        raise InputError(name, "holds no value", "at least one number is needed")
    first, last = int(known[0]), int(known[-1])
    if last < len(values) - 1:
        notes.append(f"no value after {labels[last]}: the forecast starts there")
    return values[first : last + 1], labels[first : last + 1]
