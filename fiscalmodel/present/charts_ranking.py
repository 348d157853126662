"""Chart of many counties side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fiscalmodel.present.fonts import PALETTE, apply

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

YI = 10_000  # 万元 in 亿元


def ranking_chart(table: pd.DataFrame, *, names: dict[str, str], lang: str = "zh") -> Figure:
    """What each county has left for clearing debt, or falls short of, 亿元.

    Parameters
    ----------
    table
        From `run.ranking.ranking`, some twenty rows at most.
    names
        Region -> name to draw.
    """
    usable = apply(lang)
    from matplotlib import pyplot as plt

    en = usable == "en"
    figure, axis = plt.subplots(figsize=(8, 0.32 * len(table) + 1.4))
    shown = table.iloc[::-1]
    places = range(len(shown))
    left, short = shown["available_wan"] / YI, -shown["shortfall_wan"] / YI
    axis.barh(
        places, left, color=PALETTE[0],
        label="Left for clearing debt" if en else "可用于化债",
    )  # fmt: skip
    if (short < 0).any():
        axis.barh(places, short, color=PALETTE[1], label="Short" if en else "缺口")
    axis.set_yticks(list(places), [names.get(r, r) for r in shown["region"]])
    axis.axvline(0, color="black", linewidth=0.8)
    axis.set_xlabel("亿元")
    axis.set_title(
        "Left after 三保 and statutory debt service" if en else "保三保、付法定债务本息后的余力"
    )
    axis.legend(loc="lower right")
    return figure
