"""Linking keeps the newest levels and the growth given; rounding never makes a break."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from fiscalmodel.series.calibre import link_calibre

levels = st.lists(st.integers(100, 10**7).map(lambda n: n / 100), min_size=2, max_size=12)
growths = st.lists(st.integers(-9000, 30000).map(lambda n: n / 100), min_size=12, max_size=12)


@given(levels, growths)
def test_linked_growth_is_what_was_given(values: list[float], rates: list[float]) -> None:
    years = range(2010, 2010 + len(values))
    link = link_calibre(
        pd.Series(values, index=years), pd.Series(rates[: len(values) - 1], index=years[1:])
    )
    assert link.linked.iloc[-1] == values[-1]
    # Published levels stay after the last break.
    last = max(link.breaks.index, default=years[0])
    assert link.linked.loc[last:].tolist() == values[last - years[0] :]
    # Along the linked levels the growth is the like-for-like growth, within the rounding.
    for year in link.breaks.index:
        grown = 100 * (link.linked[year] / link.linked[year - 1] - 1)
        assert abs(grown - rates[year - years[1]]) < 1e-8 * max(1, abs(grown))


@given(levels)
def test_growth_as_printed_makes_no_break(values: list[float]) -> None:
    years = range(2010, 2010 + len(values))
    series = pd.Series(values, index=years)
    growth = (100 * series.pct_change().dropna()).round(2)
    if (growth <= -100).any():
        return
    link = link_calibre(series, growth, level_digit=0.01, growth_digit=0.01)
    assert link.breaks.empty
    assert link.linked.tolist() == values


@given(levels, st.lists(st.integers(1, 500), min_size=12, max_size=12), st.data())
def test_a_scope_with_known_levels_is_an_addition(
    values: list[float], units: list[int], data: st.DataObject
) -> None:
    years = list(range(2010, 2010 + len(values)))
    series = pd.Series(values, index=years)
    change = data.draw(st.sampled_from(years[1:]))
    before = pd.Series(units[: change - 2010], index=years[: change - 2010], dtype=float)
    link = link_calibre(series, scope_change={change: before})
    expected = series.add(before, fill_value=0)
    np.testing.assert_allclose(link.linked, expected, rtol=1e-12)
    assert link.breaks["amount"].to_dict() == {change: before[change - 1]} or np.isclose(
        link.breaks.loc[change, "amount"], before[change - 1]
    )
