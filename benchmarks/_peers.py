"""Peers in the same run: naive, drift, statsforecast and statsmodels.

Seconds are processor seconds on one core, so that a busy machine does not count.
"""

from __future__ import annotations

import sys
import time
import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd
from _panels import Item

import fiscalmodel as fm
from fiscalmodel.revenue.models import drift
from fiscalmodel.revenue.seasonal import naive2


@dataclass(frozen=True)
class Made:
    """Forecasts of one method for one group; bands are None where it has none."""

    method: str
    mean: np.ndarray
    low: np.ndarray | None
    high: np.ndarray | None
    seconds: float


def frame(items: list[Item]) -> pd.DataFrame:
    """Long frame ``unique_id, ds, y``; the number of the item is its id."""
    sizes = [len(item.train) for item in items]
    return pd.DataFrame(
        {
            "unique_id": np.repeat(np.arange(len(items)), sizes),
            "ds": np.concatenate([np.arange(1, n + 1) for n in sizes]),
            "y": np.concatenate([item.train for item in items]),
        }
    )


def ours(items: list[Item], horizon: int, season: int, kind: str | None = None) -> Made:
    """`forecast_panel` with its defaults, for a kind of revenue where it is known."""
    df = frame(items)
    start = time.process_time()
    made = fm.forecast_panel(df, horizon, season_length=season, kind=kind)
    seconds = time.process_time() - start
    table = made[["mean", "lo-95", "hi-95"]].to_numpy().reshape(len(items), horizon, 3)
    return Made("fiscalmodel", table[..., 0], table[..., 1], table[..., 2], seconds)


def plain(items: list[Item], horizon: int, season: int) -> list[Made]:
    """Naive (Naive2 where seasonal) and drift."""
    found = []
    for name, run in (
        ("naive", lambda y: naive2(y, horizon, season)),
        ("drift", lambda y: drift(y, horizon)),
    ):
        start = time.process_time()
        mean = np.concatenate([run(item.train[None, :]) for item in items])
        found.append(Made(name, mean, None, None, time.process_time() - start))
    return found


def statsforecast_peers(items: list[Item], horizon: int, season: int, slow: bool) -> list[Made]:
    """AutoETS, DynamicOptimizedTheta; with `slow` AutoARIMA and, of seasonal series, AutoCES."""
    try:
        from statsforecast import StatsForecast
        from statsforecast.models import (
            AutoARIMA,
            AutoCES,
            AutoETS,
            DynamicOptimizedTheta,
            SeasonalNaive,
        )
    except ImportError:
        sys.exit("The peers are missing: pip install 'fiscalmodel[bench]'")
    models = [AutoETS, DynamicOptimizedTheta, *([AutoARIMA] if slow else [])]
    models += [AutoCES] if slow and season > 1 else []
    found, df = [], frame(items)
    for model in models:
        made = model(season_length=season, alias="peer")
        runner = StatsForecast(
            models=[made], freq=1, n_jobs=1, fallback_model=SeasonalNaive(season, alias="peer")
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            runner.forecast(df=df[df["unique_id"] < 2], h=horizon, level=[95])  # compile
            start = time.process_time()
            table = runner.forecast(df=df, h=horizon, level=[95])
        seconds = time.process_time() - start
        table = table.sort_values(["unique_id", "ds"])
        columns = table[["peer", "peer-lo-95", "peer-hi-95"]].to_numpy()
        cube = columns.reshape(len(items), horizon, 3)
        name = f"statsforecast {model.__name__}"
        found.append(Made(name, cube[..., 0], cube[..., 1], cube[..., 2], seconds))
    return found


def statsmodels_theta(items: list[Item], horizon: int, season: int) -> Made:
    """`ThetaModel` with its defaults and its 95 % band; the last value where it fails."""
    from statsmodels.tsa.forecasting.theta import ThetaModel

    cube = np.empty((len(items), horizon, 3))
    start = time.process_time()
    for number, item in enumerate(items):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                test = season > 1 and len(item.train) >= 3 * season
                fit = ThetaModel(item.train, period=max(season, 1), deseasonalize=test).fit()
                cube[number, :, 0] = fit.forecast(horizon)
                cube[number, :, 1:] = fit.prediction_intervals(horizon, alpha=0.05)
        except (ValueError, np.linalg.LinAlgError, ZeroDivisionError):
            cube[number] = item.train[-1]
    seconds = time.process_time() - start
    return Made("statsmodels Theta", cube[..., 0], cube[..., 1], cube[..., 2], seconds)
