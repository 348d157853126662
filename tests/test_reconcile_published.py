"""The published figures: every finding of the hand-made list, nothing beside it."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest
import yaml

import fiscalmodel as fm
from fiscalmodel.findings import SEVERITIES, Finding

CASES = yaml.safe_load(
    (Path(__file__).parent / "cases" / "reconcile_published.yaml").read_text("utf-8")
)


def first_id(finding: Finding) -> str:
    """The fact_id of the cell that states the figure."""
    found = re.search(r"\(id ([^)]+)\)", finding.where)
    assert found, finding.where
    return found[1]


@pytest.fixture(scope="module")
def findings(project: Path) -> list[Finding]:
    return fm.reconcile(project / "data")


@pytest.mark.parametrize("case", CASES["does_not_tie"], ids=lambda case: case["name"])
def test_what_does_not_tie_is_found(case: dict, findings: list[Finding]) -> None:
    hits = [f for f in findings if (f.rule, first_id(f)) == (case["rule"], case["cell"])]
    assert len(hits) == 1
    assert hits[0].severity == case["severity"]
    if "stated" in case:
        assert hits[0].stated == case["stated"]
        assert hits[0].computed == pytest.approx(case["computed"], abs=0.005)
        assert hits[0].difference == pytest.approx(case["stated"] - case["computed"], abs=0.005)
    assert hits[0].explanation
    assert hits[0].said.zh


@pytest.mark.parametrize("case", CASES["ties"], ids=lambda case: case["cell"])
def test_what_ties_is_silent(case: dict, findings: list[Finding]) -> None:
    assert case["cell"] not in {first_id(f) for f in findings}


def test_nothing_is_found_beside_the_list(findings: list[Finding]) -> None:
    known = {(case["rule"], case["cell"]) for case in CASES["does_not_tie"]}
    assert {(f.rule, first_id(f)) for f in findings} - known == set()


def test_the_gravest_come_first(findings: list[Finding]) -> None:
    order = [SEVERITIES.index(f.severity) for f in findings]
    assert order == sorted(order)


def test_the_same_input_gives_the_same_list(findings: list[Finding], project: Path) -> None:
    assert fm.reconcile(project / "data") == findings
    assert fm.reconcile() == findings


def test_the_collected_facts_give_the_same_findings(
    shared_facts: Path, findings: list[Finding]
) -> None:
    """The facts as collected, in their own columns, and the project's files agree."""
    facts = fm.reconcile(shared_facts / "seed_facts.csv")
    expected = {
        (f.rule, first_id(f).lstrip("F0"), f.stated, f.computed)
        for f in findings
        if re.match(r"F\d", first_id(f)) and f.rule != "no_number"
    }
    found = {(f.rule, first_id(f), f.stated, f.computed) for f in facts if f.rule != "no_number"}
    assert found == expected
    counties = fm.reconcile(shared_facts / "real_counties.csv")
    assert {(f.rule, f.stated, f.computed) for f in counties} == {
        ("open_balance", 60473, 52587),
        ("refinancing", 37200, 7100),
    }


def test_frame_and_file_agree(project: Path) -> None:
    path = project / "data" / "yuanling_2024_debt.csv"
    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    frame.attrs["name"] = path.name
    assert fm.reconcile(frame) == fm.reconcile(path) == fm.reconcile([path])


@pytest.mark.parametrize(
    ("file", "cell", "printed", "rule"),
    [
        ("department_budget_2024.csv", "F112", "149.47", "sum_total"),
        ("department_budget_2024.csv", "F104", "205.28", "sum_total"),
        ("department_budget_2024.csv", "F140", "300.00", "sum_total"),
        ("department_budget_2024.csv", "F299", "27000", "sum_total"),
        ("department_budget_2024.csv", "F164", "2061.76", "sum_total"),
        ("department_budget_2024.csv", "F271", "84", "components"),
        ("department_budget_2024.csv", "F118", "25.96", "change"),
        ("department_budget_2024.csv", "F227", "27.2", "adjustment"),
        ("rates.csv", "F009", "3.38", "calibre_break"),
        ("rates.csv", "F026", "16.67", "growth"),
        ("rates.csv", "F099", "85.64", "share"),
        ("rates.csv", "F237", "96.92", "execution_rate"),
        ("performance.csv", "F326", "15", "weights"),
        ("county_balances.csv", "R003", "4959", "sum_total"),
        ("yuanling_2024_debt.csv", "R028", "347402", "debt_limit"),
        ("lintao_2024_sharing.csv", "R040", "1731", "sum_total"),
        ("national_monthly.csv", "N202306_tax", "96661", "sum_total"),
        ("national_monthly_growth.csv", "N202406_pub_g", "2.8", "growth"),
    ],
)
def test_one_changed_digit_is_found(
    frames: dict[str, pd.DataFrame],
    untouched: set[tuple],
    file: str,
    cell: str,
    printed: str,
    rule: str,
) -> None:
    """A slip in a cell that a rule covers shows up under that rule, with the cell named."""
    frame = frames[file].copy()
    frame.attrs["name"] = file
    row = frame.index[frame["fact_id"] == cell]
    assert len(row) == 1
    columns = ["weight"] if rule == "weights" else ["printed", "value"]
    frame.loc[row, columns] = printed
    after = fm.reconcile([*(f for name, f in frames.items() if name != file), frame])
    new = {key(f) for f in after} - untouched
    assert any(name == rule and f"(id {cell})" in where for name, where, *_ in new)


def key(finding: Finding) -> tuple:
    return finding.rule, finding.where, finding.stated, finding.computed


@pytest.fixture(scope="module")
def frames(project: Path) -> dict[str, pd.DataFrame]:
    """The project's long tables by file."""
    found = {}
    for path in sorted((project / "data").glob("*.csv")):
        frame = pd.read_csv(path, dtype=str, keep_default_na=False)
        if "fact_id" in frame:
            frame.attrs["name"] = path.name
            found[path.name] = frame
    return found


@pytest.fixture(scope="module")
def untouched(frames: dict[str, pd.DataFrame]) -> set[tuple]:
    return {key(f) for f in fm.reconcile(frames.values())}
