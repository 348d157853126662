"""A piece of a receipts table to arrays: line, day, 分, status; and what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from fiscalmodel.errors import Collector
from fiscalmodel.fees.columns import NO_DAY, factorize, is_blank, to_days, to_fen, to_flags
from fiscalmodel.fees.rates import date_text
from fiscalmodel.fees.words import ACCOUNTS, KINDS, NO, YES, account_of, clean, kind_of, near

KIND_NAMES = tuple(KINDS)
ACCOUNT_NAMES = tuple(ACCOUNTS)
#: Problems of one sort that are listed one by one; the rest is counted.
LISTED = 1000
_WORTH_THREADS = 100_000
Factorized = tuple[npt.NDArray[np.integer[Any]], list[Any]]

# What becomes of a row.
COUNTED, PENDING, EXCLUDED, REFUND, CLEARED = range(5)
STATUS_NAMES = ("paid_in", "unmatched", "excluded", "refund", "cleared")


@dataclass
class Names:
    """Codes of banks, and how the receipts spell kinds and accounts."""

    banks: dict[str, int] = field(default_factory=dict)
    spellings: dict[str, set[str]] = field(default_factory=dict)

    def code_of(self, name: object) -> int | None:
        """Code of a bank, a new one for a new name; None for a blank."""
        text = clean(name)
        return self.banks.setdefault(text, len(self.banks)) if text else None

    def spelled(self, canonical: str) -> str:
        """The receipts' own word where they use only one, else the canonical word."""
        words = self.spellings.get(canonical, set())
        return next(iter(words)) if len(words) == 1 else canonical


@dataclass(frozen=True)
class Batch:
    """Rows of receipts as arrays of equal length.

    Attributes
    ----------
    first
        Number of the first row in its source.
    bank, kind, account
        Codes, -1 where blank or unreadable.
    line
        One code for the three, see `split_line`; -1 where one is unknown.
    day, fen, status
        Days since 1970-01-01, 分, what becomes of the row.
    cleared
        Day on which an unmatched row was cleared; None if there is none.
    refund_rows
        Positions of the refunds that count.
    frame
        The rows as read.
    """

    first: int
    bank: npt.NDArray[np.int32]
    kind: npt.NDArray[np.int8]
    account: npt.NDArray[np.int8]
    line: npt.NDArray[np.int32]
    day: npt.NDArray[np.int32]
    fen: npt.NDArray[np.int64]
    status: npt.NDArray[np.int8]
    cleared: npt.NDArray[np.int32] | None
    refund_rows: npt.NDArray[np.intp]
    frame: pd.DataFrame


def line_codes(
    bank: npt.NDArray[np.int32], kind: npt.NDArray[np.int8], account: npt.NDArray[np.int8]
) -> npt.NDArray[np.int32]:
    """One code for bank, kind and account; -1 where one of them is unknown."""
    line = bank * np.int32(len(KIND_NAMES) * len(ACCOUNT_NAMES))
    line += kind * np.int8(len(ACCOUNT_NAMES)) + account
    unknown = (bank < 0) | (kind < 0) | (account < 0)
    if unknown.any():
        line[unknown] = -1
    return line


def split_line(line: int) -> tuple[int, int, int]:
    """Codes of bank, kind and account of one line."""
    rest, account = divmod(line, len(ACCOUNT_NAMES))
    bank, kind = divmod(rest, len(KIND_NAMES))
    return bank, kind, account


def encode(
    first: int,
    frame: pd.DataFrame,
    names: Names,
    found: Collector,
    place: Callable[[int, str], str],
    as_of: int | None,
) -> Batch:
    """Read every column; problems of rows that are not excluded go to `found`."""
    n = len(frame)
    excluded = _excluded(first, frame, found, place)
    refund = np.zeros(n, np.bool_)
    if "refund_of" in frame:
        refund = ~is_blank(frame["refund_of"])

    def report(rows: Any, column: str, says: Callable[[int], tuple[str, str]]) -> None:
        rows = [int(i) for i in rows if not excluded[i]]
        for i in rows[:LISTED]:
            found.add(place(first + i, column), *says(i))
        if len(rows) > LISTED:
            found.add(
                place(first + rows[LISTED], column), f"and {len(rows) - LISTED:,} more like it"
            )

    words = _factorized(frame)
    fen, bad = to_fen(frame["amount"])
    report(bad, "amount", lambda i: (bad[i], "元 with at most two decimals"))
    negative = np.flatnonzero((fen < 0) & ~refund)
    report(negative, "amount", lambda i: (
        f"negative amount {fen[i] / 100:.2f} without a refund mark",
        "put the refunded receipt into refund_of",
    ))  # fmt: skip
    day = to_days(frame["paid_in"])
    report(np.flatnonzero(day == NO_DAY), "paid_in", lambda i: (
        f"{_cell(frame, 'paid_in', i)} is not a date", "write 2024-03-15"))  # fmt: skip
    if as_of is not None and n and int(day.max()) > as_of:
        report(np.flatnonzero(day > as_of), "paid_in", lambda i: (
            f"{date_text(int(day[i]))} is after as_of {date_text(as_of)}",
            "correct the date, or settle at a later day"))  # fmt: skip
    bank = _codes(frame["bank"], words["bank"], names.code_of)
    report(np.flatnonzero((bank < 0) & ~refund), "bank", lambda i: ("bank is missing", ""))
    kind = _words(frame["kind"], words["kind"], kind_of, KIND_NAMES, names)
    account = _words(frame["account"], words["account"], account_of, ACCOUNT_NAMES, names)
    for column, code, known in (("kind", kind, KINDS), ("account", account, ACCOUNTS)):
        rows = np.flatnonzero((code == -2) | ((code == -1) & ~refund))
        report(rows, column, lambda i, c=column, k=known: _unknown(frame, c, i, k))  # type: ignore[misc]

    status = np.zeros(n, np.int8)
    cleared = None
    if "unmatched" in frame:
        pending, cleared, unread = to_flags(frame["unmatched"])
        report(unread, "unmatched", lambda i: (
            f"{unread[i]!r} is neither 是/否 nor the date of clearing", ""))  # fmt: skip
        status[pending] = PENDING
        if cleared is not None:
            known = (cleared != NO_DAY) & ((cleared <= as_of) if as_of is not None else True)
            status[known] = CLEARED
    status[refund] = REFUND
    status[excluded] = EXCLUDED
    kind, account = np.maximum(kind, np.int8(-1)), np.maximum(account, np.int8(-1))
    return Batch(
        first, bank, kind, account, line_codes(bank, kind, account), day, fen, status, cleared,
        np.flatnonzero(refund & ~excluded), frame,
    )  # fmt: skip


def _excluded(
    first: int, frame: pd.DataFrame, found: Collector, place: Callable[[int, str], str]
) -> npt.NDArray[np.bool_]:
    if "excluded" not in frame or frame["excluded"].isna().all():
        return np.zeros(len(frame), np.bool_)
    codes, values = factorize(frame["excluded"])
    words = [clean(v).casefold() for v in values]
    marked = np.array([*(w not in NO for w in words), False])
    for i, word in enumerate(words):
        if word in YES:
            for row in np.flatnonzero(codes == i)[:LISTED]:
                found.add(place(first + int(row), "excluded"), "excluded without a reason",
                          "write the reason, it is printed on the statement")  # fmt: skip
    return np.asarray(marked[codes], np.bool_)


def _factorized(frame: pd.DataFrame) -> dict[str, Factorized]:
    """Codes and values of the columns of words, side by side where it pays."""
    names = ("bank", "kind", "account")
    columns: list[pd.Series[Any]] = [frame[name] for name in names]
    if len(frame) < _WORTH_THREADS:
        return dict(zip(names, map(factorize, columns), strict=True))
    with ThreadPoolExecutor(len(columns)) as pool:
        return dict(zip(names, pool.map(factorize, columns), strict=True))


def _codes(
    column: pd.Series[Any], factorized: Factorized, code_of: Callable[[Any], int | None]
) -> npt.NDArray[np.int32]:
    codes, values = factorized
    if isinstance(column.dtype, pd.CategoricalDtype):
        # Categories that no row uses are no banks.
        used = np.bincount(codes + 1, minlength=len(values) + 1)[1:] > 0
    else:
        used = np.ones(len(values), np.bool_)
    found = [code_of(v) if use else None for v, use in zip(values, used, strict=True)]
    table = np.array([*(-1 if c is None else c for c in found), -1], dtype=np.int32)
    return np.asarray(table[codes], np.int32)


def _words(
    column: pd.Series[Any],
    factorized: Factorized,
    canonical: Callable[[Any], str | None],
    order: tuple[str, ...],
    names: Names,
) -> npt.NDArray[np.int8]:
    """Codes of known words; -1 blank, -2 unknown."""

    def code(value: Any) -> int | None:
        word = canonical(value)
        if word is None:
            return None if not clean(value) else -2
        names.spellings.setdefault(word, set()).add(clean(value))
        return order.index(word)

    return _codes(column, factorized, code).astype(np.int8)


def _cell(frame: pd.DataFrame, column: str, i: int) -> str:
    return repr(str(frame[column].iloc[i]))


def _unknown(
    frame: pd.DataFrame, column: str, i: int, known: Mapping[str, tuple[str, ...]]
) -> tuple[str, str]:
    value = frame[column].iloc[i]
    if pd.isna(value) or not clean(value):
        return f"{column} is missing", near("", known)
    return f"unknown {column} {str(value)!r}", near(value, known)
