"""The door for every small table: rows whose cells know their place, all problems at once.

A ledger, a list of sources, quotas, bonds, receipts, payments or rates may come as a
frame, a file, a sheet of a workbook or plain records. Title rows, unit lines, column
numbers, example rows, blank rows, totals and footnotes are recognised; headers are
known in both languages by ``params/words/labels.yaml``; numbers, days, periods and
official words are read by the one grammar of each.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias, TypeVar, cast

import numpy as np
import pandas as pd

from fiscalmodel import days, words
from fiscalmodel.errors import Collector, InputError, did_you_mean, known_names
from fiscalmodel.findings import CellRef
from fiscalmodel.numerals import (
    COMMA,
    Cell,
    exact,
    numbers,
    parse,
    percent_of,
    plain,
    printed,
    why_no_number,
)
from fiscalmodel.paths import here_or_project
from fiscalmodel.tables.files import csv_beginning, load, once, sheet_named
from fiscalmodel.tables.grid import Grid, column_letter
from fiscalmodel.tables.layout import FOOT, is_ordinal
from fiscalmodel.tables.unitlines import (
    header_unit,
    stated_units,
    unit_cells,
    unit_word,
    units_below,
    without_unit,
)
from fiscalmodel.units import FEN_PER, money_unit
from fiscalmodel.words import Text, bare, say

#: What a table argument may be: a frame, a file, ``{file, sheet, unit}``, or records.
TableLike: TypeAlias = (
    "pd.DataFrame | str | Path | Mapping[str, Any] | Iterable[Mapping[str, Any]] | Records"
)
#: The columns that a table may have; a mapping adds headers to those of labels.yaml.
ColumnNames: TypeAlias = "Sequence[str] | Mapping[str, Sequence[str]]"

#: How the first cell of an example row begins in templates whose rows have an id.
EXAMPLE_ID = "示例-"
_SEARCH = 20  # rows in which the header is looked for
#: Sheets that share this part of the table's columns may each be the table.
ALIKE = 0.75
TOTAL_ROW = re.compile(r"(?:[合总共]\s*计|合\s*计数|grand total|total)[:：]?", re.IGNORECASE)
SUBTOTAL_ROW = re.compile(r".{0,12}小\s*计|sub-?total", re.IGNORECASE)
_LONG_CSV = 1_000_000  # bytes from which a CSV file goes column by column

Bound: TypeAlias = "float | None"
T = TypeVar("T")


class _Filled:
    """Marks that a cell must be filled in."""


FILLED = _Filled()


def is_example_row(cells: Iterable[object]) -> bool:
    """Whether a row is a template's example, left in place above real rows.

    >>> is_example_row(["示例-001", "城投平台A"]), is_example_row(["HD-001", "城投平台A"])
    (True, False)
    """
    return any(isinstance(cell, str) and cell.strip().startswith(EXAMPLE_ID) for cell in cells)


@dataclass(eq=False)
class Records:
    """Rows of a table under English column names.

    Attributes
    ----------
    name
        File name, or the argument's name.
    columns
        English names of the columns that were recognised, in the table's order.
    headers
        Column -> header as printed in the table.
    units
        Column -> unit stated in its header, else by the table; empty if none is.
    unknown
        Headers that name no known column.
    rows
        The records; blank, example, total and footnote rows are left out.
    totals, examples
        Rows named 合计 or the like, and the example of a template.
    found
        Collects every problem; :meth:`done` raises them.
    """

    name: str
    columns: tuple[str, ...] = ()
    headers: dict[str, str] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()
    rows: list[Row] = field(default_factory=list)
    totals: list[Row] = field(default_factory=list)
    examples: list[Row] = field(default_factory=list)
    notes: list[Text] = field(default_factory=list)
    found: Collector = field(default_factory=Collector)
    sheet: str = ""
    is_file: bool = False
    example_is_data: bool = False
    position: dict[str, int] = field(default_factory=dict)
    refused: set[tuple[int, str]] = field(default_factory=set)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def has(self, column: str) -> bool:
        """Whether the table has the column."""
        return column in self.columns

    def need(self, *required: str) -> bool:
        """Report required columns that are missing; true if none is. An empty table needs none."""
        missing = [c for c in required if c not in self.columns]
        if not self.columns and not self.unknown:
            return True
        known = say("tables.columns_are", names=[*self.headers.values(), *self.unknown])
        for column in missing:
            said = {"name": column, "official": words.label(column)}
            near = did_you_mean(column, self.unknown)
            hint = near or did_you_mean(said["official"], self.unknown, cutoff=0.5) or known
            self.found.add(self.place(), "tables.column_missing", hint, **said)
        return not missing

    def unread(self, columns: Iterable[str]) -> Text | None:
        """Which columns say nothing here, with the nearest of `columns` that are not there."""
        names = [h for h in self.unknown if words.official("aside", h) is None]
        if not names or not self.columns:
            return None
        absent = [words.label(c) for c in columns if c not in self.columns]
        told = [Text.joined([h, did_you_mean(h, absent, cutoff=0.5)], " ", " ") for h in names]
        return say("tables.columns_unread", where=self.place(), names=told)

    def place(self) -> str:
        """File and sheet, or the argument's name."""
        return str(CellRef(self.name, self.sheet))

    def where(self, line: int, column: str = "") -> str:
        """Place of a cell, with the header as the table prints it."""
        header = self.headers.get(column, column)
        if self.sheet:
            letter = column_letter(self.position[column]) if column in self.position else ""
            return f"{CellRef(self.name, self.sheet, f'{letter}{line}')} {header}".rstrip()
        in_memory = say("tables.place_row", name=self.name, row=line)
        row = f"{self.name}:{line}" if self.is_file else str(in_memory)
        return f"{row}, {header}" if header else row

    def frame(self) -> pd.DataFrame:
        """The records as they stand, one row each; missing cells are None."""
        data = {c: [row.cells.get(c) for row in self.rows] for c in self.columns}
        return pd.DataFrame(data, dtype=object)

    def refilled(self, column: str, values: Mapping[int, Any], unit: str = "") -> Records:
        """The table with other values in some rows of a column; cells keep their places.

        Parameters
        ----------
        values
            Number of a row (from 0) -> its value, in `unit`.
        """
        made = self.shared(self.found)
        made.columns = tuple(dict.fromkeys([*self.columns, column]))
        # A total of what was there says nothing any more.
        made.totals = []
        for n, value in values.items():
            made.rows[n].cells[column] = f"{Decimal(repr(value)):f}{unit}" if unit else value
        return made

    def more(self, rows: Iterable[Mapping[str, Any]]) -> Records:
        """The table with rows that stand in no file below it."""
        made = self.shared(self.found)
        made.rows += [Row(made, 0, dict(row)) for row in rows]
        made.columns = tuple(dict.fromkeys(c for row in made.rows for c in row.cells))
        return made

    def shared(self, found: Collector) -> Records:
        """The table with a collector that other tables share; nothing of this one is changed."""
        made = replace(self, found=found)
        made.rows = [Row(made, row.line, dict(row.cells)) for row in self.rows]
        if found is not self.found:
            found.problems += self.found.problems
        return made

    def done(self) -> None:
        """Raise every problem found, in the order of reading.

        Raises
        ------
        InputError
            If there is any; a total row that is not the sum of its rows is one too.
        """
        if self.examples and not self.rows and not self.example_is_data:
            self.found.add(self.place(), "tables.only_example")
        self._check_totals()
        self.found.raise_if_any()

    def _check_totals(self) -> None:
        """The one total of a table against the sum of its rows, column by column of money."""
        if len(self.totals) != 1:
            return
        total = self.totals[0]
        for column in filter(_money_default, self.columns):
            stated = exact(total.cells.get(column))
            cells = [exact(row.cells.get(column) or 0) for row in self.rows]
            known = [cell for cell in cells if cell is not None]
            if stated is None or len(known) < len(cells):
                continue
            added = sum(known, Decimal(0))
            slack = Decimal(1).scaleb(stated.normalize().as_tuple().exponent) * len(cells)  # type: ignore[arg-type]
            if abs(stated - added) > min(slack, Decimal(1)):
                self.found.add(
                    total.where(column), "tables.total_differs",
                    stated=f"{stated:,f}", computed=f"{added:,f}", gap=f"{stated - added:,f}",
                )  # fmt: skip


@dataclass(eq=False)
class Row:
    """One record. Each reading reports what is wrong and returns something usable.

    Where `default` is given, a blank cell gives it; where it is not, a blank cell is
    a problem.
    """

    table: Records
    line: int
    cells: dict[str, Any]

    def where(self, column: str = "") -> str:
        """Place of a cell for messages."""
        return self.table.where(self.line, column)

    def blank(self, column: str) -> bool:
        """Whether the cell is empty, or the table has no such column."""
        return self.cells.get(column) is None

    def report(
        self, column: str, what: str | Text, hint: str | Text = "", /, **values: object
    ) -> None:
        """Add a problem with the place of a cell."""
        self.table.found.add(self.where(column), what, hint, **values)

    def text(self, column: str, default: str | _Filled = "") -> str:
        """Text of a cell; an identifier keeps its digits (1001, not 1001.0)."""
        value = self.cells.get(column)
        if value is None:
            return self._missing(column, default, "")
        stamp = isinstance(value, (dt.date, np.datetime64))
        return str(days.day(value)) if stamp else printed(value).strip()

    def texts(self) -> dict[str, str]:
        """Every cell as text, by column."""
        return {column: self.text(column) for column in self.cells}

    def number(
        self, column: str, *, low: Bound = None, high: Bound = None, default: Any = FILLED
    ) -> float:
        """A finite number; percent as percent. NaN where there is none."""
        if self.blank(column):
            return float(self._missing(column, default, math.nan))
        cell = self._cell(column)
        if cell and cell.unit and not (cell.unit == "%" and column.endswith("_pct")):
            what = "tables.percent_here" if cell.unit == "%" else "tables.not_a_number"
            self.report(column, what, text=self.text(column))
        elif cell:
            return self._within(column, cell.value, low, high)
        return math.nan

    def wan(
        self, column: str, *, low: Bound = None, high: Bound = None, default: Any = FILLED
    ) -> float:
        """An amount in 万元, converted from the unit of its cell, header or table."""
        if self.blank(column):
            return float(self._missing(column, default, math.nan))
        amount = self._amount(column)
        wan = math.nan if amount is None else float(amount / FEN_PER["万元"])
        return self._within(column, wan, low, high)

    def fen(
        self, column: str, *, low: Bound = None, high: Bound = None, default: Any = FILLED
    ) -> int:
        """An exact amount in 分, converted likewise; 0 where it cannot be read."""
        if self.blank(column):
            return int(self._missing(column, default, 0))
        amount = self._amount(column)
        if amount is not None and amount == amount.to_integral_value():
            return int(self._within(column, int(amount), low, high))
        if amount is not None:
            unit = self.table.units.get(column, "")
            self.report(column, "tables.not_whole_fen", text=self.text(column), unit=unit)
        return 0

    def day(self, column: str, *, default: dt.date | _Filled | None = FILLED) -> dt.date | None:
        """A calendar day between 1950 and 2150."""
        if self.blank(column):
            return self._missing(column, default, None)
        found = days.day(self.cells[column])
        if found is None:
            self.report(column, "ground.not_a_date", text=self.text(column))
        elif not 1950 <= found.year <= 2150:
            self.report(column, "tables.day_outside", value=found)
            return None
        return found

    def period(
        self, column: str, *, default: pd.Period | _Filled | None = FILLED
    ) -> pd.Period | None:
        """A year, quarter or month."""
        if self.blank(column):
            return self._missing(column, default, None)
        found = days.period(self.cells[column])
        if found is None:
            self.report(column, "tables.not_a_period", text=self.text(column))
        return found

    def year(self, column: str) -> int:
        """A calendar year; 0 where it cannot be read."""
        found = self.period(column)
        if found is not None and found.freqstr[0] not in "AY":
            self.report(column, "ground.not_a_year", text=self.text(column))
        return 0 if found is None else int(found.year)

    def flag(self, column: str, default: bool | _Filled = False) -> bool:
        """Yes or no."""
        if self.blank(column):
            return self._missing(column, default, False)
        code = words.official("flag", self.cells[column])
        if code is None:
            self.report(column, "tables.not_a_flag", text=self.text(column))
        return code == "true"

    def word(self, column: str, group: str, *, default: str | _Filled | None = FILLED) -> str:
        """The code of an official word (a section of ``params/words/official.yaml``)."""
        if self.blank(column):
            return self._missing(column, default, None) or ""
        text = self.text(column)
        code = words.official(group, text) or words.official(group, text.removesuffix(".0"))
        if code is None:
            known = words.official_words(group, words.language())
            near = did_you_mean(text, [*known.values(), *known])
            hint = Text.joined([near, known_names(known.values())], zh="", en=" ")
            self.report(column, "tables.unknown_word", hint, text=text)
        return code or ""

    def _missing(self, column: str, default: T | _Filled, instead: T) -> T:
        if not isinstance(default, _Filled):
            return default
        if (self.line, column) not in self.table.refused:
            self.report(column, "ground.missing", name=self.table.headers.get(column, column))
        return instead

    def is_number(self, column: str) -> bool:
        """Whether the cell holds a figure of any unit."""
        return self._parsed(column).kind == "number"

    def _parsed(self, column: str) -> Cell:
        value = self.cells.get(column)
        if isinstance(value, str) and column.endswith("_years"):
            value = value.removesuffix("年")
        return parse(value)

    def _cell(self, column: str) -> Cell | None:
        value, cell = self.cells[column], self._parsed(column)
        if cell.kind == "number":
            return cell
        name = self.table.headers.get(column, column)
        self.report(column, why_no_number(value), text=printed(value), name=name)
        return None

    def _amount(self, column: str) -> Decimal | None:
        """Exact 分, or None with a problem."""
        cell, size = self._cell(column), exact(self.cells[column])
        if cell is None or size is None:
            return None
        own = unit_word(cell.unit)
        if cell.unit and own not in FEN_PER:
            what = "tables.percent_here" if own == "%" else "tables.not_an_amount"
            self.report(column, what, text=self.text(column))
            return None
        unit = own or self.table.units.get(column, "")
        if unit not in FEN_PER:
            self.report(column, "tables.unit_unstated", name=self.table.headers.get(column, column))
            return None
        return size * FEN_PER[unit]

    def _within(self, column: str, value: float, low: Bound, high: Bound) -> float:
        if low is not None and value < low:
            self.report(column, "tables.too_low", value=f"{value:,.10g}", low=f"{low:,.10g}")
        elif high is not None and value > high:
            self.report(column, "tables.too_high", value=f"{value:,.10g}", high=f"{high:,.10g}")
        return value


def read_records(
    source: TableLike | None,
    *,
    name: str,
    columns: ColumnNames = (),
    unit: str | None = None,
    found: Collector | None = None,
) -> Records:
    """A small table as records under English column names.

    Parameters
    ----------
    source
        A frame, the path of a CSV, xlsx, xls or ods file, ``{file, sheet, unit}``,
        records (mappings), or None for no table. What was read before is given back.
    name
        What messages call a table that is no file.
    columns
        The columns that the table may have (default: every column of labels.yaml).
        Give them wherever one word heads several columns. A mapping adds headers.
    unit
        Unit of the amounts where neither header nor table states one.
    found
        Collector to share with other tables; a new one by default.

    Returns
    -------
    Records
        Nothing is raised for single cells: read them, then call ``done()``.

    Raises
    ------
    InputError
        If the file cannot be read or `source` is no table.
    """
    if isinstance(source, Records):
        return source if found is None else source.shared(found)
    table, known = Records(name, found=found or Collector()), _known(columns)
    if source is None:
        return table
    given: Any = {"file": source} if isinstance(source, (str, Path)) else source
    if not (isinstance(given, Mapping) and "file" in given):
        return _fill(table, _Head(_in_memory(source, name), 0, []), known, unit)
    file, sheet, unit = given["file"], given.get("sheet"), given.get("unit", unit)

    def made() -> Records:
        head = _pick(load(file), sheet, known)
        table = Records(head.grid.file, sheet=head.grid.sheet, is_file=True)
        return _fill(table, head, known, unit)

    key = ("records", repr(sheet), repr(unit), *_names(columns))
    return once(made, file, *key).shared(table.found)


def header_of(grid: Grid, columns: ColumnNames) -> list[str]:
    """The known columns that the header of a sheet names."""
    return _Head.of(grid, _known(columns)).columns


@dataclass(frozen=True)
class _Head:
    """The header of a grid: its row (-1 if there is none), and the known columns it names."""

    grid: Grid
    at: int
    columns: list[str]

    @classmethod
    def of(cls, grid: Grid, known: _Known) -> _Head:
        """The row that names most known columns among the first ones."""
        best = cls(grid, -1, [])
        for r, row in enumerate(grid.rows[:_SEARCH]):
            texts = [t for t in map(_text, row) if t]
            if not texts or (len(texts) == 1 and len(grid.rows[0]) > 1 and best.at >= 0):
                continue
            columns = [column for t in texts if (column := known.column(t))]
            if best.at < 0 or len(columns) > len(best.columns):
                best = cls(grid, r, columns)
        return best

    @property
    def has_rows(self) -> bool:
        """Whether anything stands below it."""
        return any(any(map(_text, row)) for row in self.grid.rows[self.at + 1 :])


def _pick(grids: list[Grid], sheet: str | None, known: _Known) -> _Head:
    """The sheet that is asked for, else the one that looks most like the table.

    Raises
    ------
    InputError
        If there is no such sheet, or another sheet with rows has nearly the same columns.
    """
    if sheet is not None:
        return _Head.of(sheet_named(grids, sheet), known)
    heads = [_Head.of(g, known) for g in [g for g in grids if not g.hidden] or grids]
    best = max(heads, key=lambda head: len(set(head.columns)))
    like = set(best.columns)
    alike = [h for h in heads if len(like & set(h.columns)) >= ALIKE * len(like) and h.has_rows]
    if len(alike) > 1:
        names = [h.grid.sheet for h in alike]
        raise InputError(grids[0].file, "tables.sheets_alike", file=grids[0].file, names=names)
    return (alike or [best])[0]


def _in_memory(source: Any, name: str) -> Grid:
    """A frame or records as a grid with its header in row 0."""
    inner = getattr(source, "table", None)  # a checked ledger
    data = inner if isinstance(inner, pd.DataFrame) else source
    if isinstance(data, pd.DataFrame):
        lists = [data.iloc[:, k].tolist() for k in range(data.shape[1])]
        return Grid(name, "", [list(map(str, data.columns)), *map(list, zip(*lists, strict=True))])
    given: list[Any] = list(data) if isinstance(data, Iterable) else [None]
    if isinstance(data, Mapping) or not all(isinstance(row, Mapping) for row in given):
        raise InputError(name, "tables.not_a_table", given=f"{data!r}"[:80])
    rows = [{str(c): value for c, value in row.items()} for row in given]
    names = list(dict.fromkeys(c for row in rows for c in row))
    return Grid(name, "", [names, *([row.get(c) for c in names] for row in rows)])


def _fill(table: Records, head: _Head, known: _Known, unit: str | None) -> Records:
    """The records of a grid below its header."""
    grid, rows, body = head.grid, head.grid.rows, head.at + 1
    if grid.broken:
        raise grid.broken
    if head.at < 0:
        raise InputError(table.place(), "tables.empty_table")
    own = units_below(rows[body]) if table.is_file and body < len(rows) else {}
    stated = _table_unit(grid, head.at, table.found) if table.is_file else ""
    _read_head(table, rows[head.at], known, own, stated, unit)
    header = [_text(v) for v in rows[head.at]]
    offset = 1 if table.is_file else 0  # a frame's rows are counted without its header
    for r in range(body + bool(own), len(rows)):
        texts = [_text(v) for v in rows[r]]
        label = next((t for t in texts if t), "")
        if not label or (table.is_file and _is_aside(texts, header, len(table.columns))):
            continue
        record = Row(table, r + offset, _cells(grid, r, r + offset, table))
        if is_example_row(texts):
            table.examples.append(record)
        elif TOTAL_ROW.fullmatch(label):
            table.totals.append(record)
            table.notes.append(say("tables.total_left_out", where=record.where()))
        elif not SUBTOTAL_ROW.fullmatch(label):
            table.rows.append(record)
    return table


def _is_aside(texts: list[str], header: list[str], width: int) -> bool:
    """A footnote, a unit line, column numbers or the header printed again."""
    filled = [t for t in texts if t]
    return (
        texts == header
        or (len(filled) <= 2 and bool(FOOT.match(filled[0])))
        or (len(filled) == 1 and width > 1 and bool(stated_units(filled[0])))
        or (any(not t.isdigit() for t in filled) and is_ordinal(filled))
    )


def _cells(grid: Grid, r: int, line: int, table: Records) -> dict[str, Any]:
    row, cells = grid.rows[r], {}
    for column, j in table.position.items():
        value = _clean(row[j]) if j < len(row) else None
        refused: tuple[str, dict[str, Any]] | None = None
        if why := grid.refused.get((r, j)):
            refused = "tables.unusable_cell", {"why": say(why)}
        elif (r, j) in grid.percents and isinstance(value, (int, float)):
            value = f"{printed(percent_of(float(value)))}%"
        elif grid.comma_decimal and isinstance(value, str) and COMMA.fullmatch(plain(value)):
            refused = "tables.comma_may_be_decimal", {"text": value}
        if refused:
            table.found.add(table.where(line, column), refused[0], **refused[1])
            table.refused.add((line, column))
        cells[column] = None if refused else value
    width = max(table.position.values(), default=-1) + 1
    if table.is_file and not grid.sheet and 1 < len(row) < width:
        table.found.add(table.where(line), "tables.ragged", count=len(row), width=width)
    return cells


# ---- headers ----


@dataclass(frozen=True)
class _Known:
    """Printed header, for comparison -> column; with and without the unit."""

    whole: dict[str, str] = field(default_factory=dict)
    stems: dict[str, str] = field(default_factory=dict)

    def column(self, header: str) -> str:
        """The column that a header names; empty if it is unknown."""
        return self.whole.get(bare(header)) or self.stems.get(without_unit(header), "")


def _known(columns: ColumnNames) -> _Known:
    return _known_of(*_names(columns))


def _names(columns: ColumnNames) -> tuple[tuple[str, ...], tuple[tuple[str, tuple[str, ...]], ...]]:
    """The columns and their further headers, to look up by."""
    extra = columns if isinstance(columns, Mapping) else {}
    return tuple(columns), tuple((c, tuple(h)) for c, h in extra.items())


@cache
def _known_of(names: tuple[str, ...], extra: tuple[tuple[str, tuple[str, ...]], ...]) -> _Known:
    more, known = dict(extra), _Known()
    for column in names or tuple(words.labels("columns")):
        for header in (*more.get(column, ()), *words.headers_of(column)):
            known.whole.setdefault(bare(header), column)
            known.stems.setdefault(without_unit(header), column)
    return known


def _read_head(
    table: Records,
    header: Sequence[Any],
    known: _Known,
    own: Mapping[int, str],
    stated: str,
    asked: str | None,
) -> None:
    """Fill in columns, headers and units of `table` from the cells of its header row."""
    unknown: list[str] = []
    default = money_unit(asked) if asked else ""
    for j, value in enumerate(header):
        text = _text(value)
        if not text:
            continue
        column = known.column(text)
        if not column:
            unknown.append(text)
            continue
        if column in table.position:
            same = table.headers[column] == text
            what = "tables.header_twice" if same else "tables.column_twice"
            both = f"'{table.headers[column]}' / '{text}'"
            table.found.add(table.place(), what, name=text if same else column, headers=both)
            continue
        table.position[column], table.headers[column] = j, text
        money = _money_default(column)
        unit = own.get(j) or header_unit(text) or ""
        if money:
            # A header that is listed without a unit is in its column's own, if nothing says else.
            listed = bare(text) in known.whole
            table.units[column] = unit or stated or default or (money if listed else "")
        elif unit:
            table.units[column] = unit
    table.columns, table.unknown = tuple(table.position), tuple(unknown)


@cache
def _money_default(column: str) -> str:
    """Unit of an amount by its column's name or official header; empty if it is no amount."""
    units = (header_unit(text) or "" for text in (column, words.label(column)))
    return next((unit for unit in units if unit in FEN_PER), "")


def _table_unit(grid: Grid, header: int, found: Collector) -> str:
    """Unit of money that lines above the header, its corner, or lines below the table state."""
    for r in (*range(header + 1), *range(max(header + 1, len(grid.rows) - 5), len(grid.rows))):
        for j, units, strange in unit_cells(grid.rows[r]):
            if money := [unit for unit in units if unit in FEN_PER]:
                return money[0]
            if strange:
                found.add(grid.place(r, j), "tables.unit_unknown", text=strange)
    return ""


def _text(value: Any) -> str:
    if value is None or (isinstance(value, float) and value != value):
        return ""
    return value.strip() if isinstance(value, str) else printed(value)


def _clean(value: Any) -> Any:
    """A stored cell: None where nothing is printed or a dash stands for nothing."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, str):
        value = value.strip(" \t\r\n\u3000\xa0")
        return None if value.lower() in _EMPTY else value
    return None if value is pd.NA or value != value else value


_EMPTY = {"", "-", "—", "－", "——", "/", "nan", "none", "nat", "<na>", "null"}


# ---- millions of rows ----


@dataclass(frozen=True)
class Columns:
    """A table of any length as columns under English names.

    Attributes
    ----------
    frame
        Text as text (identifiers keep their zeros, amounts their decimals); a frame
        that was given keeps its own types. Blank and total rows are left out.
    lines
        Row of the file (or of the frame, from 1) of each row of `frame`.
    units
        Column -> unit that header or table states; empty if none.
    """

    name: str
    frame: pd.DataFrame
    lines: Sequence[int]
    units: Mapping[str, str]
    where: Callable[[int, str], str]
    unknown: tuple[str, ...] = ()
    notes: tuple[Text, ...] = ()

    def __len__(self) -> int:
        return len(self.frame)

    def numbers(self, column: str) -> tuple[np.ndarray, np.ndarray]:
        """The column as floats, and which cells are no number; see `numerals.numbers`."""
        return numbers(self.frame[column])


def read_columns(
    source: TableLike,
    *,
    name: str,
    columns: ColumnNames = (),
    required: Sequence[str] = (),
    unit: str | None = None,
) -> Columns:
    """A table of up to some ten million rows, column by column, by the rules of `read_records`.

    Parameters
    ----------
    source, name, columns, unit
        As in `read_records`.
    required
        Columns without which the table is refused.

    Returns
    -------
    Columns
        ``where(i, column)`` is the place of the cell in row `i` of ``frame``.

    Raises
    ------
    InputError
        As `read_records`; also for missing and doubled columns.
    """
    if isinstance(source, pd.DataFrame):
        table = Records(name)
        names = [str(c) for c in source.columns]
        _read_head(table, names, _known(columns), {}, "", unit)
        frame, lines = source, cast("Sequence[int]", range(1, len(source) + 1))
        if names != list(table.columns):
            kept = source.iloc[:, list(table.position.values())]
            frame = kept.set_axis(list(table.columns), axis=1)
    elif isinstance(source, (str, Path)) and _is_long_csv(here_or_project(source)):
        table, frame, lines = _long_csv(here_or_project(source), columns, unit)
    else:
        table = read_records(source, name=name, columns=columns, unit=unit)
        frame, lines = table.frame(), [row.line for row in table.rows]
    table.need(*required)
    table.done()
    return Columns(
        table.name, frame, lines, table.units, lambda i, c: table.where(int(lines[i]), c),
        table.unknown, tuple(table.notes),
    )  # fmt: skip


def _is_long_csv(path: Path) -> bool:
    if not path.is_file() or path.stat().st_size < _LONG_CSV:
        return False
    with path.open("rb") as file:
        return not file.read(4).startswith((b"PK", b"\xd0\xcf", b"\xff\xfe", b"\xfe\xff"))


def _long_csv(
    path: Path, columns: ColumnNames, unit: str | None
) -> tuple[Records, pd.DataFrame, Any]:
    """Header and unit by the first rows, all rows by pandas; lines of the file."""
    top = csv_beginning(path, rows=_SEARCH + 2)
    head = _Head.of(top.grid, known := _known(columns))
    table, at = _fill(Records(path.name, is_file=True), head, known, unit), head.at
    table.found.problems[:] = [p for p in table.found.problems if p.where == table.place()]
    table.rows, table.totals, table.examples = [], [], []  # told apart below, in all rows
    width = max(len(top.grid.rows[at]), max(table.position.values(), default=0) + 1)
    try:
        frame = pd.read_csv(
            path, sep=top.separator, skiprows=at + 1, header=None, dtype=str, index_col=False,
            keep_default_na=False, encoding=top.encoding, skip_blank_lines=False,
            usecols=sorted(table.position.values()), names=range(width),
        )  # fmt: skip
    except (ValueError, UnicodeDecodeError) as error:
        reason = str(error).strip().splitlines()[-1]
        raise InputError(path.name, "ground.cannot_be_read", reason=reason) from None
    frame = frame.rename(columns={j: c for c, j in table.position.items()})[list(table.columns)]
    keep = _is_record(frame)
    return table, frame[keep].reset_index(drop=True), np.flatnonzero(keep) + at + 2


def _is_record(frame: pd.DataFrame) -> np.ndarray:
    """Which rows are no blank, example, total, column-number or footnote row.

    Such rows stand at the ends, so only those whose first cell is no usual text are looked at.
    """
    keep = np.ones(len(frame), np.bool_)
    ends = [*range(min(5, len(frame))), *range(max(5, len(frame) - 50), len(frame))]
    first = frame.iloc[:, 0]
    blank = np.flatnonzero(first.isna().to_numpy() | first.eq("").to_numpy())
    for i in {*ends, *map(int, blank)}:
        texts = [_text(v) for v in frame.iloc[i]]
        label = next((t for t in texts if t), "")
        aside = not label or is_example_row(texts) or TOTAL_ROW.fullmatch(label)
        keep[i] = not (aside or _is_aside(texts, list(frame.columns), len(texts)))
    return keep
