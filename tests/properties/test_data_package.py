"""Damaged copies of the data end in one clear error, never in a traceback."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import fiscalmodel as fm
from fiscalmodel.errors import InputError
from fiscalmodel.series import catalog

COUNT = 5_000 if os.environ.get("FISCALMODEL_SOAK") == "1" else 200
TABLES = ("series", "rates", "limits", "county_balances")
SPLINTERS = (b'"', b"\n", b",", b"\x00", b"\r", b"nan", b"inf", b"-", b"9" * 400, b"\xff")


def damaged(rng: random.Random, whole: bytes) -> bytes:
    raw = bytearray(whole)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(raw))
        if rng.random() < 0.4:
            del raw[at : at + rng.randint(1, 40)]
        else:
            raw[at:at] = rng.choice((*SPLINTERS, bytes([rng.randrange(256)])))
    return bytes(raw)


def survives(call: Callable[[], object]) -> bool:
    try:
        call()
    except InputError:
        return False
    return True


def test_damaged_copies(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "data"
    shutil.copytree(project / "data", folder)
    (tmp_path / "params").mkdir()
    monkeypatch.setenv("FISCALMODEL_PROJECT", str(tmp_path))
    rng = random.Random(20251231)
    refused = 0
    for _ in range(COUNT):
        name = rng.choice((*TABLES, "datapackage"))
        file = folder / (f"{name}.json" if name == "datapackage" else f"{name}.csv")
        whole = file.read_bytes()
        file.write_bytes(damaged(rng, whole))
        table = "series" if name == "datapackage" else name
        fine = survives(lambda table=table: catalog.read(table))  # type: ignore[misc]
        survives(lambda: fm.load_series("jianghan.general_public_budget_revenue"))
        refused += not fine
        file.write_bytes(whole)
    assert refused > COUNT / 4
    assert len(catalog.read("series")) == 44
