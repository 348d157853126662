"""Makes ``pytest --nbval`` trustworthy on a project's notebooks, and fast.

Plain nbval lets a notebook pass whose outputs were stripped, and compares
numbers as text. With this plugin, which pytest loads by its entry point, each
notebook inside a fiscalmodel project

* has a test of its own, ``guard``: executed whole, in order, no tag or comment that hides an
  output, a table beside every chart, nothing that cannot be compared;
* is compared output by output: floats within the tolerance that the notebook states in
  ``metadata.fiscalmodel.tolerance`` (relative 1e-6 unless it does), all else exactly; a display
  that was updated by its last value; pictures not;
* refuses ``--nbval-lax`` and sanitising files;
* runs on kernels forked from one warm parent, unless a kernel was chosen or forking cannot work.

Notebooks elsewhere are nbval's alone. Nothing heavy is imported unless ``--nbval`` is given.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

_open = contextlib.ExitStack()


def _asked(config: pytest.Config) -> bool:
    return any(getattr(config.option, name, False) for name in ("nbval", "nbval_lax"))


def _is_ours(file: Path) -> bool:
    """Whether a notebook lies inside a project."""
    return any((folder / "params" / "regions.yaml").is_file() for folder in file.parents)


def pytest_unconfigure() -> None:
    """End the warm parent with the session."""
    _open.close()


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """One guard for each notebook of a project, beside nbval's cells."""
    if file_path.suffix != ".ipynb" or not _asked(parent.config) or not _is_ours(file_path):
        return None
    return GuardFile.from_parent(parent, path=file_path)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Refuse what compares less than everything, whatever part of a notebook was chosen."""
    if not _asked(config) or not any(i.path.suffix == ".ipynb" and _is_ours(i.path) for i in items):
        return
    from fiscalmodel.words import say

    for option, key in (
        ("nbval_lax", "run.nbval_lax"),
        ("nbval_sanitize_with", "run.nbval_sanitize"),
    ):
        if getattr(config.option, option):
            raise pytest.UsageError(str(say(key)))


class GuardFile(pytest.File):
    """Collects the guard of a notebook."""

    def collect(self) -> Iterator[pytest.Item]:
        """The guard."""
        yield GuardItem.from_parent(self, name="guard")


class GuardItem(pytest.Item):
    """Fails if the notebook as committed could hide a wrong number."""

    def runtest(self) -> None:
        """Look at the file without running it."""
        from fiscalmodel.check_notebooks.guard import notebook_problems
        from fiscalmodel.errors import InputError
        from fiscalmodel.run.parameters import read_notebook

        try:
            problems = notebook_problems(read_notebook(self.path))
        except InputError as error:
            problems = [str(error)]
        if problems:
            pytest.fail("\n".join([f"{self.path.name}:", *problems]), pytrace=False)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where it is."""
        return self.path, 0, f"{self.path.name}::guard"


def pytest_itemcollected(item: pytest.Item) -> None:
    """Compare every cell of a project's notebooks output by output."""
    ours = type(item).__name__ == "IPyNbCell" and type(item).__module__.startswith("nbval")
    if not ours or not _is_ours(item.path):
        return
    cell: Any = item
    notebook: Any = item.parent
    for name in ("skip", "check_exception"):
        cell.options[name] = False
    cell.options["check"] = True
    if not hasattr(notebook, "fiscalmodel_shown"):
        notebook.fiscalmodel_shown = _Shown(notebook.get_kernel_message)
        notebook.get_kernel_message = notebook.fiscalmodel_shown.next_message
        notebook.setup = _on_a_warm_kernel(notebook, notebook.setup)
        notebook.teardown = notebook.fiscalmodel_shown.at_the_end(notebook.teardown)
    shown = notebook.fiscalmodel_shown
    cell.compare_outputs = lambda test, reference, skip_compare=None: _same(cell, shown, reference)


def _on_a_warm_kernel(notebook: Any, setup: Any) -> Any:
    from fiscalmodel.kernels.manager import KERNEL_NAME, is_installed
    from fiscalmodel.kernels.parent import can_fork, private_parent

    def begin() -> None:
        option = notebook.config.option
        chosen = option.nbval_kernel_name
        if not chosen and not option.nbval_current_env and can_fork() and is_installed():
            if "FISCALMODEL_KERNEL_DIR" not in os.environ:  # a test process of a session has one
                _open.enter_context(private_parent())
            option.nbval_kernel_name = KERNEL_NAME
        try:
            setup()
        finally:
            option.nbval_kernel_name = chosen

    return begin


class _Shown:
    """What a reader sees of a notebook's cells: cleared and updated as the kernel said.

    A cell whose output a later cell may still update is compared again at the end.
    """

    def __init__(self, source: Any) -> None:
        self._source = source
        self._cell = ""
        self._clear = False
        self._displays: dict[str, list[Any]] = {}
        self._open: list[tuple[Any, Any, list[Any]]] = []
        self.outputs: list[Any] = []

    def differences(self, cell: Any, reference: Any) -> list[str]:
        """What differs now; of a cell that is open still, nothing."""
        named = {id(output) for outputs in self._displays.values() for output in outputs}
        if any(id(output) in named for output in self.outputs):
            self._open.append((cell, reference, self.outputs))
            return []
        return _differences(cell, reference, self.outputs)

    def at_the_end(self, teardown: Any) -> Any:
        """The notebook's own end, after which the open cells are compared."""

        def end() -> None:
            teardown()
            found = [
                f"{cell.name}: {line}"
                for cell, reference, outputs in self._open
                for line in _differences(cell, reference, outputs)
            ]
            if found:
                pytest.fail("\n".join(found), pytrace=False)

        return end

    def next_message(self, *args: Any, **named: Any) -> Any:
        message = self._source(*args, **named)
        cell = message["parent_header"].get("msg_id", "")
        if cell != self._cell:
            self._cell, self._clear, self.outputs = cell, False, []
        kind, content = message["msg_type"], message["content"]
        identity = (content.get("transient") or {}).get("display_id")
        if kind == "clear_output":
            self._clear = bool(content.get("wait"))
            if not self._clear:
                self.outputs = []
        elif kind == "update_display_data":
            for output in self._displays.get(str(identity), ()):
                output["data"] = content["data"]
        elif kind in ("display_data", "execute_result", "stream", "error"):
            from nbformat.v4 import output_from_msg

            if self._clear:
                self.outputs, self._clear = [], False
            output = output_from_msg(message)
            self.outputs.append(output)
            if identity:
                self._displays.setdefault(identity, []).append(output)
        return message


def _same(cell: Any, shown: _Shown, reference: Any) -> bool:
    """Replaces nbval's comparison as text; says what differs where nbval would."""
    cell.comparison_traceback = shown.differences(cell, reference)
    return not cell.comparison_traceback


def _differences(cell: Any, reference: Any, outputs: list[Any]) -> list[str]:
    from fiscalmodel.check_notebooks.compare import Tolerance, differences

    try:
        tolerance = Tolerance.of(cell.parent.nb.metadata)
    except (TypeError, ValueError):
        tolerance = Tolerance()  # the guard fails for it
    return differences(reference, outputs, tolerance)
