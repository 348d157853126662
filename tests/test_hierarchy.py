"""Items and totals made to agree."""

from __future__ import annotations

import numpy as np
import pytest

from fiscalmodel.errors import InputError
from fiscalmodel.revenue.items import reconcile_total


def test_closed_form_is_the_least_squares_solution():
    # Oracle: generalised least squares, b = (S' W^-1 S)^-1 S' W^-1 y, S = [1..1; I].
    rng = np.random.default_rng(0)
    for _ in range(50):
        n = int(rng.integers(1, 7))
        x, s = rng.uniform(50, 100, n), rng.uniform(0.5, 5, n)
        total, spread = float(x.sum() * rng.uniform(0.9, 1.1)), float(rng.uniform(0.5, 9))
        summing = np.vstack([np.ones(n), np.eye(n)])
        weight = np.diag(1 / np.r_[spread, s] ** 2)
        want = np.linalg.solve(summing.T @ weight @ summing, summing.T @ weight @ np.r_[total, x])
        names = [str(i) for i in range(n)]
        made = reconcile_total(dict(zip(names, x, strict=True)), total,
                               item_spread=dict(zip(names, s, strict=True)),
                               total_spread=spread)  # fmt: skip
        assert made.items.to_numpy() == pytest.approx(want, rel=1e-10)
        assert made.total == pytest.approx(want.sum(), rel=1e-12)
        assert made.gap == pytest.approx(total - x.sum())


def test_a_held_item_stays_and_a_floor_holds():
    # a is held at 60; of the gap of −50, b would go to −10 and is stopped at nought.
    made = reconcile_total({"a": 60.0, "b": 20.0, "c": 40.0}, 70.0,
                           item_spread={"a": 0, "b": 6.0, "c": 4.0}, total_spread=0.0,
                           floors={"b": 0.0})  # fmt: skip
    assert made.items.to_dict() == pytest.approx({"a": 60.0, "b": 0.0, "c": 10.0})


def test_bad_input():
    with pytest.raises(InputError, match="held figures miss"):
        reconcile_total({"a": 1.0}, 2.0, item_spread={"a": 0.0}, total_spread=0.0)
    with pytest.raises(InputError, match="is empty"):
        reconcile_total({}, 2.0, item_spread={}, total_spread=1.0)
    with pytest.raises(InputError) as caught:
        reconcile_total({"a": np.nan, "b": 1.0}, 2.0, item_spread={"a": -1.0}, total_spread=1.0,
                        floors={"c": 0.0})  # fmt: skip
    assert len(caught.value.problems) == 4
