"""What a budget must provide for commissions, what a published programme says, the other fee."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import pandas as pd

from fiscalmodel.days import to_date
from fiscalmodel.errors import Collector
from fiscalmodel.fees.ledger import build, period_label
from fiscalmodel.fees.receipts import NO_DAY
from fiscalmodel.fees.settle import read_payments
from fiscalmodel.fees.statement import CommissionStatement
from fiscalmodel.fees.terms import (
    Rate,
    RateTable,
    date_text,
    day_number,
    official_name,
    percent,
    rate_on,
    read_rates,
    rows_of,
)
from fiscalmodel.paths import project_root
from fiscalmodel.tables.records import FILLED, TableLike
from fiscalmodel.units import FEN_PER, convert, half_up
from fiscalmodel.words import Text, say

#: Mean and bands.
NAMES = ("mean", "lo-80", "hi-80", "lo-95", "hi-95")
COLUMNS = [
    "kind", "base_to_date_wan", "months", *NAMES, "rate_pct", *(f"fee_{n}" for n in NAMES),
    "method",
]  # fmt: skip

#: How a year's base was come by, where it was not estimated.
_WHOLE, _FLOOR = "the year is complete", "to date only"

# ---- next year's appropriation ----


@dataclass(frozen=True, repr=False)
class Appropriation:
    """What the next budget needs for commissions (手续费预算), 万元.

    In a notebook it shows itself: the need in one sentence, then each kind.

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
    notes
        What a reader has to know, in both languages.
    """

    table: pd.DataFrame
    base_year: int
    budget_year: int
    need: dict[str, float]
    arrears_wan: float
    requested_wan: float | None
    notes: tuple[Text, ...] = ()

    @property
    def answer(self) -> Text:
        """The need in one sentence: known, estimated with its band, or the least that it is."""
        low, high = self.need["lo-80"], self.need["hi-80"]
        years = {"budget_year": self.budget_year, "base_year": self.base_year}
        key = "need_floor" if _FLOOR in set(self.table["method"]) else (
            "need_known" if self.known else "need")  # fmt: skip
        return say(f"fees.{key}", **years, mean=self.need["mean"], low=low, high=high)

    @property
    def known(self) -> bool:
        """Whether the base of the whole year is there."""
        return set(self.table["method"]) <= {_WHOLE}

    def __repr__(self) -> str:
        return "\n".join(map(str, (self.answer, *self.notes)))

    def _repr_html_(self) -> str:
        from fiscalmodel.display import result_html

        names = {"kind": "receipt_kind", "mean": "base_of_year_wan", "rate_pct": "fee_rate_pct"}
        shown = self.table.rename(columns=names)
        columns = ["receipt_kind", "base_to_date_wan", "months", "base_of_year_wan", "fee_rate_pct",
                   "fee_mean", "fee_lo-80", "fee_hi-80", "method"]  # fmt: skip
        if self.known:
            columns = ["receipt_kind", "base_of_year_wan", "fee_rate_pct", "fee_mean"]
        return result_html(
            [self.answer, *self.notes], shown[columns], unit="万元", digits=2,
            caption=say("fees.budget_title", year=self.budget_year),
        )  # fmt: skip

    def plot(self, lang: str | None = None) -> Any:
        """Need with its bands against the budget requested, 万元.

        Returns
        -------
        fiscalmodel.display.Chart
        """
        from fiscalmodel import display

        title = say("fees.chart_need", budget_year=self.budget_year, base_year=self.base_year)
        figure, axis, lang = display.figure(title, lang, x="万元", size=(8.6, 2.8))
        need = self.need
        for level, width in (("95", 14), ("80", 26)):
            axis.plot([need[f"lo-{level}"], need[f"hi-{level}"]], [0, 0], lw=width,
                      color=display.SKY, alpha=0.35, solid_capstyle="butt",
                      label=say("present.band", level=float(level))(lang))  # fmt: skip
        expected = say("fees.expected")(lang)
        axis.plot(need["mean"], 0, "o", color=display.BLUE, ms=9, label=expected)
        display.note(axis, need["mean"], 0, f"{need['mean']:,.2f}", shift=18)
        if self.requested_wan is not None:
            word = say("fees.requested", amount=self.requested_wan)(lang)
            axis.axvline(self.requested_wan, color=display.RED, ls="--", label=word)
        axis.set_yticks([])
        axis.set_ylim(-1, 1.2)
        axis.margins(x=0.15)
        display.legend(axis)
        return display.Chart(figure, self.answer(lang))


def monthly_bases(statement: CommissionStatement) -> pd.DataFrame:
    """Bases by kind and month from the receipts of a statement, for `appropriation`.

    A month of the statement without a receipt of a kind has the base 0.

    Returns
    -------
    DataFrame
        ``kind, period, base_wan``.
    """
    lines = build(statement.sums, statement.receipts.names, statement.rate_book, "month")
    table = pd.DataFrame(
        [(line.kind, period_label(line.period, "month"), line.base) for line in lines],
        columns=["kind", "period", "base_wan"],
    )
    wide = table.pivot_table("base_wan", "period", "kind", "sum")
    since = statement.sums.since
    first = f"{wide.index[0][:4]}-01" if since == NO_DAY else date_text(since)
    months = pd.period_range(first, statement.as_of or wide.index[-1], freq="M").astype(str)
    long = wide.reindex(months).fillna(0.0).rename_axis("period").reset_index()
    long = long.melt("period", var_name="kind", value_name="base_wan")
    return long.assign(base_wan=long["base_wan"] / FEN_PER["万元"])


def appropriation(
    bases: TableLike | CommissionStatement,
    *,
    base_year: int,
    revenue: TableLike | None = None,
    rates: RateTable = None,
    requested_wan: float | None = None,
    arrears_fen: int = 0,
) -> Appropriation:
    """The need of the budget that pays the commissions on one year's base.

    Parameters
    ----------
    bases
        Table ``kind, period, base_wan``: the base of each month (``2025-03``)
        or of whole years (``2024``); or a statement, whose receipts have it by month.
    base_year
        Year of the base; the budget of the next year pays it (财预字〔1999〕533号).
    revenue
        Table ``kind, period, value_wan``: fines and charges by year as
        published, for a base that is known for too few years to be forecast.
    rates
        As in `commission`, by default the statement's; those in force at the end of `base_year`.
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
    total band is rather too wide than too narrow.
    """
    in_force: Sequence[Rate]
    if isinstance(bases, CommissionStatement):
        in_force = bases.rate_book.rates if rates is None else read_rates(rates)
        bases = monthly_bases(bases)
    else:
        in_force = read_rates(rates)
    known = _by_kind(bases, "bases", "base_wan")
    published = {} if revenue is None else _by_kind(revenue, "revenue", "value_wan")
    notes: list[Text] = []
    rows = []
    for kind, values in known.items():
        method, months, to_date, base, said = _base(values, published.get(kind, {}), base_year)
        named: dict[str, object] = {"kind": official_name(kind)}
        notes += [say(key, **named, **more) for key, more in said.items()]
        rate = rate_on(in_force, "", kind, "", day_number(dt.date(base_year, 12, 31)))
        if rate is None:
            notes.append(say("fees.note_no_rate", kinds=official_name(kind)))
        pct = 0.0 if rate is None else float(rate.terms.rate_pct)
        fees = [base[name] * pct / 100 for name in NAMES]
        rows.append((kind, to_date, months, *(base[n] for n in NAMES), pct, *fees, method))
    frame = pd.DataFrame(rows, columns=COLUMNS)
    arrears = arrears_fen / FEN_PER["万元"]
    need = {name: float(frame[f"fee_{name}"].sum()) + arrears for name in NAMES}
    if requested_wan is not None:
        notes.append(_verdict(requested_wan, need))
    notes = list(dict.fromkeys(notes))
    return Appropriation(
        frame, base_year, base_year + 1, need, arrears, requested_wan, tuple(notes)
    )


def _by_kind(source: TableLike, name: str, column: str) -> dict[str, dict[str, float]]:
    """Kind -> period -> sum in 万元."""
    result: dict[str, dict[str, float]] = {}
    for row in rows_of(source, name, "kind", "period", column):
        period = str(row.period("period"))
        values = result.setdefault(row.word("kind", "receipt_kind"), {})
        values[period] = values.get(period, 0.0) + row.wan(column)
    return dict(sorted(result.items()))


#: How a year's base was completed, its months, its part to date, the year, and what is to be said.
_Base = tuple[str, int, float, Mapping[str, float], Mapping[str, Mapping[str, object]]]


def _base(values: Mapping[str, float], revenue: Mapping[str, float], year: int) -> _Base:
    """The year as it stands, else completed from months or years before, else to date only."""
    months = {pd.Period(p, "M"): v for p, v in sorted(values.items()) if len(p) > 4}
    count = Counter(p.year for p in months)
    sums = {y: sum(v for p, v in months.items() if p.year == y) for y in count}
    full = {y: total for y, total in sums.items() if count[y] == 12}
    yearly = full | {int(p): v for p, v in values.items() if len(p) == 4}
    if year in yearly:
        certain = dict.fromkeys(NAMES, yearly[year])
        return _WHOLE, 12, yearly[year], certain, {}
    before = {y: v for y, v in sorted(yearly.items()) if y < year}
    to_date = sums.get(year, 0)
    if not count[year] and len(before) >= 4:
        return "forecast", 0, 0.0, _forecast(before, year), {}
    taxed = {int(p): v for p, v in sorted(revenue.items()) if int(p) < year}
    shared = [y for y in before if y in taxed]
    if not count[year] and shared and len(taxed) >= 4:
        share = before[shared[-1]] / taxed[shared[-1]]
        made = {name: value * share for name, value in _forecast(taxed, year).items()}
        said = {"fees.note_share": {"share": share, "year": shared[-1]}}
        return "forecast of revenue", 0, 0.0, made, said
    whole = {y for y in full if y < year}
    if count[year] and whole:
        kept = {p: v for p, v in months.items() if p.year in whole | {year}}
        return "nowcast_year", count[year], to_date, _completed(kept), {}
    certain = dict.fromkeys(NAMES, to_date)
    return _FLOOR, count[year], to_date, certain, {"fees.note_floor": {}}


def _completed(months: Mapping[pd.Period, float]) -> dict[str, float]:
    """Mean and bands of a year under way, from its months and whole years before it."""
    from fiscalmodel.revenue.nowcast import nowcast_year

    series = pd.Series(list(months.values()), index=pd.PeriodIndex(list(months), freq="M"))
    year = nowcast_year(series.groupby([p.year for p in months]).cumsum()).full_year
    return {name: float(year[name]) for name in NAMES}


def _forecast(values: Mapping[int, float], year: int) -> Mapping[str, float]:
    """Mean and bands of a year from the years before it."""
    from fiscalmodel.revenue.forecast import forecast

    index = pd.PeriodIndex([str(y) for y in values], freq="Y")
    made = forecast(pd.Series(list(values.values()), index=index), year - max(values))
    return {name: float(made.table[name].iloc[-1]) for name in NAMES}


def _verdict(requested: float, need: Mapping[str, float]) -> Text:
    if requested >= need["hi-80"]:
        return say("fees.request_ample", amount=requested)
    if requested >= need["mean"]:
        return say("fees.request_enough", amount=requested)
    return say("fees.request_short", amount=requested, gap=need["mean"] - requested)


def published_revenue(source: TableLike) -> pd.DataFrame:
    """Fines and charges by year from a tidy table of series, for `appropriation`.

    Parameters
    ----------
    source
        Table ``indicator, period, value, unit, kind``, as in ``data/``;
        only actual values of ``fines`` and ``administrative_charges`` are used.

    Returns
    -------
    DataFrame
        ``kind, period, value_wan``.
    """
    kinds = {"fines": "fines", "administrative_charges": "charges"}
    columns = ("indicator", "period", "value", "unit", "kind")
    rows = [
        (kinds[row.text("indicator")], row.text("period"),
         convert(row.number("value"), row.text("unit"), "万元"))
        for row in rows_of(source, "revenue", *columns)
        if row.text("indicator") in kinds and row.text("kind") == "actual"
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["kind", "period", "value_wan"])


# ---- accrual and cash, and the base behind a budget ----


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
        accrued − paid = closing.

    Raises
    ------
    InputError
        For payments without a date, which belong to no year.
    """
    cash: Counter[int] = Counter()
    for payment in read_payments(payments, dated=True):
        assert payment.day is not None  # asked for
        cash[int(date_text(payment.day)[:4])] += payment.fen
    accrued: Counter[int] = Counter()
    for period, fee in zip(statement.table["period"], statement.table["fee_fen"], strict=True):
        accrued[int(period[:4])] += int(fee)
    rows, owed = [], opening_fen
    every = sorted({*cash, *accrued})
    for year in range(every[0], every[-1] + 1) if every else ():
        closing = owed + accrued[year] - cash[year]
        rows.append((year, owed, accrued[year], cash[year], closing))
        owed = closing
    columns = ["year", "opening_fen", "accrued_fen", "paid_fen", "closing_fen"]
    return pd.DataFrame(rows, columns=columns)


def implied_base(
    budget_wan: float,
    rates: RateTable = None,
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
        ``fines_share_pct, mixed_rate_pct, base_yi``.

    Notes
    -----
    base = budget ÷ (s × rate of fines + (1 − s) × rate of charges).

    Examples
    --------
    30 万元 is 1.5 亿元 of charges or 0.6 亿元 of fines:

    >>> list(implied_base(30, {"fines": 0.5, "charges": 0.2}, on="2024-01-01")["base_yi"])[::4]
    [1.5, 0.6]
    """
    day, known = day_number(to_date(on, where="on")), read_rates(rates)
    found = {kind: rate_on(known, "", kind, "", day) for kind in ("fines", "charges")}
    pct = {kind: Fraction(0) if r is None else r.terms.rate_pct for kind, r in found.items()}
    rows = []
    for share in shares:
        part = Fraction(str(share))
        mixed = part * pct["fines"] + (1 - part) * pct["charges"]
        base = float(Fraction(str(budget_wan)) * 100 / mixed / 10_000) if mixed else float("nan")
        rows.append((float(part * 100), float(mixed), base))
    return pd.DataFrame(rows, columns=["fines_share_pct", "mixed_rate_pct", "base_yi"])


# ---- a published programme ----


def published_lines(path: str | Path | None = None) -> pd.DataFrame:
    """Lines of the treasury programme (国库业务、改革性工作经费) as printed.

    Returns
    -------
    DataFrame
        ``line, period, column, printed, unit, source, note``, in the order of
        the document; all text.
    """
    columns = ("line", "period", "column", "printed", "unit", "source", "note")
    file = project_root() / "data" / "commission_programme.csv" if path is None else Path(path)
    rows = rows_of(file, "programme", *columns)
    return pd.DataFrame([{c: row.text(c) for c in columns} for row in rows])


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
    names = {
        "年初预算": "initial_budget_wan", "当年预算合计": "initial_budget_wan",
        "年中调整": "adjusted_budget_wan", "执行": "executed_wan", "1-7月执行": "executed_wan",
        "非税代收银行手续费用": "commissions_wan",
    }  # fmt: skip
    years: dict[int, dict[str, object]] = {}
    for line, period, printed, unit in published_lines(path)[
        ["line", "period", "printed", "unit"]
    ].itertuples(index=False, name=None):
        if column := names.get(line):
            row = years.setdefault(int(period[:4]), {})
            row[column] = convert(float(printed), unit, "万元")
            if column == "executed_wan":
                row["executed_to"] = period.split("/")[-1]
    frame = pd.DataFrame([{"year": year, **row} for year, row in sorted(years.items())], columns=[
        "year", "initial_budget_wan", "adjusted_budget_wan", "executed_wan", "executed_to",
        "commissions_wan"])  # fmt: skip
    executed = frame["executed_wan"].astype(float)
    frame["of_initial_pct"] = executed / frame["initial_budget_wan"].astype(float) * 100
    frame["of_adjusted_pct"] = executed / frame["adjusted_budget_wan"].astype(float) * 100
    return frame


# ---- the other fee ----


@dataclass(frozen=True)
class PayingAgentFee:
    """Fee of one paying agent for one year, 分.

    Attributes
    ----------
    table
        ``item, count, price_fen, amount_fen``.
    full_fen
        Sum of the items.
    assessment_pct
        Result of the yearly assessment (考核).
    fee_fen
        What is paid: full × assessment, half up, at most the cap.
    """

    table: pd.DataFrame
    full_fen: int
    assessment_pct: float
    fee_fen: int


def paying_agent_fee(
    items: TableLike, *, assessment_pct: object = 100, cap_fen: int | None = None
) -> PayingAgentFee:
    """Service fee of a treasury payment agent (国库集中支付代理银行), kept apart.

    It is paid for services rendered and has nothing to do with what was
    collected. Prices are set locally, so none ships.

    Parameters
    ----------
    items
        Table ``item, count, price`` (元 each, or ``price_fen``).
    assessment_pct
        Share of the full fee that the yearly assessment grants, percent.
    cap_fen
        Upper limit, 分; None if there is none.

    Raises
    ------
    InputError
        All problems of the table at once.

    Notes
    -----
    fee = min(cap, Σ count × price × assessment). Source: 财库〔2016〕208号, which
    sets items, volume and assessment as the measure; prices are local.

    Examples
    --------
    >>> items = [{"item": "直接支付", "count": 1200, "price": "1.50"}]
    >>> paying_agent_fee(items, assessment_pct=95).fee_fen
    171000
    """
    found, pct, rows = Collector(), Fraction(100), []
    with found.catch():
        prices = ("price_yuan", "price_fen")
        for row in rows_of(items, "items", "item", "count", optional=prices):
            count = row.number("count", low=0)
            if count % 1:
                row.report("count", "fees.not_a_number_of_items", text=f"{count:g}")
            whole = 0 if count % 1 or count != count else int(count)
            price = row.fen("price_yuan" if row.blank("price_fen") else "price_fen", low=0)
            rows.append((row.text("item", FILLED), whole, price, whole * price))
    with found.catch():
        given = [{"assessment_pct": assessment_pct}]
        for row in rows_of(given, "assessment", "assessment_pct"):
            pct = percent(row, "assessment_pct", confirmed=True)
    found.raise_if_any()
    frame = pd.DataFrame(rows, columns=["item", "count", "price_fen", "amount_fen"])
    full = sum(int(v) for v in frame["amount_fen"])
    fee = half_up(full * pct / 100)
    return PayingAgentFee(frame, full, float(pct), fee if cap_fen is None else min(fee, cap_fen))
