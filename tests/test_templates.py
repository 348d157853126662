"""Templates: written with drop-downs and notes, read back, filled in wrongly."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

import fiscalmodel as fm
from fiscalmodel.series import templates, vocab
from fiscalmodel.series.readers import read_series
from fiscalmodel.series.template_spec import TEMPLATES

#: Columns of the design's tables.
DESIGN = {
    "debt": "contract_id debtor creditor category project principal_wan rate_pct start maturity "
    "repayment frequency overdue litigation replaceable prepayable prepay_fee_pct extendable_to "
    "min_instalment_wan clear_by by_contract",
    "funding": "source_id category period available_from cap_wan haircut_pct earmark carry",
    "receipts": "receipt_id bank kind account paid_in amount refund_of unmatched excluded",
    "revenue": "region budget_scope indicator item_code period value unit coverage calibre version "
    "kind source note",
    "monthly": "region budget_scope indicator period value unit coverage calibre kind source note",
    "budget": "region budget_scope indicator item_code period value unit version kind source note",
}


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("kind", templates.KINDS)
def test_written_and_read_back(kind: str, lang: str, tmp_path: Path) -> None:
    path = templates.write_template(kind, tmp_path / "t.xlsx", lang)
    found = templates.read(kind, path)
    assert set(DESIGN[kind].split()) <= set(found.columns)
    assert len(found) == 1
    assert found.attrs["notes"] == ("the example is the only row",)
    row = found.iloc[0]
    for field in TEMPLATES[kind]:
        if field.choices == "flag":
            assert row[field.name] is (field.example == "true") or row[field.name] == (
                field.example == "true"
            )
        elif field.example != "":
            assert row[field.name] == field.example, field.name
    book = openpyxl.load_workbook(path)
    data, notes = book.worksheets
    assert [c.data_type for row in data.iter_rows() for c in row].count("f") == 0
    lists = [v for v in data.data_validations.dataValidation if v.type == "list"]
    assert len(lists) == sum(field.type in ("choice", "list") for field in TEMPLATES[kind])
    assert notes.max_row >= len(TEMPLATES[kind]) + 5
    assert [p.name for p in tmp_path.iterdir()] == ["t.xlsx"]


def _fill(path: Path, rows: list[dict[str, object]], *, example: bool = True) -> None:
    book = openpyxl.load_workbook(path)
    sheet = book.worksheets[0]
    if not example:
        sheet.delete_rows(2)
    columns = {vocab.bare(cell.value): cell.column for cell in sheet[1]}
    for row in rows:
        at = sheet.max_row + 1
        for header, value in row.items():
            sheet.cell(at, columns[vocab.bare(header)], value)
    book.save(path)


def _debt(**more: object) -> dict[str, object]:
    return {
        "债务编号": "0012",
        "本金余额（万元）": "1,234.5",
        "利率（%）": "4.9%",
        "到期日": dt.date(2027, 6, 30),
        "还本方式": "到期一次还本",
        "是否逾期": "是",
        **more,
    }


def test_filled_in_rows_replace_the_example(tmp_path: Path) -> None:
    path = templates.write_template("debt", tmp_path / "债务.xlsx")
    _fill(path, [_debt(), _debt(债务编号="合同-2", 到期日="2027年6月30日")])
    found = templates.read("debt", path)
    assert found["contract_id"].tolist()[0] == "0012"
    assert found["principal_wan"].tolist() == [1234.5, 1234.5]
    assert found["rate_pct"].tolist() == [4.9, 4.9]
    assert found["maturity"].tolist() == ["2027-06-30", "2027-06-30"]
    assert found["repayment"].tolist() == ["bullet", "bullet"]
    assert found["overdue"].tolist() == [True, True]
    assert found["litigation"].tolist() == [False, False]
    assert found["min_instalment_wan"].isna().all()
    assert found.attrs["notes"] == ("the example in row 2 was left out",)


def test_all_problems_at_once_each_by_cell(tmp_path: Path) -> None:
    path = templates.write_template("debt", tmp_path / "债务.xlsx")
    _fill(
        path,
        [
            _debt(**{"债务编号": None, "利率（%）": 400, "到期日": "春天", "还本方式": "随便"}),
            _debt(**{"本金余额（万元）": "很多", "是否逾期": "也许"}),
        ],
    )
    with pytest.raises(fm.InputError) as error:
        templates.read("debt", path)
    said = str(error.value)
    for words in (
        "数据!A3", "is blank", "数据!G3", "400 is out of range", "数据!I3", "'春天' is no date",
        "数据!J3", "'随便' is not in the list", "数据!F4", "'很多'", "数据!L4", "'也许'",
    ):  # fmt: skip
        assert words in said
    assert len(error.value.problems) == 6


def test_missing_and_foreign_columns(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("债务编号,本金余额（万元）,到期,利率（%）,电话\n1,5,2027-01-01,4,1\n", "utf-8")
    with pytest.raises(fm.InputError, match="column '到期日' is missing"):
        templates.read("debt", path)
    path.write_text(
        "债务编号,本金余额（万元）,到期日,利率（%）,电话\n1,5,2027-01-01,4,1\n", "utf-8"
    )
    found = templates.read("debt", path)
    assert found["principal_wan"].tolist() == [5]
    assert any("电话" in note for note in found.attrs["notes"])


def test_unknown_kind_language_and_folder(tmp_path: Path) -> None:
    with pytest.raises(fm.InputError, match="did you mean 'revenue'"):
        templates.write_template("revenu", tmp_path / "a.xlsx")
    with pytest.raises(fm.InputError, match="unknown language"):
        templates.write_template("debt", tmp_path / "a.xlsx", "fr")
    with pytest.raises(fm.InputError, match="folder is not there"):
        templates.write_template("debt", tmp_path / "no" / "a.xlsx")


def test_the_same_call_writes_the_same_file(tmp_path: Path) -> None:
    one = templates.write_template("debt", tmp_path / "a.xlsx").read_bytes()
    assert templates.write_template("debt", tmp_path / "b.xlsx").read_bytes() == one


def test_a_revenue_template_is_a_series(tmp_path: Path) -> None:
    path = templates.write_template("revenue", tmp_path / "收入.xlsx")
    rows = [
        {
            "地区": "样本县",
            "指标": "一般公共预算收入",
            "期间": str(year),
            "数值": value,
            "单位": "亿元",
            "数据性质": kind,
        }
        for year, value, kind in [
            (2023, 4.1, "实际数"),
            (2024, 4.21, "实际数"),
            (2025, 4.3, "预计数"),
        ]
    ]
    _fill(path, rows, example=False)
    series = read_series(path)
    assert series.values.tolist() == [41000.0, 42100.0, 43000.0]
    assert series.kinds.tolist() == ["actual", "actual", "estimate"]
    assert series.source_of("2024") == "收入.xlsx[数据!F3]"
    assert read_series(path).region == "样本县"


def test_templates_go_straight_into_plan_and_commission(tmp_path: Path) -> None:
    """What a user fills in is what the debt and fee rooms read, by the same headers."""
    debt = templates.write_template("debt", tmp_path / "债务.xlsx")
    funds = templates.write_template("funding", tmp_path / "资金.xlsx")
    plan = fm.plan_clearance(
        templates.read("debt", debt), templates.read("funding", funds), as_of="2026-01-01"
    )
    direct = fm.plan_clearance(debt, funds, as_of="2026-01-01")
    pd.testing.assert_frame_equal(plan.balances, direct.balances)
    receipts = templates.write_template("receipts", tmp_path / "缴款.xlsx")
    statement = fm.commission(templates.read("receipts", receipts), rates={"罚没": 0.5})
    assert int(statement.table["fee_fen"].sum()) == 100  # 200.00 元 at 0.5 % is 1.00 元
    assert int(fm.commission(receipts, rates={"罚没": 0.5}).table["fee_fen"].sum()) == 100
