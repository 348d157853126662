"""Targets: hand arithmetic on the published plan of Jianghan."""

from __future__ import annotations

import itertools
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
    probability_of_at_least,
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


def test_the_bands_own_limits_have_the_bands_own_chances() -> None:
    bands = {80: (90.0, 112.0), 95: (80.0, 125.0)}
    chances = [probability_of_at_least(v, 100.0, bands) for v in (80, 90, 100, 112, 125)]
    assert chances == [98, 90, 50, 10, 2]  # 97.5 and 2.5 rounded half to even
    assert probability_of_at_least(500, 100.0, bands) == 1
    # Without any width the value is certain: nothing lies below it.
    assert probability_of_at_least(100.0, 100.0, {80: (100.0, 100.0)}) == 99
    assert probability_of_at_least(100.01, 100.0, {80: (100.0, 100.0)}) == 1


def test_a_floor_is_reached_for_certain() -> None:
    bands = {80: (0.0, 10.0), 95: (0.0, 15.0)}
    said = [probability_of_at_least(v, 5.0, bands) for v in (-1, 0, 0.001, 2.5, 5, 10, 15)]
    # 2.5 lies half way in the score between 10 % and 50 %: P(z >= -0.641) = 73.9 %.
    assert said == [99, 99, 90, 74, 50, 10, 2]
    # Where the mean lies on the floor too, one half is left above it.
    assert probability_of_at_least(0.001, 0.0, bands) == 50
    made = forecast([1000, 800, 600, 400, 200, 0.0], 8).table.iloc[-1]
    assert made["lo-80"] == made["lo-95"] == 0
    found = probability_of_at_least(
        0.0, made["mean"], {x: (made[f"lo-{x}"], made[f"hi-{x}"]) for x in (80, 95)}
    )
    assert found == 99


points = st.lists(st.floats(-1000, 1000), min_size=5, max_size=5).map(sorted)


@given(points, st.floats(-1000, 1000), st.lists(st.floats(-1500, 1500), min_size=2, max_size=9))
def test_a_higher_target_is_never_likelier(
    values: list[float], floor: float, targets: list[float]
) -> None:
    for least in (-math.inf, floor):
        lo95, lo80, mean, hi80, hi95 = (max(v, least) for v in values)
        bands = {80: (lo80, hi80), 95: (lo95, hi95)}
        at = sorted([*targets, lo95, lo80, mean, hi80, hi95])
        chances = [probability_of_at_least(t, mean, bands) for t in at]
        assert all(a >= b for a, b in itertools.pairwise(chances))
        assert all(1 <= chance <= 99 for chance in chances)


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


def chance(expected: float, target: float, made: Forecast | None = None) -> float:
    return assess_target(
        made or baseline(),
        last_year=2020,
        last_value=90.0,
        target_year=2022,
        target_value=target,
        expected=expected,
    ).probability_pct


def test_a_scenario_above_nought_takes_the_band_in_proportion() -> None:
    # 50 is half of 100: the band is 45 to 60.
    assert [chance(50.0, t) for t in (45, 50, 60)] == [90, 50, 10]


def test_a_scenario_below_nought_keeps_the_bands_width() -> None:
    # -5 is 105 below 100: the band is -15 to 15; a target of 15 has 10 %.
    assert [chance(-5.0, t) for t in (15, 137)] == [10, 1]
    made = forecast(pd.Series([80, 85, 90, 94, 98, 103.0], index=range(2015, 2021)), 2)
    assert chance(-5.0, 137.0, made) == 1
    # A baseline of -20 with the band -30 to 0, a scenario of 40: 30 to 60.
    low = baseline()
    low.table.loc[1, ["mean", "lo-80", "hi-80"]] = [-20.0, -30.0, 0.0]
    assert [chance(40.0, t, low) for t in (30, 40, 60)] == [90, 50, 10]


@given(st.floats(-500, 500), st.floats(1, 1000), st.floats(0, 100))
def test_no_scenario_is_likelier_to_reach_a_higher_target(e: float, t: float, d: float) -> None:
    assert chance(e, t) >= chance(e, t + d)


def test_a_target_year_that_is_not_forecast_is_refused() -> None:
    given = {"last_value": 90.0, "target_value": 100.0, "expected": 95.0}
    with pytest.raises(InputError, match="2023 is not forecast — the forecast holds 2021 to 2022"):
        assess_target(baseline(), last_year=2020, target_year=2023, **given)
    with pytest.raises(InputError, match="starts in 2021 — give 2020"):
        assess_target(baseline(), last_year=2021, target_year=2022, **given)
    months = pd.Series(range(100, 136), pd.period_range("2018-01", periods=36, freq="M"))
    with pytest.raises(InputError, match="not by year"):
        assess_target(forecast(months, 24), last_year=2020, target_year=2022, **given)


def test_levers_without_an_expected_growth() -> None:
    # Nothing grows from 100 to -10: the gap of 60 remains, 20 more each year for three years.
    found = levers_for(50.0, -10.0, last_value=100.0, years=3, elasticity=1.0)
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
