"""The frame of a scenario's revenue: history, baseline, scenario and bands."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from fiscalmodel.errors import InputError

if TYPE_CHECKING:
    from fiscalmodel.revenue.forecast import Forecast

BANDS = ("lo-80", "hi-80", "lo-95", "hi-95")


def revenue_frame(
    published: pd.Series[float],
    kinds: pd.Series[str],
    linked: pd.Series[float],
    table: pd.DataFrame,
    path: pd.Series[float],
) -> pd.DataFrame:
    """Past and coming years, see `Outcome.revenue`; bands move with the scenario."""
    past = pd.DataFrame(
        {
            "year": [int(p.year) for p in published.index],
            "kind": kinds.tolist(),
            "published_wan": published.tolist(),
            "linked_wan": linked.reindex(published.index).fillna(published).tolist(),
        }
    )
    ahead = pd.DataFrame(
        {
            "year": [int(y) for y in table.index],
            "kind": "forecast",
            "baseline_wan": table["mean"].astype(float).tolist(),
            "scenario_wan": path.tolist(),
        }
    )
    mean = table["mean"].to_numpy(dtype=float)
    for band in (b for b in BANDS if b in table):
        ahead[band] = _carried(table[band].to_numpy(dtype=float), mean, path.to_numpy(dtype=float))
    frame = pd.concat([past, ahead], ignore_index=True)
    level = frame["scenario_wan"].fillna(frame["linked_wan"])
    step = frame["year"].diff()
    frame["growth_pct"] = (level / level.shift() - 1).where(step == 1) * 100
    columns = ["year", "kind", "published_wan", "linked_wan", "baseline_wan", "scenario_wan"]
    return frame[[*columns, "growth_pct", *[b for b in BANDS if b in frame]]]


def moved(made: Forecast, means: Any) -> Forecast:
    """The forecast with other means, its bands in proportion."""
    table = made.table.copy()
    old = table["mean"].to_numpy(dtype=float)
    for band in (b for b in BANDS if b in table):
        table[band] = _carried(table[band].to_numpy(dtype=float), old, means)
    table["mean"] = means
    return replace(made, table=table)


def _carried(edge: Any, old: Any, new: Any) -> Any:
    """A band's edge in proportion to the mean; moved by as much where one is not positive."""
    both = (old > 0) & (new > 0)
    return np.where(both, edge * new / np.where(both, old, 1.0), edge + new - old)


def refuse_below_nought(known: pd.Series[float], path: pd.Series[float]) -> None:
    """Revenue that never was negative must not become so by an adjustment."""
    low = path[path < 0]
    if len(low) and known.min() >= 0:
        year, amount = int(low.index[0]), float(low.iloc[0])
        raise InputError(
            "revenue.adjustments",
            f"they take revenue of {year} below nought, to {amount:,.0f} 万元",
            "check the amounts and their unit, 万元",
        )
