"""One column of a table to one array: exact 分, days, codes, flags.

Whole columns at a time. What cannot be read is marked, never guessed at; the
caller names the file and the cell.
"""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from importlib.util import find_spec
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from fiscalmodel.fees.words import NO, YES, clean

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

#: A number that lies this near (in 分) to a whole one is that whole one.
TOLERANCE_FEN = 1e-6
#: Amounts stay below 10 trillion 元, so that 64-bit sums can be guarded.
MAX_FEN = 10**15
#: Below this a double tells three decimals of 元 from two.
_EXACT_BELOW = float(2**46)
NO_DAY = np.int32(-(2**31))


def exact_fen(value: object) -> int | str:
    """分 of one amount in 元, or what is wrong with it.

    >>> exact_fen("1,234.50"), exact_fen(2.4), exact_fen(Decimal("-0.01"))
    (123450, 240, -1)
    >>> exact_fen("2.405")
    "'2.405' is not a whole number of 分"
    """
    if isinstance(value, (bool, np.bool_)) or value is None or value is pd.NA:
        return f"{value!r} is not an amount" if value is not None else "amount is missing"
    if isinstance(value, (float, np.floating)):
        if not np.isfinite(value):
            return "amount is missing" if np.isnan(value) else f"{value} is not an amount"
        fen = Fraction(float(value)) * 100
        whole = round(fen)
        if abs(fen - whole) > TOLERANCE_FEN and whole / 100 != float(value):
            return f"{float(value)!r} is not a whole number of 分"
        return _in_range(whole, value)
    text = clean(value).replace(",", "").removeprefix("¥").removeprefix("￥")
    if text.casefold() in {"", "nan", "none", "<na>"}:
        return "amount is missing"
    try:
        number = Decimal(text) * 100
        if not number.is_finite() or "_" in text:
            return f"{str(value)!r} is not an amount"
        if number != number.to_integral_value():
            return f"{str(value)!r} is not a whole number of 分"
    except (InvalidOperation, ValueError):
        return f"{str(value)!r} is not an amount"
    return _in_range(int(number), value)


def _in_range(fen: int, value: object) -> int | str:
    return fen if abs(fen) < MAX_FEN else f"{str(value)!r} is too large for an amount"


def to_fen(column: pd.Series[Any]) -> tuple[Ints, dict[int, str]]:
    """Amounts in 元 to integer 分.

    Text is taken as the decimal it spells, a float as the whole number of 分
    within a millionth of one; doubtful cells are settled one by one with
    exact arithmetic.

    Returns
    -------
    (array, dict)
        int64 分 (0 where bad); position -> what is wrong.
    """
    if pd.api.types.is_bool_dtype(column.dtype):
        return np.zeros(len(column), np.int64), dict.fromkeys(range(len(column)), "not an amount")
    if pd.api.types.is_integer_dtype(column.dtype) and not column.hasnans:
        raw = column.to_numpy(np.int64)
        sure = np.abs(raw) < MAX_FEN // 100
        fen = np.where(sure, raw, 0) * 100
    else:
        value = _floats(column)
        scaled = value * 100.0
        whole = np.rint(scaled)
        with np.errstate(invalid="ignore"):
            sure = np.abs(whole) < _EXACT_BELOW
            # Nearest double to a two-decimal number, or within the tolerance.
            sure &= (whole / 100.0 == value) | (np.abs(scaled - whole) < TOLERANCE_FEN / 2)
        if not sure.all():
            whole = np.where(sure, whole, 0.0)
        fen = whole.astype(np.int64)
    bad: dict[int, str] = {}
    for i in np.flatnonzero(~sure):
        result = exact_fen(column.iloc[int(i)])
        if isinstance(result, str):
            bad[int(i)] = result
        else:
            fen[i] = result
    return fen, bad


def _floats(column: pd.Series[Any]) -> npt.NDArray[np.float64]:
    """Nearest doubles; NaN for what is no number."""
    if isinstance(column.dtype, pd.StringDtype) and find_spec("pyarrow"):
        import pyarrow as pa

        try:
            return np.asarray(pa.array(column).cast("float64").to_numpy(zero_copy_only=False))
        except pa.ArrowInvalid:
            pass  # some cell is no plain number
    number = column
    if not pd.api.types.is_float_dtype(column.dtype):
        number = pd.to_numeric(column, errors="coerce")
    return number.to_numpy(np.float64, na_value=np.nan)


_DATE = re.compile(r"(\d{4})\D?(\d{1,2})\D?(\d{1,2})日?(?:[ T]\d.*)?$")


def parse_day(value: object) -> int | None:
    """Days since 1970-01-01 of one date, or None.

    >>> parse_day("2024年3月5日"), parse_day("20240305"), parse_day("2024-02-30")
    (19787, 19787, None)
    """
    if isinstance(value, (pd.Timestamp, dt.datetime)):
        return None if pd.isna(value) else (value.date() - dt.date(1970, 1, 1)).days
    if isinstance(value, np.datetime64):
        return None if np.isnat(value) else int(value.astype("datetime64[D]").astype(np.int64))
    if isinstance(value, dt.date):
        return (value - dt.date(1970, 1, 1)).days
    match = _DATE.match(clean(value))
    if match is None:
        return None
    year, month, day = map(int, match.groups())
    try:
        return (dt.date(year, month, day) - dt.date(1970, 1, 1)).days
    except ValueError:
        return None


def to_days(column: pd.Series[Any]) -> npt.NDArray[np.int32]:
    """Dates to days since 1970-01-01; `NO_DAY` where there is none."""
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        if getattr(column.dt, "tz", None) is not None:
            column = column.dt.tz_localize(None)
        stamps = column.to_numpy()
        days = stamps.astype("datetime64[D]").astype(np.int64)
        days[np.isnat(stamps)] = NO_DAY
        return days.astype(np.int32)
    codes, values = factorize(column)
    parsed = [parse_day(v) for v in values]
    table = np.array([*(NO_DAY if d is None else d for d in parsed), NO_DAY], dtype=np.int32)
    return np.asarray(table[codes], np.int32)


def factorize(column: pd.Series[Any]) -> tuple[npt.NDArray[np.integer[Any]], list[Any]]:
    """Codes (-1 where missing) and the values they stand for."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return column.cat.codes.to_numpy(), list(column.cat.categories)
    codes, values = pd.factorize(column, use_na_sentinel=True)
    return codes, list(values)


def to_flags(column: pd.Series[Any]) -> tuple[Bools, npt.NDArray[np.int32] | None, dict[int, str]]:
    """Unmatched marks: still pending, or the day on which they were cleared.

    Returns
    -------
    (array, array or None, dict)
        True where marked; cleared day (`NO_DAY` where none; None if no cell
        holds a date); position -> what cannot be read.
    """
    if pd.api.types.is_bool_dtype(column.dtype) and not column.hasnans:
        return column.to_numpy(np.bool_), None, {}
    codes, values = factorize(column)
    marked = np.zeros(len(values) + 1, np.bool_)
    days = np.full(len(values) + 1, NO_DAY, np.int32)
    unknown: dict[int, str] = {}
    for i, value in enumerate(values):
        word = clean(value).casefold()
        day = parse_day(value)
        if day is not None:
            marked[i], days[i] = True, day
        elif word in YES:
            marked[i] = True
        elif word not in NO:
            unknown[i] = str(value)
    bad: dict[int, str] = {}
    for code, text in unknown.items():
        bad |= dict.fromkeys(map(int, np.flatnonzero(codes == code)), text)
    return marked[codes], days[codes] if (days != NO_DAY).any() else None, bad


def is_blank(column: pd.Series[Any]) -> Bools:
    """True where a cell holds nothing."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        codes, values = factorize(column)
        blank = np.array([*(clean(v) == "" for v in values), True])
        return np.asarray(blank[codes], np.bool_)
    missing = column.isna().to_numpy(np.bool_)
    if missing.all() or pd.api.types.is_numeric_dtype(column.dtype):
        return missing
    present = np.flatnonzero(~missing)
    texts = column.iloc[present].astype(str).str.strip()
    missing = missing.copy()
    missing[present[texts.eq("").to_numpy(np.bool_)]] = True
    return missing
