"""What the binary parts of an xlsb workbook tell of its cells (MS-XLSB records)."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from fiscalmodel.tables.grid import BUILT_IN, ERROR_VALUE, MAX_COLUMNS, Formats, Marks

_ROW, _NUMBERS, _ERRORS, _TEXTS = 0, {2, 5, 9}, {3, 11}, {6, 7, 8}
_FORMAT, _STYLE, _STYLES, _STYLES_END, _COLUMNS, _SHEET = 44, 47, 617, 618, 60, 156


def records(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Kind and content of each record."""
    at = 0
    while at < len(data):
        kind, at = _number(data, at, 2)
        length, at = _number(data, at, 4)
        yield kind, data[at : at + length]
        at += length


def _number(data: bytes, at: int, most: int) -> tuple[int, int]:
    """An integer of seven bits a byte, and the position after it."""
    value = 0
    for k in range(most):
        byte = data[at]
        value |= (byte & 0x7F) << (7 * k)
        at += 1
        if byte < 0x80:
            break
    return value, at


def _text(body: bytes, at: int) -> tuple[str, int]:
    length = struct.unpack_from("<I", body, at)[0]
    end = at + 4 + 2 * length
    return body[at + 4 : end].decode("utf-16-le", "replace"), end


def sheet_ids(workbook: bytes) -> dict[str, str]:
    """Name of each sheet -> key of its part in the relations."""
    found = {}
    for kind, body in records(workbook):
        if kind == _SHEET:
            key, end = _text(body, 8)
            found[_text(body, end)[0]] = key
    return found


def formats(styles: bytes) -> Formats:
    """Number format and indent of each cell style."""
    codes = {int(number): code for number, code in BUILT_IN.items()}
    made, indents, inside = list[str](), list[int](), False
    for kind, body in records(styles):
        if kind == _FORMAT:
            codes[struct.unpack_from("<H", body)[0]] = _text(body, 2)[0]
        elif kind in (_STYLES, _STYLES_END):
            inside = kind == _STYLES
        elif kind == _STYLE and inside:
            made.append(codes.get(struct.unpack_from("<H", body, 2)[0], ""))
            indents.append(body[11])
    return Formats.of(made, indents)


def marks(sheet: bytes, formats: Formats) -> Marks:
    """Percent, scaled and error cells, hidden rows and columns; decimals that formats show."""
    found, row = Marks(), 0
    for kind, body in records(sheet):
        if kind == _ROW:
            row = struct.unpack_from("<I", body)[0]
            if len(body) > 11 and body[11] & 0x10:
                found.hidden_rows.add(row)
        elif kind == _COLUMNS and body[16] & 1:
            first, last = struct.unpack_from("<II", body)
            found.hidden_columns |= set(range(first, min(last + 1, MAX_COLUMNS)))
        elif kind in _ERRORS:
            found.refused[row, struct.unpack_from("<I", body)[0]] = ERROR_VALUE
        elif kind in _NUMBERS | _TEXTS:
            at = row, struct.unpack_from("<I", body)[0]
            style = int.from_bytes(body[4:7], "little")
            if kind in _NUMBERS:
                formats.mark(at, style, found)
            elif style in formats.indents:
                found.indents[at] = formats.indents[style]
    return found
