"""The rates that stand unless the user gives others: dated policy parameters."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction

from fiscalmodel import policy
from fiscalmodel.fees.rates import LAST_DAY, Rate, Terms

#: Kind -> parameter in ``params/policy/``.
PARAMETERS = {"fines": "commission_rate_fines", "charges": "commission_rate_charges"}


def rates_from_policy() -> tuple[Rate, ...]:
    """Rates of fines and charges, each from its first day to the next change."""
    rates: list[Rate] = []
    for kind, key in PARAMETERS.items():
        entries = policy.parameter(key).entries
        starts = [_day(e.start) for e in entries]
        ends = [*(s - 1 for s in starts[1:]), LAST_DAY]
        for entry, start, end in zip(entries, starts, ends, strict=True):
            if entry.value is not None:  # None: repealed, hence no rate
                pct = Fraction(str(entry.value))
                rates.append(
                    Rate(kind, Terms(pct), "", "", start, end, entry.doc_no, entry.confidence)
                )
    return tuple(rates)


def _day(date: dt.date) -> int:
    return (date - dt.date(1970, 1, 1)).days
