"""Columns of a table: which hold numbers, in which unit, and what each cell says."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from fiscalmodel.errors import Collector
from fiscalmodel.numerals import Cell, parse, percent_of, printed, simple
from fiscalmodel.tables.unitlines import header_unit, unit_word
from fiscalmodel.units import FEN_PER, convert

_TEXT_NAME = re.compile(
    r"备注|说明|名称|项目$|科目$|指标$|代码|编[码号]|序号|行次|栏次|单位$|地区|区县|来源|类[别型]|性质|期间|期次|时期|"
    r"年[度份]$|月份$|日期?$|日$|债务人|债权人|银行|账户|依据|文号|方式|频率|是否|可否|"
    r"(?:^|[_ ])(?:id|code|name|note|source|region|unit|kind|period|year|month|date|version|"
    r"calibre|coverage|indicator|scope|flag|entity|item)$",
    re.IGNORECASE,
)
#: Headers that only amounts stand under.
_AMOUNT_NAME = re.compile(
    r"金额|[^参指系代次序号倍]数$|余额|限额|差额|总额|本金|(?:^|_)(?:value|amount|wan|yi|pct)$",
    re.IGNORECASE,
)
#: Text that was a number before a character was lost or mistyped.
_SPOILT = re.compile(r"[(（\-△▲+]?\d[\d,，.\s]*[^\d\s]?[\d,，.\s]*[)）]?%?")
_CODE = re.compile(r"0\d+")
_LONG = 200  # rows of nothing but text that make a text column
_HINT = "write a number, or — where there is none"


@dataclass(frozen=True)
class Column:
    """Values of one column, its unit, and what was done safely while reading it."""

    values: list[float] | list[str]
    numeric: bool
    unit: str | None = None
    notes: list[str] = field(default_factory=list)


def read_column(
    name: str,
    stored: Sequence[Any],
    percents: Sequence[bool] | None,
    place: Callable[[int], str],
    table_unit: str,
    problems: Collector,
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
    """
    unit = header_unit(name)
    if (quick := _quick(name, stored, percents, unit)) is not None:
        return quick
    if unit is None and len(stored) > _LONG and _all_text(stored[:_LONG]):
        return Column([_text(v) for v in stored], False)
    found = [parse(v) for v in stored]
    if not _is_numeric(name, stored, found, unit):
        return Column([_text(v) for v in stored], False)
    notes: list[str] = []
    if percents is not None:
        found = [
            Cell("number", percent_of(c.value), "%")
            if shown and c.kind == "number" and not c.unit
            else c
            for c, shown in zip(found, percents, strict=True)
        ]
    unit = _own_unit(name, unit, found, notes)
    home = table_unit if unit is None else unit
    values: list[float] = []
    for i, (cell, value) in enumerate(zip(found, stored, strict=True)):
        if cell.kind == "text":
            problems.add(place(i), _why(value, name), _HINT)
        if cell.unit and cell.unit != "%" and unit_word(cell.unit) in FEN_PER:
            values.append(_in_unit(cell, home, name, place(i), problems, notes))
        else:
            values.append(cell.value)
    marked = sum(cell.marked for cell in found)
    if marked:
        notes.append(f"{name}: footnote marks beside {marked} figure(s) were left out")
    return Column(values, True, unit, notes)


def _quick(
    name: str, stored: Sequence[Any], percents: Sequence[bool] | None, unit: str | None
) -> Column | None:
    """A column of nothing but plain figures, or None if it must be looked at cell by cell."""
    if not stored or (percents is not None and not all(percents)):
        return None
    if _TEXT_NAME.search(name) and not unit:
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


def _is_numeric(name: str, stored: Sequence[Any], found: Sequence[Cell], unit: str | None) -> bool:
    if _TEXT_NAME.search(name) and not unit:
        return False
    if any(isinstance(v, str) and _CODE.fullmatch(v.strip()) for v in stored):
        return False
    numbers = sum(c.kind == "number" for c in found)
    texts = [str(v) for v, c in zip(stored, found, strict=True) if c.kind == "text"]
    if _AMOUNT_NAME.search(name) or unit:
        return True
    if numbers == len(texts) == 0:
        return not any(isinstance(v, str) and v.strip() for v in stored) or unit is not None
    spoilt = sum(_SPOILT.fullmatch(text.strip()) is not None for text in texts)
    return numbers > 0 and numbers + spoilt >= len(texts) - spoilt


def _own_unit(name: str, unit: str | None, found: Sequence[Cell], notes: list[str]) -> str | None:
    """The unit that header or cells state; None if the table's applies."""
    numbers = [c for c in found if c.kind == "number"]
    shown = {c.unit for c in numbers}
    if shown == {"%"}:
        return "%"
    if "%" in shown and unit != "%":
        notes.append(f"{name}: holds percents and other figures")
    return unit


def _in_unit(
    cell: Cell, home: str, name: str, place: str, problems: Collector, notes: list[str]
) -> float:
    printed_unit = unit_word(cell.unit)
    if printed_unit == home:
        return cell.value
    if home in FEN_PER:
        note = f"{name}: figures printed in {printed_unit} were converted to {home}"
        if note not in notes:
            notes.append(note)
        return float(convert(cell.value, printed_unit, home))
    said = f"the column is in {home}" if home else "the table states no unit"
    problems.add(
        place, f"the figure is in {printed_unit}, but {said}", "state one unit in a 单位 line"
    )
    return math.nan


def _why(value: Any, name: str) -> str:
    text = str(value).strip()
    if re.fullmatch(r"[(\-△▲+]?[\d,，.\s]+\)?%?", text):
        return f"{text!r} in {name!r} is no well-formed number (separators stand every 3 digits)"
    return f"{text!r} stands in {name!r} where a number belongs"


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value.strip(" \t\r\n\u3000\xa0")
    if hasattr(value, "isoformat"):
        return str(value.isoformat()).removesuffix("T00:00:00")
    return printed(value)
