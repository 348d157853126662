"""The findings on the project's data, one by one, and `only` as a filter of them."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd
import pytest

import fiscalmodel as fm
from fiscalmodel.checks.reconcile import RULES

FILE = Path(__file__).parent / "files" / "findings_on_data.csv"
NUMBERS = ["stated", "computed", "difference"]
COLUMNS = ["rule", "severity", "where", *NUMBERS]


@pytest.fixture(scope="module")
def findings(project: Path):
    return fm.reconcile(project / "data")


def test_the_findings_are_those_that_were_worked_through(findings) -> None:
    """After a change that was meant: `findings.table[COLUMNS].to_csv(FILE, index=False)`."""
    kept = pd.read_csv(FILE, dtype=dict.fromkeys(NUMBERS, "float64"))
    made = findings.table[COLUMNS]
    order = ["rule", "where"]
    pd.testing.assert_frame_equal(
        made.sort_values(order, ignore_index=True), kept.sort_values(order, ignore_index=True)
    )


#: Every rule in the soak: each time, all of the data are read and checked again.
ALONE = RULES if os.environ.get("FISCALMODEL_SOAK") == "1" else list(RULES)[::7]


@pytest.mark.parametrize("rule", ALONE)
def test_one_rule_alone_finds_what_it_finds_among_all(findings, project: Path, rule: str) -> None:
    alone = fm.reconcile(project / "data", only=[rule])
    assert list(alone) == [f for f in findings if f.rule == rule]
