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
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, TypeAlias, TypeVar, cast

import numpy as np
import pandas as pd

from fiscalmodel import days, words
from fiscalmodel.errors import Collector, InputError, did_you_mean, known_names
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
from fiscalmodel.tables.files import csv_beginning, load, sheet_named
from fiscalmodel.tables.grid import Grid, column_letter
from fiscalmodel.tables.layout import FOOT, is_ordinal
from fiscalmodel.tables.unitlines import header_unit, stated_units, unit_word, unknown_unit
from fiscalmodel.units import FEN_PER, money_unit
from fiscalmodel.words import Text, bare, say

#: What a table argument may be: a frame, a file, ``{file, sheet, unit}``, or records.
TableLike: TypeAlias = "pd.DataFrame | str | Path | Mapping[str, Any] | Iterable[Mapping[str, Any]]"
#: The columns that a table may have; a mapping adds headers to those of labels.yaml.
ColumnNames: TypeAlias = "Sequence[str] | Mapping[str, Sequence[str]]"

#: How the first cell of an example row begins in templates whose rows have an id.
EXAMPLE_ID = "示例-"
_SEARCH = 20  # rows in which the header is looked for
#: Sheets that share this part of the table's columns may each be the table.
ALIKE = 0.75
TOTAL_ROW = re.compile(r"(?:[合总共]\s*计|合\s*计数|grand total|total)[:：]?", re.IGNORECASE)
SUBTOTAL_ROW = re.compile(r".{0,12}小\s*计|sub-?total", re.IGNORECASE)
_BRACKET = re.compile(r"[(（\[【][^()（）\[\]【】]*[)）\]】]")
_MONEY_ENDS = {"_wan": "万元", "_yi": "亿元", "_yuan": "元", "_fen": "分"}
_ENDS = (*_MONEY_ENDS, "_pct")
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
        for column in missing:
            official = words.label(column)
            near = did_you_mean(column, self.unknown) or did_you_mean(
                official, self.unknown, cutoff=0.5
            )
            known = say("tables.columns_are", names=[*self.headers.values(), *self.unknown])
            what = "tables.column_missing"
            self.found.add(self.place(), what, near or known, name=column, official=official)
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
        return f"{self.name}[{self.sheet}]" if self.sheet else self.name

    def where(self, line: int, column: str = "") -> str:
        """Place of a cell, with the header as the table prints it."""
        header = self.headers.get(column, column)
        if self.sheet:
            letter = column_letter(self.position[column]) if column in self.position else ""
            cell = f"{letter}{line}"
            return f"{self.name}[{self.sheet}!{cell}]{header and f' {header}'}"
        in_memory = say("tables.place_row", name=self.name, row=line)
        row = f"{self.name}:{line}" if self.is_file else str(in_memory)
        return f"{row}, {header}" if header else row

    def frame(self) -> pd.DataFrame:
        """The records as they stand, one row each; missing cells are None."""
        data = {c: [row.cells.get(c) for row in self.rows] for c in self.columns}
        return pd.DataFrame(data, dtype=object)

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
        for column in self.columns:
            stated = exact(total.cells.get(column))
            cells = [exact(row.cells.get(column) or 0) for row in self.rows]
            if stated is None or _money_default(column) == "" or any(c is None for c in cells):
                continue
            added = sum(cast("list[Decimal]", cells), Decimal(0))
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
        if cell is None:
            return math.nan
        if cell.unit and not (cell.unit == "%" and column.endswith("_pct")):
            what = "tables.percent_here" if cell.unit == "%" else "tables.not_a_number"
            self.report(column, what, text=self.text(column))
            return math.nan
        return self._within(column, cell.value, low, high)

    def wan(
        self, column: str, *, low: Bound = None, high: Bound = None, default: Any = FILLED
    ) -> float:
        """An amount in 万元, converted from the unit of its cell, header or table."""
        if self.blank(column):
            return float(self._missing(column, default, math.nan))
        amount = self._amount(column)
        if amount is None:
            return math.nan
        return self._within(column, float(amount / FEN_PER["万元"]), low, high)

    def fen(
        self, column: str, *, low: Bound = None, high: Bound = None, default: Any = FILLED
    ) -> int:
        """An exact amount in 分, converted likewise; 0 where it cannot be read."""
        if self.blank(column):
            return int(self._missing(column, default, 0))
        amount = self._amount(column)
        if amount is None:
            return 0
        if amount != amount.to_integral_value():
            unit = self.table.units.get(column, "")
            self.report(column, "tables.not_whole_fen", text=self.text(column), unit=unit)
            return 0
        return int(self._within(column, int(amount), low, high))

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

    def _cell(self, column: str) -> Cell | None:
        value = self.cells[column]
        if isinstance(value, str) and column.endswith("_years"):
            value = value.removesuffix("年")
        cell = parse(value)
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
        records (mappings), or None for no table.
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
    table = Records(name, found=found or Collector())
    if source is None:
        return table
    if isinstance(source, Mapping) and "file" in source:
        unit = source.get("unit", unit)
        grid = _pick(load(source["file"]), source.get("sheet"), columns)
    elif isinstance(source, (str, Path)):
        grid = _pick(load(source), None, columns)
    else:
        return _fill(table, _in_memory(source, name), 0, columns, unit)
    table.name, table.sheet, table.is_file = grid.file, grid.sheet, True
    return _fill(table, grid, _header_row(grid.rows, _known(columns))[0], columns, unit)


def header_of(grid: Grid, columns: ColumnNames) -> list[str]:
    """The known columns that the header of a sheet names."""
    known = _known(columns)
    at, _ = _header_row(grid.rows, known)
    texts = [_text(v) for v in grid.rows[at]] if at >= 0 else []
    named = [known.whole.get(bare(t)) or known.stems.get(_stem(t)) for t in texts if t]
    return [column for column in named if column]


def _pick(grids: list[Grid], sheet: str | None, columns: ColumnNames) -> Grid:
    """The sheet that is asked for, else the one that looks most like the table.

    Raises
    ------
    InputError
        If there is no such sheet, or another sheet with rows has nearly the same columns.
    """
    if sheet is not None:
        return sheet_named(grids, sheet)
    shown = [g for g in grids if not g.hidden] or grids
    heads = [set(header_of(g, columns)) for g in shown]
    best = max(heads, key=len)
    alike = [g for g, h in zip(shown, heads, strict=True) if len(h & best) >= ALIKE * len(best)]
    filled = [g for g in alike if _has_rows(g, columns)]
    if len(filled) > 1:
        names = [g.sheet for g in filled]
        raise InputError(grids[0].file, "tables.sheets_alike", file=grids[0].file, names=names)
    return filled[0] if filled else shown[heads.index(best)]


def _has_rows(grid: Grid, columns: ColumnNames) -> bool:
    at, _ = _header_row(grid.rows, _known(columns))
    return any(any(map(_text, row)) for row in grid.rows[at + 1 :])


def _in_memory(source: Any, name: str) -> Grid:
    """A frame or records as a grid with its header in row 0."""
    inner = getattr(source, "table", None)  # a checked ledger
    data = inner if isinstance(inner, pd.DataFrame) else source
    if isinstance(data, pd.DataFrame):
        lists = [data.iloc[:, k].tolist() for k in range(data.shape[1])]
        return Grid(name, "", [list(map(str, data.columns)), *map(list, zip(*lists, strict=True))])
    plain_list = isinstance(data, Iterable) and not isinstance(data, Mapping)
    given: list[Any] = list(data) if plain_list else [None]
    if not all(isinstance(row, Mapping) for row in given):
        raise InputError(name, "tables.not_a_table", given=f"{data!r}"[:80])
    names = list(dict.fromkeys(str(c) for row in given for c in row))
    body = [[{str(k): v for k, v in row.items()}.get(c) for c in names] for row in given]
    return Grid(name, "", [names, *body])


def _fill(table: Records, grid: Grid, at: int, columns: ColumnNames, unit: str | None) -> Records:
    """The records of a grid whose header stands in row `at`."""
    if grid.broken:
        raise grid.broken
    if at < 0:
        raise InputError(table.place(), "tables.empty_table")
    rows, body = grid.rows, at + 1
    below = [_text(v) for v in rows[body]] if body < len(rows) else []
    own: dict[int, str] = {}
    if table.is_file and any(below) and all(unit_word(t.strip("()（）")) for t in below if t):
        own = {j: unit_word(t.strip("()（）")) for j, t in enumerate(below) if t}
        body += 1
    stated = _table_unit(grid, at, table.found) if table.is_file else ""
    _read_head(table, rows[at], _known(columns), own, stated, unit)
    header = [_text(v) for v in rows[at]]
    offset = 1 if table.is_file else 0  # a frame's rows are counted without its header
    for r in range(body, len(rows)):
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

    whole: Mapping[str, str]
    stems: Mapping[str, str]


def _known(columns: ColumnNames) -> _Known:
    extra = columns if isinstance(columns, Mapping) else {}
    return _known_of(tuple(columns), tuple((c, tuple(h)) for c, h in extra.items()))


@cache
def _known_of(names: tuple[str, ...], extra: tuple[tuple[str, tuple[str, ...]], ...]) -> _Known:
    more = dict(extra)
    whole: dict[str, str] = {}
    stems: dict[str, str] = {}
    for column in names or tuple(words.labels("columns")):
        for header in (*more.get(column, ()), *words.headers_of(column)):
            whole.setdefault(bare(header), column)
            stems.setdefault(_stem(header), column)
    return _Known(whole, stems)


@lru_cache(maxsize=50_000)
def _stem(header: str) -> str:
    """A header without the unit that it states."""
    text = plain(header)
    for found in reversed(list(_BRACKET.finditer(text))):
        if unit_word(found[0][1:-1].removeprefix("单位").strip(":：")):
            text = text[: found.start()] + text[found.end() :]
            break
    for end in _ENDS:
        text = text.removesuffix(end)
    return bare(text)


def _header_row(rows: Sequence[Sequence[Any]], known: _Known) -> tuple[int, int]:
    """Position of the row that holds most known headers among the first ones, and how many."""
    best, most = -1, -1
    for r, row in enumerate(rows[:_SEARCH]):
        texts = [_text(v) for v in row]
        if not any(texts) or (len([t for t in texts if t]) == 1 and len(rows[0]) > 1 and most >= 0):
            continue
        hits = sum(bare(t) in known.whole or _stem(t) in known.stems for t in texts if t)
        if hits > most:
            best, most = r, hits
    return best, most


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
        whole = known.whole.get(bare(text))
        column = whole or known.stems.get(_stem(text))
        if column is None:
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
            table.units[column] = unit or stated or default or (money if whole else "")
        elif unit:
            table.units[column] = unit
    table.columns, table.unknown = tuple(table.position), tuple(unknown)


@cache
def _money_default(column: str) -> str:
    """Unit of an amount by its column's name or official header; empty if it is no amount."""
    for end, unit in _MONEY_ENDS.items():
        if column.endswith(end):
            return unit
    unit = header_unit(words.label(column)) or ""
    return unit if unit in FEN_PER else ""


def _table_unit(grid: Grid, header: int, found: Collector) -> str:
    """Unit of money that lines above the header, its corner, or lines below the table state."""
    for r in (*range(header + 1), *range(max(header + 1, len(grid.rows) - 5), len(grid.rows))):
        for j, value in enumerate(grid.rows[r]):
            if not isinstance(value, str) or "位" not in value:
                continue
            money = [u for u in stated_units(value) if u in FEN_PER]
            if money:
                return money[0]
            if strange := unknown_unit(value):
                found.add(grid.place(r, j), "tables.unit_unknown", text=strange)
    return ""


def _text(value: Any) -> str:
    if value is None or (isinstance(value, float) and value != value):
        return ""
    return value.strip() if isinstance(value, str) else printed(value)


def _clean(value: Any) -> Any:
    """A stored cell: None where nothing is printed or a dash stands for nothing."""
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return None if value != value else value
    if isinstance(value, str):
        text = value.strip(" \t\r\n\u3000\xa0")
        return None if text.lower() in _EMPTY else text
    return value


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
    at = _header_row(top.grid.rows, _known(columns))[0]
    table = _fill(Records(path.name, is_file=True), top.grid, at, columns, unit)
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
