"""The bank's list of receipts beside ours."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from fiscalmodel.errors import Collector
from fiscalmodel.fees.columns import parse_day
from fiscalmodel.fees.explain import period_labels
from fiscalmodel.fees.files import TableLike, open_table, records
from fiscalmodel.fees.money import as_frame, fen_of
from fiscalmodel.fees.rates import date_text
from fiscalmodel.fees.statement import CommissionStatement
from fiscalmodel.fees.words import HEADERS, kind_of

COLUMNS = [
    "receipt_id", "status", "amount_fen", "bank_amount_fen", "difference_fen", "paid_in",
    "bank_paid_in", "reason",
]  # fmt: skip


def match_receipts(
    opened: pd.DataFrame, bank_receipts: TableLike, statement: CommissionStatement
) -> pd.DataFrame:
    """One row a receipt on either side; see `reconcile_receipts`."""
    theirs = _read(bank_receipts)
    ours = {
        _id(row["receipt_id"]): {str(k): v for k, v in row.items()}
        for row in opened.to_dict("records")
    }
    rows: list[dict[str, Any]] = []
    for key in [*ours, *(k for k in theirs if k not in ours)]:
        mine, their = ours.get(key), theirs.get(key)
        fen = int(mine["amount_fen"]) if mine else 0
        bank_fen = their["fen"] if their else 0
        row: dict[str, Any] = {
            "receipt_id": key, "amount_fen": fen, "bank_amount_fen": bank_fen,
            "difference_fen": bank_fen - fen, "paid_in": mine["paid_in"] if mine else "",
            "bank_paid_in": their["paid_in"] if their else "",
        }  # fmt: skip
        if mine is None:
            row |= {"status": "missing here", "reason": "not among our receipts"}
        elif their is None:
            row |= {"status": "missing at the bank", "reason": _why_missing(mine)}
        else:
            reason = _why(mine, their, statement)
            differs = fen != bank_fen or reason
            row |= {"status": "differs" if differs else "matched", "reason": reason}
        rows.append(row)
    return as_frame(rows, COLUMNS)


def _read(table: TableLike) -> dict[str, dict[str, Any]]:
    headers = {name: HEADERS[name] for name in ("receipt_id", "paid_in", "amount", "kind")}
    required = ("receipt_id", "paid_in", "amount")
    source = open_table(table, name="bank receipts", headers=headers, required=required)
    found = Collector()
    result: dict[str, dict[str, Any]] = {}
    for row, record in records(source):
        day = parse_day(record.get("paid_in"))
        if day is None:
            found.add(source.place(row, "paid_in"), f"{record.get('paid_in')!r} is not a date", "")
        key = _id(record.get("receipt_id"))
        if key in result:
            found.add(source.place(row, "receipt_id"), f"receipt {key} stands twice", "")
        result[key] = {
            "fen": fen_of(source, row, record, ("amount",), found),
            "paid_in": "" if day is None else date_text(day), "day": day,
            "kind": kind_of(record["kind"]) if record.get("kind") is not None else None,
        }  # fmt: skip
    found.raise_if_any()
    return result


def _id(value: Any) -> str:
    return (
        str(int(value)) if isinstance(value, float) and value.is_integer() else str(value).strip()
    )


def _why_missing(mine: dict[str, Any]) -> str:
    return {
        "refund": "refund not taken off", "unmatched": "unmatched here too, not in the base",
        "excluded": f"excluded here: {mine['reason']}",
    }.get(mine["role"], "paid in here, unknown to the bank")  # fmt: skip


def _why(mine: dict[str, Any], their: dict[str, Any], statement: CommissionStatement) -> str:
    reasons = []
    if mine["role"] in ("unmatched", "excluded"):
        reasons.append(f"{mine['role']} here")
    if their["kind"] is not None and their["kind"] != kind_of(mine["kind"]):
        reasons.append(f"wrong kind: {their['kind']} at the bank")
    label = period_labels(np.array([their["day"]]), statement)[0]
    if label != mine["period"]:
        reasons.append(f"cut-off date: the bank counts it in {label}")
    if int(mine["amount_fen"]) != their["fen"]:
        reasons.append("the amounts differ")
    return "; ".join(reasons)
