"""The hashes that decide whether a job's result is still true."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from fiscalmodel.errors import InputError
from fiscalmodel.kernels.stamp import (
    code_stamp,
    content_stamp,
    digest,
    digest_json,
    environment_stamp,
)
from fiscalmodel.run.job import Job

#: Folders of a project that results hang on; scenarios and plans count for those that use them.
_DATA = ("data", "params")
_OWN = ("scenarios", "plans")


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


def with_keys(jobs: Iterable[Job], root: Path, *, kernel: str) -> list[Job]:
    """Jobs, each with its hashes: what all share, its notebook, its parameters and their files."""
    shared = {
        "data": digest_json([content_stamp(root / name, without=_OWN) for name in _DATA]),
        "package": code_stamp(),
        "environment": environment_stamp(),
        "kernel": kernel,
    }
    notebooks: dict[int, str] = {}
    files: dict[str, str] = {}
    made = []
    for job in jobs:
        if id(job.document) not in notebooks:
            notebooks[id(job.document)] = digest_json(without_outputs(job.document))
        texts = [value for value in job.parameters.values() if isinstance(value, str)]
        named = {value: _content(value, root, files) for value in sorted(texts)}
        parameters = digest_json([dict(job.parameters), named, job.outputs])
        key = {**shared, "notebook": notebooks[id(job.document)], "parameters": parameters}
        made.append(replace(job, key=key, kernel=kernel))
    return made


def _content(value: str, root: Path, known: dict[str, str]) -> str:
    """Hash of the file that a text parameter names; empty if it names none."""
    if value not in known:
        known[value] = ""
        path = root / value
        try:
            is_file = bool(value) and len(value) < 500 and path.is_file()
        except (OSError, ValueError):
            is_file = False
        if is_file:
            known[value] = _file_stamp(path)
    return known[value]


def _file_stamp(path: Path) -> str:
    """Hash of a file; of a scenario what it says after ``extends`` and the files that it names.

    A comment in a scenario is not a change.
    """
    from fiscalmodel.scenario.load import load_scenario

    if path.suffix in (".yaml", ".yml"):
        try:
            scenario = load_scenario(path)
        except InputError:
            pass  # YAML of another kind
        else:
            files = {name: digest(file.read_bytes()) for name, file in scenario.files.items()}
            return digest_json([scenario.id, scenario.spec.model_dump(mode="json"), files])
    return digest(path.read_bytes())
