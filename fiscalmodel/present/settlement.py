"""The settlement form (结算单) of each bank: in Excel, with formulas, and as a printable page.

Words are those of ``params/words/fees.yaml``; the form is Chinese unless English is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fiscalmodel.days import to_date
from fiscalmodel.errors import InputError
from fiscalmodel.fees.ledger import Line, period_label
from fiscalmodel.fees.statement import CommissionStatement
from fiscalmodel.fees.terms import Terms, official_name, pct_text
from fiscalmodel.paths import inside, project_root, write_whole
from fiscalmodel.present.page import template
from fiscalmodel.present.workbook import Sheet, sheet_name, write_book
from fiscalmodel.words import say

_WIDTHS = (5, 10, 15, 10, 15, 13, 13, 13, 15, 8, 13, 13, 13, 13, 24)
_FIRST_ROW = 5  # of the lines, counted from 1
#: Columns of amounts, by position: before and after the rate.
_BASE, _FEE = (4, 5, 6, 7, 8), (10, 11, 12, 13)
#: Excluded lines that are listed under a form; the rest stands on its sheet.
_LISTED = 50
_DIGITS = "零壹贰叁肆伍陆柒捌玖"


def in_words(fen: int) -> str:
    """An amount in the capital characters of a settlement form (人民币大写).

    Source: 正确填写票据和结算凭证的基本规定 (支付结算办法附件一).

    >>> in_words(10_050_480), in_words(100_000_000), in_words(-5)
    ('壹拾万零伍佰零肆元捌角整', '壹佰万元整', '负伍分')
    """
    if fen < 0:
        return "负" + in_words(-fen)
    if fen == 0:
        return "零元整"
    yuan, rest = divmod(fen, 100)
    jiao, cent = divmod(rest, 10)
    text = _whole(yuan) + "元" if yuan else ""
    if jiao:
        text += _DIGITS[jiao] + "角"
    elif cent and yuan:
        text += "零"
    return text + (_DIGITS[cent] + "分" if cent else "整")


def _whole(number: int) -> str:
    """Capital characters of a positive whole number below 10**16."""
    text, gap = "", False
    for power, unit in ((12, "万亿"), (8, "亿"), (4, "万"), (0, "")):
        group = number // 10**power % 10_000
        if not group:
            gap = gap or bool(text)
            continue
        for place, name in ((1000, "仟"), (100, "佰"), (10, "拾"), (1, "")):
            digit = group // place % 10
            if digit:
                text += ("零" if gap and text else "") + _DIGITS[digit] + name
                gap = False
            else:
                gap = bool(text)
        text += unit
        gap = False
    return text


# ---- what a form says ----


def _head(name: str, lang: str) -> list[str]:
    """Column heads, kept in the words as one line."""
    return [text.strip() for text in say(f"fees.{name}")(lang).split("|")]


def _sums(lines: Sequence[Line]) -> dict[int, int]:
    """分 of each column of amounts, added up."""
    return {
        4: sum(x.paid_in for x in lines), 5: sum(x.refunds for x in lines),
        6: sum(x.carried_in for x in lines), 7: sum(x.carried_out for x in lines),
        8: sum(x.chargeable - x.carried_out for x in lines), 10: sum(x.fee for x in lines),
        11: sum(x.arrears for x in lines), 12: sum(x.paid for x in lines),
        13: sum(x.payable for x in lines),
    }  # fmt: skip


def _texts(statement: CommissionStatement, line: Line, lang: str) -> tuple[list[str], str]:
    """Period, kind and account of a line; and its basis."""
    basis = say("fees.no_rate")(lang) if line.rate is None else line.rate.document
    extra = "" if line.terms is None or line.terms.plain else line.terms.said(lang)
    label = period_label(line.period, statement.period)
    names = [official_name(code)(lang) for code in (line.kind, line.account)]
    return [label, *names], f"{basis} {extra}".strip()


def _by_bank(statement: CommissionStatement) -> dict[str, list[Line]]:
    banks: dict[str, list[Line]] = {}
    for line in statement.settled:
        banks.setdefault(line.bank, []).append(line)
    return dict(sorted(banks.items()))


def bank_notes(statement: CommissionStatement, bank: str, lang: str = "zh") -> list[str]:
    """Notes that concern a bank, and its excluded lines with their reasons."""
    others = tuple({line.bank for line in statement.settled} - {bank})
    notes = [n for note in statement.notes if not (n := note(lang)).startswith(others)]
    left_out = statement.excluded[statement.excluded["bank"].astype(str).eq(bank)]
    notes += [
        say("fees.form_excluded", **{str(k): v for k, v in row.items()})(lang)
        for row in left_out.head(_LISTED).to_dict("records")
    ]
    if len(left_out) > _LISTED:
        notes.append(say("fees.form_more", count=len(left_out) - _LISTED)(lang))
    return notes


def settlement_page(statement: CommissionStatement, *, warning: str = "", lang: str = "zh") -> str:
    """The statement as HTML: one form a bank, a page each when printed.

    Parameters
    ----------
    warning
        Shown on every form, e.g. that the receipts are synthetic.

    Notes
    -----
    Names are escaped, and no address outside the page is used.
    """
    forms = []
    for bank, lines in _by_bank(statement).items():
        rows = []
        for line in lines:
            texts, basis = _texts(statement, line, lang)
            own = _sums([line])
            rows.append({
                "texts": texts, "base": [own[j] for j in _BASE], "rate": _rate(line.terms, lang),
                "fee": [own[j] for j in _FEE], "basis": basis,
            })  # fmt: skip
        total = _sums(lines)
        forms.append({
            "bank": bank, "rows": rows, "base": [total[j] for j in _BASE],
            "fee": [total[j] for j in _FEE], "words": in_words(total[13]),
            "notes": bank_notes(statement, bank, lang),
        })  # fmt: skip
    words = {
        name: say(f"fees.form_{name}")(lang)
        for name in ("title", "bank", "day", "unit", "total", "capitals", "notes")
    }
    page = template("settlement.html.j2").render(
        words=words, head=_head("form_head", lang), signs=_head("form_signs", lang), forms=forms,
        as_of=statement.as_of, warning=warning, lang=lang,
    )  # fmt: skip
    return str(page)


def save_forms(
    statement: CommissionStatement, folder: str | Path, *, warning: str = "", lang: str = "zh"
) -> list[str]:
    """Write the workbook and the page into a folder of the project; returns where they stand.

    Raises
    ------
    InputError
        If the folder is outside the project, or a file, or one of them cannot be replaced.
    """
    target = inside(project_root(), folder, where="forms")
    if target.exists() and not target.is_dir():
        raise InputError("forms", "fees.no_folder", name=folder)
    name = say("fees.form_file")(lang)
    page = settlement_page(statement, warning=warning, lang=lang)
    write_whole(target / f"{name}.xlsx", settlement_workbook(statement, lang=lang))
    write_whole(target / f"{name}.html", page.encode("utf-8"))
    return [f"{folder}/{name}.xlsx", f"{folder}/{name}.html"]


def _rate(terms: Terms | None, lang: str) -> str:
    if terms is None:
        return "—"
    return say("fees.tiered")(lang) if terms.tiers else pct_text(terms.rate_pct)


# ---- Excel ----


def settlement_workbook(statement: CommissionStatement, *, lang: str = "zh") -> bytes:
    """The statement as an xlsx file: a summary, a form for each bank, what was left out, rates.

    Every number that follows from others is a formula with its value stored;
    names and notes are text cells. The same statement gives the same bytes.
    """
    own = _head("form_sheets", lang)

    def draw(book: Any) -> None:
        styles = _styles(book)
        summary, taken = book.add_worksheet(own[0]), {name.casefold() for name in own}
        forms: list[tuple[str, str, list[Line]]] = []
        for bank, lines in _by_bank(statement).items():
            name = sheet_name(bank, taken)
            _form(book.add_worksheet(name), styles, statement, bank, lines, lang)
            forms.append((bank, name, lines))
        _summary(summary, styles, statement, forms, lang)

    frames = (statement.excluded, statement.rates)
    sheets = {
        name: Sheet(frame.rename(columns={"kind": "receipt_kind"}))
        for name, frame in zip(own[1:], frames, strict=True)
    }
    # A day that depends on the statement alone: nothing here reads the clock.
    last = f"{max(statement.table['period'], default='2000')[:4]}-12-31"
    day = to_date(statement.as_of or last, where="as_of")
    return write_book(sheets, lang, title=say("fees.form_title")(lang), as_of=day, first=draw)


def _styles(book: Any) -> dict[str, Any]:
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


def _form(
    sheet: Any,
    styles: dict[str, Any],
    statement: CommissionStatement,
    bank: str,
    lines: list[Line],
    lang: str,
) -> None:
    """One bank's form."""
    head = _head("form_head", lang)
    last = len(head) - 1
    for j, width in enumerate(_WIDTHS):
        sheet.set_column(j, j, width)
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.set_row(0, 32)
    _across(sheet, 0, 0, last, say("fees.form_title")(lang), styles["title"])
    sheet.write_string(1, 0, f"{say('fees.form_bank')(lang)}{bank}", styles["text"])
    day = f"{say('fees.form_day')(lang)}{statement.as_of or '—'}"
    sheet.write_string(2, 0, day, styles["text"])
    sheet.write_string(2, last, say("fees.form_unit")(lang), styles["right"])
    for j, text in enumerate(head):
        sheet.write_string(3, j, text, styles["head"])
    sheet.set_row(3, 32)
    sheet.freeze_panes(4, 0)
    for i, line in enumerate(lines):
        _line(sheet, styles, statement, i, line, lang)
    end = _FIRST_ROW - 1 + len(lines)
    _across(sheet, end, 0, 3, say("fees.form_total")(lang), styles["total_text"])
    values = _sums(lines)
    for j in range(4, last + 1):
        if j in values:
            letter = chr(65 + j)
            formula = f"=SUM({letter}{_FIRST_ROW}:{letter}{end})"
            sheet.write_formula(end, j, formula, styles["total"], values[j] / 100)
        else:
            sheet.write_string(end, j, "", styles["total_text"])
    capitals = f"{say('fees.form_capitals')(lang)}{in_words(values[13])}"
    _across(sheet, end + 1, 0, last, capitals, styles["total_text"])
    sheet.write_string(end + 3, 0, say("fees.form_notes")(lang), styles["text"])
    row = _numbered(sheet, end + 4, last, bank_notes(statement, bank, lang), styles["note"])
    for j, text in zip((0, 5, 8, 11), _head("form_signs", lang), strict=True):
        sheet.write_string(row + 1, j, text, styles["text"])


def _across(sheet: Any, row: int, first: int, last: int, text: str, style: Any) -> None:
    """A text cell over several columns; never a formula."""
    sheet.merge_range(row, first, row, last, "", style)
    sheet.write_string(row, first, text, style)


def _numbered(sheet: Any, row: int, last: int, notes: Sequence[str], style: Any) -> int:
    for i, note in enumerate(notes):
        _across(sheet, row + i, 0, last, f"{i + 1}. {note}", style)
    return row + len(notes)


def _line(
    sheet: Any,
    styles: dict[str, Any],
    statement: CommissionStatement,
    i: int,
    line: Line,
    lang: str,
) -> None:
    row, at = _FIRST_ROW - 1 + i, _FIRST_ROW + i
    sheet.write_number(row, 0, i + 1, styles["middle"])
    texts, basis = _texts(statement, line, lang)
    for j, text in enumerate(texts, start=1):
        sheet.write_string(row, j, text, styles["middle"])
    values = _sums([line])
    for j in (4, 5, 6, 7, 11, 12):
        sheet.write_number(row, j, values[j] / 100, styles["money"])
    base = f"=E{at}+F{at}+G{at}-H{at}"
    sheet.write_formula(row, 8, base, styles["money"], values[8] / 100)
    terms = line.terms
    if terms is None or terms.tiers:
        sheet.write_string(row, 9, _rate(terms, lang), styles["middle"])
    else:
        sheet.write_number(row, 9, float(terms.rate_pct), styles["rate"])
    sheet.write_formula(row, 10, fee_formula(terms, at), styles["money"], line.fee / 100)
    sheet.write_formula(row, 13, f"=K{at}+L{at}-M{at}", styles["money"], line.payable / 100)
    sheet.write_string(row, 14, basis, styles["cell"])


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
    base, scale = f"ROUND(I{row}*100,0)", 1_000_000
    if terms.tiers:
        parts, below = [], 0
        for bound, pct in terms.tiers:
            upper = base if bound is None else f"MIN({base},{bound})"
            parts.append(f"MAX({upper}-{below},0)*{pct_text(pct * 10_000)}")
            below = bound if bound is not None else below
        exact = f"({'+'.join(parts)})"
    else:
        while terms.rate_pct * scale / 100 % 1:
            scale *= 10
        exact = f"{base}*ROUND(J{row}*{scale // 100},0)"
    fee = f"ROUND({exact}/{scale},0)/100"
    if terms.minimum_fen is not None:
        fee = f"IF({base}>0,MAX({fee},{terms.minimum_fen / 100}),{fee})"
    if terms.cap_fen is not None:
        fee = f"MIN({fee},{terms.cap_fen / 100})"
    return f"={fee}"


def _summary(
    sheet: Any,
    styles: dict[str, Any],
    statement: CommissionStatement,
    forms: Sequence[tuple[str, str, list[Line]]],
    lang: str,
) -> None:
    """The bureau's summary: totals of the forms, by reference."""
    columns = (8, 10, 11, 12, 13)
    sheet.set_column(0, 0, 28)
    sheet.set_column(1, 5, 18)
    sheet.set_row(0, 32)
    _across(sheet, 0, 0, 5, say("fees.form_summary")(lang), styles["title"])
    sheet.write_string(1, 5, say("fees.form_unit")(lang), styles["right"])
    for j, text in enumerate(_head("form_summary_head", lang)):
        sheet.write_string(2, j, text, styles["head"])
    for i, (bank, name, lines) in enumerate(forms):
        sheet.write_string(3 + i, 0, bank, styles["cell"])
        values, total = _sums(lines), _FIRST_ROW + len(lines)
        for j, column in enumerate(columns, start=1):
            formula = f"='{name}'!{chr(65 + column)}{total}"
            sheet.write_formula(3 + i, j, formula, styles["money"], values[column] / 100)
    end = 3 + len(forms)
    sheet.write_string(end, 0, say("fees.form_total")(lang), styles["total_text"])
    values = _sums(statement.settled)
    for j, column in enumerate(columns, start=1):
        formula = f"=SUM({chr(65 + j)}4:{chr(65 + j)}{end})"
        sheet.write_formula(end, j, formula, styles["total"], values[column] / 100)
    _numbered(sheet, end + 2, 5, [note(lang) for note in statement.notes], styles["note"])
