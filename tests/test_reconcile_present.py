"""The data check as readers see it: commented Excel copy, chart, notebook parts."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pandas as pd
import pytest

import fiscalmodel as fm
from fiscalmodel.words import speaking

openpyxl = pytest.importorskip("openpyxl")


def opened(data: bytes) -> object:
    return openpyxl.load_workbook(io.BytesIO(data))


@pytest.fixture
def spoilt(tmp_path: Path) -> Path:
    path = tmp_path / "预算.csv"
    path.write_text("项目,金额（万元）\n税收收入,70.00\n=1+1,30\n合计,110\n", "utf-8-sig")
    return path


def test_comments_stand_on_the_cells_of_the_findings(spoilt: Path) -> None:
    findings = fm.reconcile(spoilt)
    book = opened(findings.workbook("zh"))
    sheet = book["预算"]
    commented = {c.coordinate for row in sheet.iter_rows() for c in row if c.comment}
    assert commented == {cell.cell for finding in findings for cell in finding.cells}
    assert "相差 10" in sheet["B4"].comment.text
    assert "见" in sheet["B2"].comment.text
    english = opened(findings.workbook("en"))
    assert "differs by 10" in english["预算"]["B4"].comment.text
    assert book.sheetnames == ["核对结果", "预算"]
    assert english.sheetnames == ["Findings", "预算"]


def test_the_copy_holds_what_the_source_holds_and_no_formula(spoilt: Path) -> None:
    book = opened(fm.reconcile(spoilt).workbook("zh"))
    sheet = book["预算"]
    cells = [[c.value for c in row] for row in sheet.iter_rows()]
    assert [row[0] for row in cells] == ["项目", "税收收入", "=1+1", "合计"]
    assert sheet["A3"].data_type == "s"
    assert sheet["A3"].quotePrefix
    assert all(c.data_type != "f" for ws in book for row in ws.iter_rows() for c in row)


def test_the_first_sheet_lists_every_finding(project: Path) -> None:
    path = project / "data" / "yuanling_2024_debt.csv"
    findings = fm.reconcile(path)
    book = opened(findings.workbook("zh"))
    rows = list(book["核对结果"].iter_rows(min_row=2, values_only=True))
    assert len(rows) == len(findings) == 1
    assert rows[0][3:6] == (37200, 7100, 30100)


def test_every_published_finding_has_its_comment(project: Path) -> None:
    folder = project / "data"
    findings = fm.reconcile(folder)
    book = opened(findings.workbook("zh"))
    commented = {
        (ws.title, c.coordinate) for ws in book for row in ws.iter_rows() for c in row if c.comment
    }
    wanted = {(Path(c.file).stem[:31], c.cell) for f in findings for c in f.cells}
    assert commented == wanted


def test_workbooks_are_the_same_bytes_each_time(spoilt: Path) -> None:
    findings = fm.reconcile(spoilt)
    assert findings.workbook("zh") == findings.workbook("zh")


def test_sheets_of_a_workbook_and_frames_are_copied(tmp_path: Path) -> None:
    frame = pd.DataFrame({"项目": ["税收收入", "非税收入", "合计"], "金额": [70, 30, 110]})
    path = tmp_path / "t.xlsx"
    with pd.ExcelWriter(path, engine="xlsxwriter") as writer:
        frame.to_excel(writer, sheet_name="甲", index=False)
        frame.to_excel(writer, sheet_name="乙", index=False)
    book = opened(fm.reconcile(path).workbook("zh"))
    assert book.sheetnames == ["核对结果", "t-甲", "t-乙"]
    assert book["t-乙"]["B4"].comment is not None
    assert book["t-甲"]["B4"].value == 110
    places = [row[8] for row in book["核对结果"].iter_rows(min_row=2, values_only=True)]
    assert {place.partition("[")[0] for place in places} == {"t-甲", "t-乙"}
    assert all("t-甲[B4]" in place or "t-乙[B4]" in place for place in places)
    made = opened(fm.reconcile(frame).workbook("zh"))
    assert made["table"]["B4"].comment is not None


def test_what_was_read_and_what_ties(project: Path) -> None:
    seen = fm.reconcile(project / "data")
    tied = seen.tied.set_index("rule")["tied"]
    assert tied["sum_total"] > 150
    assert tied["weights"] == 6
    total = seen.sums[seen.sums["where"].str.contains("F252")]
    assert total["parts"].max() == 24
    assert seen.read.set_index("file").loc["redacted_2021.csv", "missing"] >= 5


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_chart_has_title_axis_and_legend(project: Path, lang: str) -> None:
    findings = fm.reconcile(project / "data")
    axis = findings.plot(lang).figure.axes[0]
    assert axis.get_title(loc="left") or axis.get_title()
    assert axis.get_xlabel()
    assert len(axis.figure.legends[0].get_texts()) == 3
    assert sum(patch.get_width() for patch in axis.patches) == len(findings)


@pytest.mark.parametrize(("lang", "said"), [("zh", "项核对相符"), ("en", "checks tie")])
def test_findings_show_themselves(spoilt: Path, lang: str, said: str) -> None:
    findings = fm.reconcile(spoilt)
    with speaking(lang):
        html = findings._repr_html_()
        assert said in html
        assert "fm-answer" in html
        assert "=1+1" not in findings.named("note").to_string()
    assert len(findings.named()) == len(findings) == len(findings.table)
    assert findings.named("error", lang)["no"].tolist() == [1]


def test_copies_stay_in_the_project() -> None:
    findings = fm.reconcile(pd.DataFrame({"项目": ["甲"], "金额": [1]}))
    with pytest.raises(fm.InputError, match="leaves the folder"):
        findings.save("../copy.xlsx")
    with pytest.raises(fm.InputError, match="no xlsx"):
        findings.save("copy.csv")


def test_the_notebook_is_thin_and_executed(project: Path) -> None:
    notebook = json.loads((project / "notebooks" / "01_data_check.ipynb").read_text("utf-8"))
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert code[0]["metadata"]["tags"] == ["parameters"]
    assert all(len(cell["source"]) < 20 for cell in code)
    assert sum(bool(cell["outputs"]) for cell in code) == len(code) - 2
