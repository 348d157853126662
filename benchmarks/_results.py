"""Results of a benchmark as a table, with what they were made from."""

from __future__ import annotations

import hashlib
import platform
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).parents[1]
FOLDER = Path(__file__).parent / "results"
#: Files whose contents decide a result.
MADE_FROM = ("data", "fiscalmodel/revenue/_assets")
PACKAGES = ("numpy", "pandas", "scipy", "statsmodels", "statsforecast")


def data_hash() -> str:
    """SHA-256 of the tables and the shipped models, first twelve digits."""
    found = hashlib.sha256()
    for folder in MADE_FROM:
        for path in sorted((ROOT / folder).iterdir()):
            if path.suffix in (".csv", ".json", ".npz"):
                found.update(path.name.encode() + path.read_bytes())
    return found.hexdigest()[:12]


def write(name: str, table: pd.DataFrame) -> Path:
    """``results/<name>.csv``, the hash and the versions in its last columns."""
    FOLDER.mkdir(exist_ok=True)
    versions = [f"python {platform.python_version()}"]
    for package in PACKAGES:  # the peers need not be installed
        with suppress(PackageNotFoundError):
            versions.append(f"{package} {version(package)}")
    stamped = table.assign(data=data_hash(), versions=" ".join(versions))
    path = FOLDER / f"{name}.csv"
    stamped.to_csv(path, index=False, lineterminator="\n")
    return path
