"""The parts of the debt report, as notebook 03 shows them: answer, chart, table, method."""

from __future__ import annotations

from typing import Any

import pandas as pd

from fiscalmodel import policy
from fiscalmodel.debt.decompose import decomposition, stressed
from fiscalmodel.debt.published import published_debt
from fiscalmodel.present import charts_debt as charts
from fiscalmodel.present.charts_debt import word
from fiscalmodel.present.debt_view import DebtView
from fiscalmodel.present.labels import label
from fiscalmodel.present.show import say, show_chart, show_table
from fiscalmodel.words import say as words


def _heading(zh: str, en: str, lang: str) -> None:
    say(f"## {zh}", f"## {en}", lang)


def _table(frame: pd.DataFrame, lang: str, caption: str = "", digits: int = 2) -> None:
    """A table with the debt report's own headers and words."""
    # Years are names here, not amounts.
    named = frame.assign(**{c: frame[c].astype(str) for c in ("year", "period") if c in frame})
    shown = named.rename(columns={c: word(str(c), lang) for c in named.columns})
    show_table(shown, lang, digits=digits, caption=caption)


def _words(values: Any, lang: str) -> list[str]:
    return [word(str(value), lang) for value in values]


def answer(view: DebtView, lang: str = "zh") -> None:
    """The answer in one sentence, and what qualifies it."""
    _heading("结论", "Answer", lang)
    plan = view.plan
    if view.totals_only and plan.status == "infeasible":
        zh = f"> 按本方案无法按期清零，最少缺口{plan.shortfall_wan:,.2f}万元。"
        en = f"> The plan cannot clear the debt in time: {plan.shortfall_wan:,.2f} 万元 is missing."
        say(zh, en, lang)
    else:
        say(f"> {plan.sentence('zh')}", f"> {plan.sentence('en')}", lang)
    saved = plan.interest_saved_wan
    lines_zh = [
        f"相对合同原计划，截止日前{'少' if saved >= 0 else '多'}付利息{abs(saved):,.2f}万元。"
    ]
    lines_en = [
        f"Against the contracts as agreed, {abs(saved):,.2f} 万元 "
        f"{'less' if saved >= 0 else 'more'} interest is paid to the deadline."
    ]
    if plan.status == "infeasible":
        lines_zh, lines_en = [], []
    if view.outcome.scenario.synthetic:
        lines_zh.insert(0, f"**{words('scenario.synthetic').zh}**")
        lines_en.insert(0, f"**{words('scenario.synthetic').en}**")
    if view.totals_only:
        lines_zh.append("仅列示合计数，不列示合同、债务人、债权人和资金来源名称。")
        lines_en.append("Totals only: no contracts, debtors, creditors or sources by name.")
    say("\n".join(f"- {t}" for t in lines_zh), "\n".join(f"- {t}" for t in lines_en), lang)


def waterfall(view: DebtView, lang: str = "zh") -> None:
    """What clears the hidden debt, step by step."""
    _heading("隐性债务如何化解", "What clears the hidden debt 隐性债务", lang)
    opening = view.plan.opening_wan
    closing = float(view.waterfall["amount_wan"].iloc[-1])
    alt = (
        f"Hidden debt falls from {opening:,.0f} to {closing:,.0f} 万元"
        if lang == "en"
        else f"隐性债务由{opening:,.0f}万元降至{closing:,.0f}万元的分解"
    )
    show_chart(charts.waterfall_chart(view.waterfall, lang=lang), alt)
    table = view.waterfall.drop(columns="kind").assign(step=_words(view.waterfall["step"], lang))
    _table(table, lang)


def sources(view: DebtView, lang: str = "zh") -> None:
    """Money for principal, interest and fees by period and kind."""
    _heading("资金从哪里来", "Where the money comes from", lang)
    total = float(view.funding["total_wan"].sum())
    alt = (
        f"Money by source and period, {total:,.0f} 万元 in all"
        if lang == "en"
        else f"分时段、分来源的化债资金，合计{total:,.0f}万元"
    )
    show_chart(charts.funding_chart(view.funding, lang=lang), alt)
    _table(view.funding, lang)


def totals(view: DebtView, lang: str = "zh") -> None:
    """Hidden, statutory and total debt side by side."""
    _heading("三个总额", "Three totals side by side", lang)
    alt = (
        "Hidden, by-contract and statutory debt at each period's end"
        if lang == "en"
        else "各时段末隐性债务、按合同偿还债务与法定债务"
    )
    show_chart(charts.totals_chart(view.totals, lang=lang), alt)
    _table(view.totals, lang)


def register(view: DebtView, lang: str = "zh") -> None:
    """The replacement register that the plan implies, or its totals by batch."""
    _heading("置换台账（计划）", "Replacement register 置换台账 (planned)", lang)
    table = view.register
    if not len(table):
        say("本方案未安排置换。", "The plan replaces nothing.", lang)
        return
    if view.totals_only:
        sums = table.groupby("batch", as_index=False).agg(
            contracts=("contract_id", "nunique"), replaced_wan=("replaced_wan", "sum")
        )
        _table(sums, lang)
        return
    _table(table.assign(status=_words(table["status"], lang)), lang)


def shortfall(view: DebtView, lang: str = "zh") -> None:
    """The gap and the levers that would close it; nothing where the plan holds."""
    plan = view.plan
    if plan.status != "infeasible":
        return
    _heading("缺口与补救措施", "The gap, and what would close it", lang)
    gap = plan.shortfall
    if view.totals_only:
        gap = gap.groupby("period")["amount_wan"].sum().reset_index()
    codes = [c for c in ("use", "reason") if c in gap]
    _table(gap.assign(**{c: [label(str(v), lang, "values") for v in gap[c]] for c in codes}), lang)
    levers = plan.lever_table(lang).drop(columns=["detail"] if view.totals_only else [])
    levers = levers.rename(columns={"amount": "lever_amount"})
    _table(levers.assign(lever=[label(str(v), lang, "values") for v in levers["lever"]]), lang)


def risk(view: DebtView, lang: str = "zh") -> None:
    """Debt ratio and grade by year, and when statutory debt falls due."""
    _heading("债务风险", "Debt risk 债务风险", lang)
    if view.risk is None or view.wall is None:
        say(f"未测算：{view.resources_note[0]}。", f"Not shown: {view.resources_note[1]}.", lang)
        return
    table = view.risk.table
    bounds = policy.value("debt_risk_grades", on=view.plan.as_of.isoformat())
    say(f"> {_grade_sentence(view, 'zh')}", f"> {_grade_sentence(view, 'en')}", lang)
    show_chart(charts.risk_chart(view.risk, bounds, lang=lang), _grade_sentence(view, lang))
    _table(table.assign(grade=_words(table["grade"], lang)), lang)
    if len(view.risk.found):
        found = view.risk.findings.assign(explanation=[f.text(lang) for f in view.risk.found])
        show_table(found, lang)
    alt = (
        "Principal and interest of statutory bonds by year"
        if lang == "en"
        else "分年度法定债券到期本金和利息"
    )
    show_chart(charts.wall_chart(view.wall, lang=lang), alt)
    _table(view.wall, lang)
    if view.reserve is not None:
        caption = (
            "Reserve fund 偿债备付金 that covers the next year's principal and interest"
            if lang == "en"
            else "偿债备付金：覆盖下一年度还本付息所需缴入"
        )
        columns = ["period", "opening_wan", "contribution_wan", "closing_wan", "target_wan"]
        _table(view.reserve[columns], lang, caption)


def _grade_sentence(view: DebtView, lang: str) -> str:
    assert view.risk is not None
    table, changes = view.risk.table, view.risk.changes()
    first, last = table.iloc[0], table.iloc[-1]
    ratios = f"{first['risk_ratio_pct']:.1f}% → {last['risk_ratio_pct']:.1f}%"
    if lang == "en":
        moved = "; ".join(
            f"{a} to {b} in {y}"
            for y, a, b in zip(
                changes["year"], changes["from_grade"], changes["to_grade"], strict=True
            )
        )
        grade = moved or f"grade {last['grade']} throughout"
        return f"Debt ratio with hidden debt {first['year']}–{last['year']}: {ratios}; {grade}."
    moved = "；".join(
        f"{y}年由{word(a, 'zh')}转为{word(b, 'zh')}"
        for y, a, b in zip(changes["year"], changes["from_grade"], changes["to_grade"], strict=True)
    )
    grade = moved or f"风险等级始终为{word(last['grade'], 'zh')}"
    return f"含隐性债务的债务率{first['year']}–{last['year']}年：{ratios}；{grade}。"


def dynamics(view: DebtView, lang: str = "zh") -> None:
    """Why the debt ratio moves, and where it ends under each standard shock."""
    if view.outlook is None or len(view.outlook) < 2:
        return
    _heading("债务率为何变化", "Why the debt ratio 债务率 moves", lang)
    path = decomposition(view.outlook)
    zh = f"含隐性债务的债务率{path['year'].iloc[0]}–{path['year'].iloc[-1]}年的变动分解"
    en = f"What moved the debt ratio, {path['year'].iloc[0]}–{path['year'].iloc[-1]}"
    show_chart(charts.decomposition_chart(path, lang=lang), en if lang == "en" else zh)
    _table(path.rename(columns={"primary_balance": "paid_pct"}), lang, digits=4)
    table = stressed(view.outlook)
    caption = (
        "Ratio at year's end under each shock, %" if lang == "en" else "各冲击下的年末债务率，%"
    )
    _table(table.assign(stress=_words(table["stress"], lang)), lang, caption)


def published(lang: str = "zh") -> None:
    """The same checks on published figures: limit, balance and refinancing of a real county."""
    from fiscalmodel.series import catalog

    _heading("公开数据示例：沅陵县2024年", "Published example: Yuanling County 沅陵县, 2024", lang)
    frame = catalog.read("yuanling_2024_debt")
    table, found = published_debt(frame)
    _table(table.assign(type=_words(table["type"], lang)), lang)
    text = [
        f"- {word(f.where, lang)}: {f.text(lang)} ({-(f.difference or 0):,.0f} 万元)" for f in found
    ]
    source = str(frame["source"].iloc[0])
    say("\n".join([*text, f"- 来源：{source}"]), "\n".join([*text, f"- Source: {source}"]), lang)


def break_points(view: DebtView, lang: str = "zh") -> None:
    """Targets of the plan, and the shock at which it just fails."""
    _heading("目标与临界点", "Targets and break points", lang)
    goals = view.targets.copy()
    goals["target"] = _words(goals["target"], lang)
    goals["value"] = [_shown(v) for v in goals["value"]]
    goals["unit"] = [_unit(u, lang) for u in goals["unit"]]
    _table(goals, lang)
    table = view.breaks.copy()
    names = {"fiscal_funds": "fiscal_funds_fall"}
    table["shock"] = [word(names.get(s, s), lang) for s in table["shock"]]
    table["outcome"] = _words(table["outcome"], lang)
    table["unit"] = [_unit(u, lang) for u in table["unit"]]
    _table(table.drop(columns="detail"), lang)
    say(
        "*每项冲击单独施加；置换额度推迟以方案的时段为步长。*",
        "*Each shock alone; the quota is delayed in steps of the plan's periods.*",
        lang,
    )


def _shown(value: object) -> str:
    if value is None:
        return "—"
    return f"{value:,.2f}" if isinstance(value, float) else str(value)


def _unit(unit: str, lang: str) -> str:
    words = {"万元 a year": "万元/年", "period": "时段", "date": "日期"}
    return word(unit, lang) if lang == "en" else words.get(unit, word(unit, lang))


def method(view: DebtView, lang: str = "zh") -> None:
    """How it was worked out, and on what."""
    _heading("方法与来源", "Method and sources", lang)
    plan, on = view.plan, view.plan.as_of.isoformat()
    grades, deadline = policy.at("debt_risk_grades", on), policy.at("hidden_debt_deadline", on)
    zh = [
        f"规则 `{plan.rule}`；各时段利息＝期初余额×利率×时段长度，现金在时段末支付；"
        "成本＝截止日前利息＋置换债券本息现值。",
        "置换使隐性债务减少、法定专项债务等额增加，债务总额当日不变；到期法定债券假定全部再融资。",
        f"{view.resources_note[0]}；债务率两个口径：法定债务；法定债务＋隐性债务（含按合同偿还部分）。",
        f"风险等级界限：{grades.citation()}（可信度{grades.confidence}）。",
        f"化解期限：{deadline.citation()}。",
        "到期分布和偿债备付金含本方案的置换债券；债务率冲击幅度为自定测试，非规定。",
        *(note.zh for note in view.outcome.notes if note != words("scenario.synthetic")),
    ]
    en = [
        f"Rule `{plan.rule}`; interest of a period = opening balance × rate × length, cash moves "
        "at its end; cost = interest to the deadline + present value of the bonds' service.",
        "Replacement lowers hidden and raises special debt by the same amount; maturing statutory "
        "bonds are taken as refinanced.",
        f"{view.resources_note[1]}; two calibres of the debt ratio 债务率: statutory debt, and "
        "with hidden debt (what stays by contract included).",
        f"Bounds of the grades: {grades.citation()} (confidence {grades.confidence}).",
        f"Deadline: {deadline.citation()}.",
        "Maturities and the reserve fund count the plan's own bonds; the shocks to the ratio are "
        "a test of our own, not a rule.",
        *(note.en for note in view.outcome.notes if note != words("scenario.synthetic")),
        *plan.notes,
    ]
    say("\n".join(f"- {t}" for t in zh), "\n".join(f"- {t}" for t in en), lang)


def save_workbook(view: DebtView, path: str, lang: str = "zh") -> None:
    """Write the workbook to a path inside the project; nothing with an empty path."""
    from fiscalmodel.present.workbook_debt import write_workbook

    if path:
        write_workbook(view, path, lang)
        say(f"工作簿：`{path}`", f"Workbook: `{path}`", lang)
