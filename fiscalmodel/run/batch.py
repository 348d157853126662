"""Batches of notebooks: many at a time, nothing lost, nothing done twice."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fiscalmodel import yamlio
from fiscalmodel.errors import InputError
from fiscalmodel.kernels.parent import private_parent
from fiscalmodel.kernels.stamp import digest
from fiscalmodel.paths import project_root
from fiscalmodel.run import stamp
from fiscalmodel.run.job import SUFFIX, Job, Result
from fiscalmodel.run.manifest import Entry, Manifest
from fiscalmodel.run.many import evaluate_many
from fiscalmodel.run.plan import Plan, load_plan, plan_of_scenarios
from fiscalmodel.run.progress import Progress
from fiscalmodel.run.report import check_jobs, index_of, raise_problems
from fiscalmodel.run.results import Results
from fiscalmodel.run.storage import Storage, open_storage
from fiscalmodel.words import say

if TYPE_CHECKING:
    from fiscalmodel.run.local_engine import Engine

#: What the kernels of a batch have imported beside the notebooks' own, for page and workbook.
PRELOAD = ("fiscalmodel.run.report", "xlsxwriter")
INDEX = "index.html"


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

    Page and workbook come from the outcome that the notebook evaluated. Scenarios given as such
    are evaluated before any report is made, so that bad data are known before all work.

    Parameters
    ----------
    scenarios
        A plan file or `Plan`, or scenario files or loaded scenarios; these get an
        ``index.html`` too.
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
    quick = _quick_stamp(scenarios, [kernel, lang, timeout, memory, scheduler is None])
    if quick and not only_failed:
        kept = _kept(storage, quick, begun)
        if kept is not None:
            reporter = Progress(0, log_json=log_json, quiet=not progress)
            reporter.start(unchanged=len(kept.results), workers=0, place=storage.name)
            return kept
    plan = _plan(scenarios, lang)
    jobs = stamp.with_keys(plan.jobs, plan.root, kernel=kernel)
    jobs = [_limited(job, timeout, memory) for job in jobs]
    storage.check_writable()
    result = Results((), storage.name)
    if jobs:
        with _no_empty_folder(storage), storage.locked():
            manifest = Manifest(storage)
            valid = manifest.valid(jobs)
            todo = [job for job in jobs if job.id not in valid]
            if only_failed:
                failed_before = manifest.failed()
                todo = [job for job in todo if job.id in failed_before]
            checks = check_jobs(todo, count) if plan.loaded else []
            runner = _Runner(manifest, storage, todo, checks, retry, fail_fast)
            reporter = Progress(len(todo), log_json=log_json, quiet=not progress)
            where = scheduler or str(say("run.place_dask" if dask else "run.place_here"))
            reporter.start(unchanged=len(valid), workers=count, place=where)
            if todo:
                runner.run(lambda: open_engine(count, scheduler, dask=dask), reporter)
            reporter.close()
            results = _in_order(jobs, valid, runner.results)
            result = Results(results, storage.name, interrupted=runner.interrupted)
            if plan.loaded and any(r.ok for r in results):
                pairs = [(plan.loaded[r.id], r) for r in results]
                storage.write(INDEX, index_of(pairs, lang, lambda key: say(key)(lang)))
    if plan.tables != "none" and not result.interrupted:
        done = evaluate_many(
            list(plan.scenarios.values()),
            out=f"{storage.name}/tables",
            workers=min(count, os.cpu_count() or 1),
            format=plan.tables,
        )
        result = replace(result, results=result.results + done.results, tables=done.tables)
    if result.ok and quick and stamp.is_covered(plan.root, jobs):
        extra = [f"tables/{Path(table).name}" for table in result.tables.values()]
        with storage.locked():
            names = [job.id for job in jobs]
            Manifest(storage).record_complete(
                quick, names, [*extra, *([INDEX] if plan.loaded else [])]
            )
    result = replace(result, seconds=time.monotonic() - begun)
    if log_json:
        Progress(0, log_json=True).event("end", **result.counts())
    return result


def run_report(
    scenario: Any,
    *,
    out: str | Path = "reports",
    lang: str = "zh",
    kernel: str = "warm",
    timeout: float | None = 600,
) -> Result:
    """Make one scenario's report: HTML, Excel workbook and executed notebook.

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


@contextlib.contextmanager
def open_engine(
    workers: int, scheduler: str | None = None, *, dask: bool = False
) -> Iterator[Engine]:
    """Threads here, a Dask cluster of processes here, or a Dask scheduler."""
    if scheduler is not None:
        from fiscalmodel.run.dask_engine import DaskEngine

        with contextlib.closing(DaskEngine(workers, scheduler)) as engine:
            yield engine
        return
    with private_parent(preload=PRELOAD):
        if dask:
            from fiscalmodel.run.dask_engine import DaskEngine

            with contextlib.closing(DaskEngine(workers)) as engine:
                yield engine
        else:
            # Here, since a batch of which nothing changed needs no client of kernels.
            from fiscalmodel.run.local_engine import LocalEngine

            with contextlib.closing(LocalEngine(workers)) as local:
                yield local


@dataclass
class _Runner:
    """Runs jobs, writes results and records as they come, and survives interruption."""

    manifest: Manifest
    storage: Storage
    todo: Sequence[Job]
    checks: Sequence[Job]
    retry: int
    fail_fast: bool
    results: dict[str, Result] = field(default_factory=dict)
    interrupted: bool = False

    def run(self, engine_of: Any, progress: Progress) -> None:
        """Run every job, and failed ones again as often as asked for.

        Raises
        ------
        InputError
            With what the checks found; no job was run then.
        """
        with _terminated_as_interrupt():
            try:
                with engine_of() as engine:
                    raise_problems(engine.run(self.checks))
                    self._rounds(engine, progress)
            except KeyboardInterrupt:
                self.interrupted = True

    def _rounds(self, engine: Engine, progress: Progress) -> None:
        by_id = {job.id: job for job in self.todo}
        todo = list(self.todo)
        for attempt in range(self.retry + 1):
            again: list[Job] = []
            for result in engine.run(todo):
                last = result.ok or attempt == self.retry
                result = replace(result, attempts=result.attempts + attempt)
                if not last:
                    again.append(by_id[result.id])
                    continue
                result = self._keep(by_id[result.id], result)
                self.results[result.id] = result
                progress.job(result)
                if self.fail_fast and not result.ok:
                    return
            todo = again
            if not todo:
                return

    def _keep(self, job: Job, result: Result) -> Result:
        """Files first, record second: a crash between them costs one more run."""
        content = {kind: result.content[kind] for kind in job.outputs if kind in result.content}
        if result.ok:
            try:
                for kind, made in content.items():
                    self.storage.write(job.path(kind), made)
            except Exception as error:
                result = replace(result, status="failed", reason=str(error))
        result = result.light()
        if result.ok:
            result = replace(result, files={kind: job.path(kind) for kind in content})
        else:
            for kind in job.outputs:
                self.storage.remove(job.path(kind))
        try:
            files = {job.path(kind): digest(made) for kind, made in content.items()}
            self.manifest.record(job, result, files)
        except InputError as error:
            result = replace(result, status="failed", reason=str(error))
        return result


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


def _quick_stamp(scenarios: Any, settings: list[Any]) -> str:
    """Hash of all that files of plans or scenarios hang on; empty for other input."""
    given = [scenarios] if isinstance(scenarios, str | Path) else scenarios
    if isinstance(given, Plan) or not all(isinstance(item, str | Path) for item in given):
        return ""
    try:
        files = [Path(item).resolve() for item in given]
        content = {str(file): file.read_bytes() for file in files}
        return stamp.quick_stamp(project_root(files[0].parent), content, settings) if files else ""
    except (OSError, InputError):
        return ""


def _kept(storage: Storage, quick: str, begun: float) -> Results | None:
    """The result of a plan of which nothing changed, or None."""
    kept = Manifest(storage).still_complete(quick)
    if kept is None:
        return None
    results = tuple(map(_unchanged, kept[0]))
    tables = {Path(name).stem: f"{storage.name}/{name}" for name in kept[1] if name != INDEX}
    return Results(results, storage.name, time.monotonic() - begun, tables=tables)


def _unchanged(entry: Entry, notebook: str = "") -> Result:
    kinds = {entry.job + suffix: kind for kind, suffix in SUFFIX.items()}
    files = {kinds.get(path, path): path for path in entry.files}
    return Result(entry.job, notebook, "unchanged", attempts=0, about=entry.about, files=files)


def _limited(job: Job, timeout: float | None, memory: int | None) -> Job:
    limits = replace(
        job.limits,
        timeout=timeout if timeout is not None else job.limits.timeout,
        memory=memory if memory is not None else job.limits.memory,
    )
    return replace(job, limits=limits)


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
