"""Results of a benchmark as a table, with what they were made from."""

from __future__ import annotations

import hashlib
import platform
from importlib.metadata import version
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).parents[1]
FOLDER = Path(__file__).parent / "results"
#: Files whose contents decide a result.
MADE_FROM = ("data", "fiscalmodel/revenue/_assets")
PACKAGES = ("numpy", "pandas", "scipy", "statsmodels")


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
    packages = " ".join(f"{package} {version(package)}" for package in PACKAGES)
    stamped = table.assign(
        data=data_hash(), versions=f"python {platform.python_version()} {packages}"
    )
    path = FOLDER / f"{name}.csv"
    stamped.to_csv(path, index=False, lineterminator="\n")
    return path
