"""Year-to-date figures to months and back; completion 完成率 and even progress 均衡进度."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import accumulate, chain
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from fiscalmodel.days import period
from fiscalmodel.errors import Collector, InputError
from fiscalmodel.series.types import Series

Values = TypeVar("Values", "pd.Series[float]", pd.DataFrame, Series)

#: Key of ``attrs``: month -> months that its figure covers, where more than one.
SPAN = "span"
_ADDED = "months_added"


def to_months(cumulative: Values) -> Values:
    """Single months from year-to-date 累计 figures.

    Parameters
    ----------
    cumulative
        Series, DataFrame (column by column) or `fiscalmodel.Series` on months
        (`PeriodIndex`, or labels such as ``2024-02``), any unit. Months may lack.

    Returns
    -------
    The same type, on every month from the first January to the last month.
        A figure holds what was booked since the last published one of its year,
        so where January is published only inside January-February, January is
        missing and February holds both. Months not published stay missing, and
        the next figure covers them. ``attrs["span"]`` names each month whose
        figure covers more than one, and how many (see `spans`). A month may be
        negative (refunds 退库).

    Raises
    ------
    InputError
        For labels that are no months, a month that stands twice, or infinity.

    Notes
    -----
    Differences are taken of the printed decimals, so ``to_cumulative(to_months(x))``
    gives back ``x`` exactly, gaps included, for figures of up to 15 digits.

    Examples
    --------
    >>> ytd = pd.Series([17056.0, 25000.5], index=pd.PeriodIndex(["2024-02", "2024-03"], freq="M"))
    >>> to_months(ytd).tolist(), to_months(ytd).attrs["span"]
    ([nan, 17056.0, 7944.5], {'2024-02': 2})
    """
    return _each(cumulative, _months_of)


def to_cumulative(months: Values) -> Values:
    """Year-to-date 累计 figures from single months; the inverse of `to_months`.

    Parameters
    ----------
    months
        As `to_months` returns them. A missing month followed by a figure in the
        same year is taken to be covered by that figure.

    Returns
    -------
    The same type; months that `to_months` added to fill the index are left out
        again.

    Raises
    ------
    InputError
        As `to_months`.
    """
    return _each(months, _cumulative_of)


def spans(months: pd.Series[float]) -> pd.Series[int]:
    """Months that each figure covers: 1, 2 for January-February, more after a gap, 0 if missing.

    >>> months = pd.Series([None, 5.0, 3.0], index=pd.period_range("2024-01", periods=3, freq="M"))
    >>> spans(months).tolist()
    [0, 2, 1]
    """
    values = _monthly(months, full=True)
    month = pd.PeriodIndex(values.index).month.to_numpy(float)
    number = pd.Series(month, index=values.index).where(values.notna())
    return (number - _before(number)).fillna(0).astype(int)


def _before(values: pd.Series[float]) -> pd.Series[float]:
    """The last known value before each one in its year; nought where there is none."""
    years = pd.PeriodIndex(values.index).year
    return values.groupby(years).ffill().groupby(years).shift().fillna(0.0)


def _each(given: Values, one: Any) -> Values:
    if isinstance(given, Series):
        values = one(given.values)
        added = values.index.difference(given.values.index)
        kinds, sources = given.kinds, given.sources
        if len(added) or len(values) != len(given.values):
            kinds = None if kinds is None else kinds.reindex(values.index, fill_value="")
            sources = None if sources is None else sources.reindex(values.index, fill_value="")
        return replace(given, values=values, kinds=kinds, sources=sources)
    if isinstance(given, pd.DataFrame):
        columns = {name: one(given[name]) for name in given.columns}
        frame: pd.DataFrame = pd.concat(columns, axis=1)
        frame.attrs = {
            SPAN: {str(name): column.attrs.get(SPAN, {}) for name, column in columns.items()},
            _ADDED: next(iter(columns.values())).attrs.get(_ADDED, []) if columns else [],
        }
        return frame
    if not isinstance(given, (pd.Series, Mapping)):
        raise InputError("months", "series.has_no_months", text=type(given).__name__)
    result: Values = one(pd.Series(given, dtype=object) if isinstance(given, Mapping) else given)
    return result


def _months_of(cumulative: pd.Series[float]) -> pd.Series[float]:
    values = _monthly(cumulative, full=True)
    steps = map(_decimal_sum, values, -_before(values))
    months = pd.Series(list(steps), index=values.index, dtype=float, name=cumulative.name)
    given = set(_index(cumulative))
    months.attrs[SPAN] = {str(m): int(n) for m, n in spans(months).items() if n > 1}
    months.attrs[_ADDED] = [str(m) for m in months.index if m not in given]
    return months


def _cumulative_of(months: pd.Series[float]) -> pd.Series[float]:
    values = _monthly(months, full=False)
    known = values.dropna()
    years = known.groupby(pd.PeriodIndex(known.index).year)
    sums = [list(accumulate(part, _decimal_sum, initial=0.0))[1:] for _, part in years]
    total = pd.Series(list(chain(*sums)), index=known.index, dtype=float, name=months.name)
    added = set(months.attrs.get(_ADDED, ()))
    return total.reindex([m for m in values.index if m in known.index or str(m) not in added])


def _decimal_sum(one: float, two: float) -> float:
    """Sum of the decimals that the floats are printed as."""
    return float(Decimal(repr(float(one))) + Decimal(repr(float(two))))


def _monthly(values: pd.Series[float], *, full: bool) -> pd.Series[float]:
    """Floats on a sorted monthly index; with `full`, from the first January without gaps."""
    try:
        numbers = np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        raise InputError("months", "series.not_all_numbers") from None
    months = pd.Series(numbers, index=_index(values)).sort_index()
    if np.isinf(months).any():
        raise InputError("months", "series.infinite", month=months.index[np.isinf(months)][0])
    if not full or not len(months):
        return months
    first = pd.Period(year=months.index[0].year, month=1, freq="M")
    return months.reindex(
        pd.period_range(first, months.index[-1], freq="M", name=values.index.name)
    )


def _index(values: pd.Series[Any]) -> pd.PeriodIndex:
    index = values.index
    if isinstance(index, pd.DatetimeIndex):
        index = index.to_period("M")
    if not isinstance(index, pd.PeriodIndex):
        found = [period(label) for label in index]
        problems = Collector()
        for label, month in zip(index, found, strict=True):
            if month is None:
                problems.add("months", "series.not_a_month", text=label)
        problems.raise_if_any()
        index = pd.PeriodIndex(found, name=index.name)
    if len(index) and index.freqstr[0] != "M":
        raise InputError("months", "series.not_a_month", text=index[0])
    if index.has_duplicates:
        raise InputError("months", "series.stands_twice", text=index[index.duplicated()][0])
    return index


# ---- progress through the year ----


@dataclass(frozen=True)
class Progress:
    """How far a budget is executed.

    Attributes
    ----------
    completion_pct
        Executed ÷ budget 完成预算, percent.
    even_pct
        Months gone ÷ 12 均衡进度, percent.
    gap_points
        The first less the second, percentage points.
    """

    completion_pct: float
    even_pct: float
    gap_points: float


def progress(executed: float, budget: float, month: int | str | pd.Period) -> Progress:
    """Completion of a budget against even progress through the year.

    Parameters
    ----------
    executed, budget
        Year to date and full year, same unit and same calibre.
    month
        1 to 12, or a month such as ``2024-02``.

    Raises
    ------
    InputError
        If the budget is not above zero or the month is none.

    Examples
    --------
    Lintao County, February 2024, 万元 (大口径财政收入):

    >>> found = progress(17056, 105425, "2024-02")
    >>> round(found.completion_pct, 2), round(found.even_pct, 2), round(found.gap_points, 2)
    (16.18, 16.67, -0.49)
    """
    if not budget > 0:
        raise InputError("budget", "series.not_above_zero", value=budget)
    completion = 100 * executed / budget
    even = even_progress_pct(month)
    return Progress(completion, even, completion - even)


def even_progress_pct(month: int | str | pd.Period) -> float:
    """Months gone in percent of the year.

    >>> even_progress_pct(6), even_progress_pct("2024-12")
    (50.0, 100.0)
    """
    when = None if isinstance(month, int) else period(month)
    number = month if when is None or when.freqstr[0] != "M" else int(when.month)
    if not isinstance(number, int) or not 1 <= number <= 12:
        raise InputError("month", "series.not_a_month", text=month)
    return 100 * number / 12
