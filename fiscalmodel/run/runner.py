"""Runs the jobs of a batch on an engine, and writes results and records as they come."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from fiscalmodel.errors import InputError
from fiscalmodel.run.engines import Engine
from fiscalmodel.run.jobs import Job, JobResult
from fiscalmodel.run.manifest import Manifest
from fiscalmodel.run.progress import Progress
from fiscalmodel.run.storage import Storage


class Runner:
    """Runs jobs, writes results and records, and survives interruption."""

    def __init__(
        self,
        manifest: Manifest,
        storage: Storage,
        jobs: Sequence[Job],
        *,
        retry: int,
        fail_fast: bool,
    ) -> None:
        self.manifest = manifest
        self.storage = storage
        self.jobs = {job.id: job for job in jobs}
        self.retry = retry
        self.fail_fast = fail_fast
        self.results: dict[str, JobResult] = {}
        self.interrupted = False

    def run(self, engine_of: Any, progress: Progress) -> None:
        """Run every job, and failed ones again as often as asked for."""
        with _terminated_as_interrupt():
            try:
                with engine_of() as engine:
                    self._rounds(engine, progress)
            except KeyboardInterrupt:
                self.interrupted = True

    def _rounds(self, engine: Engine, progress: Progress) -> None:
        todo = list(self.jobs.values())
        for attempt in range(self.retry + 1):
            again: list[Job] = []
            for result in engine.run(todo):
                last = result.ok or attempt == self.retry
                result = replace(result, attempts=result.attempts + attempt)
                if not last:
                    again.append(self.jobs[result.id])
                    continue
                progress.job(self._keep(result))
                if self.fail_fast and not self.results[result.id].ok:
                    return
            todo = again
            if not todo:
                return

    def _keep(self, result: JobResult) -> JobResult:
        """Output first, record second: a crash between them costs one more run."""
        job = self.jobs[result.id]
        content = result.text.encode("utf-8")
        if result.ok:
            try:
                self.storage.write(job.output, content)
            except Exception as error:
                result = replace(result, status="failed", reason=str(error))
        if not result.ok:
            self.storage.remove(job.output)
        result = result.without_text()
        self.results[job.id] = result
        try:
            self.manifest.record(job, result, size=len(content))
        except InputError as error:
            if result.ok:
                result = replace(result, status="failed", reason=str(error))
                self.results[job.id] = result
        return result


@contextlib.contextmanager
def _terminated_as_interrupt() -> Iterator[None]:
    """A polite kill ends a batch as Ctrl-C does: nothing is left running."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
