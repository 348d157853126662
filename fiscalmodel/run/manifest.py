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


class Manifest:
    """The records of one output folder."""

    def __init__(self, storage: Storage) -> None:
        self.storage = storage
        self.entries: dict[str, Entry] = {}
        for record in storage.records():
            self._take(record)

    def _take(self, record: Mapping[str, Any]) -> None:
        """Remember a record; one of any other shape is passed over."""
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

    def _write(self, record: dict[str, Any]) -> None:
        self.storage.append(record)
        self._take(record)


def _texts(value: Any) -> dict[str, str]:
    if not isinstance(value, dict):
        return {}
    return {str(name): text for name, text in value.items() if isinstance(text, str)}
