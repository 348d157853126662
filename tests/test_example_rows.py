"""A template's example row is never taken for data once real rows stand below it."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest

import fiscalmodel as fm
from fiscalmodel.series.templates import write_template
from fiscalmodel.tables.records import read_records


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
    table = read_records(file, name="ledger")
    assert [next(iter(row.cells.values())) for row in table] == ["HD-001"]
    assert "3" in table.rows[0].where(table.columns[0])


def test_receipts_drop_the_example(tmp_path: Path) -> None:
    file = with_second_row(write_template("receipts", tmp_path / "receipts.xlsx"), "R1")
    assert fm.commission(file).table["base_fen"].sum() == 20_000


def test_receipts_in_csv_drop_the_example_and_keep_their_line_numbers(tmp_path: Path) -> None:
    file = tmp_path / "receipts.csv"
    head = "receipt_id,bank,kind,account,paid_in,amount\n示例-0001,甲,fines,treasury,2025-01-02,9\n"
    file.write_text(head, "utf-8")
    with pytest.raises(fm.InputError, match="only the example row is filled in"):
        fm.commission(file)
    file.write_text(head + "R1,甲,fines,treasury,2025-01-03,200\n", "utf-8")
    assert fm.commission(file).table["base_fen"].sum() == 20_000
    file.write_text(head + "R1,甲,fines,treasury,2025-01-03,x\n", "utf-8")
    with pytest.raises(fm.InputError, match=r"receipts\.csv:3, amount"):
        fm.commission(file)


def test_a_refund_before_its_receipt_is_a_problem() -> None:
    line = {"bank": "甲", "kind": "fines", "account": "treasury"}
    rows = [
        {"receipt_id": "R1", **line, "paid_in": "2025-03-02", "amount": 200, "refund_of": None},
        {"receipt_id": "R2", **line, "paid_in": "2025-03-01", "amount": -50, "refund_of": "R1"},
    ]
    with pytest.raises(fm.InputError, match="dated before its receipt"):
        fm.commission(rows)
    rows[1]["paid_in"] = "2025-03-03"
    assert fm.commission(rows).table["base_fen"].sum() == 15_000
    with pytest.raises(fm.InputError, match="after as_of 2025-03-02"):
        fm.commission(rows, as_of="2025-03-02")


@pytest.mark.parametrize("name", ["series", "department_budget_2024", "performance"])
def test_commas_win_over_full_width_commas_in_texts(project: Path, name: str) -> None:
    table = fm.read_table(project / "data" / f"{name}.csv")
    header = (project / "data" / f"{name}.csv").read_text("utf-8").splitlines()[0]
    assert table.frame.shape[1] == header.count(",") + 1


def test_an_untouched_ledger_template_is_refused(tmp_path: Path) -> None:
    file = write_template("debt", tmp_path / "debt.xlsx")
    with pytest.raises(fm.InputError, match="only the example row"):
        read_records(file, name="ledger").done()
