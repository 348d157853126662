"""Dated parameters: what holds on a day, where it comes from, what is refused."""

from __future__ import annotations

import csv
import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from fiscalmodel import policy
from fiscalmodel.errors import InputError
from fiscalmodel.policy_schema import schema_text
from fiscalmodel.yamlio import load_yaml

CASES = load_yaml(Path(__file__).parent / "cases" / "policy_values_on_a_day.yaml")[0]

GOOD = """\
rate:
  title: {zh: 费率, en: Rate}
  unit: "%"
  values:
    - from: 2020-01-01
      value: 0.5
      source: 某文件
      confidence: H
      basis: S
"""


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_worked_cases(case: dict[str, Any]) -> None:
    given, expected = case["input"], case["output"]
    if "error" in expected:
        with pytest.raises(InputError, match=expected["error"]):
            policy.value(given["key"], on=given["on"])
    else:
        assert policy.value(given["key"], on=given["on"]) == expected["value"]


def test_every_parameter_says_where_it_comes_from() -> None:
    assert len(policy.keys()) > 40
    for key in sorted(policy.keys()):
        item = policy.parameter(key)
        assert item.title("zh") != item.title("en")
        assert item.unit
        for entry in item.entries:
            assert len(entry.source) >= 4
            assert entry.confidence in "HML"
            assert entry.basis in ("S", "S-", "G")
            # General knowledge and weak sources never carry more than they can.
            assert entry.doc_no or entry.basis != "S-" or entry.confidence != "H"


def test_the_day_is_an_argument() -> None:
    day = dt.date(2026, 1, 1)
    same = [policy.value("commission_rate_fines", on) for on in (day, "2026-01-01")]
    assert same == [0.5, 0.5]
    for wrong in ("2026", 2026, None, "01.01.2026", "2026-02-30", float("nan")):
        with pytest.raises(InputError, match="is not a day"):
            policy.value("commission_rate_fines", on=wrong)


def test_unknown_keys_name_the_nearest() -> None:
    with pytest.raises(InputError, match="did you mean 'commission_rate_fines'"):
        policy.value("comission_rate_fine", on="2026-01-01")


def test_values_cannot_be_changed_by_a_caller() -> None:
    grades = policy.value("debt_risk_grades", on="2026-01-01")
    with pytest.raises(TypeError):
        grades["red"] = 1
    with pytest.raises(AttributeError):
        policy.at("debt_risk_grades", on="2026-01-01").value = 1  # type: ignore[misc]


def test_sharing_over_time() -> None:
    before, after = (
        policy.sharing("national", "2016-04-30"),
        policy.sharing("national", "2016-05-01"),
    )
    assert before["vat"] == {"central": 75, "local": 25}
    assert before["business_tax"] == {"central": 0, "local": 100}
    assert after["vat"] == {"central": 50, "local": 50}
    assert "business_tax" not in after
    for shares in policy.sharing("gansu", "2024-06-01").values():
        assert sum(shares.values()) == 100
    with pytest.raises(InputError, match="did you mean 'gansu'"):
        policy.sharing("gansu_", "2024-06-01")


def test_gansu_shares_reproduce_the_published_revenue_by_level(project: Path) -> None:
    """Lintao printed each tax by level; share × total is the printed figure within a 万元."""
    with (project / "data" / "lintao_2024_sharing.csv").open(encoding="utf-8") as stream:
        printed = {
            (row["tax"], row["level"]): int(row["value"])
            for row in csv.DictReader(stream)
            if row["item_code"]
        }
    shares = policy.sharing("gansu", "2024-02-29")
    for tax in {tax for tax, _ in printed}:
        for level, pct in shares[tax].items():
            assert abs(printed[tax, level] - pct / 100 * printed[tax, "total"]) <= 1


def test_table_for_reports() -> None:
    zh, en = policy.table("2026-01-01"), policy.table("2026-01-01", lang="en")
    assert list(zh.columns) == list(en.columns)
    assert zh["key"].is_unique
    row = zh.set_index("key").loc["hidden_debt_deadline"]
    assert (row["value"], row["confidence"]) == ("2028-12-31", "高")
    assert zh[["title", "unit", "from", "source"]].ne("").all().all()
    # What was not yet in force is not shown.
    assert "hidden_debt_deadline" not in set(policy.table("2020-01-01")["key"])


def test_schema_for_editors_is_current_and_refuses_a_missing_source(project: Path) -> None:
    import jsonschema

    checked_in = (project / "params" / "schema" / "policy.schema.json").read_text(encoding="utf-8")
    assert checked_in == schema_text(), "run: python -m fiscalmodel.policy_schema"
    schema = json.loads(checked_in)
    validator = jsonschema.Draft202012Validator(schema)
    files = sorted((project / "params" / "policy").glob("*.yaml"))
    for file in files:
        first = file.read_text(encoding="utf-8").splitlines()[0]
        assert first == "# yaml-language-server: $schema=../schema/policy.schema.json"
        data = json.loads(json.dumps(load_yaml(file)[0], default=str))
        assert not list(validator.iter_errors(data))
        for item in data.values():
            del item["values"][0]["source"]
        assert len(list(validator.iter_errors(data))) == len(data)


def refused(tmp_path: Path, **files: str) -> list[str]:
    for name, text in files.items():
        (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        policy.load_policy(tmp_path)
    return [str(problem).removeprefix(f"{tmp_path}/") for problem in caught.value.problems]


def test_a_parameter_without_a_source_is_refused(tmp_path: Path) -> None:
    text = GOOD.replace("      source: 某文件\n", "")
    assert refused(tmp_path, a=text) == ["a.yaml:5:7: rate.values[0].source: the key is missing"]
    assert "too short" in refused(tmp_path, a=GOOD.replace("某文件", '""'))[0]


def test_all_problems_of_all_files_at_once(tmp_path: Path) -> None:
    wrong = GOOD.replace("source:", "sorce:").replace("confidence: H", "confidence: X")
    wrong = wrong.replace("en: Rate", "eng: Rate").replace("2020-01-01", "2020-13-01")
    found = refused(tmp_path, a=wrong, b=GOOD.replace("value: 0.5", "value: [1]"), c="x: [1\n")
    assert any("a.yaml:5:13" in text and "no date 2020-13-01" in text for text in found)
    assert any("b.yaml:6:7: rate.values[0].value: " in text and "[1]" in text for text in found)
    assert any("c.yaml" in text and "not valid YAML" in text for text in found)

    found = refused(tmp_path, a=wrong.replace("2020-13-01", "2020-12-01"), b=GOOD, c=GOOD)
    text = "\n".join(found)
    assert "rate.title.en: the key is missing" in text
    assert "rate.title.eng: unknown key — did you mean 'en'?" in text
    assert "rate.values[0].sorce: unknown key — did you mean 'source'?" in text
    assert "'X' is not allowed" in text
    assert "c.yaml:1:1: rate: stands in" in text


@pytest.mark.parametrize(
    ("old", "new", "part"),
    [
        ("value: 0.5", "value: null", "cannot be null"),
        ("rate:", "Rate-1:", "good name"),
        ('unit: "%"', "unit: 5", "must be text"),
        ("from: 2020-01-01", "from: '2020-01-01'", "must be a date"),
        ("  values:\n", "  values: []\n  old:\n", "too short"),
        ("value: 0.5", "value: '0.5'", "is not a number"),
        ("value: 0.5", "value: true", "is not a number"),
        ("value: 0.5", "value: {a: 1, b: x}", "is not a number"),
        ('unit: "%"', "unit: 日期", "is not a day"),
        ("rate:", "tax_sharing_x_vat:", "needs a percent for each level"),
    ],
)
def test_what_else_is_refused(tmp_path: Path, old: str, new: str, part: str) -> None:
    assert part in "\n".join(refused(tmp_path, a=GOOD.replace(old, new, 1)))


def test_order_of_values_and_sums_of_shares(tmp_path: Path) -> None:
    twice = GOOD + GOOD[GOOD.index("    - from") :]
    assert "in order of 'from'" in refused(tmp_path, a=twice)[0]
    shares = GOOD.replace("rate:", "tax_sharing_x_vat:").replace("0.5", "{central: 50, local: 49}")
    assert "add up to 99" in refused(tmp_path, a=shares)[0]


@pytest.mark.parametrize("rate", ["50", "0", "-0.5"])
def test_a_rate_of_50_where_half_a_percent_was_meant(tmp_path: Path, rate: str) -> None:
    text = GOOD.replace("rate:", "commission_rate_x:").replace("value: 0.5", f"value: {rate}")
    assert refused(tmp_path, a=text) == [
        f"a.yaml:6:7: commission_rate_x: {rate} is out of range — write percent: 0.5 for 0.5 %"
    ]


def test_files_are_read_again_when_they_change(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(GOOD, encoding="utf-8")
    assert policy.load_policy(tmp_path)["rate"].at("2021-01-01").value == 0.5
    (tmp_path / "a.yaml").write_text(GOOD.replace("0.5", "0.25"), encoding="utf-8")
    assert policy.load_policy(tmp_path)["rate"].at("2021-01-01").value == 0.25
    with pytest.raises(InputError, match="holds no policy files"):
        policy.load_policy(tmp_path / "none")
