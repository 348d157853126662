"""Items of a year under way, and their total."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fiscalmodel as fm
from fiscalmodel.errors import InputError
from fiscalmodel.revenue.nowcast_items import DIFFERENCE, nowcast_items


def steady(first: str = "2019-01", last: str = "2024-06", growth: float = 0.05) -> pd.Series:
    months = pd.period_range(first, last, freq="M")
    flows = pd.Series([(1 + growth) ** (p.year - 2019) * (5 + p.month % 3) for p in months], months)
    return flows.groupby(months.year).cumsum()


def test_items_keep_their_total():
    tax, other = (
        fm.load_series(f"sample_county.{n}_revenue_monthly").values for n in ("tax", "non_tax")
    )
    whole = fm.load_series("sample_county.general_public_budget_revenue_monthly").values
    frame = pd.DataFrame({"tax": tax, "non-tax": other, "all": whole})
    found = nowcast_items(frame, total="all", budget={"all": float(whole.max())})
    means = found.table.set_index("item")["mean"]
    assert means["tax"] + means["non-tax"] == pytest.approx(means["all"], rel=1e-12)
    assert found.total.full_year["mean"] == means["all"]
    done = nowcast_items(frame, total="all", as_of="2024-12").table.set_index("item")
    assert done.loc["all", "mean"] == pytest.approx(whole["2024-12"])


@given(
    st.integers(1, 12),
    st.floats(-9e-4, 9e-4),
    st.booleans(),
    st.sampled_from([0.0, -0.3]),
    st.sampled_from([1e-4, 1.0, 1e8]),
    st.integers(0, 99),
)
@settings(max_examples=60, deadline=None)
def test_items_add_up_in_every_month(month, off, hold, low, scale, seed):  # fmt: skip
    rng = np.random.default_rng(seed)
    months = pd.period_range("2020-01", f"2023-{month:02d}", freq="M")
    flows = rng.lognormal([1, 0, 2], [0.1, 0.5, 0.3], (len(months), 3))
    flows[:, 1] += low
    frame = pd.DataFrame(scale * flows, months, list("abc")).groupby(months.year).cumsum()
    frame["all"] = frame.sum(axis=1) * (1 + off)
    found = nowcast_items(frame, total="all", hold_total=hold)
    table = found.table.set_index("item")
    whole = table.loc["all"]
    for column in ("mean", "to_date", "rest_of_year"):
        assert table[column].iloc[:-1].sum() == pytest.approx(
            whole[column], abs=1e-12 * whole["mean"]
        )
    assert found.total.full_year["mean"] == whole["mean"]
    assert found.reconciled.total == pytest.approx(whole["mean"], rel=1e-12)
    parts = sum(float(f.full_year["mean"]) for f in found.items.values())
    missing = float(frame["all"].iloc[-1] - frame[["a", "b", "c"]].iloc[-1].sum())
    assert parts + missing == pytest.approx(whole["mean"], rel=1e-12)
    alone = fm.nowcast_year(frame["all"]).full_year["mean"]
    if hold or month == 12:
        assert whole["mean"] == alone
    for name in "abc":
        last = found.items[name].by_month.iloc[-1]
        assert last["mean"] == found.items[name].full_year["mean"] == table.loc[name, "mean"]
    if not low:
        assert (table["mean"] >= table["to_date"]).all()
    if month == 12:
        assert table.loc["a", "mean"] == frame["a"].iloc[-1]
        assert whole["mean"] == frame["all"].iloc[-1]


def test_a_finished_year_says_what_its_items_leave_open():
    # 60 + 39.95 = 99.95, the published total is 100: 0.05 is left open.
    months = pd.period_range("2022-01", "2023-12", freq="M")
    run = np.array([m.month / 12 for m in months])
    frame = pd.DataFrame({"a": 60 * run, "b": 39.95 * run, "all": 100 * run}, months)
    found = nowcast_items(frame, total="all")
    assert found.table["item"].tolist() == ["a", "b", DIFFERENCE, "all"]
    assert found.table["mean"].tolist() == pytest.approx([60, 39.95, 0.05, 100])
    assert found.table["rest_of_year"].tolist() == [0, 0, 0, 0]
    assert any("miss their published total by 0.05" in note for note in found.notes)
    assert any("未列入分项的差额为0.05" in note for note in found.notes)
    # June: half of it is open to date, and no more is expected.
    half = nowcast_items(frame, total="all", as_of="2023-06").table.set_index("item")
    assert half.loc[DIFFERENCE, ["to_date", "mean"]].tolist() == pytest.approx([0.025, 0.025])
    exact = nowcast_items(frame.drop(columns="all"))
    assert exact.table["item"].tolist() == ["a", "b", "total"]


def test_a_held_total_leaves_the_gap_to_the_items():
    rng = np.random.default_rng(5)
    months = pd.period_range("2019-01", "2023-07", freq="M")
    flows = pd.DataFrame(rng.lognormal([2, 0], [0.1, 0.8], (len(months), 2)), months, list("ab"))
    frame = flows.groupby(months.year).cumsum().assign(all=lambda f: f["a"] + f["b"])
    found = nowcast_items(frame, total="all", hold_total=True, budget={"a": 100.0})
    alone = {n: fm.nowcast_year(frame[n]).full_year for n in ("a", "b", "all")}
    gap = alone["all"]["mean"] - alone["a"]["mean"] - alone["b"]["mean"]
    wide = {n: (alone[n]["hi-80"] - alone[n]["lo-80"]) ** 2 for n in ("a", "b")}
    for name in ("a", "b"):
        share = gap * wide[name] / (wide["a"] + wide["b"])
        assert found.items[name].full_year["mean"] == pytest.approx(alone[name]["mean"] + share)
        assert any("stay as reckoned alone" in note for note in found.items[name].notes)
    assert found.total.full_year.equals(alone["all"])
    item = found.items["a"]
    assert item.by_month["lo-80"].iloc[-1] == item.full_year["lo-80"]


def test_items_that_miss_their_total_are_refused():
    ytd = steady()
    with pytest.raises(InputError, match="items add up to"):
        nowcast_items(pd.DataFrame({"a": ytd, "b": ytd, "sum": ytd}), total="sum")
    with pytest.raises(InputError, match="no column"):
        nowcast_items(pd.DataFrame({"a": ytd}), total="b")
    with pytest.raises(InputError, match="different months"):
        nowcast_items(pd.DataFrame({"a": ytd, "b": ytd[:-1]}))


@pytest.mark.parametrize(
    ("scale", "words"), [(1e-4, "0.000005"), (1.0, "0.05"), (1e3, "50"), (1e6, "50,000")]
)
def test_a_difference_has_digits_enough_in_any_unit(scale, words):
    months = pd.period_range("2022-01", "2023-12", freq="M")
    run = scale * np.array([m.month / 12 for m in months])
    found = nowcast_items(pd.DataFrame({"a": 99.95 * run, "all": 100 * run}, months), total="all")
    assert f"published items miss their published total by {words}: " in found.notes[0]
    assert f"差额为{words}：" in found.notes[0]
