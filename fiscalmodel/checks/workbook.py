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
from fiscalmodel.display import text_width
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

    edge = {"border": 1, "border_color": "#8A9099"}
    filled = {severity: {"bg_color": fill, **edge} for severity, fill in FILLS.items()}
    formats = {
        (severity, quoted): book.add_format({**look, "quote_prefix": quoted})
        for severity, look in {"": {}, **filled}.items()
        for quoted in (False, True)
    }
    sheet.ignore_errors({"number_stored_as_text": "A1:XFD1048576"})
    widths: dict[int, int] = {}
    for r, row in enumerate(grid.rows):
        for c, value in enumerate(row):
            notes = comments.get(xl_rowcol_to_cell(r, c), [])
            text = value if isinstance(value, str) else printed(value)
            widths[c] = max(widths.get(c, 6), min(42, text_width(text)))
            quoted = isinstance(value, str) and text.startswith(RISKY)
            worst = min((severity for severity, _ in notes), key=SEVERITIES.index, default="")
            number = isinstance(value, float) and value == value
            form = formats[worst, quoted] if worst or quoted else None
            sheet.write(r, c, value if number else text[:_TEXT], form)
            if notes:
                said = "\n\n".join(note for _, note in notes)[:_TEXT]
                size = {"width": 420, "height": min(600, 40 + 18 * (text_width(said) // 56 + 2))}
                sheet.write_comment(r, c, said, {"author": "fiscalmodel", **size})
    for c, width in widths.items():
        sheet.set_column(c, c, width + 2)
    if grid.rows:
        sheet.freeze_panes(1, 0)


def _summary(
    book: Any, findings: Sequence[Finding], names: dict[tuple[str, str], str], lang: str
) -> None:
    """The first sheet: every finding, gravest first."""
    sheet = book.add_worksheet(say("checks.sheet")(lang))
    head = book.add_format({"bold": True, "bg_color": "#F0F4F8", "bottom": 1})
    wrap = book.add_format({"text_wrap": True, "valign": "top"})
    number = book.add_format({"num_format": "#,##0.####", "valign": "top"})
    fills = {s: book.add_format({"bg_color": fill, "valign": "top"}) for s, fill in FILLS.items()}
    for c, (name, width) in enumerate(_COLUMNS.items()):
        sheet.write(0, c, label(name, lang), head)
        sheet.set_column(c, c, width)
    for r, finding in enumerate(findings, 1):
        place = finding.where
        for (file, of), name in names.items():
            inside = f"{Path(file).name}[{of}!" if of else f"{Path(file).name}["
            place = place.replace(inside, f"{name}[")
        severity = label(finding.severity, lang, "values")
        values = (finding.stated, finding.computed, finding.difference, finding.tolerance)
        row = [
            (r, wrap),
            (severity, fills[finding.severity]),
            (say(f"checks.rule.{finding.rule}")(lang), wrap),
            *(("—", wrap) if value is None else (value, number) for value in values),
            (finding.text(lang)[:_TEXT], wrap),
            (place[:_TEXT], wrap),
        ]
        for c, (value, form) in enumerate(row):
            sheet.write(r, c, value, form)
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, max(1, len(findings)), len(_COLUMNS) - 1)
