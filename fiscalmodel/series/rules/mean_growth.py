"""Mean growth (geometric, over which steps) and multiples worded as growth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from fiscalmodel.series.findings import Finding
from fiscalmodel.series.intervals_printed import Interval, exactly
from fiscalmodel.series.rules.book import Book, Fact
from fiscalmodel.series.rules.growth import CALIBRE_BREAK, growth_base
from fiscalmodel.series.rules.levels import Levels, levels_of, point, ratio_of
from fiscalmodel.series.rules.registry import rule
from fiscalmodel.series.rules.report import finding, show


@dataclass(frozen=True)
class _Way:
    """One way to work out a mean: its value, interval, the facts it uses, its name."""

    value: Decimal
    interval: Interval
    facts: list[Fact]
    en: str
    zh: str
    nominal: bool


@rule("mean_growth", en="mean growth, geometric", zh="年均增速（几何平均）", finds=CALIBRE_BREAK)
def mean_growth(book: Book) -> Iterator[Finding]:
    """A mean rate against the levels at both ends, and against the yearly rates."""
    levels = levels_of(book)
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
        ways = [*_from_rates(mean, rates), *_from_levels(mean, levels, base)]
        wrong = list(_judge(mean, ways))
        book.tied["mean_growth"] += bool(ways) and not wrong
        yield from wrong


def _from_levels(mean: Fact, levels: Levels, base: str) -> Iterator[_Way]:
    """``(last / first) ** (1 / steps) - 1``, from the first year or the year before it."""
    known = levels.of(mean, base)
    first, last = mean.years
    for start in (first, first - 1):
        old, new = known.get((start, "")), known.get((last, ""))
        steps = last - start
        ratio = ratio_of(new, old) if old and new and steps > 0 else None
        if old is None or new is None or ratio is None or ratio.lo <= 0:
            continue
        power = 1 / Decimal(steps)
        yield _Way(
            (point(new, old) ** power - 1) * 100,
            (ratio**power).scaled(100, -100),
            [new, old],
            f"{show(old.number)} ({start}) to {show(new.number)} ({last}), {steps} steps",
            f"{start} 年 {show(old.number)} 至 {last} 年 {show(new.number)}，{steps} 期",
            nominal=True,
        )


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
        if product.lo <= 0:
            continue
        power = 1 / Decimal(len(facts))
        yield _Way(
            (value**power - 1) * 100,
            (product**power).scaled(100, -100),
            facts,
            f"the geometric mean of the {len(facts)} yearly rates {start} to {last}",
            f"{start}—{last} 年 {len(facts)} 个年度增速的几何平均",
            nominal=False,
        )


def _judge(mean: Fact, ways: list[_Way]) -> Iterator[Finding]:
    if not ways:
        return
    ties = [w for w in ways if w.interval.meets(mean.interval)]
    nominal = [w for w in ways if w.nominal]
    if mean.like_for_like and nominal and not any(w.nominal for w in ties):
        way = nominal[0]
        if ties:
            yield _calibre(mean, way, ties[0])
            return
    if ties or (mean.like_for_like and all(w.nominal for w in ways)):
        return
    way = ways[0]
    tried_en = "; ".join(f"{w.en}: {show(w.value, 2)} %" for w in ways)
    tried_zh = "；".join(f"{w.zh}：{show(w.value, 2)}%" for w in ways)
    plain = [w for w in ways if not w.nominal and _arithmetic(w, mean)]
    en = " It is their arithmetic mean, which overstates the growth." if plain else ""
    zh = "所列为算术平均，高估增速。" if plain else ""
    yield finding(
        "mean_growth",
        "error",
        [mean, *way.facts],
        stated=mean.number,
        computed=round(way.value, 4),
        tolerance=way.interval.half + mean.interval.half,
        en=f"{mean.label.raw} {mean.year} is printed as {show(mean.number)} %. {tried_en}.{en}",
        zh=f"“{mean.label.raw}”（{mean.year}）列 {show(mean.number)}%；{tried_zh}。{zh}",
    )


def _arithmetic(way: _Way, mean: Fact) -> bool:
    average = sum((f.number for f in way.facts), Decimal(0)) / len(way.facts)
    return abs(average - mean.number) <= mean.interval.half


def _calibre(mean: Fact, nominal: _Way, tie: _Way) -> Finding:
    steps = len(tie.facts)
    five = "五年" in mean.period + mean.label.raw and steps != 5
    en_steps = f" The source says five years (五年); the steps are {steps}." if five else ""
    zh_steps = f"原文称“五年”，实为 {steps} 期。" if five else ""
    return finding(
        "calibre_break",
        "note",
        [mean, *nominal.facts, *tie.facts],
        stated=mean.number,
        computed=round(nominal.value, 4),
        tolerance=nominal.interval.half + mean.interval.half,
        en=f"{mean.label.raw} {mean.year}: {show(mean.number)} % is {tie.en}, like-for-like. The "
        f"levels as published give {show(nominal.value, 2)} % ({nominal.en}): do not apply the "
        f"printed mean to them.{en_steps}",
        zh=f"“{mean.label.raw}”（{mean.year}）{show(mean.number)}% 为{tie.zh}（同口径）；"
        f"按公布绝对数为 {show(nominal.value, 2)}%（{nominal.zh}），不可混用。{zh_steps}",
    )


@rule("multiple_as_growth", en="multiples worded as growth", zh="倍数误作增长倍数")
def multiple_as_growth(book: Book) -> Iterator[Finding]:
    """``增长 X 倍`` against the ratio of the levels: growth of X times is a ratio of X + 1."""
    levels = levels_of(book)
    for fact in book.facts:
        if fact.unit != "倍" or fact.figure is None or len(fact.years) != 2:
            continue
        core = fact.label.core
        worded = any(word in fact.label.raw for word in ("增长", "增加", "提高"))
        for word in ("增长倍数", "增加倍数", "倍数", "增长", "增加"):
            core = core.removesuffix(word)
        known = levels.of(fact, core)
        old, new = known.get((fact.years[0], "")), known.get((fact.years[1], ""))
        ratio = ratio_of(new, old) if old and new else None
        if old is None or new is None or ratio is None:
            continue
        as_growth = ratio.scaled(1, -1).meets(fact.interval)
        as_ratio = ratio.meets(fact.interval)
        if (worded and as_growth) or (as_ratio and not worded):
            book.tied["multiple_as_growth"] += 1
            continue
        yield _multiple(fact, new, old, point(new, old), as_ratio)


def _multiple(fact: Fact, new: Fact, old: Fact, value: Decimal, as_ratio: bool) -> Finding:
    pct = (value - 1) * 100
    said = show(fact.number * 100)
    en_tie = (
        f"The figure is the ratio; 增长{fact.text}倍 says {said} %. It would tie as "
        f"“为 {old.year} 年的 {fact.text} 倍” or “增长 {show(pct, 1)}%”."
        if as_ratio
        else "Neither as a ratio nor as growth does it follow from the levels."
    )
    zh_tie = (
        f"所列为比值，“增长{fact.text}倍”意为增长 {said}%；应表述为“为 {old.year} 年的 "
        f"{fact.text} 倍”"
        f"或“增长 {show(pct, 1)}%”。"
        if as_ratio
        else "按比值或增长倍数均不能由绝对数得出。"
    )
    return finding(
        "multiple_as_growth",
        "warning" if as_ratio else "error",
        [fact, new, old],
        stated=fact.number,
        computed=round(value - 1, 4),
        tolerance=fact.interval.half,
        en=f"{show(old.number)} ({old.year}) to {show(new.number)} ({new.year}) is "
        f"{show(value, 2)} times, a growth of {show(pct, 1)} %. {en_tie}",
        zh=f"{old.year} 年 {show(old.number)} 至 {new.year} 年 {show(new.number)} 为 "
        f"{show(value, 2)} 倍，增长 {show(pct, 1)}%。{zh_tie}",
    )
