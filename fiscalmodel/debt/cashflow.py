"""Cash flows of a loan or bond 还本付息计划: schedules and the table of payments.

Interest of a period is opening balance · rate · year fraction, the fraction by
the day count; nothing is rounded unless ``rounding="fen"`` asks for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any, Literal

import numpy as np
import pandas as pd

from fiscalmodel.debt import calendar_cn, principal_rules
from fiscalmodel.debt.daycount import convention, year_fraction
from fiscalmodel.debt.schedule import Period, months_of, periods, plain_word, to_date
from fiscalmodel.debt.valuation import irr, present_value
from fiscalmodel.errors import Collector, InputError
from fiscalmodel.units import FEN_PER, money_unit

__all__ = ["METHODS", "Terms", "amortise", "contract_terms", "irr", "method_of", "present_value"]

#: Repayment method -> words that mean it.
METHODS: dict[str, tuple[str, ...]] = {
    "bullet": ("到期还本", "一次性还本", "到期一次还本", "按期付息到期还本"),
    "equal_principal": ("等额本金", "linear"),
    "equal_instalment": ("等额本息", "equal_installment", "annuity"),
    "custom": ("自定义", "约定还本", "分期还本"),
}
_METHOD = {plain_word(word): name for name, words in METHODS.items() for word in (name, *words)}

PrincipalDates = Mapping[Any, float] | Iterable[tuple[Any, float]] | pd.DataFrame


def method_of(word: str, *, where: str = "method") -> str:
    """The canonical name of a repayment method.

    >>> method_of("等额本息"), method_of("Equal principal")
    ('equal_instalment', 'equal_principal')
    """
    name = _METHOD.get(plain_word(word))
    if name is None:
        known = ", ".join(f"{key} {words[0]}" for key, words in METHODS.items())
        raise InputError(where, f"unknown repayment method {word!r}", f"use one of {known}")
    return name


@dataclass(frozen=True)
class Terms:
    """The checked terms of one contract; see `amortise` for their meaning."""

    principal: float
    rate_pct: float
    method: str
    months: int
    day_count: str
    grace_periods: int
    level: bool
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
    principal_dates: PrincipalDates | None = None,
    first_payment: Any = None,
    stub: Literal["front", "back"] = "front",
    business_day: str | None = None,
    calendar: str = "interbank",
    adjust_accrual: bool = False,
    instalment: Literal["nominal", "level"] = "nominal",
    unit: str = "万元",
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
    business_day, calendar
        ``following``, ``modified_following``, ``preceding`` on the
        ``interbank`` or ``weekends`` calendar move the day of payment; interest
        is unchanged unless `adjust_accrual`.
    instalment
        ``nominal``: principal follows the annuity of rate / periods a year and
        interest the day count, as lenders' sinking schedules do; instalments
        are equal under 30/360. ``level``: instalments are equal under the day
        count itself.
    unit
        Unit of the amounts; only ``rounding="fen"`` depends on it.

    Returns
    -------
    DataFrame
        One row a payment: ``date`` (datetime64), ``opening``, ``interest``,
        ``principal``, ``closing`` in `unit`. ``.attrs["notes"]`` says where a
        date lies beyond the published calendar.

    Raises
    ------
    InputError
        All problems of the terms at once.

    Notes
    -----
    Equal instalment with n periods at i = rate / periods a year:
    A = P·i / (1 − (1 + i)^−n), principal_k = A·(1 + i)^−(n − k + 1).
    Level: A = P / Σ_k Π_{j≤k} 1 / (1 + r·t_j).

    Examples
    --------
    >>> amortise(100, 4, start="2024-01-01", maturity="2026-01-01")[["interest", "closing"]]
       interest  closing
    0       4.0    100.0
    1       4.0      0.0
    """
    terms = contract_terms(
        principal,
        rate_pct,
        start=start,
        maturity=maturity,
        method=method,
        frequency=frequency,
        day_count=day_count,
        grace_periods=grace_periods,
        principal_dates=principal_dates,
        first_payment=first_payment,
        stub=stub,
        business_day=business_day,
        calendar=calendar,
        adjust_accrual=adjust_accrual,
        instalment=instalment,
    )
    if rounding is not None and str(rounding) != "fen":
        raise InputError("rounding", f"unknown rounding {rounding!r}", 'use "fen" or None')
    if rounding is not None:
        rows = principal_rules.fen_rows(terms, FEN_PER[money_unit(unit)])
        per = FEN_PER[money_unit(unit)]
        columns = [[value / per for value in column] for column in rows]
    else:
        columns = principal_rules.float_rows(terms)
    frame = pd.DataFrame(
        dict(zip(("opening", "interest", "principal", "closing"), columns, strict=True))
    )
    frame.insert(0, "date", pd.to_datetime([p.paid for p in terms.periods]))
    if business_day is not None and calendar == "interbank":
        note = calendar_cn.coverage_note(p.paid for p in terms.periods)
        frame.attrs["notes"] = (note,) if note else ()
    return frame


def contract_terms(
    principal: float,
    rate_pct: float,
    *,
    start: Any,
    maturity: Any,
    method: str,
    frequency: str | int,
    day_count: str,
    grace_periods: int = 0,
    principal_dates: PrincipalDates | None = None,
    first_payment: Any = None,
    stub: str = "front",
    business_day: str | None = None,
    calendar: str = "interbank",
    adjust_accrual: bool = False,
    instalment: str = "nominal",
    where: str = "",
) -> Terms:
    """Check the terms of a contract and lay out its periods; see `amortise`."""
    at = f"{where}: " if where else ""
    found = Collector()

    def attempt(make: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return make(*args, **kwargs)
        except InputError as error:
            found.extend(error)
            return None

    begin = attempt(to_date, start, where=f"{at}start")
    end = attempt(to_date, maturity, where=f"{at}maturity")
    first = None
    if first_payment is not None:
        first = attempt(to_date, first_payment, where=f"{at}first_payment")
    kind = attempt(method_of, method, where=f"{at}method")
    months = attempt(months_of, frequency, where=f"{at}frequency")
    count = attempt(convention, day_count, where=f"{at}day_count")
    attempt(calendar_cn.business_day_rule, business_day, where=f"{at}business_day")
    attempt(calendar_cn.is_business_day, date(2024, 1, 2), calendar)
    principal_rules.check_amounts(found, at, principal, rate_pct)
    if begin and end and end <= begin:
        found.add(
            f"{at}maturity", f"maturity {end} is not after start {begin}", "swap or mend them"
        )
    if first and begin and end and not begin < first <= end:
        found.add(f"{at}first_payment", f"{first} is not after start and up to maturity")
    for name, value, known in (
        ("stub", stub, ("front", "back")),
        ("instalment", instalment, ("nominal", "level")),
    ):
        if str(value) not in known:
            found.add(f"{at}{name}", f"unknown {name} {value!r}", f"use one of {', '.join(known)}")
    custom: tuple[tuple[date, float], ...] = ()
    if kind == "custom" or principal_dates is not None:
        custom = principal_rules.custom_dates(
            found, at, kind, principal_dates, principal, begin, end
        )
    if isinstance(grace_periods, bool) or not isinstance(grace_periods, int | np.integer):
        found.add(
            f"{at}grace_periods", f"{grace_periods!r} is not a number of payments", "0, 1, 2 …"
        )
    found.raise_if_any()
    laid = periods(
        begin,
        end,
        months,
        stub=stub,
        first=first,
        extra=[day for day, _ in custom],
        business_day=business_day,
        calendar=calendar,
        adjust_accrual=adjust_accrual,
    )
    if not 0 <= grace_periods < len(laid):
        raise InputError(
            f"{at}grace_periods",
            f"{grace_periods} of {len(laid)} payments cannot all be free of principal",
            f"use 0 to {len(laid) - 1}",
        )
    return Terms(
        float(principal), float(rate_pct), kind, months, count, int(grace_periods),
        instalment == "level", custom, tuple(laid),
    )  # fmt: skip
