"""Pages and workbooks: what a reader gets, and what data cannot do to it."""

from __future__ import annotations

import io
import re
from html import unescape

import executed_reports
import nbformat
import openpyxl
import pandas as pd
import pytest

import fiscalmodel as fm
from fiscalmodel.present.book import paper_workbook
from fiscalmodel.present.index import index_page, index_workbook
from fiscalmodel.present.page import PageHead, notebook_page, one_language
from fiscalmodel.present.paper import Paper, Passage, grid_of, read_paper
from fiscalmodel.present.summary import followed
from fiscalmodel.present.workbook import csv_bytes, quoted

ADDRESS = re.compile(r"""(?:src|href|url\(|@import)\s*=?\s*["'(]?\s*(?:https?:)?//""", re.I)


def made_page(**head: str) -> str:
    cells = [
        nbformat.v4.new_markdown_cell("# 标题 <img src=x onerror=alert(1)>"),
        nbformat.v4.new_code_cell(
            "secret_code = 1",
            outputs=[
                nbformat.v4.new_output(
                    "display_data",
                    {"image/png": "aGk=", "text/plain": "[chart]"},
                    metadata={"image/png": {"alt": '收入"图'}},
                ),
                nbformat.v4.new_output("stream", text="<b>printed</b>"),
            ],
        ),
    ]
    text = nbformat.writes(nbformat.v4.new_notebook(cells=cells))
    return notebook_page(text, PageHead("报告 <x>", **head))


def test_a_page_is_self_contained_with_code_hidden() -> None:
    page = made_page(warning="合成数据", lang="zh")
    assert '<html lang="zh-CN">' in page
    assert "secret_code" not in page
    assert not ADDRESS.search(page)
    assert "报告 &lt;x&gt;" in page
    images = re.findall(r"<img[^>]*>", page)
    assert len(images) == 1  # the one in the text is shown as text
    assert 'alt="收入"图"' in unescape(images[0])
    assert "onerror" not in re.sub(r"&lt;.*?&gt;", "", page)
    assert "&lt;b&gt;printed" in page
    assert "合成数据" in page
    assert '<html lang="en">' in made_page(lang="en")


def made_summary(name: str, **more: object) -> dict[str, object]:
    """A summary as a report leaves it."""
    made: dict[str, object] = {
        "version": 1,
        "id": f"sample_county/{name}",
        "region": {"key": "sample_county", "zh": "样本县", "en": "Sample county"},
        "name": {"zh": name, "en": name},
        "baseline": name == "baseline",
        "synthetic": True,
        "internal": True,
        "as_of": "2025-12-31",
        "years": [2026, 2028],
        "figures": {"revenue_wan": 108_000.0, "missing_wan": 0.0, "cost_wan": 11_000.0},
        "facts": {"cleared": {"zh": "2028-11-20清零", "en": "cleared 2028-11-20"}},
        "answers": {"decide": {"zh": "使用置换额度", "en": "Use the quota"}},
        "warnings": [],
        "inputs": {"debt.rule": "quota_first"},
        "previous": None,
        "links": [{"href": f"{name}.html", "text": "报告"}],
    }
    return {**made, **more}


def test_the_index_compares_with_the_baseline_in_words() -> None:
    worse = {"revenue_wan": 98_000.0, "missing_wan": 32_000.0, "cost_wan": None}
    gap = {"cleared": {"zh": "不能清零", "en": "not cleared"}}
    page = index_page(
        [made_summary("pessimistic", figures=worse, facts=gap), made_summary("baseline")]
    )
    assert page.index("baseline.html") < page.index("pessimistic.html")
    assert "劣于基准-1.00亿元" in page  # 9.80 beside 10.80
    assert "劣于基准+3.20亿元" in page  # a gap of 3.20 beside none
    assert 'class="worse">不能清零' in page
    assert "内部资料" in page
    assert "合成数据" in page
    assert not ADDRESS.search(page)


def test_the_own_level_of_a_county_is_not_compared_with_its_whole_area() -> None:
    own = {"revenue_wan": 40_000.0, "missing_wan": 0.0, "cost_wan": 0.0}
    less = own | {"revenue_wan": 39_000.0}
    page = index_page([
        made_summary("baseline"),
        made_summary("baseline", id="own/baseline", figures=own)
        | {"name": {"zh": "本级", "en": "own"}},
        made_summary("pessimistic", id="own/pessimistic", figures=less),
    ])  # fmt: skip
    assert "样本县：本级" in page
    assert "劣于基准-0.10亿元" in page  # 3.90 beside 4.00 of its own baseline
    assert page.count("劣于基准") == 1


def test_the_comparison_is_a_workbook_with_live_differences() -> None:
    worse = {"revenue_wan": 98_000.0, "missing_wan": 32_000.0, "cost_wan": None}
    summaries = [made_summary("pessimistic", figures=worse), made_summary("baseline")]
    book = index_workbook(summaries)
    sheet = openpyxl.load_workbook(io.BytesIO(book)).worksheets[1]
    assert [cell.value for cell in sheet[3]] == [
        "项目", "baseline", "pessimistic", "pessimistic减baseline",
    ]  # fmt: skip
    assert [cell.value for cell in sheet[4]][1:] == [10.8, 9.8, "=C4-B4"]
    stored = openpyxl.load_workbook(io.BytesIO(book), data_only=True).worksheets[1]
    assert stored["D4"].value == pytest.approx(-1.0)
    assert [stored[f"{column}6"].value for column in "BCD"] == [pytest.approx(1.1), "—", "—"]


def test_the_index_shows_failures_escaped_beside_what_is_there() -> None:
    failed = {
        "id": "sample_county/b", "region": {"key": "sample_county", "zh": "样本县", "en": "S"},
        "name": {"zh": "乙", "en": "B"}, "synthetic": True, "error": "<script>",
    }  # fmt: skip
    page = index_page([made_summary("baseline"), failed])
    assert "&lt;script&gt;" in page
    assert "该情景未能完成" in page
    assert 'href="baseline.html"' in page


def test_a_summary_remembers_the_last_run_that_was_different() -> None:
    first = made_summary("baseline")
    assert followed(first, None)["previous"] is None
    changed = made_summary("baseline", figures={"revenue_wan": 107_500.0}, inputs={"idle": "—"})
    second = followed(changed, first)
    assert second["previous"]["figures"] == first["figures"]
    again = followed(changed, second)
    assert again["previous"] == second["previous"]  # nothing changed: the older one stays
    page = index_page([second])
    assert "10.80→10.75" in page
    assert "debt.rule：quota_first→—" in page
    assert "idle" not in page  # not there before, and says nothing now


@pytest.mark.parametrize("risky", ["=1+1", "+1", "-1", "@x", "\tx", "\rx"])
def test_csv_texts_that_look_like_formulas_are_quoted(risky: str) -> None:
    assert quoted(risky) == f"'{risky}"
    raw = csv_bytes(pd.DataFrame({"name": [risky, "甲银行"], "n": [-1.5, 2.0]}))
    assert raw.startswith(b"\xef\xbb\xbf")
    back = pd.read_csv(io.BytesIO(raw))
    assert not str(back["name"][0]).startswith(("=", "+", "-", "@"))
    assert back["n"].tolist() == [-1.5, 2.0]


def read(book: bytes, **how: bool) -> dict[str, openpyxl.worksheet.worksheet.Worksheet]:
    return {sheet.title: sheet for sheet in openpyxl.load_workbook(io.BytesIO(book), **how)}


def written(frame: pd.DataFrame, **options: object) -> bytes:
    """A frame alone in a workbook; its table begins in row 4, under title, unit and heads."""
    return paper_workbook(Paper(PageHead("=表"), (grid_of(frame, "x", "zh", **options),)))


def test_a_workbook_keeps_text_as_text() -> None:
    frame = pd.DataFrame({"bank": ["=1+1", "http://example.org"], "fee_fen": [480, 20]})
    book = written(frame, total=True)
    sheet = read(book)["x"]
    assert sheet["A4"].data_type == "s"
    assert sheet["A4"].value == "=1+1"
    assert sheet["A5"].hyperlink is None
    assert sheet["B6"].value == "=SUM(B4:B5)"
    assert sheet["A6"].value == "合计"
    assert read(book, data_only=True)["x"]["B6"].value == 5.0
    assert written(frame, total=True) == book


def test_formulas_name_their_columns_and_store_their_values() -> None:
    frame = pd.DataFrame(
        {"period": ["2026", "2027"], "2026_wan": [1.0, 2.0], "2027_wan": [3.0, None],
         "total_wan": [4.0, 2]}
    )  # fmt: skip
    book = written(frame, digits=2)
    cells = read(book)["x"]
    assert cells["A3"].value == "期间"
    assert [cells["D4"].value, cells["D5"].value] == ["=SUM(B4:C4)", "=SUM(B5:C5)"]
    assert cells["C5"].value == "—"  # missing, not 0
    stored = read(book, data_only=True)["x"]
    assert [stored["D4"].value, stored["D5"].value] == [4.0, 2.0]


def test_both_sides_of_the_general_budget_have_one_total() -> None:
    """Sample county: 执行 2025 and 年初预算 2026; by hand from the lines of the accounts."""
    case = fm.load_scenario("params/scenarios/sample_county/baseline.yaml")
    outcome = fm.evaluate(case)
    sheet = fm.balance_sheet(outcome, "zh")
    assert sheet is not None
    assert list(sheet.columns) == ["收入", "2025年执行数", "2026年年初预算", "支出",
                                   "2025年执行数", "2026年年初预算"]  # fmt: skip
    last = sheet.iloc[-1].tolist()
    # 102,785 + 271,000 + 24,000 + 9,200 + 8,200 = 415,185; 104,800 + 273,000 + … = 411,529
    assert last == ["收入总计", 415185.0, 411529.0, "支出总计", 415185.0, 411529.0]
    for at in (1, 2, 4, 5):
        assert sheet.iloc[:-1, at].sum() == pytest.approx(sheet.iloc[-1, at])
    assert "结转下年" in sheet.iloc[:, 3].tolist()
    # Without accounts there is no official table: needs do not add up to income.
    plain = fm.evaluate(case.change({"budgets": None, "medium_term": None}))
    assert fm.balance_sheet(plain, "en") is None


def test_a_balance_worked_out_from_needs_shows_its_difference() -> None:
    """By hand, 2026: needs 204,800 + 4,800 + 18,300 = 227,900; transfers 153,000."""
    case = fm.load_scenario("params/scenarios/sample_county/baseline.yaml")
    outcome = executed_reports.evaluated("params/scenarios/sample_county/baseline.yaml")
    row = fm.balance_years(outcome).iloc[0]
    revenue = row["revenue_wan"]
    assert (row["need_total_wan"], row["income_total_wan"]) == (227_900, revenue + 153_000)
    assert row["surplus_wan"] == pytest.approx(revenue + 153_000 - 227_900)
    assert row["available_wan"] == pytest.approx(row["surplus_wan"])
    # Neither other resources (not given) nor a gap (none) has a line of noughts.
    assert not {"other_resources_wan", "shortfall_wan"} & set(row.index)
    # Twice the needs: the gap stands as a negative difference, nothing fills it.
    short = fm.evaluate(case.change({"balance.sanbao_need_wan": {2026: 4e5, 2027: 4e5, 2028: 4e5}}))
    row = fm.balance_years(short).iloc[0]
    assert row["surplus_wan"] == pytest.approx(revenue + 153_000 - 4e5 - 4_800 - 18_300)
    assert (row["available_wan"], row["shortfall_wan"]) == (0.0, pytest.approx(-row["surplus_wan"]))
    assert not {"available_wan", "shortfall_wan"} & set(fm.balance_years(short, public=True))


def test_a_table_without_a_title_takes_its_chapters() -> None:
    frame = pd.DataFrame({"year": [2026], "amount_wan": [1.0]})
    cells = [
        nbformat.v4.new_markdown_cell("## 约束指标 / Guardrails"),
        nbformat.v4.new_code_cell(
            outputs=[
                nbformat.v4.new_output("display_data", {"text/html": fm.show(frame)._repr_html_()})
            ]
        ),
    ]
    text = nbformat.writes(nbformat.v4.new_notebook(cells=cells))
    head = PageHead("x")
    assert '<span class="fm-caption">约束指标</span>' in notebook_page(text, head)
    (grid,) = read_paper(text, head).grids
    assert (grid.title, grid.number) == ("约束指标", 1)


def test_a_page_reads_in_one_language() -> None:
    text = "# 05 情景报告 / Scenario report\n\n**问题**：多少？\n**Question**: how much 多少?\n"
    assert one_language(text, "zh") == "# 05 情景报告\n\n**问题**：多少？\n"
    assert one_language(text, "en") == "# 05 Scenario report\n\n**Question**: how much 多少?\n"
    assert one_language("# 表\n一句话", "en") == "# 表\n一句话"


def test_a_plan_that_fails_beside_money_of_the_balance_says_so_first() -> None:
    """The sample takes its money from the balance; taken apart, the first screen names it."""
    case = fm.load_scenario("params/scenarios/sample_county/pessimistic.yaml")
    apart = case.change({"debt.general_budget_source": None})
    said = [fm.summarise(fm.evaluate(one)).answers["decide"]("zh") for one in (case, apart)]
    assert not said[0].startswith("方案未动用")
    assert said[1].startswith("方案未动用收支平衡测算的可用财力")


def test_page_and_workbook_show_the_same_of_an_output_in_several_formats() -> None:
    several = {"text/plain": "plain", "image/png": "aGk=", "text/html": "<p>rich</p>"}
    cell = nbformat.v4.new_code_cell("x", outputs=[nbformat.v4.new_output("display_data", several)])
    text = nbformat.writes(nbformat.v4.new_notebook(cells=[cell]))
    head = PageHead("报告")
    assert '<div class="fm-output"><p>rich</p></div>' in notebook_page(text, head)
    (block,) = read_paper(text, head).blocks
    assert isinstance(block, Passage)
    assert block.lines == ((("rich", False),),)
