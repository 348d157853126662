"""What a clearance plan says of itself: interest paid and not paid, fees, day counts, coupons."""

from __future__ import annotations

import datetime as dt

import pandas as pd

import fiscalmodel as fm
from fiscalmodel.debt.clearance.given import Quota
from fiscalmodel.debt.ledger import read_hidden_ledger


def told(plan: fm.ClearancePlan, start: str) -> str:
    (note,) = [note.zh for note in plan.notes if note.zh.startswith(start)]
    return note


def test_bond_interest_that_is_not_paid_is_not_said_to_be_paid():
    """100 replaced on 2026-12-31 at 3 %: coupons 3 in 2027 and 3 in 2028; only 3 is there.

    A's interest of 2026 is 100 × 5 % = 5, paid from the 5 of 2026.
    """
    plan = fm.plan_clearance(
        [{"contract_id": "A", "principal_wan": 100.0, "rate_pct": 5.0, "replaceable": True,
          "frequency": "year", "maturity": "2026-12-31"}],
        [{"source_id": "budget", "period": 2026, "cap_wan": 5.0, "available_from": "2026-12-31"},
         {"source_id": "budget", "period": 2027, "cap_wan": 3.0, "available_from": "2027-01-01"}],
        [{"period": 2026, "quota_wan": 100.0, "rate_pct": 3.0, "available_from": "2026-12-31"}],
        as_of="2025-12-31",
    )  # fmt: skip
    assert plan.status == "infeasible"
    assert round(plan.shortfall_wan, 2) == 3.0
    note = told(plan, "置换债券截止日前利息")
    assert "利息3.00万元（按年付息）已从上述资金来源扣除：政府性基金0.00万元，其他资金" in note
    assert note.endswith("另有3.00万元没有资金，列入缺口")


def test_fees_say_what_they_are_charged_on():
    """40 repaid early × 1 % = 0.40; 60 replaced × 0.5 % = 0.30."""
    plan = fm.plan_clearance(
        [{"contract_id": "A", "principal_wan": 40.0, "rate_pct": 9.0, "prepayable": True,
          "prepay_fee_pct": 1.0, "maturity": "2030-12-31", "frequency": "year"},
         {"contract_id": "B", "principal_wan": 60.0, "rate_pct": 9.0, "replaceable": True,
          "replace_fee_pct": 0.5, "maturity": "2030-12-31", "frequency": "year"}],
        [{"source_id": "budget", "period": 2026, "cap_wan": 60.0, "available_from": "2026-01-01"}],
        [{"period": 2026, "quota_wan": 60.0, "rate_pct": 2.0, "available_from": "2026-01-01"}],
        as_of="2025-12-31", deadline="2026-12-31",
    )  # fmt: skip
    assert plan.holds
    assert round(plan.fee_wan, 2) == 0.70
    note = told(plan, "费用：")
    assert "A提前还款费（提前偿还部分的1%）0.40万元" in note
    assert "B被置换部分60.00万元的0.5%（付给债权人）0.30万元" in note


def test_a_fee_that_cannot_arise_is_told():
    ledger = read_hidden_ledger([
        {"contract_id": "A", "principal_wan": 10.0, "rate_pct": 5.0, "prepay_fee_pct": 1.0},
        {"contract_id": "B", "principal_wan": 10.0, "rate_pct": 5.0, "replace_fee_pct": 0.5},
        {"contract_id": "C", "principal_wan": 10.0, "rate_pct": 5.0, "prepay_fee_pct": 1.0,
         "prepayable": True},
    ])  # fmt: skip
    unused = [f for f in ledger.found if f.rule == "fee_unused"]
    assert [f.where for f in unused] == ["A", "B"]
    assert "不可提前偿还" in unused[0].said.zh
    assert "不可置换" in unused[1].said.zh


def test_the_day_count_of_accrued_interest_is_said():
    """A: 100 × 6 % × 60/360 = 1.00 from 31 October to 31 December by 30/360."""
    plan = fm.plan_clearance(
        [{"contract_id": "A", "principal_wan": 100.0, "rate_pct": 6.0, "frequency": "year",
          "interest_paid_to": "2025-10-31", "maturity": "2026-10-31"}],
        [{"source_id": "budget", "period": 2026, "cap_wan": 120.0}], as_of="2025-12-31",
    )  # fmt: skip
    assert "合计1.00万元（计息基准30/360）" in told(plan, "1笔债务余额日前已计利息")


def test_coupons_by_the_quota_s_own_frequency():
    """100 at 4 %: half-yearly coupons of 2 after 6, 12, 18 and 24 months, principal at the end."""
    half = Quota("A", "", "2026", dt.date(2026, 1, 1), dt.date(2026, 1, 1), 100.0, 4.0, 2.0,
                 "bullet", 0.0, "half_year")  # fmt: skip
    assert half.service() == [(6, 0.0, 0.02), (12, 0.0, 0.02), (18, 0.0, 0.02), (24, 1.0, 0.02)]
    # Worth par at (1 + 0.02)² − 1 = 4.04 % a year.
    assert round(half.yield_pct, 6) == 4.04
    given = {
        "as_of": "2025-12-31", "deadline": "2026-12-31",
        "sources": [{"source_id": "budget", "period": 2026, "cap_wan": 10.0, "carry": True}],
        "ledger": [{"contract_id": "A", "principal_wan": 100.0, "rate_pct": 0.0, "maturity":
                    "2026-01-31", "replaceable": True}],
    }  # fmt: skip
    batch = {"period": 2026, "quota_wan": 100.0, "rate_pct": 4.0, "available_from": "2026-01-31"}
    # By the end of 2026: one coupon of 2.00 in July by half-years, none by years.
    assert fm.plan_clearance(quotas=[batch], **given).bond_interest_wan == 0.0
    plan = fm.plan_clearance(quotas=[batch | {"frequency": "按半年"}], **given)
    assert plan.bond_interest_wan == 2.0
    assert "（按半年付息）" in plan.sentence()


def test_no_row_of_one_fen_in_the_sample_s_gap():
    outcome = fm.evaluate(fm.load_scenario("params/scenarios/sample_county/pessimistic.yaml"))
    assert outcome.plan.schedule["amount_wan"].min() > 0.0001
    warnings = [text.zh for text in fm.summarise(outcome).warnings]
    assert any("无法于2028年12月31日前清零" in text for text in warnings)


def test_overdue_debt_that_is_paid_after_other_debt_was_repaid_early_is_named():
    """100 at 5 % due 2028 and prepayable, 10 overdue at 0 %: the first is repaid first."""
    ledger = pd.DataFrame([
        {"contract_id": "A", "principal_wan": 100, "rate_pct": 5, "maturity": "2028-12-31",
         "prepayable": "是"},
        {"contract_id": "B", "principal_wan": 10, "rate_pct": 0, "maturity": "2025-06-30",
         "overdue": "是"},
    ])  # fmt: skip
    money = {"source_id": "财政资金", "category": "财政资金", "cap_wan": 60}
    sources = pd.DataFrame([{**money, "period": year} for year in (2026, 2027)])
    plan = fm.plan_clearance(ledger, sources, as_of="2025-12-31")
    said = [n for n in map(str, plan.notes) if n.startswith("B is overdue but costs less")]
    last = plan.schedule.query("contract_id == 'B'")["date"].max()
    assert plan.status == "optimal"
    assert len(said) == 1
    assert f"{last:%Y-%m-%d}" in said[0]
    first = ledger.assign(clear_by=[None, "2026-02-28"])
    plan = fm.plan_clearance(first, sources, as_of="2025-12-31")
    assert not any("is overdue but" in str(n) for n in plan.notes)


def test_money_that_comes_too_late_for_a_gap_is_named() -> None:
    """100 due in June 2026, 60 of money in 2027: the gap is of 2026, and the 60 lapse."""
    ledger = [{"contract_id": "A", "principal_wan": 100, "rate_pct": 0, "maturity": "2026-06-30"}]
    sources = [
        {"source_id": "S", "category": "财政资金", "period": "2027", "cap_wan": 60},
    ]
    plan = fm.plan_clearance(ledger, sources, as_of="2025-12-31", deadline="2028-12-31")
    assert plan.shortfall["amount_wan"].sum() == 100
    assert plan.by_source["lapsed_wan"].sum() == 60
    (note,) = [n.zh for n in plan.notes if "失效" in n.zh]
    assert note.startswith("2026年及以后有60.00万元自有资金失效")
