"""Government debt: balance against limit, refinancing against what falls due."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

from fiscalmodel.series.findings import Finding
from fiscalmodel.series.rules.book import Book, Fact
from fiscalmodel.series.rules.identities import Identity, evaluate
from fiscalmodel.series.rules.registry import rule
from fiscalmodel.series.rules.report import finding, show

_LIMIT = re.compile(r"限额(?:/合计)?$")
_BALANCE = re.compile(r"余额(?:/合计)?$")
_REFINANCING = re.compile(r"再融资")
_DUE = re.compile(r"到期.*(?:还本|本金)|^(?:到期)?还本(?:支出)?$|债务还本")
_KINDS = {"general": "一般", "special": "专项"}


def _name(fact: Fact) -> str:
    """What a cell is of: in a table as printed, the header says the rest of the label."""
    return f"{fact.label.raw}/{fact.period}" if fact.in_grid else fact.label.raw


def _kind(fact: Fact) -> str:
    """general, special, or total."""
    text = _name(fact) + fact.scope
    return next((kind for kind, word in _KINDS.items() if f"{word}债" in text), "total")


def _group(fact: Fact) -> tuple[str, ...] | None:
    if fact.figure is None or not fact.yuan or "债" not in _name(fact) + fact.scope:
        return None
    if not fact.in_grid:
        return (fact.document, fact.entity, fact.year, fact.month)
    # Kinds of debt stand in the header (rows are places) or in the rows.
    if "债" in fact.period:
        return (fact.document, fact.label.raw, fact.cell.cell.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
    return (fact.document, fact.period, fact.year)


def _debts(book: Book) -> Iterator[dict[str, dict[str, Fact]]]:
    """For each entity and year: kind of debt -> what -> fact."""
    for facts in book.group(_group).values():
        found: dict[str, dict[str, Fact]] = {"general": {}, "special": {}, "total": {}}
        for fact in facts:
            for what, pattern in (
                ("limit", _LIMIT),
                ("balance", _BALANCE),
                ("refinancing", _REFINANCING),
                ("due", _DUE),
            ):
                if pattern.search(_name(fact) if fact.in_grid else fact.label.core):
                    found[_kind(fact)].setdefault(what, fact)
                    break
        yield found


@rule("debt_limit", en="balance against limit", zh="余额与限额")
def debt_limit(book: Book) -> Iterator[Finding]:
    """The balance within the limit, for general and special debt separately."""
    sums = []
    for debts in _debts(book):
        for debt in debts.values():
            limit, balance = debt.get("limit"), debt.get("balance")
            factor = balance.factor_to(limit) if limit and balance else None
            if limit is None or balance is None or factor is None:
                continue
            over = balance.number * factor - limit.number
            tolerance = limit.interval.half + balance.interval.half * factor
            book.tied["debt_limit"] += over <= tolerance
            if over > tolerance:
                yield over_limit(limit, balance, over, tolerance)
        for what in ("limit", "balance"):
            total, parts = debts["total"].get(what), [debts[k].get(what) for k in _KINDS]
            known = [p for p in parts if p]
            if total and len(known) == 2:
                words = ("general and special", "一般与专项之和")
                sums.append(Identity("debt_limit", total, [(1, p) for p in known], *words))
    yield from evaluate(book, sums)


def _place(fact: Fact) -> str:
    """Entity, year and kind of debt."""
    kind = _KINDS.get(_kind(fact))
    words = [fact.entity or (fact.label.raw if fact.in_grid else ""), fact.year]
    said = kind is None or any(f"{kind}债" in w for w in words if w)
    return " ".join([w for w in words if w] + ([] if said else [f"{kind}债务"]))


def over_limit(limit: Fact, balance: Fact, over: Decimal, tolerance: Decimal) -> Finding:
    """A balance above its limit."""
    return finding(
        "debt_limit",
        "error",
        [balance, limit],
        stated=balance.number,
        computed=limit.number * (limit.factor_to(balance) or 1),
        tolerance=tolerance,
        en=f"{_place(balance)}: the balance {show(balance.number)} "
        f"exceeds the limit {show(limit.number)} by {show(over)} {limit.unit}. Limits hold for "
        "general and special debt separately. The two figures may stand in each other's place.",
        zh=f"{_place(balance)}：余额 {show(balance.number)} 超过限额 "
        f"{show(limit.number)}，超 {show(over)} {limit.unit}。一般债务、专项债务须分别不超限额；"
        "也可能两数填反。",
    )


@rule("refinancing", en="refinancing against principal due", zh="再融资与到期还本")
def refinancing(book: Book) -> Iterator[Finding]:
    """Refinancing bonds above the principal that falls due, by kind of debt."""
    for debts in _debts(book):
        for debt in debts.values():
            bonds, due = debt.get("refinancing"), debt.get("due")
            factor = bonds.factor_to(due) if bonds and due else None
            if bonds is None or due is None or factor is None:
                continue
            over = bonds.number * factor - due.number
            tolerance = bonds.interval.half * factor + due.interval.half
            if over > tolerance:
                yield finding(
                    "refinancing",
                    "warning",
                    [bonds, due],
                    stated=bonds.number,
                    computed=due.number / factor,
                    tolerance=tolerance,
                    en=f"{_place(bonds)}: refinancing bonds of "
                    f"{show(bonds.number)} {bonds.unit} exceed the principal due of "
                    f"{show(due.number)} by {show(over)}. It would tie if {show(over)} replace "
                    "other debt (置换); the source does not say so.",
                    zh=f"{_place(bonds)}：再融资债券 {show(bonds.number)} "
                    f"{bonds.unit} 大于到期还本 {show(due.number)}，多 {show(over)}。若其中 "
                    f"{show(over)} 用于置换其他债务则可解释，原文未说明。",
                )
