"""Day counts 计息基准: the year fraction of an interest period, exactly.

Fractions are `fractions.Fraction`, so that rounding to 分 never meets a float
that stands a hair below a half.
"""

from __future__ import annotations

from datetime import date
from fractions import Fraction

from fiscalmodel.errors import official_code


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
    one in proportion to its days; China's local-government bonds accrue so.
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
    if name == "ACT/ACT.ISDA":
        return _isda(start, end)
    return (Fraction(1) if share is None else share) * Fraction(months, 12)
