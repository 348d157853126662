"""A table to one series: periods down a column, across the header, or months across years."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import pandas as pd

from fiscalmodel.days import Heading, bare_month, heading, period
from fiscalmodel.errors import Collector, InputError
from fiscalmodel.numerals import printed
from fiscalmodel.series.examples import example_rows
from fiscalmodel.series.firmest import Point, firmest, refuse_unknown_units
from fiscalmodel.series.types import Series
from fiscalmodel.tables import vocab
from fiscalmodel.tables.readers import read_table
from fiscalmodel.tables.table import Table
from fiscalmodel.units import FEN_PER, convert

#: Headers of the tidy series table, in both languages.
_TIDY = {"period": ("period", "期间", "期次", "时期"), "value": ("value", "数值", "金额数值")}
_EXTRAS = {
    "series_id": ("series_id", "序列编号", "series"),
    "unit": ("unit", "单位", "计量单位"),
    "kind": ("kind", "数据性质"),
    "source": ("source", "来源", "数据来源"),
    "region": ("region", "地区"),
    "indicator": ("indicator", "指标"),
    "budget_scope": ("budget_scope", "预算类别", "budget"),
    "coverage": ("coverage", "口径范围"),
    "calibre": ("calibre", "口径"),
    "version": ("version", "预算版本"),
}
#: What is meant where a file holds several series and none is named.
_USUAL = "一般公共预算收入"


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
    tidy = {k: _first(names, headers) for k, headers in (_TIDY | _EXTRAS).items()}
    if tidy["period"] and tidy["value"]:
        return _tidy(table, {k: v for k, v in tidy.items() if v}, column)
    months = {c: m for c in names if (m := bare_month(c)) is not None}
    across = {c: h for c in names if (h := _across(c)) is not None}
    down = _period_column(table)
    if len(months) >= 2 and down:
        return _months_across(table, months, down)
    if len(across) >= 2 or (across and not down):
        return _wide(table, across, column)
    if down:
        return _long(table, down, column)
    raise InputError(
        _at(table),
        "no periods were found, neither down a column nor across the header",
        "name them 2019, 2019年 or 2024年2月",
    )


def _across(name: str) -> Heading | None:
    """A header that is a period, or whose levels are: ``2024年/预算数``."""
    return heading(name) or heading(name.replace("/", "", 1))


def _tidy(table: Table, at: Mapping[str, str], wanted: str | None) -> Series:
    problems = Collector()
    texts = {key: _words(table, key, at[key], problems) for key in at if key != "value"}
    problems.raise_if_any()
    left_out = example_rows(table)
    rows, chosen = [i for i in range(len(table)) if i not in left_out], table.name
    if left_out:
        places = ", ".join(f"row {table.rows[i]}" for i in sorted(left_out))
        table = replace(table, notes=(*table.notes, f"the example in {places} was left out"))
    name = next((k for k in ("series_id", "indicator") if k in texts), None)
    if name is not None:
        listed = list(dict.fromkeys(texts[name][i] for i in rows if texts[name][i]))
        chosen, table = _choose(table, listed, wanted, "series")
        rows = [i for i in rows if texts[name][i] == chosen]
    same: dict[str, str] = {}
    if "unit" in at:
        refuse_unknown_units(table, at["unit"], rows, texts["unit"])
    for key in ("unit", "region", "indicator", "budget_scope", "coverage", "calibre"):
        values = sorted({texts[key][i] for i in rows} - {""}) if key in texts else []
        if len(values) > 1:
            raise InputError(
                _at(table),
                f"{chosen!r} mixes two {key}s: {values[0]} and {values[1]}",
                "split it into two series",
            )
        same[key] = values[0] if len(values) == 1 else ""
    points = []
    for i in rows:
        row, column = table.frame.index[i], at["period"]
        when = period(texts["period"][i])
        if when is None:
            bad = texts["period"][i]
            problems.add(table.where(row, column), f"{bad!r} is no period", "write 2019 or 2024-02")
            continue
        kind = texts["kind"][i] if "kind" in texts else ""
        source = texts["source"][i] if "source" in texts else ""
        version = texts["version"][i] if "version" in texts else ""
        value = _number(table, row, at["value"])
        cell = table.cell(row, at["value"])
        points.append(Point(Heading(when, kind or "actual", version), value, cell, source))
    problems.raise_if_any()
    points, replaced = firmest(points)
    table = replace(table, notes=(*table.notes, *replaced))
    versions = {p.heading.version for p in points}
    same["version"] = versions.pop() if len(versions) == 1 else ""
    unit = same.pop("unit", "") or table.unit_of(at["value"])
    return _assemble(table, str(chosen), points, unit, same)


def _words(table: Table, key: str, column: str, problems: Collector) -> list[str]:
    """Texts of a column; words of a drop-down list as their stored names."""
    texts = [str(v) if isinstance(v, str) else printed(v) for v in table.frame[column]]
    if key not in vocab.CHOICES:
        return texts
    found = []
    for row, text in zip(table.frame.index, texts, strict=True):
        code = vocab.code(key, text) if text else ""
        if code is None:
            known = "、".join(vocab.word(c) for c in vocab.CHOICES[key])
            problems.add(table.where(row, column), f"{text!r} is no {key}", f"one of {known}")
        found.append(code or "")
    return found


def _long(table: Table, down: str, wanted: str | None) -> Series:
    numbers = [c for c in table.numbers if c != down]
    if not numbers:
        raise InputError(_at(table), "no column of figures was found", "see the table's notes")
    name, table = _choose(table, numbers, wanted, "column")
    points = []
    for row, text in table.frame[down].items():
        when = heading(text)
        if when is None:
            continue  # 合计 and the like stand below the periods
        points.append(Point(when, _number(table, row, name), table.cell(row, name)))
    return _assemble(table, name, points, table.unit_of(name), {})


def _wide(table: Table, across: Mapping[str, Heading], wanted: str | None) -> Series:
    labels = table.labels
    rows = [r for r in labels.index if table.frame.loc[r, list(across)].notna().any()]
    keyed = {str(labels[r]).strip() or f"row {r + 1}": r for r in rows}
    if len(keyed) < len(rows):
        twice = next(t for t in keyed if list(labels[rows]).count(t) > 1)
        if wanted in (None, twice):
            raise InputError(_at(table), f"{twice!r} labels two rows", "make the labels differ")
    name, table = _choose(table, list(keyed), wanted, "row")
    row = keyed[name]
    points = [Point(h, _number(table, row, c), table.cell(row, c)) for c, h in across.items()]
    units = {table.unit_of(c) for c in across}
    unit = "%" if "%" in name or "增速" in name or name.endswith("率") else ""
    return _assemble(table, name, points, unit or (units.pop() if len(units) == 1 else ""), {})


def _months_across(table: Table, months: Mapping[str, int], down: str) -> Series:
    points = []
    for row, text in table.frame[down].items():
        year = period(text)
        if year is None or year.freqstr[0] != "Y":
            continue
        for c, m in months.items():
            when = pd.Period(year=year.year, month=m, freq="M")
            points.append(Point(Heading(when), _number(table, row, c), table.cell(row, c)))
    return _assemble(table, table.name, points, table.unit, {})


def _assemble(
    table: Table, name: str, points: list[Point], unit: str, more: Mapping[str, str]
) -> Series:
    freqs = {p.heading.period.freqstr[0] for p in points}
    if len(freqs) != 1:
        what = "no period" if not freqs else "years mixed with months or quarters"
        raise InputError(_at(table), f"{name!r} has {what}", "one series has one kind of period")
    problems = Collector()
    taken: dict[pd.Period, Point] = {}
    for point in points:
        when = point.heading.period
        if when in taken:
            problems.add(
                str(point.cell), f"{when} stands twice, also at {taken[when].cell}", "keep one"
            )
        taken.setdefault(when, point)
    problems.raise_if_any()
    ordered = [taken[when] for when in sorted(taken)]
    index = pd.PeriodIndex([p.heading.period for p in ordered])
    values = pd.Series([p.value for p in ordered], index=index, dtype=float, name=name)
    notes = list(table.notes)
    if [p.heading.period for p in points] != list(index):
        notes.append("periods were put in order")
    if not unit and values.notna().any():
        raise InputError(
            _at(table), f"no unit is stated for {name!r}", "give unit=, such as unit='万元'"
        )
    if unit in FEN_PER and unit != "万元":
        values = convert(values, unit, "万元")
        notes.append(f"converted from {unit} to 万元")
    versions = {p.heading.version for p in ordered if p.heading.kind == "actual"}
    version = more.get("version") or (versions.pop() if len(versions) == 1 else "")
    has_source = any(p.source for p in ordered)
    fields: dict[str, Any] = {k: v for k, v in more.items() if v and k != "version"}
    return Series(
        series_id=name,
        values=values,
        unit="万元" if unit in FEN_PER else unit,
        version=version,  # type: ignore[arg-type]
        kinds=pd.Series([p.heading.kind for p in ordered], index=index, dtype=object),
        sources=pd.Series([p.source for p in ordered], index=index) if has_source else None,
        cells={p.heading.period: p.cell for p in ordered},
        notes=tuple(dict.fromkeys(notes)),
        **fields,
    )


def _period_column(table: Table) -> str:
    """The first column that holds periods, or empty."""
    for column in table.frame.columns:
        texts = [t for t in table.frame[column] if t not in ("", None) and t == t]
        if texts and sum(heading(t) is not None for t in texts) >= max(1, 0.6 * len(texts)):
            return str(column)
    return ""


def _choose(table: Table, found: list[str], wanted: str | None, what: str) -> tuple[str, Table]:
    """The column, row or series to take; the table with a note if it was not asked for."""
    listed = "、".join(found[:20])
    if wanted is not None:
        if wanted in found:
            return wanted, table
        near = get_close_matches(wanted, found, n=1, cutoff=0.4)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise InputError(_at(table), f"no {what} {wanted!r}", f"{hint}there are: {listed}")
    if len(found) == 1:
        return found[0], table
    many = f"{len(found)} {what if what == 'series' else what + 's'}"
    if _USUAL in found:
        note = f"{_USUAL!r} was taken of {many}; column= names another"
        return _USUAL, replace(table, notes=(*table.notes, note))
    raise InputError(
        _at(table),
        f"{many} were found and none was named",
        f"column= one of {listed}",
    )


def _number(table: Table, row: Hashable, column: str) -> float:
    return float(table.frame[column].to_numpy()[table.frame.index.get_loc(row)])


def _first(names: list[str], headers: tuple[str, ...]) -> str:
    return next((n for n in names if vocab.bare(n) in headers), "")


def _at(table: Table) -> str:
    return f"{table.file}[{table.sheet}]" if table.sheet else table.file


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
        As in `read_table`.
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
    return table_to_series(read_table(path, sheet=sheet, unit=unit), column=column)
