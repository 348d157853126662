"""What a scenario comes to: tidy frames, the results behind them, and the answer in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pandas as pd

from fiscalmodel.scenario.load import Scenario


class Said(NamedTuple):
    """A sentence in both languages."""

    zh: str
    en: str

    def get(self, lang: str) -> str:
        """The sentence in `lang`."""
        return self.en if lang == "en" else self.zh


@dataclass(frozen=True)
class Outcome:
    """A scenario, evaluated.

    Attributes
    ----------
    scenario
        The scenario.
    revenue
        ``year, kind, published_wan, linked_wan, baseline_wan, scenario_wan, growth_pct,
        lo-80, hi-80, lo-95, hi-95``, in 万元; None without a revenue part.
    waterfall
        ``year, step, kind, amount_wan, source``: baseline to scenario, adding up each year.
    items
        Revenue by item, see `part_items.ItemsPart`; None where none are given.
    balance
        ``year, revenue_wan, expenditure_wan, self_sufficiency_pct, ...``.
    debt
        ``period, hidden_wan, statutory_wan, total_wan, interest_wan``.
    commissions
        The lines of the commission statement, in 分.
    reasons
        Part -> why it is None.
    notes
        What a reader must know, in the order of importance.
    forecast, plan, statement, target
        The results behind the frames; None where there is none.
    """

    scenario: Scenario
    revenue: pd.DataFrame | None = None
    waterfall: pd.DataFrame | None = None
    items: pd.DataFrame | None = None
    balance: pd.DataFrame | None = None
    debt: pd.DataFrame | None = None
    commissions: pd.DataFrame | None = None
    reasons: Mapping[str, Said] = field(default_factory=dict)
    notes: tuple[Said, ...] = ()
    answers: tuple[Said, ...] = ()
    forecast: Any = None
    link: Any = None
    plan: Any = None
    statement: Any = None
    target: Any = None

    def tables(self) -> dict[str, pd.DataFrame]:
        """Every frame that there is, by name."""
        named = {
            "revenue": self.revenue,
            "waterfall": self.waterfall,
            "items": self.items,
            "balance": self.balance,
            "debt": self.debt,
            "commissions": self.commissions,
        }
        frames = {name: frame for name, frame in named.items() if frame is not None}
        if self.plan is not None:
            frames |= {"debt_schedule": self.plan.schedule, "debt_shortfall": self.plan.shortfall}
        return frames

    def headline(self, lang: str = "zh") -> tuple[str, ...]:
        """The answers, one sentence for each part."""
        return tuple(answer.get(lang) for answer in self.answers)

    @property
    def feasible(self) -> bool:
        """False if there is a clearance plan and it is infeasible."""
        return self.plan is None or self.plan.status != "infeasible"
