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

from fiscalmodel import days
from fiscalmodel.debt.ledger import FEN_PER_WAN, Ledger
from fiscalmodel.display import Checked
from fiscalmodel.errors import did_you_mean
from fiscalmodel.findings import Finding, finding
from fiscalmodel.tables.records import Row, TableLike, read_records
from fiscalmodel.words import Text, say

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
_DAYS = ("old_maturity", "bond_start", "disbursed_on", "released_on")
_NUMBERS = ("balance_wan", "old_rate_pct", "bond_tenor_years", "bond_rate_pct", "replaced_wan")


@dataclass(frozen=True, repr=False)
class Register(Checked):
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
    def answer(self) -> Text:
        """How much is in the register, and how much of it is released."""
        done = self.table.loc[self.table["status"].eq("released"), "replaced_fen"].sum()
        return say("debt.register.answer", count=len(self.table), found=len(self.found),
                   total=self.table["replaced_fen"].sum() / FEN_PER_WAN,
                   done=done / FEN_PER_WAN)  # fmt: skip

    @property
    def short(self) -> pd.DataFrame:
        """The register without columns that nobody has filled in."""
        return self.table.drop(columns="replaced_fen").dropna(axis=1, how="all")

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
    headings = {name: (zh,) for name, zh in COLUMNS.items()}
    table = read_records(data, name="register", columns=headings)
    when = None if as_of is None else days.to_date(as_of, where="as_of")
    known = ledger.balances()
    rows = []
    table.need("contract_id", "replaced_wan", "status")
    for line in table:
        row: dict[str, Any] = {name: line.text(name) or None for name in COLUMNS}
        row |= {name: line.day(name, default=None) for name in _DAYS}
        row |= {name: line.number(name, default=float("nan")) for name in _NUMBERS}
        row["replaced_fen"] = line.fen("replaced_wan")
        row["replaced_wan"] = row["replaced_fen"] / FEN_PER_WAN
        row["status"] = line.word("status", "register_status")
        name = row["contract_id"] or ""
        if name not in known:
            line.report("contract_id", "debt.not_in_ledger", did_you_mean(name, known), name=name)
        if not line.blank("replaced_wan") and not row["replaced_fen"] > 0:
            line.report("replaced_wan", "debt.not_positive", text=row["replaced_wan"])
        _evidence(row, line)
        rows.append(row)
    table.done()
    frame = pd.DataFrame(rows, columns=[*COLUMNS, "replaced_fen"])
    checks = (
        *_above(frame, "contract_id", known, "replacement_above_balance"),
        *_bond_links(frame, bonds),
        *_late(frame, when, release_within_days),
    )
    return Register(frame, checks)


def _evidence(row: dict[str, Any], line: Row) -> None:
    """What each status up to the row's own needs must be there."""
    for status, needed in STATUSES.items() if row["status"] else ():
        for name in needed:
            value = row[name]
            if value is None or value != value or value == "":
                reached = say(f"debt.status.{row['status']}")
                line.report(name, "debt.register.evidence", status=reached, name=COLUMNS[name])
        if status == row["status"]:
            break
    if row["disbursed_on"] and row["released_on"] and row["released_on"] < row["disbursed_on"]:
        line.report("released_on", "debt.register.release_early")


def _above(frame: pd.DataFrame, by: str, held: dict[str, int], rule: str) -> Iterable[Finding]:
    for name, amount in frame.groupby(by, sort=False)["replaced_fen"].sum().items():
        if int(amount) > held.get(str(name), 0):
            yield finding(
                rule, str(name), stated=held.get(str(name), 0) / FEN_PER_WAN,
                computed=int(amount) / FEN_PER_WAN,
                said=say("debt.register.above"),
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
                said=say("debt.register.purpose"),
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
                said=say("debt.register.late"),
            )  # fmt: skip
