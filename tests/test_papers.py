"""Word, PDF, Excel and the page say the same, look as official papers do, and stay text."""

from __future__ import annotations

import io
import math
import re
import shutil
import subprocess
import zipfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import docx
import executed_reports
import nbformat
import openpyxl
import pandas as pd
import pytest
from docx.oxml.ns import qn
from docx.shared import Mm, Pt

import fiscalmodel as fm
from fiscalmodel.display import TableView, word
from fiscalmodel.errors import InputError
from fiscalmodel.paths import write_whole
from fiscalmodel.present import document, pdf
from fiscalmodel.present.book import paper_workbook
from fiscalmodel.present.document import word_document
from fiscalmodel.present.live import RELATIONS, formulas
from fiscalmodel.present.page import PageHead, notebook_page, report_head
from fiscalmodel.present.paper import Grid, Heading, Paper, Passage, heading_number, read_paper
from fiscalmodel.present.pdf import pdf_document
from fiscalmodel.run.report import default_scenarios

SCENARIOS = [f"{path.parent.name}/{path.stem}" for path in default_scenarios(executed_reports.ROOT)]
#: Looked at in every run; the others in the soak.
SOME = ("sample_county/pessimistic", "jianghan/baseline")
NUMBER = re.compile(r"[-+−]?\d[\d,]*(?:\.\d+)?%?")
CHINESE = re.compile(r"[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]")


@pytest.fixture(scope="module", params=[
    pytest.param(name, marks=() if name in SOME else pytest.mark.soak) for name in SCENARIOS
])  # fmt: skip
def made(request, project) -> tuple[str, Paper]:
    """A report's page and its content."""
    file = project / "params" / "scenarios" / f"{request.param}.yaml"
    text = executed_reports.executed(file)
    head = report_head(fm.load_scenario(file), "zh")
    return notebook_page(text, head), read_paper(text, head)


def paper_of(*blocks: object, **head: str) -> Paper:
    """A paper of some blocks."""
    return Paper(PageHead("题目", **head), tuple(blocks))


def grid_of(frame: pd.DataFrame, **how: object) -> Grid:
    """A frame as it reaches the papers: by way of the notebook's HTML."""
    html = TableView(frame, "zh", **how)._repr_html_()
    output = nbformat.v4.new_output("display_data", {"text/html": html})
    cell = nbformat.v4.new_code_cell("1", outputs=[output])
    text = nbformat.writes(nbformat.v4.new_notebook(cells=[cell]))
    return read_paper(text, PageHead("题目")).grids[0]


def numbers(text: str) -> Counter[str]:
    return Counter(match.lstrip("+") for match in NUMBER.findall(text))


def word_text(content: bytes) -> str:
    """Everything that a Word file says, cells and paragraphs, without running lines."""
    opened = docx.Document(io.BytesIO(content))
    texts = [paragraph.text for paragraph in opened.paragraphs]
    for table in opened.tables:
        texts += [cell.text for row in table.rows for cell in row.cells]
    return "\n".join(texts)


def page_text(page: str) -> str:
    body = page[page.index("<body>") :]
    body = re.sub(r"<(style|script).*?</\1>", "", body, flags=re.S)
    body = re.sub(r"<[^>]+>", "\n", body)
    for entity, sign in (("&lt;", "<"), ("&gt;", ">"), ("&#39;", "'"), ("&#34;", '"')):
        body = body.replace(entity, sign)
    return body.replace("&amp;", "&")


# ---------------------------------------------------------------- one content


def test_word_says_every_number_of_the_page_and_no_other(made: tuple[str, Paper]) -> None:
    page, paper = made
    numbered = sum(grid.number > 0 for grid in paper.grids)
    lists = [b for b in paper.blocks if isinstance(b, Passage) and b.kind == "notes"]
    told = numbers(word_text(word_document(paper)))
    # What Word writes and a browser counts by itself: numbers of tables and of list items.
    told -= Counter(str(n) for n in range(1, numbered + 1))
    for block in lists:
        if len(block.lines) > 1:
            told -= Counter(f"{n}" for n in range(1, len(block.lines) + 1))
    shown = numbers(page_text(page).replace(paper.head.mark, ""))
    missing, extra = shown - told, told - shown
    assert not missing, missing
    assert not extra, extra


def test_the_workbook_holds_every_number_of_every_table(made: tuple[str, Paper]) -> None:
    _, paper = made
    book = openpyxl.load_workbook(io.BytesIO(paper_workbook(paper)), data_only=True)
    sheets = book.worksheets[1:]
    grids = [grid for grid in paper.grids if any(grid.numeric)]
    assert len(sheets) == len(grids)
    for sheet, grid in zip(sheets, grids, strict=True):
        for row, cells in enumerate(grid.rows, start=4):
            for column, cell in enumerate(cells, start=1):
                stored = sheet.cell(row, column).value
                if cell.value is None:
                    assert (stored or "") == cell.text
                    continue
                assert stored == pytest.approx(cell.value, abs=1e-9, rel=1e-12)
                decimals = len(cell.text.partition(".")[2])
                shown = f"{stored:,.{decimals}f}"
                assert cell.text in (shown, shown.lstrip("-"), f"{stored:.0f}")


def test_every_figure_of_a_table_has_its_exact_value(made: tuple[str, Paper]) -> None:
    for grid in made[1].grids:
        for row in grid.rows:
            for cell in row:
                if re.fullmatch(r"-?\d{1,3}(,\d{3})*\.\d\d", cell.text):
                    assert cell.value is not None, (grid.title, cell)


def test_tables_by_contract_add_up_to_the_fen(made: tuple[str, Paper]) -> None:
    exact = [grid for grid in made[1].grids if grid.title in ("逐笔化债计划表", "置换台账（计划）")]
    for grid in exact:
        for column, key in enumerate(grid.keys):
            values = [row[column].value for row in grid.rows]
            if values[-1] is not None and not key.endswith("_pct"):
                parts = math.fsum(value or 0.0 for value in values[:-1])
                assert abs(parts - values[-1]) < 5e-7, (grid.title, key)  # 万元: half a 分


# ---------------------------------------------------------------- live workbooks


def derived(values: dict[tuple[int, int], float]) -> dict[tuple[int, int], bool]:
    """Cells that equal a sum, difference, ratio or growth of others in their row or column."""
    found = {}

    def same(a: float, b: float) -> bool:
        return abs(a - b) <= 1e-7 * max(1.0, abs(a))

    for (row, column), value in values.items():
        if value == 0:
            continue
        others = [v for (r, c), v in values.items() if r == row and c != column and v]
        up = [values[r, column] for r in range(row - 1, 2, -1) if (r, column) in values]
        left = [values[row, c] for c in range(column - 1, 0, -1) if (row, c) in values]
        sums = []
        for run in (up, left):
            total = 0.0
            for count, one in enumerate(run, 1):
                total += one
                sums += [total] if count > 1 else []
        pairs = [(a, b) for a in others for b in others if a != b]
        found[row, column] = (
            any(same(value, total) for total in sums)
            or any(same(value, a + b) or same(value, a - b) for a, b in pairs)
            or any(same(value, a / b * 100) or same(value, (a / b - 1) * 100) for a, b in pairs)
        )
    return found


def test_most_of_what_follows_from_other_cells_is_a_formula(made: tuple[str, Paper]) -> None:
    content = paper_workbook(made[1])
    live, dead = 0, []
    stored = openpyxl.load_workbook(io.BytesIO(content), data_only=True)
    for sheet in openpyxl.load_workbook(io.BytesIO(content)).worksheets[1:]:
        cells = {
            (cell.row, cell.column): str(cell.value)
            for row in sheet.iter_rows(min_row=4)
            for cell in row
            if isinstance(cell.value, (int, float)) or str(cell.value).startswith("=")
        }
        values = {at: float(stored[sheet.title].cell(*at).value) for at in cells}
        years = {c for (r, c), v in values.items() if 1990 < v < 2100 and v == int(v)}
        values = {at: v for at, v in values.items() if at[1] not in years}
        used = operands(text for text in cells.values() if text.startswith("="))
        for at, follows in derived(values).items():
            formula = cells[at].startswith("=")
            live += formula
            # A part of a live sum is the sum less its other parts: that is no second formula.
            if follows and not formula and at not in used:
                dead.append((sheet.title, at, values[at]))
    assert live >= 0.8 * (live + len(dead)), (live, dead)


def operands(formulas: Iterable[str]) -> set[tuple[int, int]]:
    """Cells of the same sheet that formulas name."""
    found = set()
    for text in formulas:
        own = re.sub(r"'[^']+'![A-Z]+[0-9]+", "", text)
        for first, last in re.findall(r"([A-Z]+[0-9]+)(?::([A-Z]+[0-9]+))?", own):
            for row in openpyxl.utils.cell.rows_from_range(f"{first}:{last or first}"):
                for name in row:
                    column, number = openpyxl.utils.cell.coordinate_from_string(name)
                    found.add((number, openpyxl.utils.cell.column_index_from_string(column)))
    return found


def test_a_relation_is_written_only_where_it_gives_the_figure() -> None:
    frame = pd.DataFrame(
        {
            "year": [2026, 2027, 2028],
            "opening_wan": [100.0, 60.0, 30.0],
            "repaid_wan": [30.0, 20.0, 10.0],
            "replaced_wan": [10.0, 10.0, 10.0],
            "closing_wan": [60.0, 30.0, 11.0],  # the last one does not follow: 30 - 10 - 10 = 10
        }
    )
    found = formulas(grid_of(frame), lambda at: f"{'ABCDE'[at[1]]}{at[0] + 4}")
    assert found == {
        (0, 4): "B4-C4-D4", (1, 4): "B5-C5-D5", (1, 1): "E4", (2, 1): "E5",
    }  # fmt: skip
    turned = formulas(grid_of(frame, across="year"), lambda at: f"{'ABCD'[at[1]]}{at[0] + 4}")
    assert turned[3, 1] == "B4-B5-B6"
    assert turned[0, 2] == "B7"
    assert (3, 3) not in turned


def test_sums_are_found_in_rows_and_columns() -> None:
    frame = pd.DataFrame({"name": ["a", "b"], "2026": [1.0, 2.0], "2027": [3.0, 5.0]})
    frame["All"] = frame[["2026", "2027"]].sum(axis=1)
    grid = grid_of(frame.assign(amount_wan=0.0).drop(columns="amount_wan"), total=False)
    found = formulas(grid, lambda at: f"{'ABCD'[at[1]]}{at[0] + 4}")
    assert found == {(0, 3): "SUM(B4:C4)", (1, 3): "SUM(B5:C5)"}
    money = pd.DataFrame({"name": ["a", "b"], "amount_wan": [1.5, 2.25]})
    grid = grid_of(money, total=True)
    assert [cell.text for cell in grid.rows[-1]] == ["合计", "3.75"]
    assert formulas(grid, lambda at: f"{'AB'[at[1]]}{at[0] + 4}") == {(2, 1): "SUM(B4:B5)"}


def test_relations_name_figures_that_have_a_word() -> None:
    relations = "".join(text for texts in RELATIONS.values() for text in texts)
    named = set(RELATIONS) | set(re.findall(r"\[([^\]@]+)", relations))
    named = {name for name in named if not name.startswith(("value_", "delta_"))}
    assert not [name for name in named if word(name, "zh") == name]


@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not installed")
def test_libreoffice_recalculates_to_the_stored_values(
    made: tuple[str, Paper], tmp_path: Path
) -> None:
    content = paper_workbook(made[1])
    (tmp_path / "report.xlsx").write_bytes(content)
    command = ["soffice", "--headless", f"-env:UserInstallation=file://{tmp_path}/profile"]
    command += ["--convert-to", "ods", "--outdir", str(tmp_path), str(tmp_path / "report.xlsx")]
    subprocess.run(command, check=True, capture_output=True, timeout=180)
    command[-1], command[-4] = str(tmp_path / "report.ods"), "xlsx"
    command[-2] = str(tmp_path / "again")
    subprocess.run(command, check=True, capture_output=True, timeout=180)
    before = openpyxl.load_workbook(io.BytesIO(content), data_only=True)
    after = openpyxl.load_workbook(tmp_path / "again" / "report.xlsx", data_only=True)
    compared = 0
    for sheet in before.worksheets:
        for row in sheet.iter_rows():
            for cell in row:
                if isinstance(cell.value, (int, float)):
                    again = after[sheet.title].cell(cell.row, cell.column).value
                    assert abs(again - cell.value) <= 0.005, (sheet.title, cell.coordinate)
                    compared += 1
    assert compared > 20


def test_sheets_are_ready_to_print(made: tuple[str, Paper]) -> None:
    paper = made[1]
    book = openpyxl.load_workbook(io.BytesIO(paper_workbook(paper)))
    for sheet in book.worksheets:
        assert sheet.page_setup.paperSize == "9" or sheet.page_setup.paperSize == 9
        assert sheet.sheet_properties.pageSetUpPr.fitToPage
        assert int(sheet.page_setup.fitToHeight) == 0
        assert sheet.print_area
        assert paper.head.mark in sheet.oddHeader.left.text
    for sheet, grid in zip(book.worksheets[1:], paper.grids, strict=False):
        assert sheet.print_title_rows
        assert (sheet["A1"].value or "").endswith(grid.title)
        assert grid.unit in [cell.value or "" for cell in sheet[2]]


# ---------------------------------------------------------------- Word


def test_word_has_the_official_page(made: tuple[str, Paper]) -> None:
    opened = docx.Document(io.BytesIO(word_document(made[1])))
    section = opened.sections[0]
    sides = (section.top_margin, section.bottom_margin, section.left_margin, section.right_margin)
    assert [round(side.mm) for side in sides] == [37, 35, 28, 26]
    assert [round(section.page_width.mm), round(section.page_height.mm)] == [210, 297]
    grid = section._sectPr.find(qn("w:docGrid"))
    assert (297 - 37 - 35) / 25.4 * 72 * 20 / int(grid.get(qn("w:linePitch"))) // 1 == 22
    body = [p for p in opened.paragraphs if p.paragraph_format.first_line_indent]
    run = next(run for p in body for run in p.runs if run.font.size == Pt(16))
    closer = -int(run._r.rPr.find(qn("w:spacing")).get(qn("w:val"))) / 20
    assert Mm(156).pt // (16 - closer) == 28  # characters on a line
    assert {p.paragraph_format.line_spacing for p in body if p.runs[0].font.size == Pt(16)} == {
        Pt(28)
    }
    title = opened.paragraphs[0]
    assert title.runs[0].font.size == Pt(22)
    assert title.runs[0]._r.rPr.rFonts.get(qn("w:eastAsia")) == "方正小标宋简体"
    assert opened.tables
    for table in opened.tables:
        head = table.rows[0]._tr.trPr
        assert head.find(qn("w:tblHeader")) is not None
        assert all(row._tr.trPr.find(qn("w:cantSplit")) is not None for row in table.rows)


def test_every_chinese_run_names_its_east_asian_font(made: tuple[str, Paper]) -> None:
    content = word_document(made[1])
    fonts: Counter[str] = Counter()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = [n for n in archive.namelist() if re.match(r"word/(document|header|footer)", n)]
        table = archive.read("word/fontTable.xml").decode("utf-8")
        for part in parts:
            for run in re.findall(
                r"<w:r>.*?</w:r>|<w:r .*?</w:r>", archive.read(part).decode(), re.S
            ):
                texts = "".join(re.findall(r"<w:t[^>]*>(.*?)</w:t>", run, re.S))
                if CHINESE.search(texts):
                    named = re.search(r'w:eastAsia="([^"]+)"', run)
                    assert named, texts
                    fonts[named[1]] += 1
    assert set(fonts) <= {"方正小标宋简体", "仿宋_GB2312", "黑体", "楷体_GB2312", "宋体"}
    for name in document.STAND_INS:
        assert name in table
    assert word_document(made[1]) == content  # nothing of the clock


def test_headings_are_numbered_as_official_papers(made: tuple[str, Paper]) -> None:
    heads = [block for block in made[1].blocks if isinstance(block, Heading)]
    first = [block.number for block in heads if block.level == 1]
    assert first == [heading_number([n, 0, 0], 1) for n in range(1, len(first) + 1)]
    assert heading_number([10, 0, 0], 1) == "十、"
    assert heading_number([0, 21, 0], 2) == "（二十一）"
    assert heading_number([3, 2, 1], 3, "en") == "3.2.1 "


def test_a_report_answers_before_its_first_table(made: tuple[str, Paper]) -> None:
    kinds = [type(block).__name__ for block in made[1].blocks]
    answer = made[1].blocks[1]
    assert isinstance(answer, Passage)
    assert answer.kind == "answer"
    assert kinds.index("Passage") < kinds.index("Grid")
    # No heading without anything under it.
    for before, after in zip(made[1].blocks, [*made[1].blocks[1:], None], strict=True):
        if isinstance(before, Heading):
            assert after is not None
            assert not isinstance(after, Heading) or after.level > before.level


# ---------------------------------------------------------------- PDF


def test_the_pdf_lacks_no_glyph(made: tuple[str, Paper], recwarn: pytest.WarningsRecorder) -> None:
    content = pdf_document(made[1])
    assert content.startswith(b"%PDF")
    assert not [w for w in recwarn if pdf.MISSING in str(w.message)]
    assert pdf_document(made[1]) == content


def test_a_missing_glyph_is_printed_as_a_mark_and_told_once() -> None:
    rare = paper_of(Passage("text", ((("地名\U0001f600与\U0001f600", False),),)))
    with pytest.warns(UserWarning, match="〓") as told:
        pdf_document(rare)
    assert len(told) == 1


def test_without_its_font_the_pdf_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "font_file", lambda: None)
    with pytest.raises(InputError, match="font"):
        pdf_document(paper_of())


# ---------------------------------------------------------------- bad input

NASTY = ["=1+1", "@SUM(A1)", "http://example.org", "<b>粗</b><script>alert(1)</script>", "a&b"]
LONG_COUNTY = "特别长的县名称" * 6
LONG_CONTRACT = "合同编号" * 20


def test_text_stays_text_in_every_format(tmp_path: Path) -> None:
    grid = grid_of(
        pd.DataFrame({"bank": [*NASTY, LONG_CONTRACT], "amount_wan": [1.0] * (len(NASTY) + 1)}),
        caption="=HYPERLINK(1) <i>",
    )
    paper = paper_of(grid, Passage("text", tuple(((text, False),) for text in NASTY)))
    paper = Paper(PageHead(LONG_COUNTY, mark="内部&资料"), paper.blocks)
    said = word_text(word_document(paper))
    assert LONG_COUNTY in said
    assert all(said.count(text) >= 2 for text in NASTY)
    with zipfile.ZipFile(io.BytesIO(word_document(paper))) as archive:
        assert b"w:hyperlink" not in archive.read("word/document.xml")
    sheet = openpyxl.load_workbook(io.BytesIO(paper_workbook(paper))).worksheets[1]
    for row, text in enumerate(NASTY, start=4):
        assert [sheet.cell(row, 1).value, sheet.cell(row, 1).data_type] == [text, "s"]
        assert sheet.cell(row, 1).hyperlink is None
    assert sheet.cell(9, 1).value == LONG_CONTRACT
    assert pdf_document(paper).startswith(b"%PDF")


def test_sheet_names_are_their_own_and_short() -> None:
    frame = pd.DataFrame({"amount_wan": [1.0]})
    grids = [grid_of(frame, caption=f"{LONG_CONTRACT}[{n}]/*?") for n in range(3)]
    book = openpyxl.load_workbook(io.BytesIO(paper_workbook(paper_of(*grids))))
    assert len(book.sheetnames) == 4
    assert all(len(name) <= 31 for name in book.sheetnames)


def test_a_file_that_cannot_be_replaced_leaves_all_as_they_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where Excel or Word holds the old one open."""
    target = tmp_path / "report.docx"
    target.write_bytes(b"old")

    def held(self: Path, other: Path) -> None:
        raise PermissionError(13, "used by another program")

    monkeypatch.setattr(Path, "replace", held)
    with pytest.raises(InputError, match=r"report\.docx"):
        write_whole(target, b"new")
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


# ---------------------------------------------------------------- secrecy


def test_the_public_version_holds_no_figure_of_hidden_debt(project: Path) -> None:
    file = project / "params" / "scenarios" / "sample_county" / "baseline.yaml"
    case = fm.public_version(fm.load_scenario(file))
    assert case.spec.debt is None
    assert not [key for key in case.files if key.startswith("debt.")]
    head = report_head(case, "zh")
    assert head.mark == "不含隐性债务"
    paper = read_paper(executed_reports.executed(file, public=True), head)
    said = word_text(word_document(paper)).replace(head.mark, "")
    for secret in ("隐性债务", "化债", "城投平台", "HD-0"):
        assert secret not in said
    assert "174,000" not in said
    assert "法定债券到期分布" in said
    internal = report_head(fm.load_scenario(file), "zh")
    assert internal.mark.startswith("内部资料")


def test_every_output_bears_its_mark(made: tuple[str, Paper]) -> None:
    page, paper = made
    assert paper.head.mark in page
    opened = docx.Document(io.BytesIO(word_document(paper)))
    assert all(paper.head.mark in s.header.paragraphs[0].text for s in opened.sections)
