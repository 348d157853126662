"""Findings from facts: cells, numbers and sentences put together in one place."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from fiscalmodel.series.findings import Finding, Severity
from fiscalmodel.series.rules.book import Fact
from fiscalmodel.words import Text


def show(value: Decimal | float, digits: int | None = None) -> str:
    """A number with thousands separators, without needless zeros.

    >>> show(Decimal("1394700.00")), show(Decimal("8.394135"), 2)
    ('1,394,700', '8.39')
    """
    number = Decimal(str(value)) if isinstance(value, float) else value
    if digits is not None:
        return f"{round(number, digits):,f}"
    text = f"{number:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def finding(
    rule: str,
    severity: Severity,
    facts: Sequence[Fact],
    *,
    en: str,
    zh: str,
    stated: Decimal | None = None,
    computed: Decimal | None = None,
    tolerance: Decimal | None = None,
    unit: str | None = None,
) -> Finding:
    """A finding about facts, the one that states the figure first."""
    both = stated is not None and computed is not None
    return Finding(
        rule=rule,
        severity=severity,
        where="; ".join(fact.where for fact in facts),
        stated=None if stated is None else float(stated),
        computed=None if computed is None else float(computed),
        difference=float(stated - computed) if both else None,  # type: ignore[operator]
        tolerance=None if tolerance is None else float(tolerance),
        said=Text(zh, en),
        unit=(facts[0].unit if unit is None else unit) if facts else "",
        cells=tuple(fact.cell for fact in facts),
    )
