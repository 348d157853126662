"""Files that earlier versions wrote or took are read as before."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import fiscalmodel as fm
from fiscalmodel.series import templates

OLD = Path(__file__).parent / "files" / "old"
FIRST = OLD / "0.1.0"
SCENARIOS = sorted((FIRST / "scenarios").rglob("*.yaml"))


@pytest.fixture(scope="module")
def old_project(tmp_path_factory, project):
    """Today's data with the scenario files of the first version."""
    folder = tmp_path_factory.mktemp("old")
    shutil.copytree(project / "data", folder / "data")
    shutil.copytree(project / "params", folder / "params")
    shutil.rmtree(folder / "params" / "scenarios")
    shutil.copytree(FIRST / "scenarios", folder / "params" / "scenarios")
    return folder


@pytest.mark.parametrize("file", SCENARIOS, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_scenarios(old_project, monkeypatch, file):
    monkeypatch.setenv("FISCALMODEL_PROJECT", str(old_project))
    scenario = fm.load_scenario(
        old_project / "params" / "scenarios" / file.relative_to(FIRST / "scenarios")
    )
    assert scenario.name("zh")
    assert fm.evaluate(scenario).headline("zh")


@pytest.mark.parametrize(
    ("kind", "rows"),
    [("revenue", 7), ("monthly", 3), ("debt", 2), ("funding", 3), ("receipts", 2), ("budget", 1)],
)
def test_templates(kind, rows):
    assert len(templates.read(kind, FIRST / f"template_{kind}.xlsx")) == rows


def test_filled_templates_give_the_same_answers():
    fee = fm.commission(FIRST / "template_receipts.xlsx").table
    # 200 at 0.5 % and 1,234.56 at 0.2 %: 1.00 and 2.469… 元.
    assert sorted(fee["fee_fen"]) == [100, 247]
    ledger = fm.read_hidden_ledger(FIRST / "template_debt.xlsx")
    assert len(ledger.table) == 2
    assert fm.read_series(FIRST / "template_revenue.xlsx").values.iloc[-1] == 46900


def test_manifests():
    lines = (FIRST / "manifest.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line).get("status", "complete") for line in lines] == ["done", "complete"]
