"""run.py: standard library only, stamps, and a sentence for every way to fail."""

from __future__ import annotations

import ast
import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture
def runner(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("run_py", project / "run.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name in ("VENV", "STAMP", "PYTHON"):
        old = getattr(module, name)
        monkeypatch.setattr(module, name, tmp_path / old.relative_to(module.ROOT))
    return module


def test_only_the_standard_library_is_imported(project: Path) -> None:
    tree = ast.parse((project / "run.py").read_text(encoding="utf-8"))
    names = {
        a.name.split(".")[0] for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names
    }
    names |= {str(n.module).split(".")[0] for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
    assert names <= set(sys.stdlib_module_names)


def test_an_older_python_gets_one_sentence(project: Path) -> None:
    source = (project / "run.py").read_text(encoding="utf-8")
    old = source.replace("sys.version_info < (3, 11)", "sys.version_info < (99, 0)")
    done = subprocess.run([sys.executable, "-"], input=old, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "needs Python 3.11 or newer" in done.stderr


def test_the_stamp_decides(runner: ModuleType) -> None:
    assert not runner.is_ready("report")
    runner.PYTHON.parent.mkdir(parents=True)
    runner.PYTHON.touch()
    runner.STAMP.write_text(json.dumps(runner.wanted("report")))
    assert runner.is_ready("report")
    assert not runner.is_ready("test")
    runner.STAMP.write_text(json.dumps(runner.wanted("test")))
    assert runner.is_ready("report")
    assert runner.is_ready("test")
    runner.STAMP.write_text(json.dumps({**runner.wanted("test"), "sha256": "another lock"}))
    assert not runner.is_ready("report")
    runner.STAMP.write_text("{half")
    assert not runner.is_ready("report")


def test_a_python_without_ensurepip_names_the_package(
    runner: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = subprocess.CompletedProcess([], 1, "", "ensurepip is not available")
    monkeypatch.setattr(runner.subprocess, "run", lambda *a, **k: failed)
    with pytest.raises(SystemExit, match=r"install the package python3\.\d+-venv"):
        runner.make_venv(None)


def test_an_interrupted_installation_leaves_no_stamp(
    runner: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*command: object) -> None:
        raise KeyboardInterrupt

    runner.PYTHON.parent.mkdir(parents=True)
    runner.STAMP.write_text(json.dumps(runner.wanted("report")))
    monkeypatch.setattr(runner.shutil, "which", lambda name: "uv")
    monkeypatch.setattr(runner, "make_venv", lambda uv: None)
    monkeypatch.setattr(runner, "call", interrupted)
    with pytest.raises(KeyboardInterrupt):
        runner.install("report")
    assert not runner.STAMP.exists()


def test_an_unknown_command_shows_the_usage(
    runner: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    assert runner.main(["reprot"]) == 2
    assert "usage: python3 run.py COMMAND" in capsys.readouterr().out


def test_jupyterlab_is_started_without_the_network(
    runner: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The options must be known to JupyterLab: its own traits say so."""
    from jupyterlab.labapp import LabApp

    started: list[str] = []
    monkeypatch.setattr(runner, "is_ready", lambda kind: True)
    monkeypatch.setattr(runner, "start", lambda *command: started.extend(command) or 0)
    assert runner.main(["lab", "--port=9999"]) == 0
    options = [option for option in started if option.startswith("--LabApp.")]
    app = LabApp()
    app.parse_command_line(options)
    assert app.news_url is None
    assert app.check_for_updates_class.__name__ == "NeverCheckForUpdate"
    assert app.extension_manager == "readonly"
    settings = json.loads((Path(app.app_settings_dir) / "overrides.json").read_text("utf-8"))
    assert settings["@jupyterlab/translation-extension:plugin"] == {"locale": "zh_CN"}
    assert settings["@jupyterlab/apputils-extension:notification"]["fetchNews"] == "false"
    assert importlib.util.find_spec("jupyterlab_language_pack_zh_CN")
    assert started[-1] == "--port=9999"
