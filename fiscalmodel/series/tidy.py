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


def read_tidy(file: Path) -> pd.DataFrame:
    """A tidy CSV; see `fiscalmodel.series.catalog.read_csv`."""
    rows = _rows(file)
    if not rows:
        raise InputError(file.name, "is empty", "the first row holds the column names")
    header = [cell.strip() for cell in rows[0]]
    found = Collector()
    for name in sorted({name for name in header if header.count(name) > 1}):
        found.add(f"{file.name}:1", f"column {name!r} stands twice", "rename one")
    body: list[list[str]] = []
    for line, row in enumerate(rows[1:], start=2):
        if not any(cell.strip() for cell in row):
            continue
        if len(row) != len(header):
            what = f"has {len(row)} cells where the header has {len(header)}"
            found.add(f"{file.name}:{line}", what, "check commas and quotes")
        body.append([cell.strip() for cell in row])
    found.raise_if_any()
    frame = pd.DataFrame(body, columns=header, dtype="str")
    lines = [n for n, row in enumerate(rows[1:], start=2) if any(cell.strip() for cell in row)]
    made = {}
    for name in header:
        if name.endswith(NUMERIC_ENDS):
            cells = zip(lines, frame[name], strict=True)
            made[name] = pd.Series(
                [_number(cell, f"{file.name}:{line}, {name}", found) for line, cell in cells],
                dtype=float,
            )
        else:
            made[name] = frame[name].where(frame[name].ne(""))
    found.raise_if_any()
    return pd.DataFrame(made, columns=header)


def _rows(file: Path) -> list[list[str]]:
    try:
        if file.stat().st_size > MAX_BYTES:
            raise InputError(file.name, "is larger than 200 MB", "split it")
        raw = file.read_bytes()
    except OSError:
        raise InputError(str(file), "file not found", "check the path and the name") from None
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        try:
            return list(csv.reader(io.StringIO(text, newline=""), strict=True))
        except csv.Error as error:
            raise InputError(file.name, f"is no CSV table ({error})", "save it as CSV") from None
    raise InputError(file.name, "is neither UTF-8 nor GB18030 text", "save it as CSV UTF-8")


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
