"""Charts of the commissions: by bank, accrual against cash, execution, implied base, need."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from fiscalmodel.fees.words import kind_of, official
from fiscalmodel.present.fonts import PALETTE, apply

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from fiscalmodel.fees.budget import Appropriation
    from fiscalmodel.fees.statement import CommissionStatement

BLUE, RED, GREEN, PINK, ORANGE, SKY, GREY = PALETTE[:7]
WAN_FEN = 1_000_000


def _axes(lang: str, zh: str, en: str, **options: Any) -> tuple[Figure, Any, str]:
    usable = apply(lang)
    from matplotlib import pyplot as plt

    figure, axis = plt.subplots(**options)
    axis.set_title(en if usable == "en" else zh)
    return figure, axis, usable


def _legend_below(axis: Any, columns: int) -> None:
    axis.legend(ncols=columns, loc="upper left", bbox_to_anchor=(0, -0.1))


def banks_chart(statement: CommissionStatement, *, lang: str = "zh") -> Figure:
    """Fees by bank, split by kind, 万元."""
    figure, axis, lang = _axes(lang, "各代收银行手续费", "Commissions by bank")
    table = statement.table.assign(kind=statement.table["kind"].map(kind_of))
    wide = table.pivot_table(index="bank", columns="kind", values="fee_fen", aggfunc="sum")
    wide = wide.fillna(0).astype(float) / WAN_FEN
    wide = wide.loc[wide.sum(axis=1).sort_values().index]
    left = np.zeros(len(wide))
    for kind, color in zip(wide.columns, (BLUE, ORANGE, GREEN, PINK, SKY, GREY), strict=False):
        name = str(kind) if lang == "en" else official(str(kind))
        axis.barh(wide.index, wide[kind], left=left, color=color, label=name, height=0.6)
        left = left + wide[kind].to_numpy()
    for at, total in enumerate(left):
        axis.annotate(
            f"{total:,.2f}", (total, at), xytext=(4, 0), textcoords="offset points", va="center"
        )
    axis.set_xlabel("手续费（万元）" if lang == "zh" else "Commission (万元)")
    axis.margins(x=0.12)
    axis.grid(axis="y", visible=False)
    axis.legend(loc="lower right")
    return figure


def accrual_chart(table: pd.DataFrame, *, lang: str = "zh") -> Figure:
    """Accrued, paid and still owed by year, 万元.

    Parameters
    ----------
    table
        `fiscalmodel.fees.accrual_and_cash`.
    """
    figure, axis, lang = _axes(lang, "手续费：应计与支付", "Commissions: accrued and paid")
    at = np.arange(len(table))
    words = (
        {"accrued_fen": "应计（当年基数）", "paid_fen": "当年支付", "closing_fen": "年末未付"}
        if lang == "zh"
        else {"accrued_fen": "accrued on the year's base", "paid_fen": "paid in the year",
              "closing_fen": "owed at year end"}
    )  # fmt: skip
    for offset, (column, color) in enumerate(zip(words, (BLUE, GREEN, ORANGE), strict=True)):
        values = table[column].astype(float) / WAN_FEN
        bars = axis.bar(at + (offset - 1) * 0.27, values, 0.25, color=color, label=words[column])
        axis.bar_label(bars, fmt="{:,.2f}", padding=2, fontsize=9)
    axis.set_xticks(at, [str(y) for y in table["year"]])
    axis.set_ylabel("万元")
    axis.margins(y=0.14)
    _legend_below(axis, 3)
    return figure


def execution_chart(history: pd.DataFrame, *, lang: str = "zh") -> Figure:
    """Budget, adjusted budget and execution of the whole programme by year, 万元.

    Parameters
    ----------
    history
        `fiscalmodel.fees.programme_history`; what was not published
        stays empty.
    """
    figure, axis, lang = _axes(
        lang, "国库业务、改革性工作经费：预算与执行", "Treasury programme 国库业务、改革性工作经费"
    )
    words = (
        {
            "initial_budget_wan": "年初预算",
            "adjusted_budget_wan": "调整预算",
            "executed_wan": "执行",
            "commissions_wan": "其中：代收手续费预算",
        }
        if lang == "zh"
        else {
            "initial_budget_wan": "initial budget",
            "adjusted_budget_wan": "adjusted budget",
            "executed_wan": "executed",
            "commissions_wan": "of which commissions, budget",
        }
    )
    at = np.arange(len(history))
    for offset, (column, color) in enumerate(zip(words, (BLUE, SKY, GREEN, ORANGE), strict=True)):
        values = history[column].astype(float)
        place = at + (offset - 1.5) * 0.2
        axis.bar(place, values, 0.19, color=color, label=words[column])
        for x, value, to in zip(place, values, history["executed_to"], strict=True):
            if np.isnan(value):
                continue
            part = column == "executed_wan" and "-" in str(to)
            note = ("\n1-7月" if lang == "zh" else "\nJan-Jul") if part else ""
            axis.annotate(f"{value:g}{note}", (x, value), xytext=(0, 3), textcoords="offset points",
                          ha="center", fontsize=9)  # fmt: skip
    axis.set_xticks(at, [str(y) for y in history["year"]])
    axis.set_ylabel("万元")
    axis.margins(y=0.1)
    _legend_below(axis, 4)
    return figure


def implied_base_chart(table: pd.DataFrame, *, lang: str = "zh") -> Figure:
    """The base that a budget implies, by the share of fines, 亿元.

    Parameters
    ----------
    table
        `fiscalmodel.fees.implied_base`.
    """
    figure, axis, lang = _axes(
        lang,
        "预算隐含的代收基数取决于罚没与收费的构成",
        "The base a budget implies depends on the mix",
    )
    axis.plot(table["fines_share_pct"], table["base_yi"], color=BLUE, marker="o")
    for x, y in zip(table["fines_share_pct"], table["base_yi"], strict=True):
        axis.annotate(f"{y:.2f}", (x, y), xytext=(0, 8), textcoords="offset points", ha="center")
    axis.set_xlabel("罚没占比（%）" if lang == "zh" else "share of fines 罚没 (%)")
    axis.set_ylabel("基数（亿元）" if lang == "zh" else "base (亿元)")
    axis.set_ylim(0, float(table["base_yi"].max()) * 1.15)
    return figure


def need_chart(result: Appropriation, *, lang: str = "zh") -> Figure:
    """Need with its bands against the budget requested, 万元."""
    figure, axis, lang = _axes(
        lang,
        f"{result.budget_year}年手续费预算需求（{result.base_year}年基数）",
        f"Need of the {result.budget_year} budget (base of {result.base_year})",
        figsize=(8.6, 2.8),
    )
    need = result.need
    for level, width in (("95", 14), ("80", 26)):
        axis.plot([need[f"lo-{level}"], need[f"hi-{level}"]], [0, 0], lw=width, color=SKY,
                  alpha=0.35, solid_capstyle="butt", label=f"{level} %")  # fmt: skip
    axis.plot(need["mean"], 0, "o", color=BLUE, ms=9, label="预期" if lang == "zh" else "expected")
    axis.annotate(
        f"{need['mean']:,.2f}",
        (need["mean"], 0),
        xytext=(0, 18),
        textcoords="offset points",
        ha="center",
    )
    if result.requested_wan is not None:
        word = "申请" if lang == "zh" else "requested"
        axis.axvline(
            result.requested_wan, color=RED, ls="--", label=f"{word} {result.requested_wan:,.2f}"
        )
    axis.set_yticks([])
    axis.set_ylim(-1, 1.2)
    axis.margins(x=0.15)
    axis.set_xlabel("万元")
    axis.legend(ncols=4, loc="upper left", bbox_to_anchor=(0, -0.28))
    return figure
