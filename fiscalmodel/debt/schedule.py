"""Payment dates of a contract: regular periods and stubs."""

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

#: Months between two payments of each frequency.
MONTHS_OF = {"year": 12, "half_year": 6, "quarter": 3, "month": 1}


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
