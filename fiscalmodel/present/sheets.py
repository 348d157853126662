"""Sheets with live cells: frames whose sums and balances are formulas with stored values."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from fiscalmodel.present.charts_debt import word
from fiscalmodel.present.workbook import RISKY

#: A formula cell: its text for a row (counted from 1) and the value to store.
Formula = tuple[Callable[[int], str], Sequence[float]]


@dataclass(frozen=True)
class Book:
    """The open workbook with its formats, language and sheet names."""

    book: Any
    formats: dict[str, Any]
    lang: str
    names: Mapping[str, tuple[str, str]]

    def sheet(self, name: str) -> Any:
        """A new sheet under its name in the workbook's language."""
        return self.book.add_worksheet(self.name(name))

    def name(self, name: str) -> str:
        """Name of a sheet in the workbook's language."""
        zh, en = self.names[name]
        return en if self.lang == "en" else zh

    def text(self, sheet: Any, row: int, column: int, value: object, form: str = "text") -> None:
        """Text as text; a leading sign is marked as quoted rather than changed."""
        shown = str(value)
        kind = "quoted" if shown.startswith(RISKY) and form == "text" else form
        sheet.write_string(row, column, shown, self.formats[kind])


def formats(book: Any) -> dict[str, Any]:
    """Cell formats of the house."""

    def made(**given: Any) -> Any:
        return book.add_format({"font_name": "Noto Sans SC", "font_size": 10, **given})

    return {
        "title": made(bold=True, font_size=15, font_color="#0072B2"),
        "head": made(bold=True, bg_color="#F0F4F8", bottom=1, text_wrap=True, valign="top"),
        "text": made(valign="top"),
        "quoted": made(valign="top", quote_prefix=True),
        "wrapped": made(text_wrap=True, valign="top"),
        "warning": made(bold=True, bg_color="#FFF4E0", font_color="#D55E00", text_wrap=True),
        "money": made(num_format="#,##0.00"),
        "ratio": made(num_format="0.00"),
        "date": made(num_format="yyyy-mm-dd"),
        "total": made(num_format="#,##0.00", bold=True, top=1),
        "bold": made(bold=True, top=1),
    }


def letter(column: int) -> str:
    """Letter of a column counted from 0."""
    from xlsxwriter.utility import xl_col_to_name

    return str(xl_col_to_name(column))


def write_frame(
    made: Book, sheet: Any, frame: pd.DataFrame, *, sums: Sequence[str] = (),
    formulas: dict[str, Formula] | None = None, ratios: Sequence[str] = (),
) -> None:  # fmt: skip
    """A frame with its header; `formulas` replace columns by live cells, `sums` get a total."""
    live = formulas or {}
    sheet.freeze_panes(1, 1)
    for at, column in enumerate(map(str, frame.columns)):
        made.text(sheet, 0, at, word(column, made.lang), "head")
        numeric = pd.api.types.is_numeric_dtype(frame[column])
        sheet.set_column(at, at, 14 if numeric else 18)
        form = made.formats["ratio" if column in ratios else "money"]
        for row, value in enumerate(frame[column], start=1):
            if column in live:
                build, values = live[column]
                sheet.write_formula(row, at, build(row + 1), form, float(values[row - 1]))
            elif value is None or value != value:
                sheet.write_blank(row, at, None)
            elif isinstance(value, dt.date):
                sheet.write_datetime(row, at, value, made.formats["date"])
            elif column in ("year", "order") or not numeric:
                if numeric:
                    sheet.write_number(row, at, int(value))
                else:
                    made.text(sheet, row, at, value)
            else:
                sheet.write_number(row, at, float(value), form)
        if column in sums and len(frame):
            last = len(frame)
            formula = f"=SUM({letter(at)}2:{letter(at)}{last + 1})"
            sheet.write_formula(
                last + 1, at, formula, made.formats["total"], float(frame[column].sum())
            )
    if sums and len(frame):
        made.text(sheet, len(frame) + 1, 0, word("total", made.lang), "bold")
