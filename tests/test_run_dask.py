"""Dask: the same results as here, a worker killed in the middle, a scheduler that is not there."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from faults import faulty_notebooks as faulty

from fiscalmodel.errors import InputError
from fiscalmodel.kernels.parent import private_parent
from fiscalmodel.run import dask_engine
from fiscalmodel.run.batch import run_batch
from fiscalmodel.run.storage import MANIFEST

pytest.importorskip("distributed")
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="kills processes by signal")
JOBS, WORKERS = (200, 4) if os.environ.get("FISCALMODEL_SOAK") == "1" else (10, 2)


@pytest.fixture(scope="module", autouse=True)
def parent() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FISCALMODEL_PRELOAD", "json")
        with private_parent():
            yield


def dask_workers() -> list[psutil.Process]:
    me = psutil.Process()
    return [p for p in me.children(recursive=True) if p.name() == "python" and _is_worker(p)]


def _is_worker(process: psutil.Process) -> bool:
    try:
        return "spawn_main" in " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return False


def test_one_of_the_workers_killed_in_the_middle(tmp_path: Path) -> None:
    """Fault 7: all results, none twice, and a poison notebook does not fail its neighbours."""
    cells = ("import time, os; time.sleep(0.5)", "print(code)")
    notebooks = {"poison": faulty.FAULTS["segfault"], "work": faulty.Fault(cells)}
    plan = faulty.write_project(tmp_path / "project", notebooks)
    jobs: list[dict[str, object]] = [
        {"name": f"job{n:03d}", "notebook": "work", "parameters": {"code": f"{n:06d}"}}
        for n in range(JOBS)
    ]
    jobs.insert(3, {"name": "poison", "notebook": "poison"})
    faulty.write_plan(plan.parent, jobs)
    killed: list[int] = []

    def kill_one() -> None:
        manifest = tmp_path / "out" / MANIFEST
        for _ in range(6000):
            if manifest.exists() and len(manifest.read_text().splitlines()) >= 4:
                victim = dask_workers()[0]
                killed.append(victim.pid)
                os.kill(victim.pid, signal.SIGKILL)
                return
            time.sleep(0.05)

    killer = threading.Thread(target=kill_one)
    killer.start()
    result = run_batch(plan, out=tmp_path / "out", workers=WORKERS, dask=True, progress=False)
    killer.join()
    assert killed
    assert [r.id for r in result.failed] == ["poison"]
    assert len(result.of("done")) == JOBS
    records = [json.loads(x) for x in (tmp_path / "out" / MANIFEST).read_text().splitlines()]
    names = [r["job"] for r in records]
    assert len(names) == len(set(names)) == JOBS + 1
    for number in range(JOBS):
        text = (tmp_path / "out" / f"job{number:03d}.ipynb").read_text()
        printed = json.loads(text)["cells"][-1]["outputs"][0]["text"]
        assert "".join(printed).strip() == f"{number:06d}"
    assert not dask_workers()


def test_a_scheduler_that_is_restarted_into_object_storage(tmp_path: Path) -> None:
    """Separate processes, killed and started again on the same port; results in memory storage."""
    fsspec = pytest.importorskip("fsspec")
    cells = ("import time; time.sleep(0.5)", "print(code)")
    plan = faulty.write_project(tmp_path / "project", {"work": faulty.Fault(cells)})
    jobs: list[dict[str, object]] = [
        {"name": f"job{n}", "notebook": "work", "parameters": {"code": str(n)}} for n in range(8)
    ]
    faulty.write_plan(plan.parent, jobs)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"tcp://127.0.0.1:{port}"

    def start(*words: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "distributed.cli." + words[0], *words[1:]]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        return subprocess.Popen([*command, "--no-dashboard"], **quiet)  # type: ignore[arg-type]

    scheduler = ["dask_scheduler", "--host", "127.0.0.1", "--port", str(port)]
    running = [start(*scheduler)]
    running.append(start("dask_worker", address, "--nthreads", "1", "--no-nanny"))
    files = fsspec.filesystem("memory")

    def restart() -> None:
        for _ in range(6000):
            if len(files.glob("/dask-run/manifest/*")) >= 2:
                running[0].kill()
                running[0].wait()
                running.append(start(*scheduler))
                running.append(start("dask_worker", address, "--nthreads", "1", "--no-nanny"))
                return
            time.sleep(0.05)

    for _ in range(600):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            break
        time.sleep(0.1)
    killer = threading.Thread(target=restart)
    killer.start()
    try:
        result = run_batch(plan, out="memory://dask-run", scheduler=address, progress=False)
    finally:
        killer.join()
        for process in running:
            process.kill()
            process.wait()
    assert len(running) > 2
    assert result.ok, [str(r) for r in result.failed]
    records = [json.loads(files.cat(name)) for name in files.glob("/dask-run/manifest/*")]
    assert sorted(r["job"] for r in records if "job" in r) == [f"job{n}" for n in range(8)]


def test_a_scheduler_that_does_not_answer_is_bad_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dask_engine, "CONNECT_TIMEOUT", 1.0)
    plan = faulty.write_project(tmp_path / "project", {"a": faulty.HEALTHY})
    with pytest.raises(InputError, match="does not answer"):
        run_batch(plan, out=tmp_path / "out", scheduler="tcp://127.0.0.1:9", progress=False)
