"""What a plan of treasury cash is made from: balances behind, receipts and payments ahead.

Cash is kept by what it may pay for: free money for everything; earmarked grants for their
purpose; bond proceeds for their project; social insurance for its benefits. All in whole 分.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from fiscalmodel.budget.sanbao import FEN, PARTS, TIERS, SanbaoNeeds, month_of, part_name
from fiscalmodel.errors import Collector
from fiscalmodel.tables.records import Records, Row, TableLike, read_records
from fiscalmodel.words import Text, headers_in, official, official_name, say

#: Purse: kind of money, and the purpose that it is tied to.
Purse = tuple[str, str]

RECEIPTS = {
    "own_revenue": "free", "transfers": "free", "advance": "free", "other_receipts": "free",
    "earmarked_grant": "earmarked", "bond_proceeds": "bonds", "social_income": "social",
}  # fmt: skip
#: Taken by the superior before the money arrives.
WITHHELD = ("withheld_debt_service", "withheld_remittance", "withheld_advance")
#: Paid from free money after the three guarantees, in this order.
LOWER = ("debt_service", "running_contract", "commitments", "clearance", "other_spending")
TIED = {"earmarked_spending": "earmarked", "bond_spending": "bonds", "social_spending": "social"}
KINDS = ("free", "earmarked", "bonds", "social")
#: Money in the treasury account; social insurance lies in an account of its own.
IN_TREASURY = ("free", "earmarked", "bonds")


@dataclass(frozen=True)
class Given:
    """What a plan was made from, in 分: the months ahead, and what is known of those behind."""

    months: list[pd.Period]
    opening: dict[Purse, int]
    receipts: dict[tuple[str, str], list[int]]
    withheld: dict[str, list[int]]
    lower: dict[tuple[str, str], list[int]]
    tied: dict[tuple[str, str, str], list[int]]
    need: npt.NDArray[np.int64]
    behind: pd.DataFrame = field(default_factory=pd.DataFrame)
    past: pd.DataFrame = field(default_factory=pd.DataFrame)

    def free_receipts(self, line: str = "") -> npt.NDArray[np.int64]:
        """Free receipts by month, of one line or of all."""
        chosen = [v for (name, _), v in self.receipts.items()
                  if RECEIPTS[name] == "free" and line in ("", name)]  # fmt: skip
        total = np.zeros(len(self.months), np.int64)
        for amounts in chosen:
            total += np.array(amounts)
        return total

    def arrays(self) -> dict[str, npt.NDArray[np.int64]]:
        """The arguments of `settle` for one path."""
        months = len(self.months)
        tied = np.zeros((1, len(PARTS)), np.int64)
        tied_receipts = np.zeros((1, months, len(PARTS)), np.int64)
        for at, part in enumerate(PARTS):
            tied[0, at] = self.opening.get(("earmarked", part), 0)
            tied_receipts[0, :, at] = self.receipts.get(("earmarked_grant", part), [0] * months)
        lower = np.array(list(self.lower.values()), np.int64).reshape(-1, months).T
        withheld = np.array(list(self.withheld.values()), np.int64).reshape(-1, months).sum(axis=0)
        return {
            "opening": np.array([self.opening.get(("free", ""), 0)], np.int64),
            "receipts": self.free_receipts()[None],
            "withheld": withheld[None].astype(np.int64),
            "tied": tied,
            "tied_receipts": tied_receipts,
            "need": self.need[None],
            "lower": lower[None],
        }


def read_given(needs: SanbaoNeeds, flows: TableLike, balances: TableLike) -> Given:
    """The three tables together: months ahead, cash in each purse, what is owed.

    Raises
    ------
    InputError
        See `cash_plan`.
    """
    found = Collector()
    opening, behind, last = _balances(read_records(
        balances, name="balances", columns=headers_in("cash"), found=found
    ))  # fmt: skip
    records = read_records(flows, name="flows", columns=headers_in("flows"), found=found)
    records.need("period", "cash_line", "amount_wan")
    ahead: dict[tuple[str, str, str], dict[pd.Period, int]] = {}
    past: list[dict[str, Any]] = []
    seen: dict[Any, Row] = {}
    for row in records:
        month, line = month_of(row), row.word("cash_line", "cash_line")
        item, purpose = row.text("item"), _purpose(row, line)
        planned = row.fen("amount_wan", low=0)
        if month is None or not line or last is None:
            continue
        key = (month, line, item, purpose)
        if key in seen:
            row.report("period", "warning.month_twice", month=month, item=line_name(line, item),
                       at=seen[key].where())  # fmt: skip
            continue
        seen[key] = row
        if month <= last:
            real = None if row.blank("settled_wan") else row.fen("settled_wan", low=0)
            past.append({"period": month, "cash_line": line, "planned": planned, "real": real})
            continue
        if not row.blank("settled_wan"):
            row.report("settled_wan", "warning.settled_ahead", month=month, last=last)
        ahead.setdefault((line, item, purpose), {})[month] = planned
    months = sorted({month for by_month in ahead.values() for month in by_month})
    if not found.problems and not months:
        found.add(records.place(), "warning.no_months", last=last)
    if last is not None and months:
        _in_a_row(found, records, months, last + 1)
    need = _need(needs, found, months, last)
    found.raise_if_any()
    return _sorted(ahead, months, opening, need, behind, pd.DataFrame(past))


def _sorted(
    ahead: Mapping[tuple[str, str, str], Mapping[pd.Period, int]],
    months: list[pd.Period],
    opening: dict[Purse, int],
    need: npt.NDArray[np.int64],
    behind: pd.DataFrame,
    past: pd.DataFrame,
) -> Given:
    """The flows ahead by what they are; a month without a row is no such money in it."""
    made = Given(months, opening, {}, {}, {}, {}, need, behind, past)
    order = {name: at for at, name in enumerate((*RECEIPTS, *WITHHELD, *LOWER, *TIED))}
    for (line, item, purpose), by_month in sorted(ahead.items(), key=lambda e: order[e[0][0]]):
        amounts = [by_month.get(month, 0) for month in months]
        if line in RECEIPTS:
            _add(made.receipts, (line, "" if RECEIPTS[line] == "free" else purpose), amounts)
        elif line in WITHHELD:
            _add(made.withheld, line, amounts)
        elif line in LOWER:
            _add(made.lower, (line, item), amounts)
        else:
            _add(made.tied, (line, item, purpose), amounts)
    return made


def _add(to: dict[Any, list[int]], key: Any, amounts: Sequence[int]) -> None:
    to[key] = [a + b for a, b in zip(to.get(key, [0] * len(amounts)), amounts, strict=True)]


def _purpose(row: Row, line: str) -> str:
    """A part of the three guarantees by its code, another purpose as it stands."""
    text = row.text("purpose")
    part = official("sanbao_part", text) if text else None
    kind = RECEIPTS.get(line) or TIED.get(line) or "free"
    if part and kind in ("bonds", "social"):
        row.report("purpose", "warning.not_for_sanbao", text=text,
                   kind=official_name("cash_kind", kind))  # fmt: skip
    if part and line == "earmarked_spending":
        row.report("purpose", "warning.sanbao_here", text=text)
    return part or text


def _balances(records: Records) -> tuple[dict[Purse, int], pd.DataFrame, pd.Period | None]:
    """What lies in each purse at the end, the months behind in 分, and the last of them."""
    records.need("period", "cash_kind")
    if not (records.has("closing_wan") or records.has("opening_wan")):
        records.need("closing_wan")
    rows: list[dict[str, Any]] = []
    last: dict[Purse, tuple[pd.Period, int]] = {}
    ordered = sorted(
        ((month_of(row), n, row) for n, row in enumerate(records)),
        key=lambda entry: (entry[0] is None, entry[0] or 0, entry[1]),
    )
    for month, _, row in ordered:
        kind, purpose = row.word("cash_kind", "cash_kind"), _balance_purpose(row)
        flows = {n: row.fen(n, low=0, default=0) for n in ("receipts_wan", "payments_wan")}
        if month is None or not kind:
            continue
        before = last.get((kind, purpose))
        if before is not None and before[0] == month:
            row.report("period", "warning.month_twice", month=month,
                       item=official_name("cash_kind", kind), at=month)  # fmt: skip
            continue
        opening = _opening(row, month, before)
        closing = opening + flows["receipts_wan"] - flows["payments_wan"]
        if not row.blank("closing_wan"):
            stated = row.fen("closing_wan")
            if row.blank("opening_wan") and before is None:
                opening += stated - closing
                closing = stated
            elif stated != closing:
                row.report("closing_wan", "warning.does_not_close", stated=stated / FEN,
                           computed=closing / FEN, gap=(stated - closing) / FEN)  # fmt: skip
        if closing < 0 or opening < 0:
            low = min(closing, opening) / FEN
            row.report("closing_wan", "warning.below_nought", month=month, amount=low,
                       kind=official_name("cash_kind", kind))  # fmt: skip
        last[kind, purpose] = (month, closing)
        rows.append({"period": month, "cash_kind": kind, "opening": opening, **flows,
                     "closing": closing})  # fmt: skip
    end = max((month for month, _ in last.values()), default=None)
    for (kind, _), (month, _) in last.items():
        if month != end:
            records.found.add(records.place(), "warning.purse_ends", month=month, last=end,
                              kind=official_name("cash_kind", kind))  # fmt: skip
    if end is None and not records.found.problems:
        records.found.add(records.place(), "warning.no_rows")
    return {purse: closing for purse, (_, closing) in last.items()}, pd.DataFrame(rows), end


def _balance_purpose(row: Row) -> str:
    text = row.text("purpose")
    return (official("sanbao_part", text) or text) if text else ""


def _opening(row: Row, month: pd.Period, before: tuple[pd.Period, int] | None) -> int:
    """Opening of a month; the closing of the month before where it is blank."""
    if before is not None and before[0] + 1 != month:
        row.report("period", "warning.month_missing", month=before[0] + 1)
    if row.blank("opening_wan"):
        return before[1] if before else 0
    opening = row.fen("opening_wan")
    runs_on = before is not None and before[0] + 1 == month and before[1] >= 0
    if before is not None and runs_on and opening != before[1]:
        row.report("opening_wan", "warning.does_not_run_on", stated=opening / FEN,
                   computed=before[1] / FEN, gap=(opening - before[1]) / FEN)  # fmt: skip
    return opening


def _in_a_row(
    found: Collector, records: Records, months: Sequence[pd.Period], first: pd.Period
) -> None:
    for month in pd.period_range(first, months[-1], freq="M"):
        if month not in months:
            found.add(records.place(), "warning.month_missing", month=month)


def _need(
    needs: SanbaoNeeds, found: Collector, months: Sequence[pd.Period], last: pd.Period | None
) -> npt.NDArray[np.int64]:
    """Due by month and tier; what is owed of months behind is due in the first one."""
    need = np.zeros((len(months), len(TIERS)), np.int64)
    if last is None or not months:
        return need
    for k, (part, standard) in enumerate(TIERS):
        owed = 0
        for (month, p, s), (due, paid) in needs.fen.items():
            if (p, s) != (part, standard):
                continue
            if month <= last and paid is None:
                found.add("sanbao", "warning.paid_unknown", month=month, part=part_name(part))
            elif month <= last:
                owed += due - (paid or 0)
            elif month in months:
                need[months.index(month), k] = due
        need[0, k] += max(owed, 0)
    known = {month for month, _, _ in needs.fen}
    for month in months:
        if month not in known:
            found.add("sanbao", "warning.no_need", month=month)
    return need


def line_name(line: str, item: str = "") -> Text:
    """A line, with the name of its item where it has one."""
    name = official_name("cash_line", line)
    return say("warning.line_item", line=name, item=item) if item else name
