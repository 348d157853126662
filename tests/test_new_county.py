"""A county from nothing: where its data stand, its workbook, and what is not given."""

from __future__ import annotations

import shutil
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

import fiscalmodel as fm
from fiscalmodel.errors import InputError
from fiscalmodel.scenario.given import given_only


@pytest.fixture
def county(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of its own with the real parameters and data."""
    for name in ("params", "data"):
        shutil.copytree(project / name, tmp_path / name)
    monkeypatch.setenv("FISCALMODEL_PROJECT", str(tmp_path))
    return tmp_path


def write(county: Path, text: str, name: str = "sample_county/other.yaml") -> Path:
    file = county / "params" / "scenarios" / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def as_workbook(county: Path, **sheets: list[list[object]]) -> None:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(county / "data" / "book.xlsx")


def csv_rows(file: Path) -> list[list[object]]:
    return [line.split(",") for line in file.read_text(encoding="utf-8-sig").splitlines()]


PLACES = """extends: baseline.yaml
revenue: {series: {file: data/book.xlsx, sheet: 收入, row: 一般公共预算收入, unit: 亿元}}
balance:
  transfers_wan: {file: data/book.xlsx, sheet: 补助, column: 转移支付, unit: 万元}
debt:
  ledger: {file: data/book.xlsx, sheet: 债务台账}
  quotas: {file: data/book.xlsx, sheet: 置换额度, unit: 万元}
commissions: {receipts: {file: data/book.xlsx, sheet: 缴款}}
"""


def filled(county: Path) -> None:
    """The sample's own figures in one workbook."""
    revenue = fm.load_series("sample_county.general_public_budget_revenue").values
    transfers = fm.load_series("sample_county.transfers_general").values
    data, sample = county / "data", "synthetic_sample_county"
    as_workbook(
        county,
        收入=[["项目", *(f"{p}年" for p in revenue.index)],
              ["税收收入", *(1.0 for _ in revenue)],
              ["一般公共预算收入", *(v / 1e4 for v in revenue)]],
        补助=[["年度", "转移支付", "上级专项"],
              *([str(p), v, 1.0] for p, v in transfers.items())],
        债务台账=csv_rows(data / f"{sample}_debt_ledger.csv"),
        置换额度=csv_rows(data / f"{sample}_replacement_quotas.csv"),
        缴款=csv_rows(data / f"{sample}_receipts_2025.csv"),
    )  # fmt: skip


def test_a_scenario_points_anywhere(county: Path) -> None:
    filled(county)
    there = fm.load_scenario(write(county, PLACES))
    assert there.files["debt.ledger"] == county / "data" / "book.xlsx"
    assert there.places["balance.transfers_wan"].column == "转移支付"
    found = fm.evaluate(there)
    plain = fm.evaluate(fm.load_scenario(write(
        county, "extends: baseline.yaml\nrevenue: {like_for_like: false, allow_break: true}\n"
    )))  # fmt: skip
    assert found.commissions.equals(plain.commissions)
    assert found.balance["transfers_wan"].tolist() == plain.balance["transfers_wan"].tolist()
    past = [f.revenue["published_wan"].dropna().tolist() for f in (found, plain)]
    assert past[0] == pytest.approx(past[1])
    ledgers = [f.plan.opening_wan for f in (found, plain)]
    assert ledgers[0] == ledgers[1]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("debt: {ledger: {file: ../../etc/passwd}}", "leaves the folder"),
        ("debt: {ledger: {file: 'C:\\\\x.xlsx'}}", "not a relative path"),
        ("debt: {ledger: {file: data/none.xlsx}}", "debt.ledger: file data/none.xlsx not found"),
        ("debt: {ledger: {file: data/book.xlsx, shet: a}}", "did you mean 'sheet'"),
        ("debt: {ledger: {file: data/book.xlsx, row: a}}", "leave out row and column"),
        ("debt: {ledger: {sheet: a}}", "file: the key is missing"),
        ("revenue: {series: {file: data/book.xlsx, row: a, column: b}}", "row or column, not both"),
        ("revenue: {series: {file: data/book.xlsx, unit: 斤}}", "斤"),
    ],
)
def test_a_bad_place_is_refused_with_its_line(county: Path, text: str, said: str) -> None:
    filled(county)
    with pytest.raises(InputError) as caught:
        fm.load_scenario(write(county, f"extends: baseline.yaml\n{text}\n"))
    assert len(caught.value.problems) == 1
    assert said in str(caught.value)
    assert "other.yaml:2:" in str(caught.value)


def test_a_missing_sheet_or_row_names_what_there_is(county: Path) -> None:
    filled(county)
    bad = PLACES.replace("sheet: 收入", "sheet: 收人")
    with pytest.raises(InputError, match="收入"):
        fm.evaluate(fm.load_scenario(write(county, bad)))
    bad = PLACES.replace("row: 一般公共预算收入", "row: 一般公共预算收人")
    with pytest.raises(InputError, match="一般公共预算收入"):
        fm.evaluate(fm.load_scenario(write(county, bad)))


def test_a_changed_scenario_reads_the_changed_file(county: Path) -> None:
    filled(county)
    base = fm.load_scenario("params/scenarios/sample_county/baseline.yaml")
    moved = base.change({"debt.ledger": {"file": "data/book.xlsx", "sheet": "债务台账"}})
    assert moved.places["debt.ledger"].sheet == "债务台账"
    assert base.places["debt.ledger"].sheet is None


def fill(book: Path, sheet: str, rows: list[dict[str, object]]) -> None:
    """Rows below the example, by header; rows that are there already are filled by position."""
    work = openpyxl.load_workbook(book)
    page = work[sheet]
    heads = {cell.value: cell.column for cell in page[1]}
    for r, row in enumerate(rows, 3):
        for header, value in row.items():
            page.cell(r, heads[header], value)
    work.save(book)


def fill_values(book: Path, sheet: str, values: dict[str, list[float]]) -> None:
    """The amounts of indicators whose rows are written already."""
    work = openpyxl.load_workbook(book)
    page = work[sheet]
    heads = {cell.value: cell.column for cell in page[1]}
    name = next(heads[h] for h in ("指标", "项目", "收支项目") if h in heads)
    for indicator, amounts in values.items():
        rows = [r for r in range(2, page.max_row + 1) if page.cell(r, name).value == indicator]
        assert len(rows) == len(amounts)
        for r, amount in zip(rows, amounts, strict=True):
            page.cell(
                r, next(c for h, c in heads.items() if h.startswith(("数值", "金额"))), amount
            )
    work.save(book)


REVENUE = [30000.0, 32100.0, 33500.0, 35200.0, 36800.0, 36100.0, 38900.0, 39500.0, 41200.0, 42600.0]


def test_an_empty_county_says_what_is_not_given(county: Path) -> None:
    made = fm.new_county("云溪县")
    assert made.key == "county_1"
    found = fm.evaluate(fm.load_scenario(made.scenario))
    assert found.tables() == {}
    for part in ("revenue", "balance", "debt", "commissions"):
        assert "未提供" in found.part(part)("zh")
    sheets = openpyxl.load_workbook(made.workbook).sheetnames
    wanted = "收入 收支预算 月度收入 支出进度 债务台账 资金来源 置换额度 政府债券 债务限额 先行支付"
    wanted += " 缴款 手续费支付 四本预算 支出项目 标准调整 其他收支 约束线 专项债项目 专项债收益"
    wanted += " 三保 库款余额 库款收付 存量资金 压减 项目库 说明"
    assert sheets == wanted.split()


def test_a_county_with_revenue_only(county: Path) -> None:
    made = fm.new_county("云溪县", key="yunxi")
    fill_values(made.workbook, "收入", {"一般公共预算收入": REVENUE})
    found = fm.evaluate(fm.load_scenario(made.scenario))
    assert found.revenue["published_wan"].dropna().tolist() == REVENUE
    assert {"balance", "debt", "commissions"} <= set(found.reasons)
    assert not found.scenario.synthetic
    assert any("债务台账" in note("zh") for note in found.notes)


def test_nothing_that_is_there_is_overwritten(county: Path) -> None:
    made = fm.new_county("云溪县")
    regions = (county / "params" / "regions.yaml").read_text(encoding="utf-8")
    with pytest.raises(InputError, match="county_1"):
        fm.new_county("云溪县")
    with pytest.raises(InputError, match="county_1"):
        fm.new_county("青石县", key="county_1")
    (county / "data" / "qingshi").mkdir()
    there = county / "data" / "qingshi" / "青石县.xlsx"
    there.write_text("own")
    with pytest.raises(InputError, match="青石县"):
        fm.new_county("青石县", key="qingshi")
    assert there.read_text() == "own"
    assert (county / "params" / "regions.yaml").read_text(encoding="utf-8") == regions
    assert not (county / "params" / "scenarios" / "qingshi").exists()
    assert made.workbook.is_file()


@pytest.mark.parametrize("bad", ["", "a/b", "..", "云:溪"])
def test_an_unusable_name_or_key_makes_nothing(county: Path, bad: str) -> None:
    with pytest.raises(InputError):
        fm.new_county(bad)
    with pytest.raises(InputError):
        fm.new_county("云溪县", key=bad or "X Y")
    assert not (county / "data" / "county_1").exists()


def test_a_region_goes_by_its_chinese_name(county: Path) -> None:
    text = "extends: baseline.yaml\nregion: 样本县（合成数据）\n"
    assert fm.load_scenario(write(county, text)).region.key == "sample_county"
    regions = county / "params" / "regions.yaml"
    regions.write_text(regions.read_text("utf-8") + "  plain: 平原县\n", "utf-8")
    text = "extends: ../jianghan/baseline.yaml\nregion: 平原县\n"
    assert fm.load_scenario(write(county, text, "jianghan/o.yaml")).region.name("zh") == "平原县"


LEDGER = "data/synthetic_sample_county_debt_ledger.csv"


def with_sample(county: Path, how: str) -> str:
    """A scenario of a new county that took something from the sample."""
    made = fm.new_county("云溪县")
    fill_values(made.workbook, "收入", {"一般公共预算收入": REVENUE})
    text = made.scenario.read_text("utf-8")
    own = next(line for line in text.splitlines() if line.startswith("  ledger"))
    if how == "file":
        text = text.replace(own, f"  ledger: {LEDGER}")
    elif how == "renamed":
        shutil.copy(county / LEDGER, county / "data" / "county_1" / "台账.csv")
        text = text.replace(own, "  ledger: data/county_1/台账.csv")
    elif how == "series":
        first = next(line for line in text.splitlines() if line.startswith("  series"))
        text = text.replace(first, "  series: sample_county.general_public_budget_revenue")
    else:
        work = openpyxl.load_workbook(made.workbook)
        row = csv_rows(county / LEDGER)[1]
        if how == "row without its mark":
            row = row[:-1]
        for c, value in enumerate(row, 1):
            work["债务台账"].cell(3, c, value)
        work.save(made.workbook)
    made.scenario.write_text(text, "utf-8")
    return str(made.scenario)


@pytest.mark.parametrize("how", ["file", "renamed", "series", "row", "row without its mark"])
def test_what_is_made_up_stays_marked_wherever_it_is_copied(county: Path, how: str) -> None:
    scenario = fm.load_scenario(with_sample(county, how))
    assert scenario.synthetic
    assert not scenario.spec.synthetic
    found = fm.evaluate(scenario)
    assert "合成样本" in found.headline("zh")[0]
    assert any("合成数据" in note("zh") for note in found.notes)


def test_data_of_another_region_are_named_in_the_conclusion(county: Path) -> None:
    made = fm.new_county("云溪县")
    text = made.scenario.read_text("utf-8")
    first = next(line for line in text.splitlines() if line.startswith("  series"))
    series = "jianghan.general_public_budget_revenue"
    made.scenario.write_text(text.replace(first, f"  series: {series}"), "utf-8")
    scenario = fm.load_scenario(made.scenario)
    assert scenario.origin.foreign == ((series, "jianghan"),)
    assert not scenario.synthetic
    assert fm.load_scenario("params/scenarios/jianghan/baseline.yaml").origin.foreign == ()


LEDGER_HEAD = ["债务编号", "债务人", "本金余额（万元）", "利率（%）", "到期日"]
LEDGER_ROW = ["Y1", "城投", 5000, 5.2, "2027-06-30"]


def ledger_county(county: Path, sheets: dict[str, list[list[object]]], more: str = "") -> str:
    """A county whose ledger stands on the first sheet of a workbook of its own."""
    made = fm.new_county("云溪县")
    fill_values(made.workbook, "收入", {"一般公共预算收入": REVENUE})
    as_workbook(county, **sheets)
    text = made.scenario.read_text("utf-8")
    own = next(line for line in text.splitlines() if line.startswith("  ledger"))
    place = f'  ledger: {{file: data/book.xlsx, sheet: "{next(iter(sheets))}"}}'
    made.scenario.write_text(text.replace(own, place) + more, "utf-8")
    return str(made.scenario)


def titled(*lines: str, heads: list[object] | None = None, rows: int = 1) -> list[list[object]]:
    head: list[object] = list(heads or LEDGER_HEAD)
    return [*([line] for line in lines), head, *([*LEDGER_ROW] for _ in range(rows))]


REGION_HEAD = ["债务编号", "地区", "本金余额（万元）", "利率（%）", "到期日"]


def by_region(*regions: str) -> list[list[object]]:
    rows = [[f"Y{n}", region, *LEDGER_ROW[2:]] for n, region in enumerate(regions)]
    return [REGION_HEAD, *rows]


@pytest.mark.parametrize(
    ("sheets", "cell"),
    [
        ({"台账": titled("青石县隐性债务台账")}, "book.xlsx[台账!A1]"),
        ({"台账": titled("丽江市资金来源和债务明细")}, None),  # a name that nothing follows
        ({"台账": titled("丽江市隐性债务台账")}, "book.xlsx[台账!A1]"),
        ({"青石县": titled()}, "book.xlsx[青石县]"),
        ({"台账": titled(), "收入": [["青石县2025年收入情况"], ["项目", "数"], ["收入", 5]]},
         "book.xlsx[收入!A1]"),
        ({"台账": by_region("青石县", "青石县")}, "book.xlsx[台账!B2]"),
        ({"台账": by_region("云溪县", "青石县")}, "book.xlsx[台账!B3]"),
        # What must not be taken for another county's:
        ({"台账": titled("隐性债务台账")}, None),
        ({"台账": titled("丽水市云溪县隐性债务台账")}, None),
        ({"台账": titled("丽水市隐性债务台账", "填报单位：云溪县财政局")}, None),
        ({"台账": titled("全市隐性债务台账", "数据来源：云南省财政厅2025年决算")}, None),
        ({"台账": titled("隐性债务台账", "根据青石县2025年预算的做法编制")}, None),
        ({"台账": titled("开发区隐性债务台账")}, None),
        ({"城关镇": titled("城关镇隐性债务台账")}, None),
        ({"台账": titled(), "云溪县": [["x"]], "青石县": [["x"]]}, None),
        ({"台账": by_region("云溪", "丽水市云溪县", "县本级", "城关镇")}, None),
    ],
)  # fmt: skip
def test_a_ledger_of_another_region_is_asked_about(
    county: Path, sheets: dict[str, list[list[object]]], cell: str | None
) -> None:
    file = ledger_county(county, sheets)
    if cell is None:
        assert run_check(file)[0] == 0
        return
    with pytest.raises(InputError) as caught:
        run_check(file)
    (problem,) = caught.value.problems
    assert cell in problem.where
    other = "丽江市" if "丽江市" in problem.said("zh") else "青石县"
    assert f"此处写的地区是{other}，而本情景是云溪县的" in problem.said("zh")
    assert f'confirmed: {{"region.{other}": 理由}}' in problem.advice("zh")


def test_another_regions_data_that_are_meant_are_named_in_the_conclusion(county: Path) -> None:
    more = 'confirmed: {"region.青石县": 两县合并前的台账}\n'
    file = ledger_county(county, {"台账": titled("青石县隐性债务台账")}, more)
    assert run_check(file)[0] == 0
    found = fm.evaluate(fm.load_scenario(file))
    assert "book.xlsx[台账!A1]（青石县）" in found.headline("zh")[0]
    assert any("已核实" in note("zh") and "两县合并前" in note("zh") for note in found.notes)


def test_revenue_of_another_region_stops_check(county: Path) -> None:
    made = fm.new_county("云溪县")
    fill_values(made.workbook, "收入", {"一般公共预算收入": REVENUE})
    work = openpyxl.load_workbook(made.workbook)
    for r in range(2, 12):
        work["收入"].cell(r, 1, "青石县")
    work.save(made.workbook)
    with pytest.raises(InputError, match=r"收入!A2\]: this is of 青石县"):
        run_check(str(made.scenario))


def test_a_filled_workbook_of_another_county_gives_a_new_one_nothing(
    county: Path, tmp_path: Path
) -> None:
    other = fm.new_county("青石县")
    fill(other.workbook, "债务台账", [dict(zip(LEDGER_HEAD, LEDGER_ROW, strict=True))])
    fill_values(other.workbook, "收入", {"一般公共预算收入": REVENUE})
    with pytest.raises(InputError, match=r"青石县.xlsx\[收入!A2\]: this is of 青石县"):
        fm.new_county("云溪县", books=[other.workbook])
    assert not (county / "data" / "county_2").exists()
    # Its own is taken, and what is not read is said.
    regions = county / "params" / "regions.yaml"
    regions.write_text(regions.read_text("utf-8").replace("青石县", "旧青石县"), "utf-8")
    made = fm.new_county("青石县", books=[other.workbook])
    said = "\n".join(text("zh") for text in made.said)
    assert "已填债务台账1行" in said
    assert "[收入]是逐行填写的收支表，新建时不读取" in said


def run_check(*paths: str) -> tuple[int, str]:
    from click.testing import CliRunner

    from fiscalmodel.cli_check import check

    done = CliRunner().invoke(check, list(paths), standalone_mode=False)
    if done.exception is not None:
        raise done.exception
    return int(done.return_value), done.output


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("extends: baseline.yaml\nname：测试\n", ":2:5"),
        ("name：测试\nregion: jianghan\n", ":1:5"),
        ("extends: baseline.yaml\nname: 测试\nyears: {first：2021，last: 2028}\n", ":3:9"),
    ],
)
def test_full_width_punctuation_is_explained(county: Path, text: str, place: str) -> None:
    with pytest.raises(InputError) as caught:
        fm.load_scenario(write(county, text, "jianghan/wide.yaml"))
    assert "full-width punctuation stands here" in str(caught.value)
    assert f"wide.yaml{place}" in str(caught.value)


def test_lock_files_are_skipped_or_named(county: Path) -> None:
    lock = county / "data" / "~$云溪县.xlsx"
    lock.write_bytes(b"\x05owner")
    assert run_check(str(lock)) == (
        0, f"skipped {lock}: the lock file of an open workbook\n"
    )  # fmt: skip
    with pytest.raises(InputError, match="lock file of an open workbook"):
        fm.read_series(lock)


def test_a_check_of_a_workbook_finds_what_the_run_would_find(county: Path) -> None:
    made = fm.new_county("云溪县")
    fill_values(made.workbook, "收入", {"一般公共预算收入": REVENUE})
    code, said = run_check(str(made.workbook))
    assert code == 0
    assert "1 scenarios" in said
    fill_values(made.workbook, "收入", {"一般公共预算收入": [*REVENUE[:-1], 4.26]})
    with pytest.raises(InputError, match=r"more than twenty times apart"):
        run_check(str(made.workbook))
    fill_values(made.workbook, "收入", {"一般公共预算收入": [*REVENUE[:-1], "四万"]})
    with pytest.raises(InputError, match=r"云溪县.xlsx\[收入!F11\]"):
        run_check(str(made.workbook))


def test_an_example_that_was_overwritten_is_the_offices_own(county: Path) -> None:
    made = fm.new_county("云溪县")
    fill_values(made.workbook, "收入", {"一般公共预算收入": REVENUE})
    work = openpyxl.load_workbook(made.workbook)
    page = work["月度收入"]
    heads = {cell.value: cell.column for cell in page[1]}
    for r in range(2, 13):  # the note 示例行 of the first row is left where it was
        for header, value in {
            "地区": "云溪县",
            "指标": "一般公共预算收入",
            "期间": f"2025-{r:02d}",
            "数值": 3500.0 * r,
            "单位": "万元",
            "数据性质": "实际数",
        }.items():
            page.cell(r, heads[header], value)  # fmt: skip
    work.save(made.workbook)
    scenario = given_only(fm.load_scenario(made.scenario))
    assert "revenue.nowcast.series" not in scenario.unfilled
    assert scenario.origin.foreign == ()
    assert scenario.series("revenue.nowcast.series", "").values.iloc[0] == 7000


def test_the_errors_of_all_sheets_come_at_once_with_their_cells(county: Path) -> None:
    made = fm.new_county("云溪县")
    fill_values(made.workbook, "收入", {"一般公共预算收入": [*REVENUE[:-1], "四万"]})
    fill(made.workbook, "缴款", [{"缴款书编号": "1", "代收银行": "农商行", "收入类别": "罚没",
                               "缴入账户": "国库", "缴入日期": "2025-01-02",
                               "金额（元）": "二十万"}])  # fmt: skip
    fill(made.workbook, "债务台账", [{"债务编号": "Y1", "本金余额（万元）": 100, "利率（%）": "五",
                                 "到期日": "2028-05-01"}])  # fmt: skip
    fill(made.workbook, "资金来源", [{"资金来源编号": "Z1", "类别": "财政资金", "期间": "2026",
                                 "可用额度（万元）": 200}])  # fmt: skip
    with pytest.raises(InputError) as caught:
        run_check(str(made.scenario))
    where = [problem.where for problem in caught.value.problems]
    for cell in ("收入!F11", "债务台账!G3", "缴款!F3"):
        assert any(cell in place for place in where)
    assert len(where) == 3


def own_book(path: Path, region: str = "云溪县") -> Path:
    """A budget book and a ledger as a bureau keeps them."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    sheets = {
        "表1": [
            [f"2026年{region}一般公共预算收支情况表"],
            ["", "", "单位：万元"],
            ["项目", "2025年执行数", "2026年预算数"],
            ["一、税收收入", 26000, 27000],
            ["二、非税收入", 16600, 16800],
            ["全县一般公共预算收入", 42600, 43800],
            ["一般性转移支付收入", 98000, 99500],
            ["收入总计", 140600, 143300],
        ],
        "表2": [
            [f"2025年{region}一般公共预算支出执行情况表"],
            ["", "", "单位：亿元"],
            ["项目", "上年决算数", "预算数"],
            ["一、一般公共服务支出", 4, 5],
            ["二、债务付息支出", 0.3, 0.31],
            ["全县一般公共预算支出", 4.3, 5.31],
        ],
        "表3": [
            [f"2025年{region}政府债务限额和余额情况表"],
            ["", "单位：亿元"],
            ["项目", "2025年执行数"],
            ["二、当年末地方政府一般债务余额限额", 18.5],
            ["六、当年末地方政府一般债务余额", 18.1],
            ["二、当年末地方政府专项债务余额限额", 9],
            ["六、当年末地方政府专项债务余额", 8.8],
        ],
        "隐债": [
            ["债务编号", "债务人", "本金余额（亿元）", "利率（%）", "到期日"],
            ["Y1", "城投", 0.5, 5.2, "2027-06-30"],
            ["Y2", "城投", 0.25, 4.9, "2028-05-01"],
        ],
    }
    for name, rows in sheets.items():
        page = book.create_sheet(name)
        for row in rows:
            page.append(row)
    book.save(path)
    return path


def test_a_county_takes_what_its_own_workbooks_give(county: Path, tmp_path: Path) -> None:
    made = fm.new_county("云溪县", books=[own_book(tmp_path / "own.xlsx")])
    said = "\n".join(text("zh") for text in made.said)
    assert "2025年42,600.00万元（own.xlsx[表1!B6]）" in said
    assert "债务台账2行（own.xlsx[隐债]）" in said
    scenario = fm.load_scenario(made.scenario)
    assert (scenario.spec.as_of.isoformat(), scenario.spec.years.last) == ("2025-12-31", 2028)
    assert fm.read_series(made.workbook, sheet="收入").values.dropna().to_dict() == {
        pd.Period("2025", "Y"): 42600.0
    }
    lines = fm.read_series(made.workbook, sheet="收支预算", column="一般性转移支付")
    assert lines.values.dropna().tolist() == [99500.0]
    ledger = fm.read_hidden_ledger({"file": made.workbook, "sheet": "债务台账"})
    assert ledger.total_wan == 7500.0
    limits = openpyxl.load_workbook(made.workbook)["债务限额"]
    assert [cell.value for cell in limits[2]][:3] == ["2025", 185000, 90000]
    # The interest and the expenditure of 2025 are no plan's.
    left = given_only(scenario).unfilled
    assert {"balance.statutory_debt_service_wan", "expenditure.amount_wan"} <= set(left)


def test_a_budget_ahead_gives_the_years_of_the_plan(county: Path, tmp_path: Path) -> None:
    file = own_book(tmp_path / "own.xlsx")
    work = openpyxl.load_workbook(file)
    work["表2"]["A1"] = "2026年云溪县一般公共预算支出情况表"
    work.save(file)
    made = fm.new_county("云溪县", books=[file])
    assert fm.load_scenario(made.scenario).spec.years.last == 2026
    series = fm.read_series(made.workbook, sheet="收支预算", column="一般公共预算支出")
    assert series.values.tolist() == [53100.0]


def test_a_workbook_of_another_region_is_refused(county: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"own.xlsx\[表1!A1\]: this is of 青石县, not of 云溪县"):
        fm.new_county("云溪县", books=[own_book(tmp_path / "own.xlsx", "青石县")])
    with pytest.raises(InputError, match="no such file"):
        fm.new_county("云溪县", books=[tmp_path / "none.xlsx"])
    assert not (county / "data" / "county_1").exists()


def test_a_list_that_cannot_be_read_is_named_and_left_out(county: Path, tmp_path: Path) -> None:
    file = own_book(tmp_path / "own.xlsx")
    work = openpyxl.load_workbook(file)
    work["隐债"]["D2"] = "五"
    work.save(file)
    made = fm.new_county("云溪县", books=[file])
    said = "\n".join(text("zh") for text in made.said)
    assert "own.xlsx[隐债]像是债务台账，但有1处不能读" in said
    assert "隐债!D2" in said
    assert "debt.ledger" in given_only(fm.load_scenario(made.scenario)).unfilled


def test_a_named_table_that_cannot_be_right_stops_a_guard(county: Path) -> None:
    rows = [["项目", "万元"], ["税收收入", 70], ["非税收入", 30], ["合计", 110]]
    for total, code in ((110, 1), (100, 0)):
        as_workbook(county, 表1=[*rows[:-1], ["合计", total]])
        assert run_check(str(county / "data" / "book.xlsx"))[0] == code


def test_two_sheets_with_nearly_the_same_columns_are_asked_about(county: Path) -> None:
    head = ["债务编号", "本金余额（万元）", "利率（%）", "到期日", "备注"]
    row = ["Y1", 100, 5.0, "2028-05-01", "x"]
    as_workbook(county, 台账=[head, row], 台账旧=[head[:-1], row[:-1]], 说明=[["备注"], ["y"]])
    with pytest.raises(InputError, match="台账, 台账旧"):
        fm.read_hidden_ledger(county / "data" / "book.xlsx")
    named = {"file": county / "data" / "book.xlsx", "sheet": "台账"}
    assert fm.read_hidden_ledger(named).total_wan == 100


def test_a_list_that_lacks_a_column_is_named(county: Path, tmp_path: Path) -> None:
    file = own_book(tmp_path / "own.xlsx")
    work = openpyxl.load_workbook(file)
    work["隐债"]["E1"] = "到期"
    work["隐债"]["F1"] = "还本方式"
    work.save(file)
    said = "\n".join(text("zh") for text in fm.new_county("云溪县", books=[file]).said)
    assert "own.xlsx[隐债]像是债务台账，但没有“到期日”这一列" in said


def both_levels(path: Path) -> Path:
    """A budget book with tables of the whole county and of its own level."""
    work = openpyxl.load_workbook(own_book(path))
    del work["隐债"]
    own = work.copy_worksheet(work["表1"])
    own["A1"] = "2026年云溪县本级一般公共预算收支情况表"
    for cell, value in {"B4": 11000, "B5": 6000, "B6": 17000, "C6": 17500}.items():
        own[cell] = value
    debt = work.copy_worksheet(work["表3"])
    debt["A1"] = "2025年云溪县本级政府债务限额和余额情况表"
    for cell, value in {"B4": 10, "B5": 9.5, "B6": 5, "B7": 4.25}.items():
        debt[cell] = value
    work.save(path)
    return path


def test_the_level_is_asked_where_a_book_gives_both(county: Path, tmp_path: Path) -> None:
    book = both_levels(tmp_path / "own.xlsx")
    with pytest.raises(InputError, match="add --level whole, or --level own"):
        fm.new_county("云溪县", books=[book])
    with pytest.raises(InputError, match="no level 'upper'"):
        fm.new_county("云溪县", books=[book], level="upper")
    assert not (county / "data" / "county_1").exists()
    own = fm.new_county("云溪县", books=[book], level="本级")
    whole = fm.new_county("云溪县二", books=[book], level="全县")
    for made, revenue, general, special in (
        (own, 17000.0, 95000, 42500), (whole, 42600.0, 181000, 88000),
    ):  # fmt: skip
        values = fm.read_series(made.workbook, sheet="收入").values.dropna()
        assert values.to_dict() == {pd.Period("2025", "Y"): revenue}
        page = openpyxl.load_workbook(made.workbook)["约束线"]
        heads = [cell.value for cell in page[1]]
        row = dict(zip(heads, (cell.value for cell in page[2]), strict=True))
        assert (row["一般债务余额（万元）"], row["专项债务余额（万元）"]) == (general, special)
    assert any("本级口径" in text("zh") for text in own.said)


def test_a_level_that_no_table_is_of_is_refused(county: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no budget table of the own level"):
        fm.new_county("云溪县", books=[own_book(tmp_path / "own.xlsx")], level="own")


def accounts(county: Path, *moved: tuple[str, str, int]) -> str:
    """A new county whose accounts close, but for what moves between them."""
    made = fm.new_county("云溪县")
    base = [(budget, item, 100) for budget in ("一般公共预算", "政府性基金预算", "国有资本经营预算")
            for item in ("收入", "支出")]  # fmt: skip
    rows = [{"预算类别": b, "级次": "本级", "年度": "2025", "预算版本": "执行数", "收支项目": i,
             "金额（万元）": a} for b, i, a in (*base, *moved)]  # fmt: skip
    fill(made.workbook, "四本预算", rows)
    return str(made.scenario)


@pytest.mark.parametrize(
    ("moved", "said"),
    [
        ([("政府性基金预算", "调出资金", 30), ("政府性基金预算", "上年结余", 30)],
         "own level 2025 execution government funds"),
        ([("一般公共预算", "调入资金", 20), ("一般公共预算", "结转下年", 20)],
         "name its source"),
    ],
)  # fmt: skip
def test_a_transfer_without_its_other_end_is_an_error_of_check(
    county: Path, moved: list[tuple[str, str, int]], said: str
) -> None:
    code, told = run_check(accounts(county, *moved))
    assert code == 1
    assert told.count("[error]") == 1
    assert said in told


def test_a_transfer_with_both_ends_passes_check(county: Path) -> None:
    moved = [("政府性基金预算", "调出资金", 30), ("政府性基金预算", "上年结余", 30),
             ("一般公共预算", "调入资金", 30), ("一般公共预算", "结转下年", 30)]  # fmt: skip
    assert run_check(accounts(county, *moved))[0] == 0


def test_months_after_the_last_day_known_say_what_to_change(county: Path) -> None:
    made = fm.new_county("云溪县")
    fill_values(made.workbook, "收入", {"一般公共预算收入": REVENUE})
    months = [3500.0 * m for m in range(2, 7)]
    fill_values(made.workbook, "月度收入", {"一般公共预算收入": [*months, *[None] * 6]})  # type: ignore[list-item]
    with pytest.raises(InputError, match="set as_of in the scenario to 2026-06-30"):
        fm.evaluate(fm.load_scenario(made.scenario))
    text = made.scenario.read_text("utf-8").replace("as_of: 2025-12-31", "as_of: 2026-06-30")
    made.scenario.write_text(text, "utf-8")
    assert fm.evaluate(fm.load_scenario(made.scenario)).nowcast is not None


def test_spending_by_month_is_set_against_the_budget(county: Path) -> None:
    """By hand: 30,000 of 80,000 by June is 37.5 %, 12.5 points behind half the year."""
    made = fm.new_county("云溪县")
    fill_values(made.workbook, "收入", {"一般公共预算收入": REVENUE})
    months = [5000.0 * m for m in range(2, 7)]
    fill_values(made.workbook, "支出进度", {"一般公共预算支出": [*months, *[None] * 6]})  # type: ignore[list-item]
    text = made.scenario.read_text("utf-8").replace("as_of: 2025-12-31", "as_of: 2026-06-30")
    made.scenario.write_text(text, "utf-8")
    alone = fm.evaluate(fm.load_scenario(made.scenario))  # the budget's sheet is left empty
    assert (alone.spending.table.loc[0, "to_date"], alone.balance) == (30_000, None)
    assert alone.spending.table["done_pct"].isna().all()
    fill_values(made.workbook, "收支预算", {"一般公共预算支出": [80_000.0, 81_000.0, 82_000.0]})
    row = fm.evaluate(fm.load_scenario(made.scenario)).spending.table.loc[0]
    assert (row["done_pct"], row["gap_points"]) == (37.5, -12.5)


def test_the_ministrys_forms_give_limits_and_balances(county: Path, tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.title = "表1-1"
    for row in (
        ["云溪县2025年地方政府一般债务余额情况表"],
        ["", "", "单位：亿元"],
        ["项目", "预算数", "决算数"],
        ["一、2024年末地方政府一般债务余额实际数", None, 4.5],
        ["二、2025年末地方政府一般债务余额限额", 5.5, None],
        ["三、2025年地方政府一般债务发行额", None, 1],
        ["四、2025年地方政府一般债务还本额", None, 0.5],
        ["五、2025年末地方政府一般债务余额决算数", None, 5],
        ["六、2026年地方政府一般债务新增限额", 0.5, None],
    ):
        book.active.append(row)
    book.save(tmp_path / "1-1.xlsx")
    made = fm.new_county("云溪县", books=[tmp_path / "1-1.xlsx"])
    page = openpyxl.load_workbook(made.workbook)["约束线"]
    heads = [cell.value for cell in page[1]]
    rows = [dict(zip(heads, (c.value for c in page[r]), strict=True)) for r in (2, 3)]
    columns = ("年度", "一般债务余额（万元）", "一般债务限额（万元）")
    assert [tuple(row[c] for c in columns) for row in rows] == [
        ("2024", 45000, None), ("2025", 50000, 55000)
    ]  # fmt: skip


def test_what_stands_on_revenue_that_failed_adds_no_error(county: Path) -> None:
    made = fm.new_county("云溪县")
    fill_values(made.workbook, "收入", {"一般公共预算收入": [*REVENUE[:-1], "四万"]})
    fill(made.workbook, "支出项目", [{"支出项目": "部门公用经费", "项目类别": "保障运转",
                                 "标准（万元）": 2.5, "数量": 7120, "依据": "定额"}])  # fmt: skip
    with pytest.raises(InputError) as caught:
        run_check(str(made.scenario))
    (problem,) = caught.value.problems
    assert "收入!F11" in problem.where


def test_a_year_or_a_contract_twice_points_at_what_stands_twice(county: Path) -> None:
    made = fm.new_county("云溪县")
    fill_values(made.workbook, "收入", {"一般公共预算收入": REVENUE})
    work = openpyxl.load_workbook(made.workbook)
    work["收入"]["E11"] = "2024"
    work.save(made.workbook)
    with pytest.raises(InputError) as caught:
        run_check(str(made.scenario))
    (problem,) = caught.value.problems
    assert "收入!E11" in problem.where  # the period, not its value in column F
    assert "收入!E10" in problem.said("zh")


def test_a_debt_due_before_its_start_is_one_error(county: Path) -> None:
    made = fm.new_county("云溪县")
    turned = {"债务编号": "Y1", "本金余额（万元）": 100, "利率（%）": 5, "起始日": "2026-06-30",
              "到期日": "2025-05-01", "是否逾期": "否"}  # fmt: skip
    fill(made.workbook, "债务台账", [turned])
    fill(made.workbook, "资金来源", [{"资金来源编号": "Z1", "类别": "财政资金", "期间": "2026",
                                 "可用额度（万元）": 200}])  # fmt: skip
    with pytest.raises(InputError) as caught:
        run_check(str(made.scenario))
    (problem,) = caught.value.problems
    assert "到期日2025年5月1日早于起息日2026年6月30日" in problem.said("zh")


def test_a_check_says_what_is_not_given_what_was_converted_and_what_is_next(county: Path) -> None:
    made = fm.new_county("云溪县")
    fill(made.workbook, "缴款", [{"缴款书编号": "1", "代收银行": "农商行", "收入类别": "罚没",
                               "缴入账户": "国库", "缴入日期": "2025-01-02",
                               "金额（元）": "20万"}])  # fmt: skip
    code, said = run_check(str(made.scenario))
    assert code == 0
    assert "county_1/baseline Revenue: Not given: 收入·一般公共预算收入 not filled in." in said
    # 20万 is 200,000 in a column of 元: read so, and said.
    assert "缴款!F3] 金额（元） 20万: figures printed in 万元 were converted to 元" in said
    assert "next: fill in revenue at least" in said
    statement = fm.evaluate(fm.load_scenario(made.scenario)).commissions
    assert statement["base_fen"].sum() == 20_000_000  # 200,000 元
    fill_values(made.workbook, "收入", {"一般公共预算收入": REVENUE})
    said = run_check(str(made.scenario))[1]
    assert "Revenue: Not given" not in said
    assert "county_1/baseline Debt: Not given: 债务台账" in said
    assert "next: fiscalmodel run params/scenarios/county_1/baseline.yaml" in said
