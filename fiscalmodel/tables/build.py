"""A found layout to a `Table`: columns with their numbers and units, marks of rows, notes."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import takewhile
from typing import Any

import numpy as np
import pandas as pd

from fiscalmodel.days import heading
from fiscalmodel.errors import Collector, InputError
from fiscalmodel.numerals import (
    COMMA,
    Cell,
    parse,
    percent_of,
    plain,
    printed,
    simple,
    why_no_number,
)
from fiscalmodel.tables.forms import about
from fiscalmodel.tables.grid import Grid, column_letter
from fiscalmodel.tables.layout import BRACKETS, Layout, Rows, main_title
from fiscalmodel.tables.table import CODES, OF_WHICH, SUBTOTAL, TOTAL, Table, row_labels
from fiscalmodel.tables.unitlines import header_unit, title_unit, unit_word
from fiscalmodel.units import FEN_PER, convert
from fiscalmodel.words import Text, say

_MARKS = (
    (re.compile(r"\s*[（(]?其\s*中|of which", re.IGNORECASE), OF_WHICH),
    (re.compile(r".*小\s*计|sub-?total", re.IGNORECASE), SUBTOTAL),
    (re.compile(r".*[合总共]\s*计|(?:grand )?total", re.IGNORECASE), TOTAL),
)


def build_table(
    rows: Rows, layout: Layout, *, asked: str | None, strict: bool, said: Sequence[Text] = ()
) -> Table:
    """The table that a layout describes.

    Raises
    ------
    InputError
        If its unit is contradictory or, when `strict`, if a cell cannot be read.
    """
    grid, problems = rows.grid, Collector()
    notes = [*grid.notes, *said]
    unit = _unit(rows, layout, asked, notes)
    names = _columns(rows, layout, problems, notes)
    spans = _label_spans(rows, layout)
    frame: dict[str, Any] = {}
    kept: dict[str, list[Any]] = {}
    percents: set[tuple[int, str]] = set()
    units: dict[str, str | None] = {}
    with_percents = {c for _, c in grid.percents}
    for c, name in names.items():
        stored = kept[name] = _stored(rows, layout, c, spans, problems)
        shown = [(r, c) in grid.percents for r in layout.body] if c in with_percents else []
        place = partial(_place, rows, layout, c)
        column = read_column(
            name, stored, shown if any(shown) else None, place, unit, problems,
            comma_decimal=grid.comma_decimal,
        )  # fmt: skip
        notes.extend(column.notes)
        if column.numeric:
            frame[name] = np.array(column.values, dtype=float)
            units[name] = column.unit
            percents |= {(i, name) for i, mark in enumerate(shown) if mark}
        else:
            frame[name] = pd.array(column.values, dtype=object)
    if not unit and None in units.values() and not _unit_in_each_row(frame):
        notes.append(say("tables.no_unit"))
    _refuse_ragged(rows, layout, problems)
    if strict:
        problems.raise_if_any()
    built = pd.DataFrame(frame)
    marks = _marks(built)
    notes.extend(_blank_totals(built, marks, kept, names, layout))
    return Table(
        name=main_title(layout.titles) or grid.sheet or grid.file.rsplit(".", 1)[0],
        file=grid.file,
        sheet=grid.sheet,
        frame=built,
        rows=[r + 1 for r in layout.body],
        letters={name: column_letter(c) for c, name in names.items()},
        stored=kept,
        unit=unit,
        units={name: own for name, own in units.items() if own is not None},
        marks=marks,
        notes=tuple(dict.fromkeys([*notes, *layout.notes])),
        problems=tuple(problems.problems),
        percents=frozenset(percents),
        decimals=partial(_decimals, grid, layout, names),
        about=about(layout.titles[::-1], grid.sheet, list(names.values()), layout.owner),
    )


def _place(rows: Rows, layout: Layout, column: int, i: int) -> str:
    return rows.place(layout.body[i], column)


def _decimals(grid: Grid, layout: Layout, names: dict[int, str]) -> dict[tuple[int, str], int]:
    """The decimals that number formats show, by position and column."""
    rows = {r: i for i, r in enumerate(layout.body)}
    shown = ((rows.get(r), names.get(c), places) for (r, c), places in grid.decimals().items())
    return {(i, name): places for i, name, places in shown if i is not None and name is not None}


def _unit_in_each_row(frame: dict[str, Any]) -> bool:
    """Whether a column of units is filled wherever the row is."""
    named = [n for n in frame if n.strip().lower() in ("单位", "计量单位", "unit")][:1]
    texts = [str(text).strip() for n in named for text in frame[n] if not isinstance(text, float)]
    return bool(texts) and all(texts)


def _unit(rows: Rows, layout: Layout, asked: str | None, notes: list[Text]) -> str:
    """The table's unit of money (or other unit), from its 单位 line, its title or the caller."""
    stated = [
        (rows.place(r, c), unit)
        for r, c, units in layout.units
        for unit in [u for u in units if u in FEN_PER] or units[:1]
    ]
    if not stated:
        found = [(title, title_unit(title)) for title in layout.titles]
        stated = [(where, unit) for where, unit in found if unit in FEN_PER]
        if stated:
            notes.append(say("tables.unit_of_title", unit=stated[0][1], title=stated[0][0]))
    if not stated:
        # Of the columns of labels, left of the figures, the first that states one.
        labels = takewhile(
            lambda c: _TEXT_NAME.search(BRACKETS.sub("", layout.names[c])), sorted(layout.names)
        )
        heads = ((c, header_unit(layout.names[c]) or "") for c in labels)
        own = [(rows.place(layout.header[-1], c), unit) for c, unit in heads if unit in FEN_PER]
        stated = own[:1]
    money = [(where, unit) for where, unit in stated if unit in FEN_PER] or stated
    if not money:
        return asked or ""
    at, first = money[0]
    for where, unit in money[1:]:
        if unit != first:
            two = {"first": first, "at": at, "second": unit, "and_at": where}
            raise InputError(where, "tables.two_units", **two)
    if asked not in (None, first):
        raise InputError(at, "tables.unit_differs", asked=asked, stated=first)
    return first


def _columns(rows: Rows, layout: Layout, problems: Collector, notes: list[Text]) -> dict[int, str]:
    """Column -> unique name; columns without name and content are left out."""
    used = {c for r in layout.body for c in rows.filled[r]} & set(layout.columns)
    names: dict[int, str] = {}
    seen: dict[str, int] = {}
    for c in sorted(used | set(layout.names)):
        name = layout.names.get(c, "")
        if not name:
            if any(not CODES.search(names[left]) for left in names):
                at = next(r for r in layout.body if c in rows.filled[r])
                text = str(rows.value(at, c))[:20]
                problems.add(rows.place(at, c), "tables.nameless", text=text)
                continue
            name = "项目"
            notes.append(say("tables.called_item", column=column_letter(c)))
        count = seen[name] = seen.get(name, 0) + 1
        names[c] = name if count == 1 else f"{name}_{count}"
        if count > 1:
            notes.append(say("tables.names_several", name=name, count=count, later=names[c]))
    return names


def _label_spans(rows: Rows, layout: Layout) -> dict[tuple[int, int], int]:
    """Body cells covered by a vertical merge of text -> the row that holds the text."""
    last = layout.body[-1] if layout.body else -1
    return {
        (r, c0): r0
        for (r0, c0), (r1, c1) in rows.grid.merged
        if c0 == c1 and layout.header[-1] < r0 <= last and isinstance(rows.value(r0, c0), str)
        for r in range(r0 + 1, r1 + 1)
    }


def _stored(
    rows: Rows,
    layout: Layout,
    column: int,
    spans: dict[tuple[int, int], int],
    problems: Collector,
) -> list[Any]:
    values = rows.grid.rows
    stored = [values[r][column] if column < len(values[r]) else "" for r in layout.body]
    for i, r in enumerate(layout.body) if spans or rows.grid.refused else ():
        if (r, column) in spans:
            stored[i] = rows.value(spans[r, column], column)
        if why := rows.grid.refused.get((r, column)):
            problems.add(rows.place(r, column), "tables.unusable_cell", why=say(why))
            stored[i] = ""
    return stored


def _refuse_ragged(rows: Rows, layout: Layout, problems: Collector) -> None:
    """Rows of a CSV file with too few fields: what is missing may stand in the wrong column."""
    if rows.grid.sheet or not layout.names:
        return
    width = min(len(rows.grid.rows[layout.header[-1]]), max(layout.names) + 1)
    for r in layout.body:
        short = rows.grid.rows[r]
        # A lone label may stand unpadded, unless its figure seems to have run into it.
        joined = len(short) == 1 and str(short[0]).strip()[-1:].isdigit()
        if joined or (1 < len(short) < width and len(rows.filled[r]) > 1):
            place = f"{rows.grid.file}:{r + 1}"
            problems.add(place, "tables.ragged", count=len(short), width=width)


def _blank_totals(
    frame: pd.DataFrame,
    marks: pd.Series[str],
    stored: dict[str, list[Any]],
    names: dict[int, str],
    layout: Layout,
) -> list[Text]:
    """Cells of a total row without anything printed, in columns that hold figures."""
    return [
        say("tables.blank_total", cell=f"{column_letter(c)}{layout.body[i] + 1}", name=name)
        for i in np.flatnonzero(marks.eq(TOTAL))
        for c, name in names.items()
        if not str(stored[name][i]).strip()
        and pd.api.types.is_numeric_dtype(frame[name])
        and frame[name].notna().any()
    ]


def _marks(frame: pd.DataFrame) -> pd.Series[str]:
    """Mark of each row, from its label."""
    marks = [""] * len(frame)
    for i, label in enumerate(row_labels(frame)):
        if "计" in label or "其" in label or label.isascii():
            marks[i] = next((mark for pattern, mark in _MARKS if pattern.match(label)), "")
    return pd.Series(marks, index=frame.index, dtype=object)


# ---- one column ----

_TEXT_NAME = re.compile(
    r"备注|说明|示例|名称|项目$|科目$|指标$|代码|编[码号]|序号|行次|栏次|单位$|(?<!本)地区$|区县$|来源$|类[别型]$|性质|期间|期次|时期|"
    r"年[度份]$|月份$|日期?$|日$|债务人|债权人|(?:银行|账户)$|依据|文号|方式|频率|是否|可否|"
    r"(?:^|[_ ])(?:id|code|name|note|source|region|unit|kind|period|year|month|date|version|"
    r"calibre|coverage|indicator|scope|flag|entity|item)$",
    re.IGNORECASE,
)
#: Headers that only amounts stand under.
_AMOUNT_NAME = re.compile(
    r"金额|数值|[^参指系代次序号倍]数$|余额|限额|差额|总额|本金|(?:^|_)(?:value|amount|wan|yi|pct)$",
    re.IGNORECASE,
)
#: Text that was a number before a character was lost or mistyped.
_SPOILT = re.compile(r"[(（\-△▲+]?\d[\d,，.\s]*[^\d\s]?[\d,，.\s]*[)）]?%?")
_MONTH = re.compile(r"((?:19|20|21)\d\d)\.(\d{1,2})")
#: Headers that months written as numbers stand under; an amount of 2024.1 is an amount.
_PERIOD_NAME = re.compile(r"月|期|时间|period|month|date", re.IGNORECASE)
_CODE = re.compile(r"0\d+")
_LONG = 200  # rows of nothing but text that make a text column


@dataclass(frozen=True)
class Column:
    """Values of one column, its unit, and what was done safely while reading it."""

    values: list[float] | list[str]
    numeric: bool
    unit: str | None = None
    notes: list[Text] = field(default_factory=list)


def read_column(
    name: str,
    stored: Sequence[Any],
    percents: Sequence[bool] | None,
    place: Callable[[int], str],
    table_unit: str,
    problems: Collector,
    *,
    comma_decimal: bool = False,
) -> Column:
    """Stored cells of a column to numbers, or to texts if it is a text column.

    Parameters
    ----------
    stored
        One stored cell a body row.
    percents
        Whether the cell is shown as percent; None where none is.
    place
        Position in the column -> place for messages (``file[sheet!B7]``).
    table_unit
        Unit of the table; an amount with another unit of money printed in its
        own cell is converted to the column's.
    problems
        Takes cells that hold text where a number belongs.
    comma_decimal
        Whether a comma may be the decimal point.
    """
    unit = header_unit(name)
    stored = _months_told(name, stored, place, problems)
    if (quick := _quick(name, stored, percents, unit)) is not None:
        return quick
    if unit is None and len(stored) > _LONG and _all_text(stored[:_LONG]):
        return Column([_text(v) for v in stored], False)
    found = [parse(v) for v in stored]
    if not _is_numeric(name, stored, found, unit):
        return Column([_text(v) for v in stored], False)
    notes: list[Text] = []
    for i, shown in enumerate(percents or ()):
        if shown and found[i].kind == "number" and not found[i].unit:
            found[i] = Cell("number", percent_of(found[i].value), "%")
    signs = {c.unit for c in found if c.kind == "number"}
    if "%" in signs and signs != {"%"} and unit != "%":
        notes.append(say("tables.mixed_percents", name=name))
    unit = "%" if signs == {"%"} else unit
    home = table_unit if unit is None else unit
    values: list[float] = []
    for i, (cell, value) in enumerate(zip(found, stored, strict=True)):
        if comma_decimal and isinstance(value, str) and COMMA.fullmatch(plain(value)):
            problems.add(place(i), "tables.comma_may_be_decimal", text=value)
        if cell.kind == "text":
            problems.add(place(i), why_no_number(value), text=str(value).strip(), name=name)
        if cell.unit and cell.unit != "%" and unit_word(cell.unit) in FEN_PER:
            values.append(_in_unit(cell, home, name, place(i), problems, notes))
        else:
            values.append(cell.value)
    marked = sum(cell.marked for cell in found)
    if marked:
        notes.append(say("tables.footnote_marks", name=name, count=marked))
    return Column(values, True, unit, notes)


def _months_told(
    name: str, stored: Sequence[Any], place: Callable[[int], str], problems: Collector
) -> Sequence[Any]:
    """Months written 2024.9, 2024.10, where a program made 2024.1 of the October.

    The neighbours tell: after September or before November it is October, after
    December or before February January; what they do not tell is refused.
    """
    if not _PERIOD_NAME.search(name) or not _MONTH.fullmatch(
        printed(next((v for v in stored if v != ""), ""))
    ):
        return stored
    texts = [printed(value) for value in stored]
    found = [_MONTH.fullmatch(text) for text in texts]
    months = [match[2] for match in found if match]
    if len(months) < max(2, sum(map(bool, texts))) or set(months) == {"1"}:
        return stored
    told = list(texts)
    at = [i for i, match in enumerate(found) if match]
    for k, i in enumerate(at):
        year, month = found[i][1], found[i][2]  # type: ignore[index]
        if month != "1":
            continue
        before = texts[at[k - 1]] if k else ""
        after = texts[at[k + 1]] if k + 1 < len(at) else ""
        october = before in (f"{year}.9", f"{year}.09") or after == f"{year}.11"
        january = before == f"{int(year) - 1}.12" or after in (f"{year}.2", f"{year}.02")
        if october == january:
            problems.add(place(i), "tables.january_or_october", text=texts[i])
        else:
            told[i] = f"{year}.{'10' if october else '01'}"
    return told


def _quick(
    name: str, stored: Sequence[Any], percents: Sequence[bool] | None, unit: str | None
) -> Column | None:
    """A column of nothing but plain figures, or None if it must be looked at cell by cell."""
    mixed = percents is not None and not all(percents)
    if not stored or mixed or _is_text_name(name, unit):
        return None
    values: list[float] = []
    for value in stored:
        number = simple(value)
        if number is None or (type(value) is str and _CODE.fullmatch(value)):
            return None
        values.append(number)
    if percents is not None:
        return Column([percent_of(v) for v in values], True, "%")
    return Column(values, True, unit)


def _all_text(stored: Sequence[Any]) -> bool:
    return all(type(v) is str and parse(v).kind == "text" for v in stored)


def _is_text_name(name: str, unit: str | None) -> bool:
    """Whether a header names texts; 2024年度 heads figures of a year, 年度 the years."""
    return bool(_TEXT_NAME.search(name)) and not unit and heading(name.rsplit("/", 1)[-1]) is None


def _is_numeric(name: str, stored: Sequence[Any], found: Sequence[Cell], unit: str | None) -> bool:
    if _is_text_name(name, unit):
        return False
    if any(isinstance(v, str) and _CODE.fullmatch(v.strip()) for v in stored):
        return False
    numbers = sum(c.kind == "number" for c in found)
    texts = [str(v) for v, c in zip(stored, found, strict=True) if c.kind == "text"]
    if len(texts) > numbers and _TEXT_NAME.search(BRACKETS.sub("", name)):
        return False  # 项目（万元） in the corner: the unit is the table's
    if _AMOUNT_NAME.search(name) or unit:
        return True
    if numbers == len(texts) == 0:
        return not any(isinstance(v, str) and v.strip() for v in stored) or unit is not None
    spoilt = sum(_SPOILT.fullmatch(text.strip()) is not None for text in texts)
    return numbers > 0 and numbers + spoilt >= len(texts) - spoilt


def _in_unit(
    cell: Cell, home: str, name: str, place: str, problems: Collector, notes: list[Text]
) -> float:
    printed_unit = unit_word(cell.unit)
    if printed_unit == home:
        return cell.value
    if home in FEN_PER:
        note = say("tables.converted", name=name, unit=printed_unit, home=home)
        if note not in notes:
            notes.append(note)
        return float(convert(cell.value, printed_unit, home))
    what = "tables.other_unit" if home else "tables.unit_of_cell"
    problems.add(place, what, unit=printed_unit, home=home)
    return math.nan


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value.strip(" \t\r\n\u3000\xa0")
    if hasattr(value, "isoformat"):
        return str(value.isoformat()).removesuffix("T00:00:00")
    return printed(value)
