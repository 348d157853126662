"""Plans in whole 分: what rounding leaves is no payment of its own."""

from __future__ import annotations

import pytest

import fiscalmodel as fm

YEARS = {"as_of": "2026-12-31", "deadline": "2029-12-31", "frequency": "year", "capitalise": True}


def plan_of(least: float, **options):
    """100 at 2.4 % whose interest is added; 40 of own money in 2027, quota of 75 in 2028."""
    ledger = [{"contract_id": "A", "principal_wan": 100.0, "rate_pct": 2.4, "prepayable": True,
               "maturity": "2030-12-31", "replaceable": True,
               "min_instalment_wan": least}]  # fmt: skip
    sources = [{"source_id": "own", "period": 2027, "cap_wan": 40.0}]
    quota = [{"period": 2028, "available_from": "2028-12-31", "quota_wan": 75.0, "rate_pct": 2.0}]
    return fm.plan_clearance(ledger, sources, quota, **YEARS, **options)


@pytest.mark.parametrize("least", [0.0, 20.0])
def test_what_grows_to_the_quota_is_replaced_to_the_last_fen(least):
    """x · 1.024 = 75 asks for x = 73.2421875, which is no whole 分.

    73.242188 would grow to 75.000001 and leave a 分 that the quota does not cover;
    73.242187 grows by 1.757812 to 74.999999, all of it replaced. Paid in 2027: 100 + 2.4 −
    73.242187 = 29.157813, of which 2.4 is interest. The coupon of 74.999999 at 2 % in 2029 is
    1.5.
    """
    plan = plan_of(least, bond_service=False)
    paid = plan.schedule[["period", "use", "amount_wan"]].to_numpy().tolist()
    assert paid == [
        ["2027", "interest", 2.4], ["2027", "principal", 26.757813],
        ["2028", "replacement", 74.999999],
    ]  # fmt: skip
    assert plan.contracts["closing_wan"].tolist() == [73.242187, 0.0, 0.0]


def test_a_minimum_instalment_is_met_to_the_fen():
    """Interest that is added is in the balance once: 29.1578125 is paid as 29.157813, not less."""
    plan = plan_of(29.1578125, bond_service=False)
    cash = plan.schedule.loc[plan.schedule["use"].ne("replacement"), "amount_wan"].sum()
    assert cash == pytest.approx(29.157813, abs=1e-9)
