"""The one way in: what a user hands over becomes a clean `History`, or one clear error.

Dates in any style, gaps, values before a change of calibre, arguments out of range.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fiscalmodel import numerals
from fiscalmodel.days import day, period
from fiscalmodel.errors import Collector, InputError
from fiscalmodel.revenue.models import Array
from fiscalmodel.series.breaks import find_breaks
from fiscalmodel.series.types import Series
from fiscalmodel.words import Text, say

#: Values beyond this are no amounts of money in any currency.
LARGEST = 1e100
#: Longest gap that is filled: this many years, or one season.
LONGEST_GAP = 3
#: Frequency of a single date, by the season length asked for.
_BY_SEASON = {4: ("Q", 4), 12: ("M", 12)}
_SEASONS = {"Y": 1, "A": 1, "Q": 4, "M": 12}


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
    factors
        Factor by which each value was put on the newest calibre.
    """

    values: Array
    past: Sequence[Any]
    ahead: Sequence[Any]
    season_length: int
    notes: tuple[Text, ...] = ()
    filled: tuple[int, ...] = ()
    factors: Array | None = None


# ---------------------------------------------------------------- arguments


def whole_number(value: Any, where: str, least: int, most: float) -> int:
    """An argument as an int within bounds, or an `InputError`."""
    is_whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not is_whole or not least <= value <= most:
        raise InputError(where, f"revenue.{where}", value=value)
    return int(value)


def check_horizon(horizon: Any) -> int:
    """The horizon, 1 to 100."""
    return whole_number(horizon, "horizon", 1, 100)


def check_season(season_length: Any) -> int:
    """Periods in a season, 1 to 366."""
    return whole_number(season_length, "season_length", 1, 366)


def check_levels(levels: Any) -> tuple[float, ...]:
    """Band levels in percent, sorted and unique, or an `InputError`."""
    items = list(levels) if isinstance(levels, (list, tuple, set, np.ndarray)) else [levels]
    found = set()
    for item in items:
        if isinstance(item, bool) or not isinstance(item, (int, float, np.integer, np.floating)):
            raise InputError("levels", "revenue.level_no_number", value=item)
        if not 0 < item < 100:
            raise InputError("levels", "revenue.level_range", value=item)
        if item < 1:
            raise InputError("levels", "revenue.level_fraction", value=item, pct=100 * item)
        found.add(int(item) if float(item).is_integer() else float(item))
    if not found:
        raise InputError("levels", "revenue.level_none")
    return tuple(sorted(found))


def numbers(values: object, where: str) -> Array:
    """Values as floats, missing as NaN; text, infinities and amounts beyond reason are errors."""
    column = pd.Series(np.asarray(values, dtype=object).ravel(), dtype=object)
    plain = column.infer_objects()
    array, odd = numerals.numbers(plain if plain.dtype.kind in "iuf" else column)
    beyond = np.isinf(array) | (np.abs(np.nan_to_num(array)) > LARGEST)
    if beyond.any():
        raise InputError(where, "revenue.infinite", place=int(beyond.argmax()) + 1, most=LARGEST)
    if odd.any():
        place = int(odd.argmax())
        raise InputError(where, "revenue.not_a_number", place=place + 1, text=column[place])
    return array


# ---------------------------------------------------------------- labels


def when(label: object) -> Text:
    """A period as it is said in each language; a place in a list as such.

    >>> [when(label)("zh") for label in ("2022", "2022-03", "2022Q1", 5)]
    ['2022年', '2022年3月', '2022年1季度', '第5期']
    """
    text = str(label)
    found = re.fullmatch(r"(?:(\d{4})(?:-(\d{2})|Q(\d))?|(\d{1,3}))", text)
    if not found:
        return Text.of(text)
    year, month, quarter, place = found.groups()
    if place:
        return Text(f"第{place}期", text)
    rest = f"{int(month)}月" if month else f"{quarter}季度" if quarter else ""
    return Text(f"{year}年{rest}", text)


def whens(labels: Sequence[object], most: int = 4) -> Text:
    """Periods in a row, cut after `most`."""
    said = Text.joined(map(when, labels[:most]), "、", ", ")
    return said + Text("等", " …") if len(labels) > most else said


def year_of(label: Any) -> int:
    """Calendar year of a yearly label or of a date; 0 for others."""
    found = period(label)
    yearly = found is not None and (found.freqstr[0] == "Y" or isinstance(label, dt.date))
    return int(found.year) if found is not None and yearly else 0


def regular_index(
    index: pd.Index[Any], name: str, season_length: int | None = None
) -> tuple[Any, int]:
    """The index as periods or whole numbers, and the season length that it implies.

    Dates where every label has a day; else years, quarters or months as they are printed. The
    season length asked for tells the frequency of a single date, which nothing else does.
    """
    if index.hasnans:
        raise InputError(name, "ground.date_missing")
    if isinstance(index, pd.PeriodIndex):
        return index, _SEASONS.get(index.freqstr[0], 1)
    if pd.api.types.is_integer_dtype(index.dtype) and not pd.api.types.is_bool_dtype(index.dtype):
        if len(index) and np.abs(index.to_numpy(dtype=float)).max() > 1e12:
            raise InputError(name, "revenue.no_year", value=index.max())
        return pd.Index(index.to_numpy(dtype="int64")), 1
    labels = list(index)
    days = [day(label) for label in labels]
    if days and all(found is not None for found in days):
        return _to_periods(pd.DatetimeIndex(days), name, season_length)
    found = [period(label) for label in labels]
    odd = [label for label, made in zip(labels, found, strict=True) if made is None]
    if odd:
        raise InputError(name, "revenue.no_dates", label=odd[0])
    if len({made.freqstr[0] for made in found if made is not None}) > 1:
        raise InputError(name, "revenue.mixed_periods")
    return regular_index(pd.PeriodIndex(found), name)


def _to_periods(
    index: pd.DatetimeIndex, name: str, season_length: int | None
) -> tuple[pd.PeriodIndex, int]:
    """Dates as years, quarters or months, by their smallest distance."""
    if len(index) < 2:
        code, season = _BY_SEASON.get(season_length or 1, ("Y", 1))
        return index.to_period(code), season
    months = np.unique(np.asarray(index.year * 12 + index.month))
    steps = np.diff(months)
    if len(months) < len(index):
        days = np.diff(np.sort(index.to_numpy())).astype("timedelta64[D]").astype(int)
        if not len(steps) or (days[days > 0].size and days[days > 0].min() < 25):
            twice = index[index.duplicated()]
            if len(twice):
                raise InputError(name, "revenue.twice", labels=[f"{twice[0]:%Y-%m-%d}"])
            raise InputError(name, "revenue.closer_than_a_month")
    step = math.gcd(*map(int, steps))
    if step % 12 == 0:
        return index.to_period("Y"), 1
    return (index.to_period("Q"), 4) if step % 3 == 0 else (index.to_period("M"), 12)


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
    by_period = isinstance(own, pd.Period)
    if not by_period and re.fullmatch(r"[-+]?\d+(?:\.0+)?", str(label).strip()):
        return int(float(str(label)))
    found: Any = None
    if by_period or 1900 <= own <= 2200:
        found = label if isinstance(label, pd.Period) else day(label) or period(label)
    if found is None:
        raise InputError(where, "revenue.no_period_of_it", label=label, own=own)
    if not by_period:
        return found.year
    if not isinstance(found, pd.Period):
        return pd.Period(pd.Timestamp(found), freq=own.freqstr)
    if found.freqstr[0] == own.freqstr[0]:
        return pd.Period(str(found), freq=own.freqstr)
    if exact and found.end_time - found.start_time > own.end_time - own.start_time:
        raise InputError(where, "revenue.several_periods", label=label, own=own)
    return pd.Period(found.start_time, freq=own.freqstr)


# ---------------------------------------------------------------- series and panels


def read(y: object, horizon: int, season_length: int | None) -> History:
    """A clean history from a pandas series, a list, an array, a `Series` or a `CalibreLink`.

    Raises
    ------
    InputError
        Text or infinite values, no value at all, dates twice or of no known frequency.
    """
    notes: list[Text] = []
    name = "y"
    if isinstance(y, Series):
        name = y.series_id or name
        y = _actual_values(y, notes)
    if hasattr(y, "linked") and isinstance(y.linked, pd.Series):
        notes.append(say("revenue.note.linked"))
        y = y.linked
    if isinstance(y, pd.Series):
        values, labels, season = _dated(y, name, notes, season_length)
    elif isinstance(y, (list, tuple, np.ndarray)):
        if isinstance(y, np.ndarray) and y.ndim != 1:
            raise InputError(name, "revenue.dimensions", count=y.ndim)
        values, season = numbers(y, name), 1
        labels = list(range(1, len(values) + 1))
    else:
        raise InputError(name, "revenue.no_series", kind=type(y).__name__)
    known = np.flatnonzero(~np.isnan(values))
    if not len(known):
        raise InputError(name, "revenue.no_value")
    first, last = int(known[0]), int(known[-1])
    if last < len(values) - 1:
        notes.append(say("revenue.note.ends_early", when=when(labels[last])))
    values, labels = values[first : last + 1], labels[first : last + 1]
    season = check_season(season if season_length is None else season_length)
    values, labels, season, ahead = _combined_january(values, labels, season, horizon, notes)
    values, labels, filled = _fill(values, labels, season, notes)
    return History(values, labels, ahead, season, tuple(notes), filled)


def read_panel(
    df: Any, horizon: int, season: int
) -> tuple[list[History], list[Any], list[Callable[[Sequence[Any]], list[Any]]]]:
    """Histories of a long frame ``unique_id, ds, y``, their names, and what gives dates back.

    Raises
    ------
    InputError
        A missing column, or bad series: all of them at once.
    """
    check_columns(df, "df")
    if df.empty:
        raise InputError("df", "revenue.frame_empty")
    if df["unique_id"].isna().any():
        raise InputError("df", "revenue.no_unique_id")
    problems = Collector()
    histories, ids, back = [], [], []
    for key, rows in df.groupby("unique_id", sort=False, observed=True):
        index = pd.Index(rows["ds"])
        y = pd.Series(rows["y"].to_numpy(), index=index, name=str(key))
        try:
            histories.append(read(y, horizon, season))
        except InputError as error:
            for found in error.problems:
                problems.add(f"{key}: {found.where}", found.said, found.advice)
            continue
        ids.append(key)
        back.append(_restore(index))
    problems.raise_if_any()
    return histories, ids, back


def check_columns(df: Any, where: str) -> None:
    """Refuse what is no frame with the columns ``unique_id, ds, y``."""
    if not isinstance(df, pd.DataFrame):
        raise InputError(where, "revenue.no_frame", kind=type(df).__name__)
    missing = [name for name in ("unique_id", "ds", "y") if name not in df.columns]
    if missing:
        raise InputError(where, "revenue.columns_missing", names=missing)


def _actual_values(series: Series, notes: list[Text]) -> pd.Series[float]:
    actual = series.actuals()
    left = len(series) - len(actual)
    if left:
        periods = list(series.values.index.difference(actual.values.index))
        notes.append(say("revenue.note.not_actual", count=left, periods=whens(periods)))
    if not len(actual):
        raise InputError(series.series_id, "revenue.no_actual")
    return actual.values


def _dated(
    y: pd.Series[Any], name: str, notes: list[Text], wanted: int | None
) -> tuple[Array, list[Any], int]:
    """Values, labels and season length of a pandas series, sorted and on a full index."""
    values = numbers(y.to_numpy(), name)
    index, season = regular_index(y.index, name, wanted)
    if not len(index):
        raise InputError(name, "revenue.no_value")
    twice = index[index.duplicated()].unique()
    if len(twice):
        raise InputError(name, "revenue.twice", labels=list(map(str, twice[:5])))
    if not index.is_monotonic_increasing:
        notes.append(say("revenue.note.sorted"))
        order = np.argsort(index)
        values, index = values[order], index[order]
    by_period = isinstance(index, pd.PeriodIndex)
    place = np.array([(p - index[0]).n for p in index]) if by_period else index - index[0]
    span = int(place[-1]) + 1
    if span > 100 * len(index) + 1000:
        raise InputError(name, "revenue.too_sparse", count=len(index), span=span)
    labels: list[Any] = (
        list(pd.period_range(index[0], index[-1], freq=index.freq))
        if by_period
        else list(range(int(index[0]), int(index[-1]) + 1))
    )
    whole = np.full(span, np.nan)
    whole[np.asarray(place, dtype=int)] = values
    return whole, labels, season


def _restore(index: pd.Index[Any]) -> Callable[[Sequence[Any]], list[Any]]:
    """Function that gives forecast labels the type of the dates that came in."""
    one = index[0] if len(index) else None
    of_dates = isinstance(index, pd.DatetimeIndex)
    days = index if of_dates else [day(label) for label in index]
    if len(days) and all(found is not None for found in days):
        dates = _dates(pd.DatetimeIndex(days))
        if of_dates or not isinstance(one, (str, dt.date)) or isinstance(one, dt.datetime):
            return dates
        if not isinstance(one, str):
            return lambda labels: [d.date() for d in dates(labels)]
        if one.strip()[4] in "-/.":
            form = one.strip()[4].join(("%Y", "%m", "%d"))
            return lambda labels: [d.strftime(form) for d in dates(labels)]
    return (lambda labels: [str(label) for label in labels]) if isinstance(one, str) else list


def _dates(index: pd.DatetimeIndex) -> Callable[[Sequence[Any]], list[Any]]:
    """Function that gives forecast labels as dates at the same edge of the month."""
    last = index.max()
    at_end = bool(last.is_month_end) and not bool(last.is_month_start)

    def dates(labels: Sequence[Any]) -> list[Any]:
        if not isinstance(labels[0], pd.Period):
            return list(labels)
        # Year labels keep the month of the history; the day stays at the month's edge.
        step = {"Y": 12, "Q": 3, "M": 1}[labels[0].freqstr[0]]
        first = pd.Period(last, freq="M")
        moves = [(label - pd.Period(last, freq=labels[0].freqstr)).n for label in labels]
        found = [first + step * move for move in moves]
        if at_end:
            return [month.end_time.normalize() for month in found]
        return [month.start_time.replace(day=min(last.day, 28)) for month in found]

    return dates


# ---------------------------------------------------------------- gaps


def _fill(
    values: Array, labels: list[Any], season: int, notes: list[Text]
) -> tuple[Array, list[Any], tuple[int, ...]]:
    """Short gaps interpolated; after a long gap the history starts anew."""
    missing = np.isnan(values)
    longest = max(LONGEST_GAP, season if season > 1 else 0)
    known = np.flatnonzero(~missing)
    wide = np.flatnonzero(np.diff(known) > longest + 1)
    if len(wide):
        start = int(known[wide[-1] + 1])
        notes.append(say("revenue.note.long_gap", when=when(labels[start]), longest=longest))
        values, labels, missing = values[start:], labels[start:], missing[start:]
    if not missing.any():
        return values, labels, ()
    places = [int(place) for place in np.flatnonzero(missing)]
    shown = whens([labels[place] for place in places])
    notes.append(say("revenue.note.interpolated", count=len(places), periods=shown))
    return _interpolated(values, missing, season), labels, tuple(places)


def refilled(values: Array, filled: Sequence[int], season: int) -> Array:
    """The values with those at `filled` interpolated anew from the others."""
    missing = np.zeros(len(values), dtype=bool)
    missing[[place for place in filled if place < len(values)]] = True
    return _interpolated(values, missing, season) if missing.any() else values


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


def _combined_january(
    values: Array, labels: list[Any], season: int, horizon: int, notes: list[Text]
) -> tuple[Array, list[Any], int, list[Any]]:
    """Monthly figures whose Januaries all stand inside February: eleven periods a year."""
    if season == 12 and isinstance(labels[0], pd.Period) and labels[0].freqstr == "M":
        january = np.array([label.month == 1 for label in labels])
        if january.sum() >= 2 and np.isnan(values[january]).all():
            notes.append(say("revenue.note.no_january"))
            months = [labels[-1] + k for k in range(1, 2 * horizon + 2)]
            ahead = [month for month in months if month.month != 1][:horizon]
            kept = [label for label, skip in zip(labels, january, strict=True) if not skip]
            return values[~january], kept, 11, ahead
    return values, labels, season, [labels[-1] + k for k in range(1, horizon + 1)]


# ---------------------------------------------------------------- calibre breaks


def on_one_calibre(
    y: Any, history: History, breaks: Any, *, allow_break: bool, search: bool = True
) -> History:
    """Values before each break put on the calibre of those after it (同口径).

    Parameters
    ----------
    y
        What the history was read from.
    history
        As read.
    breaks
        First period on the new calibre -> factor by which earlier values are to be
        multiplied (None where the size of the break is not known), or a list of such
        periods. None: nothing was said, likely breaks of a yearly history are searched for.
    allow_break
        Fit across breaks of unknown size all the same, with a warning in the notes.
    search
        Whether likely breaks are searched for.

    Raises
    ------
    InputError
        A break of unknown size, or a likely one in an unlinked `Series` of the project on its
        published calibre (自然口径), unless allowed: there, linking is at hand, while for plain
        figures a note warns. A factor that is no positive number; a period that cannot be read.
    """
    if breaks is None:
        warned = _likely_breaks(y, history, allow_break=allow_break) if search else ()
        return replace(history, notes=(*history.notes, *warned))
    if isinstance(breaks, Sequence | set | pd.Index) and not isinstance(breaks, str):
        breaks = dict.fromkeys(breaks)
    if not isinstance(breaks, Mapping):
        raise InputError("breaks", "revenue.no_breaks", kind=type(breaks).__name__)
    factors = np.ones(len(history.values))
    notes = list(history.notes)
    labels = [str(label) for label in history.past]
    for given, factor in breaks.items():
        where = f"breaks[{given}]"
        at = own_label(given, history.past, where)
        place = sum(label < at for label in history.past)
        if str(at) not in labels and not 0 < place < len(labels):
            notes.append(say("revenue.note.break_outside", when=when(at)))
        elif factor is None:
            if not allow_break:
                raise InputError(where, "revenue.break_unknown")
            notes.append(say("revenue.note.break_unlinked", when=when(at)))
        else:
            number = _factor(factor, where)
            factors[:place] *= number
            notes.append(say("revenue.note.spliced", when=when(at), factor=number))
    values = refilled(history.values * factors, history.filled, history.season_length)
    return replace(history, values=values, notes=tuple(notes), factors=factors)


def _factor(factor: Any, where: str) -> float:
    try:
        number = float(factor)
    except (TypeError, ValueError):
        number = math.nan
    if not 0 < number < 1e6:
        raise InputError(where, "revenue.no_factor", value=factor)
    return number


def _likely_breaks(y: Any, history: History, *, allow_break: bool) -> tuple[Text, ...]:
    """A warning of likely breaks that nobody has announced, in a yearly history."""
    years = [year_of(label) for label in history.past]
    if history.season_length != 1 or not all(years) or len(set(years)) < len(years):
        return ()
    if isinstance(y, Series) and y.calibre == "like_for_like":
        return ()
    found = find_breaks(pd.Series(history.values, index=years))
    if not found:
        return ()
    said = Text.joined(step.said for step in found)
    if isinstance(y, Series) and not allow_break:
        raise InputError(y.series_id, "revenue.break_likely", said=said)
    return (say("revenue.note.break_likely", said=said),)
