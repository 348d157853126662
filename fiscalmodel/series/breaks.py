"""Breaks in a series: what a step looks like that growth alone hardly explains.

The detector states its evidence and never a cause: a jump may be a change of
calibre, a one-off sale, or a true boom; only the source can tell.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

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


def find_breaks(yearly: pd.Series[float]) -> list[Break]:
    """Likely unannounced breaks of calibre in yearly values, in order.

    Parameters
    ----------
    yearly
        Values on years. Missing values are skipped.

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
    known = yearly.dropna()
    if len(known) <= _LEAST or (known <= 0).any():
        return []
    return list(_outliers(known))


def _outliers(yearly: pd.Series[float]) -> Iterator[Break]:
    levels = yearly.to_numpy(dtype=float)
    years = [int(str(label)[:4]) for label in yearly.index]
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
