"""Receipts to arrays: every row read, checked, and every refund set against its receipt.

Whole columns at a time. What cannot be read is marked, never guessed at, and reported
with its cell.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
    LAST_DAY,
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
from fiscalmodel.words import Text, label, language, official, official_words, say

NEEDED = ("receipt_id", "bank", "kind", "paid_in", "amount")
REQUIRED = (*NEEDED, "account")
COLUMNS = (*REQUIRED, "refund_of", "unmatched", "excluded")
#: The account of receipts whose table has no column of accounts, or an empty one.
UNSTATED = "unstated"
#: A number that lies this near (in 分) to a whole one is that whole one.
TOLERANCE_FEN = 1e-6
#: Amounts stay below 10 trillion 元, so that 64-bit sums can be guarded.
MAX_FEN = 10**15
#: Below this many 分 a double tells a whole number from one that is not.
_EXACT_BELOW = float(2**46)
NO_DAY = np.int32(-(2**31))
#: Marks that are no day: still unmatched; cannot be read.
STILL, UNREAD = NO_DAY + np.int32(1), NO_DAY + np.int32(2)
#: What names a line -> its official words; banks have none.
WORDS = {"bank": "", "kind": "receipt_kind", "account": "account"}
#: Problems of one sort that are listed one by one; the rest is counted.
LISTED = 1000
_DENSE_BINS = 1 << 16
_PART = 26  # bits of the low part when sums would not fit a double

# What becomes of a row.
COUNTED, PENDING, EXCLUDED, REFUND, CLEARED = range(5)
STATUS_NAMES = ("paid_in", "unmatched", "excluded", "refund", "cleared")
#: A refund goes the way of its receipt: what it is set against.
_GOES = np.array([REFUND, PENDING, EXCLUDED, EXCLUDED, REFUND], np.int8)

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
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


def factorize(column: pd.Series[Any]) -> tuple[npt.NDArray[np.integer[Any]], list[Any]]:
    """Codes (-1 where missing) and the values they stand for; categories in use alone."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        used = column.cat.remove_unused_categories()
        return used.cat.codes.to_numpy(), list(used.cat.categories)
    codes, values = pd.factorize(column, use_na_sentinel=True)
    return codes, list(values)


def judged(column: pd.Series[Any], judge: Callable[[Any], Any], missing: Any, dtype: Any) -> Any:
    """What `judge` says of each distinct value, laid over the rows; `missing` where none stands."""
    codes, values = factorize(column)
    return np.array([*map(judge, values), missing], dtype)[codes]


def to_days(column: pd.Series[Any]) -> npt.NDArray[np.int32]:
    """Dates to days since 1970-01-01; `NO_DAY` where there is none."""
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        if getattr(column.dt, "tz", None) is not None:
            column = column.dt.tz_localize(None)
        stamps = column.to_numpy()
        numbers = stamps.astype("datetime64[D]").astype(np.int64)
        numbers[np.isnat(stamps)] = NO_DAY
        return numbers.astype(np.int32)
    return np.asarray(judged(column, _day, NO_DAY, np.int32))


def to_marks(column: pd.Series[Any]) -> npt.NDArray[np.int32]:
    """Unmatched marks: the day of clearing, or `NO_DAY` (no mark), `STILL` (pending), `UNREAD`."""
    if pd.api.types.is_bool_dtype(column.dtype) and not column.hasnans:
        return np.where(column.to_numpy(np.bool_), STILL, NO_DAY)

    def mark(value: Any) -> np.int32 | int:
        if (day := _day(value)) != NO_DAY:
            return day
        return STILL if _flag(value) == "true" else NO_DAY if _says_no(value) else UNREAD

    return np.asarray(judged(column, mark, NO_DAY, np.int32))


def _day(value: Any) -> np.int32 | int:
    day = days.day(value)
    return NO_DAY if day is None else day_number(day)


def _flag(value: Any) -> str | None:
    return official("flag", value) or official("unmatched", value)


def _says_no(value: Any) -> bool:
    text = clean(value).casefold().strip("-—/")
    return text in ("", "nan", "none", "nat", "<na>") or official("flag", value) == "false"


def is_blank(column: pd.Series[Any]) -> Bools:
    """True where a cell holds nothing."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return np.asarray(judged(column, lambda v: clean(v) == "", True, np.bool_))
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

    def code(self, column: str, value: object, *, known: bool = False) -> int:
        """Code of a bank, kind or account; -1 blank, -2 unknown.

        A new bank gets a new code, and spellings are kept, unless only what is `known` counts.
        """
        text = clean(value)
        if not text:
            return -1
        if column == "bank":
            new = -2 if known else self.banks.setdefault(text, len(self.banks))
            return self.banks.get(text, new)
        code = official(WORDS[column], text)
        if code is None:
            return -2
        if not known:
            self.spellings.setdefault(code, set()).add(text)
        return (self.kinds if column == "kind" else self.accounts).index(code)

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
    table = read_columns(source, name="receipts", columns=headers(*COLUMNS), required=NEEDED)
    if "account" not in table.frame or is_blank(table.frame["account"]).all():
        name = official_words("account", language())[UNSTATED]
        table = replace(table, frame=table.frame.assign(account=name))
    if not len(table):
        found.add(table.name, "fees.no_receipts")
        return None
    reader = _Reader(table, found)
    read = reader.read(as_of)
    reader.check_identifiers(read)
    read = reader.with_refunds(read)
    if relations is not None:
        reader.check_relations(read, relations, since)
    return read


class _Reader:
    """Reads the columns of one table and reports what is wrong with their cells."""

    def __init__(self, table: Columns, found: Collector) -> None:
        self.table, self.frame, self.found = table, table.frame, found
        self.names, marks = Names(), self.frame.get("refund_of")
        self.refund = np.zeros(len(table), np.bool_) if marks is None else ~is_blank(marks)
        self.ids = identifiers(self.frame["receipt_id"])
        self.left_out = np.zeros(len(table), np.bool_)
        if "excluded" in self.frame and not self.frame["excluded"].isna().all():
            reasons = self.frame["excluded"]
            bare = judged(reasons, lambda v: _flag(v) == "true", False, np.bool_)
            self.report(bare, "excluded", "fees.excluded_without_reason", more=False)
            self.left_out = judged(reasons, lambda v: not _says_no(v), False, np.bool_)

    def report(
        self, wrong: Any, column: str, key: str | Callable[[int], Wrong],
        says: Callable[[int], dict[str, object]] = lambda i: {}, *, rows: Any = None,
        more: bool = True,
    ) -> None:  # fmt: skip
        """Problems of one sort in a column.

        Parameters
        ----------
        wrong
            Where they are: of all rows, or of `rows`; what is left out has none.
        key
            Of the words, or what gives key, hint and values of a row.
        says
            Values of the words, by the position in `wrong`.
        more
            Whether it is told how many are not listed.
        """
        places = np.flatnonzero(wrong)
        at = places if rows is None else rows[places]
        kept = ~self.left_out[at]
        places, at = places[kept], at[kept]
        for place, row in zip(places[:LISTED].tolist(), at[:LISTED].tolist(), strict=True):
            what, hint, values = (key, "", says(place)) if isinstance(key, str) else key(place)
            if what == "ground.missing":
                values = {"name": Text(label(column), label(column, "en"))}
            self.found.add(self.table.where(row, column), what, hint, **values)
        if more and len(at) > LISTED:
            where = self.table.where(int(at[LISTED]), column)
            self.found.add(where, "fees.and_more", count=len(at) - LISTED)

    def read(self, as_of: int | None) -> Receipts:
        """Every column; refunds still stand by themselves."""
        refund, frame = self.refund, self.frame
        with ThreadPoolExecutor(len(WORDS)) as pool:
            self.codes = list(pool.map(self._coded, WORDS))
        fen, bad = to_fen(frame["amount"], self.table.units.get("amount") or "元")
        unread = np.zeros(len(fen), np.bool_)
        unread[list(bad)] = True
        self.report(unread, "amount", bad.__getitem__)
        self.report((fen < 0) & ~refund, "amount", "fees.negative_without_mark",
                    lambda i: {"amount": yuan_text(int(fen[i]))})  # fmt: skip
        day = to_days(frame["paid_in"])
        self.report(day == NO_DAY, "paid_in", "ground.not_a_date", self._text("paid_in"))
        if as_of is not None:
            self.report(day > as_of, "paid_in", "fees.after_as_of", lambda i: {
                "day": date_text(int(day[i])), "as_of": date_text(as_of)})  # fmt: skip
        for column, code in zip(WORDS, self.codes, strict=True):
            unknown = (code == -2) | ((code == -1) & ~refund)
            self.report(unknown, column, partial(self._unknown, column))
        status, on = self._status(day, as_of)
        line = self.names.line(*self.codes)
        return Receipts(self.table, self.names, line, day, on, day, fen, status, self.left_out)

    def _coded(self, column: str) -> Any:
        """Codes of a column of words."""
        small = np.int32 if column == "bank" else np.int8
        return judged(self.frame[column], partial(self.names.code, column), -1, small)

    def _status(self, day: npt.NDArray[np.int32], as_of: int | None) -> tuple[Any, Any]:
        """What becomes of each row, and the day on which it counts."""
        status, on = np.zeros(len(day), np.int8), day
        if "unmatched" in self.frame:
            marks = to_marks(self.frame["unmatched"])
            self.report(marks == UNREAD, "unmatched", "fees.not_a_mark", self._text("unmatched"))
            cleared = marks > UNREAD
            status[cleared | (marks == STILL)] = PENDING
            status[cleared & (marks <= (LAST_DAY if as_of is None else as_of))] = CLEARED
        status[self.refund] = REFUND
        status[self.left_out] = EXCLUDED
        if (status == CLEARED).any():
            # Counted when it was cleared, at the rate of the day it was paid in.
            on = np.where(status == CLEARED, np.maximum(day, marks), day)
        return status, on

    def _text(self, column: str) -> Callable[[int], dict[str, object]]:
        return lambda i: {"text": str(self.frame[column].iloc[i])}

    def _unknown(self, column: str, i: int) -> Wrong:
        value = self.frame[column].iloc[i]
        if pd.isna(value) or not clean(value):
            return "ground.missing", "", {}
        return "tables.unknown_word", known_words(WORDS[column], value), {"text": str(value)}

    # ---- identifiers and refunds ----

    def check_identifiers(self, read: Receipts) -> None:
        """Blank identifiers, and those that stand twice among the rows that count."""
        ids = self.ids
        if pd.api.types.is_integer_dtype(ids.dtype):
            values = ids.to_numpy()
            if (values[1:] > values[:-1]).all():
                return  # whole numbers that rise: none blank, none twice
        blank = is_blank(ids)
        self.report(blank, "receipt_id", "ground.missing", more=False)
        rows = np.flatnonzero((read.status != EXCLUDED) & ~blank)
        mine = ids if len(rows) == len(ids) else ids.iloc[rows]
        again = mine.duplicated().to_numpy()
        if not again.any():
            return
        names = mine.to_numpy()
        hits = np.flatnonzero(mine.isin(names[np.flatnonzero(again)[:LISTED]]).to_numpy())
        firsts = pd.Series(rows[hits], index=pd.Index(names[hits])).groupby(level=0).first()
        self.report(again, "receipt_id", "fees.stands_twice", lambda i: {
            "name": names[i], "first": self.table.where(int(firsts[names[i]]), "receipt_id"),
        }, rows=rows, more=False)  # fmt: skip

    def with_refunds(self, read: Receipts) -> Receipts:
        """Each refund checked against its receipt, and put where it belongs."""
        rows = np.flatnonzero(self.refund & ~self.left_out)
        if not len(rows):
            return read
        marks = identifiers(self.frame["refund_of"].iloc[rows])
        at = _look_up(self.ids, _like(marks, self.ids), read.status)
        goes = read.status[at]
        known = (at >= 0) & (goes != REFUND)
        report = partial(self.report, rows=rows, more=False)
        names: dict[str, Any] = {"says": lambda i: {"name": str(marks.iloc[i])}}
        report(at < 0, "refund_of", "fees.unknown_receipt", **names)
        report((at >= 0) & ~known, "refund_of", "fees.itself_a_refund", **names)
        # A refund lowers the base of the bank, kind and account that collected.
        theirs = read.names.codes(read.line[at])
        for column, own, there in zip(WORDS, self.codes, theirs, strict=True):
            other = known & (own[rows] >= 0) & (own[rows] != there)
            report(other, column, "fees.not_its_receipts", partial(_named, column))
        fen = read.fen[rows]
        turned = int((fen > 0).sum()) if not (fen < 0).any() else 0
        if turned:
            fen = -fen
        report(fen > 0, "amount", "fees.positive_refund")
        self._not_more(read, rows, at, known, fen)
        early = known & (read.paid_in[rows] < read.paid_in[at])
        report(early, "paid_in", "fees.before_its_receipt", lambda i: {
            "receipt": self.table.where(int(at[i]), "paid_in")})  # fmt: skip
        line, day, rate_day = read.line.copy(), read.day.copy(), read.rate_day.copy()
        all_fen, status = read.fen.copy(), read.status.copy()
        line[rows] = np.where(known, read.line[at], -1)
        day[rows] = np.where(goes == CLEARED, np.maximum(day[rows], read.day[at]), day[rows])
        rate_day[rows], all_fen[rows], status[rows] = read.paid_in[at], fen, _GOES[goes]
        return replace(
            read, line=line, day=day, rate_day=rate_day, fen=all_fen, status=status,
            backwards=int(early.sum()), turned=turned,
        )  # fmt: skip

    def _not_more(self, read: Receipts, rows: Any, at: Ints, known: Bools, fen: Ints) -> None:
        """The refunds of one receipt never exceed it."""
        receipts, which = np.unique(at[known], return_inverse=True)
        if not len(receipts):
            return
        refunded = np.array(exact_sums(which.astype(np.int64), -fen[known])[1], object)
        last = np.zeros(len(receipts), np.int64)
        last[which] = rows[known]  # of several refunds the last one stands
        where = self.table.where
        self.report(refunded > read.fen[receipts], "amount", "fees.refunds_exceed", lambda j: {
            "refunded": yuan_text(refunded[j]), "paid": yuan_text(int(read.fen[receipts[j]])),
            "receipt": where(int(receipts[j]), "amount"),
        }, rows=last, more=False)  # fmt: skip

    def check_relations(self, read: Receipts, relations: Sequence[Relation], since: int) -> None:
        """Receipts of unknown banks, or outside their bank's days; a refund goes by its receipt."""
        first = max(since, int(NO_DAY) + 1)
        plain = (read.line >= 0) & (read.paid_in >= first) & ~self.refund & ~self.left_out
        rows = np.flatnonzero(plain)
        bank_days = read.line[rows].astype(np.int64) << 32
        bank_days += read.paid_in[rows].astype(np.int64) + 2**31
        wrong = {
            pair: says
            for pair in np.unique(bank_days).tolist()
            if (
                says := outside(relations, *read.names.of(pair >> 32), (pair & (2**32 - 1)) - 2**31)
            )
        }
        hits = np.flatnonzero(np.isin(bank_days, np.array(list(wrong), np.int64)))
        for i in hits[:LISTED]:
            column, problem, hint = wrong[int(bank_days[i])]
            self.found.add(self.table.where(int(rows[i]), column), problem, hint)
        if len(hits) > LISTED:
            self.found.add(self.table.name, "fees.and_more", count=len(hits) - LISTED)


def _named(column: str, _: int) -> dict[str, object]:
    return {"column": say(f"fees.the_{column}")}


def _like(wanted: pd.Series[Any], ids: pd.Series[Any]) -> pd.Series[Any]:
    """Refund marks in the type of the identifiers."""
    if not pd.api.types.is_integer_dtype(ids.dtype):
        return wanted.astype("str")
    if pd.api.types.is_integer_dtype(wanted.dtype):
        return wanted
    number = pd.to_numeric(wanted, errors="coerce")
    return number.where(number == np.rint(number)).fillna(-(2**53)).astype(np.int64)


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
