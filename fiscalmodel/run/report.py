"""The main job: scenarios in, reports out."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from fiscalmodel.errors import Collector, InputError
from fiscalmodel.paths import project_root
from fiscalmodel.run.execute import execute_notebook, write_whole
from fiscalmodel.run.parent import private_parent
from fiscalmodel.scenario.load import Scenario, load_scenario
from fiscalmodel.scenario.outcome import Outcome

NOTEBOOK = "notebooks/05_scenario_report.ipynb"


@dataclass(frozen=True)
class ReportResult:
    """How one scenario's report ended.

    Attributes
    ----------
    scenario
        The scenario.
    files
        ``html``, ``workbook`` and ``notebook``; empty if it failed.
    headline
        The answer in one or two sentences.
    error
        Notebook, cell and reason if it failed, else empty.
    seconds
        Wall time.
    feasible
        False where the scenario's clearance plan is infeasible.
    """

    scenario: Scenario
    files: dict[str, Path]
    headline: tuple[str, ...] = ()
    error: str = ""
    seconds: float = 0.0
    feasible: bool = True

    @property
    def ok(self) -> bool:
        """Whether the report was made."""
        return not self.error


def default_scenarios(root: Path | None = None) -> list[Path]:
    """Every scenario of the project, in the order of region and file name."""
    folder = (root or project_root()) / "params" / "scenarios"
    return sorted(folder.rglob("*.yaml"))


def load_all(paths: Sequence[str | Path]) -> list[Scenario]:
    """Load scenarios, with the problems of all files at once.

    Raises
    ------
    InputError
        If any file has a problem, or two scenarios would write the same report.
    """
    found = Collector()
    loaded: list[Scenario] = []
    taken: dict[str, Scenario] = {}
    for path in paths:
        try:
            scenario = load_scenario(path)
        except InputError as error:
            found.extend(error)
            continue
        other = taken.setdefault(scenario.id.casefold(), scenario)
        if other is not scenario:
            found.add(str(path), f"writes the same report as {other.file.name}: {scenario.id}")
        loaded.append(scenario)
    found.raise_if_any()
    return loaded


def evaluate_all(scenarios: Sequence[Scenario]) -> list[Outcome]:
    """Evaluate scenarios, with the problems of all their data at once.

    Raises
    ------
    InputError
        If any scenario's data cannot be used; each problem names its scenario.
    """
    from fiscalmodel.scenario.evaluate import evaluate

    found = Collector()
    outcomes: list[Outcome] = []
    said: set[str] = set()
    for scenario in scenarios:
        try:
            outcomes.append(evaluate(scenario))
        except InputError as error:
            # Scenarios that share a file share its problems: each is said once.
            for problem in error.problems:
                if str(problem) not in said:
                    said.add(str(problem))
                    found.add(f"{scenario.id}: {problem.where}", problem.problem, problem.hint)
    found.raise_if_any()
    return outcomes


def run_report(
    scenario: Outcome | Scenario | str | Path,
    *,
    out: str | Path = "reports",
    lang: str = "zh",
    kernel: str = "warm",
    timeout: float | None = 600,
) -> ReportResult:
    """Make one scenario's report: HTML, Excel workbook and executed notebook.

    Parameters
    ----------
    scenario
        An outcome, a loaded scenario or its file.
    out
        Folder; ``out/region/scenario.html`` and so on. A relative one is below the working
        directory.
    lang
        ``zh`` or ``en``.

    Raises
    ------
    InputError
        For bad input; no notebook was started then. A notebook that fails is a result.
    """
    import time

    from fiscalmodel.present.page import notebook_page, report_head
    from fiscalmodel.present.workbook import outcome_workbook

    started = time.perf_counter()
    outcome = scenario if isinstance(scenario, Outcome) else _evaluated(scenario)
    case = outcome.scenario
    stem = Path(out).resolve() / case.id
    root = project_root(case.file.parent)
    run = execute_notebook(
        root / NOTEBOOK,
        stem.with_suffix(".ipynb"),
        {"scenario": _shown(case.file, root), "lang": lang},
        kernel=kernel,
        timeout=timeout,
        cwd=root,
    )
    if not run.ok:
        for suffix in (".html", ".xlsx", ".ipynb"):
            stem.with_suffix(suffix).unlink(missing_ok=True)
        return ReportResult(
            case,
            {},
            error=str(run).replace(f"{root}{os.sep}", ""),
            seconds=time.perf_counter() - started,
        )
    page = notebook_page(run.text, report_head(outcome, lang))
    write_whole(stem.with_suffix(".html"), page.encode("utf-8"))
    write_whole(stem.with_suffix(".xlsx"), outcome_workbook(outcome, lang))
    files = {
        "html": stem.with_suffix(".html"),
        "workbook": stem.with_suffix(".xlsx"),
        "notebook": stem.with_suffix(".ipynb"),
    }
    seconds = time.perf_counter() - started
    return ReportResult(
        case, files, outcome.headline(lang), seconds=seconds, feasible=outcome.feasible
    )


def _shown(file: Path, root: Path) -> str:
    """The file from the project's folder, so that a report names no machine's path."""
    return file.relative_to(root).as_posix() if root in file.parents else str(file)


def _evaluated(scenario: Scenario | str | Path) -> Outcome:
    case = scenario if isinstance(scenario, Scenario) else load_scenario(scenario)
    return evaluate_all([case])[0]


def run_reports(
    outcomes: Sequence[Outcome],
    *,
    out: str | Path = "reports",
    lang: str = "zh",
    kernel: str = "warm",
    on_done: Callable[[ReportResult], None] | None = None,
) -> list[ReportResult]:
    """Make many reports and ``index.html``; one that fails does not stop the others."""
    folder = Path(out).resolve()
    check_writable(folder)
    results: list[ReportResult] = []
    with private_parent():  # one warm parent for all reports, gone when they are done
        for outcome in outcomes:
            result = run_report(outcome, out=folder, lang=lang, kernel=kernel)
            results.append(result)
            if on_done:
                on_done(result)
    write_index(results, folder, lang)
    return results


def write_index(results: Sequence[ReportResult], folder: Path, lang: str) -> Path:
    """Write ``index.html`` for a run."""
    from fiscalmodel.present.page import index_page

    texts = (
        {"html": "Report", "workbook": "Excel workbook", "notebook": "Notebook"}
        if lang == "en"
        else {"html": "报告", "workbook": "Excel 工作簿", "notebook": "笔记本"}
    )
    groups: dict[str, dict[str, object]] = {}
    for result in results:
        region = result.scenario.region
        group = groups.setdefault(
            region.key,
            {"region": region.name(lang), "synthetic": result.scenario.synthetic, "entries": []},
        )
        links = [
            {"href": Path(os.path.relpath(path, folder)).as_posix(), "text": texts[kind]}
            for kind, path in result.files.items()
        ]
        entries = group["entries"]
        assert isinstance(entries, list)
        entries.append(
            {
                "name": result.scenario.spec.name(lang),
                "ok": result.ok,
                "lines": list(result.headline),
                "links": links,
                "error": result.error,
            }
        )
    target = folder / "index.html"
    write_whole(target, index_page(list(groups.values()), lang=lang).encode("utf-8"))
    return target


def check_writable(folder: Path) -> None:
    """Refuse an output folder that cannot be written, before anything runs.

    Raises
    ------
    InputError
        If the folder cannot be made or written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".fiscalmodel-probe"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise InputError(
            str(folder), f"cannot be written ({error.strerror})", "choose another --out"
        ) from None
