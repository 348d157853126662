"""Thousands of scenarios evaluated in kernels, without notebooks, into tables to be ranked."""

from __future__ import annotations

import base64
import io
import os
import pickle
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fiscalmodel.errors import InputError
from fiscalmodel.run.engines import open_engine, run_with_retry
from fiscalmodel.run.frames import labelled_tables, typed
from fiscalmodel.run.job import Job, Result, one_line
from fiscalmodel.run.progress import Progress
from fiscalmodel.run.report import load_all
from fiscalmodel.run.results import Results
from fiscalmodel.run.storage import open_storage
from fiscalmodel.words import say

if TYPE_CHECKING:
    import pandas as pd

    from fiscalmodel.scenario.load import Scenario

#: Scenarios that one kernel evaluates, at most.
CHUNK = 200
#: How often a part is given to a new kernel after one that had it died.
LOSSES = 2
_CELL = """from fiscalmodel.run.many import evaluate_part
tables = evaluate_part({packed!r})"""


def evaluate_part(packed: str) -> bytes:
    """Evaluate scenarios that were packed for a kernel; one that fails does not stop the others.

    Gives, pickled, the tables of all by name, and the reason of each that failed by its id.
    """
    import pandas as pd

    from fiscalmodel.scenario.evaluate import evaluate

    frames: dict[str, list[pd.DataFrame]] = {}
    failures: dict[str, str] = {}
    for scenario in pickle.loads(zlib.decompress(base64.b64decode(packed))):
        try:
            tables = labelled_tables(evaluate(scenario))
        except Exception as error:
            kind = "" if isinstance(error, InputError) else f"{type(error).__name__}: "
            failures[scenario.id] = one_line(f"{kind}{error}", 2000)
            continue
        for name, frame in tables.items():
            frames.setdefault(name, []).append(frame)
    joined = {name: pd.concat(parts, ignore_index=True) for name, parts in frames.items()}
    return pickle.dumps((joined, failures))


def packed(scenarios: Sequence[Scenario]) -> str:
    """Scenarios as text, for a kernel wherever it runs."""
    return base64.b64encode(zlib.compress(pickle.dumps(list(scenarios)))).decode()


def part_of(name: str, packed: str) -> Job:
    """A job that evaluates scenarios in a kernel and leaves their tables."""
    cell: dict[str, Any] = {"cell_type": "code", "id": "part", "execution_count": None}
    cell |= {"source": _CELL.format(packed=packed), "metadata": {}, "outputs": []}
    document = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [cell]}
    return Job(name, "", document, outputs=("tables",))


def evaluate_many(
    scenarios: Sequence[Scenario | str | Path],
    *,
    out: str | Path,
    workers: int | None = None,
    scheduler: str | None = None,
    dask: bool = False,
    format: str = "parquet",
    progress: bool = False,
    ready: Mapping[str, Mapping[str, pd.DataFrame]] | None = None,
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
        Kernels at a time; as many as processors unless told. With 1 it happens in this process.
    scheduler, dask
        See `fiscalmodel.run.batch.run_batch`.
    format
        ``parquet`` or ``csv``.
    ready
        Tables of scenarios that were evaluated already, by id, see `labelled_tables`.

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
    known = ready or {}
    todo = [scenario for scenario in loaded if scenario.id not in known]
    size = max(1, min(CHUNK, -(-len(todo) // (4 * count))))
    parts = [todo[start : start + size] for start in range(0, len(todo), size)]
    texts = {f"part-{number:06d}": packed(part) for number, part in enumerate(parts)}
    done: dict[str, tuple[dict[str, pd.DataFrame], dict[str, str]]] = {}
    lost: dict[str, str] = {}
    reporter = Progress(quiet=not progress)
    reporter.start(len(parts), unchanged=0, workers=count, place=str(say("run.place_here")))
    for result in _evaluated(texts, count, scheduler, dask):
        if result.ok:
            done[result.id] = pickle.loads(result.content["tables"])
        else:
            lost[result.id] = result.reason
        reporter.job(result.light())
    reporter.close()
    failures: dict[str, str] = {}
    for name, part in zip(texts, parts, strict=True):
        failures |= done[name][1] if name in done else {s.id: lost[name] for s in part}
    results = tuple(
        Result(s.id, "evaluation", "failed" if s.id in failures else "done",
               reason=failures.get(s.id, ""))
        for s in loaded
    )  # fmt: skip
    frames = [*known.values(), *(done[name][0] for name in texts if name in done)]
    with storage.locked():
        tables = dict(_write(storage, frames, format, [scenario.id for scenario in loaded]))
    return Results(results, storage.name, time.monotonic() - begun, tables=tables)


def _evaluated(
    texts: Mapping[str, str], workers: int, scheduler: str | None, dask: bool
) -> Iterator[Result]:
    """Parts evaluated here, in kernels, or in kernels of Dask's workers."""
    if workers == 1 and scheduler is None and not dask:
        for name, text in texts.items():
            yield Result(name, "", "done", content={"tables": evaluate_part(text)})
        return
    jobs = [part_of(name, text) for name, text in texts.items()]
    with open_engine(workers, scheduler, dask=dask) as engine:
        yield from run_with_retry(engine, jobs, LOSSES)


def _write(
    storage: Any, parts: Sequence[Mapping[str, pd.DataFrame]], format: str, order: Sequence[str]
) -> Iterator[tuple[str, str]]:
    import pandas as pd

    for name in sorted({name for part in parts for name in part}):
        frames = [part[name] for part in parts if name in part]
        table = typed(pd.concat(frames, ignore_index=True), last=True)
        place = {name: number for number, name in enumerate(order)}
        table = table.sort_values(
            "scenario_id", key=lambda names: names.map(place), kind="stable", ignore_index=True
        )
        file = f"{name}.{format}"
        storage.write(file, _encoded(table, format))
        yield name, f"{storage.name}/{file}"


def _encoded(table: pd.DataFrame, format: str) -> bytes:
    if format == "csv":
        return table.to_csv(index=False, lineterminator="\n").encode("utf-8-sig")
    buffer = io.BytesIO()
    table.to_parquet(buffer, index=False, engine="pyarrow", compression="zstd")
    return buffer.getvalue()


def _need_parquet() -> None:
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError:
        raise InputError("parquet", "run.needs_package", name="pyarrow") from None
