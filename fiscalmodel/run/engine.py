"""Papermill's engine with a deadline for the whole notebook and a cap on its output.

Importing this module registers the engine ``fiscalmodel`` with papermill.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from jupyter_core.utils import run_sync
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat.v4 import new_output
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine, papermill_engines

from fiscalmodel.run.limits import Limits, readable_size

ENGINE = "fiscalmodel"
#: Outputs kept for one notebook; each is an object in the file, whatever its size.
MAX_OUTPUTS = 5_000


class NotebookFailed(Exception):
    """A notebook did not run to its end: the reason, for people."""

    def __init__(self, reason: str, *, traceback: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.traceback = traceback


@dataclass
class Trace:
    """What happened while one notebook ran; filled by the engine."""

    cell_index: int | None = None
    dropped_bytes: int = 0
    kept_bytes: int = 0
    outputs: int = 0
    deadline_passed: bool = False
    kernel: str = ""
    notes: list[str] = field(default_factory=list)


class LimitedClient(PapermillNotebookClient):  # type: ignore[misc]
    """Runs the cells; stops at the first failure, at the deadline and at a dead kernel."""

    def __init__(self, manager: Any, *, limits: Limits, trace: Trace, **settings: Any) -> None:
        super().__init__(manager, **settings)
        self.limits = limits
        self.trace = trace
        self._timer: threading.Timer | None = None

    def papermill_execute_cells(self) -> None:
        # Papermill stops at a failed cell without raising; here the failure is raised.
        for index, cell in enumerate(self.nb.cells):
            self.trace.cell_index = index
            try:
                self.nb_man.cell_start(cell, index)
                self.execute_cell(cell, index)
            except BaseException as error:
                self.nb_man.cell_exception(cell, cell_index=index, exception=error)
                raise
            else:
                self.nb_man.cell_complete(cell, cell_index=index)
            if self.trace.deadline_passed:
                raise DeadKernelError("deadline")

    async def async_start_new_kernel(self, **settings: Any) -> None:
        if self.limits.timeout is not None:
            self._timer = threading.Timer(self.limits.timeout, self._on_deadline)
            self._timer.daemon = True
            self._timer.start()
        await super().async_start_new_kernel(**settings)
        self.trace.kernel = getattr(self.km.provisioner, "mode", "cold")

    async def _async_cleanup_kernel(self) -> None:
        provisioner = getattr(self.km, "provisioner", None)
        if self._timer is not None:
            self._timer.cancel()
        await super()._async_cleanup_kernel()
        fate = getattr(provisioner, "fate", "")
        if fate:
            self.trace.notes.append(fate)

    # The base class binds its own coroutines to these names.
    start_new_kernel = run_sync(async_start_new_kernel)
    _cleanup_kernel = run_sync(_async_cleanup_kernel)

    def _on_deadline(self) -> None:
        # Runs in the timer's thread: only kills; the waiting client notices the death.
        self.trace.deadline_passed = True
        for _ in range(600):
            provisioner = getattr(self.km, "provisioner", None)
            if provisioner is not None and provisioner.pid:
                kill_tree(provisioner)
                return
            time.sleep(0.1)  # the kernel is still being started

    def output(self, outs: list[Any], msg: Any, display_id: Any, cell_index: int) -> Any:
        size = _size(msg["content"])
        trace = self.trace
        trace.outputs += 1
        if trace.kept_bytes + size <= self.limits.output and trace.outputs <= MAX_OUTPUTS:
            trace.kept_bytes += size
            return self._merged(outs, msg, display_id, cell_index)
        if not trace.dropped_bytes:
            self._keep_start(outs, msg, display_id, cell_index)
        trace.dropped_bytes += size
        return None

    def _merged(self, outs: list[Any], msg: Any, display_id: Any, cell_index: int) -> Any:
        """Put a piece of a stream to the piece before it: how it was cut is chance."""
        last = outs[-1] if outs else None
        content = msg["content"]
        if (
            last is None
            or msg["msg_type"] != "stream"
            or last.get("output_type") != "stream"
            or last["name"] != content["name"]
            or self.clear_before_next_output
            or self.output_hook_stack[msg["parent_header"].get("msg_id")]
        ):
            return super().output(outs, msg, display_id, cell_index)
        last["text"] += content["text"]
        return last

    def _keep_start(self, outs: list[Any], msg: Any, display_id: Any, cell_index: int) -> None:
        """Keep what fits of a stream, then say that the rest is missing."""
        room = self.limits.output - self.trace.kept_bytes
        if msg["msg_type"] == "stream" and self.trace.outputs <= MAX_OUTPUTS and room > 0:
            msg["content"]["text"] = msg["content"]["text"][: room // 4]
            super().output(outs, msg, display_id, cell_index)
        said = f"\n[output cut here: more than {readable_size(self.limits.output)}]\n"
        if self.trace.outputs > MAX_OUTPUTS:
            said = f"\n[output cut here: more than {MAX_OUTPUTS:,} outputs]\n"
        outs.append(new_output("stream", name="stderr", text=said))


class LimitedEngine(NBClientEngine):  # type: ignore[misc]
    """Papermill engine that hands limits and trace to the client."""

    @classmethod
    def execute_managed_notebook(  # type: ignore[no-untyped-def]
        cls,
        nb_man,
        kernel_name,
        *,
        limits: Limits,
        trace: Trace,
        start: Mapping[str, Any],
        kernel_manager: Any = None,
        **_ignored: Any,
    ) -> Any:
        client = LimitedClient(
            nb_man,
            limits=limits,
            trace=trace,
            km=kernel_manager,
            kernel_name=kernel_name,
            startup_timeout=int(limits.start_timeout),
            timeout=None,
            shutdown_kernel="immediate",
            raise_on_iopub_timeout=True,
            iopub_timeout=30,
            record_timing=False,
            # Nobody scrolls back in a batch; the history is a database and a thread.
            extra_arguments=["--HistoryManager.enabled=False"],
        )
        client.owns_km = True
        return client.execute(**start)


papermill_engines.register(ENGINE, LimitedEngine)


def kill_tree(provisioner: Any) -> None:
    """Kill a kernel and what it started, from any thread."""
    if hasattr(provisioner, "kill_tree"):
        provisioner.kill_tree()
        return
    import psutil

    try:
        parent = psutil.Process(provisioner.pid)
        doomed = [*parent.children(recursive=True), parent]
    except psutil.NoSuchProcess:
        return
    for process in doomed:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue


def describe(error: BaseException, trace: Trace, limits: Limits) -> tuple[str, str]:
    """Reason and traceback of a failed run, for people."""
    if trace.deadline_passed:
        return f"the deadline of {limits.timeout:g} s for the whole notebook passed", ""
    if isinstance(error, CellExecutionError):
        reason = f"{error.ename}: {error.evalue}".strip().rstrip(":")
        if error.ename == "MemoryError" and limits.memory:
            reason += f" (the memory limit is {readable_size(limits.memory)})"
        if error.ename == "StdinNotImplementedError":
            reason = "input() was called, but nobody is there to answer in a batch"
        return reason, error.traceback
    if isinstance(error, DeadKernelError):
        how = "; ".join(trace.notes)
        return (f"the kernel died: {how}" if how else "the kernel died"), ""
    if isinstance(error, CellTimeoutError):
        return "the kernel stopped sending its output", ""
    if isinstance(error, NotebookFailed):
        return error.reason, error.traceback
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0] if text else ''}".rstrip(": "), ""


def _size(content: Mapping[str, Any]) -> int:
    """Bytes of one output, near enough."""
    if "text" in content:
        return len(content["text"].encode("utf-8", "replace"))
    if "data" in content:
        return sum(
            len(value) if isinstance(value, str) else len(json.dumps(value, default=str))
            for value in content["data"].values()
        )
    return sum(len(line) for line in content.get("traceback", ()))
