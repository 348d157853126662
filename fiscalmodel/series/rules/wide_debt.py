"""Debt against its limit in tables where rows and headers name kind, limit and balance."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

from fiscalmodel.series.findings import Finding
from fiscalmodel.series.rules.book import Book, Fact, Grid
from fiscalmodel.series.rules.debt import over_limit
from fiscalmodel.series.rules.registry import rule

_WHAT = re.compile("限额|余额")
_KIND = re.compile(r"(?:政府)?(一般|专项)债[务券]?(?:\(券\)|（券）)?")
_TOTAL = re.compile(r"(?:政府|地方|法定)*债务")
_SUM = re.compile(r"^(?:合计|总计|小计|总额|全部)$")
_UNIT = re.compile("(?:万|亿|千|百万)?元")
#: What may stand beside a limit in one figure and not in the other, and means nothing.
_BESIDE = re.compile(
    r"[（(](?:单位[:：])?(?:万|亿|千|百万)?元[)）]|年[末底度]?|[末底]|[\s:：、，,_/的]|^[一二三四五六七八九十\d]+[、.．]"
)


@rule(
    "debt_limit_wide",
    en="balance against limit in wide tables",
    zh="宽表余额与限额",
    finds={"debt_limit": ("balance against limit", "余额与限额")},
)
def debt_limit_wide(book: Book) -> Iterator[Finding]:
    """The balance within the limit, kind of debt and limit being told by rows or headers."""
    for grid in book.grids:
        for pair in _pairs(grid):
            limit, balance = pair["限额"], pair["余额"]
            # A table need not say its unit: two figures of one table are in the same one.
            factor = balance.factor_to(limit) if balance.unit != limit.unit else Decimal(1)
            if factor is None:
                continue
            over = balance.number * factor - limit.number
            tolerance = limit.interval.half + balance.interval.half * factor
            if over > tolerance:
                yield over_limit(limit, balance, over, tolerance)


def _pairs(grid: Grid) -> Iterator[dict[str, Fact]]:
    """Limit and balance that are named alike but for these words, each standing once."""
    found: dict[tuple[str, ...], dict[str, list[Fact]]] = {}
    debt = "债" in grid.name or any("债" in each.raw for each in (*grid.labels, *grid.headers))
    if not debt or grid.periods:
        return
    for name, row in zip(grid.labels, grid.facts, strict=True):
        for header, fact in zip(grid.headers, row, strict=True):
            if fact is None or fact.figure is None or not (fact.yuan or not fact.unit):
                continue
            key = _key(name.raw, header.raw)
            what = set(_WHAT.findall(name.raw + header.raw))
            if key is not None and len(what) == 1:
                found.setdefault(key, {}).setdefault(what.pop(), []).append(fact)
    for sides in found.values():
        if set(sides) == {"限额", "余额"} and all(len(facts) == 1 for facts in sides.values()):
            yield {what: facts[0] for what, facts in sides.items()}


def _key(row: str, header: str) -> tuple[str, ...] | None:
    """Kind of debt, unit, and what is left of row and header; None where two kinds are named."""
    kinds = set(_KIND.findall(row + "|" + header))
    if len(kinds) > 1:
        return None
    rest = []
    for text in (row, header):
        bare = _BESIDE.sub("", _WHAT.sub("", _TOTAL.sub("", _KIND.sub("", text.strip()))))
        rest.append("" if _SUM.match(bare) else bare)
    return (kinds.pop() if kinds else "", *_UNIT.findall(row + header), *rest)
