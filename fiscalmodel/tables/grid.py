"""A sheet or a CSV file as stored cells, before any meaning is read into them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

#: Largest file that is opened: an office's table is a thousandth of it.
MAX_BYTES = 64 * 1024 * 1024
MAX_COLUMNS = 2_000
SAVE_AGAIN = "open it in Excel or WPS and save it as xlsx"

Address = tuple[int, int]  # row and column, from 0

#: Why a cell's value cannot be taken.
NO_VALUE = "a formula without a stored value"
ERROR_VALUE = "an error value such as #DIV/0! or #REF!"
SCALED = "a figure whose number format shows it divided (by 1,000 or 10,000)"


@dataclass
class Marks:
    """What a file tells of a sheet's cells beside their values."""

    percents: set[Address] = field(default_factory=set)
    refused: dict[Address, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Grid:
    """One sheet, or one CSV file, cell by cell from A1.

    Attributes
    ----------
    rows
        Stored values: float, text, date, bool; ``""`` for empty.
    merged
        Merged ranges as ((row, column), (row, column)), both ends inside.
    percents
        Cells shown as percent, whose stored value is a ratio.
    refused
        Cell -> why its value cannot be taken.
    comma_decimal
        Whether a comma may be the decimal point (columns separated by semicolons).
    """

    file: str
    sheet: str
    rows: list[list[Any]]
    merged: tuple[tuple[Address, Address], ...] = ()
    percents: frozenset[Address] = frozenset()
    refused: dict[Address, str] = field(default_factory=dict)
    hidden: bool = False
    notes: tuple[str, ...] = ()
    comma_decimal: bool = False

    @property
    def where(self) -> str:
        """File and sheet, for messages."""
        return f"{self.file}[{self.sheet}]" if self.sheet else self.file
