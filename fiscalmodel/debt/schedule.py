"""Payment dates of a contract: regular periods, stubs, grace, business days."""

from __future__ import annotations

import calendar as _calendar
import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from itertools import pairwise
from typing import Any

from fiscalmodel.days import to_date as to_date
from fiscalmodel.debt import calendar_cn
from fiscalmodel.errors import InputError

#: Months of a period -> words that mean it; spaces, hyphens and underscores are all the same,
#: and a plain number is payments a year.
FREQUENCIES: dict[int, tuple[str, ...]] = {
    12: ("year", "annual", "annually", "yearly", "a", "y", "1y", "1", "年", "按年", "每年"),
    6: (
        "half_year", "half_yearly", "halfyear", "halfyearly", "semiannual", "semi_annual",
        "semiannually", "semi_annually", "h", "6m", "2", "半年", "按半年", "每半年",
    ),
    3: ("quarter", "quarterly", "q", "3m", "4", "季", "按季", "每季", "季度", "按季度", "每季度"),
    1: ("month", "monthly", "m", "1m", "12", "月", "按月", "每月"),
}  # fmt: skip
_MONTHS = {word: months for months, words in FREQUENCIES.items() for word in words}


def plain_word(value: Any) -> str:
    """A word of a contract as the tables know it: lower case, parts joined by underscores.

    >>> plain_word(" Half-Yearly "), plain_word("equal principal"), plain_word(2.0)
    ('half_yearly', 'equal_principal', '2')
    """
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return re.sub(r"[\s_\-‐-―－]+", "_", str(value).strip().lower())


def months_of(frequency: str | int, *, where: str = "frequency") -> int:
    """Length of a payment period in months, by a word or by payments a year.

    >>> months_of("half-yearly"), months_of("按季"), months_of(12)
    (6, 3, 1)
    """
    months = _MONTHS.get(plain_word(frequency))
    if months is None:
        known = ", ".join(words[0] for words in FREQUENCIES.values())
        raise InputError(where, f"unknown frequency {frequency!r}", f"use one of {known}")
    return months


def add_months(day: date, months: int) -> date:
    """`day` moved by calendar months; the day of the month is cut to its length.

    >>> add_months(date(2024, 8, 31), -6)
    datetime.date(2024, 2, 29)
    """
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    last = _calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(day.day, last))


@dataclass(frozen=True)
class Period:
    """One interest period.

    Attributes
    ----------
    start, end
        First day that earns interest, and first day that does not.
    due, paid
        Day of payment by contract, and after the business-day rule.
    share
        How many regular periods it is (ICMA); exactly 1 for a whole one.
    """

    start: date
    end: date
    due: date
    paid: date
    share: Fraction


def regular_dates(
    start: date, maturity: date, months: int, *, stub: str = "front", first: date | None = None
) -> tuple[list[date], list[date]]:
    """Payment days, and the regular grid around them.

    Returns
    -------
    tuple of lists
        Boundaries from `start` to `maturity`, and the regular grid, which
        begins no later and ends no earlier than they do.
    """
    anchor = first or (maturity if stub == "front" else start)
    core = [anchor]
    while core[0] > start and first is None:
        core.insert(0, add_months(anchor, -len(core) * months))
    while core[-1] < maturity:
        core.append(add_months(anchor, len(core) * months))
    core = [day for day in core if start <= day <= maturity]
    if core == [start]:
        # The only period is broken: it counts back from maturity on either side.
        core = [maturity]
    # A broken period refers to a whole one counted from its regular side.
    back, ahead = [core[0]], [core[-1]]
    while back[-1] > start:
        back.append(add_months(core[0], -len(back) * months))
    while ahead[-1] < maturity:
        ahead.append(add_months(core[-1], len(ahead) * months))
    grid = [*reversed(back[1:]), *core, *ahead[1:]]
    return [start, *(day for day in core if start < day < maturity), maturity], grid


def periods(
    start: date,
    maturity: date,
    months: int,
    *,
    stub: str = "front",
    first: date | None = None,
    extra: Sequence[date] = (),
    business_day: str | None = None,
    calendar: str = "interbank",
    adjust_accrual: bool = False,
) -> list[Period]:
    """Interest periods of a contract, in order.

    Parameters
    ----------
    stub
        Where a broken period goes: ``front`` counts back from maturity, as
        bonds do; ``back`` counts on from the start.
    first
        First payment day (结息日); the grid then runs on from it.
    extra
        Further days that end a period (custom principal dates).
    business_day, calendar
        Rule that moves the day of payment. No interest is paid for the shift
        (顺延期间不另计息) unless `adjust_accrual`.
    """
    bounds, grid = regular_dates(start, maturity, months, stub=stub, first=first)
    bounds = sorted({*bounds, *extra})
    rule = calendar_cn.business_day_rule(business_day)
    days = {*bounds, *grid}
    same = dict(zip(days, days, strict=True))
    moved = (
        same if rule == "unadjusted" else {d: calendar_cn.adjust(d, rule, calendar) for d in days}
    )
    earns = moved if adjust_accrual else same
    cells = [(earns[a], earns[b]) for a, b in pairwise(grid)]
    whole, one = set(cells), Fraction(1)
    made = []
    for a, b in pairwise(bounds):
        span = (earns[a], earns[b])
        share = one if span in whole else _share(*span, cells)
        made.append(Period(*span, b, moved[b], share))
    return made


def _share(start: date, end: date, cells: Sequence[tuple[date, date]]) -> Fraction:
    """Regular periods between two days: the parts of each cell that they cover."""
    at = max(bisect_right(cells, start, key=lambda cell: cell[0]) - 1, 0)
    total = Fraction(0)
    for low, high in cells[at:]:
        if low >= end:
            break
        total += Fraction((min(high, end) - max(low, start)).days, (high - low).days)
    return total
