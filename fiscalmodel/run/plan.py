"""Plans: regions × scenarios × notebooks, checked whole before anything starts."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from fiscalmodel import yamlio
from fiscalmodel.errors import Collector, InputError
from fiscalmodel.paths import project_root, safe_name
from fiscalmodel.run.jobs import Job
from fiscalmodel.run.limits import Limits, parse_duration, parse_size
from fiscalmodel.run.parameters import check_parameters
from fiscalmodel.run.plan_notebooks import Notebooks, relative
from fiscalmodel.run.plan_schema import PLAN_KEYS, JobSpec, Override, PlanSpec, explained
from fiscalmodel.suggest import did_you_mean, known_names

REPORT_NOTEBOOK = "notebooks/05_scenario_report.ipynb"
TIMEOUT = 600.0


@dataclass(frozen=True)
class Plan:
    """A plan that passed every check.

    Attributes
    ----------
    root
        The project.
    jobs
        Notebooks to run; their keys are still empty.
    scenarios
        Scenario files by ``region/name``, for tables.
    tables
        ``none``, ``parquet`` or ``csv``.
    sources
        Files that the check read, beside the project's data and parameters.
    """

    root: Path
    jobs: tuple[Job, ...]
    scenarios: Mapping[str, Path] = field(default_factory=dict)
    tables: str = "none"
    sources: tuple[Path, ...] = ()


def load_plan(path: str | Path) -> Plan:
    """Read and check a plan file with everything that it names.

    Raises
    ------
    InputError
        With all problems at once, each as ``file:line:column: key: problem``.
    """
    file = Path(path)
    data, positions = yamlio.load_yaml(file)
    root = project_root(file.resolve().parent)
    if not isinstance(data, dict):
        raise InputError(str(path), "a plan holds keys and values", known_names(PLAN_KEYS))
    try:
        spec = PlanSpec.model_validate(data)
    except ValidationError as error:
        raise InputError.of(explained(error, str(path), positions).problems) from None
    builder = _Builder(root, spec, str(path), positions)
    plan = builder.build()
    return replace(plan, sources=(file.resolve(), *plan.sources))


def plan_of_scenarios(paths: Sequence[str | Path], *, lang: str = "zh") -> Plan:
    """The report notebook for scenario files.

    Raises
    ------
    InputError
        With the problems of all files at once.
    """
    from fiscalmodel.scenario.load import load_scenario

    found = Collector()
    root = project_root()
    jobs: list[Job] = []
    files: dict[str, Path] = {}
    notebooks = Notebooks(root)
    for path in paths:
        try:
            scenario = load_scenario(path)
            document = notebooks.get(REPORT_NOTEBOOK, where=str(path))
        except InputError as error:
            found.extend(error)
            continue
        value = relative(scenario.file, root)
        parameters = {"scenario": value, "lang": lang}
        found.problems += check_parameters(document, parameters, where=REPORT_NOTEBOOK).problems
        files[scenario.id] = scenario.file
        jobs.append(Job(scenario.id, REPORT_NOTEBOOK, document, parameters, cwd=root))
    _refuse_same_output(jobs, found, where="scenarios")
    found.raise_if_any()
    return Plan(root, tuple(jobs), files, "none", (root / REPORT_NOTEBOOK,))


class _Builder:
    """Expands a plan's specification, gathering every problem."""

    def __init__(self, root: Path, spec: PlanSpec, name: str, positions: yamlio.Positions) -> None:
        self.root = root
        self.spec = spec
        self.name = name
        self.positions = positions
        self.found = Collector()
        self.notebooks = Notebooks(root)
        self.jobs: list[Job] = []

    def at(self, *path: str | int) -> str:
        return f"{yamlio.place(self.name, self.positions, path)}: {yamlio.dotted(path)}"

    def build(self) -> Plan:
        spec = self.spec
        if spec.regions is None and not spec.jobs:
            self.found.add(self.name, "the plan names neither regions nor jobs")
        self.limits = self._limits(Limits(timeout=TIMEOUT), spec)
        for index, name in enumerate(spec.secrets):
            if not name.isidentifier():
                self.found.add(self.at("secrets", index), f"{name!r} is no variable's name")
        scenarios = self._scenarios() if spec.regions is not None else {}
        self._grid(scenarios)
        self._single_jobs()
        _refuse_same_output(self.jobs, self.found, where=self.name)
        self.found.raise_if_any()
        jobs = tuple(replace(job, secrets=tuple(spec.secrets)) for job in self.jobs)
        tables = spec.tables or ("none" if spec.notebooks or not scenarios else "parquet")
        return Plan(self.root, jobs, scenarios, tables, tuple(self.notebooks.read))

    def _limits(
        self, base: Limits, stated: PlanSpec | Override | JobSpec, *path: str | int
    ) -> Limits:
        """Limits with what a part of the plan states put over them."""
        limits = base
        try:
            if stated.timeout is not None:
                where = self.at(*path, "timeout")
                limits = replace(limits, timeout=parse_duration(stated.timeout, where=where))
        except InputError as error:
            self.found.extend(error)
        try:
            if stated.memory is not None:
                where = self.at(*path, "memory")
                limits = replace(limits, memory=parse_size(stated.memory, where=where))
        except InputError as error:
            self.found.extend(error)
        return limits

    def _scenarios(self) -> dict[str, Path]:
        """Every scenario file of the plan that loads, by ``region/name``."""
        from fiscalmodel.scenario.load import load_scenario, read_regions

        known = read_regions(self.root)
        home = self.root / "params" / "scenarios"
        named = self.spec.regions
        regions = sorted(r for r in known if (home / r).is_dir()) if named == "all" else named
        files: dict[str, Path] = {}
        for index, region in enumerate(regions or ()):
            where = self.at("regions") if named == "all" else self.at("regions", index)
            try:
                safe_name(region, where=where)
                if region not in known:
                    hint = did_you_mean(region, known) or known_names(known)
                    raise InputError(where, f"unknown region {region!r}", hint)
            except InputError as error:
                self.found.extend(error)
                continue
            for name, file in self._of_region(home / region).items():
                try:
                    load_scenario(file)
                    files[f"{region}/{name}"] = file
                except InputError as error:
                    self.found.extend(error)
        return files

    def _of_region(self, folder: Path) -> dict[str, Path]:
        there = {path.stem: path for path in sorted(folder.glob("*.yaml"))}
        if self.spec.scenarios == "all":
            if not there:
                self.found.add(self.at("regions"), f"region {folder.name!r} has no scenarios")
            return there
        chosen = {}
        for index, name in enumerate(self.spec.scenarios):
            where = self.at("scenarios", index)
            try:
                safe_name(name, where=where)
                if name not in there:
                    hint = did_you_mean(name, there) or known_names(there)
                    raise InputError(where, f"no scenario {name!r} in {folder.name}", hint)
                chosen[name] = there[name]
            except InputError as error:
                self.found.extend(error)
        return chosen

    def _grid(self, scenarios: Mapping[str, Path]) -> None:
        used: set[int] = set()
        for position, notebook in enumerate(self.spec.notebooks):
            where = self.at("notebooks", position)
            try:
                document = self.notebooks.get(notebook, where=where)
                path = self.notebooks.path(notebook, where=where)
            except InputError as error:
                self.found.extend(error)
                continue
            for identity, file in scenarios.items():
                parameters: dict[str, Any] = {"scenario": relative(file, self.root)}
                parameters |= self.spec.parameters
                limits, skip = self.limits, False
                for index, override in self._matching(identity, path.stem):
                    used.add(index)
                    parameters |= override.parameters
                    limits = self._limits(limits, override, "overrides", index)
                    skip = skip or override.skip
                if not skip:
                    name = f"{identity}/{path.stem}"
                    self._add(Job(name, "", document, parameters, limits=limits), path, where)
        for index, override in enumerate(self.spec.overrides):
            if index not in used and not self.found.problems:
                self.found.add(self.at("overrides", index), f"matches no job ({_spoken(override)})")

    def _matching(self, identity: str, notebook: str) -> list[tuple[int, Override]]:
        region, name = identity.split("/", 1)
        have = (region, name, notebook)
        found = []
        for index, override in enumerate(self.spec.overrides):
            wanted = (override.region, override.scenario, _stem(override.notebook))
            if all(w is None or w == h for w, h in zip(wanted, have, strict=True)):
                found.append((index, override))
        return found

    def _single_jobs(self) -> None:
        for index, job in enumerate(self.spec.jobs):
            where = self.at("jobs", index)
            try:
                name = safe_name(job.name, where=self.at("jobs", index, "name"))
                at = self.at("jobs", index, "notebook")
                document = self.notebooks.get(job.notebook, where=at)
                path = self.notebooks.path(job.notebook, where=at)
            except InputError as error:
                self.found.extend(error)
                continue
            parameters = {**self.spec.parameters, **job.parameters}
            limits = self._limits(self.limits, job, "jobs", index)
            self._add(Job(name, "", document, parameters, limits=limits), path, where)

    def _add(self, job: Job, path: Path, where: str) -> None:
        shown = relative(path, self.root)
        place = f"{where}: {shown}"
        problems = check_parameters(job.document, job.parameters, where=place).problems
        known = {str(problem) for problem in self.found.problems}
        self.found.problems += [p for p in problems if str(p) not in known]
        if not problems:
            self.jobs.append(replace(job, notebook=shown, cwd=self.root))


def _refuse_same_output(jobs: Sequence[Job], found: Collector, *, where: str) -> None:
    taken: dict[str, str] = {}
    for job in jobs:
        folded = unicodedata.normalize("NFC", job.id).casefold()
        folded = unicodedata.normalize("NFC", folded)
        if folded in taken:
            found.add(
                where,
                f"two jobs write {job.output!r} (the other: {taken[folded]!r})",
                "give them names that differ in more than case",
            )
        taken.setdefault(folded, job.id)


def _stem(notebook: str | None) -> str | None:
    return None if notebook is None else Path(notebook).name.removesuffix(".ipynb")


def _spoken(override: Override) -> str:
    chosen = override.model_dump(include={"region", "scenario", "notebook"}, exclude_none=True)
    return ", ".join(f"{key} {value}" for key, value in chosen.items()) or "everything"
