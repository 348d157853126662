"""Run one notebook with parameters, through papermill, to a file that is whole or absent."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fiscalmodel.errors import InputError
from fiscalmodel.run.limits import Limits


@dataclass(frozen=True)
class Result:
    """How one notebook ended.

    Attributes
    ----------
    status
        ``"done"`` or ``"failed"``; taken from the exception of the run, never from the file.
    notebook
        The notebook that ran.
    output
        The executed notebook; None if it failed or none was asked for.
    seconds
        Wall time, with the start of the kernel.
    cell
        Number of the failed cell among all cells of the notebook, from 1; None if none failed.
    source
        First line of the failed cell.
    reason
        Why it failed, for people; empty if it did not.
    traceback
        The kernel's traceback, if there was one.
    notes
        What a reader must know, such as output that was cut.
    kernel
        ``"warm"`` or ``"cold"``: the kernel that was used.
    text
        The executed notebook as JSON text (ipynb); empty if it failed.
    """

    status: str
    notebook: str
    output: Path | None
    seconds: float
    cell: int | None = None
    source: str = ""
    reason: str = ""
    traceback: str = ""
    notes: tuple[str, ...] = ()
    kernel: str = "cold"
    text: str = ""

    @property
    def ok(self) -> bool:
        """Whether the notebook ran to its end."""
        return self.status == "done"

    def __str__(self) -> str:
        if self.ok:
            return f"{self.notebook}: done in {self.seconds:.1f} s"
        where = f", cell {self.cell}" if self.cell else ""
        line = f" ({self.source})" if self.source else ""
        return f"{self.notebook}{where}{line}: {self.reason}"


def execute_notebook(
    notebook: str | Path,
    output: str | Path | None,
    parameters: Mapping[str, Any] | None = None,
    *,
    timeout: float | None = None,
    memory_limit: int | None = None,
    output_limit: int | None = None,
    kernel: str = "warm",
    cwd: str | Path | None = None,
    secrets: Sequence[str] = (),
) -> Result:
    """Run a notebook with parameters.

    Parameters
    ----------
    notebook
        Path of the notebook, format 4.
    output
        Where the executed notebook goes, or None. It is written to a temporary file beside it
        and renamed when the run succeeded; a failed run leaves nothing.
    parameters
        Values for the names of the cell tagged ``parameters``; they arrive as they are.
    timeout
        Seconds for the whole notebook, with the start of its kernel.
    memory_limit
        Bytes for the kernel and what it starts.
    output_limit
        Bytes of output that are kept (10 MB unless told); the cut is said in the notebook and
        in `Result.notes`.
    kernel
        ``"warm"`` (forked, where the system can) or ``"cold"``.
    cwd
        Working directory of the kernel; the notebook's folder unless told.
    secrets
        Names of environment variables whose values must not appear in any output.

    Returns
    -------
    Result
        A failed notebook is a result, not an exception.

    Raises
    ------
    InputError
        If the notebook cannot be read, has no ``parameters`` cell although parameters are
        given, or does not know one of them. No kernel was started then.
    """
    from fiscalmodel.run.parameters import check_parameters, read_notebook

    path = Path(notebook)
    document = read_notebook(path)
    check_parameters(document, parameters or {}, where=str(path)).raise_if_any()
    limits = Limits(
        timeout=timeout,
        memory=memory_limit,
        output=Limits.output if output_limit is None else output_limit,
    )
    result = run_document(
        document,
        parameters or {},
        name=str(notebook),
        limits=limits,
        kernel=kernel,
        cwd=Path(cwd) if cwd is not None else path.resolve().parent,
        secrets=secrets,
    )
    if output is None or not result.ok:
        return result
    target = Path(output)
    write_whole(target, result.text.encode("utf-8"))
    return Result(**{**result.__dict__, "output": target})


def run_document(
    document: Mapping[str, Any],
    parameters: Mapping[str, Any],
    *,
    name: str,
    limits: Limits,
    kernel: str = "warm",
    cwd: Path | None = None,
    secrets: Sequence[str] = (),
) -> Result:
    """Run a notebook that was read and checked; see `execute_notebook`."""
    import nbformat
    import papermill
    from papermill.log import logger

    from fiscalmodel.run.engine import ENGINE, Trace, describe
    from fiscalmodel.run.kernels import kernel_manager, start_settings
    from fiscalmodel.run.secrets import Redactor

    logger.disabled = True  # the caller reports; papermill's own lines would double it
    hide = Redactor.from_environment(secrets)
    trace = Trace()
    begun = time.perf_counter()
    node = _prepared(nbformat.from_dict(document))
    try:
        made = papermill.execute_notebook(
            node,
            None,
            dict(parameters) or None,
            engine_name=ENGINE,
            kernel_name="python3",
            language="python",
            progress_bar=False,
            request_save_on_cell_execute=False,
            limits=limits,
            trace=trace,
            kernel_manager=kernel_manager(),
            start=start_settings(kernel, limits, cwd),
        )
    except Exception as error:
        reason, traceback = describe(error, trace, limits)
        cell, source = _failed_cell(document, bool(parameters), trace.cell_index)
        return Result(
            "failed",
            name,
            None,
            time.perf_counter() - begun,
            cell=cell,
            source=hide(source),
            reason=hide(reason),
            traceback=hide(traceback),
            notes=tuple(_cut_note(trace)),
            kernel=trace.kernel or kernel,
        )
    text = hide.document(nbformat.writes(_settled(made, had_ids=_has_ids(document)))) + "\n"
    return Result(
        "done",
        name,
        None,
        time.perf_counter() - begun,
        notes=tuple(_cut_note(trace)),
        kernel=trace.kernel or kernel,
        text=text,
    )


def write_whole(target: Path, content: bytes) -> None:
    """Write a file that is whole or absent, also after a crash.

    Raises
    ------
    InputError
        If the folder cannot be written.
    """
    temporary = target.with_name(f".{target.name[:80]}.{uuid.uuid4().hex[:8]}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(target)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise InputError(
            str(target), f"cannot be written ({error.strerror})", "check the folder and its space"
        ) from None
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _prepared(node: Any) -> Any:
    """What papermill's own reader would add to a notebook."""
    from papermill.version import version

    node.metadata.setdefault(
        "papermill",
        {
            "default_parameters": {},
            "parameters": {},
            "environment_variables": {},
            "version": version,
        },
    )
    for cell in node.cells:
        cell.metadata.setdefault("tags", [])
        cell.metadata.setdefault("papermill", {})
    return node


def _has_ids(document: Mapping[str, Any]) -> bool:
    return all("id" in cell for cell in document["cells"])


def _settled(node: Any, *, had_ids: bool) -> Any:
    """Take out times, random names and the "path", which is the whole notebook here."""
    clock = ("start_time", "end_time", "duration")
    for index, cell in enumerate(node.cells):
        injected = "injected-parameters" in cell.metadata.get("tags", ())
        if "id" in cell and (injected or not had_ids):
            cell.id = "injected-parameters" if injected else f"cell-{index}"
        cell.metadata.pop("execution", None)
        for name in clock:
            cell.metadata.get("papermill", {}).pop(name, None)
    for name in (*clock, "input_path", "output_path"):
        node.metadata.get("papermill", {}).pop(name, None)
    return node


def _failed_cell(
    document: Mapping[str, Any], injected: bool, index: int | None
) -> tuple[int | None, str]:
    """Number (from 1, as in the notebook that the user has) and first line of a cell."""
    from fiscalmodel.run.parameters import parameters_index

    if index is None:
        return None, ""
    cells = document["cells"]
    at = parameters_index(cells)
    if injected and at is not None and index > at:
        if index == at + 1:
            return at + 1, "(the parameters)"
        index -= 1
    source = "".join(cells[index].get("source", "")) if index < len(cells) else ""
    lines = [line for line in source.splitlines() if line.strip()]
    return index + 1, lines[0].strip()[:120] if lines else ""


def _cut_note(trace: Any) -> list[str]:
    if not trace.dropped_bytes:
        return []
    from fiscalmodel.run.limits import readable_size

    return [f"output was cut: {readable_size(trace.dropped_bytes)} dropped"]
