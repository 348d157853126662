"""Hashes of what a result depends on: notebook, parameters, data, package, environment, kernel."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

_SHORT = 20


def digest(content: bytes) -> str:
    """A short SHA-256."""
    return hashlib.sha256(content).hexdigest()[:_SHORT]


def digest_json(value: Any) -> str:
    """Hash of a value; equal values have equal hashes, `nan` and text ``"nan"`` differ."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, default=repr)
    return digest(text.encode())


def notebook_stamp(document: Mapping[str, Any]) -> str:
    """Hash of what a notebook does: its cells and metadata, without outputs and counts."""
    return digest_json(without_outputs(document))


def without_outputs(document: Mapping[str, Any]) -> dict[str, Any]:
    """A notebook as if it had never run."""
    cells = []
    for cell in document["cells"]:
        metadata = {
            k: v for k, v in cell["metadata"].items() if k not in ("papermill", "execution")
        }
        clean = {**cell, "metadata": metadata}
        if cell["cell_type"] == "code":
            clean |= {"outputs": [], "execution_count": None}
        cells.append(clean)
    metadata = {k: v for k, v in document["metadata"].items() if k != "papermill"}
    return {**document, "cells": cells, "metadata": metadata}


def files_stamp(root: Path, folders: Iterable[str], *, without: Iterable[str] = ()) -> str:
    """Hash of the content of every file below folders of the project.

    Editors' and systems' hidden files do not count.
    """
    skipped = {str(root / name) for name in without}
    total = hashlib.sha256()
    for folder in folders:
        for path in _files(str(root / folder), skipped):
            with open(path, "rb") as stream:
                content = hashlib.file_digest(stream, "sha256").digest()
            total.update(os.path.relpath(path, root).encode() + b"\0" + content)
    return total.hexdigest()[:_SHORT]


def _files(folder: str, skipped: set[str]) -> list[str]:
    found: list[str] = []
    for place, names, files in os.walk(folder):
        names[:] = sorted(
            n for n in names if not n.startswith((".", "__")) and f"{place}/{n}" not in skipped
        )
        found += [f"{place}/{name}" for name in files if not name.startswith((".", "~$"))]
    return sorted(found)


def package_stamp() -> str:
    """Hash of this package's code and templates."""
    root = Path(__file__).resolve().parent.parent
    total = hashlib.sha256()
    for path in _files(str(root), set()):
        if not path.endswith((".pyc", ".pyo")):
            content = Path(path).read_bytes()
            total.update(os.path.relpath(path, root).encode() + b"\0" + digest(content).encode())
    return total.hexdigest()[:_SHORT]


def environment_stamp() -> str:
    """Hash of the interpreter and of the names and versions of installed packages."""
    names: set[str] = set()
    for entry in sys.path:
        if os.path.isdir(entry):
            names |= {n for n in os.listdir(entry) if n.endswith((".dist-info", ".egg-info"))}
    return digest_json([sys.version, platform.machine(), sys.platform, sorted(names)])


def scenario_content(path: Path) -> Any:
    """What a scenario says after ``extends``, and the content of data files that it names.

    A comment in the file is not a change.
    """
    from fiscalmodel.scenario.load import load_scenario

    scenario = load_scenario(path)
    files = {name: digest(file.read_bytes()) for name, file in scenario.files.items()}
    return {"spec": scenario.spec.model_dump(mode="json"), "files": files, "id": scenario.id}
