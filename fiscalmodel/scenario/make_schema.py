"""JSON Schema of scenario files, for editors (run this module to write it)."""

from __future__ import annotations

import json
from typing import Any

from fiscalmodel.paths import project_root
from fiscalmodel.scenario.schema import ScenarioSpec

FILE = "params/schema/scenario.schema.json"


def scenario_schema() -> dict[str, Any]:
    """The schema; nothing is required, since a file may extend another."""
    schema = ScenarioSpec.model_json_schema()
    schema.pop("required", None)
    schema["properties"]["extends"] = {
        "type": "string",
        "description": "A scenario file, relative to this one, whose keys this file changes.",
    }
    for part in schema["$defs"].values():
        part.pop("required", None)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def schema_text() -> str:
    """The schema as the text of its file."""
    return json.dumps(scenario_schema(), ensure_ascii=False, indent=2) + "\n"


if __name__ == "__main__":
    target = project_root() / FILE
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(schema_text(), encoding="utf-8")
