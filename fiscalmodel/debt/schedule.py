"""Payment dates of a contract, and day counts 计息基准: periods, stubs, exact year fractions.

Fractions are `fractions.Fraction`, so that rounding to 分 never meets a float
that stands a hair below a half.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from itertools import pairwise

from fiscalmodel.days import add_months
from fiscalmodel.errors import official_code

#: Months between two payments of each frequency; at maturity, so many that there is only one.
MONTHS_OF = {"year": 12, "half_year": 6, "quarter": 3, "month": 1, "maturity": 1200}


def months_of(frequency: str | int, *, where: str = "frequency") -> int:
    """Length of a payment period in months, by an official word or by payments a year.

    >>> months_of("half-yearly"), months_of("按季"), months_of(12)
    (6, 3, 1)
    """
    what = "debt.unknown_frequency"
    return MONTHS_OF[official_code("frequency", frequency, where=where, what=what)]


def is_month_end(day: date) -> bool:
    """Whether a day is the last of its month."""
    return (day + dt.timedelta(days=1)).day == 1


def step_months(day: date, months: int, end_of_month: bool) -> date:
    """`day` moved by calendar months; a month-end to a month-end where `end_of_month`.

    >>> step_months(date(2025, 2, 28), -6, True)
    datetime.date(2024, 8, 31)
    """
    if not end_of_month:
        return add_months(day, months)
    first = add_months(day.replace(day=1), months + 1)
    return first - dt.timedelta(days=1)


def period_of(when: date, every: str) -> str:
    """Label of the period that holds a day.

    >>> period_of(date(2026, 5, 3), "quarter")
    '2026Q2'
    """
    if every == "year":
        return str(when.year)
    return f"{when.year}Q{(when.month + 2) // 3}" if every == "quarter" else f"{when:%Y-%m}"


@dataclass(frozen=True)
class Period:
    """One interest period.

    Attributes
    ----------
    start, end
        First day that earns interest, and first day that does not, on which it is paid.
    share
        How many regular periods it is (ICMA); exactly 1 for a whole one.
    """

    start: date
    end: date
    share: Fraction


def regular_dates(
    start: date,
    maturity: date,
    months: int,
    *,
    stub: str = "front",
    first: date | None = None,
    end_of_month: bool = False,
) -> tuple[list[date], list[date]]:
    """Payment days, and the regular grid around them.

    Returns
    -------
    tuple of lists
        Boundaries from `start` to `maturity`, and the regular grid, which
        begins no later and ends no earlier than they do.
    """

    def step(day: date, by: int) -> date:
        return step_months(day, by, end_of_month and is_month_end(day))

    anchor = first or (maturity if stub == "front" else start)
    core = [anchor]
    while core[0] > start and first is None:
        core.insert(0, step(anchor, -len(core) * months))
    while core[-1] < maturity:
        core.append(step(anchor, len(core) * months))
    core = [day for day in core if start <= day <= maturity]
    if core == [start]:
        # The only period is broken: it counts back from maturity on either side.
        core = [maturity]
    # A broken period refers to a whole one counted from its regular side.
    back, ahead = [core[0]], [core[-1]]
    while back[-1] > start:
        back.append(step(core[0], -len(back) * months))
    while ahead[-1] < maturity:
        ahead.append(step(core[-1], len(ahead) * months))
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
    end_of_month: bool | None = None,
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
    end_of_month
        Whether payments stay on month-ends; None: where start and maturity (or the
        first payment) are month-ends.
    """
    at_end = end_of_month
    if at_end is None:
        at_end = is_month_end(start) and is_month_end(first or maturity)
    bounds, grid = regular_dates(
        start, maturity, months, stub=stub, first=first, end_of_month=at_end
    )
    bounds = sorted({*bounds, *extra})
    cells = list(pairwise(grid))
    whole, one = set(cells), Fraction(1)
    return [
        Period(*span, one if span in whole else _share(*span, cells)) for span in pairwise(bounds)
    ]


def _share(start: date, end: date, cells: Sequence[tuple[date, date]]) -> Fraction:
    """Regular periods between two days: the parts of each cell that they cover."""
    at = max(bisect_right(cells, start, key=lambda cell: cell[0]) - 1, 0)
    total = Fraction(0)
    for low, high in cells[at:]:
        if low >= end:
            break
        total += Fraction((min(high, end) - max(low, start)).days, (high - low).days)
    return total


def _thirty_360(start: date, end: date, *, european: bool) -> Fraction:
    first, last = min(start.day, 30), end.day
    if european or first == 30:
        last = min(last, 30)
    days = 360 * (end.year - start.year) + 30 * (end.month - start.month) + last - first
    return Fraction(days, 360)


def _days_in_year(year: int) -> int:
    return (date(year + 1, 1, 1) - date(year, 1, 1)).days


def _isda(start: date, end: date) -> Fraction:
    """Days of each calendar year over the length of that year."""
    if start.year == end.year:
        return Fraction((end - start).days, _days_in_year(start.year))
    first = Fraction((date(start.year + 1, 1, 1) - start).days, _days_in_year(start.year))
    last = Fraction((end - date(end.year, 1, 1)).days, _days_in_year(end.year))
    return first + (end.year - start.year - 1) + last


def year_fraction(
    start: date,
    end: date,
    day_count: str,
    *,
    share: Fraction | None = None,
    months: int = 12,
) -> Fraction:
    """Fraction of a year from `start` to `end`.

    Parameters
    ----------
    start, end
        First day that earns interest, and first day that does not.
    day_count
        ``ACT/ACT`` (ICMA), ``ACT/ACT.ISDA``, ``ACT/365`` (fixed), ``ACT/360``,
        ``30/360`` (bond basis), ``30E/360``.
    share
        How many regular interest periods lie between the days; ICMA only,
        where None means that the days are one whole period.
    months
        Length of the regular period in months; ICMA only.

    Notes
    -----
    ICMA: each regular period counts months / 12 whatever its days, a part of
    one in proportion to its days; China's local-government bonds accrue so. A period
    longer than a year (interest at maturity) is no regular one: it counts as by ISDA.
    ISDA: the days falling in a leap year over 366, all others over 365.

    Source: ICMA Rule 251.1; 2006 ISDA Definitions, section 4.16.

    >>> year_fraction(date(2024, 1, 31), date(2024, 7, 31), "30/360")
    Fraction(1, 2)
    >>> year_fraction(date(2024, 1, 1), date(2024, 7, 1), "ACT/ACT", months=6)
    Fraction(1, 2)
    """
    name = official_code("day_count", day_count, where="day_count", what="debt.unknown_day_count")
    if name == "ACT/365":
        return Fraction((end - start).days, 365)
    if name == "ACT/360":
        return Fraction((end - start).days, 360)
    if name == "30/360":
        return _thirty_360(start, end, european=False)
    if name == "30E/360":
        return _thirty_360(start, end, european=True)
    if name == "ACT/ACT.ISDA" or months > 12:
        return _isda(start, end)
    return (Fraction(1) if share is None else share) * Fraction(months, 12)
