"""Like-for-like 同口径 linking: published levels restated to the latest calibre."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Union

import numpy as np
import pandas as pd

from fiscalmodel.errors import InputError
from fiscalmodel.series.breaks import Break, BreakWarning, find_breaks, refuse_if_broken
from fiscalmodel.series.calibre_input import (
    by_year,
    last_digit,
    published_levels,
    scope_amounts,
)
from fiscalmodel.series.calibre_steps import Step, at, evidence, step_of
from fiscalmodel.series.types import Series

__all__ = [
    "Break",
    "BreakWarning",
    "CalibreLink",
    "find_breaks",
    "link_calibre",
    "refuse_if_broken",
]

Given = Union["pd.Series[float]", Series, Mapping[Any, float]]


@dataclass(frozen=True, eq=False)
class CalibreLink:
    """Levels linked to the calibre of the latest year.

    Attributes
    ----------
    linked
        Levels restated to the latest calibre; index and unit of the input. A
        level stays as published while no break lies after it.
    breaks
        One row a break, indexed by the first year of the new calibre:
        ``amount`` (restated − published level of the year before), ``pct`` of
        the published level, ``published``, ``restated``, ``low`` and ``high``
        (bounds of `amount` by the rounding of what was printed), ``basis``
        (growth, restated or scope) and ``evidence``.
    mean_growth_pct
        Geometric mean of the like-for-like growths, in percent a year.
    nominal_growth_pct
        Mean growth of the published levels over the same years, for contrast.
    steps
        One row a year after the first: published growth, like-for-like growth,
        restated base, break, and whether it lies within rounding.
    notes
        What was taken where nothing was given.
    """

    levels: pd.Series[float]
    linked: pd.Series[float]
    breaks: pd.DataFrame
    mean_growth_pct: float
    nominal_growth_pct: float
    steps: pd.DataFrame
    factors: pd.Series[float]
    offsets: pd.Series[float]
    source: Series | None = None
    notes: tuple[str, ...] = ()

    def unlink(self, values: pd.Series[float] | None = None) -> pd.Series[float]:
        """Values of the latest calibre back in the calibre of their own year.

        Without an argument, the linked levels: the published levels come back.
        Years after the last level are in the latest calibre already.
        """
        given = self.linked if values is None else values
        factor = self.factors.reindex(given.index, fill_value=1.0)
        return given / factor - self.offsets.reindex(given.index, fill_value=0.0)

    @property
    def series(self) -> Series:
        """The linked levels as a `Series` of like-for-like calibre, to be forecast.

        Raises
        ------
        InputError
            If the levels were not given as a `Series`.
        """
        if self.source is None:
            raise InputError("levels", "no Series was linked", "use .linked, or give a Series")
        note = "linked like for like 同口径 to the latest calibre"
        return replace(
            self.source,
            values=self.linked,
            calibre="like_for_like",
            notes=(*self.source.notes, note, *self.notes),
        )


def link_calibre(
    levels: pd.Series[float] | Series | Mapping[Any, float],
    like_for_like_growth_pct: Given | None = None,
    *,
    restated: Given | None = None,
    scope_change: Mapping[Any, float | pd.Series[float]] | None = None,
    level_digit: float | None = None,
    growth_digit: float | None = None,
) -> CalibreLink:
    """Link published levels to the calibre of the latest year.

    What is given decides, year by year: a restated base first, then a known
    change of scope, then like-for-like growth.

    Parameters
    ----------
    levels
        Published levels of consecutive years (int, text or `Period` labels), in
        any unit of money; more than one, positive. Missing years are bridged
        where the growth of every year between is given.
    like_for_like_growth_pct
        同口径 growth by the later year, in percent.
    restated
        Year -> its level in the calibre of the following year (同口径基数).
    scope_change
        First year of the new scope -> what the unit that joined (+) or left (−)
        had in the year before, or its signed levels of all earlier years.
    level_digit, growth_digit
        Value of the last printed digit; found from the figures if not given.

    Returns
    -------
    CalibreLink

    Raises
    ------
    InputError
        For fewer than two levels, levels not above zero, growth of −100 % or
        less, labels that are no years or belong to no level.

    Notes
    -----
    Restated base of year t−1: ``B = R_t / (1 + g_t)``; break ``B − R_{t−1}``. A
    printed figure stands for half a unit of its last digit on both sides; where
    the intervals of ``B`` and ``R_{t−1}`` meet there is no break and the published
    level stays. Else all levels before t are multiplied by ``B / R_{t−1}``. The
    mean is ``(Π (1 + g_t))^(1/n) − 1`` over the n steps.

    Examples
    --------
    >>> levels = pd.Series([68.74, 123.50, 131.48, 136.51, 130.62], index=range(2015, 2020))
    >>> growth = pd.Series([17.69, 18.07, 3.83, -4.32], index=range(2016, 2020))
    >>> link = link_calibre(levels, growth)
    >>> link.linked.round(2).tolist(), round(link.mean_growth_pct, 2)
    ([94.62, 111.36, 131.48, 136.51, 130.62], 8.39)
    >>> link.breaks["amount"].round(2).to_dict()
    {2016: 36.2, 2017: -12.14}
    """
    published, labels = published_levels(levels)
    growth = by_year(like_for_like_growth_pct, "like_for_like_growth_pct", published)
    bases = by_year(restated, "restated", published)
    scope = scope_amounts(scope_change, published)
    if not growth and not bases and not scope:
        raise InputError(
            "like_for_like_growth_pct",
            "nothing to link with",
            "give the like-for-like growth, restated= bases or scope_change=",
        )
    for year, g in growth.items():
        if not g > -100:
            raise InputError(f"like_for_like_growth_pct[{year}]", f"{g} % leaves nothing", "")
    digits = (
        level_digit or last_digit(published.to_numpy()),
        growth_digit or min(last_digit(np.array(list(growth.values()) or [1.0])), 1.0),
    )
    known = published.dropna()
    notes: list[str] = []
    steps = [step_of(known, i, growth, bases, scope, digits, notes) for i in range(1, len(known))]
    return _link(levels, published, labels, steps, scope, digits[0], notes)


def _link(
    given: Any,
    published: pd.Series[float],
    labels: dict[pd.Period, Any],
    steps: list[Step],
    scope: Mapping[pd.Period, pd.Series[float]],
    digit: float,
    notes: list[str],
) -> CalibreLink:
    linked, factors = published.copy(), pd.Series(1.0, index=published.index)
    offsets = pd.Series(0.0, index=published.index)
    broken: dict[Any, dict[str, Any]] = {}
    rows: dict[Any, dict[str, Any]] = {}
    # From the earliest step on, so that the level before a step is still the published one.
    for step in steps:
        old, new = at(published, step.before), step.base
        earlier = published.index <= step.before
        half = digit / 2
        within = step.low <= old + half and step.high >= old - half
        is_break = step.basis != "none" and not within
        if is_break and step.basis == "scope":
            amounts = scope[step.year]
            listed = earlier & published.index.isin(amounts.index)
            first = published.index[listed][0]
            before = float(linked[first])
            offsets[listed] += amounts.reindex(published.index[listed]) / factors[listed]
            linked[listed] = (published + offsets)[listed] * factors[listed]
            older = published.index < first
            ratio = float(linked[first]) / before
            factors[older] *= ratio
            linked[older] *= ratio
        elif is_break:
            factors[earlier] *= new / old
            linked[earlier] *= new / old
        if is_break:
            broken[labels[step.year]] = {
                "amount": new - old,
                "pct": 100 * (new / old - 1),
                "published": old,
                "restated": new,
                "low": step.low - old - half,
                "high": step.high - old + half,
                "basis": step.basis,
                "evidence": evidence(step, published),
            }
        rows[labels[step.year]] = {
            "published_growth_pct": 100 * (at(published, step.year) / old - 1),
            "like_for_like_growth_pct": step.growth_pct,
            "restated_base": new,
            "break_amount": new - old if is_break else 0.0,
            "within_rounding": within,
            "basis": step.basis,
        }
    known = published.dropna()
    years = int(known.index[-1].ordinal - known.index[0].ordinal)
    for step in steps:
        if step.basis == "none":  # an addition of scope after it may still change its growth
            grown = 100 * (at(linked, step.year) / at(linked, step.before) - 1)
            rows[labels[step.year]]["like_for_like_growth_pct"] = grown
    growths = [row["like_for_like_growth_pct"] for row in rows.values()]
    product = float(np.prod([1 + growth / 100 for growth in growths]))
    index = pd.Index([labels[p] for p in published.index])
    if isinstance(given, (pd.Series, Series)):
        source_index = given.values.index if isinstance(given, Series) else given.index
        index = source_index.sort_values() if len(source_index) == len(index) else index
    columns = ["amount", "pct", "published", "restated", "low", "high", "basis", "evidence"]
    breaks = pd.DataFrame.from_dict(broken, orient="index", columns=columns)
    return CalibreLink(
        levels=published.set_axis(index),
        linked=linked.set_axis(index),
        breaks=breaks,
        mean_growth_pct=100 * (product ** (1 / years) - 1),
        nominal_growth_pct=100 * ((known.iloc[-1] / known.iloc[0]) ** (1 / years) - 1),
        steps=pd.DataFrame.from_dict(rows, orient="index"),
        factors=factors.set_axis(index),
        offsets=offsets.set_axis(index),
        source=given if isinstance(given, Series) else None,
        notes=tuple(notes),
    )
