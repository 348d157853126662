"""Sources to contracts: who is paid from what, within the earmarks."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from fiscalmodel.debt.plan_model import Problem
from fiscalmodel.debt.plan_path import Path
from fiscalmodel.debt.plan_periods import Floats, Ints

#: Uses in the order in which money goes to them.
USES = ("interest", "fee", "principal")


def match(needs: Floats, supplies: Floats) -> tuple[Ints, Ints, Floats]:
    """Fill needs in order from supplies in order: need index, supply index, amount.

    The two cumulative sums are cut at each other's steps; both totals agree
    (up to rounding, which the last segment takes).
    """
    a, b = np.cumsum(needs), np.cumsum(supplies)
    if not len(a) or not len(b):
        empty = np.zeros(0, dtype=np.int64)
        return empty, empty, np.zeros(0)
    # Steps that differ by rounding only are one step; needs keep their exact size.
    near = a[np.clip(np.searchsorted(a, b), 0, len(a) - 1)]
    below = a[np.clip(np.searchsorted(a, b) - 1, 0, len(a) - 1)]
    crumb = 1e-10 * max(a[-1], 1.0)
    b = np.where(np.abs(near - b) < crumb, near, np.where(np.abs(b - below) < crumb, below, b))
    cuts = np.union1d(a, b[b < a[-1]])
    amounts = np.diff(np.concatenate([[0.0], cuts]))
    middle = cuts - amounts / 2
    of_need = np.minimum(np.searchsorted(a, middle), len(a) - 1)
    of_supply = np.minimum(np.searchsorted(b, middle), len(b) - 1)
    there = amounts > 0
    return of_need[there], of_supply[there], amounts[there]


def allot(p: Problem, path: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The schedule (period, contract, source, amount, use) and what is missing, by contract.

    Money goes to interest first, then to fees, then to principal, contracts
    due first; what is missing falls on the last ones.
    """
    order = np.argsort(_due(p), kind="stable")
    names = np.array([c.contract_id for c in p.contracts], dtype=object)
    pools = np.array([*p.pool_names, ""], dtype=object)
    labels = np.array(p.grid.labels, dtype=object)
    columns: list[tuple[Ints, Ints, Ints, Floats, Ints]] = []
    for g in range(p.eligible.shape[1]):
        mine = order[p.group[order] == g]
        who = np.tile(mine, len(USES))
        use = np.repeat(np.arange(len(USES)), len(mine))
        for t in range(len(p.grid)):
            needs = np.concatenate(
                [path.interest[mine, t], path.fee[mine, t], path.principal[mine, t]]
            )
            if not needs.any():
                continue
            supplies = np.append(path.flow[:, g, t], path.missing[g, t])
            need, supply, amount = match(needs, supplies)
            columns.append((np.full(len(need), t), who[need], supply, amount, use[need]))
    none = np.zeros(0, dtype=np.int64)
    columns.append((none, none, none, np.zeros(0), none))
    when, i, k, amount, u = (np.concatenate(part) for part in zip(*columns, strict=True))
    uses = np.array(USES, dtype=object)
    lack = k == len(p.pool_names)
    bonds = _bonds(p, path)
    paid = ~lack
    bond_use = np.full(len(bonds[0]), len(USES), dtype=np.int64)
    order = np.lexsort(
        (
            np.concatenate([u[paid], bond_use]),
            np.concatenate([i[paid], bonds[1]]),
            np.concatenate([when[paid], bonds[0]]),
        )
    )
    schedule = pd.DataFrame(
        {
            "period": np.concatenate([labels[when[paid]], labels[bonds[0]]])[order],
            "contract_id": np.concatenate([names[i[paid]], names[bonds[1]]])[order],
            "source_id": np.concatenate([pools[k[paid]], bonds[2]])[order],
            "amount_wan": np.concatenate([amount[paid], bonds[3]])[order],
            "use": np.concatenate([uses[u[paid]], np.full(len(bond_use), "replacement")])[order],
        }
    )
    where = np.nonzero(path.unlawful > 0)
    shortfall = pd.DataFrame(
        {
            "period": np.concatenate([labels[when[lack]], labels[where[1]]]),
            "contract_id": np.concatenate([names[i[lack]], names[where[0]]]),
            "amount_wan": np.concatenate([amount[lack], path.unlawful[where]]),
            "use": np.concatenate([uses[u[lack]], np.full(len(where[0]), "principal")]),
            "reason": ["money"] * int(lack.sum()) + ["terms"] * len(where[0]),
        }
    )
    return schedule, _sorted(shortfall, p)


def _due(p: Problem) -> Floats:
    """Days by which contracts are ordered: overdue first, then by maturity."""
    return np.array(
        [-1 if c.overdue else (c.maturity.toordinal() if c.maturity else 9e6) for c in p.contracts],
        dtype=float,
    )


def _bonds(p: Problem, path: Path) -> tuple[Ints, Ints, npt.NDArray[np.object_], Floats]:
    """Period, contract, quota's name and amount of what is replaced."""
    names = np.array([quota_name(p, q) for q in range(len(p.quotas))], dtype=object)
    none = np.zeros(0, dtype=np.int64)
    found = [(none, none, np.zeros(0, dtype=object), np.zeros(0))]
    for t in np.nonzero(path.replaced.any(axis=0))[0]:
        i, q, amount = match(path.replaced[:, t], path.bonds[:, t])
        found.append((np.full(len(i), t), i, names[q], amount))
    when, who, what, amounts = zip(*found, strict=True)
    return (
        np.concatenate(when), np.concatenate(who), np.concatenate(what), np.concatenate(amounts)
    )  # fmt: skip


def quota_name(p: Problem, q: int) -> str:
    """Name under which a quota stands among the sources, as ``replacement 2026``."""
    same = [k for k, other in enumerate(p.quotas) if other.period == p.quotas[q].period]
    suffix = f" #{same.index(q) + 1}" if len(same) > 1 else ""
    return f"replacement {p.quotas[q].period}{suffix}"


def _sorted(frame: pd.DataFrame, p: Problem) -> pd.DataFrame:
    if frame.empty:
        return frame.astype({"amount_wan": float})
    row = {c.contract_id: k for k, c in enumerate(p.contracts)}
    keys = np.lexsort(
        (frame["use"].to_numpy(dtype=str), frame["contract_id"].map(row), frame["period"])
    )
    return frame.iloc[keys].reset_index(drop=True)
