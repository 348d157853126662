"""The built package works in an empty folder: words, policy and schemas come along."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory):
    """The wheel, built without network and unpacked as an installation would."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*build, "--wheel-dir", str(folder), str(ROOT)], check=True)
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        wheel.extractall(folder / "site")
    return folder / "site"


def run(site, tmp_path, code, **environment):
    """Run code with the unpacked wheel first on the path, in an empty folder."""
    done = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(site)!r}); {code}"],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "PYTHONUTF8": "1", **environment},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_words_and_policy_in_an_empty_folder(unpacked, tmp_path):
    code = (
        "import fiscalmodel; from fiscalmodel import policy, words;"
        "print(fiscalmodel.__file__);"
        "print(words.say('ground.no_such_file').zh, words.label('principal_wan'));"
        "print(policy.value('commission_rate_fines', '2026-01-01'))"
    )
    where, said, rate = run(unpacked, tmp_path, code).splitlines()
    assert Path(where).is_relative_to(unpacked)
    assert said == "没有这个文件 本金余额（万元）"
    assert rate == "0.5"


def test_a_forecast_and_a_commission_without_a_project(unpacked, tmp_path):
    code = (
        "import pandas as pd, fiscalmodel as fm;"
        "years = pd.period_range('2020', periods=5, freq='Y');"
        "y = pd.Series([100.0, 104, 110, 113, 120], index=years);"
        "print(len(fm.forecast(y, 2).table))"
    )
    assert run(unpacked, tmp_path, code).strip() == "2"
