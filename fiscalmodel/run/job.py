"""One unit of a batch: a notebook with its parameters and limits, and how it ended."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from fiscalmodel.errors import InputError
from fiscalmodel.words import say

MB = 1024 * 1024
#: What a job may write -> the ending of its file.
SUFFIX = {
    "notebook": ".ipynb",
    "html": ".html",
    "workbook": ".xlsx",
    "docx": ".docx",
    "pdf": ".pdf",
    "summary": "/summary.json",
    "explain": ".explain.json",
    "tables": ".pickle",  # read by the process that asked for it, never from a disk
}
#: Statuses with which a result is there.
FINE = ("done", "capped", "unchanged")
#: Characters of a reason that are kept.
LONGEST = 300

_SIZE = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([kmgKMG]?)(?:i?[bB])?\s*\Z")
_DURATION = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*(ms|s|min|m|h)?\s*\Z")


@dataclass(frozen=True)
class Limits:
    """Limits of one notebook.

    Attributes
    ----------
    timeout
        Seconds for the whole notebook, from the start of its kernel; None: no deadline.
    memory
        Bytes that the kernel, or the kernel with the processes it started, may hold; None:
        no limit.
    output
        Bytes of output that are kept; what comes after is dropped, and said so.
    start_timeout
        Seconds that a kernel may take to start.
    """

    timeout: float | None = None
    memory: int | None = None
    output: int = 10 * MB
    start_timeout: float = 60.0


@dataclass(frozen=True)
class Job:
    """A notebook to run.

    Attributes
    ----------
    id
        Name, unique in the batch; its files have it as their stem, see `path`.
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
    outputs
        What to write: ``notebook``, ``html``, and of the scenario that it evaluated ``workbook``,
        ``docx``, ``pdf``, ``summary`` and ``explain`` (where each of its figures comes from).
    kernel
        ``warm`` or ``cold``.
    secrets
        Environment variables whose values must appear nowhere.
    """

    id: str
    notebook: str
    document: Mapping[str, Any]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    key: Mapping[str, str] = field(default_factory=dict)
    cwd: Path | None = None
    limits: Limits = field(default_factory=Limits)
    outputs: tuple[str, ...] = ("notebook",)
    kernel: str = "warm"
    secrets: tuple[str, ...] = ()

    def path(self, kind: str) -> str:
        """Path of one of its files in the output folder."""
        return self.id + SUFFIX[kind]


@dataclass(frozen=True)
class Result:
    """How one job ended.

    Attributes
    ----------
    status
        ``done``, ``capped`` (done, with output cut), ``failed``, ``unchanged`` (its result was
        there) or ``not run``; taken from the run, never from a file.
    notebook
        The notebook that ran; empty for an evaluation without one.
    seconds
        Wall time, with the start of the kernel.
    cell
        Number of the failed cell among all cells of the notebook, from 1; None if none failed.
    source, reason
        First line of the failed cell, and why it failed, each on one line.
    problems
        Every problem, where bad input is the reason.
    traceback
        The kernel's traceback, if there was one.
    notes
        What a reader must know, such as output that was cut.
    kernel
        ``warm`` or ``cold``: the kernel that was used.
    attempts
        How often it was run in this batch.
    about
        What a notebook with a scenario found: ``headline`` in zh and en, ``feasible``.
    content
        What it made, by kind, in bytes; taken out once it is written.
    files
        Where it was written, by kind.
    """

    id: str
    notebook: str
    status: str
    seconds: float = 0.0
    cell: int | None = None
    source: str = ""
    reason: str = ""
    problems: tuple[str, ...] = ()
    traceback: str = ""
    notes: tuple[str, ...] = ()
    kernel: str = ""
    attempts: int = 1
    about: Mapping[str, Any] = field(default_factory=dict)
    content: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    files: Mapping[str, str] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether a result is there."""
        return self.status in FINE

    @property
    def text(self) -> str:
        """The executed notebook as JSON text, while it is held here; else empty."""
        return self.content.get("notebook", b"").decode("utf-8")

    def __str__(self) -> str:
        if self.ok or self.status == "not run":
            status = self.status.replace(" ", "_")
            return f"{self.id}: {say(f'run.status.{status}')}"
        where = say("run.at_cell", number=self.cell) if self.cell else ""
        line = f" ({self.source})" if self.source else ""
        return f"{self.id}: {self.notebook}{where}{line}: {self.reason}"

    def light(self) -> Result:
        """The same without what it made."""
        return replace(self, content={})


def one_line(text: str, most: int = LONGEST) -> str:
    r"""A text on one line, control characters escaped, cut after `most` characters.

    >>> one_line("a\nb\x1b[0m")
    'a b\\x1b[0m'
    """
    flat = " ".join(text[: 20 * most].split())
    safe = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in flat)
    return safe if len(safe) <= most else f"{safe[: most - 1]}…"


def parse_size(text: str | float, *, where: str = "memory") -> int:
    """A size in bytes from ``500M``, ``2G``, ``1.5 GB`` or a number of bytes.

    Raises
    ------
    InputError
        If the text is no size or not above zero.

    Examples
    --------
    >>> parse_size("500M") // MB
    500
    """
    match = _SIZE.match(str(text))
    factor = {"": 1, "k": 1024, "m": MB, "g": 1024 * MB}
    size = float(match[1]) * factor[match[2].lower()] if match else 0.0
    if size < 1:
        raise InputError(where, "run.not_a_size", text=text)
    return int(size)


def parse_duration(text: str | float, *, where: str = "timeout") -> float:
    """Seconds from ``90``, ``90s``, ``2min``, ``2m`` or ``1h``.

    Raises
    ------
    InputError
        If the text is no duration or not above zero.

    Examples
    --------
    >>> parse_duration("2min")
    120.0
    """
    match = _DURATION.match(str(text))
    factor = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}
    seconds = float(match[1]) * factor[match[2] or "s"] if match else 0.0
    if seconds <= 0:
        raise InputError(where, "run.not_a_duration", text=text)
    return seconds


def readable_size(size: float) -> str:
    """A size for people.

    >>> readable_size(500 * MB)
    '500 MB'
    """
    for unit, factor in (("GB", 1024 * MB), ("MB", MB), ("kB", 1024)):
        if size >= factor:
            return f"{size / factor:.3g} {unit}"
    return f"{size:.0f} B"
