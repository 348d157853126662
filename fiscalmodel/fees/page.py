"""The settlement form (结算单) of each bank as one printable HTML page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fiscalmodel.fees.fee import in_words
from fiscalmodel.fees.lines import Line
from fiscalmodel.fees.rates import pct_text
from fiscalmodel.fees.statement import CommissionStatement
from fiscalmodel.fees.words import official
from fiscalmodel.fees.workbook import HEAD, TITLE, bank_notes, sums
from fiscalmodel.units import yuan_text

TEMPLATES = Path(__file__).resolve().parent / "templates"
_BASE, _FEE = (4, 5, 6, 7, 8), (10, 11, 12, 13)


def settlement_page(statement: CommissionStatement, *, warning: str = "") -> str:
    """The statement as HTML: one form a bank, a page each when printed.

    Parameters
    ----------
    warning
        Shown on every form, e.g. that the receipts are synthetic.

    Notes
    -----
    Names are escaped, and no address outside the page is used.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters["yuan"] = yuan_text
    labels = dict(zip(map(id, statement.settled), statement.table["period"], strict=True))
    forms = []
    for bank in sorted({line.bank for line in statement.settled}):
        lines = [line for line in statement.settled if line.bank == bank]
        total = {j: sum(values) for j, values in sums(lines).items()}
        forms.append({
            "bank": bank, "rows": [_row(line, labels[id(line)]) for line in lines],
            "base": [total[j] for j in _BASE], "fee": [total[j] for j in _FEE],
            "words": in_words(total[13]), "notes": bank_notes(statement, bank),
        })  # fmt: skip
    page = environment.get_template("statement.html.j2")
    return page.render(title=TITLE, head=HEAD, forms=forms, as_of=statement.as_of, warning=warning)


def _row(line: Line, label: str) -> dict[str, Any]:
    values = {j: column[0] for j, column in sums([line]).items()}
    terms = line.terms
    rate = "—" if terms is None else "分档" if terms.tiers else pct_text(terms.rate_pct)
    basis = "未规定费率" if line.rate is None else line.rate.document
    extra = "" if terms is None or terms.plain else f" {terms}"
    return {
        "texts": (label, official(line.kind), official(line.account)),
        "base": [values[j] for j in _BASE], "rate": rate, "fee": [values[j] for j in _FEE],
        "basis": f"{basis}{extra}".strip(),
    }  # fmt: skip
