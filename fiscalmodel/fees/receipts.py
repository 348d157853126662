"""Receipts to arrays: every row read, checked, and every refund set against its receipt.

Whole columns at a time. What cannot be read is marked, never guessed at, and reported
with its cell.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from fiscalmodel import days
from fiscalmodel.errors import Collector
from fiscalmodel.fees.terms import (
    Relation,
    clean,
    date_text,
    day_number,
    headers,
    known_words,
    outside,
)
from fiscalmodel.numerals import exact, parse
from fiscalmodel.tables.records import Columns, TableLike, read_columns
from fiscalmodel.units import FEN_PER, money_unit, yuan_text
from fiscalmodel.words import Text, label, official, official_words, say

REQUIRED = ("receipt_id", "bank", "kind", "account", "paid_in", "amount")
COLUMNS = (*REQUIRED, "refund_of", "unmatched", "excluded")
#: A number that lies this near (in 分) to a whole one is that whole one.
TOLERANCE_FEN = 1e-6
#: Amounts stay below 10 trillion 元, so that 64-bit sums can be guarded.
MAX_FEN = 10**15
#: Below this many 分 a double tells a whole number from one that is not.
_EXACT_BELOW = float(2**46)
NO_DAY = np.int32(-(2**31))
#: Problems of one sort that are listed one by one; the rest is counted.
LISTED = 1000
_WORTH_THREADS = 100_000
_DENSE_BINS = 1 << 16
_PART = 26  # bits of the low part when sums would not fit a double

# What becomes of a row.
COUNTED, PENDING, EXCLUDED, REFUND, CLEARED = range(5)
STATUS_NAMES = ("paid_in", "unmatched", "excluded", "refund", "cleared")
#: A refund goes the way of its receipt: what it is set against.
_GOES = np.array([REFUND, PENDING, EXCLUDED, EXCLUDED, REFUND], np.int8)

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Factorized = tuple[npt.NDArray[np.integer[Any]], list[Any]]
#: What is wrong with a cell: key of the words, hint (empty for the key's own), fields.
Wrong = tuple[str, "Text | str", dict[str, object]]

# ---- one column to one array ----


def exact_fen(value: object, unit: str = "元") -> int | Wrong:
    """分 of one amount, or what is wrong with it.

    >>> exact_fen("1,234.50"), exact_fen(2.4), exact_fen("1.5", "万元")
    (123450, 240, 1500000)
    >>> exact_fen("2.405")[0], exact_fen("1,23")[0]
    ('tables.not_whole_fen', 'tables.comma_may_be_decimal')
    """
    if isinstance(value, (float, np.floating)) and np.isfinite(value):
        fen = Fraction(float(value)) * FEN_PER[unit]
        whole = round(fen)
        if abs(fen - whole) > TOLERANCE_FEN and float(Fraction(whole, FEN_PER[unit])) != value:
            return "tables.not_whole_fen", "", {"text": float(value), "unit": unit}
        return _in_range(whole, value)
    cell = parse(value)
    if cell.kind == "missing":
        return "ground.missing", "", {}
    text = str(value).strip()
    if cell.kind == "text" or (cell.unit and money_unit_or(cell.unit) is None):
        comma = cell.kind == "text" and exact(text.replace(",", "")) is not None
        key = "tables.comma_may_be_decimal" if comma else "tables.not_an_amount"
        return key, "", {"text": text}
    own = money_unit_or(cell.unit) or unit
    size = exact(value)
    assert size is not None  # the cell is a number
    amount = size * FEN_PER[own]
    if amount != amount.to_integral_value():
        return "tables.not_whole_fen", "", {"text": text, "unit": own}
    return _in_range(int(amount), value)


def money_unit_or(word: str) -> str | None:
    """A unit of money by its official name, or None."""
    return money_unit(word) if word in FEN_PER or word in ("万", "亿") else None


def _in_range(fen: int, value: object) -> int | Wrong:
    return fen if abs(fen) < MAX_FEN else ("fees.too_large", "", {"text": str(value)})


def to_fen(column: pd.Series[Any], unit: str = "元") -> tuple[Ints, dict[int, Wrong]]:
    """Amounts to integer 分.

    Text is taken as the decimal it spells, a float as the whole number of 分
    within a millionth of one; doubtful cells are settled one by one with
    exact arithmetic.

    Returns
    -------
    (array, dict)
        int64 分 (0 where bad); position -> what is wrong.
    """
    per = FEN_PER[unit]
    if pd.api.types.is_integer_dtype(column.dtype) and not column.hasnans:
        raw = column.to_numpy(np.int64)
        sure = np.abs(raw) < MAX_FEN // per
        fen = np.where(sure, raw, 0) * per
    else:
        number = column
        if pd.api.types.is_bool_dtype(column.dtype):
            number = pd.Series(np.nan, index=column.index)
        elif not pd.api.types.is_float_dtype(column.dtype):
            number = pd.to_numeric(column, errors="coerce")
        value = number.to_numpy(np.float64, na_value=np.nan)
        scaled = value * per
        whole = np.rint(scaled)
        with np.errstate(invalid="ignore"):
            sure = np.abs(whole) < _EXACT_BELOW
            # Nearest double to a decimal of whole 分, or within the tolerance.
            sure &= (whole / per == value) | (np.abs(scaled - whole) < TOLERANCE_FEN / 2)
        if not sure.all():
            whole = np.where(sure, whole, 0.0)
        fen = whole.astype(np.int64)
    bad: dict[int, Wrong] = {}
    for i in np.flatnonzero(~sure):
        result = exact_fen(column.iloc[int(i)], unit)
        if isinstance(result, int):
            fen[i] = result
        else:
            bad[int(i)] = result
    return fen, bad


def to_days(column: pd.Series[Any]) -> npt.NDArray[np.int32]:
    """Dates to days since 1970-01-01; `NO_DAY` where there is none."""
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        if getattr(column.dt, "tz", None) is not None:
            column = column.dt.tz_localize(None)
        stamps = column.to_numpy()
        numbers = stamps.astype("datetime64[D]").astype(np.int64)
        numbers[np.isnat(stamps)] = NO_DAY
        return numbers.astype(np.int32)
    codes, values = factorize(column)
    parsed = [days.day(v) for v in values]
    table = np.array([*(NO_DAY if d is None else day_number(d) for d in parsed), NO_DAY], np.int32)
    return np.asarray(table[codes], np.int32)


def factorize(column: pd.Series[Any]) -> Factorized:
    """Codes (-1 where missing) and the values they stand for."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return column.cat.codes.to_numpy(), list(column.cat.categories)
    codes, values = pd.factorize(column, use_na_sentinel=True)
    return codes, list(values)


def to_flags(column: pd.Series[Any]) -> tuple[Bools, npt.NDArray[np.int32] | None, list[int]]:
    """Unmatched marks: still pending, or the day on which they were cleared.

    Returns
    -------
    (array, array or None, list)
        True where marked; cleared day (`NO_DAY` where none; None if no cell
        holds a date); positions that cannot be read.
    """
    if pd.api.types.is_bool_dtype(column.dtype) and not column.hasnans:
        return column.to_numpy(np.bool_), None, []
    codes, values = factorize(column)
    marked = np.zeros(len(values) + 1, np.bool_)
    cleared = np.full(len(values) + 1, NO_DAY, np.int32)
    unread = np.zeros(len(values) + 1, np.bool_)
    for i, value in enumerate(values):
        day = days.day(value)
        marked[i] = day is not None or _flag(value) == "true"
        unread[i] = not marked[i] and not _says_no(value)
        if day is not None:
            cleared[i] = day_number(day)
    held = cleared[codes] if (cleared != NO_DAY).any() else None
    return marked[codes], held, [int(i) for i in np.flatnonzero(unread[codes])]


def _flag(value: Any) -> str | None:
    return official("flag", value) or official("unmatched", value)


def _says_no(value: Any) -> bool:
    text = clean(value).casefold().strip("-—/")
    return text in ("", "nan", "none", "nat", "<na>") or official("flag", value) == "false"


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


def identifiers(column: pd.Series[Any]) -> pd.Series[Any]:
    """Identifiers as whole numbers where the column is numeric, else as text."""
    if pd.api.types.is_integer_dtype(column.dtype) and not column.hasnans:
        return column
    if pd.api.types.is_float_dtype(column.dtype) and not column.isna().any():
        whole = column.to_numpy(np.float64)
        if (whole == np.rint(whole)).all():
            return pd.Series(whole.astype(np.int64), index=column.index)
    if isinstance(column.dtype, pd.StringDtype):
        return column.str.strip()
    return column.map(identifier).astype("str")


def identifier(value: Any) -> str | None:
    """One identifier as text: 1001, not 1001.0."""
    if value is None or (not isinstance(value, str) and pd.isna(value)):
        return None
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return str(int(value))
    return str(value).strip()


def exact_sums(key: Ints, fen: Ints) -> tuple[npt.NDArray[Any], list[int], npt.NDArray[Any]]:
    """Distinct keys, the exact sum of 分 and the number of rows of each.

    Doubles add whole numbers without loss below 2**53; larger totals are added
    in two parts.
    """
    if int(key.max()) < max(_DENSE_BINS, len(key)):
        every = np.bincount(key)
        codes = np.flatnonzero(every)
        counts = every[codes]
        inverse, size, pick = key, len(every), codes
    else:
        codes, inverse, counts = np.unique(key, return_inverse=True, return_counts=True)
        size, pick = len(codes), np.arange(len(codes))
    largest = max(abs(int(fen.max())), abs(int(fen.min())))
    if largest * len(fen) < 2**53:
        sums = np.bincount(inverse, weights=fen, minlength=size)[pick]
        return codes, sums.astype(np.int64).tolist(), counts
    high = np.bincount(inverse, weights=fen >> _PART, minlength=size)[pick]
    low = np.bincount(inverse, weights=fen & ((1 << _PART) - 1), minlength=size)[pick]
    both = zip(high.tolist(), low.tolist(), strict=True)
    return codes, [(int(h) << _PART) + int(lo) for h, lo in both], counts


# ---- the receipts ----


@dataclass
class Names:
    """Codes of banks, kinds and accounts, and how the receipts spell the last two."""

    banks: dict[str, int] = field(default_factory=dict)
    spellings: dict[str, set[str]] = field(default_factory=dict)
    kinds: tuple[str, ...] = field(default_factory=lambda: tuple(official_words("receipt_kind")))
    accounts: tuple[str, ...] = field(default_factory=lambda: tuple(official_words("account")))

    def bank(self, name: object) -> int:
        """Code of a bank, a new one for a new name; -1 for a blank."""
        text = clean(name)
        return self.banks.setdefault(text, len(self.banks)) if text else -1

    def word(self, group: str, value: object) -> int:
        """Code of a kind or account; -1 blank, -2 unknown."""
        text = clean(value)
        code = official(group, text) if text else None
        if code is None:
            return -2 if text else -1
        self.spellings.setdefault(code, set()).add(text)
        return (self.kinds if group == "receipt_kind" else self.accounts).index(code)

    def spelled(self, canonical: str) -> str:
        """The receipts' own word where they use only one, else the canonical word."""
        words = self.spellings.get(canonical, set())
        return next(iter(words)) if len(words) == 1 else canonical

    def line(self, bank: Any, kind: Any, account: Any) -> npt.NDArray[np.int32]:
        """One code for the three; -1 where one of them is unknown."""
        line = bank * np.int32(len(self.kinds) * len(self.accounts))
        line += kind * np.int8(len(self.accounts)) + account
        unknown = (bank < 0) | (kind < 0) | (account < 0)
        if unknown.any():
            line[unknown] = -1
        return np.asarray(line, np.int32)

    def codes(self, line: Any) -> tuple[Any, Any, Any]:
        """Codes of bank, kind and account of a line, or of an array of lines."""
        rest, account = np.divmod(line, len(self.accounts))
        bank, kind = np.divmod(rest, len(self.kinds))
        return bank, kind, account

    def of(self, line: int) -> tuple[str, str, str]:
        """Bank, canonical kind and canonical account of a line."""
        bank, kind, account = self.codes(line)
        return list(self.banks)[bank], self.kinds[kind], self.accounts[account]


@dataclass(frozen=True)
class Receipts:
    """Receipts and refunds as arrays of equal length, one row each.

    Attributes
    ----------
    table
        The rows as read, with their places.
    line
        Code of bank, kind and account, see `Names`; a refund has its receipt's.
        -1 where one is unknown.
    paid_in, day, rate_day
        Days since 1970-01-01: as written; on which the row counts; whose rate applies.
    fen, status
        分 (refunds negative) and what becomes of the row.
    left_out
        Rows that carry a reason for being excluded.
    backwards, turned
        How many refunds are dated before their receipt, and how many were
        written as positive amounts.
    """

    table: Columns
    names: Names
    line: npt.NDArray[np.int32]
    paid_in: npt.NDArray[np.int32]
    day: npt.NDArray[np.int32]
    rate_day: npt.NDArray[np.int32]
    fen: Ints
    status: npt.NDArray[np.int8]
    left_out: Bools
    backwards: int = 0
    turned: int = 0

    def excluded(self) -> pd.DataFrame:
        """Excluded lines as they were written, with their place and reason."""
        at = np.flatnonzero(self.left_out)
        rows = self.table.frame.iloc[at]
        result = rows[list(REQUIRED)].astype(object).reset_index(drop=True)
        result["reason"] = rows["excluded"].astype(object).to_numpy() if len(at) else []
        result.insert(0, "where", [self.table.where(int(i), "excluded") for i in at])
        return result


def read_receipts(
    source: TableLike,
    found: Collector,
    *,
    as_of: int | None = None,
    since: int = int(NO_DAY),
    relations: Sequence[Relation] | None = None,
) -> Receipts | None:
    """Read every column; problems of rows that are not excluded go to `found`.

    Returns
    -------
    Receipts
        None where there is not one row.

    Raises
    ------
    InputError
        If the table cannot be read at all, or lacks a column.
    """
    table = read_columns(source, name="receipts", columns=headers(*COLUMNS), required=REQUIRED)
    if not len(table):
        found.add(table.name, "fees.no_receipts")
        return None
    reader = _Reader(table, found, as_of)
    read = reader.read()
    read = _with_refunds(read, reader, found)
    if relations is not None:
        _check_relations(read, relations, since, found)
    return read


class _Reader:
    """Reads the columns of one table and reports what is wrong with their cells."""

    def __init__(self, table: Columns, found: Collector, as_of: int | None) -> None:
        self.table, self.frame, self.found, self.as_of = table, table.frame, found, as_of
        self.names = Names()
        self.left_out = self._left_out()
        marks = self.frame.get("refund_of")
        n = len(self.frame)
        self.refund = np.zeros(n, np.bool_) if marks is None else ~is_blank(marks)

    def read(self) -> Receipts:
        """Every column; refunds still stand by themselves."""
        as_of, refund, frame = self.as_of, self.refund, self.frame
        words = self._factorized()
        fen, bad = to_fen(frame["amount"], self.table.units.get("amount") or "元")
        self._report(bad, "amount", lambda i: bad[i])
        self._report(np.flatnonzero((fen < 0) & ~refund), "amount", lambda i: (
            "fees.negative_without_mark", "", {"amount": yuan_text(int(fen[i]))}))  # fmt: skip
        day = to_days(frame["paid_in"])
        self._report(np.flatnonzero(day == NO_DAY), "paid_in", lambda i: (
            "ground.not_a_date", "", {"text": self._cell("paid_in", i)}))  # fmt: skip
        if as_of is not None and int(day.max()) > as_of:
            self._report(np.flatnonzero(day > as_of), "paid_in", lambda i: (
                "fees.after_as_of", "",
                {"day": date_text(int(day[i])), "as_of": date_text(as_of)}))  # fmt: skip
        bank = _coded(frame["bank"], words["bank"], self.names.bank, np.int32)
        self._report(np.flatnonzero((bank < 0) & ~refund), "bank", lambda i: _missing)
        codes = [bank]
        for column, group in (("kind", "receipt_kind"), ("account", "account")):
            code = _coded(frame[column], words[column], partial(self.names.word, group), np.int8)
            rows = np.flatnonzero((code == -2) | ((code == -1) & ~refund))
            self._report(rows, column, partial(self._unknown, column, group))
            codes.append(np.maximum(code, np.int8(-1)))
        self.codes = codes
        status, on = self._status(day)
        line = self.names.line(*codes)
        return Receipts(self.table, self.names, line, day, on, day, fen, status, self.left_out)

    def _status(self, day: npt.NDArray[np.int32]) -> tuple[Any, npt.NDArray[np.int32]]:
        """What becomes of each row, and the day on which it counts."""
        status, on = np.zeros(len(day), np.int8), day
        if "unmatched" in self.frame:
            pending, cleared, unread = to_flags(self.frame["unmatched"])
            self._report(unread, "unmatched", lambda i: (
                "fees.not_a_mark", "", {"text": self._cell("unmatched", i)}))  # fmt: skip
            status[pending] = PENDING
            if cleared is not None:
                known = cleared != NO_DAY
                if self.as_of is not None:
                    known &= cleared <= self.as_of
                status[known] = CLEARED
        status[self.refund] = REFUND
        status[self.left_out] = EXCLUDED
        if (status == CLEARED).any() and cleared is not None:
            # Counted when it was cleared, at the rate of the day it was paid in.
            on = np.where(status == CLEARED, np.maximum(day, cleared), day)
        return status, on

    def _left_out(self) -> Bools:
        if "excluded" not in self.frame or self.frame["excluded"].isna().all():
            return np.zeros(len(self.frame), np.bool_)
        codes, values = factorize(self.frame["excluded"])
        for i, value in enumerate(values):
            if _flag(value) == "true":
                for row in np.flatnonzero(codes == i)[:LISTED]:
                    where = self.table.where(int(row), "excluded")
                    self.found.add(where, "fees.excluded_without_reason")
        return np.array([*(not _says_no(v) for v in values), False])[codes]

    def _factorized(self) -> dict[str, Factorized]:
        """Codes and values of the columns of words, side by side where it pays."""
        names = ("bank", "kind", "account")
        columns: list[pd.Series[Any]] = [self.frame[name] for name in names]
        if len(self.frame) < _WORTH_THREADS:
            return dict(zip(names, map(factorize, columns), strict=True))
        with ThreadPoolExecutor(len(columns)) as pool:
            return dict(zip(names, pool.map(factorize, columns), strict=True))

    def _report(self, rows: Any, column: str, says: Callable[[int], Wrong]) -> None:
        rows = [int(i) for i in rows if not self.left_out[i]]
        for i in rows[:LISTED]:
            key, hint, values = says(i)
            if key == "ground.missing":
                values = {"name": _label(column)}
            self.found.add(self.table.where(i, column), key, hint, **values)
        if len(rows) > LISTED:
            where = self.table.where(rows[LISTED], column)
            self.found.add(where, "fees.and_more", count=len(rows) - LISTED)

    def _cell(self, column: str, i: int) -> str:
        return str(self.frame[column].iloc[i])

    def _unknown(self, column: str, group: str, i: int) -> Wrong:
        value = self.frame[column].iloc[i]
        if pd.isna(value) or not clean(value):
            return "ground.missing", "", {}
        return "tables.unknown_word", known_words(group, value), {"text": str(value)}


def _label(column: str) -> Text:
    return Text(label(column), label(column, "en"))


_missing: Wrong = ("ground.missing", "", {})


def _coded(
    column: pd.Series[Any], factorized: Factorized, code_of: Callable[[Any], int], dtype: Any
) -> Any:
    codes, values = factorized
    used = np.ones(len(values), np.bool_)
    if isinstance(column.dtype, pd.CategoricalDtype):
        # Categories that no row uses are no banks.
        used = np.bincount(codes + 1, minlength=len(values) + 1)[1:] > 0
    found = [code_of(v) if use else -1 for v, use in zip(values, used, strict=True)]
    return np.array([*found, -1], dtype)[codes]


# ---- identifiers and refunds ----


def _with_refunds(read: Receipts, reader: _Reader, found: Collector) -> Receipts:
    """Doubled and missing identifiers go to `found`; refunds take after their receipts."""
    ids = identifiers(read.table.frame["receipt_id"])
    if not _rises(ids):
        _check_ids(ids, read, found)
    rows = np.flatnonzero(reader.refund & ~reader.left_out)
    if not len(rows):
        return read
    marks = identifiers(read.table.frame["refund_of"].iloc[rows])
    at = _look_up(ids, _like(marks, ids), read.status)
    return _judged(read, reader, _Refunds(read, found, rows, at, marks))


def _like(wanted: pd.Series[Any], ids: pd.Series[Any]) -> pd.Series[Any]:
    """Refund marks in the type of the identifiers."""
    if not pd.api.types.is_integer_dtype(ids.dtype):
        return wanted.astype("str")
    if pd.api.types.is_integer_dtype(wanted.dtype):
        return wanted
    number = pd.to_numeric(wanted, errors="coerce")
    return number.where(number == np.rint(number)).fillna(-(2**53)).astype(np.int64)


def _rises(ids: pd.Series[Any]) -> bool:
    """Whether identifiers are whole numbers that strictly rise: none blank, none twice."""
    if not pd.api.types.is_integer_dtype(ids.dtype):
        return False
    values = ids.to_numpy()
    return bool((values[1:] > values[:-1]).all())


def _look_up(ids: pd.Series[Any], wanted: pd.Series[Any], status: npt.NDArray[Any]) -> Ints:
    """Rows of the identifiers; -1 where there is none."""
    # Of whole numbers numpy makes a table, which is faster than pandas' hashes.
    whole = pd.api.types.is_integer_dtype(ids.dtype)
    near = np.flatnonzero(np.isin(ids, wanted) if whole else ids.isin(wanted))
    # Where an identifier stands twice, the row that counts is the receipt.
    near = near[np.argsort(status[near] == EXCLUDED, kind="stable")]
    at = pd.Series(near, index=pd.Index(ids.iloc[near]))
    at = at[~at.index.duplicated()]
    return at.reindex(wanted.to_numpy(), fill_value=-1).to_numpy(np.int64)


def _check_ids(ids: pd.Series[Any], read: Receipts, found: Collector) -> None:
    """Blank identifiers, and those that stand twice among the rows that count."""
    where = read.table.where
    counted, blank = read.status != EXCLUDED, is_blank(ids)
    for i in np.flatnonzero(blank & counted)[:LISTED]:
        found.add(where(int(i), "receipt_id"), "ground.missing", name=_label("receipt_id"))
    rows = np.flatnonzero(counted & ~blank)
    mine = ids if len(rows) == len(ids) else ids.iloc[rows]
    again = rows[mine.duplicated().to_numpy()][:LISTED]
    if not len(again):
        return
    names = ids.iloc[again]
    hits = rows[mine.isin(names).to_numpy()]
    firsts = pd.Series(hits, index=pd.Index(ids.iloc[hits])).groupby(level=0).first()
    for i, name in zip(again, names, strict=True):
        first = where(int(firsts[name]), "receipt_id")
        found.add(where(int(i), "receipt_id"), "fees.stands_twice", name=name, first=first)


class _Refunds:
    """Refunds that count (`rows`), the receipts they name (`at`, -1 for none), their marks."""

    def __init__(
        self, read: Receipts, found: Collector, rows: Any, at: Ints, marks: pd.Series[Any]
    ) -> None:
        self.read, self.found, self.rows, self.at, self.marks = read, found, rows, at, marks
        self.status = read.status[at]
        self.known = (at >= 0) & (self.status != REFUND)

    def report(self, which: Bools, column: str, key: str, says: Any = lambda i: {}) -> None:
        """Report refunds by their position among the refunds."""
        for i in np.flatnonzero(which)[:LISTED]:
            where = self.read.table.where(int(self.rows[i]), column)
            self.found.add(where, key, **says(int(i)))


def _judged(read: Receipts, reader: _Reader, refunds: _Refunds) -> Receipts:
    """Check each refund against its receipt, and put it where it belongs."""
    rows, at, known = refunds.rows, refunds.at, refunds.known
    mark = {"says": lambda i: {"name": str(refunds.marks.iloc[i])}}
    refunds.report(at < 0, "refund_of", "fees.unknown_receipt", **mark)
    refunds.report((at >= 0) & ~known, "refund_of", "fees.itself_a_refund", **mark)
    # A refund lowers the base of the bank, kind and account that collected.
    for column, own, theirs in zip(
        ("bank", "kind", "account"), reader.codes, read.names.codes(read.line[at]), strict=True
    ):
        refunds.report(
            known & (own[rows] >= 0) & (own[rows] != theirs), column, "fees.not_its_receipts",
            partial(_named, column),
        )  # fmt: skip
    fen = read.fen[rows]
    turned = int((fen > 0).sum()) if not (fen < 0).any() else 0
    if turned:
        fen = -fen
    refunds.report(fen > 0, "amount", "fees.positive_refund")
    _not_more(refunds, fen)
    early = known & (read.paid_in[rows] < read.paid_in[at])
    refunds.report(early, "paid_in", "fees.before_its_receipt", lambda i: {
        "receipt": read.table.where(int(at[i]), "paid_in")})  # fmt: skip
    line, day, rate_day = read.line.copy(), read.day.copy(), read.rate_day.copy()
    all_fen, status = read.fen.copy(), read.status.copy()
    line[rows] = np.where(known, read.line[at], -1)
    cleared = refunds.status == CLEARED
    day[rows] = np.where(cleared, np.maximum(day[rows], read.day[at]), day[rows])
    rate_day[rows], all_fen[rows], status[rows] = read.paid_in[at], fen, _GOES[refunds.status]
    return replace(
        read, line=line, day=day, rate_day=rate_day, fen=all_fen, status=status,
        backwards=int(early.sum()), turned=turned,
    )  # fmt: skip


def _named(column: str, _: int) -> dict[str, object]:
    return {"column": say(f"fees.the_{column}")}


def _not_more(refunds: _Refunds, fen: Ints) -> None:
    """The refunds of one receipt never exceed it."""
    at, known, read = refunds.at, refunds.known, refunds.read
    receipts, which = np.unique(at[known], return_inverse=True)
    if not len(receipts):
        return
    _, refunded, _ = exact_sums(which.astype(np.int64), -fen[known])
    paid = read.fen[receipts].tolist()
    over = [j for j, (back, whole) in enumerate(zip(refunded, paid, strict=True)) if back > whole]
    for j in over[:LISTED]:
        receipt = int(receipts[j])
        last = refunds.rows[np.flatnonzero(known & (at == receipt))[-1]]
        refunds.found.add(
            read.table.where(int(last), "amount"), "fees.refunds_exceed",
            refunded=yuan_text(refunded[j]), paid=yuan_text(paid[j]),
            receipt=read.table.where(receipt, "amount"),
        )  # fmt: skip


def _check_relations(
    read: Receipts, relations: Sequence[Relation], since: int, found: Collector
) -> None:
    """Receipts of unknown banks, or outside their bank's days; a refund goes by its receipt."""
    plain = (
        (read.status != EXCLUDED) & (read.line >= 0) & (read.paid_in >= max(since, int(NO_DAY) + 1))
    )
    if "refund_of" in read.table.frame:
        plain &= is_blank(read.table.frame["refund_of"])
    rows = np.flatnonzero(plain)
    pairs = (read.line[rows].astype(np.int64) << 32) + (read.paid_in[rows].astype(np.int64) + 2**31)
    wrong: Mapping[int, tuple[str, Text, Text]] = {
        pair: says
        for pair in np.unique(pairs).tolist()
        if (says := outside(relations, *read.names.of(pair >> 32), (pair & (2**32 - 1)) - 2**31))
    }
    hits = np.flatnonzero(np.isin(pairs, np.array(list(wrong), np.int64)))
    for i in hits[:LISTED]:
        column, problem, hint = wrong[int(pairs[i])]
        found.add(read.table.where(int(rows[i]), column), problem, hint)
    if len(hits) > LISTED:
        found.add(read.table.name, "fees.and_more", count=len(hits) - LISTED)
