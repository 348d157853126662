"""Roll-forward of a ledger 台账滚动: no contract loses or gains a 分.

opening + new + accrued unpaid − cash − disposal − replacement −
reclassification = closing, for each contract (or bond) and period, in integer 分.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from fiscalmodel import days
from fiscalmodel.debt.ledger import FEN_PER_WAN, Ledger
from fiscalmodel.debt.schedule import period_of
from fiscalmodel.display import Checked
from fiscalmodel.errors import Collector, did_you_mean
from fiscalmodel.findings import Finding, finding
from fiscalmodel.tables.records import TableLike, read_records
from fiscalmodel.words import Text, say

#: Event -> sign in the balance; the order is that of the table.
EVENTS: dict[str, int] = {
    "new": 1,
    "accrued_unpaid": 1,
    "cash": -1,
    "disposal": -1,
    "replacement": -1,
    "reclassification": -1,
}
#: Months of a period of the roll-forward.
PERIODS = ("year", "quarter", "month")


@dataclass(frozen=True, repr=False)
class RollForward(Checked):
    """A ledger carried through its events.

    Attributes
    ----------
    key
        Name of the id column.
    table
        One row an id and period, in order: the id, ``period``,
        ``opening_fen``, one ``…_fen`` column an event, ``closing_fen``; all
        amounts are Python integers of 分.
    found
        What breaks a rule without breaking the sum, above all new hidden debt.
    """

    key: str
    table: pd.DataFrame
    found: tuple[Finding, ...] = ()

    @property
    def answer(self) -> Text:
        """Opening and closing balance, 万元."""
        sums = self.totals()
        opening = float(sums["opening_fen"].iloc[0]) / FEN_PER_WAN
        closing = float(sums["closing_fen"].iloc[-1]) / FEN_PER_WAN
        return say("debt.roll.answer", opening=opening, closing=closing, found=len(self.found))

    @property
    def short(self) -> pd.DataFrame:
        """The sums of all ids."""
        return self.totals()

    def against(self, planned: pd.DataFrame) -> pd.DataFrame:
        """Planned against actual by period: ``period, planned_wan, actual_wan, difference_wan``.

        Parameters
        ----------
        planned
            ``period`` and ``hidden_wan``, as a plan's balances give them.
        """
        actual = self.totals().set_index("period")["closing_fen"] / FEN_PER_WAN
        made = planned[["period", "hidden_wan"]].rename(columns={"hidden_wan": "planned_wan"})
        made["actual_wan"] = made["period"].astype(str).map(actual)
        made["difference_wan"] = made["actual_wan"] - made["planned_wan"]
        return made

    def totals(self) -> pd.DataFrame:
        """Sums of all ids by period, 分."""
        amounts = [c for c in self.table.columns if c.endswith("_fen")]
        return self.table.groupby("period", sort=False)[amounts].sum().reset_index()

    def wan(self) -> pd.DataFrame:
        """The table in 万元, columns renamed to ``…_wan``."""
        shown = self.table.copy()
        for column in [c for c in shown.columns if c.endswith("_fen")]:
            shown[column] = shown[column].astype(float) / FEN_PER_WAN
        return shown.rename(columns=lambda c: c.replace("_fen", "_wan"))

    def closing(self) -> dict[str, int]:
        """Id -> balance at the end in 分."""
        last = self.table.drop_duplicates(self.key, keep="last")
        return {str(k): int(v) for k, v in zip(last[self.key], last["closing_fen"], strict=True)}


def periods_between(first: dt.date, last: dt.date, every: str) -> list[str]:
    """Labels of all periods from one day to another, both included."""
    months = range(first.year * 12 + first.month - 1, last.year * 12 + last.month)
    labels = (period_of(dt.date(m // 12, m % 12 + 1, 1), every) for m in months)
    return list(dict.fromkeys(labels))


def roll_forward(
    ledger: Ledger,
    events: TableLike,
    *,
    start: Any,
    end: Any,
    every: str = "year",
    hidden: bool | None = None,
) -> RollForward:
    """Carry a ledger through its events, period by period.

    Parameters
    ----------
    ledger
        Balances at the beginning of `start`.
    events
        Table of ``contract_id`` (or ``bond_code``), ``date``, ``event``,
        ``amount_wan``; the event is one of ``new``, ``accrued_unpaid``,
        ``cash``, ``disposal``, ``replacement``, ``reclassification`` or its
        Chinese term, the amount is positive.
    start, end
        First and last day, both included.
    every
        ``year``, ``quarter`` or ``month``.
    hidden
        Whether the ledger is of hidden debt, where anything new is a finding;
        told from the ledger's id column if None.

    Raises
    ------
    InputError
        All problems at once: unknown ids or events, days outside, amounts that
        are not positive or no whole 分, and a balance that would fall below 0.

    Notes
    -----
    Events of one day apply in the order of `EVENTS`: what is added first can be
    repaid on the same day.
    """
    found = Collector()
    first, last = days.day(start), days.day(end)
    if every not in PERIODS:
        found.add("every", "debt.unknown_option", text=every, known=list(PERIODS))
    if first is None or last is None or last < first:
        found.add("end", "debt.roll.end", end=end, start=start)
    found.raise_if_any()
    assert first is not None
    assert last is not None
    moves = _read_events(ledger, events, first, last, found)
    balances = ledger.balances()
    labels = periods_between(first, last, every)
    names = list(dict.fromkeys([*balances, *(m[1] for m in moves)]))
    sums = _sum_up(ledger.key, balances, moves, every, found)
    found.raise_if_any()
    rows = []
    for name in names:
        opening = balances.get(name, 0)
        for label in labels:
            parts = {event: sums.get((name, label, event), 0) for event in EVENTS}
            closing = opening + sum(EVENTS[event] * amount for event, amount in parts.items())
            rows.append((name, label, opening, *parts.values(), closing))
            opening = closing
    columns = [ledger.key, "period", "opening_fen", *(f"{e}_fen" for e in EVENTS), "closing_fen"]
    is_hidden = ledger.key == "contract_id" if hidden is None else hidden
    return RollForward(
        ledger.key,
        pd.DataFrame(rows, columns=columns),
        tuple(_new_debt(moves) if is_hidden else ()),
    )


Move = tuple[dt.date, str, str, int, str]


def _read_events(
    ledger: Ledger, events: TableLike, first: dt.date, last: dt.date, found: Collector
) -> list[Move]:
    columns = (ledger.key, "date", "event", "amount_wan")
    extra = {name: ("事件",) if name == "event" else () for name in columns}
    table = read_records(events, name="events", columns=extra, found=found)
    known, moves = set(ledger.balances()), []
    for row in table if table.need(*columns) else ():
        name, event = row.text(ledger.key), row.word("event", "debt_event")
        when, exact = row.day("date"), row.fen("amount_wan")
        if name not in known and event != "new":
            row.report(ledger.key, "debt.roll.unknown", did_you_mean(name, known), name=name)
        if event == "new":
            known.add(name)
        if when is not None and not first <= when <= last:
            row.report("date", "debt.roll.outside", day=when, first=first, last=last)
        if not row.blank("amount_wan") and not exact > 0:
            row.report("amount_wan", "debt.not_positive", text=row.text("amount_wan"))
        elif when is not None and event:
            moves.append((when, name, event, exact, row.where("amount_wan")))
    table.done()
    order = list(EVENTS)
    return sorted(moves, key=lambda move: (move[0], order.index(move[2])))


def _sum_up(
    key: str, balances: dict[str, int], moves: Iterable[Move], every: str, found: Collector
) -> dict[tuple[str, str, str], int]:
    """Sums by id, period and event; reports a balance that would fall below 0."""
    sums: dict[tuple[str, str, str], int] = {}
    left = dict(balances)
    for when, name, event, amount, where in moves:
        left[name] = left.get(name, 0) + EVENTS[event] * amount
        if left[name] < 0:
            found.add(
                where,
                "debt.roll.below",
                event=say(f"debt.event.{event}"),
                day=when,
                name=name,
                amount=amount / FEN_PER_WAN,
                owed=(left[name] + amount) / FEN_PER_WAN,
            )
            left[name] = 0
        slot = (name, period_of(when, every), event)
        sums[slot] = sums.get(slot, 0) + amount
    return sums


def _new_debt(moves: Iterable[Move]) -> Iterable[Finding]:
    for when, name, event, amount, _ in moves:
        if event == "new":
            yield finding(
                "new_hidden_debt", f"{name} {when}", computed=amount / FEN_PER_WAN,
                said=say("debt.roll.new"),
            )  # fmt: skip
