"""The words of reports and templates, in both languages, from ``params/labels.yaml``."""

from __future__ import annotations

import pandas as pd

from fiscalmodel.words import label as label


def relabel(frame: pd.DataFrame, lang: str = "zh") -> pd.DataFrame:
    """A copy of `frame` with its columns (and index name) in the given language."""
    copy = frame.rename(columns={c: label(str(c), lang) for c in frame.columns})
    if copy.index.name:
        copy.index = copy.index.rename(label(str(copy.index.name), lang))
    return copy
