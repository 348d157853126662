"""Columns that follow from others: growth, completion, shares of the total row, lags."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from fiscalmodel.series.findings import Finding
from fiscalmodel.series.intervals_printed import Interval
from fiscalmodel.series.rules.book import Book, Fact, Grid
from fiscalmodel.series.rules.levels import growth_pct, point, ratio_of
from fiscalmodel.series.rules.registry import rule
from fiscalmodel.series.rules.report import finding, show
from fiscalmodel.series.rules.slips import slip

_GROWTH = re.compile(r"增|同比|比上年|较上年|growth|_g$|±")
_SHARE = re.compile(r"占比|比重|比例|share|占.*%")
_RATIO = re.compile(r"完成|进度|执行率|占预算|预算的|为.*%")


@dataclass(frozen=True)
class _Reading:
    """One way a column may follow from others: pairs of operands by row."""

    kind: str
    pairs: list[tuple[Fact, Fact, Fact]]

    def value(self, new: Fact, old: Fact) -> Interval | None:
        if self.kind == "growth":
            return growth_pct(new, old)
        ratio = ratio_of(new, old)
        return None if ratio is None else ratio.scaled(100)

    def ties(self) -> int:
        """How many rows tie, in floats: near enough to choose a reading by."""
        return sum(map(self._near, self.pairs))

    def _near(self, row: tuple[Fact, Fact, Fact]) -> bool:
        rate, new, old = (fact.figure for fact in row)
        if rate is None or new is None or old is None or not old.value:
            return False
        a, b = float(new.value), float(old.value)
        value = a / b * 100 - (100 if self.kind == "growth" else 0)
        slack = 100 * (float(new.half) + abs(a / b) * float(old.half)) / abs(b)
        return abs(value - float(rate.value)) <= 1.01 * slack + 1.000001 * float(rate.half)


def link_lags(grid: Grid) -> None:
    """Name the level column that each growth column of a table of periods is about.

    The column with which most rows tie, if at least half and two of them do;
    the rule for growth then checks every row.
    """
    rows = {period: r for r, period in enumerate(grid.periods)}
    for c in range(len(grid.headers)):
        for row in grid.facts:
            fact = row[c]
            if fact is not None:
                fact.series = f"{grid.document}:{grid.headers[c].raw}"
    for c in range(len(grid.headers)):
        if not grid.is_rate(c) or not _GROWTH.search(grid.headers[c].raw):
            continue
        best, name = 1, ""
        for level in range(len(grid.headers)):
            pairs = [] if grid.is_rate(level) else list(_lagged(grid, rows, c, level))
            ties = _Reading("growth", pairs).ties()
            if ties > best and 2 * ties >= len(pairs):
                best, name = ties, grid.headers[level].raw
        for row in grid.facts:
            rate = row[c]
            if name and rate is not None:
                rate.of_series, rate.measure, rate.unit = f"{grid.document}:{name}", "growth", "%"


def _lagged(
    grid: Grid, rows: dict[tuple[int, str], int], rate: int, level: int
) -> Iterator[tuple[Fact, Fact, Fact]]:
    for (year, period), r in rows.items():
        before = rows.get((year - 1, f"{year - 1}{period[4:]}"))
        if before is None:
            continue
        fact, new, old = grid.facts[r][rate], grid.facts[r][level], grid.facts[before][level]
        if fact and new and old:
            yield fact, new, old


@rule("derived_column", en="percent columns against amounts", zh="百分比列与金额列")
def derived_column(book: Book) -> Iterator[Finding]:
    """Growth, completion and share columns against the columns they follow from."""
    for grid in book.grids:
        for c in range(len(grid.headers)):
            # Over periods, growth is against the year before: the rule for growth.
            ratios = not grid.periods or _SHARE.search(grid.headers[c].raw)
            reading = _reading(grid, c) if grid.is_rate(c) and ratios else None
            if reading is not None:
                wrong = list(_misfits(reading))
                book.tied["derived_column"] += len(reading.pairs) - len(wrong)
                yield from wrong


def _reading(grid: Grid, column: int) -> _Reading | None:
    """The reading with which most rows tie; at least two, and half of them."""
    header = grid.headers[column].raw
    amounts = [c for c in range(len(grid.headers)) if not grid.is_rate(c)]
    best: _Reading | None = None
    most = 1
    for reading in _readings(grid, column, amounts, header):
        ties = reading.ties()
        if ties > most and 2 * ties >= len(reading.pairs):
            best, most = reading, ties
            if ties == len(reading.pairs):
                break
    return best


def _readings(grid: Grid, column: int, amounts: list[int], header: str) -> Iterator[_Reading]:
    for a in amounts:
        if _SHARE.search(header):
            yield from _of_total(grid, column, a)
        for b in amounts:
            if a == b or grid.units[a] != grid.units[b]:
                continue
            if _GROWTH.search(header):
                yield _Reading("growth", _pairs(grid, column, a, b))
                # Growth is also printed as the change over last year's figure.
                yield _Reading("ratio", _pairs(grid, column, a, b))
            elif _RATIO.search(header) or _SHARE.search(header):
                yield _Reading("ratio", _pairs(grid, column, a, b))


def _pairs(grid: Grid, rate: int, a: int, b: int) -> list[tuple[Fact, Fact, Fact]]:
    rows = [(row[rate], row[a], row[b]) for row in grid.facts]
    return [(r, x, y) for r, x, y in rows if r and x and y and x.unit != "%"]


def _of_total(grid: Grid, rate: int, a: int) -> Iterator[_Reading]:
    """Shares of the amount in a total row."""
    is_total: Callable[[int], bool] = lambda r: (  # noqa: E731
        grid.marks[r] == "total" or grid.labels[r].is_total
    )
    for t in [r for r in range(len(grid.labels)) if is_total(r)]:
        whole = grid.facts[t][a]
        if whole is not None:
            rows = [(row[rate], row[a]) for row in grid.facts]
            yield _Reading("ratio", [(r, x, whole) for r, x in rows if r and x])


def _misfits(reading: _Reading) -> Iterator[Finding]:
    for rate, new, old in reading.pairs:
        value = reading.value(new, old)
        if value is None or value.meets(rate.interval):
            continue
        exact = point(new, old) * 100 - (100 if reading.kind == "growth" else 0)
        digits = rate.figure.digits if rate.figure else 0
        found = slip(rate.number, round(exact, digits), digits)
        en, zh = (f" ({found.en})", f"（{found.zh}）") if found else ("", "")
        verb = "growth" if reading.kind == "growth" else "ratio"
        yield finding(
            "derived_column",
            "error",
            [rate, new, old],
            stated=rate.number,
            computed=round(exact, 4),
            tolerance=value.half + rate.interval.half,
            unit="%",
            en=f"{rate.label.raw}, {rate.period}: printed {show(rate.number)} %, the {verb} of "
            f"{show(new.number)} ({new.cell}) and {show(old.number)} ({old.cell}) is "
            f"{show(Decimal(exact), 2)} %{en}.",
            zh=f"“{rate.label.raw}”{rate.period}列 {show(rate.number)}%，按 {show(new.number)}"
            f"（{new.cell}）与 {show(old.number)}（{old.cell}）计算为 "
            f"{show(Decimal(exact), 2)}%{zh}。",
        )
