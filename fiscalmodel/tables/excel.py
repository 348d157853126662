"""xlsx and xls to grids with calamine, and the marks that calamine does not tell."""

from __future__ import annotations

import io

from fiscalmodel.errors import InputError
from fiscalmodel.tables.biff import DamagedContainer, sheet_marks
from fiscalmodel.tables.grid import MAX_COLUMNS, SAVE_AGAIN, Grid, Marks
from fiscalmodel.tables.numfmt import is_percent, is_scaled
from fiscalmodel.tables.ooxml import open_package


def sheets(data: bytes, name: str) -> list[Grid]:
    """Every worksheet of a workbook given as bytes.

    Raises
    ------
    InputError
        For a password, a damaged or over-large workbook, or another kind of file.
    """
    package = open_package(data, name) if data.startswith(b"PK") else None
    try:
        older = {} if package else sheet_marks(data, is_percent, is_scaled)
    except DamagedContainer:
        raise InputError(name, "the workbook is damaged or cut off", SAVE_AGAIN) from None
    from python_calamine import CalamineError, CalamineWorkbook, PasswordError, SheetVisibleEnum

    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(data))
        found = []
        for position, meta in enumerate(book.sheets_metadata):
            if str(meta.typ) != "SheetTypeEnum.WorkSheet":
                continue
            marks = package.marks(meta.name) if package else older.get(position, Marks())
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
