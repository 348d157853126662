"""What may be checked, turned into a book: frames, files, tables, folders; long tables to facts."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from fiscalmodel.checks.facts import Book, Fact, Grid, by, grouped, label
from fiscalmodel.checks.grids import grids_of
from fiscalmodel.checks.printed import printed
from fiscalmodel.errors import Collector, InputError
from fiscalmodel.findings import CellRef
from fiscalmodel.paths import here_or_project
from fiscalmodel.tables.readers import read_workbook
from fiscalmodel.tables.table import Table

#: Files that a folder is searched for.
SUFFIXES = (".csv", ".xlsx", ".xls", ".xlsb", ".ods", ".et")
#: Fewer periods or series than this show no relation between columns.
PERIODS, SERIES = 4, 3
#: Names of the columns that mean the same, the best first.
NAMES = ("indicator_zh", "line", "indicator", "指标", "项目")
_ENTITY = ("area", "region", "entity", "地区")
_SUFFIX = re.compile(r"\s*(?:Finance Bureau|财政局)$")
_FORM = re.compile(r"申报表|绩效目标")
_NUMBERED = re.compile(r"^([A-Za-z]?)(\d+)$")
_TARGET = re.compile(r"target value:\s*(.+)$|目标值[:：]\s*(.+)$")
_PROJECT = re.compile(r"(?:^|;\s*)项目\s+([^;；]+)")
_FUND = re.compile(r"([^;/ ]*经费)(?:[;/ ]|$)")
_MICRO = re.compile(r"面向小微\s*([\d.,]+)\s*万元")
_DEBT = {"general": "一般债务", "special": "专项债务", "total": "政府债务"}
_LEVEL = {"own": "本级", "whole": ""}
#: The cell at the end of a citation; what stands before it names the table.
_CELL = re.compile(r"[，,]?\s*单元格\s*[A-Z]+\d+")


def book_of(source: Any) -> Book:
    """Everything in a source as one book.

    Raises
    ------
    InputError
        If nothing can be read from it; all problems of a folder at once.
    """
    facts: list[Fact] = []
    grids: list[Grid] = []
    problems = Collector()
    for item in items_of(source):
        try:
            for table in tables_of(item):
                if is_tidy(list(table.frame.columns)):
                    facts.extend(_under(_in_order(list(_facts_of(table)))))
                else:
                    made, own = grids_of(table)
                    grids.extend(made)
                    facts.extend(own)
        except InputError as error:
            problems.extend(error)
    problems.raise_if_any()
    facts = _counted_once(facts)
    grids.extend(_over_periods(fact for fact in facts if not fact.in_grid))
    return Book(tuple(facts), tuple(grids))


def items_of(source: Any) -> Iterable[Any]:
    """Frames, tables and files in a source; folders and lists taken apart.

    Raises
    ------
    InputError
        If it is something else, is not there, or holds nothing.
    """
    if isinstance(source, (str, Path)):
        path = here_or_project(source)
        if not path.exists():
            raise InputError(str(source), "ground.no_such_file")
        if not path.is_dir():
            return [path]
        known = (p for p in path.iterdir() if not p.name.startswith("~$"))
        files = sorted(p for p in known if p.suffix.lower() in SUFFIXES)
        if not files:
            raise InputError(str(source), "checks.empty_folder")
        return files
    if isinstance(source, (pd.DataFrame, Table)):
        return [source]
    if isinstance(source, Iterable):
        return [one for item in source for one in items_of(item)]
    raise InputError("reconcile", "checks.no_source", kind=type(source).__name__)


def tables_of(item: Any) -> list[Table]:
    """The tables of one frame, table or file."""
    if isinstance(item, pd.DataFrame):
        return [Table.of(item, name=str(item.attrs.get("name", "table")))]
    return [item] if isinstance(item, Table) else read_workbook(Path(item), strict=False)


def _counted_once(facts: list[Fact]) -> list[Fact]:
    """A figure that two files of a folder carry over from one publication counts once."""
    seen: dict[tuple[str, ...], str] = {}
    kept = []
    for fact in facts:
        key = (fact.document, fact.key, fact.label.raw, fact.unit, fact.text)
        if not fact.key or seen.setdefault(key, fact.cell.file) == fact.cell.file:
            kept.append(fact)
    return kept


def _over_periods(facts: Iterable[Fact]) -> Iterator[Grid]:
    """One grid for each entity of a publication that has series over many periods."""
    amounts = by("document", "entity", when=lambda f: f.series and len(f.years) == 1 and f.yuan)
    for own in grouped(facts, amounts).values():
        series = [
            {(f.years[0], f.month): f for f in reversed(one)}
            for one in grouped(own, by("series")).values()
        ]
        long = [values for values in series if len(values) >= PERIODS]
        if len(long) < SERIES:
            continue
        periods = sorted({p for values in long for p in values})
        names = [f"{year}-{month}" if month else str(year) for year, month in periods]
        firsts = [next(reversed(values.values())) for values in long]
        yield Grid(
            name=firsts[0].entity,
            document=firsts[0].document,
            headers=[first.label for first in firsts],
            units=[first.unit for first in firsts],
            labels=[label(name) for name in names],
            facts=[[values.get(p) for values in long] for p in periods],
            marks=[""] * len(periods),
            indents=[0] * len(periods),
            periods=[(year, name) for (year, _), name in zip(periods, names, strict=True)],
        )


# ---------------------------------------------------------------- one figure a row


def is_tidy(columns: Sequence[Hashable]) -> bool:
    """Whether each row holds one figure with its name."""
    names = set(map(str, columns))
    named = bool(names & {"indicator_zh", "line", "indicator", "of_series"})
    return named and bool(names & {"value", "printed"})


@dataclass(frozen=True)
class _Row:
    """One row of a long table."""

    table: Table
    at: int

    def text(self, *names: str) -> str:
        """What stands in the first of the columns that is filled."""
        columns = (self.table.shown[name] for name in names if name in self.table.shown)
        return next((text for values in columns if (text := values[self.at].strip())), "")

    def cell(self, name: str) -> CellRef:
        """Where a column's cell of this row stands."""
        letter = self.table.letters.get(name, next(iter(self.table.letters.values())))
        address = f"{letter}{self.table.rows[self.at]}"
        return CellRef(Path(self.table.file).name, self.table.sheet, address)


def _in_order(facts: list[Fact]) -> list[Fact]:
    """By the numbers of their keys, if all have one: 其中 belongs to what was printed above it."""
    numbers = [_NUMBERED.match(fact.key) for fact in facts]
    if not all(numbers):
        return facts
    order = {id(f): (m[1], int(m[2])) for f, m in zip(facts, numbers, strict=True) if m}
    return sorted(facts, key=lambda fact: order[id(fact)])


def _under(facts: list[Fact]) -> Iterator[Fact]:
    """Each fact with the heading above it: 利息收入 stands under every fund of its table."""
    heads: dict[tuple[str, ...], str] = {}
    inside: set[tuple[str, ...]] = set()
    for fact in facts:
        lab, table = fact.label, fact.table
        if lab.level or lab.is_subtotal:
            heads[table] = lab.raw
        elif lab.of_which and table not in inside:
            # A heading without a figure has no row, but its 其中 begins anew.
            heads[table] = f"{heads.get(table, '')}+"
        (inside.add if lab.of_which else inside.discard)(table)
        head = heads.get(table, "")
        yield replace(fact, under=head) if head != lab.raw else fact


def _facts_of(table: Table) -> Iterator[Fact]:
    """The figure of each row, with those that stand beside it."""
    for at in range(len(table)):
        row = _Row(table, at)
        fact = _fact(row)
        yield fact
        # The part reserved for micro firms, from its own column or from the remark.
        micro, place = row.text("of_which_micro"), "of_which_micro"
        if not micro and (noted := _MICRO.search(fact.note)):
            micro, place = noted[1], "note"
        if micro:
            of_micro = replace(fact, label=label(f"面向小微企业:{fact.label.raw}"), note="")
            yield replace(of_micro, cell=row.cell(place), text=micro, figure=printed(micro))
        if weight := row.text("weight"):
            points = replace(fact, cell=row.cell("weight"), text=weight, figure=printed(weight))
            note = f"target value: {fact.text}"
            yield replace(points, unit="分", scope="绩效指标权重", note=note)


def _fact(row: _Row) -> Fact:
    text = row.text
    # What was printed where that is kept, else the value.
    kept = "printed" in row.table.shown and (text("printed") or text("missing_reason"))
    column = "printed" if kept or "value" not in row.table.shown else "value"
    value, note = text(column), text("note")
    section = text("table") or text("section")
    if not section and text("doc_id"):
        # The place in the publication is then the last part of its citation.
        section = _CELL.sub("", text("source")).rpartition("，")[2]
    name, section, project = _placed(
        text(*NAMES) or text("of_series"), section, text("programme"), note
    )
    year, period = _when(row)
    code = text("function_code") or text("economic_code")
    parsed = label(name)
    if len(code) == 3 and not parsed.code:
        parsed = replace(parsed, code=code)
    # What a parent column says is a part of it (其中).
    if text("parent") and not parsed.of_which:
        parsed = replace(parsed, of_which=True)
    return Fact(
        cell=row.cell(column),
        label=parsed,
        text=value,
        figure=printed(value),
        unit=text("unit", "单位"),
        document=text("doc_id", "source") or Path(row.table.file).name,
        section=section,
        entity=_SUFFIX.sub("", text(*_ENTITY)) + _LEVEL.get(text("level"), ""),
        scope=_DEBT.get(text("debt_type"), text("budget_scope")),
        year=year,
        period=period,
        kind=text("bound", "kind"),
        version=text("version") if text("level") else "",
        calibre=text("calibre"),
        note=note,
        key=text("fact_id", "id", "line_id"),
        project=project,
        series=text("series_id"),
        of_series=text("of_series"),
        measure=text("measure"),
        flag=text("scope_flag"),
    )


def _placed(name: str, section: str, programme: str, note: str) -> tuple[str, str, str]:
    """Label, table and programme: forms are named after theirs, lists hold many."""
    if not programme:
        form = section.rpartition("/")[2] if _FORM.search(section) and "/" in section else ""
        found = _PROJECT.search(note) or (_FUND.match(note) if label(name).row else None)
        return name, section, label(found[1]).core if found else form
    if _FORM.search(section) and "整体" not in section:
        return name, f"{section}/{programme}", programme
    if label(name).row:
        return name, section, label(programme).core
    return f"{name}:{programme}", section, programme


def _when(row: _Row) -> tuple[str, str]:
    """Year (or span of years) and period within it."""
    year, period = row.text("year", "年度"), row.text("period", "期间")
    inner = row.text("column")
    if year:
        return year, period
    spans = re.fullmatch(r"(\d{4})(?:-\d\d)?/(\d{4})(?:-\d\d)?", period)
    if spans:
        return (spans[1] if spans[1] == spans[2] else period), inner or period
    return period[:4] if period[:4].isdigit() else "", inner or period


def target_text(fact: Fact) -> str:
    """The printed target that a weight belongs to."""
    found = _TARGET.search(fact.note)
    return (found[1] or found[2]).strip() if found else ""
