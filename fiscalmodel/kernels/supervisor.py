"""The process between a client and a kernel: it sees to it that nothing is left behind.

It is the kernel's parent and adopts whatever the kernel's processes leave. It
holds one end of the lease, a socket whose other end is the client's: when the
client goes, by its own will or not, the kernel and all that it started go too.
When the kernel ends, what it left is killed, and the client is told how it
ended. Linux only; it imports the standard library alone, since it lives in
thousands.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import select
import shutil
import signal
import socket
import sys
import time
from collections.abc import Callable
from typing import Any, NoReturn

_PR_SET_PDEATHSIG = 1
_PR_SET_NAME = 15
PR_SET_CHILD_SUBREAPER = 36
_SLACK = 48 * 1024 * 1024
_CHECK_EVERY = 0.5  # seconds between two looks at the memory


def prctl(option: int, value: int) -> None:
    """Set a property of this process (Linux)."""
    if ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


def name_process(name: str) -> None:
    """What ``top`` and ``ps`` call this process; at most 15 characters."""
    buffer = ctypes.create_string_buffer(name.encode()[:15])
    ctypes.CDLL(None).prctl(_PR_SET_NAME, buffer, 0, 0, 0)


def send(lease: socket.socket, message: dict[str, Any]) -> None:
    """Send one message; a client that is gone is no error."""
    with contextlib.suppress(OSError):
        lease.sendall(json.dumps(message).encode() + b"\n")


def supervise(
    lease: socket.socket,
    kernel: Callable[[], object],
    *,
    memory: int | None = None,
    scratch: str | None = None,
) -> NoReturn:
    """Fork, run `kernel` in the child, and watch over it until it ends or the client goes.

    Parameters
    ----------
    lease
        The connection to the client; it gets ``{"pid": …}`` and later ``{"exit": …}``.
    kernel
        What the child does; it must not return.
    memory
        Bytes that the kernel with all that it started may hold beyond what it started with.
    scratch
        Folder to remove at the end.
    """
    code = 1
    try:
        with contextlib.suppress(OSError):
            os.setsid()
        prctl(PR_SET_CHILD_SUBREAPER, 1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, _stop)
        supervisor = os.getpid()
        pid = os.fork()
        if pid == 0:
            _become_kernel(supervisor, lease, kernel)
        send(lease, {"pid": pid})
        lease.setblocking(False)
        try:
            why = _watch(lease, pid, memory)
        except _Stopped:
            why = "stopped"
        left = kill_children(first=pid)
        send(lease, {"exit": _exit_code.get(pid), "why": why, "left": left})
        code = 0
    except BaseException as error:  # the lease must end in any case
        send(lease, {"error": f"{type(error).__name__}: {error}"})
    finally:
        kill_children()
        if scratch:
            shutil.rmtree(scratch, ignore_errors=True)
        os._exit(code)


class _Stopped(Exception):
    pass


def _stop(*_: object) -> None:
    raise _Stopped


def _become_kernel(supervisor: int, lease: socket.socket, kernel: Callable[[], object]) -> NoReturn:
    code = 1
    try:
        lease.close()
        os.setsid()
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != supervisor:
            os._exit(1)  # it died before the line above
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        kernel()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    except BaseException:
        import traceback

        with contextlib.suppress(Exception):
            traceback.print_exc()
    finally:
        with contextlib.suppress(BaseException):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _watch(lease: socket.socket, pid: int, memory: int | None) -> str:
    """Wait for the end; why it came: ``""`` (by itself), ``client``, ``memory``."""
    watched = os.pidfd_open(pid)
    poll = select.poll()
    poll.register(watched, select.POLLIN)
    poll.register(lease, select.POLLIN)
    base = _anonymous(pid) if memory else 0
    pause = _CHECK_EVERY * 1000 if memory else None
    buffer = b""
    while True:
        events = dict(poll.poll(pause))
        if watched in events:
            return ""
        if lease.fileno() in events:
            try:
                part = lease.recv(4096)
            except BlockingIOError:
                continue
            except OSError:
                return "client"
            if not part:
                return "client"
            *lines, buffer = (buffer + part).split(b"\n")
            for line in lines:
                _signal_group(pid, int(line))
        if memory and _over(pid, base, memory):
            return "memory"


def _signal_group(pid: int, number: int) -> None:
    try:
        os.killpg(pid, number)
    except OSError:
        with contextlib.suppress(OSError):
            os.kill(pid, number)


def _over(pid: int, base: int, memory: int) -> bool:
    """Whether a kernel and its descendants hold more than `memory`.

    Resident pages are cheap to read but count what is shared with the parent; only a
    suspicion is followed up with the exact, slow figure.
    """
    # A single process meets the limit of `limit_memory` first, which tells it where it stood.
    memory += memory // 10 + _SLACK
    family = [pid, *descendants(pid)]
    if sum(map(_anonymous, family)) - base <= memory:
        return False
    return sum(map(_own, family)) > memory


def _anonymous(pid: int) -> int:
    return _field(f"/proc/{pid}/status", b"RssAnon:") + _field(f"/proc/{pid}/status", b"RssShmem:")


def _own(pid: int) -> int:
    path = f"/proc/{pid}/smaps_rollup"
    return sum(_field(path, name) for name in (b"Pss_Anon:", b"Pss_Shmem:"))


def _field(path: str, name: bytes) -> int:
    try:
        with open(path, "rb") as stream:
            for line in stream:
                if line.startswith(name):
                    return int(line.split()[1]) * 1024
    except (OSError, ValueError):
        pass
    return 0


def _parents() -> dict[int, int]:
    """Every process and its parent."""
    found = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as stream:
                    # The command in parentheses may hold spaces and parentheses.
                    found[int(name)] = int(stream.read().rpartition(b")")[2].split()[1])
            except (OSError, IndexError, ValueError):
                continue
    return found


def children(pid: int) -> list[int]:
    """The processes that a process is the parent of."""
    return [child for child, parent in _parents().items() if parent == pid]


def descendants(pid: int) -> list[int]:
    """All processes below a process, nearest first."""
    parents = _parents()
    found = [child for child, parent in parents.items() if parent == pid]
    for above in found:
        found += [child for child, parent in parents.items() if parent == above]
    return found


_exit_code: dict[int, int] = {}


def kill_children(*, first: int | None = None, patience: float = 10.0) -> int:
    """Kill every process below this one; how many there were beside `first`.

    A killed process hands its children to this one, so the loop ends when nothing is left.
    """
    seen: set[int] = set()
    if first is not None:
        # A child that was just forked leads no group yet, so it is killed by itself too.
        for kill in (os.killpg, os.kill):
            with contextlib.suppress(OSError):
                kill(first, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            _exit_code[first] = os.waitstatus_to_exitcode(os.waitpid(first, 0)[1])
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline and _reap():
        for child in descendants(os.getpid()):
            seen.add(child)
            with contextlib.suppress(OSError):
                os.kill(child, signal.SIGKILL)
        time.sleep(0.002)
    return len(seen)


def _reap() -> bool:
    """Take leave of ended children; whether some still live."""
    try:
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return True
            _exit_code[pid] = os.waitstatus_to_exitcode(status)
    except ChildProcessError:
        return False


def limit_memory(memory: int) -> None:
    """Refuse this process more than `memory` bytes on top of what it has now.

    An allocation beyond it fails, which Python turns into a `MemoryError`.
    """
    now = _field("/proc/self/status", b"VmData:")
    resource.setrlimit(resource.RLIMIT_DATA, (now + memory, now + memory))


def main() -> NoReturn:
    """Supervise a command: ``supervisor LEASE-DESCRIPTOR MEMORY SCRATCH COMMAND…``."""
    descriptor, memory, scratch, *command = sys.argv[1:]
    lease = socket.socket(fileno=int(descriptor))
    os.set_inheritable(lease.fileno(), False)

    def run() -> None:
        if int(memory):
            limit_memory(int(memory))
        os.execvpe(command[0], command, os.environ)

    supervise(lease, run, memory=int(memory) or None, scratch=scratch or None)


if __name__ == "__main__":
    main()
