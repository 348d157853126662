"""Training windows and the trainer of the pooled model: numpy only, no test values read."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from _cities import cities
from _economies import economies, local_finance
from _panels import load

from fiscalmodel.revenue.models import candidate_forecasts
from fiscalmodel.revenue.pooled import (
    TRAINED_STEPS,
    Network,
    features,
    mean_step,
    scaled_changes,
    silu,
    tilt,
)

COMPETITIONS = ("M1", "M3", "Tourism")
DATASETS = (*COMPETITIONS, "local finance", "economies", "Chinese cities")
LOCAL, CITIES = DATASETS.index("local finance"), DATASETS.index("Chinese cities")
#: How much a window counts by data set, so that none drowns the others.
SHARES = np.array([3.0, 1.0, 1.5, 2.0, 1.0, 2.0])
#: First year of the outturns of cities that are learned from: before, revenue grew by some
#: 20 % a year, which is over.
FIRST_YEAR = 2009
#: The cities are forecast by networks that have seen neither the third of the provinces nor
#: the years up to three after the span of origins.
FOLDS = 3
SPANS = ((1900, 2008), (2009, 2011), (2012, 2013), (2014, 2015), (2016, 2017), (2018, 2019))
LONGEST = 40
SHORT = (2, 3, 4, 5, 6, 7, 8, 10, 12, 15)
#: Weight of yearly sums of quarterly and monthly series against yearly series proper.
SUMS_WEIGHT = 0.3
#: Mean sMAPE (as a share) and MASE of naive on yearly series: put both on one scale.
TYPICAL_SMAPE, TYPICAL_MASE = 0.18, 3.0


@dataclass(frozen=True)
class Yearly:
    """One yearly series: its data set, whether yearly proper, values, first year, fold."""

    dataset: int
    proper: bool
    values: np.ndarray
    first: int = 0
    fold: int = -1
    revenue: bool = False


def folds() -> dict[str, int]:
    """Third of each province, the same in every run."""
    names = sorted({one.province for one in cities()})
    order = np.random.default_rng(1).permutation(len(names))
    return {names[place]: number % FOLDS for number, place in enumerate(order)}


def yearly_series() -> list[Yearly]:
    """All training parts; yearly sums over whole years of other frequencies last."""
    found = []
    for number, panel in ((LOCAL, local_finance()), (LOCAL + 1, economies())):
        found += [Yearly(number, True, y) for y in panel]
    third = folds()
    for column in ("revenue", "expenditure"):
        found += [
            Yearly(CITIES, True, one.values, one.first, third[one.province], column == "revenue")
            for one in cities(column)
        ]
    for number, dataset in enumerate(COMPETITIONS):
        found += [Yearly(number, True, item.train) for item in load(dataset, "yearly")]
        for kind in ("quarterly", "monthly"):
            for item in load(dataset, kind):
                years = len(item.train) // item.season
                if years >= 6:
                    tail = item.train[len(item.train) - years * item.season :]
                    found.append(Yearly(number, False, tail.reshape(years, -1).sum(axis=1)))
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
    origin: np.ndarray  # year of the last known value, of cities
    fold: np.ndarray  # third of the provinces, -1 for other data
    revenue: np.ndarray  # budget revenue of a city


def windows(series: list[Yearly]) -> Windows:
    """Every origin of every series with its whole history, and cut to short lengths."""
    groups: dict[int, list[tuple[int, int, bool, bool]]] = {}
    for number, one in enumerate(series):
        x, held = one.values, 4 if one.dataset == COMPETITIONS.index("Tourism") else 6
        for end in range(2, len(x)):
            whole = min(end, LONGEST)
            last = end == max(len(x) - held, 2)
            lengths = {whole} | {k for k in SHORT if k < whole and (end % 4 == k % 4 or last)}
            for n in lengths:
                groups.setdefault(n, []).append((number, end, last, n == whole))
    history, rows, parts, start = {}, {}, [], 0
    for n, group in sorted(groups.items()):
        history[n] = np.stack([series[s].values[end - n : end] for s, end, _, _ in group])
        future = np.full((len(group), TRAINED_STEPS), np.nan)
        for row, (s, end, _, _) in enumerate(group):
            ahead = series[s].values[end : end + TRAINED_STEPS]
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
        np.array([series[s].dataset for s in number]),
        np.array([series[s].proper for s in number]),
        table[:, 2].astype(bool),
        table[:, 3].astype(bool),
        np.array([len(series[s].values) for s in number]) - table[:, 1],
        np.array([series[s].first for s in number]) + table[:, 1] - 1,
        np.array([series[s].fold for s in number]),
        np.array([series[s].revenue for s in number]),
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
    city = win.dataset == CITIES
    years = win.origin[:, None] + np.arange(1, TRAINED_STEPS + 1)
    known &= ~city[:, None] | (years >= FIRST_YEAR)
    target = np.where(known, target, 0.0)
    usable = known.any(axis=1) & (np.abs(target).max(axis=1) < 200) & (unit > 1e-8 * np.abs(last))
    light = (part.astype(np.float32) for part in (x, change, target))
    x, change, target = light
    return Sample(names, parts, x, change, target, known, (last / unit).astype("f4"), usable)


def without(win: Windows, data: Sample, dataset: int, fold: int, span: tuple[int, int]) -> Sample:
    """The sample without a data set; of the cities, without a fold and the years of a span."""
    if dataset != CITIES:
        return replace(data, usable=data.usable & (win.dataset != dataset))
    years = win.origin[:, None] + np.arange(1, TRAINED_STEPS + 1)
    kept_out = (years > span[0]) & (years <= span[1] + 3) & (win.dataset == CITIES)[:, None]
    known = data.known & ~kept_out
    usable = data.usable & known.any(axis=1) & (win.fold != fold)
    return replace(data, known=known, target=np.where(known, data.target, 0), usable=usable)


def train(
    data: Sample,
    win: Windows,
    *,
    members: int = 8,
    hidden: int = 32,
    epochs: int = 4,
    batch: int = 1024,
    rate: float = 2e-3,
    decay: float = 1e-3,
    dropout: float = 0.1,
    seed: int = 0,
) -> Network:
    """Fit an ensemble on the usable windows, drawn by `chances`; AdamW, cosine rate."""
    rows = np.flatnonzero(data.usable)
    reached = np.cumsum(chances(win, rows))
    centre, spread = data.x[rows].mean(axis=0), data.x[rows].std(axis=0) + 1e-3
    found = []
    for member in range(members):
        rng = np.random.default_rng((seed, member))
        p = _start(rng, data.x.shape[1], hidden, len(data.names))
        p = {key: value.astype(np.float32) for key, value in p.items()}
        moment = {k: (np.zeros_like(v), np.zeros_like(v)) for k, v in p.items()}
        steps = epochs * (len(rows) // batch)
        for step in range(steps):
            pick = rows[np.searchsorted(reached, reached[-1] * rng.random(batch))]
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
