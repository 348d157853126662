"""Candidate forecasters, each a function of histories of one length.

A candidate takes an array (series, n) and a horizon and returns an array (series,
horizon). It is pure, deterministic and never fails for n at or above its ``least``
number of points; below, half the drift stands in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from fiscalmodel.revenue.local_global import FLEXIBLE, local_global_trend
from fiscalmodel.revenue.smoothing import (
    Array,
    damped_trend,
    dynamic_theta,
    free_theta,
    simple_smoothing,
)

Forecaster = Callable[[Array, int], Array]


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
    title, title_zh
        What it says, in words.
    """

    name: str
    run: Forecaster
    least: int
    title: str
    title_zh: str


def naive(y: Array, horizon: int) -> Array:
    """Last value carried forward."""
    return np.repeat(y[:, -1:], horizon, axis=1)


def drift(y: Array, horizon: int) -> Array:
    """Last value plus the mean step of the history."""
    step = (y[:, -1:] - y[:, :1]) / max(y.shape[1] - 1, 1)
    return np.asarray(y[:, -1:] + step * np.arange(1, horizon + 1))


def half_drift(y: Array, horizon: int) -> Array:
    """Last value plus half the mean step: for very short histories."""
    return (naive(y, horizon) + drift(y, horizon)) / 2


def recent_drift(steps: int) -> Forecaster:
    """Last value plus the mean of the latest steps."""

    def run(y: Array, horizon: int) -> Array:
        return drift(y[:, -(steps + 1) :], horizon)

    return run


def line_slope(y: Array, horizon: int) -> Array:
    """Last value plus the slope of the least-squares line."""
    n = y.shape[1]
    time = np.arange(n) - (n - 1) / 2
    slope = ((y - y.mean(axis=1, keepdims=True)) * time).sum(axis=1) / np.square(time).sum()
    return np.asarray(y[:, -1:] + slope[:, None] * np.arange(1, horizon + 1))


def damped_median_growth(y: Array, horizon: int, *, damping: float = 0.9) -> Array:
    """Median log growth, damped at each step; median step where a value is not positive."""
    positive = y.min(axis=1, keepdims=True) > 0
    safe = np.where(positive, y, 1.0)
    growth = np.clip(np.median(np.diff(np.log(safe), axis=1), axis=1), -0.5, 0.5)
    step = np.median(np.diff(y, axis=1), axis=1)
    reach = np.cumsum(damping ** np.arange(1, horizon + 1))
    grown = safe[:, -1:] * np.exp(growth[:, None] * reach)
    return np.where(positive, grown, y[:, -1:] + step[:, None] * reach)


def in_logs(run: Forecaster) -> Forecaster:
    """The same model on logarithms; on the values themselves where one is not positive.

    Growth is held within what the history has shown: at most its largest step up or
    down for each step ahead.
    """

    def logged(y: Array, horizon: int) -> Array:
        positive = (y > 0).all(axis=1)
        out = np.empty((len(y), horizon))
        if positive.any():
            # Relative to the largest value: Theta depends on where nought lies.
            largest = y[positive].max(axis=1, keepdims=True)
            logs = np.log(y[positive] / largest)
            most = np.abs(np.diff(logs, axis=1)).max(axis=1, keepdims=True)
            bound = np.minimum(most * np.arange(1, horizon + 1), 5.0)
            change = np.clip(run(logs, horizon) - logs[:, -1:], -bound, bound)
            out[positive] = largest * np.exp(logs[:, -1:] + change)
        if not positive.all():
            out[~positive] = run(y[~positive], horizon)
        return out

    return logged


def bounded(y: Array, said: Array) -> Array:
    """Changes held within what the history has shown, shape as `said` (..., series, horizon).

    At most the largest step up or down for each step ahead or, where all values are
    positive, the largest growth (e⁵ in all). Only models with compound growth reach it.
    """
    ahead = np.arange(1, said.shape[-1] + 1)
    last = y[:, -1:]
    most = np.abs(np.diff(y, axis=1)).max(axis=1, keepdims=True) * ahead
    positive = (y > 0).all(axis=1, keepdims=True)
    logs = np.log(np.where(positive, y, 1.0))
    growth = np.abs(np.diff(logs, axis=1)).max(axis=1, keepdims=True) * ahead
    most = np.where(positive, np.maximum(most, last * np.expm1(np.minimum(growth, 5.0))), most)
    return np.asarray(last + np.clip(said - last, -most, most))


def _flexible_trend(y: Array, horizon: int) -> Array:
    return local_global_trend(y, horizon, FLEXIBLE)


#: Candidates for yearly series, and for seasonal ones after seasonal adjustment.
CANDIDATES: tuple[Candidate, ...] = (
    Candidate("naive", naive, 1, "last value", "上年数"),
    Candidate("drift", drift, 2, "mean step", "平均增量"),
    Candidate(
        "median_growth", damped_median_growth, 2, "median growth (damped)", "中位增速（递减）"
    ),
    Candidate("theta", dynamic_theta, 3, "dynamic Theta", "动态 Theta"),
    Candidate("log_theta", in_logs(dynamic_theta), 3, "Theta on logs", "对数 Theta"),
    Candidate("damped", damped_trend, 4, "damped trend", "阻尼趋势"),
    Candidate("log_damped", in_logs(damped_trend), 4, "damped trend on logs", "对数阻尼趋势"),
    Candidate("free_theta", free_theta, 3, "Theta (free smoothing)", "自由平滑 Theta"),
    Candidate("ses", simple_smoothing, 3, "simple smoothing", "简单指数平滑"),
    Candidate("recent_5", recent_drift(5), 2, "mean of the last 5 steps", "近五期平均增量"),
    Candidate("recent_2", recent_drift(2), 2, "mean of the last 2 steps", "近两期平均增量"),
    Candidate("line", line_slope, 2, "slope of the trend line", "趋势线斜率"),
    Candidate(
        "steady", local_global_trend, 3, "local-global trend (steady)", "局部—全局趋势（稳健）"
    ),
    Candidate("flexible", _flexible_trend, 3, "local-global trend (free)", "局部—全局趋势（灵活）"),
)

#: The median of these stands as one more candidate. Linear and exponential growth are both
#: among them, so that neither alone decides the far end.
CORE = ("theta", "steady", "damped", "drift", "median_growth")
CORE_NAME = "core_median"
CORE_TITLE = ("median of five", "五法中位数")
#: The pooled model's own forecast, made from all the others.
POOLED_NAME = "pooled"
POOLED_TITLE = ("pooled model", "汇总学习模型")


def candidate_forecasts(y: Array, horizon: int) -> tuple[tuple[str, ...], Array]:
    """Names and forecasts of all candidates, the median of the core last: (names, k × s × h).

    Below its least number of points a candidate is replaced by half the drift, so that
    the order is the same for every length; a single point gives the last value alone.
    """
    n = y.shape[1]
    if n < 2:
        return ("naive",), naive(y, horizon)[None]
    stand_in = half_drift(y, horizon)
    parts = [c.run(y, horizon) if n >= c.least else stand_in for c in CANDIDATES]
    names = [c.name for c in CANDIDATES]
    core = np.median(np.stack([parts[names.index(name)] for name in CORE]), axis=0)
    return (*names, CORE_NAME), bounded(y, np.stack([*parts, core]))
