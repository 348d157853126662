"""What is given to calibre linking, checked and brought to years."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

from fiscalmodel.days import period
from fiscalmodel.errors import Collector, InputError
from fiscalmodel.series.types import Series


def published_levels(given: Any) -> tuple[pd.Series[float], dict[pd.Period, Any]]:
    """Levels on a sorted yearly index, and the caller's label of each year."""
    values = given.values if isinstance(given, Series) else pd.Series(given, dtype=float)
    years = _years(values.index, "levels")
    labels = dict(zip(years, values.index, strict=True))
    problems = Collector()
    for year, value in zip(years, values, strict=True):
        if not (np.isnan(value) or 0 < value < np.inf):
            problems.add(f"levels[{year}]", f"{value} is not above zero", "leave it out if missing")
    problems.raise_if_any()
    published = pd.Series(values.to_numpy(dtype=float), index=pd.PeriodIndex(years)).sort_index()
    if published.notna().sum() < 2:
        raise InputError("levels", "fewer than two levels", "linking needs two years at least")
    return published, labels


def _years(index: pd.Index[Any], where: str) -> list[pd.Period]:
    if isinstance(index, pd.DatetimeIndex) and index.year.is_unique and len(set(index.month)) == 1:
        # One day a year, always in the same month: a day that stands for its year.
        return [pd.Period(year=int(year), freq="Y") for year in index.year]
    found: list[pd.Period] = []
    for label in index:
        year = period(label)
        if year is None:
            raise InputError(where, f"{label!r} is no year", "label with 2019, '2019' or a Period")
        if year.freqstr[0] not in "YA":
            raise InputError(where, f"{label!r} is no year", "linking is done on yearly levels")
        if year in found:
            raise InputError(where, f"{year} stands twice", "keep one")
        found.append(year)
    return found


def by_year(given: Any, where: str, levels: pd.Series[float]) -> dict[pd.Period, float]:
    """Year -> given figure, missing ones left out; years must belong to the levels."""
    if given is None:
        return {}
    if isinstance(given, Series):
        if where.endswith("pct") and given.unit != "%":
            raise InputError(where, f"growth is in {given.unit}", "percent is needed")
        given = given.values
    values = pd.Series(given, dtype=float)
    found = dict(zip(_years(values.index, where), map(float, values), strict=True))
    first, last = levels.index[0], levels.index[-1]
    for year in found:
        if not first - 1 <= year <= last:
            raise InputError(where, f"{year} belongs to no level", f"levels: {first} to {last}")
    return {year: value for year, value in found.items() if not np.isnan(value)}


def scope_amounts(given: Any, levels: pd.Series[float]) -> dict[pd.Period, pd.Series[float]]:
    """First year of a new scope -> signed levels of the earlier years that are known."""
    found: dict[pd.Period, pd.Series[float]] = {}
    for label, change in (given or {}).items():
        (year,) = _years(pd.Index([label]), "scope_change")
        if isinstance(change, (pd.Series, Mapping, Series)):
            amounts = pd.Series(by_year(change, "scope_change", levels))
        else:
            amounts = pd.Series({year - 1: float(change)})
        if year not in levels.index or year - 1 not in amounts.index:
            raise InputError(
                f"scope_change[{label}]",
                f"the amount of {year - 1} is needed, the year before the change",
                "key by the first year of the new scope",
            )
        found[year] = amounts
    return found


def last_digit(values: np.ndarray) -> float:
    """Value of the last printed digit: the smallest decimal place that any figure uses.

    >>> last_digit(np.array([68.74, 123.5])), last_digit(np.array([687400.0, 1235000.0]))
    (0.01, 100.0)
    """
    places = [
        int(Decimal(f"{v:.15g}").normalize().as_tuple().exponent)
        for v in values
        if np.isfinite(v) and v
    ]
    return float(Decimal(1).scaleb(min(places, default=0)))


def growth_half(rate: float, digit: float) -> float:
    """Half a unit of the last digit that a growth rate was printed with.

    Beside rates of two decimals, 1.8 may be 1.80 or a rate printed with one: it is
    given the benefit of one lost digit, since a break must not be made of rounding.

    >>> growth_half(1.8, 0.01), growth_half(1.83, 0.01)
    (0.05, 0.005)
    """
    own = last_digit(np.array([rate])) if rate else digit
    return float(min(max(own, digit), 10 * digit)) / 2
