"""Nowcasts of any series: an answer that holds together, or one clear error."""

from __future__ import annotations

import os

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fiscalmodel.errors import InputError
from fiscalmodel.revenue.items import reconcile_total
from fiscalmodel.revenue.nowcast import nowcast_year
from fiscalmodel.revenue.nowcast_items import nowcast_items

ROUNDS = 20_000 if os.environ.get("FISCALMODEL_SOAK") == "1" else 100


def random_series(rng: np.random.Generator) -> pd.Series:
    """Flows of any kind: calm, wild, tiny, huge, negative, zero, with gaps."""
    months = int(rng.integers(1, 100))
    scale = 10.0 ** rng.integers(-6, 13)
    kind = rng.integers(6)
    flows = rng.lognormal(0, rng.uniform(0.01, 2), months) * scale
    if kind == 1:
        flows *= rng.choice([0.0, 1.0], months, p=[0.4, 0.6])
    elif kind == 2:
        flows -= rng.uniform(0, 0.5) * scale
    elif kind == 3:
        flows = np.zeros(months)
    elif kind == 4:
        flows = np.full(months, scale)
    elif kind == 5:
        flows *= np.linspace(1, rng.uniform(-1, 30), months)
    index = pd.period_range(pd.Period("2010-01") + int(rng.integers(12)), periods=months, freq="M")
    ytd = pd.Series(flows, index=index).groupby(index.year).cumsum()
    keep = rng.random(months) > rng.choice([0.0, 0.1, 0.6])
    if rng.random() < 0.5:
        keep &= index.month != 1
    return ytd[keep]


def check(ytd: pd.Series, rng: np.random.Generator) -> bool:
    try:
        found = nowcast_year(ytd, budget=float(rng.uniform(1e-6, 1e13)))
    except InputError:
        return False
    full = found.full_year
    assert np.isfinite(full.to_numpy()).all()
    assert full["lo-95"] <= full["lo-80"] <= full["mean"] <= full["hi-80"] <= full["hi-95"]
    assert (found.rest_of_year - (full - found.to_date)).abs().max() <= 1e-9 * max(
        1.0, full.abs().max()
    )
    assert abs(found.models["weight"].sum() - 1) < 1e-9
    assert len(found.by_month) == (ytd.index.year == found.year).sum()
    if (pd.Series(ytd).groupby(ytd.index.year).diff().fillna(ytd) >= 0).all():
        assert full["lo-95"] >= found.to_date
    return True


def test_any_series_gives_an_answer_or_one_error():
    rng = np.random.default_rng(0)
    answered = sum(check(random_series(rng), rng) for _ in range(ROUNDS))
    assert answered > 0.6 * ROUNDS


def test_the_unit_does_not_matter():
    rng = np.random.default_rng(1)
    for _ in range(20):
        months = pd.period_range("2015-01", periods=12 * 5 + 7, freq="M")
        ytd = pd.Series(rng.lognormal(0, 0.3, len(months)), months).groupby(months.year).cumsum()
        one, ten = nowcast_year(ytd).full_year, nowcast_year(ytd * 1e4).full_year
        assert (ten / 1e4).to_numpy() == pytest.approx(one.to_numpy(), rel=1e-9)


def test_later_months_are_not_used():
    rng = np.random.default_rng(2)
    months = pd.period_range("2015-01", "2020-12", freq="M")
    for month in (1, 5, 11):
        ytd = pd.Series(rng.lognormal(0, 0.3, len(months)), months).groupby(months.year).cumsum()
        as_of = f"2020-{month:02d}"
        cut = nowcast_year(ytd[months <= pd.Period(as_of)]).full_year
        assert nowcast_year(ytd, as_of=as_of).full_year.equals(cut)


amounts = st.floats(0, 1e6).map(lambda v: round(v, 2))


@given(
    st.lists(st.tuples(amounts, st.floats(0, 1e3)), min_size=1, max_size=8),
    st.floats(0, 1e7),
    st.floats(0.1, 1e3),
)
def test_reconciled_items_add_up(items, total, spread):
    names = [f"i{k}" for k in range(len(items))]
    made = reconcile_total(
        dict(zip(names, (v for v, _ in items), strict=True)),
        total,
        item_spread=dict(zip(names, (s for _, s in items), strict=True)),
        total_spread=spread,
        floors=dict.fromkeys(names, 0.0),
    )
    assert made.total == pytest.approx(made.items.sum(), abs=1e-9 * max(1.0, abs(made.total)))
    assert (made.items >= 0).all()
    low, high = sorted((total, sum(v for v, _ in items)))
    assert low - 1e-6 * high - 1e-9 <= made.total <= high + 1e-6 * high + 1e-9


def test_items_of_a_nowcast_add_up_to_its_total():
    rng = np.random.default_rng(3)
    months = pd.period_range("2018-01", "2023-08", freq="M")
    for _ in range(10):
        flows = pd.DataFrame(
            rng.lognormal([3, 2, 0], [0.1, 0.3, 1.0], (len(months), 3)), months, list("abc")
        )
        ytd = flows.groupby(months.year).cumsum()
        ytd["sum"] = ytd.sum(axis=1)
        table = nowcast_items(ytd, total="sum").table.set_index("item")
        assert table["mean"].iloc[:-1].sum() == pytest.approx(table.loc["sum", "mean"], rel=1e-12)
        assert (table["mean"] >= table["to_date"]).all()
