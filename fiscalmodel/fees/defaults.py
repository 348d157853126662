"""The rates that stand unless the user gives others: dated policy parameters."""

from __future__ import annotations

from fractions import Fraction

from fiscalmodel.fees.rates import Rate, Terms


def rates_from_policy() -> tuple[Rate, ...]:
    """Fines 0.5 %, charges 0.2 % (武财综〔1999〕593号)."""
    document = "武财综〔1999〕593号"
    return (
        Rate("fines", Terms(Fraction(1, 2)), document=document, confidence="high"),
        Rate("charges", Terms(Fraction(1, 5)), document=document, confidence="high"),
    )
