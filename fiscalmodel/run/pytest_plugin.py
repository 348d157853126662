"""Makes ``pytest --nbval`` trustworthy, and fast.

Plain nbval lets a notebook pass whose outputs were stripped, and compares
numbers as text. With this plugin, which pytest loads by its entry point:

* every notebook has a test of its own, ``guard``: executed whole, in order, no tag or
  comment that hides an output, a table beside every chart;
* outputs are compared number by number, within the tolerance that the notebook states in
  ``metadata.fiscalmodel.tolerance`` (relative 1e-6 unless it does); pictures are not;
* ``--nbval-lax`` and sanitising files are refused;
* kernels are forked from one warm parent, shared by all test processes, unless a kernel was
  chosen or forking cannot work.

Nothing heavy is imported unless ``--nbval`` is given.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

_open = contextlib.ExitStack()


def pytest_configure(config: pytest.Config) -> None:
    """Refuse what would hide differences, and choose warm kernels."""
    option = config.option
    if getattr(option, "nbval_lax", False):
        raise pytest.UsageError("--nbval-lax compares nothing; use --nbval")
    if not getattr(option, "nbval", False):
        return
    if option.nbval_sanitize_with:
        raise pytest.UsageError(
            "--nbval-sanitize-with would hide numbers; state a tolerance in the notebook instead"
        )
    if option.nbval_kernel_name or option.nbval_current_env:
        return
    from fiscalmodel.run.kernels import KERNEL_NAME, is_installed
    from fiscalmodel.run.parent import can_fork, private_parent

    if can_fork() and is_installed():
        import os

        option.nbval_kernel_name = KERNEL_NAME
        if "FISCALMODEL_KERNEL_DIR" not in os.environ:  # a test process of a session has one
            _open.enter_context(private_parent())


def pytest_unconfigure() -> None:
    """End the warm parent with the session."""
    _open.close()


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """One guard for each notebook, beside nbval's cells."""
    if getattr(parent.config.option, "nbval", False) and file_path.suffix == ".ipynb":
        return GuardFile.from_parent(parent, path=file_path)
    return None


class GuardFile(pytest.File):
    """Collects the guard of a notebook."""

    def collect(self) -> Iterator[pytest.Item]:
        """The guard."""
        yield GuardItem.from_parent(self, name="guard")


class GuardItem(pytest.Item):
    """Fails if the notebook as committed could hide a wrong number."""

    def runtest(self) -> None:
        """Look at the file without running it."""
        from fiscalmodel.errors import InputError
        from fiscalmodel.run.notebook_guard import notebook_problems
        from fiscalmodel.run.parameters import read_notebook

        try:
            problems = notebook_problems(read_notebook(self.path))
        except InputError as error:
            problems = [str(error)]
        if problems:
            raise GuardFailure("\n".join(problems))

    def repr_failure(self, excinfo: Any, style: Any = None) -> Any:
        """The problems alone, without a traceback."""
        if isinstance(excinfo.value, GuardFailure):
            return f"{self.path.name}:\n{excinfo.value}"
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where it is."""
        return self.path, 0, f"{self.path.name}::guard"


class GuardFailure(Exception):
    """A notebook that must not be committed as it is."""


def pytest_itemcollected(item: pytest.Item) -> None:
    """Compare every cell, number by number."""
    if type(item).__name__ != "IPyNbCell" or not type(item).__module__.startswith("nbval"):
        return
    cell: Any = item
    for name in ("skip", "check_exception"):
        cell.options[name] = False
    cell.options["check"] = True
    cell.compare_outputs = lambda test, reference, skip_compare=None: _same(cell, test, reference)


def _same(cell: Any, test: Any, reference: Any) -> bool:
    """Replaces nbval's comparison as text; says what differs where nbval would."""
    from fiscalmodel.run.compare_outputs import Tolerance, differences

    try:
        tolerance = Tolerance.of(cell.parent.nb.metadata)
    except (TypeError, ValueError):
        tolerance = Tolerance()  # the guard fails for it
    cell.comparison_traceback = differences(reference, test, tolerance)
    return not cell.comparison_traceback
