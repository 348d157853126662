"""Nothing of the collected facts is lost or changed; skips where they are absent."""

from __future__ import annotations

import csv
from decimal import Decimal
from pathlib import Path

import pytest

Rows = list[dict[str, str]]
KINDS = {"forecast": "estimate", "floor": "target", "ceiling": "target"}
CALIBRES = {
    "nominal": "as_published",
    "nominal (同比)": "as_published",
    "like-for-like": "like_for_like",
    "": "",
}
SYNTHETIC = "synthetic_"


def rows(file: Path) -> Rows:
    with file.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture(scope="session")
def carried(project: Path) -> dict[str, tuple[str, dict[str, str]]]:
    """Fact -> table and row; a fact stands in one table only."""
    found: dict[str, tuple[str, dict[str, str]]] = {}
    for file in sorted((project / "data").glob("*.csv")):
        if file.name.startswith(SYNTHETIC):
            continue
        for row in rows(file):
            if "fact_id" in row:
                assert row["fact_id"] not in found
                found[row["fact_id"]] = (file.stem, row)
    return found


def test_all_516_facts_are_carried(
    shared_facts: Path, carried: dict[str, tuple[str, dict[str, str]]]
) -> None:
    facts = rows(shared_facts / "seed_facts.csv")
    assert len(facts) == 516
    assert sum(key.startswith("F") for key in carried) == 516
    for fact in facts:
        table, row = carried[f"F{int(fact['id']):03d}"]
        where = f"{table} {row['fact_id']}"
        if row.get("weight"):
            assert row["weight"] == fact["value"], where
            assert fact["note"] == f"2024 target value: {row['printed']}", where
        else:
            assert row["printed"] == fact["value"], where
            if table != "performance":
                assert row["unit"] == fact["unit"], where
        if table != "rates":
            expected = "actual" if where.startswith("limits") else fact["kind"]
            kind = KINDS.get(fact["kind"], expected)
            allowed = {kind, "actual"} if table == "limits" else {kind}
            assert row["kind"] in allowed, where
        if "calibre" in row:
            assert row["calibre"] == CALIBRES[fact["calibre"]], where
        if fact["period"] == "全年" and "-" not in fact["year"]:
            assert row["period"] == fact["year"], where
        # The printed label is found again, whole or in the columns it was split into.
        words = "".join(row.values())
        for part in fact["indicator_zh"].replace("(", ":").replace(")", ":").split(":"):
            assert part in words, where
        assert fact["section"] in row["source"], where


def test_all_figures_of_real_counties_are_carried(
    shared_facts: Path, carried: dict[str, tuple[str, dict[str, str]]]
) -> None:
    facts = rows(shared_facts / "real_counties.csv")
    for number, fact in enumerate(facts, start=1):
        _, row = carried[f"R{number:03d}"]
        assert (row["printed"], row["unit"]) == (fact["value"], fact["unit"])
        assert row["indicator_zh"] == fact["indicator_zh"]
    assert sum(key.startswith("R") for key in carried) == len(facts) == 91


def test_national_and_provincial_figures_are_carried(shared_facts: Path, project: Path) -> None:
    folder = shared_facts.parent / "data"
    national = rows(folder / "cn_national_fiscal_ytd_monthly.csv")
    printed = {
        row["fact_id"]: row["printed"]
        for name in ("national_monthly", "national_monthly_growth")
        for row in rows(project / "data" / f"{name}.csv")
    }
    assert len(printed) == len(national) * 11 == 517
    for line in national:
        for column, value in line.items():
            if column != "period":
                assert printed[f"N{line['period'].replace('-', '')}_{column}"] == value

    provinces = rows(folder / "cn_province_revenue_annual.csv")
    mine = {row["fact_id"]: row for row in rows(project / "data" / "provincial_annual.csv")}
    assert len(mine) == 2 * len(provinces) == 648
    for line in provinces:
        for prefix, column in (("PG", "budget_rev_yi"), ("PF", "fund_rev_yi")):
            row = mine[f"{prefix}_{line['region']}_{line['year']}"]
            assert row["value"] == line[column]
            if line["scope_flag"] and prefix == "PG":
                assert row["scope_flag"]


def test_amounts_keep_their_decimals(carried: dict[str, tuple[str, dict[str, str]]]) -> None:
    """The printed digits carry the precision, so 123.50 stays 123.50."""
    _, row = carried["F003"]
    assert row["value"] == "123.50"
    assert Decimal(row["value"]).as_tuple().exponent == -2
