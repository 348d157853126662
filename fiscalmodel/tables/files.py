"""Files to grids: what kind of file it is, how large, and which text it holds."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fiscalmodel.errors import InputError
from fiscalmodel.tables.encoding import decode
from fiscalmodel.tables.grid import MAX_BYTES, MAX_COLUMNS, SAVE_AGAIN, Grid

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


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
            raise InputError(str(file), "this is a folder", "name one file")
        size = file.stat().st_size
        if size > MAX_BYTES:
            raise InputError(
                name,
                f"the file has {size / 1e6:,.0f} MB, at most {MAX_BYTES // 1_000_000} MB are read",
                "keep the rows and sheets that are needed, or split it",
            )
        data = file.read_bytes()
    except FileNotFoundError:
        raise InputError(str(file), "no such file", _similar(file)) from None
    except OSError as error:
        raise InputError(str(file), f"cannot be opened ({error.strerror})", "") from None
    if not data:
        raise InputError(name, "the file is empty", "put the table into it, or leave the file out")
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06", OLE)):
        from fiscalmodel.tables.excel import sheets

        return sheets(data, name)
    _refuse_foreign(data, name)
    return [_csv_grid(data, name)]


def _refuse_foreign(data: bytes, name: str) -> None:
    head = data[:1024].lstrip(b"\xef\xbb\xbf \r\n\t").lower()
    for marks, what, hint in (
        ((b"%pdf",), "a PDF", "ask for the Excel file, or type the table into the template"),
        (
            (b"<html", b"<!doctype html", b"<table", b"<meta"),
            "a web page named as a table",
            SAVE_AGAIN,
        ),
        ((b"<?xml", b"<workbook"), "an XML spreadsheet of 2003", SAVE_AGAIN),
        ((b"{\\rtf",), "a text document", SAVE_AGAIN),
        ((b"\x89png", b"\xff\xd8\xff", b"gif8", b"ii*\x00", b"mm\x00*"), "a picture", "type it in"),
        ((b"\x1f\x8b", b"7z\xbc\xaf", b"rar!"), "an archive", "unpack it first"),
    ):
        if head.startswith(marks):
            raise InputError(name, f"the file is {what}, not a table", hint)


def _csv_grid(data: bytes, name: str) -> Grid:
    found = decode(data, where=name)
    separator = _separator(found.text)
    notes = [f"{name}: {found.note}"] if found.note else []
    if separator != ",":
        said = {"\t": "tabs", ";": "semicolons", "，": "full-width commas"}[separator]
        notes.append(f"{name}: columns are separated by {said}")
    reader = csv.reader(io.StringIO(found.text, newline=""), delimiter=separator, strict=True)
    rows: list[list[Any]] = []
    try:
        for row in reader:
            rows.append(list(row))
            if len(row) > MAX_COLUMNS:
                raise InputError(
                    f"{name}:{len(rows)}", f"more than {MAX_COLUMNS} columns", SAVE_AGAIN
                )
    except csv.Error as error:
        hint = 'close the quotation mark, or double a quotation mark inside a text ("")'
        raise InputError(
            f"{name}:{reader.line_num}", f"not readable as CSV: {error}", hint
        ) from None
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
    found = decode(head, where=path.name)
    encoding = "gb18030" if found.encoding == "gb18030" else "utf-8-sig"
    text = "".join(found.text.splitlines(keepends=True)[: 4 * rows])
    separator = _separator(text)
    table = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    top = [list(row) for row, _ in zip(table, range(rows), strict=False)]
    return Beginning(Grid(path.name, "", top), encoding, separator)


def _separator(text: str) -> str:
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

    best = max(("\t", ";", "，"), key=steady)
    return best if steady(best) > steady(",") else ","


def _similar(file: Path) -> str:
    from difflib import get_close_matches

    names: Iterable[str] = ()
    if file.parent.is_dir():
        names = (p.name for p in file.parent.iterdir() if p.is_file())
    near = get_close_matches(file.name, list(names), n=1, cutoff=0.6)
    return f"did you mean {near[0]!r}?" if near else "check the path"
