"""Charts of an outcome, and of several side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from fiscalmodel.words import Text, say

if TYPE_CHECKING:
    from fiscalmodel.display import Chart


def revenue(outcome: Any, lang: str | None = None) -> Chart:
    """History as published and linked, baseline, scenario, bands and target."""
    from fiscalmodel.display import (
        BLUE,
        GREEN,
        GREY,
        ORANGE,
        RED,
        Chart,
        fan,
        figure,
        legend,
        scale,
    )

    frame = outcome.revenue
    assert frame is not None
    divisor, unit = scale("万元", float(frame[["linked_wan", "scenario_wan"]].max().max()))
    made, axis, lang = figure(say("scenario.chart_revenue"), lang, unit=unit)
    past, ahead = frame[frame["kind"] != "forecast"], frame[frame["kind"] == "forecast"]

    def line(rows: pd.DataFrame, column: str, name: str, **look: Any) -> None:
        axis.plot(rows["year"], rows[column] / divisor, label=say(f"scenario.{name}")(lang), **look)

    line(past, "linked_wan", "line_linked", color=BLUE, marker="o", markersize=5)
    if not past["published_wan"].equals(past["linked_wan"]):
        line(past, "published_wan", "line_published", color=GREY, linestyle=":", marker="x")
    estimates = past[past["kind"] == "estimate"]
    if len(estimates):
        line(estimates, "linked_wan", "line_estimate", color=BLUE, linestyle="none", marker="o",
             markersize=9, markerfacecolor="white", zorder=3)  # fmt: skip
    fan(axis, ahead["year"], ahead, divisor=divisor, color=RED, lang=lang)
    joined = pd.concat([past.tail(1).assign(scenario_wan=past["linked_wan"]), ahead])
    line(joined, "scenario_wan", "line_scenario", color=RED, marker="o", markersize=4)
    if not (ahead["baseline_wan"] - ahead["scenario_wan"]).abs().lt(1e-6).all():
        line(ahead, "baseline_wan", "line_baseline", color=GREEN, linestyle="--")
    if outcome.target is not None:
        goal = pd.DataFrame(
            {"year": [outcome.target.target_year], "value": [outcome.target.target_value]}
        )
        line(goal, "value", "line_target", color=ORANGE, linestyle="none", marker="*",
             markersize=13, zorder=4)  # fmt: skip
    _years(axis, frame["year"])
    axis.set_ylim(bottom=0)
    legend(axis)
    return Chart(made, outcome.answers[0](lang))


def steps(outcome: Any, lang: str | None = None) -> Chart:
    """Baseline to scenario, step by step, in the year that the outcome looks at."""
    from fiscalmodel.display import Chart, figure, scale, waterfall

    rows = outcome.steps(lang=lang)
    assert rows is not None
    divisor, unit = scale("万元", float(rows["amount_wan"].abs().max()))
    title = say("scenario.chart_steps", year=outcome.focus)
    made, axis, lang = figure(title, lang, unit=unit)
    whole = rows["adjustment"].isin(["baseline", "scenario"])
    waterfall(axis, rows["step"].tolist(), rows["amount_wan"] / divisor, whole)
    return Chart(made, title(lang))


def balance(outcome: Any, lang: str | None = None) -> Chart:
    """What is left for clearance by year; without it, revenue beside expenditure."""
    from fiscalmodel.display import BLUE, ORANGE, Chart, bars, figure, legend, scale

    if outcome.resources is not None:
        chart: Chart = outcome.resources.plot(lang)
        return chart
    assert outcome.balance is not None
    table = outcome.balance.set_index("year")[["revenue_wan", "expenditure_wan"]]
    divisor, unit = scale("万元", float(table.max().max()))
    title = say("scenario.chart_balance")
    made, axis, lang = figure(title, lang, unit=unit, size=(8.6, 3.2))
    names = {f"{n}_wan": say(f"scenario.bar_{n}") for n in ("revenue", "expenditure")}
    bars(axis, table / divisor, names=names, colors=(BLUE, ORANGE), lang=lang)
    legend(axis)
    return Chart(made, title(lang))


def debt(outcome: Any, lang: str | None = None) -> Chart:
    """Hidden and statutory debt at the end of each year, stacked."""
    from fiscalmodel.display import BLUE, GREY, RED, Chart, figure, legend, scale, stack

    assert outcome.debt is not None
    table = year_ends(outcome.debt)
    parts = {"hidden_wan": RED, "statutory_wan": BLUE, "by_contract_wan": GREY}
    table = table[[name for name in parts if name in table]]
    divisor, unit = scale("万元", float(table.sum(axis=1).max()))
    title = say("scenario.chart_debt")
    made, axis, lang = figure(title, lang, unit=unit)
    names = {name: say(f"scenario.bar_{name[:-4]}") for name in parts}
    stack(axis, table / divisor, names=names, colors=parts, lang=lang)
    legend(axis)
    return Chart(made, title(lang))


#: Name -> chart of one outcome.
OF_OUTCOME = {"revenue": revenue, "steps": steps, "balance": balance, "debt": debt}


def compared_revenue(outcomes: Mapping[str, Any], place: Text, lang: str | None = None) -> Chart:
    """Revenue of several scenarios in one chart, with the history of the first."""
    from fiscalmodel.display import GREY, PALETTE, Chart, figure, legend, lines, scale

    frames = {name: made.revenue for name, made in outcomes.items() if made.revenue is not None}
    first = next(iter(frames.values())).set_index("year")
    past = first.loc[first["kind"] != "forecast", "linked_wan"]
    wide = pd.DataFrame({say("scenario.line_history")(lang): past})
    for name, frame in frames.items():
        ahead = frame[frame["kind"] == "forecast"].set_index("year")["scenario_wan"]
        wide = wide.join(pd.concat([past.tail(1), ahead]).rename(name), how="outer")
    divisor, unit = scale("万元", float(wide.max().max()))
    title = _at(place, say("scenario.chart_compare_revenue"))
    made, axis, lang = figure(title, lang, unit=unit)
    lines(axis, wide / divisor, colors=(GREY, *PALETTE), lang=lang)
    axis.set_ylim(bottom=0)
    legend(axis)
    return Chart(made, title(lang))


def compared_debt(
    balances: Mapping[str, pd.DataFrame], place: Text, lang: str | None = None
) -> Chart:
    """Hidden debt of several scenarios or plans, side by side."""
    from fiscalmodel.display import PALETTE, Chart, bars, figure, legend, scale

    wide = pd.DataFrame({name: year_ends(frame)["hidden_wan"] for name, frame in balances.items()})
    divisor, unit = scale("万元", float(wide.max().max()))
    title = _at(place, say("scenario.chart_compare_debt"))
    made, axis, lang = figure(title, lang, unit=unit)
    bars(axis, wide / divisor, colors=PALETTE, lang=lang)
    legend(axis)
    return Chart(made, title(lang))


def year_ends(balances: pd.DataFrame) -> pd.DataFrame:
    """The last balances of each year, whatever the periods they are known by."""
    years = balances["period"].astype(str).str[:4].astype(int).rename("year")
    return balances.groupby(years).last()


def _at(place: Text, title: Text) -> Text:
    return place + " · " + title if place else title


def _years(axis: Any, years: Sequence[int] | pd.Series[int]) -> None:
    from fiscalmodel.display import ticks

    known = sorted(set(map(int, years)))
    ticks(axis, known, at=known)
