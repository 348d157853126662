"""What a bureau's own workbooks give a new county: published series, debt limits, its lists.

Budget tables are told by their titles (``params/schema/forms.yaml``) and their rows by
``params/schema/books.yaml``; ledgers, sources, bonds and receipts by their headers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from fiscalmodel.checks.facts import label
from fiscalmodel.days import Heading, heading
from fiscalmodel.errors import Collector, InputError
from fiscalmodel.folders import settled_files
from fiscalmodel.series.assembly import Point, across_header, firmest
from fiscalmodel.series.templates import fields_of, headers_in, read
from fiscalmodel.tables.files import load
from fiscalmodel.tables.readers import read_workbook
from fiscalmodel.tables.records import header_of
from fiscalmodel.tables.table import Table
from fiscalmodel.units import FEN_PER, convert
from fiscalmodel.words import Text, say
from fiscalmodel.yamlio import load_yaml

#: Lists that are told by their headers.
LISTS = ("debt", "funding", "quotas", "bonds", "limits", "claims", "receipts", "payments")
#: Known headers of a sheet that make it a list, beside those that the list cannot do without.
_LEAST = 3

_KINDS = (("general", "一般"), ("special", "专项"))
Row = dict[str, str | float]


@dataclass(frozen=True)
class Books:
    """What workbooks give.

    Attributes
    ----------
    series
        Name -> year -> figure in 万元, with kind, version and cell; see ``books.yaml``.
    lists
        Kind of template -> its rows.
    said
        Which lists were taken from where, and what was recognised and could not be taken.
    """

    series: dict[str, dict[int, Point]] = field(default_factory=dict)
    lists: dict[str, list[Row]] = field(default_factory=dict)
    said: tuple[Text, ...] = ()

    @property
    def newest(self) -> int | None:
        """The newest year with an actual figure of revenue."""
        past = self.series.get("revenue", {}).items()
        return max((year for year, p in past if p.heading.kind == "actual"), default=None)

    def ahead(self, last: int) -> int:
        """How many years after `last` have a budgeted expenditure, without a gap."""
        return next(n for n in range(100) if last + 1 + n not in self.series.get("expenditure", {}))

    def told(self, name: str, years: Iterable[int]) -> list[Text]:
        """Which figures of a series were taken for some years, with their cells."""
        points = self.series.get(name, {})
        what = say(f"scenario.{'from' if name == 'revenue' else 'budget_row'}.{name}")
        taken = [
            say("scenario.from.year", year=year, value=points[year].value, where=points[year].where)
            for year in years
            if year in points
        ]
        return [say("scenario.from.series", name=what, years=Text.joined(taken))] if taken else []


@cache
def _wanted(files: tuple[Path, ...]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for file in files:
        data: Any = load_yaml(file)[0]
        found |= data
    return found


def read_books(paths: Sequence[str | Path], region: str) -> Books:
    """Everything that workbooks give a county.

    Parameters
    ----------
    paths
        Budget books, ledgers, lists: .xlsx, .xls, .xlsb, .ods, .et or .csv.
    region
        The county's name: its row is taken where a table lists regions.

    Raises
    ------
    InputError
        If a file cannot be opened; all of them at once.
    """
    found, said = Collector(), list[Text]()
    tables: list[Table] = []
    lists: dict[str, list[Row]] = {}
    for path in paths:
        try:
            kinds = _lists_of(path)
        except InputError as error:
            found.extend(error)
            continue
        for sheet, kind in kinds.items():
            said += _take(path, sheet, kind, lists)
        try:
            book = read_workbook(path, strict=False)
        except InputError:
            continue  # a file of lists alone
        tables += [table for table in book if table.sheet not in kinds]
    _refuse_others(tables, region, found)
    found.raise_if_any()
    tables, level = _one_level(tables)
    series = {name: _series(tables, asked) for name, asked in _schema()["series"].items()}
    limits = _limits(tables, region)
    if limits and "limits" not in lists:
        lists["limits"] = limits
        said.append(say("scenario.from.limits", years=[row["year"] for row in limits]))
    if level:
        said.append(level)
    return Books(series, lists, tuple(said))


def _schema() -> dict[str, Any]:
    return _wanted(settled_files("schema/books.yaml"))


# ---- lists ----


def _lists_of(path: str | Path) -> dict[str, str]:
    """Sheet -> kind of list that its headers make it."""
    found = {}
    for grid in load(path):
        if grid.hidden or grid.broken:
            continue
        best, most = "", 0
        for kind in LISTS:
            fields = fields_of(kind)
            known = set(header_of(grid, headers_in(fields)))
            needed = {f.name for f in fields if f.required}
            if needed <= known and len(known) > max(most, _LEAST - 1):
                best, most = kind, len(known)
        if best:
            found[grid.sheet] = best
    return found


def _take(path: str | Path, sheet: str, kind: str, lists: dict[str, list[Row]]) -> list[Text]:
    """The rows of a list into `lists`, and what is said of it."""
    place = f"{Path(path).name}[{sheet}]" if sheet else Path(path).name
    name = say(f"scenario.sheet.{kind}")
    try:
        frame = read(kind, {"file": path, "sheet": sheet} if sheet else path)
    except InputError as error:
        problems = [str(problem) for problem in error.problems[:5]]
        return [say("scenario.from.not_taken", name=name, place=place,
                    count=len(error.problems), problems=Text.joined(problems))]  # fmt: skip
    rows = [{str(k): _stored(v) for k, v in row.items()} for row in frame.to_dict("records")]
    if not rows or list(frame.attrs["notes"])[:1] == [say("series.example_only")]:
        return []
    lists.setdefault(kind, []).extend(rows)
    return [say("scenario.from.list", name=name, place=place, count=len(rows))]


def _stored(value: Any) -> str | float:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return value if value == value else ""
    return str(value)


# ---- published tables ----


def _refuse_others(tables: Sequence[Table], region: str, found: Collector) -> None:
    """Budget tables of another region."""
    others = {
        (t.file, t.about.region): None
        for t in tables
        if t.form in _budget_forms() and t.about.region
        if t.about.region not in region and region not in t.about.region
    }
    for file, other in others:
        found.add(file, "scenario.other_region", name=region, other=other)


def _budget_forms() -> set[str]:
    return {form for asked in _schema()["series"].values() for form in asked["forms"]}


def _one_level(tables: list[Table]) -> tuple[list[Table], Text | None]:
    """Tables of one level: of the whole region where there are such, else of its own level."""
    budgets = [t for t in tables if t.form in _budget_forms()]
    own = [t for t in budgets if t.about.level == "own"]
    if not own or len(own) == len(budgets):
        return tables, None
    kept = [t for t in tables if t.about.level != "own"]
    return kept, say("scenario.from.whole", count=len(own))


def _series(tables: Sequence[Table], asked: dict[str, Any]) -> dict[int, Point]:
    """Year -> the firmest figure of a row, in 万元; the first table that has it counts."""
    row_of = re.compile(asked["row"])
    for form in asked["forms"]:
        points: list[Point] = []
        for table in tables:
            if table.form == form and table.unit in FEN_PER:
                for row, name in table.labels.items():
                    if row_of.search(label(str(name)).core):
                        points += _points(table, row)
                        break
        if points:
            kept = firmest(points, {})
            return {p.heading.period.year: p for p in reversed(kept)}
    return {}


def _points(table: Table, row: Any) -> Iterator[Point]:
    """The figures of a row whose headers name a year."""
    for column in table.numbers:
        when, amount = _when(table, column), _wan(table, row, column)
        if when is not None and amount == amount:
            cell = table.cell(row, column)
            yield Point(when, amount, str(cell), cell)


def _wan(table: Table, row: Any, column: str) -> float:
    """A figure in 万元; not a number where nothing is printed, or no money."""
    unit, values = table.unit_of(column), table.frame[column].to_numpy(dtype=float)
    value = float(values[table.frame.index.get_loc(row)])
    return float(convert(value, unit, "万元")) if unit in FEN_PER else float("nan")


def _when(table: Table, column: str) -> Heading | None:
    """Year, kind and version of a column; 预算数 and 上年决算数 are of the table's year."""
    found, year = across_header(column), table.about.year
    if found is None and year is not None:
        last = column.startswith("上年")
        bare = column.removeprefix("上年").removeprefix("本年")
        found = heading(f"{year - last}年{bare}")
    return found if found is not None and found.period.freqstr[0] == "Y" else None


def _limits(tables: Sequence[Table], region: str) -> list[Row]:
    """Limits of general and special debt by year, where each stands once."""
    asked = _schema()["limits"]
    wanted, unwanted = re.compile(asked["is"]), re.compile(asked["not"])
    found: dict[int, dict[str, Point]] = {}
    for table in tables:
        for row, name in table.labels.items() if table.form in asked["forms"] else ():
            mine = table.about.region in ("", region) and label(str(name)).is_total
            if not ("债" in name or str(name).strip() == region or mine):
                continue  # another region's row
            for column in table.numbers:
                text = f"{name}/{column}"
                kinds = [k for k, zh in _KINDS if zh in text]
                when, amount = (
                    _when(table, column) or _year_in(text, table),
                    _wan(table, row, column),
                )
                meant = wanted.search(text) and not unwanted.search(text)
                if (
                    len(kinds) == 1
                    and when
                    and when.kind == "actual"
                    and meant
                    and amount == amount
                ):
                    point = Point(when, amount, table.where(row, column))
                    found.setdefault(when.period.year, {}).setdefault(kinds[0], point)
    return [
        {"year": str(year), "source": "; ".join(p.where for p in kinds.values())}
        | {f"{kind}_limit_wan": p.value for kind, p in kinds.items()}
        for year, kinds in sorted(found.items())
    ]


def _year_in(text: str, table: Table) -> Heading | None:
    years = re.findall(r"(?:19|20)\d\d(?=年)", text) or [table.about.year]
    return heading(f"{years[0]}年") if len(set(years)) == 1 and years[0] else None
