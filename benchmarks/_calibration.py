"""Quantiles of the distance of outturns from forecasts, from public training series."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from _panels import SEASONS, load
from _panels import windows as cut
from _training import CITIES, COMPETITIONS, SPANS, SUMS_WEIGHT, Sample, Windows

from fiscalmodel.revenue.engine import SHARES, combine
from fiscalmodel.revenue.intervals import relative_to, seasonal_error, spread
from fiscalmodel.revenue.models import half_drift, held
from fiscalmodel.revenue.pooled import TRAINED_STEPS

LEVELS = [20, 40, 50, 60, 70, 80, 90, 95, 98, 99]
#: Windows whose origin lies at most this many values before the end: what a user has is the
#: latest history, while the first years of many series are wild.
RECENT = 7
#: Factors on the quantiles that are tried.
WIDER = np.linspace(1.0, 1.4, 21)
#: First origin of cities that the bands are made from: before, revenue went on to grow by some 20 %
#: a year, far above every forecast. The falls of 2014 to 2020 are among them.
FIRST_BAND_ORIGIN = 2012
#: Fewest windows from which quantiles are taken.
FEWEST = 500
LENGTHS = [1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20, 25, 30, 38]
#: Of budget revenue all histories of five years and more stand together.
LONG = 5
#: Steps ahead of budget revenue at which enough years are left out to tell what they hold.
TRUSTED = 3
SEASONAL = {
    "quarterly": ([1, 2, 4, 6, 8, 10, 12, 16, 20, 28, 36, 44], 8),
    "monthly": ([1, 2, 4, 8, 12, 18, 24, 36, 48, 60, 84, 108, 160, 270], 18),
}


def weighted_quantile(x: np.ndarray, weight: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Smallest values that at least these shares of the weight lie at or below."""
    order = np.argsort(x)
    reached = np.cumsum(weight[order]) / weight.sum()
    return x[order][np.minimum(np.searchsorted(reached, shares - 1e-12), len(x) - 1)]


def _rows(ratio: np.ndarray, weight: np.ndarray, group: np.ndarray) -> tuple[list, list]:
    """Quantiles by level and step; coverage of each group by quantiles of the others.

    Errors of one data set are alike: quantiles of the others hold too little, and are widened by
    what makes them hold their level on those left out.
    """
    shares = np.array(LEVELS) / 100
    steps = ratio.shape[1]
    found, covered = np.empty((len(LEVELS), steps)), np.empty((len(LEVELS), steps))
    for step in range(steps):
        known = ~np.isnan(ratio[:, step])
        x, w, g = ratio[known, step], weight[known].copy(), group[known]
        for one in np.unique(g):  # each data set counts the same
            w[g == one] /= max(w[g == one].sum(), 1e-300)
        found[:, step] = weighted_quantile(x, w, shares)
        inside = []
        for one in np.unique(g):
            own = g == one
            if not own.all():
                limit = WIDER[:, None, None] * weighted_quantile(x[~own], w[~own], shares)[:, None]
                inside.append(((x[own] <= limit) * w[own]).sum(axis=2) / w[own].sum())
        if not inside:
            covered[:, step] = LEVELS
            continue
        share = 100 * np.mean(inside, axis=0)
        pick = np.minimum((share < np.array(LEVELS) - 0.25).sum(axis=0), len(WIDER) - 1)
        covered[:, step] = share[pick, np.arange(len(LEVELS))]
        found[:, step] *= WIDER[pick]
    return found.round(4).tolist(), covered.round(1).tolist()


def _city_rows(
    ratio: np.ndarray, weight: np.ndarray, group: np.ndarray, others: Callable[..., np.ndarray]
) -> tuple[list, list]:
    """Quantiles by level and step; coverage by quantiles of other provinces and other years.

    `others` says which rows those are, given the places of a group's own and the step.
    """
    shares = np.array(LEVELS) / 100
    found, covered = (np.empty((len(LEVELS), ratio.shape[1])) for _ in range(2))
    for step in range(ratio.shape[1]):
        known = ~np.isnan(ratio[:, step])
        found[:, step] = weighted_quantile(ratio[known, step], weight[known], shares)
        if step >= TRUSTED:
            covered[:, step] = covered[:, step - 1]
            continue
        inside, counted = 0.0, 0.0
        for one in np.unique(group[known]):
            own = np.flatnonzero(known & (group == one))
            rest = known & others(own, step)
            if rest.any():
                limit = weighted_quantile(ratio[rest, step], weight[rest], shares)
                inside += ((ratio[own, step] <= limit[:, None]) * weight[own]).sum(axis=1)
                counted += weight[own].sum()
        covered[:, step] = 100 * inside / counted
    return found.round(4).tolist(), covered.round(1).tolist()


def combined(data: Sample, pooled: np.ndarray, kind: str) -> np.ndarray:
    """What is forecast for the kind, (rows, steps), with the pooled forecasts given."""
    part = {name: data.parts[:, place] for place, name in enumerate(data.names)}
    if kind == "revenue":
        share = 1 / (1 + np.arange(1, TRAINED_STEPS + 1))
        return share * pooled + (1 - share) * part["half_drift"]
    part["pooled"] = pooled
    return sum(share * part[name] for name, share in SHARES.items())


def combined_city(past: np.ndarray, pooled: np.ndarray) -> np.ndarray:
    """Budget revenue forecast from histories and pooled forecasts, (series, steps)."""
    share = 1 / (1 + np.arange(1, pooled.shape[1] + 1))
    return share * pooled + (1 - share) * held(past, half_drift(past, pooled.shape[1]))


def distances(win: Windows, mean: np.ndarray) -> np.ndarray:
    """|outturn − forecast| as a share of the forecast, or of the level, over `spread`."""
    ratio = np.full(mean.shape, np.nan)
    for n, past in win.history.items():
        rows = win.rows[n]
        positive, level = relative_to(past)
        unit = np.where(positive[:, None] & (mean[rows] > 0), mean[rows], level[:, None])
        ratio[rows] = np.abs(win.future[rows] - mean[rows]) / unit / spread(past)
    city = win.dataset == CITIES
    # Breaks of the calibre are no errors of a forecast.
    with np.errstate(invalid="ignore", divide="ignore"):
        far = np.abs(np.log(np.abs(win.future / mean))) > np.log(2.5)
    ratio[city[:, None] & far] = np.nan
    ratio[city & (win.origin < FIRST_BAND_ORIGIN)] = np.nan
    return ratio


def light_table(rows: np.ndarray, win: Windows, ratio: np.ndarray) -> dict[str, object]:
    """Quantiles of long histories from some windows alone, not widened: for what they left out."""
    weight = 1 / np.bincount(win.series)[win.series] ** 0.7
    rows = rows[win.length[rows] >= LONG]
    found = np.empty((len(LEVELS), TRAINED_STEPS))
    for step in range(TRAINED_STEPS):
        known = rows[~np.isnan(ratio[rows, step])]
        if len(known):  # else no year is left that lies so far ahead
            x, w = ratio[known, step], weight[known]
            found[:, step] = weighted_quantile(x, w, np.array(LEVELS) / 100)
        else:
            found[:, step] = found[:, step - 1]
    return {"lengths": [LONG, LONG + 1], "levels": LEVELS, "growth": 0.5,
            "width": [found, found]}  # fmt: skip


def yearly_group(win: Windows, data: Sample, pooled: np.ndarray, kind: str) -> dict[str, object]:
    """Table of yearly bands of a kind."""
    ratio = distances(win, combined(data, pooled, kind))
    weight = np.where(win.proper, 1.0, SUMS_WEIGHT) / np.bincount(win.series)[win.series] ** 0.7
    revenue = kind == "revenue"
    known = data.usable & ~np.isnan(ratio).all(axis=1)
    group = win.dataset.copy()
    if revenue:
        known &= win.revenue
        span = np.searchsorted([last for _, last in SPANS], win.origin)
        group = win.fold * len(SPANS) + span  # provinces and years apart
    usable = np.flatnonzero(known)
    made: dict[str, list] = {"lengths": [], "windows": [], "width": [], "coverage": []}
    for n in [length for length in LENGTHS if not revenue or length <= LONG]:
        if n == 1:
            width, share, count = _single_points(win, known, ratio.shape[1])
        else:
            near = np.abs(win.length - n) <= n // 4
            if not revenue:
                # Yearly series proper alone: sums of noisy months err more than users' do.
                near &= (win.left <= RECENT) & win.proper
            elif n == LONG:
                near = win.length >= LONG
            pick = usable[near[usable]]
            if np.isfinite(ratio[pick]).sum(axis=0).min() < FEWEST:
                continue

            def others(own: np.ndarray, step: int, pick: np.ndarray = pick) -> np.ndarray:
                first, year = pick[own[0]], win.origin[pick] + step + 1
                low, high = SPANS[group[first] % len(SPANS)]
                hidden = (year > low) & (year <= high + TRUSTED)
                return (win.fold[pick] != win.fold[first]) & ~hidden

            given = ratio[pick], weight[pick], group[pick]
            width, share = _city_rows(*given, others) if revenue else _rows(*given)
            count = len(pick)
        for name, value in zip(made, (n, int(count), width, share), strict=True):
            made[name].append(value)
        for level in (80, 95):
            print(kind, n, count, level, share[LEVELS.index(level)], flush=True)
    far = np.array(made["width"])[1:, LEVELS.index(95)].mean(axis=0)
    return {**made, "levels": LEVELS, "growth": _growth(far)}


def _growth(row: np.ndarray) -> float:
    """Power of the horizon at which the band grows over the later half of the steps."""
    half = len(row) // 2
    return round(
        float(np.clip(np.log(row[-1] / row[half - 1]) / np.log(len(row) / half), 0.5, 1)), 3
    )


def _single_points(win: Windows, known: np.ndarray, steps: int) -> tuple[list, list, int]:
    """One known value: distance from it as a share of it."""
    ratios, weights, groups = [], [], []
    for n, past in win.history.items():
        pick = (win.proper & known)[win.rows[n]] & (past[:, -1] > 0)
        rows = win.rows[n][pick]
        ratios.append(np.abs(win.future[rows, :steps] / past[pick, -1:] - 1))
        weights.append(1 / np.bincount(win.series)[win.series[rows]])
        groups.append(win.dataset[rows])
    ratio = np.concatenate(ratios)
    width, share = _rows(ratio, np.concatenate(weights), np.concatenate(groups))
    return width, share, len(ratio)


def seasonal_group(kind: str) -> dict[str, object]:
    """Table of quarterly or monthly bands: one factor on the expected error."""
    lengths, horizon = SEASONAL[kind]
    season = SEASONS[kind]
    rows_q, rows_c, used = [], [], []
    for length in lengths:
        ratio, dataset = [], []
        for number, name in enumerate(COMPETITIONS):
            past, future = cut([item.train for item in load(name, kind)], length, horizon, (0, 2))
            if len(past):
                made = combine(past, horizon, season)
                error = future - made.mean
                keep = np.abs(past).max(axis=1) > 0
                unit = np.maximum(seasonal_error(past, made.parts, season), 1e-300)
                ratio.append((error / unit)[keep])
                dataset.append(np.full(keep.sum(), number))
        whole = np.concatenate(ratio)
        q, c = _rows(np.abs(whole), np.ones(len(whole)), np.concatenate(dataset))
        rows_q.append(q)
        rows_c.append(c)
        used.append(len(whole))
        print(kind, length, len(whole), c[LEVELS.index(95)], flush=True)
    last = np.array(rows_q)[-1, LEVELS.index(95)]
    return {
        "lengths": lengths,
        "levels": LEVELS,
        "windows": used,
        "width": rows_q,
        "coverage": rows_c,
        "growth": _growth(last),
    }
