"""Kinds of funding source, and sources without a name."""

from __future__ import annotations

import re

#: Kinds of source that shocks and levers act on, by words in the category.
KINDS: dict[str, tuple[str, ...]] = {
    "disposal": ("dispos", "asset", "equity", "资产", "处置", "股权", "变现"),
    "land": (
        "land",
        "土地",
        "government_fund",
        "government fund",
        "fund_budget",
        "fund budget",
        "政府性基金",
    ),
    "transfer": ("transfer", "转移支付", "上级补助"),
    "project": ("project", "operating", "项目", "经营"),
    "fiscal": ("fiscal", "budget", "idle", "财政", "一般公共预算", "超收", "盘活"),
}
_NAMELESS = re.compile(
    r"(其他|其它)(资金|来源|收入|渠道|方式)?|others?([ _-]*(funds?|sources?|income|revenue|money))?"
    r"|misc(ellaneous)?|待定|未定|tbd|unknown|unnamed",
    re.IGNORECASE,
)


def nameless(text: str) -> bool:
    """Whether a source is only called "other"."""
    return not text.strip() or _NAMELESS.fullmatch(text.strip()) is not None


def kind_of(category: str) -> str:
    """Kind of a source from its category; ``named`` where none is recognised."""
    low = category.lower()
    return next((kind for kind, words in KINDS.items() if any(w in low for w in words)), "named")
