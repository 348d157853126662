"""Rates against the amounts that they are about: growth, multiples, shares, columns."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

from fiscalmodel.checks.claims import Check, Claim, Follows, Sums, Tied, found, sentence
from fiscalmodel.checks.facts import (
    BOUNDS,
    PLANNED,
    YEAR,
    Book,
    Fact,
    Grid,
    Ratio,
    base_name,
    by,
    show,
)
from fiscalmodel.checks.grids import GROWTH, At, likeliest
from fiscalmodel.checks.printed import exactly
from fiscalmodel.checks.slips import slip
from fiscalmodel.findings import Finding
from fiscalmodel.words import EMPTY, Text

_RATE = re.compile(
    r"^(?P<base>.+?)(?:较上年|比上年|同比)?(?P<mean>年均)?(?:增速|增长率|增幅|增减率|增长|变动率)$"
)
_CHANGE = re.compile(r"^(?P<base>.+?)(?:较上年|比上年|同比)?增减额?$")
_MULTIPLE = re.compile(r"(?:增长倍数|增加倍数|倍数)?(?:增长)?(?:增加)?$")
_OF = re.compile(r"^(?P<part>.+?)占(?P<whole>.+?)(?:的)?(?:比重|比例|比|份额)$")
_PART = re.compile(r"^(?P<part>.+?)(?:所)?(?:占比|比重|比例)$")
_WHOLE = re.compile(r"(?:合计|总计|总预算|总收入|总支出)$")
_SHARE_COLUMN = re.compile(r"占比|比重|比例|share|占.*%")
_RATIO_COLUMN = re.compile(r"完成|进度|执行率|占预算|预算的|为.*%")
_HOLDS = {"floor": "≤", "ceiling": "≥"}
#: A name in one publication.
_NAMED = (*YEAR, "label.core")


# ---------------------------------------------------------------- yearly growth


def growth_base(fact: Fact, *, mean: bool) -> str | None:
    """Name of the levels a growth rate is about, None if it is no such rate."""
    if fact.unit != "%" or fact.figure is None or fact.label.prefix:
        return None
    if fact.measure and fact.measure != ("mean_growth" if mean else "growth"):
        return None
    match = _RATE.match(fact.label.core)
    if match is None:
        return fact.label.core if fact.measure else None
    return match["base"] if bool(match["mean"]) == mean else None


def _growth(book: Book) -> Iterator[Claim]:
    """Printed rates against the levels; like-for-like rates name a break."""
    runs: dict[tuple[str, str, str, int], list[Follows]] = {}
    for rate in book.facts:
        base = growth_base(rate, mean=False)
        if base is None or len(rate.years) != 1:
            continue
        year, known = rate.years[0], book.levels.of(rate, base)
        ratio = Ratio.growth(known.get((year, rate.month)), known.get((year - 1, rate.month)))
        if ratio is None:
            continue
        claim = Follows.percent("growth", rate, ratio, "growth", shift=-100)
        if claim.ties:
            yield Tied("growth")
        elif rate.month:
            # The months of one year that do not fit are one break, not many.
            key = (rate.document, rate.of_series or rate.label.core, rate.calibre, year)
            runs.setdefault(key, []).append(claim)
        else:
            yield _break(claim) if rate.like_for_like and _measured(claim) else _wrong(claim)
    for claims in runs.values():
        if claims[0].stated.like_for_like or len(claims) > 2:
            yield _run(claims)
        else:
            yield from map(_wrong, claims)


def _measured(claim: Follows) -> bool:
    """Neither level was planned, nor carried over from the year before."""
    new, old = claim.operands
    return not {new.kind, old.kind} & PLANNED and new.number != old.number


def _of_calibre(claim: Follows, said: Text, also: list[Fact]) -> Finding:
    change = {"rule": "calibre_break", "severity": "warning", "sentence": said, "also": also}
    return replace(claim, **change).finding()  # type: ignore[arg-type]


def _break(claim: Follows) -> Finding:
    """The base that a like-for-like rate implies, and its distance from the printed one."""
    rate, (new, old) = claim.stated, claim.operands
    base = new.in_unit_of(old) / (1 + rate.number / 100)
    gap = base - old.number
    words = {"rate": rate, "growth": claim.value, "old": old, "new": new, "base": base, "gap": gap}
    return _of_calibre(claim, sentence("calibre_break", **words, pct=gap / old.number * 100), [])


def _run(claims: list[Follows]) -> Finding:
    """The months of a year whose rates stand on another calibre."""
    worst = max(claims, key=lambda c: abs(c.stated.number - c.value))
    rate = worst.stated
    # A rate that only points at a series goes by the name of its level.
    named = worst.operands[0] if rate.label.raw == rate.of_series else rate
    said = sentence(
        "calibre_run", label=named.label.raw, first=claims[0].stated, last=claims[-1].stated,
        count=len(claims), rate=rate, growth=worst.value,
        why=sentence(f"calibre_run.{'known' if rate.like_for_like else 'likely'}"),
    )  # fmt: skip
    return _of_calibre(worst, said, [c.stated for c in claims if c is not worst])


def _wrong(claim: Follows) -> Finding:
    rate, (new, old) = claim.stated, claim.operands
    when = rate.period or rate.year
    said = sentence("growth", rate=rate, new=new, old=old, growth=claim.value, when=when)
    if options := list(_growth_slips(claim)):
        said += sentence("growth.would_tie", ties=Text.joined(options, "；或", "; or "))
    if _measured(claim):
        return replace(claim, sentence=said + sentence("growth.say_so")).finding()
    planned = said + sentence("growth.planned")
    return replace(claim, severity="warning", sentence=planned).finding()


def _growth_slips(claim: Follows) -> Iterator[Text]:
    """Slips in one of the three figures that would make the rate tie."""
    stated, (new, old) = claim.stated, claim.operands
    rate = 1 + stated.number / 100
    needed = (
        (stated, claim.value, 9),
        (new, old.number * rate / (new.factor_to(old) or 1), 2),
        (old, new.in_unit_of(old) / rate if rate else Decimal(0), 2),
    )
    for fact, value, below in needed:
        slipped = slip(fact.number, round(value, fact.digits), fact.digits)
        if slipped and slipped.order < below:
            value_text = show(value, fact.digits) + (" %" if fact is stated else "")
            yield sentence("growth.slip", cell=fact.cell, value=value_text, slip=slipped.name)


def _change(book: Book) -> Iterator[Claim]:
    """``X增减`` and ``X增减率`` against X, and against last year's X where it is printed."""
    named = book.group(by(*_NAMED))
    for delta in book.facts:
        match = _CHANGE.match(delta.label.core)
        if match is None or delta.figure is None or not delta.yuan or len(delta.years) != 1:
            continue
        key = (delta.document, delta.entity, delta.year)
        rates = named.get((*key, delta.label.core.removesuffix("额") + "率"), [])
        level = next(reversed(named.get((*key, match["base"]), [])), None)
        if level is None or level.factor_to(delta) is None:
            continue
        last = book.levels.of(delta, match["base"]).get((delta.years[0] - 1, delta.month))
        if last is not None:
            yield Sums("change", last, [(1, level), (-1, delta)], "less_change")
        old = level.interval.scaled(level.factor_to(delta) or 1) - delta.interval
        if rates and old.lo > 0:  # of a base that is nought or negative it is no rate
            base = level.in_unit_of(delta) - delta.number
            pct, interval = delta.number / base * 100, (delta.interval / old).scaled(100)
            of, words = [delta, level], {"base": base}
            yield Follows("change", rates[-1], of, pct, interval, "change", words)
    for fact in book.facts:
        if "上年持平" in fact.note and fact.figure is not None and len(fact.years) == 1:
            known = book.levels.of(fact, fact.label.core)
            last = known.get((fact.years[0] - 1, fact.month))
            if last is not None and last.factor_to(fact) is not None:
                yield Sums("change", fact, [(1, last)], "unchanged")


# ---------------------------------------------------------------- mean growth and multiples


@dataclass(frozen=True)
class _Way:
    """One way to work out a mean: what follows, how it is said, whether it is by levels."""

    claim: Follows
    said: Text
    nominal: bool

    @property
    def arithmetic(self) -> bool:
        """Whether the printed mean is the arithmetic one of these rates."""
        mean, facts = self.claim.stated, self.claim.operands
        average = sum((f.number for f in facts), Decimal(0)) / len(facts)
        return not self.nominal and abs(average - mean.number) <= mean.interval.half


def _mean_growth(book: Book) -> Iterator[Claim]:
    """A mean rate against the levels at both ends, and against the yearly rates."""
    yearly: dict[tuple[str, str, bool], dict[int, Fact]] = {}
    for rate in book.facts:
        base = growth_base(rate, mean=False)
        if base is not None and len(rate.years) == 1 and not rate.month:
            key = (rate.document, rate.of_series or base, rate.like_for_like)
            yearly.setdefault(key, {})[rate.years[0]] = rate
    for mean in book.facts:
        base = growth_base(mean, mean=True)
        if base is None or len(mean.years) != 2:
            continue
        rates = yearly.get((mean.document, mean.of_series or base, mean.like_for_like), {})
        if ways := [*_from_rates(mean, rates), *_from_levels(mean, book, base)]:
            yield _judged(mean, ways) or Tied("mean_growth")


def _from_levels(mean: Fact, book: Book, base: str) -> Iterator[_Way]:
    """``(last / first) ** (1 / steps) - 1``, from the first year or the year before it."""
    known = book.levels.of(mean, base)
    first, last = mean.years
    for start in (first, first - 1):
        ratio, steps = Ratio.of(known.get((last, "")), known.get((start, ""))), last - start
        if ratio is None or ratio.interval.lo <= 0 or steps <= 0:
            continue
        power, ends = 1 / Decimal(steps), {"old": ratio.old, "new": ratio.new}
        said = sentence("mean_growth.levels", **ends, start=start, last=last, steps=steps)
        mean_ratio = replace(ratio, value=ratio.value**power, interval=ratio.interval**power)
        claim = Follows.percent("mean_growth", mean, mean_ratio, "mean_growth", shift=-100)
        yield _Way(claim, said, nominal=True)


def _from_rates(mean: Fact, rates: dict[int, Fact]) -> Iterator[_Way]:
    """The geometric mean of the yearly rates inside the span."""
    first, last = mean.years
    for start in (first + 1, first):
        facts = [rates[year] for year in range(start, last + 1) if year in rates]
        if len(facts) < 2 or len(facts) != last - start + 1:
            continue
        product, value = exactly(1), Decimal(1)
        for fact in facts:
            product = product * fact.interval.scaled(Decimal("0.01"), 1)
            value *= 1 + fact.number / 100
        if product.lo > 0:
            power = 1 / Decimal(len(facts))
            said = sentence("mean_growth.rates", count=len(facts), start=start, last=last)
            pct, span = (value**power - 1) * 100, (product**power).scaled(100, -100)
            claim = Follows("mean_growth", mean, facts, pct, span, "mean_growth")
            yield _Way(claim, said, nominal=False)


def _judged(mean: Fact, ways: list[_Way]) -> Finding | None:
    ties = [w for w in ways if w.claim.ties]
    nominal = [w for w in ways if w.nominal]
    if mean.like_for_like and nominal and ties and not any(w.nominal for w in ties):
        way, more = nominal[0], list(ties[0].claim.operands)
        steps = len(more)
        five = "五年" in mean.period + mean.label.raw and steps != 5
        said = sentence(
            "mean_break", mean=mean, tie=ties[0].said, computed=way.claim.value, way=way.said,
            five=sentence("mean_break.five", steps=steps) if five else EMPTY,
        )  # fmt: skip
        return replace(_of_calibre(way.claim, said, more), severity="note")
    if ties or (mean.like_for_like and all(w.nominal for w in ways)):
        return None
    tried = [sentence("mean_growth.tried", way=w.said, value=w.claim.value) for w in ways]
    plain = sentence("mean_growth.arithmetic") if any(w.arithmetic for w in ways) else EMPTY
    said = sentence("mean_growth", mean=mean, tried=Text.joined(tried), plain=plain)
    return replace(ways[0].claim, sentence=said).finding()


def _multiples(book: Book) -> Iterator[Claim]:
    """``增长 X 倍`` against the ratio of the levels: growth of X times is a ratio of X + 1."""
    for fact in book.facts:
        if fact.unit != "倍" or fact.figure is None or len(fact.years) != 2:
            continue
        worded = any(word in fact.label.raw for word in ("增长", "增加", "提高"))
        known = book.levels.of(fact, _MULTIPLE.sub("", fact.label.core))
        ratio = Ratio.of(known.get((fact.years[1], "")), known.get((fact.years[0], "")))
        if ratio is None:
            continue
        as_growth = ratio.interval.scaled(1, -1).meets(fact.interval)
        as_ratio = ratio.interval.meets(fact.interval)
        if as_growth if worded else as_ratio:
            yield Tied("multiple_as_growth")
            continue
        growth = ratio.value - 1
        words = {"fact": fact, "old": ratio.old, "new": ratio.new, "pct": growth * 100}
        key = "multiple.ratio" if as_ratio else "multiple.neither"
        tie = sentence(key, said=fact.number * 100, **words)
        yield found(
            "multiple_as_growth", "warning" if as_ratio else "error", [fact, ratio.new, ratio.old],
            sentence("multiple", value=ratio.value, tie=tie, **words),
            stated=fact.number, computed=round(growth, 4), tolerance=fact.interval.half,
        )  # fmt: skip


# ---------------------------------------------------------------- shares


def _share_of(fact: Fact) -> tuple[str, str] | None:
    """Names of part and whole (empty if not named), None if it is no share."""
    if fact.unit != "%" or fact.label.prefix or fact.figure is None:
        return None
    if match := _OF.match(fact.label.core):
        return match["part"], match["whole"]
    match = _PART.match(fact.label.core)
    return (match["part"], "") if match else None


def _share(book: Book) -> Iterator[Claim]:
    """Each share against its part and the total of the part's own table."""
    named = book.group(by(*_NAMED, when=lambda f: f.yuan and not f.label.prefix))
    tables: dict[tuple[str, ...], list[tuple[Fact, Fact]]] = {}
    for fact in book.facts:
        names = _share_of(fact)
        if names is None or names[1] or fact.kind in BOUNDS:
            continue
        hits = named.get((fact.document, fact.entity, fact.year, names[0]), [])
        own = [h for h in hits if h.section == fact.section and h.period == fact.period]
        if part := next(iter(own or hits), None):
            tables.setdefault(fact.table, []).append((fact, part))
    for pairs in tables.values():
        yield from _table_of_shares(book, pairs)


def _table_of_shares(book: Book, pairs: list[tuple[Fact, Fact]]) -> Iterator[Claim]:
    """Shares of one table: the whole is the total that most of them are of."""
    own = book.tables.get(pairs[0][1].table, [])
    wholes = [f for f in own if f.yuan and _WHOLE.search(f.label.core) and f.number]
    claims = {
        whole: [c for fact, part in pairs for c in _of_whole("share", fact, part, whole)]
        for whole in wholes
    }
    if not claims:
        return
    whole = max(claims, key=lambda w: sum(claim.ties for claim in claims[w]))
    yield from claims[whole]
    hundred = next((f for f, p in pairs if p is whole), None)
    rest = [(f, p) for f, p in pairs if p is not whole and not p.label.of_which]
    complete = sum((p.number for _, p in rest), Decimal(0)) == whole.number
    if hundred is not None and complete and len(rest) > 1:
        yield Sums("share", hundred, [(1, f) for f, _ in rest], "shares")


def _of_whole(said: str, fact: Fact, part: Fact, whole: Fact) -> Iterator[Follows]:
    """A share of a whole; a floor or ceiling on it is a bound of what the amounts give."""
    if ratio := Ratio.of(part, whole):
        bound = sentence(f"bound.{fact.kind}") if fact.kind in BOUNDS else EMPTY
        rule, holds = "floor" if bound else "share", _HOLDS.get(fact.kind, "=")
        yield Follows.percent(rule, fact, ratio, said, words={"bound": bound}, holds=holds)


def _floors(book: Book) -> Iterator[Claim]:
    """A floor or ceiling on a share, or a share of a named whole, against the amounts."""
    for fact in book.facts:
        names = _share_of(fact)
        if names is None or not names[1] or not fact.years:
            continue
        own = (fact.document, fact.entity, base_name(names[1]))
        wholes = book.levels.by_name.get(own, {})
        for when, part in book.levels.of(fact, names[0]).items():
            if when in wholes and fact.years[0] <= when[0] <= fact.years[-1]:
                yield from _of_whole("share_of", fact, part, wholes[when])


# ---------------------------------------------------------------- columns of printed tables

#: Growth (-100) or ratio (0) of column `a` to column `b`, or to one row of `b`.
_Reading = tuple[int, int, int, int | None]


def _derived(grid: Grid) -> Iterator[Claim]:
    """Growth, completion and share columns against the columns they follow from."""
    for c, header in enumerate(grid.headers):
        # Over periods, growth is against the year before: the check of growth.
        ratios = not grid.periods or _SHARE_COLUMN.search(header.raw)
        if not (grid.is_rate(c) and ratios) or header.like_for_like:
            continue
        reading = likeliest(grid, (slice(None), c), _readings(grid, c))
        if reading is None:
            continue
        shift, a, b, total = reading
        words = {"verb": sentence(f"derived_column.{'growth' if shift else 'ratio'}")}
        for row in grid.facts:
            rate, new, old = row[c], row[a], (row if total is None else grid.facts[total])[b]
            # Like for like it is of other figures than those printed beside it.
            if not (rate and new and old) or new.unit == "%" or rate.like_for_like:
                continue
            # Of a negative base neither growth nor completion says anything.
            if ratio := Ratio.growth(new, old):
                yield Follows.percent(
                    "derived_column", rate, ratio, "derived_column", shift, words=words, unit="%"
                )


def _readings(grid: Grid, column: int) -> Iterator[tuple[_Reading, At, At, int]]:
    """What a column of rates may follow from, the likeliest first."""
    header, every = grid.headers[column].raw, slice(None)
    is_share, is_growth = _SHARE_COLUMN.search(header), GROWTH.search(header)
    for a in grid.amounts:
        for t, name in enumerate(grid.labels) if is_share else ():
            if grid.facts[t][a] is not None and (grid.marks[t] == "total" or name.is_total):
                yield (0, a, a, t), (every, a), ([t], a), 0
        for b in grid.amounts:
            if a == b or grid.units[a] != grid.units[b]:
                continue
            # Growth is also printed as the change over last year's figure.
            ratio = is_growth or is_share or _RATIO_COLUMN.search(header)
            for shift in (*([-100] if is_growth else []), *([0] if ratio else [])):
                yield (shift, a, b, None), (every, a), (every, b), shift


CHECKS = (
    Check(("growth", "calibre_break"), _growth),
    Check(("change",), _change),
    Check(("mean_growth", "calibre_break"), _mean_growth),
    Check(("multiple_as_growth",), _multiples),
    Check(("share",), _share),
    Check(("floor", "share"), _floors),
    Check(("derived_column",), _derived, "grid"),
)
