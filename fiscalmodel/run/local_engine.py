"""A batch on this machine: worker processes that may die, and a master that does not.

Workers are forked from the warm parent where that works, so that none of them
imports anything; elsewhere each is a process of its own. A worker that dies
is replaced and its job goes back to the queue; a job that loses three workers
has failed.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Listener, wait
from pathlib import Path
from typing import Any

from fiscalmodel.run import parent
from fiscalmodel.run.jobs import Job, JobResult
from fiscalmodel.run.provisioner import Lease
from fiscalmodel.run.worker_start import forked_worker

MAX_LOSSES = 3
#: Seconds beyond a job's own deadline after which its worker is given up.
GRACE = 60.0
_START_TIMEOUT = 120.0


@dataclass
class _Worker:
    """A worker process: how to end it, what it does, since when."""

    lease: Lease | None
    process: subprocess.Popen[bytes] | None
    connection: Any
    pid: int
    job: Job | None = None
    since: float = field(default_factory=time.monotonic)

    def end(self) -> None:
        with contextlib.suppress(OSError):
            self.connection.close()
        if self.lease is not None:
            self.lease.close()
        if self.process is not None:
            self.process.kill()
            self.process.wait()


class LocalEngine:
    """Runs jobs on worker processes of this machine.

    Parameters
    ----------
    workers
        How many notebooks run at a time.
    folder
        A private folder for sockets; see `parent.private_parent`.
    """

    def __init__(self, workers: int, folder: Path) -> None:
        self.count = workers
        self.folder = folder
        self.key = secrets.token_hex(16).encode()
        self.workers: list[_Worker] = []
        family = "AF_PIPE" if sys.platform == "win32" else "AF_UNIX"
        address = (
            None if sys.platform == "win32" else str(folder / f"b-{secrets.token_hex(4)}.sock")
        )
        self.listener = Listener(address, family=family, authkey=self.key, backlog=16)
        self._checked = 0.0

    def run(self, jobs: Sequence[Job]) -> Iterator[JobResult]:
        """Run jobs and give each result as it comes; no more start once closed."""
        queue = deque(jobs)
        losses: dict[str, int] = {}
        left = len(jobs)
        while left:
            self._hire(min(self.count, left))
            for worker in self.workers:
                if worker.job is None and queue:
                    self._assign(worker, queue)
            for worker, result in self._events(queue, losses):
                if worker.job is not None:
                    worker.job = None
                left -= 1
                yield result

    def _assign(self, worker: _Worker, queue: deque[Job]) -> None:
        worker.job = queue.popleft()
        worker.since = time.monotonic()
        with contextlib.suppress(OSError):  # a dead worker is noticed by its silence
            worker.connection.send(worker.job)

    def _events(
        self, queue: deque[Job], losses: dict[str, int]
    ) -> Iterator[tuple[_Worker, JobResult]]:
        ready = wait([worker.connection for worker in self.workers], timeout=0.5)
        self._keep_parent()
        for worker in list(self.workers):
            if worker.connection in ready:
                try:
                    _, result = worker.connection.recv()
                    yield worker, replace(result, attempts=losses.get(result.id, 0) + 1)
                    continue
                except (EOFError, OSError):
                    pass
            elif not self._overdue(worker):
                continue
            lost = self._dismiss(worker, queue, losses)
            if lost is not None:
                yield worker, lost

    def _overdue(self, worker: _Worker) -> bool:
        limit = worker.job.limits.timeout if worker.job else None
        return limit is not None and time.monotonic() - worker.since > limit + GRACE

    def _dismiss(
        self, worker: _Worker, queue: deque[Job], losses: dict[str, int]
    ) -> JobResult | None:
        """Replace a worker that is gone; its job runs again, three times at most."""
        self.workers.remove(worker)
        worker.end()
        job = worker.job
        if job is None:
            return None
        losses[job.id] = losses.get(job.id, 0) + 1
        if losses[job.id] < MAX_LOSSES and not self._overdue(worker):
            queue.appendleft(job)
            worker.job = None
            return None
        reason = f"its worker process ended {losses[job.id]} times"
        if self._overdue(worker):
            reason = "its worker process did not answer after the deadline"
        seconds = time.monotonic() - worker.since
        return JobResult(
            job.id, job.notebook, "failed", seconds, reason=reason, attempts=losses[job.id]
        )

    def _keep_parent(self) -> None:
        """See to it that a warm parent runs: workers only wait for one."""
        if parent.can_fork() and time.monotonic() - self._checked > 1.0:
            self._checked = time.monotonic()
            with contextlib.suppress(OSError):
                parent.connect().close()

    def _hire(self, count: int) -> None:
        while len(self.workers) < count:
            self.workers.append(self._start())

    def _start(self) -> _Worker:
        address = str(self.listener.address)
        lease, process = None, None
        if parent.can_fork():
            with contextlib.suppress(OSError, ValueError):
                lease = forked_worker(address, self.key)
        if lease is None:
            command = [sys.executable, "-m", "fiscalmodel.run.worker", address]
            environment = {**os.environ, "FISCALMODEL_BATCH_KEY": self.key.decode()}
            process = subprocess.Popen(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                start_new_session=True,
            )
        connection: Any = self._accept(process, lease)
        _, pid = connection.recv()
        return _Worker(lease, process, connection, pid)

    def _accept(self, process: subprocess.Popen[bytes] | None, lease: Lease | None) -> Any:
        """The connection of the worker that was just started."""
        deadline = time.monotonic() + _START_TIMEOUT
        inner = getattr(self.listener, "_listener", None)
        waited = getattr(inner, "_socket", None)
        while time.monotonic() < deadline:
            if waited is None or wait([waited], timeout=0.2):
                return self.listener.accept()
            ended = process.poll() if process else lease.poll() if lease else None
            if ended is not None:
                break
        raise RuntimeError("a worker process did not start")

    def close(self) -> None:
        """End every worker and with it every kernel."""
        for worker in self.workers:
            worker.end()
        self.workers.clear()
        with contextlib.suppress(OSError):
            self.listener.close()
