"""Charts of clearance plans: drawn, titled, with units, in both languages, no missing glyph."""

from __future__ import annotations

import warnings

import pytest
from clearance_oracle import random_case
from matplotlib import pyplot as plt

import fiscalmodel as fm
from fiscalmodel.debt.breakpoints import break_points
from fiscalmodel.present import charts_clearance as charts

ledger = [
    {"contract_id": f"道路{k}", "principal_wan": 100.0 + k, "rate_pct": 4.0, "prepayable": True,
     "maturity": "2030-06-30"}
    for k in range(22)
]  # fmt: skip
RICH = [
    {"source_id": "一般公共预算", "category": "财政资金", "period": y, "cap_wan": 1400.0}
    for y in (2027, 2028)
]
POOR = [row | {"cap_wan": 900.0} for row in RICH]
OPTIONS = {"as_of": "2026-12-31"}


def draw(name, lang):
    rich = fm.plan_clearance(ledger, RICH, **OPTIONS)
    if name == "contracts":
        return charts.contracts_chart(rich, lang=lang)
    if name == "prices":
        return charts.prices_chart(rich, lang=lang)
    if name == "gap":
        return charts.gap_chart(fm.plan_clearance(ledger, POOR, **OPTIONS), lang=lang)
    if name == "breaks":
        return charts.breaks_chart(break_points(ledger, RICH, **OPTIONS), lang=lang)
    ruled = fm.plan_clearance(ledger, RICH, rule="pro_rata", **OPTIONS)
    return charts.rules_chart({"least_cost": rich, "pro_rata": ruled}, lang=lang)


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("name", ["contracts", "prices", "gap", "breaks", "rules"])
def test_chart(name, lang):
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a glyph that is not in the font warns
        figure = draw(name, lang)
        figure.canvas.draw()
    axis = figure.axes[0]
    assert axis.get_title(loc="left")
    assert axis.get_ylabel() or axis.get_xlabel()
    ticks = [text.get_text() for text in axis.get_xticklabels()]
    assert all(ticks)
    plt.close(figure)


def test_contracts_beyond_the_largest_are_one_row():
    figure = draw("contracts", "zh")
    names = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert len(names) == charts.MOST_ROWS + 1
    assert any(name.startswith("其余4笔") for name in names)
    plt.close(figure)


def test_break_points_with_a_case_that_fails_already():
    import numpy as np

    case = random_case(np.random.default_rng(1), contracts=2, years=2, quota=False)
    tables, options = case.arguments()
    figure = charts.breaks_chart(break_points(tables[0], [], **options))
    assert len(figure.axes[0].patches) == 6
    plt.close(figure)
