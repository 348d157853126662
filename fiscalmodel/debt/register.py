"""The replacement register 置换台账: from the batch to the certificate of release, closed loop.

One row a contract and bond. A row moves planned → batched → issued → disbursed
→ released, and each step needs its own evidence; the loop is closed when the
creditor has released the old debt.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from fiscalmodel.debt.ledger import FEN_PER_WAN, Ledger, fen
from fiscalmodel.debt.ledger_columns import english
from fiscalmodel.debt.plan_tables import Table, TableLike, day, number, read_rows
from fiscalmodel.errors import Collector
from fiscalmodel.findings import finding
from fiscalmodel.series.findings import Finding, to_frame
from fiscalmodel.suggest import did_you_mean

#: Column -> Chinese heading of the register, in its order.
COLUMNS: dict[str, str] = {
    "order": "顺序",
    "contract_id": "债务编号",
    "debtor": "债务人",
    "creditor": "债权人",
    "original_contract": "原合同号",
    "project": "项目",
    "balance_wan": "余额（万元）",
    "old_rate_pct": "原利率（%）",
    "old_maturity": "原到期日",
    "system_no": "隐债系统编号",
    "batch": "批次",
    "bond_name": "再融资债券名称",
    "bond_code": "债券代码",
    "bond_tenor_years": "债券期限（年）",
    "bond_rate_pct": "债券利率（%）",
    "bond_start": "起息日",
    "replaced_wan": "置换金额（万元）",
    "disbursed_on": "资金拨付日",
    "released_on": "债权解除日",
    "release_certificate": "债权解除凭证",
    "basis": "依据",
    "status": "状态",
}
#: Status -> what it needs beside what the one before needs.
STATUSES: dict[str, tuple[str, ...]] = {
    "planned": ("contract_id", "replaced_wan"),
    "batched": ("batch",),
    "issued": ("bond_code", "bond_rate_pct", "bond_start"),
    "disbursed": ("disbursed_on",),
    "released": ("released_on", "release_certificate"),
}
STATUS_ZH = {
    "planned": "计划",
    "batched": "已列入批次",
    "issued": "债券已发行",
    "disbursed": "资金已拨付",
    "released": "债权已解除",
}
_WORDS = {**{s: s for s in STATUSES}, **{zh: s for s, zh in STATUS_ZH.items()}}
_DAYS = ("old_maturity", "bond_start", "disbursed_on", "released_on")
_NUMBERS = ("balance_wan", "old_rate_pct", "bond_tenor_years", "bond_rate_pct", "replaced_wan")


@dataclass(frozen=True)
class Register:
    """A checked register.

    Attributes
    ----------
    table
        Columns of `COLUMNS`, and ``replaced_fen`` as exact integer.
    found
        Broken links: money out without a release, more replaced than owed or
        than the bond carries.
    """

    table: pd.DataFrame
    found: tuple[Finding, ...] = ()

    @property
    def findings(self) -> pd.DataFrame:
        """`found` as a frame."""
        return to_frame(self.found)

    @property
    def closed(self) -> bool:
        """Whether every row has reached the certificate of release."""
        return bool(self.table["status"].eq("released").all())

    def open_rows(self) -> pd.DataFrame:
        """Rows whose loop is not closed."""
        return self.table[self.table["status"].ne("released")].reset_index(drop=True)

    def by_batch(self) -> pd.DataFrame:
        """Amount of each batch by status, 分, with its total."""
        wide = self.table.pivot_table(
            index="batch", columns="status", values="replaced_fen", aggfunc="sum", fill_value=0
        ).reindex(columns=list(STATUSES), fill_value=0)
        wide["total_fen"] = wide.sum(axis=1)
        return wide.rename_axis(columns=None).reset_index()

    def events(self) -> pd.DataFrame:
        """Replacement events of what was disbursed, for the roll-forward of hidden debt."""
        done = self.table[self.table["status"].isin(["disbursed", "released"])]
        return pd.DataFrame(
            {
                "contract_id": done["contract_id"],
                "date": done["disbursed_on"],
                "event": "replacement",
                "amount_wan": done["replaced_wan"],
            }
        ).reset_index(drop=True)


def read_register(
    data: TableLike,
    *,
    ledger: Ledger,
    bonds: Ledger | None = None,
    as_of: Any = None,
    release_within_days: int = 30,
) -> Register:
    """Read a register and check it against the ledger and the bonds.

    Parameters
    ----------
    data
        Frame, CSV or Excel file, or records with the columns or Chinese
        headings of `COLUMNS`.
    ledger
        Hidden debt, with the balances before the replacement.
    bonds
        Statutory bonds; a bond of the register must be among them.
    as_of
        Day of the check; without it nothing is overdue.
    release_within_days
        Days from disbursement after which a missing release is a finding.

    Raises
    ------
    InputError
        All problems at once: unknown contracts, statuses, days and amounts that
        cannot be read, evidence that the status needs and the row lacks.
    """
    found = Collector()
    table = english(_in_english(read_rows(data, "register")), found)
    if not table.need(("contract_id", "replaced_wan", "status"), found):
        found.raise_if_any()
    when = day(as_of, "as_of", found)
    known = ledger.balances()
    rows = []
    for number_, cells in enumerate(table.rows):
        row: dict[str, Any] = {name: cells.get(name) for name in COLUMNS}
        for name in _DAYS:
            row[name] = day(row[name], table.where(number_, name), found)
        for name in _NUMBERS:
            row[name] = number(row[name], table.where(number_, name), found)
        word = str(row["status"] or "").strip()
        row["status"] = _WORDS.get(word, "")
        if not row["status"]:
            hint = did_you_mean(word, _WORDS) or f"use one of {', '.join(STATUSES)}"
            found.add(table.where(number_, "status"), f"unknown status {word!r}", hint)
        name = str(row["contract_id"] or "")
        if name not in known:
            found.add(
                table.where(number_, "contract_id"), f"{name!r} is not in the ledger",
                did_you_mean(name, known),
            )  # fmt: skip
        if not row["replaced_wan"] > 0:
            found.add(table.where(number_, "replaced_wan"), "the amount is missing or not positive")
            row["replaced_fen"] = 0
        else:
            row["replaced_fen"] = fen(
                row["replaced_wan"], table.where(number_, "replaced_wan"), found
            )
        _evidence(row, table, number_, found)
        rows.append(row)
    found.raise_if_any()
    frame = pd.DataFrame(rows, columns=[*COLUMNS, "replaced_fen"])
    checks = (
        *_above(frame, "contract_id", known, "replacement_above_balance"),
        *_bond_links(frame, bonds),
        *_late(frame, when, release_within_days),
    )
    return Register(frame, checks)


def _in_english(table: Table) -> Table:
    headings = {zh: name for name, zh in COLUMNS.items()}
    names = tuple(headings.get(c, c) for c in table.columns)
    rows = tuple({n: r[c] for c, n in zip(table.columns, names, strict=True)} for r in table.rows)
    return Table(table.name, rows, names, table.first_line, table.is_file, table.sheet)


def _evidence(row: dict[str, Any], table: Table, number_: int, found: Collector) -> None:
    """What each status up to the row's own needs must be there."""
    if not row["status"]:
        return
    for status, needed in STATUSES.items():
        for name in needed:
            if row[name] is None or row[name] != row[name] or row[name] == "":
                found.add(
                    table.where(number_, name),
                    f"status {row['status']} needs {name} ({COLUMNS[name]})",
                    "fill it in, or put the status back",
                )
        if status == row["status"]:
            break
    if row["disbursed_on"] and row["released_on"] and row["released_on"] < row["disbursed_on"]:
        found.add(table.where(number_, "released_on"), "the release is before the disbursement")


def _above(frame: pd.DataFrame, by: str, held: dict[str, int], rule: str) -> Iterable[Finding]:
    for name, amount in frame.groupby(by, sort=False)["replaced_fen"].sum().items():
        if int(amount) > held.get(str(name), 0):
            yield finding(
                rule, str(name), stated=held.get(str(name), 0) / FEN_PER_WAN,
                computed=int(amount) / FEN_PER_WAN,
                en="more is replaced than there is", zh="置换金额超过可置换的余额或债券金额",
            )  # fmt: skip


def _bond_links(frame: pd.DataFrame, bonds: Ledger | None) -> Iterable[Finding]:
    used = frame[frame["bond_code"].notna()]
    if bonds is None or used.empty:
        return
    held = bonds.balances()
    yield from _above(used, "bond_code", held, "replacement_above_bond")
    purposes = dict(zip(bonds.table["bond_code"], bonds.table["purpose"], strict=True))
    for code in dict.fromkeys(used["bond_code"]):
        if purposes.get(code) == "new":
            yield finding(
                "replacement_bond_purpose", str(code), severity="warning",
                en="a bond for new projects is used for replacement; only special bonds set "
                "aside for debt may be",
                zh="新增债券用于置换，须为安排用于化债的特殊新增专项债券",
            )  # fmt: skip


def _late(frame: pd.DataFrame, when: dt.date | None, days: int) -> Iterable[Finding]:
    if when is None:
        return
    waiting = frame[frame["status"].eq("disbursed")]
    for name, paid in zip(waiting["contract_id"], waiting["disbursed_on"], strict=True):
        since = (when - paid).days
        if since > days:
            yield finding(
                "release_missing", str(name), stated=float(days), computed=float(since),
                severity="warning", unit="天",
                en="money was paid out and the old debt is not yet released",
                zh="资金已拨付，尚未取得债权解除凭证",
            )  # fmt: skip
