"""The sheets of an Excel template: headers, an example row, drop-downs, notes."""

from __future__ import annotations

import datetime as dt
from typing import Any

from fiscalmodel.series.template_spec import Field
from fiscalmodel.tables import vocab

#: Rows below the header that have drop-downs and formats.
ROWS = 2_000
SHEETS = {"zh": ("数据", "说明"), "en": ("data", "notes")}
_WORDS = {
    "zh": ("列名", "填什么", "单位或格式", "必填", "示例", "是"),
    "en": ("Column", "What to write", "Unit or format", "Required", "Example", "yes"),
}
_RULES = {
    "zh": (
        "填写说明：第 2 行是示例，请覆盖或删除。一行一条记录，表头不要改名。",
        "缺数留空，不要填 0；不要用公式，填写数值本身。",
        "编码、编号、日期以外的年度等按文本填写；日期写作 2025-01-31。",
        "在“数据”表中直接粘贴时，请选择“粘贴数值”，以保留下拉选项。",
    ),
    "en": (
        "Row 2 is an example: overwrite or delete it. One record a row; keep the headers.",
        "Leave missing figures blank, never 0; type values, not formulas.",
        "Codes and numbers of contracts are text; dates are written 2025-01-31.",
        "Paste values only, so that the drop-downs stay.",
    ),
}


def fill(book: Any, fields: tuple[Field, ...], lang: str) -> None:
    """Write both sheets into an open xlsxwriter workbook."""
    _data_sheet(book, fields, lang)
    _notes_sheet(book, fields, lang)


def _data_sheet(book: Any, fields: tuple[Field, ...], lang: str) -> None:
    sheet = book.add_worksheet(SHEETS[lang][0])
    head = book.add_format({"bold": True, "text_wrap": True, "bg_color": "#DCE6F1", "border": 1})
    formats = {
        "text": book.add_format({"num_format": "@"}),
        "number": book.add_format({"num_format": "#,##0.00##"}),
        "date": book.add_format({"num_format": "yyyy-mm-dd"}),
    }
    sheet.freeze_panes(1, 1)
    sheet.set_row(0, 34)
    for c, field in enumerate(fields):
        title = header(field, lang)
        style = formats[field.type if field.type in formats else "text"]
        sheet.set_column(c, c, max(12, min(26, 2 * len(title) + 2)), style)
        sheet.write_string(0, c, title, head)
        shown = example(field, lang)
        if isinstance(shown, float):
            sheet.write_number(1, c, shown, style)
        elif field.type == "date" and shown:
            sheet.write_datetime(1, c, dt.datetime.fromisoformat(shown), style)
        elif shown:
            sheet.write_string(1, c, shown, style)
        rule = _rule(field, lang)
        if rule:
            sheet.data_validation(1, c, ROWS, c, rule)


def header(field: Field, lang: str) -> str:
    """Header of a template's column."""
    return field.zh_header if lang == "zh" and field.zh_header else vocab.header(field.name, lang)


def _rule(field: Field, lang: str) -> dict[str, Any]:
    """The check that Excel itself makes when a cell is typed in."""
    said = field.zh if lang == "zh" else field.en
    hint = {"input_title": field.name[:32], "input_message": said[:255]}
    if field.type in ("choice", "list"):
        strict = {"error_type": "stop" if field.type == "choice" else "information"}
        return {"validate": "list", "source": list(_words(field, lang)), **strict, **hint}
    if field.type == "number" and field.low is not None:
        high = field.high if field.high is not None else 1e12
        between = {"criteria": "between", "minimum": field.low, "maximum": high}
        return {"validate": "decimal", **between, **hint}
    if field.type == "date":
        days = {"minimum": dt.date(1990, 1, 1), "maximum": dt.date(2100, 12, 31)}
        return {"validate": "date", "criteria": "between", **days, **hint}
    return {}


def _notes_sheet(book: Any, fields: tuple[Field, ...], lang: str) -> None:
    sheet = book.add_worksheet(SHEETS[lang][1])
    bold = book.add_format({"bold": True, "bg_color": "#DCE6F1", "border": 1})
    for r, line in enumerate(_RULES[lang]):
        sheet.write_string(r, 0, line)
    top = len(_RULES[lang]) + 1
    for c, title in enumerate(_WORDS[lang][:5]):
        sheet.write_string(top, c, title, bold)
        sheet.set_column(c, c, (22, 46, 18, 8, 22)[c])
    for r, field in enumerate(fields, top + 1):
        shown = example(field, lang)
        for c, text in enumerate(
            (
                header(field, lang),
                field.zh if lang == "zh" else field.en,
                _format_words(field, lang),
                _WORDS[lang][5] if field.required else "",
                f"{shown:g}" if isinstance(shown, float) else shown,
            )
        ):
            sheet.write_string(r, c, text)


def _format_words(field: Field, lang: str) -> str:
    if field.type in ("choice", "list"):
        return " / ".join(_words(field, lang))
    names = {"text": ("文本", "text"), "number": ("数值", "number"), "date": ("YYYY-MM-DD",) * 2}
    return names[field.type][0 if lang == "zh" else 1]


def _words(field: Field, lang: str) -> tuple[str, ...]:
    if isinstance(field.choices, tuple):
        return field.choices
    return tuple(vocab.word(code, lang) for code in vocab.CHOICES[field.choices])


def example(field: Field, lang: str) -> str | float:
    """Value of the example row as it is written."""
    value = field.example
    if isinstance(value, (int, float)):
        return float(value)
    if value and isinstance(field.choices, str) and field.choices:
        return vocab.word(value, lang)
    return value
