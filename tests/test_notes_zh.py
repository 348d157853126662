"""Every note that a forecast writes has its sentence in Chinese."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

import fiscalmodel as fm
from fiscalmodel.series import catalog

YEARS = pd.period_range("2010", periods=12, freq="Y")
GROWING = pd.Series(np.linspace(100.0, 150.0, 12).round(1), index=YEARS)


def holed() -> pd.Series:
    made = GROWING.copy()
    made.iloc[5] = np.nan
    return made


def spiked() -> pd.Series:
    made = GROWING * np.array([1, 1.01, 0.99, 1, 1.01, 1, 0.99, 1, 1, 1.01, 1, 1])
    made.iloc[6] *= 0.5
    return made


@pytest.mark.parametrize(
    "given",
    [
        {"y": [5.0]},
        {"y": [5.0, 6.0]},
        {"y": GROWING},
        {"y": holed()},
        {"y": spiked()},
        {"y": GROWING * 0 + 7},
        {"y": GROWING, "kind": "land"},
        {"y": GROWING, "breaks": {"2014": 0.9}},
        {"y": GROWING, "breaks": ["2014"], "allow_break": True},
        {"y": GROWING.to_list() * 2, "season_length": 4},
        {"y": GROWING.to_list()[:6], "season_length": 4},
        {"y": GROWING.to_list()[:4], "season_length": 12},
    ],
)
def test_no_note_is_left_in_english(given: dict) -> None:  # type: ignore[type-arg]
    made = fm.forecast(given.pop("y"), 3, **given)
    assert len(made.notes) == len(made.notes_zh)
    for zh in made.notes_zh:
        assert re.search(r"[。）]$", zh), zh


def national(until: str) -> dict:  # type: ignore[type-arg]
    name = "national.general_public_budget_revenue"
    values = fm.load_series(name).values
    growth = catalog.published_growth(name)
    assert growth is not None
    return {
        "cumulative": values[values.index <= until],
        "published_growth": growth.values[growth.values.index <= until],
    }


@pytest.mark.parametrize(
    "given",
    [
        national("2023-06"),
        {"cumulative": national("2023-06")["cumulative"]},
        {"cumulative": fm.load_series("sample_county.general_public_budget_revenue_monthly")},
        {"cumulative": {"2023-02": 10.0, "2023-03": 16.0}},
        {"cumulative": {"2020-12": 90.0, "2022-12": 100.0, "2023-02": 10.0, "2023-03": 16.0}},
    ],
)
def test_no_note_of_a_nowcast_is_left_in_english(given: dict) -> None:  # type: ignore[type-arg]
    made = fm.nowcast_year(**given)
    assert made.notes
    for zh in made.notes_zh:
        assert re.search(r"[。）]$", zh), zh
