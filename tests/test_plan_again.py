"""A plan of the same input is not solved again, and nobody changes it for the next one."""

from __future__ import annotations

from typing import Any

import pytest

import fiscalmodel as fm
from fiscalmodel.debt.clearance import plan as plans

LEDGER = [{"contract_id": "A", "principal_wan": 100.0, "rate_pct": 5.0, "prepayable": True}]


def cleared(cap: float, **more: Any) -> Any:
    sources = [{"source_id": "budget", "period": y, "cap_wan": cap} for y in (2027, 2028)]
    return fm.plan_clearance(
        more.pop("ledger", LEDGER), sources, as_of="2026-12-31", frequency="year", **more
    )


def test_the_same_input_is_solved_once(monkeypatch: pytest.MonkeyPatch) -> None:
    solved: list[str] = []
    plain = plans._planned

    def planned(given: Any, problem: Any, rule: str) -> Any:
        solved.append(rule)
        return plain(given, problem, rule)

    monkeypatch.setattr(plans, "_planned", planned)
    plans._solved.clear()
    first = cleared(60.0)
    before = first.schedule.copy()
    first.schedule.loc[:, "amount_wan"] = 0.0
    second = cleared(60.0)
    assert len(solved) == 1
    assert second.schedule.equals(before)
    # Interest of 2027 is 5.00; the rest of 60 repays 55, and 45 bear 2.25 in 2028.
    assert round(second.cost_wan, 2) == 7.25
    # Other money, another rule, other names in the ledger: each is a plan of its own.
    cleared(61.0)
    cleared(60.0, rule="least_interest")
    cleared(60.0, ledger=[{**LEDGER[0], "debtor": "城投"}])
    assert len(solved) == 4
