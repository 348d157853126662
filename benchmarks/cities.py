"""Yearly revenue of Chinese cities, years and provinces left out: errors and bands.

    python benchmarks/cities.py        # some five minutes; writes benchmarks/results/cities.csv

Each third of the provinces and span of origins is forecast by a network, and given bands by a
table, that have seen neither these provinces nor the years that are forecast. What is shown: the
error one, two and three years ahead against the best of last value, half drift and drift, with
intervals from resampling provinces and years; the share inside the bands, of all and after a
fall of more than a tenth in the last two years of the history; the largest error.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from _calibration import combined, combined_city, distances, light_table
from _cities import LENGTHS, ORIGINS
from _cities import Windows as CityWindows
from _cities import windows as city_windows
from _results import write
from _training import (
    CITIES,
    FOLDS,
    SPANS,
    folds,
    sample,
    train,
    windows,
    without,
    yearly_series,
)

from fiscalmodel.revenue import intervals, metrics, pooled
from fiscalmodel.revenue.models import candidate_forecasts, drift, half_drift, held, naive
from fiscalmodel.revenue.pooled import TRAINED_STEPS

CACHE = Path(tempfile.gettempdir()) / "crossed.npy"
DRAWS = 500


def left_out() -> dict[int, dict[str, np.ndarray]]:
    """Forecasts and bands of every city window, by length of history."""
    win = windows(yearly_series())
    data = sample(win)
    crossed = np.load(CACHE)
    ratio = distances(win, combined(data, crossed, "revenue"))
    years = win.origin[:, None] + np.arange(1, TRAINED_STEPS + 1)
    third = folds()
    sets = {n: city_windows(n) for n in LENGTHS}
    made = {n: _empty(len(w.past)) for n, w in sets.items()}
    for span in SPANS[2:]:
        for fold in range(FOLDS):
            net = train(without(win, data, CITIES, fold, span), win, members=2)
            hidden = (years > span[0]) & (years <= span[1] + 3)
            rows = np.flatnonzero(win.revenue & (win.fold != fold) & data.usable)
            table = light_table(rows, win, np.where(hidden, np.nan, ratio))
            for n, w in sets.items():
                own = np.array([third[p] == fold for p in w.province])
                own &= (w.origin >= span[0]) & (w.origin <= span[1])
                if own.any():
                    for key, value in _forecast(w.past[own], net, table).items():
                        made[n][key][own] = value
            print(f"origins {span}, third {fold}", flush=True)
    return made


def _empty(count: int) -> dict[str, np.ndarray]:
    keys = ("mean", "lo-80", "hi-80", "lo-95", "hi-95")
    return {key: np.full((count, 3), np.nan) for key in keys}


def _forecast(past: np.ndarray, net: pooled.Network, table: dict) -> dict[str, np.ndarray]:
    _, parts = candidate_forecasts(past, TRAINED_STEPS)
    own = held(past, pooled.forecast(past, parts, net))
    mean = combined_city(past, own)[:, :3]
    found = {"mean": mean}
    for level in (80, 95):
        width = intervals.quantiles(table, past.shape[1], 3, level) * intervals.spread(past)
        width = np.maximum.accumulate(width, axis=1)
        found[f"lo-{level}"] = mean * (1 - intervals.below(width))
        found[f"hi-{level}"] = mean * (1 + width)
    return found


def fallen(past: np.ndarray) -> np.ndarray:
    """A fall of more than a tenth within the last two years of the history."""
    return (np.diff(past, axis=1)[:, -2:] / past[:, -3:-1]).min(axis=1) < -0.1


def cells(w: CityWindows, mean: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean absolute % error by year ahead, and its ratio to the best plain method."""
    actual = w.without_breaks()

    def error(f: np.ndarray) -> np.ndarray:
        return 100 * np.nanmean(np.abs(f - actual) / actual, axis=0)

    plain = np.min([error(run(w.past, 3)) for run in (naive, half_drift, drift)], axis=0)
    own = error(mean)
    return own, own / plain


def resampled(w: CityWindows, mean: np.ndarray) -> np.ndarray:
    """2.5 and 97.5 % quantiles of the ratio, provinces and years drawn with replacement."""
    rng = np.random.default_rng(0)
    actual = w.without_breaks()
    ratio = [np.abs(f - actual) / actual for f in
             (mean, *(run(w.past, 3) for run in (naive, half_drift, drift)))]  # fmt: skip
    names, years = np.unique(w.province), np.array(list(ORIGINS))
    place, when = np.searchsorted(names, w.province), w.origin - years[0]
    found = []
    for _ in range(DRAWS):
        weight = np.bincount(rng.integers(len(names), size=len(names)), minlength=len(names))[place]
        weight = weight * np.bincount(rng.integers(len(years), size=len(years)),
                                      minlength=len(years))[when]  # fmt: skip
        means = []
        for r in ratio:
            heavy = weight[:, None] * ~np.isnan(r)
            means.append((np.nan_to_num(r) * heavy).sum(axis=0) / np.maximum(heavy.sum(axis=0), 1))
        found.append(means[0] / np.min(means[1:], axis=0))
    return np.quantile(found, [0.025, 0.975], axis=0)


def worst(w: CityWindows, mean: np.ndarray) -> str:
    """The largest error in words."""
    actual = w.without_breaks()
    off = np.nan_to_num(np.abs(mean - actual) / actual)
    row, step = np.unravel_index(off.argmax(), off.shape)
    return (
        f"{w.city[row]} from {w.origin[row]}, {step + 1} ahead: {actual[row, step]:,.0f}, forecast "
        f"{mean[row, step]:,.0f}, last {w.past[row, -1]:,.0f}"
    )


def by_origin(w: CityWindows, found: dict[str, np.ndarray]) -> dict[int, float]:
    """Share (%) inside the 80 % band by year of origin, one to three years ahead together."""
    actual = w.without_breaks()
    inside = (actual >= found["lo-80"]) & (actual <= found["hi-80"])
    known = ~np.isnan(actual)
    return {
        year: round(100 * float(inside[w.origin == year][known[w.origin == year]].mean()), 1)
        for year in ORIGINS
        if known[w.origin == year].any()
    }


def main() -> None:
    """Measure, print and write."""
    made, rows = left_out(), []
    for n, found in made.items():
        w = city_windows(n)
        own, ratio = cells(w, found["mean"])
        low, high = resampled(w, found["mean"])
        actual = w.without_breaks()
        for step in range(3):
            known = int((~np.isnan(actual[:, step])).sum())
            row = {"points": n, "ahead": step + 1, "windows": known, "error_pct": own[step]}
            row |= {"ratio": ratio[step], "ratio_low": low[step], "ratio_high": high[step]}
            for group, pick in (("", slice(None)), ("_after_fall", fallen(w.past))):
                a = actual[pick][:, step]
                known = ~np.isnan(a)
                for level in (80, 95):
                    lo, hi = (found[f"{s}-{level}"][pick][known, step] for s in ("lo", "hi"))
                    a_known = a[known]
                    row[f"in_{level}{group}"] = 100 * ((a_known >= lo) & (a_known <= hi)).mean()
                    score = metrics.interval_score(a_known, lo, hi, level) / a_known
                    row[f"score_{level}{group}"] = score.mean()
            rows.append(row)
        print(f"{n} points, largest error:", worst(w, found["mean"]))
        print(f"{n} points, in the 80 % band by origin:", by_origin(w, found))
    table = pd.DataFrame(rows).round(3)
    print(table.to_string(index=False))
    print("mean ratio", table["ratio"].mean().round(4), "largest", table["ratio"].max())
    write("cities", table)


if __name__ == "__main__":
    main()
