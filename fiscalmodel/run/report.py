"""Page, workbook and summary of a scenario, and what is checked before they are made.

A notebook's own kernel makes them from the outcome that the notebook evaluated; the page
is made beside it.
"""

from __future__ import annotations

import importlib
import json
import pickle
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fiscalmodel.errors import Collector, InputError, problem
from fiscalmodel.words import say

if TYPE_CHECKING:
    from fiscalmodel.present.paper import Paper
    from fiscalmodel.run.job import Job, Result
    from fiscalmodel.scenario.load import Scenario
    from fiscalmodel.scenario.outcome import Outcome

#: Run in the kernel after the last cell.
LEAVE = """from fiscalmodel.run.report import leave
leave(globals(), {folder!r}, {outputs!r})"""
_LEFT = "left-"
INDEX, INDEX_BOOK = "index.html", "index.xlsx"


def _explained(outcome: Outcome, lang: str) -> bytes:
    from fiscalmodel.scenario.explain import trace

    return trace(outcome).json().encode("utf-8")


def _tabled(outcome: Outcome, lang: str) -> bytes:
    from fiscalmodel.run.frames import identity, labelled_tables

    return pickle.dumps((identity(outcome.scenario), labelled_tables(outcome)))


#: Kind of output -> what makes it in the kernel, from the outcome and the language.
MAKERS: dict[str, Callable[[Outcome, str], bytes]] = {"explain": _explained, "tables": _tabled}
#: Kind of output -> module and function that write it from what the notebook shows.
WRITERS = {
    "workbook": ("fiscalmodel.present.book", "paper_workbook"),
    "docx": ("fiscalmodel.present.document", "word_document"),
    "pdf": ("fiscalmodel.present.pdf", "pdf_document"),
}


def summary_of(outcome: Outcome) -> dict[str, Any]:
    """What the index of all reports is made from: the main figures, and the state of all files."""
    from fiscalmodel.kernels.stamp import digest
    from fiscalmodel.present.summary import summarise

    made = summarise(outcome).to_dict()
    files = outcome.scenario.files
    made["inputs"] |= {f"file:{key}": digest(file.read_bytes()) for key, file in files.items()}
    return {
        **made,
        "feasible": outcome.feasible,
        "headline": {tongue: list(outcome.headline(tongue)) for tongue in ("zh", "en")},
    }


def leave(names: Mapping[str, Any], folder: str, outputs: Sequence[str]) -> None:
    """Leave what a job wants of the outcome, or of the tables, among a notebook's names."""
    import sys

    module = sys.modules.get("fiscalmodel.scenario.outcome")
    kind = getattr(module, "Outcome", ())
    found = [thing for thing in list(names.values()) if isinstance(thing, kind)]
    left: dict[str, bytes] = {}
    if "tables" in outputs and isinstance(names.get("tables"), bytes):  # of a part of many
        left["tables"] = names["tables"]
    if found:
        from fiscalmodel.present.page import report_head

        outcome, lang = found[0], str(names.get("lang", "zh"))  # later ones are what-ifs
        about = {
            "head": report_head(outcome.scenario, lang).__dict__,
            "summary": summary_of(outcome),
        }
        left["about"] = json.dumps(about, ensure_ascii=False).encode("utf-8")
        left |= {kind: MAKERS[kind](outcome, lang) for kind in outputs if kind in MAKERS}
    for name, content in left.items():
        (Path(folder) / f"{_LEFT}{name}").write_bytes(content)


def left_behind(folder: Path) -> dict[str, bytes]:
    """What `leave` left, by kind; ``about`` is not there if no scenario was evaluated."""
    return {path.name.removeprefix(_LEFT): path.read_bytes() for path in folder.glob(f"{_LEFT}*")}


def content_of(job: Job, text: str, left: Mapping[str, bytes], about: Any) -> dict[str, bytes]:
    """What a job writes, by kind: its executed notebook `text` and what was left of it."""
    from fiscalmodel.present.figures import link, with_script
    from fiscalmodel.present.page import PageHead, notebook_page
    from fiscalmodel.present.paper import read_paper

    made = {"notebook": text.encode("utf-8"), **left}
    lang = str(job.parameters.get("lang", "zh"))
    head = PageHead(**about["head"]) if about else PageHead(job.id, lang=lang)
    if "html" in job.outputs:
        page = notebook_page(text, head)
        if "explain" in made:
            page = with_script(link(page, json.loads(made["explain"]), lang), lang)
        made["html"] = page.encode("utf-8")
    if about and (kinds := [kind for kind in job.outputs if kind in WRITERS]):
        paper = read_paper(text, head)
        made |= {kind: written(kind, paper) for kind in kinds}
    content = {kind: made[kind] for kind in job.outputs if kind in made}
    if "summary" in job.outputs and about:
        files = {kind: job.path(kind) for kind in content}
        whole = {**about["summary"], "files": files}
        content["summary"] = json.dumps(whole, ensure_ascii=False, indent=1).encode("utf-8")
    return content


def written(kind: str, paper: Paper) -> bytes:
    """A report in one of the formats of `WRITERS`."""
    module, name = WRITERS[kind]
    content: bytes = getattr(importlib.import_module(module), name)(paper)
    return content


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
        with found.catch():
            scenario = load_scenario(given) if isinstance(given, str | Path) else given
            other = loaded.setdefault(scenario.id.casefold(), scenario)
            if other is not scenario:
                named = {"id": scenario.id, "other": other.file.name}
                found.add(scenario.file, "run.same_scenario", **named)
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


def raise_problems(results: Iterable[Result]) -> None:
    """Raise the bad input that notebooks ended in, each problem with its scenario.

    Raises
    ------
    InputError
        With the problems of all, in the order of their names; those of a shared file once.
    """
    found: dict[str, str] = {}
    for result in sorted(results, key=lambda result: result.id):
        for line in result.problems:
            found.setdefault(line, f"{result.id}: {line}")
    if found:
        raise InputError.of(problem("", line) for line in found.values())


def followed_by(old: bytes, new: bytes) -> bytes:
    """A summary that remembers what the last run that was different said."""
    from fiscalmodel.present.summary import followed

    try:
        before = json.loads(old) if old else None
    except ValueError:
        before = None  # not one of ours
    made = followed(json.loads(new), before if isinstance(before, dict) else None)
    return json.dumps(made, ensure_ascii=False, indent=1).encode("utf-8")


def _place(kind: str) -> int:
    """What is read stands before what is worked on."""
    order = ("html", "docx", "pdf", "workbook")
    return order.index(kind) if kind in order else len(order)


def index_of(
    summaries: Iterable[Mapping[str, Any]], failed: Sequence[tuple[Scenario, Result]], lang: str
) -> dict[str, bytes]:
    """``index.html`` and its workbook: every report that is there, by the name of the file."""
    from fiscalmodel.present.index import index_page, index_workbook
    from fiscalmodel.present.summary import VERSION

    made: list[dict[str, Any]] = []
    for one in summaries:
        if one.get("version") != VERSION:
            continue  # of another version: its report is made anew with its next run
        links = [
            {"href": path, "text": say(f"run.file.{kind}")(lang)}
            for kind, path in sorted(one["files"].items(), key=lambda item: _place(item[0]))
        ]
        made.append({**one, "links": links})
    there = {one["id"]: one for one in made}
    for scenario, result in failed:
        region = scenario.region
        named = {
            "id": scenario.id,
            "region": {"key": region.key, "zh": region.zh, "en": region.en},
            "name": {"zh": scenario.spec.name("zh"), "en": scenario.spec.name("en")},
            "synthetic": scenario.synthetic,
        }
        there[scenario.id] = {**named, "error": str(result)}
    every = list(there.values())
    page = index_page(every, lang=lang, workbook=INDEX_BOOK).encode("utf-8")
    return {INDEX: page, INDEX_BOOK: index_workbook(every, lang=lang)}
