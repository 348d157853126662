"""Totals across the columns of a table: which columns are parts of which."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import combinations

import numpy as np

from fiscalmodel.series.rules.book import Fact, Grid
from fiscalmodel.series.rules.identities import Identity, arithmetic

_TOTAL = re.compile(r"合计|总计|小计|总额|总量|^total$|(?:^|[/_])total$", re.IGNORECASE)
_OF_WHICH = re.compile(r"其中")
_CHANGE = re.compile(r"增减额?|增减数|增加额|同比增减")
#: A relation that no label states needs this many rows, and this part of them, to tie.
ROWS, SHARE = 4, 0.8


def column_identities(grid: Grid) -> Iterator[Identity]:
    """The sums across columns that headers state or that nearly every row shows."""
    columns = [c for c in range(len(grid.headers)) if not grid.is_rate(c)]
    if len(columns) < 2:
        return
    stated: set[int] = set()
    for total in [c for c in columns if _TOTAL.search(grid.headers[c].raw)]:
        options = [o for o in _options(grid, columns, total) if len(o) > 1]
        found = [list(_rows(grid, total, dict.fromkeys(o, 1))) for o in options]
        if not found:
            continue
        best = max(found, key=_ties)
        # A total that no reading of the header supports is no relation.
        if 2 * _ties(best) >= len(best):
            stated.add(total)
            yield from best
    for c in columns:
        if _OF_WHICH.search(grid.headers[c].raw):
            parents = [p for p in columns if p < c and not _OF_WHICH.search(grid.headers[p].raw)]
            parent = parents[-1] if parents else None
            if parent is not None:
                yield from _rows(grid, parent, {c: 1}, at_most=True)
    yield from _differences(grid, columns)
    yield from _discovered(grid, [c for c in columns if c not in stated])


def _ties(identities: list[Identity]) -> int:
    outcomes = [arithmetic(i) for i in identities]
    return sum(bool(o and abs(o.difference) <= o.tolerance) for o in outcomes)


def _rows(
    grid: Grid, total: int, parts: dict[int, int], *, at_most: bool = False
) -> Iterator[Identity]:
    for row in grid.facts:
        whole = row[total]
        known: list[tuple[int, Fact]] = [
            (sign, fact) for c, sign in parts.items() if (fact := row[c]) is not None
        ]
        if whole is None or whole.unit == "%" or len(known) < min(2, len(parts)):
            continue
        if at_most and whole.number < 0:
            continue
        words = ("its parts", "其中数") if at_most else ("the columns", "各列之和")
        rule = "of_which" if at_most else "sum_total"
        yield Identity(rule, whole, known, *words, at_most=at_most)


def _options(grid: Grid, columns: list[int], total: int) -> Iterator[list[int]]:
    """Columns that a total column may be the sum of, the likeliest first."""
    free = [
        c
        for c in columns
        if c != total
        and grid.units[c] == grid.units[total]
        and not _OF_WHICH.search(grid.headers[c].raw)
        and not _CHANGE.search(grid.headers[c].raw)
    ]
    group, _, _ = grid.headers[total].raw.rpartition("/")
    if group:
        yield [c for c in free if grid.headers[c].raw.startswith(f"{group}/")]
    subtotals = [c for c in free if "小计" in grid.headers[c].raw]
    if subtotals:
        yield subtotals
    other = [c for c in free if _TOTAL.search(grid.headers[c].raw)]
    right = next((c for c in other if c > total), len(grid.headers))
    left = next((c for c in reversed(other) if c < total), -1)
    yield [c for c in free if total < c < right]
    yield [c for c in free if left < c < total]
    yield [c for c in free if c not in other]


def _differences(grid: Grid, columns: list[int]) -> Iterator[Identity]:
    """``增减额`` against the two columns whose difference it is in most rows."""
    for change in [c for c in columns if _CHANGE.search(grid.headers[c].raw)]:
        best: list[Identity] = []
        for a in columns:
            for b in columns:
                if len({a, b, change}) == 3:
                    found = list(_rows(grid, change, {a: 1, b: -1}))
                    if _ties(found) > max(_ties(best), len(found) // 2):
                        best = found
        yield from best


def _discovered(grid: Grid, columns: list[int]) -> Iterator[Identity]:
    """Neighbouring columns that add up to another in nearly every row."""
    if len(grid.facts) < ROWS or not 3 <= len(columns) <= 16:
        return
    values = np.array(
        [
            [float(f.number) if f else np.nan for f in (row[c] for c in columns)]
            for row in grid.facts
        ]
    )
    for i, j in combinations(range(len(columns) + 1), 2):
        if j - i < 2 or len({grid.units[c] for c in columns[i:j]}) > 1:
            continue
        run = values[:, i:j].sum(axis=1)
        for t in [t for t in range(len(columns)) if not i <= t < j]:
            whole = values[:, t]
            both = ~np.isnan(run) & ~np.isnan(whole) & (whole != 0)
            near = np.abs(run - whole) <= 1e-9 * np.abs(whole)
            telling = both & near & ((values[:, i:j] != 0).sum(axis=1) > 1)
            if both.sum() >= ROWS and telling.sum() >= max(SHARE * both.sum(), ROWS - 1):
                yield from _rows(grid, columns[t], dict.fromkeys(columns[i:j], 1))
