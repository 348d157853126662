"""An empty table of receipts for the banks to fill in."""

from __future__ import annotations

import datetime as dt
import io

from fiscalmodel.fees.words import COLUMNS, HEADERS
from fiscalmodel.fees.workbook import OPTIONS, styles_of


def receipts_template() -> bytes:
    """An empty table of receipts (xlsx) with headers, lists of words and an explanation."""
    import xlsxwriter

    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, OPTIONS)
    book.set_properties({"title": "代收明细", "created": dt.datetime(2000, 1, 1)})
    styles = styles_of(book)
    sheet = book.add_worksheet("代收明细")
    text = book.add_format({"num_format": "@"})
    money = book.add_format({"num_format": "0.00"})
    sheet.set_column(0, len(COLUMNS) - 1, 16, text)
    sheet.set_column(5, 5, 16, money)
    headers = [("金额（元）" if c == "amount" else HEADERS[c][0]) for c in COLUMNS]
    for j, header in enumerate(headers):
        sheet.write_string(0, j, header, styles["head"])
    for j, words in ((2, ["罚没", "收费"]), (3, ["国库", "财政专户"])):
        sheet.data_validation(
            1,
            j,
            100_000,
            j,
            {"validate": "list", "source": words, "ignore_blank": True, "error_type": "warning"},
        )
    notes = book.add_worksheet("填表说明")
    notes.set_column(0, 0, 110)
    for i, line in enumerate(_TEMPLATE_NOTES):
        notes.write_string(i, 0, line, styles["text"])
    book.close()
    return buffer.getvalue()


_TEMPLATE_NOTES = (
    "一行一笔。金额单位为元，最多两位小数；日期写作 2024-03-15。",
    "退付：金额填负数，并在“退付原缴款书号”填原缴款书号；银行、种类、账户可空，取原缴款。",
    "待查：填“是”，或填已查清的日期；查清后计入查清日所在期间，费率按缴入日。",
    "剔除原因：不计入基数的行须写明原因，原因将印在结算单上。",
    "以前年度的原缴款如被本期退付，也须列入本表（结算时用 since 指明本期首日）。",
)
