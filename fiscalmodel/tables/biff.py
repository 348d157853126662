"""What an xls file tells of its cells beside their values: percent formats, errors, formulas.

calamine reads the values of xls; this reads the same records only far enough to
know which cells are shown as percent and which hold no usable value. Layouts:
MS-CFB (container) and MS-XLS (records).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator

from fiscalmodel.tables.grid import ERROR_VALUE, NO_VALUE, SCALED, Address, Marks

_FREE = 0xFFFFFFFA  # sector numbers from here on end a chain
_FORMULA, _NUMBER, _RK, _MULRK, _BOOLERR = 0x0006, 0x0203, 0x027E, 0x00BD, 0x0205
#: Records of one cell, and of several beside each other (their last field is the last column).
_RUNS = {_MULRK, 0x00BE}
_CELLS = {_FORMULA, _NUMBER, _RK, _BOOLERR, 0x0201, 0x0204, 0x00FD, 0x00D6} | _RUNS
_DIMENSIONS, _SST = 0x0200, 0x00FC
_BOUNDSHEET, _FORMAT, _XF, _EOF = 0x0085, 0x041E, 0x00E0, 0x000A


Classify = Callable[[str], bool]


class DamagedContainer(ValueError):
    """The compound file cannot be walked."""


def sheet_marks(data: bytes, is_percent: Classify, is_scaled: Classify) -> dict[int, Marks]:
    """Position of each worksheet -> its marks.

    Parameters
    ----------
    data
        The whole file.
    is_percent, is_scaled
        Judge a number format's code.

    Raises
    ------
    DamagedContainer
        If sectors are missing or run in a circle, or a cell lies outside the 256 columns
        of xls: calamine would follow them for ever, or ask for all memory.
    """
    try:
        stream = _workbook_stream(data)
        return _walk(stream, is_percent, is_scaled) if stream else {}
    except (struct.error, LookupError, ValueError) as error:
        raise DamagedContainer(str(error)) from None


def _walk(stream: bytes, is_percent: Classify, is_scaled: Classify) -> dict[int, Marks]:
    codes = {9: "0%", 10: "0.00%"}
    styles: list[int] = []
    starts: list[int] = []
    for kind, body in _records(stream, 0):
        if kind == _FORMAT:
            number, length, flags = struct.unpack_from("<HHB", body)
            codes[number] = body[5:].decode("utf-16-le" if flags & 1 else "latin-1")[:length]
        elif kind == _XF:
            styles.append(struct.unpack_from("<H", body, 2)[0])
        elif kind == _SST and _u32(body, 4) > len(stream):
            raise ValueError("more texts than the file has bytes")
        elif kind == _BOUNDSHEET:
            starts.append(struct.unpack_from("<I", body)[0])
        elif kind == _EOF:
            break
    percent = {i for i, number in enumerate(styles) if is_percent(codes.get(number, ""))}
    scaled = {i for i, number in enumerate(styles) if is_scaled(codes.get(number, ""))}
    return {i: _sheet(stream, start, percent, scaled) for i, start in enumerate(starts)}


def _sheet(stream: bytes, start: int, percent: set[int], scaled: set[int]) -> Marks:
    found, calculated = Marks(), False
    empty: set[Address] = set()
    for kind, body in _records(stream, start):
        if kind == _EOF:
            break
        _refuse_outside(kind, body)
        if kind in (_NUMBER, _RK, _FORMULA):
            row, column, style = struct.unpack_from("<HHH", body)
            if kind == _FORMULA and body[12:14] == b"\xff\xff":
                calculated |= body[6] != 3
                if body[6] == 2:
                    found.refused[row, column] = ERROR_VALUE
                elif body[6] == 3:
                    empty.add((row, column))
                continue
            calculated |= kind == _FORMULA
            cells = [(column, style)]
        elif kind == _MULRK:
            row, first = struct.unpack_from("<HH", body)
            cells = [
                (first + k, struct.unpack_from("<H", body, 4 + 6 * k)[0])
                for k in range((len(body) - 6) // 6)
            ]
        elif kind == _BOOLERR:
            row, column, _, _, is_error = struct.unpack_from("<HHHBB", body)
            if is_error:
                found.refused[row, column] = ERROR_VALUE
            continue
        else:
            continue
        found.percents |= {(row, c) for c, style in cells if style in percent}
        found.refused |= {(row, c): SCALED for c, style in cells if style in scaled}
    # An empty text is a usual result; a sheet where no formula has any was never calculated.
    if not calculated:
        found.refused |= dict.fromkeys(empty, NO_VALUE)
    return found


def _refuse_outside(kind: int, body: bytes) -> None:
    if kind == _DIMENSIONS:
        first, rows, left, columns = struct.unpack_from("<IIHH", body)
        if not (first <= rows <= 65_536 and left <= columns <= 256):
            raise ValueError("dimensions")
    elif kind in _CELLS and len(body) >= 4:
        last = struct.unpack_from("<H", body, len(body) - 2)[0] if kind in _RUNS else 0
        if max(struct.unpack_from("<H", body, 2)[0], last) > 255:
            raise ValueError("column")


def _records(stream: bytes, start: int) -> Iterator[tuple[int, bytes]]:
    at = start
    while at + 4 <= len(stream):
        kind, length = struct.unpack_from("<HH", stream, at)
        yield kind, stream[at + 4 : at + 4 + length]
        at += 4 + length


def _workbook_stream(data: bytes) -> bytes:
    """The stream named Workbook (or Book) of a compound file."""
    if data[30] not in (9, 12) or data[32] != 6:
        raise ValueError("sector sizes")
    sector, mini = 1 << data[30], 1 << data[32]
    fat_count, directory_start = struct.unpack_from("<I", data, 44)[0], _u32(data, 48)
    cutoff, mini_fat_start, difat, difat_count = struct.unpack_from("<IIxxxxII", data, 56)

    def at(number: int) -> bytes:
        return data[(number + 1) * sector : (number + 2) * sector]

    fat_sectors = list(struct.unpack_from("<109I", data, 76))
    if max(difat_count, fat_count) > len(data) // sector:
        raise ValueError("more sectors than the file has")
    for _ in range(difat_count):
        block = struct.unpack(f"<{sector // 4}I", at(difat))
        fat_sectors += block[:-1]
        difat = block[-1]
    fat: list[int] = []
    for number in fat_sectors[:fat_count]:
        fat += struct.unpack(f"<{sector // 4}I", at(number))

    def chain(number: int, table: list[int]) -> list[int]:
        found: list[int] = []
        while number < _FREE:
            if len(found) > len(table):
                raise ValueError("sectors run in a circle")
            found.append(number)
            number = table[number]
        return found

    directory = b"".join(at(n) for n in chain(directory_start, fat))
    entries = {}
    for i in range(0, len(directory), 128):
        entry = directory[i : i + 128]
        length = struct.unpack_from("<H", entry, 64)[0]
        name = entry[: max(length - 2, 0)].decode("utf-16-le")
        entries[name] = (_u32(entry, 116), _u32(entry, 120))
    mini_fat: list[int] = []
    for number in chain(mini_fat_start, fat):
        mini_fat += struct.unpack(f"<{sector // 4}I", at(number))
    container = b"".join(at(n) for n in chain(entries["Root Entry"][0], fat))
    start, size = entries.get("Workbook") or entries.get("Book") or (_FREE, 0)
    if size >= cutoff:
        return b"".join(at(n) for n in chain(start, fat))[:size]
    pieces = (container[n * mini : (n + 1) * mini] for n in chain(start, mini_fat))
    return b"".join(pieces)[:size]


def _u32(data: bytes, at: int) -> int:
    return int(struct.unpack_from("<I", data, at)[0])
