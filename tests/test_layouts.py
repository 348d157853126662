"""Layouts as bureaus have them: each kind as a small file, and the workbooks as published."""

from __future__ import annotations

import csv
import time
import zipfile
from pathlib import Path

import openpyxl
import pytest
import xlsxwriter

import fiscalmodel as fm
from fiscalmodel.tables.files import sheets
from fiscalmodel.tables.forms import about, forms
from fiscalmodel.words import speaking

FILES = Path(__file__).parent / "files" / "layouts"
SHARED = Path(__file__).resolve().parents[2] / "shared"


def table(name, **options):
    return fm.read_table(FILES / name, **options)


def rows(found, *columns):
    return found.frame[list(columns)].values.tolist()


def said(found):
    return "; ".join(map(str, found.notes))


def test_hidden_control_rows_and_columns_are_left_out_with_a_note():
    found = table("hidden_control_cells.xlsx")
    limit, balance = "2024年债务限额", "2024年债务余额(决算数)"
    assert list(found.frame.columns) == [
        "地区", f"{limit}/合计", f"{limit}/一般债务", f"{limit}/专项债务",
        f"{balance}/合计", f"{balance}/一般债务", f"{balance}/专项债务",
    ]  # fmt: skip
    assert found.frame[f"{limit}/合计"].tolist() == [90, 40, 50]
    assert found.frame[f"{balance}/专项债务"].tolist() == [31, 14, 17]
    assert found.unit == "亿元"
    assert "hidden rows were left out (1-2)" in said(found)
    assert "hidden columns were left out (A-B)" in said(found)
    with speaking("zh"):
        assert "隐藏的行（1-2）未读取" in said(found)
    about = found.about
    assert (about.form, about.region, about.year) == ("debt_limit_balance", "青山市", 2024)
    assert found.where(0, "地区") == "hidden_control_cells.xlsx[表4-1!C9]"


def test_a_cover_and_contents_are_passed_over():
    book = fm.read_workbook(FILES / "cover_and_contents.xlsx")
    assert [t.sheet for t in book] == ["表1"]
    assert [unread.sheet for unread in book.unread] == ["封面", "目录"]
    assert all(unread.error.problems for unread in book.unread)
    found = table("cover_and_contents.xlsx")
    assert rows(found, "2025年执行数", "2026年预算数") == [[610, 640], [190, 180], [800, 820]]
    assert "封面" in said(found)
    assert found.about.version == "initial_budget"


def test_a_hidden_row_is_no_silent_figure():
    found = table("hidden_row.xlsx")
    assert rows(found, "2024年", "2025年") == [[410, 430], [90, 70], [500, 500]]
    assert "hidden rows were left out (4)" in said(found)
    assert "hidden sheet '底稿' was left out" in said(found)


def test_a_helper_column_beside_the_print_area_is_text():
    found = table("helper_column.xlsx")
    assert list(found.frame.columns) == [
        "科目编码", "项目", "2025年/预算数", "2025年/执行数", "比上年增长%", "打印"
    ]  # fmt: skip
    assert found.frame["打印"].tolist() == ["是", "否"]
    assert rows(found, "2025年/预算数", "比上年增长%") == [[640, 4.5], [180, -2]]
    assert found.labels.tolist() == ["税收收入", "非税收入"]
    assert found.codes.tolist() == ["101", "103"]


def test_the_number_of_an_october_is_october():
    found = fm.load_series(FILES / "october_as_number.xlsx")
    assert {str(p): v for p, v in found.values.items()} == {
        "2025-08": 71, "2025-09": 82, "2025-10": 93, "2025-11": 104
    }  # fmt: skip


def test_an_october_that_nothing_tells_is_asked_for(tmp_path):
    file = tmp_path / "a.csv"
    file.write_text("单位：万元,\n月份,收入\n2025.8,1\n2025.1,2\n2025.12,3\n", "utf-8")
    with pytest.raises(fm.InputError, match="may be January or October"):
        fm.load_series(file)


def test_tables_side_by_side_are_two():
    one, two = fm.read_workbook(FILES / "side_by_side.xlsx")
    assert (one.name, two.name) == (
        "2025年青山市政府债务情况表 全市", "2025年青山市政府债务情况表 市本级"
    )  # fmt: skip
    assert one.about.level, two.about.level == ("whole", "own")
    assert rows(one, "项目", "2025年执行数") == [["一般债务余额", 325], ["专项债务余额", 240]]
    assert rows(two, "项目", "2025年执行数") == [["一般债务余额", 128], ["专项债务余额", 97]]
    assert two.where(1, "2025年执行数") == "side_by_side.xlsx[44!F6]"


def test_printed_digits_come_from_the_number_format():
    found = table("decimals_by_format.xlsx")
    assert found.texts["金额"].tolist() == ["347.00", "348.13"]
    assert found.texts["增长率"].tolist() == ["5.1%", "-10.0%"]
    assert found.frame["金额"].tolist() == [347, 348.126]


def test_the_code_is_never_the_label():
    found = table("code_first.csv")
    assert found.labels.tolist() == ["税收收入", "增值税", "非税收入", "合计"]
    assert found.codes.tolist() == ["101", "10101", "103", ""]
    assert found.marks.tolist() == ["", "", "", "total"]
    series = fm.load_series(FILES / "code_first.csv", column="税收收入")
    assert series.values.tolist() == [61, 64]


def test_an_amount_over_years_is_a_series():
    series = fm.load_series(FILES / "amount_over_years.csv", column="税收收入")
    assert {p.year: v for p, v in series.values.items()} == {2023: 58, 2024: 61, 2025: 64}


def test_years_as_niandu_are_figures():
    found = table("year_columns_niandu.csv")
    assert rows(found, "2024年度", "2025年度") == [[61, 64], [19, 18], [80, 82]]
    assert found.unit_of("2024年度") == "万元"


def test_january_to_december_is_december_to_date():
    series = fm.load_series(FILES / "months_to_date.csv")
    assert series.values["2024-12"] == 800
    assert len(series) == 4


def test_an_amount_may_be_named_after_banks():
    assert table("amount_named_bank.csv").frame["银行贷款"].tolist() == [1310.5, 2105.5, 3416]


def test_a_decimal_comma_is_refused_as_ambiguous():
    with pytest.raises(fm.InputError, match="may be a decimal") as error:
        table("decimal_comma.csv")
    assert len(error.value.problems) == 4


def test_the_unit_may_stand_in_the_header_of_the_labels():
    found = table("unit_in_label_header.csv")
    assert (found.unit, found.labels.tolist()) == ("万元", ["税收收入", "非税收入"])
    assert found.frame["2025年"].tolist() == [64, 18]


def test_a_corner_unit_beside_years_and_growth():
    found = table("corner_unit_and_growth.csv")
    assert list(found.frame.columns) == ["项目", "2024年", "2025年", "比上年增长%"]
    assert (found.unit, found.unit_of("比上年增长%")) == ("万元", "%")
    assert found.frame["比上年增长%"].tolist() == [4.92, -5.26, 2.5]


def test_titles_doubled_are_titles():
    found = table("doubled_titles.csv")
    assert found.name == "2025年青山市收入表"
    assert list(found.frame.columns) == ["项目", "预算数", "执行数"]
    assert len(found) == 1


def test_every_form_has_both_names_and_a_title():
    assert len({form.id for form in forms()}) >= 24
    assert all(form.name.zh and form.name.en for form in forms())
    assert {form.code for form in forms()} >= {"1-1", "1-2", "4-1", "4-2", "4-3"}


@pytest.fixture(scope="module")
def real():
    folder = SHARED / "real"
    if not folder.is_dir():
        pytest.skip("the published workbooks are not beside the project")
    return {file.name: fm.read_workbook(file) for file in sorted(folder.glob("*.xls*"))}


def test_published_workbooks_are_read(real):
    unread = {(name, u.sheet) for name, book in real.items() for u in book.unread}
    assert unread == {("lijiang_2025_budget_attachment.xlsx", s) for s in ("封面", "目录")}
    assert sum(len(book) for book in real.values()) >= 70
    unknown = [t.name for book in real.values() for t in book if not t.form]
    assert unknown == [
        "2025年市本级预备费安排情况表", "2026年丽江市市本级一般公共预算重点项目情况表"
    ]  # fmt: skip


def test_old_and_new_excel_of_one_book_are_equal(real):
    for old, new in zip(real["changdu_2024.xls"], real["changdu_2024.xlsx"], strict=True):
        assert list(old.frame.columns) == list(new.frame.columns)
        for column in old.frame:
            if column in old.numbers:  # the two programs leave other dust behind the 15th digit
                assert old.frame[column].tolist() == pytest.approx(new.frame[column].tolist())
            else:
                assert old.frame[column].tolist() == new.frame[column].tolist()
        assert old.texts.equals(new.texts)


def test_the_ministry_export_of_xinjiang(real):
    (found,) = real["xinjiang_2018.xlsx"]
    assert found.frame["2018年债务限额/合计"].iloc[0] == 4301.7
    assert found.frame["2018年债务余额(决算数)/专项债务"].iloc[0] == 932.67
    assert found.about.region == "新疆维吾尔自治区"


def test_the_debt_table_of_lijiang(real):
    whole, own = (t for t in real["lijiang_2025_budget_attachment.xlsx"] if t.sheet == "44")
    assert (whole.about.level, own.about.level) == ("whole", "own")
    assert whole.frame["2025年执行数"].iloc[1] == 1539216.34
    assert own.frame["2025年执行数"].iloc[1] == 634917.2


def test_fifty_four_sheets_in_a_moment(real):
    del real
    start = time.process_time()
    fm.read_workbook(SHARED / "real" / "lijiang_2025_budget_attachment.xlsx")
    assert time.process_time() - start < 5


def test_an_xlsb_tells_its_percents():
    found = table("binary_percent.xlsb")
    assert rows(found, "完成率", "比重") == [[84.5, 90], [6.12, 10]]
    assert found.texts["完成率"].tolist() == ["84.50%", "6.12%"]
    assert found.about.form == "government_fund_revenue"


def test_an_open_document_tells_percents_digits_and_hidden_rows():
    found = table("open_document.ods")
    assert rows(found, "项目", "2025年执行数", "增长") == [
        ["税收收入", 640.5, 4.5], ["非税收入", 180, -2]
    ]  # fmt: skip
    assert found.texts["2025年执行数"].tolist() == ["640.50", "180.00"]
    assert "hidden rows were left out (5)" in said(found)
    assert (found.name, found.unit) == ("2025年青山市一般公共预算收入表", "万元")


def test_an_et_of_wps_is_an_old_workbook():
    found = table("monthly.et")
    assert found.frame["完成预算"].tolist() == [16.18, 16.16, 19.58, 16.38]
    assert found.where(0, "2024年/累计数") == "monthly.et[表1!C5]"


def test_an_unreadable_sheet_is_listed_with_its_reason(tmp_path):
    file = tmp_path / "a.xlsx"
    import xlsxwriter

    with xlsxwriter.Workbook(file) as book:
        good, bad = book.add_worksheet("表1"), book.add_worksheet("表2")
        for sheet in (good, bad):
            sheet.write_row(0, 0, ["项目", "金额（万元）"])
            sheet.write_row(1, 0, ["甲", 5])
        bad.write(2, 1, "1,23")
    book = fm.read_workbook(file)
    assert [t.sheet for t in book] == ["表1"]
    assert [u.sheet for u in book.unread] == ["表2"]
    assert "表2!B3" in str(book.unread[0].error)
    with pytest.raises(fm.InputError, match="表2!B3"):
        fm.read_table(file)


def test_amounts_that_look_like_months_stay_amounts(tmp_path):
    file = tmp_path / "a.csv"
    file.write_text("项目,金额（万元）,比例\n甲,2024.9,1\n乙,2024.1,2\n丙,2024.2,3\n", "utf-8")
    assert fm.read_table(file).frame["金额(万元)"].tolist() == [2024.9, 2024.1, 2024.2]


def test_a_long_table_that_begins_with_numbers_is_one_table(tmp_path):
    """Running numbers and document numbers stand left of the labels; no second table begins."""
    path = tmp_path / "facts.csv"
    path.write_text(
        "id,source,section,year,value\n1,000,收入,2015,68.74\n2,000,支出,2016,70.1\n", "utf-8"
    )
    (table,) = fm.read_workbook(path)
    assert list(table.frame.columns) == ["id", "source", "section", "year", "value"]


@pytest.mark.parametrize(
    ("title", "form"),
    [
        ("2024年青石县新增地方政府专项债券项目情况表", "debt_bond_projects"),
        ("表3-1 2024年新增地方政府一般债券资金收支情况表", "debt_bond_money"),
        ("2024年青石县再融资债券发行情况表", "debt_refinancing"),
        ("表4-2 2024年地方政府债券使用情况表", "debt_bond_use"),
    ],
)
def test_forms_of_bonds_are_told_by_their_names(title: str, form: str) -> None:
    assert about([title], "").form == form


def test_a_number_alone_tells_a_form_of_debt_only() -> None:
    assert about(["青石县2024年公开表"], "表4-2", ["债券名称"]).form == "debt_bond_use"
    assert about(["青石县2024年公开表"], "表4-2", ["项目"]).form == ""
    assert about(["表1-3 青石县2024年债务公开表"], "").form == ""
    assert about(["附件6 2019年地方政府债务限额调整情况表"], "").form == "debt_limit_changes"
    assert about(["青石县2024年隐性债务余额情况表"], "").form == ""
    assert about(["青石县2024年末政府债务余额情况表"], "").region == "青石县"


def test_a_sheet_of_words_is_no_table(tmp_path: Path) -> None:
    import openpyxl

    book = openpyxl.Workbook()
    book.active.title = "表1"
    for row in (["项目", "金额（万元）"], ["甲", 5], ["合计", 5]):
        book.active.append(row)
    for name in ("说明", "目 录", "编制说明"):
        page = book.create_sheet(name)
        for row in (
            ["填写说明"],
            ["列", "必填", "怎么填"],
            ["债务编号", "是", "唯一"],
            ["1", 2, 3],
        ):
            page.append(row)
    book.save(tmp_path / "a.xlsx")
    found = fm.read_workbook(tmp_path / "a.xlsx")
    assert [t.sheet for t in found] == ["表1"]
    assert [u.sheet for u in found.unread] == ["说明", "目 录", "编制说明"]
    assert fm.read_table(tmp_path / "a.xlsx").sheet == "表1"
    assert list(fm.reconcile(tmp_path / "a.xlsx")) == []


def test_tables_and_workbooks_show_themselves_briefly() -> None:
    book = fm.read_workbook(FILES / "side_by_side.xlsx")
    assert len(repr(book)) < 200
    assert len(repr(book[0])) < 200
    assert "side_by_side.xlsx[44]" in repr(book[0])
    assert "一般债务余额" in book[0]._repr_html_()
    assert "青山市" in book._repr_html_()


def sheet(folder: Path, rows: list[list[object]], *merged: str) -> fm.Workbook:
    import openpyxl

    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for span in merged:
        book.active.merge_cells(span)
    book.save(folder / "a.xlsx")
    return fm.read_workbook(folder / "a.xlsx")


def test_codes_in_three_columns_are_one_code(tmp_path: Path) -> None:
    (found,) = sheet(
        tmp_path,
        [["科目编码", None, None, "科目名称", "决算数（元）"], ["类", "款", "项", None, None],
         ["栏次", None, None, None, 1], ["合计", None, None, None, 90],
         ["201", None, None, "一般公共服务支出", 90], ["201", "01", None, "人大事务", 70],
         ["201", "01", "01", "行政运行", 70], ["201", "03", None, "政府办", 20]],
        "A1:C1", "D1:D2", "E1:E2",
    )  # fmt: skip
    assert list(found.frame.columns)[:3] == ["科目编码/类", "科目编码/款", "科目编码/项"]
    ties = fm.reconcile(found)
    assert (list(ties), ties.tied["tied"].tolist()) == ([], [3])  # 合计, 201, 20101


def test_a_title_that_holds_its_unit(tmp_path: Path) -> None:
    (found,) = sheet(tmp_path, [["二〇二四年青石县政府债务限额表（单位：亿元）"],
                                ["项目", "限额"], ["一般债务", 5], ["专项债务", 7]])  # fmt: skip
    assert (found.unit, found.form, found.about.year) == ("亿元", "debt_limit_balance", 2024)
    assert found.about.region == "青石县"


def test_tables_one_below_another_with_the_same_header(tmp_path: Path) -> None:
    block = [["单位：万元"], ["项目", "金额"], ["甲", 70], ["乙", 30], ["合计", 100]]
    one, two = sheet(
        tmp_path, [["表一 青石县收入表"], *block, [None], ["表二 青石县支出表"], *block]
    )
    assert ([one.name[:2], two.name[:2]], len(one), len(two)) == (["表一", "表二"], 3, 3)


def test_control_cells_are_left_out_where_somebody_unhid_them(tmp_path):
    known = table("hidden_control_cells.xlsx")
    book = openpyxl.load_workbook(FILES / "hidden_control_cells.xlsx")
    sheet = book.worksheets[0]
    for line in (*sheet.row_dimensions.values(), *sheet.column_dimensions.values()):
        line.hidden = False
    book.save(tmp_path / "unhidden.xlsx")
    with (tmp_path / "unhidden.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(sheet.values)
    whole = fm.read_table(tmp_path / "unhidden.xlsx")
    assert whole.frame.equals(known.frame)
    assert "that the debt system writes for itself were left out" in said(whole)
    # A CSV has no merged cells, so that the first column of each group has its group's name only.
    plain = fm.read_table(tmp_path / "unhidden.csv")
    assert plain.frame.to_numpy().tolist() == known.frame.to_numpy().tolist()


def test_the_empty_rest_of_a_sheet_saved_as_csv_is_no_column(tmp_path):
    lines = ["项目,2025年", "税收收入,30", "非税收入,10"]
    file = tmp_path / "wide.csv"
    file.write_text("\n".join(line + "," * 16_382 for line in lines), encoding="utf-8")
    assert fm.read_table(file).frame.to_numpy().tolist() == [["税收收入", 30], ["非税收入", 10]]


def test_a_format_that_indents_is_read_as_blanks_before_the_text(tmp_path):
    lines = [("税收收入", 0, 30), ("增值税", 1, 20), ("企业所得税", 1, 10), ("国内部分", 2, 10)]
    book = xlsxwriter.Workbook(tmp_path / "indented.xlsx")
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, ["项目", "2025年"])
    for r, (name, level, amount) in enumerate(lines, 1):
        sheet.write(r, 0, name, book.add_format({"indent": level}))
        sheet.write(r, 1, amount)
    book.close()
    body = "".join(
        f'<t:table-row><t:table-cell t:style-name="i{level}" o:value-type="string"><x:p>{name}'
        f'</x:p></t:table-cell><t:table-cell o:value-type="float" o:value="{amount}"><x:p>{amount}'
        "</x:p></t:table-cell></t:table-row>"
        for name, level, amount in lines
    )
    # 0.353 cm is a step of indent; the blanks of the second column are an element of their own.
    _open_document(
        tmp_path / "indented.ods",
        "".join(
            f'<s:style s:name="i{n}" s:family="table-cell"><s:paragraph-properties '
            f'f:margin-left="{0.353 * n}cm"/></s:style>' for n in range(3)
        ),
        '<t:table-row><t:table-cell o:value-type="string"><x:p>项<x:s x:c="2"/>目</x:p>'
        '</t:table-cell><t:table-cell o:value-type="string"><x:p>2025年</x:p></t:table-cell>'
        f"</t:table-row>{body}",
    )  # fmt: skip
    for name in ("indented.xlsx", "indented.ods"):
        (grid,) = sheets((tmp_path / name).read_bytes(), name)
        assert [row[0] for row in grid.rows[1:]] == [
            "税收收入", "  增值税", "  企业所得税", "    国内部分"
        ]  # fmt: skip
    assert grid.rows[0][0] == "项  目"


def test_a_cell_that_an_open_document_writes_once_shows_its_digits_everywhere(tmp_path):
    cell = 'o:value-type="float" o:value="73.0596"'
    _open_document(
        tmp_path / "repeated.ods", "",
        f'<t:table-row t:number-rows-repeated="2"><t:table-cell t:number-columns-repeated="3" '
        f"{cell}><x:p>73.06</x:p></t:table-cell></t:table-row>",
    )  # fmt: skip
    (grid,) = sheets((tmp_path / "repeated.ods").read_bytes(), "repeated.ods")
    assert grid.decimals() == {(r, c): 2 for r in range(2) for c in range(3)}


def _open_document(path, styles, rows):
    spaces = {
        "o": "office", "t": "table", "x": "text", "s": "style", "f": "xsl-fo-compatible"
    }  # fmt: skip
    named = " ".join(
        f'xmlns:{k}="urn:oasis:names:tc:opendocument:xmlns:{v}:1.0"' for k, v in spaces.items()
    )
    with zipfile.ZipFile(path, "w") as package:
        package.writestr(
            "content.xml",
            f"<o:document-content {named}><o:automatic-styles>{styles}</o:automatic-styles><o:body>"
            f'<o:spreadsheet><t:table t:name="1">{rows}</t:table></o:spreadsheet></o:body>'
            "</o:document-content>",
        )
