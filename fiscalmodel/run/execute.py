"""Run one notebook with parameters; what it made is whole, or there is none of it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import re
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat.v4 import new_output
from nbformat.v4.rwbase import rejoin_lines

from fiscalmodel.kernels.manager import kernel_manager, scratch_of, start_settings
from fiscalmodel.run.job import Job, Limits, Result, one_line, readable_size
from fiscalmodel.run.parameters import parameters_index
from fiscalmodel.run.report import LEAVE, content_of, left_behind
from fiscalmodel.run.secrets import Redactor
from fiscalmodel.words import say

#: Outputs kept for one notebook; each is an object in the file, whatever its size.
MAX_OUTPUTS = 5_000
#: The share of the limits that every cell has for itself, whatever the others put out.
OWN_SHARE = 100
#: Papermill writes cells with this tag above a notebook that failed.
_OLD_MARKER = "papermill-error-cell-tag"
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class CellFailed(Exception):
    """A cell that failed though the kernel did not say so: what it says about itself."""

    def __init__(self, name: str, value: str, traceback: str = "") -> None:
        super().__init__(f"{name}: {value}")
        self.ename, self.evalue, self.traceback = name, value, traceback


@dataclass
class Trace:
    """What happened while one notebook ran."""

    cell: int | None = None
    dropped: int = 0
    deadline_passed: bool = False
    stopped: bool = False
    kernel: str = ""
    fate: str = ""
    left: dict[str, bytes] = field(default_factory=dict)


class Client(NotebookClient):
    """Runs the cells until the first failure or the deadline, within the limits of output."""

    def __init__(self, node: Any, limits: Limits, **settings: Any) -> None:
        super().__init__(
            node,
            km=kernel_manager(),
            startup_timeout=int(limits.start_timeout),
            timeout=None,
            shutdown_kernel="immediate",
            raise_on_iopub_timeout=True,
            iopub_timeout=30,
            record_timing=False,
            on_cell_executed=self._executed,
            # Nobody scrolls back in a batch; the history is a database and a thread.
            extra_arguments=["--HistoryManager.enabled=False"],
            **settings,
        )
        self.limits, self.trace = limits, Trace()
        self.manager: Any = self.km  # the base class forgets it when the kernel ends
        self._earlier_bytes = self._earlier_count = 0
        self._cell_bytes = self._cell_dropped = 0
        self._asked_to_exit = False
        self._loop: Any = None

    def run(self, start: Mapping[str, Any], outputs: Sequence[str] = ()) -> None:
        """Run every cell; at the end take what `report.leave` leaves behind for `outputs`.

        Raises
        ------
        Exception
            Whatever stopped it; see `_reason`. The kernel is gone in any case.
        """
        try:
            asyncio.run(self._run(start, outputs))
        finally:
            self._let_go()

    def stop(self) -> None:
        """End it from another thread."""
        self.trace.stopped = True
        loop = self._loop
        if loop is not None:
            with contextlib.suppress(RuntimeError):  # it ended meanwhile
                loop.call_soon_threadsafe(self._give_up)

    def _give_up(self) -> None:
        kill_kernel(self.manager)
        self._task.cancel()

    def _on_deadline(self) -> None:
        self.trace.deadline_passed = True
        self._give_up()

    async def _run(self, start: Mapping[str, Any], outputs: Sequence[str]) -> None:
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.ensure_future(self._cells(start, outputs))
        if self.limits.timeout is not None:
            self._loop.call_later(self.limits.timeout, self._on_deadline)
        if self.trace.stopped:
            self._task.cancel()
        try:
            await self._task
        except asyncio.CancelledError:
            raise DeadKernelError("stopped") from None
        finally:
            with contextlib.suppress(Exception):
                await asyncio.wait_for(self._end_kernel(), 20.0)

    async def _cells(self, start: Mapping[str, Any], outputs: Sequence[str]) -> None:
        self.reset_execution_trackers()
        await self.async_start_new_kernel(**start)
        self.trace.kernel = getattr(self.manager.provisioner, "mode", "cold")
        client: Any = await self.async_start_new_kernel_client()
        info: Any = await self.async_wait_for_reply(client.kernel_info())
        self.nb.metadata["language_info"] = info["content"]["language_info"]
        for index, cell in enumerate(self.nb.cells):
            self.trace.cell = index
            self._cell_bytes = self._cell_dropped = 0
            await self.async_execute_cell(cell, index, self.code_cells_executed + 1)
            self._earlier_bytes += self._cell_bytes
            self._earlier_count += len(cell.get("outputs", ()))
            self.trace.dropped += self._cell_dropped
            self._refuse_hidden_failure(cell)
        self.trace.cell = None
        self.set_widgets_metadata()
        if set(outputs) - {"notebook"}:
            await self._take_what_is_left(outputs)

    async def _take_what_is_left(self, outputs: Sequence[str]) -> None:
        folder = scratch_of(self.km)
        if folder is None:
            raise DeadKernelError("no folder")
        cell = nbformat.v4.new_code_cell(LEAVE.format(folder=str(folder), outputs=outputs))
        self.nb.cells.append(cell)
        try:
            await self.async_execute_cell(cell, len(self.nb.cells) - 1, store_history=False)
        finally:
            self.nb.cells.pop()
        self.trace.left = left_behind(folder)

    def _executed(self, cell: Any, cell_index: int, execute_reply: Any) -> None:
        payload = ((execute_reply or {}).get("content") or {}).get("payload") or ()
        self._asked_to_exit = any(part.get("source") == "ask_exit" for part in payload)

    def _refuse_hidden_failure(self, cell: Any) -> None:
        if self._asked_to_exit:
            raise CellFailed("SystemExit", str(say("run.exit_called")))
        if "raises-exception" in (cell.metadata.get("tags") or ()):
            return
        for output in cell.get("outputs", ()):
            # An object whose display raises leaves an error, and the kernel says "ok".
            if output["output_type"] == "error":
                lines = "\n".join(output.get("traceback", ()))
                raise CellFailed(output["ename"], output["evalue"], lines)

    async def _end_kernel(self) -> None:
        if self.km is not None:
            provisioner = self.km.provisioner
            with contextlib.suppress(Exception):
                await self._async_cleanup_kernel()
            self.trace.fate = getattr(provisioner, "fate", "")

    def _let_go(self) -> None:
        """The end of the lease, whatever went wrong before: no kernel outlives this."""
        kill_kernel(self.manager)
        lease: Any = getattr(self.manager.provisioner, "lease", None)
        if lease is not None:
            lease.close()
        folder = scratch_of(self.manager)
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)

    # What is kept of the output ------------------------------------------------------------

    def output(self, outs: list[Any], msg: Any, display_id: Any, cell_index: int) -> Any:
        if self.output_hook_stack[msg["parent_header"].get("msg_id")]:
            return super().output(outs, msg, display_id, cell_index)
        if self.clear_before_next_output:
            outs[:] = []
            self.clear_display_id_mapping(cell_index)
            self.clear_before_next_output = False
        if not outs:
            self._cell_bytes = self._cell_dropped = 0
        size = _size(msg["content"])
        streamed = self._continues(outs, msg)
        room = self._room()
        if size <= room and (streamed or self._count_left(outs) > 0):
            self._cell_bytes += size
            if streamed:  # how a stream was cut into pieces is chance
                outs[-1]["text"] += msg["content"]["text"]
                return outs[-1]
            return super().output(outs, msg, display_id, cell_index)
        if not self._cell_dropped:
            self._say_cut(outs, msg, streamed, room)
        self._cell_dropped += size
        return None

    def process_message(self, msg: Any, cell: Any, cell_index: int) -> Any:
        if msg["msg_type"] == "update_display_data":
            shown = str((msg["content"].get("transient") or {}).get("display_id"))
            size = _size(msg["content"])
            places = self._display_id_map.get(shown, {})
            before = sum(
                _size(self.nb.cells[number]["outputs"][at])
                for number, positions in places.items()
                for at in positions
            )
            count = sum(map(len, places.values()))
            if count * size - before > self._room():
                self._cell_dropped += size
                return None
            self._cell_bytes += count * size - before
        return super().process_message(msg, cell, cell_index)

    def _room(self) -> int:
        """Bytes that the running cell may still put out."""
        most = self.limits.output
        return max(most - self._earlier_bytes, most // OWN_SHARE) - self._cell_bytes

    def _count_left(self, outs: list[Any]) -> int:
        return max(MAX_OUTPUTS - self._earlier_count, MAX_OUTPUTS // OWN_SHARE) - len(outs)

    @staticmethod
    def _continues(outs: list[Any], msg: Any) -> bool:
        last = outs[-1] if outs else {}
        stream = msg["msg_type"] == last.get("output_type") == "stream"
        return bool(stream and last["name"] == msg["content"]["name"])

    def _say_cut(self, outs: list[Any], msg: Any, streamed: bool, room: int) -> None:
        """Keep what fits of a stream, then say that the rest is missing."""
        if msg["msg_type"] == "stream" and (streamed or self._count_left(outs) > 0):
            start = msg["content"]["text"][: max(room, 0) // 4]
            if streamed:
                outs[-1]["text"] += start
            elif start:
                outs.append(new_output("stream", name=msg["content"]["name"], text=start))
            self._cell_bytes += len(start.encode("utf-8", "replace"))
        what = say("run.output_cut", size=readable_size(self.limits.output), count=MAX_OUTPUTS)
        outs.append(new_output("stream", name="stderr", text=f"\n[{what}]\n"))


def kill_kernel(manager: Any) -> None:
    """Kill a kernel and what it started, from any thread."""
    kill = getattr(getattr(manager, "provisioner", None), "kill_tree", None)
    if kill is not None:
        kill()


def run_job(job: Job, *, clients: set[Client] | None = None) -> Result:
    """Run a notebook that was read and checked; its own code runs in a kernel, never here.

    Anything that goes wrong is a result, so that one job cannot end a batch.

    Parameters
    ----------
    clients
        Holds the client while it runs, for whoever may have to stop it.
    """
    try:
        return _run_job(job, clients if clients is not None else set())
    except Exception as error:
        reason = one_line(f"{type(error).__name__}: {error}")
        return Result(job.id, job.notebook, "failed", reason=reason)


def _run_job(job: Job, clients: set[Client]) -> Result:
    hide = Redactor.from_environment(job.secrets)
    begun = time.perf_counter()
    node, numbers = _prepared(job.document, job.parameters)
    client = Client(node, job.limits)
    trace = client.trace
    clients.add(client)
    base: dict[str, Any] = {"id": job.id, "notebook": job.notebook}
    try:
        client.run(start_settings(job.kernel, job.limits.memory, job.cwd), job.outputs)
        text = hide(nbformat.writes(_settled(node, job.document))) + "\n"
        left = dict(trace.left)
        for name in left.keys() & {"about", "explain"}:  # texts; the others are not
            left[name] = hide(left[name].decode("utf-8")).encode("utf-8")
        about = json.loads(left.pop("about", b"{}"))
        content = content_of(job, text, left, about)
    except Exception as error:
        reason, problems, traceback = _reason(error, trace, job.limits)
        cell, source = _failed_cell(job.document, numbers, trace.cell)
        base |= {
            "status": "failed",
            "cell": cell,
            "source": one_line(hide(source), 120),
            "reason": one_line(hide(reason)),
            "problems": tuple(map(hide, problems)),
            "traceback": hide(traceback)[-20_000:],
        }
    else:
        kept = {name: about["summary"][name] for name in ("headline", "feasible") if about}
        base |= {"status": "capped" if trace.dropped else "done"}
        base |= {"content": content, "about": kept}
    finally:
        clients.discard(client)
    cut = [str(say("run.output_was_cut", size=readable_size(trace.dropped)))]
    return Result(
        **base,
        seconds=time.perf_counter() - begun,
        notes=tuple(cut if trace.dropped else ()),
        kernel=trace.kernel or job.kernel,
    )


def _prepared(
    document: Mapping[str, Any], parameters: Mapping[str, Any]
) -> tuple[Any, list[int | None]]:
    """The notebook to run with its parameters, and each cell's position in the given one."""
    cells: list[Any] = []
    numbers: list[int | None] = []
    at = parameters_index(document["cells"])
    for index, cell in enumerate(document["cells"]):
        tags = cell["metadata"].get("tags") or ()
        # What papermill put into a notebook that it ran is not the notebook's.
        if _OLD_MARKER in tags or (parameters and "injected-parameters" in tags):
            continue
        cells.append(cell)
        numbers.append(index)
        if parameters and index == at:
            cells.append(_injected(document, parameters))
            numbers.append(None)
    metadata = dict(document["metadata"])
    if parameters:
        metadata["papermill"] = {"parameters": dict(parameters)}
    node = nbformat.from_dict({**document, "cells": cells, "metadata": metadata})
    return rejoin_lines(node), numbers


def _injected(document: Mapping[str, Any], parameters: Mapping[str, Any]) -> dict[str, Any]:
    lines = [f"{name} = {literal(value)}" for name, value in parameters.items()]
    cell: dict[str, Any] = {
        "cell_type": "code",
        "execution_count": None,
        "metadata": {"tags": ["injected-parameters"]},
        "outputs": [],
        "source": "\n".join(["# Parameters", *lines]),
    }
    return {**cell, "id": "injected-parameters"} if _has_ids(document) else cell


def literal(value: Any) -> str:
    """A value as Python source.

    >>> literal({"a": [1, None, float("nan"), "010101"]})
    "{'a': [1, None, float('nan'), '010101']}"
    """
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{literal(k)}: {literal(v)}' for k, v in value.items())}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(literal, value))}]"
    if isinstance(value, float) and not math.isfinite(value):
        return f"float({str(value)!r})"
    return repr(value)


def _has_ids(document: Mapping[str, Any]) -> bool:
    return all("id" in cell for cell in document["cells"])


def _settled(node: Any, document: Mapping[str, Any]) -> Any:
    """Take out times and random names, so that the same run gives the same bytes."""
    named = _has_ids(document)
    for index, cell in enumerate(node.cells):
        if "id" in cell and not named:
            cell.id = f"cell-{index}"
        cell.metadata.pop("execution", None)
    return node


def _failed_cell(
    document: Mapping[str, Any], numbers: Sequence[int | None], index: int | None
) -> tuple[int | None, str]:
    """Number (from 1, as in the notebook that the user has) and first line of a cell."""
    if index is None:
        return None, ""
    at = numbers[index]
    if at is None:
        own = parameters_index(document["cells"])
        return (None if own is None else own + 1), str(say("run.the_parameters"))
    lines = "".join(document["cells"][at].get("source", "")).strip().splitlines()
    return at + 1, lines[0] if lines else ""


def _reason(error: BaseException, trace: Trace, limits: Limits) -> tuple[str, tuple[str, ...], str]:
    """Why a run failed: in words, problem by problem where it is bad input, and traceback."""
    if trace.deadline_passed:
        return str(say("run.deadline_passed", seconds=limits.timeout)), (), ""
    if isinstance(error, CellExecutionError | CellFailed):
        name, value = error.ename, str(error.evalue or "")
        if name == "NoneType":  # a display that raised: the kernel had lost the error by then
            plain = _COLOUR.sub("", str(error.traceback)).strip().splitlines() or [name]
            name, _, value = plain[-1].partition(": ")
        reason = f"{name}: {value}".strip().rstrip(":")
        if name == "MemoryError" and limits.memory:
            reason += f" ({say('run.memory_limit', size=readable_size(limits.memory))})"
        if name == "StdinNotImplementedError":
            reason = str(say("run.input_called"))
        problems = tuple(value.splitlines()) if name == "InputError" else ()
        return reason, problems, str(error.traceback)
    if isinstance(error, DeadKernelError):
        if trace.fate:
            return str(say("run.kernel_died_how", how=trace.fate)), (), ""
        return str(say("run.kernel_died")), (), ""
    if isinstance(error, CellTimeoutError):
        return str(say("run.kernel_silent")), (), ""
    return f"{type(error).__name__}: {error}".rstrip(": "), (), ""


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
