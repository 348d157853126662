"""The revenue part of a scenario: linked history, baseline, adjustments, bands, target, items."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from fiscalmodel.errors import Collector, InputError
from fiscalmodel.revenue.adjust import Adjustment, apply_adjustments
from fiscalmodel.revenue.engine import FUND, REVENUE, kind_of
from fiscalmodel.revenue.forecast import Forecast, forecast
from fiscalmodel.revenue.items import (
    Item,
    Measure,
    forecast_items,
    reconcile_items,
)
from fiscalmodel.revenue.result import span
from fiscalmodel.revenue.targets import TargetAssessment, assess_target, growth_needed_pct
from fiscalmodel.scenario.load import Scenario
from fiscalmodel.scenario.schema import ItemSpec, RevenueSpec
from fiscalmodel.series import catalog
from fiscalmodel.series.calibre import CalibreLink, link_calibre
from fiscalmodel.series.types import Series
from fiscalmodel.units import amount_text
from fiscalmodel.words import EMPTY, Text, say

BANDS = ("lo-80", "hi-80", "lo-95", "hi-95")
#: The items must add up to the last figure of the total but for rounding: this share of it.
ROUNDING = 0.001
#: Growth of every base below this, in percent, is likely a ratio.
_RATIO_PCT = 1.0


@dataclass(frozen=True)
class RevenuePart:
    """What `revenue_part` found; see `Outcome` for the frames."""

    frame: pd.DataFrame
    waterfall: pd.DataFrame
    forecast: Forecast
    link: CalibreLink | None
    target: TargetAssessment | None
    notes: tuple[Text, ...]
    answer: Text
    items: pd.DataFrame | None = None


def revenue_part(scenario: Scenario, spec: RevenueSpec) -> RevenuePart:
    """Forecast the scenario's revenue series and apply its adjustments.

    Notes
    -----
    The history is linked to the newest calibre where like-for-like growth is
    published. Items, where the scenario gives them, are reconciled with the forecast
    of the total, which then is the baseline. The scenario's bands are the baseline's,
    scaled by scenario over baseline: an adjustment moves the level and is itself taken
    as certain.
    """
    series, published, kinds, growth, notes = _history(scenario, spec)
    link, linked = _linked(spec, published[kinds.eq("actual")], growth, notes)
    known = linked
    if spec.use_estimates:
        estimates = published[kinds.eq("estimate")]
        known = pd.concat([linked, estimates]).sort_index()
        if len(estimates):
            years = [str(p) for p in estimates.index]
            notes.insert(0, say("revenue.note.estimate_last", years=years))
    first, last = scenario.spec.years.first, scenario.spec.years.last
    newest = int(known.index[-1].year)
    if newest >= last:
        raise InputError("years.last", "revenue.years_last", last=last, newest=newest)
    if first <= newest:
        raise InputError(
            "years.first", "revenue.years_first", first=first, newest=newest, wanted=newest + 1
        )
    if first > newest + 1:
        notes.append(
            say("revenue.note.years_between", newest=newest, first=newest + 1, last=first - 1)
        )
    # A scenario's revenue is general public budget revenue unless its series says otherwise.
    moved_by = None
    if spec.drivers is not None:
        moved_by = scenario.series("revenue.drivers", spec.drivers)
    kind = kind_of(series).name or REVENUE.name
    made = forecast(known, last - newest, kind=kind, drivers=moved_by)
    made = replace(made, unit=series.unit)
    if made.kind == FUND.name:
        raise InputError("revenue.series", "revenue.is_fund", name=spec.series)
    items = None
    if spec.items:
        items, totals, said = items_part(
            _with_last(scenario, spec.items, newest), made, newest, float(known.iloc[-1])
        )
        made = _moved(made, totals)
        notes += said
    table = made.table.set_axis([newest + 1 + i for i in range(last - newest)])
    table = table.loc[[y for y in table.index if y >= first]]
    if not len(table):
        raise InputError("years.first", "revenue.years_none", first=first, newest=newest)
    baseline = table["mean"].astype(float)
    # The level before the first year: known, or itself a forecast.
    gap = first - newest - 1
    last_level = float(known.iloc[-1] if gap == 0 else made.table["mean"].iloc[gap - 1])
    adjusted = apply_adjustments(
        baseline,
        [
            Adjustment(c.name.zh, c.kind, c.by_year, c.source, c.lasting)
            for c in spec.adjustments.values()
        ],
        last_actual=last_level,
    )
    _refuse_below_nought(known, adjusted.path)
    frame = revenue_frame(published, kinds, linked, table, adjusted.path)
    target = _target(spec, made, frame, newest, link, notes)
    answer = _answer(frame, target, last)
    listed = None if items is None else items[items["year"] >= first]
    return RevenuePart(frame, adjusted.steps, made, link, target, tuple(notes), answer, listed)


def _history(
    scenario: Scenario, spec: RevenueSpec
) -> tuple[Series, pd.Series[float], pd.Series[str], Any, list[Text]]:
    series = scenario.series("revenue.series", spec.series)
    if not str(getattr(series.values.index, "freqstr", "")).startswith(("Y", "A")):
        raise InputError("revenue.series", "revenue.not_yearly", name=spec.series)
    values = series.values.dropna()
    end = scenario.spec.as_of.year
    values = values[[p.year <= end for p in values.index]]
    kinds = (
        series.kinds.reindex(values.index)
        if series.kinds is not None
        else pd.Series("actual", index=values.index)
    )
    kept = kinds.isin(["actual", "estimate"])
    values, kinds = values[kept], kinds[kept]
    if not kinds.eq("actual").any():
        raise InputError("revenue.series", "revenue.no_actual_up_to", name=spec.series, year=end)
    in_file = "revenue.series" in scenario.places
    growth = None if in_file else catalog.like_for_like_growth(str(spec.series))
    return (
        series,
        values,
        kinds,
        growth,
        [note for note in series.notes if "synthetic" not in note],
    )


def _linked(
    spec: RevenueSpec, actual: pd.Series[float], growth: Any, notes: list[Text]
) -> tuple[CalibreLink | None, pd.Series[float]]:
    if growth is None or not len(growth):
        return None, actual
    values = growth.values if hasattr(growth, "kinds") else growth
    link = link_calibre(actual, values.reindex(actual.index).dropna())
    if spec.like_for_like:
        return link, link.linked
    breaks = [str(p) for p in link.breaks.index]
    if breaks and not spec.allow_break:
        raise InputError("revenue.like_for_like", "revenue.published_breaks", years=breaks)
    if breaks:
        notes.append(say("revenue.note.across_breaks", years=breaks))
    return link, actual


def _target(
    spec: RevenueSpec,
    made: Forecast,
    frame: pd.DataFrame,
    newest: int,
    link: CalibreLink | None,
    notes: list[Text],
) -> TargetAssessment | None:
    if spec.target is None:
        return None
    ahead = frame[frame["kind"] == "forecast"].set_index("year")
    past = frame[frame["kind"] != "forecast"]
    last_value = float(past["linked_wan"].iloc[-1])
    year = spec.target.year
    if year not in ahead.index or last_value <= 0:
        notes.append(say("revenue.note.target_not_assessed", year=year))
        return None
    return assess_target(
        made,
        last_year=newest,
        last_value=last_value,
        target_year=year,
        target_value=spec.target.value_wan,
        expected=float(ahead["scenario_wan"].loc[year]),
        source=spec.target.source,
        outturn=_outturn(link),
    )


def _outturn(link: CalibreLink | None) -> tuple[int, float] | None:
    """Year and like-for-like level of the newest outturn."""
    if link is None:
        return None
    return int(str(link.linked.index[-1])[:4]), float(link.linked.iloc[-1])


def _answer(frame: pd.DataFrame, target: TargetAssessment | None, last: int) -> Text:
    """The year's value, its band, and the mean growth from the newest figure."""
    past = frame[frame["kind"] != "forecast"]
    ahead = frame[frame["kind"] == "forecast"].set_index("year")
    row = ahead.loc[last].drop("kind")
    at: dict[Any, Any] = row.astype(float).to_dict()
    base, newest = float(past["linked_wan"].iloc[-1]), int(past["year"].iloc[-1])
    end, band, growth = at["scenario_wan"], EMPTY, EMPTY
    if "lo-80" in at and "hi-80" in at:
        low, high = at["lo-80"], at["hi-80"]
        wide = say("revenue.answer_too_wide") if high - low > end else EMPTY
        limits = span(low, high, "万元", end)
        band = say("revenue.answer_band", span=limits, wide=wide)
    if base > 0 < end:
        pct = growth_needed_pct(base, end, last - newest)
        key = "growth" if pct >= 0 else "fall"
        growth = say(f"revenue.answer_{key}", year=newest, pct=pct, fall=-pct)
    said = say("revenue.answer_revenue", year=last, mean=amount_text(end, "万元"), band=band,
               growth=growth)  # fmt: skip
    return said if target is None else said + Text("", " ") + target.answer


# ---------------------------------------------------------------- the frame


def revenue_frame(
    published: pd.Series[float],
    kinds: pd.Series[str],
    linked: pd.Series[float],
    table: pd.DataFrame,
    path: pd.Series[float],
) -> pd.DataFrame:
    """Past and coming years, see `Outcome.revenue`; bands move with the scenario."""
    past = pd.DataFrame(
        {
            "year": [int(p.year) for p in published.index],
            "kind": kinds.tolist(),
            "published_wan": published.tolist(),
            "linked_wan": linked.reindex(published.index).fillna(published).tolist(),
        }
    )
    ahead = pd.DataFrame(
        {
            "year": [int(y) for y in table.index],
            "kind": "forecast",
            "baseline_wan": table["mean"].astype(float).tolist(),
            "scenario_wan": path.tolist(),
        }
    )
    mean = table["mean"].to_numpy(dtype=float)
    for band in (b for b in BANDS if b in table):
        ahead[band] = _carried(table[band].to_numpy(dtype=float), mean, path.to_numpy(dtype=float))
    frame = pd.concat([past, ahead], ignore_index=True)
    level = frame["scenario_wan"].fillna(frame["linked_wan"])
    step = frame["year"].diff()
    frame["growth_pct"] = (level / level.shift() - 1).where(step == 1) * 100
    columns = ["year", "kind", "published_wan", "linked_wan", "baseline_wan", "scenario_wan"]
    return frame[[*columns, "growth_pct", *[b for b in BANDS if b in frame]]]


def _moved(made: Forecast, means: Any) -> Forecast:
    """The forecast with means reconciled with the items, its bands in proportion."""
    table = made.table.copy()
    old = table["mean"].to_numpy(dtype=float)
    for band in (b for b in BANDS if b in table):
        table[band] = _carried(table[band].to_numpy(dtype=float), old, means)
    table["mean"] = means
    return replace(made, table=table, notes=(*made.notes, say("revenue.note.reconciled")))


def _carried(edge: Any, old: Any, new: Any) -> Any:
    """A band's edge in proportion to the mean; moved by as much where one is not positive."""
    both = (old > 0) & (new > 0)
    return np.where(both, edge * new / np.where(both, old, 1.0), edge + new - old)


def _refuse_below_nought(known: pd.Series[float], path: pd.Series[float]) -> None:
    """Revenue that never was negative must not become so by an adjustment."""
    low = path[path < 0]
    if len(low) and known.min() >= 0:
        year, amount = int(low.index[0]), float(low.iloc[0])
        raise InputError("revenue.adjustments", "revenue.below_nought", year=year, amount=amount)


# ---------------------------------------------------------------- items


def items_part(
    specs: Mapping[str, ItemSpec], total: Forecast, newest: int, last_total: float
) -> tuple[pd.DataFrame, Any, tuple[Text, ...]]:
    """Carry the items forward and reconcile them with the forecast of the total.

    Parameters
    ----------
    specs
        The items of the scenario file.
    total
        The `Forecast` of the total, from the year after `newest`.
    newest, last_total
        Year and amount of the last known total, 万元.

    Returns
    -------
    frame
        ``year, item, item_en, last_year_wan, one_offs_out_wan, base_growth_wan, measures_wan,
        one_offs_wan, forecast_wan, reconciled_wan``: the middle columns add up to
        ``forecast_wan``, and ``reconciled_wan`` of a year to the total.
    totals
        The reconciled total of each year, 万元.
    notes
        How far the two were apart, and what was done.

    Raises
    ------
    InputError
        Items without a figure for `newest`, items that do not add up to the total, or what
        `forecast_items` refuses: all at once where they can be told apart.
    """
    years = [newest + 1 + step for step in range(len(total.table))]
    items = [_item(key, spec, newest, years) for key, spec in specs.items()]
    found = sum(item.last_year for item in items)
    if abs(found - last_total) > ROUNDING * abs(last_total):
        raise InputError(
            "revenue.items", "revenue.items_off", newest=newest, found=found, total=last_total
        )
    made = forecast_items(items, years)
    agreed = reconcile_items(made, total)
    english = {spec.name.zh: spec.name.en for spec in specs.values()}
    frame = made.steps.rename(
        columns={
            **{name: f"{name}_wan" for name in made.steps.columns if name not in ("year", "item")},
            "value": "forecast_wan",
        }
    )
    frame.insert(2, "item_en", [english[name] for name in frame["item"]])
    frame["reconciled_wan"] = [
        float(agreed[year].items[name])
        for year, name in zip(frame["year"], frame["item"], strict=True)
    ]
    totals = np.array([agreed[year].total for year in years])
    last = [made.table["total"].iloc[-1], total.table["mean"].iloc[-1], totals[-1]]
    said = dict(zip(("items", "model", "agreed"), (f"{v / 1e4:.2f}" for v in last), strict=True))
    notes = [say("revenue.note.items_reconciled", year=years[-1], **said)]
    growths = [abs(g) for item in items for g in item.base_growth_pct.values()]
    if 0 < max(growths) < _RATIO_PCT:
        notes.append(say("revenue.note.small_growths"))
    return frame, totals, tuple(notes)


def _with_last(
    scenario: Scenario, specs: Mapping[str, ItemSpec], newest: int
) -> dict[str, ItemSpec]:
    """The items with their last amounts, looked up where a series is named."""
    problems = Collector()
    found: dict[str, ItemSpec] = {}
    for key, spec in specs.items():
        if spec.series is None:
            found[key] = spec
            continue
        where = f"revenue.items.{key}.series"
        try:
            values = scenario.series(where, spec.series).values.dropna()
        except InputError as error:
            for problem in error.problems:
                problems.add(where, problem.said, problem.advice)
            continue
        years = pd.PeriodIndex(values.index).year.tolist()
        at = dict(zip(years, values.tolist(), strict=True))
        if not str(getattr(values.index, "freqstr", "")).startswith(("Y", "A")):
            problems.add(where, "revenue.not_yearly", name=spec.series)
        elif newest not in at:
            problems.add(where, "revenue.no_figure_for", name=spec.series, year=newest)
        else:
            found[key] = spec.model_copy(update={"last_wan": at[newest]})
    problems.raise_if_any()
    return found


def _item(key: str, spec: ItemSpec, newest: int, years: list[int]) -> Item:
    growth = spec.base_growth_pct
    by_year = growth if isinstance(growth, dict) else dict.fromkeys(years, growth)
    assert spec.last_wan is not None
    return Item(
        spec.name.zh,
        spec.last_wan,
        spec.elasticity,
        by_year,
        spec.source,
        spec.one_offs_last_wan,
        spec.one_offs_wan,
        [
            Measure(m.name.zh, m.full_year_wan, m.start, m.source, m.end)
            for m in spec.measures.values()
        ],
        spec.base_growth_error_pct,
        spec.elasticity_error,
    )
