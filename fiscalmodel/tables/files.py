"""Files to grids: what kind of file it is, how large, which text it holds, and its cells."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fiscalmodel.errors import InputError, did_you_mean
from fiscalmodel.words import Text, say

#: Largest file that is opened: an office's table is a thousandth of it.
MAX_BYTES = 64 * 1024 * 1024
MAX_COLUMNS = 2_000

Address = tuple[int, int]  # row and column, from 0

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_SEPARATORS = {"\t": "tabs", ";": "semicolons", "，": "wide_commas"}


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


def load(path: str | Path) -> list[Grid]:
    """The grids of a file: one a sheet, or one for a CSV file.

    The content decides what a file is, not its name.

    Raises
    ------
    InputError
        If the file is missing, empty, too large, protected by a password,
        damaged, or no table file at all.
    """
    file = Path(path)
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
    if not data:
        raise InputError(name, "tables.file_empty")
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06", _OLE)):
        if name.startswith("~$"):
            raise InputError(name, "tables.lock_file")
        from fiscalmodel.tables.excel import sheets

        return sheets(data, name)
    _refuse_foreign(data, name)
    return [_csv_grid(data, name)]


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
            rows.append(list(row))
            if len(row) > MAX_COLUMNS:
                raise InputError(f"{name}:{len(rows)}", "tables.too_wide", most=MAX_COLUMNS)
    except csv.Error as error:
        place = f"{name}:{reader.line_num}"
        raise InputError(place, "tables.csv_broken", reason=str(error)) from None
    return Grid(name, "", rows, notes=tuple(notes), comma_decimal=separator == ";")


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
