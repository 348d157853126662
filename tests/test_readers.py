"""Readers: worked tables, Excel as offices save it, series, refusals with their place."""

from __future__ import annotations

import datetime as dt
import io
import math
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
import xlsxwriter
import yaml

import fiscalmodel as fm
from fiscalmodel.series.assembly import read_series
from fiscalmodel.tables import xlsx as ooxml
from fiscalmodel.tables.readers import read_table, read_workbook
from fiscalmodel.tables.table import Table

HERE = Path(__file__).parent
TABLES = yaml.safe_load((HERE / "cases" / "series_tables.yaml").read_text("utf-8"))
REFUSED = yaml.safe_load((HERE / "cases" / "series_refused.yaml").read_text("utf-8"))


def at(table: Table, address: str) -> Any:
    """Value of the table at a cell address."""
    for column in table.frame:
        for i, cell in enumerate(table.cells[column]):
            if cell == address:
                return table.frame[column].iloc[i]
    raise AssertionError(f"{address} was not read")


def csv(folder: Path, text: str, encoding: str = "utf-8", name: str = "表.csv") -> Path:
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


def excel(folder: Path, rows: list[list[Any]], **options: Any) -> Path:
    """A workbook with one sheet 表1; options: formats (address -> number format), merged."""
    path = folder / "表.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("表1")
        for r, row in enumerate(rows):
            for c, value in enumerate(row):
                if value is not None:
                    sheet.write(r, c, value)
        for address, (value, code) in options.get("formats", {}).items():
            sheet.write(address, value, book.add_format({"num_format": code}))
        for span, text in options.get("merged", {}).items():
            sheet.merge_range(span, text)
    return path


@pytest.mark.parametrize("case", TABLES, ids=lambda case: case["name"])
def test_worked_tables(case: dict, tmp_path: Path) -> None:
    table = read_table(csv(tmp_path, case["csv"]))
    assert table.unit == case.get("unit", "")
    assert list(table.frame.columns) == case["columns"]
    for address, value in case["values"].items():
        found = at(table, address)
        assert math.isnan(found) if value is None else found == value, address
    for address, text in case.get("texts", {}).items():
        assert at(table, address) == text
    assert dict(table.units) == case.get("units", dict(table.units))
    assert table.marks.tolist() == case.get("marks", table.marks.tolist())
    for note in case.get("notes", []):
        assert note in map(str, table.notes)


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case["name"])
def test_refusals(case: dict, tmp_path: Path) -> None:
    path = tmp_path / case.get("file", "表.csv")
    path.write_bytes(
        case["bytes"].encode("latin-1") if "bytes" in case else case["csv"].encode("utf-8")
    )
    with pytest.raises(fm.InputError) as error:
        read_table(path)
    for words in case["says"]:
        assert str(words) in str(error.value)


def test_excel_with_merged_header_percent_and_notes(tmp_path: Path) -> None:
    path = excel(
        tmp_path,
        [
            [],
            [None] * 5 + ["单位：万元"],
            [],
            [None] * 6,
            ["合　计", 105425, 17056, None, "含税", "—"],
            ["　其中：税收", 95000.5, "１５，３４８", None, None, "X"],
            ["注：样本"],
        ],
        formats={"D5": (0.1618, "0.00%"), "D6": (-0.057, "0.0%")},
        merged={
            "A1:F1": "样本县2024年2月收入表",
            "A3:A4": "项 目",
            "B3:C3": "2024年",
            "D3:D4": "完成预算",
            "E3:E4": "备注",
            "F3:F4": "上年",
        },
    )
    with zipfile.ZipFile(path) as z:
        assert "xl/worksheets/sheet1.xml" in z.namelist()
    book = openpyxl.load_workbook(path)
    book["表1"]["B4"], book["表1"]["C4"] = "预算数", "累计数"
    book.save(path)
    table = read_table(path)
    assert list(table.frame.columns) == [
        "项目", "2024年/预算数", "2024年/累计数", "完成预算", "备注", "上年",
    ]  # fmt: skip
    assert table.name == "样本县2024年2月收入表"
    assert (table.unit, table.unit_of("完成预算")) == ("万元", "%")
    assert at(table, "D5") == 16.18
    assert at(table, "D6") == -5.7
    assert at(table, "C6") == 15348
    assert table.texts.loc[0, "完成预算"] == "16.18%"
    assert table.texts.loc[1, "2024年/累计数"] == "１５，３４８"
    assert table.where(1, "2024年/累计数") == "表.xlsx[表1!C6]"
    assert table.marks.tolist() == ["total", "of_which"]
    assert "注:样本" in map(str, table.notes)


def test_old_excel() -> None:
    table = read_table(HERE / "files" / "synthetic_monthly.xls")
    assert list(table.frame.columns)[1] == "2024年/预算数"
    assert table.frame["完成预算"].tolist() == [16.18, 16.16, 19.58, 16.38]
    assert table.where(0, "2024年/累计数") == "synthetic_monthly.xls[表1!C5]"


@pytest.mark.parametrize(
    ("file", "says"),
    [("uncalculated.xls", ["表1!B3", "formula"]), ("locked.xlsx", ["password"])],
)
def test_old_and_locked_files_refused(file: str, says: list[str]) -> None:
    with pytest.raises(fm.InputError) as error:
        read_table(HERE / "files" / file)
    assert all(words in str(error.value) for words in says)


def test_formulas_errors_and_scaled_formats_are_refused_by_cell(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "表1"
    for row in [
        ["项目", "金额（万元）"],
        ["甲", 5],
        ["乙", "=B2*2"],
        ["丙", "#DIV/0!"],
        ["丁", 7.5],
    ]:
        sheet.append(row)
    sheet["B4"].data_type = "e"
    sheet["B5"].number_format = "0!.0,"
    book.save(path)
    with pytest.raises(fm.InputError) as error:
        read_table(path)
    for words in ("表1!B3", "without a stored value", "表1!B4", "#DIV/0!", "表1!B5", "divided"):
        assert words in str(error.value)
    loose = read_table(path, strict=False)
    assert loose.frame["金额(万元)"].isna().tolist() == [False, True, True, True]
    assert len(loose.problems) == 3


def test_formulas_with_a_stored_value_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["项目", "金额（万元）"])
        sheet.write_row(1, 0, ["甲", 5])
        sheet.write(2, 0, "合计")
        sheet.write_formula(2, 1, "=SUM(B2:B2)", None, 5)
    assert read_table(path).frame["金额(万元)"].tolist() == [5, 5]


def test_several_tables_and_sheets(tmp_path: Path) -> None:
    path = csv(
        tmp_path,
        "表1 收入\n单位：万元\n项目,金额\n税收,10\n\n表2 支出\n单位：亿元\n项目,金额\n教育,5\n",
    )
    first, second = read_workbook(path)
    assert (first.name, first.unit, second.name, second.unit) == (
        "表1收入", "万元", "表2支出", "亿元",
    )  # fmt: skip
    with pytest.raises(fm.InputError, match="2 tables"):
        read_table(path)
    assert read_table(path, table="表2支出").unit == "亿元"
    assert read_table(path, table=1).unit == "万元"
    with pytest.raises(fm.InputError, match="no single table 3"):
        read_table(path, table=3)
    book = tmp_path / "b.xlsx"
    with xlsxwriter.Workbook(book) as out:
        for name, rows in {
            "收入": [["项目", "金额"], ["税收", 1]],
            "说明": [["说明"], ["x"]],
        }.items():
            sheet = out.add_worksheet(name)
            for r, row in enumerate(rows):
                sheet.write_row(r, 0, row)
        hidden = out.add_worksheet("旧")
        hidden.write_row(0, 0, ["项目", "金额"])
        hidden.write_row(1, 0, ["税收", 2])
        hidden.hide()
    table = read_table(book)
    assert table.frame["金额"].tolist() == [1]
    assert any("hidden sheet '旧'" in note for note in table.notes)
    assert read_table(book, sheet="旧").frame["金额"].tolist() == [2]
    with pytest.raises(fm.InputError, match="did you mean '收入'"):
        read_table(book, sheet="收人")
    with pytest.raises(fm.InputError, match="no table"):
        read_table(book, sheet="说明")


def test_units_given_and_stated(tmp_path: Path) -> None:
    stated = csv(tmp_path, "单位：万元\n项目,金额\n税收,10\n")
    assert read_table(stated, unit="万元").unit == "万元"
    with pytest.raises(fm.InputError, match="unit='亿元' was given, but the table states 万元"):
        read_table(stated, unit="亿元")
    silent = csv(tmp_path, "项目,金额\n税收,10\n", name="b.csv")
    assert "no unit is stated" in map(str, read_table(silent).notes)
    assert read_table(silent, unit="亿元").unit == "亿元"
    with pytest.raises(fm.InputError, match="unknown unit"):
        read_table(silent, unit="美金")


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("单位：亿元,2015年,2016年,2017年（预计）\n收入,68.74,123.50,131.48\n", {}),
        ("年份,收入（亿元）\n2015,68.74\n2016年度,123.50\n2017（预计）,131.48\n", {}),
        ("年份,收入\n2016,123.50\n2015,68.74\n2017年预计数,131.48\n", {"unit": "亿元"}),
        (
            "series_id,period,value,unit,kind\na,2015,68.74,亿元,actual\na,2016,123.50,亿元,actual\n"
            "b,2016,1,亿元,actual\na,2017,131.48,亿元,estimate\n",
            {"column": "a"},
        ),
        (
            "单位：亿元\n指标,2015,2016,2017年（预计）\n支出,1,2,3\n收入,68.74,123.5,131.48\n",
            {"column": "收入"},
        ),
    ],
    ids=["across", "down", "disorder", "tidy", "row"],
)
def test_series_in_every_layout(text: str, options: dict, tmp_path: Path) -> None:
    series = read_series(csv(tmp_path, text), **options)
    assert series.values.tolist() == [687400.0, 1235000.0, 1314800.0]
    assert [str(p) for p in series.values.index] == ["2015", "2016", "2017"]
    assert series.kinds.tolist() == ["actual", "actual", "estimate"]
    assert series.unit == "万元"
    assert series.source_of("2016").startswith("表.csv[")


def test_a_number_is_traced_to_its_cell(tmp_path: Path) -> None:
    path = excel(tmp_path, [["单位：万元"], ["年份", "收入"], [2018, 5.5], [2019, 6.5]])
    assert fm.load_series(path).source_of("2019") == "表.xlsx[表1!B4]"


def test_months_across_years(tmp_path: Path) -> None:
    path = csv(tmp_path, "单位：万元\n年份,1-2月,3月\n2023,5,6\n2024,8,—\n")
    series = read_series(path)
    assert [str(p) for p in series.values.index] == ["2023-02", "2023-03", "2024-02", "2024-03"]
    assert series.values.isna().tolist() == [False, False, False, True]
    dates = excel(
        tmp_path,
        [["月份", "金额（元）"], [None, 10000]],
        formats={"A2": (dt.date(2024, 2, 1), "yyyy-mm")},
    )
    series = read_series(dates)
    assert (str(series.values.index[0]), series.values.tolist()) == ("2024-02", [1.0])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("年份,收入\n2015,5\n2015年,6\n", "stands twice"),
        ("年份,收入\n2015,5\n2016,6\n", "no unit is stated"),
        ("项目,金额（万元）\n甲,5\n", "no periods"),
        ("年份,收入（万元）,支出（万元）\n2015,5,6\n", "2 series"),
        ("单位：万元\n期间,金额\n2015,5\n2016-02,6\n", "years mixed with months"),
        ("period,value,unit\n2015,5,万元\nspring,6,万元\n", "'spring' is no period"),
        ("series_id,period,value,unit\na,2015,5,万元\na,2016,6,亿元\n", "mixes two units"),
    ],
)
def test_series_refused(text: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(fm.InputError, match=says):
        read_series(csv(tmp_path, text))


def test_files_that_are_not_there_or_too_large(tmp_path: Path) -> None:
    csv(tmp_path, "项目,金额\n甲,1\n", name="收入.csv")
    with pytest.raises(fm.InputError, match=r"did you mean '收入\.csv'"):
        read_table(tmp_path / "收人.csv")
    with pytest.raises(fm.InputError, match="folder"):
        read_table(tmp_path)
    huge = tmp_path / "huge.csv"
    with huge.open("wb") as file:
        file.truncate(2_000_000_000)  # sparse: nothing is written or read
    with pytest.raises(fm.InputError, match="2,000 MB"):
        read_table(huge)
    (tmp_path / "empty.csv").write_bytes(b"")
    with pytest.raises(fm.InputError, match="empty"):
        read_table(tmp_path / "empty.csv")


def test_bombs_are_refused_before_they_unpack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ooxml, "MAX_UNPACKED", 10_000_000)
    bomb = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"\0" * 60_000_000)
    assert bomb.stat().st_size < 100_000
    with pytest.raises(fm.InputError, match="unpacks to 60 MB"):
        read_table(bomb)
    vast = tmp_path / "vast.xlsx"
    with xlsxwriter.Workbook(vast) as book:
        sheet = book.add_worksheet("表1")
        sheet.write(0, 0, 1)
        sheet.write(1_048_575, 16_383, 1)
    with pytest.raises(fm.InputError, match="1,048,576 rows by 16,384 columns"):
        read_table(vast)


def test_damaged_workbooks(tmp_path: Path) -> None:
    good = excel(tmp_path, [["项目", "金额"], ["甲", 5]]).read_bytes()
    for name, data in {
        "cut.xlsx": good[: len(good) // 2],
        "flipped.xlsx": _flip(good, b"xl/worksheets/sheet1.xml"),
        "zip.xlsx": _zip({"a.txt": b"x"}),
        "ole.xls": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600,
        "none.xlsx": _zip({}),
    }.items():
        path = tmp_path / name
        path.write_bytes(data)
        with pytest.raises(fm.InputError, match=name.replace(".", r"\.")):
            read_table(path)
    # A workbook under a wrong name is still read for what it is.
    renamed = tmp_path / "renamed.csv"
    renamed.write_bytes(good)
    assert read_table(renamed).frame["金额"].tolist() == [5]


def _flip(data: bytes, part: bytes) -> bytes:
    """Spoil the compressed bytes of one part."""
    start = data.index(part) + len(part) + 20
    return data[:start] + bytes(255 - b for b in data[start : start + 20]) + data[start + 20 :]


def _zip(parts: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return out.getvalue()


def test_a_table_from_memory() -> None:
    table = Table.of(pd.DataFrame({"项目": ["收入", "合计"], "金额": [3.5, None]}), unit="万元")
    assert table.numbers == ["金额"]
    assert table.labels.tolist() == ["收入", "合计"]
    assert table.texts["金额"].tolist() == ["3.5", ""]
    assert table.where(1, "金额") == "table[B3]"
    assert len(table) == 2
    with pytest.raises(fm.InputError, match="no column 'x'"):
        table.cell(0, "x")


def test_months_and_years_across_each_other_either_way(tmp_path):
    down = tmp_path / "down.csv"
    down.write_text(
        "分月执行情况（累计）\n单位：万元\n月份,2024年,2025年\n1月,810,830\n1-2月,1390,1410\n"
        "1-3月,2030,\n合计,,\n", encoding="utf-8",
    )  # fmt: skip
    across = tmp_path / "across.csv"
    across.write_text(
        "分月执行情况（累计）\n单位：万元\n年份,1月,1-2月,1-3月\n2024年,810,1390,2030\n"
        "2025年,830,1410,\n", encoding="utf-8",
    )  # fmt: skip
    one, two = (fm.read_series(file).values.dropna() for file in (down, across))
    assert one.equals(two)
    assert (str(one.index[-1]), one.iloc[-1], len(one)) == ("2025-02", 1410, 5)
