"""What a warm parent must have in common with a client: a name that changes with it."""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
import sysconfig
import time
from pathlib import Path
from typing import Any

#: What a report's kernel has imported before its first cell.
PRELOAD = (
    "pandas",
    "numpy",
    "matplotlib.pyplot",
    "matplotlib_inline.backend_inline",
    "scipy.stats",
    "scipy.optimize",
    "statsmodels.api",
    "statsmodels.tsa.api",
    "fiscalmodel",  # with all its modules, except those that run notebooks
)
_ENVIRONMENT = ("LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "MPLCONFIGDIR")


def preload_list() -> tuple[str, ...]:
    """Modules to import in the parent; ``FISCALMODEL_PRELOAD`` (comma-separated) replaces them."""
    named = os.environ.get("FISCALMODEL_PRELOAD")
    if named is None:
        return PRELOAD
    return tuple(name.strip() for name in named.split(",") if name.strip())


_stamped: tuple[float, str] = (0.0, "")


def fingerprint(*, fresh: bool = False) -> str:
    """Name of the parent that fits: interpreter, packages, code and imports.

    Within a batch or test session it is the one of its start, so that all its notebooks run
    the same code.
    """
    global _stamped
    pinned = os.environ.get("FISCALMODEL_KERNEL_PARENT_NAME")
    if pinned and not fresh:
        return pinned
    now = time.monotonic()
    if not fresh and _stamped[1] and now - _stamped[0] < 0.5:
        return _stamped[1]
    digest = hashlib.sha256()
    parts: list[Any] = [sys.executable, sys.version, sys.prefix, preload_list(), _code_stamp()]
    parts += [
        (name, os.environ[name])
        for name in sorted(os.environ)
        if name in _ENVIRONMENT or name.startswith("PYTHON")
    ]
    for folder in sorted({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}):
        # Installing or removing a package changes the time of this folder.
        with contextlib.suppress(OSError):
            parts.append((folder, os.stat(folder).st_mtime_ns))
    digest.update(repr(parts).encode())
    _stamped = (now, digest.hexdigest()[:16])
    return _stamped[1]


def _code_stamp() -> list[tuple[str, int, int]]:
    """Time and size of every module of this package."""
    root = str(Path(__file__).resolve().parent.parent)
    found: list[tuple[str, int, int]] = []
    folders = [root]
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.is_dir() and entry.name != "__pycache__":
                    folders.append(entry.path)
                elif entry.name.endswith(".py"):
                    status = entry.stat()
                    found.append((entry.path[len(root) :], status.st_mtime_ns, status.st_size))
    return sorted(found)
