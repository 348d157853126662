"""Accuracy measures, as defined by the M4 competition.

Source: Makridakis, Spiliotis, Assimakopoulos (2020), "The M4 Competition: 100,000 time
series and 61 forecasting methods", International Journal of Forecasting 36(1), appendix.
"""

from __future__ import annotations

import numpy as np

from fiscalmodel.revenue.models import Array


def smape(actual: Array, forecast: Array) -> Array:
    """Symmetric absolute percentage errors, 0 to 200; 0 where both are nought.

    Notes
    -----
    200 |y − f| / (|y| + |f|).
    """
    total = np.abs(actual) + np.abs(forecast)
    return np.where(total > 0, 200 * np.abs(actual - forecast) / np.where(total > 0, total, 1), 0.0)


def mase_scale(history: Array, season_length: int = 1) -> float:
    """Mean absolute seasonal difference of the history; NaN where it is nought or unknown.

    Notes
    -----
    Mean of |y_t − y_{t−m}| over t = m+1..n; constant histories are left out of MASE.
    """
    if len(history) <= season_length:
        return float("nan")
    scale = float(np.mean(np.abs(history[season_length:] - history[:-season_length])))
    return scale if scale > 0 else float("nan")


def owa(smape_own: float, mase_own: float, smape_naive: float, mase_naive: float) -> float:
    """Overall weighted average: half the ratio of mean sMAPE, half the ratio of mean MASE.

    The means run over all series and horizons first; the ratio is taken of the means. NaN
    where naive is exact.
    """
    if smape_naive == 0 or mase_naive == 0:
        return float("nan")
    return 0.5 * (smape_own / smape_naive + mase_own / mase_naive)


def interval_score(actual: Array, lower: Array, upper: Array, level: float) -> Array:
    """Interval scores (divide by `mase_scale` for MSIS).

    Notes
    -----
    (u − l) + 2/a (l − y)·1{y < l} + 2/a (y − u)·1{y > u}, a = 1 − level/100.
    """
    miss = 1 - level / 100
    below = np.maximum(lower - actual, 0)
    above = np.maximum(actual - upper, 0)
    return (upper - lower) + 2 / miss * (below + above)
