"""Fiscal modelling and forecasting for district and county finance bureaus.

``import fiscalmodel as fm`` is the one import that an economist needs. Names
load when first used, so that the command line answers at once.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.2.0"

#: Public name -> module that defines it.
_PUBLIC: dict[str, str] = {
    "InputError": "fiscalmodel.errors",
    "Series": "fiscalmodel.series.types",
    "amortise": "fiscalmodel.debt.cashflow",
    "assess_affordability": "fiscalmodel.budget.affordability",
    "available_for_clearance": "fiscalmodel.budget.available",
    "backtest": "fiscalmodel.revenue.backtest",
    "balance_sheet": "fiscalmodel.present.sheet",
    "balance_years": "fiscalmodel.present.sheet",
    "break_points": "fiscalmodel.debt.clearance.plan",
    "cash_plan": "fiscalmodel.budget.cash",
    "cash_warning": "fiscalmodel.budget.warning",
    "check_guardrails": "fiscalmodel.budget.guardrails",
    "close_balance": "fiscalmodel.budget.account",
    "commission": "fiscalmodel.fees",
    "compare": "fiscalmodel.scenario.compare",
    "debt_fan": "fiscalmodel.debt.dynamics",
    "debt_outlook": "fiscalmodel.debt.outlook",
    "debt_path": "fiscalmodel.debt.dynamics",
    "decomposition": "fiscalmodel.debt.outlook",
    "evaluate": "fiscalmodel.scenario.evaluate",
    "evaluate_many": "fiscalmodel.run.many",
    "even_contribution": "fiscalmodel.debt.reserve",
    "explain": "fiscalmodel.scenario.explain",
    "fan_chart": "fiscalmodel.debt.charts",
    "forecast": "fiscalmodel.revenue.forecast",
    "forecast_panel": "fiscalmodel.revenue.forecast",
    "fund_carry_over_excess": "fiscalmodel.budget.medium_term",
    "guardrails": "fiscalmodel.budget.guardrails",
    "idle_money": "fiscalmodel.budget.idle",
    "irr": "fiscalmodel.debt.valuation",
    "like_for_like_cuts": "fiscalmodel.budget.idle",
    "link_calibre": "fiscalmodel.series.calibre",
    "load_scenario": "fiscalmodel.scenario.load",
    "load_series": "fiscalmodel.series.catalog",
    "maturity_wall": "fiscalmodel.debt.maturity",
    "medium_term_plan": "fiscalmodel.budget.medium_term",
    "monthly_table": "fiscalmodel.revenue.execution",
    "new_county": "fiscalmodel.scenario.county",
    "next_ceilings": "fiscalmodel.budget.scores",
    "nowcast_items": "fiscalmodel.revenue.nowcast_items",
    "nowcast_year": "fiscalmodel.revenue.nowcast",
    "path_chart": "fiscalmodel.debt.charts",
    "peers": "fiscalmodel.revenue.peers",
    "plan_clearance": "fiscalmodel.debt.clearance.plan",
    "present_value": "fiscalmodel.debt.valuation",
    "progress_by_month": "fiscalmodel.revenue.execution",
    "project_coverage": "fiscalmodel.debt.coverage",
    "public_version": "fiscalmodel.present.summary",
    "published_debt": "fiscalmodel.debt.maturity",
    "published_growth": "fiscalmodel.series.catalog",
    "rank_projects": "fiscalmodel.budget.ranking",
    "read_accounts": "fiscalmodel.budget.accounts_read",
    "read_bonds": "fiscalmodel.debt.ledger",
    "read_hidden_ledger": "fiscalmodel.debt.ledger",
    "read_register": "fiscalmodel.debt.register",
    "read_series": "fiscalmodel.series.assembly",
    "read_table": "fiscalmodel.tables.readers",
    "read_workbook": "fiscalmodel.tables.readers",
    "reconcile": "fiscalmodel.checks.reconcile",
    "replacement_effect": "fiscalmodel.debt.replacement",
    "required_contributions": "fiscalmodel.debt.reserve",
    "review_years": "fiscalmodel.revenue.nowcast",
    "risk_path": "fiscalmodel.debt.risk",
    "roll_forward": "fiscalmodel.debt.rollforward",
    "run_batch": "fiscalmodel.run.batch",
    "run_report": "fiscalmodel.run.batch",
    "sanbao_needs": "fiscalmodel.budget.sanbao",
    "score_form": "fiscalmodel.budget.scores",
    "show": "fiscalmodel.display",
    "spending_progress": "fiscalmodel.revenue.execution",
    "split_gross": "fiscalmodel.revenue.sharing",
    "stabilising_balance": "fiscalmodel.debt.dynamics",
    "stress_pack": "fiscalmodel.debt.dynamics",
    "suggest_order": "fiscalmodel.debt.replacement",
    "summarise": "fiscalmodel.present.summary",
    "surplus_use": "fiscalmodel.budget.medium_term",
    "synthetic_province": "fiscalmodel.run.synthetic_province",
    "target_balance": "fiscalmodel.debt.dynamics",
    "to_cumulative": "fiscalmodel.series.monthly",
    "to_months": "fiscalmodel.series.monthly",
    "wall_chart": "fiscalmodel.debt.charts",
    "what_if": "fiscalmodel.scenario.whatif",
    "what_if_page": "fiscalmodel.present.whatif",
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
