"""YAML files read with every problem at once, each as ``file:line:column: key: problem``.

Files are UTF-8 and at most 1 MiB; what YAML may hold stands in `fiscalmodel.plainyaml`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fiscalmodel.errors import InputError, Problem
from fiscalmodel.plainyaml import Flaw, KeyPath, Position, Positions, dotted, parse
from fiscalmodel.words import Text, hint, say

__all__ = ["KeyPath", "Position", "Positions", "dotted", "load_yaml", "parse_yaml", "place"]

MAX_BYTES = 1024 * 1024


def load_yaml(path: str | Path, *, max_bytes: int = MAX_BYTES) -> tuple[Any, Positions]:
    """Read a YAML file.

    Parameters
    ----------
    path
        The file.
    max_bytes
        Larger files are refused before they are read.

    Returns
    -------
    data, positions
        The content as dict, list, str, int, float, bool, `datetime.date` and
        None; and the `Position` of every key and list item by its key path
        (``()`` is the start of the document).

    Raises
    ------
    InputError
        With every problem of the file, each as ``name:line:column``.
    """
    file = Path(path)
    try:
        with file.open("rb") as stream:
            raw = stream.read(max_bytes + 1)
    except FileNotFoundError:
        raise InputError(str(path), "ground.no_such_file") from None
    except IsADirectoryError:
        raise InputError(str(path), "ground.is_a_folder") from None
    except OSError as error:
        raise InputError(str(path), "ground.cannot_be_read", reason=error.strerror) from None
    if len(raw) > max_bytes:
        raise InputError(str(path), "ground.yaml_too_long", most=max_bytes)
    return parse_yaml(_decode(raw, str(path)), name=str(path))


def parse_yaml(text: str, *, name: str = "<text>") -> tuple[Any, Positions]:
    """Parse YAML text; see `load_yaml`.

    >>> data, positions = parse_yaml("region: 010101\\nopen: no\\n")
    >>> data, positions["open",]
    ({'region': '010101', 'open': 'no'}, Position(line=2, column=1))
    """
    data, positions, flaws = parse(text)
    if flaws:
        raise InputError.of(_problem(name, flaw) for flaw in flaws)
    return data, positions


def _problem(name: str, flaw: Flaw) -> Problem:
    where = f"{name}:{flaw.position.line}:{flaw.position.column}" if flaw.position else name
    said = say(flaw.key, **flaw.values)
    if flaw.path:
        said = Text(f"{dotted(flaw.path)}：{said.zh}", f"{dotted(flaw.path)}: {said.en}")
    return Problem(where, said, hint(flaw.key, **flaw.values))


def place(name: str, positions: Positions, path: KeyPath) -> str:
    """``name:line:column`` of a key, or of the nearest key above it."""
    for end in range(len(path), -1, -1):
        if path[:end] in positions:
            line, column = positions[path[:end]]
            return f"{name}:{line}:{column}"
    return name


def _decode(raw: bytes, name: str) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start]
        line = before.count(b"\n") + 1
        column = len(before.rsplit(b"\n", 1)[-1].decode("utf-8", "replace")) + 1
        raise InputError(f"{name}:{line}:{column}", "ground.yaml_not_utf8") from None
