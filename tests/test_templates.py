"""Templates: written with drop-downs and notes, read back, filled in wrongly."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

import fiscalmodel as fm
from fiscalmodel.series import templates
from fiscalmodel.series.assembly import read_series
from fiscalmodel.series.templates import Field
from fiscalmodel.words import bare, headers_of

TEMPLATES = templates.templates()

#: Columns of the design's tables.
DESIGN = {
    "debt": "contract_id debtor creditor category project principal_wan rate_pct start maturity "
    "repayment frequency overdue litigation replaceable prepayable prepay_fee_pct extendable_to "
    "min_instalment_wan clear_by by_contract",
    "funding": "source_id category period available_from cap_wan haircut_pct earmark carry",
    "receipts": "receipt_id bank kind account paid_in amount refund_of unmatched excluded",
    "quotas": "batch kind period available_from quota_wan rate_pct tenor_years repayment",
    "bonds": "bond_code type purpose amount_wan rate_pct start maturity repayment frequency "
    "project",
    "limits": "year general_limit_wan special_limit_wan",
    "claims": "item period need_wan budget inside",
    "sanbao": "period sanbao_part standard need_wan arranged_wan settled_wan",
    "cash": "period cash_kind opening_wan receipts_wan payments_wan closing_wan",
    "flows": "period cash_line item purpose amount_wan settled_wan",
    "projects": "project_id project project_class must running standard_wan number first_year "
    "years score",
    "assessed": "year item funding amount_wan",
    "executed": "project budget_wan adjusted_wan executed_wan score",
    "scores": "indicator comparator value value_max achieved weight",
    "idle": "fund_id item idle_kind year amount_wan",
    "cuts": "line last_wan this_wan moved_wan target_cut_pct",
    "payments": "bank kind account period amount paid_on",
    "revenue": "region budget_scope indicator item_code period value unit coverage calibre version "
    "kind source note",
    "monthly": "region budget_scope indicator period value unit coverage calibre kind source note",
    "budget": "region budget_scope indicator item_code period value unit version kind source note",
    "accounts": "budget_scope government_level year version item amount_wan restricted counterpart",
    "plan_lines": "line project_class year standard_wan number amount_wan sanbao_part basis",
    "plan_changes": "line year standard_wan number source",
    "plan_flows": "item year amount_wan basis",
    "guardrails": "year ppp_wan special_interest_wan fund_expenditure_wan general_debt_wan",
    "bond_projects": "project_id name amount_wan rate_pct start maturity repayment frequency",
    "bond_income": "project_id year income_wan",
}


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("kind", list(TEMPLATES))
def test_written_and_read_back(kind: str, lang: str, tmp_path: Path) -> None:
    path = templates.write_template(kind, tmp_path / "t.xlsx", lang)
    found = templates.read(kind, path)
    assert set(DESIGN[kind].split()) <= set(found.columns)
    assert len(found) == 1
    assert list(map(str, found.attrs["notes"])) == ["the example is the only row"]
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
    columns = {bare(cell.value): cell.column for cell in sheet[1]}
    for row in rows:
        at = sheet.max_row + 1
        for header, value in row.items():
            sheet.cell(at, columns[bare(header)], value)
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
    assert list(map(str, found.attrs["notes"])) == ["the example in row 2 was left out"]


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
        "数据!A3", "is missing", "数据!G3", "400 is above 36", "数据!I3", "'春天' is not a date",
        "数据!J3", "unknown word '随便'", "数据!F4", "'很多'", "数据!M4", "'也许'",
    ):  # fmt: skip
        assert words in said
    assert len(error.value.problems) == 6


def test_missing_and_foreign_columns(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("债务编号,本金余额（万元）,到期,利率（%）,电话\n1,5,2027-01-01,4,1\n", "utf-8")
    with pytest.raises(fm.InputError, match="到期日"):
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
    debt, funds, receipts = (
        _own(templates.write_template(kind, tmp_path / name), _one(kind), example=False)
        for kind, name in (("debt", "债务.xlsx"), ("funding", "资金.xlsx"), ("receipts", "款.xlsx"))
    )
    plan = fm.plan_clearance(
        templates.read("debt", debt), templates.read("funding", funds), as_of="2026-01-01"
    )
    direct = fm.plan_clearance(debt, funds, as_of="2026-01-01")
    pd.testing.assert_frame_equal(plan.balances, direct.balances)
    statement = fm.commission(templates.read("receipts", receipts), rates={"罚没": 0.5})
    assert int(statement.table["fee_fen"].sum()) == 100  # 200.00 元 at 0.5 % is 1.00 元
    assert int(fm.commission(receipts, rates={"罚没": 0.5}).table["fee_fen"].sum()) == 100


def _heads(field: Field) -> list[str]:
    return [bare(h) for h in (field.header("zh"), *headers_of(field.name))]


def _own(path: Path, rows: list[dict[str, object]], *, example: bool = True) -> Path:
    """Rows of the office below the example (or in its place), by column name."""
    book = openpyxl.load_workbook(path)
    sheet = book.worksheets[0]
    heads = {bare(c.value): c.column for c in sheet[1]}
    known = {h: f.name for fields in TEMPLATES.values() for f in fields for h in _heads(f)}
    wanted = {k for row in rows for k in row}
    at = {known[h]: column for h, column in heads.items() if known[h] in wanted}
    sample = {name: sheet.cell(2, column).value for name, column in at.items()}
    for r, row in enumerate(rows, 3):
        for name, column in at.items():
            sheet.cell(r, column, row.get(name, sample[name]))
    if not example:
        sheet.delete_rows(2)
    book.save(path)
    return path


def _one(kind: str, lang: str = "zh") -> list[dict[str, object]]:
    """The example's record under an id of the office."""
    fields = TEMPLATES[kind]
    return [{f.name: f.shown(lang) for f in fields} | {fields[0].name: "X1"}]


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("kind", ["revenue", "monthly", "budget"])
def test_a_series_template_is_read_in_both_languages_without_its_example(
    kind: str, lang: str, tmp_path: Path
) -> None:
    path = templates.write_template(kind, tmp_path / "own.xlsx", lang)
    with pytest.raises(fm.InputError, match="only the example row is filled in"):
        fm.load_series(path)
    periods = ["2023-03", "2023-04"] if kind == "monthly" else ["2022", "2023"]
    rows: list[dict[str, object]] = [
        {"period": p, "value": 1000.0 + i, "indicator": "一般公共预算收入", "unit": "亿元",
         "kind": "actual" if lang == "en" else "实际数"}
        for i, p in enumerate(periods)
    ]  # fmt: skip
    found = fm.load_series(_own(path, rows))
    assert found.values.tolist() == [10_000_000.0, 10_010_000.0]
    assert [str(p) for p in found.values.index] == periods
    assert found.region == ""
    assert found.unit == "万元"
    assert "the example in row 2 was left out" in map(str, found.notes)
    assert "no unit is stated" not in map(str, found.notes)


def test_an_example_row_that_was_overwritten_is_data(tmp_path: Path) -> None:
    path = templates.write_template("revenue", tmp_path / "own.xlsx")
    book = openpyxl.load_workbook(path)
    sheet = book.worksheets[0]
    value = next(c for c in sheet[1] if str(c.value).startswith("数值")).column
    sheet.cell(2, value, 50_000)
    book.save(path)
    assert fm.load_series(path).values.tolist() == [50_000.0]


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_receipts_are_read_in_both_languages(lang: str, tmp_path: Path) -> None:
    path = templates.write_template("receipts", tmp_path / "own.xlsx", lang)
    with pytest.raises(fm.InputError, match="only the example row is filled in"):
        fm.commission(path)
    _own(path, _one("receipts", lang))
    assert fm.commission(path).table["base_fen"].sum() == 20_000


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("kind", ["debt", "funding"])
def test_debt_templates_are_read_in_both_languages(kind: str, lang: str, tmp_path: Path) -> None:
    path = templates.write_template(kind, tmp_path / "own.xlsx", lang)
    found = templates.read(kind, _own(path, _one(kind, lang)))
    assert found[TEMPLATES[kind][0].name].tolist() == ["X1"]


def test_a_template_is_an_excel_file(tmp_path: Path) -> None:
    with pytest.raises(fm.InputError, match=r"name an \.xlsx file"):
        templates.write_template("receipts", tmp_path / "x.csv")


def test_of_several_versions_of_a_year_the_firmest_is_taken(tmp_path: Path) -> None:
    path = templates.write_template("budget", tmp_path / "own.xlsx")
    rows: list[dict[str, object]] = [
        {"period": "2024", "value": 100.0, "version": "年初预算", "kind": "预算数"},
        {"period": "2024", "value": 90.0, "version": "决算数", "kind": "实际数"},
        {"period": "2024", "value": 95.0, "version": "调整预算", "kind": "预算数"},
        {"period": "2025", "value": 110.0, "version": "年初预算", "kind": "预算数"},
    ]
    for row in rows:
        row |= {"indicator": "一般公共预算收入", "unit": "万元"}
    found = fm.load_series(_own(path, rows))
    assert found.values.tolist() == [90.0, 110.0]
    assert found.kinds is not None
    assert found.kinds.tolist() == ["actual", "budget"]
    assert "2024: final_account replaces adjusted_budget, initial_budget" in map(str, found.notes)


def test_the_usual_series_is_taken_of_several_and_another_by_name(tmp_path: Path) -> None:
    file = tmp_path / "own.csv"
    file.write_text(
        "指标,期间,数值,单位\n一般公共预算收入,2023,5,万元\n税收收入,2023,4,万元\n", "utf-8"
    )
    usual = fm.load_series(file)
    assert usual.values.tolist() == [5.0]
    assert any("was taken of 2" in note for note in usual.notes)
    assert fm.load_series(file, column="税收收入").values.tolist() == [4.0]
    file.write_text("指标,期间,数值,单位\n甲,2023,5,万元\n乙,2023,4,万元\n", "utf-8")
    with pytest.raises(fm.InputError, match="2 series were found"):
        fm.load_series(file)


def test_an_unknown_unit_names_its_cell(tmp_path: Path) -> None:
    file = tmp_path / "own.csv"
    file.write_text("指标,期间,数值,单位\n收入,2022,5,万元\n收入,2023,5,万園\n", "utf-8")
    with pytest.raises(fm.InputError, match=r"D3.*unknown unit of money '万園'"):
        fm.load_series(file)


#: Rows that are filled in by the Chinese headers of the template.
FILLED = {
    "accounts": [
        {"预算类别": "一般公共预算", "级次": "本级", "年度": "2025", "预算版本": "执行数",
         "收支项目": item, "金额（万元）": amount}
        for item, amount in (("收入", 100), ("上年结余", 5), ("支出", 95), ("结转下年", 10))
    ],
    "plan_lines": [
        {"支出项目": "公用经费", "项目类别": "保障运转", "标准（万元）": 2.5, "数量": 400,
         "依据": "人均公用经费×编制人数"},
    ],
    "plan_changes": [
        {"支出项目": "公用经费", "年度": "2027", "数量": 420, "来源": "2027年编制计划"},
    ],
    "plan_flows": [{"收支项目": "上级补助收入", "金额（万元）": 900, "依据": "提前下达"}],
    "guardrails": [{"年度": "2026", "PPP支出责任（万元）": 10}],
    "bond_projects": [
        {"项目编号": "P1", "项目名称": "厂房", "金额（万元）": 100, "利率（%）": 2.0,
         "起始日": "2026-06-30", "到期日": "2028-06-30", "还本方式": "到期一次还本"},
    ],
    "bond_income": [
        {"项目编号": "P1", "年度": str(year), "净收益（万元）": 60} for year in (2026, 2027, 2028)
    ],
}  # fmt: skip


def filled(kind: str, folder: Path) -> Path:
    """A template with its example overwritten by rows, as a clerk would."""
    path = templates.write_template(kind, folder / f"{kind}.xlsx", "zh")
    book = openpyxl.load_workbook(path)
    sheet = book.worksheets[0]
    header = next(row for row in sheet.iter_rows() if sum(c.value is not None for c in row) > 2)
    at = {str(cell.value): cell.column for cell in header}
    for n, row in enumerate(FILLED[kind], header[0].row + 1):
        for cell in sheet[n]:
            cell.value = None
        for name, value in row.items():
            assert name in at, (kind, name, sorted(at))
            sheet.cell(n, at[name], value)
    book.save(path)
    return path


def test_budget_templates_are_read_by_their_readers(tmp_path: Path) -> None:
    from fiscalmodel.budget.accounts_read import read_accounts
    from fiscalmodel.budget.guardrails import read_guardrail_amounts
    from fiscalmodel.budget.medium_term import read_flows, read_plan_lines
    from fiscalmodel.budget.special_bonds import bond_projects

    files = {kind: filled(kind, tmp_path) for kind in FILLED}
    account = read_accounts(files["accounts"]).account()
    assert (account.resources_wan, account.carry_over_wan, account.misfit_wan) == (105, 10, 0)
    years = [2026, 2027, 2028]
    lines = read_plan_lines(files["plan_lines"], years, changes=files["plan_changes"])
    assert (lines["standard_wan"] * lines["number"]).tolist() == [1000, 1050, 1050]
    assert "2027年编制计划" in lines["basis"].iloc[1]
    assert read_flows(files["plan_flows"], years) == [
        (year, "transfers_from_above", 900.0) for year in years
    ]
    assert read_guardrail_amounts(files["guardrails"])["ppp_wan"].tolist() == [10]
    made = bond_projects(files["bond_projects"], files["bond_income"], on="2026-01-01").table
    assert made["life_coverage"].tolist() == [pytest.approx(180 / 104)]
