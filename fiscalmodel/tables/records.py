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
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias, TypeVar, cast

import numpy as np
import pandas as pd

from fiscalmodel import days, words
from fiscalmodel.errors import Collector, InputError, did_you_mean, known_names
from fiscalmodel.numerals import (
    Cell,
    exact,
    numbers,
    parse,
    percent_of,
    plain,
    printed,
    why_no_number,
)
from fiscalmodel.tables.files import Grid, column_letter, csv_beginning, load
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
_TOTAL = re.compile(r"(?:[合总共]\s*计|合\s*计数|grand total|total)[:：]?", re.IGNORECASE)
_SUBTOTAL = re.compile(r".{0,12}小\s*计|sub-?total", re.IGNORECASE)
_BRACKET = re.compile(r"[(（\[【][^()（）\[\]【】]*[)）\]】]")
_MONEY_ENDS = {"_wan": "万元", "_yi": "亿元", "_yuan": "元", "_fen": "分"}
_ENDS = (*_MONEY_ENDS, "_pct")

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
        missing = [c for c in required if c not in self.columns] if self.columns else []
        for column in missing:
            near = did_you_mean(column, self.unknown) or did_you_mean(
                words.label(column), self.unknown, cutoff=0.5
            )
            known = say("tables.columns_are", names=[*self.headers.values(), *self.unknown])
            official = words.label(column)
            self.found.add(
                self.place(), "tables.column_missing", near or known, name=column, official=official
            )
        return not missing

    def only(self) -> None:
        """Report headers that name no known column, with the nearest that does."""
        for header in self.unknown:
            self.found.add(
                f"{self.place()} {header}",
                "tables.unknown_word",
                did_you_mean(header, self.columns),
                text=header,
            )

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
        row = (
            f"{self.name}:{line}"
            if self.is_file
            else str(say("tables.place_row", name=self.name, row=line))
        )
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
        return day.isoformat() if (day := _as_day(value)) else printed(value).strip()

    def number(
        self,
        column: str,
        *,
        low: float | None = None,
        high: float | None = None,
        default: float | _Filled = FILLED,
    ) -> float:
        """A finite number; percent as percent. NaN where there is none."""
        value = self.cells.get(column)
        if value is None:
            return self._missing(column, default, math.nan)
        cell = self._cell(column, value)
        if cell is None:
            return math.nan
        if cell.unit == "%" and not column.endswith("_pct"):
            self.report(column, "tables.percent_here", text=printed(value))
            return math.nan
        if cell.unit not in ("", "%"):
            self.report(column, "tables.not_a_number", text=printed(value))
            return math.nan
        return self._within(column, cell.value, low, high)

    def wan(
        self,
        column: str,
        *,
        low: float | None = None,
        high: float | None = None,
        default: float | _Filled = FILLED,
    ) -> float:
        """An amount in 万元, converted from the unit of its cell, header or table."""
        value = self.cells.get(column)
        if value is None:
            return self._missing(column, default, math.nan)
        amount = self._amount(column, value)
        if amount is None:
            return math.nan
        return self._within(column, float(amount / FEN_PER["万元"]), low, high)

    def fen(
        self,
        column: str,
        *,
        low: int | None = None,
        high: int | None = None,
        default: int | _Filled = FILLED,
    ) -> int:
        """An exact amount in 分, converted likewise; 0 where it cannot be read."""
        value = self.cells.get(column)
        if value is None:
            return self._missing(column, default, 0)
        amount = self._amount(column, value)
        if amount is None:
            return 0
        if amount != amount.to_integral_value():
            unit = self._unit(column)
            self.report(column, "tables.not_whole_fen", text=printed(value), unit=unit)
            return 0
        self._within(column, float(amount), low, high)
        return int(amount)

    def day(self, column: str, *, default: dt.date | _Filled | None = FILLED) -> dt.date | None:
        """A calendar day between 1950 and 2150."""
        value = self.cells.get(column)
        if value is None:
            return self._missing(column, default, None)
        found = days.day(value)
        if found is None:
            self.report(column, "ground.not_a_date", text=printed(value))
        elif not 1950 <= found.year <= 2150:
            self.report(column, "tables.day_outside", value=found)
            return None
        return found

    def period(
        self, column: str, *, default: pd.Period | _Filled | None = FILLED
    ) -> pd.Period | None:
        """A year, quarter or month."""
        value = self.cells.get(column)
        if value is None:
            return self._missing(column, default, None)
        found = days.period(value)
        if found is None:
            self.report(column, "tables.not_a_period", text=printed(value))
        return found

    def flag(self, column: str, default: bool | _Filled = False) -> bool:
        """Yes or no."""
        value = self.cells.get(column)
        if value is None:
            return self._missing(column, default, False)
        code = words.official("flag", value)
        if code is None:
            self.report(column, "tables.not_a_flag", text=printed(value))
        return code == "true"

    def word(self, column: str, group: str, *, default: str | _Filled | None = FILLED) -> str:
        """The code of an official word (a section of ``params/words/official.yaml``)."""
        value = self.cells.get(column)
        if value is None:
            return self._missing(column, default, None) or ""
        code = words.official(group, printed(value))
        if code is None:
            known = words.official_words(group, words.language())
            hint = Text.joined(
                [did_you_mean(printed(value), [*known.values(), *known]),
                 known_names(known.values())], zh="", en=" ",
            )  # fmt: skip
            self.report(column, "tables.unknown_word", hint, text=printed(value))
        return code or ""

    def _missing(self, column: str, default: T | _Filled, instead: T) -> T:
        if not isinstance(default, _Filled):
            return default
        if (self.line, column) not in self.table.refused:
            self.report(column, "ground.missing", name=self.table.headers.get(column, column))
        return instead

    def _cell(self, column: str, value: Any) -> Cell | None:
        cell = parse(value)
        if cell.kind != "number" or not math.isfinite(cell.value):
            self.report(
                column,
                why_no_number(value),
                text=printed(value),
                name=self.table.headers.get(column, column),
            )
            return None
        return cell

    def _unit(self, column: str) -> str:
        return self.table.units.get(column, "")

    def _amount(self, column: str, value: Any) -> Decimal | None:
        """Exact 分, or None with a problem."""
        cell = self._cell(column, value)
        if cell is None:
            return None
        own = unit_word(cell.unit)
        if cell.unit and own not in FEN_PER:
            self.report(column, "tables.percent_here" if own == "%" else "tables.not_an_amount",
                        text=printed(value))  # fmt: skip
            return None
        unit = own or self._unit(column)
        if unit not in FEN_PER:
            self.report(column, "tables.unit_unstated", name=self.table.headers.get(column, column))
            return None
        size = exact(value)
        assert size is not None  # the cell is a number
        return size * FEN_PER[unit]

    def _within(self, column: str, value: float, low: float | None, high: float | None) -> float:
        if low is not None and value < low:
            self.report(column, "tables.too_low", value=f"{value:,.10g}", low=f"{low:,.10g}")
        elif high is not None and value > high:
            self.report(column, "tables.too_high", value=f"{value:,.10g}", high=f"{high:,.10g}")
        return value


def _as_day(value: Any) -> dt.date | None:
    return days.day(value) if isinstance(value, (dt.date, np.datetime64)) else None


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
        return _from_memory(source, table, columns, unit)
    return _from_grid(grid, table, columns, unit)


def _pick(grids: list[Grid], sheet: str | None, columns: ColumnNames) -> Grid:
    """The sheet that is asked for, else the one that looks most like the table."""
    if sheet is not None:
        for grid in grids:
            if grid.sheet == sheet:
                return grid
        names = [g.sheet for g in grids if g.sheet]
        hint = did_you_mean(sheet, names, cutoff=0.3) or say("tables.sheets_are", names=names)
        raise InputError(grids[0].file, "tables.no_sheet", hint, name=sheet)
    shown = [g for g in grids if not g.hidden] or grids
    if not shown:
        raise InputError("", "tables.empty_table")
    known = _known(columns)
    return max(shown, key=lambda g: _header_row(g.rows, known)[1])


def _from_grid(grid: Grid, table: Records, columns: ColumnNames, unit: str | None) -> Records:
    table.name, table.sheet, table.is_file = grid.file, grid.sheet, True
    rows, known = grid.rows, _known(columns)
    at, _ = _header_row(rows, known)
    if at < 0:
        raise InputError(table.place(), "tables.empty_table")
    body = at + 1
    below = [_text(v) for v in rows[body]] if body < len(rows) else []
    own: dict[int, str] = {}
    if any(below) and all(unit_word(t.strip("()（）")) for t in below if t):
        own = {j: unit_word(t.strip("()（）")) for j, t in enumerate(below) if t}
        body += 1
    stated = _table_unit(grid, at, table.found)
    _read_head(rows[at], known, own, stated, unit, table)
    numbered = [_text(v) for v in rows[body] if _text(v)] if body < len(rows) else []
    if len(numbered) >= max(3, len(table.columns)) and is_ordinal(numbered):
        body += 1
    header = [_text(v) for v in rows[at]]
    for r in range(body, len(rows)):
        row = rows[r]
        if not any(_text(v) for v in row):
            continue
        texts = [_text(v) for v in row]
        if is_example_row(row):
            table.examples.append(Row(table, r + 1, _cells(grid, r, table)))
        elif _is_aside(texts, header, len(table.columns)):
            continue
        else:
            record = Row(table, r + 1, _cells(grid, r, table))
            label = next(t for t in texts if t)
            if _TOTAL.fullmatch(label):
                table.totals.append(record)
                table.notes.append(say("tables.total_left_out", where=record.where()))
            elif not _SUBTOTAL.fullmatch(label):
                table.rows.append(record)
    return table


def _is_aside(texts: list[str], header: list[str], width: int) -> bool:
    """A footnote, a unit line or the header printed again."""
    filled = [t for t in texts if t]
    if texts == header:
        return True
    if len(filled) <= 2 and FOOT.match(filled[0]):
        return True
    return len(filled) == 1 and width > 1 and bool(stated_units(filled[0]))


def _cells(grid: Grid, r: int, table: Records) -> dict[str, Any]:
    row, cells = grid.rows[r], {}
    for column, j in table.position.items():
        value = _clean(row[j]) if j < len(row) else None
        if why := grid.refused.get((r, j)):
            table.found.add(table.where(r + 1, column), "tables.unusable_cell", why=say(why))
            table.refused.add((r + 1, column))
            value = None
        elif (r, j) in grid.percents and isinstance(value, (int, float)):
            value = f"{printed(percent_of(float(value)))}%"
        elif grid.comma_decimal and isinstance(value, str) and _ambiguous(value):
            table.found.add(table.where(r + 1, column), "tables.comma_may_be_decimal", text=value)
            table.refused.add((r + 1, column))
            value = None
        cells[column] = value
    width = max(table.position.values(), default=-1) + 1
    if not grid.sheet and 1 < len(row) < width:
        table.found.add(table.where(r + 1), "tables.ragged", count=len(row), width=width)
    return cells


def _ambiguous(text: str) -> bool:
    return re.fullmatch(r"-?\d{1,3},\d{3}", plain(text)) is not None


def _from_memory(source: Any, table: Records, columns: ColumnNames, unit: str | None) -> Records:
    inner = getattr(source, "table", None)  # a checked ledger
    data = inner if isinstance(inner, pd.DataFrame) else source
    if isinstance(data, pd.DataFrame):
        names = [str(c) for c in data.columns]
        lists = [data.iloc[:, k].tolist() for k in range(len(names))]
        body = [list(row) for row in zip(*lists, strict=True)] if lists else []
    else:
        if not isinstance(data, Iterable) or isinstance(data, Mapping):
            raise InputError(table.name, "tables.not_a_table", given=f"{data!r}"[:80])
        records = list(data)
        if not all(isinstance(r, Mapping) for r in records):
            raise InputError(table.name, "tables.not_a_table", given=f"{data!r}"[:80])
        names = list(dict.fromkeys(str(c) for r in records for c in r))
        body = [[{str(k): v for k, v in r.items()}.get(c) for c in names] for r in records]
    _read_head(names, _known(columns), {}, "", unit, table)
    for i, row in enumerate(body):
        cells = {c: _clean(row[j]) for c, j in table.position.items()}
        label = next((str(v) for v in row if _clean(v) is not None), "")
        if label and not is_example_row([label]):
            record = Row(table, i + 1, cells)
            (table.totals if _TOTAL.fullmatch(label.strip()) else table.rows).append(record)
    return table


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
    header: Sequence[Any],
    known: _Known,
    own: Mapping[int, str],
    stated: str,
    asked: str | None,
    table: Records,
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
                place = f"{grid.sheet}!" if grid.sheet else ""
                found.add(
                    f"{grid.file}[{place}{column_letter(j)}{r + 1}]",
                    "tables.unit_unknown",
                    text=strange,
                )
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
        found = _columns_of_frame(source, name, columns, required, unit)
    elif isinstance(source, (str, Path)) and _is_long_csv(Path(source)):
        found = _columns_of_csv(Path(source), columns, required, unit)
    else:
        table = read_records(source, name=name, columns=columns, unit=unit)
        table.need(*required)
        table.done()
        lines = [row.line for row in table.rows]
        return Columns(
            table.name, table.frame(), lines, table.units,
            lambda i, c: table.where(lines[i], c), table.unknown, tuple(table.notes),
        )  # fmt: skip
    return found


def _columns_of_frame(
    source: pd.DataFrame,
    name: str,
    columns: ColumnNames,
    required: Sequence[str],
    unit: str | None,
) -> Columns:
    table = Records(name)
    _read_head([str(c) for c in source.columns], _known(columns), {}, "", unit, table)
    table.need(*required)
    table.found.raise_if_any()
    names = [str(c) for c in source.columns]
    if names == list(table.columns):
        frame = source
    else:
        frame = source.iloc[:, list(table.position.values())].set_axis(list(table.columns), axis=1)
    return Columns(
        name, frame, range(1, len(frame) + 1), table.units,
        lambda i, c: table.where(i + 1, c), table.unknown,
    )  # fmt: skip


_LONG_CSV = 1_000_000  # bytes from which a CSV file goes column by column


def _is_long_csv(path: Path) -> bool:
    try:
        if path.stat().st_size < _LONG_CSV:
            return False
        with path.open("rb") as file:
            start = file.read(4)
    except OSError:
        return False
    return not start.startswith((b"PK", b"\xd0\xcf", b"\xff\xfe", b"\xfe\xff"))


def _columns_of_csv(
    path: Path, columns: ColumnNames, required: Sequence[str], unit: str | None
) -> Columns:
    top = csv_beginning(path, rows=_SEARCH + 2)
    table = _from_grid(top.grid, Records(path.name), columns, unit)
    table.found.problems.clear()  # cells are looked at below, all of them
    at, _ = _header_row(top.grid.rows, _known(columns))
    table.need(*required)
    table.found.raise_if_any()
    try:
        frame = pd.read_csv(
            path, sep=top.separator, skiprows=at + 1, header=None, dtype=str, index_col=False,
            keep_default_na=False, encoding=top.encoding, skip_blank_lines=False,
            usecols=sorted(table.position.values()),
            names=range(max(len(top.grid.rows[at]), max(table.position.values()) + 1)),
        )  # fmt: skip
    except (ValueError, UnicodeDecodeError) as error:
        reason = str(error).strip().splitlines()[-1]
        raise InputError(path.name, "ground.cannot_be_read", reason=reason) from None
    order = {j: c for c, j in table.position.items()}
    frame = frame.rename(columns=order)[list(table.columns)]
    lines = np.arange(at + 2, at + 2 + len(frame))
    keep = _is_record(frame)
    frame, lines = frame[keep].reset_index(drop=True), lines[keep]
    return Columns(
        path.name, frame, cast("Sequence[int]", lines), table.units,
        lambda i, c: table.where(int(lines[i]), c), table.unknown, tuple(table.notes),
    )  # fmt: skip


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
        keep[i] = not (
            not label
            or is_example_row(texts)
            or _TOTAL.fullmatch(label)
            or (FOOT.match(label) and sum(map(bool, texts)) <= 2)
            or (i == 0 and all(texts) and len(texts) > 2 and is_ordinal(texts))
        )
    return keep
