"""Labels of periods: an index as years, quarters or months, and a user's label among them."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from fiscalmodel.days import period
from fiscalmodel.errors import InputError
from fiscalmodel.numerals import plain

#: Year, month and day, with or without a time.
_DAY = re.compile(
    r"(?P<y>\d{4})(?:(?P<s>[-/.])(?P<m>\d\d?)(?P=s)(?P<d>\d\d?)|年(?P<mm>\d\d?)月(?P<dd>\d\d?)日)"
    r"(?:[ T]\d\d?:\d\d(?::\d\d(?:\.\d+)?)?)?"
)
#: Frequency of a single date, by the season length asked for.
_BY_SEASON = {4: ("Q", 4), 12: ("M", 12)}


def day(label: Any, where: str) -> pd.Timestamp | None:
    """The date that a label with a day names, or None for any other label.

    Raises
    ------
    InputError
        A missing date, or one that is in no calendar (30 February).
    """
    if isinstance(label, np.datetime64 | dt.date):
        stamp = pd.Timestamp(label)
        if pd.isna(stamp):
            raise InputError(where, "a date is missing", "give each value its date")
        return stamp.tz_localize(None)
    match = _DAY.fullmatch(plain(label)) if isinstance(label, str) else None
    if match is None:
        return None
    year, month = match["y"], match["m"] or match["mm"]
    try:
        return pd.Timestamp(int(year), int(month), int(match["d"] or match["dd"]))
    except ValueError:
        raise InputError(where, f"{label!r} is no date", "check it") from None


def regular_index(
    index: pd.Index[Any], name: str, season_length: int | None = None
) -> tuple[Any, int]:
    """The index as periods or whole numbers, and the season length that it implies.

    The season length asked for tells the frequency of a single date, which nothing else does.
    """
    if isinstance(index, pd.PeriodIndex):
        code = index.freqstr[0]
        if index.hasnans:
            raise InputError(name, "a date is missing", "give each value its period")
        seasons = {"Y": 1, "A": 1, "Q": 4, "M": 12}
        return index, seasons.get(code, 1)
    if isinstance(index, pd.DatetimeIndex):
        if index.hasnans:
            raise InputError(name, "a date is missing", "give each value its date")
        return _to_periods(index.tz_localize(None), name, season_length)
    if pd.api.types.is_integer_dtype(index.dtype) and not pd.api.types.is_bool_dtype(index.dtype):
        if len(index) and np.abs(index.to_numpy(dtype=float)).max() > 1e12:
            raise InputError(name, f"{index.max()} is no year", "number the years, or use dates")
        return pd.Index(index.to_numpy(dtype="int64")), 1
    return _from_text(list(index), name, season_length)


def _from_text(
    labels: list[Any], name: str, season_length: int | None
) -> tuple[pd.PeriodIndex, int]:
    """Dates where every label has a day; else years, quarters or months as they are printed."""
    days = [day(label, name) for label in labels]
    if days and all(stamp is not None for stamp in days):
        return _to_periods(pd.DatetimeIndex(days), name, season_length)
    found = [label if isinstance(label, pd.Period) else period(label) for label in labels]
    if found and all(label is not None for label in found):
        codes = {label.freqstr[0] for label in found if label is not None}
        if len(codes) == 1:
            return regular_index(pd.PeriodIndex(found), name)
        raise InputError(name, "years, quarters and months are mixed", "one frequency a series")
    try:
        dates = pd.DatetimeIndex(pd.to_datetime([str(label) for label in labels], format="ISO8601"))
    except (ValueError, TypeError, OverflowError):
        odd = next(label for label, known in zip(labels, found, strict=True) if known is None)
        raise InputError(
            name,
            f"the index is not a list of dates ({odd!r})",
            "use years (2019), quarters (2019Q1), months (2019-01) or dates (2019-12-31)",
        ) from None
    return _to_periods(dates.tz_localize(None), name, season_length)


def _to_periods(
    index: pd.DatetimeIndex, name: str, season_length: int | None
) -> tuple[pd.PeriodIndex, int]:
    """Dates as years, quarters or months, by their smallest distance."""
    if len(index) < 2:
        code, season = _BY_SEASON.get(season_length or 1, ("Y", 1))
        return index.to_period(code), season
    months = np.asarray(index.year * 12 + index.month)
    steps = np.diff(np.unique(months))
    least = int(steps.min()) if len(steps) else 0
    if least == 0 or len(np.unique(months)) < len(months):
        days = np.diff(np.sort(index.to_numpy())).astype("timedelta64[D]").astype(int)
        if (days[days > 0].size and days[days > 0].min() < 25) or least == 0:
            repeated = index[index.duplicated()]
            if len(repeated):
                raise InputError(
                    name,
                    f"dates that stand twice: {repeated[0]:%Y-%m-%d}",
                    "keep one value for each period",
                )
            raise InputError(name, "dates closer than a month", "sum them to months first")
    step = math.gcd(*map(int, steps))
    if step % 12 == 0:
        return index.to_period("Y"), 1
    if step % 3 == 0:
        return index.to_period("Q"), 4
    return index.to_period("M"), 12


def own_label(label: Any, past: Sequence[Any], where: str, *, exact: bool = False) -> Any:
    """A label in any style as the history labels its own: 2018-12-31 or 2018年 for 2018.

    Parameters
    ----------
    label
        Year, quarter, month or date, or the history's own label.
    past
        The history's labels, at least one.
    where
        Name for errors.
    exact
        Refuse a label of several periods (a year in a quarterly history), which otherwise
        stands for the first of them.

    Raises
    ------
    InputError
        A label that cannot be read.
    """
    own = past[0]
    text = str(label).strip()
    if isinstance(own, pd.Period):
        found = _as_period(label, where)
        if found is None:
            raise _unread(label, own, where)
        if isinstance(found, pd.Timestamp):
            return pd.Period(found, freq=own.freqstr)
        if found.freqstr[0] == own.freqstr[0]:
            return (
                found if found.freqstr == own.freqstr else pd.Period(str(found), freq=own.freqstr)
            )
        if exact and found.end_time - found.start_time > own.end_time - own.start_time:
            raise InputError(where, f"{label} is more than one period", f"for example {own}")
        return pd.Period(found.start_time, freq=own.freqstr)
    if re.fullmatch(r"[-+]?\d+(?:\.0+)?", text):
        return int(float(text))
    found = _as_period(label, where) if 1900 <= own <= 2200 else None
    if found is None:
        raise _unread(label, own, where)
    return found.year


def _as_period(label: Any, where: str) -> pd.Period | pd.Timestamp | None:
    if isinstance(label, pd.Period):
        return label
    return day(label, where) or period(label)


def _unread(label: Any, own: Any, where: str) -> InputError:
    return InputError(where, f"{label!r} is no period of the series", f"for example {own}")
