"""Sums in tables that give one figure a row: rows, prefixes, codes, standard forms, balances."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from operator import attrgetter

from fiscalmodel.checks.claims import Check, Claim, Follows, Sums
from fiscalmodel.checks.facts import COUNTS, YEAR, Book, Fact, base_name, by, grouped

#: Totals that every row of their table adds up to.
PLAIN_TOTAL = {"合计", "总计", "共计", "当年预算合计", "预算合计", "项目预算合计"}
#: Prefixes of rows that explain others and are no parts themselves.
ASIDE = {"采购计划", "测算"}
#: Column of what the level above pays, where the first column already holds it.
TRANSFER = "上级转移支付金额"


@dataclass(frozen=True)
class Template:
    """A total and its parts by name (after numbering, codes and brackets are taken off).

    All of `parts` must be there; those of `optional` count if they are.
    """

    total: str
    #: Names of the parts; one that begins with a minus sign is subtracted.
    parts: tuple[str, ...]
    optional: tuple[str, ...] = ()
    rule: str = "sum_total"
    of: str = "parts"


#: Department budget (部门预算公开), levels of revenue, transfers.
TEMPLATES = (
    Template("收支总预算", ("基本支出", "项目支出"), ("经营支出", "上缴上级支出")),
    Template("基本支出", ("人员经费", "公用经费")),
    Template("人员经费", ("工资福利支出", "对个人和家庭的补助")),
    Template("公用经费", ("商品和服务支出",), ("资本性支出",)),
    Template("三公经费", ("因公出国费", "公务接待费", "公务用车购置及运行维护费")),
    Template("政府采购预算", ("货物类", "服务类"), ("工程类",)),
    Template("收支总预算", ("人员类项目支出", "运转类项目支出", "特定目标类项目支出")),
    Template("在职人员实有", ("行政在职", "事业在职")),
    Template("大口径财政收入", ("税收收入", "非税收入")),
    Template("大口径财政收入", ("上划中央", "县级留用"), ("上划省", "上划市")),
    Template("一般公共预算收入", ("税收收入", "非税收入")),
    Template(
        "上级补助收入",
        ("返还性收入", "一般性转移支付收入"),
        ("专项补助收入", "专项转移支付收入"),
    ),
)
#: 人员类 is 人员经费; 运转类 and 特定目标类 together are 公用经费 and 项目支出, printed elsewhere.
_CHANGED = "class_change"
CLASSES = (
    Template("人员类项目支出", ("人员经费",), (), _CHANGED, "staff"),
    Template(
        "特定目标类项目支出",
        ("公用经费", "项目支出", "-运转类项目支出"),
        (),
        _CHANGED,
        "classes_changed",
    ),
)

#: What may stand on the two sides of a budget's balance (决算平衡), by its own name.
INCOME = re.compile(
    r"^(?:地方)?(?:一般公共|政府性基金|国有资本经营|社会保险基金)(?:预算)?(?:本级)?收入$"
    r"|^(?:本级|本年)?收入$|^上级(?:补助|转移支付|转移支付补助)收入$|债[务券]?(?:\(转贷\))?转贷收入$"
    r"|^债务收入$"
    r"|^上年(?:结余|结转)|^调入(?:资金|预算)|^动用.*基金$|^区域间转移性收入$|^下级上解收入$"
)
OUTGO = re.compile(
    r"^(?:地方)?(?:一般公共|政府性基金|国有资本经营|社会保险基金)(?:预算)?(?:本级)?支出$"
    r"|^(?:本级|本年)?支出$|^上解(?:上级)?支出$|债务?(?:券)?还本支出$|^调出资金$|^(?:安排|补充).*(?:基金|周转金)$"
    r"|^区域间转移性支出$|^补助下级支出$|^债务转贷支出$"
)
INCOME_TOTAL = re.compile(r"^(?:收入|收入方)总计$")
OUTGO_TOTAL = re.compile(r"^(?:支出|支出方)总计$")
CARRY = re.compile(r"^(?:年终)?结转(?:下年|结余)?|^年终结余|^滚存结余|^结余结转下年")
_NET = re.compile(r"^净结余$")


#: First digit of the codes of classes -> names of what they add up to.
_CLASSED = {"2": ("收支总预算", "支出合计", "支出总计"), "3": ("基本支出",)}


def plus(facts: list[Fact]) -> list[tuple[int, Fact]]:
    """Facts that are added."""
    return [(1, fact) for fact in facts]


def form_total(facts: list[Fact]) -> Fact | None:
    """The total of a form."""
    return next((f for f in facts if f.label.core in PLAIN_TOTAL and not f.label.prefix), None)


def details(facts: list[Fact], total: Fact) -> list[Fact]:
    """The rows of a project form that its total is made of."""
    like = [f for f in facts if f.unit == total.unit and f.kind == total.kind and f is not total]
    named = [f for f in like if f.label.prefix not in ASIDE and f.label.core != TRANSFER]
    marked = attrgetter("label.row", "label.level", "label.of_which", "label.is_total")
    return [f for f in named if not any(marked(f))]


def _table(facts: list[Fact]) -> Iterator[Sums]:
    """``第n行`` rows, funding sources and detail lines against 合计; 其中 against its row."""
    numbered = [f for f in facts if f.label.row]
    whole = form_total(facts)
    total = next((f for f in facts if f.label.core in PLAIN_TOTAL and not f.label.row), None)
    if total and len(numbered) > 1:
        yield Sums("sum_total", total, plus(numbered), "rows")
    if whole is not None and not numbered:
        sources = [f for f in facts if f.label.level and f.unit == whole.unit and f is not whole]
        lines = details(facts, whole)
        if sources:
            yield Sums("sum_total", whole, plus(sources), "sources")
        if len(lines) > 1:
            yield Sums("sum_total", whole, plus(lines), "lines")
    parent: Fact | None = None
    amounts = [f for f in facts if f.unit not in ("%", "倍")]
    whole = form_total(amounts)
    for fact in amounts:
        if not fact.label.of_which:
            parent = fact
        elif parent is not None and parent.factor_to(fact) is not None:
            yield Sums("of_which", parent, [(1, fact)], "of_which", at_most=True)
        partial = fact.label.is_total and not fact.label.prefix and fact is not whole
        if whole is not None and partial and fact.label.core not in PLAIN_TOTAL:
            yield Sums("of_which", whole, [(1, fact)], "of_which", at_most=True)


def _prefixes(book: Book) -> Iterator[Sums]:
    """``A:part`` against ``A:合计`` in its table, or against ``A`` in its publication."""
    plain = by(*YEAR, "label.core", when=lambda f: not f.label.prefix)
    named = grouped(book.listed, plain)
    prefixed = by("table", "label.prefix", when=lambda f: f.label.prefix not in {"", *ASIDE})
    for facts in grouped(book.listed, prefixed).values():
        parts = [f for f in facts if not f.label.is_total and f.label.core != TRANSFER]
        one = facts[0]
        outside = named.get((one.document, one.entity, one.year, one.label.prefix), [])
        total = next((f for f in [*facts, *outside[:1]] if f.label.is_total or f in outside), None)
        if total and len(parts) > 1 and all(p.unit == parts[0].unit for p in parts):
            yield Sums("sum_total", total, plus(parts))


def _codes(book: Book) -> Iterator[Sums]:
    """Functional classes (2xx) against the budget's total, economic ones (30x) against 基本支出."""
    for facts in book.documents.values():
        named = {f.label.core: f for f in reversed(facts) if not f.label.prefix}
        three = by("section", "year", when=lambda f: len(f.label.code) == 3 and not f.in_grid)
        for coded in grouped(facts, three).values():
            for first, names in _CLASSED.items():
                parts = [f for f in coded if f.label.code.startswith(first)]
                total = next((named[n] for n in names if n in named), None)
                if total and total.year == coded[0].year and len(parts) > 1:
                    yield Sums("sum_total", total, plus(parts), "classes")


def _forms(templates: tuple[Template, ...], facts: list[Fact]) -> Iterator[Sums]:
    """Totals of the standard forms by the official names of their parts."""
    printed = {base_name(f.label.core) for f in facts}
    for template in templates:
        if template.total not in printed:
            continue
        for total in [f for f in facts if base_name(f.label.core) == template.total]:
            names = (*template.parts, *template.optional)
            parts = [(n, _nearest(facts, total, n.removeprefix("-"))) for n in names]
            if all(part for _, part in parts[: len(template.parts)]):
                known = [(-1 if n[0] == "-" else 1, part) for n, part in parts if part]
                yield Sums(template.rule, total, known, template.of)


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


def _counts(facts: list[Fact]) -> Iterator[Sums]:
    """Counts: ``编制总数`` against ``行政编制``, ``事业编制`` and so on, table by table."""
    for total in facts:
        stem = _stem(total.label.core)
        named = len(stem) > 3 or total.label.core.endswith(("总数", "合计"))
        stems = [(f, _stem(f.label.core)) for f in facts]
        longer = [f for f, name in stems if name.endswith(stem) and len(name) > len(stem)]
        for parts in grouped(longer, by("section")).values():
            if named and len(stem) > 1 and len(parts) > 1:
                yield Sums("sum_total", total, plus(parts))


def _balance_totals(facts: list[Fact]) -> tuple[Fact | None, Fact | None]:
    income = next((f for f in facts if INCOME_TOTAL.search(f.label.core)), None)
    outgo = next((f for f in facts if OUTGO_TOTAL.search(f.label.core)), None)
    return income, outgo


def _balance(facts: list[Fact]) -> Iterator[Sums]:
    """Both sides of a budget's balance, and what is carried forward.

    In a table as printed the rows tell what a total is of (see `totals`).
    """
    income, outgo = _balance_totals(facts)
    carry = [f for f in facts if CARRY.search(f.label.core)]
    for total, pattern in ((income, INCOME), (outgo, OUTGO)):
        parts = [f for f in facts if pattern.search(f.label.core)]
        # Where both sides are equal, what is carried forward is an item of the second.
        if total is outgo and income and outgo and income.number == outgo.number:
            parts += carry
        if total and len(parts) > 1 and not (total.in_grid and not total.scope):
            yield Sums("sum_total", total, plus(parts), "items")
    if income and outgo and carry and outgo.number != income.number:
        yield Sums("sum_total", income, plus([outgo, *carry]), "carried")


def _open(facts: list[Fact]) -> Iterator[Claim]:
    """Totals of income and expenditure that differ, with no carry-over printed."""
    income, outgo = _balance_totals(facts)
    carried = any(CARRY.search(f.label.core) or _NET.search(f.label.core) for f in facts)
    if not income or not outgo or carried or income.unit != outgo.unit:
        return
    short = income.number < outgo.number
    said = "open_balance.missing" if short else "open_balance.carried"
    more = income.number > outgo.number
    yield Follows(
        "open_balance", income, [outgo], outgo.number, outgo.interval, said,
        severity="warning" if more else "error",
    )  # fmt: skip


def _plain(f: Fact) -> bool:
    return not f.label.prefix and f.unit not in ("%", "倍")


def _counted(f: Fact) -> bool:
    return f.unit in COUNTS and not (f.label.prefix or f.label.of_which)


_FORM = by(*YEAR, "period", "version", when=_plain)
#: One budget of one entity and period.
_BUDGET = ("table", "scope")
_MONEY = by(*_BUDGET, when=lambda f: not f.label.of_which and f.yuan)

CHECKS = (
    Check(("sum_total", "of_which"), _table, by("table")),
    Check(("sum_total",), _prefixes),
    Check(("sum_total",), _codes),
    Check(("sum_total",), partial(_forms, TEMPLATES), _FORM, printed=True),
    Check(("class_change",), partial(_forms, CLASSES), by(*YEAR, when=_plain), printed=True),
    Check(("sum_total",), _counts, by(*YEAR, "unit", when=_counted)),
    Check(("sum_total",), _balance, _MONEY, printed=True),
    Check(("open_balance",), _open, by(*_BUDGET), printed=True),
)
