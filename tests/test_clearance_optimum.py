"""The least-cost plan against brute force, the ordering rules, finite differences, bisection."""

from __future__ import annotations

import os
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from clearance_oracle import (
    brute_force,
    dated_case,
    dated_force,
    random_case,
    rounding,
    unrounded,
    yearly,
)

import fiscalmodel as fm

SOAK = os.environ.get("FISCALMODEL_SOAK") == "1"
SHAPES = [(2, 2, True), (3, 2, False), (1, 3, True), (2, 2, False)]


def cases(count, seed):
    rng = np.random.default_rng(seed)
    for k in range(count):
        contracts, years, quota = SHAPES[k % len(SHAPES)]
        yield random_case(rng, contracts=contracts, years=years, quota=quota)


def plan(case, **options):
    tables, named = case.arguments()
    return yearly(*tables, **named | options)


def test_optimum_equals_brute_force():
    """Every vertex of small random polytopes; earmarks by the marriage condition."""
    plans = 0
    count = 2_000 if SOAK else 100
    for case in cases(count, seed=0):
        expected, found = brute_force(case), plan(case)
        if expected is None:
            assert found.status == "infeasible"
            assert found.shortfall_wan > 0
        else:
            plans += 1
            assert found.status == "optimal"
            assert unrounded(found) == pytest.approx(expected, rel=1e-9, abs=1e-9)
            assert found.cost_wan == pytest.approx(expected, abs=rounding(found))
    assert plans > count / 2


def test_dated_decisions_equal_brute_force_at_every_frequency():
    """1,200 small ledgers on days: the least cost, never dearer or refused on a finer grid."""
    plans, rng = 0, np.random.default_rng(77)
    count = 1_200 if SOAK else 120
    for number in range(count):
        *tables, end = dated_case(rng)
        options = {"as_of": "2026-12-31", "deadline": end, "rule": "least_interest"}
        expected = dated_force(*tables, end)
        costs, near = [], 1e-6
        for frequency in ("year", "quarter", "month") if number % 4 == 0 else ("year",):
            found = fm.plan_clearance(*tables, frequency=frequency, **options)
            costs.append(found.cost_wan if found.holds else np.inf)
            near = max(near, rounding(found))
        if expected is None:
            assert costs[0] == np.inf
        else:
            plans += 1
            assert costs[0] == pytest.approx(expected, abs=near)
        assert all(fine <= coarse + 2 * near for coarse, fine in pairwise(costs))
    assert plans >= (300 if SOAK else 25)  # enough that can be cleared at all


@pytest.mark.parametrize("rule", ["highest_rate_first", "earliest_maturity_first", "pro_rata"])
def test_never_above_an_ordering_rule(rule):
    compared = 0
    rng = np.random.default_rng(5)
    for k in range(600 if SOAK else 60):
        case = random_case(rng, contracts=6, years=4, quota=k % 2 == 0)
        sources = [s | {"cap_wan": s["cap_wan"] * 2} for s in case.sources]
        case = replace(case, sources=sources)
        ruled = plan(case, rule=rule)
        if ruled.status == "feasible":
            best = plan(case)
            assert best.status == "optimal"
            assert best.cost_wan <= ruled.cost_wan + rounding(best) + rounding(ruled)
            compared += 1
    assert compared > 15


def test_shadow_prices_lie_between_finite_differences():
    step, tight = 0.01, 0
    for case in cases(400 if SOAK else 40, seed=11):
        base = plan(case)
        if base.status != "optimal":
            continue
        least = unrounded(base)
        for row in base.shadow_prices.itertuples(index=False):
            table, column, key = (
                ("sources", "cap_wan", "source_id")
                if row.kind == "source"
                else ("quotas", "quota_wan", None)
            )

            if row.kind == "quota" and any(
                q["quota_wan"] < step for q in case.quotas if str(q["period"]) == row.period
            ):
                continue

            def cost(change, *, table=table, column=column, key=key, row=row, case=case):
                lines = [
                    line | {column: line[column] + change}
                    if str(line["period"]) == row.period and (key is None or line[key] == row.name)
                    else line
                    for line in getattr(case, table)
                ]
                found = plan(replace(case, **{table: lines}))
                return unrounded(found) if found.holds else np.nan

            right = (least - cost(step)) / step
            assert row.saving_wan >= right - 1e-6
            if row.saving_wan > 1e-9:
                tight += 1
                left = (cost(-step) - least) / step
                assert np.isnan(left) or row.saving_wan <= left + 1e-6
    assert tight > 20


def test_shortfall_is_the_smallest_relaxation():
    """Extra money for every contract, from the first period on: bisect what is enough."""
    checked = 0
    for case in cases(600 if SOAK else 28, seed=21):
        found = plan(case)
        if found.status != "infeasible":
            continue
        assert set(found.shortfall["reason"]) == {"money"}
        least = found.least_shortfall["amount_wan"].sum()
        low, high = 0.0, 2 * least + 1
        for _ in range(28):
            middle = (low + high) / 2
            extra = {"source_id": "more", "period": 2027, "cap_wan": middle, "carry": True}
            enough = plan(replace(case, sources=[*case.sources, extra])).status == "optimal"
            low, high = (low, middle) if enough else (middle, high)
        assert least == pytest.approx(high, rel=1e-6, abs=1e-6)
        assert found.shortfall_wan >= least - 1e-6
        checked += 1
    assert checked > 4
