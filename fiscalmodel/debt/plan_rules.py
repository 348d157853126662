"""Ordering rules: forward through the periods, without foresight.

In every period: the replacement quota to contracts due and then in the rule's
order; interest and principal that are due; minimum instalments; what is left
to contracts that may be repaid early, in the rule's order. Money that cannot
be kept is spent first.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np

from fiscalmodel.debt.plan_flow import Money
from fiscalmodel.debt.plan_model import Problem
from fiscalmodel.debt.plan_path import Path, make_path
from fiscalmodel.debt.plan_periods import Bools, Floats, Ints

_TINY = 1e-9


def rule_order(p: Problem, rule: str) -> Ints:
    """Contract indices in the order of a rule; ties in the order of the ledger."""
    if rule == "highest_rate_first":
        keys = [-c.rate_pct for c in p.contracts]
    else:
        # pro_rata and given have no order of their own: what is due first goes first.
        keys = [
            -1.0 if c.overdue else float(c.maturity.toordinal()) if c.maturity else 9e6
            for c in p.contracts
        ]
    return np.argsort(np.array(keys, dtype=float), kind="stable")


def run_rule(
    p: Problem, rule: str, given: tuple[tuple[dt.date, str, float, str], ...] = ()
) -> Path:
    """The path that a rule takes; money that it lacks is reported as missing."""
    n, periods = p.shape
    order = rule_order(p, rule)
    orders, swaps = _given(p, given)
    balance, replaced, unlawful = (np.zeros((n, periods)) for _ in range(3))
    flow = np.zeros((*p.eligible.shape, periods))
    missing = np.zeros((p.eligible.shape[1], periods))
    bonds = np.zeros((len(p.quotas), periods))
    quota = Quotas(p.quota.copy(), np.inf if p.headroom is None else p.headroom)
    held = np.zeros(len(p.pool_names))
    current = p.principal.astype(float)
    for t in range(periods):
        money = Money(held + p.cap[:, t], p.eligible, last=p.hold[:, t])
        interest = current * p.interest[:, t]
        top = current + interest if p.capitalise else current
        want = np.where(p.replaceable, top, 0.0) if rule != "given" else swaps[:, t]
        swap, bonds[:, t] = _replace(p, t, want, top, order, quota)
        left = np.maximum(current + interest - swap, 0.0)
        due = _due(p, t, left, interest)
        principal = np.maximum(due - interest, 0.0)
        stuck = np.where(p.clear == t, np.maximum(principal - p.limit[:, t], 0.0), 0.0)
        if rule == "given":
            # Due or to be replaced, but neither ordered nor possible: the plan's gap.
            stuck = np.maximum(stuck, principal - orders[:, t])
            stuck = np.maximum(stuck, np.minimum(want - swap, left - interest))
        cash = due - stuck
        _pay_due(p, t, cash, interest, order, money, missing)
        rest = left - stuck - cash
        free = np.clip(p.limit[:, t] + interest - cash, 0.0, np.maximum(rest, 0.0))
        if rule == "given":
            ordered = np.clip(orders[:, t] - np.maximum(cash - interest, 0.0), 0.0, rest)
            for i in order[ordered[order] > _TINY]:
                lawful = min(ordered[i], free[i])
                stuck[i] += ordered[i] - lawful
                cash[i] += _early(p, i, t, lawful, cash[i] - interest[i], money, missing)
        elif rule == "pro_rata":
            cash += _in_proportion(p, t, free, top, cash - interest, money)
        else:
            for i in order[free[order] > _TINY]:
                cash[i] += _early(p, i, t, free[i], cash[i] - interest[i], money, None)
        current = np.maximum(left - stuck - cash, 0.0)
        balance[:, t], replaced[:, t], unlawful[:, t] = current, swap, stuck
        flow[:, :, t] = money.flow
        held = np.where(p.hold[:, t], money.left, 0.0)
    return make_path(p, balance, replaced, unlawful, flow, missing, bonds)


@dataclass
class Quotas:
    """What is left of each quota, and of the special limit."""

    left: Floats
    room: float

    def draw(self, open_now: Bools, amount: float, bonds: Floats) -> float:
        """Take bonds from the quotas that are open; what was taken."""
        taken = 0.0
        for q in np.nonzero(open_now)[0]:
            part = min(self.left[q], amount - taken, self.room)
            if part > 0:
                self.left[q] -= part
                self.room -= part
                bonds[q] += part
                taken += part
        return taken


def _replace(
    p: Problem, t: int, want: Floats, top: Floats, order: Ints, quota: Quotas
) -> tuple[Floats, Floats]:
    """Replace what is wanted, contracts that are due first: by contract, and by quota."""
    swap, bonds = np.zeros(len(want)), np.zeros(len(p.quotas))
    for i in np.concatenate([order[p.highest[order, t] < top[order]], order]):
        if p.replaceable[i]:
            amount = min(want[i], top[i]) - swap[i]
            swap[i] += quota.draw(p.quota_open[:, t], amount, bonds)
    return swap, bonds


def _due(p: Problem, t: int, left: Floats, interest: Floats) -> Floats:
    """Cash that must be paid: interest, principal due, minimum instalments."""
    due = np.maximum(left - p.highest[:, t], np.minimum(p.minimum[:, t], left))
    if not p.capitalise:
        due = np.maximum(due, np.minimum(interest, left))
    return np.maximum(due, 0.0)


def _pay_due(
    p: Problem, t: int, cash: Floats, interest: Floats, order: Ints, money: Money, missing: Floats
) -> None:
    """Pay what is due with its fees; what is not there goes to `missing`."""
    principal = np.maximum(cash - interest, 0.0)
    need = cash + p.fee[:, t] * np.maximum(principal - p.scheduled[:, t], 0.0)
    for i in order:
        missing[p.group[i], t] += need[i] - money.pay(int(p.group[i]), need[i])


def _early(
    p: Problem, i: int, t: int, amount: float, principal: float, money: Money,
    missing: Floats | None,
) -> float:  # fmt: skip
    """Pay principal with its fee; what was paid.

    With `missing` (G × T) all of it is ordered: what is not there is noted in
    it and counts as paid.
    """
    free_of_fee = min(max(p.scheduled[i, t] - max(principal, 0.0), 0.0), amount)
    rate = p.fee[i, t]
    need = amount + rate * (amount - free_of_fee)
    paid = money.pay(int(p.group[i]), need)
    if missing is not None:
        missing[p.group[i], t] += need - paid
        return amount
    if paid <= free_of_fee or need - paid < _TINY:
        return min(paid, amount)
    return float(free_of_fee + (paid - free_of_fee) / (1 + rate))


def _in_proportion(
    p: Problem, t: int, free: Floats, weight: Floats, principal: Floats, money: Money
) -> Floats:
    """Share what is left in proportion to balances, again for those who can take more."""
    paid = np.zeros(len(free))
    for _ in range(50):
        taking = (free - paid > _TINY) & (weight > 0)
        reach = np.array([money.reach(int(g)) for g in range(p.eligible.shape[1])])
        taking &= reach[p.group] > _TINY if len(reach) else False
        if not taking.any():
            break
        total = sum(
            money.left[k] for k in range(len(money.left)) if p.eligible[k, p.group[taking]].any()
        )
        share = np.where(taking, weight, 0.0) / weight[taking].sum() * total
        before = paid.sum()
        for i in np.nonzero(taking)[0]:
            amount = min(free[i] - paid[i], share[i] / (1 + p.fee[i, t]))
            paid[i] += _early(p, int(i), t, amount, principal[i] + paid[i], money, None)
        if paid.sum() - before < _TINY:
            break
    return paid


def _given(p: Problem, given: tuple[tuple[dt.date, str, float, str], ...]) -> tuple[Floats, Floats]:
    """Ordered principal and ordered replacement, n × T."""
    orders, swaps = np.zeros(p.shape), np.zeros(p.shape)
    row = {c.contract_id: k for k, c in enumerate(p.contracts)}
    for date, name, amount, use in given:
        t = p.grid.index(date)
        if name in row:
            table = swaps if use == "replacement" else orders
            table[row[name], min(max(t, 0), len(p.grid) - 1)] += amount
    return orders, swaps
