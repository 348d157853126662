"""Totals down the columns of a table: which rows are parts of which."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from fiscalmodel.series.rules.book import Fact, Grid
from fiscalmodel.series.rules.identities import Identity, arithmetic
from fiscalmodel.series.rules.templates import INCOME, INCOME_TOTAL, OUTGO, OUTGO_TOTAL

_CHANGE = re.compile(r"增减|增加|减少|变动|增长")
_ASIDE = ("上年", "上期", "同期", "备注", "注")


@dataclass(frozen=True)
class _Relation:
    """Row `total` is the sum of `parts`, in every column where both are printed."""

    total: int
    parts: tuple[int, ...]
    at_most: bool = False
    #: Reported even if it ties in no column: the label says it is a total.
    sure: bool = False


def row_identities(grid: Grid) -> Iterator[Identity]:
    """The sums that the labels of the rows define, for every column of amounts."""
    if grid.periods:
        return
    columns = [c for c in range(len(grid.headers)) if not grid.is_rate(c)]
    for options in _relations(grid):
        found = [list(_apply(grid, relation, columns)) for relation in options]
        best = max(range(len(options)), key=lambda i: (_ties(found[i]), -i))
        identities, relation = found[best], options[best]
        ties = _ties(identities)
        if relation.at_most or ties or (relation.sure and identities):
            yield from identities


def _ties(identities: list[Identity]) -> int:
    outcomes = [arithmetic(i) for i in identities]
    return sum(bool(o and abs(o.difference) <= o.tolerance) for o in outcomes)


def _apply(grid: Grid, relation: _Relation, columns: list[int]) -> Iterator[Identity]:
    for c in columns:
        total = grid.facts[relation.total][c]
        parts = [grid.facts[r][c] for r in relation.parts]
        known: list[Fact] = [p for p in parts if p is not None and p.unit != "%"]
        if total is None or total.unit == "%" or len(known) < (1 if relation.at_most else 2):
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
    kind = [_kind(grid, r) for r in range(len(grid.labels))]
    yield from _totals(grid, kind)
    yield from _numbered(grid, kind)
    yield from _tax_split(grid, kind)
    for r, mark in enumerate(kind):
        if mark == "of_which":
            parent = next((p for p in range(r - 1, -1, -1) if kind[p] != "of_which"), None)
            family = _absorbed(grid, kind, parent) if parent is not None else []
            if parent is not None and family:
                yield [_Relation(parent, tuple(family))]
                continue
            if parent is not None and r and kind[r - 1] != "of_which":
                last = next((n for n in range(r, len(kind)) if kind[n] != "of_which"), len(kind))
                yield [_Relation(parent, tuple(range(r, last)), at_most=True)]


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


def _totals(grid: Grid, kind: list[str]) -> Iterator[list[_Relation]]:
    last = -1
    for t, mark in enumerate(kind):
        if mark == "subtotal":
            start = next(
                (p + 1 for p in range(t - 1, -1, -1) if kind[p] in ("subtotal", "total")), 0
            )
            items = tuple(r for r in range(start, t) if kind[r] == "item")
            if len(items) > 1:
                yield [_Relation(t, items, sure=True)]
        if mark != "total" or _by_name(grid, t):
            continue
        above = [r for r in range(last + 1, t) if kind[r] in ("item", "subtotal")]
        end = next((n for n in range(t + 1, len(kind)) if kind[n] == "total"), len(kind))
        below = [r for r in range(t + 1, end) if kind[r] in ("item", "subtotal")]
        everything = [r for r in range(t) if kind[r] in ("item", "subtotal")]
        options = []
        for rows in (above, below, everything):
            options += [
                _Relation(t, tuple(parts), sure=True)
                for parts in _tops(grid, kind, rows)
                if len(parts) > 1
            ]
        if options:
            yield list(dict.fromkeys(options))
        last = t


def _tops(grid: Grid, kind: list[str], rows: list[int]) -> Iterator[list[int]]:
    """Ways to pick the rows of the highest level."""
    absorbed = {r for parent in rows for r in _absorbed(grid, kind, parent)}
    if absorbed & set(rows):
        yield [r for r in rows if r not in absorbed]
    levels = {grid.labels[r].level for r in rows} - {0}
    if levels:
        yield [r for r in rows if grid.labels[r].level == min(levels)]
    subtotals = [r for r in rows if kind[r] == "subtotal"]
    if subtotals:
        yield subtotals
    names = {grid.labels[r].core: r for r in rows}
    if "税收收入" in names and "非税收入" in names:
        yield [names["税收收入"], names["非税收入"]]
    lengths = {len(code) for r in rows if (code := grid.labels[r].code)}
    if len(lengths) > 1:
        yield [r for r in rows if len(grid.labels[r].code) == min(lengths)]
    depths = {grid.indents[r] for r in rows}
    if len(depths) > 1:
        yield [r for r in rows if grid.indents[r] == min(depths)]
    yield [r for r in rows if kind[r] == "item"]


def _by_name(grid: Grid, row: int) -> bool:
    """Totals of a balance are checked by the official names of its items."""
    core = grid.labels[row].core
    pattern = INCOME if INCOME_TOTAL.search(core) else OUTGO if OUTGO_TOTAL.search(core) else None
    return pattern is not None and sum(bool(pattern.search(x.core)) for x in grid.labels) > 1


def _absorbed(grid: Grid, kind: list[str], parent: int) -> list[int]:
    """Rows after a first 其中 that add up with it to the row above: 其中 holds for all."""
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


def _numbered(grid: Grid, kind: list[str]) -> Iterator[list[_Relation]]:
    """``一、…`` against the rows one level below it."""
    for r, lab in enumerate(grid.labels):
        if not lab.level or kind[r] not in ("item", "total"):
            continue
        below: list[int] = []
        for n in range(r + 1, len(grid.labels)):
            level = grid.labels[n].level
            if (level and level <= lab.level) or kind[n] == "total":
                break
            if kind[n] == "item":
                below.append(n)
        deeper = {grid.labels[n].level for n in below} - {0}
        options = []
        if deeper:
            children = tuple(n for n in below if grid.labels[n].level == min(deeper))
            options.append(_Relation(r, children))
        options.append(_Relation(r, tuple(n for n in below if not grid.labels[n].level)))
        options = [o for o in options if len(o.parts) > 1]
        if options:
            yield options


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
