"""What the rules look at: facts with their cells, and tables as grids of facts."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property

from fiscalmodel.errors import Problem
from fiscalmodel.series.intervals_printed import Interval, Printed
from fiscalmodel.series.rules.labels import Label, years_of
from fiscalmodel.series.types import CellRef
from fiscalmodel.units import FEN_PER

#: 元 in one unit of money; 分 is left out, since published tables mean points by it.
YUAN_PER = {unit: Decimal(fen) / 100 for unit, fen in FEN_PER.items() if unit not in "分角"}

RATE = re.compile(
    r"%|％|率|占比|比重|比例|增幅|增速|±|单价|均价|平均|年度$|行次|序号|编码|代码|_g$|_pct$|rate|growth|share"
)
MONTHLY = re.compile(r"\d{4}-\d\d")

#: Units that count things: printed in full, never rounded.
COUNTS = frozenset("个人户家项类份次本辆分栋套台块件名所年") | {"人次"}


@dataclass(slots=True, eq=False)
class Fact:
    """One printed cell with its context.

    `document` is the publication (file and source), `section` the table in it.
    `figure` is None for missing cells and for text; `text` is what is printed.
    """

    cell: CellRef
    label: Label
    text: str
    figure: Printed | None
    unit: str = ""
    document: str = ""
    section: str = ""
    entity: str = ""
    scope: str = ""
    year: str = ""
    period: str = ""
    kind: str = ""
    calibre: str = ""
    note: str = ""
    key: str = ""
    #: The programme that a row of a list belongs to.
    project: str = ""
    #: Name of the series it belongs to, and of the series that a rate is about.
    series: str = ""
    of_series: str = ""
    #: What the figure measures where a column says so: growth, mean_growth, share ...
    measure: str = ""
    #: It stands in a table as printed; the rules for those look at its row and column.
    in_grid: bool = False
    #: A published remark that the figure has another scope than its neighbours.
    flag: str = ""

    @property
    def where(self) -> str:
        """Cell and label, as a reader finds it."""
        key = f" (id {self.key})" if self.key else ""
        return f"{self.cell}{key} {self.label.raw}".strip()

    @property
    def yuan(self) -> Decimal | None:
        """元 in one of its unit, None if it is no money."""
        return YUAN_PER.get(self.unit)

    @property
    def number(self) -> Decimal:
        """The value; only for facts with a figure."""
        assert self.figure is not None
        return self.figure.value

    @property
    def interval(self) -> Interval:
        """The numbers that would be printed like this; only with a figure."""
        assert self.figure is not None
        return self.figure.interval

    @property
    def years(self) -> tuple[int, ...]:
        """The year, or the first and last of a span."""
        return years_of(self.year) or years_of(self.period)

    @property
    def month(self) -> str:
        """The month of a period such as 2024-02, else empty."""
        return self.period[5:7] if MONTHLY.fullmatch(self.period) else ""

    @property
    def like_for_like(self) -> bool:
        """Stated on another calibre than the levels as published."""
        changed = ("like", "refund", "同口径", "可比")
        return self.label.like_for_like or self.calibre.startswith(changed)

    def factor_to(self, other: Fact) -> Decimal | None:
        """What to multiply with to have it in the other's unit; None if they do not compare."""
        if self.unit == other.unit:
            return Decimal(1)
        mine, its = self.yuan, other.yuan
        return mine / its if mine and its else None


@dataclass(eq=False)
class Grid:
    """A table as printed; `facts[r][c]` is None where no figure stands.

    `labels[r]` names the row, `headers[c]` the column, `units[c]` its unit;
    `marks[r]` is total, subtotal, of_which or empty; `periods[r]` is set where
    the rows are the periods of one thing.
    """

    name: str
    document: str
    headers: list[Label]
    units: list[str]
    labels: list[Label]
    facts: list[list[Fact | None]]
    marks: list[str]
    indents: list[int]
    periods: list[tuple[int, str]] = field(default_factory=list)
    problems: tuple[Problem, ...] = ()

    def column(self, index: int) -> list[Fact | None]:
        """The facts of one column."""
        return [row[index] for row in self.facts]

    def is_rate(self, index: int) -> bool:
        """A column of percents, prices or means: nothing to add up."""
        return self.units[index] in ("%", "倍") or bool(RATE.search(self.headers[index].raw))


@dataclass
class Book:
    """Everything that is reconciled together."""

    facts: list[Fact] = field(default_factory=list)
    grids: list[Grid] = field(default_factory=list)
    #: Sums of each publication that tie to the last digit, and that need rounding, so far.
    exact: Counter[str] = field(default_factory=Counter)
    rounded: Counter[str] = field(default_factory=Counter)
    #: Checks that were made and tie, by the name of the rule.
    tied: Counter[str] = field(default_factory=Counter)
    #: Totals that tie, with the number of their parts.
    sums: list[tuple[Fact, int]] = field(default_factory=list)
    #: What several rules need, worked out once.
    memo: dict[str, object] = field(default_factory=dict)

    def group(
        self, key: Callable[[Fact], Hashable | None], facts: Iterable[Fact] | None = None
    ) -> dict[Hashable, list[Fact]]:
        """Facts by a key, in order; those whose key is None are left out."""
        groups: dict[Hashable, list[Fact]] = defaultdict(list)
        for fact in self.facts if facts is None else facts:
            k = key(fact)
            if k is not None:
                groups[k].append(fact)
        return groups

    @cached_property
    def tables(self) -> dict[Hashable, list[Fact]]:
        """Facts with a figure by table, year and period: what may be added up."""
        return self.group(
            lambda f: (f.document, f.section, f.entity, f.year, f.period) if f.figure else None
        )

    @cached_property
    def documents(self) -> dict[Hashable, list[Fact]]:
        """Facts with a figure by publication and entity."""
        return self.group(lambda f: (f.document, f.entity) if f.figure else None)
