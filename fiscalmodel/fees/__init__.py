"""Commissions to the banks that collect non-tax revenue (非税代收手续费), exact to the 分."""

from fiscalmodel.fees.budget import (
    Appropriation,
    PayingAgentFee,
    accrual_and_cash,
    appropriation,
    implied_base,
    paying_agent_fee,
    programme_history,
    published_lines,
    published_revenue,
)
from fiscalmodel.fees.compare import reconcile_bank, reconcile_treasury
from fiscalmodel.fees.settle import commission
from fiscalmodel.fees.statement import CommissionStatement

__all__ = [
    "Appropriation",
    "CommissionStatement",
    "PayingAgentFee",
    "accrual_and_cash",
    "appropriation",
    "commission",
    "implied_base",
    "paying_agent_fee",
    "programme_history",
    "published_lines",
    "published_revenue",
    "reconcile_bank",
    "reconcile_treasury",
]
