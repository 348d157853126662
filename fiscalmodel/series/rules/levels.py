"""Levels by name and year, for the rules that compare rates with them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal

from fiscalmodel.series.intervals_printed import Interval
from fiscalmodel.series.rules.book import Book, Fact

#: Names of one total in two tables of the department budget form.
ALIASES = {"财政拨款收入/支出合计": "收支总预算"}
_RANK = {"actual": 0, "estimate": 1, "forecast": 1, "budget": 2, "target": 3}
_BOUNDS = {"floor", "ceiling", "rate"}
_PLACE = re.compile(r"^(?:全国|地方|全区|全县|全市)")


def base_name(core: str) -> str:
    """A name as levels are looked up: without 地方, 全国 and the like."""
    return _PLACE.sub("", ALIASES.get(core, core))


@dataclass
class Levels:
    """Facts that are levels, by name or series, then by year and month."""

    by_name: dict[tuple[str, str, str], dict[tuple[int, str], Fact]] = field(default_factory=dict)
    by_series: dict[str, dict[tuple[int, str], Fact]] = field(default_factory=dict)

    def of(self, rate: Fact, name: str) -> dict[tuple[int, str], Fact]:
        """Levels that a rate is about: its series if it names one, else by its name."""
        if rate.of_series and rate.of_series in self.by_series:
            own = self.by_series[rate.of_series]
            # Targets and outturns are separate series of one thing.
            target = self.by_series.get(f"{rate.of_series}.target", {})
            return {**target, **own}
        return self.by_name.get((rate.document, rate.entity, base_name(name)), {})


def levels_of(book: Book) -> Levels:
    """Index the levels; of several kinds in a year the outturn is taken."""
    if "levels" not in book.memo:
        book.memo["levels"] = _index(book)
    found = book.memo["levels"]
    assert isinstance(found, Levels)
    return found


def _index(book: Book) -> Levels:
    levels = Levels()
    for fact in book.facts:
        if fact.figure is None or fact.unit in ("%", "倍") or fact.kind in _BOUNDS:
            continue
        if not fact.unit and not fact.in_grid:
            continue
        if fact.measure in ("change", "score"):
            continue
        years = fact.years
        if len(years) != 1 or (fact.label.prefix and not fact.series):
            continue
        key = (years[0], fact.month)
        name = (fact.document, fact.entity, base_name(fact.label.core))
        _keep(levels.by_name.setdefault(name, {}), key, fact)
        if fact.series:
            _keep(levels.by_series.setdefault(fact.series, {}), key, fact)
    return levels


def _keep(years: dict[tuple[int, str], Fact], key: tuple[int, str], fact: Fact) -> None:
    held = years.get(key)
    if held is None or _RANK.get(fact.kind, 1) < _RANK.get(held.kind, 1):
        years[key] = fact


def growth_pct(new: Fact, old: Fact) -> Interval | None:
    """Growth in percent, as an interval; None if the two do not compare."""
    ratio = ratio_of(new, old)
    return None if ratio is None else ratio.scaled(100, -100)


def ratio_of(new: Fact, old: Fact) -> Interval | None:
    """The ratio of two levels, as an interval."""
    factor = new.factor_to(old)
    if factor is None or old.interval.lo <= 0 <= old.interval.hi:
        return None
    return new.interval.scaled(factor) / old.interval


def point(new: Fact, old: Fact) -> Decimal:
    """The ratio of two levels as printed; call after :func:`ratio_of` gave one."""
    return new.number * (new.factor_to(old) or 1) / old.number
