"""Batches of notebooks: many at a time, nothing lost, nothing done twice."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from fiscalmodel.errors import InputError
from fiscalmodel.run.engines import open_engine
from fiscalmodel.run.jobs import Job, JobResult
from fiscalmodel.run.limits import Limits
from fiscalmodel.run.manifest import Manifest
from fiscalmodel.run.plan import Plan, load_plan, plan_of_scenarios
from fiscalmodel.run.progress import Progress
from fiscalmodel.run.runner import Runner
from fiscalmodel.run.storage import Storage, open_storage


@dataclass(frozen=True)
class BatchResult:
    """How a batch ended.

    Attributes
    ----------
    results
        One for each job of the plan, in its order.
    out
        Where the results are.
    seconds
        Wall time.
    interrupted
        Whether it was stopped before its end.
    tables
        Files of tables, by name, if the plan asked for any.
    """

    results: tuple[JobResult, ...]
    out: str
    seconds: float
    interrupted: bool = False
    tables: dict[str, str] = field(default_factory=dict)

    def of(self, status: str) -> list[JobResult]:
        """Results with a status: ``done``, ``failed``, ``unchanged``, ``not run``."""
        return [result for result in self.results if result.status == status]

    @property
    def failed(self) -> list[JobResult]:
        """Jobs that failed, each with notebook, cell and reason."""
        return self.of("failed")

    @property
    def ok(self) -> bool:
        """Whether every job has a result."""
        return all(result.ok for result in self.results) and not self.interrupted

    @property
    def exit_code(self) -> int:
        """0 fine, 1 some job failed or was not run, 130 interrupted."""
        return 130 if self.interrupted else 0 if self.ok else 1

    @property
    def table(self) -> Any:
        """``job, notebook, status, seconds, attempts, cell, source, reason`` as a DataFrame."""
        import pandas as pd

        names = ("id", "notebook", "status", "seconds", "attempts", "cell", "source", "reason")
        rows = [[getattr(result, name) for name in names] for result in self.results]
        return pd.DataFrame(rows, columns=["job", *names[1:]])

    def __str__(self) -> str:
        counts = {s: len(self.of(s)) for s in ("done", "unchanged", "failed", "not run")}
        text = ", ".join(f"{count} {status}" for status, count in counts.items() if count)
        return f"{text or 'nothing to do'} in {self.seconds:.1f} s ({self.out})"


def run_batch(
    scenarios: Plan | str | Path | Sequence[str | Path | Any],
    *,
    out: str | Path,
    workers: int | None = None,
    scheduler: str | None = None,
    dask: bool = False,
    retry: int = 0,
    fail_fast: bool = False,
    only_failed: bool = False,
    timeout: float | None = None,
    memory: int | None = None,
    kernel: str = "warm",
    lang: str = "zh",
    progress: bool = True,
    log_json: bool = False,
) -> BatchResult:
    """Run a plan, or the report notebook for scenarios; what is done and unchanged is kept.

    Parameters
    ----------
    scenarios
        A plan file or `Plan`, or scenario files or loaded scenarios.
    out
        Folder, or an address that fsspec knows. ``manifest.jsonl`` there says what is done.
    workers
        Notebooks at a time; twice the processors unless told.
    scheduler
        Address of a Dask scheduler; ``dask=True`` starts a local cluster of processes.
    retry
        How often a failed notebook is run again.
    fail_fast
        Start nothing more after the first failure.
    only_failed
        Only what failed the last time.
    timeout, memory
        Seconds for a whole notebook and bytes of its kernel; over those of the plan.
    kernel
        ``warm`` or ``cold``.
    lang
        Language of scenario reports.
    progress, log_json
        Report on standard error, or as JSON lines on standard output.

    Raises
    ------
    InputError
        For bad input, with all problems at once; nothing was started then.
    """
    from fiscalmodel.run import keys

    begun = time.monotonic()
    count = workers if workers is not None else 2 * (os.cpu_count() or 1)
    if count < 1 or retry < 0:
        raise InputError("workers, retry", "must be at least 1 and 0")
    storage = open_storage(out)
    settings = [kernel, lang, timeout, memory, scheduler is None]
    stamp = _quick_stamp(scenarios, settings)
    if stamp and not only_failed:
        kept = _kept(storage, stamp, begun)
        if kept is not None:
            Progress(0, log_json=log_json, quiet=not progress).start(
                unchanged=len(kept.results), workers=0, place=storage.name
            )
            return kept
    plan = _plan(scenarios, lang)
    storage.check_writable()
    if not plan.jobs:
        return _tables(BatchResult((), storage.name, 0.0), plan, storage, count, begun)
    jobs = [_limited(job, timeout, memory) for job in keys_of(plan, kernel)]
    with storage.locked():
        manifest = Manifest(storage)
        valid = manifest.valid(jobs)
        failed_before = manifest.failed()
        todo = [j for j in jobs if j.id not in valid]
        if only_failed:
            todo = [j for j in todo if j.id in failed_before]
        runner = Runner(manifest, storage, todo, retry=retry, fail_fast=fail_fast)
        reporter = Progress(len(todo), log_json=log_json, quiet=not progress)
        where = scheduler or ("local Dask cluster" if dask else "this machine")
        reporter.start(unchanged=len(valid), workers=count, place=where)
        if todo:
            runner.run(lambda: open_engine(count, scheduler, dask=dask), reporter)
        reporter.close()
        results = _in_order(jobs, valid, runner.results)
        result = BatchResult(results, storage.name, time.monotonic() - begun, runner.interrupted)
    result = _tables(result, plan, storage, count, begun)
    if result.ok and stamp and keys.is_covered(plan):
        with storage.locked():
            manifest.record_complete(
                stamp, jobs, [f"tables/{Path(t).name}" for t in result.tables.values()]
            )
    if log_json:
        statuses = ("done", "unchanged", "failed", "not run")
        reporter.event("end", **{s.replace(" ", "_"): len(result.of(s)) for s in statuses})
    return result


def keys_of(plan: Plan, kernel: str) -> list[Job]:
    """The plan's jobs with the hashes of what they depend on."""
    from fiscalmodel.run import keys

    return keys.with_keys(plan, keys.project_stamps(plan.root), kernel=kernel)


def _plan(scenarios: Any, lang: str) -> Plan:
    if isinstance(scenarios, Plan):
        return scenarios
    if isinstance(scenarios, str | Path):
        return load_plan(scenarios) if _is_plan(scenarios) else plan_of_scenarios([scenarios])
    return plan_of_scenarios([getattr(s, "file", s) for s in scenarios], lang=lang)


def _is_plan(path: str | Path) -> bool:
    from fiscalmodel import yamlio

    data, _ = yamlio.load_yaml(path)
    return not (isinstance(data, dict) and ({"region", "extends"} & data.keys()))


def _quick_stamp(scenarios: Any, settings: list[Any]) -> str:
    """Hash of all that a plan file depends on; empty for other input."""
    from fiscalmodel.paths import project_root
    from fiscalmodel.run import keys

    if not isinstance(scenarios, str | Path):
        return ""
    try:
        file = Path(scenarios).resolve()
        content = file.read_bytes()
        return keys.quick_stamp(project_root(file.parent), {str(file): content}, settings)
    except (OSError, InputError):
        return ""


def _kept(storage: Storage, stamp: str, begun: float) -> BatchResult | None:
    """The result of a plan of which nothing changed, or None."""
    kept = Manifest(storage).still_complete(stamp)
    if kept is None:
        return None
    results = tuple(JobResult(entry.job, "", "unchanged") for entry in kept[0])
    tables = {Path(name).stem: f"{storage.name}/{name}" for name in kept[1]}
    return BatchResult(results, storage.name, time.monotonic() - begun, tables=tables)


def _limited(job: Job, timeout: float | None, memory: int | None) -> Job:
    limits = Limits(
        timeout=timeout if timeout is not None else job.limits.timeout,
        memory=memory if memory is not None else job.limits.memory,
        output=job.limits.output,
        start_timeout=job.limits.start_timeout,
    )
    return replace(job, limits=limits)


def _in_order(
    jobs: Sequence[Job], valid: set[str], ran: dict[str, JobResult]
) -> tuple[JobResult, ...]:
    made = []
    for job in jobs:
        status = "unchanged" if job.id in valid else "not run"
        made.append(ran.get(job.id) or JobResult(job.id, job.notebook, status, attempts=0))
    return tuple(made)


def _tables(
    result: BatchResult, plan: Plan, storage: Storage, workers: int, begun: float
) -> BatchResult:
    """Evaluate the plan's scenarios into tables, if it asks for them."""
    if plan.tables == "none" or result.interrupted:
        return result
    from fiscalmodel.run.evaluate_many import evaluate_many

    done = evaluate_many(
        list(plan.scenarios.values()),
        out=f"{storage.name}/tables",
        workers=min(workers, os.cpu_count() or 1),
        format=plan.tables,
    )
    made = result.results + tuple(done.results)
    return replace(result, results=made, tables=done.tables, seconds=time.monotonic() - begun)
