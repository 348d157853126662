"""The programme of a clearance plan: named rows and columns, solved sparse by HiGHS.

A column for each contract's closing balance on each of its moves, for money by pool,
group and slot, and for bonds by quota and day. Sources are allotted to single contracts
afterwards, which always works because a group is what the same pools may pay.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, linprog, milp

from fiscalmodel.debt.clearance.problem import Bools, Floats, Ints, Problem, total

#: Nodes after which a mixed-integer solve stops: the same on a loaded machine as on an idle one.
NODES = 40
#: Relative gap at which a plan counts as proven.
PROVEN = 1e-6
#: Tolerance of bounds, rows and reduced costs: amounts hold far below a 分.
EXACT = 1e-10
#: Above this many whole numbers only the rounding heuristic is tried, with the bound it leaves.
MOST_WHOLE = 4_000
#: Preference where it costs the same, 万元 per 万元: quota before own money, and the like.
TIE = 1e-7


@dataclass(frozen=True)
class Extra:
    """One more variable that adds money (K × S) or quota (Q) per unit."""

    money: Floats | None = None
    quota: Floats | None = None
    cost: float = 0.0
    upper: float = np.inf


@dataclass(frozen=True)
class Solution:
    """Values and prices of a solved programme by name; empty where there is none."""

    status: str  # optimal, feasible, infeasible or unknown
    objective: float = float("nan")
    bound: float = float("nan")
    values: Mapping[str, Floats] = field(default_factory=dict)
    prices: Mapping[str, Floats] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def found(self) -> bool:
        """Whether there is a plan."""
        return self.status in ("optimal", "feasible")


class Program:
    """The constraints of a plan; objectives and further rows are given to `solve`.

    Parameters
    ----------
    elastic
        Whether money may be missing, and principal that terms forbid to repay be let off.
    extras
        Variables that add money or quota.
    """

    def __init__(self, p: Problem, *, elastic: bool = False, extras: tuple[Extra, ...] = ()):
        self.p, self.size = p, 0
        self.columns: dict[str, Ints] = {}
        self.lower: list[Floats] = []
        self.upper: list[Floats] = []
        self.rows: dict[str, Ints] = {}
        self.heights: dict[bool, int] = {False: 0, True: 0}
        self.rhs: dict[bool, list[Floats]] = {False: [], True: []}
        self.entries: dict[bool, list[tuple[Ints, Ints, Floats]]] = {False: [], True: []}
        self._build(elastic, extras)

    # ---- columns and rows by name ----

    def column(
        self, name: str, mask: Bools, upper: Floats | float = np.inf, lower: Floats | float = 0.0
    ) -> Ints:
        """Index array shaped like `mask`; -1 where there is no column."""
        index = np.full(mask.shape, -1, dtype=np.int64)
        count = int(mask.sum())
        index[mask] = np.arange(self.size, self.size + count)
        self.size += count
        self.lower.append(np.broadcast_to(lower, mask.shape)[mask].astype(float))
        self.upper.append(np.broadcast_to(upper, mask.shape)[mask].astype(float))
        self.columns[name] = index
        return index

    def row(
        self, name: str, rhs: Floats, *terms: tuple[Ints, Floats | float], equal: bool = False,
        at: Ints | None = None,
    ) -> None:  # fmt: skip
        """Rows Σ coefficient · column ≤ (or =) rhs.

        A term's columns are shaped like `rhs`, or are listed with the row of each in `at`
        (a term of three: columns, coefficients, rows).
        """
        count, base = len(rhs), self.heights[equal]
        self.rows[name] = np.arange(base, base + count)
        self.heights[equal] += count
        self.rhs[equal].append(np.asarray(rhs, dtype=float))
        for term in terms:
            columns, factors = term[0], np.broadcast_to(term[1], term[0].shape)
            rows = np.arange(count) if at is None or len(term) == 2 else at
            self._enter(equal, base + rows, columns, factors)

    def enter(self, name: str, rows: Ints, columns: Ints, factors: Floats | float,
              equal: bool = False) -> None:  # fmt: skip
        """Further terms of rows that are there: row of each, its column and coefficient."""
        at = self.rows[name][rows]
        self._enter(equal, at, columns, np.broadcast_to(factors, columns.shape))

    def _enter(self, equal: bool, rows: Ints, columns: Ints, factors: Floats) -> None:
        there = (columns >= 0) & (factors != 0)
        if there.any():
            self.entries[equal].append((rows[there], columns[there], factors[there]))

    # ---- the plan ----

    def _build(self, elastic: bool, extras: tuple[Extra, ...]) -> None:
        p, m = self.p, self.p.moves
        size, (pools, groups) = len(m.who), p.eligible.shape
        slots, quotas = len(p.slots), len(p.given.quotas)
        slot = p.slot[m.when] if size else np.zeros(0, dtype=np.int64)
        every = np.ones(size, dtype=bool)
        growth = 1 + m.accrual
        kept = np.where(m.pays, 1.0, growth)  # what stays bears its interest later
        lead = np.where(m.pays & p.given.options.capitalise, growth, 1.0)
        opening = p.opening

        b = self.column("balance", every, self.most(), lower=p.stays[m.who])
        before = np.where(m.first, -1, np.concatenate([[-1], b[:-1]])) if size else b
        r = self.column("replaced", m.swaps)
        charged = (m.fee > 0) & (p.principal[m.who] > 0)
        f = self.column("early", charged)
        active = np.ones(p.cap.shape, bool) if extras else np.cumsum(p.cap, axis=1) > 0
        y = self.column("paid", p.eligible[:, :, None] & active[:, None, :])
        w = self.column("kept", p.hold & active)
        v = self.column("bonds", np.ones(len(p.draw_quota), dtype=bool))
        e = self.column("missing", np.full((groups, slots), elastic))
        h = self.column("let_off", m.clears & np.isfinite(m.limit) & elastic)
        timed = (m.minimum > 0) & (p.principal[m.who] > 0)
        z = self.column("open", timed, upper=1.0)
        x = self.column("extra", np.ones(len(extras), bool), np.array([a.upper for a in extras]))

        self.row("falls", lead * opening, (b, 1.0), (r, 1.0), (h, 1.0), (before, -lead))
        k = np.isfinite(m.limit)
        self.row("terms", (m.limit - opening)[k], (before[k], 1.0), (b[k], -1.0), (r[k], -1.0),
                 (h[k], -1.0))  # fmt: skip
        k = charged
        self.row("early", (m.scheduled - opening)[k], (before[k], 1.0), (b[k], -1.0),
                 (r[k], -1.0), (h[k], -1.0), (f[k], -1.0))  # fmt: skip
        # Cash of each group and slot is paid from its pools, or is missing.
        at = p.group[m.who] * slots + slot
        need = total(at, growth * opening, groups * slots)
        self.row("cash", -need, (e.ravel(), -1.0), equal=True)
        for columns, factors in (
            (before, growth), (b, -kept), (r, m.swap_fee - 1.0), (h, -1.0), (f, m.fee)
        ):  # fmt: skip
            self.enter("cash", at, columns, factors, equal=True)
        for k_, g in np.ndindex(pools, groups):
            self.enter("cash", g * slots + np.arange(slots), y[k_, g], -1.0, equal=True)
        if p.given.options.bond_service:
            for draw, parts in enumerate(p.services):
                rows = np.array([t for _, t, _, _ in parts], dtype=np.int64) + (groups - 1) * slots
                amounts = np.array([c + q for _, _, c, q in parts])
                self.enter("cash", rows, np.full(len(parts), v[draw]), amounts, equal=True)
        earlier = np.concatenate([np.full((pools, 1), -1), w[:, :-1]], axis=1)
        self.row("money", p.cap.ravel(), (w.ravel(), 1.0), (earlier.ravel(), -1.0))
        for g in range(groups):
            self.enter("money", np.arange(pools * slots), y[:, g].ravel(), 1.0)
        # What is replaced is covered by bonds, bonds by quota and by the limit of the year.
        days = np.unique(m.when[m.swaps])
        self.row("cover", np.zeros(len(days)), equal=True)
        self.enter("cover", np.searchsorted(days, m.when[m.swaps]), r[m.swaps], 1.0, equal=True)
        self.enter("cover", np.searchsorted(days, p.draw_day), v, -1.0, equal=True)
        self.row("quota", np.array([q.amount_wan for q in p.given.quotas]))
        self.enter("quota", p.draw_quota, v, 1.0)
        self.row("room", np.array([room for _, room in p.rooms]))
        for k_, (last, _) in enumerate(p.rooms):
            inside = p.draw_day <= last
            self.enter("room", np.full(int(inside.sum()), k_), v[inside], 1.0)
        for k_, extra in enumerate(extras):
            if extra.money is not None:
                self.enter("money", np.arange(pools * slots), np.full(pools * slots, x[k_]),
                           -extra.money.ravel())  # fmt: skip
            if extra.quota is not None:
                self.enter("quota", np.arange(quotas), np.full(quotas, x[k_]), -extra.quota)
        # A minimum is paid while a balance remains.
        k = timed
        self.row("minimum", (growth * opening)[k], (b[k], kept[k]), (r[k], 1.0), (h[k], 1.0),
                 (before[k], -growth[k]), (z[k], m.minimum[k]))  # fmt: skip
        self.row("open", np.zeros(int(k.sum())), (b[k], 1.0), (z[k], -self.top()[k]))
        self.matrices = {
            equal: sparse.csr_array(
                tuple_matrix(self.entries[equal], self.heights[equal], self.size)
            )
            for equal in (False, True)
        }
        self.bounds = np.concatenate(self.lower), np.concatenate(self.upper)
        self.right = {
            equal: np.concatenate(self.rhs[equal]) if self.rhs[equal] else np.zeros(0)
            for equal in (False, True)
        }

    def most(self) -> Floats:
        """Closing balance at most: by the terms, and by paying no more than the minimum."""
        least = least_path(self.p)
        if self.p.given.options.capitalise:
            return self.p.moves.highest
        return np.minimum(self.p.moves.highest, least)

    def top(self) -> Floats:
        """A number that no closing balance is above."""
        p, m = self.p, self.p.moves
        top = p.principal[m.who]
        if p.given.options.capitalise:
            for i in range(len(p.principal)):
                mine = m.who == i
                grown = np.cumprod(np.where(m.pays[mine], 1 + m.accrual[mine], 1.0))
                top[mine] *= grown
        return np.minimum(top, self.most())

    # ---- objectives: cost of each column, and what is fixed ----

    def interest(self, weight: Floats | None = None) -> tuple[Floats, float]:
        """Interest and fees of the contracts, each day's weighted."""
        p, m = self.p, self.p.moves
        u = np.ones(len(m.who)) if weight is None else weight
        cost = np.zeros(self.size)
        b, (r, f) = self.columns["balance"], (self.columns["replaced"], self.columns["early"])
        stays = ~m.first
        cost[b] -= np.where(m.pays, 0.0, m.accrual) * u
        cost[b[:-1][stays[1:]]] += (m.accrual * u)[1:][stays[1:]]
        cost[r[r >= 0]] += (m.swap_fee * u)[r >= 0]
        cost[f[f >= 0]] += (m.fee * u)[f >= 0]
        return cost, float((m.accrual * u * p.opening).sum())

    def objective(self, name: str) -> tuple[Floats, float]:
        """Cost of each column under an objective; ties go to quota before own money."""
        p, m, v = self.p, self.p.moves, self.columns["bonds"]
        if name == "least_present_value":
            u = p.discount[m.when] if len(m.who) else np.zeros(0)
            cost, fixed = self.interest(u)
            b, stays = self.columns["balance"], ~m.first
            cost[b] -= u
            cost[b[:-1][stays[1:]]] += u[1:][stays[1:]]
            for part in ("replaced", "let_off"):
                c = self.columns[part]
                cost[c[c >= 0]] -= u[c >= 0]
            cost[v] += p.bond_value - TIE
            self._prefer(cost)
            return cost, fixed + float((u * p.opening).sum())
        cost, fixed = self.interest()
        cost[v] += p.bond_interest - TIE
        self._prefer(cost)
        if name == "quota_first":
            # No interest that a 万元 of quota could cost is as much as this.
            span = p.years[-1] if len(p.years) else 1.0
            rates = [c.rate_pct for c in p.contracts] + [q.rate_pct for q in p.given.quotas]
            cost[v] -= 2 + 2 * span * max(rates, default=0.0) / 100
        return cost, fixed

    def _prefer(self, cost: Floats) -> None:
        """Where it costs the same: assets are sold last, bonds served by the fund budget first."""
        paid = self.columns["paid"]
        for k, kind in enumerate(self.p.kinds):
            groups = slice(None) if kind == "disposal" else slice(-1, None)
            chosen = paid[k, groups]
            if kind != "land":
                cost[chosen[chosen >= 0]] += TIE

    def missing(self, until: int | None = None) -> Floats:
        """What is missing up to a slot (all of it without one), as a cost of each column."""
        p, m = self.p, self.p.moves
        last = len(p.slots) - 1 if until is None else until
        cost = np.zeros(self.size)
        e, h = self.columns["missing"][:, : last + 1], self.columns["let_off"]
        cost[e[e >= 0]] = 1.0
        if len(m.who):
            cost[h[(h >= 0) & (p.slot[m.when] <= last)]] = 1.0
        return cost

    # ---- solving ----

    def solve(
        self, cost: Floats, fixed: float = 0.0, *,
        rows: tuple[tuple[Floats, float], ...] = (), whole: Bools | None = None,
        relaxed: bool = False,
    ) -> Solution:  # fmt: skip
        """Least cost.

        Parameters
        ----------
        rows
            Further rows: coefficients of all columns, and what they add up to at most.
        whole
            For each minimum (in the order of its columns) whether the contract is still
            open; decided by branch and bound where it is not given.
        relaxed
            Whether being open may be a fraction: the bound of a mixed-integer plan.
        """
        if self.size == 0:
            return Solution("optimal", fixed, fixed, self._named(np.zeros(0)), {})
        begun = time.perf_counter()
        a, rhs = self.matrices[False], self.right[False]
        if rows:
            a = sparse.vstack([a, sparse.csr_array(np.array([r for r, _ in rows]))]).tocsr()
            rhs = np.concatenate([rhs, [most for _, most in rows]])
        lower, upper = self.bounds
        z = self.columns["open"]
        z = z[z >= 0]
        bound = float("nan")
        proven = True
        if len(z) and whole is None and not relaxed:
            integer = np.zeros(self.size, dtype=int)
            integer[z] = 1
            mixed = milp(
                cost, integrality=integer, bounds=Bounds(lower, upper),
                constraints=[
                    LinearConstraint(a, -np.inf, rhs),
                    LinearConstraint(self.matrices[True], self.right[True], self.right[True]),
                ],
                options={"mip_rel_gap": PROVEN / 10, "node_limit": NODES},
            )  # fmt: skip
            if mixed.x is None:
                status = "infeasible" if mixed.status == 2 else "unknown"
                return Solution(status, seconds=time.perf_counter() - begun)
            proven, bound = mixed.status == 0, float(mixed.mip_dual_bound) + fixed
            whole = mixed.x[z] > 0.5
        if whole is not None and len(z):
            # With the whole numbers fixed it is linear again, and has prices.
            lower, upper = lower.copy(), upper.copy()
            lower[z] = upper[z] = whole
        result = linprog(
            cost, A_ub=a, b_ub=rhs, A_eq=self.matrices[True], b_eq=self.right[True],
            bounds=np.column_stack([lower, upper]), method="highs",
            options={"primal_feasibility_tolerance": EXACT, "dual_feasibility_tolerance": EXACT},
        )  # fmt: skip
        seconds = time.perf_counter() - begun
        if result.status != 0:
            return Solution("infeasible" if result.status == 2 else "unknown", seconds=seconds)
        prices = {
            name: np.maximum(-result.ineqlin.marginals[index], 0.0)
            for name, index in self.rows.items() if name not in ("cash", "cover")
        }  # fmt: skip
        b = self.columns["balance"]
        prices["due"] = np.maximum(-result.upper.marginals[b], 0.0)
        value = float(cost @ result.x) + fixed
        status = "optimal" if proven else "feasible"
        return Solution(status, value, value if bound != bound else bound,
                        self._named(result.x), prices, seconds)  # fmt: skip

    def _named(self, values: Floats) -> dict[str, Floats]:
        return {
            name: np.where(index >= 0, values[index], 0.0) if values.size
            else np.zeros(index.shape) for name, index in self.columns.items()
        }  # fmt: skip


def tuple_matrix(
    entries: list[tuple[Ints, Ints, Floats]], height: int, width: int
) -> sparse.coo_array:
    """A sparse matrix of entries row, column, value; what stands twice adds up."""
    if not entries:
        return sparse.coo_array((height, width))
    rows, columns, values = (np.concatenate(part) for part in zip(*entries, strict=True))
    return sparse.coo_array((values, (rows, columns)), shape=(height, width))


def least_path(p: Problem) -> Floats:
    """Closing balances where nothing but the minimum is paid: no plan that pays it is above."""
    m = p.moves
    left = np.full(len(m.who), np.inf)
    balance = 0.0
    for k in np.flatnonzero(np.isin(m.who, np.unique(m.who[m.minimum > 0]))):
        balance = float(p.principal[m.who[k]]) if m.first[k] else balance
        if m.minimum[k] > 0:
            balance = max(0.0, balance - max(0.0, m.minimum[k] - m.accrual[k] * balance))
        left[k] = balance
    return left


def optimise(p: Problem, objective: str) -> Solution:
    """The best plan under an objective, with the bound that was proven.

    Minimum instalments make it mixed-integer: contracts are open while they owe. The
    relaxation gives a bound; plans come from rounding it, from paying the minimum as long
    as it lasts, and from branch and bound up to a number of nodes.
    """
    program = Program(p)
    cost, fixed = program.objective(objective)
    z = program.columns["open"]
    if not (z >= 0).any():
        return program.solve(cost, fixed)
    begun = time.perf_counter()
    bound = program.solve(cost, fixed, relaxed=True)
    if not bound.found:
        return bound
    tried = [
        program.solve(cost, fixed, whole=whole)
        for whole in roundings(p, program, bound.values["balance"])
    ]
    plans = [s for s in tried if s.found]
    best = min(plans, key=lambda s: s.objective) if plans else None
    scale = max(abs(best.objective - fixed), abs(fixed), 1e-9) if best else 1.0
    if best is None or best.objective - bound.objective > PROVEN * scale:
        if int((z >= 0).sum()) <= MOST_WHOLE:
            mixed = program.solve(cost, fixed)
            if mixed.status == "infeasible":
                return mixed
            if mixed.found and (best is None or mixed.objective <= best.objective):
                best = mixed
            low = max(bound.objective, mixed.bound if mixed.found else bound.objective)
        else:
            low = bound.objective
    else:
        low = best.objective
    seconds = time.perf_counter() - begun
    if best is None:
        return Solution("unknown", bound=bound.objective, seconds=seconds)
    proven = best.objective - low <= PROVEN * scale
    return Solution("optimal" if proven else "feasible", best.objective, low, best.values,
                    best.prices, seconds)  # fmt: skip


def roundings(p: Problem, program: Program, balance: Floats) -> list[Bools]:
    """Ways of being open: as the relaxation has it, and as long as the minimum lasts."""
    there = program.columns["open"] >= 0
    top = np.maximum(program.top(), 1e-9)
    rounds = [
        (balance > share * top)[there] for share in (1e-7, 0.02, 0.1)
    ]  # fmt: skip
    return [*rounds, (least_path(p) > 1e-9)[there]]
