"""Rows of a table with the place of every cell, from a frame, a file or records."""

from __future__ import annotations

import csv
import datetime as dt
import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from fiscalmodel.errors import Collector, InputError
from fiscalmodel.paths import project_root
from fiscalmodel.tables.records import is_example_row
from fiscalmodel.yamlio import load_yaml

#: What a table argument may be: a frame, a CSV or Excel file, or records.
TableLike: TypeAlias = "pd.DataFrame | str | Path | Iterable[Mapping[str, object]]"

_TRUE = {"true", "1", "yes", "y", "t", "是", "√", "有"}
_FALSE = {"false", "0", "no", "n", "f", "否", "×", "无"}
_EMPTY = {"", "-", "—", "－", "nan", "none", "nat", "<na>", "null"}


@dataclass(frozen=True)
class Table:
    """Records with a name, and the place of each cell for messages."""

    name: str
    rows: tuple[dict[str, Any], ...]
    columns: tuple[str, ...]
    #: Number of the first data row in the file; 1 for a frame.
    first_line: int = 1
    is_file: bool = False
    sheet: str = ""

    def where(self, row: int, column: str = "") -> str:
        """Place of a cell, for example ``ledger row 3, rate_pct`` or ``a.csv:4, rate_pct``."""
        line = row + self.first_line
        if self.sheet and column in self.columns:
            letter = _letters(self.columns.index(column))
            return f"{self.name} [{self.sheet}!{letter}{line}] {column}"
        place = f"{self.name}:{line}" if self.is_file else f"{self.name} row {line}"
        return f"{place}, {column}" if column else place

    def need(self, required: Sequence[str], found: Collector) -> bool:
        """Report required columns that are missing; true if none is."""
        missing = [c for c in required if c not in self.columns] if self.rows else []
        for column in missing:
            near = difflib.get_close_matches(column, self.columns, n=1)
            hint = (
                f"did you mean {near[0]!r}?" if near else f"columns are {', '.join(self.columns)}"
            )
            zh = _chinese(column)
            found.add(self.name, f"column {column!r}{zh and f' ({zh})'} is missing", hint)
        return not missing


def _chinese(column: str) -> str:
    """The Chinese header of a column, from ``params/labels.yaml``; empty where there is none."""
    try:
        path = project_root() / "params" / "words" / "labels.yaml"
    except InputError:
        return ""
    entry: Any = load_yaml(path)[0]["columns"].get(column) if path.is_file() else None
    return str(entry.get("zh") or "") if entry else ""


def _letters(index: int) -> str:
    text = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        text = chr(65 + rest) + text
    return text


def read_rows(data: TableLike | None, name: str) -> Table:
    """Read a table argument into records; blank cells become ``None``.

    Raises
    ------
    InputError
        If the file is not there or is no CSV or Excel file.
    """
    if data is None:
        return Table(name, (), ())
    if isinstance(data, str | Path):
        return _read_file(Path(data))
    inner = getattr(data, "table", None)  # a checked ledger
    if isinstance(inner, pd.DataFrame):
        data = inner
    if isinstance(data, pd.DataFrame):
        columns = tuple(map(str, data.columns))
        values = [data.iloc[:, k].tolist() for k in range(len(columns))]
        cells = zip(*values, strict=True) if values else iter(())
        rows = tuple({c: _blank(v) for c, v in zip(columns, row, strict=True)} for row in cells)
        return Table(name, rows, columns)
    if not isinstance(data, Iterable):
        raise InputError(name, f"{data!r} is no table", "give a DataFrame, a file, or records")
    records = list(data)
    if not all(isinstance(r, Mapping) for r in records):
        raise InputError(name, "is no table", "give a DataFrame, a CSV or Excel file, or records")
    names: dict[str, None] = {str(c): None for r in records for c in r}
    rows = tuple({c: _blank(r.get(c)) for c in names} for r in records)
    return Table(name, rows, tuple(names))


def _read_file(path: Path) -> Table:
    if not path.is_file():
        raise InputError(str(path), "no such file", "give the path of a CSV or Excel file")
    if path.suffix.lower() in {".xlsx", ".xls", ".ods"}:
        return _read_sheet(path)
    raw = path.read_bytes()
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = raw.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        raise InputError(path.name, "is neither UTF-8 nor GB18030 text", "save it as CSV UTF-8")
    lines = list(csv.reader(text.splitlines()))
    return _from_cells(path.name, lines, sheet="")


def _read_sheet(path: Path) -> Table:
    from python_calamine import CalamineError, load_workbook

    try:
        book = load_workbook(str(path))
        sheet = book.sheet_names[0]
        lines = book.get_sheet_by_name(sheet).to_python(skip_empty_area=False)
    except (CalamineError, IndexError, OSError) as error:
        raise InputError(path.name, f"cannot be read ({error})", "save it as xlsx or CSV") from None
    return _from_cells(path.name, lines, sheet=sheet)


def _from_cells(name: str, lines: Sequence[Sequence[Any]], *, sheet: str) -> Table:
    head = next((k for k, line in enumerate(lines) if any(str(c).strip() for c in line)), None)
    if head is None:
        raise InputError(name, "is empty", "the first row holds the column names")
    columns = tuple(str(c).strip() for c in lines[head])
    body = lines[head + 1 :]
    while body and not any(str(c).strip() for c in body[-1]):
        body = body[:-1]
    if body and is_example_row(body[0]):  # a template's example is never data
        head, body = head + 1, body[1:]
        if not body:
            raise InputError(
                name, "only the example row is filled in", "write your own rows over it or below"
            )
    rows = tuple(
        {c: _blank(line[k]) if k < len(line) else None for k, c in enumerate(columns)}
        for line in body
    )
    return Table(name, rows, columns, first_line=head + 2, is_file=True, sheet=sheet)


def _blank(value: Any) -> Any:
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    if isinstance(value, float) and value != value:
        return None
    if isinstance(value, str):
        text = value.strip()
        return None if text.lower() in _EMPTY else text
    return value


# ---- single cells: each reports to the collector and returns a usable value ----


def number(value: Any, where: str, found: Collector, default: float = float("nan")) -> float:
    """A finite number; `default` where blank."""
    if value is None:
        return default
    if isinstance(value, bool | np.bool_):
        found.add(where, f"{value!r} is no number", "write a number")
        return float("nan")
    try:
        result = float(
            value.replace(",", "").replace("，", "") if isinstance(value, str) else value
        )
    except (TypeError, ValueError):
        found.add(where, f"{value!r} is no number", "write a number without unit or sign")
        return float("nan")
    if not np.isfinite(result):
        found.add(where, f"{value!r} is not finite", "write a number")
        return float("nan")
    return result


def flag(value: Any, where: str, found: Collector, default: bool = False) -> bool:
    """Yes or no; `default` where blank."""
    if value is None:
        return default
    if isinstance(value, bool | np.bool_):
        return bool(value)
    text = str(value).strip().lower().removesuffix(".0")
    if text in _TRUE:
        return True
    if text not in _FALSE:
        found.add(where, f"{value!r} is neither yes nor no", "write true or false (是 or 否)")
    return False


def day(value: Any, where: str, found: Collector) -> dt.date | None:
    """A calendar day between 1950 and 2150; None where blank."""
    if value is None or value is pd.NaT:
        return None
    date = _date(value)
    if date is None:
        found.add(where, f"{value!r} is no date", "write year-month-day, as 2027-06-30")
    elif not 1950 <= date.year <= 2150:
        found.add(where, f"{date} is not between 1950 and 2150", "check the year")
        return None
    return date


def _date(value: Any) -> dt.date | None:
    if isinstance(value, dt.datetime):  # pd.Timestamp too
        return value.date()
    if isinstance(value, dt.date):
        return value
    if isinstance(value, np.datetime64):
        return None if np.isnat(value) else _date(value.astype("datetime64[D]").item())
    text = str(value).strip()
    match = re.fullmatch(
        r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?:[ T]00:00(?::00(?:\.0+)?)?)?", text
    ) or re.fullmatch(r"(\d{4})(\d{2})(\d{2})", text)
    if match is None:
        return None
    try:
        return dt.date(*map(int, match.groups()))
    except ValueError:
        return None
