"""The debt part: the scenario's clearance plan."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from fiscalmodel.errors import InputError
from fiscalmodel.scenario.load import Scenario
from fiscalmodel.scenario.outcome import Said
from fiscalmodel.scenario.schema import DebtSpec
from fiscalmodel.suggest import known_names


def debt_part(
    scenario: Scenario, spec: DebtSpec, balance: pd.DataFrame | None
) -> tuple[Any, pd.DataFrame, tuple[Said, ...]]:
    """The clearance plan, closing balances with the bonds outstanding, and notes.

    The caps of the source named ``general_budget_source`` are what the balance
    leaves for clearance, so that a lower revenue lowers what can be repaid.
    """
    from fiscalmodel import policy
    from fiscalmodel.debt.clearance import plan_clearance

    sources = read_frame(scenario.files["debt.sources"], "funding")
    notes: list[Said] = []
    sources = _shocked(sources, spec)
    if spec.general_budget_source:
        sources = _from_balance(sources, spec, balance)
        notes.append(
            Said(
                "一般公共预算资金的可用额度取自收支平衡结果。",
                "What the general budget gives is taken from the balance.",
            )
        )
    quotas: Any = scenario.files.get("debt.quotas")
    if quotas is not None and spec.quota_shock_pct:
        quotas = read_frame(quotas, "")
        quotas["quota_wan"] = quotas["quota_wan"].astype(float) * (1 + spec.quota_shock_pct / 100)
    as_of = scenario.spec.as_of.isoformat()
    deadline = spec.deadline or policy.value("hidden_debt_deadline", on=as_of)
    plan = plan_clearance(
        scenario.files["debt.ledger"],
        sources,
        quotas,
        as_of=as_of,
        deadline=str(deadline),
        rule=spec.rule,
        discount_pct=spec.discount_pct,
        frequency=spec.frequency,
    )
    # The ledger's word for a balance; here it is what was repaid.
    balances = plan.balances.rename(columns={"principal_wan": "repaid_wan"})
    if "debt.bonds" in scenario.files:
        balances = with_bonds(balances, scenario.files["debt.bonds"], as_of)
        held = float(balances["existing_bonds_wan"].iloc[0])
        notes.append(
            Said(
                f"法定债务含存量债券 {held:,.0f} 万元，假定其到期本金全部再融资。",
                f"Statutory debt 法定债务 includes {held:,.0f} 万元 of bonds outstanding, whose "
                "maturing principal is taken to be refinanced in full.",
            )
        )
    return plan, balances, tuple(notes)


def with_bonds(balances: pd.DataFrame, bonds: Path, as_of: str) -> pd.DataFrame:
    """Closing balances with the statutory bonds that are outstanding already.

    Notes
    -----
    Statutory = bonds outstanding on `as_of` + replacement bonds; maturing principal of
    the former is taken to be refinanced (再融资) in full, so their sum stays.
    """
    from fiscalmodel.debt.bonds import read_bonds

    held = int(read_bonds(bonds, as_of=as_of).table["balance_fen"].sum()) / 1_000_000
    return balances.assign(
        statutory_wan=balances["statutory_wan"] + held,
        total_wan=balances["total_wan"] + held,
        existing_bonds_wan=held,
    )


def read_frame(file: Path, template: str) -> pd.DataFrame:
    """A tidy CSV, or an Excel file made from a template; ids and codes stay text."""
    if file.suffix.lower() in (".xlsx", ".xls"):
        from fiscalmodel.series import templates

        if not template:
            raise InputError(file.name, "this table is read from CSV only", "save it as CSV UTF-8")
        return templates.read(template, file)
    from fiscalmodel.series import catalog

    table: pd.DataFrame = catalog.read_csv(file)
    return table


def _shocked(sources: pd.DataFrame, spec: DebtSpec) -> pd.DataFrame:
    made = sources.copy()
    made["cap_wan"] = made["cap_wan"].astype(float)
    for category, pct in spec.funding_shock_pct.items():
        hit = made["category"].eq(category)
        if not hit.any():
            raise InputError(
                f"debt.funding_shock_pct.{category}",
                "no funding source has this category",
                known_names(made["category"].unique()),
            )
        made.loc[hit, "cap_wan"] *= 1 + pct / 100
    return made


def _from_balance(
    sources: pd.DataFrame, spec: DebtSpec, balance: pd.DataFrame | None
) -> pd.DataFrame:
    if balance is None or "available_wan" not in balance:
        raise InputError(
            "debt.general_budget_source", "needs a balance part", "add balance.sanbao_need_wan"
        )
    hit = sources["source_id"].eq(str(spec.general_budget_source))
    if not hit.any():
        raise InputError(
            "debt.general_budget_source",
            f"no funding source is called {spec.general_budget_source!r}",
            known_names(sources["source_id"].unique()),
        )
    share = spec.general_budget_share_pct / 100
    left = dict(zip(balance["year"].astype(int), balance["available_wan"], strict=True))
    made = sources.copy()
    per_year = made[hit].groupby(made.loc[hit, "period"].astype(str).str[:4])["period"].count()
    for index in made.index[hit]:
        year = str(made.at[index, "period"])[:4]
        if int(year) not in left:
            raise InputError("debt.sources", f"{year} lies outside the scenario's years")
        made.at[index, "cap_wan"] = max(0.0, left[int(year)]) * share / per_year[year]
    return made
