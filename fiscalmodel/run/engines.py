"""Where jobs run."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from fiscalmodel.run.jobs import JobResult


class Engine(Protocol):
    """What runs jobs somewhere."""

    def run(self, jobs: Sequence[Any]) -> Iterator[JobResult]: ...
    def close(self) -> None: ...


@contextlib.contextmanager
def open_engine(
    workers: int, scheduler: str | None = None, *, dask: bool = False
) -> Iterator[Engine]:
    """Worker processes here, a Dask cluster of processes here, or a Dask scheduler."""
    from fiscalmodel.run import worker_start
    from fiscalmodel.run.parent import private_parent

    if scheduler is not None:
        from fiscalmodel.run.dask_engine import DaskEngine

        engine: Any = DaskEngine(workers, scheduler)
        try:
            yield engine
        finally:
            engine.close()
        return
    with private_parent(preload=() if dask else (worker_start.PRELOAD,)) as folder:
        if dask:
            from fiscalmodel.run.dask_engine import DaskEngine

            engine = DaskEngine(workers)
        else:
            from fiscalmodel.run.local_engine import LocalEngine

            engine = LocalEngine(workers, folder)
        try:
            yield engine
        finally:
            engine.close()
