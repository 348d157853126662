"""A local and global trend, averaged over a grid of shapes instead of choosing one.

Growth of short series is neither a fixed amount nor a fixed percentage. The model
lets the trend follow a power of the level, adds a damped local trend, and averages
over the shapes in proportion to how well each explains the history.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from fiscalmodel.revenue.smoothing import Array


@dataclass(frozen=True)
class Shapes:
    """Grid of shapes and strength of the priors (in pseudo-observations).

    Attributes
    ----------
    alphas, betas
        Smoothing of the level and of the local trend.
    powers
        Powers of the level that the global trend follows: 0 linear, 1 exponential.
    spreads
        Powers of the level that the error follows.
    global_weight
        Pseudo-observations that hold the global trend near `growth_prior` mean steps.
    local_weight
        Pseudo-observations that hold the share of the local trend near one half.
    growth_prior
        Prior mean of the global trend, in mean absolute steps.
    flatness
        Divides the log likelihood: short series do not settle the shape for sure.
    most_local
        Largest share of the local trend that is carried on.
    """

    alphas: tuple[float, ...]
    betas: tuple[float, ...]
    powers: tuple[float, ...]
    spreads: tuple[float, ...]
    global_weight: float
    local_weight: float
    growth_prior: float
    flatness: float
    most_local: float


#: Strong priors: for the short and noisy.
STEADY = Shapes((0.7, 0.9), (0.2,), (0.0, 0.33, 0.67), (0.0, 0.5), 8.0, 3.0, 0.2, 2.5, 0.9)

_LEAST_LEVEL = 1e-3  # of the mean absolute value: keeps powers of the level finite


def local_global_trend(y: Array, horizon: int, shapes: Shapes = STEADY) -> Array:
    """Forecasts of the local and global trend model, shape (series, horizon).

    Parameters
    ----------
    y
        Histories, shape (series, n), n >= 3.
    horizon
        Steps ahead.
    shapes
        Grid and priors.

    Notes
    -----
    y_{t+1} = l_t + γ l_t^ρ + λ b_t + e_t;  l_t = α y_t + (1−α) l_{t−1};
    b_t = β (l_t − l_{t−1}) + (1−β) b_{t−1};  sd(e_t) proportional to l_t^τ.
    For each (α, β, ρ, τ) the pair (γ, λ) is a ridge regression with outlying errors
    weighted down; forecasts are averaged with weights proportional to the likelihood.
    Where a value is not positive, ρ = τ = 0.

    Source: after Smyl, Bergmeir, Dokumentov, Long, Wibowo, Schmidt (2025), "Local and
    global trend Bayesian exponential smoothing models", International Journal of
    Forecasting 41(1); the grid and closed form replace their sampler.
    """
    unit = np.abs(y).mean(axis=1, keepdims=True)
    unit = np.where(unit > 0, unit, 1.0)
    z = y / unit
    positive = y.min(axis=1) > 0
    paths, scores = zip(*_each_shape(z, positive, horizon, shapes), strict=True)
    weight = np.stack(scores) / shapes.flatness
    weight = np.exp(weight - weight.max(axis=0))
    weight /= weight.sum(axis=0)
    return np.asarray(np.einsum("gsh,gs->sh", np.stack(paths), weight) * unit)


def _each_shape(
    z: Array, positive: NDArray[np.bool_], horizon: int, shapes: Shapes
) -> Iterator[tuple[Array, Array]]:
    """Forecasts and log likelihood of each shape of the grid."""
    move = 0.02 * np.square(np.abs(np.diff(z, axis=1)).mean(axis=1)) + 1e-12
    for alpha in shapes.alphas:
        level = _smoothed(z, alpha, z[:, 0])
        base = np.where(positive[:, None], np.maximum(level, _LEAST_LEVEL), 1.0)
        steps = np.diff(level, axis=1)
        for beta in shapes.betas:
            first = 0.5 * np.median(steps, axis=1)
            local = np.concatenate([first[:, None], _smoothed(steps, beta, first, start=0)], axis=1)
            for power, spread in product(shapes.powers, shapes.spreads):
                residual = z[:, 1:] - level[:, :-1]
                gamma, share, score = _regress(
                    residual, base[:, :-1], local[:, :-1], power, spread, shapes, move
                )
                path = _continue(
                    level[:, -1], local[:, -1], gamma, share, positive, alpha, beta, power, horizon
                )
                yield path, score


def _smoothed(x: Array, share: float, first: Array, *, start: int = 1) -> Array:
    """Exponential smoothing along time; with `start` 1 the first value stands for itself."""
    out = np.empty_like(x)
    state = first
    for t in range(x.shape[1]):
        state = first if t < start else share * x[:, t] + (1 - share) * state
        out[:, t] = state
    return out


def _regress(
    residual: Array,
    base: Array,
    local: Array,
    power: float,
    spread: float,
    shapes: Shapes,
    least_variance: Array,
) -> tuple[Array, Array, Array]:
    """Global slope, share of the local trend, and log likelihood, for one shape."""
    trend = base**power
    precision = base ** (-2 * spread)
    weight = precision / precision.mean(axis=1, keepdims=True)
    centre = shapes.growth_prior * np.abs(residual).mean(axis=1)
    error = residual
    for robust in (False, True):
        if robust:
            scaled = error * np.sqrt(weight)
            typical = 1.48 * np.median(np.abs(scaled), axis=1, keepdims=True) + 1e-9
            weight = np.maximum(weight / (1 + np.square(scaled / (2 * typical))), 1e-6)
        prior_g = shapes.global_weight * (weight * trend * trend).mean(axis=1)
        prior_l = shapes.local_weight * (weight * local * local).mean(axis=1) + 1e-12
        gg = (weight * trend * trend).sum(axis=1) + prior_g
        gl = (weight * trend * local).sum(axis=1)
        ll = (weight * local * local).sum(axis=1) + prior_l
        g = (weight * trend * residual).sum(axis=1) + prior_g * centre
        lo = (weight * local * residual).sum(axis=1) + prior_l * 0.5
        det = gg * ll - gl * gl
        share = np.clip((gg * lo - gl * g) / det, 0, shapes.most_local)
        gamma = (g - gl * share) / gg
        error = residual - gamma[:, None] * trend - share[:, None] * local
    variance = np.square(error * base**-spread).mean(axis=1) + least_variance
    score = -0.5 * residual.shape[1] * np.log(variance) - 0.5 * np.log(det / (prior_g * prior_l))
    return gamma, share, score - spread * np.log(base).sum(axis=1)


def _continue(
    level: Array,
    local: Array,
    gamma: Array,
    share: Array,
    positive: NDArray[np.bool_],
    alpha: float,
    beta: float,
    power: float,
    horizon: int,
) -> Array:
    """The recursion carried on, each forecast standing in for the value not yet known."""
    path = np.empty((len(level), horizon))
    for h in range(horizon):
        base = np.where(positive, np.maximum(level, _LEAST_LEVEL), 1.0)
        path[:, h] = level + gamma * base**power + share * local
        ahead = alpha * path[:, h] + (1 - alpha) * level
        local = beta * (ahead - level) + (1 - beta) * local
        level = ahead
    return path
