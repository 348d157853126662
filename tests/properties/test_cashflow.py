"""What is repaid is what was lent, to the 分 and unrounded."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

import fiscalmodel as fm

contracts = st.fixed_dictionaries(
    {
        "principal": st.integers(1, 10**13).map(lambda fen: fen / 10**6),
        "rate_pct": st.one_of(st.just(0.0), st.floats(0.1, 20).map(lambda r: round(r, 4))),
        "start": st.dates(date(2005, 1, 1), date(2030, 1, 1)),
        "method": st.sampled_from(["bullet", "equal_principal", "equal_instalment"]),
        "frequency": st.sampled_from(["year", "half_year", "quarter", "month"]),
        "day_count": st.sampled_from(["ACT/ACT", "ACT/365", "ACT/360", "30/360"]),
        "stub": st.sampled_from(["front", "back"]),
    }
)


@given(contracts, st.integers(20, 5000), st.integers(0, 3))
def test_whole_fen_and_nothing_lost(terms, days, grace):
    terms = {**terms, "maturity": terms["start"] + timedelta(days=days)}
    plain = fm.amortise(**terms)
    grace = min(grace, len(plain) - 1)
    whole = fm.amortise(**terms, rounding="fen", grace_periods=grace)
    fen = (whole[["opening", "interest", "principal", "closing"]] * 10**6).round().astype("int64")
    owed = round(terms["principal"] * 10**6)
    assert int(fen["principal"].sum()) == owed
    assert int(fen["opening"].iloc[0]) == owed
    assert int(fen["closing"].iloc[-1]) == 0
    assert (fen["opening"] - fen["principal"] == fen["closing"]).all()
    assert fen["opening"].tolist()[1:] == fen["closing"].tolist()[:-1]
    assert (fen >= 0).all(axis=None)
    assert (fen["principal"].iloc[:grace] == 0).all()


@given(contracts, st.integers(20, 5000))
def test_unrounded_adds_up(terms, days):
    terms = {**terms, "maturity": terms["start"] + timedelta(days=days)}
    frame = fm.amortise(**terms)
    scale = terms["principal"]
    assert frame["principal"].sum() == pytest.approx(scale, rel=1e-9)
    gap = (frame["opening"] - frame["principal"] - frame["closing"]).abs().max()
    assert gap <= 1e-9 * scale
    assert frame["closing"].iloc[-1] == 0
    assert frame["date"].is_monotonic_increasing
