"""The office's own budgets (年初预算) as forecasts one step ahead."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from fiscalmodel.errors import InputError
from fiscalmodel.revenue import inputs
from fiscalmodel.revenue.history import History
from fiscalmodel.revenue.labels import own_label
from fiscalmodel.revenue.smoothing import Array
from fiscalmodel.series.types import Series


def budget_rows(
    own: pd.DataFrame,
    budgets: Any,
    histories: Sequence[History],
    ids: Sequence[Any],
    factors: Array | None,
) -> pd.DataFrame:
    """Rows of method ``budget``, like those of the model one step ahead in `own`.

    Parameters
    ----------
    own
        The model's forecasts one step ahead.
    budgets
        As for `backtest`.
    histories, ids
        The series and their names.
    factors
        Factor of each period of the one history that was put on a new calibre.

    Raises
    ------
    InputError
        No budgets, labels that cannot be read or stand twice, or no period in common.
    """
    past = {str(name): history.past for name, history in zip(ids, histories, strict=True)}
    given: dict[tuple[str, str], float] = {}
    for name, label, value in _items(budgets):
        if name not in past or np.isnan(value):
            continue
        key = name, str(own_label(label, past[name], f"budgets[{label}]", exact=True))
        if key in given:
            raise InputError(f"budgets[{label}]", f"two budgets for {key[1]}", "keep one")
        given[key] = value
    if factors is not None:
        for label, factor in zip(histories[0].past, factors, strict=True):
            if (str(ids[0]), str(label)) in given:
                given[str(ids[0]), str(label)] *= float(factor)
    known = own.copy()
    keys = zip(known["unique_id"].astype(str), known["period"], strict=True)
    known["mean"] = [given.get(key, np.nan) for key in keys]
    known["method"] = "budget"
    known[["lo-80", "hi-80", "lo-95", "hi-95"]] = np.nan
    known = known[known["mean"].notna()]
    if known.empty:
        raise InputError(
            "budgets",
            "no budget falls on a period that was forecast one step ahead",
            f"label them like the series, for example {next(iter(past.values()))[-1]}",
        )
    return known


def _items(budgets: Any) -> Iterable[tuple[str, Any, float]]:
    """Name of the series, label and amount of each budget."""
    if isinstance(budgets, Series):
        budgets = _budgets_of(budgets)
    if isinstance(budgets, pd.DataFrame):
        missing = {"unique_id", "ds", "y"} - set(budgets.columns)
        if missing:
            raise InputError(
                "budgets",
                f"columns missing: {', '.join(sorted(missing))}",
                "columns unique_id, ds, y",
            )
        names, labels = budgets["unique_id"].astype(str).tolist(), budgets["ds"].tolist()
        amounts = budgets["y"].tolist()
    elif isinstance(budgets, pd.Series | Mapping):
        labels, amounts = list(budgets.keys()), list(budgets.to_numpy()
        if isinstance(budgets, pd.Series) else budgets.values())  # fmt: skip
        names = ["y"] * len(labels)
    else:
        raise InputError(
            "budgets",
            f"a {type(budgets).__name__} holds no budgets",
            "a Series or mapping by period, or a frame unique_id, ds, y",
        )
    return zip(names, labels, inputs.numbers(amounts, "budgets"), strict=True)


def _budgets_of(series: Series) -> pd.Series[float]:
    """The budgets in a `Series`: those marked so, or all of a budget version or unmarked one."""
    if series.kinds is None or series.version in ("initial_budget", "adjusted_budget"):
        return series.values
    found = series.values[series.kinds.eq("budget")]
    if found.empty:
        raise InputError(series.series_id, "holds no budget", "give a series of budgets 年初预算")
    return found
