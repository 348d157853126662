"""pyproject.toml is the source of truth; the conda file and the locks agree with it."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

CONDA_NAMES = {"matplotlib-base": "matplotlib", "jupyter_client": "jupyter-client"}


def declared(project: Path) -> dict[str, Requirement]:
    """The run-time dependencies of pyproject.toml by canonical name."""
    text = (project / "pyproject.toml").read_text(encoding="utf-8")
    found = [Requirement(line) for line in tomllib.loads(text)["project"]["dependencies"]]
    return {canonicalize_name(r.name): r for r in found}


def locked(project: Path, name: str) -> dict[str, str]:
    """Canonical name -> pinned version; a name pinned twice by marker keeps the first."""
    pins: dict[str, str] = {}
    for line in (project / name).read_text(encoding="utf-8").splitlines():
        match = re.match(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", line)
        if match:
            pins.setdefault(canonicalize_name(match[1]), match[2])
    return pins


def test_environment_yml_names_the_same_packages_and_bounds(project: Path) -> None:
    parsed = yaml.safe_load((project / "environment.yml").read_text(encoding="utf-8"))
    lines = [d for d in parsed["dependencies"] if isinstance(d, str)]
    pip = next(d["pip"] for d in parsed["dependencies"] if isinstance(d, dict))
    lines += [d for d in pip if not d.startswith("-")]
    conda: dict[str, Requirement] = {}
    for line in lines:
        requirement = Requirement(re.sub(r"^([\w-]+)", lambda m: CONDA_NAMES.get(m[1], m[1]), line))
        conda[canonicalize_name(requirement.name)] = requirement
    assert conda.pop("python").specifier == Requirement("python>=3.11").specifier
    conda.pop("pip")
    wanted = declared(project)
    assert sorted(conda) == sorted(wanted)
    assert {n: str(r.specifier) for n, r in conda.items()} == {
        n: str(r.specifier) for n, r in wanted.items()
    }


def test_pip_takes_the_pip_part_of_environment_yml(project: Path, tmp_path: Path) -> None:
    """conda hands these lines to pip as a requirements file, from this folder."""
    parsed = yaml.safe_load((project / "environment.yml").read_text(encoding="utf-8"))
    lines = next(d["pip"] for d in parsed["dependencies"] if isinstance(d, dict))
    wanted = tmp_path / "condaenv.requirements.txt"
    wanted.write_text("\n".join(lines), encoding="utf-8")
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--no-deps", "--no-index"]
    command += ["--no-build-isolation", "-r", str(wanted)]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-test.lock"])
def test_lock_satisfies_pyproject_and_is_hashed(project: Path, lock: str) -> None:
    pins = locked(project, lock)
    for name, requirement in declared(project).items():
        assert name in pins, f"{name} is not in {lock}"
        assert requirement.specifier.contains(pins[name], prereleases=True), (name, pins[name])
    text = (project / lock).read_text(encoding="utf-8")
    blocks = re.split(r"\n(?=[A-Za-z0-9])", text)
    bare = [b.splitlines()[0] for b in blocks if "==" in b and "--hash=sha256:" not in b]
    assert bare == []


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-test.lock", "environment.yml"])
def test_no_index_address(project: Path, lock: str) -> None:
    text = (project / lock).read_text(encoding="utf-8")
    assert not re.search(r"https?://|--index-url|--extra-index-url|--find-links", text)


def test_the_two_locks_agree(project: Path) -> None:
    small, large = locked(project, "requirements.lock"), locked(project, "requirements-test.lock")
    assert {n: (v, large.get(n)) for n, v in small.items() if large.get(n) != v} == {}
