"""The one grammar of printed numbers: cell or text to a number, a missing value, or neither."""

from __future__ import annotations

import datetime as dt
import re
import sys
from decimal import Decimal
from functools import lru_cache
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

#: Full-width ASCII, spaces and minus signs to their plain forms. Not NFKC, which
#: would turn a footnote mark such as ² into a digit of the amount.
_PLAIN: dict[int, int | str] = {
    **{code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)},
    **dict.fromkeys((0x3000, 0xA0, 0x2002, 0x2003, 0x2009, 0x202F, 0xFEFF, 0x200B), " "),
    **dict.fromkeys((0x2212, 0x2010, 0x2011, 0x2012, 0x2013, 0x2014, 0x2015, 0xFE63, 0x2500), "-"),
    0xFE6A: "%",
}
_MISSING = frozenset({
    "", "-", "--", "---", "----", "/", "\\", "*", "**", "***", "…", "……", "...", "·", "N/A", "n/a",
    "NA", "nan", "NaN", "null", "NULL", "None", "无", "暂无", "未公布", "不详", "缺", "#N/A",
})  # fmt: skip
#: Redacted by the source: X, XX, X.XX, ×××.
_REDACTED = re.compile(r"[Xx×]+(?:\.[Xx×]+)?%?")
_NUMBER = re.compile(
    r"(?P<body>\d+|\d{1,3}(?:,\d{3})+|\d{1,3}(?: \d{3})+)?(?P<frac>\.\d+)?"
    r"(?:[eE][+-]?\d{1,2})?",
    re.ASCII,
)
_TOO_LARGE = 1e300
_SIMPLE = re.compile(r"-?\d{1,300}(?:\.\d+)?", re.ASCII)
_UNIT_TAIL = re.compile(r"(?P<number>.*?[\d.)])\s*(?P<unit>[^\d\s.,()+-]{1,4})")
_FOOTNOTE = re.compile(r"(?P<number>.*[\d%)])\s*(?:[*#†‡]+|[①-⑳]|[¹²³⁴-⁹])")
_MONEY_TAILS = frozenset(
    {"分", "角", "元", "百元", "千元", "万元", "百万元", "千万元", "亿元", "万", "亿"}
)
_COUNT_TAILS = frozenset("个人户项次件辆套亩吨台笔家栋倍天年岁米名所座期条份")

#: A text that starts so would be taken for a formula by a spreadsheet.
RISKY = ("=", "+", "-", "@", "\t", "\r")

Kind = Literal["number", "missing", "text"]


class Cell(NamedTuple):
    """What a cell holds.

    Attributes
    ----------
    kind
        ``number``, ``missing`` (blank, ``—``, ``/``, ``X`` …) or ``text``.
    value
        The number; a percent is percent (``16.18%`` is 16.18). NaN otherwise.
    unit
        Unit printed in the cell itself (``%``, 亿元, 个), or empty.
    marked
        Whether a footnote mark was left out.
    """

    kind: Kind
    value: float = float("nan")
    unit: str = ""
    marked: bool = False


MISSING, TEXT = Cell("missing"), Cell("text")


def plain(text: str) -> str:
    """Full-width forms, odd spaces and dashes made plain; ends trimmed.

    >>> plain("　１，２３４．５０％ ")
    '1,234.50%'
    """
    return text.strip() if text.isascii() else text.translate(_PLAIN).strip()


def simple(value: Any) -> float | None:
    """A float, or a text of digits with at most a sign and a point, as float; else None.

    Quicker than `parse`, for the many cells that need no more.
    """
    if type(value) is float:
        return value
    return float(value) if type(value) is str and _SIMPLE.fullmatch(value) else None


def parse(value: Any) -> Cell:
    """A stored value or printed text.

    Negative forms are ``-5``, ``(5)``, ``△5``, ``▲5`` and ``-5``; a plus sign is allowed.
    Thousands separators must stand every three digits.

    >>> parse("（1,234.5）").value, parse("△3").value, parse("12.5%")
    (-1234.5, -3.0, Cell(kind='number', value=12.5, unit='%', marked=False))
    >>> parse("—").kind, parse("X").kind, parse("1,23").kind
    ('missing', 'missing', 'text')
    """
    if isinstance(value, bool):
        return TEXT
    if value is None or value is pd.NA or value is pd.NaT:
        return MISSING
    if isinstance(value, np.generic):
        return parse(value.item())
    if isinstance(value, (int, float)):
        if value != value:
            return MISSING
        return TEXT if abs(value) > sys.float_info.max else Cell("number", float(value))
    if isinstance(value, (dt.date, dt.time, dt.timedelta)):
        return TEXT
    return _parse_text(plain(str(value)))


@lru_cache(maxsize=65536)
def _parse_text(text: str) -> Cell:
    if text in _MISSING or _REDACTED.fullmatch(text):
        return MISSING
    number = signed(text)
    if number is not None:
        return Cell("number", number)
    if "%" in text:
        outer = text.endswith("%)") and text.startswith("(")
        number = signed(f"{text[:-2].rstrip()})" if outer else text.removesuffix("%").rstrip())
        if number is not None:
            return Cell("number", number, "%")
    return _with_tail(text)


def _with_tail(text: str) -> Cell:
    if marked := _FOOTNOTE.fullmatch(text):
        inner = _parse_text(marked["number"])
        return Cell("number", inner.value, inner.unit, True) if inner.kind == "number" else TEXT
    if tail := _UNIT_TAIL.fullmatch(text):
        number, unit = signed(tail["number"]), tail["unit"]
        if number is not None and (unit in _MONEY_TAILS or unit in _COUNT_TAILS):
            return Cell("number", number, unit)
    return TEXT


def signed(text: str) -> float | None:
    """A number with an optional sign, or None.

    >>> signed("-1,234.5"), signed("(3)"), signed("△ 2"), signed("1,2345"), signed("--3")
    (-1234.5, -3.0, -2.0, None, None)
    """
    body, sign = text, 1
    if len(text) > 2 and text[0] == "(" and text[-1] == ")":
        body, sign = text[1:-1].strip(), -1
    elif text[:1] in "-△▲+":
        body, sign = text[1:].lstrip(), 1 if text[:1] == "+" else -1
    match = _NUMBER.fullmatch(body)
    if match is None or not (match["body"] or match["frac"]):
        return None
    size = float(body.replace(",", "").replace(" ", ""))
    return sign * size if size < _TOO_LARGE else None


def percent_of(ratio: float) -> float:
    """A stored ratio as percent, without float dust.

    >>> percent_of(0.1618), percent_of(0.57)
    (16.18, 57.0)
    """
    return float(f"{ratio * 100:.15g}")


def number(value: Any) -> float | None:
    """A cell as float: NaN where nothing is printed, None where it is no number.

    A percent is percent (``16.18%`` is 16.18); any other unit in the cell makes it no number.

    >>> number("1,234.5"), number("△3"), number("1,23"), number("28,00"), number("2亿元")
    (1234.5, -3.0, None, None, None)
    """
    quick = simple(value)
    if quick is not None and abs(quick) != float("inf"):
        return quick
    cell = parse(value)
    return None if cell.kind == "text" or cell.unit not in ("", "%") else cell.value


def exact(value: Any) -> Decimal | None:
    """A cell as the decimal that it spells, or None; a float in its shortest form.

    >>> exact("1,234.50"), exact(2.4), exact("（3）"), exact("—")
    (Decimal('1234.50'), Decimal('2.4'), Decimal('-3'), None)
    """
    if isinstance(value, Decimal):
        return value if value.is_finite() else None
    cell = parse(value)
    if cell.kind != "number":
        return None
    digits = re.search(r"(?:\d[\d, ]*)?(?:\.\d+|\d)(?:[eE][+-]?\d+)?", plain(str(value)), re.ASCII)
    assert digits is not None  # a number has digits
    size = Decimal(digits[0].replace(",", "").replace(" ", ""))
    return -size if cell.value < 0 else size


def numbers(column: pd.Series[Any]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """A column as floats (NaN where missing or unreadable), and which cells are no number.

    The same grammar as `number`, whole columns at a time: only what is not plainly a
    number is looked at cell by cell.
    """
    if pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_bool_dtype(column.dtype):
        values = column.to_numpy(np.float64, na_value=np.nan).copy()
        return values, np.isinf(values)
    is_text = isinstance(column.dtype, pd.StringDtype)
    quick = pd.to_numeric(column, errors="coerce") if is_text else None
    values = np.full(len(column), np.nan) if quick is None else quick.to_numpy(np.float64).copy()
    bad = np.zeros(len(column), np.bool_)
    for at in np.flatnonzero(~np.isfinite(values)):
        found = number(column.iloc[int(at)])
        values[at] = np.nan if found is None else found
        bad[at] = found is None
    return values, bad


def printed(value: Any) -> str:
    """A stored value as a sheet would show it without a number format (15 digits).

    >>> printed(0.1 + 0.2), printed(3.0), printed(None)
    ('0.3', '3', '')
    """
    if value is None or value is pd.NA or value != value:
        return ""
    if type(value) is str:
        return value
    if isinstance(value, float):
        text = repr(value)
        if len(text) <= 16 and "e" not in text:
            return text.removesuffix(".0")
        text = f"{value:.15g}"
        return f"{value:.0f}" if "e" in text and abs(value) < 1e21 and value == int(value) else text
    return str(value)


#: One group of three digits: a comma between thousands, or a decimal one.
COMMA = re.compile(r"-?\d{1,3},\d{3}")


def why_no_number(value: Any) -> str:
    """Key of the sentence that says why a cell that should be a number is none."""
    text = plain(str(value))
    if re.fullmatch(r"-?\d{1,3},\d{1,3}", text):
        return "tables.comma_may_be_decimal"
    if re.fullmatch(r"[(\-△▲+]?[\d,.\s]+\)?%?", text):
        return "tables.not_a_number"
    return "tables.text_not_number"
