"""How the rest of a year is estimated from the year to date and the years before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pandas as pd

from fiscalmodel.revenue import nowcast_gate as gate
from fiscalmodel.revenue.nowcast_input import Array, Growth, YearTable, fill_years, underlying
from fiscalmodel.revenue.nowcast_ways import WAYS
from fiscalmodel.words import EMPTY, Text, say

#: Years of history that are used; older ones say little of this year's months.
LONGEST = 7


@dataclass(frozen=True)
class Estimate:
    """Full year with bands, and what each way of reckoning said.

    Attributes
    ----------
    mean
        Expected full year.
    bands
        Level -> lower and upper limit.
    models
        ``model, title, weight, full_year``.
    plain_growth
        Full year if the rest grew as the year to date did: what the others are measured against.
    floor
        Least that the full year can be: the year to date where no month of the history was
        negative, else minus infinity.
    method
        How the mean came about; empty where a note warns of it.
    """

    mean: float
    bands: dict[float, tuple[float, float]]
    models: pd.DataFrame
    notes: tuple[Text, ...]
    plain_growth: float
    floor: float
    method: Text = EMPTY


def estimate(table: YearTable, levels: Sequence[float], growth: Growth) -> Estimate:
    """Full year of the last year of `table`.

    Notes
    -----
    Full year = year to date + Σ weight · remainder over `WAYS`. A fixed share of the weight
    (`nowcast_gate.STEADY_SHARE`, chosen with China's national series in view) is the plain mean
    of three ways; the rest is shared among all ways by a small network trained on public
    monthly series. Bands are quantiles of the errors on series that the network had not seen,
    scaled by what tells large errors from small ones.
    """
    m, to_date = table.month, table.to_date
    floor = to_date if _never_falls(table) else -np.inf
    if m == 12:
        made = _models(("complete",), ("全年已公布 the year is complete",), [1.0], [to_date])
        same = {float(level): (to_date, to_date) for level in levels}
        return Estimate(to_date, same, made, (), to_date, floor, say("revenue.note.complete"))
    filled, notes = underlying(table, growth)
    past = filled[:-1]
    whole = ~np.isnan(past[:, 11]) & ~np.isnan(past[:, m - 1])
    # Only an unbroken run of whole years up to last year.
    run = int(np.argmin(whole[::-1])) if not whole.all() else len(whole)
    if not run:
        return _alone(table, levels, notes, floor)
    y = np.concatenate([past[-run:][-LONGEST:], filled[-1:]])[None]
    y[0, -1, m:] = np.nan
    x, ways, unit = gate.features(y, m)
    z = ((ways - ways[0]) / unit).T
    weights = gate.gate_weights(x, gate.asset()["net"])
    rest = float(weights[0] @ ways[:, 0])
    half = gate.half_widths(x, z, weights, m, y.shape[1] - 1, levels)[:, 0] * unit[0]
    mean = max(to_date + rest, floor)
    bands = {
        float(level): (max(mean - float(h), floor), mean + float(h))
        for level, h in zip(levels, half, strict=True)
    }
    method = say(
        "revenue.note.ways", years=y.shape[1] - 1, share=steady_share(), ways=len(WAYS),
        steady=[Text(*w.title.split(" ", 1)) for w in WAYS if w.name in gate.STEADY_WAYS],
    )  # fmt: skip
    made = _models(
        tuple(w.name for w in WAYS),
        tuple(w.title for w in WAYS),
        weights[0].tolist(),
        (to_date + ways[:, 0]).tolist(),
    )
    return Estimate(mean, bands, made, tuple(notes), _plain(table, filled), floor, method)


def steady_share() -> Text:
    """Share of the weight that is the plain mean of three ways."""
    share = Fraction(gate.STEADY_SHARE).limit_denominator(10)
    digits = "零一二三四五六七八九十"
    return Text(f"{digits[share.denominator]}分之{digits[share.numerator]}", str(share))


def _plain(table: YearTable, filled: Array) -> float:
    """Year to date and last year's remainder at the growth of the published levels."""
    m, c0 = table.month, table.to_date
    levels = fill_years(table.values)
    before = levels[-2] if not np.isnan(levels[-2, [m - 1, 11]]).any() else filled[-2]
    rest = before[11] - before[m - 1]
    return float(c0 + rest * c0 / before[m - 1]) if before[m - 1] > 0 and c0 > 0 else c0 + rest


def _never_falls(table: YearTable) -> bool:
    """Whether no month of the history was negative."""
    padded = np.concatenate([np.zeros((len(table.values), 1)), table.values], axis=1)
    return all((np.diff(row[~np.isnan(row)]) >= 0).all() for row in padded)


def _alone(table: YearTable, levels: Sequence[float], notes: list[Text], floor: float) -> Estimate:
    """No whole year before: even progress, with bands as wide as public series were uneven."""
    m, to_date = table.month, table.to_date
    mean = to_date * 12 / m
    made = gate.asset()
    limits = np.array(made["alone"][m - 1])
    bands = {}
    for level in levels:
        half = abs(mean) * gate.quantile(level, made["bands"]["levels"], limits)
        bands[float(level)] = (max(mean - half, floor), mean + half)
    notes.append(say("revenue.note.alone"))
    models = _models(("even",), ("均衡进度 even progress",), [1.0], [mean])
    return Estimate(mean, bands, models, tuple(notes), mean, floor)


def _models(
    names: Sequence[str], titles: Sequence[str], weights: Sequence[float], years: Sequence[float]
) -> pd.DataFrame:
    return pd.DataFrame(
        {"model": list(names), "title": list(titles), "weight": list(weights),
         "full_year": list(years)}
    )  # fmt: skip
