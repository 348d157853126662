"""One item with two amounts, lists against plans, columns that hold one another."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal

from fiscalmodel.series.findings import Finding
from fiscalmodel.series.rules.book import Book, Fact
from fiscalmodel.series.rules.identities import Identity, arithmetic, evaluate
from fiscalmodel.series.rules.labels import same_name
from fiscalmodel.series.rules.levels import ALIASES
from fiscalmodel.series.rules.registry import rule
from fiscalmodel.series.rules.report import finding, show
from fiscalmodel.series.rules.slips import slip
from fiscalmodel.series.rules.sums import PLAIN_TOTAL, TRANSFER, details

#: Columns of a programme's history: no items of their own.
_HISTORY = re.compile(r"^(?:年初预算|年中调整|调整预算|执行|执行率|压减|拟调减|自评分|.*月执行)$")
_PLAN = "采购计划"
_PROGRAMME_LISTS = {"项目支出", "项目支出情况"}


def _item(fact: Fact) -> str | None:
    """The item that an amount is of, None if its name says too little."""
    lab = fact.label
    if lab.core in PLAIN_TOTAL and not lab.prefix:
        if "申报表/" in fact.section:
            return same_name(fact.section.rpartition("/")[2])
        return f"{fact.scope}合计" if fact.section.endswith("表") and fact.scope else None
    if lab.prefix in _PROGRAMME_LISTS:
        return same_name(lab.core)
    if lab.core in (f"{fact.scope}预算", f"{fact.scope}支出"):
        return f"{fact.scope}合计"
    plain = not lab.prefix or lab.prefix == _PLAN
    if not plain or lab.level or lab.is_total or lab.of_which or _HISTORY.match(lab.core):
        return ALIASES.get(lab.core)
    return same_name(ALIASES.get(lab.core, lab.core))


def _place(fact: Fact) -> str:
    """The table, or the estimate that a table's text prints beside it."""
    return fact.section + ("#" if fact.label.core.endswith("测算") else "")


@rule("two_amounts", en="one item with two amounts", zh="同一项目两个金额")
def two_amounts(book: Book) -> Iterator[Finding]:
    """The same item of one publication and year in two tables."""
    items: dict[tuple[str, ...], list[Fact]] = defaultdict(list)
    for fact in book.facts:
        if fact.figure is None or not fact.yuan or fact.kind in ("floor", "ceiling"):
            continue
        item = _item(fact)
        # An outturn and a budget of one item are no contradiction.
        if item and fact.section and len(fact.years) == 1 and not fact.month:
            kind = "budget" if fact.kind in ("budget", "") else fact.kind
            items[(fact.document, fact.entity, fact.year, kind, item)].append(fact)
    for facts in items.values():
        yield from _compare(book, facts)


def _compare(book: Book, facts: list[Fact]) -> Iterator[Finding]:
    first: dict[str, Fact] = {}
    places = [_place(f) for f in facts]
    for fact, place in zip(facts, places, strict=True):
        # Two rows of one name in a table: which of them is meant stays open.
        if places.count(place) == 1:
            first[place] = fact
    kept = list(first.values())
    for i, other in enumerate(kept[1:], 1):
        for base in kept[:i]:
            if base.project and other.project and base.project != other.project:
                continue
            factor = other.factor_to(base)
            assert factor is not None
            assert base.figure is not None
            assert other.figure is not None
            gap = base.number - other.number * factor
            tolerance = base.figure.half + other.figure.half * factor
            # At the very edge the two would have been printed alike.
            book.tied["two_amounts"] += not (gap and abs(gap) >= tolerance)
            if gap and abs(gap) >= tolerance:
                yield _two(base, other, factor, gap, tolerance)
            if gap or base is kept[0]:
                break


def _two(base: Fact, other: Fact, factor: Decimal, gap: Decimal, tolerance: Decimal) -> Finding:
    amount = other.number * factor
    found = slip(base.number, amount, max(base.figure.digits if base.figure else 0, 2))
    # With two digits nearly every pair is one digit apart: that tells nothing.
    if found and found.order > 1 and len(f"{base.number.normalize():f}".strip("0.")) < 3:
        found = None
    en = f" A slip would explain it: {found.en}." if found else ""
    zh = f"可能的笔误：{found.zh}。" if found else ""
    derived = next((f for f in (base, other) if "derived" in f.note or "illegible" in f.note), None)
    if derived:
        en += f" {derived.cell} could not be read in the source and was derived from its total."
        zh += f"{derived.cell} 原文不清，由合计数倒推。"
    return finding(
        "two_amounts",
        "error" if found or base.label.core == other.label.core else "warning",
        [base, other],
        stated=base.number,
        computed=amount,
        tolerance=tolerance,
        en=f"{base.label.core!r} is {show(base.number)} {base.unit} in {base.section} and "
        f"{show(amount)} in {other.section} ({other.label.raw}): differs by {show(gap)}.{en} It "
        "would tie if one of the two covers only a part of the item.",
        zh=f"“{base.label.core}”在{base.section}为 {show(base.number)} {base.unit}，在"
        f"{other.section}（{other.label.raw}）为 {show(amount)}，相差 {show(gap)}。{zh}"
        "若其中一处只列部分内容，应注明。",
    )


@rule("plan_against_list", en="plans of programmes against lists", zh="项目计划与汇总表")
def plan_against_list(book: Book) -> Iterator[Finding]:
    """Procurement planned in a programme's form against its rows in the procurement list."""
    plans: dict[tuple[str, ...], list[Fact]] = defaultdict(list)
    lists: dict[tuple[str, ...], list[Fact]] = defaultdict(list)
    for fact in book.facts:
        if fact.figure is None or not fact.project or not fact.yuan:
            continue
        key = (fact.document, fact.entity, fact.year, fact.project)
        if fact.label.prefix == _PLAN:
            plans[key].append(fact)
        elif fact.label.row and fact.scope == "政府采购" and not fact.label.prefix:
            lists[key].append(fact)
    for plan_key, plan in plans.items():
        if plan_key in lists:
            yield from _plan(plan, lists[plan_key], plan_key[-1])


def _plan(plan: list[Fact], rows: list[Fact], programme: str) -> Iterator[Finding]:
    unit = rows[0]
    planned = sum((f.number * (f.factor_to(unit) or 0) for f in plan), Decimal(0))
    listed = sum((f.number * (f.factor_to(unit) or 0) for f in rows), Decimal(0))
    gap = listed - planned
    halves = sum((f.interval.half * (f.factor_to(unit) or 0) for f in [*plan, *rows]), Decimal(0))
    if abs(gap) <= min(halves, Decimal("0.5")):
        return
    alone = [f for f in rows if f.number == gap]
    en = f" It would tie without {alone[0].label.raw!r}." if alone else ""
    zh = f"若不含“{alone[0].label.raw}”则轧平。" if alone else ""
    yield finding(
        "plan_against_list",
        "warning",
        [*rows, *plan],
        stated=listed,
        computed=planned,
        tolerance=halves,
        unit=unit.unit,
        en=f"{programme}: the procurement list has {len(rows)} rows of {show(listed)} "
        f"{unit.unit}, the programme's own plan {show(planned)}: differs by {show(gap)}.{en}",
        zh=f"{programme}：政府采购表 {len(rows)} 行共 {show(listed)} {unit.unit}，"
        "项目申报表采购计划"
        f"共 {show(planned)}，相差 {show(gap)}。{zh}",
    )


@rule("list_within_budget", en="lists within the programme's budget", zh="明细不超过项目预算")
def list_within_budget(book: Book) -> Iterator[Finding]:
    """Rows of one programme in a list cannot exceed the programme's budget."""
    budgets: dict[tuple[str, ...], Fact] = {
        (f.document, f.entity, f.year, f.label.core): f
        for f in book.facts
        if f.figure and f.yuan and f.label.prefix == "项目支出"
    }
    rows = book.group(
        lambda f: (
            (f.document, f.entity, f.year, f.project, f.section)
            if f.figure and f.project and f.label.row and not f.label.prefix
            else None
        )
    )
    sums = []
    for facts in rows.values():
        first = facts[0]
        total = budgets.get((first.document, first.entity, first.year, first.project))
        if total is not None:
            words = (f"its rows in {facts[0].section}", f"{facts[0].section}中该项目各行之和")
            parts = [(1, f) for f in facts]
            sums.append(Identity("list_within_budget", total, parts, *words, at_most=True))
    yield from evaluate(book, sums)


@rule("of_which_column", en="a part read as a further amount", zh="其中列误作并列列")
def of_which_column(book: Book) -> Iterator[Finding]:
    """A column of transfers that the column headed own-level already holds."""
    for facts in book.tables.values():
        upper = [f for f in facts if f.label.core == TRANSFER and f.label.prefix]
        total = next((f for f in facts if f.label.core in PLAIN_TOTAL and not f.label.prefix), None)
        if not upper or total is None:
            continue
        own = details(facts, total)
        column = arithmetic(Identity("of_which_column", total, [(1, f) for f in own]))
        transfers = sum((f.number for f in upper), Decimal(0))
        if column is None or column.difference or not transfers:
            continue
        sources = [f for f in facts if f.label.level and f.number == total.number - transfers]
        yield _column(total, own, upper, transfers, sources)


def _column(
    total: Fact, own: list[Fact], upper: list[Fact], transfers: Decimal, sources: list[Fact]
) -> Finding:
    rest = total.number - transfers
    unit = total.unit
    same = [f for f in upper if any(o.label.core == f.label.prefix for o in own)]
    en = zh = ""
    if sources:
        en = f" The form's own line {sources[0].label.raw!r} prints {show(sources[0].number)}."
        zh = f"同表“{sources[0].label.raw}”为 {show(sources[0].number)}。"
    for fact in same:
        twin = next(o for o in own if o.label.core == fact.label.prefix)
        if twin.number == fact.number:
            en += f" {twin.label.raw!r} prints {show(fact.number)} in both columns."
            zh += f"“{twin.label.raw}”两列均为 {show(fact.number)}。"
    return finding(
        "of_which_column",
        "error",
        [total, *own, *upper, *sources],
        stated=total.number,
        computed=rest,
        tolerance=Decimal(0),
        en=f"{total.section}: the column headed own-level (本级财政拨款) adds up to "
        f"{show(total.number)} {unit}, which is the whole budget; the transfers of "
        f"{show(transfers)} (上级转移支付) are a part of it (其中), not a further amount. Own "
        "money is "
        f"{show(rest)}; adding the two columns would give {show(total.number + transfers)}.{en}",
        zh=f"{total.section}：“本级财政拨款金额”列合计 {show(total.number)} {unit}，"
        "已等于全部预算；"
        f"“上级转移支付金额”列 {show(transfers)} 是其中数，不是并列数。本级资金实为 {show(rest)}，"
        f"两列相加会得 {show(total.number + transfers)}。{zh}",
    )


@rule("class_change", en="classes of two forms", zh="两套分类的支出")
def class_change(book: Book) -> Iterator[Finding]:
    """人员类 is 人员经费; 运转类 and 特定目标类 together are 公用经费 and 项目支出."""
    sums = []
    for facts in book.documents.values():
        for year in sorted({f.year for f in facts}):
            named: dict[str, Fact] = {}
            for f in facts:
                if f.year == year and not f.label.prefix and f.yuan:
                    named.setdefault(f.label.core, f)
            staff, pay = named.get("人员类项目支出"), named.get("人员经费")
            if staff and pay:
                sums.append(Identity("class_change", staff, [(1, pay)], "人员经费", "人员经费"))
            names = ("特定目标类项目支出", "公用经费", "项目支出", "运转类项目支出")
            found = [named.get(n) for n in names]
            if all(found):
                total, *rest = [f for f in found if f]
                parts = [(1, rest[0]), (1, rest[1]), (-1, rest[2])]
                words = ("公用经费 + 项目支出 − 运转类", "公用经费加项目支出减运转类")
                sums.append(Identity("class_change", total, parts, *words))
    yield from evaluate(book, sums)
