"""Nothing immortal: clients and runners that go at any moment take their kernels along."""

from __future__ import annotations

import json
import os
import random
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from faults import faulty_notebooks as faulty

from fiscalmodel.kernels import parent
from fiscalmodel.kernels.manager import new_scratch

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="warm kernels are for Linux")
TESTS = str(Path(__file__).parent)
KILLS = 200 if os.environ.get("FISCALMODEL_SOAK") == "1" else 8


@pytest.fixture(scope="module", autouse=True)
def folder() -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FISCALMODEL_PRELOAD", "json")
        with parent.private_parent() as folder:
            yield folder


def kernels(folder: Path) -> list[int]:
    """Kernels of this session's parents, whoever their parent is by now."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            kind = Path(f"/proc/{name}/comm").read_text().strip()
            said = Path(f"/proc/{name}/cmdline").read_bytes()
            said += Path(f"/proc/{name}/environ").read_bytes()
        except OSError:
            continue
        kernel = kind == "fm-kernel" or b"ipykernel_launcher" in said or b"supervisor" in said
        if kernel and str(folder).encode() in said:
            found.append(int(name))
    return found


def none_left(folder: Path, seconds: float = 30.0) -> list[int]:
    until = time.monotonic() + seconds
    while (left := kernels(folder)) and time.monotonic() < until:
        time.sleep(0.1)
    return left


@pytest.mark.parametrize("waits", [0, 100], ids=["right after asking", "after the answer"])
def test_a_client_that_goes_during_the_start(folder: Path, waits: int) -> None:
    for _ in range(40):
        scratch = new_scratch()
        ports = dict.fromkeys(("shell_port", "iopub_port", "stdin_port", "control_port"), 1)
        connection = {**ports, "hb_port": 5, "ip": str(scratch / "s"), "key": "k"}
        connection |= {"transport": "ipc", "signature_scheme": "hmac-sha256", "kernel_name": ""}
        (scratch / "kernel.json").write_text(json.dumps(connection))
        request = {"argv": ["-f", str(scratch / "kernel.json")], "env": dict(os.environ)}
        request |= {"cwd": str(scratch), "memory": None, "scratch": str(scratch)}
        body = json.dumps(request).encode()
        with parent.connect() as client:
            client.sendall(struct.pack(">I", len(body)) + body)
            if waits:
                client.recv(waits)
    until = time.monotonic() + 30
    while list(folder.glob("k-*")) and time.monotonic() < until:
        time.sleep(0.1)  # each supervisor takes its folder along
    assert list(folder.glob("k-*")) == []
    assert none_left(folder) == []


def test_runners_killed_at_random_moments(folder: Path, tmp_path: Path) -> None:
    notebook = faulty.write_notebook(tmp_path / "n.ipynb", "import time; time.sleep(0.3)")
    code = (
        "import os, signal, sys, threading, time\n"
        f"sys.path.insert(0, {TESTS!r})\n"
        "from faults.faulty_notebooks import execute_notebook\n"
        "def end(): time.sleep(float(sys.argv[2])); os.kill(os.getpid(), signal.SIGKILL)\n"
        "threading.Thread(target=end).start()\n"
        "while True: execute_notebook(sys.argv[1], kernel=sys.argv[3])\n"
    )
    rng = random.Random(7)
    for number in range(0, KILLS, 4):
        started = [
            subprocess.Popen(
                [sys.executable, "-c", code, str(notebook), str(rng.uniform(0, 1.5)), kind]
            )
            for kind in ("warm", "warm", "warm", "warm" if number % 8 else "cold")
        ]
        for runner in started:
            assert runner.wait(60) == -signal.SIGKILL
    assert none_left(folder) == []


def test_a_supervisor_that_is_killed_leaves_nothing(folder: Path, tmp_path: Path) -> None:
    notebook = faulty.write_notebook(
        tmp_path / "n.ipynb",
        "import os, signal, subprocess\n"
        f"subprocess.Popen(['sleep', '{faulty.FOREVER}7'], start_new_session=True)\n"
        "os.kill(os.getppid(), signal.SIGKILL)\nimport time; time.sleep(60)",
    )
    result = faulty.execute_notebook(notebook)
    assert "the kernel died" in result.reason
    assert none_left(folder) == []
    for _ in range(100):
        running = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
        if f"sleep {faulty.FOREVER}7" not in running.stdout:
            break
        time.sleep(0.1)
    assert f"sleep {faulty.FOREVER}7" not in running.stdout


@pytest.mark.parametrize("kernel", ["warm", "cold"])
def test_a_deadline_during_the_start(folder: Path, tmp_path: Path, kernel: str) -> None:
    notebook = faulty.write_notebook(tmp_path / "n.ipynb", "1")
    for timeout in (0.001, 0.02, 0.05, 0.1, 0.2):
        result = faulty.execute_notebook(notebook, timeout=timeout, kernel=kernel)
        assert result.ok or "deadline" in result.reason, str(result)
    assert none_left(folder) == []


_EXHAUSTED = f"""
import os, resource, sys
sys.path.insert(0, {TESTS!r})
from faults.faulty_notebooks import execute_notebook

assert execute_notebook(sys.argv[1]).ok
used = len(os.listdir("/proc/self/fd"))
limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (used + int(sys.argv[2]), limit))
try:
    execute_notebook(sys.argv[1], timeout=20)
except (OSError, ValueError):
    pass  # not even the notebook could be opened
"""


@pytest.mark.parametrize("spare", [0, 3, 8, 14, 20, 26] if KILLS > 8 else [3, 14])
def test_no_free_descriptor(folder: Path, tmp_path: Path, spare: int) -> None:
    """What was started ends, also where ZeroMQ ends the whole runner; the next notebook runs."""
    notebook = faulty.write_notebook(tmp_path / "n.ipynb", "1")
    command = [sys.executable, "-c", _EXHAUSTED, str(notebook), str(spare)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert ended.returncode in (0, -signal.SIGABRT), ended.stderr
    assert none_left(folder) == []
    assert faulty.execute_notebook(notebook).ok
