"""The words of reports and templates, in both languages, from ``params/labels.yaml``."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

import pandas as pd

from fiscalmodel.errors import InputError
from fiscalmodel.paths import project_root


@cache
def _sections() -> dict[str, dict[str, dict[str, str]]]:
    from fiscalmodel.yamlio import load_yaml

    data: Any = load_yaml(project_root() / "params" / "labels.yaml")[0]
    return {section: dict(entries) for section, entries in data.items()}


def label(key: str, lang: str = "zh", section: str = "columns") -> str:
    """The label of a column or term; the key itself where none is given.

    Parameters
    ----------
    key
        English column name or term, e.g. ``principal_wan``.
    lang
        ``zh`` or ``en``.
    section
        ``columns``, ``terms`` or ``values`` of ``params/labels.yaml``.
    """
    entry = _sections().get(section, {}).get(key)
    if entry is None:
        return key
    return entry.get(lang) or entry.get("zh") or key


def columns_from_chinese() -> dict[str, str]:
    """Chinese header -> English column name, for reading templates and tables."""
    found: dict[str, str] = {}
    for name, entry in _sections()["columns"].items():
        for header in (entry.get("zh", ""), *_aliases(entry)):
            if not header:
                continue
            if found.setdefault(header, name) != name:
                raise InputError(
                    "params/labels.yaml",
                    f"{header!r} names two columns",
                    f"{found[header]} and {name}",
                )
    return found


def _aliases(entry: dict[str, Any]) -> Iterable[str]:
    also = entry.get("also", [])
    return also if isinstance(also, list) else [also]


def relabel(frame: pd.DataFrame, lang: str = "zh") -> pd.DataFrame:
    """A copy of `frame` with its columns (and index name) in the given language."""
    copy = frame.rename(columns={c: label(str(c), lang) for c in frame.columns})
    if copy.index.name:
        copy.index = copy.index.rename(label(str(copy.index.name), lang))
    return copy
