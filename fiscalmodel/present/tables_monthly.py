"""The standard monthly table: budget, month, year to date, progress, change on the year, share."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from fiscalmodel.present.labels import label
from fiscalmodel.series.monthly import monthly_report

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
        ``params/labels.yaml`` or printed ones).
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
