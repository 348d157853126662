"""The warning parts: 三保 and cash by month, the project pool, idle money."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from fiscalmodel.budget.affordability import Affordability, assess_affordability
from fiscalmodel.budget.cash import CashPlan, cash_plan
from fiscalmodel.budget.idle import IdleMoney, LikeForLikeCuts, idle_money, like_for_like_cuts
from fiscalmodel.budget.ranking import ProjectRanking, rank_projects
from fiscalmodel.budget.sanbao import SanbaoNeeds, sanbao_needs
from fiscalmodel.budget.scores import NextCeilings, next_ceilings
from fiscalmodel.budget.warning import CashWarning, cash_warning
from fiscalmodel.display import Result
from fiscalmodel.errors import InputError
from fiscalmodel.findings import Finding
from fiscalmodel.scenario.load import Scenario
from fiscalmodel.scenario.part_budget import PartResult, amounts_known
from fiscalmodel.scenario.schema import IdleSpec, ProjectsSpec, SanbaoSpec
from fiscalmodel.words import Text, say

#: Column of an assessment's base -> the amount of guardrails that it is.
OF_GUARDRAILS = {
    "debt_wan": "general_debt_wan", "debt_limit_wan": "general_limit_wan",
    "interest_wan": "general_interest_wan", "expenditure_wan": "expenditure_wan",
}  # fmt: skip


@dataclass(frozen=True, repr=False)
class SanbaoOutcome(Result):
    """The three guarantees of a scenario: ``needs``, and ``cash`` and ``warning`` where given."""

    needs: SanbaoNeeds
    cash: CashPlan | None = None
    warning: CashWarning | None = None

    @property
    def table(self) -> pd.DataFrame:
        """Cash by month, or the need by month and part."""
        return self.needs.table if self.cash is None else self.cash.table

    @property
    def short(self) -> pd.DataFrame:
        """What the last of its results shows."""
        return (self.cash or self.needs).short

    @property
    def answer(self) -> Text:
        """Whether each month is paid and what gives way, and the alarm; else need and budget."""
        if self.cash is None or self.warning is None:
            return self.needs.answer
        return Text.joined([self.cash.answer, self.warning.brief], zh="", en=" ")

    def tables(self) -> dict[str, pd.DataFrame]:
        """Frames beside the main one, by name."""
        made = {"sanbao_coverage": self.needs.coverage}
        if self.cash is not None and self.warning is not None:
            made |= {"cash_by_kind": self.cash.by_kind, "cash_payments": self.cash.payments,
                     "cash_warning": self.warning.table}  # fmt: skip
        return made


@dataclass(frozen=True, repr=False)
class ProjectsOutcome(Result):
    """The project pool: ``ranking``, and ``affordability`` and ``ceilings`` where given."""

    ranking: ProjectRanking
    affordability: Affordability | None = None
    ceilings: NextCeilings | None = None

    @property
    def table(self) -> pd.DataFrame:
        """The projects in order, decided."""
        return self.ranking.table

    @property
    def short(self) -> pd.DataFrame:
        """The order with decision, price and reason."""
        return self.ranking.short

    @property
    def answer(self) -> Text:
        """What is chosen, and whether the project that is assessed can be borne."""
        parts = (self.ranking, self.affordability)
        return Text.joined([p.answer for p in parts if p is not None], zh="", en=" ")

    def tables(self) -> dict[str, pd.DataFrame]:
        """Frames beside the main one, by name."""
        made = {"projects_by_year": self.ranking.by_year}
        if self.affordability is not None:
            made["affordability"] = self.affordability.table
            made["affordability_breaks"] = self.affordability.breaks
        if self.ceilings is not None:
            made["next_ceilings"] = self.ceilings.table
        return made


@dataclass(frozen=True, repr=False)
class IdleOutcome(Result):
    """Idle ``money`` with advances, and ``cuts`` like for like where given."""

    money: IdleMoney
    cuts: LikeForLikeCuts | None = None

    @property
    def table(self) -> pd.DataFrame:
        """Each sum of idle money."""
        return self.money.table

    @property
    def short(self) -> pd.DataFrame:
        """Amounts by kind and age."""
        return self.money.short

    @property
    def answer(self) -> Text:
        """What returns, and what advances cost."""
        return self.money.answer

    def tables(self) -> dict[str, pd.DataFrame]:
        """Frames beside the main one, by name."""
        made = {"idle_digestion": self.money.digestion}
        return made if self.cuts is None else made | {"cuts": self.cuts.table}


def sanbao_part(scenario: Scenario, spec: SanbaoSpec, found: Mapping[str, Any]) -> PartResult:
    """The three guarantees and cash by month."""
    tables = scenario.tables("sanbao")
    needs = sanbao_needs(tables["months"])
    claims = [*_claims(needs, found)]
    needs = replace(needs, found=(*needs.found, *claims))
    said = tuple(claim.said for claim in claims)
    if "cash" not in tables or "flows" not in tables:
        made = SanbaoOutcome(needs)
        return PartResult(made, said, made.answer)
    plan = cash_plan(
        needs, tables["flows"], tables["cash"], hold_months=spec.hold_months,
        keep_wan=spec.keep_wan,
    )  # fmt: skip
    made = SanbaoOutcome(needs, plan, cash_warning(plan, seed=scenario.spec.seed))
    return PartResult(made, said, made.answer)


def _claims(needs: SanbaoNeeds, found: Mapping[str, Any]) -> Iterator[Finding]:
    """Where the balance or the plan's lines state another need of a year than the months."""
    balance, plan = found.get("balance"), found.get("medium_term")
    if balance is not None and "sanbao_need_wan" in balance:
        yield from needs.against(balance.set_index("year"), say("warning.in_balance"))
    if plan is not None:
        lines = plan.lines[plan.lines["sanbao_part"].ne("")]
        sums = lines.pivot_table("amount_wan", "year", "sanbao_part", "sum")
        stated = sums.rename(columns=lambda part: f"{part}_need_wan")
        yield from needs.against(stated, say("warning.in_plan"))


def projects_part(scenario: Scenario, spec: ProjectsSpec, found: Mapping[str, Any]) -> PartResult:
    """The project pool against its ceilings, one project against the balance."""
    tables, day = scenario.tables("projects"), scenario.spec.as_of
    ranking = rank_projects(
        tables["pool"], spec.ceiling_wan, class_ceilings=spec.class_ceilings_wan,
        phasing=spec.phasing, least_score=spec.least_score,
    )  # fmt: skip
    assessed = ceilings = None
    if "assess" in tables:
        assessed = assess_affordability(
            _base(found), tables["assess"], bond_rate_pct=spec.assess_bond_rate_pct,
            bond_years=spec.assess_bond_years, on=day,
        )  # fmt: skip
    if "executed" in tables:
        assert spec.least_execution_pct is not None
        assert spec.least_self_score is not None
        ceilings = next_ceilings(
            tables["executed"], least_execution_pct=spec.least_execution_pct,
            least_score=spec.least_self_score, on=day,
        )  # fmt: skip
    made = ProjectsOutcome(ranking, assessed, ceilings)
    return PartResult(made, answer=made.answer)


def _base(found: Mapping[str, Any]) -> pd.DataFrame:
    """The scenario's balance as the base of an assessment, with debt service and limits.

    The bonds that pay for a project are served by the general budget: they count against the
    general limit, and their interest against its expenditure.
    """
    balance: pd.DataFrame | None = found.get("balance")
    if balance is None or "sanbao_need_wan" not in balance:
        raise InputError("projects.assess", "warning.no_balance")
    given = balance.fillna(0.0)
    more = [c for c in ("revenue_wan", "transfers_wan", "other_resources_wan") if c in given]
    needs = ("sanbao_need_wan", "statutory_debt_service_wan", "other_commitments_wan")
    base = given[["year", *needs]].assign(resources_wan=given[more].sum(axis=1))
    closed = found.get("closed")
    if closed is not None and closed.connected:
        # What the plan takes for clearing debt is spoken for.
        paid = closed.table.set_index("year")["clearance_wan"]
        base["other_commitments_wan"] += base["year"].map(paid).fillna(0.0)
    rails = found.get("guardrails")
    known = amounts_known(found) if rails is None else rails.amounts.set_index("year")
    for name, column in OF_GUARDRAILS.items():
        if column in known and (values := base["year"].map(known[column])).notna().any():
            base[name] = values
    return base


def idle_part(scenario: Scenario, spec: IdleSpec, found: Mapping[str, Any]) -> PartResult:
    """Idle money and advances by age, cuts like for like."""
    tables, day = scenario.tables("idle"), scenario.spec.as_of
    money = idle_money(tables["funds"], on=day, years=spec.digestion_years)
    cuts = like_for_like_cuts(tables["cuts"]) if "cuts" in tables else None
    made = IdleOutcome(money, cuts)
    return PartResult(made, answer=made.answer)
