"""One unit of a batch: a notebook with its parameters, and how it ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from fiscalmodel.run.limits import Limits


@dataclass(frozen=True)
class Job:
    """A notebook to run.

    Attributes
    ----------
    id
        Name, unique in the batch; the output is ``<id>.ipynb`` in the output folder.
    notebook
        Path for messages, relative to the project where it can be.
    document
        The notebook as read, without outputs.
    parameters
        Values for its ``parameters`` cell.
    key
        Hashes of everything that the result depends on, by name.
    cwd
        Working directory.
    limits, kernel, secrets
        See `fiscalmodel.run.execute.execute_notebook`.
    """

    id: str
    notebook: str
    document: Mapping[str, Any]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    key: Mapping[str, str] = field(default_factory=dict)
    cwd: Path | None = None
    limits: Limits = field(default_factory=Limits)
    kernel: str = "warm"
    secrets: tuple[str, ...] = ()

    @property
    def output(self) -> str:
        """Path of the executed notebook in the output folder."""
        return f"{self.id}.ipynb"

    def run(self) -> JobResult:
        """Run it in this process's client; the notebook's own code runs in a kernel.

        Anything that goes wrong is a result, so that one job cannot end a batch.
        """
        return run_job(self)


@dataclass(frozen=True)
class JobResult:
    """How one job ended.

    Attributes
    ----------
    status
        ``done``, ``failed``, ``unchanged`` (its result was there) or ``not run``.
    cell, source, reason, traceback, notes, kernel
        See `fiscalmodel.run.execute.Result`.
    text
        The executed notebook; taken out once it is written.
    attempts
        How often it was run in this batch.
    frames
        Tables, if the job makes tables and no notebook.
    """

    id: str
    notebook: str
    status: str
    seconds: float = 0.0
    cell: int | None = None
    source: str = ""
    reason: str = ""
    traceback: str = ""
    notes: tuple[str, ...] = ()
    kernel: str = ""
    text: str = ""
    attempts: int = 1
    frames: Any = None

    @property
    def ok(self) -> bool:
        """Whether a result is there."""
        return self.status in ("done", "unchanged")

    def __str__(self) -> str:
        if self.ok or self.status == "not run":
            return f"{self.id}: {self.status}"
        where = f", cell {self.cell}" if self.cell else ""
        line = f" ({self.source})" if self.source else ""
        return f"{self.id}: {self.notebook}{where}{line}: {self.reason}"

    def without_text(self) -> JobResult:
        """The same without the notebook's content."""
        return replace(self, text="", frames=None)


def run_job(job: Job) -> JobResult:
    """Run a job; see `Job.run`."""
    from fiscalmodel.run.execute import run_document

    try:
        result = run_document(
            job.document,
            job.parameters,
            name=job.notebook,
            limits=job.limits,
            kernel=job.kernel,
            cwd=job.cwd,
            secrets=job.secrets,
        )
    except Exception as error:
        return JobResult(
            job.id, job.notebook, "failed", reason=f"{type(error).__name__}: {error}"[:2000]
        )
    return JobResult(
        job.id,
        job.notebook,
        result.status,
        seconds=result.seconds,
        cell=result.cell,
        source=result.source,
        reason=result.reason,
        traceback=result.traceback,
        notes=result.notes,
        kernel=result.kernel,
        text=result.text,
    )
