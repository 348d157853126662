"""The settlement form (结算单) of each bank: in Excel, with formulas, and as a printable page.

Words are those of ``params/words/fees.yaml``; the form is Chinese unless English is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from fiscalmodel.days import to_date
from fiscalmodel.errors import InputError
from fiscalmodel.fees.ledger import Line, period_label
from fiscalmodel.fees.statement import CommissionStatement
from fiscalmodel.fees.terms import Terms, official_name, pct_text
from fiscalmodel.paths import inside, project_root, write_whole
from fiscalmodel.present.book import cell_name, paper_workbook
from fiscalmodel.present.live import Place
from fiscalmodel.present.page import PageHead, template
from fiscalmodel.present.paper import Cell, Grid, Paper, grid_of
from fiscalmodel.present.workbook import letter
from fiscalmodel.words import say

#: Columns of a form; those of amounts by position, before and after the rate, and in the summary.
_KEYS = ("order", "period", "kind", "account", "paid_in_yuan", "refunds_yuan", "carried_in_yuan",
         "carried_out_yuan", "base_yuan", "rate_pct", "fee_yuan", "arrears_yuan", "paid_yuan",
         "payable_yuan", "basis")  # fmt: skip
_BASE, _FEE, _SUMMED = (4, 5, 6, 7, 8), (10, 11, 12, 13), (8, 10, 11, 12, 13)
_GIVEN = {11: "arrears_fen", 12: "paid_fen"}
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


def _sums(statement: CommissionStatement, lines: Sequence[Line]) -> dict[int, int | None]:
    """分 of each column of amounts, added up; None where it is not given."""
    missing = {at: None for at, name in _GIVEN.items() if name in statement.missing}
    return {
        4: sum(x.paid_in for x in lines), 5: sum(x.refunds for x in lines),
        6: sum(x.carried_in for x in lines), 7: sum(x.carried_out for x in lines),
        8: sum(x.chargeable - x.carried_out for x in lines), 10: sum(x.fee for x in lines),
        11: sum(x.arrears for x in lines), 12: sum(x.paid for x in lines),
        13: sum(x.payable for x in lines), **missing,
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
            own = _sums(statement, [line])
            rows.append({
                "texts": texts, "base": [own[j] for j in _BASE], "rate": _rate(line.terms, lang),
                "fee": [own[j] for j in _FEE], "basis": basis,
            })  # fmt: skip
        total = _sums(statement, lines)
        forms.append({
            "bank": bank, "rows": rows, "base": [total[j] for j in _BASE],
            "fee": [total[j] for j in _FEE], "words": in_words(_payable(lines)),
            "notes": bank_notes(statement, bank, lang),
        })  # fmt: skip
    words = {
        name: say(f"fees.form_{name}")(lang)
        for name in ("title", "bank", "day", "unit", "total", "capitals", "notes")
    } | {"not_given": say("fees.not_given")(lang)}
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


def _payable(lines: Sequence[Line]) -> int:
    return sum(line.payable for line in lines)


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
    own, banks = _head("form_sheets", lang), _by_bank(statement)
    live: dict[int, dict[Place, str]] = {0: {}}
    given = [j for j in (*_BASE, *_FEE) if _GIVEN.get(j) not in statement.missing]
    for n, lines in enumerate(banks.values(), 1):
        totals = {(len(lines), j): f"SUM({letter(j)}4:{letter(j)}{len(lines) + 3})" for j in given}
        fees = {(i, 10): fee_formula(line.terms, i + 4)[1:] for i, line in enumerate(lines)}
        live[n] = totals | fees
        # The bureau's summary takes the forms' totals.
        for j, column in enumerate(_SUMMED, 1):
            if column not in given:
                continue
            live[0][n - 1, j] = f"'{{{n}}}'!{cell_name((len(lines), column))}"
            live[0][len(banks), j] = f"SUM({letter(j)}4:{letter(j)}{len(banks) + 3})"
    frames = [
        grid_of(frame.rename(columns={"kind": "receipt_kind"}), name, lang)
        for name, frame in zip(own[1:], (statement.excluded, statement.rates), strict=True)
        if len(frame)
    ]  # fmt: skip
    forms = [_form(statement, bank, lines, lang) for bank, lines in banks.items()]
    # A day that depends on the statement alone: nothing here reads the clock.
    last = f"{max(statement.table['period'], default='2000')[:4]}-12-31"
    day = to_date(statement.as_of or last, where="as_of")
    head = PageHead(say("fees.form_title")(lang), lang=lang, day=day.isoformat())
    summary = _summary(statement, banks, own[0], lang)
    return paper_workbook(Paper(head, (summary, *forms, *frames)), live)


def _yuan(fen: int | None, lang: str) -> Cell:
    if fen is None:
        return Cell(say("fees.not_given")(lang))
    return Cell(f"{fen / 100:,.2f}", fen / 100)


def _form(statement: CommissionStatement, bank: str, lines: list[Line], lang: str) -> Grid:
    """One bank's form."""
    rows = []
    for i, line in enumerate(lines, 1):
        texts, basis = _texts(statement, line, lang)
        values, terms = _sums(statement, [line]), line.terms
        plain = terms is not None and not terms.tiers
        rate = Cell(_rate(terms, lang), float(terms.rate_pct) if terms and plain else None)
        rows.append((
            Cell(str(i), i), *map(Cell, texts), *(_yuan(values[j], lang) for j in _BASE), rate,
            *(_yuan(values[j], lang) for j in _FEE), Cell(basis),
        ))  # fmt: skip
    total, empty = _sums(statement, lines), Cell("")
    rows.append((
        Cell(say("fees.form_total")(lang)), *[empty] * 3, *(_yuan(total[j], lang) for j in _BASE),
        empty, *(_yuan(total[j], lang) for j in _FEE), empty,
    ))  # fmt: skip
    about = (
        f"{say('fees.form_bank')(lang)}{bank}",
        f"{say('fees.form_day')(lang)}{statement.as_of or '—'}",
        say("fees.form_unit")(lang),
    )
    capitals = f"{say('fees.form_capitals')(lang)}{in_words(_payable(lines))}"
    numbered = [f"{n}. {note}" for n, note in enumerate(bank_notes(statement, bank, lang), 1)]
    signs = "　　　".join(_head("form_signs", lang))
    notes = (capitals, say("fees.form_notes")(lang), *numbered, signs)
    return Grid(say("fees.form_title")(lang), "　".join(about), tuple(_head("form_head", lang)),
                _KEYS, tuple(rows), ("",) * len(rows), notes, sheet=bank)  # fmt: skip


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
    statement: CommissionStatement, banks: Mapping[str, list[Line]], sheet: str, lang: str
) -> Grid:
    """The bureau's summary: totals of the forms."""
    named = {**banks, say("fees.form_total")(lang): statement.settled}
    rows = [
        (Cell(name), *(_yuan(_sums(statement, lines)[j], lang) for j in _SUMMED))
        for name, lines in named.items()
    ]
    keys, notes = ("bank", *(_KEYS[j] for j in _SUMMED)), [note(lang) for note in statement.notes]
    return Grid(say("fees.form_summary")(lang), say("fees.form_unit")(lang),
                tuple(_head("form_summary_head", lang)), keys, tuple(rows), ("",) * len(rows),
                tuple(notes), sheet=sheet)  # fmt: skip
