"""The budget's account, what is left for clearing debt, the medium-term plan, guardrails."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import yaml

from fiscalmodel.budget.account import close_balance
from fiscalmodel.budget.available import available_for_clearance
from fiscalmodel.budget.guardrails import LocalBound, check_guardrails, guardrails
from fiscalmodel.budget.medium_term import fund_carry_over_excess, medium_term_plan, surplus_use
from fiscalmodel.errors import InputError

CASES = Path(__file__).parent / "cases"


def cases(name: str) -> list[dict]:
    return yaml.safe_load((CASES / name).read_text(encoding="utf-8"))


IDENTITY, AVAILABLE = cases("balance_identity.yaml"), cases("balance_available.yaml")
GUARDRAILS = cases("balance_guardrails.yaml")


@pytest.mark.parametrize("case", IDENTITY, ids=[case["name"] for case in IDENTITY])
def test_identity(case):
    closed = close_balance(case["input"], scope=case["scope"])
    expected = case["output"]
    assert closed.resources_wan == expected["resources_wan"]
    assert closed.uses_wan == expected["uses_wan"]
    assert closed.carry_over_wan == expected["carry_over_wan"]
    assert len(closed.findings) == expected["findings"]
    assert closed.closes == (expected["findings"] == 0)


def test_published_figures_of_gangu(shared_facts):
    table = pd.read_csv(shared_facts / "real_counties.csv")
    for scope, total in (("一般公共预算", 451_227), ("政府性基金", 60_473)):
        of_2024 = table["entity"].eq("甘谷县") & table["period"].str.startswith("2024")
        rows = table[of_2024 & (table["budget_scope"] == scope)]
        items = dict(zip(rows["indicator_zh"], rows["value"].astype(float), strict=True))
        closed = close_balance(items, scope=scope)
        assert closed.resources_wan == total
        assert closed.closes


@pytest.mark.parametrize("case", AVAILABLE, ids=[case["name"] for case in AVAILABLE])
def test_available(case):
    left = available_for_clearance(**case["input"])
    assert left["available_wan"].tolist() == case["available"]
    assert left["shortfall_wan"].tolist() == case["shortfall"]
    assert len(left.findings) == sum(1 for short in case["shortfall"] if short)
    assert float(left) == sum(case["available"])


@pytest.mark.parametrize(
    ("items", "words"),
    [
        ({"收入": 1, "开支": 2}, "did you mean '支出'"),
        ({"支出": 2}, "revenue line is missing"),
        ({"收入": 1}, "expenditure line is missing"),
        ({"收入": 1, "revenue": 1, "支出": 1}, "given twice"),
        ({"收入": -1, "支出": 1}, "negative"),
        ({"收入": None, "支出": 1}, "missing"),
        ({"收入": float("nan"), "支出": 1}, "missing"),
    ],
)
def test_bad_accounts(items, words):
    with pytest.raises(InputError, match=words):
        close_balance(items)


def test_the_stabilisation_fund_is_not_in_the_fund_budget():
    with pytest.raises(InputError, match="does not exist in the government funds budget"):
        close_balance({"收入": 1, "支出": 1, "动用预算稳定调节基金": 1}, scope="fund")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"sanbao_need": -1}, "negative"),
        ({"sanbao_need": float("nan")}, "missing"),
        ({"resources": {2026: 1.0}, "sanbao_need": {2027: 1.0}}, "periods differ"),
        ({"resources": [1.0, 2.0], "sanbao_need": [1.0, 2.0, 3.0]}, "values for"),
        ({"resources": "many"}, "not a number"),
    ],
)
def test_bad_needs(change, words):
    with pytest.raises(InputError, match=words):
        available_for_clearance(**{"resources": 10.0, "sanbao_need": 1.0, **change})


@pytest.mark.parametrize("case", GUARDRAILS, ids=[case["name"] for case in GUARDRAILS])
def test_guardrails(case):
    checked = check_guardrails(pd.DataFrame([case["input"]]), region="jianghan")
    line = checked.table.set_index("rule").loc[case["rule"]]
    assert line["share_pct"] == pytest.approx(case["share_pct"], abs=5e-5)
    assert line["margin_wan"] == pytest.approx(case["margin_wan"], abs=1e-6)
    assert line["source"]
    findings = guardrails(pd.DataFrame([case["input"]]), region="jianghan")
    assert findings["rule"].tolist() == case["broken"]


def test_guardrails_by_year_and_day():
    frame = pd.DataFrame(
        {"year": [2015, 2024], "livelihood_wan": [1.0, 1.0], "expenditure_wan": [10.0, 10.0]}
    )
    # No floor is known for 2015.
    own = {"region": "jianghan"}
    assert check_guardrails(frame, **own).table["year"].tolist() == [2024]
    assert check_guardrails(frame, on="2024-01-01", **own).table["year"].tolist() == [2015, 2024]
    # The floor is that of one district, and of no other county.
    assert check_guardrails(frame).table.empty
    bound = {"livelihood_share": LocalBound(70.0, "本地文件")}
    other = check_guardrails(frame, local=bound).table
    assert other["threshold_pct"].tolist() == [70.0, 70.0]
    assert other["source"].tolist() == ["本地文件", "本地文件"]


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        ({"ppp_wan": [1.0]}, "column 'year'"),
        ({"year": [2024, 2024], "ppp_wan": [1.0, 1.0]}, "stands twice"),
        ({"year": [2024], "ppp_wan": [-1.0]}, "ppp_wan: -1"),
        ({"year": [2024], "expenditure_wan": [0.0]}, "not a possible amount"),
        ({"year": [2024], "ppp_wan": ["a lot"]}, "a number belongs"),
        ({"year": ["soon"], "ppp_wan": [1.0]}, "is no period"),
    ],
)
def test_bad_guardrails(frame, words):
    with pytest.raises(InputError, match=words):
        guardrails(pd.DataFrame(frame))


def line(year: int, name: str, standard: float, number: float, **change: object) -> dict:
    row = {
        "year": year, "line": name, "project_class": "保障运转", "standard_wan": standard,
        "number": number, "basis": "编制数×公用经费标准",
    }  # fmt: skip
    return {**row, **change}


LINES = pd.DataFrame([line(year, "公用经费", 2.5, 400) for year in (2026, 2027, 2028)])


def test_medium_term_plan_by_hand():
    """Resources 1,100, 950, 980; lines 1,000 a year; a reform saves 30 in 2028; the fund holds 20.

    2026: +100 into the fund, 120. 2027: −50 from the fund, 70. 2028: 980 − 970 = +10, 80.
    """
    plan = medium_term_plan(
        {2026: 1100.0, 2027: 950.0, 2028: 980.0},
        LINES,
        pd.DataFrame(
            [
                {
                    "year": 2028,
                    "measure": "合并机构",
                    "side": "use",
                    "amount_wan": -30,
                    "basis": "改革",
                }
            ]
        ),
        fund_opening_wan=20,
        on="2026-01-01",
    )
    table = plan.table.set_index("year")
    assert table["baseline_gap_wan"].tolist() == [100, -50, -20]
    assert table["balance_wan"].tolist() == [100, -50, 10]
    assert table["fund_closing_wan"].tolist() == [120, 70, 80]
    assert table["shortfall_wan"].tolist() == [0, 0, 0]
    assert plan.ceiling_wan == 1000
    assert plan.findings.empty


def test_medium_term_shortfall_and_roll():
    first = medium_term_plan(
        {2026: 900.0, 2027: 1000.0, 2028: 1000.0}, LINES, fund_opening_wan=40, on="2026-01-01"
    )
    assert first.table["shortfall_wan"].tolist() == [60, 0, 0]
    assert first.findings["where"].tolist() == ["2026"]
    rolled = medium_term_plan(
        {2027: 1000.0, 2028: 1000.0, 2029: 1000.0},
        pd.DataFrame(
            [line(2027, "公用经费", 2.5, 400), line(2028, "公用经费", 2.6, 400),
             line(2029, "公用经费", 2.6, 400)]
        ),
        on="2027-01-01",
    )  # fmt: skip
    change = rolled.change_from(first)
    assert change[["year", "change_wan"]].to_numpy().tolist() == [[2028, 40]]


@pytest.mark.parametrize(
    ("resources", "lines", "words"),
    [
        ({2026: 1.0, 2027: 1.0}, LINES, "3 years in a row"),
        ({2026: 1.0, 2027: 1.0, 2029: 1.0}, LINES, "3 years in a row"),
        ({2026: 1.0, 2027: float("nan"), 2028: 1.0}, LINES, "missing"),
        (None, LINES.assign(basis="随GDP增长"), "ties spending to growth"),
        (None, LINES.assign(basis="与财政收入增幅挂钩"), "ties spending to growth"),
        (None, LINES.assign(basis=""), "no basis"),
        (None, LINES.assign(project_class="其他"), "no class"),
        (None, LINES.assign(standard_wan=-1), "standard_wan: -1"),
        (None, LINES.assign(number=None), "missing"),
        (None, LINES.drop(columns="basis"), "column 'basis'"),
    ],
)
def test_bad_medium_term_plans(resources, lines, words):
    with pytest.raises(InputError, match=words):
        medium_term_plan(resources or {2026: 1.0, 2027: 1.0, 2028: 1.0}, lines, on="2026-01-01")


def test_bad_measures():
    bad = pd.DataFrame([{"year": 2031, "measure": "x", "side": "both", "amount_wan": None,
                         "basis": ""}])  # fmt: skip
    with pytest.raises(InputError) as caught:
        medium_term_plan({2026: 1.0, 2027: 1.0, 2028: 1.0}, LINES, bad, on="2026-01-01")
    assert len(caught.value.problems) == 4


def test_a_surplus_pays_for_nothing_new():
    assert surplus_use(100) == {"deficit_offset_wan": 0.0, "fund_filled_wan": 100.0}
    with pytest.raises(InputError):
        surplus_use(-1)


def test_carry_over_of_a_government_fund():
    """400 − 30 % of 1,000 = 100 into the stabilisation fund."""
    assert fund_carry_over_excess(400, 1000, "2026-12-31") == 100
    assert fund_carry_over_excess(300, 1000, "2026-12-31") == 0


def test_results_say_what_they_come_to_and_draw_it():
    closed = close_balance({"收入": 100, "补助": 20, "支出": 110})
    assert "carried over 10.00" in closed.answer("en")
    assert [bar.get_height() for bar in closed.plot("zh").figure.axes[0].patches] == [
        100, 20, -110, 10
    ]  # fmt: skip
    short = close_balance({"收入": 100, "支出": 110})
    assert "difference -10.00" in short.answer("en")
    left = available_for_clearance({2026: 900.0, 2027: 700.0}, 600.0, 200.0)
    assert "100 万元 are left" in left.answer("en")
    assert "short, by 100" in left.answer("en")
    assert [bar.get_height() for bar in left.plot("en").figure.axes[0].patches] == [100, 0, 0, -100]
    checked = check_guardrails(
        pd.DataFrame({"year": [2024], "livelihood_wan": [700.0], "expenditure_wan": [1000.0]}),
        region="jianghan",
    )
    assert (
        checked.answer("zh") == "1条约束线中有1条突破：民生支出占一般公共预算支出比重（2024年起）"
    )
    years = pd.DataFrame({"year": [2024, 2025], "livelihood_wan": [700.0, 600.0],
                          "expenditure_wan": [1000.0, 1000.0]})  # fmt: skip
    # One rule, broken in two years, is one rule.
    assert check_guardrails(years, region="jianghan").answer("zh") == checked.answer("zh")
    # Of years that get worse the worst is shown, with what would restore that one: 750 − 600.
    worst = check_guardrails(years, region="jianghan").headroom.iloc[0]
    assert (worst["year"], worst["first_breach"]) == (2025, 2024)
    assert (worst["margin_wan"], worst["over_change_wan"]) == (-150, 150)
    # 700 of 1,000 below 75 %: 50 more, or spending of 933.33, would restore it.
    room = checked.headroom.iloc[0]
    assert room["over_change_wan"] == pytest.approx(50)
    assert room["under_change_wan"] == pytest.approx(700 / 0.75 - 1000)
    plan = medium_term_plan(
        {2026: 900.0, 2027: 1000.0, 2028: 1000.0}, LINES, fund_opening_wan=40, on="2026-01-01"
    )
    assert "falls short by 60" in plan.answer("en")
    assert "<table>" in plan._repr_html_()
    assert len(plan.plot("en").figure.axes[0].patches) == 9
