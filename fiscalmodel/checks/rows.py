"""Single cells and rows: no number where one belongs, rows twice, figures of another scope."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator

from fiscalmodel.checks.claims import Check, Claim, found, sentence
from fiscalmodel.checks.facts import BOUNDS, COUNTS, Book, Fact, Grid, Ratio
from fiscalmodel.findings import Finding, Severity
from fiscalmodel.words import EMPTY, Text

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
        if _REDACTED.match(fact.text):
            redacted.setdefault(fact.document, []).append(fact)
        elif not fact.text:
            place = " ".join(part for part in (fact.entity, fact.section, fact.year) if part)
            yield found("no_number", "warning", [fact], "blank", fact=fact, place=place)
        elif not _NONE.match(fact.text) and not _is_target(fact):
            severity: Severity = "error" if any(c.isdigit() for c in fact.text) else "warning"
            yield found("no_number", severity, [fact], "text", fact=fact)
    for facts in redacted.values():
        labels = [f.label.raw for f in facts]
        yield found(
            "no_number", "note", facts, "redacted", count=len(facts), fact=facts[0], labels=labels
        )


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
        flags = "; ".join(dict.fromkeys(f.note or f.flag for f in facts))
        years = "、".join(sorted({f.year for f in facts}))
        yield found(
            "scope_flag", "warning", facts, "scope_flag",
            entity=first.entity, years=years, flags=flags, jump=jump,
        )  # fmt: skip


def _jump(series: dict[int, Fact], flagged: set[int]) -> Text:
    """The largest yearly change into or out of the flagged years."""
    changes = []
    for year, fact in series.items():
        growth = Ratio.growth(fact, series.get(year - 1))
        if growth and (year in flagged) != (year - 1 in flagged):
            span = growth.interval.scaled(100, -100)
            changes.append(((span.lo + span.hi) / 2, year, fact))
    if not changes:
        return EMPTY
    pct, year, fact = max(changes, key=lambda c: abs(float(c[0])))
    return sentence("scope_flag.jump", label=fact.label.raw, year=year, pct=pct)


def _same_row(f: Fact) -> Hashable | None:
    if not f.text or not f.label.raw or f.in_grid:
        return None
    context = (*f.table, f.scope, f.kind, f.calibre, f.under)
    name = (f.label.raw, f.label.code, f.unit, f.series or f.of_series, f.project, f.measure)
    return (*context, *name)


def _twice(facts: list[Fact]) -> Iterator[Finding]:
    """One label twice in a table, year and period: doubled, or with two values."""
    if len(facts) < 2 or facts[0].label.is_total:
        return
    first, other = facts[0], next((f for f in facts if f.text != facts[0].text), facts[1])
    same = first.text == other.text
    yield found(
        "duplicate", "warning" if same else "error", facts,
        "duplicate.same" if same else "duplicate.apart",
        stated=first.number if first.figure else None,
        computed=other.number if other.figure else None,
        count=len(facts), first=first, other=other,
    )  # fmt: skip


def _same_amount(f: Fact) -> Hashable | None:
    """Names of the same characters in another order, with one amount."""
    if f.figure is None or not f.yuan or not f.number or f.in_grid:
        return None
    return (f.document, f.entity, f.year, f.unit, f.number, "".join(sorted(f.label.core)))


def _two_names(facts: list[Fact]) -> Iterator[Finding]:
    names = list(dict.fromkeys(f.label.core for f in facts))
    if len(names) > 1:
        joined = Text("”与“".join(names), "' and '".join(names))
        amount = facts[0].number
        yield found(
            "same_under_two_names", "note", facts, "same_under_two_names",
            stated=amount, computed=amount, names=joined, fact=facts[0],
        )  # fmt: skip


def _doubled(grid: Grid) -> Iterator[Claim]:
    """Two rows of a printed table with the same label and the same figures."""
    seen: dict[tuple[str, ...], int] = {}
    for r, row in enumerate(grid.facts):
        figures = [f for f in row if f is not None]
        name = grid.labels[r].raw.strip()
        if not name or grid.periods or not any(f.number for f in figures):
            continue
        # A heading with a single item below it prints the same line twice, one set in.
        depth = (grid.labels[r].code, grid.labels[r].level, grid.indents[r])
        when = (figures[0].year, figures[0].version)
        key = (name, *map(str, depth), *when, *(f.text if f else "" for f in row))
        if key in seen and _labels_are_names(grid) and _one_heading(grid, seen[key], r):
            twins = [f for f in grid.facts[seen[key]] if f is not None]
            facts = [*twins[:1], *figures[:1], *twins[1:], *figures[1:]]
            yield found(
                "doubled_row", "warning", facts, "doubled_row",
                label=name, first=twins[0].cell, second=figures[0].cell,
            )  # fmt: skip
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


def _unreadable(grid: Grid) -> Iterator[Claim]:
    """Text where a table has numbers, as the reader refused it."""
    for problem in grid.problems:
        said = sentence("unreadable", said=problem.said, advice=problem.advice)
        yield Finding("unreadable", "error", problem.where, said=said)


CHECKS = (
    Check(("no_number",), _no_number),
    Check(("scope_flag",), _scope_flag),
    Check(("duplicate",), _twice, _same_row),
    Check(("same_under_two_names",), _two_names, _same_amount),
    Check(("doubled_row",), _doubled, "grid"),
    Check(("unreadable",), _unreadable, "grid"),
)
