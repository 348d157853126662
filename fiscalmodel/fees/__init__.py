"""Commissions to the banks that collect non-tax revenue (非税代收手续费), exact to the 分."""

from fiscalmodel.fees.budget import Appropriation, appropriation
from fiscalmodel.fees.page import settlement_page
from fiscalmodel.fees.paying_agent import PayingAgentFee, paying_agent_fee
from fiscalmodel.fees.programme import (
    accrual_and_cash,
    implied_base,
    programme_history,
    published_lines,
    published_revenue,
)
from fiscalmodel.fees.reconcile import reconcile_bank, reconcile_receipts, reconcile_treasury
from fiscalmodel.fees.settle import commission
from fiscalmodel.fees.statement import CommissionStatement
from fiscalmodel.fees.template import receipts_template
from fiscalmodel.fees.workbook import settlement_workbook

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
    "receipts_template",
    "reconcile_bank",
    "reconcile_receipts",
    "reconcile_treasury",
    "settlement_page",
    "settlement_workbook",
]
