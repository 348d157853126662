"""Scenarios side by side: their figures, and what their files say differently."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from fiscalmodel.errors import InputError
from fiscalmodel.scenario.load import Scenario
from fiscalmodel.scenario.outcome import Outcome

#: Frame -> columns that are compared year by year.
_BY_YEAR: dict[str, tuple[str, ...]] = {
    "revenue": ("scenario_wan",),
    "balance": ("expenditure_wan", "available_wan"),
    "debt": ("hidden_wan", "statutory_wan", "total_wan", "interest_wan"),
}


def compare(outcomes: Sequence[Outcome]) -> pd.DataFrame:
    """The main figures of several outcomes, a column for each scenario.

    Returns
    -------
    DataFrame with ``part, metric, period`` and one column for each scenario's id;
    money in 万元. A figure that a scenario does not have is missing, not 0.

    Raises
    ------
    InputError
        If no outcome is given, or two have one id.
    """
    ids = [outcome.scenario.id for outcome in outcomes]
    if not ids:
        raise InputError("compare", "no scenario to compare", "name at least one")
    if len(set(ids)) < len(ids):
        raise InputError("compare", "a scenario is named twice", "name each once")
    columns = [pd.Series(_figures(o), name=o.scenario.id, dtype=float) for o in outcomes]
    joined = pd.concat(columns, axis=1)
    keys = list(dict.fromkeys(key for column in columns for key in column.index))
    joined = joined.reindex(sorted(keys, key=_order))
    joined.index.names = ["part", "metric", "period"]
    return joined.reset_index()


def _order(key: tuple[str, str, str]) -> tuple[int, str, str]:
    part, metric, period = key
    parts = [*_BY_YEAR, "commissions"]
    return parts.index(part), metric, period


def _figures(outcome: Outcome) -> dict[tuple[str, str, str], float]:
    found: dict[tuple[str, str, str], float] = {}
    tables = outcome.tables()
    for part, names in _BY_YEAR.items():
        frame = tables.get(part)
        if frame is None:
            continue
        if part == "revenue":
            frame = frame[frame["kind"] == "forecast"]
        when = "year" if "year" in frame else "period"
        for name in (n for n in names if n in frame):
            for period, value in zip(frame[when], frame[name], strict=True):
                found[part, name, str(period)] = float(value)
    if outcome.plan is not None:
        found["debt", "cost_wan", "total"] = float(outcome.plan.cost_wan)
    if outcome.commissions is not None:
        total = int(outcome.commissions["fee_fen"].sum())
        found["commissions", "fee_wan", "total"] = total / 1_000_000
    return found


def by_region(outcomes: Sequence[Outcome]) -> list[list[Outcome]]:
    """Outcomes in groups of one region, in the order given."""
    groups: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        groups.setdefault(outcome.scenario.region.key, []).append(outcome)
    return list(groups.values())


def differences(first: Scenario, second: Scenario) -> pd.DataFrame:
    """Keys whose values differ between two scenarios: ``key, first, second``."""
    left, right = _flat(first.spec.model_dump()), _flat(second.spec.model_dump())
    rows = [
        {"key": key, "first": _text(left.get(key)), "second": _text(right.get(key))}
        for key in dict.fromkeys([*left, *right])
        if left.get(key) != right.get(key)
    ]
    return pd.DataFrame(rows, columns=["key", "first", "second"])


def _flat(value: Any, path: str = "") -> dict[str, Any]:
    if not isinstance(value, dict):
        return {path: value}
    made: dict[str, Any] = {}
    for key, inner in value.items():
        made |= _flat(inner, f"{path}.{key}" if path else str(key))
    return made


def _text(value: Any) -> str:
    return "—" if value is None else str(value)
