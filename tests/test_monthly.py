"""Months: the worked cases, national figures there and back, progress, the monthly table."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

import fiscalmodel as fm
from fiscalmodel.errors import InputError
from fiscalmodel.revenue.execution import monthly_table
from fiscalmodel.series.monthly import (
    even_progress_pct,
    progress,
    spans,
    to_cumulative,
    to_months,
)

CASES = yaml.safe_load((Path(__file__).parent / "cases" / "series_months.yaml").read_text("utf-8"))


def _series(values: dict[str, float | None]) -> pd.Series:
    index = pd.PeriodIndex([str(k) for k in values], freq="M")
    return pd.Series(
        [np.nan if v is None else v for v in values.values()], index=index, dtype=float
    )


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_worked_months(case: dict) -> None:
    cumulative = _series(case["input"])
    months = fm.to_months(cumulative)
    expected = _series(case["months"])
    pd.testing.assert_series_equal(months[expected.index], expected, check_freq=False)
    assert months.attrs["span"] == {str(k): v for k, v in case["span"].items()}
    pd.testing.assert_series_equal(fm.to_cumulative(months), cumulative.astype(float))


@pytest.fixture(scope="module")
def national() -> pd.DataFrame:
    rows = pd.read_csv(Path(__file__).parents[1] / "data" / "national_monthly.csv", dtype=str)
    table = rows.pivot_table(index="period", columns="indicator", values="value", aggfunc="first")
    table.index = pd.PeriodIndex(table.index, freq="M")
    return table.apply(pd.to_numeric)


def test_national_figures_come_back_exactly(national: pd.DataFrame) -> None:
    for column in national:
        ytd = national[column].dropna()
        months = to_months(ytd)
        pd.testing.assert_series_equal(
            to_cumulative(months), ytd.astype(float), check_freq=False, check_index_type=False
        )
    revenue = to_months(national["general_public_budget_revenue"].dropna())
    assert revenue["2021-02"] == 41805
    assert np.isnan(revenue["2021-01"])
    assert revenue["2021-03"] == 15310
    # The ministry's January-March 2022 stands alone: nothing is made of January and February.
    assert revenue["2022-02":"2022-03"].isna().tolist() == [True, False]
    assert revenue.attrs["span"]["2022-03"] == 3


def test_a_gap_is_never_zero() -> None:
    months = to_months(_series({"2024-02": 10, "2024-05": 40}))
    assert months.isna().tolist() == [True, False, True, True, False]
    assert spans(months).tolist() == [0, 2, 0, 0, 3]


def test_a_frame_and_an_fm_series_go_through() -> None:
    ytd = _series({"2024-02": 10.1, "2024-03": 15.2})
    frame = pd.DataFrame({"a": ytd, "b": ytd * 2})
    pd.testing.assert_frame_equal(to_cumulative(to_months(frame)), frame, check_freq=False)
    series = fm.Series("x", ytd, kinds=pd.Series("actual", index=ytd.index))
    months = to_months(series)
    assert months.values.tolist()[1:] == [10.1, 5.1]
    assert len(months.kinds) == 3
    pd.testing.assert_series_equal(to_cumulative(months).values, ytd, check_freq=False)


@pytest.mark.parametrize(
    ("index", "message"),
    [
        (["2024-02", "2024-02"], "stands twice"),
        (["2024", "2025"], "is no month"),
        (["spring", "2024-02"], "'spring' is no month"),
    ],
)
def test_bad_labels_are_named(index: list[str], message: str) -> None:
    with pytest.raises(fm.InputError, match=message):
        to_months(pd.Series([1.0, 2.0], index=index))


def test_progress_of_lintao() -> None:
    # 17056 / 105425 = 16.1783 %, 2/12 = 16.6667 %
    found = progress(17056, 105425, "2024年2月")
    assert round(found.completion_pct, 2) == 16.18
    assert round(found.even_pct, 2) == 16.67
    assert round(found.gap_points, 2) == -0.49
    with pytest.raises(fm.InputError, match="not above zero"):
        progress(1, 0, 2)
    with pytest.raises(fm.InputError, match="is no month"):
        even_progress_pct(13)


def test_change_on_the_year_beside_published_growth() -> None:
    # National revenue January-April 2022: 74293 against 78008 published is −4.8 %; the
    # ministry prints +5.0 % after VAT refunds.
    ytd = _series({"2021-04": 78008, "2022-04": 74293}).to_frame("总收入")
    growth = _series({"2022-04": 5.0}).to_frame("总收入")
    row = monthly_table(ytd, "2022-04", growth_pct=growth).iloc[0]
    assert row["同比增减额（万元）"] == -3715
    assert round(row["同比增减%"], 1) == -4.8
    assert row["公布的同口径增长%"] == 5.0


def test_monthly_table_of_a_county() -> None:
    ytd = pd.DataFrame(
        {
            "gross_revenue": [11374.0, 17056.0],
            "tax_revenue": [np.nan, 15348.0],
            "non_tax_revenue": [np.nan, 1708.0],
        },
        index=pd.PeriodIndex(["2024-01", "2024-02"], freq="M"),
    )
    table = monthly_table(ytd, "2024-02", budget={"gross_revenue": 105425})
    assert list(table.index) == ["大口径财政收入", "税收收入", "非税收入"]
    row = table.loc["大口径财政收入"]
    assert row["本月数（万元）"] == 5682
    assert row["完成预算%"] == 16.18
    assert row["与均衡进度差（百分点）"] == -0.49
    assert table["本月数所含月份数"].tolist() == [1, 2, 2]
    assert table["占比%"].tolist() == [100, 89.99, 10.01]
    assert np.isnan(table.loc["税收收入", "完成预算%"])
    english = monthly_table(ytd, "2024-02", lang="en")
    assert "Budget (万元)" not in english.columns
    assert english.index[1] == "Tax revenue 税收收入"


def test_monthly_table_of_the_nation(national: pd.DataFrame) -> None:
    columns = ["general_public_budget_revenue", "tax_revenue", "non_tax_revenue"]
    table = monthly_table(national[columns], "2025-08", unit="亿元")
    # 148198 − 135839 = 12359; 148198 − 147776 = 422; 121085 / 148198 = 81.70 %
    assert table.iloc[0]["本月数（亿元）"] == 12359
    assert table.iloc[0]["同比增减额（亿元）"] == 422
    assert table.iloc[1]["占比%"] == 81.7
    with pytest.raises(fm.InputError, match="not in the figures"):
        monthly_table(national[columns], "2030-01")
    with pytest.raises(fm.InputError, match="is no item"):
        monthly_table(national[columns], "2025-08", budget={"x": 1})


@pytest.mark.parametrize("given", [[1, 2, 3], (1.0,), 5, None, np.array([1.0, 2.0])])
def test_figures_without_months_are_refused(given: object) -> None:
    for change in (fm.to_months, fm.to_cumulative):
        with pytest.raises(InputError, match="has no months"):
            change(given)


def test_words_among_the_figures_are_refused() -> None:
    for given in ({"2024-01": "许多"}, pd.Series(["许多"], index=["2024-01"])):
        for change in (fm.to_months, fm.to_cumulative):
            with pytest.raises(InputError, match="not all numbers"):
                change(given)
    assert fm.to_months({"2024-01": 1.0, "2024-02": 3.0}).tolist() == [1.0, 2.0]
