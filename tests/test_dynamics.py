"""Debt path, its parts, the stabilising balance, fan and stress pack."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

import fiscalmodel as fm
from fiscalmodel.debt.dynamics import (
    STRESSES,
    debt_fan,
    stabilising_balance,
    stress_pack,
    target_balance,
)
from fiscalmodel.errors import InputError

CASES = yaml.safe_load(
    (Path(__file__).parent / "cases" / "debt_dynamics.yaml").read_text(encoding="utf-8")
)
HISTORY = pd.DataFrame(
    {
        "year": range(2016, 2022),
        "growth_pct": [7.1, 6.0, 6.9, -3.9, 8.4, 3.0],
        "rate_pct": [3.6, 3.5, 3.4, 3.3, 3.3, 3.1],
        "primary_balance_pct": [-0.5, 0.1, -0.2, -1.6, 0.3, -0.4],
    }
)


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_case(case):
    path = fm.debt_path(**case["input"])
    assert path["closing"].round(4).tolist() == pytest.approx(case["output"], abs=5e-5)


def test_scalars_take_a_number_of_years_or_their_labels():
    assert fm.debt_path(60, 0, 4, 3.5)["year"].tolist() == [1]
    assert fm.debt_path(60, 0, 4, 3.5, years=3)["year"].tolist() == [1, 2, 3]
    assert fm.debt_path(60, 0, 4, 3.5, years=range(2026, 2029))["year"].tolist() == [
        2026,
        2027,
        2028,
    ]


def test_series_and_arrays_are_paths():
    listed = fm.debt_path(60, [0, 1], 4, 3.5)
    for path in (pd.Series([0, 1]), np.array([0, 1]), (0, 1)):
        pd.testing.assert_frame_equal(fm.debt_path(60, path, 4, 3.5), listed)


def test_stabilising_balance_holds_the_ratio():
    """60 * (0.04 - 0.035) / 1.035 = 0.289855."""
    balance = stabilising_balance(60, 4, 3.5)
    assert balance == pytest.approx(0.2898550724637681, abs=1e-12)
    path = fm.debt_path(60, balance, 4, 3.5, years=20)
    assert path["closing"].to_numpy() == pytest.approx(60, abs=1e-9)


def test_target_balance_reaches_the_target():
    rates, growth = [4, 4.2, 4.4], [3.5, -2, 5]
    balance = target_balance(180, 150, rates, growth, stock_flow_pct=[0, 3, 0])
    path = fm.debt_path(180, balance, rates, growth, stock_flow_pct=[0, 3, 0])
    assert path["closing"].iloc[-1] == pytest.approx(150, abs=1e-9)


def test_fan_repeats_with_its_seed_and_widens():
    args = (60, 0, 4, 3.5, HISTORY)
    fan = debt_fan(*args, seed=11, years=range(2026, 2031))
    pd.testing.assert_frame_equal(fan, debt_fan(*args, seed=11, years=range(2026, 2031)))
    assert not fan.equals(debt_fan(*args, seed=12, years=range(2026, 2031)))
    # Six past years make the first year's quantiles coarse, so the spread is read from the ends.
    width = fan["hi-95"] - fan["lo-95"]
    assert width.iloc[-1] > 1.5 * width.iloc[0]
    assert (fan["lo-95"] <= fan["lo-80"]).all()
    assert (fan["hi-80"] <= fan["hi-95"]).all()
    central = fm.debt_path(60, 0, 4, 3.5, years=5)["closing"]
    assert fan["central"].tolist() == central.tolist()


def test_fan_without_variation_is_the_path():
    still = pd.DataFrame({"growth_pct": [3.0] * 4, "rate_pct": [2.0] * 4})
    fan = debt_fan(60, -1, 4, 3.5, still, seed=1, years=4, draws=50)
    for column in ("mean", "median", "lo-95", "hi-95"):
        assert fan[column].tolist() == pytest.approx(fan["central"].tolist())


def test_blocks_keep_neighbouring_years_together():
    fan = debt_fan(60, 0, 4, 3.5, HISTORY, seed=5, years=6, block=3)
    assert len(fan) == 6


def test_stress_pack_shocks_each_way():
    pack = stress_pack(200, 0, 4, 5, years=range(2026, 2029))
    ends = pack[pack["year"] == 2028].set_index("stress")["closing"]
    assert set(ends.index) == set(STRESSES)
    assert (ends.drop("baseline") > ends["baseline"]).all()
    first = pack[(pack["year"] == 2026)].set_index("stress")["closing"]
    assert first["contingent"] - first["baseline"] == pytest.approx(10)


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ((-1, 0, 4, 3), "negative"),
        ((float("nan"), 0, 4, 3), "missing"),
        (("much", 0, 4, 3), "missing or negative"),
        ((60, [0, float("nan")], 4, 3), "missing in year 2"),
        ((60, [0, 1], [4, 4, 4], 3), "differ in length"),
        ((60, "x", 4, 3), "not a number"),
        ((60, 0, 4, -100), "no denominator"),
        ((60, [[0, 1]], 4, 3), "more than one value"),
    ],
)
def test_bad_paths(args, words):
    with pytest.raises(InputError, match=words):
        fm.debt_path(*args)


@pytest.mark.parametrize(
    ("history", "words"),
    [
        (pd.DataFrame({"growth_pct": [1.0, 2.0]}), "at least four"),
        (pd.DataFrame({"growth_pct": [1.0, 2.0, None, 3.0]}), "missing"),
        (pd.DataFrame({"gdp": [1.0, 2.0, 3.0, 4.0]}), "use some of"),
    ],
)
def test_bad_history(history, words):
    with pytest.raises(InputError, match=words):
        debt_fan(60, 0, 4, 3, history, seed=1, years=3)


@pytest.mark.parametrize("years", [0, -3, 5.5, 10**7])
def test_bad_years(years):
    with pytest.raises(InputError, match="years"):
        fm.debt_path(60, 0, 4, 3, years=years)


def test_unknown_stress():
    with pytest.raises(InputError, match="is not known"):
        stress_pack(60, 0, 4, 3, years=2, stresses={"war": {"price": 3}})


def test_a_series_brings_its_years():
    growth = pd.Series([5.0, 4.0, 3.0], index=[2026, 2027, 2028])
    path = fm.debt_path(60, 0, 4, growth)
    assert path["year"].tolist() == [2026, 2027, 2028]
    for index in (pd.PeriodIndex(["2026", "2027"], freq="Y"), pd.DatetimeIndex(["2026", "2027"])):
        assert fm.debt_path(60, 0, 4, growth[:2].set_axis(index))["year"].tolist() == [2026, 2027]
    # The plain count of a list made into a Series is no year.
    assert fm.debt_path(60, 0, 4, pd.Series([5.0, 4.0]))["year"].tolist() == [1, 2]


def test_series_meet_by_year():
    growth = pd.Series([5.0, 4.0, 3.0], index=[2026, 2027, 2028])
    rate = pd.Series([3.0, 3.5, 4.0], index=[2026, 2027, 2028])
    want = fm.debt_path(60, 0, rate, growth)
    pd.testing.assert_frame_equal(fm.debt_path(60, 0, rate, growth[::-1]), want)
    pd.testing.assert_frame_equal(
        fm.debt_path(60, 0, rate, growth[::-1], years=[2026, 2027, 2028]), want
    )
    with pytest.raises(InputError, match="2027 to 2029 are not those of rate_pct, 2026 to 2028"):
        fm.debt_path(60, 0, rate, growth.set_axis([2027, 2028, 2029]))
    with pytest.raises(InputError, match="differ in length"):
        fm.debt_path(60, 0, rate, growth[:2])
