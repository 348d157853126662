"""Mutated files: harmless ones load with the same values, harmful ones never pass unseen."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest
from mutate import HARMFUL, HARMLESS, LINTAO, Mutation, mutation

import fiscalmodel as fm
from fiscalmodel.tables.readers import read_table

COUNT = 10_000 if os.environ.get("FISCALMODEL_SOAK") == "1" else 400
#: Problems and findings that a mutation of this kind must name a place for.
PLACE = ("表.csv", "表.xlsx")


def outcome(case: Mutation, folder: Path) -> str:
    """same, changed, refused, found, said, unseen or nameless; all else is raised."""
    path = folder / case.file
    path.write_bytes(case.data)
    try:
        table = read_table(path)
        values = {
            (label, column): None if value != value else value
            for column in table.numbers
            for label, value in zip(table.labels, table.frame[column], strict=True)
        }
    except fm.InputError as error:
        return "refused" if any(name in str(error) for name in PLACE) else "nameless"
    if case.harmless:
        same = values == case.original.values() and table.unit == case.original.unit
        return "same" if same else "changed"
    if any("is blank" in note for note in table.notes):
        return "said"
    return "found" if fm.reconcile(table) else "unseen"


def test_the_untouched_tables_tie() -> None:
    for number in range(40):
        case = mutation(number)
        folder_free = {k: v for k, v in case.original.values().items() if v is not None}
        assert folder_free
    assert len(HARMLESS) >= 8
    assert len(HARMFUL) >= 10


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Counter[str]]:
    folder = tmp_path_factory.mktemp("mutations")
    found: dict[str, Counter[str]] = {}
    for number in range(COUNT):
        case = mutation(number)
        found.setdefault(case.kind, Counter())[outcome(case, folder)] += 1
    return found


def test_harmless_mutations_load_with_the_same_values(
    outcomes: dict[str, Counter[str]],
) -> None:
    total = sum((outcomes[kind] for kind in HARMLESS if kind in outcomes), Counter())
    assert total["same"] >= 0.98 * total.total(), {k: dict(outcomes[k]) for k in HARMLESS}


def test_harmful_mutations_are_refused_or_found(outcomes: dict[str, Counter[str]]) -> None:
    passed = {
        kind: dict(outcomes[kind])
        for kind in HARMFUL
        if set(outcomes.get(kind, ())) - {"refused", "found", "said"}
    }
    assert not passed


def test_an_untouched_table_has_no_finding(tmp_path: Path) -> None:
    file, data = LINTAO.write()
    (tmp_path / file).write_bytes(data)
    assert fm.reconcile(read_table(tmp_path / file)) == []
