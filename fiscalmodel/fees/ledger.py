"""The ledger of a settlement: receipts added up in exact 分, and the fees that follow line by line.

Everything a statement needs follows from sums by line, month, stretch of days without
a rate change, and status.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from fiscalmodel.fees.receipts import (
    CLEARED,
    COUNTED,
    EXCLUDED,
    NO_DAY,
    PENDING,
    REFUND,
    Ints,
    Names,
    Receipts,
    exact_sums,
)
from fiscalmodel.fees.terms import LAST_DAY, Rate, RateBook, Terms, credit_fen, fee_fen

Period = Literal["month", "quarter", "year"]
_STATUSES = 5  # how many there are, see `receipts`
#: Where a line adds up the money of each status.
_COLUMN_OF = {COUNTED: "paid_in", REFUND: "refunds", PENDING: "unmatched", EXCLUDED: "excluded"}
#: (line, month, stretch of days without a rate change, status)
Key = tuple[int, int, int, int]

# ---- sums ----


def month_of(days: Any) -> Ints:
    """Running number of the month (year × 12 + month − 1) of days since 1970-01-01."""
    stamps = np.asarray(days, np.int64).astype("datetime64[D]").astype("datetime64[M]")
    return np.asarray(stamps.astype(np.int64) + 1970 * 12)


@dataclass
class Sums:
    """Sums of 分 and numbers of rows by key.

    Attributes
    ----------
    changes
        Sorted days on which some rate begins or has just ended.
    since
        Entries of earlier days are left out: they belong to statements already made.
    fen, rows
        Key -> sum of 分; key -> number of rows.
    """

    changes: Sequence[int] = ()
    since: int = int(NO_DAY)
    fen: dict[Key, int] = field(default_factory=dict)
    rows: dict[Key, int] = field(default_factory=dict)

    @classmethod
    def of(cls, receipts: Receipts, changes: Sequence[int], since: int) -> Sums:
        """Add up receipts that were read without a problem, by one look-up of their days."""
        sums = cls(changes, since)
        day, rate_day = receipts.day, receipts.rate_day
        last = int(max(day.max(), rate_day.max()))
        first = min(_first(day), _first(rate_day), last)
        every = np.arange(first, last + 1)
        month, stretch = month_of(every), sums.stretch(every)
        parts = int(stretch[-1]) + 1
        # Months count from 1; rows of month 0 are left out.
        before = int(month[0]) - 1
        months = int(month[-1]) - before + 1
        month_at = np.where(every < since, 0, month - before) * parts
        key = receipts.line.astype(np.int64)
        key += 1
        key *= months * parts
        # The day of an excluded row may be anything.
        key += month_at[np.maximum(day, first) - first]
        key += stretch[np.maximum(rate_day, first) - first]
        key *= _STATUSES
        key += receipts.status
        codes, totals, counts = exact_sums(key, receipts.fen)
        rest, status = np.divmod(codes, _STATUSES)
        rest, part = np.divmod(rest, parts)
        line, at = np.divmod(rest, months)
        status = np.where(status == CLEARED, COUNTED, status)
        keys = zip(*(c.tolist() for c in (line - 1, at + before, part, status)), strict=True)
        keep = ((line > 0) & (at > 0)).tolist()
        for entry, fen, rows, use in zip(keys, totals, counts.tolist(), keep, strict=True):
            if use:
                sums.fen[entry] = sums.fen.get(entry, 0) + fen
                sums.rows[entry] = sums.rows.get(entry, 0) + rows
        return sums

    def stretch(self, days: Any) -> npt.NDArray[np.intp]:
        """Which stretch between rate changes holds each day."""
        changes = np.asarray(self.changes, np.int64)
        return np.asarray(np.searchsorted(changes, days, side="right"))


def _first(day: npt.NDArray[np.int32]) -> int:
    """First day that is one; the last of all days where none is."""
    first = int(day.min())
    return int(day[day != NO_DAY].min(initial=LAST_DAY)) if first == NO_DAY else first


# ---- lines ----


@dataclass(frozen=True)
class Carried:
    """Arrears of fees (分) and a negative base (分, at its rate) from earlier periods."""

    bank: str
    kind: str
    account: str
    arrears_fen: int = 0
    base_fen: int = 0
    rate_pct: Fraction | None = None

    @property
    def name(self) -> tuple[str, str, str]:
        return self.bank, self.kind, self.account


@dataclass
class Line:
    """One line: bank × kind × account × period × terms; money in 分."""

    bank: str
    kind: str
    account: str
    period: int
    rate: Rate | None
    paid_in: int = 0
    refunds: int = 0
    unmatched: int = 0
    excluded: int = 0
    receipts: int = 0
    carried_in: int = 0
    carried_out: int = 0
    fee: int = 0
    arrears: int = 0
    paid: int = 0

    @property
    def name(self) -> tuple[str, str, str]:
        return self.bank, self.kind, self.account

    @property
    def terms(self) -> Terms | None:
        return None if self.rate is None else self.rate.terms

    @property
    def base(self) -> int:
        return self.paid_in + self.refunds

    @property
    def chargeable(self) -> int:
        return self.base + self.carried_in

    @property
    def payable(self) -> int:
        return self.arrears + self.fee - self.paid


def period_number(month: int, period: Period) -> int:
    """Running number of the period that holds a month (year × 12 + month − 1)."""
    return month // {"month": 1, "quarter": 3, "year": 12}[period]


def period_label(number: int, period: Period) -> str:
    """``2024``, ``2024Q1`` or ``2024-01``."""
    if period == "year":
        return str(number)
    if period == "quarter":
        return f"{number // 4}Q{number % 4 + 1}"
    return f"{number // 12}-{number % 12 + 1:02d}"


def build(
    sums: Sums,
    names: Names,
    rates: RateBook,
    period: Period,
    carried: Sequence[Carried] = (),
) -> list[Line]:
    """Lines with their fees, in the order bank, kind, account, period, rate."""
    lines: dict[tuple[int, int, int], Line] = {}
    terms: dict[Terms | None, int] = {}
    looked_up: dict[tuple[int, int], tuple[Rate | None, int]] = {}
    for key, fen in sums.fen.items():
        code, month, stretch, status = key
        if (code, stretch) not in looked_up:
            rate = rates.within(*names.of(code), stretch)
            number = terms.setdefault(None if rate is None else rate.terms, len(terms))
            looked_up[(code, stretch)] = rate, number
        rate, number = looked_up[(code, stretch)]
        at = (code, period_number(month, period), number)
        line = lines.get(at)
        if line is None:
            line = lines[at] = Line(*names.of(code), at[1], rate)
        elif rate is not None and line.rate is not None and rate.valid_from < line.rate.valid_from:
            line.rate = rate  # the same terms under an earlier document
        line.receipts += sums.rows[key]
        column = _COLUMN_OF[status]
        setattr(line, column, getattr(line, column) + fen)
    groups: dict[tuple[str, str, str], list[Line]] = defaultdict(list)
    for line in lines.values():
        groups[line.name].append(line)
    first = min((line.period for line in lines.values()), default=0)
    brought: dict[tuple[str, str, str], list[Carried]] = defaultdict(list)
    for entry in carried:
        brought[entry.name].append(entry)
    result: list[Line] = []
    order = {word: at for at, word in enumerate((*names.kinds, *names.accounts))}
    for name in sorted({*groups, *brought}, key=lambda g: (g[0], order[g[1]], order[g[2]])):
        result += _settle(name, groups[name], brought[name], rates, first)
    return result


def _settle(
    name: tuple[str, str, str],
    lines: list[Line],
    carried: list[Carried],
    rates: RateBook,
    first: int,
) -> list[Line]:
    """Fees of one bank, kind and account, period after period."""
    open_bases: dict[Terms | None, Line] = {}
    start = min((line.period for line in lines), default=first)
    for entry in carried:
        line = _entry_line(name, entry, lines, rates, start)
        line.carried_in += entry.base_fen
        line.arrears += entry.arrears_fen
    by_period: dict[int, list[Line]] = defaultdict(list)
    for line in lines:
        by_period[line.period].append(line)
    result: list[Line] = []
    for number in sorted(by_period):
        now = by_period[number]
        here = {line.terms: line for line in now}
        for terms, old in open_bases.items():
            if terms not in here:
                here[terms] = Line(*name, number, old.rate)
                now.append(here[terms])
            here[terms].carried_in += old.carried_out
        now.sort(key=_by_rate)
        _fees(now)
        open_bases = {line.terms: line for line in now if line.carried_out}
        result += now
    return result


def _fees(now: list[Line]) -> None:
    """Fees of the lines of one period; a credit at an old rate comes off the new fee.

    A negative line is set against the period's positive fees as a whole, or,
    where they do not suffice, carried to the next period as a whole.
    """
    for line in now:
        line.fee = fee_fen(line.chargeable, line.terms)
    room = sum(line.fee for line in now)
    charged = any(line.chargeable > 0 and line.terms is not None for line in now)
    for line in now:
        if line.chargeable >= 0:
            continue
        terms = line.terms
        credit = credit_fen(line.chargeable, terms) if terms is not None and terms.plain else None
        if credit is not None and charged and credit <= room:
            line.fee = -credit
            room -= credit
        else:
            line.carried_out = line.chargeable


def _by_rate(line: Line) -> tuple[bool, int, float]:
    if line.rate is None:
        return (True, 0, 0.0)
    return (False, line.rate.valid_from, float(line.rate.terms.rate_pct))


def _entry_line(
    name: tuple[str, str, str], entry: Carried, lines: list[Line], rates: RateBook, start: int
) -> Line:
    """The first period's line that a carried entry goes to; made if there is none."""
    now = [line for line in lines if line.period == start]
    rate: Rate | None
    if entry.rate_pct is not None and entry.base_fen:
        for line in now:
            if line.terms == Terms(entry.rate_pct):
                return line
        rate = Rate(entry.kind, Terms(entry.rate_pct), entry.bank, entry.account)
    elif now:
        return min(now, key=_by_rate)
    else:
        mine = [r for r in rates.rates if r.kind == entry.kind and r.bank in ("", entry.bank)]
        rate = mine[-1] if mine else None
    line = Line(*name, start, rate)
    lines.append(line)
    return line
