"""Excel templates for the office's own data: written with drop-downs, read back with checks."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pandas as pd

from fiscalmodel.days import period
from fiscalmodel.errors import Collector, InputError
from fiscalmodel.numerals import parse, plain, printed
from fiscalmodel.series import template_write
from fiscalmodel.series.template_spec import TEMPLATES, Field
from fiscalmodel.suggest import did_you_mean
from fiscalmodel.tables import vocab
from fiscalmodel.tables.readers import read_workbook
from fiscalmodel.tables.table import Table

KINDS = tuple(TEMPLATES)


def write_template(kind: str, path: str | Path, lang: str = "zh") -> Path:
    """Write an empty Excel template with headers, one example row, drop-downs and notes.

    Parameters
    ----------
    kind
        ``revenue``, ``monthly``, ``debt``, ``funding``, ``receipts`` or ``budget``.
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
    fields = _fields(kind)
    if lang not in template_write.SHEETS:
        raise InputError("lang", f"unknown language {lang!r}", "use zh or en")
    target = Path(path)
    if target.suffix.lower() != ".xlsx":
        raise InputError(str(target), "a template is an Excel file", "name an .xlsx file")
    if not target.parent.is_dir():
        raise InputError(str(target), "the folder is not there", "make it first")
    import xlsxwriter

    part = target.with_name(f".{target.name}.part")
    safe = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    try:
        with xlsxwriter.Workbook(part, safe) as book:
            # No clock: the same call writes the same file.
            book.set_properties({"created": dt.datetime(2000, 1, 1)})
            template_write.fill(book, fields, lang)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return target


def read(kind: str, path: str | Path) -> pd.DataFrame:
    """Read a filled-in template (or a table with its headers) into the design's columns.

    Parameters
    ----------
    kind
        As in `write_template`.
    path
        xlsx, xls or CSV with Chinese or English headers.

    Returns
    -------
    DataFrame
        English column names, drop-down words as stored names (``bullet``), numbers
        as float, dates as ``YYYY-MM-DD`` text, flags as bool, blank text as ``""``.
        ``attrs["notes"]`` says what was left out, such as the example row.

    Raises
    ------
    InputError
        For missing or unknown columns, missing required cells, words that are in no
        list, numbers out of range, dates that are none: all at once, each by cell.
    """
    fields = _fields(kind)
    table, names, problems = _find(kind, Path(path), fields)
    rows, notes = _rows(table, fields, names)
    columns: dict[str, list[Any]] = {}
    for field in fields:
        if field.name in names:
            columns[field.name] = [
                _value(table, row, names[field.name], field, problems) for row in rows
            ]
    problems.raise_if_any()
    frame = pd.DataFrame(columns)
    unread = [c for c in table.frame.columns if c not in names.values()]
    notes += [f"column {c!r} belongs to no template and was left out" for c in unread]
    frame.attrs["notes"] = tuple(notes)
    return frame


def _fields(kind: str) -> tuple[Field, ...]:
    if kind not in TEMPLATES:
        raise InputError(
            "kind", f"unknown template {kind!r}", did_you_mean(kind, KINDS) or ", ".join(KINDS)
        )
    return TEMPLATES[kind]


def _find(
    kind: str, path: Path, fields: tuple[Field, ...]
) -> tuple[Table, dict[str, str], Collector]:
    """The table of the file that has the template's headers, and column name -> its header."""
    known = {h: f.name for f in fields for h in _headers(f)}
    best: tuple[int, Table, dict[str, str]] | None = None
    for table in read_workbook(path, strict=False):
        names: dict[str, str] = {}
        for column in table.frame.columns:
            name = known.get(vocab.bare(column))
            if name and name not in names:
                names[name] = column
        if best is None or len(names) > best[0]:
            best = (len(names), table, names)
    assert best is not None  # read_workbook refuses a file without any table
    _, table, names = best
    problems = Collector()
    for field in fields:
        if field.required and field.name not in names:
            title = template_write.header(field, "zh")
            near = did_you_mean(title, list(table.frame.columns))
            problems.add(f"{table.file}[{table.sheet}]", f"column {title!r} is missing", near)
    problems.raise_if_any()
    # Numbers are judged below, field by field; what the file itself hides is not.
    for problem in table.problems:
        if "the cell holds" in problem.problem or "no column name" in problem.problem:
            problems.problems.append(problem)
    return table, names, problems


def _headers(field: Field) -> set[str]:
    return {vocab.bare(h) for h in (field.zh_header, *vocab.headers_of(field.name)) if h}


def _rows(
    table: Table, fields: tuple[Field, ...], names: dict[str, str]
) -> tuple[list[int], list[str]]:
    """Rows that hold anything; the example is left out once there are others."""
    shown = [table.texts[c] for c in names.values()]
    filled = [i for i in range(len(table)) if any(column.iloc[i].strip() for column in shown)]
    examples = [i for i in filled if _is_example(table, i, fields, names)]
    if examples and len(filled) > len(examples):
        places = ", ".join(f"row {table.rows[i]}" for i in examples)
        return [i for i in filled if i not in examples], [f"the example in {places} was left out"]
    return filled, ["the example is the only row"] if examples else []


def _is_example(table: Table, row: int, fields: tuple[Field, ...], names: dict[str, str]) -> bool:
    for lang in ("zh", "en"):
        same = []
        for field in fields:
            if field.name in names:
                wanted = template_write.example(field, lang)
                text = wanted if isinstance(wanted, str) else printed(wanted)
                stored = table.stored[names[field.name]][row]
                found = stored.isoformat()[:10] if hasattr(stored, "isoformat") else printed(stored)
                same.append(found == text)
        if all(same):
            return True
    return False


def _value(table: Table, row: int, column: str, field: Field, problems: Collector) -> Any:
    stored = table.stored[column][row]
    where = table.where(table.frame.index[row], column)
    if hasattr(stored, "isoformat"):
        text = stored.isoformat()[:10]
    else:
        text = plain(printed(stored)) if field.type != "text" else printed(stored).strip()
    if text in ("", "-", "--", "/"):
        if field.required and where not in {p.where for p in problems.problems}:
            problems.add(where, f"{column} is blank", "fill it in; every record needs it")
        return float("nan") if field.type == "number" else False if _is_flag(field) else ""
    if field.type == "number":
        return _number(stored, where, column, field, problems)
    if field.type == "date":
        return _day(text, where, problems)
    if field.name == "period":
        if period(text) is None:
            problems.add(where, f"{text!r} is no period", "write 2024, 2024-02 or 2024Q1")
        return text
    if field.choices:
        return _choice(text, where, field, problems)
    return text


def _number(stored: Any, where: str, column: str, field: Field, problems: Collector) -> float:
    cell = parse(stored)
    if cell.kind != "number":
        if cell.kind == "text":
            problems.add(where, f"{stored!r} stands in {column} where a number belongs", "")
        return float("nan")
    low, high = field.low, field.high
    if (low is not None and cell.value < low) or (high is not None and cell.value > high):
        bounds = f"{low:g} to {high:g}" if high is not None else f"at least {low:g}"
        problems.add(where, f"{cell.value:g} is out of range", f"{column}: {bounds}")
    return cell.value


def _day(text: str, where: str, problems: Collector) -> str:
    for form in ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d", "%Y年%m月%d日"):
        try:
            return dt.datetime.strptime(text, form).date().isoformat()
        except ValueError:
            continue
    problems.add(where, f"{text!r} is no date", "write it as 2025-01-31")
    return text


def _choice(text: str, where: str, field: Field, problems: Collector) -> str | bool:
    if isinstance(field.choices, tuple):
        found = text if text in field.choices or field.type == "list" else None
        listed = field.choices
    else:
        found = vocab.code(field.choices, text) or (text if field.type == "list" else None)
        listed = tuple(vocab.word(c) for c in vocab.CHOICES[field.choices])
    if found is None:
        hint = did_you_mean(text, listed)
        problems.add(
            where, f"{text!r} is not in the list", f"{hint} one of {'、'.join(listed)}".strip()
        )
        return text
    return found == "true" if _is_flag(field) else found


def _is_flag(field: Field) -> bool:
    return field.choices == "flag"
