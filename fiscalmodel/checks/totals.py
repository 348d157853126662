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
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, permutations
from typing import Any

import numpy as np
import numpy.typing as npt

from fiscalmodel.checks.claims import Check, Sums, arithmetic
from fiscalmodel.checks.facts import Fact, Grid
from fiscalmodel.checks.sums import CARRY, INCOME, INCOME_TOTAL, OUTGO, OUTGO_TOTAL
from fiscalmodel.findings import Severity

_ASIDE = re.compile(r"^(?:上年|上期|同期|备注|注)(?!.*(?:结余|结转|收入))")
#: Totals that do not say so: 全市一般公共预算收入, 本级国有资本经营支出.
_GRAND = re.compile(r"^(?:全[省市州盟县区旗]|.{0,6}本级)[^/]*(?:收入|支出)$")
#: Titles of tables that list some of the parts.
_SOME = re.compile(r"主要|部分(?!门)|重点")
_CHANGE = re.compile(r"增减|增加|减少|变动|增长")
_TOTAL_COLUMN = re.compile(r"合计|总计|小计|总额|总量|^total$|(?:^|[/_])total$", re.IGNORECASE)
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


class _Rows:
    """The rows of one table: their kinds, their outlines, their figures as numbers."""

    def __init__(self, grid: Grid) -> None:
        self.grid = grid
        self.size = len(grid.labels)
        self.kind = self._kinds()
        self._seen: dict[_Relation, _Seen] = {}

    def _kinds(self) -> list[str]:
        """``total``, ``grand``, ``subtotal``, ``of_which``, ``aside`` or ``item`` for each row."""
        grid = self.grid
        kinds: list[str] = []
        for r, (label, mark) in enumerate(zip(grid.labels, grid.marks, strict=True)):
            if not label.core:  # 其中 on a row of its own begins its list all the same
                kinds.append("of_which" if label.of_which else "aside")
            elif label.of_which or mark == "of_which" or self._continues(r, kinds):
                kinds.append("of_which")
            elif label.is_subtotal or mark == "subtotal":
                kinds.append("subtotal")
            elif label.is_total or mark == "total":
                kinds.append("total")
            elif _ASIDE.search(label.core):
                kinds.append("aside")
            elif _GRAND.match(label.core) and not (label.code or label.level):
                kinds.append("grand")
            else:
                kinds.append("item")
        return kinds

    def _continues(self, r: int, kinds: list[str]) -> bool:
        """A row under a first 其中 that is set in as far, or unnumbered under a numbered row."""
        if not kinds or kinds[-1] != "of_which":
            return False
        labels, indents = self.grid.labels, self.grid.indents
        head = next((n for n in range(r - 1, -1, -1) if kinds[n] != "of_which"), None)
        first = r - 1 if head is None else head + 1
        if head is None or labels[r].is_total or labels[r].is_subtotal:
            return False
        if len(set(indents)) > 1 and indents[first] > indents[head]:
            return indents[r] >= indents[first]
        return bool(labels[head].level) and not (labels[r].level or labels[r].code)

    @cached_property
    def values(self) -> _Array:
        """Figures of the columns that may be added up; NaN where none is printed."""
        return self.grid.sums[:, self.grid.amounts]

    @cached_property
    def halves(self) -> _Array:
        """Half a unit of the last digit of each figure."""
        return self.grid.halves[:, self.grid.amounts]

    # ------------------------------------------------------------ outlines

    @cached_property
    def outlines(self) -> dict[str, dict[int, list[int]]]:
        """For each thing that tells levels apart: row -> the rows one level below it."""
        found = {"codes": self._by_code(), "numbers": self._by_depth(self._numbers())}
        found["indents"] = self._by_depth(self._indents())
        return {how: below for how, below in found.items() if below}

    @property
    def items(self) -> list[int]:
        """Rows that stand in an outline."""
        return [r for r in range(self.size) if self.kind[r] in ("item", "subtotal")]

    def _by_code(self) -> dict[int, list[int]]:
        below: dict[int, list[int]] = {}
        above: list[int] = []
        for r in self.items:
            code = self.grid.labels[r].code
            if not code:
                continue
            while above and not (
                code.startswith(self.grid.labels[above[-1]].code)
                and len(code) > len(self.grid.labels[above[-1]].code)
            ):
                above.pop()
            if above:
                below.setdefault(above[-1], []).append(r)
            above.append(r)
        return below

    def _numbers(self) -> dict[int, int]:
        """Depth by numbering; a row without a number is one level below the number above it."""
        depths: dict[int, int] = {}
        last = 0
        if not any(self.grid.labels[r].level for r in self.items):
            return {}
        for r in range(self.size):
            level = self.grid.labels[r].level
            if self.kind[r] in ("total", "grand") or (self.kind[r] == "subtotal" and not level):
                last = 0
            last = level or last
            if self.kind[r] in ("item", "subtotal") and last:
                depths[r] = level or last + 1
        return depths

    def _indents(self) -> dict[int, int]:
        return {r: self.grid.indents[r] for r in self.items}

    def _by_depth(self, depths: dict[int, int]) -> dict[int, list[int]]:
        below: dict[int, list[int]] = {}
        if len(set(depths.values())) < 2:
            return {}
        above: list[int] = []
        for r, depth in depths.items():
            between = self.kind[above[-1] : r] if above else []
            stops = "total" in between or "grand" in between
            while above and (stops or depths[above[-1]] >= depth):
                above.pop()
            if above:
                below.setdefault(above[-1], []).append(r)
            above.append(r)
        return below

    # ------------------------------------------------------------ figures

    def seen(self, relation: _Relation) -> _Seen:
        """In how many columns a relation ties, leaving out those that tell nothing."""
        if relation not in self._seen:
            self._seen[relation] = self._look(relation)
        return self._seen[relation]

    def _look(self, relation: _Relation) -> _Seen:
        rows = [r for _, r in relation.parts]
        signs = np.array([s for s, _ in relation.parts])[:, None]
        parts, whole = self.values[rows], self.values[relation.total]
        known = ~np.isnan(parts)
        filled = (known & (parts != 0)).sum(axis=0)
        decided = ~np.isnan(whole) & (filled >= (2 if relation.how == "nest" else 1))
        if relation.how == "nest":
            decided &= np.abs(whole) >= 100
        gap = np.abs(whole - np.nansum(parts * signs, axis=0))
        slack = self.halves[relation.total] + np.nansum(self.halves[rows], axis=0)
        # What no label says, the figures must say exactly.
        near = gap <= slack * (1e-6 if relation.how == "nest" else 1.0001) + 1e-9
        ties, misses = decided & (whole != 0) & near, decided & ~near
        off = (gap / np.maximum(np.abs(whole), 1.0))[decided]
        return _Seen(int(ties.sum()), int(misses.sum()), float(off.min()) if off.size else 0.0)

    def fit(self, relation: _Relation) -> tuple[int, int, float]:
        """Columns that tie, that do not, and how far these are off: the likeliest is largest."""
        seen = self.seen(relation)
        return seen.ties, -seen.misses, -seen.off

    def signed(self, rows: Iterable[int]) -> _Parts:
        """Rows as parts; what is marked 减： is subtracted."""
        return tuple((-1 if self.grid.labels[r].less else 1, r) for r in rows)

    def claims(self, relation: _Relation, severity: Severity) -> Iterator[Sums]:
        """The sums of a relation, column by column."""
        for c in self.grid.amounts:
            total = self.grid.facts[relation.total][c]
            parts = [(s, self.grid.facts[r][c]) for s, r in relation.parts]
            known = [(s, p) for s, p in parts if p is not None and p.unit != "%"]
            if total is None or total.unit == "%" or not any(p.number for _, p in known):
                continue  # not broken down here
            claim = Sums("sum_total", total, known, "rows", severity=severity)
            outcome = arithmetic(claim)
            if outcome is None:
                continue
            # One figure of many: the others may be missing.
            alone = len(known) == 1 < len(parts)
            if outcome.ties or not alone or any(outcome.slips):
                yield claim


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
    for how in picked & set(_NESTS):
        for relation in _nested(rows, rows.items, loose=_NESTS[how]):
            yield from rows.claims(relation, "error")
    left = [r for r in range(rows.size) if r not in absorbed and rows.kind[r] != "of_which"]
    for relation in _nested(rows, left):
        yield from rows.claims(relation, "error")
    yield from _parts_of_rows(rows)


def _doubled(rows: _Rows, relation: _Relation) -> bool:
    """Rows that add up to far more than their total: some of them are parts of others."""
    parts = np.nansum(rows.values[[r for _, r in relation.parts]], axis=0)
    whole = rows.values[relation.total]
    return bool(len(relation.parts) > 3 and np.any(parts > 1.5 * np.abs(whole)))


def _relations(rows: _Rows) -> Iterator[list[_Relation]]:
    """For each total the ways in which its parts may be meant, the likeliest first."""
    for r in range(rows.size):
        kind = rows.kind[r]
        # In a list of several accounts each balances alone: `sums` looks at those.
        if kind in ("total", "grand") and not any(f and f.scope for f in rows.grid.facts[r]):
            yield _of_total(rows, r)
        elif kind == "subtotal":
            yield [*_of_subtotal(rows, r), *_below(rows, r)]
        elif kind in ("item", "aside"):
            yield _below(rows, r)
    yield from _same_endings(rows)
    yield from _tax_split(rows)
    for r in range(1, rows.size):
        if rows.kind[r] == "of_which" and rows.kind[r - 1] != "of_which":
            end = next((n for n in range(r, rows.size) if rows.kind[n] != "of_which"), rows.size)
            if end - r > 1:
                yield [_Relation(r - 1, rows.signed(range(r, end)), "family")]


def _below(rows: _Rows, r: int) -> list[_Relation]:
    """A row against the rows one level below it, by each outline."""
    options = []
    for how, below in rows.outlines.items():
        if r in below:
            options.append(_Relation(r, rows.signed(below[r]), how))
    return options


def _tops(rows: _Rows, inside: list[int]) -> Iterator[tuple[str, list[int]]]:
    """Ways to pick the rows of the highest level, the likeliest first."""
    for how, below in rows.outlines.items():
        under = {r for head, parts in below.items() if head in inside for r in parts}
        yield how, [r for r in inside if r not in under]
    subtotals = [r for r in inside if rows.kind[r] == "subtotal"]
    if subtotals:
        yield "subtotals", subtotals
    names = {rows.grid.labels[r].core: r for r in inside}
    if "税收收入" in names and "非税收入" in names:
        yield "names", [names["税收收入"], names["非税收入"]]
    yield "flat", [r for r in inside if rows.kind[r] == "item"]
    for how, loose in _NESTS.items():
        nested = _nested(rows, inside, loose=loose)
        if nested:
            under = {r for relation in nested for _, r in relation.parts}
            yield how, [r for r in inside if r not in under]


def _of_total(rows: _Rows, t: int) -> list[_Relation]:
    kind = rows.kind
    wholes = [r for r in range(rows.size) if kind[r] in ("total", "grand")]
    last = max((r for r in wholes if r < t), default=-1)
    after = min((r for r in wholes if r > t), default=rows.size)
    inner = ("item", "subtotal")
    above = [r for r in range(last + 1, t) if kind[r] in inner]
    spans = [(above, []), (above, [last] if last >= 0 else [])]
    spans += [([r for r in range(t + 1, after) if kind[r] in inner], [])]
    spans += [([r for r in range(t) if kind[r] in inner], [])]
    options: list[_Relation] = []
    marked = bool(rows.outlines) or any(k in ("subtotal", "of_which", "grand") for k in kind)
    for inside, before in spans:
        for how, parts in _tops(rows, inside):
            together = [*before, *parts]
            # Where levels are marked, all may stand under one heading.
            if len(together) > 1 or (together and how in rows.outlines and len(inside) > 1):
                sure = kind[t] == "total" and not before and (how != "flat" or not marked)
                sure = sure and not (how == "flat" and _SOME.search(rows.grid.name))
                options.append(_Relation(t, rows.signed(together), "total", sure, how))
    if len(named := _by_name(rows.grid, t)) > 1:
        options.append(_Relation(t, rows.signed(named), "total", not marked))
    wholes_above = [r for r in wholes if r < t]
    if len(wholes_above) > 1:
        options.append(_Relation(t, rows.signed(wholes_above), "total"))
    return list(dict.fromkeys(options))


def _of_subtotal(rows: _Rows, row: int) -> list[_Relation]:
    """小计 against the rows above it, or below it where the table begins with one."""
    marks = [r for r in range(rows.size) if rows.kind[r] == "subtotal"]
    items = [r for r in range(rows.size) if rows.kind[r] == "item"]
    bounds = [r for r in range(rows.size) if rows.kind[r] in ("subtotal", "total", "grand")]
    edges = [-1, *bounds, rows.size]
    at = edges.index(row)
    first = bool(items) and marks[0] > items[0]
    start, end = (edges[at - 1], row) if first else (row, edges[at + 1])
    inside = [r for r in items if start < r < end]
    if len(inside) < 2:
        return []
    marked = bool(rows.outlines)
    options = [
        _Relation(row, rows.signed(parts), "subtotal", sure=how != "flat" or not marked)
        for how, parts in _tops(rows, inside)
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
            yield [_Relation(r, rows.signed(parts), "names")]


def _tax_split(rows: _Rows) -> Iterator[list[_Relation]]:
    """Unnumbered 税收收入 and 非税收入 with their items below them; revenue of the two."""
    labels, kind = rows.grid.labels, rows.kind
    names = {labels[r].core: r for r in reversed(range(rows.size)) if kind[r] != "of_which"}
    tax, other = names.get("税收收入"), names.get("非税收入")
    if tax is None or other is None:
        return
    for name in ("一般公共预算收入", "地方一般公共预算收入", "收入总计", "本级收入", "财政总收入"):
        if name in names:
            sure = kind[names[name]] != "total"
            yield [_Relation(names[name], rows.signed((tax, other)), "names", sure)]
    if labels[tax].level or labels[tax].code:
        return
    ends = [r for r in range(rows.size) if kind[r] in ("total", "grand") or r in (tax, other)]
    for head in (tax, other):
        end = next((e for e in sorted(ends) if e > head), rows.size)
        items = [r for r in range(head + 1, end) if kind[r] == "item"]
        if len(items) > 1:
            yield [_Relation(head, rows.signed(items), "names")]


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
        for j in np.argsort(-near.sum(axis=1), kind="stable")[:1]:
            parts = inside[i + 1 : i + 3 + int(j)]
            relation = _Relation(inside[i], rows.signed(parts), "nest")
            seen = rows.seen(relation)
            enough = seen.misses if loose else 2 * seen.misses
            if seen.ties and seen.ties >= enough:
                found.append(relation)
                i += len(parts)
        i += 1
    return found


def _by_name(grid: Grid, row: int) -> list[int]:
    """Rows that the total of a balance is of, by the official names of its items."""
    core = grid.labels[row].core
    pattern = INCOME if INCOME_TOTAL.search(core) else OUTGO if OUTGO_TOTAL.search(core) else None
    if pattern is None:
        return []
    named = [r for r, label in enumerate(grid.labels) if pattern.search(label.core)]
    if pattern is OUTGO:
        named += [r for r, label in enumerate(grid.labels) if CARRY.search(label.core)]
    return named


def _parts_of_rows(rows: _Rows) -> Iterator[Sums]:
    """其中 cannot exceed the row that it is of which."""
    head: int | None = None
    for r in range(rows.size):
        if rows.kind[r] != "of_which":
            head = r
            continue
        if head is None:
            continue
        for c in rows.grid.amounts:
            whole, part = rows.grid.facts[head][c], rows.grid.facts[r][c]
            # Of a change, a part may be larger than the whole.
            change = _CHANGE.search(rows.grid.headers[c].raw)
            if whole is None or part is None or change or whole.number <= 0:
                continue
            if "%" not in (whole.unit, part.unit):
                yield Sums("of_which", whole, [(1, part)], "of_which", at_most=True)


# ---------------------------------------------------------------- across


def _across(grid: Grid) -> Iterator[Sums]:
    """The sums across columns that headers state or that nearly every row shows."""
    columns = grid.amounts
    if len(columns) < 2:
        return
    stated: set[int] = set()
    for total in [c for c in columns if _TOTAL_COLUMN.search(grid.headers[c].raw)]:
        options = [dict.fromkeys(o, 1) for o in _options(grid, columns, total) if len(o) > 1]
        if not options:
            continue
        fares = [_fares(grid, total, parts) for parts in options]
        best = max(range(len(options)), key=lambda n: fares[n][0])
        ties, made = fares[best]
        # A total that no reading of the header supports is no relation.
        if made and 2 * ties >= made:
            stated.add(total)
            yield from _by_row(grid, total, options[best])
    yield from _parts_of_columns(grid, columns)
    for change in [c for c in columns if _CHANGE_COLUMN.search(grid.headers[c].raw)]:
        most, found = 0, {}
        for a, b in permutations([c for c in columns if c != change], 2):
            ties, made = _fares(grid, change, {a: 1, b: -1})
            if ties > max(most, made // 2):
                most, found = ties, {a: 1, b: -1}
        if found:
            yield from _by_row(grid, change, found)
    yield from _discovered(grid, [c for c in columns if c not in stated])
    yield from _chains(grid, columns)


def _fares(grid: Grid, total: int, parts: dict[int, int]) -> tuple[int, int]:
    """Rows in which a sum across columns ties, and rows in which it is made."""
    columns = list(parts)
    whole, values = grid.sums[:, total], grid.sums[:, columns]
    made = ~np.isnan(whole) & ((~np.isnan(values)).sum(axis=1) >= min(2, len(parts)))
    gap = np.abs(whole - np.nansum(values * np.array(list(parts.values())), axis=1))
    known = np.where(np.isnan(values), 0, grid.halves[:, columns])
    slack = grid.halves[:, total] + np.nansum(known, axis=1)
    return int((made & (gap <= slack * 1.0001 + 1e-9)).sum()), int(made.sum())


def _by_row(grid: Grid, total: int, parts: dict[int, int]) -> Iterator[Sums]:
    for row in grid.facts:
        whole = row[total]
        known: list[tuple[int, Fact]] = [
            (sign, fact) for c, sign in parts.items() if (fact := row[c]) is not None
        ]
        if whole is not None and whole.unit != "%" and len(known) >= min(2, len(parts)):
            yield Sums("sum_total", whole, known, "columns")


def _parts_of_columns(grid: Grid, columns: list[int]) -> Iterator[Sums]:
    """A column headed 其中 against the one before it; in groups, against the same part of it."""
    for c in [c for c in columns if _OF_WHICH_COLUMN.search(grid.headers[c].raw)]:
        group, _, own = grid.headers[c].raw.rpartition("/")
        before = [p for p in columns if p < c and not _OF_WHICH_COLUMN.search(grid.headers[p].raw)]
        if group:
            before = [p for p in before if grid.headers[p].raw.rpartition("/")[2] == own]
        if not before:
            continue
        sums = []
        for row in grid.facts:
            whole, part = row[before[-1]], row[c]
            if whole and part and whole.number > 0 and "%" not in (whole.unit, part.unit):
                sums.append(Sums("of_which", whole, [(1, part)], "of_which", at_most=True))
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
    group, _, _ = headers[total].rpartition("/")
    if group:
        yield [c for c in free if headers[c].startswith(f"{group}/")]
    subtotals = [c for c in free if "小计" in headers[c]]
    if subtotals:
        yield subtotals
    other = [c for c in free if _TOTAL_COLUMN.search(headers[c])]
    right = next((c for c in other if c > total), len(headers))
    left = next((c for c in reversed(other) if c < total), -1)
    yield [c for c in free if total < c < right]
    yield [c for c in free if left < c < total]
    yield [c for c in free if c not in other]


def _discovered(grid: Grid, columns: list[int]) -> Iterator[Sums]:
    """Neighbouring columns that add up to another in nearly every row."""
    if len(grid.facts) < ROWS or not 3 <= len(columns) <= 16:
        return
    values = grid.values[:, columns]
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
                yield from _by_row(grid, columns[t], dict.fromkeys(columns[i:j], 1))


def _chains(grid: Grid, columns: list[int]) -> Iterator[Sums]:
    """Groups of like columns whose last is the sum of the others: limit + new - taken back."""
    groups: dict[str, list[int]] = {}
    for c in columns:
        group, _, own = grid.headers[c].raw.rpartition("/")
        if group:
            groups.setdefault(own, []).append(c)
    for chain in groups.values():
        if len(chain) > 2:
            parts = dict.fromkeys(chain[:-1], 1)
            ties, made = _fares(grid, chain[-1], parts)
            if ties >= 3 and ties >= SHARE * made:
                yield from _by_row(grid, chain[-1], parts)


def _totals(grid: Grid) -> Iterator[Sums]:
    """合计, 小计, 其中 and numbered rows; total and 其中 columns."""
    yield from _down(grid)
    yield from _across(grid)


CHECKS = (Check(("sum_total", "of_which"), _totals, "grid"),)
