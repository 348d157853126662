"""A batch on this machine: threads, each the client of one kernel at a time."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Iterator, Sequence
from typing import Protocol

from fiscalmodel.run.execute import Client, run_job
from fiscalmodel.run.job import Job, Result


class Engine(Protocol):
    """What runs jobs somewhere."""

    def run(self, jobs: Sequence[Job]) -> Iterator[Result]: ...
    def close(self) -> None: ...


class LocalEngine:
    """Runs jobs in threads; the notebooks' own code runs in kernels, so threads are enough.

    Parameters
    ----------
    workers
        How many notebooks run at a time.
    """

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._clients: set[Client] = set()
        self._threads: list[threading.Thread] = []
        self._closed = threading.Event()

    def run(self, jobs: Sequence[Job]) -> Iterator[Result]:
        """Run jobs and give each result as it comes; no more start once closed."""
        todo: queue.SimpleQueue[Job] = queue.SimpleQueue()
        ended: queue.SimpleQueue[Result] = queue.SimpleQueue()
        for job in jobs:
            todo.put(job)

        def work() -> None:
            with contextlib.suppress(queue.Empty):
                while not self._closed.is_set():
                    ended.put(run_job(todo.get_nowait(), clients=self._clients))

        count = min(self.workers, len(jobs))
        self._threads = [threading.Thread(target=work, daemon=True) for _ in range(count)]
        for thread in self._threads:
            thread.start()
        for _ in jobs:
            while True:  # a wait without end could not be interrupted everywhere
                with contextlib.suppress(queue.Empty):
                    yield ended.get(timeout=0.5)
                    break

    def close(self) -> None:
        """End every kernel and wait for the threads."""
        self._closed.set()
        while any(thread.is_alive() for thread in self._threads):
            for client in list(self._clients):
                client.stop()
            for thread in self._threads:
                thread.join(0.2)
