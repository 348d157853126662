"""The parent of the warm kernels: imports first, then forks one kernel for each request.

Run as ``python -m fiscalmodel.kernels.forkserver SOCKET READY-DESCRIPTOR LINGER
MODULE…``. It has one thread, no IPython shell (that would start a thread) and
no state of any notebook. It keeps nothing about the kernels: a supervisor
process for each does, so that kernels outlive a parent that was killed.
"""

from __future__ import annotations

import contextlib
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

from fiscalmodel.kernels import supervisor
from fiscalmodel.kernels.preload import preload

_MAX_REQUEST = 4 * 1024 * 1024


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
    # What a supervisor that was killed leaves comes here, and is killed.
    supervisor.prctl(supervisor.PR_SET_CHILD_SUBREAPER, 1)
    owner = os.environ.get("FISCALMODEL_KERNEL_OWNER", "")
    try:
        server = _listen(path)
        out.write(json.dumps({"ready": os.getpid(), "failed": failed}))
        out.close()
        serve(server, float(linger), owner)
    finally:
        for name in (path, _pid_file(path)):
            with contextlib.suppress(OSError):
                os.unlink(name)
        if owner and not os.path.exists(f"/proc/{owner}"):
            shutil.rmtree(os.path.dirname(path), ignore_errors=True)


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
    woken, waker = os.pipe()  # a signal alone does not end a wait
    os.set_blocking(waker, False)
    signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
    waiting: list[Any] = [server, woken]
    path = server.getsockname()
    idle_since = time.monotonic()
    running: set[int] = set()
    while not stopped:
        readable = server in select.select(waiting, [], [], 1.0)[0] and not stopped
        _reap(running)
        if running:
            idle_since = time.monotonic()
        if owner and not os.path.exists(f"/proc/{owner}"):
            break
        if not os.path.exists(path):
            break  # the folder was removed: nobody can reach this process any more
        if readable:
            try:
                client, _ = server.accept()
            except OSError:  # the client went, or no descriptor is free: the next look may do
                time.sleep(0.05)
                continue
            with client, contextlib.suppress(OSError):  # no process is free: the client is told
                pid = _fork(client)
                if pid:
                    running.add(pid)
            idle_since = time.monotonic()
        elif not running and time.monotonic() - idle_since > linger:
            break


def _reap(running: set[int]) -> None:
    """Take leave of supervisors that ended, and kill what came from one that was killed."""
    orphaned = False
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                break
            orphaned = orphaned or pid not in running or os.WIFSIGNALED(status)
            running.discard(pid)
    while orphaned:
        left = [pid for pid in supervisor.children(os.getpid()) if pid not in running]
        for pid in left:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)
        orphaned = bool(left)


def _fork(client: socket.socket) -> int | None:
    """Read one request and fork its supervisor."""
    client.settimeout(10.0)
    try:
        request = read_request(client)
    except (OSError, ValueError, struct.error):
        return None
    pid = os.fork()
    if pid == 0:
        signal.set_wakeup_fd(-1)
        try:
            client.settimeout(None)
            keep = client.fileno()
            os.closerange(3, keep)
            os.closerange(keep + 1, os.sysconf("SC_OPEN_MAX"))
            supervisor.supervise(
                client,
                lambda: run_kernel(request),
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


def run_kernel(request: dict[str, Any]) -> None:
    """In the forked process: become the kernel that a command line describes."""
    supervisor.name_process("fm-kernel")
    _settle(request)
    from fiscalmodel.kernels.kernelapp import start

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
