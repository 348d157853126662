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
from fiscalmodel.kernels.stamp import digest
from fiscalmodel.paths import project_root
from fiscalmodel.run import stamp
from fiscalmodel.run.job import SUFFIX, Job, Result
from fiscalmodel.run.manifest import Entry, Manifest
from fiscalmodel.run.plan import Plan, load_plan, plan_of_scenarios
from fiscalmodel.run.progress import Progress
from fiscalmodel.run.report import INDEX, followed_by, index_of, raise_problems
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
    quick = _quick_stamp(scenarios, [kernel, lang, timeout, memory, scheduler is None])
    kept = _kept(storage, quick) if quick and not only_failed else None
    if kept is not None:
        reporter.start(0, unchanged=len(kept.results), workers=0, place=storage.name)
        return replace(kept, seconds=time.monotonic() - begun)
    plan = _plan(scenarios, lang)
    jobs = stamp.with_keys(plan.jobs, plan.root, kernel=kernel)
    over: dict[str, Any] = {"timeout": timeout, "memory": memory}
    over = {name: value for name, value in over.items() if value is not None}
    jobs = [replace(job, limits=replace(job.limits, **over)) for job in jobs]
    storage.check_writable()
    result = Results((), storage.name)
    if jobs:
        with _no_empty_folder(storage), storage.locked():
            runner = _Runner(Manifest(storage), storage, reporter, together=bool(plan.loaded))
            valid = runner.manifest.valid(jobs)
            todo = [job for job in jobs if job.id not in valid]
            if only_failed:
                todo = [job for job in todo if job.id in runner.manifest.failed()]
            place = scheduler or str(say("run.place_dask" if dask else "run.place_here"))
            reporter.start(len(todo), unchanged=len(valid), workers=count, place=place)
            if todo:
                from fiscalmodel.run.engines import open_engine  # needless if nothing changed

                runner.run(todo, open_engine(count, scheduler, dask=dask), retry, fail_fast)
            reporter.close()
            results = _in_order(jobs, valid, runner.results)
            result = Results(results, storage.name, interrupted=runner.interrupted)
            if plan.loaded and any(r.ok for r in results):
                failed = [(plan.loaded[r.id], r) for r in results if not r.ok]
                for name, made in index_of(_summaries(storage), failed, lang).items():
                    storage.write(name, made)
    if plan.tables != "none" and not result.interrupted:
        from fiscalmodel.run.many import evaluate_many

        files, folder = list(plan.scenarios.values()), f"{storage.name}/tables"
        at_a_time = min(count, os.cpu_count() or 1)
        done = evaluate_many(files, out=folder, workers=at_a_time, format=plan.tables)
        result = replace(result, results=result.results + done.results, tables=done.tables)
    if result.ok and quick and stamp.is_covered(plan.root, jobs):
        extra = [f"tables/{Path(table).name}" for table in result.tables.values()]
        with storage.locked():
            names = [job.id for job in jobs]
            Manifest(storage).record_complete(
                quick, names, [*extra, *([INDEX] if plan.loaded else [])]
            )
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
    """Runs jobs, writes results and records, and survives interruption."""

    manifest: Manifest
    storage: Storage
    progress: Progress
    together: bool
    results: dict[str, Result] = field(default_factory=dict)
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
                        if self.together:
                            held.append(result)
                            self.progress.job(result, why=not result.problems)
                        else:
                            self.progress.job(self._keep(by_id[result.id], result))
                        if fail_fast and not result.ok:
                            break
            except KeyboardInterrupt:
                self.interrupted = True
        if self.together:
            self.progress.close()
            raise_problems(held)
            for result in held:
                kept = self._keep(by_id[result.id], result)
                if kept.ok != result.ok:
                    self.progress.failure(kept)

    def _keep(self, job: Job, result: Result) -> Result:
        """Files first, record second: a crash between them costs one more run."""
        content = dict(result.content) if result.ok else {}
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
            for kind in job.outputs:
                self.storage.remove(job.path(kind))
        try:
            files = {job.path(kind): digest(made) for kind, made in content.items()}
            self.manifest.record(job, result, files)
        except InputError as error:
            result = replace(result, status="failed", reason=str(error))
        self.results[job.id] = result
        return result


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


def _kept(storage: Storage, quick: str) -> Results | None:
    """The result of a plan of which nothing changed, or None."""
    kept = Manifest(storage).still_complete(quick)
    if kept is None:
        return None
    tables = {Path(name).stem: f"{storage.name}/{name}" for name in kept[1] if name != INDEX}
    return Results(tuple(map(_unchanged, kept[0])), storage.name, tables=tables)


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
