"""The budget parts: four budgets, medium-term plan, guardrails, special-bond projects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from fiscalmodel.budget.accounts_read import read_accounts
from fiscalmodel.budget.budgets import close_budgets, state_capital_findings
from fiscalmodel.budget.guardrails import (
    AMOUNTS,
    RULES,
    LocalBound,
    check_guardrails,
    read_guardrail_amounts,
)
from fiscalmodel.budget.medium_term import (
    LINES_APART,
    against_outturn,
    medium_term_plan,
    read_amounts_by_line,
    read_flows,
    read_plan_lines,
)
from fiscalmodel.budget.special_bonds import bond_projects
from fiscalmodel.errors import Collector, InputError, did_you_mean
from fiscalmodel.findings import Finding, finding
from fiscalmodel.scenario.load import Scenario
from fiscalmodel.scenario.schema import (
    BudgetsSpec,
    GuardrailsSpec,
    MediumTermSpec,
    SpecialBondsSpec,
)
from fiscalmodel.words import Text, say


@dataclass(frozen=True)
class PartResult:
    """What a part comes to: a result that shows itself or None, notes, its answer in a sentence."""

    result: Any = None
    notes: tuple[Text, ...] = ()
    answer: Text | None = None


def budgets_part(scenario: Scenario, spec: BudgetsSpec, found: Mapping[str, Any]) -> PartResult:
    """The four budgets closed, with what moves between them."""
    made = read_accounts(scenario.tables("budgets")["accounts"])
    if spec.level is not None:
        made = close_budgets(made.lines[made.lines["level"].eq(spec.level)])
    if spec.state_capital is not None:
        ratios = spec.state_capital
        more = state_capital_findings(
            made, ratios.profit_wan, handing_over_pct=ratios.handing_over_pct,
            transfer_pct=ratios.transfer_pct,
        )  # fmt: skip
        made = replace(made, found=(*made.found, *more))
    return PartResult(made, made.notes, made.answer)


def medium_term_part(
    scenario: Scenario, spec: MediumTermSpec, found: Mapping[str, Any]
) -> PartResult:
    """The medium-term plan on the scenario's revenue, with the clearance that the plan pays.

    Resources are the forecast of revenue and the account's other lines: those of ``flows``, else
    of the balance. What clearance takes from the general budget is a line of its own.
    """
    tables = scenario.tables("medium_term")
    years = list(range(scenario.spec.years.first, scenario.spec.years.last + 1))
    lines = read_plan_lines(tables["lines"], years, changes=tables.get("changes"))
    notes = list[Text]()
    balance, closed = found.get("balance"), found.get("closed")
    resources = _resources(tables.get("flows"), found, years)
    apart = [] if "flows" in tables or balance is None else _apart(lines, balance)
    if closed is not None and closed.connected:
        paid = closed.table[closed.table["clearance_wan"] > 0]
        more = {"line": say("budget.line_clearance").zh, "project_class": "特定事项", "number": 1.0,
                "basis": say("budget.basis_clearance").zh, "sanbao_part": ""}  # fmt: skip
        added = [
            {"year": int(year), "standard_wan": float(amount), **more}
            for year, amount in zip(paid["year"], paid["clearance_wan"], strict=True)
        ]
        lines = pd.concat([lines, pd.DataFrame(added, columns=lines.columns)], ignore_index=True)
    if spec.fund_opening_wan is None:
        notes.append(say("budget.fund_unknown"))
    made = medium_term_plan(
        resources, lines, tables.get("measures"), fund_opening_wan=spec.fund_opening_wan or 0.0,
        on=scenario.spec.as_of,
    )  # fmt: skip
    if "last_plan" in tables:
        before = read_amounts_by_line(tables["last_plan"], name="last_plan")
        changes, execution = made.change_from(before), None
        if "outturn" in tables:
            outturn = read_amounts_by_line(tables["outturn"], name="outturn")
            execution = against_outturn(before, outturn)
        made = replace(made, changes=changes, execution=execution)
        notes += made.compared
    made = replace(made, found=(*made.found, *apart))
    return PartResult(made, tuple(notes), made.answer)


def _resources(flows: Any, found: Mapping[str, Any], years: list[int]) -> dict[int, float]:
    """What the spending lines of each year can use: revenue and the account's other lines."""
    revenue = found.get("revenue")
    if revenue is None:
        raise InputError("medium_term", "scenario.missing_revenue")
    ahead = revenue[revenue["kind"] == "forecast"].set_index("year")["scenario_wan"]
    resources = {year: float(ahead[year]) for year in years}
    if flows is not None:
        for year, _, amount in read_flows(flows, years):
            resources[year] += amount
        return resources
    balance = found.get("balance")
    if balance is None or "transfers_wan" not in balance:
        raise InputError("medium_term.flows", "budget.no_flows")
    more = balance.fillna(0.0).set_index("year")[["transfers_wan", "other_resources_wan"]]
    return {year: resources[year] + float(more.loc[year].sum()) for year in years}


def _apart(lines: pd.DataFrame, balance: pd.DataFrame) -> list[Finding]:
    """Where the lines are another budget than the balance: its expenditure, else its needs."""
    needs = ["sanbao_need_wan", "statutory_debt_service_wan", "other_commitments_wan"]
    table = balance.set_index("year")
    if "expenditure_wan" in table:
        what, due = "expenditure", table["expenditure_wan"]
    elif "sanbao_need_wan" in table:
        what, due = "needs", table[needs].fillna(0.0).sum(axis=1)
    else:
        return []
    spent = (lines["standard_wan"] * lines["number"]).groupby(lines["year"]).sum()
    gaps = {int(str(year)): float(gap) for year, gap in (spent - due).items() if abs(gap) > 0.5}
    if not gaps:
        return []
    first = min(gaps)
    years = [say("budget.lines_gap", year=year, amount=gap) for year, gap in gaps.items()]
    return [finding(
        LINES_APART, str(first), stated=float(due[first]), computed=float(spent[first]),
        severity="warning", said=say(f"budget.lines_and_{what}", years=years),
    )]  # fmt: skip


def guardrails_part(
    scenario: Scenario, spec: GuardrailsSpec, found: Mapping[str, Any]
) -> PartResult:
    """Floors and ceilings in each year: the table's amounts before the scenario's own.

    Years of the table beyond the scenario's are checked too.
    """
    names = {rule.name for rule in RULES}
    problems = Collector()
    for name in sorted(set(spec.local) - names):
        problems.add(
            f"guardrails.local.{name}", "budget.no_rule", did_you_mean(name, names), text=name
        )
    problems.raise_if_any()
    frame = amounts_known(found)
    tables, claims = scenario.tables("guardrails"), list[Finding]()
    if "amounts" in tables:
        stated = read_guardrail_amounts(tables["amounts"]).set_index("year")
        frame = stated.combine_first(frame)
        if (months := found.get("sanbao")) is not None:
            claims = months.needs.against(stated, say("warning.in_guardrails"))
    if frame.empty:
        return PartResult()
    local = {
        name: LocalBound(bound.pct, bound.source, bound.start) for name, bound in spec.local.items()
    }
    made = check_guardrails(
        frame.sort_index().reset_index(), region=scenario.region.key, local=local
    )
    made = replace(made, found=(*made.found, *claims))
    return PartResult(made, tuple(claim.said for claim in claims), made.answer)


def amounts_known(found: Mapping[str, Any]) -> pd.DataFrame:
    """What the scenario itself knows of the amounts that guardrails are set against, by year.

    Of the three guarantees the months count before the balance, which states the need alone.
    """
    balance, plan = found.get("balance"), found.get("medium_term")
    columns: dict[str, Any] = {"year": pd.Series(dtype=int)}
    if balance is not None:
        columns["year"] = balance["year"].astype(int)
        columns["revenue_wan"] = balance["revenue_wan"]
        if "expenditure_wan" in balance:
            columns["expenditure_wan"] = balance["expenditure_wan"]
        if "sanbao_need_wan" in balance:
            columns["sanbao_need_wan"] = balance["sanbao_need_wan"]
            columns["general_interest_wan"] = balance["statutory_debt_service_wan"]
    frame = pd.DataFrame(columns).set_index("year")
    if (owed := found.get("owed")) is not None:
        # The bonds' own interest before the sheet's, which holds that of all kinds of bonds.
        own = owed.dropna(subset=["general_interest_wan"]).set_index("year")
        own = own.rename(
            columns={f"{kind}_wan": f"{kind}_debt_wan" for kind in ("general", "special")}
        )
        frame = own[[name for name in AMOUNTS if name in own]].combine_first(frame)
    if plan is not None:
        made = plan.table.set_index("year")
        own = pd.DataFrame(
            {
                "expenditure_wan": made["expenditure_wan"],
                "stabilisation_fund_wan": made["fund_closing_wan"],
            }
        )
        frame = frame.combine_first(own)
    if (months := found.get("sanbao")) is not None:
        frame = months.needs.by_year.combine_first(frame)
    return frame.rename_axis("year")


def special_bonds_part(
    scenario: Scenario, spec: SpecialBondsSpec, found: Mapping[str, Any]
) -> PartResult:
    """Coverage of each special-bond project."""
    tables = scenario.tables("special_bonds")
    made = bond_projects(tables["projects"], tables["income"], on=scenario.spec.as_of)
    return PartResult(made, (), made.answer)
