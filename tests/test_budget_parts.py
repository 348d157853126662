"""The budget's parts of a scenario: lines of the plan, one chain, guardrails, bond projects."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import fiscalmodel as fm
from fiscalmodel.budget.closed import close_chain
from fiscalmodel.budget.medium_term import (
    against_outturn,
    medium_term_plan,
    read_flows,
    read_plan_lines,
)
from fiscalmodel.budget.special_bonds import bond_projects
from fiscalmodel.errors import InputError
from fiscalmodel.scenario.data import Place

YEARS = [2026, 2027, 2028]
SAMPLE = "params/scenarios/sample_county/baseline.yaml"


@pytest.fixture(scope="module")
def sample(project: Path) -> Any:
    return fm.evaluate(fm.load_scenario(project / SAMPLE))


@pytest.fixture(scope="module")
def lijiang(project: Path) -> Any:
    return fm.evaluate(fm.load_scenario(project / "params/scenarios/lijiang/baseline.yaml"))


def line(**change: object) -> dict[str, object]:
    row = {
        "line": "部门公用经费", "project_class": "保障运转", "standard_wan": 2.5, "number": 400,
        "basis": "人均公用经费×编制人数",
    }  # fmt: skip
    return {**row, **change}


# ---- lines of the plan ----


def test_lines_by_hand():
    """400 × 2.5 = 1,000; from 2027 420 posts: 1,050; from 2028 a standard of 2.6: 1,092."""
    changes = [
        {"line": "部门公用经费", "year": 2028, "standard_wan": 2.6, "source": "某财〔2027〕5号"},
        {"line": "部门公用经费", "year": 2027, "number": 420, "source": "2027年编制计划"},
    ]
    lines = read_plan_lines([line()], YEARS, changes=changes)
    amounts = lines["standard_wan"] * lines["number"]
    assert amounts.tolist() == pytest.approx([1_000, 1_050, 1_092])
    assert "某财〔2027〕5号" in lines["basis"].iloc[2]
    assert "某财" not in lines["basis"].iloc[1]


def test_an_amount_stands_for_one_year_or_all():
    rows = [
        {"line": "还本付息", "project_class": "特定事项", "year": 2027, "amount_wan": 30,
         "basis": "按合同，无标准"},
        {"line": "厂房租金", "project_class": "产业发展", "amount_wan": 7, "basis": "按合同"},
    ]  # fmt: skip
    lines = read_plan_lines(rows, YEARS)
    assert lines.groupby("year")["standard_wan"].sum().to_dict() == {2026: 7, 2027: 37, 2028: 7}


@pytest.mark.parametrize(
    "basis",
    ["按财政收入增幅安排", "与GDP挂钩", "随物价指数CPI调整", "按收入的3%", "收入比重2%",
     "同比例增长", "grows with revenue growth"],
)  # fmt: skip
def test_spending_tied_to_growth_is_refused(basis):
    with pytest.raises(InputError, match="ties spending"):
        read_plan_lines([line(basis=basis)], YEARS)
    with pytest.raises(InputError, match="ties spending"):
        medium_term_plan(dict.fromkeys(YEARS, 2_000.0), [line(basis=basis)], on="2026-01-01")


@pytest.mark.parametrize(
    "basis", ["低收入家庭补助标准", "农村居民人均收入核定名单", "2.5万元×人数"]
)
def test_words_that_are_no_tie(basis):
    lines = read_plan_lines([line(basis=basis)], YEARS)
    plan = medium_term_plan(dict.fromkeys(YEARS, 2_000.0), lines, on="2026-01-01")
    assert plan.ceiling_wan == 1_000


@pytest.mark.parametrize(
    ("rows", "changes", "words"),
    [
        ([line(amount_wan=5)], None, "give a standard and a number, or an amount"),
        ([{k: v for k, v in line().items() if k != "standard_wan"}], None, "or an amount"),
        ([line()], [{"line": "公用经费", "year": 2027, "number": 1, "source": "x1"}], "no line of"),
        ([line()], [{"line": "部门公用经费", "year": 2027, "number": 1}], "source"),
        ([line()], [{"line": "部门公用经费", "year": 2027, "source": "文件"}], "neither a new"),
    ],
)  # fmt: skip
def test_bad_lines(rows, changes, words):
    with pytest.raises(InputError, match=words):
        read_plan_lines(rows, YEARS, changes=changes)


def test_flows_take_lines_of_the_account_only():
    rows = [
        {"item": "上级补助收入", "amount_wan": 100, "basis": "提前下达"},
        {"item": "上解支出", "year": 2027, "amount_wan": 30, "basis": "体制"},
    ]
    assert read_flows(rows, [2026, 2027]) == [
        (2026, "transfers_from_above", 100.0), (2027, "transfers_from_above", 100.0),
        (2027, "remitted_up", -30.0),
    ]  # fmt: skip
    with pytest.raises(InputError, match="forecast or the spending lines"):
        read_flows([{"item": "支出", "amount_wan": 1, "basis": "x"}], [2026])


def test_plan_against_outturn_keeps_what_is_missing_missing():
    planned = pd.DataFrame(
        {"year": [2025, 2025], "line": ["甲", "乙"], "amount_wan": [100.0, 50.0]}
    )
    outturn = pd.DataFrame({"year": [2025, 2025], "line": ["甲", "丙"], "amount_wan": [90.0, 5.0]})
    made = against_outturn(planned, outturn).set_index("line")
    assert made.loc["甲", "execution_pct"] == 90
    assert made.loc["甲", "difference_wan"] == -10
    assert pd.isna(made.loc["乙", "outturn_wan"])
    assert pd.isna(made.loc["丙", "planned_wan"])


# ---- one chain ----


def test_the_chain_of_the_sample_is_one(sample):
    """What the balance leaves is what the plan may take; what it takes the closed budget pays."""
    closed = sample.closed.table.set_index("year")
    left = sample.balance.set_index("year")["available_wan"]
    plan = sample.plan.by_source.query("source_id == 'FS-GPB'")
    used = dict(zip(plan["year"].astype(int), plan["used_wan"], strict=True))
    assert sample.closed.connected
    assert closed["clearance_wan"].to_dict() == pytest.approx(used)
    for year, row in closed.iterrows():
        # The plan works in whole 分, and each of twelve months is rounded by half a 分 at most.
        assert used[year] <= left[year] + 12 * 0.5e-6
        assert row["money_wan"] + row["brought_wan"] + row["missing_wan"] == pytest.approx(
            row["needs_wan"] + row["clearance_wan"] + row["taken_on_wan"] + row["free_wan"]
        )
    # The plan's budget holds the same money: its lines are the needs and the clearance.
    table = sample.medium_term.table.set_index("year")
    spent = closed["needs_wan"] + closed["clearance_wan"]
    assert table["expenditure_wan"].to_dict() == pytest.approx(spent.to_dict())
    assert table["resources_wan"].to_dict() == pytest.approx(closed["money_wan"].to_dict())


def test_random_chains_lose_nothing():
    draw = random.Random(9)
    for _ in range(500):
        years = range(2026, 2026 + draw.randrange(1, 6))
        money = {y: draw.uniform(0, 1_000) for y in years}
        needs = {y: draw.uniform(0, 1_000) for y in years}
        spent, kept, brought = {}, {}, 0.0
        for year in years:
            there = max(money[year] - needs[year], 0.0) + brought
            spent[year] = draw.uniform(0, there)
            kept[year] = brought = draw.uniform(0, there - spent[year])
        made = close_chain(money, needs, spent, kept).table
        assert made["free_wan"].ge(-1e-9).all()
        came = made["money_wan"].sum() + made["missing_wan"].sum()
        went = made[["needs_wan", "clearance_wan", "free_wan"]].sum().sum()
        assert came == pytest.approx(went + kept[max(years)])


def test_a_plan_cannot_spend_what_is_not_there():
    with pytest.raises(InputError, match="clearance spends"):
        close_chain({2026: 100.0}, {2026: 90.0}, {2026: 11.0}, {})


def test_a_lower_revenue_lowers_what_clearance_takes(sample):
    shock = {
        "name": "低5%",
        "kind": "shock",
        "pct": {2026: -5.0},
        "lasting": True,
        "source": "假设",
    }
    lower = fm.evaluate(sample.scenario.change({"revenue.adjustments.lower": shock}))
    gap = sample.closed.table["money_wan"] - lower.closed.table["money_wan"]
    assert gap.gt(4_000).all()
    both = [o.closed.table["clearance_wan"] + o.closed.table["free_wan"] for o in (sample, lower)]
    assert (both[0] - both[1]).tolist() == pytest.approx(gap.tolist())


def test_without_a_plan_the_chain_says_so(sample):
    apart = fm.evaluate(sample.scenario.change({"debt.general_budget_source": None}))
    assert not apart.closed.connected
    assert "no clearance plan" in apart.closed.answer("en")


def test_the_plans_lines_stand_for_a_balance(sample, tmp_path: Path):
    """Without a balance the lines of the plan are the needs: the same money is left."""
    transfers = sample.balance[["year", "transfers_wan"]].rename(
        columns={"transfers_wan": "amount_wan"}
    )
    flows = tmp_path / "flows.csv"
    transfers.assign(item="上级补助收入", basis="合成样本").to_csv(flows, index=False)
    apart = sample.scenario.change({"balance": None})
    places = {**apart.places, "medium_term.flows": Place(flows)}
    made = fm.evaluate(replace(apart, places=places))
    left = [o.balance["available_wan"].tolist() for o in (made, sample)]
    assert left[0] == pytest.approx(left[1])
    assert made.closed.connected
    assert made.closed.table["clearance_wan"].tolist() == pytest.approx(
        sample.closed.table["clearance_wan"].tolist()
    )


def test_ratios_of_state_capital(sample):
    """Income 4,000 and 1,200 out in 2025: 20,000 × 20 % = 4,000, of it 30 % = 1,200."""

    def found(**more: float) -> list[str]:
        ratios = {"profit_wan": {2025: 20_000.0}, "handing_over_pct": 20.0, "transfer_pct": 30.0}
        key = {"budgets.state_capital": {**ratios, **more, "source": "合成样本"}}
        others = dict.fromkeys(("balance", "debt", "commissions", "medium_term", "guardrails",
                                "special_bonds", "sanbao", "projects", "idle"))  # fmt: skip
        made = fm.evaluate(sample.scenario.change({**key, **others})).budgets.found
        return [f.explanation for f in made if f.rule == "state_capital_ratio"]

    assert found() == []
    assert "profit × handing-over" in found(handing_over_pct=25.0)[0]
    assert "income × transfer" in found(transfer_pct=50.0)[0]


# ---- one claim on 三保, and what a project may cost ----


def test_the_sample_has_one_claim_on_the_three_guarantees(sample):
    """Months, balance, plan and guardrails say the same: 204,800 but for the rounding of months."""
    assert sample.sanbao.needs.by_year.loc[2026, "sanbao_need_wan"] == pytest.approx(204_799.98)
    rules = {f.rule for f in (*sample.sanbao.needs.found, *sample.guardrails.found)}
    assert "sanbao_claims" not in rules
    covered = sample.guardrails.table.query("rule == 'sanbao_coverage' and year == 2026")
    assert covered["share_pct"].iloc[0] == pytest.approx(203_713.96 / 204_799.98 * 100)


def test_a_second_claim_on_the_three_guarantees_is_said(sample, tmp_path: Path):
    more = {2026: 204_900.0, 2027: 208_500.0, 2028: 212_300.0}
    rails = tmp_path / "rails.csv"
    rails.write_text("year,sanbao_arranged_wan\n2026,204800\n", encoding="utf-8")
    case = sample.scenario.change({"balance.sanbao_need_wan": more, "debt": None})
    places = {**case.places, "guardrails.amounts": Place(rails)}
    made = fm.evaluate(replace(case, places=places))
    needs = [f for f in made.sanbao.needs.found if f.rule == "sanbao_claims"]
    assert [f.difference for f in needs] == pytest.approx([204_900 - 204_799.98])
    arranged = [f for f in made.guardrails.found if f.rule == "sanbao_claims"]
    assert [f.difference for f in arranged] == pytest.approx([204_800 - 203_713.96])
    said = [note("zh") for note in made.notes]
    assert any("分月合计204,799.98万元，收支平衡（balance）204,900.00万元" in text for text in said)
    assert any("约束线表（guardrails）204,800.00万元，相差+1,086.04" in text for text in said)


def test_a_project_is_set_against_debt_service_and_limits_too(sample):
    """Room 92,000 − 80,000 = 12,000 for bonds of 10,000: it just fails at 1.2 × 17,450."""
    made = sample.projects.affordability
    assert made.untested == []
    breaks = made.breaks.set_index("test")
    assert breaks.loc["debt_limit", "amount_wan"] == pytest.approx(1.2 * 17_450)
    assert breaks.loc["debt_limit", "year"] == 2027
    interest = made.table.query("test == 'interest' and year == 2026").iloc[0]
    spent = sample.medium_term.table.set_index("year").loc[2026, "expenditure_wan"]
    assert interest["without_wan"] == pytest.approx(0.1 * spent - 2_038.6)
    # Clearance takes all that is left, so nothing more can be borne.
    assert breaks.loc["balance", "amount_wan"] == pytest.approx(0, abs=0.01)
    bare = fm.evaluate(sample.scenario.change({"guardrails": None, "medium_term": None}))
    assert bare.projects.affordability.untested == ["debt_limit", "interest"]
    assert "未检验" in bare.projects.affordability.answer("zh")


# ---- Lijiang ----


def test_the_plan_of_lijiang_is_its_draft(project: Path, lijiang):
    """With the draft's own revenue, 2026 closes at 0: 2,097,731 on both sides (table 二十)."""
    flows = read_flows(project / "data/lijiang_plan_flows.csv", YEARS)
    lines = read_plan_lines(project / "data/lijiang_plan_lines.csv", YEARS)
    spent = (lines["standard_wan"] * lines["number"])[lines["year"].eq(2026)].sum()
    assert spent == 1_789_680
    resources = 579_110 + sum(amount for year, _, amount in flows if year == 2026)
    assert resources - spent == 0
    first = lijiang.medium_term.table.iloc[0]
    assert first["resources_wan"] - resources == pytest.approx(
        lijiang.balance["revenue_wan"].iloc[0] - 579_110
    )


def test_guardrails_of_lijiang(project: Path, lijiang):
    head = lijiang.guardrails.headroom.set_index("rule")
    # 89,452 of 285,906 in 2024: 31.29 %, above 10 % from then on.
    assert head.loc["special_interest_share", "share_pct"] == pytest.approx(89_452 / 2859.06)
    assert head.loc["special_interest_share", "first_breach"] == 2024
    assert head.loc["special_interest_share", "over_change_wan"] == pytest.approx(-60_861.4)
    assert "livelihood_share" not in head.index  # the floor of another region
    amounts = pd.read_csv(project / "data/lijiang_guardrails.csv").set_index("year")
    debt = pd.read_csv(project / "data/lijiang_debt.csv").query("level == 'whole'")
    for kind, item, column in (
        ("general", "balance", "general_debt_wan"), ("special", "limit", "special_limit_wan"),
        ("special", "interest_due", "special_interest_wan"),
    ):  # fmt: skip
        mine = debt[debt["debt_type"].eq(kind) & debt["item"].eq(item)].set_index("period")["value"]
        assert amounts[column].to_dict() == mine.loc[[2024, 2025, 2026]].to_dict()


def test_own_level_of_lijiang_is_its_own_scenario(project: Path):
    """市本级 apart from the city: 1,764,403 on both sides in 2026 (table 二十二), lines 534,904."""
    own = fm.evaluate(fm.load_scenario(project / "params/scenarios/lijiang_own/baseline.yaml"))
    assert set(own.budgets.table["level"]) == {"own"}
    table = own.medium_term.table.set_index("year")
    assert table.loc[2026, "expenditure_wan"] == 534_904
    # 248,912 + 215,000 + 1,208,866 + 35,650 + 10,975 + 45,000
    # − 969,625 − 35,440 − 125,684 − 98,750 = 534,904.
    assert table.loc[2026, "resources_wan"] == pytest.approx(534_904, abs=0.03)
    # No carry-over in the draft, so that 10,975 is missing in each year after it.
    assert table["shortfall_wan"].tolist() == pytest.approx([0, 10_974.98, 10_974.98], abs=0.05)
    accounts = pd.read_csv(project / "data/lijiang_accounts.csv", dtype=str)
    draft = accounts.query("level == 'own' and period == '2026' and budget_scope == '一般公共预算'")
    cells = draft.set_index(draft["source"].str.extract(r"!(\w+)）", expand=False))["value"]
    for name, sheet in (("plan_lines", "22-2"), ("plan_flows", "22-[12]")):
        mine = cells[draft["source"].str.contains(sheet).to_numpy()]
        for row in pd.read_csv(project / f"data/lijiang_own_{name}.csv").itertuples():
            at = row.source.rpartition("，")[2].split("、")
            if name == "plan_flows":
                side = "22-1" if row.item.endswith(("收入", "资金", "结余")) else "22-2"
                mine = cells[draft["source"].str.contains(side).to_numpy()]
            assert sum(int(mine[cell]) for cell in at) == row.amount_wan


def test_a_local_bound_belongs_to_the_scenario(lijiang):
    bound = {"livelihood_share": {"pct": 75, "source": "本地文件"}}
    with pytest.raises(InputError, match="no guardrail 'livelihod'"):
        fm.evaluate(
            lijiang.scenario.change({"guardrails.local": {"livelihod": bound["livelihood_share"]}})
        )
    with pytest.raises(InputError, match="write percent, 75"):
        lijiang.scenario.change(
            {"guardrails.local": {"tax_share": {"pct": 0.75, "source": "文件"}}}
        )
    made = fm.evaluate(
        lijiang.scenario.change(
            {"guardrails.local": {"self_sufficiency": {"pct": 40, "source": "本地文件"}}}
        )
    )
    head = made.guardrails.headroom.set_index("rule").loc["self_sufficiency"]
    assert head["threshold_pct"] == 40
    assert head["first_breach"] == 2026


# ---- special-bond projects ----


def project_of(income: float, **change: object) -> Any:
    row = {
        "project_id": "P1", "name": "厂房", "amount_wan": 1_000, "rate_pct": 2.0,
        "start": "2026-06-30", "maturity": "2030-06-30", "repayment": "bullet",
        "frequency": "year", **change,
    }  # fmt: skip
    flows = [{"project_id": "P1", "year": y, "income_wan": income} for y in range(2026, 2031)]
    return bond_projects([row], flows, on="2026-06-30")


def test_coverage_and_break_even_by_hand():
    """Interest 20 in 2027 to 2030, 1,000 in 2030: 1,080. Income 300 in five years: 1,500.

    1,500 / 1,080 = 1.3889, a fall of 28 %. To date: 600 / 20 … 1,200 / 60, 1,500 / 1,080: the
    last year is the tightest, and by itself it fails (300 / 1,020).
    """
    row = project_of(300.0).table.iloc[0]
    assert row["life_coverage"] == pytest.approx(1_500 / 1_080)
    assert row["break_even_fall_pct"] == pytest.approx(28.0)
    assert row["life_fall_pct"] == pytest.approx(28.0)
    assert (row["failing_years"], row["first_failing_year"]) == (1, 2030)
    assert row["passes"]
    # Closed form: at exactly that fall, income to date still covers service to date.
    assert project_of(300.0 * 0.72).table.iloc[0]["break_even_fall_pct"] == pytest.approx(
        0, abs=1e-9
    )
    assert not project_of(150.0).table.iloc[0]["passes"]


def test_bad_projects_are_told_together():
    with pytest.raises(InputError) as told:
        bond_projects(
            [{"project_id": "P1", "amount_wan": 0, "rate_pct": 2, "start": "2026-01-01",
              "maturity": "2030-01-01"}],
            [{"project_id": "P2", "year": 2026, "income_wan": 5}],
            on="2026-06-30",
        )  # fmt: skip
    text = str(told.value)
    assert "no income" in text
    assert "belongs to no project" in text


def test_the_sample_shows_a_project_that_fails_in_its_last_year(sample):
    table = sample.special_bonds.table.set_index("project_id")
    assert table["passes"].tolist() == [True, False]
    assert table.loc["SB-02", "first_failing_year"] == 2036
    frames = sample.tables()
    for name in ("budgets", "medium_term", "guardrails", "special_bonds", "closed"):
        assert len(frames[name])
        assert "<table>" in getattr(sample, name)._repr_html_()
        assert getattr(sample, name).plot("zh").figure


def test_years_that_are_none_are_told_with_their_place():
    with pytest.raises(InputError, match="soon"):
        read_plan_lines([line(), line(year="soon")], YEARS)
    with pytest.raises(InputError, match="2027-05"):
        read_plan_lines([line(year="2027-05")], YEARS)
