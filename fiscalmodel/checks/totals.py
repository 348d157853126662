"""Totals of printed tables, down and across: which rows and columns are parts of which.

What is known decides: codes (类 3, 款 5, 项 7 digits; regions 2, 4, 6), numbering
(一、（一）1.), indents, 其中, 减：, 小计 and 合计, in this order where they differ. A
structure that no label states, or that labels state in two ways, is believed only
where the figures bear it out: in other columns of the same rows, or in nearly all
rows of the same kind. Where it stays open nothing is called an error.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import chain, combinations, permutations
from typing import Any

import numpy as np
import numpy.typing as npt

from fiscalmodel.checks.claims import Check, Sums, arithmetic
from fiscalmodel.checks.facts import Grid
from fiscalmodel.checks.sums import CARRY, INCOME, INCOME_TOTAL, OUTGO, OUTGO_TOTAL
from fiscalmodel.findings import Severity

_ASIDE = re.compile(r"^(?:上年|上期|同期|备注|注)(?!.*(?:结余|结转|收入))")
#: Totals that do not say so: 全市一般公共预算收入, 本级国有资本经营支出.
_GRAND = re.compile(r"^(?:全[省市州盟县区旗]|.{0,6}本级)[^/]*(?:收入|支出)$")
#: Titles of tables that list some of the parts.
_SOME = re.compile(r"主要|部分(?!门)|重点")
_CHANGE = re.compile(r"增减|增加|减少|变动|增长")
_TOTAL_COLUMN = re.compile(r"合计|总计|小计|总额|总量|^total$|(?:^|[/_])total$", re.IGNORECASE)
#: The total of a group of columns.
_GROUPED = re.compile(r"/(?:合计|总计|小计)$")
_OF_WHICH_COLUMN = re.compile(r"其中")
_CHANGE_COLUMN = re.compile(r"增减额?|增减数|增加额|同比增减")
#: A relation that no label states needs this many rows, and this part of them, to tie.
ROWS, SHARE = 4, 0.8
#: Rows of a table that are searched for an outline that nothing marks.
MOST = 400

#: What tells that rows are parts, but not by itself.
WEAK = ("nest", "family", "names")

_Parts = tuple[tuple[int, int], ...]
_Array = npt.NDArray[Any]


@dataclass(frozen=True)
class _Relation:
    """Row `total` is the sum of the parts (sign, row), in every column where both are printed."""

    total: int
    parts: _Parts
    #: What tells it: codes, numbers, indents, total, names, family or nest.
    how: str
    #: The label says that it is a total, and nothing says that rows are parts of rows.
    sure: bool = False
    #: How the highest of the rows were picked, for a total.
    picked: str = ""


@dataclass(frozen=True)
class _Seen:
    """How a relation fares: columns in which it ties, in which it does not."""

    ties: int
    misses: int
    #: By how much the parts miss the total, as a share of it; the least of all columns.
    off: float


class _Lines:
    """The rows of a table, or its columns: lines of figures, of which some are sums of others."""

    def __init__(self, grid: Grid, *, across: bool = False) -> None:
        self.grid = grid
        if across:
            self.of, self.facts = "columns", list(zip(*grid.facts, strict=True))
            self.values, self.halves = grid.sums.T, grid.halves.T
            self.levels = [True] * len(grid.facts)
        else:
            own = grid.amounts
            self.of, self.facts = "rows", [tuple(row[c] for c in own) for row in grid.facts]
            self.values, self.halves = grid.sums[:, own], grid.halves[:, own]
            # Of a change, a part may be larger than the whole.
            self.levels = [not _CHANGE.search(grid.headers[c].raw) for c in own]

    def gaps(self, total: int, parts: _Parts) -> tuple[_Array, _Array, _Array]:
        """The parts, by how much they miss the total, and how much of that rounding allows."""
        lines, signs = [n for _, n in parts], np.array([sign for sign, _ in parts])[:, None]
        values = self.values[lines]
        gap = np.abs(self.values[total] - np.nansum(values * signs, axis=0))
        known = np.where(np.isnan(values), 0, self.halves[lines])
        return values, gap, self.halves[total] + np.nansum(known, axis=0)

    def sums(self, total: int, parts: _Parts, severity: Severity = "error") -> Iterator[Sums]:
        """The sums of a total and its parts, figure by figure; percents are not added."""
        lines = [self.facts[n] for _, n in parts]
        for whole, *others in zip(self.facts[total], *lines, strict=True):
            pairs = zip(parts, others, strict=True)
            known = [(sign, f) for (sign, _), f in pairs if f and f.unit != "%"]
            if whole and whole.unit != "%":
                yield Sums("sum_total", whole, known, self.of, severity=severity)

    def within(self, whole: int, part: int) -> list[Sums]:
        """其中 cannot exceed what it is of which."""
        return [
            Sums("of_which", of, [(1, one)], "of_which", at_most=True)
            for of, one, level in zip(self.facts[whole], self.facts[part], self.levels, strict=True)
            if of and one and level and of.number > 0 and "%" not in (of.unit, one.unit)
        ]


class _Rows(_Lines):
    """The rows of one table with their kinds and outlines."""

    def __init__(self, grid: Grid) -> None:
        super().__init__(grid)
        self.size = len(grid.labels)
        self.kind: list[str] = []
        for r in range(self.size):
            self.kind.append(self._kind(r))
        self._seen: dict[_Relation, _Seen] = {}

    def _kind(self, r: int) -> str:
        """``total``, ``grand``, ``subtotal``, ``of_which``, ``aside`` or ``item``."""
        label, mark = self.grid.labels[r], self.grid.marks[r]
        if not label.core and not label.of_which:
            return "aside"
        if label.of_which or mark == "of_which" or self._continues(r):
            return "of_which"
        if label.is_subtotal or mark == "subtotal":
            return "subtotal"
        if label.is_total or mark == "total":
            return "total"
        if _ASIDE.search(label.core):
            return "aside"
        return "grand" if _GRAND.match(label.core) and not (label.code or label.level) else "item"

    def _continues(self, r: int) -> bool:
        """A row under a first 其中 that is set in as far, or unnumbered under a numbered row."""
        labels, indents = self.grid.labels, self.grid.indents
        head = next((n for n in reversed(range(r)) if self.kind[n] != "of_which"), r)
        if head >= r - 1 or labels[r].is_total or labels[r].is_subtotal:
            return False
        if len(set(indents)) > 1 and indents[head + 1] > indents[head]:
            return indents[r] >= indents[head + 1]
        return bool(labels[head].level) and not (labels[r].level or labels[r].code)

    def numbered(self, rows: Sequence[int]) -> bool:
        """Whether all rows are numbered, at one level: 一、二、三、 and nothing between them."""
        levels = {self.grid.labels[r].level for r in rows}
        return len(levels) == 1 and bool(levels.pop())

    def of_kind(self, *kinds: str) -> list[int]:
        """The rows of some kinds."""
        return [r for r, kind in enumerate(self.kind) if kind in kinds]

    # ------------------------------------------------------------ outlines

    @cached_property
    def outlines(self) -> dict[str, dict[int, list[int]]]:
        """For each thing that tells levels apart: row -> the rows one level below it."""
        labels, items = self.grid.labels, self.of_kind("item", "subtotal")
        blocks = np.cumsum([kind in ("total", "grand") for kind in self.kind])
        codes = {r: labels[r].code for r in items if labels[r].code}
        numbers, indents = self._numbers(), {r: self.grid.indents[r] for r in items}

        def longer(a: int, r: int) -> bool:
            return codes[r] != codes[a] and codes[r].startswith(codes[a])

        def deeper(depths: dict[int, int], a: int, r: int) -> bool:
            return depths[a] < depths[r] and bool(blocks[a] == blocks[r])

        found = {
            "codes": _outline(codes, longer),
            "numbers": _outline(numbers, partial(deeper, numbers)),
            "indents": _outline(indents, partial(deeper, indents)),
        }
        return {how: below for how, below in found.items() if below}

    def _numbers(self) -> dict[int, int]:
        """Depth by numbering; a row without a number is one level below the number above it."""
        depths: dict[int, int] = {}
        last = 0
        for r, kind in enumerate(self.kind):
            level = self.grid.labels[r].level
            if kind in ("total", "grand") or (kind == "subtotal" and not level):
                last = 0
            last = level or last
            if kind in ("item", "subtotal") and last:
                depths[r] = level or last + 1
        return depths

    # ------------------------------------------------------------ figures

    def seen(self, relation: _Relation) -> _Seen:
        """In how many columns a relation ties, leaving out those that tell nothing."""
        if relation not in self._seen:
            self._seen[relation] = self._look(relation)
        return self._seen[relation]

    def _look(self, relation: _Relation) -> _Seen:
        whole, nest = self.values[relation.total], relation.how == "nest"
        parts, gap, slack = self.gaps(relation.total, relation.parts)
        filled = (~np.isnan(parts) & (parts != 0)).sum(axis=0)
        decided = ~np.isnan(whole) & (filled >= (2 if nest else 1))
        if nest:
            decided &= np.abs(whole) >= 100
        # What no label says, the figures must say exactly.
        near = gap <= slack * (1e-6 if nest else 1.0001) + 1e-9
        ties, misses = decided & (whole != 0) & near, decided & ~near
        off = (gap / np.maximum(np.abs(whole), 1.0))[decided]
        return _Seen(int(ties.sum()), int(misses.sum()), float(off.min()) if off.size else 0.0)

    def fit(self, relation: _Relation) -> tuple[int, int, bool, float]:
        """Columns that tie, that do not, and how far these are off: the likeliest is largest.

        Where none ties, what labels are sure of is likelier than what comes nearer by chance.
        """
        seen = self.seen(relation)
        return seen.ties, -seen.misses, relation.sure and not seen.ties, -seen.off

    def relation(
        self, total: int, rows: Iterable[int], how: str, sure: bool = False, picked: str = ""
    ) -> _Relation:
        """A total of rows; what is marked 减： is subtracted."""
        signed = tuple((-1 if self.grid.labels[r].less else 1, r) for r in rows)
        return _Relation(total, signed, how, sure, picked)

    def claims(self, relation: _Relation, severity: Severity) -> Iterator[Sums]:
        """The sums of a relation, column by column."""
        for claim in self.sums(relation.total, relation.parts, severity):
            if not any(part.number for _, part in claim.parts):
                continue  # not broken down here
            # One figure of many: the others may be missing.
            alone = len(claim.parts) == 1 < len(relation.parts)
            outcome = arithmetic(claim)
            if outcome and (outcome.ties or not alone or any(outcome.slips)):
                yield claim


def _outline(rows: Iterable[int], inside: Callable[[int, int], bool]) -> dict[int, list[int]]:
    """Row -> the rows directly below it, by what tells that one row is inside another."""
    below: dict[int, list[int]] = {}
    above: list[int] = []
    for r in rows:
        while above and not inside(above[-1], r):
            above.pop()
        if above:
            below.setdefault(above[-1], []).append(r)
        above.append(r)
    return below


def _down(grid: Grid) -> Iterator[Sums]:
    """The sums that the rows of a table define, for every column of amounts."""
    if grid.periods or not grid.amounts or not grid.labels:
        return
    rows = _Rows(grid)
    chosen = [max(options, key=rows.fit) for options in _relations(rows) if options]
    verdicts = [(relation, rows.seen(relation)) for relation in chosen]
    fares = Counter(
        (relation.how if relation.how in WEAK else "marked", not seen.misses)
        for relation, seen in verdicts
        if seen.ties or seen.misses
    )
    tied, decided = fares["marked", True], fares["marked", True] + fares["marked", False]
    #: Nearly all rows that labels mark as sums are sums, so the others should be too.
    usual = tied >= 2 and 3 * tied >= 2 * decided
    certain = tied >= 8 and tied >= SHARE * decided
    absorbed: set[int] = set()
    for relation, seen in verdicts:
        marked = relation.how not in WEAK
        borne_out = seen.ties > 0 and seen.ties >= seen.misses
        plain = relation.sure and not _doubled(rows, relation)
        if borne_out or plain or (marked and certain):
            severity: Severity = "error"
        elif relation.sure or (marked and usual):
            severity = "warning"
        else:
            continue
        absorbed.update(r for _, r in relation.parts)
        yield from rows.claims(relation, severity)
    picked = {relation.picked for relation, seen in verdicts if seen.ties > seen.misses}
    left = [r for r in range(rows.size) if r not in absorbed and rows.kind[r] != "of_which"]
    inner = rows.of_kind("item", "subtotal")
    nests = [_nested(rows, inner, loose=_NESTS[how]) for how in picked & set(_NESTS)]
    for relation in chain(*nests, _nested(rows, left)):
        yield from rows.claims(relation, "error")
    head: int | None = None
    for r, kind in enumerate(rows.kind):
        if kind != "of_which":
            head = r
        elif head is not None:
            yield from rows.within(head, r)


def _doubled(rows: _Rows, relation: _Relation) -> bool:
    """Rows that add up to far more than their total: some of them are parts of others."""
    parts = np.nansum(rows.values[[r for _, r in relation.parts]], axis=0)
    whole = rows.values[relation.total]
    return bool(len(relation.parts) > 3 and np.any(parts > 1.5 * np.abs(whole)))


def _relations(rows: _Rows) -> Iterator[list[_Relation]]:
    """For each total the ways in which its parts may be meant, the likeliest first."""
    for r, kind in enumerate(rows.kind):
        # In a list of several accounts each balances alone: `sums` looks at those.
        if kind in ("total", "grand") and not any(f and f.scope for f in rows.grid.facts[r]):
            yield _of_total(rows, r)
        elif kind in ("item", "aside", "subtotal"):
            above = _of_subtotal(rows, r) if kind == "subtotal" else []
            outlines = [(how, below[r]) for how, below in rows.outlines.items() if r in below]
            yield [*above, *(rows.relation(r, below, how) for how, below in outlines)]
    yield from _same_endings(rows)
    yield from _tax_split(rows)
    for r in range(1, rows.size):
        if rows.kind[r] == "of_which" and rows.kind[r - 1] != "of_which":
            end = next((n for n in range(r, rows.size) if rows.kind[n] != "of_which"), rows.size)
            if end - r > 1:
                yield [rows.relation(r - 1, range(r, end), "family")]


def _tops(rows: _Rows, inside: list[int]) -> Iterator[tuple[str, list[int]]]:
    """Ways to pick the rows of the highest level, the likeliest first."""
    for how, below in rows.outlines.items():
        under = {r for head, parts in below.items() if head in inside for r in parts}
        yield how, [r for r in inside if r not in under]
    if subtotals := [r for r in inside if rows.kind[r] == "subtotal"]:
        yield "subtotals", subtotals
        best = [max(parts, key=rows.fit) for r in subtotals if (parts := _of_subtotal(rows, r))]
        under = {r for relation in best for _, r in relation.parts}
        if beside := {r for r in inside if rows.kind[r] == "item"} - under:
            yield "subtotals", sorted([*subtotals, *beside])
    names = {rows.grid.labels[r].core: r for r in inside}
    if names.keys() >= set(_TAX_SPLIT):
        yield "names", [names[name] for name in _TAX_SPLIT]
    yield "flat", [r for r in inside if rows.kind[r] == "item"]
    for how, loose in _NESTS.items():
        if nested := _nested(rows, inside, loose=loose):
            under = {r for relation in nested for _, r in relation.parts}
            yield how, [r for r in inside if r not in under]


def _of_total(rows: _Rows, t: int) -> list[_Relation]:
    wholes, inner = rows.of_kind("total", "grand"), rows.of_kind("item", "subtotal")
    before = [r for r in wholes if r < t]
    last, after = (before or [-1])[-1], min((r for r in wholes if r > t), default=rows.size)
    above = [r for r in inner if last < r < t]
    spans = [(above, []), (above, before[-1:])]
    spans += [([r for r in inner if t < r < after], []), ([r for r in inner if r < t], [])]
    options: list[_Relation] = []
    marked = bool(rows.outlines or rows.of_kind("subtotal", "of_which", "grand"))
    named = _by_name(rows.grid, t)
    for inside, with_last in spans:
        for how, parts in _tops(rows, inside):
            together = [*with_last, *parts]
            # Where levels are marked, all may stand under one heading.
            if len(together) > 1 or (together and how in rows.outlines and len(inside) > 1):
                told = how != "flat" or not marked or rows.numbered(parts)
                # Rows below a total are its parts only where it has none above.
                told = told and (inside is above or not above)
                # The income of the year and what comes beside it, all by its official name.
                told = set(named) >= set(parts) if with_last else told
                sure = rows.kind[t] == "total" and told
                sure = sure and not (how == "flat" and _SOME.search(rows.grid.name))
                options.append(rows.relation(t, together, "total", sure, how))
    if len(named) > 1:
        options.append(rows.relation(t, named, "total", not marked))
    if len(before) > 1:
        options.append(rows.relation(t, before, "total"))
    return list(dict.fromkeys(options))


def _of_subtotal(rows: _Rows, row: int) -> list[_Relation]:
    """小计 against the rows above it, or below it where the table begins with one."""
    items = rows.of_kind("item")
    edges = [-1, *rows.of_kind("subtotal", "total", "grand"), rows.size]
    at = edges.index(row)
    first = rows.kind.index("subtotal")
    # One row above it (市本级 before 县区小计) is no list that it adds up.
    below = sum(edges[edges.index(first) - 1] < r < first for r in items) < 2
    start, end = (row, edges[at + 1]) if below else (edges[at - 1], row)
    inside = [r for r in items if start < r < end]
    options = [
        rows.relation(row, parts, "subtotal", sure=how != "flat" or not rows.outlines)
        for how, parts in (_tops(rows, inside) if len(inside) > 1 else ())
        if len(parts) > 1
    ]
    return list(dict.fromkeys(options))


def _same_endings(rows: _Rows) -> Iterator[list[_Relation]]:
    """``年末滚存结余`` against the rows that end in it; 其中 of a total against its parts'."""
    cores = [label.core for label in rows.grid.labels]
    for r, core in enumerate(cores):
        if len(core) < 4 or rows.grid.labels[r].code or core in cores[r + 1 :]:
            continue
        parts = [n for n in range(r) if cores[n].endswith(core)]
        if len(parts) > 2 and rows.kind[r] in ("item", "of_which"):
            yield [rows.relation(r, parts, "names")]


#: The two parts of general budget revenue, and what the two together may be called.
_TAX_SPLIT = ("税收收入", "非税收入")
_REVENUE = ("一般公共预算收入", "地方一般公共预算收入", "收入总计", "本级收入", "财政总收入")


def _tax_split(rows: _Rows) -> Iterator[list[_Relation]]:
    """Unnumbered 税收收入 and 非税收入 with their items below them; revenue of the two."""
    labels, kind = rows.grid.labels, rows.kind
    names = {labels[r].core: r for r in reversed(range(rows.size)) if kind[r] != "of_which"}
    if not names.keys() >= set(_TAX_SPLIT):
        return
    split = [names[name] for name in _TAX_SPLIT]
    for r in [names[name] for name in _REVENUE if name in names]:
        yield [rows.relation(r, split, "names", kind[r] != "total")]
    if labels[split[0]].level or labels[split[0]].code:
        return
    ends = sorted([*rows.of_kind("total", "grand"), *split, rows.size])
    for head in split:
        end = next(e for e in ends if e > head)
        items = [r for r in rows.of_kind("item") if head < r < end]
        if len(items) > 1:
            yield [rows.relation(head, items, "names")]


#: Outlines that nothing marks: borne out by every column, or by one and by the total above.
_NESTS = {"nest": False, "loose": True}


def _nested(rows: _Rows, inside: Sequence[int], *, loose: bool = False) -> list[_Relation]:
    """Rows that nothing marks and that the rows after them add up to, in every column.

    With `loose`, in at least as many columns as not: to be borne out by a total.
    """
    found: list[_Relation] = []
    if not 3 <= len(inside) <= MOST or not rows.values.size:
        return found
    values = np.nan_to_num(rows.values[list(inside)])
    sums = np.vstack([np.zeros(values.shape[1]), np.cumsum(values, axis=0)])
    i = 0
    while i < len(inside) - 2:
        gaps = np.abs(sums[i + 3 :] - sums[i + 1] - values[i])
        big = np.abs(values[i]) >= 100
        near = (gaps <= 1e-6 * np.maximum(1, np.abs(values[i]))) & big
        parts = inside[i + 1 : i + 3 + int(np.argmax(near.sum(axis=1)))]
        relation = rows.relation(inside[i], parts, "nest")
        seen = rows.seen(relation)
        if seen.ties and seen.ties >= (seen.misses if loose else 2 * seen.misses):
            found.append(relation)
            i += len(parts)
        i += 1
    return found


def _by_name(grid: Grid, row: int) -> list[int]:
    """Rows that the total of a balance is of, by the official names of its items."""
    core, cores = grid.labels[row].core, [label.core for label in grid.labels]
    if INCOME_TOTAL.search(core):
        patterns = [INCOME]
    else:
        patterns = [OUTGO, CARRY] if OUTGO_TOTAL.search(core) else []
    return [r for pattern in patterns for r, name in enumerate(cores) if pattern.search(name)]


# ---------------------------------------------------------------- across


def _across(grid: Grid) -> Iterator[Sums]:
    """The sums across columns that headers state or that nearly every row shows."""
    columns = grid.amounts
    if len(columns) < 2 or not grid.facts:
        return
    lines, headers = _Lines(grid, across=True), [h.raw for h in grid.headers]
    stated: set[int] = set()
    for total in [c for c in columns if _TOTAL_COLUMN.search(headers[c])]:
        options = [_plus(option) for option in _options(grid, columns, total) if len(option) > 1]
        fares = [_fares(lines, total, parts) for parts in options]
        best = max(range(len(options)), key=lambda n: fares[n][0], default=None)
        if best is None or not fares[best][1]:
            continue
        # A total that no reading of the header supports is no relation.
        ties, made = fares[best]
        if 2 * ties >= made:
            stated.add(total)
            yield from _by_row(lines, total, options[best])
        elif made < ROWS - 1 and not ties and _GROUPED.search(headers[total]):
            # Too few rows to bear it out, but the header says so.
            yield from _by_row(lines, total, options[best], "warning")
    yield from _parts_of_columns(lines, headers)
    for change in [c for c in columns if _CHANGE_COLUMN.search(headers[c])]:
        most = 0
        found: _Parts = ()
        for a, b in permutations([c for c in columns if c != change], 2):
            ties, made = _fares(lines, change, ((1, a), (-1, b)))
            if ties > max(most, made // 2):
                most, found = ties, ((1, a), (-1, b))
        if found:
            yield from _by_row(lines, change, found)
    yield from _discovered(lines, [c for c in columns if c not in stated])
    groups: dict[str, list[int]] = {}
    for c in columns:
        group, _, own = headers[c].rpartition("/")
        if group:
            groups.setdefault(own, []).append(c)
    # Groups of like columns whose last is the sum of the others: limit + new - taken back.
    for *parts, last in groups.values():
        if len(parts) > 1:
            ties, made = _fares(lines, last, _plus(parts))
            if ties >= 3 and ties >= SHARE * made:
                yield from _by_row(lines, last, _plus(parts))


def _plus(columns: Iterable[int]) -> _Parts:
    return tuple((1, c) for c in columns)


def _fares(lines: _Lines, total: int, parts: _Parts) -> tuple[int, int]:
    """Rows in which a sum across columns ties, and rows in which it is made."""
    values, gap, slack = lines.gaps(total, parts)
    filled = (~np.isnan(values)).sum(axis=0)
    made = ~np.isnan(lines.values[total]) & (filled >= min(2, len(parts)))
    return int((made & (gap <= slack * 1.0001 + 1e-9)).sum()), int(made.sum())


def _by_row(
    lines: _Lines, total: int, parts: _Parts, severity: Severity = "error"
) -> Iterator[Sums]:
    enough = min(2, len(parts))
    return (claim for claim in lines.sums(total, parts, severity) if len(claim.parts) >= enough)


def _parts_of_columns(lines: _Lines, headers: list[str]) -> Iterator[Sums]:
    """A column headed 其中 against the one before it; in groups, against the same part of it."""
    parts = {c for c in lines.grid.amounts if _OF_WHICH_COLUMN.search(headers[c])}
    for c in sorted(parts):
        group, _, own = headers[c].rpartition("/")
        before = [p for p in lines.grid.amounts if p < c and p not in parts]
        if group:
            before = [p for p in before if headers[p].rpartition("/")[2] == own]
        sums = lines.within(before[-1], c) if before else []
        kept = sum(claim.total.number >= claim.parts[0][1].number for claim in sums)
        if 3 * kept >= 2 * len(sums):
            yield from sums


def _options(grid: Grid, columns: list[int], total: int) -> Iterator[list[int]]:
    """Columns that a total column may be the sum of, the likeliest first."""
    headers = [h.raw for h in grid.headers]
    free = [
        c
        for c in columns
        if c != total
        and grid.units[c] == grid.units[total]
        and not _OF_WHICH_COLUMN.search(headers[c].rpartition("/")[2])
        and not _CHANGE_COLUMN.search(headers[c])
    ]
    group = headers[total].rpartition("/")[0]
    inside = [c for c in free if headers[c].startswith(f"{group}/" if group else "")]
    # Of a group within it that has a total of its own, that total.
    wholes = [
        (c, headers[c].rpartition("/")[0]) for c in inside if _TOTAL_COLUMN.search(headers[c])
    ]
    under = {
        c
        for whole, inner in wholes
        for c in inside
        if inner != group and c != whole and headers[c].startswith(f"{inner}/")
    }
    if under:
        yield [c for c in inside if c not in under]
    if group:
        yield inside
    yield [c for c in free if "小计" in headers[c]]
    other = [c for c in free if _TOTAL_COLUMN.search(headers[c])]
    right = next((c for c in other if c > total), len(headers))
    left = next((c for c in reversed(other) if c < total), -1)
    yield [c for c in free if total < c < right]
    yield [c for c in free if left < c < total]
    yield [c for c in free if c not in other]


def _discovered(lines: _Lines, columns: list[int]) -> Iterator[Sums]:
    """Neighbouring columns that add up to another in nearly every row."""
    if len(lines.levels) < ROWS or not 3 <= len(columns) <= 16:
        return
    units, values = lines.grid.units, lines.grid.values[:, columns]
    for i, j in combinations(range(len(columns) + 1), 2):
        if j - i < 2 or len({units[c] for c in columns[i:j]}) > 1:
            continue
        run, several = values[:, i:j].sum(axis=1), (values[:, i:j] != 0).sum(axis=1) > 1
        for t in [t for t in range(len(columns)) if not i <= t < j]:
            whole = values[:, t]
            both = ~np.isnan(run) & ~np.isnan(whole) & (whole != 0)
            telling = both & several & (np.abs(run - whole) <= 1e-9 * np.abs(whole))
            if both.sum() >= ROWS and telling.sum() >= max(SHARE * both.sum(), ROWS - 1):
                yield from _by_row(lines, columns[t], _plus(columns[i:j]))


def _totals(grid: Grid) -> Iterator[Sums]:
    """合计, 小计, 其中 and numbered rows; total and 其中 columns."""
    yield from _down(grid)
    yield from _across(grid)


CHECKS = (Check(("sum_total", "of_which"), _totals, "grid"),)
