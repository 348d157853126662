"""Conformal quantiles and the model of the expected error, from public training series."""

from __future__ import annotations

import numpy as np
from _panels import SEASONS, load
from _panels import windows as cut
from _training import CITIES, COMPETITIONS, SPANS, SUMS_WEIGHT, Sample, Windows

from fiscalmodel.revenue.engine import SHARES, combine
from fiscalmodel.revenue.intervals import (
    SIDES,
    change,
    expected_error,
    relative_to,
    scale_features,
    seasonal_error,
)
from fiscalmodel.revenue.models import half_drift, held
from fiscalmodel.revenue.pooled import TRAINED_STEPS, tilt

LEVELS = [20, 40, 50, 60, 70, 80, 90, 95, 98, 99]
#: Windows whose origin lies at most this many values before the end: what a user has is the
#: latest history, while the first years of many series are wild.
RECENT = 7
#: Factors on the quantiles that are tried.
WIDER = np.linspace(1.0, 1.4, 21)
#: What `scale_features` gives.
FEATURES = 12
#: First origin of cities that the bands are made from: before, revenue went on to grow by some 20 %
#: a year, far above every forecast. The falls of 2014 to 2020 are among them.
FIRST_BAND_ORIGIN = 2012
#: Fewest windows from which quantiles are taken.
FEWEST = 500
#: Weight of the squared coefficients of the expected error.
HELD = 0.01
#: Errors below this are not told apart.
LEAST_ERROR = 0.01
LENGTHS = [1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20, 25, 30, 38]
SEASONAL = {
    "quarterly": ([1, 2, 4, 6, 8, 10, 12, 16, 20, 28, 36, 44], 8),
    "monthly": ([1, 2, 4, 8, 12, 18, 24, 36, 48, 60, 84, 108, 160, 270], 18),
}


def weighted_quantile(x: np.ndarray, weight: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Smallest values that at least these shares of the weight lie at or below."""
    order = np.argsort(x)
    reached = np.cumsum(weight[order]) / weight.sum()
    return x[order][np.minimum(np.searchsorted(reached, shares - 1e-12), len(x) - 1)]


def _rows(
    ratios: dict[str, np.ndarray], weight: np.ndarray, group: np.ndarray, trusted: int = 99
) -> tuple:
    """Quantiles by side, level and step; coverage by quantiles of the other groups.

    Beyond the `trusted` steps quantiles are those of the last one: too few years tell them.
    """
    tails = 0.5 + np.array(LEVELS) / 200
    steps = next(iter(ratios.values())).shape[1]
    found = {side: np.empty((len(LEVELS), steps)) for side in ratios}
    covered = np.empty((len(LEVELS), steps))
    for step in range(min(steps, trusted)):
        known = ~np.isnan(ratios["lower"][:, step])
        x = {side: ratio[known, step] for side, ratio in ratios.items()}
        w, g = weight[known].copy(), group[known]
        for one in np.unique(g):  # each data set counts the same
            w[g == one] /= max(w[g == one].sum(), 1e-300)
        for side in x:
            found[side][:, step] = weighted_quantile(x[side], w, tails)
        inside = []
        for one in np.unique(g):
            own = g == one
            if own.all():
                continue
            good = np.ones((len(WIDER), len(LEVELS), own.sum()), dtype=bool)
            for side in x:
                limit = np.maximum(weighted_quantile(x[side][~own], w[~own], tails), 0)
                good &= x[side][own] <= WIDER[:, None, None] * limit[:, None]
            inside.append((good * w[own]).sum(axis=2) / w[own].sum())
        if not inside:
            covered[:, step] = LEVELS
            continue
        # Errors of one year or data set are alike: quantiles of the others hold too little, and
        # are widened by what makes them hold their level on those left out.
        held = 100 * np.mean(inside, axis=0)
        pick = np.minimum((held < np.array(LEVELS) - 0.25).sum(axis=0), len(WIDER) - 1)
        covered[:, step] = held[pick, np.arange(len(LEVELS))]
        for side in x:
            found[side][:, step] *= WIDER[pick]
    for table in (*found.values(), covered):
        table[:, trusted:] = table[:, min(steps, trusted) - 1 : min(steps, trusted)]
    return {side: rows.round(4).tolist() for side, rows in found.items()}, covered.round(1).tolist()


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


def light_table(
    rows: np.ndarray, win: Windows, error: dict[str, np.ndarray], x: np.ndarray
) -> dict[str, object]:
    """Scale and quantiles from some windows alone, without widening: for what they left out."""
    weight = 1 / np.bincount(win.series)[win.series] ** 0.7
    rows = rows[~np.isnan(error["upper"][rows]).all(axis=1)]
    scale = {side: _fit_scale(rows, error[side], x, weight) for side in SIDES}
    tails, lengths = 0.5 + np.array(LEVELS) / 200, []
    grid: dict[str, list] = {side: [] for side in SIDES}
    ratio = {side: error[side][rows] / expected_error(x[rows], scale[side]) for side in SIDES}
    for n in LENGTHS[1:]:
        near = np.abs(win.length[rows] - n) <= n // 4
        if np.isfinite(error["upper"][rows[near], 0]).sum() < FEWEST // 5:
            continue
        lengths.append(n)
        for side in SIDES:
            found = np.empty((len(LEVELS), TRAINED_STEPS))
            for step in range(TRAINED_STEPS):
                r = ratio[side][near, step]
                known = ~np.isnan(r)
                if known.any():
                    found[:, step] = weighted_quantile(r[known], weight[rows][near][known], tails)
                else:  # no year left that lies so far ahead
                    found[:, step] = found[:, step - 1]
            grid[side].append(found)
    return {"lengths": lengths, "levels": LEVELS, "growth": 0.5, "scale": scale, **grid}


def errors(
    win: Windows, data: Sample, pooled: np.ndarray, mean: np.ndarray
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Errors on the scale of growth by side, and features."""
    error = np.full(mean.shape, np.nan)
    x = np.zeros((*mean.shape, FEATURES))
    parts = np.concatenate([data.parts, pooled[:, None]], axis=1)
    for n, past in win.history.items():
        rows = win.rows[n]
        positive, level = relative_to(past)
        outturn = win.future[rows]
        error[rows] = change(outturn, mean[rows], positive, level)
        x[rows] = scale_features(past, mean[rows], parts[rows].transpose(1, 0, 2))
    city = win.dataset == CITIES
    # Breaks of the calibre are no errors of a forecast.
    far = city[:, None] & (np.abs(np.nan_to_num(error)) > np.log(2.5))
    error[far] = np.nan
    error[city & (win.origin < FIRST_BAND_ORIGIN)] = np.nan
    return {"lower": -error, "upper": error}, x


def yearly_group(win: Windows, data: Sample, pooled: np.ndarray, kind: str) -> dict[str, object]:
    """Table of yearly bands of a kind, with the model of the expected error."""
    error, x = errors(win, data, pooled, combined(data, pooled, kind))
    weight = np.where(win.proper, 1.0, SUMS_WEIGHT) / np.bincount(win.series)[win.series] ** 0.7
    known = data.usable & ~np.isnan(error["upper"]).all(axis=1)
    group = win.dataset.copy()
    if kind == "revenue":
        known &= win.dataset == CITIES
        span = np.searchsorted([last for _, last in SPANS], win.origin)
        group = win.fold * len(SPANS) + span  # provinces and years apart
    usable = np.flatnonzero(known)
    # The size of errors is predicted by a model that has not seen the group either.
    size = {side: np.full(error[side].shape, np.nan) for side in SIDES}
    for one in np.unique(group[usable]):
        own = usable[group[usable] == one]
        rest = usable[group[usable] != one]
        if kind == "revenue":
            away = (win.fold[rest] != win.fold[own[0]]) & ~overlapping(win, rest, own)
            rest = rest[away]
        for side in SIDES:
            fit = _fit_scale(rest, error[side], x, weight)
            size[side][own] = expected_error(x[own], fit)
    model = {side: _fit_scale(usable, error[side], x, weight) for side in SIDES}
    ratio = {side: error[side] / size[side] for side in SIDES}
    rows: dict[str, list] = {side: [] for side in SIDES}
    covered, used, lengths = [], [], []
    for n in LENGTHS:
        if n == 1:
            quantile, share, count = _single_points(win, known)
        else:
            near = np.abs(win.length - n) <= n // 4
            if kind != "revenue":
                # Yearly series proper alone: sums of noisy months err more than users' do.
                near &= (win.left <= RECENT) & win.proper
            pick = usable[near[usable]]
            if np.isfinite(error["upper"][pick]).sum(axis=0).min() < FEWEST:
                continue
            quantile, share = _rows(
                {side: ratio[side][pick] for side in SIDES},
                weight[pick],
                group[pick],
                3 if kind == "revenue" else 99,
            )
            count = len(pick)
        lengths.append(n)
        for side in SIDES:
            rows[side].append(quantile[side])
        covered.append(share)
        used.append(int(count))
        for level in (80, 95):
            print(kind, n, count, level, share[LEVELS.index(level)], flush=True)
    far = np.array(rows["upper"])[1:, LEVELS.index(95)].mean(axis=0)
    main = np.exp(np.array(model["upper"]["start"]))
    return {
        "lengths": lengths,
        "levels": LEVELS,
        "windows": used,
        **rows,
        "coverage": covered,
        "growth": _growth(far * main),
        "scale": model,
    }


def overlapping(win: Windows, rest: np.ndarray, own: np.ndarray) -> np.ndarray:
    """Which windows are forecast over years that the span of `own` is forecast over."""
    first, last = win.origin[own].min(), win.origin[own].max()
    return (win.origin[rest] >= first - 2) & (win.origin[rest] <= last + 2)


def _growth(row: np.ndarray) -> float:
    """Power of the horizon at which the band grows over the later half of the steps."""
    half = len(row) // 2
    return round(
        float(np.clip(np.log(row[-1] / row[half - 1]) / np.log(len(row) / half), 0.5, 1)), 3
    )


def _fit_scale(
    rows: np.ndarray, error: np.ndarray, x: np.ndarray, weight: np.ndarray
) -> dict[str, list[float]]:
    """Size of the errors on one side: log error on the features, by ridge regression.

    Coefficients are held back, the more so in how they change with the step: what is rare in
    the windows must not run off where it is met.
    """
    count, steps = x.shape[2], TRAINED_STEPS
    e, share = error[rows], weight[rows] / weight[rows].sum()
    lean = tilt(steps)
    further = np.log(np.arange(1, steps + 1))
    normal = np.zeros((2 + 2 * count, 2 + 2 * count))
    aim = np.zeros(len(normal))
    for step in range(steps):
        own = e[:, step] > 0
        design = np.zeros((own.sum(), len(normal)))
        seen = x[rows[own], step]
        design[:, :2] = 1, further[step]
        design[:, 2 : 2 + count] = seen
        design[:, 2 + count :] = seen * lean[step]
        weighted = design * share[own, None]
        normal += weighted.T @ design
        aim += weighted.T @ np.log(e[own, step] + LEAST_ERROR)
    held = np.r_[1e-9, 1e-9, np.full(count, HELD), np.full(count, 10 * HELD)]
    p = np.linalg.solve(normal + np.diag(held), aim)
    parts = (p[0] + p[1] * further, p[2 : 2 + count], p[2 + count :])
    names = ("start", "main", "tilt")
    return {name: np.round(v, 5).tolist() for name, v in zip(names, parts, strict=True)}


def _single_points(win: Windows, known: np.ndarray) -> tuple[dict, list, int]:
    """One known value: growth from it, either side."""
    ratios, weights, groups = [], [], []
    for n, past in win.history.items():
        pick = (win.proper & known)[win.rows[n]] & (past[:, -1] > 0)
        rows = win.rows[n][pick]
        last = past[pick, -1:]
        with np.errstate(invalid="ignore", divide="ignore"):
            growth = np.log(win.future[rows] / last)
        ratios.append(np.where(np.isfinite(growth), growth, np.nan))
        weights.append(1 / np.bincount(win.series)[win.series[rows]])
        groups.append(win.dataset[rows])
    ratio = np.concatenate(ratios)
    quantile, share = _rows(
        {"lower": -ratio, "upper": ratio}, np.concatenate(weights), np.concatenate(groups)
    )
    return quantile, share, len(ratio)


def seasonal_group(kind: str) -> dict[str, object]:
    """Table of quarterly or monthly bands: one factor on the expected error."""
    lengths, horizon = SEASONAL[kind]
    season = SEASONS[kind]
    rows_q: dict[str, list] = {side: [] for side in SIDES}
    rows_c, used = [], []
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
        q, c = _rows(
            {"lower": -whole, "upper": whole}, np.ones(len(whole)), np.concatenate(dataset)
        )
        for side in SIDES:
            rows_q[side].append(q[side])
        rows_c.append(c)
        used.append(len(whole))
        print(kind, length, len(whole), c[LEVELS.index(95)], flush=True)
    last = np.array(rows_q["upper"])[-1, LEVELS.index(95)]
    return {
        "lengths": lengths,
        "levels": LEVELS,
        "windows": used,
        **rows_q,
        "coverage": rows_c,
        "growth": _growth(last),
    }
