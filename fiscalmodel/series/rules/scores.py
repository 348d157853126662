"""Performance forms: weights that add up to 80, scores that the execution allows."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from fiscalmodel.series.findings import Finding
from fiscalmodel.series.intervals_printed import Interval, exactly
from fiscalmodel.series.rules.book import Book, Fact
from fiscalmodel.series.rules.identities import Identity, evaluate
from fiscalmodel.series.rules.registry import rule
from fiscalmodel.series.rules.report import finding, show

#: Points for the execution of the budget, and for the indicators.
EXECUTION, INDICATORS = Decimal(20), Decimal(80)


@rule("weights", en="execution 20 + indicators 80", zh="权重：执行 20 分 + 指标 80 分")
def weights(book: Book) -> Iterator[Finding]:
    """Weights of a form: 80, or 100 with the row for execution."""
    forms = book.group(
        lambda f: (
            (f.document, f.section, f.entity, f.year)
            if f.unit == "分" and f.figure and ("权重" in f.scope or "权重" in f.label.raw)
            else None
        )
    )
    for facts in forms.values():
        rows = [f for f in facts if not f.label.is_total]
        execution = [f for f in rows if "执行率" in f.label.core and "预算" in f.label.core]
        wanted = EXECUTION + INDICATORS if execution else INDICATORS
        total = sum((f.number for f in rows), Decimal(0))
        book.tied["weights"] += len(rows) > 2 and total == wanted
        if len(rows) > 2 and total != wanted:
            yield _off(rows, total, wanted)


def _off(rows: list[Fact], total: Decimal, wanted: Decimal) -> Finding:
    gap = total - wanted
    twice = [f for f in rows if f.number == gap]
    en = f" It would tie without {twice[0].label.raw!r}." if twice else ""
    zh = f"若去掉“{twice[0].label.raw}”则轧平。" if twice else ""
    if total == 90:
        en += " 90 fits an execution weighted 10; the form weights it 20."
        zh += "90 分对应执行率 10 分的打分办法，本表执行率为 20 分。"
    return finding(
        "weights",
        "error",
        rows,
        stated=total,
        computed=wanted,
        tolerance=Decimal(0),
        en=f"The {len(rows)} weights of {rows[0].section or 'the form'} add up to {show(total)}; "
        f"execution {EXECUTION} + indicators {INDICATORS} needs {show(wanted)}: differs by "
        f"{show(gap)}.{en}",
        zh=f"{rows[0].section}共 {len(rows)} 项指标，权重合计 {show(total)} 分；按“执行 "
        f"{EXECUTION} 分 + 指标 {INDICATORS} 分”应为 {show(wanted)} 分，相差 {show(gap)} 分。{zh}",
    )


def _histories(book: Book) -> Iterator[dict[str, Fact]]:
    """Forms of one programme and year: budget, adjusted budget, outturn, score by name."""
    forms = book.group(
        lambda f: (f.document, f.section, f.entity, f.year) if f.figure and f.section else None
    )
    for facts in forms.values():
        found: dict[str, Fact] = {}
        for fact in facts:
            found.setdefault(fact.label.core, fact)
        yield found


def _first(form: dict[str, Fact], *names: str) -> Fact | None:
    return next((form[n] for n in names if n in form), None)


def _budget(form: dict[str, Fact]) -> Fact | None:
    """The budget that execution is measured by: as adjusted, else the initial one."""
    return _first(form, "年中调整", "调整预算", "全年预算", "年初预算", "预算数")


def _rate(done: Fact, budget: Fact) -> Interval | None:
    factor = done.factor_to(budget)
    if factor is None or budget.interval.lo <= 0:
        return None
    return done.interval.scaled(factor) / budget.interval


@rule("self_score", en="self-scores against the execution rate", zh="自评分与执行率")
def self_score(book: Book) -> Iterator[Finding]:
    """A score is at most ``20 * execution rate + 80``."""
    for form in _histories(book):
        score = _first(form, "自评分", "自评得分", "自评总分")
        done, budget = _first(form, "执行", "执行数", "全年执行数"), _budget(form)
        rate = _rate(done, budget) if done and budget else None
        if score is None or done is None or budget is None or rate is None:
            continue
        capped = Interval(min(rate.lo, Decimal(1)), min(rate.hi, Decimal(1)))
        best = capped.scaled(EXECUTION, INDICATORS)
        book.tied["self_score"] += score.interval.lo <= best.hi
        if score.interval.lo > best.hi:
            value = done.number * (done.factor_to(budget) or 1) / budget.number
            most = EXECUTION * min(value, Decimal(1)) + INDICATORS
            yield finding(
                "self_score",
                "error",
                [score, done, budget],
                stated=score.number,
                computed=round(most, 2),
                tolerance=best.half + score.interval.half,
                en=f"{score.section} {score.year}: {show(score.number)} points, but "
                f"{show(done.number)} of {show(budget.number)} {budget.unit} executed "
                f"({show(value * 100, 2)} %) allow at most {EXECUTION} × {show(value * 100, 2)} % "
                f"+ {INDICATORS} = {show(most, 2)}.",
                zh=f"{score.section} {score.year} 年自评 {show(score.number)} 分；执行 "
                f"{show(done.number)}/{show(budget.number)} {budget.unit}"
                f"（{show(value * 100, 2)}%），最高只能得 {EXECUTION}×{show(value * 100, 2)}%+"
                f"{INDICATORS}={show(most, 2)} 分。",
            )


@rule("execution_rate", en="execution rates", zh="执行率")
def execution_rate(book: Book) -> Iterator[Finding]:
    """``执行率`` against execution and budget; execution above the budget."""
    for form in _histories(book):
        stated = _first(form, "执行率", "预算执行率")
        done, budget = _first(form, "执行", "执行数", "全年执行数"), _budget(form)
        rate = _rate(done, budget) if done and budget else None
        if done is None or budget is None or rate is None:
            continue
        value = done.number * (done.factor_to(budget) or 1) / budget.number * 100
        percent = rate.scaled(100)
        book.tied["execution_rate"] += bool(stated and percent.meets(stated.interval))
        if stated is not None and stated.unit == "%" and not percent.meets(stated.interval):
            yield finding(
                "execution_rate",
                "error",
                [stated, done, budget],
                stated=stated.number,
                computed=round(value, 4),
                tolerance=percent.half + stated.interval.half,
                en=f"The rate is printed as {show(stated.number)} %; {show(done.number)} of "
                f"{show(budget.number)} {budget.unit} is {show(value, 2)} %.",
                zh=f"执行率列 {show(stated.number)}%；{show(done.number)}/{show(budget.number)} "
                f"{budget.unit} 为 {show(value, 2)}%。",
            )
        elif rate.lo > exactly(1).hi:
            yield finding(
                "execution_rate",
                "warning",
                [done, budget],
                stated=done.number,
                computed=budget.number,
                tolerance=done.interval.half + budget.interval.half,
                en=f"{show(done.number)} executed of a budget of {show(budget.number)} "
                f"{budget.unit}: {show(value, 2)} %. An adjustment is missing.",
                zh=f"执行 {show(done.number)} 大于预算 {show(budget.number)} {budget.unit}"
                f"（{show(value, 2)}%），缺列预算调整。",
            )


@rule("adjustment", en="adjusted budgets", zh="预算调整")
def adjustment(book: Book) -> Iterator[Finding]:
    """Initial budget less cuts against the adjusted budget; a cut equal to the outturn."""
    sums = []
    for form in _histories(book):
        start, cut = _first(form, "年初预算"), _first(form, "压减", "拟调减", "调减")
        adjusted = _first(form, "年中调整", "调整预算")
        spent = next((f for n, f in form.items() if n.endswith("月执行")), None)
        if start and cut and adjusted and start.unit == cut.unit == adjusted.unit:
            words = ("the initial budget less the cut", "年初预算减压减")
            sums.append(Identity("adjustment", adjusted, [(1, start), (-1, cut)], *words))
        if spent and cut and spent.unit == cut.unit and spent.number == cut.number != 0:
            yield finding(
                "adjustment",
                "warning",
                [spent, cut],
                stated=spent.number,
                computed=cut.number,
                tolerance=Decimal(0),
                en=f"{spent.section} {spent.year}: {spent.label.raw} and {cut.label.raw} print the "
                f"same {show(spent.number)} {spent.unit}; one is probably a copy of the other.",
                zh=f"{spent.section} {spent.year} 年：“{spent.label.raw}”与“{cut.label.raw}”同为 "
                f"{show(spent.number)} {spent.unit}，疑为误填同一数字。",
            )
    yield from evaluate(book, sums)
