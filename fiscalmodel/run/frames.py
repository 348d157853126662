"""The tables of evaluated scenarios side by side: whose each row is, in plain types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from fiscalmodel.kernels.stamp import digest_json

if TYPE_CHECKING:
    from fiscalmodel.scenario.load import Scenario
    from fiscalmodel.scenario.outcome import Outcome


def labelled_tables(outcome: Outcome) -> dict[str, pd.DataFrame]:
    """The tables of an outcome by name, each with the columns that say whose it is."""
    return {name: _labelled(f, outcome.scenario) for name, f in outcome.tables().items()}


def identity(scenario: Scenario) -> str:
    """Hash of what a scenario says; a changed one of the same file has another."""
    return digest_json([scenario.id, scenario.spec.model_dump(mode="json")])


def _labelled(frame: pd.DataFrame, scenario: Scenario) -> pd.DataFrame:
    """A table with whose it is, in types that every reader of tables knows."""
    plain = typed(frame.rename(columns=str))
    labels: dict[str, Any] = {
        "scenario_id": scenario.id,
        "region": scenario.region.key,
        "scenario": scenario.id.rsplit("/", 1)[-1],
        "synthetic": scenario.synthetic,
    }
    for position, (name, value) in enumerate(labels.items()):
        # `region` and `scenario` may be columns of the table already.
        if name in plain.columns:
            plain = plain.drop(columns=name)
        plain.insert(position, name, value)
    return plain


def typed(frame: pd.DataFrame, *, last: bool = False) -> pd.DataFrame:
    """Columns of objects as numbers or text by what they hold.

    One that holds nothing stays open, since other scenarios may have values for it; at `last`
    it is text, as no column of numbers is one of objects.
    """
    types: dict[str, pd.Series[Any]] = {}
    for name, values in frame.items():
        if isinstance(values.dtype, pd.StringDtype):
            types[str(name)] = values.astype("string")  # one kind of text, whoever made it
            continue
        if not isinstance(values.dtype, pd.PeriodDtype) and values.dtype != object:
            continue
        known = values.dropna()
        if known.empty and not last:
            types[str(name)] = values.astype(object)
        elif len(known) and all(
            isinstance(v, int | float) and not isinstance(v, bool) for v in known
        ):
            types[str(name)] = values.astype(float)
        else:
            types[str(name)] = values.map(_plain).astype("string")
    return frame.assign(**types)


def _plain(value: Any) -> Any:
    return None if not isinstance(value, str) and pd.isna(value) else str(value)
