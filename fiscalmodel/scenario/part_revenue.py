"""The revenue part of a scenario: linked history, baseline, adjustments, bands, target."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from fiscalmodel.errors import InputError
from fiscalmodel.revenue.adjust import Adjustment, apply_adjustments
from fiscalmodel.revenue.kinds import FUND, REVENUE, kind_of
from fiscalmodel.revenue.targets import growth_needed_pct
from fiscalmodel.scenario.load import Scenario
from fiscalmodel.scenario.outcome import Said
from fiscalmodel.scenario.part_items import items_part
from fiscalmodel.scenario.revenue_frame import moved, refuse_below_nought, revenue_frame
from fiscalmodel.scenario.schema import RevenueSpec
from fiscalmodel.series.types import Series

#: What the forecast's own list of candidates does not show.
RECONCILED = "reconciled with revenue by item: mean and bands are moved, candidates are not"


@dataclass(frozen=True)
class RevenuePart:
    """What `revenue_part` found; see `Outcome` for the frames."""

    frame: pd.DataFrame
    waterfall: pd.DataFrame
    forecast: Any
    link: Any
    target: Any
    notes: tuple[Said, ...]
    answer: Said
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
    from fiscalmodel.revenue.forecast import forecast

    series, published, kinds, growth, notes = _history(scenario, spec)
    link, linked = _linked(spec, published[kinds.eq("actual")], growth, notes)
    known = linked
    if spec.use_estimates:
        estimates = published[kinds.eq("estimate")]
        known = pd.concat([linked, estimates]).sort_index()
        if len(estimates):
            years = "、".join(str(p) for p in estimates.index)
            notes.insert(
                0,
                Said(
                    f"公布的历史数据止于{years}年预计数；它只作为预测起点，不是决算数，"
                    "以后年度的决算数可逐年补充。",
                    f"The published history ends with the {years} estimate 预计; it is only the "
                    "last point, no outturn. Later outturns can be added, one row a year.",
                ),
            )
    first, last = scenario.spec.years.first, scenario.spec.years.last
    newest = int(known.index[-1].year)
    if newest >= last:
        raise InputError(
            "years.last", f"{last} is not after the newest figure, {newest}", "move years.last"
        )
    if first <= newest:
        raise InputError(
            "years.first",
            f"{first} has a figure already (the newest is {newest})",
            f"start at {newest + 1}, or set as_of before {first}",
        )
    if first > newest + 1:
        notes.append(
            Said(
                f"数据止于{newest}年，{newest + 1}–{first - 1}年也由模型推算。",
                f"The data end in {newest}; {newest + 1} to {first - 1} are forecasts too.",
            )
        )
    # A scenario's revenue is general public budget revenue unless its series says otherwise.
    made = forecast(known, last - newest, kind=kind_of(series).name or REVENUE.name)
    made = replace(made, unit=series.unit)
    if made.kind == FUND.name:
        raise InputError(
            "revenue.series",
            f"{spec.series} is fund revenue 政府性基金收入, not general public budget revenue",
            "forecast it in a notebook with fm.forecast(series, years), and name the other here",
        )
    items = None
    if spec.items:
        items = items_part(spec.items, made, newest, float(known.iloc[-1]))
        made = moved(made, items.total.to_numpy(dtype=float))
        made = replace(made, notes=(*made.notes, RECONCILED))
        notes.append(items.note)
    table = made.table.set_axis([newest + 1 + i for i in range(last - newest)])
    table = table.loc[[y for y in table.index if y >= first]]
    if not len(table):
        raise InputError(
            "years.first", f"{first} leaves no year to forecast", f"newest is {newest}"
        )
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
    refuse_below_nought(known, adjusted.path)
    frame = revenue_frame(published, kinds, linked, table, adjusted.path)
    target = _target(spec, made, frame, newest, notes)
    answer = _answer(frame, target, last)
    listed = None if items is None else items.frame[items.frame["year"] >= first]
    return RevenuePart(frame, adjusted.steps, made, link, target, tuple(notes), answer, listed)


def _history(
    scenario: Scenario, spec: RevenueSpec
) -> tuple[Series, pd.Series[float], pd.Series[str], Any, list[Said]]:
    from fiscalmodel.series import catalog

    file = scenario.files.get("revenue.series")
    series = catalog.load_series(str(file) if file else spec.series)
    if not str(getattr(series.values.index, "freqstr", "")).startswith(("Y", "A")):
        raise InputError("revenue.series", f"{spec.series} is not yearly", "name a yearly series")
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
        raise InputError("revenue.series", f"{spec.series} has no actual value up to {end}")
    growth = None if file else catalog.like_for_like_growth(spec.series)
    return (
        series,
        values,
        kinds,
        growth,
        [Said(note("zh"), note("en")) for note in series.notes if "synthetic" not in note],
    )


def _linked(
    spec: RevenueSpec, actual: pd.Series[float], growth: Any, notes: list[Said]
) -> tuple[Any, pd.Series[float]]:
    if growth is None or not len(growth):
        return None, actual
    from fiscalmodel.series.calibre import link_calibre

    values = growth.values if hasattr(growth, "kinds") else growth
    link = link_calibre(actual, values.reindex(actual.index).dropna())
    if spec.like_for_like:
        return link, link.linked
    breaks = [str(p) for p in link.breaks.index]
    if breaks and not spec.allow_break:
        raise InputError(
            "revenue.like_for_like",
            f"the published series has calibre breaks in {', '.join(breaks)}",
            "set like_for_like: true, or allow_break: true to fit across them all the same",
        )
    if breaks:
        years = "、".join(breaks)
        notes.append(
            Said(
                f"警告：预测跨越了口径变化（{years}），结果仅供参考。",
                f"Warning: fitted across calibre breaks 口径变化 ({years}); take with care.",
            )
        )
    return link, actual


def _target(
    spec: RevenueSpec, made: Any, frame: pd.DataFrame, newest: int, notes: list[Said]
) -> Any:
    if spec.target is None:
        return None
    from fiscalmodel.revenue.targets import assess_target

    ahead = frame[frame["kind"] == "forecast"].set_index("year")
    past = frame[frame["kind"] != "forecast"]
    last_value = float(past["linked_wan"].iloc[-1])
    year = spec.target.year
    if year not in ahead.index or last_value <= 0:
        notes.append(
            Said(
                f"{year}年目标未核对：该年不在情景年份内，或最近一年收入不是正数。",
                f"The target of {year} is not assessed: the year lies outside the scenario, or "
                "revenue of the newest year is not positive.",
            )
        )
        return None
    return assess_target(
        made,
        last_year=newest,
        last_value=last_value,
        target_year=year,
        target_value=spec.target.value_wan,
        expected=float(ahead["scenario_wan"].loc[year]),
        source=spec.target.source,
    )


def _answer(frame: pd.DataFrame, target: Any, last: int) -> Said:
    """The year's value, its band, and the mean growth from the newest figure."""
    past = frame[frame["kind"] != "forecast"]
    ahead = frame[frame["kind"] == "forecast"].set_index("year")
    row = ahead.loc[[last]].drop(columns="kind")
    at = dict(zip(map(str, row.columns), row.to_numpy(dtype=float)[0].tolist(), strict=True))
    base, newest = float(past["linked_wan"].iloc[-1]), int(past["year"].iloc[-1])
    end = at["scenario_wan"]
    zh = f"{last}年一般公共预算收入预计 {end / 1e4:.2f} 亿元"
    en = (
        f"General public budget revenue 一般公共预算收入 of {end / 1e4:.2f} 亿元 expected in {last}"
    )
    low, high = at.get("lo-80"), at.get("hi-80")
    if low is not None and high is not None:
        zh += f"（80%区间 {low / 1e4:.2f}–{high / 1e4:.2f} 亿元"
        en += f" (80 % band {low / 1e4:.2f} to {high / 1e4:.2f}"
        if high - low > end:
            zh += "，区间过宽，仅供参考"
            en += ", too wide to plan on"
        zh, en = zh + "）", en + ")"
    if base > 0 < end:
        growth = growth_needed_pct(base, end, last - newest)
        word = "增长" if growth >= 0 else "下降"
        zh += f"，自{newest}年起年均{word} {abs(growth):.2f}%"
        en += f", {growth:+.2f} % a year from {newest}"
    zh, en = zh + "。", en + "."
    if target is not None:
        zh, en = zh + target.sentence("zh"), f"{en} {target.sentence('en')}"
    return Said(zh, en)
