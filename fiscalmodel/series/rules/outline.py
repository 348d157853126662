"""Which rows of a table are parts of which: kinds of rows, depths, children."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from fiscalmodel.series.rules.book import Grid
from fiscalmodel.series.rules.templates import INCOME, INCOME_TOTAL, OUTGO, OUTGO_TOTAL

_ASIDE = ("上年", "上期", "同期", "备注", "注")

#: Depth of each row, None for rows that stand outside the outline.
Depths = list[int | None]


def kinds(grid: Grid) -> list[str]:
    """``total``, ``subtotal``, ``of_which``, ``aside`` or ``item`` for each row."""
    return [_kind(grid, row) for row in range(len(grid.labels))]


def _kind(grid: Grid, row: int) -> str:
    lab, mark = grid.labels[row], grid.marks[row]
    if lab.of_which or mark == "of_which":
        return "of_which"
    if lab.is_subtotal or mark == "subtotal":
        return "subtotal"
    if lab.is_total or mark == "total":
        return "total"
    if not lab.core or any(lab.core.startswith(word) for word in _ASIDE):
        return "aside"
    return "item"


def outlines(grid: Grid, kind: list[str]) -> Iterator[Depths]:
    """The depths that codes, numbering and indents give, where they tell levels apart."""
    rows = range(len(kind))
    inside = [r for r in rows if kind[r] in ("item", "subtotal")]
    codes: Depths = [len(grid.labels[r].code) or None if r in inside else None for r in rows]
    indents: Depths = [grid.indents[r] if r in inside else None for r in rows]
    numbers: Depths = [None] * len(kind)
    if any(grid.labels[r].level for r in inside):
        last = 0
        for r in rows:
            if kind[r] == "total":
                last = 0
            level = grid.labels[r].level
            last = level or last
            # A row without a number is one level below the number above it.
            numbers[r] = (level or (last + 1 if last else None)) if kind[r] == "item" else None
            if kind[r] == "subtotal" and level:
                numbers[r] = level
    for depths in (codes, numbers, indents):
        if len({d for d in depths if d is not None}) > 1:
            yield depths


def children(depths: Depths, kind: list[str], row: int) -> list[int]:
    """Rows one level below a row, up to the next row of its own level."""
    own = depths[row]
    if own is None:
        return []
    below: list[tuple[int, int]] = []
    for r in range(row + 1, len(depths)):
        depth = depths[r]
        if kind[r] == "total" or (depth is not None and depth <= own):
            break
        if depth is not None:
            below.append((depth, r))
    nearest = min((depth for depth, _ in below), default=0)
    return [r for depth, r in below if depth == nearest]


def tops(grid: Grid, kind: list[str], rows: list[int], found: list[Depths]) -> Iterator[list[int]]:
    """Ways to pick the rows of the highest level, the likeliest first."""
    absorbed = {r for parent in rows for r in family(grid, kind, parent)}
    if absorbed & set(rows):
        yield [r for r in rows if r not in absorbed]
    for depths in found:
        known = [d for r in rows if (d := depths[r]) is not None]
        if known:
            yield [r for r in rows if depths[r] == min(known)]
    subtotals = [r for r in rows if kind[r] == "subtotal"]
    if subtotals:
        yield subtotals
    names = {grid.labels[r].core: r for r in rows}
    if "税收收入" in names and "非税收入" in names:
        yield [names["税收收入"], names["非税收入"]]
    yield [r for r in rows if kind[r] == "item"]


def by_name(grid: Grid, row: int) -> bool:
    """Totals of a balance are checked by the official names of its items."""
    core = grid.labels[row].core
    pattern = INCOME if INCOME_TOTAL.search(core) else OUTGO if OUTGO_TOTAL.search(core) else None
    return pattern is not None and sum(bool(pattern.search(x.core)) for x in grid.labels) > 1


def family(grid: Grid, kind: list[str], parent: int) -> list[int]:
    """Rows from a first 其中 on that add up to the row above: 其中 holds for all of them."""
    if parent + 1 >= len(kind) or kind[parent + 1] != "of_which":
        return []
    for c in range(len(grid.headers)):
        whole = grid.facts[parent][c]
        if whole is None or grid.is_rate(c):
            continue
        run = Decimal(0)
        for r in range(parent + 1, len(kind)):
            part = grid.facts[r][c]
            if part is None or kind[r] in ("total", "subtotal"):
                break
            run += part.number
            if run == whole.number and r > parent + 1:
                return list(range(parent + 1, r + 1))
    return []
