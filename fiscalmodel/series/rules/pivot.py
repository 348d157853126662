"""Long tables of many periods to grids, so that columns can be added up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from fiscalmodel.series.rules.book import Fact, Grid
from fiscalmodel.series.rules.labels import label

#: Fewer periods or series than this show no relation between columns.
PERIODS, SERIES = 4, 3


def grids_of(facts: Iterable[Fact]) -> Iterator[Grid]:
    """One grid for each entity of a publication that has series over many periods."""
    groups: dict[tuple[str, str], dict[str, dict[tuple[int, str], Fact]]] = {}
    for fact in facts:
        if fact.figure is None or not fact.series or len(fact.years) != 1 or not fact.yuan:
            continue
        period = (fact.years[0], fact.month)
        series = groups.setdefault((fact.document, fact.entity), {})
        series.setdefault(fact.series, {}).setdefault(period, fact)
    for (document, entity), series in groups.items():
        long = {name: values for name, values in series.items() if len(values) >= PERIODS}
        if len(long) < SERIES:
            continue
        periods = sorted({p for values in long.values() for p in values})
        firsts = [next(iter(values.values())) for values in long.values()]
        yield Grid(
            name=entity,
            document=document,
            headers=[first.label for first in firsts],
            units=[first.unit for first in firsts],
            labels=[label(f"{year}-{month}".strip("-")) for year, month in periods],
            facts=[[values.get(p) for values in long.values()] for p in periods],
            marks=[""] * len(periods),
            indents=[0] * len(periods),
            periods=[(year, f"{year}-{month}" if month else str(year)) for year, month in periods],
        )
