"""Units of money: 元, 万元, 亿元, 分.

Conversion happens at the edges only. Inside, macro series and debt are float
万元, commissions are integer 分.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from fiscalmodel.errors import InputError, did_you_mean
from fiscalmodel.words import Text, say

#: 分 in one unit of money.
FEN_PER: dict[str, int] = {
    "分": 1,
    "角": 10,
    "元": 100,
    "百元": 10_000,
    "千元": 100_000,
    "万元": 1_000_000,
    "百万元": 100_000_000,
    "千万元": 1_000_000_000,
    "亿元": 10_000_000_000,
}
_ALIASES = {
    "人民币元": "元", "圆": "元", "RMB": "元", "CNY": "元", "yuan": "元", "fen": "分",
    "万": "万元", "wan": "万元", "亿": "亿元", "yi": "亿元",
}  # fmt: skip

T = TypeVar("T", float, "pd.Series[float]", pd.DataFrame, np.ndarray)


def money_unit(word: str, *, where: str = "unit") -> str:
    """The canonical name of a unit of money.

    Raises
    ------
    InputError
        If the word is no unit of money that is known here.

    >>> money_unit("人民币元"), money_unit("亿")
    ('元', '亿元')
    """
    text = str(word).strip()
    text = text.removeprefix("人民币") if text.removeprefix("人民币") in FEN_PER else text
    text = _ALIASES.get(text, text)
    if text in FEN_PER:
        return text
    near = did_you_mean(text, [*FEN_PER, *_ALIASES], cutoff=0.4)
    advice = Text.joined([near, say("ground.known", names=list(FEN_PER))], zh="", en=" ")
    raise InputError(where, "ground.unknown_money_unit", advice, text=word)


def convert(value: T, source: str, target: str) -> T:
    """Convert an amount between units of money by moving the decimal point.

    Parameters
    ----------
    value
        Number, array, Series or DataFrame of amounts in `source`.
    source, target
        Units such as 元, 万元, 亿元.

    Notes
    -----
    A float is taken at its shortest decimal form, so the result is the float
    nearest to the exact decimal: 1.1 万元 is 11000 元, not 11000.000000000002.
    An amount of up to 15 significant digits comes back unchanged from any unit.

    >>> convert(84.6, "亿元", "万元"), convert(1.1, "万元", "元")
    (846000.0, 11000.0)
    >>> convert(641814.0, "万元", "亿元")
    64.1814
    """
    factor, divisor = FEN_PER[money_unit(source)], FEN_PER[money_unit(target)]
    # Units of money differ by powers of ten.
    places = len(str(factor)) - len(str(divisor))
    moved: T = value if places == 0 else _move_point(value, places)
    return moved


def _move_point(value: Any, places: int) -> Any:
    if isinstance(value, pd.DataFrame):
        return value.apply(lambda column: _move_point(column, places))
    if isinstance(value, pd.Series):
        moved = _move_points(value.to_numpy(dtype=float, na_value=np.nan), places)
        return pd.Series(moved, index=value.index, name=value.name)
    if isinstance(value, np.ndarray):
        return _move_points(value.astype(float), places)
    if isinstance(value, (int, np.integer)):
        # Division of integers is rounded once.
        return int(value) * 10**places if places > 0 else int(value) / 10**-places
    if isinstance(value, Decimal):
        return value.scaleb(places)
    return float(Decimal(repr(float(value))).scaleb(places))


def _move_points(values: np.ndarray, places: int) -> np.ndarray:
    moved = values * 10.0**places if places > 0 else values / 10.0**-places
    # Whole amounts are exact already; the others go through their decimal form.
    inexact = (values != np.rint(values)) | (np.abs(moved) >= 2**53) | (np.abs(values) >= 2**53)
    for at in zip(*np.nonzero(inexact & np.isfinite(values)), strict=True):
        moved[at] = float(Decimal(repr(float(values[at]))).scaleb(places))
    return moved


def half_up(value: Fraction) -> int:
    """Nearest whole number, halves away from zero (四舍五入).

    >>> half_up(Fraction(5, 2)), half_up(Fraction(-5, 2)), half_up(Fraction(12, 5))
    (3, -3, 2)
    """
    n, d = abs(value.numerator), value.denominator
    whole = (2 * n + d) // (2 * d)
    return whole if value >= 0 else -whole


def yuan_text(fen: int) -> str:
    """An amount of integer 分 as 元 with two decimals and thousands separators.

    >>> yuan_text(-123450), yuan_text(480)
    ('-1,234.50', '4.80')
    """
    sign = "-" if fen < 0 else ""
    return f"{sign}{abs(fen) // 100:,}.{abs(fen) % 100:02d}"


def amount_text(value: float, unit: str, like: float | None = None) -> str:
    """An amount as it is said; 万元 from one 亿元 on are said in 亿元.

    `like` is the amount whose size decides on unit and decimals: that of a band's mean for
    its limits.

    >>> amount_text(258_000.0, "万元"), amount_text(9_800.0, "万元"), amount_text(1.5e9, "万元")
    ('25.80 亿元', '9,800.00 万元', '150,000 亿元')
    >>> amount_text(0.0, "万元", like=1.1e6)
    '0.00 亿元'
    """
    size = abs(value if like is None else like)
    if unit == "万元" and size >= 10_000:
        value, size, unit = value / 10_000, size / 10_000, "亿元"
    return f"{value:,.{2 if size < 10_000 else 0}f} {unit}".rstrip()
