"""`commission`: the yearly settlement with the banks that collect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fiscalmodel.errors import Collector, InputError
from fiscalmodel.fees.columns import NO_DAY, parse_day
from fiscalmodel.fees.files import CHUNK_ROWS, TableLike, open_table
from fiscalmodel.fees.lines import Line, RateBook, build, period_label
from fiscalmodel.fees.money import Payment, read_carried, read_payments
from fiscalmodel.fees.notes import Note, overpaid
from fiscalmodel.fees.rates import RatesLike, need_rates, read_rates
from fiscalmodel.fees.reading import read_receipts
from fiscalmodel.fees.relations import RelationsLike, read_relations
from fiscalmodel.fees.statement import CommissionStatement, assemble
from fiscalmodel.fees.words import REQUIRED, Period, period_of


def commission(
    receipts: TableLike,
    *,
    rates: RatesLike = None,
    relations: RelationsLike = None,
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
        `amount` in 元 with at most two decimals. A refund (退付) names its
        receipt in `refund_of` and has a negative amount; a table that writes
        all of its refunds as positive amounts is accepted, and said. Its bank,
        kind and account may be left blank. `unmatched` (待查): yes, or the day
        on which it was cleared. `excluded`: the reason, as text.
    rates
        Table (``kind, rate_pct`` and optionally ``bank, account, valid_from,
        valid_to, document, confidence, tiers, cap_yuan, minimum_yuan``) or
        mapping kind -> percent. Default: the dated policy parameters.
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
    settle_by = period_of(period)
    day, first = _day("as_of", as_of), _day("since", since)
    found = Collector()
    read = _gather(found, lambda: read_rates(rates), ())
    linked = _gather(found, lambda: read_relations(relations), None)
    paid = _gather(found, lambda: read_payments(payments, day), ())
    brought = _gather(found, lambda: read_carried(carried), ())
    rate_book = RateBook(read)
    source = open_table(receipts, name="receipts", required=REQUIRED, chunk_rows=CHUNK_ROWS)
    reading = read_receipts(
        source, day, int(NO_DAY) if first is None else first, rate_book.changes, linked, found
    )
    found.raise_if_any()
    need_rates(read)
    banks = list(reading.names.banks)
    lines = build(reading.book, banks, rate_book, settle_by, brought)
    notes = _pay(lines, paid, settle_by, found)
    found.raise_if_any()
    return assemble(reading, lines, rate_book, settle_by, as_of=day, notes=notes, carried=brought)


def _day(name: str, value: object) -> int | None:
    day = None if value is None else parse_day(value)
    if value is not None and day is None:
        raise InputError(name, f"{value!r} is not a date", "write '2024-12-31'")
    return day


def _gather(found: Collector, call: Any, default: Any) -> Any:
    """The result, or the problems kept with those of the receipts."""
    try:
        return call()
    except InputError as error:
        found.extend(error)
        return default


def _pay(
    lines: list[Line], payments: Sequence[Payment], period: Period, found: Collector
) -> list[Note]:
    """Set payments against the lines they name, oldest first; what is left over is said."""
    notes: list[Note] = []
    for payment in payments:
        mine = [
            line for line in lines
            if line.bank == payment.bank
            and payment.kind in ("", line.kind)
            and payment.account in ("", line.account)
            and payment.period in ("", period_label(line.period, period))
        ]  # fmt: skip
        if not mine:
            found.add(payment.where, f"payment to {payment.bank} fits no line of the statement",
                      "check bank, kind, account and period")  # fmt: skip
            continue
        mine.sort(key=lambda line: line.period)
        rest = payment.fen
        for line in mine:
            part = min(rest, max(line.payable, 0)) if rest > 0 else 0
            line.paid += part
            rest -= part
        mine[-1].paid += rest
        if rest > 0:
            notes.append(overpaid(payment.bank, rest))
    return notes
