"""What was done, with what: so that a second call does only what is missing or changed.

The manifest is a list of records that only grows. A job's result is valid if
its last record is a success, every hash of that record is today's, and its
files are there with their hashes. A crash can lose the last record, never tear
an earlier one; the job is then run again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fiscalmodel.run.job import FINE, Job, Result
from fiscalmodel.run.storage import Storage


@dataclass(frozen=True)
class Entry:
    """The last record of one job."""

    job: str
    status: str
    key: Mapping[str, str]
    files: Mapping[str, str] = field(default_factory=dict)
    about: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Complete:
    """A plan of which every job was done: its jobs, and its tables with their hashes."""

    jobs: tuple[str, ...]
    tables: Mapping[str, str]


class Manifest:
    """The records of one output folder."""

    def __init__(self, storage: Storage) -> None:
        self.storage = storage
        self.entries: dict[str, Entry] = {}
        self.complete: dict[str, Complete] = {}
        for record in storage.records():
            self._take(record)

    def _take(self, record: Mapping[str, Any]) -> None:
        """Remember a record; one of any other shape is passed over."""
        jobs = record.get("jobs")
        if isinstance(record.get("complete"), str) and isinstance(jobs, list):
            names = tuple(name for name in jobs if isinstance(name, str))
            self.complete[record["complete"]] = Complete(names, _texts(record.get("tables")))
        job, status = record.get("job"), record.get("status")
        if isinstance(job, str) and isinstance(status, str):
            about = record.get("about")
            self.entries[job] = Entry(
                job,
                status,
                _texts(record.get("key")),
                _texts(record.get("files")),
                about if isinstance(about, dict) else {},
            )

    def valid(self, jobs: Iterable[Job]) -> dict[str, Entry]:
        """Entries of the jobs whose result is there and still true."""
        same = {}
        for job in jobs:
            entry = self.entries.get(job.id)
            if entry and entry.files and entry.status in FINE and entry.key == job.key:
                same[job.id] = entry
        there = self.storage.hashes([path for e in same.values() for path in e.files])
        return {
            name: entry
            for name, entry in same.items()
            if all(there.get(path) == value for path, value in entry.files.items())
        }

    def failed(self) -> set[str]:
        """Jobs whose last record is a failure."""
        return {name for name, entry in self.entries.items() if entry.status == "failed"}

    def record(self, job: Job, result: Result, files: Mapping[str, str]) -> None:
        """Add what happened to a job; call it after its files are in place."""
        record: dict[str, Any] = {
            "job": job.id,
            "status": result.status,
            "notebook": result.notebook,
            "parameters": job.parameters,
            "key": dict(job.key),
            "seconds": round(result.seconds, 3),
            "attempts": result.attempts,
            "kernel": result.kernel,
        }
        if result.ok:
            record |= {"files": dict(files), "about": dict(result.about)}
        else:
            record |= {"cell": result.cell, "source": result.source, "reason": result.reason}
        if result.notes:
            record["notes"] = list(result.notes)
        self._write(record)

    def record_complete(self, stamp: str, jobs: Iterable[str], tables: Iterable[str]) -> None:
        """Note that every job of a plan with this stamp is done, and its tables."""
        hashes = self.storage.hashes(tables)
        self._write({"complete": stamp, "jobs": list(jobs), "tables": hashes})

    def still_complete(self, stamp: str) -> tuple[list[Entry], list[str]] | None:
        """Entries and tables of a plan with this stamp, if all its results are in place."""
        complete = self.complete.get(stamp)
        if complete is None:
            return None
        done = [self.entries[name] for name in complete.jobs if name in self.entries]
        wanted = dict(complete.tables)
        for entry in done:
            wanted |= entry.files
        fine = all(entry.status in FINE for entry in done)
        if not wanted or not fine or len(done) < len(complete.jobs):
            return None
        return (done, sorted(complete.tables)) if self.storage.hashes(wanted) == wanted else None

    def _write(self, record: dict[str, Any]) -> None:
        self.storage.append(record)
        self._take(record)


def _texts(value: Any) -> dict[str, str]:
    if not isinstance(value, dict):
        return {}
    return {str(name): text for name, text in value.items() if isinstance(text, str)}
