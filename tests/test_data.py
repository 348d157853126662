"""The data package: valid, traceable, nothing invented, and broken copies fail."""

from __future__ import annotations

import csv
import json
import re
import shutil
import sys
from decimal import Decimal
from pathlib import Path

import pytest

Rows = list[dict[str, str]]


@pytest.fixture(scope="session")
def data(project: Path) -> Path:
    return project / "data"


def rows(file: Path) -> Rows:
    with file.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def amounts(table: Rows, key: str) -> dict[str, Decimal]:
    return {row[key]: Decimal(row["value"]) for row in table}


def errors(package: Path, only: str | None = None) -> list[str]:
    """What the frictionless framework finds, as ``table: type``."""
    from frictionless import Package, system

    with system.use_context(trusted=True):
        read = Package(str(package / "datapackage.json"))
        if only:
            names = {only, "documents"}
            for name in [r.name for r in read.resources if r.name not in names]:
                read.remove_resource(name)
        report = read.validate()
    return [f"{task.name}: {error.type}" for task in report.tasks for error in task.errors] + [
        error.type for error in report.errors
    ]


# ---- the package ----


def test_frictionless_accepts_the_package(data: Path) -> None:
    assert errors(data) == []


@pytest.mark.parametrize(
    ("table", "old", "new", "found"),
    [
        ("series", ",68.74,亿元", ",68.74亿,亿元", "type-error"),
        ("series", ",estimate,", ",forecast,", "constraint-error"),
        ("series", ",2017,131.48,", ",2016,131.48,", "primary-key"),
        (
            "series",
            "jianghan.bonds_issued,jianghan,",
            "jianghan.bonds_issued,,",
            "constraint-error",
        ),
        ("series", ",jianghan_plan_2021_2025,F012", ",unknown_document,F012", "foreign-key"),
        ("series", ",indicator_zh,", ",indicator_cn,", "incorrect-label"),
        ("limits", ",floor,", ",lower,", "constraint-error"),
        ("performance", ",10,target,", ",110,target,", "constraint-error"),
        ("redacted_2021", ",2021,,万元,", ",2021,X,万元,", "type-error"),
        ("synthetic_sample_county_debt_ledger", ",28000,", ",-28000,", "constraint-error"),
        ("synthetic_sample_county_debt_ledger", "HD-002,", "HD-001,", "unique-error"),
        ("synthetic_sample_county_receipts_2025", "2025-01-02", "2025-02-30", "type-error"),
    ],
)
def test_frictionless_refuses_a_broken_copy(
    data: Path, tmp_path: Path, table: str, old: str, new: str, found: str
) -> None:
    shutil.copytree(data, tmp_path / "data")
    file = tmp_path / "data" / f"{table}.csv"
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    assert f"{table}: {found}" in errors(tmp_path / "data", only=table)


def test_every_csv_is_described_and_no_other(data: Path) -> None:
    package = json.loads((data / "datapackage.json").read_text(encoding="utf-8"))
    described = {resource["path"] for resource in package["resources"]}
    assert described == {file.name for file in data.glob("*.csv")}
    for resource in package["resources"]:
        assert resource["schema"]["primaryKey"]
        assert resource["title"]
        assert all("title" in field for field in resource["schema"]["fields"])


def test_every_value_carries_unit_kind_calibre_and_source(data: Path) -> None:
    seen = 0
    for file in data.glob("*.csv"):
        table = rows(file)
        if "kind" not in table[0] or "doc_id" not in table[0]:
            continue
        for row in table:
            seen += 1
            where = f"{file.name} {row['fact_id']}"
            assert row["kind"] in {"actual", "estimate", "budget", "target"}, where
            assert row["source"], where
            assert row["doc_id"], where
            if row["value"]:
                assert row["missing_reason"] == "" if "missing_reason" in row else True, where
            else:
                # A missing value says why, and is never a 0.
                assert row["missing_reason"], where
            money = row["unit"] in {"元", "万元", "亿元"} and "calibre" in row
            assert not money or row["calibre"], where
    assert seen > 2000


def test_printed_figures_are_the_values(data: Path) -> None:
    for file in data.glob("*.csv"):
        for row in rows(file):
            if "printed" not in row or file.name == "performance.csv" or not row["value"]:
                continue
            assert row["printed"] == row["value"], f"{file.name} {row['fact_id']}"


def test_redacted_and_blank_stay_missing(data: Path) -> None:
    every = [row for file in data.glob("*.csv") for row in rows(file) if "printed" in row]
    redacted = [row for row in every if row["printed"] == "X"]
    assert len(redacted) == 8
    assert {(row["value"], row["missing_reason"]) for row in redacted} == {("", "redacted")}
    blank = [row for row in rows(data / "department_budget_2024.csv") if not row["value"]]
    assert {row["fact_id"] for row in blank} == {"F239", "F513"}
    assert {row["missing_reason"] for row in blank} == {"blank_in_source"}


def test_estimates_are_no_actuals(data: Path) -> None:
    series = rows(data / "series.csv")
    estimates = {row["indicator"] for row in series if row["kind"] == "estimate"}
    assert {"general_public_budget_revenue", "livelihood_expenditure"} <= estimates
    spoken = [row for row in series if "预计" in row["note"] or "not closed" in row["note"]]
    assert {row["kind"] for row in spoken} == {"estimate"}


def test_rates_and_limits_are_not_among_the_series(data: Path) -> None:
    for name in ("series", "haimen_2024", "shandan", "department_budget_2024"):
        assert not [row for row in rows(data / f"{name}.csv") if row["unit"] in {"%", "倍"}]


def test_data_speak_for_themselves(data: Path) -> None:
    for file in [*data.glob("*.csv"), data / "datapackage.json"]:
        text = file.read_text(encoding="utf-8")
        assert not re.search(r"\.\./|seed|shared/", text), file.name


# ---- what the published figures must say ----


def test_livelihood_share_of_jianghan(data: Path) -> None:
    values = {
        (row["indicator"], row["period"]): Decimal(row["value"])
        for row in rows(data / "series.csv")
        if row["value"]
    }
    livelihood = values["livelihood_expenditure", "2020"]
    spending = values["general_public_budget_expenditure", "2020"] * 10_000
    # 641,814 / 846,000 = 75.86 %, and 846,000 × 75 % = 634,500 is 7,314 below it.
    assert round(livelihood / spending * 100, 2) == Decimal("75.86")
    assert livelihood - spending * 75 / 100 == 7314


def test_gangu_closes(data: Path) -> None:
    line = {
        row["series_id"].removeprefix("gangu."): int(row["value"])
        for row in rows(data / "county_balances.csv")
        if (row["region"], row["period"]) == ("gangu", "2024")
    }
    gpb = "general_public_budget_"
    assert 451_227 == line[gpb + "total_resources"] == sum(
        line[gpb + name]
        for name in (
            "revenue", "transfers_from_above", "general_bond_onlending", "opening_carry_over",
            "transferred_in", "stabilisation_fund_used",
        )
    )  # fmt: skip
    assert 425_533 == line[gpb + "total_uses"] == sum(
        line[gpb + name]
        for name in (
            "expenditure", "remitted_up", "principal_repaid", "stabilisation_fund_filled",
            "inter_regional_out",
        )
    )  # fmt: skip
    assert line[gpb + "carried_over"] == 451_227 - 425_533 == 25_694
    # 3,089 + 3,753 + 28,501 + 25,130 = 60,473; 40,907 + 11,680 = 52,587
    assert line["fund_total_resources"] == 60_473
    assert (
        line["fund_total_uses"] == line["fund_expenditure"] + line["fund_special_principal_repaid"]
    )


def test_department_budget_projects_add_up(data: Path) -> None:
    table = rows(data / "department_budget_2024.csv")
    projects = [
        Decimal(row["value"])
        for row in table
        if row["table"] == "第二部分/九 项目支出" and row["line"] == "项目支出"
    ]
    assert len(projects) == 6
    # 3 + 139.47 + 42 + 51.5 + 14 + 129.5 = 379.47
    assert sum(projects) == Decimal("379.47")


def test_weights_of_each_programme_make_80(data: Path) -> None:
    weights: dict[str, Decimal] = {}
    for row in rows(data / "performance.csv"):
        if row["weight"]:
            weights[row["programme"]] = weights.get(row["programme"], Decimal(0)) + Decimal(
                row["weight"]
            )
    assert len(weights) == 6
    assert set(weights.values()) == {Decimal(80)}


def test_lintao_levels_add_up(data: Path) -> None:
    table = [row for row in rows(data / "lintao_2024_sharing.csv") if row["item_code"]]
    value = {(row["tax"], row["level"]): int(row["value"]) for row in table}
    for tax in {row["tax"] for row in table}:
        parts = sum(value[tax, level] for level in ("central", "province", "county"))
        assert parts == value[tax, "total"]


# ---- the synthetic county ----


def test_synthetic_tables_say_so(data: Path) -> None:
    package = json.loads((data / "datapackage.json").read_text(encoding="utf-8"))
    synthetic = [
        r for r in package["resources"] if r["name"].startswith("synthetic_sample_county_")
    ]
    assert len(synthetic) == len(list(data.glob("synthetic_sample_county_*.csv")))
    for resource in synthetic:
        assert resource["path"].startswith("synthetic_sample_county_")
        assert "Synthetic" in resource["description"]
        assert all("synthetic 合成样本" in row["note"] for row in rows(data / resource["path"]))


def test_synthetic_tables_are_reproduced_to_the_byte(data: Path, tmp_path: Path) -> None:
    sys.path.insert(0, str(data))
    try:
        import make_synthetic_sample_county as maker
    finally:
        sys.path.remove(str(data))
    maker.main(tmp_path)
    made = sorted(tmp_path.iterdir())
    there = sorted(file.name for file in data.glob("synthetic_sample_county_*.csv"))
    assert [file.name for file in made] == there
    for file in made:
        assert file.read_bytes() == (data / file.name).read_bytes(), file.name


def test_synthetic_revenue_adds_up(data: Path) -> None:
    prefix = data / "synthetic_sample_county_revenue"
    value = {
        (row["indicator"], row["period"]): int(row["value"]) for row in rows(Path(f"{prefix}.csv"))
    }
    totals = {
        "tax_revenue", "non_tax_revenue", "general_public_budget_revenue",
        "general_public_budget_expenditure", "land_sale_revenue",
    }  # fmt: skip
    for year in map(str, range(2014, 2026)):
        items = sum(v for (name, p), v in value.items() if p == year and name not in totals)
        total = value["general_public_budget_revenue", year]
        assert items == total == value["tax_revenue", year] + value["non_tax_revenue", year]
    assert 95_000 < value["general_public_budget_revenue", "2025"] < 105_000  # about 10 亿元
    for row in rows(Path(f"{prefix}_monthly.csv")):
        if row["period"].endswith("-12"):
            name = row["indicator"].removesuffix("_monthly")
            assert int(row["value"]) == value[name, row["period"][:4]]


def test_synthetic_debt_and_receipts(data: Path) -> None:
    ledger = rows(data / "synthetic_sample_county_debt_ledger.csv")
    assert sum(int(row["principal_wan"]) for row in ledger) == 180_000  # 18 亿元
    stays = [row for row in ledger if row["by_contract"] == "true"]
    assert [(row["category"], row["maturity"][:4]) for row in stays] == [("棚户区改造", "2030")]
    receipts = rows(data / "synthetic_sample_county_receipts_2025.csv")
    assert len(receipts) == 600
    by_id = {row["receipt_id"]: row for row in receipts}
    refunds = [row for row in receipts if row["refund_of"]]
    assert len(refunds) == 26
    for row in refunds:
        paid = by_id[row["refund_of"]]
        assert Decimal(0) < -Decimal(row["amount"]) <= Decimal(paid["amount"])
        assert row["paid_in"] > paid["paid_in"]
    assert all(re.fullmatch(r"-?\d+\.\d{2}", row["amount"]) for row in receipts)
