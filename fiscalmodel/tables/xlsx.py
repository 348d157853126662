"""xlsx and xlsb workbooks to grids: values by calamine, what their XML says of them.

calamine gives an empty text for a formula without a value and for an error (``#DIV/0!``),
and the bare ratio for a cell shown as percent. All three would change figures
silently, so the XML of xlsx is looked through for them.
"""

from __future__ import annotations

import html
import io
import re
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial

from fiscalmodel.errors import InputError
from fiscalmodel.tables import xlsb
from fiscalmodel.tables.grid import (
    BUILT_IN,
    ERROR_VALUE,
    MAX_COLUMNS,
    NO_VALUE,
    SCALED,
    Address,
    Formats,
    Grid,
    Marks,
)  # fmt: skip

#: Unpacked size at most, and cells at most in the rectangle of one sheet.
MAX_UNPACKED = 512 * 1024 * 1024
MAX_CELLS = 20_000_000


def sheets(package: Package) -> Iterator[tuple[Grid, Marks]]:
    """Every worksheet with what its formats and formulas tell.

    Raises
    ------
    InputError
        For a password, a damaged or over-large workbook.
    """
    from python_calamine import CalamineError, CalamineWorkbook, PasswordError, SheetVisibleEnum

    name = package.name
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(package.data))
        for meta in book.sheets_metadata:
            if str(meta.typ) != "SheetTypeEnum.WorkSheet":
                continue
            grid = Grid(name, meta.name, [], hidden=meta.visible != SheetVisibleEnum.Visible)
            try:
                marks = package.marks(meta.name)
                sheet = book.get_sheet_by_name(meta.name)
                if sheet.total_width > MAX_COLUMNS:
                    raise InputError(grid.where, "tables.too_wide", most=MAX_COLUMNS)
            except InputError as error:
                yield replace(grid, broken=error), Marks()
                continue
            except (struct.error, LookupError):
                raise InputError(name, "tables.damaged", part=meta.name) from None
            decimals = partial(package.decimals, package.paths.get(meta.name, ""))
            rows = sheet.to_python(skip_empty_area=False)
            merged = tuple(sheet.merged_cell_ranges or ())
            yield replace(grid, rows=rows, merged=merged, decimals=decimals), marks
    except PasswordError:
        raise InputError(name, "tables.password") from None
    except (CalamineError, ValueError, OSError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(name, "tables.damaged", part=str(error)) from None
    except BaseException as error:
        # A panic inside calamine is no Exception; the file is to blame, not the user.
        if type(error).__name__ == "PanicException":
            raise InputError(name, "tables.damaged", part="") from None
        raise


_FORMULA = re.compile(
    rb"<(?:\w+:)?c\b([^>]*)>\s*<(?:\w+:)?f\b(?:[^>]*/>|[^>]*>[^<]*</(?:\w+:)?f>)"
    rb"(\s*<(?:\w+:)?v>[^<]+<)?"
)
_REF = re.compile(rb'\br="([A-Z]{1,3})(\d{1,7})"')
_TYPE = re.compile(rb'\bt="(\w+)"')
_ROW = re.compile(rb'<(?:\w+:)?row\b[^>]*?\br="(\d+)"')
_HIDDEN_ROW = re.compile(rb'<(?:\w+:)?row\b(?=[^>]*?\bhidden="(?:1|true)")[^>]*?\br="(\d+)"')
_HIDDEN_COLUMN = re.compile(rb'<(?:\w+:)?col\b(?=[^>]*?\bhidden="(?:1|true)")[^>]*>')
#: More than 26 columns, or 100,000 rows: such a sheet is measured before it is unpacked.
_VAST = re.compile(rb'r="(?:[A-Z]{2}|[A-Z]?\d{6})')


class Package:
    """The parts of a zipped workbook, checked for size before they are unpacked."""

    def __init__(self, data: bytes, name: str) -> None:
        self.data, self.name = data, name
        try:
            self.archive = zipfile.ZipFile(io.BytesIO(data))
            members = self.archive.infolist()
        except (zipfile.BadZipFile, ValueError, OSError, EOFError, NotImplementedError):
            raise InputError(name, "tables.damaged", part="zip") from None
        unpacked = sum(member.file_size for member in members)
        if unpacked > MAX_UNPACKED or len(members) > 10_000:
            most = MAX_UNPACKED // 2**20
            raise InputError(name, "tables.unpacks_too_large", size=unpacked / 1e6, most=most)
        self.parts = {member.filename for member in members}
        self.binary = self.has("xl/workbook.bin")
        self.paths = self._sheet_paths()
        self.formats = self._formats()

    def has(self, part: str) -> bool:
        """Whether the workbook has a part."""
        return part in self.parts

    def read(self, part: str) -> bytes:
        """A part, unpacked to its declared size and checked by its sum."""
        try:
            return self.archive.read(part)
        except (zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError, ValueError):
            raise InputError(self.name, "tables.damaged", part=part) from None

    def _formats(self) -> Formats:
        part = "xl/styles.bin" if self.binary else "xl/styles.xml"
        if not self.has(part):
            return Formats.of([])
        return xlsb.formats(self.read(part)) if self.binary else _formats(self.read(part))

    def _sheet_paths(self) -> dict[str, str]:
        targets = {}
        book = "xl/workbook.bin" if self.binary else "xl/workbook.xml"
        if not self.has(book):
            return {}
        rels = f"xl/_rels/{book.removeprefix('xl/')}.rels"
        if self.has(rels):
            for tag in re.findall(rb"<(?:\w+:)?Relationship\b[^>]*>", self.read(rels)):
                key, target = _attribute(tag, b"Id"), _attribute(tag, b"Target")
                targets[key] = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
        if self.binary:
            keys = xlsb.sheet_ids(self.read(book))
            return {name: targets.get(key, "") for name, key in keys.items()}
        return {
            html.unescape(_attribute(tag, b"name")): targets.get(_attribute(tag, rb"\w+:id"), "")
            for tag in re.findall(rb"<(?:\w+:)?sheet\b[^>]*>", self.read("xl/workbook.xml"))
        }

    def marks(self, sheet: str) -> Marks:
        """Percent cells, cells whose value cannot be taken, hidden rows and columns."""
        found = Marks()
        part = self.paths.get(sheet, "")
        if not self.has(part):
            return found
        xml = self.read(part)
        if self.binary:
            return xlsb.marks(xml, self.formats)
        self._refuse_vast(xml, sheet)
        if b"<f" in xml or b":f" in xml:
            for attributes, stored in _FORMULA.findall(xml):
                if not stored and _TYPE.findall(attributes) != [b"str"]:
                    found.refused[_address(attributes)] = NO_VALUE
        if b't="e"' in xml:
            found.refused |= dict.fromkeys(_with_attribute(xml, b"t", ["e"]), ERROR_VALUE)
        scaled, percent, indents = self.formats.scaled, self.formats.percent, self.formats.indents
        for address, text in _with_attribute(xml, b"s", {*scaled, *percent, *indents}).items():
            style = int(text)
            if style in scaled:
                found.refused[address] = SCALED
            if style in percent:
                found.percents.add(address)
            if style in indents:
                found.indents[address] = indents[style]
        if b"hidden=" in xml:
            found.hidden_rows = {int(row) - 1 for row in _HIDDEN_ROW.findall(xml)}
            for tag in _HIDDEN_COLUMN.findall(xml):
                first, last = int(_attribute(tag, b"min")), int(_attribute(tag, b"max"))
                found.hidden_columns |= set(range(first - 1, min(last, MAX_COLUMNS)))
        return found

    def decimals(self, part: str) -> dict[Address, int]:
        """Decimals that number formats show, by the XML of a sheet."""
        if not self.has(part):
            return {}
        xml, places = self.read(part), self.formats.places
        if self.binary:
            return xlsb.marks(xml, self.formats).decimals
        return {at: places[int(s)] for at, s in _with_attribute(xml, b"s", places).items()}

    def _refuse_vast(self, xml: bytes, sheet: str) -> None:
        where = f"{self.name}[{sheet}]"
        if b" r='" in xml:
            raise InputError(where, "tables.unusual_xml")
        if not _VAST.search(xml):
            return
        rows = max((int(row) for row in _ROW.findall(xml)), default=0)
        columns = max((_column(letters) + 1 for letters, _ in _REF.findall(xml)), default=0)
        if rows * columns > MAX_CELLS:
            raise InputError(where, "tables.sheet_vast", rows=rows, columns=columns)


def _formats(xml: bytes) -> Formats:
    """Number format and indent of each cell style."""
    codes = {number.encode(): code for number, code in BUILT_IN.items()}
    for tag in re.findall(rb"<(?:\w+:)?numFmt\b[^>]*>", xml):
        code = html.unescape(_attribute(tag, b"formatCode"))
        codes[_attribute(tag, b"numFmtId").encode()] = code
    block = re.search(rb"<(?:\w+:)?cellXfs\b.*?</(?:\w+:)?cellXfs>", xml, re.DOTALL)
    styles = re.split(rb"(?=<(?:\w+:)?xf\b)", block[0] if block else b"")[1:]
    return Formats.of(
        [codes.get(_attribute(style, b"numFmtId").encode(), "") for style in styles],
        [int(_attribute(style, b"indent") or 0) for style in styles],
    )


def _attribute(tag: bytes, name: bytes) -> str:
    match = re.search(rb"\s" + name + rb"=(?:\"([^\"]*)\"|'([^']*)')", tag)
    return (match[1] or match[2] or b"").decode("utf-8", "replace") if match else ""


def _with_attribute(xml: bytes, name: bytes, values: Iterable[object]) -> dict[Address, bytes]:
    """Filled cells whose attribute has one of the values, with that value."""
    known = sorted(str(value).encode() for value in values)
    if not known:
        return {}
    one_of = rb'="(' + b"|".join(known) + rb')"'
    # As every office program writes it: the attribute directly after the address.
    cells = re.findall(rb'r="([A-Z]{1,3})(\d{1,7})" ' + name + one_of + rb"[^>]*?(/?)>", xml)
    if len(cells) < len(re.findall(b" " + name + one_of, xml)):
        cell = rb"<(?:\w+:)?c\s(?=[^>]*?\b" + name + one_of + rb')[^>]*?\br="([A-Z]{1,3})(\d{1,7})"'
        found = re.findall(cell + rb"[^>]*?(/?)>", xml)
        cells = [(letters, row, value, empty) for value, letters, row, empty in found]
    columns = {letters: _column(letters) for letters, *_ in cells}
    return {(int(row) - 1, columns[at]): value for at, row, value, empty in cells if not empty}


def _address(attributes: bytes) -> Address:
    ref = _REF.search(attributes)
    return (int(ref[2]) - 1, _column(ref[1])) if ref else (-1, -1)


def _column(letters: bytes) -> int:
    index = 0
    for letter in letters:
        index = index * 26 + letter - 64
    return index - 1
