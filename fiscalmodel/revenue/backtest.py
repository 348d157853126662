"""Rolling origin: how good the forecasts would have been, and whether they are worth it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from fiscalmodel.display import BLUE, GREEN, GREY, ORANGE, RED, Chart, bars, figure, legend
from fiscalmodel.errors import InputError
from fiscalmodel.revenue import inputs, metrics
from fiscalmodel.revenue.engine import Kind, forecast_block, kind_of
from fiscalmodel.revenue.inputs import History
from fiscalmodel.revenue.models import Array, drift
from fiscalmodel.revenue.result import InMoney
from fiscalmodel.revenue.seasonal import naive2, seasonal_naive
from fiscalmodel.series.types import Series
from fiscalmodel.words import Text, say

#: Name of our own forecasts in the table.
OWN = "fiscalmodel"
_LEVELS = (80, 95)
_EDGES = ["lo-80", "hi-80", "lo-95", "hi-95"]
_DETAIL = [
    "unique_id", "origin", "period", "horizon", "method", "actual", "mean", *_EDGES, "unit",
]  # fmt: skip
#: Fewer forecasts than this prove nothing.
_FEW = 6
#: Differences below this share of the rival's error are no difference.
_SAME = 0.03


class Backtest(InMoney, pd.DataFrame):
    """The table of `backtest`, which says and draws what it shows.

    ``.attrs`` holds the verdict, every forecast with its origin and what was done to the history.
    """

    @property
    def answer(self) -> Text:
        """Whether the model is worth it here."""
        said: Text = self.attrs["verdict"]
        return said

    @property
    def table(self) -> pd.DataFrame:
        """Each method by step, the measures that are read first."""
        table = pd.DataFrame(self[["method", "horizon", "forecasts", "mape", "mase", "owa"]])
        return table.assign(horizon=[str(step).capitalize() for step in table["horizon"]])

    def plot(self, lang: str | None = None) -> Chart:  # type: ignore[override]
        """Mean absolute percentage error by step ahead, each method."""
        colors = {OWN: BLUE, "naive": GREY, "seasonal_naive": GREEN, "drift": ORANGE, "budget": RED}
        steps = self[self["horizon"] != "all"]
        errors = steps.pivot_table(index="horizon", columns="method", values="mape", sort=False)
        errors = errors[[name for name in colors if name in errors]].sort_index()
        names = {str(name): say(f"revenue.method.{name}") for name in errors}
        if "seasonal_naive" in names:
            names["naive"] = say("revenue.method.naive2")
        made, axis, lang = figure(
            say("revenue.chart_backtest"), lang, unit="%", x=say("revenue.steps_ahead")
        )
        bars(axis, errors, names=names, colors=colors, digits=1, lang=lang)
        legend(axis)
        return Chart(made, self.answer(lang))


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
) -> Backtest:
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
    Backtest
        A frame, one row for each ``method`` (fiscalmodel, naive, seasonal_naive for seasonal
        series, drift, budget) and ``horizon`` (1, 2, ..., "all"): ``forecasts, bias_pct, mae,
        rmse, mape, mdape, smape, mase, owa, coverage_80, coverage_95, msis_95``.
        ``.attrs["verdict"]`` says in both languages whether the model is worth it here (also as
        ``.answer``); ``.attrs["forecasts"]`` holds every forecast with its origin,
        ``.attrs["notes"]`` what was done to the history.

    Raises
    ------
    InputError
        Fewer than three values, arguments out of range, a break as in `forecast`.

    Notes
    -----
    Errors are forecast − actual. ``bias_pct``: sum of errors over that of the absolute
    actuals, %. MASE is scaled by the lag-m difference of the history at each origin; OWA
    compares with naive
    (Naive2 for seasonal series): half the ratio of mean sMAPE, half that of mean MASE, NaN
    where naive is exact; MSIS is the mean interval score over the MASE scale (see `metrics`).
    Interpolated values are no targets and no origins, and are interpolated anew at each
    origin from what was known by then. Seasonal naive is the same period of last year, the
    last value where the history is shorter than a year. Budgets cover their own periods only.
    """
    horizon = inputs.check_horizon(horizon)
    treated = kind_of(y_or_panel, kind)
    panel = isinstance(y_or_panel, pd.DataFrame)
    if panel:
        season = inputs.check_season(1 if season_length is None else season_length)
        histories, ids, _ = inputs.read_panel(y_or_panel, horizon, season)
        if breaks:
            raise InputError("breaks", "revenue.breaks_of_panel")
    else:
        history = inputs.read(y_or_panel, horizon, season_length)
        history = inputs.on_one_calibre(
            y_or_panel, history, breaks, allow_break=allow_break, search=not treated.shrink
        )
        histories, ids = [history], ["y"]
    if least is not None:
        least = inputs.whole_number(least, "least", 2, math.inf)
    windows = _windows(histories, horizon, least)
    if not windows:
        longest = max(len(history.values) - len(history.filled) for history in histories)
        raise InputError("y", "revenue.too_few_to_try", count=longest)
    detail = _forecasts(histories, ids, windows, horizon, treated)
    if budgets is not None:
        if isinstance(y_or_panel, Series) and isinstance(budgets, Series):
            y_unit, unit = y_or_panel.unit, budgets.unit
            if y_unit != unit:
                raise InputError("budgets", "revenue.other_unit", unit=unit, y_unit=y_unit)
        first = detail[(detail["method"] == OWN) & (detail["horizon"] == 1)]
        said = _budget_rows(first, budgets, histories, ids)
        detail = pd.concat([detail, said], ignore_index=True)
    made = Backtest(_measures(detail))
    yearly = all(inputs.year_of(history.past[0]) for history in histories)
    made.attrs["verdict"] = _verdict(made, detail, yearly=yearly)
    made.attrs["forecasts"] = detail
    made.attrs["notes"] = tuple(
        f"{name}: " + note if panel else note
        for name, history in zip(ids, histories, strict=True)
        for note in history.notes
    )
    return made


def _windows(histories: list[History], horizon: int, least: int | None) -> list[tuple[int, int]]:
    """Number of the series and origin, whose last value is known, with a known value ahead."""
    found = []
    for number, history in enumerate(histories):
        n = len(history.values)
        season = history.season_length
        wanted = max(4, 2 * season if season > 1 else 4) if least is None else least
        first = wanted if least is not None else min(wanted, max(2, n - 1))
        filled = set(history.filled)
        found += [
            (number, origin)
            for origin in range(first, n)
            if origin - 1 not in filled and set(range(origin, min(origin + horizon, n))) - filled
        ]
    return found


def _forecasts(
    histories: list[History],
    ids: list[Any],
    windows: list[tuple[int, int]],
    horizon: int,
    kind: Kind,
) -> pd.DataFrame:
    """Every forecast of every method: one row for each origin, step and method."""
    groups: dict[tuple[int, int], list[int]] = {}
    for number, origin in windows:
        groups.setdefault((origin, histories[number].season_length), []).append(number)
    rows: list[tuple[Any, ...]] = []
    for (origin, season), members in sorted(groups.items()):
        past = np.stack([
            inputs.refilled(h.values[:origin], h.filled, h.season_length)
            for h in (histories[number] for number in members)
        ])  # fmt: skip
        block = forecast_block(past, horizon, season, _LEVELS, kind=kind)
        unit = [metrics.mase_scale(row, season) for row in past]
        bands = [block.lower[80], block.upper[80], block.lower[95], block.upper[95]]
        none = [np.full_like(block.mean, np.nan)] * 4
        rivals = {"naive": naive2(past, horizon, season), "drift": drift(past, horizon)}
        if season > 1:
            rivals["seasonal_naive"] = seasonal_naive(
                past, horizon, season if origin >= season else 1
            )
        said = [(OWN, block.mean, bands), *((name, mean, none) for name, mean in rivals.items())]
        for method, mean, edges in said:
            for row, number in enumerate(members):
                history, first = histories[number], str(histories[number].past[origin - 1])
                rows += [
                    (ids[number], first, str(history.past[at]), k + 1, method, history.values[at],
                     mean[row, k], *(edge[row, k] for edge in edges), unit[row])
                    for k, at in enumerate(range(origin, len(history.values))[:horizon])
                    if at not in history.filled
                ]  # fmt: skip
    return pd.DataFrame(rows, columns=_DETAIL)


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


# ---------------------------------------------------------------- budgets


def _budget_rows(
    own: pd.DataFrame, budgets: Any, histories: Sequence[History], ids: Sequence[Any]
) -> pd.DataFrame:
    """Rows of method ``budget``: the office's own budgets 年初预算, one step ahead like `own`."""
    past = {str(name): history.past for name, history in zip(ids, histories, strict=True)}
    given: dict[tuple[str, str], float] = {}
    for name, label, value in _budget_items(budgets):
        if name not in past or np.isnan(value):
            continue
        where = f"budgets[{label}]"
        key = name, str(inputs.own_label(label, past[name], where, exact=True))
        if key in given:
            raise InputError(where, "revenue.two_budgets", period=key[1])
        given[key] = value
    for name, history in zip(ids, histories, strict=True):
        if history.factors is not None:
            for label, factor in zip(history.past, history.factors, strict=True):
                if (str(name), str(label)) in given:
                    given[str(name), str(label)] *= float(factor)
    known = own.copy()
    keys = zip(known["unique_id"].astype(str), known["period"], strict=True)
    known["mean"] = [given.get(key, np.nan) for key in keys]
    known["method"] = "budget"
    known[_EDGES] = np.nan
    known = known[known["mean"].notna()]
    if known.empty:
        raise InputError("budgets", "revenue.no_budget_met", own=next(iter(past.values()))[-1])
    return known


def _budget_items(budgets: Any) -> Iterable[tuple[str, Any, float]]:
    """Name of the series, label and amount of each budget."""
    if isinstance(budgets, Series):
        budgets = _budgets_of(budgets)
    if isinstance(budgets, pd.DataFrame):
        inputs.check_columns(budgets, "budgets")
        names, labels = budgets["unique_id"].astype(str).tolist(), budgets["ds"].tolist()
        amounts = budgets["y"].tolist()
    elif isinstance(budgets, pd.Series | Mapping):
        labels, amounts = list(budgets.keys()), list(pd.Series(budgets, dtype=object))
        names = ["y"] * len(labels)
    else:
        raise InputError("budgets", "revenue.holds_no_budgets", kind=type(budgets).__name__)
    return zip(names, labels, inputs.numbers(amounts, "budgets"), strict=True)


def _budgets_of(series: Series) -> pd.Series[float]:
    """The budgets in a `Series`: those marked so, or all of a budget version or unmarked one."""
    if series.kinds is None or series.version in ("initial_budget", "adjusted_budget"):
        return series.values
    found = series.values[series.kinds.eq("budget")]
    if found.empty:
        raise InputError(series.series_id, "revenue.holds_no_budget")
    return found


# ---------------------------------------------------------------- verdict


def _verdict(table: pd.DataFrame, detail: pd.DataFrame, *, yearly: bool) -> Text:
    """Whether the model is worth it, from the table of `backtest` and its forecasts.

    The measure is the mean absolute percentage error over all steps, or the mean absolute
    error where values are nought; against the best of naive, drift and, for seasonal series,
    the same period of last year, and, one step ahead, against the office's budgets where
    they were given, on the periods that have one.
    """
    over_all = table[table["horizon"] == "all"].set_index("method")
    measure, unit = ("mape", " %") if over_all["mape"].notna()[OWN] else ("mae", "")
    found: dict[Any, float] = over_all[measure].to_dict()
    names = {"naive": "last_year" if yearly else "last_period", "drift": "mean_step"}
    if "seasonal_naive" in found:
        names |= {"naive": "naive2", "seasonal_naive": "same_period"}
    rival = min(names, key=lambda name: found[name])
    mine, theirs = found[OWN], found[rival]
    count = int(over_all["forecasts"][OWN])
    if count < _FEW:
        key = "too_few"
    elif mine < theirs * (1 - _SAME):
        key = "worth_it"
    else:
        key = "no_better" if mine <= theirs * (1 + _SAME) else "not_worth_it"
    against = say(f"revenue.rival.{names[rival]}")
    said = say("revenue.verdict.figures", first=say(f"revenue.verdict.{key}", rival=against),
               mine=f"{mine:.3g}{unit}", theirs=f"{theirs:.3g}{unit}", rival=against,
               count=count)  # fmt: skip
    return said + _budget_verdict(detail)


def _budget_verdict(detail: pd.DataFrame) -> Text:
    """One step ahead against the office's own budgets, both on the periods that have one."""
    keys = ["unique_id", "period"]
    budgets = detail[detail["method"] == "budget"].set_index(keys)
    if budgets.empty:
        return Text("", "")
    own = detail[(detail["method"] == OWN) & (detail["horizon"] == 1)].set_index(keys)
    own = own.loc[budgets.index]
    actual = own["actual"].to_numpy()
    size, unit = np.abs(actual), " %"
    if not size.any():
        size, unit = np.full(len(actual), 100.0), ""
    used = size > 0
    mine, theirs = (
        float(np.mean(100 * np.abs(rows["mean"].to_numpy() - actual)[used] / size[used]))
        for rows in (own, budgets)
    )
    return say("revenue.verdict.budgets", mine=f"{mine:.3g}{unit}", theirs=f"{theirs:.3g}{unit}",
               count=int(used.sum()))  # fmt: skip
