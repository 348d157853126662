"""Scenario files: every problem at once, and nothing outside the project is read."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from fiscalmodel.errors import InputError
from fiscalmodel.scenario.compare import differences
from fiscalmodel.scenario.load import load_scenario
from fiscalmodel.scenario.schema import schema_text

ALL = [
    "jianghan/baseline",
    "jianghan/optimistic",
    "jianghan/pessimistic",
    "sample_county/baseline",
    "sample_county/optimistic",
    "sample_county/pessimistic",
]


@pytest.fixture
def copy(project: Path, tmp_path: Path) -> Path:
    """A project of its own with the real parameters and data."""
    for name in ("params", "data"):
        shutil.copytree(project / name, tmp_path / name)
    return tmp_path


def write(copy: Path, text: str, name: str = "jianghan/bad.yaml") -> Path:
    file = copy / "params" / "scenarios" / name
    file.write_text(text, encoding="utf-8")
    return file


def problems(file: Path) -> list[str]:
    with pytest.raises(InputError) as caught:
        load_scenario(file)
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize("name", ALL)
def test_every_scenario_of_the_project_loads(project: Path, name: str) -> None:
    scenario = load_scenario(project / "params" / "scenarios" / f"{name}.yaml")
    assert scenario.id == name
    assert scenario.synthetic == name.startswith("sample_county")


@pytest.mark.parametrize("place", [".", "notebooks", "params/scenarios"])
def test_paths_resolve_from_any_folder(
    project: Path, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project / place)
    assert load_scenario("params/scenarios/jianghan/baseline.yaml").id == "jianghan/baseline"


def test_all_problems_of_a_file_at_once_with_their_places(copy: Path) -> None:
    found = problems(
        write(
            copy,
            "extends: baseline.yaml\n"
            "region: jianghann\n"
            "yeers: 3\n"
            "revenue:\n"
            "  serie: x\n"
            "commissions: {receipts: data/none.csv, rate_fines_pct: 50}\n",
        )
    )
    text = "\n".join(found)
    assert "bad.yaml:2:1: region: unknown region 'jianghann' — did you mean 'jianghan'?" in text
    assert "bad.yaml:3:1: yeers: unknown key — did you mean 'years'?" in text
    assert "bad.yaml:5:3: revenue.serie: unknown key — did you mean 'series'?" in text
    assert "commissions.rate_fines_pct: 50 is out of range — must be at most 5" in text
    assert "commissions.receipts: file data/none.csv not found" in text
    assert len(found) == 5


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("extends: baseline.yaml\nextends: baseline.yaml\n", "the key stands twice"),
        ("extends: ../../../etc/passwd\n", "leaves the folder params/"),
        ("extends: /etc/passwd\n", "not a relative path"),
        ("extends: bad.yaml\n", "leads back to a file already read"),
        ("extends: nobody.yaml\n", "does not exist"),
        ("extends: baseline.yaml\nregion: ../x\n", "cannot be used as a name"),
        ("extends: baseline.yaml\nregion: a/b\n", "cannot be used as a name"),
        ("extends: baseline.yaml\nyears: {first: 2028, last: 2021}\n", "must lie 0 to 40 years"),
        ("extends: baseline.yaml\nyears: {first: 2021, last: 2028, first: 2022}\n", "stands twice"),
        ("extends: baseline.yaml\nrevenue: {series: 5}\n", "must be text, found '5'"),
        ("extends: baseline.yaml\nas_of: soon\n", "must be a date such as 2028-12-31"),
        ("extends: baseline.yaml\nexpenditure: {base_wan: -1}\n", "must be at least 0"),
        ("extends: baseline.yaml\nexpenditure: {base_wan: '846000'}\n", "must be a number"),
        ("a: &a [1]\nb: *a\n", "alias"),
        (
            "extends: ../sample_county/baseline.yaml\ndebt: {ledger: ../../etc/passwd}\n",
            "leaves the folder",
        ),
        (
            "extends: ../sample_county/baseline.yaml\ndebt: {ledger: /etc/passwd}\n",
            "not a relative path",
        ),
        ("- a\n- b\n", "holds keys and values"),
    ],
)
def test_bad_input_is_refused_in_words(copy: Path, text: str, said: str) -> None:
    assert said in "\n".join(problems(write(copy, text)))


def test_a_missing_file_is_one_error() -> None:
    with pytest.raises(InputError, match="scenario file not found"):
        load_scenario("params/scenarios/nowhere.yaml")


def test_a_required_key_that_is_missing_is_named(copy: Path) -> None:
    found = "\n".join(problems(write(copy, "region: jianghan\nas_of: 2020-12-31\n")))
    assert "name: the key is missing" in found
    assert "years: the key is missing" in found


def test_null_removes_an_inherited_part(copy: Path) -> None:
    file = write(copy, "extends: baseline.yaml\nexpenditure: null\n")
    assert load_scenario(file).spec.expenditure is None


def test_a_region_code_with_leading_zeros_stays_text(copy: Path) -> None:
    regions = copy / "params" / "regions.yaml"
    regions.write_text(
        regions.read_text("utf-8") + "  010101: {zh: 某区, en: A district}\n", "utf-8"
    )
    scenario = load_scenario(write(copy, "extends: baseline.yaml\nregion: 010101\n"))
    assert scenario.region.key == "010101"


def test_differences_name_what_one_file_says_differently(project: Path) -> None:
    folder = project / "params" / "scenarios" / "jianghan"
    table = differences(
        load_scenario(folder / "baseline.yaml"), load_scenario(folder / "pessimistic.yaml")
    )
    keys = set(table["key"])
    assert "name.zh" in keys
    assert "revenue.adjustments.repeat_2019.pct.2021" in keys
    assert "region" not in keys


def test_the_checked_in_schema_is_current(project: Path) -> None:
    assert (project / "params/schema/scenario.schema.json").read_text(
        encoding="utf-8"
    ) == schema_text()


def test_a_change_makes_another_scenario_and_leaves_the_first(project: Path) -> None:
    case = load_scenario(project / "params/scenarios/sample_county/baseline.yaml")
    less = case.change({"debt.quota_shock_pct": -20.0, "commissions": None})
    assert (less.spec.debt.quota_shock_pct, less.spec.commissions) == (-20.0, None)
    assert (case.spec.debt.quota_shock_pct, less.spec.debt.rule) == (0.0, case.spec.debt.rule)
    with pytest.raises(InputError, match=r"quota_shok_pct: unknown key — did you mean"):
        case.change({"debt.quota_shok_pct": -20.0})
    with pytest.raises(InputError, match=r"quota_shock_pct.*at least -95"):
        case.change({"debt.quota_shock_pct": -200.0})
