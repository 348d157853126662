"""Year-to-date months as a table of years, gaps filled only where they are in the way."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from fiscalmodel.days import period
from fiscalmodel.errors import Collector, InputError
from fiscalmodel.series.monthly import to_cumulative, to_months
from fiscalmodel.series.types import Series

Array = np.ndarray[Any, np.dtype[np.float64]]

#: Share of months that fall below the month before from which a series is no cumulative one.
_FALLING = 0.34


@dataclass(frozen=True)
class YearTable:
    """Cumulative figures by year and month.

    Attributes
    ----------
    years
        Ascending, without holes; the last one is under way.
    values
        Shape (years, 12), as published; missing as NaN.
    month
        Last published month of the last year, 1 to 12.
    name, unit
        Of the series.
    notes
        What a reader should know of the input.
    """

    years: tuple[int, ...]
    values: Array
    month: int
    name: str = ""
    unit: str = ""
    notes: tuple[str, ...] = ()

    @property
    def year(self) -> int:
        """The year under way."""
        return self.years[-1]

    @property
    def to_date(self) -> float:
        """Year to date."""
        return float(self.values[-1, self.month - 1])

    def until(self, year: int, month: int) -> YearTable | None:
        """The table as it stood after a month; None if that month was not published."""
        if year not in self.years:
            return None
        row = self.years.index(year)
        if np.isnan(self.values[row, month - 1]):
            return None
        values = self.values[: row + 1].copy()
        values[row, month:] = np.nan
        return replace(self, years=self.years[: row + 1], values=values, month=month)


def read_cumulative(cumulative: Any, as_of: str | pd.Period | None = None) -> YearTable:
    """Check and arrange a year-to-date series.

    Parameters
    ----------
    cumulative
        pandas Series on months, mapping of month to value, or the project's `Series`.
    as_of
        Last month to be used; by default the last with a value.

    Raises
    ------
    InputError
        For no value, text, infinity, labels that are no months, a month twice,
        figures that are single months rather than cumulative.
    """
    given, unit, name, notes = _values(cumulative)
    if not len(given):
        raise InputError("cumulative", "no value", "give year-to-date figures by month")
    values = to_cumulative(to_months(given)).dropna()
    if as_of is not None:
        last = period(as_of)
        if last is None or last.freqstr[0] != "M":
            raise InputError("as_of", f"{as_of!r} is no month", "give such as 2024-06")
        values = values[values.index <= last]
    if not len(values):
        raise InputError("cumulative", "no value", "give year-to-date figures by month")
    months = pd.PeriodIndex(values.index)
    first, end = int(months[0].year), int(months[-1].year)
    table = np.full((end - first + 1, 12), np.nan)
    table[months.year.to_numpy() - first, months.month.to_numpy() - 1] = values.to_numpy()
    _refuse_single_months(table)
    missing = [str(first + i) for i in range(len(table)) if np.isnan(table[i]).all()]
    if missing:
        notes.append(f"no figure at all for {', '.join(missing)}: earlier years are left out")
        keep = (
            first + len(table) - 1 - [str(y) for y in range(end, first - 1, -1)].index(missing[-1])
        )
        table, first = table[keep - first + 1 :], keep + 1
    years = tuple(range(first, end + 1))
    return YearTable(years, table, int(months[-1].month), name, unit, tuple(notes))


def _values(given: Any) -> tuple[pd.Series[float], str, str, list[str]]:
    unit, name, notes = "", "", []
    if isinstance(given, Series):
        unit, name = given.unit, given.series_id
        if given.kinds is not None and not given.kinds.isin(["actual", ""]).all():
            notes.append("estimates, budgets and targets in the series are left out")
        given = given.actuals().values
    elif isinstance(given, dict):
        given = pd.Series(given, dtype=object)
    elif not isinstance(given, pd.Series):
        raise InputError(
            "cumulative",
            f"a {type(given).__name__} has no months",
            "give a pandas Series of year-to-date figures on months",
        )
    try:
        numbers = pd.Series(np.asarray(given, dtype=float), index=given.index)
    except (TypeError, ValueError):
        problems = Collector()
        for label, value in given.items():
            try:
                float(value)
            except (TypeError, ValueError):
                problems.add("cumulative", f"{label}: {value!r} is no number")
        problems.raise_if_any()
        raise InputError("cumulative", "holds values that are no numbers", "") from None
    return numbers, unit, name or str(given.name or ""), notes


def _refuse_single_months(table: Array) -> None:
    """Single months fall as often as they rise; cumulative figures hardly ever do."""
    falls = rises = 0
    for row in table:
        known = row[~np.isnan(row)]
        if len(known) and (known >= 0).all():
            falls += int((np.diff(known) < 0).sum())
            rises += int((np.diff(known) > 0).sum())
    if falls + rises >= 6 and falls > _FALLING * (falls + rises):
        raise InputError(
            "cumulative",
            f"{falls} of {falls + rises} months lie below the month before: single months?",
            "give year-to-date figures, or pass the months through fm.to_cumulative first",
        )


def fill_years(table: Array) -> Array:
    """Past years with inner gaps filled at the position that other years had there.

    Parameters
    ----------
    table
        Cumulative, shape (years, 12); month 0 counts as nought.

    Notes
    -----
    A gap between months a < m < b of a year is put at c_a + q (c_b − c_a), with q the
    median position of month m in the years that have all three, else (m − a)/(b − a).
    Months after a year's last figure stay missing.
    """
    padded = np.concatenate([np.zeros((len(table), 1)), table], axis=1)
    known = ~np.isnan(padded)
    filled = padded.copy()
    for i in range(len(padded)):
        at = np.flatnonzero(known[i])
        for a, b in itertools.pairwise(at):
            for m in range(a + 1, b):
                rows = known[:, a] & known[:, m] & known[:, b]
                width = padded[rows, b] - padded[rows, a]
                positions = (padded[rows, m] - padded[rows, a])[width != 0] / width[width != 0]
                q = float(np.median(positions)) if len(positions) else (m - a) / (b - a)
                q = min(max(q, 0.0), 1.0)
                filled[i, m] = padded[i, a] + q * (padded[i, b] - padded[i, a])
    return filled[:, 1:]
