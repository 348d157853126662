"""Targets: the growth that reaches one, how far off it is, what would close the gap."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from fiscalmodel.errors import InputError
from fiscalmodel.revenue.result import InMoney, band
from fiscalmodel.units import amount_text
from fiscalmodel.words import Text, say

if TYPE_CHECKING:
    from fiscalmodel.revenue.forecast import Forecast


def growth_needed_pct(value: float, target: float, years: int) -> float:
    """Even yearly growth in percent that takes `value` to `target`.

    Raises
    ------
    InputError
        If `years` is not at least 1, or an amount is not positive.

    Notes
    -----
    ((target / value)^(1/years) − 1) · 100.

    Examples
    --------
    >>> round(growth_needed_pct(98, 137, 5), 2)
    6.93
    """
    if years < 1:
        raise InputError("years", "revenue.target_years", years=years)
    if not (0 < value < math.inf and 0 < target < math.inf):
        raise InputError("target", "revenue.growth_not_positive")
    factor: float = (target / value) ** (1 / years)
    return (factor - 1) * 100


Bands = Mapping[float, tuple[float, float]]


def place_in_band(target: float, bands: Bands) -> Text:
    """Where a target lies, in words: inside the narrowest band that holds it, or beyond all.

    >>> place_in_band(137.0, {80: (90.0, 120.0), 95: (80.0, 140.0)})("en")
    'the target lies above the 80 % band, inside the 95 % band'
    """
    ordered = sorted(bands)
    above = target > bands[ordered[0]][1]
    side = "above" if above else "below"
    for rank, level in enumerate(ordered):
        if bands[level][0] <= target <= bands[level][1]:
            if not rank:
                return say("revenue.target.inside", level=level)
            return say(f"revenue.target.{side}_inside", inner=ordered[rank - 1], level=level)
    return say(f"revenue.target.{side}", level=ordered[-1])


def distance(target: float, expected: float, unit: str) -> Text:
    """How far what is expected lies from a target, as an amount and in percent of the target."""
    gap = target - expected
    key = "short" if gap > 0 else "over" if gap < 0 else "met"
    pct = 100 * abs(gap) / abs(target) if target else math.nan
    return say(f"revenue.target.{key}", gap=amount_text(abs(gap), unit, like=target), pct=pct)


@dataclass(frozen=True, repr=False)
class TargetAssessment(InMoney):
    """An official target beside what is expected, money in 万元.

    Attributes
    ----------
    target_year, target_value
        The target.
    last_year, last_value
        The newest figure before it.
    growth_needed_pct
        Even yearly growth from the newest figure that reaches it.
    expected
        The scenario's value of the target year.
    expected_growth_pct
        The scenario's even yearly growth to the target year.
    levers
        ``lever, amount, unit``: what each alone would have to deliver; empty if none is needed.
    source
        Where the target stands.
    bands
        Level -> the scenario's band in the target year.
    outturn
        Year and amount of the newest outturn, where the newest figure is an estimate.
    """

    target_year: int
    target_value: float
    last_year: int
    last_value: float
    growth_needed_pct: float
    expected: float
    expected_growth_pct: float
    levers: pd.DataFrame
    source: str
    bands: Bands
    outturn: tuple[int, float] | None = None

    unit = "万元"

    @property
    def gap_wan(self) -> float:
        """Target minus expected value, 万元; negative if the target is exceeded."""
        return self.target_value - self.expected

    @property
    def answer(self) -> Text:
        """The growth needed, the distance, and whether the target lies inside the band."""
        need = self.growth_needed_pct
        asks = say(f"revenue.target.{'asks' if need >= 0 else 'allows'}", since=self.last_year,
                   need=abs(need))  # fmt: skip
        return say(
            "revenue.target.answer", year=self.target_year, asks=asks,
            target=amount_text(self.target_value, "万元"),
            distance=distance(self.target_value, self.expected, "万元"),
            place=place_in_band(self.target_value, self.bands),
        )  # fmt: skip

    @property
    def table(self) -> pd.DataFrame:
        """``what, year, value`` (万元) and the growth from there to the target (a year)."""
        known = [("newest_figure", self.last_year, self.last_value)]
        if self.outturn is not None and self.outturn[0] != self.last_year:
            known.insert(0, ("newest_outturn", *self.outturn))
        rows = [
            (what, year, amount, 100 * (self.target_value / amount - 1),
             growth_needed_pct(amount, self.target_value, self.target_year - year))
            for what, year, amount in known
        ]  # fmt: skip
        left = 100 * (self.target_value / self.expected - 1) if self.expected > 0 else math.nan
        rows += [
            ("expected_then", self.target_year, self.expected, left, math.nan),
            ("target", self.target_year, self.target_value, math.nan, math.nan),
        ]
        columns = ["what", "year", "value", "to_target_pct", "to_target_a_year_pct"]
        return pd.DataFrame(rows, columns=columns)


def assess_target(
    forecast: Forecast,
    *,
    last_year: int,
    last_value: float,
    target_year: int,
    target_value: float,
    expected: float,
    source: str = "",
    outturn: tuple[int, float] | None = None,
) -> TargetAssessment:
    """Set a target beside a forecast.

    Parameters
    ----------
    forecast
        The baseline forecast by year, whose first period is the year after `last_year`.
    last_value, target_value, expected
        万元; `expected` is the scenario's value of the target year. The baseline's band is
        placed around it: in proportion where both are above 0, else as wide as it is.
    outturn
        Year and amount of the newest outturn, where `last_value` is an estimate.

    Raises
    ------
    InputError
        As `growth_needed_pct`; a target year that is not forecast.
    """
    years = target_year - last_year
    need = growth_needed_pct(last_value, target_value, years)
    if years > len(forecast.table):
        raise InputError(
            "target_year", "revenue.not_forecast", year=target_year, first=last_year + 1,
            last=last_year + len(forecast.table),
        )  # fmt: skip
    row = forecast.table.iloc[years - 1]
    base = float(row["mean"])

    def placed(edge: float) -> float:
        return edge * (expected / base) if base > 0 < expected else edge + (expected - base)

    edges = {level: band(row, level) for level in forecast.levels}
    bands = {level: (placed(low), placed(high)) for level, (low, high) in edges.items()}
    return TargetAssessment(
        target_year,
        target_value,
        last_year,
        last_value,
        need,
        expected,
        growth_needed_pct(last_value, expected, years) if expected > 0 else math.nan,
        levers_for(target_value, expected, last_value=last_value, years=years),
        source,
        bands,
        outturn,
    )


def levers_for(
    target: float,
    expected: float,
    *,
    last_value: float,
    years: int,
) -> pd.DataFrame:
    """What each lever alone would have to deliver to close the gap to a target.

    Returns
    -------
    DataFrame
        ``lever, amount, unit``; empty if the target is expected to be reached. Growth stands
        there only with an expected value above 0.

    Notes
    -----
    With g the growth expected and g* the growth needed a year, both even:
    ``extra_growth_each_year`` = g* − g;
    ``one_off_in_target_year`` and ``measure_each_year_from_next`` (a measure whose yearly
    effect does not grow) = target − expected; ``measure_growing_with_revenue`` = the first
    year's effect x of a measure from next year that grows with revenue,
    x (1 + g)^(years − 1) = target − expected; ``phased_measure_each_year`` = a like amount
    added every year up to the target, gap / years.

    Examples
    --------
    >>> levers_for(110.0, 104.0, last_value=100.0, years=2)["amount"].round(2).tolist()
    [2.9, 6.0, 6.0, 5.88, 3.0]
    """
    gap = target - expected
    columns = ["lever", "amount", "unit"]
    if not gap > 0:
        return pd.DataFrame([], columns=columns)
    rows = [
        ("one_off_in_target_year", gap, "万元"),
        ("measure_each_year_from_next", gap, "万元"),
        ("phased_measure_each_year", gap / years, "万元"),
    ]
    need = growth_needed_pct(last_value, target, years)
    if expected > 0:
        growth = growth_needed_pct(last_value, expected, years)
        rows.insert(0, ("extra_growth_each_year", need - growth, "percentage points"))
        if growth > -100:
            first = gap / (1 + growth / 100) ** (years - 1)
            rows.insert(3, ("measure_growing_with_revenue", first, "万元"))
    return pd.DataFrame(rows, columns=columns)
