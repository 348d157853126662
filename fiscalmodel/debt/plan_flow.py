"""Money of several pools paid to groups, earlier payments re-routed where that helps."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from fiscalmodel.debt.plan_periods import Bools, Floats

_TINY = 1e-12


class Money:
    """What is in the pools in one period.

    A payment is an augmenting flow: where the group's own pools are empty,
    another group that drew on them moves to pools that the first cannot use.
    So a group is refused only if no division of the money could serve it
    beside what has been paid.

    Attributes
    ----------
    left
        What each pool (K) still holds.
    flow
        What each pool has paid to each group (K × G).
    """

    def __init__(self, available: Floats, eligible: Bools, last: Bools) -> None:
        self.left = available.astype(float)
        self.flow = np.zeros(eligible.shape)
        self._eligible = eligible
        # Money that would be lost at the end of the period goes first.
        self._order = np.argsort(last, kind="stable")

    def pay(self, group: int, amount: float) -> float:
        """Pay up to `amount` for a group; what could be paid."""
        paid = 0.0
        while amount - paid > _TINY:
            chain = self._find(group)
            if not chain:
                break
            paid += self._push(chain, amount - paid)
        return paid

    def reach(self, group: int) -> float:
        """Whether (and at least how much of) some money can reach a group."""
        chain = self._find(group)
        return self._room(chain) if chain else 0.0

    def _find(self, group: int) -> list[tuple[int, int]]:
        """Chain of (pool, group): each pool takes over from the one before it."""
        came: dict[int, tuple[int, int]] = {}  # pool -> (pool before or -1, group)
        queue = [(group, -1)]
        seen = {group}
        while queue:
            g, before = queue.pop(0)
            for k in self._order:
                if k in came or not self._eligible[k, g]:
                    continue
                came[int(k)] = (before, g)
                if self.left[k] > _TINY:
                    chain = [(int(k), g)]
                    while before >= 0:
                        pool = before
                        before, g = came[pool]
                        chain.append((pool, g))
                    return chain[::-1]
                for other in np.nonzero(self.flow[k] > _TINY)[0]:
                    if int(other) not in seen:
                        seen.add(int(other))
                        queue.append((int(other), int(k)))
        return []

    def _room(self, chain: list[tuple[int, int]]) -> float:
        # chain[j] = (pool, group it will pay); pool j gives up group j + 1.
        room = float(self.left[chain[-1][0]])
        for (pool, _), (_, moved) in pairwise(chain):
            room = min(room, float(self.flow[pool, moved]))
        return room

    def _push(self, chain: list[tuple[int, int]], amount: float) -> float:
        amount = min(amount, self._room(chain))
        for pool, g in chain:
            self.flow[pool, g] += amount
        for (pool, _), (_, moved) in pairwise(chain):
            self.flow[pool, moved] -= amount
        self.left[chain[-1][0]] -= amount
        return amount
