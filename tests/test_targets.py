"""Targets: hand arithmetic on the published plan of Jianghan."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fiscalmodel.errors import InputError
from fiscalmodel.revenue.forecast import forecast
from fiscalmodel.revenue.targets import assess_target, growth_needed_pct, probability_of_at_least


def test_the_published_plan_in_figures() -> None:
    assert round(98 * 1.07**5, 2) == 137.45
    assert round(growth_needed_pct(98, 137, 5), 2) == 6.93
    assert round((137 / 130.62 - 1) * 100, 2) == 4.88
    assert round(84.6 * 1.0124**5, 2) == 89.98


@pytest.mark.parametrize(("value", "target", "years"), [(98, 137, 0), (0, 137, 5), (98, -1, 5)])
def test_growth_that_makes_no_sense_is_refused(value: float, target: float, years: int) -> None:
    with pytest.raises(InputError):
        growth_needed_pct(value, target, years)


@given(st.floats(1, 1e6), st.floats(-30, 30), st.integers(1, 10))
def test_growing_at_the_needed_rate_reaches_the_target(v: float, g: float, n: int) -> None:
    target = v * (1 + g / 100) ** n
    assert growth_needed_pct(v, target, n) == pytest.approx(g, abs=1e-9)


def test_the_bands_own_limits_have_the_bands_own_chances() -> None:
    bands = {80: (90.0, 112.0), 95: (80.0, 125.0)}
    chances = [probability_of_at_least(v, 100.0, bands) for v in (80, 90, 100, 112, 125)]
    assert chances == [98, 90, 50, 10, 2]  # 97.5 and 2.5 rounded half to even
    assert probability_of_at_least(500, 100.0, bands) == 1
    assert probability_of_at_least(100.0, 100.0, {80: (100.0, 100.0)}) == 50


@given(st.lists(st.floats(0, 1000), min_size=2, max_size=2).map(sorted))
def test_a_higher_target_is_never_likelier(targets: list[float]) -> None:
    bands = {80: (90.0, 112.0), 95: (80.0, 125.0)}
    low, high = (probability_of_at_least(t, 100.0, bands) for t in targets)
    assert low >= high


def test_a_target_that_is_out_of_reach_says_what_is_missing() -> None:
    made = forecast(pd.Series([94.62, 111.36, 131.48, 136.51, 130.62, 98.0]) * 1e4, 5)
    found = assess_target(
        made,
        last_year=2020,
        last_value=980_000,
        target_year=2025,
        target_value=1_370_000,
        expected=1_100_000,
    )
    assert found.gap_wan == 270_000
    amounts = dict(zip(found.levers["lever"], found.levers["amount"], strict=True))
    assert amounts["one_off_in_target_year"] == 270_000
    grown = (1 + (found.expected_growth_pct + amounts["extra_growth_each_year"]) / 100) ** 5
    assert 980_000 * grown == pytest.approx(1_370_000)
    assert "6.93%" in found.sentence("zh")
