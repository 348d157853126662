"""The order of payment: the three guarantees first, from all money that may pay for them.

What ranks lower is paid only from what the three guarantees of the months ahead will not need.
Works on arrays of paths and months, so that a plan and ten thousand simulations go one way.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fiscalmodel.budget.sanbao import PARTS, TIERS

Whole = npt.NDArray[Any]


@dataclass(frozen=True)
class Settled:
    """What was paid, in the unit of what was given: a row a path, a column a month.

    Attributes
    ----------
    closing
        Free money at the end of each month.
    tied
        Money tied to each part of the three guarantees at the end of each month.
    withheld
        What the superior took; what it could not take waits.
    sanbao, from_free
        Paid for each tier, and how much of all tiers came from free money.
    waiting
        What is due and unpaid of each tier at the end of each month.
    lower, lower_waiting
        The same for what ranks lower.
    """

    closing: Whole
    tied: Whole
    withheld: Whole
    sanbao: Whole
    from_free: Whole
    waiting: Whole
    lower: Whole
    lower_waiting: Whole


def settle(
    opening: Whole,
    receipts: Whole,
    withheld: Whole,
    tied: Whole,
    tied_receipts: Whole,
    need: Whole,
    lower: Whole,
    *,
    keep: Whole | float = 0,
    ahead: int | None = 0,
    expected: Whole | None = None,
) -> Settled:
    """Pay month by month in the order of the rule, for many paths at once.

    Parameters
    ----------
    opening, receipts, withheld
        Free money at the start (paths), and by month (paths × months).
    tied, tied_receipts
        The same of money tied to a part: a last axis in the order of ``PARTS``.
    need
        Due in each month by tier (paths × months × 6, in the order of ``TIERS``).
    lower
        Due in each month of what ranks lower, in its order.
    keep
        Free money that lower-ranked payments always leave (paths × months, or one amount).
    ahead
        Months ahead whose three guarantees lower-ranked payments must not touch; None for all.
    expected
        Receipts that the look ahead counts on; by default those that come in.

    Notes
    -----
    A tier takes the money tied to its part first, then free money. What is not paid stays due.
    """
    paths, months = receipts.shape
    kind = np.result_type(opening, receipts, need, lower)
    free, purse = opening.astype(kind), tied.astype(kind)
    kept = np.broadcast_to(np.asarray(keep), (paths, months))
    counted = receipts if expected is None else expected
    owed = np.zeros((paths, need.shape[2]), kind)
    lower_owed = np.zeros((paths, lower.shape[2]), kind)
    to_take = np.zeros(paths, kind)
    made = Settled(
        np.zeros((paths, months), kind), np.zeros((paths, months, len(PARTS)), kind),
        np.zeros((paths, months), kind), np.zeros_like(need, kind),
        np.zeros((paths, months), kind), np.zeros_like(need, kind),
        np.zeros_like(lower, kind), np.zeros_like(lower, kind),
    )  # fmt: skip
    for t in range(months):
        free = free + receipts[:, t]
        to_take = to_take + withheld[:, t]
        taken = np.minimum(to_take, np.maximum(free, 0))
        free, to_take = free - taken, to_take - taken
        purse = purse + tied_receipts[:, t]
        owed = owed + need[:, t]
        start = free
        for k, (part, _) in enumerate(TIERS):
            at = PARTS.index(part)
            own = np.minimum(owed[:, k], purse[:, at])
            purse[:, at] -= own
            rest = np.minimum(owed[:, k] - own, np.maximum(free, 0))
            free = free - rest
            owed[:, k] -= own + rest
            made.sanbao[:, t, k] = own + rest
        made.from_free[:, t] = start - free
        lower_owed = lower_owed + lower[:, t]
        rest_of = slice(t + 1, None if ahead is None else t + 1 + ahead)
        later = (a[:, rest_of] for a in (counted, withheld, tied_receipts, need))
        held = np.maximum(kept[:, t], to_hold(purse, *later))
        for k in range(lower.shape[2]):
            paid = np.minimum(lower_owed[:, k], np.maximum(free - held, 0))
            free = free - paid
            lower_owed[:, k] -= paid
            made.lower[:, t, k] = paid
        made.closing[:, t], made.tied[:, t], made.withheld[:, t] = free, purse, taken
        made.waiting[:, t], made.lower_waiting[:, t] = owed, lower_owed
    return made


def to_hold(
    purse: Whole, receipts: Whole, withheld: Whole, tied_receipts: Whole, need: Whole
) -> Whole:
    """Free money that the three guarantees of the months ahead will need, a number a path.

    Parameters
    ----------
    purse
        Money tied to each part now.
    receipts, withheld, tied_receipts, need
        Of the months ahead, in order.

    Notes
    -----
    hold = max(0, free need + withheld − receipts + hold a month later), from the last month
    back; the free need of a month is what money tied to the part does not cover. Lower-ranked
    payments that leave it untouched can never make the three guarantees short.
    """
    purse, missing = purse.copy(), withheld - receipts
    for t in range(missing.shape[1]):
        purse = purse + tied_receipts[:, t]
        for at, part in enumerate(PARTS):
            due = sum(need[:, t, k] for k, (p, _) in enumerate(TIERS) if p == part)
            own = np.minimum(due, purse[:, at])
            purse[:, at] -= own
            missing[:, t] += due - own
    held = np.zeros(len(purse), missing.dtype)
    for t in reversed(range(missing.shape[1])):
        held = np.maximum(missing[:, t] + held, 0)
    return held
