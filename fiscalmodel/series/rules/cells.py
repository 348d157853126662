"""Cells that hold no number where one belongs, and figures of another scope."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fiscalmodel.series.findings import Finding
from fiscalmodel.series.rules.book import COUNTS, Book, Fact
from fiscalmodel.series.rules.levels import growth_pct
from fiscalmodel.series.rules.registry import rule
from fiscalmodel.series.rules.report import finding, show

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
    aims = fact.kind in ("target", "floor", "ceiling") or "绩效" in fact.section + fact.scope
    return bool(_BOUND.match(fact.text)) or (aims and any(c.isdigit() for c in fact.text))


@rule("no_number", en="text or blank where a number belongs", zh="应填数字处为空或文字")
def no_number(book: Book) -> Iterator[Finding]:
    """Blank cells, redacted figures, words in a column of numbers."""
    redacted: dict[str, list[Fact]] = {}
    for fact in book.facts:
        if fact.figure is not None or fact.in_grid or not _numeric(fact):
            continue
        if _REDACTED.match(fact.text):
            redacted.setdefault(fact.document, []).append(fact)
        elif not fact.text:
            yield _blank(fact)
        elif not _NONE.match(fact.text) and not _is_target(fact):
            yield _text(fact)
    for facts in redacted.values():
        yield finding(
            "no_number",
            "note",
            facts,
            en=f"{len(facts)} figures are redacted ({facts[0].text}) in the source: "
            f"{', '.join(f.label.raw for f in facts)}. They are missing, not 0.",
            zh=f"原文遮蔽（{facts[0].text}）{len(facts)} 个数："
            f"{'、'.join(f.label.raw for f in facts)}。按缺失处理，不得当作 0。",
        )


def _blank(fact: Fact) -> Finding:
    place = " ".join(part for part in (fact.section, fact.year) if part)
    return finding(
        "no_number",
        "warning",
        [fact],
        en=f"{place}: {fact.label.raw!r} is blank where an amount in {fact.unit} belongs. It is "
        "missing, not 0; sums over it are incomplete.",
        zh=f"{place}：“{fact.label.raw}”应填 {fact.unit} 数而为空。按缺失处理，不得当作 0，"
        "含该项的合计不完整。",
    )


def _text(fact: Fact) -> Finding:
    return finding(
        "no_number",
        "error" if any(c.isdigit() for c in fact.text) else "warning",
        [fact],
        en=f"{fact.label.raw!r}: {fact.text!r} stands where a number in {fact.unit} belongs.",
        zh=f"“{fact.label.raw}”应填 {fact.unit} 数，而为文字“{fact.text}”。",
    )


@rule("scope_flag", en="figures of another scope", zh="口径不同的数")
def scope_flag(book: Book) -> Iterator[Finding]:
    """Figures that their publisher or collector marks as of another scope, with the jump."""
    groups = book.group(lambda f: (f.document, f.entity) if f.flag and f.figure else None)
    for facts in groups.values():
        first = facts[0]
        series = {
            f.years[0]: f
            for f in book.facts
            if f.figure
            and f.years
            and (f.document, f.entity, f.label.core)
            == (first.document, first.entity, first.label.core)
        }
        jump = _jump(series, {f.years[0] for f in facts if f.label.core == first.label.core})
        years = "、".join(sorted({f.year for f in facts}))
        en = zh = ""
        if jump:
            year, pct = jump
            en = f" {first.label.raw} moves by {pct} % in {year}."
            zh = f"{year} 年{first.label.raw}变动 {pct}%。"
        flags = "; ".join(dict.fromkeys(f.note or f.flag for f in facts))
        yield finding(
            "scope_flag",
            "warning",
            facts,
            en=f"{first.entity} {years}: {flags}.{en} A break of the calibre, not growth: do not "
            "compare these years with the others.",
            zh=f"{first.entity} {years}：{flags}。{zh}属口径变化，与其他年份不可比。",
        )


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
