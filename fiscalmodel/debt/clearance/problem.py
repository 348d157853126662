"""A clearance plan as arrays: days on which something may move, money between them.

Every contract has *moves*: the days on which it pays by its terms, and the days on which
the plan may decide (period ends, days on which dated money or quota comes). A coarser
plan has fewer days of decision and is the same otherwise; so what it finds is a plan of
the finer one too, and a day that a contract names is never moved.

Money stands in *slots*: from one day on which money comes or lapses to the next. What is
to be paid inside a slot meets the same money, so that the programme needs a row for each
slot and not for each day.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

import numpy as np
import numpy.typing as npt

from fiscalmodel.debt.clearance.given import FREQUENCIES, Given
from fiscalmodel.debt.ledger import Contract, interest_since, payment_days
from fiscalmodel.debt.schedule import is_month_end, period_of, step_months, year_fraction
from fiscalmodel.words import Text, say

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Moves:
    """M moves, sorted by contract and day; per 万元 where a rate, else 万元."""

    who: Ints  # contract
    when: Ints  # day
    first: Bools  # the contract's first move: what it opens with is its principal
    accrual: Floats  # interest of the opening balance since its last day of payment
    pays: Bools  # a day on which all interest is due
    highest: Floats  # closing balance at most (inf: no bound)
    scheduled: Floats  # principal due by contract on the day
    limit: Floats  # principal paid in cash at most (inf: free)
    early: Bools  # before maturity and the end, where more than `scheduled` may be paid
    fee: Floats  # of principal above `scheduled`
    swap_fee: Floats  # of principal that is replaced
    minimum: Floats  # cash while a balance remains
    clears: Bools  # the day by which the balance has to be what stays
    swaps: Bools  # may be replaced on the day


@dataclass(frozen=True, eq=False)
class Problem:
    """n contracts with M moves on E days, K pools of money in S slots, G groups, V draws.

    A pool is money that may be spent on the same contracts. A group is the contracts that
    the same pools may pay; inside a group money is interchangeable, so that sources can be
    allotted to contracts after the plan is made. The last group is the service of the
    plan's own bonds. A draw is a quota on a day.
    """

    given: Given
    labels: tuple[str, ...]
    ends: tuple[dt.date, ...]
    days: tuple[dt.date, ...]  # E
    period: Ints  # E
    slot: Ints  # E
    years: Floats  # E: years from as_of, whole months being twelfths
    slots: tuple[dt.date, ...]  # S: first day of each
    moves: Moves
    principal: Floats  # n
    stays: Floats  # n
    since: tuple[dt.date, ...]  # n: day from which interest is owed
    group: Ints  # n
    pool_names: tuple[str, ...]  # K
    cap: Floats  # K × S: net money that comes in
    hold: Bools  # K × S: what is left at the end of a slot is there in the next
    eligible: Bools  # K × G
    kinds: tuple[str, ...]  # K: kind of money, as land or disposal
    shares: tuple[tuple[int, int, int, float], ...]  # source row, pool, slot, share of its cap
    nets: tuple[float, ...]  # net cap of each source row, after prior claims
    draw_quota: Ints  # V
    draw_day: Ints  # V
    #: V: day, slot, interest and principal of each payment up to the deadline
    services: tuple[tuple[tuple[dt.date, int, float, float], ...], ...]
    bond_interest: Floats  # V: to the deadline
    bond_life: Floats  # V: over the whole life
    bond_value: Floats  # V: present value of all service
    rooms: tuple[tuple[int, float], ...]  # day, issued at most by it
    notes: tuple[Text, ...] = ()

    @property
    def contracts(self) -> tuple[Contract, ...]:
        """The contracts, in the order of the arrays."""
        return self.given.contracts

    @property
    def discount(self) -> Floats:
        """Factor of each day."""
        pct = self.given.discount_pct
        return (1 + (0.0 if pct != pct else pct) / 100) ** -self.years

    @property
    def opening(self) -> Floats:
        """Principal at each contract's first move, else 0; M."""
        return np.where(self.moves.first, self.principal[self.moves.who], 0.0)


def total(at: Ints, amounts: Floats, size: int) -> Floats:
    """Sums of amounts by index, 0 to `size` − 1."""
    made: Floats = np.bincount(at, weights=amounts, minlength=size).astype(float)
    return made


@cache
def position(day: dt.date) -> int:
    """Days since the year 0 where every month has 30, its last day being the 30th.

    >>> position(dt.date(2026, 1, 15)) - position(dt.date(2025, 12, 31))
    15
    """
    return 360 * day.year + 30 * (day.month - 1) + (30 if is_month_end(day) else min(day.day, 30))


def fraction(day_count: str, start: dt.date, end: dt.date, whole: int, months: int) -> float:
    """Years between two days by a contract's day count.

    30/360 counts a month-end as the 30th, so that months and years are whole; `whole` is
    the days of the regular period of `months` that holds them (ACT/ACT only).
    """
    if not day_count.startswith("ACT"):
        return (position(end) - position(start)) / 360
    share = Fraction((end - start).days, whole)
    return float(year_fraction(start, end, day_count, share=share, months=months))


def calendar(given: Given) -> tuple[tuple[str, ...], tuple[dt.date, ...]]:
    """Labels and last days of the plan's periods; the last one ends on the deadline."""
    step = FREQUENCIES[given.options.frequency]
    first = given.opened
    start = dt.date(first.year, (first.month - 1) // step * step + 1, 1)
    labels: list[str] = []
    ends: list[dt.date] = []
    while not ends or ends[-1] < given.deadline:
        end = step_months(start, step, False) - dt.timedelta(days=1)
        start = end + dt.timedelta(days=1)
        labels.append(period_of(end, given.options.frequency))
        ends.append(min(end, given.deadline))
    return tuple(labels), tuple(ends)


def build_problem(given: Given) -> Problem:
    """Arrays of a checked input."""
    notes: list[Text] = []
    labels, ends = calendar(given)
    nets = _after_claims(given, notes)
    arrivals = [s.arrivals(given.opened) for s in given.sources]
    dated = {
        day for s, parts in zip(given.sources, arrivals, strict=True) if s.available_from
        for day, _ in parts if day <= given.deadline
    }  # fmt: skip
    slots = _slots(given, arrivals)
    # Inside a slot nothing is gained by waiting: an end at which no money comes or lapses is
    # no day of decision, but one on which bonds may be issued.
    useful = {e for e in ends if e in slots or (e.month, e.day) == (12, 31) or e == ends[-1]}
    close = given.opened - dt.timedelta(days=1)
    since = tuple(interest_since(c, close) for c in given.contracts)
    _accrued(given, close, since, notes)
    moves, days = _moves(given, since, useful | dated, {*ends, *dated})
    names, cap, hold, marks, shares, kinds = _pools(given, nets, arrivals, slots, notes)
    group, eligible = _groups(given.contracts, marks)
    draws = [
        (q, e) for e in np.unique(moves.when[moves.swaps]) for q, quota in enumerate(given.quotas)
        if quota.first <= days[e] <= quota.last
    ]  # fmt: skip
    years = np.array([position(day) - position(close) for day in days]) / 360
    pct = given.discount_pct
    factor = 1 + (0.0 if pct != pct else pct) / 100
    services, interest, life, value = [], [], [], []
    for q, e in draws:
        parts = [(months, paid, principal) for months, principal, paid in given.quotas[q].service()]
        parts.insert(0, (0, given.quotas[q].issue_cost_pct / 100, 0.0))
        at_end = is_month_end(days[e])
        ahead = [(step_months(days[e], m, at_end), c, p) for m, c, p in parts if c or p]
        inside = [(day, c, p) for day, c, p in ahead if day <= given.deadline]
        services.append(tuple((d, bisect_right(slots, d) - 1, c, p) for d, c, p in inside))
        interest.append(sum(c for _, c, _ in inside))
        life.append(sum(c for _, c, _ in parts))
        value.append(sum((c + p) * factor ** -(years[e] + m / 12) for m, c, p in parts))
    return Problem(
        given=given, labels=labels, ends=ends, days=days,
        period=np.array([min(bisect_left(ends, day), len(ends) - 1) for day in days], dtype=int),
        slot=np.array([bisect_right(slots, day) - 1 for day in days], dtype=int),
        years=years, slots=slots, moves=moves,
        principal=np.array([c.principal_wan for c in given.contracts], dtype=float),
        stays=np.array([c.stays_wan for c in given.contracts], dtype=float), since=since,
        group=group, pool_names=names, cap=cap, hold=hold, eligible=eligible, kinds=kinds,
        shares=shares, nets=tuple(nets),
        draw_quota=np.array([q for q, _ in draws], dtype=int),
        draw_day=np.array([e for _, e in draws], dtype=int),
        services=tuple(services), bond_interest=np.array(interest), bond_life=np.array(life),
        bond_value=np.array(value), rooms=_rooms(given, days, notes), notes=tuple(notes),
    )  # fmt: skip


def _moves(
    given: Given, since: tuple[dt.date, ...], decide: set[dt.date], issue: set[dt.date]
) -> tuple[Moves, tuple[dt.date, ...]]:
    """Moves of all contracts, and the days on which they stand."""
    close = given.opened - dt.timedelta(days=1)
    days: set[dt.date] = set(calendar(given)[1])
    laid = []
    for c in given.contracts:
        pays, mine, swaps = _own_days(given, c, close, decide, issue)
        laid.append((pays, mine, swaps))
        days.update(mine)
    index = {day: e for e, day in enumerate(sorted(days))}
    columns: list[list[Floats | Ints | Bools]] = [[] for _ in range(14)]
    for i, (c, (pays, mine, swaps)) in enumerate(zip(given.contracts, laid, strict=True)):
        rows = _terms(given, c, since[i], pays, mine, swaps)
        size = len(mine)
        first = np.zeros(size, dtype=bool)
        first[:1] = True
        when = np.array([index[day] for day in mine], dtype=np.int64)
        for column, values in zip(
            columns, (np.full(size, i, dtype=np.int64), when, first, *rows), strict=True
        ):
            column.append(values)
    kinds = [np.int64, np.int64, bool, float, bool, float, float, float, bool, float, float, float,
             bool, bool]  # fmt: skip
    made = [
        np.concatenate(column) if column else np.zeros(0, dtype=kind)
        for column, kind in zip(columns, kinds, strict=True)
    ]
    return Moves(*made), tuple(index)  # type: ignore[arg-type]


def _accrued(given: Given, close: dt.date, since: tuple[dt.date, ...], notes: list[Text]) -> None:
    """Say what accrued before the plan begins, and where that is not known."""
    owed, counts, unknown = list[float](), dict[str, None](), 0
    for c, day in zip(given.contracts, since, strict=True):
        bears = c.rate_pct > 0 and c.principal_wan > 0
        if bears and day < close:
            basis = c.day_count or given.options.day_count
            counts[basis] = None
            years = fraction(basis, day, close, round(c.months * 365.25 / 12), c.months)
            owed.append(c.principal_wan * c.rate_pct / 100 * years)
        elif bears and not c.interest_paid_to and (c.on_demand or not c.frequency):
            unknown += 1
    if owed:
        notes.append(say("debt.clearance.accrued", amount=sum(owed), count=len(owed),
                         basis=list(counts)))  # fmt: skip
    if unknown:
        notes.append(say("debt.clearance.interest_from", as_of=given.as_of, count=unknown))


def _own_days(
    given: Given, c: Contract, close: dt.date, decide: set[dt.date], issue: set[dt.date]
) -> tuple[list[dt.date], list[dt.date], set[dt.date]]:
    """Days of payment, all days on which the contract may move, and those of replacement."""
    end = given.deadline if c.stays_wan else min(c.clear_by or given.deadline, given.deadline)
    end = max(end, given.opened)
    pays = [day for day in payment_days(c, close, given.deadline) if day <= end]
    fixed = {*pays, *(d for d, _ in c.instalments), end}
    fixed.update(order.day for order in given.orders if order.contract_id == c.contract_id)
    if c.maturity and not c.overdue:
        fixed.add(c.maturity)
    if c.extendable_to:
        fixed.add(c.extendable_to)
    swaps: set[dt.date] = set()
    if c.replaceable:
        for q in given.quotas:
            ends = {q.first, q.last, *issue, *fixed}
            swaps.update(d for d in ends if q.first <= d <= q.last and close < d <= end)
    if c.on_demand or c.prepayable or c.extendable_to:
        fixed.update(decide)
    mine = sorted(day for day in fixed | swaps if close < day <= end)
    return pays, mine, swaps


def _terms(
    given: Given, c: Contract, paid_to: dt.date, pays: list[dt.date], mine: list[dt.date],
    swaps: set[dt.date],
) -> tuple[Floats | Bools, ...]:  # fmt: skip
    """Accrual, payment and bounds of each move of a contract."""
    size = len(mine)
    day_count = c.day_count or given.options.day_count
    since = [paid_to, *pays]
    at_end = bool(pays) and is_month_end(pays[0])
    whole_from = step_months(pays[0], -c.months, at_end) if pays else paid_to
    accrual, pay = np.zeros(size), np.zeros(size, dtype=bool)
    for k, day in enumerate(mine):
        j = bisect_left(since, day) - 1
        start = since[j]
        nearest = since[j + 1] if j + 1 < len(since) else step_months(start, c.months, at_end)
        before = whole_from if j == 0 else start
        length = max((nearest - before).days, 1)
        accrual[k] = c.rate_pct / 100 * fraction(day_count, start, day, length, c.months)
        pay[k] = j + 1 < len(since) and since[j + 1] == day
    due = np.zeros(size)
    if not c.on_demand:
        parts = c.instalments or (((c.maturity or given.deadline), c.principal_wan),)
        for day, amount in parts:
            if day in (at := {d: k for k, d in enumerate(mine)}):
                due[at[day]] += amount
    left = c.principal_wan - np.cumsum(due)
    left[np.abs(left) < 1e-9 * max(c.principal_wan, 1.0)] = 0.0
    highest = np.where(np.cumsum(due) > 0, left, np.inf)
    maturity = c.maturity if c.maturity and not c.overdue else dt.date.max
    if c.extendable_to and not c.on_demand:
        # An extension moves what falls due at maturity; earlier instalments stay due.
        last = c.instalments[-1][1] if c.instalments else c.principal_wan
        waits = np.array([maturity <= day < c.extendable_to for day in mine], dtype=bool)
        highest = np.where(waits, np.maximum(highest, last), highest)
    minimum = np.where(pay, c.min_instalment_wan if given.options.minimums else 0.0, 0.0)
    clears = np.zeros(size, dtype=bool)
    clears[-1:] = True
    highest[-1:] = c.stays_wan
    minimum[-1:] = 0.0  # everything is paid then
    scheduled = np.maximum(due, minimum)
    early = np.array([day < maturity for day in mine], dtype=bool) & (not c.on_demand)
    limit = np.where(early & (not c.prepayable), scheduled, np.inf)
    fee = np.where(early & c.prepayable, c.prepay_fee_pct / 100, 0.0)
    swap_fee = np.where(early, c.replace_fee_pct / 100, 0.0)
    swap = np.array([day in swaps for day in mine], dtype=bool)
    ahead = early & c.prepayable & ~clears
    return (accrual, pay, highest, scheduled, limit, ahead, fee, swap_fee, minimum, clears, swap)


def _slots(given: Given, arrivals: list[list[tuple[dt.date, float]]]) -> tuple[dt.date, ...]:
    """First days of the slots: the plan's first, days on which money comes, and New Year."""
    marks = {day for parts in arrivals for day, _ in parts if day <= given.deadline}
    years = {dt.date(year, 1, 1) for year in range(given.opened.year + 1, given.deadline.year + 1)}
    return tuple(sorted({given.opened, *marks, *years}))


def _after_claims(given: Given, notes: list[Text]) -> list[float]:
    """Net caps; what ranks before comes off the money of its budget and period, in proportion."""
    nets = [s.net_wan for s in given.sources]
    kept = [s.kind in ("land", "project") for s in given.sources]
    if given.options.reserve_pct and any(kept):
        share = given.options.reserve_pct / 100
        notes.append(say("debt.clearance.reserve", share=given.options.reserve_pct,
                         amount=share * float(np.array(nets)[kept].sum())))  # fmt: skip
        nets = [n * (1 - share) if k else n for n, k in zip(nets, kept, strict=True)]
    for claim in given.claims:
        if claim.inside:
            notes.append(say("debt.clearance.claim_inside", item=claim.item or "三保",
                             need=claim.need_wan, year=claim.first.year))  # fmt: skip
            continue
        kind = "fiscal" if claim.budget == "general" else "land"
        rows = [
            row for row, s in enumerate(given.sources)
            if s.kind == kind and max(claim.first, s.first) <= min(claim.last, s.last)
        ]  # fmt: skip
        there = sum(nets[row] for row in rows)
        share = min(claim.need_wan / there, 1.0) if there > 0 else 0.0
        for row in rows:
            nets[row] *= 1 - share
        if claim.need_wan - there > 1e-9:
            notes.append(say("debt.clearance.claim_above", item=claim.item or "三保",
                             gap=claim.need_wan - there, year=claim.first.year))  # fmt: skip
    return nets


def _pools(
    given: Given, nets: list[float], arrivals: list[list[tuple[dt.date, float]]],
    slots: tuple[dt.date, ...], notes: list[Text],
) -> tuple[
    tuple[str, ...], Floats, Bools, list[tuple[str, ...]], tuple[tuple[int, int, int, float], ...],
    tuple[str, ...],
]:  # fmt: skip
    """Pools of money; what is not carried lapses at the end of the year."""
    keys: dict[tuple[str, tuple[str, ...], bool], int] = {}
    shares: list[tuple[int, int, int, float]] = []
    kinds: list[str] = []
    cells: list[tuple[int, int, float]] = []
    for row, (s, parts) in enumerate(zip(given.sources, arrivals, strict=True)):
        if not parts:
            if s.cap_wan > 0:
                notes.append(say("debt.clearance.source_past", name=s.source_id, period=s.period))
            continue
        k = keys.setdefault((s.source_id, s.earmark, s.carry), len(keys))
        if k == len(kinds):
            kinds.append(s.kind)
        for day, share in parts:
            if day <= given.deadline:  # what comes in after the deadline does not help
                t = bisect_right(slots, day) - 1
                cells.append((k, t, nets[row] * share))
                shares.append((row, k, t, share))
    cap = np.zeros((len(keys), len(slots)))
    for k, t, amount in cells:
        cap[k, t] += amount
    carry = np.array([key[2] for key in keys], dtype=bool).reshape(-1, 1)
    hold = (carry | in_year(slots)[None, :]) & (np.arange(len(slots)) < len(slots) - 1)[None, :]
    marks = [key[1] for key in keys]
    return (
        tuple(key[0] for key in keys), cap, hold, marks, tuple(shares), tuple(kinds)
    )  # fmt: skip


def in_year(slots: tuple[dt.date, ...]) -> Bools:
    """Slots after which the year goes on."""
    return np.array([(day.month, day.day) != (1, 1) for day in slots[1:]] + [False], dtype=bool)


def _groups(contracts: tuple[Contract, ...], marks: list[tuple[str, ...]]) -> tuple[Ints, Bools]:
    """Group of each contract and which pools may pay which group; the last is bond service."""
    signatures: dict[tuple[bool, ...], int] = {}
    group = np.zeros(len(contracts), dtype=np.int64)
    for i, c in enumerate(contracts):
        mine = tuple(not m or c.contract_id in m or c.category in m for m in marks)
        group[i] = signatures.setdefault(mine, len(signatures))
    rows = [*signatures, tuple(not m for m in marks)]
    return group, np.array(rows, dtype=bool).reshape(len(rows), len(marks)).T


def _rooms(
    given: Given, days: tuple[dt.date, ...], notes: list[Text]
) -> tuple[tuple[int, float], ...]:
    """How much may have been issued by a day: limits of special debt, raised by each quota."""
    rooms = []
    if given.options.special_headroom_wan is not None and days:
        rooms.append((len(days) - 1, float(given.options.special_headroom_wan)))
    for limit in given.limits:
        if limit.special_wan != limit.special_wan:
            continue
        end = dt.date(limit.year, 12, 31)
        room = given.special_limit(limit.year) - given.options.special_wan
        if given.options.special_wan > limit.special_wan:
            room = 0.0  # above its limit already: no new issue
            notes.append(say("debt.clearance.limit_above", year=limit.year,
                             held=given.options.special_wan, limit=limit.special_wan))  # fmt: skip
        last = bisect_right(days, end) - 1
        if last >= 0:
            rooms.append((last, max(room, 0.0)))
    return tuple(rooms)
