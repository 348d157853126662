"""Shares of a whole, floors on shares, shares that add up to the whole."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

from fiscalmodel.series.findings import Finding
from fiscalmodel.series.intervals_printed import Interval
from fiscalmodel.series.rules.book import Book, Fact
from fiscalmodel.series.rules.identities import Identity, evaluate
from fiscalmodel.series.rules.levels import base_name, levels_of, ratio_of
from fiscalmodel.series.rules.registry import rule
from fiscalmodel.series.rules.report import finding, show
from fiscalmodel.series.rules.slips import slip

_OF = re.compile(r"^(?P<part>.+?)占(?P<whole>.+?)(?:的)?(?:比重|比例|比|份额)$")
_SHARE = re.compile(r"^(?P<part>.+?)(?:所)?(?:占比|比重|比例)$")
_WHOLE = re.compile(r"(?:合计|总计|总预算|总收入|总支出)$")


def _share_of(fact: Fact) -> tuple[str, str] | None:
    """Names of part and whole (empty if not named), None if it is no share."""
    if fact.unit != "%" or fact.label.prefix or not (fact.figure or fact.text):
        return None
    found = _OF.match(fact.label.core)
    if found:
        return found["part"], found["whole"]
    found = _SHARE.match(fact.label.core)
    return (found["part"], "") if found else None


def _percent(part: Fact, whole: Fact) -> Interval | None:
    ratio = ratio_of(part, whole)
    return None if ratio is None else ratio.scaled(100)


def _exact(part: Fact, whole: Fact) -> Decimal:
    return part.number * (part.factor_to(whole) or 1) / whole.number * 100


@rule("share", en="shares of a whole", zh="占比")
def share(book: Book) -> Iterator[Finding]:
    """Each share against its part and the total of the part's own table."""
    tables: dict[tuple[str, ...], list[tuple[Fact, Fact]]] = {}
    named: dict[tuple[str, str, str, str], list[Fact]] = {}
    for fact in book.facts:
        if fact.figure and fact.yuan and not fact.label.prefix:
            named.setdefault((fact.document, fact.entity, fact.year, fact.label.core), []).append(
                fact
            )
    for fact in book.facts:
        names = _share_of(fact)
        if names is None or fact.figure is None or names[1] or fact.kind in ("floor", "ceiling"):
            continue
        hits = named.get((fact.document, fact.entity, fact.year, names[0]), [])
        own = [h for h in hits if h.section == fact.section and h.period == fact.period]
        part = next(iter(own or hits), None)
        if part:
            key = (fact.document, fact.section, fact.entity, fact.year, fact.period)
            tables.setdefault(key, []).append((fact, part))
    for pairs in tables.values():
        yield from _table(book, pairs)


def _table(book: Book, pairs: list[tuple[Fact, Fact]]) -> Iterator[Finding]:
    """Shares of one table: the whole is the total that most of them are of."""
    first = pairs[0][1]
    key = (first.document, first.section, first.entity, first.year, first.period)
    wholes = [
        f for f in book.tables.get(key, []) if f.yuan and _WHOLE.search(f.label.core) and f.number
    ]
    if not wholes:
        return

    def ties(whole: Fact) -> int:
        shares = [(_percent(part, whole), fact) for fact, part in pairs]
        return sum(bool(s and s.meets(f.interval)) for s, f in shares)

    whole = max(wholes, key=ties)
    for fact, part in pairs:
        share = _percent(part, whole)
        if share is None:
            continue
        if share.meets(fact.interval):
            book.tied["share"] += 1
        else:
            yield _wrong(fact, part, whole, share)
    hundred = next((f for f, p in pairs if p is whole), None)
    rest = [f for f, p in pairs if p is not whole and not p.label.of_which]
    parts = [p for f, p in pairs if p is not whole and not p.label.of_which]
    complete = sum((p.number for p in parts), Decimal(0)) == whole.number
    if hundred is not None and complete and len(rest) > 1:
        yield from evaluate(
            book, [Identity("share", hundred, [(1, f) for f in rest], "the shares")]
        )


def _wrong(fact: Fact, part: Fact, whole: Fact, share: Interval) -> Finding:
    value = _exact(part, whole)
    digits = fact.figure.digits if fact.figure else 0
    found = slip(fact.number, round(value, digits), digits)
    en = f" ({found.en})" if found else ""
    zh = f"（{found.zh}）" if found else ""
    return finding(
        "share",
        "error",
        [fact, part, whole],
        stated=fact.number,
        computed=round(value, 4),
        tolerance=share.half + fact.interval.half,
        en=f"{fact.label.raw} is printed as {show(fact.number)} %; {show(part.number)} of "
        f"{show(whole.number)} is {show(value, 2)} %{en}.",
        zh=f"“{fact.label.raw}”列 {show(fact.number)}%；{show(part.number)} 占 "
        f"{show(whole.number)} 为 {show(value, 2)}%{zh}。",
    )


@rule("floor", en="shares against their floor", zh="占比下限")
def floor(book: Book) -> Iterator[Finding]:
    """A floor or ceiling on a share, or a share of a named whole, against the amounts."""
    levels = levels_of(book)
    for fact in book.facts:
        names = _share_of(fact)
        if names is None or not names[1] or fact.figure is None or not fact.years:
            continue
        parts = levels.of(fact, names[0])
        wholes = levels.by_name.get((fact.document, fact.entity, base_name(names[1])), {})
        first, last = fact.years[0], fact.years[-1]
        for (year, month), part in parts.items():
            whole = wholes.get((year, month))
            value = _percent(part, whole) if whole and first <= year <= last else None
            if whole is None or value is None:
                continue
            low = fact.kind == "floor" and value.hi < fact.interval.lo
            high = fact.kind == "ceiling" and value.lo > fact.interval.hi
            off = fact.kind not in ("floor", "ceiling") and not value.meets(fact.interval)
            book.tied["floor"] += not (low or high or off)
            if low or high or off:
                yield _missed(fact, part, whole, value)


def _missed(fact: Fact, part: Fact, whole: Fact, share: Interval) -> Finding:
    value = _exact(part, whole)
    bound = {"floor": "at least ", "ceiling": "at most "}.get(fact.kind, "")
    bound_zh = {"floor": "不低于", "ceiling": "不高于"}.get(fact.kind, "")
    return finding(
        "floor" if bound else "share",
        "error",
        [fact, part, whole],
        stated=fact.number,
        computed=round(value, 4),
        tolerance=share.half + fact.interval.half,
        en=f"{fact.label.raw}: {bound}{show(fact.number)} % is printed; {show(part.number)} "
        f"{part.unit} of {show(whole.number)} {whole.unit} in {part.year} is {show(value, 2)} %.",
        zh=f"“{fact.label.raw}”列{bound_zh} {show(fact.number)}%；{part.year} 年 "
        f"{show(part.number)} {part.unit}占 {show(whole.number)} {whole.unit} 为 "
        f"{show(value, 2)}%。",
    )
