"""Revenue by item, elasticities, sharing between levels, targets on the Jianghan series."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

import fiscalmodel as fm
from fiscalmodel.errors import InputError
from fiscalmodel.revenue.adjust import Adjustment, apply_adjustments
from fiscalmodel.revenue.items import (
    Item,
    Measure,
    forecast_items,
    reconcile_items,
)
from fiscalmodel.revenue.sharing import sharing_matrix, split_gross
from fiscalmodel.revenue.targets import growth_needed_pct, levers_for
from fiscalmodel.series import catalog

CASES = Path(__file__).with_name("cases")
ITEMS = yaml.safe_load((CASES / "items_worked.yaml").read_text())
TARGETS = yaml.safe_load((CASES / "targets_jianghan.yaml").read_text())


def item_of(spec: dict, name: str = "x") -> Item:
    measures = [Measure(m["name"], m["full_year"], m["start"], "assumption", m.get("end"))
                for m in spec.get("measures", [])]  # fmt: skip
    return Item(
        name, spec["last_year"], spec["elasticity"], spec["growth"], "assumption",
        spec.get("one_offs_last_year", 0.0), spec.get("one_offs", {}), measures,
    )  # fmt: skip


@pytest.mark.parametrize("case", ITEMS, ids=lambda case: case["name"])
def test_worked_item(case):
    years = sorted(case["output"])
    made = forecast_items([item_of(case["item"])], years)
    assert made.table["x"].to_dict() == pytest.approx(case["output"])


def test_items_add_up_and_every_step_does():
    made = forecast_items(
        [item_of(case["item"] | {"growth": {2025: 3.3, 2026: 1.7}, "one_offs": {2026: 7}}, f"i{k}")
         for k, case in enumerate(ITEMS)], [2025, 2026],
    )  # fmt: skip
    parts = made.table.drop(columns="total").sum(axis=1)
    assert made.table["total"].to_numpy() == pytest.approx(parts.to_numpy(), rel=1e-15)
    steps = made.steps
    built = steps[["last_year", "one_offs_out", "base_growth", "measures", "one_offs"]].sum(axis=1)
    assert built.to_numpy() == pytest.approx(steps["value"].to_numpy(), rel=1e-12)


def test_an_elasticity_needs_its_source():
    with pytest.raises(InputError, match="source"):
        forecast_items([Item("a", 1.0, 1.0, {2025: 1.0}, "")], [2025])


def test_items_against_the_total():
    history = catalog.load_series("sample_county.tax_revenue").values.dropna()
    total = fm.forecast(history, 2)
    years = [int(p.year) for p in total.table["period"]]
    last = float(history.iloc[-1])
    growth = dict.fromkeys(years, 4.0)
    made = forecast_items(
        [Item("vat", 0.6 * last, 1.0, growth, "assumption", elasticity_error=0.3),
         Item("other", 0.4 * last, 0.8, growth, "assumption")], years,
    )  # fmt: skip
    found = reconcile_items(made, total)
    for year in years:
        assert found[year].items.sum() == pytest.approx(found[year].total, rel=1e-12)
        low, high = sorted(
            (made.table.loc[year, "total"], float(total.table["mean"].iloc[years.index(year)]))
        )
        assert low - 1e-6 <= found[year].total <= high + 1e-6


def test_items_tell_all_their_problems():
    bad = Item("a", np.nan, 1.0, {2025: 1.0}, "assumption",
               measures=[Measure("m", 1.0, dt.date(2025, 2, 1), "", dt.date(2025, 1, 1))],
               one_offs={2030: 1.0})  # fmt: skip
    with pytest.raises(InputError) as caught:
        forecast_items([bad, bad], [2025, 2027])
    assert len(caught.value.problems) >= 6


LINTAO = {"vat": (7833, 3916, 1371, 2546), "corporate_income_tax": (3156, 1894, 631, 631),
          "individual_income_tax": (778, 467, 156, 155),
          "resource_tax": (26, 0, 13, 13)}  # fmt: skip


def test_sharing_of_lintao_to_the_wan():
    split = split_gross({t: v[0] for t, v in LINTAO.items()}, "gansu", "2024-02-29")
    for row, (total, *printed) in zip(split.to_dict("records"), LINTAO.values(), strict=True):
        assert row["gross"] == row["central"] + row["province"] + row["county"] == total
        for level, amount in zip(("central", "province", "county"), printed, strict=True):
            assert abs(row[level] - amount) <= 1  # printed in whole 万元


def test_gross_and_local_revenue_of_lintao():
    # Gross 17,056 = central 7,716 + province 2,432 + city 6 + county 6,902: a factor of 2.5.
    levels = [
        catalog.load_series(f"lintao.{n}").values.iloc[0]
        for n in ("remitted_central", "remitted_province", "remitted_city", "local_revenue_county")
    ]
    assert sum(levels) == catalog.load_series("lintao.gross_revenue").values.iloc[0] == 17056


def test_sharing_refuses_unknown_taxes_and_wrong_shares():
    with pytest.raises(InputError) as caught:
        split_gross({"window_tax": 1.0, "salt_tax": 2.0}, "gansu", "2024-02-29")
    assert len(caught.value.problems) == 2
    with pytest.raises(InputError, match="add up to 90"):
        sharing_matrix("gansu", "2024-02-29", own={"deed_tax": {"county": 90.0}})
    own = sharing_matrix("gansu", "2024-02-29", own={"deed_tax": {"county": 100.0}})
    assert own["deed_tax"] == {"county": 100.0}
    with pytest.raises(InputError, match="vat"):  # business tax fell away in May 2016
        split_gross({"business_tax": 1.0}, "national", "2017-01-01")


@pytest.mark.parametrize("case", TARGETS, ids=lambda case: case["name"])
def test_jianghan_target(case):
    if "reaches" in case:
        path = case["value"] * (1 + case["growth_pct"] / 100) ** case["years"]
        assert round(path, 2) == case["reaches"]
    else:
        needed = growth_needed_pct(case["value"], case["target"], case["years"])
        assert round(needed, 2) == case["needed_pct"]
    if "in_all_pct" in case:
        assert round(100 * (case["target"] / case["value"] - 1), 2) == case["in_all_pct"]


def test_each_lever_alone_reaches_the_target():
    last, years, expected, target = 98.0, 5, 112.0, 137.0
    growth = growth_needed_pct(last, expected, years)
    table = levers_for(target, expected, last_value=last, years=years)
    need = table.set_index("lever")["amount"]
    assert last * (1 + (growth + need["extra_growth_each_year"]) / 100) ** years == pytest.approx(
        137
    )
    assert expected + need["one_off_in_target_year"] == pytest.approx(137)
    assert expected + years * need["phased_measure_each_year"] == pytest.approx(137)
    grown = need["measure_growing_with_revenue"] * (1 + growth / 100) ** (years - 1)
    assert expected + grown == pytest.approx(137)
    assert levers_for(100.0, 112.0, last_value=last, years=years).empty


def test_waterfall_steps_add_up():
    rng = np.random.default_rng(8)
    years = range(2021, 2029)
    for _ in range(50):
        base = pd.Series(rng.uniform(50, 150, 8), index=list(years))
        kinds = ("growth", "shock", "measure", "one_off")
        changes = [
            Adjustment(f"a{i}", kinds[int(rng.integers(4))],
                       {int(y): float(rng.normal(0, 9)) for y in rng.choice(list(years), 3, False)},
                       "assumption")
            for i in range(int(rng.integers(1, 9)))
        ]  # fmt: skip
        made = apply_adjustments(base, changes, last_actual=100.0)
        for year, part in made.steps.groupby("year"):
            total = part[part["kind"] == "scenario"]["amount_wan"].iloc[0]
            assert part[part["kind"] != "scenario"]["amount_wan"].sum() == pytest.approx(
                total, abs=1e-9
            )
            assert made.path[year] == total


def test_error_of_the_base_counts() -> None:
    # Year 1: 100 · 1.2 · 2 % = 2.4. Year 2 adds (106 · 1.2 · 2 %)² = 2.544²: √(2.4² + 2.544²).
    item = Item(
        "vat", 100.0, 1.2, {2025: 5.0, 2026: 5.0}, "assumption",
        base_growth_error_pct=2.0,
    )  # fmt: skip
    spread = forecast_items([item], [2025, 2026]).spread["vat"]
    assert spread[2025] == pytest.approx(2.4)
    assert spread[2026] == pytest.approx((2.4**2 + 2.544**2) ** 0.5)


@pytest.mark.parametrize(
    "change",
    [
        {"one_offs": {2025: float("nan")}},
        {"measures": [Measure("m", float("nan"), dt.date(2025, 1, 1), "assumption")]},
        {"base_growth_error_pct": float("inf")},
    ],
)
def test_missing_amounts_are_refused_and_never_nought(change) -> None:
    item = Item("a", 100.0, 1.0, {2025: 1.0}, "assumption", **change)
    with pytest.raises(InputError, match="a"):
        forecast_items([item], [2025])


def test_no_years_is_one_clear_problem() -> None:
    item = Item("a", 1.0, 1.0, {2025: 1.0}, "xx", one_offs={2025: 1.0})
    with pytest.raises(InputError) as caught:
        forecast_items([item], [])
    assert [problem.where for problem in caught.value.problems] == ["years"]


def test_missing_gross_stays_missing() -> None:
    made = split_gross({"vat": float("nan")}, "gansu", "2024-02-29")
    assert made.drop(columns="tax").isna().all().all()
