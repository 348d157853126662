"""Our forecasts against their peers on public series, in one run.

    python benchmarks/forecast.py            every group, every peer (about an hour)
    python benchmarks/forecast.py --quick    yearly groups without the slow peers
    python benchmarks/forecast.py --own      every group, last value and drift the only peers
    python benchmarks/forecast.py --seasonal some quarterly and monthly series, every peer

Prints a table and, but for ``--quick``, writes ``benchmarks/results/forecast.csv``, with
``--seasonal`` ``benchmarks/results/seasonal.csv``.

M4's measures: OWA against naive (Naive2 for quarterly and monthly series), coverage and MSIS
of the 95 % band. The provincial panel is ``data/provincial_annual.csv``; short histories are
the last points of the yearly training parts, forecast four steps ahead.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from _panels import Item, load
from _peers import Made, ours, plain, statsforecast_peers, statsmodels_theta
from _results import write

from fiscalmodel.revenue import metrics

PROVINCES = Path(__file__).parents[1] / "data" / "provincial_annual.csv"


def provinces(least: int = 5, horizon: int = 3) -> list[Item]:
    """General public budget revenue of regions without a known break, each origin an item."""
    table = pd.read_csv(PROVINCES)
    table = table[table["indicator"] == "general_public_budget_revenue"].dropna(subset=["value"])
    odd = set(table.loc[table["scope_flag"].notna(), "region"])
    found = []
    for region, rows in table[~table["region"].isin(odd)].groupby("region"):
        y = rows.sort_values("period")["value"].to_numpy(dtype=float)
        for n in range(least, len(y) - horizon + 1):
            found.append(Item(f"revenue of {region} from {n} years", y[:n], y[n : n + horizon], 1))
    return found


def short(n: int) -> list[Item]:
    """The last n training values of each yearly competition series, four steps ahead."""
    items = [item for name in ("M1", "M3", "Tourism") for item in load(name, "yearly")]
    cut = [Item(i.name, i.train[-n:], i.test[:4], 1) for i in items if len(i.train) >= n]
    return [item for item in cut if np.ptp(item.train) > 0]


def groups(quick: bool) -> list[tuple[str, list[Item], bool]]:
    """(name, series, whether the slow peers run)."""
    found = [(f"{name} yearly", load(name, "yearly"), True) for name in ("M1", "M3", "Tourism")]
    found += [(f"{n} points", short(n), n == 6) for n in (4, 6, 8, 10)]
    found.append(("Chinese provinces, 1 to 3 years", provinces(), True))
    if not quick:
        found += [(f"M3 {kind}", load("M3", kind), False) for kind in ("quarterly", "monthly")]
    return found


def seasonal(most: int = 100) -> list[tuple[str, list[Item], bool]]:
    """Evenly picked quarterly and monthly series of M3 and Tourism, with every peer."""
    found = []
    for name in ("M3", "Tourism"):
        for kind in ("quarterly", "monthly"):
            items = load(name, kind)
            # The test parts have one length within a kind.
            found.append((f"{name} {kind}", items[:: max(1, len(items) // most)][:most], True))
    return found


def row(group: str, items: list[Item], made: Made, base: Made) -> dict[str, object]:
    """One line of the table."""
    actual = np.array([item.test for item in items])
    unit = np.array([metrics.mase_scale(item.train, item.season) for item in items])
    keep = np.isfinite(unit)

    def pair(mean: np.ndarray) -> tuple[float, float]:
        error = np.abs(actual - mean)[keep] / unit[keep][:, None]
        return float(metrics.smape(actual, mean)[keep].mean()), float(error.mean())

    (smape, mase), naive = pair(made.mean), pair(base.mean)
    first = np.where(actual[:, 0] != 0, np.abs(actual[:, 0]), np.nan)
    found = {
        "group": group,
        "series": len(items),
        "method": made.method,
        "smape": smape,
        "mase": mase,
        "owa": metrics.owa(smape, mase, *naive),
        "mape_1": np.nanmean(100 * np.abs(made.mean - actual)[:, 0] / first),
    }
    if made.low is not None and made.high is not None and not np.isnan(made.low).all():
        inside = (actual >= made.low) & (actual <= made.high)
        score = metrics.interval_score(actual, made.low, made.high, 95)[keep] / unit[keep][:, None]
        found |= {"in_95": 100 * inside.mean(), "msis_95": np.nanmean(score)}
    return found | {"seconds_per_1000": 1000 * made.seconds / len(items)}


def worst(group: str, items: list[Item], made: Made) -> str:
    """The largest scaled error of our forecasts, and what happened there."""
    actual = np.array([item.test for item in items])
    unit = np.array([metrics.mase_scale(item.train, item.season) for item in items])
    error = np.nan_to_num(np.abs(actual - made.mean) / unit[:, None])
    number, step = np.unravel_index(int(error.argmax()), error.shape)
    item, value = items[number], actual[number, step]
    steps = np.abs(np.diff(item.train))
    moved = abs(value - item.train[-1]) / max(steps.max(), 1e-300)
    direction = np.sign(item.train[-1] - item.train[0])
    if moved > 3:
        why = f"it moved {moved:.1f} times the largest step ever seen before"
    elif np.sign(value - item.train[-1]) != direction:
        why = "the trend of the history turned round"
    else:
        why = "the growth of the history went on faster, or slower, than it had been"
    return (
        f"- {group}: {item.name}, {step + 1} ahead: {value:,.6g}, forecast "
        f"{made.mean[number, step]:,.6g}, last known {item.train[-1]:,.6g} "
        f"({error[number, step]:.1f} mean steps off): {why}."
    )


def main() -> None:
    """Run all groups and print the table, then the largest errors."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--quick", action="store_true", help="without slow peers and M3 q, m")
    options.add_argument("--own", action="store_true", help="without peers of other libraries")
    options.add_argument("--seasonal", action="store_true", help="AutoCES and AutoARIMA too")
    chosen = options.parse_args()
    quick = chosen.quick
    largest, rows = [], []
    for group, items, slow in seasonal() if chosen.seasonal else groups(quick):
        horizon, season = len(items[0].test), items[0].season
        kind = "revenue" if items[0].name.startswith("revenue") else None
        made = [ours(items, horizon, season, kind), *plain(items, horizon, season)]
        if not chosen.own:
            made += statsforecast_peers(items, horizon, season, slow and not quick)
        if not quick and not chosen.own:
            made.append(statsmodels_theta(items, horizon, season))
        rows += [row(group, items, one, made[1]) for one in made]
        largest.append(worst(group, items, made[0]))
        print(pd.DataFrame(rows[-len(made) :]).round(3).to_string(index=False), flush=True)
    if not quick:
        name = "seasonal" if chosen.seasonal else "forecast"
        write(name, pd.DataFrame(rows).round(3))
    print("\nLargest single error of ours in each group:\n")
    print("\n".join(largest))


if __name__ == "__main__":
    main()
