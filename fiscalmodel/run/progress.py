"""What a batch says while it runs: a bar on a terminal, lines otherwise, JSON on request."""

from __future__ import annotations

import json
import sys
import time
from typing import Any, TextIO

from fiscalmodel.run.jobs import JobResult


class Progress:
    """Reports the start, every job and the end.

    Parameters
    ----------
    total
        Number of jobs to run.
    log_json
        One JSON object a line on standard output, nothing else.
    quiet
        Say nothing.
    unit
        What is counted.
    """

    def __init__(
        self, total: int, *, log_json: bool = False, quiet: bool = False, unit: str = "notebook"
    ) -> None:
        self.total = total
        self.log_json = log_json
        self.quiet = quiet
        self.done = 0
        self.failed = 0
        self.begun = time.monotonic()
        self.stream: TextIO = sys.stderr
        self._said = 0.0
        self._bar: Any = None
        if not quiet and not log_json and total and self.stream.isatty():
            from tqdm import tqdm

            self._bar = tqdm(total=total, unit=unit, dynamic_ncols=True, file=self.stream)

    def start(self, *, unchanged: int, workers: int, place: str) -> None:
        """Say what is about to run."""
        if self.log_json:
            self.event("start", jobs=self.total, unchanged=unchanged, workers=workers, place=place)
        elif not self.quiet:
            self._line(f"{self.total} to run, {unchanged} unchanged, {workers} at a time ({place})")

    def job(self, result: JobResult) -> None:
        """Say how one job ended."""
        self.done += 1
        self.failed += not result.ok
        if self.log_json:
            fields = {
                "job": result.id,
                "status": result.status,
                "notebook": result.notebook,
                "seconds": round(result.seconds, 3),
                "attempts": result.attempts,
                "done": self.done,
                "total": self.total,
            }
            if not result.ok:
                fields |= {"cell": result.cell, "source": result.source, "reason": result.reason}
            if result.notes:
                fields["notes"] = list(result.notes)
            self.event("job", **fields)
            return
        if self.quiet:
            return
        if not result.ok:
            self._line(f"failed  {result}")
        for note in result.notes:
            self._line(f"note    {result.id}: {note}")
        if self._bar is not None:
            self._bar.set_postfix(failed=self.failed)
            self._bar.update()
        elif time.monotonic() - self._said > 2.0 or self.done == self.total:
            self._said = time.monotonic()
            self._line(self._state())

    def _state(self) -> str:
        seconds = max(time.monotonic() - self.begun, 1e-9)
        rate = self.done / seconds
        left = (self.total - self.done) / rate if rate else 0.0
        return (
            f"{self.done}/{self.total} done, {self.failed} failed, "
            f"{rate:.2f} a second, {_clock(left)} left"
        )

    def _line(self, text: str) -> None:
        if self._bar is not None:
            self._bar.write(text, file=self.stream)
        else:
            print(text, file=self.stream, flush=True)

    def event(self, kind: str, **fields: Any) -> None:
        """One JSON line."""
        record = {"event": kind, "elapsed": round(time.monotonic() - self.begun, 3), **fields}
        print(json.dumps(record, ensure_ascii=False), file=sys.stdout, flush=True)

    def close(self) -> None:
        """End the bar."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
