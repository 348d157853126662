"""Candidates, seasonality and measures against arithmetic and published definitions."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

import fiscalmodel as fm
from fiscalmodel.errors import InputError
from fiscalmodel.revenue import (
    engine,
    intervals,
    metrics,
    models,
    pooled,
    seasonal,
)
from fiscalmodel.revenue.models import local_global_trend
from fiscalmodel.series import catalog

CASES = yaml.safe_load((Path(__file__).parent / "cases" / "forecast_plain.yaml").read_text())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_worked_cases(case):
    history = np.array([case["history"]], dtype=float)
    made = getattr(models, case["model"])(history, case["horizon"])
    np.testing.assert_allclose(made[0], case["expected"], rtol=1e-4)


def test_a_straight_line_is_continued_by_every_trend_model():
    y = 100.0 + 5 * np.arange(12)[None, :]
    for candidate in models.CANDIDATES:
        made = candidate.run(y, 3)[0]
        if candidate.name in ("theta", "drift", "line", "recent_2"):
            np.testing.assert_allclose(made, [160, 165, 170], rtol=0.01)
        assert np.isfinite(made).all()


def test_theta_with_all_weight_on_the_line_matches_its_definition():
    """Recursion of Fiorucci et al. written out step by step for one alpha."""
    y = np.array([10.0, 12.0, 11.0, 15.0, 14.0, 18.0, 17.0])
    alpha, n = 0.9, len(y)
    level, decay, drift = [0.0], (1 - alpha) ** np.arange(n + 1), [0.0]
    for t in range(1, n):
        part = y[:t]
        time = np.arange(1, t + 1)
        slope = np.polyfit(time, part, 1)[0] if t > 1 else 0.0
        intercept = part.mean() - slope * time.mean()
        drift.append(decay[t] * intercept + (1 - (1 - alpha) ** (t + 1)) / alpha * slope)
    for t in range(n):
        level.append(alpha * y[t] + (1 - alpha) * level[-1])
    states = models._trend_states(y[None, :])
    for t in range(1, n):
        reach = (1 - (1 - alpha) ** (t + 1)) / alpha
        own = decay[t] * states[0][0, t - 1] + reach * states[1][0, t - 1]
        assert own == pytest.approx(drift[t], rel=1e-9)


def test_local_global_trend_gives_linear_and_exponential_growth():
    line = 100.0 + 10 * np.arange(15)[None, :]
    made = local_global_trend(line, 3)[0]
    assert made == pytest.approx([250, 260, 270], rel=0.03)
    grown = 100 * 1.08 ** np.arange(15)[None, :]
    ahead = local_global_trend(grown, 3)[0] / grown[0, -1]
    assert 1.04 < ahead[0] < 1.09
    assert 1.10 < ahead[2] < 1.28


def some_histories(count: int = 20, n: int = 8) -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.exp(rng.normal(0.05, 0.1, (count, n)).cumsum(axis=1)) * 100


def test_pooled_forecast_does_not_depend_on_the_unit():
    y = some_histories()
    names, parts = models.candidate_forecasts(y, 9)
    made = pooled.forecast(y, parts)
    assert names == pooled.network().names
    assert made.shape == (20, 9)
    again = pooled.forecast(y * 1e4, models.candidate_forecasts(y * 1e4, 9)[1])
    np.testing.assert_allclose(made * 1e4, again, rtol=1e-6)


def test_pooled_forecast_as_worked_out_step_by_step():
    """The formula of the docstring, one series, one member and one number at a time."""
    y = some_histories(1)
    _, parts = models.candidate_forecasts(y, 6)
    net = pooled.network()
    unit = np.abs(np.diff(y[0])).mean()
    seen = pooled.scaled_changes(y, parts)
    x = (pooled.features(y, seen)[0] - net.centre) / net.spread

    def silu(a: float) -> float:
        return a / (1 + math.exp(-a))

    said = np.zeros((len(net.w1), 6))
    for member in range(len(net.w1)):
        one = [silu(x @ net.w1[member][:, k] + net.b1[member][k]) for k in range(32)]
        two = [silu(np.dot(one, net.w2[member][:, k]) + net.b2[member][k]) for k in range(32)]
        out = np.array(two) @ net.w3[member] + net.b3[member]
        for h in range(6):
            tilt = (h - 2.5) / 2.5
            score = [math.exp(out[c] + out[len(parts) + c] * tilt) for c in range(len(parts))]
            mean = sum(w * parts[c, 0, h] for c, w in enumerate(score)) / sum(score)
            said[member, h] = mean + unit * out[2 * len(parts) + h]
    np.testing.assert_allclose(pooled.forecast(y, parts)[0], said.mean(axis=0), rtol=1e-9)


def test_pooled_forecast_leaves_a_constant_history_alone():
    y = np.full((1, 7), 42.0)
    assert pooled.forecast(y, models.candidate_forecasts(y, 12)[1]) == pytest.approx(42)


def test_combination_is_the_weighted_mean_of_named_candidates():
    y = some_histories()
    for shares, fades in ((engine.SHARES, False), (engine.REVENUE_SHARES, True)):
        made = engine.combine(y, 4, shares=shares, fades=fades)
        assert sum(shares.values()) == 1
        by_name = dict(zip(made.names, made.parts, strict=True))
        expected = sum(share * by_name[name] for name, share in shares.items())
        if fades:  # 1/2, 1/3, 1/4, 1/5 of the pooled model
            share = np.array([1 / 2, 1 / 3, 1 / 4, 1 / 5])
            expected = share * by_name["pooled"] + (1 - share) * by_name["half_drift"]
        np.testing.assert_allclose(made.mean, expected, rtol=1e-12)
        np.testing.assert_allclose(made.weights.sum(axis=0), 1, rtol=1e-12)
        # A step does not depend on how many more are asked for.
        again = engine.combine(y, 2, shares=shares, fades=fades)
        np.testing.assert_allclose(again.mean, made.mean[:, :2])


def test_kind_of_revenue():
    y = [100.0, 108.0, 121.0, 128.0, 140.0, 149.0, 155.0]
    plain, revenue = fm.forecast(y, 3), fm.forecast(y, 3, kind="revenue")
    said = revenue.models.set_index("model")
    assert said["weight"]["pooled"] == pytest.approx((1 / 2 + 1 / 3 + 1 / 4) / 3)
    assert said["weight"].sum() == pytest.approx(1)
    third = said[said.columns[-1]]
    # Half the mean step: 155 + 3 · 55/6/2 = 168.75, with three quarters of the weight.
    assert third["half_drift"] == pytest.approx(168.75)
    expected = 0.25 * third["pooled"] + 0.75 * third["half_drift"]
    assert revenue.table["mean"].iloc[-1] == pytest.approx(expected, rel=1e-12)
    assert plain.table["mean"].iloc[-1] != revenue.table["mean"].iloc[-1]
    assert any("1/(h+1)" in note for note in revenue.notes)
    assert any("平均增量之半" in note.zh for note in revenue.notes)
    long = pd.DataFrame({"unique_id": "a", "ds": range(2015, 2022), "y": y})
    panel = fm.forecast_panel(long, 3, kind="revenue")
    np.testing.assert_allclose(panel["mean"], revenue.table["mean"])
    published = fm.load_series("jianghan.general_public_budget_revenue")
    assert engine.kind_of(published) is engine.REVENUE
    assert engine.kind_of(fm.load_series("national.land_sale_revenue")) is engine.FUND
    assert engine.kind_of(fm.load_series("national.individual_income_tax")) is engine.TAX
    assert engine.kind_of("国有土地使用权出让收入") is engine.FUND
    # In a panel without a kind, each series is what its name says.
    named = fm.forecast_panel(long.assign(unique_id="某县土地出让收入"), 3)
    land = fm.forecast(y, 3, kind="land").table
    np.testing.assert_allclose(named["mean"], land["mean"])


@pytest.mark.parametrize("run", [fm.forecast, fm.backtest])
def test_unknown_kind_is_refused(run):
    with pytest.raises(InputError, match="revenue"):
        run([1.0, 2.0, 3.0, 4.0, 5.0], 2, kind="revenu")


def test_seasonality_test_and_naive2():
    season = np.array([0.8, 1.0, 1.3, 0.9])
    y = np.tile(season, 6)[None, :] * (100 + np.arange(24))[None, :]
    assert seasonal.is_seasonal(y, 4)[0]
    made = seasonal.naive2(y, 4, 4)[0]
    np.testing.assert_allclose(made / made.mean(), season, rtol=0.02)
    assert not seasonal.is_seasonal(y[:, :11], 4)[0]  # fewer than three seasons
    index = seasonal.seasonal_indices(y, 4, multiplicative=True)
    assert index.mean() == pytest.approx(1)


def test_a_sharp_season_is_told_before_three_years():
    # Steps of 100, 100, 100 and −300 + 40 (mean 144 with the last), 40 over a year: 40 < .8 · 144.
    sharp = np.array([[100.0, 200.0, 300.0, 400.0, 140.0, 240.0]])
    assert seasonal.repeats(sharp, 4)[0]
    assert not seasonal.is_seasonal(sharp, 4)[0]
    made = fm.forecast(sharp[0].tolist(), 4, season_length=4)
    assert made.table["mean"].tolist() == pytest.approx([300, 400, 140, 240])
    # A straight line moves four steps over a year, one from value to value.
    line = 100 + 10 * np.arange(11.0)[None, :]
    assert not seasonal.has_season(line, 4)[0]
    # Two years and more of a season that grows by 5 %: within 3 % of its continuation.
    y = np.array([100.0, 40.0, 60.0, 180.0])
    history = np.concatenate([y, 1.05 * y, 1.05**2 * y[:2]])
    ahead = fm.forecast(history.tolist(), 2, season_length=4).table["mean"]
    assert ahead.tolist() == pytest.approx((1.05**2 * y[2:]).tolist(), rel=0.05)


def test_measures_by_hand():
    actual, made = np.array([100.0, 110.0]), np.array([90.0, 120.0])
    # 200·10/190 = 10.526; 200·10/230 = 8.696
    assert metrics.smape(actual, made) == pytest.approx([10.526316, 8.695652], rel=1e-6)
    assert metrics.mase_scale(np.array([1.0, 3.0, 2.0, 6.0])) == pytest.approx((2 + 1 + 4) / 3)
    assert np.isnan(metrics.mase_scale(np.ones(5)))
    assert metrics.owa(8, 2, 10, 4) == pytest.approx(0.5 * (0.8 + 0.5))
    # width 20 and, for 130 above 110, 2/0.05 · 20 = 800
    score = metrics.interval_score(
        np.array([100.0, 130.0]), np.full(2, 90.0), np.full(2, 110.0), 95
    )
    assert score == pytest.approx([20, 820])


def test_one_year_that_falls_and_comes_back_is_outlying():
    y = np.array([[100, 105, 111, 116, 80, 128, 134, 141, 148.0]])
    found = engine.outlying(y)
    assert np.flatnonzero(found[0]).tolist() == [4]
    # sqrt(116 · 128) = 121.85
    assert engine.repaired(y, found)[0, 4] == pytest.approx(121.85, abs=0.01)
    step = np.array([[100, 105, 111, 116, 180, 188, 197, 205, 214.0]])
    assert not engine.outlying(step).any()  # a new level is no one-off
    last = np.array([[100, 105, 111, 116, 122, 128, 134, 141, 90.0]])
    assert not engine.outlying(last).any()  # nor is the end of the history


def test_a_fall_never_takes_the_whole():
    y = np.array([[50.0, 60.0, 80.0]])
    said = np.array([[[90.0, 78.0, -40.0]]])
    made = models.held(y, said)[0, 0]
    # 80·exp(−2/80), 80·exp(−120/80)
    assert made == pytest.approx([90, 78.02477, 17.85041])
    mixed = models.held(np.array([[-5.0, 0.0, 10.0]]), np.array([[[-20.0, 30.0]]]))[0, 0]
    assert mixed == pytest.approx([-20, 30])  # no positive history: as said


def test_bands_are_as_wide_below_as_above():
    y = np.array([[100.0, 105.0, 110.0, 82.0, 112.0, 117.0]])
    mean, parts = np.full((1, 3), 120.0), np.full((2, 1, 3), 120.0)
    made = intervals.bands(y, mean, parts, (80, 95), kind="revenue")
    group = intervals.table()["groups"]["revenue"]
    # By the definition: the root of the standard deviation of the five log growth rates …
    growth = [math.log(b / a) for a, b in itertools.pairwise(y[0])]
    usual = sum(growth) / 5
    size = math.sqrt(math.sqrt(sum((g - usual) ** 2 for g in growth) / 5))
    width = size * intervals.quantiles(group, 6, 3, 80)
    assert (np.diff(width) > 0).all()
    assert (width < 0.5).all()
    # … and as much below the forecast as above it.
    np.testing.assert_allclose(made[80][0][0], 120 * (1 - width), rtol=1e-9)
    np.testing.assert_allclose(made[80][1][0], 120 * (1 + width), rtol=1e-9)
    # Growth is free of the unit.
    again = intervals.bands(1e4 * y, 1e4 * mean, 1e4 * parts, (80, 95), kind="revenue")
    np.testing.assert_allclose(again[95][1], 1e4 * made[95][1], rtol=1e-9)


def test_no_band_takes_the_whole():
    # 0.4 below is 0.4; beyond a half it comes nearer to one: 1 − ½ exp(1 − 2·0.8).
    said = intervals.below(np.array([0.4, 0.5, 0.8, 40.0]))
    assert said == pytest.approx([0.4, 0.5, 0.725594, 1.0])


def test_bands_after_a_fall_of_a_quarter():
    y = [68.7, 123.5, 131.5, 136.5, 130.6, 98.0]
    made = fm.forecast(y, 5, kind="revenue").table
    assert (made["lo-80"] > 40).all()
    assert (made["lo-95"] > 25).all()
    assert (made["hi-80"] < 250).all()


@pytest.mark.parametrize("horizon", [24, 100])
def test_far_horizons_stay_within_reason(horizon):
    y = [1.0, 2.0, 1.5, 4.0, 9.0, 7.0, 30.0, 70.0]
    made = fm.forecast(y, horizon).table
    assert made["mean"].max() < 70 * math.exp(5)
    assert np.isfinite(made.iloc[:, 1:].to_numpy(dtype=float)).all()


def test_weights_give_the_mean_for_every_kind():
    y = [80.0, 95.0, 90.0, 120.0, 100.0, 84.0]
    monthly = [float(v) for year in range(3) for v in range(10 + year, 22 + year)]
    for given, kind, season in ((y, "land", 1), (y, "revenue", 1), (y, None, 1),
                                (monthly, "fund", 12), ([5.0], "land", 1)):  # fmt: skip
        made = fm.forecast(given, 3, kind=kind, season_length=season)
        said = made.models[made.models.columns[4:]].to_numpy(dtype=float)
        assert made.models["weight"].sum() == pytest.approx(1)
        weights = made.models["weight"].to_numpy()[:, None] + np.zeros(said.shape)
        if kind == "revenue":  # the pooled model's share is 1/2, 1/3, 1/4; the column is its mean
            names = list(made.models["model"])
            weights[names.index("pooled")] = 1 / np.array([2, 3, 4])
            weights[names.index("half_drift")] = 1 - 1 / np.array([2, 3, 4])
        expected = (weights * said).sum(axis=0)
        np.testing.assert_allclose(made.table["mean"], expected, rtol=1e-9)
    land = fm.forecast(y, 3, kind="land").models.set_index("model")["weight"]
    assert land["naive"] == pytest.approx(0.9)
    seasonal = fm.forecast(monthly, 3, kind="land", season_length=12)
    assert any("90% same period of last year" in note for note in seasonal.notes)


def test_nothing_is_said_of_the_coverage_of_levels_not_tried():
    made = fm.forecast([1.0, 2.0, 3.0, 4.0, 6.0], 2, levels=(80, 99.9)).coverage
    assert made[made["level"] == 99.9]["coverage_pct"].isna().all()
    assert made[made["level"] == 80]["coverage_pct"].notna().all()


def test_kind_of_what_is_not_own_revenue():
    for name in ("fund_expenditure", "general_public_budget_tax_returns"):
        found = [key for key in catalog.names() if key.endswith("." + name)]
        assert found
        assert engine.kind_of(fm.load_series(found[0])) is engine.PLAIN
    name = "jianghan.general_public_budget_revenue"
    link = fm.link_calibre(fm.load_series(name).actuals(), catalog.like_for_like_growth(name))
    assert engine.kind_of(link) is engine.REVENUE
    one, other = fm.forecast(link, 3), fm.forecast(link.series, 3)
    np.testing.assert_allclose(one.table["mean"], other.table["mean"])
    years = pd.period_range("2018", periods=3, freq="Y")
    plain = pd.Series([100.0, 110.0, 121.0], index=years)
    unnamed = fm.link_calibre(plain, pd.Series([10.0, 10.0], index=years[1:]))
    assert engine.kind_of(unnamed) is engine.PLAIN
    assert len(fm.forecast(unnamed, 2).table) == 2
