"""Monthly series for the nowcast as years of cumulative months, and their samples."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
from _panels import load

LONGEST = 7
SETS = ("M1", "M3", "Tourism", "city receipts by tax")


@dataclass(frozen=True)
class Sample:
    """Rows of one length of history and one month: last year known up to the month."""

    years: int
    month: int
    y: np.ndarray
    rest: np.ndarray
    dataset: np.ndarray


def _of_city(name: str) -> pd.DataFrame:
    found = find_spec("phl_budget_data")
    if found is None or found.origin is None:
        sys.exit("The city's receipts are missing: pip install --no-deps phl-budget-data")
    return pd.read_csv(Path(found.origin).parent / f"data/historical/{name}.csv")


def city_taxes() -> dict[str, pd.Series]:
    """Monthly receipts by tax and in all of a city, 2013-07 to 2021-12 (Philadelphia)."""
    table = _of_city("revenue/city-tax-collections")
    table = table[table["kind"] == "total"]
    table["month"] = pd.PeriodIndex(table["date"].str[:7], freq="M")
    wide = table.pivot_table(index="month", columns="name", values="total", aggfunc="sum")
    return {str(name): wide[name].dropna() for name in wide}


def city_cash(kind: str) -> dict[str, pd.Series]:
    """Monthly cash ``revenue`` or ``spending`` of the city by category, fiscal years 2007 to 2021.

    Month 1 is the first of the fiscal year; as reported at the year's end.
    """
    table = _of_city(f"qcmr/cash-reports-{kind}")
    table = table[table["quarter"] == 4]
    year, month = table["fiscal_year"], table["fiscal_month"]
    labels = [f"{y}-{m:02d}" for y, m in zip(year, month, strict=True)]
    table["month"] = pd.PeriodIndex(labels, freq="M")
    wide = table.pivot_table(index="month", columns="category", values="amount", aggfunc="sum")
    return {str(name).strip(): wide[name] for name in wide}


def series() -> list[tuple[int, np.ndarray]]:
    """(dataset, months) of training parts of competitions and of a city's receipts."""
    found = [
        (number, item.train)
        for number, name in enumerate(SETS[:3])
        for item in load(name, "monthly")
    ]
    for values in city_taxes().values():
        found.append((len(SETS) - 1, values.to_numpy(dtype=float)))
    return found


def samples(parts: list[tuple[int, np.ndarray]], seed: int = 0) -> list[Sample]:
    """Years that start in every third month of each series, four months of each year."""
    rng = np.random.default_rng(seed)
    found: dict[tuple[int, int], list[tuple[int, np.ndarray]]] = {}
    for dataset, x in parts:
        for start in range(0, 12, 3):
            whole = (len(x) - start) // 12
            table = x[start : start + 12 * whole].reshape(whole, 12).cumsum(axis=1)
            for end in range(1, whole):
                longest = min(end, LONGEST)
                for k in {longest, int(rng.integers(1, longest + 1))}:
                    rows = table[end - k : end + 1]
                    if (rows[:, 11] > 0).all():
                        for m in rng.choice(11, 4, replace=False) + 1:
                            found.setdefault((k, int(m)), []).append((dataset, rows))
    made = []
    for (k, m), group in sorted(found.items()):
        y = np.stack([rows for _, rows in group]).astype(float)
        rest = y[:, -1, 11] - y[:, -1, m - 1]
        y[:, -1, m:] = np.nan
        made.append(Sample(k, m, y, rest, np.array([d for d, _ in group])))
    return made
