"""The way a plan takes: balances and cash by contract, cleaned so that they add up exactly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fiscalmodel.debt.plan_lp import Solution
from fiscalmodel.debt.plan_model import Problem
from fiscalmodel.debt.plan_periods import Floats

#: Below this many 万元 (a hundredth of a 分) an amount is noise of the solver.
DUST_WAN = 1e-8
#: Parts of a gap below this share come from the tolerance of the "as late as possible" solve.
GAP_DUST = 1e-6


@dataclass(frozen=True)
class Path:
    """Amounts in 万元, n contracts × T periods unless said otherwise.

    ``balance`` is as if missing money were there; what a contract really owes
    is that and what it is still missing, with its interest (`plan_tally.owed`).
    """

    opening: Floats
    balance: Floats
    accrued: Floats
    interest: Floats  # paid in cash
    principal: Floats  # paid in cash
    fee: Floats
    replaced: Floats
    unlawful: Floats
    flow: Floats  # K × G × T
    missing: Floats  # G × T
    bonds: Floats  # Q × T

    @property
    def cash(self) -> Floats:
        """What each contract is paid in each period."""
        return self.interest + self.principal + self.fee


def make_path(p: Problem, balance: Floats, replaced: Floats, unlawful: Floats,
              flow: Floats, missing: Floats, bonds: Floats) -> Path:  # fmt: skip
    """Cash from closing balances: what is not replaced has been paid.

    Every amount follows from the one before it, so that opening + unpaid
    interest − principal − replacement = closing holds for each contract.
    """
    n, periods = p.shape
    opening, closing, accrued, interest, principal, fee, swapped, stuck = (
        np.zeros((n, periods)) for _ in range(8)
    )
    current = p.principal.astype(float)
    for t in range(periods):
        due = current * p.interest[:, t]
        top = current + due if p.capitalise else current
        swap = _tidy(replaced[:, t], top)
        hold = _tidy(unlawful[:, t], top - swap)
        left = _tidy(balance[:, t], top - swap - hold)
        # Principal first: a balance that stays has exactly its interest paid.
        drop = current - swap - hold - left
        opening[:, t], accrued[:, t], swapped[:, t], stuck[:, t] = current, due, swap, hold
        interest[:, t] = np.maximum(due + np.minimum(drop, 0.0), 0.0)
        principal[:, t] = np.maximum(drop, 0.0)
        over = np.maximum(principal[:, t] - p.scheduled[:, t], 0.0)
        fee[:, t] = p.fee[:, t] * over
        closing[:, t] = left
        current = left
    need = np.zeros((p.eligible.shape[1], periods))
    np.add.at(need, p.group, interest + principal + fee)
    flow = np.where(np.abs(flow) < DUST_WAN, 0.0, flow)
    missing = np.where(missing < GAP_DUST * missing.sum(), 0.0, missing)
    supply = flow.sum(axis=0) + missing
    # The solver's rounding (1e-9 of the amount) goes where the money goes.
    scale = np.divide(need, supply, out=np.ones_like(need), where=supply > DUST_WAN)
    return Path(
        opening, closing, accrued, interest, principal, fee, swapped, stuck,
        flow * scale, missing * scale, np.where(bonds < DUST_WAN, 0.0, bonds),
    )  # fmt: skip


def _tidy(values: Floats, top: Floats) -> Floats:
    """Clip to [0, top] and snap to its ends."""
    result = np.clip(values, 0.0, top)
    near = 1e-9 * np.maximum(top, 1.0) + DUST_WAN
    result = np.where(result < near, 0.0, result)
    return np.where(top - result < near, top, result)


def from_solution(p: Problem, s: Solution) -> Path:
    """The path of a solved programme."""
    return make_path(p, s.balance, s.replaced, s.unlawful, s.flow, s.missing, s.bonds)
