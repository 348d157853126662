"""Periods as they are printed: 2019年度, 2024年1-2月, 2024Q1, 202402, and words beside them."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import Any

import pandas as pd

from fiscalmodel.series.cells import plain

_YEAR = re.compile(r"(?P<y>(?:19|20|21)\d\d)\s*(?:年度|年|FY)?(?:全年|1-12月)?")
_MONTH = re.compile(
    r"(?P<y>(?:19|20|21)\d\d)\s*[-/.年]?\s*(?:(?:0?1\s*[-~至]\s*)(?=\d{1,2}\s*月))?"
    r"(?P<m>1[0-2]|0?[1-9])\s*(?:月份?)?(?:累计|止|末)?"
)
_QUARTER = re.compile(
    r"(?P<y>(?:19|20|21)\d\d)\s*年?\s*(?:[Qq](?P<q>[1-4])|第?(?P<c>[一二三四1234])季度?)"
)
_BARE_MONTH = re.compile(r"(?:0?1\s*[-~至]\s*)?(?P<m>1[0-2]|0?[1-9])\s*月(?:份|累计)?")
_HALF_YEAR = re.compile(r"(?P<y>(?:19|20|21)\d\d)\s*年?\s*上半年")
_FIRST_QUARTER_DIGIT = {"一": 1, "二": 2, "三": 3, "四": 4}
#: Words beside a period -> (kind, version).
_WORDS = (
    (r"调整预算(?:数)?|预算调整(?:数)?", "budget", "adjusted_budget"),
    (r"年初预算(?:数)?|预算(?:数|草案)?", "budget", "initial_budget"),
    (r"预计(?:完成|执行)?(?:数)?|执行预计|估计(?:数)?|快报(?:数)?|[Ee]", "estimate", ""),
    (r"目标(?:数|值)?|规划(?:数|值)?", "target", ""),
    (r"决算(?:数)?", "actual", "final_account"),
    (r"执行(?:数)?|完成(?:数)?|实际(?:数)?|实绩|累计(?:数)?|收入|支出|金额|数", "actual", ""),
)


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
    published there is the year to date.

    >>> period("2019年度"), period(202402.0), period("2024年上半年")
    (Period('2019', 'Y-DEC'), Period('2024-02', 'M'), Period('2024-06', 'M'))
    """
    if isinstance(value, pd.Period):
        return value
    if isinstance(value, (dt.datetime, dt.date)):
        return pd.Period(year=value.year, month=value.month, freq="M")
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, (int, float)):
        if value != value or value != int(value):
            return None
        value = str(int(value))
    text = plain(str(value))
    if text.isdigit() and len(text) not in (4, 6):
        return None  # 20241 is an amount, no January
    if match := _YEAR.fullmatch(text):
        return pd.Period(year=int(match["y"]), freq="Y")
    if match := _HALF_YEAR.fullmatch(text):
        return pd.Period(year=int(match["y"]), month=6, freq="M")
    if match := _QUARTER.fullmatch(text):
        digit = match["q"] or match["c"]
        quarter = _FIRST_QUARTER_DIGIT.get(digit) or int(digit)
        return pd.Period(year=int(match["y"]), quarter=quarter, freq="Q")
    if match := _MONTH.fullmatch(text):
        return pd.Period(year=int(match["y"]), month=int(match["m"]), freq="M")
    if match := re.fullmatch(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?: 00:00(?::00)?)?", text):
        year, month = int(match[1]), int(match[2])
        return pd.Period(year=year, month=month, freq="M") if 1 <= month <= 12 else None
    return None


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
