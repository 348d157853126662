"""Charts of debt tables: maturities, the path of the debt ratio and its fan, risk."""

from __future__ import annotations

from typing import Any

import pandas as pd

from fiscalmodel import display
from fiscalmodel.display import BLUE, GREEN, GREY, ORANGE, RED, Chart
from fiscalmodel.words import Text, label, say


def _name(code: str) -> Text:
    return Text(label(code, "zh", "debt"), label(code, "en", "debt"))


def wall_chart(wall: pd.DataFrame, lang: str | None = None) -> Chart:
    """Principal by type and interest of bonds, by year.

    Parameters
    ----------
    wall
        `fiscalmodel.maturity_wall`.
    """
    interest = wall[[c for c in wall.columns if "_interest_" in c]].sum(axis=1)
    frame = pd.DataFrame({
        "general_principal": wall["general_principal_wan"],
        "special_principal": wall["special_principal_wan"],
        "bond_interest": interest,
    }).set_axis(wall["year"].astype(str), axis=0)  # fmt: skip
    divisor, unit = display.scale("万元", float(frame.sum(axis=1).max()))
    title = say("debt.chart.wall")
    figure, axis, lang = display.figure(title, lang, unit=unit)
    colors = dict(zip(frame.columns, (BLUE, ORANGE, GREY), strict=True))
    names = {c: _name(c) for c in frame.columns}
    display.stack(axis, frame / divisor, names=names, colors=colors, lang=lang)
    display.legend(axis)
    most = frame.sum(axis=1)
    said = say("debt.chart.wall_alt", year=most.idxmax(), amount=most.max())
    return Chart(figure, said(lang))


def path_chart(path: pd.DataFrame, lang: str | None = None) -> Chart:
    """Contributions to the change of the debt ratio, percentage points.

    Parameters
    ----------
    path
        `fiscalmodel.debt_path` or `fiscalmodel.debt.outlook.decomposition`.
    """
    parts = ["interest", "growth", "primary_balance", "stock_flow"]
    frame = path[parts].set_axis(path["year"].astype(str), axis=0)
    title = say("debt.chart.path")
    figure, axis, lang = display.figure(title, lang, unit=say("debt.chart.points"))
    names = {c: _name("paid_pct" if c == "primary_balance" else f"{c}_part") for c in parts}
    colors = dict(zip(parts, (RED, GREEN, BLUE, ORANGE), strict=True))
    display.stack(axis, frame, names=names, colors=colors, total=False, lang=lang)
    change = (path["closing"] - path["opening"]).to_numpy()
    axis.plot(range(len(path)), change, color="white", marker="D", markeredgecolor="black",
              linestyle="none", label=_name("change_pts")(lang))  # fmt: skip
    for x, value in enumerate(change):
        axis.annotate(f"{value:+,.2f}", (x + 0.33, value), va="center")
    display.legend(axis)
    said = say("debt.chart.path_alt", first=path["opening"].iloc[0], last=path["closing"].iloc[-1])
    return Chart(figure, said(lang))


def fan_chart(fan: pd.DataFrame, lang: str | None = None) -> Chart:
    """Fan of debt paths, %.

    Parameters
    ----------
    fan
        `fiscalmodel.debt_fan`.
    """
    figure, axis, lang = display.figure(say("debt.chart.fan"), lang, unit="%")
    at = list(range(len(fan)))
    display.fan(axis, at, fan, lang=lang)
    axis.plot(at, fan["central"], color=RED, marker="o", label=_name("central")(lang))
    axis.plot(at, fan["median"], color=BLUE, linestyle="--", label=_name("median")(lang))
    display.ticks(axis, fan["year"])
    display.legend(axis)
    last = fan.iloc[-1]
    said = say("debt.chart.fan_alt", year=int(last["year"]), central=last["central"])
    return Chart(figure, said(lang))


def risk_chart(table: pd.DataFrame, bounds: dict[str, float], lang: str | None = None) -> Chart:
    """Debt ratios by year with the bounds of the risk grades, %."""
    title = say("debt.chart.risk")
    figure, axis, lang = display.figure(title, lang, unit="%")
    frame = table[["statutory_ratio_pct", "risk_ratio_pct"]].set_axis(
        table["year"].astype(str), axis=0
    )
    names = {c: _name(c) for c in frame.columns}
    colors = {"statutory_ratio_pct": BLUE, "risk_ratio_pct": RED}
    display.bars(axis, frame, names=names, colors=colors, lang=lang)
    top = float(frame.max().max())
    drawn: dict[str, Any] = {"yellow": "#C9A400", "orange": ORANGE, "red": RED}
    for grade, bound in bounds.items():
        if bound <= 1.25 * top:
            name = say("debt.chart.bound", grade=_name(grade), bound=bound)(lang)
            axis.axhline(bound, color=drawn[grade], linestyle="--", linewidth=1.2, label=name)
    display.legend(axis)
    last = table.iloc[-1]
    said = say("debt.chart.risk_alt", year=last["year"], ratio=last["risk_ratio_pct"])
    return Chart(figure, said(lang))
