"""What is read of a file is made once for its content, and nobody changes it for the next one."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

import pytest

import fiscalmodel as fm
from fiscalmodel.series.assembly import read_series
from fiscalmodel.series.catalog import load_series
from fiscalmodel.tables import files, records

TABLE = "contract_id,principal_wan,rate_pct\nA,{},4.5\nB,many,5\n"


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Files whose cells were parsed, in order."""
    seen: list[str] = []
    plain = files.load

    def load(path: str | Path) -> list[files.Grid]:
        seen.append(Path(path).name)
        return plain(path)

    monkeypatch.setattr(records, "load", load)
    return seen


def test_a_table_is_parsed_once_for_its_content(tmp_path: Path, parsed: list[str]) -> None:
    file = tmp_path / "once.csv"
    file.write_text(TABLE.format(100))
    first = records.read_records(file, name="ledger")
    assert first.rows[0].wan("principal_wan") == 100.0
    first.rows[0].cells["principal_wan"] = "7"
    first.rows[1].wan("principal_wan")  # "many" is reported to this reader alone
    second = records.read_records(file, name="ledger")
    assert second.rows[0].wan("principal_wan") == 100.0
    assert [len(first.found.problems), len(second.found.problems)] == [1, 0]
    assert second.rows[0].table is second
    assert parsed == ["once.csv"]
    # The same size at the same time, another content: it is read anew.
    file.write_text(TABLE.format(200))
    assert records.read_records(file, name="ledger").rows[0].wan("principal_wan") == 200.0
    # Other columns and units are another reading.
    yuan = records.read_records({"file": file, "unit": "元"}, name="x", columns=["contract_id"])
    assert yuan.columns == ("contract_id",)
    assert parsed == ["once.csv"] * 3


def test_a_file_that_cannot_be_read_is_said_each_time(tmp_path: Path) -> None:
    file = tmp_path / "none.csv"
    for _ in range(2):
        with pytest.raises(fm.InputError, match=r"none\.csv"):
            records.read_records(file, name="x")
    file.write_text(TABLE.format(1))
    assert len(records.read_records(file, name="x")) == 2


def test_a_series_may_be_written_over(tmp_path: Path) -> None:
    file = tmp_path / "series.csv"
    file.write_text("年份,一般公共预算收入（万元）\n2023,10\n2024,12\n")
    name = "jianghan.general_public_budget_revenue"
    for read in (lambda: read_series(file), lambda: load_series(name)):
        first, before = read(), read().values.copy()
        first.values.iloc[:] = 0.0
        assert read().values.equals(before)


def test_evaluations_of_variations_read_no_table_again(parsed: list[str]) -> None:
    case = fm.load_scenario("params/scenarios/sample_county/baseline.yaml")
    fm.evaluate(case)
    count = len(parsed)
    for pct in (-5.0, -10.0):
        fm.evaluate(case.change({"debt.quota_shock_pct": pct}))
    assert len(parsed) == count


def test_tables_of_parts_that_are_not_wanted_are_not_read(
    parsed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "_made", OrderedDict())
    case = fm.load_scenario("params/scenarios/sample_county/baseline.yaml")
    parsed.clear()
    fm.evaluate(case, until="debt")
    assert "synthetic_sample_county_debt_ledger.csv" in parsed
    assert not [name for name in parsed if "receipts" in name or "cash" in name]
