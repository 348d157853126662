"""Thousands of scenarios evaluated in processes, without notebooks, into tables."""

from __future__ import annotations

import io
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fiscalmodel.errors import Collector, InputError
from fiscalmodel.run.engines import open_engine
from fiscalmodel.run.jobs import JobResult
from fiscalmodel.run.limits import Limits
from fiscalmodel.run.progress import Progress
from fiscalmodel.run.storage import open_storage

if TYPE_CHECKING:
    import pandas as pd

    from fiscalmodel.scenario.load import Scenario

CHUNK = 25
#: Seconds for one chunk; an evaluation takes well under one.
CHUNK_TIMEOUT = 900.0


@dataclass(frozen=True)
class EvaluationResult:
    """How many evaluations ended.

    Attributes
    ----------
    results
        One for each scenario, in its order.
    tables
        Name -> file.
    seconds
        Wall time.
    """

    results: tuple[JobResult, ...]
    tables: dict[str, str]
    seconds: float

    @property
    def failed(self) -> list[JobResult]:
        """Scenarios that could not be evaluated, with the reason."""
        return [result for result in self.results if not result.ok]


@dataclass(frozen=True)
class EvaluationJob:
    """Some scenarios for one worker; what it needs of `jobs.Job`."""

    id: str
    scenarios: tuple[Scenario, ...]
    notebook: str = ""
    limits: Limits = field(default_factory=lambda: Limits(timeout=CHUNK_TIMEOUT))

    def run(self) -> JobResult:
        """Evaluate each; one that fails does not stop the others."""
        from fiscalmodel.scenario.evaluate import evaluate

        begun = time.perf_counter()
        frames: dict[str, list[pd.DataFrame]] = {}
        failures: dict[str, str] = {}
        for scenario in self.scenarios:
            try:
                tables = evaluate(scenario).tables()
            except Exception as error:
                failures[scenario.id] = _reason(error)
                continue
            for name, frame in tables.items():
                frames.setdefault(name, []).append(_labelled(frame, scenario))
        import pandas as pd

        joined = {name: pd.concat(parts, ignore_index=True) for name, parts in frames.items()}
        seconds = time.perf_counter() - begun
        return JobResult(self.id, "", "done", seconds, frames=(joined, failures))


def evaluate_many(
    scenarios: Sequence[Scenario | str | Path],
    *,
    out: str | Path,
    workers: int | None = None,
    scheduler: str | None = None,
    dask: bool = False,
    format: str = "parquet",
    progress: bool = False,
) -> EvaluationResult:
    """Evaluate scenarios and write one table of each kind for all of them.

    Parameters
    ----------
    scenarios
        Loaded scenarios or files. Their ids must differ.
    out
        Folder or fsspec address; ``revenue.parquet``, ``balance.parquet`` and so on go there,
        with the columns ``scenario_id, region, scenario, synthetic`` before those of the table,
        in the order of `scenarios`.
    workers
        Processes; as many as processors unless told. With 1 it happens in this process.
    scheduler, dask
        See `fiscalmodel.run.batch.run_batch`.
    format
        ``parquet`` or ``csv``.

    Raises
    ------
    InputError
        For scenarios that do not load (all of them at once), for one id twice, and if Parquet
        is asked for and pyarrow is not installed.
    """
    begun = time.monotonic()
    if format not in ("parquet", "csv"):
        raise InputError("format", f"{format!r} is not a format", "parquet or csv")
    if format == "parquet":
        _need_parquet()
    loaded = _load(scenarios)
    storage = open_storage(out)
    storage.check_writable()
    count = workers or os.cpu_count() or 1
    size = max(1, min(CHUNK, -(-len(loaded) // count)))
    jobs = [
        EvaluationJob(f"part-{start:06d}", tuple(loaded[start : start + size]))
        for start in range(0, len(loaded), size)
    ]
    reporter = Progress(len(jobs), quiet=not progress, unit=f"part of {size}")
    done: dict[str, JobResult] = {}
    if jobs:
        alone = count == 1 and scheduler is None and not dask
        with _Here() if alone else open_engine(count, scheduler, dask=dask) as engine:
            for result in engine.run(jobs):
                done[result.id] = result
                reporter.job(result.without_text())
    reporter.close()
    with storage.locked():
        tables = dict(_write(storage, jobs, done, format))
    results = tuple(_results(jobs, done))
    return EvaluationResult(results, tables, time.monotonic() - begun)


class _Here:
    """Runs jobs in this process: for one worker, starting another would only cost."""

    def __enter__(self) -> _Here:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def run(self, jobs: Sequence[EvaluationJob]) -> Iterator[JobResult]:
        for job in jobs:
            yield job.run()


def _load(scenarios: Sequence[Any]) -> list[Scenario]:
    from fiscalmodel.scenario.load import load_scenario

    found = Collector()
    loaded: dict[str, Any] = {}
    for given in scenarios:
        try:
            scenario = load_scenario(given) if isinstance(given, str | Path) else given
        except InputError as error:
            found.extend(error)
            continue
        if scenario.id in loaded:
            found.add(str(scenario.file), f"scenario {scenario.id!r} is there twice")
        loaded[scenario.id] = scenario
    found.raise_if_any()
    return list(loaded.values())


def _labelled(frame: pd.DataFrame, scenario: Scenario) -> pd.DataFrame:
    """A table with whose it is, in types that every reader of tables knows."""
    import pandas as pd

    plain = frame.copy()
    plain.columns = pd.Index([str(name) for name in frame.columns])
    for name in plain.columns:
        if isinstance(plain[name].dtype, pd.PeriodDtype) or plain[name].dtype == object:
            plain[name] = plain[name].map(_plain).astype("string")
    labels: dict[str, Any] = {
        "scenario_id": scenario.id,
        "region": scenario.region.key,
        "scenario": scenario.id.rsplit("/", 1)[-1],
        "synthetic": scenario.synthetic,
    }
    for position, (name, value) in enumerate(labels.items()):
        # `region` and `scenario` may be columns of the table already.
        if name in plain.columns:
            plain = plain.drop(columns=name)
        plain.insert(position, name, value)
    return plain


def _plain(value: Any) -> Any:
    import pandas as pd

    return None if not isinstance(value, str) and pd.isna(value) else str(value)


def _write(
    storage: Any, jobs: Sequence[EvaluationJob], done: dict[str, JobResult], format: str
) -> Iterator[tuple[str, str]]:
    import pandas as pd

    parts: dict[str, list[pd.DataFrame]] = {}
    for job in jobs:
        result = done.get(job.id)
        if result is not None and result.frames is not None:
            for name, frame in result.frames[0].items():
                parts.setdefault(name, []).append(frame)
    for name, frames in sorted(parts.items()):
        table = pd.concat(frames, ignore_index=True)
        file = f"{name}.{format}"
        storage.write(file, _encoded(table, format))
        yield name, f"{storage.name}/{file}"


def _encoded(table: pd.DataFrame, format: str) -> bytes:
    if format == "csv":
        return table.to_csv(index=False, lineterminator="\n").encode("utf-8-sig")
    buffer = io.BytesIO()
    table.to_parquet(buffer, index=False, engine="pyarrow", compression="zstd")
    return buffer.getvalue()


def _results(jobs: Sequence[EvaluationJob], done: dict[str, JobResult]) -> Iterator[JobResult]:
    for job in jobs:
        result = done.get(job.id)
        for scenario in job.scenarios:
            reason = "was not evaluated"
            if result is not None:
                reason = result.reason or "no result came back"
                if result.frames is not None:
                    reason = result.frames[1].get(scenario.id, "")
            status = "failed" if reason else "done"
            yield JobResult(scenario.id, "evaluation", status, reason=reason)


def _need_parquet() -> None:
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError:
        raise InputError(
            "parquet",
            "writing Parquet needs pyarrow",
            "pip install fiscalmodel[cluster], or ask for csv",
        ) from None


def _reason(error: Exception) -> str:
    text = str(error) if isinstance(error, InputError) else f"{type(error).__name__}: {error}"
    return text[:2000]
