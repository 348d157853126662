"""The examples in the docstrings of the debt and balance rooms are true."""

from __future__ import annotations

import doctest
import importlib

import pytest

MODULES = (
    "fiscalmodel.days",
    "fiscalmodel.findings",
    "fiscalmodel.budget.account",
    "fiscalmodel.budget.available",
    "fiscalmodel.budget.guardrails",
    "fiscalmodel.budget.medium_term",
    "fiscalmodel.debt.cashflow",
    "fiscalmodel.debt.daycount",
    "fiscalmodel.debt.dynamics",
    "fiscalmodel.debt.replacement",
    "fiscalmodel.debt.reserve",
    "fiscalmodel.debt.rollforward",
    "fiscalmodel.debt.schedule",
    "fiscalmodel.debt.valuation",
)


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    result = doctest.testmod(importlib.import_module(name))
    assert result.attempted > 0
    assert result.failed == 0
