"""Replacement of hidden debt by bonds 置换: in which order, and what it does to the balances."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from fiscalmodel.days import to_date
from fiscalmodel.debt.cashflow import exact
from fiscalmodel.debt.ledger import FEN_PER_WAN, Ledger, above_limit, fen
from fiscalmodel.debt.schedule import year_fraction
from fiscalmodel.display import Checked
from fiscalmodel.errors import Collector, InputError, official_code
from fiscalmodel.findings import Finding
from fiscalmodel.units import half_up
from fiscalmodel.words import Text, say


def suggest_order(
    ledger: Ledger, *, as_of: Any, quota_wan: float | None = None, near_days: int = 366
) -> pd.DataFrame:
    """Order in which to replace hidden debt 置换顺序, with the reason of each place.

    Parameters
    ----------
    ledger
        Hidden debt; rows that are not ``replaceable`` or owe nothing are left out.
    as_of
        Day of the plan.
    quota_wan
        Replacement quota, 万元: fills ``replaced_wan`` from the top until it is used.
    near_days
        What counts as near maturity.

    Returns
    -------
    DataFrame
        ``order, contract_id, debtor, creditor, project, balance_wan,
        old_rate_pct, old_maturity, basis, basis_en`` and, with a quota,
        ``replaced_wan``.

    Notes
    -----
    Overdue or in litigation first, then near maturity, then by rate from the
    highest, then by maturity. An own design around 合理确定置换顺序; the order is
    a suggestion, the decision is the county's.
    """
    day = to_date(as_of, where="as_of")
    rows = ledger.table[ledger.table["replaceable"] & ledger.table["balance_fen"].gt(0)].copy()
    at_risk = rows["overdue"] | rows["litigation"]
    ahead = [(d - day).days if d is not None else near_days + 1 for d in rows["maturity"]]
    rows["_group"] = [
        0 if r else 1 if a <= near_days else 2 for r, a in zip(at_risk, ahead, strict=True)
    ]
    rows["_ahead"] = ahead
    rows = rows.sort_values(
        ["_group", "rate_pct", "_ahead", "contract_id"], ascending=[True, False, True, True]
    )
    reasons = [say(f"debt.order.{name}") for name in ("at_risk", "near", "rate")]
    made = pd.DataFrame(
        {
            "order": range(1, len(rows) + 1),
            "contract_id": rows["contract_id"].to_numpy(),
            "debtor": rows["debtor"].to_numpy(),
            "creditor": rows["creditor"].to_numpy(),
            "project": rows["project"].to_numpy(),
            "balance_wan": rows["balance_fen"].to_numpy() / FEN_PER_WAN,
            "old_rate_pct": rows["rate_pct"].to_numpy(),
            "old_maturity": rows["maturity"].to_numpy(),
            "basis": [reasons[g].zh for g in rows["_group"]],
            "basis_en": [reasons[g].en for g in rows["_group"]],
        }
    )
    if quota_wan is not None:
        found = Collector()
        left = fen(float(quota_wan), "quota_wan", found)
        found.raise_if_any()
        taken = []
        for balance in rows["balance_fen"]:
            taken.append(min(int(balance), left))
            left -= taken[-1]
        made["replaced_wan"] = [t / FEN_PER_WAN for t in taken]
    return made


@dataclass(frozen=True, repr=False)
class ReplacementEffect(Checked):
    """What one replacement does on its day and afterwards.

    Attributes
    ----------
    balances
        ``debt, before_wan, change_wan, after_wan`` for hidden, special and
        total debt on the day; the total does not change.
    interest
        ``date, old_wan, new_wan, saved_wan``: interest since the day, at each
        date asked for, in whole 分.
    found
        The special-debt limit, where the balance would exceed it.
    """

    balances: pd.DataFrame
    interest: pd.DataFrame
    found: tuple[Finding, ...]

    @property
    def answer(self) -> Text:
        """How much is converted, and what it saves to the last day asked for."""
        last = self.interest.iloc[-1]
        return say("debt.order.answer", amount=self.balances["change_wan"].iloc[1],
                   saved=last["saved_wan"], day=last["date"])  # fmt: skip

    @property
    def short(self) -> pd.DataFrame:
        """The interest of both sides."""
        return self.interest


def replacement_effect(
    amount_wan: float,
    *,
    on: Any,
    old_rate_pct: float,
    new_rate_pct: float,
    until: Any,
    hidden_wan: float,
    special_wan: float,
    special_limit_wan: float | None = None,
    day_count: str = "ACT/365",
) -> ReplacementEffect:
    """Replace hidden debt by a special bond.

    Parameters
    ----------
    amount_wan
        Principal replaced, 万元, at most `hidden_wan`.
    on
        Day on which the bond's money pays the old debt.
    old_rate_pct, new_rate_pct
        Rates before and after, percent a year.
    until
        A day or several, not before `on`, for which the interest is told.
    hidden_wan, special_wan, special_limit_wan
        Balances before, and the limit of special debt.
    day_count
        Day count of both sides; ``ACT/365`` charges actual days.

    Notes
    -----
    Interest to a date = amount · rate · year fraction, each side rounded half
    up to 分. Replacement converts, it does not reduce: hidden falls and special
    debt rises by the same amount.

    Source: package of 8 November 2024, whose whole extra limit is special debt.

    >>> replacement_effect(10_000, on="2025-01-01", old_rate_pct=5.5, new_rate_pct=2.24,
    ...     until="2026-01-01", hidden_wan=50_000, special_wan=20_000
    ... ).interest["saved_wan"].tolist()
    [326.0]
    """
    day = to_date(on, where="on")
    given = list(until) if isinstance(until, list | tuple | pd.DatetimeIndex) else [until]
    days = [to_date(d, where="until") for d in given]
    found = Collector()
    moved = fen(float(amount_wan), "amount_wan", found)
    hidden, special = fen(hidden_wan, "hidden_wan", found), fen(special_wan, "special_wan", found)
    if moved <= 0 or moved > hidden:
        found.add("amount_wan", "debt.order.amount", amount=amount_wan, hidden=hidden_wan)
    for late in days:
        if late < day:
            found.add("until", "debt.order.until", day=late, on=day)
    found.raise_if_any()
    what = "debt.unknown_day_count"
    if official_code("day_count", day_count, where="day_count", what=what) == "ACT/ACT":
        raise InputError("day_count", "debt.order.day_count")
    if min(old_rate_pct, new_rate_pct) < 0:
        raise InputError("rate_pct", "debt.rate_negative", rate=min(old_rate_pct, new_rate_pct))
    rows = [
        ("hidden", hidden, -moved, hidden - moved),
        ("special", special, moved, special + moved),
        ("total", hidden + special, 0, hidden + special),
    ]
    balances = pd.DataFrame(
        [(name, *(v / FEN_PER_WAN for v in values)) for name, *values in rows],
        columns=["debt", "before_wan", "change_wan", "after_wan"],
    )
    interest = []
    for late in days:
        share = year_fraction(day, late, day_count)
        old, new = (
            half_up(moved * exact(float(r)) / 100 * share) for r in (old_rate_pct, new_rate_pct)
        )
        interest.append((late, old / FEN_PER_WAN, new / FEN_PER_WAN, (old - new) / FEN_PER_WAN))
    limit = float("nan") if special_limit_wan is None else special_limit_wan
    return ReplacementEffect(
        balances,
        pd.DataFrame(interest, columns=["date", "old_wan", "new_wan", "saved_wan"]),
        tuple(above_limit("special", "special", limit, (special + moved) / FEN_PER_WAN)),
    )
