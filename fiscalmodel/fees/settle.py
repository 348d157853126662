"""`commission`: the yearly settlement with the banks that collect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast, get_args

from fiscalmodel import days
from fiscalmodel.errors import Collector, InputError
from fiscalmodel.fees.ledger import Carried, Line, Period, Sums, build, period_label
from fiscalmodel.fees.receipts import NO_DAY, read_receipts
from fiscalmodel.fees.statement import CommissionStatement, assemble
from fiscalmodel.fees.terms import (
    Rate,
    RateBook,
    RateTable,
    RelationTable,
    date_text,
    day_number,
    fen_of,
    line_of,
    percent,
    period_of,
    read_rates,
    read_relations,
    rows_of,
)
from fiscalmodel.tables.records import FILLED, TableLike
from fiscalmodel.units import yuan_text
from fiscalmodel.words import Text, official, say


def commission(
    receipts: TableLike,
    *,
    rates: RateTable = None,
    relations: RelationTable = None,
    payments: TableLike | Mapping[str, Any] | None = None,
    carried: Any = None,
    period: str = "year",
    as_of: object = None,
    since: object = None,
) -> CommissionStatement:
    """Commissions (代收手续费) due to the banks that collect non-tax revenue, exact to the 分.

    Parameters
    ----------
    receipts
        Frame, list of records, CSV or Excel file, one row a receipt or refund:
        ``receipt_id, bank, kind, account, paid_in, amount`` and optionally
        ``refund_of, unmatched, excluded`` (Chinese headers are understood).
        `amount` in 元, or in the unit that its header or a line 单位：万元 states,
        and whole 分 in any case. A refund (退付) names its
        receipt in `refund_of` and has a negative amount; a table that writes
        all of its refunds as positive amounts is accepted, and said. Its bank,
        kind and account may be left blank. `unmatched` (待查): yes, or the day
        on which it was cleared. `excluded`: the reason, as text.
    rates
        Table (``kind, rate_pct`` and optionally ``bank, account, valid_from,
        valid_to, document, confidence, upto_yuan, cap_yuan, minimum_yuan``,
        see `terms.read_rates`) or mapping kind -> percent. Default: the dated policy parameters.
    relations
        Table (``bank, valid_from, valid_to``, optionally ``kind, account``),
        list of banks, or mapping bank -> (first day, last day). A receipt of
        another bank or outside these days is a problem.
    payments
        Table (``bank, amount`` and optionally ``kind, account, period,
        paid_on``) or mapping bank -> 元. What names no line pays the oldest
        open one first.
    carried
        An earlier statement (its `.carry` is used) or a table ``bank, kind,
        account`` with ``arrears`` or ``arrears_fen`` and, for a negative base,
        ``base`` or ``base_fen`` with ``rate_pct``. Arrears go to the first
        period's line.
    period
        ``month``, ``quarter`` or ``year``: how often it is settled, and so
        rounded.
    as_of
        Day of the statement; nothing may be dated after it, and what is
        cleared after it is still unmatched.
    since
        First day of the statement. Earlier receipts may be in the table, so
        that refunds and clearings find them, but get no line of their own.

    Returns
    -------
    CommissionStatement
        `.table` with ``bank, kind, account, period, base_fen, rate_pct,
        fee_fen, arrears_fen, paid_fen, payable_fen``.

    Raises
    ------
    InputError
        All problems of the receipts at once, each with its row or cell. No
        statement is made until every line is clean or excluded with a reason.

    Notes
    -----
    base = paid in − refunds − unmatched − excluded; fee = base × rate, rounded
    once per line, half up, to the 分; payable = arrears + fee − paid. A refund
    and a receipt cleared later count in the period in which that happens, at
    the rate of the day the receipt was paid in. A negative base is set against
    the same period's fee of its bank, kind and account, or carried on.

    Source: 财预字〔1999〕533号; 武财综〔1999〕593号 (fines 0.5 %, charges 0.2 % of
    what was actually paid into the treasury or the fiscal account).

    Examples
    --------
    >>> import pandas as pd
    >>> receipts = pd.DataFrame({"receipt_id": range(1000), "bank": "甲银行", "kind": "收费",
    ...     "account": "国库", "paid_in": "2024-03-15", "amount": "2.40"})
    >>> int(commission(receipts, rates={"收费": 0.2}).table["fee_fen"].sum())
    480
    """
    settle_by = _period(period)
    day, first = _day("as_of", as_of), _day("since", since)
    start = int(NO_DAY) if first is None else first
    found = Collector()
    in_force: tuple[Rate, ...] = found.attempt(lambda: read_rates(rates), ())
    rate_book = RateBook(in_force)
    linked = found.attempt(lambda: read_relations(relations), None)
    paid: tuple[Payment, ...] = found.attempt(lambda: read_payments(payments, day), ())
    brought: tuple[Carried, ...] = found.attempt(lambda: read_carried(carried), ())
    read = read_receipts(receipts, found, as_of=day, since=start, relations=linked)
    found.raise_if_any()
    assert read is not None  # no receipts are a problem
    sums = Sums.of(read, rate_book.changes, start)
    lines = build(sums, read.names, rate_book, settle_by, brought)
    notes = _pay(lines, paid, settle_by, found)
    found.raise_if_any()
    given = {"arrears_fen": carried, "paid_fen": payments}
    return assemble(
        read, sums, lines, rate_book, settle_by, as_of=day, notes=notes, carried=brought,
        missing=[column for column, source in given.items() if source is None],
    )  # fmt: skip


def _period(word: str) -> Period:
    code = official("frequency", word)
    if code not in get_args(Period):
        raise InputError("period", "fees.unknown_period", text=word)
    return cast("Period", code)


def _day(name: str, value: object) -> int | None:
    return None if value is None else day_number(days.to_date(value, where=name))


# ---- what was paid, what comes from before ----


@dataclass(frozen=True)
class Payment:
    """Money paid to a bank; empty kind, account or period mean the oldest open item."""

    bank: str
    fen: int
    kind: str = ""
    account: str = ""
    period: str = ""
    day: int | None = None
    where: str = ""


def read_payments(
    payments: TableLike | Mapping[str, Any] | None, as_of: int | None = None, *, dated: bool = False
) -> tuple[Payment, ...]:
    """Payments from a table, or a mapping bank -> 元.

    Parameters
    ----------
    as_of
        Day after which a payment is a problem.
    dated
        Whether every payment must have its day.

    Raises
    ------
    InputError
        All problems of the table at once.
    """
    if payments is None:
        return ()
    result = []
    optional = ("kind", "account", "period", "amount", "amount_fen", "paid_on")
    needed = ("bank", "paid_on") if dated else ("bank",)
    for row in rows_of(payments, "payments", *needed, optional=optional, pair=("bank", "amount")):
        on = row.day("paid_on", default=FILLED if dated else None)
        day = None if on is None else day_number(on)
        if as_of is not None and day is not None and day > as_of:
            row.report("paid_on", "fees.paid_after", day=date_text(day), as_of=date_text(as_of))
        period, fen = period_of(row), fen_of(row, "amount_fen", "amount")
        bank, kind, account = line_of(row)
        result.append(Payment(bank, fen, kind, account, period, day, row.where("amount")))
    return tuple(result)


def read_carried(carried: Any) -> tuple[Carried, ...]:
    """Carried arrears and bases from a table, or from an earlier statement.

    A statement hands on its `.carry`. In a frame with ``payable_fen`` (a
    statement's `.table`) that column is what is still owed, and its bases are
    those of the old periods: only arrears are taken.

    Raises
    ------
    InputError
        All problems of the table at once.
    """
    if carried is None:
        return ()
    result = []
    optional = ("arrears_yuan", "arrears_fen", "payable_fen", "base_yuan", "base_fen", "rate_pct")
    source = getattr(carried, "carry", carried)
    for row in rows_of(source, "carried", "bank", "kind", "account", optional=optional):
        base = 0
        if row.table.has("payable_fen"):
            arrears = row.fen("payable_fen")
        else:
            arrears = fen_of(row, "arrears_fen", "arrears_yuan", needed=False)
            base = fen_of(row, "base_fen", "base_yuan", needed=False)
        if base > 0:
            row.report("base_yuan", "fees.carried_base_positive")
        rate = None if row.blank("rate_pct") else percent(row, "rate_pct")
        result.append(Carried(*line_of(row, needed=True), arrears, base, rate))
    return tuple(result)


def _pay(
    lines: list[Line], payments: Sequence[Payment], period: Period, found: Collector
) -> list[Text]:
    """Set payments against the lines they name, oldest first; what is left over is said."""
    notes: list[Text] = []
    for payment in payments:
        mine = [
            line for line in lines
            if line.bank == payment.bank
            and payment.kind in ("", line.kind)
            and payment.account in ("", line.account)
            and payment.period in ("", period_label(line.period, period))
        ]  # fmt: skip
        if not mine:
            found.add(payment.where, "fees.payment_fits_no_line", bank=payment.bank)
            continue
        mine.sort(key=lambda line: line.period)
        rest = payment.fen
        for line in mine:
            part = min(rest, max(line.payable, 0)) if rest > 0 else 0
            line.paid += part
            rest -= part
        mine[-1].paid += rest
        if rest > 0:
            notes.append(say("fees.overpaid", bank=payment.bank, amount=yuan_text(rest)))
    return notes
