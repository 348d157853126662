"""Re-execute the project's notebooks and show which numbers change before anything is written."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from fiscalmodel.check_notebooks.compare import Tolerance, differences
from fiscalmodel.errors import InputError
from fiscalmodel.kernels.parent import private_parent
from fiscalmodel.paths import project_root, write_whole
from fiscalmodel.run.execute import run_job
from fiscalmodel.run.job import Job, Limits, Result
from fiscalmodel.run.parameters import read_notebook
from fiscalmodel.run.stamp import without_outputs
from fiscalmodel.words import say as words

TIMEOUT = 300.0


def refresh(
    paths: Iterable[str | Path] | None = None,
    *,
    write: bool = True,
    confirm: Callable[[Result], bool] = lambda result: True,
    say: Callable[[str], None] = print,
    kernel: str = "warm",
) -> list[Result]:
    """Re-execute notebooks, show the differences, and write those that are confirmed.

    Parameters
    ----------
    paths
        Notebooks or folders; ``notebooks/`` of the project unless told.
    write
        Whether to write at all.
    confirm
        Asked before a notebook whose numbers changed is written.

    Returns
    -------
    list of Result
        One a notebook: ``notes`` are the differences, ``files`` names what was replaced.

    Raises
    ------
    InputError
        If a notebook cannot be read.
    """
    files = _files(paths)
    documents = [read_notebook(file) for file in files]
    with private_parent():
        return [
            _refresh_one(file, document, write, confirm, say, kernel)
            for file, document in zip(files, documents, strict=True)
        ]


def _refresh_one(
    file: Path,
    document: dict[str, Any],
    write: bool,
    confirm: Callable[[Result], bool],
    say: Callable[[str], None],
    kernel: str,
) -> Result:
    job = Job(file.name, file.name, without_outputs(document), cwd=file.parent, kernel=kernel)
    result = run_job(replace(job, limits=Limits(timeout=TIMEOUT)))
    if not result.ok:
        say(str(result))
        return result
    fresh = json.loads(result.text)
    result = replace(result.light(), notes=tuple(_differences(document, fresh)))
    count = len(result.notes)
    headline = words("run.differences", count=count) if count else words("run.the_same")
    say(f"{file.name}: {headline}")
    for line in result.notes:
        say(f"  {line}")
    if not write or (result.notes and not confirm(result)):
        return result
    text = json.dumps(_committed(document, fresh), ensure_ascii=False, indent=1) + "\n"
    if text.encode() == file.read_bytes():
        return result
    write_whole(file, text.encode("utf-8"))
    return replace(result, files={"notebook": str(file)})


def _differences(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    tolerance = Tolerance.of(old.get("metadata", {}))
    found = []
    pairs = zip(_code(old), _code(new), strict=True)
    for number, (before, after) in enumerate(pairs, start=1):
        for line in differences(before["outputs"], after["outputs"], tolerance):
            found.append(str(words("run.in_code_cell", number=number, text=line)))
    return found


def _committed(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """The old notebook with new outputs; nothing else of the run goes into the file."""
    cells, count = [], 0
    fresh = iter(_code(new))
    for cell in old["cells"]:
        if cell["cell_type"] != "code":
            cells.append(cell)
            continue
        ran = next(fresh)
        executed = bool("".join(cell["source"]).strip())
        count += executed
        outputs = [_numbered(output, count) for output in ran["outputs"]]
        cells.append({**cell, "execution_count": count if executed else None, "outputs": outputs})
    return {**old, "cells": cells}


def _numbered(output: dict[str, Any], count: int) -> dict[str, Any]:
    return {**output, "execution_count": count} if "execution_count" in output else output


def _code(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [cell for cell in document["cells"] if cell["cell_type"] == "code"]


def _files(paths: Iterable[str | Path] | None) -> Sequence[Path]:
    given = [Path(p) for p in paths] if paths else [project_root() / "notebooks"]
    files: list[Path] = []
    for path in given:
        inside = sorted(path.glob("*.ipynb")) if path.is_dir() else [path]
        if not inside:
            raise InputError(path, "run.no_notebooks_there")
        files += inside
    return [file.resolve() for file in files]
