"""YAML that is data and nothing else, with the place of every key.

Files are UTF-8, at most 1 MiB, one document, without aliases, anchors or
tags. Only ``true`` and ``false`` are booleans, a number with a leading zero
stays text (a region code such as ``010101``), ``2028-12-31`` is a date, and
keys are always text. Every problem of a file is reported at once as
``file:line:column: key: problem``.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from fiscalmodel.errors import Collector, InputError

#: Path of a key: names of mapping keys, numbers of list items.
KeyPath = tuple[str | int, ...]

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 40
MAX_PROBLEMS = 50

# The parser written in C where the platform has it; the events are the same.
_PARSER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_NULL = {"", "~", "null", "Null", "NULL"}
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INT = re.compile(r"[-+]?(?:0|[1-9][0-9]*)\Z")
_FLOAT = re.compile(r"[-+]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?\Z")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF|nan|NaN|NAN)\Z")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")


class Position(NamedTuple):
    """Place in a file, both counted from 1."""

    line: int
    column: int


Positions = Mapping[KeyPath, Position]


class _TooMany(Exception):
    """Enough problems were found to stop."""


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
        raise InputError(str(path), "file not found", "check the path and the name") from None
    except IsADirectoryError:
        raise InputError(str(path), "is a folder, not a file", "name a .yaml file") from None
    except OSError as error:
        raise InputError(str(path), f"cannot be read ({error.strerror})") from None
    if len(raw) > max_bytes:
        raise InputError(
            str(path), f"is larger than {max_bytes:,} bytes", "parameters are small; split the file"
        )
    return parse_yaml(_decode(raw, str(path)), name=str(path))


def parse_yaml(text: str, *, name: str = "<text>") -> tuple[Any, Positions]:
    """Parse YAML text; see `load_yaml`.

    >>> data, positions = parse_yaml("region: 010101\\nopen: no\\n")
    >>> data, positions["open",]
    ({'region': '010101', 'open': 'no'}, Position(line=2, column=1))
    """
    builder = _Builder(name)
    try:
        data = builder.build(text)
    except yaml.YAMLError as error:
        builder.add_syntax_error(error, text)
        data = None
    except UnicodeError:
        builder.found.add(name, "is not text", "save the file with the encoding UTF-8")
        data = None
    except _TooMany:
        data = None
    builder.found.raise_if_any()
    return data, builder.positions


def place(name: str, positions: Positions, path: KeyPath) -> str:
    """``name:line:column`` of a key, or of the nearest key above it."""
    for end in range(len(path), -1, -1):
        if path[:end] in positions:
            line, column = positions[path[:end]]
            return f"{name}:{line}:{column}"
    return name


def dotted(path: KeyPath) -> str:
    """A key path as text.

    >>> dotted(("values", 0, "from"))
    'values[0].from'
    """
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def _decode(raw: bytes, name: str) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start]
        line = before.count(b"\n") + 1
        column = len(before.rsplit(b"\n", 1)[-1].decode("utf-8", "replace")) + 1
        raise InputError(
            f"{name}:{line}:{column}", "is not UTF-8 text", "save the file with the encoding UTF-8"
        ) from None


def _position(event: Any) -> Position:
    return Position(event.start_mark.line + 1, event.start_mark.column + 1)


class _Builder:
    """Turns parser events into data, and remembers where each key stood."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.found = Collector()
        self.positions: dict[KeyPath, Position] = {}

    def build(self, text: str) -> Any:
        events = iter(yaml.parse(text, Loader=_PARSER))
        data: Any = None
        documents = 0
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self.add(event, (), "a second document starts here", "one document per file")
                    break
                data = self.node(next(events), events, ())
        if not documents or (data is None and not self.found.problems):
            self.found.add(self.name, "the file is empty", "write at least one key")
        return data

    def add(self, event: Any, path: KeyPath, problem: str, hint: str = "") -> None:
        line, column = _position(event)
        key = f"{dotted(path)}: " if path else ""
        self.found.add(f"{self.name}:{line}:{column}", key + problem, hint)
        if len(self.found.problems) >= MAX_PROBLEMS:
            raise _TooMany

    def add_syntax_error(self, error: yaml.YAMLError, text: str) -> None:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        where = f"{self.name}:{mark.line + 1}:{mark.column + 1}" if mark else self.name
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
        line = text.splitlines()[mark.line] if mark and mark.line < len(text.splitlines()) else ""
        indent = line[: len(line) - len(line.lstrip())]
        hint = "indent with spaces, never with tabs" if "\t" in indent else ""
        if not hint and "mapping values are not allowed" in problem:
            hint = "check the indentation, and quote texts that contain ': '"
        self.found.add(where, f"not valid YAML: {problem}", hint)

    def node(self, event: Any, events: Iterator[Any], path: KeyPath) -> Any:
        if path not in self.positions:
            self.positions[path] = _position(event)
        if isinstance(event, yaml.AliasEvent):
            self.add(event, path, f"alias *{event.anchor} is refused", "write the value out")
            return None
        if event.anchor is not None:
            self.add(event, path, f"anchor &{event.anchor} is refused", "write the value out")
        if event.tag not in (None, "!"):
            self.add(event, path, f"tag {event.tag} is refused", "write plain values")
        if len(path) > MAX_DEPTH:
            self.add(event, path[:3], f"nested deeper than {MAX_DEPTH} levels", "make it flatter")
            raise _TooMany
        if isinstance(event, yaml.MappingStartEvent):
            return self.mapping(events, path)
        if isinstance(event, yaml.SequenceStartEvent):
            items: list[Any] = []
            while not isinstance(item := next(events), yaml.SequenceEndEvent):
                items.append(self.node(item, events, (*path, len(items))))
            return items
        return self.scalar(event, path)

    def mapping(self, events: Iterator[Any], path: KeyPath) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for key in events:
            if isinstance(key, yaml.MappingEndEvent):
                break
            if not isinstance(key, yaml.ScalarEvent):
                self.add(key, path, "a key must be plain text", "quote it or rename it")
                self.node(key, events, (*path, "?"))
                self.node(next(events), events, (*path, "?"))
                continue
            here = (*path, key.value)
            if key.anchor is not None or key.tag not in (None, "!"):
                self.add(key, here, "anchors and tags are refused", "write plain keys")
            if key.value in made:
                first = self.positions[here]
                self.add(key, here, "the key stands twice", f"first on line {first.line}")
                self.node(next(events), events, here)
                continue
            self.positions[here] = _position(key)
            made[key.value] = self.node(next(events), events, here)
        return made

    def scalar(self, event: Any, path: KeyPath) -> Any:
        text: str = event.value
        if event.style not in (None, ""):  # quoted or block text
            return text
        if text in _NULL:
            return None
        if text in _BOOL:
            return _BOOL[text]
        if _INT.match(text):
            return self.number(event, int, path)
        if _FLOAT.match(text):
            return self.number(event, float, path)
        if _NOT_FINITE.match(text):
            self.add(event, path, f"{text} is not a number to calculate with", "write a number")
            return None
        if _DATE.match(text):
            try:
                return dt.date.fromisoformat(text)
            except ValueError:
                self.add(event, path, f"there is no date {text}", "year-month-day, as 2028-12-31")
                return None
        return text

    def number(self, event: Any, kind: type, path: KeyPath) -> Any:
        text = event.value
        # Python refuses integers of thousands of digits, and 1e999 is infinite.
        if len(text) > 40 or float(text) in (float("inf"), float("-inf")):
            self.add(event, path, f"the number {text[:20]}… is too large", "check the digits")
            return None
        return kind(text)
