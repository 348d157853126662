"""Column names of the ledgers, and the Chinese headers that mean them."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

from fiscalmodel.debt.plan_tables import Table
from fiscalmodel.errors import Collector, InputError
from fiscalmodel.paths import project_root
from fiscalmodel.yamlio import load_yaml

HIDDEN_TEXTS = ("debtor", "creditor", "category", "project")
BOND_TEXTS = ("project",)


@cache
def _headers() -> dict[str, str]:
    """Chinese header -> column name, from ``params/labels.yaml``."""
    try:
        path = project_root() / "params" / "words" / "labels.yaml"
    except InputError:
        return {}
    if not path.is_file():
        return {}
    data: Any = load_yaml(path)[0]
    words: dict[str, str] = {}
    for name, entry in data["columns"].items():
        also = entry.get("also", [])
        for header in (entry.get("zh"), *(also if isinstance(also, list) else [also])):
            if header:
                words[_plain(header)] = name
    return words


def _plain(header: str) -> str:
    """A header without blanks and with plain brackets, so that （万元） and (万元) are one."""
    return "".join(header.split()).replace("(", "（").replace(")", "）")


def english(table: Table, found: Collector) -> Table:
    """The table with Chinese headers put into the column names of the design.

    Two headers that mean one column are reported.
    """
    headers = _headers()
    names = [headers.get(_plain(c), c) for c in table.columns]
    for name in sorted({n for n in names if names.count(n) > 1}):
        twice = [c for c, n in zip(table.columns, names, strict=True) if n == name]
        found.add(
            table.name, f"columns {' and '.join(map(repr, twice))} are both {name}", "keep one"
        )
    rows = tuple(
        {n: row[c] for c, n in zip(table.columns, names, strict=True)} for row in table.rows
    )
    return replace(table, columns=tuple(names), rows=rows)
