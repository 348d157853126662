"""A found layout to a `Table`: columns, unit, marks, notes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from fiscalmodel.errors import Collector, InputError
from fiscalmodel.tables.columns import read_column
from fiscalmodel.tables.headers import Layout
from fiscalmodel.tables.rows import Rows
from fiscalmodel.tables.table import OF_WHICH, SUBTOTAL, TOTAL, Table, column_letter
from fiscalmodel.tables.unitlines import title_unit
from fiscalmodel.units import FEN_PER

_MARKS = (
    (re.compile(r"\s*[（(]?其\s*中|of which", re.IGNORECASE), OF_WHICH),
    (re.compile(r".*小\s*计|sub-?total", re.IGNORECASE), SUBTOTAL),
    (re.compile(r".*[合总共]\s*计|(?:grand )?total", re.IGNORECASE), TOTAL),
)


def build_table(
    rows: Rows, layout: Layout, *, asked: str | None, strict: bool, said: Sequence[str] = ()
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
    units: dict[str, str] = {}
    with_percents = {c for _, c in grid.percents}
    for c, name in names.items():
        stored = _stored(rows, layout, c, spans, problems)
        shown = [(r, c) in grid.percents for r in layout.body] if c in with_percents else None
        column = read_column(
            name,
            stored,
            shown if shown and any(shown) else None,
            lambda i, c=c: rows.place(layout.body[i], c),  # type: ignore[misc]
            unit,
            problems,
        )
        notes.extend(column.notes)
        frame[name] = (
            np.array(column.values, dtype=float)
            if column.numeric
            else pd.array(column.values, dtype=object)
        )
        kept[name] = stored
        if column.numeric and column.unit is not None:
            units[name] = column.unit
        if shown and column.numeric:
            percents |= {(i, name) for i, mark in enumerate(shown) if mark}
    if (
        not unit
        and any(
            pd.api.types.is_numeric_dtype(frame[name].dtype) and name not in units for name in frame
        )
        and not _unit_in_each_row(frame)
    ):
        notes.append("no unit is stated")
    _refuse_ragged(rows, layout, problems)
    if strict:
        problems.raise_if_any()
    built = pd.DataFrame(frame)
    marks = _marks(built)
    notes.extend(_blank_totals(built, marks, kept, names, layout))
    return Table(
        name=_title(layout) or grid.sheet or grid.file.rsplit(".", 1)[0],
        file=grid.file,
        sheet=grid.sheet,
        frame=built,
        rows=[r + 1 for r in layout.body],
        letters={name: column_letter(c) for c, name in names.items()},
        stored=kept,
        unit=unit,
        units=units,
        marks=marks,
        notes=tuple(dict.fromkeys([*notes, *layout.notes])),
        problems=tuple(problems.problems),
        percents=frozenset(percents),
    )


def _unit_in_each_row(frame: dict[str, Any]) -> bool:
    """Whether a column of units is filled wherever the row is."""
    at = next((n for n in frame if n.strip().lower() in ("单位", "计量单位", "unit")), None)
    if at is None or pd.api.types.is_numeric_dtype(frame[at].dtype):
        return False
    return len(frame[at]) > 0 and all(str(text).strip() for text in frame[at])


def _unit(rows: Rows, layout: Layout, asked: str | None, notes: list[str]) -> str:
    """The table's unit of money (or other unit), from its 单位 line, its title or the caller."""
    stated = [
        (rows.place(r, c), unit)
        for r, c, units in layout.units
        for unit in [u for u in units if u in FEN_PER] or units[:1]
    ]
    if not stated:
        found = [(repr(title), title_unit(title)) for title in layout.titles]
        stated = [(where, unit) for where, unit in found if unit in FEN_PER]
        if stated:
            notes.append(f"the unit {stated[0][1]} was taken from the title {stated[0][0]}")
    money = [(where, unit) for where, unit in stated if unit in FEN_PER] or stated
    for where, unit in money[1:]:
        if unit != money[0][1]:
            raise InputError(
                where,
                f"the table states two units: {money[0][1]} at {money[0][0]} and {unit} at {where}",
                "keep the one that is right",
            )
    if asked is not None and money and money[0][1] != asked:
        raise InputError(
            money[0][0],
            f"unit={asked!r} was given, but the table states {money[0][1]}",
            "leave unit= out, or correct the table",
        )
    if money:
        return money[0][1]
    return asked or ""


def _columns(rows: Rows, layout: Layout, problems: Collector, notes: list[str]) -> dict[int, str]:
    """Column -> unique name; columns without name and content are left out."""
    used = {c for r in layout.body for c in rows.filled[r]}
    names: dict[int, str] = {}
    seen: dict[str, int] = {}
    for c in sorted(used | set(layout.names)):
        name = layout.names.get(c, "")
        if not name:
            if c > min(layout.names):
                at = next(r for r in layout.body if c in rows.filled[r])
                problems.add(
                    rows.place(at, c),
                    f"{str(rows.value(at, c))[:20]!r} stands under no column name",
                    "name the column, clear the cell, or quote a figure with separators in CSV",
                )
                continue
            name = "项目"
            notes.append(f"column {column_letter(c)} has no name and is called 项目")
        seen[name] = seen.get(name, 0) + 1
        if seen[name] > 1:
            notes.append(f"{name!r} names {seen[name]} columns; the later is {name}_{seen[name]}")
            name = f"{name}_{seen[name]}"
        names[c] = name
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
            problems.add(
                rows.place(r, column),
                f"the cell holds {why}",
                "open the workbook, recalculate, and store the figure as it is shown",
            )
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
            problems.add(
                f"{rows.grid.file}:{r + 1}",
                f"{len(short)} field(s) under {width} column names",
                "fill the row up with empty fields, or restore the separator that was lost",
            )


def _blank_totals(
    frame: pd.DataFrame,
    marks: pd.Series[str],
    stored: dict[str, list[Any]],
    names: dict[int, str],
    layout: Layout,
) -> list[str]:
    """Cells of a total row without anything printed, in columns that hold figures."""
    return [
        f"{column_letter(c)}{layout.body[i] + 1}: the total of {name!r} is blank"
        for i in np.flatnonzero(marks.eq(TOTAL))
        for c, name in names.items()
        if pd.api.types.is_numeric_dtype(frame[name])
        and not str(stored[name][i]).strip()
        and frame[name].notna().any()
    ]


def _title(layout: Layout) -> str:
    named = [t for t in layout.titles if re.search(r"表|情况|table", t, re.IGNORECASE)]
    return (named or layout.titles or [""])[-1]


def _marks(frame: pd.DataFrame) -> pd.Series[str]:
    """Mark of each row, from its first text column."""
    marks = [""] * len(frame)
    text = [c for c in frame.columns if not pd.api.types.is_numeric_dtype(frame[c])]
    for column in text[:1]:
        for i, label in enumerate(frame[column]):
            if "计" in label or "其" in label or label.isascii():
                marks[i] = next((mark for pattern, mark in _MARKS if pattern.match(label)), "")
    return pd.Series(marks, index=frame.index, dtype=object)
