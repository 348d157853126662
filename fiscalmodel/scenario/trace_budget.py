"""Where the figures of revenue and budget come from: the rules of their tables."""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Mapping
from typing import Any

from fiscalmodel import policy
from fiscalmodel.revenue.adjust import ORDER
from fiscalmodel.revenue.forecast import forecast
from fiscalmodel.scenario.graph import figure_name
from fiscalmodel.scenario.part_balance import COLUMNS
from fiscalmodel.scenario.part_revenue import BANDS
from fiscalmodel.scenario.trace import Rules, Tracer
from fiscalmodel.series import catalog
from fiscalmodel.series.types import Series
from fiscalmodel.words import Text, say

REVENUE: Rules = {
    "published_wan": "same of=@cell",
    "linked_wan": ("linked published=published_wan factor=@factor", "same of=published_wan"),
    "baseline_wan": "model",
    "scenario_wan": ("scenario baseline=baseline_wan steps=@steps", "same of=baseline_wan"),
    **dict.fromkeys(BANDS, (
        "carried edge=@edge level=scenario_wan baseline=baseline_wan",
        "moved edge=@edge level=scenario_wan baseline=baseline_wan",
    )),
    "growth_pct": (
        "growth level=scenario_wan before=<scenario_wan",
        "growth level=scenario_wan before=<linked_wan",
        "growth level=linked_wan before=<linked_wan",
    ),
}  # fmt: skip
ITEMS: Rules = {
    "last_year_wan": "same of=@last",
    "one_offs_out_wan": "taken_out amount=@out",
    "base_growth_wan": "base_growth last=last_year_wan out=one_offs_out_wan "
    "elasticity=@elasticity growth=@growth",
    "measures_wan": ("same of=@unmeasured", "measures amounts=@amounts now=@now before=@before"),
    "one_offs_wan": "same of=@once",
    "forecast_wan": "item last=last_year_wan out=one_offs_out_wan base_growth=base_growth_wan "
    "measures=measures_wan one_offs=one_offs_wan",
    "reconciled_wan": "model",
}
_SIDES = (
    "revenue=revenue_wan transfers=transfers_wan? other=other_resources_wan? "
    "sanbao=sanbao_need_wan? service=statutory_debt_service_wan? "
    "commitments=other_commitments_wan?"
)
BALANCE: Rules = {
    "revenue_wan": "same of=revenue.scenario_wan",
    "expenditure_wan": ("sum parts=@stated", "expenditure base=@base growth=@rates"),
    "self_sufficiency_pct": "self_sufficiency revenue=revenue_wan expenditure=expenditure_wan",
    "livelihood_floor_wan": "floor expenditure=expenditure_wan share=@floor",
    **dict.fromkeys(COLUMNS, "sum parts=@amounts"),
    # What the budget spends elsewhere is committed too, as far as there is money for it.
    "other_commitments_wan": (
        "sum parts=@amounts",
        "net_sum plus=expenditure_wan minus=sanbao_need_wan?+statutory_debt_service_wan?",
        "net_sum plus=revenue_wan+transfers_wan?+other_resources_wan? "
        "minus=sanbao_need_wan?+statutory_debt_service_wan?",
    ),
    "available_wan": f"available {_SIDES}",
    "shortfall_wan": f"shortfall {_SIDES}",
}
CLOSED: Rules = {
    "money_wan": "sum parts=balance.revenue_wan+balance.transfers_wan?"
    "+balance.other_resources_wan?",
    "needs_wan": "sum parts=balance.sanbao_need_wan?+balance.statutory_debt_service_wan?"
    "+balance.other_commitments_wan?",
    "brought_wan": "same of=<taken_on_wan?",
    "clearance_wan": "same of=@used_wan",
    "taken_on_wan": "same of=@kept_wan",
    "free_wan": "free money=money_wan needs=needs_wan brought=brought_wan paid=clearance_wan "
    "kept=taken_on_wan",
    "missing_wan": "lacking money=money_wan needs=needs_wan",
}


def trace_budget(t: Tracer) -> None:
    """Revenue, steps, items and balance."""
    if t.outcome.revenue is not None:
        _revenue(t)
        _target(t)
    if t.outcome.items is not None:
        _items(t)
    if t.outcome.balance is not None:
        _balance(t)


def trace_closed(t: Tracer) -> None:
    """What there is, what ranks first, what clearance takes, what is left."""
    spec, plan = t.outcome.scenario.spec.debt, t.outcome.plan
    source = spec.general_budget_source if spec and plan is not None else None

    def of_source(column: str) -> Any:
        def node(row: Mapping[str, Any], _: str) -> str:
            name = figure_name("by_source", column, f"{source}/{row['year']}")
            return name if name in t.graph else t.graph.none()

        return node

    if t.outcome.closed is not None:
        totals = ("clearance_wan", "free_wan", "missing_wan")
        t.table("closed", t.outcome.closed.table, CLOSED, "year", totals=totals,
                used_wan=of_source("used_wan"), kept_wan=of_source("kept_wan"))  # fmt: skip


def _name(column: str, year: object) -> str:
    return figure_name("revenue", column, year)


# ---- revenue ----


def _revenue(t: Tracer) -> None:
    """History with its breaks of calibre, the model's baseline, the scenario's steps, bands."""
    frame, made, spec = t.outcome.revenue, t.outcome.forecast, t.outcome.scenario.spec.revenue
    assert frame is not None and spec is not None  # noqa: PT018
    g, series = t.graph, t.read("revenue.series", spec.series)
    past, ahead = (frame[frame["kind"].eq("forecast").eq(later)] for later in (False, True))
    newest, first = int(past["year"].iloc[-1]), int(ahead["year"].iloc[0])
    linked = t.outcome.link is not None and spec.like_for_like
    breaks = _breaks(t, series) if linked else {}
    models = Text.joined(
        [
            say("scenario.model_weight", model=Text(row["title_zh"], row["title"]),
                weight=100 * float(row["weight"]))
            for row in made.models.to_dict("records") if row["weight"] > 0
        ], "、", ", ",
    )  # fmt: skip
    history = [y for y, v in zip(past["year"], past["linked_wan"], strict=True) if v == v]
    training = {"training": [_name("linked_wan", y) for y in history]}
    trained = say("scenario.trained", first=made.history.index[0], last=made.history.index[-1],
                  count=len(made.history)).zh  # fmt: skip
    about: dict[str, Any] = {"note": models + " " + Text.joined(made.notes, "", " "),
                             "where": trained, "given": training}  # fmt: skip

    def factor(row: Mapping[str, Any], _: str) -> str | None:
        later = [node for at, node in breaks.items() if at > row["year"]]
        if not later or row["kind"] != "actual":
            return None
        return g.step(f"calibre.factor[{row['year']}]", "factor", "", breaks=later)

    def edge(row: Mapping[str, Any], band: str) -> str:
        value = float(made.table[band].iloc[row["year"] - newest - 1])
        return g.leaf(f"forecast.{band}[{row['year']}]", value, "model", note=models,
                      given=training)  # fmt: skip

    steps: dict[int, list[str]] = {}

    def of_steps(row: Mapping[str, Any], _: str) -> list[str] | None:
        if not steps:
            # Between the newest figure and the scenario's first year only the model speaks.
            last = _name("linked_wan", newest)
            if first > newest + 1:
                value = float(made.table["mean"].iloc[first - newest - 2])
                last = g.leaf(_name("baseline_wan", first - 1), value, "model", note=models,
                              given=training)  # fmt: skip
            for year, value in zip(ahead["year"], ahead["baseline_wan"], strict=True):
                g.leaf(_name("baseline_wan", year), value, "model", figure=True, **about)
            steps.update(_steps(t, ahead["year"].tolist(), last))
        return steps.get(int(row["year"])) or None

    t.table(
        "revenue", frame, REVENUE, "year", model=lambda *_: about, factor=factor, edge=edge,
        steps=of_steps,
        cell=lambda row, c: t.cell(series, str(row["year"]), row[c]),
    )  # fmt: skip
    if t.outcome.waterfall is not None:
        for year in ahead["year"]:
            rows = t.outcome.waterfall[t.outcome.waterfall["year"] == year]
            for at, column in ((0, "baseline_wan"), (len(rows) - 1, "scenario_wan")):
                amount = float(rows["amount_wan"].iloc[at])
                g.figure(figure_name("waterfall", "amount_wan", f"{year}/{at}"), amount, "same",
                         of=_name(column, year))  # fmt: skip
    end = int(ahead["year"].iloc[-1])
    if g.value(_name("linked_wan", newest)) > 0 < g.value(_name("scenario_wan", end)):
        span = say("scenario.years_between", first=newest, last=end)
        g.step(_name("mean_growth_pct", end), "growth_needed", "%",
               say("scenario.mean_growth", first=newest, last=end), figure=True,
               target=_name("scenario_wan", end), now=_name("linked_wan", newest),
               years=g.count(f"years[{newest}-{end}]", end - newest, span))  # fmt: skip
    if made.coverage is not None:
        for n, row in enumerate(made.coverage.to_dict("records"), 1):
            key = f"{row['level']:g}/{n}"
            g.leaf(figure_name("forecast", "coverage_pct", key), row["coverage_pct"], "model", "%",
                   figure=True, label=say("scenario.coverage_of", level=row["level"]),
                   note=say("scenario.coverage_how"))  # fmt: skip


def _breaks(t: Tracer, series: Series) -> dict[int, str]:
    """First year of a new calibre -> restated level of the year before over the published."""
    spec, link = t.outcome.scenario.spec.revenue, t.outcome.link
    growth = catalog.like_for_like_growth(str(spec.series)) if spec else None
    if growth is None:
        return {}
    made: dict[int, str] = {}
    known = [int(str(p)[:4]) for p, v in link.levels.items() if v == v]
    for at, row in link.breaks.iterrows():
        year = int(str(at)[:4])
        before = max(y for y in known if y < year)
        level = float(link.levels[[str(p)[:4] == str(year) for p in link.levels.index]].iloc[0])
        rates = [t.cell(growth, str(y), float(growth.values[str(y)]))
                 for y in range(before + 1, year + 1)]  # fmt: skip
        made[year] = t.graph.step(
            f"calibre.break[{year}]", "break", "", growth=rates,
            level=t.cell(series, str(year), level),
            published=t.cell(series, str(before), float(row["published"])),
        )  # fmt: skip
    return made


def _steps(t: Tracer, years: list[int], last: str) -> dict[int, list[str]]:
    """Year -> nodes of the scenario's steps; the path after each step on the way."""
    spec, g, frame = t.outcome.scenario.spec.revenue, t.graph, t.outcome.waterfall
    assert spec is not None and frame is not None  # noqa: PT018
    path = {y: _name("baseline_wan", y) for y in years}
    amounts = {y: frame.loc[frame["year"] == y, "amount_wan"].tolist() for y in years}
    changes = [(k, c) for kind in ORDER for k, c in spec.adjustments.items() if c.kind == kind]
    made: dict[int, list[str]] = {y: [] for y in years}
    for n, (key, change) in enumerate(changes, 1):
        after: dict[int, str] = {}
        unit, spoken = (("pct", "%") if change.kind in ("growth", "shock")
                        else ("amount_wan", "万元"))  # fmt: skip
        longest = max(change.by_year)
        for at, y in enumerate(years):
            stated = y if y in change.by_year else longest if y > longest else None
            line = "" if stated is None else t.given(
                f"revenue.adjustments.{key}.{unit}.{stated}", change.by_year[stated], spoken,
                change.name,
            )  # fmt: skip
            old, new = (last, last) if at == 0 else (path[years[at - 1]], after[years[at - 1]])
            level, given = "same", dict[str, Any](of=path[y])
            if change.kind == "growth" and y in change.by_year:
                level, given = "grown", {"before": new, "growth": line}
            elif change.kind == "growth":
                level = "as_baseline" if g.value(old) > 0 else "by_amount"
                given = {"before": new, "base": path[y], "base_before": old}
            elif change.kind == "shock" and line and (y in change.by_year or change.lasting):
                level, given = "shocked", {"before": path[y], "shock": line}
            elif change.kind != "shock" and y in change.by_year:
                level, given = "with_amount", {"before": path[y], "amount": line}
            after[y] = g.step(f"path.after_{n}[{y}]", level, **given)
            made[y].append(
                g.figure(figure_name("waterfall", "amount_wan", f"{y}/{n}"), amounts[y][n], "step",
                         label=change.name + f" {y}", after=after[y], before=path[y])
            )  # fmt: skip
        path = after
    return made if changes else {}


def _target(t: Tracer) -> None:
    """An official target: growth that it needs, and how far it is."""
    target, spec = t.outcome.target, t.outcome.scenario.spec.revenue
    if target is None or spec is None or spec.target is None:
        return
    g, year = t.graph, target.target_year
    stated = say("scenario.line_target")
    value = t.given("revenue.target.value_wan", target.target_value, label=stated)
    span = say("scenario.years_between", first=target.last_year, last=year)
    count = g.count(f"target.years[{year}]", year - target.last_year, span)
    last, reached = _name("linked_wan", target.last_year), _name("scenario_wan", year)
    for column, aim in (("growth_needed_pct", value), ("expected_growth_pct", reached)):
        g.figure(figure_name("target", column, year), getattr(target, column), "growth_needed", "%",
                 target=aim, now=last, years=count)  # fmt: skip
    gap = g.step(figure_name("target", "gap_wan", year), "gap", figure=True, first=value,
                 second=reached)  # fmt: skip
    g.step(figure_name("target", "gap_pct", year), "share", "%", figure=True, part=gap,
           whole=value)  # fmt: skip


# ---- items ----


def _items(t: Tracer) -> None:
    """Each item carried forward; what it is reconciled to is a forecast."""
    spec, items, g = t.outcome.scenario.spec.revenue, t.outcome.items, t.graph
    assert spec is not None and items is not None  # noqa: PT018
    named = {item.name.zh: (key, item) for key, item in spec.items.items()}
    first = int(items["year"].min())
    listed: Any = items.to_dict("records")
    rows = [{**row, "key": named[row["item"]][0]} for row in listed]

    def stated(row: Mapping[str, Any], what: str, value: float, unit: str = "万元") -> str:
        return t.given(
            f"revenue.items.{row['key']}.{what}", value, unit, spec.items[row["key"]].name
        )

    def last(row: Mapping[str, Any], _: str) -> str:
        item, year = spec.items[row["key"]], row["year"]
        if year > first:
            return figure_name("items", "forecast_wan", f"{year - 1}/{row['key']}")
        if item.series is None:
            return stated(row, "last_wan", float(item.last_wan or 0.0))
        series, newest = t.read(f"revenue.items.{row['key']}.series", item.series), str(first - 1)
        return t.cell(series, newest, float(series.values[newest]))

    def out(row: Mapping[str, Any], _: str) -> str:
        if row["year"] > first:
            return figure_name("items", "one_offs_wan", f"{row['year'] - 1}/{row['key']}")
        return stated(row, "one_offs_last_wan", spec.items[row["key"]].one_offs_last_wan)

    def growth(row: Mapping[str, Any], _: str) -> str:
        rate = spec.items[row["key"]].base_growth_pct
        if isinstance(rate, dict):
            return stated(row, f"base_growth_pct.{row['year']}", rate[row["year"]], "%")
        return stated(row, "base_growth_pct", rate, "%")

    def in_force(shift: int) -> Any:
        return lambda row, _: [
            _in_force(t, m.start, m.end, row["year"] + shift)
            for m in spec.items[row["key"]].measures.values()
        ]

    t.table(
        "items", rows, ITEMS, lambda row: f"{row['year']}/{row['key']}",
        label=lambda row: Text.joined([spec.items[row["key"]].name, str(row["year"])], " ", " "),
        last=last, out=out, growth=growth, now=in_force(0), before=in_force(-1),
        elasticity=lambda row, _: stated(row, "elasticity", spec.items[row["key"]].elasticity, ""),
        unmeasured=lambda row, _: None if spec.items[row["key"]].measures else g.none(),
        amounts=lambda row, _: [
            stated(row, f"measures.{part}.full_year_wan", measure.full_year_wan)
            for part, measure in spec.items[row["key"]].measures.items()
        ],
        once=lambda row, c: stated(row, f"one_offs_wan.{row['year']}", row[c]),
        model=lambda row, _: {"note": say("scenario.reconciled"), "given": {
            "forecast": [figure_name("items", "forecast_wan", f"{row['year']}/{row['key']}")]}},
    )  # fmt: skip
    made = t.outcome.forecast
    total = forecast(made.history, len(made.table), kind=made.kind)  # before it was reconciled
    for year in dict.fromkeys(row["year"] for row in rows):
        for column in ("forecast_wan", "reconciled_wan"):
            keys = [f"{year}/{row['key']}" for row in rows if row["year"] == year]
            g.sum(figure_name("items", column, year),
                  [figure_name("items", column, key) for key in keys])  # fmt: skip
        ahead = int(year) - int(made.history.index[-1].year) - 1
        g.leaf(figure_name("items", "model_total_wan", year),
               float(total.table["mean"].iloc[ahead]), "model", figure=True,
               label=say("scenario.model_total", year=year))  # fmt: skip


def _in_force(t: Tracer, start: dt.date, end: dt.date | None, year: int) -> str:
    """Share of a year's days on which a measure is in force."""
    first, last = max(start, dt.date(year, 1, 1)), min(end or dt.date.max, dt.date(year, 12, 31))
    days = max(0, (last - first).days + 1)
    if not days:
        return t.graph.none()
    return t.graph.calendar("in_year", first, last, days / (366 if calendar.isleap(year) else 365))


# ---- budget ----


def _balance(t: Tracer) -> None:
    """Revenue beside what stands next to it, and what is left for clearance."""
    frame, spec, g = t.outcome.balance, t.outcome.scenario.spec, t.graph
    assert frame is not None
    spent = spec.expenditure

    def amounts(row: Mapping[str, Any], column: str) -> list[str]:
        if f"balance.{column}" in t.outcome.scenario.unfilled:
            return [g.none()]
        return amount_cells(t, f"balance.{column}", getattr(spec.balance, column), row["year"])

    def stated(row: Mapping[str, Any], _: str) -> list[str] | None:
        if spent is None or spent.amount_wan is None:
            return None
        return amount_cells(t, "expenditure.amount_wan", spent.amount_wan, row["year"])

    def rates(row: Mapping[str, Any], _: str) -> list[str] | None:
        growth = spent.growth_pct if spent else None
        years = range(int(spent.base_year or 0) + 1, row["year"] + 1) if spent else ()
        if isinstance(growth, dict):
            return [t.given(f"expenditure.growth_pct.{y}", growth[y], "%") for y in years]
        return [t.given("expenditure.growth_pct", float(growth or 0.0), "%") for _ in years]

    def base(*_: Any) -> str:
        return t.given("expenditure.base_wan", float(spent.base_wan or 0.0) if spent else 0.0)

    def floor(*_: Any) -> str:
        share = float(policy.value("livelihood_share_floor", on=spec.as_of))
        return t.rule("livelihood_share_floor", spec.as_of, share, "%")

    totals = [c for c in ("available_wan", "shortfall_wan") if c in frame]
    t.table("balance", frame, BALANCE, "year", totals=totals, amounts=amounts, stated=stated,
            rates=rates, base=base, floor=floor)  # fmt: skip
    if spent is not None and "livelihood_floor_wan" in frame:
        held = t.given("expenditure.livelihood_base_wan", float(spent.livelihood_base_wan or 0.0))
        name = {c: figure_name("livelihood", c, int(spent.base_year or 0))
                for c in ("share_pct", "floor_wan", "above_wan")}  # fmt: skip
        g.step(name["share_pct"], "share", "%", figure=True, part=held, whole=base())
        g.step(name["floor_wan"], "floor", figure=True, expenditure=base(), share=floor())
        g.step(name["above_wan"], "gap", figure=True, first=held, second=name["floor_wan"])


def amount_cells(t: Tracer, key: str, given: Any, year: int) -> list[str]:
    """What an amount of the balance is the sum of in a year."""
    if isinstance(given, dict):
        return [t.given(f"{key}.{year}", given[year]) if year in given else t.graph.none()]
    named = (
        {f"{key}.{i}": g for i, g in enumerate(given)} if isinstance(given, list) else {key: given}
    )
    parts = []
    for place, reference in named.items():
        series = t.read(place, reference)
        values = series.values.dropna()
        at = [p for p in values.index if p.year == year]
        parts.append(t.cell(series, at[-1], float(values[at[-1]])))
    return parts
