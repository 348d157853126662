"""`explain`: any figure of an outcome, down to the cell, rule, line or model it comes from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from fiscalmodel.display import Result
from fiscalmodel.errors import InputError, did_you_mean
from fiscalmodel.scenario.graph import Graph, Node
from fiscalmodel.scenario.outcome import Outcome
from fiscalmodel.scenario.trace import Tracer
from fiscalmodel.scenario.trace_budget import trace_budget, trace_closed
from fiscalmodel.scenario.trace_debt import trace_debt
from fiscalmodel.scenario.trace_fees import trace_fees
from fiscalmodel.scenario.trace_parts import trace_parts
from fiscalmodel.scenario.trace_year import trace_year
from fiscalmodel.units import amount_text
from fiscalmodel.words import Text, say

#: How far down the table of an explanation goes, and how many inputs of one figure it lists.
DEEPEST, WIDEST = 12, 40


@dataclass(frozen=True, repr=False)
class Explained(Result):
    """Every figure of an outcome with where it comes from.

    Attributes
    ----------
    table
        ``figure, how, count``: how many figures of each table come about in which way.
    graph
        The figures and what they are worked out from, by name.
    scenario
        Id, names and files of the scenario, for the JSON file.
    """

    table: pd.DataFrame
    graph: Graph = field(repr=False)
    scenario: dict[str, Any] = field(repr=False)

    @property
    def answer(self) -> Text:
        """How many figures there are, and how many of them are a model's."""
        hows = [node.how for _, node in self.graph.figures()]
        return say("scenario.explained", count=len(hows), model=hows.count("model"))

    def json(self) -> str:
        """The file that stands beside a report; see `fiscalmodel.scenario.graph`."""
        return self.graph.json(self.scenario)


@dataclass(frozen=True, repr=False)
class Explanation(Result):
    """One figure: its formula in words, and its inputs down to their sources.

    Attributes
    ----------
    name
        As in `explain`: ``balance.available_wan[2026]``.
    node
        The figure.
    table
        ``level, name, value, unit, how, where``: inputs under what they go into.
    graph
        All figures, to go on from here.
    """

    name: str
    node: Node
    table: pd.DataFrame
    graph: Graph = field(repr=False)

    @classmethod
    def of(cls, name: str, graph: Graph) -> Explanation:
        """The explanation of a node."""
        node = graph.nodes[name]
        rows = list(_rows(graph, node, 0, set()))
        columns = ["level", "name", "value", "unit", "how", "where"]
        return cls(name, node, pd.DataFrame(rows, columns=columns), graph)

    @property
    def answer(self) -> Text:
        """The figure and its formula."""
        return say(
            "scenario.explanation",
            name=self.node.name,
            value=_amount(self.node),
            said=Text(self.node.said("zh"), self.node.said("en")),
        )

    @property
    def short(self) -> pd.DataFrame:
        """The table with names set in by their level."""
        frame = self.table
        names = [
            "　" * level + str(name)
            for level, name in zip(frame["level"], frame["name"], strict=True)
        ]
        return frame.assign(name=names).drop(columns="level")

    def __getitem__(self, part: str) -> Explanation:
        """The explanation of an input, by the formula's name for it."""
        found = self.node.inputs.get(part)
        one = found if isinstance(found, str) or found is None else found[0]
        if one is None:
            raise InputError(
                "explain",
                "scenario.no_input",
                did_you_mean(part, list(self.node.inputs)),
                name=part,
            )
        return Explanation.of(one, self.graph)


def _rows(graph: Graph, node: Node, level: int, above: set[str]) -> Iterator[tuple[Any, ...]]:
    """A figure and, further in, what it comes from; each source once."""
    where = Text.joined([node.where, node.note], "；", "; ")
    yield level, node.name(), node.value, node.unit, node.said(), str(where)
    if level == DEEPEST:
        return
    inputs = node.sources()
    for _, one in inputs[:WIDEST]:
        if one not in above:
            above.add(one)
            yield from _rows(graph, graph.nodes[one], level + 1, above)
    if len(inputs) > WIDEST:
        more = say("scenario.more_inputs", count=len(inputs) - WIDEST)()
        yield level + 1, more, float("nan"), "", "", ""


def _amount(node: Node) -> Text:
    """A figure with its unit as a report says it."""
    if node.unit == "分":
        return Text.of(f"{node.value / 100:,.2f}元")
    if node.unit == "万元" and abs(node.value) >= 1e4:
        return Text.of(amount_text(node.value, "万元"))
    return Text.of(f"{node.value:,.2f}{node.unit}")


def trace(outcome: Outcome, *, secret: bool = False) -> Explained:
    """Every figure of an outcome with where it comes from.

    Parameters
    ----------
    secret
        Whether contracts go by their own ids. By default they are numbered, and no debtor or
        creditor is named.
    """
    t = Tracer(outcome, secret)
    trace_budget(t)
    trace_debt(t)
    trace_closed(t)
    trace_parts(t)
    trace_fees(t)
    trace_year(t)
    case = outcome.scenario
    about = {
        "id": case.id,
        "name": {"zh": case.name("zh"), "en": case.name("en")},
        "as_of": case.spec.as_of.isoformat(),
        "synthetic": case.synthetic,
    }
    rows = [(name.partition(".")[0], node.how) for name, node in t.graph.figures()]
    table = pd.DataFrame(rows, columns=["figure", "how"])
    table = table.groupby(["figure", "how"], sort=False).size().rename("count").reset_index()
    return Explained(table, t.graph, about)


def explain(
    outcome: Outcome, figure: str = "", key: object = None, *, secret: bool = False
) -> Explanation | Explained:
    """Where a figure of an outcome comes from: formula, inputs, source.

    Parameters
    ----------
    outcome
        From `fiscalmodel.evaluate`.
    figure
        Table and column, as ``balance.available_wan``; nothing for all figures.
    key
        Row: the year, or what else tells the table's rows apart, as ``FS-LAND/2026``.
    secret
        Whether contracts go by their own ids; else they are numbered.

    Returns
    -------
    Explanation
        Shows itself: the formula in words, then its inputs, each with its value, down to the
        cell of a file, the scenario's line, the dated rule with its 文号, or the model with
        its training data. Of all figures an `Explained`, with ``.json()``.

    Raises
    ------
    InputError
        For a figure that is not there, with the nearest one.
    """
    made = trace(outcome, secret=secret)
    if not figure:
        return made
    name = figure if key is None else f"{figure}[{key}]"
    if name not in made.graph.nodes:
        near = did_you_mean(name, list(made.graph.nodes))
        raise InputError("explain", "scenario.no_figure", near, name=name)
    return Explanation.of(name, made.graph)
