"""The settlement form (结算单) of each bank in Excel, with formulas that recompute it."""

from __future__ import annotations

import datetime as dt
import io
from typing import Any

import pandas as pd

from fiscalmodel.fees.fee import in_words
from fiscalmodel.fees.lines import Line
from fiscalmodel.fees.rates import Terms, pct_text
from fiscalmodel.fees.statement import CommissionStatement
from fiscalmodel.fees.words import official

TITLE = "非税收入代收手续费结算单"
#: Nothing in the data becomes a formula, a link or a number by itself.
OPTIONS = {
    "in_memory": True, "strings_to_formulas": False, "strings_to_urls": False,
    "strings_to_numbers": False,
}  # fmt: skip
HEAD = (
    "序号", "期间", "收入种类", "缴入账户", "实际缴入", "退付", "上期结转负基数", "结转下期负基数",
    "计费基数", "费率（%）", "手续费", "上期结欠", "已付", "应付", "依据",
)  # fmt: skip
_WIDTHS = (5, 10, 15, 10, 15, 13, 13, 13, 15, 8, 13, 13, 13, 13, 24)
_FIRST_ROW = 5  # of the lines, counted from 1


def settlement_workbook(statement: CommissionStatement) -> bytes:
    """The statement as an xlsx file: a summary, a form for each bank, what was left out, rates.

    Every number that follows from others is a formula with its value stored;
    names and notes are text cells. The same statement gives the same bytes.
    """
    import xlsxwriter

    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, OPTIONS)
    book.set_properties({"title": TITLE, "created": _created(statement)})
    styles = styles_of(book)
    summary = book.add_worksheet("汇总")
    forms: list[tuple[str, str, list[Line]]] = []
    for bank in sorted({line.bank for line in statement.settled}):
        lines = [line for line in statement.settled if line.bank == bank]
        name = _sheet_name(bank, [sheet for _, sheet, _ in forms])
        _form(book.add_worksheet(name), styles, statement, bank, lines)
        forms.append((bank, name, lines))
    _summary(summary, styles, statement, forms)
    _frame(book.add_worksheet("剔除明细"), styles, statement.excluded, _EXCLUDED_HEAD)
    _frame(book.add_worksheet("费率"), styles, statement.rates, _RATES_HEAD)
    book.close()
    return buffer.getvalue()


_EXCLUDED_HEAD = {
    "where": "位置", "receipt_id": "缴款书号", "bank": "银行", "kind": "种类", "account": "账户",
    "paid_in": "缴入日期", "amount": "金额（元）", "reason": "剔除原因",
}  # fmt: skip
_RATES_HEAD = {
    "kind": "收入种类",
    "bank": "银行",
    "account": "账户",
    "terms": "费率",
    "valid_from": "起始日期",
    "valid_to": "终止日期",
    "document": "文号",
    "confidence": "可信度",
}


def _created(statement: CommissionStatement) -> dt.datetime:
    """A date that depends on the statement alone: nothing here reads the clock."""
    if statement.as_of:
        return dt.datetime.fromisoformat(statement.as_of)
    last = max(statement.table["period"], default="2000")
    return dt.datetime(int(last[:4]), 12, 31)


def styles_of(book: Any) -> dict[str, Any]:
    """The cell formats of a form."""

    def made(**given: Any) -> Any:
        return book.add_format(
            {"font_name": "Noto Sans SC", "font_size": 10.5, "valign": "vcenter", **given}
        )

    edge = {"border": 1}
    return {
        "title": made(font_size=18, bold=True, align="center"),
        "text": made(), "right": made(align="right"),
        "head": made(**edge, bold=True, align="center", text_wrap=True, bg_color="#F0F4F8"),
        "cell": made(**edge, text_wrap=True), "middle": made(**edge, align="center"),
        "money": made(**edge, num_format="#,##0.00;[Red]-#,##0.00"),
        "rate": made(**edge, num_format="0.0###"),
        "total": made(**edge, bold=True, num_format="#,##0.00;[Red]-#,##0.00"),
        "total_text": made(**edge, bold=True), "note": made(text_wrap=True, valign="top"),
    }  # fmt: skip


def _sheet_name(bank: str, taken: list[str]) -> str:
    """A sheet's name from a bank's: letters and digits only, at most 31, no double."""
    plain = "".join(c if c.isalnum() else "_" for c in bank)[:28] or "银行"
    name, number = plain, 2
    while name.casefold() in {
        t.casefold() for t in [*taken, "汇总", "剔除明细", "费率", "history"]
    }:
        name, number = f"{plain[:26]}_{number}", number + 1
    return name


def _form(
    sheet: Any, styles: dict[str, Any], statement: CommissionStatement, bank: str, lines: list[Line]
) -> None:
    """One bank's form."""
    last = len(HEAD) - 1
    for j, width in enumerate(_WIDTHS):
        sheet.set_column(j, j, width)
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.set_row(0, 32)
    sheet.merge_range(0, 0, 0, last, "", styles["title"])
    sheet.write_string(0, 0, TITLE, styles["title"])
    sheet.write_string(1, 0, f"代收银行：{bank}", styles["text"])
    sheet.write_string(2, 0, f"结算截止日：{statement.as_of or '—'}", styles["text"])
    sheet.write_string(2, last, "单位：元", styles["right"])
    for j, text in enumerate(HEAD):
        sheet.write_string(3, j, text, styles["head"])
    sheet.set_row(3, 32)
    sheet.freeze_panes(4, 0)
    for i, line in enumerate(lines):
        _line(sheet, styles, statement, i, line)
    end = _FIRST_ROW - 1 + len(lines)
    sheet.merge_range(end, 0, end, 3, "", styles["total_text"])
    sheet.write_string(end, 0, "合计", styles["total_text"])
    values = sums(lines)
    for j in range(4, last + 1):
        if j in values:
            letter = chr(65 + j)
            formula = f"=SUM({letter}{_FIRST_ROW}:{letter}{end})"
            sheet.write_formula(end, j, formula, styles["total"], sum(values[j]) / 100)
        else:
            sheet.write_string(end, j, "", styles["total_text"])
    due = sum(values[13])
    sheet.merge_range(end + 1, 0, end + 1, last, "", styles["total_text"])
    sheet.write_string(end + 1, 0, f"应付合计（大写）：{in_words(due)}", styles["total_text"])
    _foot(sheet, styles, end + 3, [*bank_notes(statement, bank)])


def sums(lines: list[Line]) -> dict[int, list[int]]:
    """分 of each column that is added up."""
    return {
        4: [x.paid_in for x in lines], 5: [x.refunds for x in lines],
        6: [x.carried_in for x in lines], 7: [x.carried_out for x in lines],
        8: [x.chargeable - x.carried_out for x in lines], 10: [x.fee for x in lines],
        11: [x.arrears for x in lines], 12: [x.paid for x in lines], 13: [x.payable for x in lines],
    }  # fmt: skip


def _line(
    sheet: Any, styles: dict[str, Any], statement: CommissionStatement, i: int, line: Line
) -> None:
    row, at = _FIRST_ROW - 1 + i, _FIRST_ROW + i
    sheet.write_number(row, 0, i + 1, styles["middle"])
    label = statement.table["period"].iloc[statement.settled.index(line)]
    for j, text in ((1, label), (2, official(line.kind)), (3, official(line.account))):
        sheet.write_string(row, j, text, styles["middle"])
    values = sums([line])
    for j in (4, 5, 6, 7, 11, 12):
        sheet.write_number(row, j, values[j][0] / 100, styles["money"])
    base = f"=E{at}+F{at}+G{at}-H{at}"
    sheet.write_formula(row, 8, base, styles["money"], values[8][0] / 100)
    terms = line.terms
    if terms is None or terms.tiers:
        sheet.write_string(row, 9, "—" if terms is None else "分档", styles["middle"])
    else:
        sheet.write_number(row, 9, float(terms.rate_pct), styles["rate"])
    sheet.write_formula(row, 10, fee_formula(terms, at), styles["money"], line.fee / 100)
    sheet.write_formula(row, 13, f"=K{at}+L{at}-M{at}", styles["money"], line.payable / 100)
    basis = "未规定费率" if line.rate is None else line.rate.document
    extra = "" if terms is None or terms.plain else f" {terms}"
    sheet.write_string(row, 14, f"{basis}{extra}".strip(), styles["cell"])


def fee_formula(terms: Terms | None, row: int) -> str:
    """The fee as an Excel formula on the base in column I and the rate in column J.

    Whole 分 times a whole rate, so that no binary fraction comes in before the
    one rounding. Excel rounds halves away from zero.

    >>> from fractions import Fraction
    >>> fee_formula(Terms(Fraction(1, 2)), 5)
    '=ROUND(ROUND(I5*100,0)*ROUND(J5*10000,0)/1000000,0)/100'
    """
    if terms is None:
        return "=0"
    base = f"ROUND(I{row}*100,0)"
    if terms.tiers:
        parts, below = [], 0
        for bound, pct in terms.tiers:
            upper = base if bound is None else f"MIN({base},{bound})"
            parts.append(f"MAX({upper}-{below},0)*{pct_text(pct * 10_000)}")
            below = bound if bound is not None else below
        exact = f"({'+'.join(parts)})"
        scale = 1_000_000
    else:
        scale = 1_000_000
        while terms.rate_pct * scale / 100 % 1:
            scale *= 10
        exact = f"{base}*ROUND(J{row}*{scale // 100},0)"
    fee = f"ROUND({exact}/{scale},0)/100"
    if terms.minimum_fen is not None:
        fee = f"IF({base}>0,MAX({fee},{terms.minimum_fen / 100}),{fee})"
    if terms.cap_fen is not None:
        fee = f"MIN({fee},{terms.cap_fen / 100})"
    return f"={fee}"


def bank_notes(statement: CommissionStatement, bank: str) -> list[str]:
    """Notes that concern a bank, and its excluded lines with their reasons."""
    names = {line.bank for line in statement.settled} - {bank}
    notes = [n for n in statement.notes_zh if not any(n.startswith(other) for other in names)]
    left_out = statement.excluded[statement.excluded["bank"].astype(str).eq(bank)]
    notes += [
        f"剔除：{row['receipt_id']}，{row['paid_in']}，{row['amount']}元，原因：{row['reason']}"
        for row in left_out.to_dict("records")[:50]
    ]
    if len(left_out) > 50:
        notes.append(f"其余{len(left_out) - 50}笔见“剔除明细”。")
    return notes


def _foot(sheet: Any, styles: dict[str, Any], row: int, notes: list[str]) -> None:
    last = len(HEAD) - 1
    sheet.write_string(row, 0, "说明：", styles["text"])
    for i, note in enumerate(notes, start=1):
        sheet.merge_range(row + i, 0, row + i, last, "", styles["note"])
        sheet.write_string(row + i, 0, f"{i}. {note}", styles["note"])
    row += len(notes) + 2
    for j, text in (
        (0, "财政部门（盖章）："),
        (5, "经办人："),
        (8, "复核人："),
        (11, "代收银行（盖章）："),
    ):
        sheet.write_string(row, j, text, styles["text"])


def _summary(
    sheet: Any, styles: dict[str, Any], statement: CommissionStatement, forms: list[Any]
) -> None:
    """The bureau's summary: totals of the forms, by reference."""
    head = ("代收银行", "计费基数", "手续费", "上期结欠", "已付", "应付")
    columns = {1: "I", 2: "K", 3: "L", 4: "M", 5: "N"}
    sheet.set_column(0, 0, 28)
    sheet.set_column(1, 5, 18)
    sheet.set_row(0, 32)
    sheet.merge_range(0, 0, 0, 5, "", styles["title"])
    sheet.write_string(0, 0, "非税收入代收手续费汇总表", styles["title"])
    sheet.write_string(1, 5, "单位：元", styles["right"])
    for j, text in enumerate(head):
        sheet.write_string(2, j, text, styles["head"])
    for i, (bank, name, lines) in enumerate(forms):
        sheet.write_string(3 + i, 0, bank, styles["cell"])
        values, total = sums(lines), _FIRST_ROW + len(lines)
        for j, letter in columns.items():
            value = sum(values[ord(letter) - 65]) / 100
            sheet.write_formula(3 + i, j, f"='{name}'!{letter}{total}", styles["money"], value)
    end = 3 + len(forms)
    sheet.write_string(end, 0, "合计", styles["total_text"])
    for j, letter in columns.items():
        value = sum(sum(sums(lines)[ord(letter) - 65]) for _, _, lines in forms) / 100
        sheet.write_formula(
            end, j, f"=SUM({chr(65 + j)}4:{chr(65 + j)}{end})", styles["total"], value
        )
    for i, note in enumerate(statement.notes_zh):
        sheet.merge_range(end + 2 + i, 0, end + 2 + i, 5, "", styles["note"])
        sheet.write_string(end + 2 + i, 0, f"{i + 1}. {note}", styles["note"])


def _frame(sheet: Any, styles: dict[str, Any], frame: pd.DataFrame, head: dict[str, str]) -> None:
    """A frame as text cells; nothing in it is taken for a formula."""
    sheet.set_column(0, len(head) - 1, 18)
    for j, text in enumerate(head.values()):
        sheet.write_string(0, j, text, styles["head"])
    for i, record in enumerate(frame.to_dict("records"), start=1):
        for j, name in enumerate(head):
            value = record.get(name)
            sheet.write_string(i, j, "" if value is None else str(value), styles["cell"])
    if not len(frame):
        sheet.write_string(1, 0, "无", styles["text"])
