"""Published growth on another calibre than the levels, and years that are not whole.

In 2022 the ministry printed growth of 3 to 5 % while the levels fell by 5 to 10 %: refunds
(留抵退税) were left out of the growth. The year to date then says little of the months to
come; the published growth does. And a year later the levels stand beside a low base.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from fiscalmodel.revenue.nowcast_input import Array, YearTable, fill_years

Growth = Mapping[tuple[int, int], float]

#: Points of growth from which level and published growth are on different calibres.
POINTS = 0.01
#: Shares of the year below this are no ground to complete a year on.
_LEAST_SHARE = 0.02
#: A whole year rebuilt from growth is believed if its share to date is this near to others'.
_NEAR = 0.08


def underlying(table: YearTable, growth: Growth) -> tuple[Array, list[str]]:
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
    made = fill_years(values)
    years = table.years
    adjusted = []
    result: Array = made.copy()
    for row in range(1, len(years)):
        end = table.month if row == len(years) - 1 else 12
        extra, differs_at = 0.0, 0
        for m in range(1, end + 1):
            g = growth.get((years[row], m))
            level, before = float(values[row, m - 1]), float(values[row - 1, m - 1])
            comparable = g is not None and not np.isnan(level) and before > 0
            if g is not None and comparable and abs(level / before - 1 - g) > POINTS:
                # A gap once opened stays: refunds paid in June do not come back in July.
                extra, differs_at = before * (1 + g) - level, m
            result[row, m - 1] = made[row, m - 1] + extra
        if differs_at:
            adjusted.append(str(years[row]))
    if adjusted:
        notes.append(
            f"published growth and levels are on different calibres in {', '.join(adjusted)}: "
            "the published growth stands for the underlying one 同口径; what was left out of it "
            "is not carried into the months to come"
        )
    return result, notes


def rebuilt(table: YearTable, growth: Growth) -> tuple[Array, list[str]]:
    """Levels, with full years that lack found from later growth or from other years' shares."""
    values, notes = table.values.copy(), []
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
                    f"{years[row]}: full year from the growth published for {years[row] + 1}"
                )
                continue
        if len(shares):
            values[row, 11] = values[row, at - 1] / float(np.median(shares))
            notes.append(
                f"{years[row]} ends with month {at}: its full year is reckoned at the share that "
                "the other years had there"
            )
    return values, notes
