"""A batch into S3, against a local server: files, manifest, lock, unchanged, a second writer.

Needs ``moto[server]`` and ``s3fs``, which botocore keeps at python-dateutil 2: they do not install
beside the locked packages, so this runs where an environment of its own has them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from faults import faulty_notebooks as faulty

from fiscalmodel.errors import InputError
from fiscalmodel.kernels.parent import private_parent
from fiscalmodel.run.batch import run_batch
from fiscalmodel.run.storage import LOCK, open_storage

pytest.importorskip("s3fs")
server = pytest.importorskip("moto.server")


@pytest.fixture(scope="module", autouse=True)
def bucket() -> Iterator[str]:
    import s3fs

    running = server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch, private_parent():
        patch.setenv("FISCALMODEL_PRELOAD", "json")
        patch.setenv("AWS_ENDPOINT_URL_S3", f"http://{host}:{port}")
        patch.setenv("AWS_ACCESS_KEY_ID", "test")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        s3fs.S3FileSystem().mkdir("bureau")
        yield "s3://bureau/结果 2026"
    running.stop()


def test_a_batch_into_s3(bucket: str, tmp_path: Path) -> None:
    import s3fs

    notebooks = {"good": faulty.HEALTHY, "bad": faulty.FAULTS["exception"]}
    plan = faulty.write_project(tmp_path / "p", notebooks)
    first = run_batch(plan, out=bucket, workers=2, progress=False)
    assert {r.id: r.status for r in first.results} == {"good": "done", "bad": "failed"}
    files = s3fs.S3FileSystem(skip_instance_cache=True)
    names = {name.removeprefix("bureau/结果 2026/") for name in files.find("bureau")}
    assert {n for n in names if not n.startswith("manifest/")} == {"good.ipynb"}
    assert json.loads(files.cat("bureau/结果 2026/good.ipynb"))["nbformat"] == 4
    again = run_batch(plan, out=bucket, workers=2, progress=False)
    assert {r.id: r.status for r in again.results} == {"good": "unchanged", "bad": "failed"}
    files.rm("bureau/结果 2026/good.ipynb")
    third = run_batch(plan, out=bucket, workers=2, progress=False)
    assert {r.id: r.status for r in third.results} == {"good": "done", "bad": "failed"}


def test_a_second_writer_is_refused(bucket: str, tmp_path: Path) -> None:
    plan = faulty.write_project(tmp_path / "p", {"good": faulty.HEALTHY})
    storage = open_storage(f"{bucket}/locked")
    with storage.locked(), pytest.raises(InputError, match="another batch is writing here"):
        run_batch(plan, out=f"{bucket}/locked", progress=False)
    storage.write(LOCK, b"process 1 on another-machine, x")
    with pytest.raises(InputError, match="another-machine"):
        run_batch(plan, out=f"{bucket}/locked", progress=False)


def test_a_bucket_that_is_not_there(tmp_path: Path) -> None:
    plan = faulty.write_project(tmp_path / "p", {"good": faulty.HEALTHY})
    with pytest.raises(InputError, match="cannot be written"):
        run_batch(plan, out="s3://no-such-bucket/x", progress=False)
