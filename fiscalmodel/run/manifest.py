"""What was done, with what: so that a second call does only what is missing or changed.

The manifest is a list of records that only grows. A job's result is valid if
its last record says ``done``, every hash of that record is today's, and the
file is there with its size. A crash can lose the last record, never tear an
earlier one; the job is then run again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from fiscalmodel.run.jobs import Job, JobResult
from fiscalmodel.run.storage import Storage


@dataclass(frozen=True)
class Entry:
    """The last record of one job."""

    job: str
    status: str
    key: Mapping[str, str]
    output: str = ""
    size: int = -1
    reason: str = ""


class Manifest:
    """The records of one output folder."""

    def __init__(self, storage: Storage) -> None:
        self.storage = storage
        self.entries: dict[str, Entry] = {}
        self.complete: dict[str, Mapping[str, Any]] = {}
        for record in storage.records():
            self._take(record)

    def _take(self, record: Mapping[str, Any]) -> None:
        if "complete" in record:
            self.complete[str(record["complete"])] = record
            return
        try:
            entry = Entry(
                job=str(record["job"]),
                status=str(record["status"]),
                key=dict(record["key"]),
                output=str(record.get("output", "")),
                size=int(record.get("size", -1)),
                reason=str(record.get("reason", "")),
            )
        except (KeyError, TypeError, ValueError):
            return  # not a record of ours
        self.entries[entry.job] = entry

    def valid(self, jobs: Iterable[Job]) -> set[str]:
        """Jobs whose result is there and still true."""
        same = {}
        for job in jobs:
            entry = self.entries.get(job.id)
            if entry and entry.status == "done" and entry.key == job.key:
                same[job.id] = entry
        sizes = self.storage.sizes([entry.output for entry in same.values()])
        return {name for name, entry in same.items() if sizes.get(entry.output) == entry.size}

    def changed(self, job: Job) -> list[str]:
        """Names of the hashes that differ from the last record's; empty if there is none."""
        entry = self.entries.get(job.id)
        if entry is None:
            return []
        names = {*entry.key, *job.key}
        return sorted(name for name in names if entry.key.get(name) != job.key.get(name))

    def failed(self) -> set[str]:
        """Jobs whose last record is a failure."""
        return {name for name, entry in self.entries.items() if entry.status == "failed"}

    def record(self, job: Job, result: JobResult, *, size: int = -1) -> None:
        """Add what happened to a job; call it after its output is in place."""
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
            record |= {"output": job.output, "size": size}
        else:
            record |= {"cell": result.cell, "source": result.source, "reason": result.reason}
        if result.notes:
            record["notes"] = list(result.notes)
        self._write(record)

    def record_complete(self, stamp: str, jobs: Iterable[Job], tables: Iterable[str]) -> None:
        """Note that every job of a plan with this stamp is done, and its tables."""
        sizes = self.storage.sizes(list(tables))
        self._write({"complete": stamp, "jobs": [job.id for job in jobs], "tables": sizes})

    def still_complete(self, stamp: str) -> tuple[list[Entry], list[str]] | None:
        """Entries and tables of a plan with this stamp, if all its results are in place."""
        record = self.complete.get(stamp)
        if record is None:
            return None
        entries = [self.entries.get(name) for name in record.get("jobs", ())]
        done = [entry for entry in entries if entry is not None and entry.status == "done"]
        wanted = {entry.output: entry.size for entry in done} | dict(record.get("tables", {}))
        if not wanted or len(done) < len(entries):
            return None
        same = self.storage.sizes(list(wanted)) == wanted
        return (done, sorted(record.get("tables", {}))) if same else None

    def _write(self, record: dict[str, Any]) -> None:
        self.storage.append(record)
        self._take(record)
