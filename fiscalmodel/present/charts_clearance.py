"""Charts of a clearance plan: contracts over time, prices of money, the gap, break points."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from fiscalmodel.present.fonts import PALETTE, apply

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from fiscalmodel.debt.plan_result import ClearancePlan

BLUE, RED, GREEN, PINK, ORANGE, SKY, GREY = PALETTE[:7]
#: More contracts than this are shown as "the others".
MOST_ROWS = 18

_SHOCKS = {
    "fiscal_funds": ("财政资金下降", "Fiscal funds fall"),
    "land_revenue": ("土地收入下降", "Land revenue falls"),
    "transfers": ("转移支付下降", "Transfers fall"),
    "disposal_price": ("资产处置价格下降", "Disposal prices fall"),
    "quota_delay": ("置换额度推迟", "Quota comes later"),
    "rates": ("利率上升", "Rates rise"),
}
_LEVERS = {
    "extra_funds": ("每年增加财政资金", "More funds every year"),
    "extra_quota": ("增加置换额度", "More replacement quota"),
    "earlier_disposal": ("提前处置资产", "Earlier disposal"),
    "longer_deadline": ("延长期限", "Longer deadline"),
    "least_cost_order": ("改用最低成本顺序", "Least-cost order"),
}
_RULES = {
    "least_cost": ("最低成本", "Least cost"),
    "highest_rate_first": ("利率高者优先", "Highest rate first"),
    "earliest_maturity_first": ("到期早者优先", "Earliest maturity first"),
    "pro_rata": ("按余额比例", "Pro rata"),
    "given": ("给定方案", "As given"),
}
_UNITS = {
    "万元 a year": ("万元/年", "万元 a year"),
    "months": ("个月", "months"),
    "bp": ("个基点", "bp"),
}


def _axes(lang: str, title: tuple[str, str], size: tuple[float, float]) -> tuple[Figure, Any, bool]:
    """Figure and axis in the house style; whether labels are English."""
    english = apply("en" if lang == "en" else "zh") == "en"
    from matplotlib import pyplot as plt

    figure, axis = plt.subplots(figsize=size)
    axis.set_title(title[english])
    return figure, axis, english


def _unit(unit: str, english: bool) -> str:
    return _UNITS.get(unit, (unit, unit))[english]


def _ticks(axis: Any, labels: Sequence[str]) -> None:
    """Period labels, thinned out where there are many."""
    step = -(-len(labels) // (12 if max(map(len, labels), default=0) <= 4 else 8))
    axis.set_xticks(range(0, len(labels), step), list(labels)[::step])


def contracts_chart(plan: ClearancePlan, *, lang: str = "zh") -> Figure:
    """Share of each contract's debt still owed at the end of each period.

    The largest contracts, first cleared first; the rest is one row.
    """
    wide = plan.contracts.pivot_table(
        index="contract_id", columns="period", values="closing_wan", aggfunc="sum"
    )
    size = plan.contracts.groupby("contract_id")["opening_wan"].first()
    size = size[size > 0].sort_values(ascending=False)
    shown = list(size.index[:MOST_ROWS])
    table = wide.loc[shown]
    others = size.index[MOST_ROWS:]
    title = ("各笔隐性债务余额占年初本金的比例", "Share of each contract still owed 隐性债务")
    rows = min(len(size), MOST_ROWS) + (len(others) > 0)
    figure, axis, english = _axes(lang, title, (8.6, 1.6 + 0.27 * max(rows, 4)))
    if len(others):
        name = f"{len(others)} others" if english else f"其余{len(others)}笔"
        table.loc[name] = wide.loc[others].sum()
        size[name] = size[others].sum()
    share = table.div(size.reindex(table.index), axis=0) * 100
    share = share.iloc[np.argsort((share > 1e-9).sum(axis=1).to_numpy(), kind="stable")]
    axis.grid(visible=False)
    image = axis.imshow(share.to_numpy(), aspect="auto", cmap="Blues", vmin=0, vmax=100)
    names = [f"{name}（{size[name]:,.0f}）" if not english else f"{name} ({size[name]:,.0f})"
             for name in share.index]  # fmt: skip
    axis.set_yticks(range(len(share)), names)
    axis.set_ylabel("Contract (万元)" if english else "债务编号（本金，万元）")
    _ticks(axis, [str(c) for c in share.columns])
    axis.set_xlabel("Period" if english else "期间")
    if share.shape[1] <= 12:
        for (i, j), value in np.ndenumerate(share.to_numpy(dtype=float)):
            color = "white" if value > 60 else "#333333"
            axis.text(j, i, f"{value:.0f}", ha="center", va="center", fontsize=8.5, color=color)
    bar = figure.colorbar(image, ax=axis, pad=0.02)
    bar.set_label("Still owed, %" if english else "尚未化解，%")
    return figure


def prices_chart(plan: ClearancePlan, *, lang: str = "zh") -> Figure:
    """What one more 万元 of each source and quota would save, by period."""
    prices = plan.shadow_prices
    title = ("每增加1万元资金或额度可节约的成本", "What one more 万元 of money or quota saves")
    figure, axis, english = _axes(lang, title, (8.6, 4.4))
    replacement = "Replacement quota" if english else "置换额度"
    names = np.where(prices["kind"] == "quota", replacement, prices["name"])
    wide = prices.assign(name=names).pivot_table(
        index="period", columns="name", values="saving_wan", aggfunc="max", sort=False
    )
    wide = wide.sort_index()
    # Side by side, since many sources have the same price.
    width = 0.84 / max(wide.shape[1], 1)
    for k, name in enumerate(wide.columns):
        at = np.arange(len(wide)) + (k - (wide.shape[1] - 1) / 2) * width
        color = PALETTE[k % len(PALETTE)]
        hatch = None if k < len(PALETTE) else "///"
        axis.bar(at, wide[name], width=width * 0.9, color=color, hatch=hatch, label=str(name))
    _ticks(axis, [str(p) for p in wide.index])
    axis.grid(visible=False, axis="x")
    axis.set_xlabel("Period" if english else "期间")
    axis.set_ylabel("万元 saved per 万元" if english else "节约，万元/万元")
    axis.set_ylim(bottom=0)
    axis.legend(ncols=4, loc="upper left", bbox_to_anchor=(0, -0.16))
    return figure


def gap_chart(plan: ClearancePlan, *, lang: str = "zh") -> Figure:
    """What is missing by period, and in words what would close it; for infeasible plans."""
    title = ("资金缺口（最小值）及单项弥补措施", "Smallest gap, and what would close it alone")
    figure, axis, english = _axes(lang, title, (8.6, 4.4))
    labels = [str(p) for p in plan.balances["period"]]
    gap = plan.shortfall.groupby("period")["amount_wan"].sum().reindex(labels, fill_value=0.0)
    bars = axis.bar(range(len(labels)), gap, color=RED, width=0.55)
    if len(labels) <= 12:
        axis.bar_label(bars, [f"{v:,.0f}" if v else "" for v in gap], padding=3)
    _ticks(axis, labels)
    axis.set_ylabel("万元")
    axis.yaxis.set_major_formatter("{x:,.0f}")
    axis.set_xlabel("Period" if english else "期间")
    axis.margins(y=0.14)
    lines = []
    for row in plan.levers.to_dict("records"):
        name = _LEVERS.get(str(row["lever"]), (str(row["lever"]),) * 2)[english]
        unit = _unit(str(row["unit"]), english)
        amount = f"{float(row['amount']):,.0f} {unit}" if row["amount"] else ""
        closed = amount or ("enough" if english else "即可")
        lines.append(f"{name}: {closed if row['closes'] else ('no' if english else '不能弥补')}")
    if lines:
        axis.text(
            0.985, 0.96, "\n".join(lines), transform=axis.transAxes, ha="right", va="top",
            fontsize=9.5, linespacing=1.6,
            bbox={"facecolor": "white", "edgecolor": "#C9CED6", "boxstyle": "round,pad=0.6"},
        )  # fmt: skip
    return figure


def breaks_chart(breaks: pd.DataFrame, *, lang: str = "zh") -> Figure:
    """How large each shock may be before the plan just fails.

    Parameters
    ----------
    breaks
        As `fiscalmodel.debt.breakpoints.break_points` gives. Bars are the share
        of the largest shock looked at, so that units can stand side by side.
    """
    rows = breaks[breaks["outcome"].isin(["fails_beyond", "survives_all", "fails_already"])]
    title = ("化债方案的临界冲击（超过即失败）", "Shock at which the plan just fails")
    figure, axis, english = _axes(lang, title, (8.6, 1.5 + 0.5 * max(len(rows), 1)))
    most = {"%": 100.0, "bp": 1000.0, "months": 36.0}
    for at, row in enumerate(rows.iloc[::-1].to_dict("records")):
        survives, value = row["outcome"] == "survives_all", float(row["break_point"])
        length = min(value / most.get(str(row["unit"]), 100.0), 1.0)
        axis.barh(at, 1.0 if survives else length, color=GREEN if survives else BLUE, height=0.55)
        unit = _unit(str(row["unit"]), english)
        text = f"{value:.1f} %" if unit == "%" else f"{value:,.0f} {unit}"
        if survives:
            text = "holds throughout" if english else "始终成立"
        axis.annotate(text, (1.0 if survives else length, at), xytext=(6, 0),
                      textcoords="offset points", va="center")  # fmt: skip
    names = [_SHOCKS.get(s, (s, s))[english] for s in rows["shock"].iloc[::-1]]
    axis.set_yticks(range(len(rows)), names)
    axis.set_xlim(0, 1.22)
    axis.set_xticks([0, 0.25, 0.5, 0.75, 1.0], ["0", "25", "50", "75", "100"])
    axis.set_xlabel(
        "% of the scale: falls 100 %, rates 1,000 bp, delay 36 months"
        if english
        else "占刻度的%（下降100%、利率1000个基点、推迟36个月）"
    )
    axis.grid(visible=False, axis="y")
    return figure


def rules_chart(plans: dict[str, ClearancePlan], *, lang: str = "zh") -> Figure:
    """Cost parts of several plans side by side, 亿元; a plan that fails has no bar."""
    title = ("不同偿还顺序的成本", "Cost of different orders of payment")
    figure, axis, english = _axes(lang, title, (8.6, 4.2))
    parts = [
        ("interest_wan", ("截止日前利息", "Interest to the deadline"), BLUE),
        ("fee_wan", ("提前还款费用", "Early-repayment fees"), ORANGE),
        ("replacement_pv_wan", ("置换债券本息现值", "Bond service, present value"), SKY),
    ]
    bottom = np.zeros(len(plans))
    for key, words, color in parts:
        values = np.array([
            0.0 if plan.status == "infeasible" else getattr(plan, key) / 10_000
            for plan in plans.values()
        ])  # fmt: skip
        if values.any():
            axis.bar(range(len(plans)), values, bottom=bottom, color=color, width=0.55,
                     label=words[english])  # fmt: skip
        bottom += values
    failed = "no plan" if english else "不可行"
    for at, plan in enumerate(plans.values()):
        text = failed if plan.status == "infeasible" else f"{bottom[at]:,.2f}"
        axis.annotate(text, (at, bottom[at]), xytext=(0, 4), textcoords="offset points",
                      ha="center")  # fmt: skip
    axis.set_xticks(range(len(plans)), [_RULES.get(k, (k, k))[english] for k in plans])
    axis.grid(visible=False, axis="x")
    axis.set_ylabel("亿元")
    axis.margins(y=0.14)
    axis.legend(ncols=3, loc="upper left", bbox_to_anchor=(0, -0.1))
    return figure
