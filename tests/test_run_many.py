"""Evaluations without notebooks: the tables hold what `fm.evaluate` says, also from processes."""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path

import pandas as pd
import pytest

import fiscalmodel as fm
from fiscalmodel.run import many
from fiscalmodel.run.engines import open_engine, run_with_retry
from fiscalmodel.run.many import LOSSES, packed, part_of

pytest.importorskip("pyarrow")
pytestmark = pytest.mark.usefixtures("warm_parent")


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


def test_tables_of_a_plan_are_kept_while_nothing_changed(project: Path, tmp_path: Path) -> None:
    for name in ("params", "data"):
        shutil.copytree(project / name, tmp_path / name)
    plan = tmp_path / "plan.yaml"
    plan.write_text("regions: [jianghan]\ntables: csv\n")
    made = [fm.run_batch(plan, out=tmp_path / "out", workers=1, progress=False) for _ in range(2)]
    assert [r.status for r in made[0].results] == ["done"] * 3
    assert [r.status for r in made[1].results] == ["unchanged"]
    assert made[0].tables == made[1].tables
    scenario = tmp_path / "params" / "scenarios" / "jianghan" / "optimistic.yaml"
    scenario.write_text(scenario.read_text("utf-8") + "seed: 7\n", "utf-8")
    again = fm.run_batch(plan, out=tmp_path / "out", workers=1, progress=False)
    assert [r.status for r in again.results] == ["done"] * 3


def test_kernels_give_what_this_process_gives(province, tmp_path: Path) -> None:
    """Also where a kernel dies with its part: another one gets it."""
    here = fm.evaluate_many(province, out=tmp_path / "here", workers=1)
    fm.evaluate_many(province, out=tmp_path / "kernels", workers=2)
    for file in here.tables.values():
        name = Path(file).name
        written = (tmp_path / "here" / name).read_bytes()
        assert (tmp_path / "kernels" / name).read_bytes() == written


class Dies:
    """A scenario that ends the process which unpacks it, the first time or always."""

    def __init__(self, scenario, flag: Path, always: bool) -> None:
        self.data, self.flag, self.always = pickle.dumps(scenario), str(flag), always

    def __reduce__(self):
        first = f"__import__('os').path.exists({self.flag!r})"
        end = f"open({self.flag!r}, 'w').close() or __import__('os')._exit(9)"
        text = f"loads(data) if {first} and {not self.always} else ({end})"
        return (eval, (text, {"loads": pickle.loads, "data": self.data}))


@pytest.mark.parametrize("always", [False, True])
def test_a_kernel_that_dies_is_replaced(province, tmp_path: Path, always: bool) -> None:
    job = part_of("p", packed([Dies(province[0], tmp_path / "flag", always)]))
    with open_engine(1) as engine:
        (result,) = run_with_retry(engine, [job], LOSSES)
    assert result.ok is not always
    assert result.attempts == (LOSSES + 1 if always else 2)
    assert always == ("exit code 9" in result.reason)


def test_what_notebooks_evaluated_is_not_evaluated_again_for_tables(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("params", "data", "notebooks"):
        shutil.copytree(project / name, tmp_path / name)
    plan = tmp_path / "plan.yaml"
    text = "regions: [jianghan]\nscenarios: [optimistic, baseline]\ntables: csv\n"
    plan.write_text(text)
    alone = fm.run_batch(plan, out=tmp_path / "alone", workers=1, progress=False)
    plan.write_text(f"{text}notebooks: [05_scenario_report]\noutputs: [notebook]\n")
    monkeypatch.setattr(many, "evaluate_part", None)
    done = fm.run_batch(plan, out=tmp_path / "out", workers=1, progress=False)
    assert done.ok, done.failed
    assert len(done.results) == 4
    assert sorted(done.tables) == sorted(alone.tables)
    for file in map(Path, alone.tables.values()):
        assert (tmp_path / "out" / "tables" / file.name).read_bytes() == file.read_bytes()
    assert not list((tmp_path / "out").rglob("*.pickle"))
