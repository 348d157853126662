"""Special-bond coverage, and the debt-service reserve fund."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

import fiscalmodel as fm
from fiscalmodel.debt.coverage import project_coverage, yearly_service
from fiscalmodel.debt.reserve import even_contribution, required_contributions
from fiscalmodel.errors import InputError

CASES = yaml.safe_load(
    (Path(__file__).parent / "cases" / "debt_coverage.yaml").read_text(encoding="utf-8")
)
BULLET = fm.amortise(1000, 4, start="2025-06-30", maturity="2029-06-30")


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_case(case):
    result = project_coverage(case["income"], BULLET, on="2026-01-01")
    assert result.coverage == pytest.approx(case["coverage"], abs=5e-5)
    assert result.table["dscr"].tolist() == pytest.approx(case["dscr"], abs=5e-5)
    assert result.table["kept_wan"].tolist() == pytest.approx(case["kept"])
    assert result.failing_years == case["failing_years"]
    passes = dict(zip(result.shocks["shock_pct"], result.shocks["passes"], strict=True))
    assert passes == {float(k): v for k, v in case["passes"].items()}


def test_a_failing_last_year_is_a_warning_where_what_was_kept_carries_it():
    carried = project_coverage(CASES[0]["income"], BULLET, on="2026-01-01")
    assert carried.findings[["rule", "severity", "where"]].to_numpy().tolist() == [
        ["project_dscr", "warning", "2029"]
    ]
    failing = project_coverage(CASES[2]["income"], BULLET, on="2026-01-01")
    assert failing.findings["severity"].tolist() == ["error", "error"]
    assert failing.shocks["first_shortfall_year"].tolist() == [2029] * 4
    assert failing.shocks["largest_gap_wan"].iloc[0] == pytest.approx(760)


def test_service_by_year_of_a_half_yearly_bond():
    service = yearly_service(
        fm.amortise(
            600, 3, start="2024-12-09", maturity="2026-12-09", frequency="half_year",
            method="equal_principal",
        )
    )  # fmt: skip
    # 2025: 9 + 6.75; 2026: 4.5 + 2.25.
    assert service["interest_wan"].tolist() == pytest.approx([15.75, 6.75])
    assert service["principal_wan"].tolist() == pytest.approx([300, 300])


@pytest.mark.parametrize(
    ("income", "service", "words"),
    [
        ({2026: 1}, BULLET, "no income is stated for 2027"),
        ({2026: -1, 2027: 0, 2028: 0, 2029: 0}, BULLET, "negative"),
        ({2026: 1}, pd.DataFrame({"year": [2026]}), "is missing"),
        (
            {2026: 1},
            pd.DataFrame({"year": [2026, 2026], "principal_wan": 1.0, "interest_wan": 1.0}),
            "stands twice",
        ),
        (
            {2026: 1},
            pd.DataFrame({"year": [2026], "principal_wan": 0.0, "interest_wan": 0.0}),
            "no principal",
        ),
    ],
)
def test_bad_projects(income, service, words):
    with pytest.raises(InputError, match=words):
        project_coverage(income, service, on="2026-01-01")


def test_reserve_by_hand():
    """50 + 30 + 1 (2 %) − 20 = 61; the next period owes 100, so 39 are missing."""
    fund = required_contributions(
        {2026: 80, 2027: 100}, [30, 0], draws_wan=[20, 0], opening_wan=50, rate_pct=2
    )
    assert fund["interest_wan"].tolist() == pytest.approx([1, 1.22])
    assert fund["closing_wan"].tolist() == pytest.approx([61, 62.22])
    assert fund["target_wan"].tolist() == [100, 0]
    assert fund["gap_wan"].tolist() == pytest.approx([39, 0])


def test_share_of_land_income():
    """Targets 40, 60 and 0 with land income 400, 600, 500: a tenth covers each in time."""
    share = even_contribution([0, 40, 60], weights=[400, 600, 500], draws_wan=[0, 40, 60], cover=1)
    # After 2026: 400 x >= 40; after 2027: 1,000 x - 40 >= 60. Both give a tenth.
    assert share == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"draws_wan": 500}, "more than the fund holds"),
        ({"contributions_wan": -1}, "negative"),
        ({"contributions_wan": [1, 2, 3]}, "2 values"),
        ({"cover": 0}, "not a number of payments"),
        ({"service_wan": 5.0}, "one value a period"),
        ({"contributions_wan": {2026: 1}}, "missing"),
    ],
)
def test_bad_reserves(change, words):
    terms = {"service_wan": {2026: 80, 2027: 100}, "contributions_wan": 10}
    with pytest.raises(InputError, match=words):
        required_contributions(**{**terms, **change})


amount = st.floats(0, 1e6).map(lambda x: round(x, 2))


@given(
    st.lists(st.tuples(amount, amount), min_size=1, max_size=12),
    st.integers(1, 5),
    st.floats(0, 5),
    amount,
)
def test_contributions_reach_the_target_and_no_less_would(periods, cover, rate, opening):
    service = [due for due, _ in periods]
    draws = [min(draw, due) for due, draw in periods]
    terms = {"draws_wan": draws, "opening_wan": opening, "rate_pct": rate, "cover": cover}
    fund = required_contributions(service, **terms)
    scale = 1 + fund[["closing_wan", "target_wan"]].abs().max().max()
    assert fund["gap_wan"].max() <= 1e-9 * scale
    moved = fund["opening_wan"] + fund["contribution_wan"] + fund["interest_wan"] - fund["draw_wan"]
    assert np.allclose(moved, fund["closing_wan"], rtol=1e-12, atol=1e-9)
    paid = fund["contribution_wan"] > 0
    assert (fund["closing_wan"] - fund["target_wan"])[paid].abs().max() <= 1e-9 * scale or not any(
        paid
    )
    even = even_contribution(service, **terms)
    reached = required_contributions(service, even * (1 + 1e-12) + 1e-9, **terms)
    assert reached["gap_wan"].max() <= 1e-6 * scale
    if even > 1e-3:
        with_less = even * 0.999
        try:
            short = required_contributions(service, with_less, **terms)["gap_wan"].max() > 0
        except InputError:
            short = True
        assert short
