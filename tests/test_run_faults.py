"""Faults 1 to 5 and 14, injected in one batch: it ends, the healthy succeed, each is named."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from faults import faulty_notebooks as faulty

from fiscalmodel.kernels.parent import private_parent
from fiscalmodel.run.batch import run_batch
from fiscalmodel.run.results import Results
from fiscalmodel.run.storage import MANIFEST

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="warm kernels are for Linux")

HEALTHY = [f"healthy_{number}" for number in range(4)]


def leftovers(grace: float = 5.0) -> list[str]:
    """Processes of a batch or of its notebooks that still run a moment after its end."""
    until = time.monotonic() + grace
    while (found := _running()) and time.monotonic() < until:
        time.sleep(0.1)  # a supervisor ends just after the kernel that it saw die
    return found


def _running() -> list[str]:
    found = []
    folder = Path(os.environ["FISCALMODEL_KERNEL_DIR"])
    parents = {int(path.read_text()) for path in folder.glob("*.pid")}
    for process in psutil.process_iter(["cmdline", "environ"]):
        command = " ".join(process.info["cmdline"] or ())
        private = (process.info["environ"] or {}).get("FISCALMODEL_KERNEL_DIR", "")
        # A parent of this session may stay; a worker, a kernel and what it started may not.
        kernel = "fiscalmodel.kernels" in command and process.pid not in parents
        if str(faulty.FOREVER) in command or (kernel and private == str(folder)):
            found.append(f"{process.pid} {command}")
    return found


@pytest.fixture(scope="module", autouse=True)
def parent() -> Iterator[None]:
    """One warm parent for all batches here, with little to import."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FISCALMODEL_PRELOAD", "pandas,matplotlib.pyplot")
        with private_parent():
            yield


@pytest.fixture(scope="module")
def batch(tmp_path_factory: pytest.TempPathFactory) -> tuple[Results, Path]:
    folder = tmp_path_factory.mktemp("faults")
    notebooks = dict(faulty.FAULTS)
    for position, name in enumerate(HEALTHY):  # between the faulty ones
        items = list(notebooks.items())
        items.insert(position * 7 + 3, (name, faulty.HEALTHY))
        notebooks = dict(items)
    plan = faulty.write_project(folder / "project", notebooks)
    result = run_batch(plan, out=folder / "out", workers=6, progress=False)
    return result, folder


@pytest.mark.parametrize("name", [*faulty.FAULTS, *HEALTHY])
def test_each_notebook_ends_as_it_must(batch: tuple[Results, Path], name: str) -> None:
    fault = faulty.FAULTS.get(name, faulty.HEALTHY)
    result = next(r for r in batch[0].results if r.id == name)
    output = batch[1] / "out" / f"{name}.ipynb"
    if not fault.reason:
        assert result.status == ("capped" if name.startswith("output_") else "done"), str(result)
        assert output.is_file()
        return
    assert result.status == "failed"
    assert fault.reason in result.reason
    assert result.notebook == f"notebooks/{name}.ipynb"
    if fault.cell is not None:
        assert result.cell == fault.cell
        assert result.source == fault.cells[0].splitlines()[0]
    assert not output.exists()


def test_the_kernels_were_warm(batch: tuple[Results, Path]) -> None:
    assert {result.kernel for result in batch[0].results} == {"warm"}


@pytest.mark.parametrize("name", [n for n in faulty.FAULTS if n.startswith("output_")])
def test_output_is_cut_and_that_is_said(batch: tuple[Results, Path], name: str) -> None:
    result = next(r for r in batch[0].results if r.id == name)
    text = (batch[1] / "out" / f"{name}.ipynb").read_text()
    assert len(text) < 14_000_000
    assert "output cut here" in text
    assert "the end" in text or name == "output_many_displays"
    assert "output was cut" in " ".join(result.notes)


def test_nothing_is_left_running_and_no_file_half_written(batch: tuple[Results, Path]) -> None:
    assert leftovers() == []
    names = {path.name for path in (batch[1] / "out").iterdir()}
    done = {f"{r.id}.ipynb" for r in batch[0].results if r.ok}
    assert names == {*done, MANIFEST}


def test_a_second_call_runs_only_what_failed(tmp_path: Path) -> None:
    """Fault 8: a dead or timed-out notebook is never taken for a success."""
    names = ("os_exit", "sleep", "sys_exit_zero", "segfault")
    notebooks = {n: faulty.FAULTS[n] for n in names} | {"healthy": faulty.HEALTHY}
    plan = faulty.write_project(tmp_path / "project", notebooks)
    first = run_batch(plan, out=tmp_path / "out", workers=4, progress=False)
    again = run_batch(plan, out=tmp_path / "out", workers=4, progress=False)
    for result in (first, again):
        assert sorted(r.id for r in result.failed) == sorted(names)
    assert [r.id for r in again.of("unchanged")] == ["healthy"]
    lines = (tmp_path / "out" / MANIFEST).read_text().splitlines()
    recorded = [(r["job"], r["status"]) for r in map(json.loads, lines)]
    assert sorted(recorded) == sorted([*((n, "failed") for n in names * 2), ("healthy", "done")])


def test_no_state_goes_from_one_notebook_to_the_next(tmp_path: Path) -> None:
    """Fault 5: ten probes; and two forks of one parent do not draw the same numbers."""
    project = tmp_path / "project"
    for name, code in (("set", faulty.PROBE_SET), ("read", faulty.PROBE_READ)):
        faulty.write_notebook(project / "notebooks" / f"{name}.ipynb", code)
    (project / "params").mkdir()
    (project / "data").mkdir()
    names = ["set", "read", "set2", "read2"]
    jobs = [{"name": n, "notebook": n.removesuffix("2")} for n in names]
    plan = faulty.write_plan(project, jobs)
    result = run_batch(plan, out=tmp_path / "out", workers=1, progress=False)
    assert result.ok, [str(r) for r in result.failed]
    drawn = set()
    for name in ("read", "read2"):
        cells = json.loads((tmp_path / "out" / f"{name}.ipynb").read_text())["cells"]
        probes, numbers = "".join(cells[-1]["outputs"][0]["text"]).splitlines()
        assert not any(json.loads(probes).values()), probes
        drawn.add(numbers)
    assert len(drawn) == 2


def test_descriptors_of_this_process_are_flat(tmp_path: Path) -> None:
    """Fault 6, a small count; the soak does 500."""
    plan = faulty.write_project(tmp_path / "project", {"a": faulty.HEALTHY, "b": faulty.HEALTHY})
    counts = []
    for number in range(3):
        run_batch(plan, out=tmp_path / f"out{number}", workers=2, progress=False)
        counts.append(len(os.listdir("/proc/self/fd")))
    assert counts[2] <= counts[0] + 1
    assert leftovers() == []
