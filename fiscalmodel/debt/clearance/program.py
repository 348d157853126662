"""The programme of a clearance plan: named rows and columns, solved sparse by HiGHS.

A column for what each contract repays on each of its moves, for money by pool, group and
slot, and for bonds by quota and day. Sources are allotted to single contracts afterwards,
which always works because a group is what the same pools may pay.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, linprog, milp

from fiscalmodel.debt.clearance.problem import Bools, Floats, Ints, Problem, total

#: Nodes after which a mixed-integer solve stops: the same on a loaded machine as on an idle one.
NODES = 40
#: Relative gap at which a plan counts as proven.
PROVEN = 1e-6
#: Tolerance of bounds, rows and reduced costs: amounts hold far below a 分.
EXACT = 1e-9
#: Above this many whole numbers only the rounding heuristic is tried, with the bound it leaves.
MOST_WHOLE = 4_000
#: Preference where it costs the same, 万元 per 万元: quota before own money, and the like.
TIE = 1e-7
#: Difference of rates (1 a year) that tells contracts of one rate apart.
BY_ID = 5e-9
#: Bounds that lie nearer are one.
NEAR = 1e-9
#: Rows that hold exactly.
EQUAL = ("clear", "cash", "cover")


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

    Attributes
    ----------
    columns
        Name -> index of each column, -1 where there is none: ``repaid, replaced, early,
        let_off`` and ``open`` by move, ``paid`` by pool, group and slot, ``kept`` by pool
        and slot, ``bonds`` by draw, ``missing`` by group and slot, ``extra``.
    rows
        Name -> place of the rows whose prices are wanted.
    """

    def __init__(self, p: Problem, *, elastic: bool = False, extras: tuple[Extra, ...] = ()):
        self.p, m = p, p.moves
        self.capital = m.pays & p.given.options.capitalise
        self.most = m.highest if self.capital.any() else np.minimum(m.highest, least_path(p))
        self.columns, self.upper = _columns(p, self.most, elastic, extras)
        self.size = len(self.upper)
        self._balances()
        #: Interest due on a day of payment by what was owed, and on other days by what falls.
        self.runs = np.where(m.pays, m.accrual, 0.0)
        self.settles = np.where(m.pays, 0.0, m.accrual)
        self.rows: dict[str, slice] = {}
        self.matrices: dict[bool, Any] = {}
        self.right: dict[bool, Floats] = {}
        made = list(self._rows(extras))
        for equal in (False, True):
            mine = [row for row in made if (row[0] in EQUAL) == equal]
            self.matrices[equal] = sparse.vstack([x for _, x, _ in mine], format="csc")
            self.right[equal] = np.concatenate([right for _, _, right in mine])
            ends = np.cumsum([len(right) for _, _, right in mine])
            self.rows |= {
                name: slice(end - len(right), end)
                for (name, _, right), end in zip(mine, map(int, ends), strict=True)
            }

    # ---- balances: what columns leave ----

    def pick(self, name: str, factor: Floats | float = 1.0) -> Any:
        """The columns of a name as rows of a matrix, each times its factor."""
        index = self.columns[name].ravel()
        there = np.flatnonzero(index >= 0)
        values = np.broadcast_to(factor, index.shape)[there]
        return sparse.csr_array((values, (there, index[there])), shape=(len(index), self.size))

    def _balances(self) -> None:
        """Closing and opening of each move: `fixed` and `opened`, and what columns take off.

        A balance is no column of its own: the programme has a row for each contract
        instead of one for each move, which HiGHS solves several times as fast.
        """
        p, m, size = self.p, self.p.moves, len(self.p.moves.who)
        growth = np.where(self.capital, 1 + m.accrual, 1.0)
        start = np.maximum.accumulate(np.where(m.first, np.arange(size), 0))
        count = np.arange(size) - start + 1
        k = np.repeat(np.arange(size), count)
        j = np.arange(len(k)) - np.repeat(np.cumsum(count) - count - start, count)
        grown = np.exp(np.cumsum(np.log(growth)))
        self.falls = self.pick("repaid") + self.pick("replaced") + self.pick("let_off")
        self.left = sparse.csr_array((-grown[k] / grown[j], (k, j)), (size, size)) @ self.falls
        self.fixed = p.principal[m.who] * grown / (grown / growth)[start]
        back = shift(~m.first)
        self.before, self.opened = back @ self.left, p.opening + back @ self.fixed

    def _rows(self, extras: tuple[Extra, ...]) -> Iterator[tuple[str, Any, Floats]]:
        """Name, coefficients and right side: at most, or equal for names in `EQUAL`."""
        p, m, (pools, groups) = self.p, self.p.moves, self.p.eligible.shape
        slots, most = len(p.slots), self.most - self.fixed
        # What a contract owes falls to what its terms allow, and in the end to what stays.
        above = np.where(m.first, p.principal[m.who], np.roll(self.most, 1))
        if self.capital.any():  # a balance may rise again
            above = np.where(above > p.stays[m.who] + NEAR, np.inf, above)
        tighter = (self.most < above - NEAR) & (p.principal[m.who] > 0)
        ends = tighter & (self.most <= p.stays[m.who] + NEAR)
        yield "clear", self.left[ends], most[ends]
        yield "due", self.left[tighter & ~ends], most[tighter & ~ends]
        charged = self.columns["early"] >= 0
        yield "early", (self.pick("repaid") - self.pick("early"))[charged], m.scheduled[charged]
        # Cash of each group and slot is paid from its pools, or is missing.
        runs = np.where(self.capital, 0.0, self.runs)
        due = self.pick("repaid") + times(runs, self.before) + times(self.settles, self.falls)
        fees = self.pick("replaced", m.swap_fee) + self.pick("early", m.fee)
        cell = p.group[m.who] * slots + (p.slot[m.when] if len(m.who) else m.when)
        cash = sums(cell, groups * slots) @ (due + fees) - self.pick("missing")
        cash -= sums(np.tile(np.arange(groups * slots), pools), groups * slots) @ self.pick("paid")
        if p.given.options.bond_service:
            last = (groups - 1) * slots
            parts = [(last + t, v, interest + principal) for v, service in enumerate(p.services)
                     for _, t, interest, principal in service]  # fmt: skip
            at, draw, amount = np.array(parts, dtype=float).reshape(-1, 3).T
            served = sparse.csr_array(
                (amount, (at.astype(int), draw.astype(int))), (groups * slots, len(p.services))
            )
            cash += served @ self.pick("bonds")
        yield "cash", cash, -total(cell, runs * self.opened, groups * slots)
        at = np.arange(pools * slots).reshape(pools, 1, slots)
        at = np.broadcast_to(at, (pools, groups, slots)).ravel()
        money = sums(at, pools * slots) @ self.pick("paid") + self.pick("kept")
        money -= shift(np.arange(pools * slots) % slots > 0) @ self.pick("kept")
        quota = sums(p.draw_quota, len(p.given.quotas)) @ self.pick("bonds")
        for k, extra in enumerate(extras):
            column = self.pick("extra")[[k]]
            if extra.money is not None:
                money -= sparse.csr_array(extra.money.reshape(-1, 1)) @ column
            if extra.quota is not None:
                quota -= sparse.csr_array(extra.quota.reshape(-1, 1)) @ column
        yield "money", money, p.cap.ravel()
        # What is replaced is covered by bonds, bonds by quota and by the limit of the year.
        cover = sums(m.when, len(p.days)) @ self.pick("replaced")
        cover -= sums(p.draw_day, len(p.days)) @ self.pick("bonds")
        yield "cover", cover, np.zeros(len(p.days))
        yield "quota", quota, np.array([q.amount_wan for q in p.given.quotas])
        inside = np.array([p.draw_day <= day for day, _ in p.rooms], dtype=float)
        inside = inside.reshape(len(p.rooms), len(p.draw_day))
        room = sparse.csr_array(inside) @ self.pick("bonds")
        yield "room", room, np.array([most for _, most in p.rooms])
        # A minimum is paid while a balance remains.
        timed = self.columns["open"] >= 0
        least = self.pick("open", m.minimum) - due
        yield "minimum", least[timed], (runs * self.opened)[timed]
        yield "open", (self.left - self.pick("open", self.top()))[timed], -self.fixed[timed]

    def top(self) -> Floats:
        """A number that no closing balance is above."""
        top: Floats = np.minimum(self.fixed, self.most)
        return top

    # ---- objectives: cost of each column, and what is fixed ----

    def interest(self, weight: Floats | None = None) -> tuple[Floats, float]:
        """Interest and fees of the contracts, each day's weighted."""
        m = self.p.moves
        u = np.ones(len(m.who)) if weight is None else weight
        cost = self.before.T @ (self.runs * u) + self.falls.T @ (self.settles * u)
        for name, fee in (("replaced", m.swap_fee), ("early", m.fee)):
            cost += self.pick(name, fee).T @ u
        return np.asarray(cost, dtype=float), float(self.opened @ (self.runs * u))

    def objective(self, name: str) -> tuple[Floats, float]:
        """Cost of each column under an objective; ties go to quota before own money."""
        p, m, v, ties = self.p, self.p.moves, self.columns["bonds"], self._ties()
        if name == "least_present_value":
            u = p.discount[m.when] if len(m.who) else np.zeros(0)
            cost, fixed = self.interest(u * ties)
            # Interest that is added to a balance is paid with it.
            added = np.where(self.capital, self.runs * u, 0.0)
            cost += self.pick("repaid").T @ u - self.before.T @ added
            fixed -= float(self.opened @ added)
            cost[v] += p.bond_value - TIE
        else:
            cost, fixed = self.interest(ties)
            cost[v] += p.bond_interest - TIE
        self._prefer(cost)
        if name == "quota_first":
            # No interest that a 万元 of quota could cost is as much as this.
            span = p.years[-1] if len(p.years) else 1.0
            rates = [c.rate_pct for c in p.contracts] + [q.rate_pct for q in p.given.quotas]
            cost[v] -= 2 + 2 * span * max(rates, default=0.0) / 100
        return cost, fixed

    def _ties(self) -> Floats:
        """Weights of interest a hair above 1: of contracts at one rate the lowest id goes first."""
        rates = np.array([c.rate_pct for c in self.p.contracts], dtype=float)
        count = np.array([(rates[k + 1 :] == rate).sum() for k, rate in enumerate(rates)])
        step = min(BY_ID, 20 * BY_ID / max(count.max(), 1)) if len(count) else 0.0
        hair = np.where(rates > 0, count * step / np.where(rates > 0, rates / 100, 1.0), 0.0)
        return np.asarray(1 + hair[self.p.moves.who], dtype=float)

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
        lower, upper = np.zeros(self.size), self.upper
        z = self.columns["open"]
        z = z[z >= 0]
        bound = float("nan")
        proven = True
        if len(z) and whole is None and not relaxed:
            integer = np.zeros(self.size, dtype=int)
            integer[z] = 1
            with _silent():
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
            upper = upper.copy()
            lower[z] = upper[z] = whole
        result = linprog(
            cost, A_ub=a, b_ub=rhs, A_eq=self.matrices[True], b_eq=self.right[True],
            bounds=np.column_stack([lower, upper]), method="highs-ds",
            options={"primal_feasibility_tolerance": EXACT, "dual_feasibility_tolerance": 1e-10,
                     "simplex_dual_edge_weight_strategy": "devex"},
        )  # fmt: skip
        seconds = time.perf_counter() - begun
        if result.status != 0:
            return Solution("infeasible" if result.status == 2 else "unknown", seconds=seconds)
        prices = {
            name: np.maximum(-result.ineqlin.marginals[self.rows[name]], 0.0)
            for name in ("money", "quota")
        }
        value = float(cost @ result.x) + fixed
        status = "optimal" if proven else "feasible"
        return Solution(status, value, value if bound != bound else bound,
                        self._named(result.x), prices, seconds)  # fmt: skip

    def _named(self, x: Floats) -> dict[str, Floats]:
        made = {
            name: np.where(index >= 0, x[index], 0.0) if x.size else np.zeros(index.shape)
            for name, index in self.columns.items()
        }
        return made | {"balance": self.fixed + (self.left @ x if x.size else 0.0)}


_quiet = threading.Lock()


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """HiGHS prints a line of its own past its settings, which would stand in notebooks."""
    if os.name != "posix":
        yield
        return
    flush = ctypes.CDLL(None).fflush
    with _quiet, open(os.devnull, "wb") as nowhere:
        flush(None)
        kept = os.dup(1)
        os.dup2(nowhere.fileno(), 1)
        try:
            yield
        finally:
            flush(None)
            os.dup2(kept, 1)
            os.close(kept)


def _columns(
    p: Problem, most: Floats, elastic: bool, extras: tuple[Extra, ...]
) -> tuple[dict[str, Ints], Floats]:
    """Index of what may be decided by name, and what each column is at most."""
    m, groups, slots = p.moves, p.eligible.shape[1], len(p.slots)
    there = np.where(m.first, p.principal[m.who], np.roll(most, 1)) > p.stays[m.who]
    active = np.cumsum(p.cap, axis=1) > 0 if not extras else np.ones(p.cap.shape, dtype=bool)
    masks: dict[str, tuple[Bools, Floats | float]] = {
        "repaid": (there & (m.limit > 0), m.limit),
        "replaced": (there & m.swaps, np.inf),
        "early": (there & (m.limit > 0) & ((m.fee > 0) | (m.early & elastic)), np.inf),
        "let_off": (there & m.clears & np.isfinite(m.limit) & elastic, np.inf),
        "open": ((m.minimum > 0) & (p.principal[m.who] > 0), 1.0),
        "paid": (p.eligible[:, :, None] & active[:, None, :], np.inf),
        "kept": (p.hold & active, np.inf),
        "bonds": (np.ones(len(p.draw_quota), dtype=bool), np.inf),
        "missing": (np.full((groups, slots), elastic), np.inf),
        "extra": (np.ones(len(extras), dtype=bool), np.array([extra.upper for extra in extras])),
    }
    columns: dict[str, Ints] = {}
    upper, size = [], 0
    for name, (mask, limit) in masks.items():
        columns[name] = np.full(mask.shape, -1, dtype=np.int64)
        columns[name][mask] = np.arange(size, size + int(mask.sum()))
        size += int(mask.sum())
        upper.append(np.broadcast_to(limit, mask.shape)[mask].astype(float))
    return columns, np.concatenate(upper)


def sums(at: Ints, size: int) -> Any:
    """The matrix that adds rows up into `size` rows: row k goes to ``at[k]``."""
    return sparse.csr_array((np.ones(len(at)), (at, np.arange(len(at)))), shape=(size, len(at)))


def shift(mask: Bools) -> Any:
    """The matrix that gives every marked row the row before it."""
    k = np.flatnonzero(mask)
    return sparse.csr_array((np.ones(len(k)), (k, k - 1)), shape=(len(mask), len(mask)))


def times(factors: Floats, rows: Any) -> Any:
    """Each row of a matrix times its factor."""
    return sparse.diags_array(factors).tocsr() @ rows if len(factors) else rows


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
    rounds = [(balance > share * top)[there] for share in (1e-7, 0.02, 0.1)]
    rounds.append((least_path(p) > 1e-9)[there])
    return list({whole.tobytes(): whole for whole in rounds}.values())
