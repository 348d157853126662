"""Sheets as bureaus of many provinces publish them: what is read, what ties, what is found."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest

import fiscalmodel as fm
from fiscalmodel.tables.forms import about


def sheet(folder: Path, rows: list[list[object]], *merged: str, name: str = "表") -> Path:
    """A workbook of one sheet."""
    book = openpyxl.Workbook()
    book.active.title = name
    for row in rows:
        book.active.append(row)
    for cells in merged:
        book.active.merge_cells(cells)
    book.save(folder / "book.xlsx")
    return folder / "book.xlsx"


def found(path: Path) -> list[tuple[str, str, float]]:
    """What is found: how grave, the cell, and what follows from the others."""
    return [(f.severity, f.cells[0].cell, f.computed) for f in fm.reconcile(path)]


def test_two_sums_that_explain_each_other_do_not_hide_an_error(tmp_path):
    # 增减额 = 累计 - 上年 and 累计 = 上年 + 增减额 say one thing; 260 for 620 breaks the total too.
    rows = [
        ["2025年青山县4月一般公共预算收入完成情况表"], ["单位：万元"],
        ["项目", "本月", "1-4月累计", "上年同期", "增减额"],
        ["合计", 100, 3000, 2400, 600], ["增值税", 40, 1000, 900, 100],
        ["契税", 30, 1500, 1200, 300], ["耕地占用税", 20, 300, 200, 100],
        ["罚没收入", 10, 200, 100, 100],
    ]  # fmt: skip
    assert found(sheet(tmp_path, rows)) == []
    rows[5][4] = 3000
    assert ("error", "C6", 4200) in found(sheet(tmp_path, rows))  # 1,200 + 3,000


def test_a_header_of_three_rows_that_merged_cells_reach_into(tmp_path):
    rows = [
        ["部门支出总体情况表"], ["部门：青山县水利局", None, None, None, None, None, "单位：万元"],
        ["功能科目", None, None, None, "支出合计", "其中", None],
        ["科目编码", None, None, "科目名称", None, "基本支出", "项目支出"],
        ["类", "款", "项", None, None, None, None],
        [None, None, None, "合计", 90, 50, 40], ["213", None, None, "农林水支出", 90, 50, 40],
    ]  # fmt: skip
    merged = ("A3:D3", "E3:E5", "F3:G3", "A4:C4", "D4:D5", "F4:F5", "G4:G5")
    (table,) = fm.read_workbook(sheet(tmp_path, rows, *merged))
    assert list(table.frame.columns)[4:] == ["支出合计", "其中/基本支出", "其中/项目支出"]
    assert table.frame["其中/项目支出"].tolist() == [40, 40]
    assert (table.form, table.about.region) == ("department_budget", "青山县")


def test_groups_of_two_years_over_groups_of_their_own(tmp_path):
    rows = [
        ["2025年部门“三公”经费支出情况表"], ["单位：万元"],
        ["2024年预算数", None, None, None, None, "2025年预算数", None, None, None, None],
        ["合计", "因公出国费", "公务用车", None, "公务接待费"] * 2,
        [None, None, "小计", "购置费", None] * 2,
    ]  # fmt: skip
    rows[3] = [*["合计", "公务用车", None, None, "公务接待费"] * 2]
    rows[4] = [*[None, "小计", "购置费", "运行费", None] * 2]
    rows.append([12.5, 8.5, 3.1, 5.4, 4, 11.5, 8.1, 2.2, 5.9, 3.4])
    merged = ("A3:E3", "F3:J3", "A4:A5", "B4:D4", "E4:E5", "F4:F5", "G4:I4", "J4:J5")
    path = sheet(tmp_path, rows, *merged)
    (table,) = fm.read_workbook(path)
    assert list(table.frame.columns)[5:8] == [
        "2025年预算数/合计", "2025年预算数/公务用车/小计", "2025年预算数/公务用车/购置费",
    ]  # fmt: skip
    assert found(path) == []
    # One row bears nothing out, but the header says it: 8.5 + 4 = 12.5, 2.2 + 5.9 = 8.1.
    rows[5][0], rows[5][6] = 15.2, 18.1
    assert sorted(found(sheet(tmp_path, rows, *merged))) == [
        ("warning", "A6", 12.5),
        ("warning", "G6", 8.1),
    ]


def test_a_row_of_marks_for_nothing_is_no_header(tmp_path):
    rows = [["2025年青山县支出表"], ["单位：万元"], ["项目", None, "预算数", "决算数"],
            ["一、", "国防支出", "—", "—"], ["二、", "教育支出", 5, 6]]  # fmt: skip
    (table,) = fm.read_workbook(sheet(tmp_path, rows, "A3:B3"))
    assert len(table) == 2


@pytest.mark.parametrize("again", ["表5（续）", "续表", "附表5续1", "表五续"])
def test_a_page_that_goes_on_is_the_same_table(tmp_path, again):
    title, unit = ["青山县2025年支出表"], [None, None, "单位：万元"]
    head = ["科目", "预算", "决算"]
    rows = [["表5"], title, unit, head, ["教育支出", 10, 20], ["农林水支出", 30, 40], [],
            [again], title, unit, head, ["国防支出", 1, 2], ["支出合计", 41, 62]]  # fmt: skip
    path = sheet(tmp_path, rows)
    (table,) = fm.read_workbook(path)
    assert table.frame["决算"].tolist() == [20, 40, 2, 62]
    assert found(path) == []  # 10 + 30 + 1 = 41, 20 + 40 + 2 = 62


def test_titles_side_by_side_are_each_of_their_own_table(tmp_path):
    rows = [
        ["2025年青山县一般公共预算收入表", None, None, "2025年青山县一般公共预算支出表", None],
        [None, "单位：万元", None, None, "单位：万元"], ["科目", "预算数", None, "科目", "预算数"],
        ["增值税", 5, None, "教育支出", 8], ["契税", 6, None, "国防支出", 3],
        ["合计", 11, None, "合计", 11],
    ]  # fmt: skip
    one, two = fm.read_workbook(sheet(tmp_path, rows, "A1:B1", "D1:E1"))
    assert [t.form for t in (one, two)] == [
        "general_public_budget_revenue", "general_public_budget_expenditure",
    ]  # fmt: skip
    assert {(t.about.region, t.about.year, t.about.version) for t in (one, two)} == {
        ("青山县", 2025, "initial_budget")
    }


def test_groups_that_end_in_情况_are_no_titles(tmp_path):
    rows = [["2025年青山县收支平衡表"], ["单位：万元"], ["收入情况", None, "支出情况", None],
            ["项目", "预算数", "项目", "预算数"], ["本年收入", 9, "本年支出", 9]]  # fmt: skip
    assert len(fm.read_workbook(sheet(tmp_path, rows, "A3:B3", "C3:D3"))) == 2


def test_a_total_merged_over_the_codes_is_the_total(tmp_path):
    rows = [["2024年青山县基本支出决算表"], ["单位：万元"], ["编码", "科目", "决算数"],
            [501, "机关工资福利支出", 30], [502, "机关商品和服务支出", 20],
            ["合计", None, 50]]  # fmt: skip
    path = sheet(tmp_path, rows, "A6:B6")
    (table,) = fm.read_workbook(path)
    assert (table.labels.tolist()[-1], table.marks.tolist()[-1]) == ("合计", "total")
    rows[-1][2] = 60
    assert ("error", "C6", 50) in found(sheet(tmp_path, rows, "A6:B6"))


def test_the_citys_own_row_before_the_counties_subtotal(tmp_path):
    # 10 + (20 + 30 + 40) = 100; without the row of 30 the subtotal is 60.
    rows = [["2024年青山市分县区收入表"], ["单位：万元"], ["地区", "预算数", "决算数"],
            ["全市合计", 100, 110], ["市本级", 10, 20], ["县区小计", 90, 90],
            ["东县", 20, 25], ["西县", 30, 30], ["北区", 40, 35]]  # fmt: skip
    assert found(sheet(tmp_path, rows)) == []
    del rows[7]
    assert found(sheet(tmp_path, rows)) == [("error", "B6", 60), ("error", "C6", 60)]


GENERAL = "一般公共预算"


@pytest.mark.parametrize(
    ("title", "owner", "told"),
    [
        ("永州市2025年市对下转移支付预算表", "",
         ("transfers", "永州市", "", 2025, "initial_budget")),
        (f"2024年全省和省本级{GENERAL}收支决算平衡表", "",
         ("general_public_budget_balance", "", "", 2024, "final_account")),
        ("2024年末青山县政府债务余额投向情况表", "", ("debt_purpose", "青山县", "", 2024, "")),
        ("2025年青山县一般债券资金使用安排表", "", ("debt_bond_use", "青山县", "", 2025, "")),
        (f"2023-2024年青山县{GENERAL}收入表", "",
         ("general_public_budget_revenue", "青山县", "", 2024, "")),
        (f"{GENERAL}支出表", "青山县教育局", ("department_budget", "青山县", "", None, "")),
        (f"{GENERAL}支出表", "青山县财政局",
         ("general_public_budget_expenditure", "青山县", "", None, "")),
        ("部门收入总表", "县城市管理局", ("department_budget", "", "", None, "")),
    ],
)  # fmt: skip
def test_what_titles_and_owners_tell(title, owner, told):
    said = about([title], "", (), owner)
    assert (said.form, said.region, said.level, said.year, said.version) == told


def test_a_column_of_last_year_is_not_the_tables_version():
    columns = ("上年执行数", "预算数")
    assert about(["2025年青山县国有资本经营预算收支总表"], "", columns).version == "initial_budget"


def test_a_year_beside_the_unit_and_a_title_that_only_numbers(tmp_path):
    rows = [["青山市政府债务情况表"], ["公开04表"], ["2023年", None, "单位：万元"],
            ["项目", "限额", "余额"], ["一般债务", 9, 8]]  # fmt: skip
    (table,) = fm.read_workbook(sheet(tmp_path, rows))
    assert (table.name, table.about.year) == ("青山市政府债务情况表", 2023)
    assert table.form == "debt_limit_balance"
