"""The budget parts: four budgets, medium-term plan, guardrails, special-bond projects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fiscalmodel.scenario.load import Scenario
from fiscalmodel.scenario.schema import (
    BudgetsSpec,
    GuardrailsSpec,
    MediumTermSpec,
    SpecialBondsSpec,
)
from fiscalmodel.words import Text


@dataclass(frozen=True)
class PartResult:
    """What a part comes to: a result that shows itself or None, notes, its answer in a sentence."""

    result: Any = None
    notes: tuple[Text, ...] = ()
    answer: Text | None = None


def budgets_part(scenario: Scenario, spec: BudgetsSpec, found: Mapping[str, Any]) -> PartResult:
    """The four budgets closed, with what moves between them."""
    return PartResult()


def medium_term_part(
    scenario: Scenario, spec: MediumTermSpec, found: Mapping[str, Any]
) -> PartResult:
    """The medium-term plan on the scenario's revenue."""
    return PartResult()


def guardrails_part(
    scenario: Scenario, spec: GuardrailsSpec, found: Mapping[str, Any]
) -> PartResult:
    """Floors and ceilings in each year of the scenario."""
    return PartResult()


def special_bonds_part(
    scenario: Scenario, spec: SpecialBondsSpec, found: Mapping[str, Any]
) -> PartResult:
    """Coverage of each special-bond project."""
    return PartResult()
