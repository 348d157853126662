"""Periods of a clearance plan and their lengths; service of replacement bonds."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest
from clearance_oracle import yearly
from fiscalmodel.debt.plan_model import bond_flows
from fiscalmodel.debt.plan_periods import make_grid, parse_period


@pytest.mark.parametrize(
    ("as_of", "deadline", "frequency", "labels", "years"),
    [
        ("2025-12-31", "2028-12-31", "year", ["2026", "2027", "2028"], [1, 1, 1]),
        ("2026-01-01", "2027-12-31", "year", ["2026", "2027"], [1, 1]),
        ("2026-06-30", "2027-12-31", "year", ["2026", "2027"], [0.5, 1]),
        ("2027-12-15", "2028-02-10", "month", ["2027-12", "2028-01", "2028-02"],
         [16 / 31 / 12, 1 / 12, 10 / 29 / 12]),
        ("2027-06-30", "2028-03-31", "quarter", ["2027Q3", "2027Q4", "2028Q1"], [0.25] * 3),
    ],
)  # fmt: skip
def test_calendar(as_of, deadline, frequency, labels, years):
    days = dt.date.fromisoformat(as_of), dt.date.fromisoformat(deadline)
    grid = make_grid(*days, frequency)
    assert list(grid.labels) == labels
    assert grid.fractions == pytest.approx(years, abs=1e-12)
    actual = make_grid(*days, frequency, "ACT/365")
    first = days[0] - dt.timedelta(days=1) if days[0].day == 1 else days[0]
    assert actual.fractions.sum() == pytest.approx((days[1] - first).days / 365, abs=1e-12)


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        (2027, "2027-01-01", "2027-12-31"),
        ("2027年", "2027-01-01", "2027-12-31"),
        ("2027Q4", "2027-10-01", "2027-12-31"),
        ("2027年第1季度", "2027-01-01", "2027-03-31"),
        ("2028-02", "2028-02-01", "2028-02-29"),
        ("2028年2月", "2028-02-01", "2028-02-29"),
        (pd.Period("2028-02", "M"), "2028-02-01", "2028-02-29"),
    ],
)
def test_periods_are_read(text, first, last):
    window = parse_period(text)
    assert window is not None
    assert [str(day) for day in window] == [first, last]


@pytest.mark.parametrize("repayment", ["bullet", "equal_principal", "equal_instalment"])
@pytest.mark.parametrize("tenor", [1, 10, 17.6, 30])
def test_bond_service(repayment, tenor):
    """All principal comes back; at its own rate a bond of whole years is worth 1."""
    flows = bond_flows(tenor, 2.24, repayment)
    assert flows[-1][0] == pytest.approx(tenor)
    assert sum(principal for _, principal, _ in flows) == pytest.approx(1.0, abs=1e-12)
    if tenor == int(tenor):
        worth = sum((p + c) / 1.0224**t for t, p, c in flows)
        assert worth == pytest.approx(1.0, abs=1e-12)
    if repayment == "equal_instalment" and tenor == int(tenor):
        service = [p + c for _, p, c in flows]
        assert max(service) - min(service) < 1e-12


@pytest.mark.parametrize("frequency", ["year", "quarter"])
def test_debt_kept_by_contract_tells_its_yearly_service(frequency):
    """90 in four parts from 2027: 22.5 a year; 4 % on 90 and on 67.5 is 3.6 and 2.7."""
    kept = {
        "contract_id": "shanty", "principal_wan": 90, "rate_pct": 4, "maturity": "2030-12-31",
        "repayment": "equal_principal", "frequency": "year", "by_contract": True,
    }  # fmt: skip
    plan = yearly([kept], [], as_of="2026-12-31", frequency=frequency)
    told = "2027 principal 22.50, interest 3.60; 2028 principal 22.50, interest 2.70"
    assert sum(told in note for note in plan.notes) == 1
    told = "2027年本金22.50、利息3.60；2028年本金22.50、利息2.70"
    assert sum(told in note for note in plan.notes_zh) == 1
