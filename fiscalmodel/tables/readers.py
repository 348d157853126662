"""Published CSV and Excel files to tables; every value remembers its file, sheet and cell.

Nothing is repaired. What is guessed safely (an encoding, a unit from the title)
is said in the table's notes; what cannot be read is refused with its place.
"""

from __future__ import annotations

from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path

from fiscalmodel.errors import Collector, InputError
from fiscalmodel.tables.build import build_table
from fiscalmodel.tables.files import load
from fiscalmodel.tables.headers import layouts
from fiscalmodel.tables.rows import Rows
from fiscalmodel.tables.table import Table
from fiscalmodel.units import money_unit


def read_table(
    path: str | Path,
    *,
    sheet: str | None = None,
    unit: str | None = None,
    table: str | int | None = None,
    strict: bool = True,
) -> Table:
    """The table of a CSV or Excel file.

    Parameters
    ----------
    path
        CSV (UTF-8, with or without BOM, GB18030, UTF-16 with BOM), xlsx or xls.
    sheet
        Name of the worksheet; needed if several hold figures.
    unit
        Unit of the amounts, if the table states none. Another unit than the
        stated one is refused.
    table
        Number (from 1) or name of the table, if the sheet holds several.
    strict
        If False, cells that cannot be read are missing and listed in
        ``Table.problems`` instead of being raised.

    Returns
    -------
    Table
        Values in the unit that the table states.

    Raises
    ------
    InputError
        For a file, header, unit or cell that cannot be read, all cells at once;
        if there is no table, or more than one to choose from.
    """
    found = _tables(path, sheet=sheet, unit=unit, strict=strict)
    return _choose(found, table, Path(path).name, sheet)


def read_workbook(path: str | Path, *, unit: str | None = None, strict: bool = True) -> list[Table]:
    """Every table of a file, sheet by sheet from top to bottom; hidden sheets left out.

    Parameters and errors are those of `read_table`; a file without any table is an error.
    """
    found = _tables(path, sheet=None, unit=unit, strict=strict)
    if not found:
        raise _no_table(Path(path).name)
    return found


def _tables(path: str | Path, *, sheet: str | None, unit: str | None, strict: bool) -> list[Table]:
    asked = unit if unit in (None, "%") else money_unit(unit)
    grids = load(path)
    name = Path(path).name
    if sheet is not None:
        names = [g.sheet for g in grids]
        if sheet not in names:
            near = get_close_matches(sheet, names, n=1, cutoff=0.3)
            hint = f"did you mean {near[0]!r}? " if near else ""
            known = "、".join(n for n in names if n) or "a CSV file has no sheets"
            raise InputError(name, f"no sheet {sheet!r}", f"{hint}sheets: {known}")
        grids = [g for g in grids if g.sheet == sheet]
    problems = Collector()
    found: list[Table] = []
    skipped = tuple(
        f"hidden sheet {g.sheet!r} was left out" for g in grids if g.hidden and sheet is None
    )
    for grid in grids:
        if grid.hidden and sheet is None:
            continue
        try:
            rows = Rows(grid)
            for layout in layouts(rows):
                found.append(build_table(rows, layout, asked=asked, strict=strict, said=skipped))
        except InputError as error:
            problems.extend(error)
    problems.raise_if_any()
    return found


def _choose(found: list[Table], wanted: str | int | None, name: str, sheet: str | None) -> Table:
    if not found:
        raise _no_table(f"{name}[{sheet}]" if sheet else name)
    listed = "; ".join(
        f"{i}: {t.name!r} at {t.where(t.frame.index[0], t.frame.columns[0])}"
        if len(t)
        else f"{i}: {t.name!r}"
        for i, t in enumerate(found, 1)
    )
    if wanted is not None:
        picked = [
            t for i, t in enumerate(found, 1) if wanted in (i, t.name) or wanted == t.sheet != ""
        ]
        if len(picked) == 1:
            return picked[0]
        raise InputError(name, f"no single table {wanted!r}", f"tables: {listed}")
    if len(found) == 1:
        return found[0]
    with_figures = [t for t in found if t.numbers]
    if len(with_figures) == 1:
        kept = with_figures[0]
        note = f"read {kept.name!r}, the only table with figures in {name}"
        return replace(kept, notes=(*kept.notes, note))
    raise InputError(
        name,
        f"{len(found)} tables were found and none was named",
        f"give sheet= or table= (tables: {listed}), or use read_workbook",
    )


def _no_table(where: str) -> InputError:
    return InputError(
        where, "no table was found", "a table is a row of column names with figures below it"
    )
