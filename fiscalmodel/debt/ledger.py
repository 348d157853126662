"""Debt ledgers 债务台账: hidden debt by contract, statutory debt by bond, in integer 分.

Reading checks a whole file and tells all its problems at once. What a ledger
says of itself that cannot be right as a sum is an error; what is merely
worrying is a finding.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from fiscalmodel.debt.ledger_columns import HIDDEN_TEXTS, english
from fiscalmodel.debt.plan_rows import read_contract
from fiscalmodel.debt.plan_tables import Table, TableLike, day, flag, number, read_rows
from fiscalmodel.debt.schedule import FREQUENCIES, months_of
from fiscalmodel.errors import Collector, InputError
from fiscalmodel.findings import finding
from fiscalmodel.series.findings import Finding, to_frame

FEN_PER_WAN = 1_000_000
#: Months between two payments -> canonical word.
FREQUENCY_OF = {months: words[0] for months, words in FREQUENCIES.items()}


@dataclass(frozen=True)
class Ledger:
    """A checked ledger.

    Attributes
    ----------
    key
        Name of the id column: ``contract_id`` or ``bond_code``.
    table
        One row a contract or bond, columns of the design, dates as
        `datetime.date`, and ``balance_fen`` as exact integer.
    found
        What a reader should know.
    """

    key: str
    table: pd.DataFrame
    found: tuple[Finding, ...] = ()

    @property
    def total_fen(self) -> int:
        """Sum of all balances, 分."""
        return sum(int(v) for v in self.table["balance_fen"])

    @property
    def total_wan(self) -> float:
        """Sum of all balances, 万元."""
        return self.total_fen / FEN_PER_WAN

    @property
    def findings(self) -> pd.DataFrame:
        """`found` as a frame."""
        return to_frame(self.found)

    def balances(self) -> dict[str, int]:
        """Id -> balance in 分."""
        return {
            str(k): int(v)
            for k, v in zip(self.table[self.key], self.table["balance_fen"], strict=True)
        }


def fen(value: float, where: str, found: Collector) -> int:
    """万元 to integer 分, refused where it is not a whole number of 分."""
    exact = value * FEN_PER_WAN
    if not math.isfinite(exact):
        # What is no number has been reported where it was read.
        if not found.problems:
            found.add(where, f"{value!r} is no amount", "write a number in 万元")
        return 0
    whole = round(exact)
    # A double of this size still tells a hundredth of a 分.
    if abs(exact - whole) > max(1e-3, abs(exact) * 1e-12):
        found.add(where, f"{value!r} 万元 is not a whole number of 分", "at most six decimals")
    return int(whole)


def read_hidden_ledger(
    data: TableLike,
    *,
    as_of: Any = None,
    deadline: Any = None,
    stated_total_wan: float | None = None,
) -> Ledger:
    """Read and check the ledger of hidden debt 隐性债务台账.

    Parameters
    ----------
    data
        Frame, CSV or Excel file, or records; columns of the design or the
        Chinese headers of ``params/labels.yaml``. ``principal_wan`` is the
        balance still owed.
    as_of
        Day of the balances; contracts matured before it and not marked overdue
        are reported.
    deadline
        Day by which hidden debt must be 0; an extension beyond it is an error
        unless the contract stays ``by_contract``.
    stated_total_wan
        Balance that the ledger must add up to, 万元.

    Raises
    ------
    InputError
        Every problem of the table at once, each with file and cell.
    """
    found = Collector()
    table = in_known_words(english(read_rows(data, "ledger"), found))
    rows: list[dict[str, Any]] = []
    notes: list[Finding] = []
    places: dict[str, str] = {}
    when, limit = day(as_of, "as_of", found), day(deadline, "deadline", found)
    if when and limit and limit <= when:
        found.add("deadline", f"{limit} is not after as_of {when}", "check both dates")
    if not table.need(("contract_id", "principal_wan", "rate_pct", "start", "maturity"), found):
        found.raise_if_any()
    for number_, cells in enumerate(table.rows):
        contract = read_contract(table, number_, found)
        unique(contract.contract_id, places, table, number_, "contract_id", found)
        if contract.start is None:
            found.add(table.where(number_, "start"), "the start is missing", "write YYYY-MM-DD")
        extended = contract.extendable_to
        if limit and extended and extended > limit and not contract.by_contract:
            found.add(
                table.where(number_, "extendable_to"),
                f"an extension to {extended} is beyond the deadline {limit}",
                "hidden debt must be 0 on the deadline",
            )
        if when and contract.maturity and contract.maturity <= when and not contract.overdue:
            notes.append(matured(contract.contract_id, contract.principal))
        row: dict[str, Any] = {name: str(cells.get(name) or "") for name in HIDDEN_TEXTS}
        row |= {
            "contract_id": contract.contract_id,
            "principal_wan": contract.principal,
            "rate_pct": contract.rate_pct,
            "start": contract.start,
            "maturity": contract.maturity,
            "repayment": contract.repayment,
            "frequency": FREQUENCY_OF[contract.step or 12],
            "overdue": contract.overdue,
            "litigation": flag(cells.get("litigation"), table.where(number_, "litigation"), found),
            "replaceable": contract.replaceable,
            "prepayable": contract.prepayable,
            "prepay_fee_pct": contract.prepay_fee_pct,
            "extendable_to": contract.extendable_to,
            "min_instalment_wan": contract.minimum,
            "clear_by": contract.clear_by,
            "by_contract": contract.by_contract,
            "balance_fen": fen(contract.principal, table.where(number_, "principal_wan"), found),
        }
        rows.append(row)
    ledger = Ledger("contract_id", pd.DataFrame(rows), tuple(notes))
    check_total(ledger, stated_total_wan, table.name, found)
    found.raise_if_any()
    return ledger


def in_known_words(table: Table) -> Table:
    """The table with each frequency in its canonical word; unknown ones stay, to be reported."""

    def canonical(value: Any) -> Any:
        try:
            return FREQUENCY_OF[months_of(value)]
        except InputError:
            return value

    rows = tuple(
        row | {"frequency": canonical(row["frequency"])}
        if row.get("frequency") is not None
        else row
        for row in table.rows
    )
    return replace(table, rows=rows)


def unique(
    name: str, places: dict[str, str], table: Table, row: int, column: str, found: Collector
) -> None:
    """Report an id that stands in the table twice."""
    if name and name in places:
        found.add(
            table.where(row, column),
            f"{name!r} stands already at {places[name]}",
            "each needs its own id",
        )
    places.setdefault(name, table.where(row))


def matured(name: str, amount: float) -> Finding:
    """Debt that was due and is still owed."""
    return finding(
        "matured", name, computed=amount, severity="warning",
        en="due on or before the day of the balances and still owed",
        zh="在余额日之前已到期，仍有余额",
    )  # fmt: skip


def check_total(ledger: Ledger, stated: float | None, name: str, found: Collector) -> None:
    """Report a ledger that does not add up to the balance stated."""
    if stated is None or found.problems:
        return
    wanted = number(stated, "stated_total_wan", found)
    gap = ledger.total_fen - fen(wanted, "stated_total_wan", found)
    if gap:
        found.add(
            name,
            f"the rows add up to {ledger.total_wan:,.6f} 万元, the stated balance is "
            f"{wanted:,.6f} (difference {gap / FEN_PER_WAN:,.6f})",
            "find the missing or doubled row",
        )
