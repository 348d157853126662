"""A sheet or a CSV file as stored cells, before any meaning is read into them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from fiscalmodel.errors import InputError
from fiscalmodel.words import Text

#: Largest file that is opened: an office's table is a thousandth of it.
MAX_BYTES = 64 * 1024 * 1024
MAX_COLUMNS = 2_000

Address = tuple[int, int]  # row and column, from 0


@dataclass(frozen=True)
class Grid:
    """One sheet, or one CSV file, cell by cell from A1.

    Attributes
    ----------
    rows
        Stored values: float, text, date, bool; ``""`` for empty. What stands in hidden
        rows and columns is left out.
    merged
        Merged ranges as ((row, column), (row, column)), both ends inside.
    percents
        Cells shown as percent, whose stored value is a ratio.
    refused
        Cell -> why its value cannot be taken (a key of the words).
    hidden
        Whether the sheet is hidden.
    hidden_rows, hidden_columns
        Rows and columns that the program does not show.
    comma_decimal
        Whether a comma may be the decimal point (columns separated by semicolons).
    decimals
        Gives, when called, cell -> decimals that its number format shows.
    broken
        Why the sheet cannot be read; its rows are empty then.
    """

    file: str
    sheet: str
    rows: list[list[Any]]
    merged: tuple[tuple[Address, Address], ...] = ()
    percents: frozenset[Address] = frozenset()
    refused: dict[Address, str] = field(default_factory=dict)
    hidden: bool = False
    hidden_rows: frozenset[int] = frozenset()
    hidden_columns: frozenset[int] = frozenset()
    notes: tuple[Text, ...] = ()
    comma_decimal: bool = False
    decimals: Callable[[], dict[Address, int]] = dict
    broken: InputError | None = None

    @property
    def where(self) -> str:
        """File and sheet, for messages."""
        return f"{self.file}[{self.sheet}]" if self.sheet else self.file

    def place(self, row: int, column: int) -> str:
        """Place of a cell for messages: ``file[sheet!B7]``."""
        sheet = f"{self.sheet}!" if self.sheet else ""
        return f"{self.file}[{sheet}{column_letter(column)}{row + 1}]"


def column_letter(index: int) -> str:
    """Letters of a zero-based column.

    >>> column_letter(0), column_letter(27)
    ('A', 'AB')
    """
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


#: Why a cell's value cannot be taken.
NO_VALUE, ERROR_VALUE, SCALED = "tables.why.no_value", "tables.why.error_value", "tables.why.scaled"


@dataclass
class Marks:
    """What a file tells of a sheet's cells beside their values."""

    percents: set[Address] = field(default_factory=set)
    refused: dict[Address, str] = field(default_factory=dict)
    hidden_rows: set[int] = field(default_factory=set)
    hidden_columns: set[int] = field(default_factory=set)
    decimals: dict[Address, int] = field(default_factory=dict)
    indents: dict[Address, int] = field(default_factory=dict)


# ---- number formats ----


#: Formats that Excel gives by number alone.
BUILT_IN = {
    "1": "0", "2": "0.00", "3": "#,##0", "4": "#,##0.00", "9": "0%", "10": "0.00%",
    "37": "#,##0", "38": "#,##0", "39": "#,##0.00", "40": "#,##0.00",
}  # fmt: skip


@dataclass(frozen=True)
class Formats:
    """What a workbook's cell styles do to the figures shown, and how far they indent texts."""

    percent: frozenset[int]
    scaled: frozenset[int]
    places: dict[int, int]
    indents: dict[int, int]

    @classmethod
    def of(cls, codes: list[str], indents: Iterable[int] = ()) -> Formats:
        """The formats and indents of styles 0, 1, 2 …"""
        percent = frozenset(i for i, code in enumerate(codes) if is_percent(code))
        scaled = frozenset(i for i, code in enumerate(codes) if is_scaled(code)) - percent
        shown = ((i, decimals_of(code)) for i, code in enumerate(codes))
        places = {i: count for i, count in shown if count is not None}
        return cls(percent, scaled, places, {i: n for i, n in enumerate(indents) if n})

    def mark(self, at: Address, style: int, marks: Marks) -> None:
        """Note what the style of a number's cell tells."""
        if style in self.percent:
            marks.percents.add(at)
        elif style in self.scaled:
            marks.refused[at] = SCALED
        if style in self.places:
            marks.decimals[at] = self.places[style]


def is_percent(code: str) -> bool:
    """Whether a cell with this format shows its ratio as percent.

    >>> is_percent("0.00%"), is_percent('0.00"%"')
    (True, False)
    """
    return "%" in _bare(code)


def is_scaled(code: str) -> bool:
    """Whether the format shows the figure divided by 1,000 or 10,000.

    >>> is_scaled("#,##0.00"), is_scaled("0,"), is_scaled("0!.0,")
    (False, True, True)
    """
    bare = _bare(code)
    return bool(re.search(r"[0#?],+(?![0#?,])", bare) or re.search(r"0!\.", bare))


def decimals_of(code: str) -> int | None:
    """Decimals that a format shows; None where it shows as many as there are.

    >>> decimals_of("#,##0.00_ "), decimals_of("0"), decimals_of("General"), decimals_of("yyyy-m")
    (2, 0, None, None)
    """
    bare = _bare(code)
    found = re.fullmatch(r"[^0#?.]*[#0?, ]*[0?](?:\.(?P<d>0+))?[^0#?.]*", bare)
    if found is None or re.search(r"[ymdhs@]|General", bare, re.IGNORECASE):
        return None
    return len(found["d"] or "")


def _bare(code: str) -> str:
    """A format without quoted and escaped characters, colours and further sections."""
    return re.sub(r'"[^"]*"|\\.|_.|\*.|\[[^\]]*\]', "", code).split(";")[0]
