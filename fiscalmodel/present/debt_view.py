"""Everything that the debt report shows, worked out once from a scenario."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from fiscalmodel import policy
from fiscalmodel.debt import summary
from fiscalmodel.debt.bonds import read_bonds
from fiscalmodel.debt.breakpoints import break_points_of
from fiscalmodel.debt.ledger import Ledger, read_hidden_ledger
from fiscalmodel.debt.maturity import maturity_wall, with_planned
from fiscalmodel.debt.outlook import debt_outlook
from fiscalmodel.debt.plan_targets import targets
from fiscalmodel.debt.reserve import required_contributions
from fiscalmodel.debt.risk import RiskPath, risk_path
from fiscalmodel.errors import InputError
from fiscalmodel.scenario.evaluate import evaluate
from fiscalmodel.scenario.load import load_scenario
from fiscalmodel.scenario.outcome import Outcome

if TYPE_CHECKING:
    from fiscalmodel.debt.plan_result import ClearancePlan


#: Columns of the maturity wall with the plan's own bonds.
WALL = [
    "year",
    *(f"{kind}_{part}_wan" for kind in ("general", "special", "planned")
      for part in ("principal", "interest")),
    "total_wan",
    "share_pct",
]  # fmt: skip


@dataclass(frozen=True)
class DebtView:
    """The debt side of one scenario.

    Attributes
    ----------
    outcome, plan
        The scenario evaluated, and its clearance plan.
    ledger, bonds
        Checked ledgers; `bonds` is None where the scenario names none.
    waterfall, funding, matrix, register
        Tables of the plan; see `fiscalmodel.debt.summary`.
    totals
        ``period, hidden_wan, statutory_wan, total_wan`` with the opening first.
    outlook
        Debt, interest and resources by year; None like `risk`.
    risk
        Ratios and grades by year; None without bonds and resources.
    resources_note
        What stands for 综合财力, in both languages.
    wall, reserve
        Maturity wall with the plan's own bonds, and the reserve fund that covers
        the next year's service.
    targets, breaks
        Targets and break points of the plan.
    totals_only
        Whether names of contracts, debtors, creditors and sources are withheld.
    """

    outcome: Outcome
    plan: ClearancePlan
    ledger: Ledger
    bonds: Ledger | None
    waterfall: pd.DataFrame
    funding: pd.DataFrame
    matrix: pd.DataFrame
    register: pd.DataFrame
    totals: pd.DataFrame
    outlook: pd.DataFrame | None
    risk: RiskPath | None
    resources_note: tuple[str, str]
    wall: pd.DataFrame | None
    reserve: pd.DataFrame | None
    targets: pd.DataFrame
    breaks: pd.DataFrame
    totals_only: bool


def debt_view(scenario: str | Path, *, totals_only: bool = False) -> DebtView:
    """Evaluate a scenario and work out all that the debt report shows.

    Parameters
    ----------
    scenario
        Scenario file with a ``debt`` part.
    totals_only
        Withhold everything below totals, for sensitive figures.

    Raises
    ------
    InputError
        If the scenario has no debt part, or its data cannot be used.
    """
    outcome = evaluate(load_scenario(scenario))
    spec = outcome.scenario.spec
    if outcome.plan is None or spec.debt is None:
        raise InputError(
            str(scenario), "the scenario has no debt part", "name a ledger under 'debt'"
        )
    plan: ClearancePlan = outcome.plan
    files = outcome.scenario.files
    as_of = spec.as_of.isoformat()
    ledger = read_hidden_ledger(files["debt.ledger"], as_of=as_of, deadline=str(plan.deadline))
    bonds = read_bonds(files["debt.bonds"], as_of=as_of) if "debt.bonds" in files else None
    outlook, note = _outlook(outcome, bonds, as_of)
    wall = _wall(plan, bonds, as_of)
    return DebtView(
        outcome=outcome,
        plan=plan,
        ledger=ledger,
        bonds=bonds,
        waterfall=summary.waterfall(plan),
        funding=summary.funding(plan),
        matrix=summary.matrix(plan),
        register=summary.planned_register(plan, ledger.table),
        totals=_totals(plan, outlook, bonds),
        outlook=outlook,
        risk=None if outlook is None else risk_path(outlook),
        resources_note=note,
        wall=wall,
        reserve=None if wall is None else _reserve(wall, spec.years.first, spec.years.last),
        targets=targets(plan),
        breaks=break_points_of(plan.given, plan.problem, {}),
        totals_only=totals_only,
    )


def _outlook(
    outcome: Outcome, bonds: Ledger | None, as_of: str
) -> tuple[pd.DataFrame | None, tuple[str, str]]:
    """Debt by year, where bonds and some measure of resources are known."""
    spec, balance = outcome.scenario.spec, outcome.balance
    assert spec.debt is not None
    if bonds is None or outcome.plan is None:
        return None, ("情景未提供法定债券台账", "the scenario names no statutory bonds")
    if spec.debt.comprehensive_resources_wan:
        resources = dict(spec.debt.comprehensive_resources_wan)
        note = ("综合财力取自情景文件", "comprehensive resources 综合财力 from the scenario file")
    elif balance is not None and "transfers_wan" in balance:
        money = balance["revenue_wan"] + balance["transfers_wan"] + balance["other_resources_wan"]
        resources = dict(zip(balance["year"].astype(int), money.astype(float), strict=True))
        note = (
            "综合财力按一般公共预算收入＋补助＋其他财力近似，不含政府性基金",
            "for comprehensive resources 综合财力 stand general-budget revenue + transfers + "
            "other resources, without government funds",
        )
    else:
        return None, (
            "情景未提供综合财力",
            "the scenario states no comprehensive resources 综合财力",
        )
    further: dict[str, dict[int, float]] = {}
    if balance is not None and "expenditure_wan" in balance:
        years, spent = balance["year"].astype(int), balance["expenditure_wan"].astype(float)
        if spent.notna().all():
            further["expenditure_wan"] = dict(zip(years, spent, strict=True))
    outlook = debt_outlook(
        outcome.plan.balances, bonds, resources, as_of=as_of, further=further,
        refinancing_rate_pct=float(policy.value("local_bond_rate_all", on=as_of)),
    )  # fmt: skip
    return outlook, note


def _totals(
    plan: ClearancePlan, outlook: pd.DataFrame | None, bonds: Ledger | None
) -> pd.DataFrame:
    """Hidden, statutory and total debt at the opening and at each period's end."""
    stays = float(plan.by_contract["principal_wan"].sum()) if len(plan.by_contract) else 0.0
    opening: dict[str, Any] = {
        "period": str(plan.as_of),
        "hidden_wan": plan.opening_wan,
        "by_contract_wan": stays,
        "statutory_wan": 0.0 if bonds is None else bonds.total_wan,
    }
    rows = plan.balances[["period", "hidden_wan", "by_contract_wan", "statutory_wan"]].copy()
    rows["period"] = rows["period"].astype(str)
    if outlook is not None and len(outlook) == len(rows):
        rows["statutory_wan"] = (outlook["general_wan"] + outlook["special_wan"]).to_numpy()
    elif bonds is not None and not plan.given.statutory:
        rows["statutory_wan"] += bonds.total_wan
    table = pd.concat([pd.DataFrame([opening]), rows], ignore_index=True)
    table["total_wan"] = table[["hidden_wan", "by_contract_wan", "statutory_wan"]].sum(axis=1)
    return table


def _wall(plan: ClearancePlan, bonds: Ledger | None, as_of: str) -> pd.DataFrame | None:
    """What falls due on the bonds outstanding and on those that the plan takes."""
    if bonds is None:
        return None
    wall, planned = maturity_wall(bonds, as_of=as_of), summary.planned_bonds(plan)
    if not len(planned):
        return wall.assign(planned_principal_wan=0.0, planned_interest_wan=0.0)[WALL]
    return with_planned(wall, maturity_wall(read_bonds(planned), as_of=as_of))


def _reserve(wall: pd.DataFrame, first: int, last: int) -> pd.DataFrame:
    """The least that must be paid in so that the fund covers the next year's service."""
    service = dict(zip(wall["year"], wall["total_wan"], strict=True))
    years = range(first, last + 2)
    ahead = {y: float(service.get(y, 0.0)) for y in years}
    # The fund is built up for the year after; drawing on it is not planned.
    fund = required_contributions(ahead, cover=1)
    return fund[fund["period"] <= last].reset_index(drop=True)
