"""Series: what may be combined, what may not, and where a value came from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import fiscalmodel as fm


def series(name: str = "a", start: str = "2020", **more: object) -> fm.Series:
    index = pd.period_range(start, periods=3, freq=str(more.pop("freq", "Y")))
    values = more.pop("values", [10.0, 20.0, 40.0])
    kinds = pd.Series("actual", index=index, dtype=object)
    return fm.Series(name, pd.Series(values, index=index), kinds=kinds, **more)


def test_sums_and_differences() -> None:
    total, tax = series("total"), series("tax", values=[4.0, 5.0, np.nan])
    assert (tax + total).values.tolist()[:2] == [14, 25]
    assert (total - tax).values.isna().tolist() == [False, False, True]
    assert (total - tax).series_id == "total - tax"
    assert (2 * total).values.tolist() == [20, 40, 80]
    assert len(total + series("late", "2021")) == 4


@pytest.mark.parametrize(
    ("field", "one", "two", "says"),
    [
        ("unit", "万元", "%", "two units are mixed: '万元' of a and '%' of b"),
        ("calibre", "as_published", "like_for_like", "as_published.*like_for_like"),
        ("calibre", "as_published", "", "as_published.*—"),
        ("version", "initial_budget", "execution", "initial_budget.*execution"),
        ("coverage", "gross", "local", "gross.*local"),
    ],
)
def test_mixing_is_refused_and_names_both(field: str, one: str, two: str, says: str) -> None:
    a, b = series("a", **{field: one}), series("b", **{field: two})
    for combine in (lambda: a + b, lambda: a - b):
        with pytest.raises(fm.InputError, match=says):
            combine()


def test_all_differences_are_told_at_once() -> None:
    with pytest.raises(fm.InputError) as error:
        _ = series("a") + series("b", unit="%", calibre="like_for_like", freq="M", start="2020-01")
    assert len(error.value.problems) == 3
    assert "yearly and monthly" in str(error.value)


def test_a_coverage_that_is_not_stated_agrees() -> None:
    assert (series("a", coverage="local") + series("b")).coverage == "local"


def test_bare_numbers_have_no_unit() -> None:
    with pytest.raises(fm.InputError, match="has no unit"):
        _ = series() + 5  # type: ignore[operator]
    with pytest.raises(fm.InputError, match="is no unit"):
        _ = series() * series("b")  # type: ignore[operator]


def test_source_of() -> None:
    a = series()
    cited = replace(a, sources=pd.Series("决算报告", index=a.values.index))
    assert cited.source_of("2021") == "决算报告"
    with pytest.raises(fm.InputError, match="no value for 2021"):
        a.source_of("2021")
