"""How the rest of a year is estimated from the year to date and the years before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import ndtri

from fiscalmodel.revenue.nowcast_input import Array, YearTable, fill_years


@dataclass(frozen=True)
class Estimate:
    """Full year with bands, and what each way of reckoning said."""

    mean: float
    bands: dict[float, tuple[float, float]]
    models: pd.DataFrame
    notes: tuple[str, ...]
    plain_growth: float


def estimate(
    table: YearTable, levels: Sequence[float], growth: Mapping[tuple[int, int], float]
) -> Estimate:
    """Full year of the last year of `table`."""
    past, m, c0 = fill_years(table.values[:-1]), table.month, table.to_date
    if m == 12:
        models = pd.DataFrame(
            [("complete", "全年已公布", 1.0, c0)], columns=["model", "title", "weight", "full_year"]
        )
        return Estimate(c0, dict.fromkeys(levels, (c0, c0)), models, ("the year is complete",), c0)
    whole = ~np.isnan(past[:, 11]) & ~np.isnan(past[:, m - 1])
    c, f = past[whole, m - 1], past[whole, 11]
    rest = f - c
    if not len(c):
        even = c0 * 12 / m
        spread = abs(even - c0) * 0.5
        return _made(
            [("even", "均衡进度", even)], c0, spread, levels, ("no complete year before",), even
        )
    ytd = float(np.clip(np.log(c0 / c[-1]), -1, 1)) if c0 > 0 and c[-1] > 0 else 0.0
    steps = np.diff(np.log(f)) if len(f) > 1 and (f > 0).all() else np.zeros(1)
    usual = 0.7 * float(np.median(steps))
    trust = m / (m + 3)
    share = c0 * float(np.median(f / c)) if (c > 0).all() else c0 + rest[-1]
    made = [
        ("growth", "上年余额×增速", c0 + rest[-1] * np.exp(trust * ytd + (1 - trust) * usual)),
        ("usual", "上年余额×历史增速", c0 + rest[-1] * np.exp(usual)),
        ("share", "平均进度", share),
    ]
    spread = abs(rest[-1]) * max(0.03, float(np.std(steps)))
    plain = c0 + rest[-1] * float(np.exp(ytd))
    return _made(made, c0, spread, levels, (f"{len(c)} complete years before",), plain)


def _made(
    parts: list[tuple[str, str, float]],
    c0: float,
    spread: float,
    levels: Sequence[float],
    notes: tuple[str, ...],
    plain: float,
) -> Estimate:
    mean = float(np.mean([p[2] for p in parts]))
    models = pd.DataFrame(parts, columns=["model", "title", "full_year"])
    models.insert(2, "weight", 1 / len(parts))
    bands = {}
    for level in levels:
        half = float(ndtri(0.5 + level / 200)) * spread
        bands[level] = (mean - half, mean + half)
    return Estimate(mean, bands, models, notes, plain)


__all__ = ["Array", "Estimate", "estimate"]
