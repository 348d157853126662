"""Breaks in a series: what a step looks like that growth alone hardly explains.

The detector states its evidence and never a cause: a jump may be a change of
calibre, a one-off sale, or a true boom; only the source can tell.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from fiscalmodel.days import period
from fiscalmodel.series.calibre import link_calibre
from fiscalmodel.series.types import Series
from fiscalmodel.words import Text, say

#: Fewest yearly growths from which an outlying one can be told.
_LEAST = 4
#: A step is flagged beyond this many spreads of the others (more if they are few) …
_SCORE = 3.0
#: … and beyond this many log points from their median (0.15 is about 16 %).
_SIZE = 0.15
#: … and this many log points outside their range.
_BEYOND = 0.10
#: Spread taken at least, in log points, so that a smooth history is not hypersensitive.
_FLOOR = 0.035


@dataclass(frozen=True)
class Break:
    """A step in the level between two periods.

    Attributes
    ----------
    period
        The first period after the step, as the series labels it.
    amount
        Size in the series' unit, on the level before the step.
    pct
        The same in percent of the level before.
    evidence
        What was seen, in figures; no cause.
    """

    period: str
    amount: float
    pct: float
    evidence: Text

    @property
    def said(self) -> Text:
        """Period, size and evidence in one line."""
        return say(
            "series.break", period=self.period, amount=self.amount, pct=self.pct,
            evidence=self.evidence,
        )  # fmt: skip

    def __str__(self) -> str:
        return str(self.said)


def find_breaks(
    series: Series | pd.Series[float], growth_pct: Mapping[object, float] | None = None
) -> list[Break]:
    """Likely unannounced breaks of calibre in a series, in order.

    Parameters
    ----------
    series
        Yearly, quarterly or monthly values; the last two are compared year on
        year at the latest period that all years have. Missing values are skipped.
    growth_pct
        Published like-for-like growth by later year, in percent, if known: it
        then decides, beyond the rounding of what was printed.

    Returns
    -------
    list of Break
        Empty if nothing stands out, or if fewer than four growths are known.

    Notes
    -----
    With yearly log growth ``g``, year ``t`` stands out if ``|g_t − m| > 0.15``,
    ``|g_t − m| > 3·(1 + 1.5/k)·s`` and ``g_t`` lies 0.10 outside the range of the
    others. Here ``m`` is the median of the ``k`` other years, and ``s`` the largest
    of 1.4826 times their median absolute deviation, half their standard deviation
    and 0.035. A step that a neighbouring year takes back by more than half is a
    one-off, not a break.
    """
    if growth_pct is not None:
        found = link_calibre(series, growth_pct).breaks
        return [
            Break(str(k), float(row["amount"]), float(row["pct"]), row["evidence"])
            for k, row in found.iterrows()
        ]
    if isinstance(series, Series):
        if series.unit == "%":
            return []
        if series.kinds is None:
            series = series.values
        else:
            series = series.values[series.kinds.isin(["actual", "estimate"])]
    yearly = _yearly(series)
    if len(yearly) <= _LEAST or (yearly <= 0).any():
        return []
    return list(_outliers(yearly))


def _outliers(yearly: pd.Series[float]) -> Iterator[Break]:
    levels = yearly.to_numpy(dtype=float)
    years = [int(y) for y in yearly.index]
    steps = np.diff(years)
    growth = np.diff(np.log(levels)) / steps
    for i, g in enumerate(growth):
        others = np.delete(growth, i)
        middle = float(np.median(others))
        spread = max(
            1.4826 * float(np.median(np.abs(others - middle))), 0.5 * float(others.std()), _FLOOR
        )
        gap = float(g) - middle
        # In a history that swings anyway, only what lies well outside its range stands out.
        beyond = max(float(g) - float(others.max()), float(others.min()) - float(g))
        if (
            abs(gap) <= _SIZE
            or abs(gap) <= _SCORE * (1 + 1.5 / len(others)) * spread
            or beyond < _BEYOND
        ):
            continue
        # A neighbour that undoes the step shows a one-off in the year between.
        undone = i + 1 < len(growth) and (growth[i + 1] - middle) * gap < -0.5 * gap**2
        undoes = i > 0 and (growth[i - 1] - middle) * gap < -0.5 * gap**2
        if undone or undoes:
            continue
        before = float(levels[i])
        amount = before * math.expm1(gap * steps[i])
        end = "last" if i + 1 == len(growth) else "inner"
        yield Break(
            str(years[i + 1]),
            amount,
            100 * amount / before,
            say(
                f"series.evidence.{end}",
                growth=100 * math.expm1(g),
                usual=100 * math.expm1(middle),
                times=abs(gap) / spread,
            ),
        )


def _yearly(values: pd.Series[float]) -> pd.Series[float]:
    """One comparable value a year, indexed by the year."""
    known = values.dropna()
    if not isinstance(known.index, pd.PeriodIndex):
        parsed = [period(label) for label in known.index]
        if any(p is None for p in parsed):
            return pd.Series(dtype=float)
        known = pd.Series(known.to_numpy(dtype=float), index=pd.PeriodIndex(parsed))
    index = pd.PeriodIndex(known.index)
    if index.freqstr[0] in "YA":
        return pd.Series(known.to_numpy(dtype=float), index=index.year)
    table = pd.DataFrame(
        {"year": index.year, "month": index.month, "value": known.to_numpy(dtype=float)}
    ).pivot_table(index="month", columns="year", values="value")
    if _is_cumulative(table):
        full = table.dropna()
        return full.iloc[-1] if len(full) else pd.Series(dtype=float)
    complete = table.dropna(axis=1)
    return complete.sum() if len(complete.columns) else pd.Series(dtype=float)


def _is_cumulative(table: pd.DataFrame) -> bool:
    """Whether values only grow within nearly all years, as year-to-date figures do."""
    steps = table.diff().to_numpy(dtype=float)
    known = steps[np.isfinite(steps)]
    return len(known) >= 3 and float((known > 0).mean()) > 0.9
