"""Reports as files to hand on: the executed notebook in Word, PDF, Excel or a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from fiscalmodel.paths import write_whole
from fiscalmodel.present.page import notebook_page, report_head
from fiscalmodel.present.paper import read_paper
from fiscalmodel.present.summary import public_version
from fiscalmodel.run.batch import run_batch
from fiscalmodel.run.plan import plan_of_scenarios
from fiscalmodel.run.report import WRITERS, written
from fiscalmodel.run.results import Results


def export_reports(
    scenarios: Sequence[Any], formats: Sequence[str], out: Path, *, lang: str = "zh",
    public: bool = False,
) -> tuple[list[Path], Results]:  # fmt: skip
    """Write the reports of scenarios in some formats, all of which say the same: what was written.

    Parameters
    ----------
    scenarios
        Scenario files, or loaded ones.
    formats
        ``docx``, ``pdf``, ``xlsx``, ``html``.
    out
        Folder; a report that is there and still true is not run again.
    public
        Whether hidden debt is left out, see `public_version`.

    Raises
    ------
    InputError
        For bad input, a missing library, or a file that cannot be replaced; each file is
        written whole or stays as it was.
    """
    plan = plan_of_scenarios(scenarios, lang=lang)
    if public:
        jobs = (replace(job, parameters={**job.parameters, "public": True}) for job in plan.jobs)
        plan = replace(plan, jobs=tuple(jobs))
    results = run_batch(plan, out=out, lang=lang)
    made: dict[Path, bytes] = {}
    for result in results.results:
        if not result.ok:
            continue
        case = plan.loaded[result.id]
        head = report_head(public_version(case) if public else case, lang)
        text = (out / result.files["notebook"]).read_text(encoding="utf-8")
        paper = read_paper(text, head)
        for name in formats:
            kind = {"xlsx": "workbook"}.get(name, name)
            page = kind not in WRITERS
            content = notebook_page(text, head).encode("utf-8") if page else written(kind, paper)
            made[out / f"{result.id}.{name}"] = content
    # Nothing is replaced before all of it is made.
    for target, content in made.items():
        write_whole(target, content)
    return list(made), results
