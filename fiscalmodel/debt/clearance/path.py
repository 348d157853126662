"""The way a plan takes: cash and balances of every move, and the tables that follow.

Amounts are cleaned so that they add up exactly: every one follows from the one before it.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left
from dataclasses import dataclass

import numpy as np
import pandas as pd

from fiscalmodel.debt.clearance.problem import Floats, Ints, Problem, position, total
from fiscalmodel.debt.clearance.program import Solution

#: Half a 分 in 万元: less than this is no payment.
DUST_WAN = 5e-7
#: Uses in the order in which money goes to them.
USES = ("interest", "fee", "principal")


@dataclass(frozen=True)
class Path:
    """Amounts in 万元, M moves unless said otherwise.

    ``closing`` is as if missing money were there; what a contract really owes is that and
    what it is still missing, with its interest (`owed`).
    """

    opening: Floats
    closing: Floats
    accrued: Floats  # interest due
    interest: Floats  # paid in cash
    principal: Floats  # paid in cash
    fee: Floats
    replaced: Floats
    let_off: Floats
    flow: Floats  # K × G × S
    missing: Floats  # G × S
    bonds: Floats  # V


def make_path(p: Problem, closing: Floats, replaced: Floats, let_off: Floats,
              flow: Floats, missing: Floats, bonds: Floats) -> Path:  # fmt: skip
    """Cash from closing balances: what is not replaced has been paid.

    Opening + unpaid interest − principal − replaced = closing holds for each contract.
    """
    m, size = p.moves, len(p.moves.who)
    made = {name: np.zeros(size) for name in (
        "opening", "closing", "accrued", "interest", "principal", "fee", "replaced", "let_off"
    )}  # fmt: skip
    starts = np.flatnonzero(m.first)
    lengths = np.diff(np.append(starts, size))
    current = p.principal[m.who[starts]] if size else np.zeros(0)
    for step in range(int(lengths.max()) if size else 0):
        on = lengths > step
        k, balance = starts[on] + step, current[on]
        capital = m.pays[k] & p.given.options.capitalise
        top = np.where(capital, balance * (1 + m.accrual[k]), balance)
        swap = _tidy(replaced[k], top)
        hold = _tidy(let_off[k], top - swap)
        room = top - swap - hold
        left = _tidy(closing[k], room)
        left = np.where(np.abs(left - balance) < DUST_WAN, np.minimum(balance, room), left)
        drop = balance - swap - hold - left
        due = m.accrual[k] * np.where(m.pays[k], balance, balance - left)
        made["opening"][k], made["closing"][k], made["accrued"][k] = balance, left, due
        made["interest"][k] = np.maximum(due + np.minimum(drop, 0.0), 0.0)
        made["principal"][k] = np.maximum(drop, 0.0)
        over = np.maximum(drop - m.scheduled[k], 0.0)
        made["fee"][k] = m.fee[k] * over + m.swap_fee[k] * swap
        made["replaced"][k], made["let_off"][k] = swap, hold
        current[on] = left
    swapped = total(m.when, made["replaced"], len(p.days))
    issued = total(p.draw_day, bonds, len(p.days))
    bonds = (
        bonds * np.divide(swapped, issued, out=np.zeros_like(issued), where=issued > 0)[p.draw_day]
    )
    bonds = np.where(bonds < DUST_WAN, 0.0, bonds)
    need = needs(p, made["interest"] + made["principal"] + made["fee"], bonds)
    flow = np.where(np.abs(flow) < DUST_WAN / 10, 0.0, flow)
    missing = np.where(missing < 3 * DUST_WAN, 0.0, missing)
    supply = flow.sum(axis=0) + missing
    # The solver's rounding goes where the money goes.
    scale = np.divide(need, supply, out=np.ones_like(need), where=supply > DUST_WAN / 10)
    return Path(**made, flow=flow * scale, missing=missing * scale, bonds=bonds)


def needs(p: Problem, cash: Floats, bonds: Floats) -> Floats:
    """Cash that each group needs in each slot, bond service in the last group; G × S."""
    m, (slots, groups) = p.moves, (len(p.slots), p.eligible.shape[1])
    at = p.group[m.who] * slots + (p.slot[m.when] if len(m.who) else 0)
    need = total(at, cash, groups * slots).reshape(groups, slots)
    if p.given.options.bond_service:
        for draw in np.flatnonzero(bonds):
            for _, t, interest, principal in p.services[draw]:
                need[-1, t] += bonds[draw] * (interest + principal)
    return need


def _tidy(values: Floats, top: Floats) -> Floats:
    """Clip to [0, top] and snap to its ends."""
    result = np.clip(values, 0.0, np.maximum(top, 0.0))
    near = 1e-9 * np.maximum(top, 1.0) + DUST_WAN
    result = np.where(result < near, 0.0, result)
    return np.where(top - result < near, np.maximum(top, 0.0), result)


def from_solution(p: Problem, s: Solution) -> Path:
    """The path of a solved programme."""
    v = s.values
    return make_path(p, v["balance"], v["replaced"], v["let_off"], v["paid"], v["missing"],
                     v["bonds"])  # fmt: skip


# ---- who is paid from what ----


def match(wanted: Floats, supplies: Floats) -> tuple[Ints, Ints, Floats]:
    """Fill needs in order from supplies in order: need index, supply index, amount.

    The two cumulative sums are cut at each other's steps; both totals agree (up to
    rounding, which the last segment takes), and no part is less than half a 分.
    """
    a, b = np.cumsum(wanted), np.cumsum(supplies)
    if not len(a) or not len(b):
        empty = np.zeros(0, dtype=np.int64)
        return empty, empty, np.zeros(0)
    # Steps that differ by rounding only are one step; needs keep their exact size.
    near = a[np.clip(np.searchsorted(a, b), 0, len(a) - 1)]
    below = a[np.clip(np.searchsorted(a, b) - 1, 0, len(a) - 1)]
    crumb = max(1e-10 * max(a[-1], 1.0), DUST_WAN)
    b = np.where(np.abs(near - b) < crumb, near, np.where(np.abs(b - below) < crumb, below, b))
    cuts = np.union1d(a, b[b < a[-1]])
    amounts = np.diff(np.concatenate([[0.0], cuts]))
    middle = cuts - amounts / 2
    of_need = np.minimum(np.searchsorted(a, middle), len(a) - 1)
    of_supply = np.minimum(np.searchsorted(b, middle), len(b) - 1)
    there = amounts > 0
    return of_need[there], of_supply[there], amounts[there]


@dataclass(frozen=True)
class _Needs:
    """What is to be paid in one slot for one group, in the order in which money goes to it."""

    day: Ints
    name: Ints  # contract, or number of contracts + draw
    use: Ints
    amount: Floats


def allot(p: Problem, path: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The schedule, and what is missing by contract.

    Inside a slot money goes by day; on a day to interest, then fees, then principal,
    contracts due first. What is missing falls on the last ones.
    """
    m, slots = p.moves, len(p.slots)
    names = [c.contract_id for c in p.contracts] + [
        f"replacement {p.given.quotas[q].name}" for q in p.draw_quota
    ]
    pools = [*p.pool_names, ""]
    uses = [*USES, "bond_interest", "bond_principal"]
    rank = np.argsort(np.argsort(_due(p), kind="stable"), kind="stable")
    slot = p.slot[m.when] if len(m.who) else np.zeros(0, dtype=np.int64)
    paid: list[tuple[object, ...]] = []
    lacking: list[tuple[object, ...]] = []
    amounts = np.concatenate([path.interest, path.fee, path.principal])
    who, when = np.tile(m.who, 3), np.tile(m.when, 3)
    use = np.repeat(np.arange(3), len(m.who))
    cell = np.tile(p.group[m.who] * slots + slot, 3)
    order = np.lexsort((rank[who], use, when, cell))
    order = order[amounts[order] > 0]
    cells, starts = np.unique(cell[order], return_index=True)
    found = {
        int(c): _Needs(when[part], who[part], use[part], amounts[part])
        for c, part in zip(cells, np.split(order, starts[1:]), strict=False)
    }
    service, days = _service(p, path), list(p.days)
    for t, rows in service.items():
        extra = [len(days) + k for k in range(len(rows))]
        days += [row[0] for row in rows]
        found[(p.eligible.shape[1] - 1) * slots + t] = _Needs(
            np.array(extra), np.array([row[1] for row in rows]), np.array([row[2] for row in rows]),
            np.array([row[3] for row in rows]),
        )  # fmt: skip
    labels = [p.labels[_period(p, day)] for day in days]
    for c, need in sorted(found.items()):
        g, t = divmod(c, slots)
        supplies = np.append(path.flow[:, g, t], path.missing[g, t])
        for i, k, amount in zip(*match(need.amount, supplies), strict=True):
            row = (labels[need.day[i]], names[need.name[i]], pools[k], amount,
                   uses[need.use[i]], days[need.day[i]])  # fmt: skip
            (lacking if k == len(p.pool_names) else paid).append(row)
    for e, i, q, amount in _swaps(p, path):
        name = f"replacement {p.given.quotas[q].name}"
        paid.append((labels[e], names[i], name, amount, "replacement", days[e]))
    columns = ["period", "contract_id", "source_id", "amount_wan", "use", "date"]
    schedule = _sorted(pd.DataFrame(paid, columns=columns), ["date", "contract_id", "use"])
    short = pd.DataFrame(lacking, columns=columns).assign(reason="money")
    held = np.flatnonzero(path.let_off > 0)
    terms = pd.DataFrame(
        [(labels[m.when[k]], names[m.who[k]], "", path.let_off[k], "principal", days[m.when[k]],
          "terms") for k in held], columns=[*columns, "reason"],
    )  # fmt: skip
    short = pd.concat([part for part in (short, terms) if len(part)] or [short])
    short = short[["period", "contract_id", "amount_wan", "use", "reason", "date"]]
    return schedule, _sorted(short, ["date", "contract_id", "use"])


def _service(p: Problem, path: Path) -> dict[int, list[tuple[dt.date, int, int, float]]]:
    """Service of the plan's bonds by slot: day, name, use, amount."""
    found: dict[int, list[tuple[dt.date, int, int, float]]] = {}
    if not p.given.options.bond_service:
        return found
    for draw in np.flatnonzero(path.bonds):
        for day, t, interest, principal in p.services[draw]:
            for use, part in ((3, interest), (4, principal)):
                if part:
                    found.setdefault(t, []).append(
                        (day, len(p.contracts) + int(draw), use, float(path.bonds[draw] * part))
                    )
    return {t: sorted(rows, key=lambda row: (row[0], row[1], row[2])) for t, rows in found.items()}


def _swaps(p: Problem, path: Path) -> list[tuple[int, int, int, float]]:
    """Day, contract, quota and amount of what is replaced."""
    m, rows = p.moves, []
    for e in np.unique(m.when[path.replaced > 0]):
        moves, draws = np.flatnonzero(m.when == e), np.flatnonzero(p.draw_day == e)
        parts = match(path.replaced[moves], path.bonds[draws])
        for i, d, amount in zip(*parts, strict=True):
            rows.append((int(e), int(m.who[moves[i]]), int(p.draw_quota[draws[d]]), float(amount)))
    return rows


def _due(p: Problem) -> Floats:
    """Days by which contracts are ordered: overdue first, then by maturity."""
    return np.array(
        [-1 if c.overdue else (c.maturity.toordinal() if c.maturity else 9e6) for c in p.contracts],
        dtype=float,
    )


def _period(p: Problem, day: dt.date) -> int:
    return min(bisect_left(p.ends, day), len(p.ends) - 1)


def _sorted(frame: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    if frame.empty:
        return frame.astype({"amount_wan": float})
    return frame.sort_values(by, kind="stable").reset_index(drop=True)


# ---- tables ----


def by_period(p: Problem, amounts: Floats) -> Floats:
    """Amounts of the moves by contract and period, n × T."""
    m, periods = p.moves, len(p.labels)
    if not len(m.who):
        return np.zeros((len(p.contracts), periods))
    at = m.who * periods + p.period[m.when]
    flat = total(at, amounts, len(p.contracts) * periods)
    return flat.reshape(len(p.contracts), periods)


def closing_by_period(p: Problem, closing: Floats) -> Floats:
    """Balances at the ends of periods: the last move's, n × T."""
    m, periods = p.moves, len(p.labels)
    made = np.full((len(p.contracts), periods), np.nan)
    if len(m.who):
        made[m.who, p.period[m.when]] = closing  # sorted by day: the last one stays
    return pd.DataFrame(made).ffill(axis=1).T.fillna(pd.Series(p.principal)).T.to_numpy()


def contract_table(p: Problem, path: Path, short: pd.DataFrame) -> pd.DataFrame:
    """Roll-forward of each contract, period by period; missing money stays owed."""
    n, periods = len(p.contracts), len(p.labels)
    lack, growth, lost, interest_lost = owed(p, short)
    closing = closing_by_period(p, path.closing) + lack
    opening = np.concatenate([p.principal[:, None], closing[:, :-1]], axis=1)[:, :periods]
    accrued = by_period(p, path.accrued) + growth
    unpaid = by_period(p, path.accrued - path.interest) + growth + interest_lost
    return pd.DataFrame({
        "period": np.tile(np.array(p.labels, dtype=object), n),
        "contract_id": np.repeat(
            np.array([c.contract_id for c in p.contracts], dtype=object), periods
        ),
        "opening_wan": opening.ravel(),
        "interest_wan": accrued.ravel(),
        "unpaid_interest_wan": unpaid.ravel(),
        "principal_wan": (by_period(p, path.principal) - lost).ravel(),
        "replaced_wan": by_period(p, path.replaced).ravel(),
        "closing_wan": closing.ravel(),
    })  # fmt: skip


def owed(p: Problem, short: pd.DataFrame) -> tuple[Floats, Floats, Floats, Floats]:
    """What missing money leaves owed: balance, its interest, principal and interest not paid.

    n × T each. Missing money bears its contract's rate, compounded yearly; a fee that is
    missing is no debt, nor is the service of the plan's own bonds a contract's.
    """
    shape = len(p.contracts), len(p.labels)
    balance, growth, principal, interest = (np.zeros(shape) for _ in range(4))
    row = {c.contract_id: k for k, c in enumerate(p.contracts)}
    column = {label: t for t, label in enumerate(p.labels)}
    for period, name, amount, use, reason, day in short.itertuples(index=False):
        if use == "fee" or name not in row:
            continue
        i, t = row[name], column[period]
        ahead = np.array([max(position(end) - position(day), 0) / 360 for end in p.ends[t:]])
        held = amount * (1 + p.contracts[i].rate_pct / 100) ** ahead
        balance[i, t:] += held
        growth[i, t:] += np.diff(np.concatenate([[amount], held]))
        if use == "interest":
            interest[i, t] += amount
        elif reason == "money":
            principal[i, t] += amount
    return balance, growth, principal, interest


def balance_table(p: Problem, path: Path, short: pd.DataFrame) -> pd.DataFrame:
    """Hidden, statutory and total obligations side by side, by period."""
    contracts = contract_table(p, path, short)
    sums = contracts.groupby("period", sort=False)[
        ["interest_wan", "principal_wan", "replaced_wan", "closing_wan"]
    ].sum().reindex(list(p.labels), fill_value=0.0)  # fmt: skip
    stays = float(p.stays.sum())
    bonds, interest = bond_path(p, path.bonds)
    hidden = np.maximum(sums["closing_wan"].to_numpy() - stays, 0.0)
    hidden = np.where(hidden < DUST_WAN, 0.0, hidden)
    statutory = p.given.options.statutory_wan + bonds
    return pd.DataFrame({
        "period": list(p.labels),
        "hidden_wan": hidden,
        "statutory_wan": statutory,
        "by_contract_wan": stays,
        "total_wan": hidden + statutory + stays,
        "interest_wan": sums["interest_wan"].to_numpy(),
        "bond_interest_wan": interest,
        "principal_wan": sums["principal_wan"].to_numpy(),
        "replaced_wan": sums["replaced_wan"].to_numpy(),
    })  # fmt: skip


def bond_path(p: Problem, bonds: Floats) -> tuple[Floats, Floats]:
    """Outstanding at the end of each period, and interest paid in it, of the plan's bonds."""
    balance, interest = np.zeros(len(p.ends)), np.zeros(len(p.ends))
    for draw in np.flatnonzero(bonds):
        balance[p.period[p.draw_day[draw]] :] += bonds[draw]
        for day, _, paid, principal in p.services[draw]:
            t = _period(p, day)
            interest[t] += bonds[draw] * paid
            balance[t:] -= bonds[draw] * principal
    return balance, interest


def source_table(p: Problem, path: Path, labels: tuple[str, ...]) -> pd.DataFrame:
    """Money of each source by period: come in, used, left for the next, lapsed."""
    used = path.flow.sum(axis=1)
    held = np.zeros(len(p.pool_names))
    rows = []
    step = {4: "year", 6: "quarter"}.get(len(labels[0]), "month") if labels else "month"
    for t, first in enumerate(p.slots):
        label = {
            "year": f"{first.year}", "quarter": f"{first.year}Q{(first.month + 2) // 3}"
        }.get(step, f"{first:%Y-%m}")  # fmt: skip
        held = held + p.cap[:, t] - used[:, t]
        lapsed = np.where(p.hold[:, t], 0.0, np.maximum(held, 0.0))
        held = np.where(p.hold[:, t], np.maximum(held, 0.0), 0.0)
        held, lapsed = (np.where(x < DUST_WAN, 0.0, x) for x in (held, lapsed))
        rows += [
            (label, name, p.cap[k, t], used[k, t], held[k], lapsed[k])
            for k, name in enumerate(p.pool_names)
        ]
    columns = ["period", "source_id", "available_wan", "used_wan", "kept_wan", "lapsed_wan"]
    frame = pd.DataFrame(rows, columns=columns)
    sums = {"available_wan": "sum", "used_wan": "sum", "kept_wan": "last", "lapsed_wan": "sum"}
    # Pools of one source are earmarked apart: what is kept adds up over them.
    frame["pool"] = np.tile(np.arange(len(p.pool_names)), len(p.slots))
    each = frame.groupby(["period", "source_id", "pool"], sort=False, as_index=False).agg(sums)
    made = each.groupby(["period", "source_id"], sort=False, as_index=False)[list(sums)].sum()
    return made.sort_values("period", kind="stable").reset_index(drop=True)


def quota_table(p: Problem, path: Path) -> pd.DataFrame:
    """Each batch: available, used, left (usable after the deadline), lapsed."""
    rows = []
    for q, quota in enumerate(p.given.quotas):
        used = float(path.bonds[p.draw_quota == q].sum())
        left = max(quota.amount_wan - used, 0.0)
        later = quota.last > p.given.deadline
        rows.append((quota.period, f"replacement {quota.name}", quota.amount_wan, used,
                     left if later else 0.0, 0.0 if later else left))  # fmt: skip
    columns = ["period", "source_id", "available_wan", "used_wan", "kept_wan", "lapsed_wan"]
    return pd.DataFrame(rows, columns=columns)
