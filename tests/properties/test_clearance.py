"""Identities of every clearance plan: nothing is lost, no term is broken."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from clearance_oracle import dated_case, in_fen, random_case, yearly
from hypothesis import given
from hypothesis import strategies as st

import fiscalmodel as fm
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
    opening = c["opening_wan"] - pd.Series(lack).groupby(c["contract_id"]).shift(fill_value=0.0)
    settled = opening - (c["closing_wan"] - lack)
    due = rates * share * np.where(share == 1, opening, settled) + growth
    # Interest is whole 分. What is missing grows in whole 分 too, so that each of its rows adds
    # the difference of two rounded amounts.
    missing = rows.groupby("contract_id").size().max() if len(rows) else 0
    assert (c["interest_wan"] - due).abs().max() <= 0.5e-6 + 1e-6 * missing + 1e-9
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
        growth = [
            (1 + rates[name]) ** ((position(plan.deadline) - position(day)) / 360)
            for name, day in lack[["contract_id", "date"]].to_numpy()
        ]
        owed = float(lack["amount_wan"].to_numpy() @ np.array(growth))
        # Every amount, and the balance itself, is stated to the 分: half of one may grow in each.
        near = CLOSE / 2 * (1 + sum(growth))
        assert plan.balances["hidden_wan"].iloc[-1] == pytest.approx(owed, abs=near)
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


@given(seed=st.integers(0, 2**32 - 1), rule=st.sampled_from(RULES), capitalise=st.booleans())
def test_every_fen_is_conserved(seed, rule, capitalise):
    """Contracts, sources, quota and bonds in whole 分, each sum exact, whatever the plan."""
    rng = np.random.default_rng(seed)
    if seed % 3:
        case = random_case(rng, contracts=int(rng.integers(1, 5)), years=3, quota=seed % 2 == 0)
        tables, options = case.arguments()
        frequency = "year"
    else:
        *tables, end = dated_case(rng)
        options, frequency = {"as_of": "2026-12-31", "deadline": end}, "quarter"
    options |= {"rule": rule, "capitalise": capitalise, "frequency": frequency}
    plan = fm.plan_clearance(*tables, **options)
    paid, c = plan.schedule, plan.contracts
    fen = {name: in_fen(c[name]) for name in c.columns if name.endswith("_wan")}
    assert (in_fen(paid["amount_wan"]) > 0).all()
    assert (fen["closing_wan"] >= 0).all()
    assert np.array_equal(
        fen["opening_wan"] + fen["unpaid_interest_wan"] - fen["principal_wan"]
        - fen["replaced_wan"], fen["closing_wan"],
    )  # fmt: skip
    same = (c["contract_id"] == c["contract_id"].shift()).to_numpy()
    assert np.array_equal(fen["opening_wan"][same], np.roll(fen["closing_wan"], 1)[same])
    by_use = paid.assign(fen=in_fen(paid["amount_wan"])).groupby("use")["fen"].sum()
    assert fen["principal_wan"].sum() == by_use.get("principal", 0)
    assert fen["replaced_wan"].sum() == by_use.get("replacement", 0)
    bonds = in_fen(plan.quota_used_wan)
    assert bonds == by_use.get("replacement", 0)
    assert bonds <= sum(in_fen(q["quota_wan"]) for q in tables[2])
    # Money: what came in is used, is kept or has lapsed, source by source.
    s = plan.sources
    cash = paid[paid["use"] != "replacement"]
    used = cash.assign(fen=in_fen(cash["amount_wan"])).groupby("source_id")["fen"].sum()
    for name, rows in s.groupby("source_id"):
        come, spent, kept, gone = (
            in_fen(rows[f"{what}_wan"]) for what in ("available", "used", "kept", "lapsed")
        )
        before = np.concatenate([[0], kept[:-1]])
        assert np.array_equal(before + come - spent - gone, kept)
        assert (kept >= 0).all()
        assert (gone >= 0).all()
        assert spent.sum() == used.get(name, 0)
    stated = sum(r["cap_wan"] * (1 - (r.get("haircut_pct") or 0) / 100) for r in tables[1])
    assert in_fen(s["available_wan"]).sum() <= np.rint(stated * 1e6) + len(cash)
    b = plan.balances
    money = [in_fen(b[f"{x}_wan"]) for x in ("hidden", "statutory", "by_contract", "total")]
    assert np.array_equal(money[0] + money[1] + money[2], money[3])


@given(seed=st.integers(0, 2**32 - 1))
def test_rows_in_another_order_are_the_same_plan(seed):
    """Half of the contracts have one rate: ties go by contract id, not by the order of rows."""
    rng = np.random.default_rng(seed)
    case = random_case(rng, contracts=4, years=2, quota=True)
    ledger = [row | ({"rate_pct": 5.0} if k % 2 else {}) for k, row in enumerate(case.ledger)]
    (_, sources, quotas), options = case.arguments()
    one = yearly(ledger, sources, quotas, **options)
    mixed = [list(rng.permutation(np.array(x, dtype=object))) for x in (ledger, sources, quotas)]
    two = yearly(*mixed, **options)
    assert one.status == two.status
    assert one.schedule.equals(two.schedule)
    assert one.shortfall.equals(two.shortfall)
