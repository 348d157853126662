"""Tidy CSV with English column names: numbers where the name says so, text elsewhere."""

from __future__ import annotations

import csv
import io
import math
from pathlib import Path

import pandas as pd

from fiscalmodel.errors import Collector, InputError

#: Ends of column names that hold numbers; ids, codes, dates and amounts in 元 stay text.
NUMERIC_ENDS = ("_wan", "_yi", "_pct", "_years")
MAX_BYTES = 200 * 1024 * 1024
MAX_PROBLEMS = 50


def read_tidy(file: Path) -> pd.DataFrame:
    """A tidy CSV; see `fiscalmodel.series.catalog.read_csv`."""
    frame = read_cells(file, file.name)
    found = Collector()
    made = {}
    for name in frame.columns:
        cells = frame[name].str.strip()
        if name.endswith(NUMERIC_ENDS):
            numbers = [
                _number(cell, f"{file.name}:{line}, {name}", found) for line, cell in cells.items()
            ]
            made[name] = pd.Series(numbers, index=frame.index, dtype=float)
        else:
            made[name] = cells.where(cells.ne(""))
    found.raise_if_any()
    return pd.DataFrame(made, columns=frame.columns).reset_index(drop=True)


def read_cells(file: Path, name: str) -> pd.DataFrame:
    """Every cell of a CSV as text, indexed by the line it stands on; blank rows are left out.

    Raises
    ------
    InputError
        If the file is missing, is no text, or has rows or names that do not fit;
        `name` is what messages call it.
    """
    rows = _rows(file, name)
    if not rows:
        raise InputError(name, "is empty", "the first row holds the column names")
    header = [cell.strip() for cell in rows[0][1]]
    found = Collector()
    for word in sorted({word for word in header if header.count(word) > 1}):
        found.add(f"{name}:1", f"column {word!r} stands twice", "rename one")
    for line, row in rows[1:]:
        if len(row) != len(header) and len(found.problems) < MAX_PROBLEMS:
            what = f"has {len(row)} cells where the header has {len(header)}"
            found.add(f"{name}:{line}", what, "check commas and quotes")
    found.raise_if_any()
    lines = [line for line, _ in rows[1:]]
    return pd.DataFrame([row for _, row in rows[1:]], columns=header, index=lines, dtype="str")


def _rows(file: Path, name: str) -> list[tuple[int, list[str]]]:
    try:
        if file.stat().st_size > MAX_BYTES:
            raise InputError(name, "is larger than 200 MB", "split it")
        raw = file.read_bytes()
    except OSError:
        raise InputError(name, "file not found", "check the path and the name") from None
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        try:
            return [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
        except csv.Error as error:
            where = f"{name}:{reader.line_num}"
            raise InputError(where, f"is no CSV table ({error})", "check the quotes") from None
    raise InputError(name, "is neither UTF-8 nor GB18030 text", "save it as CSV UTF-8")


def _number(cell: str, where: str, found: Collector) -> float:
    if cell == "":
        return math.nan
    try:
        number = float(cell.replace(",", ""))
    except ValueError:
        number = math.inf
    if not math.isfinite(number) or "_" in cell:
        found.add(where, f"{cell!r} is not a number", "digits only; leave a missing value empty")
        return math.nan
    return number
