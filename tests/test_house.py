"""The house: imports point down, nothing goes in circles, nobody reaches into another's drawers."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "fiscalmodel"

#: Rooms from the ground floor up; a room imports only rooms below it.
ROOMS = (
    "ground", "tables", "series", "checks", "revenue", "debt", "fees", "budget", "scenario",
    "present", "kernels", "run", "check_notebooks", "cli",
)  # fmt: skip


def modules():
    """Module name -> file; a package goes by its own name."""
    found = {}
    for file in sorted(PACKAGE.rglob("*.py")):
        parts = file.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    return found


MODULES = modules()


def room(module):
    """The room of a module; files beside the rooms are the ground, but for the command line."""
    part = module.split(".")[1] if "." in module else "cli"
    if part.startswith("cli") or part == "__main__":
        return "cli"
    return part if (PACKAGE / part).is_dir() else "ground"


def imports(module):
    """Every import of the package, inside functions and for types too: target and names."""
    file = MODULES[module]
    here = module.split(".") if file.name == "__init__.py" else module.split(".")[:-1]
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == "fiscalmodel":
                    yield alias.name, (), node.lineno
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                base = ".".join([*here[: len(here) - node.level + 1], *filter(None, [node.module])])
            if base.split(".")[0] != "fiscalmodel":
                continue
            for alias in node.names:
                inner = f"{base}.{alias.name}"
                yield (inner, (), node.lineno) if inner in MODULES else (
                    base, (alias.name,), node.lineno
                )  # fmt: skip


ARROWS = {
    module: [(target, names, line) for target, names, line in imports(module) if target != module]
    for module in MODULES
}


def test_rooms_import_only_rooms_below():
    upward = [
        f"{module}:{line} -> {target}"
        for module, arrows in ARROWS.items()
        if module != "fiscalmodel"
        for target, _, line in arrows
        if target != "fiscalmodel" and ROOMS.index(room(target)) > ROOMS.index(room(module))
    ]
    assert not upward


def test_nobody_goes_through_the_face_of_the_package():
    through = [
        f"{module}:{line} {names}"
        for module, arrows in ARROWS.items()
        for target, names, line in arrows
        if target == "fiscalmodel" and names != ("__version__",)
    ]
    assert not through


def test_there_is_no_circle():
    graph = {
        module: {target for target, _, _ in arrows if target in MODULES and target != "fiscalmodel"}
        for module, arrows in ARROWS.items()
    }
    done, path = set(), []

    def visit(module):
        if module in path:
            pytest.fail(" -> ".join([*path[path.index(module) :], module]))
        if module in done:
            return
        path.append(module)
        for target in sorted(graph[module]):
            visit(target)
        done.add(path.pop())

    for module in sorted(graph):
        if module != "fiscalmodel":
            visit(module)


def test_private_names_stay_in_their_file():
    taken = [
        f"{module}:{line} takes {name} of {target}"
        for module, arrows in ARROWS.items()
        for target, names, line in arrows
        for name in names
        if name.startswith("_") and not name.startswith("__")
    ]
    assert not taken


def test_every_file_has_a_room():
    assert {room(module) for module in MODULES} <= set(ROOMS)


def raw_sentences():
    """Errors whose words stand in the code instead of `params/words/`."""
    from fiscalmodel.words import is_key

    for module, file in MODULES.items():
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or len(node.args) < 2:
                continue
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if name not in ("InputError", "add") or (name == "add" and len(node.args) > 3):
                continue
            what = node.args[1]
            if isinstance(what, ast.Constant) and isinstance(what.value, str):
                if not is_key(what.value):
                    yield f"{module}:{node.lineno} {what.value[:50]!r}"
            elif isinstance(what, ast.JoinedStr):
                first = what.values[0]
                begun = isinstance(first, ast.Constant) and "." in str(first.value)
                if not (begun and " " not in str(first.value)):
                    yield f"{module}:{node.lineno} f-string"


def test_messages_stand_in_the_words():
    assert not list(raw_sentences())


def test_contributing_names_files_that_are_there():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([\w/*<>.-]+\.(?:py|yaml|csv|json|ipynb))`", text))
    assert len(named) > 20
    places = (ROOT, PACKAGE, *PACKAGE.iterdir(), *(ROOT / "params").iterdir(), ROOT / "data")
    gone = [
        name for name in sorted(named)
        if "<" not in name and not any(list(place.glob(name)) for place in places if place.is_dir())
    ]  # fmt: skip
    assert gone == []
