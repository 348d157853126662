"""The words of reports and templates, in both languages, from ``params/labels.yaml``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd

from fiscalmodel.errors import InputError
from fiscalmodel.words import label as label
from fiscalmodel.words import labels


def columns_from_chinese() -> dict[str, str]:
    """Chinese header -> English column name, for reading templates and tables."""
    found: dict[str, str] = {}
    for name, entry in labels("columns").items():
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
