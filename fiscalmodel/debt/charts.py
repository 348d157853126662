"""Charts of debt: maturities, the debt ratio and its fan, risk; and of a clearance plan."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from fiscalmodel import display
from fiscalmodel.display import BLUE, GREEN, GREY, ORANGE, RED, SKY, Chart
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


# ---- a clearance plan ----


def waterfall(plan: Any, lang: str | None = None) -> Chart:
    """Hidden debt from the opening balance to the deadline, by kind of money."""
    steps = plan.steps
    divisor, unit = display.scale("万元", float(steps["amount_wan"].abs().max()))
    title = say("debt.chart.waterfall")
    figure, axis, lang = display.figure(title, lang, unit=unit)
    names = [_name(str(step))(lang) for step in steps["step"]]
    colors = {k: ORANGE for k, step in enumerate(steps["step"]) if step == "replacement"}
    display.waterfall(axis, names, steps["amount_wan"] / divisor, steps["kind"].eq("balance"),
                      rise=RED, fall=GREEN, colors=colors)  # fmt: skip
    return Chart(figure, plan.answer[0](lang))


def sources(plan: Any, lang: str | None = None) -> Chart:
    """What is paid in each year, by kind of money; interest and fees too."""
    wide = plan.funding().drop(columns="total_wan").set_index("period")
    wide = wide.groupby(wide.index.astype(str).str[:4]).sum()
    divisor, unit = display.scale("万元", float(wide.sum(axis=1).max() if len(wide) else 0.0))
    title = say("debt.chart.sources")
    figure, axis, lang = display.figure(title, lang, unit=unit)
    wide = wide / divisor
    display.stack(axis, wide, names={c: _name(str(c)) for c in wide.columns}, lang=lang)
    display.legend(axis)
    parts = [say("debt.chart.year_total", year=y, amount=a * divisor)
             for y, a in wide.sum(axis=1).items()]  # fmt: skip
    return Chart(figure, title(lang) + "：" + Text.joined(parts)(lang))


def obligations(plan: Any, lang: str | None = None) -> Chart:
    """Hidden, kept and statutory debt at the end of each year: replacement only converts."""
    columns = {f"{c}_wan": c for c in ("hidden", "by_contract", "statutory")}
    frame = plan.by_year.set_index("period")[list(columns)]
    opening = pd.DataFrame(
        [[plan.opening_wan, float(plan.problem.stays.sum()), plan.given.options.statutory_wan]],
        columns=list(columns), index=[str(plan.as_of)],
    )  # fmt: skip
    frame = pd.concat([opening, frame]).rename(columns=columns)
    divisor, unit = display.scale("万元", float(frame.sum(axis=1).max()))
    title = say("debt.chart.obligations")
    figure, axis, lang = display.figure(title, lang, unit=unit)
    colors = {"hidden": RED, "by_contract": GREY, "statutory": BLUE}
    names = {c: _name(c) for c in frame.columns}
    display.stack(axis, frame / divisor, names=names, colors=colors, lang=lang)
    display.legend(axis)
    last = frame.iloc[-1]
    said = say("debt.chart.obligations_alt", first=frame["hidden"].iloc[0], last=last["hidden"],
               statutory=last["statutory"])  # fmt: skip
    return Chart(figure, said(lang))


def contracts(plan: Any, lang: str | None = None) -> Chart:
    """How each contract is cleared: repaid and replaced, largest first."""
    table = plan.schedule[plan.schedule["use"].isin(["principal", "replacement"])]
    wide = table.pivot_table(
        index="contract_id", columns="use", values="amount_wan", aggfunc="sum", fill_value=0.0
    )
    wide = wide.loc[wide.sum(axis=1).sort_values(ascending=False).index].head(20)
    wide = wide.reindex(columns=["principal", "replacement"], fill_value=0.0)
    divisor, unit = display.scale("万元", float(wide.sum(axis=1).max() if len(wide) else 0.0))
    title = say("debt.chart.contracts")
    size = (8.6, 1.6 + 0.32 * max(len(wide), 4))
    figure, axis, lang = display.figure(title, lang, x=unit, size=size)
    names = {"principal": say("debt.chart.repaid"), "replacement": _name("replacement")}
    project = {c.contract_id: c.project for c in plan.given.contracts}
    wide.index = [f"{name} {project.get(name, '')}".strip() for name in wide.index]
    display.stack(axis, wide / divisor, names=names, across=True, lang=lang,
                  colors={"principal": GREEN, "replacement": ORANGE})  # fmt: skip
    display.legend(axis)
    return Chart(figure, title)


def gap(plan: Any, lang: str | None = None) -> Chart:
    """Further money that is needed by year: the latest schedule beside the least total."""
    frames = {"latest": plan.shortfall, "least": plan.least_shortfall}
    columns = {}
    for name, rows in frames.items():
        years = [day.year for day in rows["date"]]
        columns[name] = rows.groupby(years)["amount_wan"].sum()
    every = range(plan.given.opened.year, plan.deadline.year + 1)
    frame = pd.DataFrame(columns).reindex(every).fillna(0.0)
    frame.index = frame.index.astype(str)
    divisor, unit = display.scale("万元", float(frame.max().max()))
    title = say("debt.chart.gap")
    figure, axis, lang = display.figure(title, lang, unit=unit)
    names = {"latest": say("debt.chart.latest"), "least": say("debt.chart.least")}
    colors = {"latest": RED, "least": SKY}
    display.bars(axis, frame / divisor, names=names, colors=colors, lang=lang)
    display.legend(axis)
    return Chart(figure, Text.joined(plan.answer, "", " "))


CHARTS: dict[str, Callable[..., Chart]] = {
    "waterfall": waterfall, "sources": sources, "obligations": obligations,
    "contracts": contracts, "gap": gap,
}  # fmt: skip
