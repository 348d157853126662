"""Properties of reconciliation: what ties is silent, what is changed is found with its cell."""

from __future__ import annotations

import os
from decimal import Decimal

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

import fiscalmodel as fm
from fiscalmodel.checks.printed import exactly, printed
from fiscalmodel.checks.slips import slip

N = 1000 if os.environ.get("FISCALMODEL_SOAK") == "1" else 200

amounts = st.integers(min_value=0, max_value=999_999)
columns = st.lists(amounts, min_size=2, max_size=8)


def table(values: list[int]) -> pd.DataFrame:
    names = [f"项目{chr(0x4E00 + i)}" for i in range(len(values))]
    rows = [*zip(names, values, strict=True), ("合计", sum(values))]
    return pd.DataFrame(rows, columns=["项目", "金额（万元）"])


@given(columns)
def test_a_table_that_ties_is_silent(values: list[int]) -> None:
    assert [f.rule for f in fm.reconcile(table(values)) if f.rule != "doubled_row"] == []


@given(columns, st.data())
def test_a_changed_amount_is_found_with_its_cell(values: list[int], data: st.DataObject) -> None:
    frame = table(values)
    row = data.draw(st.integers(0, len(values)))
    gap = data.draw(st.integers(1, 10**6))
    frame.iloc[row, 1] += gap
    found = [f for f in fm.reconcile(frame) if f.rule == "sum_total"]
    assert len(found) == 1
    assert abs(found[0].difference or 0) == gap
    assert f"B{row + 2}" in {cell.cell for cell in found[0].cells}
    rounding = gap <= (found[0].tolerance or 0)
    assert (found[0].severity == "note") == rounding


@given(columns)
def test_the_order_of_the_parts_does_not_matter(values: list[int]) -> None:
    frame = table(values)
    frame.iloc[-1, 1] += 10**7
    turned = pd.concat([frame.iloc[-2::-1], frame.iloc[-1:]], ignore_index=True)
    one, other = fm.reconcile(frame), fm.reconcile(turned)
    assert [(f.stated, f.computed) for f in one] == [(f.stated, f.computed) for f in other]


@given(st.decimals(min_value=0, max_value=10**9, places=2), st.integers(0, 2))
def test_a_figure_rounds_into_its_own_interval(value: Decimal, places: int) -> None:
    text = f"{round(value, places):f}"
    figure = printed(text)
    assert figure is not None
    assert figure.interval.meets(exactly(value))


@given(
    st.lists(st.decimals(min_value=1, max_value=10**6, places=3), min_size=1, max_size=10),
    st.integers(0, 2),
)
def test_rounded_parts_tie_with_their_rounded_total(parts: list[Decimal], places: int) -> None:
    figures = [printed(f"{round(part, places):f}") for part in parts]
    total = printed(f"{round(sum(parts), places):f}")
    assert total is not None
    added = exactly(0)
    for figure in figures:
        assert figure is not None
        added = added + figure.interval
    assert added.meets(total.interval)


@given(
    st.decimals(min_value=1, max_value=10**6, places=1),
    st.decimals(min_value=1, max_value=10**6, places=1),
)
def test_rounded_growth_ties_with_its_levels(old: Decimal, new: Decimal) -> None:
    rate = round((new / old - 1) * 100, 1)
    growth = (printed(str(new)).interval / printed(str(old)).interval).scaled(100, -100)  # type: ignore[union-attr]
    assert growth.meets(printed(str(rate)).interval)  # type: ignore[union-attr]


@given(st.integers(10, 10**8), st.data())
def test_a_slip_is_told_by_its_kind(value: int, data: st.DataObject) -> None:
    text = str(value)
    at = data.draw(st.integers(0, len(text) - 1))
    kind = data.draw(st.sampled_from(["changed", "dropped", "inserted", "swapped"]))
    digit = data.draw(st.sampled_from("123456789"))
    if kind == "changed":
        wrong = text[:at] + digit + text[at + 1 :]
    elif kind == "dropped":
        wrong = text[:at] + text[at + 1 :]
    elif kind == "inserted":
        wrong = text[:at] + digit + text[at:]
    else:
        wrong = text[:at] + text[at : at + 2][::-1] + text[at + 2 :]
    if wrong and int(wrong) != value and not wrong.startswith("0"):
        assert slip(Decimal(wrong), Decimal(value), 0) is not None


def test_digits_changed_at_random_in_a_table_with_two_sums() -> None:
    """Every digit of a table that is added up both ways is covered."""
    import random

    rng = random.Random(7)
    names = ["甲", "乙", "丙"]
    for _ in range(N):
        body = [[rng.randint(100, 99_999) for _ in range(3)] for _ in names]
        rows = [[name, sum(r), *r] for name, r in zip(names, body, strict=True)]
        rows.append(["合计", *(sum(row[c] for row in rows) for c in range(1, 5))])
        frame = pd.DataFrame(rows, columns=["单位", "合计", "工资", "公用", "项目"])
        assert fm.reconcile(frame) == []
        r, c = rng.randrange(4), rng.randrange(1, 5)
        text = str(frame.iloc[r, c])
        at = rng.randrange(len(text))
        new = rng.choice([d for d in "123456789" if d != text[at]])
        frame.iloc[r, c] = int(text[:at] + new + text[at + 1 :])
        found = fm.reconcile(frame)
        address = "ABCDE"[c] + str(r + 2)
        assert any(address in {cell.cell for cell in f.cells} for f in found)
