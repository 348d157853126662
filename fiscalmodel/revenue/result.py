"""How results of this room show themselves: the answer in words, then a short table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from fiscalmodel.display import BLUE, RED, YI, Chart, Result, TableView, answer, figure, scale
from fiscalmodel.units import amount_text
from fiscalmodel.words import Text, say


class InMoney(Result):
    """A result whose table holds amounts: large ones are shown in 亿元."""

    unit: str = ""

    def _view(self) -> TableView:
        """The table in the unit in which its amounts are said."""
        table = self.short
        shares = [c for c in table if str(c).endswith(("_pct", "_points"))]
        money = table.select_dtypes("number").columns.difference([*shares, "year"], sort=False)
        unit, largest = self.unit, float(table[money].abs().max().max())
        if unit == "万元" and largest >= YI:
            table, unit = table.assign(**{str(c): table[c] / YI for c in money}), "亿元"
            largest /= YI
        digits = dict.fromkeys(map(str, money), 0) if unit and largest >= YI else {}
        return TableView(table, unit=unit, digits=digits)

    def __repr__(self) -> str:
        return f"{self.answer}\n{self._view()!r}"

    def _repr_html_(self) -> str:
        return answer(self.answer) + self._view()._repr_html_()


def span(low: float, high: float, unit: str, like: float) -> Text:
    """A band's limits in the unit of its mean.

    >>> span(0.0, 2.7e6, "万元", 1.1e6)("en")
    '0.00 to 270.00 亿元'
    """
    least = amount_text(low, unit, like=like).split(" ")[0]
    return say("revenue.span", low=least, high=amount_text(high, unit, like=like))


def band(row: Any, level: float) -> tuple[float, float]:
    """Limits of a level in what has ``lo-80, hi-80, ...``."""
    return float(row[f"lo-{level:g}"]), float(row[f"hi-{level:g}"])


def lying(
    title: Text, rows: Sequence[str], lang: str | None, x: Text | str
) -> tuple[Any, Any, str, Any]:
    """A figure of lying bars, one for each name from the bottom up; with the places of the bars."""
    made, axis, lang = figure(title, lang, x=x, size=(8.2, 0.5 * len(rows) + 1.9))
    axis.set_yticks(range(len(rows)), rows)
    axis.grid(axis="y", visible=False)
    return made, axis, lang, np.arange(len(rows))


def levels_of(columns: Any) -> tuple[float, ...]:
    """Band levels in percent, ascending, from names such as ``lo-80``."""
    return tuple(sorted(float(c[3:]) for c in columns if str(c).startswith("lo-")))


def weights_chart(
    frame: pd.DataFrame,
    mean: float,
    title: Text,
    unit: str,
    lang: str | None = None,
    band: tuple[float, float] | None = None,
) -> Chart:
    """``title, value, weight``: dots that grow with their weight, none without, and their mean."""
    rows = frame[frame["weight"] > 0].sort_values("value").reset_index(drop=True)
    divisor, shown = scale(unit, float(rows["value"].abs().max()))
    made, axis, lang = figure(
        title, lang, x=shown or say("revenue.value"), size=(8.6, max(3.0, 0.34 * len(rows) + 1.4))
    )
    if band is not None:
        axis.axvspan(band[0] / divisor, band[1] / divisor, color=BLUE, alpha=0.14, linewidth=0)
    axis.axvline(mean / divisor, color=RED, linewidth=1.4)
    places = np.arange(len(rows))
    axis.scatter(rows["value"] / divisor, places, s=30 + 420 * rows["weight"], color=BLUE,
                 alpha=0.85, zorder=3)  # fmt: skip
    for place, value, weight in zip(places, rows["value"], rows["weight"], strict=True):
        axis.annotate(f"{weight:.0%}", (value / divisor, place), xytext=(10 + 9 * weight, 0),
                      textcoords="offset points", va="center", fontsize=8.5)  # fmt: skip
    axis.set_yticks(places, [name(lang) for name in rows["title"]])
    axis.margins(x=0.14)
    axis.grid(axis="y", visible=False)
    return Chart(made, title(lang))
