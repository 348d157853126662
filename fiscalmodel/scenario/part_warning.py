"""The warning parts: 三保 and cash by month, the project pool, idle money."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fiscalmodel.scenario.load import Scenario
from fiscalmodel.scenario.part_budget import PartResult
from fiscalmodel.scenario.schema import IdleSpec, ProjectsSpec, SanbaoSpec


def sanbao_part(scenario: Scenario, spec: SanbaoSpec, found: Mapping[str, Any]) -> PartResult:
    """The three guarantees and cash by month."""
    return PartResult()


def projects_part(scenario: Scenario, spec: ProjectsSpec, found: Mapping[str, Any]) -> PartResult:
    """The project pool against its ceilings."""
    return PartResult()


def idle_part(scenario: Scenario, spec: IdleSpec, found: Mapping[str, Any]) -> PartResult:
    """Idle money and advances by age."""
    return PartResult()
