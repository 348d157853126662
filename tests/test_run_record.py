"""What the record says: the right cell, the right error on one line, what was cut, what changed."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from faults import faulty_notebooks as faulty

from fiscalmodel.errors import InputError
from fiscalmodel.kernels.parent import private_parent
from fiscalmodel.run.batch import run_batch
from fiscalmodel.run.job import Job, one_line
from fiscalmodel.run.manifest import Manifest
from fiscalmodel.run.results import Results
from fiscalmodel.run.storage import MANIFEST, open_storage

SHOWS_BADLY = "class R:\n    def _repr_html_(self): raise ValueError('boom')\nR()"
CLEARS = (
    "from IPython.display import clear_output\n"
    "for i in range(6000):\n    clear_output(wait=True); print(i)"
)
UPDATES = (
    "from IPython.display import display\nhandle = display(0, display_id=True)\n"
    "for i in range(6000):\n    handle.update(i)"
)
FLOOD = "print('x' * 12_000_000)"
CASES: dict[str, tuple[str, ...]] = {
    "clears": (CLEARS, "print('result 42')"),
    "updates": (UPDATES, "print('result 42')"),
    "floods_then_clears": (
        f"from IPython.display import clear_output\n{FLOOD}\nclear_output()\nprint('short')",
    ),
    "floods_then_says": (FLOOD, "print('result 42')", "1 + 1"),
    "shows_badly": (SHOWS_BADLY,),
    "allowed": ("1/0", "print('the end')"),
    "huge_reason": ("raise ValueError('x' * 3_000_000)",),
    "control": ("raise ValueError('red\\x1b[31m\\nline\\x07')",),
    "exit": ("exit()", "print('not reached')"),
    "quit_at_the_end": ("x = 1", "quit"),
    "marked": ("1/0",),
    "no_parameters": ("print('x')",),
}


@pytest.fixture(scope="module", autouse=True)
def parent() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FISCALMODEL_PRELOAD", "json")
        with private_parent():
            yield


@pytest.fixture(scope="module")
def batch(tmp_path_factory: pytest.TempPathFactory) -> tuple[Results, Path]:
    folder = tmp_path_factory.mktemp("record")
    plan = faulty.write_project(
        folder / "p", {name: faulty.Fault(cells) for name, cells in CASES.items()}
    )
    books = folder / "p" / "notebooks"
    tagged = json.loads((books / "allowed.ipynb").read_text())
    tagged["cells"][1]["metadata"]["tags"] = ["raises-exception"]
    (books / "allowed.ipynb").write_text(json.dumps(tagged))
    marked = json.loads((books / "marked.ipynb").read_text())
    old = {"cell_type": "markdown", "id": "old", "source": "An Exception was encountered"}
    marked["cells"].insert(0, {**old, "metadata": {"tags": ["papermill-error-cell-tag"]}})
    (books / "marked.ipynb").write_text(json.dumps(marked))
    faulty.write_notebook(books / "no_parameters.ipynb", "print('x')", parameters=None)
    return run_batch(plan, out=folder / "out", workers=4, progress=False), folder / "out"


def result(batch: tuple[Results, Path], name: str):
    return next(r for r in batch[0].results if r.id == name)


def outputs(batch: tuple[Results, Path], name: str, cell: int) -> str:
    document = json.loads((batch[1] / f"{name}.ipynb").read_text())
    return "".join("".join(o.get("text", ())) for o in document["cells"][cell]["outputs"])


def test_the_cap_counts_what_is_kept(batch: tuple[Results, Path]) -> None:
    assert outputs(batch, "clears", 1) == "5999\n"
    assert outputs(batch, "clears", 2) == "result 42\n"
    assert result(batch, "clears").status == "done"
    document = json.loads((batch[1] / "updates.ipynb").read_text())
    assert document["cells"][1]["outputs"][0]["data"]["text/plain"] == ["5999"]
    assert result(batch, "updates").status == "done"
    assert outputs(batch, "floods_then_clears", 1) == "short\n"
    assert result(batch, "floods_then_clears").status == "done"


def test_a_cut_is_in_the_status_and_later_cells_keep_theirs(batch: tuple[Results, Path]) -> None:
    cut = result(batch, "floods_then_says")
    assert cut.status == "capped"
    assert cut.ok
    assert "output was cut" in cut.notes[0]
    assert "output cut here" in outputs(batch, "floods_then_says", 1)
    assert outputs(batch, "floods_then_says", 2) == "result 42\n"
    records = [json.loads(line) for line in (batch[1] / MANIFEST).read_text().splitlines()]
    assert {r["status"] for r in records if r["job"] == "floods_then_says"} == {"capped"}


@pytest.mark.parametrize(
    ("name", "cell", "reason"),
    [
        ("shows_badly", 2, "ValueError: boom"),
        ("exit", 2, "exit() was called"),
        ("quit_at_the_end", 3, "exit() was called"),
        ("marked", 3, "ZeroDivisionError"),
        ("control", 2, "ValueError: red\\x1b[31m line\\x07"),
    ],
)
def test_the_right_cell_and_error(batch, name: str, cell: int, reason: str) -> None:
    failed = result(batch, name)
    assert failed.status == "failed"
    assert (failed.cell, reason in failed.reason) == (cell, True), str(failed)
    assert not (batch[1] / f"{name}.ipynb").exists()


def test_a_tag_that_allows_an_exception_is_honoured(batch: tuple[Results, Path]) -> None:
    assert result(batch, "allowed").status == "done"
    assert outputs(batch, "allowed", 2) == "the end\n"


def test_without_parameters_none_are_needed(batch: tuple[Results, Path]) -> None:
    assert result(batch, "no_parameters").status == "done"


def test_a_reason_is_one_short_line(batch: tuple[Results, Path]) -> None:
    failed = result(batch, "huge_reason")
    assert failed.reason.startswith("ValueError: xxx")
    assert len(failed.reason) <= 300
    assert len((batch[1] / MANIFEST).read_bytes()) < 20_000
    assert all(c.isprintable() for r in batch[0].failed for c in str(r))
    assert one_line("一行\n二行", 4) == "一行 …"


def test_an_edited_result_runs_again(tmp_path: Path) -> None:
    plan = faulty.write_project(tmp_path / "p", {"n": faulty.Fault(("print('x is 1')",))})
    assert run_batch(plan, out=tmp_path / "out", progress=False).ok
    output = tmp_path / "out" / "n.ipynb"
    text = output.read_text()
    output.write_text(text.replace("x is 1\\n", "x is 9\\n"))
    assert [r.id for r in run_batch(plan, out=tmp_path / "out", progress=False).of("done")] == ["n"]
    assert output.read_text() == text


@pytest.mark.parametrize(
    "line",
    [
        "[]",
        "7",
        '"a"',
        "null",
        '{"complete": ["x"], "jobs": 3}',
        '{"complete": "s", "jobs": [["a"], {"b": 1}], "tables": [1]}',
        '{"job": ["a"], "status": "done", "key": {}}',
        '{"job": "a", "status": {"x": 1}, "key": 7}',
        '{"job": "a", "status": "done", "key": [[1]], "files": 3, "about": 4}',
        '{"job": "a", "status": "done", "key": {"k": []}, "files": {"a.ipynb": 3}}',
        "[" * 100_000,
    ],
)
def test_a_line_of_any_shape_is_passed_over(tmp_path: Path, line: str) -> None:
    (tmp_path / MANIFEST).write_text(line + "\n")
    manifest = Manifest(open_storage(tmp_path))
    assert manifest.valid([Job("a", "a.ipynb", {}, key={})]) == {}


def test_a_notebook_of_another_language_is_refused(tmp_path: Path) -> None:
    julia = {"kernelspec": {"name": "julia-1.11", "display_name": "Julia", "language": "julia"}}
    notebook = faulty.write_notebook(tmp_path / "n.ipynb", "1", metadata=julia)
    with pytest.raises(InputError, match="language is julia"):
        faulty.execute_notebook(notebook)


@pytest.mark.parametrize("name", ["结果 😀", 'it\'s "out"', "a b"])
def test_output_folders_with_any_name(tmp_path: Path, name: str) -> None:
    if sys.platform == "win32" and '"' in name:
        pytest.skip("not a name there")
    plan = faulty.write_project(tmp_path / "p", {"n": faulty.HEALTHY})
    assert run_batch(plan, out=tmp_path / name, progress=False).ok
    assert len(run_batch(plan, out=tmp_path / name, progress=False).of("unchanged")) == 1
