"""The book: receipts added up by line, month, rate stretch and status, in exact 分.

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

#: (line, month, stretch of days without a rate change, status)
Key = tuple[int, int, int, int]
Ints = npt.NDArray[np.int64]


def month_of(days: Any) -> Ints:
    """Running number of the month (year × 12 + month − 1) of days since 1970-01-01."""
    stamps = np.asarray(days, np.int64).astype("datetime64[D]").astype("datetime64[M]")
    return np.asarray(stamps.astype(np.int64) + 1970 * 12)


@dataclass
class Book:
    """Sums of 分 and counts of rows by key.

    Attributes
    ----------
    changes
        Sorted days on which some rate begins or has just ended.
    since
        Entries of earlier days are left out: they belong to statements already made.
    track_days
        Whether to keep `seen`.
    fen, rows
        Key -> sum of 分; key -> number of rows.
    seen
        (line, day paid in) of every row that is neither a refund nor excluded.
    """

    changes: Sequence[int] = ()
    since: int = int(NO_DAY)
    track_days: bool = False
    fen: dict[Key, int] = field(default_factory=dict)
    rows: dict[Key, int] = field(default_factory=dict)
    seen: set[tuple[int, int]] = field(default_factory=set)

    def stretch(self, days: Any) -> npt.NDArray[np.intp]:
        """Which stretch between rate changes holds each day."""
        changes = np.asarray(self.changes, np.int64)
        return np.asarray(np.searchsorted(changes, days, side="right"))

    def post(self, line: Any, day: Any, rate_day: Any, status: Any, fen: Ints) -> None:
        """Add rows that count on one day at the rate of another, all given as arrays."""
        keep = np.asarray(day) >= self.since
        if not keep.any():
            return
        line, day, rate_day = (np.asarray(v, np.int64)[keep] for v in (line, day, rate_day))
        status = np.broadcast_to(np.asarray(status, np.int64), keep.shape)[keep]
        month, stretch = month_of(day), self.stretch(rate_day)
        first, parts = int(month.min()), int(stretch.max()) + 1
        months = int(month.max()) - first + 1
        key = ((line * months + month - first) * parts + stretch) * STATUSES + status
        codes, sums, counts = exact_sums(key, fen[keep])
        rest, what = np.divmod(codes, STATUSES)
        rest, part = np.divmod(rest, parts)
        at, offset = np.divmod(rest, months)
        self._enter((at, offset + first, part, what), sums, counts)

    def _enter(self, columns: tuple[Any, ...], sums: list[int], counts: Any) -> None:
        keys = zip(*(c.tolist() for c in columns), strict=True)
        for key, fen, rows in zip(keys, sums, counts.tolist(), strict=True):
            self.fen[key] = self.fen.get(key, 0) + fen
            self.rows[key] = self.rows.get(key, 0) + rows

    def add(self, batch: Batch) -> None:
        """Add the rows of a batch, refunds left out (they are posted once resolved)."""
        day = batch.day
        if not len(day):
            return
        first, last = int(day.min()), int(day.max())
        if first == NO_DAY:
            valid = day != NO_DAY
            first = int(day[valid].min()) if valid.any() else last
            day = np.maximum(day, first)
        # One unit for each month and stretch that the days of this batch fall in; 0 is left out.
        every = np.arange(first, last + 1)
        pairs = np.column_stack([month_of(every), self.stretch(every)])
        units, unit_of = np.unique(pairs, axis=0, return_inverse=True)
        unit_of = np.where(every < self.since, 0, unit_of.ravel() + 1)
        key = batch.line.astype(np.int64)
        key += 1
        key *= len(units) + 1
        key += unit_of[day - first]
        key *= STATUSES
        key += batch.status
        codes, sums, counts = exact_sums(key, batch.fen)
        rest, status = np.divmod(codes, STATUSES)
        line, unit = np.divmod(rest, len(units) + 1)
        keep = (line > 0) & (unit > 0) & (status != REFUND) & (status != CLEARED)
        month, stretch = units[unit[keep] - 1].T
        kept = [fen for fen, use in zip(sums, keep, strict=True) if use]
        self._enter((line[keep] - 1, month, stretch, status[keep]), kept, counts[keep])
        if batch.cleared is not None:
            at = np.flatnonzero((batch.status == CLEARED) & (batch.line >= 0))
            # Counted when it was cleared, at the rate of the day it was paid in.
            on = np.maximum(batch.day[at], batch.cleared[at])
            self.post(batch.line[at], on, batch.day[at], COUNTED, batch.fen[at])
        if self.track_days:
            self._see(batch)

    def _see(self, batch: Batch) -> None:
        plain = np.isin(batch.status, (COUNTED, PENDING, CLEARED)) & (batch.line >= 0)
        plain &= (batch.day >= self.since) & (batch.day != NO_DAY)
        line, day = batch.line[plain].astype(np.int64), batch.day[plain].astype(np.int64)
        for pair in np.unique((line << 32) + (day + 2**31)).tolist():
            self.seen.add((pair >> 32, (pair & (2**32 - 1)) - 2**31))


def exact_sums(key: Ints, fen: Ints) -> tuple[npt.NDArray[Any], list[int], npt.NDArray[Any]]:
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
