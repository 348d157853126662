"""The long run: 500 notebooks, a tenth of them faulty, a kernel killed every 20 seconds."""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil
import pytest
from faults import faulty_notebooks as faulty

from fiscalmodel.run.batch import run_batch
from fiscalmodel.run.storage import MANIFEST

pytestmark = [
    pytest.mark.soak,
    pytest.mark.skipif(sys.platform != "linux", reason="kills processes by signal"),
]
COUNT = int(os.environ.get("FISCALMODEL_SOAK_NOTEBOOKS", "500"))
FAULTY = ("os_exit", "segfault", "sys_exit", "exception", "sleep", "out_of_memory",
          "grandchild_and_crash", "hang_in_c", "many_short_cells", "input")  # fmt: skip
SEVEN_CELLS = (
    "import numpy as np, pandas as pd, matplotlib.pyplot as plt",
    "from statsmodels.tsa.exponential_smoothing.ets import ETSModel",
    "y = pd.Series(np.arange(1, 40) ** 1.1 + np.sin(np.arange(39)))\n"
    "fit = ETSModel(y, error='add', trend='add').fit(disp=False)",
    "plt.plot(y); plt.show()",
    "plt.plot(fit.fittedvalues); plt.show()",
    "fit.forecast(5).round(3).to_frame()",
    "print('number', code)",
)


def census() -> dict[str, int]:
    """Processes below this one, its open files, its temporary files."""
    own = [n for n in os.listdir(tempfile.gettempdir()) if n.startswith(("fm-", "k-"))]
    return {
        "processes": len(psutil.Process().children(recursive=True)),
        "descriptors": len(os.listdir("/proc/self/fd")),
        "temporary": len(own),
    }


def test_the_long_run_ends_with_the_right_list(tmp_path: Path) -> None:
    names = {name: faulty.FAULTS[name] for name in FAULTY}
    plan = faulty.write_project(tmp_path / "project", {**names, "good": faulty.Fault(SEVEN_CELLS)})
    jobs: list[dict[str, object]] = []
    for number in range(COUNT):
        bad = FAULTY[number // 10 % len(FAULTY)] if number % 10 == 7 else ""
        fault = faulty.FAULTS.get(bad)
        job = {"name": f"{number:04d}{bad}", "notebook": bad or "good"}
        job["parameters"] = {"code": f"{number:06d}"}
        if fault is not None:
            job |= {"timeout": fault.timeout} | ({"memory": fault.memory} if fault.memory else {})
        jobs.append(job)
    faulty.write_plan(plan.parent, jobs)
    before = census()
    stop, killed = threading.Event(), []

    def killer() -> None:
        while not stop.wait(20.0):
            for process in psutil.process_iter(["name"]):
                if process.info["name"] == "fm-kernel":
                    killed.append(process.pid)
                    os.kill(process.pid, signal.SIGKILL)
                    break

    thread = threading.Thread(target=killer)
    thread.start()
    result = run_batch(plan, out=tmp_path / "out", retry=2, progress=False)
    stop.set()
    thread.join()
    expected = {str(job["name"]) for job in jobs if job["notebook"] != "good"}
    assert {r.id for r in result.failed} == expected
    assert len(result.of("done")) == COUNT - len(expected)
    # The last attempt of a faulty notebook may be one of those that were killed from outside.
    other = [f for f in result.failed if faulty.FAULTS[f.id[4:]].reason not in f.reason]
    assert all("killed by SIGKILL" in failed.reason for failed in other), list(map(str, other))
    assert len(other) <= len(killed)
    records = [json.loads(x) for x in (tmp_path / "out" / MANIFEST).read_text().splitlines()]
    assert sorted(r["job"] for r in records) == sorted(str(job["name"]) for job in jobs)
    assert killed
    assert census() == before
    print(f"{COUNT} notebooks, {len(killed)} kernels killed, {result.seconds:.0f} s")


def test_the_second_call_of_500_takes_under_two_seconds(tmp_path: Path) -> None:
    plan = faulty.write_project(tmp_path / "project", {"good": faulty.HEALTHY})
    jobs: list[dict[str, object]] = [
        {"name": f"{n:04d}", "notebook": "good", "parameters": {"code": f"{n:06d}"}}
        for n in range(COUNT)
    ]
    faulty.write_plan(plan.parent, jobs)
    assert run_batch(plan, out=tmp_path / "out", progress=False).ok
    begun = time.perf_counter()
    again = run_batch(plan, out=tmp_path / "out", progress=False)
    print(f"second call: {time.perf_counter() - begun:.2f} s")
    assert len(again.of("unchanged")) == COUNT
