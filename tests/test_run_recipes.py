"""Recipes for clusters are what their tools read, with names that need quoting."""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess

import pytest
from click.testing import CliRunner

from fiscalmodel.cli_batch import recipe_command

PLAN, OUT = "params/plans/my plan's.yaml", "s3://bucket/结果"


def made(kind: str, *options: str) -> str:
    ended = CliRunner().invoke(
        recipe_command, [kind, PLAN, "--out", OUT, *options], standalone_mode=False
    )
    assert ended.exception is None, ended.exception
    return ended.output


@pytest.mark.skipif(not shutil.which("bash"), reason="needs bash")
def test_slurm() -> None:
    text = made("slurm", "--workers", "3", "--memory", "2G")
    subprocess.run(["bash", "-n"], input=text, text=True, check=True)
    assert "#SBATCH --ntasks=5" in text
    assert "#SBATCH --mem-per-cpu=2048M" in text
    # What the shell hands to the batch is the plan and the folder as they were named.
    line = next(line for line in text.splitlines() if "fiscalmodel batch" in line)
    words = line[line.index("fiscalmodel batch") :].replace("fiscalmodel", "printf '%s\\n'", 1)
    said = subprocess.run(["bash", "-c", words], capture_output=True, text=True, check=True)
    assert said.stdout.splitlines()[1:4] == [PLAN, "--out", OUT]


def test_kubernetes() -> None:
    objects = json.loads(made("kubernetes", "--workers", "3", "--image", "registry/fm:1"))["items"]
    kinds = [(o["kind"], o["metadata"]["name"]) for o in objects]
    assert len(set(kinds)) == 4
    assert all(re.fullmatch(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?", name) for _, name in kinds)
    service, scheduler, workers, job = objects
    labels = scheduler["spec"]["template"]["metadata"]["labels"]
    assert service["spec"]["selector"].items() <= labels.items()
    assert workers["spec"]["replicas"] == 3
    command = job["spec"]["template"]["spec"]["containers"][0]["command"]
    assert command[:5] == ["fiscalmodel", "batch", PLAN, "--out", OUT]


def test_airflow() -> None:
    tree = ast.parse(made("airflow"))
    commands = [
        word.value.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        for word in node.keywords
        if word.arg == "bash_command"
    ]
    assert commands[0] == "fiscalmodel check"
    assert "'params/plans/my plan'\"'\"'s.yaml'" in commands[1]
