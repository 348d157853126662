"""From the day book to the lines of a statement."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from fiscalmodel.fees.book import Book
from fiscalmodel.fees.encode import (
    ACCOUNT_NAMES,
    COUNTED,
    EXCLUDED,
    KIND_NAMES,
    PENDING,
    REFUND,
    split_line,
)  # fmt: skip
from fiscalmodel.fees.fee import credit_fen, fee_fen
from fiscalmodel.fees.money import Carried
from fiscalmodel.fees.rates import FIRST_DAY, LAST_DAY, Rate, Terms, rate_on
from fiscalmodel.fees.words import Period


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


@dataclass
class RateBook:
    """Rates looked up once for each line and stretch of days between changes."""

    rates: Sequence[Rate]
    changes: list[int] = field(init=False)

    def __post_init__(self) -> None:
        ends = {r.valid_to + 1 for r in self.rates if r.valid_to < LAST_DAY}
        self.changes = sorted({r.valid_from for r in self.rates} | ends)

    def on(self, bank: str, kind: str, account: str, day: int) -> Rate | None:
        """The rate of one receipt."""
        return rate_on(self.rates, bank, kind, account, day)

    def within(self, bank: str, kind: str, account: str, stretch: int) -> Rate | None:
        """The rate in one of the stretches that `changes` divides the days into."""
        # Before the first change no rate is in force: any day that early will do.
        day = self.changes[stretch - 1] if stretch else FIRST_DAY - 1
        return rate_on(self.rates, bank, kind, account, day)


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


def names_of(code: int, banks: Sequence[str]) -> tuple[str, str, str]:
    """Bank, canonical kind and canonical account of a line's code."""
    bank, kind, account = split_line(code)
    return banks[bank], KIND_NAMES[kind], ACCOUNT_NAMES[account]


def build(
    book: Book,
    banks: Sequence[str],
    rates: RateBook,
    period: Period,
    carried: Sequence[Carried] = (),
) -> list[Line]:
    """Lines with their fees, in the order bank, kind, account, period, rate."""
    lines: dict[tuple[int, int, int], Line] = {}
    terms: dict[Terms | None, int] = {}
    looked_up: dict[tuple[int, int], tuple[Rate | None, int]] = {}
    for key, fen in book.fen.items():
        code, month, stretch, status = key
        if (code, stretch) not in looked_up:
            rate = rates.within(*names_of(code, banks), stretch)
            number = terms.setdefault(None if rate is None else rate.terms, len(terms))
            looked_up[(code, stretch)] = rate, number
        rate, number = looked_up[(code, stretch)]
        at = (code, period_number(month, period), number)
        line = lines.get(at)
        if line is None:
            line = lines[at] = Line(*names_of(code, banks), at[1], rate)
        elif rate is not None and line.rate is not None and rate.valid_from < line.rate.valid_from:
            line.rate = rate  # the same terms under an earlier document
        line.receipts += book.rows[key]
        if status == COUNTED:
            line.paid_in += fen
        elif status == REFUND:
            line.refunds += fen
        elif status == PENDING:
            line.unmatched += fen
        elif status == EXCLUDED:
            line.excluded += fen
    groups: dict[tuple[str, str, str], list[Line]] = defaultdict(list)
    for line in lines.values():
        groups[(line.bank, line.kind, line.account)].append(line)
    first = min((line.period for line in lines.values()), default=0)
    for entry in carried:
        if (entry.bank, entry.kind, entry.account) not in groups:
            groups[(entry.bank, entry.kind, entry.account)] = []
    result: list[Line] = []
    for name in sorted(
        groups, key=lambda g: (g[0], KIND_NAMES.index(g[1]), ACCOUNT_NAMES.index(g[2]))
    ):
        mine = [c for c in carried if (c.bank, c.kind, c.account) == name]
        result += _settle(name, groups[name], mine, rates, first)
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
        if entry.base_fen:
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
    if entry.rate_pct is not None and entry.base_fen:
        for line in now:
            if (
                line.terms is not None
                and line.terms.plain
                and line.terms.rate_pct == entry.rate_pct
            ):
                return line
        rate: Rate | None = Rate(entry.kind, Terms(entry.rate_pct), entry.bank, entry.account)
    elif now:
        return min(now, key=_by_rate)
    else:
        mine = [r for r in rates.rates if r.kind == entry.kind and r.bank in ("", entry.bank)]
        rate = mine[-1] if mine else None
    line = Line(*name, start, rate)
    lines.append(line)
    return line
