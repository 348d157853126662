"""Months to year-to-date and back is the identity, gaps included."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import assume, given
from hypothesis import strategies as st

import fiscalmodel as fm
from fiscalmodel.series.monthly import spans

#: A printed amount in hundredths, refunds included; None for a month not published.
amounts = st.one_of(st.none(), st.integers(-(10**9), 10**11).map(lambda n: n / 100))
lists = st.lists(amounts, min_size=1, max_size=40)
starts = st.integers(0, 11)


def monthly(values: list[float | None], start: int) -> pd.Series:
    index = pd.period_range("2020-01", periods=start + len(values), freq="M")[start:]
    return pd.Series(values, index=index, dtype=float)


def same(one: pd.Series, two: pd.Series) -> None:
    pd.testing.assert_series_equal(one, two, check_exact=True, check_freq=False)


@given(lists, starts)
def test_cumulative_to_months_and_back(values: list[float | None], start: int) -> None:
    ytd = monthly(values, start)
    same(fm.to_cumulative(fm.to_months(ytd)), ytd)


@given(lists, starts)
def test_rows_that_are_absent_stay_absent(values: list[float | None], start: int) -> None:
    ytd = monthly(values, start).dropna()
    assume(len(ytd))
    same(fm.to_cumulative(fm.to_months(ytd)), ytd)


@given(lists)
def test_months_to_cumulative_and_back(values: list[float | None]) -> None:
    months = monthly(values, 0)
    same(fm.to_months(fm.to_cumulative(months)), months)


def test_a_month_that_was_changed_is_not_overruled() -> None:
    months = fm.to_months(monthly([1 / 3, 2 / 3, 1.0], 0))
    months.iloc[1] += 1
    np.testing.assert_allclose(fm.to_cumulative(months), [1 / 3, 5 / 3, 2.0])


@given(lists, starts)
def test_months_add_up_to_the_last_figure_of_the_year(
    values: list[float | None], start: int
) -> None:
    ytd = monthly(values, start)
    months = fm.to_months(ytd)
    for year, last in ytd.dropna().groupby(ytd.dropna().index.year).last().items():
        total = months[months.index.year == year].sum()
        assert abs(total - last) <= 1e-9 * max(1.0, months.abs().sum())


@given(lists, starts)
def test_spans_tile_the_year(values: list[float | None], start: int) -> None:
    ytd = monthly(values, start)
    months = fm.to_months(ytd)
    covered = spans(months)
    assert ((covered == 0) == months.isna()).all()
    for year in set(ytd.dropna().index.year):
        known = ytd[(ytd.index.year == year)].dropna()
        assert covered[covered.index.year == year].sum() == known.index[-1].month
    assert np.array_equal(months.dropna().index, ytd.dropna().index)
