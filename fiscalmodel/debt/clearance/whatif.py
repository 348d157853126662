"""What is missing, what would close the gap, what would break the plan.

Everything here asks the programme again, of changed money, quotas, dates or rates.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import pandas as pd

from fiscalmodel import days
from fiscalmodel.debt.clearance.given import FREQUENCIES, OBJECTIVES, Given, Source
from fiscalmodel.debt.clearance.problem import (
    Bools,
    Floats,
    Problem,
    build_problem,
    in_year,
    position,
    total,
)
from fiscalmodel.debt.clearance.program import (
    Extra,
    Program,
    Solution,
    least_path,
    roundings,
)
from fiscalmodel.errors import Collector
from fiscalmodel.words import EMPTY, Text, say

#: One 分: a gap below it is no gap.
FEN_WAN = 1e-6
#: How far a longer deadline is looked for.
YEARS_LONGER = 5
#: Shock -> kind of source that it lowers.
FALLS = {
    "fiscal_funds": "fiscal", "land_revenue": "land", "transfers": "transfer",
    "disposal_price": "disposal",
}  # fmt: skip
#: Rates are raised by this much at most.
HIGHEST_BP = 2_000
BREAK_COLUMNS = ("shock", "break_point", "unit", "outcome", "detail")
LEVER_COLUMNS = ("lever", "amount", "unit", "closes", "detail")


# ---- whether there is a plan, and what is missing ----


def holds(p: Problem, extras: tuple[Extra, ...] = ()) -> bool | None:
    """Whether some plan keeps all terms; None where a mixed-integer search found neither."""
    found = _found(p, extras)
    return found.found or (None if found.status == "unknown" else False)


def _found(p: Problem, extras: tuple[Extra, ...] = ()) -> Solution:
    """Any plan, with as little of the extras as possible."""
    program = Program(p, extras=extras)
    cost = np.zeros(program.size)
    cost[program.columns["extra"]] = [extra.cost for extra in extras]
    if not (program.columns["open"] >= 0).any():
        return program.solve(cost)
    bound = program.solve(cost, relaxed=True)
    if not bound.found:
        return bound
    plans: list[Solution] = []
    for whole in roundings(p, program, bound.values["balance"]):
        tried = program.solve(cost, whole=whole)
        if tried.found and (not extras or tried.objective <= bound.objective + 1e-9):
            return tried  # no other is better
        plans += [tried] if tried.found else []
    mixed = program.solve(cost)
    if mixed.found or not plans:
        return mixed
    return min(plans, key=lambda s: s.objective)


def least_total(p: Problem) -> Solution:
    """The plan that lacks least money in all; among those, the one that costs least."""
    program, whole = _elastic(p)
    missing = program.missing()
    least = program.solve(missing, whole=whole)
    if not least.found:
        return least
    cost, fixed = program.objective("least_interest")
    room = ((missing, least.objective),)
    best = program.solve(cost, fixed, rows=room, whole=whole)
    return best if best.found else least


def latest(p: Problem) -> Solution:
    """The plan whose missing money comes latest.

    Least by the first day, then by the next, and so on: of all plans with the least by the
    days before. As a whole it is one plan that can be carried out. Money goes to what falls
    due, then to what is overdue; nothing is repaid early in a year in which money is missing,
    unless by money that may pay nothing else.
    """
    program, whole = _elastic(p)
    every = {day.year for day in p.slots}
    kept = _in_time(p, program, every)
    found, rows = _by_day(p, program, whole, kept)
    first = _overdue_first(p, program, whole, found, [*kept, *rows])
    if found.found and (kept or first):
        short = {day.year for day, lack in zip(p.slots, _by_slot(p, found), strict=True)
                 if lack > FEN_WAN / 10}  # fmt: skip
        kept = [*_in_time(p, program, short), *first]
        found, rows = _by_day(p, program, whole, kept)
    if not found.found:
        return found
    cost, fixed = program.objective("least_interest")
    rows += [*kept, (program.missing(), float(_by_slot(p, found).sum()))]
    best = program.solve(cost, fixed, rows=tuple(rows), whole=whole)
    return best if best.found else found


Bound = tuple[Floats, float]  # coefficients of all columns, and their sum at most


def _in_time(p: Problem, program: Program, years: Collection[int]) -> list[Bound]:
    """That nothing is repaid early in some years, but by money that may pay nothing else."""
    m, made = p.moves, list[Bound]()
    short = np.isin([p.days[e].year for e in m.when], list(years))
    there = (program.columns["early"] >= 0) & m.early & short
    for g in np.unique(p.group[m.who[there]]):
        mine, own = there & (p.group[m.who] == g), p.eligible[:, g] & ~p.eligible.all(axis=1)
        slots = p.slot[m.when]
        for t in np.unique(slots[mine])[0 if own.any() else -1 :]:
            row = np.zeros(program.size)
            row[program.columns["early"][mine & (slots <= t)]] = 1.0
            paid = program.columns["paid"][own, g, : t + 1]
            row[paid[paid >= 0]] = -1.0
            made.append((row, 0.0))
    return made


def _overdue_first(
    p: Problem, program: Program, whole: Bools | None, found: Solution, rows: list[Bound]
) -> list[Bound]:
    """That what is overdue is paid as soon as what falls due leaves money for it."""
    m = p.moves
    overdue = np.array([c.overdue for c in p.contracts], dtype=bool)
    mine = overdue[m.who] if len(m.who) else np.zeros(0, dtype=bool)
    if not found.found or not mine.any():
        return []
    soon = program.solve(np.asarray(program.left[mine].sum(axis=0)).ravel(), rows=tuple(rows),
                         whole=whole)  # fmt: skip
    made = list[Bound]()
    for year in sorted({day.year for day in p.slots}) if soon.found else ():
        upto = mine & np.array([p.days[e].year <= year for e in m.when], dtype=bool)
        row = np.asarray(-program.falls[upto].sum(axis=0)).ravel()
        paid = sum(float(soon.values[name][upto].sum()) for name in ("repaid", "replaced"))
        made.append((row, FEN_WAN / 10 - paid))
    return made


def _by_day(
    p: Problem, program: Program, whole: Bools | None, kept: list[Bound]
) -> tuple[Solution, list[Bound]]:
    """Least missing by the first day, then by the next …, and the rows that hold each."""
    slots = len(p.slots)
    late = np.mean([program.missing(t) for t in range(slots)], axis=0)
    rows: list[Bound] = []
    found = program.solve(late, rows=tuple(kept), whole=whole)
    t = 0
    while found.found and t < slots:
        by = _by_slot(p, found)
        ahead = np.flatnonzero(by[t:] > FEN_WAN / 10)
        if not len(ahead):
            break
        t += int(ahead[0])
        if t:  # nothing more is needed before: that is least, since what is fixed is least
            rows.append((program.missing(t - 1), float(by[:t].sum())))
        step = program.solve(program.missing(t) + 1e-5 * late, rows=(*kept, *rows), whole=whole)
        if not step.found:
            break
        found = step
        rows.append((program.missing(t), float(_by_slot(p, found)[: t + 1].sum())))
        t += 1
    return found, rows


@lru_cache(maxsize=1)  # the latest schedule and the least one are asked for of one problem
def _elastic(p: Problem) -> tuple[Program, Bools | None]:
    program = Program(p, elastic=True)
    there = program.columns["open"] >= 0
    # With minimum instalments: the schedule that pays them as long as they last.
    return program, (least_path(p) > 1e-9)[there] if there.any() else None


def _by_slot(p: Problem, s: Solution) -> Floats:
    """What is missing in each slot."""
    by = np.asarray(s.values["missing"].sum(axis=0), dtype=float)
    if len(p.moves.who):
        by = by + total(p.slot[p.moves.when], s.values["let_off"], len(p.slots))
    return by


def _possible(given: Given) -> bool:
    """Whether an input has a plan; an open search counts as none."""
    return holds(build_problem(given)) is True


def smallest(true: Callable[[int], bool], low: int, high: int) -> int | None:
    """Smallest whole number in low..high at which a monotone condition holds; None if none."""
    if low > high or not true(high):
        return None
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if true(middle) else (middle + 1, high)
    return high


# ---- levers ----


@dataclass(frozen=True)
class Lever:
    """One lever: how much of it closes the gap alone, or that it cannot (not a number)."""

    lever: str
    amount: float
    unit: str
    detail: Text

    @property
    def closes(self) -> bool:
        """Whether it closes the gap."""
        return bool(np.isfinite(self.amount))


def lever_table(rows: Iterable[Lever], lang: str | None = None) -> pd.DataFrame:
    """Columns ``lever, amount, unit, closes, detail``."""
    lines = [
        (r.lever, r.amount, say(f"debt.unit.{r.unit}")(lang) if r.unit else "", r.closes,
         r.detail(lang)) for r in rows
    ]  # fmt: skip
    return pd.DataFrame(lines, columns=list(LEVER_COLUMNS))


def levers(given: Given, p: Problem) -> tuple[Lever, ...]:
    """What would close a plan's gap: each lever alone, then pairs where none does.

    Another order of payment (where only the rule fails), ``extra_funds`` (万元 a year),
    ``extra_quota`` (万元), ``earlier_disposal`` and ``longer_deadline`` (months).
    """
    if given.options.rule not in OBJECTIVES and holds(p):
        return (Lever("least_cost_order", 0.0, "", say("debt.lever.other_order")),)
    alone = (_funds(p, given), _quota(p), _disposal(given), _deadline(given))
    return (*alone, *_pairs(given, p, alone))


def yearly_pool(p: Problem) -> tuple[Problem, Floats]:
    """The problem with one more, empty pool for all; what 1 万元 a year puts in it.

    The money of a year comes in at the ends of its months and may be used later in that
    year; the last day is one on which it comes.
    """
    share = np.zeros(len(p.slots))
    before = position(p.given.opened - dt.timedelta(days=1))
    for t, day in enumerate(p.slots):
        if day > p.given.opened and (day.month, day.day) != (1, 1):
            share[t] = (position(day) - before) / 360
            before = position(day)
    share[-1] += max((position(p.given.deadline) - before) / 360, 0.0)
    return _one_more(p, share, in_year(p.slots))


def _one_more(p: Problem, share: Floats, hold: Bools) -> tuple[Problem, Floats]:
    """The problem with one more, empty pool for all, and what a unit puts in it."""
    none = np.zeros((1, len(p.slots)))
    wider = replace(
        p,
        pool_names=(*p.pool_names, "extra"),
        cap=np.vstack([p.cap, none]),
        hold=np.vstack([p.hold, hold]),
        eligible=np.vstack([p.eligible, np.ones((1, p.eligible.shape[1]), dtype=bool)]),
        kinds=(*p.kinds, "named"),
    )
    return wider, np.vstack([np.zeros_like(p.cap), share])


def monthly(given: Given) -> Given:
    """The input with an empty source whose money would come in month by month.

    So that there is a day on which a lever's money may come, and be paid out.
    """
    months = [
        Source("", "", "named", str(year), dt.date(year, 1, 1), dt.date(year, 12, 31), None, 0.0,
               0.0, (), False)
        for year in range(given.opened.year, given.deadline.year + 1)
    ]  # fmt: skip
    return replace(given, sources=(*given.sources, *months))


def extra_a_year(given: Given) -> float:
    """Smallest amount a year, 万元, that makes a plan possible; nan if none does."""
    wider, delta = yearly_pool(build_problem(monthly(given)))
    found = _found(wider, (Extra(money=delta, cost=1.0),))
    return float(found.values["extra"][0]) if found.found else float("nan")


def _funds(p: Problem, given: Given) -> Lever:
    amount = extra_a_year(given)
    if np.isfinite(amount):
        years = {"first": given.opened.year, "last": given.deadline.year}
        return Lever("extra_funds", amount, "a_year", say("debt.lever.every_year", **years))
    # With all the money in the world: do terms forbid it, or does it come too late?
    at = np.arange(len(p.slots))
    wide, lump = _one_more(p, (at == 0).astype(float), at < len(p.slots) - 1)
    why = "too_late" if _found(wide, (Extra(money=lump, cost=1.0),)).found else "terms"
    return Lever("extra_funds", float("nan"), "a_year", say(f"debt.lever.{why}"))


def _quota(p: Problem) -> Lever:
    none = float("nan")
    if not p.given.quotas:
        return Lever("extra_quota", none, "amount", say("debt.lever.no_quota"))
    if not any(c.replaceable for c in p.contracts):
        return Lever("extra_quota", none, "amount", say("debt.lever.nothing_replaceable"))
    more = tuple(Extra(quota=row, cost=1.0) for row in np.eye(len(p.given.quotas)))
    found = _found(p, more)
    if not found.found:
        limited = p.rooms and _found(replace(p, rooms=()), more).found
        why = "limit_too_low" if limited else "quota_not_enough"
        return Lever("extra_quota", none, "amount", say(f"debt.lever.{why}"))
    amounts = found.values["extra"]
    parts = [
        say("debt.lever.quota_part", amount=amount, period=quota.name)
        for amount, quota in zip(amounts, p.given.quotas, strict=True) if amount > 1e-6
    ]  # fmt: skip
    return Lever("extra_quota", float(amounts.sum()), "amount", Text.joined(parts, "、", ", "))


def moved(sources: Iterable[Source], months: int, opened: dt.date) -> tuple[Source, ...]:
    """Disposals some months earlier, not before the plan begins; kept until they are needed."""
    made = []
    for s in sources:
        if s.kind != "disposal":
            made.append(s)
            continue
        early = s.moved(-months)
        first = max(early.first, opened)
        made.append(replace(early, first=first, last=max(early.last, first), carry=True))
    return tuple(made)


def _disposal(given: Given) -> Lever:
    step, none = FREQUENCIES[given.options.frequency], float("nan")
    ends = [s.last for s in given.sources if s.kind == "disposal"]
    if not ends:
        return Lever("earlier_disposal", none, "months", say("debt.lever.no_disposal"))

    def true(k: int) -> bool:
        sources = moved(given.sources, k * step, given.opened)
        return _possible(replace(given, sources=sources))

    last, start = max(ends), given.opened
    most = -(-((last.year - start.year) * 12 + last.month - start.month) // step)
    k = smallest(true, 1, max(most, 0))
    if k is None:
        return Lever("earlier_disposal", none, "months", say("debt.lever.disposal_not_enough"))
    earliest = max(days.add_months(min(ends), -k * step), start)
    return Lever("earlier_disposal", float(k * step), "months",
                 say("debt.lever.disposal_by", day=earliest))  # fmt: skip


def longer(given: Given, months: int) -> Given:
    """The input with a later deadline; yearly sources go on as in their last year."""
    deadline = days.add_months(given.deadline, months)
    contracts = tuple(
        replace(c, clear_by=None) if c.clear_by == given.deadline else c for c in given.contracts
    )
    more: list[Source] = []
    for name in dict.fromkeys(s.source_id for s in given.sources if s.kind != "disposal"):
        mine = [s for s in given.sources if s.source_id == name]
        year = max(s.last for s in mine).year
        if max(s.last for s in mine) > given.deadline or year != given.deadline.year:
            continue
        for ahead in range(1, YEARS_LONGER + 1):
            more += [s.moved(12 * ahead) for s in mine if s.last.year == year]
    return replace(given, deadline=deadline, contracts=contracts, sources=(*given.sources, *more))


def _deadline(given: Given) -> Lever:
    step = FREQUENCIES[given.options.frequency]

    def true(k: int) -> bool:
        return _possible(longer(given, k * step))

    k = smallest(true, 1, YEARS_LONGER * 12 // step)
    if k is None:
        why = say("debt.lever.deadline_no_help", years=YEARS_LONGER)
        return Lever("longer_deadline", float("nan"), "months", why)
    to = days.add_months(given.deadline, k * step)
    return Lever("longer_deadline", float(k * step), "months", say("debt.lever.deadline", day=to))


def _pairs(given: Given, p: Problem, alone: tuple[Lever, ...]) -> list[Lever]:
    """Two levers together, money a year beside the full other one, where that needs less."""
    funds, quota, disposal, _ = alone
    best, made = funds.amount if funds.closes else np.inf, []
    early = replace(given, sources=moved(given.sources, 12 * YEARS_LONGER, given.opened))
    more = tuple(replace(q, amount_wan=float(p.principal.sum()) + q.amount_wan)
                 for q in given.quotas)  # fmt: skip
    sells = any(s.kind == "disposal" for s in given.sources)
    swaps = bool(given.quotas) and any(c.replaceable for c in given.contracts)
    for name, other, there, full in (
        ("disposal_and_funds", disposal, sells, early),
        ("quota_and_funds", quota, swaps, replace(given, quotas=more)),
    ):
        if there and not other.closes and (amount := extra_a_year(full)) < best - FEN_WAN:
            made.append(Lever(name, amount, "a_year", say(f"debt.lever.{name}")))
    return made


# ---- targets ----


def even_effort(given: Given, *, instead_of: Collection[str] = ("fiscal",)) -> float:
    """Smallest even amount a year, 万元, with which the debt is cleared by the deadline.

    Parameters
    ----------
    given
        Input of any plan; its contracts, quotas and other sources are taken.
    instead_of
        Kinds of source that the even effort replaces: ``fiscal``, ``land``, ``transfer``,
        ``project``, ``disposal``, ``named``.

    Returns
    -------
    float
        Not a number where no effort is enough, since terms or days stand in the way.
    """
    sources = tuple(s for s in given.sources if s.kind not in instead_of)
    return extra_a_year(replace(given, sources=sources, claims=()))


def latest_start(p: Problem) -> str | None:
    """Latest period in which early repayment and replacement may begin.

    Before it only what is due is paid. None where there is no plan at all.
    """

    def fails(k: int) -> bool:
        m = p.moves
        waiting = p.period[m.when] < k
        limit = np.where(waiting & np.isinf(m.limit) & ~m.clears, m.scheduled, m.limit)
        upper = np.isfinite(m.highest)
        limit = np.where(waiting & upper, np.inf, limit)
        moves = replace(m, limit=limit, swaps=m.swaps & ~waiting)
        draws = p.period[p.draw_day] >= k
        later = replace(
            p, moves=moves, draw_quota=p.draw_quota[draws], draw_day=p.draw_day[draws],
            services=tuple(s for s, there in zip(p.services, draws, strict=True) if there),
            bond_interest=p.bond_interest[draws], bond_life=p.bond_life[draws],
            bond_value=p.bond_value[draws],
        )  # fmt: skip
        return holds(later) is not True

    if fails(0):
        return None
    first = smallest(fails, 1, len(p.labels) - 1)
    return p.labels[(first if first is not None else len(p.labels)) - 1]


def earliest_clearance(given: Given, p: Problem) -> dt.date | None:
    """Last day of the earliest period in which all hidden debt can be 0; None if there is none."""

    def true(k: int) -> bool:
        end = p.ends[k]
        contracts = tuple(
            replace(c, clear_by=None) if c.clear_by and c.clear_by > end else c
            for c in given.contracts
        )
        return _possible(replace(given, deadline=end, contracts=contracts))

    k = smallest(true, 0, len(p.ends) - 1)
    return None if k is None else p.ends[k]


def targets(given: Given, p: Problem) -> pd.DataFrame:
    """The three targets of a plan: columns ``target, value, unit``."""
    effort = even_effort(given)
    rows = [
        ("even_effort", effort if np.isfinite(effort) else None, "万元 a year"),
        ("latest_start", latest_start(p), "period"),
        ("earliest_clearance", earliest_clearance(given, p), "date"),
    ]
    return pd.DataFrame(rows, columns=["target", "value", "unit"], dtype=object)


# ---- break points ----


def breaks(
    given: Given, p: Problem, exposure: Mapping[str, Mapping[str, float]], lang: str | None = None
) -> pd.DataFrame:
    """Break points of a checked input; see `break_points`."""
    found = Collector()
    names = {s.source_id for s in given.sources}
    for shock, parts in exposure.items():
        if shock not in FALLS:
            found.add("exposure", "debt.unknown_option", text=shock, known=list(FALLS))
        for name in parts:
            if name not in names:
                found.add(f"exposure.{shock}", "debt.no_such_source", text=name)
    found.raise_if_any()
    if not holds(p):
        units = {"quota_delay": "months", "rates": "bp"}
        rows = [
            (s, 0.0, units.get(s, "%"), "fails_already", say("debt.breaks.no_plan"))
            for s in (*FALLS, "quota_delay", "rates")
        ]
    else:
        rows = [_fall(p, shock, kind, exposure.get(shock)) for shock, kind in FALLS.items()]
        rows += [_delay(given, p), _rates(given, p)]
    frame = pd.DataFrame(rows, columns=list(BREAK_COLUMNS))
    return frame.assign(detail=[text(lang) for text in frame["detail"]])


Row = tuple[str, float, str, str, Text]


def _fall(p: Problem, shock: str, kind: str, exposed: Mapping[str, float] | None) -> Row:
    """Largest fall of some sources, by one linear programme: caps fall along a line."""
    drop = np.zeros(p.cap.shape)
    names: dict[str, None] = {}
    for row, k, t, share in p.shares:
        s = p.given.sources[row]
        weight = exposed.get(s.source_id, 0.0) if exposed is not None else float(s.kind == kind)
        if weight > 0 and p.nets[row] > 0:
            drop[k, t] -= weight * share * p.nets[row]
            names[s.source_id] = None
    if not names:
        return shock, float("nan"), "%", "none_to_shock", say("debt.breaks.no_source")
    largest = 1.0 / max([1.0, *(exposed or {}).values()])
    found = _found(p, (Extra(money=drop, cost=-1.0, upper=largest),))
    fall = float(found.values["extra"][0]) if found.found else 0.0
    detail = Text.of(", ".join(names))
    if fall >= largest - 1e-9:
        return shock, largest * 100, "%", "survives_all", detail
    return shock, fall * 100, "%", "fails_beyond", detail


def _delay(given: Given, p: Problem) -> Row:
    if not any(q.amount_wan > 0 for q in given.quotas):
        return "quota_delay", float("nan"), "months", "none_to_shock", say("debt.breaks.no_quota")
    step = FREQUENCIES[given.options.frequency]
    for k in range(1, len(p.labels) + 1):
        months = k * step
        quotas = tuple(
            replace(q, first=days.add_months(q.first, months), last=days.add_months(q.last, months))
            for q in given.quotas
        )
        if not holds(build_problem(replace(given, quotas=quotas))):
            detail = say("debt.breaks.delay", months=months)
            return "quota_delay", float(months - step), "months", "fails_beyond", detail
    months = len(p.labels) * step
    return "quota_delay", float(months), "months", "survives_all", say("debt.breaks.not_needed")


def _rates(given: Given, p: Problem) -> Row:
    if not p.contracts:
        return "rates", float("nan"), "bp", "none_to_shock", say("debt.breaks.no_contract")
    rates = np.array([c.rate_pct for c in p.contracts])[p.moves.who]
    base = [i for i, c in enumerate(p.contracts) if not c.rate_pct]

    def fails(bp: int) -> bool:
        up = tuple(replace(c, rate_pct=c.rate_pct + bp / 100) for c in given.contracts)
        if base:
            return not holds(build_problem(replace(given, contracts=up)))
        accrual = p.moves.accrual * (1 + bp / 100 / np.where(rates > 0, rates, 1.0))
        return not holds(replace(p, moves=replace(p.moves, accrual=accrual)))

    first = smallest(fails, 1, HIGHEST_BP)
    if first is None:
        return "rates", float(HIGHEST_BP), "bp", "survives_all", EMPTY
    return "rates", float(first - 1), "bp", "fails_beyond", say("debt.breaks.all_rates")
