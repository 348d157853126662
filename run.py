#!/usr/bin/env python3
"""The two commands: ``python3 run.py report`` and ``python3 run.py test``.

Needs Python 3.11 or newer and nothing else. Makes ``.venv`` beside this file,
installs the locked packages (with uv where that is on the path, else pip) and
starts what was asked for. Works on Linux, macOS and Windows.
"""

import sys

if sys.version_info < (3, 11):  # before anything that an older Python cannot read
    sys.exit(
        "fiscalmodel needs Python 3.11 or newer; this is %d.%d. Install a newer one from "
        "python.org or your system's packages, then run it again." % sys.version_info[:2]
    )

import hashlib
import json
import os
import platform
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
STAMP = VENV / "fiscalmodel-stamp.json"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
#: Packages fetched beforehand, for a machine without internet.
WHEELS = ROOT / "wheelhouse"
LOCKS = {"report": "requirements.lock", "test": "requirements-test.lock"}

USAGE = """usage: python3 run.py COMMAND [options]

  report   make the main report on the data in the repository: reports/index.html
  lab      open JupyterLab on its start page, notebooks/00_开始.ipynb
  check    check the data, the policy parameters and every scenario; runs nothing
  test     run the tests: code style, types, unit tests, notebooks
  soak     run the long counts that `test` only samples
  wheelhouse   fetch the packages into wheelhouse/, for a machine without internet

Options after the command go to what it starts, e.g. `report --lang en`,
`test -k commission`. The first call installs the packages and takes a few
minutes; later calls start at once."""


def say(text):
    print(f"run.py: {text}", flush=True)


def wanted(kind):
    """What the environment must be stamped with."""
    digest = hashlib.sha256()
    for name in (LOCKS[kind], "pyproject.toml"):
        digest.update((ROOT / name).read_bytes())
    return {"kind": kind, "sha256": digest.hexdigest(), "python": platform.python_version()}


def is_ready(kind):
    """Whether the stamp says that this kind (or the larger one) is installed."""
    try:
        stamp = json.loads(STAMP.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    # The test environment holds everything that the report needs.
    kinds = [kind] if kind == "test" else ["report", "test"]
    return PYTHON.exists() and stamp in [wanted(k) for k in kinds]


def call(*command):
    """Run a step of the installation; its failure ends this one."""
    status = subprocess.call([str(part) for part in command], cwd=ROOT)
    if status:
        sys.exit(f"run.py: this step failed (see above): {' '.join(map(str, command))}")


def make_venv(uv):
    if PYTHON.exists():
        probe = [str(PYTHON), "-c", "import sys; print(sys.version_info[:2])"]
        found = subprocess.run(probe, capture_output=True, text=True)
        if found.returncode == 0 and found.stdout.strip() == str(sys.version_info[:2]):
            return
        say("the environment is broken or of another Python; making it anew")
    shutil.rmtree(VENV, ignore_errors=True)
    if uv:
        call(uv, "venv", "--quiet", "--python", sys.executable, VENV)
        return
    made = subprocess.run(
        [sys.executable, "-m", "venv", str(VENV)], capture_output=True, text=True, cwd=ROOT
    )
    if made.returncode:
        shutil.rmtree(VENV, ignore_errors=True)
        version = "%d.%d" % sys.version_info[:2]
        sys.exit(
            "run.py: this Python cannot make an environment (ensurepip is missing): install the "
            f"package python{version}-venv (Debian, Ubuntu: sudo apt install python{version}-venv)"
            " or uv, then run it again."
        )


def offline():
    """Without internet, packages come from the folder wheelhouse/, if it is there."""
    return ["--no-index", "--find-links", WHEELS] if WHEELS.is_dir() else []


def follow(command, count):
    """Run pip, and say which package it is at, how far it is and how long it may take."""
    started, seen, tail = time.monotonic(), 0, []
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1"}
    process = subprocess.Popen(
        [str(part) for part in command],
        cwd=ROOT,
        env=environment,
        text=True,
        encoding="utf-8",
        errors="replace",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    for line in process.stdout:
        tail = [*tail[-30:], line]
        word, _, rest = line.strip().partition(" ")
        if word == "Collecting":
            seen += 1
            name = rest.split("==")[0].split(" ")[0]
            spent = time.monotonic() - started
            left = spent / seen * max(0, count - seen)
            text = "[%d of up to %d] %s, some %d s left" % (min(seen, count), count, name, left)
        elif word == "Installing":
            text = "unpacking %d packages ..." % seen
        else:
            continue
        if sys.stdout.isatty():
            print("\r" + f"run.py: {text}".ljust(78)[:78], end="", flush=True)
        elif word == "Installing" or seen % 25 == 0:
            say(text)
    if sys.stdout.isatty():
        print()
    if process.wait():
        print("".join(tail), flush=True)
        hint = "no connection? see README, 'without internet'" if not offline() else "see above"
        sys.exit(f"run.py: the packages could not be installed ({hint})")


def wheelhouse(kind):
    """Fetch every locked package into wheelhouse/, to be carried to a machine without internet."""
    make_venv(None)
    say("fetching the packages into wheelhouse/ ...")
    download = [PYTHON, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    call(*download, "--require-hashes", "--dest", WHEELS, "-r", ROOT / LOCKS[kind])
    say("carry this whole folder to the other machine, which needs the same system and Python")


def install(kind):
    started = time.monotonic()
    uv = shutil.which("uv")
    lock = ROOT / LOCKS[kind]
    count = sum("==" in line for line in lock.read_text(encoding="utf-8").splitlines())
    say(f"first start: installing {count} packages into .venv with {'uv' if uv else 'pip'} ...")
    STAMP.unlink(missing_ok=True)
    make_venv(uv)
    if uv:
        pip = [uv, "pip", "install", "--python", PYTHON]
        call(*pip, *offline(), "--require-hashes", "-r", lock)
    else:
        if subprocess.call([str(PYTHON), "-m", "pip", "--version"], stdout=subprocess.DEVNULL):
            call(PYTHON, "-m", "ensurepip", "--upgrade")
        pip = [PYTHON, "-m", "pip", "install", "--disable-pip-version-check", "--no-compile"]
        follow([*pip, *offline(), "--require-hashes", "-r", lock], count)
    call(*pip, "--quiet", "--no-deps", "--no-build-isolation", "-e", ROOT)
    # Written last: an interrupted installation is finished by the next call.
    STAMP.write_text(json.dumps(wanted(kind)), encoding="utf-8")
    say(f"installed in {time.monotonic() - started:.0f} s")


def launch(*command, output=None, **environment):
    """One tool of the environment, started; its words go to `output` where one is given."""
    env = {**os.environ, "PYTHONUTF8": "1", **environment}
    env["PATH"] = str(PYTHON.parent) + os.pathsep + env.get("PATH", "")
    # Compiled modules are kept: else each of many processes would compile all of them anew.
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    command = [str(PYTHON), *map(str, command)]
    return subprocess.Popen(command, cwd=ROOT, env=env, stdout=output, stderr=output)


def ended(process):
    """Exit code of a tool, once it has one."""
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue  # the child got it too and ends by itself


def start(*command, **environment):
    """Run one tool of the environment and return its exit code."""
    return ended(launch(*command, **environment))


def test(arguments):
    """Every check; all of them run, the worst exit code counts."""
    if arguments:
        return start("-m", "pytest", *arguments)
    # Many tests wait for processes of their own: two at a time would leave a processor idle.
    workers = ["-n", str(max(3, os.cpu_count() or 1)), "--dist", "loadfile"]
    steps = {
        "code style": ["-m", "ruff", "check", "."],
        "notebooks": ["-m", "pytest", "--nbval", "notebooks", *workers],
        "tests": ["-m", "pytest", "tests", *workers, "--no-loadscope-reorder"],
    }
    failed = []
    with tempfile.TemporaryFile() as said:
        types = launch("-m", "mypy", output=said)  # beside the rest: it uses one processor
        for name, command in steps.items():
            say(f"{name} ...")
            status = start(*command)
            if status in (130, -2):
                ended(types)
                return 130
            if status:
                failed.append(name)
        say("types ...")
        if ended(types):
            failed.append("types")
        said.seek(0)
        print(said.read().decode("utf-8", "replace"), end="", flush=True)
    for program, tested in BESIDE.items():
        if not any(map(shutil.which, program.split())):
            say(f"NOT RUN: {tested} (no {program.split()[0]} on this machine)")
    say(f"failed: {', '.join(failed)}" if failed else "all checks passed")
    return 1 if failed else 0


# Programs that some tests need -> what is not tested where none of them is there.
BESIDE = {
    "chromium chromium-browser google-chrome chrome": "pages in a real browser",
    "soffice libreoffice": "workbooks recalculated by LibreOffice",
}
# The page that JupyterLab opens on: what each notebook answers, and where data lie.
START = "--LabApp.default_url=/lab/tree/00_%E5%BC%80%E5%A7%8B.ipynb"
# Menus in Chinese; JupyterLab looks for news, updates and extensions on the network: none is
# needed here.
SETTINGS = (
    f"--LabApp.app_settings_dir={ROOT / 'params' / 'jupyterlab'}",
    "--LabApp.news_url=None",
    "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    "--LabApp.extension_manager=readonly",
)


def main(arguments):
    command, rest = (arguments[0], arguments[1:]) if arguments else ("", [])
    commands = {
        "report": lambda: start("-m", "fiscalmodel", "run", *rest),
        "lab": lambda: start("-m", "jupyterlab", "notebooks", START, *SETTINGS, *rest),
        "check": lambda: start("-m", "fiscalmodel", "check", *rest),
        "test": lambda: test(rest),
        "soak": lambda: start("-m", "pytest", "tests", *rest, FISCALMODEL_SOAK="1"),
        "wheelhouse": lambda: 0,
    }
    if command not in commands:
        print(USAGE)
        return 0 if command in ("-h", "--help", "help") else 2
    kind = "test" if command in ("test", "soak") else "report"
    if command == "wheelhouse":
        wheelhouse("test" if rest == ["test"] else "report")
        return 0
    if not is_ready(kind):
        install(kind)
    status = commands[command]()
    return 130 if status in (-2, 130) else status


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
