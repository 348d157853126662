"""Kinds of revenue that are forecast in a way of their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fiscalmodel.errors import InputError, did_you_mean, known_names
from fiscalmodel.revenue.combine import REVENUE_SHARES, SHARES
from fiscalmodel.series.calibre import CalibreLink
from fiscalmodel.series.types import Series


@dataclass(frozen=True)
class Kind:
    """How a kind of revenue is forecast.

    Attributes
    ----------
    name
        As it is given to `forecast`; empty for series of any other kind.
    shares
        Share of each yearly candidate in the forecast.
    fades
        Whether the pooled model's share falls with the years ahead.
    shrink
        Share of the last value in the forecast.
    widening
        Factor on the bands.
    """

    name: str = ""
    shares: Mapping[str, float] = field(default_factory=lambda: SHARES)
    fades: bool = False
    shrink: float = 0.0
    widening: float = 1.0


PLAIN = Kind()
#: General public budget revenue (一般公共预算收入).
REVENUE = Kind("revenue", REVENUE_SHARES, fades=True)
#: One tax: as the revenue that it is part of.
TAX = Kind("tax", REVENUE_SHARES, fades=True)
#: Land-sale (土地出让) and other fund revenue. On the provinces' fund revenue every trend made
#: things worse (errors of 22, 39 and 48 % one to three years ahead for the last value, 26, 53
#: and 76 % for the combination).
FUND = Kind("fund", shrink=0.9, widening=1.2)

KINDS: dict[str, Kind] = {"revenue": REVENUE, "tax": TAX, "land": FUND, "fund": FUND}

_FUND_WORDS = (
    "政府性基金", "基金收入", "土地出让", "国有土地", "土地收入", "卖地",
    "government_fund", "fund_revenue", "land_sale", "land sale", "land_revenue", "land revenue",
)  # fmt: skip
_BUDGET_WORDS = ("一般公共预算", "general_public_budget")
_REVENUE_WORDS = ("收入", "税", "revenue", "tax")
_TAX_WORDS = (
    "增值税", "所得税", "城市维护建设税", "城建税", "契税", "房产税", "资源税", "印花税",
    "环境保护税", "土地使用税", "耕地占用税", "车船税", "烟叶税", "消费税", "营业税", "税收收入",
    "tax_revenue", "vat", "income_tax", "deed_tax", "stamp_tax", "property_tax", "resource_tax",
)  # fmt: skip
#: Not own revenue: what is spent or owed, and what comes from above or from bonds.
_NOT_REVENUE = (
    "支出", "expenditure", "uses", "转移支付", "补助", "返还", "转贷", "债券", "结转", "结余",
    "transfer", "tax_return", "onlending", "bond", "carry_over", "债务", "还本", "付息",
    "debt", "principal", "interest",
)  # fmt: skip


def kind_of(y: Any, kind: str | None = None) -> Kind:
    """The kind asked for, or found from the name: a `Series`, what it is linked from, or text.

    Raises
    ------
    InputError
        A kind that is not known.
    """
    if kind is not None:
        if isinstance(kind, str) and kind in KINDS:
            return KINDS[kind]
        hint = did_you_mean(str(kind), KINDS) or known_names(KINDS)
        raise InputError("kind", "revenue.no_kind", hint, kind=kind)
    if isinstance(y, CalibreLink):
        y = y.source
    if isinstance(y, Series):
        y = f"{y.budget_scope} {y.indicator} {y.series_id}"
    if not isinstance(y, str):
        return PLAIN
    text = y.lower()
    if any(word in text for word in _NOT_REVENUE):
        return PLAIN
    if any(word in text for word in _FUND_WORDS):
        return FUND
    if any(word in text for word in _TAX_WORDS):
        return TAX
    named = all(any(w in text for w in words) for words in (_BUDGET_WORDS, _REVENUE_WORDS))
    return REVENUE if named else PLAIN
