"""What runs jobs: threads here, each the client of one kernel at a time; or Dask."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Protocol

from fiscalmodel.kernels.parent import private_parent
from fiscalmodel.run.execute import Client, run_job
from fiscalmodel.run.job import Job, Result

#: What the kernels of a batch have imported beside the notebooks' own, for what they leave.
PRELOAD = ("fiscalmodel.run.report", "fiscalmodel.run.many")


class Engine(Protocol):
    """What runs jobs somewhere."""

    def run(self, jobs: Sequence[Job]) -> Iterator[Result]: ...
    def close(self) -> None: ...


@contextlib.contextmanager
def open_engine(
    workers: int, scheduler: str | None = None, *, dask: bool = False
) -> Iterator[Engine]:
    """Threads here, a Dask cluster of processes here, or a Dask scheduler."""
    with contextlib.ExitStack() as stack:
        if scheduler is None:
            stack.enter_context(private_parent(preload=PRELOAD))
        engine: Engine = LocalEngine(workers)
        if dask or scheduler is not None:
            from fiscalmodel.run.dask_engine import DaskEngine

            engine = DaskEngine(workers, scheduler)
        yield stack.enter_context(contextlib.closing(engine))


def run_with_retry(engine: Engine, jobs: Sequence[Job], retry: int) -> Iterator[Result]:
    """The last result of each job: failed ones are run again as often as asked for."""
    todo = {job.id: job for job in jobs}
    for attempt in range(retry + 1):
        for result in engine.run(list(todo.values())):
            if result.ok or attempt == retry:
                del todo[result.id]
                yield replace(result, attempts=result.attempts + attempt)
        if not todo:
            return


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
