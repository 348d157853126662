"""Workbooks to grids: values, and what their formats and formulas say of them.

xlsx and xlsb by calamine; xls and WPS's et by xlrd; ods from its XML. calamine gives
an empty text for a formula without a stored value and for an error such as ``#DIV/0!``,
and the bare ratio for a cell shown as percent. All three would change figures
silently, so the XML of xlsx is looked through for them.
"""

from __future__ import annotations

import html
import io
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from fiscalmodel.errors import InputError
from fiscalmodel.tables.files import MAX_COLUMNS, Address, Grid, column_letter
from fiscalmodel.words import say

#: Unpacked size at most, and cells at most in the rectangle of one sheet.
MAX_UNPACKED = 512 * 1024 * 1024
MAX_CELLS = 20_000_000

#: Why a cell's value cannot be taken.
NO_VALUE, ERROR_VALUE, SCALED = "tables.why.no_value", "tables.why.error_value", "tables.why.scaled"


@dataclass
class Marks:
    """What a file tells of a sheet's cells beside their values."""

    percents: set[Address] = field(default_factory=set)
    refused: dict[Address, str] = field(default_factory=dict)
    hidden_rows: set[int] = field(default_factory=set)
    hidden_columns: set[int] = field(default_factory=set)


def sheets(data: bytes, name: str) -> list[Grid]:
    """Every worksheet of a workbook given as bytes.

    Raises
    ------
    InputError
        For a password, a damaged or over-large workbook, or another kind of file.
    """
    if not data.startswith(b"PK"):
        if b"E\0n\0c\0r\0y\0p\0t\0e\0d\0P\0a\0c\0k\0a\0g\0e" in data:
            raise InputError(name, "tables.password")
        from fiscalmodel.tables.xls import sheets as older

        return [_shown(grid, marks) for grid, marks in older(data, name)]
    package = Package(data, name)
    if package.has("content.xml"):
        from fiscalmodel.tables.ods import sheets as open_document

        return [_shown(grid, marks) for grid, marks in open_document(package)]
    return [_shown(grid, marks) for grid, marks in _by_calamine(package)]


def _by_calamine(package: Package) -> Iterator[tuple[Grid, Marks]]:
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
            notes = () if package.paths else (say("tables.formats_unknown", where=grid.where),)
            decimals = package.decimals(meta.name)
            rows = sheet.to_python(skip_empty_area=False)
            merged = tuple(sheet.merged_cell_ranges or ())
            yield replace(grid, rows=rows, merged=merged, decimals=decimals, notes=notes), marks
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


def _shown(grid: Grid, marks: Marks) -> Grid:
    """A grid without what its hidden rows and columns hold, and with a note that says so.

    The text of a merged range that begins in hidden cells stands in its first visible one.
    """
    rows = grid.rows
    height, width = len(rows), max(map(len, rows), default=0)
    out_rows = {r for r in marks.hidden_rows if r < height}
    out_columns = {c for c in marks.hidden_columns if c < width}
    notes = list(grid.notes)
    merged: list[tuple[Address, Address]] = []
    for (r0, c0), (r1, c1) in grid.merged if out_rows or out_columns else ():
        r = next((r for r in range(r0, r1 + 1) if r not in out_rows), r0)
        c = next((c for c in range(c0, c1 + 1) if c not in out_columns), c0)
        if (r, c) != (r0, c0) and r < height and r0 < height and c0 < len(rows[r0]):
            rows[r] += [""] * (c + 1 - len(rows[r]))
            rows[r][c] = rows[r][c] or rows[r0][c0]
        merged.append(((r, c), (r1, c1)))
    filled_rows = sorted(r for r in out_rows if any(v != "" for v in rows[r]))
    filled_columns = [
        c for c in sorted(out_columns) if any(len(r) > c and r[c] != "" for r in rows)
    ]
    for r in out_rows:
        rows[r] = [""] * len(rows[r])
    for row in rows if out_columns else ():
        for c in out_columns:
            if c < len(row):
                row[c] = ""
    if filled_rows:
        text = _spans(filled_rows, lambda r: str(r + 1))
        notes.append(say("tables.hidden_rows", where=grid.where, rows=text))
    if filled_columns:
        text = _spans(filled_columns, column_letter)
        notes.append(say("tables.hidden_columns", where=grid.where, columns=text))
    gone = {a for a in (*marks.percents, *marks.refused) if a[0] in out_rows or a[1] in out_columns}
    return replace(
        grid,
        merged=tuple(merged) if out_rows or out_columns else grid.merged,
        percents=frozenset(marks.percents - gone),
        refused={a: why for a, why in marks.refused.items() if a not in gone},
        hidden_rows=frozenset(out_rows),
        hidden_columns=frozenset(out_columns),
        notes=tuple(notes),
    )


def _spans(numbers: list[int], name: Any) -> list[str]:
    """Runs of numbers as ``1-3``, ``7``."""
    spans: list[list[int]] = []
    for number in numbers:
        if spans and number == spans[-1][1] + 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    return [name(a) if a == b else f"{name(a)}-{name(b)}" for a, b in spans]


# ---- number formats ----


def is_percent(code: str) -> bool:
    """Whether a cell with this format shows its ratio as percent.

    >>> is_percent("0.00%"), is_percent('0.00"%"')
    (True, False)
    """
    return "%" in _bare(code)


def is_scaled(code: str) -> bool:
    """Whether the format shows the figure divided by 1,000 or 10,000.

    >>> is_scaled("#,##0.00"), is_scaled("0,"), is_scaled("0!.0,")
    (False, True, True)
    """
    bare = _bare(code)
    return bool(re.search(r"[0#?],+(?![0#?,])", bare) or re.search(r"0!\.", bare))


def decimals_of(code: str) -> int | None:
    """Decimals that a format shows; None where it shows as many as there are.

    >>> decimals_of("#,##0.00_ "), decimals_of("0"), decimals_of("General"), decimals_of("yyyy-m")
    (2, 0, None, None)
    """
    bare = _bare(code)
    found = re.fullmatch(r"[^0#?.]*[#0?, ]*[0?](?:\.(?P<d>0+))?[^0#?.]*", bare)
    if found is None or re.search(r"[ymdhs@]|General", bare, re.IGNORECASE):
        return None
    return len(found["d"] or "")


def _bare(code: str) -> str:
    """A format without quoted and escaped characters, colours and further sections."""
    return re.sub(r'"[^"]*"|\\.|_.|\*.|\[[^\]]*\]', "", code).split(";")[0]


# ---- xlsx ----

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
#: Formats that Excel gives by number alone.
_BUILT_IN = {b"1": "0", b"2": "0.00", b"3": "#,##0", b"4": "#,##0.00", b"9": "0%",
             b"10": "0.00%", b"37": "#,##0", b"38": "#,##0", b"39": "#,##0.00",
             b"40": "#,##0.00"}  # fmt: skip


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
        self.paths = self._sheet_paths() if self.has("xl/workbook.xml") else {}
        codes = _style_codes(self.read("xl/styles.xml")) if self.has("xl/styles.xml") else []
        self.styles = {str(i).encode(): code for i, code in enumerate(codes)}
        self.percent_styles = {i for i, code in self.styles.items() if is_percent(code)}
        self.scaled_styles = {
            i for i, code in self.styles.items() if i not in self.percent_styles and is_scaled(code)
        }

    def has(self, part: str) -> bool:
        """Whether the workbook has a part."""
        return part in self.parts

    def read(self, part: str) -> bytes:
        """A part, unpacked to its declared size and checked by its sum."""
        try:
            return self.archive.read(part)
        except (zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError, ValueError):
            raise InputError(self.name, "tables.damaged", part=part) from None

    def _sheet_paths(self) -> dict[str, str]:
        targets = {}
        rels = "xl/_rels/workbook.xml.rels"
        if self.has(rels):
            for tag in re.findall(rb"<(?:\w+:)?Relationship\b[^>]*>", self.read(rels)):
                key, target = _attribute(tag, b"Id"), _attribute(tag, b"Target")
                targets[key] = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
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
        if b"hidden=" in xml:
            found.hidden_rows = {int(row) - 1 for row in _HIDDEN_ROW.findall(xml)}
            for tag in _HIDDEN_COLUMN.findall(xml):
                first, last = int(_attribute(tag, b"min")), int(_attribute(tag, b"max"))
                found.hidden_columns |= set(range(first - 1, min(last, MAX_COLUMNS)))
        return found

    def decimals(self, sheet: str) -> Decimals:
        """Gives the decimals shown, once they are asked for."""
        shown = {i: decimals_of(code) for i, code in self.styles.items()}
        return Decimals(self, self.paths.get(sheet, ""), shown)

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


@dataclass(frozen=True)
class Decimals:
    """Decimals that number formats show, read from the sheet's XML when called."""

    package: Package
    part: str
    styles: dict[bytes, int | None]

    def __call__(self) -> dict[Address, int]:
        if not self.package.has(self.part):
            return {}
        xml = self.package.read(self.part)
        found: dict[Address, int] = {}
        for places in {p for p in self.styles.values() if p is not None}:
            styles = {i for i, p in self.styles.items() if p == places}
            found |= dict.fromkeys(_with_attribute(xml, b"s", styles), places)
        return found


def _style_codes(xml: bytes) -> list[str]:
    """Number format of each cell style."""
    codes = dict(_BUILT_IN)
    for tag in re.findall(rb"<(?:\w+:)?numFmt\b[^>]*>", xml):
        code = html.unescape(_attribute(tag, b"formatCode"))
        codes[_attribute(tag, b"numFmtId").encode()] = code
    block = re.search(rb"<(?:\w+:)?cellXfs\b.*?</(?:\w+:)?cellXfs>", xml, re.DOTALL)
    tags: Iterable[bytes] = re.findall(rb"<(?:\w+:)?xf\b[^>]*>", block[0] if block else b"")
    return [codes.get(_attribute(tag, b"numFmtId").encode(), "") for tag in tags]


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
