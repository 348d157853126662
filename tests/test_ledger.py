"""Ledgers, roll-forward, replacement register, and what a replacement does."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pandas as pd
import pytest
import yaml

from fiscalmodel.debt.clearance.plan import plan_clearance
from fiscalmodel.debt.ledger import read_bonds, read_hidden_ledger
from fiscalmodel.debt.register import read_register
from fiscalmodel.debt.replacement import replacement_effect, suggest_order
from fiscalmodel.debt.rollforward import periods_between, roll_forward
from fiscalmodel.errors import InputError

CASES = yaml.safe_load(
    (Path(__file__).parent / "cases" / "debt_ledger.yaml").read_text(encoding="utf-8")
)


def contract(name: str, wan: float = 1000.0, **change: object) -> dict[str, object]:
    row = {
        "contract_id": name, "debtor": "城投", "creditor": "甲银行", "category": "银行贷款",
        "project": "道路", "principal_wan": wan, "rate_pct": 5.5, "start": "2020-06-20",
        "maturity": "2027-06-20", "repayment": "bullet", "frequency": "quarter",
        "overdue": False, "litigation": False, "replaceable": True,
    }  # fmt: skip
    return {**row, **change}


def bond(code: str, wan: float = 1000.0, **change: object) -> dict[str, object]:
    row = {
        "bond_code": code, "type": "special", "purpose": "replacement", "amount_wan": wan,
        "rate_pct": 2.24, "start": "2026-03-20", "maturity": "2036-03-20", "repayment": "bullet",
        "frequency": "half_year", "project": "",
    }  # fmt: skip
    return {**row, **change}


LEDGER = read_hidden_ledger(
    [contract("A"), contract("B", 500.25, rate_pct=8.0), contract("C", 300, overdue=True)]
)


def test_chinese_headers_and_words_are_read():
    ledger = read_hidden_ledger(
        pd.DataFrame(
            {
                "债务编号": ["A"], "债务人": ["城投"],
                "本金余额(万元)": ["1,000.5"], "年利率（%）": [5.5],
                "起始日": ["2020年6月20日"], "到期日": ["2027-06-20"], "还本方式": ["等额本金"],
                "付息频率": ["按季"], "是否涉诉": ["是"], "可否置换": ["否"],
            }
        )
    )  # fmt: skip
    row = ledger.table.iloc[0]
    assert (row["repayment"], row["frequency"]) == ("equal_principal", "quarter")
    assert bool(row["litigation"])
    assert not row["replaceable"]
    assert ledger.total_fen == 1_000_500_000


def test_all_problems_of_a_ledger_at_once_with_their_cells(tmp_path):
    file = tmp_path / "台账.csv"
    file.write_text(
        "contract_id,principal_wan,rate_pct,start,maturity,extendable_to\n"
        "A,-5,5.5,2020-01-01,2027-01-01,\n"
        "A,100,0.055,2020-01-01,2019-01-01,\n"
        "B,,550,2020-01-01,2027-01-01,2030-01-01\n"
        "C,1.00000001,5,,2027-01-01,\n",
        encoding="utf-8",
    )
    with pytest.raises(InputError) as caught:
        read_hidden_ledger(file, deadline="2028-12-31")
    told = [str(problem) for problem in caught.value.problems]
    for where, words in (
        ("台账.csv:2, principal_wan", "negative"),
        ("台账.csv:3, contract_id", "stands already"),
        ("台账.csv:3, rate_pct", "5.5"),
        ("台账.csv:3, maturity", "before start"),
        ("台账.csv:4, principal_wan", "missing"),
        ("台账.csv:4, rate_pct", "5.5"),
        ("台账.csv:4, extendable_to", "beyond the deadline"),
        ("台账.csv:5, principal_wan", "whole number of 分"),
    ):
        assert any(line.startswith(where) and words in line for line in told), (where, told)


def test_text_in_a_number_cell_is_told_once():
    with pytest.raises(InputError) as caught:
        read_hidden_ledger([contract("A", "一千"), contract("B")])
    assert [str(p) for p in caught.value.problems if "row 1" in str(p)] == [
        "ledger row 1, principal_wan: '一千' stands in 'principal_wan' where a number belongs — "
        "write a number, or — where there is none"
    ]
    with pytest.raises(InputError, match="is no amount"):
        read_hidden_ledger([contract("A")], stated_total_wan="about 1,000")


def test_a_stated_balance_must_be_met():
    with pytest.raises(InputError, match=r"difference -0\.250000"):
        read_hidden_ledger([contract("A", 999.75)], stated_total_wan=1000)
    assert read_hidden_ledger([contract("A", 999.75)], stated_total_wan=999.75).total_wan == 999.75


def test_deadline_before_as_of():
    with pytest.raises(InputError, match="not after as_of"):
        read_hidden_ledger([contract("A")], as_of="2029-01-01", deadline="2028-12-31")


def test_two_headers_of_one_column():
    frame = pd.DataFrame([contract("A")]).assign(债务编号="A")
    with pytest.raises(InputError, match="both contract_id"):
        read_hidden_ledger(frame)


def test_matured_and_still_owed_is_a_finding():
    ledger = read_hidden_ledger([contract("A", maturity="2025-06-20")], as_of="2026-01-01")
    assert ledger.findings["rule"].tolist() == ["matured"]


def test_limits_are_checked_for_each_type_separately():
    rows = [bond("S1", 600), bond("G1", 500, type="general", purpose="new")]
    over = read_bonds(rows, limits_wan={"general": 400, "special": 900})
    assert over.findings["where"].tolist() == ["general"]
    assert over.findings["stated"].tolist() == [400]


def test_bad_bonds_are_told_under_their_own_columns():
    with pytest.raises(InputError) as caught:
        read_bonds([bond("S1", -1, type="specail"), bond("S1", purpose="")])
    told = str(caught.value)
    assert "bonds row 1, amount_wan: the amount -1 is negative" in told
    assert "did you mean 'special'" in told
    assert "bonds row 2, bond_code" in told
    assert "bonds row 2, purpose" in told


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_case(case):
    ledger = read_hidden_ledger([contract(name, wan) for name, wan in case["opening"].items()])
    years = list(case["closing"])
    rolled = roll_forward(
        ledger, case["events"], start=f"{years[0]}-01-01", end=f"{years[-1]}-12-31"
    ).wan()
    for year, balances in case["closing"].items():
        rows = rolled[rolled["period"] == str(year)].set_index("contract_id")["closing_wan"]
        assert rows.to_dict() == balances


def test_roll_forward_by_hand():
    """A: 1,000 + 12.34 unpaid interest − 200 cash − 300 replaced = 512.34; then − 512.34 = 0."""
    rolled = roll_forward(
        LEDGER,
        [
            {"contract_id": "A", "date": "2026-03-31", "event": "应计未付利息",
             "amount_wan": 12.34},
            {"contract_id": "A", "date": "2026-06-30", "event": "cash", "amount_wan": 200},
            {"contract_id": "A", "date": "2026-12-31", "event": "置换", "amount_wan": "300"},
            {"contract_id": "A", "date": "2027-06-30", "event": "disposal", "amount_wan": 512.34},
            {"contract_id": "B", "date": "2027-01-01", "event": "reclassification",
             "amount_wan": 0.25},
        ],
        start="2026-01-01",
        end="2028-12-31",
    )  # fmt: skip
    wan = rolled.wan().set_index(["contract_id", "period"])["closing_wan"]
    assert wan["A"].tolist() == [512.34, 0.0, 0.0]
    assert wan["B"].tolist() == [500.25, 500.0, 500.0]
    assert wan["C"].tolist() == [300.0, 300.0, 300.0]
    assert rolled.closing() == {"A": 0, "B": 500_000_000, "C": 300_000_000}
    assert rolled.totals()["closing_fen"].tolist() == [1_312_590_000, 800_000_000, 800_000_000]


def test_new_hidden_debt_is_a_finding_and_new_statutory_debt_is_not():
    event = {"date": "2026-05-01", "event": "new", "amount_wan": 10}
    hidden = roll_forward(
        LEDGER, [{**event, "contract_id": "Z"}], start="2026-01-01", end="2026-12-31"
    )
    assert hidden.findings["rule"].tolist() == ["new_hidden_debt"]
    assert hidden.closing()["Z"] == 10_000_000
    bonds = read_bonds([bond("S1")])
    statutory = roll_forward(
        bonds, [{**event, "bond_code": "S2"}], start="2026-01-01", end="2026-12-31"
    )
    assert statutory.findings.empty


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"contract_id": "X"}, "not in the ledger"),
        ({"event": "repaid"}, "unknown word 'repaid'"),
        ({"date": "2031-01-01"}, "not between"),
        ({"amount_wan": 0}, "not positive"),
        ({"amount_wan": None}, "missing"),
        ({"amount_wan": 1000.01}, "more than A owes"),
        ({"amount_wan": 0.00000001}, "whole number of 分"),
    ],
)
def test_bad_events(change, words):
    event = {"contract_id": "A", "date": "2026-05-01", "event": "cash", "amount_wan": 1, **change}
    with pytest.raises(InputError, match=words):
        roll_forward(LEDGER, [event], start="2026-01-01", end="2028-12-31")


def test_bad_spans():
    with pytest.raises(InputError, match="not a day on or after"):
        roll_forward(LEDGER, [], start="2026-01-01", end="2025-12-31")
    with pytest.raises(InputError, match="'week' is not known"):
        roll_forward(LEDGER, [], start="2026-01-01", end="2026-12-31", every="week")


def test_period_labels():
    assert periods_between(date(2026, 11, 5), date(2027, 2, 1), "quarter") == ["2026Q4", "2027Q1"]
    assert periods_between(date(2026, 11, 5), date(2027, 1, 1), "month") == [
        "2026-11", "2026-12", "2027-01",
    ]  # fmt: skip


ROW = {
    "债务编号": "A", "批次": "2026-1", "债券代码": "S1", "债券利率（%）": 2.24,
    "起息日": "2026-03-20",
    "置换金额（万元）": 1000, "资金拨付日": "2026-03-25", "债权解除日": "2026-04-02",
    "债权解除凭证": "解除函〔2026〕1号", "状态": "债权已解除",
}  # fmt: skip


def test_register_closed_loop():
    register = read_register([ROW], ledger=LEDGER, bonds=read_bonds([bond("S1")]))
    assert register.table["status"].eq("released").all()
    assert register.findings.empty
    assert register.table["replaced_fen"].tolist() == [1_000_000_000]
    rolled = roll_forward(LEDGER, register.events(), start="2026-01-01", end="2026-12-31")
    assert rolled.closing()["A"] == 0


def test_register_open_loop_and_broken_links():
    rows = [
        {**ROW, "状态": "资金已拨付", "债权解除日": None, "债权解除凭证": None},
        {**ROW, "债务编号": "B", "置换金额（万元）": 501},
    ]
    register = read_register(
        rows, ledger=LEDGER, bonds=read_bonds([bond("S1", 1200)]), as_of="2026-06-30"
    )
    assert register.table["status"].tolist() == ["disbursed", "released"]
    assert register.findings["rule"].tolist() == [
        "replacement_above_balance",
        "replacement_above_bond",
        "release_missing",
    ]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"状态": "已完成"}, "unknown word '已完成'"),
        ({"债务编号": "X"}, "not in the ledger"),
        ({"置换金额（万元）": None}, "missing"),
        ({"债权解除凭证": ""}, "needs 债权解除凭证"),
        ({"债券代码": None}, "needs 债券代码"),
        ({"批次": None}, "needs 批次"),
        ({"债权解除日": "2026-03-01"}, "before the disbursement"),
        ({"资金拨付日": "2026-02-31"}, "is not a date"),
    ],
)
def test_bad_register(change, words):
    with pytest.raises(InputError, match=words):
        read_register([{**ROW, **change}], ledger=LEDGER)


def test_order_of_replacement():
    order = suggest_order(LEDGER, as_of="2026-01-01", quota_wan=700)
    assert order["contract_id"].tolist() == ["C", "B", "A"]
    assert order["replaced_wan"].tolist() == [300.0, 400.0, 0.0]
    assert order["basis"].tolist() == ["逾期或涉诉", "利率由高到低", "利率由高到低"]


def test_replacement_of_ten_thousand():
    """10,000 万元 from 5.5 to 2.24 %: 326 a year; 73 days save 10,000 · 3.26 % · 73/365 = 65.2."""
    effect = replacement_effect(
        10_000, on="2025-01-01", old_rate_pct=5.5, new_rate_pct=2.24, hidden_wan=50_000,
        special_wan=20_000, special_limit_wan=29_000,
        until=["2025-01-01", "2025-03-15", "2026-01-01", "2028-12-31"],
    )  # fmt: skip
    assert effect.balances["change_wan"].tolist() == [-10_000, 10_000, 0]
    assert effect.balances["after_wan"].tolist() == [40_000, 30_000, 70_000]
    # 2025-01-01 to 2028-12-31 are 1,460 days: 10,000 · 3.26 % · 4 = 1,304.
    assert effect.interest["saved_wan"].tolist() == [0.0, 65.2, 326.0, 1304.0]
    assert effect.findings["rule"].tolist() == ["debt_limit"]
    assert effect.findings["computed"].tolist() == [30_000]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"amount_wan": 60_000}, "not between 0 and the hidden debt"),
        ({"until": "2024-01-01"}, "before the replacement"),
        ({"day_count": "ACT/ACT"}, "needs a coupon period"),
        ({"new_rate_pct": -1}, "negative"),
    ],
)
def test_bad_replacement(change, words):
    terms = {
        "amount_wan": 10_000, "on": "2025-01-01", "old_rate_pct": 5.5, "new_rate_pct": 2.24,
        "until": "2026-01-01", "hidden_wan": 50_000, "special_wan": 20_000,
    }  # fmt: skip
    with pytest.raises(InputError, match=words):
        replacement_effect(**{**terms, **change})


def test_problems_of_a_workbook_name_the_cell(tmp_path):
    file = tmp_path / "台账.xlsx"
    rows = [contract("A"), contract("B", rate_pct=0.055)]
    pd.DataFrame(rows).to_excel(file, sheet_name="隐债", index=False)
    with pytest.raises(InputError, match=r"隐债!G3") as caught:
        read_hidden_ledger(file)
    assert "did you mean 5.5" in str(caught.value)


@pytest.mark.parametrize(
    ("word", "canonical"),
    [
        ("half_yearly", "half_year"), ("half-yearly", "half_year"), ("h", "half_year"),
        ("semi-annual", "half_year"), (2, "half_year"), ("2.0", "half_year"), (1, "year"),
        (4, "quarter"), ("12", "month"), ("按季", "quarter"), (None, "year"),
    ],
)  # fmt: skip
def test_a_frequency_reaches_the_ledger_by_any_word(word, canonical):
    bonds = read_bonds(pd.DataFrame([bond("B1", frequency=word)]))
    assert bonds.table["frequency"].tolist() == [canonical]
    hidden = read_hidden_ledger(pd.DataFrame([contract("A1", frequency=word)]))
    assert hidden.table["frequency"].tolist() == [canonical if word else ""]  # not stated
    assert word or hidden.contracts[0].months == 12


def test_an_unknown_frequency_is_never_taken_for_a_year():
    with pytest.raises(InputError, match="weekly"):
        read_bonds(pd.DataFrame([bond("B1", frequency="weekly")]))
    with pytest.raises(InputError, match="weekly"):
        read_hidden_ledger(pd.DataFrame([contract("A1", frequency="weekly")]))


def test_a_ledger_under_the_headers_that_bureaus_write(tmp_path):
    file = tmp_path / "ledger.csv"
    file.write_text(
        "云溪县隐性债务台账（截至2025年12月31日）\n单位：万元\n"
        "序号,债务编号,举债单位,债权银行,债务类型,项目名称,债务余额,利率,借款日期,到期日期,还款方式,付息方式,能否置换\n"
        '1,YX-001,城投,工行,银行贷款,一期,"10,000.00",4.9%,2020-06-30,2027-06-30,到期一次性还本,按季付息,是\n'
        "2,YX-002,交投,农发行,银行贷款,公路,5000,5.2,2019/3/20,2026/3/20,等额本金,按月,否\n"
        "合计,,,,,,15000,,,,,,\n",
        encoding="utf-8",
    )
    one, two = read_hidden_ledger(file, as_of="2025-12-31").contracts
    assert (one.debtor, one.creditor, one.category) == ("城投", "工行", "银行贷款")
    assert (one.start, one.maturity) == (date(2020, 6, 30), date(2027, 6, 30))
    assert (one.frequency, one.replaceable, one.rate_pct) == ("quarter", True, 4.9)
    assert (two.repayment, two.frequency, two.replaceable) == ("equal_principal", "month", False)


def _at_maturity(**terms):
    row = {
        "contract_id": "A", "principal_wan": 100, "rate_pct": 6, "start": "2024-03-31",
        "maturity": "2027-03-31", "repayment": "到期一次还本", "frequency": "到期付息", **terms,
    }  # fmt: skip
    money = {"source_id": "财政资金", "category": "财政资金", "period": "2027", "cap_wan": 200}
    return plan_clearance(
        pd.DataFrame([row]), pd.DataFrame([{**money, "available_from": "2027-01-01"}]),
        as_of="2025-12-31",
    )  # fmt: skip


@pytest.mark.parametrize(
    "terms",
    [{}, {"frequency": "利随本清"}, {"repayment": "到期一次还本付息", "frequency": ""}],
)
def test_interest_at_maturity_is_paid_once_with_the_principal(terms):
    # 100 at 6 % from 2024-03-31 to 2027-03-31 by 30/360: three years, 18; none before.
    paid = _at_maturity(**terms).schedule
    assert paid[["use", "amount_wan"]].values.tolist() == [["interest", 18], ["principal", 100]]
    assert set(paid["date"]) == {date(2027, 3, 31)}


def test_interest_at_maturity_by_actual_days_or_before_it():
    # ISDA: 276 / 366 of 2024, 2025 and 2026 whole, 89 / 365 of 2027.
    by_days = _at_maturity(day_count="ACT/ACT").schedule
    assert by_days["amount_wan"][0] == pytest.approx(6 * (276 / 366 + 2 + 89 / 365), abs=0.005)
    # Paid on 2027-01-01: two years, nine months and a day.
    early = _at_maturity(prepayable="是").schedule
    assert early["amount_wan"][0] == pytest.approx(6 * (2 + 9 / 12 + 1 / 360), abs=0.005)


def test_interest_at_maturity_needs_its_first_day_and_one_way_of_paying():
    with pytest.raises(InputError, match="not known from which day"):
        _at_maturity(start=None)
    with pytest.raises(InputError, match="where interest is paid by period"):
        _at_maturity(repayment="利随本清", frequency="按季")
