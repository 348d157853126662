"""Whether the shape of the bands was chosen in view of what they are shown on.

    python benchmarks/bands.py        # two minutes; writes benchmarks/results/bands.csv

Width of a band: a quantile times spread^power, spread at least a floor; as much below as above in
percent, in logs, or each side by itself. Budget revenue of cities, half the mean step as forecast
(nothing learned), origins 2012 to 2019. Quantiles come from other thirds of the provinces and from
other years. For each third of the provinces, and for each two years of origins, the shape is
chosen anew where it scored best on the others; its interval score stands beside that of the shape
that is shipped.
"""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
from _calibration import LONG, weighted_quantile
from _cities import cities
from _results import write
from _training import CITIES, FOLDS, SPANS, Windows, Yearly, folds, windows

from fiscalmodel.revenue.intervals import LEAST_SPREAD, below, change, relative_to
from fiscalmodel.revenue.metrics import interval_score
from fiscalmodel.revenue.models import half_drift, held

Shape = tuple[float, float, str]
SHIPPED: Shape = (0.5, LEAST_SPREAD, "percent")
SIDES = ("percent", "logs", "each side")
SHAPES: list[Shape] = [
    (power, floor, side)
    for power, floor, side in product((0, 0.25, 0.5, 0.75, 1), (0.03, 0.05, 0.08, 0.12), SIDES)
    if power or floor == LEAST_SPREAD
]
SHOWN = SPANS[2:]
AHEAD, FEWEST, FIRST = 3, 200, 2012
#: Both levels count alike: a score of 95 is larger by some two thirds.
WEIGHT = {80: 1.0, 95: 0.6}


class Cases:
    """Outturns as shares of their forecasts, with what tells which case may be learned from."""

    def __init__(self, win: Windows) -> None:
        """Take the cases that the shape is tried on."""
        mean, spread = np.full(win.future.shape, np.nan), np.full(len(win.length), np.nan)
        for n, past in win.history.items():
            rows, (positive, level) = win.rows[n], relative_to(past)
            mean[rows] = held(past, half_drift(past, mean.shape[1]))
            spread[rows] = change(past[:, 1:], past[:, :-1], positive, level).std(axis=1)
        keep = (win.length >= LONG) & (win.origin >= FIRST) & (mean > 0).all(axis=1)
        ratio = (win.future / mean)[keep, :AHEAD]
        # Breaks of the calibre are no errors of a forecast.
        self.ratio = np.where(np.abs(np.log(ratio)) < np.log(2.5), ratio, np.nan)
        self.spread, self.origin = spread[keep], win.origin[keep]
        self.fold = win.fold[keep]
        self.weight = 1 / np.bincount(win.series)[win.series[keep]] ** 0.7

    def score(self, shape: Shape, fold: int, span: tuple[int, int]) -> float:
        """Mean interval score of what a third and two years of origins hold."""
        power, floor, side = shape
        size, found = np.maximum(self.spread, floor) ** power, []
        mine = (self.fold == fold) & (self.origin >= span[0]) & (self.origin <= span[1])
        for step in range(AHEAD):
            year, r = self.origin + step + 1, self.ratio[:, step]
            hidden = (year > span[0]) & (year <= span[1] + AHEAD)
            learn = (self.fold != fold) & ~hidden & ~np.isnan(r)
            shown = mine & ~np.isnan(r)
            if not shown.any() or learn.sum() < FEWEST:
                continue
            off = (np.log(r) if side == "logs" else r - 1)[learn] / size[learn]
            for level, weight in WEIGHT.items():
                share = np.array([0.5 - level / 200, 0.5 + level / 200])
                if side == "each side":
                    low, high = weighted_quantile(off, self.weight[learn], share)
                    limits = 1 + low * size[shown], 1 + high * size[shown]
                else:
                    far = np.abs(off), self.weight[learn], np.array([level / 100])
                    p = weighted_quantile(*far) * size[shown]
                    logs = side == "logs"
                    limits = np.exp(-p) if logs else 1 - below(p), np.exp(p) if logs else 1 + p
                scores = interval_score(r[shown], *limits, level)
                found.append(weight * np.average(scores, weights=self.weight[shown]))
        return float(np.mean(found))


def main() -> None:
    """Choose anew, print and write."""
    third = folds()
    given = [Yearly(CITIES, True, c.values, c.first, third[c.province], True) for c in cities()]
    cases = Cases(windows(given))
    places = list(product(range(FOLDS), SHOWN))
    scores = {
        shape: np.array([cases.score(shape, fold, span) for fold, span in places])
        for shape in SHAPES
    }
    rows = []
    for what, kept in (
        *(
            (f"third {fold} of the provinces", [f == fold for f, _ in places])
            for fold in range(FOLDS)
        ),
        *((f"origins {span[0]} to {span[1]}", [s == span for _, s in places]) for span in SHOWN),
    ):
        own = np.array(kept)
        best = min(SHAPES, key=lambda shape: scores[shape][~own].mean())
        rows.append({
            "kept_back": what, "power": best[0], "floor": best[1], "side": best[2],
            "score_chosen": scores[best][own].mean(), "score_shipped": scores[SHIPPED][own].mean(),
        })  # fmt: skip
    table = pd.DataFrame(rows).round(4)
    print(table.to_string(index=False))
    for rows_of in (table.iloc[:FOLDS], table.iloc[FOLDS:]):
        chosen, shipped = rows_of[["score_chosen", "score_shipped"]].mean()
        print(f"shipped against chosen on what was kept back: {shipped / chosen - 1:+.2%}")
    write("bands", table)


if __name__ == "__main__":
    main()
