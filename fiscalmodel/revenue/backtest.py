"""Rolling origin: how good the forecasts would have been, and whether they are worth it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from fiscalmodel.errors import InputError
from fiscalmodel.revenue import gaps, inputs, metrics
from fiscalmodel.revenue.backtest_budgets import budget_rows
from fiscalmodel.revenue.backtest_verdict import verdict
from fiscalmodel.revenue.engine import forecast_block
from fiscalmodel.revenue.history import History
from fiscalmodel.revenue.kinds import Kind, kind_of
from fiscalmodel.revenue.models import drift
from fiscalmodel.revenue.panel import histories_of
from fiscalmodel.revenue.seasonal import naive2
from fiscalmodel.revenue.seasonal_models import seasonal_naive
from fiscalmodel.revenue.smoothing import Array
from fiscalmodel.series.types import Series

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
    breaks: Mapping[Any, float | None] | Sequence[Any] | None = None,
    allow_break: bool = False,
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
        Points of the first origin's history, 2 or more; by default 4, or two seasons.
    budgets
        The office's own budgets (年初预算), by period: a `Series`, pandas Series or mapping for
        one series, a frame ``unique_id, ds, y`` for a panel. Counted as one step ahead.
    kind
        As in `forecast`.
    breaks, allow_break
        As in `forecast`, for one series; budgets before a break are put on the new calibre
        too. A panel is not searched for breaks: link its series first.

    Returns
    -------
    pandas.DataFrame
        One row for each ``method`` (fiscalmodel, naive, seasonal_naive for seasonal series,
        drift, budget) and ``horizon`` (1, 2, ..., "all"): ``forecasts, bias_pct, mae, rmse,
        mape, mdape, smape, mase, owa, coverage_80, coverage_95, msis_95``.
        ``.attrs["verdict"]`` and ``["verdict_zh"]`` say in
        a sentence whether the model is worth it here; ``.attrs["forecasts"]`` holds every
        forecast with its origin, ``.attrs["notes"]`` what was done to the history.

    Raises
    ------
    InputError
        Fewer than three values, arguments out of range, a break as in `forecast`.

    Notes
    -----
    Errors are forecast − actual. ``bias_pct``: sum of errors over sum of |actual|, %. MASE is
    scaled by the lag-m difference of the history at each origin; OWA compares with naive
    (Naive2 for seasonal series): half the ratio of mean sMAPE, half that of mean MASE, NaN
    where naive is exact; MSIS is the mean interval score over the MASE scale (see `metrics`).
    Interpolated values are no targets and no origins, and are interpolated anew at each
    origin from what was known by then. Seasonal naive is the same period of last year, the
    last value where the history is shorter than a year. Budgets cover their own periods only.
    """
    horizon = inputs.check_horizon(horizon)
    if isinstance(y_or_panel, pd.DataFrame):
        season = inputs.check_season(1 if season_length is None else season_length)
        histories, ids, _ = histories_of(y_or_panel, horizon, season)
    else:
        histories, ids = [inputs.read(y_or_panel, horizon, season_length)], ["y"]
    treated = kind_of(y_or_panel, kind)
    factors = None
    named = gaps.breaks_of(breaks)
    if isinstance(y_or_panel, pd.DataFrame):
        if named:
            raise InputError("breaks", "breaks are for one series", "link each series first")
    elif named is not None:
        ones = replace(histories[0], values=np.ones(len(histories[0].values)), filled=())
        factors = gaps.splice(ones, named, allow_break=allow_break).values
        histories = [gaps.splice(histories[0], named, allow_break=allow_break)]
    elif not treated.shrink:
        warned = gaps.look_for_breaks(y_or_panel, histories[0], allow_break=allow_break)
        histories = [replace(histories[0], notes=(*histories[0].notes, *warned))]
    windows = _windows(histories, horizon, inputs.check_least(least))
    if not windows:
        longest = max(len(history.values) - len(history.filled) for history in histories)
        raise InputError(
            "y",
            f"{longest} values are too few to try a forecast on",
            "at least three, and more than `least`, are needed",
        )
    detail = _forecasts(histories, ids, windows, horizon, treated)
    if budgets is not None:
        _check_units(y_or_panel, budgets)
        first = detail[(detail["method"] == OWN) & (detail["horizon"] == 1)]
        said = budget_rows(first, budgets, histories, ids, factors)
        detail = pd.concat([detail, said], ignore_index=True)
    made = _measures(detail)
    made.attrs["forecasts"] = detail
    made.attrs["notes"] = _notes(histories, ids, panel=isinstance(y_or_panel, pd.DataFrame))
    yearly = all(_is_year(history.past[0]) for history in histories)
    made.attrs["verdict"], made.attrs["verdict_zh"] = verdict(made, detail, yearly=yearly)
    return made


def _check_units(y: Any, budgets: Any) -> None:
    if isinstance(y, Series) and isinstance(budgets, Series) and y.unit != budgets.unit:
        raise InputError("budgets", f"in {budgets.unit}, the series in {y.unit}", "use one unit")


def _notes(histories: list[History], ids: list[Any], *, panel: bool) -> tuple[str, ...]:
    return tuple(
        f"{name}: {note}" if panel else note
        for name, history in zip(ids, histories, strict=True)
        for note in history.notes
    )


def _is_year(label: Any) -> bool:
    if isinstance(label, pd.Period):
        return label.freqstr[0] in "YA"
    return bool(1900 <= label <= 2200)


def _windows(histories: list[History], horizon: int, least: int | None) -> list[_Window]:
    """Origins whose last value is known, with a known value ahead."""
    found = []
    for number, history in enumerate(histories):
        n = len(history.values)
        season = history.season_length
        wanted = max(4, 2 * season if season > 1 else 4) if least is None else least
        first = wanted if least is not None else min(wanted, max(2, n - 1))
        filled = set(history.filled)
        found += [
            _Window(number, origin)
            for origin in range(first, n)
            if origin - 1 not in filled and set(range(origin, min(origin + horizon, n))) - filled
        ]
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
        past = np.stack([_known(histories[w.series], origin) for w in members])
        block = forecast_block(past, horizon, season, _LEVELS, kind=kind)
        unit = np.array([metrics.mase_scale(row, season) for row in past])
        bands = [block.lower[80], block.upper[80], block.lower[95], block.upper[95]]
        none = [np.full_like(block.mean, np.nan)] * 4
        rivals = {"naive": naive2(past, horizon, season), "drift": drift(past, horizon)}
        if season > 1:
            rivals["seasonal_naive"] = (
                seasonal_naive(past, horizon, season)
                if origin >= season
                else np.repeat(past[:, -1:], horizon, axis=1)
            )
        said = [(OWN, block.mean, bands), *((name, mean, none) for name, mean in rivals.items())]
        for method, mean, edges in said:
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


def _known(history: History, origin: int) -> Array:
    """The values up to an origin, gaps filled from these alone."""
    return gaps.refilled(history.values[:origin], history.filled, history.season_length)


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
