"""Test settings: a derandomised sample by default, the full counts in a soak."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import matplotlib as mpl
import pytest
from hypothesis import HealthCheck, settings

mpl.use("Agg")
os.environ["FISCALMODEL_LANG"] = "en"  # messages are compared in English, words in both

SOAK = os.environ.get("FISCALMODEL_SOAK") == "1"
#: Files whose tests start processes, or solve many programmes.
LONG = ("test_cli", "test_run_", "test_clearance", "test_browser", "test_papers", "test_explain")
ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

_quiet = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
settings.register_profile(
    "ci",
    max_examples=40,
    derandomize=True,
    deadline=None,
    suppress_health_check=_quiet,
    database=None,
)
settings.register_profile(
    "soak", max_examples=10_000, deadline=None, suppress_health_check=_quiet, print_blob=True
)
settings.load_profile("soak" if SOAK else "ci")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests marked `soak` belong to `python3 run.py soak` and are deselected elsewhere."""
    if not SOAK:
        items[:] = [item for item in items if item.get_closest_marker("soak") is None]
    # Files of long tests first, so that no process is left with one of them at the end.
    items.sort(key=lambda item: not item.path.name.startswith(LONG))


@pytest.fixture(scope="module")
def warm_parent() -> Iterator[None]:
    """One parent of warm kernels for all reports that a file's tests make."""
    from fiscalmodel.kernels.parent import private_parent
    from fiscalmodel.run.engines import PRELOAD

    with private_parent(preload=PRELOAD):
        yield


@pytest.fixture(scope="session")
def project() -> Path:
    """The project's folder."""
    return ROOT


@pytest.fixture(scope="session")
def shared_facts() -> Path:
    """The published facts the data were made from; tests skip where they are absent."""
    folder = ROOT.parent / "shared" / "facts"
    if not folder.is_dir():
        pytest.skip("the collected facts are not beside the project")
    return folder
