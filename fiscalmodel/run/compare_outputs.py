"""Whether two outputs of a cell say the same: numbers within a tolerance, text exactly."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any

#: Media that are compared; pictures are not, their tables are.
COMPARED = ("text/html", "text/plain", "text/markdown", "text/latex", "application/json")
IMAGES = ("image/png", "image/jpeg", "image/svg+xml", "application/pdf")

_NUMBER = re.compile(
    r"(?<![\w.])[-+−]?(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d+|(?<=\d)\.?)(?:[eE][-+]?\d+)?(?![\w])"
)
_SPACE = re.compile(r"\s+")
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


@dataclass(frozen=True)
class Tolerance:
    """Numbers a and b are the same if ``|a − b| ≤ max(rel·max(|a|, |b|), abs)``."""

    rel: float = 1e-6
    abs: float = 0.0

    def same(self, a: float, b: float) -> bool:
        """Whether two numbers count as equal."""
        return math.isclose(a, b, rel_tol=self.rel, abs_tol=self.abs)

    @classmethod
    def of(cls, metadata: Mapping[str, Any]) -> Tolerance:
        """The tolerance that a notebook states in ``metadata.fiscalmodel.tolerance``.

        Raises
        ------
        ValueError
            If it is not a mapping of ``rel`` and ``abs`` to numbers from 0 to 0.01 and from 0.
        """
        stated = (metadata.get("fiscalmodel") or {}).get("tolerance", {})
        if not isinstance(stated, Mapping) or not set(stated) <= {"rel", "abs"}:
            raise ValueError("metadata.fiscalmodel.tolerance takes rel and abs")
        made = cls(**{name: float(value) for name, value in stated.items()})
        # A tolerance that lets everything pass would be the lax mode by another name.
        if not (0 <= made.rel <= 0.01 and 0 <= made.abs < math.inf):
            raise ValueError("metadata.fiscalmodel.tolerance: rel must lie between 0 and 0.01")
        return made


def differences(
    stored: Sequence[Mapping[str, Any]],
    fresh: Sequence[Mapping[str, Any]],
    tolerance: Tolerance,
) -> list[str]:
    """What differs between the outputs of a cell, in words; empty if nothing does."""
    old, new = _merged(stored), _merged(fresh)
    kinds_old, kinds_new = [_kind(o) for o in old], [_kind(o) for o in new]
    if kinds_old != kinds_new:
        return [f"outputs were {_spoken(kinds_old)}, and are {_spoken(kinds_new)}"]
    found: list[str] = []
    for before, after in zip(old, new, strict=True):
        found += _output_differences(before, after, tolerance)
    return found


def _output_differences(
    before: Mapping[str, Any], after: Mapping[str, Any], tolerance: Tolerance
) -> list[str]:
    if before["output_type"] == "stream":
        return text_differences(_text(before["text"]), _text(after["text"]), tolerance)
    if before["output_type"] == "error":
        same = (before.get("ename"), before.get("evalue")) == (
            after.get("ename"),
            after.get("evalue"),
        )
        return [] if same else [f"error was {before.get('ename')}, is {after.get('ename')}"]
    old, new = before.get("data", {}), after.get("data", {})
    media = [m for m in COMPARED if m in old or m in new]
    # A figure's own text/plain is its size in pixels, which hangs on the font version.
    if any(m in old for m in IMAGES) and _text(old.get("text/plain", "")).startswith("<Figure"):
        media = [m for m in media if m != "text/plain"]
    found: list[str] = []
    for kind in media:
        if kind not in old or kind not in new:
            found.append(f"{kind} {'appeared' if kind in new else 'is gone'}")
        elif kind == "text/html":
            found += text_differences(
                html_text(_text(old[kind])), html_text(_text(new[kind])), tolerance
            )
        else:
            found += text_differences(_text(old[kind]), _text(new[kind]), tolerance)
    return list(dict.fromkeys(found))


def text_differences(old: str, new: str, tolerance: Tolerance) -> list[str]:
    """Differences of two texts: numbers by value, everything else exactly but for spacing.

    >>> text_differences("94.62 亿元", "94.6200001 亿元", Tolerance())
    []
    >>> text_differences("94.62", "94.72", Tolerance())
    ['94.62 -> 94.72']
    """
    old, new = _ADDRESS.sub("", old), _ADDRESS.sub("", new)
    if old == new:
        return []
    numbers_old, numbers_new = _NUMBER.findall(old), _NUMBER.findall(new)
    words_old, words_new = _words(old), _words(new)
    if words_old != words_new:
        return [_first_word_difference(words_old, words_new)]
    found = []
    for before, after in zip(numbers_old, numbers_new, strict=True):
        if before != after and not tolerance.same(_value(before), _value(after)):
            found.append(f"{before} -> {after}")
    return found


def _words(text: str) -> list[str]:
    # Dashes and rules of text tables grow with the width of numbers.
    plain = _NUMBER.sub(" # ", text)
    return _SPACE.sub(" ", re.sub(r"-{3,}", "---", plain)).strip().split(" ")


def _first_word_difference(old: list[str], new: list[str]) -> str:
    for index, (before, after) in enumerate(zip(old, new, strict=False)):
        if before != after:
            around = " ".join(old[max(0, index - 3) : index])
            return f"text was {before!r}, is {after!r} (after {around!r})"
    more = new[len(old) :] or old[len(new) :]
    return f"text {'grew' if len(new) > len(old) else 'shrank'} by {' '.join(more)[:80]!r}"


def _value(text: str) -> float:
    return float(text.replace(",", "").replace("−", "-"))


class _Text(HTMLParser):
    """Visible text of HTML, cells apart; styles and identifiers left out."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self._hidden += tag in ("style", "script")
        if tag in ("td", "th", "tr", "p", "div", "br", "li"):
            self.parts.append(" | " if tag in ("td", "th") else "\n")

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in ("style", "script")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.parts.append(data)


def html_text(source: str) -> str:
    """Text of an HTML output.

    >>> html_text("<style>td {}</style><td>1</td><td>2</td>")
    ' | 1 | 2'
    """
    parser = _Text()
    parser.feed(source)
    parser.close()
    return "".join(parser.parts)


def _merged(outputs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Outputs with the pieces of each stream put together."""
    made: list[dict[str, Any]] = []
    streams: dict[str, dict[str, Any]] = {}
    for output in outputs:
        if output["output_type"] != "stream":
            made.append(dict(output))
            continue
        name = output["name"]
        if name in streams:
            streams[name]["text"] += _text(output["text"])
        else:
            streams[name] = {**output, "text": _text(output["text"])}
            made.append(streams[name])
    return made


def _kind(output: Mapping[str, Any]) -> str:
    if output["output_type"] == "stream":
        return str(output["name"])
    if output["output_type"] == "error":
        return "error"
    data = output.get("data", {})
    picture = any(m in data for m in IMAGES)
    return "picture" if picture else "table" if "text/html" in data else "text"


def _spoken(kinds: list[str]) -> str:
    return ", ".join(kinds) if kinds else "none"


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "".join(map(str, value))
    import json

    return json.dumps(value, sort_keys=True, ensure_ascii=False)
