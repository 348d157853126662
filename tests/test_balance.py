"""The budget's account, what is left for clearing debt, the medium-term plan, guardrails."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import yaml

from fiscalmodel.balance import available_for_clearance, budget_identity, close_balance
from fiscalmodel.errors import InputError

CASES = Path(__file__).parent / "cases"


def cases(name: str) -> list[dict]:
    return yaml.safe_load((CASES / name).read_text(encoding="utf-8"))


IDENTITY, AVAILABLE = cases("balance_identity.yaml"), cases("balance_available.yaml")


@pytest.mark.parametrize("case", IDENTITY, ids=[case["name"] for case in IDENTITY])
def test_identity(case):
    closed = close_balance(case["input"], scope=case["scope"])
    expected = case["output"]
    assert closed.resources_wan == expected["resources_wan"]
    assert closed.uses_wan == expected["uses_wan"]
    assert closed.carry_over_wan == expected["carry_over_wan"]
    assert len(closed.findings) == expected["findings"]
    assert closed.closes == (expected["findings"] == 0)
    assert len(budget_identity(case["input"], scope=case["scope"])) == expected["findings"]


def test_published_figures_of_gangu(shared_facts):
    table = pd.read_csv(shared_facts / "real_counties.csv")
    for scope, total in (("一般公共预算", 451_227), ("政府性基金", 60_473)):
        rows = table[(table["entity"] == "甘谷县") & (table["budget_scope"] == scope)]
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
    with pytest.raises(InputError, match="does not exist in the fund budget"):
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
