"""A budget's account 收支平衡表: two sides, what is carried over, and the figures stated.

Interest and issue cost stand inside expenditure, principal outside it. What does not close
is said with its amount and the likeliest cause; it is never plugged.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from fiscalmodel.display import GREEN, RED, Chart, Found, figure, named, scale, waterfall
from fiscalmodel.errors import Collector, InputError, did_you_mean
from fiscalmodel.findings import Finding, finding
from fiscalmodel.words import Text, official, official_name, official_words, say

Scope = Literal["general", "fund", "state_capital", "social_insurance"]
SCOPES: tuple[Scope, ...] = ("general", "fund", "state_capital", "social_insurance")
#: No line of any county's budget comes near; NaN and infinity lie outside too.
LARGEST_WAN = 1e12

#: Which side each line of ``account_line`` (``params/words/official.yaml``) stands on. Within a
#: side the order is that in which a missing line is looked for: usual ones first.
SIDES: dict[str, tuple[str, ...]] = {
    "resource": (
        "revenue", "transfers_from_above", "opening_carry_over", "bond_proceeds", "transfers_in",
        "stabilisation_fund_drawn", "remitted_from_below", "interregional_in",
    ),
    "use": (
        "expenditure", "remitted_up", "principal_repaid", "transfers_out",
        "stabilisation_fund_filled", "transfers_down", "bonds_on_lent", "interregional_out",
        "working_capital_added",
    ),
    "stated": ("total_resources", "total_uses", "carry_over", "net_surplus", "year_result"),
    "heading": ("transfer_income", "transfer_outlays"),
    "part": (
        "tax_rebates", "general_transfers", "special_transfers", "tax_rebates_down",
        "general_transfers_down", "special_transfers_down",
    ),
}  # fmt: skip
SIDE_OF = {name: side for side, names in SIDES.items() for name in names}
#: Line -> the lines that it consists of, where they are printed.
PARTS: dict[str, tuple[str, ...]] = {
    "transfers_from_above": ("tax_rebates", "general_transfers", "special_transfers"),
    "transfers_down": ("tax_rebates_down", "general_transfers_down", "special_transfers_down"),
}
#: Heading -> the lines that it may hold; tables differ in which of them stand under it.
_UNDER: dict[str, tuple[str, ...]] = {
    "transfer_income": SIDES["resource"][1:],
    "transfer_outlays": (*(n for n in SIDES["use"] if n != "expenditure"), "carry_over"),
}
#: Lines that may be below nought: balances, and working capital that is given back.
_SIGNED = ("carry_over", "net_surplus", "year_result", "working_capital_added")
#: Lines that only the general public budget has.
_GENERAL_ONLY = (
    "stabilisation_fund_drawn", "stabilisation_fund_filled", "interregional_in",
    "interregional_out", "working_capital_added",
)  # fmt: skip
#: 社会保险基金 prints its own income and outlays as 收入合计, 支出合计.
_SOCIAL = {"total_resources": "revenue", "total_uses": "expenditure"}


@dataclass(frozen=True, repr=False)
class BudgetBalance(Found):
    """One closed account, 万元.

    Attributes
    ----------
    table
        ``item, side, amount_wan``, resources before uses.
    resources_wan, uses_wan
        Sums of the two sides 收入总计, 支出总计.
    carry_over_wan
        Difference 结转下年; negative where the account does not cover its uses.
    found
        Where a stated figure is not the computed one; published tables are
        never mended.
    """

    scope: Scope
    table: pd.DataFrame
    resources_wan: float
    uses_wan: float
    carry_over_wan: float
    found: tuple[Finding, ...] = ()

    @property
    def misfit_wan(self) -> float:
        """The largest difference between a stated and a computed figure; 0 where it closes."""
        gaps = [f.difference if f.difference is not None else f.computed for f in self.found]
        return max((float(g) for g in gaps if g is not None), key=abs, default=0.0)

    @property
    def closes(self) -> bool:
        """Whether every stated figure is met and the carry-over is not negative."""
        return not self.found

    @property
    def answer(self) -> Text:
        """Totals, and whether it closes."""
        return say(
            "budget.closes" if self.closes else "budget.closes_not",
            scope=official_name("budget_scope", self.scope),
            resources=self.resources_wan, uses=self.uses_wan,
            carry=self.carry_over_wan, **({} if self.closes else {"count": len(self.found)}),
        )  # fmt: skip

    @property
    def short(self) -> pd.DataFrame:
        """The lines by their official names."""
        return named(self.table, item="account_line")

    def plot(self, lang: str | None = None) -> Chart:
        """The account as a waterfall: resources, then uses, down to what is carried over."""
        divisor, unit = scale("万元", self.resources_wan)
        title = say("budget.chart_account", scope=official_name("budget_scope", self.scope))
        made, axis, lang = figure(title, lang, unit=unit)
        rows = named(self.table, lang, item="account_line")
        signs = rows["side"].map({"resource": 1, "use": -1})
        amounts = [*(rows["amount_wan"] * signs / divisor), self.carry_over_wan / divisor]
        names = [*rows["item"], official_name("account_line", "carry_over")(lang)]
        waterfall(axis, names, amounts, [False] * len(rows) + [True], rise=GREEN, fall=RED)
        return Chart(made, self.answer(lang))


def close_balance(
    items: Mapping[str, float], *, scope: str = "general", tolerance_wan: float = 0.5
) -> BudgetBalance:
    """Close a budget's account and check it against the figures stated.

    Parameters
    ----------
    items
        Line -> amount in 万元; English names or the published Chinese headings
        (``account_line`` of ``params/words/official.yaml``). Totals and 其中 lines are
        checked where they are given. A line that is absent is no such money.
    scope
        ``general`` 一般公共预算, ``fund`` 政府性基金, ``state_capital`` 国有资本经营预算 or
        ``social_insurance`` 社会保险基金.
    tolerance_wan
        Largest difference that the rounding of printed 万元 explains.

    Raises
    ------
    InputError
        For unknown lines, missing or negative amounts, or a line given twice.

    Notes
    -----
    General: 收入 + 补助 + 债券转贷 + 上年结余 + 调入 + 动用稳定基金 + 区域间收入 + 下级上解 =
    支出 + 上解 + 债务还本 + 安排稳定基金 + 区域间支出 + 调出 + 补助下级 + 债务转贷 +
    补充预算周转金 + 结转下年. 支出总计 may be printed with or without what is carried over;
    a heading 转移性收入 or 转移性支出 must hold lines that stand under it, and is not added.

    Source: the final account of 甘谷县 for 2024, which closes on 451,227.

    Examples
    --------
    >>> close_balance({"收入": 100, "补助": 20, "支出": 110}).carry_over_wan
    10.0
    """
    if not isinstance(items, Mapping):
        raise InputError("items", "budget.not_a_table", kind=type(items).__name__)
    name = _scope(scope)
    found = Collector()
    sides: dict[str, dict[str, float]] = {side: {} for side in SIDES}
    for word, amount in items.items():
        try:
            line = line_of(word, name)
        except InputError as error:
            found.extend(error)
            continue
        where, side = f"items[{word}]", sides[SIDE_OF[line]]
        if line in side:
            found.add(where, "budget.line_twice", text=line)
        elif not isinstance(amount, int | float | np.number) or not abs(amount) < LARGEST_WAN:
            found.add(where, "budget.no_amount", value=amount)
        elif amount < 0 and line not in _SIGNED:
            found.add(where, "budget.negative_amount", value=amount)
        else:
            side[line] = float(amount)
    _wholes(sides)
    if not found.problems and "revenue" not in sides["resource"]:
        found.add("items", "budget.no_revenue")
    if not found.problems and "expenditure" not in sides["use"]:
        found.add("items", "budget.no_expenditure")
    found.raise_if_any()
    resources, uses = math.fsum(sides["resource"].values()), math.fsum(sides["use"].values())
    rows = [(k, s, v) for s in ("resource", "use") for k, v in sides[s].items()]
    carry = resources - uses
    return BudgetBalance(
        name,
        pd.DataFrame(rows, columns=["item", "side", "amount_wan"]),
        resources,
        uses,
        carry,
        tuple(_check(sides, resources, uses, carry, tolerance_wan)),
    )


def _wholes(sides: Mapping[str, dict[str, float]]) -> None:
    """Lines that a table prints by their parts alone, or as a heading alone, filled in."""
    for whole, parts in PARTS.items():
        side = sides[SIDE_OF[whole]]
        given = [sides["part"][name] for name in parts if name in sides["part"]]
        if given and whole not in side:
            side[whole] = math.fsum(given)
    resource, heading = sides["resource"], sides["heading"]
    if "transfer_income" in heading and "transfers_from_above" not in resource:
        held = [resource[n] for n in _UNDER["transfer_income"] if n in resource]
        alone = not any(math.isclose(s, heading["transfer_income"]) for s in _sums(held))
        if alone:
            # Other lines stand beside the heading: it is the superior's transfers by itself.
            resource["transfers_from_above"] = heading["transfer_income"]


def _sums(values: list[float]) -> list[float]:
    """Sums of every choice of the values; of nothing there is none."""
    made = [0.0]
    for value in values:
        made += [value + other for other in made]
    return made[1:]


def line_of(word: str, scope: Scope = "general", *, where: str = "items") -> str:
    """The line that an English name or a published Chinese heading means.

    Raises
    ------
    InputError
        If the line is unknown, or does not exist in this budget.

    >>> line_of("其中:返还性收入")
    'tax_rebates'
    """
    line = known_line(word, scope)
    if line is None:
        known = [*official_words("account_line"), *official_words("account_line", "zh").values()]
        near = did_you_mean(_stripped(word), known, cutoff=0.5)
        raise InputError(where, "budget.unknown_line", near, text=word)
    if scope == "fund" and line in _GENERAL_ONLY:
        raise InputError(where, "budget.line_of_other_budget", text=word,
                         scope=official_name("budget_scope", scope))  # fmt: skip
    return line


def known_line(word: object, scope: Scope = "general") -> str | None:
    """The line that a word means, whatever numbering or place stands before it; None if none.

    >>> known_line("（二）全市一般公共预算收入"), known_line("增值税")
    ('revenue', None)
    """
    text = _stripped(word)
    if any(own != scope and name in text for name, own in _OTHER_BUDGETS.items()):
        return None  # 国有资本经营收入 within the general budget is one of its items
    line = official("account_line", text) or official("account_line", _PLACE.sub("", text))
    summed = scope == "social_insurance" and text in ("收入合计", "支出合计")
    return _SOCIAL.get(line, line) if line and summed else line


#: Words that name one budget.
_OTHER_BUDGETS: Mapping[str, Scope] = {
    "政府性基金": "fund", "国有资本经营": "state_capital", "社会保险基金": "social_insurance",
    "一般公共预算": "general",
}  # fmt: skip
_NUMBERING = re.compile(
    r"^(?:[一二三四五六七八九十]+[、.．]|[(（][一二三四五六七八九十\d]+[)）]、?|\d+[、.．]|[①-⑳])"
)
_PLACE = re.compile(
    r"^(?:全[省市县区州旗]|[省市县区州旗]?本级|[市县区州旗]级|地方(?!政府))|[(（][^()（）]*[)）]$"
)


def _stripped(word: object) -> str:
    text = re.sub(r"\s+", "", str(word))
    text = _NUMBERING.sub("", text).removeprefix("其中").lstrip(":：")
    return _NUMBERING.sub("", text).rstrip(":：")


def _scope(word: str) -> Scope:
    code = official("budget_scope", word)
    if code is None:
        raise InputError("scope", "budget.unknown_scope", text=word)
    return next(scope for scope in SCOPES if scope == code)


def _check(
    sides: Mapping[str, Mapping[str, float]],
    resources: float,
    uses: float,
    carry: float,
    tolerance: float,
) -> Iterator[Finding]:
    stated = dict(sides["stated"])
    computed = {"total_resources": resources, "total_uses": uses, "carry_over": carry}
    total, over = stated.get("total_uses"), stated.get("carry_over")
    if total is not None and over is not None:
        # Some tables add what is carried over to their total of uses.
        computed["total_uses"] = min(uses, uses + over, key=lambda u: abs(total - u))
    if "year_result" in stated:
        computed["year_result"] = sides["resource"]["revenue"] - sides["use"]["expenditure"]
    for whole, parts in PARTS.items():
        side = sides[SIDE_OF[whole]]
        if all(name in sides["part"] for name in parts):
            stated[whole] = side[whole]
            computed[whole] = math.fsum(sides["part"][name] for name in parts)
    for name, value in computed.items():
        # A year's result is rounded, and so are the two figures that it comes from.
        slack = 3 * tolerance if name == "year_result" else tolerance
        if name in stated and abs(stated[name] - value) > slack:
            gap = stated[name] - value
            yield finding(
                "budget_identity", name, stated=stated[name], computed=value, tolerance=tolerance,
                said=say("budget.sums_differ", cause=_cause(name, gap, sides, tolerance)),
            )  # fmt: skip
    for name, value in sides["heading"].items():
        lines = {**sides["resource"], **sides["use"], **stated}
        held = [lines[n] for n in _UNDER[name] if n in lines]
        near = min(_sums(held) or [value], key=lambda s: abs(value - s))
        if abs(value - near) > tolerance:
            yield finding(
                "budget_heading", name, stated=value, computed=near, tolerance=tolerance,
                severity="warning", said=say("budget.heading_differs"),
            )  # fmt: skip
    if "net_surplus" in stated and stated["net_surplus"] > max(carry, 0) + tolerance:
        yield finding(
            "budget_identity", "net_surplus", stated=stated["net_surplus"], computed=carry,
            tolerance=tolerance, said=say("budget.surplus_outside"),
        )  # fmt: skip
    if carry < -tolerance:
        yield finding(
            "budget_identity", "carry_over", computed=carry, tolerance=tolerance,
            said=say("budget.uses_exceed"),
        )  # fmt: skip


def _cause(
    name: str, gap: float, sides: Mapping[str, Mapping[str, float]], tolerance: float
) -> Text:
    """The likeliest reason why a stated figure is not met, by the amount that is missing."""
    # What is carried over falls short when a use is missing as when a resource is too many.
    up = gap > 0
    side = "resource" if name == "total_resources" else "use"
    if name in ("carry_over", "year_result"):
        side, up = ("resource", True) if up else ("use", True)
    if name not in ("total_resources", "total_uses", "carry_over"):
        return say("budget.cause_parts")
    for line, amount in {**sides["resource"], **sides["use"]}.items():
        if amount and abs(abs(gap) - amount) <= tolerance:
            key = "budget.cause_same" if not up or SIDE_OF[line] != side else "budget.cause_twice"
            return say(key, line=official_name("account_line", line))
        if amount and abs(abs(gap) - 2 * amount) <= tolerance:
            return say("budget.cause_side", line=official_name("account_line", line))
    missing = [line for line in SIDES[side] if line not in sides[side]]
    if up and missing:
        return say(
            "budget.cause_missing",
            lines=[official_name("account_line", line) for line in missing[:2]],
        )
    return say("budget.cause_unknown")
