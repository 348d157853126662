"""Findings: what a check of figures has to say, as one tidy frame. They never mend the figures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

COLUMNS = [
    "rule",
    "severity",
    "where",
    "stated",
    "computed",
    "difference",
    "tolerance",
    "explanation",
]


def finding(
    rule: str,
    where: str,
    *,
    stated: float | None = None,
    computed: float | None = None,
    tolerance: float = 0.0,
    severity: str = "error",
    explanation: str = "",
) -> dict[str, Any]:
    """One row of a findings frame; the difference is computed − stated.

    >>> finding("limit", "2024", stated=10, computed=12)["difference"]
    2
    """
    known = stated is not None and computed is not None
    return {
        "rule": rule,
        "severity": severity,
        "where": where,
        "stated": stated,
        "computed": computed,
        "difference": computed - stated if known else None,  # type: ignore[operator]
        "tolerance": tolerance,
        "explanation": explanation,
    }


def findings_frame(rows: Iterable[Mapping[str, Any]] = ()) -> pd.DataFrame:
    """Findings as a frame with the house columns; empty if there are none."""
    return pd.DataFrame([dict(row) for row in rows], columns=COLUMNS)
