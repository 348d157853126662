"""Charts of the year-end nowcast."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fiscalmodel.present import fonts

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from fiscalmodel.revenue.nowcast import Nowcast


def nowcast_chart(found: Nowcast, *, lang: str = "zh") -> Figure:
    """How the estimate of the full year moved month by month."""
    from matplotlib import pyplot as plt

    lang = fonts.apply(lang)
    figure, axes = plt.subplots(figsize=(7.2, 3.8), layout="constrained")
    table = found.by_month
    x = [p.month for p in table["month"]]
    axes.fill_between(x, table["lo-95"], table["hi-95"], alpha=0.2)
    axes.plot(x, table["mean"])
    return figure
