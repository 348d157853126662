"""One list of headers for each kind of table: whoever reads it knows the same."""

import csv
import shutil
from pathlib import Path

import pytest

import fiscalmodel as fm
from fiscalmodel.errors import InputError
from fiscalmodel.scenario.data import TABLE_KEYS
from fiscalmodel.series.templates import read, templates
from fiscalmodel.tables.grid import Grid
from fiscalmodel.tables.records import header_of
from fiscalmodel.words import headers_in, label

ROOT = Path(__file__).resolve().parents[1]
SOURCES = "data/synthetic_sample_county_funding_sources.csv"
#: Headers as offices write them, and a column that nobody reads.
OFFICE = {
    "source_id": "资金来源", "category": "资金性质", "period": "年度", "available_from": "到位日期",
    "cap_wan": "可用金额（万元）",
}  # fmt: skip


@pytest.fixture
def office(tmp_path: Path) -> Path:
    """The sample county with its sources of money under an office's headers."""
    for folder in ("params", "data"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    head, *rows = csv.reader((ROOT / SOURCES).read_text(encoding="utf-8-sig").splitlines())
    with (tmp_path / SOURCES).open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows(
            [[*(OFFICE.get(name, name) for name in head), "经办人"], *([*row, ""] for row in rows)]
        )
    return tmp_path


def case(root):
    return fm.load_scenario(root / "params/scenarios/sample_county/baseline.yaml")


@pytest.mark.parametrize(
    "changes", [{}, {"debt.funding_shock_pct": {"fund_budget": -40}}, {"debt.rate_shift_bp": 25}]
)
def test_sources_under_an_offices_headers_give_the_same_plan(office, changes):
    mine, theirs = (
        fm.evaluate(at.change(changes) if changes else at, until="debt").plan
        for at in (case(office), case(ROOT))
    )
    assert mine.cost_wan == theirs.cost_wan
    assert mine.schedule.equals(theirs.schedule)
    # What nobody reads is named, also where the budget fills the caps.
    assert any("经办人" in str(note) for note in mine.notes)
    assert fm.explain(fm.evaluate(case(office))).graph.figures()


@pytest.mark.parametrize("key", ["debt.general_budget_source", "debt.rate_shift_bp"])
def test_a_bad_cell_keeps_its_place_whatever_the_scenario_moves(office, key):
    file = office / SOURCES
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("2026-01-01", "某日", 1), encoding="utf-8")
    changes = {"debt.rate_shift_bp": 10} if key == "debt.rate_shift_bp" else {key: "FS-GPB"}
    with pytest.raises(InputError) as told:
        fm.evaluate(case(office).change(changes))
    assert [str(p.where) for p in told.value.problems] == [f"{file.name}:2, 到位日期"]


@pytest.mark.parametrize("file", ["statutory_bonds", "replacement_quotas", "special_bonds"])
def test_a_government_bond_that_pays_at_maturity_is_refused_at_its_cell(office, file):
    path = office / f"data/synthetic_sample_county_{file}.csv"
    rows = list(csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines()))
    made = [{**row, "frequency": "按半年"} for row in rows]
    made[0]["frequency"] = "到期一次付息"
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(made[0]))
        writer.writeheader()
        writer.writerows(made)
    with pytest.raises(InputError) as told:
        fm.evaluate(case(office))
    (problem,) = told.value.problems
    assert str(problem.where) == f"{path.name}:2, frequency"
    assert problem.said.zh == "政府债券不是到期一次付息的"


def test_every_table_of_a_scenario_and_every_template_has_its_headers():
    for kind in TABLE_KEYS.values():
        assert headers_in(kind)
    for fields in templates().values():
        if kind := headers_in(fields[0].kind):  # a series has no kind of its own
            # Beside what is written for people only, every column of a template is read.
            own = [f for f in fields if f.name not in ("note", "source")]
            for lang in ("zh", "en"):
                head = Grid("表", "", [[f.header(lang) for f in own]])
                assert len(header_of(head, kind)) == len(own), (own[0].kind, lang)


def test_what_a_template_prints_is_read_under_offices_headers_too(tmp_path):
    file = tmp_path / "来源.csv"
    file.write_text("资金来源,资金性质,年度,可用金额（万元）\n土地,政府性基金,2026,1200\n")
    assert read("funding", file)["cap_wan"].tolist() == [1200.0]
    assert label("source_id") == "资金来源编号"


def test_problems_of_all_tables_come_at_once_whatever_else_failed(office):
    """A bad bond, a bad contract and a budget without a year, in one pass."""
    for name, old, new in (
        ("statutory_bonds", "2029-06-10", "2029-06-31"), ("debt_ledger", ",true,", ",也许,"),
    ):  # fmt: skip
        file = office / f"data/synthetic_sample_county_{name}.csv"
        file.write_text(file.read_text(encoding="utf-8-sig").replace(old, new, 1), "utf-8")
    for changes, failed in (({}, 0), ({"balance.transfers_wan": {2026: 1000.0}}, 1)):
        with pytest.raises(InputError) as told:
            fm.evaluate(case(office).change(changes) if changes else case(office))
        files = [str(p.where).partition(":")[0] for p in told.value.problems]
        assert len(files) == 2 + failed
        assert {"synthetic_sample_county_statutory_bonds.csv",
                "synthetic_sample_county_debt_ledger.csv"} <= set(files)  # fmt: skip
