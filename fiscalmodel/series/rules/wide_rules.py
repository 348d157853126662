"""Rules over tables as printed: totals down and across, derived columns, lags."""

from __future__ import annotations

from collections.abc import Iterator

from fiscalmodel.series.findings import Finding
from fiscalmodel.series.rules import wide_debt as wide_debt  # registers its rule
from fiscalmodel.series.rules.across import column_identities
from fiscalmodel.series.rules.book import Book, Fact, Grid
from fiscalmodel.series.rules.down import row_identities
from fiscalmodel.series.rules.identities import evaluate
from fiscalmodel.series.rules.registry import rule
from fiscalmodel.series.rules.report import finding
from fiscalmodel.series.rules.sums import OF_WHICH
from fiscalmodel.words import Text

SUMS = {"sum_total": ("sums against totals", "分项之和与合计"), **OF_WHICH}


@rule("table_total", en="totals of a table, down and across", zh="表内合计（行、列）", finds=SUMS)
def table_total(book: Book) -> Iterator[Finding]:
    """合计, 小计, 其中 and numbered rows; total and 其中 columns."""
    for grid in book.grids:
        yield from evaluate(book, [*row_identities(grid), *column_identities(grid)])


@rule("doubled_row", en="rows printed twice in a table", zh="表内重复行")
def doubled_row(book: Book) -> Iterator[Finding]:
    """Two rows with the same label and the same figures."""
    for grid in book.grids:
        seen: dict[tuple[str, ...], int] = {}
        for r, row in enumerate(grid.facts):
            figures = [f for f in row if f is not None]
            name = grid.labels[r].raw.strip()
            if not name or grid.periods or not any(f.number for f in figures):
                continue
            key = (name, *(f.text if f else "" for f in row))
            if key in seen and _labels_are_names(grid):
                yield _doubled(grid, seen[key], r, figures)
            seen.setdefault(key, r)


def _labels_are_names(grid: Grid) -> bool:
    """Most labels stand once: a table of items, not a list of records."""
    names = [label.raw.strip() for label in grid.labels if label.raw.strip()]
    return len(set(names)) * 4 >= len(names) * 3


def _doubled(grid: Grid, first: int, second: int, figures: list[Fact]) -> Finding:
    twins = [f for f in grid.facts[first] if f is not None]
    name = grid.labels[second].raw.strip()
    return finding(
        "doubled_row",
        "warning",
        [*twins[:1], *figures[:1], *twins[1:], *figures[1:]],
        en=f"{name!r} stands twice with the same figures ({twins[0].cell} and {figures[0].cell}): "
        "a doubled row is added twice.",
        zh=f"“{name}”两行数字完全相同（{twins[0].cell}、{figures[0].cell}），疑为重复，汇总时会重复计算。",
    )


@rule("unreadable", en="cells that could not be read", zh="无法读取的单元格")
def unreadable(book: Book) -> Iterator[Finding]:
    """Text where a table has numbers, as the reader refused it."""
    for grid in book.grids:
        for problem in grid.problems:
            yield Finding(
                "unreadable",
                "error",
                problem.where,
                None,
                None,
                None,
                None,
                Text(
                    f"应填数字处无法读取：{problem.said.zh}",
                    f"{problem.said.en}. {problem.advice.en}".strip(),
                ),
            )
