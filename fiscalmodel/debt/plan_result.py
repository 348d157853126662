"""What a clearance plan returns: tables, totals, the reason where there is no plan."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import pandas as pd

from fiscalmodel.debt.plan_input import PlanInput
from fiscalmodel.debt.plan_lp import Solution
from fiscalmodel.debt.plan_model import Problem
from fiscalmodel.debt.plan_path import Path
from fiscalmodel.debt.plan_tally import binding_table, contract_table, price_table, source_table

if TYPE_CHECKING:
    from fiscalmodel.debt.plan_levers import Lever


@dataclass(frozen=True)
class ClearancePlan:
    """A plan that clears hidden debt (隐性债务), or the reason why there is none.

    Money in 万元. Cash moves on the last day of a period.

    Attributes
    ----------
    status
        ``optimal`` (least cost, proven), ``feasible`` (a rule's plan that
        keeps every term) or ``infeasible``.
    schedule
        ``period, contract_id, source_id, amount_wan, use``; use is interest,
        fee, principal or replacement. Only money that is there.
    balances
        ``period, hidden_wan, statutory_wan, by_contract_wan, total_wan,
        interest_wan, bond_interest_wan, principal_wan, replaced_wan``: closing
        balances and flows. Total = hidden + statutory + by contract, since
        replacement (置换) converts debt and does not reduce it. Where there is
        no plan, what happens without the missing money: it stays owed and
        bears interest, which stays owed too.
    shortfall
        ``period, contract_id, amount_wan, use, reason``: the smallest sum of
        money that is needed besides the sources, the period by which it is
        needed (later it would have to be more, by the interest it saves), and
        the contracts it falls on; ``reason`` is money, or terms where the
        contract may not be repaid in time at all. By a rule or a given plan:
        what that plan lacks.
    by_contract
        Debt that stays beyond the deadline by contract, reported separately.
    """

    status: str
    rule: str
    schedule: pd.DataFrame
    balances: pd.DataFrame
    shortfall: pd.DataFrame
    by_contract: pd.DataFrame
    interest_wan: float
    fee_wan: float
    replacement_pv_wan: float
    bond_interest_wan: float
    baseline_interest_wan: float
    opening_wan: float
    notes: tuple[str, ...]
    notes_zh: tuple[str, ...]
    solver_seconds: float
    given: PlanInput = field(repr=False, compare=False)
    problem: Problem = field(repr=False, compare=False)
    path: Path = field(repr=False, compare=False)
    solved: Solution | None = field(repr=False, compare=False)

    @property
    def cost_wan(self) -> float:
        """Interest (and early-repayment fees) to the deadline + present value of bond service.

        Not a number where there is no plan.
        """
        if self.status == "infeasible":
            return float("nan")
        return self.interest_wan + self.fee_wan + self.replacement_pv_wan

    @property
    def interest_saved_wan(self) -> float:
        """Interest of the contracts as agreed, less the plan's, less that of the new bonds.

        All of it to the deadline (bonds bear interest beyond it). What is
        replaced would otherwise have stayed at its old rate; an extension
        (展期) costs interest, so the saving can be negative.
        """
        return self.baseline_interest_wan - self.interest_wan - self.bond_interest_wan

    @property
    def shortfall_wan(self) -> float:
        """Money that is needed besides the sources in all; 0 where the plan holds."""
        return float(self.shortfall["amount_wan"].sum())

    @property
    def as_of(self) -> dt.date:
        """Day of the opening balances."""
        return self.given.as_of

    @property
    def deadline(self) -> dt.date:
        """Day by which hidden debt is to be 0."""
        return self.given.deadline

    @property
    def cleared_on(self) -> dt.date | None:
        """Last day of the period in which hidden debt reaches 0; None if it does not."""
        if self.status == "infeasible":
            return None
        left = self.balances["hidden_wan"].to_numpy() > 0
        k = int(left.nonzero()[0][-1]) + 1 if left.any() else 0
        return self.problem.grid.ends[k] if k < len(left) else None

    @property
    def binding_period(self) -> str | None:
        """The period in which one more 万元 of money would save most; None if none would."""
        rows = self.binding[self.binding["kind"] == "source"]
        if rows.empty:
            return None
        return str(rows["period"].iloc[int(rows["saving_wan"].to_numpy().argmax())])

    @cached_property
    def contracts(self) -> pd.DataFrame:
        """Roll-forward of each contract.

        ``period, contract_id, opening_wan, interest_wan, unpaid_interest_wan,
        principal_wan, replaced_wan, closing_wan``: opening + unpaid interest −
        principal − replaced = closing.
        """
        return contract_table(self.problem, self.path, self.shortfall)

    @cached_property
    def sources(self) -> pd.DataFrame:
        """Money by period: ``period, source_id, available_wan, used_wan, kept_wan``."""
        return source_table(self.problem, self.path)

    @cached_property
    def shadow_prices(self) -> pd.DataFrame:
        """``kind, name, period, saving_wan``; empty unless this is a least-cost plan.

        What one more 万元 of a source's cap (before its haircut) or of a quota
        would save. With minimum instalments: as long as the same ones apply.
        """
        return price_table(self.problem, self.solved)

    @cached_property
    def binding(self) -> pd.DataFrame:
        """``kind, name, period, saving_wan``: what holds the plan back.

        With the saving per 万元 of relief; kind is source, quota or due (a
        contract that would better be paid later).
        """
        return binding_table(self.problem, self.solved)

    @cached_property
    def levers(self) -> pd.DataFrame:
        """What would close the gap, each alone; empty where there is no gap.

        Columns ``lever, amount, unit, closes, detail``; see
        `fiscalmodel.debt.plan_levers.levers`.
        """
        return self.lever_table("en")

    def lever_table(self, lang: str = "zh") -> pd.DataFrame:
        """The levers with units and details in Chinese or English (``en``)."""
        from fiscalmodel.debt.plan_levers import lever_table

        return lever_table(self._levers, lang)

    @cached_property
    def _levers(self) -> tuple[Lever, ...]:
        from fiscalmodel.debt.plan_levers import levers

        return levers(self)

    @cached_property
    def targets(self) -> pd.DataFrame:
        """Smallest even effort, latest start, earliest clearance: ``target, value, unit``."""
        from fiscalmodel.debt.plan_targets import targets

        return targets(self)

    @cached_property
    def break_points(self) -> pd.DataFrame:
        """The shock at which the plan just fails; see `fiscalmodel.debt.breakpoints`."""
        from fiscalmodel.debt.breakpoints import break_points_of

        return break_points_of(self.given, self.problem, {})

    def sentence(self, lang: str = "zh") -> str:
        """The answer in one sentence, Chinese or English (``en``).

        Raises
        ------
        InputError
            For any other language.
        """
        from fiscalmodel.debt.plan_words import sentence

        return sentence(self, lang)
