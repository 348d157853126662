"""Rows that stand twice in one table."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from fiscalmodel.series.findings import Finding
from fiscalmodel.series.rules.book import Book, Fact
from fiscalmodel.series.rules.registry import rule
from fiscalmodel.series.rules.report import finding, show


@rule("duplicate", en="duplicates", zh="重复")
def duplicate(book: Book) -> Iterator[Finding]:
    """One label twice in a table, year and period: doubled, or with two values."""
    groups = book.group(
        lambda f: (
            (
                f.document,
                f.section,
                f.entity,
                f.scope,
                f.label.raw,
                f.label.code,
                f.year,
                f.period,
                f.kind,
                f.calibre,
                f.unit,
                f.series or f.of_series,
                f.project,
                f.measure,
            )
            if f.text and f.label.raw and not f.in_grid
            else None
        )
    )
    for facts in groups.values():
        if len(facts) > 1 and not facts[0].label.is_total:
            yield _twice(facts)


def _twice(facts: list[Fact]) -> Finding:
    first, other = facts[0], next((f for f in facts if f.text != facts[0].text), facts[1])
    same = first.text == other.text
    numbers = [f.figure.value if f.figure else None for f in (first, other)]
    value = f"{show(numbers[0]) if numbers[0] is not None else first.text} {first.unit}".strip()
    second = show(numbers[1]) if numbers[1] is not None else other.text
    return finding(
        "duplicate",
        "warning" if same else "error",
        facts,
        stated=numbers[0],
        computed=numbers[1],
        tolerance=Decimal(0),
        en=(
            f"{first.label.raw!r} {first.year} stands {len(facts)} times with {value}: a doubled "
            "row is added twice."
            if same
            else f"{first.label.raw!r} {first.year} stands {len(facts)} times, with {value} and "
            f"with {second}."
        ),
        zh=(
            f"“{first.label.raw}”（{first.year}）重复列示 {len(facts)} 次，均为 {value}，"
            "汇总时会重复计算。"
            if same
            else f"“{first.label.raw}”（{first.year}）列示 {len(facts)} 次，分别为 {value} 和 "
            f"{second}。"
        ),
    )
