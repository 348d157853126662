"""The data that a scenario names: which keys name some, where they stand, what they are.

A reference is a name of the catalogue, a file, or ``{file, sheet, unit, row or column}``.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fiscalmodel.errors import InputError, did_you_mean
from fiscalmodel.paths import inside
from fiscalmodel.yamlio import KeyPath

#: Endings of tables that a scenario may name.
TABLES = (".csv", ".xlsx", ".xlsm", ".xls", ".xlsb", ".ods", ".et")
#: Keys that name a table -> kind of table: see ``params/words/headers.yaml``.
TABLE_KEYS: Mapping[str, str] = {
    "debt.ledger": "debt",
    "debt.sources": "funding",
    **{f"debt.{k}": k for k in ("quotas", "bonds", "claims", "limits", "custom")},
    **dict.fromkeys((f"commissions.{k}" for k in ("receipts", "relations", "payments")),
                    "commissions"),
    "budgets.accounts": "accounts",
    **dict.fromkeys((f"medium_term.{k}" for k in ("lines", "changes", "last_plan", "outturn")),
                    "plan_lines"),
    "medium_term.flows": "plan_flows",
    "medium_term.measures": "plan_measures",
    "guardrails.amounts": "guardrails",
    "sanbao.months": "sanbao",
    "sanbao.cash": "cash",
    "sanbao.flows": "flows",
    "projects.pool": "projects",
    "projects.assess": "assessed",
    "projects.executed": "executed",
    "idle.funds": "idle",
    "idle.cuts": "cuts",
    "special_bonds.projects": "bond_projects",
    "special_bonds.income": "bond_income",
}  # fmt: skip
#: Keys that name a series.
SERIES_KEYS = (
    "revenue.series", "revenue.items.*.series", "revenue.nowcast.series",
    "revenue.drivers", "revenue.nowcast.plan", "revenue.nowcast.items.*", "balance.*_wan",
    "balance.*_wan.*", "expenditure.amount_wan", "expenditure.amount_wan.*",
    "expenditure.progress.series", "expenditure.progress.items.*",
)  # fmt: skip


@dataclass(frozen=True)
class Place:
    """A file that was found, and where in it the data stand."""

    file: Path
    sheet: str | None = None
    unit: str | None = None
    row: str | None = None
    column: str | None = None

    def table(self) -> Path | dict[str, Any]:
        """As a table argument."""
        inner = {"sheet": self.sheet, "unit": self.unit}
        stated = {name: value for name, value in inner.items() if value is not None}
        return {"file": self.file, **stated} if stated else self.file

    def series(self) -> dict[str, Any]:
        """As arguments of `read_series`."""
        column = self.row if self.row is not None else self.column
        return {"path": self.file, "sheet": self.sheet, "unit": self.unit, "column": column}

    def __str__(self) -> str:
        return f"{self.file.name}[{self.sheet}]" if self.sheet else self.file.name


def is_series_key(key: str) -> bool:
    """Whether a key names a series and no table."""
    return any(fnmatch.fnmatchcase(key, pattern) for pattern in SERIES_KEYS)


def references(data: Any, above: KeyPath = ()) -> Iterator[tuple[KeyPath, Any]]:
    """Key path and value of everything that names data, as it stands in the file."""
    key = ".".join(map(str, above))
    names_data = isinstance(data, str) or (isinstance(data, Mapping) and "file" in data)
    if names_data and (key in TABLE_KEYS or is_series_key(key)):
        yield above, data
        return
    inner: Any = ()
    if isinstance(data, Mapping):
        inner = data.items()
    elif isinstance(data, list):
        inner = enumerate(data)
    for name, value in inner:
        yield from references(value, (*above, name))


def place_of(path: KeyPath, value: Any, beside: Path, root: Path, *, where: str) -> Place | None:
    """The place that a reference names; None for a series of the catalogue.

    Raises
    ------
    InputError
        If the file cannot be used (see `resolve_data`), or a row is named in a table.
    """
    series = is_series_key(".".join(map(str, path)))
    if isinstance(value, str):
        if series and Path(value).suffix.lower() not in TABLES:
            return None
        return Place(resolve_data(value, beside, root, where=where))
    given = {k: v for k, v in value.items() if isinstance(v, str)}
    if not series and ("row" in given or "column" in given):
        raise InputError(where, "scenario.table_is_whole")
    if "file" not in given or set(given) - {"file", "sheet", "unit", "row", "column"}:
        return None  # the schema says what is wrong
    file = resolve_data(given.pop("file"), beside, root, where=where)
    return Place(file, **given)


def resolve_data(value: str, beside: Path, root: Path, *, where: str) -> Path:
    """A data file named in a scenario: beside the scenario, or in the project.

    Raises
    ------
    InputError
        If it is absolute, leaves both folders, or does not exist.
    """
    if Path(value).is_absolute() or "\\" in value or value[1:2] == ":":
        raise InputError(where, "scenario.file_not_relative", path=value)
    places = [
        root,
        *([beside] if root not in beside.parents else [root / beside.relative_to(root)]),
    ]
    for folder in places:
        target = (folder / value).resolve()
        fence = root if root in target.parents else beside
        if fence in target.parents and target.is_file():
            return target
    inside(root, value, where=where)
    known = (
        p for p in (root / "data").rglob("*") if p.suffix.lower() in TABLES and p.name[:2] != "~$"
    )
    near = did_you_mean(value, [p.relative_to(root).as_posix() for p in known])
    raise InputError(where, "scenario.file_missing", near, path=value)
