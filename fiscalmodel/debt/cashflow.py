"""Cash flows of a loan or bond 还本付息计划: schedules and the table of payments.

Interest of a period is opening balance · rate · year fraction, the fraction by
the day count; nothing is rounded unless ``rounding="fen"`` asks for it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import partial
from itertools import accumulate
from typing import Any, Literal

import numpy as np
import pandas as pd

from fiscalmodel.days import to_date
from fiscalmodel.debt.daycount import year_fraction
from fiscalmodel.debt.schedule import Period, months_of, periods
from fiscalmodel.debt.valuation import Flows, dated_flows
from fiscalmodel.errors import Collector, InputError, official_code
from fiscalmodel.units import FEN_PER, half_up, money_unit

#: Yearly rates in percent below the first look like ratios, above the second like basis points.
RATE_RANGE_PCT = (0.1, 36.0)


def rate_problem(pct: float) -> str | None:
    """What is wrong with a yearly rate in percent, or None; the one bound of all tables.

    >>> rate_problem(5.5), rate_problem(0.055), rate_problem(550.0)
    (None, 'debt.rate_is_ratio', 'debt.rate_too_high')
    """
    low, high = RATE_RANGE_PCT
    if not math.isfinite(pct) or pct < 0:
        return "debt.rate_negative"
    if 0 < pct < low:
        return "debt.rate_is_ratio"
    return "debt.rate_too_high" if pct > high else None


def likely_rate(pct: float) -> float:
    """What a rate outside the bounds was probably meant to be."""
    return pct * 100 if pct < 1 else pct / (100 if pct >= 100 else 10)


@dataclass(frozen=True)
class Terms:
    """The checked terms of one contract; see `amortise` for their meaning."""

    principal: float
    rate_pct: float
    method: str
    months: int
    day_count: str
    grace_periods: int
    custom: tuple[tuple[date, float], ...]
    periods: tuple[Period, ...]

    def fractions(self) -> list[Fraction]:
        """Year fraction of each period."""
        return [
            year_fraction(p.start, p.end, self.day_count, share=p.share, months=self.months)
            for p in self.periods
        ]


def amortise(
    principal: float,
    rate_pct: float,
    *,
    start: Any,
    maturity: Any,
    method: str = "bullet",
    frequency: str | int = "year",
    day_count: str = "ACT/ACT",
    rounding: Literal["fen"] | None = None,
    grace_periods: int = 0,
    principal_dates: Flows | None = None,
    first_payment: Any = None,
    stub: Literal["front", "back"] = "front",
    unit: str = "万元",
    end_of_month: bool | None = None,
) -> pd.DataFrame:
    """Payments of one contract from start to maturity.

    Parameters
    ----------
    principal
        Amount lent, in `unit`; positive.
    rate_pct
        Yearly nominal rate in percent (5.5, not 0.055), 0 to 36.
    start, maturity
        Day from which interest runs, and day of the last payment.
    method
        ``bullet`` 到期还本, ``equal_principal`` 等额本金, ``equal_instalment``
        等额本息, ``custom`` (principal on the days of `principal_dates`).
    frequency
        ``year``, ``half_year``, ``quarter``, ``month`` (or yearly, half-yearly, …;
        按年, 按半年, …), or payments a year: 1, 2, 4, 12.
    day_count
        ``ACT/ACT`` (ICMA), ``ACT/ACT.ISDA``, ``ACT/365``, ``ACT/360``,
        ``30/360``, ``30E/360``.
    rounding
        None leaves every figure unrounded. ``"fen"`` works in integer 分: each
        payment is rounded half up, the last one takes the remainder.
    grace_periods
        How many first payments carry interest only (宽限期).
    principal_dates
        For ``custom``: date -> amount (mapping, pairs, or a frame with ``date``
        and ``principal_wan`` or ``principal``); together exactly `principal`.
        A day off the interest dates settles the interest accrued to it.
    first_payment
        First day of payment where interest is settled on fixed days (结息日).
    stub
        Side of a broken period: ``front`` (bonds) or ``back``.
    unit
        Unit of the amounts; only ``rounding="fen"`` depends on it.
    end_of_month
        Whether payments stay on month-ends; None: where start and maturity are
        month-ends, so that each period is whole and bears its whole interest.

    Returns
    -------
    DataFrame
        One row a payment: ``date`` (datetime64), ``opening``, ``interest``,
        ``principal``, ``closing`` in `unit`; days are those of the contract.

    Raises
    ------
    InputError
        All problems of the terms at once.

    Notes
    -----
    Equal instalment with n periods at i = rate / periods a year:
    A = P·i / (1 − (1 + i)^−n), principal_k = A·(1 + i)^−(n − k + 1), as lenders' sinking
    schedules have it; interest follows the day count, so that instalments are equal under
    30/360.

    Examples
    --------
    >>> amortise(100, 4, start="2024-01-01", maturity="2026-01-01")[["interest", "closing"]]
       interest  closing
    0       4.0    100.0
    1       4.0      0.0
    """
    found = Collector()
    days = {"start": start, "maturity": maturity, "first_payment": first_payment}
    begin, end, first = (
        None if name == "first_payment" and day is None
        else found.attempt(partial(to_date, day, where=name), None) for name, day in days.items()
    )  # fmt: skip
    words = {"repayment": ("method", method), "day_count": ("day_count", day_count)}
    kind, count = (
        found.attempt(partial(
            official_code, group, word, where=name, what=f"debt.unknown_{name}"
        ), "") for group, (name, word) in words.items()
    )  # fmt: skip
    months = found.attempt(partial(months_of, frequency), 12)
    _check_amounts(found, principal, rate_pct)
    if begin and end and end <= begin:
        found.add("maturity", "debt.maturity_not_after", maturity=end, start=begin)
    if first and begin and end and not begin < first <= end:
        found.add("first_payment", "debt.day_outside_terms", day=first)
    for name, value, known in (
        ("stub", stub, ("front", "back")),
        ("rounding", "fen" if rounding is None else rounding, ("fen",)),
    ):
        if str(value) not in known:
            found.add(name, "debt.unknown_option", text=value, known=known)
    custom: tuple[tuple[date, float], ...] = ()
    if kind == "custom" or principal_dates is not None:
        custom = _custom_dates(found, kind, principal_dates, principal, begin, end)
    if isinstance(grace_periods, bool) or not isinstance(grace_periods, int | np.integer):
        found.add("grace_periods", "debt.no_count", text=grace_periods)
    found.raise_if_any()
    assert begin is not None
    assert end is not None
    laid = periods(
        begin, end, months, stub=stub, first=first, extra=[day for day, _ in custom],
        end_of_month=end_of_month,
    )  # fmt: skip
    if not 0 <= grace_periods < len(laid):
        raise InputError(
            "grace_periods", "debt.grace_too_long", grace=grace_periods, count=len(laid)
        )
    terms = Terms(
        float(principal), float(rate_pct), kind, months, count, int(grace_periods), custom,
        tuple(laid),
    )  # fmt: skip
    columns = float_rows(terms)
    if rounding is not None:
        per = FEN_PER[money_unit(unit)]
        columns = [[value / per for value in column] for column in fen_rows(terms, per)]
    frame = pd.DataFrame(
        dict(zip(("opening", "interest", "principal", "closing"), columns, strict=True))
    )
    frame.insert(0, "date", pd.to_datetime([p.end for p in terms.periods]))
    return frame


def _check_amounts(found: Collector, principal: Any, rate_pct: Any) -> None:
    """Principal positive, rate a percentage."""
    try:
        amount, rate = float(principal), float(rate_pct)
    except (TypeError, ValueError, OverflowError):
        found.add("principal", "debt.not_numbers", principal=principal, rate=rate_pct)
        return
    if not math.isfinite(amount) or amount <= 0:
        found.add("principal", "debt.not_positive", text=principal)
    if (what := rate_problem(rate)) is not None:
        found.add("rate_pct", what, rate=rate, near=likely_rate(rate))


def _custom_dates(
    found: Collector, method: str, given: Flows | None, principal: Any, begin: date | None,
    end: date | None,
) -> tuple[tuple[date, float], ...]:  # fmt: skip
    """Checked principal dates, sorted, amounts of one day added up."""
    where = "principal_dates"
    if given is None or method != "custom":
        found.add(where, "debt.custom_needs_dates" if given is None else "debt.dates_not_custom")
        return ()
    nothing = np.zeros(0), np.zeros(0)
    columns = ("principal_wan", "principal")
    days, amounts = found.attempt(
        partial(dated_flows, given, where=where, amount=columns, positive=True), nothing
    )
    due: dict[date, float] = {}
    for number, amount in zip(days, amounts, strict=True):
        on = date.fromordinal(int(number))
        if begin and end and not begin < on <= end:
            found.add(where, "debt.day_outside_terms", day=on)
        due[on] = due.get(on, 0.0) + float(amount)
    total = math.fsum(due.values())
    if not found.problems and not math.isclose(total, float(principal), rel_tol=1e-12):
        gap = float(principal) - total
        found.add(
            where, "debt.dates_total", total=plain_number(total),
            principal=plain_number(float(principal)), gap=plain_number(gap),
        )  # fmt: skip
    return tuple(due.items())


def float_rows(terms: Terms) -> list[list[float]]:
    """Opening, interest, principal and closing of each payment, unrounded."""
    fractions = [float(f) for f in terms.fractions()]
    rate = terms.rate_pct / 100
    repaid = _float_principal(terms)
    closing = [terms.principal - paid for paid in accumulate(repaid)]
    closing[-1] = 0.0
    opening = [terms.principal, *closing[:-1]]
    repaid[-1] = opening[-1]
    interest = [o * rate * f for o, f in zip(opening, fractions, strict=True)]
    return [opening, interest, repaid, closing]


def _float_principal(terms: Terms) -> list[float]:
    n, grace, amount = len(terms.periods), terms.grace_periods, terms.principal
    if terms.method == "custom":
        due = dict(terms.custom)
        return [due.get(period.end, 0.0) for period in terms.periods]
    nominal = terms.rate_pct / 100 * terms.months / 12
    return [0.0] * grace + principal_parts(terms.method, amount, n - grace, nominal)


def principal_parts(method: str, amount: float, count: int, rate: float) -> list[float]:
    """Principal in each of `count` payments at a rate a period; the one amortisation.

    >>> principal_parts("equal_principal", 210.0, 2, 0.1), principal_parts("bullet", 5.0, 2, 0.1)
    ([105.0, 105.0], [0.0, 5.0])
    """
    if method == "bullet":
        return [0.0] * (count - 1) + [amount]
    if method == "equal_principal" or rate == 0:
        return [amount / count] * count
    # Closed form: subtracting interest instead would lose digits over 360 payments.
    factors = [(1 + rate) ** -k for k in range(1, count + 1)]
    instalment = amount / math.fsum(factors)
    return [instalment * factor for factor in reversed(factors)]


def plain_number(value: float) -> str:
    """A number with all the digits that it needs and no more.

    >>> plain_number(999.9999), plain_number(1e-4), plain_number(1000.0)
    ('999.9999', '0.0001', '1000')
    """
    return f"{round(value, 9):f}".rstrip("0").rstrip(".") if abs(value) >= 1e-9 else f"{value:g}"


def exact(value: float) -> Fraction:
    """A float at its shortest decimal form, as an exact fraction."""
    return Fraction(Decimal(repr(value)))


def fen_rows(terms: Terms, fen_per_unit: int) -> list[list[int]]:
    """Opening, interest, principal and closing of each payment in integer 分."""
    amount = exact(terms.principal) * fen_per_unit
    if amount.denominator != 1:
        raise InputError("principal", "debt.not_whole_fen", text=terms.principal)
    rate = exact(terms.rate_pct) / 100
    fractions = terms.fractions()
    repaid = _fen_principal(terms, int(amount), fen_per_unit)
    closing = [int(amount) - paid for paid in accumulate(repaid)]
    opening = [int(amount), *closing[:-1]]
    interest = [half_up(o * rate * f) for o, f in zip(opening, fractions, strict=True)]
    return [opening, interest, repaid, closing]


def _fen_principal(terms: Terms, amount: int, fen_per_unit: int) -> list[int]:
    n, grace = len(terms.periods), terms.grace_periods
    paying = n - grace
    if terms.method == "bullet":
        repaid = [0] * n
    elif terms.method == "equal_principal":
        repaid = [0] * grace + [half_up(Fraction(amount, paying))] * paying
    elif terms.method == "custom":
        due = dict(terms.custom)
        repaid = [half_up(exact(due.get(p.end, 0.0)) * fen_per_unit) for p in terms.periods]
    else:
        nominal = exact(terms.rate_pct) / 100 * Fraction(terms.months, 12)
        factors = (1 / (1 + float(nominal)) ** k for k in range(1, paying + 1))
        instalment = half_up(exact(amount / math.fsum(factors)))
        repaid, left = [0] * grace, amount
        for _ in range(paying):
            repaid.append(instalment - half_up(left * nominal))
            left -= repaid[-1]
    return _last_takes_remainder(repaid, amount)


def _last_takes_remainder(repaid: list[int], amount: int) -> list[int]:
    """Cut what would repay more than is left; the last payment repays the rest."""
    left, result = amount, []
    for part in repaid[:-1]:
        result.append(max(0, min(part, left)))
        left -= result[-1]
    return [*result, left]
