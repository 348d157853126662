"""Every note that a forecast or a nowcast writes has its sentence in Chinese."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import fiscalmodel as fm
from fiscalmodel.revenue.notes_zh import _PATTERNS, in_chinese, part_zh
from fiscalmodel.revenue.nowcast_items import nowcast_items
from fiscalmodel.series import catalog
from fiscalmodel.series.types import Series

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


def item_notes(month: str, hold: bool, missing: float) -> tuple[tuple[str, ...], tuple[str, ...]]:
    months = pd.period_range("2020-01", month, freq="M")
    run = np.array([(1 + 0.03 * (m.year - 2020)) * m.month / 12 for m in months])
    bent = run + 0.02 * np.sin(np.arange(len(run)))
    frame = pd.DataFrame({"a: x": 60 * run, "b": 40 * bent}, months)
    frame["all"] = frame.sum(axis=1) + missing
    found = nowcast_items(frame, total="all", hold_total=hold)
    of = [found, *found.items.values(), found.total]
    return tuple(n for f in of for n in f.notes), tuple(n for f in of for n in f.notes_zh)


def forecast_notes(given: dict[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    rest = {k: v for k, v in given.items() if k != "y"}
    made = fm.forecast(given["y"], 3, **rest)
    return made.notes, made.notes_zh


def nowcast_notes(given: dict[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    made = fm.nowcast_year(**given)
    return made.notes, made.notes_zh


@pytest.fixture(scope="module")
def collected(project: Path) -> list[tuple[str, str]]:
    said = [forecast_notes(given) for given in FORECASTS]
    said += [nowcast_notes(given) for given in NOWCASTS]
    said += [item_notes("2023-06", True, 0.01), item_notes("2023-06", False, 0.0)]
    said += [item_notes("2023-12", False, 0.01)]
    by_item = fm.evaluate(
        fm.load_scenario(project / "params/scenarios/sample_county/by_item.yaml")
    ).forecast
    said.append((by_item.notes, by_item.notes_zh))
    assert all(len(en) == len(zh) for en, zh in said)
    return [pair for en, zh in said for pair in zip(en, zh, strict=True)]


def test_no_note_is_left_in_english(collected: list[tuple[str, str]]) -> None:
    for _, zh in collected:
        assert re.search(r"[。）]$", zh), zh
        words = re.findall(r"[A-Za-z]+", zh.replace("a: x：", ""))
        assert set(words) <= {"Theta"}, zh
        # A year never stands bare before a word of the sentence.
        assert not re.search(r"(?<![\d.,+-])(19|20)\d\d(?![\d年.])", zh), zh


def test_every_sentence_belongs_to_a_note_that_is_written(
    collected: list[tuple[str, str]],
) -> None:
    notes = [note.removeprefix("a: x: ").removeprefix("b: ") for note, _ in collected]
    unused = [p.pattern for p, _ in _PATTERNS if not any(p.fullmatch(note) for note in notes)]
    assert unused == []


def test_years_months_quarters_and_places_are_said_as_such() -> None:
    said = {
        "no figure at all for 2021, 2022: earlier years are left out": "2021年、2022年无任何数据",
        "values before 2018 multiplied by 0.9 (同口径)": "2018年以前的数值乘以0.9",
        "values before 2018Q3 multiplied by 0.9 (同口径)": "2018年3季度以前的数值",
        "values before 2018-03 multiplied by 0.9 (同口径)": "2018年3月以前的数值",
        "no value after 5: the forecast starts there": "第5期以后没有数值",
        "5 missing values were interpolated for the fit: 2011, 2013 …": "2011年、2013年等。",
        "2021: full year from the growth published for 2022": "2021年全年数由2022年的公布增速",
    }
    for note, zh in said.items():
        assert zh in in_chinese(note)


def test_a_likely_break_is_said_in_chinese() -> None:
    # Halved in the last year: 145.5 to 75, growth -48.5 % against a usual of about +4 %.
    zh = next(n for n in fm.forecast(stepped(11), 2).notes_zh if n.startswith("警告"))
    assert "（2021年水平变动-" in zh
    assert "增速-48.5%" in zh
    assert zh.endswith("该年为最后一期，不排除一次性因素）。")
    two = (
        "WARNING: a likely break of calibre lies in the history (2014: +1,234.00 (+10.0 %), "
        "growth +15.0 % against a usual +5.0 % (4.2 times its spread); 2018: -10.00 (-1.0 %), "
        "growth -2.0 % against a usual +5.0 % (3.1 times its spread); it is the last value, a "
        "one-off is not excluded)"
    )
    assert in_chinese(two) == (
        "警告：历史中可能有口径变化（2014年水平变动+1,234.00（+10.0%），增速+15.0%，通常为+5.0%，"
        "偏离为通常波动的4.2倍；2018年水平变动-10.00（-1.0%），增速-2.0%，通常为+5.0%，"
        "偏离为通常波动的3.1倍，该年为最后一期，不排除一次性因素）。"
    )


def test_titles_are_replaced_among_the_models_only() -> None:
    note = "5 values: 50% last value, 50% damped trend on logs (the pooled model learned x)"
    assert "50% 上年数、50% 对数阻尼趋势（" in in_chinese(note)
    assert in_chinese("its last value, unheard of") == "its last value, unheard of"


def test_the_share_of_the_steady_ways_is_said() -> None:
    from fiscalmodel.revenue.nowcast_model import steady_share

    en, zh = nowcast_notes(NOWCASTS[0])
    share = steady_share()
    assert f"{share} of the weight the plain mean of three ways" in en[-1]
    assert f"权重的{part_zh(str(share))}为三种算法的简单平均" in zh[-1]
    assert "15种算法" in zh[-1]
    # That share at least lies on the three ways.
    weights = fm.nowcast_year(**NOWCASTS[0]).models.set_index("model")["weight"]
    assert weights[["usual_growth", "trend_rest", "mean_share"]].sum() >= float(share)
