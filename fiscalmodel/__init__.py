"""Fiscal modelling and forecasting for district and county finance bureaus.

``import fiscalmodel as fm`` is the one import that an economist needs. Names
load when first used, so that the command line answers at once.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

#: Public name -> module that defines it.
_PUBLIC: dict[str, str] = {
    "InputError": "fiscalmodel.errors",
    "Series": "fiscalmodel.series.types",
    "amortise": "fiscalmodel.debt.cashflow",
    "available_for_clearance": "fiscalmodel.budget.available",
    "backtest": "fiscalmodel.revenue.backtest",
    "break_points": "fiscalmodel.debt.breakpoints",
    "check_guardrails": "fiscalmodel.budget.guardrails",
    "close_balance": "fiscalmodel.budget.account",
    "commission": "fiscalmodel.fees",
    "compare": "fiscalmodel.scenario.compare",
    "debt_fan": "fiscalmodel.debt.fan",
    "debt_path": "fiscalmodel.debt.dynamics",
    "evaluate": "fiscalmodel.scenario.evaluate",
    "forecast": "fiscalmodel.revenue.forecast",
    "forecast_panel": "fiscalmodel.revenue.forecast",
    "fund_carry_over_excess": "fiscalmodel.budget.medium_term",
    "guardrails": "fiscalmodel.budget.guardrails",
    "irr": "fiscalmodel.debt.cashflow",
    "link_calibre": "fiscalmodel.series.calibre",
    "load_scenario": "fiscalmodel.scenario.load",
    "load_series": "fiscalmodel.series.catalog",
    "maturity_wall": "fiscalmodel.debt.maturity",
    "medium_term_plan": "fiscalmodel.budget.medium_term",
    "monthly_table": "fiscalmodel.revenue.execution",
    "nowcast_items": "fiscalmodel.revenue.nowcast_items",
    "nowcast_year": "fiscalmodel.revenue.nowcast",
    "plan_clearance": "fiscalmodel.debt.clearance",
    "present_value": "fiscalmodel.debt.cashflow",
    "progress_by_month": "fiscalmodel.revenue.execution",
    "project_coverage": "fiscalmodel.debt.coverage",
    "published_growth": "fiscalmodel.series.catalog",
    "read_bonds": "fiscalmodel.debt.bonds",
    "read_hidden_ledger": "fiscalmodel.debt.ledger",
    "read_series": "fiscalmodel.series.assembly",
    "read_table": "fiscalmodel.tables.readers",
    "read_workbook": "fiscalmodel.tables.readers",
    "reconcile": "fiscalmodel.checks.reconcile",
    "review_years": "fiscalmodel.revenue.nowcast",
    "risk_path": "fiscalmodel.debt.risk",
    "roll_forward": "fiscalmodel.debt.rollforward",
    "run_batch": "fiscalmodel.run.batch",
    "run_report": "fiscalmodel.run.batch",
    "show": "fiscalmodel.display",
    "split_gross": "fiscalmodel.revenue.sharing",
    "stress_pack": "fiscalmodel.debt.fan",
    "surplus_use": "fiscalmodel.budget.medium_term",
    "to_cumulative": "fiscalmodel.series.monthly",
    "to_months": "fiscalmodel.series.monthly",
}

__all__ = ["__version__", *sorted(_PUBLIC)]


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        value = getattr(importlib.import_module(_PUBLIC[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'fiscalmodel' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_PUBLIC})
