"""The plan's calendar: periods from ``as_of`` to the deadline and their length in years."""

from __future__ import annotations

import calendar
import datetime as dt
import re
from bisect import bisect_left
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

#: Months in a period.
MONTHS = {"year": 12, "quarter": 3, "month": 1}


@dataclass(frozen=True)
class Grid:
    """Periods of a plan; cash moves on the last day of each.

    Attributes
    ----------
    labels
        ``2027``, ``2027Q3`` or ``2027-09``.
    ends
        Last day of each period (the last one ends on the deadline).
    fractions
        Length in years, by which a yearly rate is multiplied.
    """

    frequency: str
    as_of: dt.date
    deadline: dt.date
    labels: tuple[str, ...]
    ends: tuple[dt.date, ...]
    fractions: Floats

    @property
    def years(self) -> Floats:
        """Years from ``as_of`` to the end of each period."""
        return np.cumsum(self.fractions)

    def __len__(self) -> int:
        return len(self.labels)

    def index(self, date: dt.date) -> int:
        """Index of the period that holds a day: -1 before the first, the length after the last."""
        if opened(self.as_of) > date:
            return -1
        return bisect_left(self.ends, date)


def opened(as_of: dt.date) -> dt.date:
    """First day of the plan: ``as_of`` is a close of day, or the opening of a month's first."""
    return as_of if as_of.day == 1 else as_of + dt.timedelta(days=1)


def month_end(year: int, month: int) -> dt.date:
    """Last day of a month; months beyond 12 run on into the next years."""
    year, month = year + (month - 1) // 12, (month - 1) % 12 + 1
    return dt.date(year, month, calendar.monthrange(year, month)[1])


def add_months(date: dt.date, months: int) -> dt.date:
    """The same day some months later (or earlier), the month's last where there is no such day."""
    end = month_end(date.year, date.month + months)
    return end.replace(day=min(date.day, end.day))


def make_grid(
    as_of: dt.date, deadline: dt.date, frequency: str, day_count: str = "twelfths"
) -> Grid:
    """Calendar periods from the day after `as_of` to `deadline`.

    Notes
    -----
    ``twelfths``: a whole month is 1/12 of a year, a broken one its days over
    the month's days; so a year's rate on a whole year is exact in every
    frequency. ``ACT/365``: days over 365.
    """
    step = MONTHS[frequency]
    first = opened(as_of)
    labels: list[str] = []
    ends: list[dt.date] = []
    year, month = first.year, (first.month - 1) // step * step + step
    while not ends or ends[-1] < deadline:
        end = month_end(year, month)
        labels.append(_label(end, frequency))
        ends.append(min(end, deadline))
        year, month = (year, month + step) if month + step <= 12 else (year + 1, month + step - 12)
    close = [first - dt.timedelta(days=1), *ends]
    if day_count == "ACT/365":
        lengths = [(b - a).days / 365 for a, b in pairwise(close)]
    else:
        marks = [_month_position(d) for d in close]
        lengths = [(b - a) / 12 for a, b in pairwise(marks)]
    return Grid(frequency, as_of, deadline, tuple(labels), tuple(ends), np.array(lengths))


def _label(end: dt.date, frequency: str) -> str:
    if frequency == "year":
        return f"{end.year}"
    if frequency == "quarter":
        return f"{end.year}Q{(end.month + 2) // 3}"
    return f"{end.year}-{end.month:02d}"


def _month_position(close: dt.date) -> float:
    """Months since year 0 at the close of a day."""
    days = calendar.monthrange(close.year, close.month)[1]
    return close.year * 12 + close.month - 1 + close.day / days


def parse_period(value: Any) -> tuple[dt.date, dt.date] | None:
    """First and last day of a year, quarter, month or day; None if it is none of these.

    >>> parse_period("2027Q2")
    (datetime.date(2027, 4, 1), datetime.date(2027, 6, 30))
    """
    if isinstance(value, pd.Period):
        return value.start_time.date(), value.end_time.date()
    if isinstance(value, dt.datetime):
        value = value.date()
    if isinstance(value, dt.date):
        return value, value
    text = str(value).strip().removesuffix(".0")
    if match := re.fullmatch(r"((?:19|20)\d\d)(?:年|年度|FY)?", text):
        year = int(match[1])
        return dt.date(year, 1, 1), dt.date(year, 12, 31)
    if match := re.fullmatch(r"((?:19|20)\d\d)[-年 ]?(?:Q|q|第)([1-4])(?:季度)?", text):
        year, last = int(match[1]), 3 * int(match[2])
        return dt.date(year, last - 2, 1), month_end(year, last)
    if match := re.fullmatch(r"((?:19|20)\d\d)[-/.年](\d{1,2})月?", text):
        year, month = int(match[1]), int(match[2])
        if 1 <= month <= 12:
            return dt.date(year, month, 1), month_end(year, month)
        return None
    if match := re.fullmatch(r"((?:19|20)\d\d)[-/.](\d{1,2})[-/.](\d{1,2})(?:[ T]00:00:00)?", text):
        try:
            date = dt.date(int(match[1]), int(match[2]), int(match[3]))
        except ValueError:
            return None
        return date, date
    return None
