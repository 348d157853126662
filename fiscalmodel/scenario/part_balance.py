"""The balance part: expenditure beside revenue, and what is left for clearance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from fiscalmodel import policy
from fiscalmodel.budget.available import ClearanceResources, available_for_clearance
from fiscalmodel.budget.closed import ClosedBudget, close_chain
from fiscalmodel.budget.medium_term import MediumTermPlan
from fiscalmodel.errors import InputError
from fiscalmodel.scenario.load import Scenario
from fiscalmodel.scenario.schema import BalanceSpec, ExpenditureSpec, ScenarioSpec
from fiscalmodel.words import Text, say

#: What stands beside own revenue, in the order of the table.
COLUMNS = (
    "transfers_wan", "other_resources_wan", "sanbao_need_wan", "statutory_debt_service_wan",
    "other_commitments_wan",
)  # fmt: skip

#: Under ``confirmed``: that spending above the needs is cut as far as clearance needs it.
SPENDING_CUT = "spent.expenditure"


@dataclass(frozen=True)
class BalancePart:
    """What `balance_part` found: the frame by year, what is left, notes and the answer."""

    frame: pd.DataFrame
    left: ClearanceResources | None
    notes: tuple[Text, ...]
    answer: Text | None


def balance_part(
    scenario: Scenario, revenue: pd.DataFrame | None, plan: MediumTermPlan | None = None
) -> BalancePart | None:
    """The budget by year; None without an expenditure or balance part, or a `plan`.

    The lines of a medium-term plan without clearance stand for the needs where the scenario
    has no balance of its own.
    """
    spec = scenario.spec
    spent = spec.expenditure is not None and spec.expenditure.planned
    if revenue is None or not (spent or spec.balance is not None or plan is not None):
        return None
    ahead = revenue[revenue["kind"] == "forecast"]
    frame = pd.DataFrame({"year": ahead["year"], "revenue_wan": ahead["scenario_wan"]})
    frame = frame.reset_index(drop=True)
    notes: tuple[Text, ...] = ()
    if spent:
        frame["expenditure_wan"] = _expenditure(scenario, frame["year"].tolist())
        frame["self_sufficiency_pct"] = frame["revenue_wan"] / frame["expenditure_wan"] * 100
        notes = _livelihood(spec, frame)
    if spec.balance is None and plan is not None:
        left = _of_plan(plan, frame)
    elif spec.balance is None:
        no_need = [] if scenario.unfilled else [say("scenario.no_need")]
        return BalancePart(frame, None, (*notes, *no_need), None)
    else:
        left, said = _available(scenario, spec.balance, frame)
        notes = (*notes, *said)
    years, short = frame["year"].tolist(), float(frame["shortfall_wan"].sum())
    values = {"first": years[0], "last": years[-1], "total": float(left)}
    answer = say("scenario.available", **values)
    if short > 0:
        answer = say("scenario.available_short", **values, short=short)
    return BalancePart(frame, left, notes, answer)


def expenditure_of(scenario: Scenario, year: int) -> float | None:
    """Expenditure that the scenario gives for a year, 万元; None where it gives none."""
    plan = scenario.spec.expenditure
    if plan is None or plan.amount_wan is None:
        return None
    if isinstance(plan.amount_wan, dict):
        return plan.amount_wan.get(year)
    try:
        return _amounts(scenario, "expenditure.amount_wan", plan.amount_wan, [year])[0]
    except InputError:
        return None  # said with the balance, if it is one of its years


def _expenditure(scenario: Scenario, years: list[int]) -> list[float]:
    plan = scenario.spec.expenditure
    assert plan is not None
    if plan.amount_wan is not None and not isinstance(plan.amount_wan, dict):
        return _amounts(scenario, "expenditure.amount_wan", plan.amount_wan, years)
    return expenditure_path(plan, years)


def expenditure_path(spec: ExpenditureSpec, years: list[int]) -> list[float]:
    """Expenditure of each year, 万元.

    Raises
    ------
    InputError
        If a year has neither an amount nor a growth rate.

    Examples
    --------
    >>> plan = ExpenditureSpec(base_year=2020, base_wan=846000.0, growth_pct=1.24, source="plan")
    >>> round(expenditure_path(plan, [2024, 2025])[1] / 1e4, 2)
    89.98
    """
    if isinstance(spec.amount_wan, dict):
        missing = [y for y in years if y not in spec.amount_wan]
        if missing:
            raise InputError("expenditure.amount_wan", "scenario.no_amount_for", year=missing[0])
        return [spec.amount_wan[y] for y in years]
    assert spec.base_year is not None
    assert spec.base_wan is not None
    level, made = spec.base_wan, {}
    for year in range(spec.base_year + 1, max(years) + 1):
        rate = spec.growth_pct.get(year) if isinstance(spec.growth_pct, dict) else spec.growth_pct
        if rate is None:
            raise InputError("expenditure.growth_pct", "scenario.no_growth_for", year=year)
        level *= 1 + rate / 100
        made[year] = level
    early = [y for y in years if y not in made]
    if early:
        raise InputError("expenditure.base_year", "scenario.base_too_late", year=early[0])
    return [made[y] for y in years]


def _livelihood(spec: ScenarioSpec, frame: pd.DataFrame) -> tuple[Text, ...]:
    plan = spec.expenditure
    if plan is None or plan.livelihood_base_wan is None or not plan.base_wan:
        return ()
    entry = policy.in_force("livelihood_share_floor", spec.as_of, region=spec.region)
    if entry is None:
        return ()
    floor = float(entry.value)
    frame["livelihood_floor_wan"] = frame["expenditure_wan"] * floor / 100
    above = plan.livelihood_base_wan - plan.base_wan * floor / 100
    key = "scenario.livelihood_above" if above >= 0 else "scenario.livelihood_below"
    share = plan.livelihood_base_wan / plan.base_wan * 100
    return (say(key, year=plan.base_year, share=share, floor=floor, amount=abs(above)),)


def _of_plan(plan: MediumTermPlan, frame: pd.DataFrame) -> ClearanceResources:
    """The needs are the plan's lines: those of 三保, and the rest as commitments."""
    table = plan.table.set_index("year")
    resources = frame["year"].map(table["resources_wan"])
    guaranteed = plan.lines["sanbao_part"].ne("")
    sanbao = plan.lines[guaranteed].groupby("year")["amount_wan"].sum()
    frame["transfers_wan"] = resources - frame["revenue_wan"]
    frame["other_resources_wan"] = 0.0
    frame["sanbao_need_wan"] = frame["year"].map(sanbao).fillna(0.0)
    frame["statutory_debt_service_wan"] = 0.0
    spent = frame["year"].map(table["expenditure_wan"])
    frame["other_commitments_wan"] = spent - frame["sanbao_need_wan"]
    return left_of(frame)


def _available(
    scenario: Scenario, spec: BalanceSpec, frame: pd.DataFrame
) -> tuple[ClearanceResources, tuple[Text, ...]]:
    """What is left, and what is told of spending that is no need before clearance.

    What the budget spends elsewhere is not there for clearance: it counts as committed as far
    as there is money, unless the scenario confirms that it is cut.
    """
    years = frame["year"].tolist()
    for column in COLUMNS:
        frame[column] = stated(scenario, column, years)
    left = left_of(frame)
    needs = left["resources_wan"] - left["available_wan"] + left["shortfall_wan"]
    beyond = frame.get("expenditure_wan", needs) - needs
    if not (beyond > 0).any():
        return left, ()
    reason = scenario.spec.confirmed.get(SPENDING_CUT)
    worst = int(beyond.to_numpy().argmax())
    spent, resources = (
        float(x.iloc[worst]) for x in (frame["expenditure_wan"], left["resources_wan"])
    )
    values = {
        "year": years[worst], "spent": spent, "needs": spent - float(beyond.iloc[worst]),
        "beyond": float(beyond.iloc[worst]), "left": max(resources - spent, 0.0),
    }  # fmt: skip
    if reason is not None:
        return left, (say("scenario.beyond_cut", **values, reason=reason),)
    said = say("scenario.beyond_taken", **values, key=SPENDING_CUT)
    return left_of(frame, spent_first=True), (said,)


def spends_first(scenario: Scenario) -> bool:
    """Whether what the budget spends beyond its needs is not there for clearance."""
    return scenario.spec.balance is not None and SPENDING_CUT not in scenario.spec.confirmed


def stated(scenario: Scenario, column: str, years: list[int]) -> list[float]:
    """What the scenario states for one of `COLUMNS`; missing where its sheet is not filled in."""
    key = f"balance.{column}"
    if key in scenario.unfilled:
        return [float("nan")] * len(years)  # named in the notes as left out
    return _amounts(scenario, key, getattr(scenario.spec.balance, column), years)


def left_of(frame: pd.DataFrame, *, spent_first: bool = False) -> ClearanceResources:
    """What is left after the needs, also as columns of the frame.

    Parameters
    ----------
    frame
        Revenue, `COLUMNS` and perhaps expenditure by year.
    spent_first
        Whether spending beyond the needs is added to the commitments, as far as there is money.
    """
    given = frame.fillna(dict.fromkeys(COLUMNS, 0.0))
    resources = given["revenue_wan"] + given["transfers_wan"] + given["other_resources_wan"]
    left = available_for_clearance(
        resources.tolist(),
        given["sanbao_need_wan"].tolist(),
        given["statutory_debt_service_wan"].tolist(),
        other_commitments_wan=given["other_commitments_wan"].tolist(),
        periods=given["year"].tolist(),
    )
    if spent_first and "expenditure_wan" in frame:
        needs = left["resources_wan"] - left["available_wan"] + left["shortfall_wan"]
        beyond = np.maximum(frame["expenditure_wan"].to_numpy() - needs.to_numpy(), 0.0)
        taken = np.minimum(beyond, left["available_wan"].to_numpy())
        frame["other_commitments_wan"] = given["other_commitments_wan"] + taken
        return left_of(frame)
    for column in ("available_wan", "shortfall_wan"):
        frame[column] = left[column].astype(float).to_numpy()
    return left


def closed_budget(balance: pd.DataFrame, plan: Any, source: str | None) -> ClosedBudget | None:
    """The budget after what the plan takes from it; None where no need is given."""
    if "available_wan" not in balance:
        return None
    given = balance.fillna(0.0).set_index("year")
    money = given[["revenue_wan", "transfers_wan", "other_resources_wan"]].sum(axis=1)
    needs = given[["sanbao_need_wan", "statutory_debt_service_wan", "other_commitments_wan"]]
    due = _by_year(needs.sum(axis=1))
    if plan is None or not source:
        return close_chain(_by_year(money), due)
    mine = plan.by_source[plan.by_source["source_id"].eq(source)]
    mine = mine.set_index(mine["year"].astype(int))
    used, kept = _by_year(mine["used_wan"]), _by_year(mine["kept_wan"])
    return close_chain(_by_year(money), due, used, kept)


def _by_year(amounts: pd.Series[Any]) -> dict[int, float]:
    return {int(y): float(v) for y, v in zip(amounts.index, amounts, strict=True)}


def resources_at(scenario: Scenario, year: int) -> float | None:
    """Own revenue, transfers and other resources of a year behind; None where one is not given."""
    spec = scenario.spec
    columns = ("transfers_wan", "other_resources_wan")
    if spec.balance is None or spec.revenue is None:
        return None
    if any(f"balance.{column}" in scenario.unfilled for column in columns):
        return None
    revenue = scenario.series("revenue.series", spec.revenue.series).values.dropna()
    own = [float(v) for period, v in zip(revenue.index, revenue, strict=True)
           if str(period) == str(year)]  # fmt: skip
    try:
        more = [
            _amounts(scenario, f"balance.{column}", getattr(spec.balance, column), [year])[0]
            for column in columns
        ]
    except InputError:
        return None
    return own[0] + sum(more) if own else None


def _amounts(scenario: Scenario, key: str, given: Any, years: list[int]) -> list[float]:
    """Amounts for each year; a year without one is an error unless nothing is given at all."""
    by_year: dict[int, float] = {}
    if isinstance(given, dict):
        by_year = dict(given)
    else:
        parts = []
        several = isinstance(given, list)
        named = {f"{key}.{i}": g for i, g in enumerate(given)} if several else {key: given}
        for place, series in named.items():
            values = scenario.series(place, series).values.dropna()
            parts.append(values.groupby([p.year for p in values.index]).last())
        total = sum(parts[1:], parts[0]).dropna()
        by_year = dict(zip(map(int, total.index.tolist()), total.tolist(), strict=True))
    missing = [y for y in years if y not in by_year] if by_year else []
    if missing or (not by_year and key == "balance.sanbao_need_wan"):
        year = missing[0] if missing else years[0]
        raise InputError(key, "scenario.no_amount_for", year=year)
    return [by_year.get(y, 0.0) for y in years]
