"""Candidate forecasters, each a function of histories of one length.

A candidate takes an array (series, n) and a horizon and returns an array (series,
horizon). It is pure, deterministic and never fails for n at or above its ``least``
number of points; below, half the drift stands in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from fiscalmodel.revenue.local_global import local_global_trend
from fiscalmodel.revenue.smoothing import Array, dynamic_theta

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
    """

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

#: Name of each yearly and seasonal candidate -> (English, Chinese).
TITLES: dict[str, tuple[str, str]] = {
    "naive": ("last value", "上年数"),
    "half_drift": ("half the mean step", "平均增量之半"),
    "drift": ("mean step", "平均增量"),
    "theta": ("dynamic Theta", "动态 Theta"),
    "recent_2": ("mean of the last 2 steps", "近两期平均增量"),
    "line": ("slope of the trend line", "趋势线斜率"),
    "median_growth": ("median growth (damped)", "中位增速（递减）"),
    "steady": ("local-global trend (steady)", "局部—全局趋势（稳健）"),
    "pooled": ("pooled model", "汇总学习模型"),
    "driver": ("by the driver", "按驱动因素"),
    "theta_adjusted": ("Theta, season by M4's test", "Theta（季节性检验后调整）"),
    "steady_adjusted": ("local-global trend (adjusted)", "局部—全局趋势（季节调整）"),
    "yearly_shares": ("yearly forecast by seasonal shares", "全年预测按季节比重分摊"),
    "seasonal_naive": ("same period of last year", "上年同期数"),
    "theta_plain": ("Theta without a season", "Theta（不调整）"),
}


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
