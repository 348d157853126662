"""Published CSV and Excel files to tables; every value remembers its file, sheet and cell.

Nothing is repaired. What is guessed safely (an encoding, a unit from the title)
is said in the table's notes; what cannot be read is refused with its place.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import pandas as pd

from fiscalmodel.display import Result
from fiscalmodel.errors import InputError
from fiscalmodel.tables.build import build_table
from fiscalmodel.tables.files import load, sheet_named
from fiscalmodel.tables.forms import forms, known_together
from fiscalmodel.tables.layout import NoHeader, Rows, layouts
from fiscalmodel.tables.table import Table
from fiscalmodel.units import money_unit
from fiscalmodel.words import Text, language, official_words, say

#: Sheets of words by their names: covers, contents, notes. Without a stated unit of money what
#: stands on them is no table.
_WORDS = re.compile(
    r"\s*(?:封\s*面|扉页|目\s*录|(?:编制|填[表报]|使用|名词|数据|有关)?(?:解释)?说\s*明|"
    r"cover|contents|notes?|read\s*me)\s*",
    re.IGNORECASE,
)


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


@dataclass(frozen=True)
class Unread:
    """A sheet that was not read, and why."""

    file: str
    sheet: str
    error: InputError


class Workbook(Result, list[Table]):
    """The tables of a file from first to last sheet; `unread` lists the sheets without.

    It shows itself as a list of what each table is.
    """

    def __init__(self, tables: Iterable[Table] = (), unread: tuple[Unread, ...] = ()) -> None:
        super().__init__(tables)
        self.unread = unread

    @property
    def answer(self) -> Text:
        """How many tables there are, and which sheets hold none."""
        without = [u.sheet or u.file for u in self.unread]
        said = say("tables.book_shown", count=len(self), known=sum(bool(t.form) for t in self))
        return said + say("tables.book_unread", sheets=without) if without else said

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row a table: sheet, title, form, region, level, year, version, unit, rows."""
        names = {form.id: form.name for form in forms()}
        levels = official_words("government_level", language())
        return pd.DataFrame(
            [
                {
                    "sheet": t.sheet, "name": t.name, "form": str(names.get(t.form, "")),
                    "region": t.about.region, "government_level": levels.get(t.about.level, ""),
                    "year": str(t.about.year or ""), "version": t.about.version,
                    "unit": t.unit, "rows": len(t),
                }
                for t in self
            ]
        )  # fmt: skip

    def __repr__(self) -> str:
        return str(self.answer)


def read_workbook(path: str | Path, *, unit: str | None = None, strict: bool = True) -> Workbook:
    """Every table of a file, sheet by sheet from top to bottom; hidden sheets left out.

    Parameters are those of `read_table`. A sheet that cannot be read does not refuse the
    others: it stands in ``.unread`` with its reason.

    Raises
    ------
    InputError
        If the file cannot be opened, or no sheet holds a table that can be read.
    """
    found = _tables(path, sheet=None, unit=unit, strict=strict)
    if not found:
        errors = [problem for u in found.unread for problem in u.error.problems]
        raise InputError.of(errors) if errors else InputError(Path(path).name, "tables.no_table")
    return found


def _tables(path: str | Path, *, sheet: str | None, unit: str | None, strict: bool) -> Workbook:
    asked = unit if unit in (None, "%") else money_unit(unit)
    found, unread = [], []
    grids = load(path)
    if sheet is not None:
        grids = [sheet_named(grids, sheet)]
    said = [say("tables.hidden_sheet", name=g.sheet) for g in grids if g.hidden and sheet is None]
    for grid in [g for g in grids if sheet is not None or not g.hidden]:
        try:
            if grid.broken:
                raise grid.broken
            rows, wordy = Rows(grid), sheet is None and _WORDS.fullmatch(grid.sheet)
            for layout in layouts(rows):
                if wordy and not layout.units:
                    raise NoHeader(grid.where, "tables.sheet_of_words")
                found.append(build_table(rows, layout, asked=asked, strict=strict, said=said))
        except InputError as error:
            unread.append(Unread(grid.file, grid.sheet, error))
    return Workbook(known_together(found), tuple(unread))


def _choose(book: Workbook, wanted: str | int | None, name: str, sheet: str | None) -> Table:
    # A sheet without any table, such as a cover, is passed over where another holds one.
    fatal = [u.error for u in book.unread if not (book and isinstance(u.error, NoHeader))]
    if fatal:
        raise InputError.of(problem for error in fatal for problem in error.problems)
    if not book:
        raise InputError(f"{name}[{sheet}]" if sheet else name, "tables.no_table")
    passed = [
        say("tables.passed_over", where=u.sheet, why=u.error.problems[0].said) for u in book.unread
    ]
    listed = [
        f"{i}: '{t.name}'" + (f" ({t.where(0, t.frame.columns[0])})" if len(t) else "")
        for i, t in enumerate(book, 1)
    ]
    kept: list[Table] = book
    if wanted is not None:
        named = (wanted in (i, t.name) or wanted == t.sheet != "" for i, t in enumerate(book, 1))
        kept = [t for t, of_name in zip(book, named, strict=True) if of_name]
        if len(kept) != 1:
            raise InputError(name, "tables.no_single_table", name=wanted, listed=listed)
    elif len(book) > 1:
        kept = [t for t in book if t.numbers]
        if len(kept) != 1:
            raise InputError(name, "tables.several_tables", count=len(book), listed=listed)
        passed.append(say("tables.only_with_figures", name=kept[0].name, file=name))
    return replace(kept[0], notes=(*kept[0].notes, *passed))
