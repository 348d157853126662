"""Warm kernels: how a client finds or starts the process that they are forked from.

A Jupyter kernel spends seconds on imports before its first cell. Here one
process, the parent, has the imports done and forks a fresh process for each
notebook, so that nothing is shared between two notebooks and a kernel starts
in milliseconds. The kernelspec ``fiscalmodel-warm`` names a kernel
provisioner, so papermill, nbclient, nbval, Voila and JupyterLab use it as any
other kernel. Where forking cannot work, or the parent does not start, the same
kernelspec starts an ordinary kernel.

The parent listens on a socket whose name is a fingerprint of the interpreter,
the installed packages, the code of this package and the list of imports. Code
that was edited therefore gets a new parent, and the old one ends when its last
kernel did. ``FISCALMODEL_KERNEL_DIR`` names another folder for the socket,
``FISCALMODEL_KERNEL=cold`` turns forking off.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fiscalmodel.run.limits import Limits

KERNEL_NAME = "fiscalmodel-warm"
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
    "fiscalmodel",
)
#: Seconds that a parent without kernels and clients stays.
LINGER = 60.0
START_TIMEOUT = 90.0

_LONGEST_SOCKET = 90  # the system allows 107 bytes; kernels add a few
_ENVIRONMENT = ("LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "MPLCONFIGDIR")


def can_fork() -> bool:
    """Whether warm kernels can work here: Linux, and not turned off."""
    return sys.platform == "linux" and os.environ.get("FISCALMODEL_KERNEL") != "cold"


def kernel_folder() -> Path:
    """Folder of the sockets: short, and open to this user only.

    Raises
    ------
    OSError
        If the folder belongs to somebody else.
    """
    named = os.environ.get("FISCALMODEL_KERNEL_DIR")
    candidates = [Path(named)] if named else []
    for base in (os.environ.get("XDG_RUNTIME_DIR"), tempfile.gettempdir(), "/tmp"):
        if base and os.path.isdir(base) and os.access(base, os.W_OK):
            candidates.append(Path(base) / f"fiscalmodel-{os.getuid()}")
    folder = next((c for c in candidates if len(str(c)) <= _LONGEST_SOCKET - 30), candidates[-1])
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = folder.stat()
    if status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise PermissionError(f"{folder} is not a private folder of this user")
    return folder


def preload_list() -> tuple[str, ...]:
    """Modules to import in the parent; ``FISCALMODEL_PRELOAD`` (comma-separated) adds to them."""
    extra = os.environ.get("FISCALMODEL_PRELOAD", "")
    return (*PRELOAD, *(name.strip() for name in extra.split(",") if name.strip()))


_stamped: tuple[float, str] = (0.0, "")


def fingerprint(*, fresh: bool = False) -> str:
    """Name of the parent that fits: interpreter, packages, code and imports."""
    global _stamped
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
    for entry in sys.path:
        with contextlib.suppress(OSError):
            parts.append((entry, os.stat(entry or ".").st_mtime_ns) if _packages(entry) else entry)
    digest.update(repr(parts).encode())
    _stamped = (now, digest.hexdigest()[:16])
    return _stamped[1]


def _packages(entry: str) -> bool:
    # Installing or removing a package changes the time of this folder.
    return entry.endswith(("site-packages", "dist-packages"))


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


def connect() -> socket.socket:
    """A connection to the parent that fits; it is started if it does not run.

    Raises
    ------
    OSError
        If no parent can be reached or started.
    """
    path = kernel_folder() / f"{fingerprint()}.sock"
    for _ in range(3):
        with contextlib.suppress(OSError):
            return _connect(path)
        with _lock(path.with_name("parents.lock")):
            with contextlib.suppress(OSError):
                return _connect(path)
            start_parent(path)
    raise ConnectionError("the parent of the warm kernels does not answer")


def _connect(path: Path) -> socket.socket:
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        client.settimeout(START_TIMEOUT)
        client.connect(str(path))
    except BaseException:
        client.close()
        raise
    return client


@contextlib.contextmanager
def _lock(path: Path) -> Iterator[None]:
    """Only one process starts a parent."""
    import fcntl

    with path.open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def start_parent(path: Path) -> int:
    """Start the parent that listens on `path` and wait until it is ready; its process id.

    Raises
    ------
    OSError
        If it does not get ready; the reason is what it said.
    """
    reader, writer = os.pipe()
    environment = {k: v for k, v in os.environ.items() if not k.startswith("JPY_")}
    environment |= {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
    # Arrow's allocator would start a thread when pandas imports it.
    environment["JE_ARROW_MALLOC_CONF"] = "background_thread:false"
    linger = os.environ.get("FISCALMODEL_KERNEL_LINGER", str(LINGER))
    command = [sys.executable, "-m", "fiscalmodel.run.forkserver"]
    command += [str(path), str(writer), linger, *preload_list()]
    try:
        process = subprocess.Popen(
            command,
            pass_fds=(writer,),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            env=environment,
            cwd="/",
        )
    finally:
        os.close(writer)
    # The parent outlives this process; it is not waited for.
    process.returncode = 0
    try:
        said = _read_all(reader, START_TIMEOUT)
    finally:
        os.close(reader)
    answer = json.loads(said) if said else {"error": "it ended while it started"}
    if "error" in answer:
        raise ConnectionError(f"the parent of the warm kernels did not start: {answer['error']}")
    return process.pid


def _read_all(descriptor: int, timeout: float) -> bytes:
    import select

    said = b""
    deadline = time.monotonic() + timeout
    while (left := deadline - time.monotonic()) > 0:
        if not select.select([descriptor], [], [], left)[0]:
            break
        part = os.read(descriptor, 65536)
        if not part:
            break
        said += part
    return said


def private_parent() -> contextlib.AbstractContextManager[Path]:
    """A folder of its own for the parent of one batch or test session; both end with it.

    Sets ``FISCALMODEL_KERNEL_DIR`` for this process and those that it starts.
    """
    return _private_parent()


@contextlib.contextmanager
def _private_parent() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="fm-"))
    if len(str(folder)) > _LONGEST_SOCKET - 30:
        shutil.rmtree(folder)
        folder = Path(tempfile.mkdtemp(prefix="fm-", dir="/tmp"))
    before = {
        name: os.environ.get(name)
        for name in ("FISCALMODEL_KERNEL_DIR", "FISCALMODEL_KERNEL_LINGER")
    }
    os.environ["FISCALMODEL_KERNEL_DIR"] = str(folder)
    # Should this process be killed, the parent must not wait for long.
    os.environ["FISCALMODEL_KERNEL_LINGER"] = "10"
    try:
        yield folder
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        stop_parents(folder)
        shutil.rmtree(folder, ignore_errors=True)


def stop_parents(folder: Path) -> None:
    """End every parent that listens in a folder."""
    import signal

    for path in folder.glob("*.pid"):
        with contextlib.suppress(OSError, ValueError):
            pid = int(path.read_text())
            if b"fiscalmodel.run.forkserver" in Path(f"/proc/{pid}/cmdline").read_bytes():
                os.kill(pid, signal.SIGTERM)
                _await_end(pid)


def _await_end(pid: int) -> None:
    import signal

    for attempt in range(200):
        try:
            os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:
            pass
        if not Path(f"/proc/{pid}").exists():
            return
        if attempt == 100:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)


def kernel_manager() -> Any:
    """A kernel manager of ``fiscalmodel-warm``, also where the kernelspec was not installed."""
    from jupyter_client.kernelspec import KernelSpec
    from jupyter_client.manager import AsyncKernelManager

    source = Path(__file__).with_name("kernelspec")
    spec = KernelSpec.from_resource_dir(str(source))
    manager = AsyncKernelManager(kernel_name=KERNEL_NAME)
    manager._kernel_spec = spec
    scratch = new_scratch()
    if scratch is not None:
        manager.connection_file = str(scratch / "kernel.json")
    return manager


def new_scratch() -> Path | None:
    """A folder for one kernel's sockets, or None where sockets of this kind do not exist."""
    if not hasattr(socket, "AF_UNIX") or sys.platform == "win32":
        return None
    try:
        return Path(tempfile.mkdtemp(prefix="k-", dir=kernel_folder()))
    except OSError:
        return None


def start_settings(kernel: str, limits: Limits, cwd: Path | None) -> dict[str, Any]:
    """Arguments of ``start_kernel`` for a mode, limits and a working directory."""
    environment = dict(os.environ)
    if kernel == "cold":
        environment["FISCALMODEL_KERNEL"] = "cold"
    if limits.memory:
        environment["FISCALMODEL_KERNEL_MEMORY"] = str(limits.memory)
    settings: dict[str, Any] = {"env": environment}
    if cwd is not None:
        settings["cwd"] = str(cwd)
    return settings
