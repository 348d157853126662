"""What the monthly nowcast's report says and shows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import fiscalmodel as fm
from fiscalmodel.present import nowcast_report as report
from fiscalmodel.revenue.notes_zh import part_zh
from fiscalmodel.revenue.nowcast_model import steady_share


@pytest.fixture
def shown(monkeypatch):
    """What the report says and shows, in order."""
    seen = []
    monkeypatch.setattr(report, "say", lambda zh, en, lang: seen.append(en if lang == "en" else zh))
    monkeypatch.setattr(report, "show_table", lambda frame, lang, **_: seen.append(frame))
    monkeypatch.setattr(report, "show_chart", lambda *_: None)
    return seen


@pytest.mark.parametrize("as_of", ["2024-09", "2024-12"])
def test_the_reports_items_add_up_to_its_headline(shown, as_of):
    name = "national.general_public_budget_revenue"
    view = report.nowcast_view(
        name, as_of=as_of, items={"national.tax_revenue": "tax"}, remainder="other"
    )
    means = view.items.table.set_index("item")["mean"]
    headline = view.found.full_year["mean"]
    assert means["tax"] + means["other"] == pytest.approx(headline, rel=1e-12)
    assert means.iloc[-1] == view.found.by_month["mean"].iloc[-1] == headline
    report.items(view, "zh")
    assert "合计即上文的全年预计" in shown[0]
    report.progress(view, "zh")
    values = fm.load_series(name).values
    done = [y for y in range(2000, 2024) if not np.isnan(values.get(pd.Period(f"{y}-12"), np.nan))]
    june = [100 * values[f"{y}-06"] / values[f"{y}-12"] for y in done
            if pd.Period(f"{y}-06") in values.index]  # fmt: skip
    row = shown[-1].set_index("截至月份").loc["2024-06"]
    assert row["往年同期进度（%）"] == pytest.approx(np.median(june))


def test_the_report_says_how_the_weights_come_about(shown):

    view = report.nowcast_view("sample_county.tax_revenue_monthly", as_of="2024-06")
    share = steady_share()
    report.method(view, "zh")
    report.method(view, "en")
    assert f"权重的{part_zh(str(share))}固定为三种算法" in shown[0]
    assert "参照全国序列选定" in shown[0]
    assert f"{share} of the weight is the plain mean of three" in shown[1]
    assert "chosen with China's national series in view" in shown[1]
