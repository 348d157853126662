"""Rolling origin: how good the forecasts would have been, and whether they are worth it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from fiscalmodel.errors import InputError
from fiscalmodel.revenue import inputs, metrics
from fiscalmodel.revenue.backtest_verdict import verdict
from fiscalmodel.revenue.engine import forecast_block
from fiscalmodel.revenue.history import History
from fiscalmodel.revenue.kinds import Kind, kind_of
from fiscalmodel.revenue.models import drift
from fiscalmodel.revenue.panel import histories_of
from fiscalmodel.revenue.seasonal import naive2
from fiscalmodel.revenue.smoothing import Array

#: Name of our own forecasts in the table.
OWN = "fiscalmodel"
_LEVELS = (80, 95)


@dataclass(frozen=True)
class _Window:
    """One origin of one series."""

    series: int
    origin: int


def backtest(
    y_or_panel: Any,
    horizon: int,
    *,
    season_length: int | None = None,
    least: int | None = None,
    budgets: Any = None,
    kind: str | None = None,
) -> pd.DataFrame:
    """Forecast the known past from each of its points, and measure the errors.

    Parameters
    ----------
    y_or_panel
        One series as for `forecast`, or a long frame ``unique_id, ds, y``.
    horizon
        Longest step ahead, 1 to 100; shorter where the history ends earlier.
    season_length
        Periods in a year; by default from the index, for a frame 1.
    least
        Points of the first origin's history; by default 4, or two seasons.
    budgets
        The office's own budgets (年初预算), by period: a pandas Series or mapping for one
        series, a frame ``unique_id, ds, y`` for a panel. Counted as one step ahead.
    kind
        As in `forecast`.

    Returns
    -------
    pandas.DataFrame
        One row for each ``method`` (fiscalmodel, naive, drift, budget) and ``horizon`` (1, 2,
        ..., "all"): ``forecasts, bias_pct, mae, rmse, mape, mdape, smape, mase, owa,
        coverage_80, coverage_95, msis_95``. ``.attrs["verdict"]`` and ``["verdict_zh"]`` say in
        a sentence whether the model is worth it here; ``.attrs["forecasts"]`` holds every
        forecast with its origin.

    Raises
    ------
    InputError
        Fewer than three values, or arguments out of range.

    Notes
    -----
    Errors are forecast − actual. ``bias_pct``: sum of errors over sum of |actual|, %. MASE is
    scaled by the lag-m difference of the history at each origin; OWA compares with naive
    (Naive2 for seasonal series): half the ratio of mean sMAPE, half that of mean MASE; MSIS
    is the mean interval score over the MASE scale (see `metrics`). Interpolated values are
    no targets.
    """
    horizon = inputs.check_horizon(horizon)
    if isinstance(y_or_panel, pd.DataFrame):
        season = inputs.check_season(1 if season_length is None else season_length)
        histories, ids, _ = histories_of(y_or_panel, horizon, season)
    else:
        histories, ids = [inputs.read(y_or_panel, horizon, season_length)], ["y"]
    treated = kind_of(y_or_panel, kind)
    windows = _windows(histories, least)
    if not windows:
        longest = max(len(history.values) for history in histories)
        raise InputError(
            "y",
            f"{longest} values are too few to try a forecast on",
            "at least three, and more than `least`, are needed",
        )
    detail = _forecasts(histories, ids, windows, horizon, treated)
    if budgets is not None:
        detail = pd.concat([detail, _budgets(detail, budgets)], ignore_index=True)
    made = _measures(detail)
    made.attrs["forecasts"] = detail
    made.attrs["verdict"], made.attrs["verdict_zh"] = verdict(made)
    return made


def _windows(histories: list[History], least: int | None) -> list[_Window]:
    found = []
    for number, history in enumerate(histories):
        n = len(history.values)
        season = history.season_length
        wanted = max(4, 2 * season if season > 1 else 4) if least is None else max(least, 2)
        first = wanted if least is not None else min(wanted, max(2, n - 1))
        found += [_Window(number, origin) for origin in range(first, n)]
    return found


def _forecasts(
    histories: list[History], ids: list[Any], windows: list[_Window], horizon: int, kind: Kind
) -> pd.DataFrame:
    """Every forecast of every method: one row for each origin, step and method."""
    groups: dict[tuple[int, int], list[_Window]] = {}
    for window in windows:
        season = histories[window.series].season_length
        groups.setdefault((window.origin, season), []).append(window)
    frames = []
    for (origin, season), members in sorted(groups.items()):
        past = np.stack([histories[w.series].values[:origin] for w in members])
        block = forecast_block(past, horizon, season, _LEVELS, kind=kind)
        unit = np.array([metrics.mase_scale(row, season) for row in past])
        bands = [block.lower[80], block.upper[80], block.lower[95], block.upper[95]]
        none = [np.full_like(block.mean, np.nan)] * 4
        for method, mean, edges in (
            (OWN, block.mean, bands),
            ("naive", naive2(past, horizon, season), none),
            ("drift", drift(past, horizon), none),
        ):
            for row, window in enumerate(members):
                frames.append(
                    _rows(
                        histories[window.series],
                        ids[window.series],
                        origin,
                        method,
                        mean[row],
                        [edge[row] for edge in edges],
                        unit[row],
                    )
                )
    return pd.concat(frames, ignore_index=True)


def _rows(
    history: History,
    name: Any,
    origin: int,
    method: str,
    mean: Array,
    edges: list[Array],
    unit: float,
) -> pd.DataFrame:
    steps = min(len(mean), len(history.values) - origin)
    targets = [k for k in range(steps) if origin + k not in history.filled]
    return pd.DataFrame(
        {
            "unique_id": name,
            "origin": str(history.past[origin - 1]),
            "period": [str(history.past[origin + k]) for k in targets],
            "horizon": [k + 1 for k in targets],
            "method": method,
            "actual": history.values[[origin + k for k in targets]],
            "mean": mean[targets],
            "lo-80": edges[0][targets],
            "hi-80": edges[1][targets],
            "lo-95": edges[2][targets],
            "hi-95": edges[3][targets],
            "unit": unit,
        }
    )


def _budgets(detail: pd.DataFrame, budgets: Any) -> pd.DataFrame:
    """The office's budgets as forecasts one step ahead."""
    known = detail[(detail["method"] == OWN) & (detail["horizon"] == 1)].copy()
    if isinstance(budgets, pd.DataFrame):
        missing = {"unique_id", "ds", "y"} - set(budgets.columns)
        if missing:
            raise InputError(
                "budgets",
                f"columns missing: {', '.join(sorted(missing))}",
                "columns unique_id, ds, y",
            )
        keys = zip(budgets["unique_id"].astype(str), budgets["ds"].map(_label), strict=True)
        given = dict(zip(keys, inputs.numbers(budgets["y"].tolist(), "budgets"), strict=True))
        names = known["unique_id"].astype(str)
    elif isinstance(budgets, pd.Series | Mapping):
        items = list(budgets.items())
        values = inputs.numbers([value for _, value in items], "budgets")
        given = {("y", _label(k)): v for (k, _), v in zip(items, values, strict=True)}
        names = pd.Series("y", index=known.index)
    else:
        raise InputError(
            "budgets",
            f"a {type(budgets).__name__} holds no budgets",
            "a pandas Series or mapping by period, or a frame unique_id, ds, y",
        )
    found = [given.get(key, np.nan) for key in zip(names, known["period"], strict=True)]
    known["mean"] = found
    known["method"] = "budget"
    known[["lo-80", "hi-80", "lo-95", "hi-95"]] = np.nan
    known = known[known["mean"].notna()]
    if known.empty:
        raise InputError(
            "budgets",
            "no budget falls on a period that was forecast",
            f"label them like the series, for example {detail['period'].iloc[0]}",
        )
    return known


def _label(period: Any) -> str:
    if isinstance(period, pd.Timestamp):
        return str(period.year)
    return str(period).strip().rstrip("年")


def _measures(detail: pd.DataFrame) -> pd.DataFrame:
    """The table: each method by step and over all steps, OWA against naive on the same points."""
    keys = ["unique_id", "origin", "period"]
    base = detail[detail["method"] == "naive"].set_index(keys)
    rows = []
    steps = [*sorted(detail["horizon"].unique()), "all"]
    for method in detail["method"].unique():
        own = detail[detail["method"] == method]
        for step in steps:
            part = own if step == "all" else own[own["horizon"] == step]
            if len(part):
                rival = base.loc[pd.MultiIndex.from_frame(part[keys])]
                rows.append({"method": method, "horizon": step, **_row(part, rival)})
    return pd.DataFrame(rows)


def _row(part: pd.DataFrame, rival: pd.DataFrame) -> dict[str, float]:
    actual, mean = part["actual"].to_numpy(), part["mean"].to_numpy()
    unit = part["unit"].to_numpy()
    error = mean - actual
    size = np.abs(actual)
    share = 100 * np.abs(error[size > 0]) / size[size > 0]
    smape = float(metrics.smape(actual, mean).mean())
    mase = _mean(np.abs(error) / unit)
    rival_error = np.abs(rival["mean"].to_numpy() - actual)
    rival_smape = float(metrics.smape(actual, rival["mean"].to_numpy()).mean())
    found = {
        "forecasts": len(part),
        "bias_pct": 100 * float(error.sum()) / float(size.sum()) if size.sum() > 0 else np.nan,
        "mae": float(np.abs(error).mean()),
        "rmse": float(np.sqrt(np.square(error).mean())),
        "mape": _mean(share),
        "mdape": float(np.median(share)) if len(share) else np.nan,
        "smape": smape,
        "mase": mase,
        "owa": metrics.owa(smape, mase, rival_smape, _mean(rival_error / unit)),
    }
    for level in _LEVELS:
        low, high = part[f"lo-{level}"].to_numpy(), part[f"hi-{level}"].to_numpy()
        inside = np.where(np.isnan(low), np.nan, (actual >= low) & (actual <= high))
        found[f"coverage_{level}"] = 100 * _mean(inside)
    score = metrics.interval_score(actual, part["lo-95"].to_numpy(), part["hi-95"].to_numpy(), 95)
    found["msis_95"] = _mean(score / unit)
    return found


def _mean(values: Array) -> float:
    """Mean without missing values; NaN where all are."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")
