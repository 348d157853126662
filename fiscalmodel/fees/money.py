"""What comes from before and what was paid: carried arrears and bases, payments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd

from fiscalmodel.errors import Collector
from fiscalmodel.fees.columns import exact_fen
from fiscalmodel.fees.files import Source, TableLike, open_table, records
from fiscalmodel.fees.rates import date_text, day_or, percent
from fiscalmodel.fees.words import ACCOUNTS, KINDS, account_of, clean, kind_of, near

PAYMENT_HEADERS: dict[str, tuple[str, ...]] = {
    "bank": ("银行", "代收银行", "代理银行"),
    "kind": ("种类", "收入种类"),
    "account": ("账户", "缴入账户"),
    "period": ("所属期", "费用所属期", "所属年度"),
    "amount": ("金额", "金额(元)", "支付金额(元)", "支付金额", "paid"),
    "amount_fen": ("paid_fen",),
    "paid_on": ("支付日期", "日期", "date"),
}
CARRIED_HEADERS: dict[str, tuple[str, ...]] = {
    "bank": ("银行", "代收银行", "代理银行"),
    "kind": ("种类", "收入种类"),
    "account": ("账户", "缴入账户"),
    "arrears": ("结欠(元)", "上期结欠(元)", "上期结欠"),
    "arrears_fen": (),
    "payable_fen": (),
    "base": ("结转基数(元)", "结转基数"),
    "base_fen": (),
    "rate_pct": ("费率(%)", "费率"),
}


@dataclass(frozen=True)
class Payment:
    """Money paid to a bank; empty kind, account or period mean the oldest open item."""

    bank: str
    fen: int
    kind: str = ""
    account: str = ""
    period: str = ""
    where: str = ""


@dataclass(frozen=True)
class Carried:
    """Arrears of fees (分) and a negative base (分, at its rate) from earlier periods."""

    bank: str
    kind: str
    account: str
    arrears_fen: int = 0
    base_fen: int = 0
    rate_pct: Fraction | None = None
    where: str = ""


def read_payments(
    payments: TableLike | Mapping[str, Any] | None, as_of: int | None
) -> tuple[Payment, ...]:
    """Payments from a table, or a mapping bank -> 元.

    Raises
    ------
    InputError
        All problems of the table at once, a payment after `as_of` among them.
    """
    if payments is None:
        return ()
    if isinstance(payments, Mapping):
        payments = [{"bank": b, "amount": a} for b, a in payments.items()]
    source = open_table(payments, name="payments", headers=PAYMENT_HEADERS, required=("bank",))
    found = Collector()
    result = []
    for row, record in records(source):
        kind, account = words_of(source, row, record, found)
        fen = fen_of(source, row, record, ("amount_fen", "amount"), found)
        day = day_or(record.get("paid_on"), -1, source.place(row, "paid_on"), found)
        if as_of is not None and day > as_of:
            found.add(
                source.place(row, "paid_on"),
                f"paid on {date_text(day)}, after as_of {date_text(as_of)}",
                "leave it to the next statement",
            )
        period = record.get("period")
        if isinstance(period, float) and period.is_integer():
            period = int(period)
        result.append(
            Payment(clean(record.get("bank")), fen, kind, account,
                    clean(period) if period is not None else "", source.place(row, "amount"))
        )  # fmt: skip
    found.raise_if_any()
    return tuple(result)


def read_carried(carried: Any) -> tuple[Carried, ...]:
    """Carried arrears and bases from a table, or from an earlier statement.

    A statement hands on its `.carry`. In a frame with ``payable_fen`` (a
    statement's `.table`) that column is what is still owed, and its bases are
    those of the old periods: only arrears are taken.

    Raises
    ------
    InputError
        All problems of the table at once.
    """
    if carried is None:
        return ()
    carried = getattr(carried, "carry", carried)
    required = ("bank", "kind", "account")
    source = open_table(carried, name="carried", headers=CARRIED_HEADERS, required=required)
    found = Collector()
    result = []
    for row, record in records(source):
        kind, account = words_of(source, row, record, found)
        if not kind or not account:
            found.add(source.place(row, "kind"), "kind and account of a carried line are needed")
        if "payable_fen" in record:
            arrears, base = fen_of(source, row, record, ("payable_fen",), found), 0
        else:
            arrears = fen_of(source, row, record, ("arrears_fen", "arrears"), found, needed=False)
            base = fen_of(source, row, record, ("base_fen", "base"), found, needed=False)
        if base > 0:
            found.add(source.place(row, "base"), "a carried base is zero or negative",
                      "a positive base has its fee in its own period")  # fmt: skip
        pct = record.get("rate_pct")
        rate = None if pct is None else percent(pct, source.place(row, "rate_pct"), found)
        result.append(Carried(clean(record.get("bank")), kind, account, arrears, base, rate,
                              source.place(row, "bank")))  # fmt: skip
    found.raise_if_any()
    return tuple(result)


def words_of(source: Source, row: int, record: dict[str, Any], found: Collector) -> tuple[str, str]:
    if record.get("bank") is None:
        found.add(source.place(row, "bank"), "bank is missing")
    result = []
    for column, of, known in (("kind", kind_of, KINDS), ("account", account_of, ACCOUNTS)):
        value = record.get(column)
        word = "" if value is None else of(value) or ""
        if value is not None and not word:
            found.add(source.place(row, column), f"unknown {column} {value!r}", near(value, known))
        result.append(word)
    return result[0], result[1]


def fen_of(
    source: Source, row: int, record: dict[str, Any], names: tuple[str, ...], found: Collector,
    *, needed: bool = True,
) -> int:  # fmt: skip
    """分 of the first column given: one in 分, or one in 元; problems go to `found`."""
    for name in names:
        value = record.get(name)
        if value is None:
            continue
        if name.endswith("_fen"):
            if isinstance(value, (int, np.integer)) or (
                isinstance(value, float) and value.is_integer()
            ):
                return int(value)
            if isinstance(value, str) and value.strip().lstrip("-").isdigit():
                return int(value)
            found.add(source.place(row, name), f"{value!r} is not a whole number of 分")
            return 0
        fen = exact_fen(value)
        if isinstance(fen, str):
            found.add(source.place(row, name), fen, "元 with at most two decimals")
            return 0
        return fen
    if needed:
        found.add(source.place(row, names[-1]), "amount is missing", f"give {' or '.join(names)}")
    return 0


def as_frame(rows: list[dict[str, Any]], columns: list[str]) -> pd.DataFrame:
    """A frame with these columns, even without rows."""
    return pd.DataFrame(rows, columns=columns)


def spread(total: int, weights: list[int]) -> list[int]:
    """Split a whole number in proportion to weights, exactly, by largest remainders.

    >>> spread(100, [1, 1, 1])
    [34, 33, 33]
    """
    whole = sum(weights)
    if not whole:
        return [0] * len(weights)
    parts = [total * w // whole for w in weights]
    order = sorted(range(len(weights)), key=lambda i: (-(total * weights[i] % whole), i))
    for i in order[: total - sum(parts)]:
        parts[i] += 1
    return parts
