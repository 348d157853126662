"""Charts of the debt report: waterfall, money by kind, three totals, risk, maturities, fan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from fiscalmodel.present.fonts import PALETTE, apply
from fiscalmodel.present.labels import label

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from fiscalmodel.debt.risk import RiskPath

BLUE, RED, GREEN, PINK, ORANGE, SKY, GREY = PALETTE[:7]
YI = 10_000  # 万元 in 亿元
#: Fills of the grade bands, light enough to read a line on.
_BANDS = {"green": "#E4F3EC", "yellow": "#FDF6DA", "orange": "#FBE5D6", "red": "#F6D5D9"}


def word(key: str, lang: str) -> str:
    """A word of the debt report; the key itself where none is given."""
    found = label(key, lang, "debt")
    return found if found != key else label(key, lang)


def _axes(lang: str, title: tuple[str, str], unit: str = "亿元") -> tuple[Figure, Any, str]:
    usable = apply(lang)
    from matplotlib import pyplot as plt

    figure, axis = plt.subplots()
    axis.set_title(title[1] if usable == "en" else title[0])
    axis.set_ylabel(unit)
    return figure, axis, usable


def _legend_below(axis: Any, columns: int) -> None:
    # Outside the axes, so that the layout makes room for turned tick labels first.
    axis.figure.legend(ncols=columns, loc="outside lower left")


def waterfall_chart(waterfall: pd.DataFrame, *, lang: str = "zh") -> Figure:
    """Hidden debt from the opening to the deadline, by what repays it, 亿元.

    Parameters
    ----------
    waterfall
        `fiscalmodel.debt.summary.waterfall`.
    """
    title = ("隐性债务化解分解", "Hidden debt 隐性债务: what clears it")
    figure, axis, lang = _axes(lang, title)
    level = 0.0
    for at, (step, kind, amount) in enumerate(
        zip(waterfall["step"], waterfall["kind"], waterfall["amount_wan"] / YI, strict=True)
    ):
        whole = kind == "balance"
        bottom = 0.0 if whole else level
        color = BLUE if whole else SKY if step == "replacement" else GREEN if amount < 0 else RED
        axis.bar(at, amount, bottom=bottom, color=color, width=0.62)
        level = amount if whole else level + amount
        text = f"{amount:,.2f}" if whole else f"{amount:+,.2f}"
        top = max(bottom, bottom + amount)
        axis.annotate(text, (at, top), xytext=(0, 4), textcoords="offset points", ha="center")
    names = [word(str(step), lang) for step in waterfall["step"]]
    axis.set_xticks(range(len(names)), [_wrapped(name, lang) for name in names])
    axis.use_sticky_edges = False
    axis.margins(y=0.1)
    axis.set_ylim(bottom=0)
    return figure


def _wrapped(text: str, lang: str) -> str:
    """A tick label on two lines where it is long."""
    if lang == "en":
        return text.replace(" ", "\n")
    return (
        text
        if len(text) <= 5
        else f"{text[: (len(text) + 1) // 2]}\n{text[(len(text) + 1) // 2 :]}"
    )


def funding_chart(funding: pd.DataFrame, *, lang: str = "zh") -> Figure:
    """Money for principal, interest and fees by period and kind, 亿元.

    Parameters
    ----------
    funding
        `fiscalmodel.debt.summary.funding`.
    """
    title = ("化债资金来源", "Money for clearance by source")
    figure, axis, lang = _axes(lang, title)
    kinds = [c for c in funding.columns if c not in ("period", "total_wan")]
    at, bottom = range(len(funding)), pd.Series(0.0, index=funding.index)
    few = len(funding) <= 8
    colors = [c for c in PALETTE if c != SKY]
    for color, kind in zip(colors * 3, kinds, strict=False):
        values = funding[kind] / YI
        fill = SKY if kind == "replacement" else color
        bars = axis.bar(at, values, bottom=bottom, width=0.6, color=fill, label=word(kind, lang))
        if few:
            shown = [
                f"{v:,.2f}" if v >= 0.035 * funding["total_wan"].max() / YI else "" for v in values
            ]
            dark = fill in (SKY, ORANGE, PALETTE[7], PINK)
            axis.bar_label(bars, labels=shown, label_type="center", fontsize=8.5,
                           color="black" if dark else "white")  # fmt: skip
        bottom = bottom + values
    for x, total in enumerate(bottom):
        if few:
            axis.annotate(f"{total:,.2f}", (x, total), xytext=(0, 4), textcoords="offset points",
                          ha="center")  # fmt: skip
    _period_ticks(axis, funding["period"])
    axis.margins(y=0.1)
    _legend_below(axis, 4)
    return figure


def _period_ticks(axis: Any, periods: pd.Series[Any]) -> None:
    """Every period where they are few, every twelfth of them where they are many."""
    names = [str(p) for p in periods]
    step = max(1, -(-len(names) // 14))
    axis.set_xticks(range(0, len(names), step), names[::step], rotation=45 if len(names) > 8 else 0)


def totals_chart(totals: pd.DataFrame, *, lang: str = "zh") -> Figure:
    """Hidden, by-contract and statutory debt, stacked, with their total, 亿元.

    Parameters
    ----------
    totals
        ``period, hidden_wan, by_contract_wan, statutory_wan, total_wan``.
    """
    title = (
        "债务总额：置换只转换、不减少",
        "All debt: replacement converts, it does not reduce",
    )
    figure, axis, lang = _axes(lang, title)
    at, bottom = range(len(totals)), pd.Series(0.0, index=totals.index)
    for color, name in ((RED, "hidden_wan"), (ORANGE, "by_contract_wan"), (BLUE, "statutory_wan")):
        values = totals[name] / YI
        if not values.abs().max() > 0:
            continue
        bars = axis.bar(
            at, values, bottom=bottom, width=0.6, color=color, label=word(name[:-4], lang)
        )
        if len(totals) <= 8:
            texts = [
                f"{v:,.2f}" if v > 0.03 * totals["total_wan"].max() / YI else "" for v in values
            ]
            axis.bar_label(bars, labels=texts, label_type="center",
                           color="black" if color == ORANGE else "white")  # fmt: skip
        bottom = bottom + values
    if len(totals) <= 8:
        for x, total in enumerate(bottom):
            axis.annotate(f"{total:,.2f}", (x, total), xytext=(0, 4), textcoords="offset points",
                          ha="center")  # fmt: skip
    _period_ticks(axis, totals["period"])
    axis.margins(y=0.1)
    _legend_below(axis, 3)
    return figure


def risk_chart(risk: RiskPath, bounds: dict[str, float], *, lang: str = "zh") -> Figure:
    """Debt ratio in both calibres over the bands of the grades, %.

    Parameters
    ----------
    risk
        `fiscalmodel.debt.risk.risk_path`.
    bounds
        Lower bounds of the grades, percent.
    """
    title = ("债务率与风险等级", "Debt ratio 债务率 and risk grade")
    figure, axis, lang = _axes(lang, title, "%")
    table = risk.table
    high = max(float(table["risk_ratio_pct"].max()) * 1.15, bounds["yellow"] * 1.15)
    edges = [0.0, bounds["yellow"], bounds["orange"], bounds["red"], max(high, bounds["red"])]
    for grade, low, top in zip(
        ("green", "yellow", "orange", "red"), edges, edges[1:], strict=False
    ):
        if low < high:
            axis.axhspan(low, min(top, high), color=_BANDS[grade], linewidth=0, zorder=0)
            axis.text(1.0, low, f" {word(grade, lang)}", transform=axis.get_yaxis_transform(),
                      va="bottom", color=GREY, fontsize=9)  # fmt: skip
    years = table["year"].astype(str)
    # The lower line's figures stand below it, so that the two never overlap.
    for column, color, marker, shift in (
        ("risk_ratio_pct", RED, "o", 7),
        ("statutory_ratio_pct", BLUE, "s", -15),
    ):
        axis.plot(years, table[column], color=color, marker=marker, label=word(column, lang))
        for x, value in zip(years, table[column], strict=True):
            axis.annotate(f"{value:,.1f}", (x, value), xytext=(0, shift), ha="center",
                          textcoords="offset points", fontsize=9, color=color)  # fmt: skip
    axis.set_ylim(0, high)
    axis.margins(x=0.12)
    axis.grid(False)
    _legend_below(axis, 2)
    return figure


def wall_chart(wall: pd.DataFrame, *, lang: str = "zh") -> Figure:
    """Principal by type and interest of the bonds, by year, 亿元.

    Parameters
    ----------
    wall
        `fiscalmodel.debt.maturity.maturity_wall`, with or without planned bonds.
    """
    title = ("法定债务到期分布", "Statutory debt falling due")
    figure, axis, lang = _axes(lang, title)
    bottom = pd.Series(0.0, index=wall.index)
    interest = wall[[c for c in wall.columns if "_interest_" in c]].sum(axis=1)
    none = pd.Series(0.0, index=wall.index)
    for color, name, values in (
        (BLUE, "general_principal", wall["general_principal_wan"]),
        (ORANGE, "special_principal", wall["special_principal_wan"]),
        (SKY, "planned_principal", wall.get("planned_principal_wan", none)),
        (GREY, "bond_interest", interest),
    ):
        if not values.any():
            continue
        axis.bar(range(len(wall)), values / YI, bottom=bottom, width=0.65, color=color,
                 label=word(name, lang))  # fmt: skip
        bottom = bottom + values / YI
    for x, total in enumerate(bottom):
        axis.annotate(f"{total:,.2f}", (x, total), xytext=(0, 3), textcoords="offset points",
                      ha="center", fontsize=8.5)  # fmt: skip
    _period_ticks(axis, wall["year"])
    axis.margins(y=0.1)
    _legend_below(axis, 4)
    return figure


def decomposition_chart(path: pd.DataFrame, *, lang: str = "zh") -> Figure:
    """Contributions to the change of the debt ratio, percentage points.

    Parameters
    ----------
    path
        `fiscalmodel.debt_path` or `fiscalmodel.debt.decompose.decomposition`.
    """
    title = ("债务率变动分解", "What moves the debt ratio 债务率")
    figure, axis, lang = _axes(lang, title, "百分点" if apply(lang) == "zh" else "points")
    up, down = pd.Series(0.0, index=path.index), pd.Series(0.0, index=path.index)
    at = range(len(path))
    for color, name in (
        (RED, "interest"), (GREEN, "growth"), (BLUE, "primary_balance"), (ORANGE, "stock_flow"),
    ):  # fmt: skip
        values = path[name]
        if not values.abs().max() > 1e-12:
            continue
        base = up.where(values >= 0, down)
        key = "paid_pct" if name == "primary_balance" else f"{name}_part"
        axis.bar(at, values, bottom=base, width=0.5, color=color, label=word(key, lang))
        up, down = up + values.clip(lower=0), down + values.clip(upper=0)
    change = path["closing"] - path["opening"]
    axis.plot(
        at, change, color="white", marker="D", markeredgecolor="black", linestyle="none",
        label=word("change_pts", lang),
    )  # fmt: skip
    for x, value in enumerate(change):
        axis.annotate(f"{value:+,.2f}", (x + 0.27, value), va="center")
    axis.axhline(0, color=GREY, linewidth=0.8)
    _period_ticks(axis, path["year"])
    axis.margins(y=0.1)
    _legend_below(axis, 5)
    return figure


def fan_chart(fan: pd.DataFrame, *, lang: str = "zh") -> Figure:
    """Fan of debt paths, %.

    Parameters
    ----------
    fan
        `fiscalmodel.debt.fan.debt_fan`.
    """
    figure, axis, lang = _axes(lang, ("债务率扇形图", "Fan of the debt ratio"), "%")
    for low, high, alpha in (("lo-95", "hi-95", 0.15), ("lo-80", "hi-80", 0.3)):
        if low in fan:
            axis.fill_between(
                fan["year"], fan[low], fan[high], color=BLUE, alpha=alpha, linewidth=0,
                label=f"{low[3:]}%",
            )  # fmt: skip
    axis.plot(fan["year"], fan["central"], color=RED, marker="o", label=word("central", lang))
    axis.plot(fan["year"], fan["median"], color=BLUE, linestyle="--", label=word("median", lang))
    axis.set_xticks(list(fan["year"]), [str(y) for y in fan["year"]])
    _legend_below(axis, 4)
    return figure
