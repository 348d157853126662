"""The backtest's measures against arithmetic, and its verdict."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import fiscalmodel as fm
from fiscalmodel.errors import InputError

Y = pd.Series(
    [100.0, 106, 111, 119, 124, 122, 133, 139, 147, 152],
    index=pd.period_range("2014", "2023", freq="Y"),
)


def test_naive_and_drift_by_hand():
    made = fm.backtest(Y, 1, least=8)
    rows = made[made["horizon"] == 1].set_index("method")
    # Origins 2021 (139) and 2022 (147): naive misses 147 by -8 and 152 by -5.
    assert rows.loc["naive", "forecasts"] == 2
    assert rows.loc["naive", "mae"] == pytest.approx(6.5)
    assert rows.loc["naive", "rmse"] == pytest.approx(np.sqrt((64 + 25) / 2))
    assert rows.loc["naive", "bias_pct"] == pytest.approx(100 * -13 / 299)
    assert rows.loc["naive", "mape"] == pytest.approx(100 * (8 / 147 + 5 / 152) / 2)
    assert rows.loc["naive", "owa"] == pytest.approx(1)
    # Drift: 139 + 39/7 = 144.571, misses by -2.429; 147 + 47/8 = 152.875, misses by 0.875.
    assert rows.loc["drift", "mae"] == pytest.approx((2.428571 + 0.875) / 2, rel=1e-6)
    # MASE scales: mean step sizes 43/7 (2014-2021) and 51/8 (2014-2022).
    assert rows.loc["naive", "mase"] == pytest.approx((8 / (43 / 7) + 5 / (51 / 8)) / 2)
    smape = (200 * 8 / 286 + 200 * 5 / 299) / 2
    assert rows.loc["naive", "smape"] == pytest.approx(smape)


def test_shape_and_details():
    made = fm.backtest(Y, 3)
    assert set(made["method"]) == {"fiscalmodel", "naive", "drift"}
    assert made.loc[made["method"] == "fiscalmodel", "horizon"].tolist() == [1, 2, 3, "all"]
    detail = made.attrs["forecasts"]
    own = detail[detail["method"] == "fiscalmodel"]
    assert own["horizon"].value_counts().to_dict() == {1: 6, 2: 5, 3: 4}
    assert (own["lo-95"] <= own["mean"]).all()
    again = fm.forecast(Y.iloc[:6], 1).table["mean"].iloc[0]
    first = own[(own["origin"] == "2019") & (own["horizon"] == 1)]["mean"].iloc[0]
    assert first == pytest.approx(again)


def test_budgets_are_one_step_forecasts():
    budgets = pd.Series(
        [140.0, 150.0, 155.0], index=pd.PeriodIndex(["2021", "2022", "2023"], freq="Y")
    )
    made = fm.backtest(Y, 2, budgets=budgets)
    rows = made[made["method"] == "budget"].set_index("horizon")
    assert rows.loc[1, "mae"] == pytest.approx((1 + 3 + 3) / 3)
    assert "own budgets" in made.attrs["verdict"]("en")
    assert "历年预算" in made.attrs["verdict"]("zh")
    with pytest.raises(InputError, match="no budget"):
        fm.backtest(Y, 2, budgets={"1999": 3.0})
    with pytest.raises(InputError, match="holds no budgets"):
        fm.backtest(Y, 2, budgets=5)


def test_verdicts():
    trend = [100 * 1.07**k for k in range(14)]
    assert fm.backtest(trend, 2).attrs["verdict"]("en").startswith("Worth it here")
    assert fm.backtest(trend[:5], 2).attrs["verdict"]("en").startswith("Too few")
    rng = np.random.default_rng(3)
    walk = 100 + np.cumsum(rng.choice([-8.0, 8.0], 24))
    assert "orth it" in fm.backtest(list(walk), 3).attrs["verdict"]("en") or "No better" in (
        fm.backtest(list(walk), 3).attrs["verdict"]("en")
    )


def test_panel_and_interpolated_targets():
    frame = pd.concat(
        [
            pd.DataFrame({"unique_id": name, "ds": range(2014, 2024), "y": Y.to_numpy() * factor})
            for name, factor in (("a", 1.0), ("b", 2.0))
        ]
    )
    made = fm.backtest(frame, 1)
    whole = made[(made["method"] == "naive") & (made["horizon"] == 1)]
    assert whole["forecasts"].iloc[0] == 12
    assert whole["mape"].iloc[0] == pytest.approx(
        fm.backtest(Y, 1).query("method == 'naive' and horizon == 1")["mape"].iloc[0]
    )
    holed = Y.drop(Y.index[7])
    detail = fm.backtest(holed, 1).attrs["forecasts"]
    assert "2021" not in set(detail["period"])


def test_seasonal_series_against_naive2():
    season = np.tile([0.7, 1.0, 1.3, 1.0], 9)
    y = pd.Series(
        (100 + 2 * np.arange(36)) * season, index=pd.period_range("2015Q1", periods=36, freq="Q")
    )
    made = fm.backtest(y, 4, least=20)
    own = made[(made["method"] == "fiscalmodel") & (made["horizon"] == "all")]["owa"].iloc[0]
    assert own < 0.6


@pytest.mark.parametrize("y", [[1.0], [1.0, 2.0], []])
def test_too_short(y):
    with pytest.raises(InputError):
        fm.backtest(y, 1)


@pytest.mark.parametrize("y", [[5.0] * 9, [0.0] * 9])
def test_naive_that_is_exact_has_no_owa(y):
    made = fm.backtest(y, 2)
    assert made["owa"].isna().all()
    assert made.loc[made["method"] == "naive", "mae"].eq(0).all()
    assert "nan" not in made.attrs["verdict"]("en")


def test_exact_naive_on_some_rows():
    assert fm.backtest([100.0, 104, 104], 1)["owa"].isna().all()
    y = pd.Series([100.0, 104, 109, 112, 112, 120], index=range(2015, 2021))
    made = fm.backtest(y, 1, budgets={2019: 115})
    row = made[made["method"] == "budget"].iloc[0]
    assert row["mape"] == pytest.approx(100 * 3 / 112)
    assert np.isnan(row["owa"])


@pytest.mark.parametrize("least", ["x", 2.5, True, 1, 0, -3])
def test_least_is_a_number_of_points(least):
    with pytest.raises(InputError, match="least"):
        fm.backtest(Y, 1, least=least)


def test_verdict_compares_budgets_and_model_on_the_same_years():
    y = pd.Series([100, 104, 109, 112, 117, 80, 122, 126, 131], index=range(2012, 2021))
    made = fm.backtest(y, 1, budgets={2020: 129})
    detail = made.attrs["forecasts"].query("method == 'fiscalmodel' and period == '2020'")
    mine = 100 * abs(detail["mean"].iloc[0] - 131) / 131
    said = f"{mine:.3g} %, the office's own budgets 1.53 % (1 of them)"  # 2/131
    assert said in made.attrs["verdict"]("en")
    assert f"模型{mine:.3g} %，历年预算1.53 %（1个）" in made.attrs["verdict"]("zh")


def test_gaps_leak_nothing_from_beyond_the_origin():
    y = pd.Series([100, 104, 109, 112, 120, np.nan, 131, 140, 150], index=range(2010, 2019))
    detail = fm.backtest(y, 2).attrs["forecasts"]
    assert set(detail["origin"]) == {"2013", "2014", "2016", "2017"}
    naive = detail[detail["method"] == "naive"].set_index(["origin", "period"])["mean"]
    assert naive["2014", "2016"] == 120
    known = fm.forecast(y.loc[:2016], 1).table["mean"].iloc[0]
    own = detail[(detail["method"] == "fiscalmodel") & (detail["period"] == "2017")]
    assert own.set_index("origin").loc["2016", "mean"] == pytest.approx(known)


def test_values_after_the_origin_change_no_forecast():
    index = pd.period_range("2018Q1", periods=20, freq="Q")
    y = pd.Series(np.tile([80.0, 110, 120, 90], 5) + np.arange(20), index=index)
    y.iloc[9] = np.nan
    other = y.copy()
    # The same quarter a year after the gap, and a value below nought.
    other.iloc[13:] *= -3
    early = []
    for values in (y, other):
        detail = fm.backtest(values, 4, least=8).attrs["forecasts"]
        early.append(detail[(detail["origin"] <= "2021Q1")]["mean"].to_numpy())
    assert len(early[0]) > 0
    np.testing.assert_array_equal(early[0], early[1])


def test_a_gap_that_leaves_no_origin():
    with pytest.raises(InputError, match="3 values are too few"):
        fm.backtest([1.0, 2.0, np.nan, 4.0], 1)


def test_seasonal_naive_is_a_rival():
    values = np.tile([1, 2, 3, 4.0], 5) * 100 + np.arange(20) * 3
    y = pd.Series(values, index=pd.period_range("2015Q1", periods=20, freq="Q"))
    made = fm.backtest(y, 4)
    rows = made[made["method"] == "seasonal_naive"].set_index("horizon")
    # Four quarters at 3 each: every forecast is 12 too low.
    assert rows["mae"].tolist() == pytest.approx([12] * 5)
    share = np.mean([1200 / values[o + k] for o in range(8, 20) for k in range(4) if o + k < 20])
    assert f"{share:.3g} % for the same period of last year" in made.attrs["verdict"]("en")
    own = made[(made["method"] == "fiscalmodel") & (made["horizon"] == "all")]["mape"].item()
    assert own < share  # so the sentence must say
    assert made.attrs["verdict"]("en").startswith("Worth it here")
    assert "上年同期数" in made.attrs["verdict"]("zh")
    short = fm.backtest(y, 1, least=2).attrs["forecasts"]
    first = short[short["method"] == "seasonal_naive"].set_index("origin")["mean"]
    assert first["2015Q2"] == values[1]  # no year known: the last value
    assert first["2015Q4"] == values[0]


def test_the_last_value_is_named_for_what_it_is():
    steps = [100.0, 100, 100, 100, 107, 107, 107, 107, 107, 107, 107, 115, 115, 115]
    years = pd.Series(steps, index=range(2010, 2024))
    assert "上年数法" in fm.backtest(years, 1).attrs["verdict"]("zh")
    quarters = pd.Series(steps, index=pd.period_range("2020Q1", periods=14, freq="Q"))
    said = fm.backtest(quarters, 1, season_length=1).attrs
    assert "上期数法" in said["verdict"]("zh")
    assert "the last value" in said["verdict"]("en")
    said = fm.backtest(quarters, 1).attrs
    assert "Naive2" in said["verdict"]("en")
    assert "季节调整后的上期数" in said["verdict"]("zh")


def test_breaks_as_in_forecast():
    broken = Y.copy()
    broken.iloc[:6] *= 2
    wanted = fm.backtest(Y, 2)
    made = fm.backtest(broken, 2, breaks={"2020年": 0.5}, budgets={"2019": 244, 2021: 140})
    np.testing.assert_allclose(
        made[made["method"] != "budget"].set_index(["method", "horizon"])["mape"],
        wanted.set_index(["method", "horizon"])["mape"],
    )
    assert any("before 2020 multiplied" in note for note in made.attrs["notes"])
    # Budgets of 244 · 0.5 = 122 for 122, and of 140 for 139.
    row = made[made["method"] == "budget"].iloc[0]
    assert row["mae"] == pytest.approx(0.5)
    with pytest.raises(InputError, match="unknown size"):
        fm.backtest(broken, 2, breaks=[2020])
    allowed = fm.backtest(broken, 2, breaks=[2020], allow_break=True)
    assert any("WARNING" in note for note in allowed.attrs["notes"])
    assert any("WARNING" in note for note in fm.backtest(broken, 2).attrs["notes"])
    assert fm.backtest(Y, 2).attrs["notes"] == ()
    series = fm.Series("county.revenue", broken)
    with pytest.raises(InputError, match="break of calibre"):
        fm.backtest(series, 2)
    fm.backtest(series, 2, allow_break=True)
    frame = pd.DataFrame({"unique_id": "a", "ds": range(2014, 2024), "y": broken.to_numpy()})
    with pytest.raises(InputError, match="one series"):
        fm.backtest(frame, 2, breaks={2020: 0.5})


def test_budgets_before_a_break_are_put_on_the_new_calibre():
    broken = Y.copy()
    broken.iloc[:8] *= 2
    made = fm.backtest(broken, 1, breaks={2022: 0.5}, budgets={2021: 284, 2022: 150})
    # 284 · 0.5 = 142 against 139, and 150 against 147.
    assert made[made["method"] == "budget"]["mae"].iloc[0] == pytest.approx(3)


def test_budgets_in_every_form():
    amounts = [140.0, 150.0, 155.0]
    index = pd.PeriodIndex(["2021", "2022", "2023"], freq="Y")
    plain = pd.Series(amounts, index=index)
    kinds = pd.Series(["budget", "budget", "budget"], index=index)
    for budgets in (
        plain,
        fm.Series("county.budget", plain, version="initial_budget"),
        fm.Series("county.budget", plain, kinds=kinds),
        pd.Series(amounts, index=pd.to_datetime(["2021-12-31", "2022-12-31", "2023-12-31"])),
        {"2021年": 140, "2022-12-31": 150, 2023: 155},
    ):
        made = fm.backtest(Y, 2, budgets=budgets)
        assert made[made["method"] == "budget"]["mae"].iloc[0] == pytest.approx(7 / 3)
    actual = pd.Series(["actual"] * 3, index=index)
    with pytest.raises(InputError, match="holds no budget"):
        fm.backtest(Y, 2, budgets=fm.Series("county.revenue", plain, kinds=actual))
    with pytest.raises(InputError, match="one unit"):
        fm.backtest(fm.Series("a", Y), 2, budgets=fm.Series("b", plain, unit="亿元"))
    with pytest.raises(InputError, match="two budgets"):
        fm.backtest(Y, 2, budgets={2021: 140, "2021年": 150})
    with pytest.raises(InputError, match="no period"):
        fm.backtest(Y, 2, budgets={"spring": 140})


@pytest.mark.parametrize(("freq", "end"), [("Q", "QE"), ("M", "ME")])
def test_quarterly_and_monthly_budgets_by_date(freq, end):
    dates = pd.date_range("2021-03-31", periods=30, freq=end)
    y = pd.Series(100.0 + np.arange(30), index=dates.to_period(freq))
    made = fm.backtest(y, 1, budgets=pd.Series([125.0, 131.0], index=dates[[27, 28]]))
    # 127 and 128 came in.
    row = made[made["method"] == "budget"].iloc[0]
    assert row["forecasts"] == 2
    assert row["mae"] == pytest.approx(2.5)
    frame = pd.DataFrame({"unique_id": "a", "ds": dates, "y": y.to_numpy()})
    season = {"Q": 4, "M": 12}[freq]
    said = pd.DataFrame({"unique_id": "a", "ds": dates[[27]].strftime("%Y-%m-%d"), "y": [125.0]})
    made = fm.backtest(frame, 1, season_length=season, budgets=said)
    assert made[made["method"] == "budget"]["mae"].iloc[0] == pytest.approx(2)
    with pytest.raises(InputError, match="more than one period"):
        fm.backtest(y, 1, budgets={2023: 400})
