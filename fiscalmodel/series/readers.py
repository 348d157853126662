"""Published CSV and Excel files to tables and series; every value remembers its cell."""

from __future__ import annotations

from pathlib import Path

from fiscalmodel.series.table import Table
from fiscalmodel.series.types import Series


def read_table(
    path: str | Path, *, sheet: str | None = None, unit: str | None = None, strict: bool = True
) -> Table:
    """The one table of a file or sheet."""
    raise NotImplementedError


def read_workbook(path: str | Path, *, strict: bool = True) -> list[Table]:
    """Every table of a file, sheet by sheet."""
    raise NotImplementedError


def read_series(
    path: str | Path,
    *,
    sheet: str | None = None,
    unit: str | None = None,
    column: str | None = None,
) -> Series:
    """One series of a file."""
    raise NotImplementedError
