"""The parts of the yearly revenue forecast, as notebook 02 shows them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from fiscalmodel.errors import InputError
from fiscalmodel.present import charts_revenue
from fiscalmodel.present.revenue_words import LEVERS, METHODS, WORDS
from fiscalmodel.present.show import say, show_chart, show_table

if TYPE_CHECKING:
    from fiscalmodel.scenario.outcome import Outcome

YI = 10_000  # 万元 in 亿元


@dataclass(frozen=True)
class View:
    """What the notebook shows."""

    outcome: Outcome
    other: Outcome | None
    backtest: pd.DataFrame


def revenue_view(scenario: str | Path, compare_with: str | Path = "") -> View:
    """Evaluate a scenario's revenue, and another with adjustments; backtest on the history."""
    import fiscalmodel as fm

    outcome = _revenue_only(scenario)
    other = _revenue_only(compare_with) if compare_with else None
    made = outcome.forecast
    steps = min(2, max(1, len(made.history) - 3))
    tested = fm.backtest(made.history, steps, kind=made.kind or None)
    return View(outcome, other, tested)


def _revenue_only(path: str | Path) -> Outcome:
    """The revenue part of a scenario, without what else it says."""
    from fiscalmodel.scenario.load import load_scenario
    from fiscalmodel.scenario.outcome import Outcome
    from fiscalmodel.scenario.part_revenue import revenue_part

    scenario = load_scenario(path)
    if scenario.spec.revenue is None:
        raise InputError(str(path), "has no revenue part", "add revenue: series: ...")
    part = revenue_part(scenario, scenario.spec.revenue)
    return Outcome(
        scenario, revenue=part.frame, waterfall=part.waterfall, notes=part.notes,
        answers=(part.answer,), forecast=replace(part.forecast, unit="万元"),
        link=part.link, target=part.target,
    )  # fmt: skip


def _show(frame: pd.DataFrame, lang: str, caption: tuple[str, str], digits: int = 2) -> None:
    english = lang == "en"
    named = frame.rename(columns={k: v[english] for k, v in WORDS.items()})
    show_table(named, lang, digits=digits, caption=caption[english])


def answer(view: View, lang: str = "zh") -> None:
    """The answer, with the notes that qualify it."""
    line = f"**{view.outcome.headline(lang)[0]}**"
    notes = "\n".join(f"- {note(lang)}" for note in view.outcome.notes)
    say(f"{line}\n\n{notes}", f"{line}\n\n{notes}", lang)


def history(view: View, lang: str = "zh") -> None:
    """Levels as published and linked, and where the calibre broke."""
    link = view.outcome.link
    say(
        "### 历史与口径\n公布数之间的差额有一部分是口径变化而不是增长。用公布的同口径增速"
        "反推上年基数，把历史衔接到最新口径；原因未公布的，只列出金额，不作猜测。",
        "### History and calibre\nPart of the change between published figures is no growth but a "
        "change of calibre 口径. The published like-for-like growth gives the base it was measured "
        "against; the history is linked to the newest calibre. Causes that were not published are "
        "not guessed.",
        lang,
    )
    alt = "历史、衔接与预测" if lang == "zh" else "history, link and forecast"
    show_chart(vars(view.outcome.plot("revenue", lang))["figure"], alt)
    if link is None:
        return
    frame = pd.DataFrame({"year": [str(p) for p in link.levels.index],
                          "published": link.levels.to_numpy() / YI,
                          "linked": link.linked.to_numpy() / YI})  # fmt: skip
    steps = link.steps[["published_growth_pct", "like_for_like_growth_pct", "break_amount"]].copy()
    steps["break_amount"] /= YI
    steps.insert(0, "year", [str(p) for p in steps.index])
    _show(frame.merge(steps, on="year", how="left"), lang, ("衔接表", "Linking"))
    say(
        f"同口径增速的几何平均：每年 {link.mean_growth_pct:.2f}%。",
        f"Geometric mean of like-for-like growth: {link.mean_growth_pct:.2f} % a year.",
        lang,
    )


def forecast(view: View, lang: str = "zh") -> None:
    """Fan chart, table with bands and their measured coverage."""
    made = view.outcome.forecast
    say("### 预测与区间", "### Forecast and bands", lang)
    alt = "预测扇形图" if lang == "zh" else "fan chart"
    show_chart(charts_revenue.fan_chart(made, lang=lang), alt)
    table = made.table.assign(period=[str(p) for p in made.table["period"]])
    money = [c for c in table.columns if c != "period"]
    table[money] = table[money] / YI
    for level in made.levels:
        seen = made.coverage[made.coverage["level"] == level]["coverage_pct"]
        table[f"coverage_{level:g}"] = seen.to_numpy()
    _show(table, lang, ("预测，亿元", "Forecast, 亿元"))


def candidates(view: View, lang: str = "zh") -> None:
    """What each candidate says."""
    made = view.outcome.forecast
    say(
        "### 候选模型\n没有一个模型总是最好；历史越短，越应取稳健的组合。",
        "### Candidates\nNo model is always best; the shorter the history, the more a sturdy "
        "combination is worth.",
        lang,
    )
    alt = "候选模型" if lang == "zh" else "candidates"
    show_chart(charts_revenue.candidates_chart(made, lang=lang), alt)
    titles = made.models["title_zh" if lang == "zh" else "title"]
    frame = pd.DataFrame({"title": titles, "weight_pct": 100 * made.models["weight"]})
    for period in made.table["period"]:
        frame[str(period)] = made.models[str(period)] / YI
    _show(frame, lang, ("各候选模型，亿元", "Candidates, 亿元"), digits=1)


def backtest(view: View, lang: str = "zh") -> None:
    """How the model would have done on this very history."""
    tested = view.backtest
    verdict = tested.attrs["verdict_zh" if lang == "zh" else "verdict"]
    say(f"### 回测\n{verdict}", f"### Backtest\n{verdict}", lang)
    alt = "回测误差" if lang == "zh" else "backtest errors"
    show_chart(charts_revenue.backtest_chart(tested, lang=lang), alt)
    _backtest_table(tested, lang, ("滚动原点回测", "Rolling origin"))


def _backtest_table(tested: pd.DataFrame, lang: str, caption: tuple[str, str]) -> None:
    frame = tested[["method", "horizon", "forecasts", "mape", "mase", "owa"]].copy()
    english = lang == "en"
    frame["method"] = [METHODS.get(m, (m, m))[english] for m in frame["method"]]
    frame["horizon"] = [
        str(h) if h != "all" else ("全部", "all")[english] for h in frame["horizon"]
    ]
    _show(frame, lang, caption)


def province_panel() -> pd.DataFrame:
    """Local revenue of the provinces with a clean calibre: ``unique_id, ds, y`` in 万元."""
    from fiscalmodel.series import catalog

    flagged = set(catalog.calibre_breaks()["series_id"])
    known = catalog.describe()
    names = known[known["table"].eq("provincial_annual")]["series_id"]
    frames = []
    for name in names:
        if name in flagged or not name.endswith("general_public_budget_revenue"):
            continue
        values = catalog.load_series(name).values.dropna()
        frames.append(pd.DataFrame({"unique_id": name, "ds": [int(p.year) for p in values.index],
                                    "y": values.to_numpy()}))  # fmt: skip
    return pd.concat(frames, ignore_index=True)


def provinces(lang: str = "zh") -> None:
    """The same model on the provinces' published revenue: more forecasts than one region has."""
    import fiscalmodel as fm

    panel = province_panel()
    tested = fm.backtest(panel, 3, kind="revenue")
    count = panel["unique_id"].nunique()
    verdict = tested.attrs["verdict_zh" if lang == "zh" else "verdict"]
    say(
        f"一个地区的历史太短，难以下结论；把同一模型用于 {count} 个口径未变的省级地区"
        f"（2015–2023年）：{verdict}",
        f"One region's history is too short to tell; the same model on {count} provincial-level "
        f"regions with an unbroken calibre, 2015 to 2023: {verdict}",
        lang,
    )
    alt = "各省回测误差" if lang == "zh" else "backtest errors, provinces"
    show_chart(charts_revenue.backtest_chart(tested, lang=lang), alt)
    _backtest_table(tested, lang, (f"{count} 个省级地区", f"{count} provincial-level regions"))


def target(view: View, lang: str = "zh") -> None:
    """Growth needed, probability, and what each lever would have to deliver."""
    found = view.outcome.target
    if found is None:
        return
    english = lang == "en"
    say(f"### 目标\n{found.sentence('zh')}", f"### Target\n{found.sentence('en')}", lang)
    rows = [
        ((f"{found.last_year}年（亿元）", f"{found.last_year} (亿元)"), found.last_value / YI),
        ((f"{found.target_year}年目标（亿元）", f"target {found.target_year} (亿元)"),
         found.target_value / YI),
        ((f"{found.target_year}年预测（亿元）", f"expected {found.target_year} (亿元)"),
         found.expected / YI),
        (("所需年均增速（%）", "growth needed a year (%)"), found.growth_needed_pct),
        (("预测年均增速（%）", "growth expected a year (%)"), found.expected_growth_pct),
        (("达成概率（%）", "chance (%)"), found.probability_pct),
    ]  # fmt: skip
    link = view.outcome.link
    if link is not None:
        last = link.linked.index[-1]
        years = found.target_year - int(str(last))
        even = 100 * ((found.target_value / float(link.linked.iloc[-1])) ** (1 / years) - 1)
        rows.append(((f"比{last}年增长（%）", f"against {last} (%)"),
                     100 * (found.target_value / float(link.linked.iloc[-1]) - 1)))  # fmt: skip
        rows.append(((f"自{last}年起年均（%）", f"a year from {last} (%)"), even))
    frame = pd.DataFrame({"what": [w[english] for w, _ in rows], "value": [v for _, v in rows]})
    _show(frame, lang, ("目标核对", "The target"))
    if len(found.levers):
        levers = found.levers.copy()
        in_money = levers["unit"] == "万元"
        levers["amount"] = levers["amount"].where(~in_money, levers["amount"] / YI)
        levers["unit"] = ["亿元" if m else ("百分点", "points")[english] for m in in_money]
        levers["lever"] = [LEVERS[n][english] for n in levers["lever"]]
        _show(levers, lang, ("单独靠一种手段需要多少", "What each lever alone must deliver"))


def adjustments(view: View, lang: str = "zh") -> None:
    """The other scenario, step by step from the baseline."""
    if view.other is None or view.other.waterfall is None or view.other.revenue is None:
        return
    ahead = view.other.revenue[view.other.revenue["kind"] == "forecast"]
    year = int(view.other.target.target_year if view.other.target else ahead["year"].iloc[-1])
    name = view.other.scenario.spec.name(lang)
    say(f"### 情景调整：{name}\n{view.other.headline('zh')[0]}",
        f"### Adjustments: {name}\n{view.other.headline('en')[0]}", lang)  # fmt: skip
    alt = f"{year}年从基线到情景" if lang == "zh" else f"{year}: baseline to scenario"
    show_chart(vars(view.other.plot("steps", lang))["figure"], alt)
    steps = view.other.waterfall[view.other.waterfall["year"] == year]
    fixed = {"baseline": ("模型基线", "baseline"), "scenario": ("本情景", "scenario")}
    spec = view.other.scenario.spec.revenue
    names = {c.name.zh: c.name(lang) for c in spec.adjustments.values()} if spec else {}
    words = [fixed[s][lang == "en"] if s in fixed else names.get(s, s) for s in steps["step"]]
    frame = pd.DataFrame({"step": words, "amount_yi": steps["amount_wan"].to_numpy() / YI,
                          "source": steps["source"].to_numpy()})  # fmt: skip
    _show(frame, lang, (f"{year}年分解，各步相加等于情景", f"{year}: the steps add up"))


def method(view: View, lang: str = "zh") -> None:
    """How it is done, and the sources."""
    made = view.outcome.forecast
    said = made.notes_zh if lang == "zh" else made.notes
    notes = "\n".join(f"- {note}" for note in said)
    from fiscalmodel.series import catalog

    spec = view.outcome.scenario.spec.revenue
    sources = ""
    if spec is not None and spec.series in catalog.names():
        series = catalog.load_series(spec.series)
        found = series.sources.tolist() if series.sources is not None else []
        listed = dict.fromkeys(source.partition(" [")[0] for source in found)
        sources = "\n".join(f"- {source}" for source in listed)
        if spec.target is not None:
            sources += f"\n- {spec.target.source}"
    say(
        "### 方法与来源\n先衔接口径，再由多个候选模型组合预测；区间为共形预测，"
        f"按公开序列上的实测误差校准，旁注实测覆盖率。达成概率由区间推得，只到整数百分点。\n\n{notes}\n\n来源：\n{sources}",
        "### Method and sources\nThe calibre is linked first; then candidates are combined. Bands "
        "are conformal, calibrated on errors measured on public series, with the coverage "
        "measured beside them. The chance of the target follows from the bands, to whole percent."
        f"\n\n{notes}\n\nSources:\n{sources}",
        lang,
    )
