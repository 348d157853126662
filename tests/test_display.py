"""Figures and tables: what a reader sees, and what data cannot do to it."""

from __future__ import annotations

import base64
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import fiscalmodel as fm
from fiscalmodel import display
from fiscalmodel.display import TableView, format_cells
from fiscalmodel.words import Text


def test_chinese_is_drawn_without_any_system_font(tmp_path: Path) -> None:
    """A machine without a Chinese font: fontconfig sees an empty folder."""
    config = tmp_path / "fonts.conf"
    config.write_text(f"<fontconfig><dir>{tmp_path}/none</dir></fontconfig>", encoding="utf-8")
    code = (
        "import warnings; warnings.simplefilter('error')\n"
        "import matplotlib; matplotlib.use('Agg')\n"
        "from fiscalmodel import display\n"
        "assert display.style('zh') == 'zh'\n"
        "from matplotlib import pyplot as plt\n"
        "figure, axis = plt.subplots(); axis.set_title('一般公共预算收入 隐性债务 ¥−5')\n"
        "figure.savefig('out.png')\n"
        "from matplotlib.font_manager import FontProperties, findfont\n"
        "print(findfont(FontProperties(family=display.FAMILY), fallback_to_default=False))\n"
    )
    env = {"FONTCONFIG_FILE": str(config), "MPLCONFIGDIR": str(tmp_path), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=env, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().endswith("NotoSansSC-Regular.ttf")


def test_a_missing_font_falls_back_to_english_with_one_warning(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    display._register.cache_clear()
    monkeypatch.setattr(display, "font_file", lambda: None)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert [display.style("zh"), display.style("zh")] == ["en", "en"]
    assert len([w for w in caught if "Chinese font is missing" in str(w.message)]) == 1
    display._register.cache_clear()


def test_the_font_package_itself_is_never_imported() -> None:
    code = (
        "import sys; from fiscalmodel import display; display.style()\n"
        "print('zhplot' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_missing_is_a_dash_and_never_zero() -> None:
    frame = pd.DataFrame(
        {"year": [2020, 2021], "value": [1234.5, None], "count": [1000, 2], "name": ["甲", None]}
    )
    shown = format_cells(frame, digits=1)
    assert shown.to_numpy().tolist() == [
        ["2020", "1,234.5", "1,000", "甲"],
        ["2021", "—", "2", "—"],
    ]
    assert format_cells(pd.DataFrame({"x": [-0.001]}), digits=2)["x"].tolist() == ["0.00"]


def test_tables_escape_what_data_say() -> None:
    html = TableView(pd.DataFrame({"<b>": ["<script>alert(1)</script>"]}))._repr_html_()
    assert "<script>" not in html
    assert "<b>" not in html


def test_a_frame_is_shown_with_headers_units_and_codes_as_words() -> None:
    frame = pd.DataFrame(
        {
            "year": [2026, 2027],
            "revenue_wan": [123_456.7, None],
            "growth_pct": [1.234, -0.0001],
            "kind": ["forecast", "actual"],
            "fee_fen": [480, 100],
        }
    )
    view = fm.show(frame, "zh", unit="亿元", caption="收入")
    assert view.cells.columns.tolist()[:2] == ["年度", "收入"]
    assert view.cells.to_numpy().tolist() == [
        ["2026", "12.35", "1.23", "预测数", "4.80"],
        ["2027", "—", "0.00", "实际数", "1.00"],
    ]
    assert "单位：亿元" in view._repr_html_()
    assert fm.show(frame, "en").cells.iloc[0, 1] == "123,457"  # large amounts in whole 万元
    assert frame["revenue_wan"][0] == 123_456.7


def test_a_pivot_keeps_its_row_names_and_its_total() -> None:
    frame = pd.DataFrame(
        {"debtor": ["甲", "甲"], "creditor": ["乙", "丙"], "amount_wan": [1.0, 2.5]}
    )
    wide = frame.pivot_table("amount_wan", ["debtor", "creditor"], aggfunc="sum", margins=True)
    view = fm.show(wide, "zh")
    assert view.cells.columns.tolist()[:2] == ["债务人", "债权人"]
    assert view.cells.iloc[-1].tolist() == ["合计", "", "3.50"]


def test_a_long_frame_says_how_much_of_it_is_shown() -> None:
    view = fm.show(pd.DataFrame({"value": range(1000)}), "en", rows=10)
    assert len(view.cells) == 10
    assert "the first 10 of 1,000 rows" in view._repr_html_()


def test_a_sentence_and_a_result_are_shown_in_the_language_asked_for() -> None:
    class Result:
        def _repr_html_(self) -> str:
            return display.result_html(Text("一<二", "one<two"))

    assert "one&lt;two" in fm.show(Result(), "en")._repr_html_()
    assert "一&lt;二" in fm.show(Result(), "zh")._repr_html_()
    assert repr(fm.show(Text("一", "one"), "zh")) == "一"


def test_a_chart_is_a_picture_with_its_text_and_the_same_bytes() -> None:
    def made() -> display.Chart:
        figure, axis, _ = display.figure(Text("图", "chart"), "zh", unit="亿元")
        display.stack(axis, pd.DataFrame({"hidden_wan": [1.0, 2], "statutory_wan": [2.0, 1]}))
        display.legend(axis)
        return display.Chart(figure, "说明")

    data, told = made()._repr_mimebundle_()
    assert base64.b64decode(data["image/png"]).startswith(b"\x89PNG")
    assert (data["text/plain"], told["image/png"]["alt"]) == ("[chart] 说明", "说明")
    assert made()._repr_mimebundle_()[0] == data


def test_importing_display_loads_no_matplotlib() -> None:
    code = "import sys, fiscalmodel.display; print('matplotlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_stacks_reach_their_sums_and_waterfalls_their_balances() -> None:
    """Heights of the drawn bars, added up by hand."""
    _, axis, _ = display.figure("", "en")
    display.stack(axis, pd.DataFrame({"a": [1.0, -2.0], "b": [3.0, np.nan], "c": [0.0, 0.0]}))
    tops = [bar.get_y() + bar.get_height() for bar in axis.patches]
    assert tops == [1.0, -2.0, 4.0, 0.0]  # a, b; c is empty
    _, axis, _ = display.figure("", "en")
    display.waterfall(axis, ["x", "y", "z"], [10.0, -4.0, 6.0], [True, False, True])
    assert [(bar.get_y(), bar.get_height()) for bar in axis.patches] == [(0, 10), (10, -4), (0, 6)]


def test_ticks_are_thinned_and_keep_the_last() -> None:
    _, axis, _ = display.figure("", "en")
    display.ticks(axis, [f"2024-{m:02}" for m in range(1, 13)] * 5)
    shown = [t.get_text() for t in axis.get_xticklabels()]
    assert len(shown) <= 16
    assert "2024-12" in shown


def test_bands_open_from_the_last_value_with_their_measured_coverage() -> None:
    _, axis, _ = display.figure("", "en")
    table = pd.DataFrame({"lo-80": [8.0], "hi-80": [12.0], "lo-95": [7.0], "hi-95": [13.0]})
    display.fan(axis, [0, 1], table, start=10.0, measured={80.0: 79.2}, lang="en")
    names = axis.get_legend_handles_labels()[1]
    assert names == ["95 % band", "80 % band (measured coverage 79 %)"]
    wide = axis.collections[0].get_paths()[0].vertices
    assert (wide[:, 1].min(), wide[:, 1].max()) == (7.0, 13.0)


def test_batches_of_quota_go_by_their_names_in_lists_too() -> None:
    frame = pd.DataFrame(
        {"contract_id": ["replacement 2026、replacement 第二批", "HD-001、HD-002"]}
    )
    shown = display.in_words(frame, "zh")["contract_id"].tolist()
    assert shown == ["置换额度2026、置换额度第二批", "HD-001、HD-002"]
