"""Ordering rules: forward through the periods, without foresight.

In every period: the replacement quota to contracts due and then in the rule's
order; interest and principal that are due; minimum instalments; what is left
to contracts that may be repaid early, in the rule's order. Money that cannot
be kept is spent first.
"""

from __future__ import annotations

import datetime as dt

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
    quota = p.quota.copy()
    room = np.inf if p.headroom is None else p.headroom
    held = np.zeros(len(p.pool_names))
    current = p.principal.astype(float)
    for t in range(periods):
        money = Money(held + p.cap[:, t], p.eligible, last=p.hold[:, t])
        interest = current * p.interest[:, t]
        owed = current + interest
        top = owed if p.capitalise else current
        # 1. Replacement.
        want = swaps[:, t] if rule == "given" else np.where(p.replaceable, top, 0.0)
        due_first = np.concatenate([order[p.highest[order, t] < top[order]], order])
        swap = np.zeros(n)
        for i in due_first:
            amount = min(want[i] - swap[i], top[i], room) if p.replaceable[i] else 0.0
            taken = _draw(quota, p.quota_open[:, t], amount, bonds[:, t])
            swap[i] += taken
            room -= taken
        left = np.maximum(owed - swap, 0.0)
        # 2. What must be paid: interest, principal due, minimum instalments.
        mandatory = np.maximum(left - p.highest[:, t], 0.0)
        if not p.capitalise:
            mandatory = np.maximum(mandatory, np.minimum(interest, left))
        mandatory = np.maximum(mandatory, np.minimum(p.minimum[:, t], left))
        principal = np.maximum(mandatory - interest, 0.0)
        stuck = np.where(p.clear == t, np.maximum(principal - p.limit[:, t], 0.0), 0.0)
        if rule == "given":
            # Due or to be replaced, but neither ordered nor possible: the plan's gap.
            stuck = np.maximum(stuck, principal - orders[:, t])
            stuck = np.maximum(stuck, np.minimum(want - swap, left - interest))
        mandatory = mandatory - stuck
        fee = p.fee[:, t] * np.maximum(np.maximum(mandatory - interest, 0) - p.scheduled[:, t], 0)
        for i in order:
            need = mandatory[i] + fee[i]
            missing[p.group[i], t] += need - money.pay(int(p.group[i]), need)
        cash = mandatory.copy()
        # 3. What may be paid.
        free = np.minimum(left - stuck - cash, np.maximum(p.limit[:, t] + interest - cash, 0.0))
        free = np.maximum(free, 0.0)
        if rule == "given":
            ordered = np.clip(orders[:, t] - np.maximum(cash - interest, 0.0), 0.0, left - cash)
            for i in order:
                if ordered[i] > _TINY:
                    lawful = min(ordered[i], free[i])
                    cash[i] += _early(p, i, t, lawful, cash[i] - interest[i], money, missing)
                    extra = ordered[i] - lawful
                    unlawful[i, t] += extra if extra > _TINY else 0.0
        elif rule == "pro_rata":
            cash += _in_proportion(p, t, free, top, cash - interest, money)
        else:
            for i in order:
                if free[i] > _TINY:
                    cash[i] += _early(p, i, t, free[i], cash[i] - interest[i], money, None)
        unlawful[:, t] += stuck
        current = np.maximum(left - unlawful[:, t] - cash, 0.0)
        balance[:, t], replaced[:, t], flow[:, :, t] = current, swap, money.flow
        held = np.where(p.hold[:, t], money.left, 0.0)
    return make_path(p, balance, replaced, unlawful, flow, missing, bonds)


def _draw(quota: Floats, open_now: Bools, amount: float, bonds: Floats) -> float:
    """Take replacement bonds from the quotas that are open; what was taken."""
    taken = 0.0
    for q in np.nonzero(open_now)[0]:
        part = min(quota[q], amount - taken)
        if part > 0:
            quota[q] -= part
            bonds[q] += part
            taken += part
    return taken


def _early(
    p: Problem, i: int, t: int, amount: float, principal: float, money: Money,
    missing: Floats | None,
) -> float:  # fmt: skip
    """Pay principal with its fee; where `missing` is given the amount is owed in any case."""
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
