"""Scenario adjustments: worked by hand, and steps that add up."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fiscalmodel.errors import InputError
from fiscalmodel.revenue.adjust import Adjustment, apply_adjustments

BASE = pd.Series({2021: 100.0, 2022: 110.0, 2023: 121.0})


def test_growth_replaces_named_years_and_keeps_the_rest() -> None:
    change = Adjustment("plan", "growth", {2021: 7.0}, "plan")
    path = apply_adjustments(BASE, [change], last_actual=98.0).path
    # 98 × 1.07 = 104.86; then the baseline's own 10 % a year
    assert path.tolist() == pytest.approx([104.86, 115.346, 126.8806])


def test_a_lasting_shock_stays_and_a_passing_one_goes() -> None:
    passing = Adjustment("dip", "shock", {2022: -10.0}, "assumption")
    lasting = Adjustment("dip", "shock", {2022: -10.0}, "assumption", lasting=True)
    assert apply_adjustments(BASE, [passing]).path.tolist() == pytest.approx([100, 99, 121])
    assert apply_adjustments(BASE, [lasting]).path.tolist() == pytest.approx([100, 99, 108.9])


def test_the_order_is_by_kind_whatever_the_file_says() -> None:
    measure = Adjustment("cut", "measure", {2022: -10.0}, "rule")
    shock = Adjustment("dip", "shock", {2022: -10.0}, "assumption")
    one = apply_adjustments(BASE, [measure, shock])
    two = apply_adjustments(BASE, [shock, measure])
    assert one.path.tolist() == two.path.tolist() == pytest.approx([100, 89, 121])


def test_a_year_outside_is_refused_with_all_problems() -> None:
    changes = [
        Adjustment("a", "measure", {2030: 1.0}, "x"),
        Adjustment("b", "growth", {2021: 1.0}, "x"),
    ]
    with pytest.raises(InputError) as caught:
        apply_adjustments(BASE, changes)
    assert len(caught.value.problems) == 2


kinds = st.sampled_from(["growth", "shock", "measure", "one_off"])
amounts = st.dictionaries(st.integers(2021, 2028), st.floats(-50, 50), min_size=1)


@given(
    st.lists(st.floats(1, 1e6), min_size=8, max_size=8),
    st.lists(st.tuples(kinds, amounts, st.booleans()), max_size=6),
)
def test_steps_add_up_in_every_year(levels: list[float], drawn: list[tuple]) -> None:  # type: ignore[type-arg]
    base = pd.Series(levels, index=range(2021, 2029))
    changes = [
        Adjustment(str(i), k, a, "s", k == "shock" and keep) for i, (k, a, keep) in enumerate(drawn)
    ]
    made = apply_adjustments(base, changes, last_actual=100.0)
    for _, steps in made.steps.groupby("year"):
        parts = steps.set_index("kind")["amount_wan"]
        total = float(parts.drop("scenario").sum())
        scale = max(1.0, float(parts.abs().max()))
        assert abs(total - float(parts["scenario"])) <= 1e-9 * scale


@pytest.mark.parametrize(
    ("baseline", "growth", "expected"),
    [
        # Growth from nought has no ratio: 2022 keeps the baseline's 10, 2023 is 10 · 1.5.
        ({2021: 0.0, 2022: 10.0, 2023: 12.0}, {2023: 50.0}, [0.0, 10.0, 15.0]),
        # 100 · 1.5, then the baseline's move from −10 to 12.
        ({2021: 100.0, 2022: -10.0, 2023: 12.0}, {2022: 50.0}, [100.0, 150.0, 172.0]),
    ],
)
def test_growth_beside_a_baseline_at_nought_or_below(baseline, growth, expected):
    change = Adjustment("path", "growth", growth, "assumption")
    assert apply_adjustments(pd.Series(baseline), [change]).path.tolist() == expected
