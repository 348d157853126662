"""Excel workbooks from frames: text stays text, and what follows from other cells is a formula."""

from __future__ import annotations

import datetime as dt
import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from fiscalmodel.days import made_on
from fiscalmodel.display import in_unit, in_words, is_number, word
from fiscalmodel.numerals import RISKY
from fiscalmodel.words import Text, language, say

#: Nothing in the data becomes a formula, a link or a number by itself.
OPTIONS = {
    "in_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "nan_inf_to_errors": False,
}
_NUMBER, _RATIO, _WHOLE = "#,##0.00", "0.00", "#,##0"


@dataclass(frozen=True)
class Sheet:
    """One sheet: lines of text, then a frame.

    Attributes
    ----------
    frame
        The table; headers and codes are written in the workbook's language, 分 as 元.
    title
        Stands above everything.
    lines
        Pairs above the table: a head, and a text or number beside it. A text that starts
        with ``=`` is written as a formula only where it comes as ``(formula, value)``.
    warning
        Stands under the title in colour, as that data are synthetic.
    sums
        Columns with a live total below.
    formulas
        Column -> formula that replaces its cells, ``[column]`` meaning the cell of that
        column in the same row: ``"[opening_wan]-[paid_wan]"``, ``"SUM([2026]:[2028])"``.
        The frame's own values are stored beside it.
    whole
        Columns of numbers that are shown without decimals.
    chart
        Columns drawn as lines over the first column, under the table.
    """

    frame: pd.DataFrame = field(default_factory=pd.DataFrame)
    title: Text | str = ""
    lines: Sequence[tuple[Text | str, Any]] = ()
    warning: Text | str = ""
    sums: Sequence[str] = ()
    formulas: Mapping[str, str] = field(default_factory=dict)
    whole: Sequence[str] = ()
    chart: Sequence[str] = ()


def write_book(
    sheets: Mapping[str, Sheet],
    lang: str | None = None,
    *,
    title: str = "",
    as_of: dt.date | None = None,
    first: Callable[[Any], None] | None = None,
) -> bytes:
    """A workbook as the bytes of an xlsx file.

    Parameters
    ----------
    sheets
        Name -> sheet, in order.
    lang
        ``zh`` or ``en``; the language in force where none is given.
    title
        Title in the file's properties.
    as_of
        Day that the file says it was made on, so that the same figures give the same bytes.
    first
        Draws sheets of their own design into the xlsxwriter workbook, before the others.
    """
    import xlsxwriter

    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, OPTIONS)
    book.set_properties({"title": title, "created": made_on(as_of)})
    if first is not None:
        first(book)
    writer = Writer(book, lang or language())
    for name, sheet in sheets.items():
        writer.write(name, sheet)
    book.close()
    return buffer.getvalue()


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

    def write(self, name: str, sheet: Sheet) -> None:
        at, row = self.book.add_worksheet(name), 0
        if sheet.title:
            self.text(at, row, 0, sheet.title, bold=True, font_size=15, font_color="#0072B2")
            row += 1
        if sheet.warning:
            look = {"bg_color": "#FFF4E0", "font_color": "#D55E00"}
            self.text(at, row, 0, sheet.warning, bold=True, **look)
            row += 1
        if sheet.lines:
            at.set_column(0, 0, 26)
            at.set_column(1, 1, 100)
        for head, value in sheet.lines:
            self.text(at, row, 0, head, bold=True)
            if isinstance(value, tuple):
                at.write_formula(row, 1, f"={value[0]}", self.form(num_format=_NUMBER), value[1])
            elif isinstance(value, (int, float)):
                look = {"num_format": _NUMBER, "align": "left"}
                at.write_number(row, 1, value, self.form(**look))
            else:
                self.text(at, row, 1, value, text_wrap=True)
            row += 1
        if len(sheet.frame.columns):
            self._table(name, at, row + 1 if row else 0, sheet)

    def _table(self, name: str, at: Any, top: int, sheet: Sheet) -> None:
        frame, _ = in_unit(sheet.frame)
        given, names = in_words(frame, self.lang), list(map(str, frame.columns))
        at.freeze_panes(top + 1, 0)
        for column, key in enumerate(names):
            values = given.iloc[:, column]
            numeric = is_number(values)
            look = {"bold": True, "bg_color": "#F0F4F8", "bottom": 1, "text_wrap": True}
            self.text(at, top, column, word(key, self.lang), **look)
            if not sheet.lines:
                at.set_column(column, column, 15 if numeric else 22)
            form = self.form(**({"num_format": _format(key, sheet)} if numeric else {}))
            for row, value in enumerate(values, start=top + 1):
                if key in sheet.formulas:
                    at.write_formula(
                        row, column, _formula(sheet.formulas[key], names, row), form, _plain(value)
                    )
                elif pd.isna(value):
                    at.write_blank(row, column, None)
                elif numeric:
                    at.write_number(row, column, float(value), form)
                elif isinstance(value, (dt.date, pd.Timestamp)):
                    at.write_datetime(row, column, value, self.form(num_format="yyyy-mm-dd"))
                else:
                    self.text(at, row, column, value, text_wrap=True)
            if key in sheet.sums and len(values):
                cells = f"{letter(column)}{top + 2}:{letter(column)}{top + 1 + len(values)}"
                total = self.form(num_format=_format(key, sheet), bold=True, top=1)
                at.write_formula(
                    top + 1 + len(values), column, f"=SUM({cells})", total, float(values.sum())
                )
        if sheet.sums and len(frame) and names[0] not in sheet.sums:
            self.text(at, top + 1 + len(frame), 0, say("present.total"), bold=True, top=1)
        if sheet.chart and len(frame):
            self._chart(name, at, top, sheet, names)

    def _chart(self, name: str, at: Any, top: int, sheet: Sheet, names: Sequence[str]) -> None:
        chart = self.book.add_chart({"type": "line"})
        last = top + len(sheet.frame)
        for column in (names.index(key) for key in sheet.chart):
            chart.add_series(
                {
                    "name": [name, top, column],
                    "categories": [name, top + 1, 0, last, 0],
                    "values": [name, top + 1, column, last, column],
                }
            )
        chart.set_title({"name": name})
        chart.set_y_axis({"num_format": _WHOLE})
        chart.set_size({"width": 760, "height": 360})
        at.insert_chart(last + 3, 0, chart)


def _format(column: str, sheet: Sheet) -> str:
    if column in ("year", "order"):
        return "0"
    if column in sheet.whole:
        return _WHOLE
    return _RATIO if column.endswith(("_pct", "_ratio")) else _NUMBER


def _formula(template: str, names: Sequence[str], row: int) -> str:
    def cell(match: re.Match[str]) -> str:
        return f"{letter(names.index(match[1]))}{row + 1}"

    return "=" + re.sub(r"\[([^\]]+)\]", cell, template)


def _plain(value: Any) -> Any:
    return "" if pd.isna(value) else value


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
