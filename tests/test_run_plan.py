"""Plans: all problems at once, nothing started; parameters as they were written (faults 11, 12)."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from faults import faulty_notebooks as faulty

from fiscalmodel.errors import InputError
from fiscalmodel.run.batch import run_batch
from fiscalmodel.run.job import parse_duration, parse_size
from fiscalmodel.run.plan import load_plan

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    faulty.write_project(tmp_path / "p", {"good": faulty.HEALTHY})
    return tmp_path / "p"


def refused(project: Path, text: str) -> str:
    (project / "plan.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as error:
        load_plan(project / "plan.yaml")
    return str(error.value)


def test_every_problem_of_a_plan_at_once(project: Path) -> None:
    faulty.write_notebook(project / "notebooks" / "untagged.ipynb", "1", parameters=None)
    (project / "notebooks" / "broken.ipynb").write_text("{")
    (project / "notebooks" / "old.ipynb").write_text('{"nbformat": 3, "worksheets": []}')
    (project / "notebooks" / "odd.ipynb").write_text(
        '{"nbformat": 4, "cells": [3], "metadata": {}}'
    )
    said = refused(
        project,
        """
regions: [nowhere]
jobs:
  - {name: a, notebook: good, parameters: {cod: x}}
  - {name: b, notebook: good, parameters: {code: 3}}
  - {name: c, notebook: untagged, parameters: {code: x}}
  - {name: d, notebook: broken}
  - {name: e, notebook: old}
  - {name: f, notebook: odd}
  - {name: g, notebook: missing}
  - {name: h, notebook: ../outside.ipynb}
  - {name: i, notebook: /etc/passwd}
  - {name: ../up, notebook: good}
  - {name: a/b, notebook: good}
  - {name: same, notebook: good}
  - {name: SAME, notebook: good}
  - {name: "caf\\u00e9", notebook: good}
  - {name: "cafe\\u0301", notebook: good}
  - {name: slow, notebook: good, timeout: soon, memory: much}
secrets: ["not a name"]
""",
    )
    for expected in (
        "unknown region 'nowhere'",
        "unknown parameter 'cod' — did you mean 'code'?",
        "parameter 'code' is a whole number (3), and text is needed",
        "no cell is tagged 'parameters'",
        "is not a notebook",
        "has notebook format 3",
        "malformed notebook (cell 1)",
        "'missing' not found",
        "'../outside.ipynb' is not a path inside the project",
        "'/etc/passwd' is not a path inside the project",
        "'../up' cannot be used as a name",
        "'a/b' cannot be used as a name",
        "two jobs write 'SAME.ipynb'",
        "'soon' is not a duration",
        "'much' is not a size",
        "'not a name' is no variable's name",
    ):
        assert expected in said, expected
    assert said.count("two jobs write") == 2  # and the two spellings of café
    assert "plan.yaml:4:" in said


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("job: []", "unknown key — did you mean 'jobs'?"),
        ("{}", "neither regions nor jobs"),
        ("[]", "keys and values"),
        ("regions: []", "regions"),
        ("jobs: [{name: a}]", "notebook"),
        ("regions: [a]\nscenarios: [b]", "no scenario 'b' in a"),
        ("jobs: &x []", "anchor"),
    ],
)
def test_plans_that_are_refused(project: Path, text: str, expected: str) -> None:
    assert expected in refused(project, text)


def test_a_link_out_of_the_project_is_refused(project: Path, tmp_path: Path) -> None:
    faulty.write_notebook(tmp_path / "elsewhere.ipynb", "1")
    (project / "notebooks" / "link.ipynb").symlink_to(tmp_path / "elsewhere.ipynb")
    assert "leaves the folder" in refused(project, "jobs: [{name: a, notebook: link}]")


def test_regions_times_scenarios_times_notebooks_with_overrides(tmp_path: Path) -> None:
    plan = ROOT / "plan-test.yaml"
    plan.write_text(
        "regions: [jianghan, sample_county]\nscenarios: [baseline, optimistic]\n"
        "notebooks: [05_scenario_report]\nparameters: {lang: en}\noverrides:\n"
        "  - {region: jianghan, scenario: optimistic, parameters: {lang: zh}, timeout: 90s}\n"
        "  - {region: sample_county, scenario: optimistic, skip: true}\n"
    )
    try:
        jobs = {job.id: job for job in load_plan(plan).jobs}
    finally:
        plan.unlink()
    name = "05_scenario_report"
    assert list(jobs) == [
        f"jianghan/baseline/{name}",
        f"jianghan/optimistic/{name}",
        f"sample_county/baseline/{name}",
    ]
    assert jobs[f"jianghan/optimistic/{name}"].parameters == {
        "scenario": "params/scenarios/jianghan/optimistic.yaml",
        "lang": "zh",
    }
    assert jobs[f"jianghan/optimistic/{name}"].limits.timeout == 90
    assert jobs[f"jianghan/baseline/{name}"].parameters["lang"] == "en"


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is unwritable for root")
def test_an_output_folder_that_cannot_be_written_to(project: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir(mode=0o500)
    with pytest.raises(InputError, match="cannot be written"):
        run_batch(project / "plan.yaml", out=tmp_path / "out", progress=False)


def test_an_output_folder_that_is_a_file(project: Path, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        run_batch(project / "plan.yaml", out=tmp_path / "out", progress=False)


VALUES = [
    "010101",
    "None",
    "nan",
    "1e5",
    "true",
    "江汉区",
    "q\"uo'te\\n",
    "line\nline",
    "{x}",
    "%s",
    "",
]


def test_parameters_arrive_as_they_were_written(tmp_path: Path) -> None:
    notebook = faulty.write_notebook(
        tmp_path / "n.ipynb",
        "import json; print(json.dumps([texts, number, big, flag, nothing, table]))",
        parameters="texts = []\nnumber = 0\nbig = 0.0\nflag = False\nnothing = None\ntable = {}",
    )
    given = {
        "texts": VALUES,
        "number": 10101,
        "big": 1e5,
        "flag": True,
        "nothing": None,
        "table": {'键 "k"': [1, "010101", None]},
    }
    result = faulty.execute_notebook(notebook, given, kernel="cold")
    assert result.ok, str(result)
    printed = json.loads(result.text)["cells"][-1]["outputs"][0]["text"]
    assert json.loads("".join(printed)) == list(given.values())


def test_an_unknown_parameter_starts_no_kernel(tmp_path: Path) -> None:
    notebook = faulty.write_notebook(tmp_path / "n.ipynb", "1")
    with pytest.raises(InputError, match="did you mean 'code'"):
        faulty.execute_notebook(notebook, {"cod": "x"})
    with pytest.raises(InputError, match="text is needed"):
        faulty.execute_notebook(notebook, {"code": 10101})


def test_sizes_and_durations() -> None:
    assert parse_size("1.5G") == 1_610_612_736
    assert parse_size(1000) == 1000
    assert [parse_duration(t) for t in ("90", "90s", "2min", "1h", "500ms")] == [
        90,
        90,
        120,
        3600,
        0.5,
    ]
    for bad in ("", "-1", "0", "1 year"):
        with pytest.raises(InputError):
            parse_duration(bad)
