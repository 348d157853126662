"""Batches of notebooks: many at a time, nothing lost, nothing done twice."""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fiscalmodel import yamlio
from fiscalmodel.errors import InputError
from fiscalmodel.kernels.stamp import digest
from fiscalmodel.run import stamp
from fiscalmodel.run.job import SUFFIX, Job, Result
from fiscalmodel.run.manifest import Entry, Manifest
from fiscalmodel.run.plan import Plan, load_plan, plan_of_scenarios, relative
from fiscalmodel.run.progress import Progress
from fiscalmodel.run.report import (
    INDEX,
    ask_first,
    evaluate_all,
    followed_by,
    index_of,
    load_all,
    raise_problems,
)
from fiscalmodel.run.results import Results
from fiscalmodel.run.storage import Storage, open_storage, parsed
from fiscalmodel.words import say

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from fiscalmodel.run.engines import Engine


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
) -> Results:
    """Run a plan, or the report of scenarios; what is done and unchanged is kept.

    Page and workbook come from the outcome that the notebook evaluated. Reports of scenarios
    given as such are written once all are made, so that bad data of one leave nothing
    half-written; results of a plan as they come.

    Parameters
    ----------
    scenarios
        A plan file or `Plan`, or scenario files or loaded scenarios; these get an
        ``index.html`` too, of every report in the folder.
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
        For bad input, with all problems at once; nothing was written then. In a plan, data that
        a scenario cannot be evaluated with are the failure of its job, see `Result.problems`.
    """
    begun = time.monotonic()
    count = workers if workers is not None else 2 * (os.cpu_count() or 1)
    if count < 1 or retry < 0:
        raise InputError("workers, retry", "run.workers_or_retry")
    storage = open_storage(out)
    reporter = Progress(log_json=log_json, quiet=not progress)
    plan = _plan(scenarios, lang)
    jobs = stamp.with_keys(plan.jobs, plan.root, kernel=kernel)
    over: dict[str, Any] = {"timeout": timeout, "memory": memory}
    over = {name: value for name, value in over.items() if value is not None}
    jobs = [replace(job, limits=replace(job.limits, **over)) for job in jobs]
    if plan.tables != "none":  # what a notebook has evaluated is not evaluated again for them
        jobs = [replace(job, outputs=(*job.outputs, "tables")) for job in jobs]
    storage.check_writable()
    with _no_empty_folder(storage), storage.locked():
        runner = _Runner(Manifest(storage), storage, reporter, plan.loaded)
        valid = runner.manifest.valid(jobs)
        todo = [job for job in jobs if job.id not in valid]
        if only_failed:
            todo = [job for job in todo if job.id in runner.manifest.failed()]
        # What is done was asked about before it was.
        ask_first([plan.loaded[job.id] for job in todo if job.id in plan.loaded])
        todo = _each_file_early(todo, plan.loaded)
        place = scheduler or str(say("run.place_dask" if dask else "run.place_here"))
        reporter.start(len(todo), unchanged=len(valid), workers=count, place=place)
        if todo:
            from fiscalmodel.run.engines import open_engine  # needless if nothing changed

            runner.run(todo, open_engine(count, scheduler, dask=dask), retry, fail_fast)
        reporter.close()
        results = _in_order(jobs, valid, runner.results)
        result = Results(results, storage.name, interrupted=runner.interrupted)
        stale = bool(runner.results) or not storage.contents([INDEX])
        if plan.loaded and stale and any(r.ok for r in results):
            failed = [(plan.loaded[r.id], r) for r in results if not r.ok]
            for name, page in index_of(_summaries(storage), failed, lang).items():
                storage.write(name, page)
        if plan.tables != "none" and not result.interrupted:
            made = _tables(plan, runner, min(count, os.cpu_count() or 1))
            result = replace(result, results=results + made.results, tables=made.tables)
    reporter.event("end", **result.counts())
    return replace(result, seconds=time.monotonic() - begun)


def run_report(
    scenario: Any,
    *,
    out: str | Path = "reports",
    lang: str = "zh",
    kernel: str = "warm",
    timeout: float | None = None,
) -> Result:
    """Make one scenario's report: page, Excel workbook and executed notebook.

    Parameters
    ----------
    scenario
        A loaded scenario or its file.
    out
        Folder; ``out/region/scenario.html`` and so on. A relative one is below the working
        directory.
    lang
        ``zh`` or ``en``.

    Returns
    -------
    Result
        ``files`` names what was written by kind; ``about`` holds the answer.

    Raises
    ------
    InputError
        For bad input. A notebook that fails is a result.
    """
    made = run_batch(
        [scenario], out=out, lang=lang, kernel=kernel, timeout=timeout, progress=False
    ).results[0]
    return replace(made, files={kind: f"{out}/{path}" for kind, path in made.files.items()})


@dataclass
class _Runner:
    """Runs jobs, writes results and records, and survives interruption.

    Reports of loaded scenarios, by job, are written together at the end.
    """

    manifest: Manifest
    storage: Storage
    progress: Progress
    loaded: Mapping[str, Any]
    results: dict[str, Result] = field(default_factory=dict)
    tables: dict[str, Any] = field(default_factory=dict)
    interrupted: bool = False

    def run(
        self,
        todo: Sequence[Job],
        opening: AbstractContextManager[Engine],
        retry: int,
        fail_fast: bool,
    ) -> None:
        """Run every job, and failed ones again as often as asked for.

        Raises
        ------
        InputError
            With the bad data of all scenarios, if results are written together; none was then.
        """
        from fiscalmodel.run.engines import run_with_retry

        by_id = {job.id: job for job in todo}
        held: list[Result] = []
        with _terminated_as_interrupt():
            try:
                with opening as engine:
                    for result in run_with_retry(engine, todo, retry):
                        if self.loaded:
                            held.append(result)
                            self.progress.job(result, why=not result.problems)
                        else:
                            self.progress.job(self._keep(by_id[result.id], result))
                        if (fail_fast and not result.ok) or (self.loaded and result.problems):
                            break
            except KeyboardInterrupt:
                self.interrupted = True
        if self.loaded:
            self.progress.close()
            if any(result.problems for result in held):
                # No report will be written: what the other data lack is said with it.
                good = {result.id for result in held if result.ok}
                evaluate_all([self.loaded[job.id] for job in todo if job.id not in good])
            raise_problems(held)
            for result in held:
                kept = self._keep(by_id[result.id], result)
                if kept.ok != result.ok:
                    self.progress.failure(kept)

    def _keep(self, job: Job, result: Result) -> Result:
        """Files first, record second: a crash between them costs one more run."""
        content = dict(result.content) if result.ok else {}
        if "tables" in content:
            name, tables = pickle.loads(content.pop("tables"))
            self.tables[name] = tables
        try:
            if "summary" in content:
                path = job.path("summary")
                content["summary"] = followed_by(
                    self.storage.contents([path]).get(path, b""), content["summary"]
                )
            for kind, made in content.items():
                self.storage.write(job.path(kind), made)
        except Exception as error:
            result = replace(result, status="failed", reason=str(error))
        result = result.light()
        if result.ok:
            result = replace(result, files={kind: job.path(kind) for kind in content})
        else:
            for kind in set(job.outputs) - {"tables"}:
                self.storage.remove(job.path(kind))
        try:
            files = {job.path(kind): digest(made) for kind, made in content.items()}
            self.manifest.record(job, result, files)
        except InputError as error:
            result = replace(result, status="failed", reason=str(error))
        self.results[job.id] = result
        return result


def _each_file_early(todo: Sequence[Job], loaded: Mapping[str, Any]) -> list[Job]:
    """Jobs whose scenario reads a file that none before it reads, then the others.

    What is wrong with a file is then known before most reports are made.
    """
    seen: set[Path] = set()
    first: list[Job] = []
    for job in todo:
        files = set(loaded[job.id].files.values()) if job.id in loaded else set()
        if files - seen:
            first.append(job)
        seen |= files
    return [*first, *(job for job in todo if job not in first)]


def _summaries(storage: Storage) -> list[dict[str, Any]]:
    """The summary of every report in the folder, of this run or an earlier one."""
    found = sorted(storage.contents(ending=SUFFIX["summary"]).items())
    return list(filter(None, (parsed(content) for _, content in found)))


@contextlib.contextmanager
def _no_empty_folder(storage: Storage) -> Iterator[None]:
    """Take the folder away at the end if nothing came into it."""
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            if "://" not in storage.name:
                Path(storage.name).rmdir()


def _plan(scenarios: Any, lang: str) -> Plan:
    if isinstance(scenarios, Plan):
        return scenarios
    if isinstance(scenarios, str | Path):
        data, _ = yamlio.load_yaml(scenarios)
        if not (isinstance(data, dict) and ({"region", "extends"} & data.keys())):
            return load_plan(scenarios)
        scenarios = [scenarios]
    return plan_of_scenarios(scenarios, lang=lang)


def _tables(plan: Plan, runner: _Runner, workers: int) -> Results:
    """The tables of all scenarios of a plan, made anew where any of them changed."""
    manifest, storage = runner.manifest, runner.storage
    files = {name: relative(file, plan.root) for name, file in plan.scenarios.items()}
    nothing: dict[str, Any] = {"cells": [], "metadata": {}}
    job = Job("tables/all", "", nothing, files, outputs=(plan.tables,))
    (job,) = stamp.with_keys([job], plan.root, kernel="")
    entry = manifest.valid([job]).get(job.id)
    if entry is not None:
        tables = {Path(path).stem: f"{storage.name}/{path}" for path in entry.files}
        return Results((_unchanged(entry),), storage.name, tables=tables)
    from fiscalmodel.run.frames import identity
    from fiscalmodel.run.many import evaluate_many
    from fiscalmodel.scenario.given import given_only

    scenarios, folder = load_all(list(plan.scenarios.values())), f"{storage.name}/tables"
    names = {scenario.id: identity(given_only(scenario)) for scenario in scenarios}
    ready = {key: runner.tables[name] for key, name in names.items() if name in runner.tables}
    done = evaluate_many(scenarios, out=folder, workers=workers, format=plan.tables, ready=ready)
    if done.ok:
        written = (f"tables/{Path(table).name}" for table in done.tables.values())
        manifest.record(job, Result(job.id, "", "done"), storage.hashes(written))
    return done


def _unchanged(entry: Entry, notebook: str = "") -> Result:
    kinds = {entry.job + ending: kind for kind, ending in SUFFIX.items()}
    files = {kinds.get(path, path): path for path in entry.files}
    return Result(entry.job, notebook, "unchanged", attempts=0, about=entry.about, files=files)


def _in_order(
    jobs: Sequence[Job], valid: Mapping[str, Entry], ran: Mapping[str, Result]
) -> tuple[Result, ...]:
    made = []
    for job in jobs:
        if job.id in valid:
            made.append(_unchanged(valid[job.id], job.notebook))
        else:
            made.append(ran.get(job.id) or Result(job.id, job.notebook, "not run", attempts=0))
    return tuple(made)


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
