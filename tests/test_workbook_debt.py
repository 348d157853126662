"""The workbook of a clearance plan, read back: its sheets, and that their sums tie."""

from __future__ import annotations

import io

import pytest
from clearance_oracle import yearly
from openpyxl import load_workbook

from fiscalmodel.present.workbook_debt import SENSITIVE, plan_workbook
from fiscalmodel.words import say

LEDGER = [
    {"contract_id": "A", "principal_wan": 100, "rate_pct": 5, "maturity": "2028-12-31",
     "prepayable": True, "replaceable": True, "debtor": "=1+1"},
    {"contract_id": "B", "principal_wan": 60, "rate_pct": 6, "maturity": "2027-12-31"},
]  # fmt: skip
QUOTAS = [{"period": 2027, "quota_wan": 40, "rate_pct": 2.4, "available_from": "2027-12-31"}]


def plan(cap):
    sources = [{"source_id": "budget", "period": y, "cap_wan": cap} for y in (2027, 2028)]
    return yearly(LEDGER, sources, QUOTAS, as_of="2026-12-31")


def numbers(sheet):
    return [c.value for row in sheet for c in row if isinstance(c.value, (int, float))]


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("cap", [90, 20])
def test_sheets_read_back_and_their_sums_tie(lang, cap):
    made = plan(cap)
    assert made.holds == (cap == 90)
    data = plan_workbook(made, lang)
    book, live = (load_workbook(io.BytesIO(data), data_only=known) for known in (True, False))
    names = ["summary", "balances", "payments", "matrix", "contracts", "sources", "register"]
    names += [] if made.holds else ["shortfall"]
    sheets = {name: say(f"debt.sheet.{name}")(lang) for name in names}
    assert set(sheets.values()) <= set(book.sheetnames)
    for name, frame, column in (
        ("payments", made.payments, "amount_wan"), ("sources", made.by_source, "used_wan"),
        ("contracts", made.contracts, "replaced_wan"), ("register", made.register, "replaced_wan"),
        *([] if made.holds else [("shortfall", made.shortfall, "amount_wan")]),
    ):  # fmt: skip
        total = frame[column].sum()
        found = numbers(book[sheets[name]])
        assert any(value == pytest.approx(total, abs=1e-9) for value in found), (name, total)
        for amount in frame[column]:
            assert any(value == pytest.approx(amount, abs=1e-9) for value in found)
    # Sums are live, and no text of a user becomes a formula.
    formulas = [c.value for row in live[sheets["payments"]] for c in row if c.data_type == "f"]
    assert formulas
    assert "=1+1" not in formulas


def test_totals_only_names_no_contract():
    book = load_workbook(io.BytesIO(plan_workbook(plan(90), "en", totals_only=True)))
    assert not {say(f"debt.sheet.{name}")("en") for name in SENSITIVE} & set(book.sheetnames)
    told = {str(c.value) for sheet in book for row in sheet for c in row}
    assert not {"A", "B", "=1+1"} & told
