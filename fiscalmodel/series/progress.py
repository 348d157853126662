"""What a monthly report derives: completion 完成率, even progress 均衡进度, 同比, shares 比重."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from fiscalmodel.days import period
from fiscalmodel.errors import InputError
from fiscalmodel.series.monthly import to_months


@dataclass(frozen=True)
class Progress:
    """How far a budget is executed.

    Attributes
    ----------
    completion_pct
        Executed ÷ budget 完成预算, percent.
    even_pct
        Months gone ÷ 12 均衡进度, percent.
    gap_points
        The first less the second, percentage points.
    """

    completion_pct: float
    even_pct: float
    gap_points: float


def progress(executed: float, budget: float, month: int | str | pd.Period) -> Progress:
    """Completion of a budget against even progress through the year.

    Parameters
    ----------
    executed, budget
        Year to date and full year, same unit and same calibre.
    month
        1 to 12, or a month such as ``2024-02``.

    Raises
    ------
    InputError
        If the budget is not above zero or the month is none.

    Examples
    --------
    Lintao County, February 2024, 万元 (大口径财政收入):

    >>> found = progress(17056, 105425, "2024-02")
    >>> round(found.completion_pct, 2), round(found.even_pct, 2), round(found.gap_points, 2)
    (16.18, 16.67, -0.49)
    """
    if not budget > 0:
        raise InputError("budget", f"{budget} is not above zero", "completion needs a budget")
    completion = 100 * executed / budget
    even = even_progress_pct(month)
    return Progress(completion, even, completion - even)


def even_progress_pct(month: int | str | pd.Period) -> float:
    """Months gone in percent of the year.

    >>> even_progress_pct(6), even_progress_pct("2024-12")
    (50.0, 100.0)
    """
    number = month if isinstance(month, int) else None
    if number is None:
        when = period(month)
        number = int(when.month) if when is not None and when.freqstr[0] == "M" else None
    if number is None or not 1 <= number <= 12:
        raise InputError("month", f"{month!r} is no month", "give 1 to 12, or such as 2024-02")
    return 100 * number / 12


def year_on_year(
    cumulative: pd.Series[float], growth_pct: pd.Series[float] | None = None
) -> pd.DataFrame:
    """Change on the same months of the year before, in amount and percent.

    Parameters
    ----------
    cumulative
        Year-to-date figures on a monthly `PeriodIndex`, any unit.
    growth_pct
        Published like-for-like 同口径 growth on the same index, percent.

    Returns
    -------
    DataFrame
        ``value, before, change, change_pct`` as published (自然口径); with
        `growth_pct` also ``like_for_like_pct``, the base it implies
        ``like_for_like_before = value / (1 + g)``, ``like_for_like_change`` and
        ``calibre_gap = like_for_like_before − before``. Missing where either
        month is missing.
    """
    if not isinstance(cumulative.index, pd.PeriodIndex) or cumulative.index.freqstr[0] != "M":
        raise InputError("cumulative", "the index is not monthly", "use a PeriodIndex of months")
    before = cumulative.copy()
    before.index = cumulative.index + 12
    table = pd.DataFrame({"value": cumulative, "before": before.reindex(cumulative.index)})
    table["change"] = table["value"] - table["before"]
    positive = table["before"].where(table["before"] > 0)
    table["change_pct"] = 100 * table["change"] / positive
    if growth_pct is not None:
        growth = growth_pct.reindex(cumulative.index)
        table["like_for_like_pct"] = growth
        table["like_for_like_before"] = table["value"] / (1 + growth / 100)
        table["like_for_like_change"] = table["value"] - table["like_for_like_before"]
        table["calibre_gap"] = table["like_for_like_before"] - table["before"]
    return table


def shares_pct(parts: pd.DataFrame, total: str) -> pd.DataFrame:
    """Each column in percent of the column `total` (税收、非税占比); missing unless it is above 0.

    Raises
    ------
    InputError
        If there is no such column.
    """
    if total not in parts.columns:
        raise InputError(
            "total", f"no column {total!r}", f"columns: {'、'.join(map(str, parts.columns))}"
        )
    whole = parts[total].where(parts[total] > 0)
    return 100 * parts.drop(columns=total).div(whole, axis=0)


def monthly_report(
    cumulative: pd.DataFrame,
    month: str | pd.Period,
    *,
    budget: pd.Series[float] | dict[str, float] | None = None,
    growth_pct: pd.DataFrame | None = None,
    total: str | None = None,
) -> pd.DataFrame:
    """One month of a monthly report, one row an item.

    Parameters
    ----------
    cumulative
        Year-to-date figures, months by items, one unit.
    month
        The month reported.
    budget
        Item -> full-year budget of the same calibre, where there is one.
    growth_pct
        Published like-for-like growth, months by items, where there is any.
    total
        Item that the shares are of; the first if not given.

    Returns
    -------
    DataFrame
        Index ``item``; columns ``budget, month, span, cumulative, completion_pct,
        even_pct, gap_points, before, change, change_pct, like_for_like_pct,
        share_pct``. Missing is missing: no budget, no completion.

    Raises
    ------
    InputError
        If the month is not in the table, or a budget names no item.
    """
    when = period(month)
    if when is None or when not in cumulative.index:
        raise InputError("month", f"{month} is not in the figures", f"last: {cumulative.index[-1]}")
    at = list(cumulative.index).index(when)
    whole = total or str(cumulative.columns[0])
    budgets = dict(budget) if budget is not None else {}
    for item in budgets:
        if item not in cumulative.columns:
            known = "、".join(map(str, cumulative.columns))
            raise InputError("budget", f"{item!r} is no item", f"items: {known}")
    rows = {}
    for item in cumulative.columns:
        months = to_months(cumulative[item])
        growth = growth_pct[item] if growth_pct is not None and item in growth_pct else None
        compared = year_on_year(cumulative[item], growth).iloc[at]
        value, planned = float(compared["value"]), budgets.get(item, np.nan)
        done = progress(value, planned, when) if planned > 0 else None
        rows[item] = {
            "budget": planned,
            "month": float(months[months.index == when].iloc[0]),
            "span": months.attrs["span"].get(str(when), 1),
            "cumulative": value,
            "completion_pct": done.completion_pct if done else np.nan,
            "even_pct": even_progress_pct(when),
            "gap_points": done.gap_points if done else np.nan,
            "before": float(compared["before"]),
            "change": float(compared["change"]),
            "change_pct": float(compared["change_pct"]),
            "like_for_like_pct": float(compared.get("like_for_like_pct", np.nan)),
            "share_pct": 100 * value / float(cumulative[whole].iloc[at]),
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("item")
