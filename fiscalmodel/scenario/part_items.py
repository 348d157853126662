"""Revenue item by item 分税种: the items of a scenario, made to agree with the total."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from fiscalmodel.errors import Collector, InputError
from fiscalmodel.scenario.outcome import Said
from fiscalmodel.scenario.schema import ItemSpec

#: The items must add up to the last figure of the total but for rounding: this share of it.
ROUNDING = 0.001


@dataclass(frozen=True)
class ItemsPart:
    """Items beside their total.

    Attributes
    ----------
    frame
        ``year, item, item_en, last_year_wan, one_offs_out_wan, base_growth_wan, measures_wan,
        one_offs_wan, forecast_wan, reconciled_wan``: the middle columns add up to
        ``forecast_wan``, and ``reconciled_wan`` of a year to the total.
    total
        Year -> reconciled total, 万元.
    note
        How far the two were apart, and what was done.
    """

    frame: pd.DataFrame
    total: pd.Series[float]
    note: Said


def items_part(
    specs: Mapping[str, ItemSpec], total: Any, newest: int, last_total: float
) -> ItemsPart:
    """Carry the items forward and reconcile them with the forecast of the total.

    Parameters
    ----------
    specs
        The items of the scenario file.
    total
        The `Forecast` of the total, from the year after `newest`.
    newest, last_total
        Year and amount of the last known total, 万元.

    Raises
    ------
    InputError
        Items without a figure for `newest`, items that do not add up to the total, or what
        `forecast_items` refuses: all at once where they can be told apart.
    """
    from fiscalmodel.revenue.items import forecast_items, reconcile_items

    years = [newest + 1 + step for step in range(len(total.table))]
    items = [_item(key, spec, newest, years) for key, spec in _with_last(specs, newest).items()]
    found = sum(item.last_year for item in items)
    if abs(found - last_total) > ROUNDING * abs(last_total):
        raise InputError(
            "revenue.items",
            f"the items add up to {found:,.0f} 万元 in {newest}, the series says {last_total:,.0f}",
            "add an item for the rest, or correct them",
        )
    made = forecast_items(items, years)
    agreed = reconcile_items(made, total)
    english = {spec.name.zh: spec.name.en for spec in specs.values()}
    frame = made.steps.rename(
        columns={
            **{name: f"{name}_wan" for name in made.steps.columns if name not in ("year", "item")},
            "value": "forecast_wan",
        }
    )
    frame.insert(2, "item_en", [english[name] for name in frame["item"]])
    frame["reconciled_wan"] = [
        float(agreed[year].items[name])
        for year, name in zip(frame["year"], frame["item"], strict=True)
    ]
    reconciled = pd.Series({year: agreed[year].total for year in years}, name="reconciled_wan")
    last = years[-1]
    items_said = float(made.table["total"].iloc[-1])
    model_said = float(total.table["mean"].iloc[-1])
    figures = [f"{value / 1e4:.2f}" for value in (items_said, model_said, reconciled[last])]
    note = Said(
        f"{last}年分税种合计 {figures[0]} 亿元，总量模型 {figures[1]} 亿元；两者按误差大小加权调和"
        f"（最小迹法），基线取调和后的 {figures[2]} 亿元，各税种之和与之相等。",
        f"In {last} the items 分税种 come to {figures[0]} 亿元 and the model of the total to "
        f"{figures[1]}; they are reconciled in proportion to their errors (minimum trace), and "
        f"the baseline is {figures[2]}, to which the items add up.",
    )
    return ItemsPart(frame, reconciled, note)


def _with_last(specs: Mapping[str, ItemSpec], newest: int) -> dict[str, ItemSpec]:
    """The items with their last amounts, looked up where a series is named."""
    from fiscalmodel.series import catalog

    problems = Collector()
    found: dict[str, ItemSpec] = {}
    for key, spec in specs.items():
        if spec.series is None:
            found[key] = spec
            continue
        where = f"revenue.items.{key}.series"
        try:
            values = catalog.load_series(spec.series).values.dropna()
        except InputError as error:
            for problem in error.problems:
                problems.add(where, problem.problem, problem.hint)
            continue
        years = pd.PeriodIndex(values.index).year.tolist()
        at = dict(zip(years, values.tolist(), strict=True))
        if not str(getattr(values.index, "freqstr", "")).startswith(("Y", "A")):
            problems.add(where, f"{spec.series} is not yearly", "name a yearly series")
        elif newest not in at:
            problems.add(where, f"{spec.series} has no figure for {newest}", "give last_wan")
        else:
            found[key] = spec.model_copy(update={"last_wan": at[newest]})
    problems.raise_if_any()
    return found


def _item(key: str, spec: ItemSpec, newest: int, years: list[int]) -> Any:
    from fiscalmodel.revenue.items import Item, Measure, given_elasticity

    growth = spec.base_growth_pct
    by_year = growth if isinstance(growth, dict) else dict.fromkeys(years, growth)
    assert spec.last_wan is not None
    return Item(
        spec.name.zh,
        spec.last_wan,
        given_elasticity(spec.elasticity, spec.source, standard_error=spec.elasticity_error),
        by_year,
        spec.one_offs_last_wan,
        spec.one_offs_wan,
        [
            Measure(m.name.zh, m.full_year_wan, m.start, m.source, m.end)
            for m in spec.measures.values()
        ],
        spec.base_growth_error_pct,
    )
