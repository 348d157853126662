"""A path turned into the plan's tables."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from fiscalmodel.debt.plan_allot import quota_name
from fiscalmodel.debt.plan_input import PlanInput
from fiscalmodel.debt.plan_lp import Solution
from fiscalmodel.debt.plan_model import Problem, bond_flows, principal_due
from fiscalmodel.debt.plan_path import Path
from fiscalmodel.debt.plan_periods import Floats
from fiscalmodel.debt.plan_words import Note

#: Prices below this (万元 per 万元) are rounding of the solver.
PRICE_DUST = 1e-9
PRICE_COLUMNS = ["kind", "name", "period", "saving_wan"]


def bond_path(p: Problem, bonds: Floats) -> tuple[Floats, Floats]:
    """Closing balance and interest by period of the replacement bonds issued.

    Interest of a period is on the opening balance, as for the contracts.
    """
    periods = len(p.grid)
    years = p.grid.years
    balance, interest = np.zeros(periods), np.zeros(periods)
    for q, t in zip(*np.nonzero(bonds), strict=True):
        one = np.where(np.arange(periods) >= t, 1.0, 0.0)
        quota = p.quotas[q]
        for after, principal, _ in bond_flows(quota.tenor_years, quota.rate_pct, quota.repayment):
            one[years >= years[t] + after - 1e-9] -= principal
        one *= bonds[q, t]
        balance += one
        opening = np.concatenate([[0.0], one[:-1]])
        interest += opening * p.grid.fractions * quota.rate_pct / 100
    return balance, interest


def staying_path(plan: PlanInput, p: Problem) -> tuple[pd.DataFrame, Floats, list[Note]]:
    """Debt repaid by contract beyond the deadline, its total by period, its yearly service."""
    total = np.zeros(len(p.grid))
    rows = []
    years = np.array([end.year for end in p.grid.ends])
    service = {int(year): np.zeros(2) for year in years}
    for c in plan.staying:
        due = principal_due(c, p.grid)[:-1]
        left = c.principal - np.cumsum(due)
        opening = np.concatenate([[c.principal], left[:-1]])
        accrued = opening * p.grid.fractions * c.rate_pct / 100
        interest = float(accrued.sum())
        for year, amounts in service.items():
            amounts += due[years == year].sum(), accrued[years == year].sum()
        rows.append((c.contract_id, c.principal, c.rate_pct, c.maturity, interest, float(left[-1])))
        total += left
    columns = [
        "contract_id",
        "principal_wan",
        "rate_pct",
        "maturity",
        "interest_wan",
        "closing_wan",
    ]
    return pd.DataFrame(rows, columns=columns), total, _service_notes(service)


def _service_notes(service: dict[int, Floats]) -> list[Note]:
    """What debt kept by contract costs year by year; no source of the plan pays it."""
    if not any(amounts.any() for amounts in service.values()):
        return []
    zh = "；".join(f"{y}年本金{a:,.2f}、利息{b:,.2f}" for y, (a, b) in service.items())
    en = "; ".join(f"{y} principal {a:,.2f}, interest {b:,.2f}" for y, (a, b) in service.items())
    return [
        Note(
            f"按合同偿还的债务在截止日前的本息（万元）不由上述资金来源支付，须另行安排：{zh}。",
            "Service of the debt kept by contract up to the deadline is paid by none of these "
            f"sources and has to be found besides (万元): {en}.",
        )
    ]


@dataclass(frozen=True)
class Owed:
    """What happens if missing money does not come; n contracts × T periods, 万元."""

    closing: Floats
    accrued: Floats  # opening balance × rate × length of the period
    interest: Floats  # paid in cash
    principal: Floats  # paid in cash


def owed(p: Problem, path: Path, shortfall: pd.DataFrame) -> Owed:
    """What is really owed: what is missing stays owed and bears interest, which is not paid.

    A fee for early repayment that is missing is no debt.
    """
    closing, accrued = path.balance.copy(), path.accrued.copy()
    interest, principal = path.interest.copy(), path.principal.copy()
    if len(shortfall):
        row = {c.contract_id: k for k, c in enumerate(p.contracts)}
        column = {label: t for t, label in enumerate(p.grid.labels)}
        lack = np.zeros(p.shape)
        for period, name, amount, use, reason in shortfall.itertuples(index=False):
            i, t = row[name], column[period]
            if use == "fee":
                continue
            lack[i, t] += amount
            if use == "interest":
                interest[i, t] -= amount
            elif reason == "money":
                principal[i, t] -= amount
        unpaid = np.zeros(len(p.contracts))
        for t in range(len(p.grid)):
            accrued[:, t] += unpaid * p.interest[:, t]
            unpaid = unpaid * (1 + p.interest[:, t]) + lack[:, t]
            closing[:, t] += unpaid
    return Owed(closing, accrued, interest, principal)


def contract_table(p: Problem, path: Path, shortfall: pd.DataFrame) -> pd.DataFrame:
    """Roll-forward of each contract, period by period."""
    n, periods = p.shape
    real = owed(p, path, shortfall)
    opening = np.concatenate([p.principal[:, None], real.closing[:, :-1]], axis=1)[:, :periods]
    names = np.array([c.contract_id for c in p.contracts], dtype=object)
    return pd.DataFrame(
        {
            "period": np.tile(np.array(p.grid.labels, dtype=object), n),
            "contract_id": np.repeat(names, periods),
            "opening_wan": opening.ravel(),
            "interest_wan": real.accrued.ravel(),
            "unpaid_interest_wan": (real.accrued - real.interest).ravel(),
            "principal_wan": real.principal.ravel(),
            "replaced_wan": path.replaced.ravel(),
            "closing_wan": real.closing.ravel(),
        }
    )


def balance_table(
    plan: PlanInput, p: Problem, path: Path, shortfall: pd.DataFrame, staying: Floats
) -> pd.DataFrame:
    """Hidden, statutory and total obligations side by side, by period."""
    real = owed(p, path, shortfall)
    bonds, bond_interest = bond_path(p, path.bonds)
    hidden = real.closing.sum(axis=0)
    statutory = plan.statutory + bonds
    return pd.DataFrame(
        {
            "period": list(p.grid.labels),
            "hidden_wan": hidden,
            "statutory_wan": statutory,
            "by_contract_wan": staying,
            "total_wan": hidden + statutory + staying,
            "interest_wan": real.accrued.sum(axis=0),
            "bond_interest_wan": bond_interest,
            "principal_wan": real.principal.sum(axis=0),
            "replaced_wan": path.replaced.sum(axis=0),
        }
    )


def source_table(p: Problem, path: Path) -> pd.DataFrame:
    """Money of each source by period: new, used and kept for the next period."""
    used = path.flow.sum(axis=1)
    kept = np.zeros_like(used)
    held = np.zeros(len(p.pool_names))
    rows = []
    for t, label in enumerate(p.grid.labels):
        held = held + p.cap[:, t] - used[:, t]
        kept[:, t] = held = np.where(p.hold[:, t], np.maximum(held, 0.0), 0.0)
        rows += [
            (label, name, p.cap[k, t], used[k, t], kept[k, t])
            for k, name in enumerate(p.pool_names)
        ]
    columns = ["period", "source_id", "available_wan", "used_wan", "kept_wan"]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.groupby(["period", "source_id"], sort=False, as_index=False).sum()


def price_table(p: Problem, s: Solution | None) -> pd.DataFrame:
    """Shadow prices of source rows and quotas."""
    return pd.DataFrame(_prices(p, s), columns=PRICE_COLUMNS)


def binding_table(p: Problem, s: Solution | None) -> pd.DataFrame:
    """What binds: sources and quotas with a price, and contracts that are due."""
    rows = [row for row in _prices(p, s) if row[3] > PRICE_DUST]
    if s is not None:
        for i, t in zip(*np.nonzero(s.due_price > PRICE_DUST), strict=True):
            name = p.contracts[i].contract_id
            rows.append(("due", name, p.grid.labels[t], float(s.due_price[i, t])))
    return pd.DataFrame(rows, columns=PRICE_COLUMNS)


def _prices(p: Problem, s: Solution | None) -> list[tuple[str, str, str, float]]:
    if s is None:
        return []
    flat = s.pool_price.ravel()
    saving = np.zeros(len(p.sources))
    for row, cell, share in p.shares:
        saving[row] += share * flat[cell] * (1 - p.sources[row].haircut_pct / 100)
    sources = [("source", x.source_id, x.period, float(saving[k])) for k, x in enumerate(p.sources)]
    quotas = [
        ("quota", quota_name(p, q), x.period, float(s.quota_price[q]))
        for q, x in enumerate(p.quotas)
    ]
    return sources + quotas


def baseline_interest(p: Problem, path: Path) -> float:
    """Interest to the deadline if every contract ran as agreed, nothing early or replaced.

    What the plan replaces would otherwise stay at its old rate.
    """
    total = 0.0
    swapped = np.cumsum(path.replaced, axis=1)
    for i, c in enumerate(p.contracts):
        due = principal_due(c, p.grid)[:-1]
        left = np.where(np.arange(len(due)) < p.clear[i], c.principal - np.cumsum(due), 0.0)
        closing = np.maximum(left, swapped[i])
        opening = np.concatenate([[c.principal], closing[:-1]])
        total += float((opening * p.interest[i]).sum())
    return total
