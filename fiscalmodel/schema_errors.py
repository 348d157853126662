"""What pydantic found, in an economist's words, with the place in the file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from fiscalmodel.errors import Problem, did_you_mean, known_names, problem
from fiscalmodel.words import EMPTY, Text, hint, is_key, say
from fiscalmodel.yamlio import KeyPath, Position, dotted

#: Key path -> file and place that it was read from; several files may make one content.
Origins = Mapping[KeyPath, tuple[str, Position]]

#: Complaint of pydantic -> sentence; those with a shape say what form a value should have had.
_SENTENCES = {
    "missing": "ground.key_missing",
    "float_type": "ground.must_be_number",
    "int_type": "ground.must_be_whole",
    "bool_type": "ground.must_be_flag",
    "string_type": "ground.must_be_text",
    "date_type": "ground.must_be_date",
    "dict_type": "ground.must_be_mapping",
    "model_type": "ground.must_be_mapping",
    "list_type": "ground.must_be_list",
    "string_too_short": "ground.too_short",
    "too_short": "ground.too_short",
    "string_pattern_mismatch": "ground.not_a_key_name",
}
_SHAPES = ("dict_type", "list_type", "model_type", "float_type")
#: Names that pydantic gives to the branches of a union.
_BRANCHES = ("bool", "int", "float", "str", "date", "dict", "list")
_BOUNDS = {"ge": "at_least", "le": "at_most", "gt": "more_than", "lt": "less_than"}


def explain(
    error: ValidationError, model: type[BaseModel], origins: Origins, file: str
) -> list[Problem]:
    """One problem for each thing wrong, in the order of the file.

    Parameters
    ----------
    error
        What ``model.model_validate`` raised. A validator may raise ``ValueError`` with a
        `Text`, or with the key of a sentence.
    model
        The model, to name the keys that are known where an unknown one stands.
    origins
        Where each key was read from.
    file
        Named where nothing nearer is known.
    """
    found: dict[tuple[KeyPath, str], Problem] = {}
    items = [(_key_path(e["loc"], origins), e) for e in error.errors(include_url=False)]
    # Where one of several forms fits and its value does not, the other forms say nothing new.
    told = {path for path, item in items if item["type"] not in _SHAPES}
    tried: dict[KeyPath, list[Text]] = {}
    for path, item in items:
        if item["type"] in _SENTENCES and item["type"].endswith("_type"):
            tried.setdefault(path, []).append(say(_SENTENCES[item["type"]]))
    for path, item in items:
        if item["type"] in _SHAPES and any(inner[: len(path)] == path for inner in told):
            continue
        said, advice = _said(item, path, model, tried.get(path, []))
        name, at = _nearest(origins, path, file)
        where = f"{name}:{at.line}:{at.column}" if at else name
        key = dotted(path)
        whole = Text(f"{key}：{said.zh}", f"{key}: {said.en}") if key else said
        found.setdefault((path, said.en), problem(where, whole, advice))
    return sorted(found.values(), key=lambda p: _order(p.where))


def _key_path(loc: tuple[int | str, ...], origins: Origins) -> KeyPath:
    """The key's path in the file: without the names of union branches and ``[key]``."""
    path: KeyPath = ()
    for i, part in enumerate(loc):
        last = i == len(loc) - 1
        for candidate in ((*path, part), (*path, str(part))):
            text = str(part)
            if candidate in origins or (last and text.isidentifier() and text not in _BRANCHES):
                path = candidate
                break
    return path


def _said(item: Any, path: KeyPath, model: type[BaseModel], forms: list[Text]) -> tuple[Text, Text]:
    kind, given, context = item["type"], item.get("input"), item.get("ctx", {})
    if kind == "extra_forbidden":
        known = _fields_at(model, path[:-1])
        if any(sign in str(path[-1]) for sign in "：，｛｝［］"):
            return say("ground.yaml_full_width"), hint("ground.yaml_full_width")
        return say("ground.unknown_key"), did_you_mean(str(path[-1]), known) or known_names(known)
    if kind == "literal_error":
        expected = str(context.get("expected", "")).replace("'", "").replace(" or ", ", ")
        options = expected.split(", ")
        return say("ground.not_allowed", text=str(given)), did_you_mean(
            str(given), options
        ) or known_names(options)
    if kind in ("greater_than_equal", "less_than_equal", "greater_than", "less_than"):
        bound = next(k for k in context if k in _BOUNDS)
        limit = say(f"ground.{_BOUNDS[bound]}", bound=context[bound])
        said = say("ground.out_of_range", text=str(given))
        return said, say("ground.check_the_unit", limit=limit)
    if kind == "value_error":
        what = context["error"].args[0] if context.get("error") else item["msg"]
        told = say(what) if is_key(what) else Text.of(what)
        return Text(*(text.replace("<key>", dotted(path)) for text in (told.zh, told.en))), EMPTY
    if kind in ("missing", "string_pattern_mismatch"):
        return say(_SENTENCES[kind]), EMPTY
    text = Text.of(str(item["msg"]))
    if forms:
        text = Text.joined(dict.fromkeys(forms), zh="或", en=" or ")
    elif kind in _SENTENCES:
        text = say(_SENTENCES[kind])
    return say("ground.found_instead", what=text, text=str(given)), EMPTY


def _fields_at(model: type[BaseModel], path: KeyPath) -> list[str]:
    """Names of the keys that the schema knows at a place."""
    at: Any = model
    for part in path:
        field = at.model_fields.get(str(part)) if isinstance(part, str) else None
        # In a mapping by name the part is a name, and its values' model stays.
        at = (_inner(field.annotation) or at) if field else at
    return [field.alias or name for name, field in at.model_fields.items()]


def _inner(annotation: Any) -> Any:
    """The model inside ``Model | None``, ``list[Model]`` or ``dict[str, Model]``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_inner, get_args(annotation))), None)


def _nearest(origins: Origins, path: KeyPath, file: str) -> tuple[str, Position | None]:
    for end in range(len(path), -1, -1):
        if path[:end] in origins:
            return origins[path[:end]]
    return file, None


def _order(where: str) -> tuple[str, int, int]:
    name, _, place = where.partition(":")
    line, _, column = place.partition(":")
    return name, int(line or 0), int(column or 0)
