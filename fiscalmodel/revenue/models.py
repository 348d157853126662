"""Yearly candidates, each a function of histories of one length.

A candidate takes an array (series, n) and a horizon and returns an array (series,
horizon). It is pure, deterministic and never fails for n at or above its least
number of points; below, half the drift stands in. The recursions of Theta and of the
local and global trend are linear in their starting values, so that the fit on a grid of
shapes has a closed form: exact, free of convergence failures, and fast in numpy alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fiscalmodel.words import Text, say

Array = NDArray[np.float64]

#: Smoothing grid of the Theta model for yearly series. Estimates from few points lean to
#: heavy smoothing by chance; held at .7 and above, every public training panel did better.
THETA_ALPHAS: Array = np.array([0.7, 0.8, 0.9, 0.95, 0.99])
#: Grid without that restraint.
FREE_ALPHAS: Array = np.array([0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, *THETA_ALPHAS])


def _trend_states(y: Array) -> tuple[Array, Array]:
    """Intercept and slope of the least-squares line through the first t points, for each t."""
    n = y.shape[1]
    t = np.arange(1, n + 1, dtype=float)
    sum_y = np.cumsum(y, axis=1)
    sum_ty = np.cumsum(y * t, axis=1)
    sum_t = t * (t + 1) / 2
    spread = t * t * (t * t - 1) / 12  # t·Σt² − (Σt)²
    slope = np.where(spread > 0, (t * sum_ty - sum_t * sum_y) / np.where(spread > 0, spread, 1), 0)
    return (sum_y - slope * sum_t) / t, slope


def dynamic_theta(y: Array, horizon: int, *, alphas: Array = THETA_ALPHAS) -> Array:
    """Forecasts of the dynamic optimised Theta model.

    Parameters
    ----------
    y
        Histories, shape (series, n), n >= 3.
    horizon
        Steps ahead.
    alphas
        Grid of smoothing parameters.

    Returns
    -------
    numpy.ndarray
        Shape (series, horizon).

    Notes
    -----
    One-step mean, with w = 1 − 1/θ, θ >= 1, and the line A, B refitted at each step:
    μ_t = l_{t−1} + w [(1−α)^{t−1} A_{t−1} + (1 − (1−α)^t)/α · B_{t−1}],
    l_t = α y_t + (1−α) l_{t−1}.
    μ is linear in (l_0, w) for a given α: both by least squares, w held in [0, 1].

    Source: Fiorucci, Pellegrini, Louzada, Petropoulos, Koehler (2016), "Models for
    optimising the theta method and their relationship to state space models",
    International Journal of Forecasting 32(4).
    """
    count, n = y.shape
    intercept, slope = _trend_states(y)
    best = np.full(count, np.inf)
    result = np.empty((count, horizon))
    steps = np.arange(1, n + 1, dtype=float)
    for alpha in alphas:
        decay = (1 - alpha) ** np.arange(n + 1)
        # Level with l_0 = 0; the start's share in the level before step t is decay[t-1].
        level = np.zeros((count, n + 1))
        for t in range(n):
            level[:, t + 1] = alpha * y[:, t] + (1 - alpha) * level[:, t]
        drift = np.zeros((count, n))
        reach = (1 - (1 - alpha) ** steps) / alpha
        drift[:, 1:] = decay[1:n] * intercept[:, :-1] + reach[1:] * slope[:, :-1]
        start, weight = _start_and_weight(y, level, decay, drift)
        fitted = level[:, :-1] + decay[:-1] * start[:, None] + weight[:, None] * drift
        error = np.square(y - fitted)[:, 1:].sum(axis=1)
        better = error < best
        if better.any():
            best = np.where(better, error, best)
            paths = _theta_path(
                y[better],
                level[better, -1] + decay[-1] * start[better],
                weight[better],
                alpha,
                horizon,
            )
            result[better] = paths
    return result


def _start_and_weight(y: Array, level: Array, decay: Array, drift: Array) -> tuple[Array, Array]:
    """Least squares for the starting level and the weight of the line, weight in [0, 1]."""
    x = decay[1:-1]
    z = drift[:, 1:]
    # Measured from the first value, with a weak pull towards it: the start fades quickly
    # where alpha is large and would otherwise be free to take any value.
    target = y[:, 1:] - level[:, 1:-1] - x * y[:, :1]
    xx = float(x @ x) + 0.05
    xz = z @ x
    zz = np.square(z).sum(axis=1)
    xt = target @ x
    zt = (z * target).sum(axis=1)
    det = xx * zz - xz * xz
    safe = det > 1e-12 * xx * np.maximum(zz, 1e-300)
    weight = np.where(safe, (xx * zt - xz * xt) / np.where(safe, det, 1), 0)
    weight = np.clip(weight, 0, 1)
    start = (xt - weight * xz) / xx
    return start + y[:, 0], weight


def line_of(y: Array) -> Array:
    """Slope of the least-squares line through each history, shape (series,)."""
    time = np.arange(y.shape[1]) - (y.shape[1] - 1) / 2
    centred = y - y.mean(axis=1, keepdims=True)
    return np.asarray((centred * time).sum(axis=1) / np.square(time).sum())


def _theta_path(y: Array, level: Array, weight: Array, alpha: float, horizon: int) -> Array:
    """Continue the recursion, each forecast standing in for the value not yet known."""
    n = y.shape[1]
    mean, slope = y.mean(axis=1), line_of(y)
    intercept = mean - slope * (n + 1) / 2
    path = np.empty((len(y), horizon))
    for h in range(horizon):
        m = n + h + 1  # the step being forecast, counted from 1
        fade = (1 - alpha) ** (m - 1)
        path[:, h] = level + weight * (fade * intercept + (1 - (1 - alpha) ** m) / alpha * slope)
        level = alpha * path[:, h] + (1 - alpha) * level
        new_mean = ((m - 1) * mean + path[:, h]) / m
        slope = ((m - 2) * slope + 6 * (path[:, h] - mean) / m) / (m + 1)
        mean = new_mean
        intercept = mean - slope * (m + 1) / 2
    return path


def free_theta(y: Array, horizon: int) -> Array:
    """`dynamic_theta` with smoothing as light or heavy as the history alone would have it."""
    return dynamic_theta(y, horizon, alphas=FREE_ALPHAS)


# ---------------- the local and global trend


class Shapes(NamedTuple):
    """Grid of shapes of the local and global trend.

    Attributes
    ----------
    alphas, betas
        Smoothing of the level and of the local trend.
    powers
        Powers of the level that the global trend follows: 0 linear, 1 exponential.
    growth_prior
        Prior mean of the global trend, in mean absolute steps.
    """

    alphas: tuple[float, ...]
    betas: tuple[float, ...]
    powers: tuple[float, ...]
    growth_prior: float


#: Strong priors: for the short and noisy.
STEADY = Shapes((0.7, 0.9), (0.2,), (0.0, 0.33, 0.67), 0.2)
#: Powers of the level that the error follows.
_SPREADS = (0.0, 0.5)
#: Pseudo-observations that hold the global trend near its prior, and the share of the local
#: trend near one half.
_GLOBAL_WEIGHT, _LOCAL_WEIGHT = 8.0, 3.0
#: Divides the log likelihood: short series do not settle the shape for sure.
_FLATNESS = 2.5
#: Largest share of the local trend that is carried on.
_MOST_LOCAL = 0.9
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
    weight = np.stack(scores) / _FLATNESS
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
            for power, spread in product(shapes.powers, _SPREADS):
                residual = z[:, 1:] - level[:, :-1]
                gamma, share, score = _regress(
                    residual, base[:, :-1], local[:, :-1], power, spread, shapes.growth_prior, move
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
    growth_prior: float,
    least_variance: Array,
) -> tuple[Array, Array, Array]:
    """Global slope, share of the local trend, and log likelihood, for one shape."""
    trend = base**power
    precision = base ** (-2 * spread)
    weight = precision / precision.mean(axis=1, keepdims=True)
    centre = growth_prior * np.abs(residual).mean(axis=1)
    error = residual
    for robust in (False, True):
        if robust:
            scaled = error * np.sqrt(weight)
            typical = 1.48 * np.median(np.abs(scaled), axis=1, keepdims=True) + 1e-9
            weight = np.maximum(weight / (1 + np.square(scaled / (2 * typical))), 1e-6)
        prior_g = _GLOBAL_WEIGHT * (weight * trend * trend).mean(axis=1)
        prior_l = _LOCAL_WEIGHT * (weight * local * local).mean(axis=1) + 1e-12
        gg = (weight * trend * trend).sum(axis=1) + prior_g
        gl = (weight * trend * local).sum(axis=1)
        ll = (weight * local * local).sum(axis=1) + prior_l
        g = (weight * trend * residual).sum(axis=1) + prior_g * centre
        lo = (weight * local * residual).sum(axis=1) + prior_l * 0.5
        det = gg * ll - gl * gl
        share = np.clip((gg * lo - gl * g) / det, 0, _MOST_LOCAL)
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


# ---------------- candidates

#: (histories, horizon) -> forecasts.
Forecaster = Callable[[Array, int], Array]


class Candidate(NamedTuple):
    """A way to forecast: its name in `Forecast.models`, what runs it, and the fewest points."""

    name: str
    run: Forecaster
    least: int


def naive(y: Array, horizon: int) -> Array:
    """Last value carried forward."""
    return np.repeat(y[:, -1:], horizon, axis=1)


def drift(y: Array, horizon: int) -> Array:
    """Last value plus the mean step of the history."""
    step = (y[:, -1:] - y[:, :1]) / max(y.shape[1] - 1, 1)
    return np.asarray(y[:, -1:] + step * np.arange(1, horizon + 1))


def half_drift(y: Array, horizon: int) -> Array:
    """Last value plus half the mean step."""
    return (naive(y, horizon) + drift(y, horizon)) / 2


def recent_drift(y: Array, horizon: int) -> Array:
    """Last value plus the mean of the latest two steps."""
    return drift(y[:, -3:], horizon)


def line_slope(y: Array, horizon: int) -> Array:
    """Last value plus the slope of the least-squares line."""
    return np.asarray(y[:, -1:] + line_of(y)[:, None] * np.arange(1, horizon + 1))


def damped_median_growth(y: Array, horizon: int, *, damping: float = 0.9) -> Array:
    """Median log growth, damped at each step; median step where a value is not positive."""
    positive = y.min(axis=1, keepdims=True) > 0
    safe = np.where(positive, y, 1.0)
    growth = np.clip(np.median(np.diff(np.log(safe), axis=1), axis=1), -0.5, 0.5)
    step = np.median(np.diff(y, axis=1), axis=1)
    reach = np.cumsum(damping ** np.arange(1, horizon + 1))
    grown = safe[:, -1:] * np.exp(growth[:, None] * reach)
    return np.where(positive, grown, y[:, -1:] + step[:, None] * reach)


#: What the pooled model weighs. On training parts these did as well as fourteen, exponential
#: smoothing, medians and models on logarithms among them.
CANDIDATES: tuple[Candidate, ...] = (
    Candidate("naive", naive, 1),
    Candidate("half_drift", half_drift, 2),
    Candidate("drift", drift, 2),
    Candidate("theta", dynamic_theta, 3),
    Candidate("recent_2", recent_drift, 2),
    Candidate("line", line_slope, 2),
    Candidate("median_growth", damped_median_growth, 2),
    Candidate("steady", local_global_trend, 3),
)


def title(name: str) -> Text:
    """What a yearly or seasonal candidate is called."""
    return say(f"revenue.model.{name}")


def held(y: Array, said: Array) -> Array:
    """Falls held above nought, rises below e⁵, where the whole history is positive.

    Notes
    -----
    A change of −d from the last value y becomes y·(exp(−d/y) − 1): the same for small falls
    (−2 % becomes −1.98 %), never the whole for large ones. Only compound growth over many
    decades comes to e⁵ times the last value.
    """
    last = y[:, -1:]
    falls = (y > 0).all(axis=1, keepdims=True) & (said < last)
    share = np.where(falls, (said - last) / np.where(last > 0, last, 1.0), 0.0)
    most = np.where((y > 0).all(axis=1, keepdims=True), last * np.exp(5.0), np.inf)
    return np.asarray(np.where(falls, last * np.exp(share), np.minimum(said, most)))


def candidate_forecasts(y: Array, horizon: int) -> tuple[tuple[str, ...], Array]:
    """Names and forecasts of all candidates, shape (names, series, horizon).

    Below its least number of points a candidate is replaced by half the drift, so that
    the order is the same for every length; a single point gives the last value alone.
    """
    n = y.shape[1]
    if n < 2:
        return ("naive",), naive(y, horizon)[None]
    stand_in = half_drift(y, horizon)
    parts = [c.run(y, horizon) if n >= c.least else stand_in for c in CANDIDATES]
    return tuple(c.name for c in CANDIDATES), held(y, np.stack(parts))
