"""Make ``fiscalmodel/revenue/_assets/nowcast.json``: the bands of full-year estimates.

    python benchmarks/calibrate_nowcast.py            # some two minutes

From the training parts of the monthly competition series and from a city's receipts by tax
(package ``phl-budget-data``, installed with ``--no-deps``), which hold the shocks of 2020 and count
for half. A width is widened by what makes quantiles of the other data sets hold their level on
the one left out.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from _months import SETS, Sample, samples, series

from fiscalmodel.revenue.nowcast_model import combined, past_error, remainders, scale_features

OUT = Path(__file__).parents[1] / "fiscalmodel" / "revenue" / "_assets" / "nowcast.json"
LEVELS = (50, 80, 90, 95, 99)
YEARS = (1, 2, 3, 5)
WIDER = np.linspace(1.0, 1.8, 41)
#: Weight of each of `SETS`.
COUNTS = np.array([1.0, 1.0, 1.0, 3.0])


def errors(sample: Sample) -> tuple[np.ndarray, np.ndarray]:
    """Error as a share of the last full year, and what tells its size."""
    unit = np.maximum(np.abs(sample.y[:, -2, 11]), 1e-12)
    rest, _ = combined(remainders(sample.y, sample.month))
    error = np.abs(rest - sample.rest) / unit
    return error, scale_features(sample.y, sample.month, past_error(sample.y))


def fit(error: np.ndarray, x: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Log error by weighted least squares on the features."""
    design = np.column_stack([np.ones(len(x)), x])
    left = (design * weight[:, None]).T
    ridge = 1e-6 * np.eye(design.shape[1])
    return np.linalg.solve(left @ design + ridge, left @ np.log(error + 0.002)).round(4)


def tail(x: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Smallest values that the shares of `LEVELS` lie at or below."""
    order = np.argsort(x)
    reached = np.cumsum(weight[order]) / weight.sum()
    place = np.searchsorted(reached, np.array(LEVELS) / 100 - 1e-12)
    return x[order][np.minimum(place, len(x) - 1)]


def bands(made: list[tuple[Sample, np.ndarray, np.ndarray]]) -> dict[str, object]:
    """Scale of the error, and quantiles by years of history and month, with their coverage."""
    error, x = (np.concatenate([row[k] for row in made]) for k in (1, 2))
    month, years = (
        np.concatenate([np.full(len(e), getattr(s, name)) for s, e, _ in made])
        for name in ("month", "years")
    )
    dataset = np.concatenate([s.dataset for s, _, _ in made])
    weight = (COUNTS / np.bincount(dataset))[dataset]
    scale = fit(error, x, weight)
    size = np.exp(scale[0] + x @ scale[1:])
    apart = np.empty_like(size)
    for one in np.unique(dataset):
        own = dataset == one
        other = fit(error[~own], x[~own], weight[~own])
        apart[own] = np.exp(other[0] + x[own] @ other[1:])
    grid = np.empty((len(YEARS), 11, len(LEVELS)))
    share = np.empty_like(grid)
    for place, low in enumerate(YEARS):
        high = YEARS[place + 1] if place + 1 < len(YEARS) else 99
        for m in range(1, 12):
            # Neighbouring months together: widths that do not jump.
            pick = (years >= low) & (years < high) & (np.abs(month - m) <= 1)
            r, d, w = (error / apart)[pick], dataset[pick], weight[pick]
            found = []
            for one in np.unique(d):
                limit = WIDER[:, None] * tail(r[d != one], w[d != one])
                found.append((r[d == one] <= limit[:, :, None]).mean(axis=2))
            inside = np.average(found, axis=0, weights=COUNTS[np.unique(d)])
            wide = np.minimum((inside < np.array(LEVELS) / 100).sum(axis=0), len(WIDER) - 1)
            grid[place, m - 1] = WIDER[wide] * tail((error / size)[pick], w)
            share[place, m - 1] = inside[wide, np.arange(len(LEVELS))]
        # From month to month no factor grows: what is known never makes a year less certain.
        grid[place] = np.minimum.accumulate(grid[place], axis=0)
        print(low, "years: 80 % band on data sets left out, months 3, 6, 9:",
              share[place, [2, 5, 8], 1].round(3), flush=True)  # fmt: skip
    return {
        "scale": scale.tolist(), "levels": list(LEVELS), "years": list(YEARS),
        "quantiles": grid.round(4).tolist(), "coverage": share.round(3).tolist(),
    }  # fmt: skip


def alone() -> list[list[float]]:
    """Without a year before: quantiles of the error of even progress, share of the full year."""
    rows: dict[int, list[float]] = {m: [] for m in range(1, 12)}
    for _, x in series():
        for start in range(0, 12, 3):
            whole = (len(x) - start) // 12
            for months in x[start : start + 12 * whole].reshape(whole, 12).cumsum(axis=1):
                if months[11] > 0:
                    for m in rows:
                        even = months[m - 1] * 12 / m
                        rows[m].append(abs(months[11] - even) / max(abs(even), 1e-12))
    return [
        np.quantile(np.minimum(values, 50), np.array(LEVELS) / 100).round(4).tolist()
        for values in rows.values()
    ]


def main() -> None:
    """Measure and write."""
    made = [(s, *errors(s)) for s in samples(series())]
    asset = {"source": ", ".join(SETS), "bands": bands(made), "alone": alone()}
    OUT.write_text(json.dumps(asset, separators=(",", ":")) + "\n", encoding="utf-8")
    print(OUT.name, OUT.stat().st_size)


if __name__ == "__main__":
    main()
