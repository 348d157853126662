"""The parts of the scenario report, as notebook 05 shows them: answer, chart, table, method."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from fiscalmodel.present import charts_scenario as charts
from fiscalmodel.present.labels import label
from fiscalmodel.present.outcome_words import comparison, in_words, in_yuan
from fiscalmodel.present.show import say, show_chart, show_table

if TYPE_CHECKING:
    from fiscalmodel.scenario.outcome import Outcome


def answer(outcome: Outcome, lang: str = "zh") -> None:
    """The answers, one sentence for each part, and the notes that qualify them."""
    lines = [f"> {line}\n>" for line in outcome.headline(lang)]
    head = "## Answer" if lang == "en" else "## 结论"
    say("\n".join([head, "", *lines]), "\n".join([head, "", *lines]), lang)
    if outcome.notes:
        notes = "\n".join(f"- {note.get(lang)}" for note in outcome.notes)
        say(notes, notes, lang)


def revenue(outcome: Outcome, lang: str = "zh") -> None:
    """Fan chart, waterfall and the table of revenue."""
    _heading("一般公共预算收入", "General public budget revenue 一般公共预算收入", lang)
    if outcome.revenue is None:
        _missing(outcome, "revenue", lang)
        return
    frame = outcome.revenue
    ahead = frame[frame["kind"] == "forecast"]
    last = int(ahead["year"].iloc[-1])
    text = f"{outcome.headline(lang)[0]}"
    show_chart(charts.revenue_chart(outcome, lang), text)
    past = frame[frame["kind"] != "forecast"].dropna(axis=1, how="all")
    past = past.assign(kind=[label(k, lang, "values") for k in past["kind"]])
    show_table(past, lang, digits=_whole(past), caption="Published" if lang == "en" else "历史数据")
    ahead = ahead.drop(columns=["kind", "published_wan", "linked_wan"])
    caption = "Forecast and scenario" if lang == "en" else "预测与情景"
    show_table(ahead, lang, digits=_whole(ahead), caption=caption)
    coverage(outcome, lang)
    spec = outcome.scenario.spec.revenue
    if outcome.waterfall is not None and spec is not None and spec.adjustments:
        year = outcome.target.target_year if outcome.target is not None else last
        alt = f"{year}: baseline to scenario" if lang == "en" else f"{year}年从基线到本情景的分解"
        show_chart(charts.waterfall_chart(outcome, year, lang), alt)
        show_table(_steps(outcome, year, lang), lang)
    if outcome.items is not None:
        _items(outcome.items, last, lang)


def _items(frame: pd.DataFrame, year: int, lang: str) -> None:
    """Revenue by item over the years, and how the last year is reckoned; each with its total."""
    words = in_words(frame, lang)
    names = list(dict.fromkeys(words["revenue_item"]))
    years = words.pivot_table(
        index="revenue_item", columns="year", values="reconciled_wan", observed=True
    ).loc[names]
    years.columns = [str(y) for y in years.columns]
    caption = "Revenue by item 分税种, 万元" if lang == "en" else "分税种收入（万元）"
    _with_total(years.reset_index(), lang, caption)
    caption = f"How {year} is reckoned" if lang == "en" else f"{year}年分税种测算"
    _with_total(words[words["year"] == year].drop(columns="year"), lang, caption)


def _with_total(table: pd.DataFrame, lang: str, caption: str) -> None:
    sums = table.drop(columns="revenue_item").sum()
    total = pd.DataFrame([{"revenue_item": "Total" if lang == "en" else "合计", **sums}])
    shown = pd.concat([table, total], ignore_index=True)
    digits = {str(column): 0 for column in shown.columns if column != "revenue_item"}
    show_table(shown, lang, digits=digits, caption=caption)


def _steps(outcome: Outcome, year: int, lang: str) -> pd.DataFrame:
    """The waterfall of one year, in words."""
    assert outcome.waterfall is not None
    steps = outcome.waterfall[outcome.waterfall["year"] == year]
    spec = outcome.scenario.spec.revenue
    names = {c.name.zh: c.name.get(lang) for c in spec.adjustments.values()} if spec else {}
    words = [names.get(s, label(s, lang, "values")) for s in steps["step"]]
    kinds = [label(k, lang, "values") for k in steps["kind"]]
    return steps.assign(step=words, kind=kinds).rename(columns={"kind": "adjustment"})


def coverage(outcome: Outcome, lang: str = "zh") -> None:
    """The measured coverage that belongs beside every band."""
    table = getattr(outcome.forecast, "coverage", None)
    if table is None or not len(table):
        return
    spans = {
        level: f"{low:.1f}" if low == high else f"{low:.1f}–{high:.1f}"
        for level, low, high in (
            (level, float(group.min()), float(group.max()))
            for level, group in table.groupby("level")["coverage_pct"]
        )
    }
    zh = "；".join(f"{level:g}%区间实测覆盖率 {span}%" for level, span in spans.items())
    en = "; ".join(f"{level:g} % band: measured coverage {span} %" for level, span in spans.items())
    say(f"*{zh}（公开序列、同等历史长度）。*", f"*{en} (public series of this length).*", lang)


def balance(outcome: Outcome, lang: str = "zh") -> None:
    """Revenue, expenditure and what is left for clearance."""
    _heading("收支平衡", "Budget balance 收支平衡", lang)
    if outcome.balance is None:
        _missing(outcome, "balance", lang)
        return
    alt = (
        "Revenue, expenditure and what is left" if lang == "en" else "收入、支出与可用于化债的财力"
    )
    show_chart(charts.balance_chart(outcome, lang), alt)
    show_table(outcome.balance, lang, digits=_whole(outcome.balance))


def debt(outcome: Outcome, lang: str = "zh") -> None:
    """The clearance plan: balances, what is paid from where, the shortfall."""
    _heading("隐性债务化解", "Clearance of hidden debt 隐性债务化解", lang)
    if outcome.debt is None or outcome.plan is None:
        _missing(outcome, "debt", lang)
        return
    plan = outcome.plan
    say(f"> {plan.sentence('zh')}", f"> {plan.sentence('en')}", lang)
    show_chart(charts.debt_chart(outcome, lang), plan.sentence(lang))
    show_table(outcome.debt, lang, digits=_whole(outcome.debt))
    keys = [k for k in ("period", "source_id", "use") if k in plan.schedule]
    if len(plan.schedule):
        paid = plan.schedule.groupby(keys, as_index=False, dropna=False)["amount_wan"].sum()
        show_table(
            in_words(paid, lang),
            lang,
            caption="Paid from each source" if lang == "en" else "分来源还款",
        )
    if len(plan.shortfall):
        caption = "Shortfall" if lang == "en" else "资金缺口"
        show_table(in_words(plan.shortfall, lang), lang, caption=caption)
    if len(plan.levers):
        caption = "What each would have to give, alone" if lang == "en" else "单独采用时所需的力度"
        levers = plan.lever_table(lang).rename(columns={"amount": "lever_amount"})
        show_table(in_words(levers, lang), lang, caption=caption)


def commissions(outcome: Outcome, lang: str = "zh") -> None:
    """The commission statement by bank, kind and account."""
    _heading("代收手续费", "Commissions to the collecting banks 代收手续费", lang)
    if outcome.commissions is None:
        _missing(outcome, "commissions", lang)
        return
    alt = "Commissions by bank and kind" if lang == "en" else "按银行和收入类别的代收手续费"
    show_chart(charts.commission_chart(outcome, lang), alt)
    show_table(in_yuan(outcome.commissions), lang)


def method(outcome: Outcome, lang: str = "zh") -> None:
    """How it was worked out, and the sources of every parameter."""
    _heading("方法与来源", "Method and sources", lang)
    spec = outcome.scenario.spec
    lines = []
    if outcome.forecast is not None:
        said = tuple(note(lang) for note in outcome.forecast.notes)
        lines += [f"- {note}" for note in said]
    if outcome.plan is not None:
        said = outcome.plan.notes if lang == "en" else outcome.plan.notes_zh
        lines += [f"- {note}" for note in said]
    if spec.revenue is not None:
        items = spec.revenue.items.values()
        named = [(item.name, item.source) for item in items]
        named += [(m.name, m.source) for item in items for m in item.measures.values()]
        named += [(c.name, c.source) for c in spec.revenue.adjustments.values()]
        lines += [f"- {name.get(lang)}: {source}" for name, source in named]
        if spec.revenue.target is not None:
            lines.append(f"- {spec.revenue.target.source}")
    lines += [f"- {part.source}" for part in (spec.expenditure, spec.balance) if part is not None]
    text = "\n".join(dict.fromkeys(lines))
    say(text, text, lang)


def compare_region(outcomes: Sequence[Outcome], lang: str = "zh") -> None:
    """One region's scenarios: charts and table."""
    region = outcomes[0].scenario.region.name(lang)
    _heading(region, region, lang)
    lines = [
        f"- **{o.scenario.spec.name.get(lang)}**: {' '.join(o.headline(lang))}" for o in outcomes
    ]
    say("\n".join(lines), "\n".join(lines), lang)
    if all(o.revenue is not None for o in outcomes):
        show_chart(charts.comparison_chart(outcomes, lang), region)
    if all(o.debt is not None for o in outcomes):
        show_chart(charts.hidden_debt_comparison(outcomes, lang), region)
    show_table(comparison(outcomes, lang), lang)


def what_differs(outcomes: Sequence[Outcome], lang: str = "zh") -> None:
    """What the other scenarios' files say differently from the first."""
    from fiscalmodel.scenario.compare import differences

    first = outcomes[0].scenario
    for other in (o.scenario for o in outcomes[1:]):
        changes = differences(first, other)
        if len(changes):
            show_table(changes, lang, caption=f"{first.name(lang)} → {other.spec.name.get(lang)}")


def _whole(frame: pd.DataFrame) -> dict[str, int]:
    """Decimals that keep wide tables readable: 万元 whole, percent with two."""
    return {str(c): 2 if str(c).endswith("_pct") else 0 for c in frame.columns}


def _word(lang: str) -> str:
    return "forecast" if lang == "en" else "预测数"


def _heading(zh: str, en: str, lang: str) -> None:
    say(f"## {zh}", f"## {en}", lang)


def _missing(outcome: Outcome, part: str, lang: str) -> None:
    reason = outcome.reasons[part]
    say(f"*{reason.zh}*", f"*{reason.en}*", lang)
