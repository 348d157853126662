"""OpenDocument sheets (ods) to grids, from their XML: values, percents, hidden rows and columns."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from typing import Any

from fiscalmodel.days import day
from fiscalmodel.errors import InputError
from fiscalmodel.tables.grid import ERROR_VALUE, MAX_COLUMNS, Address, Grid, Marks
from fiscalmodel.tables.xlsx import MAX_CELLS, Package

_NS = "urn:oasis:names:tc:opendocument:xmlns:"
_T, _O, _X, _S = (f"{{{_NS}{part}:1.0}}" for part in ("table", "office", "text", "style"))
_LEFT = f"{{{_NS}xsl-fo-compatible:1.0}}margin-left"
_MOST_BLANKS = 200
#: What one step of indent measures, in the units that styles are written in.
_STEP = {"in": 0.15, "cm": 0.36, "mm": 3.6, "pt": 10.5}
_LAST_ROWS = 5_000  # a run of equal rows longer than this is the empty rest of the sheet


def sheets(package: Package) -> Iterator[tuple[Grid, Marks]]:
    """Every sheet with what its cells tell.

    Raises
    ------
    InputError
        If the XML is damaged, or the file is no spreadsheet.
    """
    try:
        root = ET.fromstring(package.read("content.xml"))
    except ET.ParseError as error:
        raise InputError(package.name, "tables.damaged", part=str(error)) from None
    book = root.find(f"{_O}body/{_O}spreadsheet")
    if book is None:
        raise InputError(package.name, "tables.damaged", part="content.xml")
    unseen = {
        style.get(f"{_S}name")
        for style in root.iter(f"{_S}style")
        for made in style.iter(f"{_S}table-properties")
        if made.get(f"{_T}display") == "false"
    }
    indents = {
        style.get(f"{_S}name", ""): _steps(made.get(_LEFT, ""))
        for style in root.iter(f"{_S}style")
        for made in style.iter(f"{_S}paragraph-properties")
    }
    for table in book.findall(f"{_T}table"):
        yield _sheet(table, package.name, table.get(f"{_T}style-name") in unseen, indents)


def _steps(length: str) -> int:
    """Steps of an indent such as ``0.353cm``."""
    number, unit = length[:-2], length[-2:]
    try:
        return round(float(number) / _STEP[unit])
    except (ValueError, KeyError):
        return 0


def _sheet(
    table: ET.Element, name: str, hidden: bool, indents: dict[str, int]
) -> tuple[Grid, Marks]:
    marks = Marks()
    merged: list[tuple[Address, Address]] = []
    title = table.get(f"{_T}name", "")
    c, usual = 0, list[str]()  # style of each column's cells that have none of their own
    for column in table.iter(f"{_T}table-column"):
        count = int(column.get(f"{_T}number-columns-repeated", 1))
        if column.get(f"{_T}visibility", "visible") != "visible":
            marks.hidden_columns |= set(range(c, min(c + count, MAX_COLUMNS)))
        style = column.get(f"{_T}default-cell-style-name", "")
        usual += [style] * min(count, MAX_COLUMNS - len(usual))
        c += count
    rows: list[list[Any]] = []
    for line in table.iter(f"{_T}table-row"):
        count = int(line.get(f"{_T}number-rows-repeated", 1))
        row: list[Any] = []
        for cell in line:
            times = int(cell.get(f"{_T}number-columns-repeated", 1))
            at = (len(rows), len(row))
            value = _value(cell, at, marks)
            style = cell.get(f"{_T}style-name") or "".join(usual[at[1] : at[1] + 1])
            if isinstance(value, str) and value and indents.get(style):
                marks.indents[at] = indents[style]
            if value == "" and len(row) + times > MAX_COLUMNS:
                break
            row += [value] * min(times, MAX_COLUMNS + 1)
            down = int(cell.get(f"{_T}number-rows-spanned", 1))
            right = int(cell.get(f"{_T}number-columns-spanned", 1))
            if down * right > 1:
                merged.append((at, (at[0] + down - 1, at[1] + right - 1)))
            for more in range(1, times if cell.get(f"{_O}value-type") else 1):
                _repeat(marks, at, (at[0], at[1] + more))
        while row and row[-1] == "":
            row.pop()
        if len(row) > MAX_COLUMNS:
            raise InputError(f"{name}[{title}]", "tables.too_wide", most=MAX_COLUMNS)
        if not row and count > _LAST_ROWS:
            break
        if (len(rows) + count) * max(len(row), 1) > MAX_CELLS:
            raise InputError(
                f"{name}[{title}]", "tables.sheet_vast", rows=len(rows) + count, columns=len(row)
            )
        if line.get(f"{_T}visibility", "visible") != "visible":
            marks.hidden_rows |= set(range(len(rows), len(rows) + count))
        first = len(rows)
        rows += [list(row) for _ in range(count)]
        for r in range(first + 1, len(rows)):
            for c in range(len(row)):
                _repeat(marks, (first, c), (r, c))
    grid = Grid(
        name, title, rows, merged=tuple(merged), hidden=hidden, decimals=lambda: marks.decimals
    )
    return grid, marks


def _repeat(marks: Marks, at: Address, to: Address) -> None:
    """A cell that is written once and stands in several places."""
    if at in marks.percents:
        marks.percents.add(to)
    of_cells: tuple[dict[Address, Any], ...] = (marks.decimals, marks.indents, marks.refused)
    for known in of_cells:
        if at in known:
            known[to] = known[at]


def _value(cell: ET.Element, at: Address, marks: Marks) -> Any:
    kind = cell.get(f"{_O}value-type", "")
    shown = "\n".join(map(_text, cell.findall(f"{_X}p")))
    if kind in ("float", "currency", "percentage"):
        if kind == "percentage":
            marks.percents.add(at)
        whole, point, part = shown.strip("-%() \xa0").replace(",", "").partition(".")
        if whole.isdigit() and part.isdigit() == bool(point):
            marks.decimals[at] = len(part)
        return float(cell.get(f"{_O}value", "nan"))
    if kind == "date":
        return day(cell.get(f"{_O}date-value", "").replace("T", " ")) or shown
    if kind == "boolean":
        return cell.get(f"{_O}boolean-value") == "true"
    if (shown.startswith("#") and shown.rstrip("!?").isupper()) or shown.startswith("Err:"):
        marks.refused[at] = ERROR_VALUE
    return shown


def _text(part: ET.Element) -> str:
    """Text of a paragraph; runs of blanks, tabs and breaks are elements of their own."""
    made = part.text or ""
    for inner in part:
        if inner.tag == f"{_X}s":
            made += " " * min(int(inner.get(f"{_X}c", 1)), _MOST_BLANKS)
        else:
            made += {f"{_X}tab": "\t", f"{_X}line-break": "\n"}.get(inner.tag) or _text(inner)
        made += inner.tail or ""
    return made
