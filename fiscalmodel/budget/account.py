"""The budget's account 收支平衡表: two sides, what is carried over, and the figures stated.

Interest and issue cost stand inside expenditure, principal outside it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from fiscalmodel.display import GREEN, RED, Chart, Result, figure, scale, waterfall
from fiscalmodel.errors import Collector, InputError, did_you_mean
from fiscalmodel.findings import Finding, finding, to_frame
from fiscalmodel.words import Text, language, official, official_words, say

Scope = Literal["general", "fund"]
#: No line of any county's budget comes near; NaN and infinity lie outside too.
LARGEST_WAN = 1e12

#: Which side each line of ``account_line`` (``params/words/official.yaml``) stands on.
SIDES: dict[str, tuple[str, ...]] = {
    "resource": (
        "revenue", "transfers_from_above", "bond_proceeds", "opening_carry_over", "transfers_in",
        "stabilisation_fund_drawn", "interregional_in",
    ),
    "use": (
        "expenditure", "remitted_up", "principal_repaid", "stabilisation_fund_filled",
        "interregional_out", "transfers_out",
    ),
    "stated": ("total_resources", "total_uses", "carry_over", "net_surplus"),
    "part": ("tax_rebates", "general_transfers", "special_transfers"),
}  # fmt: skip
_SIDE = {name: side for side, names in SIDES.items() for name in names}
#: Lines that the fund budget does not have.
_GENERAL_ONLY = (
    "stabilisation_fund_drawn", "stabilisation_fund_filled", "interregional_in",
    "interregional_out",
)  # fmt: skip


@dataclass(frozen=True, repr=False)
class BudgetBalance(Result):
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
    def findings(self) -> pd.DataFrame:
        """`found` as a frame."""
        return to_frame(self.found)

    @property
    def closes(self) -> bool:
        """Whether every stated figure is met and the carry-over is not negative."""
        return not self.found

    @property
    def answer(self) -> Text:
        """Totals, and whether it closes."""
        return say(
            "budget.closes" if self.closes else "budget.closes_not",
            scope=_scope_name(self.scope), resources=self.resources_wan, uses=self.uses_wan,
            carry=self.carry_over_wan, **({} if self.closes else {"count": len(self.found)}),
        )  # fmt: skip

    def _named(self, lang: str | None = None) -> pd.DataFrame:
        words = official_words("account_line", lang or language())
        return self.table.assign(item=self.table["item"].map(words))

    @property
    def short(self) -> pd.DataFrame:
        """The lines by their official names."""
        return self._named()

    def plot(self, lang: str | None = None) -> Chart:
        """The account as a waterfall: resources, then uses, down to what is carried over."""
        divisor, unit = scale("万元", self.resources_wan)
        title = say("budget.chart_account", scope=_scope_name(self.scope))
        made, axis, lang = figure(title, lang, unit=unit)
        rows = self._named(lang)
        signs = rows["side"].map({"resource": 1, "use": -1})
        amounts = [*(rows["amount_wan"] * signs / divisor), self.carry_over_wan / divisor]
        names = [*rows["item"], official_words("account_line", lang)["carry_over"]]
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
        ``general`` 一般公共预算 or ``fund`` 政府性基金.
    tolerance_wan
        Largest difference that the rounding of printed 万元 explains.

    Raises
    ------
    InputError
        For unknown lines, missing or negative amounts, or a line given twice.

    Notes
    -----
    General: 收入 + 补助 + 债券转贷 + 上年结余 + 调入 + 动用稳定基金 + 区域间收入 =
    支出 + 上解 + 债务还本 + 安排稳定基金 + 区域间支出 + 调出 + 结转下年.

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
        where, side = f"items[{word}]", sides[_SIDE[line]]
        if line in side:
            found.add(where, "budget.line_twice", text=line)
        elif not isinstance(amount, int | float | np.number) or not abs(amount) < LARGEST_WAN:
            found.add(where, "budget.no_amount", value=amount)
        elif amount < 0 and line not in ("carry_over", "net_surplus"):
            found.add(where, "budget.negative_amount", value=amount)
        else:
            side[line] = float(amount)
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


def line_of(word: str, scope: Scope = "general", *, where: str = "items") -> str:
    """The line that an English name or a published Chinese heading means.

    Raises
    ------
    InputError
        If the line is unknown, or does not exist in this budget.

    >>> line_of("其中:返还性收入")
    'tax_rebates'
    """
    text = str(word).strip().removeprefix("其中").lstrip(":：").strip()
    line = official("account_line", text)
    if line is None:
        known = [*official_words("account_line"), *official_words("account_line", "zh").values()]
        near = did_you_mean(text, known, cutoff=0.5)
        raise InputError(where, "budget.unknown_line", near, text=word)
    if scope == "fund" and line in _GENERAL_ONLY:
        raise InputError(where, "budget.line_of_other_budget", text=word, scope=_scope_name(scope))
    return line


def _scope(word: str) -> Scope:
    code = official("budget_scope", word)
    if code is None:
        raise InputError("scope", "budget.unknown_scope", text=word)
    return "general" if code == "general" else "fund"


def _scope_name(scope: Scope) -> Text:
    return Text(*(official_words("budget_scope", lang)[scope] for lang in ("zh", "en")))


def _check(
    sides: Mapping[str, Mapping[str, float]],
    resources: float,
    uses: float,
    carry: float,
    tolerance: float,
) -> Iterator[Finding]:
    computed = {"total_resources": resources, "total_uses": uses, "carry_over": carry}
    stated = dict(sides["stated"])
    if len(sides["part"]) == len(SIDES["part"]) and "transfers_from_above" in sides["resource"]:
        stated["transfers_from_above"] = sides["resource"]["transfers_from_above"]
        computed["transfers_from_above"] = math.fsum(sides["part"].values())
    for name, value in computed.items():
        if name in stated and abs(stated[name] - value) > tolerance:
            yield finding(
                "budget_identity", name, stated=stated[name], computed=value, tolerance=tolerance,
                said=say("budget.sums_differ"),
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
