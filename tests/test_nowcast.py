"""The year-end nowcast."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

import fiscalmodel as fm
from fiscalmodel.errors import InputError
from fiscalmodel.revenue.execution import usual_shares
from fiscalmodel.revenue.intervals import at_level
from fiscalmodel.revenue.nowcast import accuracy, review_years
from fiscalmodel.revenue.nowcast_model import WAYS, asset, remainders
from fiscalmodel.series import catalog

CASES = yaml.safe_load(
    Path(__file__).with_name("cases").joinpath("nowcast_worked.yaml").read_text()
)


def series(months: dict[str, float]) -> pd.Series:
    return pd.Series(list(months.values()), pd.PeriodIndex(list(months), freq="M"), dtype=float)


def steady(first: str = "2019-01", last: str = "2024-06", growth: float = 0.05) -> pd.Series:
    months = pd.period_range(first, last, freq="M")
    flows = pd.Series([(1 + growth) ** (p.year - 2019) * (5 + p.month % 3) for p in months], months)
    return flows.groupby(months.year).cumsum()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_worked_case(case):
    months = {str(k): v for k, v in case["input"]["months"].items()}
    found = fm.nowcast_year(series(months), budget=case["input"].get("budget"))
    for name, value in case["output"].items():
        if name == "mean":
            assert found.full_year["mean"] == pytest.approx(value)
        elif name == "plain_growth":
            assert found.by_month["plain_growth"].iloc[-1] == pytest.approx(value)
        elif name.endswith(("pct", "points")):
            assert round(getattr(found.progress, name), 2) == value
        else:
            assert getattr(found, name) == value


def test_ways_by_hand():
    # One past year of 1..12 (78 in all), the year under way twice that, up to June.
    past = np.arange(1.0, 13).cumsum()
    now = np.where(np.arange(12) < 6, 2 * past, np.nan)
    made = dict(zip(WAYS, remainders(np.stack([past, now])[None], 6)[:, 0],
                    strict=True))  # fmt: skip
    assert made["plain_growth"] == 114  # twice 7 + ... + 12
    assert made["half_year_level"] == pytest.approx(42 / 21 * 57)
    assert made["year_as_usual"] == 78 - 42
    assert made["middle_rest"] == 57


def test_even_growth_is_found():
    ytd = steady()
    whole = ytd["2023-12"] * 1.05
    assert fm.nowcast_year(ytd).full_year["mean"] == pytest.approx(whole, rel=0.01)


def test_table_and_progress():
    found = fm.nowcast_year(steady(), budget=100)
    assert list(found.table["what"]) == ["to_date", "rest_of_year", "full_year"]
    assert list(found.full_year.index) == ["mean", "lo-80", "hi-80", "lo-95", "hi-95"]
    assert found.progress.even_pct == 50


def test_what_is_in_already_is_certain():
    # In November all bands but the upper ones lie on what has been collected.
    frame = steady(last="2023-11")
    frame = frame.where(frame.index.month != 12, frame.shift(1) * 1.000001)
    collected = float(frame.iloc[-1])
    found = fm.nowcast_year(frame, budget=collected)
    assert found.full_year["lo-80"] == found.full_year["lo-95"] == found.to_date == collected
    # Where a month was once negative, nothing is certain.
    frame["2021-05"] = frame["2021-04"] - 1
    found = fm.nowcast_year(frame, budget=collected - 20)
    assert found.floor == -np.inf
    assert found.full_year["lo-95"] < found.to_date


def test_bands_narrow_as_the_year_goes_on():
    ytd = fm.load_series("sample_county.general_public_budget_revenue_monthly")
    by_month = fm.nowcast_year(ytd, as_of="2024-12").by_month
    width = (by_month["hi-80"] - by_month["lo-80"]).to_numpy()
    assert width[0] > width[5] > width[-2] > width[-1] == 0


def test_gaps_and_a_missing_january_are_no_obstacle():
    ytd = steady()
    holes = ytd[(ytd.index.month != 1) & (ytd.index != pd.Period("2022-06"))]
    found = fm.nowcast_year(holes)
    assert found.full_year["mean"] == pytest.approx(
        fm.nowcast_year(ytd).full_year["mean"], rel=0.02
    )
    assert [p.month for p in found.by_month["month"]] == [2, 3, 4, 5, 6]


def test_a_year_without_any_figure_cuts_the_history():
    ytd = steady()
    found = fm.nowcast_year(ytd[ytd.index.year != 2021])
    assert any("no figure at all for 2021" in note for note in found.notes)
    kept = fm.nowcast_year(ytd[ytd.index.year > 2021])
    assert found.full_year.equals(kept.full_year)


def test_a_series_keeps_name_and_unit():
    found = fm.nowcast_year(fm.load_series("national.tax_revenue"))
    assert (found.name, found.unit) == ("national.tax_revenue", "万元")


def test_growth_on_another_calibre_moves_the_estimate():
    # June 2022: the level was 10.2 % down on refunds, the published growth +3.3 %. The rest of
    # the year is expected at the underlying growth; 2021-12 follows from the growth of 2022-12.
    name = "national.general_public_budget_revenue"
    values, growth = fm.load_series(name).values.copy(), catalog.published_growth(name).values
    values[pd.Period("2021-12", "M")] = values["2022-12"] / 1.006
    plain = fm.nowcast_year(values.sort_index(), as_of="2022-06")
    told = fm.nowcast_year(values.sort_index(), as_of="2022-06", published_growth=growth)
    outturn = values["2022-12"]
    assert abs(told.full_year["mean"] - outturn) < abs(plain.full_year["mean"] - outturn)
    assert any("different calibres in 2022" in note for note in told.notes)


def test_growth_of_later_months_is_not_used():
    name = "national.general_public_budget_revenue"
    values, growth = fm.load_series(name).values, catalog.published_growth(name).values
    cut = growth[growth.index <= pd.Period("2024-06")]
    one = fm.nowcast_year(values, as_of="2024-06", published_growth=growth).full_year
    assert one.equals(fm.nowcast_year(values, as_of="2024-06", published_growth=cut).full_year)


BAD = {
    "nothing": (pd.Series([], dtype=float), {}, "no value"),
    "all missing": (series({"2024-01": np.nan}), {}, "no value"),
    "text": (pd.Series(["a"], index=["2024-01"]), {}, "no number"),
    "infinite": (series({"2024-01": np.inf}), {}, "infinite"),
    "twice": (pd.Series([1.0, 2.0], index=["2024-01", "2024年1月"]), {}, "twice"),
    "no month": (pd.Series([1.0], index=["spring"]), {}, "no month"),
    "list": ([1.0, 2.0], {}, "no months"),
    "years": (pd.Series([1.0], pd.PeriodIndex(["2024"], freq="Y")), {}, "no month"),
    "single months": (
        series({f"2024-{m:02d}": v for m, v in enumerate([5.0, 4, 6, 3, 5, 4, 6, 2, 7, 3], 1)}),
        {}, "single months",
    ),
    "budget of nought": (series({"2024-06": 5.0}), {"budget": 0}, "above zero"),
    "budget in words": (series({"2024-06": 5.0}), {"budget": "much"}, "no number"),
    "as_of": (series({"2024-06": 5.0}), {"as_of": "soon"}, "no month"),
    "before the first": (series({"2024-06": 5.0}), {"as_of": "2020-01"}, "no value"),
    "level": (series({"2024-06": 5.0}), {"levels": (0,)}, "0"),
    "growth in words": (
        series({"2024-06": 5.0}), {"published_growth": {"2024-06": "five"}}, "no number",
    ),
    "growth": (series({"2024-06": 5.0}), {"published_growth": 3.0}, "no series"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_clear_error(name):
    given, options, words = BAD[name]
    with pytest.raises(InputError, match=words):
        fm.nowcast_year(given, **options)


def test_review_uses_what_was_known_then():
    ytd = fm.load_series("sample_county.tax_revenue_monthly").values
    review = review_years(ytd)
    row = review[(review["year"] == 2023) & (review["month"] == 6)].iloc[0]
    assert row["mean"] == fm.nowcast_year(ytd, as_of="2023-06").full_year["mean"]
    assert row["error_pct"] == pytest.approx(100 * (row["mean"] / ytd["2023-12"] - 1))
    table = accuracy(review)
    assert list(table["month"]) == [3, 6, 9, 11]
    part = review[review["month"] == 9]
    assert table["mape"].iloc[2] == pytest.approx(part["error_pct"].abs().mean())


def test_the_usual_share_counts_every_finished_year():
    # June: 40, 60 and 50 of 100; the median is 50. March is known once: 20.
    ytd = series({"2020-06": 40.0, "2020-12": 100, "2021-03": 20, "2021-06": 60, "2021-12": 100,
                  "2022-06": 100, "2022-12": 200, "2023-06": 90})  # fmt: skip
    shares = usual_shares(ytd, 2023)
    assert shares[[3, 6, 12]].tolist() == [20, 50, 100]
    assert np.isnan(shares[1])
    assert usual_shares(ytd, 2021)[6] == 40
    assert usual_shares(ytd, 2020).isna().all()


def test_review_needs_a_year_before():
    with pytest.raises(InputError, match="no finished year"):
        review_years(steady("2023-01", "2024-06"))


def test_shipped_table_is_in_order():
    made = asset()["bands"]
    for group in made["quantiles"]:
        for row in group:
            assert all(a < b for a, b in itertools.pairwise(row))
    values = np.array(made["quantiles"][0][0])
    levels = np.array(made["levels"], dtype=float)
    assert at_level(80, levels, values) == pytest.approx(values[1])
    assert at_level(99.9, levels, values) > values[-1] > at_level(97, levels, values)


def test_a_file_is_nowcast(tmp_path, monkeypatch):
    months = pd.period_range("2019-02", "2024-06", freq="M")
    lines = [f"{m.year}-{m.month:02d},{1000 * m.month * 1.05 ** (m.year - 2019):.0f},万元"
             for m in months if m.month > 1]  # fmt: skip
    (tmp_path / "my_monthly.csv").write_text("期间,数值,单位\n" + "\n".join(lines), "utf-8")
    monkeypatch.chdir(tmp_path)
    assert fm.nowcast_year(fm.load_series("my_monthly.csv")).year == 2024
    assert fm.published_growth("my_monthly.csv") is None


def test_progress_is_set_beside_even_and_usual_progress():
    ytd = fm.load_series("national.general_public_budget_revenue")
    found = fm.nowcast_year(ytd, as_of="2024-09", budget=2e9)
    table = fm.progress_by_month(ytd, found).set_index("month")
    values = ytd.values
    done = [y for y in range(2000, 2024) if not np.isnan(values.get(pd.Period(f"{y}-12"), np.nan))]
    june = [100 * values[f"{y}-06"] / values[f"{y}-12"] for y in done
            if pd.Period(f"{y}-06") in values.index]  # fmt: skip
    row = table.loc[pd.Period("2024-06")]
    assert row["usual_pct"] == pytest.approx(np.median(june))
    assert row["even_pct"] == 50
    assert row["done_pct"] == pytest.approx(100 * values["2024-06"] / 2e9)
    assert row["gap_points"] == pytest.approx(row["done_pct"] - 50)
    whole = fm.progress_by_month(ytd, found, 4e9).set_index("month")
    assert whole["done_pct"].iloc[-1] == pytest.approx(table["done_pct"].iloc[-1] / 2)


def test_a_budget_below_what_is_in_is_said():
    found = fm.nowcast_year(steady(), budget=0.5)
    assert any("below what is in already" in note for note in found.notes)
    assert not any("below" in note for note in fm.nowcast_year(steady(), budget=1e6).notes)


def test_growth_as_a_ratio_is_asked_about():
    # 5 % a year: 0.05 agrees with the levels only a hundredfold.
    ytd = steady()
    with pytest.raises(InputError, match=r"did you mean 5"):
        fm.nowcast_year(ytd, published_growth={"2024-05": 0.05, "2024-06": 0.049})
    small = series({"2023-06": 100.0, "2023-12": 200.0, "2024-06": 100.05})
    fm.nowcast_year(small, published_growth={"2024-06": 0.05})  # 0.05 % it is
    # Levels a third higher on another calibre say nothing against growth of 0.4 %.
    broken = series({"2023-06": 100.0, "2023-12": 200.0, "2024-06": 133.0})
    fm.nowcast_year(broken, published_growth={"2024-06": 0.4})


def test_no_probability_is_said():
    found = fm.nowcast_year(steady(), budget=120.0)
    for lang in ("zh", "en"):
        assert "概率" not in found.answer(lang)
        assert "chance" not in found.answer(lang)
    assert "80%区间" in found.answer("zh")
    assert found.plot("zh").alt == found.answer("zh")
    assert "比上年增长" in found.answer("zh")
    assert found.plot_models("en").alt
    assert review_years(fm.load_series("sample_county.tax_revenue_monthly")).plot("zh").alt


def test_a_whole_year_of_months_is_what_came_in_and_no_estimate() -> None:
    months = pd.period_range("2023-01", "2024-12", freq="M")
    values = [10.0 * p.month * (1.05 if p.year == 2024 else 1) for p in months]
    found = fm.nowcast_year(pd.Series(values, months), budget=125)
    # 120 x 1.05 = 126; 126 / 125 = 100.8 %
    assert (
        found.answer("zh") == "2024年全年实绩 126.00，比上年增长5.0%。全年预算 125.00，完成100.8%。"
    )
    assert not any("请核对预算" in note("zh") for note in found.notes)
