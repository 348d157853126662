"""Clearance plans: worked cases, a public case, terms, rules, calendar."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from clearance_oracle import yearly

import fiscalmodel as fm

CASES = yaml.safe_load(
    (Path(__file__).parent / "cases" / "clearance_plans.yaml").read_text(encoding="utf-8")
)
DUE_LATER = {"prepayable": True, "maturity": "2035-12-31"}


def budget(*caps, first=2027, **more):
    return [
        {"source_id": "budget", "period": first + t, "cap_wan": cap, **more}
        for t, cap in enumerate(caps)
    ]


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_case(case):
    plan = yearly(case["ledger"], case["sources"], case.get("quotas"), **case["options"])
    for key, expected in case["output"].items():
        if key == "status":
            assert plan.status == expected
        elif key == "cleared_on":
            assert str(plan.cleared_on) == expected
        elif key == "shortfall_periods":
            found = plan.shortfall.groupby("period")["amount_wan"].sum().to_dict()
            assert found == pytest.approx(expected, abs=1e-9)
        elif key == "shortfall_contracts":
            assert sorted(set(plan.shortfall["contract_id"])) == expected
        elif key == "least_wan":
            assert plan.least_shortfall["amount_wan"].sum() == pytest.approx(expected, abs=1e-9)
        elif key == "available_wan":
            assert plan.sources["available_wan"].sum() == pytest.approx(expected, abs=1e-9)
        elif isinstance(expected, list):
            assert plan.balances[key].tolist() == pytest.approx(expected, abs=1e-9)
        else:
            assert getattr(plan, key) == pytest.approx(expected, abs=1e-9)


FOUR = pd.DataFrame(
    {
        "contract_id": ["A", "B", "C", "D"],
        "principal_wan": [9871.59, 11040.71, 20879.70, 15600.74],
        "rate_pct": [5.31, 10.0, 5.84, 10.0],
        "min_instalment_wan": [86.12, 70.54, 186.60, 204.72],
        "frequency": "month",
        **DUE_LATER,
    }
)
PAYMENTS = [
    {"source_id": "pay", "period": str(month), "cap_wan": 1500.0}
    for month in pd.period_range("2024-01", "2028-12", freq="M")
]


@pytest.mark.parametrize(
    ("options", "interest"),
    [
        ({}, 7500.62),
        ({"minimums": False}, 7206.22),
        ({"rule": "highest_rate_first"}, 7500.62),
        ({"rule": "highest_rate_first", "minimums": False}, 7206.22),
    ],
)
def test_public_four_loan_case(options, interest):
    """Four loans, 1,500 a month; the public "payoff" programme prints 7,501.18 at its tolerance."""
    plan = yearly(FOUR, PAYMENTS, as_of="2023-12-31", frequency="month", capitalise=True, **options)
    assert plan.status in ("optimal", "feasible")
    assert plan.interest_wan == pytest.approx(interest, abs=0.01)
    assert plan.cost_wan == plan.interest_wan
    assert str(plan.cleared_on) == "2027-08-31"


def test_instalments_follow_the_loan_schedule():
    """Nothing may be paid early, so the plan is the amortisation schedule itself."""
    for method in ("equal_principal", "equal_instalment"):
        terms = {"start": "2024-12-31", "maturity": "2028-12-31", "frequency": "quarter"}
        ledger = [
            {"contract_id": "A", "principal_wan": 1000.0, "rate_pct": 6, "repayment": method}
            | terms
        ]
        plan = yearly(
            ledger,
            [
                {"source_id": "s", "period": f"{y}Q{q}", "cap_wan": 200}
                for y in (2025, 2026, 2027, 2028)
                for q in (1, 2, 3, 4)
            ],
            as_of="2024-12-31",
            frequency="quarter",
        )
        expected = fm.amortise(
            1000.0, 6, start="2024-12-31", maturity="2028-12-31", method=method,
            frequency="quarter", day_count="30/360",
        )  # fmt: skip
        expected = expected[expected["opening"] > 0]
        assert plan.status == "optimal"
        # In whole 分, so that what has been repaid in all is never half a 分 off.
        repaid = expected["principal"].cumsum().round(6).diff().fillna(expected["principal"])
        assert plan.contracts["principal_wan"].to_numpy() == pytest.approx(
            repaid.round(6).to_numpy(), abs=1e-9
        )
        owed = 1000 - repaid.cumsum().shift(fill_value=0.0)
        assert plan.contracts["interest_wan"].to_numpy() == pytest.approx(
            (owed * 0.015).round(6).to_numpy(), abs=1e-9
        )
        assert (owed * 0.015).to_numpy() == pytest.approx(expected["interest"], abs=1e-7)


def test_custom_principal_dates():
    custom = [
        {"contract_id": "A", "date": "2027-12-31", "principal_wan": 30},
        {"contract_id": "A", "date": "2028-12-31", "principal_wan": 70},
    ]
    ledger = [{"contract_id": "A", "principal_wan": 100, "rate_pct": 0, "repayment": "custom"}]
    plan = yearly(ledger, budget(100, 100), as_of="2026-12-31", custom=custom)
    assert plan.contracts["closing_wan"].tolist() == [70, 0]


def test_given_plan_is_taken_as_it_is():
    ledger = [{"contract_id": n, "principal_wan": 50, "rate_pct": 4, **DUE_LATER} for n in "AB"]
    given = [
        {"period": 2027, "contract_id": "A", "amount_wan": 50},
        {"period": 2028, "contract_id": "B", "amount_wan": 50},
    ]
    plan = yearly(ledger, budget(60, 60), as_of="2026-12-31", rule="given", given=given)
    assert (plan.status, plan.cost_wan) == ("feasible", 6.0)  # 4 in 2027, 2 in 2028
    short = yearly(ledger, budget(60, 60), as_of="2026-12-31", rule="given", given=given[:1])
    assert short.status == "infeasible"
    assert short.shortfall[["contract_id", "amount_wan", "reason"]].to_numpy().tolist() == [
        ["B", 50.0, "not planned"]
    ]
    poor = yearly(ledger, budget(30, 60), as_of="2026-12-31", rule="given", given=given)
    assert poor.shortfall[["contract_id", "amount_wan", "reason"]].to_numpy().tolist() == [
        ["A", 24.0, "money"]
    ]


def test_given_plan_may_not_repay_early_what_is_not_prepayable():
    ledger = [{"contract_id": "A", "principal_wan": 50, "rate_pct": 0, "maturity": "2028-12-31"}]
    given = [{"period": 2027, "contract_id": "A", "amount_wan": 50}]
    options = {"as_of": "2026-12-31", "rule": "given", "given": given}
    plan = yearly(ledger, budget(60, 60), **options)
    assert plan.shortfall[["period", "amount_wan", "reason"]].to_numpy().tolist() == [
        ["2027", 50.0, "terms"]
    ]


def test_ordering_rules_pay_in_their_order():
    ledger = [
        {"contract_id": "dear", "principal_wan": 100, "rate_pct": 9, "maturity": "2034-12-31"},
        {"contract_id": "soon", "principal_wan": 300, "rate_pct": 3, "maturity": "2030-12-31"},
    ]
    ledger = [row | {"prepayable": True} for row in ledger]
    sources = budget(58, 500)  # 18 of interest leave 40

    def paid(rule):
        plan = yearly(ledger, sources, as_of="2026-12-31", rule=rule)
        first = plan.contracts[plan.contracts["period"] == "2027"]
        return first["principal_wan"].tolist()

    assert paid("highest_rate_first") == pytest.approx([40, 0])
    assert paid("earliest_maturity_first") == pytest.approx([0, 40])
    assert paid("pro_rata") == pytest.approx([10, 30])


def test_loan_that_cannot_be_repaid_in_time_says_so():
    ledger = [{"contract_id": "A", "principal_wan": 80, "rate_pct": 5, "maturity": "2031-12-31"}]
    plan = yearly(ledger, budget(500, 500), as_of="2026-12-31")
    assert plan.status == "infeasible"
    row = plan.shortfall.iloc[0]
    assert (row["contract_id"], row["amount_wan"], row["reason"]) == ("A", 80.0, "terms")
    assert "80.00 万元 is not repaid in time by its terms" in plan.sentence("en")
    assert "needed" not in plan.sentence("en")
    assert "80.00万元按合同条款或所给方案不能按期偿还" in plan.sentence()
    funds = plan.levers.set_index("lever").loc["extra_funds"]
    assert not funds["closes"]


def test_special_limit_stops_replacement():
    ledger = [
        {"contract_id": "A", "principal_wan": 100, "rate_pct": 5, "maturity": "2028-12-31",
         "replaceable": True}
    ]  # fmt: skip
    quota = [{"period": 2028, "quota_wan": 100, "rate_pct": 2.2}]
    options = {"as_of": "2026-12-31"}
    assert yearly(ledger, budget(5, 5), quota, **options).status == "optimal"
    limited = yearly(ledger, budget(5, 5), quota, special_headroom_wan=60, **options)
    assert limited.status == "infeasible"
    assert limited.shortfall_wan == pytest.approx(40)
    assert limited.balances["statutory_wan"].max() == pytest.approx(60)


def test_overdue_debt_may_be_paid_at_any_time():
    ledger = [
        {"contract_id": "A", "principal_wan": 100, "rate_pct": 5, "maturity": "2025-12-31",
         "overdue": True}
    ]  # fmt: skip
    plan = yearly(ledger, budget(55, 60), as_of="2026-12-31")
    assert plan.balances["hidden_wan"].tolist() == pytest.approx([50, 0])


def test_a_year_of_money_comes_in_month_by_month():
    """120 a year is 10 a month; what January leaves may be used in December, not next year."""
    ledger = [{"contract_id": "A", "principal_wan": 120, "rate_pct": 0, "maturity": "2027-06-15"}]
    options = {"as_of": "2026-12-31", "deadline": "2027-12-31", "frequency": "month"}
    plan = yearly(ledger, budget(120), **options)
    assert plan.shortfall_wan == pytest.approx(70)  # by 15 June the ends of five months bring 50
    later = [ledger[0] | {"maturity": "2027-12-31"}]
    assert yearly(later, budget(120), **options).status == "optimal"
    next_year = [ledger[0] | {"maturity": "2028-01-15"}]
    plan = yearly(next_year, budget(120), as_of="2026-12-31", frequency="month")
    assert plan.shortfall_wan == pytest.approx(120)


def test_sentences():
    options = CASES[0]["options"]
    plan = yearly(CASES[0]["ledger"], CASES[0]["sources"], CASES[0]["quotas"], **options)
    told = plan.sentence("en")
    assert "Hidden debt (隐性债务) of 10,000.00 万元 is cleared on 2026-12-31." in told
    assert "Quota first, then least interest, proven to be the best." in told
    assert "deadline: 998.00 万元 (old debt 550.00, fees 0.00, new bonds 448.00)" in told
    assert "over their life: 2,240.00 万元" in told
    assert "at 0.00 % (principal of own money and of bonds alike): 12,790.00 万元" in told
    assert "Quota used: 10,000.00 万元; 0.00 万元 lapses unused." in told
    assert plan.sentence().startswith("隐性债务10,000.00万元可于2026年12月31日清零。先用足置换额度")
    assert plan.notes[-1].zh.startswith("置换债券截止日前的利息448.00万元由预算另行安排")
    short = yearly(CASES[2]["ledger"], CASES[2]["sources"], as_of="2026-12-31")
    told = short.sentence("en")
    assert "16.00 万元 more is needed (at the latest 16.00 by 2028-12-31), for A" in told
    assert "the least total is 14.55 万元 (14.55 by 2027-12-31)" in told
    assert "尚缺16.00万元（最迟到位时间：2028年12月31日前16.00万元），涉及A" in short.sentence()


def test_same_input_same_plan_and_input_untouched():
    ledger, sources = FOUR.copy(), pd.DataFrame(PAYMENTS)
    before = sources.copy()
    options = {"as_of": "2023-12-31", "frequency": "month", "minimums": False}
    one = yearly(ledger, sources, **options)
    two = yearly(ledger, sources, **options)
    pd.testing.assert_frame_equal(one.schedule, two.schedule)
    pd.testing.assert_frame_equal(ledger, FOUR)
    pd.testing.assert_frame_equal(sources, before)
    assert np.isfinite(one.cost_wan)


def test_reserved_need_in_months_is_taken_from_a_year_of_money():
    ledger = [{"contract_id": "A", "principal_wan": 100, "rate_pct": 0, "maturity": "2028-12-31"}]
    needs = [{"period": f"2028-{m:02d}", "need_wan": 5} for m in range(1, 13)]
    options = {"as_of": "2027-12-31", "reserved": needs}
    plan = yearly(ledger, budget(160, first=2028), **options)
    assert plan.sources["available_wan"].sum() == pytest.approx(100)
    short = yearly(ledger, budget(40, first=2028), as_of="2027-12-31",
                              reserved={2028: 60})  # fmt: skip
    assert any("exceeds the general-budget sources by 20.00" in note for note in short.notes)
    assert short.shortfall_wan == pytest.approx(100)


def test_stopped_solver_falls_back_to_a_rule(monkeypatch):
    from fiscalmodel.debt.clearance import plan as module
    from fiscalmodel.debt.clearance.program import Solution

    monkeypatch.setattr(module, "optimise", lambda *_, **__: Solution("unknown"))
    ledger = [{"contract_id": "A", "principal_wan": 50, "rate_pct": 4, **DUE_LATER}]
    plan = yearly(ledger, budget(60, 60), as_of="2026-12-31")
    assert plan.status == "feasible"  # the order of payment happens to be a plan
    assert any("solver stopped" in note("en") for note in plan.notes)


def test_unlimited_sizes():
    """A province's debt and a village's in one ledger."""
    ledger = [
        {"contract_id": "big", "principal_wan": 3e7, "rate_pct": 5.0, **DUE_LATER},
        {"contract_id": "small", "principal_wan": 0.01, "rate_pct": 9.0, **DUE_LATER},
    ]
    plan = yearly(ledger, budget(2e7, 2e7), as_of="2026-12-31")
    # 1.5e6 of interest in 2027; 30,000,000 * 1.05 - 20,000,000 = 11.5 million bear 5 % in 2028.
    assert plan.status == "optimal"
    assert plan.interest_wan == pytest.approx(1.5e6 + 0.05 * 11.5e6, rel=1e-8)
    assert plan.balances["hidden_wan"].iloc[-1] == 0


def test_months_of_money_add_up_to_a_year():
    ledger = [{"contract_id": "A", "principal_wan": 120, "rate_pct": 0, "maturity": "2027-12-31"}]
    months = [{"source_id": "s", "period": f"2027-{m:02d}", "cap_wan": 10.0} for m in range(1, 13)]
    plan = yearly(ledger, months, as_of="2026-12-31")
    assert plan.status == "optimal"
    assert plan.schedule["amount_wan"].sum() == pytest.approx(120)


def test_gap_in_many_months_is_told_by_year():
    ledger = [{"contract_id": "A", "principal_wan": 120, "rate_pct": 6, "maturity": "2028-12-31"}]
    plan = yearly(ledger, [], as_of="2026-12-31", frequency="month")
    # 0.6 a month for 24 months and 120 at the end.
    assert plan.shortfall_wan == pytest.approx(134.4)
    assert "(at the latest 7.20 by 2027-12-31, 127.20 by 2028-12-31)" in plan.sentence("en")
