"""Business days of China's interbank market 银行间市场, and the rules that shift a payment.

The days come from a dated table in ``_assets/interbank_holidays.json``; its
source and the years it covers are stated there. Later years know weekends and
the fixed statutory days only, and `coverage_note` says so.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from importlib import resources

from fiscalmodel.errors import InputError, official_code
from fiscalmodel.words import say

CALENDARS = ("interbank", "weekends")


@dataclass(frozen=True)
class HolidayTable:
    """Weekdays closed and weekend days worked, for the years published."""

    first_year: int
    last_year: int
    closed_weekdays: frozenset[date]
    working_weekends: frozenset[date]
    fixed: frozenset[str]
    source: str
    beyond: str


@cache
def interbank_table() -> HolidayTable:
    """The shipped table of the interbank market."""
    path = resources.files("fiscalmodel.debt") / "_assets" / "interbank_holidays.json"
    raw = json.loads(path.read_text(encoding="utf-8"))
    return HolidayTable(
        raw["first_year"],
        raw["last_year"],
        frozenset(map(date.fromisoformat, raw["closed_weekdays"])),
        frozenset(map(date.fromisoformat, raw["working_weekends"])),
        frozenset(raw["statutory_fixed"]),
        raw["source"],
        raw["beyond"],
    )


def is_business_day(day: date, calendar: str = "interbank") -> bool:
    """Whether payments settle on `day`.

    >>> is_business_day(date(2026, 10, 1)), is_business_day(date(2026, 10, 12))
    (False, True)
    """
    if calendar not in CALENDARS:
        raise InputError("calendar", "debt.unknown_option", text=calendar, known=list(CALENDARS))
    weekend = day.weekday() >= 5
    if calendar == "weekends":
        return not weekend
    table = interbank_table()
    if table.first_year <= day.year <= table.last_year:
        return day in table.working_weekends if weekend else day not in table.closed_weekdays
    return not weekend and day.strftime("%m-%d") not in table.fixed


def adjust(day: date, rule: str | None, calendar: str = "interbank") -> date:
    """`day` moved to a business day by a rule (official words); None moves nothing.

    >>> adjust(date(2026, 10, 1), "following"), adjust(date(2026, 5, 31), "modified_following")
    (datetime.date(2026, 10, 8), datetime.date(2026, 5, 29))
    """
    if rule is None:
        return day
    what = "debt.unknown_option"
    name = official_code("business_day", rule, where="business_day", what=what)
    if name == "unadjusted":
        return day
    moved = _roll(day, -1 if name == "preceding" else 1, calendar)
    if name == "modified_following" and moved.month != day.month:
        return _roll(day, -1, calendar)
    return moved


def _roll(day: date, step: int, calendar: str) -> date:
    while not is_business_day(day, calendar):
        day += timedelta(days=step)
    return day


def coverage_note(days: Iterable[date]) -> str:
    """What a reader must know where dates lie outside the published years; else empty."""
    table = interbank_table()
    outside = sorted({d.year for d in days if not table.first_year <= d.year <= table.last_year})
    if not outside:
        return ""
    span = str(outside[0]) if len(outside) == 1 else f"{outside[0]}-{outside[-1]}"
    years = {"first": table.first_year, "last": table.last_year, "span": span}
    return str(say("debt.calendar_note", **years))
