"""The way a plan takes: cash and balances of every move, and the tables that follow.

Everything is in whole 分, so that each one is conserved: every amount follows from the one
before it, and what is paid is taken from money that has come in.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from fiscalmodel.debt.clearance.problem import Floats, Ints, Problem, position
from fiscalmodel.debt.clearance.program import Solution
from fiscalmodel.units import FEN_PER

FEN = FEN_PER["万元"]
#: Uses in the order in which money goes to them.
USES = ("interest", "fee", "principal", "bond_interest", "bond_principal")
#: As good as no bound.
_FREE = 2**62
#: So many 分 of a solver's amount are rounding.
_NOISE = 2


@dataclass(frozen=True)
class Path:
    """Amounts in whole 分, M moves unless said otherwise.

    ``closing`` is as if missing money were there; what a contract really owes is that and
    what it is still missing, with its interest (`owed`).
    """

    opening: Ints
    closing: Ints
    accrued: Ints  # interest due
    interest: Ints  # paid in cash
    principal: Ints  # paid in cash
    fee: Ints
    replaced: Ints
    let_off: Ints
    bonds: Ints  # V
    swaps: tuple[tuple[int, int, int], ...]  # move, draw and amount of what is replaced
    service: tuple[tuple[dt.date, int, int, int, int], ...]  # day, slot, draw, use, amount
    flow: Ints  # K × G × S
    missing: Ints  # G × S
    arrived: Ints  # K × S
    kept: Ints  # K × S
    lapsed: Ints  # K × S


def whole(amounts: Floats) -> Ints:
    """万元 as whole 分, halves up."""
    made: Ints = np.floor(np.clip(amounts, -1e12, 1e12) * FEN + 0.5).astype(np.int64)
    return made


def half_up(amounts: Floats) -> Ints:
    """Whole 分 nearest to an amount in 分, halves up; a double's own error is no half."""
    made: Ints = np.floor(amounts + 0.5 + 1e-4).astype(np.int64)
    return made


def from_solution(p: Problem, s: Solution) -> Path:
    """The path of a solved programme."""
    v = s.values
    return make_path(p, v["balance"], v["replaced"], v["let_off"], v["paid"], v["missing"],
                     v["bonds"])  # fmt: skip


def make_path(p: Problem, closing: Floats, replaced: Floats, let_off: Floats,
              flow: Floats, missing: Floats, bonds: Floats) -> Path:  # fmt: skip
    """The path that closes as near to balances in 万元 as whole 分 allow.

    What is not replaced has been paid: opening + unpaid interest − principal − replaced =
    closing. Interest is that of the whole balance, rounded half up.
    """
    wanted = _swaps(p, replaced, bonds)
    swapped = np.zeros(len(p.moves.who), dtype=np.int64)
    for k, _, amount in wanted:
        swapped[k] += amount
    # A balance that grows by its own interest is cut, so that bonds cover what it grows to.
    grows = p.given.options.capitalise & np.isin(p.moves.who, p.moves.who[swapped > 0])
    walk = _Walk(p, whole(closing - 0.49 / FEN * grows), swapped, whole(let_off))
    # No more than is owed in whole 分.
    swaps, left = list[tuple[int, int, int]](), walk.replaced.copy()
    issued = np.zeros(len(p.draw_quota), dtype=np.int64)
    for k, draw, amount in wanted:
        part = min(amount, int(left[k]))
        left[k] -= part
        issued[draw] += part
        swaps += [(k, draw, part)] if part else []
    service = tuple(
        (day, t, int(draw), use, amount)
        for draw in np.flatnonzero(issued)
        for day, t, interest, principal in p.services[draw]
        for use, part in ((3, interest), (4, principal))
        if (amount := int(half_up(np.array(issued[draw] * part))))
    )
    return walk.paid(flow, missing, issued, tuple(swaps), service)


def _swaps(p: Problem, replaced: Floats, bonds: Floats) -> tuple[tuple[int, int, int], ...]:
    """Move, draw and 分 of what is replaced: day by day, never above a quota or a limit.

    Sums of a quota are cut to whole 分, so that each part is within one 分 of its amount.
    """
    parts = []
    there = np.flatnonzero(replaced > 0.4 / FEN)
    for e in np.unique(p.moves.when[there]):
        moves, draws = there[p.moves.when[there] == e], np.flatnonzero(p.draw_day == e)
        # In thousandths of a 分, so that what is split still adds up.
        wanted, given = (np.rint(x * FEN * 1e3) for x in (replaced[moves], bonds[draws]))
        for i, d, amount in zip(*match(wanted, given), strict=True):
            parts.append((int(moves[i]), int(draws[d]), float(amount) / 1e3))
    most = [int(q.amount_wan * FEN + 0.01) for q in p.given.quotas]
    rooms = [[day, int(room * FEN + 0.01)] for day, room in p.rooms]
    exact, cut, made = [0.0] * len(most), [0] * len(most), []
    for k, draw, amount in parts:
        q, day = p.draw_quota[draw], p.draw_day[draw]
        exact[q] += amount
        within = [room for room in rooms if day <= room[0]]
        part = min(int(exact[q] + 0.5), most[q]) - cut[q]
        part = min(part, *(room[1] for room in within)) if within else part
        if part > 0:
            made.append((k, draw, part))
            cut[q] += part
            for room in within:
                room[1] -= part
    return tuple(made)


class _Walk:
    """Contracts walked through in whole 分, and money that pays them slot by slot."""

    def __init__(self, p: Problem, closing: Ints, replaced: Ints, let_off: Ints) -> None:
        self.p, m, size = p, p.moves, len(p.moves.who)
        self.capital = m.pays & p.given.options.capitalise
        self.owed = whole(p.principal)
        self.highest = whole(np.where(np.isfinite(m.highest), m.highest, _FREE / FEN))
        self.scheduled, self.minimum = whole(m.scheduled), whole(m.minimum)
        self.target, self.replaced, self.let_off = closing, replaced, let_off
        zeros = np.zeros(size, dtype=np.int64)
        self.opening, self.closing, self.accrued = zeros.copy(), zeros.copy(), zeros.copy()
        self.interest, self.principal, self.fee = zeros.copy(), zeros.copy(), zeros.copy()
        starts = np.flatnonzero(m.first)
        lengths = np.diff(np.append(starts, size))
        current = self.owed[m.who[starts]] if size else zeros
        for step in range(int(lengths.max()) if size else 0):
            on = lengths > step
            self._step(starts[on] + step, current[on])
            current[on] = self.closing[starts[on] + step]

    def _step(self, k: Ints, opening: Ints) -> None:
        """One move of each of some contracts, from what they owe before it."""
        m, rate = self.p.moves, self.p.moves.accrual[k]
        pays, capital = m.pays[k], self.capital[k]
        running = half_up(rate * opening)
        top = opening + np.where(capital, running, 0)
        swap = np.minimum(self.replaced[k], top)
        held = np.minimum(self.let_off[k], top - swap)
        room = top - swap - held
        left = np.clip(self.target[k], 0, np.minimum(room, np.maximum(self.highest[k], 0)))
        # What differs from nothing paid by the solver's rounding is nothing paid.
        stays = (room - left <= _NOISE) & (room <= self.highest[k])
        left = np.where(stays & ~((swap > 0) & (room <= _NOISE)), room, left)
        lacking = self.minimum[k] - np.where(pays & ~capital, running, 0) - (room - left)
        left = np.where((lacking > 0) & (lacking <= _NOISE), np.maximum(left - lacking, 0), left)
        drop = opening - swap - held - left
        due = np.where(pays, running, half_up(rate * (opening - left)))
        over = np.maximum(drop - self.scheduled[k], 0)
        self.opening[k], self.closing[k], self.accrued[k] = opening, left, due
        self.replaced[k], self.let_off[k] = swap, held
        self.interest[k] = np.maximum(due + np.minimum(drop, 0), 0)
        self.principal[k] = np.maximum(drop, 0)
        self.fee[k] = half_up(m.fee[k] * over + m.swap_fee[k] * swap)

    # ---- money ----

    def _needs(self, service: tuple[tuple[dt.date, int, int, int, int], ...]) -> Ints:
        """Cash that each group needs in each slot, bond service in the last group; G × S."""
        p, m = self.p, self.p.moves
        slots, groups = len(p.slots), p.eligible.shape[1]
        cash = self.interest + self.principal + self.fee
        need = np.zeros(groups * slots, dtype=np.int64)
        np.add.at(need, p.group[m.who] * slots + p.slot[m.when], cash)
        if p.given.options.bond_service:
            for _, t, _, _, amount in service:
                need[(groups - 1) * slots + t] += amount
        return need.reshape(groups, slots)

    def paid(
        self, flow: Floats, missing: Floats, bonds: Ints, swaps: tuple[tuple[int, int, int], ...],
        service: tuple[tuple[dt.date, int, int, int, int], ...],
    ) -> Path:  # fmt: skip
        """Money slot by slot: from the pools that the programme chose, as far as they hold it."""
        p, (pools, groups), slots = self.p, self.p.eligible.shape, len(self.p.slots)
        chosen, lack = whole(flow), whole(missing)
        lack[lack <= _NOISE] = 0
        arrived = np.zeros(p.cap.shape, dtype=np.int64)
        for year in {day.year for day in p.slots}:
            mine = [t for t, day in enumerate(p.slots) if day.year == year]
            come = np.rint(np.cumsum(p.cap[:, mine], axis=1) * FEN)
            arrived[:, mine] = np.diff(come, axis=1, prepend=0.0).astype(np.int64)
        taken = np.zeros((pools, groups, slots), dtype=np.int64)
        kept, lapsed = np.zeros_like(arrived), np.zeros_like(arrived)
        need, have = self._needs(service), np.zeros(pools, dtype=np.int64)
        rounding = _NOISE * (len(p.contracts) + 2)
        for t in range(slots):
            have = have + arrived[:, t]
            for g in np.flatnonzero(need[:, t]):
                lack[g, t] = min(lack[g, t], need[g, t])
                due = int(need[g, t] - lack[g, t])
                first = chosen[:, g, t] > 0
                for most in (chosen[:, g, t], np.where(first, have, 0),
                             np.where(p.eligible[:, g], have, 0)):  # fmt: skip
                    if due > 0:
                        part = _fill(due, np.minimum(most, have))
                        taken[:, g, t] += part
                        have, due = have - part, due - int(part.sum())
                    # What rounding lacks waits, before a pool that was not chosen pays it.
                    if 0 < due <= rounding:
                        need, due = self._put_off(int(g), t, due, need, service)
                    if 0 < due <= rounding:
                        due = self._spared(int(g), t, due, taken, kept, have)
                    if 0 < due <= rounding and lack[g, t]:
                        lack[g, t] += due
                        due = 0
                    if 0 < due <= rounding:
                        due = _lent(int(g), due, taken[:, :, t], lack[:, t])
                if due > 0:
                    need, due = self._put_off(int(g), t, due, need, service)
                if due < 0:
                    back = _fill(-due, taken[:, g, t])
                    taken[:, g, t] -= back
                    have = have + back
                elif due > 0:
                    k = int(np.argmax(2 * first + p.eligible[:, g])) if pools else -1
                    if k < 0 or not p.eligible[k, g] or due > rounding:
                        lack[g, t] += due
                        continue
                    taken[k, g, t] += due
                    self._sooner(arrived, k, t, due)
            kept[:, t] = np.where(p.hold[:, t], have, 0)
            lapsed[:, t] = have - kept[:, t]
            have = kept[:, t]
        lack = np.minimum(lack, need)
        return Path(self.opening, self.closing, self.accrued, self.interest, self.principal,
                    self.fee, self.replaced, self.let_off, bonds, swaps, service, taken, lack,
                    arrived, kept, lapsed)  # fmt: skip

    def _put_off(
        self, g: int, t: int, due: int, need: Ints,
        service: tuple[tuple[dt.date, int, int, int, int], ...],
    ) -> tuple[Ints, int]:  # fmt: skip
        """Money is short by some 分 of rounding: so much of an early repayment waits.

        It waits for the contract's next repayment in a later slot; what is due is not put
        off. What is needed then, and what is still short.
        """
        m, slot = self.p.moves, self.p.slot[self.p.moves.when]
        limit = whole(np.where(np.isfinite(m.limit), m.limit, _FREE / FEN))
        mine = np.flatnonzero((slot == t) & (self.p.group[m.who] == g) & (self.principal > 0))
        for k in mine[::-1]:
            later = np.flatnonzero((m.who == m.who[k]) & (slot > t) & (self.principal > 0))
            if not len(later) or due <= 0:
                continue
            j = int(later[0])
            part = min(due, int((self.highest[k:j] - self.closing[k:j]).min()),
                       int(self.principal[k]), int(limit[j] - self.principal[j]))  # fmt: skip
            if self.minimum[k]:
                part = min(part, int(self.interest[k] + self.principal[k] - self.minimum[k]))
            if part > 0:
                self.target[k:j] = self.closing[k:j] + part
                before = int(need[g, t])
                for i in range(int(k), j + 1):
                    opening = self.opening[[i]] if i == k else self.closing[[i - 1]]
                    self._step(np.array([i]), opening)
                need = self._needs(service)
                due -= before - int(need[g, t])
        return need, due

    def _spared(self, g: int, t: int, due: int, taken: Ints, kept: Ints, have: Ints) -> int:
        """Some 分 that the pools of a payment lack, spared by them on a day before.

        Another pool that paid beside one of them then, and has them still, pays so much more.
        """
        for k in np.flatnonzero(taken[:, g, t]):
            for u in range(t, -1, -1):
                if u < t and not self.p.hold[k, u]:
                    break
                for other in np.flatnonzero((have >= due) & (kept[:, u:t] >= due).all(axis=1)):
                    both = (taken[k, :, u] > due + _NOISE) & (taken[other, :, u] > 0)
                    if k != other and both.any():
                        taken[[k, other], np.argmax(both), u] += [-due, due]
                        kept[k, u:t] += due
                        kept[other, u:t] -= due
                        have[other] -= due
                        taken[k, g, t] += due
                        return 0
        return due

    def _sooner(self, arrived: Ints, k: int, t: int, due: int) -> None:
        """Money of a pool comes some 分 sooner: that much less comes later, if any does."""
        arrived[k, t] += due
        for u in range(t + 1, arrived.shape[1]):
            if not self.p.hold[k, u - 1]:
                return
            if arrived[k, u] >= due:
                arrived[k, u] -= due
                return


def _lent(g: int, due: int, taken: Ints, lack: Ints) -> int:
    """Some 分 that a group lacks, from a group of the same pool that lacks money anyway.

    Else a pool that nobody chose would pay them, and show a row of 1 分. What is still short.
    """
    for k in np.flatnonzero(taken[:, g]):
        for other in np.flatnonzero((taken[k] > due + _NOISE) & (lack > 0)):
            if other != g:
                taken[k, g] += due
                taken[k, other] -= due
                lack[other] += due
                return 0
    return due


def _fill(due: int, most: Ints) -> Ints:
    """An amount divided over parts in their order, each at most what it has."""
    made: Ints = np.clip(due - (np.cumsum(most) - most), 0, most)
    return made


# ---- who is paid from what ----


def match(wanted: Floats | Ints, supplies: Floats | Ints) -> tuple[Ints, Ints, Floats | Ints]:
    """Fill needs in order from supplies in order: need index, supply index, amount.

    Whole numbers: the two cumulative sums are cut at each other's steps.
    """
    a, b = np.cumsum(wanted), np.cumsum(supplies)
    cuts = np.union1d(a, b)
    end = min(a[-1], b[-1]) if len(a) and len(b) else 0
    cuts = cuts[(cuts > 0) & (cuts <= end)]
    return np.searchsorted(a, cuts), np.searchsorted(b, cuts), np.diff(cuts, prepend=0)


def allot(p: Problem, path: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The schedule, and what is missing by contract.

    Inside a slot money goes by day; on a day to interest, then fees, then principal,
    contracts due first. What is missing falls on the last ones.
    """
    m, slots = p.moves, len(p.slots)
    days, n = list(p.days), len(p.contracts)
    amounts = np.concatenate([path.interest, path.fee, path.principal])
    who, when = np.tile(m.who, 3), np.tile(m.when, 3)
    use = np.repeat(np.arange(3), len(m.who))
    cell = p.group[who] * slots + p.slot[when]
    if p.given.options.bond_service and path.service:
        day, slot, draw, used, amount = zip(*path.service, strict=True)
        last = (p.eligible.shape[1] - 1) * slots
        cell = np.concatenate([cell, last + np.array(slot)])
        amounts = np.concatenate([amounts, np.array(amount, dtype=np.int64)])
        who, use = np.concatenate([who, n + np.array(draw)]), np.concatenate([use, np.array(used)])
        when = np.concatenate([when, len(days) + np.arange(len(day))])
        days += day
    due = [-1 if c.overdue else c.maturity.toordinal() if c.maturity else 9_000_000
           for c in p.contracts]  # fmt: skip
    rank = np.concatenate([np.array(due, dtype=int), 10_000_000 + np.arange(len(p.draw_quota))])
    on = np.array([d.toordinal() for d in days], dtype=int)
    order = np.flatnonzero(amounts > 0)
    order = order[np.lexsort((who[order], rank[who[order]], use[order], on[when[order]],
                              cell[order]))]  # fmt: skip
    cells, starts = np.unique(cell[order], return_index=True)
    pools = len(p.pool_names)
    of, pool, parts = [], [], []
    for c, mine in zip(cells.tolist(), np.split(order, starts[1:]), strict=False):
        g, t = divmod(c, slots)
        i, k, part = match(amounts[mine], np.append(path.flow[:, g, t], path.missing[g, t]))
        of.append(mine[i])
        pool.append(k)
        parts.append(part)
    none = np.zeros(0, dtype=np.int64)
    row, source, fen = (np.concatenate([none, *part]) for part in (of, pool, parts))
    cash = np.column_stack([who[row], when[row], use[row], source, fen])
    swaps = [(m.who[k], m.when[k], len(USES), pools + 1 + p.draw_quota[draw], amount)
             for k, draw, amount in path.swaps]  # fmt: skip
    held = np.flatnonzero(path.let_off > 0)
    stuck = np.column_stack([m.who[held], m.when[held], np.full(len(held), USES.index("principal")),
                             np.full(len(held), pools), path.let_off[held]])  # fmt: skip
    paid = np.concatenate([cash[source < pools], np.array(swaps, dtype=np.int64).reshape(-1, 5)])
    short = np.concatenate([cash[source == pools], stuck])
    reason = np.where(np.arange(len(short)) < len(short) - len(stuck), "money", "terms")
    batches = [f"replacement {q.name}" for q in p.given.quotas]
    names = np.array([c.contract_id for c in p.contracts] + [batches[q] for q in p.draw_quota],
                     dtype=object)  # fmt: skip
    uses = np.array([*USES, "replacement"], dtype=object)
    sources = np.array([*p.pool_names, "", *batches], dtype=object)
    period = np.minimum(np.searchsorted(_ordinals(p.ends), on), len(p.ends) - 1)
    labels, day_of = np.array(p.labels, dtype=object), np.array(days, dtype=object)
    by_name, by_use = (np.argsort(np.argsort(x, kind="stable")) for x in (names, uses))

    def table(rows: Ints, **more: Any) -> pd.DataFrame:
        i, e, u, k, amount = rows.T
        order = np.lexsort((by_use[u], by_name[i], on[e]))
        frame = pd.DataFrame({
            "period": labels[period[e]], "contract_id": names[i], "source_id": sources[k],
            "amount_wan": amount / FEN, "use": uses[u], "date": day_of[e], **more,
        })  # fmt: skip
        return frame.iloc[order].reset_index(drop=True)

    columns = ["period", "contract_id", "amount_wan", "use", "reason", "date"]
    return table(paid), table(short, reason=reason.astype(object))[columns]


def _ordinals(days: tuple[dt.date, ...]) -> Ints:
    return np.array([day.toordinal() for day in days], dtype=np.int64)


def _period(p: Problem, day: dt.date) -> int:
    return min(bisect_left(p.ends, day), len(p.ends) - 1)


# ---- tables ----


def by_period(p: Problem, amounts: Ints) -> Ints:
    """Amounts of the moves by contract and period, n × T, 分."""
    m, shape = p.moves, (len(p.contracts), len(p.labels))
    made = np.zeros(shape, dtype=np.int64)
    np.add.at(made, (m.who, p.period[m.when]), amounts)
    return made


def contract_table(p: Problem, path: Path, short: pd.DataFrame) -> pd.DataFrame:
    """Roll-forward of each contract, period by period; missing money stays owed."""
    m, n, periods = p.moves, len(p.contracts), len(p.labels)
    lack, growth, lost, interest_lost = owed(p, short)
    ends = np.full((n, periods), np.nan)
    ends[m.who, p.period[m.when]] = path.closing  # sorted by day: the last one stays
    principal = whole(p.principal)
    filled = pd.DataFrame(ends).ffill(axis=1).T.fillna(pd.Series(principal)).T.to_numpy()
    closing = filled.astype(np.int64) + lack
    opening = np.concatenate([principal[:, None], closing[:, :-1]], axis=1)[:, :periods]
    unpaid = by_period(p, path.accrued - path.interest) + growth + interest_lost
    amounts = {
        "opening_wan": opening, "interest_wan": by_period(p, path.accrued) + growth,
        "unpaid_interest_wan": unpaid, "principal_wan": by_period(p, path.principal) - lost,
        "replaced_wan": by_period(p, path.replaced), "closing_wan": closing,
    }  # fmt: skip
    names = np.array([c.contract_id for c in p.contracts], dtype=object)
    keys = {"period": np.tile(np.array(p.labels, dtype=object), n),
            "contract_id": np.repeat(names, periods)}  # fmt: skip
    return pd.DataFrame(keys | {name: fen.ravel() / FEN for name, fen in amounts.items()})


def owed(p: Problem, short: pd.DataFrame) -> tuple[Ints, Ints, Ints, Ints]:
    """What missing money leaves owed: balance, its interest, principal and interest not paid.

    n × T each, 分. Missing money bears its contract's rate, compounded yearly; a fee that is
    missing is no debt, nor is the service of the plan's own bonds a contract's.
    """
    shape = len(p.contracts), len(p.labels)
    balance, growth, principal, interest = (np.zeros(shape, dtype=np.int64) for _ in range(4))
    row = {c.contract_id: k for k, c in enumerate(p.contracts)}
    column = {label: t for t, label in enumerate(p.labels)}
    for period, name, amount, use, reason, day in short.itertuples(index=False):
        if use == "fee" or name not in row:
            continue
        i, t = row[name], column[period]
        ahead = np.array([max(position(end) - position(day), 0) / 360 for end in p.ends[t:]])
        held = whole(amount * (1 + p.contracts[i].rate_pct / 100) ** ahead)
        fen = whole(np.array([amount]))
        balance[i, t:] += held
        growth[i, t:] += np.diff(held, prepend=fen)
        if use == "interest":
            interest[i, t] += fen[0]
        elif reason == "money":
            principal[i, t] += fen[0]
    return balance, growth, principal, interest


def balance_table(p: Problem, path: Path, short: pd.DataFrame) -> pd.DataFrame:
    """Hidden, statutory and total obligations side by side, by period."""
    contracts = contract_table(p, path, short)
    names = ["interest_wan", "principal_wan", "replaced_wan", "closing_wan"]
    sums = contracts.groupby("period", sort=False)[names].sum()
    sums = sums.reindex(list(p.labels), fill_value=0.0)
    fen = {name: np.rint(sums[name].to_numpy() * FEN) for name in names}
    stays = whole(p.stays).sum()
    bonds, interest = bond_path(p, path)
    hidden = np.maximum(fen["closing_wan"] - stays, 0)
    statutory = whole(np.array(p.given.options.statutory_wan)) + bonds
    amounts = {
        "hidden_wan": hidden, "statutory_wan": statutory,
        "by_contract_wan": np.full(len(hidden), stays), "total_wan": hidden + statutory + stays,
        "interest_wan": fen["interest_wan"], "bond_interest_wan": interest,
        "principal_wan": fen["principal_wan"], "replaced_wan": fen["replaced_wan"],
    }  # fmt: skip
    return pd.DataFrame(
        {"period": list(p.labels)} | {name: fen / FEN for name, fen in amounts.items()}
    )


def bond_interest(path: Path) -> float:
    """Interest and cost of issue of the plan's bonds up to the deadline, 万元."""
    return sum(amount for _, _, _, use, amount in path.service if use == 3) / FEN


def bond_path(p: Problem, path: Path) -> tuple[Ints, Ints]:
    """Outstanding at the end of each period, and interest paid in it, of the plan's bonds."""
    balance, interest = (np.zeros(len(p.ends), dtype=np.int64) for _ in range(2))
    for draw in np.flatnonzero(path.bonds):
        balance[p.period[p.draw_day[draw]] :] += path.bonds[draw]
    for day, _, _, use, amount in path.service:
        t = _period(p, day)
        if use == 3:
            interest[t] += amount
        else:
            balance[t:] -= amount
    return balance, interest


def source_table(p: Problem, path: Path) -> pd.DataFrame:
    """Money of each source by period: come in, used, left for the next, lapsed."""
    pools, slots = path.arrived.shape
    period = [_period(p, first) for first in p.slots]
    frame = pd.DataFrame({
        "at": np.tile(period, pools), "pool": np.repeat(np.arange(pools), slots),
        "available_wan": path.arrived.ravel(), "used_wan": path.flow.sum(axis=1).ravel(),
        "kept_wan": path.kept.ravel(), "lapsed_wan": path.lapsed.ravel(),
    })  # fmt: skip
    sums = {"available_wan": "sum", "used_wan": "sum", "kept_wan": "last", "lapsed_wan": "sum"}
    # Pools of one source are earmarked apart: what is kept adds up over them.
    each = frame.groupby(["at", "pool"], as_index=False).agg(sums)
    each["source_id"] = [p.pool_names[k] for k in each["pool"]]
    made = each.groupby(["at", "source_id"], sort=False, as_index=False)[list(sums)].sum()
    made.insert(0, "period", [p.labels[t] for t in made.pop("at")])
    made[list(sums)] /= FEN
    return made


def quota_table(p: Problem, path: Path) -> pd.DataFrame:
    """Each batch: available, used, left (usable after the deadline), lapsed."""
    rows = []
    for q, quota in enumerate(p.given.quotas):
        used = int(path.bonds[p.draw_quota == q].sum()) / FEN
        left = max(round(quota.amount_wan - used, 6), 0.0)
        later = quota.last > p.given.deadline
        rows.append((quota.period, f"replacement {quota.name}", quota.amount_wan, used,
                     left if later else 0.0, 0.0 if later else left))  # fmt: skip
    columns = ["period", "source_id", "available_wan", "used_wan", "kept_wan", "lapsed_wan"]
    return pd.DataFrame(rows, columns=columns)
