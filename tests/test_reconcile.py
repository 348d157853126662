"""Reconciliation: each rule on small tables, sources, ranking, refusals."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import yaml

import fiscalmodel as fm
from fiscalmodel.checks.reconcile import RULES, rule_name
from fiscalmodel.errors import InputError
from fiscalmodel.findings import COLUMNS, Finding, ranked, to_frame
from fiscalmodel.tables.table import Table

CASES = yaml.safe_load(
    (Path(__file__).parent / "cases" / "reconcile_rules.yaml").read_text("utf-8")
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_small_tables(case: dict, tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text(case["csv"], "utf-8")
    findings = fm.reconcile(path)
    found = [
        [f.rule, f.cells[0].cell, f.stated, None if f.computed is None else round(f.computed, 4)]
        for f in findings
    ]
    assert found == case["finds"]
    if "says" in case:
        assert case["says"] in findings[0].explanation


def test_every_rule_is_named_in_both_languages() -> None:
    assert len(RULES) > 30
    for name in RULES:
        said = rule_name(name)
        assert name not in (said.zh, said.en)
        assert any("\u4e00" <= c <= "\u9fff" for c in said.zh)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_explanations_come_in_both_languages(case: dict, tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text(case["csv"], "utf-8")
    for finding in fm.reconcile(path):
        assert finding.explanation.isascii() or "%" in finding.explanation or finding.cells
        assert any("\u4e00" <= c <= "\u9fff" for c in finding.said.zh)
        assert finding.text("zh") == finding.said.zh
        assert finding.text("en") == finding.explanation


def test_a_frame_a_table_a_file_and_a_workbook_agree(tmp_path: Path) -> None:
    frame = pd.DataFrame({"项目": ["税收收入", "非税收入", "合计"], "金额": [70, 30, 110]})
    csv, xlsx = tmp_path / "t.csv", tmp_path / "t.xlsx"
    frame.to_csv(csv, index=False)
    frame.to_excel(xlsx, index=False, engine="xlsxwriter")
    for source in (frame, Table.of(frame), csv, xlsx, [csv], str(csv)):
        (finding,) = fm.reconcile(source)
        assert (finding.rule, finding.stated, finding.computed) == ("sum_total", 110, 100)
        assert finding.cells[0].cell == "B4"
    assert len(fm.reconcile(tmp_path)) == 2


def test_the_source_is_not_touched() -> None:
    frame = pd.DataFrame({"项目": ["税收收入", "非税收入", "合计"], "金额": [70, 30, 110]})
    before = frame.copy(deep=True)
    fm.reconcile(frame)
    pd.testing.assert_frame_equal(frame, before)


def test_gb18030_and_bom(tmp_path: Path) -> None:
    text = "section,indicator_zh,year,value,unit\n表,教育支出,2024,X,万元\n"
    for encoding in ("utf-8", "utf-8-sig", "gb18030"):
        path = tmp_path / f"{encoding}.csv"
        path.write_bytes(text.encode(encoding))
        (finding,) = fm.reconcile(path)
        assert finding.rule == "no_number"


def test_only_some_rules() -> None:
    frame = pd.DataFrame({"项目": ["税收收入", "非税收入", "合计"], "金额": [70, 30, 110]})
    assert fm.reconcile(frame, only=["growth"]) == []
    assert len(fm.reconcile(frame, only=["sum_total"])) == 1
    with pytest.raises(fm.InputError, match="no rule 'sums'"):
        fm.reconcile(frame, only=["sums"])


def test_bad_sources_are_refused(tmp_path: Path) -> None:
    with pytest.raises(fm.InputError, match="no such file"):
        fm.reconcile(tmp_path / "none.csv")
    with pytest.raises(fm.InputError, match="holds no CSV"):
        fm.reconcile(tmp_path)
    with pytest.raises(fm.InputError, match="cannot read a int"):
        fm.reconcile(3)  # type: ignore[arg-type]


def test_empty_tables_have_no_findings() -> None:
    assert fm.reconcile(pd.DataFrame()) == []
    assert fm.reconcile(pd.DataFrame({"项目": [], "金额": []})) == []
    assert fm.reconcile([]) == []


def test_frame_of_findings() -> None:
    frame = pd.DataFrame({"项目": ["税收收入", "非税收入", "合计"], "金额": [70, 30, 110]})
    table = to_frame(fm.reconcile(frame))
    assert list(table.columns) == COLUMNS
    assert table.loc[0, "difference"] == 10
    assert list(to_frame([]).columns) == COLUMNS
    chinese = to_frame(fm.reconcile(frame), lang="zh")
    assert "相差 10" in chinese.loc[0, "explanation"]


def test_ranking_by_severity_then_by_size() -> None:
    def one(severity: str, stated: float | None, computed: float | None) -> Finding:
        gap = None if stated is None or computed is None else stated - computed
        return Finding("r", severity, "w", stated, computed, gap, 0.0, "e")  # type: ignore[arg-type]

    findings = [
        one("note", 1, 9),
        one("warning", None, None),
        one("warning", 100, 99),
        one("error", 100, 98),
        one("warning", 100, 10),
    ]
    order = [findings.index(f) for f in ranked(findings)]
    assert order == [3, 4, 2, 1, 0]


def test_a_long_table_under_a_title_keeps_its_cells(tmp_path: Path, project: Path) -> None:
    frame = pd.read_csv(project / "data" / "yuanling_2024_debt.csv", dtype=str).fillna("")
    path = tmp_path / "债务.xlsx"
    with pd.ExcelWriter(path, engine="xlsxwriter") as writer:
        frame.to_excel(writer, index=False, startrow=2, sheet_name="债务")
    (finding,) = fm.reconcile(path)
    assert finding.rule == "refinancing"
    assert str(finding.cells[0]) == "债务.xlsx[债务!R13]"


_KINDS_BY_ROW = {"项目": ["一般债务", "专项债务", "合计"]}
_LIMITS_BY_ROW = {"项目": ["一般债务限额", "一般债务余额", "专项债务限额", "专项债务余额"]}


@pytest.mark.parametrize(
    ("table", "within"),
    [
        (
            {**_KINDS_BY_ROW, "限额（万元）": [100.0, 50, 150], "余额（万元）": [90.0, 55, 145]},
            {**_KINDS_BY_ROW, "限额（万元）": [100.0, 50, 150], "余额（万元）": [90.0, 45, 135]},
        ),
        (
            {**_LIMITS_BY_ROW, "2024年（万元）": [100.0, 90, 50, 55]},
            {**_LIMITS_BY_ROW, "2024年（万元）": [100.0, 90, 50, 50]},
        ),
        (
            {**_LIMITS_BY_ROW, "2023年": [100.0, 90, 50, 45], "2024年": [100.0, 90, 50, 55]},
            {**_LIMITS_BY_ROW, "2023年": [100.0, 90, 50, 45], "2024年": [110.0, 105, 60, 55]},
        ),
        (
            {"项目": ["年末限额", "年末余额"], "一般债务": [100.0, 90], "专项债务": [50.0, 55]},
            {"项目": ["年末限额", "年末余额"], "一般债务": [100.0, 90], "专项债务": [50.0, 45]},
        ),
        (
            {**_KINDS_BY_ROW, "2024年限额": [100.0, 50, 150], "2024年末余额": [90.0, 55, 145]},
            # The limit of one year says nothing on the balance of another.
            {**_KINDS_BY_ROW, "2023年限额": [100.0, 50, 150], "2024年末余额": [90.0, 55, 145]},
        ),
    ],
)  # fmt: skip
def test_debt_above_its_limit_in_wide_tables(table: dict, within: dict) -> None:
    findings = fm.reconcile(pd.DataFrame(table), only=["debt_limit"])
    assert [(f.rule, f.stated, f.computed) for f in findings] == [("debt_limit", 55.0, 50.0)]
    assert "专项债务" in findings[0].explanation
    assert fm.reconcile(pd.DataFrame(within), only=["debt_limit"]) == []


def test_a_frame_with_a_column_twice_is_refused():
    frame = pd.DataFrame([[1, 2, 3]], columns=["甲", "甲", "合计"])
    with pytest.raises(InputError, match="column '甲' stands twice"):
        fm.reconcile(frame)
