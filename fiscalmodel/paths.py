"""Where the project's folders are, from any working directory.

The project is the nearest folder upward from the given place, the working
directory or this package that holds both ``params/`` and ``data/``; the
environment variable ``FISCALMODEL_PROJECT`` overrides the search.
"""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

from fiscalmodel.errors import InputError


def project_root(start: str | Path | None = None) -> Path:
    """The project's folder (absolute, links resolved).

    Raises
    ------
    InputError
        If no folder with ``params/`` and ``data/`` is found.
    """
    named = os.environ.get("FISCALMODEL_PROJECT")
    nearby = [Path(start)] if start else []
    places = [Path(named)] if named else [*nearby, Path.cwd(), Path(__file__)]
    for place in places:
        here = place.resolve()
        for folder in (here, *here.parents):
            if (folder / "params").is_dir() and (folder / "data").is_dir():
                return folder
    raise InputError(
        str(places[0]),
        "no fiscalmodel project found here or above",
        "run inside the project's folder, or set FISCALMODEL_PROJECT to it",
    )


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
        problem = f"{str(path)!r} leaves the folder {base.name}/"
        raise InputError(where, problem, "use a path inside it")
    return target


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
        raise InputError(
            where,
            f"{name!r} cannot be used as a name",
            "letters, digits, Chinese characters, '_', '-' and inner dots only, at most 100",
        )
    return text


_RESERVED = {"CON", "PRN", "AUX", "NUL", *(f"{p}{i}" for p in ("COM", "LPT") for i in range(1, 10))}
