"""Chinese headers and drop-down words to the names of the package, and back."""

from __future__ import annotations

from functools import cache
from typing import Any

from fiscalmodel.numerals import plain
from fiscalmodel.words import labels

#: Column -> the words that it chooses from, by their stored name.
CHOICES: dict[str, tuple[str, ...]] = {
    "kind": ("actual", "estimate", "budget", "target"),
    "version": ("initial_budget", "adjusted_budget", "execution", "final_account"),
    "coverage": ("gross", "local"),
    "calibre": ("as_published", "like_for_like", "refund_adjusted"),
    "repayment": ("bullet", "equal_principal", "equal_instalment", "custom"),
    "frequency": ("year", "half_year", "quarter", "month"),
    "source_category": (
        "fiscal_funds", "fund_budget", "idle_funds", "asset_disposal", "equity_disposal",
        "project_income",
    ),
    "receipt_kind": ("fines", "charges"),
    "account": ("treasury", "fiscal_account"),
    "flag": ("true", "false"),
}  # fmt: skip


@cache
def _labels() -> dict[str, Any]:
    return {s: labels(s) for s in ("columns", "terms", "values", "choices")}


def headers_of(column: str) -> tuple[str, ...]:
    """Every header that a column is read under: its name, both languages, further ones."""
    entry = _labels()["columns"][column]
    also = entry.get("also", [])
    return (column, entry["zh"], entry["en"], *(also if isinstance(also, list) else [also]))


def bare(header: str) -> str:
    """A header for comparison: plain forms, no spaces, lower case.

    >>> bare("本金余额 （万元）")
    '本金余额(万元)'
    """
    return plain(str(header)).replace(" ", "").replace("*", "").lower()


def header(column: str, lang: str = "zh") -> str:
    """Header of a column, with its unit."""
    return str(_labels()["columns"][column][lang])


def word(code: str, lang: str = "zh") -> str:
    """Word of a drop-down list."""
    return str(_labels()["choices"][code][lang])


def code(choice: str, text: str) -> str | None:
    """Stored name of a word of the list `choice`, in either language; None if it is none.

    >>> code("kind", "预计数"), code("kind", "执行数"), code("repayment", "bullet")
    ('estimate', 'actual', 'bullet')
    """
    wanted = bare(text)
    for name in CHOICES[choice]:
        words = {name, word(name, "zh"), word(name, "en")}
        if name in _labels()["values"]:
            words |= set(map(str, _labels()["values"][name].values()))
        if wanted in {bare(w) for w in words} | _MORE.get((choice, name), set()):
            return name
    return None


_MORE = {
    ("kind", "actual"): {"执行数", "决算数", "实际"},
    ("kind", "estimate"): {"预计", "执行预计"},
    ("kind", "budget"): {"预算"},
    ("kind", "target"): {"目标"},
    ("coverage", "local"): {"地方", "地方口径"},
    ("coverage", "gross"): {"财政总收入"},
    ("calibre", "as_published"): {"nominal", "现行口径"},
    ("flag", "true"): {"true", "1", "yes", "y", "√"},
    ("flag", "false"): {"false", "0", "no", "n", "×"},
}
