"""Sums that should tie: one place that checks them and says what would make them tie."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from fiscalmodel.series.findings import Finding, Severity
from fiscalmodel.series.rules.book import COUNTS, Book, Fact
from fiscalmodel.series.rules.report import finding, show
from fiscalmodel.series.rules.slips import Slip, slip


@dataclass(slots=True, eq=False)
class Identity:
    """``total = sum of sign * part``, or ``total >= sum`` if `at_most`.

    All facts hold figures. `en` and `zh` say what the parts are.
    """

    rule: str
    total: Fact
    parts: list[tuple[int, Fact]]
    en: str = "the parts"
    zh: str = "分项之和"
    at_most: bool = False
    #: Severity if it does not tie at all.
    severity: Severity = "error"


@dataclass(slots=True, eq=False)
class Outcome:
    """An identity with its arithmetic, in the unit of the total."""

    identity: Identity
    computed: Decimal
    difference: Decimal
    tolerance: Decimal
    #: Tolerance if every figure is as fine as the finest of them.
    fine: Decimal


def arithmetic(identity: Identity) -> Outcome | None:
    """Add up; None if the units do not compare."""
    total = identity.total
    assert total.figure is not None
    computed = tolerance = Decimal(0)
    exact = total.unit in COUNTS
    halves = [total.figure.half]
    for sign, part in identity.parts:
        factor = part.factor_to(total)
        if factor is None or part.figure is None:
            return None
        computed += sign * part.figure.value * factor
        halves.append(part.figure.half * factor)
    tolerance = Decimal(0) if exact else sum(halves, Decimal(0))
    fine = Decimal(0) if exact else min(halves) * len(halves)
    return Outcome(identity, computed, total.number - computed, tolerance, fine)


def unique(identities: Iterable[Identity]) -> Iterator[Identity]:
    """Drop identities over the same cells."""
    seen: set[frozenset[int]] = set()
    for identity in identities:
        key = frozenset([id(identity.total), *(id(part) for _, part in identity.parts)])
        if key not in seen:
            seen.add(key)
            yield identity


def evaluate(book: Book, identities: Iterable[Identity]) -> Iterator[Finding]:
    """Findings for the sums that do not tie.

    A difference within the rounding of the printed figures is silent, unless
    the rest of the publication ties to the last digit, or all figures are
    whole 万元 or 元, as final accounts are kept: then it is a note (or a
    warning, where only the figures printed with fewer digits could hold it).
    What ties is counted in the book, as evidence for the rules that follow.
    """
    outcomes = [o for i in unique(identities) if (o := arithmetic(i)) is not None]
    broken = [o for o in outcomes if _broken(o)]
    for o in outcomes:
        if not _broken(o):
            book.tied[o.identity.rule] += 1
        if o.identity.at_most:
            continue
        if not o.difference:
            book.exact[o.identity.total.document] += 1
            book.sums.append((o.identity.total, len(o.identity.parts)))
        elif not _broken(o):
            book.rounded[o.identity.total.document] += 1
    for o in outcomes:
        if _broken(o):
            yield _report(o, o.identity.severity, broken)
        elif o.difference and not o.identity.at_most and _telling(book, o):
            yield _report(o, "warning" if abs(o.difference) > o.fine else "note", broken)


def _telling(book: Book, o: Outcome) -> bool:
    """Whether a difference within rounding says something all the same."""
    document = o.identity.total.document
    exact, rounded = book.exact[document], book.rounded[document]
    if exact >= 2 and 2 * rounded <= exact:
        return True
    facts = [o.identity.total, *(part for _, part in o.identity.parts)]
    whole = all(f.figure is not None and f.figure.digits == 0 for f in facts)
    kept_whole = all(f.unit in ("万元", "元", "") for f in facts)
    return whole and kept_whole and 2 * rounded <= exact + 4


def _broken(o: Outcome) -> bool:
    if o.identity.at_most and o.difference > 0:
        return False
    return abs(o.difference) > o.tolerance


def _report(o: Outcome, severity: Severity, broken: list[Outcome]) -> Finding:
    identity, total = o.identity, o.identity.total
    unit = f" {total.unit}" if total.unit else ""
    ties = list(_ties(o, broken))
    rounding = abs(o.difference) <= o.tolerance
    sign = "≤" if identity.at_most else "="
    en = (
        f"{total.label.raw} is printed as {show(total.number)}{unit}, {identity.en} give "
        f"{show(o.computed)}: differs by {show(o.difference)}."
    )
    zh = (
        f"“{total.label.raw}”列 {show(total.number)}{unit}，{identity.zh}为 "
        f"{show(o.computed)}，相差 {show(o.difference)}。"
    )
    if identity.at_most:
        en += " Parts of which (其中) cannot exceed the whole."
        zh += "其中项之和不能大于总数。"
    if rounding:
        en += " It could be rounding, but the other sums of the publication tie to the last digit."
        zh += "差额在四舍五入范围内，但同一公开材料的其他合计均分毫不差。"
    if ties:
        en += " It would tie with " + "; or ".join(t[0] for t in ties[:3]) + "."
        zh += "若" + "；或".join(t[1] for t in ties[:3]) + "，则可轧平。"
    else:
        en += f" No single slip explains it: check that {identity.en} are all of it ({sign})."
        zh += "单个笔误不能解释该差额，请核对分项是否完整、口径是否一致。"
    return finding(
        identity.rule,
        severity,
        [total, *(part for _, part in identity.parts)],
        en=en,
        zh=zh,
        stated=total.number,
        computed=o.computed,
        tolerance=o.tolerance,
    )


def _ties(o: Outcome, broken: list[Outcome]) -> Iterator[tuple[str, str]]:
    """What would make it tie, the most telling first, in both languages."""
    total = o.identity.total
    for other in broken:
        twin = other.identity.total
        swapped = total.number == other.computed and twin.number == o.computed
        if other is not o and swapped and twin.unit == total.unit:
            yield (
                f"the totals {total.label.raw!r} and {twin.label.raw!r} swapped back "
                f"({total.cell} and {twin.cell})",
                f"“{total.label.raw}”与“{twin.label.raw}”两个合计数互换",
            )
    for sign, part in o.identity.parts:
        amount = sign * part.number * (part.factor_to(total) or 1)
        if amount and o.difference == amount:
            yield (
                f"{part.label.raw!r} ({show(part.number)}, {part.cell}) counted twice in the "
                "total, or one more row of the same amount",
                f"“{part.label.raw}”（{show(part.number)}）在合计中计了两次或漏列一行同额项目",
            )
        elif amount and o.difference == -amount:
            yield (
                f"{part.label.raw!r} ({show(part.number)}, {part.cell}) left out of the total, "
                "already inside another part, or printed twice",
                f"合计未含“{part.label.raw}”（{show(part.number)}），或该项已含于其他分项、重复列示",
            )
    slips: list[tuple[int, str, str]] = []
    shared = _shared_cells(o, broken)
    for sign, fact in [(0, total), *o.identity.parts]:
        needed = _needed(o, sign, fact)
        found = slip(fact.number, needed, fact.figure.digits) if fact.figure else None
        if found:
            slips.append((found.order - 3 * (id(fact) in shared), *_words(found, fact, needed)))
    for _, en, zh in sorted(slips, key=lambda s: s[0]):
        yield en, zh


def _needed(o: Outcome, sign: int, fact: Fact) -> Decimal:
    """The value of one operand that would make it tie."""
    if sign == 0:
        return o.computed
    factor = o.identity.total.factor_to(fact) or Decimal(1)
    return fact.number + sign * o.difference * factor


def has_slip(o: Outcome) -> bool:
    """Whether one digit, sign or power of ten in one of the figures would make it tie."""
    operands = [(0, o.identity.total), *o.identity.parts]
    return bool(o.difference) and any(
        fact.figure is not None
        and slip(fact.number, _needed(o, sign, fact), fact.figure.digits) is not None
        for sign, fact in operands
    )


def _shared_cells(o: Outcome, broken: list[Outcome]) -> set[int]:
    """Cells that another broken sum uses too: the likely culprits."""
    mine = {id(o.identity.total), *(id(p) for _, p in o.identity.parts)}
    shared: set[int] = set()
    for other in broken[:50]:
        if other is not o:
            cells = [other.identity.total, *(p for _, p in other.identity.parts)]
            shared |= mine & {id(c) for c in cells}
    return shared


def _words(found: Slip, fact: Fact, needed: Decimal) -> tuple[str, str]:
    return (
        f"{show(needed)} instead of {show(fact.number)} in {fact.label.raw!r} "
        f"({fact.cell}: {found.en})",
        f"“{fact.label.raw}”（{fact.cell}）应为 {show(needed)} 而非 {show(fact.number)}"
        f"（{found.zh}）",
    )
