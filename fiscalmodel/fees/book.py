"""The day book: receipts added up by line, day and status, in exact 分.

Everything a statement needs follows from these sums; only refunds and cleared
receipts, which take another receipt's day, are looked at one by one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from fiscalmodel.fees.columns import NO_DAY
from fiscalmodel.fees.encode import CLEARED, COUNTED, PENDING, REFUND, Batch

STATUSES = 5  # how many there are, see `encode`
_DENSE_BINS = 1 << 16
_PART = 26  # bits of the low part when sums would not fit a double

#: (line, day of the period, stretch of days without a rate change, status)
Key = tuple[int, int, int, int]


@dataclass
class Book:
    """Sums of 分 and counts of rows by key.

    Attributes
    ----------
    changes
        Sorted days on which some rate begins or has just ended.
    since
        Entries of earlier days are left out: they belong to statements already made.
    fen, rows
        Key -> sum of 分; key -> number of rows.
    seen
        (line, day paid in) of every row that is neither a refund nor excluded.
    """

    changes: Sequence[int] = ()
    since: int = int(NO_DAY)
    fen: dict[Key, int] = field(default_factory=dict)
    rows: dict[Key, int] = field(default_factory=dict)
    seen: set[tuple[int, int]] = field(default_factory=set)

    def stretch(self, days: Any) -> npt.NDArray[np.intp]:
        """Which stretch between rate changes holds each day."""
        return np.asarray(np.searchsorted(np.asarray(self.changes, np.int64), days, side="right"))

    def post(self, key: Key, fen: int, rows: int = 1) -> None:
        """Add one entry."""
        if key[1] < self.since:
            return
        self.fen[key] = self.fen.get(key, 0) + fen
        self.rows[key] = self.rows.get(key, 0) + rows

    def add(self, batch: Batch) -> None:
        """Add the rows of a batch, refunds left out (they are posted once resolved)."""
        if not len(batch.day):
            return
        day = batch.day
        first, last = int(day.min()), int(day.max())
        if first == NO_DAY:
            valid = day != NO_DAY
            first = int(day[valid].min()) if valid.any() else last
            day = np.maximum(day, first)
        days = last - first + 1
        key = batch.line.astype(np.int64)
        key += 1
        key *= days
        key += day
        key -= first
        key *= STATUSES
        key += batch.status
        codes, sums, counts = exact_sums(key, batch.fen)
        rest, status = np.divmod(codes, STATUSES)
        line, offset = np.divmod(rest, days)
        line -= 1
        paid_in = offset + first
        stretch = self.stretch(paid_in)
        columns = (line, paid_in, stretch, status, counts)
        for code, at, part, what, rows, fen in zip(
            *(c.tolist() for c in columns), sums, strict=True
        ):
            if code < 0:
                continue
            if what in (COUNTED, PENDING, CLEARED) and at >= self.since:
                self.seen.add((code, at))
            if what not in (REFUND, CLEARED):
                self.post((code, at, part, what), fen, rows)
        self._add_cleared(batch)

    def _add_cleared(self, batch: Batch) -> None:
        """Counted when it was cleared, at the rate of the day it was paid in."""
        if batch.cleared is None:
            return
        at = np.flatnonzero((batch.status == CLEARED) & (batch.line >= 0))
        day = np.maximum(batch.day[at], batch.cleared[at])
        stretch = self.stretch(batch.day[at])
        columns = (batch.line[at], day, stretch, batch.fen[at])
        for line, on, part, fen in zip(*(c.tolist() for c in columns), strict=True):
            self.post((line, on, part, COUNTED), fen)


def exact_sums(
    key: npt.NDArray[np.int64], fen: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[Any], list[int], npt.NDArray[Any]]:
    """Distinct keys, the exact sum of 分 and the number of rows of each.

    Doubles add whole numbers without loss below 2**53; larger totals are added
    in two parts.
    """
    if int(key.max()) < max(_DENSE_BINS, len(key)):
        every = np.bincount(key)
        codes = np.flatnonzero(every)
        counts = every[codes]
        inverse, size, pick = key, len(every), codes
    else:
        codes, inverse, counts = np.unique(key, return_inverse=True, return_counts=True)
        size, pick = len(codes), np.arange(len(codes))
    largest = max(abs(int(fen.max())), abs(int(fen.min())))
    if largest * len(fen) < 2**53:
        sums = np.bincount(inverse, weights=fen, minlength=size)[pick]
        return codes, sums.astype(np.int64).tolist(), counts
    high = np.bincount(inverse, weights=fen >> _PART, minlength=size)[pick]
    low = np.bincount(inverse, weights=fen & ((1 << _PART) - 1), minlength=size)[pick]
    both = zip(high.tolist(), low.tolist(), strict=True)
    return codes, [(int(h) << _PART) + int(lo) for h, lo in both], counts
