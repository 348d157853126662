"""Year-to-date figures to months and back, and what a monthly report derives from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
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
_EXACT = "given_floats"


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
    gives back ``x`` exactly, gaps included. For floats of more than 15 digits, which
    no sum of floats can give back, the given values ride along in ``attrs`` and are
    used where they differ from the sum by rounding only.

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
    found, since = [], 0
    for month, value in values.items():
        since = 1 if _month(month) == 1 else since + 1
        known = not np.isnan(value)
        found.append(since if known else 0)
        since = 0 if known else since
    return pd.Series(found, index=values.index, dtype=int)


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
        raise InputError(
            "months",
            f"{type(given).__name__} has no months",
            "pass a Series, DataFrame or mapping labelled by month, as {'2024-02': 17056.0}",
        )
    result: Values = one(pd.Series(given, dtype=object) if isinstance(given, Mapping) else given)
    return result


def _months_of(cumulative: pd.Series[float]) -> pd.Series[float]:
    values = _monthly(cumulative, full=True)
    kept = cumulative.attrs.get(_EXACT, {})
    result = np.full(len(values), np.nan)
    last, exact = 0.0, True
    for i, (month, value) in enumerate(values.items()):
        if _month(month) == 1:
            last = 0.0
        if not np.isnan(value):
            now = float(value)
            result[i] = _kept(kept, month, _decimal_sum(now, -last), max(abs(now), abs(last)))
            exact &= _decimal_sum(last, result[i]) == now
            last = now
    months = pd.Series(result, index=values.index, name=cumulative.name)
    given = set(_index(cumulative))
    months.attrs[SPAN] = {str(m): int(n) for m, n in spans(months).items() if n > 1}
    months.attrs[_ADDED] = [str(m) for m in months.index if m not in given]
    return months if exact else _keeping(months, values)


def _cumulative_of(months: pd.Series[float]) -> pd.Series[float]:
    values = _monthly(months, full=False)
    kept = months.attrs.get(_EXACT, {})
    result = np.full(len(values), np.nan)
    total, year, exact = 0.0, None, True
    for i, (month, value) in enumerate(values.items()):
        if _year(month) != year:
            total, year = 0.0, _year(month)
        if not np.isnan(value):
            added = _decimal_sum(total, float(value))
            before, total = total, _kept(kept, month, added, max(abs(total), abs(added)))
            exact &= _decimal_sum(total, -before) == value
            result[i] = total
    cumulative = pd.Series(result, index=values.index, name=months.name)
    added_rows = set(months.attrs.get(_ADDED, ()))
    keep = [str(m) not in added_rows or not np.isnan(v) for m, v in cumulative.items()]
    return cumulative[keep] if exact else _keeping(cumulative[keep], values)


def _decimal_sum(one: float, two: float) -> float:
    """Sum of the decimals that the floats are printed as."""
    return float(Decimal(repr(float(one))) + Decimal(repr(float(two))))


def _kept(kept: Mapping[str, float], month: Any, computed: float, scale: float) -> float:
    """The float that was put in, where the computed one differs from it by rounding only."""
    before = kept.get(str(month), computed)
    return before if abs(before - computed) <= 2 * np.spacing(scale) else computed


def _keeping(result: pd.Series[float], given: pd.Series[float]) -> pd.Series[float]:
    """Note the given floats, where a sum of floats cannot give them back."""
    result.attrs[_EXACT] = {str(m): float(v) for m, v in given.items() if not np.isnan(v)}
    return result


def _monthly(values: pd.Series[float], *, full: bool) -> pd.Series[float]:
    """Floats on a sorted monthly index; with `full`, from the first January without gaps."""
    try:
        numbers = np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        raise InputError("months", "the figures are not all numbers", "mend the text") from None
    months = pd.Series(numbers, index=_index(values)).sort_index()
    if np.isinf(months).any():
        raise InputError("months", f"{months.index[np.isinf(months)][0]} is infinite", "")
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
        problems = Collector()
        found = []
        for label in index:
            month = period(label)
            if month is None:
                problems.add("months", f"{label!r} is no month", "label with 2024-02 or 2024年2月")
            found.append(month)
        problems.raise_if_any()
        index = pd.PeriodIndex(found, name=index.name)
    if len(index) and index.freqstr[0] != "M":
        raise InputError("months", f"{index[0]} is no month", "this is done on monthly figures")
    if index.has_duplicates:
        raise InputError("months", f"{index[index.duplicated()][0]} stands twice", "keep one")
    return index


def _month(label: Any) -> int:
    return int(label.month)


def _year(label: Any) -> int:
    return int(label.year)
