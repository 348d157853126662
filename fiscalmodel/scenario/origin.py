"""Whose data a scenario names: made-up figures and those of another region do not pass unseen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fiscalmodel.errors import InputError
from fiscalmodel.numerals import exact, printed
from fiscalmodel.scenario.data import Place, is_series_key, references
from fiscalmodel.series import datapackage
from fiscalmodel.series.catalog import names as catalogue_names
from fiscalmodel.series.catalog import table_of
from fiscalmodel.series.templates import is_series_example
from fiscalmodel.tables.files import load
from fiscalmodel.tables.records import read_records

#: Stands in a cell of every made-up row.
MARK = "合成样本"
#: What tells a row of a made-up table where its mark was left behind: an id and its amount.
_TELLING = (
    ("contract_id", "principal_wan"), ("source_id", "cap_wan"), ("bond_code", "amount_wan"),
    ("receipt_id", "amount"),
)  # fmt: skip


@dataclass(frozen=True)
class Origin:
    """What a scenario's data are: those that are made up, and other regions' by region."""

    synthetic: tuple[str, ...] = ()
    foreign: tuple[tuple[str, str], ...] = ()


def origin_of(data: Any, places: Mapping[str, Place], mine: Iterable[str]) -> Origin:
    """Look at every series and file that a scenario names.

    Parameters
    ----------
    data
        The scenario's content.
    places
        Key -> place of what stands in files.
    mine
        Key and names of the scenario's region, as rows may print them.
    """
    own, made_up, foreign = set(mine), dict[str, None](), dict[tuple[str, str], None]()
    known = set(catalogue_names()) if (named := dict(references(data))) else set()
    for path, value in named.items():
        if ".".join(map(str, path)) in places or value not in known:
            continue
        table = table_of(value)
        rows = datapackage.read_text(table)
        region = str(rows.loc[rows["series_id"].eq(value), "region"].iloc[0])
        if table.synthetic:
            made_up[value] = None
        if region not in own:
            foreign[value, region] = None
    copies = _made_up_rows() if places else set()
    for key, place in places.items():
        try:
            marked, regions = _look(key, place, copies)
        except InputError:
            continue  # its reader says what is wrong
        if marked:
            made_up[marked] = None
        foreign |= {(str(place), region): None for region in regions - own}
    return Origin(tuple(made_up), tuple(foreign))


def _look(key: str, place: Place, copies: set[tuple[str, Any]]) -> tuple[str, set[str]]:
    """Where a file's first made-up row stands, and the regions that its rows name."""
    if place.file.suffix.lower() == ".csv" and place.file.stat().st_size > 1_000_000:
        raw = place.file.read_bytes()
        found = any(MARK.encode(code) in raw for code in ("utf-8", "gb18030", "utf-16-le"))
        return (place.file.name if found else ""), set()
    if is_series_key(key):
        for grid in load(place.file):
            if place.sheet in (None, grid.sheet):
                for r, line in enumerate(grid.rows):
                    for j, cell in enumerate(line):
                        if isinstance(cell, str) and MARK in cell:
                            return str(grid.place(r, j)), set()
    records = read_records(place.table(), name=place.file.name)
    regions: set[str] = set()
    for row in records:
        cells = [printed(cell) for cell in row.cells.values() if cell is not None]
        if is_series_example(row.texts()):
            continue
        if any(MARK in cell for cell in cells) or copies & set(_telling(row.cells)):
            return row.where(), regions
        if is_series_key(key) and (region := row.text("region")):
            regions.add(region)
    return "", regions


def _telling(cells: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, amount in _TELLING:
        if cells.get(key) is not None and cells.get(amount) is not None:
            yield printed(cells[key]).strip(), exact(cells[amount])


def _made_up_rows() -> set[tuple[str, Any]]:
    """Id and amount of every row of the project's made-up tables."""
    found: set[tuple[str, Any]] = set()
    for table in datapackage.resources().values():
        columns = set(table.columns())
        if table.synthetic and any(columns >= set(pair) for pair in _TELLING):
            for row in datapackage.read_text(table).to_dict("records"):
                found |= set(_telling({str(k): v for k, v in row.items()}))
    return found
