"""The budget of a setting is what evaluation gives, also where all that is left is spent."""

import executed_reports
import pytest

import fiscalmodel as fm
from fiscalmodel.present.whatif import what_if_page
from fiscalmodel.scenario.whatif import budget_of, what_if

SAMPLE = "params/scenarios/sample_county/baseline.yaml"


@pytest.fixture(scope="module")
def spending():
    return what_if(executed_reports.spending_county(), solve=False)


@pytest.mark.parametrize("growth", [-5.0, 0.0, 2.5])
@pytest.mark.parametrize("transfers", [-20.0, 0.0, 10.0])
def test_spending_takes_what_a_setting_leaves(spending, growth, transfers):
    at = spending.setting(growth=growth, transfers=transfers)
    case = spending.changed(growth=growth, transfers=transfers)
    asked, whole = budget_of(spending.outcome, at), fm.evaluate(case, until="balance").balance
    for column in ("available_wan", "shortfall_wan", "other_commitments_wan"):
        assert asked[column].tolist() == pytest.approx(whole[column].tolist(), rel=1e-9, abs=1e-6)
    # By hand: below the needs nothing changes, 7,000 come off, and a million takes all there is.
    free = whole["revenue_wan"] + whole["transfers_wan"] + whole["other_resources_wan"]
    free -= spending.outcome.balance[["sanbao_need_wan", "statutory_debt_service_wan"]].sum(axis=1)
    stated = fm.evaluate(fm.load_scenario(SAMPLE), until="balance").balance
    free -= stated["other_commitments_wan"]
    wanted = [max(free[0], 0), max(free[1] - 7000, 0), 0]
    assert asked["available_wan"].tolist() == pytest.approx(wanted, abs=1e-6)


def test_the_page_carries_the_stated_commitments(spending):
    html = what_if_page(spending).html
    assert '"spent_first":true' in html
    stated = fm.evaluate(fm.load_scenario(SAMPLE), until="balance").balance
    amount = stated["other_commitments_wan"].iloc[0]
    assert f'"other_commitments_wan":[{amount}' in html
