"""Commissions to the banks that collect non-tax revenue (非税代收手续费), exact to the 分."""

from fiscalmodel.fees.settle import commission
from fiscalmodel.fees.statement import CommissionStatement

__all__ = ["CommissionStatement", "commission"]
