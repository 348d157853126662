"""Calendar days and years from what users write."""

from __future__ import annotations

import calendar
from datetime import date, datetime
from typing import Any

import numpy as np
import pandas as pd

from fiscalmodel.errors import InputError


def to_date(value: Any, *, where: str) -> date:
    """A calendar day from a date, a timestamp or an ISO text.

    >>> to_date("2028-12-31", where="maturity")
    datetime.date(2028, 12, 31)
    """
    if value is None or value is pd.NaT or (isinstance(value, float) and value != value):
        raise InputError(where, "ground.date_missing")
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    if isinstance(value, np.datetime64):
        return pd.Timestamp(value).date()
    text = str(value).strip().replace("/", "-")
    for form in ("%Y-%m-%d", "%Y%m%d", "%Y年%m月%d日"):
        try:
            return datetime.strptime(text, form).date()
        except ValueError:
            continue
    raise InputError(where, "ground.not_a_date", text=value)


def calendar_year(value: Any, *, where: str) -> int:
    """A year from 1900 to 2200.

    >>> calendar_year("2028", where="year")
    2028
    """
    try:
        year = int(value)
    except (TypeError, ValueError, OverflowError):
        year = 0
    if not 1900 <= year <= 2200 or (isinstance(value, float) and value != year):
        raise InputError(where, "ground.not_a_year", text=value)
    return year


def add_months(day: date, months: int) -> date:
    """`day` moved by calendar months; the day of the month is cut to its length.

    >>> add_months(date(2024, 8, 31), -6)
    datetime.date(2024, 2, 29)
    """
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(day.day, last))
