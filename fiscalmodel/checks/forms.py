"""Department budgets and their performance forms: items, plans, estimates, scores."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator
from decimal import Decimal
from operator import attrgetter
from typing import Any

from fiscalmodel.checks.claims import Check, Claim, Follows, Sums, Tied, arithmetic, found, sentence
from fiscalmodel.checks.facts import (
    ALIASES,
    BOUNDS,
    YEAR,
    YUAN_PER,
    Book,
    Fact,
    Grid,
    by,
    grouped,
    same_name,
)  # fmt: skip
from fiscalmodel.checks.printed import Interval, exactly
from fiscalmodel.checks.slips import slip
from fiscalmodel.checks.sums import PLAIN_TOTAL, TRANSFER, details, form_total, plus
from fiscalmodel.findings import Finding
from fiscalmodel.words import EMPTY

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
            return same_name(fact.form)
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
    # Of the four budgets, and of general and special debt, each has its own.
    scope = f.scope if f.version or "债务" in f.scope else ""
    key = (f.document, f.entity, f.year, f.kind or "budget", f.version, scope, item)
    return key if item else None


def _two_amounts(facts: list[Fact]) -> Iterator[Claim]:
    # The table, or the estimate that a table's text prints beside it.
    places = [f.section + "#" * f.label.core.endswith("测算") for f in facts]
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
    explained = sentence("two_amounts.slip", slip=slipped.name) if slipped else EMPTY
    said = sentence("two_amounts", base=base, other=other, amount=amount, gap=gap, slip=explained)
    derived = next((f for f in (base, other) if "derived" in f.note or "illegible" in f.note), None)
    if derived:
        said += sentence("two_amounts.derived", cell=derived.cell)
    alike = slipped or base.label.core == other.label.core
    return found(
        "two_amounts", "error" if alike else "warning", [base, other],
        said + sentence("two_amounts.part"),
        stated=base.number, computed=amount, tolerance=tolerance,
    )  # fmt: skip


def _plans(facts: list[Fact]) -> Iterator[Claim]:
    """Procurement planned in a programme's form against its rows in the procurement list."""
    plan = [f for f in facts if f.label.prefix == _PLAN]
    rows = [f for f in facts if f.label.row and f.scope == "政府采购" and not f.label.prefix]
    if not plan or not rows:
        return
    unit = rows[0]
    planned, listed = (sum((f.in_unit_of(unit) for f in s), Decimal(0)) for s in (plan, rows))
    gap = listed - planned
    slack = [f.interval.half * (f.factor_to(unit) or 0) for f in (*plan, *rows)]
    halves = sum(slack, Decimal(0))
    if abs(gap) <= min(halves, Decimal("0.5")):
        return
    alone = next((f for f in rows if f.number == gap), None)
    yield found(
        "plan_against_list", "warning", [*rows, *plan], "plan_against_list",
        stated=listed, computed=planned, tolerance=halves, unit=unit.unit,
        first=unit, count=len(rows), listed=listed, planned=planned, gap=gap,
        programme=facts[0].project, without=_without(alone),
    )  # fmt: skip


def _without(fact: Fact | None) -> object:
    return sentence("without", label=fact.label.raw) if fact else EMPTY


def _lists_within(book: Book) -> Iterator[Sums]:
    """Rows of one programme in a list cannot exceed the programme's budget."""
    projects = by(*YEAR, "label.core", when=lambda f: f.yuan and f.label.prefix == "项目支出")
    budgets = grouped(book.listed, projects)
    rows = by(*YEAR, "project", when=lambda f: f.project and f.label.row and not f.label.prefix)
    for key, facts in grouped(book.listed, rows).items():
        for total in budgets.get(key, [])[-1:]:
            for section, own in grouped(facts, by("section")).items():
                of = sentence("of.rows_in", section=section)
                yield Sums("list_within_budget", total, plus(own), of, at_most=True)


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
    both = total.number + transfers
    said = sentence("of_which_column", total=total, transfers=transfers, rest=rest, both=both)
    if sources:
        said += sentence("of_which_column.line", line=sources[0])
    for fact in upper:
        twin = next((o for o in own if o.label.core == fact.label.prefix), None)
        if twin is not None and twin.number == fact.number:
            said += sentence("of_which_column.same", twin=twin)
    facts = [total, *own, *upper, *sources]
    yield found("of_which_column", "error", facts, said, stated=total.number, computed=rest)


_OWN = re.compile(r"本级|区级|县级|自有|本年(?:财政)?拨款")
_UPPER = re.compile(r"上级|转移支付|省级|中央|市级")
_TOTAL = re.compile(r"合计|总计|总额|预算数$")


def _overlaps(grid: Grid) -> Iterator[Finding]:
    """A total that equals its own-level column although there are transfers beside it."""
    own, upper = _column(grid, _OWN), _column(grid, _UPPER)
    if own is None or upper is None or own == upper:
        return
    total = _column(grid, _TOTAL, but=own)
    rows = [(row[own], row[upper], None if total is None else row[total]) for row in grid.facts]
    filled = [(a, b, t) for a, b, t in rows if a and b and a.number and b.number]
    names: dict[str, Any] = {"name": grid.name, "own": grid.headers[own].raw}
    names["upper"] = grid.headers[upper].raw
    if total is not None:
        inside = [(a, b, t) for a, b, t in filled if t and t.number == a.number]
        beside = [t for a, b, t in filled if t and t.number == a.number + b.number]
        if inside and not beside:
            whole, part, _ = inside[-1]
            rest, both = whole.number - part.number, whole.number + part.number
            yield found(
                "overlapping_columns", "error", [f for row in reversed(inside) for f in row],
                "overlap.inside", stated=whole.number, computed=rest,
                count=len(inside), label=whole.label.raw, rest=rest, both=both, **names,
            )  # fmt: skip
    else:
        same = [(a, b) for a, b, _ in filled if a.number == b.number]
        if same and len(same) < len(filled):
            yield found(
                "overlapping_columns", "warning", [f for row in same for f in row],
                "overlap.same", stated=same[0][0].number, computed=same[0][1].number,
                labels=[a.label.raw for a, _ in same], **names,
            )  # fmt: skip


def _column(grid: Grid, pattern: re.Pattern[str], but: int | None = None) -> int | None:
    """The first column of amounts whose header says so."""
    matching = (c for c in grid.amounts if pattern.search(grid.headers[c].raw))
    return next((c for c in matching if c != but), None)


# ---------------------------------------------------------------- estimates


def _worked(book: Book) -> Iterator[Claim]:
    """``6+5+3+5+1万`` or ``185本×65元`` beside an amount."""
    for fact in book.listed:
        if fact.figure is None or fact.yuan is None:
            continue
        if added := _ADDED.match(fact.note):
            worked, unit = sum((Decimal(n) for n in added[1].split("+")), Decimal(0)), added[2]
        elif product := _PRODUCT.match(fact.note):
            worked, unit = Decimal(product[1]) * Decimal(product[2]), product[3]
        else:
            continue
        amount = worked * YUAN_PER[unit if unit == "元" else f"{unit}元"] / fact.yuan
        text = (added or product)[0]  # type: ignore[index]
        yield Follows(
            "worked_note", fact, [], amount, exactly(amount), "worked_note", {"worked": text}
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
    aside = lab.is_total or lab.level or lab.core.endswith("测算")
    return lab.prefix in ("", "测算") and not aside


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
    twice = next((f for f in rows if f.number == total - wanted), None)
    yield found(
        "weights", "error", rows, "weights", stated=total, computed=wanted,
        count=len(rows), section=rows[0].section, total=total, wanted=wanted, gap=total - wanted,
        execution=EXECUTION, indicators=INDICATORS, without=_without(twice),
        ten=sentence("weights.ten") if total == 90 else EMPTY,
    )  # fmt: skip


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
        yield found(
            "adjustment", "warning", [spent, cut], "adjustment",
            stated=spent.number, computed=cut.number, spent=spent, cut=cut,
        )  # fmt: skip


def _executed(form: dict[str, Fact], done: Fact, budget: Fact) -> Iterator[Claim]:
    rate = done.interval.scaled(done.factor_to(budget) or 1) / budget.interval
    value = done.in_unit_of(budget) / budget.number
    most = EXECUTION * min(value, Decimal(1)) + INDICATORS
    words = {"done": done, "budget": budget, "pct": value * 100, "most": most,
             "execution": EXECUTION, "indicators": INDICATORS}  # fmt: skip
    if score := _first(form, "自评分", "自评得分", "自评总分"):
        capped = Interval(min(rate.lo, Decimal(1)), min(rate.hi, Decimal(1)))
        best = capped.scaled(EXECUTION, INDICATORS)
        yield Follows(
            "self_score", score, [done, budget], most, best, "self_score", words, "≤", digits=2
        )
    stated = _first(form, "执行率", "预算执行率")
    if stated is not None and stated.unit == "%":
        of, whole = [done, budget], rate.scaled(100)
        yield Follows("execution_rate", stated, of, value * 100, whole, "execution_rate", words)
    within = budget.interval.scaled(budget.factor_to(done) or 1)
    yield Follows(
        "execution_rate", done, [budget], budget.in_unit_of(done), within, "executed_above", words,
        "≤", severity="warning",
    )  # fmt: skip


#: One programme, and its form, in one year.
_PROJECT = by(*YEAR, "project", when=lambda f: f.project and f.yuan)
_FORM = by(*YEAR, "section", when=attrgetter("section"))
_WEIGHTS = by(*YEAR, "section", when=lambda f: f.unit == "分" and "权重" in f.scope + f.label.raw)

CHECKS = (
    Check(("two_amounts",), _two_amounts, _same_item),
    Check(("plan_against_list",), _plans, _PROJECT),
    Check(("list_within_budget",), _lists_within),
    Check(("of_which_column",), _transfers_inside, by("table")),
    Check(("worked_note",), _worked),
    Check(("components",), _components, by("table")),
    Check(("weights",), _weights, _WEIGHTS),
    Check(("self_score", "execution_rate", "adjustment"), _history, _FORM),
    Check(("overlapping_columns",), _overlaps, "grid"),
)
