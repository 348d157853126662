"""The one parser of days and periods, as users write them and tables print them.

``2027-06-30``, ``2027.6.30``, ``20270630``, ``2027年6月30日``; ``2019年度``, ``FY2023``,
``2024年1-2月``, ``2027年第二季度``, ``2024Q1``, ``202402``, and words beside them.
"""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np
import pandas as pd

from fiscalmodel.errors import InputError
from fiscalmodel.numerals import plain

_Y = r"(?P<y>(?:19|20|21)\d\d)"
_DAY = re.compile(
    r"(\d{4})\s*(?:[-/.年])\s*(\d{1,2})\s*(?:[-/.月])\s*(\d{1,2})\s*[日号]?"
    r"(?:[ T]\d{1,2}:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?"
)
_EIGHT_DIGITS = re.compile(r"(\d{4})(\d\d)(\d\d)(?:\.0)?")
_YEAR = re.compile(rf"(?:FY\s*)?{_Y}(?:\.0)?\s*(?:财政年度|会计年度|年度|年|FY)?(?:全年)?", re.I)
_MONTH = re.compile(
    rf"{_Y}\s*[-/.年]?\s*(?:(?:0?1\s*[-~至]\s*)(?=\d{{1,2}}\s*月))?"
    r"(?P<m>1[0-2]|0?[1-9])\s*(?:月份?)?(?:累计|止|末)?"
)
_QUARTER = re.compile(rf"{_Y}\s*年?\s*(?:-?\s*[Qq](?P<q>[1-4])|第?(?P<c>[一二三四1234])季度?)")
_SPAN = re.compile(rf"{_Y}\s*年?\s*(?P<w>上半年|前三季度?)")
_SPAN_MONTH = {"上半年": 6, "前三季度": 9, "前三季": 9}
_BARE_MONTH = re.compile(r"(?:0?1\s*[-~至]\s*)?(?P<m>1[0-2]|0?[1-9])\s*月(?:份|累计)?")
_QUARTER_DIGIT = {"一": 1, "二": 2, "三": 3, "四": 4}
#: Words beside a period -> (kind, version).
_WORDS = (
    (r"调整预算(?:数)?|预算调整(?:数)?", "budget", "adjusted_budget"),
    (r"年初预算(?:数)?|预算(?:数|草案)?", "budget", "initial_budget"),
    (r"预计(?:完成|执行)?(?:数)?|执行预计|估计(?:数)?|快报(?:数)?|[Ee]", "estimate", ""),
    (r"目标(?:数|值)?|规划(?:数|值)?", "target", ""),
    (r"决算(?:数)?", "actual", "final_account"),
    (r"执行(?:数)?|完成(?:数)?|实际(?:数)?|实绩|累计(?:数)?|收入|支出|金额|数", "actual", ""),
)


def day(value: Any) -> date | None:
    """The calendar day that a value or a text names, or None.

    A time of the day is left out; a number is a day only as eight digits.

    >>> day("2027.6.30"), day("2027年6月30日"), day(20270630.0), day("2027-02-30")
    (datetime.date(2027, 6, 30), datetime.date(2027, 6, 30), datetime.date(2027, 6, 30), None)
    """
    if value is None or value is pd.NaT or value is pd.NA or isinstance(value, bool):
        return None
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    if isinstance(value, np.datetime64):
        return None if np.isnat(value) else pd.Timestamp(value).date()
    if isinstance(value, float):
        value = int(value) if value.is_integer() else ""
    text = plain(str(value))
    match = _DAY.fullmatch(text) or _EIGHT_DIGITS.fullmatch(text)
    if match is None:
        return None
    try:
        return date(*map(int, match.groups()))
    except ValueError:
        return None


def made_on(day: date | None = None) -> datetime:
    """What a file says it was made on: the beginning of the day that its figures are of.

    1 January 2000 where none is known: no clock is read, so that the same figures give the
    same bytes.
    """
    return datetime.combine(day or date(2000, 1, 1), datetime.min.time())


def to_date(value: Any, *, where: str) -> date:
    """A calendar day; see `day`.

    Raises
    ------
    InputError
        If the value is missing or no day.

    >>> to_date("2028-12-31", where="maturity")
    datetime.date(2028, 12, 31)
    """
    if value is None or value is pd.NaT or (isinstance(value, float) and value != value):
        raise InputError(where, "ground.date_missing")
    found = day(value)
    if found is None:
        raise InputError(where, "ground.not_a_date", text=value)
    return found


def calendar_year(value: Any, *, where: str) -> int:
    """A year from 1900 to 2200.

    >>> calendar_year("2028", where="year")
    2028
    """
    found = period(value)
    if found is None or found.freqstr[0] not in "YA" or not 1900 <= found.year <= 2200:
        raise InputError(where, "ground.not_a_year", text=value)
    return int(found.year)


def add_months(day: date, months: int) -> date:
    """`day` moved by calendar months; the day of the month is cut to its length.

    >>> add_months(date(2024, 8, 31), -6)
    datetime.date(2024, 2, 29)
    """
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(day.day, last))


@dataclass(frozen=True)
class Heading:
    """A period with the kind and version that its heading states."""

    period: pd.Period
    kind: str = "actual"
    version: str = ""


def heading(value: Any) -> Heading | None:
    """A period heading such as ``2020年（预计）`` or ``2025年预算数``, or None.

    >>> heading("2020年（预计）")
    Heading(period=Period('2020', 'Y-DEC'), kind='estimate', version='')
    >>> heading("2024年1-2月").period, heading("项目")
    (Period('2024-02', 'M'), None)
    """
    bare = period(value)
    if bare is not None:
        return Heading(bare)
    if not isinstance(value, str):
        return None
    text = plain(value)
    for pattern, kind, version in _WORDS:
        match = re.fullmatch(rf"(?P<when>.*?\d\s*年?度?月?)\s*[/\-_ ]*\(?(?:{pattern})\)?", text)
        found = period(match["when"]) if match else None
        if found is not None:
            return Heading(found, kind, version)
    return None


def period(value: Any) -> pd.Period | None:
    """The year, quarter or month that a cell names, or None.

    A range from January (``1-2月``, ``上半年``) stands for its last month: what is
    published there is the year to date. The number 2024.1 may be January or October
    and is none; the text ``2024.10`` is October.

    >>> period("2019年度"), period(202402.0), period("2024年上半年"), period(2024.1)
    (Period('2019', 'Y-DEC'), Period('2024-02', 'M'), Period('2024-06', 'M'), None)
    >>> [str(period(text)) for text in ("2027年第二季度", "FY2023", "2023.0", "2024.10")]
    ['2027Q2', '2023', '2023', '2024-10']
    """
    if isinstance(value, pd.Period):
        return value
    if isinstance(value, (datetime, date)):
        return None if value is pd.NaT else pd.Period(year=value.year, month=value.month, freq="M")
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, (int, float, np.number)):
        if value != value or value in (np.inf, -np.inf) or value != int(value):
            return None
        value = str(int(value))
    text = plain(str(value))
    if text.isdigit() and len(text) not in (4, 6):
        return None  # 20241 is an amount, no January
    if match := _YEAR.fullmatch(text):
        return pd.Period(year=int(match["y"]), freq="Y")
    if match := _SPAN.fullmatch(text):
        return pd.Period(year=int(match["y"]), month=_SPAN_MONTH[match["w"]], freq="M")
    if match := _QUARTER.fullmatch(text):
        digit = match["q"] or match["c"]
        quarter = _QUARTER_DIGIT.get(digit) or int(digit)
        return pd.Period(year=int(match["y"]), quarter=quarter, freq="Q")
    if match := _MONTH.fullmatch(text):
        return pd.Period(year=int(match["y"]), month=int(match["m"]), freq="M")
    found = day(text)
    return pd.Period(year=found.year, month=found.month, freq="M") if found else None


def bare_month(value: Any) -> int | None:
    """Number of a month printed without its year: ``2月``, ``1-2月``, ``02月份``.

    >>> bare_month("1-2月"), bare_month("12月份"), bare_month("13月")
    (2, 12, None)
    """
    match = _BARE_MONTH.fullmatch(plain(str(value)))
    return int(match["m"]) if match else None


def looks_like_period(value: Any) -> bool:
    """Whether a heading cell names a period, with or without its year."""
    return heading(value) is not None or bare_month(value) is not None
