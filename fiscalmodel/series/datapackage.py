"""``data/datapackage.json``: resources, their schemas, and tables checked against them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd

from fiscalmodel.errors import Collector, InputError, did_you_mean, known_names
from fiscalmodel.paths import inside, project_root
from fiscalmodel.tables.files import load
from fiscalmodel.words import Text

MAX_PROBLEMS = 50
_FLAGS = dict.fromkeys(("true", "True", "TRUE", "1"), True) | dict.fromkeys(
    ("false", "False", "FALSE", "0"), False
)
_DECIMAL = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d{1,3})?")
T = TypeVar("T")


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


_kept: dict[Path, tuple[tuple[int, int], dict[str, Any]]] = {}


def once(path: Path, make: Callable[[], T], what: str = "") -> T:
    """What is made of a file of the package, made again only when the file changed."""
    now = _stamp(path)
    if path not in _kept or _kept[path][0] != now:
        _kept[path] = (now, {})
    kept = _kept[path][1]
    if what not in kept:
        kept[what] = make()
    made: T = kept[what]
    return made


def resources(folder: Path | None = None) -> dict[str, Resource]:
    """The tables of the data package by name.

    Raises
    ------
    InputError
        If ``datapackage.json`` is missing or is no data package.
    """
    root = folder or project_root() / "data"
    path = root / "datapackage.json"

    def made() -> dict[str, Resource]:
        content = json.loads(path.read_text(encoding="utf-8"))
        return {item["name"]: _resource(item, root) for item in content["resources"]}

    try:
        return once(path, made)
    except OSError:
        raise InputError("data/datapackage.json", "ground.no_such_file") from None
    except InputError:
        raise
    except (ValueError, KeyError, TypeError) as error:
        raise InputError("data/datapackage.json", "series.no_package", reason=error) from None


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
    stamp(table)
    return once(table.file, lambda: _cells(table)).copy(deep=False)


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
    wanted = table.columns()
    if header != wanted:
        missing = [c for c in wanted if c not in header]
        extra = [c for c in header if c not in wanted]
        what = "series.columns_differ" if missing or extra else "series.columns_in_order"
        raise InputError(f"{table.shown}:1", what, missing=missing or "—", extra=extra or "—")
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
    rules, blank = field.constraints, text.eq("")

    def refuse(
        cells: pd.Series[str],
        key: str,
        hint: Callable[[str], str | Text] = lambda _: "",
        **more: Any,
    ) -> None:
        for line, cell in cells.items():
            _say(found, table, int(str(line)), field.name, key, hint(cell), text=cell, **more)

    if rules.get("required"):
        refuse(text[blank], "ground.missing", name=field.name)
    filled = text[~blank]
    if "enum" in rules:
        allowed = list(map(str, rules["enum"]))
        refuse(filled[~filled.isin(allowed)], "tables.unknown_word",
               lambda cell: did_you_mean(cell, allowed) or known_names(allowed))  # fmt: skip
    if "pattern" in rules:
        fits = filled.map(lambda cell: bool(re.search(rules["pattern"], cell))).astype(bool)
        refuse(filled[~fits], "series.pattern", pattern=rules["pattern"])
    if rules.get("unique"):
        refuse(filled[filled.duplicated()], "series.stands_twice")
    read, wrong, typed = _TYPES.get(field.type, _TYPES["string"])
    values = pd.Series([read(cell) for cell in filled], index=filled.index, dtype=object)
    low, high = rules.get("minimum"), rules.get("maximum")
    for line, cell, value in zip(filled.index, filled, values, strict=True):
        if value is None:
            key = wrong
        elif low is not None and value < low:
            key = "tables.too_low"
        elif high is not None and value > high:
            key = "tables.too_high"
        else:
            continue
        _say(found, table, line, field.name, key, text=cell, value=cell, low=low, high=high)
    return typed(values.reindex(text.index))


def _number(cell: str) -> float | None:
    return float(cell) if _DECIMAL.fullmatch(cell) and isfinite(float(cell)) else None


def _integer(cell: str) -> int | None:
    number = _number(cell)
    return int(number) if number is not None and number.is_integer() else None


def _date(cell: str) -> pd.Timestamp | None:
    plain = re.fullmatch(r"\d{4}-\d{2}-\d{2}", cell)
    day = pd.to_datetime(cell, format="%Y-%m-%d", errors="coerce") if plain else pd.NaT
    return None if pd.isna(day) else day


#: Type of a column -> value of a cell (None where it is none), what is said then, typed column.
_TYPES: dict[str, tuple[Callable[[str], Any], str, Callable[[Any], pd.Series[Any]]]] = {
    "number": (_number, "tables.not_a_number", lambda values: values.astype(float)),
    "integer": (_integer, "series.not_whole",
                lambda values: pd.to_numeric(values, errors="coerce").astype("Int64")),
    "boolean": (_FLAGS.get, "tables.not_a_flag", lambda values: values.astype("boolean")),
    "date": (_date, "ground.not_a_date", pd.to_datetime),
    "string": (str, "", lambda values: values.astype("str")),
}  # fmt: skip
