"""Ranking of projects, self-scores, affordability, idle money: by hand and by brute force."""

from __future__ import annotations

import itertools
import math
import os
import time

import numpy as np
import pandas as pd
import pytest

import fiscalmodel as fm
from fiscalmodel.budget.affordability import assess_affordability
from fiscalmodel.budget.idle import idle_money, like_for_like_cuts
from fiscalmodel.budget.medium_term import CLASSES
from fiscalmodel.budget.ranking import rank_projects
from fiscalmodel.budget.scores import next_ceilings, score_form
from fiscalmodel.series.catalog import read

SOAK = os.environ.get("FISCALMODEL_SOAK") == "1"

ON = "2026-12-31"
PLAN = (2026, 2027, 2028)


def project(name, **more):
    return {"project_id": name, "project_class": "社会事业", "must": "否", "running": "否",
            "standard_wan": 10, "number": 1, "first_year": 2026, "years": 1, "score": 80,
            **more}  # fmt: skip


# ---- ranking ----


def test_the_bureaus_order():
    pool = [
        project("E", score=99, project_class="特定事项"), project("D", score=70),
        project("C", score=90), project("B", running="是", score=None, project_class="特定事项"),
        project("A", must="是", score=None, project_class="重点建设"),
    ]  # fmt: skip
    made = rank_projects(pool, dict.fromkeys(PLAN, 100.0))
    assert made.table["project_id"].tolist() == ["A", "B", "C", "D", "E"]
    assert set(made.table["decision"]) == {"chosen"}


def test_price_reason_and_a_later_year():
    pool = [
        project("A", must="是", standard_wan=70), project("B", standard_wan=50, years=2),
        project("C", standard_wan=20, score=60), project("D", standard_wan=1, score=30),
    ]  # fmt: skip
    made = rank_projects(pool, {2026: 100.0, 2027: 60.0, 2028: 60.0}, least_score=40)
    by_id = made.table.set_index("project_id")
    # 2026 has 30 left of 100: B (50) is put off to 2027, C still fits, D scores too low.
    assert by_id["decision"].to_dict() == {
        "A": "chosen", "B": "deferred", "C": "chosen", "D": "refused",
    }  # fmt: skip
    assert by_id.loc["B", "begin_year"] == 2027
    assert by_id.loc["D", "short_wan"] == 0
    fixed = rank_projects(pool, {2026: 100.0, 2027: 60.0, 2028: 60.0}, phasing=False)
    refused = fixed.table.set_index("project_id").loc["B"]
    assert refused["short_wan"] == 20
    assert "2026" in refused["reason"]
    years = made.by_year.set_index("year")
    assert years.loc[2026, ["must_wan", "other_wan", "left_wan"]].tolist() == [70, 20, 10]
    assert years.loc[2028, "left_wan"] == 10


def test_ceiling_of_a_class_and_duties_above_the_ceiling():
    pool = [project("A", must="是", standard_wan=120), project("B", project_class="重点建设"),
            project("C", project_class="重点建设", first_year=2027)]  # fmt: skip
    made = rank_projects(
        pool, dict.fromkeys(PLAN, 100.0), class_ceilings={"重点建设": {2026: 50, 2027: 5, 2028: 5}}
    )
    by_id = made.table.set_index("project_id")
    assert by_id.loc["A", "decision"] == "chosen"
    # 2026 is overdrawn by the duty, the class leaves no room in the later years.
    assert by_id.loc["B", "decision"] == "refused"
    assert by_id.loc["C", "short_wan"] == 5
    assert "重点建设" in by_id.loc["C", "reason"]
    assert made.by_year["short_wan"].tolist() == [20, 0, 0]
    assert made.found[0].difference == -20


def test_a_project_longer_than_the_plan_is_a_question():
    made = rank_projects([project("A", years=5)], dict.fromkeys(PLAN, 100.0))
    assert made.table.loc[0, "cost_wan"] == 30
    assert made.table.loc[0, "beyond_wan"] == 20
    assert made.found[0].severity == "warning"
    assert "years" in made.found[0].where


def random_pool(rng, count):
    return [
        project(
            f"P{n:02d}", must="是" if rng.random() < 0.1 else "否",
            running="是" if rng.random() < 0.1 else "否", standard_wan=int(rng.integers(1, 30)),
            project_class=CLASSES[rng.integers(5)], first_year=int(rng.integers(2026, 2029)),
            years=int(rng.integers(1, 4)), score=int(rng.integers(0, 101)),
        )
        for n in range(count)
    ]  # fmt: skip


def test_a_thousand_pools_by_brute_force():
    """Of all sets that keep the ceilings, the one that serves the order, project by project."""
    rng = np.random.default_rng(11)
    for _ in range(1000 if SOAK else 200):
        pool = random_pool(rng, int(rng.integers(1, 19 if rng.random() < 0.1 else 13)))
        ceiling = {year: float(rng.integers(10, 90)) for year in PLAN}
        limits = {CLASSES[3]: {year: float(rng.integers(5, 40)) for year in PLAN}}
        made = rank_projects(pool, ceiling, class_ceilings=limits, phasing=False)
        ordered = made.pool
        costs = np.array([p.cost(PLAN) for p in ordered])
        fixed = np.array([p.must or p.running for p in ordered])
        mine = np.array([p.kind == CLASSES[3] for p in ordered])
        count = len(ordered)
        # A set as bits, the first in the order the highest: the best one is the largest number.
        sets = (np.arange(2**count)[:, None] >> np.arange(count)[::-1]) & 1
        cap = np.array([ceiling[y] for y in PLAN])
        own = np.array([limits[CLASSES[3]][y] for y in PLAN])
        duties, own_duties = costs[fixed].sum(axis=0), (costs * mine[:, None])[fixed].sum(axis=0)
        free = ~fixed
        extra = sets[:, free] @ costs[free]
        own_extra = sets[:, free] @ (costs * mine[:, None])[free]
        keeps = ((extra == 0) | (duties + extra <= cap)).all(axis=1)
        keeps &= ((own_extra == 0) | (own_duties + own_extra <= own)).all(axis=1)
        keeps &= sets[:, fixed].all(axis=1)
        best = np.flatnonzero(keeps).max()
        chosen = made.table["decision"].eq("chosen").to_numpy()
        assert [bool(b) for b in sets[best]] == chosen.tolist()


def _cost(ordered, choice):
    costs = [p.cost(PLAN, s) for p, s in zip(ordered, choice, strict=True) if s is not None]
    return np.sum([np.zeros(3), *costs], axis=0)


def test_phasing_by_brute_force():
    """With later starts too: first whether a project is served, then how early."""
    rng = np.random.default_rng(5)
    for _ in range(200):
        pool = [row | {"must": "否", "running": "否"} for row in random_pool(rng, 5)]
        ceiling = {year: float(rng.integers(10, 50)) for year in PLAN}
        made = rank_projects(pool, ceiling)
        cap = np.array([ceiling[y] for y in PLAN])
        ordered = made.pool
        options = [[*range(PLAN[-1] - p.first_year + 1), None] for p in ordered]
        best = next(choice for choice in itertools.product(*options)
                    if (_cost(ordered, choice) <= cap).all())  # fmt: skip
        begins = [math.nan if s is None else p.first_year + s
                  for p, s in zip(ordered, best, strict=True)]  # fmt: skip
        assert np.array_equal(made.table["begin_year"].to_numpy(float), begins, equal_nan=True)


def test_knapsack_is_information():
    pool = [project("A", standard_wan=60, score=80), project("B", standard_wan=50, score=79,
                                                              project_class="产业发展"),
            project("C", standard_wan=50, score=78, project_class="产业发展")]  # fmt: skip
    made = rank_projects(pool, {2026: 100.0}, phasing=False)
    beside = made.knapsack().set_index("project_id")
    assert made.of("chosen")["project_id"].tolist() == ["A"]
    # 79 + 78 beats 80.
    assert beside["knapsack"].to_dict() == {"A": False, "B": True, "C": True}


def test_two_thousand_projects():
    pool = pd.DataFrame(random_pool(np.random.default_rng(3), 18) * 112)[:2000]
    pool["project_id"] = [f"Q{n}" for n in range(2000)]
    began = time.process_time()
    made = rank_projects(pool, dict.fromkeys(PLAN, 9000.0))
    assert time.process_time() - began < 5
    assert len(made.table) == 2000


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (project("A", project_class="别的"), "no class"), (project("A", score=None), "score"),
        (project("A", first_year=2030), "not in the plan"), (project("A", standard_wan=-1), "-1"),
        (project("A", years=1.5), "whole number"), (project("B"), "stands twice"),
    ],
)  # fmt: skip
def test_bad_projects(row, said):
    with pytest.raises(fm.InputError, match=said):
        rank_projects([row, project("B")], dict.fromkeys(PLAN, 10.0))
    with pytest.raises(fm.InputError):
        rank_projects([project("B")], {2026: 1.0, 2028: 1.0})


# ---- scores ----


def forms():
    table = read("performance")
    yearly = table[table["table"].eq("年度绩效目标表") & table["weight"].notna()]
    return dict(tuple(yearly.groupby("programme")))


def test_six_printed_forms_have_eighty_points():
    """Six forms of the 2024 department budget; a form as targets alone, nothing achieved yet."""
    made = {}
    for name, form in forms().items():
        rows = form[["indicator", "comparator", "value", "weight"]].assign(achieved=math.nan)
        # A cost indicator without a figure (≦预算控制数) is scored in percent like a quality.
        rows["comparator"] = rows["comparator"].where(rows["value"].notna(), None)
        made[name] = score_form(rows, on=ON)
    assert len(made) == 6
    for form in made.values():
        assert form.table["weight"].sum() == 80
        assert len(form.pending) == len(form.table)
        assert form.most == 100
        assert math.isnan(form.points)


def test_execution_from_the_printed_amounts():
    lines = read("department_budget_2024")
    mine = lines[lines["programme"].eq("党建、文明创建工作经费") & lines["period"].eq("2022")]
    value = mine.set_index("line")["value"].astype(float)
    form = forms()["党建、文明创建工作经费"]
    rows = form[["indicator", "value", "weight"]].assign(achieved=100.0, comparator=None)
    made = score_form(rows, budget_wan=value["年初预算"], executed_wan=value["执行"], on=ON)
    # 7.64 / 7.67 = 99.61 %; 99.59 % is printed beside these amounts.
    assert round(made.execution_pct, 2) == 99.61
    assert made.points == pytest.approx(80 + 20 * 7.64 / 7.67)
    assert value["自评分"] == 99


def test_printed_self_scores_against_their_execution():
    """4.46 spent of 50 (adjusted) allows 81.78 points; 88 are printed."""
    lines = read("department_budget_2024")
    rows = []
    for name, group in lines[lines["period"].eq("2022")].groupby("programme"):
        value = group.set_index("line")["value"].astype(float).to_dict()
        if {"年初预算", "执行", "自评分"} <= value.keys():
            rows.append({"project": name, "budget_wan": value["年初预算"],
                         "adjusted_wan": value.get("年中调整"), "executed_wan": value["执行"],
                         "score": value["自评分"]})  # fmt: skip
    made = next_ceilings(rows, least_execution_pct=80, least_score=60, on=ON)
    table = made.table.set_index("project")
    low = table.loc["预算一体化建设相关经费"]
    assert low["most_score"] == pytest.approx(80 + 20 * 4.46 / 50)
    assert low["ceiling_wan"] == 4.46
    # 财政业务管理: 120 of 132 allows 98.18, and 100 is printed.
    assert {f.where for f in made.found} == {"预算一体化建设相关经费", "财政业务管理工作经费"}


@pytest.mark.parametrize(
    ("comparator", "target", "achieved", "share"),
    [
        (">=", 10, 9, 0.9), (">=", 10, 12, 1), ("<=", 50, 60, 50 / 60), ("<=", 50, 0, 1),
        ("=", 100, 98, 0.98), ("=", 0, 0, 1), ("=", 0, 3, 0), ("", None, 85, 0.85),
    ],
)  # fmt: skip
def test_one_indicator(comparator, target, achieved, share):
    row = {"indicator": "甲", "comparator": comparator or None, "value": target,
           "achieved": achieved, "weight": 80}  # fmt: skip
    assert score_form([row], on=ON).table.loc[0, "points"] == pytest.approx(80 * share)


def test_bad_forms():
    row = {"indicator": "甲", "comparator": ">=", "value": 1, "achieved": 1, "weight": 70}
    with pytest.raises(fm.InputError, match="70"):
        score_form([row], on=ON)
    with pytest.raises(fm.InputError, match="twice"):
        score_form([row, row], on=ON)
    with pytest.raises(fm.InputError, match="unknown word"):
        score_form([row | {"comparator": "大概", "weight": 80}], on=ON)


# ---- affordability ----


def base(**more):
    return pd.DataFrame({
        "year": PLAN, "resources_wan": [1000.0, 1010.0, 1020.0],
        "sanbao_need_wan": [700.0, 705.0, 710.0],
        "statutory_debt_service_wan": [50.0, 55.0, 60.0],
        "other_commitments_wan": [100.0, 100.0, 100.0], **more,
    })  # fmt: skip


def test_with_less_without_is_the_projects_lines():
    lines = [{"year": 2026, "funding": "债券", "amount_wan": 200},
             {"year": 2027, "funding": "一般公共预算", "amount_wan": 40},
             {"year": 2027, "funding": "上级补助", "amount_wan": 500}]  # fmt: skip
    made = assess_affordability(base(), lines, bond_rate_pct=3, bond_years=2, on=ON)
    balance = made.table[made.table["test"].eq("balance")]
    # Interest 6 a year, principal 200 in 2028: 150; 150 − 46; 150 − 206.
    assert balance["with_wan"].tolist() == [150, 104, -56]
    assert balance["change_wan"].tolist() == [0, -46, -206]
    assert (balance["with_wan"] - balance["without_wan"]).tolist() == [0, -46, -206]
    assert not made.fits
    # 150 / 206 of 740 is the most.
    assert made.amount_wan == pytest.approx(740 * 150 / 206, abs=0.01)


def test_limit_and_interest():
    more = {"debt_wan": [400.0] * 3, "debt_limit_wan": [500.0] * 3,
            "interest_wan": [95.0] * 3, "expenditure_wan": [1000.0] * 3}  # fmt: skip
    lines = [{"year": 2026, "funding": "债券", "amount_wan": 80}]
    made = assess_affordability(base(**more), lines, bond_rate_pct=5, on=ON)
    left = made.table.pivot_table("with_wan", "year", "test")
    assert left["debt_limit"].tolist() == [20, 20, 20]
    # 10 % of (1000 + 4) less 95 + 4 in 2027.
    assert left.loc[2027, "interest"] == pytest.approx(0.1 * 1004 - 99)
    assert made.breaks["test"].tolist()[0] == "debt_limit"
    assert made.amount_wan == pytest.approx(100, abs=0.01)


def test_break_even_by_the_closed_form():
    rng = np.random.default_rng(17)
    near = 0.0
    for _ in range(1000 if SOAK else 100):
        years = int(rng.integers(1, 8))
        plan = list(range(2026, 2026 + years))
        frame = pd.DataFrame({
            "year": plan, "resources_wan": rng.uniform(1e4, 3e5, years),
            "sanbao_need_wan": rng.uniform(1e3, 9e3, years),
            "statutory_debt_service_wan": rng.uniform(0, 500, years),
            "other_commitments_wan": rng.uniform(0, 500, years),
        })  # fmt: skip
        general, bonds = rng.uniform(1, 2000, years), rng.uniform(0, 3000, years)
        lines = [{"year": y, "funding": f, "amount_wan": a} for f, amounts in
                 (("一般公共预算", general), ("债券", bonds))
                 for y, a in zip(plan, amounts, strict=True)]  # fmt: skip
        rate, term = rng.uniform(0, 6), int(rng.integers(1, 6))
        frame["debt_wan"] = rng.uniform(0, 1e5, years)
        frame["debt_limit_wan"] = frame["debt_wan"] + rng.uniform(1e3, 1e5, years)
        frame["expenditure_wan"] = rng.uniform(2e4, 3e5, years)
        frame["interest_wan"] = frame["expenditure_wan"] * rng.uniform(0, 0.1, years)
        made = assess_affordability(frame, lines, bond_rate_pct=rate, bond_years=term, on=ON)
        left = (frame["resources_wan"] - frame["sanbao_need_wan"]
                - frame["statutory_debt_service_wan"] - frame["other_commitments_wan"])  # fmt: skip
        interest = [
            sum(bonds[s] * rate / 100 for s in range(t) if t - s <= term) for t in range(years)
        ]
        repaid = [bonds[t - term] if t >= term else 0.0 for t in range(years)]
        total = general.sum() + bonds.sum()
        closed = {}
        for t in range(years):
            held = sum(bonds[: t + 1]) - sum(repaid[: t + 1])
            share = interest[t] - 0.1 * (general[t] + bonds[t] + interest[t])
            for test, room, takes in (
                ("balance", left[t], general[t] + interest[t] + repaid[t]),
                ("debt_limit", frame["debt_limit_wan"][t] - frame["debt_wan"][t], held),
                ("interest", 0.1 * frame["expenditure_wan"][t] - frame["interest_wan"][t], share),
            ):
                if takes > 0:
                    closed[test] = min(closed.get(test, np.inf), room / takes * total)
        found = made.breaks.set_index("test")["amount_wan"]
        for test, most in closed.items():
            near = max(near, abs(found[test] - most))
        assert ("interest" in found) == ("interest" in closed)
        near = max(near, abs(made.amount_wan - min(closed.values())))
    assert near < 1.0  # 万元


def test_a_project_longer_than_the_base_is_refused():
    lines = [{"year": 2031, "funding": "一般公共预算", "amount_wan": 40}]
    with pytest.raises(fm.InputError, match="2031"):
        assess_affordability(base(), lines, on=ON)


def test_what_fails_anyway():
    frame = base()
    frame.loc[1, "resources_wan"] = 800
    lines = [{"year": 2026, "funding": "一般公共预算", "amount_wan": 40}]
    made = assess_affordability(frame, lines, on=ON)
    assert made.amount_wan == 0
    assert "60.00" in made.answer("en")


# ---- idle money and cuts ----


def test_idle_money_by_age():
    rows = [
        {"fund_id": "1", "item": "甲", "idle_kind": "结转资金", "year": 2023, "amount_wan": 10},
        {"fund_id": "2", "item": "乙", "idle_kind": "结转资金", "year": 2024, "amount_wan": 20},
        {"fund_id": "3", "item": "丙", "idle_kind": "结余资金", "year": 2025, "amount_wan": 5},
        {"fund_id": "4", "item": "丁", "idle_kind": "暂付款", "year": 2019, "amount_wan": 100},
    ]
    made = idle_money(rows, on="2025-12-31")
    # 2023 + 2 is due now, 2024 + 2 next year, a surplus at once.
    assert made.table["overdue"].tolist() == [True, False, True, False]
    assert made.digestion["returns_wan"].tolist() == [35, 0, 0]
    # Equal parts to the 分, the rest in the last.
    assert made.digestion["digested_wan"].sum() == pytest.approx(100, abs=1e-9)
    assert made.digestion["closing_wan"].iloc[-1] == 0
    assert made.rules[0].confidence == "L"
    ages = made.by_age.set_index("idle_kind")
    assert ages.loc["general_carry_over", ["from_1_wan", "from_2_wan"]].tolist() == [20, 10]
    with pytest.raises(fm.InputError, match="2027"):
        idle_money([rows[0] | {"year": 2027}], on="2025-12-31")
    with pytest.raises(fm.InputError, match="twice"):
        idle_money([rows[0], rows[0]], on="2025-12-31")


def test_printed_changes_of_the_2024_budget():
    lines = read("department_budget_2024")
    value = lines[lines["programme"].isna()].drop_duplicates("line").set_index("line")["value"]
    rows = [
        {"line": now, "this_wan": float(value[now]),
         "last_wan": float(value[now]) - float(value[change])}
        for now, change in (
            ("收支总预算", "收支总预算较上年增减"), ("机关运行经费", "机关运行经费增减"),
            ("政府采购预算", "政府采购预算增减"),
        )
    ]  # fmt: skip
    made = like_for_like_cuts(rows)
    assert made.table["change_pct"].round(2).tolist() == [-10.18, -8.50, -33.80]


def test_what_moved_is_no_cut():
    rows = [{"line": "会议费", "last_wan": 100, "this_wan": 110, "moved_wan": 20,
             "target_cut_pct": 10}]  # fmt: skip
    made = like_for_like_cuts(rows)
    assert made.table.loc[0, "change_pct"] == -10
    assert made.table.loc[0, "kept"]


def test_results_show_themselves():
    ranked = rank_projects([project("A"), project("B", standard_wan=500)], {2026: 100.0})
    afford = assess_affordability(
        base(), [{"year": 2026, "funding": "一般公共预算", "amount_wan": 40}], on=ON
    )
    idle = idle_money(
        [{"item": "甲", "idle_kind": "结转资金", "year": 2023, "amount_wan": 10}], on="2025-12-31"
    )
    for thing in (ranked, afford, idle):
        assert "<table>" in thing._repr_html_()
        assert thing.plot("zh").png()[:4] == b"\x89PNG"
