"""Plans: regions × scenarios × notebooks, checked whole before anything starts."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from fiscalmodel import yamlio
from fiscalmodel.errors import Collector, InputError, did_you_mean, known_names
from fiscalmodel.paths import inside, project_root, safe_name
from fiscalmodel.run.job import Job, Limits, parse_duration, parse_size
from fiscalmodel.run.parameters import check_parameters, read_notebook
from fiscalmodel.run.report import ask_first, load_all
from fiscalmodel.run.stamp import without_outputs

REPORT_NOTEBOOK = "notebooks/05_scenario_report.ipynb"
TIMEOUT = 600.0
#: A report: the notebook, its page, the workbook of its scenario, and where its figures are from.
REPORT = ("notebook", "html", "workbook", "explain")

Names = Annotated[list[str], Field(min_length=1, max_length=5_000)]
Outputs = Annotated[list[Literal["notebook", "html", "workbook", "explain"]], Field(min_length=1)]


class Part(BaseModel):
    """Base of all parts: frozen, unknown keys refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Override(Part):
    """Parameters for those jobs that match every name given here.

    Later overrides win; `skip` leaves the job out.
    """

    region: str | None = None
    scenario: str | None = None
    notebook: str | None = None
    parameters: dict[str, Any] = {}
    skip: bool = False
    timeout: str | float | None = None
    memory: str | int | None = None


class JobSpec(Part):
    """One notebook with its parameters, outside regions and scenarios."""

    name: str
    notebook: str
    parameters: dict[str, Any] = {}
    timeout: str | float | None = None
    memory: str | int | None = None


class PlanSpec(Part):
    """A plan: regions × scenarios × notebooks, single jobs, or both.

    `regions` and `scenarios` may be ``all``. `notebooks` are names in ``notebooks/`` or paths
    from the project's folder; without any, scenarios are evaluated into `tables` only. `outputs`
    says what each job writes; unless told its notebook, page, and the workbook of its scenario.
    """

    regions: Names | Literal["all"] | None = None
    scenarios: Names | Literal["all"] = "all"
    notebooks: list[str] = []
    parameters: dict[str, Any] = {}
    overrides: list[Override] = []
    jobs: list[JobSpec] = []
    tables: Literal["none", "parquet", "csv"] | None = None
    outputs: Outputs | None = None
    secrets: list[str] = []
    timeout: str | float | None = None
    memory: str | int | None = None


PLAN_KEYS = frozenset(PlanSpec.model_fields)


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
    loaded
        Scenarios by the job that makes their report, if it is a batch of reports.
    """

    root: Path
    jobs: tuple[Job, ...]
    scenarios: Mapping[str, Path] = field(default_factory=dict)
    tables: str = "none"
    loaded: Mapping[str, Any] = field(default_factory=dict)


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
        raise InputError(path, "run.plan_not_a_mapping", known_names(PLAN_KEYS))
    try:
        spec = PlanSpec.model_validate(data)
    except ValidationError as error:
        raise InputError.of(_explained(error, str(path), positions).problems) from None
    return _Builder(root, spec, str(path), positions).build()


def plan_of_scenarios(scenarios: Sequence[Any], *, lang: str = "zh") -> Plan:
    """The report of each scenario: files, or loaded ones.

    Raises
    ------
    InputError
        With the problems of all files at once.
    """
    loaded = load_all(scenarios)
    ask_first(loaded)
    root = project_root(loaded[0].file.parent) if loaded else project_root()
    found = Collector()
    jobs: list[Job] = []
    document = Notebooks(root).get(REPORT_NOTEBOOK, where="scenarios")
    for scenario in loaded:
        parameters = {"scenario": relative(scenario.file, root), "lang": lang}
        found.problems += check_parameters(document, parameters, where=REPORT_NOTEBOOK).problems
        job = Job(scenario.id, REPORT_NOTEBOOK, document, parameters, cwd=root, outputs=REPORT)
        jobs.append(replace(job, limits=Limits(timeout=TIMEOUT)))
    found.raise_if_any()
    _refuse_same_output(jobs, found, where="scenarios")
    found.raise_if_any()
    files = {scenario.id: scenario.file for scenario in loaded}
    return Plan(root, tuple(jobs), files, loaded={scenario.id: scenario for scenario in loaded})


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
            self.found.add(self.name, "run.plan_empty")
        self.limits = self._limits(Limits(timeout=TIMEOUT), spec)
        for index, name in enumerate(spec.secrets):
            if not name.isidentifier():
                self.found.add(self.at("secrets", index), "run.not_a_variable", name=name)
        scenarios = self._scenarios() if spec.regions is not None else {}
        self._grid(scenarios)
        self._single_jobs()
        _refuse_same_output(self.jobs, self.found, where=self.name)
        self.found.raise_if_any()
        outputs = REPORT if spec.outputs is None else tuple(dict.fromkeys(spec.outputs))
        secrets = tuple(spec.secrets)
        jobs = tuple(replace(job, secrets=secrets, outputs=outputs) for job in self.jobs)
        tables = spec.tables or ("none" if spec.notebooks or not scenarios else "parquet")
        return Plan(self.root, jobs, scenarios, tables)

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
                    raise InputError(where, "run.unknown_region", hint, name=region)
            except InputError as error:
                self.found.extend(error)
                continue
            for name, file in self._of_region(home / region).items():
                try:
                    ask_first([load_scenario(file)])
                    files[f"{region}/{name}"] = file
                except InputError as error:
                    self.found.extend(error)
        return files

    def _of_region(self, folder: Path) -> dict[str, Path]:
        there = {path.stem: path for path in sorted(folder.glob("*.yaml"))}
        if self.spec.scenarios == "all":
            if not there:
                self.found.add(self.at("regions"), "run.no_scenarios", name=folder.name)
            return there
        chosen = {}
        for index, name in enumerate(self.spec.scenarios):
            where = self.at("scenarios", index)
            try:
                safe_name(name, where=where)
                if name not in there:
                    hint = did_you_mean(name, there) or known_names(there)
                    raise InputError(where, "run.no_scenario", hint, name=name, region=folder.name)
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
                self.found.add(
                    self.at("overrides", index), "run.matches_no_job", what=_spoken(override)
                )

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
            found.add(where, "run.same_output", path=job.path("notebook"), other=taken[folded])
        taken.setdefault(folded, job.id)


def _stem(notebook: str | None) -> str | None:
    return None if notebook is None else Path(notebook).name.removesuffix(".ipynb")


def _spoken(override: Override) -> str:
    chosen = override.model_dump(include={"region", "scenario", "notebook"}, exclude_none=True)
    return ", ".join(f"{key} {value}" for key, value in chosen.items()) or "everything"


class Notebooks:
    """Notebooks of the project, each read once."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.read: dict[Path, Mapping[str, Any] | InputError] = {}

    def path(self, name: str, *, where: str) -> Path:
        text = name if name.endswith(".ipynb") else f"{name}.ipynb"
        if "/" not in text and "\\" not in text:
            text = f"notebooks/{safe_name(text, where=where)}"
        if Path(text).is_absolute() or "\\" in text or ".." in Path(text).parts:
            raise InputError(where, "run.notebook_outside", name=name)
        return inside(self.root, text, where=where)

    def get(self, name: str, *, where: str) -> Mapping[str, Any]:
        path = self.path(name, where=where)
        if path not in self.read:
            try:
                if not path.is_file():
                    hint = did_you_mean(path.stem, [p.stem for p in path.parent.glob("*.ipynb")])
                    raise InputError(where, "run.no_notebook", hint, name=name)
                self.read[path] = without_outputs(read_notebook(path))
            except InputError as error:
                self.read[path] = error
        found = self.read[path]
        if isinstance(found, InputError):
            raise found
        return found


def relative(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if root in path.parents else str(path)


def _explained(error: ValidationError, name: str, positions: yamlio.Positions) -> Collector:
    """What the schema found, with the place in the file."""
    found = Collector()
    for detail in error.errors(include_url=False):
        path: tuple[str | int, ...] = tuple(
            part for part in detail["loc"] if not (isinstance(part, str) and "[" in part)
        )
        where = f"{yamlio.place(name, positions, path)}: {yamlio.dotted(path)}"
        if detail["type"] == "extra_forbidden":
            known = PLAN_KEYS if len(path) == 1 else Override.model_fields
            hint = did_you_mean(str(path[-1]), known) or known_names(known)
            found.add(where, "ground.unknown_key", hint)
        else:
            found.add(where, "run.plan_value", message=detail["msg"])
    return found
