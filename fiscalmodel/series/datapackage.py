"""``data/datapackage.json``: resources, their schemas, and tables checked against them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

import pandas as pd

from fiscalmodel.errors import Collector, InputError, did_you_mean, known_names
from fiscalmodel.paths import inside, project_root
from fiscalmodel.tables.files import load
from fiscalmodel.words import Text

MAX_PROBLEMS = 50
_TRUE, _FALSE = {"true", "True", "TRUE", "1"}, {"false", "False", "FALSE", "0"}


@dataclass(frozen=True)
class Field:
    """A column: name, type (string, number, integer, boolean, date) and constraints."""

    name: str
    type: str
    constraints: Mapping[str, Any]


@dataclass(frozen=True)
class Resource:
    """One table of the data package."""

    name: str
    title: str
    file: Path
    fields: tuple[Field, ...]
    primary_key: tuple[str, ...]

    @property
    def synthetic(self) -> bool:
        """Whether the table describes a county that does not exist."""
        return self.name.startswith("synthetic_")

    @property
    def shown(self) -> str:
        """The file as messages name it."""
        return f"data/{self.file.name}"

    def columns(self) -> list[str]:
        """Names of the columns."""
        return [field.name for field in self.fields]


_packages: dict[Path, tuple[tuple[int, int], dict[str, Resource]]] = {}
_texts: dict[Path, tuple[tuple[int, int], pd.DataFrame]] = {}


def resources(folder: Path | None = None) -> dict[str, Resource]:
    """The tables of the data package by name.

    Raises
    ------
    InputError
        If ``datapackage.json`` is missing or is no data package.
    """
    root = folder or project_root() / "data"
    path = root / "datapackage.json"
    try:
        now = _stamp(path)
        if path in _packages and _packages[path][0] == now:
            return _packages[path][1]
        content = json.loads(path.read_text(encoding="utf-8"))
        made = {item["name"]: _resource(item, root) for item in content["resources"]}
    except OSError:
        raise InputError("data/datapackage.json", "ground.no_such_file") from None
    except (ValueError, KeyError, TypeError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError("data/datapackage.json", "series.no_package", reason=error) from None
    _packages[path] = (now, made)
    return made


def resource(name: str, folder: Path | None = None) -> Resource:
    """A table by name; an unknown one names the nearest."""
    known = resources(folder)
    if name not in known:
        hint = did_you_mean(name, known) or known_names(known)
        raise InputError("data/datapackage.json", "series.no_such_table", hint, name=name)
    return known[name]


def stamp(table: Resource) -> tuple[int, int]:
    """What changes when the file of a table changes.

    Raises
    ------
    InputError
        If the file is missing.
    """
    try:
        return _stamp(table.file)
    except OSError:
        raise InputError(table.shown, "ground.no_such_file") from None


def read_text(table: Resource) -> pd.DataFrame:
    """A table as text, blanks as ``""``, indexed by line; the header is checked.

    Raises
    ------
    InputError
        If the file is missing, is no table, or its columns differ from the schema.
    """
    now = stamp(table)
    if table.file in _texts and _texts[table.file][0] == now:
        return _texts[table.file][1].copy(deep=False)
    frame = _cells(table)
    wanted, found = table.columns(), list(frame.columns)
    if found != wanted:
        missing = [c for c in wanted if c not in found]
        extra = [c for c in found if c not in wanted]
        what = "series.columns_differ" if missing or extra else "series.columns_in_order"
        raise InputError(f"{table.shown}:1", what, missing=missing or "—", extra=extra or "—")
    _texts[table.file] = (now, frame)
    return frame.copy(deep=False)


def _cells(table: Resource) -> pd.DataFrame:
    """Every cell as text, indexed by the line it stands on; blank rows are left out."""
    (grid,) = load(table.file)
    rows = [(i, row) for i, row in enumerate(grid.rows, 1) if any(cell.strip() for cell in row)]
    header = [cell.strip() for cell in rows[0][1]]
    found = Collector()
    for word in sorted({word for word in header if header.count(word) > 1}):
        found.add(f"{table.shown}:1", "tables.header_twice", name=word)
    for line, row in rows[1:]:
        if len(row) != len(header):
            place = f"{table.shown}:{line}"
            found.add(place, "tables.ragged", count=len(row), width=len(header))
    found.raise_if_any()
    lines = [line for line, _ in rows[1:]]
    return pd.DataFrame([row for _, row in rows[1:]], columns=header, index=lines, dtype="str")


def read_typed(table: Resource) -> pd.DataFrame:
    """A table with the types of its schema, every cell checked.

    Returns
    -------
    DataFrame
        number as float, integer as Int64, boolean as boolean, date as
        datetime64, text as str; blank cells are missing.

    Raises
    ------
    InputError
        With every cell that breaks the schema, as ``data/file.csv:line, column``.
    """
    text = read_text(table)
    found = Collector()
    made = {field.name: _column(text[field.name], field, table, found) for field in table.fields}
    key = list(table.primary_key)
    if key:
        first: dict[tuple[str, ...], int] = {}
        for line, *cells in text[key].itertuples(name=None):
            if (row := tuple(cells)) in first:
                what = "series.key_twice"
                _say(found, table, line, key[-1], what, text=", ".join(row), first=first[row])
            first.setdefault(row, line)
    found.raise_if_any()
    return pd.DataFrame(made, index=text.index).reset_index(drop=True)


def _resource(item: dict[str, Any], root: Path) -> Resource:
    schema = item["schema"]
    fields = tuple(
        Field(f["name"], f.get("type", "string"), f.get("constraints", {}))
        for f in schema["fields"]
    )
    key = schema.get("primaryKey", [])
    return Resource(
        item["name"],
        item.get("title", item["name"]),
        inside(root, item["path"], where="data/datapackage.json"),
        fields,
        (key,) if isinstance(key, str) else tuple(key),
    )


def _stamp(path: Path) -> tuple[int, int]:
    facts = path.stat()
    return facts.st_mtime_ns, facts.st_size


def _say(
    found: Collector,
    table: Resource,
    line: int,
    column: str,
    key: str,
    hint: str | Text = "",
    /,
    **values: object,
) -> None:
    found.add(f"{table.shown}:{line}, {column}", key, hint, **values)
    if len(found.problems) >= MAX_PROBLEMS:
        found.raise_if_any()


def _column(
    text: pd.Series[str], field: Field, table: Resource, found: Collector
) -> pd.Series[Any]:
    rules = field.constraints
    blank = text.eq("")
    if rules.get("required"):
        for row in text.index[blank]:
            _say(found, table, row, field.name, "ground.missing", name=field.name)
    filled = text[~blank]
    if "enum" in rules:
        allowed = list(map(str, rules["enum"]))
        for row, cell in filled[~filled.isin(allowed)].items():
            hint = did_you_mean(cell, allowed) or known_names(allowed)
            _say(found, table, int(str(row)), field.name, "tables.unknown_word", hint, text=cell)
    if "pattern" in rules:
        fits = re.compile(rules["pattern"])
        for row, cell in filled[~filled.map(lambda c: bool(fits.search(c)))].items():
            what, pattern = "series.pattern", rules["pattern"]
            _say(found, table, int(str(row)), field.name, what, text=cell, pattern=pattern)
    if rules.get("unique"):
        for row, cell in filled[filled.duplicated()].items():
            _say(found, table, int(str(row)), field.name, "series.stands_twice", text=cell)
    values = [_cell(cell, field.type) for cell in filled]
    for row, cell, value in zip(filled.index, filled, values, strict=True):
        if wrong := _wrong(value, field):
            key, limit = wrong
            _say(found, table, row, field.name, key, text=cell, value=cell, low=limit, high=limit)
    typed = pd.Series(values, index=filled.index, dtype=object).reindex(text.index)
    return _as_dtype(typed, field.type)


def _cell(cell: str, kind: str) -> Any:
    """The value of a cell, or None where it is none of its kind."""
    if kind in ("number", "integer"):
        if not re.fullmatch(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d{1,3})?", cell):
            return None
        number = float(cell)
        if not isfinite(number):
            return None
        return (int(number) if number.is_integer() else None) if kind == "integer" else number
    if kind == "boolean":
        return True if cell in _TRUE else False if cell in _FALSE else None
    if kind == "date":
        if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", cell):
            return None
        day = pd.to_datetime(cell, format="%Y-%m-%d", errors="coerce")
        return None if pd.isna(day) else day
    return cell


_WRONG = {
    "number": "tables.not_a_number", "integer": "series.not_whole", "boolean": "tables.not_a_flag",
    "date": "ground.not_a_date",
}  # fmt: skip


def _wrong(value: Any, field: Field) -> tuple[str, Any] | None:
    if value is None:
        return _WRONG[field.type], None
    low, high = field.constraints.get("minimum"), field.constraints.get("maximum")
    if low is not None and value < low:
        return "tables.too_low", low
    if high is not None and value > high:
        return "tables.too_high", high
    return None


def _as_dtype(values: pd.Series[Any], kind: str) -> pd.Series[Any]:
    if kind == "number":
        return values.astype(float)
    if kind == "integer":
        return pd.to_numeric(values, errors="coerce").astype("Int64")
    if kind == "boolean":
        return values.astype("boolean")
    if kind == "date":
        return pd.to_datetime(values)
    return values.astype("str")
