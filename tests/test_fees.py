"""Commissions: worked cases, bad input, files, and the forms a table may take."""

from __future__ import annotations

import math
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

import fiscalmodel as fm
from fiscalmodel.present.settlement import in_words
from fiscalmodel.tables import records
from fiscalmodel.words import speaking

CASES = yaml.safe_load((Path(__file__).parent / "cases/fees_settlement.yaml").read_text("utf-8"))
GOOD = {
    "receipt_id": ["1", "2", "3"], "bank": ["甲银行"] * 3, "kind": ["fines", "charges", "charges"],
    "account": ["treasury", "fiscal_account", "treasury"],
    "paid_in": ["2024-01-31", "2024-02-29", "2024-03-01"], "amount": ["100.00", "2.40", "1234.56"],
}  # fmt: skip


def good(**changes: object) -> pd.DataFrame:
    return pd.DataFrame({**GOOD, **changes})


def problems(receipts: object, **options: object) -> list[str]:
    with pytest.raises(fm.InputError) as caught:
        fm.commission(receipts, **options)
    return [str(p) for p in caught.value.problems]


@pytest.mark.parametrize("case", CASES, ids=[c["name"] for c in CASES])
def test_worked_case(case: dict) -> None:
    rows = case["receipts"]
    if "repeat" in case:
        rows = [{**rows[0], "receipt_id": f"R{i}"} for i in range(case["repeat"])]
    options = {
        k: case[k] for k in ("rates", "relations", "payments", "carried", "period") if k in case
    }
    receipts = pd.DataFrame(rows)
    if "problems" in case:
        found = problems(receipts, **options)
        for text in case["problems"]:
            assert any(text in line for line in found), found
        return
    result = fm.commission(receipts, **options)
    got = [
        [r.bank, r.kind, r.account, r.period, f"{r.base_fen / 100:.2f}",
         None if math.isnan(r.rate_pct) else r.rate_pct, f"{r.fee_fen / 100:.2f}"]
        for r in result.table.itertuples()
    ]  # fmt: skip
    assert got == [[*line[:3], str(line[3]), *line[4:]] for line in case["lines"]]
    for text in case.get("notes", []):
        assert any(text in note for note in result.notes), result.notes
    if "excluded" in case:
        assert list(result.excluded["reason"]) == case["excluded"]
    if "payable" in case:
        assert result.payable_fen == int(Decimal(case["payable"]) * 100)


def test_all_problems_at_once_each_with_its_place(tmp_path: Path) -> None:
    file = tmp_path / "receipts.csv"
    file.write_text(
        "缴款书号,银行,种类,账户,缴入日期,金额（元）,退付原缴款书号,待查,剔除原因\n"
        "A1,甲银行,罚没,国库,2024-01-05,100.00,,,\n"
        "A1,甲银行,罚没,国库,2024-01-06,50.00,,,\n"  # twice
        "A2,甲银行,罚没,国库,2024-01-06,50.005,,,\n"  # three decimals
        "A3,甲银行,罚没,国库,2024-01-07,-5.00,,,\n"  # negative without a mark
        "A4,甲银行,税收,国库,2024-01-07,5.00,,,\n"  # unknown kind
        "A5,丁银行,罚没,国库,2024-01-07,5.00,,,\n"  # unknown bank
        "A6,甲银行,罚没,国库,2024-02-30,5.00,,,\n"  # no such day
        "A7,甲银行,罚没,国库,2025-01-01,5.00,,,\n"  # after as_of
        "A8,甲银行,罚没,国库,2024-10-01,5.00,,,\n"  # after the relation
        "B1,甲银行,罚没,国库,2024-03-01,-200.00,A1,,\n"  # more than its receipt
        "B2,甲银行,罚没,国库,2024-03-01,-2.00,ZZ,,\n"  # of an unknown one
        "A9,甲银行,罚没,国库,2024-03-01,,,,\n"  # no amount
        "A10,甲银行,罚没,国库,2024-03-01,9.99,,,是\n"  # excluded without a reason
        "A11,甲银行,罚没,国外,2024-03-01,9.99,,,\n",  # unknown account
        encoding="utf-8-sig",
    )
    found = problems(
        file,
        as_of="2024-12-31",
        rates={"罚没": 0.005, "收费": 0.2},
        relations=[{"bank": "甲银行", "valid_from": "2020-01-01", "valid_to": "2024-09-30"}],
    )
    for text in (
        "receipts.csv:3, 缴款书号: receipt A1 stands twice (first at receipts.csv:2, 缴款书号)",
        "receipts.csv:4, 金额（元）: '50.005' 元 is not a whole number of 分",
        "receipts.csv:5, 金额（元）: negative amount -5.00 without a refund mark",
        "receipts.csv:6, 种类: unknown word '税收'",
        "receipts.csv:7, 银行: unknown bank '丁银行'",
        "receipts.csv:8, 缴入日期: '2024-02-30' is not a date",
        "receipts.csv:9, 缴入日期: 2025-01-01 is after as_of 2024-12-31",
        "receipts.csv:10, 缴入日期: 2024-10-01 is outside the relation with 甲银行",
        "receipts.csv:11, 金额（元）: refunds of 200.00 exceed their receipt of 100.00",
        "receipts.csv:12, 退付原缴款书号: refund of an unknown receipt 'ZZ'",
        "receipts.csv:13, 金额（元）: Amount (元) is missing",
        "receipts.csv:14, 剔除原因: excluded without a reason",
        "receipts.csv:15, 账户: unknown word '国外'",
        "rates row 1, rate_pct: a rate of 0.005 % looks like a ratio — write 0.5 for 0.5 %",
    ):
        assert any(line.startswith(text) for line in found), (text, found)


def test_a_bad_line_may_be_excluded_with_a_reason() -> None:
    rows = good(amount=["100.00", "2.405", "10"], excluded=[None, "金额待核实", None])
    result = fm.commission(rows)
    assert result.excluded[["receipt_id", "amount", "reason"]].values.tolist() == [
        ["2", "2.405", "金额待核实"]
    ]
    assert result.fee_fen == 50 + 2  # 100 × 0.5 % = 0.50; 10 × 0.2 % = 0.02


def test_a_doubled_line_may_be_excluded_and_a_refund_finds_the_other() -> None:
    rows = pd.concat([good(), good().iloc[[0]]], ignore_index=True)
    rows["excluded"] = [None, None, None, "重复录入"]
    rows["refund_of"] = None
    rows.loc[4] = ["9", None, None, None, "2024-05-01", "-40.00", None, "1"]
    result = fm.commission(rows)
    assert result.table.set_index("kind").loc[["fines"], "base_fen"].tolist() == [6000]


@pytest.mark.parametrize(
    "amounts",
    [
        ["100.00", "2.40", "1,234.56"],
        [100.0, 2.4, 1234.56],
        [Decimal("100"), 2.4, "1234.56"],
        [100, Decimal("2.40"), 1234.56],
        np.array([100.0, 2.4000000000000004, 1234.56]),
    ],
)
def test_amounts_in_any_form(amounts: object) -> None:
    assert fm.commission(good(amount=amounts)).table["base_fen"].tolist() == [10000, 123456, 240]


@pytest.mark.parametrize(
    "dates",
    [
        pd.to_datetime(GOOD["paid_in"]),
        [d.replace("-", "/") for d in GOOD["paid_in"]],
        [d.replace("-", "") for d in GOOD["paid_in"]],
        ["2024年1月31日", "2024年2月29日", "2024年3月1日"],
        [int(d.replace("-", "")) for d in GOOD["paid_in"]],
        pd.to_datetime(GOOD["paid_in"]).date,
    ],
)
def test_dates_in_any_form(dates: object) -> None:
    periods = fm.commission(good(paid_in=dates), period="month").table["period"].tolist()
    assert periods == ["2024-01", "2024-03", "2024-02"]


def test_whole_number_identifiers_with_missing_marks() -> None:
    rows = good(receipt_id=[1, 2, 3], refund_of=[np.nan, np.nan, 2.0], amount=[5.0, 3.0, -1.0])
    rows["account"] = "treasury"
    result = fm.commission(rows)
    assert result.table.set_index("kind").loc[["charges"], "base_fen"].tolist() == [200]


def test_amounts_near_a_whole_fen_and_beyond_doubles() -> None:
    near = fm.commission(good(amount=[0.1 + 0.2, 1e-9 + 1, 0]))
    assert near.table["base_fen"].sum() == 130
    big = fm.commission(good(amount=["9999999999999.99", "9999999999999.98", "0.01"]))
    assert sorted(big.table["base_fen"]) == [1, 999999999999998, 999999999999999]
    assert "too large" in problems(good(amount=["10000000000000", "1", "1"]))[0]
    assert "not a whole number of 分" in problems(good(amount=[0.300001, 1, 1]))[0]


def test_sums_beyond_53_bits_are_exact() -> None:
    n = 40
    rows = pd.DataFrame({
        "receipt_id": range(n), "bank": "甲银行", "kind": "罚没", "account": "国库",
        "paid_in": "2024-01-01", "amount": "9999999999999.99",
    })  # fmt: skip
    result = fm.commission(rows)
    assert result.table["base_fen"].tolist() == [999999999999999 * n]
    assert result.fee_fen == (999999999999999 * n * 5 + 500) // 1000


def test_positive_refunds_are_taken_off_where_all_are_positive() -> None:
    rows = good(amount=["100.00", "2.40", "1.40"], refund_of=[None, None, "2"])
    rows["account"] = "国库"
    result = fm.commission(rows)
    assert result.table.set_index("kind").loc[["charges"], "base_fen"].tolist() == [100]
    assert any("written as positive" in note for note in result.notes)
    mixed = pd.concat([rows, rows.iloc[[2]].assign(receipt_id="4", amount="-0.5")])
    assert any("a positive refund among negative ones" in p for p in problems(mixed))


def test_a_refund_goes_the_way_of_its_receipt() -> None:
    rows = good(unmatched=[True, None, None], refund_of=[None, None, "1"], amount=[9, 2, -1])
    rows.loc[2, ["kind", "account"]] = None
    result = fm.commission(rows)
    assert result.table["base_fen"].tolist() == [0, 200]
    assert result.lines["unmatched_fen"].tolist() == [800, 0]
    clash = good(refund_of=[None, None, "1"], amount=[9, 2, -1])
    assert any("the refund's kind is not its receipt's" in p for p in problems(clash))


def test_excel_cells_are_named(tmp_path: Path) -> None:
    file = tmp_path / "收入.xlsx"
    frame = good(amount=[100.0, 2.405, 10.0], receipt_id=[1, 2, 3])
    with pd.ExcelWriter(file, engine="openpyxl") as book:
        frame.to_excel(book, sheet_name="明细", index=False, startrow=2)
    assert problems(file) == [
        "收入.xlsx[明细!F5] amount: '2.405' 元 is not a whole number of 分 — round it to 分"
    ]


def test_a_long_file_finds_the_same_problems(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = pd.DataFrame({
        "receipt_id": [f"R{i:05d}" for i in range(5000)], "bank": "甲银行", "kind": "罚没",
        "account": "国库", "paid_in": "2024-05-06", "amount": "10.01", "refund_of": "",
    })  # fmt: skip
    rows.loc[4000, ["amount", "refund_of"]] = ["-4.00", "R00007"]
    rows.loc[4001, ["amount", "refund_of"]] = ["-0.01", "R00008"]
    file = tmp_path / "receipts.csv"
    rows.to_csv(file, index=False)
    with file.open("a") as end:
        end.write("\n\n")
    small = fm.commission(file)
    monkeypatch.setattr(records, "_LONG_CSV", 1000)
    large = fm.commission(file)
    pd.testing.assert_frame_equal(large.table, small.table)
    pd.testing.assert_frame_equal(large.explain(), small.explain())
    rows.loc[4001, "receipt_id"] = "R00002"
    rows.loc[4000, ["amount", "refund_of"]] = ["-40.00", "R00007"]
    rows.loc[4002, ["amount", "refund_of"]] = ["-0.01", "none"]
    rows.loc[4003, "amount"] = "1.234"
    rows.to_csv(file, index=False)
    assert problems(file) == [
        "receipts.csv:4005, amount: '1.234' 元 is not a whole number of 分 — round it to 分",
        "receipts.csv:4003, receipt_id: receipt R00002 stands twice"
        " (first at receipts.csv:4, receipt_id)"
        " — exclude one of the two with a reason",
        "receipts.csv:4004, refund_of: refund of an unknown receipt 'none'"
        " — include its receipt, of an earlier year if need be",
        "receipts.csv:4002, amount: refunds of 40.00 exceed their receipt of 10.01"
        " (receipts.csv:9, amount) — correct the amount or the receipt",
    ]


def test_gb18030_with_title_rows(tmp_path: Path) -> None:
    file = tmp_path / "receipts.csv"
    file.write_text(
        "代收明细表,,,,,\n单位：元,,,,,\n票据号,代收银行,种类,账户,缴入日期,金额\n"
        "001,甲银行,收费,财政专户,2024-01-05,2.50\n01,甲银行,收费,财政专户,2024-01-05,2.50\n",
        encoding="gb18030",
    )
    result = fm.commission(file)
    assert result.table["base_fen"].tolist() == [500]
    assert result.explain()["receipt_id"].tolist() == ["001", "01"]


def test_missing_columns_files_and_words() -> None:
    assert (
        "column 'bank' (代收银行) is missing"
        in problems(good().drop(columns=["bank", "amount"]))[0]
    )
    assert "no such file" in problems("nowhere.csv")[0]
    assert "unknown period 'week'" in problems(good(), period="week")[0]
    assert "is not a date" in problems(good(), as_of="soon")[0]
    assert "no receipts" in problems(good().iloc[:0])[0]


@pytest.mark.parametrize(
    ("rates", "text"),
    [
        ({"fines": 0.005}, "looks like a ratio"),
        ({"fines": 101}, "is above 100"),
        ({"fines": "half"}, "where a number belongs"),
        ({"taxes": 1}, "unknown word 'taxes'"),
        (
            [{"kind": "fines", "rate_pct": 0.5}, {"kind": "罚没", "rate_pct": 0.4}],
            "two rates for fines on one day",
        ),
        (
            [
                {
                    "kind": "fines",
                    "rate_pct": 0.5,
                    "valid_from": "2024-02-01",
                    "valid_to": "2024-01-01",
                }
            ],
            "ends before",
        ),
        (
            [
                {"kind": "fines", "rate_pct": 0.5, "upto_yuan": 5},
                {"kind": "fines", "rate_pct": 0.2, "upto_yuan": 3},
            ],
            "do not rise to an open end",
        ),
        ([{"kind": "fines", "rate_pct": 0.5, "tiers": "5=0.5; 0.2"}], "one row a tier"),
        (
            [{"kind": "fines", "rate_pct": 0.5, "cap_yuan": 5, "minimum_yuan": 6}],
            "minimum is above the cap",
        ),
    ],
)
def test_bad_rates(rates: object, text: str) -> None:
    assert any(text in p for p in problems(good(), rates=rates))


def test_a_small_rate_can_be_confirmed() -> None:
    rates = [{"kind": "fines", "rate_pct": "0.005", "confirmed": "yes"}]
    assert fm.commission(good(amount=["1000000", 0, 0]), rates=rates).fee_fen == 5000


def test_carry_to_the_next_year_by_hand() -> None:
    first = fm.commission(good(), payments={"甲银行": "0.50"}, period="year")
    assert first.payable_fen == 50 + 0 + 247 - 50  # 100 × 0.5 %; 2.40 × 0.2 %; 1,234.56 × 0.2 %
    later = good(receipt_id=["a", "b", "c"], paid_in="2025-02-01")
    for brought in (first, first.carry, first.table):
        second = fm.commission(later, carried=brought)
        assert second.table["arrears_fen"].sum() == 247
        assert second.payable_fen == 247 + 297
    other = fm.commission(later.assign(bank="乙银行"), carried=first)
    assert other.table.set_index("bank").loc[["甲银行"], "payable_fen"].tolist() == [247]


def test_what_is_not_given_is_not_nought() -> None:
    """Neither payments nor arrears: missing in the table, 未提供 as shown, payable before them."""
    alone = fm.commission(good())
    assert alone.missing == ("arrears_fen", "paid_fen")
    assert alone.table[["arrears_fen", "paid_fen"]].isna().all(axis=None)
    assert alone.payable_fen == alone.fee_fen == 297  # 100 × 0.5 %; 1,237 × 0.2 % rounded a line
    assert "应付2.97元（已付数未提供，未扣减）" in alone.answer("zh")
    with speaking("zh"):
        shown = alone._repr_html_()
    assert shown.count("未提供</td>") == 2 * 3  # fines, charges, and the total
    assert ">0.00<" not in shown
    paid = fm.commission(good(), payments={"甲银行": "0.50"})
    assert paid.missing == ("arrears_fen",)
    assert (paid.summary()["paid_fen"].iloc[-1], paid.payable_fen) == (50, 297 - 50)
    assert "尚应付2.47元" in paid.answer("zh")
    # A table without a row is a statement that nothing was paid.
    assert fm.commission(good(), payments={}).table["paid_fen"].sum() == 0


def test_payments_go_to_the_oldest_line_and_too_much_is_a_credit() -> None:
    rows = good(paid_in=["2023-05-01", "2024-05-01", "2024-05-01"], kind="fines", account="国库")
    result = fm.commission(rows, payments=[{"bank": "甲银行", "amount": 10}])
    assert result.table["paid_fen"].tolist() == [50, 950]
    assert any("more than was due" in note for note in result.notes)
    named = fm.commission(rows, payments=[{"bank": "甲银行", "amount": "0.10", "period": 2024}])
    assert named.table["paid_fen"].tolist() == [0, 10]
    assert any("fits no line" in p for p in problems(rows, payments={"乙银行": 1}))


def test_the_frame_given_is_never_changed() -> None:
    rows = good(refund_of=[None, None, "2"], amount=["5", "4", "-1"])
    rows["account"] = "国库"
    before = rows.copy(deep=True)
    fm.commission(rows).explain()
    pd.testing.assert_frame_equal(rows, before)


@pytest.mark.parametrize(
    ("fen", "text"),
    [
        (0, "零元整"),
        (1, "壹分"),
        (10, "壹角整"),
        (105, "壹元零伍分"),
        (110_000, "壹仟壹佰元整"),
        (1_000_100, "壹万零壹元整"),
        (100_000_000_000, "壹拾亿元整"),
        (10_203_040, "壹拾万贰仟零叁拾元肆角整"),
        (1_001_000_000, "壹仟零壹万元整"),
        (30_000_000, "叁拾万元整"),
    ],
)
def test_capital_amounts(fen: int, text: str) -> None:
    assert in_words(fen) == text


# --- the same receipts however the bank writes them ------------------------------------------

TABLE = (
    "缴款书编号,代收银行,收入种类,缴入账户,缴入日期,{amount}\n"
    "1,甲银行,罚没,国库,2024-03-15,{value}\n"
)


def written(tmp_path: Path, text: str, encoding: str = "utf-8-sig", name: str = "r.csv") -> Path:
    file = tmp_path / name
    file.write_text(text, encoding=encoding)
    return file


@pytest.mark.parametrize("above", ["", "代收明细表,,,,,\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize(
    ("unit", "header", "value"),
    [("元", "金额", "12345.60"), ("万元", "金额", "1.23456"), ("", "金额（万元）", "1.23456"),
     ("", "金额", "12345.60")],
)  # fmt: skip
def test_the_same_receipt_in_every_spelling(
    tmp_path: Path, above: str, encoding: str, separator: str, unit: str, header: str, value: str
) -> None:
    unit_line = f"单位：{unit},,,,,\n" if unit else ""
    text = above + unit_line + TABLE.format(amount=header, value=value)
    result = fm.commission(written(tmp_path, text.replace(",", separator), encoding))
    assert result.table["base_fen"].tolist() == [1_234_560]
    assert result.fee_fen == 6173  # 12,345.60 × 0.5 % = 61.728


def test_a_unit_line_in_excel_and_in_a_long_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = pd.DataFrame([["1", "甲银行", "罚没", "国库", "2024-03-15", 1.23456]], columns=[
        "缴款书编号", "代收银行", "收入种类", "缴入账户", "缴入日期", "金额"])  # fmt: skip
    file = tmp_path / "r.xlsx"
    with pd.ExcelWriter(file, engine="openpyxl") as book:
        frame.to_excel(book, index=False, startrow=1)
        book.sheets["Sheet1"]["F1"] = "单位：万元"
    assert fm.commission(file).table["base_fen"].tolist() == [1_234_560]
    monkeypatch.setattr(records, "_LONG_CSV", 1)
    text = "单位：万元,,,,,\n" + TABLE.format(amount="金额", value="1.23456")
    assert fm.commission(written(tmp_path, text)).table["base_fen"].tolist() == [1_234_560]


@pytest.mark.parametrize("long", [False, True])
@pytest.mark.parametrize("value", ["1,23", "1,23,456", "12.345", "1.5万", "12 %", "1e5x"])
def test_doubtful_amounts_are_refused_or_exact(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str, long: bool
) -> None:
    if long:
        monkeypatch.setattr(records, "_LONG_CSV", 1)
    file = written(tmp_path, TABLE.format(amount="金额", value=f'"{value}"'))
    if value == "1.5万":
        assert fm.commission(file).table["base_fen"].tolist() == [1_500_000]
    else:
        (problem,) = problems(file)
        assert problem.startswith("r.csv:2, 金额: ")


def test_payments_in_wan_and_with_a_doubtful_comma(tmp_path: Path) -> None:
    table = "支付情况,,\n单位：万元,,\n代收银行;金额;支付日期\n甲银行;0.005;2025年3月1日\n"
    paid = written(tmp_path, table.replace(",", ";"), "utf-16", "payments.csv")
    assert fm.commission(good(), payments=paid).table["paid_fen"].sum() == 5000
    doubtful = written(tmp_path, '代收银行,金额\n甲银行,"1,23"\n', name="p.csv")
    (problem,) = problems(good(), payments=doubtful)
    assert problem.startswith("p.csv:2, 金额: ")
    assert "comma" in problem


def test_problems_are_said_in_chinese_too(tmp_path: Path) -> None:
    text = TABLE.format(amount="金额（元）", value='"1,23"') + "2,甲银行,税收,国库,2024-13-01,-5\n"
    with pytest.raises(fm.InputError) as caught:
        fm.commission(written(tmp_path, text), period="年度")
    said = caught.value.text("zh")
    assert "r.csv:2, 金额（元）：“1,23”中的逗号是千分位还是小数点，无法判断——" in said
    assert "r.csv:3, 收入种类：不认识的“税收”" in said
    assert "r.csv:3, 缴入日期：“2024-13-01”不是日期" in said
    assert "金额-5.00为负，却未注明退付的原缴款书" in said


def test_receipts_without_a_column_of_accounts(tmp_path):
    file = tmp_path / "receipts.csv"
    file.write_text(
        "某县非税收入代收明细表\n单位：元\n"
        "序号,缴款书号码,代收银行,收费项目,资金性质,缴款日期,缴款金额（元）\n"
        '1,350001,农业银行,垃圾处理费,行政事业性收费,20250103,"1,200.50"\n'
        "2,350002,农业银行,交通罚款,罚没收入,2025/1/4,200\n"
        "合计,,,,,,1400.50\n",
        encoding="utf-8",
    )
    statement = fm.commission(file)
    # 200 at 0.5 % is 1.00; 1,200.50 at 0.2 % is 2.401, so 2.40.
    assert statement.table[["account", "base_fen", "fee_fen"]].values.tolist() == [
        ["not stated", 20000, 100], ["not stated", 120050, 240]
    ]  # fmt: skip
    empty = tmp_path / "empty.csv"
    empty.write_text(
        "缴款书编号,代收银行,收入类别,缴入账户,缴入日期,金额（元）\n1,农业银行,罚没,,2025-01-04,200\n",
        encoding="utf-8",
    )
    assert fm.commission(empty).table["account"].tolist() == ["not stated"]
    assert "no account: it is given as not stated" in "; ".join(map(str, statement.notes))
