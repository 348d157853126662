"""From a clearance plan and the bonds to the debt of each year, ready for `risk_path`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from fiscalmodel.days import to_date
from fiscalmodel.debt.ledger import FEN_PER_WAN, Ledger
from fiscalmodel.debt.maturity import payments
from fiscalmodel.errors import Collector
from fiscalmodel.words import say

ByYear = Mapping[int, float]


def debt_outlook(
    balances: pd.DataFrame,
    bonds: Ledger,
    resources_wan: ByYear,
    *,
    as_of: Any,
    refinanced_pct: float = 100.0,
    refinancing_rate_pct: float = 0.0,
    further: Mapping[str, ByYear] | None = None,
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
        Comprehensive fiscal resources 综合财力 by year.
    as_of
        Day of the balances.
    refinanced_pct
        Part of maturing principal that is paid by new bonds of the same type;
        the rest is repaid from own funds.
    refinancing_rate_pct
        Rate of those new bonds, for the interest of the years after.
    further
        Columns of `risk_path` by year: limits, expenditure, …

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
    for name, by_year in {"resources_wan": resources_wan, **(further or {})}.items():
        for year in stock.index:
            if not math.isfinite(by_year.get(int(year), math.nan)):
                found.add(f"{name}[{year}]", "debt.amount_missing")
    if not 0 <= refinanced_pct <= 100:
        found.add("refinanced_pct", "debt.no_share", text=refinanced_pct)
    found.raise_if_any()
    due = payments(bonds, as_of=to_date(as_of, where="as_of"))
    due_year = pd.to_datetime(due["date"]).dt.year
    held = bonds.table.groupby("type")["balance_fen"].sum()
    left = {kind: int(held.get(kind, 0)) / FEN_PER_WAN for kind in ("general", "special")}
    renewed = {"general": 0.0, "special": 0.0}
    rows = []
    for year in map(int, stock.index):
        row: dict[str, Any] = {"year": year, "resources_wan": float(resources_wan[year])}
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
        row |= {name: float(by_year[year]) for name, by_year in (further or {}).items()}
        if paid is not None:
            row["hidden_interest_wan"] = float(paid[year])
        rows.append(row)
    outlook = pd.DataFrame(rows)
    outlook.attrs["notes"] = notes
    return outlook
