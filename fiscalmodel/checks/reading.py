"""What may be checked, turned into a book: frames, files, tables, folders; long tables to facts."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from fiscalmodel.checks.facts import Book, Fact, Grid, label
from fiscalmodel.checks.grids import grids_of
from fiscalmodel.checks.printed import printed
from fiscalmodel.errors import Collector, InputError
from fiscalmodel.findings import CellRef
from fiscalmodel.paths import project_root
from fiscalmodel.tables.grid import column_letter
from fiscalmodel.tables.table import Table

#: Files that a folder is searched for.
SUFFIXES = (".csv", ".xlsx", ".xls", ".xlsb", ".ods", ".et")
#: Fewer periods or series than this show no relation between columns.
PERIODS, SERIES = 4, 3
#: Names of the columns that mean the same, the best first.
NAMES = ("indicator_zh", "line", "indicator", "指标", "项目")
_ENTITY = ("region", "entity", "地区")
_SUFFIX = re.compile(r"\s*(?:Finance Bureau|财政局)$")
_FORM = re.compile(r"申报表|绩效目标")
_NUMBERED = re.compile(r"^([A-Za-z]?)(\d+)$")
_TARGET = re.compile(r"target value:\s*(.+)$|目标值[:：]\s*(.+)$")
_PROJECT = re.compile(r"(?:^|;\s*)项目\s+([^;；]+)")
_FUND = re.compile(r"([^;/ ]*经费)(?:[;/ ]|$)")
_MICRO = re.compile(r"面向小微\s*([\d.,]+)\s*万元")
_DEBT = {"general": "一般债务", "special": "专项债务"}


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
            for table in _tables(item):
                if isinstance(table, list):
                    facts.extend(table)
                    continue
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
        path = Path(source)
        if not path.exists() and not path.is_absolute():
            path = project_root() / path
        if not path.exists():
            raise InputError(str(source), "ground.no_such_file")
        if path.is_dir():
            known = (p for p in path.iterdir() if not p.name.startswith("~$"))
            files = sorted(p for p in known if p.suffix.lower() in SUFFIXES)
            if not files:
                raise InputError(str(source), "checks.empty_folder")
            return files
        return [path]
    if isinstance(source, (pd.DataFrame, Table)):
        return [source]
    if isinstance(source, Iterable):
        return [one for item in source for one in items_of(item)]
    raise InputError("reconcile", "checks.no_source", kind=type(source).__name__)


def _tables(item: Any) -> Iterator[list[Fact] | Table]:
    """The facts of a long table, or the tables as printed, that an item holds."""
    if isinstance(item, pd.DataFrame):
        name = str(item.attrs.get("name", "table"))
        if is_tidy(list(item.columns)):
            yield facts_of(item, file=name)
        else:
            yield Table.of(item, name=name)
        return
    if not isinstance(item, Table):
        from fiscalmodel.tables.readers import read_workbook

        tables: list[Table] = read_workbook(Path(item), strict=False)
    else:
        tables = [item]
    for table in tables:
        if is_tidy(list(table.frame.columns)):
            facts = facts_of(table.texts, file=Path(table.file).name, sheet=table.sheet)
            yield _moved(facts, table)
        else:
            yield table


def _moved(facts: list[Fact], table: Table) -> list[Fact]:
    """Facts with the addresses that the table's cells really have."""
    first = table.cells.iloc[0] if len(table) else None
    if first is None:
        return facts
    columns = {column_letter(j): c for j, c in enumerate(table.frame.columns)}
    moved = []
    for fact in facts:
        letters = fact.cell.cell.rstrip("0123456789")
        row = int(fact.cell.cell[len(letters) :]) - 2
        address = str(table.cells.iloc[row][columns[letters]])
        moved.append(replace(fact, cell=CellRef(fact.cell.file, fact.cell.sheet, address)))
    return moved


def _counted_once(facts: list[Fact]) -> list[Fact]:
    """A figure that two files of a folder carry over from one publication counts once."""
    seen: dict[tuple[str, ...], str] = {}
    kept = []
    for fact in facts:
        if fact.key:
            key = (fact.document, fact.key, fact.label.raw, fact.unit, fact.text)
            other = seen.setdefault(key, fact.cell.file)
            if other != fact.cell.file:
                continue
        kept.append(fact)
    return kept


def _over_periods(facts: Iterable[Fact]) -> Iterator[Grid]:
    """One grid for each entity of a publication that has series over many periods."""
    groups: dict[tuple[str, str], dict[str, dict[tuple[int, str], Fact]]] = {}
    for fact in facts:
        if fact.figure is None or not fact.series or len(fact.years) != 1 or not fact.yuan:
            continue
        period = (fact.years[0], fact.month)
        series = groups.setdefault((fact.document, fact.entity), {})
        series.setdefault(fact.series, {}).setdefault(period, fact)
    for (document, entity), series in groups.items():
        long = {name: values for name, values in series.items() if len(values) >= PERIODS}
        if len(long) < SERIES:
            continue
        periods = sorted({p for values in long.values() for p in values})
        firsts = [next(iter(values.values())) for values in long.values()]
        yield Grid(
            name=entity,
            document=document,
            headers=[first.label for first in firsts],
            units=[first.unit for first in firsts],
            labels=[label(f"{year}-{month}".strip("-")) for year, month in periods],
            facts=[[values.get(p) for values in long.values()] for p in periods],
            marks=[""] * len(periods),
            indents=[0] * len(periods),
            periods=[(year, f"{year}-{month}" if month else str(year)) for year, month in periods],
        )


def is_tidy(columns: Sequence[Hashable]) -> bool:
    """Whether each row holds one figure with its name."""
    names = set(map(str, columns))
    named = bool(names & {"indicator_zh", "line", "indicator", "of_series"})
    return named and bool(names & {"value", "printed"})


@dataclass(frozen=True)
class _Columns:
    """Columns of the frame as lists of text, `""` for what is not there."""

    frame: dict[str, list[Any]]
    size: int

    def text(self, row: int, *names: str) -> str:
        for name in names:
            values = self.frame.get(name)
            if values is not None:
                value = values[row]
                if value is not None and value == value and str(value).strip():
                    return str(value).strip()
        return ""

    def raw(self, row: int, *names: str) -> tuple[str, Any]:
        """The first of the columns that is there, with its value."""
        for name in names:
            if name in self.frame:
                return name, self.frame[name][row]
        return "", None


def facts_of(frame: pd.DataFrame, *, file: str, sheet: str = "") -> list[Fact]:
    """The facts of a long table, in order; cells as if its header stood in row 1."""
    columns = _Columns({str(c): frame[c].tolist() for c in frame.columns}, len(frame))
    letters = {str(c): column_letter(j) for j, c in enumerate(frame.columns)}
    facts: list[Fact] = []
    for row in range(len(frame)):

        def at(name: str, row: int = row) -> CellRef:
            return CellRef(file, sheet, f"{letters.get(name, 'A')}{row + 2}")

        facts.extend(_row(columns, row, at, file))
    return _in_order(facts)


def _in_order(facts: list[Fact]) -> list[Fact]:
    """By the numbers of their keys, if all have one: 其中 belongs to what was printed above it."""
    numbers = [_NUMBERED.match(fact.key) for fact in facts]
    if not all(numbers):
        return facts
    order = {id(f): (m[1], int(m[2])) for f, m in zip(facts, numbers, strict=True) if m}
    return sorted(facts, key=lambda fact: order[id(fact)])


def _row(columns: _Columns, row: int, at: Any, file: str) -> Iterator[Fact]:
    text = columns.text
    column, value = _printed_value(columns, row)
    note = text(row, "note")
    programme = text(row, "programme")
    section = text(row, "table") or text(row, "section")
    if not section and text(row, "doc_id"):
        # The place in the publication is then the last part of its citation.
        section = text(row, "source").rpartition("，")[2]
    name = text(row, *NAMES) or text(row, "of_series")
    name, section, project = _placed(name, section, programme, note)
    year, period = _when(columns, row)
    code = text(row, "function_code") or text(row, "economic_code")
    parsed = label(name)
    if len(code) == 3 and not parsed.code:
        parsed = replace(parsed, code=code)
    # What a parent column says is a part of it (其中).
    if text(row, "parent") and not parsed.of_which:
        parsed = replace(parsed, of_which=True)
    fact = Fact(
        cell=at(column),
        label=parsed,
        text="" if value is None or value != value else str(value).strip(),
        figure=printed(value),
        unit=text(row, "unit", "单位"),
        document=text(row, "doc_id", "source") or file,
        section=section,
        entity=_SUFFIX.sub("", text(row, *_ENTITY)),
        scope=_DEBT.get(text(row, "debt_type"), text(row, "budget_scope")),
        year=year,
        period=period,
        kind=text(row, "bound", "kind"),
        calibre=text(row, "calibre"),
        note=note,
        key=text(row, "fact_id", "id", "line_id"),
        project=project,
        series=text(row, "series_id"),
        of_series=text(row, "of_series"),
        measure=text(row, "measure"),
        flag=text(row, "scope_flag"),
    )
    weight = text(row, "weight")
    yield fact
    yield from _beside(columns, row, at, fact)
    if weight:
        yield replace(
            fact,
            cell=at("weight"),
            text=weight,
            figure=printed(weight),
            unit="分",
            scope="绩效指标权重",
            note=f"target value: {fact.text}",
        )


def _printed_value(columns: _Columns, row: int) -> tuple[str, Any]:
    """What was printed where that is kept, else the value."""
    name, value = columns.raw(row, "printed")
    if name and (columns.text(row, "printed") or columns.text(row, "missing_reason")):
        return name, value
    return columns.raw(row, "value", "printed")


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


def _when(columns: _Columns, row: int) -> tuple[str, str]:
    """Year (or span of years) and period within it."""
    year, period = columns.text(row, "year", "年度"), columns.text(row, "period", "期间")
    inner = columns.text(row, "column")
    if year:
        return year, period
    spans = re.fullmatch(r"(\d{4})(?:-\d\d)?/(\d{4})(?:-\d\d)?", period)
    if spans:
        return (spans[1] if spans[1] == spans[2] else period), inner or period
    return period[:4] if period[:4].isdigit() else "", inner or period


def _beside(columns: _Columns, row: int, at: Any, fact: Fact) -> Iterator[Fact]:
    """The part reserved for micro firms, from its own column or from the remark."""
    micro, place = columns.text(row, "of_which_micro"), "of_which_micro"
    found = _MICRO.search(fact.note)
    if not micro and found:
        micro, place = found[1], "note"
    if micro:
        yield replace(
            fact,
            cell=at(place),
            label=label(f"面向小微企业:{fact.label.raw}"),
            text=micro,
            figure=printed(micro),
            note="",
        )


def target_text(fact: Fact) -> str:
    """The printed target that a weight belongs to."""
    found = _TARGET.search(fact.note)
    return (found[1] or found[2]).strip() if found else ""
