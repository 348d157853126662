"""The parent of the warm kernels: imports first, then forks one kernel for each request.

Run as ``python -m fiscalmodel.run.forkserver SOCKET READY-DESCRIPTOR LINGER
MODULE…``. It has one thread, no IPython shell (that would start a thread) and
no state of any notebook. It keeps nothing about the kernels: a supervisor
process for each does, so that kernels outlive a parent that was killed.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import random
import select
import shutil
import signal
import socket
import struct
import sys
import time
from typing import Any

from fiscalmodel.run import supervisor
from fiscalmodel.run.warmup import WARM_UPS

_MAX_REQUEST = 4 * 1024 * 1024
_KERNEL_MODULES = (
    "ipykernel.ipkernel",
    "ipykernel.kernelapp",
    "ipykernel.debugger",
    "IPython.core.pylabtools",
    "IPython.core.completerlib",
    "IPython.core.debugger",
    "IPython.core.logger",
    "IPython.core.oinspect",
    "IPython.extensions.storemagic",
    "encodings.cp437",
    "pdb",
    "sqlite3",
    "tornado.platform.asyncio",
    "zmq.utils.garbage",
    "pandas.core.reshape.reshape",
    "pandas.io.formats.string",
    "fiscalmodel.run.kernelapp",
)
#: Start a thread when imported, and are imported by others where they are installed; a
#: notebook that wants one imports it itself.
_THREADED = ("polars",)


def main() -> None:
    """Preload, say that it is ready, serve until nobody needs it."""
    path, ready, linger, *modules = sys.argv[1:]
    out = os.fdopen(int(ready), "w")
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.path[:] = [entry for entry in sys.path if entry not in ("", os.getcwd())]
    failed, threaded = preload(modules)
    if len(os.listdir("/proc/self/task")) != 1:
        # A fork would copy their locks, held for ever.
        out.write(json.dumps({"error": f"{threaded or 'the warm-up'} starts threads"}))
        out.close()
        sys.exit(1)
    server = _listen(path)
    out.write(json.dumps({"ready": os.getpid(), "failed": failed}))
    out.close()
    owner = os.environ.get("FISCALMODEL_KERNEL_OWNER", "")
    try:
        serve(server, float(linger), owner)
    finally:
        for name in (path, _pid_file(path)):
            with contextlib.suppress(OSError):
                os.unlink(name)
        if owner and not os.path.exists(f"/proc/{owner}"):
            shutil.rmtree(os.path.dirname(path), ignore_errors=True)


def preload(modules: list[str]) -> tuple[list[str], str]:
    """Import modules and do once what is slow the first time.

    Returns the modules that could not be imported, each with the reason, and the first one
    that started a thread. The first are passed over: the notebook that needs one shows the
    error in its own cell.
    """
    os.environ.setdefault("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    failed, threaded = [], ""
    for blocked in _THREADED:
        sys.modules.setdefault(blocked, None)  # type: ignore[arg-type]
    names = [*modules, *_KERNEL_MODULES]
    if "fiscalmodel" in names:
        names += _package_modules()
    # Importing the debugger, which every kernel does, says that it will miss breakpoints.
    os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    for name in names:
        try:
            importlib.import_module(name)
        except Exception as error:
            failed.append(f"{name}: {error}")
        if not threaded and len(os.listdir("/proc/self/task")) != 1:
            threaded = name
    for warm_up in WARM_UPS:
        with contextlib.suppress(Exception):
            warm_up()
    for blocked in _THREADED:
        if sys.modules.get(blocked, 0) is None:
            del sys.modules[blocked]
    # Collected now and then left alone: the collector would copy shared pages.
    gc.collect()
    gc.freeze()
    return failed, threaded


def _package_modules() -> list[str]:
    import pkgutil

    import fiscalmodel

    found = pkgutil.walk_packages(fiscalmodel.__path__, "fiscalmodel.", onerror=lambda name: None)
    skipped = ("fiscalmodel.run", "fiscalmodel.cli", "fiscalmodel.__main__")
    return [module.name for module in found if not module.name.startswith(skipped)]


def _pid_file(path: str) -> str:
    return path.removesuffix(".sock") + ".pid"


def _listen(path: str) -> socket.socket:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        server.bind(path)
    finally:
        os.umask(before)
    server.listen(128)
    with open(_pid_file(path), "w") as stream:
        stream.write(str(os.getpid()))
    return server


def serve(server: socket.socket, linger: float, owner: str = "") -> None:
    """Fork a supervised kernel for each request, until idle for `linger` seconds.

    With an owner, a process id, it also ends when that process has.
    """
    stopped = False

    def stop(*_: object) -> None:
        nonlocal stopped
        stopped = True

    signal.signal(signal.SIGTERM, stop)
    path = server.getsockname()
    idle_since = time.monotonic()
    running: set[int] = set()
    while not stopped:
        readable = select.select([server], [], [], 1.0)[0] if not stopped else []
        _reap(running)
        if running:
            idle_since = time.monotonic()
        if owner and not os.path.exists(f"/proc/{owner}"):
            break
        if not os.path.exists(path):
            break  # the folder was removed: nobody can reach this process any more
        if readable:
            client, _ = server.accept()
            pid = _fork(client)
            client.close()
            if pid:
                running.add(pid)
            idle_since = time.monotonic()
        elif not running and time.monotonic() - idle_since > linger:
            break


def _reap(running: set[int]) -> None:
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, _ = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                break
            running.discard(pid)


def _fork(client: socket.socket) -> int | None:
    """Read one request and fork its supervisor."""
    client.settimeout(10.0)
    try:
        request = read_request(client)
    except (OSError, ValueError, struct.error):
        return None
    if request.get("ping"):
        supervisor.send(client, {"pid": os.getpid()})
        return None
    pid = os.fork()
    if pid == 0:
        try:
            client.settimeout(None)
            keep = client.fileno()
            os.closerange(3, keep)
            os.closerange(keep + 1, 4096)
            supervisor.supervise(
                client,
                lambda: run_worker(request) if "worker" in request else run_kernel(request),
                memory=request.get("memory"),
                scratch=request.get("scratch"),
            )
        finally:
            os._exit(1)
    return pid


def read_request(client: socket.socket) -> dict[str, Any]:
    """One request: four bytes of length, then JSON."""
    (size,) = struct.unpack(">I", _exactly(client, 4))
    if size > _MAX_REQUEST:
        raise ValueError("request too large")
    request = json.loads(_exactly(client, size))
    if not isinstance(request, dict):
        raise ValueError("not a request")
    return request


def _exactly(client: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = client.recv(size - len(data))
        if not part:
            raise ConnectionError("the client went away")
        data += part
    return data


def run_worker(request: dict[str, Any]) -> None:
    """In the forked process: become a worker of a batch."""
    supervisor.name_process("fm-worker")
    _settle(request)
    from fiscalmodel.run.worker import work

    work(request["worker"], request["key"].encode())


def run_kernel(request: dict[str, Any]) -> None:
    """In the forked process: become the kernel that a command line describes."""
    supervisor.name_process("fm-kernel")
    _settle(request)
    from fiscalmodel.run.kernelapp import start

    start(request["argv"], memory=request.get("memory"))


def _settle(request: dict[str, Any]) -> None:
    """Take over the client's environment and folder; nothing of the parent's stays open."""
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    if null > 2:
        os.close(null)
    os.environ.clear()
    os.environ.update(request["env"])
    os.chdir(request["cwd"])
    if hasattr(time, "tzset"):
        time.tzset()
    _reseed()


def _reseed() -> None:
    """Forks of one process would otherwise draw the same numbers."""
    random.seed()
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed()


if __name__ == "__main__":
    main()
