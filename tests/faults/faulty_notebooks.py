"""Notebooks that misbehave, each in one way, made on the spot for the fault tests.

The number of a fault is that of the list of faults that a batch has to survive.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fiscalmodel.run.engines import LocalEngine
from fiscalmodel.run.job import Job, Limits, Result
from fiscalmodel.run.parameters import check_parameters, read_notebook

#: An odd number of seconds, by which leftover processes are recognised.
FOREVER = 98765


@dataclass(frozen=True)
class Fault:
    """One faulty notebook.

    Attributes
    ----------
    cells
        Its code cells; the second one (number 2) is the faulty one.
    reason
        What the batch must say about it; empty if it must succeed.
    timeout, memory
        Limits of its job.
    cell
        Number of the cell that must be named.
    """

    cells: tuple[str, ...]
    reason: str = ""
    timeout: str = "60s"
    memory: str | None = None
    cell: int | None = 2


def _after_parameters(*code: str) -> tuple[str, ...]:
    return (*code, "print('the end')")


def _hang(*code: str) -> Fault:
    return Fault(_after_parameters(*code), "the deadline of 4 s", timeout="4s")


FAULTS: dict[str, Fault] = {
    # 1: ends of all kinds
    "os_exit": Fault(_after_parameters("import os; os._exit(3)"), "the kernel died: exit code 3"),
    "os_exit_zero": Fault(_after_parameters("import os; os._exit(0)"), "the kernel died"),
    "segfault": Fault(_after_parameters("import ctypes; ctypes.string_at(0)"), "SIGSEGV"),
    "sigkill": Fault(
        _after_parameters("import os, signal; os.kill(os.getpid(), signal.SIGKILL)"), "SIGKILL"
    ),
    "abort": Fault(_after_parameters("import os; os.abort()"), "SIGABRT"),
    "sys_exit": Fault(_after_parameters("import sys; sys.exit()"), "SystemExit"),
    "sys_exit_zero": Fault(_after_parameters("import sys; sys.exit(0)"), "SystemExit"),
    "exception": Fault(_after_parameters("1 / 0"), "ZeroDivisionError: division by zero"),
    "syntax_error": Fault(_after_parameters("for"), "SyntaxError"),
    # 2: hangs
    "sleep": _hang("import time; time.sleep(98765)"),
    "hang_in_c": _hang("import ctypes; ctypes.PyDLL(None).sleep(98765)"),
    "hang_swallowing": _hang(
        "import time\nwhile True:\n    try:\n        time.sleep(98765)\n"
        "    except KeyboardInterrupt:\n        pass"
    ),
    "hang_blocking_signals": _hang(
        "import signal, time\nfor n in (2, 15):\n    signal.signal(n, signal.SIG_IGN)\n"
        "time.sleep(98765)"
    ),
    "many_short_cells": Fault(
        tuple("import time; time.sleep(0.4)" for _ in range(25)),
        "the deadline of 4 s",
        timeout="4s",
        cell=None,
    ),
    # 3: memory and output
    "out_of_memory": Fault(
        _after_parameters("x = []\nwhile True:\n    x.append(bytearray(10_000_000))"),
        "the memory limit is 200 MB",
        memory="200M",
    ),
    "out_of_memory_in_children": Fault(
        _after_parameters(
            "import subprocess, sys\ncode = 'import time; x = bytearray(90_000_000); "
            'x[::4096] = b"1" * len(x[::4096]); time.sleep(98765)\'\n'
            "for _ in range(4):\n    subprocess.Popen([sys.executable, '-c', code])\n"
            "import time; time.sleep(98765)"
        ),
        "more memory than the limit",
        memory="200M",
    ),
    "output_at_once": Fault(_after_parameters("print('x' * 50_000_000)")),
    "output_in_lines": Fault(
        _after_parameters("for _ in range(50):\n    print(('y' * 99 + '\\n') * 10_000)")
    ),
    "output_many_lines": Fault(
        _after_parameters("for number in range(200_000):\n    print(number, 'z' * 60)")
    ),
    "output_html": Fault(
        _after_parameters(
            "from IPython.display import HTML, display\ndisplay(HTML('w' * 30_000_000))"
        )
    ),
    "output_many_displays": Fault(
        _after_parameters(
            "from IPython.display import display\nfor i in range(6_000):\n    display(i)"
        )
    ),
    # 4: what is left behind
    "grandchild": Fault(
        _after_parameters("import subprocess; subprocess.Popen(['sleep', '98765'])")
    ),
    "grandchild_in_own_session": Fault(
        _after_parameters(
            "import subprocess\nsubprocess.Popen(['sleep', '98765'], start_new_session=True)"
        )
    ),
    "grandchild_daemon": Fault(
        _after_parameters(
            "import subprocess\nsubprocess.run(['sh', '-c', '(setsid sleep 98765 &)'], check=True)"
        )
    ),
    "grandchild_and_crash": Fault(
        _after_parameters(
            "import os, subprocess\nsubprocess.Popen(['sleep', '98765'], start_new_session=True)\n"
            "os._exit(9)"
        ),
        "exit code 9",
    ),
    "thread": Fault(
        _after_parameters(
            "import threading, time\nthreading.Thread(target=time.sleep, args=(98765,)).start()"
        )
    ),
    "fork": Fault(_after_parameters("import os, time\nif os.fork() == 0:\n    time.sleep(98765)")),
    "fork_and_exit": Fault(
        _after_parameters(
            "import os\npid = os.fork()\nif pid == 0:\n    os._exit(0)\nos.waitpid(pid, 0)"
        )
    ),
    # 14: nobody answers
    "input": Fault(_after_parameters("input('your name? ')"), "input() was called"),
}

HEALTHY = Fault(("import os; x = 1 + 1", "print('x is', x)"))

#: Names of state that one notebook sets and the next must not see.
PROBE_SET = """
import builtins, json, locale, os, random, warnings
import matplotlib, numpy, pandas
leaked_variable = 1
builtins.leaked_builtin = 1
os.environ["LEAKED"] = "1"
os.chdir("/")
matplotlib.rcParams["figure.dpi"] = 13
pandas.set_option("display.precision", 13)
json.leaked = 1
warnings.simplefilter("error", UserWarning)
locale.setlocale(locale.LC_ALL, "C")
leaked_file = open("/etc/hostname")
random.seed(1); numpy.random.seed(1)
os.umask(0o77)
"""
PROBE_READ = """
import builtins, json, locale, os, random, warnings
import matplotlib, numpy, pandas
print(json.dumps({
    "variable": "leaked_variable" in globals() or hasattr(builtins, "leaked_builtin"),
    "environment": "LEAKED" in os.environ,
    "folder": os.getcwd() == "/",
    "matplotlib": matplotlib.rcParams["figure.dpi"] == 13,
    "pandas": pandas.get_option("display.precision") == 13,
    "module": hasattr(json, "leaked"),
    "warnings": ("error", None, UserWarning, None, 0) in warnings.filters,
    "locale": locale.setlocale(locale.LC_CTYPE) == "C",
    "file": any("hostname" in os.readlink(f"/proc/self/fd/{n}") for n in os.listdir("/proc/self/fd")
                if os.path.exists(f"/proc/self/fd/{n}")),
    "random": random.random() == 0.13436424411240122 or numpy.random.rand() == 0.417022004702574,
    "umask": os.umask(0o22) == 0o77,
}))
print(random.random(), numpy.random.rand())
"""


def notebook(cells: tuple[str, ...], parameters: str | None = "code = 'none'") -> dict[str, object]:
    """A notebook with these code cells, the first tagged ``parameters`` unless None."""
    made = []
    sources = cells if parameters is None else (parameters, *cells)
    for index, source in enumerate(sources):
        tags = ["parameters"] if parameters is not None and index == 0 else []
        made.append(
            {
                "cell_type": "code",
                "id": f"c{index}",
                "metadata": {"tags": tags},
                "source": source,
                "outputs": [],
                "execution_count": None,
            }
        )
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    metadata = {"kernelspec": kernel}
    return {"cells": made, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def write_notebook(
    path: Path, *cells: str, parameters: str | None = "code = 'none'", **more: object
) -> Path:
    """Write a notebook made by `notebook`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**notebook(cells, parameters), **more}), encoding="utf-8")
    return path


def write_project(folder: Path, notebooks: dict[str, Fault]) -> Path:
    """A small project with notebooks, and a plan that runs each once; the plan's path."""
    (folder / "params" / "scenarios").mkdir(parents=True)
    (folder / "data").mkdir()
    (folder / "data" / "numbers.csv").write_text("a\n1\n")
    (folder / "params" / "regions.yaml").write_text("regions: {a: {zh: 甲, en: A}}\n")
    jobs = []
    for name, fault in notebooks.items():
        write_notebook(folder / "notebooks" / f"{name}.ipynb", *fault.cells)
        job = {"name": name, "notebook": name, "timeout": fault.timeout}
        jobs.append(job if fault.memory is None else {**job, "memory": fault.memory})
    return write_plan(folder, jobs)


def write_plan(folder: Path, jobs: list[dict[str, object]], **more: object) -> Path:
    """A plan file that asks for notebooks alone unless told; JSON is YAML."""
    plan = folder / "plan.yaml"
    content = {"jobs": jobs, "outputs": ["notebook"], **more}
    plan.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    return plan


def execute_notebook(
    notebook: str | Path,
    parameters: Mapping[str, Any] | None = None,
    *,
    timeout: float | None = None,
    kernel: str = "warm",
) -> Result:
    """One notebook as a batch runs it; its executed text is in the result."""
    path = Path(notebook)
    document = read_notebook(path)
    check_parameters(document, parameters or {}, where=str(path)).raise_if_any()
    job = Job(
        str(path), str(path), document, parameters or {}, cwd=path.resolve().parent, kernel=kernel,
        limits=Limits(timeout=timeout),
    )  # fmt: skip
    (result,) = LocalEngine(1).run([job])
    return result
