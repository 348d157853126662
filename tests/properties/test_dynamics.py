"""The parts of a debt path add up, whatever the path."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import fiscalmodel as fm

percent = st.floats(-30, 60, allow_nan=False)
paths = st.integers(1, 12).flatmap(
    lambda n: st.tuples(
        st.floats(0, 800), *(st.lists(percent, min_size=n, max_size=n) for _ in range(4))
    )
)


@given(paths)
def test_parts_add_up_and_the_recursion_holds(case):
    debt, balance, rate, growth, other = case
    path = fm.debt_path(debt, balance, rate, growth, stock_flow_pct=other)
    parts = path[["interest", "growth", "primary_balance", "stock_flow"]].sum(axis=1)
    scale = 1 + path[["opening", "closing"]].abs().max(axis=1)
    gap = (parts - (path["closing"] - path["opening"])).abs() / scale
    assert gap.max() < 1e-12
    for t, row in enumerate(path.itertuples()):
        expected = row.opening * (1 + rate[t] / 100) / (1 + growth[t] / 100) - balance[t] + other[t]
        assert row.closing == pytest.approx(expected, rel=1e-12, abs=1e-9)
    assert path["opening"].iloc[1:].tolist() == path["closing"].iloc[:-1].tolist()


@given(paths)
def test_stock_and_ratio_are_one_recursion(case):
    """The ratio is the stock over the denominator, both simulated in money."""
    debt, balance, rate, growth, other = case
    stock, base = debt, 100.0
    for b, i, g, s in zip(balance, rate, growth, other, strict=True):
        base *= 1 + g / 100
        stock = stock * (1 + i / 100) + (s - b) / 100 * base
    path = fm.debt_path(debt, balance, rate, growth, stock_flow_pct=other)
    assert path["closing"].iloc[-1] == pytest.approx(stock / base * 100, rel=1e-9, abs=1e-9)
