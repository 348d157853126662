"""Warm kernels: any client, outputs as of cold ones, a parent that dies (faults 6, 14, 16)."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from faults import faulty_notebooks as faulty

from fiscalmodel.kernels import parent, provisioner, stamp
from fiscalmodel.kernels.manager import KERNEL_NAME, is_installed

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="warm kernels are for Linux")


@pytest.fixture(scope="module", autouse=True)
def folder() -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FISCALMODEL_PRELOAD", "matplotlib.pyplot,pandas")
        with parent.private_parent() as folder:
            yield folder


def pid_of(folder: Path) -> int:
    parent.connect().close()
    return int(next(folder.glob("*.pid")).read_text())


def test_the_kernelspec_is_installed_and_listed() -> None:
    assert is_installed()
    listed = subprocess.run(
        [sys.executable, "-m", "jupyter_client.kernelspecapp", "list", "--json"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert KERNEL_NAME in json.loads(listed.stdout)["kernelspecs"]


MANY_OUTPUTS = (
    "import os, sys\nimport matplotlib.pyplot as plt, pandas as pd",
    "fig, ax = plt.subplots()\nax.plot([1, 2])\nplt.show()",
    "plt.plot([3, 4])",
    "pd.DataFrame({'a': [1.5, 2.5]})",
    "print('text', file=sys.stderr); print(code); 1 + 1",
    "plt.rcParams['figure.dpi'], plt.get_backend(), __name__, sys.argv[1:2]",
    "import warnings; warnings.warn('careful'); os.getcwd().split('/')[-1]",
    "!echo shell",
    "sorted(k for k in os.environ if k.startswith(('FISCALMODEL', 'JE_ARROW')))",
)


def test_warm_and_cold_kernels_give_the_same_outputs(tmp_path: Path) -> None:
    """Fault 16."""
    notebook = faulty.write_notebook(tmp_path / "n.ipynb", *MANY_OUTPUTS)
    made = {}
    for kernel in ("warm", "cold"):
        result = faulty.execute_notebook(notebook, {"code": "中文"}, kernel=kernel)
        assert result.ok, str(result)
        assert result.kernel == kernel
        made[kernel] = [c.get("outputs") for c in json.loads(result.text)["cells"]]
    text = json.dumps(made["warm"]).replace("/ipykernel_", "")
    assert len(text) > 1000
    for warm, cold in zip(made["warm"], made["cold"], strict=True):
        assert _without_process_ids(warm) == _without_process_ids(cold)


def _without_process_ids(outputs: object) -> str:
    import re

    # The file name of a cell in a warning holds the number of the process.
    text = re.sub(r"ipykernel_\d+/\d+", "ipykernel", json.dumps(outputs))
    return re.sub(r"0x[0-9a-f]+", "0x", text)


def test_plain_papermill_and_plain_nbclient_can_use_it(tmp_path: Path) -> None:
    notebook = faulty.write_notebook(tmp_path / "n.ipynb", "import os; print(os.getppid() > 1)")
    run = [sys.executable, "-m", "papermill", str(notebook), str(tmp_path / "out.ipynb")]
    subprocess.run([*run, "-k", KERNEL_NAME, "--no-progress-bar"], check=True, capture_output=True)
    assert "True" in (tmp_path / "out.ipynb").read_text()
    import nbformat
    from nbclient import NotebookClient

    document = nbformat.read(notebook, as_version=4)
    client = NotebookClient(document, kernel_name=KERNEL_NAME)
    client.execute()
    assert document.cells[-1].outputs[0].text.strip() == "True"


def test_a_parent_killed_while_idle_is_replaced(folder: Path, tmp_path: Path) -> None:
    notebook = faulty.write_notebook(tmp_path / "n.ipynb", "1")
    first = pid_of(folder)
    os.kill(first, signal.SIGKILL)
    result = faulty.execute_notebook(notebook)
    assert result.ok
    assert result.kernel == "warm"
    assert pid_of(folder) != first


def test_a_parent_killed_while_a_kernel_runs_does_not_end_it(folder: Path, tmp_path: Path) -> None:
    notebook = faulty.write_notebook(tmp_path / "n.ipynb", "import time; time.sleep(2)", "print(7)")
    victim = pid_of(folder)
    threading.Timer(1.0, os.kill, (victim, signal.SIGKILL)).start()
    result = faulty.execute_notebook(notebook)
    assert result.ok, str(result)
    assert "7" in result.text


def test_a_client_that_is_killed_takes_its_kernel_along(tmp_path: Path) -> None:
    notebook = faulty.write_notebook(
        tmp_path / "n.ipynb",
        f"import os, subprocess, time\nsubprocess.Popen(['sleep', '{faulty.FOREVER}1'])\n"
        f"open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()))\ntime.sleep(1000)",
    )
    code = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); "
    code += "from faults import faulty_notebooks as f; f.execute_notebook(sys.argv[1])"
    client = subprocess.Popen([sys.executable, "-c", code, str(notebook)])
    for _ in range(600):
        if (tmp_path / "pid").exists() and (tmp_path / "pid").read_text():
            break
        time.sleep(0.1)
    kernel = int((tmp_path / "pid").read_text())
    client.kill()
    client.wait()
    for _ in range(100):
        if not Path(f"/proc/{kernel}").exists():
            break
        time.sleep(0.05)
    assert not Path(f"/proc/{kernel}").exists()
    running = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
    assert f"sleep {faulty.FOREVER}1" not in running.stdout


def test_an_import_error_in_the_preload_shows_in_the_notebook_that_imports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FISCALMODEL_KERNEL_PARENT_NAME")
    monkeypatch.setenv("FISCALMODEL_PRELOAD", "json,module_that_is_not_there")
    good = faulty.write_notebook(tmp_path / "good.ipynb", "1")
    bad = faulty.write_notebook(tmp_path / "bad.ipynb", "import module_that_is_not_there")
    with parent.private_parent():
        result = faulty.execute_notebook(good)
        assert result.ok
        assert result.kernel == "warm"
        assert "ModuleNotFoundError" in faulty.execute_notebook(bad).reason


def test_a_parent_that_cannot_start_gives_cold_kernels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "starts_thread.py").write_text(
        "import threading, time\n"
        "threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n"
    )
    monkeypatch.delenv("FISCALMODEL_KERNEL_PARENT_NAME")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("FISCALMODEL_PRELOAD", "starts_thread")
    notebook = faulty.write_notebook(tmp_path / "n.ipynb", "print('still works')")
    with parent.private_parent():
        result = faulty.execute_notebook(notebook)
        assert result.ok
        assert result.kernel == "cold"
        with pytest.raises(parent.ParentFailed, match="starts_thread starts threads"):
            parent.connect()


def test_edited_code_gets_another_parent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "fiscalmodel" / "kernels"
    package.mkdir(parents=True)
    module = package / "stamp.py"
    module.write_text("a = 1\n")
    monkeypatch.setattr(stamp, "__file__", str(module))
    before = stamp.fingerprint(fresh=True)
    assert stamp.fingerprint(fresh=True) == before
    module.write_text("a = 22\n")
    assert stamp.fingerprint(fresh=True) != before
    monkeypatch.setenv("FISCALMODEL_PRELOAD", "json")
    assert stamp.fingerprint(fresh=True) != before


def test_long_temporary_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fault 14: a socket's path may have some 100 characters."""
    long = tmp_path / ("d" * 120)
    long.mkdir()
    monkeypatch.setenv("TMPDIR", str(long))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.delenv("FISCALMODEL_KERNEL_PARENT_NAME")
    monkeypatch.setenv("FISCALMODEL_PRELOAD", "json")
    notebook = faulty.write_notebook(tmp_path / "n.ipynb", "1")
    with parent.private_parent() as folder:
        assert len(str(folder)) < 60
        result = faulty.execute_notebook(notebook)
    assert result.ok
    assert result.kernel == "warm"


def test_how_a_kernel_ended_in_words() -> None:
    assert provisioner.spoken_exit(-9) == "killed by SIGKILL"
    assert provisioner.spoken_exit(0) == "exit code 0"
