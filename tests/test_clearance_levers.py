"""Levers, targets and break points of clearance plans: hand arithmetic, and tried out."""

from __future__ import annotations

import datetime as dt
import os
from dataclasses import replace

import numpy as np
import pytest
from clearance_oracle import random_case, yearly

import fiscalmodel as fm
from fiscalmodel.debt.clearance.whatif import (
    earliest_clearance,
    even_effort,
    latest_start,
    targets,
)

SOAK = os.environ.get("FISCALMODEL_SOAK") == "1"
AS_OF = {"as_of": "2026-12-31"}


def loan(principal=100, rate=0, maturity="2028-12-31", **more):
    return {"contract_id": "A", "principal_wan": principal, "rate_pct": rate,
            "maturity": maturity} | more  # fmt: skip


def source(cap, period=2028, category="fiscal", name=None, **more):
    return {"source_id": name or category, "category": category, "period": period,
            "cap_wan": cap} | more  # fmt: skip


def lever(plan, name):
    return plan.levers.set_index("lever").loc[name]


def test_no_gap_no_levers():
    plan = yearly([loan()], [source(100)], **AS_OF)
    assert plan.levers.empty
    assert list(plan.levers.columns) == ["lever", "amount", "unit", "closes", "detail"]


def test_extra_funds_a_year():
    """100 at 10 %, prepayable, nothing to pay with: 100 * 1.21 = x * 1.1 + x, x = 57.619."""
    ledger = [loan(rate=10, prepayable=True, maturity="2029-12-31")]
    plan = yearly(ledger, [], **AS_OF)
    row = lever(plan, "extra_funds")
    assert row["closes"]
    assert row["amount"] == pytest.approx(121 / 2.1, abs=1e-6)
    assert plan.shortfall_wan == pytest.approx(120)  # 10 of interest, then 100 and 10
    assert plan.least_shortfall["amount_wan"].sum() == pytest.approx(110)  # all at the end of 2027


def test_levers_close_the_gap_and_less_does_not():
    tried = {"extra_funds": 0, "extra_quota": 0}
    rng = np.random.default_rng(3)
    for _ in range(400 if SOAK else 140):
        case = random_case(rng, contracts=4, years=3, quota=True)
        tables, options = case.arguments()
        plan = yearly(*tables, **options)
        if plan.status != "infeasible":
            continue
        for name in tried:
            row = lever(plan, name)
            if not row["closes"] or row["amount"] < 1e-3:
                continue
            tried[name] += 1
            for factor, status in ((1 + 1e-6, "optimal"), (1 - 1e-3, "infeasible")):
                changed = _with_lever(case, name, row, factor)
                tables, options = changed.arguments()
                assert yearly(*tables, **options).status == status
    assert min(tried.values()) >= 2


def _with_lever(case, name, row, factor):
    if name == "extra_funds":
        extra = [source(row["amount"] * factor, 2027 + t, name="more") for t in range(case.years)]
        return replace(case, sources=[*case.sources, *extra])
    added = {}
    for part in row["detail"].split(", "):
        amount, period = part.split(" in ")
        added[int(period)] = float(amount.replace(",", ""))
    # The detail is printed to two decimals: scaled up again to the exact sum.
    exact = row["amount"] / sum(added.values()) * factor
    quotas = [
        q | {"quota_wan": q["quota_wan"] + added.get(q["period"], 0.0) * exact} for q in case.quotas
    ]
    return replace(case, quotas=quotas)


def test_extra_quota_needs_a_quota():
    row = lever(yearly([loan(replaceable=True)], [], **AS_OF), "extra_quota")
    assert not row["closes"]
    quota = [{"period": 2028, "quota_wan": 30, "rate_pct": 2.2}]
    row = lever(yearly([loan(replaceable=True)], [], quota, **AS_OF), "extra_quota")
    assert row["closes"]
    assert row["amount"] == pytest.approx(70)


def test_earlier_disposal():
    ledger = [loan(maturity="2027-12-31")]
    sources = [source(100, 2028, "asset_disposal")]
    row = lever(yearly(ledger, sources, **AS_OF), "earlier_disposal")
    assert (row["closes"], row["amount"], row["unit"]) == (True, 12, "months")
    monthly = [source(100, "2027-11", "asset_disposal")]
    plan = yearly([loan(maturity="2027-06-30")], monthly, frequency="month", **AS_OF)
    assert lever(plan, "earlier_disposal")["amount"] == 5
    plan = yearly(ledger, [source(90, 2028, "asset_disposal")], **AS_OF)
    assert not lever(plan, "earlier_disposal")["closes"]


def test_longer_deadline():
    """40 a year go on: 80 by 2028, 120 by 2029."""
    ledger = [loan(maturity="2035-12-31", prepayable=True)]
    plan = yearly(ledger, [source(40, 2027), source(40, 2028)], **AS_OF)
    row = lever(plan, "longer_deadline")
    assert (row["closes"], row["amount"]) == (True, 12)
    assert "2029-12-31" in row["detail"]
    due = yearly([loan()], [source(40, 2027), source(40, 2028)], **AS_OF)
    assert not lever(due, "longer_deadline")["closes"]


def test_a_rule_may_fail_where_the_money_is_enough():
    """The dear loan takes the kept money that the due one needs a year later."""
    ledger = [
        loan(),
        loan(rate=8, prepayable=True, maturity="2029-12-31") | {"contract_id": "B"},
    ]
    sources = [source(108, 2027, carry=True), source(108, 2028, name="own", earmark="B")]
    plan = yearly(ledger, sources, rule="highest_rate_first", **AS_OF)
    assert plan.status == "infeasible"
    assert plan.levers["lever"].tolist() == ["least_cost_order"]


def test_even_effort():
    """As extra funds above, in place of the fiscal sources, with 21 of a sale in 2028."""
    ledger = [loan(rate=10, prepayable=True, maturity="2029-12-31")]
    sources = [source(500, 2027), source(21, 2028, "asset_disposal")]
    plan = yearly(ledger, sources, **AS_OF)
    assert even_effort(plan.given) == pytest.approx(100 / 2.1, abs=1e-6)
    fixed = yearly([loan(maturity="2031-12-31")], sources, **AS_OF)
    assert np.isnan(even_effort(fixed.given))


def test_latest_start_and_earliest_clearance():
    ledger = [loan(prepayable=True, maturity="2029-12-31")]
    sources = [source(60, "2027"), source(60, "2028")]
    plan = yearly(ledger, sources, frequency="quarter", **AS_OF)
    # 15 a quarter; the money of 2027 is lost at its end: 40 of it are needed in 2027.
    assert latest_start(plan.problem) == "2027Q4"
    # 60 in 2027 and 40 in 2028: 15 + 15 + 15 by 2028Q3.
    assert earliest_clearance(plan.given, plan.problem) == dt.date(2028, 9, 30)
    assert plan.targets.equals(targets(plan.given, plan.problem))
    assert plan.targets["target"].tolist() == ["even_effort", "latest_start", "earliest_clearance"]
    none = yearly(ledger, [], **AS_OF)
    assert latest_start(none.problem) is None
    assert earliest_clearance(none.given, none.problem) is None


def points(ledger, sources, quotas=None, **options):
    options |= {"frequency": "year"} | AS_OF
    return fm.break_points(ledger, sources, quotas, **options).set_index("shock")


def test_break_points_by_hand():
    ledger = [loan(150, rate=5, replaceable=True)]
    sources = [
        source(10, 2027),
        source(100, 2028, "land"),
        source(50, 2028, "transfer"),
        source(50, 2028, "asset_disposal", haircut_pct=20),
    ]
    quota = [{"period": 2027, "quota_wan": 40, "rate_pct": 2.2}]
    found = points(ledger, sources, quota)
    # 2027: 7.5 of interest, 40 replaced. 2028: 110 * 1.05 = 115.5 and 40 * 2.2 % = 0.88 of
    # interest on the bonds against 190; the bonds are issued at the end of 2027.
    assert found.loc["land_revenue", "break_point"] == pytest.approx(73.62, abs=1e-6)
    assert found.loc["transfers", "outcome"] == "survives_all"
    assert found.loc["disposal_price", "outcome"] == "survives_all"
    # 2027 has 10 for 7.5: the first to fail when rates rise is 2027, at 10 / 150 = 6.66 %.
    assert found.loc["rates", "break_point"] == 166
    assert found.loc["rates", "unit"] == "bp"
    # Without any quota 157.5 is due in 2028, still below 190.
    assert found.loc["quota_delay", "outcome"] == "survives_all"
    # Fiscal money may fall from 10 to 7.5.
    assert found.loc["fiscal_funds", "break_point"] == pytest.approx(25.0, abs=1e-6)


def test_quota_delay():
    ledger = [loan(100, maturity="2027-12-31", replaceable=True, extendable_to="2028-12-31")]
    quota = [{"period": 2027, "quota_wan": 100, "rate_pct": 2.2}]
    found = points(ledger, [source(0)], quota, bond_service=False)
    assert found.loc["quota_delay", "break_point"] == 12
    assert found.loc["quota_delay", "outcome"] == "fails_beyond"
    assert found.loc["land_revenue", "outcome"] == "none_to_shock"


def test_exposure_of_a_mixed_source():
    """A third of the budget hangs on land: it falls by 30 % when land falls by 90 %."""
    found = points([loan(70)], [source(100, name="GPB")],
                   exposure={"land_revenue": {"GPB": 1 / 3}})  # fmt: skip
    assert found.loc["land_revenue", "break_point"] == pytest.approx(90.0, abs=1e-6)
    with pytest.raises(fm.InputError, match="no source is called 'X'"):
        points([loan(70)], [source(100)], exposure={"land_revenue": {"X": 1}})


def test_break_points_of_no_plan():
    found = points([loan(100)], [source(50)])
    plan = yearly([loan(100)], [source(50)], **AS_OF)
    assert plan.break_points.set_index("shock").equals(found)
    assert set(found["outcome"]) == {"fails_already"}


def test_break_point_is_where_the_plan_just_fails():
    rng = np.random.default_rng(9)
    tried = 0
    for _ in range(300 if SOAK else 30):
        case = random_case(rng, contracts=3, years=3, quota=False)
        sources = [
            s | {"category": "land" if s["source_id"] == "S0" else "x"} for s in case.sources
        ]
        tables, options = replace(case, sources=sources).arguments()
        found = fm.break_points(*tables, frequency="year", **options).set_index("shock")
        row = found.loc["land_revenue"]
        if row["outcome"] != "fails_beyond":
            continue
        tried += 1
        for change, status in ((-1e-4, "optimal"), (1e-2, "infeasible")):
            fall = min(row["break_point"] + change, 100.0)
            shocked = [
                s | {"cap_wan": s["cap_wan"] * (1 - fall / 100)} if s["category"] == "land" else s
                for s in sources
            ]
            assert yearly(tables[0], shocked, tables[2], **options).status == status
    assert tried > 5


def test_levers_in_chinese():
    plan = yearly([loan()], [source(40)], **AS_OF)
    table = plan.lever_table("zh").set_index("lever")
    assert table.loc["extra_funds", "unit"] == "万元/年"
    assert table.loc["extra_funds", "detail"] == "2027—2028年每年"
    assert table.loc["extra_funds", "amount"] == plan.levers["amount"][0]
    assert all(note.zh and note.en for note in plan.notes)


def test_what_is_overdue_is_paid_before_what_is_not_due():
    """Money 60 of 2026 lapses. D pays 100 × 5 % = 5 in June; P 60 × 6 % = 3.60 at the year's end.

    O is overdue and cheaper than P: 50 + 50 × 4 % / 360 = 50.0056 on 1 January. Left for P on
    that day: y (1 + 6 % / 360) + (60 - y) 6 % = 60 - 5 - 50.0056, so y = 1.3944 / .940167 = 1.4832.
    """
    plan = fm.plan_clearance(
        [{"contract_id": "D", "principal_wan": 100.0, "rate_pct": 5.0, "frequency": "year",
          "maturity": "2027-06-30", "interest_paid_to": "2025-06-30"},
         {"contract_id": "O", "principal_wan": 50.0, "rate_pct": 4.0, "overdue": True},
         {"contract_id": "P", "principal_wan": 60.0, "rate_pct": 6.0, "frequency": "year",
          "maturity": "2030-12-31", "prepayable": True}],
        [{"source_id": "budget", "period": 2026, "cap_wan": 60.0, "available_from": "2026-01-01"},
         {"source_id": "budget", "period": 2027, "cap_wan": 50.0, "available_from": "2027-01-01"}],
        as_of="2025-12-31", deadline="2027-12-31",
    )  # fmt: skip
    assert plan.status == "infeasible"
    early = plan.schedule[[day.year == 2026 for day in plan.schedule["date"]]]
    principal = early[early["use"] == "principal"].set_index("contract_id")["amount_wan"]
    assert principal.round(4).to_dict() == {"O": 50.0, "P": 1.4832}


def test_nothing_is_repaid_early_in_a_year_in_which_money_is_missing():
    """E and F are due on 31 December: 40 + 3.20 and 40 + 2.00 against 50: 35.20 are missing.

    E repaid on 1 January would save 3.19 and leave F alone unpaid: the least total is 32.01.
    """
    plan = fm.plan_clearance(
        [{"contract_id": "E", "principal_wan": 40.0, "rate_pct": 8.0, "frequency": "year",
          "maturity": "2026-12-31", "prepayable": True},
         {"contract_id": "F", "principal_wan": 40.0, "rate_pct": 5.0, "frequency": "year",
          "maturity": "2026-12-31"}],
        [{"source_id": "budget", "period": 2026, "cap_wan": 50.0, "available_from": "2026-01-01"}],
        as_of="2025-12-31", deadline="2026-12-31",
    )  # fmt: skip
    assert round(plan.shortfall_wan, 2) == 35.20
    assert {str(day) for day in plan.schedule["date"]} == {"2026-12-31"}
    assert round(float(plan.least_shortfall["amount_wan"].sum()), 2) == 32.01


def test_money_that_may_pay_nothing_else_is_not_kept_back():
    """Toll money of 30 may pay T alone, and lapses; 100 + 5 of U are due and 20 are there.

    T: 30 × (1 + 6 % / 360) = 30.005 on 1 January, so 29.995 of it; U lacks 85.00.
    """
    plan = fm.plan_clearance(
        [{"contract_id": "T", "principal_wan": 29.995, "rate_pct": 6.0, "frequency": "year",
          "maturity": "2030-12-31", "prepayable": True},
         {"contract_id": "U", "principal_wan": 100.0, "rate_pct": 5.0, "frequency": "year",
          "maturity": "2026-12-31"}],
        [{"source_id": "toll", "period": 2026, "cap_wan": 30.0, "available_from": "2026-01-01",
          "earmark": "T"},
         {"source_id": "budget", "period": 2026, "cap_wan": 20.0, "available_from": "2026-01-01"}],
        as_of="2025-12-31", deadline="2026-12-31",
    )  # fmt: skip
    assert round(plan.shortfall_wan, 2) == 85.00
    paid = plan.schedule[plan.schedule["contract_id"] == "T"]
    assert {str(day) for day in paid["date"]} == {"2026-01-01"}
