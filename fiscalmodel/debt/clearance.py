"""The clearance plan (化债方案): hidden debt to 0 by the deadline at least cost, or why not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from fiscalmodel.debt.plan_allot import allot
from fiscalmodel.debt.plan_input import PlanInput, check_input
from fiscalmodel.debt.plan_lp import Solution, solve
from fiscalmodel.debt.plan_model import Problem, build_problem
from fiscalmodel.debt.plan_path import Path, from_solution
from fiscalmodel.debt.plan_result import ClearancePlan
from fiscalmodel.debt.plan_rules import run_rule
from fiscalmodel.debt.plan_tables import TableLike
from fiscalmodel.debt.plan_tally import (
    balance_table,
    baseline_interest,
    bond_path,
    staying_path,
)
from fiscalmodel.debt.plan_words import Note

#: A gap below this share of the debt is rounding of the solver.
GAP_TOLERANCE = 1e-9


def plan_clearance(
    ledger: TableLike,
    sources: TableLike,
    quotas: TableLike | None = None,
    *,
    as_of: Any,
    deadline: Any = "2028-12-31",
    rule: str = "least_cost",
    discount_pct: float = 0,
    frequency: str = "year",
    day_count: str = "twelfths",
    reserved: TableLike | Mapping[Any, float] | None = None,
    given: TableLike | None = None,
    custom: TableLike | None = None,
    minimums: bool = True,
    capitalise: bool = False,
    stated_total_wan: float | None = None,
    statutory_wan: float = 0.0,
    special_headroom_wan: float | None = None,
) -> ClearancePlan:
    """Plan how hidden debt (隐性债务) is cleared by the deadline.

    Parameters
    ----------
    ledger
        One row a contract: ``contract_id, principal_wan, rate_pct``; optional
        ``category, start, maturity, repayment, frequency, overdue,
        replaceable, prepayable, prepay_fee_pct, extendable_to,
        min_instalment_wan, clear_by, by_contract``. Flags that are not given
        are false. A frame, a CSV or Excel file, or records.
    sources
        One row a source and period: ``source_id, period, cap_wan``; optional
        ``category, name, available_from, haircut_pct, earmark, carry``. A cap
        pays principal, interest and fees. A year's cap in a finer plan comes
        in evenly and may be used later in that year; with ``available_from``
        it is all there on that day. The cap of a period that has begun before
        `as_of` is what is left of it. Earmarks are contract ids or categories,
        separated by ``;``.
    quotas
        Replacement-bond quota: ``period, quota_wan, rate_pct``; optional
        ``tenor_years`` (10), ``repayment`` (bullet), ``used_wan``,
        ``available_from``. Usable inside its period.
    as_of
        Day of the ledger's balances: its close, or the opening of a month's first.
    deadline
        Day by which hidden debt is 0; ``clear_by`` of a contract may be earlier.
    rule
        ``least_cost``, ``highest_rate_first``, ``earliest_maturity_first``,
        ``pro_rata`` or ``given``.
    discount_pct
        Yearly rate at which the service of replacement bonds is discounted.
    frequency
        ``year``, ``quarter`` or ``month``: length of a period.
    day_count
        ``twelfths`` (a whole month is 1/12 of a year) or ``ACT/365``.
    reserved
        三保 need by period (``period, need_wan``), taken from general-budget
        sources first. None: the sources are already net of it.
    given
        For rule ``given``: ``period, contract_id, amount_wan`` and optionally
        ``use`` (principal or replacement). Interest is paid besides.
    custom
        Principal dates ``contract_id, date, principal_wan`` of contracts with
        custom repayment.
    minimums
        Whether minimum instalments apply (mixed-integer where there are any).
    capitalise
        Whether interest that is not paid is added to the balance; else it is
        paid every period.
    stated_total_wan
        Balance that the ledger has to add up to.
    statutory_wan, special_headroom_wan
        Statutory debt at `as_of`, and how much more the special limit allows.

    Returns
    -------
    ClearancePlan
        Also where there is no plan: then with the smallest sum of money that
        is needed by when, the balances if it does not come, and the levers
        that would close the gap.

    Raises
    ------
    InputError
        For bad input, every problem at once.

    Notes
    -----
    Interest of a period = opening balance × rate × length of the period; all
    cash moves on the period's last day. Contract terms are kept to the period
    that holds their date. ``least_cost`` minimises interest and fees to the
    deadline + present value of all service of the replacement bonds. A
    contract is repaid early only if ``prepayable``; one that is
    ``replaceable`` may be replaced at any time, at no fee. What falls due may
    wait until ``extendable_to``. Service of replacement bonds is paid from the
    budget, not from these sources.

    Source: package of 8 November 2024 (limit and shantytown rule).

    Examples
    --------
    >>> plan = plan_clearance(
    ...     [{"contract_id": "A", "principal_wan": 100.0, "rate_pct": 5.0, "prepayable": True}],
    ...     [{"source_id": "budget", "period": 2027, "cap_wan": 60.0},
    ...      {"source_id": "budget", "period": 2028, "cap_wan": 60.0}],
    ...     as_of="2026-12-31",
    ... )
    >>> plan.status, round(plan.cost_wan, 2)
    ('optimal', 7.25)
    """
    plan = check_input(
        ledger, sources, quotas, as_of=as_of, deadline=deadline, rule=rule,
        discount_pct=discount_pct, frequency=frequency, day_count=day_count, reserved=reserved,
        given=given, custom=custom, minimums=minimums, capitalise=capitalise,
        stated_total_wan=stated_total_wan, statutory_wan=statutory_wan,
        special_headroom_wan=special_headroom_wan,
    )  # fmt: skip
    problem = build_problem(plan)
    if rule == "least_cost":
        return _least_cost(plan, problem)
    return assemble(plan, problem, run_rule(problem, rule, plan.given), None)


def _least_cost(plan: PlanInput, problem: Problem) -> ClearancePlan:
    solved = solve(problem)
    if solved.status in ("optimal", "feasible"):
        return assemble(plan, problem, from_solution(problem, solved), solved)
    missing = smallest_gap(problem)
    if missing.status not in ("optimal", "feasible"):
        note = Note(
            "求解器中止且未得到方案；此处为“利率高者优先”的结果。",
            "The solver stopped without a plan; shown is the rule highest_rate_first.",
        )
        plan = replace(plan, notes=(*plan.notes, note))
        return assemble(plan, problem, run_rule(problem, "highest_rate_first"), None)
    gap = float(missing.missing.sum() + missing.unlawful.sum())
    if gap <= GAP_TOLERANCE * max(float(problem.principal.sum()), 1.0):
        # On the very edge of what is possible: a plan within rounding.
        edge = solve(problem, elastic="late", missing_at_most=2 * gap + 1e-6)
        if edge.status == "optimal":
            missing = replace(edge, missing=np.zeros_like(edge.missing))
    return assemble(plan, problem, from_solution(problem, missing), missing)


def smallest_gap(problem: Problem) -> Solution:
    """The plan that lacks least money; among those, the one that lacks it latest."""
    least = solve(problem, elastic="least", cost_weight=0.0)
    if least.status not in ("optimal", "feasible"):
        return least
    gap = float(least.missing.sum() + least.unlawful.sum())
    late = solve(problem, elastic="late", cost_weight=1e-6, missing_at_most=gap)
    return late if late.status == "optimal" else least


def assemble(
    plan: PlanInput, problem: Problem, path: Path, solved: Solution | None
) -> ClearancePlan:
    """All tables of a path."""
    schedule, shortfall = allot(problem, path)
    total = float(problem.principal.sum())
    gap = float(shortfall["amount_wan"].sum())
    notes = [*plan.notes, *problem.notes]
    if gap <= GAP_TOLERANCE * max(total, 1.0):
        shortfall = shortfall.iloc[:0]
        status = "feasible" if solved is None else solved.status
        if solved is not None and status == "feasible":
            notes.append(
                Note(
                    "求解达到时限：方案可行，但未证明成本最低。",
                    "The time limit was reached: a plan, but not proven to be the cheapest.",
                )
            )
    else:
        status = "infeasible"
        if plan.rule == "given":
            shortfall = _not_planned(problem, shortfall)
        elif solved is None:
            notes.append(
                Note(
                    "该偿还顺序不预留后期到期所需资金；最低成本方案可能仍可行。",
                    f"The rule {plan.rule} has no foresight; least_cost may still find a plan.",
                )
            )
    staying, staying_total, service = staying_path(plan, problem)
    notes += service
    _, bond_interest = bond_path(problem, path.bonds)
    if path.bonds.any():
        paid = float(bond_interest.sum())
        notes.append(
            Note(
                f"置换债券截止日前的利息{paid:,.2f}万元由预算另行安排，不占用上述资金来源。",
                f"Interest of the replacement bonds to the deadline, {paid:,.2f} 万元, is paid "
                "from the budget, not from these sources.",
            )
        )
    balances = balance_table(plan, problem, path, shortfall, staying_total)
    return ClearancePlan(
        status=status, rule=plan.rule, schedule=schedule, balances=balances,
        shortfall=shortfall, by_contract=staying,
        interest_wan=float(balances["interest_wan"].sum()),
        fee_wan=float(path.fee.sum()),
        replacement_pv_wan=float(np.sum(problem.bond_value * path.bonds)),
        bond_interest_wan=float(bond_interest.sum()),
        baseline_interest_wan=baseline_interest(problem, path), opening_wan=total,
        notes=tuple(note.en for note in notes), notes_zh=tuple(note.zh for note in notes),
        solver_seconds=0.0 if solved is None else solved.seconds,
        given=plan, problem=problem, path=path,
        solved=None if status == "infeasible" else solved,
    )  # fmt: skip


def _not_planned(p: Problem, shortfall: pd.DataFrame) -> pd.DataFrame:
    """In a given plan, what terms do not forbid is simply not planned."""
    row = {c.contract_id: k for k, c in enumerate(p.contracts)}
    column = {label: t for t, label in enumerate(p.grid.labels)}
    reasons = [
        "not planned"
        if reason == "terms" and np.isinf(p.limit[row[name], column[period]])
        else reason
        for name, period, reason in zip(
            shortfall["contract_id"], shortfall["period"], shortfall["reason"], strict=True
        )
    ]
    return shortfall.assign(reason=reasons)
