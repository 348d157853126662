"""Where the figures of the further parts come from: the closed budget, accounts, guardrails …

A part's table is a frame of its own. Its cells that stand in a file are found there by column,
value and a text of their row; columns that follow from others do so by `RULES`, where the
rule gives the figure; what is left is the part's own result, with the files it was given.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from fiscalmodel.display import word
from fiscalmodel.errors import InputError
from fiscalmodel.scenario.graph import FORMULAS, Graph, figure_name
from fiscalmodel.scenario.outcome import RESULTS
from fiscalmodel.scenario.trace import Tracer
from fiscalmodel.tables.records import read_records
from fiscalmodel.words import Text

#: Table -> column -> formula and its inputs. ``x`` is the column of the same row, ``<x`` of the
#: row before, ``*x`` of all rows up to this one, ``a+b`` a list of columns; rows of one
#: `GROUPS` column belong together.
RULES: Mapping[str, Mapping[str, tuple[str, Mapping[str, str]]]] = {
    "budgets_transfers": {"gap_wan": ("gap", {"first": "out_wan", "second": "in_wan"})},
    "medium_term": {
        "baseline_gap_wan": (
            "gap", {"first": "baseline_resources_wan", "second": "baseline_expenditure_wan"}
        ),
        "resources_wan": ("sum", {"parts": "baseline_resources_wan+measures_resources_wan"}),
        "expenditure_wan": ("sum", {"parts": "baseline_expenditure_wan+measures_expenditure_wan"}),
        "balance_wan": ("gap", {"first": "resources_wan", "second": "expenditure_wan"}),
        "fund_opening_wan": ("same", {"of": "<fund_closing_wan"}),
        "fund_filled_wan": ("at_least_0", {"of": "balance_wan"}),
        "fund_closing_wan": (
            "net_sum", {"plus": "fund_opening_wan+fund_filled_wan", "minus": "fund_drawn_wan+"}
        ),
    },
    "medium_term_execution": {
        "difference_wan": ("gap", {"first": "outturn_wan", "second": "planned_wan"}),
        "execution_pct": ("share", {"part": "outturn_wan", "whole": "planned_wan"}),
    },
    "sanbao": {
        "opening_wan": ("same", {"of": "<closing_wan"}),
        "closing_wan": (
            "net_sum",
            {"plus": "opening_wan+receipts_wan", "minus": "withheld_wan+sanbao_wan+lower_wan"},
        ),
    },
    "special_bonds_by_year": {
        "service_wan": ("sum", {"parts": "principal_wan+interest_wan"}),
        "dscr": ("over", {"part": "income_wan", "whole": "service_wan"}),
        "kept_wan": (
            "net_sum", {"plus": "<kept_wan+income_wan", "minus": "service_wan+"}
        ),
        "cumulative_dscr": ("over_sums", {"parts": "*income_wan", "wholes": "*service_wan"}),
    },
}  # fmt: skip
GROUPS: Mapping[str, str] = {"special_bonds_by_year": "project_id"}
#: A figure in a sentence, with its unit.
_SAID = re.compile(r"(\d[\d,]*(?:\.\d+)?)\s*(万元|亿元|%)")
#: What formulas may call, to see whether a rule gives a figure.
_CALLS = {"max": max, "min": min, "sum": math.fsum, "__builtins__": {}}


def trace_parts(t: Tracer) -> None:
    """The closed budget, and the parts that are results of their own."""
    if t.outcome.closed is not None:
        _closed(t)
    for name in RESULTS:
        result = getattr(t.outcome, name)
        if result is None:
            continue
        places = [str(p) for key, p in t.outcome.scenario.places.items() if key.startswith(name)]
        told = [getattr(result, "answer", ""), *getattr(result, "notes", ())]
        told += [found.said for found in getattr(result, "found", ())]
        _in_words(t, name, told, places)
        if name == "budgets":
            _budgets(t, result)
        if name == "special_bonds":
            _coverage(t, result, places)
        if name == "guardrails":
            _as_found(t, name, result.table, places)
            _headroom(t, result)
        for attribute in sorted(_public(result)):
            found = getattr(result, attribute)
            table = name if attribute == "table" else f"{name}_{attribute}"
            if isinstance(found, pd.DataFrame):
                _as_found(t, table, found, places)
                if table == "medium_term_execution" and len(found):
                    _execution(t)
            elif isinstance(found, float) and found == found:
                t.graph.leaf(figure_name(name, attribute, "total"), found, "part", figure=True,
                             where="；".join(places))  # fmt: skip


def _cells(t: Tracer, part: str) -> dict[tuple[str, float], list[tuple[set[str], str]]]:
    """(Column, value) -> texts and place of every row of a part's files that has it."""
    found: dict[tuple[str, float], list[tuple[set[str], str]]] = {}
    for key, place in t.outcome.scenario.places.items():
        if not key.startswith(f"{part}."):
            continue
        try:
            table = read_records(place.table(), name=key)
        except InputError:
            continue  # a form of its own, which its reader knows
        for row in table:
            texts = {row.text(c) for c in table.columns if isinstance(row.cells.get(c), str)}
            for column in table.columns:
                money = column.endswith("_wan")
                read = row.wan if money else row.number
                value = read(column, default=math.nan)
                if value == value:
                    where = (texts, row.where(column))
                    found.setdefault((column, round(value, 9)), []).append(where)
    return found


def _as_found(t: Tracer, table: str, frame: pd.DataFrame, places: list[str]) -> None:
    """Every figure of a table: cells, what follows by a rule, and what the part gives."""
    flat = frame if isinstance(frame.index, pd.RangeIndex) else frame.reset_index()
    rules, g = RULES.get(table, {}), t.graph
    cells = _cells(t, table.partition("_by_")[0].removesuffix("_execution"))
    rows = flat.to_dict("records")
    texts = [c for c in flat if c in ("year", "period")
             or any(isinstance(row[c], str) for row in rows)]  # fmt: skip
    before: dict[str, list[int]] = {}
    for n, row in enumerate(rows, 1):
        words = {str(row[c]) for c in texts if isinstance(row[c], (str, int))}
        told = " ".join(str(row[c]) for c in texts if isinstance(row[c], (str, int)))[:80]
        group = before.setdefault(str(row.get(GROUPS.get(table, ""), "")), [])
        columns = [str(c) for c in flat if c not in texts]
        for column in sorted(columns, key=lambda c: (c in rules, [*rules, c].index(c))):
            value = row[column]
            number = isinstance(value, (int, float)) and not isinstance(value, bool)
            name = figure_name(table, column, n)
            if not number or value != value or name in g:
                continue
            label = Text.joined([Text(word(column, "zh"), word(column, "en")), told], " ", " ")
            unit = _unit(column)
            made = _ruled(t, table, column, n, group) if column in rules else None
            if made is not None and abs(made[1] - value) <= 1e-9 * max(1.0, abs(value)):
                g.formula(name, float(value), rules[column][0], unit, label=label, **made[0])
                continue
            there = [where for texts_, where in cells.get((column, round(value, 9)), [])
                     if texts_ & words]  # fmt: skip
            if there:
                g.leaf(name, float(value), "cell", unit, label=label, where=there[0], figure=True)
            else:
                g.leaf(name, float(value), "part", unit, label=label, where="；".join(places),
                       figure=True)  # fmt: skip
        _in_words(t, f"{table}_{n}", [row[c] for c in texts if isinstance(row[c], str)], places)
        group.append(n)


def _unit(column: str) -> str:
    ends = {"_pct": "%", "_fen": "分", "_wan": "万元"}
    return next((unit for end, unit in ends.items() if column.endswith(end)), "")


def _ruled(
    t: Tracer, table: str, column: str, n: int, group: list[int]
) -> tuple[dict[str, Any], float] | None:
    """Inputs of a rule and what it gives; None where one of them is missing."""
    formula, wanted = RULES[table][column]
    g, inputs = t.graph, dict[str, Any]()
    for key, text in wanted.items():
        names: list[str] = []
        for part in text.split("+"):
            at = [*group, n] if part[:1] == "*" else group[-1:] if part[:1] == "<" else [n]
            names += [figure_name(table, part.strip("<*"), k) for k in at] if part else []
        if not all(name in g for name in names) or not names:
            return None
        inputs[key] = names if "+" in text or text[:1] == "*" else names[0]
    worked = _worked(g, formula, inputs)
    return None if worked is None else (inputs, worked)


def _worked(g: Graph, formula: str, inputs: Mapping[str, Any]) -> float | None:
    """What a formula gives; None where it divides by 0."""
    values = {
        key: g.nodes[v].value if isinstance(v, str) else [g.nodes[x].value for x in v]
        for key, v in inputs.items()
    }
    try:
        return float(eval(FORMULAS[formula], dict(_CALLS), values))
    except ZeroDivisionError:
        return None


def _in_words(t: Tracer, part: str, told: Sequence[Any], places: list[str]) -> None:
    """Figures in a part's sentences: results of the part, as its tables are."""
    for text in told:
        for n, match in enumerate(_SAID.finditer(str(Text.of(text).zh)) if text else (), 1):
            value = float(match[1].replace(",", ""))
            divisor = {"亿元": 1e4}.get(match[2], 1.0)
            unit = "%" if match[2] == "%" else "万元"
            name = f"{part}.said[{match[0]}/{n}]"
            t.graph.leaf(name, value * divisor, "part", unit, label=match[0],
                         where="；".join(places))  # fmt: skip


def _headroom(t: Tracer, result: Any) -> None:
    """The tightest year of each rule is a row of the whole table."""
    rows = {(str(r["rule"]), int(r["year"])): n
            for n, r in enumerate(result.table.to_dict("records"), 1)}  # fmt: skip
    for n, row in enumerate(result.headroom.to_dict("records"), 1):
        for column, value in row.items():
            of = figure_name("guardrails", str(column), rows.get((str(row["rule"]),
                             int(row["year"])), 0))  # fmt: skip
            if of in t.graph and t.graph.nodes[of].value == value:
                name = figure_name("guardrails_headroom", str(column), n)
                t.graph.formula(name, value, "same", t.graph.nodes[of].unit, of=of,
                                label=t.graph.nodes[of].name)  # fmt: skip


def _coverage(t: Tracer, result: Any, places: list[str]) -> None:
    """Coverage of each project over its life, from its years."""
    g, table = t.graph, "special_bonds_by_year"
    _as_found(t, table, result.by_year, places)
    years = result.by_year.to_dict("records")
    for n, row in enumerate(result.table.to_dict("records"), 1):
        mine = [k for k, y in enumerate(years, 1) if y["project_id"] == row["project_id"]]
        parts = {c: [x for k in mine if (x := figure_name(table, c, k)) in g] for c in
                 ("income_wan", "service_wan", "dscr", "cumulative_dscr")}  # fmt: skip
        label = Text.of(str(row["name"]))
        life = figure_name("special_bonds", "life_coverage", n)
        made: tuple[tuple[str, str, dict[str, Any]], ...] = (
            ("life_coverage", "over_sums",
             {"parts": parts["income_wan"], "wholes": parts["service_wan"]}),
            ("lowest_dscr", "least", {"parts": parts["dscr"]}),
            ("life_fall_pct", "fall", {"parts": [life]}),
            ("break_even_fall_pct", "fall", {"parts": parts["cumulative_dscr"]}),
        )  # fmt: skip
        for column, formula, inputs in made:
            name = figure_name("special_bonds", column, n)
            given = [x for listed in inputs.values() for x in listed]
            if not given or not all(x in g for x in given) or row[column] != row[column]:
                continue
            value = _worked(g, formula, inputs)
            if value is not None and abs(value - row[column]) <= 1e-9 * max(1.0, abs(value)):
                g.formula(name, row[column], formula, _unit(column), label=label, **inputs)


def _execution(t: Tracer) -> None:
    """What was carried out of the plan made last year, in all."""
    name, g = "medium_term_execution", t.graph
    parts = {c: [n for n in g.nodes if n.startswith(f"{name}.{c}[")] for c in
             ("outturn_wan", "planned_wan")}  # fmt: skip
    done, planned = (
        t.sum(figure_name(name, c, "total"), math.fsum(g.nodes[n].value for n in nodes), nodes)
        for c, nodes in parts.items() if nodes
    )  # fmt: skip
    g.formula(figure_name(name, "execution_pct", "total"), g.nodes[done].value
              / g.nodes[planned].value * 100, "share", "%", part=done, whole=planned)  # fmt: skip


def _public(result: Any) -> set[str]:
    """Names of a result's fields and properties."""
    fields = set(getattr(result, "__dict__", {}))
    made = {n for n in dir(type(result)) if isinstance(getattr(type(result), n), property)}
    return {n for n in fields | made if n[0] != "_" and n not in ("answer", "short", "lines")}


def _budgets(t: Tracer, result: Any) -> None:
    """Both sides of each account as sums of the cells that they were read from."""
    g, rows = t.graph, dict[tuple[Any, ...], list[str]]()
    for n, line in enumerate(result.lines.to_dict("records"), 1):
        if line["amount_wan"] != line["amount_wan"]:
            continue
        label = Text.of(f"{line['year']} {line['item']}")
        cell = g.leaf(f"cell.accounts[{n}]", line["amount_wan"], "cell", label=label,
                      where=str(line["source"]))  # fmt: skip
        key = tuple(str(line[c]) for c in ("level", "year", "version", "budget", "side"))
        rows.setdefault(key, []).append(cell)
    sums: dict[tuple[Any, str], list[str]] = {}
    _as_found(t, "budgets_transfers", result.transfers, [])
    for n, row in enumerate(result.table.to_dict("records"), 1):
        key = tuple(str(row[c]) for c in ("level", "year", "version", "budget"))
        name = {c: figure_name("budgets", c, n) for c in
                ("resources_wan", "uses_wan", "carry_over_wan")}  # fmt: skip
        label = Text.of(" ".join(key))
        for column, side in (("resources_wan", "resource"), ("uses_wan", "use")):
            parts = rows.get((*key, side), [])
            value = math.fsum(g.nodes[p].value for p in parts)
            if parts and abs(value - row[column]) < 1e-6:
                t.sum(name[column], row[column], parts, label=label)
        shown = dict(zip(("level", "year", "version"), key, strict=False))
        moved = result.transfers
        for column in ("out_wan", "in_wan"):
            mine = moved[[all(str(r[c]) == v for c, v in shown.items())
                          for r in moved.to_dict("records")]] if len(moved) else moved  # fmt: skip
            if len(mine):
                nodes = [figure_name("budgets_transfers", column, int(i) + 1) for i in mine.index]
                sums[tuple(shown.values()), column] = nodes
        # The accounts of social insurance carry over what stood there before, too.
        left = row["resources_wan"] - row["uses_wan"]
        plain = abs(left - row["carry_over_wan"]) < 1e-6
        if plain and name["resources_wan"] in g and name["uses_wan"] in g:
            g.formula(name["carry_over_wan"], row["carry_over_wan"], "gap", label=label,
                      first=name["resources_wan"], second=name["uses_wan"])  # fmt: skip
    for column in ("out_wan", "in_wan"):
        every = [n for (_, c), nodes in sums.items() if c == column for n in nodes]
        for word_, listed in (("total", every), *(
            ("/".join(k), nodes) for (k, c), nodes in sums.items() if c == column
        )):  # fmt: skip
            kept = [n for n in dict.fromkeys(listed) if n in g]
            if kept:
                t.sum(figure_name("budgets_transfers", column, word_),
                      math.fsum(g.nodes[n].value for n in kept), kept)  # fmt: skip


def _closed(t: Tracer) -> None:
    """What there is, what ranks first, what clearance takes, what is left."""
    g, brought = t.graph, t.graph.none()
    spec = t.outcome.scenario.spec
    source = spec.debt.general_budget_source if spec.debt and t.outcome.plan is not None else None
    for row in t.outcome.closed.table.to_dict("records"):
        year = int(row["year"])

        def name(column: str, year: int = year) -> str:
            return figure_name("closed", column, year)

        def parts(*columns: str, year: int = year) -> list[str]:
            return [n for c in columns if (n := figure_name("balance", c, year)) in g]

        money = parts("revenue_wan", "transfers_wan", "other_resources_wan")
        t.sum(name("money_wan"), row["money_wan"], money)
        needs = ("sanbao_need_wan", "statutory_debt_service_wan", "other_commitments_wan")
        t.sum(name("needs_wan"), row["needs_wan"], parts(*needs))
        g.formula(name("brought_wan"), row["brought_wan"], "same", of=brought)
        for column, of in (("clearance_wan", "used_wan"), ("taken_on_wan", "kept_wan")):
            node = figure_name("by_source", of, f"{source}/{year}")
            g.formula(name(column), row[column], "same", of=node if node in g else g.none())
        g.formula(name("free_wan"), row["free_wan"], "free", money=name("money_wan"),
                  needs=name("needs_wan"), brought=name("brought_wan"),
                  paid=name("clearance_wan"), kept=name("taken_on_wan"))  # fmt: skip
        g.formula(name("missing_wan"), row["missing_wan"], "lacking", money=name("money_wan"),
                  needs=name("needs_wan"))  # fmt: skip
        brought = name("taken_on_wan")
    for column in ("clearance_wan", "free_wan", "missing_wan"):
        rows = [n for n in g.nodes if n.startswith(f"closed.{column}[")]
        t.sum(figure_name("closed", column, "total"), float(t.outcome.closed.table[column].sum()),
              rows)  # fmt: skip
