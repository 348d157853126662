"""Rows of a tidy table on their way into a series: the firmest of a period, known units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from fiscalmodel.days import Heading
from fiscalmodel.errors import Collector, InputError
from fiscalmodel.series.types import CellRef
from fiscalmodel.tables.table import Table
from fiscalmodel.tables.unitlines import unit_word
from fiscalmodel.units import FEN_PER, money_unit

#: What counts first where a period has several versions; then by kind.
_VERSIONS = ("final_account", "execution", "adjusted_budget", "initial_budget")
_KINDS = ("actual", "estimate", "budget", "target")
#: Where a figure without a version stands among those that have one.
_WITHOUT = {"actual": 0.5, "estimate": 1.5, "budget": 4.0, "target": 5.0}


@dataclass(frozen=True)
class Point:
    """One value on its way into a series."""

    heading: Heading
    value: float
    cell: CellRef
    source: str = ""


def firmest(points: Sequence[Point]) -> tuple[list[Point], list[str]]:
    """One version a period, and a note for each period that has several.

    Outturn comes before execution, adjusted and initial budget. Rows of one
    version and kind are all kept: they contradict each other, and are refused later.
    """
    by_period: dict[pd.Period, list[Point]] = {}
    for point in points:
        by_period.setdefault(point.heading.period, []).append(point)
    dropped: set[int] = set()
    notes = []
    for when, group in by_period.items():
        ranks = sorted({_rank(p) for p in group})
        if len(ranks) == 1:
            continue
        dropped |= {id(p) for p in group if _rank(p) != ranks[0]}
        names = list(dict.fromkeys(_name(p) for p in sorted(group, key=_rank)))
        notes.append(f"{when}: {names[0]} 取代 replaces {', '.join(names[1:])}")
    return [p for p in points if id(p) not in dropped], notes


def _rank(point: Point) -> tuple[float, int]:
    kind, version = point.heading.kind, point.heading.version
    first = _VERSIONS.index(version) if version in _VERSIONS else _WITHOUT.get(kind, 9.0)
    return first, _KINDS.index(kind) if kind in _KINDS else len(_KINDS)


def _name(point: Point) -> str:
    return point.heading.version or point.heading.kind


def refuse_unknown_units(
    table: Table, column: str, rows: Sequence[int], texts: Sequence[str]
) -> None:
    """Words beside money, or with a sign of money in them, that are no unit known here.

    Raises
    ------
    InputError
        With every cell.
    """
    problems = Collector()
    used = {texts[i] for i in rows}
    for i in rows:
        text = texts[i]
        if not text or text in FEN_PER or unit_word(text):
            continue
        if used & set(FEN_PER) or set(text) & set("圆園円") or text[-1:] == "元":
            try:
                money_unit(text, where=table.where(table.frame.index[i], column))
            except InputError as error:
                problems.extend(error)
    problems.raise_if_any()
