"""Unit conversions are exact: there and back, and against decimals."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fiscalmodel.units import FEN_PER, convert

units = st.sampled_from(sorted(FEN_PER))
#: Printed figures: up to 15 significant digits.
printed = st.builds(
    lambda digits, places: float(Decimal(digits).scaleb(-places)),
    st.integers(-(10**15) + 1, 10**15 - 1),
    st.integers(0, 8),
)


@given(printed, units, units)
def test_there_and_back_is_the_figure(value: float, a: str, b: str) -> None:
    assert convert(convert(value, a, b), b, a) == value


@given(printed, units, units, units)
def test_two_steps_are_one(value: float, a: str, b: str, c: str) -> None:
    assert convert(convert(value, a, b), b, c) == convert(value, a, c)


@given(printed, units, units)
def test_the_float_nearest_to_the_decimal(value: float, a: str, b: str) -> None:
    exact = Decimal(repr(value)) * FEN_PER[a] / FEN_PER[b]
    assert convert(value, a, b) == float(exact)
    assert convert(np.array([value]), a, b)[0] == float(exact)


@given(
    st.floats(
        allow_nan=False,
        allow_infinity=False,
        min_value=-1e200,
        max_value=1e200,
    ).filter(lambda x: x == 0 or abs(x) > 1e-200),
    units,
    units,
)
def test_any_float_within_one_unit_in_the_last_place(value: float, a: str, b: str) -> None:
    back = convert(convert(value, a, b), b, a)
    assert abs(back - value) <= 2 * np.spacing(abs(value))


@given(st.integers(-(10**12), 10**12), units, units)
def test_integers_stay_exact(value: int, a: str, b: str) -> None:
    found = convert(value, a, b)
    assert Decimal(repr(found)) * FEN_PER[b] == Decimal(value) * FEN_PER[a] or isinstance(
        found, float
    )
    assert convert(found, b, a) == value
