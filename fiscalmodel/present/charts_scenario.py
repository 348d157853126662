"""Charts of a scenario's outcome, and of several side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from fiscalmodel.present.fonts import PALETTE, apply

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from fiscalmodel.scenario.outcome import Outcome

BLUE, RED, GREEN, PINK, ORANGE, SKY, GREY = PALETTE[:7]
YI = 10_000  # 万元 in 亿元


def _axes(lang: str, title: tuple[str, str], unit: str) -> tuple[Figure, Any, str]:
    """A figure with one axis in the house style; the language that can be drawn."""
    usable = apply(lang)
    from matplotlib import pyplot as plt

    figure, axis = plt.subplots()
    axis.set_title(title[1] if usable == "en" else title[0])
    axis.set_ylabel(unit)
    return figure, axis, usable


def _whole_years(axis: Any, years: Sequence[int]) -> None:
    axis.set_xticks(list(years))
    axis.set_xticklabels([str(y) for y in years], rotation=0 if len(years) <= 15 else 45)


def revenue_chart(outcome: Outcome, lang: str = "zh") -> Figure:
    """History as published and linked, baseline, scenario, bands and target, 亿元."""
    title = ("一般公共预算收入", "General public budget revenue 一般公共预算收入")
    figure, axis, lang = _axes(lang, title, "亿元")
    frame = outcome.revenue
    assert frame is not None
    en = lang == "en"
    past, ahead = frame[frame["kind"] != "forecast"], frame[frame["kind"] == "forecast"]
    axis.plot(
        past["year"], past["linked_wan"] / YI, color=BLUE, marker="o", markersize=5,
        label="Linked to the newest calibre 同口径" if en else "同口径衔接",
    )  # fmt: skip
    if not past["published_wan"].equals(past["linked_wan"]):
        axis.plot(
            past["year"], past["published_wan"] / YI, color=GREY, linestyle=":", marker="x",
            label="As published 自然口径" if en else "公布数（自然口径）",
        )  # fmt: skip
    estimates = past[past["kind"] == "estimate"]
    if len(estimates):
        axis.scatter(
            estimates["year"], estimates["linked_wan"] / YI, s=90, facecolor="white",
            edgecolor=BLUE, zorder=3, label="Estimate 预计数" if en else "预计数",
        )  # fmt: skip
    joined = pd.concat([past.tail(1).assign(scenario_wan=past["linked_wan"]), ahead])
    for low, high, alpha in (("lo-95", "hi-95", 0.13), ("lo-80", "hi-80", 0.25)):
        if low in ahead:
            axis.fill_between(
                ahead["year"], ahead[low] / YI, ahead[high] / YI, color=RED, alpha=alpha,
                linewidth=0, label=f"{low[3:]} % band" if en else f"{low[3:]}%区间",
            )  # fmt: skip
    axis.plot(
        joined["year"], joined["scenario_wan"] / YI, color=RED, marker="o", markersize=4,
        label="Scenario" if en else "本情景",
    )  # fmt: skip
    if not (ahead["baseline_wan"] - ahead["scenario_wan"]).abs().lt(1e-6).all():
        axis.plot(
            ahead["year"], ahead["baseline_wan"] / YI, color=GREEN, linestyle="--",
            label="Model baseline" if en else "模型基线",
        )  # fmt: skip
    if outcome.target is not None:
        axis.scatter(
            [outcome.target.target_year], [outcome.target.target_value / YI], marker="*", s=170,
            color=ORANGE, zorder=4, label="Target" if en else "规划目标",
        )  # fmt: skip
    _whole_years(axis, frame["year"].tolist())
    axis.set_ylim(bottom=0)
    axis.legend(ncols=4, loc="upper left", bbox_to_anchor=(0, -0.1))
    return figure


def waterfall_chart(outcome: Outcome, year: int, lang: str = "zh") -> Figure:
    """Baseline to scenario in one year, step by step, 亿元."""
    title = (f"{year}年：从模型基线到本情景", f"{year}: from the model's baseline to the scenario")
    figure, axis, lang = _axes(lang, title, "亿元")
    assert outcome.waterfall is not None
    steps = outcome.waterfall[outcome.waterfall["year"] == year]
    names: list[str] = []
    spec = outcome.scenario.spec.revenue
    english = {c.name.zh: c.name.en for c in spec.adjustments.values()} if spec else {}
    total = 0.0
    words = {"baseline": ("模型基线", "Baseline"), "scenario": ("本情景", "Scenario")}
    for at, (step, kind, amount) in enumerate(
        zip(steps["step"], steps["kind"], steps["amount_wan"] / YI, strict=True)
    ):
        whole = kind in words
        bottom = 0.0 if whole else total
        color = BLUE if whole else (GREEN if amount >= 0 else RED)
        axis.bar(at, amount, bottom=bottom, color=color, width=0.6)
        total = amount if whole else total + amount
        top = max(bottom, bottom + amount)
        text = f"{amount:,.2f}" if whole else f"{amount:+,.2f}"
        axis.annotate(text, (at, top), xytext=(0, 4), textcoords="offset points", ha="center")
        name = (
            words[kind][lang == "en"]
            if whole
            else (english.get(step, step) if lang == "en" else step)
        )
        names.append(name)
    axis.set_xticks(range(len(names)), names)
    # A step that starts at the top of the axis would otherwise leave no room for its label.
    axis.use_sticky_edges = False
    axis.margins(y=0.12)
    axis.set_ylim(bottom=min(0.0, axis.dataLim.y0))
    return figure


def balance_chart(outcome: Outcome, lang: str = "zh") -> Figure:
    """Revenue beside expenditure, or what is left for clearance, by year, 亿元."""
    frame = outcome.balance
    assert frame is not None
    en = lang == "en"
    if "available_wan" in frame:
        title = ("可用于化债的一般公共预算财力", "What the general budget can give to clearance")
        figure, axis, lang = _axes(lang, title, "亿元")
        bars = axis.bar(frame["year"], frame["available_wan"] / YI, color=GREEN, width=0.5)
        axis.bar_label(bars, fmt="%.2f", padding=3)
        axis.margins(y=0.12)
    else:
        title = ("一般公共预算收入与支出", "General public budget revenue and expenditure")
        figure, axis, lang = _axes(lang, title, "亿元")
        en = lang == "en"
        axis.bar(
            frame["year"] - 0.2, frame["revenue_wan"] / YI, width=0.38, color=BLUE,
            label="Revenue 收入" if en else "收入",
        )  # fmt: skip
        axis.bar(
            frame["year"] + 0.2, frame["expenditure_wan"] / YI, width=0.38, color=ORANGE,
            label="Expenditure 支出" if en else "支出",
        )  # fmt: skip
        axis.legend(ncols=2, loc="upper left", bbox_to_anchor=(0, -0.1))
    _whole_years(axis, frame["year"].tolist())
    return figure


def debt_chart(outcome: Outcome, lang: str = "zh") -> Figure:
    """Hidden and statutory debt at the end of each period, stacked, 亿元."""
    title = (
        "期末债务余额：隐性债务与法定债务",
        "Debt at the end of each period: hidden and statutory",
    )
    figure, axis, lang = _axes(lang, title, "亿元")
    frame = outcome.debt
    assert frame is not None
    en = lang == "en"
    at = range(len(frame))
    hidden, statutory = frame["hidden_wan"] / YI, frame["statutory_wan"] / YI
    one = axis.bar(
        at, hidden, width=0.55, color=RED, label="Hidden debt 隐性债务" if en else "隐性债务"
    )
    two = axis.bar(
        at, statutory, bottom=hidden, width=0.55, color=BLUE,
        label="Statutory debt 法定债务" if en else "法定债务（含置换债券）",
    )  # fmt: skip
    for bars, values in ((one, hidden), (two, statutory)):
        texts = [f"{v:,.2f}" if v > 0.005 else "" for v in values]
        axis.bar_label(bars, labels=texts, label_type="center", color="white")
    staying = frame["by_contract_wan"] / YI if "by_contract_wan" in frame else hidden * 0
    if staying.gt(0).any():
        axis.bar(
            at, staying, bottom=hidden + statutory, width=0.55, color=GREY,
            label="Kept by contract 按合同偿还" if en else "按合同偿还",
        )  # fmt: skip
    axis.set_ylim(top=float((hidden + statutory + staying).max()) * 1.08 or 1.0)
    axis.set_xticks(list(at), [str(p) for p in frame["period"]])
    axis.legend(ncols=2, loc="upper left", bbox_to_anchor=(0, -0.1))
    return figure


def commission_chart(outcome: Outcome, lang: str = "zh") -> Figure:
    """Commissions by bank and kind, 万元."""
    title = ("代收手续费：按银行和收入类别", "Commissions 代收手续费 by bank and kind")
    table = outcome.commissions
    assert table is not None
    wide = table.pivot_table(index="bank", columns="kind", values="fee_fen", aggfunc="sum")
    wide = wide.fillna(0)
    small = float(wide.sum(axis=1).max()) < 1_000_000  # under 1 万元
    wide = wide / (100 if small else 1_000_000)
    figure, axis, lang = _axes(lang, title, "元" if small else "万元")
    words = {"罚没": "Fines 罚没", "收费": "Charges 收费"}
    bottom = pd.Series(0.0, index=wide.index)
    for color, kind in zip((ORANGE, BLUE, GREEN), wide.columns, strict=False):
        name = words.get(str(kind), str(kind)) if lang == "en" else str(kind)
        axis.bar(wide.index, wide[kind], bottom=bottom, width=0.5, color=color, label=name)
        bottom = bottom + wide[kind]
    for at, value in enumerate(bottom):
        axis.annotate(
            f"{value:,.2f}", (at, value), xytext=(0, 4), textcoords="offset points", ha="center"
        )
    axis.margins(y=0.12)
    axis.legend(ncols=3, loc="upper left", bbox_to_anchor=(0, -0.1))
    return figure


def comparison_chart(outcomes: Sequence[Outcome], lang: str = "zh") -> Figure:
    """Revenue of several scenarios of one region in one chart, 亿元."""
    title = ("一般公共预算收入：情景比较", "General public budget revenue: scenarios compared")
    figure, axis, lang = _axes(lang, title, "亿元")
    first = outcomes[0].revenue
    assert first is not None
    past = first[first["kind"] != "forecast"]
    axis.plot(
        past["year"], past["linked_wan"] / YI, color=GREY, marker="o", markersize=4,
        label="History 历史" if lang == "en" else "历史（同口径）",
    )  # fmt: skip
    for color, outcome in zip(PALETTE, outcomes, strict=False):
        frame = outcome.revenue
        assert frame is not None
        joined = pd.concat(
            [
                past.tail(1).assign(scenario_wan=past["linked_wan"]),
                frame[frame["kind"] == "forecast"],
            ]
        )
        axis.plot(
            joined["year"], joined["scenario_wan"] / YI, color=color, marker="o", markersize=4,
            label=outcome.scenario.spec.name.get(lang),
        )  # fmt: skip
    _whole_years(axis, first["year"].tolist())
    axis.set_ylim(bottom=0)
    axis.legend(ncols=4, loc="upper left", bbox_to_anchor=(0, -0.1))
    return figure


def hidden_debt_comparison(outcomes: Sequence[Outcome], lang: str = "zh") -> Figure:
    """Hidden debt of several scenarios of one region, 亿元."""
    title = ("隐性债务余额：情景比较", "Hidden debt 隐性债务: scenarios compared")
    figure, axis, lang = _axes(lang, title, "亿元")
    width = 0.8 / max(1, len(outcomes))
    periods: list[str] = []
    for number, (color, outcome) in enumerate(zip(PALETTE, outcomes, strict=False)):
        frame = outcome.debt
        assert frame is not None
        periods = [str(p) for p in frame["period"]]
        at = [i + (number - (len(outcomes) - 1) / 2) * width for i in range(len(frame))]
        bars = axis.bar(
            at, frame["hidden_wan"] / YI, width=width * 0.92, color=color,
            label=outcome.scenario.spec.name.get(lang),
        )  # fmt: skip
        axis.bar_label(bars, fmt="%.2f", padding=2, fontsize=8.5)
    axis.set_xticks(range(len(periods)), periods)
    axis.margins(y=0.12)
    axis.legend(ncols=4, loc="upper left", bbox_to_anchor=(0, -0.1))
    return figure
