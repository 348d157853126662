"""Dates, text and labels in any style: the frequency found, and labels matched."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

import fiscalmodel as fm
from fiscalmodel.errors import InputError

VALUES = [100.0, 104, 109, 113, 118, 124]
YEAR_ENDS = [f"{year}-12-31" for year in range(2015, 2021)]
QUARTER_ENDS = ["2019-09-30", "2019-12-31", "2020-03-31", "2020-06-30", "2020-09-30", "2020-12-31"]


def periods(index, horizon=3):
    made = fm.forecast(pd.Series(VALUES, index=index), horizon)
    assert not any("interpolated" in note for note in made.notes)
    return [str(period) for period in made.table["period"]]


@pytest.mark.parametrize(
    "index",
    [
        YEAR_ENDS,
        [text.replace("-", "/") for text in YEAR_ENDS],
        [text.replace("-", ".") for text in YEAR_ENDS],
        [f"{year}年12月31日" for year in range(2015, 2021)],
        [f"{text} 00:00:00" for text in YEAR_ENDS],
        [f"{year}/1/1" for year in range(2015, 2021)],
        pd.DatetimeIndex(YEAR_ENDS),
        pd.DatetimeIndex(YEAR_ENDS).date,
        [dt.datetime.fromisoformat(text) for text in YEAR_ENDS],
    ],
)
def test_yearly_dates_in_any_form_are_years(index):
    assert periods(pd.Index(list(index), dtype=object)) == ["2021", "2022", "2023"]
    assert periods(index) == ["2021", "2022", "2023"]


def test_quarterly_text_is_quarters_and_months_stay_months():
    assert periods(QUARTER_ENDS, 2) == ["2021Q1", "2021Q2"]
    assert periods(pd.DatetimeIndex(QUARTER_ENDS).date, 2) == ["2021Q1", "2021Q2"]
    assert periods([f"2020-{month:02}" for month in range(1, 7)], 2) == ["2020-07", "2020-08"]
    assert periods([f"2020-{month:02}-15" for month in range(1, 7)], 2) == ["2020-07", "2020-08"]
    assert periods([f"2020年{month}月" for month in range(1, 7)], 2) == ["2020-07", "2020-08"]


@pytest.mark.parametrize("bad", ["2019-02-30", "2019-13-01", pd.NaT])
def test_dates_in_no_calendar(bad):
    with pytest.raises(InputError, match="date"):
        fm.forecast(pd.Series([1.0, 2.0], index=pd.Index(["2018-02-28", bad], dtype=object)), 1)


def test_panel_of_dates_as_text():
    frame = pd.DataFrame({"unique_id": "a", "ds": YEAR_ENDS, "y": VALUES})
    stamps = frame.assign(ds=pd.to_datetime(frame["ds"]))
    wanted = fm.forecast_panel(stamps, 2)
    made = fm.forecast_panel(frame, 2)
    assert made["ds"].tolist() == ["2021-12-31", "2022-12-31"]
    np.testing.assert_array_equal(made["mean"], wanted["mean"])
    made = fm.forecast_panel(frame.assign(ds=stamps["ds"].dt.date), 2)
    assert made["ds"].tolist() == [dt.date(2021, 12, 31), dt.date(2022, 12, 31)]
    # Six values: origins of 4 and 5 values.
    assert fm.backtest(frame, 1).set_index("method").loc["naive", "forecasts"].iloc[0] == 2


@pytest.mark.parametrize(
    ("season", "after"), [(1, "2025-03-31"), (4, "2024-06-30"), (12, "2024-04-30")]
)
@pytest.mark.parametrize("as_text", [False, True])
def test_one_date_steps_by_the_season_length(season, after, as_text):
    frame = pd.DataFrame({"unique_id": "a", "ds": pd.to_datetime(["2024-03-31"]), "y": [5.0]})
    if as_text:
        frame["ds"] = frame["ds"].dt.strftime("%Y-%m-%d")
    made = fm.forecast_panel(frame, 1, season_length=season)["ds"].iloc[0]
    assert pd.Timestamp(made) == pd.Timestamp(after)


BROKEN = [100.0, 105, 111, 95, 99, 104]


@pytest.mark.parametrize(
    "label",
    [2018, "2018", "2018年", "2018-12-31", pd.Timestamp("2018-12-31"), dt.date(2018, 12, 31),
     pd.Period("2018"), np.datetime64("2018-12-31"), np.int64(2018)],
)  # fmt: skip
@pytest.mark.parametrize(
    "index",
    [pd.date_range("2015-12-31", periods=6, freq="YE"), range(2015, 2021), YEAR_ENDS],
)
def test_breaks_labelled_in_any_style(label, index):
    y = pd.Series(BROKEN, index=index)
    # 100, 105 and 111 on the calibre of 2018: 80, 84 and 88.8.
    wanted = fm.forecast(pd.Series([80.0, 84, 88.8, 95, 99, 104], index=index), 2, breaks={})
    made = fm.forecast(y, 2, breaks={label: 0.8})
    assert made.table["mean"].tolist() == pytest.approx(wanted.table["mean"].tolist())
    assert any("before 2018 multiplied" in note for note in made.notes)
    with pytest.raises(InputError, match="unknown size"):
        fm.forecast(y, 2, breaks=[label])


def test_breaks_that_cannot_be_read_or_lie_outside():
    y = pd.Series(BROKEN, index=range(2015, 2021))
    for label in ("spring", None, "2018-02-30"):
        with pytest.raises(InputError, match="breaks"):
            fm.forecast(y, 2, breaks={label: 0.8})
    made = fm.forecast(y, 2, breaks={"1990年": 0.8})
    assert any("1990 lies outside" in note for note in made.notes)
    with pytest.raises(InputError, match="no period"):
        fm.forecast(BROKEN, 2, breaks={pd.Timestamp("2018-12-31"): 0.8})
    assert any("before 4 multiplied" in n for n in fm.forecast(BROKEN, 2, breaks={4: 0.8}).notes)


def test_a_year_stands_for_its_first_quarter():
    y = pd.Series(100.0 + np.arange(12), index=pd.period_range("2018Q1", periods=12, freq="Q"))
    made = fm.forecast(y, 1, breaks={2019: 0.5})
    assert made.history.tolist() == [50, 50.5, 51, 51.5, *range(104, 112)]


def test_a_gap_beside_a_break_is_filled_on_the_new_calibre():
    y = pd.Series([200.0, 210, 111, 115, 120, 126], index=[2015, 2016, 2018, 2019, 2020, 2021])
    made = fm.forecast(y, 1, breaks={2018: 0.5})
    # 210 · 0.5 = 105; between 105 and 111 along the growth path.
    assert made.history.iloc[2] == pytest.approx(np.sqrt(105 * 111))
