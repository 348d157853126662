"""What of a scenario's data is given: sheets that are not filled in count as not given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from fiscalmodel.errors import InputError
from fiscalmodel.scenario.data import TABLE_KEYS, Place, is_series_key
from fiscalmodel.scenario.load import Scenario
from fiscalmodel.scenario.schema import Part, ScenarioSpec
from fiscalmodel.series.templates import is_series_example
from fiscalmodel.tables.records import read_records
from fiscalmodel.words import say
from fiscalmodel.yamlio import KeyPath

#: Part of an outcome -> keys without which there is none.
NEEDED: Mapping[str, tuple[str, ...]] = {
    "revenue": ("revenue.series",),
    "balance": (
        "balance.sanbao_need_wan", "balance.transfers_wan", "balance.statutory_debt_service_wan",
    ),
    "debt": ("debt.ledger", "debt.sources"),
    "commissions": ("commissions.receipts",),
    "budgets": ("budgets.accounts",),
    "medium_term": ("medium_term.lines",),
    "guardrails": ("guardrails.amounts",),
    "sanbao": ("sanbao.months",),
    "projects": ("projects.pool",),
    "special_bonds": ("special_bonds.projects", "special_bonds.income"),
    "idle": ("idle.funds",),
}  # fmt: skip


def given_only(scenario: Scenario) -> Scenario:
    """The scenario without the keys whose sheet is not filled in.

    A part that cannot do without such a key goes with it. Only places that name a sheet are
    looked at: a file of its own without data is an error of its reader.
    """
    empty = {
        key: place
        for key, place in scenario.places.items()
        if place.sheet and not _is_filled(scenario, key)
    }
    if not empty:
        return scenario
    missing: set[KeyPath] = {tuple(key.split(".")) for key in empty}
    if set(empty) & set(NEEDED["balance"]):
        missing.add(("balance", "sanbao_need_wan"))
    spec = _without(scenario.spec, missing)
    assert isinstance(spec, ScenarioSpec)
    places = {key: place for key, place in scenario.places.items() if key not in empty}
    for part in set(NEEDED) - {"revenue", "balance"}:
        if getattr(spec, part) is None:
            places = {key: p for key, p in places.items() if not key.startswith(f"{part}.")}
    return replace(scenario, spec=spec, places=places, unfilled=empty)


def names_of(places: Mapping[str, Place]) -> list[str]:
    """Sheets, with the row where a sheet holds several series."""
    texts = [f"{p.sheet}·{p.row}" if p.row and p.row != p.sheet else p.sheet or p.file.name
             for p in places.values()]  # fmt: skip
    return list(dict.fromkeys(texts))


def _is_filled(scenario: Scenario, key: str) -> bool:
    """Whether a sheet holds any figure beside its example row."""
    place, series = scenario.places[key], is_series_key(key)
    try:
        table = series or key not in TABLE_KEYS
        records = read_records(place.table(), name=key) if table else scenario.records(key)
    except InputError as error:
        # Anything else its own reader says.
        return error.problems[0].said != say("tables.empty_table")
    if not records.has("value") or not series:
        return bool(records.rows) or not records.columns
    wanted = place.row or place.column
    rows = [row for row in records if not is_series_example(row.texts())]
    named = [row for row in rows if wanted in (row.text("indicator"), row.text("series_id"))]
    if wanted and rows and not named:
        return True
    return any(not row.blank("value") for row in named or rows)


def _without(part: Any, missing: set[KeyPath]) -> Any:
    """A part without some keys; None where it cannot do without one."""
    changed: dict[str, Any] = {}
    for name, field in type(part).model_fields.items():
        mine = {path[1:] for path in missing if path[0] == name}
        if not mine:
            continue
        value = getattr(part, name)
        inner = isinstance(value, Part) and () not in mine
        left = _without(value, mine) if inner else None
        if left is None and field.is_required():
            return None
        changed[name] = field.get_default(call_default_factory=True) if left is None else left
    made = part.model_copy(update=changed)
    lost = "amount_wan" in changed and type(part).__name__ == "ExpenditureSpec"
    return None if lost and made.base_year is None and made.progress is None else made
