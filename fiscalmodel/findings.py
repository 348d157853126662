"""What a check found, and the cell that it stands in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from fiscalmodel.words import EMPTY, Text

Severity = Literal["error", "warning", "note"]

#: Gravest first.
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")

COLUMNS = [
    "rule", "severity", "where", "stated", "computed", "difference", "tolerance", "explanation"
]  # fmt: skip


@dataclass(frozen=True)
class CellRef:
    """The cell a value came from."""

    file: str
    sheet: str = ""
    cell: str = ""

    def __str__(self) -> str:
        place = f"{self.sheet}!{self.cell}" if self.sheet and self.cell else self.sheet or self.cell
        return f"{self.file}[{place}]" if place else self.file


@dataclass(frozen=True)
class Finding:
    """One thing that does not tie. The source is never repaired.

    Attributes
    ----------
    rule
        Name of the check.
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
    said
        What is wrong and what would make it tie.
    unit
        Unit of the four numbers.
    cells
        The cells of `where`, for marking them in a copy of the source.
    """

    rule: str
    severity: Severity
    where: str
    stated: float | None = None
    computed: float | None = None
    difference: float | None = None
    tolerance: float | None = None
    said: Text = EMPTY
    unit: str = ""
    cells: tuple[CellRef, ...] = ()

    def text(self, lang: str | None = None) -> str:
        """The explanation in one language."""
        return self.said(lang)

    @property
    def explanation(self) -> str:
        """The explanation in the language in force."""
        return str(self.said)


def finding(
    rule: str,
    where: str,
    *,
    stated: float | None = None,
    computed: float | None = None,
    tolerance: float = 0.0,
    severity: Severity = "error",
    said: Text = EMPTY,
    unit: str = "万元",
    cells: tuple[CellRef, ...] = (),
) -> Finding:
    """One finding; the difference is stated − computed where both are known.

    >>> finding("limit", "2024", stated=10, computed=12).difference
    -2
    """
    difference = stated - computed if stated is not None and computed is not None else None
    return Finding(
        rule,
        severity,
        where,
        stated,
        computed,
        difference,
        tolerance if difference is not None else None,
        said,
        unit,
        cells,
    )


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


def to_frame(findings: Iterable[Finding], *, lang: str | None = None) -> pd.DataFrame:
    """One row a finding, in the columns of the design; `explanation` in `lang`."""
    rows = [
        {
            **{name: getattr(found, name) for name in COLUMNS[:-1]},
            "explanation": found.text(lang),
        }
        for found in findings
    ]
    table = pd.DataFrame(rows, columns=COLUMNS)
    numbers = ["stated", "computed", "difference", "tolerance"]
    return table.astype(dict.fromkeys(numbers, "float64"))
