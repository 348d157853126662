"""Refunds and their receipts: what a refund may be, and where it counts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from fiscalmodel.errors import Collector
from fiscalmodel.fees.book import Book, exact_sums
from fiscalmodel.fees.encode import (
    ACCOUNT_NAMES,
    CLEARED,
    COUNTED,
    EXCLUDED,
    KIND_NAMES,
    LISTED,
    PENDING,
    REFUND,
)  # fmt: skip
from fiscalmodel.units import yuan_text

Place = Callable[[int, str], str]
#: A refund as read, and the receipt it names (`at` is -1 where there is none).
REFUND_COLUMNS = ["row", "bank", "kind", "account", "day", "fen"]
RECEIPT_COLUMNS = ["at", "at_line", "at_day", "at_counts_on", "at_fen", "at_status"]
#: A refund goes the way of its receipt: what it is set against.
_GOES = {COUNTED: REFUND, CLEARED: REFUND, PENDING: PENDING, EXCLUDED: EXCLUDED, REFUND: EXCLUDED}


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
        if not len(self.frame):
            return
        line, day, rate_day, status, fen = (
            self.frame[c].to_numpy(np.int64) for c in ("line", "day", "rate_day", "status", "fen")
        )
        book.post(line, day, rate_day, status, fen)


NOTHING = Resolved(
    pd.DataFrame(columns=["row", "line", "day", "rate_day", "fen", "status"], dtype=np.int64)
)


def judge(
    table: pd.DataFrame, found: Collector, place: Place, id_of: Callable[[int], str]
) -> Resolved:
    """Check each refund against its receipt.

    Parameters
    ----------
    table
        One row a refund: `REFUND_COLUMNS` and `RECEIPT_COLUMNS`, in the order
        of the source.
    id_of
        Row -> the receipt that its refund mark names, for messages.
    """
    if not len(table):
        return NOTHING

    def say(index: Any, column: str, problem: str, hint: str = "") -> None:
        found.add(place(int(table["row"].iloc[int(index)]), column), problem, hint)

    known = table["at"].to_numpy() >= 0
    status = table["at_status"].to_numpy()
    for i in np.flatnonzero(~known)[:LISTED]:
        say(i, "refund_of", f"refund of an unknown receipt {id_of(int(table['row'].iloc[i]))!r}",
            "include its receipt, of an earlier year if need be")  # fmt: skip
    for i in np.flatnonzero(known & (status == REFUND))[:LISTED]:
        say(i, "refund_of", f"{id_of(int(table['row'].iloc[i]))!r} is itself a refund",
            "name the receipt that was paid in")  # fmt: skip
    known &= status != REFUND
    _same_line(table, known, say)
    fen = table["fen"].to_numpy()
    turned = int((fen > 0).sum()) if not (fen < 0).any() else 0
    if turned:
        fen = -fen
    for i in np.flatnonzero(fen > 0)[:LISTED]:
        say(i, "amount", "a positive refund among negative ones", "write every refund as negative")
    _not_more(table, known, fen, say, place)
    frame = pd.DataFrame(
        {
            "row": table["row"],
            "line": table["at_line"],
            "day": np.maximum(
                table["day"], np.where(status == CLEARED, table["at_counts_on"], table["day"])
            ),
            "rate_day": table["at_day"],
            "fen": fen,
            "status": [_GOES[int(s)] for s in status],
        }
    )
    early = known & (table["day"] < table["at_day"]).to_numpy()
    for i in np.flatnonzero(early)[:LISTED]:
        theirs = place(int(table["at"].iloc[int(i)]), "paid_in")
        problem = f"the refund is dated before its receipt ({theirs})"
        say(i, "paid_in", problem, "correct one of the two days")
    backwards = int(early.sum())
    return Resolved(frame[known & (frame["line"].to_numpy() >= 0)], backwards, turned)


def _same_line(table: pd.DataFrame, known: Any, say: Any) -> None:
    """A refund lowers the base of the bank, kind and account that collected."""
    rest, account = np.divmod(table["at_line"].to_numpy(), len(ACCOUNT_NAMES))
    bank, kind = np.divmod(rest, len(KIND_NAMES))
    for column, theirs in (("bank", bank), ("kind", kind), ("account", account)):
        own = table[column].to_numpy()
        for i in np.flatnonzero(known & (own >= 0) & (own != theirs))[:LISTED]:
            say(
                i,
                column,
                f"the refund's {column} is not its receipt's",
                f"a refund lowers the base of the {column} that took the money; "
                "leave it blank to take the receipt's",
            )


def _not_more(table: pd.DataFrame, known: Any, fen: Any, say: Any, place: Place) -> None:
    """The refunds of one receipt never exceed it."""
    at = table["at"].to_numpy(np.int64)
    receipts, which = np.unique(at[known], return_inverse=True)
    if not len(receipts):
        return
    paid = np.zeros(len(receipts), np.int64)
    paid[which] = table["at_fen"].to_numpy(np.int64)[known]
    _, refunded, _ = exact_sums(which.astype(np.int64), -fen[known])
    over = [j for j, (a, b) in enumerate(zip(refunded, paid.tolist(), strict=True)) if a > b]
    for j in over[:LISTED]:
        last = np.flatnonzero(known & (at == receipts[j]))[-1]
        say(
            last,
            "amount",
            f"refunds of {yuan_text(refunded[j])} exceed their receipt "
            f"of {yuan_text(int(paid[j]))} "
            f"({place(int(receipts[j]), 'amount')})",
            "correct the amount or the receipt",
        )
