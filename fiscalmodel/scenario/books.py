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
from fiscalmodel.errors import Collector, InputError, known_names
from fiscalmodel.folders import settled_files
from fiscalmodel.scenario.origin import Names, elsewhere
from fiscalmodel.series.assembly import Point, across_header, firmest
from fiscalmodel.series.templates import fields_of, known_headers, read
from fiscalmodel.tables.files import load
from fiscalmodel.tables.grid import Grid
from fiscalmodel.tables.readers import read_workbook
from fiscalmodel.tables.records import header_of
from fiscalmodel.tables.table import Table
from fiscalmodel.units import FEN_PER, convert
from fiscalmodel.words import (
    Text,
    headers_of,
    language,
    official,
    official_name,
    official_words,
    say,
)
from fiscalmodel.yamlio import load_yaml

#: Lists that are told by their headers.
LISTS = ("debt", "funding", "quotas", "bonds", "limits", "claims", "receipts", "payments")
#: Known headers of a sheet that make it a list, beside those that the list cannot do without.
_LEAST = 3

_KINDS = (("general", "一般"), ("special", "专项"))
#: Columns of a sheet that holds a series row by row.
_SERIES = ("indicator", "period", "value", "unit", "kind")
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


def read_books(
    paths: Sequence[str | Path],
    region: str,
    level: str | None = None,
    known: Iterable[str] = (),
) -> Books:
    """Everything that workbooks give a county.

    Parameters
    ----------
    paths
        Budget books, ledgers, lists: .xlsx, .xls, .xlsb, .ods, .et or .csv.
    region
        The county's name: its row is taken where a table lists regions.
    level
        ``whole`` area or ``own`` level, by any official word (全市, 本级 …); needed where the
        budget tables are of both.
    known
        Names of other regions that the project has.

    Raises
    ------
    InputError
        If a file cannot be opened, all of them at once; if the level must be chosen.
    """
    found, said, names = Collector(), list[Text](), Names.of([region], known)
    tables: list[Table] = []
    lists: dict[str, list[Row]] = {}
    for path in paths:
        try:
            grids = load(path)
        except InputError as error:
            found.extend(error)
            continue
        kinds, nearly = _lists_of(grids)
        others = elsewhere(grids, names)
        said += nearly
        for sheet, kind in kinds.items():
            said += _take(path, sheet, kind, lists)
        try:
            book = [t for t in read_workbook(path, strict=False) if t.sheet not in kinds]
        except InputError:
            book = []  # a file of lists alone
        tables += book
        for table in book:
            if table.form in _budget_forms() and (name := names.other_row(table.about.region)):
                others.setdefault(table.sheet, (table.place, name))
        read_from = (*kinds, *(t.sheet for t in book if t.form in _budget_forms()))
        read_others = {others[s][1]: others[s][0] for s in reversed(read_from) if s in others}
        for other, place in read_others.items():
            found.add(place, "scenario.other_region", name=region, other=other)
    found.raise_if_any()
    budgets, meant = _of_level([t for t in tables if t.form in _budget_forms()], level)
    series = {name: _series(budgets, asked) for name, asked in _schema()["series"].items()}
    owed = _debt_by_year(tables, region, meant, asked=level is not None)
    for kind, end, place in (("limits", "_limit_wan", "source"), ("guardrails", "_wan", "note")):
        rows = [row for year, points in owed.items() if (row := _row(year, points, end, place))]
        if rows and kind not in lists:
            lists[kind] = rows
            years = [row["year"] for row in rows]
            said.append(say("scenario.from.debt", name=say(f"scenario.sheet.{kind}"), years=years))
    if budgets:
        said.append(say("scenario.from.level", name=_level_name(meant)))
    return Books(series, lists, tuple(said))


def _schema() -> dict[str, Any]:
    return _wanted(settled_files("schema/books.yaml"))


# ---- lists ----


def _lists_of(grids: Sequence[Grid]) -> tuple[dict[str, str], list[Text]]:
    """Sheet -> kind of list that its headers make it; what is said of those that lack one."""
    found, said = {}, []
    for grid in grids:
        if grid.hidden or grid.broken:
            continue
        best, most, near = "", 0, ("", set[str](), 0)
        for kind in LISTS:
            fields = fields_of(kind)
            known = set(header_of(grid, known_headers(kind)))
            needed = {f.name for f in fields if f.required}
            if needed <= known and len(known) > max(most, _LEAST - 1):
                best, most = kind, len(known)
            if len(needed - known) == 1 and len(known) > max(near[2], _LEAST):
                near = kind, needed - known, len(known)
        if best:
            found[grid.sheet] = best
        elif near[0]:
            lacks = [headers_of(name)[1] for name in near[1]]
            name = say(f"scenario.sheet.{near[0]}")
            said.append(say("scenario.from.lacks", name=name, place=grid.where, columns=lacks))
        elif set(header_of(grid, _SERIES)) == set(_SERIES):
            said.append(say("scenario.from.series_left", place=grid.where))
    return found, said


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


def _budget_forms() -> set[str]:
    return {form for asked in _schema()["series"].values() for form in asked["forms"]}


def _of_level(budgets: list[Table], asked: str | None) -> tuple[list[Table], str]:
    """Budget tables of one level, and which it is.

    Raises
    ------
    InputError
        If there are tables of both and none is asked for, or none of the one that is.
    """
    wanted = None if asked is None else official("government_level", asked)
    if asked is not None and wanted is None:
        known = known_names(official_words("government_level", language()).values())
        raise InputError("level", "scenario.no_such_level", known, name=asked)
    sides: dict[str, list[Table]] = {}
    for table in budgets:
        sides.setdefault("own" if table.about.level == "own" else "whole", []).append(table)
    files = list(dict.fromkeys(t.file for t in budgets))
    if wanted is None and len(sides) > 1:
        raise InputError(", ".join(files), "scenario.which_level")
    level = wanted or next(iter(sides), "whole")
    if budgets and level not in sides:
        raise InputError(", ".join(files), "scenario.level_missing", name=_level_name(level))
    return sides.get(level, []), level


def _level_name(level: str) -> Text:
    return official_name("government_level", level)


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


def _debt_by_year(
    tables: Sequence[Table], region: str, level: str, *, asked: bool
) -> dict[int, dict[str, Point]]:
    """Year -> limits and balances of general and special debt by their columns.

    Of the level that is meant; where it was not asked for and there is none, of the other.
    """
    what = {k: [re.compile(e[x]) for x in ("is", "not")] for k, e in _schema()["debt"].items()}
    found: dict[str, dict[int, dict[str, Point]]] = {"own": {}, "whole": {}}
    for table in tables:
        for row, name in table.labels.items() if table.form in _schema()["debt_forms"] else ():
            side = _level_of(table, str(name).strip(), region)
            for column in table.numbers if side else ():
                text = f"{name}/{column}"
                ends = [end for end, (is_, no) in what.items()
                        if is_.search(text) and not no.search(text)]  # fmt: skip
                told = [k for k, zh in _KINDS if zh in text or table.form == f"debt_{k}_balance"]
                kinds = [f"{kind}_{end}_wan" for kind in told for end in ends]
                when = _debt_year(table, str(name), column, planned="limit" in ends)
                amount = _wan(table, row, column)
                if len(kinds) == 1 and when and amount == amount:
                    point = Point(when, amount, table.where(row, column))
                    found[side].setdefault(when.period.year, {}).setdefault(kinds[0], point)
    years = found[level] or (found["whole" if level == "own" else "own"] if not asked else {})
    return dict(sorted(years.items()))


def _row(year: int, points: dict[str, Point], end: str, place: str) -> Row:
    """The figures of a year whose columns end so, with their cells in `place`; empty if none."""
    kept = {column: point for column, point in points.items() if column.endswith(end)}
    cells = "; ".join(point.where for point in kept.values())
    return {"year": str(year), place: cells} | {c: p.value for c, p in kept.items()} if kept else {}


def _level_of(table: Table, name: str, region: str) -> str:
    """Whose debt a row is of: ``own``, ``whole``, or empty for another region's."""
    if "债" in name or (label(name).is_total and table.about.region in ("", region)):
        return "own" if table.about.level == "own" else "whole"
    if name == region:
        return "whole"
    mine = table.about.region in ("", region) or name.startswith(region)
    return "own" if mine and re.fullmatch(rf"(?:{region})?[省市县区州盟旗]?本级", name) else ""


def _debt_year(table: Table, name: str, column: str, *, planned: bool) -> Heading | None:
    """The year that a figure of debt is of: the row's own (2020年末), else the column's.

    The ministry's forms print limits under 预算数.
    """
    when = _when(table, column)
    own = re.findall(r"(?:19|20)\d\d(?=年)", name)
    if when is None or (own and (planned or when.kind == "actual")):
        when = _year_in(f"{name}/{column}" if when is None else name, table)
    return when if when is not None and when.kind == "actual" else None


def _year_in(text: str, table: Table) -> Heading | None:
    years = re.findall(r"(?:19|20)\d\d(?=年)", text) or [table.about.year]
    return heading(f"{years[0]}年") if len(set(years)) == 1 and years[0] else None
