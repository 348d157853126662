"""The ``parameters`` cell of a notebook as a schema, read without running anything."""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fiscalmodel.errors import Collector, InputError, did_you_mean
from fiscalmodel.words import Text, say

MAX_NOTEBOOK_BYTES = 50 * 1024 * 1024
TAG = "parameters"


def read_notebook(path: Path) -> dict[str, Any]:
    """A notebook of format 4 as a dict.

    Raises
    ------
    InputError
        If the file is missing, is no notebook, or is of another format.
    """
    where = str(path)
    try:
        if path.stat().st_size > MAX_NOTEBOOK_BYTES:
            raise InputError(where, "run.notebook_too_large")
        document = json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise InputError(where, "ground.no_such_file") from None
    except OSError as error:
        raise InputError(where, "ground.cannot_be_read", reason=error.strerror) from None
    except (ValueError, RecursionError):
        raise InputError(where, "run.not_a_notebook") from None
    _check_shape(document, where)
    return dict(document)


def _check_shape(document: Any, where: str) -> None:
    if not isinstance(document, dict) or "nbformat" not in document:
        raise InputError(where, "run.not_a_notebook")
    if document["nbformat"] != 4:
        raise InputError(where, "run.notebook_format", format=document["nbformat"])
    cells, metadata = document.get("cells"), document.get("metadata")
    if not isinstance(cells, list) or not isinstance(metadata, dict):
        raise InputError(where, "run.malformed_notebook")
    kernel, language = (metadata.get(name) or {} for name in ("kernelspec", "language_info"))
    named = [kernel.get("language"), language.get("name")]
    foreign = [str(name) for name in named if name and str(name).lower() != "python"]
    if foreign:
        raise InputError(where, "run.other_language", language=foreign[0])
    for number, cell in enumerate(cells, start=1):
        good = (
            isinstance(cell, dict)
            and cell.get("cell_type") in {"code", "markdown", "raw"}
            and isinstance(cell.get("metadata"), dict)
            and isinstance(cell.get("source"), str | list)
        )
        if good and cell["cell_type"] == "code":
            good = isinstance(cell.get("outputs"), list)
        if not good:
            raise InputError(where, "run.malformed_cell", number=number)


def parameters_index(cells: Sequence[Mapping[str, Any]]) -> int | None:
    """Position of the cell tagged ``parameters``."""
    for index, cell in enumerate(cells):
        if cell["cell_type"] == "code" and TAG in (cell["metadata"].get("tags") or ()):
            return index
    return None


_ANNOTATED: dict[str, type | None] = {
    **{kind.__name__: kind for kind in (str, int, float, bool, list, dict)},
    "Any": None,
    "object": None,
}


def declared_parameters(document: Mapping[str, Any], *, where: str) -> dict[str, type | None]:
    """What the ``parameters`` cell assigns: name -> type of its default (None: any).

    Raises
    ------
    InputError
        If there is no such cell, or it is not Python.
    """
    cells = document["cells"]
    index = parameters_index(cells)
    if index is None:
        raise InputError(where, "run.no_parameters_cell")
    try:
        tree = ast.parse("".join(cells[index]["source"]))
    except (SyntaxError, ValueError) as error:
        cell = say("run.cell", number=index + 1)
        raise InputError(f"{where}: {cell}", "run.not_python", problem=error) from None
    found: dict[str, type | None] = {}
    for statement in tree.body:
        note, targets = "", list[ast.expr]()
        if isinstance(statement, ast.Assign):
            targets = statement.targets
        elif isinstance(statement, ast.AnnAssign):
            note, targets = ast.unparse(statement.annotation), [statement.target]
        try:
            default = ast.literal_eval(getattr(statement, "value", None) or "None")
        except (ValueError, TypeError):
            default = None
        kind = _ANNOTATED.get(note, None if default is None else type(default))
        found |= {target.id: kind for target in targets if isinstance(target, ast.Name)}
    return found


def check_parameters(
    document: Mapping[str, Any], given: Mapping[str, Any], *, where: str
) -> Collector:
    """All problems of parameters that are given to a notebook: unknown, or of another type.

    A whole number passes for a float, and None for anything; a tuple in the notebook takes a
    list.
    """
    found = Collector()
    if not given:
        return found
    declared: dict[str, type | None] = {}
    with found.catch():
        declared = declared_parameters(document, where=where)
    for name, value in given.items() if not found.problems else ():
        if name not in declared:
            hint = did_you_mean(name, declared)
            found.add(where, "run.unknown_parameter", hint, name=name)
            continue
        kind = declared[name]
        if not _fits(value, kind):
            assert kind is not None
            key = "run.parameter_must_be_text" if kind is str else "run.parameter_kind"
            found.add(
                where, key, name=name, is_=_spoken(type(value)), value=_short(value),
                needed=_spoken(kind),
            )  # fmt: skip
    return found


def _fits(value: Any, kind: type | None) -> bool:
    if kind is None or value is None:
        return True
    also: dict[type, Any] = {float: (int, float), tuple: list, set: list}
    is_flag = isinstance(value, bool)  # which Python takes for a whole number
    return isinstance(value, also.get(kind, kind)) and is_flag is (kind is bool)


def _spoken(kind: type) -> Text:
    known = {str: "text", int: "whole", float: "number", bool: "flag", list: "list", dict: "table"}
    return say(f"run.kind.{known[kind]}") if kind in known else Text.of(kind.__name__)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "..."
