"""Whose data a scenario names: made-up figures and those of another region do not pass unseen."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fiscalmodel.errors import InputError
from fiscalmodel.numerals import exact, parse, printed
from fiscalmodel.scenario.data import Place, is_series_key, references
from fiscalmodel.series import datapackage
from fiscalmodel.series.catalog import names as catalogue_names
from fiscalmodel.series.catalog import table_of
from fiscalmodel.series.templates import is_series_example
from fiscalmodel.tables.files import load
from fiscalmodel.tables.forms import NO_REGION, about
from fiscalmodel.tables.grid import Grid
from fiscalmodel.tables.records import read_records
from fiscalmodel.words import bare, headers_of

#: Stands in a cell of every made-up row.
MARK = "合成样本"
#: What tells a row of a made-up table where its mark was left behind: an id and its amount.
_TELLING = (
    ("contract_id", "principal_wan"), ("source_id", "cap_wan"), ("bond_code", "amount_wan"),
    ("receipt_id", "amount"),
)  # fmt: skip


#: What a title that only mentions a region is of: a source, a document.
_MENTION = re.compile(
    r"来源|出处|依据|根据|参[考照]|按照|印发|转发|通知|文号|[〔\[]20\d\d[〕\]]|^[注：]|说明[:：]"
)
_TITLE_ROWS, _TITLE = 20, 60
#: Parts of a county, and words of its own rows, which are no other county.
_PART = re.compile(r".*(?:镇|乡|街道|村|本级|财政局)|[省市县区州盟旗]级|[合总小]计|其他")
_END = re.compile(r"(?:自治[区州县旗]|[省市县区州盟旗])$")
#: A region that has regions inside, whose rows may be its parts.
_ABOVE = re.compile(r"(?:[省市州盟]|地区|自治区)$")


@dataclass(frozen=True)
class Origin:
    """What a scenario's data are: those that are made up, and others' by place and region."""

    synthetic: tuple[str, ...] = ()
    foreign: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Names:
    """What a region is called, and the other regions that the project knows."""

    own: tuple[str, ...]
    known: tuple[str, ...] = ()

    @classmethod
    def of(cls, own: Iterable[str], known: Iterable[str] = ()) -> Names:
        """With the last name of each: 江汉区 of 武汉市江汉区, 样本县 of 样本县（合成数据）.

        >>> Names.of(["武汉市江汉区"]).own, Names.of(["白桦县"]).is_own("白桦")
        (('武汉市江汉区', '江汉区'), True)
        """
        mine = dict.fromkeys(n for name in own for n in _called(name))
        others = dict.fromkeys(n for name in known for n in _called(name) if _END.search(n))
        return cls(tuple(mine), tuple(n for n in others if not any(n in m for m in mine)))

    def is_own(self, text: str) -> bool:
        """Whether a text names the region, in full, by its last name or without its rank."""
        stems = {stem for n in self.own if len(stem := _END.sub("", n)) > 1}
        return any(n in text for n in (*self.own, *stems))

    def other(self, text: str) -> str:
        """The other region that a title or a sheet's name is of; empty if none."""
        text = re.sub(r"\s", "", text)
        if not text or len(text) > _TITLE or _MENTION.search(text) or self.is_own(text):
            return ""
        known = next((name for name in self.known if name in text), "")
        return known or self.other_row(about([text], "").region)

    def other_row(self, text: str) -> str:
        """The other region that a row is of by its column of regions."""
        mine = not text or self.is_own(text) or any(text in name for name in self.own)
        return "" if mine or _PART.fullmatch(text) or NO_REGION.fullmatch(text) else text


def _called(name: str) -> Iterator[str]:
    bare_name = re.sub(r"[（(].*", "", name).strip()
    yield bare_name
    if last := re.fullmatch(r".+(?:[省市州盟]|地区)(.+[市县区旗])", bare_name):
        yield last[1]


@dataclass(frozen=True)
class _Told:
    """What a sheet says: of the own region, of another, and of another beside the own."""

    own: bool = False
    other: tuple[str, str] | None = None
    among: tuple[str, str] | None = None


def elsewhere(grids: Sequence[Grid], names: Names) -> dict[str, tuple[str, str]]:
    """Sheet -> cell that says so and the other region, of a file's sheets that are not the own's.

    A sheet says it by its column of regions, its title or its name; one that says nothing is
    of the one region that the file's other sheets name.
    """
    told = {grid.sheet: _told(grid, names) for grid in grids if not grid.broken}
    found = {sheet: t.other for sheet, t in told.items() if t.other}
    if len({name for _, name in found.values()}) == 1 and not any(t.own for t in told.values()):
        first = next(iter(found.values()))
        found |= {sheet: first for sheet in told if sheet not in found}
    return found | {sheet: t.among for sheet, t in told.items() if t.among}


def _told(grid: Grid, names: Names) -> _Told:
    header, titles = 0, [(grid.where, grid.sheet)]
    heads = {bare(h) for h in headers_of("region")}
    rows: list[tuple[str, str]] = []
    for r, line in enumerate(grid.rows[:_TITLE_ROWS]):
        filled = [(j, str(v).strip()) for j, v in enumerate(line) if str(v).strip()]
        if len(filled) > 2 or any(parse(v).kind == "number" for _, v in filled):
            header = r
            break
        titles += [(grid.place(r, j), text) for j, text in filled]
    column = [j for j, v in enumerate(grid.rows[header] if grid.rows else ()) if bare(v) in heads]
    for r, line in enumerate(grid.rows[header + 1 :], header + 1) if column else ():
        cells = [str(v).strip() for v in line]
        if len(cells) > column[0] and not any(c.startswith("示例") for c in cells):
            rows.append((grid.place(r, column[0]), cells[column[0]]))
    others = [(place, name) for place, text in rows if (name := names.other_row(text))]
    mine = any(text and names.is_own(text) for _, text in rows)
    if mine and others:
        inside = _ABOVE.search(names.own[0]) is not None
        return _Told(own=True, among=None if inside else others[0])
    if others and len({name for _, name in others}) == 1:
        return _Told(other=others[0])
    said = [(place, name) for place, text in titles if (name := names.other(text))]
    if mine or any(names.is_own(text) for _, text in titles) or (said and _names_own(grid, names)):
        return _Told(own=True)
    return _Told(other=said[0] if said else None)


def _names_own(grid: Grid, names: Names) -> bool:
    """Whether a cell is the region's name, as in a list of a city's counties."""
    return any(isinstance(v, str) and v.strip() in names.own for line in grid.rows for v in line)


def origin_of(
    data: Any, places: Mapping[str, Place], mine: Iterable[str], known: Iterable[str] = ()
) -> Origin:
    """Look at every series and file that a scenario names.

    Parameters
    ----------
    data
        The scenario's content.
    places
        Key -> place of what stands in files.
    mine
        Key and names of the scenario's region, as rows may print them.
    known
        Names of the project's other regions.
    """
    own, made_up = set(mine), dict[str, None]()
    foreign: dict[tuple[str, str], tuple[str, str]] = {}
    names = Names.of(own, known)
    catalogue = set(catalogue_names()) if (named := dict(references(data))) else set()
    for path, value in named.items():
        if ".".join(map(str, path)) in places or value not in catalogue:
            continue
        table = table_of(value)
        rows = datapackage.read_text(table)
        region = str(rows.loc[rows["series_id"].eq(value), "region"].iloc[0])
        if table.synthetic:
            made_up[value] = None
        if region not in own:
            foreign[value, region] = value, region
    copies = _made_up_rows() if places else set()
    others: dict[Path, dict[str, tuple[str, str]]] = {}
    for key, place in places.items():
        try:
            marked, sheet = _look(key, place, copies)
        except InputError:
            continue  # its reader says what is wrong
        if marked:
            made_up[marked] = None
        elif sheet is not None:
            if place.file not in others:
                others[place.file] = elsewhere(load(place.file), names)
            if other := others[place.file].get(sheet):
                foreign.setdefault((place.file.name, other[1]), other)  # once a file
    return Origin(tuple(made_up), tuple(foreign.values()))


def _look(key: str, place: Place, copies: set[tuple[str, Any]]) -> tuple[str, str | None]:
    """Where a file's first made-up row stands; the sheet that was read, None if it is too long."""
    if place.file.suffix.lower() == ".csv" and place.file.stat().st_size > 1_000_000:
        raw = place.file.read_bytes()
        found = any(MARK.encode(code) in raw for code in ("utf-8", "gb18030", "utf-16-le"))
        return (place.file.name if found else ""), None
    if is_series_key(key):
        for grid in load(place.file):
            if place.sheet in (None, grid.sheet):
                for r, line in enumerate(grid.rows):
                    for j, cell in enumerate(line):
                        if isinstance(cell, str) and MARK in cell:
                            return str(grid.place(r, j)), None
    records = read_records(place.table(), name=place.file.name)
    for row in records:
        cells = [printed(cell) for cell in row.cells.values() if cell is not None]
        if is_series_example(row.texts()):
            continue
        if any(MARK in cell for cell in cells) or copies & set(_telling(row.cells)):
            return row.where(), None
    return "", records.sheet


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
