"""How good the nowcasts of past years would have been, month by month."""

from __future__ import annotations

from typing import Any

import pandas as pd

from fiscalmodel.errors import InputError
from fiscalmodel.revenue.nowcast import nowcast_year
from fiscalmodel.revenue.nowcast_input import read_cumulative


def review_years(cumulative: Any, *, published_growth: Any = None, least: int = 1) -> pd.DataFrame:
    """Nowcast every month of every finished year with what was known then.

    Parameters
    ----------
    cumulative, published_growth
        As for `nowcast_year`; growth of later months is not used.
    least
        Whole years that must lie before.

    Returns
    -------
    DataFrame
        ``year, month, to_date, mean, lo-80, hi-80, lo-95, hi-95, plain_growth, outturn,
        error_pct, plain_error_pct``, one row for each published month but the last.

    Raises
    ------
    InputError
        If no year is finished with enough years before it.
    """
    table = read_cumulative(cumulative)
    ends = {
        year: float(row[11])
        for year, row in zip(table.years, table.values, strict=True)
        if row[11] == row[11]
    }
    frames = []
    for year, outturn in ends.items():
        before = [y for y in ends if y < year]
        if len(before) < least or year - 1 not in ends:
            continue
        found = nowcast_year(cumulative, published_growth=published_growth, as_of=f"{year}-12")
        frame = found.by_month.iloc[:-1].copy()
        frame.insert(0, "year", year)
        frame["month"] = [m.month for m in frame["month"]]
        frame["outturn"] = outturn
        frames.append(frame)
    if not frames:
        raise InputError(
            "cumulative", "no finished year with one before it", "give two whole years or more"
        )
    result = pd.concat(frames, ignore_index=True)
    result["error_pct"] = 100 * (result["mean"] / result["outturn"] - 1)
    result["plain_error_pct"] = 100 * (result["plain_growth"] / result["outturn"] - 1)
    return result


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


def accuracy(review: pd.DataFrame, months: tuple[int, ...] = (3, 6, 9, 11)) -> pd.DataFrame:
    """Mean absolute percentage errors by month gone, beside plain growth.

    Returns
    -------
    DataFrame
        ``month, years, mape, plain_mape, ratio, coverage_80, coverage_95``.
    """
    rows = []
    for month in months:
        part = review[review["month"] == month]
        if not len(part):
            continue
        own = float(part["error_pct"].abs().mean())
        plain = float(part["plain_error_pct"].abs().mean())
        inside = [
            100 * float(part["outturn"].between(part[f"lo-{x}"], part[f"hi-{x}"]).mean())
            for x in (80, 95)
        ]
        ratio = own / plain if plain > 0 else float("nan")
        rows.append((month, len(part), own, plain, ratio, *inside))
    columns = ["month", "years", "mape", "plain_mape", "ratio", "coverage_80", "coverage_95"]
    return pd.DataFrame(rows, columns=columns)
