"""Debt of each year from a plan and the bonds, ready for `risk_path`; why its ratio moves."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from fiscalmodel.days import to_date
from fiscalmodel.debt.dynamics import PATHS, debt_path
from fiscalmodel.debt.ledger import FEN_PER_WAN, Ledger
from fiscalmodel.debt.maturity import payments
from fiscalmodel.errors import Collector, InputError
from fiscalmodel.words import say

ByYear = Mapping[int, float]


def debt_outlook(
    balances: pd.DataFrame,
    bonds: Ledger,
    resources_wan: ByYear | None,
    *,
    as_of: Any,
    refinanced_pct: float = 100.0,
    refinancing_rate_pct: float = 0.0,
    further: Mapping[str, ByYear] | None = None,
    opening_hidden_wan: float | None = None,
) -> pd.DataFrame:
    """General, special and hidden debt with its interest, by year.

    Parameters
    ----------
    balances
        The plan's closing balances: ``period, hidden_wan, replaced_wan`` and
        where known ``interest_wan``, ``bond_interest_wan``, ``by_contract_wan``,
        ``by_contract_interest_wan``; any period that begins with its year.
    bonds
        Statutory bonds outstanding on `as_of`.
    resources_wan
        Comprehensive fiscal resources 综合财力 by year; None where they are not known.
    as_of
        Day of the balances.
    refinanced_pct
        Part of maturing principal that is paid by new bonds of the same type;
        the rest is repaid from own funds.
    refinancing_rate_pct
        Rate of those new bonds, for the interest of the years after.
    further
        Columns of `risk_path` by year: limits, expenditure, …
    opening_hidden_wan
        Hidden debt on `as_of`: then the first row is that day's year end, where its
        resources are known.

    Returns
    -------
    DataFrame
        One row a year of the plan: ``year, resources_wan, general_wan,
        special_wan, hidden_wan, general_interest_wan, special_interest_wan,
        principal_due_wan``, ``hidden_interest_wan`` where known, and the
        further columns. ``attrs["notes"]`` says where debt that stays by
        contract is in ``hidden_wan`` and its interest, not being given, is not
        in ``hidden_interest_wan``.

    Notes
    -----
    special = opening + replacement − maturities not refinanced; a replacement
    bond raises special debt by what it takes from hidden debt. Debt that stays
    by contract counts as hidden. No new bonds for projects are assumed: add
    them as contracts of the bond ledger.
    """
    years = balances["period"].astype(str).str[:4].astype(int)
    yearly = balances.groupby(years)
    stock = yearly["hidden_wan"].last() + (
        yearly["by_contract_wan"].last() if "by_contract_wan" in balances else 0.0
    )
    replaced = yearly["replaced_wan"].sum()
    service = yearly["bond_interest_wan"].sum() if "bond_interest_wan" in balances else None
    paid = yearly["interest_wan"].sum() if "interest_wan" in balances else None
    notes: tuple[str, ...] = ()
    if paid is not None and "by_contract_interest_wan" in balances:
        paid = paid + yearly["by_contract_interest_wan"].sum()
    elif paid is not None and "by_contract_wan" in balances and balances["by_contract_wan"].any():
        notes = (str(say("debt.outlook.interest_unknown")),)
    found = Collector()
    known = {} if resources_wan is None else {"resources_wan": resources_wan}
    known |= further or {}
    for name, by_year in known.items():
        # Limits are set year by year: those of later years are not known yet.
        for year in () if name.endswith("_limit_wan") else stock.index:
            if not math.isfinite(by_year.get(int(year), math.nan)):
                found.add(f"{name}[{year}]", "debt.amount_missing")
    if not 0 <= refinanced_pct <= 100:
        found.add("refinanced_pct", "debt.no_share", text=refinanced_pct)
    found.raise_if_any()
    due = payments(bonds, as_of=to_date(as_of, where="as_of"))
    due_year = pd.to_datetime(due["date"]).dt.year
    left = {kind: bonds.of(kind) for kind in ("general", "special")}
    renewed = {"general": 0.0, "special": 0.0}
    rows = []
    day = to_date(as_of, where="as_of")
    before = day.year if day.day != 1 else (day - dt.timedelta(days=1)).year
    now = math.nan if resources_wan is None else resources_wan.get(before, math.nan)
    if opening_hidden_wan is not None and now == now and before not in stock.index:
        rows.append({
            "year": before, "resources_wan": float(now),
            "general_wan": left["general"], "special_wan": left["special"],
            "hidden_wan": float(opening_hidden_wan),
        })  # fmt: skip
    for year in map(int, stock.index):
        row: dict[str, Any] = {"year": year}
        matured = 0.0
        for kind in ("general", "special"):
            mine = due["type"].eq(kind) & due_year.eq(year)
            principal = int(due.loc[mine, "principal_fen"].sum()) / FEN_PER_WAN
            interest = int(due.loc[mine, "interest_fen"].sum()) / FEN_PER_WAN
            row[f"{kind}_interest_wan"] = interest + renewed[kind] * refinancing_rate_pct / 100
            left[kind] -= principal * (1 - refinanced_pct / 100)
            renewed[kind] += principal * refinanced_pct / 100
            matured += principal
        left["special"] += float(replaced[year])
        if service is not None:
            row["special_interest_wan"] += float(service[year])
        row |= {"general_wan": left["general"], "special_wan": left["special"]}
        row |= {"hidden_wan": float(stock[year]), "principal_due_wan": matured}
        row |= {name: float(by_year[year]) for name, by_year in known.items()}
        if paid is not None:
            row["hidden_interest_wan"] = float(paid[year])
        rows.append(row)
    outlook = pd.DataFrame(rows)
    outlook.attrs["notes"] = notes
    return outlook


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
    years, opening = terms["year"].tolist(), float(terms["opening_pct"].iloc[0])
    return debt_path(opening, **{name: terms[name].to_numpy() for name in PATHS[:3]}, years=years)
