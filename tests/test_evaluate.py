"""From scenario to outcome, on published figures and on the synthetic county."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import fiscalmodel as fm
from fiscalmodel.debt.clearance import whatif
from fiscalmodel.errors import InputError
from fiscalmodel.present.summary import summarise
from fiscalmodel.scenario.outcome import RESULTS
from fiscalmodel.scenario.schema import ExpenditureSpec

JIANGHAN = "params/scenarios/jianghan"
SAMPLE = "params/scenarios/sample_county"


@pytest.fixture(scope="module")
def outcomes(project: Path) -> dict[str, Any]:
    names = [f"{folder}/{n}" for folder in (JIANGHAN, SAMPLE) for n in ("baseline", "pessimistic")]
    return {n: fm.evaluate(fm.load_scenario(project / f"{n}.yaml")) for n in names}


def test_jianghan_history_is_linked_to_2019(outcomes: dict[str, Any]) -> None:
    outcome = outcomes[f"{JIANGHAN}/baseline"]
    past = outcome.revenue.set_index("year")
    linked = (past.loc[2015:2019, "linked_wan"] / 1e4).round(2).tolist()
    assert linked == [94.62, 111.36, 131.48, 136.51, 130.62]
    assert past.loc[2015:2020, "published_wan"].tolist() == [
        687400, 1235000, 1314800, 1365100, 1306200, 980000,
    ]  # fmt: skip
    assert past.loc[2020, "kind"] == "estimate"
    assert round(outcome.link.mean_growth_pct, 2) == 8.39


def test_jianghan_says_what_it_does_not_have(outcomes: dict[str, Any]) -> None:
    outcome = outcomes[f"{JIANGHAN}/baseline"]
    assert outcome.debt is None
    assert outcome.commissions is None
    assert set(outcome.reasons) == {"debt", "commissions", *RESULTS}
    assert outcome.missing == [outcome.reasons["debt"], outcome.reasons["commissions"]]
    assert outcome.part("idle") == outcome.reasons["idle"]
    text = " ".join(note.zh for note in outcome.notes)
    assert "2020年预计数" in text
    assert "75.86%" in text
    assert "7,314" in text
    assert "三保" in text
    assert "available_wan" not in outcome.balance


def test_jianghan_expenditure_and_target(outcomes: dict[str, Any]) -> None:
    outcome = outcomes[f"{JIANGHAN}/baseline"]
    at_2025 = outcome.balance.set_index("year").loc[2025, "expenditure_wan"]
    assert round(at_2025 / 1e4, 2) == 89.98  # 84.6 × 1.0124^5
    assert round(outcome.target.growth_needed_pct, 2) == 6.93
    assert round((1.37e6 / 1306200 - 1) * 100, 2) == 4.88


def test_bands_hold_the_scenario(outcomes: dict[str, Any]) -> None:
    for outcome in outcomes.values():
        ahead = outcome.revenue[outcome.revenue["kind"] == "forecast"]
        assert (ahead["lo-95"] <= ahead["lo-80"]).all()
        assert (ahead["lo-80"] <= ahead["scenario_wan"]).all()
        assert (ahead["scenario_wan"] <= ahead["hi-80"]).all()
        assert (ahead["hi-80"] <= ahead["hi-95"]).all()


def test_a_lower_revenue_lowers_what_can_be_repaid(outcomes: dict[str, Any]) -> None:
    base, low = outcomes[f"{SAMPLE}/baseline"], outcomes[f"{SAMPLE}/pessimistic"]
    assert (low.balance["available_wan"] < base.balance["available_wan"]).all()
    assert float(low.debt["hidden_wan"].iloc[-1]) >= float(base.debt["hidden_wan"].iloc[-1])
    step = base.balance["revenue_wan"] - low.balance["revenue_wan"]
    less = base.balance["available_wan"] - low.balance["available_wan"]
    pd.testing.assert_series_equal(step, less, check_names=False)


def test_the_balance_adds_up(outcomes: dict[str, Any]) -> None:
    frame = outcomes[f"{SAMPLE}/baseline"].balance
    given = frame["revenue_wan"] + frame["transfers_wan"] + frame["other_resources_wan"]
    taken = frame["sanbao_need_wan"] + frame["statutory_debt_service_wan"]
    left = given - taken - frame["other_commitments_wan"]
    pd.testing.assert_series_equal(
        left, frame["available_wan"] - frame["shortfall_wan"], check_names=False
    )


def test_statutory_debt_holds_the_bonds_outstanding(
    project: Path, outcomes: dict[str, Any]
) -> None:
    outcome = outcomes[f"{SAMPLE}/baseline"]
    # 18,000 + 22,000 + 16,000 + 12,000 general and 30,000 + 26,000 + ... special, from the file
    bonds = pd.read_csv(project / "data/synthetic_sample_county_statutory_bonds.csv")
    frame, plan = outcome.debt, outcome.plan.by_year
    assert (frame["existing_bonds_wan"] == bonds["amount_wan"].sum()).all()
    added = frame["statutory_wan"] - plan["statutory_wan"]
    assert added.tolist() == frame["existing_bonds_wan"].tolist()
    sums = frame["hidden_wan"] + frame["statutory_wan"] + frame["by_contract_wan"]
    pd.testing.assert_series_equal(frame["total_wan"], sums, check_names=False)


def test_synthetic_data_say_so(outcomes: dict[str, Any]) -> None:
    for name, outcome in outcomes.items():
        assert ("合成数据" in " ".join(n.zh for n in outcome.notes)) == name.startswith(SAMPLE)


def test_one_evaluation_never_changes_another(project: Path) -> None:
    base = fm.load_scenario(project / SAMPLE / "baseline.yaml")
    before = fm.evaluate(base).tables()
    some = fm.evaluate(base, until="debt")
    assert some.table.equals(fm.evaluate(base).table)
    assert "debt" in str(some.part("budgets"))
    with pytest.raises(fm.InputError, match="balances"):
        fm.evaluate(base, until="balances")
    fm.evaluate(fm.load_scenario(project / SAMPLE / "pessimistic.yaml"))
    after = fm.evaluate(base).tables()
    assert list(before) == list(after)
    for name, frame in before.items():
        pd.testing.assert_frame_equal(frame, after[name])


def test_compare_puts_scenarios_side_by_side(outcomes: dict[str, Any]) -> None:
    table = fm.compare(list(outcomes.values())).table
    assert list(table.columns[:3]) == ["part", "metric", "period"]
    row = table[(table["metric"] == "scenario_wan") & (table["period"] == "2026")].iloc[0]
    assert row["sample_county/baseline"] > row["sample_county/pessimistic"]
    debt = table[table["part"] == "debt"]
    assert debt["jianghan/baseline"].isna().all()  # missing, not 0
    with pytest.raises(InputError, match="named twice"):
        fm.compare([outcomes[f"{SAMPLE}/baseline"]] * 2)


def test_expenditure_by_year_and_its_gaps() -> None:
    from fiscalmodel.scenario.part_balance import expenditure_path

    named = ExpenditureSpec(amount_wan={2021: 5.0}, source="plan")
    assert expenditure_path(named, [2021]) == [5.0]
    with pytest.raises(InputError, match="no amount for 2022"):
        expenditure_path(named, [2021, 2022])
    grown = ExpenditureSpec(base_year=2020, base_wan=100.0, growth_pct={2021: 10.0}, source="plan")
    with pytest.raises(InputError, match="no growth for 2022"):
        expenditure_path(grown, [2021, 2022])


def test_fitting_across_a_break_is_refused_unless_told(project: Path, tmp_path: Path) -> None:
    for name in ("params", "data"):
        shutil.copytree(project / name, tmp_path / name)
    folder = tmp_path / JIANGHAN
    broken = folder / "broken.yaml"
    broken.write_text("extends: baseline.yaml\nrevenue: {like_for_like: false}\n", "utf-8")
    with pytest.raises(InputError, match="calibre breaks in 2016, 2017"):
        fm.evaluate(fm.load_scenario(broken))
    broken.write_text(
        "extends: baseline.yaml\nrevenue: {like_for_like: false, allow_break: true}\n", "utf-8"
    )
    notes = fm.evaluate(fm.load_scenario(broken)).notes
    assert any("警告" in note.zh and "2016、2017" in note.zh for note in notes)


def test_an_outcome_shows_its_answers_and_a_short_table(outcomes: dict[str, Any]) -> None:
    outcome = outcomes[f"{SAMPLE}/baseline"]
    assert len(repr(outcome)) < 2_000
    html = outcome._repr_html_()
    assert html.index("fm-answer") < html.index("<table>")
    assert outcome.table["year"].tolist() == [2026, 2027, 2028]
    ends = outcome.debt.groupby(outcome.debt["period"].astype(str).str[:4]).last()
    assert outcome.table["hidden_wan"].tolist() == ends["hidden_wan"].tolist()
    bare = outcomes[f"{JIANGHAN}/baseline"]
    assert "debt" in str(bare.part("debt"))
    assert "no clearance plan" in repr(bare.plot("debt", "en"))
    assert bare.steps() is None
    with pytest.raises(InputError, match="no chart"):
        bare.plot("nothing")


def test_the_steps_add_up_to_the_scenario(outcomes: dict[str, Any]) -> None:
    outcome = outcomes[f"{SAMPLE}/pessimistic"]
    steps = outcome.steps()
    inner = steps.loc[~steps["adjustment"].isin(["scenario"]), "amount_wan"].sum()
    last = outcome.revenue.set_index("year").loc[outcome.focus, "scenario_wan"]
    assert inner == pytest.approx(last)
    axis = outcome.plot("steps", "en").figure.axes[0]
    assert axis.patches[-1].get_height() == pytest.approx(last / 1e4)


def test_charts_draw_the_figures_of_the_frames(outcomes: dict[str, Any]) -> None:
    outcome = outcomes[f"{SAMPLE}/baseline"]
    bars = outcome.plot("debt", "en").figure.axes[0].patches
    total = sum(bar.get_height() for bar in bars)
    ends = outcome.debt.groupby(outcome.debt["period"].astype(str).str[:4]).last()
    assert total == pytest.approx(ends["total_wan"].sum() / 1e4)
    line = outcome.plot("revenue", "en").figure.axes[0].lines[0]
    past = outcome.revenue[outcome.revenue["kind"] != "forecast"]
    assert line.get_ydata().tolist() == (past["linked_wan"] / 1e4).tolist()


def test_scenarios_and_plans_are_compared(outcomes: dict[str, Any]) -> None:
    pair = [outcomes[f"{SAMPLE}/baseline"], outcomes[f"{SAMPLE}/pessimistic"]]
    compared = fm.compare(pair)
    assert list(compared.names("zh").values()) == ["基准情景", "悲观情景"]
    assert "基准情景" in compared.in_words("zh").columns
    assert "debt.quota_shock_pct" in compared.changes("en")["key"].tolist()
    heights = [bar.get_height() for bar in compared.plot("debt", "zh").figure.axes[0].patches]
    assert heights[:3] == pytest.approx((pair[0].table["hidden_wan"] / 1e4).tolist())
    assert [len(c.compared) for c in fm.compare(list(outcomes.values())).by_region()] == [2, 2]
    plans = fm.compare([o.plan for o in pair])
    assert plans.table.columns.tolist()[-2:] == ["plan 1", "plan 2"]
    cost = plans.table.set_index("metric").loc["cost_wan", "plan 1"]
    assert cost == pytest.approx(pair[0].plan.cost_wan)


def test_the_ratio_before_clearance_is_that_of_the_newest_year_known() -> None:
    """2025: (68,000 + 90,000 + 174,000 + 6,000) / (102,785 + 150,000) = 338,000 / 252,785."""
    case = fm.load_scenario("params/scenarios/sample_county/baseline.yaml")
    table = fm.evaluate(case).risk.table.set_index("year")
    assert table.index[0] == 2025
    assert table.loc[2025, "risk_ratio_pct"] == pytest.approx(338000 / 252785 * 100, abs=1e-9)
    # Transfers that are given for the years ahead alone leave nothing to measure it by.
    ahead = {2026: 153000.0, 2027: 155500.0, 2028: 158000.0}
    without = fm.evaluate(case.change({"balance.transfers_wan": ahead})).risk.table
    assert without["year"].min() == 2026


def test_what_the_budget_spends_elsewhere_is_not_there_for_clearance() -> None:
    """2026: income 104,778.43 + 153,000, needs 204,800 + 4,800 + 18,300 = 227,900.

    Spending 245,000: the other 17,100 are committed, 257,778.43 - 245,000 = 12,778.43 are left
    of 29,878.43. Spending 270,000 in 2027 is above the income of 261,967.33: nothing is left,
    and no need is short.
    """
    case = fm.load_scenario(BASELINE)
    spent = {"expenditure": {"amount_wan": {2026: 245_000.0, 2027: 270_000.0, 2028: 240_000.0},
                             "source": "预算"}}  # fmt: skip
    limited = fm.evaluate(case.change(spent), until="debt")
    balance = limited.balance.set_index("year")
    assert balance["available_wan"].round(2).tolist() == [12_778.43, 0.0, 26_073.03]
    assert balance["shortfall_wan"].tolist() == [0.0, 0.0, 0.0]
    assert balance["other_commitments_wan"].round(2).tolist() == [35_400.0, 48_667.33, 22_950.0]
    money = limited.plan.by_source.set_index(["source_id", "year"])["available_wan"]
    assert round(money["FS-GPB", "2026"], 2) == 12_778.43
    (note,) = [n.zh for n in limited.notes if "支出预算270,000万元" in n.zh]
    assert "其余36,000万元支出情景没有说明压减" in note
    assert "spent.expenditure" in note
    # The scenario says that it is cut.
    cut = fm.evaluate(case.change(spent | {"confirmed": {"spent.expenditure": "压减方案已批"}}))
    assert round(cut.balance["available_wan"].iloc[0], 2) == 29_878.43
    assert any("按情景须为化债压减（压减方案已批）" in n.zh for n in cut.notes)
    # Whether or not clearance takes its money from this budget.
    apart = fm.evaluate(case.change(spent | {"debt.general_budget_source": None}), until="balance")
    assert apart.balance["available_wan"].tolist() == limited.balance["available_wan"].tolist()


BASELINE = "params/scenarios/sample_county/baseline.yaml"


def test_guardrails_take_the_interest_of_the_bonds_themselves() -> None:
    """18,000 × 3.31 % + 22,000 × 3.26 % + 16,000 × 2.87 % + 12,000 × 2.22 % = 2,038.60.

    The budget's line of 4,800 holds the special bonds' interest too. Spending is 257,778.43.
    """
    outcome = fm.evaluate(fm.load_scenario(BASELINE))
    table = outcome.guardrails.table.set_index(["rule", "year"])
    assert outcome.guardrails.amounts["general_interest_wan"].round(2).tolist() == [2038.6] * 3
    assert round(table.loc[("general_interest_share", 2026), "share_pct"], 4) == 0.7908
    # Special interest is stated in the guardrails' own table.
    assert outcome.guardrails.amounts["special_interest_wan"].tolist() == [1500, 1450, 1400]


def test_entered_limits_are_guardrails_raised_by_the_quota_as_it_comes(
    project: Path, tmp_path: Path
) -> None:
    """Special: 100,000 + 25,000 (and + 22,000, + 13,000); debt 90,000 + what is replaced."""
    limits = pd.DataFrame({"year": [2026, 2027, 2028], "general_limit_wan": [90_000.0] * 3,
                           "special_limit_wan": [100_000.0] * 3})  # fmt: skip
    for name in ("params", "data"):
        shutil.copytree(project / name, tmp_path / name)
    limits.to_csv(tmp_path / "data/limits_here.csv", index=False)
    file = tmp_path / SAMPLE / "limited.yaml"
    file.write_text("extends: baseline.yaml\ndebt: {limits: data/limits_here.csv}\n", "utf-8")
    outcome = fm.evaluate(fm.load_scenario(file))
    amounts = outcome.guardrails.amounts
    assert amounts["special_limit_wan"].tolist() == [125_000, 147_000, 160_000]
    assert amounts["special_debt_wan"].round(2).tolist() == [115_000, 137_000, 150_000]
    shares = outcome.guardrails.table.query("rule == 'special_debt_limit'")["share_pct"]
    assert shares.round(2).tolist() == [92.0, 93.2, 93.75]
    assert outcome.risk.table["special_headroom_wan"].tail(3).round(2).tolist() == [10_000] * 3


def test_interest_of_the_bonds_above_the_budget_s_line_ranks_before_clearance() -> None:
    """General 2,038.60 + special 2,705.60 = 4,744.20; the line says 4,000: 744.20 comes off.

    Special: 30,000 × 3.55 % + 26,000 × 3.02 % + 14,000 × 2.91 % + 20,000 × 2.24 % = 2,705.60.
    """
    service = dict.fromkeys((2026, 2027, 2028), 4_000.0)
    case = fm.load_scenario(BASELINE).change({"balance.statutory_debt_service_wan": service})
    outcome = fm.evaluate(case)
    # Off the general budget's money and the idle 3,000 that it has taken back, in proportion.
    left = outcome.balance["available_wan"].iloc[0] + 3_000
    money = outcome.plan.by_source.query("year == '2026'").set_index("source_id")["available_wan"]
    assert round(left - money["FS-GPB"] - money["FS-IDLE"], 2) == 744.20
    assert any("差额744.20万元先行扣除" in note.zh for note in outcome.notes)
    kept = fm.evaluate(fm.load_scenario(BASELINE))
    assert not any("差额" in note.zh for note in kept.notes)


def test_spending_lines_that_are_another_budget_do_not_tell_whether_the_plan_balances() -> None:
    """The sample's lines of 2026 come to what its needs are, 227,900 万元, with a clearance line.

    Beside a budgeted expenditure of 240,000 they are 12,100 short, and a warning says so.
    """
    case = fm.load_scenario(BASELINE)
    whole = fm.evaluate(case).medium_term
    assert not [found for found in whole.found if found.rule == "lines_apart"]
    spent = {"amount_wan": {2026: 240_000.0, 2027: 245_000.0, 2028: 250_000.0}, "source": "预算"}
    outcome = fm.evaluate(case.change({"expenditure": spent}))
    (found,) = [f for f in outcome.medium_term.found if f.rule == "lines_apart"]
    assert found.severity == "warning"
    assert "2026年相差-12,100万元" in found.said.zh
    assert "能否平衡不能据此判断" in outcome.medium_term.answer.zh
    assert any("支出预算不一致" in told.zh for told in summarise(outcome).warnings)


def test_answers_are_worked_out_where_they_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    least = whatif.least_total
    monkeypatch.setattr(whatif, "least_total", lambda p: asked.append(p) or least(p))
    outcome = fm.evaluate(fm.load_scenario("params/scenarios/sample_county/pessimistic.yaml"))
    assert outcome.tables()
    assert asked == []
    assert set(outcome.plan.answer) <= set(outcome.answers)
    assert outcome.answers is outcome.answers
    assert len(asked) == 1
