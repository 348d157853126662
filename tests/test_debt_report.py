"""The debt report: what it shows, what it withholds, and the workbook's live totals."""

from __future__ import annotations

import io
import re

import openpyxl
import pandas as pd
import pytest

from fiscalmodel.debt import summary
from fiscalmodel.debt.clearance import plan_clearance
from fiscalmodel.debt.decompose import decomposition
from fiscalmodel.debt.fan import debt_fan
from fiscalmodel.errors import InputError
from fiscalmodel.present import charts_debt, debt_report
from fiscalmodel.present.debt_view import debt_view
from fiscalmodel.present.workbook_debt import SENSITIVE, SHEETS, debt_workbook

SCENARIO = "params/scenarios/sample_county/baseline.yaml"
NAMES = ("HD-0", "城投平台", "甲银行", "乙租赁", "FS-")


@pytest.fixture(scope="module")
def view(project):
    return debt_view(project / SCENARIO)


@pytest.fixture(scope="module")
def withheld(project):
    return debt_view(project / SCENARIO, totals_only=True)


def test_the_waterfall_ends_on_the_plans_balance(view):
    steps = view.waterfall
    assert steps["amount_wan"].iloc[:-1].sum() == pytest.approx(
        steps["amount_wan"].iloc[-1], abs=1e-6
    )
    assert steps["amount_wan"].iloc[0] == view.plan.opening_wan
    closing = view.plan.balances["hidden_wan"].iloc[-1]
    assert steps["amount_wan"].iloc[-1] == pytest.approx(closing, abs=1e-6)


def test_matrix_funding_and_schedule_add_up(view):
    paid = view.plan.schedule["amount_wan"].sum()
    periods = view.matrix.columns.drop(summary.MATRIX_KEYS)
    assert view.matrix[periods].to_numpy().sum() == pytest.approx(paid)
    assert view.funding["total_wan"].sum() == pytest.approx(paid)


def test_three_totals(view):
    table = view.totals
    parts = table[["hidden_wan", "by_contract_wan", "statutory_wan"]].sum(axis=1)
    assert parts.tolist() == pytest.approx(table["total_wan"].tolist())
    # What is replaced leaves hidden debt and enters statutory debt in full.
    replaced = view.plan.balances["replaced_wan"].sum()
    assert table["statutory_wan"].iloc[-1] - table["statutory_wan"].iloc[0] == pytest.approx(
        replaced
    )
    assert view.register["replaced_wan"].sum() == pytest.approx(replaced)


def test_the_wall_holds_the_plans_own_bonds(view):
    wall = view.wall.set_index("year")
    replaced = view.plan.balances["replaced_wan"].sum()
    assert wall["planned_principal_wan"].sum() == pytest.approx(replaced, abs=1e-4)
    years = view.plan.balances["period"].astype(int)
    assert wall.loc[years, "planned_interest_wan"].tolist() == pytest.approx(
        view.plan.balances["bond_interest_wan"].tolist(), abs=1e-5
    )
    parts = [c for c in wall.columns if c.endswith("_wan") and c != "total_wan"]
    assert wall[parts].sum(axis=1).tolist() == pytest.approx(wall["total_wan"].tolist())
    assert wall["share_pct"].sum() == pytest.approx(100)


def test_the_register_orders_each_batch_by_rate(view):
    for _, rows in view.register.groupby("batch"):
        assert rows["old_rate_pct"].is_monotonic_decreasing


def shown(view, lang: str, capsys) -> str:
    for part in (
        "answer", "waterfall", "sources", "totals", "register", "shortfall", "risk",
        "dynamics", "break_points", "method",
    ):  # fmt: skip
        getattr(debt_report, part)(view, lang)
    return capsys.readouterr().out


@pytest.fixture
def plain(monkeypatch):
    """Outputs as text, outside a notebook."""
    monkeypatch.setattr(debt_report, "say", lambda zh, en, lang: print(en if lang == "en" else zh))

    def chart(figure, alt):
        from matplotlib import pyplot as plt

        plt.close(figure)
        print(alt)

    monkeypatch.setattr(debt_report, "show_chart", chart)

    def table(frame, lang="zh", *, digits=2, index=False, caption=""):
        from fiscalmodel.present.show import TableView

        print(repr(TableView(frame, lang, digits, index, caption)))

    monkeypatch.setattr(debt_report, "show_table", table)


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_report_says_synthetic(view, lang, plain, capsys):
    text = shown(view, lang, capsys)
    assert "合成数据" in text
    assert "HD-003" in text
    assert "2026" in text
    assert "2,026" not in text


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_totals_only_names_nobody(withheld, lang, plain, capsys):
    text = shown(withheld, lang, capsys)
    assert "165,000.00" in text
    for name in NAMES:
        assert name not in text


def test_infeasible_plans_show_the_gap(view, plain, capsys, monkeypatch):
    from dataclasses import replace

    short = plan_clearance(
        [{"contract_id": "HD-0", "principal_wan": 100.0, "rate_pct": 5.0, "prepayable": True}],
        [{"source_id": "FS-1", "period": 2028, "cap_wan": 60.0}],
        as_of="2025-12-31",
    )
    debt_report.shortfall(replace(view, plan=short), "zh")
    assert "HD-0" in capsys.readouterr().out
    debt_report.answer(replace(view, plan=short, totals_only=True), "zh")
    debt_report.shortfall(replace(view, plan=short, totals_only=True), "zh")
    text = capsys.readouterr().out
    assert "缺口" in text
    assert "HD-0" not in text


def cell_value(book, formula: str, sheet: str) -> float:
    """What a formula of the workbook comes to: SUM of a range, or arithmetic of cells."""
    text = formula.removeprefix("=")

    def number(name: str, address: str) -> float:
        held = book[name][address].value
        if isinstance(held, str) and held.startswith("="):
            return cell_value(book, held, name)
        return float(held or 0)

    if match := re.fullmatch(r"SUM\(([A-Z]+\d+):([A-Z]+\d+)\)", text):
        cells = [c for row in book[sheet][f"{match[1]}:{match[2]}"] for c in row]
        return sum(number(sheet, c.coordinate) for c in cells)
    filled = re.sub(
        r"(?:'([^']+)'!)?([A-Z]+\d+)", lambda m: repr(number(m[1] or sheet, m[2])), text
    )
    assert re.fullmatch(r"[\d.e+\-*/() ]+", filled), formula
    return float(eval(filled))


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_formula_has_its_value_stored(view, lang):
    data = debt_workbook(view, lang)
    live = openpyxl.load_workbook(io.BytesIO(data))
    stored = openpyxl.load_workbook(io.BytesIO(data), data_only=True)
    count = 0
    for sheet in live.sheetnames:
        for row in live[sheet].iter_rows():
            for cell in row:
                if cell.data_type == "f":
                    count += 1
                    value = stored[sheet][cell.coordinate].value
                    assert value == pytest.approx(
                        cell_value(live, cell.value, sheet), rel=1e-9, abs=1e-6
                    ), (sheet, cell.coordinate)
    assert count > 100
    assert live.sheetnames[0] == ("摘要" if lang == "zh" else "Summary")


def test_the_same_plan_gives_the_same_bytes(view):
    assert debt_workbook(view) == debt_workbook(view)


def test_totals_only_workbook_names_nobody(withheld):
    book = openpyxl.load_workbook(io.BytesIO(debt_workbook(withheld)))
    assert not {SHEETS[name][0] for name in SENSITIVE} & set(book.sheetnames)
    cells = [str(c.value) for s in book for row in s.iter_rows() for c in row if c.value]
    assert not [text for text in cells for name in NAMES if name in text]


def test_text_stays_text(view):
    from dataclasses import replace

    risky = view.register.assign(debtor="=HYPERLINK(1)", creditor="@sum", project="-1+2")
    book = openpyxl.load_workbook(io.BytesIO(debt_workbook(replace(view, register=risky))))
    sheet = book["置换台账"]
    for column in ("C", "D", "E"):
        assert sheet[f"{column}2"].data_type == "s"
        assert sheet[f"{column}2"].quotePrefix


def test_save_workbook_stays_in_the_project(view, project, tmp_path, monkeypatch, plain):
    with pytest.raises(InputError, match="leaves the folder"):
        debt_report.save_workbook(view, "../away.xlsx")
    with pytest.raises(InputError, match="no xlsx"):
        debt_report.save_workbook(view, "reports/plan.csv")
    (tmp_path / "params").mkdir()
    (tmp_path / "data").mkdir()
    monkeypatch.setenv("FISCALMODEL_PROJECT", str(tmp_path))
    debt_report.save_workbook(view, "reports/化债.xlsx")
    assert (tmp_path / "reports" / "化债.xlsx").stat().st_size > 5000
    debt_report.save_workbook(view, "")


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_charts_have_titles_units_and_names(view, lang):
    bounds = {"yellow": 120, "orange": 200, "red": 300}
    history = pd.DataFrame({"growth_pct": [7.0, 5.0, -2.0, 6.0], "rate_pct": [3.0, 3.1, 3.3, 3.2]})
    fan = debt_fan(60, 0, 4, 3.5, history, seed=1, years=range(2026, 2029))
    figures = (
        charts_debt.waterfall_chart(view.waterfall, lang=lang),
        charts_debt.funding_chart(view.funding, lang=lang),
        charts_debt.totals_chart(view.totals, lang=lang),
        charts_debt.risk_chart(view.risk, bounds, lang=lang),
        charts_debt.wall_chart(view.wall, lang=lang),
        charts_debt.fan_chart(fan, lang=lang),
        charts_debt.decomposition_chart(decomposition(view.outlook), lang=lang),
    )
    from matplotlib import pyplot as plt

    for figure in figures:
        axis = figure.axes[0]
        assert axis.get_title(loc="left")
        assert axis.get_ylabel() in ("亿元", "%", "百分点", "points")
        plt.close(figure)


def test_a_scenario_without_debt_is_refused(project):
    with pytest.raises(InputError, match="no debt part"):
        debt_view(project / "params/scenarios/jianghan/baseline.yaml")
