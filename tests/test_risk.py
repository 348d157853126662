"""Ratios, grades, limits, maturity wall, refinancing, and the path to the deadline."""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd
import pytest
import yaml

from fiscalmodel.debt.dynamics import stress_pack
from fiscalmodel.debt.ledger import read_bonds, read_hidden_ledger
from fiscalmodel.debt.maturity import maturity_wall, payments, published_debt
from fiscalmodel.debt.outlook import debt_outlook, decomposition, implied_terms
from fiscalmodel.debt.risk import grade_of, risk_path
from fiscalmodel.errors import InputError

CASES = yaml.safe_load(
    (Path(__file__).parent / "cases" / "debt_risk.yaml").read_text(encoding="utf-8")
)


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_grades(case):
    assert grade_of(case["ratio_pct"], "2026-12-31") == case["grade"]


def test_other_bounds():
    assert (
        grade_of(150, "2026-01-01", bounds={"yellow": 100, "orange": 140, "red": 200}) == "orange"
    )


PATH = pd.DataFrame(
    {
        "year": [2026, 2027, 2028],
        "resources_wan": [100.0, 100.0, 100.0],
        "general_wan": [40.0, 40.0, 40.0],
        "special_wan": [50.0, 55.0, 60.0],
        "hidden_wan": [120.0, 70.0, 0.0],
        "general_limit_wan": [45.0, 45.0, 45.0],
        "special_limit_wan": [58.0, 58.0, 58.0],
        "general_interest_wan": [1.2, 1.2, 1.2],
        "expenditure_wan": [60.0, 60.0, 60.0],
        "special_interest_wan": [1.5, 1.6, 2.1],
        "fund_expenditure_wan": [20.0, 20.0, 20.0],
    }
)


def test_path_by_hand():
    """(40 + 50 + 120) / 100 = 210 % orange; 165 % yellow; 100 % green; 2.1 / 20 = 10.5 % > 10."""
    path = risk_path(PATH)
    assert path.table["statutory_ratio_pct"].tolist() == pytest.approx([90, 95, 100])
    assert path.table["risk_ratio_pct"].tolist() == pytest.approx([210, 165, 100])
    assert path.table["grade"].tolist() == ["orange", "yellow", "green"]
    assert path.table["special_headroom_wan"].tolist() == pytest.approx([8, 3, -2])
    assert path.table["special_interest_pct"].tolist() == pytest.approx([7.5, 8, 10.5])
    assert path.findings[["rule", "where"]].to_numpy().tolist() == [
        ["debt_limit", "2028 special"],
        ["interest_share", "2028 special"],
    ]
    assert "隐性债务" in path.calibres["risk_ratio_pct"]


def test_a_limit_is_broken_by_one_type_though_the_total_holds():
    one = PATH.iloc[[0]].assign(general_wan=50.0, special_wan=40.0)
    found = risk_path(one).findings
    assert found["where"].tolist() == ["2026 general"]


def test_each_debt_against_its_own_budget():
    one = PATH.iloc[[0]].assign(general_resources_wan=80.0, fund_resources_wan=20.0)
    path = risk_path(one)
    assert path.table["general_ratio_pct"].tolist() == [50]
    assert path.table["special_ratio_pct"].tolist() == [250]
    assert path.findings["where"].tolist() == ["2026 special"]


def test_without_hidden_debt_the_calibre_says_so():
    path = risk_path(PATH.drop(columns="hidden_wan"))
    assert path.table["risk_ratio_pct"].tolist() == path.table["statutory_ratio_pct"].tolist()
    assert "未提供隐性债务" in path.calibres["risk_ratio_pct"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"hidden_wan": float("nan")}, "missing"),
        ({"general_wan": -1.0}, "is missing or negative"),
        ({"resources_wan": 0.0}, "is missing or negative"),
        ({"special_wan": "many"}, "is missing or negative"),
        ({"year": 2026}, "stands twice"),
        ({"year": "someday"}, "not a year"),
    ],
)
def test_bad_paths(change, words):
    with pytest.raises(InputError, match=words):
        risk_path(PATH.assign(**change))


def test_missing_columns():
    with pytest.raises(InputError, match="resources_wan is missing"):
        risk_path(PATH.drop(columns="resources_wan"))


def test_no_ratio_no_grade():
    with pytest.raises(InputError, match="missing or negative"):
        grade_of(float("nan"), "2026-01-01")


BONDS = read_bonds(
    [
        {"bond_code": "G1", "type": "general", "purpose": "new", "amount_wan": 1000,
         "rate_pct": 3, "start": "2023-06-10", "maturity": "2028-06-10", "repayment": "bullet",
         "frequency": "year"},
        {"bond_code": "S1", "type": "special", "purpose": "new", "amount_wan": 600,
         "rate_pct": 4, "start": "2020-09-01", "maturity": "2028-09-01",
         "repayment": "equal_principal", "frequency": "year"},
        {"bond_code": "OLD", "type": "special", "purpose": "new", "amount_wan": 0,
         "rate_pct": 4, "start": "2015-09-01", "maturity": "2025-09-01", "repayment": "bullet",
         "frequency": "year"},
    ]
)  # fmt: skip


def test_maturity_wall_by_hand():
    """S1 has 600 left in three equal parts; interest 24, 16, 8. G1: 30 a year, 1,000 in 2028."""
    wall = maturity_wall(BONDS, as_of="2025-12-31")
    assert wall["year"].tolist() == [2026, 2027, 2028]
    assert wall["special_principal_wan"].tolist() == [200, 200, 200]
    assert wall["special_interest_wan"].tolist() == pytest.approx([24, 16, 8])
    assert wall["general_interest_wan"].tolist() == pytest.approx([30, 30, 30])
    assert wall["general_principal_wan"].tolist() == [0, 0, 1000]
    assert wall["share_pct"].sum() == pytest.approx(100)
    due = payments(BONDS, as_of="2025-12-31")
    assert int(due["principal_fen"].sum()) == BONDS.total_fen


def test_no_bonds_no_wall():
    only = read_bonds([{**BONDS.table.iloc[2].to_dict()}])
    assert maturity_wall(only, as_of="2026-01-01")["total_wan"].tolist() == [0]


def test_custom_repayment_of_a_bond_is_not_guessed():
    custom = read_bonds([{**BONDS.table.iloc[0].to_dict(), "repayment": "custom"}])
    with pytest.raises(InputError, match="needs principal_dates"):
        payments(custom, as_of="2025-12-31")
    dates = [("G1", "2024-06-10", 500), ("G1", "2027-06-10", 400), ("G1", "2028-06-10", 600)]
    table = pd.DataFrame(dates, columns=["bond_code", "date", "principal_wan"])
    wall = maturity_wall(custom, as_of="2025-12-31", custom=table)
    # 3 % of 1,000 in 2026 and 2027, of 600 in 2028; what fell due in 2024 is gone.
    assert wall["general_principal_wan"].tolist() == [0, 400, 600]
    assert wall["general_interest_wan"].tolist() == pytest.approx([30, 30, 18])
    with pytest.raises(InputError, match="add up to"):
        payments(custom, as_of="2025-12-31", custom=table.iloc[:2])


def test_payments_of_hidden_debt():
    """Two of four half-yearly parts are left: 50 each, interest 2.5 and 1.25 at 5 %."""
    ledger = read_hidden_ledger(
        [{"contract_id": "A", "principal_wan": 100, "rate_pct": 5, "start": "2024-12-31",
          "maturity": "2026-12-31", "repayment": "equal_principal", "frequency": "half_year"},
         {"contract_id": "B", "principal_wan": 7, "rate_pct": 5, "start": "2020-12-31",
          "maturity": "2024-12-31", "overdue": True}]
    )  # fmt: skip
    due = payments(ledger, as_of="2025-12-31")
    assert due["contract_id"].tolist() == ["A", "A"]
    assert due["principal_fen"].tolist() == [50_000_000, 50_000_000]
    assert due["interest_fen"].tolist() == [2_500_000, 1_250_000]
    assert set(due["type"]) == {"hidden"}


def test_outlook_converts_and_refinances():
    """Replacement of 300 in 2026 raises special debt by 300; 200 of it matures and is renewed."""
    balances = pd.DataFrame(
        {
            "period": ["2026", "2027", "2028"],
            "hidden_wan": [500.0, 200.0, 0.0],
            "replaced_wan": [300.0, 0.0, 0.0],
            "bond_interest_wan": [0.0, 7.0, 7.0],
        }
    )
    resources = {2026: 1000.0, 2027: 1000.0, 2028: 1000.0}
    frame = debt_outlook(balances, BONDS, resources, as_of="2025-12-31", refinancing_rate_pct=2.5)
    assert frame["special_wan"].tolist() == pytest.approx([900, 900, 900])
    # 24; 16 + 7 of the replacement + 200 at 2.5 %; 8 + 7 + 400 at 2.5 %.
    assert frame["special_interest_wan"].tolist() == pytest.approx([24, 28, 25])
    repaid = debt_outlook(balances, BONDS, resources, as_of="2025-12-31", refinanced_pct=0)
    assert repaid["special_wan"].tolist() == pytest.approx([700, 500, 300])
    assert repaid["general_wan"].tolist() == pytest.approx([1000, 1000, 0])
    assert risk_path(frame).table["risk_ratio_pct"].tolist() == pytest.approx([240, 210, 190])


def test_outlook_needs_every_year():
    balances = pd.DataFrame({"period": ["2026"], "hidden_wan": [1.0], "replaced_wan": [0.0]})
    with pytest.raises(InputError, match=r"resources_wan\[2026\]"):
        debt_outlook(balances, BONDS, {}, as_of="2025-12-31")


def test_published_debt_of_yuanling(project):
    """Headroom: general 344,876 − 344,702 = 174; special 487,562 − 480,451 = 7,111."""
    frame = pd.read_csv(project / "data" / "yuanling_2024_debt.csv")
    table, found = published_debt(frame)
    by_type = table.set_index("type")
    assert by_type["headroom_wan"].to_dict() == {"general": 174, "special": 7111}
    assert by_type["excess_wan"].to_dict() == {"general": 0, "special": 30_100}
    assert by_type.loc["general", "dependence_pct"] == pytest.approx(52_950 / 53_000 * 100)
    assert [f.rule for f in found] == ["refinancing_above_maturities"]
    assert by_type["own_funds_wan"].to_dict() == {"general": 50, "special": 0}
    assert [(f.where, f.difference) for f in found] == [("special", -30_100)]
    with pytest.raises(InputError, match="instead of one"):
        published_debt(frame.iloc[1:])
    with pytest.raises(InputError, match="negative"):
        published_debt(frame.assign(value=-frame["value"]))
    over = frame.assign(value=frame["value"].where(frame["item"] != "limit", 1.0))
    assert [f.where for f in published_debt(over)[1]] == ["general", "special", "special"]


def test_what_moves_the_ratio():
    """2026: 800 of 1,000; 2027: 800 + 40 − 240 = 600 of 1,200.

    i = 40/800 = 5 %, g = 20 %; 80 %·1.05/1.2 = 70 %, 50 % is left, so 20 % was paid: 240/1,200.
    """
    outlook = pd.DataFrame(
        {
            "year": [2026, 2027], "resources_wan": [1000.0, 1200.0], "general_wan": [300.0, 300.0],
            "special_wan": [200.0, 250.0], "hidden_wan": [300.0, 50.0],
            "general_interest_wan": [9.0, 9.0], "special_interest_wan": [6.0, 6.0],
            "hidden_interest_wan": [30.0, 25.0],
        }
    )  # fmt: skip
    terms = implied_terms(outlook)
    assert terms["rate_pct"].tolist() == pytest.approx([5])
    assert terms["growth_pct"].tolist() == pytest.approx([20])
    assert terms["primary_balance_pct"].tolist() == pytest.approx([20])
    path = decomposition(outlook)
    assert path["closing"].tolist() == pytest.approx([50])
    assert path["interest"].tolist() == pytest.approx([80 * 0.05 / 1.2])
    table = stress_pack(
        80.0, terms["primary_balance_pct"].tolist(), terms["rate_pct"].tolist(),
        terms["growth_pct"].tolist(),
    ).set_index("stress")["closing"]  # fmt: skip
    # Growth of 18 % instead: 80·1.05/1.18 − 20.
    assert table["lower_growth"] == pytest.approx(80 * 1.05 / 1.18 - 20)
    assert table["contingent"] == pytest.approx(60)
    with pytest.raises(InputError, match="needs two years"):
        implied_terms(outlook.iloc[:1])
    with pytest.raises(InputError, match="hidden_interest_wan is missing"):
        implied_terms(outlook.drop(columns="hidden_interest_wan"))


def test_a_year_before_the_thresholds_has_a_ratio_and_no_grade():
    year = {"resources_wan": 1_245_000, "general_wan": 456_400, "special_wan": 400_000}
    path = risk_path(pd.DataFrame([{"year": 2017, **year}, {"year": 2021, **year}]))
    # 856,400 / 1,245,000 = 68.787 %.
    assert path.table["risk_ratio_pct"].round(1).tolist() == [68.8, 68.8]
    assert path.table["grade"].isna().tolist() == [True, False]
    assert path.table["grade"].iloc[1] == "green"
    assert [(f.rule, f.where) for f in path.found] == [("no_grade", "2017")]
    given = risk_path(
        pd.DataFrame([{"year": 2017, **year}]), bounds={"yellow": 60, "orange": 90, "red": 120}
    )
    assert given.table["grade"].tolist() == ["yellow"]


def test_interest_of_debt_that_stays_by_contract():
    balances = pd.DataFrame(
        {
            "period": ["2026", "2027"],
            "hidden_wan": [500.0, 200.0],
            "by_contract_wan": [100.0, 80.0],
            "replaced_wan": [0.0, 0.0],
            "interest_wan": [25.0, 10.0],
        }
    )
    given = BONDS, {2026: 1000.0, 2027: 1000.0}
    alone = debt_outlook(balances, *given, as_of="2025-12-31")
    assert alone["hidden_wan"].tolist() == [600, 280]
    assert alone["hidden_interest_wan"].tolist() == [25, 10]
    assert "by contract" in alone.attrs["notes"][0]
    known = balances.assign(by_contract_interest_wan=[5.0, 4.5])
    both = debt_outlook(known, *given, as_of="2025-12-31")
    assert both["hidden_interest_wan"].tolist() == [30, 14.5]
    assert both.attrs["notes"] == ()
    none = debt_outlook(balances.assign(by_contract_wan=0.0), *given, as_of="2025-12-31")
    assert none.attrs["notes"] == ()


def test_limits_of_the_years_that_are_known_are_shown():
    balances = pd.DataFrame({
        "period": ["2026", "2027"], "hidden_wan": [50.0, 0.0], "replaced_wan": [0.0, 0.0],
    })  # fmt: skip
    bonds = read_bonds(pd.DataFrame([{
        "bond_code": "G", "type": "general", "amount_wan": 30, "rate_pct": 3,
        "start": "2021-06-10", "maturity": "2031-06-10", "purpose": "new",
    }]), as_of="2025-12-31")  # fmt: skip
    further = {"general_limit_wan": {2026: 33.0, 2027: math.nan}}
    frame = debt_outlook(
        balances, bonds, {2026: 100.0, 2027: 100.0}, as_of="2025-12-31", further=further
    )
    room = risk_path(frame).table["general_headroom_wan"].tolist()
    assert room[0] == 3  # 33 - 30
    assert math.isnan(room[1])
