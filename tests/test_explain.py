"""Every figure explains itself, and an evaluator of its own works each one out again."""

import json
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from executed_reports import evaluated as outcome
from rebuild import CALLS, Book

import fiscalmodel as fm
from fiscalmodel.errors import InputError
from fiscalmodel.scenario.graph import FORMULAS
from fiscalmodel.words import say

ROOT = Path(__file__).resolve().parents[1]
SCENARIOS = sorted(
    p.relative_to(ROOT).as_posix() for p in (ROOT / "params/scenarios").rglob("*.yaml")
)
SAMPLE = "params/scenarios/sample_county/baseline.yaml"
#: Settings that take other ways through the plan, the claims and the bonds.
OTHERS = {
    "refinanced": {"debt.refinanced_pct": 60, "debt.special_interest_inside": False},
    "reserve": {"debt.reserve_pct": 10, "debt.discount_pct": 3.0, "debt.frequency": "quarter"},
    "rule": {"debt.rule": "highest_rate_first", "debt.frequency": "year"},
    "worth": {"debt.rule": "least_present_value", "debt.funding_shock_pct": {"fund_budget": -40}},
    "share": {"debt.general_budget_share_pct": 40, "debt.quota_shock_pct": -50},
    "rates": {"debt.rate_shift_bp": 75, "debt.special_interest_inside": False},
    "later": {"debt.deadline": "2029-06-30"},
}  # fmt: skip


@cache
def explained(file):
    return fm.explain(outcome(file))


def rebuilt(made):
    book = Book(made.json())
    report = book.report()
    assert not report["wrong"]
    return book, report


@pytest.mark.parametrize("file", SCENARIOS)
def test_every_figure_of_the_tables_is_rebuilt_from_the_file_alone(file):
    out = outcome(file)
    book, report = rebuilt(explained(file))
    # Each number of each table is there, and only forecasts and the programme are a model's.
    for table, frame in out.tables().items():
        key = "debt_shortfall" if table == "debt_shortfall" else table
        if table in ("revenue", "balance", "debt"):
            index = "year" if "year" in frame else "period"
            for column in frame.columns.drop(index):
                for year, value in zip(frame[index], frame[column], strict=True):
                    if isinstance(value, str) or value != value:
                        continue
                    assert book.nodes[f"{key}.{column}[{year}]"]["value"] == pytest.approx(value)
    models = {
        name.partition("[")[0]
        for name, node in book.nodes.items()
        if node.get("figure") and node["how"] in ("model", "terms")
    }
    assert models <= {
        "revenue.baseline_wan", "items.reconciled_wan", "items.model_total_wan",
        "debt_schedule.amount_wan",
        "debt_shortfall.amount_wan", "levers.amount", "break_points.break_point",
        "forecast.coverage_pct",
        # What would come of ten thousand draws of receipts is a forecast too.
        "cash_warning.mean", "cash_warning.lo-80", "cash_warning.hi-80",
        "cash_warning.first_short_pct", "cash_warning.short_by_pct", "cash_warning.alarm_pct",
        "cash_warning.level_pct",
    }  # fmt: skip
    assert report["figures"] > 50
    assert report["rebuilt"] >= 0.999


@pytest.mark.parametrize("name", OTHERS)
def test_other_ways_through_the_plan_are_rebuilt(name):
    case = fm.load_scenario(SAMPLE)
    changes = dict(OTHERS[name])
    if "debt.deadline" in changes:
        import datetime as dt

        changes["debt.deadline"] = dt.date.fromisoformat(changes["debt.deadline"])
    rebuilt(fm.explain(fm.evaluate(case.change(changes))))


def test_cash_that_runs_short_and_payments_made_late_are_rebuilt(tmp_path):
    """Projects cost more than their grants; a need of November is paid in December."""
    for folder in ("params", "data"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    need = "保工资,国家标准,6126.16,6126.16,"
    for name, row, old, new in (
        ("cash_flows", "2026-02,专项转移支付支出,项目,项目,", "", "9"),
        ("sanbao", f"2025-11,{need}", "6126.16", "5126.16"),
        ("sanbao", f"2025-12,{need}", "6126.16", "6926.16"),
    ):
        file = tmp_path / f"data/synthetic_sample_county_{name}.csv"
        text = file.read_text(encoding="utf-8-sig")
        assert f"{row}{old}" in text
        file.write_text(text.replace(f"{row}{old}", f"{row}{new}", 1), encoding="utf-8")
    out = fm.evaluate(fm.load_scenario(tmp_path / SAMPLE))
    # 200 of November are still owed in January.
    needs = out.sanbao.needs.table
    due = needs.loc[needs["period"].astype(str) == "2026-01", "need_wan"].sum()
    assert out.sanbao.table["sanbao_wan"].iloc[0] == pytest.approx(due - 600 + 200)
    made = fm.explain(out)
    rebuilt(made)
    assert not [name for name, node in made.graph.figures() if node.how in ("part", "terms")]


def test_money_for_clearance_goes_down_to_cells_rules_and_the_model():
    made = fm.explain(outcome(SAMPLE), "balance.available_wan", 2026)
    # 104,778.43 + 153,000 + 0 − 204,800 − 4,800 − 18,300 = 29,878.43
    assert f"{made.node.value:.2f}" == "29878.43"
    places = "\n".join(made.table["where"])
    assert "data/synthetic_sample_county_budget.csv:" in places
    assert "data/synthetic_sample_county_revenue.csv:" in places
    assert "三保" in str(made)
    assert "<table>" in made._repr_html_()
    assert made["revenue"].name == "balance.revenue_wan[2026]"
    with pytest.raises(InputError, match="available_wan"):
        fm.explain(outcome(SAMPLE), "balance.availible_wan", 2026)
    with pytest.raises(InputError):
        made["no such input"]


def test_a_rule_names_its_document_and_a_line_its_file():
    made = explained("params/scenarios/jianghan/pessimistic.yaml")
    nodes = made.graph.nodes
    floor = [n for n in nodes.values() if n.how == "policy"]
    assert floor
    assert all(n.where.startswith("params/policy/") for n in floor)
    growth = nodes["scenario.revenue.adjustments.repeat_2019.pct.2021"]
    assert growth.where == "params/scenarios/jianghan/pessimistic.yaml:9:13"
    base = nodes["scenario.expenditure.base_wan"]
    assert base.where.startswith("params/scenarios/jianghan/baseline.yaml:18")
    # 687,400 × 17.69 %-restated breaks; each break's rate is a printed one.
    assert any(n.where.startswith("data/rates.csv:") for n in nodes.values())


def test_contracts_are_numbered_and_nobody_is_named_unless_asked():
    out = outcome(SAMPLE)
    ledger = out.plan.given.ledger.table
    names = {str(n) for c in ("contract_id", "debtor", "creditor") for n in ledger[c]}
    text = explained(SAMPLE).json()
    kept = [n for n in names if n in text and n not in str(out.statement.table["bank"].unique())]
    assert not kept
    assert "HD-001" in fm.explain(out, secret=True).json()


def test_a_figure_that_does_not_follow_is_found():
    data = json.loads(explained(SAMPLE).json())
    data["nodes"]["balance.available_wan[2026]"]["value"] += 1.0
    wrong = [name for name, *_ in Book(json.dumps(data)).report()["wrong"]]
    assert wrong == ["balance.available_wan[2026]"]
    # A leaf that is changed shows in everything above it.
    data = json.loads(explained(SAMPLE).json())
    cell = next(n for n in data["nodes"] if n.startswith("cell.sample_county.transfers"))
    data["nodes"][cell]["value"] += 1.0
    wrong = [name for name, *_ in Book(json.dumps(data)).report()["wrong"]]
    assert any(name.startswith("balance.available_wan") for name in wrong)
    assert any(name.startswith("risk.risk_ratio_pct") for name in wrong)


def test_formulas_have_words_in_both_languages_and_the_inputs_that_they_name():
    import ast

    for key, text in FORMULAS.items():
        assert say(f"scenario.formula.{key}")("zh") != say(f"scenario.formula.{key}")("en")
        ast.parse(text, mode="eval")
    calls = set(CALLS)
    for file in SCENARIOS:
        for name, node in explained(file).graph.nodes.items():
            if node.how == "formula":
                tree = ast.parse(FORMULAS[node.formula])
                named = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)} - calls
                assert named == set(node.inputs), name


def test_the_evaluator_imports_nothing_of_the_package_and_obeys_no_code():
    code = "import rebuild, sys; print(any(n.startswith('fiscalmodel') for n in sys.modules))"
    ran = subprocess.run(
        [sys.executable, "-S", "-c", code], cwd=ROOT / "tests", capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    assert ran.stdout.strip() == "False"
    data = json.loads(explained(SAMPLE).json())
    data["formulas"]["same"]["expression"] = "__import__('os').system('true')"
    with pytest.raises((ValueError, KeyError, AttributeError)):
        Book(json.dumps(data)).report()


def test_evaluation_does_not_trace():
    code = (
        "import sys, fiscalmodel as fm; fm.evaluate(fm.load_scenario(sys.argv[1]));"
        "print([n for n in sys.modules if 'scenario.trace' in n or 'scenario.graph' in n])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, "params/scenarios/jianghan/baseline.yaml"], cwd=ROOT,
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert ran.stdout.strip() == "[]"
