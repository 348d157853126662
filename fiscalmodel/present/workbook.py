"""What every Excel file of ours keeps to: text stays text, one look, names that Excel takes."""

from __future__ import annotations

from typing import Any

import pandas as pd

from fiscalmodel.numerals import RISKY
from fiscalmodel.words import Text

#: Nothing in the data becomes a formula, a link or a number by itself.
OPTIONS = {
    "in_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "nan_inf_to_errors": False,
}


class Writer:
    """The open workbook with its formats and language."""

    def __init__(self, book: Any, lang: str) -> None:
        self.book, self.lang = book, lang
        self.formats: dict[tuple[tuple[str, Any], ...], Any] = {}

    def form(self, **given: Any) -> Any:
        """A cell format of the house, made once."""
        key = tuple(sorted(given.items()))
        if key not in self.formats:
            base = {"font_name": "Noto Sans SC", "font_size": 10, "valign": "top"}
            self.formats[key] = self.book.add_format({**base, **given})
        return self.formats[key]

    def text(self, at: Any, row: int, column: int, value: object, **look: Any) -> None:
        """Text as text; a leading sign is marked as quoted rather than changed."""
        shown = Text.of(value)(self.lang) if isinstance(value, (str, Text)) else str(value)
        if shown.startswith(RISKY):
            look["quote_prefix"] = True
        at.write_string(row, column, shown, self.form(**look))


def letter(column: int) -> str:
    """The name of a column, from 0.

    >>> letter(0), letter(27)
    ('A', 'AB')
    """
    from xlsxwriter.utility import xl_col_to_name

    return str(xl_col_to_name(column))


def sheet_name(text: str, taken: set[str]) -> str:
    """A name that Excel takes, of its own in the workbook: added to `taken` in small letters.

    >>> names: set[str] = set()
    >>> [sheet_name(text, names) for text in ("甲[1]/银行", "甲 1 银行", "History")]
    ['甲 1 银行', '甲 1 银行 2', 'History 2']
    """
    # Letters, digits and Chinese brackets: no formula that names the sheet can say more.
    plain = " ".join("".join(c if c.isalnum() or c in "（）" else " " for c in text).split()) or "-"
    name, count = plain[:31].strip(), 1
    while name.casefold() in taken | {"history"}:  # which Excel keeps for itself
        count += 1
        end = f" {count}"
        name = plain[: 31 - len(end)].strip() + end
    taken.add(name.casefold())
    return name


def quoted(text: str) -> str:
    """`text` with a leading apostrophe where a spreadsheet would read a formula.

    >>> quoted("=1+1"), quoted("甲银行")
    ("'=1+1", '甲银行')
    """
    return f"'{text}" if text.startswith(RISKY) else text


def csv_bytes(frame: pd.DataFrame) -> bytes:
    """A frame as CSV (UTF-8 with BOM, so that Excel shows Chinese), texts quoted."""
    safe = frame.copy()
    for column in safe.columns:
        if not pd.api.types.is_numeric_dtype(safe[column]):
            safe[column] = [quoted(v) if isinstance(v, str) else v for v in safe[column]]
    safe.columns = [quoted(str(c)) for c in safe.columns]
    return safe.to_csv(index=False, lineterminator="\r\n").encode("utf-8-sig")
