"""Single cells and rows: no number where one belongs, rows twice, figures of another scope."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator
from decimal import Decimal

from fiscalmodel.checks.claims import Claim, Groups, Looks, found, show
from fiscalmodel.checks.facts import BOUNDS, COUNTS, Book, Fact, Grid, growth_pct
from fiscalmodel.findings import Finding
from fiscalmodel.words import EMPTY, Text, say

_BOUND = re.compile(r"^\s*[≥≤≦≧<>=＝]+\s*\d")
_REDACTED = re.compile(r"^[xX×＊*]+$")
_NONE = re.compile(r"^[-—–－/…无]+$")


def _numeric(fact: Fact) -> bool:
    return bool(fact.yuan) or fact.unit == "%" or fact.unit in COUNTS


def is_missing(fact: Fact) -> bool:
    """Blank or redacted where a number belongs."""
    blank = not fact.text or bool(_REDACTED.match(fact.text))
    return fact.figure is None and _numeric(fact) and blank


def _is_target(fact: Fact) -> bool:
    """Targets may be printed as ≥ 95 or 10 to 12."""
    aims = fact.kind in ("target", *BOUNDS) or "绩效" in fact.section + fact.scope
    return bool(_BOUND.match(fact.text)) or (aims and any(c.isdigit() for c in fact.text))


def _no_number(book: Book) -> Iterator[Claim]:
    """Blank cells, redacted figures, words in a column of numbers."""
    redacted: dict[str, list[Fact]] = {}
    for fact in book.listed:
        if fact.figure is not None or not _numeric(fact):
            continue
        words = {"label": fact.label.raw, "unit": fact.unit}
        if _REDACTED.match(fact.text):
            redacted.setdefault(fact.document, []).append(fact)
        elif not fact.text:
            place = " ".join(part for part in (fact.entity, fact.section, fact.year) if part)
            yield found("no_number", "warning", [fact], say("checks.blank", place=place, **words))
        elif not _NONE.match(fact.text) and not _is_target(fact):
            severity = "error" if any(c.isdigit() for c in fact.text) else "warning"
            said = say("checks.text", text=fact.text, **words)
            yield found("no_number", severity, [fact], said)  # type: ignore[arg-type]
    for facts in redacted.values():
        said = say(
            "checks.redacted",
            count=len(facts),
            text=facts[0].text,
            labels=[f.label.raw for f in facts],
        )
        yield found("no_number", "note", facts, said)


def _scope_flag(book: Book) -> Iterator[Claim]:
    """Figures that their publisher or collector marks as of another scope, with the jump."""
    flagged = book.group(lambda f: (f.document, f.entity) if f.flag and f.figure else None)
    for facts in flagged.values():
        first = facts[0]
        own = (first.document, first.entity, first.label.core)
        series = {
            f.years[0]: f
            for f in book.facts
            if f.figure and f.years and (f.document, f.entity, f.label.core) == own
        }
        jump = _jump(series, {f.years[0] for f in facts if f.label.core == first.label.core})
        said = say(
            "checks.scope_flag",
            entity=first.entity,
            years="、".join(sorted({f.year for f in facts})),
            flags="; ".join(dict.fromkeys(f.note or f.flag for f in facts)),
            jump=(
                say("checks.scope_flag.jump", label=first.label.raw, year=jump[0], pct=jump[1])
                if jump
                else EMPTY
            ),
        )
        yield found("scope_flag", "warning", facts, said)


def _jump(series: dict[int, Fact], flagged: set[int]) -> tuple[int, str] | None:
    """The largest yearly change into or out of the flagged years."""
    best: tuple[float, int, str] | None = None
    for year, fact in series.items():
        last = series.get(year - 1)
        if last is None or (year in flagged) == (year - 1 in flagged):
            continue
        growth = growth_pct(fact, last)
        if growth is not None:
            middle = (growth.lo + growth.hi) / 2
            if best is None or abs(float(middle)) > best[0]:
                best = (abs(float(middle)), year, show(middle, 1))
    return (best[1], best[2]) if best else None


def _same_row(f: Fact) -> Hashable | None:
    if not f.text or not f.label.raw or f.in_grid:
        return None
    context = (f.document, f.section, f.entity, f.scope, f.year, f.period, f.kind, f.calibre)
    name = (f.label.raw, f.label.code, f.unit, f.series or f.of_series, f.project, f.measure)
    return (*context, *name)


def _twice(facts: list[Fact]) -> Iterator[Finding]:
    """One label twice in a table, year and period: doubled, or with two values."""
    if len(facts) < 2 or facts[0].label.is_total:
        return
    first, other = facts[0], next((f for f in facts if f.text != facts[0].text), facts[1])
    same = first.text == other.text
    shown = [show(f.number) if f.figure else f.text for f in (first, other)]
    said = say(
        "checks.duplicate.same" if same else "checks.duplicate.apart",
        label=first.label.raw,
        year=first.year,
        count=len(facts),
        value=f"{shown[0]} {first.unit}".strip(),
        other=shown[1],
    )
    yield found(
        "duplicate",
        "warning" if same else "error",
        facts,
        said,
        stated=first.number if first.figure else None,
        computed=other.number if other.figure else None,
        tolerance=Decimal(0),
    )


def _same_amount(f: Fact) -> Hashable | None:
    """Names of the same characters in another order, with one amount."""
    if f.figure is None or not f.yuan or not f.number or f.in_grid:
        return None
    return (f.document, f.entity, f.year, f.unit, f.number, "".join(sorted(f.label.core)))


def _two_names(facts: list[Fact]) -> Iterator[Finding]:
    names = list(dict.fromkeys(f.label.core for f in facts))
    if len(names) > 1:
        amount = facts[0].number
        said = say(
            "checks.same_under_two_names",
            names=Text("”与“".join(names), "' and '".join(names)),
            amount=show(amount),
            unit=facts[0].unit,
        )
        yield found(
            "same_under_two_names", "note", facts, said,
            stated=amount, computed=amount, tolerance=Decimal(0),
        )  # fmt: skip


def _doubled(book: Book) -> Iterator[Claim]:
    """Two rows of a printed table with the same label and the same figures."""
    for grid in book.grids:
        seen: dict[tuple[str, ...], int] = {}
        for r, row in enumerate(grid.facts):
            figures = [f for f in row if f is not None]
            name = grid.labels[r].raw.strip()
            if not name or grid.periods or not any(f.number for f in figures):
                continue
            # A heading with a single item below it prints the same line twice, one set in.
            depth = (grid.labels[r].code, grid.labels[r].level, grid.indents[r])
            key = (name, *map(str, depth), *(f.text if f else "" for f in row))
            if key in seen and _labels_are_names(grid) and _one_heading(grid, seen[key], r):
                twins = [f for f in grid.facts[seen[key]] if f is not None]
                cells = {"first": twins[0].cell, "second": figures[0].cell}
                facts = [*twins[:1], *figures[:1], *twins[1:], *figures[1:]]
                said = say("checks.doubled_row", label=name, **cells)
                yield found("doubled_row", "warning", facts, said)
            seen.setdefault(key, r)


def _one_heading(grid: Grid, first: int, second: int) -> bool:
    """No row between the two stands above them in the outline."""
    levels = [grid.labels[r].level or 9 for r in range(first, second + 1)]
    codes = [len(grid.labels[r].code) or 99 for r in range(first, second + 1)]
    indents = grid.indents[first : second + 1]
    return all(min(depths) >= depths[0] for depths in (levels, codes, indents))


def _labels_are_names(grid: Grid) -> bool:
    """Most labels stand once: a table of items, not a list of records."""
    names = [label.raw.strip() for label in grid.labels if label.raw.strip()]
    return len(set(names)) * 4 >= len(names) * 3


def _unreadable(book: Book) -> Iterator[Claim]:
    """Text where a table has numbers, as the reader refused it."""
    for grid in book.grids:
        for problem in grid.problems:
            said = say("checks.unreadable", said=problem.said, advice=problem.advice)
            yield Finding("unreadable", "error", problem.where, said=said)


CHECKS = (
    Looks(("no_number",), _no_number),
    Looks(("scope_flag",), _scope_flag),
    Groups(("duplicate",), _same_row, _twice),
    Groups(("same_under_two_names",), _same_amount, _two_names),
    Looks(("doubled_row",), _doubled),
    Looks(("unreadable",), _unreadable),
)
