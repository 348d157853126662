"""Why the debt ratio moves: interest, growth of resources, and what is paid, by year."""

from __future__ import annotations

import pandas as pd

from fiscalmodel.debt.dynamics import debt_path
from fiscalmodel.debt.fan import stress_pack
from fiscalmodel.errors import InputError

_DEBT = ("general_wan", "special_wan", "hidden_wan")
_INTEREST = ("general_interest_wan", "special_interest_wan", "hidden_interest_wan")


def implied_terms(outlook: pd.DataFrame) -> pd.DataFrame:
    """Rate, growth and primary balance that an outlook implies, from its second year on.

    Parameters
    ----------
    outlook
        `fiscalmodel.debt.outlook.debt_outlook`: debt, interest and resources
        by year, at least two years.

    Returns
    -------
    DataFrame
        ``year, opening_pct, rate_pct, growth_pct, primary_balance_pct``.

    Notes
    -----
    rate = interest / debt of the year before; growth = growth of the
    resources; the primary balance is what the year paid on debt, principal and
    interest, over its resources: d·(1 + i)/(1 + g) − d'.
    """
    if len(outlook) < 2:
        raise InputError("outlook", "debt.outlook.two_years")
    missing = [c for c in (*_DEBT, *_INTEREST, "resources_wan") if c not in outlook]
    if missing:
        raise InputError("outlook", "ground.missing", name=missing[0])
    debt = outlook[list(_DEBT)].sum(axis=1).to_numpy()
    interest = outlook[list(_INTEREST)].sum(axis=1).to_numpy()
    resources = outlook["resources_wan"].to_numpy(float)
    ratio = debt / resources * 100
    rate = interest[1:] / debt[:-1]
    growth = resources[1:] / resources[:-1] - 1
    paid = ratio[:-1] * (1 + rate) / (1 + growth) - ratio[1:]
    return pd.DataFrame(
        {
            "year": outlook["year"].to_numpy()[1:],
            "opening_pct": ratio[:-1],
            "rate_pct": rate * 100,
            "growth_pct": growth * 100,
            "primary_balance_pct": paid,
        }
    )


def decomposition(outlook: pd.DataFrame) -> pd.DataFrame:
    """The debt ratio's change by year, in the columns of `fiscalmodel.debt_path`."""
    terms = implied_terms(outlook)
    return debt_path(
        float(terms["opening_pct"].iloc[0]), terms["primary_balance_pct"].tolist(),
        terms["rate_pct"].tolist(), terms["growth_pct"].tolist(), years=terms["year"].tolist(),
    )  # fmt: skip


def stressed(outlook: pd.DataFrame) -> pd.DataFrame:
    """The debt ratio under each standard shock: ``stress`` and one column a year, percent."""
    terms = implied_terms(outlook)
    pack = stress_pack(
        float(terms["opening_pct"].iloc[0]), terms["primary_balance_pct"].tolist(),
        terms["rate_pct"].tolist(), terms["growth_pct"].tolist(), years=terms["year"].tolist(),
    )  # fmt: skip
    wide = pack.pivot_table(index="stress", columns="year", values="closing", sort=False)
    wide.columns = wide.columns.astype(str)
    return wide.reset_index()
