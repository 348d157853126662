"""Nothing unreachable: a user meets each public name in a notebook, a scenario or a command."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import fiscalmodel as fm

ROOT = Path(__file__).resolve().parents[1]

#: Types that users meet as results, and errors.
TYPES = {"InputError", "Series", "__version__"}

#: Not reached yet. A name leaves this list when a user can reach it; none may be added.
PENDING = {
    "read_table",
    "run_report",
    "to_cumulative",
}


def names_in(code):
    """Every attribute and name in Python code; cells with magics count by their other lines."""
    plain = "\n".join(
        line for line in code.splitlines() if not line.lstrip().startswith(("%", "!"))
    )
    for node in ast.walk(ast.parse(plain)):
        if isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.Name):
            yield node.id


def notebook_names():
    for file in sorted((ROOT / "notebooks").glob("*.ipynb")):
        for cell in json.loads(file.read_text(encoding="utf-8"))["cells"]:
            if cell["cell_type"] == "code":
                yield from names_in("".join(cell["source"]))


def house_names():
    """Names that evaluation of a scenario or a command uses."""
    files = [*(ROOT / "fiscalmodel" / "scenario").glob("*.py"), ROOT / "fiscalmodel" / "cli.py"]
    files += [*(ROOT / "fiscalmodel").glob("cli_*.py"), *(ROOT / "fiscalmodel/run").glob("cli*.py")]
    for file in files:
        yield from names_in(file.read_text(encoding="utf-8"))


def test_every_public_name_is_reached():
    reached = set(notebook_names()) | set(house_names())
    unreached = set(fm.__all__) - TYPES - reached
    assert unreached - PENDING == set(), "show it in a notebook, or let a scenario key use it"
    assert PENDING & reached == set(), "reached now: take it off the list"
