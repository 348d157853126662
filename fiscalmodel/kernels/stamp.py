"""What results and warm parents hang on: the package's code, the environment, the imports."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import sys
import sysconfig
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from fiscalmodel.folders import SHIPPED

#: What a report's kernel has imported before its first cell.
PRELOAD = (
    "pandas",
    "numpy",
    "matplotlib.pyplot",
    "matplotlib_inline.backend_inline",
    "fiscalmodel",  # with all its modules, except those that run notebooks
)
_ENVIRONMENT = ("LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "MPLCONFIGDIR")
_SHORT = 20


def digest(content: bytes) -> str:
    """A short SHA-256."""
    return hashlib.sha256(content).hexdigest()[:_SHORT]


def digest_json(value: Any) -> str:
    """Hash of a value; equal values have equal hashes, `nan` and text ``"nan"`` differ."""
    return digest(json.dumps(value, sort_keys=True, ensure_ascii=False, default=repr).encode())


def files_below(folder: str, skipped: Collection[str] = ()) -> Iterator[tuple[str, os.stat_result]]:
    """Every file below a folder in order, without editors' and systems' hidden ones."""
    with contextlib.suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            if entry.name.startswith((".", "~$")) or entry.path in skipped:
                continue
            if entry.is_dir(follow_symlinks=False):
                if not entry.name.startswith("__"):
                    yield from files_below(entry.path, skipped)
            elif not entry.name.endswith((".pyc", ".pyo")):
                with contextlib.suppress(OSError):
                    yield entry.path, entry.stat()


_stamps: dict[str, tuple[list[tuple[str, int, int]], str]] = {}


def content_stamp(folder: str | Path, *, without: tuple[str, ...] = ()) -> str:
    """Hash of names and contents of the files below a folder; only what changed is read again."""
    root = str(folder)
    looks = [
        (path, status.st_mtime_ns, status.st_size)
        for path, status in files_below(root, {f"{root}/{name}" for name in without})
    ]
    known = _stamps.get(name := f"{root}\0{without}")
    if known is None or known[0] != looks:
        total = hashlib.sha256()
        for path, _, _ in looks:
            with open(path, "rb") as stream:
                content = hashlib.file_digest(stream, "sha256").digest()
            total.update(os.path.relpath(path, root).encode() + b"\0" + content)
        known = _stamps[name] = (looks, total.hexdigest()[:_SHORT])
    return known[1]


def code_stamp() -> str:
    """Hash of this package: code, templates, kernelspec."""
    return content_stamp(Path(__file__).resolve().parents[1])


def environment_stamp() -> str:
    """Hash of the interpreter and of the names and versions of installed packages."""
    names: set[str] = set()
    for entry in sys.path:
        if os.path.isdir(entry):
            names |= {n for n in os.listdir(entry) if n.endswith((".dist-info", ".egg-info"))}
    return digest_json([sys.version, platform.machine(), sys.platform, sorted(names)])


def preload_list() -> tuple[str, ...]:
    """Modules to import in the parent; ``FISCALMODEL_PRELOAD`` (comma-separated) replaces them."""
    named = os.environ.get("FISCALMODEL_PRELOAD")
    if named is None:
        return PRELOAD
    return tuple(name.strip() for name in named.split(",") if name.strip())


def fingerprint(*, fresh: bool = False) -> str:
    """Name of the parent that fits: interpreter, packages, code, words and imports.

    Within a batch or test session it is the one of its start, so that all its notebooks run
    the same code.
    """
    pinned = os.environ.get("FISCALMODEL_KERNEL_PARENT_NAME")
    if pinned and not fresh:
        return pinned
    parts: list[Any] = [sys.executable, sys.version, sys.prefix, preload_list(), code_stamp()]
    parts += [content_stamp(SHIPPED / "words")]
    parts += [
        (name, os.environ[name])
        for name in sorted(os.environ)
        if name in _ENVIRONMENT or name.startswith("PYTHON")
    ]
    for folder in sorted({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}):
        # Installing or removing a package changes the time of this folder.
        with contextlib.suppress(OSError):
            parts.append((folder, os.stat(folder).st_mtime_ns))
    return digest(repr(parts).encode())[:16]
