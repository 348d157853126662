"""How much principal falls on each payment, unrounded or in whole 分."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from fiscalmodel.debt.schedule import to_date
from fiscalmodel.errors import Collector, InputError

if TYPE_CHECKING:
    from fiscalmodel.debt.cashflow import PrincipalDates, Terms

#: Highest yearly rate taken for a percentage; four times the LPR of 2019 was about 17 %.
HIGHEST_RATE_PCT = 36.0


def check_amounts(found: Collector, at: str, principal: Any, rate_pct: Any) -> None:
    """Principal positive, rate a percentage."""
    try:
        amount, rate = float(principal), float(rate_pct)
    except (TypeError, ValueError, OverflowError):
        found.add(f"{at}principal", f"{principal!r} at {rate_pct!r} are not both numbers")
        return
    if not math.isfinite(amount) or amount <= 0:
        found.add(f"{at}principal", f"principal {principal!r} is missing or not positive")
    if not math.isfinite(rate) or rate < 0:
        found.add(f"{at}rate_pct", f"rate {rate_pct!r} is missing or negative", "percent a year")
    elif rate > HIGHEST_RATE_PCT:
        found.add(
            f"{at}rate_pct",
            f"rate {rate:g} % is above {HIGHEST_RATE_PCT:g} %",
            f"percent a year: did you mean {rate / 100:g}?",
        )
    elif 0 < rate < 0.1:
        found.add(
            f"{at}rate_pct", f"rate {rate:g} % looks like a ratio", f"did you mean {rate * 100:g}?"
        )


def custom_dates(
    found: Collector,
    at: str,
    method: str | None,
    given: PrincipalDates | None,
    principal: Any,
    begin: date | None,
    end: date | None,
) -> tuple[tuple[date, float], ...]:
    """Checked principal dates, sorted, amounts of one day added up."""
    where = f"{at}principal_dates"
    if given is None or method != "custom":
        problem = (
            "the custom method needs principal_dates"
            if given is None
            else f"principal_dates are given, but the method is {method}"
        )
        found.add(where, problem, 'pass date -> amount with method="custom"')
        return ()
    try:
        if isinstance(given, pd.DataFrame):
            column = "principal_wan" if "principal_wan" in given else "principal"
            pairs = list(zip(given["date"], given[column], strict=True))
        else:
            pairs = [
                (day, amount)
                for day, amount in (given.items() if isinstance(given, Mapping) else given)
            ]
    except (KeyError, TypeError, ValueError):
        found.add(
            where, "is no table of dates and amounts", "pass date -> amount, pairs or a frame"
        )
        return ()
    due: dict[date, float] = {}
    for day, amount in pairs:
        try:
            on = to_date(day, where=where)
        except InputError as error:
            found.extend(error)
            continue
        known = isinstance(amount, int | float | np.number | Decimal)
        if not known or not 0 < float(amount) < math.inf:
            found.add(where, f"principal {amount!r} on {on} is not a positive number")
            continue
        if begin and end and not begin < on <= end:
            found.add(where, f"{on} is not after start and up to maturity")
        due[on] = due.get(on, 0.0) + float(amount)
    total = math.fsum(due.values())
    if not found.problems and not math.isclose(total, float(principal), rel_tol=1e-12):
        found.add(
            where, f"principal dates add up to {total:g}, the principal is {float(principal):g}"
        )
    return tuple(sorted(due.items()))


def float_rows(terms: Terms) -> list[list[float]]:
    """Opening, interest, principal and closing of each payment, unrounded."""
    fractions = [float(f) for f in terms.fractions()]
    rate = terms.rate_pct / 100
    repaid = _float_principal(terms, [rate * f for f in fractions])
    closing = [terms.principal - paid for paid in accumulate(repaid)]
    closing[-1] = 0.0
    opening = [terms.principal, *closing[:-1]]
    repaid[-1] = opening[-1]
    interest = [o * rate * f for o, f in zip(opening, fractions, strict=True)]
    return [opening, interest, repaid, closing]


def _float_principal(terms: Terms, period_rates: list[float]) -> list[float]:
    n, grace, amount = len(terms.periods), terms.grace_periods, terms.principal
    paying = n - grace
    if terms.method == "bullet":
        return [0.0] * (n - 1) + [amount]
    if terms.method == "equal_principal":
        return [0.0] * grace + [amount / paying] * paying
    if terms.method == "custom":
        due = dict(terms.custom)
        return [due.get(period.due, 0.0) for period in terms.periods]
    rates = period_rates if terms.level else [terms.rate_pct / 100 * terms.months / 12] * n
    # Discount factor of each paying period; the instalment is the one that they exhaust.
    factors = list(accumulate((1 / (1 + r) for r in rates[grace:]), lambda a, b: a * b))
    instalment = amount / math.fsum(factors)
    if not terms.level:
        # Closed form: subtracting interest instead would lose digits over 360 payments.
        return [0.0] * grace + [instalment * factor for factor in reversed(factors)]
    repaid, left = [0.0] * grace, amount
    for r in rates[grace:]:
        repaid.append(instalment - left * r)
        left -= repaid[-1]
    return repaid


def half_up(value: Fraction) -> int:
    """Whole number nearest to a non-negative fraction, a half going up."""
    return (2 * value.numerator + value.denominator) // (2 * value.denominator)


def exact(value: float) -> Fraction:
    """A float at its shortest decimal form, as an exact fraction."""
    return Fraction(Decimal(repr(value)))


def fen_rows(terms: Terms, fen_per_unit: int) -> list[list[int]]:
    """Opening, interest, principal and closing of each payment in integer 分."""
    amount = exact(terms.principal) * fen_per_unit
    if amount.denominator != 1:
        raise InputError(
            "principal", f"{terms.principal!r} is not a whole number of 分", "round it first"
        )
    rate = exact(terms.rate_pct) / 100
    fractions = terms.fractions()
    repaid = _fen_principal(terms, int(amount), [rate * f for f in fractions], fen_per_unit)
    closing = [int(amount) - paid for paid in accumulate(repaid)]
    opening = [int(amount), *closing[:-1]]
    interest = [half_up(o * rate * f) for o, f in zip(opening, fractions, strict=True)]
    return [opening, interest, repaid, closing]


def _fen_principal(
    terms: Terms, amount: int, period_rates: list[Fraction], fen_per_unit: int
) -> list[int]:
    n, grace = len(terms.periods), terms.grace_periods
    paying = n - grace
    if terms.method == "bullet":
        repaid = [0] * n
    elif terms.method == "equal_principal":
        repaid = [0] * grace + [half_up(Fraction(amount, paying))] * paying
    elif terms.method == "custom":
        due = dict(terms.custom)
        repaid = [half_up(exact(due.get(p.due, 0.0)) * fen_per_unit) for p in terms.periods]
    else:
        nominal = exact(terms.rate_pct) / 100 * Fraction(terms.months, 12)
        rates = period_rates if terms.level else [nominal] * n
        factors = accumulate((1 / (1 + float(r)) for r in rates[grace:]), lambda a, b: a * b)
        instalment = half_up(exact(amount / math.fsum(factors)))
        repaid, left = [0] * grace, amount
        for r in rates[grace:]:
            repaid.append(instalment - half_up(left * r))
            left -= repaid[-1]
    return _last_takes_remainder(repaid, amount)


def _last_takes_remainder(repaid: list[int], amount: int) -> list[int]:
    """Cut what would repay more than is left; the last payment repays the rest."""
    left, result = amount, []
    for part in repaid[:-1]:
        result.append(max(0, min(part, left)))
        left -= result[-1]
    return [*result, left]
