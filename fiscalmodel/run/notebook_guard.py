"""What a committed notebook must be, before it is run: whole, executed, and with nothing hidden."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fiscalmodel.run.compare_outputs import IMAGES, Tolerance

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
        found.append(f"code cell {number} was not executed; run fiscalmodel notebooks --refresh")
    elif counts != list(range(1, len(counts) + 1)):
        found.append("cells were not executed once from top to bottom")
    if cells and not any(c.get("outputs") for c in cells):
        found.append("the notebook has no outputs; run fiscalmodel notebooks --refresh")
    for number, cell in enumerate(cells, start=1):
        found += [f"code cell {number}: {text}" for text in _cell_problems(cell)]
    if _has_picture(cells) and not _has_table(cells):
        found.append("a chart has no table beside it, and pictures are not compared")
    return found


def _cell_problems(cell: Mapping[str, Any]) -> list[str]:
    found = []
    for tag in cell.get("metadata", {}).get("tags") or ():
        if str(tag).lower() in FORBIDDEN_TAGS:
            found.append(f"tag {tag!r} would hide what it puts out")
    for line in _source(cell).splitlines():
        comment = line.strip().lstrip("#").strip()
        if line.strip().startswith("#") and comment in FORBIDDEN_COMMENTS:
            found.append(f"comment {comment} would hide what it puts out")
    if any(output["output_type"] == "error" for output in cell.get("outputs", ())):
        found.append("its output is an error")
    return found


def _has_picture(cells: list[Mapping[str, Any]]) -> bool:
    return any(m in o.get("data", {}) for c in cells for o in c["outputs"] for m in IMAGES)


def _has_table(cells: list[Mapping[str, Any]]) -> bool:
    return any("text/html" in o.get("data", {}) for c in cells for o in c["outputs"])


def _source(cell: Mapping[str, Any]) -> str:
    source = cell.get("source", "")
    return source if isinstance(source, str) else "".join(source)
