"""`forecast` and `forecast_panel`: shapes, notes, special behaviour, bad input."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import fiscalmodel as fm
from fiscalmodel.errors import InputError

YEARS = pd.period_range("2014", "2023", freq="Y")
GROWING = pd.Series(
    [100.0, 106, 111, 119, 124, 122, 133, 139, 147, 152], index=YEARS, name="revenue"
)


def check(table: pd.DataFrame, horizon: int) -> None:
    assert list(table.columns) == ["period", "mean", "lo-80", "hi-80", "lo-95", "hi-95"]
    assert len(table) == horizon
    assert np.isfinite(table.iloc[:, 1:].to_numpy()).all()
    assert (table["lo-95"] <= table["lo-80"]).all()
    assert (table["lo-80"] <= table["mean"]).all()
    assert (table["mean"] <= table["hi-80"]).all()
    assert (table["hi-80"] <= table["hi-95"]).all()


def test_table_models_notes_and_coverage():
    made = fm.forecast(GROWING, 3)
    check(made.table, 3)
    assert [str(p) for p in made.table["period"]] == ["2024", "2025", "2026"]
    assert 155 < made.table["mean"].iloc[0] < 160
    assert made.models["weight"].sum() == pytest.approx(1)
    said = made.models[["2024"]].to_numpy().ravel() @ made.models["weight"].to_numpy()
    assert said == pytest.approx(made.table["mean"].iloc[0], rel=0.01)
    assert made.notes
    assert made.coverage["coverage_pct"].between(70, 100).all()
    assert made.levels == (80.0, 95.0)


def test_every_length_from_one_up():
    widths = []
    for n in range(1, 11):
        made = fm.forecast(GROWING.iloc[:n], 4)
        check(made.table, 4)
        widths.append((made.table["hi-95"] - made.table["lo-95"]).iloc[0])
    assert widths[0] == max(widths)
    single = fm.forecast([250.0], 3)
    assert single.table["mean"].tolist() == [250, 250, 250]
    assert any("one value only" in note for note in single.notes)


@pytest.mark.parametrize("n", range(1, 40))
def test_quarterly_and_monthly_histories_of_every_length(n):
    season = np.tile([0.8, 1.1, 1.2, 0.9], 10)[:n]
    check(fm.forecast(100 * season, 5, season_length=4).table, 5)
    index = pd.period_range("2019-03", periods=n, freq="M")
    check(fm.forecast(pd.Series(50.0 + np.arange(n), index=index), 5).table, 5)


def test_labels_follow_the_index():
    values = GROWING.to_numpy()
    dates = pd.Series(values, index=pd.date_range("2014-12-31", periods=10, freq="YE"))
    numbers = pd.Series(values, index=range(2014, 2024))
    text = pd.Series(values, index=[f"{y}年" for y in range(2014, 2024)])
    for y in (dates, numbers, text):
        assert [str(p) for p in fm.forecast(y, 2).table["period"]] == ["2024", "2025"]
    quarters = pd.Series(values, index=pd.period_range("2021Q1", periods=10, freq="Q"))
    assert fm.forecast(quarters, 1).season_length == 4
    assert fm.forecast(list(values), 2).table["period"].tolist() == [11, 12]


def test_order_gaps_and_missing_ends_are_said():
    shuffled = GROWING.iloc[[3, 1, 0, 2, 4, 5, 6, 7, 8, 9]]
    made = fm.forecast(shuffled, 2)
    pd.testing.assert_frame_equal(made.table, fm.forecast(GROWING, 2).table)
    assert any("out of order" in note for note in made.notes)
    holed = GROWING.drop(GROWING.index[4])
    assert any("interpolated" in note for note in fm.forecast(holed, 2).notes)
    open_end = GROWING.copy()
    open_end.iloc[-2:] = np.nan
    made = fm.forecast(open_end, 2)
    assert str(made.table["period"].iloc[0]) == "2022"
    assert any("starts there" in note for note in made.notes)
    wide = pd.Series([1.0, 2, 3, 4, 5], index=[1990, 2019, 2020, 2021, 2022])
    assert any("gap of more than" in note for note in fm.forecast(wide, 1).notes)


def test_january_inside_february():
    index = pd.period_range("2021-01", "2024-12", freq="M")
    values = pd.Series(100.0 + np.arange(48), index=index)
    values[index.month == 2] *= 2
    values[index.month == 1] = np.nan
    made = fm.forecast(values, 13)
    assert made.season_length == 11
    assert 1 not in {p.month for p in made.table["period"]}
    assert str(made.table["period"].iloc[0]) == "2025-02"


def test_zeros_negatives_and_constants():
    assert (fm.forecast([0.0] * 6, 3).table.iloc[:, 1:] == 0).all(axis=None)
    flat = fm.forecast([7.0] * 6, 3)
    assert flat.table["mean"].tolist() == pytest.approx([7, 7, 7])
    assert (flat.table["hi-95"] > flat.table["lo-95"]).all()
    assert any("all values are equal" in note for note in flat.notes)
    falling = fm.forecast([50.0, 30, 18, 9, 4, 2, 1], 20)
    assert (falling.table.iloc[:, 1:] >= 0).all(axis=None)
    check(fm.forecast([-5.0, 3, -2, 8, -1, 4, -3, 6], 3).table, 3)
    assert fm.forecast([-5.0, -6, -8, -9], 2).table["lo-95"].iloc[0] < -10


def test_bands_never_narrow_with_the_horizon():
    for level in (50, 80, 95, 99):
        table = fm.forecast(list(-50 + GROWING.to_numpy()), 30, levels=(level,)).table
        width = table[f"hi-{level}"] - table[f"lo-{level}"]
        assert (width.diff().dropna() >= -1e-9).all()


def test_fund_revenue_stays_near_its_last_value():
    y = [100.0, 140, 190, 260, 330, 420, 500]
    trend = fm.forecast(y, 2).table["mean"].iloc[1]
    land = fm.forecast(y, 2, kind="land")
    assert land.table["mean"].iloc[1] - 500 == pytest.approx(0.1 * (trend - 500), rel=1e-6)
    assert any("land-sale" in note for note in land.notes)


def test_breaks_are_spliced_or_refused():
    y = GROWING.copy()
    y.iloc[:6] *= 2  # a city was counted in until 2019
    spliced = fm.forecast(y, 2, breaks={"2020": 0.5})
    assert spliced.table["mean"].to_numpy() == pytest.approx(
        fm.forecast(GROWING, 2, breaks={}).table["mean"].to_numpy()
    )
    with pytest.raises(InputError, match="unknown size"):
        fm.forecast(y, 2, breaks=["2020"])
    allowed = fm.forecast(y, 2, breaks=["2020"], allow_break=True)
    assert any("WARNING" in note for note in allowed.notes)
    assert any("WARNING" in note for note in fm.forecast(y, 2).notes)
    with pytest.raises(InputError, match="positive factor"):
        fm.forecast(y, 2, breaks={"2020": -1})


def test_series_of_the_project():
    kinds = pd.Series(["actual"] * 9 + ["estimate"], index=YEARS)
    series = fm.Series("county.revenue", GROWING, kinds=kinds)
    made = fm.forecast(series, 1)
    assert str(made.table["period"].iloc[0]) == "2023"
    assert any("estimates" in note for note in made.notes)
    assert made.unit == "万元"
    broken = GROWING.copy()
    broken.iloc[5:] *= 1.9
    with pytest.raises(InputError, match="break of calibre"):
        fm.forecast(fm.Series("county.revenue", broken), 1)
    fm.forecast(fm.Series("county.revenue", broken), 1, allow_break=True)
    fund = fm.Series("county.fund", GROWING, budget_scope="政府性基金预算")
    assert any("land-sale" in note for note in fm.forecast(fund, 1).notes)


@pytest.mark.parametrize(
    ("y", "horizon", "options", "said"),
    [
        ([1.0, 2.0], 0, {}, "horizon"),
        ([1.0, 2.0], 200, {}, "horizon"),
        ([1.0, 2.0], 1.5, {}, "horizon"),
        ([1.0, 2.0], True, {}, "horizon"),
        ([], 1, {}, "at least one"),
        ([np.nan, np.nan], 1, {}, "at least one"),
        ([1.0, np.inf], 1, {}, "infinite"),
        (["1", "abc"], 1, {}, "numbers"),
        ("12345", 1, {}, "not a series"),
        (np.ones((2, 2)), 1, {}, "dimensions"),
        ([1 + 2j, 2.0], 1, {}, "value 1 is no number"),
        ([10**400, 2.0], 1, {}, "numbers"),
        (pd.Series([1.0, 2.0], index=[-(9 * 10**15), 9 * 10**15]), 1, {}, "no year"),
        (pd.Series([1.0, 2.0], index=["2019", "2020Q1"]), 1, {}, "mixed"),
        ([1.0, 2.0], 1, {"levels": ()}, "level"),
        ([1.0, 2.0], 1, {"levels": (80, 100)}, "between"),
        ([1.0, 2.0], 1, {"levels": (0.8, 0.95)}, "did you mean 80"),
        ([1.0, 2.0], 1, {"season_length": 0}, "season_length"),
        ([1.0, 2.0], 1, {"breaks": 3}, "breaks"),
        (pd.Series([1.0, 2.0], index=[2020, 2020]), 1, {}, "twice"),
        (pd.Series([1.0, 2.0], index=["spring", "autumn"]), 1, {}, "dates"),
        (pd.Series([1.0, 2.0], index=pd.to_datetime(["2024-01-01", "2024-01-02"])), 1, {}, "month"),
    ],
)
def test_bad_input_is_one_clear_error(y, horizon, options, said):
    with pytest.raises(InputError, match=said):
        fm.forecast(y, horizon, **options)


def test_season_longer_than_the_history_is_said():
    made = fm.forecast([1.0, 2, 3, 4, 5], 2, season_length=12)
    assert any("not seasonal" in note for note in made.notes)


def panel() -> pd.DataFrame:
    frames = []
    for name, factor, n in (("b", 3.0, 10), ("a", 1.0, 6), ("c", 0.5, 1)):
        values = factor * GROWING.to_numpy()[:n]
        frames.append(pd.DataFrame({"unique_id": name, "ds": range(2014, 2014 + n), "y": values}))
    return pd.concat(frames, ignore_index=True)


def test_panel_agrees_with_one_by_one():
    made = fm.forecast_panel(panel(), 3)
    assert list(made.columns) == ["unique_id", "ds", "mean", "lo-80", "hi-80", "lo-95", "hi-95"]
    assert made["unique_id"].tolist() == ["b"] * 3 + ["a"] * 3 + ["c"] * 3
    assert made["ds"].tolist()[:3] == [2024, 2025, 2026]
    for name, rows in panel().groupby("unique_id"):
        alone = fm.forecast(pd.Series(rows["y"].to_numpy(), index=rows["ds"].to_numpy()), 3)
        both = made[made["unique_id"] == name]
        np.testing.assert_allclose(
            both.iloc[:, 2:].to_numpy(), alone.table.iloc[:, 1:].to_numpy(), rtol=1e-9
        )


def test_panel_keeps_the_type_of_its_dates():
    df = panel()[lambda d: d["unique_id"] != "c"]
    ends = df.assign(ds=pd.to_datetime(df["ds"].astype(str) + "-12-31"))
    assert fm.forecast_panel(ends, 1)["ds"].tolist()[0] == pd.Timestamp("2024-12-31")
    text = df.assign(ds=df["ds"].astype(str))
    assert fm.forecast_panel(text, 1)["ds"].tolist() == ["2024", "2020"]
    months = pd.DataFrame(
        {"unique_id": 1, "ds": pd.date_range("2020-01-31", periods=40, freq="ME"), "y": 1.0}
    )
    assert fm.forecast_panel(months, 2, season_length=12)["ds"].iloc[1] == pd.Timestamp(
        "2023-06-30"
    )


def test_panel_names_all_bad_series_at_once():
    df = panel()
    df.loc[0, "y"] = np.inf
    df.loc[11, "ds"] = 2014
    with pytest.raises(InputError) as caught:
        fm.forecast_panel(df, 1)
    assert len(caught.value.problems) == 2
    with pytest.raises(InputError, match="columns missing"):
        fm.forecast_panel(df.drop(columns="ds"), 1)
    with pytest.raises(InputError, match="empty"):
        fm.forecast_panel(df.iloc[:0], 1)


def test_same_input_same_output():
    first, second = fm.forecast(GROWING, 5).table, fm.forecast(GROWING, 5).table
    pd.testing.assert_frame_equal(first, second, check_exact=True)


def test_results_show_and_draw_themselves():
    made = fm.forecast(GROWING, 3)
    tested = fm.backtest(GROWING, 2)
    for lang in ("zh", "en"):
        for chart in (made.plot(lang), made.plot_models(lang), tested.plot(lang)):
            assert chart.figure.axes[0].get_title(loc="left")
            assert chart.alt
    assert "2026" in made.answer("en")
    assert made._repr_html_().startswith("<blockquote")
    assert tested._repr_html_().startswith("<blockquote")
    assert isinstance(tested[tested["horizon"] == 1], pd.DataFrame)


def test_what_moves_like_land_sales_is_said_where_no_kind_is_given():
    # Log growth of ±0.4: standard deviation 0.392.
    wild = [100.0 * np.exp(0.4 * (n % 2)) for n in range(8)]
    assert any("as restless as land sales" in note for note in fm.forecast(wild, 2).notes)
    known = fm.forecast(wild, 2, kind="land").notes
    assert not any("as restless as land sales" in note for note in known)
    assert not any("as restless as land sales" in note for note in fm.forecast(GROWING, 2).notes)
    frame = pd.DataFrame({"unique_id": "a", "ds": range(2015, 2023), "y": wild})
    calm = frame.assign(unique_id="b", y=GROWING.to_numpy()[:8])
    notes = fm.forecast_panel(pd.concat([frame, calm]), 1).attrs["notes"]
    assert [str(note.en)[:2] for note in notes] == ["a:"]
