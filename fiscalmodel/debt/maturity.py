"""When statutory debt falls due 到期高峰, and how far it is refinanced 再融资依赖."""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from fiscalmodel.days import to_date
from fiscalmodel.debt.cashflow import amortise
from fiscalmodel.debt.ledger import FEN_PER_WAN, Ledger, above_limit
from fiscalmodel.errors import Collector, InputError
from fiscalmodel.findings import Finding, finding
from fiscalmodel.tables.records import TableLike, read_records
from fiscalmodel.words import say


def payments(
    ledger: Ledger, *, as_of: Any, day_count: str = "ACT/ACT", custom: TableLike | None = None
) -> pd.DataFrame:
    """Every contractual payment after a day, in whole 分.

    Parameters
    ----------
    ledger
        Statutory bonds or hidden debt; the balance is what is outstanding on
        `as_of`.
    as_of
        Payments on later days are listed.
    day_count
        Day count of all rows; local-government bonds accrue ``ACT/ACT``.
    custom
        Principal dates of rows with ``custom`` repayment: the id, ``date``,
        ``principal_wan``; those after `as_of` add up to the balance.

    Returns
    -------
    DataFrame
        The id, ``type`` (``general``, ``special`` or ``hidden``), ``date,
        interest_fen, principal_fen``.

    Raises
    ------
    InputError
        Where custom repayment has no dates, or they miss the balance.

    Notes
    -----
    A row that repays on several days is laid out from its start; the payments
    after `as_of` are then scaled to the balance outstanding. What is overdue
    has no payment ahead.
    """
    day = to_date(as_of, where="as_of")
    dates = _custom_dates(ledger, custom, day)
    found, rows, parts = Collector(), [], []
    for row in ledger.table.to_dict("records"):
        if row["maturity"] is None or row["maturity"] <= day or row["balance_fen"] == 0:
            continue
        name = str(row[ledger.key])
        with found.catch():
            part = _ahead(
                name, int(row["balance_fen"]), row["rate_pct"], row["start"], row["maturity"],
                row["repayment"], row["frequency"] or "year", day, day_count,
                tuple(dates.get(name, ())),
            )  # fmt: skip
            rows += [(name, row.get("type", "hidden"))] * len(part[0])
            parts.append(part)
    found.raise_if_any()
    columns = [ledger.key, "type", "date", "interest_fen", "principal_fen"]
    if not parts:
        return pd.DataFrame(columns=columns)
    named = pd.DataFrame(rows, columns=columns[:2])
    amounts = zip(columns[2:], map(np.concatenate, zip(*parts, strict=True)), strict=True)
    return named.assign(**dict(amounts))


def _custom_dates(
    ledger: Ledger, custom: TableLike | None, day: date
) -> dict[str, list[tuple[date, float]]]:
    columns = (ledger.key, "date", "principal_wan")
    table = read_records(custom, name="custom", columns=columns)
    dates: dict[str, list[tuple[date, float]]] = {}
    for row in table if table.need(*columns) else ():
        when, wan = row.day("date"), row.wan("principal_wan")
        if when is not None and when > day:
            dates.setdefault(row.text(ledger.key), []).append((when, wan))
    table.done()
    return dates


@lru_cache(maxsize=5_000)
def _ahead(
    name: str, balance: int, rate_pct: float, start: Any, maturity: date, method: str,
    frequency: Any, day: date, day_count: str, dates: tuple[tuple[date, float], ...],
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
    """Days, interest and principal in 分 of one row after the day; nobody changes them."""
    if method == "custom":
        if not dates:
            raise InputError(name, "debt.custom_needs_dates")
        # What was repaid before the day is no business of the payments ahead.
        amount, given = balance / FEN_PER_WAN, dates
    else:
        amount, given = 100.0, None
    plan = amortise(
        amount, rate_pct, start=start, maturity=maturity, method=method, frequency=frequency,
        day_count=day_count, principal_dates=given,
    )  # fmt: skip
    left = plan[plan["date"] > pd.Timestamp(day)]
    scale = balance / left["opening"].iloc[0]
    principal, interest = (
        (left[part] * scale).round().astype("int64").to_numpy(copy=True)
        for part in ("principal", "interest")
    )
    # The last payment takes what rounding left over.
    principal[-1] += balance - int(principal.sum())
    return left["date"].to_numpy(), interest, principal


def maturity_wall(
    bonds: Ledger,
    *,
    as_of: Any,
    last_year: int | None = None,
    day_count: str = "ACT/ACT",
    custom: TableLike | None = None,
) -> pd.DataFrame:
    """Principal and interest of statutory bonds due by year and type, 万元; see `payments`.

    Returns
    -------
    DataFrame
        From the day after `as_of`: ``year, general_principal_wan, general_interest_wan,
        special_principal_wan, special_interest_wan, total_wan, share_pct`` with
        every year to the last; ``share_pct`` is the year's part of all principal.
    """
    due = payments(bonds, as_of=as_of, day_count=day_count, custom=custom)
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


#: What a published table of debt states of each type -> column of the checked table.
ITEMS = {
    "limit": "limit_wan", "balance": "balance_wan", "new_bonds": "new_wan",
    "refinancing_bonds": "refinancing_wan", "principal_due": "principal_due_wan",
    "interest_due": "interest_wan",
}  # fmt: skip


def published_debt(frame: pd.DataFrame) -> tuple[pd.DataFrame, tuple[Finding, ...]]:
    """Check a published table of general and special debt.

    Parameters
    ----------
    frame
        Long: ``debt_type`` (general, special), ``item`` (`ITEMS`), ``value``
        in 万元, none negative; one year of one county.

    Returns
    -------
    table, findings
        One row a type: ``type, limit_wan, balance_wan, headroom_wan,
        new_wan, refinancing_wan, principal_due_wan, own_funds_wan`` (maturities paid
        without new bonds), ``excess_wan`` (bonds beyond maturities), ``dependence_pct``
        (missing where nothing fell due), ``interest_wan``; findings where a balance is
        above its limit, or refinancing above what fell due, since it presumably replaced
        other debt and the page does not say so. Published tables are reported, never
        mended.

    Raises
    ------
    InputError
        For an item that is missing, negative or stands twice, all at once.

    Notes
    -----
    own funds = max(due − refinancing, 0), excess = max(refinancing − due, 0),
    so refinancing + own funds = due + excess.

    Source: check run on the debt of 沅陵县 for 2024: special 37,200 − 7,100 =
    30,100; general 53,000 − 52,950 = 50 from own funds.
    """
    found = Collector()
    for kind, rows in frame.groupby("debt_type", sort=False):
        for item in ITEMS:
            values = pd.to_numeric(rows.loc[rows["item"].eq(item), "value"], errors="coerce")
            if len(values) != 1 or values.isna().any():
                found.add(f"{kind}.{item}", "debt.outlook.not_one", count=int(values.count()))
            elif values.iloc[0] < 0:
                found.add(f"{kind}.{item}", "debt.missing_or_negative", text=values.iloc[0])
    found.raise_if_any()
    wide = frame.pivot_table(index="debt_type", columns="item", values="value")[list(ITEMS)]
    table = wide.rename(columns=ITEMS).rename_axis(index="type", columns=None).reset_index()
    table.insert(3, "headroom_wan", table["limit_wan"] - table["balance_wan"])
    gap = table["refinancing_wan"] - table["principal_due_wan"]
    table["own_funds_wan"] = (-gap).clip(lower=0)
    table["excess_wan"] = gap.clip(lower=0)
    due = table["principal_due_wan"].where(table["principal_due_wan"] > 0)
    table["dependence_pct"] = (table["refinancing_wan"] - table["excess_wan"]) / due * 100
    above: list[Finding] = []
    beyond: list[Finding] = []
    for row in table.to_dict("records"):
        kind = str(row["type"])
        above += above_limit(kind, kind, float(row["limit_wan"]), float(row["balance_wan"]))
        if row["excess_wan"] > 0:
            beyond.append(finding(
                "refinancing_above_maturities", kind, stated=float(row["principal_due_wan"]),
                computed=float(row["refinancing_wan"]), severity="warning",
                said=say("debt.refinancing_above"),
            ))  # fmt: skip
    return table, (*above, *beyond)
