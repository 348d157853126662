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
_T, _O, _X, _S = (
    f"{{{_NS}table:1.0}}",
    f"{{{_NS}office:1.0}}",
    f"{{{_NS}text:1.0}}",
    f"{{{_NS}style:1.0}}",
)
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
    for table in book.findall(f"{_T}table"):
        yield _sheet(table, package.name, table.get(f"{_T}style-name") in unseen)


def _sheet(table: ET.Element, name: str, hidden: bool) -> tuple[Grid, Marks]:
    marks = Marks()
    merged: list[tuple[Address, Address]] = []
    title = table.get(f"{_T}name", "")
    c = 0
    for column in table.iter(f"{_T}table-column"):
        count = int(column.get(f"{_T}number-columns-repeated", 1))
        if column.get(f"{_T}visibility", "visible") != "visible":
            marks.hidden_columns |= set(range(c, min(c + count, MAX_COLUMNS)))
        c += count
    rows: list[list[Any]] = []
    for line in table.iter(f"{_T}table-row"):
        count = int(line.get(f"{_T}number-rows-repeated", 1))
        row: list[Any] = []
        for cell in line:
            times = int(cell.get(f"{_T}number-columns-repeated", 1))
            at = (len(rows), len(row))
            value = _value(cell, at, marks)
            if value == "" and len(row) + times > MAX_COLUMNS:
                break
            row += [value] * min(times, MAX_COLUMNS + 1)
            down = int(cell.get(f"{_T}number-rows-spanned", 1))
            right = int(cell.get(f"{_T}number-columns-spanned", 1))
            if down * right > 1:
                merged.append((at, (at[0] + down - 1, at[1] + right - 1)))
            for more in range(1, times) if at in marks.percents else ():
                marks.percents.add((at[0], at[1] + more))
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
        for c in {c for r, c in marks.percents if r == first} if count > 1 else ():
            marks.percents |= {(r, c) for r in range(first, len(rows))}
    grid = Grid(
        name, title, rows, merged=tuple(merged), hidden=hidden, decimals=lambda: marks.decimals
    )
    return grid, marks


def _value(cell: ET.Element, at: Address, marks: Marks) -> Any:
    kind = cell.get(f"{_O}value-type", "")
    texts = ["".join(p.itertext()) for p in cell.findall(f"{_X}p")]
    shown = "\n".join(texts)
    if kind in ("float", "currency", "percentage"):
        if kind == "percentage":
            marks.percents.add(at)
        point = shown.rstrip("%").rpartition(".")
        if point[1] and point[2].isdigit():
            marks.decimals[at] = len(point[2])
        elif shown.rstrip("%").replace(",", "").lstrip("-").isdigit():
            marks.decimals[at] = 0
        return float(cell.get(f"{_O}value", "nan"))
    if kind == "date":
        return day(cell.get(f"{_O}date-value", "").replace("T", " ")) or shown
    if kind == "boolean":
        return cell.get(f"{_O}boolean-value") == "true"
    if (shown.startswith("#") and shown.rstrip("!?").isupper()) or shown.startswith("Err:"):
        marks.refused[at] = ERROR_VALUE
    return shown
