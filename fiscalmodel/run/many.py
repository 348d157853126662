"""Thousands of scenarios evaluated in processes, without notebooks, into tables to be ranked."""

from __future__ import annotations

import io
import multiprocessing
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fiscalmodel.errors import InputError
from fiscalmodel.run.job import Result, one_line
from fiscalmodel.run.progress import Progress
from fiscalmodel.run.report import load_all
from fiscalmodel.run.results import Results
from fiscalmodel.run.storage import open_storage
from fiscalmodel.words import say

if TYPE_CHECKING:
    import pandas as pd

    from fiscalmodel.scenario.load import Scenario

CHUNK = 25
#: How often a part is given to new processes after one that had it died.
LOSSES = 3


@dataclass(frozen=True)
class Part:
    """Some scenarios for one process."""

    id: str
    scenarios: tuple[Scenario, ...]
    notebook: str = ""


def evaluate_part(part: Part) -> Result:
    """Evaluate each; one that fails does not stop the others."""
    import pandas as pd

    from fiscalmodel.scenario.evaluate import evaluate

    begun = time.perf_counter()
    frames: dict[str, list[pd.DataFrame]] = {}
    failures: dict[str, str] = {}
    for scenario in part.scenarios:
        try:
            tables = evaluate(scenario).tables()
        except Exception as error:
            known = isinstance(error, InputError)
            failures[scenario.id] = one_line(
                str(error) if known else f"{type(error).__name__}: {error}", 2000
            )
            continue
        for name, frame in tables.items():
            frames.setdefault(name, []).append(_labelled(frame, scenario))
    joined = {name: pd.concat(parts, ignore_index=True) for name, parts in frames.items()}
    seconds = time.perf_counter() - begun
    return Result(part.id, "", "done", seconds, frames=(joined, failures))


def evaluate_many(
    scenarios: Sequence[Scenario | str | Path],
    *,
    out: str | Path,
    workers: int | None = None,
    scheduler: str | None = None,
    dask: bool = False,
    format: str = "parquet",
    progress: bool = False,
) -> Results:
    """Evaluate scenarios and write one table of each kind for all of them.

    Parameters
    ----------
    scenarios
        Loaded scenarios or files. Their ids must differ.
    out
        Folder or fsspec address; ``revenue.parquet``, ``balance.parquet``, ``debt.parquet``,
        ``debt_schedule.parquet`` and so on go there, with the columns ``scenario_id, region,
        scenario, synthetic`` before those of the table, in the order of `scenarios`.
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
        raise InputError("format", "run.not_a_format", text=format)
    if format == "parquet":
        _need_parquet()
    loaded = load_all(scenarios)
    storage = open_storage(out)
    storage.check_writable()
    count = workers or os.cpu_count() or 1
    size = max(1, min(CHUNK, -(-len(loaded) // count)))
    parts = [
        Part(f"part-{start:06d}", tuple(loaded[start : start + size]))
        for start in range(0, len(loaded), size)
    ]
    reporter = Progress(len(parts), quiet=not progress)
    done: dict[str, Result] = {}
    for result in _evaluated(parts, count, scheduler, dask):
        done[result.id] = result
        reporter.job(result.light())
    reporter.close()
    with storage.locked():
        tables = dict(_write(storage, parts, done, format))
    results = tuple(_results(parts, done))
    return Results(results, storage.name, time.monotonic() - begun, tables=tables)


def _evaluated(
    parts: Sequence[Part], workers: int, scheduler: str | None, dask: bool
) -> Iterator[Result]:
    """Here, in processes, or on Dask."""
    if scheduler is not None or dask:
        from fiscalmodel.run.dask_engine import DaskEngine

        engine = DaskEngine(workers, scheduler, evaluate_part)
        try:
            yield from engine.run(parts)
        finally:
            engine.close()
    elif workers == 1 or len(parts) <= 1:
        yield from map(evaluate_part, parts)
    else:
        yield from in_processes(parts, workers, evaluate_part)


def in_processes(
    parts: Sequence[Part], workers: int, work: Callable[[Part], Result]
) -> Iterator[Result]:
    """Results as they come; what a process that died had is given to new ones."""
    context = multiprocessing.get_context("spawn")
    missing = {part.id: part for part in parts}
    for _ in range(LOSSES):
        with ProcessPoolExecutor(min(workers, len(missing)), mp_context=context) as pool:
            futures = [pool.submit(work, part) for part in missing.values()]
            try:
                for future in as_completed(futures):
                    result = future.result()
                    del missing[result.id]
                    yield result
            except BrokenProcessPool:
                continue
            finally:
                pool.shutdown(wait=True, cancel_futures=True)
        if not missing:
            return
    reason = str(say("run.processes_lost", count=LOSSES))
    for part in missing.values():
        yield Result(part.id, "", "failed", reason=reason)


def _labelled(frame: pd.DataFrame, scenario: Scenario) -> pd.DataFrame:
    """A table with whose it is, in types that every reader of tables knows."""
    plain = _typed(frame.rename(columns=str))
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


def _typed(frame: pd.DataFrame, *, last: bool = False) -> pd.DataFrame:
    """Columns of objects as numbers or text by what they hold.

    One that holds nothing stays open, since other scenarios may have values for it; at `last`
    it is text, as no column of numbers is one of objects.
    """
    import pandas as pd

    types: dict[str, pd.Series[Any]] = {}
    for name, values in frame.items():
        if not isinstance(values.dtype, pd.PeriodDtype) and values.dtype != object:
            continue
        known = values.dropna()
        if known.empty and not last:
            types[str(name)] = values.astype(object)
        elif len(known) and all(
            isinstance(v, int | float) and not isinstance(v, bool) for v in known
        ):
            types[str(name)] = values.astype(float)
        else:
            types[str(name)] = values.map(_plain).astype("string")
    return frame.assign(**types)


def _plain(value: Any) -> Any:
    import pandas as pd

    return None if not isinstance(value, str) and pd.isna(value) else str(value)


def _write(
    storage: Any, jobs: Sequence[Part], done: dict[str, Result], format: str
) -> Iterator[tuple[str, str]]:
    import pandas as pd

    parts: dict[str, list[pd.DataFrame]] = {}
    for job in jobs:
        result = done.get(job.id)
        if result is not None and result.frames is not None:
            for name, frame in result.frames[0].items():
                parts.setdefault(name, []).append(frame)
    for name, frames in sorted(parts.items()):
        table = _typed(pd.concat(frames, ignore_index=True), last=True)
        file = f"{name}.{format}"
        storage.write(file, _encoded(table, format))
        yield name, f"{storage.name}/{file}"


def _encoded(table: pd.DataFrame, format: str) -> bytes:
    if format == "csv":
        return table.to_csv(index=False, lineterminator="\n").encode("utf-8-sig")
    buffer = io.BytesIO()
    table.to_parquet(buffer, index=False, engine="pyarrow", compression="zstd")
    return buffer.getvalue()


def _results(jobs: Sequence[Part], done: dict[str, Result]) -> Iterator[Result]:
    for job in jobs:
        result = done.get(job.id)
        for scenario in job.scenarios:
            reason = str(say("run.not_evaluated"))
            if result is not None:
                reason = result.reason or reason
                if result.frames is not None:
                    reason = result.frames[1].get(scenario.id, "")
            status = "failed" if reason else "done"
            yield Result(scenario.id, "evaluation", status, reason=reason)


def _need_parquet() -> None:
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError:
        raise InputError("parquet", "run.needs_package", name="pyarrow") from None
