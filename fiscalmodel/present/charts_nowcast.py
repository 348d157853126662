"""Charts of the year-end nowcast."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from fiscalmodel.present.fonts import PALETTE, apply

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from fiscalmodel.revenue.nowcast import Nowcast

_BLUE, _RED, _GREEN, _PINK, _ORANGE, _SKY, _GREY = PALETTE[:7]


def _scale(unit: str, largest: float) -> tuple[float, str]:
    """万元 is shown in 亿元, or in 万亿元, where it is large."""
    if unit != "万元" or largest < 1e5:
        return 1.0, unit
    return (1e8, "万亿元") if largest >= 1e9 else (1e4, "亿元")


def _bands(axis: Any, x: Any, table: pd.DataFrame, scale: float, chinese: bool) -> None:
    levels = sorted({c[3:] for c in table.columns if c.startswith("lo-")}, key=float, reverse=True)
    for rank, level in enumerate(levels):
        text = f"{level}%区间" if chinese else f"{level} % band"
        axis.fill_between(x, table[f"lo-{level}"] / scale, table[f"hi-{level}"] / scale,
                          color=_BLUE, alpha=0.14 + 0.14 * rank, linewidth=0,
                          label=text)  # fmt: skip


def _months(axis: Any, chinese: bool) -> None:
    axis.set_xticks(range(1, 13), [f"{m}月" if chinese else str(m) for m in range(1, 13)])
    axis.set_xlim(0.7, 12.3)
    axis.set_xlabel("已公布至" if chinese else "figures up to month")


def nowcast_chart(
    found: Nowcast, *, lang: str = "zh", mark: tuple[str, str] | None = None
) -> Figure:
    """How the estimate of the full year moved month by month, with bands and the budget.

    Parameters
    ----------
    mark
        What the budget line is called, in Chinese and English, if it is no budget.
    """
    chinese = apply(lang) == "zh"
    from matplotlib import pyplot as plt

    figure, axis = plt.subplots()
    zh, en = mark or ("全年预算", "budget 预算")
    table = found.by_month
    x = [p.month for p in table["month"]]
    scale, unit = _scale(found.unit, float(table["mean"].abs().max()))
    _bands(axis, x, table, scale, chinese)
    axis.plot(x, table["mean"] / scale, color=_BLUE, marker="o", markersize=5,
              label="全年预计" if chinese else "expected full year")  # fmt: skip
    axis.plot(x, table["plain_growth"] / scale, color=_GREY, linestyle="--", marker="x",
              label="按累计增速直接外推" if chinese else "plain year-to-date growth")  # fmt: skip
    if found.budget is not None:
        axis.axhline(found.budget / scale, color=_RED, linewidth=1.4,
                     label=zh if chinese else en)  # fmt: skip
    _months(axis, chinese)
    axis.set_ylabel(unit or ("数值" if chinese else "value"))
    axis.set_title(
        f"{found.year}年全年收入预计的逐月变化"
        if chinese
        else f"Expected full year {found.year}, month by month"
    )
    axis.legend(loc="best")
    return figure


def remainder_chart(found: Nowcast, *, lang: str = "zh") -> Figure:
    """What each way of reckoning says of the full year; the dot grows with its weight."""
    chinese = apply(lang) == "zh"
    from matplotlib import pyplot as plt

    frame = found.models.sort_values("full_year").reset_index(drop=True)
    scale, unit = _scale(found.unit, float(frame["full_year"].abs().max()))
    figure, axis = plt.subplots(figsize=(8.2, max(2.8, 0.34 * len(frame) + 1.4)))
    places = range(len(frame))
    axis.axvspan(found.full_year.filter(like="lo-").max() / scale,
                 found.full_year.filter(like="hi-").min() / scale, color=_BLUE, alpha=0.14,
                 linewidth=0)  # fmt: skip
    axis.axvline(float(found.full_year["mean"]) / scale, color=_RED, linewidth=1.4)
    axis.scatter(frame["full_year"] / scale, places, s=30 + 420 * frame["weight"], color=_BLUE,
                 alpha=0.85, zorder=3)  # fmt: skip
    for place, (value, weight) in enumerate(zip(frame["full_year"], frame["weight"], strict=True)):
        axis.annotate(f"{weight:.0%}", (value / scale, place), xytext=(10 + 9 * weight, 0),
                      textcoords="offset points", va="center", fontsize=8.5)  # fmt: skip
    axis.set_yticks(places, [title_of(t, lang if chinese else "en") for t in frame["title"]])
    axis.margins(x=0.14)
    axis.grid(axis="y", visible=False)
    axis.set_xlabel(unit or ("数值" if chinese else "value"))
    axis.set_title(
        "各种测算方法的全年数（红线为组合值，阴影为80%区间，百分数为权重）"
        if chinese
        else "Full year by each way of reckoning (red: combined; shade: 80 % band)"
    )
    return figure


def title_of(title: str, lang: str) -> str:
    """The Chinese or the English half of a way's title."""
    chinese, _, english = title.partition(" ")
    return chinese if lang == "zh" else english


def review_chart(review: pd.DataFrame, unit: str = "", *, lang: str = "zh") -> Figure:
    """Nowcasts of past years month by month beside the outturn, one panel a year."""
    chinese = apply(lang) == "zh"
    from matplotlib import pyplot as plt

    years = list(dict.fromkeys(review["year"]))[-4:]
    scale, shown = _scale(unit, float(review["outturn"].abs().max()))
    figure, panels = plt.subplots(
        1, len(years), figsize=(max(5.5, 3.9 * len(years)), 3.9), sharey=True, squeeze=False
    )
    for axis, year in zip(panels[0], years, strict=True):
        part = review[review["year"] == year]
        _bands(axis, part["month"], part, scale, chinese)
        axis.plot(part["month"], part["mean"] / scale, color=_BLUE, marker="o", markersize=4,
                  label="当时预计" if chinese else "nowcast then")  # fmt: skip
        axis.plot(part["month"], part["plain_growth"] / scale, color=_GREY, linestyle="--",
                  label="累计增速外推" if chinese else "plain growth")  # fmt: skip
        axis.axhline(float(part["outturn"].iloc[0]) / scale, color=_RED, linewidth=1.4,
                     label="全年实际" if chinese else "outturn")  # fmt: skip
        axis.set_title(f"{year}年" if chinese else str(year))
        axis.set_xticks([2, 4, 6, 8, 10, 12])
        axis.set_xlim(1.5, 12)
        axis.set_xlabel("月份" if chinese else "month")
    panels[0][0].set_ylabel(shown or ("数值" if chinese else "value"))
    handles, labels = panels[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=5)
    return figure


def items_chart(table: pd.DataFrame, unit: str = "", *, lang: str = "zh") -> Figure:
    """Items of a year under way: what is in, what is expected, with the 80 % band."""
    chinese = apply(lang) == "zh"
    from matplotlib import pyplot as plt

    frame = table.iloc[:-1][::-1].reset_index(drop=True)
    scale, shown = _scale(unit, float(table["mean"].abs().max()))
    figure, axis = plt.subplots(figsize=(8.2, 0.5 * len(frame) + 1.6))
    places = list(range(len(frame)))
    axis.barh(places, frame["to_date"] / scale, color=_BLUE, height=0.55,
              label="累计已完成" if chinese else "year to date")  # fmt: skip
    axis.barh(places, frame["rest_of_year"] / scale, left=frame["to_date"] / scale, color=_SKY,
              alpha=0.55, height=0.55,
              label="预计余下月份" if chinese else "expected rest")  # fmt: skip
    low, high = (frame["mean"] - frame["lo-80"]) / scale, (frame["hi-80"] - frame["mean"]) / scale
    axis.errorbar(frame["mean"] / scale, places, xerr=[low, high], fmt="none", ecolor=_RED,
                  capsize=3, label="80%区间" if chinese else "80 % band")  # fmt: skip
    axis.set_yticks(places, frame["item"].tolist())
    axis.grid(axis="y", visible=False)
    axis.set_xlabel(shown or ("数值" if chinese else "value"))
    axis.set_title("分项全年预计（相加等于合计）" if chinese else "Full year by item (adds up)")
    axis.legend(loc="best")
    return figure
