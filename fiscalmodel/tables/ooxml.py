"""What the XML of an xlsx file tells of its cells beside their values.

calamine gives an empty text for a formula without a stored value and for an
error such as ``#DIV/0!``, and the bare ratio for a cell shown as percent. All
three would change figures silently, so the XML is looked through for them.
"""

from __future__ import annotations

import html
import io
import re
import zipfile
import zlib

from fiscalmodel.errors import InputError
from fiscalmodel.tables.grid import (
    ERROR_VALUE,
    NO_VALUE,
    SAVE_AGAIN,
    SCALED,
    Address,
    Marks,
)
from fiscalmodel.tables.numfmt import is_percent, is_scaled

#: Unpacked size at most, and cells at most in the rectangle of one sheet.
MAX_UNPACKED = 512 * 1024 * 1024
MAX_CELLS = 20_000_000

_FORMULA = re.compile(
    rb"<(?:\w+:)?c\b([^>]*)>\s*<(?:\w+:)?f\b(?:[^>]*/>|[^>]*>[^<]*</(?:\w+:)?f>)"
    rb"(\s*<(?:\w+:)?v>[^<]+<)?"
)
_REF = re.compile(rb'\br="([A-Z]{1,3})(\d{1,7})"')
_TYPE = re.compile(rb'\bt="(\w+)"')
_ROW = re.compile(rb'<(?:\w+:)?row\b[^>]*?\br="(\d+)"')
#: More than 26 columns, or 100,000 rows: such a sheet is measured before it is unpacked.
_VAST = re.compile(rb'r="(?:[A-Z]{2}|[A-Z]?\d{6})')


class Package:
    """The parts of an xlsx file, checked for size before they are unpacked."""

    def __init__(self, archive: zipfile.ZipFile, name: str) -> None:
        self.archive = archive
        self.name = name
        parts = set(archive.namelist())
        self.paths = self._sheet_paths() if "xl/workbook.xml" in parts else {}
        styles = self._read("xl/styles.xml") if "xl/styles.xml" in parts else b""
        self.percent_styles, self.scaled_styles = _styles(styles)

    def _read(self, part: str) -> bytes:
        try:
            # Unpacks to the declared size and checks the sum, so a false size is caught.
            return self.archive.read(part)
        except (zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError, ValueError):
            raise InputError(self.name, f"the workbook is damaged ({part})", SAVE_AGAIN) from None

    def _sheet_paths(self) -> dict[str, str]:
        targets = {}
        rels = "xl/_rels/workbook.xml.rels"
        if rels in self.archive.namelist():
            for tag in re.findall(rb"<(?:\w+:)?Relationship\b[^>]*>", self._read(rels)):
                key, target = _attribute(tag, b"Id"), _attribute(tag, b"Target")
                targets[key] = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
        paths = {}
        for tag in re.findall(rb"<(?:\w+:)?sheet\b[^>]*>", self._read("xl/workbook.xml")):
            paths[html.unescape(_attribute(tag, b"name"))] = targets.get(
                _attribute(tag, rb"\w+:id"), ""
            )
        return paths

    def marks(self, sheet: str) -> Marks:
        """Percent cells, and cells whose value cannot be taken."""
        found = Marks()
        part = self.paths.get(sheet, "")
        if part not in self.archive.namelist():
            return found
        xml = self._read(part)
        self._refuse_vast(xml, sheet)
        if b"<f" in xml or b":f" in xml:
            for attributes, stored in _FORMULA.findall(xml):
                if not stored and _TYPE.findall(attributes) != [b"str"]:
                    found.refused[_address(attributes)] = NO_VALUE
        if b't="e"' in xml:
            for address in _with_attribute(xml, b"t", {b"e"}):
                found.refused[address] = ERROR_VALUE
        for address in _with_attribute(xml, b"s", self.scaled_styles):
            found.refused[address] = SCALED
        found.percents = set(_with_attribute(xml, b"s", self.percent_styles))
        return found

    def _refuse_vast(self, xml: bytes, sheet: str) -> None:
        if b" r='" in xml:
            raise InputError(
                f"{self.name}[{sheet}]", "the sheet is written in an unusual way", SAVE_AGAIN
            )
        if not _VAST.search(xml):
            return
        rows = max((int(row) for row in _ROW.findall(xml)), default=0)
        columns = max((_column(letters) + 1 for letters, _ in _REF.findall(xml)), default=0)
        if rows * columns > MAX_CELLS:
            raise InputError(
                f"{self.name}[{sheet}]",
                f"the sheet spans {rows:,} rows by {columns:,} columns",
                "delete the stray cells far right or below, or split the sheet",
            )


def open_package(data: bytes, name: str) -> Package:
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
        members = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError, EOFError, NotImplementedError):
        raise InputError(name, "the workbook is damaged or cut off", SAVE_AGAIN) from None
    unpacked = sum(member.file_size for member in members)
    if unpacked > MAX_UNPACKED or len(members) > 10_000:
        raise InputError(
            name,
            f"the workbook unpacks to {unpacked / 1e6:,.0f} MB, at most {MAX_UNPACKED // 2**20} MB"
            " are read",
            "keep the sheets that are needed",
        )
    return Package(archive, name)


def _styles(xml: bytes) -> tuple[set[bytes], set[bytes]]:
    """Indices of the cell styles shown as percent, and of those shown divided."""
    codes = {b"9": "0%", b"10": "0.00%"}
    for tag in re.findall(rb"<(?:\w+:)?numFmt\b[^>]*>", xml):
        codes[_attribute(tag, b"numFmtId").encode()] = _attribute(tag, b"formatCode")
    block = re.search(rb"<(?:\w+:)?cellXfs\b.*?</(?:\w+:)?cellXfs>", xml, re.DOTALL)
    percent, scaled = set(), set()
    for i, tag in enumerate(re.findall(rb"<(?:\w+:)?xf\b[^>]*>", block[0] if block else b"")):
        code = codes.get(_attribute(tag, b"numFmtId").encode(), "").replace("&quot;", '"')
        if is_percent(code):
            percent.add(str(i).encode())
        elif is_scaled(code):
            scaled.add(str(i).encode())
    return percent, scaled


def _attribute(tag: bytes, name: bytes) -> str:
    match = re.search(rb"\s" + name + rb"=(?:\"([^\"]*)\"|'([^']*)')", tag)
    return (match[1] or match[2] or b"").decode("utf-8", "replace") if match else ""


def _with_attribute(xml: bytes, name: bytes, values: set[bytes]) -> list[Address]:
    """Addresses of the filled cells whose attribute has one of the values."""
    if not values:
        return []
    one_of = rb'="(?:' + b"|".join(sorted(values)) + rb')"'
    # As every office program writes it: the attribute directly after the address.
    found = re.findall(rb'r="([A-Z]{1,3})(\d{1,7})" ' + name + one_of + rb"[^>]*?(/?)>", xml)
    if len(found) < sum(xml.count(b" " + name + b'="' + value + b'"') for value in values):
        cell = rb"<(?:\w+:)?c\s(?=[^>]*?\b" + name + one_of + rb")[^>]*?\b"
        found = re.findall(cell + rb'r="([A-Z]{1,3})(\d{1,7})"[^>]*?(/?)>', xml)
    columns = {letters: _column(letters) for letters, _, _ in found}
    return [(int(row) - 1, columns[letters]) for letters, row, empty in found if not empty]


def _address(attributes: bytes) -> Address:
    ref = _REF.search(attributes)
    return (int(ref[2]) - 1, _column(ref[1])) if ref else (-1, -1)


def _column(letters: bytes) -> int:
    index = 0
    for letter in letters:
        index = index * 26 + letter - 64
    return index - 1
