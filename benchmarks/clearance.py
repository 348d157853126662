"""Speed of clearance plans, with HiGHS's own time beside it.

    python benchmarks/clearance.py [--counties 2850] [--workers 2] [--repeats 5]

1. One county: 200 contracts, 6 sources, monthly to 2028, least cost.
2. The same county as one programme of contract × month × source, the textbook form.
3. Many counties of 30 contracts by year, in `workers` processes.

All data are made up here from a seed; nothing is read or written. On a busy
machine the processor time tells more than the clock.
"""

from __future__ import annotations

import argparse
import os
import time
from concurrent.futures import ProcessPoolExecutor
from statistics import median

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pandas as pd

import fiscalmodel as fm

Tables = tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]
KINDS = ("fiscal", "asset_disposal", "project_income", "land", "transfer", "idle_funds")


def county(contracts: int, periods: list[str], seed: int, *, money: float = 1.5) -> Tables:
    """A made-up county: ledger, sources (money times the debt in all) and quotas."""
    rng = np.random.default_rng(seed)
    maturity = pd.to_datetime("2027-01-15") + pd.to_timedelta(
        rng.integers(0, 1800, contracts), unit="D"
    )
    ledger = pd.DataFrame(
        {
            "contract_id": [f"C{i:03d}" for i in range(contracts)],
            "category": rng.choice(["bank", "trust", "lease"], contracts),
            "principal_wan": rng.uniform(100, 5000, contracts).round(2),
            "rate_pct": rng.uniform(3, 9, contracts).round(2),
            "maturity": maturity,
            "prepayable": (maturity > "2028-12-31") | (rng.random(contracts) < 0.5),
            "replaceable": rng.random(contracts) < 0.4,
        }
    )
    debt = ledger["principal_wan"].sum()
    even = debt * money / len(KINDS) / len(periods)
    sources = pd.DataFrame(
        [
            {
                "source_id": f"S{k}",
                "category": kind,
                "period": period,
                "cap_wan": even * rng.uniform(0.5, 1.5),
                "haircut_pct": 30.0 if kind == "asset_disposal" else 0.0,
                "earmark": "bank;trust" if kind == "project_income" else None,
                "carry": k % 2 == 1,
            }
            for k, kind in enumerate(KINDS)
            for period in periods
        ]
    )
    quotas = pd.DataFrame(
        {
            "period": [2026, 2027, 2028],
            "quota_wan": debt * 0.1,
            "rate_pct": 2.3,
            "tenor_years": 10,
        }
    )
    return ledger, sources, quotas


def solve_year(seed: int) -> tuple[str, float]:
    """Status and solver's time of one county by year."""
    tables = county(30, ["2026", "2027", "2028"], seed)
    plan = fm.plan_clearance(*tables, as_of="2025-12-31", discount_pct=3)
    return plan.status, plan.solver_seconds


def solve_many(seeds: list[int]) -> tuple[int, float, float]:
    """Number of plans, the solver's time and the processor time of a batch."""
    begun = time.process_time()
    done = [solve_year(seed) for seed in seeds]
    spent = time.process_time() - begun
    return sum(status == "optimal" for status, _ in done), sum(t for _, t in done), spent


def textbook(tables: Tables) -> float:
    """Seconds of HiGHS for contract × month × source, without replacement, same terms."""
    from scipy import sparse
    from scipy.optimize import linprog

    from fiscalmodel.debt.plan_input import check_input
    from fiscalmodel.debt.plan_model import build_problem

    given = check_input(
        tables[0], tables[1], None, as_of="2025-12-31", deadline="2028-12-31",
        rule="least_cost", discount_pct=0.0, frequency="month", day_count="twelfths",
        reserved=None, given=None, custom=None, minimums=True, capitalise=False,
        stated_total_wan=None, statutory_wan=0.0, special_headroom_wan=None,
    )  # fmt: skip
    p = build_problem(given)
    (n, periods), pools = p.shape, len(p.pool_names)
    b = np.arange(n * periods).reshape(n, periods)
    x = n * periods + np.arange(n * pools * periods).reshape(n, pools, periods)
    w = x.max() + 1 + np.arange(pools * periods).reshape(pools, periods)
    size = int(w.max()) + 1
    upper = np.full(size, np.inf)
    upper[b] = p.highest
    upper[x] = np.where(p.eligible[:, p.group].T[:, :, None], np.inf, 0.0)
    upper[w] = np.where(p.hold, np.inf, 0.0)
    eq = sparse.lil_array((n * periods, size))
    ub = sparse.lil_array((2 * n * periods + pools * periods, size))
    b_eq, b_ub = np.zeros(n * periods), np.zeros(ub.shape[0])
    for i in range(n):
        for t in range(periods):
            row = i * periods + t
            eq[row, b[i, t]] = 1.0
            eq[row, x[i, :, t]] = 1.0
            ub[row, b[i, t]] = 1.0
            low = n * periods + row
            ub[low, b[i, t]] = -1.0
            b_ub[low] = min(p.limit[i, t], 1e9)
            if t:
                eq[row, b[i, t - 1]] = -(1 + p.interest[i, t])
                ub[row, b[i, t - 1]] = -1.0
                ub[low, b[i, t - 1]] = 1.0
            else:
                b_eq[row] = p.principal[i] * (1 + p.interest[i, t])
                b_ub[row] = p.principal[i]
                b_ub[low] -= p.principal[i]
    for k in range(pools):
        for t in range(periods):
            row = 2 * n * periods + k * periods + t
            ub[row, x[:, k, t]] = 1.0
            ub[row, w[k, t]] = 1.0
            if t:
                ub[row, w[k, t - 1]] = -1.0
            b_ub[row] = p.cap[k, t]
    cost = np.zeros(size)
    cost[b[:, :-1]] = p.interest[:, 1:]
    begun = time.perf_counter()
    found = linprog(
        cost, A_ub=ub.tocsr(), b_ub=b_ub, A_eq=eq.tocsr(), b_eq=b_eq,
        bounds=np.column_stack([np.zeros(size), upper]), method="highs",
    )  # fmt: skip
    seconds = time.perf_counter() - begun
    plan = fm.plan_clearance(tables[0], tables[1], as_of="2025-12-31", frequency="month")
    total = float(found.fun) + float(p.interest[:, 0] @ p.principal)
    gap = abs(total - plan.cost_wan) / total
    print(f"   cost {total:,.4f}, ours {plan.cost_wan:,.4f}, relative difference {gap:.1e}")
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--counties", type=int, default=2850)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()

    months = [str(p) for p in pd.period_range("2026-01", "2028-12", freq="M")]
    county(2, months, 0)
    fm.plan_clearance(*county(2, ["2026"], 0), as_of="2025-12-31")  # imports done
    whole, own, used = [], [], []
    for seed in range(options.repeats):
        tables = county(200, months, seed)
        begun, cpu = time.perf_counter(), time.process_time()
        plan = fm.plan_clearance(*tables, as_of="2025-12-31", frequency="month", discount_pct=3)
        used.append(time.process_time() - cpu)
        whole.append(time.perf_counter() - begun)
        own.append(plan.solver_seconds)
        assert plan.status == "optimal", plan.status
    print(
        f"1. 200 contracts x 6 sources x 36 months: {median(whole):.3f} s in all "
        f"(slowest {max(whole):.3f}), of which HiGHS {median(own):.3f} s; "
        f"processor time {median(used):.3f} s"
    )

    print("2. contract x month x source in one programme, no replacement")
    tables = county(200, months, 0, money=1.8)
    slow = textbook(tables)
    fast = fm.plan_clearance(*tables[:2], as_of="2025-12-31", frequency="month").solver_seconds
    print(f"   HiGHS {slow:.2f} s against {fast:.2f} s: ratio {slow / fast:.1f}")

    seeds = np.array_split(np.arange(options.counties), options.workers * 8)
    begun = time.perf_counter()
    with ProcessPoolExecutor(options.workers) as pool:
        parts = list(pool.map(solve_many, [list(map(int, part)) for part in seeds]))
    seconds = time.perf_counter() - begun
    plans, solver, spent = (sum(column) for column in zip(*parts, strict=True))
    print(
        f"3. {options.counties} counties x 30 contracts by year on {options.workers} processes: "
        f"{seconds:.1f} s by the clock, {plans} with a plan; processor time {spent:.1f} s "
        f"({spent / options.workers:.1f} s a process), data made up included; "
        f"inside HiGHS {solver:.1f} s by the clock"
    )


if __name__ == "__main__":
    main()
