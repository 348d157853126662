"""The chain of one budget: what there is, what ranks first, what clearance takes, what is left.

Budget without clearance, money available, clearance plan, closed budget: one pass, and the
closed budget holds the same money as the budget that it began with.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from fiscalmodel.display import BLUE, GREEN, ORANGE, RED, Chart, Result, chart, stack
from fiscalmodel.errors import Collector
from fiscalmodel.words import Text, say


@dataclass(frozen=True, repr=False)
class ClosedBudget(Result):
    """A budget after clearance, by year, 万元.

    Attributes
    ----------
    table
        ``year, money_wan, brought_wan, needs_wan, clearance_wan, taken_on_wan, free_wan,
        missing_wan``: what there is and what clearance money was brought over, against the needs
        that rank first, what clearance spends, what it carries on, and what stays free. In each
        year money + brought + missing = needs + clearance + taken on + free.
    connected
        Whether the clearance plan takes its money from this budget.
    """

    table: pd.DataFrame
    connected: bool

    @property
    def answer(self) -> Text:
        """What clearance takes, and what is left."""
        sums = {
            name: math.fsum(self.table[f"{name}_wan"]) for name in ("clearance", "free", "missing")
        }
        key = "budget.closed" if self.connected else "budget.closed_apart"
        years = self.table["year"]
        return say(key, first=int(years.iloc[0]), last=int(years.iloc[-1]), **sums)

    def plot(self, lang: str | None = None) -> Chart:
        """What the money of each year goes to, and what is missing."""
        table = self.table.set_index("year")
        shown = table[["needs_wan", "clearance_wan", "free_wan"]].assign(
            missing_wan=-table["missing_wan"]
        )
        colors = (BLUE, ORANGE, GREEN, RED)
        return chart(stack, shown, say("budget.chart_closed"), self.answer, lang, colors=colors)


def close_chain(
    money_wan: Mapping[int, float], needs_wan: Mapping[int, float],
    spent_wan: Mapping[int, float] | None = None, kept_wan: Mapping[int, float] | None = None,
) -> ClosedBudget:  # fmt: skip
    """Close a budget over the clearance that it pays for.

    Parameters
    ----------
    money_wan, needs_wan
        Resources, and the needs that rank before clearance, by year.
    spent_wan
        What the plan spends of the general budget, by year; None where it takes none from here.
    kept_wan
        What the plan carries of it into the next year.

    Raises
    ------
    InputError
        If the plan spends more than there is: the chain would make money from nothing.
    """
    spent, kept = spent_wan or {}, kept_wan or {}
    rows, brought, found = list[dict[str, float]](), 0.0, Collector()
    for year in sorted(money_wan):
        left = money_wan[year] - needs_wan[year]
        paid, on = float(spent.get(year, 0.0)), float(kept.get(year, 0.0))
        free = max(left, 0.0) + brought - paid - on
        if free < -1e-4:
            found.add(f"{year}", "budget.spent_above", spent=paid, left=max(left, 0.0) + brought)
        rows.append(
            {
                "year": year, "money_wan": money_wan[year], "brought_wan": brought,
                "needs_wan": needs_wan[year], "clearance_wan": paid, "taken_on_wan": on,
                "free_wan": max(free, 0.0), "missing_wan": max(-left, 0.0),
            }
        )  # fmt: skip
        brought = on
    found.raise_if_any()
    return ClosedBudget(pd.DataFrame(rows), spent_wan is not None)
