"""An Excel copy of published tables with the findings as comments on their cells."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from fiscalmodel.checks.reading import items_of
from fiscalmodel.days import made_on
from fiscalmodel.findings import SEVERITIES, Finding
from fiscalmodel.numerals import RISKY, printed
from fiscalmodel.tables.files import load
from fiscalmodel.tables.grid import Grid
from fiscalmodel.tables.table import Table
from fiscalmodel.words import label, say

#: Fill of a cell by the gravest finding about it; the words say it too.
FILLS = {"error": "#F9D5C4", "warning": "#FCE9BF", "note": "#D6EAF5"}
#: Columns of the first sheet, with their widths.
_COLUMNS = {
    "no": 6, "severity": 9, "rule": 22, "stated": 13, "computed": 13, "difference": 13,
    "tolerance": 11, "explanation": 80, "where": 60,
}  # fmt: skip
#: Excel's own limits for the name of a sheet and the text of a cell.
_NAME, _TEXT = 31, 32_000


def annotated(source: Any, findings: Sequence[Finding], lang: str) -> bytes:
    """Copy the source cell by cell, with a comment on every cell a finding names.

    Parameters
    ----------
    source
        What was reconciled: a frame, `Table`, file, folder, or a list of them.
    findings
        From :func:`fiscalmodel.reconcile`.
    lang
        ``zh`` or ``en``: language of comments and of the first sheet.

    Returns
    -------
    bytes
        An xlsx file: the list of findings, then one sheet for each table read.
        The cells hold what the source holds, numbers of a CSV as printed; text
        stays text.

    Raises
    ------
    InputError
        If a source cannot be read.
    """
    import xlsxwriter

    grids = [grid for item in items_of(source) for grid in _grids(item)]
    names = _sheet_names(grids, lang)
    buffer = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(buffer, options) as book:
        # A fixed date: the same findings give the same file.
        book.set_properties({"created": made_on()})
        _summary(book, findings, names, lang)
        comments = _comments(findings, lang)
        for grid in grids:
            sheet = book.add_worksheet(names[grid.file, grid.sheet])
            _copy(book, sheet, grid, comments.get((Path(grid.file).name, grid.sheet), {}))
    return buffer.getvalue()


def _grids(item: Any) -> list[Grid]:
    """The stored cells of one source."""
    if isinstance(item, pd.DataFrame):
        item = Table.of(item, name=str(item.attrs.get("name", "table")))
    if isinstance(item, Table):
        rows = [list(map(str, item.frame.columns)), *item.texts.to_numpy().tolist()]
        return [Grid(Path(item.file).name, item.sheet, rows)]
    return load(Path(item))


def _sheet_names(grids: Iterable[Grid], lang: str) -> dict[tuple[str, str], str]:
    """A sheet name for each grid: Excel allows 31 characters, no two alike."""
    used = {say("checks.sheet")(lang).casefold()}
    names: dict[tuple[str, str], str] = {}
    for grid in grids:
        stem = Path(grid.file).stem
        base = re.sub(r"[\[\]:*?/\\']", "_", f"{stem}-{grid.sheet}" if grid.sheet else stem)
        name, n = base[:_NAME], 2
        while name.casefold() in used:
            name, n = f"{base[: _NAME - 1 - len(str(n))]}~{n}", n + 1
        used.add(name.casefold())
        names[grid.file, grid.sheet] = name
    return names


def _comments(
    findings: Sequence[Finding], lang: str
) -> dict[tuple[str, str], dict[str, list[tuple[str, str]]]]:
    """File and sheet -> cell -> severity and text of each comment."""
    found: dict[tuple[str, str], dict[str, list[tuple[str, str]]]] = {}
    for number, finding in enumerate(findings, 1):
        severity = label(finding.severity, lang, "values")
        head = f"#{number} [{severity}] {say(f'checks.rule.{finding.rule}')(lang)}"
        for place, cell in enumerate(dict.fromkeys(finding.cells)):
            see = say("checks.see", cell=finding.cells[0])(lang)
            text = f"{head}\n{see if place else finding.text(lang)}"
            cells = found.setdefault((cell.file, cell.sheet), {})
            cells.setdefault(cell.cell, []).append((finding.severity, text))
    return found


def _copy(book: Any, sheet: Any, grid: Grid, comments: dict[str, list[tuple[str, str]]]) -> None:
    """Write one sheet with its comments."""
    from xlsxwriter.utility import xl_rowcol_to_cell

    formats = {
        (severity, quoted): book.add_format(
            {
                **({"bg_color": FILLS[severity], "border": 1, "border_color": "#8A9099"}),
                "quote_prefix": quoted,
            }
        )
        for severity in FILLS
        for quoted in (False, True)
    }
    plain = {False: None, True: book.add_format({"quote_prefix": True})}
    sheet.ignore_errors({"number_stored_as_text": "A1:XFD1048576"})
    widths: dict[int, int] = {}
    for r, row in enumerate(grid.rows):
        for c, value in enumerate(row):
            address = xl_rowcol_to_cell(r, c)
            notes = comments.get(address, [])
            text = value if isinstance(value, str) else printed(value)
            widths[c] = max(widths.get(c, 6), min(42, _width(text)))
            quoted = isinstance(value, str) and text.startswith(RISKY)
            worst = min((n[0] for n in notes), key=SEVERITIES.index, default="")
            form = formats[worst, quoted] if worst else plain[quoted]
            if isinstance(value, float) and value == value:
                sheet.write_number(r, c, value, form)
            elif text or notes:
                sheet.write_string(r, c, text[:_TEXT], form) if text else sheet.write_blank(
                    r, c, None, form
                )
            if notes:
                said = "\n\n".join(note[1] for note in notes)[:_TEXT]
                size = {"width": 420, "height": min(600, 40 + 18 * (_width(said) // 56 + 2))}
                sheet.write_comment(r, c, said, {"author": "fiscalmodel", **size})
    for c, width in widths.items():
        sheet.set_column(c, c, width + 2)
    if grid.rows:
        sheet.freeze_panes(1, 0)


def _width(text: str) -> int:
    """Width in Latin letters: a Chinese one takes two."""
    return sum(2 if ord(c) > 0x2E7F else 1 for c in text)


def _summary(
    book: Any, findings: Sequence[Finding], names: dict[tuple[str, str], str], lang: str
) -> None:
    """The first sheet: every finding, gravest first."""
    sheet = book.add_worksheet(say("checks.sheet")(lang))
    head = book.add_format({"bold": True, "bg_color": "#F0F4F8", "bottom": 1})
    wrap = book.add_format({"text_wrap": True, "valign": "top"})
    number = book.add_format({"num_format": "#,##0.####", "valign": "top"})
    fills = {
        severity: book.add_format({"bg_color": fill, "valign": "top"})
        for severity, fill in FILLS.items()
    }
    for c, (name, width) in enumerate(_COLUMNS.items()):
        sheet.write_string(0, c, label(name, lang), head)
        sheet.set_column(c, c, width)
    sheets = {Path(file).name: name for (file, _), name in names.items()}
    for r, finding in enumerate(findings, 1):
        sheet.write_number(r, 0, r, wrap)
        sheet.write_string(r, 1, label(finding.severity, lang, "values"), fills[finding.severity])
        sheet.write_string(r, 2, say(f"checks.rule.{finding.rule}")(lang), wrap)
        values = (finding.stated, finding.computed, finding.difference, finding.tolerance)
        for c, value in enumerate(values, 3):
            if value is None:
                sheet.write_string(r, c, "—", wrap)
            else:
                sheet.write_number(r, c, value, number)
        sheet.write_string(r, 7, finding.text(lang)[:_TEXT], wrap)
        place = finding.where
        for file, name in sheets.items():
            place = place.replace(f"{file}[", f"{name}[")
        sheet.write_string(r, 8, place[:_TEXT], wrap)
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, max(1, len(findings)), len(_COLUMNS) - 1)
