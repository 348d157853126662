"""The budget's account 收支平衡, the medium-term plan, and what is left for clearing debt.

The general public budget closes by itself: revenue, transfers, bond proceeds,
what was carried over and moved in on one side; expenditure, remittances,
principal and what is moved out on the other; the difference is carried over.
"""

from fiscalmodel.balance.account import BudgetBalance, budget_identity, close_balance
from fiscalmodel.balance.available import ClearanceResources, available_for_clearance
from fiscalmodel.balance.guardrail_rules import Guardrails, check_guardrails, guardrails
from fiscalmodel.balance.medium_term import (
    MediumTermPlan,
    fund_carry_over_excess,
    medium_term_plan,
    surplus_use,
)

__all__ = [
    "BudgetBalance",
    "ClearanceResources",
    "Guardrails",
    "MediumTermPlan",
    "available_for_clearance",
    "budget_identity",
    "check_guardrails",
    "close_balance",
    "fund_carry_over_excess",
    "guardrails",
    "medium_term_plan",
    "surplus_use",
]
