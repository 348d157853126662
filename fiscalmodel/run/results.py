"""The results of a batch together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fiscalmodel.run.job import Result
from fiscalmodel.words import Text, say

if TYPE_CHECKING:
    import pandas as pd

_STATUSES = ("done", "capped", "unchanged", "failed", "not run")
_COLUMNS = ("id", "notebook", "status", "seconds", "attempts", "cell", "source", "reason")


@dataclass(frozen=True)
class Results:
    """How a batch ended.

    Attributes
    ----------
    results
        One for each job, in the order of the plan.
    out
        Where the files are.
    seconds
        Wall time.
    interrupted
        Whether it was stopped before its end.
    tables
        Files of tables, by name, if some were asked for.
    """

    results: tuple[Result, ...]
    out: str
    seconds: float = 0.0
    interrupted: bool = False
    tables: Mapping[str, str] = field(default_factory=dict)

    def of(self, status: str) -> list[Result]:
        """Results with a status: ``done``, ``capped``, ``failed``, ``unchanged``, ``not run``."""
        return [result for result in self.results if result.status == status]

    @property
    def failed(self) -> list[Result]:
        """Jobs that failed, each with notebook, cell and reason."""
        return self.of("failed")

    @property
    def ok(self) -> bool:
        """Whether every job has a result."""
        return all(result.ok for result in self.results) and not self.interrupted

    @property
    def exit_code(self) -> int:
        """0 fine, 1 some job failed or was not run, 130 interrupted."""
        return 130 if self.interrupted else 0 if self.ok else 1

    def counts(self) -> dict[str, int]:
        """How many ended with each status."""
        return {status.replace(" ", "_"): len(self.of(status)) for status in _STATUSES}

    @property
    def table(self) -> pd.DataFrame:
        """``job, notebook, status, seconds, attempts, cell, source, reason`` as a DataFrame."""
        import pandas as pd

        rows = [[getattr(result, name) for name in _COLUMNS] for result in self.results]
        return pd.DataFrame(rows, columns=["job", *_COLUMNS[1:]])

    def __str__(self) -> str:
        parts = [
            say("run.count", count=count, status=say(f"run.status.{status}"))
            for status, count in self.counts().items()
            if count
        ]
        what = Text.joined(parts, "，", ", ") or say("run.nothing_to_do")
        return str(say("run.summary", what=what, seconds=self.seconds, out=self.out))
