"""What goes into a clearance plan, checked as a whole: every problem at once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fiscalmodel.debt.ledger_columns import english
from fiscalmodel.debt.plan_ledger import read_ledger
from fiscalmodel.debt.plan_periods import MONTHS, parse_period
from fiscalmodel.debt.plan_rows import (
    Contract,
    Quota,
    Source,
    read_quota,
    read_source,
)
from fiscalmodel.debt.plan_tables import TableLike, day, number, read_rows
from fiscalmodel.debt.plan_words import Note
from fiscalmodel.errors import Collector

RULES = ("least_cost", "highest_rate_first", "earliest_maturity_first", "pro_rata", "given")
#: Debt of shantytown renovation due from this day on is repaid by contract:
#: package of 8 November 2024 (Standing Committee of the National People's Congress).
BY_CONTRACT_FROM = dt.date(2029, 1, 1)
#: A plan is not made for longer than this.
LONGEST_YEARS = 40


@dataclass(frozen=True)
class PlanInput:
    """Checked input of one plan."""

    contracts: tuple[Contract, ...]
    staying: tuple[Contract, ...]
    sources: tuple[Source, ...]
    quotas: tuple[Quota, ...]
    as_of: dt.date
    deadline: dt.date
    frequency: str
    day_count: str
    rule: str
    discount_pct: float
    capitalise: bool
    minimums: bool
    statutory: float
    headroom: float | None
    reserved: tuple[tuple[dt.date, dt.date, float], ...]
    given: tuple[tuple[dt.date, str, float, str], ...]
    notes: tuple[Note, ...]


def check_input(
    ledger: TableLike,
    sources: TableLike,
    quotas: TableLike | None,
    *,
    as_of: Any,
    deadline: Any,
    rule: str,
    discount_pct: float,
    frequency: str,
    day_count: str,
    reserved: TableLike | Mapping[Any, float] | None,
    given: TableLike | None,
    custom: TableLike | None,
    minimums: bool,
    capitalise: bool,
    stated_total_wan: float | None,
    statutory_wan: float,
    special_headroom_wan: float | None,
) -> PlanInput:
    """Read and check all tables and options; see `plan_clearance` for their meaning.

    Raises
    ------
    InputError
        With every problem found, each with its file and cell.
    """
    found = Collector()
    notes: list[Note] = []
    start = day(as_of, "as_of", found)
    end = day(deadline, "deadline", found)
    if as_of is None or end is None or start is None:
        found.add("as_of, deadline", "both dates are needed", "as_of='2026-01-01'")
        start, end = start or dt.date(2000, 1, 1), end or dt.date(2100, 1, 1)
    elif end <= start:
        found.add("deadline", f"{end} is not after as_of {start}", "check both dates")
    elif end.year - start.year > LONGEST_YEARS:
        found.add("deadline", f"{end} is more than {LONGEST_YEARS} years away", "check the year")
    discount = _options(rule, frequency, day_count, discount_pct, given is not None, found)
    stated = _optional(stated_total_wan, "stated_total_wan", found)
    statutory = _optional(statutory_wan, "statutory_wan", found) or 0.0
    headroom = _optional(special_headroom_wan, "special_headroom_wan", found)

    contracts = read_ledger(ledger, custom, start, end, stated, found, notes)
    lines = _sources(sources, contracts, end, found, notes)
    allowances = _quotas(quotas, found)
    reserve = _reserved(reserved, found)
    orders = _given(given, contracts, start, end, found)
    found.raise_if_any()

    staying = tuple(
        c for c in contracts if c.by_contract and c.maturity and c.maturity >= BY_CONTRACT_FROM
    )
    for c in contracts:
        if c.by_contract and c not in staying:
            notes.append(
                Note(
                    f"{c.contract_id}：不是{BY_CONTRACT_FROM.year}年及以后到期，不能按合同保留，一并清零",
                    f"{c.contract_id}: not due in {BY_CONTRACT_FROM.year} or later, so cleared "
                    "with the rest although marked by_contract",
                )
            )
    if capitalise:
        notes.append(
            Note(
                "未付利息计入本金：这属于新增隐性债务，为制度所禁止，仅供比较。",
                "Unpaid interest is added to the debt (capitalise): that would be new hidden debt "
                "(新增隐性债务), which the rules forbid; for comparison only.",
            )
        )
    if reserved is None:
        notes.append(
            Note(
                "未另行扣除“三保”需要，资金来源视为扣除后的数额。",
                "Sources are taken as net of the 三保 need (no reservation was given).",
            )
        )
    return PlanInput(
        contracts=tuple(c for c in contracts if c not in staying),
        staying=staying, sources=lines, quotas=allowances, as_of=start, deadline=end,
        frequency=frequency, day_count=day_count, rule=rule, discount_pct=discount,
        capitalise=capitalise, minimums=minimums, statutory=statutory,
        headroom=headroom,
        reserved=reserve, given=orders, notes=tuple(notes),
    )  # fmt: skip


def _optional(value: Any, name: str, found: Collector) -> float | None:
    """An amount of 0 or more, or None where none is given."""
    if value is None:
        return None
    amount = number(value, name, found)
    if amount < 0:
        found.add(name, f"{value!r} is no amount of 0 or more", "write 万元")
    return amount


def _options(
    rule: str, frequency: str, day_count: str, discount: Any, given: bool, found: Collector
) -> float:
    """Report options that are not known; the discount rate as a number."""
    if rule not in RULES:
        found.add("rule", f"{rule!r} is not known", f"one of {', '.join(RULES)}")
    if frequency not in MONTHS:
        found.add("frequency", f"{frequency!r} is not known", f"one of {', '.join(MONTHS)}")
    if day_count not in ("twelfths", "ACT/365"):
        found.add("day_count", f"{day_count!r} is not known", "one of twelfths, ACT/365")
    pct = number(discount, "discount_pct", found, 0.0)
    if pct < 0 or pct > 30 or 0 < pct < 0.2:
        found.add("discount_pct", f"{pct:g} % is no discount rate", "write percent, as 3.0")
    if rule == "given" and not given:
        found.add("given", "rule 'given' needs a table", "columns period, contract_id, amount_wan")
    return pct


def _sources(
    data: TableLike,
    contracts: tuple[Contract, ...],
    deadline: dt.date,
    found: Collector,
    notes: list[Note],
) -> tuple[Source, ...]:
    table = english(read_rows(data, "sources"), found)
    if not table.need(("source_id", "period", "cap_wan"), found):
        return ()
    known = {c.contract_id for c in contracts} | {c.category for c in contracts}
    seen: dict[tuple[Any, ...], str] = {}
    lines: list[Source] = []
    for row in range(len(table.rows)):
        s = read_source(table, row, found)
        key = (s.source_id, s.first, s.last, s.earmark, s.available_from)
        if key in seen:
            found.add(
                table.where(row),
                f"source {s.source_id!r} has two rows for {s.period} (see {seen[key]})",
                "add them up, or give each its own id",
            )
        seen.setdefault(key, table.where(row))
        for mark in s.earmark:
            if mark not in known:
                found.add(
                    table.where(row, "earmark"),
                    f"{mark!r} is neither a contract nor a category of the ledger",
                    "earmarks are contract ids or categories, separated by ';'",
                )
        arrives = s.available_from
        if arrives is not None and arrives > deadline >= s.last:
            found.add(
                table.where(row, "available_from"),
                f"{arrives} is after the end of its period {s.period} ({s.last}) and "
                f"after the deadline {deadline}: this money would never be used",
                "correct the date or the period, or leave the row out",
            )
        elif arrives is not None and s.last < arrives <= deadline and s.cap > 0:
            notes.append(
                Note(
                    f"{s.source_id} {s.period}：可用起始日{arrives}晚于其所属期间末"
                    f"{s.last}，自该日所在时段起使用",
                    f"{s.source_id} {s.period}: available_from {arrives} is after its "
                    f"period's end {s.last}; used from that day's period on",
                )
            )
        lines.append(s)
    return tuple(lines)


def _quotas(data: TableLike | None, found: Collector) -> tuple[Quota, ...]:
    table = english(read_rows(data, "quotas"), found)
    if not table.need(("period", "quota_wan", "rate_pct"), found):
        return ()
    quotas = tuple(read_quota(table, row, found) for row in range(len(table.rows)))
    for row, q in enumerate(quotas):
        if q.available_from is not None and q.available_from > q.last:
            found.add(
                table.where(row, "available_from"),
                f"{q.available_from} is after the end of its period {q.period} ({q.last})",
                "a quota is usable inside its period; correct the date or the period",
            )
    return quotas


def _reserved(
    data: TableLike | Mapping[Any, float] | None, found: Collector
) -> tuple[tuple[dt.date, dt.date, float], ...]:
    if isinstance(data, Mapping):
        data = [{"period": k, "need_wan": v} for k, v in data.items()]
    table = read_rows(data, "reserved")
    if not table.need(("period", "need_wan"), found):
        return ()
    needs = []
    for row, cells in enumerate(table.rows):
        window = parse_period(cells["period"])
        need = number(cells["need_wan"], table.where(row, "need_wan"), found)
        if window is None:
            found.add(table.where(row, "period"), f"{cells['period']!r} is no period", "write 2027")
        elif not need >= 0:
            found.add(table.where(row, "need_wan"), "the need is missing or negative", "in 万元")
        else:
            needs.append((*window, need))
    return tuple(needs)


def _given(
    data: TableLike | None,
    contracts: tuple[Contract, ...],
    as_of: dt.date,
    deadline: dt.date,
    found: Collector,
) -> tuple[tuple[dt.date, str, float, str], ...]:
    table = read_rows(data, "given")
    if not table.need(("period", "contract_id", "amount_wan"), found):
        return ()
    known = {c.contract_id for c in contracts}
    orders = []
    for row, cells in enumerate(table.rows):
        window = parse_period(cells["period"])
        name, use = str(cells["contract_id"]), str(cells.get("use") or "principal")
        amount = number(cells["amount_wan"], table.where(row, "amount_wan"), found)
        if window is None:
            found.add(table.where(row, "period"), f"{cells['period']!r} is no period", "write 2027")
            continue
        if window[1] < as_of or window[0] > deadline:
            found.add(
                table.where(row, "period"),
                f"{cells['period']} is not between as_of {as_of} and the deadline {deadline}",
                "give payments inside the plan",
            )
        if name not in known:
            found.add(table.where(row, "contract_id"), f"{name!r} is not in the ledger", "")
        if not amount >= 0:
            found.add(table.where(row, "amount_wan"), "is missing or negative", "write 万元")
        if use not in ("principal", "replacement"):
            found.add(table.where(row, "use"), f"{use!r} is not known", "principal or replacement")
        orders.append((min(window[1], deadline), name, amount, use))
    return tuple(orders)
