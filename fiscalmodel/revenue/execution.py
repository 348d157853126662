"""预算执行分析: the monthly table, progress beside the usual one, and who lags in spending."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from fiscalmodel.days import period
from fiscalmodel.display import BLUE, GREY, ORANGE, RED, Chart, legend
from fiscalmodel.errors import InputError
from fiscalmodel.revenue.inputs import when
from fiscalmodel.revenue.nowcast import Nowcast, nowcast_year
from fiscalmodel.revenue.nowcast_input import read_cumulative
from fiscalmodel.revenue.nowcast_items import nowcast_items, with_total
from fiscalmodel.revenue.result import InMoney, lying
from fiscalmodel.series.monthly import even_progress_pct, to_months
from fiscalmodel.units import amount_text
from fiscalmodel.words import EMPTY, Text, label, say

_MONEY = ("budget", "month", "cumulative", "before", "change")


def monthly_table(
    cumulative: pd.DataFrame,
    month: str | pd.Period,
    *,
    budget: Mapping[str, float] | None = None,
    growth_pct: pd.DataFrame | None = None,
    total: str | None = None,
    unit: str = "万元",
    lang: str = "zh",
    digits: int = 0,
) -> pd.DataFrame:
    """The monthly table as it is printed, ready to show.

    Parameters
    ----------
    cumulative
        Year-to-date figures in `unit`, months by items (English names of
        ``params/words/labels.yaml`` or printed ones).
    month
        The month reported.
    budget
        Item -> full-year budget of the same calibre, where there is one.
    growth_pct
        Published like-for-like 同口径 growth, months by items, where there is any.
    total
        Item that the shares are of; the first if not given.
    unit
        Said in the headers of amounts.
    lang
        ``zh`` or ``en``.
    digits
        Decimals of amounts; percents have two.

    Returns
    -------
    DataFrame
        One row an item, headers in `lang`; columns without any figure (no
        budget, no published growth) are left out, and a figure that covers more
        than one month, such as January-February, is said so in its own column.

    Raises
    ------
    InputError
        If the month is not in the table, or a budget names no item.
    """
    then = period(month)
    if then is None or then not in cumulative.index:
        last = cumulative.index[-1]
        raise InputError("month", "series.not_in_figures", month=month, last=last)
    for item in budget or {}:
        if item not in cumulative.columns:
            names = list(cumulative.columns)
            raise InputError("budget", "series.no_item", name=item, names=names)
    now = cumulative.reindex([then]).iloc[0]
    before = cumulative.reindex([then - 12]).iloc[0]
    table = pd.DataFrame({"budget": pd.Series(dict(budget or {}), dtype=float)}, now.index)
    months = {item: to_months(cumulative[item]) for item in cumulative}
    table["month"] = [float(one[one.index == then].iloc[0]) for one in months.values()]
    table["span"] = [one.attrs["span"].get(str(then), 1) for one in months.values()]
    table["cumulative"] = now
    table["completion_pct"] = 100 * now / table["budget"].where(table["budget"] > 0)
    table["even_pct"] = even_progress_pct(then)
    table["gap_points"] = table["completion_pct"] - table["even_pct"]
    table["before"], table["change"] = before, now - before
    table["change_pct"] = 100 * table["change"] / before.where(before > 0)
    if growth_pct is not None:
        table["like_for_like_pct"] = growth_pct.reindex([then]).iloc[0].reindex(now.index)
    table["share_pct"] = 100 * now / now[total or str(cumulative.columns[0])]
    if (table["span"] == 1).all():
        table = table.drop(columns="span")
    if table["budget"].isna().all():
        table = table.drop(columns=["even_pct"])
    table = table.dropna(axis=1, how="all")
    table = table.round({c: digits if c in _MONEY else 2 for c in table.columns})
    table = table.rename(columns={c: _head(c, unit, lang) for c in table.columns})
    items = [label(str(item), lang, "terms") for item in table.index]
    table.index = pd.Index(items, name=_head("item", unit, lang))
    return table


def _head(column: str, unit: str, lang: str) -> str:
    text = label(column, lang, "monthly")
    if column not in _MONEY:
        return text
    return f"{text}（{unit}）" if lang == "zh" else f"{text} ({unit})"


def progress_by_month(
    cumulative: Any, found: Nowcast, full_year: float | None = None
) -> pd.DataFrame:
    """Progress of the year under way against even progress 均衡进度 and against past years.

    Parameters
    ----------
    cumulative
        Year-to-date figures that `found` was made of.
    full_year
        What is 100 %: by default the budget of `found`.

    Returns
    -------
    DataFrame
        ``month, to_date, done_pct, even_pct, gap_points, usual_pct``: what is in, as a share of
        the full year; months ÷ 12; the first less the second; and the median share that was in
        by then in the years before. Without a budget, done and gap are missing.
    """
    whole = full_year or found.budget or float("nan")
    months = [p.month for p in found.by_month["month"]]
    table = found.by_month[["month", "to_date"]].copy()
    table["done_pct"] = 100 * table["to_date"] / whole
    table["even_pct"] = [even_progress_pct(month) for month in months]
    table["gap_points"] = table["done_pct"] - table["even_pct"]
    table["usual_pct"] = usual_shares(cumulative, found.year).reindex(months).to_numpy()
    return table


def usual_shares(cumulative: Any, before: int) -> pd.Series[float]:
    """Median share of the year in percent that was in by each month, over finished years.

    Parameters
    ----------
    cumulative
        As for `nowcast_year`.
    before
        Years from this one on are left out.

    Returns
    -------
    Series
        On months 1 to 12; NaN where no finished year has the month.

    Examples
    --------
    >>> shares = usual_shares({"2022-06": 40, "2022-12": 100, "2023-06": 60, "2023-12": 120}, 2024)
    >>> float(shares[6]), float(shares[12])
    (45.0, 100.0)
    """
    table = read_cumulative(cumulative)
    rows = [
        100 * row / row[11]
        for year, row in zip(table.years, table.values, strict=True)
        if year < before and row[11] == row[11] and row[11] != 0
    ]
    return pd.DataFrame(rows, columns=range(1, 13), dtype=float).median()


# ---------------------------------------------------------------- expenditure


@dataclass(frozen=True, eq=False, repr=False)
class Spending(InMoney):
    """Progress of expenditure 支出进度, unit by unit, the whole last.

    Attributes
    ----------
    table
        ``item, budget, to_date, done_pct, even_pct, gap_points, usual_pct, mean, lo-80, hi-80,
        unspent, lags``: completion of the budget, months ÷ 12, the first less the second, the
        median share of past years that was spent by then, the year-end estimate, what it leaves
        of the budget (negative: over it), and whether the unit lags. Missing without a budget.
    found
        The year-end estimates behind it.
    notes
        What was done.

    Notes
    -----
    A unit lags 支出进度滞后 that is `behind` points or more below even progress, and as far below
    the share that it had spent by then in past years, where there are any: one that always spends
    late does not.
    """

    table: pd.DataFrame
    found: Mapping[str, Nowcast]
    notes: tuple[Text, ...]
    unit: str = ""

    @property
    def lagging(self) -> pd.DataFrame:
        """The units that lag, the furthest behind even progress first."""
        units = self.table.iloc[:-1] if len(self.table) > 1 else self.table
        return units[units["lags"]].sort_values("gap_points", ignore_index=True)

    @property
    def answer(self) -> Text:
        """What is spent, the gap to even progress, what the year will come to, and who lags."""
        name, whole = list(self.found)[-1], self.table.iloc[-1]
        mean, budget = float(whole["mean"]), float(whole["budget"])
        done = EMPTY
        if budget == budget:
            left = float(whole["unspent"])
            done = say(
                "revenue.spending_done", done=whole["done_pct"], gap=abs(whole["gap_points"]),
                side=say(f"revenue.spending_{'ahead' if whole['gap_points'] >= 0 else 'behind'}"),
                left=say(f"revenue.spending_{'left' if left >= 0 else 'over'}",
                         amount=amount_text(abs(left), self.unit, like=budget)),
            )  # fmt: skip
        said = say(
            "revenue.answer_spending", month=when(self.found[name].as_of), done=done,
            to_date=amount_text(whole["to_date"], self.unit, like=mean),
            mean=amount_text(mean, self.unit),
        )  # fmt: skip
        if len(self.table) == 1 or self.table["budget"].isna().all():
            return said
        units = [
            say("revenue.spending_unit", name=row["item"], gap=row["gap_points"])
            for _, row in self.lagging.iterrows()
        ]
        return said + say(f"revenue.spending_{'lag' if units else 'none_lags'}", units=units)

    @property
    def short(self) -> pd.DataFrame:
        """By unit: budget, what is spent, progress, the year-end estimate and who lags."""
        columns = ["item", "budget", "to_date", "done_pct", "gap_points", "usual_pct", "mean",
                   "unspent", "lags"]  # fmt: skip
        return self.table[columns].dropna(axis=1, how="all")

    def plot(self, lang: str | None = None) -> Chart:
        """Completion by unit beside even progress and what was usual by then; who lags in red."""
        rows = self.table[self.table["done_pct"].notna()][::-1].reset_index(drop=True)
        title = say("revenue.chart_spending")
        made, axis, lang, places = lying(title, list(rows["item"]), lang, "%")
        axis.barh(places, rows["done_pct"], color=np.where(rows["lags"], RED, BLUE), height=0.55)
        axis.scatter(rows["usual_pct"], places, color=ORANGE, marker="|", s=240, linewidth=2,
                     zorder=3, label=label("usual_pct", lang, "revenue"))  # fmt: skip
        if len(rows):
            axis.axvline(rows["even_pct"].iloc[0], color=GREY, linestyle="--",
                         label=label("even_pct", lang, "monthly"))  # fmt: skip
        legend(axis)
        return Chart(made, self.answer(lang))


def spending_progress(
    cumulative: Any,
    budget: Mapping[str, float] | float | None = None,
    *,
    total: str | None = None,
    as_of: str | pd.Period | None = None,
    unit: str = "",
    behind: float = 5.0,
) -> Spending:
    """Progress of expenditure: year-end estimate, gap to even progress, units that lag.

    Parameters
    ----------
    cumulative
        Year-to-date expenditure of this year and years before: months by units, or one series.
    budget
        Unit -> budget of the year, same unit and calibre; of one series its budget.
    total
        Column of the whole; by default the units are added up.
    as_of, unit
        As in `nowcast_items`.
    behind
        Percentage points from which a unit lags: five, unless the office has a rule of its own.

    Returns
    -------
    Spending

    Raises
    ------
    InputError
        As `nowcast_items`, or `nowcast_year` for one series.

    Notes
    -----
    The estimates are those of `nowcast_items`, units and whole reconciled. Where every unit but
    not the whole has a budget, the whole's is their sum. Spending may run over a budget that is
    adjusted: the budget does not bound the estimate.
    """
    notes: tuple[Text, ...]
    if isinstance(cumulative, pd.DataFrame):
        budgets = dict(budget) if isinstance(budget, Mapping) else {}
        given, name = with_total(cumulative, total)
        units = [str(c) for c in given.columns if c != name]
        if name not in budgets and units and all(u in budgets for u in units):
            budgets[name] = sum(budgets[u] for u in units)
        made = nowcast_items(cumulative, total=total, budget=budgets, as_of=as_of, unit=unit)
        found, notes = {**made.items, name: made.total}, made.notes
        series: dict[str, Any] = {str(column): given[column] for column in given}
    else:
        one = nowcast_year(cumulative, budget=budget, as_of=as_of)  # type: ignore[arg-type]
        name = one.name or "total"
        found, notes, series = {name: one}, one.notes, {name: cumulative}
        unit = unit or one.unit
    rows = []
    for name, one in found.items():
        whole = np.nan if one.budget is None else one.budget
        usual = usual_shares(series[name], one.year).get(one.as_of.month, np.nan)
        done, even = 100 * one.to_date / whole, even_progress_pct(one.as_of)
        rows.append({
            "item": name, "budget": whole, "to_date": one.to_date, "done_pct": done,
            "even_pct": even, "gap_points": done - even, "usual_pct": usual,
            **one.full_year[["mean", "lo-80", "hi-80"]].to_dict(),
            "unspent": whole - one.full_year["mean"],
            "lags": bool(done - even <= -behind and not done > usual - behind),
        })  # fmt: skip
    return Spending(pd.DataFrame(rows), found, notes, unit)
