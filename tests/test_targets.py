"""Targets: hand arithmetic on the published plan of Jianghan."""

from __future__ import annotations

import math

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fiscalmodel.errors import InputError
from fiscalmodel.revenue.forecast import Forecast, forecast
from fiscalmodel.revenue.targets import (
    assess_target,
    growth_needed_pct,
    levers_for,
    place_in_band,
)


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
    assert "6.93%" in found.answer("zh")


def baseline() -> Forecast:
    """100 expected in 2022, 80 % band 90 to 120."""
    table = pd.DataFrame(
        {
            "period": pd.period_range("2021", "2022", freq="Y"),
            "mean": [100.0, 100.0],
            "lo-80": [95.0, 90.0],
            "hi-80": [105.0, 120.0],
        }
    )
    return Forecast(table, pd.DataFrame(), (), pd.DataFrame(), pd.Series(dtype=float))


def band(expected: float, made: Forecast) -> tuple[float, float]:
    """The 80 % band of 2022 around a scenario's value."""
    found = assess_target(
        made, last_year=2020, last_value=90.0, target_year=2022, target_value=110.0,
        expected=expected,
    )  # fmt: skip
    return found.bands[80]


def test_a_scenario_above_nought_takes_the_band_in_proportion() -> None:
    # 50 is half of 100: the band of 90 to 120 is 45 to 60.
    assert band(50.0, baseline()) == (45.0, 60.0)


def test_a_scenario_below_nought_keeps_the_bands_width() -> None:
    # -5 is 105 below 100: the band is -15 to 15.
    assert band(-5.0, baseline()) == (-15.0, 15.0)
    # A baseline of -20 with the band -30 to 0, a scenario of 40: 30 to 60.
    low = baseline()
    low.table.loc[1, ["mean", "lo-80", "hi-80"]] = [-20.0, -30.0, 0.0]
    assert band(40.0, low) == (30.0, 60.0)


def test_a_target_year_that_is_not_forecast_is_refused() -> None:
    given = {"last_value": 90.0, "target_value": 100.0, "expected": 95.0}
    with pytest.raises(InputError, match="2023 is not forecast — the forecast holds 2021 to 2022"):
        assess_target(baseline(), last_year=2020, target_year=2023, **given)


def test_levers_without_an_expected_growth() -> None:
    # Nothing grows from 100 to -10: the gap of 60 remains, 20 more each year for three years.
    found = levers_for(50.0, -10.0, last_value=100.0, years=3)
    assert dict(zip(found["lever"], found["amount"], strict=True)) == {
        "one_off_in_target_year": 60.0,
        "measure_each_year_from_next": 60.0,
        "phased_measure_each_year": 20.0,
    }


def test_a_target_below_the_newest_figure_is_said_as_a_fall() -> None:
    # (81 / 100)^(1/2) = 0.9
    found = assess_target(
        baseline(), last_year=2020, last_value=100.0, target_year=2022, target_value=81.0,
        expected=100.0,
    )  # fmt: skip
    assert "容许自2020年起年均下降 10.00%" in found.answer("zh")
    assert "allows a fall of 10.00 % a year" in found.answer("en")


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_growth_of_no_number_is_refused(bad: float) -> None:
    with pytest.raises(InputError):
        growth_needed_pct(bad, 100.0, 2)
    with pytest.raises(InputError):
        growth_needed_pct(100.0, bad, 2)


def test_the_distance_is_said_and_no_probability() -> None:
    # 120 expected 100 (band 90 to 120): 20 short of 120 is 16.7 %, on the band's edge.
    found = assess_target(
        baseline(), last_year=2020, last_value=90.0, target_year=2022, target_value=120.0,
        expected=100.0, outturn=(2019, 100.0),
    )  # fmt: skip
    assert "低于目标 20.00 万元（差16.7%），目标处于80%区间之内" in found.answer("zh")
    assert "inside the 80 % band" in found.answer("en")
    assert "概率" not in found.answer("zh")
    rows = found.table.set_index("what")
    # From 100 in 2019: 20 % in all, 1.2^(1/3) a year; from 90 in 2020: a third, and (4/3)^(1/2).
    assert rows.loc["newest_outturn", "to_target_pct"] == pytest.approx(20)
    assert rows.loc["newest_outturn", "to_target_a_year_pct"] == pytest.approx(6.2659, abs=1e-4)
    assert rows.loc["newest_figure", "to_target_a_year_pct"] == pytest.approx(15.4701, abs=1e-4)
    assert rows.loc["expected_then", "to_target_pct"] == pytest.approx(20)


def test_where_a_target_lies() -> None:
    bands = {80: (90.0, 110.0), 95: (80.0, 120.0)}
    said = [place_in_band(t, bands)("en") for t in (100, 115, 85, 130, 70)]
    assert said == [
        "the target lies inside the 80 % band",
        "the target lies above the 80 % band, inside the 95 % band",
        "the target lies below the 80 % band, inside the 95 % band",
        "the target lies above the 95 % band",
        "the target lies below the 95 % band",
    ]
