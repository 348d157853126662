"""Chinese cities (``data/city_annual.csv``): series and windows for training and measuring."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

TABLE = Path(__file__).parents[1] / "data" / "city_annual.csv"
ORIGINS = range(2012, 2020)
LENGTHS = (6, 10, 20)
#: Outturns outside these multiples of the last value are breaks of the calibre, not growth.
BREAK = (0.4, 2.5)


@dataclass(frozen=True)
class City:
    """One unbroken yearly series of a city; ``first`` is the year of its first value."""

    code: str
    city: str
    province: str
    first: int
    values: np.ndarray


@cache
def cities(column: str = "revenue") -> tuple[City, ...]:
    """Unbroken runs of a column, six values and more."""
    table = pd.read_csv(TABLE, dtype={"city_code": str}).dropna(subset=[column])
    table = table[table[column] > 0]
    found = []
    for code, rows in table.sort_values("year").groupby("city_code"):
        run = (rows["year"].diff() != 1).cumsum()
        for _, part in rows.groupby(run):
            if len(part) >= 6:
                first = part.iloc[0]
                y = part[column].to_numpy(dtype=float)
                found.append(City(code, first["city"], first["province"], int(first["year"]), y))
    return tuple(found)


@dataclass(frozen=True)
class Windows:
    """Histories of one length with up to three years that followed (NaN where unknown)."""

    past: np.ndarray
    future: np.ndarray
    origin: np.ndarray
    province: np.ndarray
    city: np.ndarray

    def without_breaks(self) -> np.ndarray:
        """Outturns with breaks of the calibre left out."""
        ratio = self.future / self.past[:, -1:]
        return np.where((ratio > BREAK[0]) & (ratio < BREAK[1]), self.future, np.nan)


def windows(n: int, column: str = "revenue", origins: range = ORIGINS, last: int = 2020) -> Windows:
    """Every city at every origin that has ``n`` values before it."""
    past, future, labels = [], [], []
    for one in cities(column):
        for origin in origins:
            end = origin - one.first + 1
            if not n <= end < len(one.values) or origin >= last:
                continue
            ahead = np.full(3, np.nan)
            known = one.values[end : end + min(3, last - origin)]
            ahead[: len(known)] = known
            past.append(one.values[end - n : end])
            future.append(ahead)
            labels.append((origin, one.province, one.city))
    origin, province, city = (np.array(column) for column in zip(*labels, strict=True))
    return Windows(np.array(past), np.array(future), origin, province, city)
