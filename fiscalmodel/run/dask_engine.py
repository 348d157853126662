"""A batch on Dask: a cluster that is there, or local worker processes.

Each task is a client of one notebook's kernel; the notebook's own code never
runs in a Dask worker's process. Results travel to the process that runs the
batch, and only that one writes, so a task that ran twice because a worker was
lost is still written once. When the scheduler is lost, the batch connects
again and sends what is missing.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import multiprocessing
import time
from collections.abc import Iterator, Sequence
from typing import Any

from fiscalmodel.errors import InputError
from fiscalmodel.run.execute import run_job
from fiscalmodel.run.job import Job, Result, one_line
from fiscalmodel.words import say

#: Workers that one task may lose; kernels cannot end a worker, so losses are not its fault.
ALLOWED_FAILURES = 10
CONNECT_TIMEOUT = 10.0
#: Seconds to wait for a scheduler that was lost.
RECONNECT = 60.0
_POLL = 0.1

try:
    dask: Any = importlib.import_module("dask")
    distributed: Any = importlib.import_module("distributed")
except ImportError:  # said when asked for
    dask = distributed = None


class DaskEngine:
    """Runs jobs on a Dask cluster.

    Parameters
    ----------
    workers
        Worker processes of a local cluster; ignored with a scheduler.
    scheduler
        Address of a scheduler, or None for a local cluster of processes.

    Raises
    ------
    InputError
        If Dask is not installed or the scheduler does not answer.
    """

    def __init__(self, workers: int, scheduler: str | None = None) -> None:
        if distributed is None:
            raise InputError("--scheduler", "run.needs_package", name="dask")
        for name in ("distributed", "distributed.client", "distributed.comm", "distributed.nanny"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        self.cluster: Any = None
        self._round = 0
        self._others = {child.pid for child in multiprocessing.active_children()}
        if scheduler is None:
            with dask.config.set({"distributed.scheduler.allowed-failures": ALLOWED_FAILURES}):
                self.cluster = distributed.LocalCluster(
                    n_workers=workers,
                    threads_per_worker=1,
                    processes=True,
                    dashboard_address=None,
                    silence_logs=logging.CRITICAL,
                )
            self.address = self.cluster.scheduler_address
        else:
            self.address = scheduler
        self.client = self._connect(CONNECT_TIMEOUT)

    def _connect(self, timeout: float) -> Any:
        try:
            return distributed.Client(self.address, timeout=timeout, set_as_default=False)
        except (OSError, ValueError, TypeError, ImportError) as error:
            raise InputError(
                "--scheduler",
                "run.no_scheduler",
                address=self.address,
                reason=one_line(str(error) or type(error).__name__, 200),
            ) from None

    def run(self, jobs: Sequence[Job]) -> Iterator[Result]:
        """Run jobs and give each result once, as it comes."""
        missing = {job.id: job for job in jobs}
        lost_since: float | None = None
        while missing:
            before = len(missing)
            try:
                for result in self._round_of(list(missing.values())):
                    if missing.pop(result.id, None) is not None:
                        yield result
            except _SchedulerLost:
                pass
            if not missing:
                return
            if lost_since is None or len(missing) < before:
                lost_since = time.monotonic()
            if time.monotonic() - lost_since > RECONNECT or not self._reconnect():
                reason = str(say("run.scheduler_lost"))
                for job in missing.values():
                    yield Result(job.id, job.notebook, "failed", reason=reason)
                return

    def _round_of(self, jobs: list[Job]) -> Iterator[Result]:
        """Submit jobs; stops with `_SchedulerLost` when the cluster forgets them."""
        self._round += 1
        futures: dict[Any, Any] = {}
        try:
            for index, job in enumerate(jobs):
                key = f"notebook-{self._round}-{index}-{job.id}"
                futures[self.client.submit(run_job, job, key=key, pure=False)] = job
            while futures:
                ended = self._ended(list(futures))
                for future in ended:
                    job = futures.pop(future)
                    result = self._result(future, job)
                    future.release()
                    yield result
        except (OSError, RuntimeError) as error:
            raise _SchedulerLost(str(error)) from None
        finally:
            with contextlib.suppress(Exception):
                self.client.cancel(list(futures), force=True)

    def _ended(self, futures: list[Any]) -> list[Any]:
        """Futures that have a result; checks that the scheduler is still there."""
        time.sleep(_POLL)  # states are pushed here by the scheduler; looking costs nothing
        if self.client.status != "running":
            raise _SchedulerLost("no connection")
        states = {future: future.status for future in futures}
        if any(state in ("lost", "cancelled") for state in states.values()):
            raise _SchedulerLost("the scheduler forgot its tasks")
        return [future for future, state in states.items() if state in ("finished", "error")]

    def _result(self, future: Any, job: Job) -> Result:
        if future.status == "finished":
            result: Result = future.result()
            return result
        error = future.exception()
        reason = one_line(f"{type(error).__name__}: {error}")
        if type(error).__name__ == "KilledWorker":
            reason = str(say("run.workers_lost", count=ALLOWED_FAILURES))
        return Result(job.id, job.notebook, "failed", reason=reason)

    def _reconnect(self) -> bool:
        """A new client once the scheduler answers again, within `RECONNECT` seconds."""
        with contextlib.suppress(Exception):
            self.client.close(timeout=2)
        deadline = time.monotonic() + RECONNECT
        while time.monotonic() < deadline:
            try:
                self.client = self._connect(5.0)
                return True
            except InputError:
                time.sleep(1.0)
        return False

    def close(self) -> None:
        """Let go of the cluster; a local one ends."""
        with contextlib.suppress(Exception):
            self.client.close(timeout=5)
        if self.cluster is not None:
            with contextlib.suppress(Exception):
                self.cluster.close(timeout=10)
            # A worker that was starting again when the cluster closed, or a slow one.
            for child in multiprocessing.active_children():
                if child.pid not in self._others and child.name.startswith("Dask Worker"):
                    child.kill()
                    child.join(5)


class _SchedulerLost(Exception):
    """The scheduler is gone, or a new one knows nothing of the tasks."""
