"""The arithmetic of one fee, exact: rate, tiers, cap, minimum, rounding."""

from __future__ import annotations

from fractions import Fraction

from fiscalmodel.fees.rates import Terms


def half_up(value: Fraction) -> int:
    """Nearest whole number, halves away from zero (四舍五入).

    >>> half_up(Fraction(5, 2)), half_up(Fraction(-5, 2)), half_up(Fraction(12, 5))
    (3, -3, 2)
    """
    n, d = abs(value.numerator), value.denominator
    whole = (2 * n + d) // (2 * d)
    return whole if value >= 0 else -whole


def fee_fen(base_fen: int, terms: Terms | None) -> int:
    """Fee in 分 on a base in 分, rounded once.

    Parameters
    ----------
    base_fen
        What the fee is taken on. Zero or negative gives no fee.
    terms
        None where the kind has no rate: the fee is 0.

    Notes
    -----
    Plain: fee = base × rate. Tiers are progressive (超额累进): every tier's rate
    applies to the part of the base inside it. Then the minimum, then the cap.

    Examples
    --------
    1,000 receipts of 2.40 元 at 0.2 %: 2,400.00 × 0.2 % = 4.80 元.

    >>> fee_fen(240_000, Terms(Fraction(1, 5)))
    480
    """
    if terms is None or base_fen <= 0:
        return 0
    if terms.tiers:
        exact, below = Fraction(0), 0
        for bound, pct in terms.tiers:
            upper = base_fen if bound is None else min(bound, base_fen)
            exact += max(upper - below, 0) * pct / 100
            below = max(upper, below)
    else:
        exact = base_fen * terms.rate_pct / 100
    fee = half_up(exact)
    if terms.minimum_fen is not None:
        fee = max(fee, terms.minimum_fen)
    return fee if terms.cap_fen is None else min(fee, terms.cap_fen)


def credit_fen(base_fen: int, terms: Terms) -> int:
    """Fee to be given back (positive 分) on a negative base with one plain rate.

    >>> credit_fen(-100_000, Terms(Fraction(1, 2)))
    500
    """
    return half_up(-base_fen * terms.rate_pct / 100)


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


_DIGITS = "零壹贰叁肆伍陆柒捌玖"


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
