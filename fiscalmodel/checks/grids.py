"""Tables as printed to grids, and their cells to facts."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import takewhile
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from fiscalmodel.checks.facts import Fact, Grid, label, years_of
from fiscalmodel.checks.printed import Printed, is_blank, printed
from fiscalmodel.errors import Problem, problem
from fiscalmodel.findings import CellRef
from fiscalmodel.tables.table import Table

K = TypeVar("K")
#: Attributes of the facts of a row, by name.
_Said = dict[str, str]

#: Columns of numbers that name rows and are no figures.
_KEYS = re.compile(
    r"^(?:year|month|年份?|年度|月份?|period|期间|序号|行次|栏次|编号|(?:科目)?(?:编码|代码)|code|no\.?|id|.*_id)$",
    re.IGNORECASE,
)
_CODES = re.compile(r"(?:编码|代码|编号|code)$", re.IGNORECASE)
_PERIOD_NAMES = re.compile(r"^(?:period|期间|时期|年月|月份|month|year|年份?|年度)$", re.IGNORECASE)
_YEARS = re.compile(r"(?:year|年份?|年度)$", re.IGNORECASE)
#: What a row of a list of accounts says of its figures.
_ACCOUNTS = {
    "scope": re.compile(r"(?:budget|budget_scope|所属预算|预算类别)$"),
    "version": re.compile(r"(?:version|版本)$"),
    "year": _YEARS,
}
_ENTITIES = re.compile(r"(?:region|entity|地区|区划|省份?|单位名称)$")
_PERIOD = re.compile(r"^(\d{4})(?:[-年./]?(\d{1,2})?月?|年)?$")
_REMARKS = re.compile(r"备注|说明|口径")
_DIGIT = re.compile(r"\d")
_LETTER = re.compile(r"([A-Z]+)\d+\]?$")
_RATE_ROW = re.compile(r"(?:增速|增长率|增幅|占比|比重|完成率|执行率)(?:\(%\))?$|%")
_KINDS = ((re.compile(r"决算|执行|完成|实际|累计"), "actual"), (re.compile(r"预算|计划"), "budget"))


@dataclass(frozen=True)
class _Columns:
    """The columns of a table as lists: values as read, texts as printed."""

    table: Table
    names: list[str]
    values: dict[str, list[Any]]
    texts: dict[str, list[str]]
    #: Read as numbers, and counted as numbers too.
    numeric: set[str]
    numbers: set[str]

    @classmethod
    def of(cls, table: Table) -> _Columns:
        frame, texts = table.frame, table.shown
        names = [str(c) for c in frame.columns]
        numeric = {str(c) for c, t in frame.dtypes.items() if pd.api.types.is_numeric_dtype(t)}
        mostly = {c for c in names if c not in numeric and not is_key(c) and _mostly(texts[c])}
        values = {c: frame[c].tolist() for c in names}
        return cls(table, names, values, texts, numeric, numeric | mostly)

    def plain(self, *names: str) -> list[list[str]]:
        """Columns as texts without decimals of whole numbers."""
        return [[_plain(v) for v in self.values[c]] for c in names]

    def matching(self, pattern: re.Pattern[str]) -> list[str]:
        """Columns whose headers match from their beginning."""
        return [c for c in self.names if pattern.match(c.strip())]


def grids_of(table: Table) -> tuple[list[Grid], list[Fact]]:
    """The grids of a table, and its facts for the rules that go by name.

    A table with two sides (收入 | 金额 | 支出 | 金额) gives a grid for each.
    """
    columns = _Columns.of(table)
    texts = [c for c in columns.names if c not in columns.numbers]
    named = [c for c in texts if not is_key(c)]
    full = {c for c in named if 2 * sum(map(_filled, columns.values[c])) >= len(table)}
    sides: dict[str, list[str]] = {}
    name = next((c for c in named if c in full), next(iter(named or texts), ""))
    for c in columns.names:
        if c in full:
            name = c
        elif c in columns.numbers and not is_key(c):
            sides.setdefault(name, []).append(c)
    grids: list[Grid] = []
    turned: list[Grid] = []
    # A side without totals of its own belongs to the table's first labels.
    for n, (name, own) in enumerate(sides.items()):
        grid = _grid(columns, name, own, first=n == 0)
        if by_years := _by_year(grid):
            turned.append(_linked(by_years))
            grid = replace(grid, facts=[list(row) for row in zip(*turned[-1].facts, strict=True)])
        grids.append(_linked(grid) if grid.periods else grid)
    facts = [fact for grid in grids for row in grid.facts for fact in row if fact is not None]
    return [*grids, *turned], facts


def _grid(columns: _Columns, name: str, numbers: list[str], *, first: bool) -> Grid:
    """The number columns that share a column of labels."""
    table, size = columns.table, len(columns.table)
    names = [""] * size
    if name:
        # What a merged cell covers stands in the frame only.
        pairs = zip(columns.texts[name], columns.values[name], strict=True)
        names = [str(text) if _filled(text) else _plain(value) for text, value in pairs]
        beside = columns.names[: columns.names.index(name)][::-1]
        # 小计 may stand under another column of labels, left of this one.
        for c in takewhile(lambda c: c not in columns.numbers, () if all(names) else beside):
            words = ["" if is_key(c) and _DIGIT.search(t) else t for t in columns.texts[c]]
            names = [n or word for n, word in zip(names, words, strict=True)]
    labels = [
        replace(lab, code=code) if code else lab
        for lab, code in zip(map(label, map(str.strip, names)), _codes(columns), strict=True)
    ]
    periods = _periods(columns) or _panel(columns)
    grid = Grid(
        name=table.name,
        document="|".join((Path(table.file).name, table.sheet, table.name)),
        headers=[label(c) for c in numbers],
        units=["%" if "%" in c or "％" in c else table.unit_of(c) for c in numbers],
        labels=labels,
        facts=[],
        marks=list(table.marks) if first and len(table.marks) == size else [""] * size,
        indents=[len(text) - len(text.lstrip()) for text in names],
        periods=[(int(p["year"]), p["period"] or f"{p['entity']} {p['year']}") for p in periods],
        problems=(*(_unread(columns) if first else ()), *_words(columns, numbers)),
    )
    rates = [bool(_RATE_ROW.search(text)) for text in names]
    accounts = _accounts(columns)
    rows = [a | p for a, p in zip(accounts, periods or [{}] * len(accounts), strict=True)]
    by_column = [_column(columns, grid, j, c, rates, rows) for j, c in enumerate(numbers)]
    return replace(grid, facts=[list(row) for row in zip(*by_column, strict=True)])


def _unread(columns: _Columns) -> list[Problem]:
    """What the reader refused, but for columns that hold no number at all: those are remarks."""
    table = columns.table
    empty = {x for c, x in table.letters.items() if not any(map(_filled, columns.values[c]))}
    letters = [(p, _LETTER.search(p.where)) for p in table.problems]
    return [p for p, at in letters if at is None or at[1] not in empty]


def _words(columns: _Columns, numbers: list[str]) -> list[Problem]:
    """Cells with words in columns that hold numbers otherwise."""
    table = columns.table
    return [
        problem(table.where(row, c), "checks.word_in_numbers", text=text[:40])
        for c in numbers
        if c not in columns.numeric
        for row, text in zip(table.frame.index, columns.texts[c], strict=True)
        if _filled(text) and printed(text) is None and not is_blank(text)
    ]


def _column(
    columns: _Columns, grid: Grid, index: int, name: str, rates: list[bool], rows: list[_Said]
) -> list[Fact | None]:
    """One fact for each filled cell of a column; `rows` is what the rows say of their figures."""
    table, texts, values = columns.table, columns.texts[name], columns.values[name]
    if name not in columns.numeric:
        read = map(printed, texts)
        values = [float("nan") if figure is None else float(figure.value) for figure in read]
    header, file, letter = grid.headers[index], Path(table.file).name, table.letters[name]
    known: dict[str, Any] = {
        "document": grid.document,
        "section": table.name,
        "kind": next((k for p, k in _KINDS if p.search(name)), ""),
        "in_grid": True,
        "entity": table.about.region,
        "year": str(next(iter(years_of(name) or years_of(table.name)), "")),
        # The second column of a name is the other side of the table, not another period.
        "period": re.sub(r"_\d+$", "", name),
    }
    remarks = next((columns.texts[c] for c in columns.matching(_REMARKS)), [""] * len(texts))
    facts: list[Fact | None] = []
    for r, (text, value) in enumerate(zip(texts, values, strict=True)):
        figure = _figure(text, value)
        if figure is None:
            facts.append(None)
            continue
        facts.append(
            Fact(
                cell=CellRef(file, table.sheet, f"{letter}{table.rows[r]}"),
                label=header if grid.periods else grid.labels[r],
                text=figure.text,
                figure=figure,
                unit="%" if rates[r] or text.endswith(("%", "％")) else grid.units[index],
                calibre="同口径" if label(remarks[r]).like_for_like else "",
                **known | rows[r],
            )
        )
    return facts


def _mostly(texts: list[str]) -> bool:
    """Whether a column that was read as text holds numbers in three of four cells."""
    filled = [t for t in texts if _filled(t)]
    numbers = sum(printed(t) is not None for t in filled)
    return (numbers > 2 and numbers * 4 >= len(filled) * 3) or 0 < numbers == len(filled)


@lru_cache(maxsize=4096)
def is_key(column: str) -> bool:
    """Whether a header heads codes, periods or running numbers, which are no figures."""
    parts = column.strip().split("/")
    return any(_KEYS.match(part) or _CODES.search(part) for part in parts)


def _figure(text: str, value: float) -> Printed | None:
    """The figure as its cell shows it; the reader's value where that says something else."""
    if value != value:
        return None
    figure, noise = printed(text), 1e-9 * abs(value)
    off = abs(float(figure.value) - value) if figure else 0.0
    if figure is None or off > max(float(figure.half) * 1.0001, noise):
        return printed(value)
    held = printed(value) if off > noise else None
    return replace(figure, stored=held.value) if held else figure


def _codes(columns: _Columns) -> list[str]:
    """Budget codes of the rows: one column of them, or 类, 款 and 项 side by side."""
    whole = [c for c in columns.names if _CODES.search(c)][:1]
    steps = [c for n in ("类", "款", "项") for c in columns.names if c.split("/")[-1] == n]
    codes = [""] * len(columns.table)
    for step in columns.plain(*(whole or steps)):
        # 201 | 01 | 02 is 20102; some print 201 | 20101 | 2010102.
        codes = [
            part if part.startswith(code) else code + part
            for code, part in zip(codes, step, strict=True)
        ]
    return [code if code.isdigit() else "" for code in codes]


def _filled(value: object) -> bool:
    return value == value and bool(str(value).strip())


def _periods(columns: _Columns) -> list[_Said]:
    """Year and period of each row, if the rows are the periods of one thing."""
    for texts in columns.plain(*columns.matching(_PERIOD_NAMES)):
        seen = [m.groups() for m in map(_PERIOD.match, texts) if m]
        if len(seen) == len(texts) > 1 and len(set(seen)) == len(seen):
            return [{"year": y, "period": f"{y}-{int(m):02d}" if m else y} for y, m in seen]
    return []


def _panel(columns: _Columns) -> list[_Said]:
    """Entity, year and remark on scope of each row, if every row is one entity's year."""
    years, names = columns.matching(_YEARS)[:1], columns.matching(_ENTITIES)[:1]
    if not years or not names:
        return []
    who, when = columns.plain(*names, *years)
    keys = list(zip(who, when, strict=True))
    if not all(re.fullmatch(r"\d{4}", y) for y in when) or len(set(keys)) < len(keys):
        return []
    flags = columns.plain("scope_flag")[0] if "scope_flag" in columns.names else [""] * len(keys)
    rows = zip(who, when, flags, strict=True)
    return [{"entity": name, "year": y, "period": "", "flag": flag} for name, y, flag in rows]


def _accounts(columns: _Columns) -> list[_Said]:
    """Budget, version and year of each row of a list of accounts: each balances alone."""
    found = {name: columns.matching(p)[:1] for name, p in _ACCOUNTS.items()}
    rows: list[_Said] = [{} for _ in columns.table.rows]
    for name, texts in [(n, t) for n, own in found.items() for t in columns.plain(*own)]:
        said = ""
        for row, text in zip(rows, texts, strict=True):
            if name != "year":
                said = text
            elif re.fullmatch(r"(?:19|20)\d\d", text):
                said = text  # holds for the rows below it as well
            if said:
                row[name] = said
    return rows


def _plain(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.0f}" if value == value else ""
    return str(value).strip()


def _by_year(grid: Grid) -> Grid | None:
    """The same table with its years as rows, where the columns are years."""
    years = [years_of(header.raw) for header in grid.headers]
    when = [y[0] for y in years if len(y) == 1]
    if grid.periods or len(years) < 3 or len(set(when)) < len(years):
        return None
    units = [next((f.unit for f in row if f is not None), "") for row in grid.facts]
    return Grid(
        name=grid.name,
        document=grid.document,
        headers=grid.labels,
        units=units,
        labels=grid.headers,
        facts=[[row[c] for row in grid.facts] for c in range(len(years))],
        marks=[""] * len(years),
        indents=[0] * len(years),
        periods=[(year, str(year)) for year in when],
    )


#: Headers of rates that are growth.
GROWTH = re.compile(r"增|同比|比上年|较上年|growth|_g$|±")


#: Rows and column of some figures of a grid.
At = tuple[Any, int]


def likeliest(grid: Grid, rate: At, readings: Iterable[tuple[K, At, At, int]]) -> K | None:
    """The reading of a column of rates with which most rows tie; at least two, and half of them.

    A reading is a key, two amounts, and what is added to their ratio in percent (-100 for
    growth). In floats, to choose by; the check itself is exact.
    """
    best, most = None, 1
    stated, half = grid.values[rate], grid.halves[rate]
    for key, above, below, shift in readings:
        new, old = grid.sums[above], grid.sums[below]
        known = ~np.isnan(stated) & ~np.isnan(new) & ~np.isnan(old) & (old != 0)
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = new / old
            slack = 100 * (grid.halves[above] + np.abs(ratio) * grid.halves[below]) / np.abs(old)
            near = np.abs(ratio * 100 + shift - stated) <= 1.01 * slack + 1.000001 * half
        ties, rows = int((known & near).sum()), int(known.sum())
        if ties > most and 2 * ties >= rows:
            best, most = key, ties
            if ties == rows:
                break
    return best


def _linked(grid: Grid) -> Grid:
    """A table of periods whose figures bear their series, and growth the level it is about.

    A growth column is about the level column with which most rows tie, if at
    least half and two of them do; the check of growth then looks at every row.
    """
    rows = {period: r for r, period in enumerate(grid.periods)}
    before = {r: rows.get((y - 1, f"{y - 1}{period[4:]}")) for (y, period), r in rows.items()}
    now = [r for r, last in before.items() if last is not None]
    last = [before[r] for r in now]
    names = [f"{grid.document}:{header.raw}" for header in grid.headers]
    bears: list[dict[str, Any]] = [{"series": name} for name in names]
    for c, header in enumerate(grid.headers):
        if grid.is_rate(c) and GROWTH.search(header.raw):
            readings = ((level, (now, level), (last, level), -100) for level in grid.amounts)
            about = likeliest(grid, (now, c), readings)
            if about is not None:
                bears[c] |= {"of_series": names[about], "measure": "growth", "unit": "%"}
    facts = [
        [replace(fact, **of) if fact else None for fact, of in zip(row, bears, strict=True)]
        for row in grid.facts
    ]
    return replace(grid, facts=facts)
