"""What a check found: a frozen record, ranked, and the table of many of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from fiscalmodel.series.types import CellRef

Severity = Literal["error", "warning", "note"]

#: Gravest first.
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")

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


@dataclass(frozen=True)
class Finding:
    """One thing that does not tie. The source is never repaired.

    Attributes
    ----------
    rule
        Name of the check; :data:`fiscalmodel.series.rules.registry.RULES` describes it.
    severity
        ``error``: cannot be right as printed; ``warning``: misleads unless it
        is explained; ``note``: to be known before the figure is used.
    where
        Cells, the one that states the figure first, separated by ``; ``.
    stated, computed
        What is printed and what follows from the other cells, in `unit`;
        None where the finding is not about a number.
    difference
        ``stated - computed``.
    tolerance
        The largest difference that the rounding of the printed figures allows.
    explanation, explanation_zh
        What is wrong and what would make it tie, in English and in Chinese.
    unit
        Unit of the four numbers.
    cells
        The cells of `where`, for marking them in a copy of the source.
    """

    rule: str
    severity: Severity
    where: str
    stated: float | None
    computed: float | None
    difference: float | None
    tolerance: float | None
    explanation: str
    explanation_zh: str = ""
    unit: str = ""
    cells: tuple[CellRef, ...] = ()

    def text(self, lang: str = "zh") -> str:
        """The explanation in one language."""
        return self.explanation_zh or self.explanation if lang == "zh" else self.explanation


def ranked(findings: Iterable[Finding]) -> list[Finding]:
    """Gravest first; within a severity the largest relative difference first.

    Findings that are not about a number come after those that are. The order
    of equals is the order in which they were found, so that the same input
    always gives the same list.
    """

    def weight(finding: Finding) -> tuple[int, int, float]:
        if finding.difference is None:
            return SEVERITIES.index(finding.severity), 1, 0.0
        scale = max(abs(finding.stated or 0.0), abs(finding.computed or 0.0)) or 1.0
        return SEVERITIES.index(finding.severity), 0, -min(1.0, abs(finding.difference) / scale)

    return sorted(findings, key=weight)


def to_frame(findings: Iterable[Finding], *, lang: str = "en") -> pd.DataFrame:
    """One row a finding, in the columns of the design; `explanation` in `lang`."""
    rows = [
        {
            **{name: getattr(finding, name) for name in COLUMNS},
            "explanation": finding.text(lang),
        }
        for finding in findings
    ]
    table = pd.DataFrame(rows, columns=COLUMNS)
    numbers = ["stated", "computed", "difference", "tolerance"]
    return table.astype(dict.fromkeys(numbers, "float64"))
