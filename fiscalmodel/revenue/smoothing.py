"""Exponential smoothing and the Theta model for many series of one length at once.

Both recursions are linear in their starting values, so for each smoothing
parameter of a grid the best starting values (and the trend weight of Theta)
have a closed form. That makes the fit exact on the grid, deterministic, free
of convergence failures, and a few thousand series a second in numpy alone.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

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


def _theta_path(y: Array, level: Array, weight: Array, alpha: float, horizon: int) -> Array:
    """Continue the recursion, each forecast standing in for the value not yet known."""
    n = y.shape[1]
    mean = y.mean(axis=1)
    t = np.arange(1, n + 1)
    slope = ((y - mean[:, None]) * (t - t.mean())).sum(axis=1) / max(
        np.square(t - t.mean()).sum(), 1
    )
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
