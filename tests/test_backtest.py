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
    assert "own budgets" in made.attrs["verdict"]
    assert "历年预算" in made.attrs["verdict_zh"]
    with pytest.raises(InputError, match="no budget"):
        fm.backtest(Y, 2, budgets={"1999": 3.0})
    with pytest.raises(InputError, match="holds no budgets"):
        fm.backtest(Y, 2, budgets=5)


def test_verdicts():
    trend = [100 * 1.07**k for k in range(14)]
    assert fm.backtest(trend, 2).attrs["verdict"].startswith("Worth it here")
    assert fm.backtest(trend[:5], 2).attrs["verdict"].startswith("Too few")
    rng = np.random.default_rng(3)
    walk = 100 + np.cumsum(rng.choice([-8.0, 8.0], 24))
    assert (
        "orth it" in fm.backtest(list(walk), 3).attrs["verdict"]
        or "No better" in (fm.backtest(list(walk), 3).attrs["verdict"])
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
