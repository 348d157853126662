"""Ordering rules: forward through the days, without foresight.

On every day: the replacement quota to contracts due and then in the rule's order;
interest and principal that are due; minimum instalments; what is left to contracts that
may be repaid early, in the rule's order. Service of bonds issued before comes first, and
money that cannot be kept is spent first.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from fiscalmodel.debt.clearance.path import Path, make_path
from fiscalmodel.debt.clearance.problem import Bools, Floats, Ints, Problem

_TINY = 1e-9


def rule_order(p: Problem, rule: str) -> Ints:
    """Contract indices in the order of a rule; ties by contract id."""
    if rule == "highest_rate_first":
        keys = [-c.rate_pct for c in p.contracts]
    else:
        # pro_rata and given have no order of their own: what is due first goes first.
        keys = [
            -1.0 if c.overdue else float(c.maturity.toordinal()) if c.maturity else 9e6
            for c in p.contracts
        ]
    return np.argsort(np.array(keys, dtype=float), kind="stable")


def run_rule(p: Problem, rule: str) -> Path:
    """The path that a rule takes; money that it lacks is reported as missing."""
    return _Run(p, rule).run()


class _Run:
    """One pass through the days."""

    def __init__(self, p: Problem, rule: str) -> None:
        self.p, self.rule = p, rule
        size, (pools, groups), slots = len(p.moves.who), p.eligible.shape, len(p.slots)
        self.rank = np.argsort(rule_order(p, rule), kind="stable")
        self.closing, self.replaced, self.let_off = (np.zeros(size) for _ in range(3))
        self.flow, self.missing = np.zeros((pools, groups, slots)), np.zeros((groups, slots))
        self.bonds = np.zeros(len(p.draw_quota))
        self.left = np.array([q.amount_wan for q in p.given.quotas])
        self.rooms = [[last, room] for last, room in p.rooms]
        self.current = p.principal.astype(float)
        self.owed = np.zeros(slots)  # service of bonds issued so far
        self.orders: Floats | None = None
        self.swaps: Floats | None = None
        if rule == "given":
            self.orders, self.swaps = self._orders()

    def run(self) -> Path:
        p, m = self.p, self.p.moves
        held, slot, money = np.zeros(len(p.pool_names)), -1, None
        carried = np.asarray(p.hold[:, :-1].all(axis=1), dtype=bool)
        for e in np.unique(m.when):
            while slot < p.slot[e]:
                if money is not None:
                    self.flow[:, :, slot] = money.flow
                    held = np.where(p.hold[:, slot], money.left, 0.0)
                slot += 1
                money = Money(held + p.cap[:, slot], p.eligible, last=carried)
                self._serve(slot, money, self.owed[slot])
            assert money is not None
            self._day(int(e), slot, money)
        if money is not None:
            self.flow[:, :, slot] = money.flow
            held = np.where(p.hold[:, slot], money.left, 0.0)
        for later in range(slot + 1, len(p.slots)):
            money = Money(held + p.cap[:, later], p.eligible, last=carried)
            self._serve(later, money, self.owed[later])
            self.flow[:, :, later] = money.flow
            held = np.where(p.hold[:, later], money.left, 0.0)
        return make_path(p, self.closing, self.replaced, self.let_off, self.flow, self.missing,
                         self.bonds)  # fmt: skip

    def _serve(self, slot: int, money: Money, amount: float) -> None:
        if amount > _TINY:
            group = self.p.eligible.shape[1] - 1
            self.missing[group, slot] += amount - money.pay(group, amount)

    def _day(self, e: int, slot: int, money: Money) -> None:
        p, m = self.p, self.p.moves
        k = np.flatnonzero(m.when == e)
        k = k[np.argsort(self.rank[m.who[k]], kind="stable")]
        i, a, pays = m.who[k], m.accrual[k], m.pays[k]
        if p.given.options.capitalise:
            self.current[i] *= np.where(pays, 1 + a, 1.0)
            interest, settle = np.zeros(len(k)), np.where(pays, 0.0, a)
        else:
            interest, settle = np.where(pays, a * self.current[i], 0.0), np.where(pays, 0.0, a)
        balance = self.current[i]
        if self.swaps is not None:
            want = np.minimum(self.swaps[k], balance - p.stays[i])
        else:
            want = np.where(m.swaps[k], balance - p.stays[i], 0.0)
        swap = self._replace(e, slot, k, want, balance)
        left = balance - swap
        due = np.maximum(
            left - m.highest[k], np.minimum(np.maximum(m.minimum[k] - interest, 0.0), left)
        )
        due = np.maximum(due, 0.0)
        stuck = np.where(m.clears[k], np.maximum(due - m.limit[k], 0.0), 0.0)
        if self.orders is not None:
            # Due or to be replaced, but neither ordered nor possible: the plan's gap.
            stuck = np.maximum(stuck, due - self.orders[k])
            stuck = np.clip(np.maximum(stuck, want - swap), 0.0, left)
        paid = np.maximum(due - stuck, 0.0)
        over = np.maximum(paid - m.scheduled[k], 0.0)
        need = (interest + settle * (paid + swap + stuck) + paid + m.fee[k] * over
                + m.swap_fee[k] * swap)  # fmt: skip
        for j in range(len(k)):
            g = int(p.group[i[j]])
            self.missing[g, slot] += need[j] - money.pay(g, need[j])
        rest = np.maximum(left - stuck - paid - p.stays[i], 0.0)
        free = np.clip(m.limit[k] - paid, 0.0, rest)
        if self.orders is not None:
            ordered = np.clip(self.orders[k] - paid, 0.0, rest)
            for j in map(int, np.flatnonzero(ordered > _TINY)):
                lawful = min(ordered[j], free[j])
                stuck[j] += ordered[j] - lawful
                paid[j] += self._early(k[j], slot, lawful, paid[j], settle[j], money, True)
        elif self.rule == "pro_rata":
            self._in_proportion(k, slot, free, balance, paid, settle, money)
        else:
            for j in map(int, np.flatnonzero(free > _TINY)):
                paid[j] += self._early(k[j], slot, free[j], paid[j], settle[j], money, False)
        self.replaced[k], self.let_off[k] = swap, stuck
        self.current[i] = np.maximum(left - stuck - paid, 0.0)
        self.closing[k] = self.current[i]

    def _replace(self, e: int, slot: int, k: Ints, want: Floats, balance: Floats) -> Floats:
        """Replace what is wanted, contracts that are due first, within quota and limit."""
        p, m = self.p, self.p.moves
        swap = np.zeros(len(k))
        draws = np.flatnonzero(p.draw_day == e)
        due = np.flatnonzero(m.highest[k] < balance)
        for j in map(int, [*due, *range(len(k))]):
            for d in draws:
                q = p.draw_quota[d]
                rooms = [room for room in self.rooms if e <= room[0]]
                part = min(self.left[q], want[j] - swap[j], *(room[1] for room in rooms))
                if part <= _TINY:
                    continue
                self.left[q] -= part
                for room in rooms:
                    room[1] -= part
                self.bonds[d] += part
                swap[j] += part
                if p.given.options.bond_service:
                    for _, t, interest, principal in p.services[d]:
                        if t > slot:
                            self.owed[t] += part * (interest + principal)
        return swap

    def _early(
        self, k: int, slot: int, amount: float, already: float, settle: float, money: Money,
        ordered: bool,
    ) -> float:  # fmt: skip
        """Pay principal with its fee and interest; what was paid.

        What is ordered is paid in full: money that is not there is noted as missing.
        """
        m, g = self.p.moves, int(self.p.group[self.p.moves.who[k]])
        free_of_fee = min(max(m.scheduled[k] - max(already, 0.0), 0.0), amount)
        rate = float(m.fee[k])
        need = amount * (1 + settle) + rate * (amount - free_of_fee)
        paid = money.pay(g, need)
        if ordered:
            self.missing[g, slot] += need - paid
            return amount
        if need - paid < _TINY:
            return amount
        if paid <= free_of_fee * (1 + settle):
            return paid / (1 + settle)
        return float(free_of_fee + (paid - free_of_fee * (1 + settle)) / (1 + settle + rate))

    def _in_proportion(
        self, k: Ints, slot: int, free: Floats, weight: Floats, paid: Floats, settle: Floats,
        money: Money,
    ) -> None:  # fmt: skip
        """Share what is left in proportion to balances, again for those who can take more."""
        p, m = self.p, self.p.moves
        group, early = p.group[m.who[k]], np.zeros(len(k))
        for _ in range(50):
            taking = (free - early > _TINY) & (weight > 0)
            reach = np.array([money.reach(int(g)) for g in range(p.eligible.shape[1])])
            taking &= reach[group] > _TINY
            if not taking.any():
                break
            total = sum(
                money.left[q] for q in range(len(money.left)) if p.eligible[q, group[taking]].any()
            )
            share = np.where(taking, weight, 0.0) / weight[taking].sum() * total
            before = early.sum()
            for j in np.flatnonzero(taking):
                part = min(free[j] - early[j], share[j] / (1 + settle[j] + m.fee[k[j]]))
                early[j] += self._early(k[j], slot, part, paid[j] + early[j], settle[j], money,
                                        False)  # fmt: skip
            if early.sum() - before < _TINY:
                break
        paid += early

    def _orders(self) -> tuple[Floats, Floats]:
        """Ordered principal and replacement on each move.

        An order for a period is for the first day in it on which the contract falls due,
        else for its last.
        """
        p, m = self.p, self.p.moves
        orders, swaps = np.zeros(len(m.who)), np.zeros(len(m.who))
        row = {c.contract_id: k for k, c in enumerate(p.contracts)}
        due = np.isfinite(m.highest) | (m.scheduled > 0)
        for order in p.given.orders:
            mine = np.flatnonzero(m.who == row[order.contract_id])
            days = [p.days[m.when[k]] for k in mine]
            named = zip(mine, days, strict=True)
            inside = [k for k, day in named if order.first <= day <= order.day]
            if not inside:
                inside = [mine[-1]]
            called = [k for k in inside if due[k]]
            if order.use == "replacement":
                can = [k for k in inside if m.swaps[k]]
                swaps[(can or inside)[0 if can else -1]] += order.amount_wan
            else:
                orders[called[0] if called else inside[-1]] += order.amount_wan
        return orders, swaps


class Money:
    """What is in the pools in one slot.

    A payment is an augmenting flow: where the group's own pools are empty,
    another group that drew on them moves to pools that the first cannot use.
    So a group is refused only if no division of the money could serve it
    beside what has been paid.

    Attributes
    ----------
    left
        What each pool (K) still holds.
    flow
        What each pool has paid to each group (K × G).
    """

    def __init__(self, available: Floats, eligible: Bools, last: Bools) -> None:
        self.left = available.astype(float)
        self.flow = np.zeros(eligible.shape)
        self._eligible = eligible
        # Money that would be lost at the end of the period goes first.
        self._order = np.argsort(last, kind="stable")

    def pay(self, group: int, amount: float) -> float:
        """Pay up to `amount` for a group; what could be paid."""
        paid = 0.0
        while amount - paid > _TINY:
            chain = self._find(group)
            if not chain:
                break
            paid += self._push(chain, amount - paid)
        return paid

    def reach(self, group: int) -> float:
        """Whether (and at least how much of) some money can reach a group."""
        chain = self._find(group)
        return self._room(chain) if chain else 0.0

    def _find(self, group: int) -> list[tuple[int, int]]:
        """Chain of (pool, group): each pool takes over from the one before it."""
        came: dict[int, tuple[int, int]] = {}  # pool -> (pool before or -1, group)
        queue = [(group, -1)]
        seen = {group}
        while queue:
            g, before = queue.pop(0)
            for k in self._order:
                if k in came or not self._eligible[k, g]:
                    continue
                came[int(k)] = (before, g)
                if self.left[k] > _TINY:
                    chain = [(int(k), g)]
                    while before >= 0:
                        pool = before
                        before, g = came[pool]
                        chain.append((pool, g))
                    return chain[::-1]
                for other in np.nonzero(self.flow[k] > _TINY)[0]:
                    if int(other) not in seen:
                        seen.add(int(other))
                        queue.append((int(other), int(k)))
        return []

    def _room(self, chain: list[tuple[int, int]]) -> float:
        # chain[j] = (pool, group it will pay); pool j gives up group j + 1.
        room = float(self.left[chain[-1][0]])
        for (pool, _), (_, moved) in pairwise(chain):
            room = min(room, float(self.flow[pool, moved]))
        return room

    def _push(self, chain: list[tuple[int, int]], amount: float) -> float:
        amount = min(amount, self._room(chain))
        for pool, g in chain:
            self.flow[pool, g] += amount
        for (pool, _), (_, moved) in pairwise(chain):
            self.flow[pool, moved] -= amount
        self.left[chain[-1][0]] -= amount
        return amount
