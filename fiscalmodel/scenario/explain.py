"""Validation errors in an economist's words, with the place in the file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from fiscalmodel import yamlio
from fiscalmodel.errors import Problem, problem
from fiscalmodel.scenario.schema import ScenarioSpec
from fiscalmodel.suggest import did_you_mean, known_names
from fiscalmodel.words import Text

Origins = Mapping[yamlio.KeyPath, tuple[str, yamlio.Position]]

_WORDS = {
    "missing": "the key is missing",
    "float_type": "must be a number",
    "int_type": "must be a whole number",
    "bool_type": "must be true or false",
    "string_type": "must be text",
    "date_type": "must be a date such as 2028-12-31",
    "dict_type": "must be a mapping of keys and values",
    "model_type": "must be a mapping of keys and values",
    "string_too_short": "is too short",
}
#: Complaints of the form that a value should have had.
_SHAPES = ("dict_type", "list_type", "model_type", "float_type")


def explain(error: ValidationError, origins: Origins, file: str) -> list[Problem]:
    """One problem for each thing wrong, in the order of the file."""
    problems: dict[tuple[yamlio.KeyPath, str], Problem] = {}
    items = [(_key_path(e["loc"], origins), e) for e in error.errors(include_url=False)]
    # Where one of several forms fits and its value does not, the other forms say nothing new.
    told = {path for path, item in items if item["type"] not in _SHAPES}
    for path, item in items:
        if item["type"] in _SHAPES and any(inner[: len(path)] == path for inner in told):
            continue
        text, hint = _say(item, path)
        name, at = _nearest(origins, path, file)
        key = yamlio.dotted(path)
        where = f"{name}:{at.line}:{at.column}" if at else name
        problems.setdefault((path, text), problem(where, f"{key}: {text}" if key else text, hint))
    return sorted(problems.values(), key=lambda p: _order(p.where))


def _key_path(loc: tuple[int | str, ...], origins: Origins) -> yamlio.KeyPath:
    """The key's path in the file: without the names of union branches and ``[key]``."""
    path: yamlio.KeyPath = ()
    for i, part in enumerate(loc):
        text = str(part) if isinstance(part, int) else part
        candidate = (*path, text)
        last = i == len(loc) - 1
        if candidate in origins or (last and text.isidentifier() and text not in ("float", "dict")):
            path = candidate
    return path


def _say(item: Any, path: yamlio.KeyPath) -> tuple[str, str | Text]:
    kind, given, context = item["type"], item.get("input"), item.get("ctx", {})
    if kind == "extra_forbidden":
        known = _fields_at(path[:-1])
        return "unknown key", did_you_mean(str(path[-1]), known) or known_names(known)
    if kind == "literal_error":
        options = (
            str(context.get("expected", "")).replace("'", "").replace(" or ", ", ").split(", ")
        )
        return f"{given!r} is not allowed", did_you_mean(str(given), options) or known_names(
            options
        )
    if kind in ("greater_than_equal", "less_than_equal", "greater_than", "less_than"):
        sign = {"ge": "at least", "le": "at most", "gt": "more than", "lt": "less than"}
        bound = next(f"{sign[k]} {v:g}" for k, v in context.items() if k in sign)
        return f"{given!r} is out of range", f"must be {bound}; check the unit in the key's name"
    if kind == "value_error":
        return str(item["msg"]).removeprefix("Value error, "), ""
    text = _WORDS.get(kind, str(item["msg"]))
    return (text if kind == "missing" else f"{text}, found {given!r}"), ""


def _fields_at(path: yamlio.KeyPath) -> list[str]:
    """Names of the keys that the schema knows at a place."""
    model: Any = ScenarioSpec
    for part in path:
        if isinstance(model, type) and issubclass(model, BaseModel):
            found = model.model_fields.get(str(part))
            # In a mapping by name the part is a name, and its values' model stays.
            model = _inner(found.annotation) if found else model
    return list(model.model_fields) if model is not None else []


def _inner(annotation: Any) -> Any:
    """The model inside ``Model | None`` or ``dict[str, Model]``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in get_args(annotation):
        found = _inner(argument)
        if found is not None:
            return found
    return None


def _nearest(
    origins: Origins, path: yamlio.KeyPath, file: str
) -> tuple[str, yamlio.Position | None]:
    for end in range(len(path), -1, -1):
        if path[:end] in origins:
            return origins[path[:end]]
    return file, None


def _order(where: str) -> tuple[str, int, int]:
    name, _, place = where.partition(":")
    line, _, column = place.partition(":")
    return name, int(line or 0), int(column or 0)
