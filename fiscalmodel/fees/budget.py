"""Next year's appropriation for commissions: this year's base, with bands."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import pandas as pd

from fiscalmodel.errors import InputError
from fiscalmodel.fees.notes import Note
from fiscalmodel.fees.rates import Rate, RatesLike, rate_on, read_rates
from fiscalmodel.fees.statement import CommissionStatement
from fiscalmodel.fees.words import KINDS, kind_of, near, official

WAN_FEN = 1_000_000
BANDS = ("lo-80", "hi-80", "lo-95", "hi-95")
COLUMNS = [
    "kind",
    "base_to_date_wan",
    "months",
    "mean",
    *BANDS,
    "rate_pct",
    "fee_mean",
    *(f"fee_{b}" for b in BANDS),
    "method",
]


@dataclass(frozen=True)
class Appropriation:
    """What the next budget needs for commissions (手续费预算), 万元.

    Attributes
    ----------
    table
        One row a kind: base to date, the whole year's base (``mean`` and
        bands), rate, fee with bands, and how the year was completed.
    base_year, budget_year
        The budget of `budget_year` pays the base of `base_year`.
    need
        ``mean, lo-80, hi-80, lo-95, hi-95`` of all kinds, arrears included.
    arrears_wan
        What is still owed from before.
    requested_wan
        The budget asked for; None if none was given.
    notes, notes_zh
        What a reader has to know, in English and in Chinese.
    """

    table: pd.DataFrame
    base_year: int
    budget_year: int
    need: dict[str, float]
    arrears_wan: float
    requested_wan: float | None
    notes: tuple[str, ...] = field(default=())
    notes_zh: tuple[str, ...] = field(default=())

    @property
    def shortfall_wan(self) -> float | None:
        """Need (mean) above the budget requested; negative where the request is enough."""
        return None if self.requested_wan is None else self.need["mean"] - self.requested_wan


def monthly_bases(statement: CommissionStatement) -> pd.DataFrame:
    """Bases by kind and month from a statement settled by month, for `appropriation`.

    Returns
    -------
    DataFrame
        ``kind, period, base_wan``.
    """
    if statement.period != "month":
        raise InputError("statement", f"is settled by {statement.period}", "use period='month'")
    sums = statement.table.groupby(["kind", "period"], sort=True)[["base_fen"]].sum().reset_index()
    sums["base_wan"] = sums.pop("base_fen") / WAN_FEN
    return sums


def appropriation(
    bases: pd.DataFrame | CommissionStatement,
    *,
    base_year: int,
    revenue: pd.DataFrame | None = None,
    rates: RatesLike = None,
    requested_wan: float | None = None,
    arrears_fen: int = 0,
) -> Appropriation:
    """The need of the budget that pays the commissions on one year's base.

    Parameters
    ----------
    bases
        Frame ``kind, period, base_wan``: the base of each month (``2025-03``)
        or of whole years (``2024``); or a statement settled by month.
    base_year
        Year of the base; the budget of the next year pays it (财预字〔1999〕533号).
    revenue
        Frame ``kind, period, value_wan``: fines and charges by year as
        published, for a base that is known for too few years to be forecast.
    rates
        As in `commission`; those in force at the end of `base_year`.
    requested_wan
        The budget asked for, to compare with.
    arrears_fen
        Commissions still owed from before, 分.

    Notes
    -----
    A year with twelve months is taken as it stands. One that is under way is
    completed by `fiscalmodel.nowcast_year`, one without any month is forecast
    from whole years by `fiscalmodel.forecast`; where the base has one whole year
    only, from the forecast of `revenue`, the base keeping its share in it. Bands
    of kinds are added up, as if fines and charges always erred together: the
    total band is rather too
    wide than too narrow.
    """
    frame = monthly_bases(bases) if isinstance(bases, CommissionStatement) else bases
    frame = _checked(frame, "bases", "base_wan")
    published = None if revenue is None else _checked(revenue, "revenue", "value_wan")
    table_of_rates = read_rates(rates)
    notes: list[Note] = []
    rows = []
    for kind, mine in frame.groupby("kind", sort=True):
        taxed = None if published is None else published[published["kind"].eq(kind)]
        rows.append(_row(str(kind), mine, taxed, base_year, table_of_rates, notes))
    table = pd.DataFrame(rows, columns=COLUMNS)
    arrears = arrears_fen / WAN_FEN
    need = {name: float(table[f"fee_{name}"].sum()) + arrears for name in ("mean", *BANDS)}
    if requested_wan is not None:
        notes.append(_verdict(requested_wan, need))
    said = tuple(dict.fromkeys(notes))
    return Appropriation(
        table, base_year, base_year + 1, need, arrears, requested_wan,
        tuple(en for en, _ in said), tuple(zh for _, zh in said),
    )  # fmt: skip


def _checked(frame: pd.DataFrame, name: str, column: str) -> pd.DataFrame:
    missing = {"kind", "period", column} - set(frame.columns)
    if missing:
        says = f"missing column {', '.join(sorted(missing))}"
        raise InputError(name, says, f"give kind, period, {column}")
    words = {word: kind_of(word) for word in frame["kind"].unique()}
    for word, kind in words.items():
        if kind is None:
            raise InputError(name, f"unknown kind {word!r}", near(word, KINDS))
    result = frame.assign(
        kind=frame["kind"].map(words), period=frame["period"].astype(str), base_wan=frame[column]
    )
    return result.groupby(["kind", "period"], sort=True)[["base_wan"]].sum().reset_index()


def _row(
    kind: str,
    mine: pd.DataFrame,
    revenue: pd.DataFrame | None,
    year: int,
    rates: tuple[Rate, ...],
    notes: list[Note],
) -> dict[str, Any]:
    whole, to_date, months, method = _base(kind, mine, revenue, year, notes)
    last_day = (dt.date(year, 12, 31) - dt.date(1970, 1, 1)).days
    rate = rate_on(rates, "", kind, "", last_day)
    pct = Fraction(0) if rate is None else rate.terms.rate_pct
    if rate is None:
        notes.append((f"No rate is given for {official(kind)}: its fee is 0.",
                      f"{official(kind)}未规定费率，手续费为0。"))  # fmt: skip
    row: dict[str, Any] = {
        "kind": kind, "base_to_date_wan": to_date, "months": months, **whole,
        "rate_pct": float(pct), "method": method,
    }  # fmt: skip
    return row | {f"fee_{name}": value * float(pct) / 100 for name, value in whole.items()}


def _base(
    kind: str, mine: pd.DataFrame, revenue: pd.DataFrame | None, year: int, notes: list[Note]
) -> tuple[dict[str, float], float, int, str]:
    """The year's base with bands, its part to date, how many months, and how it was found."""
    import fiscalmodel as fm

    values = {str(p): float(v) for p, v in zip(mine["period"], mine["base_wan"], strict=True)}
    months = {p: v for p, v in values.items() if len(p) > 4}
    yearly = {int(p): v for p, v in values.items() if len(p) == 4}
    count = Counter(int(p[:4]) for p in months)
    for full in (y for y, n in count.items() if n == 12):
        yearly.setdefault(full, sum(v for p, v in months.items() if int(p[:4]) == full))
    to_date = sum(v for p, v in months.items() if int(p[:4]) == year)
    if year in yearly:
        value = yearly[year]
        return dict.fromkeys(("mean", *BANDS), value), value, 12, "the year is complete"
    whole_before = [y for y, n in count.items() if n == 12 and y < year]
    if count[year] and whole_before:
        kept = {p: v for p, v in sorted(months.items()) if int(p[:4]) in {*whole_before, year}}
        series = pd.Series(list(kept.values()), index=pd.PeriodIndex(list(kept), freq="M"))
        cumulative = series.groupby([p[:4] for p in kept]).cumsum()
        found = fm.nowcast_year(cumulative).full_year
        return _bands(found), to_date, count[year], "nowcast_year"
    before = {y: v for y, v in sorted(yearly.items()) if y < year}
    if len(before) >= 4 and not count[year]:
        return _forecast(before, year), 0.0, 0, "forecast"
    taxed = {} if revenue is None else _by_year(revenue, year)
    shared = [y for y in before if y in taxed]
    if shared and len(taxed) >= 4 and not count[year]:
        share = before[shared[-1]] / taxed[shared[-1]]
        made = {name: value * share for name, value in _forecast(taxed, year).items()}
        notes.append((
            f"{official(kind)}: the base is taken to stay {share:.1%} of the published revenue, "
            f"as in {shared[-1]}.",
            f"{official(kind)}：假定计费基数占公布收入的比重保持{shared[-1]}年的{share:.1%}。",
        ))  # fmt: skip
        return made, 0.0, 0, "forecast of revenue"
    notes.append(
        (
            f"{official(kind)}: too little history to complete the year; the base to date stands "
            "alone, a floor and no forecast.",
            f"{official(kind)}：历史数据不足，只列年初至今基数，是下限而非预测。",
        )
    )
    return dict.fromkeys(("mean", *BANDS), to_date), to_date, count[year], "to date only"


def _by_year(revenue: pd.DataFrame, year: int) -> dict[int, float]:
    values = {int(p): float(v) for p, v in zip(revenue["period"], revenue["base_wan"], strict=True)}
    return {y: v for y, v in sorted(values.items()) if y < year}


def _forecast(values: dict[int, float], year: int) -> dict[str, float]:
    """Mean and bands of a year from the years before it."""
    import fiscalmodel as fm

    index = pd.PeriodIndex([str(y) for y in values], freq="Y")
    made = fm.forecast(pd.Series(list(values.values()), index=index), year - max(values))
    return _bands(made.table.iloc[-1])


def _bands(found: Any) -> dict[str, float]:
    """Mean and bands from a row, mapping or one-row frame."""
    if isinstance(found, pd.DataFrame):
        found = found.iloc[-1]
    return {name: float(found[name]) for name in ("mean", *BANDS)}


def _verdict(requested: float, need: dict[str, float]) -> Note:
    text = f"{requested:,.2f}"
    if requested >= need["hi-80"]:
        return (f"The request of {text} 万元 covers the need in nine cases of ten or more.",
                f"申请数{text}万元在九成以上情形下足够。")  # fmt: skip
    if requested >= need["mean"]:
        return (f"The request of {text} 万元 covers the expected need, not the upper band.",
                f"申请数{text}万元可满足预期需求，不及区间上限。")  # fmt: skip
    gap = f"{need['mean'] - requested:,.2f}"
    return (f"The request of {text} 万元 is {gap} 万元 short of the expected need.",
            f"申请数{text}万元比预期需求少{gap}万元。")  # fmt: skip
