"""Tables of an outcome explained: the formula and inputs of each column, and one walker.

A table's rules stand in a mapping, column -> rule, as ``"gap first=resources_wan
second=expenditure_wan"``: a formula of `fiscalmodel.scenario.graph.FORMULAS` and, for each
input, where it stands (see `Tracer.table`). Figures are taken from the tables, so that whoever
works the formulas out again has checked the evaluation.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import pandas as pd

from fiscalmodel import policy, yamlio
from fiscalmodel.display import word
from fiscalmodel.errors import InputError
from fiscalmodel.paths import project_root
from fiscalmodel.scenario.data import TABLE_KEYS
from fiscalmodel.scenario.graph import Graph, figure_name
from fiscalmodel.scenario.outcome import Outcome
from fiscalmodel.series.types import Series
from fiscalmodel.tables.records import Row
from fiscalmodel.words import Text, official, say

#: Column -> its rule, or several of which the first that gives the figure holds.
Rules = Mapping[str, str | tuple[str, ...]]
#: What code adds to rules: node or nodes by row and column, None where there is none.
Given = Callable[[Mapping[str, Any], str], Any]
#: Where a row of the data package names its place.
_PLACED = re.compile(r"(.*) \[(data/[^\]]+)\]", re.DOTALL)
_REFERENCE = re.compile(
    r"(?P<mark>[<*@]?)(?:(?P<table>\w+)\.)?(?P<column>[\w-]+)"
    r"(?:\{(?P<join>[^}]*)\})?(?:\[(?P<key>[^\]]*)\])?(?P<none>\??)$"
)
_UNITS = {
    "_pct": "%", "_points": "%", "_fen": "分",
    **dict.fromkeys(("_wan", "-80", "-95", "mean", "budget", "to_date", "unspent", "rest_of_year",
                     "alone"), "万元"),
}  # fmt: skip


@dataclass(frozen=True)
class _Reference:
    """Where an input stands; see `Tracer.table`."""

    mark: str
    table: str
    column: str
    join: tuple[tuple[str, str, bool], ...] | None
    key: str | None
    none: bool

    @classmethod
    def of(cls, text: str) -> _Reference:
        found = _REFERENCE.match(text)
        assert found is not None, text
        join = None
        if found["join"] is not None:
            pairs = [one.partition("=") for one in found["join"].split(",") if one]
            join = tuple((a, b or a, mark == "=" and b[:1] != ":") for a, mark, b in pairs)
        return cls(
            found["mark"], found["table"] or "", found["column"], join, found["key"],
            bool(found["none"]),
        )  # fmt: skip


@cache
def _parsed(rule: str) -> tuple[str, tuple[tuple[str, bool, tuple[_Reference, ...]], ...]]:
    """Formula of a rule, and for each input whether it is a list and where its parts stand."""
    formula, *inputs = rule.split()
    made = []
    for text in inputs:
        name, _, places = text.partition("=")
        parts = [_Reference.of(part) for part in places.split("+") if part]
        listed = "+" in places or any(p.join is not None or p.mark == "*" for p in parts)
        made.append((name, listed, tuple(parts)))
    return formula, tuple(made)


@dataclass(frozen=True)
class _Row:
    key: str
    values: Mapping[str, Any]


@dataclass
class Tracer:
    """An outcome that is being traced: its graph, its tables, where its scenario's keys stand.

    `secret` says whether contracts go by their own ids; else they are numbered.
    """

    outcome: Outcome
    secret: bool = False
    graph: Graph = field(default_factory=Graph)
    lines: dict[yamlio.KeyPath, str] = field(default_factory=dict)
    series: dict[str, Series] = field(default_factory=dict)
    rows: dict[str, list[_Row]] = field(default_factory=dict)
    files: dict[str, list[Any]] = field(default_factory=dict)

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
        above = (path[:n] for n in range(len(path), 0, -1))
        where = next((self.lines[part] for part in above if part in self.lines), "")
        if not where:
            # Neither in a file nor by default anything else than what the schema states.
            where = say("scenario.by_default" if self.lines else "scenario.in_session").zh
        return self.graph.leaf(
            f"scenario.{key}", value, "scenario", unit, label=label or key, where=where
        )

    def rule(self, key: str, day: object, value: float, unit: str, part: str = "") -> str:
        """A dated rule with its 文号."""
        found, entry = policy.parameter(key), policy.at(key, day)
        label = Text(found.title("zh"), found.title("en"))
        name = f"policy.{key}{part and f'.{part}'}[{entry.start}]"
        note = Text.of(f"{entry.source} {entry.link} ({entry.confidence}/{entry.basis})")
        where = f"{found.file} {entry.doc_no}".strip()
        return self.graph.leaf(name, value, "policy", unit, label=label + part, note=note,
                               where=where)  # fmt: skip

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
            f"cell.{series.series_id}[{period}]", value, "cell", series.unit, label=label,
            where=where, note=note,
        )  # fmt: skip

    # ---- tables ----

    def table(
        self, name: str, frame: pd.DataFrame | Iterable[Mapping[str, Any]], rules: Rules,
        key: str | Callable[[Mapping[str, Any]], object] = "", *,
        label: Callable[[Mapping[str, Any]], Text | str] | None = None, totals: Sequence[str] = (),
        where: str = "", cells: Cells | None = None, **given: Given,
    ) -> None:  # fmt: skip
        """Every figure of a table that has a rule.

        Parameters
        ----------
        name, key
            What the table's figures are called by, and the column of the rows' keys (or how
            they are made); by default rows are numbered.
        rules
            An input is a column of the same row, ``<column`` of the row before, ``*column`` of
            all rows up to this one, ``table.column`` of the row of the same key (or year) in
            another table, ``table.column[key]`` a figure, ``table.column{year,side=use,a=:b}``
            all rows of a table where `year` is this row's, `side` is ``use`` and `a` is this
            row's `b`,
            ``@name`` what `given` has, else the cell of that column in `cells`; ``a+b`` is a
            list, ``?`` allows for none. For formulas there are also ``cell``, ``model`` and
            ``terms``: leaves with what `given` has.
        label
            A row's name in both languages; its key by default.
        totals
            Columns whose sum is a figure too, with the key ``total``.
        where, cells
            Files of the table, for figures that no rule gives; their cells.
        """
        if cells is not None:
            given = {"cell": cells.leaf, **given}
        listed: Any = frame.to_dict("records") if isinstance(frame, pd.DataFrame) else frame
        rows = self.rows[name] = []
        for n, values in enumerate(listed, 1):
            found = n if not key else key(values) if callable(key) else values[key]
            rows.append(_Row(str(found), values))
            named = None if label is None else Text.of(label(values))
            for column, rule in rules.items():
                value = values.get(column)
                if isinstance(value, (str, bool)) or value is None or value != value:
                    continue
                told = named and Text.joined([_head(column), named], " ", " ")
                self._figure(name, column, rule, float(value), told or "", where, given, cells)
        for column in totals:
            parts = [figure_name(name, column, row.key) for row in rows]
            self.graph.sum(figure_name(name, column, "total"),
                           [p for p in parts if p in self.graph], unit_of(column))  # fmt: skip

    def _figure(
        self, table: str, column: str, rule: str | tuple[str, ...], value: float,
        label: Text | str, where: str, given: Mapping[str, Given], cells: Cells | None,
    ) -> None:  # fmt: skip
        row, g, unit = self.rows[table][-1], self.graph, unit_of(column)
        name = figure_name(table, column, row.key)
        for text in (rule,) if isinstance(rule, str) else rule:
            formula, wanted = _parsed(text)
            if formula in ("cell", "model", "terms"):
                about = given[formula](row.values, column)
                if about is not None:
                    how: Any = formula
                    g.leaf(name, value, how, unit, label=label, figure=True, **about)
                    return
                continue
            inputs = self._inputs(table, column, wanted, given, cells)
            if inputs is None:
                continue
            if formula == "sum":
                parts = inputs["parts"]
                formula = "sum" if len(parts) > 1 else "same"
                inputs = inputs if len(parts) > 1 else {"of": parts[0] if parts else g.none()}
            if abs(g.worked(formula, inputs) - value) <= 1e-9 * max(1.0, abs(value)):
                g.figure(name, value, formula, unit, label, **inputs)
                return
        g.leaf(name, value, "part", unit, label=label, where=where, figure=True)

    def _inputs(
        self, table: str, column: str,
        wanted: tuple[tuple[str, bool, tuple[_Reference, ...]], ...], given: Mapping[str, Given],
        cells: Cells | None,
    ) -> dict[str, Any] | None:  # fmt: skip
        made = dict[str, Any]()
        for name, listed, parts in wanted:
            nodes: list[str] = []
            for part in parts:
                found = self._nodes(table, column, part, given, cells)
                if found is None and part.none:
                    found = [self.graph.none()]
                if found is None:
                    return None
                listed |= isinstance(found, tuple)
                nodes += [found] if isinstance(found, str) else found
            if not all(node in self.graph for node in nodes):
                return None
            made[name] = nodes if listed or name == "parts" else nodes[0]
        return made

    def _nodes(
        self, table: str, column: str, part: _Reference, given: Mapping[str, Given],
        cells: Cells | None,
    ) -> str | Sequence[str] | None:  # fmt: skip
        row = self.rows[table][-1]
        if part.mark == "@" and part.column not in given and cells is not None:
            return cells.node(row.values, part.column, row.values[column])
        if part.mark == "@":
            found = given[part.column](row.values, column)
            return found if found is None or isinstance(found, str) else tuple(found)
        of = part.table or table
        if part.join is not None:
            return tuple(
                figure_name(of, part.column, one.key) for one in self.joined(of, part.join, row)
            )
        at = [row]
        if part.mark:
            group = _GROUPS.get(table)
            mine = [r for r in self.rows[table]
                    if not group or r.values[group] == row.values[group]]  # fmt: skip
            at = mine if part.mark == "*" else mine[-2:-1]
        keys = [part.key] if part.key is not None else [one.key for one in at]
        if part.table and "year" in row.values:
            keys.append(str(row.values["year"]))
        names = [figure_name(of, part.column, key) for key in keys]
        there = tuple(name for name in names if name in self.graph)
        return there if part.mark == "*" else next(iter(there), None)

    def joined(
        self, table: str, join: tuple[tuple[str, str, bool], ...], row: _Row
    ) -> Iterator[_Row]:
        """Rows of a table that agree with a row in some columns."""
        wanted = [(a, b if stated else str(row.values.get(b.lstrip(":")))) for a, b, stated in join]
        for one in self.rows.get(table, []):
            if one is not row and all(str(one.values.get(a)) == text for a, text in wanted):
                yield one


@dataclass
class Cells:
    """The cells of the files of a part, found by what stands in some columns of a row."""

    graph: Graph
    by: tuple[str, ...]
    #: Texts of a row, and place and value of its numbers by column.
    rows: list[tuple[set[str], dict[str, tuple[str, float]]]]

    @classmethod
    def of(cls, t: Tracer, part: str, by: Sequence[str]) -> Cells:
        """The cells of a part; its files are read once."""
        if part not in t.files:
            rows = t.files[part] = []
            for key in t.outcome.scenario.places:
                if key in TABLE_KEYS and key.startswith(f"{part}."):
                    try:
                        rows += map(_read, t.outcome.scenario.records(key))
                    except InputError:
                        continue  # a form of its own, which its reader knows
        return cls(t.graph, tuple(by), t.files[part])

    def every(self, row: Mapping[str, Any], column: str) -> list[str]:
        """All cells of a column that stand in rows of this name."""
        wanted = {_text(row[c]) for c in self.by if c in row}
        return [
            self._node(row, column, *cells[column])
            for texts, cells in self.rows
            if column in cells and wanted <= texts
        ]

    def sole(self, row: Mapping[str, Any], column: str) -> str | None:
        """The cell of a row; None where there is none or more than one."""
        found = self.every(row, column)
        return found[0] if len(found) == 1 else None

    def node(self, row: Mapping[str, Any], column: str, value: float) -> str | None:
        """The cell of a row that holds a value."""
        found = (n for n in self.every(row, column) if abs(self.graph.value(n) - value) < 1e-9)
        return next(found, None)

    def leaf(self, row: Mapping[str, Any], column: str) -> dict[str, Any] | None:
        """For the rule ``cell``."""
        wanted = {_text(row[c]) for c in self.by if c in row}
        for texts, cells in self.rows:
            if wanted <= texts and column in cells and abs(cells[column][1] - row[column]) < 1e-9:
                return {"where": cells[column][0]}
        return None

    def _node(self, row: Mapping[str, Any], column: str, where: str, value: float) -> str:
        named = [_text(row[c]) for c in self.by if c in row]
        label = Text.joined([_head(column), *named], " ", " ")
        return self.graph.leaf(f"cell.{where}", value, "cell", unit_of(column), label=label,
                               where=where)  # fmt: skip


def _read(row: Row) -> tuple[set[str], dict[str, tuple[str, float]]]:
    columns = row.table.columns
    texts = {row.text(c) for c in columns if row.cells.get(c) is not None}
    texts |= {official(c, row.text(c)) or "" for c in columns if c in _OFFICIAL}
    texts |= {str(row.period("period"))} if "period" in columns else set()
    numbers = {
        c: (row.where(c), (row.wan if c.endswith("_wan") else row.number)(c, default=math.nan))
        for c in columns
        if row.is_number(c)
    }
    return texts, {c: found for c, found in numbers.items() if found[1] == found[1]}


#: Table -> column whose rows belong together, for rows before and up to one.
_GROUPS = {
    "special_bonds_by_year": "project_id", "cash_by_kind": "cash_kind", "by_source": "source_id",
    "affordability": "test", "cash_payments": "turn",
}  # fmt: skip
#: Columns of official words, which tables give by their code.
_OFFICIAL = {"sanbao_part", "standard", "cash_kind", "cash_line", "funding", "idle_kind"}


def unit_of(column: str) -> str:
    """Unit of a column by its name."""
    return next((unit for end, unit in _UNITS.items() if column.endswith(end)), "")


def _text(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


@cache
def _head(column: str) -> Text:
    return Text(word(column, "zh"), word(column, "en"))
