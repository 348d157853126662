"""Forecasts of one series, `forecast`, and of many, `forecast_panel`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from fiscalmodel.display import BLUE, RED, Chart, fan, figure, legend, scale, ticks
from fiscalmodel.revenue import inputs, intervals
from fiscalmodel.revenue.drivers import SHARE, Driven, aligned, drive, with_driver
from fiscalmodel.revenue.engine import (
    KINDS,
    PLAIN,
    RESTLESS,
    Block,
    Kind,
    anchor_of,
    forecast_block,
    kind_of,
    outlying,
)
from fiscalmodel.revenue.inputs import History, when
from fiscalmodel.revenue.models import title as title_of
from fiscalmodel.revenue.result import InMoney, band, levels_of, span, weights_chart
from fiscalmodel.series.types import Series
from fiscalmodel.units import amount_text
from fiscalmodel.words import Text, say


@dataclass(frozen=True, eq=False, repr=False)
class Forecast(InMoney):
    """A forecast with bands, and how it came about.

    Attributes
    ----------
    table
        Columns ``period, mean, lo-80, hi-80, lo-95, hi-95`` (by level asked for).
    models
        Columns ``model, title, title_zh, weight`` and one for each period: what each said.
    notes
        What was done to the input, and why these models.
    coverage
        Columns ``period, level, coverage_pct``: share of known values inside the band when
        forecasts of this length and horizon were tried on public series.
    history
        The values that were fitted, by period.
    season_length
        Periods in a season that were used.
    unit
        Unit of the values, where known.
    kind
        Kind of revenue that it was forecast as (see `kinds`); empty for none of them.
    """

    table: pd.DataFrame
    models: pd.DataFrame
    notes: tuple[Text, ...]
    coverage: pd.DataFrame
    history: pd.Series[float]
    season_length: int = 1
    unit: str = ""
    kind: str = ""

    @property
    def levels(self) -> tuple[float, ...]:
        """Band levels in percent, ascending."""
        return levels_of(self.table.columns)

    @property
    def answer(self) -> Text:
        """The last period's value and its narrowest band."""
        last, level = self.table.iloc[-1], f"{self.levels[0]:g}"
        mean = float(last["mean"])
        limits = span(*band(last, self.levels[0]), self.unit, mean)
        period = when(self.table["period"].iloc[-1])
        return say("revenue.answer_forecast", when=period, mean=amount_text(mean, self.unit),
                   level=level, span=limits)  # fmt: skip

    def plot(self, lang: str | None = None) -> Chart:
        """History, forecast and its bands, with the coverage measured for such bands."""
        table, past = self.table, self.history.to_numpy(dtype=float)
        divisor, unit = scale(self.unit, float(np.abs(past).max()))
        made, axis, lang = figure(say("revenue.chart_fan"), lang, unit=unit or say("revenue.value"))
        place = np.arange(len(past) - 1, len(past) + len(table))
        axis.plot(np.arange(len(past)), past / divisor, color=BLUE, marker="o", markersize=4,
                  label=say("revenue.line_history")(lang))  # fmt: skip
        measured: dict[Any, float] = self.coverage.groupby("level")["coverage_pct"].mean().to_dict()
        fan(axis, place, table, divisor=divisor, measured=measured, start=past[-1], lang=lang)
        axis.plot(place, np.r_[past[-1], table["mean"]] / divisor, color=RED, marker="s",
                  markersize=4, label=say("revenue.line_forecast")(lang))  # fmt: skip
        ticks(axis, [*self.history.index, *table["period"]])
        legend(axis)
        return Chart(made, self.answer(lang))

    def plot_models(self, lang: str | None = None) -> Chart:
        """What each candidate said for the last period; the dot grows with the weight."""
        last = self.table["period"].iloc[-1]
        frame = pd.DataFrame(
            {
                "title": [title_of(name) for name in self.models["model"]],
                "value": self.models[str(last)],
                "weight": self.models["weight"],
            }
        )
        title = say("revenue.chart_models", when=when(last))
        return weights_chart(frame, float(self.table["mean"].iloc[-1]), title, self.unit, lang)


def forecast(
    y: Any,
    horizon: int,
    *,
    season_length: int | None = None,
    levels: Sequence[float] = (80, 95),
    allow_break: bool = False,
    breaks: Mapping[Any, float | None] | Sequence[Any] | None = None,
    kind: str | None = None,
    drivers: Any = None,
) -> Forecast:
    """Forecast one revenue series.

    Parameters
    ----------
    y
        pandas Series on years, quarters, months or dates; a `Series` of the project (only
        its actual values are used); or a list, oldest value first. Any unit.
    horizon
        Periods ahead, 1 to 100.
    season_length
        Periods in a year; by default from the index (list: 1).
    levels
        Bands in percent.
    allow_break
        Fit across calibre breaks (口径变化) of unknown size, with a warning.
    breaks
        First period on a new calibre -> factor for the values before it (None: unknown).
    kind
        ``"revenue"`` for general public budget revenue, ``"tax"`` for one tax, ``"land"`` or
        ``"fund"`` for land-sale or other fund revenue; by default found from the series' name.
    drivers
        For yearly series, what moves it (gross product, its target, a tax base): a pandas Series
        on years from the first of `y` on; years ahead are used where given, else forecast. It
        counts for half where it helped at past origins (see `drivers`).

    Returns
    -------
    Forecast

    Raises
    ------
    InputError
        No value, text or infinite values, dates that stand twice, a horizon or level out of
        range, a calibre break of unknown size.

    Examples
    --------
    >>> made = forecast([100.0, 104.0, 109.0, 113.0, 118.0, 124.0], 2)
    >>> list(made.table.columns)
    ['period', 'mean', 'lo-80', 'hi-80', 'lo-95', 'hi-95']
    """
    horizon = inputs.check_horizon(horizon)
    wanted = inputs.check_levels(levels)
    history = inputs.read(y, horizon, season_length)
    treated = kind_of(y, kind)
    history = inputs.on_one_calibre(
        y, history, breaks, allow_break=allow_break, search=not treated.shrink
    )
    block = forecast_block(
        history.values[None, :], horizon, history.season_length, wanted, kind=treated
    )
    driven = None
    if drivers is not None:
        past, ahead = aligned(drivers, history.past, history.ahead)
        driven = drive(history.values, past, horizon, kind=treated, ahead=ahead)
        block = with_driver(block, driven)
    return Forecast(
        table=pd.DataFrame(
            {"period": list(history.ahead), **{n: said[0] for n, said in _columns(block).items()}}
        ),
        models=_models(history, block, driven),
        notes=(
            *history.notes,
            *_why(history, block, treated, driven),
            *(_of_no_kind(history) if kind is None and treated is PLAIN else ()),
        ),
        coverage=_coverage(history, horizon, wanted, treated),
        history=pd.Series(history.values, index=pd.Index(list(history.past), name="period")),
        season_length=history.season_length,
        unit=y.unit if isinstance(y, Series) else "",
        kind=treated.name,
    )


def forecast_panel(
    df: pd.DataFrame,
    horizon: int,
    *,
    season_length: int = 1,
    levels: Sequence[float] = (80, 95),
    kind: str | None = None,
) -> pd.DataFrame:
    """Forecast every series of a long frame, as the libraries of Nixtla take and give it.

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
        As in `forecast`, for all series; by default found from each ``unique_id``.

    Returns
    -------
    pandas.DataFrame
        ``unique_id, ds, mean, lo-80, hi-80, lo-95, hi-95``, series in order of first
        appearance; ``ds`` of the same type as it came: dates stay dates, also as text.
        ``.attrs["notes"]`` names series of no known kind that are as restless as land sales.

    Raises
    ------
    InputError
        A missing column, or bad series: all of them at once.
    """
    horizon = inputs.check_horizon(horizon)
    wanted = inputs.check_levels(levels)
    season_length = inputs.check_season(season_length)
    kind_of(df, kind)
    histories, ids, back = inputs.read_panel(df, horizon, season_length)
    by_shape: dict[tuple[int, int, str], list[int]] = {}
    notes: list[Text] = []
    for place, (history, key) in enumerate(zip(histories, ids, strict=True)):
        treated = kind_of(str(key), kind)
        shape = (len(history.values), history.season_length, treated.name)
        by_shape.setdefault(shape, []).append(place)
        if treated is PLAIN:
            notes += [f"{key}: " + note for note in _of_no_kind(history)]
    parts = []
    for (_, season, name), places in by_shape.items():
        values = np.stack([histories[place].values for place in places])
        block = forecast_block(values, horizon, season, wanted, kind=KINDS.get(name, PLAIN))
        part = pd.DataFrame({name: said.reshape(-1) for name, said in _columns(block).items()})
        parts.append(part.assign(place=np.repeat(places, horizon)))
    frame = pd.concat(parts).sort_values("place", kind="stable", ignore_index=True)
    ahead: list[Any] = []
    for history, restore in zip(histories, back, strict=True):
        ahead.extend(restore(history.ahead))
    frame.insert(0, "unique_id", np.repeat(np.array(ids, dtype=object), horizon))
    frame.insert(1, "ds", ahead)
    frame = frame.drop(columns="place")
    frame.attrs["notes"] = tuple(notes)
    return frame


def _columns(block: Block) -> dict[str, Any]:
    """Mean and bands by the name of their column, each (series, horizon)."""
    columns: dict[str, Any] = {"mean": block.mean}
    for level in block.lower:
        columns[f"lo-{level:g}"] = block.lower[level]
        columns[f"hi-{level:g}"] = block.upper[level]
    return columns


def _models(history: History, block: Block, driven: Driven | None) -> pd.DataFrame:
    """What each candidate said, with its mean weight over the horizon."""
    found = block.combination
    names, weights = list(found.names), found.weights[:, 0].mean(axis=1)
    said = found.parts[:, 0, :]
    if driven is not None and driven.used:
        names, weights = [*names, "driver"], np.append(weights * (1 - SHARE), SHARE)
        said = np.concatenate([said, driven.mean[None]])
    titles = list(map(title_of, names))
    frame = pd.DataFrame(
        {
            "model": names,
            "title": [title.en for title in titles],
            "title_zh": [title.zh for title in titles],
            "weight": weights,
        }
    )
    return pd.concat([frame, pd.DataFrame(said, columns=[str(p) for p in history.ahead])], axis=1)


def _coverage(history: History, horizon: int, levels: Sequence[float], kind: Kind) -> pd.DataFrame:
    n = len(history.values)
    rows = [
        (period, level, round(float(share), 1))
        for level in levels
        for period, share in zip(
            history.ahead,
            intervals.coverage(n, horizon, level, history.season_length, kind.name),
            strict=True,
        )
    ]
    return pd.DataFrame(rows, columns=["period", "level", "coverage_pct"])


def _of_no_kind(history: History) -> list[Text]:
    """That the bands do not know what moves like land sales, where nobody said what it is."""
    values = history.values[None]
    if history.season_length != 1 or values.size < 4 or not (values > 0).all():
        return []
    varies = float(intervals.spread(values)[0, 0]) ** 2
    return [say("revenue.note.of_no_kind", pct=100 * varies)] if varies > RESTLESS else []


def _why(history: History, block: Block, kind: Kind, driven: Driven | None) -> list[Text]:
    """Why these models, in words."""
    n, season = len(history.values), history.season_length
    found = block.combination
    notes: list[Text] = []

    def note(key: str, **values: Any) -> None:
        notes.append(say(f"revenue.note.{key}", **values))

    if n == 1:
        note("one_value")
    elif season > 1 and n > season:
        used = found.weights[:, 0].any(axis=1)
        names = [title_of(name) for name in np.array(found.names)[used]]
        note("seasonal_models", n=n, season=season, models=names)
        if n < 2 * season and not found.seasonal[0]:
            note("one_season")
    else:
        if season > 1:
            note("not_seasonal", season=season)
        if kind.fades:
            note("fading_models", n=n, models=[title_of(name) for name in kind.shares])
        else:
            shares = [
                f"{100 * share:.4g}% " + title_of(name) for name, share in kind.shares.items()
            ]
            note("yearly_models", n=n, models=shares)
        if n < 4:
            note("few_values", n=n)
    if season == 1:
        for place in np.flatnonzero(outlying(history.values[None, :])[0]):
            note("outlier", when=when(history.past[int(place)]))
    if driven is not None:
        key = "driver_used" if driven.used else "driver_not_used"
        key = key if driven.tried else "driver_short"
        note(key, elasticity=driven.elasticity, error=driven.error_with,
             without=driven.error_without, origins=driven.origins)  # fmt: skip
    if kind.shrink and n > 1:
        note("fund", share=kind.shrink, anchor=title_of(anchor_of(n, season)))
    if not history.values.any():
        note("all_nought")
    elif n > 1 and np.ptp(history.values) == 0:
        note("all_equal")
    if history.values.min() >= 0:
        note("not_negative")
    return notes
