"""The day book: receipts added up by line, day and status, in exact 分.

Everything a statement needs follows from these sums; only refunds and cleared
receipts, which take another receipt's day, are looked at one by one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from fiscalmodel.fees.columns import NO_DAY
from fiscalmodel.fees.encode import CLEARED, COUNTED, REFUND, Batch

_STATUSES = 5
_DENSE_BINS = 1 << 16
_PART = 26  # bits of the low part when sums would not fit a double

#: (line, day of the period, day of the rate, status)
Key = tuple[int, int, int, int]


@dataclass
class Book:
    """Sums of 分 and counts of rows by key."""

    fen: dict[Key, int] = field(default_factory=dict)
    rows: dict[Key, int] = field(default_factory=dict)

    def post(self, key: Key, fen: int, rows: int = 1) -> None:
        """Add one entry."""
        self.fen[key] = self.fen.get(key, 0) + fen
        self.rows[key] = self.rows.get(key, 0) + rows

    def add(self, batch: Batch) -> None:
        """Add the rows of a batch, refunds left out (they are posted once resolved)."""
        if not len(batch.day):
            return
        valid = batch.day != NO_DAY
        first_day = int(batch.day[valid].min()) if not valid.all() else int(batch.day.min())
        last_day = int(batch.day.max())
        days = max(last_day - first_day + 1, 1) if valid.any() else 1
        key = batch.line()
        key += 1
        key *= days
        key += batch.day if valid.all() else np.where(valid, batch.day, first_day)
        key -= first_day
        key *= _STATUSES
        key += batch.status
        codes, sums, counts = exact_sums(key, batch.fen)
        for code, fen, rows in zip(codes.tolist(), sums, counts.tolist(), strict=True):
            rest, status = divmod(code, _STATUSES)
            line, offset = divmod(rest, days)
            if line and status not in (REFUND, CLEARED):
                day = first_day + offset
                self.post((line - 1, day, day, status), fen, rows)
        self._add_cleared(batch)

    def _add_cleared(self, batch: Batch) -> None:
        if batch.cleared is None:
            return
        line = batch.line()
        for i in np.flatnonzero((batch.status == CLEARED) & (line >= 0)):
            day = int(batch.day[i])
            # Counted when it was cleared, at the rate of the day it was paid in.
            self.post(
                (int(line[i]), max(day, int(batch.cleared[i])), day, COUNTED), int(batch.fen[i])
            )


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
        sums = np.bincount(inverse, weights=fen, minlength=size)[pick].astype(np.int64).tolist()
        return codes, sums, counts
    high = np.bincount(inverse, weights=fen >> _PART, minlength=size)[pick]
    low = np.bincount(inverse, weights=fen & ((1 << _PART) - 1), minlength=size)[pick]
    both = zip(high.tolist(), low.tolist(), strict=True)
    return codes, [(int(h) << _PART) + int(lo) for h, lo in both], counts
