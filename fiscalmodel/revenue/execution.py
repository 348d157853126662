"""预算执行分析: the standard monthly table, and progress through the year beside the usual one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from fiscalmodel.revenue.nowcast import Nowcast
from fiscalmodel.revenue.nowcast_input import read_cumulative
from fiscalmodel.series.monthly import even_progress_pct, monthly_report
from fiscalmodel.words import label

_DIGITS = {"budget": 0, "month": 0, "cumulative": 0, "before": 0, "change": 0}


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
    month, budget, growth_pct, total
        As in `fiscalmodel.series.monthly.monthly_report`.
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
    """
    report = monthly_report(
        cumulative,
        month,
        budget=None if budget is None else dict(budget),
        growth_pct=growth_pct,
        total=total,
    )
    if (report["span"] == 1).all():
        report = report.drop(columns="span")
    if "budget" in report and report["budget"].isna().all():
        report = report.drop(columns=["budget", "completion_pct", "even_pct", "gap_points"])
    report = report.dropna(axis=1, how="all")
    rounded = report.round({c: digits if c in _DIGITS else 2 for c in report.columns})
    heads = {c: _head(c, unit, lang) for c in rounded.columns}
    table = rounded.rename(columns=heads)
    table.index = pd.Index(
        [label(str(item), lang, "terms") for item in table.index], name=_head("item", unit, lang)
    )
    return table


def _head(column: str, unit: str, lang: str) -> str:
    text = label(column, lang, "monthly")
    if column not in _DIGITS:
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
