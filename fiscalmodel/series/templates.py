"""Excel templates for the office's own data: written with drop-downs, read back with checks.

What each column holds stands in ``params/schema/templates.yaml``; the same headers and
words are read by every door.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from fiscalmodel.days import made_on
from fiscalmodel.errors import InputError, did_you_mean, known_names
from fiscalmodel.folders import settled_files
from fiscalmodel.numerals import printed
from fiscalmodel.tables.records import FILLED, Records, Row, read_records
from fiscalmodel.tables.table import Table
from fiscalmodel.words import (
    headers,
    headers_in,
    headers_of,
    label,
    official,
    official_words,
    say,
)
from fiscalmodel.yamlio import load_yaml

#: How the note of an example row begins in every template.
EXAMPLE_NOTE = "示例行"
#: Cells that tell the example of a series: one that was overwritten makes the row the office's own.
_TELLING = ("region", "indicator", "period", "value")
_SERIES = ("revenue", "monthly", "budget")
#: Templates that are read as another kind of table.
_READ_AS = {"plan_changes": "plan_lines", "receipts": "commissions", "payments": "commissions"}
#: Rows below the header that have drop-downs and formats.
_ROWS = 2_000
SHEETS = {"zh": ("数据", "说明"), "en": ("data", "notes")}


@dataclass(frozen=True)
class Field:
    """One column of a template.

    Attributes
    ----------
    name
        Column name of the package; its header stands in ``params/words/headers.yaml`` or, if
        it is the same everywhere, in ``labels.yaml``.
    kind
        Kind of table that it is a column of.
    type
        ``list`` is a drop-down that is a help only (other words are allowed);
        ``choice`` takes its words alone.
    example
        Value of the example row, as stored.
    zh, en
        What to write there.
    required
        Whether a row without it is refused.
    choices
        Group of ``params/words/official.yaml``, or the words themselves.
    low, high
        Bounds of a number.
    """

    name: str
    kind: str
    type: Literal["text", "number", "date", "choice", "list"]
    example: str | float
    zh: str
    en: str
    required: bool = False
    choices: str | tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None

    def header(self, lang: str) -> str:
        """Header of the column, with its unit."""
        usual = headers(self.kind).get(self.name, {}).get(lang)
        return str(usual or label(self.name, lang))

    def words(self, lang: str) -> tuple[str, ...]:
        """Words of the drop-down."""
        if isinstance(self.choices, str):
            return tuple(official_words(self.choices, lang).values())
        return self.choices

    def shown(self, lang: str, value: str | float | None = None) -> str | float:
        """A stored value (by default the example row's) as it is written."""
        stored = self.example if value is None else value
        if isinstance(stored, (int, float)):
            return float(stored)
        if stored and isinstance(self.choices, str) and self.choices:
            return official_words(self.choices, lang).get(stored, stored)
        return stored


@dataclass(frozen=True)
class Sheet:
    """A template on a sheet: its kind, and rows that are filled in beforehand.

    Each row is column -> stored value; where None are given there is the example row.
    """

    kind: str
    rows: tuple[Mapping[str, str | float], ...] | None = None


@cache
def _read(files: tuple[Path, ...]) -> dict[str, tuple[Field, ...]]:
    made: dict[str, tuple[Field, ...]] = {}
    columns: dict[str, Any] = {}
    for file in files:
        data: Any = load_yaml(file)[0]
        columns |= data["columns"]
        for kind, entries in data["templates"].items():
            made[kind] = tuple(_field(_READ_AS.get(kind, kind), e, columns) for e in entries)
    return made


def _field(kind: str, entry: Any, columns: Mapping[str, Any]) -> Field:
    """A column by its name alone, or with what differs from its usual description."""
    ((name, more),) = entry.items() if isinstance(entry, Mapping) else ((entry, {}),)
    facts = columns.get(name, {}) | more
    choices = facts.get("choices", ())
    return Field(
        name, kind, **facts | {"choices": choices if isinstance(choices, str) else tuple(choices)}
    )


def templates() -> dict[str, tuple[Field, ...]]:
    """Kind of template -> its columns in order."""
    return _read(settled_files("schema/templates.yaml"))


def fields_of(kind: str) -> tuple[Field, ...]:
    """Columns of one template.

    Raises
    ------
    InputError
        If there is no such template.
    """
    known = templates()
    if kind not in known:
        hint = did_you_mean(kind, known) or known_names(known)
        raise InputError("kind", "series.unknown_template", hint, name=kind)
    return known[kind]


def write_template(kind: str, path: str | Path, lang: str = "zh") -> Path:
    """Write an empty Excel template with headers, one example row, drop-downs and notes.

    Parameters
    ----------
    kind
        ``revenue``, ``monthly``, ``budget``, ``debt``, ``funding``, ``quotas``, ``bonds``,
        ``limits``, ``claims``, ``receipts`` or ``payments``.
    path
        File to write; an existing one is replaced only when the new one is complete.
    lang
        ``zh`` or ``en``.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    InputError
        For an unknown kind or language, or a folder that is not there.
    """
    return write_sheets({}, path, lang, kind=kind)


def write_sheets(
    sheets: Mapping[str, Sheet], path: str | Path, lang: str = "zh", *, kind: str = ""
) -> Path:
    """Write a workbook of several templates, each on its own sheet, and one sheet of notes.

    Parameters
    ----------
    sheets
        Name of the sheet -> its template.
    path, lang
        As in `write_template`.
    kind
        The one template of a workbook whose sheet has the usual name.

    Raises
    ------
    InputError
        As `write_template`.
    """
    if kind:
        fields_of(kind)
    if lang not in SHEETS:
        raise InputError("lang", "series.unknown_language", name=lang)
    target = Path(path)
    if target.suffix.lower() != ".xlsx":
        raise InputError(str(target), "series.template_is_excel")
    if not target.parent.is_dir():
        raise InputError(str(target), "series.no_folder")
    import xlsxwriter

    part = target.with_name(f".{target.name}.part")
    safe = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    wanted = {SHEETS[lang][0]: Sheet(kind)} if kind else dict(sheets)
    try:
        with xlsxwriter.Workbook(part, safe) as book:
            # No clock: the same call writes the same file.
            book.set_properties({"created": made_on()})
            for name, sheet in wanted.items():
                _data_sheet(book, name, sheet, lang)
            _notes_sheet(book, wanted, lang)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return target


def _data_sheet(book: Any, name: str, given: Sheet, lang: str) -> None:
    sheet = book.add_worksheet(name)
    head = book.add_format({"bold": True, "text_wrap": True, "bg_color": "#DCE6F1", "border": 1})
    formats = {
        "text": book.add_format({"num_format": "@"}),
        "number": book.add_format({"num_format": "#,##0.00##"}),
        "date": book.add_format({"num_format": "yyyy-mm-dd"}),
    }
    fields = fields_of(given.kind)
    sheet.freeze_panes(1, 1)
    sheet.set_row(0, 34)
    for c, field in enumerate(fields):
        title = field.header(lang)
        style = formats[field.type if field.type in formats else "text"]
        sheet.set_column(c, c, max(12, min(26, 2 * len(title) + 2)), style)
        sheet.write_string(0, c, title, head)
        example = ({f.name: f.example for f in fields},)
        for r, cells in enumerate(example if given.rows is None else given.rows, 1):
            shown = field.shown(lang, cells.get(field.name, ""))
            if isinstance(shown, float):
                sheet.write_number(r, c, shown, style)
            elif field.type == "date" and shown:
                sheet.write_datetime(r, c, dt.datetime.fromisoformat(shown), style)
            elif shown:
                sheet.write_string(r, c, shown, style)
        if rule := _rule(field, lang):
            sheet.data_validation(1, c, _ROWS, c, rule)


def _rule(field: Field, lang: str) -> dict[str, Any]:
    """The check that Excel itself makes when a cell is typed in."""
    said = field.zh if lang == "zh" else field.en
    hint = {"input_title": field.name[:32], "input_message": said[:255]}
    if field.type in ("choice", "list"):
        strict = {"error_type": "stop" if field.type == "choice" else "information"}
        return {"validate": "list", "source": list(field.words(lang)), **strict, **hint}
    if field.type == "number" and field.low is not None:
        high = field.high if field.high is not None else 1e12
        between = {"criteria": "between", "minimum": field.low, "maximum": high}
        return {"validate": "decimal", **between, **hint}
    if field.type == "date":
        days = {"minimum": dt.date(1990, 1, 1), "maximum": dt.date(2100, 12, 31)}
        return {"validate": "date", "criteria": "between", **days, **hint}
    return {}


def _notes_sheet(book: Any, sheets: Mapping[str, Sheet], lang: str) -> None:
    sheet = book.add_worksheet(SHEETS[lang][1])
    bold = book.add_format({"bold": True, "bg_color": "#DCE6F1", "border": 1})
    rules = ["example", "blanks", "texts", "pasting"]
    if len(sheets) > 1:  # a county's own workbook, without examples
        rules = ["rows", *rules[1:], "unfilled", "least", "as_of"]
    for r, key in enumerate(rules):
        sheet.write_string(r, 0, say(f"series.template.{key}")(lang))
    top = len(rules) + 1
    for name, given in sheets.items():
        if len(sheets) > 1:
            sheet.write_string(top, 0, name, bold)
            top += 1
        for c, (key, width) in enumerate(
            (("column", 22), ("what", 46), ("format", 18), ("required", 8), ("sample", 22))
        ):
            sheet.write_string(top, c, say(f"series.template.{key}")(lang), bold)
            sheet.set_column(c, c, width)
        for field in fields_of(given.kind):
            top += 1
            shown = field.shown(lang)
            for c, text in enumerate((
                field.header(lang),
                field.zh if lang == "zh" else field.en,
                " / ".join(field.words(lang)) or say(f"series.template.as_{field.type}")(lang),
                official_words("flag", lang)["true"] if field.required else "",
                f"{shown:g}" if isinstance(shown, float) else shown,
            )):  # fmt: skip
                sheet.write_string(top, c, text)
        top += 2


def known_headers(kind: str) -> dict[str, tuple[str, ...]]:
    """Columns of a template with the further headers that they are read under."""
    return headers_in(_READ_AS.get(kind, kind), *(f.name for f in fields_of(kind)))


def read(kind: str, path: str | Path | Mapping[str, Any]) -> pd.DataFrame:
    """Read a filled-in template (or a table with its headers) into the design's columns.

    Parameters
    ----------
    kind
        As in `write_template`.
    path
        xlsx, xls, ods or CSV with Chinese or English headers, or ``{file, sheet}``.

    Returns
    -------
    DataFrame
        English column names, drop-down words as stored names (``bullet``), numbers
        as float, dates as ``YYYY-MM-DD`` text, flags as bool, blank text as ``""``.
        ``attrs["notes"]`` says what was left out, such as the example row.

    Raises
    ------
    InputError
        For missing columns, missing required cells, words that are in no
        list, numbers out of range, dates that are none: all at once, each by cell.
    """
    fields = fields_of(kind)
    records = read_records(path, name=kind, columns=known_headers(kind))
    if not records.need(*(f.name for f in fields if f.required)):
        records.done()
    records.example_is_data = True
    rows, notes = _own_rows(records, kind)
    present = [f for f in fields if f.name in records.columns]
    frame = pd.DataFrame({f.name: [_value(row, f) for row in rows] for f in present})
    records.done()
    notes += [say("series.no_part_of_template", name=header) for header in records.unknown]
    frame.attrs["notes"] = tuple(notes)
    return frame


def _own_rows(records: Records, kind: str) -> tuple[list[Row], list[Any]]:
    """Rows of the office; the example only where there are none."""
    examples = list(records.examples)
    if kind in _SERIES:
        examples = [r for r in records if is_series_example(r.texts())]
    rows = [r for r in records if r not in examples]
    if rows or not examples:
        left = [r.line for r in examples]
        return rows, [say("series.example_left_out", rows=left)] if left else []
    return examples, [say("series.example_only")]


def is_series_example(row: Mapping[str, str]) -> bool:
    """Whether a row is a series template's example, unchanged in what tells it."""
    if not row.get("note", "").startswith(EXAMPLE_NOTE):
        return False
    told = {k: v.replace(",", "").removesuffix(".00") for k, v in row.items() if k in _TELLING}
    return any(
        all(told[f.name] == printed(f.example) for f in fields_of(kind) if f.name in told)
        for kind in _SERIES
    )


def example_rows(table: Table, at: Mapping[str, str]) -> set[int]:
    """Positions of rows that are a series template's example; `at` is column -> header.

    Raises
    ------
    InputError
        If nothing else is filled in.
    """
    note = next((c for c in table.frame.columns if c in headers_of("note")), "")
    if not note:
        return set()
    headers = {k: c for k, c in at.items() if k in _TELLING} | {"note": note}
    rows = [
        {k: printed(table.stored[c][i]).strip() for k, c in headers.items()}
        for i in range(len(table))
    ]
    found = {i for i, row in enumerate(rows) if is_series_example(row)}
    if found and not any(row["value"] for i, row in enumerate(rows) if i not in found):
        raise InputError(table.place, "tables.only_example")
    return found


def _value(row: Row, field: Field) -> Any:
    name = field.name
    if field.required and row.blank(name):
        row.text(name, default=FILLED)
    if field.type == "number":
        return _number(row, field)
    if field.type == "date":
        return str(row.day(name, default=None) or "")
    if field.choices == "flag":
        return row.flag(name)
    text = row.text(name)
    if name == "period" and text:
        row.period(name)
    if not text or not field.choices:
        return text
    if isinstance(field.choices, str):
        known = official(field.choices, text)
        return known or (text if field.type == "list" else row.word(name, field.choices))
    if text not in field.choices and field.type != "list":
        hint = did_you_mean(text, field.choices) or known_names(field.choices)
        row.report(name, "tables.unknown_word", hint, text=text)
    return text


def _number(row: Row, field: Field) -> float:
    name = field.name
    if row.blank(name):
        return float("nan")
    if name == "amount":
        return row.fen(name) / 100
    read = row.wan if name.endswith("_wan") else row.number
    return read(name, low=field.low, high=field.high)
