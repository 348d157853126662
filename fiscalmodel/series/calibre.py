"""Like-for-like 同口径 linking: published levels restated to the latest calibre."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Union

import numpy as np
import pandas as pd

from fiscalmodel.days import period
from fiscalmodel.errors import Collector, InputError
from fiscalmodel.series.types import Series
from fiscalmodel.words import Text, say

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
    source: Series | None = None
    notes: tuple[Text, ...] = ()

    @property
    def series(self) -> Series:
        """The linked levels as a `Series` of like-for-like calibre, to be forecast.

        Raises
        ------
        InputError
            If the levels were not given as a `Series`.
        """
        if self.source is None:
            raise InputError("levels", "series.not_linked")
        note = say("series.linked")
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
    published, labels = _published_levels(levels)
    growth = _by_year(like_for_like_growth_pct, "like_for_like_growth_pct", published)
    bases = _by_year(restated, "restated", published)
    scope = _scope_amounts(scope_change, published)
    if not growth and not bases and not scope:
        raise InputError("like_for_like_growth_pct", "series.nothing_to_link")
    for year, g in growth.items():
        if not g > -100:
            raise InputError(f"like_for_like_growth_pct[{year}]", "series.nothing_left", pct=g)
    digits = (
        level_digit or _last_digit(published.to_numpy()),
        growth_digit or min(_last_digit(np.array(list(growth.values()) or [1.0])), 1.0),
    )
    known = published.dropna()
    notes: list[Text] = []
    steps = [_step_of(known, i, growth, bases, scope, digits, notes) for i in range(1, len(known))]
    return _link(levels, published, labels, steps, scope, digits[0], notes)


def _link(
    given: Any,
    published: pd.Series[float],
    labels: dict[pd.Period, Any],
    steps: list[_Step],
    scope: Mapping[pd.Period, pd.Series[float]],
    digit: float,
    notes: list[Text],
) -> CalibreLink:
    linked, factors = published.copy(), pd.Series(1.0, index=published.index)
    offsets = pd.Series(0.0, index=published.index)
    broken: dict[Any, dict[str, Any]] = {}
    rows: dict[Any, dict[str, Any]] = {}
    # From the earliest step on, so that the level before a step is still the published one.
    for step in steps:
        old, new = _at(published, step.before), step.base
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
                "evidence": _evidence(step, published),
            }
        rows[labels[step.year]] = {
            "published_growth_pct": 100 * (_at(published, step.year) / old - 1),
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
            grown = 100 * (_at(linked, step.year) / _at(linked, step.before) - 1)
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
        source=given if isinstance(given, Series) else None,
        notes=tuple(notes),
    )


# ---- one step between two years ----


@dataclass(frozen=True)
class _Step:
    """What is known of one step between two years with a level."""

    year: pd.Period
    before: pd.Period
    basis: str  # growth, restated, scope or none
    base: float
    low: float
    high: float
    growth_pct: float


def _step_of(
    known: pd.Series[float],
    i: int,
    growth: Mapping[pd.Period, float],
    bases: Mapping[pd.Period, float],
    scope: Mapping[pd.Period, pd.Series[float]],
    digits: tuple[float, float],
    notes: list[Text],
) -> _Step:
    """What is given decides the base of a step: restated level, scope, then growth."""
    year, before = known.index[i], known.index[i - 1]
    level, old = float(known.iloc[i]), float(known.iloc[i - 1])
    half, half_growth = digits[0] / 2, digits[1] / 2
    between = [before + k for k in range(1, year.ordinal - before.ordinal + 1)]
    adjacent = len(between) == 1
    if adjacent and before in bases:
        base = bases[before]
        low, high, basis = base - half, base + half, "restated"
    elif adjacent and year in scope:
        base = old + _at(scope[year], before)
        low = high = base
        basis = "scope"
    elif all(y in growth for y in between):
        rates = [growth[y] for y in between]
        base = level / _compound(rates)
        slack = [_growth_half(r, digits[1]) for r in rates]
        low = (level - half) / _compound([r + h for r, h in zip(rates, slack, strict=True)])
        high = (level + half) / _compound([r - h for r, h in zip(rates, slack, strict=True)])
        basis = "growth"
    else:
        notes.append(say("series.published_growth_taken", before=before, year=year))
        return _Step(year, before, "none", old, old, old, 100 * (level / old - 1))
    implied = 100 * (level / base - 1)
    given = growth.get(year) if adjacent else None
    if basis == "growth":
        implied = 100 * (_compound([growth[y] for y in between]) - 1)
    elif given is not None and abs(given - implied) > half_growth + 100 * half / base * 2:
        what = f"series.also_given_{basis}"
        notes.append(say(what, year=year, given=given, implied=implied))
    return _Step(year, before, basis, base, low, high, implied)


def _compound(rates: list[float]) -> float:
    return float(np.prod([1 + rate / 100 for rate in rates]))


def _evidence(step: _Step, published: pd.Series[float]) -> Text:
    """What was seen at a break, in figures."""
    grown = 100 * (_at(published, step.year) / _at(published, step.before) - 1)
    if step.basis == "growth":
        return say("series.evidence.growth", grown=grown, given=step.growth_pct)
    if step.basis == "restated":
        return say("series.evidence.restated", year=step.before, base=step.base)
    return say("series.evidence.scope")


def _at(values: pd.Series[float], year: pd.Period) -> float:
    """Value of a year."""
    return float(values.to_numpy()[values.index.get_loc(year)])


# ---- what is given ----


def _published_levels(given: Any) -> tuple[pd.Series[float], dict[pd.Period, Any]]:
    """Levels on a sorted yearly index, and the caller's label of each year."""
    values = given.values if isinstance(given, Series) else pd.Series(given, dtype=float)
    years = _years(values.index, "levels")
    labels = dict(zip(years, values.index, strict=True))
    problems = Collector()
    for year, value in zip(years, values, strict=True):
        if not (np.isnan(value) or 0 < value < np.inf):
            problems.add(f"levels[{year}]", "series.not_above_zero", value=value)
    problems.raise_if_any()
    published = pd.Series(values.to_numpy(dtype=float), index=pd.PeriodIndex(years)).sort_index()
    if published.notna().sum() < 2:
        raise InputError("levels", "series.two_levels_needed")
    return published, labels


def _years(index: pd.Index[Any], where: str) -> list[pd.Period]:
    if isinstance(index, pd.DatetimeIndex) and index.year.is_unique and len(set(index.month)) == 1:
        # One day a year, always in the same month: a day that stands for its year.
        return [pd.Period(year=int(year), freq="Y") for year in index.year]
    found: list[pd.Period] = []
    for label in index:
        year = period(label)
        if year is None or year.freqstr[0] not in "YA":
            raise InputError(where, "ground.not_a_year", text=label)
        if year in found:
            raise InputError(where, "series.stands_twice", text=year)
        found.append(year)
    return found


def _by_year(given: Any, where: str, levels: pd.Series[float]) -> dict[pd.Period, float]:
    """Year -> given figure, missing ones left out; years must belong to the levels."""
    if given is None:
        return {}
    if isinstance(given, Series):
        if where.endswith("pct") and given.unit != "%":
            raise InputError(where, "series.growth_in_percent", unit=given.unit)
        given = given.values
    values = pd.Series(given, dtype=float)
    found = dict(zip(_years(values.index, where), map(float, values), strict=True))
    first, last = levels.index[0], levels.index[-1]
    for year in found:
        if not first - 1 <= year <= last:
            raise InputError(where, "series.no_level", year=year, first=first, last=last)
    return {year: value for year, value in found.items() if not np.isnan(value)}


def _scope_amounts(given: Any, levels: pd.Series[float]) -> dict[pd.Period, pd.Series[float]]:
    """First year of a new scope -> signed levels of the earlier years that are known."""
    found: dict[pd.Period, pd.Series[float]] = {}
    for label, change in (given or {}).items():
        (year,) = _years(pd.Index([label]), "scope_change")
        if isinstance(change, (pd.Series, Mapping, Series)):
            amounts = pd.Series(_by_year(change, "scope_change", levels))
        else:
            amounts = pd.Series({year - 1: float(change)})
        if year not in levels.index or year - 1 not in amounts.index:
            raise InputError(f"scope_change[{label}]", "series.scope_year_before", year=year - 1)
        found[year] = amounts
    return found


def _last_digit(values: np.ndarray) -> float:
    """Value of the last printed digit: the smallest decimal place that any figure uses.

    >>> _last_digit(np.array([68.74, 123.5])), _last_digit(np.array([687400.0, 1235000.0]))
    (0.01, 100.0)
    """
    places = [
        int(Decimal(f"{v:.15g}").normalize().as_tuple().exponent)
        for v in values
        if np.isfinite(v) and v
    ]
    return float(Decimal(1).scaleb(min(places, default=0)))


def _growth_half(rate: float, digit: float) -> float:
    """Half a unit of the last digit that a growth rate was printed with.

    Beside rates of two decimals, 1.8 may be 1.80 or a rate printed with one: it is
    given the benefit of one lost digit, since a break must not be made of rounding.

    >>> _growth_half(1.8, 0.01), _growth_half(1.83, 0.01)
    (0.05, 0.005)
    """
    own = _last_digit(np.array([rate])) if rate else digit
    return float(min(max(own, digit), 10 * digit)) / 2
