"""Brute force for small clearance plans: every vertex of the plan's polytope, no solver.

Independent of the package: yearly periods, contracts cleared in the last one,
money checked by the marriage condition (for every set of needs, the money
that can reach it is enough), the optimum read off all vertices.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from itertools import combinations

import numpy as np

AS_OF = "2026-12-31"
FIRST = 2027


@dataclass(frozen=True)
class Case:
    """Contracts, sources and quotas as records; `years` periods from 2027."""

    years: int
    ledger: list[dict]
    sources: list[dict]
    quotas: list[dict]

    def arguments(self):
        options = {
            "as_of": AS_OF,
            "deadline": f"{FIRST + self.years - 1}-12-31",
            "rule": "least_interest",
        }
        return (self.ledger, self.sources, self.quotas), options


def random_case(rng: np.random.Generator, *, contracts: int, years: int, quota: bool) -> Case:
    """A small county with earmarks, haircuts, carried money, fees and extensions."""
    last = FIRST + years - 1
    ledger = []
    for i in range(contracts):
        due = int(rng.integers(FIRST, last + 3))
        prepayable = bool(rng.random() < 0.6) or due > last
        row = {
            "contract_id": f"C{i}",
            "category": "bank" if i % 2 else "trust",
            "principal_wan": float(rng.integers(20, 200)),
            "rate_pct": float(rng.integers(20, 110)) / 10,
            "maturity": f"{due}-12-31",
            "prepayable": prepayable,
            "prepay_fee_pct": float(rng.choice([0.0, 0.0, 1.5])) if prepayable else 0.0,
            "replaceable": quota and i == 0,
            "extendable_to": None,
        }
        if due < last and rng.random() < 0.4:
            row["extendable_to"] = f"{int(rng.integers(due + 1, last + 1))}-12-31"
        ledger.append(row)
    total = sum(row["principal_wan"] for row in ledger)
    marks = [None, "trust", "C0", *(["bank", "C0;bank"] if contracts > 1 else [])]
    sources = []
    for k in range(2):
        mark = None if k == 0 else marks[int(rng.integers(len(marks)))]
        carry, haircut = bool(rng.random() < 0.5), float(rng.choice([0.0, 25.0]))
        for t in range(years):
            cap = total * rng.uniform(0.2, 1.6) / years
            sources.append(
                {
                    "source_id": f"S{k}",
                    "period": FIRST + t,
                    "cap_wan": round(float(cap), 2),
                    "haircut_pct": haircut,
                    "earmark": mark,
                    "carry": carry,
                }
            )
    quotas = []
    if quota:
        for t in range(years):
            quotas.append(
                {
                    "period": FIRST + t,
                    "available_from": f"{FIRST + t}-12-31",
                    "quota_wan": float(rng.integers(0, 80)),
                    "rate_pct": 2.2,
                    "tenor_years": int(rng.integers(5, 15)),
                }
            )
    return Case(years, ledger, sources, quotas)


def brute_force(case: Case) -> float | None:
    """Least cost over all vertices; None if there is no plan."""
    rows, rhs, cost, constant, size = _polytope(case)
    if size == 0:
        return constant if (rhs > -1e-7).all() else None
    best = None
    for chosen in _chunks(combinations(range(len(rhs)), size), 50_000):
        a, b = rows[chosen], rhs[chosen]
        good = np.abs(np.linalg.det(a)) > 1e-7
        if not good.any():
            continue
        points = np.linalg.solve(a[good], b[good][:, :, None])[:, :, 0]
        inside = (points @ rows.T <= rhs + 1e-6).all(axis=1)
        if inside.any():
            value = float((points[inside] @ cost).min()) + constant
            best = value if best is None else min(best, value)
    return best


def _chunks(items, size):
    batch = []
    for item in items:
        batch.append(item)
        if len(batch) == size:
            yield np.array(batch)
            batch = []
    if batch:
        yield np.array(batch)


def _polytope(case: Case):
    """Rows and right sides of ``rows @ x <= rhs``, the cost and its constant."""
    n, years = len(case.ledger), case.years
    swaps = list(range(years)) if case.quotas else []
    size = n * (years - 1) + len(swaps)
    zero = np.zeros(size + 1)  # the last entry is the constant

    def unit(k):
        made = zero.copy()
        made[k] = 1.0
        return made

    def balance(i, t):
        if t < 0:
            made = zero.copy()
            made[-1] = case.ledger[i]["principal_wan"]
            return made
        return zero if t == years - 1 else unit(i * (years - 1) + t)

    def swapped(i, t):
        return unit(n * (years - 1) + t) if i == 0 and swaps else zero

    at_most_zero = []  # expressions that must be <= 0
    need, cost = {}, zero.copy()
    for i, c in enumerate(case.ledger):
        due = int(c["maturity"][:4]) - FIRST
        extended = int(c["extendable_to"][:4]) - FIRST if c["extendable_to"] else due
        for t in range(years):
            principal = balance(i, t - 1) - balance(i, t) - swapped(i, t)
            interest = balance(i, t - 1) * c["rate_pct"] / 100
            fee = principal * (c["prepay_fee_pct"] / 100 if t < due else 0.0)
            need[i, t] = principal + interest + fee
            cost = cost + interest + fee
            at_most_zero += [-principal, -balance(i, t)]
            if t < due and not c["prepayable"]:
                at_most_zero.append(principal)
            if t >= extended:
                at_most_zero.append(balance(i, t))
    for t, quota in enumerate(case.quotas):
        bonds = swapped(0, t)
        limit = zero.copy()
        limit[-1] = quota["quota_wan"]
        at_most_zero += [-bonds, bonds - limit]
        for later in range(t + 1, years):  # coupons up to the deadline, from money of all
            coupon = bonds * quota["rate_pct"] / 100
            need["bonds", later] = need.get(("bonds", later), zero) + coupon
            cost = cost + coupon
    nodes = list(need)
    for count in range(1, len(nodes) + 1):
        for group in combinations(nodes, count):
            wanted = sum(need[node] for node in group)
            limit = zero.copy()
            limit[-1] = sum(_net(s) for s in case.sources if _reaches(s, group, case))
            at_most_zero.append(wanted - limit)
    stacked = np.unique(np.round(np.array(at_most_zero), 12), axis=0)
    rows, rhs = stacked[:, :-1], -stacked[:, -1]
    if size:
        moving = np.abs(rows).sum(axis=1) > 1e-12
        if (rhs[~moving] < -1e-7).any():  # impossible whatever is decided
            return (
                np.vstack([np.eye(size), -np.eye(size)]),
                -np.ones(2 * size),
                cost[:-1],
                0.0,
                size,
            )
        rows, rhs = rows[moving], rhs[moving]
        # Every balance is below its principal, every swap below its quota: rows that the
        # box alone keeps cannot hold an optimum that the box's own rows do not.
        top = [case.ledger[i]["principal_wan"] for i in range(n) for _ in range(years - 1)]
        top = np.array(top + [case.quotas[t]["quota_wan"] for t in swaps])
        box = (np.abs(rows) > 1e-12).sum(axis=1) == 1
        needed = box | (np.maximum(rows, 0.0) @ top >= rhs - 1e-9)
        rows, rhs = rows[needed], rhs[needed]
    return rows, rhs, cost[:-1], float(cost[-1]), size


def _net(source):
    return source["cap_wan"] * (1 - source["haircut_pct"] / 100)


def _reaches(source, group, case):
    come = source["period"] - FIRST
    marks = (source["earmark"] or "").split(";")
    for i, t in group:
        c = {"contract_id": None, "category": None} if i == "bonds" else case.ledger[i]
        mine = marks == [""] or c["contract_id"] in marks or c["category"] in marks
        if mine and (t == come or (source["carry"] and t > come)):
            return True
    return False


def yearly(*tables, **options):
    """A plan that decides at year-ends, as the hand arithmetic of most cases does."""
    import fiscalmodel as fm

    return fm.plan_clearance(*tables, **{"frequency": "year"} | options)


def unrounded(plan):
    """Interest and fees to the deadline of a plan before its amounts became whole 分."""
    p, m, v = plan.problem, plan.problem.moves, plan.solved.values
    before = np.where(m.first, p.principal[m.who], np.roll(v["balance"], 1))
    interest = m.accrual * np.where(m.pays, before, before - v["balance"])
    fees = m.fee * np.maximum(v["repaid"] - m.scheduled, 0.0) + m.swap_fee * v["replaced"]
    return float(interest.sum() + fees.sum() + p.bond_interest @ v["bonds"])


def rounding(plan):
    """What rounding each interest and fee to 分 can make of the cost, 万元."""
    rows = plan.schedule["use"].isin(["interest", "fee", "bond_interest"])
    return 1e-6 * (1 + int(rows.sum()))


def in_fen(amounts):
    """万元 as whole 分; none may be a part of one."""
    values = np.asarray(amounts, dtype=float)
    whole = np.rint(values * 1e6)
    assert np.abs(values * 1e6 - whole).max(initial=0.0) < 1e-3
    return whole.astype(np.int64)


def dated_case(rng: np.random.Generator) -> tuple[list[dict], list[dict], list[dict], str]:
    """One or two contracts, money and quota on days; deadline within some 15 months."""
    day = lambda low, high: dt.date(2026, 12, 31) + dt.timedelta(days=int(rng.integers(low, high)))  # noqa: E731
    end = day(200, 450)
    ledger, total = [], 0.0
    for i in range(int(rng.integers(1, 3))):
        maturity = day(30, 700)
        ledger.append({
            "contract_id": f"C{i}", "principal_wan": float(rng.integers(20, 200)),
            "rate_pct": float(rng.integers(20, 110)) / 10, "maturity": str(maturity),
            "prepayable": bool(rng.random() < 0.6) or maturity > end,
            "prepay_fee_pct": float(rng.choice([0.0, 1.5])),
            "replaceable": bool(rng.random() < 0.5),
        })  # fmt: skip
        total += ledger[-1]["principal_wan"]
    sources = []
    for k in range(int(rng.integers(1, 4))):
        come = day(1, (end - dt.date(2026, 12, 31)).days + 1)
        sources.append({
            "source_id": f"S{k}", "period": come.year, "available_from": str(come),
            "cap_wan": float(rng.integers(5, 100)) / 100 * total,
            "earmark": "C0" if rng.random() < 0.2 else None, "carry": bool(rng.random() < 0.6),
        })  # fmt: skip
    quotas = []
    if rng.random() < 0.6:
        come = day(1, 300)
        quotas = [{"period": come.year, "available_from": str(come), "rate_pct": 2.2,
                   "quota_wan": float(rng.integers(10, 120)), "tenor_years": 10}]  # fmt: skip
    return ledger, sources, quotas, str(end)


def _of_360(day: dt.date) -> int:
    last = (day + dt.timedelta(days=1)).day == 1
    return 360 * day.year + 30 * day.month + (30 if last else min(day.day, 30))


def dated_force(
    ledger: list[dict], sources: list[dict], quotas: list[dict], end: str
) -> float | None:
    """Least interest and fees to the deadline, written out densely from the dates; None if none.

    Independent of the package: own day arithmetic, money by the marriage condition over
    every set of days of payment, all of it handed to a plain linear programme.
    """
    from scipy.optimize import linprog

    close, last = dt.date(2026, 12, 31), dt.date.fromisoformat(end)
    come = [dt.date.fromisoformat(s["available_from"]) for s in sources]
    lapse = [dt.date.max if s["carry"] else dt.date(c.year, 12, 31)
             for s, c in zip(sources, come, strict=True)]  # fmt: skip
    decide = {*come, last, *(d for d in [dt.date(2027, 12, 31)] if d <= last)}
    window = None
    if quotas:
        first = dt.date.fromisoformat(quotas[0]["available_from"])
        window = first, dt.date(first.year, 12, 31)
    names, needs, cost, low = [], [], {}, []  # expressions: variable -> factor, "" the constant

    def add(into, other, factor=1.0):
        for key, value in other.items():
            into[key] = into.get(key, 0.0) + factor * value
        return into

    swapped: dict[dt.date, dict] = {}
    for i, c in enumerate(ledger):
        due = dt.date.fromisoformat(c["maturity"])
        pays = [d for k in (2, 1, 0) if close < (d := _years_back(due, k)) <= last]
        mine = {*pays, last} | (decide if c["prepayable"] else set())
        can = set()
        if c["replaceable"] and window:
            can = {d for d in {*window, *decide, *pays} if window[0] <= d <= window[1]}
            can = {d for d in can if close < d <= last}
        before, paid = {"": c["principal_wan"]}, close
        for day in sorted(mine | can):
            now = {} if day == last or day >= due else {f"b{i}{day}": 1.0}
            swap = {f"r{i}{day}": 1.0} if day in can else {}
            add(swapped.setdefault(day, {}), swap)
            drop = add(add({}, before), now, -1.0)
            share = c["rate_pct"] / 100 * (_of_360(day) - _of_360(paid)) / 360
            interest = add({}, before if day in pays else drop, share)
            principal = add(add({}, drop), swap, -1.0)
            fee = add({}, principal, c["prepay_fee_pct"] / 100 if day < due else 0.0)
            names += [*now, *swap]
            low.append(principal)
            if day < due and not c["prepayable"]:
                low.append(add({}, principal, -1.0))
            need = add(add(add({}, principal), interest), fee)
            needs.append((day, c["contract_id"], need))
            add(add(cost, interest), fee)
            before, paid = now, day if day in pays else paid
    if window:
        spent = {}
        for day, swap in swapped.items():
            add(spent, swap)
            later = _years_back(day, -1)
            if later <= last:
                needs.append((later, None, add({}, swap, 0.022)))
                add(cost, swap, 0.022)
        low.append(add({"": quotas[0]["quota_wan"]}, spent, -1.0))
    days = sorted({(day, name) for day, name, _ in needs}, key=str)
    for count in range(1, len(days) + 1):
        for group in combinations(days, count):
            row = {}
            for day, name, need in needs:
                if (day, name) in group:
                    add(row, need, -1.0)
            there = sum(
                s["cap_wan"] for s, a, z in zip(sources, come, lapse, strict=True)
                if any(a <= day <= z and s["earmark"] in (None, name) for day, name in group)
            )  # fmt: skip
            low.append(add(row, {"": there}))
    names = sorted(set(names))
    if not names:
        return cost.get("", 0.0) if all(e.get("", 0.0) >= -1e-7 for e in low) else None
    a = np.array([[-e.get(n, 0.0) for n in names] for e in low])
    b = np.array([e.get("", 0.0) for e in low])
    found = linprog([cost.get(n, 0.0) for n in names], A_ub=a, b_ub=b, method="highs")
    return float(found.fun) + cost.get("", 0.0) if found.status == 0 else None


def _years_back(day: dt.date, years: int) -> dt.date:
    last = (day + dt.timedelta(days=1)).day == 1
    first = dt.date(day.year - years, day.month, 1)
    end = dt.date(first.year + first.month // 12, first.month % 12 + 1, 1) - dt.timedelta(days=1)
    return end if last else first.replace(day=min(day.day, end.day))
