"""The ledger of statutory bonds 法定债务台账, general and special."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

from fiscalmodel.debt.ledger import (
    FEN_PER_WAN,
    FREQUENCY_OF,
    Ledger,
    check_total,
    fen,
    in_known_words,
    matured,
    unique,
)
from fiscalmodel.debt.ledger_columns import BOND_TEXTS, english
from fiscalmodel.debt.plan_rows import read_contract
from fiscalmodel.debt.plan_tables import Table, TableLike, day, read_rows
from fiscalmodel.errors import Collector
from fiscalmodel.findings import finding
from fiscalmodel.series.findings import Finding
from fiscalmodel.suggest import did_you_mean

BOND_TYPES = {"general": "general", "一般债券": "general", "一般": "general",
              "special": "special", "专项债券": "special", "专项": "special"}  # fmt: skip
PURPOSES = {"new": "new", "新增": "new", "refinancing": "refinancing", "再融资": "refinancing",
            "replacement": "replacement", "置换": "replacement"}  # fmt: skip
_AS_CONTRACT = {"bond_code": "contract_id", "amount_wan": "principal_wan"}


def read_bonds(
    data: TableLike,
    *,
    as_of: Any = None,
    stated_total_wan: float | None = None,
    limits_wan: Mapping[str, float] | None = None,
) -> Ledger:
    """Read and check the ledger of statutory bonds 法定债务台账.

    Parameters
    ----------
    data
        As in `read_hidden_ledger`; ``amount_wan`` is the balance outstanding.
    as_of
        Day of the balances; bonds due on or before it are reported.
    stated_total_wan
        Balance that the ledger must add up to, 万元.
    limits_wan
        ``general`` and ``special`` limits 限额; a balance above one is a
        finding, since published tables sometimes break it.

    Raises
    ------
    InputError
        Every problem of the table at once, each with file and cell.
    """
    found = Collector()
    table = in_known_words(english(read_rows(data, "bonds"), found))
    when = day(as_of, "as_of", found)
    as_contracts, checked = _as_contracts(table), Collector()
    rows: list[dict[str, Any]] = []
    notes: list[Finding] = []
    places: dict[str, str] = {}
    if not table.need(("bond_code", "type", "amount_wan", "rate_pct", "start", "maturity"), found):
        found.raise_if_any()
    for number_, cells in enumerate(table.rows):
        bond = read_contract(as_contracts, number_, checked)
        unique(bond.contract_id, places, table, number_, "bond_code", found)
        if bond.start is None:
            found.add(table.where(number_, "start"), "the start is missing", "write YYYY-MM-DD")
        if when and bond.maturity and bond.maturity <= when:
            notes.append(matured(bond.contract_id, bond.principal))
        row: dict[str, Any] = {name: str(cells.get(name) or "") for name in BOND_TEXTS}
        row |= {
            "bond_code": bond.contract_id,
            "type": _word(cells.get("type"), BOND_TYPES, table, number_, "type", found),
            "purpose": _word(cells.get("purpose"), PURPOSES, table, number_, "purpose", found),
            "amount_wan": bond.principal,
            "rate_pct": bond.rate_pct,
            "start": bond.start,
            "maturity": bond.maturity,
            "repayment": bond.repayment,
            "frequency": FREQUENCY_OF[bond.step or 12],
            "balance_fen": fen(bond.principal, table.where(number_, "amount_wan"), found),
        }
        rows.append(row)
    _in_bond_names(checked, found)
    ledger = Ledger("bond_code", pd.DataFrame(rows), tuple(notes))
    check_total(ledger, stated_total_wan, table.name, found)
    found.raise_if_any()
    return replace(ledger, found=(*notes, *_limits(ledger, limits_wan or {})))


def _as_contracts(table: Table) -> Table:
    """A bond is a contract under other names, so its row is checked by the same rules."""
    columns = tuple(_AS_CONTRACT.get(c, c) for c in table.columns)
    rows = tuple({_AS_CONTRACT.get(c, c): v for c, v in row.items()} for row in table.rows)
    return replace(table, columns=columns, rows=rows)


def _in_bond_names(checked: Collector, found: Collector) -> None:
    """Hand problems on under the bond ledger's own column names."""
    for problem in checked.problems:
        where = problem.where
        for bond, contract in _AS_CONTRACT.items():
            where = where.removesuffix(contract) + bond if where.endswith(contract) else where
        found.add(where, problem.problem.replace("contract", "bond"), problem.hint)


def _word(
    value: Any, words: Mapping[str, str], table: Table, row: int, column: str, found: Collector
) -> str:
    text = str(value or "").strip().lower()
    if text not in words:
        near = did_you_mean(text, words) or f"use one of {', '.join(dict.fromkeys(words.values()))}"
        found.add(table.where(row, column), f"{value!r} is no {column} of a bond", near)
    return words.get(text, "")


def _limits(ledger: Ledger, limits: Mapping[str, float]) -> list[Finding]:
    made = []
    for kind, limit in limits.items():
        held = int(ledger.table.loc[ledger.table["type"].eq(kind), "balance_fen"].sum())
        if held > round(limit * FEN_PER_WAN):
            made.append(
                finding(
                    "debt_limit", kind, stated=limit, computed=held / FEN_PER_WAN,
                    en=f"{kind} debt is above its limit", zh="债务余额超过限额",
                )
            )  # fmt: skip
    return made
