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

from fiscalmodel.debt.ledger import FEN_PER_WAN, Ledger, fen
from fiscalmodel.debt.ledger_columns import english
from fiscalmodel.debt.plan_tables import TableLike, day, number, read_rows
from fiscalmodel.errors import Collector
from fiscalmodel.findings import finding
from fiscalmodel.series.findings import Finding, to_frame
from fiscalmodel.suggest import did_you_mean

#: Event -> sign in the balance; the order is that of the table.
EVENTS: dict[str, int] = {
    "new": 1,
    "accrued_unpaid": 1,
    "cash": -1,
    "disposal": -1,
    "replacement": -1,
    "reclassification": -1,
}
_WORDS = {
    **{event: event for event in EVENTS},
    "新增": "new", "应计未付利息": "accrued_unpaid", "欠息转本": "accrued_unpaid",
    "现金偿还": "cash", "偿还": "cash", "资产处置": "disposal", "处置偿还": "disposal",
    "置换": "replacement", "转为经营性债务": "reclassification", "重分类": "reclassification",
}  # fmt: skip
#: Months of a period of the roll-forward.
PERIODS = ("year", "quarter", "month")


@dataclass(frozen=True)
class RollForward:
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
    def findings(self) -> pd.DataFrame:
        """`found` as a frame."""
        return to_frame(self.found)

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


def period_of(when: dt.date, every: str) -> str:
    """Label of the period that holds a day.

    >>> period_of(dt.date(2026, 5, 3), "quarter")
    '2026Q2'
    """
    if every == "year":
        return str(when.year)
    return f"{when.year}Q{(when.month + 2) // 3}" if every == "quarter" else f"{when:%Y-%m}"


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
    first, last = day(start, "start", found), day(end, "end", found)
    if every not in PERIODS:
        found.add("every", f"unknown period {every!r}", f"use one of {', '.join(PERIODS)}")
    if first is None or last is None or last < first:
        found.add("end", f"{end!r} is not a day on or after {start!r}", "write YYYY-MM-DD")
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
    table = english(read_rows(events, "events"), found)
    if not table.need((ledger.key, "date", "event", "amount_wan"), found):
        return []
    known, moves = set(ledger.balances()), []
    for row, cells in enumerate(table.rows):
        name, word = str(cells[ledger.key] or ""), str(cells["event"] or "").strip().lower()
        event = _WORDS.get(word, "")
        when = day(cells["date"], table.where(row, "date"), found)
        amount = number(cells["amount_wan"], table.where(row, "amount_wan"), found)
        if not event:
            hint = did_you_mean(word, _WORDS) or f"use one of {', '.join(EVENTS)}"
            found.add(table.where(row, "event"), f"unknown event {cells['event']!r}", hint)
        if name not in known and event != "new":
            found.add(
                table.where(row, ledger.key),
                f"{name!r} is not in the ledger",
                did_you_mean(name, known) or "add it with an event 'new' first",
            )
        if event == "new":
            known.add(name)
        if when is None or not first <= when <= last:
            found.add(table.where(row, "date"), f"{when} is not between {first} and {last}")
        if not amount > 0:
            found.add(table.where(row, "amount_wan"), f"{cells['amount_wan']!r} is not positive")
        elif when is not None and event:
            exact = fen(amount, table.where(row, "amount_wan"), found)
            moves.append((when, name, event, exact, table.where(row)))
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
                f"{event} of {amount / FEN_PER_WAN:,.6f} 万元 on {when} is more than {name} owes "
                f"({(left[name] + amount) / FEN_PER_WAN:,.6f})",
                "check the amount, or the order of the events",
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
                en="new hidden debt is forbidden", zh="严禁新增隐性债务",
            )  # fmt: skip
