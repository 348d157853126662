"""Where the project and the parameters that the package brings along lie; raises nothing."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

#: `params/` as shipped in the wheel, else the one of the checkout that this file stands in.
_PACKAGED = Path(__file__).parent / "_params"
SHIPPED = _PACKAGED if _PACKAGED.is_dir() else Path(__file__).resolve().parents[1] / "params"


def project_folder(start: str | Path | None = None) -> Path | None:
    """The nearest folder upward that holds ``params/`` and ``data/``, or None.

    Looked for from `start`, the working directory, then this package; the
    environment variable ``FISCALMODEL_PROJECT`` overrides the search.
    """
    for place in search_places(start):
        here = place.resolve()
        for folder in (here, *here.parents):
            if (folder / "params").is_dir() and (folder / "data").is_dir():
                return folder
    return None


def search_places(start: str | Path | None = None) -> list[Path]:
    """Where the search for the project begins, in order."""
    named = os.environ.get("FISCALMODEL_PROJECT")
    if named:
        return [Path(named)]
    return [*([Path(start)] if start else []), Path.cwd(), Path(__file__)]


def parameter_files(name: str) -> list[Path]:
    """The shipped file (or folder) of a name below ``params/``, then the project's own.

    What stands in the project's overrides what is shipped, entry by entry.
    """
    project = project_folder()
    folders = [SHIPPED, *([project / "params"] if project else [])]
    files = [folder / name for folder in folders]
    return [file for file in dict.fromkeys(map(Path.resolve, files)) if file.exists()]


def settled_files(name: str) -> tuple[Path, ...]:
    """`parameter_files`, looked for once for each place: a table asks for words at every cell."""
    return _seen_from(os.getcwd(), os.environ.get("FISCALMODEL_PROJECT", ""), name)


@cache
def _seen_from(folder: str, project: str, name: str) -> tuple[Path, ...]:
    return tuple(parameter_files(name))
