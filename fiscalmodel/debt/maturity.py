"""When statutory debt falls due 到期高峰, and how far it is refinanced 再融资依赖."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pandas as pd

from fiscalmodel.debt.cashflow import amortise
from fiscalmodel.debt.ledger import FEN_PER_WAN, Ledger
from fiscalmodel.debt.schedule import to_date
from fiscalmodel.errors import Collector, InputError
from fiscalmodel.findings import finding
from fiscalmodel.series.findings import Finding


def payments(bonds: Ledger, *, as_of: Any, day_count: str = "ACT/ACT") -> pd.DataFrame:
    """Every payment after a day, bond by bond, in whole 分.

    Parameters
    ----------
    bonds
        Statutory bonds; ``amount_wan`` is the balance outstanding on `as_of`.
    as_of
        Payments on later days are listed.
    day_count
        Day count of all bonds; local-government bonds accrue ``ACT/ACT``.

    Returns
    -------
    DataFrame
        ``bond_code, type, date, interest_fen, principal_fen``.

    Notes
    -----
    A bond that repays on several days is laid out from its start; the payments
    after `as_of` are then scaled to the balance outstanding.
    """
    day = pd.Timestamp(to_date(as_of, where="as_of"))
    frames = []
    for row in bonds.table.to_dict("records"):
        if row["maturity"] is None or pd.Timestamp(row["maturity"]) <= day:
            continue
        if row["repayment"] == "custom":
            raise InputError(
                f"bonds, {row['bond_code']}",
                "custom repayment has no dates here",
                "enter one row a repayment date, each as a bullet bond",
            )
        plan = amortise(
            100.0, row["rate_pct"], start=row["start"], maturity=row["maturity"],
            method=row["repayment"], frequency=row["frequency"], day_count=day_count,
        )  # fmt: skip
        ahead = plan[plan["date"] > day].reset_index(drop=True)
        scale = row["balance_fen"] / ahead["opening"].iloc[0]
        principal = (ahead["principal"] * scale).round().astype("int64")
        # The last payment takes what rounding left over.
        principal.iloc[-1] += row["balance_fen"] - int(principal.sum())
        frames.append(
            pd.DataFrame(
                {
                    "bond_code": row["bond_code"],
                    "type": row["type"],
                    "date": ahead["date"],
                    "interest_fen": (ahead["interest"] * scale).round().astype("int64"),
                    "principal_fen": principal,
                }
            )
        )
    columns = ["bond_code", "type", "date", "interest_fen", "principal_fen"]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=columns)


def maturity_wall(
    bonds: Ledger, *, as_of: Any, last_year: int | None = None, day_count: str = "ACT/ACT"
) -> pd.DataFrame:
    """Principal and interest due by year and type, 万元.

    Returns
    -------
    DataFrame
        From the day after `as_of`: ``year, general_principal_wan, general_interest_wan,
        special_principal_wan, special_interest_wan, total_wan, share_pct`` with
        every year to the last; ``share_pct`` is the year's part of all principal.
    """
    due = payments(bonds, as_of=as_of, day_count=day_count)
    first = (to_date(as_of, where="as_of") + timedelta(days=1)).year
    years = pd.to_datetime(due["date"]).dt.year
    end = last_year or (int(years.max()) if len(due) else first)
    wall = pd.DataFrame({"year": range(first, end + 1)})
    for kind in ("general", "special"):
        for part in ("principal", "interest"):
            mine = due["type"].eq(kind)
            sums = due.loc[mine, f"{part}_fen"].groupby(years[mine]).sum()
            wall[f"{kind}_{part}_wan"] = [int(sums.get(y, 0)) / FEN_PER_WAN for y in wall["year"]]
    amounts = wall.columns.drop("year")
    wall["total_wan"] = wall[amounts].sum(axis=1)
    principal = wall["general_principal_wan"] + wall["special_principal_wan"]
    wall["share_pct"] = principal / (principal.sum() or 1.0) * 100
    return wall


def refinancing_dependence(frame: pd.DataFrame) -> tuple[pd.DataFrame, tuple[Finding, ...]]:
    """Refinancing bonds against maturities, for each type of debt.

    Parameters
    ----------
    frame
        One row a type (and year): ``type``, ``refinancing_wan``,
        ``principal_due_wan``, both not negative; further columns are kept.

    Returns
    -------
    table, findings
        The table with ``own_funds_wan`` (maturities paid without new bonds),
        ``excess_wan`` (bonds beyond maturities) and ``dependence_pct``, missing
        where nothing fell due; a finding for each excess, since it presumably
        replaced other debt and the page does not say so.

    Notes
    -----
    own funds = max(due − refinancing, 0), excess = max(refinancing − due, 0),
    so refinancing + own funds = due + excess.

    Source: check run on the debt of 沅陵县 for 2024: special 37,200 − 7,100 =
    30,100; general 53,000 − 52,950 = 50 from own funds.
    """
    found = Collector()
    for name in ("type", "refinancing_wan", "principal_due_wan"):
        if name not in frame:
            found.add("frame", f"column {name!r} is missing")
    found.raise_if_any()
    table = frame.reset_index(drop=True).copy()
    for name in ("refinancing_wan", "principal_due_wan"):
        table[name] = pd.to_numeric(frame[name], errors="coerce").to_numpy(float)
        for kind, value, raw in zip(table["type"], table[name], frame[name], strict=True):
            if not value >= 0:
                found.add(f"{name}[{kind}]", f"{raw!r} is missing or negative")
    found.raise_if_any()
    gap = table["refinancing_wan"] - table["principal_due_wan"]
    table["own_funds_wan"] = (-gap).clip(lower=0)
    table["excess_wan"] = gap.clip(lower=0)
    due = table["principal_due_wan"].where(table["principal_due_wan"] > 0)
    table["dependence_pct"] = (table["refinancing_wan"] - table["excess_wan"]) / due * 100
    notes = tuple(
        finding(
            "refinancing_above_maturities", str(kind), stated=float(due_), computed=float(bonds),
            severity="warning", en="refinancing bonds exceed what fell due: presumably they "
            "replaced other debt; ask what",
            zh="再融资债券大于到期本金，超出部分可能用于置换其他债务，需核实",
        )
        for kind, bonds, due_ in zip(
            table["type"], table["refinancing_wan"], table["principal_due_wan"], strict=True
        )
        if bonds > due_
    )  # fmt: skip
    return table, notes
