"""Accounts close, and what is available plus what is missing is all that there is."""

from __future__ import annotations

import math

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fiscalmodel.budget.account import SIDES as LINES
from fiscalmodel.budget.account import close_balance
from fiscalmodel.budget.available import available_for_clearance
from fiscalmodel.budget.guardrails import check_guardrails
from fiscalmodel.budget.medium_term import medium_term_plan, surplus_use

#: 万元 in whole 分: sums of these are exact in 分.
fen = st.integers(0, 10**13)
SIDES = {name: side for side in ("resource", "use") for name in LINES[side]}


@given(st.dictionaries(st.sampled_from(sorted(SIDES)), fen))
def test_every_account_closes(amounts):
    amounts = {"revenue": 1, "expenditure": 1, **amounts}
    closed = close_balance({name: value / 10**6 for name, value in amounts.items()})
    sums = {
        side: sum(v for name, v in amounts.items() if SIDES[name] == side)
        for side in ("resource", "use")
    }
    assert round(closed.resources_wan * 10**6) == sums["resource"]
    assert round(closed.uses_wan * 10**6) == sums["use"]
    scale = 1 + sums["resource"] / 10**6 + sums["use"] / 10**6
    assert closed.carry_over_wan == pytest.approx(
        (sums["resource"] - sums["use"]) / 10**6, abs=1e-12 * scale
    )
    # Stated as computed, nothing is found; a figure that is off is.
    stated = {
        **{name: value / 10**6 for name, value in amounts.items()},
        "total_resources": closed.resources_wan,
        "total_uses": closed.uses_wan,
    }
    again = close_balance(stated)
    assert set(again.findings["where"]) <= {"carry_over"}
    off = close_balance({**stated, "total_uses": closed.uses_wan + 1})
    assert "total_uses" in set(off.findings["where"])


years = st.lists(st.tuples(fen, fen, fen, fen), min_size=1, max_size=8)


@given(years)
def test_available_less_missing_is_the_difference(rows):
    periods = list(range(2026, 2026 + len(rows)))
    columns = [
        {p: v / 10**6 for p, v in zip(periods, c, strict=True)} for c in zip(*rows, strict=True)
    ]
    left = available_for_clearance(columns[0], columns[1], columns[2],
                                   other_commitments_wan=columns[3])  # fmt: skip
    for period, row in zip(periods, left.table.to_dict("records"), strict=True):
        assert row["period"] == period
        assert row["available_wan"] >= 0
        assert row["shortfall_wan"] >= 0
        assert min(row["available_wan"], row["shortfall_wan"]) == 0
        need = sum(c[period] for c in columns[1:])
        scale = 1 + columns[0][period] + need
        assert row["available_wan"] - row["shortfall_wan"] == pytest.approx(
            columns[0][period] - need, abs=1e-12 * scale
        )
    assert len(left.found) == len(left.shortfalls)


@given(years)
def test_less_revenue_never_leaves_more(rows):
    resources = [row[0] / 10**6 for row in rows]
    needs = [row[1] / 10**6 for row in rows]
    more = available_for_clearance(resources, needs)["available_wan"]
    less = available_for_clearance([r * 0.95 for r in resources], needs)["available_wan"]
    assert (less <= more).all()


@given(st.floats(1, 1e7), st.floats(0, 1e7))
def test_margin_and_share_agree(expenditure, livelihood):
    frame = pd.DataFrame(
        {"year": [2024], "livelihood_wan": [livelihood], "expenditure_wan": [expenditure]}
    )
    # The floor of 75 % is one district's own.
    row = check_guardrails(frame, region="jianghan").table.iloc[0]
    assert row["margin_wan"] == pytest.approx(livelihood - 0.75 * expenditure, abs=1e-6)
    if not math.isclose(row["share_pct"], 75, abs_tol=1e-6):
        assert row["kept"] == (row["share_pct"] > 75)


@given(
    st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)), min_size=3, max_size=3),
    st.integers(0, 10**6),
)
def test_medium_term_fund_rolls_forward(rows, opening):
    lines = pd.DataFrame(
        {
            "year": [2026, 2027, 2028], "line": "基本支出", "project_class": "保障运转",
            "standard_wan": [float(use) for _, use in rows], "number": 1, "basis": "定员定额",
        }
    )  # fmt: skip
    plan = medium_term_plan(
        {2026 + i: float(r) for i, (r, _) in enumerate(rows)}, lines, fund_opening_wan=opening,
        on="2026-01-01",
    ).table  # fmt: skip
    moved = plan["fund_opening_wan"] - plan["fund_drawn_wan"] + plan["fund_filled_wan"]
    assert moved.tolist() == plan["fund_closing_wan"].tolist()
    assert plan["fund_opening_wan"].tolist()[1:] == plan["fund_closing_wan"].tolist()[:-1]
    assert (plan["fund_closing_wan"] >= 0).all()
    used = plan["balance_wan"] + plan["fund_drawn_wan"] + plan["shortfall_wan"]
    assert (used - plan["fund_filled_wan"]).abs().max() == 0


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_surplus_goes_nowhere_else(surplus, deficit):
    used = surplus_use(surplus, deficit)
    assert used["deficit_offset_wan"] + used["fund_filled_wan"] == surplus
    assert used["deficit_offset_wan"] <= deficit
