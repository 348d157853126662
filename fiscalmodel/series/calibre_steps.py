"""One step between two years of a calibre link: the base, its bounds, what it rests on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from fiscalmodel.series.calibre_input import growth_half


@dataclass(frozen=True)
class Step:
    """What is known of one step between two years with a level."""

    year: pd.Period
    before: pd.Period
    basis: str  # growth, restated, scope or none
    base: float
    low: float
    high: float
    growth_pct: float


def step_of(
    known: pd.Series[float],
    i: int,
    growth: Mapping[pd.Period, float],
    bases: Mapping[pd.Period, float],
    scope: Mapping[pd.Period, pd.Series[float]],
    digits: tuple[float, float],
    notes: list[str],
) -> Step:
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
        base = old + at(scope[year], before)
        low = high = base
        basis = "scope"
    elif all(y in growth for y in between):
        rates = [growth[y] for y in between]
        base = level / _compound(rates)
        slack = [growth_half(r, digits[1]) for r in rates]
        low = (level - half) / _compound([r + h for r, h in zip(rates, slack, strict=True)])
        high = (level + half) / _compound([r - h for r, h in zip(rates, slack, strict=True)])
        basis = "growth"
    else:
        notes.append(f"{before} to {year}: nothing like-for-like is given; published growth taken")
        return Step(year, before, "none", old, old, old, 100 * (level / old - 1))
    implied = 100 * (level / base - 1)
    given = growth.get(year) if adjacent else None
    if basis == "growth":
        implied = 100 * (_compound([growth[y] for y in between]) - 1)
    elif given is not None and abs(given - implied) > half_growth + 100 * half / base * 2:
        notes.append(
            f"{year}: growth {given:g} % was given too; the {basis} base implies {implied:.2f} %"
        )
    return Step(year, before, basis, base, low, high, implied)


def _compound(rates: list[float]) -> float:
    return float(np.prod([1 + rate / 100 for rate in rates]))


def evidence(step: Step, published: pd.Series[float]) -> str:
    """What was seen at a break, in figures."""
    grown = 100 * (at(published, step.year) / at(published, step.before) - 1)
    if step.basis == "growth":
        return f"levels grow {grown:+.2f} %, like-for-like growth is {step.growth_pct:+.2f} %"
    if step.basis == "restated":
        return f"{step.before} was restated to {step.base:g}"
    return "a change of scope was stated"


def at(values: pd.Series[float], year: pd.Period) -> float:
    """Value of a year."""
    return float(values.to_numpy()[values.index.get_loc(year)])
