"""Speed of clearance plans, with HiGHS's own time beside it.

    python benchmarks/clearance.py [--counties 2850] [--workers 2] [--repeats 5] [--ledgers 20]

1. One county: 200 contracts, 6 sources, monthly to 2028, least cost.
2. The same county as one programme of contract × month × source, the textbook form.
3. Many counties of 30 contracts by month, in `workers` processes.
4. Ledgers of 160 to 300 contracts with minimum instalments: how far each plan is proven.

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
                "available_from": f"{period}-01",  # interest falls due in January too
                "carry": True,
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


def solve_county(seed: int) -> tuple[str, float]:
    """Status and solver's time of one county by month."""
    tables = county(30, [str(p) for p in pd.period_range("2026-01", "2028-12", freq="M")], seed)
    plan = fm.plan_clearance(*tables, as_of="2025-12-31")
    return plan.status, plan.solver_seconds


def solve_many(seeds: list[int]) -> tuple[int, float, float]:
    """Number of plans, the solver's time and the processor time of a batch."""
    begun = time.process_time()
    done = [solve_county(seed) for seed in seeds]
    spent = time.process_time() - begun
    return sum(status == "optimal" for status, _ in done), sum(t for _, t in done), spent


def textbook(tables: Tables) -> float:
    """Seconds of HiGHS for contract × move × source, without replacement, same terms."""
    from scipy import sparse
    from scipy.optimize import linprog

    from fiscalmodel.debt.clearance.given import Options, read_given
    from fiscalmodel.debt.clearance.problem import build_problem

    given = read_given(tables[0], tables[1], None, Options("2025-12-31", rule="least_interest"))
    p = build_problem(given)
    m, pools, slots = p.moves, len(p.pool_names), len(p.slots)
    moves = len(m.who)
    b = np.arange(moves)
    x = moves + np.arange(moves * pools).reshape(moves, pools)
    w = moves * (pools + 1) + np.arange(pools * slots).reshape(pools, slots)
    size = int(w.max()) + 1
    upper = np.full(size, np.inf)
    upper[b] = m.highest
    upper[x] = np.where(p.eligible[:, p.group[m.who]].T, np.inf, 0.0)
    upper[w] = np.where(p.hold, np.inf, 0.0)
    eq = sparse.lil_array((moves, size))
    ub = sparse.lil_array((2 * moves + pools * slots, size))
    b_eq, b_ub = np.zeros(moves), np.zeros(ub.shape[0])
    growth = 1 + m.accrual
    for k in range(moves):
        eq[k, b[k]] = 1.0 if m.pays[k] else growth[k]
        eq[k, x[k]] = 1.0
        ub[k, b[k]], ub[moves + k, b[k]] = 1.0, -1.0
        opening = float(p.opening[k])
        b_eq[k], b_ub[k] = opening * growth[k], opening
        b_ub[moves + k] = min(m.limit[k], 1e9) - opening
        if not m.first[k]:
            eq[k, b[k - 1]], ub[k, b[k - 1]], ub[moves + k, b[k - 1]] = -growth[k], -1.0, 1.0
    slot = p.slot[m.when]
    for q in range(pools):
        for t in range(slots):
            row = 2 * moves + q * slots + t
            ub[row, x[slot == t, q]] = 1.0
            ub[row, w[q, t]] = 1.0
            if t:
                ub[row, w[q, t - 1]] = -1.0
            b_ub[row] = p.cap[q, t]
    cost = np.zeros(size)
    cost[b] -= np.where(m.pays, 0.0, m.accrual)
    later = ~m.first
    cost[b[:-1][later[1:]]] += m.accrual[1:][later[1:]]
    begun = time.perf_counter()
    found = linprog(
        cost, A_ub=ub.tocsr(), b_ub=b_ub, A_eq=eq.tocsr(), b_eq=b_eq,
        bounds=np.column_stack([np.zeros(size), upper]), method="highs",
    )  # fmt: skip
    seconds = time.perf_counter() - begun
    plan = fm.plan_clearance(*tables[:2], as_of="2025-12-31", rule="least_interest")
    total = float(found.fun) + float((m.accrual * p.opening).sum())
    gap = abs(total - plan.cost_wan) / total
    print(f"   cost {total:,.4f}, ours {plan.cost_wan:,.4f}, relative difference {gap:.1e}")
    return seconds


def with_minimums(seed: int) -> Tables:
    """A county of 160 to 300 contracts, a third of which name a minimum instalment."""
    rng = np.random.default_rng(seed)
    months = [str(p) for p in pd.period_range("2026-01", "2028-12", freq="M")]
    ledger, sources, quotas = county(int(rng.integers(160, 301)), months, seed)
    share = np.where(rng.random(len(ledger)) < 1 / 3, rng.uniform(0.01, 0.05, len(ledger)), 0.0)
    least = (ledger["principal_wan"] * share * ledger["prepayable"]).round(2)
    return ledger.assign(min_instalment_wan=least), sources, quotas


def proofs(ledgers: int) -> None:
    """Gap and seconds of each ledger with minimum instalments, under the fixed node limit."""
    gaps = []
    for seed in range(ledgers):
        tables, begun = with_minimums(seed), time.process_time()
        plan = fm.plan_clearance(*tables, as_of="2025-12-31")
        gaps.append(plan.gap_pct)
        print(f"   {seed}: {len(tables[0])} contracts, {plan.status}, gap {plan.gap_pct:.4f} %, "
              f"processor time {time.process_time() - begun:.1f} s", flush=True)  # fmt: skip
    near, worst = sum(gap <= 0.1 for gap in gaps), max(gaps)
    print(f"4. {near} of {ledgers} proven within 0.1 %, largest gap {worst:.4f} %")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--counties", type=int, default=2850)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--ledgers", type=int, default=20)
    parser.add_argument("--only-proofs", action="store_true", help="part 4 alone")
    options = parser.parse_args()
    if options.only_proofs:
        proofs(options.ledgers)
        return

    months = [str(p) for p in pd.period_range("2026-01", "2028-12", freq="M")]
    county(2, months, 0)
    fm.plan_clearance(*county(2, ["2026-01"], 0), as_of="2025-12-31")  # imports done
    whole, own, used = [], [], []
    for seed in range(options.repeats):
        tables = county(200, months, seed)
        begun, cpu = time.perf_counter(), time.process_time()
        plan = fm.plan_clearance(*tables, as_of="2025-12-31")
        used.append(time.process_time() - cpu)
        whole.append(time.perf_counter() - begun)
        own.append(plan.solver_seconds)
        assert plan.status == "optimal", plan.status
    print(
        f"1. 200 contracts x 6 sources x 36 months: {median(whole):.3f} s in all "
        f"(slowest {max(whole):.3f}), of which HiGHS {median(own):.3f} s; "
        f"processor time {median(used):.3f} s"
    )

    print("2. contract x move x source in one programme, no replacement")
    tables = county(200, months, 0, money=1.8)
    slow = textbook(tables)
    fast = fm.plan_clearance(*tables[:2], as_of="2025-12-31").solver_seconds
    print(f"   HiGHS {slow:.2f} s against {fast:.2f} s: ratio {slow / fast:.1f}")

    seeds = np.array_split(np.arange(options.counties), options.workers * 8)
    begun = time.perf_counter()
    with ProcessPoolExecutor(options.workers) as pool:
        parts = list(pool.map(solve_many, [list(map(int, part)) for part in seeds]))
    seconds = time.perf_counter() - begun
    plans, solver, spent = (sum(column) for column in zip(*parts, strict=True))
    print(
        f"3. {options.counties} counties x 30 contracts by month on {options.workers} processes: "
        f"{seconds:.1f} s by the clock, {plans} with a plan; processor time {spent:.1f} s "
        f"({spent / options.workers:.1f} s a process), data made up included; "
        f"inside HiGHS {solver:.1f} s by the clock"
    )
    proofs(options.ledgers)


if __name__ == "__main__":
    main()
