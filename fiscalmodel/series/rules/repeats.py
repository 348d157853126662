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


@rule("same_under_two_names", en="one amount under two names", zh="同一金额两个名称")
def same_under_two_names(book: Book) -> Iterator[Finding]:
    """Names of the same characters in another order, with one amount: one item, printed twice."""
    groups = book.group(
        lambda f: (
            (f.document, f.entity, f.year, f.unit, f.number, "".join(sorted(f.label.core)))
            if f.figure and f.yuan and f.number and not f.in_grid
            else None
        )
    )
    for facts in groups.values():
        names = list(dict.fromkeys(f.label.core for f in facts))
        if len(names) > 1:
            first = facts[0]
            yield finding(
                "same_under_two_names",
                "note",
                facts,
                stated=first.number,
                computed=first.number,
                tolerance=Decimal(0),
                en=f"{' and '.join(map(repr, names))} are one item of {show(first.number)} "
                f"{first.unit} under two names: count it once.",
                zh=f"“{'”与“'.join(names)}”为同一项目的两种写法，均为 {show(first.number)} "
                f"{first.unit}，汇总时只计一次。",
            )
