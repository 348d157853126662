"""Other projects' example notebooks end alike on warm and on cold kernels.

``FISCALMODEL_EXAMPLES`` names a folder with the unpacked sources of papermill, nbclient
and nbval; without it the test is skipped:

    pip download --no-deps --no-binary :all: papermill nbclient nbval
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from faults import faulty_notebooks as faulty

from fiscalmodel.errors import InputError
from fiscalmodel.kernels.parent import private_parent

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="warm kernels are for Linux")
FOLDER = Path(os.environ.get("FISCALMODEL_EXAMPLES", "/nowhere"))
EXAMPLES = sorted(FOLDER.rglob("*.ipynb"))
#: What chance or the clock puts out.
BY_CHANCE = ("randomoutput", "Sleep1s", "Parallel Execute", "test_autosave")


@pytest.fixture(scope="module", autouse=True)
def parent() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FISCALMODEL_PRELOAD", "matplotlib.pyplot,pandas")
        with private_parent():
            yield


def ended(notebook: Path, kernel: str) -> tuple[str, ...]:
    """Status, cell, reason and outputs of a run, without what differs from run to run."""
    try:
        result = faulty.execute_notebook(notebook, timeout=20, kernel=kernel)
    except InputError as error:
        return ("refused", str(error))
    assert result.kernel == kernel or not result.ok
    cells = json.loads(result.text)["cells"] if result.ok else []
    outputs = json.dumps([cell.get("outputs") for cell in cells], ensure_ascii=False)
    if any(name in notebook.name for name in BY_CHANCE):
        outputs = str(len(outputs) > 2)
    said = (result.status, str(result.cell), result.reason, outputs)
    return tuple(re.sub(r"ipykernel_\d+/\d+|0x[0-9a-f]+|IPY_MODEL_\w+", "-", text) for text in said)


@pytest.mark.skipif(not EXAMPLES, reason="FISCALMODEL_EXAMPLES names no notebooks")
@pytest.mark.parametrize("notebook", EXAMPLES, ids=lambda path: path.name)
def test_warm_and_cold_end_alike(notebook: Path) -> None:
    assert ended(notebook, "warm") == ended(notebook, "cold")
