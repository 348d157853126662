"""The example row of the series templates, so that it is never taken for data."""

from __future__ import annotations

from fiscalmodel.errors import InputError
from fiscalmodel.numerals import printed
from fiscalmodel.series.template_spec import EXAMPLE_NOTE, TEMPLATES
from fiscalmodel.tables import vocab
from fiscalmodel.tables.table import Table

_KINDS = ("revenue", "monthly", "budget")
#: Cells that tell the example: one that was overwritten makes the row the office's own.
_TELLING = ("region", "indicator", "period", "value")


def column_of(table: Table, name: str) -> str:
    """Header of `table` under which the column `name` stands, or empty."""
    headers = {vocab.bare(h) for h in vocab.headers_of(name)}
    return next((c for c in table.frame.columns if vocab.bare(c) in headers), "")


def example_rows(table: Table) -> set[int]:
    """Positions of rows that are a series template's example, unchanged.

    The note marks the row, and region, item, period and value must be the example's.

    Raises
    ------
    InputError
        If nothing else is filled in.
    """
    note = column_of(table, "note")
    if not note:
        return set()
    at = {name: column_of(table, name) for name in _TELLING}
    found = set()
    for i, text in enumerate(table.stored[note]):
        if printed(text).strip().startswith(EXAMPLE_NOTE):
            row = {k: printed(table.stored[c][i]).strip() for k, c in at.items() if c}
            if any(_same(row, kind) for kind in _KINDS):
                found.add(i)
    filled = [i for i in range(len(table)) if at["value"] and _filled(table, i, at["value"])]
    if found and not set(filled) - found:
        raise InputError(
            f"{table.file}[{table.sheet}]" if table.sheet else table.file,
            "only the example row is filled in",
            "write your own figures below it, or over it",
        )
    return found


def _filled(table: Table, row: int, value: str) -> bool:
    return bool(printed(table.stored[value][row]).strip())


def _same(row: dict[str, str], kind: str) -> bool:
    wanted = {f.name: printed(f.example) for f in TEMPLATES[kind]}
    return all(text.replace(",", "").removesuffix(".00") == wanted[k] for k, text in row.items())
