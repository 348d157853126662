"""Guarded nbval (fault 17): stripped, drifting or hiding notebooks fail, good ones pass."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from faults import faulty_notebooks as faulty

from fiscalmodel.check_notebooks.compare import Tolerance, differences, text_differences
from fiscalmodel.check_notebooks.guard import notebook_problems
from fiscalmodel.check_notebooks.refresh import refresh

pytest_plugins = ["pytester"]

TABLE = """
from IPython.display import HTML, display
display(HTML(f"<style>td {{}}</style><table><tr><td>收入</td><td>{value:,.2f}</td></tr></table>"))
"""
UPDATED = """
from IPython.display import clear_output, display
handle = display("first", display_id=True)
handle.update("last")
print("gone")
clear_output(wait=True)
display("kept", display_id="x").update("kept last")
"""


def project(folder: Path) -> Path:
    """A folder that is a project, for notebooks in it."""
    (folder / "params").mkdir()
    (folder / "params" / "regions.yaml").write_text("regions: {}")
    return folder


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A small notebook, executed and committed by `refresh`."""
    path = tmp_path_factory.mktemp("nb") / "good.ipynb"
    faulty.write_notebook(
        path, "print(12345678901234568, value)", TABLE, UPDATED, parameters="value = 1234.5678"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FISCALMODEL_PRELOAD", "json")
        (report,) = refresh([path], say=lambda text: None)
    assert report.files
    return json.loads(path.read_text())


def variants(good: dict[str, Any]) -> dict[str, tuple[dict[str, Any], str]]:
    """Name -> notebook and what must be said; empty: it passes."""

    def cells(*changes: tuple[int, dict[str, Any]], **metadata: Any) -> dict[str, Any]:
        made = copy.deepcopy(good)
        for index, change in changes:
            made["cells"][index].update(change)
        made["metadata"].update(metadata)
        return made

    html = copy.deepcopy(good["cells"][2]["outputs"])
    near, far = copy.deepcopy(html), copy.deepcopy(html)
    for outputs, number in ((near, "1,234.58"), (far, "1,234.67")):
        text = "".join(outputs[0]["data"]["text/html"])
        outputs[0]["data"]["text/html"] = text.replace("1,234.57", number)
    longer = copy.deepcopy(good["cells"][1]["outputs"])
    longer[0]["text"] = [line.replace("568", "567") for line in longer[0]["text"]]
    video = [{"output_type": "display_data", "data": {"video/mp4": "x"}, "metadata": {}}]
    stripped = copy.deepcopy(good)
    for cell in stripped["cells"]:
        cell.update(outputs=[], execution_count=None)
    loose = {"tolerance": {"rel": 1e-5}}
    return {
        "good": (good, ""),
        "near": (cells((2, {"outputs": near}), fiscalmodel=loose), ""),
        "beyond": (cells((2, {"outputs": near})), "1,234.58 -> 1,234.57"),
        "drift": (cells((2, {"outputs": far}), fiscalmodel=loose), "1,234.67 -> 1,234.57"),
        "stripped": (stripped, "was not executed"),
        "outputs_gone": (cells((2, {"outputs": []})), "outputs were none"),
        "one_not_run": (cells((1, {"execution_count": None, "outputs": []})), "was not executed"),
        "tagged": (cells((2, {"metadata": {"tags": ["nbval-skip"]}})), "would hide"),
        "ignored": (
            cells((2, {"source": "# NBVAL_IGNORE_OUTPUT\n" + TABLE, "outputs": far})),
            "would hide",
        ),
        "one_more": (cells((1, {"outputs": longer})), "12345678901234567 -> 12345678901234568"),
        "not_a_picture": (cells((2, {"outputs": video})), "video/mp4 is not compared"),
        "any_number": (cells(fiscalmodel={"tolerance": {"rel": 1.0}}), "rel must lie between"),
    }


def test_each_notebook_passes_or_fails_as_it_must(
    pytester: pytest.Pytester, executed: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FISCALMODEL_PRELOAD", "json")
    cases = variants(executed)
    project(pytester.path)
    for name, (document, _) in cases.items():
        (pytester.path / f"{name}.ipynb").write_text(json.dumps(document), encoding="utf-8")
    ran = pytester.runpytest_inprocess("--nbval", "-p", "no:cacheprovider", "-q")
    said = ran.stdout.str()
    failed = {line.split("::")[0].split()[-1] for line in ran.outlines if line.startswith("FAILED")}
    assert failed == {f"{name}.ipynb" for name, (_, text) in cases.items() if text}, said
    for name, (_, text) in cases.items():
        assert text in said, name


def test_a_display_is_compared_by_what_a_later_cell_made_of_it(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FISCALMODEL_PRELOAD", "json")
    begin = "from IPython.display import display\nhandle = display('first 1', display_id=True)"
    path = project(pytester.path) / "right.ipynb"
    faulty.write_notebook(path, begin, "handle.update('last 2')", "print('end')")
    refresh([path], say=lambda text: None)
    text = path.read_text()
    assert "last 2" in text.split("handle.update")[0]
    (pytester.path / "wrong.ipynb").write_text(text.replace("\"'last 2'\"", "\"'first 1'\"", 1))
    ran = pytester.runpytest_inprocess("--nbval", "-p", "no:cacheprovider", "-q")
    ran.assert_outcomes(passed=10, errors=1)
    assert "Cell 1: 1 -> 2" in ran.stdout.str() or "first" in ran.stdout.str()


def test_lax_and_sanitising_are_refused(pytester: pytest.Pytester) -> None:
    faulty.write_notebook(project(pytester.path) / "n.ipynb", "1")
    lax = pytester.runpytest_inprocess("--nbval-lax")
    assert lax.ret == pytest.ExitCode.USAGE_ERROR
    pytester.makefile(".cfg", clean="")
    clean = pytester.runpytest_inprocess("--nbval", "--nbval-sanitize-with", "clean.cfg")
    assert clean.ret == pytest.ExitCode.USAGE_ERROR


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ("收入 1,234.5 万元", "收入 1234.50 万元", True),
        ("-0.1%", "−0.1%", True),
        ("1e-3", "0.001", True),
        ("2028", "2029", False),
        ("100000000.1 元", "100000000.2 元", True),
        ("1000000001", "1000000002", False),
        ("1,000,000,001", "1000000001", True),
        ("420106198001010101", "420106198001010102", False),
        ("2028.6.30", "2028.6.3", False),
        ("2028-06-30", "2028-06-29", False),
        ("12:30:05", "12:30:06", False),
        ("00123", "123", False),
        ("5.", "5", True),
        ("合计5.", "合计5.", True),
        ("a 1", "b 1", False),
        ("1 2", "1", False),
        ("—", "0", False),
        ("nan", "0", False),
        ("1.0000001", "1.0000002", True),
        ("<div at 0x7f01>", "<div at 0x7f02>", True),
    ],
)
def test_texts_that_say_the_same(old: str, new: str, same: bool) -> None:
    assert (text_differences(old, new, Tolerance()) == []) is same


def test_scripts_links_and_figures_are_compared() -> None:
    def shown(**data: object) -> list[dict[str, object]]:
        return [{"output_type": "display_data", "data": data, "metadata": {}}]

    def differ(kind: str, old: object, new: object) -> bool:
        return differences(shown(**{kind: old}), shown(**{kind: new}), Tolerance()) != []

    plotly = "application/vnd.plotly.v1+json"
    assert differ(plotly, {"data": [{"y": [1.5, 2.5]}]}, {"data": [{"y": [1.5, 2.6]}]})
    assert not differ(plotly, {"data": [{"y": [1.5]}]}, {"data": [{"y": [1.5 + 1e-9]}]})
    assert differ("application/javascript", "show(1)", "show(2)")
    assert differ("text/html", "<script>show(1)</script>", "<script>show(2)</script>")
    assert differ("text/html", '<a href="a.html">x</a>', '<a href="b.html">x</a>')
    assert not differ("text/html", '<a id="a" class="u">x</a>', '<a id="b" class="v">x</a>')


def test_notebooks_elsewhere_are_left_to_nbval(pytester: pytest.Pytester) -> None:
    """Its markers and its own options work where there is no project."""
    notebook = faulty.write_notebook(
        pytester.path / "theirs.ipynb",
        "# NBVAL_IGNORE_OUTPUT\nimport time; time.time()",
        "1/0",
    )
    document = json.loads(notebook.read_text())
    document["cells"][2]["metadata"]["tags"] = ["raises-exception"]
    for number, cell in enumerate(document["cells"], start=1):
        cell["execution_count"] = number
    error = {"output_type": "error", "ename": "ZeroDivisionError", "traceback": []}
    document["cells"][2]["outputs"] = [{**error, "evalue": "division by zero"}]
    notebook.write_text(json.dumps(document))
    pytester.makefile(".cfg", clean="")
    for options in (["--nbval"], ["--nbval-lax"], ["--nbval", "--nbval-sanitize-with=clean.cfg"]):
        ran = pytester.runpytest_inprocess(*options, "-p", "no:cacheprovider", "-q")
        ran.assert_outcomes(passed=3)


def test_order_and_kind_of_outputs_matter() -> None:
    picture = {"output_type": "display_data", "data": {"image/png": "a"}, "metadata": {}}
    table = {"output_type": "display_data", "data": {"text/html": "<td>1</td>"}, "metadata": {}}
    other = {"output_type": "display_data", "data": {"image/png": "b"}, "metadata": {}}
    assert differences([picture, table], [other, table], Tolerance()) == []
    assert differences([picture, table], [table, picture], Tolerance()) != []
    pieces = [{"output_type": "stream", "name": "stdout", "text": t} for t in ("a", "b\n")]
    whole = [{"output_type": "stream", "name": "stdout", "text": "ab\n"}]
    assert differences(pieces, whole, Tolerance()) == []


def test_a_chart_without_a_table_is_refused(executed: dict[str, Any]) -> None:
    document = copy.deepcopy(executed)
    picture = {"output_type": "display_data", "data": {"image/png": "a"}, "metadata": {}}
    document["cells"][2]["outputs"] = [picture]
    assert any("chart" in text for text in notebook_problems(document))


def test_refresh_shows_differences_and_writes_only_when_told(
    tmp_path: Path, executed: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FISCALMODEL_PRELOAD", "json")
    document = copy.deepcopy(executed)
    document["cells"][0]["source"] = "value = 1300.0"
    path = tmp_path / "n.ipynb"
    path.write_text(json.dumps(document))
    before = path.read_bytes()
    said: list[str] = []
    refresh([path], write=False, say=said.append)
    assert path.read_bytes() == before
    assert "  code cell 3: 1,234.57 -> 1,300.00" in said
    refresh([path], confirm=lambda report: False, say=said.append)
    assert path.read_bytes() == before
    (report,) = refresh([path], say=said.append)
    assert report.files
    assert "1,300.00" in path.read_text()
    (again,) = refresh([path], say=said.append)
    assert again.notes == ()
    assert not again.files
