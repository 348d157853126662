"""The budget's account 收支平衡, the medium-term plan, and what is left for clearing debt.

The general public budget closes by itself: revenue, transfers, bond proceeds,
what was carried over and moved in on one side; expenditure, remittances,
principal and what is moved out on the other; the difference is carried over.
"""

from fiscalmodel.balance.account import BudgetBalance, budget_identity, close_balance
from fiscalmodel.balance.available import ClearanceResources, available_for_clearance

__all__ = [
    "BudgetBalance",
    "ClearanceResources",
    "available_for_clearance",
    "budget_identity",
    "close_balance",
]
