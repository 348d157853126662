"""Training windows and the trainer of the pooled model: numpy only, no test values read."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from _economies import economies, local_finance
from _panels import load

from fiscalmodel.revenue.features import features, mean_step, scaled_changes
from fiscalmodel.revenue.models import candidate_forecasts
from fiscalmodel.revenue.pooled import TRAINED_STEPS, Network, silu, tilt

COMPETITIONS = ("M1", "M3", "Tourism")
DATASETS = (*COMPETITIONS, "local finance", "economies")
#: How much a window counts by data set, so that none drowns the others.
SHARES = np.array([3.0, 1.0, 1.5, 2.0, 1.0])
LONGEST = 40
SHORT = (2, 3, 4, 5, 6, 7, 8, 10, 12, 15)
#: Weight of yearly sums of quarterly and monthly series against yearly series proper.
SUMS_WEIGHT = 0.3
#: Mean sMAPE (as a share) and MASE of naive on yearly series: put both on one scale.
TYPICAL_SMAPE, TYPICAL_MASE = 0.18, 3.0


def yearly_series() -> list[tuple[int, bool, np.ndarray]]:
    """(dataset, yearly proper?, values) of all training parts; sums over whole years last."""
    found = []
    for number, panel in enumerate((local_finance(), economies()), start=len(COMPETITIONS)):
        found += [(number, True, y) for y in panel]
    for number, dataset in enumerate(COMPETITIONS):
        found += [(number, True, item.train) for item in load(dataset, "yearly")]
        for kind in ("quarterly", "monthly"):
            for item in load(dataset, kind):
                years = len(item.train) // item.season
                if years >= 6:
                    tail = item.train[len(item.train) - years * item.season :]
                    found.append((number, False, tail.reshape(years, -1).sum(axis=1)))
    return found


@dataclass(frozen=True)
class Windows:
    """Histories with what followed; arrays by row, histories grouped by length.

    ``history[n]`` holds the histories of length n and ``rows[n]`` their places in the rest.
    """

    history: dict[int, np.ndarray]
    rows: dict[int, np.ndarray]
    future: np.ndarray  # (rows, 6), NaN past the end
    length: np.ndarray
    series: np.ndarray
    dataset: np.ndarray
    proper: np.ndarray
    last: np.ndarray  # window that ends six (Tourism four) values before the end
    full: np.ndarray  # the whole history up to its origin
    left: np.ndarray  # values after the origin


def windows(series: list[tuple[int, bool, np.ndarray]]) -> Windows:
    """Every origin of every series with its whole history, and cut to short lengths."""
    groups: dict[int, list[tuple[int, int, bool, bool]]] = {}
    for number, (dataset, _, x) in enumerate(series):
        held = 4 if dataset == 2 else 6
        for end in range(2, len(x)):
            whole = min(end, LONGEST)
            last = end == max(len(x) - held, 2)
            lengths = {whole} | {k for k in SHORT if k < whole and (end % 4 == k % 4 or last)}
            for n in lengths:
                groups.setdefault(n, []).append((number, end, last, n == whole))
    history, rows, parts, start = {}, {}, [], 0
    for n, group in sorted(groups.items()):
        history[n] = np.stack([series[s][2][end - n : end] for s, end, _, _ in group])
        future = np.full((len(group), TRAINED_STEPS), np.nan)
        for row, (s, end, _, _) in enumerate(group):
            ahead = series[s][2][end : end + TRAINED_STEPS]
            future[row, : len(ahead)] = ahead
        rows[n] = np.arange(start, start + len(group))
        start += len(group)
        parts.append((future, np.full(len(group), n), np.array(group)))
    table = np.concatenate([part[2] for part in parts])
    number = table[:, 0]
    return Windows(
        history,
        rows,
        np.concatenate([part[0] for part in parts]),
        np.concatenate([part[1] for part in parts]),
        number,
        np.array([series[s][0] for s in number]),
        np.array([series[s][1] for s in number]),
        table[:, 2].astype(bool),
        table[:, 3].astype(bool),
        np.array([len(series[s][2]) for s in number]) - table[:, 1],
    )


@dataclass(frozen=True)
class Sample:
    """What the trainer sees, by row of `Windows`."""

    names: tuple[str, ...]
    parts: np.ndarray  # (rows, candidates, 6)
    x: np.ndarray  # (rows, features)
    change: np.ndarray  # candidates in mean steps from the last value
    target: np.ndarray  # the same of what followed
    known: np.ndarray  # whether it is known
    level: np.ndarray  # last value in mean steps
    usable: np.ndarray


def sample(win: Windows) -> Sample:
    """Candidates and features of all windows."""
    total = len(win.length)
    parts = x = None
    change = np.empty(0)
    unit, last = np.empty(total), np.empty(total)
    names: tuple[str, ...] = ()
    for n, past in win.history.items():
        names, made = candidate_forecasts(past, TRAINED_STEPS)
        scaled = scaled_changes(past, made)
        seen = features(past, scaled)
        if parts is None:
            parts = np.empty((total, len(names), TRAINED_STEPS))
            change = np.empty_like(parts)
            x = np.empty((total, seen.shape[1]))
        rows = win.rows[n]
        parts[rows], change[rows], x[rows] = (
            made.transpose(1, 0, 2),
            scaled.transpose(1, 0, 2),
            seen,
        )
        unit[rows], last[rows] = mean_step(past), past[:, -1]
    assert parts is not None
    assert x is not None
    target = (win.future - last[:, None]) / unit[:, None]
    known = ~np.isnan(target)
    target = np.where(known, target, 0.0)
    usable = known.any(axis=1) & (np.abs(target).max(axis=1) < 200) & (unit > 1e-8 * np.abs(last))
    return Sample(names, parts, x, change, target, known, last / unit, usable)


def train(
    data: Sample,
    rows: np.ndarray,
    chance: np.ndarray,
    *,
    members: int = 8,
    hidden: int = 32,
    epochs: int = 5,
    batch: int = 1024,
    rate: float = 2e-3,
    decay: float = 1e-3,
    dropout: float = 0.1,
    seed: int = 0,
) -> Network:
    """Fit an ensemble on `rows`, drawn with probability `chance`; AdamW, cosine rate."""
    centre, spread = data.x[rows].mean(axis=0), data.x[rows].std(axis=0) + 1e-3
    found = []
    for member in range(members):
        rng = np.random.default_rng((seed, member))
        p = _start(rng, data.x.shape[1], hidden, len(data.names))
        moment = {k: (np.zeros_like(v), np.zeros_like(v)) for k, v in p.items()}
        steps = epochs * (len(rows) // batch)
        for step in range(steps):
            pick = rng.choice(rows, size=batch, p=chance)
            gradient = _gradient(p, (data.x[pick] - centre) / spread, data, pick, rng, dropout)
            now = rate * 0.5 * (1 + np.cos(np.pi * step / steps))
            for key, value in p.items():
                m, v = moment[key]
                m += 0.1 * (gradient[key] - m)
                v += 0.001 * (np.square(gradient[key]) - v)
                ahead = (m / (1 - 0.9 ** (step + 1))) / (
                    np.sqrt(v / (1 - 0.999 ** (step + 1))) + 1e-8
                )
                value -= now * (ahead + decay * value)
        found.append(p)
    stacked = {key: np.stack([p[key] for p in found]) for key in found[0]}
    return Network(centre, spread, **stacked, names=data.names)


def _start(rng: np.random.Generator, inputs: int, hidden: int, count: int) -> dict[str, np.ndarray]:
    def layer(rows: int, columns: int, gain: float = 1.0) -> np.ndarray:
        return rng.normal(0, gain / np.sqrt(rows), (rows, columns))

    return {
        "w1": layer(inputs, hidden),
        "b1": np.zeros(hidden),
        "w2": layer(hidden, hidden),
        "b2": np.zeros(hidden),
        "w3": np.concatenate(
            [layer(hidden, 2 * count, 0.3), layer(hidden, TRAINED_STEPS, 0.015)], axis=1
        ),
        "b3": np.zeros(2 * count + TRAINED_STEPS),
    }


def _gradient(
    p: dict[str, np.ndarray],
    x: np.ndarray,
    data: Sample,
    pick: np.ndarray,
    rng: np.random.Generator,
    dropout: float,
) -> dict[str, np.ndarray]:
    """Gradient of the mean loss: half scaled error, half symmetric percentage error."""
    z, y, known, level = data.change[pick], data.target[pick], data.known[pick], data.level[pick]
    lean = tilt(TRAINED_STEPS)
    keep1, keep2 = (
        (rng.random((len(pick), len(p["b1"]))) > dropout) / (1 - dropout) for _ in range(2)
    )
    a1 = x @ p["w1"] + p["b1"]
    h1 = silu(a1) * keep1
    a2 = h1 @ p["w2"] + p["b2"]
    h2 = silu(a2) * keep2
    out = h2 @ p["w3"] + p["b3"]
    count = z.shape[1]
    score = out[:, :count, None] + out[:, count : 2 * count, None] * lean
    score = np.exp(score - score.max(axis=1, keepdims=True))
    share = score / score.sum(axis=1, keepdims=True)
    middle = (share * z).sum(axis=1)
    f = middle + out[:, 2 * count :]
    error = f - y
    size = np.maximum(np.abs(level[:, None] + y) + np.abs(level[:, None] + f), 1e-6)
    slope = np.sign(error) * (np.abs(error) < 25) / TYPICAL_MASE
    slope = slope + 2 / TYPICAL_SMAPE * (
        np.sign(error) / size - np.abs(error) * np.sign(level[:, None] + f) / size**2
    )
    slope = np.where(known, slope, 0) / known.sum(axis=1, keepdims=True) / len(pick)
    d_score = share * (z - middle[:, None]) * slope[:, None]
    d_out = np.concatenate([d_score.sum(axis=2), d_score @ lean, slope], axis=1)
    d2 = (d_out @ p["w3"].T) * keep2 * _silu_slope(a2)
    d1 = (d2 @ p["w2"].T) * keep1 * _silu_slope(a1)
    return {
        "w3": h2.T @ d_out,
        "b3": d_out.sum(axis=0),
        "w2": h1.T @ d2,
        "b2": d2.sum(axis=0),
        "w1": x.T @ d1,
        "b1": d1.sum(axis=0),
    }


def _silu_slope(a: np.ndarray) -> np.ndarray:
    logistic = 1 / (1 + np.exp(-np.clip(a, -60, 60)))
    return logistic * (1 + a * (1 - logistic))


def chances(win: Windows, rows: np.ndarray) -> np.ndarray:
    """Chance of each window: long series and sums of other frequencies count for less."""
    number = np.bincount(win.series)[win.series][rows]
    weight = number**-0.7 * np.where(win.proper[rows], 1.0, SUMS_WEIGHT)
    weight = weight * SHARES[win.dataset[rows]]
    return weight / weight.sum()
