"""Name of a candidate -> (English, Chinese)."""

from fiscalmodel.revenue.models import TITLES

__all__ = ["TITLES"]
