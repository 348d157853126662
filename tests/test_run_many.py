"""Evaluations without notebooks: the tables hold what `fm.evaluate` says, also from processes."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd
import pytest

import fiscalmodel as fm
from fiscalmodel.run.job import Result
from fiscalmodel.run.many import Part, in_processes

pytest.importorskip("duckdb")
pytest.importorskip("pyarrow")


@pytest.fixture(scope="module")
def province(tmp_path_factory):
    folder = tmp_path_factory.mktemp("province")
    return fm.synthetic_province(folder, counties=4, scenarios=2, debt=True)


def test_tables_hold_the_outcomes_with_debt_plans(province, tmp_path: Path) -> None:
    done = fm.evaluate_many(province, out=tmp_path, workers=1)
    assert done.ok, done.failed
    for scenario in province:
        outcome = fm.evaluate(scenario)
        for name, frame in outcome.tables().items():
            stored = pd.read_parquet(tmp_path / f"{name}.parquet")
            mine = stored[stored["scenario_id"] == scenario.id]
            assert len(mine) == len(frame)
            for column in frame.select_dtypes("float"):
                pd.testing.assert_series_equal(
                    mine[column].reset_index(drop=True),
                    frame[column].reset_index(drop=True),
                    check_names=False,
                )
    assert "debt_schedule" in done.tables
    table = fm.ranking(tmp_path, year=2026)
    assert list(table["rank"]) == [1, 2, 3, 4]
    assert table["available_wan"].is_monotonic_decreasing
    assert set(fm.national_table(tmp_path)["counties"]) == {4}


def test_a_column_without_values_keeps_its_type(province, tmp_path: Path) -> None:
    outcomes = {scenario.id: fm.evaluate(scenario).tables() for scenario in province}
    none_short = [s for s in province if outcomes[s.id]["debt_shortfall"].empty]
    some_short = [s for s in province if s not in none_short]
    types = []
    for name, chosen in (("none", none_short), ("all", [*none_short, *some_short])):
        assert chosen
        fm.evaluate_many(chosen, out=tmp_path / name, workers=1)
        stored = pd.read_parquet(tmp_path / name / "debt_shortfall.parquet")
        types.append(stored.dtypes.astype(str).to_dict())
    assert types[0] == types[1]
    assert types[0]["amount_wan"] == "float64"
    assert types[0]["contract_id"] == "string"


def dies_once(part: Part) -> Result:
    """For a process: ends it the first time."""
    flag = Path(part.notebook)
    if not flag.exists():
        flag.touch()
        os._exit(9)
    return Result(part.id, "", "done", frames=({}, {}))


def dies_always(part: Part) -> Result:
    os._exit(9)


def test_a_process_that_dies_is_replaced(tmp_path: Path) -> None:
    parts = [Part(f"p{n}", (), str(tmp_path / f"{n}")) for n in range(2)]
    assert sorted(r.id for r in in_processes(parts, 2, dies_once) if r.ok) == ["p0", "p1"]
    assert [r.status for r in in_processes(parts, 2, dies_always)] == ["failed", "failed"]
