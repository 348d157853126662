"""Nowcasts tax by tax that add up to the nowcast of the total."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from fiscalmodel.errors import Collector, InputError
from fiscalmodel.revenue.hierarchy import Reconciled, reconcile_total
from fiscalmodel.revenue.nowcast import Nowcast, nowcast_year


@dataclass(frozen=True)
class NowcastItems:
    """Items and total of a year under way.

    Attributes
    ----------
    table
        ``item, to_date, alone, mean, lo-80, ..., rest_of_year``; the items' means add up to
        the total's, which stands last. `alone` is what each said before they were reconciled.
    items, total
        The nowcasts, shifted to the reconciled means.
    reconciled
        How items and total were made to agree.
    notes
        What was done.
    """

    table: pd.DataFrame
    items: Mapping[str, Nowcast]
    total: Nowcast
    reconciled: Reconciled
    notes: tuple[str, ...]


def nowcast_items(
    cumulative: pd.DataFrame,
    *,
    total: str | None = None,
    budget: Mapping[str, float] | None = None,
    published_growth: Mapping[str, Any] | None = None,
    as_of: str | pd.Period | None = None,
    levels: Sequence[float] = (80, 95),
) -> NowcastItems:
    """Nowcast each item and the total, reconciled.

    Parameters
    ----------
    cumulative
        Year-to-date figures, months by items, one unit.
    total
        Column of the total; by default the items are added up, month by month, where all are
        published.
    budget
        Column -> full-year budget.
    published_growth
        Column -> published growth in percent, on months.

    Raises
    ------
    InputError
        As `nowcast_year`, with the column's name; items that do not end in one month; items
        that do not add up to a published total.

    Notes
    -----
    `reconcile_total` with the squared widths of the 80 % bands as variances: a restless item
    gives way more than a calm one. No item falls below its year to date where its months were
    never negative. Bands keep their widths around the new means, since errors of items are not
    independent and nothing measured would justify narrower ones.
    """
    frame, whole = _with_total(cumulative, total)
    found: dict[str, Nowcast] = {}
    problems = Collector()
    widths = tuple(sorted({80.0, *map(float, levels)}))
    for name in frame.columns:
        try:
            found[str(name)] = nowcast_year(
                frame[name],
                budget=(budget or {}).get(str(name)),
                published_growth=(published_growth or {}).get(str(name)),
                as_of=as_of,
                levels=widths,
            )
        except InputError as error:
            for problem in error.problems:
                problems.add(f"{name}: {problem.where}", problem.problem, problem.hint)
    problems.raise_if_any()
    _check_ends(found, whole, total is not None)
    sum_of = found.pop(whole)
    spread = {n: float(f.full_year["hi-80"] - f.full_year["lo-80"]) for n, f in found.items()}
    made = reconcile_total(
        {n: float(f.full_year["mean"]) for n, f in found.items()},
        float(sum_of.full_year["mean"]),
        item_spread=spread,
        # A finished year: what is left between items and total is rounding, the items stand.
        total_spread=float(sum_of.full_year["hi-80"] - sum_of.full_year["lo-80"]) or 1.0,
        floors={n: f.to_date for n, f in found.items() if float(f.rest_of_year.min()) >= 0},
    )
    items = {n: _moved(f, float(made.items[n]), levels) for n, f in found.items()}
    new_total = _moved(sum_of, made.total, levels)
    rows = [_row(n, items[n], f) for n, f in found.items()]
    rows.append(_row(whole, new_total, sum_of))
    said = dict.fromkeys(f"{n}: {note}" for n, f in found.items() for note in f.notes[:-1])
    notes = (
        *said,
        f"items and total differed by {made.gap:,.0f}; each gave way in proportion to the square "
        "of its 80 % band's width",
    )
    return NowcastItems(pd.DataFrame(rows), items, new_total, made, notes)


def _with_total(cumulative: Any, total: str | None) -> tuple[pd.DataFrame, str]:
    if not isinstance(cumulative, pd.DataFrame) or not len(cumulative.columns):
        raise InputError("cumulative", "is no table of items", "give months by items")
    if total is not None:
        if total not in cumulative.columns:
            known = "、".join(map(str, cumulative.columns))
            raise InputError("total", f"no column {total!r}", f"columns: {known}")
        if len(cumulative.columns) < 2:
            raise InputError("cumulative", "holds no item beside the total", "add the items")
        return cumulative, total
    name = "total"
    if name in cumulative.columns:
        raise InputError("cumulative", "has a column 'total'", "name it: total='total'")
    return cumulative.assign(**{name: cumulative.sum(axis=1, skipna=False)}), name


def _check_ends(found: Mapping[str, Nowcast], whole: str, given: bool) -> None:
    ends = {str(f.as_of) for f in found.values()}
    if len(ends) > 1:
        raise InputError(
            "cumulative", f"items end in different months: {', '.join(sorted(ends))}",
            "set as_of to a month that all have",
        )  # fmt: skip
    parts = sum(f.to_date for n, f in found.items() if n != whole)
    if given and abs(parts - found[whole].to_date) > 1e-3 * abs(found[whole].to_date):
        raise InputError(
            "cumulative",
            f"items add up to {parts:,.2f}, {whole} is {found[whole].to_date:,.2f}",
            "give every item, or an item for the rest",
        )


def _moved(found: Nowcast, mean: float, levels: Sequence[float]) -> Nowcast:
    """The nowcast around another mean, bands as wide as before (not below the floor)."""
    names = ["mean", *(f"{side}-{level:g}" for level in levels for side in ("lo", "hi"))]
    full = (found.full_year + (mean - float(found.full_year["mean"])))[names]
    if float(found.rest_of_year.min()) >= 0:
        full = full.clip(lower=found.to_date)
    rest = full - found.to_date
    from fiscalmodel.revenue.nowcast import _chance, _table

    chance = None if found.budget is None else _chance(found.budget, full, found.floor)
    return replace(
        found, full_year=full, rest_of_year=rest, table=_table(found.to_date, rest, full),
        probability_of_budget_pct=chance,
    )  # fmt: skip


def _row(name: str, made: Nowcast, before: Nowcast) -> dict[str, Any]:
    row: dict[str, Any] = {
        "item": name, "to_date": made.to_date, "alone": float(before.full_year["mean"]),
    }  # fmt: skip
    row.update({str(k): float(v) for k, v in made.full_year.items()})
    row["rest_of_year"] = float(made.rest_of_year["mean"])
    if made.probability_of_budget_pct is not None:
        row["probability_pct"] = made.probability_of_budget_pct
    return row
