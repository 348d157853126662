"""Fonts, tables, pages and workbooks: what a reader gets, and what data cannot do to it."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys

import nbformat
import openpyxl
import pandas as pd
import pytest

from fiscalmodel.present import labels
from fiscalmodel.present.page import PageHead, index_page, notebook_page
from fiscalmodel.present.safe_text import csv_bytes, quoted

ADDRESS = re.compile(r"""(?:src|href|url\(|@import)\s*=?\s*["'(]?\s*(?:https?:)?//""", re.I)


def test_labels_map_both_ways_without_clashes() -> None:
    back = labels.columns_from_chinese()
    assert back["债务编号"] == "contract_id"
    assert labels.label("contract_id", "zh") == "债务编号"
    assert labels.label("no_such_column") == "no_such_column"


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
    assert """alt='收入"图'""" in images[0]
    assert "onerror" not in re.sub(r"&lt;.*?&gt;", "", page)
    assert "&lt;b&gt;printed" in page
    assert "合成数据" in page
    assert '<html lang="en">' in made_page(lang="en")


def test_the_index_shows_failures_escaped() -> None:
    groups = [
        {
            "region": "样本县",
            "synthetic": True,
            "entries": [
                {
                    "name": "甲",
                    "ok": True,
                    "lines": ["一"],
                    "links": [{"href": "a.html", "text": "报告"}],
                },
                {"name": "乙", "ok": False, "lines": [], "links": [], "error": "<script>"},
            ],
        }
    ]
    page = index_page(groups)
    assert "&lt;script&gt;" in page
    assert "合成数据" in page
    assert 'href="a.html"' in page
    assert not ADDRESS.search(page)


@pytest.mark.parametrize("risky", ["=1+1", "+1", "-1", "@x", "\tx", "\rx"])
def test_csv_texts_that_look_like_formulas_are_quoted(risky: str) -> None:
    assert quoted(risky) == f"'{risky}"
    raw = csv_bytes(pd.DataFrame({"name": [risky, "甲银行"], "n": [-1.5, 2.0]}))
    assert raw.startswith(b"\xef\xbb\xbf")
    back = pd.read_csv(io.BytesIO(raw))
    assert not str(back["name"][0]).startswith(("=", "+", "-", "@"))
    assert back["n"].tolist() == [-1.5, 2.0]


def test_a_workbook_keeps_text_as_text() -> None:
    import xlsxwriter

    from fiscalmodel.present.workbook import OPTIONS, _formats, _write_frame

    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, OPTIONS)
    frame = pd.DataFrame({"bank": ["=1+1", "http://example.org"], "fee_fen": [480, 20]})
    _write_frame(book.add_worksheet("x"), _formats(book), frame, "zh")
    book.close()
    sheet = openpyxl.load_workbook(io.BytesIO(buffer.getvalue()))["x"]
    assert sheet["A2"].data_type == "s"
    assert sheet["A2"].value == "=1+1"
    assert sheet["A3"].hyperlink is None
    assert sheet["B4"].value == "=SUM(B2:B3)"
    stored = openpyxl.load_workbook(io.BytesIO(buffer.getvalue()), data_only=True)["x"]
    assert stored["B4"].value == 500


def test_charts_carry_their_text_in_the_notebook() -> None:
    code = (
        "import json, sys\n"
        "from IPython.core.interactiveshell import InteractiveShell\n"
        "from IPython.utils.capture import capture_output\n"
        "InteractiveShell.instance()\n"
        "import matplotlib; matplotlib.use('Agg')\n"
        "from matplotlib import pyplot as plt\n"
        "from fiscalmodel.present.show import show_chart\n"
        "with capture_output() as got:\n"
        "    show_chart(plt.subplots()[0], '一句话')\n"
        "out = got.outputs[0]\n"
        "print(json.dumps([sorted(out.data), out.metadata, out.data['text/plain']]))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    kinds, metadata, text = json.loads(done.stdout.splitlines()[-1])
    assert kinds == ["image/png", "text/plain"]
    assert metadata == {"image/png": {"alt": "一句话"}}
    assert text == "[chart] 一句话"
