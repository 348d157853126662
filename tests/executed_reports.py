"""Reports for tests: the report's notebook run in this process, with the outputs it would keep."""

from __future__ import annotations

import ast
import base64
from functools import cache
from pathlib import Path
from typing import Any

import nbformat

import fiscalmodel as fm

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOK = ROOT / "notebooks" / "05_scenario_report.ipynb"


@cache
def evaluated(scenario: str) -> fm.Outcome:
    """The outcome of a scenario of the project, for tests that only look at it."""
    return fm.evaluate(fm.load_scenario(ROOT / scenario))


@cache
def executed(scenario: Any, lang: str = "zh", *, public: bool = False) -> str:
    """The report's notebook with the outputs for a scenario (a file), as JSON text."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    outputs: list[Any] = []
    names: dict[str, Any] = {"display": lambda *things: outputs.extend(map(_output, things))}
    for cell in notebook.cells:
        if cell.cell_type != "code" or "hide-in-report" in cell.metadata.get("tags", []):
            continue
        outputs.clear()
        tree = ast.parse(cell.source)
        last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, "cell", "exec"), names)
        if last is not None:
            shown = eval(compile(ast.Expression(last.value), "cell", "eval"), names)
            outputs.extend([] if shown is None else [_output(shown)])
        if "parameters" in cell.metadata.get("tags", []):
            names |= {"scenario": str(scenario), "lang": lang, "public": public}
        cell.outputs = [output for output in outputs if output is not None]
    return nbformat.writes(notebook)


def _output(thing: Any) -> Any:
    if thing is None:
        return None
    if hasattr(thing, "_repr_mimebundle_"):
        data, metadata = thing._repr_mimebundle_()
        base64.b64decode(data["image/png"])
        return nbformat.v4.new_output("display_data", data, metadata=metadata)
    html = getattr(thing, "_repr_html_", lambda: None)()
    data = {"text/plain": repr(thing), **({"text/html": html} if html else {})}
    return nbformat.v4.new_output("display_data", data)


def spending_county():
    """The sample county, budgeting to spend 1,000 万元 less than its needs and 7,000 more."""
    case = fm.load_scenario("params/scenarios/sample_county/baseline.yaml")
    balance = fm.evaluate(case, until="balance").balance
    needs = ["sanbao_need_wan", "statutory_debt_service_wan", "other_commitments_wan"]
    needed = dict(zip(balance["year"].tolist(), balance[needs].sum(axis=1), strict=True))
    spent = {
        year: float(need + more)
        for (year, need), more in zip(needed.items(), (-1000, 7000, 1e6), strict=True)
    }
    return case.change({"expenditure": None}).change(
        {"expenditure.amount_wan": spent, "expenditure.source": "测试"}
    )
