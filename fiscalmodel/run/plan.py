"""Plans: regions × scenarios × notebooks, checked whole before anything starts."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
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
from fiscalmodel.schema_errors import explain

REPORT_NOTEBOOK = "notebooks/05_scenario_report.ipynb"
TIMEOUT = 600.0
Names = Annotated[list[str], Field(min_length=1, max_length=5_000)]
Output = Literal["notebook", "html", "workbook", "docx", "pdf", "summary", "explain"]
#: A report: notebook, page, workbook and main figures of its scenario, where they are from.
REPORT: tuple[Output, ...] = ("notebook", "html", "workbook", "summary", "explain")


class Part(BaseModel):
    """Base of all parts: frozen, unknown keys refused; parameters and limits over those above."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    parameters: dict[str, Any] = {}
    timeout: str | float | None = None
    memory: str | int | None = None


class Override(Part):
    """Parameters for those jobs that match every name given here.

    Later overrides win; `skip` leaves the job out.
    """

    region: str | None = None
    scenario: str | None = None
    notebook: str | None = None
    skip: bool = False

    def matches(self, region: str, scenario: str, notebook: str) -> bool:
        """Whether every name given here is that of the job."""
        own = None if self.notebook is None else Path(self.notebook).name.removesuffix(".ipynb")
        pairs = ((self.region, region), (self.scenario, scenario), (own, notebook))
        return all(wanted in (None, had) for wanted, had in pairs)


class JobSpec(Part):
    """One notebook with its parameters, outside regions and scenarios."""

    name: str
    notebook: str


class PlanSpec(Part):
    """A plan: regions × scenarios × notebooks, single jobs, or both.

    `regions` and `scenarios` may be ``all``. `notebooks` are names in ``notebooks/`` or paths
    from the project's folder; without any, scenarios are evaluated into `tables` only. `outputs`
    says what each job writes; unless told all of a report.
    """

    regions: Names | Literal["all"] | None = None
    scenarios: Names | Literal["all"] = "all"
    notebooks: list[str] = []
    overrides: list[Override] = []
    jobs: list[JobSpec] = []
    tables: Literal["none", "parquet", "csv"] | None = None
    outputs: Annotated[tuple[Output, ...], Field(min_length=1)] = REPORT
    secrets: list[str] = []


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
    data, positions = yamlio.load_yaml(path)
    if not isinstance(data, dict):
        raise InputError(path, "run.plan_not_a_mapping", known_names(PlanSpec.model_fields))
    try:
        spec = PlanSpec.model_validate(data)
    except ValidationError as error:
        origins = {key: (str(path), at) for key, at in positions.items()}
        raise InputError.of(explain(error, PlanSpec, origins, str(path))) from None
    root = project_root(Path(path).resolve().parent)
    return _Builder(root, spec, str(path), positions).build()


def plan_of_scenarios(scenarios: Sequence[Any], *, lang: str = "zh") -> Plan:
    """The report of each scenario: files, or loaded ones.

    Raises
    ------
    InputError
        With the problems of all files at once.
    """
    loaded = {scenario.id: scenario for scenario in load_all(scenarios)}
    ask_first(list(loaded.values()))
    root = project_root(*(scenario.file.parent for scenario in list(loaded.values())[:1]))
    builder = _Builder(root, PlanSpec(), "scenarios", {})
    for scenario in loaded.values():
        parameters = {"scenario": relative(scenario.file, root), "lang": lang}
        builder.add(scenario.id, REPORT_NOTEBOOK, parameters, builder.limits, "scenarios")
    jobs = builder.finished()
    return Plan(root, jobs, {name: s.file for name, s in loaded.items()}, loaded=loaded)


class _Builder:
    """Expands a plan's specification, gathering every problem."""

    def __init__(self, root: Path, spec: PlanSpec, name: str, positions: yamlio.Positions) -> None:
        self.root, self.spec, self.name, self.positions = root, spec, name, positions
        self.found = Collector()
        self.jobs: list[Job] = []
        self.limits = self._limits(Limits(timeout=TIMEOUT), spec)
        self._read: dict[Path, Mapping[str, Any] | InputError] = {}

    def at(self, *path: str | int) -> str:
        return f"{yamlio.place(self.name, self.positions, path)}: {yamlio.dotted(path)}"

    def build(self) -> Plan:
        spec = self.spec
        if spec.regions is None and not spec.jobs:
            self.found.add(self.name, "run.plan_empty")
        for index, name in enumerate(spec.secrets):
            if not name.isidentifier():
                self.found.add(self.at("secrets", index), "run.not_a_variable", name=name)
        scenarios = dict(self._scenarios())
        self._grid(scenarios)
        for index, job in enumerate(spec.jobs):
            with self.found.catch():
                name = safe_name(job.name, where=self.at("jobs", index, "name"))
                limits = self._limits(self.limits, job, "jobs", index)
                parameters = {**spec.parameters, **job.parameters}
                where = self.at("jobs", index, "notebook")
                self.add(name, job.notebook, parameters, limits, where)
        tables = spec.tables or ("none" if spec.notebooks or not scenarios else "parquet")
        return Plan(self.root, self.finished(), scenarios, tables)

    def finished(self) -> tuple[Job, ...]:
        """The jobs, if there is no problem."""
        taken: dict[str, str] = {}
        for job in self.jobs:
            folded = unicodedata.normalize("NFC", job.id).casefold()
            folded = unicodedata.normalize("NFC", folded)
            if folded in taken:
                values = {"path": job.path("notebook"), "other": taken[folded]}
                self.found.add(self.name, "run.same_output", **values)
            taken.setdefault(folded, job.id)
        self.found.raise_if_any()
        outputs, secrets = tuple(dict.fromkeys(self.spec.outputs)), tuple(self.spec.secrets)
        return tuple(replace(job, secrets=secrets, outputs=outputs) for job in self.jobs)

    def _limits(self, base: Limits, stated: Part, *path: str | int) -> Limits:
        """Limits with what a part of the plan states put over them."""
        limits = base
        with self.found.catch():
            if stated.timeout is not None:
                seconds = parse_duration(stated.timeout, where=self.at(*path, "timeout"))
                limits = replace(limits, timeout=seconds)
        with self.found.catch():
            if stated.memory is not None:
                size = parse_size(stated.memory, where=self.at(*path, "memory"))
                limits = replace(limits, memory=size)
        return limits

    def _scenarios(self) -> Iterator[tuple[str, Path]]:
        """Every scenario file of the plan that loads, with its ``region/name``."""
        from fiscalmodel.scenario.load import load_scenario, read_regions

        named, home = self.spec.regions, self.root / "params" / "scenarios"
        if named is None:
            return
        known = read_regions(self.root)
        # In the order of the list of regions, which says what is shown first.
        regions = [r for r in known if (home / r).is_dir()] if named == "all" else named
        for index, region in enumerate(regions):
            where = self.at("regions") if named == "all" else self.at("regions", index)
            with self.found.catch():
                _one_of(safe_name(region, where=where), known, where, "run.unknown_region")
                for name, file in self._of_region(home / region):
                    with self.found.catch():
                        ask_first([load_scenario(file)])
                        yield f"{region}/{name}", file

    def _of_region(self, folder: Path) -> Iterator[tuple[str, Path]]:
        there = {path.stem: path for path in sorted(folder.glob("*.yaml"))}
        if self.spec.scenarios == "all":
            if not there:
                self.found.add(self.at("regions"), "run.no_scenarios", name=folder.name)
            yield from there.items()
            return
        for index, name in enumerate(self.spec.scenarios):
            where = self.at("scenarios", index)
            with self.found.catch():
                key = "run.no_scenario"
                _one_of(safe_name(name, where=where), there, where, key, region=folder.name)
                yield name, there[name]

    def _grid(self, scenarios: Mapping[str, Path]) -> None:
        used: set[int] = set()
        overrides = list(enumerate(self.spec.overrides))
        for position, notebook in enumerate(self.spec.notebooks):
            where = self.at("notebooks", position)
            with self.found.catch():
                stem = self._path(notebook, where).stem
                self._document(notebook, where)
                for identity, file in scenarios.items():
                    names = (*identity.split("/", 1), stem)
                    chosen = [(n, over) for n, over in overrides if over.matches(*names)]
                    used |= {n for n, _ in chosen}
                    parameters = {"scenario": relative(file, self.root), **self.spec.parameters}
                    limits = self.limits
                    for n, over in chosen:
                        parameters |= over.parameters
                        limits = self._limits(limits, over, "overrides", n)
                    if not any(over.skip for _, over in chosen):
                        self.add(f"{identity}/{stem}", notebook, parameters, limits, where)
        for n, over in overrides:
            if n not in used and not self.found.problems:
                wanted = over.model_dump(include={"region", "scenario", "notebook"})
                what = ", ".join(f"{name} {text}" for name, text in wanted.items() if text)
                self.found.add(self.at("overrides", n), "run.matches_no_job", what=what or "?")

    def add(
        self, name: str, notebook: str, parameters: dict[str, Any], limits: Limits, where: str
    ) -> None:
        """One job more, unless its notebook or parameters have a problem that is new."""
        path = self._path(notebook, where)
        document, shown = self._document(notebook, where), relative(path, self.root)
        problems = check_parameters(document, parameters, where=f"{where}: {shown}").problems
        known = {str(problem) for problem in self.found.problems}
        self.found.problems += [p for p in problems if str(p) not in known]
        if not problems:
            self.jobs.append(Job(name, shown, document, parameters, cwd=self.root, limits=limits))

    def _path(self, name: str, where: str) -> Path:
        text = name if name.endswith(".ipynb") else f"{name}.ipynb"
        if "/" not in text and "\\" not in text:
            text = f"notebooks/{safe_name(text, where=where)}"
        if Path(text).is_absolute() or "\\" in text or ".." in Path(text).parts:
            raise InputError(where, "run.notebook_outside", name=name)
        return inside(self.root, text, where=where)

    def _document(self, name: str, where: str) -> Mapping[str, Any]:
        """A notebook of the project, read once."""
        path = self._path(name, where)
        if path not in self._read:
            try:
                if not path.is_file():
                    hint = did_you_mean(path.stem, [p.stem for p in path.parent.glob("*.ipynb")])
                    raise InputError(where, "run.no_notebook", hint, name=name)
                self._read[path] = without_outputs(read_notebook(path))
            except InputError as error:
                self._read[path] = error
        found = self._read[path]
        if isinstance(found, InputError):
            raise found
        return found


def _one_of(name: str, known: Any, where: str, key: str, **values: object) -> None:
    if name not in known:
        hint = did_you_mean(name, known) or known_names(known)
        raise InputError(where, key, hint, name=name, **values)


def relative(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if root in path.parents else str(path)
