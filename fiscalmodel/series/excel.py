"""xlsx and xls to grids with calamine, and what calamine does not tell.

calamine gives an empty text for a formula without a stored value and for an
error such as ``#DIV/0!``, and the bare ratio for a cell shown as percent. All
three would change figures silently, so the sheet's XML is looked through for them.
"""

from __future__ import annotations

import io
import re
import zipfile

from fiscalmodel.errors import InputError
from fiscalmodel.series.grid import MAX_COLUMNS, SAVE_AGAIN, Address, Grid

#: Unpacked size at most, and cells at most in the rectangle of one sheet.
MAX_UNPACKED = 512 * 1024 * 1024
MAX_CELLS = 20_000_000

_FORMULA = re.compile(
    rb"<(?:\w+:)?c\b([^>]*)>\s*<(?:\w+:)?f\b(?:[^>]*/>|[^>]*>[^<]*</(?:\w+:)?f>)"
    rb"(\s*<(?:\w+:)?v>[^<]+<)?"
)
_REF = re.compile(rb'\br="([A-Z]{1,3})(\d{1,7})"')
_TYPE = re.compile(rb'\bt="(\w+)"')
_LAST_ROW = re.compile(rb'<(?:\w+:)?row\b[^>]*?\br="(\d+)"')


def sheets(data: bytes, name: str) -> list[Grid]:
    """Every worksheet of a workbook given as bytes.

    Raises
    ------
    InputError
        For a password, a damaged or over-large workbook, or another kind of file.
    """
    package = None if not data.startswith(b"PK") else _open_package(data, name)
    from python_calamine import CalamineError, CalamineWorkbook, PasswordError, SheetVisibleEnum

    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(data))
        found = []
        for meta in book.sheets_metadata:
            if str(meta.typ) != "SheetTypeEnum.WorkSheet":
                continue
            marks = package.marks(meta.name) if package else _Marks()
            sheet = book.get_sheet_by_name(meta.name)
            if sheet.total_width > MAX_COLUMNS:
                raise InputError(
                    f"{name}[{meta.name}]", f"more than {MAX_COLUMNS} columns", SAVE_AGAIN
                )
            found.append(
                Grid(
                    name,
                    meta.name,
                    sheet.to_python(skip_empty_area=False),
                    merged=tuple(sheet.merged_cell_ranges or ()),
                    percents=frozenset(marks.percents),
                    refused=marks.refused,
                    hidden=meta.visible != SheetVisibleEnum.Visible,
                )
            )
        return found
    except PasswordError:
        raise _password(name) from None
    except (CalamineError, ValueError, OSError) as error:
        if isinstance(error, InputError):
            raise
        if b"E\0n\0c\0r\0y\0p\0t\0e\0d\0P\0a\0c\0k\0a\0g\0e" in data:
            raise _password(name) from None
        raise InputError(name, f"cannot be read as a workbook ({error})", SAVE_AGAIN) from None
    except BaseException as error:
        # A panic inside calamine is no Exception; the file is to blame, not the user.
        if type(error).__name__ == "PanicException":
            raise InputError(name, "the workbook is damaged", SAVE_AGAIN) from None
        raise


def _password(name: str) -> InputError:
    return InputError(
        name, "the workbook is protected by a password", "open it and save it without one"
    )


class _Marks:
    """What a sheet's XML tells of its cells."""

    def __init__(self) -> None:
        self.percents: set[Address] = set()
        self.refused: dict[Address, str] = {}


class _Package:
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
        except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError, EOFError):
            raise InputError(self.name, f"the workbook is damaged ({part})", SAVE_AGAIN) from None
        except Exception as error:
            if type(error).__module__ == "zlib":
                raise InputError(
                    self.name, f"the workbook is damaged ({part})", SAVE_AGAIN
                ) from None
            raise

    def _sheet_paths(self) -> dict[str, str]:
        import html

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

    def marks(self, sheet: str) -> _Marks:
        """Percent cells, and cells whose value cannot be taken."""
        found = _Marks()
        part = self.paths.get(sheet, "")
        if part not in self.archive.namelist():
            return found
        xml = self._read(part)
        self._refuse_vast(xml, sheet)
        if b"<f" in xml or b":f" in xml:
            for attributes, stored in _FORMULA.findall(xml):
                if not stored and _TYPE.findall(attributes) != [b"str"]:
                    found.refused[_address(attributes)] = "a formula without a stored value"
        if b't="e"' in xml:
            for address in _with_attribute(xml, b"t", {b"e"}):
                found.refused[address] = "an error value such as #DIV/0! or #REF!"
        for address in _with_attribute(xml, b"s", self.scaled_styles):
            found.refused[address] = (
                "a figure whose number format shows it divided (by 1,000 or 10,000)"
            )
        found.percents = set(_with_attribute(xml, b"s", self.percent_styles))
        return found

    def _refuse_vast(self, xml: bytes, sheet: str) -> None:
        last = max((int(row) for row in _LAST_ROW.findall(xml)), default=0)
        if last * 702 <= MAX_CELLS and not re.search(rb'\br="[A-Z]{3}\d', xml):
            return
        columns = max((_column(letters) + 1 for letters, _ in _REF.findall(xml)), default=0)
        if last * columns > MAX_CELLS:
            raise InputError(
                f"{self.name}[{sheet}]",
                f"the sheet spans {last:,} rows by {columns:,} columns",
                "delete the stray cells far right or below, or split the sheet",
            )


def _open_package(data: bytes, name: str) -> _Package:
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
    return _Package(archive, name)


def _styles(xml: bytes) -> tuple[set[bytes], set[bytes]]:
    """Indices of the cell styles shown as percent, and of those shown divided."""
    codes = {b"9": "0%", b"10": "0.00%"}
    for tag in re.findall(rb"<(?:\w+:)?numFmt\b[^>]*>", xml):
        codes[_attribute(tag, b"numFmtId").encode()] = _attribute(tag, b"formatCode")
    block = re.search(rb"<(?:\w+:)?cellXfs\b.*?</(?:\w+:)?cellXfs>", xml, re.DOTALL)
    percent, scaled = set(), set()
    for i, tag in enumerate(re.findall(rb"<(?:\w+:)?xf\b[^>]*>", block[0] if block else b"")):
        code = codes.get(_attribute(tag, b"numFmtId").encode(), "").replace("&quot;", '"')
        bare = re.sub(r'"[^"]*"|\\.|_.|\*.|\[[^\]]*\]', "", code).split(";")[0]
        if "%" in bare:
            percent.add(str(i).encode())
        elif re.search(r"[0#?],+(?![0#?,])", bare) or re.search(r"0!\.", bare):
            scaled.add(str(i).encode())
    return percent, scaled


def _attribute(tag: bytes, name: bytes) -> str:
    match = re.search(rb"\s" + name + rb"=(?:\"([^\"]*)\"|'([^']*)')", tag)
    return (match[1] or match[2] or b"").decode("utf-8", "replace") if match else ""


def _with_attribute(xml: bytes, name: bytes, values: set[bytes]) -> list[Address]:
    """Addresses of the filled cells whose attribute has one of the values."""
    if not values:
        return []
    wanted = rb"\b" + name + rb'="(?:' + b"|".join(sorted(values)) + rb')"'
    ref = rb'\br="([A-Z]{1,3})(\d{1,7})"'
    found = re.findall(rb"<(?:\w+:)?c\s" + ref + rb"[^>]*?" + wanted + rb"[^>]*?(/?)>", xml)
    if re.search(rb"<(?:\w+:)?c\s(?!r=)", xml):  # attributes in another order
        found += re.findall(
            rb"<(?:\w+:)?c\s[^>]*?" + wanted + rb"[^>]*?" + ref + rb"[^>]*?(/?)>", xml
        )
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
