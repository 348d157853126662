"""Units: exact conversion, words, 分."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

import fiscalmodel as fm
from fiscalmodel.units import (
    FEN_PER,
    convert,
    money_unit,
    yuan_text,
)


@pytest.mark.parametrize(
    ("value", "source", "target", "result"),
    [
        (84.6, "亿元", "万元", 846000.0),
        (1.1, "万元", "元", 11000.0),  # 1.1 × 10000 in binary is 11000.000000000002
        (641814.0, "万元", "亿元", 64.1814),
        (123.5, "亿元", "元", 12350000000.0),
        (0.01, "元", "分", 1.0),
        (7, "万元", "元", 70000),
        (5, "元", "万元", 0.0005),
        (Decimal("1.005"), "元", "万元", Decimal("0.0001005")),
        (-98.0, "万元", "千元", -980.0),
    ],
)
def test_conversion(value: float, source: str, target: str, result: float) -> None:
    found = convert(value, source, target)
    assert found == result
    assert type(found) is type(result)


def test_conversion_of_arrays_series_and_frames() -> None:
    values = [1.1, np.nan, 0.07, 5.0, 1e300, -68.74]
    expected = [11000.0, np.nan, 700.0, 50000.0, 1e304, -687400.0]
    index = list("abcdef")
    np.testing.assert_array_equal(convert(np.array(values), "万元", "元"), expected)
    series = convert(pd.Series(values, index=index, name="x"), "万元", "元")
    pd.testing.assert_series_equal(series, pd.Series(expected, index=index, name="x"))
    frame = convert(pd.DataFrame({"x": values}), "万元", "元")
    np.testing.assert_array_equal(frame["x"], expected)


def test_words_for_units() -> None:
    assert [money_unit(w) for w in ("人民币元", "亿", "wan", " 万元 ")] == [
        "元",
        "亿元",
        "万元",
        "万元",
    ]
    with pytest.raises(fm.InputError, match="did you mean '千万元'"):
        money_unit("千万员")
    assert len({len(str(f)) for f in FEN_PER.values()}) == len(FEN_PER)


def test_yuan() -> None:
    assert yuan_text(-5) == "-0.05"
    assert yuan_text(123450) == "1,234.50"
