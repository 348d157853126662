"""YAML that is data and nothing else, with the place of every key.

One document, without aliases, anchors or tags. Only ``true`` and ``false`` are
booleans, a number with a leading zero stays text (a region code such as
``010101``), ``2028-12-31`` is a date, and keys are always text. Raises nothing:
what is wrong comes back as a list, since the words of all messages are read
with this module too.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import yaml

#: Path of a key: names of mapping keys, numbers of list items.
KeyPath = tuple[str | int, ...]

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


#: A key, or what begins a mapping or list, with punctuation of Chinese text.
_FULL_WIDTH = re.compile(r"^\s*(?:- )?[\w.-]+(：)|^\s*[\w.-]+:\s*([｛［【])")


class Position(NamedTuple):
    """Place in a file, both counted from 1."""

    line: int
    column: int


Positions = Mapping[KeyPath, Position]


class Flaw(NamedTuple):
    """One thing wrong with a YAML text: where, at which key, and its sentence with its fields."""

    position: Position | None
    path: KeyPath
    key: str
    values: Mapping[str, object]


def _full_width(text: str, until: int) -> Position | None:
    """Where full-width punctuation stands in place of YAML's, at or above a line."""
    for number, line in reversed(list(enumerate(text.splitlines()[: until + 1], 1))):
        if found := _FULL_WIDTH.search(line):
            return Position(number, max(found.start(1), found.start(2)) + 1)
    return None


class _TooMany(Exception):
    """Enough problems were found to stop."""


def parse(text: str) -> tuple[Any, Positions, list[Flaw]]:
    """Content, position of every key and list item by its path, and what is wrong.

    Content is dict, list, str, int, float, bool, `datetime.date` and None.

    >>> data, positions, flaws = parse("region: 010101\\nopen: no\\n")
    >>> data, positions["open",], flaws
    ({'region': '010101', 'open': 'no'}, Position(line=2, column=1), [])
    """
    builder = _Builder()
    data: Any = None
    try:
        data = builder.build(text)
    except yaml.YAMLError as error:
        builder.add_syntax_error(error, text)
    except UnicodeError:
        builder.flaws.append(Flaw(None, (), "ground.yaml_not_text", {}))
    except _TooMany:
        pass
    return (None if builder.flaws else data), builder.positions, builder.flaws


def dotted(path: KeyPath) -> str:
    """A key path as text.

    >>> dotted(("values", 0, "from"))
    'values[0].from'
    """
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def _position(event: Any) -> Position:
    return Position(event.start_mark.line + 1, event.start_mark.column + 1)


class _Builder:
    """Turns parser events into data, and remembers where each key stood."""

    def __init__(self) -> None:
        self.flaws: list[Flaw] = []
        self.positions: dict[KeyPath, Position] = {}

    def build(self, text: str) -> Any:
        events = iter(yaml.parse(text, Loader=_PARSER))
        data: Any = None
        documents = 0
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self.add(event, (), "second_document")
                    break
                data = self.node(next(events), events, ())
        if not documents or (data is None and not self.flaws):
            self.flaws.append(Flaw(None, (), "ground.yaml_empty", {}))
        return data

    def add(self, event: Any, path: KeyPath, key: str, **values: object) -> None:
        self.flaws.append(Flaw(_position(event), path, f"ground.yaml_{key}", values))
        if len(self.flaws) >= MAX_PROBLEMS:
            raise _TooMany

    def add_syntax_error(self, error: yaml.YAMLError, text: str) -> None:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        place = Position(mark.line + 1, mark.column + 1) if mark else None
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
        line = text.splitlines()[mark.line] if mark and mark.line < len(text.splitlines()) else ""
        key = "ground.yaml_syntax"
        if "\t" in line[: len(line) - len(line.lstrip())]:
            key = "ground.yaml_tabs"
        elif found := _full_width(text, mark.line if mark else 0):
            place, key = found, "ground.yaml_full_width"
        elif "mapping values are not allowed" in problem:
            key = "ground.yaml_indentation"
        self.flaws.append(Flaw(place, (), key, {"problem": problem}))

    def node(self, event: Any, events: Iterator[Any], path: KeyPath) -> Any:
        if path not in self.positions:
            self.positions[path] = _position(event)
        if isinstance(event, yaml.AliasEvent):
            self.add(event, path, "refused", what=f"*{event.anchor}")
            return None
        if event.anchor is not None:
            self.add(event, path, "refused", what=f"&{event.anchor}")
        if event.tag not in (None, "!"):
            self.add(event, path, "refused", what=event.tag)
        if len(path) > MAX_DEPTH:
            self.add(event, path[:3], "too_deep", most=MAX_DEPTH)
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
                self.add(key, path, "key_not_text")
                self.node(key, events, (*path, "?"))
                self.node(next(events), events, (*path, "?"))
                continue
            here = (*path, key.value)
            if key.anchor is not None or key.tag not in (None, "!"):
                self.add(key, here, "refused", what=key.tag or f"&{key.anchor}")
            if key.value in made:
                self.add(key, here, "key_twice", line=self.positions[here].line)
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
            self.add(event, path, "not_finite", text=text)
            return None
        if _DATE.match(text):
            try:
                return dt.date.fromisoformat(text)
            except ValueError:
                self.add(event, path, "no_such_date", text=text)
                return None
        return text

    def number(self, event: Any, kind: type, path: KeyPath) -> Any:
        text = event.value
        # Python refuses integers of thousands of digits, and 1e999 is infinite.
        if len(text) > 40 or float(text) in (float("inf"), float("-inf")):
            self.add(event, path, "too_large", text=f"{text[:20]}…")
            return None
        return kind(text)
