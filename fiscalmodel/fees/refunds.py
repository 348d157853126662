"""Identifiers and refunds: every receipt once, every refund on its receipt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from fiscalmodel.errors import Collector
from fiscalmodel.fees.book import Book
from fiscalmodel.fees.columns import is_blank
from fiscalmodel.fees.encode import CLEARED, COUNTED, EXCLUDED, LISTED, PENDING, REFUND, Batch


@dataclass(frozen=True)
class Resolved:
    """Refunds with the receipts that they belong to, one row a refund.

    Attributes
    ----------
    frame
        Columns row, line, day (of the period), rate_day, fen, status.
    backwards
        How many are dated before their receipt.
    turned
        How many were written as positive amounts.
    """

    frame: pd.DataFrame
    backwards: int = 0
    turned: int = 0

    def post(self, book: Book) -> None:
        """Enter the refunds into the day book."""
        columns = ["line", "day", "rate_day", "status"]
        grouped = self.frame.groupby(columns, sort=False)["fen"].agg(["sum", "size"])
        for key, fen, rows in zip(grouped.index, grouped["sum"], grouped["size"], strict=True):
            book.post(tuple(map(int, key)), int(fen), int(rows))  # type: ignore[arg-type]


NOTHING = Resolved(
    pd.DataFrame(columns=["row", "line", "day", "rate_day", "fen", "status"], dtype=np.int64)
)


def identifiers(column: pd.Series[Any]) -> pd.Series[Any]:
    """Identifiers as whole numbers where the column is numeric, else as text."""
    if pd.api.types.is_integer_dtype(column.dtype) and not column.hasnans:
        return column
    if pd.api.types.is_float_dtype(column.dtype) and not column.isna().any():
        whole = column.to_numpy(np.float64)
        if (whole == np.rint(whole)).all():
            return pd.Series(whole.astype(np.int64), index=column.index)
    if isinstance(column.dtype, pd.StringDtype):
        return column.str.strip()
    return column.map(_text).astype("str")


def _text(value: Any) -> str | None:
    if value is None or (not isinstance(value, str) and pd.isna(value)):
        return None
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return str(int(value))
    return str(value).strip()


def check_identifiers(
    batch: Batch, ids: pd.Series[Any], found: Collector, place: Callable[[int, str], str]
) -> None:
    """Blank identifiers, and identifiers that stand twice among the rows that count."""
    counted = batch.status != EXCLUDED
    blank = is_blank(ids)
    for i in np.flatnonzero(blank & counted)[:LISTED]:
        found.add(place(batch.first + int(i), "receipt_id"), "receipt_id is missing")
    if bool(ids.is_monotonic_increasing) and bool(ids.is_unique if len(ids) < 2 else _rises(ids)):
        return
    doubled = ids[counted & ~blank]
    doubled = doubled[doubled.duplicated(keep=False)]
    if not len(doubled):
        return
    positions = pd.Series(
        np.flatnonzero(counted & ~blank), index=range(int((counted & ~blank).sum()))
    )
    rows = positions[ids[counted & ~blank].duplicated(keep=False).to_numpy()].to_numpy()
    first: dict[Any, int] = {}
    listed = 0
    for i in rows:
        value = ids.iloc[int(i)]
        if value in first:
            listed += 1
            if listed <= LISTED:
                found.add(
                    place(batch.first + int(i), "receipt_id"),
                    f"receipt {value} stands twice (first at {place(batch.first + first[value], 'receipt_id')})",
                    "exclude one of the two with a reason",
                )
        first.setdefault(value, int(i))


def _rises(ids: pd.Series[Any]) -> bool:
    """Strictly increasing, hence without a double; cheap where it holds."""
    if not pd.api.types.is_integer_dtype(ids.dtype):
        return bool(ids.is_unique)
    values = ids.to_numpy()
    return bool((values[1:] > values[:-1]).all())


def resolve(
    batch: Batch, ids: pd.Series[Any], found: Collector, place: Callable[[int, str], str]
) -> Resolved:
    """Find each refund's receipt and check that it allows the refund."""
    rows = batch.refund_rows
    if not len(rows):
        return NOTHING
    wanted = identifiers(batch.frame["refund_of"].iloc[rows].reset_index(drop=True))
    numeric = pd.api.types.is_integer_dtype(ids.dtype)
    if numeric and not pd.api.types.is_integer_dtype(wanted.dtype):
        number = pd.to_numeric(wanted, errors="coerce")
        wanted = number.where(number == np.rint(number), -(2**53)).fillna(-(2**53)).astype(np.int64)
    elif not numeric:
        wanted = wanted.astype("str")
    near = np.flatnonzero(ids.isin(wanted).to_numpy())
    # Where an identifier stands twice, the row that counts is the receipt.
    near = near[np.argsort(batch.status[near] == EXCLUDED, kind="stable")]
    table = pd.DataFrame({"id": ids.iloc[near].to_numpy(), "at": near}).drop_duplicates("id")
    at = pd.Series(table["at"].to_numpy(), index=pd.Index(table["id"])).reindex(wanted.to_numpy())
    at_row = at.fillna(-1).to_numpy(np.int64)
    return _judge(batch, rows, at_row, wanted, found, place)


def _judge(
    batch: Batch,
    rows: Any,
    at: Any,
    wanted: pd.Series[Any],
    found: Collector,
    place: Callable[[int, str], str],
) -> Resolved:
    def say(i: int, column: str, problem: str, hint: str = "") -> None:
        found.add(place(batch.first + int(rows[i]), column), problem, hint)

    known = at >= 0
    status = np.where(known, batch.status[at], EXCLUDED)
    for i in np.flatnonzero(~known)[:LISTED]:
        say(i, "refund_of", f"refund of an unknown receipt {_shown(batch, rows[i])!r}",
            "include its receipt, of an earlier year if need be")  # fmt: skip
    for i in np.flatnonzero(known & (status == REFUND))[:LISTED]:
        say(i, "refund_of", f"{_shown(batch, rows[i])!r} is itself a refund")
    known &= status != REFUND
    for column, codes in (("bank", batch.bank), ("kind", batch.kind), ("account", batch.account)):
        own = codes[rows]
        for i in np.flatnonzero(known & (own >= 0) & (own != codes[at]))[:LISTED]:
            theirs = batch.frame[column].iloc[int(at[i])]
            say(i, column, f"the refund's {column} differs from its receipt's ({theirs})",
                "a refund lowers the base of the bank that collected")  # fmt: skip
    fen = batch.fen[rows]
    turned = int((fen > 0).sum()) if not (fen < 0).any() else 0
    if turned:
        fen = -fen
    for i in np.flatnonzero(fen > 0)[:LISTED]:
        say(
            i,
            "amount",
            "a positive refund among negative ones",
            "write every refund as a negative amount",
        )
    total = pd.Series(-fen[known]).groupby(at[known]).agg(["sum", "size"])
    over = total[total["sum"].to_numpy() > batch.fen[total.index.to_numpy()]]
    for receipt in over.index[:LISTED]:
        last = int(np.flatnonzero(known & (at == receipt))[-1])
        say(last, "amount",
            f"refunds of {over.loc[receipt, 'sum'] / 100:.2f} exceed their receipt {wanted.iloc[last]} "
            f"of {batch.fen[receipt] / 100:.2f} ({place(batch.first + int(receipt), 'amount')})",
            "correct the amount or the receipt")  # fmt: skip
    day, rate_day = batch.day[rows].copy(), batch.day[at]
    if batch.cleared is not None:
        is_cleared = status == CLEARED
        day[is_cleared] = np.maximum(day[is_cleared], batch.cleared[at[is_cleared]])
    of = {COUNTED: REFUND, CLEARED: REFUND, PENDING: PENDING, EXCLUDED: EXCLUDED, REFUND: EXCLUDED}
    frame = pd.DataFrame({
        "row": batch.first + rows, "line": batch.line()[at], "day": day, "rate_day": rate_day,
        "fen": fen, "status": [of[int(s)] for s in status],
    })  # fmt: skip
    backwards = int((known & (batch.day[rows] < rate_day)).sum())
    return Resolved(frame[known & (frame["line"].to_numpy() >= 0)], backwards, turned)


def _shown(batch: Batch, row: int) -> str:
    return str(batch.frame["refund_of"].iloc[int(row)])
