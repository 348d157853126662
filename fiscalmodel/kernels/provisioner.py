"""Kernel provisioner ``fiscalmodel-warm``: forked kernels, ordinary ones where they cannot be."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from fiscalmodel.kernels import parent
from fiscalmodel.kernels.manager import new_scratch, scratch_of
from fiscalmodel.words import say

#: Memory that an ordinary kernel needs for the imports that a warm one shares.
COLD_ALLOWANCE = 256 * 1024 * 1024
_INTERNAL = ("FISCALMODEL_KERNEL", "FISCALMODEL_PRELOAD")


class Lease:
    """The client's end of the connection to a kernel's supervisor."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.ended: dict[str, Any] | None = None
        self._buffer = b""
        first = self._wait_for_line()
        if "pid" not in first:
            connection.close()
            raise ConnectionError(first.get("error", "no kernel was started"))
        self.pid = int(first["pid"])
        connection.setblocking(False)

    def _wait_for_line(self) -> dict[str, Any]:
        while b"\n" not in self._buffer:
            part = self.connection.recv(4096)
            if not part:
                return {"error": "the supervisor ended"}
            self._buffer += part
        line, self._buffer = self._buffer.split(b"\n", 1)
        message: dict[str, Any] = json.loads(line)
        return message

    def poll(self) -> int | None:
        """None while the kernel runs, then its exit code (negative: a signal)."""
        while self.ended is None:
            try:
                part = self.connection.recv(4096)
            except (BlockingIOError, InterruptedError):
                return None
            except OSError:
                part = b""
            self._buffer += part
            if b"\n" in self._buffer:
                self.ended = json.loads(self._buffer.split(b"\n", 1)[0])
            elif not part:
                self.ended = {"exit": -signal.SIGKILL}
        code = self.ended.get("exit")
        return -signal.SIGKILL if code is None else int(code)

    def signal(self, number: int) -> None:
        """Send a signal to the kernel's process group."""
        with contextlib.suppress(OSError):
            self.connection.sendall(b"%d\n" % number)

    def release(self) -> None:
        """Let go: the supervisor kills the kernel and all that it started."""
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self.release()
        self.connection.close()


class WarmProvisioner(LocalProvisioner):
    """Forks kernels from the warm parent; falls back to a supervised ordinary kernel.

    Attributes
    ----------
    mode
        ``"warm"`` or ``"cold"``, once started.
    fate
        How the kernel ended, if not by the client's will.
    """

    mode = "cold"
    fate = ""
    lease: Lease | None = None
    scratch: Path | None = None
    _supervisor: subprocess.Popen[bytes] | None = None

    @property
    def has_process(self) -> bool:
        return self.lease is not None or self.process is not None

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        manager = self.parent
        if sys.platform == "linux" and manager is not None and not self._restarting():
            self.scratch = scratch_of(manager) or new_scratch()
            if self.scratch is not None:
                manager.transport = "ipc"
                manager.ip = str(self.scratch / "s")
                manager.cache_ports = False
        prepared: dict[str, Any] = await super().pre_launch(**kwargs)
        return prepared

    def _restarting(self) -> bool:
        return self.scratch is not None and self.scratch.is_dir()

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
        if sys.platform != "linux" or self.scratch is None:
            return await super().launch_kernel(cmd, **kwargs)
        environment = dict(kwargs.get("env") or os.environ)
        forks = environment.get("FISCALMODEL_KERNEL") != "cold"
        forks = forks and cmd[1:3] == ["-m", "ipykernel_launcher"]
        memory = int(environment.get("FISCALMODEL_KERNEL_MEMORY", "0"))
        # How a kernel was started is no business of the notebook's.
        environment = {k: v for k, v in environment.items() if not k.startswith(_INTERNAL)}
        cwd = str(kwargs.get("cwd") or os.getcwd())
        loop = asyncio.get_running_loop()
        self.fate = ""
        self.mode = "cold"
        if forks:
            asked = loop.run_in_executor(None, self._fork, cmd[3:], environment, cwd, memory)
            try:
                self.lease = await asyncio.shield(asked)
                self.mode = "warm"
            except asyncio.CancelledError:
                asked.add_done_callback(_nobody_wants)
                raise
            except (OSError, ValueError, struct.error):
                pass  # an ordinary kernel will do
        if self.lease is None:
            self.lease = self._spawn(cmd, environment, cwd, memory)
        self.pid = self.pgid = self.lease.pid
        self.cwd = cwd
        return self.connection_info

    def _fork(self, argv: list[str], env: dict[str, str], cwd: str, memory: int) -> Lease:
        """A kernel from the parent; asked again if the parent ends while it is asked."""
        if not os.path.isdir(cwd):
            raise FileNotFoundError(f"no folder {cwd}")
        for attempt in range(3):
            try:
                return self._fork_once(argv, env, cwd, memory)
            except parent.ParentFailed:
                raise
            except OSError:
                if attempt == 2:
                    raise
                time.sleep(0.2)
        raise AssertionError("not reached")

    def _fork_once(self, argv: list[str], env: dict[str, str], cwd: str, memory: int) -> Lease:
        connection = parent.connect()
        try:
            request: dict[str, Any] = {"argv": argv, "env": env, "cwd": cwd}
            request |= {"memory": memory or None, "scratch": str(self.scratch)}
            body = json.dumps(request).encode()
            connection.settimeout(60.0)
            connection.sendall(struct.pack(">I", len(body)) + body)
            return Lease(connection)
        except BaseException:
            connection.close()
            raise

    def _spawn(self, cmd: list[str], env: dict[str, str], cwd: str, memory: int) -> Lease:
        ours, theirs = socket.socketpair()
        with theirs:
            command = [sys.executable, "-m", "fiscalmodel.kernels.supervisor", str(theirs.fileno())]
            command += [str(memory + COLD_ALLOWANCE if memory else 0), str(self.scratch), *cmd]
            process = subprocess.Popen(
                command,
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=env,
                cwd=cwd,
            )
        self._supervisor = process
        try:
            ours.settimeout(60.0)
            return Lease(ours)
        except BaseException:
            ours.close()
            raise

    async def poll(self) -> int | None:
        if self.lease is None:
            code: int | None = await super().poll()
            return code
        return self.lease.poll()

    async def wait(self) -> int | None:
        if self.lease is None:
            code: int | None = await super().wait()
            return code
        pause = 0.002
        while (code := self.lease.poll()) is None:
            await asyncio.sleep(pause)
            pause = min(0.1, pause * 1.5)
        self._learn_fate()
        self.lease.close()
        self.lease = None
        if self._supervisor is not None:
            await asyncio.get_running_loop().run_in_executor(None, self._supervisor.wait)
            self._supervisor = None
        return code

    def _learn_fate(self) -> None:
        assert self.lease is not None
        ended = self.lease.ended or {}
        if ended.get("why") == "memory":
            self.fate = str(say("run.more_memory"))
        elif ended.get("why") in ("client", "stopped"):
            self.fate = ""
        elif ended.get("exit") is None:
            self.fate = str(say("run.supervisor_killed"))
        else:
            self.fate = spoken_exit(int(ended["exit"]))

    async def send_signal(self, signum: int) -> None:
        if self.lease is None:
            await super().send_signal(signum)
        elif signum == signal.SIGKILL:
            self.lease.release()
        else:
            self.lease.signal(signum)

    async def kill(self, restart: bool = False) -> None:
        if self.lease is None:
            await super().kill(restart)
        else:
            self.lease.release()

    async def terminate(self, restart: bool = False) -> None:
        if self.lease is None:
            await super().terminate(restart)
        else:
            self.lease.signal(signal.SIGTERM)

    def kill_tree(self) -> None:
        """Kill the kernel and all that it started; may be called from any thread."""
        if self.lease is not None:
            self.lease.release()

    async def cleanup(self, restart: bool = False) -> None:
        if self.lease is not None:
            if self.lease.poll() is not None:
                self._learn_fate()
            self.lease.close()
            self.lease = None
        if self.scratch is not None and not restart:
            shutil.rmtree(self.scratch, ignore_errors=True)
        await super().cleanup(restart)


def spoken_exit(code: int) -> str:
    """How a process ended, for people.

    Such as ``killed by SIGSEGV`` for -11 and ``exit code 3`` for 3.
    """
    if code < 0:
        try:
            return str(say("run.killed_by", signal=signal.Signals(-code).name))
        except ValueError:
            return str(say("run.killed_by", signal=-code))
    return str(say("run.exit_code", code=code))


def _nobody_wants(asked: asyncio.Future[Lease]) -> None:
    """The client gave up while a kernel was forked for it: the kernel ends."""
    if not asked.cancelled() and asked.exception() is None:
        asked.result().close()
