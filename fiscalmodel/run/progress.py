"""What a batch says while it runs: a bar on a terminal, lines otherwise, JSON on request."""

from __future__ import annotations

import json
import sys
import time
from typing import Any, TextIO

from fiscalmodel.run.job import Result
from fiscalmodel.words import say


class Progress:
    """Reports the start, every job and the end.

    Parameters
    ----------
    log_json
        One JSON object a line on standard output, nothing else.
    quiet
        Say nothing.
    """

    def __init__(self, *, log_json: bool = False, quiet: bool = False) -> None:
        self.log_json = log_json
        self.quiet = quiet or log_json
        self.total = self.done = self.failed = 0
        self.begun = time.monotonic()
        self.stream: TextIO = sys.stderr
        self._said = 0.0
        self._bar: Any = None

    def start(self, total: int, *, unchanged: int, workers: int, place: str) -> None:
        """Say what is about to run."""
        self.total = total
        numbers = {"unchanged": unchanged, "workers": workers, "place": place}
        self.event("start", jobs=total, **numbers)
        if self.quiet:
            return
        self._line(str(say("run.begins", total=total, **numbers)))
        if total and self.stream.isatty():
            from tqdm import tqdm  # shows rate and time left

            self._bar = tqdm(total=total, unit="", dynamic_ncols=True, file=self.stream)

    def job(self, result: Result, *, why: bool = True) -> None:
        """Say how one job ended; `why` it failed, unless that is said elsewhere."""
        self.done += 1
        self.failed += not result.ok
        fields = {
            "job": result.id,
            "status": result.status,
            "notebook": result.notebook,
            "seconds": round(result.seconds, 3),
            "attempts": result.attempts,
            **self._pace(),
        }
        if not result.ok:
            fields |= {"cell": result.cell, "source": result.source, "reason": result.reason}
        if result.notes:
            fields["notes"] = list(result.notes)
        self.event("job", **fields)
        if why and not result.ok:
            self.failure(result)
        for note in result.notes:
            self._line(f"{result.id}: {note}")
        if self._bar is not None:
            self._bar.update()
        elif time.monotonic() - self._said > 2.0 or self.done == self.total:
            self._said = time.monotonic()
            self._line(str(say("run.pace", failed=self.failed, **self._pace())))

    def failure(self, result: Result) -> None:
        """Say why a job has no result."""
        self._line(str(say("run.failed_line", result=str(result))))

    def _pace(self) -> dict[str, Any]:
        rate = self.done / max(time.monotonic() - self.begun, 1e-9)
        left = (self.total - self.done) / rate if rate else 0.0
        numbers = {"done": self.done, "total": self.total}
        return {**numbers, "per_second": round(rate, 3), "seconds_left": round(left)}

    def _line(self, text: str) -> None:
        if self._bar is not None:
            self._bar.write(text, file=self.stream)
        elif not self.quiet:
            print(text, file=self.stream, flush=True)

    def event(self, kind: str, **fields: Any) -> None:
        """One JSON line, if they were asked for."""
        if self.log_json:
            record = {"event": kind, "elapsed": round(time.monotonic() - self.begun, 3), **fields}
            print(json.dumps(record, ensure_ascii=False), file=sys.stdout, flush=True)

    def close(self) -> None:
        """End the bar."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None
