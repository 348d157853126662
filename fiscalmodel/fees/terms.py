"""Terms of a fee: dated rates by kind, bank and account, tiers, caps; who collects from when on."""

from __future__ import annotations

import datetime as dt
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction
from functools import partial
from itertools import groupby
from typing import Any, TypeAlias

from fiscalmodel import policy
from fiscalmodel.errors import did_you_mean, known_names
from fiscalmodel.tables.records import FILLED, Row, TableLike, read_records
from fiscalmodel.units import half_up, yuan_text
from fiscalmodel.words import Text, headers_in, official_words, say

#: A percent below this is a ratio typed by mistake, unless confirmed.
SUSPICIOUS_PCT = Fraction(1, 100)
#: Open ends of a span of days; days are whole numbers since 1970-01-01.
FIRST_DAY, LAST_DAY = -(2**31) + 1, 2**31 - 1
#: Columns of such a span.
SPAN = ("valid_from", "valid_to")
#: Kind -> its rate in ``params/policy/``.
PARAMETERS = {"fines": "commission_rate_fines", "charges": "commission_rate_charges"}
RateTable: TypeAlias = "TableLike | Mapping[str, Any] | None"
RelationTable: TypeAlias = "TableLike | Mapping[str, Any] | Sequence[str] | None"

# ---- words and days ----


def clean(value: object) -> str:
    """Text in NFKC without outer blanks; brackets and spaces come out half-width."""
    return unicodedata.normalize("NFKC", str(value)).strip()


def official_name(code: str) -> Text:
    """Official term of a canonical kind or account; the code itself where there is none."""
    for group in ("receipt_kind", "account"):
        if code in (zh := official_words(group)):
            return Text(zh[code], official_words(group, "en")[code])
    return Text.of(code)


def known_words(group: str, word: object) -> Text:
    """A hint: the nearest known word, and all of them."""
    zh, en = official_words(group), official_words(group, "en")
    near = did_you_mean(clean(word), [*zh.values(), *en.values()], cutoff=0.5)
    known = Text(known_names(zh.values())("zh"), known_names(en.values())("en"))
    return Text.joined([near, known], zh="", en=" ")


#: Columns with the further headers that they may stand under in tables of commissions.
headers = partial(headers_in, "commissions")


def rows_of(
    source: Any, name: str, *needed: str, optional: Sequence[str] = (), pair: Sequence[str] = (),
) -> Iterator[Row]:  # fmt: skip
    """Rows of a table of commissions that has the columns needed; its problems at the end.

    Parameters
    ----------
    pair
        Columns of the keys and values where a mapping stands for the table.
    """
    if pair and isinstance(source, Mapping) and "file" not in source:
        source = [dict(zip(pair, entry, strict=True)) for entry in source.items()]
    columns = headers(*needed, *optional)
    table = read_records(source, name=name, columns=columns)
    if table.need(*needed):
        yield from table
    table.done()


def line_of(row: Row, *, needed: bool = False) -> tuple[str, str, str]:
    """Bank, canonical kind and canonical account of a row; the last two may be blank."""
    default = FILLED if needed else None
    return (
        clean(row.text("bank", FILLED)), row.word("kind", "receipt_kind", default=default),
        row.word("account", "account", default=default),
    )  # fmt: skip


def fen_of(row: Row, *columns: str, needed: bool = True) -> int:
    """分 of the first of the columns that is filled in."""
    given = [column for column in columns if not row.blank(column)]
    return row.fen(given[0] if given else columns[-1], default=FILLED if needed else 0)


def period_of(row: Row, *, needed: bool = False) -> str:
    """The period of a row as text; blank where it is."""
    found = row.period("period", default=FILLED if needed else None)
    return "" if found is None else str(found)


def day_number(day: dt.date) -> int:
    """Days since 1970-01-01."""
    return (day - dt.date(1970, 1, 1)).days


def date_text(day: int) -> str:
    """ISO date of a day number; open ends are empty."""
    if day in (FIRST_DAY, LAST_DAY):
        return ""
    return (dt.date(1970, 1, 1) + dt.timedelta(days=day)).isoformat()


def span_of(row: Row) -> tuple[int, int]:
    """First and last day of a row's ``valid_from, valid_to``; open where blank."""
    ends = [row.day(column, default=None) for column in SPAN]
    start = FIRST_DAY if ends[0] is None else day_number(ends[0])
    end = LAST_DAY if ends[1] is None else day_number(ends[1])
    if start > end:
        row.report("valid_to", "fees.ends_before")
    return start, end


# ---- one fee ----


@dataclass(frozen=True)
class Terms:
    """What makes a fee out of a base.

    Attributes
    ----------
    rate_pct
        Percent, exact. With tiers: of the first tier.
    tiers
        (upper bound in 分 or None, percent), progressive; empty without tiers.
    cap_fen, minimum_fen
        Of one line (bank, kind, account) in one settlement period; None if none.
    """

    rate_pct: Fraction
    tiers: tuple[tuple[int | None, Fraction], ...] = ()
    cap_fen: int | None = None
    minimum_fen: int | None = None

    @property
    def plain(self) -> bool:
        """One rate, and nothing else."""
        return not self.tiers and self.cap_fen is None and self.minimum_fen is None

    @property
    def said(self) -> Text:
        """The terms in words: rate or tiers, cap and minimum."""
        parts = [
            say("fees.above", pct=pct_text(pct)) if bound is None
            else Text.of(f"≤{bound // 100:,}元 {pct_text(pct)}%")
            for bound, pct in self.tiers
        ] or [Text.of(f"{pct_text(self.rate_pct)}%")]  # fmt: skip
        for key, fen in (("fees.cap", self.cap_fen), ("fees.minimum", self.minimum_fen)):
            if fen is not None:
                parts.append(say(key, amount=yuan_text(fen)))
        return Text.joined(parts)


def pct_text(pct: Fraction) -> str:
    """Percent as a plain decimal.

    >>> pct_text(Fraction(1, 2)), pct_text(Fraction(1, 5)), pct_text(Fraction(0))
    ('0.5', '0.2', '0')
    """
    number = Decimal(pct.numerator) / Decimal(pct.denominator)
    return f"{number.normalize():f}"


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
    exact, below = Fraction(0), 0
    for bound, pct in terms.tiers or ((None, terms.rate_pct),):
        upper = base_fen if bound is None else min(bound, base_fen)
        exact += max(upper - below, 0) * pct / 100
        below = max(upper, below)
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


# ---- dated rates ----


@dataclass(frozen=True)
class Rate:
    """One dated rate; empty `bank` or `account` means every one."""

    kind: str
    terms: Terms
    bank: str = ""
    account: str = ""
    valid_from: int = FIRST_DAY
    valid_to: int = LAST_DAY
    document: str = ""
    confidence: str = ""

    @property
    def scope(self) -> tuple[str, str, str, int, int]:
        """What it is the rate of, and when."""
        return self.kind, self.bank, self.account, self.valid_from, self.valid_to


@dataclass
class RateBook:
    """Rates looked up once for each line and stretch of days between changes."""

    rates: Sequence[Rate]
    changes: list[int] = field(init=False)

    def __post_init__(self) -> None:
        ends = {r.valid_to + 1 for r in self.rates if r.valid_to < LAST_DAY}
        self.changes = sorted({r.valid_from for r in self.rates} | ends)

    def within(self, bank: str, kind: str, account: str, stretch: int) -> Rate | None:
        """The rate in one of the stretches that `changes` divides the days into."""
        # Before the first change no rate is in force: any day that early will do.
        day = self.changes[stretch - 1] if stretch else FIRST_DAY - 1
        return rate_on(self.rates, bank, kind, account, day)


def rate_on(rates: Sequence[Rate], bank: str, kind: str, account: str, day: int) -> Rate | None:
    """The rate for one receipt: its bank's own before the account's before the general one."""
    fitting = [
        r for r in rates
        if r.kind == kind and r.bank in ("", bank) and r.account in ("", account)
        and r.valid_from <= day <= r.valid_to
    ]  # fmt: skip
    return max(fitting, key=lambda r: 2 * bool(r.bank) + bool(r.account), default=None)


def policy_rates() -> tuple[Rate, ...]:
    """The dated policy parameters: fines 0.5 %, charges 0.2 % (武财综〔1999〕593号)."""
    rates: list[Rate] = []
    for kind, key in PARAMETERS.items():
        entries = policy.parameter(key).entries
        starts = [day_number(e.start) for e in entries]
        ends = [*(s - 1 for s in starts[1:]), LAST_DAY]
        for entry, start, end in zip(entries, starts, ends, strict=True):
            if entry.value is not None:  # None: repealed, hence no rate
                terms = Terms(Fraction(str(entry.value)))
                rates.append(Rate(kind, terms, "", "", start, end, entry.doc_no, entry.confidence))
    return tuple(rates)


def read_rates(rates: RateTable) -> tuple[Rate, ...]:
    """Rates from a table, a mapping kind -> percent, or the dated policy parameters.

    Parameters
    ----------
    rates
        Table ``kind, rate_pct`` and optionally ``bank, account, valid_from,
        valid_to, document, confidence, upto_yuan, cap_yuan, minimum_yuan,
        confirmed``. Rows of the same kind, bank, account and days with
        `upto_yuan` are progressive tiers, the last of them without a bound.

    Raises
    ------
    InputError
        All problems of the table at once: unknown kind or account, a rate that
        is no percent between 0 and 100 or looks like a ratio, dates that do not
        follow, tiers that do not rise, two rates for the same day.
    """
    if rates is None:
        return policy_rates()
    if isinstance(rates, Mapping) and "file" not in rates:
        rates = [{"kind": k, "rate_pct": v} for k, v in rates.items()]
    table = read_records(rates, name="rates", unit="元", columns=headers(
        "kind", "rate_pct", "bank", "account", "valid_from", "valid_to", "document", "confidence",
        "upto_yuan", "cap_yuan", "minimum_yuan", "confirmed",
    ))  # fmt: skip
    table.need("kind", "rate_pct")
    if any(header in ("tiers", "分档") for header in table.unknown):
        table.found.add(table.place(), "fees.tiers_in_rows")
    read = [_rate(row) for row in table] if table.has("kind") else []
    result: list[tuple[Row, Rate]] = []
    for _, group in groupby(read, key=lambda line: line[1].scope):
        lines = list(group)
        result += [_tiered(lines)] if any(upto is not None for *_, upto in lines) else [
            (row, rate) for row, rate, _ in lines
        ]  # fmt: skip
    if not table.found.problems:
        _overlaps(result)
    if not table.rows:
        table.found.add(table.place(), "fees.no_rate_given")
    table.done()
    return tuple(rate for _, rate in result)


def _rate(row: Row) -> tuple[Row, Rate, int | None]:
    """A row's rate, and the bound of its tier."""
    upto, cap, minimum = (
        None if row.blank(column) else row.fen(column, low=0)
        for column in ("upto_yuan", "cap_yuan", "minimum_yuan")
    )
    if cap is not None and minimum is not None and minimum > cap:
        row.report("minimum_yuan", "fees.minimum_above_cap")
    pct = percent(row, "rate_pct", confirmed=row.flag("confirmed"))
    start, end = span_of(row)
    rate = Rate(
        row.word("kind", "receipt_kind"), Terms(pct, (), cap, minimum), clean(row.text("bank")),
        row.word("account", "account", default=None), start, end, clean(row.text("document")),
        clean(row.text("confidence")),
    )  # fmt: skip
    return row, rate, upto


def percent(row: Row, column: str, *, confirmed: bool = False) -> Fraction:
    """A cell's percent as an exact fraction; problems go to the table's (then 0)."""
    value = row.number(column, low=0, high=100)
    pct = Fraction(0) if value != value else Fraction(repr(value))
    if 0 < pct < SUSPICIOUS_PCT and not confirmed:
        row.report(column, "fees.looks_like_ratio", pct=pct_text(pct), times=pct_text(pct * 100))
    return pct


def _tiered(lines: Sequence[tuple[Row, Rate, int | None]]) -> tuple[Row, Rate]:
    """Rows of one scope as one rate with tiers; cap and minimum may stand in any of them."""
    row, first, _ = lines[0]
    bounds = [upto for *_, upto in lines]
    inner = [bound for bound in bounds[:-1] if bound is not None]
    rising = len(inner) == len(bounds) - 1 and inner == sorted(set(inner)) and 0 not in inner
    if bounds[-1] is not None or not rising:
        row.report("upto_yuan", "fees.tiers_do_not_rise")
    tiers = tuple((upto, rate.terms.rate_pct) for _, rate, upto in lines)
    caps, minima = (
        [v for _, r, _ in lines if (v := getattr(r.terms, name)) is not None]
        for name in ("cap_fen", "minimum_fen")
    )
    terms = replace(
        first.terms,
        tiers=tiers,
        cap_fen=min(caps, default=None),
        minimum_fen=max(minima, default=None),
    )  # fmt: skip
    return row, replace(first, terms=terms)


def _overlaps(rates: Sequence[tuple[Row, Rate]]) -> None:
    for i, (row, a) in enumerate(rates):
        for earlier, b in rates[:i]:
            same = a.scope[:3] == b.scope[:3]
            if same and a.valid_from <= b.valid_to and b.valid_from <= a.valid_to:
                row.report(
                    "valid_from", "fees.two_rates", kind=official_name(a.kind),
                    earlier=earlier.where("valid_from"),
                )  # fmt: skip


# ---- who collects ----


@dataclass(frozen=True)
class Relation:
    """A bank may collect (代理关系) from the first to the last day, both included."""

    bank: str
    kind: str = ""
    account: str = ""
    valid_from: int = FIRST_DAY
    valid_to: int = LAST_DAY
    document: str = ""


def read_relations(relations: RelationTable) -> tuple[Relation, ...] | None:
    """Relations from a table, a list of banks, or a mapping bank -> (from, to).

    Raises
    ------
    InputError
        All problems of the table at once.
    """
    if relations is None:
        return None
    if isinstance(relations, Mapping) and "file" not in relations:
        relations = [{"bank": b, **dict(zip(SPAN, d, strict=False))} for b, d in relations.items()]
    elif isinstance(relations, Sequence) and not isinstance(relations, str):
        relations = [{"bank": r} if isinstance(r, str) else r for r in relations]
    optional = ("kind", "account", *SPAN, "document")
    return tuple(
        Relation(*line_of(row), *span_of(row), clean(row.text("document")))
        for row in rows_of(relations, "relations", "bank", optional=optional)
    )


def outside(
    relations: Sequence[Relation], bank: str, kind: str, account: str, day: int
) -> tuple[str, Text, Text] | None:
    """Column, problem and hint of a receipt of this bank on this day; None if it is in order."""
    mine = [r for r in relations if r.bank == bank]
    if not mine:
        near = did_you_mean(bank, {r.bank for r in relations}, cutoff=0.5)
        hint = Text.joined([near, say("fees.add_relation")], zh="", en=" ")
        return "bank", say("fees.unknown_bank", bank=bank), hint
    fitting = [r for r in mine if r.kind in ("", kind) and r.account in ("", account)]
    if any(r.valid_from <= day <= r.valid_to for r in fitting):
        return None
    spans: list[Text | str] = [
        say("fees.span", first=date_text(r.valid_from) or "…", last=date_text(r.valid_to) or "…")
        for r in fitting
    ] or [say("fees.no_span", kind=official_name(kind), account=official_name(account))]
    problem = say(
        "fees.outside_relation", day=date_text(day), bank=bank, spans=Text.joined(spans, "，", ", ")
    )
    return "paid_in", problem, say("fees.correct_relation")
