"""Growth against levels: yearly rates, changes, and breaks of the calibre."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from fiscalmodel.series.findings import Finding
from fiscalmodel.series.rules.book import Book, Fact
from fiscalmodel.series.rules.identities import Identity, evaluate
from fiscalmodel.series.rules.levels import Levels, growth_pct, levels_of, point
from fiscalmodel.series.rules.registry import rule
from fiscalmodel.series.rules.report import finding, show
from fiscalmodel.series.rules.slips import slip

GROWTH = re.compile(
    r"^(?P<base>.+?)(?:较上年|比上年|同比)?(?P<mean>年均)?(?:增速|增长率|增幅|增减率|增长|变动率)$"
)
_CHANGE = re.compile(r"^(?P<base>.+?)(?:较上年|比上年|同比)?增减额?$")


@dataclass(frozen=True)
class _Misfit:
    """A rate that its levels do not give."""

    rate: Fact
    new: Fact
    old: Fact
    computed: Decimal
    tolerance: Decimal


def growth_base(fact: Fact, *, mean: bool) -> str | None:
    """Name of the levels a growth rate is about, None if it is no such rate."""
    if fact.unit != "%" or fact.figure is None or fact.label.prefix:
        return None
    if fact.measure:
        wanted = "mean_growth" if mean else "growth"
        if fact.measure != wanted:
            return None
    found = GROWTH.match(fact.label.core)
    if found is None:
        return fact.label.core if fact.measure else None
    return found["base"] if bool(found["mean"]) == mean else None


def _rates(book: Book, levels: Levels) -> Iterator[_Misfit]:
    for rate in book.facts:
        base = growth_base(rate, mean=False)
        if base is None or len(rate.years) != 1:
            continue
        year = rate.years[0]
        known = levels.of(rate, base)
        new, old = known.get((year, rate.month)), known.get((year - 1, rate.month))
        if new is None or old is None:
            continue
        growth = growth_pct(new, old)
        if growth is None:
            continue
        if growth.meets(rate.interval):
            book.tied["growth"] += 1
        else:
            computed = (point(new, old) - 1) * 100
            yield _Misfit(rate, new, old, computed, growth.half + rate.interval.half)


#: Growth on another calibre than the levels: no slip, to be linked.
CALIBRE_BREAK = {"calibre_break": ("breaks of the calibre", "口径变化")}


@rule("growth", en="growth against levels", zh="增速与绝对数", finds=CALIBRE_BREAK)
def growth(book: Book) -> Iterator[Finding]:
    """Printed rates against the levels; like-for-like rates name a break."""
    runs: dict[tuple[str, str, str, int], list[_Misfit]] = {}
    for misfit in _rates(book, levels_of(book)):
        rate = misfit.rate
        if rate.month:
            # The months of one year that do not fit are one break, not many.
            key = (rate.document, rate.of_series or rate.label.core, rate.calibre, rate.years[0])
            runs.setdefault(key, []).append(misfit)
        elif rate.like_for_like:
            yield _break(misfit)
        else:
            yield _wrong(misfit)
    for misfits in runs.values():
        if misfits[0].rate.like_for_like or len(misfits) > 2:
            yield _run(misfits)
        else:
            yield from map(_wrong, misfits)


def restated(misfit: _Misfit) -> tuple[Decimal, Decimal]:
    """The base that the printed rate implies, and its distance from the printed one."""
    level = misfit.new.number * (misfit.new.factor_to(misfit.old) or 1)
    base = level / (1 + misfit.rate.number / 100)
    return base, base - misfit.old.number


def _break(m: _Misfit) -> Finding:
    base, gap = restated(m)
    unit = m.old.unit
    pct = gap / m.old.number * 100
    years = f"{m.old.year}→{m.new.year}"
    return finding(
        "calibre_break",
        "warning",
        [m.rate, m.new, m.old],
        stated=m.rate.number,
        computed=round(m.computed, 4),
        tolerance=m.tolerance,
        en=f"{m.rate.label.raw} {m.rate.year}: {show(m.rate.number)} % is like-for-like (同口径); "
        f"the levels as published grow by {show(m.computed, 2)} %. A break of the calibre "
        f"{years}, no slip: the rate implies a base of {show(base, 2)} {unit} instead of "
        f"{show(m.old.number)}, {show(gap, 2)} {unit} ({show(pct, 1)} %). The source does not say "
        "why. Link the series before fitting a trend.",
        zh=f"{m.rate.label.raw} {m.rate.year} 年为同口径 {show(m.rate.number)}%，"
        f"而绝对数自然口径增长 {show(m.computed, 2)}%。这是口径变化（{years}），不是笔误："
        "同口径基数为 "
        f"{show(base, 2)} {unit}，与公布数 {show(m.old.number)} 相差 {show(gap, 2)} {unit}"
        f"（{show(pct, 1)}%）。原文未说明原因，预测前须先衔接口径。",
    )


def _run(misfits: list[_Misfit]) -> Finding:
    """The months of a year whose rates stand on another calibre."""
    worst = max(misfits, key=lambda m: abs(m.rate.number - m.computed))
    first, last = misfits[0].rate.period, misfits[-1].rate.period
    known = worst.rate.like_for_like
    en_why = "They are" if known else "They look"
    zh_why = "属" if known else "疑为"
    return finding(
        "calibre_break",
        "warning",
        [worst.rate, worst.new, worst.old, *(m.rate for m in misfits if m is not worst)],
        stated=worst.rate.number,
        computed=round(worst.computed, 4),
        tolerance=worst.tolerance,
        en=f"{_named(worst)}: the rates of {len(misfits)} months from {first} to {last} do "
        f"not follow from the levels; in {worst.rate.period} {show(worst.rate.number)} % is "
        f"printed, the levels give {show(worst.computed, 1)} %. {en_why} like-for-like or "
        "adjusted for refunds: a break of the calibre, no slip. Use either the rates or the "
        "levels of these months, not both.",
        zh=f"{_named(worst)}：{first} 至 {last} 共 {len(misfits)} 个月的增速与绝对数不符，"
        f"{worst.rate.period} 列 {show(worst.rate.number)}%，按绝对数为 {show(worst.computed, 1)}"
        "%。"
        f"{zh_why}同口径（如扣除留抵退税因素）增速，是口径变化，不是笔误；这些月份的增速与绝对数不可混用。",
    )


def _named(m: _Misfit) -> str:
    """The rate's own name, or its level's where it only points at a series."""
    own = m.rate.label.raw
    return m.new.label.raw if own == m.rate.of_series else own


def _wrong(m: _Misfit) -> Finding:
    en, zh = _would_tie(m)
    return finding(
        "growth",
        "error",
        [m.rate, m.new, m.old],
        stated=m.rate.number,
        computed=round(m.computed, 4),
        tolerance=m.tolerance,
        en=f"{m.rate.label.raw} {m.rate.period or m.rate.year} is printed as "
        f"{show(m.rate.number)} %; {show(m.new.number)} against {show(m.old.number)} is "
        f"{show(m.computed, 2)} %.{en} If the rate is like-for-like (同口径), say so.",
        zh=f"{m.rate.label.raw} {m.rate.period or m.rate.year} 列 {show(m.rate.number)}%，而 "
        f"{show(m.new.number)} 比 {show(m.old.number)} 为 {show(m.computed, 2)}%。{zh}"
        "若为同口径增速，应注明。",
    )


def _would_tie(m: _Misfit) -> tuple[str, str]:
    """Slips in one of the three figures that would make the rate tie."""
    digits = m.rate.figure.digits if m.rate.figure else 0
    found = slip(m.rate.number, round(m.computed, digits), digits)
    options = []
    if found:
        options.append((f"{show(m.computed, digits)} % ({found.en})", found.zh))
    rate = 1 + m.rate.number / 100
    factor = m.new.factor_to(m.old) or Decimal(1)
    for fact, needed in ((m.new, m.old.number * rate / factor), (m.old, m.new.number * factor)):
        value = needed if fact is m.new else needed / rate
        places = fact.figure.digits if fact.figure else 0
        found = slip(fact.number, round(value, places), places)
        if found and found.order < 2:
            options.append(
                (f"{show(value, places)} in {fact.cell} ({found.en})", f"{fact.cell} {found.zh}")
            )
    if not options:
        return "", ""
    en = " It would tie with " + "; or ".join(o[0] for o in options) + "."
    return en, "可能的笔误：" + "；".join(o[1] for o in options) + "。"


@rule("change", en="changes and their rates", zh="增减额与增减率")
def change(book: Book) -> Iterator[Finding]:
    """``X增减`` and ``X增减率`` against X, and against last year's X where it is printed."""
    levels = levels_of(book)
    named = {
        (f.document, f.entity, f.year, f.label.core): f for f in book.facts if f.figure is not None
    }
    sums: list[Identity] = []
    for delta in book.facts:
        found = _CHANGE.match(delta.label.core)
        if found is None or delta.figure is None or not delta.yuan or len(delta.years) != 1:
            continue
        key = (delta.document, delta.entity, delta.year)
        level = named.get((*key, found["base"]))
        rate = named.get((*key, delta.label.core.removesuffix("额") + "率"))
        if level is None or level.factor_to(delta) is None:
            continue
        last = levels.of(delta, found["base"]).get((delta.years[0] - 1, delta.month))
        if last is not None:
            words = ("this year's figure less the change", "本年数减增减额")
            sums.append(Identity("change", last, [(1, level), (-1, delta)], *words))
        if rate is not None and rate.figure is not None:
            yield from _rate_of_change(book, level, delta, rate)
    for fact in book.facts:
        if "上年持平" in fact.note and fact.figure is not None and len(fact.years) == 1:
            known = levels.of(fact, fact.label.core)
            last = known.get((fact.years[0] - 1, fact.month))
            if last is not None and last.factor_to(fact) is not None:
                words = ("“unchanged on last year”", "“与上年持平”")
                sums.append(Identity("change", fact, [(1, last)], *words))
    yield from evaluate(book, sums)


def _rate_of_change(book: Book, level: Fact, delta: Fact, rate: Fact) -> Iterator[Finding]:
    factor = level.factor_to(delta) or Decimal(1)
    old = level.interval.scaled(factor) - delta.interval
    if old.lo <= 0 <= old.hi:
        return
    computed = (delta.interval / old).scaled(100)
    if computed.meets(rate.interval):
        book.tied["change"] += 1
        return
    base = level.number * factor - delta.number
    value = delta.number / base * 100
    yield finding(
        "change",
        "error",
        [rate, delta, level],
        stated=rate.number,
        computed=round(value, 4),
        tolerance=computed.half + rate.interval.half,
        en=f"{rate.label.raw} is printed as {show(rate.number)} %; a change of "
        f"{show(delta.number)} to {show(level.number)} from {show(base)} is {show(value, 2)} %.",
        zh=f"“{rate.label.raw}”列 {show(rate.number)}%；由 {show(base)} 增减 {show(delta.number)}"
        " 至 "
        f"{show(level.number)}，应为 {show(value, 2)}%。",
    )
