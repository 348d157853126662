"""Rows to one series, wherever they come from: the data package, a tidy file, a published table.

Each row becomes a `Point`; `assemble` takes the firmest of each period, in order, in 万元.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from fiscalmodel.days import Heading, bare_month, heading, period
from fiscalmodel.errors import Collector, InputError, did_you_mean
from fiscalmodel.findings import CellRef
from fiscalmodel.numerals import exact, printed, why_no_number
from fiscalmodel.numerals import number as numeral
from fiscalmodel.series.datapackage import Resource
from fiscalmodel.series.templates import example_rows
from fiscalmodel.series.types import Series, term
from fiscalmodel.tables.files import once
from fiscalmodel.tables.readers import read_table
from fiscalmodel.tables.table import Table
from fiscalmodel.tables.unitlines import unit_word
from fiscalmodel.units import FEN_PER, convert, money_unit
from fiscalmodel.words import (
    Text,
    bare,
    headers_of,
    official,
    official_name,
    official_words,
    say,
)

#: Columns of the tidy series table that are read beside period and value.
_TIDY = (
    "period", "value", "series_id", "unit", "kind", "source", "region", "indicator",
    "budget_scope", "coverage", "calibre", "version", "scope_flag",
)  # fmt: skip
#: Columns whose words are official ones.
_CHOICES = ("kind", "version", "coverage", "calibre")
#: What a series has one of.
_SINGLE = ("unit", "region", "indicator", "budget_scope", "coverage", "calibre")
#: What is meant where a file holds several series and none is named.
_USUAL = "一般公共预算收入"
#: What counts first where a period has several versions; then by kind.
_VERSIONS = ("final_account", "execution", "adjusted_budget", "initial_budget")
_KINDS = ("actual", "estimate", "budget", "target")
#: Where a figure without a version stands among those that have one.
_WITHOUT = {"actual": 0.5, "estimate": 1.5, "budget": 4.0, "target": 5.0}
#: Figures under this flag are something else than their series, and load as missing.
_NOT_THE_SERIES = {"other_concept", "copy"}


@dataclass(frozen=True)
class Point:
    """One value on its way into a series, in the unit of its row; `where` names its period."""

    heading: Heading
    value: float
    where: str
    cell: CellRef | None = None
    source: str = ""


def read_series(
    path: str | Path,
    *,
    sheet: str | None = None,
    unit: str | None = None,
    column: str | None = None,
) -> Series:
    """One series of a file: periods down a column or across the header.

    Parameters
    ----------
    path, sheet, unit
        As in `fiscalmodel.tables.readers.read_table`.
    column
        Column (or row, or ``series_id``) to take, if there are several.

    Returns
    -------
    Series
        Money in 万元; each value with the cell that it came from.

    Raises
    ------
    InputError
        As `read_table`; also if periods or the choice are unclear, a period
        stands twice, or the unit is not stated.
    """

    def made() -> Series:
        return table_to_series(read_table(path, sheet=sheet, unit=unit), column=column)

    return once(made, path, "series", repr(sheet), repr(unit), repr(column)).copy()


def rows_to_series(
    name: str, rows: pd.DataFrame, table: Resource, *, one_calibre: bool = True
) -> Series:
    """One series from the rows of a table of the data package.

    Parameters
    ----------
    name
        Its name.
    rows
        Rows of `table` as text, indexed by their line in the file.
    one_calibre
        Whether a mixture of calibres or coverages is an error.

    Raises
    ------
    InputError
        With the line, for a bad figure or period, or for a mixture.
    """
    problems, points = Collector(), []
    notes: dict[Text, None] = {}
    for line, row in rows.iterrows():
        place = f"{table.shown}:{line}"
        when = _yearly_or_monthly(row["period"])
        value = exact(row["value"])
        if when is None:
            what = "series.covers_a_span" if "/" in row["period"] else "tables.not_a_period"
            problems.add(f"{place}, {name}", what, text=row["period"])
        if value is None and row["value"]:
            problems.add(f"{place}, value", "tables.not_a_number", text=row["value"])
        if when is None or (value is None and row["value"]):
            continue
        flag = row.get("scope_flag", "")
        if flag:
            notes[Text.of(f"{row['period']}: {row['note']}")] = None
        if flag in _NOT_THE_SERIES:
            notes[say("series.not_loaded", period=row["period"], text=row["printed"])] = None
            value = None
        points.append(
            Point(
                Heading(when, row["kind"], row.get("version", "")),
                float("nan") if value is None else float(value),
                f"{place}, period",
                source=f"{row['source']} [{place}]",
            )
        )
    problems.raise_if_any()
    for key in ("unit", *(("calibre", "coverage") if one_calibre else ())):
        _one(rows[key].unique() if key in rows else (), key, name, f"{table.shown}, {name}")
    if table.synthetic:
        notes[say("series.synthetic")] = None
    if "span" in rows and rows["span"].eq("year_to_date").any():
        notes[say("series.year_to_date")] = None
    first = rows.iloc[0]
    fields = {
        "region": first["region"],
        "indicator": first.get("indicator_zh", ""),
        "budget_scope": first.get("budget_scope", ""),
        "coverage": first.get("coverage", ""),
        "calibre": _only(rows, "calibre", notes),
        "version": _only(rows, "version", notes),
    }
    return assemble(name, points, first["unit"], where=table.shown, fields=fields, notes=notes)


def _one(words: Sequence[str], key: str, name: str, where: str) -> str:
    """The one word that a series has of a kind, or empty; several are refused."""
    if len(words) > 1:
        raise InputError(
            where, "series.mixes", name=name, column=term(key), first=words[0], second=words[1]
        )
    return words[0] if len(words) else ""


def _yearly_or_monthly(text: str) -> pd.Period | None:
    found = None if "/" in text else period(text)
    return found if found is not None and found.freqstr[0] in "YM" else None


def _only(rows: pd.DataFrame, column: str, notes: dict[Text, None]) -> str:
    """The one value of a column, or "" with a note where it varies."""
    cells = [cell for cell in rows.get(column, pd.Series(dtype=str)).unique() if cell]
    if len(cells) > 1:
        names = [official_name(column, c) if column in _CHOICES else c for c in cells]
        notes[say("series.varies", column=term(column), names=names)] = None
    return str(cells[0]) if len(cells) == 1 and rows[column].ne("").all() else ""


def table_to_series(table: Table, *, column: str | None = None) -> Series:
    """The series in a table.

    Parameters
    ----------
    table
        As read; see `fiscalmodel.tables.readers.read_table`.
    column
        Column, row label or ``series_id`` to take, if there are several.

    Raises
    ------
    InputError
        If there are no periods, several candidates, a period twice, years mixed
        with months, or an amount without a unit.
    """
    names = list(table.frame.columns)
    tidy = {key: found for key in _TIDY if (found := _header(names, key))}
    if "period" in tidy and "value" in tidy:
        return _tidy(table, tidy, column)
    months = {c: m for c in names if (m := bare_month(c)) is not None}
    across = {c: h for c in names if (h := across_header(c)) is not None}
    down = _period_column(table)
    if len(months) >= 2 and down:
        years = {row: period(text) for row, text in table.frame[down].items()}
        return _by_month(table, {
            (row, c): (year, m) for row, year in years.items() for c, m in months.items()
        }, down)  # fmt: skip
    lines = {row: m for row, text in table.labels.items() if (m := bare_month(text)) is not None}
    if len(lines) >= 2 and across:
        return _by_month(table, {
            (row, c): (h.period, m) for c, h in across.items() for row, m in lines.items()
        })  # fmt: skip
    if len(across) >= 2 or (across and not down):
        return _wide(table, across, column)
    if down:
        return _long(table, down, column)
    raise InputError(table.place, "series.no_periods")


def _header(names: Sequence[str], key: str) -> str:
    headers = {bare(h) for h in headers_of(key)}
    return next((n for n in names if bare(n) in headers), "")


def across_header(name: str) -> Heading | None:
    """A header that is a period, or whose levels are: ``2024年/预算数``, ``金额/2024年``.

    >>> across_header("2025年/调整预算数").version, across_header("金额/2024年").period
    ('adjusted_budget', Period('2024', 'Y-DEC'))
    """
    found = heading(name) or heading(name.replace("/", "", 1))
    if found is None and "/" in name:
        group, _, last = name.rpartition("/")
        found = heading(last) if heading(group) is None and not _other_kind(group) else None
    return found


def _other_kind(group: str) -> bool:
    """Whether the group above the years names something else than the amount itself."""
    return "%" in group or any(word in group for word in ("增", "率", "比重", "占比"))


def _tidy(table: Table, at: Mapping[str, str], wanted: str | None) -> Series:
    problems = Collector()
    texts = {key: _words(table, key, at[key], problems) for key in at if key != "value"}
    problems.raise_if_any()
    left_out = example_rows(table, at)
    rows, chosen = [i for i in range(len(table)) if i not in left_out], table.name
    notes: dict[Text, None] = {}
    if left_out:
        notes[say("series.example_left_out", rows=[table.rows[i] for i in sorted(left_out)])] = None
    name = next((k for k in ("series_id", "indicator") if k in texts), None)
    if name is not None:
        listed = list(dict.fromkeys(texts[name][i] for i in rows if texts[name][i]))
        chosen = _choose(table, listed, wanted, notes)
        rows = [i for i in rows if texts[name][i] == chosen]
    if "unit" in at:
        _refuse_unknown_units(table, at["unit"], rows, texts["unit"])
    same = {
        key: _one(sorted({texts[key][i] for i in rows} - {""}), key, chosen, table.place)
        for key in _SINGLE if key in texts
    }  # fmt: skip
    points = []
    for i in rows:
        row, text = table.frame.index[i], {key: texts[key][i] for key in texts}
        when = period(text["period"])
        if when is None:
            problems.add(table.where(row, at["period"]), "tables.not_a_period", text=text["period"])
            continue
        head = Heading(when, text.get("kind") or "actual", text.get("version", ""))
        point = _point(table, head, row, at["value"], text.get("source", ""), at["period"])
        other = text.get("scope_flag", "") in _NOT_THE_SERIES
        points.append(replace(point, value=float("nan")) if other else point)
    problems.raise_if_any()
    unit = same.pop("unit", "") or table.unit_of(at["value"])
    versions = {p.heading.version for p in firmest(points, {})}
    same["version"] = versions.pop() if len(versions) == 1 else ""
    return assemble(str(chosen), points, unit, where=table.place, fields=same,
                    notes=dict.fromkeys(table.notes) | notes)  # fmt: skip


def _words(table: Table, key: str, column: str, problems: Collector) -> list[str]:
    """Texts of a column; official words as their codes."""
    texts = [printed(v) for v in table.frame[column]]
    if key not in _CHOICES:
        return texts
    found = []
    for row, text in zip(table.frame.index, texts, strict=True):
        code = official(key, text) if text else ""
        if code is None:
            known = list(official_words(key).values())
            hint = say("ground.known", names=known)
            problems.add(table.where(row, column), "tables.unknown_word", hint, text=text)
        found.append(code or "")
    return found


def _long(table: Table, down: str, wanted: str | None) -> Series:
    numbers = [c for c in table.numbers if c != down]
    if not numbers:
        raise InputError(table.place, "series.no_figures")
    notes = dict.fromkeys(table.notes)
    name = _choose(table, numbers, wanted, notes)
    # 合计 and the like stand below the periods.
    points = [
        _point(table, when, row, name, named=down)
        for row, text in table.frame[down].items()
        if (when := heading(text)) is not None
    ]
    return assemble(name, points, table.unit_of(name), where=table.place, notes=notes)


def _wide(table: Table, across: Mapping[str, Heading], wanted: str | None) -> Series:
    labels = table.labels
    rows = [r for r in labels.index if table.frame.loc[r, list(across)].notna().any()]
    keyed = {str(labels[r]).strip() or f"row {r + 1}": r for r in rows}
    if len(keyed) < len(rows):
        twice = next(t for t in keyed if list(labels[rows]).count(t) > 1)
        if wanted in (None, twice):
            raise InputError(table.place, "series.labels_two_rows", text=twice)
    notes = dict.fromkeys(table.notes)
    name = _choose(table, list(keyed), wanted, notes)
    points = [_point(table, head, keyed[name], c) for c, head in across.items()]
    units = {table.unit_of(c) for c in across}
    unit = "%" if "%" in name or "增速" in name or name.endswith("率") else ""
    unit = unit or (units.pop() if len(units) == 1 else "")
    return assemble(name, points, unit, where=table.place, notes=notes)


def _by_month(
    table: Table, cells: Mapping[tuple[Hashable, str], tuple[pd.Period | None, int]],
    named: str = "",
) -> Series:  # fmt: skip
    """Months and years across each other: the year and month of each cell."""
    points = [
        _point(table, Heading(pd.Period(year=year.year, month=m, freq="M")), *at, named=named)
        for at, (year, m) in cells.items()
        if year is not None and year.freqstr[0] == "Y"
    ]
    return assemble(
        table.name, points, table.unit, where=table.place, notes=dict.fromkeys(table.notes)
    )


def _point(
    table: Table, head: Heading, row: Hashable, column: str, source: str = "", named: str = ""
) -> Point:
    """A value, and the cell that names its period (by default its own)."""
    value = table.frame[column].to_numpy()[table.frame.index.get_loc(row)]
    cell = table.cell(row, column)
    number = numeral(value)
    if number is None:
        raise InputError(cell, why_no_number(value), text=value, name=column)
    return Point(head, number, table.where(row, named or column), cell, source)


def assemble(
    name: str,
    points: Sequence[Point],
    unit: str,
    *,
    where: str,
    notes: Mapping[Text, None],
    fields: Mapping[str, str] | None = None,
) -> Series:
    """Points in order as a series: the firmest of each period, money in 万元.

    Raises
    ------
    InputError
        If periods of two lengths are mixed, one stands twice, or no unit is known.
    """
    freqs = {p.heading.period.freqstr[0] for p in points}
    if len(freqs) != 1:
        if not freqs:
            raise InputError(f"{where}, {name}", "series.no_periods")
        steps = [p.heading.period.freqstr[0] for p in points]
        odd = min(points, key=lambda p: steps.count(p.heading.period.freqstr[0]))
        when = odd.heading.period
        raise InputError(odd.where, "series.mixed_periods", name=name, period=when)
    said = dict(notes)
    kept = firmest(points, said)
    problems = Collector()
    taken: dict[pd.Period, Point] = {}
    for point in kept:
        when = point.heading.period
        first = taken.setdefault(when, point)
        if first is not point:
            problems.add(point.where, "series.twice", name=name, period=when, other=first.where)
    problems.raise_if_any()
    ordered = [taken[when] for when in sorted(taken)]
    if ordered != kept:
        said[say("series.put_in_order")] = None
    index = pd.PeriodIndex(sorted(taken), name="period")

    def column(what: str, of: Callable[[Point], Any], dtype: Any = object) -> pd.Series[Any]:
        made: pd.Series[Any] = pd.Series(list(map(of, ordered)), index, dtype, what)
        return made

    values = column(name, lambda p: p.value, float)
    if not unit and values.notna().any():
        raise InputError(where, "series.no_unit", name=name)
    if unit in FEN_PER and unit != "万元":
        values = convert(values, unit, "万元")
        if any(p.cell for p in ordered):
            said[say("series.to_wan", unit=unit)] = None
    given: dict[str, Any] = {k: v for k, v in (fields or {}).items() if k != "unit"}
    versions = {p.heading.version for p in ordered if p.heading.kind == "actual"}
    given["version"] = given.get("version") or (versions.pop() if len(versions) == 1 else "")
    if "calibre" in given and not given["calibre"] and any(p.cell for p in ordered):
        del given["calibre"]  # a file that states none is as published
    return Series(
        series_id=name,
        values=values,
        unit="万元" if unit in FEN_PER else unit,
        kinds=column("kind", lambda p: p.heading.kind),
        sources=column("source", lambda p: p.source) if any(p.source for p in ordered) else None,
        cells={p.heading.period: p.cell for p in ordered if p.cell is not None},
        notes=tuple(said),
        **given,
    )


def firmest(points: Sequence[Point], notes: dict[Text, None]) -> list[Point]:
    """One version a period, and a note for each period that has several.

    Outturn comes before execution, adjusted and initial budget. Rows of one
    version and kind are all kept: they contradict each other, and are refused later.
    """
    by_period: dict[pd.Period, list[Point]] = {}
    for point in points:
        by_period.setdefault(point.heading.period, []).append(point)
    dropped: set[int] = set()
    for when, group in by_period.items():
        ranks = sorted({_rank(p) for p in group})
        if len(ranks) > 1:
            dropped |= {id(p) for p in group if _rank(p) != ranks[0]}
            names = list(dict.fromkeys(_name(p) for p in sorted(group, key=_rank)))
            notes[say("series.replaces", period=when, name=names[0], others=names[1:])] = None
    return [p for p in points if id(p) not in dropped]


def _rank(point: Point) -> tuple[float, int]:
    kind, version = point.heading.kind, point.heading.version
    first = _VERSIONS.index(version) if version in _VERSIONS else _WITHOUT.get(kind, 9.0)
    return first, _KINDS.index(kind) if kind in _KINDS else len(_KINDS)


def _name(point: Point) -> Text:
    version, kind = point.heading.version, point.heading.kind
    words = official_words("version" if version else "kind")
    return Text(words.get(version or kind, version or kind), version or kind)


def _period_column(table: Table) -> str:
    """The first column that holds periods, or empty."""
    for column in table.frame.columns:
        texts = [t for t in table.frame[column] if t not in ("", None) and t == t]
        if texts and sum(heading(t) is not None for t in texts) >= max(1, 0.6 * len(texts)):
            return str(column)
    return ""


def _choose(table: Table, found: list[str], wanted: str | None, notes: dict[Text, None]) -> str:
    """The column, row or series to take; with a note if it was not asked for."""
    if wanted is not None:
        if wanted in found:
            return wanted
        near = did_you_mean(wanted, found, cutoff=0.4)
        raise InputError(table.place, "series.no_such", near, name=wanted, names=found[:20])
    if len(found) == 1:
        return found[0]
    if _USUAL in found:
        notes[say("series.usual_taken", name=_USUAL, count=len(found))] = None
        return _USUAL
    raise InputError(table.place, "series.none_named", count=len(found), names=found[:20])


def _refuse_unknown_units(
    table: Table, column: str, rows: Sequence[int], texts: Sequence[str]
) -> None:
    """Words beside money, or with a sign of money in them, that are no unit known here."""
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
