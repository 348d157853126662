"""Re-execute the project's notebooks and show which numbers change before anything is written."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fiscalmodel.errors import InputError
from fiscalmodel.paths import project_root
from fiscalmodel.run.compare_outputs import Tolerance, differences
from fiscalmodel.run.execute import run_document, write_whole
from fiscalmodel.run.limits import Limits
from fiscalmodel.run.parameters import read_notebook

TIMEOUT = 300.0


@dataclass(frozen=True)
class RefreshReport:
    """What re-executing one notebook showed.

    Attributes
    ----------
    path
        The notebook.
    differences
        What changed, each with its code cell.
    error
        Cell and reason if it did not run to its end; nothing was written then.
    written
        Whether the file was replaced.
    """

    path: Path
    differences: tuple[str, ...] = ()
    error: str = ""
    written: bool = False


def refresh(
    paths: Iterable[str | Path] | None = None,
    *,
    write: bool = True,
    confirm: Callable[[RefreshReport], bool] = lambda report: True,
    say: Callable[[str], None] = print,
    kernel: str = "warm",
) -> list[RefreshReport]:
    """Re-execute notebooks, show the differences, and write those that are confirmed.

    Parameters
    ----------
    paths
        Notebooks or folders; ``notebooks/`` of the project unless told.
    write
        Whether to write at all.
    confirm
        Asked before a notebook whose numbers changed is written.

    Raises
    ------
    InputError
        If a notebook cannot be read; with all of them.
    """
    from fiscalmodel.run.parent import private_parent

    files = _files(paths)
    documents = [read_notebook(file) for file in files]
    made: list[RefreshReport] = []
    with private_parent():
        for file, document in zip(files, documents, strict=True):
            made.append(_refresh_one(file, document, write, confirm, say, kernel))
    return made


def _refresh_one(
    file: Path,
    document: dict[str, Any],
    write: bool,
    confirm: Callable[[RefreshReport], bool],
    say: Callable[[str], None],
    kernel: str,
) -> RefreshReport:
    result = run_document(
        _without_marks(document),
        {},
        name=file.name,
        limits=Limits(timeout=TIMEOUT),
        kernel=kernel,
        cwd=file.parent,
    )
    if not result.ok:
        say(f"{file.name}: cell {result.cell} ({result.source}): {result.reason}")
        return RefreshReport(file, error=result.reason)
    fresh = json.loads(result.text)
    report = RefreshReport(file, tuple(_differences(document, fresh)))
    say(f"{file.name}: {_headline(report)}")
    for line in report.differences:
        say(f"  {line}")
    if not write or (report.differences and not confirm(report)):
        return report
    text = json.dumps(_committed(document, fresh), ensure_ascii=False, indent=1) + "\n"
    if text.encode() != file.read_bytes():
        write_whole(file, text.encode("utf-8"))
        return RefreshReport(file, report.differences, written=True)
    return report


def _headline(report: RefreshReport) -> str:
    count = len(report.differences)
    return f"{count} difference{'s' if count > 1 else ''}" if count else "the same"


def _differences(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    tolerance = Tolerance.of(old.get("metadata", {}))
    found = []
    pairs = zip(_code(old), _code(new), strict=True)
    for number, (before, after) in enumerate(pairs, start=1):
        for line in differences(before["outputs"], after["outputs"], tolerance):
            found.append(f"code cell {number}: {line}")
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


def _without_marks(document: dict[str, Any]) -> dict[str, Any]:
    from fiscalmodel.run.stamps import without_outputs

    return without_outputs(document)


def _code(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [cell for cell in document["cells"] if cell["cell_type"] == "code"]


def _files(paths: Iterable[str | Path] | None) -> Sequence[Path]:
    given = [Path(p) for p in paths] if paths else [project_root() / "notebooks"]
    files: list[Path] = []
    for path in given:
        inside = sorted(path.glob("*.ipynb")) if path.is_dir() else [path]
        if not inside:
            raise InputError(str(path), "holds no notebook")
        files += inside
    return [file.resolve() for file in files]
