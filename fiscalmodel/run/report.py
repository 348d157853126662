"""Page and workbook of a scenario: the one place that calls evaluation and presentation.

A notebook's own kernel makes the workbook from the outcome that the notebook
evaluated; the page is made beside it. Before that, kernels check that every
scenario of a run can be evaluated.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from fiscalmodel.errors import Collector, InputError, problem
from fiscalmodel.words import say

if TYPE_CHECKING:
    from fiscalmodel.run.job import Job, Result
    from fiscalmodel.scenario.load import Scenario
    from fiscalmodel.scenario.outcome import Outcome

#: Run in the kernel after the last cell.
LEAVE = "__import__('fiscalmodel.run.report', fromlist=['leave']).leave(globals(), {folder!r})"
#: Run in a kernel before any report.
CHECK = """from fiscalmodel.run.report import evaluate_all, load_all
checked = evaluate_all(load_all({files!r}))"""
_LEFT = "left.json"
_one_page = Lock()


def leave(names: Mapping[str, Any], folder: str) -> None:
    """Leave workbook, page head and answer of the outcome among a notebook's names, if any."""
    import sys

    module = sys.modules.get("fiscalmodel.scenario.outcome")
    kind = getattr(module, "Outcome", ())
    found = [thing for name, thing in list(names.items()) if isinstance(thing, kind)]
    if not found:
        return
    from fiscalmodel.present.page import report_head
    from fiscalmodel.present.workbook import outcome_workbook

    outcome: Outcome = found[0]  # later ones are what-ifs
    lang = str(names.get("lang", "zh"))
    left = {
        "head": report_head(outcome, lang).__dict__,
        "headline": {tongue: list(outcome.headline(tongue)) for tongue in ("zh", "en")},
        "feasible": outcome.feasible,
        "workbook": outcome_workbook(outcome, lang).hex(),
    }
    (Path(folder) / _LEFT).write_text(json.dumps(left, ensure_ascii=False), encoding="utf-8")


def left_behind(folder: Path) -> dict[str, Any]:
    """What `leave` left; empty where the notebook evaluated no scenario."""
    path = folder / _LEFT
    left: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    return left


def page_of(text: str, left: Mapping[str, Any], job: Job) -> bytes:
    """An executed notebook as a page, with the head of its scenario or its own name."""
    from fiscalmodel.present.page import PageHead, notebook_page

    lang = str(job.parameters.get("lang", "zh"))
    head = PageHead(**left["head"]) if "head" in left else PageHead(job.id, lang=lang)
    with _one_page:  # an exporter has a state
        return notebook_page(text, head).encode("utf-8")


def default_scenarios(root: Path | None = None) -> list[Path]:
    """Every scenario of the project, in the order of region and file name."""
    from fiscalmodel.paths import project_root

    return sorted(((root or project_root()) / "params" / "scenarios").rglob("*.yaml"))


def load_all(scenarios: Sequence[Any]) -> list[Scenario]:
    """Load scenario files (loaded ones stay), with the problems of all of them at once.

    Raises
    ------
    InputError
        If any file has a problem, or two scenarios would write the same report.
    """
    from fiscalmodel.scenario.load import load_scenario

    found = Collector()
    loaded: dict[str, Any] = {}
    for given in scenarios:
        try:
            scenario = load_scenario(given) if isinstance(given, str | Path) else given
        except InputError as error:
            found.extend(error)
            continue
        other = loaded.setdefault(scenario.id.casefold(), scenario)
        if other is not scenario:
            found.add(scenario.file, "run.same_scenario", id=scenario.id, other=other.file.name)
    found.raise_if_any()
    return list(loaded.values())


def users_of(files: Sequence[Path]) -> list[Scenario]:
    """The project's scenarios that read any of some files; those that do not load are left out."""
    from fiscalmodel.scenario.load import load_scenario

    wanted = {file.resolve() for file in files}
    made: list[Scenario] = []
    for file in default_scenarios():
        try:
            scenario = load_scenario(file)
        except InputError:
            continue
        made += [scenario] if wanted & set(scenario.files.values()) else []
    return made


def ask_first(scenarios: Sequence[Scenario]) -> None:
    """What is implausible in the inputs of scenarios, all at once, before anything runs.

    Raises
    ------
    InputError
        With each question that no scenario has answered under ``confirmed``, and each answer
        to nothing.
    """
    from fiscalmodel.scenario.plausibility import questions, unknown_answers

    found, said = Collector(), set[str]()
    for scenario in scenarios:
        asked = questions(scenario)
        for key, near in unknown_answers(scenario, asked).items():
            found.add(f"{scenario.id}: confirmed", "scenario.nothing_asked", near, key=key)
        for question in asked:
            if question.key not in scenario.spec.confirmed and str(question.said) not in said:
                said.add(str(question.said))
                hint = say("scenario.answer", key=question.key)
                found.add(f"{scenario.id}: {question.where}", question.said, hint)
    found.raise_if_any()


def evaluate_all(scenarios: Sequence[Scenario]) -> list[Outcome]:
    """Evaluate scenarios here, with the problems of all their data at once.

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
            for one in error.problems:
                if str(one) not in said:
                    said.add(str(one))
                    found.add(f"{scenario.id}: {one.where}", one.said, one.advice)
    found.raise_if_any()
    return outcomes


def check_jobs(jobs: Sequence[Job], workers: int) -> list[Job]:
    """Jobs that only evaluate what the reports `jobs` are about, one for each worker."""
    size = -(-len(jobs) // workers)
    checks = []
    for start in range(0, len(jobs), size or 1):
        some = jobs[start : start + size]
        source = CHECK.format(files=[job.parameters["scenario"] for job in some])
        cell: dict[str, Any] = {"cell_type": "code", "id": "check", "source": source}
        cell |= {"metadata": {}, "outputs": [], "execution_count": None}
        document = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [cell]}
        limits = some[0].limits
        if limits.timeout is not None:
            limits = replace(limits, timeout=limits.timeout * len(some))
        check = replace(some[0], document=document, parameters={}, outputs=(), limits=limits)
        checks.append(replace(check, id=f"check-{start:06d}"))
    return checks


def raise_problems(checked: Iterable[Result]) -> None:
    """Wait for checks and raise what they found.

    A check that failed in any other way says nothing: the report will fail in its own cell.

    Raises
    ------
    InputError
        With the problems of all scenarios, in their order; those of a shared file once.
    """
    found: dict[str, str] = {}
    for result in sorted(checked, key=lambda result: result.id):
        for line in result.problems:
            found.setdefault(line.partition(": ")[2], line)  # without the scenario's name
    if found:
        raise InputError.of(problem("", line) for line in found.values())


def index_of(
    results: Sequence[tuple[Scenario, Result]], lang: str, word: Callable[[str], str]
) -> bytes:
    """``index.html`` of a run: a group for each region, with links to what is there."""
    from fiscalmodel.present.page import index_page

    groups: dict[str, dict[str, Any]] = {}
    for scenario, result in results:
        region = scenario.region
        names = {"region": region.name(lang), "synthetic": scenario.synthetic, "entries": []}
        links = [
            {"href": path, "text": word(f"run.file.{kind}")}
            for kind, path in sorted(result.files.items())
        ]
        groups.setdefault(region.key, names)["entries"].append(
            {
                "name": scenario.name(lang),
                "ok": result.ok,
                "lines": result.about.get("headline", {}).get(lang, ()),
                "links": links,
                "error": "" if result.ok else str(result),
            }
        )
    return index_page(list(groups.values()), lang=lang).encode("utf-8")
