"""Errors planted in published workbooks: how many the checks find.

    python benchmarks/planted.py FOLDER_OR_FILES... [--errors 500] [--seed 20261126]

Each workbook is read once. Then one error at a time is planted in one table: two
neighbouring digits swapped, a figure times 10 or times 10,000, or a row lost; and the
tables of the workbook's sheet are checked again. Reported: which share of the figures
a sum, a limit or a rate covers, and of the errors planted in covered figures how many
give a new finding that names the cell (for a lost row: the total above it), and how
many of these are errors or warnings.
"""

from __future__ import annotations

import argparse
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import fiscalmodel as fm
from fiscalmodel.checks.claims import Follows, Sums, arithmetic
from fiscalmodel.checks.reading import SUFFIXES, book_of
from fiscalmodel.checks.reconcile import CHECKS
from fiscalmodel.findings import Finding
from fiscalmodel.tables.table import Table

KINDS = ("swapped", "times 10", "times 10,000", "row lost")
Place = tuple[int, int, str]  # table, row, column


def tables_of(paths: list[Path]) -> Iterator[list[Table]]:
    """The tables of each workbook."""
    for path in paths:
        files = sorted(path.iterdir()) if path.is_dir() else [path]
        for file in files:
            if file.suffix.lower() in SUFFIXES:
                yield list(fm.read_workbook(file, strict=False))


def covered(tables: list[Table]) -> set[str]:
    """Cells that a claim which ties names: their change would be seen."""
    book = book_of(tables)
    cells: set[str] = set()
    for claim in (c for check in CHECKS for c in check.of(book)):
        if isinstance(claim, Sums):
            outcome = arithmetic(claim)
            if outcome and outcome.ties and not claim.at_most:
                cells.update(str(f.cell) for f in claim.facts)
        elif isinstance(claim, Follows) and claim.ties:
            cells.update(str(f.cell) for f in (claim.stated, *claim.operands))
    return cells


def swapped(value: float, rng: random.Random) -> float | None:
    """Two neighbouring digits that differ, swapped."""
    text = f"{value:.10g}"
    pairs = [
        i for i in range(len(text) - 1)
        if text[i : i + 2].isdigit() and text[i] != text[i + 1]
    ]  # fmt: skip
    if not pairs:
        return None
    i = rng.choice(pairs)
    return float(text[:i] + text[i + 1] + text[i] + text[i + 2 :])


def planted(table: Table, row: int, column: str, kind: str, rng: random.Random) -> Table | None:
    """The table with one error in it."""
    if kind == "row lost":
        keep, shown = [r for r in range(len(table)) if r != row], table.decimals()
        return replace(
            table,
            frame=table.frame.iloc[keep].reset_index(drop=True),
            rows=[table.rows[r] for r in keep],
            stored={c: [values[r] for r in keep] for c, values in table.stored.items()},
            decimals=lambda: {(keep.index(r), c): d for (r, c), d in shown.items() if r in keep},
            marks=table.marks.iloc[keep].reset_index(drop=True),
            percents=frozenset((keep.index(r), c) for r, c in table.percents if r in keep),
        )
    value = float(table.frame[column].iloc[row])
    factor = {"times 10": 10.0, "times 10,000": 10_000.0}.get(kind)
    wrong = value * factor if factor else swapped(value, rng)
    if wrong is None or wrong == value:
        return None
    frame = table.frame.copy()
    frame.loc[frame.index[row], column] = wrong
    stored = {**table.stored, column: [*table.stored[column]]}
    stored[column][row] = wrong
    return replace(table, frame=frame, stored=stored)


def main() -> None:
    """Plant, check, count."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sources", nargs="+", type=Path)
    parser.add_argument("--errors", type=int, default=500)
    parser.add_argument("--seed", type=int, default=20261126)
    asked = parser.parse_args()
    rng = random.Random(asked.seed)
    books = list(tables_of(asked.sources))
    places: list[tuple[list[Table], Place, bool]] = []
    before: dict[tuple[int, int], set[tuple[object, ...]]] = {}
    for book in books:
        for t, table in enumerate(book):
            known = covered([table])
            before[id(book), t] = {_key(f) for f in fm.reconcile([table])}
            for column in table.numbers:
                if table.unit_of(column) == "%":
                    continue
                for row, value in enumerate(table.frame[column]):
                    if value == value and abs(value) >= 10:
                        cell = table.where(table.frame.index[row], column)
                        places.append((book, (t, row, column), cell in known))
    inside = [place for place in places if place[2]]
    print(f"{len(places):,} figures of at least 10; covered: {len(inside) / len(places):.1%}")
    done: Counter[str] = Counter()
    hits: Counter[str] = Counter()
    grave = 0
    while done.total() < asked.errors:
        book, (t, row, column), _ = rng.choice(inside)
        kind = KINDS[done.total() % len(KINDS)]
        table = book[t]
        spoilt = planted(table, row, column, kind, rng)
        if spoilt is None:
            continue
        done[kind] += 1
        new = [f for f in fm.reconcile([spoilt]) if _key(f) not in before[id(book), t]]
        cell = table.where(table.frame.index[row], column)
        named = [f for f in new if kind == "row lost" or cell in map(str, f.cells)]
        hits[kind] += bool(named)
        grave += any(f.severity != "note" for f in named)
    for kind in KINDS:
        print(f"{kind}: {hits[kind]} of {done[kind]} found")
    share = hits.total() / done.total()
    print(f"all: {hits.total()} of {done.total()} ({share:.1%}), {grave} as error or warning")


def _key(finding: Finding) -> tuple[object, ...]:
    return finding.rule, finding.where, finding.stated, finding.computed


if __name__ == "__main__":
    main()
