"""Paths from input stay inside; names work on every system."""

from __future__ import annotations

from pathlib import Path

import pytest

from fiscalmodel.errors import InputError
from fiscalmodel.paths import inside, project_root, safe_name


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        "..",
        "a/b",
        "a\\b",
        "/etc",
        ".hidden",
        "a..b",
        "x.",
        "CON",
        "nul.txt",
        "a\nb",
        "a:b",
    ],
)
def test_unsafe_names_are_refused(name: str) -> None:
    with pytest.raises(InputError):
        safe_name(name)


def test_a_very_long_name_is_refused() -> None:
    with pytest.raises(InputError):
        safe_name("a" * 101)


@pytest.mark.parametrize("name", ["jianghan", "010101", "江汉区", "a-b_c.1"])
def test_safe_names_pass(name: str) -> None:
    assert safe_name(name) == name


def test_names_are_normalised() -> None:
    assert safe_name("e\u0301") == "\u00e9"


def test_inside_follows_links(tmp_path: Path) -> None:
    fence, outside = tmp_path / "in", tmp_path / "out"
    fence.mkdir()
    outside.mkdir()
    (fence / "link").symlink_to(outside)
    assert inside(fence, "a/b.csv") == (fence / "a" / "b.csv").resolve()
    for path in ("../out", "link/x", "/etc/passwd"):
        with pytest.raises(InputError, match="leaves the folder"):
            inside(fence, path)


def test_the_project_is_found_from_below_and_by_name(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert project_root(project / "notebooks") == project
    monkeypatch.chdir(tmp_path)
    assert project_root() == project  # by the package's own place
    monkeypatch.setenv("FISCALMODEL_PROJECT", str(tmp_path))
    with pytest.raises(InputError, match="no fiscalmodel project"):
        project_root()
