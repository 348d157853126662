"""A county's published debt of one year: limit, balance, refinancing, by type of debt."""

from __future__ import annotations

import pandas as pd

from fiscalmodel.debt.maturity import refinancing_dependence
from fiscalmodel.errors import Collector
from fiscalmodel.findings import Finding, finding
from fiscalmodel.words import say

ITEMS = ("limit", "balance", "new_bonds", "refinancing_bonds", "principal_due", "interest_due")


def published_debt(frame: pd.DataFrame) -> tuple[pd.DataFrame, tuple[Finding, ...]]:
    """Check a published table of general and special debt.

    Parameters
    ----------
    frame
        Long: ``debt_type`` (general, special), ``item`` (`ITEMS`), ``value``
        in 万元; one year of one county.

    Returns
    -------
    table, findings
        One row a type: ``type, limit_wan, balance_wan, headroom_wan,
        new_wan, refinancing_wan, principal_due_wan, own_funds_wan,
        excess_wan, dependence_pct, interest_wan``; findings where a balance is
        above its limit, or refinancing above what fell due. Published tables
        are reported, never mended.

    Raises
    ------
    InputError
        For an item that is missing or stands twice, all at once.
    """
    found = Collector()
    for kind, rows in frame.groupby("debt_type", sort=False):
        for item in ITEMS:
            values = rows.loc[rows["item"].eq(item), "value"]
            if len(values) != 1 or values.isna().any():
                found.add(f"{kind}.{item}", "debt.outlook.not_one", count=int(values.count()))
    found.raise_if_any()
    wide = frame.pivot_table(index="debt_type", columns="item", values="value").rename_axis(
        index="type", columns=None
    )
    table, notes = refinancing_dependence(
        pd.DataFrame(
            {
                "type": wide.index,
                "limit_wan": wide["limit"].to_numpy(),
                "balance_wan": wide["balance"].to_numpy(),
                "headroom_wan": (wide["limit"] - wide["balance"]).to_numpy(),
                "new_wan": wide["new_bonds"].to_numpy(),
                "refinancing_wan": wide["refinancing_bonds"].to_numpy(),
                "principal_due_wan": wide["principal_due"].to_numpy(),
                "interest_wan": wide["interest_due"].to_numpy(),
            }
        )
    )
    over = tuple(
        finding(
            "debt_limit", str(kind), stated=float(limit), computed=float(balance),
            said=say("debt.above_limit", kind=say(f"debt.{kind}")),
        )
        for kind, limit, balance in zip(
            table["type"], table["limit_wan"], table["balance_wan"], strict=True
        )
        if balance > limit
    )  # fmt: skip
    return table, (*over, *notes)
