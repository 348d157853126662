"""What the candidates are called, in English and in Chinese."""

from __future__ import annotations

from fiscalmodel.revenue.models import (
    CANDIDATES,
    CORE_NAME,
    CORE_TITLE,
    POOLED_NAME,
    POOLED_TITLE,
)
from fiscalmodel.revenue.seasonal_models import SEASONAL_TITLES

#: Name of a candidate -> (English, Chinese).
TITLES: dict[str, tuple[str, str]] = {
    **{candidate.name: (candidate.title, candidate.title_zh) for candidate in CANDIDATES},
    CORE_NAME: CORE_TITLE,
    POOLED_NAME: POOLED_TITLE,
    **SEASONAL_TITLES,
}
