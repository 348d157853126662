"""A published programme beside the commissions: budgets, execution, accrual and cash."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction
from pathlib import Path

import pandas as pd

from fiscalmodel.errors import Collector, InputError
from fiscalmodel.fees.columns import parse_day
from fiscalmodel.fees.files import TableLike, open_table, records
from fiscalmodel.fees.money import PAYMENT_HEADERS, as_frame, read_payments
from fiscalmodel.fees.rates import RatesLike, rate_on, read_rates
from fiscalmodel.fees.statement import CommissionStatement
from fiscalmodel.paths import project_root
from fiscalmodel.units import convert

HISTORY_COLUMNS = [
    "year",
    "initial_budget_wan",
    "adjusted_budget_wan",
    "executed_wan",
    "executed_to",
    "commissions_wan",
    "of_initial_pct",
    "of_adjusted_pct",
]


def published_lines(path: str | Path | None = None) -> pd.DataFrame:
    """Lines of the treasury programme (国库业务、改革性工作经费) as printed.

    Returns
    -------
    DataFrame
        ``line, period, column, printed, unit, source, note``, in the order of
        the document.
    """
    file = project_root() / "data" / "commission_programme.csv" if path is None else Path(path)
    frame = pd.read_csv(file, dtype=str, keep_default_na=False)
    return frame[["line", "period", "column", "printed", "unit", "source", "note"]]


def programme_history(path: str | Path | None = None) -> pd.DataFrame:
    """Budget, execution and rate of the whole programme by year, 万元.

    The commissions are a part of it that is not stated before 2024.

    Returns
    -------
    DataFrame
        ``year, initial_budget_wan, adjusted_budget_wan, executed_wan,
        executed_to, commissions_wan, of_initial_pct, of_adjusted_pct``; what
        was not published is missing.
    """
    lines = published_lines(path)
    names = {
        "年初预算": "initial_budget_wan", "当年预算合计": "initial_budget_wan",
        "年中调整": "adjusted_budget_wan", "执行": "executed_wan", "1-7月执行": "executed_wan",
        "非税代收银行手续费用": "commissions_wan",
    }  # fmt: skip
    years: dict[int, dict[str, object]] = {}
    for line in lines.to_dict("records"):
        column = names.get(line["line"])
        if column is None:
            continue
        row = years.setdefault(int(line["period"][:4]), {})
        row[column] = float(line["printed"]) / (10_000 if line["unit"] == "元" else 1)
        if column == "executed_wan":
            row["executed_to"] = line["period"].split("/")[-1]
    frame = as_frame(
        [{"year": year, **row} for year, row in sorted(years.items())], HISTORY_COLUMNS
    )
    executed = frame["executed_wan"].astype(float)
    frame["of_initial_pct"] = executed / frame["initial_budget_wan"].astype(float) * 100
    frame["of_adjusted_pct"] = executed / frame["adjusted_budget_wan"].astype(float) * 100
    return frame


def published_revenue(path: str | Path) -> pd.DataFrame:
    """Fines and charges by year from a tidy table of series, for `appropriation`.

    Parameters
    ----------
    path
        CSV with ``indicator, period, value, unit, kind``, as in ``data/``;
        only actual values of ``fines`` and ``administrative_charges`` are used.

    Returns
    -------
    DataFrame
        ``kind, period, value_wan``.
    """
    file = Path(path)
    if not file.is_file():
        raise InputError(str(path), "no such file", "give a tidy table of series")
    frame = pd.read_csv(file, dtype=str, keep_default_na=False)
    kinds = {"fines": "fines", "administrative_charges": "charges"}
    frame = frame[frame["indicator"].isin(kinds) & frame["kind"].eq("actual")]
    units = {unit: convert(1.0, unit, "万元") for unit in frame["unit"].unique()}
    return pd.DataFrame({
        "kind": frame["indicator"].map(kinds), "period": frame["period"],
        "value_wan": frame["value"].astype(float) * frame["unit"].map(units),
    }).reset_index(drop=True)  # fmt: skip


def accrual_and_cash(
    statement: CommissionStatement, payments: TableLike, *, opening_fen: int = 0
) -> pd.DataFrame:
    """Commissions accrued on each year's base beside the cash paid in that year.

    Parameters
    ----------
    statement
        Any statement; its fees are added up by the year of their period.
    payments
        Payments with ``bank, amount, paid_on``.
    opening_fen
        Owed before the first year, 分.

    Returns
    -------
    DataFrame
        ``year, opening_fen, accrued_fen, paid_fen, closing_fen`` with opening +
        accrued − paid = closing. A payment without a date has no year and is
        refused.

    Raises
    ------
    InputError
        For payments without a date.
    """
    found = Collector()
    source = open_table(
        payments, name="payments", headers=PAYMENT_HEADERS, required=("bank", "paid_on")
    )
    days = []
    for row, record in records(source):
        day = parse_day(record.get("paid_on"))
        if day is None:
            found.add(source.place(row, "paid_on"), f"{record.get('paid_on')!r} is not a date", "")
        days.append(0 if day is None else day)
    found.raise_if_any()
    cash: dict[int, int] = {}
    for day, payment in zip(days, read_payments(payments, None), strict=True):
        year = pd.Timestamp(day, unit="D").year
        cash[year] = cash.get(year, 0) + payment.fen
    accrued: dict[int, int] = {}
    for period, fee in zip(statement.table["period"], statement.table["fee_fen"], strict=True):
        accrued[int(period[:4])] = accrued.get(int(period[:4]), 0) + int(fee)
    every = sorted({*cash, *accrued})
    rows, owed = [], opening_fen
    for year in range(every[0], every[-1] + 1):
        closing = owed + accrued.get(year, 0) - cash.get(year, 0)
        rows.append({"year": year, "opening_fen": owed, "accrued_fen": accrued.get(year, 0),
                     "paid_fen": cash.get(year, 0), "closing_fen": closing})  # fmt: skip
        owed = closing
    return as_frame(rows, ["year", "opening_fen", "accrued_fen", "paid_fen", "closing_fen"])


def implied_base(
    budget_wan: float,
    rates: RatesLike = None,
    *,
    on: str,
    shares: tuple[float, ...] = (0, 0.25, 0.5, 0.75, 1),
) -> pd.DataFrame:
    """The base that a budget for commissions implies, by the share of fines in it.

    Parameters
    ----------
    budget_wan
        Budget for commissions, 万元.
    on
        Day whose rates apply.
    shares
        Shares of fines in the base; the rest is charges.

    Returns
    -------
    DataFrame
        ``fines_share_pct, rate_pct, base_yi``.

    Notes
    -----
    base = budget ÷ (s × rate of fines + (1 − s) × rate of charges).

    Examples
    --------
    30 万元 is 1.5 亿元 of charges or 0.6 亿元 of fines:

    >>> list(implied_base(30, {"fines": 0.5, "charges": 0.2}, on="2024-01-01")["base_yi"])[::4]
    [1.5, 0.6]
    """
    day = (dt.date.fromisoformat(on) - dt.date(1970, 1, 1)).days
    known = read_rates(rates)
    found = {kind: rate_on(known, "", kind, "", day) for kind in ("fines", "charges")}
    pct = {kind: Fraction(0) if r is None else r.terms.rate_pct for kind, r in found.items()}
    rows = []
    for share in shares:
        part = Fraction(str(share))
        mixed = part * pct["fines"] + (1 - part) * pct["charges"]
        base = Fraction(str(budget_wan)) * 100 / mixed / 10_000 if mixed else None
        rows.append({"fines_share_pct": float(part * 100), "rate_pct": float(mixed),
                     "base_yi": float("nan") if base is None else float(base)})  # fmt: skip
    return pd.DataFrame(rows)
