"""Treasury cash 库款 by month: what comes in, what is paid in which order, what gives way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from fiscalmodel import policy
from fiscalmodel.budget.payment import Settled, settle
from fiscalmodel.budget.sanbao import FEN, TIERS, SanbaoNeeds, in_words, sanbao_needs
from fiscalmodel.budget.treasury import (
    IN_TREASURY,
    KINDS,
    RECEIPTS,
    TIED,
    Given,
    Purse,
    line_name,
    read_given,
)
from fiscalmodel.display import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    RED,
    Chart,
    Found,
    figure,
    legend,
    lines,
    named,
    scale,
)
from fiscalmodel.errors import InputError
from fiscalmodel.findings import Finding, finding
from fiscalmodel.tables.records import TableLike
from fiscalmodel.words import Text, language, say


@dataclass(frozen=True, repr=False)
class CashPlan(Found):
    """Cash and payments by month, 万元 to the 分.

    Attributes
    ----------
    table
        Free money: ``period, opening_wan, receipts_wan, withheld_wan, sanbao_wan (paid from it),
        lower_wan, closing_wan``; beside it ``sanbao_short_wan`` (due and unpaid at the end of the
        month), ``waits_wan`` (lower-ranked, unpaid), ``treasury_wan`` (all money in the treasury
        account), ``cash_level`` 库款保障水平 and ``months_of_cover``.
    by_kind
        ``period, cash_kind, opening_wan, receipts_wan, payments_wan, closing_wan``.
    by_part
        ``period, sanbao_part, standard, need_wan, due_wan, settled_wan, waits_wan``.
    payments
        What ranks lower: ``period, turn, cash_line, item, amount_wan (due in the month),
        settled_wan, waits_wan``.
    withheld
        ``period, cash_line, amount_wan``: taken by the superior before it arrived.
    first_short
        First month in which something due of the three guarantees is unpaid, or None.
    found
        Shortfalls, levels outside their bounds, payments that wait.
    given
        What it was made from.
    """

    table: pd.DataFrame
    by_kind: pd.DataFrame
    by_part: pd.DataFrame
    payments: pd.DataFrame
    withheld: pd.DataFrame
    first_short: pd.Period | None
    needs: SanbaoNeeds
    bounds: tuple[policy.Entry, policy.Entry]
    found: tuple[Finding, ...]
    given: Given
    hold_months: int | None = None
    keep_wan: float = 0.0

    @property
    def gives_way(self) -> pd.DataFrame:
        """What ranks lower and is not paid by the end: ``cash_line, item, waits_wan, period``."""
        late = self.payments[self.payments["waits_wan"] > 0]
        first = late.groupby(["turn", "cash_line", "item"], sort=True)["period"].first()
        last = self.payments.groupby(["turn", "cash_line", "item"])["waits_wan"].agg(
            ["max", "last"]
        )
        made = last.loc[first.index].assign(period=first)
        made = made.rename(columns={"max": "largest_wait_wan", "last": "waits_wan"}).reset_index()
        return made[["cash_line", "item", "period", "largest_wait_wan", "waits_wan"]][
            ::-1
        ].reset_index(drop=True)

    @property
    def answer(self) -> Text:
        """Whether the three guarantees are paid each month, and what gives way for them."""
        table = self.table.set_index("period")
        span = {"first": table.index[0], "last": table.index[-1]}
        if self.first_short is not None:
            amount = float(table["sanbao_short_wan"].to_dict()[self.first_short])
            said = say("warning.cash_short", **span, month=self.first_short, amount=amount)
        else:
            said = say("warning.cash_holds", **span, month=table["closing_wan"].idxmin(),
                       amount=float(table["closing_wan"].min()))  # fmt: skip
        way = self.gives_way
        if not len(way):
            return said
        names = [line_name(line, item) for line, item in zip(way["cash_line"], way["item"],
                                                              strict=True)]  # fmt: skip
        amount = float(way["largest_wait_wan"].sum())
        return said + say("warning.gives_way", names=names, amount=amount)

    @property
    def short(self) -> pd.DataFrame:
        """Free money, what waits and the level of cash by month."""
        return self.table.drop(columns="treasury_wan")

    def plot(self, lang: str | None = None) -> Chart:
        """Free money, all money in the treasury, and what is due and unpaid."""
        lang = lang or language()
        columns = ["closing_wan", "treasury_wan", "sanbao_short_wan", "waits_wan"]
        wide = self.table.set_index("period")[columns]
        wide = wide.loc[:, (wide.abs() > 0).any()]
        divisor, unit = scale("万元", float(wide.max().max()))
        made, axis, lang = figure(say("warning.chart_cash"), lang, unit=unit)
        names = {name: say(f"warning.line_{name}") for name in columns}
        colors = dict(zip(columns, (BLUE, GREY, RED, ORANGE), strict=True))
        lines(axis, wide / divisor, names=names, colors=colors, dashed=["treasury_wan"], lang=lang)
        axis.axhline(0, color=GREEN, linewidth=0.8)
        legend(axis)
        return Chart(made, self.answer(lang))

    def in_words(self, lang: str | None = None) -> dict[str, pd.DataFrame]:
        """Every frame beside the main one, with lines, kinds and parts by name."""
        return {
            "by_kind": named(self.by_kind, lang, cash_kind="cash_kind"),
            "by_part": in_words(self.by_part, lang),
            **{
                name: named(getattr(self, name), lang, cash_line="cash_line")
                for name in ("payments", "gives_way", "withheld")
            },
        }


def cash_plan(
    sanbao: SanbaoNeeds | TableLike,
    flows: TableLike,
    balances: TableLike,
    *,
    hold_months: int | None = None,
    keep_wan: float = 0.0,
    on: Any = None,
) -> CashPlan:
    """Lay out receipts and payments of the months ahead.

    Parameters
    ----------
    sanbao
        From `sanbao_needs`, or its table. What is due and unpaid of months behind is owed first.
    flows
        ``period, cash_line, item, purpose, amount_wan`` (planned), ``settled_wan`` (received or
        paid, for months behind). The lines stand in ``official.yaml`` under ``cash_line``; the
        three guarantees are not among them. An earmarked grant whose purpose is a part of the
        three guarantees pays for that part.
    balances
        Cash of the months behind: ``period, cash_kind, purpose, opening_wan, receipts_wan,
        payments_wan, closing_wan``. The plan begins after its last month.
    hold_months
        Months ahead whose three guarantees are kept safe from lower-ranked payments; all by
        default, 0 for none.
    keep_wan
        Free money that lower-ranked payments always leave, against months that disappoint.
    on
        Day whose bounds of the level of cash apply; by default the end of the last month known.

    Returns
    -------
    CashPlan
        For each purse opening + receipts − payments = closing, to the 分.

    Raises
    ------
    InputError
        A month that stands twice or is left out, cash below nought behind, balances that do not
        run on, bond money or social insurance meant for the three guarantees: all at once.

    Notes
    -----
    Order: what the superior withholds, the three guarantees by national and then by local
    standard, then debt service, running contracts, commitments, clearance, other spending.
    库款保障水平 = treasury cash at the end of the month ÷ average monthly payments of up to
    twelve months; it needs three of them. Months of cover = free money ÷ average monthly need.
    """
    needs = sanbao if isinstance(sanbao, SanbaoNeeds) else sanbao_needs(sanbao, on=on)
    given = read_given(needs, flows, balances)
    if not keep_wan >= 0:
        raise InputError("keep_wan", "budget.missing_or_negative", value=keep_wan)
    paid = settle(**given.arrays(), keep=round(keep_wan * FEN), ahead=hold_months)
    day = on or given.behind["period"].max().end_time.date()
    bounds = (policy.at("treasury_level_floor", day), policy.at("treasury_level_ceiling", day))
    by_kind = _by_kind(given, paid)
    table = _table(given, paid, by_kind)
    waits = table["sanbao_short_wan"] > 0
    first = table.loc[waits, "period"].iloc[0] if waits.any() else None
    return CashPlan(
        table, by_kind, _by_part(given, paid), _payments(given, paid), _withheld(given, paid),
        first, needs, bounds, tuple(_found(table, bounds)), given, hold_months, keep_wan,
    )  # fmt: skip


def _by_kind(given: Given, paid: Settled) -> pd.DataFrame:
    """Cash of each kind by month, in 分."""
    months = len(given.months)
    flows = {kind: [np.zeros(months, np.int64), np.zeros(months, np.int64)] for kind in KINDS}
    for (line, _), amounts in given.receipts.items():
        flows[RECEIPTS[line]][0] += np.array(amounts)
    flows["free"][0] -= paid.withheld[0]
    flows["free"][1] += paid.from_free[0] + paid.lower[0].sum(axis=1)
    flows["earmarked"][1] += paid.sanbao[0].sum(axis=1) - paid.from_free[0]
    for line, _, spent in _tied_payments(given):
        flows[TIED[line]][1] += spent
    rows = []
    for kind, (receipts, spent) in flows.items():
        opening = sum(v for (k, _), v in given.opening.items() if k == kind)
        for t, month in enumerate(given.months):
            closing = opening + int(receipts[t]) - int(spent[t])
            rows.append((month, kind, opening, int(receipts[t]), int(spent[t]), closing))
            opening = closing
    columns = ["period", "cash_kind", "opening_wan", "receipts_wan", "payments_wan", "closing_wan"]
    made = pd.DataFrame(rows, columns=columns).sort_values("period", kind="stable")
    made[columns[2:]] /= FEN
    return made.reset_index(drop=True)


def _tied_payments(given: Given) -> list[tuple[str, str, npt.NDArray[np.int64]]]:
    """Payments of tied money: each purse pays what is due as far as it reaches."""
    purses: dict[Purse, int] = dict(given.opening)
    owed = dict.fromkeys(given.tied, 0)
    paid = {key: np.zeros(len(given.months), np.int64) for key in given.tied}
    for t in range(len(given.months)):
        for (line, purpose), amounts in given.receipts.items():
            purse = (RECEIPTS[line], purpose)
            purses[purse] = purses.get(purse, 0) + amounts[t]
        for key, amounts in given.tied.items():
            line, _, purpose = key
            purse = (TIED[line], purpose)
            owed[key] += amounts[t]
            reach = min(owed[key], purses.get(purse, 0))
            purses[purse] = purses.get(purse, 0) - reach
            owed[key] -= reach
            paid[key][t] = reach
    return [(line, item, spent) for (line, item, _), spent in paid.items()]


def _table(given: Given, paid: Settled, by_kind: pd.DataFrame) -> pd.DataFrame:
    free = given.free_receipts()
    opening = np.r_[given.opening.get(("free", ""), 0), paid.closing[0][:-1]]
    held = by_kind[by_kind["cash_kind"].isin(IN_TREASURY)]
    treasury = held.groupby("period")["closing_wan"].sum().to_numpy()
    average = given.need.sum() / max(1, len(given.months))
    return pd.DataFrame({
        "period": given.months,
        "opening_wan": opening / FEN,
        "receipts_wan": free / FEN,
        "withheld_wan": paid.withheld[0] / FEN,
        "sanbao_wan": paid.from_free[0] / FEN,
        "lower_wan": paid.lower[0].sum(axis=1) / FEN,
        "closing_wan": paid.closing[0] / FEN,
        "sanbao_short_wan": paid.waiting[0].sum(axis=1) / FEN,
        "waits_wan": paid.lower_waiting[0].sum(axis=1) / FEN,
        "treasury_wan": treasury,
        "cash_level": treasury / _average_payments(given, by_kind),
        "months_of_cover": paid.closing[0] / average if average else np.nan,
    })  # fmt: skip


def _average_payments(given: Given, by_kind: pd.DataFrame) -> npt.NDArray[np.float64]:
    """Average payments from the treasury over up to twelve months, NaN for fewer than three."""
    spent = by_kind[by_kind["cash_kind"].isin(IN_TREASURY)].groupby("period")["payments_wan"].sum()
    behind = given.behind[given.behind["cash_kind"].isin(IN_TREASURY)]
    before = behind.groupby("period")["payments_wan"].sum() / FEN
    # A month behind that states balances alone says nothing about payments.
    before = before[before > 0]
    joined = pd.concat([before, spent]).sort_index()
    average = joined.rolling(12, min_periods=3).mean()
    return np.asarray(average.reindex(given.months), float)


def _by_part(given: Given, paid: Settled) -> pd.DataFrame:
    rows = []
    for t, month in enumerate(given.months):
        for k, (part, standard) in enumerate(TIERS):
            settled, waits = int(paid.sanbao[0, t, k]), int(paid.waiting[0, t, k])
            if given.need[:, k].any():
                rows.append((month, part, standard, given.need[t, k] / FEN,
                             (settled + waits) / FEN, settled / FEN, waits / FEN))  # fmt: skip
    columns = ["period", "sanbao_part", "standard", "need_wan", "due_wan", "settled_wan",
               "waits_wan"]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def _payments(given: Given, paid: Settled) -> pd.DataFrame:
    rows = []
    for k, ((line, item), amounts) in enumerate(given.lower.items()):
        for t, month in enumerate(given.months):
            rows.append((month, k + 1, line, item, amounts[t] / FEN,
                         int(paid.lower[0, t, k]) / FEN,
                         int(paid.lower_waiting[0, t, k]) / FEN))  # fmt: skip
    columns = ["period", "turn", "cash_line", "item", "amount_wan", "settled_wan", "waits_wan"]
    return pd.DataFrame(rows, columns=columns)


def _withheld(given: Given, paid: Settled) -> pd.DataFrame:
    """By line; where the money did not reach, the lines share what was taken in their order."""
    rows, owed = [], dict.fromkeys(given.withheld, 0)
    for t, month in enumerate(given.months):
        left = int(paid.withheld[0, t])
        for line, amounts in given.withheld.items():
            owed[line] += amounts[t]
            taken = min(owed[line], left)
            owed[line], left = owed[line] - taken, left - taken
            if amounts[t] or taken:
                rows.append((month, line, taken / FEN))
    return pd.DataFrame(rows, columns=["period", "cash_line", "amount_wan"])


def _found(table: pd.DataFrame, bounds: tuple[policy.Entry, policy.Entry]) -> list[Finding]:
    made = []
    for row in table.itertuples():
        month, level, short = str(row.period), float(str(row.cash_level)), row.sanbao_short_wan
        if float(str(short)) > 0:
            made.append(finding("sanbao_short", month, computed=float(str(short)),
                                said=say("warning.sanbao_unpaid")))  # fmt: skip
        floor, ceiling = (float(bound.value) for bound in bounds)
        if level < floor:
            made.append(finding("cash_level", month, stated=floor, computed=level, unit="倍",
                                severity="warning", said=_level("low", bounds[0])))  # fmt: skip
        elif level > ceiling:
            made.append(finding("cash_level", month, stated=ceiling, computed=level, unit="倍",
                                severity="note", said=_level("high", bounds[1])))  # fmt: skip
    return made


def _level(side: str, bound: policy.Entry) -> Text:
    """That a month's cash is outside a bound, and how far the bound itself can be trusted."""
    said = say(f"warning.level_{side}", bound=float(bound.value))
    return said + say("warning.bound_unverified") if bound.confidence == "L" else said
