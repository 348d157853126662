"""Progress of expenditure: completion, even progress, year-end estimates, units that lag."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

import fiscalmodel as fm
from fiscalmodel.errors import InputError
from fiscalmodel.present.figures import link

UNITS = ("education", "health", "agriculture", "housing", "civil_affairs", "other_units")


def units() -> tuple[pd.DataFrame, dict[str, float]]:
    named = {n: fm.load_series(f"sample_county.spending_{n}").values for n in UNITS}
    budgets = {n: fm.load_series(f"sample_county.spending_{n}_budget").values for n in UNITS}
    return pd.DataFrame(named), {n: float(b.iloc[-1]) for n, b in budgets.items()}


def test_completion_gap_and_who_lags_by_hand() -> None:
    frame, budgets = units()
    made = fm.spending_progress(frame, budgets, as_of="2025-09", unit="万元")
    row = made.table.set_index("item").loc["housing"]
    # 16,902 of 35,358 is 47.8 %; nine months are 75 %; the whole's budget is the units' sum.
    spent = float(frame.loc["2025-09", "housing"])
    assert (spent, budgets["housing"]) == (16_902, 35_358)
    assert row["done_pct"] == pytest.approx(100 * 16_902 / 35_358)
    assert row["gap_points"] == pytest.approx(100 * 16_902 / 35_358 - 75)
    shares = [100 * frame.loc[f"{y}-09", "housing"] / frame.loc[f"{y}-12", "housing"]
              for y in (2022, 2023, 2024)]  # fmt: skip
    assert row["usual_pct"] == pytest.approx(sorted(shares)[1])
    assert row["unspent"] == pytest.approx(35_358 - row["mean"])
    whole = made.table.iloc[-1]
    assert whole["budget"] == sum(budgets.values())
    assert made.table["mean"].iloc[:-1].sum() == pytest.approx(whole["mean"], rel=1e-12)
    assert not whole["lags"] or whole["gap_points"] < -5
    # Made late in 2025 by the generator: these two, the furthest behind first. Agriculture and
    # housing alone are 5 points behind what they usually had spent by then, too.
    assert list(made.lagging["item"]) == ["housing", "agriculture"]
    assert "housing（-27.2个百分点）、agriculture（-24.4个百分点）" in made.answer("zh")
    assert made.plot("en").alt == made.answer("en")


def test_one_that_always_spends_late_does_not_lag() -> None:
    months = pd.period_range("2023-01", "2025-09", freq="M")
    # Half a year's budget in December, every year: 4.5 of 100 a month until November.
    late = pd.Series([100.0 if p.month == 12 else 4.5 * p.month for p in months], months)
    found = fm.spending_progress(late, 100.0)
    assert found.table.loc[0, "gap_points"] == pytest.approx(40.5 - 75)
    assert found.table.loc[0, "usual_pct"] == pytest.approx(40.5)
    assert not found.table.loc[0, "lags"]
    # Without a year before, even progress alone decides.
    alone = fm.spending_progress(late[late.index.year == 2025], 100.0)
    assert alone.table.loc[0, "lags"]


def test_the_office_sets_from_when_a_unit_lags() -> None:
    frame, budgets = units()
    strict, lax = (
        fm.spending_progress(frame, budgets, as_of="2025-09", behind=points) for points in (2, 30)
    )
    assert list(strict.lagging["item"])[:3] == ["housing", "agriculture", "education"]
    assert lax.lagging.empty


def test_without_budgets_nothing_is_said_of_them() -> None:
    frame, _ = units()
    made = fm.spending_progress(frame, as_of="2025-09", unit="万元")
    assert made.table[["budget", "done_pct", "gap_points", "unspent"]].isna().all(axis=None)
    assert "预算" not in made.answer("zh")
    assert "滞后" not in made.answer("zh")


def test_progress_is_a_scenario_key(tmp_path: Path) -> None:
    def evaluated(more: str) -> fm.scenario.outcome.Outcome:  # type: ignore[name-defined]
        file = tmp_path / "s.yaml"
        file.write_text(
            "name: x\nregion: sample_county\nas_of: 2025-09-30\nyears: {first: 2025, last: 2026}\n"
            "expenditure:\n  amount_wan: {2025: 396656, 2026: 400000}\n  source: sample\n"
            "  progress:\n    series: sample_county.expenditure_monthly\n" + more,
            encoding="utf-8",
        )
        return fm.evaluate(fm.load_scenario(file))

    alone = evaluated("    budget_wan: 420000\n")
    assert alone.spending.table.loc[0, "done_pct"] == pytest.approx(100 * 268_844 / 420_000)
    assert alone.answers == (alone.spending.answer,)
    by_unit = evaluated(
        "    items:\n      教育局: sample_county.spending_education\n"
        "      住建局: sample_county.spending_housing\n"
        "    items_budget_wan: {教育局: 99382, 住建局: 35358}\n    behind_points: 10\n"
    )
    assert list(by_unit.spending.table["item"]) == ["教育局", "住建局", "其他 other", "合计 total"]
    assert list(by_unit.spending.lagging["item"]) == ["住建局"]
    # The budget of the whole is the year's expenditure of the scenario: 268,844 of 396,656.
    assert by_unit.spending.table["done_pct"].iloc[-1] == pytest.approx(100 * 268_844 / 396_656)
    # Each of its figures is traced: the month's cell, the budget's line, shares, the model.
    shown = link(by_unit.spending._repr_html_(), json.loads(fm.explain(by_unit).json()))
    assert shown.missing == []
    assert "spending.gap_points[住建局]" in shown.found
    how = fm.explain(by_unit, "spending.to_date", "住建局")
    assert "synthetic_sample_county_spending_monthly.csv" in str(how)
    with pytest.raises(InputError, match="names a unit that items does not"):
        evaluated("    items_budget_wan: {教育局: 99382}\n")
