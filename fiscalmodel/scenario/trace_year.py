"""Where the figures of the year under way come from: months, budgets, what a model said."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fiscalmodel.errors import InputError
from fiscalmodel.scenario.graph import figure_name
from fiscalmodel.scenario.part_year import REST, WHOLE
from fiscalmodel.scenario.trace import Rules, Tracer
from fiscalmodel.scenario.trace_budget import amount_cells
from fiscalmodel.words import say

_BANDS = ("lo-80", "hi-80", "lo-95", "hi-95")
SPENDING: Rules = {
    "budget": "same of=@budget",
    "to_date": ("same of=@month", "terms"),
    "done_pct": "share part=to_date whole=budget",
    "even_pct": "same of=@even",
    "gap_points": "gap first=done_pct second=even_pct",
    **dict.fromkeys(("usual_pct", "mean", *_BANDS), "model"),
    "unspent": "gap first=budget second=mean",
}
NOWCAST: Rules = {
    "to_date": ("same of=@month", "terms"),
    **dict.fromkeys(("mean", "rest_of_year", "alone", *_BANDS), "model"),
}


def trace_year(t: Tracer) -> None:
    """Revenue and expenditure of the year under way."""
    spec = t.outcome.scenario.spec
    if t.outcome.nowcast is not None and spec.revenue is not None:
        _nowcast(t, t.outcome.nowcast, spec.revenue.nowcast)
    if t.outcome.spending is not None and spec.expenditure is not None:
        _spending(t, t.outcome.spending, spec.expenditure)


def _month(t: Tracer, part: str, spec: Any, item: str, at: Any, value: float) -> str | None:
    """The cell of an item's month; None of what is left between items and the whole."""
    named = spec.items.get(item, None if item == REST else spec.series)
    if named is None:
        return None
    key = f"{part}.items.{item}" if item in spec.items else f"{part}.series"
    try:
        series = t.read(key, named)
    except InputError:
        return None
    return t.cell(series, at, value) if series.values.get(at) == value else None


def _spending(t: Tracer, found: Any, spec: Any) -> None:
    part, of = "expenditure.progress", spec.progress

    def budget(row: Mapping[str, Any], _: str) -> str:
        name, value = row["item"], float(row["budget"])
        if name in of.items_budget_wan:
            return t.given(f"{part}.items_budget_wan.{name}", value)
        if of.budget_wan is None and spec.amount_wan is not None:
            year = found.found[name].year
            cells = amount_cells(t, "expenditure.amount_wan", spec.amount_wan, year)
            return t.graph.sum(f"{part}.budget", cells, figure=False)
        return t.given(f"{part}.budget_wan", value)

    def month(row: Mapping[str, Any], _: str) -> str | None:
        name = row["item"] if row["item"] in (*of.items, REST) else WHOLE
        return _month(t, part, of, name, found.found[row["item"]].as_of, row["to_date"])

    def even(row: Mapping[str, Any], _: str) -> str:
        return t.graph.count("even_pct", row["even_pct"], say("scenario.even_pct"))

    t.table(
        "spending", found.table, SPENDING, "item", budget=budget, month=month, even=even,
        terms=lambda *_: {},
        model=lambda row, _: {"given": {"month": figure_name("spending", "to_date", row["item"])}},
    )  # fmt: skip


def _nowcast(t: Tracer, found: Any, spec: Any) -> None:
    part, g = "revenue.nowcast", t.graph
    whole = getattr(found, "total", found)
    items = {**getattr(found, "items", {}), WHOLE: whole}
    rows = [
        {"item": name, "to_date": one.to_date, "rest_of_year": float(one.rest_of_year["mean"]),
         **one.full_year.to_dict()}
        for name, one in items.items()
    ]  # fmt: skip

    def month(row: Mapping[str, Any], _: str) -> str | None:
        return _month(t, part, spec, row["item"], whole.as_of, row["to_date"])

    t.table(
        "nowcast", rows, NOWCAST, "item", month=month, terms=lambda *_: {},
        model=lambda row, _: {"given": {"month": figure_name("nowcast", "to_date", row["item"])}},
    )  # fmt: skip
    table = found.table.rename(columns={"what": "item"})
    for row in table.to_dict("records"):  # as it is shown: rows of one, further items
        for column, value in row.items():
            name = figure_name("nowcast", str(column), row["item"])
            if column != "item" and value == value and name not in g:
                g.leaf(name, value, "model", figure=True)
    mean = figure_name("nowcast", "mean", WHOLE)
    if whole.last_year is not None and whole.last_year > 0:
        before = g.leaf("nowcast.last_year", whole.last_year, "cell", figure=True)
        g.step("nowcast.growth_pct", "growth", "%", level=mean, before=before, figure=True)
    if whole.budget is not None:
        plan = t.given(f"{part}.budget_wan", whole.budget)
        away = g.step("nowcast.distance_wan", "gap", first=mean, second=plan, figure=True)
        g.step("nowcast.distance_pct", "share", "%", part=away, whole=plan, figure=True)
