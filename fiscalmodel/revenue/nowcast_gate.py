"""Which way of reckoning is trusted how far: features, and a small pooled network."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from fiscalmodel.revenue.nowcast_ways import WAYS, Array, factor, remainders, usual_growth

_ASSET = Path(__file__).parent / "_assets" / "nowcast.json"
#: Features further than this from the centre, in standard deviations, count as this far.
_FAR = 6.0
#: Past years on which each way is tried.
_TRIED = 3
#: Error, as a share of the year, below which ways are not told apart.
_FLOOR = 0.003
#: Three ways that did best together on a treasury's months, ahead of any model chosen by the
#: data; they have this share of the weight whatever the network says. On China's national
#: series the three alone did better still, on competition series worse.
STEADY_WAYS = ("usual_growth", "trend_rest", "mean_share")
STEADY_SHARE = 1 / 2

#: Features before the ways' own past errors, in order.
FEATURES = (
    "year_gone", "one_over_month", "one_over_years", "tried", "share_done", "growth_to_date",
    "size_of_growth", "usual_growth", "growth_less_usual", "growth_to_date_before",
    "growth_of_rest_before", "turn_before", "past_error", "apart",
)  # fmt: skip


def feature(x: Array, name: str) -> Array:
    """One of `FEATURES` out of x."""
    return np.asarray(x[:, FEATURES.index(name)])


def past_errors(y: Array, m: int) -> Array:
    """Mean absolute error of each way over the last years, share of the year: (ways, series).

    NaN where there are fewer than two past years.
    """
    years = y.shape[1]
    if years < 3:
        return np.full((len(WAYS), len(y)), np.nan)
    total = np.zeros((len(WAYS), len(y)))
    count = 0
    for row in range(max(1, years - 1 - _TRIED), years - 1):
        seen = y[:, : row + 1].copy()
        full = y[:, row, 11]
        rest = full - y[:, row, m - 1]
        seen[:, -1, m:] = np.nan
        total += np.abs(remainders(seen, m) - rest) / np.maximum(np.abs(full), 1e-12)
        count += 1
    return np.minimum(total / count, 2.0)


def features(y: Array, m: int) -> tuple[Array, Array, Array]:
    """What decides the weights.

    Returns
    -------
    x
        Shape (series, features).
    ways
        Remainders, shape (ways, series).
    unit
        Last full year, the scale, shape (series,).
    """
    past = y[:, :-1]
    unit = np.maximum(np.abs(past[:, -1, 11]), 1e-12)
    ways = remainders(y, m)
    k = past.shape[1]
    ytd = np.log(factor(y[:, -1, m - 1], past[:, -1, m - 1]))
    usual = usual_growth(y)
    if k > 1:
        ytd_before = np.log(factor(past[:, -1, m - 1], past[:, -2, m - 1]))
        rest_before = np.log(
            factor(past[:, -1, 11] - past[:, -1, m - 1], past[:, -2, 11] - past[:, -2, m - 1])
        )
    else:
        ytd_before = rest_before = np.zeros(len(y))
    errors = past_errors(y, m)
    known = not np.isnan(errors).any()
    if known:
        level = np.log(errors + _FLOOR)
        centre = level.mean(axis=0)
        relative = level - centre
    else:
        relative, centre = np.zeros((len(WAYS), len(y))), np.full(len(y), np.log(0.05))
    apart = np.log((ways / unit).std(axis=0) + _FLOOR)
    done = past[:, -1, m - 1] / np.where(past[:, -1, 11] == 0, 1, past[:, -1, 11])
    fixed = [
        np.full(len(y), m / 12),
        np.full(len(y), 1.0 / m),
        np.full(len(y), 1.0 / k),
        np.full(len(y), float(known)),
        np.clip(done, -1, 2),
        ytd,
        np.abs(ytd),
        usual,
        ytd - usual,
        ytd_before,
        rest_before,
        ytd_before - rest_before,
        centre,
        apart,
    ]
    x = np.concatenate([np.stack(fixed, axis=1), relative.T], axis=1)
    return x, ways, unit


def gate_weights(x: Array, net: Mapping[str, Any]) -> Array:
    """Weights of the ways, shape (series, ways).

    Mean of softmax over the network's members, with the share of `STEADY_WAYS` fixed.
    """
    scaled = (x - np.array(net["centre"])) / np.array(net["spread"])
    scaled = np.clip(scaled, -_FAR, _FAR)
    total = np.zeros((len(x), len(WAYS)))
    for p in net["members"]:
        hidden = _silu(scaled @ np.array(p["w1"]) + np.array(p["b1"]))
        hidden = _silu(hidden @ np.array(p["w2"]) + np.array(p["b2"]))
        score = hidden @ np.array(p["w3"]) + np.array(p["b3"])
        share = np.exp(score - score.max(axis=1, keepdims=True))
        total += share / share.sum(axis=1, keepdims=True)
    steady = np.isin([way.name for way in WAYS], STEADY_WAYS) / len(STEADY_WAYS)
    return np.asarray((1 - STEADY_SHARE) * total / len(net["members"]) + STEADY_SHARE * steady)


def _silu(a: Array) -> Array:
    return np.asarray(a / (1 + np.exp(-np.clip(a, -60, 60))))


def scale_features(x: Array, z: Array, weights: Array) -> Array:
    """What tells large errors from small ones, in logs, shape (series, 9)."""
    mean = (weights * z).sum(axis=1)
    apart = np.sqrt((weights * (z - mean[:, None]) ** 2).sum(axis=1))
    spread = np.log(apart + _FLOOR)
    few, known = feature(x, "one_over_years"), feature(x, "tried")
    left = np.log(np.maximum(1 - np.clip(feature(x, "share_done"), 0, 1), 0.01))
    return np.stack(
        [
            spread,
            feature(x, "past_error") * known,
            known,
            left,
            np.log(np.abs(feature(x, "growth_less_usual")) + 0.01),
            np.log(np.abs(feature(x, "growth_of_rest_before")) + 0.01),
            np.log(np.abs(feature(x, "growth_to_date_before")) + 0.01),
            few,
            spread * few,
        ],
        axis=1,
    )


def half_widths(
    x: Array, z: Array, weights: Array, m: int, years: int, levels: Sequence[float]
) -> Array:
    """Half-width of each level as a share of the last full year, shape (levels, series)."""
    made = asset()["bands"]
    seen = scale_features(x, z, weights)
    size = np.exp(made["scale"][0] + seen @ np.array(made["scale"][1:]))
    group = int(np.searchsorted(made["years"], years, side="right")) - 1
    row = np.array(made["quantiles"][group][m - 1])
    return np.stack([size * quantile(level, made["levels"], row) for level in levels])


def quantile(level: float, levels: Sequence[float], values: Array) -> float:
    """Between measured levels straight in the normal score, beyond them in proportion."""
    from scipy.special import ndtri

    scores = ndtri(0.5 + np.asarray(levels, dtype=float) / 200)
    score = float(ndtri(0.5 + level / 200))
    if score > scores[-1] or score < scores[0]:
        edge = -1 if score > scores[-1] else 0
        return float(values[edge] * score / scores[edge])
    return float(np.interp(score, scores, values))


@cache
def asset() -> dict[str, Any]:
    """The network and the bands, as shipped."""
    loaded: dict[str, Any] = json.loads(_ASSET.read_text(encoding="utf-8"))
    return loaded
