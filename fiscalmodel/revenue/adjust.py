"""Scenario adjustments to a baseline path, as a waterfall whose steps add up.

Four kinds, applied in this order whatever the order in the file:

``growth``
    yearly growth in percent replaces the baseline's in the years named;
    later years keep the baseline's own growth, from the new level.
``shock``
    the level is multiplied by 1 + pct/100 in the years named; a ``lasting``
    shock stays in all later years too.
``measure``
    amounts of a policy measure (减税降费 is negative), in the years named.
``one_off``
    amounts of one year that no later year inherits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import pandas as pd

from fiscalmodel.errors import Collector

AdjustmentKind = Literal["growth", "shock", "measure", "one_off"]
ORDER: tuple[AdjustmentKind, ...] = ("growth", "shock", "measure", "one_off")


@dataclass(frozen=True)
class Adjustment:
    """One sourced change to a baseline.

    Attributes
    ----------
    name
        What it is, as the waterfall shows it.
    kind
        ``growth``, ``shock``, ``measure`` or ``one_off``.
    by_year
        Year -> percent (growth, shock) or 万元 (measure, one-off).
    source
        Where the figure comes from, or whose assumption it is.
    lasting
        For a shock: whether it stays after the last year named.
    """

    name: str
    kind: AdjustmentKind
    by_year: Mapping[int, float]
    source: str
    lasting: bool = False


@dataclass(frozen=True)
class AdjustedPath:
    """A path after its adjustments.

    Attributes
    ----------
    path
        Year -> 万元.
    steps
        ``year, step, kind, amount_wan, source``: baseline, each adjustment, scenario.
        For every year baseline + adjustments = scenario.
    """

    path: pd.Series[float]
    steps: pd.DataFrame = field(repr=False)


def apply_adjustments(
    baseline: pd.Series[float],
    adjustments: Sequence[Adjustment],
    *,
    last_actual: float | None = None,
) -> AdjustedPath:
    """Apply adjustments to a baseline.

    Parameters
    ----------
    baseline
        Year (int, ascending, without holes) -> 万元.
    adjustments
        Any order; applied by kind in the order of `ORDER`.
    last_actual
        Level of the year before the first one, 万元: needed for ``growth`` in the first year.

    Raises
    ------
    InputError
        For a year outside the baseline, or growth in the first year without `last_actual`.

    Notes
    -----
    Each step is the path after it minus the path before it, so that the steps
    add up to the difference by construction.

    Examples
    --------
    >>> base = pd.Series({2021: 100.0, 2022: 110.0})
    >>> cut = Adjustment("tax cut", "measure", {2022: -5.0}, "assumption")
    >>> apply_adjustments(base, [cut]).path.tolist()
    [100.0, 105.0]
    """
    _check(baseline, adjustments, last_actual)
    path = baseline.astype(float).copy()
    rows: list[tuple[int, str, str, float, str]] = [
        (y, "baseline", "baseline", v, "") for y, v in _pairs(path)
    ]
    for kind in ORDER:
        for change in (a for a in adjustments if a.kind == kind):
            after = _applied(path, change, last_actual)
            rows += [(y, change.name, kind, d, change.source) for y, d in _pairs(after - path)]
            path = after
    rows += [(y, "scenario", "scenario", v, "") for y, v in _pairs(path)]
    steps = pd.DataFrame(rows, columns=["year", "step", "kind", "amount_wan", "source"])
    return AdjustedPath(path, steps)


def _pairs(path: pd.Series[float]) -> list[tuple[int, float]]:
    return [(int(y), float(v)) for y, v in zip(path.index.tolist(), path.tolist(), strict=True)]


def _applied(
    path: pd.Series[float], change: Adjustment, last_actual: float | None
) -> pd.Series[float]:
    years = [int(y) for y in path.index]
    if change.kind == "growth":
        new: list[float] = []
        last = before = last_actual
        for year, value in zip(years, path.tolist(), strict=True):
            if before is None or last is None:
                last = value
            elif year in change.by_year:
                last = last * (1 + change.by_year[year] / 100)
            elif before > 0:
                last = last * value / before
            else:  # no growth from nought or below: the amount that the baseline moves by
                last = last + value - before
            new.append(last)
            before = value
        return pd.Series(new, index=path.index)
    if change.kind == "shock":
        end = max(change.by_year)
        stays = change.by_year[end] if change.lasting else 0.0
        return path * [1 + change.by_year.get(y, stays if y > end else 0.0) / 100 for y in years]
    return path + [change.by_year.get(y, 0.0) for y in years]


def _check(
    baseline: pd.Series[float], adjustments: Sequence[Adjustment], last_actual: float | None
) -> None:
    found = Collector()
    years = {int(y) for y in baseline.index}
    first = min(years)
    for change in adjustments:
        for year in sorted(set(change.by_year) - years):
            found.add(change.name, "revenue.adjust_year", year=year, first=first, last=max(years))
        if not change.by_year:
            found.add(change.name, "revenue.adjust_no_year")
        if change.kind == "growth" and first in change.by_year and last_actual is None:
            found.add(change.name, "revenue.adjust_level", year=first, before=first - 1)
    found.raise_if_any()
