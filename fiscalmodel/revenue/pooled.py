"""The pooled model: which candidate to trust, learned on thousands of public series.

A small network reads the shape of a history, free of unit and size, gives each candidate a
weight for each step ahead, and moves their weighted mean by some part of the history's mean
step. It was trained offline on Chinese cities, on local finance and economies elsewhere, and on
training parts of public competitions (``benchmarks/calibrate_forecast.py``), and is shipped as
arrays (``_assets/pooled.npz``).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from fiscalmodel.revenue.models import Array, line_of

_FILE = Path(__file__).parent / "_assets" / "pooled.npz"

#: Steps ahead that the network was trained for; later ones take the weights of the last.
TRAINED_STEPS = 6
#: Latest steps that are shown one by one.
RECENT = 8
#: Scaled forecasts are held within this many mean steps.
FARTHEST = 40.0


@dataclass(frozen=True)
class Network:
    """An ensemble of small networks; the leading axis of each array is the member.

    Attributes
    ----------
    centre, spread
        Standardisation of the features.
    w1, b1, w2, b2, w3, b3
        Layers: features -> hidden -> hidden -> two numbers for each candidate, then one
        move for each trained step ahead.
    names
        Candidates, in the order of the outputs.
    """

    centre: Array
    spread: Array
    w1: Array
    b1: Array
    w2: Array
    b2: Array
    w3: Array
    b3: Array
    names: tuple[str, ...]


@cache
def network() -> Network:
    """The shipped network."""
    with np.load(_FILE, allow_pickle=False) as file:
        arrays = {key: np.asarray(file[key], dtype=float) for key in file.files if key != "names"}
        return Network(**arrays, names=tuple(str(name) for name in file["names"]))


def silu(x: Array) -> Array:
    """x times its logistic function."""
    return np.asarray(x / (1 + np.exp(-np.clip(x, -60, 60))))


def tilt(horizon: int) -> Array:
    """Position of each step ahead on the scale of the trained ones, from −1 to 1."""
    middle = (TRAINED_STEPS - 1) / 2
    return np.asarray((np.minimum(np.arange(horizon), TRAINED_STEPS - 1) - middle) / middle)


def forecast(y: Array, parts: Array, net: Network | None = None) -> Array:
    """Forecast of the pooled model, shape (series, horizon).

    Parameters
    ----------
    y
        Histories, shape (series, n), n >= 2.
    parts
        What the candidates said, shape (candidates, series, horizon), in the network's order.
    net
        Another network than the shipped one.

    Notes
    -----
    With (a, b, d) from the network, z_c the change that candidate c says and s the mean
    absolute step of the history: y_n + Σ_c softmax(a + b·tilt(h))_c z_c + s·d_h; mean over
    the members. d is that of the last trained step beyond it, and nought for a history
    that never moved.
    """
    net = net or network()
    horizon = parts.shape[2]
    seen = scaled_changes(y, parts[:, :, : min(horizon, TRAINED_STEPS)])
    x = (features(y, seen) - net.centre) / net.spread
    hidden = silu(np.einsum("sf,efh->esh", x, net.w1) + net.b1[:, None])
    hidden = silu(np.einsum("esh,ehg->esg", hidden, net.w2) + net.b2[:, None])
    out = np.einsum("esg,ego->eso", hidden, net.w3) + net.b3[:, None]
    count = len(net.names)
    score = out[..., :count, None] + out[..., count : 2 * count, None] * tilt(horizon)
    score = np.exp(score - score.max(axis=2, keepdims=True))
    share = (score / score.sum(axis=2, keepdims=True)).mean(axis=0)
    steps = np.minimum(np.arange(horizon), TRAINED_STEPS - 1)
    move = out[..., 2 * count :].mean(axis=0)[:, steps] * mean_step(y)[:, None]
    move = np.where(np.ptp(y, axis=1)[:, None] > 0, move, 0.0)
    return np.asarray((share.transpose(1, 0, 2) * parts).sum(axis=0) + move)


def mean_step(y: Array) -> Array:
    """Mean absolute step of each history, shape (series,), never nought unless y is."""
    level = np.maximum(np.abs(y).mean(axis=1), 1e-300)
    return np.asarray(np.maximum(np.abs(np.diff(y, axis=1)).mean(axis=1), 1e-9 * level))


def scaled_changes(y: Array, parts: Array) -> Array:
    """Candidates' changes from the last value in mean steps: (candidates, series, horizon)."""
    change = (parts - y[None, :, -1:]) / mean_step(y)[None, :, None]
    return np.asarray(np.clip(change, -FARTHEST, FARTHEST))


def features(y: Array, changes: Array) -> Array:
    """Features of histories of one length n >= 2, shape (series, features).

    Parameters
    ----------
    y
        Histories, shape (series, n).
    changes
        `scaled_changes` of the candidates; the first and last step ahead are used.
    """
    n = y.shape[1]
    unit = mean_step(y)
    steps = np.diff(y, axis=1) / unit[:, None]
    parts = [
        _length(len(y), n),
        _size(y, unit),
        _trend(y, steps, unit),
        _growth(y),
        _halves(steps),
        _latest(steps),
        changes[:, :, 0].T,
        changes[:, :, -1].T,
    ]
    raw = np.nan_to_num(np.concatenate(parts, axis=1))
    return np.asarray(np.sign(raw) * np.minimum(np.log1p(np.abs(raw)), 4.0))


def _length(count: int, n: int) -> Array:
    return np.tile([np.log(n), 1 / n, min(n, 12) / 12], (count, 1))


def _size(y: Array, unit: Array) -> Array:
    """Typical step against the mean level and against the last value, in logs."""
    against = np.stack([np.abs(y).mean(axis=1), np.abs(y[:, -1])], axis=1)
    return np.asarray(np.log(np.clip(unit[:, None] / np.maximum(against, 1e-300), 1e-4, 10)))


def _trend(y: Array, steps: Array, unit: Array) -> Array:
    """Direction, steadiness and the line through the history."""
    n = y.shape[1]
    centred = steps - steps.mean(axis=1, keepdims=True)
    power = np.maximum(np.square(centred).sum(axis=1), 1e-9)
    echo = (centred[:, 1:] * centred[:, :-1]).sum(axis=1) / power
    time = np.arange(n) - (n - 1) / 2
    mean = y.mean(axis=1, keepdims=True)
    slope = line_of(y)
    off_line = (y - mean - slope[:, None] * time) / unit[:, None]
    back = [min(k, n - 1) for k in (2, 3, 5, 8)]
    return np.stack(
        [
            steps.mean(axis=1),
            np.median(steps, axis=1),
            (steps > 0).mean(axis=1),
            (np.abs(steps) < 1e-9).mean(axis=1),
            echo,
            *[(y[:, -1] - y[:, -1 - k]) / (k * unit) for k in back],
            np.abs(steps).max(axis=1),
            np.square(steps).mean(axis=1),
            np.median(np.abs(steps), axis=1),
            off_line[:, -1],
            np.sqrt(np.square(off_line).mean(axis=1)),
            slope / unit,
        ],
        axis=1,
    )


def _growth(y: Array) -> Array:
    """Mean, median and spread of log growth (nought where a value is not positive)."""
    positive = y.min(axis=1) > 0
    growth = np.diff(np.log(np.where(positive[:, None], np.maximum(y, 1e-300), 1.0)), axis=1)
    return np.stack(
        [
            np.clip(growth.mean(axis=1) * 10, -5, 5),
            np.clip(np.median(growth, axis=1) * 10, -5, 5),
            np.clip(growth.std(axis=1) * 10, 0, 5),
            positive.astype(float),
        ],
        axis=1,
    )


def _halves(steps: Array) -> Array:
    """How jumpy the steps are, and how the later half differs from the earlier one."""
    count, number = steps.shape
    jumps = np.abs(np.diff(steps, axis=1)).mean(axis=1) if number > 1 else np.zeros(count)
    cut = number // 2
    early, late = steps[:, : max(cut, 1)], steps[:, cut:]
    return np.stack(
        [
            jumps,
            late.mean(axis=1) - early.mean(axis=1),
            np.abs(late).mean(axis=1) - np.abs(early).mean(axis=1),
        ],
        axis=1,
    )


def _latest(steps: Array) -> Array:
    """The latest steps one by one, nought where the history is shorter."""
    out = np.zeros((len(steps), RECENT))
    known = min(RECENT, steps.shape[1])
    out[:, RECENT - known :] = steps[:, -known:]
    return out
