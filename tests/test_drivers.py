"""Drivers and peers against arithmetic, with figures worked out by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import fiscalmodel as fm
from fiscalmodel.errors import InputError
from fiscalmodel.revenue import drivers
from fiscalmodel.revenue.engine import forecast_block
from fiscalmodel.revenue.peers import measures, peers
from fiscalmodel.series import catalog


def moved_by(base: np.ndarray, elasticity: float) -> np.ndarray:
    return 50 * (base / base[0]) ** elasticity


BASE = 100 * np.exp(np.cumsum([0, 0.1, -0.05, 0.12, 0.02, -0.08, 0.15, 0.01, 0.1, -0.06, 0.09,
                               0.03, 0.12, -0.04]))  # fmt: skip


def test_the_elasticity_is_drawn_towards_one():
    # Eight years of exactly 1.5, three of one: (8 · 1.5 + 3) / 11.
    found = drivers.drive(moved_by(BASE, 1.5), BASE, 2, ahead=[BASE[-1] * 1.1, BASE[-1] * 1.2])
    assert found.elasticity == pytest.approx(15 / 11)
    expected = moved_by(BASE, 1.5)[-1] * np.array([1.1, 1.2]) ** (15 / 11)
    np.testing.assert_allclose(found.mean, expected)
    assert found.origins == len(BASE) - drivers.LEAST - 1


def test_a_driver_counts_for_half_where_it_helped():
    y = moved_by(BASE, 1.0)
    block = forecast_block(y[None], 2, 1, (80,))
    mean, spread = np.array([60.0, 66.0]), np.array([0.1, 0.2])
    helped = drivers.Driven(True, 1.0, 2.0, 3.0, 5, mean, spread)
    made = drivers.with_driver(block, helped)
    np.testing.assert_allclose(made.mean[0], (block.mean[0] + mean) / 2)
    # z of 80 % is 1.281552; half of the spread joins the width in quadrature.
    was = np.log(block.mean[0] / block.lower[80][0])
    now = np.log(made.mean[0] / made.lower[80][0])
    np.testing.assert_allclose(now, np.hypot(was, 1.281552 * spread / 2), rtol=1e-6)
    no_help = drivers.Driven(False, 1.0, 3.0, 2.0, 5, mean, spread)
    assert drivers.with_driver(block, no_help) is block


def test_forecast_says_whether_the_driver_is_used():
    years = pd.period_range("2010", periods=len(BASE), freq="Y")
    y = pd.Series(moved_by(BASE, 1.0), index=years)
    made = fm.forecast(y, 2, drivers=pd.Series(BASE, index=years.year))
    assert any("past origins" in note for note in made.notes)
    with pytest.raises(InputError, match="2023"):
        fm.forecast(y, 2, drivers=pd.Series(BASE[:-1], index=years[:-1]))
    longer = pd.period_range("2010", periods=len(BASE) + 2, freq="Y")
    other_unit = pd.Series(np.concatenate([BASE, BASE[-2:] * 1e4]), index=longer)
    with pytest.raises(InputError, match="does not follow"):
        fm.forecast(y, 2, drivers=other_unit)
    short = fm.forecast(y[:7], 2, drivers=pd.Series(BASE, index=years))
    assert any("too short" in note for note in short.notes)


def test_measures_by_hand():
    # 100, 121, 110: mean growth √1.1 − 1 = 4.8809 %; log steps .19062, −.09531, spread .20218.
    found = measures([100.0, 121.0, 110.0], [200.0, 220.0, 220.0])
    assert found["growth_pct"] == pytest.approx(4.88088, abs=1e-4)
    assert found["volatility_pct"] == pytest.approx(20.2182, abs=1e-3)
    assert found["self_sufficiency_pct"] == pytest.approx(50.0)


def test_a_city_stands_among_its_peers():
    table = catalog.read("city_annual")
    own = table[table["city"] == "丽江市"].set_index("year")
    found = peers(own["revenue"], province="云南省", expenditure=own["expenditure"])
    assert found.years == (2013, 2020)
    whole = found.table[found.table["group"] == "all_cities"].set_index("measure")
    # (431,501 / 457,795)^(1/7) − 1 = −.84 %; 431,501 / 1,756,032 = 24.57 %.
    assert whole["own"]["growth_pct"] == pytest.approx(-0.841, abs=1e-3)
    assert whole["own"]["self_sufficiency_pct"] == pytest.approx(24.573, abs=1e-3)
    assert "-0.8 %" in found.answer("en")
    below = (found.cities["growth_pct"] < whole["own"]["growth_pct"]).mean()
    assert whole["rank_pct"]["growth_pct"] == pytest.approx(100 * below)
    with pytest.raises(InputError):
        peers(pd.Series([1.0, 2.0], index=[2018, 2019]))
