"""Identities of the commission statement, against a plain `decimal` loop."""

from __future__ import annotations

import random
from datetime import date, timedelta
from decimal import Decimal

import fees_oracle as oracle
import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

import fiscalmodel as fm
from fiscalmodel.fees import CommissionStatement

BANKS = ["甲银行", "乙银行", "丙银行"]
KINDS = ["fines", "charges", "donations"]
ACCOUNTS = ["treasury", "fiscal_account"]
FIRST, LAST = date(2023, 1, 1), date(2025, 12, 31)
RATES: oracle.Rates = {
    "fines": [(date(2000, 1, 1), date(2024, 6, 30), Decimal("0.5")),
              (date(2024, 7, 1), date(2099, 12, 31), Decimal("0.35"))],
    "charges": [(date(2000, 1, 1), date(2099, 12, 31), Decimal("0.2"))],
}  # fmt: skip
RATE_ROWS = [
    {"kind": kind, "rate_pct": str(pct), "valid_from": first, "valid_to": last}
    for kind, rows in RATES.items()
    for first, last, pct in rows
]
days = st.integers(0, (LAST - FIRST).days).map(lambda n: FIRST + timedelta(days=n))
fens = st.one_of(st.integers(0, 5000), st.integers(0, 10**9), st.integers(10**13, 10**14))


@st.composite
def receipts(draw: st.DrawFn, *, plain: bool = False, top: st.SearchStrategy = fens) -> list[dict]:
    """Receipts and, unless `plain`, refunds, unmatched and excluded lines."""
    rows: list[dict] = []
    for i in range(draw(st.integers(1, 14))):
        row = {
            "receipt_id": f"R{i}", "bank": draw(st.sampled_from(BANKS)),
            "kind": draw(st.sampled_from(KINDS)), "account": draw(st.sampled_from(ACCOUNTS)),
            "paid_in": draw(days), "amount": Decimal(draw(top)) / 100,
        }  # fmt: skip
        if not plain:
            row["unmatched"] = draw(st.sampled_from([None, None, None, True]) | days)
            row["excluded"] = draw(st.sampled_from([None, None, None, "direct to the treasury"]))
        rows.append(row)
    if not plain:
        left = {r["receipt_id"]: r["amount"] for r in rows}
        for j in range(draw(st.integers(0, 6))):
            origin = draw(st.sampled_from([r for r in rows if "refund_of" not in r]))
            cents = draw(st.integers(0, int(left[origin["receipt_id"]] * 100)))
            if not cents:
                continue
            back = Decimal(cents) / 100
            left[origin["receipt_id"]] -= back
            rows.append(
                {
                    **origin,
                    "receipt_id": f"B{j}",
                    "amount": -back,
                    "unmatched": None,
                    "excluded": None,
                    "refund_of": origin["receipt_id"],
                    "paid_in": max(draw(days), origin["paid_in"]),
                }
            )
    return rows


def statement(rows: list[dict], period: str, **options: object) -> CommissionStatement:
    return fm.commission(pd.DataFrame(rows), rates=RATE_ROWS, period=period, **options)


def by_line(result: CommissionStatement) -> dict:
    return {
        (r.bank, r.kind, r.account, r.period,
         None if np.isnan(r.rate_pct) else Decimal(str(r.rate_pct))):
        (r.base_fen, r.fee_fen)
        for r in result.lines.itertuples()
    }  # fmt: skip


def expected(rows: list[dict], period: str, as_of: date | None = None) -> dict:
    return {
        key: (int(base * 100), int(fee * 100))
        for key, (base, fee, _) in oracle.settle(rows, RATES, period, as_of).items()
    }


def carried_on(rows: list[dict], period: str) -> int:
    """Negative bases that are still open at the end, 分."""
    lines = oracle.settle(rows, RATES, period)
    last: dict = {}
    for group, name in ((key[:3], key[3]) for key in lines):
        last[group] = max(name, last.get(group, ""))
    return sum(int(v[2] * 100) for key, v in lines.items() if key[3] == last[key[:3]])


def without_empty(lines: dict) -> dict:
    return {key: values for key, values in lines.items() if any(values)}


@given(receipts(), st.sampled_from(["month", "quarter", "year"]), st.randoms(use_true_random=False))
def test_same_as_a_decimal_loop_in_any_order(
    rows: list[dict], period: str, shuffle: random.Random
) -> None:
    mixed = list(rows)
    shuffle.shuffle(mixed)
    result = statement(mixed, period)
    assert without_empty(by_line(result)) == without_empty(expected(rows, period))
    assert sum(result.carry["base_fen"]) == carried_on(rows, period)
    for row in result.table.itertuples():
        assert row.payable_fen == row.fee_fen  # before payments and arrears: neither is given
    # Every fee can be opened down to its receipts.
    opened = result.explain()
    keys = ["bank", "kind", "account", "period"]
    sums, bases = (
        opened.groupby(keys)["counted_fen"].sum(),
        result.table.groupby(keys)["base_fen"].sum(),
    )
    assert {k: v for k, v in sums.items() if v} == {k: v for k, v in bases.items() if v}
    assert len(opened) == len(rows)


@given(receipts(), st.integers(0, 10**6), st.integers(0, 20))
def test_splitting_a_receipt_never_matters(rows: list[dict], at: int, which: int) -> None:
    whole = [r for r in rows if "refund_of" not in r]
    refunded = {r["refund_of"] for r in rows if "refund_of" in r}
    free = [r for r in whole if r["receipt_id"] not in refunded]
    if not free:
        return
    chosen = free[which % len(free)]
    part = Decimal(at % (int(chosen["amount"] * 100) + 1)) / 100
    pieces = [
        {**chosen, "amount": part},
        {**chosen, "receipt_id": "part 2", "amount": chosen["amount"] - part},
    ]
    split = [r for r in rows if r is not chosen] + pieces
    pd.testing.assert_frame_equal(statement(rows, "year").table, statement(split, "year").table)


@given(receipts(plain=True))
def test_two_periods_differ_from_one_by_a_fen_a_line(rows: list[dict]) -> None:
    """fee(A) + fee(B) against fee(A and B): at most 1 分 a line for each split in two."""
    rows = [
        {**r, "paid_in": r["paid_in"].replace(year=2025)} if r["paid_in"].month != 2 else r
        for r in rows
    ]
    rows = [r for r in rows if r["paid_in"].year == 2025]
    if not rows:
        return
    first = [r for r in rows if r["paid_in"].month <= 6]
    second = [r for r in rows if r["paid_in"].month > 6]
    whole = by_line(statement(rows, "year"))
    parts: dict = {}
    for part in (first, second):
        for key, (_, fee) in (by_line(statement(part, "year")) if part else {}).items():
            parts[key] = parts.get(key, 0) + fee
    assert parts.keys() == whole.keys()
    for key, (base, fee) in whole.items():
        assert base >= 0
        assert abs(parts[key] - fee) <= 1
    assert "rounded once per line" in statement(rows, "year").notes[0]


@given(receipts(), st.sampled_from([FIRST + timedelta(days=400), LAST]))
def test_cleared_after_the_day_of_the_statement_is_still_unmatched(
    rows: list[dict], as_of: date
) -> None:
    rows = [r for r in rows if r["paid_in"] <= as_of]
    ids = {r["receipt_id"] for r in rows}
    rows = [r for r in rows if r.get("refund_of", r["receipt_id"]) in ids]
    if not rows:
        return
    result = statement(rows, "month", as_of=as_of)
    assert without_empty(by_line(result)) == without_empty(expected(rows, "month", as_of))


@given(receipts(), st.sampled_from(["month", "year"]))
def test_settled_year_by_year_with_carry_is_settled_at_once(rows: list[dict], period: str) -> None:
    """A statement's carry handed to the next gives what one statement over both gives."""
    cut = date(2024, 12, 31)
    early = [r for r in rows if r["paid_in"] <= cut]
    if not early or len(early) == len(rows):
        return
    whole = statement(rows, period)
    first = statement(early, period, as_of=cut)
    # The receipts of before are only there for their refunds and clearings.
    second = statement(rows, period, carried=first, since="2025-01-01")
    assert second.payable_fen == whole.payable_fen
    assert sum(second.carry["base_fen"]) == sum(whole.carry["base_fen"])
    assert first.fee_fen + second.fee_fen == whole.fee_fen
