"""What may be reconciled, turned into a book: frames, files, tables, folders."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from fiscalmodel.errors import Collector, InputError
from fiscalmodel.series.rules.book import Book, Fact
from fiscalmodel.series.rules.pivot import grids_of
from fiscalmodel.series.rules.tidy import facts_of, is_tidy
from fiscalmodel.series.types import CellRef
from fiscalmodel.tables.table import Table

#: Files that a folder is searched for.
SUFFIXES = (".csv", ".xlsx", ".xls")


def book_of(source: Any) -> Book:
    """Everything in a source as one book.

    Raises
    ------
    InputError
        If nothing can be read from it; all problems of a folder at once.
    """
    book = Book()
    problems = Collector()
    for item in items_of(source):
        try:
            _add(book, item)
        except InputError as error:
            problems.extend(error)
    problems.raise_if_any()
    book.facts = _once(book.facts)
    book.grids.extend(grids_of(fact for fact in book.facts if not fact.in_grid))
    return book


def items_of(source: Any) -> Iterable[Any]:
    """Frames, tables and files in a source; folders and lists taken apart.

    Raises
    ------
    InputError
        If it is something else, is not there, or holds nothing.
    """
    if isinstance(source, (str, Path)):
        path = Path(source)
        if not path.exists():
            raise InputError(str(source), "no such file or folder", "give a CSV, Excel or folder")
        if path.is_dir():
            files = sorted(p for p in path.iterdir() if p.suffix.lower() in SUFFIXES)
            if not files:
                raise InputError(str(source), "the folder holds no CSV or Excel file", "")
            return files
        return [path]
    if isinstance(source, (pd.DataFrame, Table)):
        return [source]
    if isinstance(source, Iterable):
        return [one for item in source for one in items_of(item)]
    raise InputError(
        "reconcile",
        f"cannot read a {type(source).__name__}",
        "give a DataFrame, a Table, a file, a folder, or a list of them",
    )


def _add(book: Book, item: Any) -> None:
    if isinstance(item, pd.DataFrame):
        name = str(item.attrs.get("name", "table"))
        if is_tidy(list(item.columns)):
            book.facts.extend(facts_of(item, file=name))
        else:
            _add_table(book, Table.of(item, name=name))
    elif isinstance(item, Table):
        _add_table(book, item)
    else:
        _add_file(book, Path(item))


def _add_file(book: Book, path: Path) -> None:
    from fiscalmodel.tables.readers import read_workbook

    if path.suffix.lower() == ".csv":
        frame = long_csv(path)
        if frame is not None:
            book.facts.extend(facts_of(frame, file=path.name))
            return
    for table in read_workbook(path, strict=False):
        _add_table(book, table)


def long_csv(path: Path) -> pd.DataFrame | None:
    """A CSV that is a long table, all text; None if it is another kind of file."""
    try:
        with path.open(encoding="utf-8-sig") as file:
            header = file.readline(4096)
        if not is_tidy([name.strip().strip('"') for name in header.split(",")]):
            return None
        return pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (UnicodeDecodeError, ValueError):
        return None


def _add_table(book: Book, table: Table) -> None:
    from fiscalmodel.series.rules import wide
    from fiscalmodel.series.rules.derived import link_lags

    file = Path(table.file).name
    if is_tidy(list(table.frame.columns)):
        facts = facts_of(table.texts, file=file, sheet=table.sheet)
        book.facts.extend(_moved(facts, table))
        return
    grids, facts = wide.grids_of(table)
    grids += [turned for grid in grids if (turned := wide.by_year(grid)) is not None]
    for grid in grids:
        if grid.periods:
            link_lags(grid)
    book.grids.extend(grids)
    book.facts.extend(facts)


def _moved(facts: list[Fact], table: Table) -> list[Fact]:
    """Facts with the addresses that the table's cells really have."""
    first = table.cells.iloc[0] if len(table) else None
    if first is None:
        return facts
    from fiscalmodel.tables.grid import column_letter

    columns = {column_letter(j): c for j, c in enumerate(table.frame.columns)}
    moved = []
    for fact in facts:
        letters = fact.cell.cell.rstrip("0123456789")
        row = int(fact.cell.cell[len(letters) :]) - 2
        address = str(table.cells.iloc[row][columns[letters]])
        moved.append(replace(fact, cell=CellRef(fact.cell.file, fact.cell.sheet, address)))
    return moved


def _once(facts: list[Fact]) -> list[Fact]:
    """A figure that two files of a folder carry over from one publication counts once."""
    seen: dict[tuple[str, ...], str] = {}
    kept = []
    for fact in facts:
        if fact.key:
            key = (fact.document, fact.key, fact.label.raw, fact.unit, fact.text)
            other = seen.setdefault(key, fact.cell.file)
            if other != fact.cell.file:
                continue
        kept.append(fact)
    return kept
