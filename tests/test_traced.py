"""Nothing unreachable: each public function runs when every scenario and notebook is run."""

from __future__ import annotations

import ast
import inspect
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FrameType

import pytest

import fiscalmodel as fm

ROOT = Path(__file__).resolve().parents[1]
#: Results and errors are met as such; those that the command line alone runs are named here.
TYPES = {"InputError", "Series", "__version__"}
COMMANDS = {"run_batch", "run_report", "new_county"}


class Tracer:
    """Code objects of the package that were entered."""

    def __init__(self) -> None:
        self.entered = set[CodeType]()

    def __call__(self, frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            self.entered.add(frame.f_code)

    def __enter__(self) -> Tracer:
        sys.setprofile(self)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)


def cells(file: Path) -> Iterator[str]:
    for cell in json.loads(file.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            yield "".join(cell["source"])


def run(file: Path) -> None:
    """A notebook's cells in this process; what the last line comes to is shown."""
    names: dict[str, object] = {"display": lambda *things: [shown(thing) for thing in things]}
    for source in cells(file):
        tree = ast.parse(source)
        last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, file.name, "exec"), names)
        if isinstance(last, ast.Expr):
            shown(eval(compile(ast.Expression(last.value), file.name, "eval"), names))


def shown(thing: object) -> None:
    getattr(thing, "_repr_html_", lambda: None)()


@pytest.mark.soak
def test_every_public_function_is_executed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    with Tracer() as tracer:
        for file in sorted((ROOT / "params" / "scenarios").glob("*/*.yaml")):
            fm.evaluate(fm.load_scenario(file))
        for file in sorted((ROOT / "notebooks").glob("*.ipynb")):
            run(file)
    functions = {
        name: inspect.unwrap(getattr(fm, name))
        for name in set(fm.__all__) - TYPES - COMMANDS
        if inspect.isfunction(inspect.unwrap(getattr(fm, name)))
    }
    unrun = sorted(n for n, f in functions.items() if f.__code__ not in tracer.entered)
    assert unrun == [], "no scenario and no notebook runs it"
