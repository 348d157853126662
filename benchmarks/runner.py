"""Reports per second of the suite's own scenario report, against papermill, in one run.

    python benchmarks/runner.py [--notebooks 40] [--peer 6] [--rounds 2] [--no-dask]

The modes take turns, in rounds, so that what else the machine does meets all of them. Every mode
runs ``notebooks/05_scenario_report.ipynb``; ours write the page and the workbook of the scenario
too, papermill the notebook alone. The limit is its cells alone, in as many processes as there are
processors, after one warm-up. Memory is the largest of any kernel while it runs: its own pages
(USS), and with its share of those that it has from its parent (PSS), which grows for the last
kernels, that share with fewer.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from fiscalmodel.paths import project_root
from fiscalmodel.run.engines import open_engine
from fiscalmodel.run.job import Job
from fiscalmodel.run.parameters import read_notebook
from fiscalmodel.run.plan import REPORT
from fiscalmodel.run.stamp import without_outputs

ROOT = project_root(Path(__file__).parent)
NOTEBOOK = ROOT / "notebooks" / "05_scenario_report.ipynb"
SCENARIO = "params/scenarios/jianghan/baseline.yaml"
CPUS = os.cpu_count() or 1


def command_line(count: int) -> float:
    """Seconds of the papermill command, two at a time."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "papermill", str(NOTEBOOK)]
        begun = time.perf_counter()
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            options = ["-p", "scenario", SCENARIO, "--no-progress-bar"]
            runs = [
                pool.submit(
                    subprocess.run,
                    [*command, f"{folder}/{n}.ipynb", *options],
                    check=True,
                    capture_output=True,
                    cwd=ROOT,
                )
                for n in range(count)
            ]
            for run in runs:
                run.result()
        return time.perf_counter() - begun


def _papermill_once(number: int) -> float:
    import papermill

    with tempfile.TemporaryDirectory() as folder:
        papermill.execute_notebook(
            str(NOTEBOOK),
            f"{folder}/{number}.ipynb",
            {"scenario": SCENARIO},
            progress_bar=False,
            cwd=str(ROOT),
        )
    return time.perf_counter()


def in_process(count: int) -> float:
    """Seconds of papermill's function in two processes that stay."""
    with concurrent.futures.ProcessPoolExecutor(2) as pool:
        list(pool.map(_papermill_once, range(2)))
        begun = time.perf_counter()
        list(pool.map(_papermill_once, range(count)))
        return time.perf_counter() - begun


def ours(count: int, workers: int, watch: _Memory, *, dask: bool = False) -> float:
    """Seconds of our engine for so many in steady state, once each worker had its first."""
    document = without_outputs(read_notebook(NOTEBOOK))
    parameters = {"scenario": SCENARIO, "lang": "zh"}
    jobs = [
        Job(f"job-{n}", NOTEBOOK.name, document, parameters, cwd=ROOT, outputs=REPORT)
        for n in range(count + workers)
    ]
    times = []
    with open_engine(workers, dask=dask) as engine, watch:
        for result in engine.run(jobs):
            assert result.ok, str(result)
            assert result.kernel == "warm"
            assert set(result.content) == set(REPORT)
            times.append(time.perf_counter())
    return times[-1] - times[workers - 1]


class _Memory:
    """Looks at running kernels and keeps the largest USS and PSS, in MB."""

    def __init__(self) -> None:
        self.largest = (0.0, 0.0)

    def __enter__(self) -> None:
        self._stop_now = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop_now.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._stop_now.wait(0.1):
            # Those of this process alone: others may run notebooks here too.
            for process in psutil.Process().children(recursive=True):
                with contextlib.suppress(psutil.Error):
                    if process.name() == "fm-kernel":
                        seen = process.memory_full_info()
                        own, share = seen.uss / 1024 / 1024, seen.pss / 1024 / 1024
                        self.largest = (max(self.largest[0], own), max(self.largest[1], share))


def _limit_process(count: int) -> float:
    """Cells alone, again and again in one process that has everything imported."""
    code = """
import contextlib, io, json, os, sys, time
os.environ["MPLBACKEND"] = "module://matplotlib_inline.backend_inline"
import IPython.core.interactiveshell as shell
shell.InteractiveShell.instance()
cells = json.loads(sys.argv[1])
for number in range(int(sys.argv[2]) + 1):
    if number == 1:
        begun = time.perf_counter()
    space = {}
    for cell in cells:
        with contextlib.redirect_stdout(io.StringIO()):
            exec(cell, space)
print(time.perf_counter() - begun, file=sys.stderr)
"""
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    sources = ["".join(c["source"]) for c in cells if c["cell_type"] == "code"]
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, json.dumps(sources), str(count)],
        check=True,
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    return float(ran.stderr.split()[-1])


def limit(count: int) -> float:
    """Seconds of the cells alone, shared out to all processors."""
    with concurrent.futures.ThreadPoolExecutor(CPUS) as pool:
        return max(pool.map(_limit_process, [count // CPUS] * CPUS))


def main() -> None:
    """Measure and print one table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--notebooks", type=int, default=40)
    options.add_argument("--peer", type=int, default=6)
    options.add_argument("--rounds", type=int, default=2)
    options.add_argument("--workers", type=int, default=2 * CPUS)
    options.add_argument("--no-dask", action="store_true")
    chosen = options.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    at_a_time, rounds = chosen.workers, chosen.rounds
    peer, notebooks = -(-chosen.peer // rounds), -(-chosen.notebooks // rounds)
    memory = {"ours": _Memory(), "dask": _Memory()}
    modes: list[tuple[str, str, int, Callable[[int], float]]] = [
        ("peer", "papermill command line, 2 at a time", peer, command_line),
        ("inside", "papermill in 2 processes", peer, in_process),
        ("ours", f"ours, {at_a_time} at a time", notebooks,
         lambda count: ours(count, at_a_time, memory["ours"])),
        ("dask", f"ours on Dask, {at_a_time} processes", notebooks,
         lambda count: ours(count, at_a_time, memory["dask"], dask=True)),
        ("limit", f"limit: cells alone, {CPUS} processes", notebooks, limit),
    ]  # fmt: skip
    modes = [mode for mode in modes if mode[0] != "dask" or not chosen.no_dask]
    seconds = {key: [0.0] * rounds for key, *_ in modes}
    for turn in range(rounds):
        for key, name, count, run in modes:
            seconds[key][turn] = run(count)
            print(f"round {turn + 1}: {name}: {count / seconds[key][turn]:.2f} a second",
                  file=sys.stderr, flush=True)  # fmt: skip
    rates = {key: count * rounds / sum(seconds[key]) for key, _, count, _ in modes}
    print(f"load average before the end: {os.getloadavg()[0]:.1f} on {CPUS} processors")
    print(f"{'mode':42}{'reports/s':>10}{'x peer':>8}{'of limit':>9}{'MB own':>8}{'PSS':>6}")
    for key, name, *_ in modes:
        rate, largest = rates[key], memory[key].largest if key in memory else None
        each = f"{largest[0]:8.0f}{largest[1]:6.0f}" if largest else ""
        print(f"{name:42}{rate:10.2f}{rate / rates['peer']:8.1f}{rate / rates['limit']:9.2f}{each}")


if __name__ == "__main__":
    main()
