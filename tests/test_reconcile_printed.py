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


def accounts(*rows: tuple[str, str, str, str, float]) -> pd.DataFrame:
    """Budget, level, version, line and amount of a long list of accounts."""
    names = ["budget_scope", "level", "version", "indicator_zh", "value"]
    frame = pd.DataFrame(rows, columns=names)
    return frame.assign(region="云溪县", period="2025", kind="actual", unit="万元", doc_id="d",
                        source="预算，表一，单元格B5")  # fmt: skip


def test_levels_versions_and_budgets_of_a_list_are_kept_apart() -> None:
    rows = [
        ("一般公共预算", level, version, name, amount)
        for level, factor in (("whole", 3), ("own", 1))
        for version, more in (("initial_budget", 0), ("execution", 5))
        for name, amount in (("税收收入", 70 * factor + more), ("非税收入", 30 * factor),
                             ("收入合计", 100 * factor + more))
    ]  # fmt: skip
    fund = [("政府性基金", "own", "execution", "收入合计", 44)]
    assert not fm.reconcile(accounts(*rows, *fund))
    twice = fm.reconcile(accounts(*rows, ("一般公共预算", "own", "execution", "税收收入", 71)))
    assert [(f.rule, f.stated, f.computed) for f in twice] == [("duplicate", 75.0, 71.0)]


def test_one_line_may_stand_under_every_heading_of_a_list() -> None:
    rows = [
        ("社会保险基金", "own", "execution", name, amount)
        for name, amount in (
            ("一、养老保险基金收入", 90), ("其中：保险费收入", 60), ("利息收入", 3),
            ("二、医疗保险基金收入", 70), ("其中：保险费收入", 50), ("利息收入", 2),
        )
    ]  # fmt: skip
    assert not fm.reconcile(accounts(*rows))
    assert [f.rule for f in fm.reconcile(accounts(*rows, rows[-1]))] == ["duplicate"]


def test_the_four_budgets_of_a_printed_list_balance_alone(tmp_path: Path) -> None:
    def checked(last: int) -> list[tuple[float | None, float | None]]:
        lines = ["budget,year,item,amount_wan"]
        for budget, amounts in (("一般公共预算", (50, 20, 70)), ("政府性基金", (950, 920, last))):
            for name, amount in zip(("收入", "上级补助收入", "收入总计"), amounts, strict=True):
                lines.append(f"{budget},2025,{name},{amount}")
        (tmp_path / "list.csv").write_text("\n".join(lines), "utf-8")
        return [(f.stated, f.computed) for f in fm.reconcile(tmp_path / "list.csv")]

    assert checked(1870) == []
    assert checked(1780) == [(1780.0, 1870.0)]


def test_one_line_in_two_years_is_no_doubled_row() -> None:
    rows = [
        ("上年结余", "2027", 40111),
        ("上年结余", "2028", 40111),
        ("调入资金", "2028", 5),
        ("上解支出", "2028", 7),
    ]
    frame = pd.DataFrame(rows, columns=["item", "year", "amount_wan"])
    assert not fm.reconcile(frame)
    assert [f.rule for f in fm.reconcile(frame.assign(year="2027"))] == ["doubled_row"]


def test_a_balance_above_its_limit_in_a_table_by_year():
    frame = pd.DataFrame({
        "年度": ["2023年", "2024年"], "一般债务限额": [12.5, 13.1], "专项债务限额": [8.2, 9.6],
        "一般债务余额": [12.3, 12.9], "专项债务余额": [8.05, 9.66],
    })  # fmt: skip
    (finding,) = fm.reconcile(frame)
    assert (finding.rule, finding.stated, finding.computed) == ("debt_limit", 9.66, 9.6)
