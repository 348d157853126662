"""Dates of a clearance plan: small cases with their hand arithmetic, whatever the frequency."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise

import pytest

import fiscalmodel as fm
from fiscalmodel.debt.clearance.given import Quota
from fiscalmodel.debt.clearance.problem import position

EVERY = pytest.mark.parametrize("frequency", ["month", "quarter", "year"])
AS_OF = {"as_of": "2025-12-31"}


def loan(rate=6.0, maturity="2028-12-31", **more):
    return [{"contract_id": "A", "principal_wan": 100.0, "rate_pct": rate, "maturity": maturity}
            | more]  # fmt: skip


def at_year_ends(*caps, first=2026):
    return [{"source_id": "own", "period": first + t, "cap_wan": cap,
             "available_from": f"{first + t}-12-31"} for t, cap in enumerate(caps)]  # fmt: skip


@EVERY
def test_money_of_december_does_not_pay_january(frequency):
    """100 due on 15 January with 15 days of 360 at 6 %: 100.25, and money only in December."""
    money = [{"source_id": "own", "period": 2026, "cap_wan": 500.0, "available_from": "2026-12-01"}]
    plan = fm.plan_clearance(loan(maturity="2026-01-15"), money, frequency=frequency, **AS_OF)
    assert plan.status == "infeasible"
    needed = plan.shortfall.groupby("date")["amount_wan"].sum()
    assert needed.to_dict() == pytest.approx({dt.date(2026, 1, 15): 100.25})


@EVERY
@pytest.mark.parametrize(
    ("pct", "replaced", "kept"), [(2.5, 101.19, 110.00), (2.24, 103.68, 110.79)]
)
def test_quota_replaces_dear_debt(frequency, pct, replaced, kept):
    """6 % to 2028 against 2.24 % over ten years, usable on 31 December 2026 only.

    Kept: 6 / 1.025 + 6 / 1.025² + 106 / 1.025³ = 110.00. Replaced: 6 / 1.025 and a bond worth
    100 − 0.26 · 8.7521 = 97.72 at its issue, 97.72 / 1.025 = 95.34: together 101.19.
    """
    quota = [{"period": 2026, "quota_wan": 100, "rate_pct": 2.24, "available_from": "2026-12-31"}]
    options = {"frequency": frequency, "discount_pct": pct, **AS_OF}
    debt = loan(replaceable=True)
    for rule in ("quota_first", "least_interest", "least_present_value"):
        plan = fm.plan_clearance(debt, at_year_ends(6, 6, 106), quota, rule=rule, **options)
        assert plan.status == "optimal"
        assert plan.quota_used_wan == pytest.approx(100)
        assert plan.present_value_wan == pytest.approx(replaced, abs=0.005)
        # 6 in 2026, then 2.24 in 2027 and in 2028.
        assert plan.cost_wan == pytest.approx(10.48)
        assert plan.bond_life_wan == pytest.approx(22.4)
    alone = fm.plan_clearance(debt, at_year_ends(6, 6, 106), **options)
    assert alone.present_value_wan == pytest.approx(kept, abs=0.005)


def test_the_rate_is_the_mean_yield_of_the_batches():
    quotas = [
        {"period": 2026, "quota_wan": 100, "rate_pct": 2.0, "batch": "一"},
        {"period": 2026, "quota_wan": 300, "rate_pct": 2.4, "batch": "二"},
    ]
    plan = fm.plan_clearance(loan(), at_year_ends(6, 6, 106), quotas, **AS_OF)
    assert plan.discount_pct == pytest.approx(2.3)  # (2.0 + 3 · 2.4) / 4
    # 1 % cost of issue: 100 − 1 buys the service, so that the yield is above the coupon.
    costly = fm.plan_clearance(loan(), at_year_ends(6, 6, 106),
                               [quotas[0] | {"issue_cost_pct": 1.0}], **AS_OF)  # fmt: skip
    years = sum(2 / 1.02112**t for t in range(1, 11)) + 100 / 1.02112**10
    assert (costly.discount_pct, years) == pytest.approx((2.112, 99), abs=2e-3)


@EVERY
@pytest.mark.parametrize(("count", "latest"), [("30/360", 100.00), ("ACT/365", 100.0137)])
def test_latest_schedule_and_least_total(frequency, count, latest):
    """5 a year only pay the interest of 100 at 5 %; 2028 has 366 days.

    Least total at the end of 2026: x with 100 · 1.05³ = 5 · 1.05² + x · 1.05² + 5 · 1.05 + 5,
    x = 100 / 1.1025 = 90.70.
    """
    plan = fm.plan_clearance(
        loan(5.0, "2030-12-31", prepayable=True), at_year_ends(5, 5, 5), day_count=count,
        frequency=frequency, **AS_OF,
    )  # fmt: skip
    needed = plan.shortfall.groupby("date")["amount_wan"].sum()
    assert needed.to_dict() == pytest.approx({dt.date(2028, 12, 31): latest}, abs=1e-3)
    if frequency == "year":
        least = plan.least_shortfall.groupby("date")["amount_wan"].sum()
        assert least.to_dict() == pytest.approx({dt.date(2026, 12, 31): 90.70}, abs=0.005)


@EVERY
def test_no_money_at_all(frequency):
    """5 by 2026, 100 and 5 by 2027: one schedule as a whole."""
    plan = fm.plan_clearance(loan(5.0, "2027-12-31"), [], frequency=frequency, **AS_OF)
    needed = plan.shortfall.groupby("date")["amount_wan"].sum()
    assert needed.to_dict() == pytest.approx({dt.date(2026, 12, 31): 5, dt.date(2027, 12, 31): 105})


def test_by_contract_is_for_shantytown_debt_only():
    trust = loan(maturity="2035-06-30", by_contract=True, category="信托")
    with pytest.raises(fm.InputError, match="only shantytown debt due in 2029 or later"):
        fm.plan_clearance(trust, [], **AS_OF)
    early = loan(maturity="2028-06-30", by_contract=True, category="棚改")
    plan = fm.plan_clearance(early, [], **AS_OF)
    assert any("nothing of it is due in 2029 or later" in note for note in plan.notes)
    assert plan.opening_wan == 100


def test_two_batches_of_a_year_keep_their_rates():
    quotas = [{"period": 2026, "quota_wan": 50, "rate_pct": r, "available_from": "2026-06-30"}
              for r in (2.0, 2.4)]  # fmt: skip
    plan = fm.plan_clearance(loan(replaceable=True), at_year_ends(10, 10, 10), quotas, **AS_OF)
    assert plan.register["bond_rate_pct"].tolist() == [2.0, 2.4]
    assert plan.register["replaced_wan"].tolist() == pytest.approx([50, 50])
    assert plan.register["batch"].nunique() == 2


def test_limit_of_special_debt_is_raised_by_the_quota_and_blocks_where_it_is_broken():
    quota = [{"period": 2026, "quota_wan": 60, "rate_pct": 2.2, "available_from": "2026-06-30"}]
    limits = [{"year": y, "special_limit_wan": 500} for y in (2026, 2027, 2028)]
    options = {"limits": limits, **AS_OF}
    money = at_year_ends(120, 10, 10)
    within = fm.plan_clearance(loan(replaceable=True), money, quota, special_wan=500, **options)
    assert within.quota_used_wan == pytest.approx(60)
    above = fm.plan_clearance(loan(replaceable=True), money, quota, special_wan=501, **options)
    assert above.quota_used_wan == 0
    assert any("special debt is above its limit" in note for note in above.notes)


def test_without_consent_nothing_is_replaced():
    quota = [{"period": 2026, "quota_wan": 100, "rate_pct": 2.2, "available_from": "2026-06-30"}]
    plan = fm.plan_clearance(
        loan(replaceable=True, consent="否"), at_year_ends(6, 6, 106), quota, **AS_OF
    )
    assert plan.quota_used_wan == 0
    assert any("has not consented" in note for note in plan.notes)


def test_a_claim_inside_the_spending_line_is_not_taken_off_again():
    money = [{"source_id": "GPB", "category": "财政资金", "period": 2028, "cap_wan": 106.0}]
    needs = [{"period": 2028, "need_wan": 50, "item": "一般债券付息", "inside": "是"}]
    debt = loan(rate=0.0)
    assert fm.plan_clearance(debt, money, reserved=needs, **AS_OF).status == "optimal"
    taken = fm.plan_clearance(debt, money, reserved=[needs[0] | {"inside": "否"}], **AS_OF)
    assert taken.shortfall_wan == pytest.approx(44)  # 106 − 50 = 56


def test_a_gap_below_one_fen_is_none():
    money = [{"source_id": "own", "period": y, "cap_wan": c} for y, c in
             ((2026, 5.0), (2027, 5.0), (2028, 104.9999995))]  # fmt: skip
    assert fm.plan_clearance(loan(5.0), money, frequency="year", **AS_OF).status == "optimal"


@pytest.mark.parametrize("repayment", ["bullet", "equal_principal", "equal_instalment"])
@pytest.mark.parametrize("tenor", [1, 10, 17.5, 30])
def test_bond_service(repayment, tenor):
    """All principal comes back; at its own rate a bond of whole years is worth 1."""
    day = dt.date(2026, 1, 1)
    flows = Quota("q", "", "2026", day, day, 1.0, 2.24, tenor, repayment, 0.0).service()
    assert flows[-1][0] == round(tenor * 12)
    assert sum(principal for _, principal, _ in flows) == pytest.approx(1.0, abs=1e-12)
    if tenor == int(tenor):
        worth = sum((p + c) / 1.0224 ** (m / 12) for m, p, c in flows)
        assert worth == pytest.approx(1.0, abs=1e-12)
    if repayment == "equal_instalment" and tenor == int(tenor):
        service = [p + c for _, p, c in flows]
        assert max(service) - min(service) < 1e-12


def test_months_are_whole_in_30_360():
    ends = [dt.date(2026, 1, 31), dt.date(2026, 2, 28), dt.date(2026, 3, 31), dt.date(2026, 4, 30)]
    assert [position(b) - position(a) for a, b in pairwise(ends)] == [30] * 3


def test_ties_go_by_contract_id_not_by_row():
    debts = [loan(5.0, "2031-12-31", prepayable=True)[0] | {"contract_id": n} for n in "BCA"]
    money = [{"source_id": "own", "period": y, "cap_wan": 125.0} for y in (2026, 2027, 2028)]
    one = fm.plan_clearance(debts, money, **AS_OF)
    two = fm.plan_clearance(debts[::-1], money, **AS_OF)
    assert one.schedule.equals(two.schedule)
    assert (one.schedule["amount_wan"] >= 1e-6).all()
    # The lowest id first: A is repaid before B, and B before C.
    repaid = one.schedule[one.schedule["use"] == "principal"]
    days = repaid.groupby("contract_id")["date"].agg(["min", "max"])
    assert days.loc["A", "max"] <= days.loc["B", "min"]
    assert days.loc["B", "max"] <= days.loc["C", "min"]


def test_what_is_not_proven_is_said(monkeypatch):
    """No node, no heuristic: neither "cannot" nor "at least"."""
    from fiscalmodel.debt.clearance import program

    monkeypatch.setattr(program, "roundings", lambda *_: [])
    monkeypatch.setattr(program, "MOST_WHOLE", -1)
    debt = loan(5.0, "2030-12-31", prepayable=True, min_instalment_wan=30)
    plan = fm.plan_clearance(debt, at_year_ends(35, 40, 45), **AS_OF)
    assert plan.status in ("unknown", "feasible")
    told = plan.sentence("en")
    assert "cannot" not in told
    assert "at least" not in told


#: 10,400 at 6 % with coupons of 624.00 on 20 June; of it 190 of 360 days, 329.33, lie in 2025.
COUPON = {"contract_id": "A", "principal_wan": 10_400.0, "rate_pct": 6.0, "maturity": "2026-06-20"}


@EVERY
@pytest.mark.parametrize(
    ("terms", "interest"),
    [
        ({}, 294.67),  # no day of interest is known: 10,400 · 6 % · 170 / 360
        ({"frequency": "按年"}, 624.00),  # the whole coupon since 20 June 2025
        ({"frequency": "按年", "start": "2025-09-20"}, 468.00),  # 270 / 360 of it since the start
        ({"frequency": "按年", "interest_paid_to": "2025-12-31"}, 294.67),
        ({"interest_paid_to": "2024-06-20"}, 1_248.00),  # two coupons
        ({"frequency": "按半年"}, 312.00),  # paid on 20 December
        ({"day_count": "ACT/365", "frequency": "按年"}, 624.00),
        ({"day_count": "ACT/ACT", "frequency": "按年"}, 624.00),
    ],
)
def test_the_next_day_of_interest_pays_the_whole_period(terms, interest, frequency):
    money = [
        {"source_id": "own", "period": 2026, "cap_wan": 20_000, "available_from": "2026-01-01"}
    ]
    plan = fm.plan_clearance([COUPON | terms], money, frequency=frequency, **AS_OF)
    paid = plan.schedule[plan.schedule["use"].eq("interest")]
    first = {dt.date(2026, 6, 20): interest}
    assert paid.groupby("date")["amount_wan"].sum().to_dict() == pytest.approx(first, abs=0.005)
    assert plan.cost_wan == pytest.approx(interest, abs=0.005)


def test_repaid_before_the_day_of_interest_settles_what_accrued():
    """Repaid on 31 March: 280 days of 360 since 20 June 2025, of which 190 before the plan."""
    money = [
        {"source_id": "own", "period": 2026, "cap_wan": 20_000, "available_from": "2026-03-31"}
    ]
    debt = COUPON | {"maturity": "2027-06-20", "frequency": "按年", "prepayable": True}
    plan = fm.plan_clearance([debt], money, **AS_OF)
    assert plan.cost_wan == pytest.approx(10_400 * 0.06 * 280 / 360, abs=1e-6)
    accrued = 10_400 * 0.06 * 190 / 360
    assert any("1笔" in note.zh and f"{accrued:,.2f}万元" in note.zh for note in plan.notes)


@pytest.mark.parametrize("day", ["2026-01-15", "2019-06-20"])
def test_interest_is_paid_to_a_day_between_start_and_balance(day):
    debt = COUPON | {"start": "2020-06-20", "interest_paid_to": day}
    with pytest.raises(fm.InputError, match="is not between start"):
        fm.plan_clearance([debt], [], **AS_OF)


def test_a_ledger_read_before_keeps_what_is_not_stated():
    """Blank frequency stays blank, so that a plan of a plan's ledger is the same plan."""
    money = at_year_ends(20_000)
    for terms in ({}, {"frequency": "按年"}, {"interest_paid_to": "2025-10-01"}):
        one = fm.plan_clearance([COUPON | terms | {"maturity": "2026-12-31"}], money, **AS_OF)
        two = fm.plan_clearance(one.given.ledger, money, **AS_OF)
        assert two.schedule.equals(one.schedule)
