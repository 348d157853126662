"""A fee opened down to its receipts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from fiscalmodel.errors import Collector
from fiscalmodel.fees.book import month_of
from fiscalmodel.fees.encode import (
    ACCOUNT_NAMES,
    CLEARED,
    COUNTED,
    KIND_NAMES,
    REFUND,
    STATUS_NAMES,
    Batch,
    encode,
)  # fmt: skip
from fiscalmodel.fees.lines import names_of, period_label, period_number
from fiscalmodel.fees.rates import date_text
from fiscalmodel.fees.words import account_of, clean, kind_of

if TYPE_CHECKING:
    from fiscalmodel.fees.statement import CommissionStatement

COLUMNS = [
    "where", "receipt_id", "bank", "kind", "account", "period", "paid_in", "role", "amount_fen",
    "counted_fen", "rate_pct", "refund_of", "reason",
]  # fmt: skip
Array = npt.NDArray[Any]


def open_receipts(
    statement: CommissionStatement,
    bank: str | None,
    kind: str | None,
    account: str | None,
    period: object,
) -> pd.DataFrame:
    """Receipts of the lines asked for, in the order of their source."""
    reading = statement._reading
    wanted = (
        None if bank is None else reading.names.banks.get(clean(bank), -2),
        None if kind is None else _at(KIND_NAMES, kind_of(kind)),
        None if account is None else _at(ACCOUNT_NAMES, account_of(account)),
    )
    refunds = reading.resolved.frame.set_index("row")
    pieces = []
    for first, frame in reading.source.chunks():
        batch = encode(
            first, frame, reading.names, Collector(), reading.source.place, reading.as_of
        )
        placed = _placed(batch, refunds)
        hit = (placed["line"] >= 0) & (placed["day"] >= reading.book.since)
        rest, account_code = np.divmod(placed["line"], len(ACCOUNT_NAMES))
        bank_code, kind_code = np.divmod(rest, len(KIND_NAMES))
        for code, want in zip((bank_code, kind_code, account_code), wanted, strict=True):
            if want is not None:
                hit &= code == want
        rows = np.flatnonzero(hit)
        if len(rows):
            pieces.append(_rows(statement, batch, {k: v[rows] for k, v in placed.items()}, rows))
    if not pieces:
        return pd.DataFrame(columns=COLUMNS)
    result = pd.concat(pieces, ignore_index=True)
    return (
        result
        if period is None
        else result[result["period"].eq(str(period))].reset_index(drop=True)
    )


def _placed(batch: Batch, refunds: pd.DataFrame) -> dict[str, Array]:
    """Line, day of the period, day of the rate, 分 and status, refunds resolved."""
    day = batch.day.copy()
    if batch.cleared is not None:
        at = batch.status == CLEARED
        day[at] = np.maximum(day[at], batch.cleared[at])
    placed: dict[str, Array] = {
        "line": batch.line.copy(), "day": day, "rate_day": batch.day.copy(),
        "fen": batch.fen.copy(), "status": batch.status.copy(),
    }  # fmt: skip
    mine = refunds[(refunds.index >= batch.first) & (refunds.index < batch.first + len(day))]
    at = mine.index.to_numpy() - batch.first
    for column, values in placed.items():
        values[at] = mine[column]
    return placed


def _rows(
    statement: CommissionStatement, batch: Batch, placed: dict[str, Array], rows: Array
) -> pd.DataFrame:
    reading = statement._reading
    banks = list(reading.names.banks)
    lines, line = np.unique(placed["line"], return_inverse=True)
    names = [names_of(int(code), banks) for code in lines]
    days, day = np.unique(placed["day"], return_inverse=True)
    labels = period_labels(days, statement)
    pairs = np.column_stack([line, reading.book.stretch(placed["rate_day"])])
    stretches, pair = np.unique(pairs, axis=0, return_inverse=True)
    rates = [statement._rate_book.within(*names[int(at)], int(part)) for at, part in stretches]
    frame = batch.frame.iloc[rows]
    counted = np.isin(placed["status"], (COUNTED, CLEARED, REFUND))
    spelled = reading.names.spelled
    return pd.DataFrame({
        "where": [reading.source.place(batch.first + int(i), "amount") for i in rows],
        "receipt_id": frame["receipt_id"].to_numpy(),
        "bank": np.array([bank for bank, _, _ in names], object)[line],
        "kind": np.array([spelled(kind) for _, kind, _ in names], object)[line],
        "account": np.array([spelled(account) for _, _, account in names], object)[line],
        "period": np.array(labels, object)[day],
        "paid_in": [date_text(int(d)) for d in batch.day[rows]],
        "role": np.array(STATUS_NAMES, object)[placed["status"]],
        "amount_fen": placed["fen"],
        "counted_fen": np.where(counted, placed["fen"], 0),
        "rate_pct": np.array(
            [np.nan if r is None else float(r.terms.rate_pct) for r in rates], float
        )[pair.ravel()],
        "refund_of": _text(frame, "refund_of"),
        "reason": _text(frame, "excluded"),
    })[COLUMNS]  # fmt: skip


def period_labels(days: Array, statement: CommissionStatement) -> list[str]:
    """The statement's period of each day."""
    by = statement.period
    return [period_label(period_number(int(month), by), by) for month in month_of(days)]


def _at(order: tuple[str, ...], word: str | None) -> int:
    return order.index(word) if word in order else -2


def _text(frame: pd.DataFrame, column: str) -> list[str]:
    if column not in frame:
        return [""] * len(frame)
    return ["" if pd.isna(value) else str(value) for value in frame[column]]
