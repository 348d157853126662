"""Where the project's folders are, from any working directory.

The project is the nearest folder upward from the given place, the working
directory or this package that holds both ``params/`` and ``data/``; the
environment variable ``FISCALMODEL_PROJECT`` overrides the search.
"""

from __future__ import annotations

import contextlib
import os
import unicodedata
import uuid
from pathlib import Path

from fiscalmodel.errors import InputError
from fiscalmodel.folders import project_folder, search_places


def project_root(start: str | Path | None = None) -> Path:
    """The project's folder (absolute, links resolved).

    Raises
    ------
    InputError
        If no folder with ``params/`` and ``data/`` is found.
    """
    folder = project_folder(start)
    if folder is None:
        raise InputError(search_places(start)[0], "ground.no_project")
    return folder


def here_or_project(path: str | Path) -> Path:
    """`path` from the working directory if something is there, else from the project's folder."""
    file = Path(path)
    folder = None if file.is_absolute() or file.exists() else project_folder()
    return folder / file if folder and (folder / file).exists() else file


def inside(folder: Path, path: str | Path, *, where: str = "path") -> Path:
    """`path` resolved against `folder`, refused if it leaves it.

    Raises
    ------
    InputError
        If the result (links followed) is not below `folder`.
    """
    base = folder.resolve()
    target = (base / path).resolve()
    if target != base and base not in target.parents:
        raise InputError(where, "ground.leaves_folder", path=path, folder=base.name)
    return target


def write_whole(target: Path, content: bytes) -> None:
    """Write a file that is whole or absent, also after a crash.

    Raises
    ------
    InputError
        If the folder cannot be written.
    """
    temporary = target.with_name(f".{target.name[:80]}.{uuid.uuid4().hex[:8]}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(target)
    except BaseException as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        if isinstance(error, OSError):
            raise InputError(str(target), "run.cannot_be_written", reason=error.strerror) from None
        raise


def safe_name(name: str, *, where: str = "name") -> str:
    """A name usable as one file name on every system, in NFC.

    Raises
    ------
    InputError
        For an empty name, a separator, ``..``, a leading dot, a control or
        reserved character, or more than 100 characters.
    """
    text = unicodedata.normalize("NFC", str(name))
    bad = set('/\\:*?"<>|')
    if (
        not text.strip()
        or text != text.strip()
        or text.startswith(".")
        or text.endswith(".")
        or ".." in text
        or any(c in bad or unicodedata.category(c)[0] == "C" for c in text)
        or len(text) > 100
        or text.split(".")[0].upper() in _RESERVED
    ):
        raise InputError(where, "ground.bad_name", name=name)
    return text


_RESERVED = {"CON", "PRN", "AUX", "NUL", *(f"{p}{i}" for p in ("COM", "LPT") for i in range(1, 10))}
