"""An outcome as an Excel workbook: text stays text, sums are live formulas."""

from __future__ import annotations

import datetime as dt
import io
from typing import TYPE_CHECKING, Any

import pandas as pd

from fiscalmodel.present.labels import label
from fiscalmodel.present.outcome_words import in_words, in_yuan

if TYPE_CHECKING:
    from fiscalmodel.scenario.outcome import Outcome

#: Nothing in the data becomes a formula, a link or a number by itself.
OPTIONS = {
    "in_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "nan_inf_to_errors": False,
}

SHEETS: dict[str, tuple[str, str]] = {
    "summary": ("摘要", "Summary"),
    "revenue": ("收入预测", "Revenue"),
    "waterfall": ("情景分解", "Waterfall"),
    "items": ("分税种收入", "Revenue by item"),
    "balance": ("收支平衡", "Balance"),
    "debt": ("债务余额", "Debt"),
    "debt_schedule": ("化债明细", "Clearance schedule"),
    "debt_shortfall": ("资金缺口", "Shortfall"),
    "commissions": ("代收手续费", "Commissions"),
}


def outcome_workbook(outcome: Outcome, lang: str = "zh") -> bytes:
    """The workbook of one scenario, as the bytes of an xlsx file.

    Sheets: summary with answers, notes and what is missing; then one for each
    table. The waterfall's check column and the sums below amounts are formulas
    with their values stored.
    """
    import xlsxwriter

    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, OPTIONS)
    # The scenario's own date, so that the same scenario gives the same bytes.
    as_of = outcome.scenario.spec.as_of
    book.set_properties(
        {
            "title": outcome.scenario.name(lang),
            "created": dt.datetime(as_of.year, as_of.month, as_of.day),
        }
    )
    formats = _formats(book)
    _summary(book, formats, outcome, lang)
    for name, frame in outcome.tables().items():
        if name == "debt_shortfall" and not len(frame):
            continue
        sheet = book.add_worksheet(_sheet_name(name, lang))
        shown = in_yuan(frame) if name == "commissions" else in_words(frame, lang)
        _write_frame(sheet, formats, shown, lang)
        if name == "revenue":
            _revenue_chart(book, sheet, frame, _sheet_name(name, lang), lang)
    book.close()
    return buffer.getvalue()


def _sheet_name(name: str, lang: str) -> str:
    zh, en = SHEETS.get(name, (name, name))
    return en if lang == "en" else zh


def _formats(book: Any) -> dict[str, Any]:
    def made(**given: Any) -> Any:
        return book.add_format({"font_name": "Noto Sans SC", "font_size": 10, **given})

    return {
        "title": made(bold=True, font_size=15, font_color="#0072B2"),
        "head": made(bold=True, bg_color="#F0F4F8", bottom=1, text_wrap=True, valign="top"),
        "bold": made(bold=True),
        "text": made(text_wrap=True, valign="top"),
        "warning": made(bold=True, bg_color="#FFF4E0", font_color="#D55E00", text_wrap=True),
        "money": made(num_format="#,##0.00"),
        "whole": made(num_format="#,##0"),
        "year": made(num_format="0"),
        "total": made(num_format="#,##0.00", bold=True, top=1),
        "total_whole": made(num_format="#,##0", bold=True, top=1),
    }


def _summary(book: Any, formats: dict[str, Any], outcome: Outcome, lang: str) -> None:
    from fiscalmodel.scenario.evaluate import SYNTHETIC

    sheet = book.add_worksheet(_sheet_name("summary", lang))
    sheet.set_column(0, 0, 18)
    sheet.set_column(1, 1, 100)
    sheet.write_string(0, 0, outcome.scenario.name(lang), formats["title"])
    row = 2
    if outcome.scenario.synthetic:
        sheet.write_string(row, 1, SYNTHETIC.get(lang), formats["warning"])
        row += 2
    words = (
        ("Answer", "Note", "Not available", "As of")
        if lang == "en"
        else ("结论", "说明", "未提供", "截止日期")
    )
    lines = [(words[0], text) for text in outcome.headline(lang)]
    lines += [(words[1], note.get(lang)) for note in outcome.notes]
    lines += [(words[2], reason.get(lang)) for reason in outcome.reasons.values()]
    lines.append((words[3], outcome.scenario.spec.as_of.isoformat()))
    for head, text in lines:
        sheet.write_string(row, 0, head, formats["bold"])
        sheet.write_string(row, 1, text, formats["text"])
        row += 1


def _write_frame(sheet: Any, formats: dict[str, Any], frame: pd.DataFrame, lang: str) -> None:
    sheet.freeze_panes(1, 0)
    for at, column in enumerate(frame.columns):
        name = str(column)
        values = frame[column]
        sheet.write_string(0, at, label(name, lang), formats["head"])
        numeric = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
        sheet.set_column(at, at, 15 if numeric else 22)
        for row, value in enumerate(values, start=1):
            if pd.isna(value):
                sheet.write_blank(row, at, None)
            elif numeric:
                sheet.write_number(row, at, float(value), _number_format(formats, name))
            else:
                sheet.write_string(row, at, str(value), formats["text"])
        if numeric and len(values) and _is_flow(name):
            total = float(values.sum())
            letter = _letter(at)
            kind = "total_whole" if name.endswith("_fen") else "total"
            formula = f"=SUM({letter}2:{letter}{len(values) + 1})"
            sheet.write_formula(len(values) + 1, at, formula, formats[kind], total)


def _is_flow(column: str) -> bool:
    """Whether the sum down the column means something; a balance's or a path's does not."""
    return column in ("fee_fen", "base_fen", "fee_yuan", "base_yuan", "paid_yuan", "payable_yuan")


def _number_format(formats: dict[str, Any], column: str) -> Any:
    if column in ("year", "period"):
        return formats["year"]
    return formats["whole" if column.endswith("_fen") else "money"]


def _letter(column: int) -> str:
    from xlsxwriter.utility import xl_col_to_name

    return str(xl_col_to_name(column))


def _revenue_chart(book: Any, sheet: Any, frame: pd.DataFrame, name: str, lang: str) -> None:
    chart = book.add_chart({"type": "line"})
    columns = list(frame.columns)
    last = len(frame)
    for column in ("linked_wan", "baseline_wan", "scenario_wan"):
        at = columns.index(column)
        chart.add_series(
            {
                "name": [name, 0, at],
                "categories": [name, 1, 0, last, 0],
                "values": [name, 1, at, last, at],
            }
        )
    chart.set_title({"name": label("general_public_budget_revenue", lang, "terms")})
    chart.set_y_axis({"name": "万元", "num_format": "#,##0"})
    chart.set_size({"width": 760, "height": 360})
    sheet.insert_chart(last + 3, 0, chart)
