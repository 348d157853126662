"""The command line: exit codes, one clear error, nothing half-written."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import nbformat
import openpyxl
import papermill
import pytest

from fiscalmodel.cli import main
from fiscalmodel.kernels.manager import KERNEL_NAME

FM = [sys.executable, "-m", "fiscalmodel"]
pytestmark = pytest.mark.usefixtures("warm_parent")
SAMPLE = "params/scenarios/sample_county/baseline.yaml"


@dataclass
class Ended:
    returncode: int
    stdout: str
    stderr: str


def call(*words: str, cwd: Path) -> Ended:
    """The command in this process, as its entry point runs it."""
    out, err = io.StringIO(), io.StringIO()
    with (
        contextlib.chdir(cwd),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        pytest.raises(SystemExit) as end,
    ):
        main(list(words))
    return Ended(int(end.value.code or 0), out.getvalue(), err.getvalue())


@pytest.fixture
def copy(project: Path, tmp_path: Path) -> Path:
    """A project of its own with the real parameters, data and notebooks."""
    for name in ("params", "data", "notebooks"):
        shutil.copytree(project / name, tmp_path / name)
    return tmp_path


def test_help_loads_nothing_heavy(project: Path) -> None:
    code = (
        "import sys; from fiscalmodel.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit as end: assert end.code == 0\n"
        "heavy = {'pandas', 'numpy', 'scipy', 'matplotlib', 'statsmodels', 'papermill'}\n"
        "print('heavy:', sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=project)
    assert done.stdout.strip().endswith("heavy: []")
    assert "Commands:" in done.stdout


def test_importing_the_package_needs_only_the_core(project: Path) -> None:
    code = (
        "import sys, fiscalmodel as fm; fm.evaluate; fm.load_scenario; fm.forecast\n"
        "heavy = {'matplotlib', 'statsmodels', 'papermill', 'IPython', 'dask', 'xlsxwriter'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=project)
    assert done.stdout.strip() == "[]", done.stderr


def test_an_unknown_command_is_bad_input(project: Path) -> None:
    done = call("rnu", cwd=project)
    assert done.returncode == 2
    assert "did you mean 'run'?" in done.stderr


def test_check_passes_on_the_project(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = call("check", cwd=project)
    assert done.returncode == 0, done.stderr
    written = len(list((project / "params" / "scenarios").glob("*/*.yaml")))
    assert f"{written} scenarios" in done.stdout
    assert "40 findings" in done.stdout
    # What was evaluated a moment ago is not the subject of `--strict`.
    monkeypatch.setattr("fiscalmodel.run.report.evaluate_all", lambda scenarios: [])
    assert call("check", "--strict", cwd=project).returncode == 1


def test_check_reads_a_ledger_that_no_scenario_names(project: Path, tmp_path: Path) -> None:
    head = "债务编号,本金余额（万元）,利率（%）,到期日,可否置换,置换费率（%）"
    (tmp_path / "台账.csv").write_text(f"{head}\nA,100,0.055,2028-12-31,是,1\n", "utf-8")
    wrong = call("check", str(tmp_path / "台账.csv"), cwd=project)
    assert wrong.returncode == 2
    assert "台账.csv:2, 利率（%）" in wrong.stderr
    (tmp_path / "台账.csv").write_text(f"{head}\nA,100,5.5,2028-12-31,是,1\n", "utf-8")
    done = call("check", str(tmp_path / "台账.csv"), cwd=project)
    assert done.returncode == 0
    assert "consent is not stated" in done.stdout


def test_bad_scenarios_stop_everything_before_anything_runs(copy: Path) -> None:
    folder = copy / "params" / "scenarios" / "jianghan"
    (folder / "bad1.yaml").write_text("extends: baseline.yaml\nregoin: x\n", "utf-8")
    (folder / "bad2.yaml").write_text("extends: baseline.yaml\nregion: nowhere\n", "utf-8")
    done = call("run", "params/scenarios", "--out", "out", cwd=copy)
    assert done.returncode == 2
    assert "bad1.yaml:2:1: regoin: unknown key" in done.stderr
    assert "bad2.yaml:2:1: region: unknown region 'nowhere'" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (copy / "out").exists()


@pytest.mark.parametrize(
    ("command", "file", "old", "new", "said"),
    [
        ("run", "debt_ledger", "HD-002,", "HD-001,", "HD-001"),
        ("check", "debt_ledger", ",28000,", ",-28000,", "-28000"),
        ("check", "debt_ledger", ",28000,", ",abc,", "abc"),
        ("check", "debt_ledger", ",5.39,", ",539,", "539"),
        ("run", "receipts_2025", ",200.00,", ",200.005,", "200.005"),
        ("check", "revenue", "revenue,,2015,", "revenue,,2014,", "2014"),
        ("check", "revenue", ",77832,万元,", ",77832,万圆圆,", "万圆圆"),
    ],
)
def test_bad_data_are_one_clear_error_and_no_report(
    copy: Path, command: str, file: str, old: str, new: str, said: str
) -> None:
    data = copy / "data" / f"synthetic_sample_county_{file}.csv"
    text = data.read_text("utf-8")
    assert old in text
    data.write_text(text.replace(old, new, 1), "utf-8")
    out = ("--out", "out") if command == "run" else ()
    done = call(command, SAMPLE, *out, cwd=copy)
    assert done.returncode == 2, done.stdout
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not (copy / "out").exists()


def test_bad_data_of_one_scenario_stop_all_reports(copy: Path) -> None:
    """Every problem of every scenario, a shared one once; and nothing is written."""
    data = copy / "data" / "synthetic_sample_county_debt_ledger.csv"
    data.write_text(data.read_text("utf-8").replace(",28000,", ",abc,", 1), "utf-8")
    good = "params/scenarios/jianghan/baseline.yaml"
    other = SAMPLE.replace("baseline", "optimistic")
    done = call("run", good, SAMPLE, other, "--out", "out", cwd=copy)
    assert done.returncode == 2, done.stdout
    assert done.stderr.count("abc") == 1
    assert "sample_county/baseline" in done.stderr
    assert not (copy / "out").exists()
    # What an earlier run left stays as it is.
    assert call("run", good, "--out", "out", cwd=copy).returncode == 0
    before = {path: path.read_bytes() for path in (copy / "out").rglob("*") if path.is_file()}
    assert call("run", good, SAMPLE, "--out", "out", cwd=copy).returncode == 2
    assert {p: p.read_bytes() for p in (copy / "out").rglob("*") if p.is_file()} == before


def test_a_failing_scenario_does_not_take_the_others_with_it(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The notebook fails for one scenario only, after every check has passed.
    file = copy / "notebooks" / "05_scenario_report.ipynb"
    notebook = nbformat.read(file, as_version=4)
    notebook.cells[-1].source += "\nassert 'pessimistic' not in scenario, 'made to fail'"
    nbformat.write(notebook, file)
    other = SAMPLE.replace("baseline", "pessimistic")
    done = call("run", other, SAMPLE, "--out", "out", cwd=copy)
    assert done.returncode == 1, done.stderr
    assert "1 of 2 reports" in done.stdout
    assert "made to fail" in (copy / "out" / "index.html").read_text("utf-8")
    reports = copy / "out" / "sample_county"
    files = (p.relative_to(reports).as_posix() for p in reports.rglob("*") if p.is_file())
    assert sorted(files) == [
        "baseline.explain.json",
        "baseline.html",
        "baseline.ipynb",
        "baseline.xlsx",
        "baseline/summary.json",
    ]
    book = openpyxl.load_workbook(reports / "baseline.xlsx")
    sheets = " ".join(book.sheetnames)
    assert all(name in sheets for name in ("摘要", "收入历史与预测", "债务余额", "代收手续费"))
    html = (reports / "baseline.html").read_text("utf-8")
    assert "合成数据" in html
    assert "实测覆盖率" in html
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", html)
    assert str(copy) not in html
    # A report of another county leaves this one in the index.
    good = "params/scenarios/jianghan/baseline.yaml"
    assert call("run", good, "--out", "out", cwd=copy).returncode == 0
    index = (copy / "out" / "index.html").read_text("utf-8")
    assert "sample_county/baseline.html" in index
    assert "jianghan/baseline.html" in index


def test_an_output_folder_that_cannot_be_written(project: Path, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    done = call("run", SAMPLE, "--out", str(blocked / "sub"), cwd=project)
    assert done.returncode == 2
    assert "cannot be written" in done.stderr


def test_compare_shows_figures_and_what_the_files_say(project: Path, tmp_path: Path) -> None:
    out = tmp_path / "c.csv"
    other = SAMPLE.replace("baseline", "pessimistic")
    done = call("compare", SAMPLE, other, "--csv", str(out), cwd=project)
    assert done.returncode == 0, done.stderr
    assert "sample_county/pessimistic" in done.stdout
    assert "quota_shock_pct" in done.stdout
    assert out.read_bytes().startswith(b"\xef\xbb\xbf")


def test_templates_are_never_overwritten_unasked(tmp_path: Path) -> None:
    assert call("template", "revenue", cwd=tmp_path).returncode == 0
    done = call("template", "revenue", cwd=tmp_path)
    assert done.returncode == 2
    assert "exists already" in done.stderr
    assert call("template", "revenue", "--force", cwd=tmp_path).returncode == 0


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_ctrl_c_is_130_and_leaves_no_half_report(project: Path, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [*FM, "run", "--out", str(tmp_path / "out"), "--cold"],
        cwd=project,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    time.sleep(4)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors.decode()
    assert not list(tmp_path.rglob("*.part"))


@pytest.mark.parametrize("place", [".", "notebooks"])
def test_papermill_runs_the_report_in_the_project(
    project: Path, tmp_path: Path, place: str
) -> None:
    """On the warm kernel, which it knows by its name."""
    out = tmp_path / "out.ipynb"
    parameters = {"scenario": "params/scenarios/jianghan/optimistic.yaml", "lang": "en"}
    notebook = str(project / "notebooks" / "05_scenario_report.ipynb")
    with contextlib.chdir(project / place):
        papermill.execute_notebook(
            notebook, str(out), parameters, kernel_name=KERNEL_NAME, progress_bar=False
        )
    assert "General public budget revenue" in out.read_text("utf-8")


def test_the_papermill_command_runs_the_report_from_any_folder(
    project: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.ipynb"
    command = [sys.executable, "-m", "papermill", "--no-progress-bar", "-k", "python3"]
    command += [str(project / "notebooks" / "05_scenario_report.ipynb"), str(out)]
    command += ["-p", "scenario", "params/scenarios/jianghan/optimistic.yaml", "-p", "lang", "en"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "General public budget revenue" in out.read_text("utf-8")
