"""Totals down the columns of a table: the sums that its rows define."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from fiscalmodel.series.rules.book import Fact, Grid
from fiscalmodel.series.rules.identities import Identity, Outcome, arithmetic, has_slip
from fiscalmodel.series.rules.outline import (
    Depths,
    by_name,
    children,
    family,
    kinds,
    outlines,
    tops,
)

_CHANGE = re.compile(r"增减|增加|减少|变动|增长")


@dataclass(frozen=True)
class _Relation:
    """Row `total` is the sum of `parts`, in every column where both are printed."""

    total: int
    parts: tuple[int, ...]
    at_most: bool = False
    #: Reported even if it ties in no column: the label says it is a total.
    sure: bool = False


def row_identities(grid: Grid) -> Iterator[Identity]:
    """The sums that the labels of the rows define, for every column of amounts.

    A total is a total, whatever it holds. That the rows below a heading are
    all of it is only believed where it ties in another column, or where one
    slip explains the difference.
    """
    if grid.periods:
        return
    columns = [c for c in range(len(grid.headers)) if not grid.is_rate(c)]
    for options in _relations(grid):
        found = [list(_apply(grid, relation, columns)) for relation in options]
        best = max(range(len(options)), key=lambda i: (_ties(found[i]), -i))
        identities, relation = found[best], options[best]
        if relation.at_most or relation.sure or _ties(identities):
            # One figure of many: the others may be blank because they are missing.
            alone = len(relation.parts) > 1 and not relation.at_most
            yield from (i for i in identities if len(i.parts) > 1 or not alone or _slipped(i))
        else:
            yield from filter(_slipped, identities)


def _slipped(identity: Identity) -> bool:
    outcome = arithmetic(identity)
    return outcome is not None and (_tied(outcome) or has_slip(outcome))


def _tied(outcome: Outcome | None) -> bool:
    return bool(outcome and abs(outcome.difference) <= outcome.tolerance)


def _ties(identities: list[Identity]) -> int:
    return sum(_tied(arithmetic(i)) for i in identities)


def _apply(grid: Grid, relation: _Relation, columns: list[int]) -> Iterator[Identity]:
    for c in columns:
        total = grid.facts[relation.total][c]
        parts = [grid.facts[r][c] for r in relation.parts]
        known: list[Fact] = [p for p in parts if p is not None and p.unit != "%"]
        if total is None or total.unit == "%" or not known:
            continue
        if relation.at_most and (_CHANGE.search(grid.headers[c].raw) or total.number < 0):
            continue  # of a change, a part may be larger than the whole
        words = ("its parts", "其中项之和") if relation.at_most else ("the rows", "各行之和")
        yield Identity(
            "of_which" if relation.at_most else "sum_total",
            total,
            [(1, p) for p in known],
            *words,
            at_most=relation.at_most,
        )


def _relations(grid: Grid) -> Iterator[list[_Relation]]:
    """For each total the ways its parts may be meant, the likeliest first."""
    kind = kinds(grid)
    found = list(outlines(grid, kind))
    yield from _totals(grid, kind, found)
    yield from _subtotals(kind)
    for depths in found:
        yield from _outlined(grid, depths, kind)
    yield from _tax_split(grid, kind)
    for r, mark in enumerate(kind):
        if mark != "of_which" or r == 0 or kind[r - 1] == "of_which":
            continue
        together = family(grid, kind, r - 1)
        if together:
            yield [_Relation(r - 1, tuple(together))]
        else:
            last = next((n for n in range(r, len(kind)) if kind[n] != "of_which"), len(kind))
            yield [_Relation(r - 1, tuple(range(r, last)), at_most=True)]


def _totals(grid: Grid, kind: list[str], found: list[Depths]) -> Iterator[list[_Relation]]:
    last = -1
    for t, mark in enumerate(kind):
        if mark != "total" or by_name(grid, t):
            continue
        inner = ("item", "subtotal")
        above = [r for r in range(last + 1, t) if kind[r] in inner]
        end = next((n for n in range(t + 1, len(kind)) if kind[n] == "total"), len(kind))
        below = [r for r in range(t + 1, end) if kind[r] in inner]
        everything = [r for r in range(t) if kind[r] in inner]
        options = [
            _Relation(t, tuple(parts), sure=True)
            for rows in (above, below, everything)
            for parts in tops(grid, kind, rows, found)
            if len(parts) > 1
        ]
        if options:
            yield list(dict.fromkeys(options))
        last = t


def _subtotals(kind: list[str]) -> Iterator[list[_Relation]]:
    """小计 against the rows above it, or below it where the table begins with one."""
    marks = [r for r, mark in enumerate(kind) if mark == "subtotal"]
    items = [r for r, mark in enumerate(kind) if mark == "item"]
    if not marks or not items:
        return
    edges = [-1, *[r for r, mark in enumerate(kind) if mark in ("subtotal", "total")], len(kind)]
    for row in marks:
        at = edges.index(row)
        first = marks[0] > items[0]
        start, end = (edges[at - 1], row) if first else (row, edges[at + 1])
        parts = tuple(r for r in items if start < r < end)
        if parts:
            yield [_Relation(row, parts, sure=len(parts) > 1)]


def _outlined(grid: Grid, depths: Depths, kind: list[str]) -> Iterator[list[_Relation]]:
    """Headings against the rows one level below them; a row against the outline after it."""
    numbered = any(lab.level for lab in grid.labels)
    for row in range(len(kind)):
        parts = children(depths, kind, row)
        # An only child is the whole in tables by code; a numbered one may be an example.
        if parts and kind[row] == "item" and (len(parts) > 1 or not numbered):
            yield [_Relation(row, tuple(parts))]
        if depths[row] is None and kind[row] in ("item", "aside"):
            end = next((n for n in range(row + 1, len(kind)) if depths[n] is None), len(kind))
            below = [d for d in depths[row + 1 : end] if d is not None]
            tops = [n for n in range(row + 1, end) if below and depths[n] == min(below)]
            if len(tops) > 1:
                yield [_Relation(row, tuple(tops))]


def _tax_split(grid: Grid, kind: list[str]) -> Iterator[list[_Relation]]:
    """Unnumbered 税收收入 and 非税收入 with their items below them; revenue of the two."""
    names = {grid.labels[r].core: r for r in reversed(range(len(kind))) if kind[r] != "of_which"}
    tax, other = names.get("税收收入"), names.get("非税收入")
    if tax is None or other is None:
        return
    for name in ("一般公共预算收入", "地方一般公共预算收入", "收入总计", "本级收入", "财政总收入"):
        if name in names:
            yield [_Relation(names[name], (tax, other), sure=True)]
    if grid.labels[tax].level:
        return
    ends = [r for r in range(len(kind)) if kind[r] == "total" or r in (tax, other)]
    for head in (tax, other):
        end = next((e for e in sorted(ends) if e > head), len(kind))
        items = tuple(r for r in range(head + 1, end) if kind[r] == "item")
        if len(items) > 1:
            yield [_Relation(head, items)]
