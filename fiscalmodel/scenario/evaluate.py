"""``Scenario`` to ``Outcome``: pure, and only what the scenario's region has data for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from fiscalmodel.errors import Collector, InputError, known_names
from fiscalmodel.scenario.given import NEEDED, given_only, names_of
from fiscalmodel.scenario.load import Scenario
from fiscalmodel.scenario.outcome import PARTS, Outcome
from fiscalmodel.scenario.part_balance import balance_part, closed_budget
from fiscalmodel.scenario.part_budget import (
    PartResult,
    budgets_part,
    guardrails_part,
    medium_term_part,
    special_bonds_part,
)
from fiscalmodel.scenario.part_debt import debt_inputs, debt_part
from fiscalmodel.scenario.part_revenue import revenue_part
from fiscalmodel.scenario.part_warning import idle_part, projects_part, sanbao_part
from fiscalmodel.scenario.part_year import nowcast_part, progress_part
from fiscalmodel.scenario.plausibility import answered, remarks
from fiscalmodel.words import Text, say

#: Parts after the clearance plan, in order; each is given what was found before it.
FURTHER: Mapping[str, Callable[[Scenario, Any, Mapping[str, Any]], PartResult]] = {
    "budgets": budgets_part,
    "medium_term": medium_term_part,
    "sanbao": sanbao_part,
    "guardrails": guardrails_part,
    "projects": projects_part,
    "special_bonds": special_bonds_part,
    "idle": idle_part,
}

#: Where parts say that they need the balance.
ON_BALANCE = ("medium_term.flows", "projects.assess")
#: The parts in the order in which they are worked out.
ORDER = ("revenue", "balance", "debt", *FURTHER, "commissions")


def evaluate(scenario: Scenario, *, until: str = ORDER[-1]) -> Outcome:
    """Work out a scenario, once through: revenue, budget, money for clearance, plan, commissions.

    Parameters
    ----------
    scenario
        From `load_scenario`. It is never changed.
    until
        The last part of `ORDER` that is wanted: ``debt`` for revenue, balance and clearance.

    Returns
    -------
    Outcome
        A part without data is None, with the reason in `Outcome.reasons`.

    Raises
    ------
    InputError
        If data named by the scenario cannot be used: the problems of all parts at once.
    """
    if until not in ORDER:
        raise InputError("until", "scenario.not_worked_out", known_names(ORDER), name=until)
    # Tables of some dozen rows: as Arrow's arrays their texts cost more than they save.
    with pd.option_context("mode.string_storage", "python"):
        return _evaluated(scenario, until)


def _evaluated(scenario: Scenario, until: str) -> Outcome:
    """What `evaluate` gives."""
    wanted = ORDER[: ORDER.index(until) + 1]
    scenario = given_only(scenario)
    spec, unfilled = scenario.spec, scenario.unfilled
    notes: list[Text] = [say("scenario.synthetic")] if scenario.synthetic else []
    notes += [spec.note] if spec.note else []
    if unfilled:
        notes.append(say("scenario.not_filled", names=names_of(unfilled)))
    notes += remarks(scenario, without=set(ORDER) - set(wanted))
    told: list[Any] = []
    if made_up := scenario.origin.synthetic:
        told.append(say("scenario.made_up", names=made_up))
    if foreign := scenario.origin.foreign:
        others = [say("scenario.of_region", name=name, region=region) for name, region in foreign]
        told.append(say("scenario.foreign", names=Text.joined(others, zh="、", en=", ")))
    if spec.confirmed:
        notes += answered(scenario)
    found: dict[str, Any] = {}
    problems = Collector()
    if spec.revenue is not None:
        with problems.catch():
            part = revenue_part(scenario, spec.revenue)
            found |= {
                "revenue": part.frame,
                "waterfall": part.waterfall,
                "items": part.items,
                "forecast": part.forecast,
                "link": part.link,
                "target": part.target,
            }
            notes += part.notes
            told.append(part.answer)
            if spec.revenue.nowcast is not None:
                found["nowcast"] = nowcast_part(scenario, spec.revenue.nowcast)
                told.append(found["nowcast"])
    # What stands on a forecast that failed has nothing to say of its own.
    lost = {"medium_term"} if spec.revenue is not None and "revenue" not in found else set()
    if spec.expenditure is not None and spec.expenditure.progress is not None:
        with problems.catch():
            found["spending"] = progress_part(scenario, spec.expenditure.progress)
            told.append(found["spending"])
    with problems.catch():
        plan_first = None
        takes = spec.debt is not None and bool(spec.debt.general_budget_source)
        if spec.balance is None and spec.medium_term is not None and takes and not lost:
            # The plan's own lines are the budget that clearance takes its money from.
            plan_first = medium_term_part(scenario, spec.medium_term, found).result
        budget = balance_part(scenario, found.get("revenue"), plan_first)
        if budget is not None and "balance" in wanted:
            found |= {"balance": budget.frame, "resources": budget.left}
            notes += budget.notes
            told += [budget.answer] if budget.answer else []
    # Where the balance failed, a plan that takes its money from it has nothing to say.
    failed = problems.problems and spec.debt is not None and spec.debt.general_budget_source
    if spec.debt is not None and "debt" in wanted and failed:
        with problems.catch():
            debt_inputs(scenario, spec.debt)
    elif spec.debt is not None and "debt" in wanted:
        with problems.catch():
            plan, balances, owed, risk, said = debt_part(scenario, spec.debt, found.get("balance"))
            found |= {"plan": plan, "debt": balances, "owed": owed, "risk": risk}
            notes += said
            told.append(plan)
    if found.get("balance") is not None and not problems.problems:
        source = spec.debt.general_budget_source if spec.debt else None
        with problems.catch():
            found["closed"] = closed_budget(found["balance"], found.get("plan"), source)
    for name, part_of in FURTHER.items():
        if name in wanted and name not in lost and getattr(spec, name) is not None:
            wrong = Collector()
            with wrong.catch():
                made = part_of(scenario, getattr(spec, name), found)
                found[name] = made.result
                notes += made.notes
                told += [made.answer] if made.answer else []
            # That a part needs the balance is no problem of its own where the balance failed.
            needs = ON_BALANCE if problems.problems and "balance" not in found else ()
            problems.problems += [p for p in wrong.problems if str(p.where) not in needs]
    if "commissions" in wanted and spec.commissions is not None:
        with problems.catch():
            statement, budget = _commissions(scenario)
            found |= {"statement": statement, "commissions": statement.table, "fee_budget": budget}
            told.append(statement)
    problems.raise_if_any()
    found.pop("owed", None)
    reasons = {name: say(f"scenario.missing_{name}") for name in PARTS if found.get(name) is None}
    for name in reasons:
        if name not in wanted:
            reasons[name] = say("scenario.not_asked", until=until)
        elif missing := {key: p for key, p in unfilled.items() if key in NEEDED[name]}:
            reasons[name] = say("scenario.missing_sheets", names=names_of(missing))
    return Outcome(scenario, reasons=reasons, notes=tuple(notes), told=tuple(told), **found)


def _commissions(scenario: Scenario) -> tuple[Any, Any]:
    """What is owed to the banks, and what the next budget needs for the year's base."""
    from fiscalmodel.fees import appropriation, commission

    spec = scenario.spec.commissions
    assert spec is not None
    rates = {
        kind: rate
        for kind, rate in (("罚没", spec.rate_fines_pct), ("收费", spec.rate_charges_pct))
        if rate is not None
    }
    tables = scenario.tables("commissions")
    as_of = scenario.spec.as_of
    statement = commission(
        tables.pop("receipts"),
        rates=rates or None,
        period=spec.period,
        as_of=as_of.isoformat(),
        **tables,
    )
    return statement, appropriation(statement, base_year=as_of.year, requested_wan=spec.budget_wan)
