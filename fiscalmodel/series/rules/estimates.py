"""Arithmetic that a form prints beside its amounts: components, products, sums in words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

from fiscalmodel.series.findings import Finding
from fiscalmodel.series.rules.book import YUAN_PER, Book, Fact
from fiscalmodel.series.rules.identities import Identity, evaluate
from fiscalmodel.series.rules.registry import rule
from fiscalmodel.series.rules.report import finding, show
from fiscalmodel.series.rules.slips import slip
from fiscalmodel.series.rules.sums import PLAIN_TOTAL, details

_SUM = re.compile(r"^(\d+(?:\.\d+)?(?:\+\d+(?:\.\d+)?)+)(万|元|亿)")
_PRODUCT = re.compile(r"^(\d+(?:\.\d+)?)[^\d×xX*]{0,3}[×xX*](\d+(?:\.\d+)?)(元|万)")
#: A run of components alone in its form tells something from this length on.
RUN = 3

_Run = tuple[Fact, list[Fact]]


@rule("worked_note", en="arithmetic printed in words", zh="附注算式")
def worked_note(book: Book) -> Iterator[Finding]:
    """``6+5+3+5+1万`` or ``185本×65元`` beside an amount."""
    for fact in book.facts:
        if fact.figure is None or fact.yuan is None:
            continue
        added, product = _SUM.match(fact.note), _PRODUCT.match(fact.note)
        if added:
            value = sum((Decimal(n) for n in added[1].split("+")), Decimal(0))
            unit = added[2]
        elif product:
            value, unit = Decimal(product[1]) * Decimal(product[2]), product[3]
        else:
            continue
        amount = value * YUAN_PER[unit if unit == "元" else f"{unit}元"] / fact.yuan
        gap = fact.number - amount
        book.tied["worked_note"] += abs(gap) <= fact.figure.half
        if abs(gap) > fact.figure.half:
            worked = (added or product)[0]  # type: ignore[index]
            yield finding(
                "worked_note",
                "error",
                [fact],
                stated=fact.number,
                computed=amount,
                tolerance=fact.figure.half,
                en=f"{fact.label.raw!r} is {show(fact.number)} {fact.unit}, its own working "
                f"{worked} gives {show(amount)}: differs by {show(gap)}.",
                zh=f"“{fact.label.raw}”为 {show(fact.number)} {fact.unit}，所附算式 {worked} 为 "
                f"{show(amount)}，相差 {show(gap)}。",
            )


@rule("components", en="components of estimates", zh="测算构成")
def components(book: Book) -> Iterator[Finding]:
    """Runs of components in another unit than the form's against its detail lines."""
    for facts in book.tables.values():
        total = next((f for f in facts if f.label.core in PLAIN_TOTAL and not f.label.prefix), None)
        if total is None or total.yuan is None or any(f.label.row for f in facts):
            continue
        parts = [
            f
            for f in facts
            if f.yuan and f.unit != total.unit and f.kind == total.kind and _component(f)
        ]
        lines = details(facts, total)
        if not 2 <= len(parts) <= 24 or not lines:
            continue
        if _tile(parts, lines, exact=True) is not None:
            book.tied["components"] += 1
        else:
            missed = _tile(parts, lines, exact=False)
            if missed is not None and len(missed[1]) >= RUN:
                line, run = missed
                words = ("the components of its estimate", "测算各项之和")
                plus = [(1, f) for f in run]
                yield from evaluate(book, [Identity("components", line, plus, *words)])


def _component(fact: Fact) -> bool:
    lab = fact.label
    return lab.prefix in ("", "测算") and not (
        lab.is_total or lab.level or lab.core.endswith("测算")
    )


def _tile(parts: list[Fact], lines: list[Fact], *, exact: bool) -> _Run | None:
    """Cut the components, in order, into runs that give the lines.

    With `exact`, the last run of a cut in which every run ties. Otherwise the
    one run that does not tie, where a slip in it would make the cut complete.
    """
    units = [f.number * (f.yuan or 1) for f in parts]
    sums = [line.number * (line.yuan or 1) for line in lines]
    seen: set[tuple[int, int, bool]] = set()

    def cut(start: int, line: int, missed: _Run | None) -> _Run | None:
        if start == len(parts):
            return missed or ((lines[0], parts) if exact else None)
        if (start, line, missed is None) in seen:
            return None
        seen.add((start, line, missed is None))
        for end in range(len(parts), start, -1):
            run = sum(units[start:end], Decimal(0))
            for k in range(line, len(lines)):
                if run == sums[k]:
                    found = cut(end, k + 1, missed)
                elif not exact and missed is None and _slipped(parts[start:end], sums[k] - run):
                    found = cut(end, k + 1, (lines[k], parts[start:end]))
                else:
                    continue
                if found is not None:
                    return found
        return None

    return cut(0, 0, None)


def _slipped(run: list[Fact], gap: Decimal) -> bool:
    """Whether a slip in one component explains the gap (in 元)."""
    return any(
        f.figure is not None
        and slip(f.number, f.number + gap / (f.yuan or 1), f.figure.digits) is not None
        for f in run
    )
