"""Forecasts of one series: `forecast`; of many: `forecast_panel` (see `panel`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from fiscalmodel.revenue import gaps, inputs, intervals
from fiscalmodel.revenue.engine import Block, forecast_block
from fiscalmodel.revenue.history import History
from fiscalmodel.revenue.kinds import Kind, kind_of
from fiscalmodel.revenue.outliers import outlying
from fiscalmodel.revenue.panel import forecast_panel
from fiscalmodel.revenue.titles import TITLES
from fiscalmodel.series.types import Series

__all__ = ["Forecast", "forecast", "forecast_panel"]


@dataclass(frozen=True, eq=False, repr=False)
class Forecast:
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
    notes: tuple[str, ...]
    coverage: pd.DataFrame
    history: pd.Series[float]
    season_length: int = 1
    unit: str = ""
    kind: str = ""

    @property
    def notes_zh(self) -> tuple[str, ...]:
        """The notes in Chinese."""
        from fiscalmodel.revenue.notes_zh import in_chinese

        return tuple(map(in_chinese, self.notes))

    @property
    def levels(self) -> tuple[float, ...]:
        """Band levels in percent, ascending."""
        return tuple(sorted(float(c[3:]) for c in self.table.columns if c.startswith("lo-")))

    def __repr__(self) -> str:
        rounded = self.table.set_index("period").round(2)
        return f"Forecast of {len(rounded)} periods\n{rounded}"

    def _repr_html_(self) -> str:
        return str(self.table.set_index("period").round(2).to_html())

    def plot(self, lang: str = "zh") -> Any:
        """Fan chart of history, forecast and bands, a matplotlib figure."""
        from fiscalmodel.present.charts_revenue import fan_chart

        return fan_chart(self, lang=lang)


def forecast(
    y: Any,
    horizon: int,
    *,
    season_length: int | None = None,
    levels: Sequence[float] = (80, 95),
    allow_break: bool = False,
    breaks: Mapping[Any, float | None] | Sequence[Any] | None = None,
    kind: str | None = None,
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
        ``"revenue"`` for general public budget revenue and its taxes, ``"land"`` or ``"fund"``
        for land-sale or other fund revenue; by default found from the series' budget scope.

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
    named = gaps.breaks_of(breaks)
    if named is not None:
        history = gaps.splice(history, named, allow_break=allow_break)
    warned: tuple[str, ...] = ()
    if named is None and not treated.shrink:
        warned = gaps.look_for_breaks(y, history, allow_break=allow_break)
    block = forecast_block(
        history.values[None, :],
        horizon,
        history.season_length,
        wanted,
        kind=treated,
    )
    notes = [*history.notes, *warned, *_why(history, block, treated)]
    return Forecast(
        table=_table(history, block),
        models=_models(history, block, treated),
        notes=tuple(notes),
        coverage=_coverage(history, horizon, wanted),
        history=pd.Series(history.values, index=pd.Index(list(history.past), name="period")),
        season_length=history.season_length,
        unit=y.unit if isinstance(y, Series) else "",
        kind=treated.name,
    )


def _table(history: History, block: Block) -> pd.DataFrame:
    columns: dict[str, Any] = {"period": list(history.ahead), "mean": block.mean[0]}
    for level in block.lower:
        columns[f"lo-{level:g}"] = block.lower[level][0]
        columns[f"hi-{level:g}"] = block.upper[level][0]
    return pd.DataFrame(columns)


def _models(history: History, block: Block, kind: Kind) -> pd.DataFrame:
    """What each candidate said, with its mean weight over the horizon."""
    found = block.combination
    names, weights = list(found.names), found.weights[:, 0].mean(axis=1)
    said = found.parts[:, 0, :]
    if kind.shrink:
        # The share of the last value, or of last year's period, stands beside the candidates.
        weights = weights * (1 - kind.shrink)
        if block.anchor_name in names:
            weights[names.index(block.anchor_name)] += kind.shrink
        else:
            names.append(block.anchor_name)
            weights = np.append(weights, kind.shrink)
            said = np.concatenate([said, block.anchor[:1]])
    frame = pd.DataFrame(
        {
            "model": names,
            "title": [TITLES.get(name, (name, name))[0] for name in names],
            "title_zh": [TITLES.get(name, (name, name))[1] for name in names],
            "weight": weights,
        }
    )
    return pd.concat([frame, pd.DataFrame(said, columns=[str(p) for p in history.ahead])], axis=1)


def _coverage(history: History, horizon: int, levels: Sequence[float]) -> pd.DataFrame:
    n = len(history.values)
    rows = [
        (period, level, round(float(share), 1))
        for level in levels
        for period, share in zip(
            history.ahead,
            intervals.coverage(n, horizon, level, history.season_length),
            strict=True,
        )
    ]
    return pd.DataFrame(rows, columns=["period", "level", "coverage_pct"])


def _why(history: History, block: Block, kind: Kind) -> list[str]:
    """Why these models, in words."""
    n, season = len(history.values), history.season_length
    found = block.combination
    notes = []
    if n == 1:
        notes.append("one value only: carried forward, with the widest bands")
    elif season > 1 and n > season:
        used = found.weights[:, 0].any(axis=1)
        said = ", ".join(TITLES[name][0] for name in np.array(found.names)[used])
        notes.append(f"{n} values, {season} a year: mean of {said}")
        if n < 2 * season and not found.seasonal[0]:
            notes.append("fewer than two seasons: no seasonal pattern can be told from a trend")
    else:
        if season > 1:
            notes.append(f"no more than one season ({season} periods): treated as not seasonal")
        said = ", ".join(
            f"{100 * share:.4g}% {TITLES[name][0]}" for name, share in kind.shares.items()
        )
        notes.append(
            f"{n} values: {said} (the pooled model learned on public series which method to "
            "trust for a history of this shape)"
        )
        if n < 4:
            notes.append(f"{n} values: too few for smoothing models, half the mean step stands in")
    if season == 1:
        places = np.flatnonzero(outlying(history.values[None, :])[0])
        notes += [
            f"{history.past[int(place)]} stands out from its neighbours on both sides: for the fit "
            "their geometric mean stands in, the bands keep it"
            for place in places
        ]
    if kind.shrink and n > 1:
        anchor = TITLES[block.anchor_name][0]
        notes.append(
            f"land-sale or fund revenue: trend methods did worse than the {anchor} when tried, "
            f"so the mean is {kind.shrink:.0%} {anchor}"
        )
    if not history.values.any():
        notes.append("all values are nought: there is no scale to set a band by")
    elif n > 1 and np.ptp(history.values) == 0:
        notes.append("all values are equal: the bands rest on how other series moved")
    if history.values.min() >= 0:
        notes.append("no value is negative: mean and bands are held at nought or above")
    return notes
