"""Making findings in one line; what a finding is stands in `fiscalmodel.series.findings`."""

from __future__ import annotations

from fiscalmodel.series.findings import Finding, Severity


def finding(
    rule: str,
    where: str,
    *,
    stated: float | None = None,
    computed: float | None = None,
    tolerance: float = 0.0,
    severity: Severity = "error",
    en: str = "",
    zh: str = "",
    unit: str = "万元",
) -> Finding:
    """One finding; the difference is stated − computed where both are known.

    >>> finding("limit", "2024", stated=10, computed=12).difference
    -2
    """
    both = stated is not None and computed is not None
    difference = stated - computed if stated is not None and computed is not None else None
    return Finding(
        rule,
        severity,
        where,
        stated,
        computed,
        difference,
        tolerance if both else None,
        en,
        zh,
        unit,
    )
