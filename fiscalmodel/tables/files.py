"""Files to grids: what kind of file it is, how large, which text it holds, and its cells."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from fiscalmodel.errors import InputError, did_you_mean
from fiscalmodel.paths import here_or_project
from fiscalmodel.tables.grid import MAX_BYTES, MAX_COLUMNS, Address, Grid, Marks, column_letter
from fiscalmodel.words import Text, say

#: A larger workbook is read anew each time.
_KEPT_BYTES = 2_000_000
#: What is made of short files is kept, for so many of them: a county has some thirty tables.
_SHORT, _MOST = 200_000, 96
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_SEPARATORS = {"\t": "tabs", ";": "semicolons", "，": "wide_commas"}
T = TypeVar("T")
_made: OrderedDict[tuple[Hashable, ...], Any] = OrderedDict()


def once(make: Callable[[], T], path: str | Path, *key: Hashable) -> T:
    """What is made of a file, made once for its content; nobody changes what it gives.

    Variations of a scenario name the same files, and each is evaluated. `key` tells apart what
    is made of one file.
    """
    try:
        file = here_or_project(path)
        short = file.stat().st_size <= _SHORT
        named = (*key, file.name, file.read_bytes()) if short else ()
    except OSError:
        named = ()  # `make` says why
    if not named:
        return make()
    if named not in _made:
        _made[named] = make()
        if len(_made) > _MOST:
            _made.popitem(last=False)
    _made.move_to_end(named)
    made: T = _made[named]
    return made


def load(path: str | Path) -> list[Grid]:
    """The grids of a file: one a sheet, or one for a CSV file.

    The content decides what a file is, not its name.

    Raises
    ------
    InputError
        If the file is missing, empty, too large, protected by a password,
        damaged, or no table file at all.
    """
    file = here_or_project(path)
    name = file.name
    try:
        if file.is_dir():
            raise InputError(str(file), "ground.is_a_folder")
        size = file.stat().st_size
        if size > MAX_BYTES:
            most = MAX_BYTES // 1_000_000
            raise InputError(name, "tables.file_too_large", size=size / 1e6, most=most)
        data = file.read_bytes()
    except FileNotFoundError:
        near = [p.name for p in file.parent.iterdir()] if file.parent.is_dir() else []
        raise InputError(str(file), "ground.no_such_file", did_you_mean(name, near)) from None
    except OSError as error:
        raise InputError(str(file), "ground.cannot_be_read", reason=error.strerror) from None
    if name.startswith("~$"):
        raise InputError(name, "tables.lock_file")
    if not data:
        raise InputError(name, "tables.file_empty")
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06", _OLE)):
        return sheets(data, name)
    _refuse_foreign(data, name)
    return [_csv_grid(data, name)]


def sheet_named(grids: list[Grid], sheet: str) -> Grid:
    """The grid of a worksheet.

    Raises
    ------
    InputError
        If there is none of that name.
    """
    names = [g.sheet for g in grids if g.sheet]
    if sheet not in names:
        hint = did_you_mean(sheet, names, cutoff=0.3) or say("tables.sheets_are", names=names)
        raise InputError(grids[0].file, "tables.no_sheet", hint, name=sheet)
    return next(g for g in grids if g.sheet == sheet)


def sheets(data: bytes, name: str) -> list[Grid]:
    """Every worksheet of a workbook given as bytes; nobody changes what it gives.

    A county's workbook is read for each of its sheets, so the last ones are kept.

    Raises
    ------
    InputError
        For a password, a damaged or over-large workbook, or another kind of file.
    """
    return list(_kept(data, name) if len(data) <= _KEPT_BYTES else _read(data, name))


@lru_cache(maxsize=2)
def _kept(data: bytes, name: str) -> tuple[Grid, ...]:
    return tuple(_read(data, name))


def _read(data: bytes, name: str) -> list[Grid]:
    # The readers load with the first workbook: frames and CSV files need none of them.
    from fiscalmodel.tables import ods, xls, xlsx

    if not data.startswith(b"PK"):
        if b"E\0n\0c\0r\0y\0p\0t\0e\0d\0P\0a\0c\0k\0a\0g\0e" in data:
            raise InputError(name, "tables.password")
        return [_shown(grid, marks) for grid, marks in xls.sheets(data, name)]
    package = xlsx.Package(data, name)
    reader = ods.sheets if package.has("content.xml") else xlsx.sheets
    return [_shown(grid, marks) for grid, marks in reader(package)]


def _shown(grid: Grid, marks: Marks) -> Grid:
    """A grid without what its hidden rows and columns hold, and with a note that says so.

    The text of a merged range that begins in hidden cells stands in its first visible one. One
    that its format indents begins with blanks, as most tables have it.
    """
    rows = grid.rows
    unseen = set(marks.hidden_rows), set(marks.hidden_columns)
    notes = [*grid.notes, *_hide_control_cells(grid, marks)]
    for (r, c), level in marks.indents.items():
        if r < len(rows) and c < len(rows[r]) and isinstance(rows[r][c], str) and rows[r][c]:
            rows[r][c] = "  " * level + rows[r][c]
    height, width = len(rows), max(map(len, rows), default=0)
    out_rows = {r for r in marks.hidden_rows if r < height}
    out_columns = {c for c in marks.hidden_columns if c < width}
    merged: list[tuple[Address, Address]] = []
    for (r0, c0), (r1, c1) in grid.merged if out_rows or out_columns else ():
        r = next((r for r in range(r0, r1 + 1) if r not in out_rows), r0)
        c = next((c for c in range(c0, c1 + 1) if c not in out_columns), c0)
        if (r, c) != (r0, c0) and r < height and r0 < height and c0 < len(rows[r0]):
            rows[r] += [""] * (c + 1 - len(rows[r]))
            rows[r][c] = rows[r][c] or rows[r0][c0]
        merged.append(((r, c), (r1, c1)))
    filled_rows = [r for r in sorted(out_rows & unseen[0]) if any(v != "" for v in rows[r])]
    filled_columns = [
        c for c in sorted(out_columns & unseen[1]) if any(len(r) > c and r[c] != "" for r in rows)
    ]
    for r in out_rows:
        rows[r] = [""] * len(rows[r])
    for row in rows if out_columns else ():
        for c in out_columns:
            if c < len(row):
                row[c] = ""
    if filled_rows:
        text = _spans(filled_rows, lambda r: str(r + 1))
        notes.append(say("tables.hidden_rows", where=grid.where, rows=text))
    if filled_columns:
        text = _spans(filled_columns, column_letter)
        notes.append(say("tables.hidden_columns", where=grid.where, columns=text))
    gone = {a for a in (*marks.percents, *marks.refused) if a[0] in out_rows or a[1] in out_columns}
    return replace(
        grid,
        merged=tuple(merged) if out_rows or out_columns else grid.merged,
        percents=frozenset(marks.percents - gone),
        refused={a: why for a, why in marks.refused.items() if a not in gone},
        hidden_rows=frozenset(out_rows),
        hidden_columns=frozenset(out_columns),
        notes=tuple(notes),
    )


#: What the debt system of the finance ministry writes for itself: names, and marks of rows.
_CONTROL, _VALID = re.compile(r"\s*[A-Z][A-Z0-9_]*#"), "VALID#"


def _hide_control_cells(grid: Grid, marks: Marks) -> Iterator[Text]:
    """Treat as hidden what an export has for the system alone, where somebody unhid it.

    The rows down to the last one that names columns (``AD_CODE#``), the column of the rows'
    marks, and the columns that have such a name and no header.
    """
    rows = grid.rows
    top = [r for r, row in enumerate(rows[:10]) if sum(map(_is_control, row)) >= 2]
    if not top:
        return
    named, last = rows[top[-1]], top[-1]
    below = list(enumerate(rows))[last + 1 :]
    valid = [(r, c) for r, row in below for c, v in enumerate(row) if v == _VALID]
    headed = {
        c
        for row in rows[last + 1 : min(valid)[0] if valid else None]
        for c, v in enumerate(row)
        if isinstance(v, str) and v.strip()
    }
    figures = {c for _, row in below for c, v in enumerate(row) if isinstance(v, float)}
    for (_, c0), (_, c1) in grid.merged:
        headed |= figures & set(range(c0, c1 + 1)) if c0 in headed else set()
    columns = {c for c, v in enumerate(named) if _is_control(v) and c not in headed}
    columns |= {c for _, c in valid}
    above = set(range(last + 1))
    if above - marks.hidden_rows or columns - marks.hidden_columns:
        shown = {
            "rows": _spans(sorted(above), lambda r: str(r + 1)),
            "columns": _spans(sorted(columns), column_letter),
        }
        yield say("tables.control_cells", where=grid.where, **shown)
    marks.hidden_rows |= above
    marks.hidden_columns |= columns


def _is_control(value: Any) -> bool:
    return isinstance(value, str) and _CONTROL.match(value) is not None


def _spans(numbers: list[int], name: Any) -> list[str]:
    """Runs of numbers as ``1-3``, ``7``."""
    spans: list[list[int]] = []
    for number in numbers:
        if spans and number == spans[-1][1] + 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    return [name(a) if a == b else f"{name(a)}-{name(b)}" for a, b in spans]


def _refuse_foreign(data: bytes, name: str) -> None:
    head = data[:1024].lstrip(b"\xef\xbb\xbf \r\n\t").lower()
    for marks, what in (
        ((b"%pdf",), "pdf"),
        ((b"<html", b"<!doctype html", b"<table", b"<meta"), "web_page"),
        ((b"<?xml", b"<workbook"), "xml_2003"),
        ((b"{\\rtf",), "text_document"),
        ((b"\x89png", b"\xff\xd8\xff", b"gif8", b"ii*\x00", b"mm\x00*"), "picture"),
        ((b"\x1f\x8b", b"7z\xbc\xaf", b"rar!"), "archive"),
    ):
        if head.startswith(marks):
            raise InputError(name, f"tables.foreign.{what}")


def _csv_grid(data: bytes, name: str) -> Grid:
    text, encoding = decode(data, where=name)
    separator = separator_of(text)
    notes = [say("tables.read_as_gb18030", name=name)] if encoding == "gb18030" else []
    if separator != ",":
        notes.append(say(f"tables.separated.{_SEPARATORS[separator]}", name=name))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    rows: list[list[Any]] = []
    try:
        for row in reader:
            while len(row) > MAX_COLUMNS and not row[-1].strip():
                row.pop()  # the empty rest of a sheet
            rows.append(list(row))
            if len(row) > MAX_COLUMNS:
                raise InputError(f"{name}:{len(rows)}", "tables.too_wide", most=MAX_COLUMNS)
    except csv.Error as error:
        place = f"{name}:{reader.line_num}"
        raise InputError(place, "tables.csv_broken", reason=str(error)) from None
    grid = Grid(name, "", rows, notes=tuple(notes), comma_decimal=separator == ";")
    return _shown(grid, Marks())


@dataclass(frozen=True)
class Beginning:
    """The first rows of a long CSV file, and how to read the rest."""

    grid: Grid
    encoding: str
    separator: str


def csv_beginning(path: Path, *, rows: int) -> Beginning:
    """The first rows of a CSV file, by its first megabyte."""
    size = 2**20
    with path.open("rb") as file:
        head = file.read(size)
    if len(head) == size:
        head = head[: head.rfind(b"\n") + 1] or head
    text, encoding = decode(head, where=path.name)
    text = "".join(text.splitlines(keepends=True)[: 4 * rows])
    separator = separator_of(text)
    table = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    top = [list(row) for row, _ in zip(table, range(rows), strict=False)]
    grid = Grid(path.name, "", top, comma_decimal=separator == ";")
    return Beginning(grid, encoding, separator)


def separator_of(text: str) -> str:
    """The separator that splits most lines into the same number of columns, commas first."""
    lines = [line for line in text.splitlines()[:50] if line.strip()]

    def steady(mark: str) -> int:
        # Split as CSV, so that a mark inside a quoted text does not count.
        try:
            widths = [len(row) for row in csv.reader(lines, delimiter=mark)]
        except csv.Error:
            return 0
        split = [width for width in widths if width > 1]
        return max((split.count(width) for width in set(split)), default=0)

    best = max(_SEPARATORS, key=steady)
    return best if steady(best) > steady(",") else ","


# ---- text ----


def decode(data: bytes, *, where: str) -> tuple[str, str]:
    """The text of `data` and the encoding it was read in.

    A byte order mark decides (UTF-8, UTF-16); else UTF-8, else GB18030. A few bytes that
    are valid in both are GB18030 where that gives common characters and UTF-8 does not.

    Raises
    ------
    InputError
        If the file is empty, is no text, is damaged (with the line of the
        first bad byte), or was decoded wrongly before it was saved.
    """
    if not data.strip(b"\x00\t\r\n ") or data in (codecs.BOM_UTF8, codecs.BOM_UTF16_LE):
        raise InputError(where, "tables.file_empty")
    marks = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16"}
    marks[codecs.BOM_UTF16_BE] = "utf-16"
    encoding = next((e for mark, e in marks.items() if data.startswith(mark)), "")
    if not encoding and b"\x00" in data:
        raise InputError(where, "tables.not_text")
    encoding = encoding or _encoding(data, where)
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise _broken(data, error.start, encoding.removesuffix("-sig").upper(), where) from None
    _refuse_garbled(text, where)
    return text, encoding


def _encoding(data: bytes, where: str) -> str:
    """UTF-8, or GB18030 where the bytes are no UTF-8 that makes sense."""
    utf8, gb = _attempt(data, "utf-8"), _attempt(data, "gb18030")
    if isinstance(utf8, str):
        likelier = isinstance(gb, str) and common(gb) > common(utf8) + 0.2
        if likelier and not _meant(utf8):
            return "gb18030"
        return "utf-8"
    if isinstance(gb, str) and _share_of_utf8(data) <= 0.6 and common(gb) > 0.3:
        return "gb18030"
    bad, encoding = (utf8, "UTF-8") if _share_of_utf8(data) > 0.6 else (gb, "GB18030")
    raise _broken(data, bad if isinstance(bad, int) else utf8, encoding, where)


def common(text: str) -> float:
    """Share of the characters beyond ASCII that are signs or common Chinese characters."""
    beyond = [c for c in text if c > "\x7f"]
    return sum(map(_is_common, beyond)) / len(beyond) if beyond else 1.0


def _is_common(char: str) -> bool:
    if "\u3000" <= char <= "\u303f" or "\uff00" <= char <= "\uffef" or char in "·×±§°÷…—△▲•":
        return True
    try:
        row = char.encode("gb2312")[0]
    except UnicodeEncodeError:
        return False
    # Level 1 of GB 2312; between signs and characters it holds kana, Greek and Cyrillic.
    return row <= 0xA3 or 0xB0 <= row <= 0xD7


def _attempt(data: bytes, encoding: str) -> str | int:
    """The text, or where the first bad byte stands."""
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        return error.start


def _share_of_utf8(data: bytes) -> float:
    """Share of the bytes beyond ASCII that stand in a valid UTF-8 character of three bytes."""
    beyond = sum(byte > 0x7F for byte in data)
    text = data.decode("utf-8", errors="ignore")
    return sum(3 for c in text if "\u0800" <= c <= "\uffff") / beyond if beyond else 0.0


def _broken(data: bytes, start: int, encoding: str, where: str) -> InputError:
    line = data.count(b"\n", 0, start) + 1
    place = f"{where}:{line}"
    return InputError(place, "tables.bad_byte", byte=data[start], at=start, encoding=encoding)


def _refuse_garbled(text: str, where: str) -> None:
    for mark in ("\ufffd", "锟斤拷", "\x00"):
        at = text.find(mark)
        if at >= 0:
            line = text.count("\n", 0, at) + 1
            raise InputError(f"{where}:{line}", "tables.characters_lost")
    if wrong := _meant(text):
        raise InputError(where, "tables.garbled", wrong=wrong, text=text[:12])


def _meant(text: str) -> str:
    """The encoding that UTF-8 was once read in to give this text, or empty."""
    for wrong in () if text.isascii() else ("gb18030", "latin-1", "cp1252"):
        try:
            meant = text.encode(wrong).decode("utf-8")
        except UnicodeError:
            continue
        hanzi = sum("\u3400" <= c <= "\u9fff" for c in meant)
        if hanzi > 1 and common(meant) > common(text) + 0.2:
            return wrong
    return ""
