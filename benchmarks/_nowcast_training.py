"""Samples for the nowcast: monthly competition series as years of cumulative months."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from _panels import load

from fiscalmodel.revenue.nowcast_gate import features
from fiscalmodel.revenue.nowcast_ways import remainders

LONGEST = 7


@dataclass(frozen=True)
class Samples:
    """Rows from one length of history and one month."""

    years: int
    month: int
    y: np.ndarray
    rest: np.ndarray
    series: np.ndarray


def years_of(x: np.ndarray, start: int) -> np.ndarray:
    """Cumulative months by year from `start`, shape (years, 12)."""
    k = (len(x) - start) // 12
    return x[start : start + 12 * k].reshape(k, 12).cumsum(axis=1)


def collect(parts: list[np.ndarray], *, starts=range(0, 12, 3), last_only=False, seed=0):
    """Samples by (years, month) of all series; `last_only`: the last year of each start only."""
    rng = np.random.default_rng(seed)
    found: dict[tuple[int, int], list] = {}
    for number, x in enumerate(parts):
        for start in starts:
            table = years_of(x, (len(x) + start) % 12 if last_only else start)
            for end in range(1, len(table)):
                if last_only and end < len(table) - 1:
                    continue
                whole = min(end, LONGEST)
                lengths = {whole} | ({int(rng.integers(1, whole + 1))} if not last_only else set())
                for k in lengths:
                    rows = table[end - k : end + 1]
                    if (rows[:, 11] <= 0).any():
                        continue
                    months = range(1, 12) if last_only else rng.choice(11, 4, replace=False) + 1
                    for m in months:
                        found.setdefault((k, int(m)), []).append((number, rows))
    result = []
    for (k, m), group in sorted(found.items()):
        y = np.stack([rows for _, rows in group]).astype(float)
        rest = y[:, -1, 11] - y[:, -1, m - 1]
        y = y.copy()
        y[:, -1, m:] = np.nan
        result.append(Samples(k, m, y, rest, np.array([n for n, _ in group])))
    return result


def competition(kind: str = "train") -> list[np.ndarray]:
    """Monthly series: training parts, or the whole with the test part."""
    found = []
    for dataset in ("M1", "M3", "Tourism"):
        for item in load(dataset, "monthly"):
            found.append(item.train if kind == "train" else np.concatenate([item.train, item.test]))
    return found


def totals(parts: list[np.ndarray], count: int, seed: int = 0) -> list[np.ndarray]:
    """Sums of two to six series of one length, each scaled to mean 1: calmer, like a total."""
    rng = np.random.default_rng(seed)
    groups: dict[int, list[np.ndarray]] = {}
    for x in parts:
        groups.setdefault(len(x), []).append(x)
    large = [g for g in groups.values() if len(g) >= 10]
    chance = np.array([len(g) for g in large], float)
    found = []
    for _ in range(count):
        group = large[rng.choice(len(large), p=chance / chance.sum())]
        picks = rng.choice(len(group), size=int(rng.integers(2, 7)), replace=False)
        found.append(sum(group[i] / group[i].mean() * rng.uniform(0.3, 1) for i in picks))
    return found


def table_of(samples: list[Samples]):
    """x, z (ways relative to the last remainder), target and row info, all samples together."""
    xs, zs, ts, ms, ks, ser, f0 = [], [], [], [], [], [], []
    for s in samples:
        x, ways, unit = features(s.y, s.month)
        xs.append(x)
        zs.append(((ways - ways[0]) / unit).T)
        ts.append((s.rest - ways[0]) / unit)
        ms.append(np.full(len(x), s.month))
        ks.append(np.full(len(x), s.years))
        ser.append(s.series)
        f0.append((s.rest + s.y[:, -1, s.month - 1]) / unit)
    return tuple(np.concatenate(a) for a in (xs, zs, ts, ms, ks, ser, f0))


def treasuries(count: int, seed: int = 0) -> list[np.ndarray]:
    """Made-up treasury flows: sharp seasons, slow level, noise, money early or late.

    Competition series have few of these traits; ranges are wide and chosen, not fitted.
    """
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        n = 12 * int(rng.integers(4, 12))
        growth = rng.normal(0.04, 0.04) + np.zeros(n)
        shocks = rng.normal(0, rng.uniform(0.005, 0.1) / np.sqrt(12), n)
        keep = rng.choice([0.0, 0.8, 0.95])
        pull = np.zeros(n)
        for t in range(1, n):
            pull[t] = keep * pull[t - 1] + shocks[t]
        level = np.exp(np.cumsum(growth / 12 + (pull if keep < 0.5 else pull * (1 - keep) * 3)))
        season = rng.dirichlet(np.full(12, rng.uniform(2, 40))) * 12 + 0.05
        noise = rng.normal(0, rng.uniform(0.01, 0.25), n)
        noise -= rng.uniform(0, 0.9) * np.concatenate([[0], noise[:-1]])
        found.append(level * np.tile(season, n // 12) * np.exp(noise))
    return found


__all__ = ["collect", "competition", "remainders", "table_of", "totals", "treasuries", "years_of"]
