"""A template's example row is never taken for data once real rows stand below it."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest

import fiscalmodel as fm
from fiscalmodel.debt.plan_tables import read_rows
from fiscalmodel.series.templates import write_template


def with_second_row(path: Path, identity: str) -> Path:
    book = openpyxl.load_workbook(path)
    sheet = book.worksheets[0]
    for column in range(1, sheet.max_column + 1):
        sheet.cell(3, column, sheet.cell(2, column).value)
    sheet.cell(3, 1, identity)
    book.save(path)
    return path


def test_a_ledger_drops_the_example_and_keeps_its_line_numbers(tmp_path: Path) -> None:
    file = with_second_row(write_template("debt", tmp_path / "debt.xlsx"), "HD-001")
    table = read_rows(file, "ledger")
    assert [next(iter(row.values())) for row in table.rows] == ["HD-001"]
    assert "3" in table.where(0, table.columns[0])


def test_receipts_drop_the_example(tmp_path: Path) -> None:
    file = with_second_row(write_template("receipts", tmp_path / "receipts.xlsx"), "R1")
    both = fm.commission(file)
    alone = write_template("receipts", tmp_path / "alone.xlsx")
    assert both.table["base_fen"].sum() == fm.commission(alone).table["base_fen"].sum()


@pytest.mark.parametrize("name", ["series", "department_budget_2024", "performance"])
def test_commas_win_over_full_width_commas_in_texts(project: Path, name: str) -> None:
    table = fm.read_table(project / "data" / f"{name}.csv")
    header = (project / "data" / f"{name}.csv").read_text("utf-8").splitlines()[0]
    assert table.frame.shape[1] == header.count(",") + 1
