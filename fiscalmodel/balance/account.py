"""The budget's account 收支平衡表: two sides, what is carried over, and the figures stated.

Interest and issue cost stand inside expenditure, principal outside it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from fiscalmodel.balance.items import Scope, item_of, scope_of
from fiscalmodel.errors import Collector, InputError
from fiscalmodel.findings import finding
from fiscalmodel.series.findings import Finding, to_frame

#: No line of any county's budget comes near; NaN and infinity lie outside too.
LARGEST_WAN = 1e12


@dataclass(frozen=True)
class BudgetBalance:
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


def close_balance(
    items: Mapping[str, float], *, scope: str = "general", tolerance_wan: float = 0.5
) -> BudgetBalance:
    """Close a budget's account and check it against the figures stated.

    Parameters
    ----------
    items
        Line -> amount in 万元; English names or the published Chinese headings
        (see `fiscalmodel.balance_items`). Totals and 其中 lines are checked
        where they are given. A line that is absent is no such money.
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
        raise InputError("items", f"{type(items).__name__} is no table", "pass line -> amount")
    name = scope_of(scope)
    found = Collector()
    sides: dict[str, dict[str, float]] = {"resource": {}, "use": {}, "stated": {}, "part": {}}
    for word, amount in items.items():
        try:
            item = item_of(word, name)
        except InputError as error:
            found.extend(error)
            continue
        if item.name in sides[item.side]:
            found.add(f"items[{word}]", f"the line {item.name} is given twice", "keep one")
        elif not isinstance(amount, int | float | np.number) or not abs(amount) < LARGEST_WAN:
            found.add(
                f"items[{word}]", f"amount {amount!r} is missing or no number", "leave it out"
            )
        elif amount < 0 and item.name not in ("carry_over", "net_surplus"):
            found.add(
                f"items[{word}]", f"amount {amount:g} is negative", "use the other side's line"
            )
        else:
            sides[item.side][item.name] = float(amount)
    if not found.problems and "revenue" not in sides["resource"]:
        found.add("items", "the revenue line is missing", "give 收入 (revenue)")
    if not found.problems and "expenditure" not in sides["use"]:
        found.add("items", "the expenditure line is missing", "give 支出 (expenditure)")
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


def _check(
    sides: Mapping[str, Mapping[str, float]],
    resources: float,
    uses: float,
    carry: float,
    tolerance: float,
) -> Iterator[Finding]:
    computed = {"total_resources": resources, "total_uses": uses, "carry_over": carry}
    stated = dict(sides["stated"])
    parts = sides["part"]
    if len(parts) == 3 and "transfers_from_above" in sides["resource"]:
        stated["transfers_from_above"] = sides["resource"]["transfers_from_above"]
        computed["transfers_from_above"] = math.fsum(parts.values())
    for name, value in computed.items():
        if name in stated and abs(stated[name] - value) > tolerance:
            yield finding(
                "budget_identity", name, stated=stated[name], computed=value, tolerance=tolerance,
                en="the lines do not add up to it",
                zh="分项合计与列示数不符",
            )  # fmt: skip
    if "net_surplus" in stated and stated["net_surplus"] > max(carry, 0) + tolerance:
        yield finding(
            "budget_identity", "net_surplus", stated=stated["net_surplus"], computed=carry,
            tolerance=tolerance, en="净结余 is a part of the carry-over",
            zh="净结余应包含在结转下年之内",
        )  # fmt: skip
    if carry < -tolerance:
        yield finding(
            "budget_identity", "carry_over", computed=carry, tolerance=tolerance,
            en="uses exceed resources",
            zh="收不抵支",
        )  # fmt: skip


def budget_identity(
    items: Mapping[str, float], *, scope: str = "general", tolerance_wan: float = 0.5
) -> pd.DataFrame:
    """Findings of `close_balance`: empty where the account closes as stated."""
    return close_balance(items, scope=scope, tolerance_wan=tolerance_wan).findings
