"""Where the figures of revenue and budget come from; see `fiscalmodel.scenario.graph`.

One function for each frame of an `Outcome`. It says which formula each column is worked
out by and what goes into it; the figures themselves are taken from the frames, so that
whoever works the formulas out again has checked the evaluation.
"""

from __future__ import annotations

import calendar
import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fiscalmodel import policy, yamlio
from fiscalmodel.paths import project_root
from fiscalmodel.revenue.adjust import ORDER
from fiscalmodel.revenue.forecast import forecast
from fiscalmodel.scenario.graph import Graph, figure_name
from fiscalmodel.scenario.outcome import Outcome
from fiscalmodel.scenario.part_balance import COLUMNS
from fiscalmodel.scenario.part_revenue import BANDS
from fiscalmodel.series import catalog
from fiscalmodel.series.types import Series
from fiscalmodel.words import Text, say

#: Where a row of the data package names its place.
_PLACED = re.compile(r"(.*) \[(data/[^\]]+)\]", re.DOTALL)


@dataclass
class Tracer:
    """An outcome that is being traced: its graph, and where its scenario's keys stand.

    `secret` says whether contracts go by their own ids; else they are numbered.
    """

    outcome: Outcome
    secret: bool = False
    graph: Graph = field(default_factory=Graph)
    lines: dict[yamlio.KeyPath, str] = field(default_factory=dict)
    series: dict[str, Series] = field(default_factory=dict)

    def __post_init__(self) -> None:
        case = self.outcome.scenario
        root = project_root(case.file.parent)
        for file in reversed(case.chain):
            shown = file.relative_to(root).as_posix() if root in file.parents else file.name
            _, positions = yamlio.load_yaml(file)
            self.lines |= {path: yamlio.place(shown, positions, path) for path in positions}

    # ---- leaves ----

    def given(self, key: str, value: float, unit: str = "万元", label: Text | str = "") -> str:
        """A figure that the scenario states: the line of the file that has the last word."""
        path: yamlio.KeyPath = tuple(key.split("."))
        where = next(
            (self.lines[path[:n]] for n in range(len(path), 0, -1) if path[:n] in self.lines), ""
        )
        if not where:
            # Neither in a file nor by default anything else than what the schema states.
            where = say("scenario.by_default" if len(self.lines) else "scenario.in_session").zh
        return self.graph.leaf(
            f"scenario.{key}", value, "scenario", unit, label=label or key, where=where
        )

    def rule(self, key: str, day: object, value: float, unit: str, part: str = "") -> str:
        """A dated rule with its 文号."""
        found, entry = policy.parameter(key), policy.at(key, day)
        label = Text(found.title("zh"), found.title("en"))
        name = f"policy.{key}{part and f'.{part}'}[{entry.start}]"
        note = Text.of(f"{entry.source} {entry.link} ({entry.confidence}/{entry.basis})")
        return self.graph.leaf(
            name,
            value,
            "policy",
            unit,
            label=label + part,
            note=note,
            where=f"{found.file} {entry.doc_no}".strip(),
        )

    def read(self, key: str, named: Any) -> Series:
        """A series that the scenario names, read once."""
        if key not in self.series:
            self.series[key] = self.outcome.scenario.series(key, named)
        return self.series[key]

    def cell(self, series: Series, period: Any, value: float) -> str:
        """A value of a series: the cell of its file and what that cites."""
        source = series.source_of(period)
        placed = _PLACED.fullmatch(source)
        where, note = (placed[2], placed[1]) if placed else (source, "")
        label = Text.joined([series.indicator or series.series_id, str(period)], " ", " ")
        return self.graph.leaf(
            f"cell.{series.series_id}[{period}]",
            value,
            "cell",
            series.unit,
            label=label,
            where=where,
            note=note,
        )

    def sum(self, name: str, value: float, parts: list[str], **more: Any) -> str:
        """A sum; its only part itself where there is one."""
        formula = "sum" if len(parts) != 1 else "same"
        inputs: dict[str, Any] = {"parts": parts} if len(parts) != 1 else {"of": parts[0]}
        return self.graph.formula(name, value, formula, **inputs, **more)


def trace_budget(t: Tracer) -> None:
    """Revenue, steps, items and balance."""
    if t.outcome.revenue is not None:
        _history(t)
        _ahead(t)
        _target(t)
    if t.outcome.items is not None:
        _items(t)
    if t.outcome.balance is not None:
        _balance(t)


def _name(column: str, year: object) -> str:
    return figure_name("revenue", column, year)


# ---- revenue ----


def _history(t: Tracer) -> None:
    """Published and linked levels, with the breaks of calibre between them."""
    spec, link = t.outcome.scenario.spec.revenue, t.outcome.link
    assert spec is not None and t.outcome.revenue is not None  # noqa: PT018
    series = t.read("revenue.series", spec.series)
    linked = link is not None and spec.like_for_like
    breaks = _breaks(t, series) if linked else {}
    past = t.outcome.revenue[t.outcome.revenue["kind"] != "forecast"]
    for row in past.to_dict("records"):
        year = int(row["year"])
        cell = t.cell(series, str(year), row["published_wan"])
        published = t.graph.formula(
            _name("published_wan", year), row["published_wan"], "same", of=cell
        )
        later = [node for at, node in breaks.items() if at > year]
        if later and row["kind"] == "actual":
            factor = t.graph.formula(
                f"calibre.factor[{year}]",
                row["linked_wan"] / row["published_wan"],
                "factor",
                "",
                breaks=later,
                figure=False,
            )
            t.graph.formula(
                _name("linked_wan", year),
                row["linked_wan"],
                "linked",
                published=published,
                factor=factor,
            )
        else:
            t.graph.formula(_name("linked_wan", year), row["linked_wan"], "same", of=published)


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
        rates = [
            t.cell(growth, str(y), float(growth.values[str(y)]))
            for y in range(before + 1, year + 1)
        ]
        made[year] = t.graph.formula(
            f"calibre.break[{year}]",
            row["restated"] / row["published"],
            "break",
            "",
            level=t.cell(series, str(year), level),
            growth=rates,
            figure=False,
            published=t.cell(series, str(before), float(row["published"])),
        )
    return made


def _ahead(t: Tracer) -> None:
    """The model's baseline, the scenario's steps from it, bands and growth."""
    frame = t.outcome.revenue
    assert frame is not None
    made, g = t.outcome.forecast, t.graph
    ahead = frame[frame["kind"] == "forecast"]
    past = frame[frame["kind"] != "forecast"]
    training = [_name("linked_wan", y) for y in past["year"] if _name("linked_wan", y) in g]
    newest = int(past["year"].iloc[-1])
    note = Text.joined(made.notes, "", " ")
    models = Text.joined(
        [
            say(
                "scenario.model_weight",
                model=Text(row["title_zh"], row["title"]),
                weight=100 * float(row["weight"]),
            )
            for row in made.models.to_dict("records")
            if row["weight"] > 0
        ],
        "、",
        ", ",
    )
    for row in ahead.to_dict("records"):
        year = int(row["year"])
        g.leaf(
            _name("baseline_wan", year),
            row["baseline_wan"],
            "model",
            figure=True,
            where=say(
                "scenario.trained",
                first=made.history.index[0],
                last=made.history.index[-1],
                count=len(made.history),
            ).zh,
            note=models + " " + note,
            given={"training": training},
        )
    # Between the newest figure and the scenario's first year only the model speaks.
    last = _name("linked_wan", newest)
    first = int(ahead["year"].iloc[0])
    if first > newest + 1:
        last = g.leaf(
            _name("baseline_wan", first - 1),
            float(made.table["mean"].iloc[first - newest - 2]),
            "model",
            note=models,
            given={"training": training},
        )
    level = _steps(t, ahead["year"].tolist(), last)
    for row in ahead.to_dict("records"):
        year = int(row["year"])
        steps = level.get(year, [])
        baseline = _name("baseline_wan", year)
        if steps:
            g.formula(
                _name("scenario_wan", year),
                row["scenario_wan"],
                "scenario",
                baseline=baseline,
                steps=steps,
            )
        else:
            g.formula(_name("scenario_wan", year), row["scenario_wan"], "same", of=baseline)
        both = row["baseline_wan"] > 0 and row["scenario_wan"] > 0
        for band in (b for b in BANDS if b in row and row[b] == row[b]):
            edge = float(made.table[band].iloc[year - newest - 1])
            leaf = g.leaf(
                f"forecast.{band}[{year}]", edge, "model", note=models, given={"training": training}
            )
            g.formula(
                _name(band, year),
                row[band],
                "carried" if both else "moved",
                edge=leaf,
                level=_name("scenario_wan", year),
                baseline=baseline,
            )
    end = int(ahead["year"].iloc[-1])
    now, then = (g.nodes[_name(c, y)].value for c, y in (("linked_wan", newest),
                                                         ("scenario_wan", end)))  # fmt: skip
    if now > 0 < then:
        count = g.leaf(f"years[{newest}-{end}]", end - newest, "calendar", "",
                       label=say("scenario.years_between", first=newest, last=end))  # fmt: skip
        g.formula(_name("mean_growth_pct", end), ((then / now) ** (1 / (end - newest)) - 1) * 100,
                  "growth_needed", "%", target=_name("scenario_wan", end),
                  label=say("scenario.mean_growth", first=newest, last=end),
                  now=_name("linked_wan", newest), years=count)  # fmt: skip
    if made.coverage is not None:
        for n, row in enumerate(made.coverage.to_dict("records"), 1):
            key = f"{row['level']:g}/{n}"
            g.leaf(figure_name("forecast", "coverage_pct", key), row["coverage_pct"], "model", "%",
                   figure=True, label=say("scenario.coverage_of", level=row["level"]),
                   note=say("scenario.coverage_how"))  # fmt: skip
    before = ""
    for row in frame.to_dict("records"):
        year, growth = int(row["year"]), row["growth_pct"]
        name = _name("scenario_wan" if row["kind"] == "forecast" else "linked_wan", year)
        if growth == growth and before:
            g.formula(_name("growth_pct", year), growth, "growth", "%", level=name, before=before)
        before = name


def _steps(t: Tracer, years: list[int], last: str) -> dict[int, list[str]]:
    """Year -> nodes of the scenario's steps; the path after each step on the way."""
    spec, g, steps = t.outcome.scenario.spec.revenue, t.graph, t.outcome.waterfall
    assert spec is not None and steps is not None  # noqa: PT018
    path = {y: _name("baseline_wan", y) for y in years}
    rows = {y: steps[steps["year"] == y].to_dict("records") for y in years}
    changes = [(k, c) for kind in ORDER for k, c in spec.adjustments.items() if c.kind == kind]
    made: dict[int, list[str]] = {y: [] for y in years}
    for y in years:
        g.formula(
            figure_name("waterfall", "amount_wan", f"{y}/0"),
            rows[y][0]["amount_wan"],
            "same",
            of=path[y],
        )
    for n, (key, change) in enumerate(changes, 1):
        after: dict[int, str] = {}
        unit = "pct" if change.kind in ("growth", "shock") else "amount_wan"
        longest = max(change.by_year)
        for at, y in enumerate(years):
            amount = float(rows[y][n]["amount_wan"])
            value = g.nodes[path[y]].value + amount
            name = f"path.after_{n}[{y}]"
            stated = y if y in change.by_year else longest if y > longest else None
            spoken = "%" if unit == "pct" else "万元"
            line = (
                None
                if stated is None
                else t.given(
                    f"revenue.adjustments.{key}.{unit}.{stated}",
                    change.by_year[stated],
                    spoken,
                    change.name,
                )
            )
            old, new = (last, last) if at == 0 else (path[years[at - 1]], after[years[at - 1]])
            if change.kind == "growth" and y in change.by_year:
                g.formula(name, value, "grown", before=new, growth=line, figure=False)
            elif change.kind == "growth" and g.nodes[old].value > 0:
                g.formula(
                    name,
                    value,
                    "as_baseline",
                    before=new,
                    base=path[y],
                    base_before=old,
                    figure=False,
                )
            elif change.kind == "growth":
                g.formula(
                    name,
                    value,
                    "by_amount",
                    before=new,
                    base=path[y],
                    base_before=old,
                    figure=False,
                )
            elif change.kind == "shock" and line and (y in change.by_year or change.lasting):
                g.formula(name, value, "shocked", before=path[y], shock=line, figure=False)
            elif change.kind != "shock" and y in change.by_year:
                g.formula(name, value, "with_amount", before=path[y], amount=line, figure=False)
            else:
                g.formula(name, value, "same", of=path[y], figure=False)
            after[y] = name
        for y in years:
            step = figure_name("waterfall", "amount_wan", f"{y}/{n}")
            g.formula(
                step,
                rows[y][n]["amount_wan"],
                "step",
                after=after[y],
                before=path[y],
                label=change.name + f" {y}",
            )
            made[y].append(step)
        path = after
    for y in years:
        last_row = figure_name("waterfall", "amount_wan", f"{y}/{len(changes) + 1}")
        g.formula(last_row, rows[y][-1]["amount_wan"], "same", of=_name("scenario_wan", y))
    return made if changes else {}


def _target(t: Tracer) -> None:
    """An official target: growth that it needs, and how far it is."""
    target, spec = t.outcome.target, t.outcome.scenario.spec.revenue
    if target is None or spec is None or spec.target is None:
        return
    g, year = t.graph, target.target_year
    value = t.given(
        "revenue.target.value_wan", target.target_value, label=say("scenario.line_target")
    )
    last = _name("linked_wan", target.last_year)
    count = g.leaf(
        f"target.years[{year}]",
        year - target.last_year,
        "calendar",
        "",
        label=say("scenario.years_between", first=target.last_year, last=year),
    )
    g.formula(
        figure_name("target", "growth_needed_pct", year),
        target.growth_needed_pct,
        "growth_needed",
        "%",
        target=value,
        now=last,
        years=count,
    )
    g.formula(
        figure_name("target", "expected_growth_pct", year),
        target.expected_growth_pct,
        "growth_needed",
        "%",
        target=_name("scenario_wan", year),
        now=last,
        years=count,
    )
    gap = g.formula(
        figure_name("target", "gap_wan", year),
        target.target_value - target.expected,
        "gap",
        first=value,
        second=_name("scenario_wan", year),
    )
    g.formula(
        figure_name("target", "gap_pct", year),
        (target.target_value - target.expected) / target.target_value * 100,
        "share",
        "%",
        part=gap,
        whole=value,
    )


# ---- items ----


def _items(t: Tracer) -> None:
    """Each item carried forward; what it is reconciled to is a forecast."""
    spec, items, g = t.outcome.scenario.spec.revenue, t.outcome.items, t.graph
    assert spec is not None and items is not None  # noqa: PT018
    keys = {item.name.zh: (key, item) for key, item in spec.items.items()}
    first = int(items["year"].min())
    for row in items.to_dict("records"):
        year, (key, item) = int(row["year"]), keys[row["item"]]

        def name(column: str, year: int = year, key: str = key) -> str:
            return figure_name("items", column, f"{year}/{key}")

        label = Text.joined([item.name, str(year)], " ", " ")
        at = f"revenue.items.{key}"
        newest = first - 1
        if year > first:
            last = name("forecast_wan", year - 1)
            out = name("one_offs_wan", year - 1)
        elif item.series is not None:
            series = t.read(f"{at}.series", item.series)
            last = t.cell(series, str(newest), float(series.values[str(newest)]))
            out = t.given(f"{at}.one_offs_last_wan", item.one_offs_last_wan, label=item.name)
        else:
            last = t.given(f"{at}.last_wan", float(item.last_wan or 0.0), label=item.name)
            out = t.given(f"{at}.one_offs_last_wan", item.one_offs_last_wan, label=item.name)
        g.formula(name("last_year_wan"), row["last_year_wan"], "same", of=last, label=label)
        g.formula(
            name("one_offs_out_wan"), row["one_offs_out_wan"], "taken_out", amount=out, label=label
        )
        growth = item.base_growth_pct
        stated = f".{year}" if isinstance(growth, dict) else ""
        rate = growth[year] if isinstance(growth, dict) else growth
        g.formula(
            name("base_growth_wan"),
            row["base_growth_wan"],
            "base_growth",
            last=name("last_year_wan"),
            out=name("one_offs_out_wan"),
            elasticity=t.given(f"{at}.elasticity", item.elasticity, "", item.name),
            growth=t.given(f"{at}.base_growth_pct{stated}", rate, "%", item.name),
            label=label,
        )
        now, before, amounts = [], [], []
        for part, measure in item.measures.items():
            amounts.append(
                t.given(
                    f"{at}.measures.{part}.full_year_wan", measure.full_year_wan, label=measure.name
                )
            )
            now.append(_in_force(t, measure.start, measure.end, year))
            before.append(_in_force(t, measure.start, measure.end, year - 1))
        if amounts:
            g.formula(
                name("measures_wan"),
                row["measures_wan"],
                "measures",
                amounts=amounts,
                now=now,
                before=before,
                label=label,
            )
        else:
            g.formula(name("measures_wan"), row["measures_wan"], "same", of=g.none(), label=label)
        once = t.given(f"{at}.one_offs_wan.{year}", row["one_offs_wan"], label=item.name)
        g.formula(name("one_offs_wan"), row["one_offs_wan"], "same", of=once, label=label)
        g.formula(
            name("forecast_wan"),
            row["forecast_wan"],
            "item",
            label=label,
            last=name("last_year_wan"),
            out=name("one_offs_out_wan"),
            base_growth=name("base_growth_wan"),
            measures=name("measures_wan"),
            one_offs=name("one_offs_wan"),
        )
        g.leaf(
            name("reconciled_wan"),
            row["reconciled_wan"],
            "model",
            figure=True,
            label=label,
            note=say("scenario.reconciled"),
            given={"forecast": [name("forecast_wan")]},
        )
    made = t.outcome.forecast
    total = forecast(made.history, len(made.table), kind=made.kind)  # before it was reconciled
    for when, rows in items.groupby("year"):
        for column in ("forecast_wan", "reconciled_wan"):
            parts = [figure_name("items", column, f"{when}/{keys[i][0]}") for i in rows["item"]]
            t.sum(figure_name("items", column, when), float(rows[column].sum()), parts)
        ahead = int(str(when)) - int(made.history.index[-1].year) - 1
        g.leaf(figure_name("items", "model_total_wan", when),
               float(total.table["mean"].iloc[ahead]), "model", figure=True,
               label=say("scenario.model_total", year=when))  # fmt: skip


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
    short = {
        "transfers_wan": "transfers",
        "other_resources_wan": "other",
        "sanbao_need_wan": "sanbao",
        "statutory_debt_service_wan": "service",
        "other_commitments_wan": "commitments",
    }
    for row in frame.to_dict("records"):
        year = int(row["year"])

        def name(column: str, year: int = year) -> str:
            return figure_name("balance", column, year)

        g.formula(name("revenue_wan"), row["revenue_wan"], "same", of=_name("scenario_wan", year))
        if "expenditure_wan" in row:
            _expenditure(t, year, row)
        if spec.balance is None:
            continue
        inputs: dict[str, Any] = {"revenue": name("revenue_wan")}
        for column in COLUMNS:
            if f"balance.{column}" in t.outcome.scenario.unfilled:
                inputs[short[column]] = g.none()
                continue
            parts = _amount(t, f"balance.{column}", getattr(spec.balance, column), year)
            inputs[short[column]] = t.sum(name(column), row[column], parts)
        for column, formula in (("available_wan", "available"), ("shortfall_wan", "shortfall")):
            g.formula(name(column), row[column], formula, **inputs)
    for column in ("available_wan", "shortfall_wan"):
        if column in frame:
            parts = [figure_name("balance", column, int(y)) for y in frame["year"]]
            t.sum(figure_name("balance", column, "total"), float(frame[column].sum()), parts)


def _expenditure(t: Tracer, year: int, row: Mapping[Any, Any]) -> None:
    spec, g, at = t.outcome.scenario.spec.expenditure, t.graph, "expenditure"
    assert spec is not None
    name = figure_name("balance", "expenditure_wan", year)
    if spec.amount_wan is not None:
        t.sum(name, row["expenditure_wan"], _amount(t, f"{at}.amount_wan", spec.amount_wan, year))
    else:
        rates = []
        for y in range(int(spec.base_year or 0) + 1, year + 1):
            growth = spec.growth_pct
            stated = f".{y}" if isinstance(growth, dict) else ""
            rate = growth[y] if isinstance(growth, dict) else float(growth or 0.0)
            rates.append(t.given(f"{at}.growth_pct{stated}", rate, "%"))
        base = t.given(f"{at}.base_wan", float(spec.base_wan or 0.0))
        g.formula(name, row["expenditure_wan"], "expenditure", base=base, growth=rates)
    g.formula(
        figure_name("balance", "self_sufficiency_pct", year),
        row["self_sufficiency_pct"],
        "self_sufficiency",
        "%",
        revenue=figure_name("balance", "revenue_wan", year),
        expenditure=name,
    )
    if "livelihood_floor_wan" in row:
        day = t.outcome.scenario.spec.as_of
        floor = float(policy.value("livelihood_share_floor", on=day))
        rule = t.rule("livelihood_share_floor", day, floor, "%")
        g.formula(
            figure_name("balance", "livelihood_floor_wan", year),
            row["livelihood_floor_wan"],
            "floor",
            expenditure=name,
            share=rule,
        )
        livelihood = t.given(f"{at}.livelihood_base_wan", float(spec.livelihood_base_wan or 0.0))
        base = t.given(f"{at}.base_wan", float(spec.base_wan or 0.0))
        held, whole = float(spec.livelihood_base_wan or 0.0), float(spec.base_wan or 1.0)
        then = int(spec.base_year or 0)
        g.formula(
            figure_name("livelihood", "share_pct", then),
            held / whole * 100,
            "share",
            "%",
            part=livelihood,
            whole=base,
        )
        least = g.formula(
            figure_name("livelihood", "floor_wan", then),
            whole * floor / 100,
            "floor",
            expenditure=base,
            share=rule,
        )
        g.formula(
            figure_name("livelihood", "above_wan", then),
            held - whole * floor / 100,
            "gap",
            first=livelihood,
            second=least,
        )


def _amount(t: Tracer, key: str, given: Any, year: int) -> list[str]:
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
