"""Revenue item by item: base, elasticity, policy measures, one-offs; and items with their total.

R = (last year − its one-offs) × (1 + elasticity × growth of the base)
    + change in the effect of policy measures + one-offs
"""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from fiscalmodel.errors import Collector, InputError
from fiscalmodel.revenue.intervals import normal_score
from fiscalmodel.revenue.result import band

if TYPE_CHECKING:
    from fiscalmodel.revenue.forecast import Forecast


@dataclass(frozen=True)
class Measure:
    """A dated policy measure 政策性增减收.

    Attributes
    ----------
    name
        What it is.
    full_year
        Effect in a whole year, in the unit of the item; a tax cut is negative.
    start, end
        First and last day in force; no end: until repealed.
    source
        文号 or whose estimate.
    """

    name: str
    full_year: float
    start: dt.date
    source: str
    end: dt.date | None = None

    def effect(self, year: int) -> float:
        """Effect in a year: the full-year effect by days in force.

        >>> Measure("cut", -365.0, dt.date(2025, 7, 1), "assumption").effect(2025)
        -184.0
        """
        first, last = dt.date(year, 1, 1), dt.date(year, 12, 31)
        begin, stop = max(first, self.start), min(last, self.end or last)
        days = max(0, (stop - begin).days + 1)
        return self.full_year * days / (366 if calendar.isleap(year) else 365)


@dataclass(frozen=True)
class Item:
    """One revenue item 税种或非税项目.

    Attributes
    ----------
    name
        Its name.
    last_year
        Revenue of the last year.
    elasticity
        Percent of revenue per percent of its base; 1, if nothing is known.
    base_growth_pct
        Year -> growth of the base in current prices, percent.
    source
        Where the elasticity comes from 文献或经验值.
    one_offs_last_year
        Part of `last_year` that does not come again.
    one_offs
        Year -> amount that comes once.
    measures
        Policy measures that change it.
    base_growth_error_pct
        Standard error of the growth of the base in a year, percentage points.
    elasticity_error
        Standard error of the elasticity; 0 where it was given without one.
    """

    name: str
    last_year: float
    elasticity: float
    base_growth_pct: Mapping[int, float]
    source: str
    one_offs_last_year: float = 0.0
    one_offs: Mapping[int, float] = field(default_factory=dict)
    measures: Sequence[Measure] = ()
    base_growth_error_pct: float = 0.0
    elasticity_error: float = 0.0


@dataclass(frozen=True)
class ItemsForecast:
    """Items, their total, and the steps from year to year.

    Attributes
    ----------
    table
        Years by items, and ``total``: the items add up to it exactly.
    steps
        ``year, item, last_year, one_offs_out, base_growth, measures, one_offs, value``:
        each row adds up from left to right.
    spread
        Years by items: standard error from elasticity and base; nought where given without.
    """

    table: pd.DataFrame
    steps: pd.DataFrame
    spread: pd.DataFrame


def forecast_items(items: Sequence[Item], years: Sequence[int]) -> ItemsForecast:
    """Carry items forward.

    Parameters
    ----------
    items
        One unit for all.
    years
        Consecutive years; the year before the first is the items' last year.

    Raises
    ------
    InputError
        Years with holes, items without growth for a year, names twice, measures without a
        source: all at once.

    Notes
    -----
    A measure enters with the *change* of its effect on the year before, so that a measure of
    July works half in its first year and half more in the second. Its effect then stays in the
    base and grows with it. One-offs of a year are taken out before the next is reckoned.
    Standard error of a year: √((g · s.e. of ε)² + (ε · s.e. of g)²) × base, added
    over the years as if independent.

    Examples
    --------
    (100 − 5) × (1 + 1.2 × 5 %) + 0 + 3 = 103.7

    >>> vat = Item("vat", 100.0, 1.2, {2025: 5.0}, "assumption",
    ...     one_offs_last_year=5.0, one_offs={2025: 3.0})
    >>> float(forecast_items([vat], [2025]).table.loc[2025, "vat"].round(6))
    103.7
    """
    _check_items(items, years)
    rows = []
    values: dict[str, list[float]] = {}
    errors: dict[str, list[float]] = {}
    for item in items:
        level, once = float(item.last_year), float(item.one_offs_last_year)
        variance = 0.0
        for year in years:
            growth = float(item.base_growth_pct[year]) / 100
            kept = level - once
            grown = kept * item.elasticity * growth
            measured = sum(m.effect(year) - m.effect(year - 1) for m in item.measures)
            extra = float(item.one_offs.get(year, 0.0))
            value = level - once + grown + measured + extra
            rows.append((year, item.name, level, 0.0 - once, grown, measured, extra, value))
            variance += kept**2 * (
                (growth * item.elasticity_error) ** 2
                + (item.elasticity * item.base_growth_error_pct / 100) ** 2
            )
            values.setdefault(item.name, []).append(value)
            errors.setdefault(item.name, []).append(float(np.sqrt(variance)))
            level, once = value, extra
    table = pd.DataFrame(values, index=pd.Index(list(years), name="year"))
    table["total"] = table.sum(axis=1, skipna=False)
    columns = ["year", "item", "last_year", "one_offs_out", "base_growth", "measures",
               "one_offs", "value"]  # fmt: skip
    return ItemsForecast(
        table,
        pd.DataFrame(rows, columns=columns),
        pd.DataFrame(errors, index=table.index),
    )


def reconcile_items(made: ItemsForecast, total: Forecast) -> dict[int, Reconciled]:
    """Items against a forecast of their total, year by year.

    Parameters
    ----------
    total
        A `fiscalmodel.forecast` of the total whose periods are the items' years.

    Notes
    -----
    `reconcile_total` with the items' squared standard errors and, for the total, the
    squared half-width of its widest band over that band's normal score. Items without any
    error of their own (given elasticities without one) are given 2 % of their value, so that
    they can give way. No item that is not negative becomes so.
    """
    level = total.levels[-1]
    score = float(normal_score(level))
    rows = {int(getattr(p, "year", p)): i for i, p in enumerate(total.table["period"])}
    names = [c for c in made.table.columns if c != "total"]
    found = {}
    problems = Collector()
    for year in made.table.index:
        if int(year) not in rows:
            problems.add("total", "revenue.total_lacks_year", year=year)
            continue
        row = total.table.iloc[rows[int(year)]]
        low, high = band(row, level)
        values = {str(n): float(v) for n, v in made.table.loc[year, names].items()}
        errors = made.spread.loc[year]
        spread = {n: float(errors[n]) or 0.02 * abs(v) for n, v in values.items()}
        found[int(year)] = reconcile_total(
            values,
            float(row["mean"]),
            item_spread=spread,
            total_spread=(high - low) / 2 / score,
            floors={n: 0.0 for n, v in values.items() if v >= 0},
        )
    problems.raise_if_any()
    return found


def _check_items(items: Sequence[Item], years: Sequence[int]) -> None:
    found = Collector()
    if not len(items):
        found.add("items", "revenue.no_items")
    consecutive = len(years) > 0 and list(years) == list(range(years[0], years[0] + len(years)))
    if not consecutive:
        found.add("years", "revenue.years_not_consecutive")
    names = [item.name for item in items]
    for name in sorted({n for n in names if names.count(n) > 1} | ({"total"} & set(names))):
        found.add(name, "revenue.item_twice")
    for item in items:
        numbers = {
            "last_year": item.last_year,
            "one_offs_last_year": item.one_offs_last_year,
            "elasticity": item.elasticity,
            "elasticity_error": item.elasticity_error,
            "base_growth_error_pct": item.base_growth_error_pct,
            **{f"one_offs[{year}]": amount for year, amount in item.one_offs.items()},
            **{f"measures[{m.name}]": m.full_year for m in item.measures},
        }
        for what, number in numbers.items():
            if not np.isfinite(number):
                found.add(f"{item.name}: {what}", "revenue.not_finite", value=number)
        if len(item.source.strip()) < 2:
            found.add(f"{item.name}: elasticity", "revenue.no_source")
        for year in years if consecutive else ():
            growth = item.base_growth_pct.get(year)
            if growth is None or not np.isfinite(growth):
                found.add(item.name, "revenue.no_base_growth", year=year)
        for year in sorted(set(item.one_offs) - set(years)) if consecutive else ():
            found.add(item.name, "revenue.one_off_outside", year=year)
        for measure in item.measures:
            if len(measure.source.strip()) < 2:
                found.add(f"{item.name}: {measure.name}", "revenue.no_source")
            if measure.end is not None and measure.end < measure.start:
                found.add(f"{item.name}: {measure.name}", "revenue.ends_before_start")
    found.raise_if_any()


@dataclass(frozen=True)
class Reconciled:
    """Items that add up to their total.

    Attributes
    ----------
    items
        Item -> reconciled forecast.
    total
        Their sum.
    gap
        Forecast of the total less the sum of the items' forecasts, before.
    """

    items: pd.Series[float]
    total: float
    gap: float


def reconcile_total(
    items: Mapping[str, float],
    total: float,
    *,
    item_spread: Mapping[str, float],
    total_spread: float,
    floors: Mapping[str, float] | None = None,
) -> Reconciled:
    """Reconcile forecasts of items with a forecast of their total.

    Parameters
    ----------
    items, total
        Forecasts, one unit.
    item_spread, total_spread
        Standard error of each (a band's width will do: only proportions matter). A spread of
        0 holds the figure as it is.
    floors
        Least value of an item: nought where nothing may be negative, or the year to date.

    Returns
    -------
    Reconciled

    Raises
    ------
    InputError
        Not a number, a negative spread, everything held while the sum is off, or floors that
        lie above the total.

    Notes
    -----
    Weighted least squares with variance scaling, the diagonal form of minimum-trace (MinT)
    reconciliation; for one total over n items it has the closed form

        item_i + v_i · gap / (v_T + Σ v),   total − v_T · gap / (v_T + Σ v),

    with gap = total − Σ item and v = spread². Items that fall below their floor are set to
    it and the rest is solved again.

    Source: Wickramasuriya, Athanasopoulos, Hyndman (2019), "Optimal forecast reconciliation
    for hierarchical and grouped time series through trace minimization", Journal of the
    American Statistical Association 114.

    Examples
    --------
    >>> made = reconcile_total({"a": 60.0, "b": 30.0}, 100.0,
    ...     item_spread={"a": 2.0, "b": 1.0}, total_spread=0.0)
    >>> made.items.round(6).to_dict(), made.total
    ({'a': 68.0, 'b': 32.0}, 100.0)
    """
    names = [str(name) for name in items]
    _check_reconciled(items, total, item_spread, total_spread, floors or {})
    x = np.array([float(items[n]) for n in names])
    v = np.array([float(item_spread[n]) for n in names]) ** 2
    v_total = float(total_spread) ** 2
    least = np.array([float((floors or {}).get(n, -np.inf)) for n in names])
    made, free = x.copy(), v > 0
    gap = float(total) - float(x.sum())
    for _ in range(len(names) + 1):
        base = np.where(free, x, made)
        left = float(total) - float(base.sum())
        room = v_total + float(v[free].sum())
        if room <= 0:
            if abs(left) > 1e-9 * max(1.0, abs(float(total))):
                raise InputError("items", "revenue.held_miss", left=left)
            break
        made = np.where(free, x + v * left / room, made)
        low = free & (made < least)
        if not low.any():
            break
        made[low], free = least[low], free & ~low
    kept = pd.Series(made, index=names, dtype=float)
    return Reconciled(kept, float(made.sum()), gap)


def _check_reconciled(
    items: Mapping[str, float],
    total: Any,
    spread: Mapping[str, float],
    total_spread: Any,
    floors: Mapping[str, float],
) -> None:
    found = Collector()
    if not items:
        found.add("items", "revenue.no_items")
    for name, value in {**dict(items), "total": total}.items():
        if not np.isfinite(float(value)):
            found.add(str(name), "revenue.not_finite", value=value)
    for name in items:
        if name not in spread:
            found.add(str(name), "revenue.no_spread")
    for name, value in {**dict(spread), "total": total_spread}.items():
        if not float(value) >= 0 or not np.isfinite(float(value)):
            found.add(str(name), "revenue.bad_spread", value=value)
    for name in floors:
        if name not in items:
            found.add(str(name), "revenue.floor_of_none")
    found.raise_if_any()
