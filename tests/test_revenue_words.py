"""Notes of forecasts and nowcasts: whole sentences in Chinese, and every one of them is said."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import fiscalmodel as fm
from fiscalmodel.revenue.inputs import when
from fiscalmodel.series import catalog
from fiscalmodel.series.types import Series
from fiscalmodel.words import Text

YEARS = pd.period_range("2010", periods=12, freq="Y")
GROWING = pd.Series(np.linspace(100.0, 150.0, 12).round(1), index=YEARS)


def holed(*places: int) -> pd.Series:
    made = GROWING.copy()
    made.iloc[list(places)] = np.nan
    return made


def spiked() -> pd.Series:
    made = GROWING * np.array([1, 1.01, 0.99, 1, 1.01, 1, 0.99, 1, 1, 1.01, 1, 1])
    made.iloc[6] *= 0.5
    return made


def stepped(place: int) -> pd.Series:
    return GROWING * np.where(np.arange(12) < place, 1.0, 0.5)


def estimated(values: pd.Series) -> Series:
    kinds = pd.Series("actual", index=values.index)
    kinds.iloc[-2:] = "estimate"
    return Series("made", values, kinds=kinds)


def national(until: str) -> dict[str, Any]:
    name = "national.general_public_budget_revenue"
    values = fm.load_series(name).values
    growth = catalog.published_growth(name)
    assert growth is not None
    return {
        "cumulative": values[values.index <= until],
        "published_growth": growth.values[growth.values.index <= until],
    }


MONTHS = pd.period_range("2019-01", "2021-12", freq="M")
NO_JANUARY = pd.Series(np.where(MONTHS.month == 1, np.nan, 5.0 + MONTHS.month), MONTHS)

FORECASTS: list[dict[str, Any]] = [
    {"y": [5.0]},
    {"y": [5.0, 6.0]},
    {"y": GROWING},
    {"y": holed(5)},
    {"y": holed(3, 4, 5, 6)},
    {"y": holed(1, 3, 5, 7, 9)},
    {"y": holed(10, 11)},
    {"y": GROWING.iloc[::-1]},
    {"y": spiked()},
    {"y": stepped(6)},
    {"y": stepped(11)},
    {"y": GROWING * 0 + 7},
    {"y": [100.0, 150.0, 90.0, 160.0, 95.0]},
    {"y": GROWING * 0},
    {"y": GROWING, "kind": "land"},
    {"y": GROWING.to_list() * 2, "season_length": 4, "kind": "land"},
    {"y": GROWING, "breaks": {"2014": 0.9}},
    {"y": GROWING, "breaks": {"1990": 0.9}},
    {"y": GROWING, "breaks": ["2014"], "allow_break": True},
    {"y": GROWING, "breaks": {"2014年": 0.9}},
    {"y": GROWING.to_list() * 2, "season_length": 4},
    {"y": GROWING.to_list()[:6], "season_length": 4},
    {"y": GROWING.to_list()[:4], "season_length": 12},
    {"y": [1.0, 2, np.nan, 4, 5], "season_length": 1},
    {"y": estimated(GROWING)},
    {"y": fm.link_calibre(Series("made", GROWING), {"2015": 4.0})},
    {"y": NO_JANUARY},
]
NOWCASTS: list[dict[str, Any]] = [
    national("2023-06"),
    {"cumulative": national("2023-06")["cumulative"]},
    {"cumulative": fm.load_series("sample_county.general_public_budget_revenue_monthly")},
    {"cumulative": {"2023-02": 10.0, "2023-03": 16.0}},
    {"cumulative": {"2023-11": 90.0, "2023-12": 100.0}},
    {"cumulative": {"2020-12": 90.0, "2022-12": 100.0, "2023-02": 10.0, "2023-03": 16.0}},
    {
        "cumulative": estimated(
            pd.Series(
                [90.0, 100.0, 104.0], pd.PeriodIndex(["2022-12", "2023-12", "2024-12"], freq="M")
            )
        )
    },
    {
        "cumulative": {"2021-06": 45.0, "2021-12": 90.0, "2022-06": 48.0, "2023-06": 50.0},
    },
    {
        "cumulative": {"2021-06": 46.0, "2022-06": 48.0, "2022-12": 100.0, "2023-06": 50.0},
        "published_growth": {"2022-12": 5.0},
    },
]


def item_notes(month: str, hold: bool, missing: float) -> tuple[Text, ...]:
    months = pd.period_range("2020-01", month, freq="M")
    run = np.array([(1 + 0.03 * (m.year - 2020)) * m.month / 12 for m in months])
    bent = run + 0.02 * np.sin(np.arange(len(run)))
    frame = pd.DataFrame({"a: x": 60 * run, "b": 40 * bent}, months)
    frame["all"] = frame.sum(axis=1) + missing
    found = fm.nowcast_items(frame, total="all", hold_total=hold)
    return tuple(n for f in [found, *found.items.values(), found.total] for n in f.notes)


@pytest.fixture(scope="module")
def notes(project: Path) -> list[Text]:
    said: list[Text] = []
    for given in FORECASTS:
        said += fm.forecast(given["y"], 3, **{k: v for k, v in given.items() if k != "y"}).notes
    for given in NOWCASTS:
        said += fm.nowcast_year(**given).notes
    said += item_notes("2023-06", True, 0.01) + item_notes("2023-06", False, 0.0)
    said += item_notes("2023-12", False, 0.01)
    by_item = fm.load_scenario(project / "params/scenarios/sample_county/by_item.yaml")
    said += fm.evaluate(by_item).forecast.notes
    return said


def test_every_note_is_a_sentence_in_chinese(notes: list[Text]) -> None:
    for note in notes:
        assert re.search(r"[。）]$", note.zh), note.zh
        words = re.findall(r"[A-Za-z]+", note.zh.replace("a: x：", ""))
        assert set(words) <= {"Theta"}, note.zh
        # A year never stands bare before a word of the sentence.
        assert not re.search(r"(?<![\d.,+-])(19|20)\d\d(?![\d年.])", note.zh), note.zh


def test_years_months_quarters_and_places_are_said_as_such() -> None:
    said = {"2022": "2022年", "2022-03": "2022年3月", "2018Q3": "2018年3季度", 5: "第5期"}
    assert {label: when(label).zh for label in said} == said
    holes = next(n for n in fm.forecast(holed(1, 3, 5, 7, 9), 2).notes if "interpolated" in n)
    assert holes.zh == "拟合时插补了5个缺失值：2011年、2013年、2015年、2017年等。"
    assert holes.en.endswith(": 2011, 2013, 2015, 2017 …")


def test_a_likely_break_is_said_in_both_languages() -> None:
    # Halved in the last year: 145.5 to 75, growth -48.5 % against a usual of about +4 %.
    note = next(n for n in fm.forecast(stepped(11), 2).notes if "WARNING" in n)
    assert "（2021年水平变动-" in note.zh
    assert "增速-48.5%" in note.zh
    assert note.zh.endswith("这是最后一年，不排除一次性因素）。")
    assert "(2021: -" in note.en
    assert "growth -48.5 % against a usual" in note.en


def test_how_a_nowcast_came_about_is_said() -> None:
    found = fm.nowcast_year(**NOWCASTS[0])
    assert "three quarters the middle one of 5 ways" in found.method.en
    assert "四分之三取5种算法的居中值" in found.method.zh
    # A quarter on plain growth, the rest on the middle one, which may be the same.
    weights = found.models.set_index("model")["weight"]
    assert weights["plain_growth"] >= 0.25
    assert sorted(weights)[-2:] in ([0.25, 0.75], [0.0, 1.0])
    said = found.models["full_year"].tolist()
    middle = sorted(said)[2]
    plain = float(found.models.set_index("model")["full_year"]["plain_growth"])
    assert found.full_year["mean"] == pytest.approx(0.75 * middle + 0.25 * plain)
