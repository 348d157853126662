"""Where every figure comes from, as a graph: figures, the formula of each, its inputs.

A figure's node names a formula of `FORMULAS` and the nodes that it is worked out from, down
to cells of files, lines of the scenario, dated rules, and what a model said. The graph is
built on demand from an `Outcome`, never while it is evaluated.
"""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from types import CodeType
from typing import Any, Literal

from fiscalmodel.display import word
from fiscalmodel.words import EMPTY, Text, say

FORMAT, VERSION = "fiscalmodel.explain", 1
#: ``cell`` of a file, ``scenario`` line, ``policy`` rule, ``calendar`` count of days, ``none``
#: (no such money), ``model`` (a forecast, or an amount out of the programme), ``terms`` (what
#: a contract's terms come to), ``part`` (a result of a part that is not taken apart here, with
#: the files it was made of), ``formula``.
How = Literal["cell", "scenario", "policy", "calendar", "none", "model", "terms", "part", "formula"]

#: Formula -> expression over the names of its inputs. Besides arithmetic there are ``max``,
#: ``min``, ``sum`` and ``product`` of a list, ``dot`` of two lists (sum of products),
#: ``compound`` of growth rates in percent, ``half_up`` to whole numbers, ``fen`` to whole 分
#: of 万元 and ``cut`` (nought below half a 分). How each is said stands in
#: ``params/words/scenario.yaml`` (``formula``).
FORMULAS: Mapping[str, str] = {
    "same": "of",
    "sum": "sum(parts)",
    "cells": "sum(amounts)",
    "wan_of_fen": "sum(amounts) / 1000000",
    # revenue
    "linked": "published * factor",
    "factor": "product(breaks)",
    "break": "level / compound(growth) / published",
    "growth": "(level / before - 1) * 100",
    "carried": "edge * level / baseline",
    "moved": "edge + level - baseline",
    "scenario": "baseline + sum(steps)",
    "grown": "before * (1 + growth / 100)",
    "as_baseline": "before * base / base_before",
    "by_amount": "before + base - base_before",
    "shocked": "before * (1 + shock / 100)",
    "step": "after - before",
    "with_amount": "before + amount",
    "growth_needed": "((target / now) ** (1 / years) - 1) * 100",
    "over": "part / whole",
    "over_sums": "sum(parts) / sum(wholes)",
    "least": "min(parts)",
    "fall": "(1 - 1 / min(parts)) * 100",
    "at_least_0": "max(of, 0)",
    "gap": "first - second",
    "share": "part / whole * 100",
    # items
    "taken_out": "0 - amount",
    "base_growth": "(last + out) * elasticity * growth / 100",
    "measures": "dot(amounts, now) - dot(amounts, before)",
    "item": "last + out + base_growth + measures + one_offs",
    # budget
    "expenditure": "base * compound(growth)",
    "self_sufficiency": "revenue / expenditure * 100",
    "money": "sum(parts)",
    "free": "max(max(money - needs, 0) + brought - paid - kept, 0)",
    "lacking": "max(needs - money, 0)",
    "floor": "expenditure * share / 100",
    "available": "max(revenue + transfers + other - sanbao - service - commitments, 0)",
    "shortfall": "max(sanbao + service + commitments - revenue - transfers - other, 0)",
    # debt
    "net": "cap * shock * (1 - haircut / 100) * (1 - reserve / 100) * product(claims)",
    "from_balance": "max(available, 0) * share / 100 / count",
    "shock": "1 + shock / 100",
    "claimed": "1 - min(need / there, 1)",
    "own_need": "due * (1 - refinanced / 100)",
    "kept_or_lapsed": "max(before + available - used, 0)",
    "left": "max(available - used, 0)",
    "closing": "cut(opening + unpaid - repaid - replaced)",
    "net_sum": "sum(plus) - sum(minus)",
    "moved_rate": "max(rate + shift / 100, 0)",
    "interest": "fen(balance * rate / 100 * years)",
    "year_interest": "balance * rate / 100 * years",
    "rounded": "fen(sum(parts))",
    "arrived": "fen(sum(upto)) - fen(sum(before))",
    "missing_later": "fen(amount * (1 + rate / 100) ** years)",
    "life_interest": "sum(amounts) * (rate * tenor + issue) / 100",
    "mean_rate": "dot(amounts, rates) / sum(amounts)",
    "worth": "dot(amounts, factors)",
    "discount": "(1 + rate / 100) ** (0 - years)",
    "coupon": "half_up(balance * rate / 100 / times * 1000000) / 1000000",
    "renewed": "amount * refinanced / 100 * rate / 100",
    "outstanding": "total - sum(due) * (1 - refinanced / 100)",
    "ratio": "sum(debt) / resources * 100",
    # parts
    "times": "first * second",
    "most": "max(parts)",
    "lack": "max(first - second, 0)",
    "above_floor": "over - under * threshold / 100",
    "below_ceiling": "under * threshold / 100 - over",
    "under_change": "over / threshold * 100 - under",
    "paid_up": "min(sum(due) - sum(own), max(sum(there) - sum(gone), 0))",
    "spare": "min(sum(due), max(sum(there) - sum(gone) - held, 0))",
    "held": "max(missing + later, 0)",
    "mean_of": "sum(parts) / count",
    "level": "part / whole",
    "part_of": "amount * share / 100",
    "equal_part": "total - fen(total * (years - 1) / years - 0.0000005)",
    "period_interest": "balance * rate / 100 / times",
    "change_pct": "(this - moved - last) / last * 100",
    "most_score": "indicators + execution * min(1, rate / 100)",
    # commissions
    "fee": "half_up(base * rate / 100)",
    "payable": "arrears + fee - paid",
}


@dataclass(frozen=True)
class Node:
    """One figure and how it came about.

    Attributes
    ----------
    value
        The figure, in `unit`.
    how
        See `How`.
    formula, inputs
        Of a ``formula``: its name in `FORMULAS`, and input -> node or nodes. A model's inputs
        are what it was trained on or given, without a formula.
    where
        File with line and column, or 文号; empty for what follows from other nodes.
    note
        Source, model, or what a reader should know.
    cells
        Of a ``cell`` that stands for many: place -> amount.
    calendar
        Of a ``calendar``: day count with its first and last day.
    figure
        Whether it stands in a table of the outcome.
    """

    value: float
    how: How
    unit: str
    name: Text
    formula: str = ""
    inputs: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)
    where: str = ""
    note: Text = EMPTY
    cells: tuple[tuple[str, float], ...] = ()
    calendar: tuple[str, str, str] | None = None
    figure: bool = False

    def sources(self) -> list[tuple[str, str]]:
        """Name of each input and its node, lists taken apart."""
        return [
            (name, one)
            for name, given in self.inputs.items()
            for one in ((given,) if isinstance(given, str) else given)
        ]

    def said(self, lang: str | None = None) -> str:
        """The formula in words, or what kind of source it is."""
        key = f"formula.{self.formula}" if self.formula else f"how.{self.how}"
        return say(f"scenario.{key}")(lang)

    def as_json(self) -> dict[str, Any]:
        """For the file beside the report; what is empty is left out."""
        data: dict[str, Any] = {
            "value": self.value,
            "how": self.how,
            "unit": self.unit,
            "name": {"zh": self.name.zh, "en": self.name.en},
        }
        if self.formula:
            data["formula"] = self.formula
        if self.inputs:
            data["inputs"] = {
                k: v if isinstance(v, str) else list(v) for k, v in self.inputs.items()
            }
        if self.where:
            data["where"] = self.where
        if self.note:
            data["note"] = {"zh": self.note.zh, "en": self.note.en}
        if self.cells:
            data["cells"] = [list(cell) for cell in self.cells]
        if self.calendar:
            data["calendar"] = list(self.calendar)
        if self.figure:
            data["figure"] = True
        return data


class Graph:
    """Nodes by name, added while an outcome is traced; each once."""

    def __init__(self) -> None:
        self.nodes: dict[str, Node] = {}

    def __contains__(self, name: object) -> bool:
        return name in self.nodes

    def value(self, name: str) -> float:
        """The figure of a node."""
        return self.nodes[name].value

    def worked(self, formula: str, inputs: Mapping[str, str | Sequence[str]]) -> float:
        """What a formula gives for the nodes' figures; NaN where it divides by 0."""
        nodes = self.nodes
        values = {
            key: nodes[given].value
            if isinstance(given, str)
            else [nodes[one].value for one in given]
            for key, given in inputs.items()
        }
        try:
            return float(eval(_compiled(formula), _CALLS, values))
        except ZeroDivisionError:
            return math.nan

    def leaf(
        self, name: str, value: float, how: How, unit: str = "万元", *, label: Text | str = "",
        where: str = "", note: Text | str = "", figure: bool = False,
        cells: Sequence[tuple[str, float]] = (), given: Mapping[str, Any] | None = None,
    ) -> str:  # fmt: skip
        """A node that no formula stands behind; `given` is what a model was given."""
        if name not in self.nodes:
            self.nodes[name] = Node(
                float(value), how, unit, _label(name, label), inputs=_inputs(given or {}),
                where=where, note=Text.of(note), cells=tuple(cells), figure=figure,
            )  # fmt: skip
        return name

    def figure(
        self, name: str, value: float, formula: str, unit: str = "万元", label: Text | str = "",
        **inputs: Any,
    ) -> str:  # fmt: skip
        """A figure of a table, as the table has it: whoever works it out again checks it."""
        if name not in self.nodes and math.isfinite(value):
            said = _label(name, label)
            given = _inputs(inputs)
            self.nodes[name] = Node(float(value), "formula", unit, said, formula, given,
                                    figure=True)  # fmt: skip
        return name

    def step(
        self, name: str, formula: str, unit: str = "万元", label: Text | str = "", *,
        figure: bool = False, **inputs: Any,
    ) -> str:  # fmt: skip
        """A figure on the way to others, or a total of theirs: what its formula gives."""
        if name not in self.nodes:
            given = _inputs(inputs)
            made = self.worked(formula, given)
            self.nodes[name] = Node(made, "formula", unit, _label(name, label), formula, given,
                                    figure=figure)  # fmt: skip
        return name

    def sum(
        self, name: str, parts: Sequence[str], unit: str = "万元", label: Text | str = "",
        value: float | None = None, *, figure: bool = True,
    ) -> str:  # fmt: skip
        """A sum; its only part itself where there is one, and nothing where there is none."""
        listed = list(parts) or [self.none()]
        inputs: dict[str, Any] = {"of": listed[0]} if len(listed) == 1 else {"parts": listed}
        formula = "same" if len(listed) == 1 else "sum"
        if value is None:
            return self.step(name, formula, unit, label, figure=figure, **inputs)
        return self.figure(name, value, formula, unit, label, **inputs)

    def calendar(self, day_count: str, start: dt.date, end: dt.date, value: float) -> str:
        """Years between two days by a day count."""
        name = f"years[{day_count}/{start}/{end}]"
        if name not in self.nodes:
            label = say("scenario.calendar", first=start, last=end, count=day_count)
            days = (day_count, start.isoformat(), end.isoformat())
            self.nodes[name] = Node(float(value), "calendar", "", label, calendar=days)
        return name

    def count(self, name: str, value: float, label: Text | str) -> str:
        """A plain number of years, rows or times."""
        return self.leaf(name, value, "calendar", "", label=label)

    def none(self) -> str:
        """No such money."""
        return self.leaf("none", 0.0, "none", label=say("scenario.how.none"))

    def figures(self) -> Iterator[tuple[str, Node]]:
        """What stands in a table of the outcome."""
        return ((name, node) for name, node in self.nodes.items() if node.figure)

    def json(self, scenario: Mapping[str, Any] | None) -> str:
        """The file: format, version, scenario, formulas with their words, nodes."""
        used = {node.formula for node in self.nodes.values()} - {""}
        data = {
            "format": FORMAT,
            "version": VERSION,
            "scenario": scenario or {},
            "formulas": {key: formula_json(key) for key in FORMULAS if key in used},
            "nodes": {name: node.as_json() for name, node in self.nodes.items()},
        }
        return json.dumps(data, ensure_ascii=False, separators=(",", ":"))


def formula_json(key: str) -> dict[str, str]:
    """A formula as the file says it: expression, and words in both languages."""
    said = say(f"scenario.formula.{key}")
    return {"expression": FORMULAS[key], "zh": said.zh, "en": said.en}


@cache
def _compiled(formula: str) -> CodeType:
    return compile(FORMULAS[formula], formula, "eval")


def _half_up(amount: float) -> float:
    return float(Decimal(repr(amount)).quantize(Decimal(1), rounding=ROUND_HALF_UP))


#: What formulas may call.
_CALLS: dict[str, Any] = {
    "__builtins__": {},
    "max": max,
    "min": min,
    "sum": math.fsum,
    "product": math.prod,
    "dot": lambda xs, ys: math.fsum(x * y for x, y in zip(xs, ys, strict=True)),
    "compound": lambda rates: math.prod(1 + rate / 100 for rate in rates),
    "half_up": _half_up,
    "fen": lambda amount: math.floor(amount * 1e6 + 0.5 + 1e-4) / 1e6,
    "cut": lambda amount: 0.0 if amount < 5e-7 else amount,
}


def figure_name(table: str, column: str, key: object) -> str:
    """How a figure of a table is called.

    >>> figure_name("balance", "available_wan", 2026)
    'balance.available_wan[2026]'
    """
    return f"{table}.{column}[{key}]"


def _inputs(given: Mapping[str, Any]) -> dict[str, str | tuple[str, ...]]:
    return {k: v if isinstance(v, str) else tuple(v) for k, v in given.items()}


def _label(name: str, label: Text | str) -> Text:
    """A node's own words, else the column's with its key."""
    if label:
        return Text.of(label)
    column, _, key = name.rpartition(".")[2].partition("[")
    column, key = (column, key.rstrip("]")) if key else (name, "")
    parts = [Text(word(column, "zh"), word(column, "en"))]
    if key:
        parts.append(Text(*(word(key, lang) for lang in ("zh", "en"))))
    return Text.joined(parts, " ", " ")
