"""A fee opened down to its receipts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from fiscalmodel.errors import Collector
from fiscalmodel.fees.encode import (
    ACCOUNT_NAMES,
    CLEARED,
    COUNTED,
    EXCLUDED,
    KIND_NAMES,
    PENDING,
    REFUND,
    STATUS_NAMES,
    Batch,
    encode,
    split_line,
)  # fmt: skip
from fiscalmodel.fees.lines import period_label, period_number
from fiscalmodel.fees.money import as_frame
from fiscalmodel.fees.rates import date_text
from fiscalmodel.fees.words import account_of, clean, kind_of

if TYPE_CHECKING:
    from fiscalmodel.fees.statement import CommissionStatement

COLUMNS = [
    "where", "receipt_id", "bank", "kind", "account", "period", "paid_in", "role", "amount_fen",
    "counted_fen", "rate_pct", "refund_of", "reason",
]  # fmt: skip


def open_receipts(
    statement: CommissionStatement,
    bank: str | None,
    kind: str | None,
    account: str | None,
    period: object,
) -> pd.DataFrame:
    """Receipts of the lines asked for, in the order of their source."""
    reading = statement._reading
    banks = list(reading.names.banks)
    wanted_bank = -1 if bank is None else reading.names.banks.get(clean(bank), -2)
    wanted_kind = -1 if kind is None else _at(KIND_NAMES, kind_of(kind))
    wanted_account = -1 if account is None else _at(ACCOUNT_NAMES, account_of(account))
    refunds = reading.resolved.frame.set_index("row")
    rows: list[dict[str, Any]] = []
    for first, frame in reading.source.chunks():
        batch = encode(
            first, frame, reading.names, Collector(), reading.source.place, reading.as_of
        )
        line, day, rate_day, fen, status = _columns(batch, refunds)
        hit = (line >= 0) & (day >= reading.book.since)
        rest, account_code = np.divmod(line, len(ACCOUNT_NAMES))
        bank_code, kind_code = np.divmod(rest, len(KIND_NAMES))
        for code, want in (
            (bank_code, wanted_bank),
            (kind_code, wanted_kind),
            (account_code, wanted_account),
        ):
            if want != -1:
                hit &= code == want
        for i in np.flatnonzero(hit):
            label = period_label(period_number(int(day[i]), statement.period), statement.period)
            if period is None or label == str(period):
                b, k, a = split_line(int(line[i]))
                rate = statement._rate_book.on(
                    banks[b], KIND_NAMES[k], ACCOUNT_NAMES[a], int(rate_day[i])
                )
                names = (
                    banks[b],
                    reading.names.spelled(KIND_NAMES[k]),
                    reading.names.spelled(ACCOUNT_NAMES[a]),
                )
                row = frame.iloc[int(i)]
                counted = int(status[i]) in (COUNTED, CLEARED, REFUND)
                rows.append({
                    "where": reading.source.place(first + int(i), "amount"),
                    "receipt_id": row["receipt_id"], "bank": names[0], "kind": names[1], "account": names[2],
                    "period": label, "paid_in": date_text(int(batch.day[i])),
                    "role": STATUS_NAMES[int(status[i])], "amount_fen": int(fen[i]),
                    "counted_fen": int(fen[i]) if counted else 0,
                    "rate_pct": None if rate is None else float(rate.terms.rate_pct),
                    "refund_of": _text(row, "refund_of"), "reason": _text(row, "excluded"),
                })  # fmt: skip
    return as_frame(rows, COLUMNS)


def _columns(batch: Batch, refunds: pd.DataFrame) -> tuple[Any, Any, Any, Any, Any]:
    """Line, day of the period, day of the rate, 分 and status, refunds resolved."""
    line, day, fen, status = (
        batch.line.copy(),
        batch.day.copy(),
        batch.fen.copy(),
        batch.status.copy(),
    )
    rate_day = batch.day.copy()
    if batch.cleared is not None:
        at = status == CLEARED
        day[at] = np.maximum(day[at], batch.cleared[at])
    mine = refunds[(refunds.index >= batch.first) & (refunds.index < batch.first + len(day))]
    if len(mine):
        at = mine.index.to_numpy() - batch.first
        line[at], day[at], rate_day[at] = mine["line"], mine["day"], mine["rate_day"]
        fen[at], status[at] = mine["fen"], mine["status"]
    return line, day, rate_day, fen, status


def _at(order: tuple[str, ...], word: str | None) -> int:
    return order.index(word) if word in order else -2


def _text(row: Any, column: str) -> str:
    return str(row[column]) if column in row and not pd.isna(row[column]) else ""


__all__ = ["EXCLUDED", "PENDING", "open_receipts"]
