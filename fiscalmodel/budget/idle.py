"""Idle money 存量资金 and advances 暂付款 by age: what returns when, how advances are digested.

And cuts 过紧日子 like for like: what moved into or out of a line is no cut.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import pandas as pd

from fiscalmodel import policy
from fiscalmodel.display import BLUE, ORANGE, RED, Chart, Found, Result, chart, named, stack
from fiscalmodel.errors import InputError
from fiscalmodel.findings import Finding, finding
from fiscalmodel.policy import as_day
from fiscalmodel.tables.records import TableLike, read_records
from fiscalmodel.words import Text, headers_in, say

#: Kind -> parameter that says after how many years it returns; None returns at once.
RETURN_RULE = {
    "general_carry_over": "idle_years_general",
    "department_carry_over": "idle_years_general",
    "earmarked_carry_over": "idle_years_earmarked",
    "surplus": None,
    "special_account": None,
}
ADVANCE = "advance"


@dataclass(frozen=True, repr=False)
class IdleMoney(Found):
    """Idle money and advances.

    Attributes
    ----------
    table
        ``fund_id, item, idle_kind, year`` (of the budget it comes from), ``age_years,
        amount_wan, returns_on, overdue, source``; an advance has no day of return but a plan.
    by_age
        Kind and age -> amount: ``idle_kind, under_1_wan, from_1_wan, from_2_wan, sum_wan``.
    digestion
        ``year, returns_wan, opening_wan, digested_wan, closing_wan``: idle money that returns,
        and advances paid off in equal parts, oldest first, over the years of the rule.
    found
        Money that should have been returned.
    """

    table: pd.DataFrame
    by_age: pd.DataFrame
    digestion: pd.DataFrame
    found: tuple[Finding, ...]
    rules: tuple[policy.Entry, ...]

    @property
    def answer(self) -> Text:
        """What must return now, and what advances cost a year."""
        late = float(self.table.loc[self.table["overdue"], "amount_wan"].sum())
        advances = self.table["idle_kind"].eq(ADVANCE)
        idle = float(self.table.loc[~advances, "amount_wan"].sum())
        said = say("warning.idle", idle=idle, late=late)
        total = float(self.table.loc[advances, "amount_wan"].sum())
        if total:
            first = float(self.digestion["digested_wan"].iloc[0])
            said += say("warning.advances", total=total, years=len(self.digestion), first=first)
        return said

    @property
    def short(self) -> pd.DataFrame:
        """Amounts by kind and age."""
        return named(self.by_age, idle_kind="idle_kind")

    def in_words(self, lang: str | None = None) -> pd.DataFrame:
        """The table with kinds by name."""
        return named(self.table, lang, idle_kind="idle_kind")

    def plot(self, lang: str | None = None) -> Chart:
        """Amounts by kind and age."""
        wide = named(self.by_age, lang, idle_kind="idle_kind").set_index("idle_kind")
        wide = wide[["under_1_wan", "from_1_wan", "from_2_wan"]]
        return chart(stack, wide, say("warning.chart_idle"), self.answer, lang,
                     largest=float(wide.sum(axis=1).max()), colors=(BLUE, ORANGE, RED))  # fmt: skip


def idle_money(table: TableLike, *, on: Any, years: int | None = None) -> IdleMoney:
    """Sort idle money and advances by age and say what returns when.

    Parameters
    ----------
    table
        ``fund_id, item, idle_kind, year`` (of the budget the money comes from, or in which the
        advance was paid), ``amount_wan``.
    on
        The day that is looked from.
    years
        Years in which advances are digested; by default ``advance_digestion_years``.

    Raises
    ------
    InputError
        Rows that stand twice, unknown kinds, years after the day: all at once, by cell.

    Notes
    -----
    Money of year Y carried over for n years without being used up returns at the end of Y + n
    (``idle_years_general``, ``idle_years_earmarked``); surpluses and balances of special
    accounts at the end of Y.
    """
    day = as_day(on)
    records = read_records(table, name="funds", columns=headers_in("idle"))
    records.need("item", "idle_kind", "year", "amount_wan")
    rows: list[dict[str, Any]] = []
    seen: dict[tuple[str, int | None], str] = {}
    for row in records:
        kind, period = row.word("idle_kind", "idle_kind"), row.period("year")
        amount = row.fen("amount_wan", low=0)
        name = row.text("fund_id") or row.text("item")
        year = None if period is None else int(period.year)
        if year is not None and year > day.year:
            row.report("year", "warning.year_ahead", year=year, day=day)
        if (name, year) in seen:
            row.report("item", "warning.fund_twice", text=name, at=seen[name, year])
        seen[name, year] = row.where()
        if not kind or year is None:
            continue
        due, source = (None, "") if kind == ADVANCE else _returns(kind, year, day)
        rows.append({
            "fund_id": row.text("fund_id"), "item": row.text("item"), "idle_kind": kind,
            "year": year, "age_years": day.year - year, "amount_wan": amount / 1e6,
            "returns_on": due, "overdue": due is not None and due <= day, "source": source,
        })  # fmt: skip
    records.done()
    if not rows:
        raise InputError(records.place(), "warning.no_rows")
    frame = pd.DataFrame(rows)
    rule = policy.at("advance_digestion_years", on=day)
    span = int(rule.value) if years is None else years
    if span < 1:
        raise InputError("years", "budget.missing_or_negative", value=span)
    found = [
        finding("idle_money", str(row["fund_id"] or row["item"]), computed=row["amount_wan"],
                severity="warning", said=say("warning.to_return", day=row["returns_on"]))
        for _, row in frame[frame["overdue"]].iterrows()
    ]  # fmt: skip
    digestion = _digestion(frame, day.year, span)
    return IdleMoney(frame, _by_age(frame), digestion, tuple(found), (rule,))


def _returns(kind: str, year: int, day: Any) -> tuple[Any, str]:
    key = RETURN_RULE[kind]
    if key is None:
        return as_day(f"{year}-12-31"), ""
    entry = policy.at(key, on=day)
    return as_day(f"{year + int(entry.value)}-12-31"), entry.citation()


def _by_age(frame: pd.DataFrame) -> pd.DataFrame:
    age = frame["age_years"]
    bands = {"under_1_wan": age < 1, "from_1_wan": age.eq(1), "from_2_wan": age >= 2}
    split = pd.DataFrame(
        {name: frame["amount_wan"].where(held, 0.0) for name, held in bands.items()}
    )
    sums = split.groupby(frame["idle_kind"], sort=False).sum()
    return sums.assign(sum_wan=sums.sum(axis=1)).reset_index()


def _digestion(frame: pd.DataFrame, now: int, years: int) -> pd.DataFrame:
    """Idle money that returns in each year, and advances in equal parts, to the 分."""
    advances = frame[frame["idle_kind"].eq(ADVANCE)]
    left = round(float(advances["amount_wan"].sum()) * 1e6)
    rows, returns = [], frame[frame["returns_on"].notna()]
    for n in range(years):
        year = now + 1 + n
        # What is overdue returns in the first year.
        due = [d.year for d in returns["returns_on"]]
        mine = [a for a, y in zip(returns["amount_wan"], due, strict=True)
                if y == year or (n == 0 and y < year)]  # fmt: skip
        digested = left - left * (years - n - 1) // (years - n)
        rows.append((year, math.fsum(mine), left / 1e6, digested / 1e6, (left - digested) / 1e6))
        left -= digested
    columns = ["year", "returns_wan", "opening_wan", "digested_wan", "closing_wan"]
    return pd.DataFrame(rows, columns=columns)


@dataclass(frozen=True, repr=False)
class LikeForLikeCuts(Result):
    """Cuts like for like.

    Attributes
    ----------
    table
        ``line, last_wan, this_wan, moved_wan, change_wan, change_pct`` (like for like),
        ``target_cut_pct, kept``.
    """

    table: pd.DataFrame

    @property
    def answer(self) -> Text:
        """Which line fell most, and whether the targets are met."""
        rows = self.table
        lowest = rows.iloc[int(rows["change_pct"].to_numpy(float).argmin())]
        said = say("warning.cuts", count=len(rows), line=lowest["line"],
                   change=float(lowest["change_pct"]))  # fmt: skip
        missed = rows.loc[rows["kept"].eq(False), "line"].tolist()
        return said + say("warning.cuts_missed", names=missed) if missed else said


def like_for_like_cuts(lines: TableLike) -> LikeForLikeCuts:
    """Changes of budget lines against last year, without what moved between them.

    Parameters
    ----------
    lines
        ``line, last_wan, this_wan, moved_wan`` (moved into the line this year; out of it is
        negative; blank is nothing), ``target_cut_pct`` (the cut that is asked for).

    Notes
    -----
    change = (this − moved − last) / last.

    >>> rows = [{"line": "机关运行经费", "last_wan": 305.52, "this_wan": 279.56}]
    >>> print(round(like_for_like_cuts(rows).table.loc[0, "change_pct"], 2))
    -8.5
    """
    records = read_records(lines, name="lines", columns=headers_in("cuts"))
    records.need("line", "last_wan", "this_wan")
    rows = []
    for row in records:
        last, this = row.wan("last_wan", low=0), row.wan("this_wan", low=0)
        moved = row.wan("moved_wan", default=0.0)
        target = row.number("target_cut_pct", low=0, high=100, default=math.nan)
        if 0 < target < 1:
            row.report("target_cut_pct", "warning.share_as_ratio", value=target, meant=target * 100)
        if last == 0:
            row.report("last_wan", "warning.no_base")
        change = (this - moved - last) / last * 100 if last else math.nan
        # Targets are stated with two decimals at most.
        kept = None if math.isnan(target) else bool(change <= -target + 0.005)
        rows.append({"line": row.text("line"), "last_wan": last, "this_wan": this,
                     "moved_wan": moved, "change_wan": this - moved - last,
                     "change_pct": change, "target_cut_pct": target, "kept": kept})  # fmt: skip
    records.done()
    if not rows:
        raise InputError(records.place(), "warning.no_rows")
    return LikeForLikeCuts(pd.DataFrame(rows))
