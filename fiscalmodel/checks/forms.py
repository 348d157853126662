"""Department budgets and their performance forms: items, plans, estimates, scores."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterator
from decimal import Decimal
from functools import partial

from fiscalmodel.checks.claims import (
    Claim,
    Follows,
    Groups,
    Looks,
    Sums,
    Tied,
    arithmetic,
    found,
    show,
)
from fiscalmodel.checks.facts import ALIASES, BOUNDS, YUAN_PER, Book, Fact, Grid, grouped, same_name
from fiscalmodel.checks.printed import Interval, exactly
from fiscalmodel.checks.slips import slip
from fiscalmodel.checks.sums import PLAIN_TOTAL, TRANSFER, details, form_total, plus
from fiscalmodel.findings import Finding
from fiscalmodel.words import EMPTY, Text, say

#: Columns of a programme's history: no items of their own.
_HISTORY = re.compile(r"^(?:年初预算|年中调整|调整预算|执行|执行率|压减|拟调减|自评分|.*月执行)$")
_PLAN = "采购计划"
_PROGRAMME_LISTS = {"项目支出", "项目支出情况"}
_ADDED = re.compile(r"^(\d+(?:\.\d+)?(?:\+\d+(?:\.\d+)?)+)(万|元|亿)")
_PRODUCT = re.compile(r"^(\d+(?:\.\d+)?)[^\d×xX*]{0,3}[×xX*](\d+(?:\.\d+)?)(元|万)")
#: A run of components alone in its form tells something from this length on.
RUN = 3
#: Points for the execution of the budget, and for the indicators.
EXECUTION, INDICATORS = Decimal(20), Decimal(80)


# ---------------------------------------------------------------- one item, two places


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


def _same_item(f: Fact) -> Hashable | None:
    """The same item of one publication and year; an outturn and a budget are no contradiction."""
    if f.figure is None or not f.yuan or f.kind in BOUNDS or not f.section:
        return None
    item = _item(f) if len(f.years) == 1 and not f.month else None
    return (f.document, f.entity, f.year, f.kind or "budget", item) if item else None


def _place(fact: Fact) -> str:
    """The table, or the estimate that a table's text prints beside it."""
    return fact.section + ("#" if fact.label.core.endswith("测算") else "")


def _two_amounts(facts: list[Fact]) -> Iterator[Claim]:
    places = [_place(f) for f in facts]
    # Two rows of one name in a table: which of them is meant stays open.
    kept = [f for f, place in zip(facts, places, strict=True) if places.count(place) == 1]
    for i, other in enumerate(kept[1:], 1):
        for base in kept[:i]:
            if base.project and other.project and base.project != other.project:
                continue
            gap = base.number - other.in_unit_of(base)
            tolerance = base.interval.half + other.interval.half * (other.factor_to(base) or 1)
            # At the very edge the two would have been printed alike.
            apart = bool(gap) and abs(gap) >= tolerance
            yield _apart(base, other, gap, tolerance) if apart else Tied("two_amounts")
            if gap or base is kept[0]:
                break


def _apart(base: Fact, other: Fact, gap: Decimal, tolerance: Decimal) -> Finding:
    amount = other.in_unit_of(base)
    slipped = slip(base.number, amount, max(base.digits, 2))
    # With two digits nearly every pair is one digit apart: that tells nothing.
    if slipped and slipped.order > 1 and len(f"{base.number.normalize():f}".strip("0.")) < 3:
        slipped = None
    said = say(
        "checks.two_amounts",
        label=base.label.core,
        stated=show(base.number),
        unit=base.unit,
        section=base.section,
        amount=show(amount),
        other=other.section,
        other_label=other.label.raw,
        gap=show(gap),
        slip=say("checks.two_amounts.slip", slip=slipped.name) if slipped else EMPTY,
    )
    derived = next((f for f in (base, other) if "derived" in f.note or "illegible" in f.note), None)
    if derived:
        said += say("checks.two_amounts.derived", cell=derived.cell)
    said += say("checks.two_amounts.part")
    return found(
        "two_amounts",
        "error" if slipped or base.label.core == other.label.core else "warning",
        [base, other],
        said,
        stated=base.number,
        computed=amount,
        tolerance=tolerance,
    )


def _plans(book: Book) -> Iterator[Claim]:
    """Procurement planned in a programme's form against its rows in the procurement list."""

    def key(f: Fact) -> Hashable | None:
        wanted = f.figure is not None and f.project and f.yuan
        return (f.document, f.entity, f.year, f.project) if wanted else None

    for facts in grouped(book.listed, key).values():
        programme = facts[0].project
        plan = [f for f in facts if f.label.prefix == _PLAN]
        rows = [f for f in facts if f.label.row and f.scope == "政府采购" and not f.label.prefix]
        if not plan or not rows:
            continue
        unit = rows[0]
        planned, listed = (
            sum((f.in_unit_of(unit) for f in side), Decimal(0)) for side in (plan, rows)
        )
        gap = listed - planned
        halves = sum(
            (f.interval.half * (f.factor_to(unit) or 0) for f in [*plan, *rows]), Decimal(0)
        )
        if abs(gap) <= min(halves, Decimal("0.5")):
            continue
        alone = [f for f in rows if f.number == gap]
        said = say(
            "checks.plan_against_list",
            programme=programme,
            count=len(rows),
            listed=show(listed),
            unit=unit.unit,
            planned=show(planned),
            gap=show(gap),
            without=say("checks.without", label=alone[0].label.raw) if alone else EMPTY,
        )
        yield found(
            "plan_against_list", "warning", [*rows, *plan], said,
            stated=listed, computed=planned, tolerance=halves, unit=unit.unit,
        )  # fmt: skip


def _lists_within(book: Book) -> Iterator[Sums]:
    """Rows of one programme in a list cannot exceed the programme's budget."""
    budgets = {
        (f.document, f.entity, f.year, f.label.core): f
        for f in book.listed
        if f.figure and f.yuan and f.label.prefix == "项目支出"
    }
    rows = grouped(
        book.listed,
        lambda f: (
            (f.document, f.entity, f.year, f.project, f.section)
            if f.figure and f.project and f.label.row and not f.label.prefix
            else None
        ),
    )
    for facts in rows.values():
        first = facts[0]
        total = budgets.get((first.document, first.entity, first.year, first.project))
        if total is not None:
            of = say("checks.of.rows_in", section=first.section)
            yield Sums("list_within_budget", total, plus(facts), of, at_most=True)


def _class_change(book: Book) -> Iterator[Sums]:
    """人员类 is 人员经费; 运转类 and 特定目标类 together are 公用经费 and 项目支出."""
    for facts in book.documents.values():
        years = grouped(facts, lambda f: f.year if not f.label.prefix and f.yuan else None)
        for own in years.values():
            named = {f.label.core: f for f in reversed(own)}
            staff, pay = named.get("人员类项目支出"), named.get("人员经费")
            if staff and pay:
                yield Sums("class_change", staff, [(1, pay)], "staff")
            names = ("特定目标类项目支出", "公用经费", "项目支出", "运转类项目支出")
            known = [named[n] for n in names if n in named]
            if len(known) == len(names):
                total, office, projects, running = known
                parts = [(1, office), (1, projects), (-1, running)]
                yield Sums("class_change", total, parts, "classes_changed")


# ---------------------------------------------------------------- columns that hold one another


def _transfers_inside(facts: list[Fact]) -> Iterator[Finding]:
    """A column of transfers that the column headed own-level already holds."""
    upper = [f for f in facts if f.label.core == TRANSFER and f.label.prefix]
    total = form_total(facts)
    if not upper or total is None:
        return
    own = details(facts, total)
    column = arithmetic(Sums("of_which_column", total, plus(own)))
    transfers = sum((f.number for f in upper), Decimal(0))
    if column is None or column.difference or not transfers:
        return
    rest = total.number - transfers
    sources = [f for f in facts if f.label.level and f.number == rest]
    said = say(
        "checks.of_which_column",
        section=total.section,
        total=show(total.number),
        unit=total.unit,
        transfers=show(transfers),
        rest=show(rest),
        both=show(total.number + transfers),
    )
    if sources:
        line = {"label": sources[0].label.raw, "amount": show(sources[0].number)}
        said += say("checks.of_which_column.line", **line)
    for fact in upper:
        twin = next((o for o in own if o.label.core == fact.label.prefix), None)
        if twin is not None and twin.number == fact.number:
            same = {"label": twin.label.raw, "amount": show(fact.number)}
            said += say("checks.of_which_column.same", **same)
    yield found(
        "of_which_column", "error", [total, *own, *upper, *sources], said,
        stated=total.number, computed=rest, tolerance=Decimal(0),
    )  # fmt: skip


_OWN = re.compile(r"本级|区级|县级|自有|本年(?:财政)?拨款")
_UPPER = re.compile(r"上级|转移支付|省级|中央|市级")
_TOTAL = re.compile(r"合计|总计|总额|预算数$")


def _overlaps(book: Book) -> Iterator[Finding]:
    """A total that equals its own-level column although there are transfers beside it."""
    for grid in book.grids:
        own, upper = _column(grid, _OWN), _column(grid, _UPPER)
        if own is None or upper is None or own == upper:
            continue
        total = _column(grid, _TOTAL, but=own)
        rows: list[tuple[Fact, Fact, Fact | None]] = []
        for row in grid.facts:
            a, b = row[own], row[upper]
            if a and b and a.number and b.number:
                rows.append((a, b, row[total] if total is not None else None))
        names = {"name": grid.name, "own": grid.headers[own].raw, "upper": grid.headers[upper].raw}
        if total is not None:
            inside = [r for r in rows if r[2] and r[2].number == r[0].number]
            beside = [r for r in rows if r[2] and r[2].number == r[0].number + r[1].number]
            if inside and not beside:
                whole, part = inside[-1][0], inside[-1][1]
                said = say(
                    "checks.overlap.inside",
                    count=len(inside),
                    label=whole.label.raw,
                    rest=show(whole.number - part.number),
                    both=show(whole.number + part.number),
                    **names,
                )
                cells = [f for row in reversed(inside) for f in row if f]
                yield _overlap(cells, said, "error", whole.number, whole.number - part.number)
        else:
            same = [r for r in rows if r[0].number == r[1].number]
            if same and len(same) < len(rows):
                labels = [row[0].label.raw for row in same]
                said = say("checks.overlap.same", labels=labels, **names)
                cells = [f for row in same for f in row[:2] if f]
                yield _overlap(cells, said, "warning", same[0][0].number, same[0][1].number)


def _column(grid: Grid, pattern: re.Pattern[str], but: int | None = None) -> int | None:
    """The first column of amounts whose header says so."""
    matching = (c for c in grid.amounts if pattern.search(grid.headers[c].raw))
    return next((c for c in matching if c != but), None)


def _overlap(
    cells: list[Fact], said: Text, severity: str, stated: Decimal, computed: Decimal
) -> Finding:
    return found(
        "overlapping_columns", severity, cells, said,  # type: ignore[arg-type]
        stated=stated, computed=computed, tolerance=Decimal(0),
    )  # fmt: skip


# ---------------------------------------------------------------- estimates


def _worked(book: Book) -> Iterator[Claim]:
    """``6+5+3+5+1万`` or ``185本×65元`` beside an amount."""
    for fact in book.listed:
        if fact.figure is None or fact.yuan is None:
            continue
        added, product = _ADDED.match(fact.note), _PRODUCT.match(fact.note)
        match = added or product
        if match is None:
            continue
        if added:
            value, unit = sum((Decimal(n) for n in added[1].split("+")), Decimal(0)), added[2]
        else:
            value, unit = Decimal(match[1]) * Decimal(match[2]), match[3]
        amount = value * YUAN_PER[unit if unit == "元" else f"{unit}元"] / fact.yuan
        worked = {"worked": match[0]}
        yield Follows(
            "worked_note", fact, [], amount, exactly(amount), "worked_note", partial(dict, worked)
        )


def _components(facts: list[Fact]) -> Iterator[Claim]:
    """Runs of components in another unit than the form's against its detail lines."""
    total = form_total(facts)
    if total is None or total.yuan is None or any(f.label.row for f in facts):
        return
    parts = [
        f
        for f in facts
        if f.yuan and f.unit != total.unit and f.kind == total.kind and _component(f)
    ]
    lines = details(facts, total)
    if not 2 <= len(parts) <= 24 or not lines:
        return
    if _tile(parts, lines, exact=True) is not None:
        yield Tied("components")
        return
    missed = _tile(parts, lines, exact=False)
    if missed is not None and len(missed[1]) >= RUN:
        yield Sums("components", missed[0], plus(missed[1]), "components")


def _component(fact: Fact) -> bool:
    lab = fact.label
    return lab.prefix in ("", "测算") and not (
        lab.is_total or lab.level or lab.core.endswith("测算")
    )


_Run = tuple[Fact, list[Fact]]


def _tile(parts: list[Fact], lines: list[Fact], *, exact: bool) -> _Run | None:
    """Cut the components, in order, into runs that give the lines.

    With `exact`, the last run of a cut in which every run ties. Otherwise the
    one run that does not tie, where a slip in it would make the cut complete.
    """
    units = [f.number * (f.yuan or 1) for f in parts]
    sums = [line.number * (line.yuan or 1) for line in lines]
    seen: set[tuple[int, int, bool]] = set()

    def cut(start: int, line: int, missed: _Run | None) -> _Run | None:
        if start == len(parts):
            return missed or ((lines[0], parts) if exact else None)
        if (start, line, missed is None) in seen:
            return None
        seen.add((start, line, missed is None))
        for end in range(len(parts), start, -1):
            run = sum(units[start:end], Decimal(0))
            for k in range(line, len(lines)):
                if run == sums[k]:
                    done = cut(end, k + 1, missed)
                elif not exact and missed is None and _slipped(parts[start:end], sums[k] - run):
                    done = cut(end, k + 1, (lines[k], parts[start:end]))
                else:
                    continue
                if done is not None:
                    return done
        return None

    return cut(0, 0, None)


def _slipped(run: list[Fact], gap: Decimal) -> bool:
    """Whether a slip in one component explains the gap (in 元)."""
    return any(slip(f.number, f.number + gap / (f.yuan or 1), f.digits) is not None for f in run)


# ---------------------------------------------------------------- performance forms


def _weighted_form(f: Fact) -> Hashable | None:
    weight = f.unit == "分" and f.figure and ("权重" in f.scope or "权重" in f.label.raw)
    return (f.document, f.section, f.entity, f.year) if weight else None


def _weights(facts: list[Fact]) -> Iterator[Claim]:
    """Weights of a form: 80, or 100 with the row for execution."""
    rows = [f for f in facts if not f.label.is_total]
    execution = any("执行率" in f.label.core and "预算" in f.label.core for f in rows)
    wanted = EXECUTION + INDICATORS if execution else INDICATORS
    total = sum((f.number for f in rows), Decimal(0))
    if len(rows) < 3:
        return
    if total == wanted:
        yield Tied("weights")
        return
    twice = [f for f in rows if f.number == total - wanted]
    said = say(
        "checks.weights",
        count=len(rows),
        section=rows[0].section,
        total=show(total),
        wanted=show(wanted),
        gap=show(total - wanted),
        execution=EXECUTION,
        indicators=INDICATORS,
        without=say("checks.without", label=twice[0].label.raw) if twice else EMPTY,
        ten=say("checks.weights.ten") if total == 90 else EMPTY,
    )
    yield found("weights", "error", rows, said, stated=total, computed=wanted, tolerance=Decimal(0))


def _programme(f: Fact) -> Hashable | None:
    """Forms of one programme and year."""
    return (f.document, f.section, f.entity, f.year) if f.figure and f.section else None


def _first(form: dict[str, Fact], *names: str) -> Fact | None:
    return next((form[n] for n in names if n in form), None)


def _history(facts: list[Fact]) -> Iterator[Claim]:
    """Budget, adjustment, outturn and score of one programme, which bound one another.

    A score is at most ``20 * execution rate + 80``; the rate is of the budget as
    adjusted; the adjusted budget is the initial one less the cut.
    """
    form = {f.label.core: f for f in reversed(facts)}
    done = _first(form, "执行", "执行数", "全年执行数")
    budget = _first(form, "年中调整", "调整预算", "全年预算", "年初预算", "预算数")
    if done and budget and done.factor_to(budget) is not None and budget.interval.lo > 0:
        yield from _executed(form, done, budget)
    start, cut = _first(form, "年初预算"), _first(form, "压减", "拟调减", "调减")
    adjusted = _first(form, "年中调整", "调整预算")
    spent = next((f for n, f in form.items() if n.endswith("月执行")), None)
    if start and cut and adjusted and start.unit == cut.unit == adjusted.unit:
        yield Sums("adjustment", adjusted, [(1, start), (-1, cut)], "initial_less_cut")
    if spent and cut and spent.unit == cut.unit and spent.number == cut.number != 0:
        said = say(
            "checks.adjustment",
            section=spent.section,
            year=spent.year,
            spent=spent.label.raw,
            cut=cut.label.raw,
            amount=show(spent.number),
            unit=spent.unit,
        )
        yield found(
            "adjustment", "warning", [spent, cut], said,
            stated=spent.number, computed=cut.number, tolerance=Decimal(0),
        )  # fmt: skip


def _executed(form: dict[str, Fact], done: Fact, budget: Fact) -> Iterator[Claim]:
    rate = done.interval.scaled(done.factor_to(budget) or 1) / budget.interval
    value = done.in_unit_of(budget) / budget.number
    most = EXECUTION * min(value, Decimal(1)) + INDICATORS
    words: Callable[[], dict[str, object]] = lambda: {  # noqa: E731
        "done": show(done.number),
        "budget": show(budget.number),
        "unit": budget.unit,
        "value": show(value * 100, 2),
        "most": show(most, 2),
        "execution": EXECUTION,
        "indicators": INDICATORS,
    }
    score = _first(form, "自评分", "自评得分", "自评总分")
    stated = _first(form, "执行率", "预算执行率")
    if score is not None:
        capped = Interval(min(rate.lo, Decimal(1)), min(rate.hi, Decimal(1)))
        best = capped.scaled(EXECUTION, INDICATORS)
        yield Follows(
            "self_score", score, [done, budget], most, best, "self_score", words, "≤", digits=2
        )
    if stated is not None and stated.unit == "%":
        yield Follows(
            "execution_rate", stated, [done, budget], value * 100, rate.scaled(100),
            "execution_rate", words,
        )  # fmt: skip
    within = budget.interval.scaled(budget.factor_to(done) or 1)
    most_money = budget.in_unit_of(done)
    yield Follows(
        "execution_rate", done, [budget], most_money, within, "executed_above", words, "≤",
        severity="warning",
    )  # fmt: skip


CHECKS = (
    Groups(("two_amounts",), _same_item, _two_amounts),
    Looks(("plan_against_list",), _plans),
    Looks(("list_within_budget",), _lists_within),
    Groups(("of_which_column",), lambda f: f.table if f.figure else None, _transfers_inside),
    Looks(("class_change",), _class_change),
    Looks(("worked_note",), _worked),
    Groups(("components",), lambda f: f.table if f.figure else None, _components),
    Groups(("weights",), _weighted_form, _weights),
    Groups(("self_score", "execution_rate", "adjustment"), _programme, _history),
    Looks(("overlapping_columns",), _overlaps),
)
