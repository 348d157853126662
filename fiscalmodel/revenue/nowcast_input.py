"""Year-to-date months as a table of years, on the calibre of the published growth.

Gaps are filled only where they are in the way. In 2022 the ministry printed growth of 3 to 5 %
while the levels fell by 5 to 10 %: refunds (留抵退税) were left out of the growth. The year to
date then says little of the months to come; the published growth does. And a year later the
levels stand beside a low base.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from fiscalmodel.days import period
from fiscalmodel.errors import InputError
from fiscalmodel.revenue.inputs import numbers, whens
from fiscalmodel.revenue.models import Array
from fiscalmodel.series.monthly import to_cumulative, to_months
from fiscalmodel.series.types import Series
from fiscalmodel.words import Text, say

#: (Year, month) -> published growth on the year before, as a ratio.
Growth = Mapping[tuple[int, int], float]

#: Points of growth within which ratios times a hundred agree with the levels.
_AGREE = 2.0
#: Share of months that fall below the month before from which a series is no cumulative one.
_FALLING = 0.34
#: Points of growth from which level and published growth are on different calibres.
POINTS = 0.01
#: Shares of the year below this are no ground to complete a year on.
_LEAST_SHARE = 0.02
#: A whole year rebuilt from growth is believed if its share to date is this near to others'.
_NEAR = 0.08


@dataclass(frozen=True)
class YearTable:
    """Cumulative figures by year and month.

    Attributes
    ----------
    years
        Ascending, without holes; the last one is under way.
    values
        Shape (years, 12), as published; missing as NaN.
    month
        Last published month of the last year, 1 to 12.
    name, unit
        Of the series.
    notes
        What a reader should know of the input.
    """

    years: tuple[int, ...]
    values: Array
    month: int
    name: str = ""
    unit: str = ""
    notes: tuple[Text, ...] = ()

    @property
    def year(self) -> int:
        """The year under way."""
        return self.years[-1]

    @property
    def to_date(self) -> float:
        """Year to date."""
        return float(self.values[-1, self.month - 1])

    def until(self, year: int, month: int) -> YearTable | None:
        """The table as it stood after a month; None if that month was not published."""
        if year not in self.years:
            return None
        row = self.years.index(year)
        if np.isnan(self.values[row, month - 1]):
            return None
        values = self.values[: row + 1].copy()
        values[row, month:] = np.nan
        return replace(self, years=self.years[: row + 1], values=values, month=month)


def read_cumulative(cumulative: Any, as_of: str | pd.Period | None = None) -> YearTable:
    """Check and arrange a year-to-date series.

    Parameters
    ----------
    cumulative
        pandas Series on months, mapping of month to value, or the project's `Series`.
    as_of
        Last month to be used; by default the last with a value.

    Raises
    ------
    InputError
        For no value, text, infinity, labels that are no months, a month twice,
        figures that are single months rather than cumulative.
    """
    unit, name, notes = "", "", list[Text]()
    if isinstance(cumulative, Series):
        unit, name = cumulative.unit, cumulative.series_id
        if cumulative.kinds is not None and not cumulative.kinds.isin(["actual", ""]).all():
            notes.append(say("revenue.note.only_actual"))
        cumulative = cumulative.actuals().values
    given = _figures(cumulative, "cumulative", "revenue.has_no_months")
    name = name or str(given.name or "")
    values = to_cumulative(to_months(given)).dropna() if len(given) else given
    if as_of is not None:
        values = values[values.index <= month_of(as_of, "as_of")]
    if not len(values):
        raise InputError("cumulative", "revenue.no_months")
    months = pd.PeriodIndex(values.index)
    first, end = int(months[0].year), int(months[-1].year)
    table = np.full((end - first + 1, 12), np.nan)
    table[months.year.to_numpy() - first, months.month.to_numpy() - 1] = values.to_numpy()
    _refuse_single_months(table)
    missing = [first + i for i in range(len(table)) if np.isnan(table[i]).all()]
    if missing:
        notes.append(say("revenue.note.empty_years", years=whens(missing, 9)))
        table, first = table[missing[-1] + 1 - first :], missing[-1] + 1
    years = tuple(range(first, end + 1))
    return YearTable(years, table, int(months[-1].month), name, unit, tuple(notes))


def month_of(label: Any, where: str) -> pd.Period:
    """A label as a month, or an `InputError`."""
    found = period(label)
    if found is None or found.freqstr[0] != "M":
        raise InputError(where, "revenue.no_month", label=label)
    return found


def _figures(given: Any, where: str, what: str) -> pd.Series[float]:
    """The numbers of a mapping or a pandas Series by their labels."""
    if isinstance(given, dict):
        given = pd.Series(given, dtype=object)
    if not isinstance(given, pd.Series):
        raise InputError(where, what, kind=type(given).__name__)
    return pd.Series(numbers(given.to_numpy(), where), index=given.index, name=given.name)


def read_growth(published: Any, table: YearTable) -> dict[tuple[int, int], float]:
    """Published growth as a ratio, by (year, month).

    Raises
    ------
    InputError
        No months, no numbers, or ratios where percent are wanted: figures below 1 that agree
        with the growth of the levels only a hundredfold.
    """
    if published is None:
        return {}
    values = published.values if isinstance(published, Series) else published
    found = {}
    for label, number in _figures(values, "published_growth", "revenue.growth_no_series").items():
        month = month_of(label, "published_growth")
        if number > -100:
            found[(int(month.year), int(month.month))] = number / 100
    _ask_about_ratios(found, table)
    return found


def _ask_about_ratios(growth: Growth, table: YearTable) -> None:
    pairs = []
    for (year, month), ratio in growth.items():
        if year in table.years[1:]:
            row = table.years.index(year)
            now, before = table.values[row, month - 1], table.values[row - 1, month - 1]
            if now == now and before > 0:
                pairs.append((100 * ratio, 100 * (now / before - 1)))
    if not pairs or max(abs(pct) for pct, _ in pairs) >= 1:
        return
    given, levels = (np.array(column) for column in zip(*pairs, strict=True))
    hundredfold, as_given = (np.abs(x - levels).mean() for x in (100 * given, given))
    if hundredfold < min(as_given, _AGREE):
        shown = float(given[np.abs(given).argmax()])
        raise InputError("published_growth", "revenue.growth_ratio", value=shown, pct=100 * shown)


def _refuse_single_months(table: Array) -> None:
    """Single months fall as often as they rise; cumulative figures hardly ever do."""
    falls = rises = 0
    for row in table:
        known = row[~np.isnan(row)]
        if len(known) and (known >= 0).all():
            falls += int((np.diff(known) < 0).sum())
            rises += int((np.diff(known) > 0).sum())
    if falls + rises >= 6 and falls > _FALLING * (falls + rises):
        raise InputError("cumulative", "revenue.single_months", falls=falls, of=falls + rises)


def fill_years(table: Array) -> Array:
    """Past years with inner gaps filled at the position that other years had there.

    Parameters
    ----------
    table
        Cumulative, shape (years, 12); month 0 counts as nought.

    Notes
    -----
    A gap between months a < m < b of a year is put at c_a + q (c_b − c_a), with q the
    median position of month m in the years that have all three, else (m − a)/(b − a).
    Months after a year's last figure stay missing.
    """
    padded = np.concatenate([np.zeros((len(table), 1)), table], axis=1)
    known = ~np.isnan(padded)
    filled = padded.copy()
    for i in range(len(padded)):
        at = np.flatnonzero(known[i])
        for a, b in itertools.pairwise(at):
            for m in range(a + 1, b):
                rows = known[:, a] & known[:, m] & known[:, b]
                width = padded[rows, b] - padded[rows, a]
                positions = (padded[rows, m] - padded[rows, a])[width != 0] / width[width != 0]
                q = float(np.median(positions)) if len(positions) else (m - a) / (b - a)
                q = min(max(q, 0.0), 1.0)
                filled[i, m] = padded[i, a] + q * (padded[i, b] - padded[i, a])
    return filled[:, 1:]


def underlying(table: YearTable, growth: Growth) -> tuple[Array, list[Text]]:
    """Years on the calibre of the published growth, gaps filled: shape (years, 12).

    Notes
    -----
    Where growth from the levels and published growth differ by more than a point, the year's
    like-for-like figure is c(m, year − 1) · (1 + g). What it lies above the published level is
    carried to the later months of that year. The year to date itself stays what it is: the
    caller adds the remainder of the like-for-like year to it.
    """
    now = (table.year, table.month)
    growth = {month: g for month, g in growth.items() if month <= now}
    values, notes = rebuilt(table, growth)
    result, years, adjusted = fill_years(values), table.years, []
    for row in range(1, len(years)):
        extra, end = 0.0, table.month if row == len(years) - 1 else 12
        for m in range(end):
            g, level, before = growth.get((years[row], m + 1)), values[row, m], values[row - 1, m]
            comparable = g is not None and level == level and before > 0
            if g is not None and comparable and abs(level / before - 1 - g) > POINTS:
                # A gap once opened stays: refunds paid in June do not come back in July.
                extra = before * (1 + g) - level
                adjusted.append(years[row])
            result[row, m] += extra
    if adjusted:
        notes.append(
            say("revenue.note.other_calibre", years=whens(list(dict.fromkeys(adjusted)), 9))
        )
    return result, notes


def rebuilt(table: YearTable, growth: Growth) -> tuple[Array, list[Text]]:
    """Levels, with full years that lack found from later growth or from other years' shares."""
    values, notes = table.values.copy(), list[Text]()
    years = table.years
    for row in range(len(years) - 1):
        if not np.isnan(values[row, 11]):
            continue
        after = growth.get((years[row] + 1, 12))
        whole = values[row + 1, 11]
        at = int(np.flatnonzero(~np.isnan(values[row]))[-1]) + 1
        others = [
            i for i in range(len(years) - 1)
            if i != row and not np.isnan(values[i, 11]) and values[i, 11] > 0
        ]  # fmt: skip
        shares = fill_years(values)[others, at - 1] / values[others, 11]
        shares = shares[~np.isnan(shares) & (shares > _LEAST_SHARE)]
        if after is not None and not np.isnan(whole):
            full = whole / (1 + after)
            share = values[row, at - 1] / full if full else np.nan
            if not len(shares) or abs(share - np.median(shares)) < _NEAR:
                values[row, 11] = full
                notes.append(
                    say("revenue.note.year_from_growth", year=years[row], later=years[row] + 1)
                )
                continue
        if len(shares):
            values[row, 11] = values[row, at - 1] / float(np.median(shares))
            notes.append(say("revenue.note.year_from_share", year=years[row], month=at))
    return values, notes
