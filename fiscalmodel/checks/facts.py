"""What the checks look at: printed labels taken apart, facts with their cells, tables as grids."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property, lru_cache
from operator import attrgetter

import numpy as np
import numpy.typing as npt

from fiscalmodel.checks.printed import Interval, Printed
from fiscalmodel.errors import Problem
from fiscalmodel.findings import CellRef
from fiscalmodel.units import FEN_PER

Floats = npt.NDArray[np.float64]

_ROW = re.compile(r"^第(\d+)行\s*")
#: One group a level.
_NUMBERING = re.compile(
    r"^(?:([一二三四五六七八九十]+、)|(\([一二三四五六七八九十]+\))|(\d{1,2}[.、](?!\d))|(\(\d{1,2}\)))\s*"
)
_CODE = re.compile(r"(?:\((\d{3,7})\)|\s([A-Z]\d{2,10})|\s*\(code illegible\))$")
_BRACKETS = re.compile(r"\([^()]*\)")
_OF_WHICH = re.compile(r"^其中[::]?\s*")
_SIGN = re.compile(r"^([减加])[::]\s*")
_LIKE = re.compile(r"同口径|可比口径|like[-_ ]for[-_ ]like")
_TOTAL = re.compile(r"^(?:合计|总计|共计|总和|总额|total)$|(?:合计|总计|总额|共计)$", re.IGNORECASE)
_SUBTOTAL = re.compile(r"小计$")


@dataclass(frozen=True, slots=True)
class Label:
    """What a printed label says.

    Attributes
    ----------
    core
        The name without numbering, prefix, code and brackets.
    prefix
        What stands before a colon: ``增值税`` in ``增值税:中央``.
    row
        The number in ``第3行 …``, else 0.
    code
        A budget code such as ``201`` in ``一般公共服务支出(201)``.
    of_which
        The label begins with 其中.
    like_for_like
        The label says 同口径.
    level
        Depth by its numbering (一、 is 1, （一） 2, 1. 3, (1) 4), 0 without.
    less
        The label begins with 减：, so the row is subtracted.
    """

    raw: str
    core: str
    prefix: str
    row: int
    code: str
    of_which: bool
    like_for_like: bool
    level: int
    less: bool = False

    @property
    def is_total(self) -> bool:
        """合计, 总计 and the like."""
        return bool(_TOTAL.search(self.core))

    @property
    def is_subtotal(self) -> bool:
        """小计."""
        return bool(_SUBTOTAL.search(self.core))


@lru_cache(maxsize=65536)
def label(raw: str) -> Label:
    """Take a printed label apart.

    >>> label("第3行 物业管理服务 C21").core, label("其中:返还性收入").of_which
    ('物业管理服务', True)
    >>> label("增值税:合计").prefix, label("一般公共服务支出(201)").code
    ('增值税', '201')
    """
    text = unicodedata.normalize("NFKC", raw).strip()
    begins: list[re.Match[str] | None] = []
    for pattern in (_ROW, _NUMBERING, _OF_WHICH, _SIGN):
        begins.append(found := pattern.match(text))
        text = text[found.end() :] if found else text
    row, number, of_which, sign = begins
    like, code = bool(_LIKE.search(text)), _CODE.search(text)
    text = _CODE.sub("", text).strip()
    before, _, after = text.partition(":")
    prefix, core = (before.strip(), after.strip()) if after.strip() else ("", text)
    return Label(
        raw=raw,
        core=_BRACKETS.sub("", core).replace(" ", "").strip(":、 ") or core,
        prefix=prefix,
        row=int(row[1]) if row else 0,
        code=(code[1] or code[2] or "") if code else "",
        of_which=bool(of_which),
        like_for_like=like,
        level=(number.lastindex or 0) if number else 0,
        less=bool(sign and sign[1] == "减"),
    )


def show(value: Decimal, digits: int | None = None) -> str:
    """A number with thousands separators, without needless zeros.

    >>> show(Decimal("1394700.00")), show(Decimal("8.394135"), 2)
    ('1,394,700', '8.39')
    """
    if digits is not None:
        return f"{round(value, digits):,f}"
    text = f"{value:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def years_of(text: str) -> tuple[int, ...]:
    """Every year from 1950 to 2099 in a text, in order.

    >>> years_of("2015-2019"), years_of("2024决算"), years_of("全年")
    ((2015, 2019), (2024,), ())
    """
    return tuple(int(y) for y in re.findall(r"(?<!\d)(19[5-9]\d|20\d\d)(?!\d{3})", text))


def same_name(name: str) -> str:
    """A name without words that one table prints and another leaves out.

    >>> same_name("预算绩效评价咨询服务") == same_name("预算绩效评价咨询")
    True
    """
    text = re.sub(r"^地方(?=一般公共)", "", name).removesuffix("测算")
    return re.sub(r"(?:服务|业务|工作|支出|经费|费用|费)$", "", text) or text


#: 元 in one unit of money; 分 is left out, since published tables mean points by it.
YUAN_PER = {unit: Decimal(fen) / 100 for unit, fen in FEN_PER.items() if unit not in "分角"}

RATE = re.compile(
    r"%|％|率|占比|比重|比例|增幅|增速|±|单价|均价|平均|^年度$|行次|序号|编码|代码|_g$|_pct$|rate|growth|share"
)
MONTHLY = re.compile(r"\d{4}-\d\d")

#: Units that count things: printed in full, never rounded.
COUNTS = frozenset("个人户家项类份次本辆分栋套台块件名所年") | {"人次"}
#: Bounds of a target: no level, no item.
BOUNDS = frozenset({"floor", "ceiling"})
#: Figures that were planned, not measured.
PLANNED = frozenset({"budget", "target", "forecast"})


@dataclass(frozen=True, slots=True, eq=False)
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
    #: Version of a row of an account: final_account, initial_budget ...
    version: str = ""
    calibre: str = ""
    note: str = ""
    key: str = ""
    #: The programme that a row of a list belongs to.
    project: str = ""
    #: The numbered row or subtotal of its list that it stands under.
    under: str = ""
    #: Name of the series it belongs to, and of the series that a rate is about.
    series: str = ""
    of_series: str = ""
    #: What the figure measures where a column says so: growth, mean_growth, share ...
    measure: str = ""
    #: It stands in a table as printed; the checks of those look at its row and column.
    in_grid: bool = False
    #: A published remark that the figure has another scope than its neighbours.
    flag: str = ""

    @property
    def where(self) -> str:
        """Cell and label, as a reader finds it."""
        key = f" (id {self.key})" if self.key else ""
        return f"{self.cell}{key} {self.label.raw}".strip()

    @property
    def name(self) -> str:
        """The label as printed."""
        return self.label.raw.strip()

    @property
    def place(self) -> str:
        """Whose figure it is, unless its label says so."""
        return f"{self.entity} " if self.entity and self.entity not in self.label.raw else ""

    @property
    def shown(self) -> str:
        """The figure for a sentence; its text where it holds none."""
        return show(self.figure.value) if self.figure else self.text

    @property
    def money(self) -> str:
        """The figure with its unit, for a sentence."""
        return f"{self.shown} {self.unit}".strip()

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
    def digits(self) -> int:
        """Printed digits after the point."""
        return self.figure.digits if self.figure else 0

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
    def form(self) -> str:
        """The last part of its table's name: the programme that a form is of."""
        return self.section.rpartition("/")[2]

    @property
    def month(self) -> str:
        """The month of a period such as 2024-02, else empty."""
        return self.period[5:7] if MONTHLY.fullmatch(self.period) else ""

    @property
    def like_for_like(self) -> bool:
        """Stated on another calibre than the levels as published."""
        changed = ("like", "refund", "同口径", "可比")
        return self.label.like_for_like or self.calibre.startswith(changed)

    @property
    def table(self) -> tuple[str, ...]:
        """Table, entity and period: what may be added up."""
        return (self.document, self.section, self.entity, self.year, self.period, self.version)

    def factor_to(self, other: Fact) -> Decimal | None:
        """What to multiply with to have it in the other's unit; None if they do not compare."""
        if self.unit == other.unit:
            return Decimal(1)
        mine, its = self.yuan, other.yuan
        return mine / its if mine and its else None

    def in_unit_of(self, other: Fact) -> Decimal:
        """The value in the other's unit; call where :meth:`factor_to` gives a factor."""
        return self.number * (self.factor_to(other) or 1)


@dataclass(frozen=True, eq=False)
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

    def is_rate(self, index: int) -> bool:
        """A column of percents, prices or means: nothing to add up."""
        return self.units[index] in ("%", "倍") or bool(RATE.search(self.headers[index].raw))

    def _floats(self, of: Callable[[Printed], Decimal], without: str | None = None) -> Floats:
        rows = [
            [float(of(f.figure)) if f and f.figure and f.unit != without else np.nan for f in row]
            for row in self.facts
        ]
        return np.array(rows, dtype=float).reshape(len(self.facts), len(self.headers))

    @cached_property
    def values(self) -> Floats:
        """The figures as floats, NaN where none is printed."""
        return self._floats(attrgetter("value"))

    @cached_property
    def halves(self) -> Floats:
        """Half a unit of the last digit of each figure."""
        return self._floats(attrgetter("half"))

    @cached_property
    def sums(self) -> Floats:
        """`values` without percents, which are never added."""
        return self._floats(attrgetter("value"), without="%")

    @cached_property
    def amounts(self) -> list[int]:
        """Columns that may be added up."""
        return [c for c in range(len(self.headers)) if not self.is_rate(c)]


def grouped(
    facts: Iterable[Fact], key: Callable[[Fact], Hashable | None]
) -> dict[Hashable, list[Fact]]:
    """Facts by a key, in order; those whose key is None are left out."""
    groups: dict[Hashable, list[Fact]] = defaultdict(list)
    for fact in facts:
        if (k := key(fact)) is not None:
            groups[k].append(fact)
    return groups


#: One publication, entity and year.
YEAR = ("document", "entity", "year")


def by(*names: str, when: Callable[[Fact], object] = bool) -> Callable[[Fact], Hashable | None]:
    """A key of the named attributes, for the facts with a figure that pass a test."""
    named = attrgetter(*names)
    return lambda f: named(f) if f.figure and when(f) else None


@dataclass(frozen=True)
class Book:
    """Everything that is checked together."""

    facts: tuple[Fact, ...]
    grids: tuple[Grid, ...]

    def group(self, key: Callable[[Fact], Hashable | None]) -> dict[Hashable, list[Fact]]:
        """All facts by a key."""
        return grouped(self.facts, key)

    @cached_property
    def listed(self) -> tuple[Fact, ...]:
        """Facts of tables that give one figure a row."""
        return tuple(fact for fact in self.facts if not fact.in_grid)

    @cached_property
    def tables(self) -> dict[Hashable, list[Fact]]:
        """Facts with a figure by table, year and period: what may be added up."""
        return self.group(by("table"))

    @cached_property
    def documents(self) -> dict[Hashable, list[Fact]]:
        """Facts with a figure by publication and entity."""
        return self.group(by("document", "entity"))

    @cached_property
    def levels(self) -> Levels:
        """Facts that are levels, by name and by series."""
        return Levels.of_facts(self.facts)


#: Names of one total in two tables of the department budget form.
ALIASES = {"财政拨款收入/支出合计": "收支总预算"}
_RANK = {"actual": 0, "estimate": 1, "forecast": 1, "budget": 2, "target": 3}
_PLACE = re.compile(r"^(?:全国|地方|全区|全县|全市)")

_Years = dict[tuple[int, str], Fact]


def base_name(core: str) -> str:
    """A name as levels are looked up: without 地方, 全国 and the like."""
    return _PLACE.sub("", ALIASES.get(core, core))


@dataclass(frozen=True)
class Levels:
    """Facts that are levels, by name or series, then by year and month."""

    by_name: dict[tuple[str, str, str], _Years]
    by_series: dict[str, _Years]

    @classmethod
    def of_facts(cls, facts: Iterable[Fact]) -> Levels:
        """Index the levels; of several kinds in a year the outturn is taken."""
        levels = cls(defaultdict(dict), defaultdict(dict))
        for fact in facts:
            if fact.figure is None or fact.unit in ("%", "倍") or fact.kind in (*BOUNDS, "rate"):
                continue
            if (not fact.unit and not fact.in_grid) or fact.measure in ("change", "score"):
                continue
            years = fact.years
            if len(years) != 1 or (fact.label.prefix and not fact.series):
                continue
            places = [levels.by_name[fact.document, fact.entity, base_name(fact.label.core)]]
            if fact.series:
                places.append(levels.by_series[fact.series])
            for place in places:
                held = place.setdefault((years[0], fact.month), fact)
                if _RANK.get(fact.kind, 1) < _RANK.get(held.kind, 1):
                    place[years[0], fact.month] = fact
        return levels

    def of(self, rate: Fact, name: str) -> _Years:
        """Levels that a rate is about: its series if it names one, else by its name."""
        if rate.of_series and rate.of_series in self.by_series:
            # Targets and outturns are separate series of one thing.
            target = self.by_series.get(f"{rate.of_series}.target", {})
            return {**target, **self.by_series[rate.of_series]}
        return self.by_name.get((rate.document, rate.entity, base_name(name)), {})


@dataclass(frozen=True, slots=True)
class Ratio:
    """One level to another: as printed, and every ratio that the printed digits allow."""

    new: Fact
    old: Fact
    value: Decimal
    interval: Interval

    @classmethod
    def of(cls, new: Fact | None, old: Fact | None) -> Ratio | None:
        """None if one is missing or they do not compare."""
        factor = new.factor_to(old) if new and old else None
        if new is None or old is None or factor is None or old.interval.lo <= 0 <= old.interval.hi:
            return None
        value = new.number * factor / old.number
        return cls(new, old, value, new.interval.scaled(factor) / old.interval)

    @classmethod
    def growth(cls, new: Fact | None, old: Fact | None) -> Ratio | None:
        """The same; of a negative base there is no growth."""
        ratio = cls.of(new, old)
        return ratio if ratio and ratio.old.number >= 0 else None
