"""The debt part: the scenario's clearance plan, what ranks before it, and the debt by year."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pandas as pd

from fiscalmodel import policy
from fiscalmodel.debt.clearance.given import Options, read_given
from fiscalmodel.debt.clearance.plan import ClearancePlan, plan_clearance
from fiscalmodel.debt.ledger import Ledger, read_bonds
from fiscalmodel.debt.maturity import maturity_wall
from fiscalmodel.debt.outlook import debt_outlook
from fiscalmodel.debt.risk import RiskPath, risk_path
from fiscalmodel.errors import Collector, InputError, known_names
from fiscalmodel.scenario.load import Scenario
from fiscalmodel.scenario.part_balance import resources_at
from fiscalmodel.scenario.schema import DebtSpec
from fiscalmodel.tables.records import Records, Row, read_records
from fiscalmodel.words import Text, say

#: The scenario key of this part.
PART = "debt"


def debt_part(
    scenario: Scenario, spec: DebtSpec, balance: pd.DataFrame | None
) -> tuple[ClearancePlan, pd.DataFrame, pd.DataFrame | None, RiskPath | None, tuple[Text, ...]]:
    """The plan, closing balances with the bonds outstanding, debt by kind, risk, and notes.

    The caps of the source named ``general_budget_source`` are what the balance leaves for
    clearance, so that a lower revenue lowers what can be repaid. Of statutory bonds the part
    of maturing principal that is not refinanced, and the interest of special bonds where it
    is not inside the spending line, rank before the plan; and what the bonds' own interest is
    above the interest that the balance has taken off.
    """
    notes = list[Text]()
    files = scenario.tables(PART)
    sources = _shocked(scenario.records("debt.sources"), spec)
    if spec.general_budget_source:
        sources = _from_balance(sources, spec, balance)
        notes.append(say("debt.part.from_balance"))
    elif balance is not None and "available_wan" in balance:
        notes.append(say("debt.part.not_from_balance"))
    ledger = _shifted(scenario.records("debt.ledger"), spec)
    quotas = None
    if "quotas" in files:
        quotas = _shifted(scenario.records("debt.quotas"), spec)
        if spec.quota_shock_pct:
            quotas = _scaled(quotas, "quota_wan", spec.quota_shock_pct, quotas.rows)
    as_of = scenario.spec.as_of
    deadline = spec.deadline or policy.value("hidden_debt_deadline", on=as_of)
    claims: Any = scenario.records("debt.claims") if "claims" in files else None
    try:
        bonds = read_bonds(files["bonds"], as_of=as_of) if "bonds" in files else None
    except InputError:
        debt_inputs(scenario, spec)
        raise
    if before := _claims(bonds, spec, scenario, balance, notes):
        claims = read_records(before, name="reserved") if claims is None else claims.more(before)
    elif claims is None and spec.general_budget_source:
        claims = pd.DataFrame(columns=["period", "need_wan"])  # the balance has taken them off
    held = 0.0 if bonds is None else bonds.total_wan
    special = 0.0 if bonds is None else bonds.of("special")
    plan = plan_clearance(
        ledger, sources, quotas, as_of=as_of, deadline=deadline, rule=spec.rule,
        discount_pct=spec.discount_pct, frequency=spec.frequency, reserved=claims,
        limits=files.get("limits"), custom=files.get("custom"), special_wan=special,
        reserve_pct=spec.reserve_pct,
    )  # fmt: skip
    # The ledger's word for a balance; here it is what was repaid.
    balances = plan.by_year.rename(columns={"principal_wan": "repaid_wan"})
    if bonds is not None:
        left = _outstanding(bonds, spec, balances["period"].astype(str).tolist(), as_of)
        balances["existing_bonds_wan"] = left
        for column in ("statutory_wan", "total_wan"):
            balances[column] = balances[column] + left
        notes.append(say("debt.part.bonds", amount=held, share=spec.refinanced_pct))
    if bonds is None:
        return plan, balances, None, None, tuple(notes)
    owed, risk = _owed(plan, bonds, scenario, balance, notes)
    return plan, balances, owed, risk, tuple(notes)


def debt_inputs(scenario: Scenario, spec: DebtSpec) -> None:
    """Read the tables of a plan that cannot be worked out, for what is wrong with them too.

    Raises
    ------
    InputError
        With every problem of all of them.
    """
    files, as_of, problems = scenario.tables(PART), scenario.spec.as_of, Collector()
    deadline = spec.deadline or policy.value("hidden_debt_deadline", on=as_of)
    if "bonds" in files:
        with problems.catch():
            read_bonds(files["bonds"], as_of=as_of)
    with problems.catch():
        read_given(
            files["ledger"], files["sources"], files.get("quotas"), Options(as_of, deadline),
            reserved=files.get("claims"), limits=files.get("limits"), custom=files.get("custom"),
        )  # fmt: skip
    problems.raise_if_any()


def _owed(
    plan: ClearancePlan, bonds: Ledger, scenario: Scenario, balance: pd.DataFrame | None,
    notes: list[Text],
) -> tuple[pd.DataFrame, RiskPath | None]:  # fmt: skip
    """Debt, interest and limits by year; its ratio and grade where the resources are known."""
    spec = scenario.spec.debt
    assert spec is not None
    resources: dict[int, float] | None = None
    # Where transfers are not given, a ratio to own revenue alone would say something else.
    if spec.comprehensive_resources_wan:
        resources = {int(y): float(v) for y, v in spec.comprehensive_resources_wan.items()}
    elif balance is not None and not balance.get("transfers_wan", pd.Series([None])).isna().any():
        other = balance["other_resources_wan"].fillna(0.0)
        money = balance["revenue_wan"] + balance["transfers_wan"] + other
        resources = dict(zip(balance["year"].astype(int), money.astype(float), strict=True))
        before = min(resources) - 1
        if (now := resources_at(scenario, before)) is not None:
            resources[before] = now
        notes.append(say("debt.part.resources"))
    years = {int(p[:4]) for p in plan.balances["period"].astype(str)}
    if resources is not None and not years <= set(resources):
        resources = None
    further: dict[str, dict[int, float]] = {}
    if balance is not None and "expenditure_wan" in balance:
        spent = dict(zip(balance["year"].astype(int), balance["expenditure_wan"], strict=True))
        if years <= set(spent):
            further["expenditure_wan"] = spent
    general = {x.year: x.general_wan for x in plan.given.limits}
    special = {x.year: plan.given.special_limit(x.year) for x in plan.given.limits}
    for kind, limits in (("general", general), ("special", special)):
        if any(limits.get(year, math.nan) == limits.get(year) for year in years):
            further[f"{kind}_limit_wan"] = {y: limits.get(y, math.nan) for y in years | {*limits}}
    frame = debt_outlook(
        plan.balances.assign(by_contract_interest_wan=0.0), bonds, resources, as_of=plan.as_of,
        refinanced_pct=spec.refinanced_pct, further=further,
        refinancing_rate_pct=float(policy.value("local_bond_rate_all", on=plan.as_of)),
        opening_hidden_wan=plan.opening_wan + float(plan.problem.stays.sum()),
    )  # fmt: skip
    return frame, None if resources is None else risk_path(frame)


def _claims(
    bonds: Ledger | None, spec: DebtSpec, scenario: Scenario, balance: pd.DataFrame | None,
    notes: list[Text],
) -> list[dict[str, Any]]:  # fmt: skip
    """What statutory bonds take first: principal from own funds, interest not taken off yet."""
    if bonds is None:
        return []
    taken: dict[int, float] | None = None
    # The lines of a medium-term plan, where they stand for a balance, hold debt service too.
    if spec.general_budget_source and balance is not None and scenario.spec.balance is not None:
        service = balance["statutory_debt_service_wan"].fillna(0.0)
        taken = dict(zip(balance["year"].astype(int), service, strict=True))
    wall = maturity_wall(bonds, as_of=scenario.spec.as_of)
    own = 1 - spec.refinanced_pct / 100
    rows: list[dict[str, Any]] = []
    for row in wall.to_dict("records"):
        year = int(row["year"])
        if year > scenario.spec.years.last:
            break
        parts = [
            ("general_principal", row["general_principal_wan"] * own, "general"),
            ("special_principal", row["special_principal_wan"] * own, "fund"),
        ]
        interest = float(row["general_interest_wan"])
        if spec.special_interest_inside:
            interest += float(row["special_interest_wan"])
        else:
            parts.append(("special_interest", row["special_interest_wan"], "fund"))
        if taken is not None and interest - taken.get(year, interest) > 0.005:
            parts.append(("interest_above", interest - taken[year], "general"))
            notes.append(say("debt.part.interest_note", year=year, own=interest,
                             taken=taken[year], gap=interest - taken[year]))  # fmt: skip
        rows += [
            {"period": year, "need_wan": need, "budget": budget, "inside": False,
             "item": str(say(f"debt.part.{name}"))} for name, need, budget in parts if need > 0
        ]  # fmt: skip
    return rows


def _outstanding(bonds: Ledger, spec: DebtSpec, periods: list[str], as_of: Any) -> list[float]:
    """Bonds of today at each period's end: less what matures and is not refinanced."""
    if spec.refinanced_pct == 100:
        return [bonds.total_wan] * len(periods)
    wall = maturity_wall(bonds, as_of=as_of)
    due = wall["general_principal_wan"] + wall["special_principal_wan"]
    paid = (due * (1 - spec.refinanced_pct / 100)).cumsum()
    by_year = dict(zip(wall["year"], paid, strict=True))
    return [bonds.total_wan - float(by_year.get(int(p[:4]), paid.iloc[-1])) for p in periods]


def _scaled(table: Records, column: str, pct: float, rows: Sequence[Row]) -> Records:
    """A table whose amounts have changed by some percent in some rows; what is no amount stays."""
    quiet, lines = table.shared(Collector()), {row.line for row in rows}
    amounts = {n: row.wan(column, default=math.nan) for n, row in enumerate(quiet)
               if row.line in lines}  # fmt: skip
    values = {n: wan * (1 + pct / 100) for n, wan in amounts.items() if wan == wan}
    return table.refilled(column, values, "万元")


def _shifted(table: Records, spec: DebtSpec) -> Records:
    """A table whose rates have moved, none below 0."""
    if not spec.rate_shift_bp:
        return table
    rates = {n: row.number("rate_pct", default=math.nan)
             for n, row in enumerate(table.shared(Collector()))}  # fmt: skip
    moved = {n: max(rate + spec.rate_shift_bp / 100, 0.0) for n, rate in rates.items()
             if rate == rate}  # fmt: skip
    return table.refilled("rate_pct", moved)


def _shocked(sources: Records, spec: DebtSpec) -> Records:
    for category, pct in spec.funding_shock_pct.items():
        hit = [row for row in sources if row.text("category") == category]
        if not hit:
            where = f"{PART}.funding_shock_pct.{category}"
            known = known_names(dict.fromkeys(c for row in sources if (c := row.text("category"))))
            raise InputError(where, "debt.part.no_category", known)
        sources = _scaled(sources, "cap_wan", pct, hit)
    return sources


def _from_balance(sources: Records, spec: DebtSpec, balance: pd.DataFrame | None) -> Records:
    where = f"{PART}.general_budget_source"
    if balance is None or "available_wan" not in balance:
        raise InputError(where, "debt.part.no_balance")
    if not sources.has("source_id") or not sources.has("period"):
        return sources  # its reader says so
    names = [row.text("source_id") for row in sources]
    if spec.general_budget_source not in names:
        known = known_names(dict.fromkeys(names))
        raise InputError(where, "debt.no_such_source", known, text=spec.general_budget_source)
    left = dict(zip(balance["year"].astype(int), balance["available_wan"], strict=True))
    years: dict[int, int] = {}
    for n, row in enumerate(sources.shared(Collector())):
        period = row.period("period", default=None)
        if names[n] == spec.general_budget_source and period is not None:
            if period.year not in left:
                raise InputError(row.where("period"), "debt.part.year_outside", year=period.year)
            years[n] = period.year
    count, share = Counter(years.values()), spec.general_budget_share_pct / 100
    caps = {n: max(0.0, float(left[year])) * share / count[year] for n, year in years.items()}
    return sources.refilled("cap_wan", caps, "万元")
