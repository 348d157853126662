"""The rest of a year from the year to date and the years before, many series at once.

Arrays ``y`` hold cumulative figures of shape (series, years, 12): past years complete, the
last year known up to month ``m``.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fiscalmodel.revenue.intervals import at_level
from fiscalmodel.revenue.models import Array
from fiscalmodel.revenue.nowcast_input import Growth, YearTable, fill_years, underlying
from fiscalmodel.words import EMPTY, Text, say

# ---------------- ways of reckoning

#: Growth beyond these factors is not carried forward.
LEAST, MOST = 0.4, 2.5
#: Smoothing parameters tried.
_ALPHAS = (0.02, 0.05, 0.1, 0.2, 0.35, 0.55, 0.8)
#: Months with less than this share of the year tell no level.
_LEAST_SHARE = 0.015
#: Share of last year's growth that is expected again.
DAMPING = 0.7


#: Ways of reckoning the rest of the year.
WAYS: tuple[str, ...] = (
    "plain_growth",
    "half_year_level",
    "year_as_usual",
    "middle_rest",
    "smoothed_level",
)


def month_amounts(y: Array) -> Array:
    """Single months, same shape; months not known stay NaN."""
    return np.diff(y, axis=2, prepend=0.0)


def factor(above: Array, below: Array) -> Array:
    """above ÷ below held within bounds; 1 where either is not positive."""
    good = (above > 0) & (below > 0)
    return np.clip(np.where(good, above, 1.0) / np.where(good, below, 1.0), LEAST, MOST)


def _tail(y: Array, m: int, months: int) -> Array:
    """Sum of the last `months` months up to month m of the year under way."""
    start = m - months
    if start > 0:
        return np.asarray(y[:, -1, m - 1] - y[:, -1, start - 1])
    if start == 0:
        return np.asarray(y[:, -1, m - 1])
    return np.asarray(y[:, -1, m - 1] + y[:, -2, 11] - y[:, -2, 11 + start])


def usual_growth(y: Array) -> Array:
    """Median yearly log growth of the past full years, damped and shrunk, shape (series,)."""
    full = y[:, :-1, 11]
    if full.shape[1] < 2:
        return np.zeros(len(y))
    steps = np.log(factor(full[:, 1:], full[:, :-1]))[:, -5:]
    count = steps.shape[1]
    return np.asarray(DAMPING * np.median(steps, axis=1) * count / (count + 0.5))


def remainders(y: Array, m: int) -> Array:
    """Rest of the year reckoned in each of `WAYS`, shape (ways, series)."""
    past = y[:, :-1]
    rests = past[:, :, 11] - past[:, :, m - 1]
    last, shape = rests[:, -1], _shape(past)
    usual = np.exp(usual_growth(y))
    recent, part = _tail(y, m, 6), _window(shape, m, 6)
    good = part > 1e-3
    level = np.where(good, recent / np.where(good, part, 1) * shape[:, m:].sum(axis=1), last)
    return np.stack(
        [
            last * factor(y[:, -1, m - 1], past[:, -1, m - 1]),
            level,
            past[:, -1, 11] * usual - y[:, -1, m - 1],
            np.median(rests[:, -3:], axis=1) * usual,
            _smoothed(y, m, shape, last),
        ]
    )


def _shape(past: Array) -> Array:
    """Share of each month in its year, mean of the last four years, shape (series, 12)."""
    amounts = month_amounts(past)[:, -4:]
    full = past[:, -4:, 11][:, :, None]
    shares = amounts / np.where(np.abs(full) > 1e-12, full, np.inf)
    return np.asarray(shares.mean(axis=1))


def _window(shape: Array, m: int, months: int) -> Array:
    """Share of the last `months` months up to m in a year, over the turn of the year."""
    doubled = np.concatenate([shape, shape], axis=1)
    return np.asarray(doubled[:, 12 + m - months : 12 + m].sum(axis=1))


def _smoothed(y: Array, m: int, shape: Array, last: Array) -> Array:
    """Remainder at the smoothed level of the seasonally adjusted months.

    Notes
    -----
    Simple exponential smoothing of month ÷ share, over at most three years, with the
    smoothing parameter of `_ALPHAS` that had the smallest one-step squared errors. Months with
    hardly a share of the year are passed over.
    """
    known = (y.shape[1] - 1) * 12 + m
    amounts = month_amounts(y).reshape(len(y), -1)[:, :known][:, -36 - m :]
    shares = np.tile(shape, (1, y.shape[1]))[:, :known][:, -36 - m :]
    good = shares > _LEAST_SHARE
    adjusted = np.where(good, amounts / np.where(good, shares, 1.0), np.nan)
    first = adjusted[:, :12]
    count = np.maximum((~np.isnan(first)).sum(axis=1), 1)
    start = np.where(np.isnan(first), 0.0, first).sum(axis=1) / count
    alphas = np.array(_ALPHAS)
    level = np.repeat(start[:, None], len(alphas), axis=1)
    squares = np.zeros_like(level)
    for t in range(adjusted.shape[1]):
        now = adjusted[:, t, None]
        error = np.where(np.isnan(now), 0.0, now - level)
        squares += error**2
        level = level + alphas * error
    flat = level[np.arange(len(y)), squares.argmin(axis=1)] * shape[:, m:].sum(axis=1)
    sane = good[:, :12].any(axis=1) & (np.abs(flat) < 4 * np.abs(y[:, -2, 11]) + 1e-12)
    return np.where(sane, flat, last)


# ---------------- the estimate

_ASSET = Path(__file__).parent / "_assets" / "nowcast.json"
#: Years of history that are used; older ones say little of this year's months.
LONGEST = 7
#: Past years, and months of them, on which the estimate is tried to see how far it errs.
_TRIED, _TRIED_MONTHS = 5, (3, 6, 9)
#: Share of the year below which errors are not told apart.
_FLOOR = 0.003
_PLAIN = WAYS.index("plain_growth")
#: Share of the middle one of the ways; the rest is plain growth.
MIDDLE = 0.75


@dataclass(frozen=True)
class Estimate:
    """Full year with bands, and what each way of reckoning said.

    Attributes
    ----------
    full_year
        ``mean, lo-80, hi-80, lo-95, hi-95`` (by level asked for).
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

    full_year: pd.Series[float]
    models: pd.DataFrame
    notes: tuple[Text, ...]
    plain_growth: float
    floor: float
    method: Text = EMPTY


def combined(ways: Array) -> tuple[Array, Array]:
    """Remainder (series,) and weights (ways, series), from the ways' remainders.

    Notes
    -----
    Three quarters the middle one of the ways, a quarter plain growth, which keeps it from ever
    being much worse than that. The five ways were chosen from fifteen on training parts of
    competitions and a city's taxes; there they erred as little as all fifteen.
    """
    weights = np.zeros(ways.shape)
    middle = ways.argsort(axis=0, kind="stable")[len(ways) // 2]
    weights[middle, np.arange(ways.shape[1])] = MIDDLE
    weights[_PLAIN] += 1 - MIDDLE
    return (weights * ways).sum(axis=0), weights


def past_error(y: Array) -> Array:
    """How far estimates of the past years erred, shape (series,); NaN before two past years.

    Notes
    -----
    Mean over the last years and months 3, 6 and 9 of |error| ÷ (share of the year that was
    still to come), as a share of the year.
    """
    years = y.shape[1]
    found = []
    for row in range(max(1, years - 1 - _TRIED), years - 1):
        full = np.maximum(np.abs(y[:, row, 11]), 1e-12)
        for m in _TRIED_MONTHS:
            seen = y[:, : row + 1].copy()
            seen[:, -1, m:] = np.nan
            off = combined(remainders(seen, m))[0] - (y[:, row, 11] - y[:, row, m - 1])
            found.append(np.abs(off) / full / share_left(seen, m))
    return np.minimum(np.mean(found, axis=0), 2.0) if found else np.full(len(y), np.nan)


def share_left(y: Array, m: int) -> Array:
    """Share of last year that came in after month m, at least 2 %, shape (series,)."""
    last = y[:, -2]
    whole = np.where(last[:, 11] == 0, 1, last[:, 11])
    return np.asarray(np.clip(1 - last[:, m - 1] / whole, 0.02, 1.0))


def scale_features(y: Array, m: int, erred: Array) -> Array:
    """What tells large errors from small ones, in logs, shape (series, 5).

    Only the share still to come changes within a year, so that bands narrow from month to month.
    """
    known = ~np.isnan(erred)
    level = np.where(known, np.log(np.where(known, erred, 1.0) + _FLOOR), 0.0)
    few = np.full(len(y), 1.0 / (y.shape[1] - 1))
    usual = np.abs(usual_growth(y))
    return np.stack([np.log(share_left(y, m)), level, known, few, np.log(usual + 0.02)], axis=1)


def half_widths(y: Array, m: int, levels: Sequence[float], erred: Array) -> Array:
    """Half-width of each level as a share of the last full year, shape (levels, series)."""
    made = asset()["bands"]
    size = np.exp(made["scale"][0] + scale_features(y, m, erred) @ np.array(made["scale"][1:]))
    group = int(np.searchsorted(made["years"], y.shape[1] - 1, side="right")) - 1
    row = np.array(made["quantiles"][group][m - 1])
    tried = np.array(made["levels"], dtype=float)
    return np.stack([size * at_level(level, tried, row) for level in levels])


@cache
def asset() -> dict[str, Any]:
    """The bands, as shipped."""
    loaded: dict[str, Any] = json.loads(_ASSET.read_text(encoding="utf-8"))
    return loaded


def estimate(
    table: YearTable, levels: Sequence[float], growth: Growth, plan: Sequence[float] | None = None
) -> Estimate:
    """Full year of the last year of `table`.

    Parameters
    ----------
    table
        Cumulative months by year.
    levels
        Bands in percent.
    growth
        Published growth as a ratio, by (year, month).
    plan
        Cumulative monthly plan (序时计划) of this year, twelve values: the full year is then the
        plan's, scaled by the progress so far. A treasury's own plan knew more of its months than
        every way of reckoning.

    Notes
    -----
    Full year = year to date + Σ weight · remainder over `WAYS`; weights from `combined`. Bands
    are quantiles of the errors on series that they were not made from, scaled by how the
    estimate erred in the past years of the series and by what is still to come.
    """
    m, to_date = table.month, table.to_date
    floor = to_date if _never_falls(table) else -np.inf
    if m == 12:
        made = _models(("complete",), [1.0], [to_date])
        full = _full(to_date, levels, [0.0] * len(levels), floor)
        return Estimate(full, made, (), to_date, floor, say("revenue.note.complete"))
    filled, notes = underlying(table, growth)
    past = filled[:-1]
    whole = ~np.isnan(past[:, 11]) & ~np.isnan(past[:, m - 1])
    # Only an unbroken run of whole years up to last year.
    run = int(np.argmin(whole[::-1])) if not whole.all() else len(whole)
    if not run:
        return _alone(table, levels, notes, floor)
    y = np.concatenate([past[-run:][-LONGEST:], filled[-1:]])[None]
    y[0, -1, m:] = np.nan
    unit = max(abs(y[0, -2, 11]), 1e-12)
    ways = remainders(y, m)
    rest, weights = combined(ways)
    names, said, shares = WAYS, (to_date + ways[:, 0]).tolist(), weights[:, 0].tolist()
    mean = to_date + float(rest[0])
    method = say("revenue.note.ways", years=y.shape[1] - 1, ways=len(WAYS))
    if plan is not None and plan[m - 1] > 0 and to_date > 0:
        mean = to_date * plan[11] / plan[m - 1]
        names = (*WAYS, "plan")
        said, shares = [*said, mean], [0.0] * len(WAYS) + [1.0]
        method = say("revenue.note.plan")
    full = _full(mean, levels, half_widths(y, m, levels, past_error(y))[:, 0] * unit, floor)
    made = _models(names, shares, said)
    return Estimate(full, made, tuple(notes), _plain(table, filled), floor, method)


def _full(
    mean: float, levels: Sequence[float], half: Sequence[float] | Array, floor: float
) -> pd.Series[float]:
    """Mean and limits by name, none below the floor."""
    values = {"mean": max(mean, floor)}
    for level, width in zip(levels, half, strict=True):
        values[f"lo-{level:g}"] = max(values["mean"] - float(width), floor)
        values[f"hi-{level:g}"] = values["mean"] + float(width)
    return pd.Series(values, dtype=float)


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
    limits = np.array(asset()["alone"][m - 1])
    tried = np.array(asset()["bands"]["levels"], dtype=float)
    half = [abs(mean) * float(at_level(level, tried, limits)) for level in levels]
    notes.append(say("revenue.note.alone"))
    models = _models(("even",), [1.0], [mean])
    return Estimate(_full(mean, levels, half, floor), models, tuple(notes), mean, floor)


def way_title(way: str) -> Text:
    """What a way of reckoning is called."""
    return say(f"revenue.way.{way}")


def _models(names: Sequence[str], weights: Sequence[float], years: Sequence[float]) -> pd.DataFrame:
    titles = [f"{title.zh} {title.en}" for title in map(way_title, names)]
    return pd.DataFrame({"model": names, "title": titles, "weight": weights, "full_year": years})
