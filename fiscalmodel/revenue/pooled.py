"""The pooled model: which candidate to trust, learned on thousands of public series.

A small network reads the shape of a history (`features`), gives each candidate a weight
for each step ahead, and moves their weighted mean by some part of the history's mean
step. It was trained offline on training parts of public competitions and on panels of
local finance and of economies (``benchmarks/calibrate_forecast.py``), and is shipped as
arrays.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from fiscalmodel.revenue.features import features, mean_step, scaled_changes
from fiscalmodel.revenue.smoothing import Array

_FILE = Path(__file__).parent / "_assets" / "pooled.npz"

#: Steps ahead that the network was trained for; later ones take the weights of the last.
TRAINED_STEPS = 6


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
