"""What a file in ``params/policy/`` may say, and the JSON Schema made from it.

``python -m fiscalmodel.policy_schema`` writes ``params/schema/policy.schema.json``,
which editors use to complete the files.
"""

from __future__ import annotations

import datetime as dt
import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel, model_validator

Number = Annotated[int | float, Field(allow_inf_nan=False)]
Scalar = bool | Number | dt.date | str
Text = Annotated[str, Field(min_length=2, max_length=400)]
Key = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=80)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, populate_by_name=True)


class Title(_Strict):
    """Name of a parameter in both languages."""

    zh: Text
    en: Text


class ValueSpec(_Strict):
    """One value, from a day on."""

    start: dt.date = Field(alias="from", description="first day on which the value holds")
    value: Scalar | dict[Key, Scalar] | None = Field(description="null: repealed from this day on")
    source: Text = Field(description="document that states the value")
    doc_no: Annotated[str, Field(max_length=100)] = Field(default="", description="文号")
    link: Annotated[str, Field(max_length=300)] = ""
    confidence: Literal["H", "M", "L"] = Field(description="high, medium or low")
    basis: Literal["S", "S-", "G"] = Field(
        description="S: seen in a public source, S-: seen in a weak one, G: general knowledge"
    )
    note: Annotated[str, Field(max_length=600)] = ""


class ParameterSpec(_Strict):
    """One parameter with its values over time."""

    title: Title
    unit: Annotated[str, Field(min_length=1, max_length=40)]
    note: Annotated[str, Field(max_length=600)] = ""
    region: Annotated[str, Field(max_length=60)] = Field(
        default="", description="region of params/regions.yaml that the rule is of; blank: all"
    )
    values: Annotated[list[ValueSpec], Field(min_length=1)]

    @model_validator(mode="after")
    def _in_order(self) -> ParameterSpec:
        days = [entry.start for entry in self.values]
        if days != sorted(set(days)):
            raise ValueError("ground.policy_out_of_order")
        if self.values[0].value is None:
            raise ValueError("ground.policy_null_first")
        return self


class PolicyFile(RootModel[dict[Key, ParameterSpec]]):
    """A whole file: parameters by key."""


def schema_text() -> str:
    """The JSON Schema of a policy file, as it is checked in."""
    schema: dict[str, Any] = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    schema |= PolicyFile.model_json_schema(by_alias=True)
    return json.dumps(schema, ensure_ascii=False, indent=2) + "\n"


if __name__ == "__main__":
    from fiscalmodel.paths import project_root

    folder = project_root() / "params" / "schema"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "policy.schema.json").write_text(schema_text(), encoding="utf-8")
