"""Identities of every clearance plan: nothing is lost, no term is broken."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from clearance_oracle import random_case, yearly
from hypothesis import given
from hypothesis import strategies as st

from fiscalmodel.debt.clearance.problem import position

RULES = ["quota_first", "least_interest", "highest_rate_first", "earliest_maturity_first",
         "pro_rata"]  # fmt: skip
#: Amounts of a few hundred 万元; the solver's own tolerance is 1e-7.
CLOSE = 1e-6


@given(
    seed=st.integers(0, 2**32 - 1),
    rule=st.sampled_from(RULES),
    capitalise=st.booleans(),
    frequency=st.sampled_from(["year", "quarter"]),
)
def test_plan_adds_up(seed, rule, capitalise, frequency):
    rng = np.random.default_rng(seed)
    case = random_case(rng, contracts=int(rng.integers(1, 6)), years=3, quota=bool(seed % 2))
    tables, options = case.arguments()
    plan = yearly(
        *tables, **options | {"rule": rule, "capitalise": capitalise, "frequency": frequency}
    )
    check_contracts(plan)
    check_interest(plan, case)
    check_money(plan, case)
    check_terms(plan, case, capitalise)


def check_contracts(plan):
    """Opening + unpaid interest − principal − replaced = closing, contract by contract."""
    c = plan.contracts
    rolled = c.opening_wan + c.unpaid_interest_wan - c.principal_wan - c.replaced_wan
    assert (rolled - c.closing_wan).abs().max() < 1e-9
    assert (c[["closing_wan", "principal_wan", "replaced_wan"]] >= -1e-9).all(axis=None)
    grid = c.pivot_table(index="contract_id", columns="period", values="closing_wan")
    opening = c.pivot_table(index="contract_id", columns="period", values="opening_wan")
    assert np.array_equal(grid.iloc[:, :-1].to_numpy(), opening.iloc[:, 1:].to_numpy())
    paid = plan.schedule.pivot_table(
        index=["contract_id", "period"], columns="use", values="amount_wan", aggfunc="sum"
    ).reindex(columns=["interest", "principal", "replacement"])
    both = c.set_index(["contract_id", "period"]).join(paid).fillna(0.0)
    assert (both.interest_wan - both.unpaid_interest_wan - both.interest).abs().max() < 1e-9
    assert (both.principal_wan - both.principal).abs().max() < 1e-9
    assert (both.replaced_wan - both.replacement).abs().max() < 1e-9
    b = plan.balances
    assert (b.hidden_wan + b.statutory_wan + b.by_contract_wan - b.total_wan).abs().max() < 1e-9
    # Bonds of five years and more stand at the deadline in full.
    assert (b.statutory_wan - b.replaced_wan.cumsum()).abs().max() < 1e-9


def check_interest(plan, case):
    """Every row: a year's rate at the year's end, on what is settled before it its share.

    All contracts pay at year-ends; what is repaid or replaced at the end of a quarter
    settles its interest since the year began. Missing money compounds besides.
    """
    c = plan.contracts
    rates = c["contract_id"].map({r["contract_id"]: r["rate_pct"] / 100 for r in case.ledger})
    periods = list(dict.fromkeys(c["period"]))
    ends = [f"{p[:4]}-{3 * int(p[-1]):02d}-30" if "Q" in p else f"{p}-12-31" for p in periods]
    share = c["period"].map(lambda p: int(p[-1]) / 4 if "Q" in p else 1.0)
    lack, growth = np.zeros(len(c)), np.zeros(len(c))
    rows = plan.shortfall[plan.shortfall["use"].isin(["interest", "principal"])]
    for name, amount, day in rows[["contract_id", "amount_wan", "date"]].to_numpy():
        before = 0.0
        for period, end in zip(periods, ends, strict=True):
            years = (position(pd.Timestamp(end).date()) - position(day)) / 360
            if years < 0:
                continue
            mine = (c["contract_id"].eq(name) & c["period"].eq(period)).to_numpy()
            held = amount * (1 + rates[mine].iloc[0]) ** years
            lack[mine] += held
            growth[mine] += held - (before or amount)
            before = held
    # Interest is whole 分, that of missing money too, which is rounded as it grows.
    lack, growth = np.round(lack, 6), np.round(growth, 6)
    opening = c["opening_wan"] - pd.Series(lack).groupby(c["contract_id"]).shift(fill_value=0.0)
    settled = opening - (c["closing_wan"] - lack)
    due = rates * share * np.where(share == 1, opening, settled) + growth
    half = 0.5e-6 * (1 + rows.groupby("contract_id").size().max() if len(rows) else 1)
    assert (c["interest_wan"] - due).abs().max() <= half + 1e-9
    by_period = c.groupby("period", sort=False)["interest_wan"].sum().to_numpy()
    assert by_period == pytest.approx(plan.balances["interest_wan"].to_numpy(), abs=1e-9)
    assert plan.interest_wan == pytest.approx(c["interest_wan"].sum(), abs=1e-9)


def check_money(plan, case):
    """Every source pays what it may and no more than it has."""
    by_source = plan.sources
    known = {s["source_id"]: s["earmark"] for s in case.sources}
    category = {c["contract_id"]: c["category"] for c in case.ledger}
    cash = plan.schedule[plan.schedule["use"] != "replacement"]
    for name, contract in set(zip(cash["source_id"], cash["contract_id"], strict=True)):
        marks = known[name]
        assert marks is None or {contract, category[contract]} & set(marks.split(";"))
    used = cash.groupby(["period", "source_id"])["amount_wan"].sum()
    listed = by_source.set_index(["period", "source_id"])["used_wan"]
    assert (listed.subtract(used, fill_value=0.0)).abs().max() < CLOSE
    for _, rows in by_source.groupby("source_id"):
        spent, come = rows.used_wan.cumsum(), rows.available_wan.cumsum()
        assert (spent <= come + CLOSE).all()
    quota = sum(q["quota_wan"] for q in case.quotas)
    assert plan.balances["replaced_wan"].sum() <= quota + CLOSE


def check_terms(plan, case, capitalise):
    """What is not prepayable waits, what is due is paid, the deadline holds."""
    if plan.status == "infeasible":
        assert plan.shortfall_wan > 0
        assert np.isnan(plan.cost_wan)
        # What is missing stays owed and bears interest; a missing fee is no debt.
        lack = plan.shortfall[plan.shortfall["use"].isin(["interest", "principal"])]
        rates = {r["contract_id"]: r["rate_pct"] / 100 for r in case.ledger}
        owed = sum(
            amount * (1 + rates[name]) ** ((position(plan.deadline) - position(day)) / 360)
            for name, amount, day in lack[["contract_id", "amount_wan", "date"]].to_numpy()
        )
        assert plan.balances["hidden_wan"].iloc[-1] == pytest.approx(owed, abs=CLOSE)
        return
    assert plan.shortfall.empty
    assert plan.balances["hidden_wan"].iloc[-1] == 0.0
    c = plan.contracts
    if not capitalise:
        assert (c["unpaid_interest_wan"].abs() < 1e-9).all()
    ends = pd.PeriodIndex(c["period"], freq="Q" if "Q" in c["period"].iloc[0] else "Y")
    for row in case.ledger:
        mine = c["contract_id"].eq(row["contract_id"]).to_numpy()
        due = pd.Timestamp(row["maturity"])
        last = pd.Timestamp(row["extendable_to"] or row["maturity"])
        if not row["prepayable"]:
            early = mine & (ends.end_time < due)
            assert c.loc[early, "principal_wan"].sum() < 1e-9
        late = mine & (ends.end_time >= last)
        assert c.loc[late, "closing_wan"].sum() == 0.0


@given(seed=st.integers(0, 2**32 - 1), rule=st.sampled_from(RULES), capitalise=st.booleans())
def test_minimum_instalments_are_paid_while_a_balance_remains(seed, rule, capitalise):
    rng = np.random.default_rng(seed)
    case = random_case(rng, contracts=int(rng.integers(1, 4)), years=3, quota=bool(seed % 2))
    least = {}
    for row in case.ledger:
        if row["prepayable"]:
            least[row["contract_id"]] = row["min_instalment_wan"] = min(
                float(rng.integers(0, 30)), row["principal_wan"]
            )
            row["prepay_fee_pct"] = 0.0  # a minimum instalment would be free of it
    tables, options = case.arguments()
    options = {k: v for k, v in options.items() if k != "rule"} | {"capitalise": capitalise}
    plan = yearly(*tables, **options, rule=rule)
    check_contracts(plan)
    if plan.status == "infeasible":
        return
    c = plan.contracts
    cash = c["principal_wan"] + c["interest_wan"] - c["unpaid_interest_wan"]
    owed = c["opening_wan"] + c["interest_wan"] - c["replaced_wan"]
    floor = np.minimum(c["contract_id"].map(least).fillna(0.0), owed)
    assert (cash >= floor - CLOSE).all()
    options |= {"rule": "least_interest"}
    free = yearly(*tables, **options, minimums=False)
    best = plan if rule == "least_interest" else yearly(*tables, **options)
    assert free.cost_wan <= best.cost_wan + CLOSE
    assert best.cost_wan <= plan.cost_wan + 2e-7 * best.cost_wan + CLOSE
