"""The parent process that warm kernels are forked from: found, started, ended.

It listens on a socket whose name is a fingerprint of the interpreter, the
installed packages, the code and words of this package and the list of imports.
Code that was edited therefore gets a new parent, and the old one ends when its last
kernel did.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from fiscalmodel.kernels.stamp import fingerprint, preload_list

#: Seconds that a parent without kernels and clients stays.
LINGER = 60.0
START_TIMEOUT = 90.0
_FORGET_FAILURE = 300.0

_LONGEST_SOCKET = 90  # the system allows 107 bytes; kernels add a few


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


def connect() -> socket.socket:
    """A connection to the parent that fits; it is started if it does not run.

    Raises
    ------
    OSError
        If no parent can be reached or started.
    """
    path = kernel_folder() / f"{fingerprint()}.sock"
    with contextlib.suppress(OSError):
        return _connect(path)
    with _lock(path.with_name("parents.lock")):
        with contextlib.suppress(OSError):
            return _connect(path)  # another process started it meanwhile
        _start_once(path)
        return _connect(path)


def _start_once(path: Path) -> None:
    """Start a parent, unless one with this name could not start a while ago."""
    note = path.with_suffix(".failed")
    with contextlib.suppress(FileNotFoundError):
        if time.time() - note.stat().st_mtime < _FORGET_FAILURE:
            raise ParentFailed(note.read_text())
    try:
        start_parent(path)
    except ConnectionError as error:
        note.write_text(str(error))
        raise ParentFailed(str(error)) from None
    note.unlink(missing_ok=True)


class ParentFailed(ConnectionError):
    """The parent cannot start here; an ordinary kernel will do."""


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
    environment |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    # Arrow's allocator would start a thread when pandas imports it.
    environment["JE_ARROW_MALLOC_CONF"] = "background_thread:false"
    linger = os.environ.get("FISCALMODEL_KERNEL_LINGER", str(LINGER))
    command = [sys.executable, "-m", "fiscalmodel.kernels.forkserver"]
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


@contextlib.contextmanager
def private_parent(preload: tuple[str, ...] = ()) -> Iterator[Path]:
    """A folder of its own for the parent of one batch or test session; both end together.

    For this process and those that it starts, by way of the environment. Within another one
    it is the same.
    """
    outer = os.environ.get("FISCALMODEL_KERNEL_DIR", "")
    if os.environ.get("FISCALMODEL_KERNEL_PARENT_NAME") and os.path.isdir(outer):
        yield Path(outer)
        return
    folder = Path(tempfile.mkdtemp(prefix="fm-"))
    if len(str(folder)) > _LONGEST_SOCKET - 30:
        folder.rmdir()
        folder = Path(tempfile.mkdtemp(prefix="fm-", dir="/tmp"))
    settings = {
        "FISCALMODEL_KERNEL_DIR": str(folder),
        # The parent ends with this process, however that ends, and not before.
        "FISCALMODEL_KERNEL_LINGER": "3600",
        "FISCALMODEL_KERNEL_OWNER": str(os.getpid()),
        "FISCALMODEL_PRELOAD": ",".join((*preload_list(), *preload)),
    }
    before = {name: os.environ.get(name) for name in (*settings, "FISCALMODEL_KERNEL_PARENT_NAME")}
    os.environ.update(settings)
    os.environ["FISCALMODEL_KERNEL_PARENT_NAME"] = fingerprint(fresh=True)
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
    for path in folder.glob("*.pid"):
        with contextlib.suppress(OSError, ValueError):
            pid = int(path.read_text())
            if b"fiscalmodel.kernels.forkserver" in Path(f"/proc/{pid}/cmdline").read_bytes():
                os.kill(pid, signal.SIGTERM)
                _await_end(pid)


def _await_end(pid: int) -> None:
    for attempt in range(200):
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
        if not Path(f"/proc/{pid}").exists():
            return
        if attempt == 100:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)
