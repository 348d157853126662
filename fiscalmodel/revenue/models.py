"""Candidate forecasters, each a function of histories of one length.

A candidate takes an array (series, n) on its own scale and a horizon, and
returns an array (series, horizon). It is pure, deterministic and never fails
for n at or above its ``least`` number of points.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from fiscalmodel.revenue.smoothing import Array, damped_trend, dynamic_theta, simple_smoothing


@dataclass(frozen=True)
class Candidate:
    """One way to forecast.

    Attributes
    ----------
    name
        Short name, as it stands in `Forecast.models`.
    run
        (histories, horizon) -> forecasts.
    least
        Fewest points that it can use.
    title
        What it says, in words.
    """

    name: str
    run: Callable[[Array, int], Array]
    least: int
    title: str


def naive(y: Array, horizon: int) -> Array:
    """Last value carried forward."""
    return np.repeat(y[:, -1:], horizon, axis=1)


def drift(y: Array, horizon: int) -> Array:
    """Last value plus the mean step of the history."""
    step = (y[:, -1:] - y[:, :1]) / max(y.shape[1] - 1, 1)
    return y[:, -1:] + step * np.arange(1, horizon + 1)


def half_drift(y: Array, horizon: int) -> Array:
    """Last value plus half the mean step: for very short histories."""
    return (naive(y, horizon) + drift(y, horizon)) / 2


def damped_median_growth(y: Array, horizon: int, *, damping: float = 0.9) -> Array:
    """Median log growth, damped at each step; drift where a value is not positive."""
    positive = (y > 0).all(axis=1)
    safe = np.where(positive[:, None], y, 1.0)
    growth = np.clip(np.median(np.diff(np.log(safe), axis=1), axis=1), -0.5, 0.5)
    reach = np.cumsum(damping ** np.arange(1, horizon + 1))
    grown = safe[:, -1:] * np.exp(growth[:, None] * reach)
    return np.where(positive[:, None], grown, _damped_median_step(y, horizon, damping))


def _damped_median_step(y: Array, horizon: int, damping: float) -> Array:
    """Median step, damped: the growth rule on the scale of the values."""
    step = np.median(np.diff(y, axis=1), axis=1)
    reach = np.cumsum(damping ** np.arange(1, horizon + 1))
    return y[:, -1:] + step[:, None] * reach


def in_logs(run: Callable[[Array, int], Array]) -> Callable[[Array, int], Array]:
    """The same model on logarithms; on the values themselves where one is not positive.

    Growth over the whole horizon is held within what the history has shown:
    at most its largest step up or down, each year.
    """

    def logged(y: Array, horizon: int) -> Array:
        positive = (y > 0).all(axis=1)
        out = np.empty((len(y), horizon))
        if positive.any():
            logs = np.log(y[positive])
            most = np.abs(np.diff(logs, axis=1)).max(axis=1, keepdims=True)
            bound = np.minimum(most * np.arange(1, horizon + 1), 5.0)
            change = np.clip(run(logs, horizon) - logs[:, -1:], -bound, bound)
            out[positive] = np.exp(logs[:, -1:] + change)
        if not positive.all():
            out[~positive] = run(y[~positive], horizon)
        return out

    return logged


#: Candidates for yearly series, and for seasonal ones after seasonal adjustment.
CANDIDATES: tuple[Candidate, ...] = (
    Candidate("naive", naive, 1, "last value"),
    Candidate("half_drift", half_drift, 2, "last value and half the mean step"),
    Candidate("drift", drift, 2, "last value and the mean step"),
    Candidate("median_growth", damped_median_growth, 2, "median growth, damped"),
    Candidate("ses", simple_smoothing, 3, "simple exponential smoothing"),
    Candidate("theta", dynamic_theta, 3, "dynamic optimised Theta"),
    Candidate("log_theta", in_logs(dynamic_theta), 3, "Theta on logarithms"),
    Candidate("damped", damped_trend, 4, "damped trend smoothing"),
    Candidate("log_damped", in_logs(damped_trend), 4, "damped trend smoothing on logarithms"),
)
