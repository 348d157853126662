"""Whether two outputs of a cell say the same: floats within a tolerance, all else exactly."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any

from fiscalmodel.words import Text, say

#: Pictures are not compared, their tables are.
IMAGES = ("image/png", "image/jpeg", "image/svg+xml", "application/pdf")

_NUMBER = re.compile(
    r"(?<![\w.])[-+−]?(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d+|(?<=\d)\.?)(?:[eE][-+]?\d+)?(?![\w])"
)
#: Dates, versions, identifiers: a number with two points or more, or leading noughts.
_EXACT = re.compile(r"(?<![\w.,])(?:\d+(?:\.\d+){2,}|0\d+(?![\d.]*\.))(?!\w)|\d{4}\.\d{1,2}(?=月)")
#: Random names: those of elements and of figures.
_RANDOM = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|\b[0-9a-f]{32}\b")
#: Attributes that a reader meets; styles and identifiers are not.
_ATTRIBUTES = ("href", "src", "alt", "title", "value", "colspan", "rowspan")
_SPACE = re.compile(r"\s+")
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


@dataclass(frozen=True)
class Tolerance:
    """Floats a and b are the same if ``|a − b| ≤ max(rel·max(|a|, |b|), abs)``."""

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
            raise ValueError(str(say("run.tolerance_keys")))
        made = cls(**{name: float(value) for name, value in stated.items()})
        # A tolerance that lets everything pass would be the lax mode by another name.
        if not (0 <= made.rel <= 0.01 and 0 <= made.abs < math.inf):
            raise ValueError(str(say("run.tolerance_range")))
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
        said = say("run.other_outputs", before=_spoken(kinds_old), now=_spoken(kinds_new))
        return [str(said)]
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
        now = {"before": before.get("ename"), "now": after.get("ename")}
        return [] if same else [str(say("run.other_error", **now))]
    old, new = before.get("data", {}), after.get("data", {})
    media = sorted(m for m in {**old, **new} if is_compared(m))
    # A figure's own text/plain is its size in pixels, which hangs on the font version.
    if any(m in old for m in IMAGES) and _text(old.get("text/plain", "")).startswith("<Figure"):
        media = [m for m in media if m != "text/plain"]
    found: list[str] = []
    for kind in media:
        if kind not in old or kind not in new:
            key = "run.medium_appeared" if kind in new else "run.medium_gone"
            found.append(str(say(key, kind=kind)))
        elif kind == "text/html":
            found += text_differences(
                html_text(_text(old[kind])), html_text(_text(new[kind])), tolerance
            )
        else:
            found += text_differences(_text(old[kind]), _text(new[kind]), tolerance)
    return list(dict.fromkeys(found))


def text_differences(old: str, new: str, tolerance: Tolerance) -> list[str]:
    """Differences of two texts: floats within the tolerance, all else exactly but for spacing.

    Whole numbers, dates and identifiers differ if any digit does.

    >>> text_differences("94.62 亿元", "94.6200001 亿元", Tolerance())
    []
    >>> text_differences("94.62", "94.72", Tolerance())
    ['94.62 -> 94.72']
    """
    old, new = (_RANDOM.sub("", _ADDRESS.sub("", text)) for text in (old, new))
    if old == new:
        return []
    exact_old, exact_new = _EXACT.findall(old), _EXACT.findall(new)
    if exact_old != exact_new:
        pairs = zip(exact_old, exact_new, strict=False)
        return [f"{a} -> {b}" for a, b in pairs if a != b] or [_first_word_difference(old, new)]
    old, new = (_EXACT.sub(" @ ", text) for text in (old, new))
    numbers_old, numbers_new = _NUMBER.findall(old), _NUMBER.findall(new)
    if _words(old) != _words(new):
        return [_first_word_difference(old, new)]
    found = []
    for before, after in zip(numbers_old, numbers_new, strict=True):
        if before != after and not _same_number(before, after, tolerance):
            found.append(f"{before} -> {after}")
    return found


def _words(text: str) -> list[str]:
    # Dashes and rules of text tables grow with the width of numbers.
    plain = _NUMBER.sub(" # ", text)
    return _SPACE.sub(" ", re.sub(r"-{3,}", "---", plain)).strip().split(" ")


def _first_word_difference(before_text: str, after_text: str) -> str:
    old, new = _words(before_text), _words(after_text)
    for index, (before, after) in enumerate(zip(old, new, strict=False)):
        if before != after:
            around = " ".join(old[max(0, index - 3) : index])
            return str(say("run.other_text", before=before, now=after, around=around))
    key = "run.text_grew" if len(new) > len(old) else "run.text_shrank"
    return str(say(key, text=" ".join(new[len(old) :] or old[len(new) :])[:80]))


def _same_number(before: str, after: str, tolerance: Tolerance) -> bool:
    """Floats by value; a whole number is the same only to the last digit."""
    before, after = (text.replace(",", "").replace("−", "-") for text in (before, after))
    whole = [text.strip("+-.").isdigit() for text in (before, after)]
    if any(whole):
        return Decimal(before) == Decimal(after)  # "5." too
    return tolerance.same(float(before), float(after))


def is_compared(medium: str) -> bool:
    """Whether outputs of a medium are compared: text, scripts and data, but for widgets."""
    if "widget" in medium:
        return False
    return medium.startswith("text/") or medium.endswith(("json", "javascript"))


class _Text(HTMLParser):
    """Text of HTML, cells apart, with scripts and the attributes that a reader meets."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self._hidden += tag == "style"
        shown = [f" {name}={value}" for name, value in attrs if name in _ATTRIBUTES and value]
        self.parts += [text for text in shown if "=data:" not in text]
        if tag in ("td", "th", "tr", "p", "div", "br", "li"):
            self.parts.append(" | " if tag in ("td", "th") else "\n")

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag == "style"

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


def _spoken(kinds: list[str]) -> Text:
    return Text.of(", ".join(kinds)) if kinds else say("run.none")


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "".join(map(str, value))
    import json

    return json.dumps(value, sort_keys=True, ensure_ascii=False)
