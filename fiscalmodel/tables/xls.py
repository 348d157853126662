"""xls and et (WPS) workbooks to grids, by xlrd; only uncalculated formulas are looked for here."""

from __future__ import annotations

import datetime as dt
import io
import struct
from collections.abc import Iterator
from typing import Any

import xlrd
from xlrd.compdoc import CompDoc

from fiscalmodel.errors import InputError
from fiscalmodel.tables.grid import ERROR_VALUE, NO_VALUE, Address, Formats, Grid, Marks

_FORMULA, _BOF = 0x0006, 0x0809
_WORKSHEET = 0x0010


def sheets(data: bytes, name: str) -> Iterator[tuple[Grid, Marks]]:
    """Every worksheet with what its formats and formulas tell.

    Raises
    ------
    InputError
        For a password or a damaged workbook.
    """
    try:
        with xlrd.open_workbook(
            file_contents=data, logfile=io.StringIO(), formatting_info=True, ragged_rows=True
        ) as book:
            formats = Formats.of(
                [book.format_map[xf.format_key].format_str for xf in book.xf_list],
                [xf.alignment.indent_level for xf in book.xf_list],
            )
            empty = _uncalculated(data)
            found = [
                _sheet(book, sheet, name, formats, empty[i] if i < len(empty) else set())
                for i, sheet in enumerate(book.sheets())
            ]
    except Exception as error:  # xlrd ends in exceptions of any kind on damaged files
        if "encrypted" in str(error):
            raise InputError(name, "tables.password") from None
        raise InputError(name, "tables.damaged", part=type(error).__name__) from None
    yield from found


def _sheet(
    book: Any, sheet: Any, name: str, formats: Formats, empty: set[Address]
) -> tuple[Grid, Marks]:
    marks = Marks()
    rows: list[list[Any]] = []
    for r in range(sheet.nrows):
        row: list[Any] = []
        for c, cell in enumerate(sheet.row(r)):
            row.append(_value(cell, book.datemode))
            if cell.ctype == xlrd.XL_CELL_ERROR:
                marks.refused[r, c] = ERROR_VALUE
            elif cell.ctype == xlrd.XL_CELL_NUMBER:
                formats.mark((r, c), cell.xf_index, marks)
            elif cell.xf_index in formats.indents:
                marks.indents[r, c] = formats.indents[cell.xf_index]
        rows.append(row)
    marks.refused |= dict.fromkeys(empty, NO_VALUE)
    marks.hidden_rows = {r for r, info in sheet.rowinfo_map.items() if info.hidden}
    marks.hidden_columns = {c for c, info in sheet.colinfo_map.items() if info.hidden}
    merged = tuple(((r0, c0), (r1 - 1, c1 - 1)) for r0, r1, c0, c1 in sheet.merged_cells)
    grid = Grid(
        name, sheet.name, rows, merged=merged, hidden=sheet.visibility != 0,
        decimals=lambda: marks.decimals,
    )  # fmt: skip
    return grid, marks


def _value(cell: Any, datemode: int) -> Any:
    if cell.ctype == xlrd.XL_CELL_DATE:
        try:
            moment = xlrd.xldate_as_datetime(cell.value, datemode)
        except (ValueError, OverflowError):
            return cell.value
        return moment.date() if moment.time() == dt.time() else moment
    if cell.ctype == xlrd.XL_CELL_BOOLEAN:
        return bool(cell.value)
    if cell.ctype in (xlrd.XL_CELL_NUMBER, xlrd.XL_CELL_TEXT):
        return cell.value
    return ""


def _uncalculated(data: bytes) -> list[set[Address]]:
    """Cells of each worksheet whose formula has no result, where none of the sheet has one.

    xlrd gives them as empty texts. An empty text is a usual result; a sheet where no
    formula has any other was never calculated.
    """
    document = CompDoc(data, io.StringIO())
    stream, at, size = document.locate_named_stream("Workbook")
    if stream is None:
        stream, at, size = document.locate_named_stream("Book")
    found: list[set[Address]] = []
    calculated: list[bool] = []
    end = at + size if stream is not None else 0
    while at + 4 <= end:
        kind, length = struct.unpack_from("<HH", stream, at)
        body = stream[at + 4 : at + 4 + length]
        if kind == _BOF and len(body) >= 4 and struct.unpack_from("<H", body, 2)[0] == _WORKSHEET:
            found.append(set())
            calculated.append(False)
        elif kind == _FORMULA and found and len(body) >= 14:
            if body[12:14] == b"\xff\xff" and body[6] == 3:
                found[-1].add(struct.unpack_from("<HH", body))
            else:
                calculated[-1] = True
        at += 4 + length
    return [set() if had else cells for cells, had in zip(found, calculated, strict=True)]
