"""What a committed notebook must be, before it is run: whole, executed, and with nothing hidden."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fiscalmodel.check_notebooks.compare import IMAGES, Tolerance, is_compared
from fiscalmodel.words import Text, say

#: Tags and comments with which nbval passes a cell without comparing it.
FORBIDDEN_TAGS = ("nbval-ignore-output", "nbval-skip", "nbval-raises-exception", "raises-exception")
FORBIDDEN_COMMENTS = (
    "NBVAL_IGNORE_OUTPUT",
    "NBVAL_SKIP",
    "NBVAL_RAISES_EXCEPTION",
    "PYTEST_VALIDATE_IGNORE_OUTPUT",
)


def notebook_problems(document: Mapping[str, Any]) -> list[str]:
    """Everything that would let a wrong number pass, in words."""
    found: list[str] = []
    try:
        Tolerance.of(document.get("metadata", {}))
    except (TypeError, ValueError) as error:
        found.append(str(error))
    cells = [c for c in document["cells"] if c["cell_type"] == "code"]
    counts = [c.get("execution_count") for c in cells if _source(c).strip()]
    if None in counts:
        number = counts.index(None) + 1
        found.append(str(say("run.cell_not_executed", number=number)))
    elif counts != list(range(1, len(counts) + 1)):
        found.append(str(say("run.cells_out_of_order")))
    if cells and not any(c.get("outputs") for c in cells):
        found.append(str(say("run.no_outputs")))
    for number, cell in enumerate(cells, start=1):
        found += [str(say("run.in_code_cell", number=number, text=t)) for t in _cell_problems(cell)]
    if _has_picture(cells) and not _has_table(cells):
        found.append(str(say("run.chart_without_table")))
    return found


def _cell_problems(cell: Mapping[str, Any]) -> list[Text]:
    found = []
    for tag in cell.get("metadata", {}).get("tags") or ():
        if str(tag).lower() in FORBIDDEN_TAGS:
            found.append(say("run.tag_hides", tag=tag))
    for line in _source(cell).splitlines():
        comment = line.strip().lstrip("#").strip()
        if line.strip().startswith("#") and comment in FORBIDDEN_COMMENTS:
            found.append(say("run.comment_hides", comment=comment))
    if any(output["output_type"] == "error" for output in cell.get("outputs", ())):
        found.append(say("run.output_is_error"))
    for output in cell.get("outputs", ()):
        data = output.get("data", {})
        if data and not any(is_compared(kind) or kind in IMAGES for kind in data):
            found.append(say("run.not_compared", kind=sorted(data)[0]))
    return found


def _has_picture(cells: list[Mapping[str, Any]]) -> bool:
    return any(m in o.get("data", {}) for c in cells for o in c["outputs"] for m in IMAGES)


def _has_table(cells: list[Mapping[str, Any]]) -> bool:
    return any("text/html" in o.get("data", {}) for c in cells for o in c["outputs"])


def _source(cell: Mapping[str, Any]) -> str:
    source = cell.get("source", "")
    return source if isinstance(source, str) else "".join(source)
