"""三保 and treasury cash: hand-made months, random plans, bad tables."""

from __future__ import annotations

import os

import numpy as np
import pandas as pd
import pytest

import fiscalmodel as fm
from fiscalmodel.budget.cash import cash_plan
from fiscalmodel.budget.payment import settle
from fiscalmodel.budget.sanbao import PARTS, TIERS, sanbao_needs
from fiscalmodel.budget.warning import (
    MONTHS_AHEAD,
    Spread,
    cash_warning,
    first_short,
    level_of,
    simulate,
)

SOAK = os.environ.get("FISCALMODEL_SOAK") == "1"

MONTHS = ["2026-01", "2026-02", "2026-03"]


def needs(**more):
    """Wages 60 and livelihood 30 a month at national standard, wages 10 at local."""
    rows = []
    for month in MONTHS:
        for part, standard, need in (
            ("保工资", "国家标准", 60), ("保基本民生", "国家标准", 30), ("保工资", "地方标准", 10),
        ):  # fmt: skip
            rows.append({"月份": month, "保障类别": part, "标准": standard,
                         "需求（万元）": need, "预算安排（万元）": need})  # fmt: skip
    return [*rows, *more.get("extra", [])]


def flows(own=(100, 80, 90), other=(40, 40, 40)):
    rows = []
    for month, a, b in zip(MONTHS, own, other, strict=True):
        rows.append({"月份": month, "收付项目": "本级收入入库", "金额（万元）": a})
        rows.append({"月份": month, "收付项目": "其他支出", "金额（万元）": b})
    return rows


def balances(closing=50.0):
    return [{"月份": "2025-12", "资金性质": "可统筹资金", "期初（万元）": closing + 10,
             "收入（万元）": 20, "支出（万元）": 30, "期末（万元）": closing}]  # fmt: skip


def test_a_plan_by_hand():
    plan = cash_plan(needs(), flows(), balances())
    # Need 100 a month. February lacks 20, March 10: January leaves 30, spends 50 + 100 − 100 − 30.
    assert plan.table["sanbao_wan"].tolist() == [100, 100, 100]
    assert plan.table["lower_wan"].tolist() == [20, 0, 0]
    assert plan.table["closing_wan"].tolist() == [30, 10, 0]
    assert plan.table["waits_wan"].tolist() == [20, 60, 100]
    assert plan.first_short is None
    way = plan.gives_way.iloc[0]
    assert (way["cash_line"], way["largest_wait_wan"]) == ("other_spending", 100)
    assert "2026-03" in plan.answer("zh")
    assert "推后" in plan.answer("zh")


def test_without_holding_back_the_last_month_goes_short():
    plan = cash_plan(needs(), flows(), balances(), hold_months=0)
    # January pays all 40 and keeps 10; February lacks 10, which waits; March adds another 10 + 10.
    assert plan.table["lower_wan"].tolist() == [40, 0, 0]
    assert plan.table["sanbao_short_wan"].tolist() == [0, 10, 20]
    assert str(plan.first_short) == "2026-02"
    late = plan.by_part[plan.by_part["waits_wan"] > 0]
    # National standards come first: what waits is the local one, 10 and then 20.
    assert late["standard"].tolist() == ["local", "local"]
    assert late["waits_wan"].tolist() == [10, 20]


def test_one_month_ahead_protects_one_month():
    plan = cash_plan(needs(), flows(), balances(), hold_months=1)
    # January leaves the 20 that February lacks and spends 30.
    assert plan.table["lower_wan"].tolist() == [30, 0, 0]
    assert plan.table["sanbao_short_wan"].tolist() == [0, 0, 10]


def test_money_that_is_always_kept():
    plan = cash_plan(needs(), flows(), balances(), keep_wan=45.0)
    assert plan.table["lower_wan"].tolist() == [5, 0, 0]
    assert plan.table["closing_wan"].tolist() == [45, 25, 15]


def test_withheld_money_never_arrives():
    taken = [{"月份": m, "收付项目": "上级扣缴上解", "金额（万元）": 12.34} for m in MONTHS]
    plan = cash_plan(needs(), [*flows(), *taken], balances())
    assert plan.withheld["amount_wan"].tolist() == [12.34] * 3
    # 50 + 100 − 12.34 − 100 = 37.66 is less than the 30 + 24.68 that the months ahead lack.
    assert plan.table["lower_wan"].tolist() == [0, 0, 0]
    assert plan.table["closing_wan"].tolist() == [37.66, 5.32, 0.0]
    # 5.32 + 90 − 12.34 = 82.98 for a need of 100.
    assert plan.table["sanbao_short_wan"].tolist() == [0, 0, 17.02]


def test_earmarked_money_pays_for_its_part_and_nothing_else():
    grant = [{"月份": "2026-01", "收付项目": "专项转移支付", "用途": "保基本民生",
              "金额（万元）": 50}]  # fmt: skip
    plan = cash_plan(needs(), [*flows(), *grant], balances())
    kinds = plan.by_kind[plan.by_kind["cash_kind"].eq("earmarked")]
    # 30 in January, 20 in February; free money bears 70, 80 and 100.
    assert kinds["closing_wan"].tolist() == [20, 0, 0]
    assert plan.table["sanbao_wan"].tolist() == [70, 80, 100]
    for road in ("债券资金收入", "社保基金收入"):
        bad = [{**grant[0], "收付项目": road}]
        with pytest.raises(fm.InputError, match="保基本民生"):
            cash_plan(needs(), [*flows(), *bad], balances())


def test_tied_money_waits_for_its_own_purse():
    rows = [
        {"月份": "2026-01", "收付项目": "债券资金收入", "用途": "水厂", "金额（万元）": 100},
        {"月份": "2026-01", "收付项目": "债券项目支出", "用途": "水厂", "金额（万元）": 130},
        {"月份": "2026-02", "收付项目": "债券资金收入", "用途": "水厂", "金额（万元）": 50},
    ]
    plan = cash_plan(needs(), [*flows(), *rows], balances())
    bonds = plan.by_kind[plan.by_kind["cash_kind"].eq("bonds")]
    assert bonds["payments_wan"].tolist() == [100, 30, 0]
    assert bonds["closing_wan"].tolist() == [0, 20, 20]


def test_every_purse_rolls_forward_to_the_fen():
    plan = cash_plan(needs(), flows(own=(100.01, 80.07, 90.13)), balances(50.49))
    for _, purse in plan.by_kind.groupby("cash_kind"):
        closing = purse["opening_wan"] + purse["receipts_wan"] - purse["payments_wan"]
        assert np.allclose(closing, purse["closing_wan"], atol=1e-9)
        assert purse["opening_wan"].tolist()[1:] == purse["closing_wan"].tolist()[:-1]
    assert plan.table["closing_wan"].iloc[0] * 1e6 % 1 == 0


def test_arrears_are_owed_first():
    behind = [{"月份": "2025-12", "保障类别": "保工资", "标准": "国家标准", "需求（万元）": 60,
               "预算安排（万元）": 60, "已支付（万元）": 45}]  # fmt: skip
    plan = cash_plan(needs(extra=behind), flows(), balances())
    assert plan.by_part["due_wan"].iloc[1] == 75
    blank = [{**behind[0], "已支付（万元）": None}]
    with pytest.raises(fm.InputError, match="2025-12"):
        cash_plan(needs(extra=blank), flows(), balances())


def test_level_of_cash_over_twelve_months():
    behind = [
        {"月份": f"2025-{m:02d}", "资金性质": "可统筹资金", "收入（万元）": 100,
         "支出（万元）": 100, "期末（万元）": 50 if m == 1 else None} for m in range(1, 13)
    ]  # fmt: skip
    plan = cash_plan(needs(), flows(), behind)
    # January pays 120: eleven months of 100 and it make 1,220 / 12; 30 are left.
    assert plan.table["cash_level"].iloc[0] == pytest.approx(30 / (1220 / 12))
    low = [f for f in plan.found if f.rule == "cash_level"]
    assert low
    assert low[0].stated == 0.3
    assert plan.bounds[0].confidence == "L"
    assert plan.bounds[0].doc_no == ""


def random_case(rng, months):
    """One random county: some months rich, some poor; arrears, grants, withholding."""
    size = rng.integers(1, 10 ** rng.integers(2, 10))
    count = int(rng.integers(0, 4))
    return {
        "opening": rng.integers(0, size, 1),
        "receipts": rng.integers(0, size, (1, months)),
        "withheld": rng.integers(0, max(2, size // 5), (1, months)) * rng.integers(0, 2),
        "tied": rng.integers(0, max(2, size // 3), (1, 3)) * rng.integers(0, 2),
        "tied_receipts": rng.integers(0, max(2, size // 4), (1, months, 3)) * rng.integers(0, 2),
        "need": rng.integers(0, max(2, size // 3), (1, months, 6)),
        "lower": rng.integers(0, size, (1, months, count)),
    }


def test_no_plan_starves_the_three_guarantees():
    rng = np.random.default_rng(7)
    short = 0
    count = 10_000 if SOAK else 1_500
    for _ in range(count):
        months = int(rng.integers(1, 13))
        case = random_case(rng, months)
        paid = settle(**case, ahead=None)
        spent = paid.lower[0].sum(axis=1)
        waiting = paid.waiting[0].sum(axis=1)
        short += bool(waiting.any())
        for t in np.flatnonzero(waiting):
            # Nothing lower was paid from free money in this month or any before it.
            assert not spent[: t + 1].any()
            assert paid.closing[0, t] == 0
            # Money tied to a part lies idle only where the part is paid.
            for at, part in enumerate(PARTS):
                due = sum(paid.waiting[0, t, k] for k, (p, _) in enumerate(TIERS) if p == part)
                assert not (due and paid.tied[0, t, at])
            # Local standards are paid from free money only when national ones are.
            if paid.waiting[0, t, :3].any():
                owed = case["need"][0, : t + 1, 3:].sum() - paid.sanbao[0, : t + 1, 3:].sum()
                assert owed == paid.waiting[0, t, 3:].sum()
        # Nothing is lost.
        came = case["opening"][0] + case["receipts"][0].sum()
        went = paid.withheld[0].sum() + paid.from_free[0].sum() + spent.sum()
        assert came == went + paid.closing[0, -1]
        tied = case["tied"].sum() + case["tied_receipts"].sum()
        used = paid.sanbao.sum() - paid.from_free.sum()
        assert tied == used + paid.tied[0, -1].sum()
    assert 0.1 * count < short < 0.95 * count


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("twice", "出现了两次"), ("gap", "缺少2026-02"), ("below", "小于零"),
        ("open", "期末"), ("no_need", "没有“三保”需求"), ("quarter", "不是月份"),
        ("ahead", "却填了实际数"),
    ],
)  # fmt: skip
def test_bad_tables(what, said, monkeypatch):
    monkeypatch.setenv("FISCALMODEL_LANG", "zh")
    need, flow, cash = needs(), flows(), balances()
    if what == "twice":
        need.append(need[0])
    if what == "gap":
        flow = [row for row in flow if row["月份"] != "2026-02"]
    if what == "below":
        cash[0] |= {"期初（万元）": 5, "期末（万元）": -5}
    if what == "open":
        cash[0]["期末（万元）"] = 51
    if what == "no_need":
        need = [row for row in need if row["月份"] != "2026-03"]
    if what == "quarter":
        need[0]["月份"] = "2026Q1"
    if what == "ahead":
        flow[0]["已支付（万元）"] = 3
    with pytest.raises(fm.InputError) as error:
        cash_plan(need, flow, cash)
    assert said in str(error.value)


def test_need_against_budget_by_part():
    rows = needs()
    rows[0]["预算安排（万元）"] = 50
    found = sanbao_needs(rows)
    by_part = found.coverage.set_index("sanbao_part")
    # Wages 3 × 70 = 210, arranged 200.
    assert by_part.loc["wages", "ratio_pct"] == pytest.approx(200 / 210 * 100)
    assert by_part.loc["wages", "margin_wan"] == -10
    assert by_part.loc["livelihood", "kept"]
    assert [f.rule for f in found.found] == ["sanbao_coverage"]


def test_level_filter_by_hand():
    # One month 10 % below plan: variance .05² + .02² = .0029, gain .0029 / (.0029 + .1²).
    made = level_of(np.array([[100.0]]), np.array([[90.0]]), Spread(5, 2, 10))
    gain = 0.0029 / (0.0029 + 0.01)
    assert made.mean[0] == pytest.approx(gain * np.log(0.9))
    assert made.sd[0] == pytest.approx(np.sqrt(0.0029 * (1 - gain)))
    assert made.scale[0] == pytest.approx(np.sqrt((6 + np.log(0.9) ** 2 / 0.0129) / 7))
    # A month without an actual figure tells nothing.
    same = level_of(np.array([[100.0, 100.0]]), np.array([[90.0, np.nan]]), Spread(5, 0, 10))
    known = level_of(np.array([[100.0]]), np.array([[90.0]]), Spread(5, 0, 10))
    assert same.mean[0] == pytest.approx(known.mean[0])


def test_drawn_probability_is_the_normal_one():
    from scipy.stats import norm

    # Free cash 0, receipts 100 with a spread of 10 %, need 90: short if exp(x) < .9.
    level = level_of(np.zeros((1, 0)), np.zeros((1, 0)), Spread(0, 0, 10))
    arrays = {
        "opening": np.zeros(1), "withheld": np.zeros((1, 1)), "tied": np.zeros((1, 3)),
        "tied_receipts": np.zeros((1, 1, 3)), "need": np.zeros((1, 1, 6)),
        "lower": np.zeros((1, 1, 0)),
    }  # fmt: skip
    arrays["need"][0, 0, 0] = 90
    paid = simulate(
        arrays, {"own": np.full((1, 1), 100.0)}, {"own": level}, {"own": Spread(0, 0, 10)},
        paths=200_000, rng=np.random.default_rng(3),
    )  # fmt: skip
    assert first_short(paid, 200_000)[0, 0] == pytest.approx(norm.cdf(np.log(0.9) / 0.1), abs=3e-3)


def test_warning_of_a_plan():
    plan = cash_plan(needs(), flows(), balances())
    made = cash_warning(plan, seed=1)
    again = cash_warning(plan, seed=1)
    pd.testing.assert_frame_equal(made.table, again.table)
    assert made.known_months == 0
    assert "假设" in made.answer("zh")
    assert made.alarm_pct == pytest.approx(made.table["short_by_pct"].iloc[:MONTHS_AHEAD].iloc[-1])
    # March is planned to the last fen, so it goes short about as often as not.
    assert 25 < made.table["short_by_pct"].iloc[-1] < 75
    assert made.alarm
    past = [{"月份": "2025-12", "收付项目": "本级收入入库", "金额（万元）": 100,
             "已支付（万元）": 60}]  # fmt: skip
    worse = cash_warning(cash_plan(needs(), [*past, *flows()], balances()), seed=1)
    assert worse.known_months == 1
    assert worse.levels["own"] < -10
    assert worse.alarm_pct > made.alarm_pct
    with pytest.raises(fm.InputError):
        cash_warning(plan, paths=5)


def test_results_show_themselves():
    plan = cash_plan(needs(), flows(), balances())
    for thing in (plan, plan.needs, cash_warning(plan, paths=200)):
        assert "<table>" in thing._repr_html_()
        assert thing.plot("zh").png()[:4] == b"\x89PNG"
    assert set(plan.in_words("en")["payments"]["cash_line"]) == {"other spending"}
