"""Columns that hold one another: own money that already contains the transfers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

from fiscalmodel.series.findings import Finding
from fiscalmodel.series.rules.book import Book, Fact, Grid
from fiscalmodel.series.rules.registry import rule
from fiscalmodel.series.rules.report import finding, show

_OWN = re.compile(r"本级|区级|县级|自有|本年(?:财政)?拨款")
_UPPER = re.compile(r"上级|转移支付|省级|中央|市级")
_TOTAL = re.compile(r"合计|总计|总额|预算数$")

_Row = tuple[Fact, Fact, Fact | None]


@rule("overlapping_columns", en="columns that overlap", zh="列间重叠")
def overlapping_columns(book: Book) -> Iterator[Finding]:
    """A total that equals its own-level column although there are transfers beside it."""
    for grid in book.grids:
        columns = [c for c in range(len(grid.headers)) if not grid.is_rate(c)]
        own = next((c for c in columns if _OWN.search(grid.headers[c].raw)), None)
        upper = next((c for c in columns if _UPPER.search(grid.headers[c].raw)), None)
        if own is None or upper is None or own == upper:
            continue
        total = next((c for c in columns if c != own and _TOTAL.search(grid.headers[c].raw)), None)
        rows = list(_rows(grid, own, upper, total))
        if total is not None:
            inside = [r for r in rows if r[2] and r[2].number == r[0].number]
            beside = [r for r in rows if r[2] and r[2].number == r[0].number + r[1].number]
            if inside and not beside:
                yield _contained(inside, grid, own, upper)
        else:
            same = [r for r in rows if r[0].number == r[1].number]
            if same and len(same) < len(rows):
                yield _repeated(same, grid, own, upper)


def _rows(grid: Grid, own: int, upper: int, total: int | None) -> Iterator[_Row]:
    """Rows in which both columns hold an amount."""
    for row in grid.facts:
        first, second = row[own], row[upper]
        if first and second and first.number and second.number:
            yield first, second, row[total] if total is not None else None


def _contained(rows: list[_Row], grid: Grid, own: int, upper: int) -> Finding:
    whole, part = rows[-1][0], rows[-1][1]
    a, b = grid.headers[own].raw, grid.headers[upper].raw
    cells = [f for row in reversed(rows) for f in row if f]
    both = whole.number + part.number
    return finding(
        "overlapping_columns",
        "error",
        cells,
        stated=whole.number,
        computed=whole.number - part.number,
        tolerance=Decimal(0),
        en=f"{grid.name}: in {len(rows)} rows the total equals column {a!r} although column {b!r} "
        f"holds amounts too: {b!r} is a part (其中) of {a!r}, not a further amount. In "
        f"{whole.label.raw!r} own money is {show(whole.number - part.number)}, and adding the "
        f"columns would give {show(both)}.",
        zh=f"{grid.name}：有 {len(rows)} 行合计等于“{a}”，而“{b}”另有数：“{b}”是“{a}”的其中数，"
        f"不是并列数。“{whole.label.raw}”本级实为 {show(whole.number - part.number)}，两列相加会得 "
        f"{show(both)}。",
    )


def _repeated(rows: list[_Row], grid: Grid, own: int, upper: int) -> Finding:
    a, b = grid.headers[own].raw, grid.headers[upper].raw
    names = "、".join(row[0].label.raw for row in rows)
    return finding(
        "overlapping_columns",
        "warning",
        [f for row in rows for f in row[:2] if f],
        stated=rows[0][0].number,
        computed=rows[0][1].number,
        tolerance=Decimal(0),
        en=f"{grid.name}: {names} print the same amount in {a!r} and in {b!r}: the columns seem "
        f"to overlap, with {b!r} a part (其中) of {a!r}.",
        zh=f"{grid.name}：{names}在“{a}”与“{b}”两列金额相同，两列疑有重叠，“{b}”应为其中数。",
    )
