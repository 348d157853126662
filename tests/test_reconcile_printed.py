"""Printed tables: what is known decides, what stays open is no error."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import xlsxwriter
import yaml

import fiscalmodel as fm

CASES = yaml.safe_load(
    (Path(__file__).parent / "cases" / "reconcile_printed.yaml").read_text("utf-8")
)
REAL = Path(__file__).resolve().parents[2] / "shared" / "real"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_printed_tables(case: dict, tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text(case["csv"], "utf-8-sig")
    findings = fm.reconcile(path)
    found = [
        [f.rule, f.severity, f.cells[0].cell, f.stated, round(f.computed or 0, 4)] for f in findings
    ]
    assert sorted(found) == sorted(case["finds"])
    if "says" in case:
        assert case["says"] in findings[0].text("en")


def test_the_cells_format_gives_the_printed_digits(tmp_path: Path) -> None:
    """347 shown as 347.00 is known to two decimals: 348 above it is no rounding."""
    for form, expected in (("0.00", ["debt_limit"]), ("0", [])):
        path = tmp_path / f"{len(expected)}.xlsx"
        with xlsxwriter.Workbook(path) as book:
            sheet, shown = book.add_worksheet("债务"), book.add_format({"num_format": form})
            sheet.write_row(0, 0, ["地区", "一般债务限额（亿元）", "一般债务余额（亿元）"])
            for r, (name, limit, balance) in enumerate((("甲县", 347, 348), ("乙县", 90, 80)), 1):
                sheet.write(r, 0, name)
                sheet.write(r, 1, limit, shown)
                sheet.write(r, 2, balance, shown)
        assert [f.rule for f in fm.reconcile(path)] == expected


def test_small_frames_of_text_are_read() -> None:
    frame = pd.DataFrame({"项目": ["税收收入", "非税收入", "合计"], "金额": ["70", "30", "110"]})
    (finding,) = fm.reconcile(frame)
    assert (finding.rule, finding.stated, finding.computed) == ("sum_total", 110, 100)


def test_a_planned_value_is_no_break_of_the_calibre() -> None:
    rows = [("2018", "80.00", "亿元", "actual"), ("2019", "100.00", "亿元", "budget")]
    frame = pd.DataFrame(
        [("一般公共预算收入", *row, "nominal") for row in rows]
        + [("一般公共预算收入增速", "2019", "5.00", "%", "rate", "like-for-like")],
        columns=["indicator_zh", "year", "value", "unit", "kind", "calibre"],
    )
    assert [(f.rule, f.severity) for f in fm.reconcile(frame)] == [("growth", "warning")]


@pytest.mark.skipif(not REAL.is_dir(), reason="published workbooks are not kept here")
def test_published_workbooks() -> None:
    """Errors worked through by hand: 8 sums, 23 balances above their limit, nothing else."""
    found: list[tuple[str, float | None, float | None]] = []
    for path in sorted(REAL.iterdir()):
        tables = fm.read_workbook(path, strict=False)
        found += [
            (f.rule, f.stated, f.computed)
            for f in fm.reconcile(list(tables))
            if f.severity == "error"
        ]
    assert ("sum_total", 157359.51, 159459.51) in found
    assert ("sum_total", 1202.0, 784.0) in found
    assert {rule for rule, *_ in found} == {"sum_total", "debt_limit"}
    limits = [(stated, computed) for rule, stated, computed in found if rule == "debt_limit"]
    assert all(stated > computed for stated, computed in limits)  # type: ignore[operator]
    assert (len(found) - len(limits), len(limits)) == (8, 23)
