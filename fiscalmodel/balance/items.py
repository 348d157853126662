"""The lines of a budget's account 收支平衡表: which side each stands on, and its official names."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Literal

from fiscalmodel.errors import InputError

Scope = Literal["general", "fund"]
Side = Literal["resource", "use", "stated", "part"]

#: Budget -> words that mean it.
SCOPES: dict[str, tuple[str, ...]] = {
    "general": ("一般公共预算", "gpb", "general_public_budget"),
    "fund": ("政府性基金", "政府性基金预算", "fund_budget"),
}


@dataclass(frozen=True)
class Item:
    """One line: name, side, and the Chinese headings it is published under."""

    name: str
    side: Side
    zh: tuple[str, ...]
    scopes: tuple[str, ...] = ("general", "fund")


ITEMS: tuple[Item, ...] = (
    Item(
        "revenue", "resource", ("一般公共预算收入", "政府性基金收入", "政府性基金预算收入", "收入")
    ),
    Item("transfers_from_above", "resource", ("上级补助收入", "补助", "上级补助", "转移性收入")),
    Item(
        "bond_proceeds",
        "resource",
        (
            "一般债券转贷",
            "地方政府一般债券转贷收入",
            "一般债券转贷收入",
            "专项债券转贷收入",
            "专项债转贷",
            "地方政府专项债券转贷收入",
            "债务转贷收入",
        ),
    ),
    Item("opening_carry_over", "resource", ("上年结余", "上年结转", "上年结余收入")),
    Item("transfers_in", "resource", ("调入资金", "调入")),
    Item(
        "stabilisation_fund_drawn",
        "resource",
        ("动用预算稳定调节基金", "动用稳定基金", "调入预算稳定调节基金"),
        ("general",),
    ),
    Item("interregional_in", "resource", ("区域间转移性收入",), ("general",)),
    Item(
        "expenditure",
        "use",
        ("一般公共预算支出", "政府性基金支出", "政府性基金预算支出", "支出"),
    ),
    Item("remitted_up", "use", ("上解上级支出", "上解", "上解支出")),
    Item(
        "principal_repaid",
        "use",
        ("债务还本支出", "债务还本", "一般债务还本支出", "专项债务还本支出", "专项债务还本"),
    ),
    Item(
        "stabilisation_fund_filled",
        "use",
        ("安排预算稳定调节基金", "安排稳定基金", "补充预算稳定调节基金"),
        ("general",),
    ),
    Item("interregional_out", "use", ("区域间转移性支出",), ("general",)),
    Item("transfers_out", "use", ("调出资金", "调出")),
    Item("total_resources", "stated", ("收入总计", "收入合计")),
    Item("total_uses", "stated", ("支出总计", "支出合计")),
    Item("carry_over", "stated", ("结转下年", "年终结转", "年终结余", "结转下年支出", "结转结余")),
    Item("net_surplus", "stated", ("净结余",)),
    Item("tax_rebates", "part", ("返还性收入", "返还")),
    Item("general_transfers", "part", ("一般性转移支付收入", "一般性")),
    Item("special_transfers", "part", ("专项补助收入", "专项转移支付收入", "专项")),
)
_BY_WORD = {word: item for item in ITEMS for word in (item.name, *item.zh)}


def scope_of(word: str) -> Scope:
    """The canonical budget: ``general`` 一般公共预算 or ``fund`` 政府性基金."""
    text = str(word).strip().lower()
    if text == "general" or text in SCOPES["general"]:
        return "general"
    if text == "fund" or text in SCOPES["fund"]:
        return "fund"
    raise InputError("scope", f"unknown budget {word!r}", "use 'general' or 'fund'")


def item_of(word: str, scope: Scope, *, where: str = "items") -> Item:
    """The line that an English name or a published Chinese heading means.

    Raises
    ------
    InputError
        If the line is unknown, or does not exist in this budget.

    >>> item_of("其中:返还性收入", "general").name
    'tax_rebates'
    """
    text = str(word).strip().removeprefix("其中").lstrip(":：").strip()
    item = _BY_WORD.get(text)
    if item is None:
        near = difflib.get_close_matches(text, _BY_WORD, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}?" if near else "see fiscalmodel.balance_items.ITEMS"
        raise InputError(where, f"unknown line {word!r}", hint)
    if scope not in item.scopes:
        hint = (
            "预算稳定调节基金 exists in the general public budget only (财预〔2018〕35号, art. 2)"
            if "stabilisation" in item.name
            else ""
        )
        raise InputError(where, f"{word!r} does not exist in the {scope} budget", hint)
    return item
