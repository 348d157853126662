"""Tables as printed to grids, and their cells to facts."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from fiscalmodel.series.intervals_printed import Printed, printed
from fiscalmodel.series.rules.book import Fact, Grid
from fiscalmodel.series.rules.labels import Label, label, years_of
from fiscalmodel.series.table import Table
from fiscalmodel.series.types import CellRef

#: Columns of numbers that name rows and are no figures.
_KEYS = re.compile(
    r"^(?:year|month|年份?|年度|月份?|period|期间|序号|行次|栏次|编号|(?:科目)?(?:编码|代码)|code|no\.?|id|.*_id)$",
    re.IGNORECASE,
)
_PERIOD_NAMES = re.compile(r"^(?:period|期间|时期|年月|月份|month|year|年份?|年度)$", re.IGNORECASE)
_PERIOD = re.compile(r"^(\d{4})(?:[-年./]?(\d{1,2})?月?|年)?$")
_RATE_ROW = re.compile(r"(?:增速|增长率|增幅|占比|比重|完成率|执行率)(?:\(%\))?$|%")
_KINDS = ((re.compile(r"决算|执行|完成|实际|累计"), "actual"), (re.compile(r"预算|计划"), "budget"))


def grid_of(table: Table) -> tuple[Grid, list[Fact]]:
    """The grid of a table, and its facts for the rules that go by name."""
    columns = list(table.frame.columns)
    numbers = [
        c for c in columns if pd.api.types.is_numeric_dtype(table.frame[c]) and not _is_key(c)
    ]
    headers = [label(str(c)) for c in numbers]
    units = ["%" if "%" in str(c) or "％" in str(c) else table.unit_of(c) for c in numbers]
    names = [_names(table, columns, c) for c in numbers]
    first = names[0] if names else [""] * len(table)
    periods = _periods(table, columns)
    panel = [] if periods else _panel(table, columns)
    document = "|".join((Path(table.file).name, table.sheet, table.name))
    texts = {c: table.texts[c].tolist() for c in numbers}
    values = {c: table.frame[c].tolist() for c in numbers}
    cells = {c: table.cells[c].tolist() for c in numbers}
    year = next(iter(years_of(table.name)), "")
    file = Path(table.file).name
    rows: list[list[Fact | None]] = []
    for r in range(len(table)):
        row: list[Fact | None] = []
        for j, c in enumerate(numbers):
            figure = _figure(texts[c][r], values[c][r])
            if figure is None:
                row.append(None)
                continue
            at_year, period = periods[r] if periods else (0, "")
            entity, flag = "", ""
            if panel:
                entity, at_year, flag = panel[r]
            header_years = years_of(str(c))
            row.append(
                Fact(
                    cell=CellRef(file, table.sheet, str(cells[c][r])),
                    label=label(str(c)) if periods or panel else label(names[j][r]),
                    text=figure.text,
                    figure=figure,
                    unit="%" if _RATE_ROW.search(names[j][r]) else units[j],
                    document=document,
                    section=table.name,
                    entity=entity,
                    flag=flag,
                    year=str(at_year or (header_years[0] if header_years else year)),
                    period=period or ("" if panel else str(c)),
                    kind=next((k for p, k in _KINDS if p.search(str(c))), ""),
                    in_grid=True,
                )
            )
        rows.append(row)
    marks = list(table.marks) if len(table.marks) == len(table) else [""] * len(table)
    grid = Grid(
        name=table.name,
        document=document,
        headers=headers,
        units=units,
        labels=[label(text) for text in first],
        facts=rows,
        marks=marks,
        indents=[len(text) - len(text.lstrip()) for text in first],
        periods=periods or [(year, f"{name} {year}") for name, year, _ in panel],
        problems=table.problems,
    )
    return grid, [fact for row in rows for fact in row if fact is not None]


def _is_key(column: object) -> bool:
    return bool(_KEYS.match(str(column).strip()))


def _figure(text: str, value: float) -> Printed | None:
    """The figure as printed; a percent stored as a ratio keeps the reader's value."""
    if value != value:
        return None
    figure = printed(text)
    if figure is not None and abs(float(figure.value) - value) <= 1e-9 * max(1.0, abs(value)):
        return figure
    return printed(value)


def _names(table: Table, columns: list[str], column: str) -> list[str]:
    """Row labels for a column: the nearest text column to its left that is filled."""
    place = columns.index(column)
    texts = [c for c in columns if not pd.api.types.is_numeric_dtype(table.frame[c])]
    left = [c for c in texts if columns.index(c) < place] or texts
    for c in reversed(left):
        values = [str(v) if v == v and v is not None else "" for v in table.frame[c].tolist()]
        if sum(bool(v.strip()) for v in values) * 2 >= len(values):
            return values
    if not texts:
        return [""] * len(table)
    return [str(v) if v == v and v is not None else "" for v in table.frame[texts[0]].tolist()]


def _periods(table: Table, columns: list[str]) -> list[tuple[int, str]]:
    """Year and period of each row, if the rows are the periods of one thing."""
    for c in columns:
        if not _PERIOD_NAMES.match(str(c).strip()):
            continue
        found = [_PERIOD.match(_plain(v)) for v in table.frame[c].tolist()]
        seen = [m.groups() for m in found if m]
        if len(seen) == len(table) > 1 and len(set(seen)) == len(seen):
            return [(int(y), f"{y}-{int(m):02d}" if m else str(y)) for y, m in seen]
    return []


def _panel(table: Table, columns: list[str]) -> list[tuple[str, int, str]]:
    """Entity, year and remark on scope of each row, if every row is one entity's year."""
    years = [c for c in columns if re.fullmatch(r"year|年份?|年度", str(c), re.IGNORECASE)]
    names = [c for c in columns if re.fullmatch(r"region|entity|地区|区划|省份?|单位名称", str(c))]
    if not years or not names:
        return []
    when = [_plain(v) for v in table.frame[years[0]].tolist()]
    who = [_plain(v) for v in table.frame[names[0]].tolist()]
    keys = list(zip(who, when, strict=True))
    if not all(re.fullmatch(r"\d{4}", y) for y in when) or len(set(keys)) < len(keys):
        return []
    flags = [""] * len(keys)
    if "scope_flag" in columns:
        flags = [_plain(v) if v == v else "" for v in table.frame["scope_flag"].tolist()]
    return [(name, int(year), flag) for (name, year), flag in zip(keys, flags, strict=True)]


def _plain(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.0f}" if value == value else ""
    return str(value).strip()


def row_name(labels: list[Label], row: int) -> str:
    """The label of a row for sentences."""
    return labels[row].raw or f"row {row + 1}"
