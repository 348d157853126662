"""Forecasts of many series at once, in the long format of the Nixtla libraries."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from fiscalmodel.errors import Collector, InputError
from fiscalmodel.revenue import inputs
from fiscalmodel.revenue.engine import forecast_block
from fiscalmodel.revenue.history import History
from fiscalmodel.revenue.kinds import kind_of
from fiscalmodel.revenue.labels import day

_COLUMNS = ("unique_id", "ds", "y")


def forecast_panel(
    df: pd.DataFrame,
    horizon: int,
    *,
    season_length: int = 1,
    levels: Sequence[float] = (80, 95),
    kind: str | None = None,
) -> pd.DataFrame:
    """Forecast every series of a long frame.

    Parameters
    ----------
    df
        Columns ``unique_id``, ``ds`` (years, dates, periods or text), ``y``.
    horizon
        Periods ahead, 1 to 100.
    season_length
        1 yearly, 4 quarterly, 12 monthly.
    levels
        Bands in percent.
    kind
        As in `forecast`, for all series.

    Returns
    -------
    pandas.DataFrame
        ``unique_id, ds, mean, lo-80, hi-80, lo-95, hi-95``, series in order of first
        appearance; ``ds`` of the same type as it came: dates stay dates, also as text.

    Raises
    ------
    InputError
        A missing column, or bad series: all of them at once.
    """
    horizon = inputs.check_horizon(horizon)
    wanted = inputs.check_levels(levels)
    season_length = inputs.check_season(season_length)
    treated = kind_of(df, kind)
    histories, ids, back = histories_of(df, horizon, season_length)
    by_shape: dict[tuple[int, int], list[int]] = {}
    for place, history in enumerate(histories):
        by_shape.setdefault((len(history.values), history.season_length), []).append(place)
    names = ["mean", *(f"{side}-{level:g}" for level in wanted for side in ("lo", "hi"))]
    out = np.empty((len(histories), horizon, len(names)))
    for (_, season), places in by_shape.items():
        block = forecast_block(
            np.stack([histories[place].values for place in places]),
            horizon,
            season,
            wanted,
            kind=treated,
        )
        out[places, :, 0] = block.mean
        for k, level in enumerate(wanted):
            out[places, :, 1 + 2 * k] = block.lower[level]
            out[places, :, 2 + 2 * k] = block.upper[level]
    ahead: list[Any] = []
    for history, restore in zip(histories, back, strict=True):
        ahead.extend(restore(history.ahead))
    frame = pd.DataFrame(
        {"unique_id": np.repeat(np.array(ids, dtype=object), horizon), "ds": ahead}
    )
    for k, name in enumerate(names):
        frame[name] = out[:, :, k].reshape(-1)
    return frame


def histories_of(df: Any, horizon: int, season: int) -> tuple[list[History], list[Any], list[Any]]:
    if not isinstance(df, pd.DataFrame):
        raise InputError(
            "df", f"a {type(df).__name__} is not a DataFrame", "columns unique_id, ds, y"
        )
    missing = [name for name in _COLUMNS if name not in df.columns]
    if missing:
        raise InputError("df", f"columns missing: {', '.join(missing)}", "columns unique_id, ds, y")
    if df.empty:
        raise InputError("df", "the frame is empty", "at least one row is needed")
    if df["unique_id"].isna().any():
        raise InputError("df", "rows without unique_id", "name the series of every row")
    problems = Collector()
    histories, ids, back = [], [], []
    for key, rows in df.groupby("unique_id", sort=False, observed=True):
        index = pd.Index(rows["ds"])
        y = pd.Series(rows["y"].to_numpy(), index=index, name=str(key))
        try:
            histories.append(inputs.read(y, horizon, season))
        except InputError as error:
            for problem in error.problems:
                problems.add(f"{key}: {problem.where}", problem.problem, problem.hint)
            continue
        ids.append(key)
        back.append(_restore(index))
    problems.raise_if_any()
    return histories, ids, back


def _restore(index: pd.Index[Any]) -> Any:
    """Function that gives forecast labels the type of the dates that came in."""
    if isinstance(index, pd.DatetimeIndex):
        return _dates(index)
    days = [day(label, "ds") for label in index]
    if days and all(stamp is not None for stamp in days):
        dates, one = _dates(pd.DatetimeIndex(days)), index[0]
        if not isinstance(one, str):
            plain = isinstance(one, dt.date) and not isinstance(one, dt.datetime)
            return lambda labels: [d.date() if plain else d for d in dates(labels)]
        if one.strip()[4] in "-/.":
            form = one.strip()[4].join(("%Y", "%m", "%d"))
            return lambda labels: [d.strftime(form) for d in dates(labels)]
    if len(index) and isinstance(index[0], str):
        return lambda labels: [str(label) for label in labels]
    return list


def _dates(index: pd.DatetimeIndex) -> Any:
    """Function that gives forecast labels as dates at the same edge of the month."""
    last = index.max()
    at_end = bool(last.is_month_end) and not bool(last.is_month_start)

    def dates(labels: Sequence[Any]) -> list[Any]:
        if not isinstance(labels[0], pd.Period):
            return list(labels)
        # Year labels keep the month of the history; the day stays at the month's edge.
        step = {"Y": 12, "Q": 3, "M": 1}[labels[0].freqstr[0]]
        first = pd.Period(last, freq="M")
        moves = [(label - pd.Period(last, freq=labels[0].freqstr)).n for label in labels]
        found = [first + step * move for move in moves]
        if at_end:
            return [month.end_time.normalize() for month in found]
        return [month.start_time.replace(day=min(last.day, 28)) for month in found]

    return dates
