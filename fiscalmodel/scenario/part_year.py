"""The year under way: what revenue will come to, and how far expenditure has come."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from fiscalmodel.errors import InputError
from fiscalmodel.revenue.execution import Spending, spending_progress
from fiscalmodel.revenue.nowcast import Nowcast, nowcast_year
from fiscalmodel.revenue.nowcast_items import NowcastItems, nowcast_items
from fiscalmodel.scenario.load import Scenario
from fiscalmodel.scenario.part_balance import expenditure_of
from fiscalmodel.scenario.part_revenue import ROUNDING
from fiscalmodel.scenario.schema import DataRef, NowcastSpec, ProgressSpec
from fiscalmodel.series import catalog
from fiscalmodel.series.types import Series
from fiscalmodel.words import say

#: Columns of the year under way beside its items.
WHOLE, REST = "合计 total", "其他 other"


def nowcast_part(scenario: Scenario, spec: NowcastSpec) -> Nowcast | NowcastItems:
    """Revenue of the year under way as of the scenario's day; by item where items are named."""
    month = pd.Period(scenario.spec.as_of, "M")
    key = "revenue.nowcast"
    total = _months(scenario, f"{key}.series", spec.series)
    growth = _published(scenario, f"{key}.series", spec.series)
    plan = None
    if spec.plan is not None:
        planned = scenario.series(f"{key}.plan", spec.plan)
        if planned.unit != total.unit:
            units = {"unit": planned.unit, "y_unit": total.unit}
            raise InputError(f"{key}.plan", "revenue.other_unit", **units)
        year = pd.period_range(f"{month.year}-01", periods=12, freq="M")
        plan = planned.values.reindex(year).tolist()
    if not spec.items:
        return nowcast_year(
            total, budget=spec.budget_wan, published_growth=growth, as_of=month, plan=plan
        )
    rates = {n: _published(scenario, f"{key}.items.{n}", s) for n, s in spec.items.items()}
    rates[WHOLE] = growth
    return nowcast_items(
        _table(scenario, key, spec.items, total), total=WHOLE, as_of=month, hold_total=True,
        unit=total.unit, plan=plan,
        budget={} if spec.budget_wan is None else {WHOLE: spec.budget_wan},
        published_growth={n: g for n, g in rates.items() if g is not None},
    )  # fmt: skip


def progress_part(scenario: Scenario, spec: ProgressSpec) -> Spending:
    """Progress of expenditure as of the scenario's day; by unit where units are named.

    The budget of the whole is what the scenario says is spent in that year, if it states none.
    """
    month, key = pd.Period(scenario.spec.as_of, "M"), "expenditure.progress"
    spent = _months(scenario, f"{key}.series", spec.series)
    stated = spec.budget_wan
    if stated is None:
        stated = expenditure_of(scenario, month.year)
    budget: dict[str, float] | float | None = stated
    if spec.items:
        budget = dict(spec.items_budget_wan) | ({} if stated is None else {WHOLE: stated})
    return spending_progress(
        _table(scenario, key, spec.items, spent) if spec.items else spent, budget,
        total=WHOLE, as_of=month, unit=spent.unit, behind=spec.behind_points,
    )  # fmt: skip


def _months(scenario: Scenario, key: str, named: DataRef) -> Series:
    """A monthly series of which something is known by the scenario's day."""
    found, as_of = scenario.series(key, named), scenario.spec.as_of
    given = found.values.dropna().index
    if len(given) and given[0] > pd.Period(as_of, "M"):
        last = given[-1]
        raise InputError(
            key, "scenario.months_after", as_of=as_of, last=last, day=last.end_time.date(),
            name=say(f"scenario.sheet.{'monthly' if key.startswith('revenue') else 'spending'}"),
        )  # fmt: skip
    return found


def _table(
    scenario: Scenario, key: str, items: Mapping[str, DataRef], total: Series
) -> pd.DataFrame:
    """Months by items, what they leave open, and the whole."""
    parts = pd.DataFrame(
        {n: scenario.series(f"{key}.items.{n}", s).values for n, s in items.items()}
    )
    whole = total.values.reindex(parts.index)
    rest = whole - parts.sum(axis=1, skipna=False)
    if (rest.abs() > ROUNDING * whole.abs()).any():
        parts[REST] = rest
    parts[WHOLE] = whole
    return parts


def _published(scenario: Scenario, key: str, named: DataRef) -> Series | None:
    """Growth as printed; a file brings levels only."""
    return None if key in scenario.places else catalog.published_growth(str(named))
