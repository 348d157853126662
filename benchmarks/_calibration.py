"""Conformal quantiles and the model of the expected error, from public training series."""

from __future__ import annotations

import numpy as np
from _panels import SEASONS, load
from _panels import windows as cut
from _training import COMPETITIONS, DATASETS, SUMS_WEIGHT, Sample, Windows
from scipy.optimize import minimize

from fiscalmodel.revenue.combine import SHARES, combine, spread_of
from fiscalmodel.revenue.intervals import scale_features, seasonal_error, typical_move
from fiscalmodel.revenue.models import POOLED_NAME
from fiscalmodel.revenue.pooled import TRAINED_STEPS, tilt

LEVELS = [20, 40, 50, 60, 70, 80, 90, 95, 98, 99]
#: Windows whose origin lies at most this many values before the end: what a user has is the
#: latest history, while the first years of many series are wild.
RECENT = 7
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


def _rows(ratio: np.ndarray, weight: np.ndarray, dataset: np.ndarray) -> tuple[list, list]:
    """Quantiles by level and step, and coverage by quantiles of the other competitions."""
    shares = np.array(LEVELS) / 100
    steps = ratio.shape[1]
    found, covered = np.empty((len(LEVELS), steps)), np.empty((len(LEVELS), steps))
    for step in range(steps):
        known = ~np.isnan(ratio[:, step])
        x, w, d = ratio[known, step], weight[known].copy(), dataset[known]
        for number in range(len(DATASETS)):  # each competition counts the same
            w[d == number] /= max(w[d == number].sum(), 1e-300)
        found[:, step] = weighted_quantile(x, w, shares)
        inside = []
        for number in range(len(DATASETS)):
            own = d == number
            if own.any() and not own.all():
                limit = weighted_quantile(x[~own], w[~own], shares)
                inside.append(((x[own] <= limit[:, None]) * w[own]).sum(axis=1) / w[own].sum())
        covered[:, step] = 100 * (np.mean(inside, axis=0) if inside else shares)
    return found.round(4).tolist(), covered.round(1).tolist()


def yearly_group(win: Windows, data: Sample, pooled: np.ndarray) -> dict[str, object]:
    """Table of yearly bands, with the model of the expected error."""
    parts = np.concatenate([data.parts, pooled[:, None]], axis=1)
    names = (*data.names, POOLED_NAME)
    mean = sum(share * parts[:, names.index(name)] for name, share in SHARES.items())
    error = np.abs(win.future - mean)
    move = np.empty(len(mean))
    x = np.empty((len(mean), TRAINED_STEPS, 10))
    naive_unit = np.empty(len(mean))
    for n, past in win.history.items():
        rows = win.rows[n]
        move[rows] = typical_move(past)
        x[rows] = scale_features(past, spread_of(names, parts[rows].transpose(1, 0, 2)))
        naive_unit[rows] = np.abs(np.diff(past, axis=1)).mean(axis=1)
    weight = np.where(win.proper, 1.0, SUMS_WEIGHT) / np.bincount(win.series)[win.series] ** 0.7
    usable = np.flatnonzero(data.usable & (move > 0))
    # The size of errors is predicted by a model that has not seen the competition either.
    size = np.empty_like(mean)
    for number in range(len(DATASETS)):
        own = win.dataset == number
        fit = _fit_scale(usable[~own[usable]], error, move, x, weight, naive_unit)
        size[own] = _size(fit, move[own], x[own])
    model = _fit_scale(usable, error, move, x, weight, naive_unit)
    ratio = error / np.maximum(size, 1e-300)
    lengths, rows_q, rows_c, used = [], [], [], []
    for n in LENGTHS:
        if n == 1:
            q, c, count = _single_points(win)
        else:
            near = (np.abs(win.length - n) <= n // 4) & (win.left <= RECENT)
            # Yearly series proper alone: sums of noisy months err more than what users have.
            pick = usable[(near & win.proper)[usable]]
            q, c = _rows(ratio[pick], weight[pick], win.dataset[pick])
            count = len(pick)
        lengths.append(n)
        rows_q.append(q)
        rows_c.append(c)
        used.append(int(count))
        print("yearly", n, count, q[LEVELS.index(95)], c[LEVELS.index(95)], flush=True)
    table = np.array(rows_q)[1:, LEVELS.index(95)].mean(axis=0) * np.exp(np.array(model[0]))
    return {
        "lengths": lengths,
        "levels": LEVELS,
        "windows": used,
        "quantiles": rows_q,
        "coverage": rows_c,
        "growth": _growth(table),
        "scale": {
            key: np.round(v, 5).tolist()
            for key, v in zip(("start", "main", "tilt"), model, strict=True)
        },
    }


def _growth(row: np.ndarray) -> float:
    """Power of the horizon at which the band grows over the later half of the steps."""
    half = len(row) // 2
    return round(
        float(np.clip(np.log(row[-1] / row[half - 1]) / np.log(len(row) / half), 0.5, 1)), 3
    )


def _size(model: tuple[np.ndarray, ...], move: np.ndarray, x: np.ndarray) -> np.ndarray:
    start, main, lean = model
    power = start + x @ main + (x @ lean) * tilt(TRAINED_STEPS)
    return move[:, None] * np.exp(np.clip(power, -5, 6))


def _fit_scale(
    rows: np.ndarray,
    error: np.ndarray,
    move: np.ndarray,
    x: np.ndarray,
    weight: np.ndarray,
    unit: np.ndarray,
    *,
    most: int = 40_000,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Expected error that makes the 95 % interval score (over the naive error) small."""
    rng = np.random.default_rng(0)
    rows = rng.choice(
        rows, size=min(most, len(rows)), replace=False, p=weight[rows] / weight[rows].sum()
    )
    e = error[rows] / move[rows][:, None]
    known = ~np.isnan(e)
    e = np.where(known, e, 0)
    share = known * np.minimum(move[rows] / np.maximum(unit[rows], 1e-300), 5)[:, None]
    seen, lean, count = x[rows], tilt(TRAINED_STEPS), x.shape[2]

    def score(p: np.ndarray) -> tuple[float, np.ndarray]:
        start, main, slope = p[:TRAINED_STEPS], p[TRAINED_STEPS : TRAINED_STEPS + count], p[-count:]
        width = np.exp(np.clip(start + seen @ main + (seen @ slope) * lean, -5, 6))
        over = e > width
        value = (share * (2 * width + 40 * np.where(over, e - width, 0))).sum()
        g = share * (2 - 40 * over) * width
        return value / len(rows), np.concatenate(
            [g.sum(axis=0), np.einsum("rh,rhk->k", g, seen), np.einsum("rh,rhk->k", g * lean, seen)]
        ) / len(rows)

    p = np.concatenate([np.log(3 * np.sqrt(np.arange(1, TRAINED_STEPS + 1))), np.zeros(2 * count)])
    p = minimize(score, p, jac=True, method="L-BFGS-B", options={"maxiter": 200}).x
    return p[:TRAINED_STEPS], p[TRAINED_STEPS : TRAINED_STEPS + count], p[-count:]


def _single_points(win: Windows) -> tuple[list, list, int]:
    """One known value: the relative change from it."""
    ratios, weights, datasets = [], [], []
    for n, past in win.history.items():
        rows = win.rows[n][win.last[win.rows[n]] & win.proper[win.rows[n]] & win.full[win.rows[n]]]
        if len(rows):
            last = past[np.isin(win.rows[n], rows), -1:]
            ratios.append(np.abs(win.future[rows] - last) / np.maximum(np.abs(last), 1e-300))
            weights.append(np.ones(len(rows)))
            datasets.append(win.dataset[rows])
    ratio = np.concatenate(ratios)
    q, c = _rows(ratio, np.concatenate(weights), np.concatenate(datasets))
    return q, c, len(ratio)


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
                error = np.abs(future - made.mean)
                keep = np.abs(past).max(axis=1) > 0
                unit = np.maximum(seasonal_error(past, made.parts, season), 1e-300)
                ratio.append((error / unit)[keep])
                dataset.append(np.full(keep.sum(), number))
        whole = np.concatenate(ratio)
        q, c = _rows(whole, np.ones(len(whole)), np.concatenate(dataset))
        rows_q.append(q)
        rows_c.append(c)
        used.append(len(whole))
        print(kind, length, len(whole), q[LEVELS.index(95)], flush=True)
    last = np.array(rows_q)[-1, LEVELS.index(95)]
    return {
        "lengths": lengths,
        "levels": LEVELS,
        "windows": used,
        "quantiles": rows_q,
        "coverage": rows_c,
        "growth": _growth(last),
    }
