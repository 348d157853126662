"""Calibre linking: published cases, what is given decides, breaks found, refusals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

import fiscalmodel as fm
from fiscalmodel.series.breaks import find_breaks
from fiscalmodel.series.calibre import link_calibre

CASES = yaml.safe_load((Path(__file__).parent / "cases" / "calibre_links.yaml").read_text("utf-8"))
JIANGHAN = pd.Series([68.74, 123.50, 131.48, 136.51, 130.62], index=range(2015, 2020))
GROWTH = pd.Series([17.69, 18.07, 3.83, -4.32], index=range(2016, 2020))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_worked_links(case: dict) -> None:
    link = link_calibre(
        pd.Series(case["levels"]),
        pd.Series(case["growth"]) if "growth" in case else None,
        restated=case.get("restated"),
        scope_change=case.get("scope"),
    )
    assert link.linked.round(2).to_dict() == case["linked"]
    assert link.breaks["amount"].round(2).to_dict() == case["breaks"]
    assert round(link.mean_growth_pct, 2) == case["mean"]
    assert round(link.nominal_growth_pct, 2) == case["nominal"]


@pytest.mark.parametrize(
    "index",
    [
        pd.PeriodIndex([str(y) for y in range(2015, 2020)], freq="Y"),
        [str(y) for y in range(2015, 2020)],
        [f"{y}年" for y in range(2015, 2020)],
    ],
    ids=["periods", "text", "chinese"],
)
def test_labels_come_back_as_given(index: object) -> None:
    link = link_calibre(JIANGHAN.set_axis(index), GROWTH)
    assert list(link.linked.index) == list(index)
    assert link.breaks.index.tolist() == [index[1], index[2]]


def test_the_rounding_counts_in_any_unit() -> None:
    """The same in 万元, where the printed hundredths of 亿元 are hundreds."""
    link = link_calibre((JIANGHAN * 10_000).round(), GROWTH)
    assert link.breaks["amount"].round(-2).to_dict() == {2016: 362_000, 2017: -121_400}
    assert link.linked[2018] == 1_365_100


def test_a_break_below_the_rounding_is_none() -> None:
    # 102.5 / 1.02 = 100.49; 100.4 stands for 100.35 to 100.45, growth 2 % for 1.5 to 2.5 %.
    link = link_calibre({2020: 100.4, 2021: 102.5}, {2021: 2})
    assert link.breaks.empty
    assert link.linked[2020] == 100.4
    # Printed to the hundredth, the same figures do not tie.
    exact = link_calibre({2020: 100.4, 2021: 102.5}, {2021: 2}, growth_digit=0.01)
    assert len(exact.breaks) == 0 or abs(exact.breaks["amount"].iloc[0]) < 0.1


def test_restated_base_goes_before_growth_and_says_so() -> None:
    link = link_calibre(JIANGHAN, GROWTH, restated={2016: 110.00})
    assert link.breaks.loc[2017, "basis"] == "restated"
    assert round(link.breaks.loc[2017, "amount"], 2) == -13.5
    assert "18.07" in link.notes[0]


def test_a_missing_growth_is_said() -> None:
    link = link_calibre(JIANGHAN, GROWTH.drop(2018))
    assert "2017 to 2018" in link.notes[0]
    assert link.steps.loc[2018, "basis"] == "none"


def test_a_missing_level_is_bridged_by_growth() -> None:
    levels = JIANGHAN.copy()
    levels[2018] = np.nan
    link = link_calibre(levels, GROWTH)
    assert np.isnan(link.linked[2018])
    # 130.62 / 0.9568 / 1.0383 = 131.48: no break across the missing year.
    assert link.linked[2017] == 131.48
    assert round(link.mean_growth_pct, 2) == 8.39


def test_a_series_keeps_its_name_and_changes_its_calibre() -> None:
    series = fm.Series("jianghan", JIANGHAN.set_axis(pd.period_range("2015", "2019", freq="Y")))
    linked = link_calibre(series, GROWTH).series
    assert linked.calibre == "like_for_like"
    assert linked.series_id == "jianghan"
    assert find_breaks(linked.values) == []
    with pytest.raises(fm.InputError, match="no Series was linked"):
        _ = link_calibre(JIANGHAN, GROWTH).series


@pytest.mark.parametrize(
    ("levels", "growth", "more", "message"),
    [
        ({2019: 1.0}, {2019: 1.0}, {}, "fewer than two"),
        ({2018: 1.0, 2019: -1.0}, {2019: 1.0}, {}, "not above zero"),
        ({2018: 1.0, 2019: 1.0}, {2019: -100.0}, {}, "leaves nothing"),
        ({2018: 1.0, 2019: 1.0}, {2025: 1.0}, {}, "belongs to no level"),
        ({2018: 1.0, "x": 1.0}, {2019: 1.0}, {}, "'x' is not a year"),
        ({2018: 1.0, "2018年": 1.0}, {2018: 1.0}, {}, "stands twice"),
        ({2018: 1.0, 2019: 1.0}, None, {}, "nothing to link with"),
        (
            {2018: 1.0, 2019: 1.0},
            None,
            {"scope_change": {2019: {2017: 1.0}}},
            "2018 is needed|belongs",
        ),
    ],
)
def test_bad_input(levels: dict, growth: dict | None, more: dict, message: str) -> None:
    with pytest.raises(fm.InputError, match=message):
        link_calibre(levels, growth, **more)


def test_the_detector_finds_jianghan_without_its_growth() -> None:
    (found,) = find_breaks(JIANGHAN)
    assert found.period == "2016"
    assert "+79.7 %" in found.evidence


def test_the_detector_on_provinces() -> None:
    """Every known change of scope is found; clean provinces stay silent."""
    path = Path(__file__).parents[1] / "data" / "provincial_annual.csv"
    rows = pd.read_csv(path, dtype=str)
    rows = rows[rows["indicator"].eq("general_public_budget_revenue")]
    flagged = {}
    for name, group in rows.groupby("region"):
        values = pd.Series(group["value"].astype(float).to_numpy(), index=group["period"])
        flagged[str(name)] = [b.period for b in find_breaks(values.dropna())]
    found = {name: years for name, years in flagged.items() if years}
    assert found["广东省"] == ["2018"]  # Shenzhen counted in
    assert found["辽宁省"] == ["2020"]  # Dalian counted in
    assert found["海南省"] == ["2018", "2020"]  # totals with transfers in 2018 and 2019
    assert len(found) <= 6
    assert len(flagged) >= 30


def test_smooth_and_short_and_spiked_series_have_no_break() -> None:
    smooth = pd.Series([100 * 1.06**k for k in range(10)], index=range(2010, 2020))
    assert find_breaks(smooth) == []
    assert find_breaks(smooth.iloc[:3]) == []
    spiked = smooth.copy()
    spiked[2015] *= 1.6
    assert find_breaks(spiked) == []
    stepped = smooth.copy()
    stepped.loc[2015:] *= 1.5
    assert [b.period for b in find_breaks(stepped)] == ["2015"]
    assert find_breaks(-smooth) == []


@pytest.mark.parametrize("freq", ["YS", "YE"])
def test_levels_on_one_day_a_year(freq: str) -> None:
    days = pd.date_range("2015-01-01", periods=5, freq=freq)
    link = link_calibre(JIANGHAN.set_axis(days), GROWTH.set_axis(days[1:]))
    assert link.linked.round(2).tolist() == [94.62, 111.36, 131.48, 136.51, 130.62]
    assert link.linked.index.equals(days)
    months = pd.date_range("2015-01-01", periods=5, freq="MS")
    with pytest.raises(fm.InputError, match="is not a year"):
        link_calibre(JIANGHAN.set_axis(months), GROWTH)
