"""Bad input of clearance plans: every problem at once, each with its place."""

from __future__ import annotations

import datetime as dt
import os
import random

import numpy as np
import pandas as pd
import pytest
from clearance_oracle import yearly

import fiscalmodel as fm

GOOD = {"contract_id": "A", "principal_wan": 100.0, "rate_pct": 5.5, "maturity": "2028-06-30"}
MONEY = {"source_id": "budget", "period": 2028, "cap_wan": 200.0}
QUOTA = {"period": 2028, "quota_wan": 50.0, "rate_pct": 2.2}


def problems(ledger=(GOOD,), sources=(MONEY,), quotas=(), **options):
    options = {"as_of": "2026-12-31"} | options
    with pytest.raises(fm.InputError) as caught:
        yearly(list(ledger), list(sources), list(quotas), **options)
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("change", "place", "words"),
    [
        ({"principal_wan": -5}, "ledger row 1, principal_wan", "amount -5 is negative"),
        ({"principal_wan": None}, "ledger row 1, principal_wan", "principal_wan is missing"),
        (
            {"principal_wan": "12x"},
            "ledger row 1, principal_wan",
            "'12x' stands in 'principal_wan' where a number belongs",
        ),
        ({"principal_wan": float("inf")}, "ledger row 1, principal_wan", "where a number belongs"),
        ({"rate_pct": 0.055}, "ledger row 1, rate_pct", "looks like a ratio — did you mean 5.5?"),
        ({"rate_pct": 550}, "ledger row 1, rate_pct", "did you mean 5.5?"),
        ({"rate_pct": -1}, "ledger row 1, rate_pct", "negative"),
        ({"rate_pct": None}, "ledger row 1, rate_pct", "rate_pct is missing"),
        ({"start": "2029-01-01"}, "ledger row 1, maturity", "is before start 2029-01-01"),
        ({"maturity": None}, "ledger row 1, maturity", "maturity is missing"),
        ({"maturity": "2028-02-30"}, "ledger row 1, maturity", "is not a date"),
        ({"extendable_to": "2029-06-30"}, "ledger row 1, extendable_to", "beyond the deadline"),
        ({"extendable_to": "2027-06-30"}, "ledger row 1, extendable_to", "is before maturity"),
        (
            {"extendable_to": "2028-12-31", "clear_by": "2028-09-30"},
            "ledger row 1, extendable_to",
            "beyond clear_by",
        ),
        ({"clear_by": "2030-01-01"}, "ledger row 1, clear_by", "after the deadline"),
        ({"clear_by": "2026-01-01"}, "ledger row 1, clear_by", "is not after as_of"),
        ({"prepayable": "perhaps"}, "ledger row 1, prepayable", "neither yes nor no"),
        ({"prepay_fee_pct": 50}, "ledger row 1, prepay_fee_pct", "50 is above 20"),
        ({"repayment": "ballon"}, "ledger row 1, repayment", "unknown word 'ballon'"),
        ({"frequency": "weekly"}, "ledger row 1, frequency", "unknown word 'weekly'"),
        ({"contract_id": None}, "ledger row 1, contract_id", "has no id"),
        ({"min_instalment_wan": -1}, "ledger row 1, min_instalment_wan", "-1 is below 0"),
        ({"min_instalment_wan": 101}, "ledger row 1, min_instalment_wan", "above the principal"),
        (
            {"maturity": "2026-06-30", "overdue": False},
            "ledger row 1, maturity",
            "not marked overdue",
        ),
        (
            {"maturity": "2026-06-30", "overdue": "否"},
            "ledger row 1, maturity",
            "past its maturity on 2026-12-31 but not marked overdue",
        ),
    ],
)
def test_ledger(change, place, words):
    found = problems(ledger=[GOOD | change])
    assert len(found) == 1, found
    assert found[0].startswith(place)
    assert words in found[0]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"period": None}, "the source has no year"),
        ({"period": "soon"}, "'soon' is no period"),
        ({"cap_wan": None}, "cap_wan is missing"),
        ({"cap_wan": -1}, "-1 is below 0"),
        ({"haircut_pct": 130}, "130 is above 100"),
        ({"source_id": None}, "has no id"),
        ({"source_id": "其他"}, "without a name is not a source"),
        ({"source_id": "Other funds"}, "without a name is not a source"),
        ({"category": "其他资金"}, "without a name is not a source"),
        ({"category": "other", "name": "misc"}, "without a name is not a source"),
        ({"earmark": "nobody"}, "neither a contract nor a category"),
        ({"available_from": "mid 2028"}, "is not a date"),
        ({"available_from": "2029-05-01"}, "2029-05-01 is after the end of its period 2028 ("),
    ],
)
def test_sources(change, words):
    found = problems(sources=[MONEY | change])
    assert len(found) == 1, found
    assert found[0].startswith("sources row 1")
    assert words in found[0]


def test_money_that_comes_after_its_period_is_told():
    row = MONEY | {"period": 2027, "available_from": "2028-05-01"}
    plan = yearly([GOOD], [row], as_of="2026-12-31")
    assert plan.sources.query("available_wan > 0")["period"].tolist() == ["2028"]
    assert any("available_from 2028-05-01 is after its period's end" in n for n in plan.notes)
    assert any("可用起始日2028年5月1日晚于其所属期间末2027年12月31日" in n for n in plan.notes)


@pytest.mark.parametrize("change", [{}, {"overdue": None}, {"overdue": True}])
def test_matured_debt_without_a_flag_is_taken_as_overdue(change):
    row = GOOD | {"maturity": "2026-06-30"} | change
    plan = yearly([row], [MONEY], as_of="2026-12-31")
    told = any("taken as overdue" in note for note in plan.notes)
    assert told == (change.get("overdue") is not True)


@pytest.mark.parametrize("lang", ["fr", "ZH", "", None])
def test_unknown_language_is_refused(lang):
    plan = yearly([GOOD], [MONEY], as_of="2026-12-31")
    with pytest.raises(fm.InputError, match="one of zh, en"):
        plan.sentence(lang)


def test_other_with_a_name_is_a_source():
    named = MONEY | {"category": "其他", "name": "县医院旧楼租金"}
    assert yearly([GOOD], [named], as_of="2026-12-31").problem.pool_names == ("budget",)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"used_wan": 60}, "quota 50 is below the 60 already used"),
        ({"quota_wan": -1}, "-1 is below 0"),
        ({"rate_pct": 0.022}, "did you mean 2.2?"),
        ({"period": None}, "the quota has no year"),
        ({"tenor_years": 0}, "0 is below 0.1"),
        ({"repayment": "later"}, "unknown word 'later'"),
        ({"available_from": "2029-05-01"}, "2029-05-01 is after the end of its period 2028 ("),
    ],
)
def test_quotas(change, words):
    found = problems(quotas=[QUOTA | change])
    assert len(found) == 1, found
    assert found[0].startswith("quotas row 1")
    assert words in found[0]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            {"given": [{"period": 2035, "contract_id": "A", "amount_wan": 1}], "rule": "given"},
            "not between as_of",
        ),
        (
            {"given": [{"period": 2028, "contract_id": "B", "amount_wan": 1}], "rule": "given"},
            "'B' is not in the ledger",
        ),
        ({"deadline": "2026-06-30"}, "2026-06-30 is not after as_of 2026-12-31"),
        ({"as_of": None}, "as_of: the date is missing"),
        ({"rule": "cheapest"}, "rule: 'cheapest' is not known"),
        ({"frequency": "week"}, "frequency: 'week' is not known"),
        ({"discount_pct": 0.03}, "0.03 % is no discount rate"),
        ({"rule": "given"}, "needs a table"),
        ({"stated_total_wan": 120}, "add up to 100.000000 万元, the stated balance is 120.000000"),
        ({"special_headroom_wan": -1}, "no amount of 0 or more"),
        ({"reserved": [{"period": "x", "need_wan": 1}]}, "'x' is no period"),
        ({"reserved": {2028: -5}}, "-5 is below 0"),
        (
            {"custom": [{"contract_id": "B", "date": "2028-01-01", "principal_wan": 1}]},
            "'B' is not in the ledger",
        ),
        (
            {"custom": [{"contract_id": "A", "date": "2028-01-01", "principal_wan": 1}]},
            "add up to 1.00, the principal is 100.00",
        ),
    ],
)
def test_options(options, words):
    found = problems(**options)
    assert any(words in problem for problem in found), found


def test_all_problems_at_once():
    ledger = [
        GOOD | {"rate_pct": 0.055},
        GOOD | {"principal_wan": -3, "extendable_to": "2030-01-01"},
    ]
    found = problems(
        ledger, [MONEY | {"period": None}], [QUOTA | {"used_wan": 80}], stated_total_wan=7
    )
    text = "\n".join(found)
    for words in (
        "looks like a ratio", "is negative", "stands already at ledger row 1",
        "beyond the deadline", "has no year", "already used", "the stated balance is 7.000000",
    ):  # fmt: skip
        assert words in text
    assert len(found) == 7


def test_places_in_files(tmp_path):
    ledger = tmp_path / "台账.csv"
    ledger.write_text(
        "债务编号,principal_wan,rate_pct,maturity\nA,100,5.5,2028-06-30\nB,1,550,2028-06-30\n",
        encoding="gb18030",
    )
    sources = tmp_path / "sources.xlsx"
    pd.DataFrame([MONEY, MONEY | {"period": None}]).to_excel(sources, index=False)
    with pytest.raises(fm.InputError) as caught:
        yearly(ledger, sources, as_of="2026-12-31")
    places = [problem.where for problem in caught.value.problems]
    assert places == ["台账.csv:3, rate_pct", "sources.xlsx[Sheet1!B3] period"]


def test_checked_ledger_is_a_ledger():
    ledger = fm.read_hidden_ledger([GOOD | {"start": "2020-01-01"}], as_of="2026-12-31")
    money = [MONEY | {"period": y, "available_from": f"{y}-01-31"} for y in (2027, 2028)]
    plan = yearly(ledger, money, as_of="2026-12-31")
    # 5.5 % from the end of 2026 to 30 June 2028: half a year and a year, 2.75 + 5.5.
    assert (plan.status, plan.cost_wan) == ("optimal", 8.25)


def test_missing_column_names_its_neighbour():
    found = problems(ledger=[{"contract_id": "A", "principal_wan": 1, "ratte": 5}])
    assert found == ["ledger: column 'rate_pct' (利率（%）) is missing — did you mean 'ratte'?"]


def test_file_that_is_not_there(tmp_path):
    with pytest.raises(fm.InputError, match="no such file"):
        yearly(tmp_path / "none.csv", [MONEY], as_of="2026-12-31")


def test_empty_ledger_is_an_empty_plan():
    plan = yearly([], [MONEY], as_of="2026-12-31")
    assert plan.status == "optimal"
    assert plan.cost_wan == 0.0
    assert plan.balances["hidden_wan"].tolist() == [0.0, 0.0]
    assert plan.sentence("en")


JUNK = [
    None, "", float("nan"), float("inf"), -1, 0, 1, 0.055, 550, "5.5%", "abc", "是", True,
    "2027-06-30", "20270630", dt.date(2028, 3, 1), pd.Timestamp("2028-05-05"), pd.NaT, "2027Q2",
    2028.0, np.int64(2027), np.datetime64("2028-01-01"), [1], {"a": 1}, b"x", "其他", "C0;C1",
    1e300, 10**30, "1,234.5", "custom", "9999-12-31", "0001-01-01", complex(1, 2),
]  # fmt: skip


def test_whatever_stands_in_a_cell_is_a_plan_or_an_input_error():
    """One cell or option in fifty is junk; nothing but InputError may come out."""
    plans = errors = 0
    for seed in range(5_000 if os.environ.get("FISCALMODEL_SOAK") == "1" else 150):
        draw = random.Random(seed)

        def spoil(row, draw=draw):
            return {k: draw.choice(JUNK) if draw.random() < 0.02 else v for k, v in row.items()}

        ledger = [
            spoil(GOOD | {"contract_id": f"C{i}", "prepayable": True, "replaceable": i == 0,
                          "extendable_to": None, "clear_by": None, "min_instalment_wan": 0})
            for i in range(3)
        ]  # fmt: skip
        sources = [
            spoil(MONEY | {"period": y, "earmark": None, "carry": True}) for y in (2027, 2028)
        ]
        options = {"as_of": "2026-12-31", "discount_pct": 3, "stated_total_wan": None}
        try:
            plan = yearly(ledger, sources, [spoil(QUOTA)], **spoil(options))
        except fm.InputError:
            errors += 1
            continue
        plans += 1
        assert plan.sentence("en")
        assert plan.status == "infeasible" or plan.balances["hidden_wan"].iloc[-1] == 0
    assert min(plans, errors) > 20


def test_money_and_quotas_under_the_headers_that_bureaus_write(tmp_path):
    money = tmp_path / "money.csv"
    money.write_text(
        "化债资金来源表\n单位：万元\n序号,资金来源,类别,年度,金额,说明\n"
        '1,土地出让收入安排,政府性基金,2026年,"1,200",\n合计,,,,1200,\n',
        encoding="utf-8",
    )
    quota = tmp_path / "quota.csv"
    quota.write_text(
        "批次,额度类型,下达年度,下达日期,额度（万元）,利率,期限,经办\n"
        "第一批,置换,2026,2026-06-30,600,2.3%,10年,某科\n",
        encoding="utf-8",
    )
    ledger = pd.DataFrame([
        {"contract_id": "A", "principal_wan": 1000, "rate_pct": 0, "maturity": "2026-12-31",
         "replaceable": "是"},
    ])  # fmt: skip
    plan = fm.plan_clearance(ledger, money, quota, as_of="2025-12-31")
    (source,), (batch,) = plan.given.sources, plan.given.quotas
    assert (source.source_id, source.kind, source.cap_wan) == ("土地出让收入安排", "land", 1200)
    assert (batch.name, batch.amount_wan, batch.rate_pct, batch.tenor_years) == (
        "第一批", 600, 2.3, 10
    )  # fmt: skip
    assert plan.status == "optimal"
    assert "quota.csv: 经办" in "; ".join(map(str, plan.notes)).replace(" that are not read", "")
