"""Tables as printed to grids, and their cells to facts."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from fiscalmodel.checks.facts import Fact, Grid, Label, label, years_of
from fiscalmodel.checks.printed import Printed, is_blank, printed
from fiscalmodel.errors import Problem, problem
from fiscalmodel.findings import CellRef
from fiscalmodel.tables.table import Table

_Array = npt.NDArray[np.float64]

#: Columns of numbers that name rows and are no figures.
_KEYS = re.compile(
    r"^(?:year|month|年份?|年度|月份?|period|期间|序号|行次|栏次|编号|(?:科目)?(?:编码|代码)|code|no\.?|id|.*_id)$",
    re.IGNORECASE,
)
_CODES = re.compile(r"(?:编码|代码|编号|code)$", re.IGNORECASE)
_PERIOD_NAMES = re.compile(r"^(?:period|期间|时期|年月|月份|month|year|年份?|年度)$", re.IGNORECASE)
_PERIOD = re.compile(r"^(\d{4})(?:[-年./]?(\d{1,2})?月?|年)?$")
_LETTER = re.compile(r"([A-Z]+)\d+\]?$")
_RATE_ROW = re.compile(r"(?:增速|增长率|增幅|占比|比重|完成率|执行率)(?:\(%\))?$|%")
_KINDS = ((re.compile(r"决算|执行|完成|实际|累计"), "actual"), (re.compile(r"预算|计划"), "budget"))


def grids_of(table: Table) -> tuple[list[Grid], list[Fact]]:
    """The grids of a table, and its facts for the rules that go by name.

    A table with two sides (收入 | 金额 | 支出 | 金额) gives a grid for each.
    """
    columns = [str(c) for c in table.frame.columns]
    numeric = [
        pd.api.types.is_numeric_dtype(t) or (not _is_key(c) and _mostly_numbers(table, c))
        for c, t in zip(columns, table.frame.dtypes, strict=True)
    ]
    texts = [c for c, number in zip(columns, numeric, strict=True) if not number]
    named = [c for c in texts if not _is_key(c)]
    full = {c for c in named if 2 * table.frame[c].map(_filled).sum() >= len(table)}
    sides: dict[str, list[str]] = {}
    name = next((c for c in named if c in full), next(iter(named or texts), ""))
    for c, number in zip(columns, numeric, strict=True):
        if c in full:
            name = c
        elif number and not _is_key(c):
            sides.setdefault(name, []).append(c)
    # A side without totals of its own belongs to the table's first labels.
    made = [_grid(table, name, own, first=n == 0) for n, (name, own) in enumerate(sides.items())]
    grids: list[Grid] = []
    turned: list[Grid] = []
    for grid in made:
        by_years = _by_year(grid)
        if by_years is not None:
            by_years = _linked(by_years)
            turned.append(by_years)
            grid = replace(grid, facts=[list(row) for row in zip(*by_years.facts, strict=True)])
        grids.append(_linked(grid) if grid.periods else grid)
    facts = [fact for grid in grids for row in grid.facts for fact in row if fact is not None]
    return [*grids, *turned], facts


def _grid(table: Table, name: str, numbers: list[str], *, first: bool) -> Grid:
    """The number columns that share a column of labels."""
    columns = list(table.frame.columns)
    size = len(table)
    names = _printed(table, name)
    codes = _codes(table, columns)
    periods = _periods(table, columns)
    panel = [] if periods else _panel(table, columns)
    marks = list(table.marks) if first and len(table.marks) == size else [""] * size
    file = Path(table.file).name
    grid = Grid(
        name=table.name,
        document="|".join((file, table.sheet, table.name)),
        headers=[label(str(c)) for c in numbers],
        units=["%" if "%" in str(c) or "％" in str(c) else table.unit_of(c) for c in numbers],
        labels=[_coded(label(text.strip()), code) for text, code in zip(names, codes, strict=True)],
        facts=[],
        marks=marks,
        indents=[len(text) - len(text.lstrip()) for text in names],
        periods=periods or [(year, f"{who} {year}") for who, year, _ in panel],
        problems=(*(_unread(table) if first else ()), *_words(table, numbers)),
    )
    title_year = next(iter(years_of(table.name)), "")
    rate_rows = [bool(_RATE_ROW.search(text)) for text in names]
    by_column = [
        _column(table, grid, j, c, rate_rows, title_year, periods, panel)
        for j, c in enumerate(numbers)
    ]
    return replace(grid, facts=[list(row) for row in zip(*by_column, strict=True)])


def _unread(table: Table) -> list[Problem]:
    """What the reader refused, but for columns that hold no number at all: those are remarks."""
    if not table.problems:
        return []
    empty = {x for c, x in table.letters.items() if not table.frame[c].map(_filled).any()}
    letters = [(p, _LETTER.search(p.where)) for p in table.problems]
    return [p for p, found in letters if found is None or found[1] not in empty]


def _words(table: Table, numbers: list[str]) -> list[Problem]:
    """Cells with words in columns that hold numbers otherwise."""
    found = []
    numeric = {c for c, t in table.frame.dtypes.items() if pd.api.types.is_numeric_dtype(t)}
    for c in [c for c in numbers if c not in numeric]:
        for row, text in zip(table.frame.index, table.texts[c].tolist(), strict=True):
            if _filled(text) and printed(text) is None and not is_blank(str(text)):
                where = table.where(row, c)
                found.append(problem(where, "checks.word_in_numbers", text=str(text)[:40]))
    return found


def _column(
    table: Table,
    grid: Grid,
    index: int,
    column: str,
    rate_rows: list[bool],
    title_year: int | str,
    periods: list[tuple[int, str]],
    panel: list[tuple[str, int, str]],
) -> list[Fact | None]:
    """One fact for each filled cell of a column."""
    series = table.frame[column]
    texts, values = table.texts[column].tolist(), series.tolist()
    if not pd.api.types.is_numeric_dtype(series):
        values = [_value(text) for text in texts]
    letter = table.letters[column]
    header = label(str(column))
    years = years_of(str(column))
    kind = next((k for p, k in _KINDS if p.search(str(column))), "")
    # The second column of a name is the other side of the table, not another period.
    period = re.sub(r"_\d+$", "", str(column))
    file = Path(table.file).name
    rates = [
        rate or str(text).endswith(("%", "％")) for rate, text in zip(rate_rows, texts, strict=True)
    ]
    region = table.about.region
    facts: list[Fact | None] = []
    for r, value in enumerate(values):
        figure = _figure(texts[r], value)
        if figure is None:
            facts.append(None)
            continue
        year, when, entity, flag = str(years[0] if years else title_year), period, region, ""
        if periods:
            year, when = str(periods[r][0]), periods[r][1]
        elif panel:
            entity, row_year, flag = panel[r]
            year, when = str(row_year), ""
        facts.append(
            Fact(
                cell=CellRef(file, table.sheet, f"{letter}{table.rows[r]}"),
                label=header if periods or panel else grid.labels[r],
                text=figure.text,
                figure=figure,
                unit="%" if rates[r] else grid.units[index],
                document=grid.document,
                section=table.name,
                entity=entity,
                year=year,
                period=when,
                kind=kind,
                in_grid=True,
                flag=flag,
            )
        )
    return facts


def _mostly_numbers(table: Table, column: str) -> bool:
    """A column read as text although three of four cells in it are numbers."""
    texts = [t for t in table.texts[column].tolist() if _filled(t)]
    numbers = sum(printed(t) is not None for t in texts)
    return (numbers > 2 and numbers * 4 >= len(texts) * 3) or 0 < numbers == len(texts)


def _value(text: object) -> float:
    figure = printed(text)
    return float("nan") if figure is None else float(figure.value)


def _is_key(column: object) -> bool:
    return bool(_KEYS.match(str(column).strip()) or _CODES.search(str(column).strip()))


def _figure(text: str, value: float) -> Printed | None:
    """The figure as its cell shows it; the reader's value where that says something else."""
    if value != value:
        return None
    figure = printed(text)
    if figure is not None:
        slack = max(float(figure.half) * 1.0001, 1e-9 * abs(value))
        off = abs(float(figure.value) - value)
        if off <= slack:
            held = printed(value) if off > 1e-9 * abs(value) else None
            return replace(figure, stored=held.value) if held else figure
    return printed(value)


def _printed(table: Table, name: str) -> list[str]:
    """The labels as printed, with the spaces in front of them."""
    if not name:
        return [""] * len(table)
    # What a merged cell covers stands in the frame only.
    pairs = zip(table.texts[name].tolist(), table.frame[name].tolist(), strict=True)
    return [str(text) if _filled(text) else _plain(value) for text, value in pairs]


def _codes(table: Table, columns: list[str]) -> list[str]:
    """Budget codes of the rows: one column of them, or 类, 款 and 项 side by side."""
    whole = [c for c in columns if _CODES.search(str(c))]
    steps = [c for name in ("类", "款", "项") for c in columns if str(c).split("/")[-1] == name]
    used = whole[:1] or steps
    values = [[_plain(v) if v == v else "" for v in table.frame[c].tolist()] for c in used]
    joined = ["".join(parts) for parts in zip(*values, strict=True)] if values else []
    return [text if text.isdigit() else "" for text in joined] or [""] * len(table)


def _coded(lab: Label, code: str) -> Label:
    return replace(lab, code=code) if code else lab


def _filled(value: object) -> bool:
    return value == value and bool(str(value).strip())


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


def _by_year(grid: Grid) -> Grid | None:
    """The same table with its years as rows, where the columns are years."""
    years = [years_of(header.raw) for header in grid.headers]
    if grid.periods or len(years) < 3 or any(len(y) != 1 for y in years):
        return None
    if len({y[0] for y in years}) < len(years):
        return None
    return Grid(
        name=grid.name,
        document=grid.document,
        headers=grid.labels,
        units=[_row_unit(grid, r) for r in range(len(grid.labels))],
        labels=grid.headers,
        facts=[[row[c] for row in grid.facts] for c in range(len(years))],
        marks=[""] * len(years),
        indents=[0] * len(years),
        periods=[(y[0], str(y[0])) for y in years],
    )


def _row_unit(grid: Grid, row: int) -> str:
    return next((fact.unit for fact in grid.facts[row] if fact is not None), "")


#: Headers of rates that are growth.
GROWTH = re.compile(r"增|同比|比上年|较上年|growth|_g$|±")


def near_rate(
    rate: _Array,
    half: _Array,
    new: _Array,
    half_new: _Array,
    old: _Array,
    half_old: _Array,
    kind: str = "growth",
) -> tuple[int, int]:
    """Rows in which a rate is the growth or ratio of two amounts, and rows that have all three.

    In floats, to choose a reading by; the check itself is exact.
    """  # fmt: skip
    known = ~np.isnan(rate) & ~np.isnan(new) & ~np.isnan(old) & (old != 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = new / old
        value = ratio * 100 - (100 if kind == "growth" else 0)
        slack = 100 * (half_new + np.abs(ratio) * half_old) / np.abs(old)
        near = np.abs(value - rate) <= 1.01 * slack + 1.000001 * half
    return int((known & near).sum()), int(known.sum())


def _linked(grid: Grid) -> Grid:
    """A table of periods whose figures bear their series, and growth the level it is about.

    A growth column is about the level column with which most rows tie, if at
    least half and two of them do; the check of growth then looks at every row.
    """
    rows = {period: r for r, period in enumerate(grid.periods)}
    before = {
        r: rows[year - 1, f"{year - 1}{period[4:]}"]
        for (year, period), r in rows.items()
        if (year - 1, f"{year - 1}{period[4:]}") in rows
    }
    now, last = list(before), list(before.values())
    about: dict[int, str] = {}
    for c in range(len(grid.headers)):
        if not grid.is_rate(c) or not GROWTH.search(grid.headers[c].raw):
            continue
        best = 1
        rate, half = grid.values[now, c], grid.halves[now, c]
        for level in grid.amounts:
            values, halves = grid.values[:, level], grid.halves[:, level]
            ties, pairs = near_rate(
                rate, half, values[now], halves[now], values[last], halves[last]
            )
            if ties > best and 2 * ties >= pairs:
                best, about[c] = ties, grid.headers[level].raw

    def bearing(fact: Fact | None, c: int) -> Fact | None:
        if fact is None:
            return None
        series = f"{grid.document}:{grid.headers[c].raw}"
        if c not in about:
            return replace(fact, series=series)
        of = f"{grid.document}:{about[c]}"
        return replace(fact, series=series, of_series=of, measure="growth", unit="%")

    return replace(grid, facts=[[bearing(f, c) for c, f in enumerate(row)] for row in grid.facts])
