"""What is done again and what is not (faults 9, 10, 13, 15): crashes, changes, two runners."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from faults import faulty_notebooks as faulty

from fiscalmodel.errors import InputError
from fiscalmodel.kernels.parent import private_parent
from fiscalmodel.kernels.stamp import digest
from fiscalmodel.paths import write_whole
from fiscalmodel.run import stamp
from fiscalmodel.run.batch import run_batch
from fiscalmodel.run.job import Job, Result
from fiscalmodel.run.manifest import Manifest
from fiscalmodel.run.plan import load_plan
from fiscalmodel.run.storage import MANIFEST, open_storage

linux = pytest.mark.skipif(sys.platform != "linux", reason="looks at processes of Linux")


@pytest.fixture(scope="module", autouse=True)
def parent() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FISCALMODEL_PRELOAD", "json")
        with private_parent():
            yield


@pytest.fixture(autouse=True)
def nobody_edits_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stamp, "code_stamp", lambda: "the package")


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    names = {"a": faulty.HEALTHY, "b": faulty.HEALTHY}
    return faulty.write_project(tmp_path / "project", names)


def jobs_of(plan: Path, kernel: str) -> list[Job]:
    loaded = load_plan(plan)
    return stamp.with_keys(loaded.jobs, loaded.root, kernel=kernel)


def keys_now(plan: Path) -> dict[str, dict[str, str]]:
    return {job.id: dict(job.key) for job in jobs_of(plan, "warm")}


def changed(plan: Path, before: dict[str, dict[str, str]]) -> dict[str, list[str]]:
    now = keys_now(plan)
    return {
        job: [name for name in key if before[job][name] != key[name]]
        for job, key in now.items()
        if before[job] != key
    }


def test_what_makes_a_result_invalid_and_only_that(
    plan: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault 10."""
    root, before = plan.parent, keys_now(plan)
    assert keys_now(plan) == before
    notebook = root / "notebooks" / "a.ipynb"
    text = notebook.read_text()
    document = json.loads(text)
    document["cells"][1]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "x"}]
    document["cells"][1]["execution_count"] = 7
    notebook.write_text(json.dumps(document, indent=4))
    os.utime(root / "data" / "numbers.csv")
    (root / "data" / ".numbers.csv.swp").write_text("an editor's file")
    (root / "README.md").write_text("not data")
    assert changed(plan, before) == {}
    document["cells"][1]["source"] += " "
    notebook.write_text(json.dumps(document))
    assert changed(plan, before) == {"a": ["notebook"]}
    notebook.write_text(text)
    data = root / "data" / "numbers.csv"
    data.write_text("a\n2\n")
    assert changed(plan, before) == {"a": ["data"], "b": ["data"]}
    data.write_text("a\n1\n")
    jobs = [
        {"name": "a", "notebook": "a", "parameters": {"code": "x"}},
        {"name": "b", "notebook": "b"},
    ]
    faulty.write_plan(root, jobs)
    assert changed(plan, before) == {"a": ["parameters"]}
    monkeypatch.setattr(stamp, "code_stamp", lambda: "other")
    monkeypatch.setattr(stamp, "environment_stamp", lambda: "other")
    assert set(changed(plan, before)["b"]) == {"package", "environment"}
    assert {job.key["kernel"] for job in jobs_of(plan, "cold")} != {before["a"]["kernel"]}


def test_a_crash_between_output_and_record_costs_one_run_and_no_more(
    plan: Path, tmp_path: Path
) -> None:
    """Fault 9: torn lines, lost records, missing and cut outputs."""
    out = tmp_path / "out"
    assert run_batch(plan, out=out, workers=2, progress=False).ok
    manifest = out / MANIFEST
    lines = manifest.read_bytes().splitlines(keepends=True)
    manifest.write_bytes(lines[0] + lines[1][:40])  # torn in the second record
    again = run_batch(plan, out=out, workers=2, progress=False)
    torn = json.loads(lines[1])["job"]
    assert [r.id for r in again.of("done")] == [torn]
    assert all(r.ok for r in again.results)
    (out / "a.ipynb").write_text("cut")
    assert [r.id for r in run_batch(plan, out=out, progress=False).of("done")] == ["a"]
    (out / "b.ipynb").unlink()
    assert [r.id for r in run_batch(plan, out=out, progress=False).of("done")] == ["b"]
    assert len(run_batch(plan, out=out, progress=False).of("unchanged")) == 2


def test_the_same_batch_twice_gives_the_same_bytes(plan: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        assert run_batch(plan, out=tmp_path / name, workers=2, progress=False).ok
    for name in ("a.ipynb", "b.ipynb"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_a_full_disk_is_a_failure_and_leaves_no_file(
    plan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match="No space left"):
        write_whole(tmp_path / "x", b"content")
    assert list(tmp_path.glob("*x*")) == []


def test_two_runners_on_one_folder(plan: Path, tmp_path: Path) -> None:
    storage = open_storage(tmp_path / "out")
    storage.check_writable()
    with storage.locked(), pytest.raises(InputError, match="another batch is writing here"):
        run_batch(plan, out=tmp_path / "out", progress=False)
    assert run_batch(plan, out=tmp_path / "out", progress=False).ok


def test_memory_storage_and_its_manifest(plan: Path) -> None:
    pytest.importorskip("fsspec")
    import fsspec

    address = "memory://batch-test"
    assert run_batch(plan, out=address, workers=2, progress=False).ok
    assert len(run_batch(plan, out=address, progress=False).of("unchanged")) == 2
    files = fsspec.filesystem("memory")
    files.rm("/batch-test/a.ipynb")
    assert [r.id for r in run_batch(plan, out=address, progress=False).of("done")] == ["a"]
    assert json.loads(files.cat("/batch-test/a.ipynb"))["nbformat"] == 4


def test_a_failure_is_never_valid_and_only_the_last_record_counts(tmp_path: Path) -> None:
    storage = open_storage(tmp_path / "out")
    storage.check_writable()
    job = Job("a", "a.ipynb", {}, key={"notebook": "1"})
    storage.write("a.ipynb", b"12345")
    manifest = Manifest(storage)
    manifest.record(job, Result("a", "a.ipynb", "failed", reason="it died"), {})
    assert Manifest(storage).valid([job]) == {}
    assert Manifest(storage).failed() == {"a"}
    manifest.record(job, Result("a", "a.ipynb", "done"), {"a.ipynb": digest(b"12345")})
    assert set(Manifest(storage).valid([job])) == {"a"}
    assert Manifest(storage).valid([Job("a", "a.ipynb", {}, key={"notebook": "2"})]) == {}
    manifest.record(job, Result("a", "a.ipynb", "failed"), {})
    assert Manifest(storage).valid([job]) == {}


def test_retry_only_failed_and_fail_fast(tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    once = (
        f"import os\nif not os.path.exists({str(flag)!r}):\n    open({str(flag)!r}, 'w')\n    1 / 0"
    )
    bad = faulty.FAULTS["exception"]
    plan = faulty.write_project(
        tmp_path / "project", {"once": faulty.Fault((once,)), "bad": bad, "good": faulty.HEALTHY}
    )
    result = run_batch(plan, out=tmp_path / "out", workers=1, retry=1, progress=False)
    attempts = {r.id: (r.status, r.attempts) for r in result.results}
    assert attempts == {"once": ("done", 2), "bad": ("failed", 2), "good": ("done", 1)}
    (tmp_path / "out" / "good.ipynb").unlink()
    again = run_batch(plan, out=tmp_path / "out", only_failed=True, progress=False)
    assert {r.id: r.status for r in again.results} == {
        "once": "unchanged",
        "bad": "failed",
        "good": "not run",
    }
    faulty.write_plan(plan.parent, [{"name": n, "notebook": n} for n in ("bad", "good")])
    fast = run_batch(plan, out=tmp_path / "fast", workers=1, fail_fast=True, progress=False)
    assert [(r.id, r.status) for r in fast.results] == [("bad", "failed"), ("good", "not run")]
    assert fast.exit_code == 1


def test_a_secret_is_in_no_file_and_no_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Fault 13: printed, shown as HTML, raised; the value is nowhere."""
    value = 's3cret/"密码"&<x>'
    monkeypatch.setenv("BUREAU_PASSWORD", value)
    use = "from fiscalmodel.run.secrets import secret\nword = secret('BUREAU_PASSWORD')"
    show = (
        "from IPython.display import HTML, display\nprint(word, [word])\ndisplay(HTML(word))\nword"
    )
    plan = faulty.write_project(
        tmp_path / "project",
        {
            "shows": faulty.Fault((use, show)),
            "raises": faulty.Fault((use, "raise ValueError(word)")),
        },
    )
    jobs = [{"name": n, "notebook": n} for n in ("shows", "raises")]
    faulty.write_plan(plan.parent, jobs, secrets=["BUREAU_PASSWORD"])
    result = run_batch(plan, out=tmp_path / "out", workers=1, log_json=True)
    assert [r.status for r in result.results] == ["done", "failed"]
    said = capsys.readouterr()
    everything = said.out + said.err + repr(result)
    for path in (tmp_path / "out").rglob("*"):
        everything += path.read_text()
    assert "s3cret" not in everything
    assert "•••" in everything


@linux
def test_ctrl_c_leaves_nothing_running_and_the_rest_can_be_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault 15."""
    monkeypatch.undo()  # the other process takes the true hashes
    slow = faulty.Fault(("import time; time.sleep(1.0)",))
    plan = faulty.write_project(tmp_path / "project", {f"n{i}": slow for i in range(8)})
    command = [sys.executable, "-c", "from fiscalmodel.cli import main; main()", "batch", str(plan)]
    command += ["--out", str(tmp_path / "out"), "--workers", "2"]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("FISCALMODEL_KERNEL")}
    process = subprocess.Popen(
        command, env={**environment, "TMPDIR": str(tmp_path)}, stderr=subprocess.PIPE, text=True
    )
    manifest = tmp_path / "out" / MANIFEST
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline and not (manifest.exists() and manifest.stat().st_size):
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "the same command does the rest" in said
    mine = [p for p in _commands() if str(tmp_path) in p]
    assert mine == []
    assert list((tmp_path / "out").rglob(".*.part")) == []
    done = len(manifest.read_text().splitlines())
    again = run_batch(plan, out=tmp_path / "out", workers=4, progress=False)
    assert len(again.of("unchanged")) == done >= 1
    assert again.ok


def _commands() -> list[str]:
    import psutil

    found = []
    for process in psutil.process_iter(["cmdline", "environ"]):
        text = " ".join(process.info["cmdline"] or ())
        found.append(text + (process.info["environ"] or {}).get("FISCALMODEL_KERNEL_DIR", ""))
    return [text for text in found if "fiscalmodel.kernels" in text]
