"""No contract loses or gains a 分, whatever happens to it."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from fiscalmodel.debt.ledger import FEN_PER_WAN, read_bonds, read_hidden_ledger
from fiscalmodel.debt.rollforward import EVENTS, roll_forward

START, END = date(2026, 1, 1), date(2028, 12, 31)
amounts = st.integers(1, 10**12)  # up to 1,000,000 万元


@st.composite
def ledgers(draw):
    """Balances in 分, and events that never repay more than is owed."""
    balances = draw(st.lists(st.integers(0, 10**12), min_size=1, max_size=5))
    left, events = dict(enumerate(balances)), []
    days = sorted(draw(st.lists(st.integers(0, (END - START).days), max_size=25, unique=True)))
    for offset in days:
        who = draw(st.sampled_from(sorted(left)))
        event = draw(st.sampled_from(list(EVENTS)))
        if EVENTS[event] < 0 and left[who] == 0:
            continue
        amount = draw(amounts) if EVENTS[event] > 0 else draw(st.integers(1, left[who]))
        left[who] += EVENTS[event] * amount
        events.append((who, START + timedelta(days=offset), event, amount))
    every = draw(st.sampled_from(["year", "quarter", "month"]))
    return balances, events, left, every, draw(st.booleans())


def exact(fen: int) -> str:
    return f"{fen // FEN_PER_WAN}.{fen % FEN_PER_WAN:06d}"


@given(ledgers())
def test_conservation(case):
    balances, events, left, every, hidden = case
    key = "contract_id" if hidden else "bond_code"
    common = {"rate_pct": 5, "start": "2020-01-01", "maturity": "2029-01-01"}
    if hidden:
        ledger = read_hidden_ledger(
            [
                {**common, key: f"K{i}", "principal_wan": exact(fen)}
                for i, fen in enumerate(balances)
            ]
        )
    else:
        ledger = read_bonds(
            [
                {**common, key: f"K{i}", "amount_wan": exact(fen), "type": "special",
                 "purpose": "new"}
                for i, fen in enumerate(balances)
            ]
        )  # fmt: skip
    rolled = roll_forward(
        ledger,
        [
            {key: f"K{who}", "date": when, "event": event, "amount_wan": exact(amount)}
            for who, when, event, amount in events
        ],
        start=START,
        end=END,
        every=every,
    )
    assert rolled.closing() == {f"K{who}": fen for who, fen in left.items()}
    table = rolled.table
    signed = sum(sign * table[f"{event}_fen"] for event, sign in EVENTS.items())
    assert (table["opening_fen"] + signed == table["closing_fen"]).all()
    for _, rows in table.groupby(key):
        assert rows["opening_fen"].tolist()[1:] == rows["closing_fen"].tolist()[:-1]
    totals = rolled.totals()
    assert totals["opening_fen"].iloc[0] == sum(balances)
    assert totals["closing_fen"].iloc[-1] == sum(left.values())
    for event in EVENTS:
        happened = sum(amount for _, _, what, amount in events if what == event)
        assert int(totals[f"{event}_fen"].sum()) == happened
