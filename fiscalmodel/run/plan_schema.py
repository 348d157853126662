"""What a plan file may say."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from fiscalmodel import yamlio
from fiscalmodel.errors import Collector
from fiscalmodel.suggest import did_you_mean, known_names
from fiscalmodel.words import Text

Names = Annotated[list[str], Field(min_length=1, max_length=5_000)]


class Part(BaseModel):
    """Base of all parts: frozen, unknown keys refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Override(Part):
    """Parameters for those jobs that match every name given here.

    Later overrides win; `skip` leaves the job out.
    """

    region: str | None = None
    scenario: str | None = None
    notebook: str | None = None
    parameters: dict[str, Any] = {}
    skip: bool = False
    timeout: str | float | None = None
    memory: str | int | None = None


class JobSpec(Part):
    """One notebook with its parameters, outside regions and scenarios."""

    name: str
    notebook: str
    parameters: dict[str, Any] = {}
    timeout: str | float | None = None
    memory: str | int | None = None


class PlanSpec(Part):
    """A plan: regions × scenarios × notebooks, single jobs, or both.

    `regions` and `scenarios` may be ``all``. `notebooks` are names in ``notebooks/`` or paths
    from the project's folder; without any, scenarios are evaluated into `tables` only.
    """

    regions: Names | Literal["all"] | None = None
    scenarios: Names | Literal["all"] = "all"
    notebooks: list[str] = []
    parameters: dict[str, Any] = {}
    overrides: list[Override] = []
    jobs: list[JobSpec] = []
    tables: Literal["none", "parquet", "csv"] | None = None
    secrets: list[str] = []
    timeout: str | float | None = None
    memory: str | int | None = None


PLAN_KEYS = frozenset(PlanSpec.model_fields)


def explained(error: ValidationError, name: str, positions: yamlio.Positions) -> Collector:
    """What pydantic found, with the place in the file."""
    found = Collector()
    for detail in error.errors(include_url=False):
        path: tuple[str | int, ...] = tuple(
            part for part in detail["loc"] if not (isinstance(part, str) and "[" in part)
        )
        where = f"{yamlio.place(name, positions, path)}: {yamlio.dotted(path)}"
        hint: str | Text = ""
        if detail["type"] == "extra_forbidden":
            known = PLAN_KEYS if len(path) == 1 else Override.model_fields
            hint = did_you_mean(str(path[-1]), known) or known_names(known)
            found.add(where, "unknown key", hint)
        else:
            found.add(where, detail["msg"], hint)
    return found
