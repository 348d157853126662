"""Revenue by item in a scenario file: sums, the total, what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

import fiscalmodel as fm
from fiscalmodel.errors import InputError
from fiscalmodel.revenue.nowcast import Nowcast
from fiscalmodel.scenario.outcome import Outcome

FILE = Path("params/scenarios/sample_county/by_item.yaml")
STEPS = ["last_year_wan", "one_offs_out_wan", "base_growth_wan", "measures_wan", "one_offs_wan"]


@pytest.fixture(scope="module")
def outcome(project: Path) -> Outcome:
    return fm.evaluate(fm.load_scenario(project / FILE))


def test_items_by_hand(outcome: Outcome) -> None:
    at = outcome.items.set_index(["item", "year"])["forecast_wan"]
    # 21,495 × (1 + 1.0 × 4.5 %)
    assert at["增值税", 2026] == pytest.approx(22_462.275)
    # 8,127 × (1 + 1.2 × 4 %)
    assert at["企业所得税", 2026] == pytest.approx(8_517.096)
    # Relief of 600 a year from July 2026: 184 of 365 days, then the rest of it.
    assert at["其他税收", 2026] == pytest.approx(15_025 * 1.03 - 600 * 184 / 365)
    assert at["其他税收", 2027] == pytest.approx(
        (15_025 * 1.03 - 600 * 184 / 365) * 1.03 - 600 * 181 / 365
    )
    # (34,009 − 2,500) × 1.01, then × 1.01 and 1,800 once, which the year after leaves out.
    assert at["非税收入", 2026] == pytest.approx(31_509 * 1.01)
    assert at["非税收入", 2027] == pytest.approx(31_509 * 1.01**2 + 1_800)
    assert at["非税收入", 2028] == pytest.approx(31_509 * 1.01**3)


def test_parts_add_up_to_the_whole(outcome: Outcome) -> None:
    items = outcome.items
    assert (items[STEPS].sum(axis=1) - items["forecast_wan"]).abs().max() < 1e-9 * 1e5
    baseline = outcome.revenue.dropna(subset=["baseline_wan"]).set_index("year")["baseline_wan"]
    total = items.groupby("year")["reconciled_wan"].sum()
    assert (total - baseline).abs().max() < 1e-9 * baseline.max()
    steps = outcome.waterfall[outcome.waterfall["step"] == "baseline"].set_index("year")
    assert (steps["amount_wan"] - baseline).abs().max() < 1e-9 * baseline.max()


def test_total_lies_between_the_model_and_the_items(outcome: Outcome, project: Path) -> None:
    alone = fm.evaluate(fm.load_scenario(project / "params/scenarios/sample_county/baseline.yaml"))
    model = alone.revenue.set_index("year")["baseline_wan"].dropna()
    items = outcome.items.groupby("year")["forecast_wan"].sum()
    agreed = outcome.items.groupby("year")["reconciled_wan"].sum()
    for year in agreed.index:
        low, high = sorted((model[year], items[year]))
        assert low <= agreed[year] <= high
    note = next(note for note in outcome.notes if "调和" in note.zh)
    assert f"{items[2028] / 1e4:.2f}" in note.zh
    assert f"{model[2028] / 1e4:.2f}" in note.en


BASELINE = """\
name: {zh: 基准, en: Baseline}
region: sample_county
as_of: 2025-12-31
years: {first: 2026, last: 2028}
synthetic: true
revenue: {series: sample_county.general_public_budget_revenue}
"""


def changed(folder: Path, old: str, new: str, project: Path) -> Path:
    text = (project / FILE).read_text(encoding="utf-8")
    assert old in text
    made = folder / "by_item.yaml"
    made.write_text(text.replace(old, new), encoding="utf-8")
    (folder / "baseline.yaml").write_text(BASELINE, encoding="utf-8")
    return made


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("      last_wan: 21614\n", "      last_wan: 11614\n", "add up to 92,785"),
        ("      last_wan: 21614\n", "", "either series or last_wan"),
        ("      series: sample_county.vat\n", "      series: sample_county.vta\n", "vta"),
        (
            "      series: sample_county.vat\n",
            "      series: sample_county.tax_revenue_monthly\n",
            "not yearly",
        ),
        ("{2026: -3.0, 2027: 0.0, 2028: 1.0}", "{2026: -3.0, 2027: 0.0}", "2028"),
        ("one_offs_wan: {2027: 1800}", "one_offs_wan: {2035: 1800}", "2035"),
        ("elasticity: 1.2", "elasticity: .inf", "elasticity"),
        ("          start: 2026-07-01\n", "", "start"),
    ],
)
def test_bad_items_are_refused(
    old: str, new: str, said: str, project: Path, tmp_path: Path
) -> None:
    made = changed(tmp_path, old, new, project)
    with pytest.raises(InputError, match=said):
        fm.evaluate(fm.load_scenario(made))


def scenario(folder: Path, more: str, series: str = "general_public_budget_revenue") -> Path:
    made = folder / "one.yaml"
    text = BASELINE.replace("revenue: {series: sample_county.general_public_budget_revenue}", "")
    made.write_text(f"{text}revenue:\n  series: sample_county.{series}\n{more}", encoding="utf-8")
    return made


def test_a_measure_that_takes_revenue_below_nought_is_refused(tmp_path: Path) -> None:
    more = """\
  adjustments:
    cut:
      name: {zh: 减收, en: Cut}
      kind: measure
      amount_wan: {2027: -3000000}
      source: assumption
"""
    with pytest.raises(InputError, match="below nought"):
        fm.evaluate(fm.load_scenario(scenario(tmp_path, more)))


def test_fund_revenue_is_no_budget_revenue(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="政府性基金"):
        fm.evaluate(fm.load_scenario(scenario(tmp_path, "", "land_sale_revenue")))


def test_a_target_beyond_the_scenario_is_said(tmp_path: Path) -> None:
    more = "  target: {year: 2030, value_wan: 130000, source: assumption}\n"
    made = fm.evaluate(fm.load_scenario(scenario(tmp_path, more)))
    assert made.target is None
    assert any("2030" in note.en for note in made.notes)


def test_growth_in_the_first_year_after_forecast_years(tmp_path: Path) -> None:
    more = """\
  adjustments:
    path:
      name: {zh: 增速, en: Growth}
      kind: growth
      pct: {2027: 10}
      source: assumption
"""
    file = scenario(tmp_path, more)
    file.write_text(file.read_text(encoding="utf-8").replace("first: 2026", "first: 2027"))
    made = fm.evaluate(fm.load_scenario(file))
    before = made.forecast.table["mean"].iloc[0]  # 2026, itself a forecast
    first = made.revenue[made.revenue["year"] == 2027]["scenario_wan"].item()
    assert first == pytest.approx(1.1 * before)


@pytest.mark.parametrize("growth", ["900", "{2026: 900, 2027: 1, 2028: 1}"])
def test_a_growth_out_of_range_is_said_once(growth: str, project: Path, tmp_path: Path) -> None:
    made = changed(tmp_path, "base_growth_pct: 4.5", f"base_growth_pct: {growth}", project)
    with pytest.raises(InputError) as caught:
        fm.load_scenario(made)
    assert [problem.hint for problem in caught.value.problems] == [
        "must be at most 200; check the unit in the key's name"
    ]


def test_the_year_under_way_is_a_scenario_key(tmp_path: Path) -> None:
    given = "  nowcast: {series: sample_county.general_public_budget_revenue_monthly, "
    made = fm.evaluate(fm.load_scenario(scenario(tmp_path, given + "budget_wan: 90000}\n")))
    item = "budget_wan: 90000, items: {税收收入: sample_county.tax_revenue_monthly}}\n"
    by_item = fm.evaluate(fm.load_scenario(scenario(tmp_path, given + item))).nowcast
    assert fm.evaluate(fm.load_scenario(scenario(tmp_path, ""))).nowcast is None
    series = fm.load_series("sample_county.general_public_budget_revenue_monthly")
    alone = fm.nowcast_year(series, budget=90_000)
    assert made.nowcast.full_year.equals(alone.full_year)
    assert made.answers[1] == made.nowcast.answer
    assert "9.00 亿元" in made.nowcast.answer("en")
    # What the one item named leaves open is an item of its own, and all add up.
    table = by_item.table.set_index("item")["mean"]
    assert list(table.index) == ["税收收入", "其他 other", "合计 total"]
    assert table.iloc[:-1].sum() == pytest.approx(table.iloc[-1], rel=1e-12)
    assert table.iloc[-1] == pytest.approx(alone.full_year["mean"], rel=1e-12)


def test_a_monthly_plan_is_a_scenario_key(tmp_path: Path) -> None:
    months = [f"2025-{m:02}" for m in range(1, 13)]
    plan = [8_000.0 * m for m in range(1, 12)] + [100_000.0]

    def nowcast(rows: list[str]) -> Nowcast:
        text = "\n".join(["单位：万元,", "月份,计划累计", *rows])
        (tmp_path / "plan.csv").write_text(text, encoding="utf-8")
        given = "  nowcast: {series: sample_county.general_public_budget_revenue_monthly, "
        more = given + "plan: {file: plan.csv}}\n"
        return fm.evaluate(fm.load_scenario(scenario(tmp_path, more))).nowcast

    found = nowcast([f"{m},{v:.0f}" for m, v in zip(months, plan, strict=True)])
    # The plan's full year at the progress so far.
    wanted = found.to_date * 100_000 / plan[found.as_of.month - 1]
    assert found.full_year["mean"] == pytest.approx(wanted)
    with pytest.raises(InputError, match="twelve cumulative"):
        nowcast([f"{m},{v:.0f}" for m, v in zip(months[:9], plan, strict=False)])


def test_a_driver_is_a_scenario_key_and_said(tmp_path: Path) -> None:
    more = "  drivers: sample_county.tax_revenue\n"
    made = fm.evaluate(fm.load_scenario(scenario(tmp_path, more)))
    assert any("driver" in note for note in made.forecast.notes)
    # It ends before the history, which is an error that names the years.
    (tmp_path / "gdp.csv").write_text("年份,地区生产总值（亿元）\n2016,100\n2017,110\n", "utf-8")
    with pytest.raises(InputError, match="the driver lacks 2014"):
        fm.evaluate(fm.load_scenario(scenario(tmp_path, "  drivers: {file: gdp.csv}\n")))
