"""Charts of forecasts: the fan, what each candidate says, and the backtest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from fiscalmodel.present.fonts import PALETTE, apply

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from fiscalmodel.revenue.forecast import Forecast

_BLUE, _RED, _GREEN, _PINK, _ORANGE, _SKY, _GREY = PALETTE[:7]
_METHODS = {
    "fiscalmodel": (_BLUE, "本模型", "this model"),
    "naive": (_GREY, "上年数", "last value"),
    "seasonal_naive": (_GREEN, "上年同期数", "same period of last year"),
    "drift": (_ORANGE, "平均增量", "mean step"),
    "budget": (_RED, "年初预算", "budget 年初预算"),
}


def _figure(lang: str) -> tuple[Figure, Any, bool]:
    chinese = apply(lang) == "zh"
    from matplotlib import pyplot as plt

    figure, axis = plt.subplots()
    return figure, axis, chinese


def _scale(unit: str, largest: float) -> tuple[float, str]:
    """万元 is shown in 亿元 where it is large."""
    return (1e4, "亿元") if unit == "万元" and largest >= 1e5 else (1.0, unit)


def _ticks(axis: Any, labels: list[str]) -> None:
    """At most a dozen period labels, the last one among them."""
    step = max(1, -(-len(labels) // 12))
    places = list(range(len(labels) - 1, -1, -step))[::-1]
    axis.set_xticks(places, [labels[place] for place in places])


def fan_chart(made: Forecast, *, lang: str = "zh", title: str | None = None) -> Figure:
    """History, forecast and its bands, with the coverage measured for such bands.

    Parameters
    ----------
    made
        From `fiscalmodel.forecast`.
    lang
        ``zh`` or ``en``.
    title
        Another title than the default.
    """
    figure, axis, chinese = _figure(lang)
    table, past = made.table, made.history.to_numpy()
    scale, unit = _scale(made.unit, float(np.abs(past).max()))
    start, ahead = len(past) - 1, len(table)
    place = np.arange(start, start + ahead + 1)
    axis.plot(np.arange(len(past)), past / scale, color=_BLUE, marker="o", markersize=4,
              label="历史" if chinese else "history")  # fmt: skip
    for rank, level in enumerate(sorted(made.levels, reverse=True)):
        name = f"{level:g}"
        low = np.r_[past[-1], table[f"lo-{name}"]] / scale
        high = np.r_[past[-1], table[f"hi-{name}"]] / scale
        found = made.coverage[made.coverage["level"] == level]["coverage_pct"].mean()
        text = (
            f"{name}% 区间（实测覆盖 {found:.0f}%）"
            if chinese
            else f"{name} % band (measured coverage {found:.0f} %)"
        )
        axis.fill_between(place, low, high, color=_BLUE, alpha=0.14 + 0.12 * rank,
                          linewidth=0, label=text)  # fmt: skip
    axis.plot(place, np.r_[past[-1], table["mean"]] / scale, color=_RED, marker="s",
              markersize=4, label="预测" if chinese else "forecast")  # fmt: skip
    _ticks(axis, [*map(str, made.history.index), *map(str, table["period"])])
    axis.set_title(title or ("收入预测与区间" if chinese else "Revenue forecast with bands"))
    axis.set_xlabel("期间" if chinese else "period")
    axis.set_ylabel(unit or ("数值" if chinese else "value"))
    axis.legend(loc="upper left")
    return figure


def candidates_chart(made: Forecast, *, lang: str = "zh") -> Figure:
    """What each candidate said for the last period, sorted; the dot grows with the weight."""
    figure, axis, chinese = _figure(lang)
    last = str(made.table["period"].iloc[-1])
    frame = made.models.sort_values(last).reset_index(drop=True)
    largest = float(frame[last].abs().max())
    scale, unit = _scale(made.unit, largest)
    names = frame["title_zh"] if chinese else frame["title"]
    axis.scatter(frame[last] / scale, np.arange(len(frame)), s=30 + 420 * frame["weight"],
                 color=_BLUE, alpha=0.8, zorder=3)  # fmt: skip
    for row, (value, weight) in enumerate(zip(frame[last], frame["weight"], strict=True)):
        axis.annotate(f"{weight:.0%}", (value / scale, row), xytext=(10 + 8 * weight, 0),
                      textcoords="offset points", va="center", fontsize=8.5)  # fmt: skip
    mean = float(made.table["mean"].iloc[-1]) / scale
    axis.axvline(mean, color=_RED, linewidth=1.4)
    axis.margins(x=0.12)
    axis.set_yticks(np.arange(len(frame)), list(names))
    axis.set_title(
        f"各候选模型对 {last} 的预测（红线为组合值，百分数为权重）"
        if chinese
        else f"What each candidate says of {last} (red: combination; percent: weight)"
    )
    axis.set_xlabel(unit or ("数值" if chinese else "value"))
    axis.grid(axis="y", visible=False)
    figure.set_size_inches(8.6, max(3.0, 0.34 * len(frame) + 1.4))
    return figure


def backtest_chart(table: pd.DataFrame, *, lang: str = "zh") -> Figure:
    """Mean absolute percentage error by step ahead, each method; from `fiscalmodel.backtest`."""
    figure, axis, chinese = _figure(lang)
    steps = table[table["horizon"] != "all"]
    methods = [name for name in _METHODS if name in set(steps["method"])]
    words = dict(_METHODS)
    if "seasonal_naive" in methods:
        words["naive"] = (
            _GREY,
            "Naive2（季节调整后的上期数）",
            "Naive2 (last value, season adjusted)",
        )
    width = 0.8 / len(methods)
    horizons = sorted(steps["horizon"].unique())
    for rank, method in enumerate(methods):
        colour, zh, en = words[method]
        rows = steps[steps["method"] == method].set_index("horizon")["mape"].reindex(horizons)
        place = np.arange(len(horizons)) + (rank - (len(methods) - 1) / 2) * width
        axis.bar(place, rows.to_numpy(dtype=float), width=width * 0.92, color=colour,
                 label=zh if chinese else en)  # fmt: skip
        for x, value in zip(place, rows, strict=True):
            if np.isfinite(value) and len(horizons) <= 8:
                axis.annotate(f"{value:.1f}", (x, value), xytext=(0, 2), ha="center",
                              textcoords="offset points", fontsize=8)  # fmt: skip
    axis.set_xticks(np.arange(len(horizons)), [str(h) for h in horizons])
    axis.set_title("回测：平均绝对百分比误差" if chinese else "Backtest: mean absolute error in %")
    axis.set_xlabel("预测步长（期）" if chinese else "periods ahead")
    axis.set_ylabel("%")
    axis.legend()
    return figure
