"""A county from nothing: where its data stand, its workbook, and what is not given."""

from __future__ import annotations

import shutil
from pathlib import Path

import openpyxl
import pytest

import fiscalmodel as fm
from fiscalmodel.errors import InputError


@pytest.fixture
def county(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of its own with the real parameters and data."""
    for name in ("params", "data"):
        shutil.copytree(project / name, tmp_path / name)
    monkeypatch.setenv("FISCALMODEL_PROJECT", str(tmp_path))
    return tmp_path


def write(county: Path, text: str, name: str = "sample_county/other.yaml") -> Path:
    file = county / "params" / "scenarios" / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def as_workbook(county: Path, **sheets: list[list[object]]) -> None:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(county / "data" / "book.xlsx")


def csv_rows(file: Path) -> list[list[object]]:
    return [line.split(",") for line in file.read_text(encoding="utf-8-sig").splitlines()]


PLACES = """extends: baseline.yaml
revenue: {series: {file: data/book.xlsx, sheet: 收入, row: 一般公共预算收入, unit: 亿元}}
balance:
  transfers_wan: {file: data/book.xlsx, sheet: 补助, column: 转移支付, unit: 万元}
debt:
  ledger: {file: data/book.xlsx, sheet: 债务台账}
  quotas: {file: data/book.xlsx, sheet: 置换额度, unit: 万元}
commissions: {receipts: {file: data/book.xlsx, sheet: 缴款}}
"""


def filled(county: Path) -> None:
    """The sample's own figures in one workbook."""
    revenue = fm.load_series("sample_county.general_public_budget_revenue").values
    transfers = fm.load_series("sample_county.transfers_general").values
    data, sample = county / "data", "synthetic_sample_county"
    as_workbook(
        county,
        收入=[["项目", *(f"{p}年" for p in revenue.index)],
              ["税收收入", *(1.0 for _ in revenue)],
              ["一般公共预算收入", *(v / 1e4 for v in revenue)]],
        补助=[["年度", "转移支付", "上级专项"],
              *([str(p), v, 1.0] for p, v in transfers.items())],
        债务台账=csv_rows(data / f"{sample}_debt_ledger.csv"),
        置换额度=csv_rows(data / f"{sample}_replacement_quotas.csv"),
        缴款=csv_rows(data / f"{sample}_receipts_2025.csv"),
    )  # fmt: skip


def test_a_scenario_points_anywhere(county: Path) -> None:
    filled(county)
    there = fm.load_scenario(write(county, PLACES))
    assert there.files["debt.ledger"] == county / "data" / "book.xlsx"
    assert there.places["balance.transfers_wan"].column == "转移支付"
    found = fm.evaluate(there)
    plain = fm.evaluate(fm.load_scenario(write(
        county, "extends: baseline.yaml\nrevenue: {like_for_like: false, allow_break: true}\n"
    )))  # fmt: skip
    assert found.commissions.equals(plain.commissions)
    assert found.balance["transfers_wan"].tolist() == plain.balance["transfers_wan"].tolist()
    past = [f.revenue["published_wan"].dropna().tolist() for f in (found, plain)]
    assert past[0] == pytest.approx(past[1])
    ledgers = [f.plan.opening_wan for f in (found, plain)]
    assert ledgers[0] == ledgers[1]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("debt: {ledger: {file: ../../etc/passwd}}", "leaves the folder"),
        ("debt: {ledger: {file: 'C:\\\\x.xlsx'}}", "not a relative path"),
        ("debt: {ledger: {file: data/none.xlsx}}", "debt.ledger: file data/none.xlsx not found"),
        ("debt: {ledger: {file: data/book.xlsx, shet: a}}", "did you mean 'sheet'"),
        ("debt: {ledger: {file: data/book.xlsx, row: a}}", "leave out row and column"),
        ("debt: {ledger: {sheet: a}}", "file: the key is missing"),
        ("revenue: {series: {file: data/book.xlsx, row: a, column: b}}", "row or column, not both"),
        ("revenue: {series: {file: data/book.xlsx, unit: 斤}}", "斤"),
    ],
)
def test_a_bad_place_is_refused_with_its_line(county: Path, text: str, said: str) -> None:
    filled(county)
    with pytest.raises(InputError) as caught:
        fm.load_scenario(write(county, f"extends: baseline.yaml\n{text}\n"))
    assert len(caught.value.problems) == 1
    assert said in str(caught.value)
    assert "other.yaml:2:" in str(caught.value)


def test_a_missing_sheet_or_row_names_what_there_is(county: Path) -> None:
    filled(county)
    bad = PLACES.replace("sheet: 收入", "sheet: 收人")
    with pytest.raises(InputError, match="收入"):
        fm.evaluate(fm.load_scenario(write(county, bad)))
    bad = PLACES.replace("row: 一般公共预算收入", "row: 一般公共预算收人")
    with pytest.raises(InputError, match="一般公共预算收入"):
        fm.evaluate(fm.load_scenario(write(county, bad)))


def test_a_changed_scenario_reads_the_changed_file(county: Path) -> None:
    filled(county)
    base = fm.load_scenario("params/scenarios/sample_county/baseline.yaml")
    moved = base.change({"debt.ledger": {"file": "data/book.xlsx", "sheet": "债务台账"}})
    assert moved.places["debt.ledger"].sheet == "债务台账"
    assert base.places["debt.ledger"].sheet is None
