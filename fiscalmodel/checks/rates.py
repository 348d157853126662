"""Rates against the amounts that they are about: growth, multiples, shares, columns."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from fiscalmodel.checks.claims import Check, Claim, Follows, Sums, Tied, found, sentence
from fiscalmodel.checks.facts import (
    BOUNDS,
    PLANNED,
    Book,
    Fact,
    Grid,
    base_name,
    growth_pct,
    point,
    ratio_of,
    show,
)
from fiscalmodel.checks.grids import GROWTH, near_rate
from fiscalmodel.checks.printed import Interval, exactly
from fiscalmodel.checks.slips import slip
from fiscalmodel.findings import Finding, Severity
from fiscalmodel.words import EMPTY, Text

_RATE = re.compile(
    r"^(?P<base>.+?)(?:较上年|比上年|同比)?(?P<mean>年均)?(?:增速|增长率|增幅|增减率|增长|变动率)$"
)
_CHANGE = re.compile(r"^(?P<base>.+?)(?:较上年|比上年|同比)?增减额?$")
_OF = re.compile(r"^(?P<part>.+?)占(?P<whole>.+?)(?:的)?(?:比重|比例|比|份额)$")
_PART = re.compile(r"^(?P<part>.+?)(?:所)?(?:占比|比重|比例)$")
_WHOLE = re.compile(r"(?:合计|总计|总预算|总收入|总支出)$")
_SHARE_COLUMN = re.compile(r"占比|比重|比例|share|占.*%")
_RATIO_COLUMN = re.compile(r"完成|进度|执行率|占预算|预算的|为.*%")


# ---------------------------------------------------------------- yearly growth


@dataclass(frozen=True)
class _Misfit:
    """A rate that its levels do not give."""

    rate: Fact
    new: Fact
    old: Fact
    computed: Decimal
    tolerance: Decimal

    @property
    def measured(self) -> bool:
        """Neither level was planned, nor carried over from the year before."""
        planned = {self.new.kind, self.old.kind} & PLANNED
        return not planned and self.new.number != self.old.number

    def found(
        self, rule: str, severity: Severity, said: Text, more: Sequence[Fact] = ()
    ) -> Finding:
        return found(
            rule, severity, [self.rate, self.new, self.old, *more], said,
            stated=self.rate.number, computed=round(self.computed, 4), tolerance=self.tolerance,
        )  # fmt: skip


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
    runs: dict[tuple[str, str, str, int], list[_Misfit]] = {}
    for rate in book.facts:
        base = growth_base(rate, mean=False)
        if base is None or len(rate.years) != 1:
            continue
        year = rate.years[0]
        known = book.levels.of(rate, base)
        new, old = known.get((year, rate.month)), known.get((year - 1, rate.month))
        growth = growth_pct(new, old) if new and old else None
        if new is None or old is None or growth is None:
            continue
        if growth.meets(rate.interval):
            yield Tied("growth")
            continue
        computed = (point(new, old) - 1) * 100
        misfit = _Misfit(rate, new, old, computed, growth.half + rate.interval.half)
        if rate.month:
            # The months of one year that do not fit are one break, not many.
            key = (rate.document, rate.of_series or rate.label.core, rate.calibre, year)
            runs.setdefault(key, []).append(misfit)
        else:
            breaks = rate.like_for_like and misfit.measured
            yield _break(misfit) if breaks else _wrong(misfit)
    for misfits in runs.values():
        if misfits[0].rate.like_for_like or len(misfits) > 2:
            yield _run(misfits)
        else:
            yield from map(_wrong, misfits)


def _break(m: _Misfit) -> Finding:
    """The base that a like-for-like rate implies, and its distance from the printed one."""
    base = m.new.in_unit_of(m.old) / (1 + m.rate.number / 100)
    gap = base - m.old.number
    said = sentence(
        "calibre_break", rate=m.rate, growth=m.computed, old=m.old, new=m.new, base=base, gap=gap,
        pct=gap / m.old.number * 100,
    )  # fmt: skip
    return m.found("calibre_break", "warning", said)


def _run(misfits: list[_Misfit]) -> Finding:
    """The months of a year whose rates stand on another calibre."""
    worst = max(misfits, key=lambda m: abs(m.rate.number - m.computed))
    # A rate that only points at a series goes by the name of its level.
    named = worst.new if worst.rate.label.raw == worst.rate.of_series else worst.rate
    said = sentence(
        "calibre_run", label=named.label.raw, first=misfits[0].rate, last=misfits[-1].rate,
        count=len(misfits), rate=worst.rate, growth=worst.computed,
        why=sentence(f"calibre_run.{'known' if worst.rate.like_for_like else 'likely'}"),
    )  # fmt: skip
    others = [m.rate for m in misfits if m is not worst]
    return worst.found("calibre_break", "warning", said, others)


def _wrong(m: _Misfit) -> Finding:
    when = m.rate.period or m.rate.year
    said = sentence("growth", rate=m.rate, new=m.new, old=m.old, growth=m.computed, when=when)
    if options := list(_growth_slips(m)):
        said += sentence("growth.would_tie", ties=Text.joined(options, "；或", "; or "))
    if m.measured:
        return m.found("growth", "error", said + sentence("growth.say_so"))
    return m.found("growth", "warning", said + sentence("growth.planned"))


def _growth_slips(m: _Misfit) -> Iterator[Text]:
    """Slips in one of the three figures that would make the rate tie."""
    rate = 1 + m.rate.number / 100
    needed = (
        (m.rate, m.computed, 9),
        (m.new, m.old.number * rate / (m.new.factor_to(m.old) or 1), 2),
        (m.old, m.new.in_unit_of(m.old) / rate if rate else Decimal(0), 2),
    )
    for fact, value, below in needed:
        slipped = slip(fact.number, round(value, fact.digits), fact.digits)
        if slipped and slipped.order < below:
            value_text = show(value, fact.digits) + (" %" if fact is m.rate else "")
            yield sentence("growth.slip", cell=fact.cell, value=value_text, slip=slipped.name)


def _change(book: Book) -> Iterator[Claim]:
    """``X增减`` and ``X增减率`` against X, and against last year's X where it is printed."""
    named = {
        (f.document, f.entity, f.year, f.label.core): f for f in book.facts if f.figure is not None
    }
    for delta in book.facts:
        match = _CHANGE.match(delta.label.core)
        if match is None or delta.figure is None or not delta.yuan or len(delta.years) != 1:
            continue
        key = (delta.document, delta.entity, delta.year)
        level = named.get((*key, match["base"]))
        rate = named.get((*key, delta.label.core.removesuffix("额") + "率"))
        if level is None or level.factor_to(delta) is None:
            continue
        last = book.levels.of(delta, match["base"]).get((delta.years[0] - 1, delta.month))
        if last is not None:
            yield Sums("change", last, [(1, level), (-1, delta)], "less_change")
        old = level.interval.scaled(level.factor_to(delta) or 1) - delta.interval
        if rate is not None and old.lo > 0:  # of a base that is nought or negative it is no rate
            base = level.in_unit_of(delta) - delta.number
            pct, interval = delta.number / base * 100, (delta.interval / old).scaled(100)
            yield Follows("change", rate, [delta, level], pct, interval, "change", {"base": base})
    for fact in book.facts:
        if "上年持平" in fact.note and fact.figure is not None and len(fact.years) == 1:
            known = book.levels.of(fact, fact.label.core)
            last = known.get((fact.years[0] - 1, fact.month))
            if last is not None and last.factor_to(fact) is not None:
                yield Sums("change", fact, [(1, last)], "unchanged")


# ---------------------------------------------------------------- mean growth and multiples


@dataclass(frozen=True)
class _Way:
    """One way to work out a mean: its value, interval, the facts it uses, its name."""

    value: Decimal
    interval: Interval
    facts: list[Fact]
    said: Text
    nominal: bool

    def arithmetic(self, mean: Fact) -> bool:
        """Whether the printed mean is the arithmetic one of these rates."""
        average = sum((f.number for f in self.facts), Decimal(0)) / len(self.facts)
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
        ways = [*_from_rates(mean, rates), *_from_levels(mean, book, base)]
        if ways:
            yield _judged(mean, ways) or Tied("mean_growth")


def _from_levels(mean: Fact, book: Book, base: str) -> Iterator[_Way]:
    """``(last / first) ** (1 / steps) - 1``, from the first year or the year before it."""
    known = book.levels.of(mean, base)
    first, last = mean.years
    for start in (first, first - 1):
        old, new = known.get((start, "")), known.get((last, ""))
        steps = last - start
        ratio = ratio_of(new, old) if old and new and steps > 0 else None
        if old is None or new is None or ratio is None or ratio.lo <= 0:
            continue
        power = 1 / Decimal(steps)
        ends = {"old": old, "new": new, "start": start, "last": last, "steps": steps}
        said = sentence("mean_growth.levels", **ends)
        value, span = (point(new, old) ** power - 1) * 100, (ratio**power).scaled(100, -100)
        yield _Way(value, span, [new, old], said, nominal=True)


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
            span = (product**power).scaled(100, -100)
            yield _Way((value**power - 1) * 100, span, facts, said, nominal=False)


def _judged(mean: Fact, ways: list[_Way]) -> Finding | None:
    ties = [w for w in ways if w.interval.meets(mean.interval)]
    nominal = [w for w in ways if w.nominal]
    rule, severity, way, more = "mean_growth", "error", ways[0], list[Fact]()
    if mean.like_for_like and nominal and ties and not any(w.nominal for w in ties):
        rule, severity, way, more = "calibre_break", "note", nominal[0], ties[0].facts
        steps = len(more)
        five = "五年" in mean.period + mean.label.raw and steps != 5
        said = sentence(
            "mean_break", mean=mean, tie=ties[0].said, computed=way.value, way=way.said,
            five=sentence("mean_break.five", steps=steps) if five else EMPTY,
        )  # fmt: skip
    elif ties or (mean.like_for_like and all(w.nominal for w in ways)):
        return None
    else:
        tried = [sentence("mean_growth.tried", way=w.said, value=w.value) for w in ways]
        plain = any(w.arithmetic(mean) for w in ways)
        arithmetic = sentence("mean_growth.arithmetic") if plain else EMPTY
        said = sentence("mean_growth", mean=mean, tried=Text.joined(tried), plain=arithmetic)
    return found(
        rule, severity, [mean, *way.facts, *more], said,  # type: ignore[arg-type]
        stated=mean.number, computed=round(way.value, 4),
        tolerance=way.interval.half + mean.interval.half,
    )  # fmt: skip


def _multiples(book: Book) -> Iterator[Claim]:
    """``增长 X 倍`` against the ratio of the levels: growth of X times is a ratio of X + 1."""
    for fact in book.facts:
        if fact.unit != "倍" or fact.figure is None or len(fact.years) != 2:
            continue
        core = fact.label.core
        worded = any(word in fact.label.raw for word in ("增长", "增加", "提高"))
        for word in ("增长倍数", "增加倍数", "倍数", "增长", "增加"):
            core = core.removesuffix(word)
        known = book.levels.of(fact, core)
        old, new = known.get((fact.years[0], "")), known.get((fact.years[1], ""))
        ratio = ratio_of(new, old) if old and new else None
        if old is None or new is None or ratio is None:
            continue
        as_growth = ratio.scaled(1, -1).meets(fact.interval)
        as_ratio = ratio.meets(fact.interval)
        if (worded and as_growth) or (as_ratio and not worded):
            yield Tied("multiple_as_growth")
            continue
        value = point(new, old)
        words = {"fact": fact, "old": old, "new": new, "pct": (value - 1) * 100}
        key = "multiple.ratio" if as_ratio else "multiple.neither"
        tie = sentence(key, said=fact.number * 100, **words)
        yield found(
            "multiple_as_growth", "warning" if as_ratio else "error", [fact, new, old],
            sentence("multiple", value=value, tie=tie, **words),
            stated=fact.number, computed=round(value - 1, 4), tolerance=fact.interval.half,
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
    named = book.group(
        lambda f: (
            (f.document, f.entity, f.year, f.label.core)
            if f.figure and f.yuan and not f.label.prefix
            else None
        )
    )
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
    if not wholes:
        return
    claims = {
        id(whole): [c for fact, part in pairs for c in _of_whole("share", fact, part, whole)]
        for whole in wholes
    }
    whole = max(wholes, key=lambda w: sum(claim.ties for claim in claims[id(w)]))
    yield from claims[id(whole)]
    hundred = next((f for f, p in pairs if p is whole), None)
    rest = [(f, p) for f, p in pairs if p is not whole and not p.label.of_which]
    complete = sum((p.number for _, p in rest), Decimal(0)) == whole.number
    if hundred is not None and complete and len(rest) > 1:
        yield Sums("share", hundred, [(1, f) for f, _ in rest], "shares")


def _of_whole(said: str, fact: Fact, part: Fact, whole: Fact) -> Iterator[Follows]:
    """A share of a whole; a floor or ceiling on it is a bound of what the amounts give."""
    share = ratio_of(part, whole)
    if share is not None:
        bound = sentence(f"bound.{fact.kind}") if fact.kind in BOUNDS else EMPTY
        yield Follows(
            "floor" if bound else "share", fact, [part, whole], point(part, whole) * 100,
            share.scaled(100), said, {"bound": bound},
            holds={"floor": "≤", "ceiling": "≥"}.get(fact.kind, "="),  # type: ignore[arg-type]
        )  # fmt: skip


def _floors(book: Book) -> Iterator[Claim]:
    """A floor or ceiling on a share, or a share of a named whole, against the amounts."""
    for fact in book.facts:
        names = _share_of(fact)
        if names is None or not names[1] or not fact.years:
            continue
        own = (fact.document, fact.entity, base_name(names[1]))
        wholes = book.levels.by_name.get(own, {})
        for (year, month), part in book.levels.of(fact, names[0]).items():
            whole = wholes.get((year, month))
            if whole and fact.years[0] <= year <= fact.years[-1]:
                yield from _of_whole("share_of", fact, part, whole)


# ---------------------------------------------------------------- columns of printed tables


@dataclass(frozen=True)
class _Reading:
    """One way a rate column may follow: growth or ratio of column `a` to column `b`.

    Where `total` is set, `b` is the amount of `a` in that row.
    """

    kind: str
    a: int
    b: int
    total: int | None = None


def _derived(grid: Grid) -> Iterator[Claim]:
    """Growth, completion and share columns against the columns they follow from."""
    for c in range(len(grid.headers)):
        # Over periods, growth is against the year before: the check of growth.
        ratios = not grid.periods or _SHARE_COLUMN.search(grid.headers[c].raw)
        reading = _reading(grid, c) if grid.is_rate(c) and ratios else None
        if reading is None:
            continue
        shift = -100 if reading.kind == "growth" else 0
        words = {"verb": sentence(f"derived_column.{reading.kind}")}
        for row in grid.facts:
            other = row if reading.total is None else grid.facts[reading.total]
            rate, new, old = row[c], row[reading.a], other[reading.b]
            if not (rate and new and old) or new.unit == "%":
                continue
            if rate.like_for_like or grid.headers[c].like_for_like:
                continue  # of other figures than those printed beside it
            ratio = ratio_of(new, old)
            # Of a negative base neither growth nor completion says anything.
            if ratio is not None and old.number >= 0:
                value, interval = point(new, old) * 100 + shift, ratio.scaled(100, shift)
                yield Follows(
                    "derived_column", rate, [new, old], value, interval, "derived_column", words,
                    unit="%",
                )  # fmt: skip


def _reading(grid: Grid, column: int) -> _Reading | None:
    """The reading with which most rows tie; at least two, and half of them."""
    best, most = None, 1
    for reading in _readings(grid, column):
        new, half_new = grid.sums[:, reading.a], grid.halves[:, reading.a]
        old, half_old = grid.sums[:, reading.b], grid.halves[:, reading.b]
        if reading.total is not None:
            old, half_old = old[[reading.total]], half_old[[reading.total]]
        rate, half = grid.values[:, column], grid.halves[:, column]
        ties, rows = near_rate(rate, half, new, half_new, old, half_old, reading.kind)
        if ties > most and 2 * ties >= rows:
            best, most = reading, ties
            if ties == rows:
                break
    return best


def _readings(grid: Grid, column: int) -> Iterator[_Reading]:
    header = grid.headers[column].raw
    is_share, is_growth = _SHARE_COLUMN.search(header), GROWTH.search(header)
    for a in grid.amounts:
        if is_share:
            for t, name in enumerate(grid.labels):
                if grid.facts[t][a] is not None and (grid.marks[t] == "total" or name.is_total):
                    yield _Reading("ratio", a, a, t)
        for b in grid.amounts:
            if a == b or grid.units[a] != grid.units[b]:
                continue
            if is_growth:
                yield _Reading("growth", a, b)
            # Growth is also printed as the change over last year's figure.
            if is_growth or is_share or _RATIO_COLUMN.search(header):
                yield _Reading("ratio", a, b)


CHECKS = (
    Check(("growth", "calibre_break"), _growth),
    Check(("change",), _change),
    Check(("mean_growth", "calibre_break"), _mean_growth),
    Check(("multiple_as_growth",), _multiples),
    Check(("share",), _share),
    Check(("floor", "share"), _floors),
    Check(("derived_column",), _derived, "grid"),
)
