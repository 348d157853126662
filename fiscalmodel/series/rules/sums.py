"""Sums against totals in long tables: rows, prefixes, codes, standard forms, balances."""

from __future__ import annotations

from collections.abc import Iterator

from fiscalmodel.series.findings import Finding
from fiscalmodel.series.rules.book import COUNTS, Book, Fact
from fiscalmodel.series.rules.identities import Identity, evaluate
from fiscalmodel.series.rules.levels import base_name
from fiscalmodel.series.rules.registry import rule
from fiscalmodel.series.rules.report import finding, show
from fiscalmodel.series.rules.templates import (
    CARRY,
    INCOME,
    INCOME_TOTAL,
    NET,
    OUTGO,
    OUTGO_TOTAL,
    TEMPLATES,
)

#: Totals that every row of their table adds up to.
PLAIN_TOTAL = {"合计", "总计", "共计", "当年预算合计", "预算合计", "项目预算合计"}
#: Prefixes of rows that explain others and are no parts themselves.
ASIDE = {"采购计划", "测算"}
#: Column of what the level above pays, where the first column already holds it.
TRANSFER = "上级转移支付金额"


#: Parts of which (其中), which cannot exceed the whole.
OF_WHICH = {"of_which": ("parts above their whole (其中)", "其中项大于总数")}


@rule("sum_total", en="sums against totals", zh="分项之和与合计", finds=OF_WHICH)
def sum_total(book: Book) -> Iterator[Finding]:
    """Every total against the parts that its table, form or code names."""
    yield from evaluate(
        book,
        [
            *_numbered_rows(book),
            *_forms(book),
            *_prefixes(book),
            *_codes(book),
            *_templates(book),
            *_counts(book),
            *_of_which(book),
            *_balances(book),
        ],
    )


def _plus(facts: list[Fact]) -> list[tuple[int, Fact]]:
    return [(1, fact) for fact in facts]


def _lists(book: Book) -> Iterator[list[Fact]]:
    """Tables given one figure a row; those as printed have rules of their own."""
    for facts in book.tables.values():
        if not facts[0].in_grid:
            yield facts


def _numbered_rows(book: Book) -> Iterator[Identity]:
    """``第n行`` rows against 合计 of the same table."""
    for facts in _lists(book):
        rows = [f for f in facts if f.label.row]
        total = next((f for f in facts if f.label.core in PLAIN_TOTAL and not f.label.row), None)
        if total and len(rows) > 1:
            yield Identity("sum_total", total, _plus(rows), "the rows", "各行之和")


def details(facts: list[Fact], total: Fact) -> list[Fact]:
    """The rows of a project form that its total is made of."""
    return [
        f
        for f in facts
        if f is not total
        and f.unit == total.unit
        and f.kind == total.kind
        and not (f.label.row or f.label.level or f.label.of_which or f.label.is_total)
        and f.label.prefix not in ASIDE
        and f.label.core != TRANSFER
    ]


def _forms(book: Book) -> Iterator[Identity]:
    """Funding sources and detail lines of a project form against its total."""
    for facts in _lists(book):
        total = next((f for f in facts if f.label.core in PLAIN_TOTAL and not f.label.prefix), None)
        if total is None or any(f.label.row for f in facts):
            continue
        numbered = [f for f in facts if f.label.level and f.unit == total.unit and f is not total]
        if numbered:
            yield Identity(
                "sum_total", total, _plus(numbered), "the funding sources", "资金来源之和"
            )
        parts = details(facts, total)
        if len(parts) > 1:
            yield Identity("sum_total", total, _plus(parts), "the detail lines", "明细之和")


def _prefixes(book: Book) -> Iterator[Identity]:
    """``A:part`` against ``A:合计`` in its table, or against ``A`` in its publication."""
    groups = book.group(
        lambda f: (
            (f.document, f.section, f.entity, f.year, f.period, f.label.prefix)
            if f.figure and f.label.prefix and f.label.prefix not in ASIDE
            else None
        )
    )
    named = book.group(
        lambda f: (
            (f.document, f.entity, f.year, f.label.core)
            if f.figure and not f.label.prefix
            else None
        )
    )
    for facts in groups.values():
        parts = [f for f in facts if not f.label.is_total and f.label.core != TRANSFER]
        total = next((f for f in facts if f.label.is_total), None)
        if total is None and parts:
            one = parts[0]
            key = (one.document, one.entity, one.year, one.label.prefix)
            total = next(iter(named.get(key, [])), None)
        if total and len(parts) > 1 and all(p.unit == parts[0].unit for p in parts):
            yield Identity("sum_total", total, _plus(parts))


def _codes(book: Book) -> Iterator[Identity]:
    """Functional classes (2xx) against the budget's total, economic ones (30x) against 基本支出."""
    for facts in book.documents.values():
        named = {f.label.core: f for f in reversed(facts) if not f.label.prefix}
        tables = book.group(
            lambda f: (f.section, f.year) if len(f.label.code) == 3 else None, facts
        )
        for coded in tables.values():
            year = coded[0].year
            for first, names in (
                ("2", ("收支总预算", "支出合计", "支出总计")),
                ("3", ("基本支出",)),
            ):
                parts = [f for f in coded if f.label.code.startswith(first)]
                total = next((named[n] for n in names if n in named), None)
                if total and total.year == year and len(parts) > 1:
                    words = ("the budget classes", "各科目之和")
                    yield Identity("sum_total", total, _plus(parts), *words)


def _templates(book: Book) -> Iterator[Identity]:
    """Totals of the standard forms by the official names of their parts."""
    wanted = {t.total for t in TEMPLATES}
    contexts = book.group(
        lambda f: (
            (f.document, f.entity, f.year, f.period) if f.figure and not f.label.prefix else None
        )
    )
    for facts in contexts.values():
        if not wanted & {base_name(f.label.core) for f in facts}:
            continue
        for template in TEMPLATES:
            for total in [f for f in facts if base_name(f.label.core) == template.total]:
                parts = [_nearest(facts, total, name) for name in template.parts]
                extra = [_nearest(facts, total, name) for name in template.optional]
                if all(parts):
                    known = [p for p in [*parts, *extra] if p is not None]
                    yield Identity("sum_total", total, _plus(known))


def _nearest(facts: list[Fact], total: Fact, name: str) -> Fact | None:
    """The fact of that name in the total's own table, else elsewhere in the publication."""
    hits = [f for f in facts if base_name(f.label.core) == name and f.scope in ("", total.scope)]
    own = [f for f in hits if f.section == total.section]
    return next(iter(own or hits), None)


def _stem(core: str) -> str:
    """``编制总数`` and ``行政编制`` have the stem 编制 in common."""
    for word in ("总数", "合计", "数"):
        core = core.removesuffix(word)
    return core


def _counts(book: Book) -> Iterator[Identity]:
    """Counts: ``编制总数`` against ``行政编制``, ``事业编制`` and so on, table by table."""
    groups = book.group(
        lambda f: (
            (f.document, f.entity, f.year, f.unit)
            if f.figure
            and f.unit in COUNTS
            and not (f.label.prefix or f.label.of_which or f.in_grid)
            else None
        )
    )
    for facts in groups.values():
        for total in facts:
            stem = _stem(total.label.core)
            named = len(stem) > 3 or total.label.core.endswith(("总数", "合计"))
            longer = [
                f
                for f in facts
                if (name := _stem(f.label.core)).endswith(stem) and len(name) > len(stem)
            ]
            for section in dict.fromkeys(f.section for f in longer):
                parts = [f for f in longer if f.section == section]
                if named and len(stem) > 1 and len(parts) > 1:
                    yield Identity("sum_total", total, _plus(parts))


def _of_which(book: Book) -> Iterator[Identity]:
    """``其中`` rows against the row above them; partial totals against the whole."""
    for table in _lists(book):
        facts = [f for f in table if f.unit not in ("%", "倍")]
        parent: Fact | None = None
        whole = next((f for f in facts if f.label.core in PLAIN_TOTAL and not f.label.prefix), None)
        for fact in facts:
            if not fact.label.of_which:
                parent = fact
            elif parent is not None and parent.factor_to(fact) is not None:
                yield Identity("of_which", parent, [(1, fact)], "its parts", "其中数", at_most=True)
            partial = fact.label.is_total and not fact.label.prefix and fact is not whole
            if whole is not None and partial and fact.label.core not in PLAIN_TOTAL:
                yield Identity("of_which", whole, [(1, fact)], "its parts", "其中数", at_most=True)


def _balances(book: Book) -> Iterator[Identity]:
    """Both sides of a budget's balance, and what is carried forward."""
    scopes = book.group(
        lambda f: (
            (f.document, f.entity, f.scope, f.section, f.year, f.period)
            if f.figure and not f.label.of_which and f.yuan
            else None
        )
    )
    for facts in scopes.values():
        totals = _balance_totals(facts)
        income, outgo = totals
        carry = [f for f in facts if CARRY.search(f.label.core)]
        if income:
            parts = [f for f in facts if INCOME.search(f.label.core)]
            if len(parts) > 1:
                yield Identity("sum_total", income, _plus(parts), "the items", "各项之和")
        if outgo:
            parts = [f for f in facts if OUTGO.search(f.label.core)]
            # Where both sides are equal, what is carried forward is an item of the second.
            if income and income.number == outgo.number:
                parts += carry
            if len(parts) > 1:
                yield Identity("sum_total", outgo, _plus(parts), "the items", "各项之和")
        if income and outgo and carry and outgo.number != income.number:
            words = ("expenditure and what is carried forward", "支出与结转之和")
            yield Identity("sum_total", income, _plus([outgo, *carry]), *words)


def _balance_totals(facts: list[Fact]) -> tuple[Fact | None, Fact | None]:
    income = next((f for f in facts if INCOME_TOTAL.search(f.label.core)), None)
    outgo = next((f for f in facts if OUTGO_TOTAL.search(f.label.core)), None)
    return income, outgo


@rule("open_balance", en="a balance left open", zh="收支总计未轧平")
def open_balance(book: Book) -> Iterator[Finding]:
    """Totals of income and expenditure that differ, with no carry-over printed."""
    scopes = book.group(
        lambda f: (f.document, f.entity, f.scope, f.section, f.year, f.period) if f.figure else None
    )
    for facts in scopes.values():
        income, outgo = _balance_totals(facts)
        carried = any(CARRY.search(f.label.core) or NET.search(f.label.core) for f in facts)
        if not income or not outgo or carried or income.unit != outgo.unit:
            continue
        gap = income.number - outgo.number
        if abs(gap) > income.interval.half + outgo.interval.half:
            unit = income.unit
            yield finding(
                "open_balance",
                "warning" if gap > 0 else "error",
                [income, outgo],
                stated=income.number,
                computed=outgo.number,
                tolerance=income.interval.half + outgo.interval.half,
                en=f"{income.scope}: income {show(income.number)} and expenditure "
                f"{show(outgo.number)} differ by {show(gap)} {unit}, and no carry-over is printed. "
                f"It would tie with {show(gap)} carried forward (结转下年)."
                + ("" if gap > 0 else " Expenditure exceeds income: an item is missing."),
                zh=f"{income.scope}收入总计 {show(income.number)}、支出总计 {show(outgo.number)}，"
                f"相差 {show(gap)} {unit}，表中未列结转。"
                + (f"若结转下年 {show(gap)} 则轧平。" if gap > 0 else "支出大于收入，缺列项目。"),
            )
