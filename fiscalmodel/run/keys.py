"""The hashes that decide whether a job's result is still true."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from fiscalmodel.errors import InputError
from fiscalmodel.run import stamps
from fiscalmodel.run.jobs import Job
from fiscalmodel.run.plan import Plan


def project_stamps(root: Path) -> dict[str, str]:
    """Hashes that all jobs of a project share: data and parameters, package, environment.

    Scenario files and plans are not among them: each job counts its own.
    """
    return {
        "data": stamps.files_stamp(
            root, ("data", "params"), without=["params/scenarios", "params/plans"]
        ),
        "package": stamps.package_stamp(),
        "environment": stamps.environment_stamp(),
    }


def with_keys(plan: Plan, shared: Mapping[str, str], *, kernel: str) -> list[Job]:
    """The plan's jobs, each with its hashes."""
    spec = (Path(__file__).with_name("kernelspec") / "kernel.json").read_bytes()
    kernel_stamp = f"{kernel}-{stamps.digest(spec)[:8]}"
    notebooks: dict[int, str] = {}
    files: dict[str, Any] = {}
    made = []
    for job in plan.jobs:
        if id(job.document) not in notebooks:
            notebooks[id(job.document)] = stamps.notebook_stamp(job.document)
        named = {
            name: _content(value, plan.root, files)
            for name, value in sorted(job.parameters.items())
            if isinstance(value, str)
        }
        key = {
            **shared,
            "kernel": kernel_stamp,
            "notebook": notebooks[id(job.document)],
            "parameters": stamps.digest_json(
                [dict(job.parameters), {name: text for name, text in named.items() if text}]
            ),
        }
        made.append(replace(job, key=key, kernel=kernel))
    return made


def _content(value: str, root: Path, known: dict[str, Any]) -> Any:
    """Hash of the file that a text parameter names; empty if it names none."""
    if value not in known:
        path = root / value
        known[value] = ""
        try:
            is_file = bool(value) and len(value) < 500 and path.is_file()
        except (OSError, ValueError):
            is_file = False
        if is_file:
            known[value] = _file_stamp(path)
    return known[value]


def _file_stamp(path: Path) -> str:
    if path.suffix in (".yaml", ".yml"):
        try:
            return stamps.digest_json(stamps.scenario_content(path))
        except InputError:
            pass  # YAML of another kind
    return stamps.digest(path.read_bytes())


_COVERED = ("data", "params", "notebooks")


def quick_stamp(root: Path, sources: Mapping[str, bytes], settings: Any) -> str:
    """Hash of everything that a plan depends on, taken without opening scenario by scenario."""
    named = {name: stamps.digest(content) for name, content in sources.items()}
    shared = {"package": stamps.package_stamp(), "environment": stamps.environment_stamp()}
    return stamps.digest_json([named, settings, stamps.files_stamp(root, _COVERED), shared])


def is_covered(plan: Plan) -> bool:
    """Whether `quick_stamp` sees every file that the plan's jobs name."""
    folders = [plan.root / name for name in _COVERED]
    for job in plan.jobs:
        for value in (job.notebook, *job.parameters.values()):
            if not isinstance(value, str) or not value or len(value) >= 500:
                continue
            try:
                path = (plan.root / value).resolve()
                outside = path.exists() and not any(f in path.parents for f in folders)
            except (OSError, ValueError):
                continue
            if outside:
                return False
    return True
