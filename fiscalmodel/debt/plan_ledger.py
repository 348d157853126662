"""The ledger of hidden debt as a plan reads it: contracts with what they still owe, and when."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from fiscalmodel.debt.ledger_columns import english
from fiscalmodel.debt.plan_periods import add_months
from fiscalmodel.debt.plan_rows import Contract, read_contract
from fiscalmodel.debt.plan_tables import TableLike, day, number, read_rows
from fiscalmodel.debt.plan_words import Note
from fiscalmodel.errors import Collector

#: Ledger and stated balance may differ by half a unit of the second decimal.
TOTAL_TOLERANCE_WAN = 0.005


def read_ledger(
    data: TableLike,
    custom: TableLike | None,
    as_of: dt.date,
    deadline: dt.date,
    stated: float | None,
    found: Collector,
    notes: list[Note],
) -> tuple[Contract, ...]:
    table = english(read_rows(data, "ledger"), found)
    if not table.need(("contract_id", "principal_wan", "rate_pct"), found):
        return ()
    if "prepayable" not in table.columns and table.rows:
        notes.append(
            Note(
                "台账没有“可提前偿还”一列：各笔债务均不提前偿还。",
                "The ledger has no column prepayable: nothing is repaid before it is due.",
            )
        )
    dates = _custom(custom, found)
    contracts: list[Contract] = []
    seen: dict[str, str] = {}
    for row in range(len(table.rows)):
        c = read_contract(table, row, found)
        if c.contract_id and c.contract_id in seen:
            found.add(
                table.where(row, "contract_id"),
                f"contract {c.contract_id!r} stands already at {seen[c.contract_id]}",
                "each contract needs its own id",
            )
        seen.setdefault(c.contract_id, table.where(row))
        limit = min(deadline, c.clear_by or deadline)
        if c.extendable_to and c.extendable_to > limit and not c.by_contract:
            what = "the deadline" if limit == deadline else "clear_by"
            found.add(
                table.where(row, "extendable_to"),
                f"an extension to {c.extendable_to} is beyond {what} {limit}",
                "hidden debt may not be extended beyond the day by which it must be 0",
            )
        if c.extendable_to and c.maturity and c.extendable_to < c.maturity:
            found.add(
                table.where(row, "extendable_to"),
                f"extension to {c.extendable_to} is before maturity {c.maturity}",
                "check both dates",
            )
        if c.clear_by and c.clear_by > deadline:
            found.add(
                table.where(row, "clear_by"),
                f"clear_by {c.clear_by} is after the deadline {deadline}",
                "a contract may be cleared earlier than the deadline, not later",
            )
        elif c.clear_by and c.clear_by < as_of:
            found.add(
                table.where(row, "clear_by"), f"clear_by {c.clear_by} is before as_of {as_of}", ""
            )
        matured = None if c.overdue or not c.principal > 0 else c.maturity
        if matured and matured < as_of and table.rows[row].get("overdue") is not None:
            found.add(
                table.where(row, "maturity"),
                f"{c.maturity}早于余额日{as_of}，已过到期日但未标逾期 / "
                f"{c.maturity} is past its maturity on {as_of} but not marked overdue",
                "correct the date or mark it overdue",
            )
        elif matured and matured <= as_of:
            notes.append(
                Note(
                    f"{c.contract_id}：{c.maturity}已到期，早于余额日，按逾期处理",
                    f"{c.contract_id}: matured {c.maturity}, before as_of; taken as overdue",
                )
            )
            c = replace(c, overdue=True)
        contracts.append(_with_instalments(c, dates, as_of, found))
    for name in dates:
        if name not in seen:
            found.add("custom", f"contract {name!r} is not in the ledger", "check the contract id")
    if stated is not None:
        total = sum(c.principal for c in contracts)
        if not abs(total - stated) <= TOTAL_TOLERANCE_WAN:
            found.add(
                table.name,
                f"contracts add up to {total:,.2f} 万元, the stated balance is {stated:,.2f} "
                f"(difference {total - stated:,.2f})",
                "find the missing or doubled contract",
            )
    return tuple(contracts)


def _custom(
    data: TableLike | None, found: Collector
) -> dict[str, list[tuple[dt.date, float, str]]]:
    table = read_rows(data, "custom")
    dates: dict[str, list[tuple[dt.date, float, str]]] = {}
    if not table.need(("contract_id", "date", "principal_wan"), found):
        return dates
    for row, cells in enumerate(table.rows):
        date = day(cells["date"], table.where(row, "date"), found)
        amount = number(cells["principal_wan"], table.where(row, "principal_wan"), found)
        if date is None or not amount >= 0:
            found.add(table.where(row), "needs a date and an amount of 0 or more", "")
            continue
        dates.setdefault(str(cells["contract_id"]), []).append((date, amount, table.where(row)))
    return dates


def _with_instalments(
    c: Contract,
    dates: dict[str, list[tuple[dt.date, float, str]]],
    as_of: dt.date,
    found: Collector,
) -> Contract:
    """The contract with the dated principal that it still owes."""
    if c.repayment == "custom" or c.contract_id in dates:
        ahead = sorted((d, a) for d, a, _ in dates.get(c.contract_id, []) if d > as_of)
        total = sum(a for _, a in ahead)
        if abs(total - c.principal) > TOTAL_TOLERANCE_WAN and not c.overdue:
            found.add(
                c.where,
                f"custom dates after as_of add up to {total:,.2f}, "
                f"the principal is {c.principal:,.2f}",
                "give every principal date in the table contract_id, date, principal_wan",
            )
        last = ahead[-1][0] if ahead else c.maturity
        return replace(c, instalments=tuple(ahead), repayment="custom", maturity=last)
    if c.repayment == "bullet" or c.maturity is None or c.overdue:
        return c
    step = c.step or 12
    days: list[dt.date] = []
    k = 0
    while (date := add_months(c.maturity, -step * k)) > as_of and (not c.start or date > c.start):
        days.append(date)
        k += 1
    n, i = len(days), c.rate_pct / 100 * step / 12
    if c.repayment == "equal_principal" or i == 0:
        parts = [c.principal / n] * n
    else:
        # Equal instalments: each principal part is (1 + i) times the one before.
        first = c.principal * i / ((1 + i) ** n - 1)
        parts = [first * (1 + i) ** j for j in range(n)]
    return replace(c, instalments=tuple(zip(reversed(days), parts, strict=True)))
