"""Any series: no error but `InputError`, no NaN, ordered bands, the same answer twice."""

from __future__ import annotations

import os

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fiscalmodel as fm
from fiscalmodel.errors import InputError

SOAK = os.environ.get("FISCALMODEL_SOAK") == "1"
SINGLE = 100_000 if SOAK else 100
PANEL = 100_000 if SOAK else 1_000

amounts = st.lists(
    st.one_of(
        st.floats(allow_nan=True, allow_infinity=True),
        st.floats(-1e7, 1e7),
        st.integers(0, 10**9).map(float),
        st.just(0.0),
    ),
    max_size=40,
)


def check(table: pd.DataFrame, history: np.ndarray, season: int) -> None:
    """What holds for every forecast."""
    numbers = table.iloc[:, 1:].to_numpy()
    assert np.isfinite(numbers).all()
    mean, low80, high80, low95, high95 = numbers.T
    assert (low95 <= low80).all()
    assert (low80 <= mean).all()
    assert (mean <= high80).all()
    assert (high80 <= high95).all()
    known = history[~np.isnan(history)]
    if known.min() >= 0:
        assert numbers.min() >= 0
    if season == 1:
        # Uncertainty never shrinks ahead, on the scale that the band is made on: in logs of a
        # positive series; else as a distance (the upper half is not clipped where the mean is not).
        if known.min() > 0:
            above, least = np.log(high95[mean > 0] / mean[mean > 0]), 1e-9
        else:
            above, least = (high95 - mean)[mean > 0], 1e-9 * np.abs(numbers).max()
        assert (np.diff(above) >= -least).all()


@given(y=amounts, horizon=st.integers(-1, 101), season=st.sampled_from([1, 1, 4, 12, 7]))
def test_any_list(y, horizon, season):
    try:
        made = fm.forecast(y, horizon, season_length=season)
    except InputError:
        return
    assert len(made.table) == horizon
    check(made.table, np.array(y, dtype=float), made.season_length)


def random_series(rng: np.random.Generator) -> np.ndarray:
    """One of many kinds: growing, falling, jumping, spiked, flat, tiny, huge, with gaps."""
    n = int(rng.integers(1, 45))
    kind = rng.integers(0, 9)
    y = np.cumsum(rng.normal(rng.normal(), rng.exponential(2), n))
    if kind == 1:
        y = np.exp(np.clip(y, -60, 60))
    elif kind == 2:
        y = np.full(n, rng.normal() * 10.0 ** rng.integers(-8, 12))
    elif kind == 3:
        y = rng.poisson(0.3, n).astype(float)
    elif kind == 4:
        y = y * 10.0 ** rng.integers(-300, 90)
    elif kind == 5:
        y[rng.integers(0, n)] *= 1e6
    elif kind == 6:
        y = np.where(rng.random(n) < 0.3, np.nan, y)
    elif kind == 7:
        y = np.abs(y) * np.tile(rng.random(12) + 0.01, 4)[:n]
    elif kind == 8:
        y = np.round(rng.standard_cauchy(n), 2)
    return y


def test_random_series_one_by_one():
    rng = np.random.default_rng(20)
    for _ in range(SINGLE):
        y = random_series(rng)
        season = int(rng.choice([1, 1, 4, 12]))
        horizon = int(rng.choice([1, 3, 8, 24, 100]))
        try:
            made = fm.forecast(y, horizon, season_length=season)
        except InputError:
            assert np.isnan(y).all() or np.abs(y[~np.isnan(y)]).max() > 1e100
            continue
        check(made.table, y, made.season_length)


@pytest.mark.parametrize("season", [1, 4])
def test_random_series_as_a_panel(season):
    rng = np.random.default_rng(21)
    left = PANEL // 2
    while left > 0:
        histories = [y for y in (random_series(rng) for _ in range(min(left, 2000)))
                     if not np.isnan(y).all() and np.nanmax(np.abs(y)) < 1e100]  # fmt: skip
        left -= 2000
        sizes = [len(y) for y in histories]
        frame = pd.DataFrame(
            {
                "unique_id": np.repeat(np.arange(len(histories)), sizes),
                "ds": np.concatenate([np.arange(1, n + 1) for n in sizes]),
                "y": np.concatenate(histories),
            }
        )
        made = fm.forecast_panel(frame, 5, season_length=season)
        for number, history in enumerate(histories):
            check(made.iloc[5 * number : 5 * number + 5, 1:], history, season)


@given(
    y=st.lists(st.floats(1, 1e6), min_size=2, max_size=25),
    factor=st.sampled_from([1e-4, 0.01, 3.0, 1e4]),
)
def test_the_unit_does_not_matter(y, factor):
    one = fm.forecast(y, 3).table.iloc[:, 1:].to_numpy()
    other = fm.forecast([value * factor for value in y], 3).table.iloc[:, 1:].to_numpy()
    np.testing.assert_allclose(other, one * factor, rtol=1e-5, atol=1e-6 * factor * max(y))
