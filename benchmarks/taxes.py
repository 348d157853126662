"""Single taxes by year: errors against naive, alone and reconciled with their total, and bands.

    python benchmarks/taxes.py        # seconds; writes benchmarks/results/taxes.csv

Cash receipts of a city (Philadelphia) by tax, fiscal years 2007 to 2021, of which the forecasts
have seen nothing. How a tax is forecast was chosen on outturns to 2015 (four years of history and
more); what is claimed are the outturns from 2016 on (nine years of history and more).
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from _months import city_cash
from _results import write

from fiscalmodel.revenue import metrics
from fiscalmodel.revenue.engine import KINDS, PLAIN, Kind, forecast_block
from fiscalmodel.revenue.items import reconcile_total
from fiscalmodel.revenue.models import drift, naive

TAXES = (
    "BIRT", "Real Estate Tax", "Realty Transfer Tax", "Sales Tax", "Wage, Earnings, Net Profits",
    "Other Taxes",
)  # fmt: skip
ALL = "in all"
AHEAD, FEWEST, FIRST = 3, 4, 2007
HALVES = {"chosen on": (2011, 2015), "shown": (2016, 2021)}
#: What was chosen from: as budget revenue, or as any series.
FROM: dict[str, Kind] = {"as budget revenue": KINDS["revenue"], "as any series": PLAIN}


def years() -> dict[str, np.ndarray]:
    """Receipts of each tax by fiscal year, and in all."""
    cash = city_cash("revenue")
    found = {name: cash[name].groupby(cash[name].index.year).sum().to_numpy() for name in TAXES}
    return found | {ALL: sum(found.values())}


def forecasts() -> pd.DataFrame:
    """``series, year, method, actual, mean, unit, in_80, in_95`` of every origin and step."""
    given, rows = years(), []
    for end in range(FEWEST, len(given[ALL])):
        made: dict[tuple[str, str], np.ndarray] = {}
        inside: dict[str, dict[int, tuple[np.ndarray, np.ndarray]]] = {}
        width: dict[str, np.ndarray] = {}
        for name, y in given.items():
            past = y[None, :end]
            own = forecast_block(past, AHEAD, 1, (80, 95), kind=KINDS["tax"])
            made[name, "fiscalmodel"] = own.mean[0]
            inside[name] = {level: (own.lower[level][0], own.upper[level][0]) for level in (80, 95)}
            width[name] = own.upper[80][0] - own.lower[80][0]
            for method, kind in FROM.items():
                made[name, method] = forecast_block(past, AHEAD, 1, (), kind=kind).mean[0]
            made[name, "naive"], made[name, "drift"] = naive(past, AHEAD)[0], drift(past, AHEAD)[0]
            made[name, "reconciled"] = np.empty(AHEAD)
        for step in range(AHEAD):
            agreed = reconcile_total(
                {name: float(made[name, "fiscalmodel"][step]) for name in TAXES},
                float(made[ALL, "fiscalmodel"][step]),
                item_spread={name: float(width[name][step]) for name in TAXES},
                total_spread=float(width[ALL][step]),
            )
            for name in TAXES:
                made[name, "reconciled"][step] = agreed.items[name]
            made[ALL, "reconciled"][step] = agreed.total
        for (name, method), mean in made.items():
            for step in range(min(AHEAD, len(given[name]) - end)):
                actual = given[name][end + step]
                row = {"series": name, "year": FIRST + end + step, "method": method}
                row |= {"actual": actual, "mean": mean[step]}
                row["unit"] = metrics.mase_scale(given[name][:end])
                if method == "fiscalmodel":
                    for level, (low, high) in inside[name].items():
                        row[f"in_{level}"] = 100.0 * (low[step] <= actual <= high[step])
                rows.append(row)
    return pd.DataFrame(rows)


def main() -> None:
    """Measure, print and write."""
    found, rows = forecasts(), []
    found["smape"] = metrics.smape(found["actual"].to_numpy(), found["mean"].to_numpy())
    found["mase"] = (found["mean"] - found["actual"]).abs() / found["unit"]
    for half, (first, last) in HALVES.items():
        part = found[found["year"].between(first, last)]
        for group, pick in (("single taxes", part["series"] != ALL), (ALL, part["series"] == ALL)):
            means = part[pick].groupby("method", sort=False)[["smape", "mase", "in_80", "in_95"]]
            base = means.mean().loc["naive"]
            for method, row in means.mean().iterrows():
                owa = metrics.owa(row["smape"], row["mase"], base["smape"], base["mase"])
                rows.append({
                    "group": group, "outturns": f"{half} {first} to {last}", "method": method,
                    "forecasts": int((part[pick]["method"] == method).sum()), "owa": owa,
                    **row.to_dict(),
                })  # fmt: skip
    table = pd.DataFrame(rows).round(3)
    print(table.to_string(index=False))
    write("taxes", table)


if __name__ == "__main__":
    main()
