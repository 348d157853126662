"""Commission rates: dated, by kind, bank and account; the terms of one fee."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any

from fiscalmodel.errors import Collector, InputError
from fiscalmodel.fees.columns import exact_fen, parse_day
from fiscalmodel.fees.files import TableLike, open_table, records
from fiscalmodel.fees.words import ACCOUNTS, KINDS, YES, account_of, clean, kind_of, near

HEADERS: dict[str, tuple[str, ...]] = {
    "kind": ("种类", "收入种类", "类别"),
    "rate_pct": ("费率(%)", "费率", "手续费率(%)", "手续费率"),
    "bank": ("银行", "代收银行", "代理银行"),
    "account": ("账户", "缴入账户"),
    "valid_from": ("起始日期", "生效日期", "执行起", "from"),
    "valid_to": ("终止日期", "截止日期", "执行止", "to"),
    "document": ("文号", "依据"),
    "confidence": ("置信度", "可信度"),
    "tiers": ("分档",),
    "cap_yuan": ("封顶(元)", "封顶"),
    "minimum_yuan": ("保底(元)", "保底"),
    "confirmed": ("已核实",),
}
#: A percent below this is a ratio typed by mistake, unless confirmed.
SUSPICIOUS_PCT = Fraction(1, 100)
FIRST_DAY, LAST_DAY = -(2**31) + 1, 2**31 - 1
RatesLike = TableLike | Mapping[str, Any] | None


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

    def __str__(self) -> str:
        if self.tiers:
            parts = [
                f"≤{bound // 100:,}元 {pct_text(pct)}%"
                if bound is not None
                else f"above {pct_text(pct)}%"
                for bound, pct in self.tiers
            ]
        else:
            parts = [f"{pct_text(self.rate_pct)}%"]
        if self.cap_fen is not None:
            parts.append(f"cap {self.cap_fen / 100:,.2f}元")
        if self.minimum_fen is not None:
            parts.append(f"minimum {self.minimum_fen / 100:,.2f}元")
        return "; ".join(parts)


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


def pct_text(pct: Fraction) -> str:
    """Percent as a plain decimal.

    >>> pct_text(Fraction(1, 2)), pct_text(Fraction(1, 5)), pct_text(Fraction(0))
    ('0.5', '0.2', '0')
    """
    number = Decimal(pct.numerator) / Decimal(pct.denominator)
    return f"{number.normalize():f}"


def read_rates(rates: RatesLike) -> tuple[Rate, ...]:
    """Rates from a table, a mapping kind -> percent, or the dated policy parameters.

    Raises
    ------
    InputError
        All problems of the table at once: unknown kind or account, a rate that
        is no percent between 0 and 100 or looks like a ratio, dates that do not
        follow, two rates for the same day.
    """
    if rates is None:
        return policy_rates()
    if isinstance(rates, Mapping):
        rates = [{"kind": k, "rate_pct": v} for k, v in rates.items()]
    source = open_table(rates, name="rates", headers=HEADERS, required=("kind", "rate_pct"))
    found = Collector()
    result: list[tuple[str, Rate]] = []
    for row, record in records(source):
        rate = _rate(record, lambda column, row=row: source.place(row, column), found)
        if rate is not None:
            result.append((source.place(row, "valid_from"), rate))
    _overlaps(result, found)
    found.raise_if_any()
    return tuple(rate for _, rate in result)


def policy_rates() -> tuple[Rate, ...]:
    """The dated policy parameters: fines 0.5 %, charges 0.2 % (武财综〔1999〕593号)."""
    from fiscalmodel.fees.defaults import rates_from_policy

    return rates_from_policy()


def _rate(record: dict[str, Any], at: Any, found: Collector) -> Rate | None:
    before = len(found.problems)
    kind = kind_of(record.get("kind"))
    if kind is None:
        found.add(
            at("kind"), f"unknown kind {record.get('kind')!r}", near(record.get("kind"), KINDS)
        )
    account = ""
    if record.get("account") is not None:
        account = account_of(record["account"]) or ""
        if not account:
            found.add(at("account"), f"unknown account {record['account']!r}",
                      near(record["account"], ACCOUNTS))  # fmt: skip
    confirmed = clean(record.get("confirmed") or "").casefold() in YES
    rate_pct = percent(record.get("rate_pct"), at("rate_pct"), found, confirmed=confirmed)
    tiers = _tiers(record.get("tiers"), at("tiers"), found, confirmed=confirmed)
    cap = _money(record.get("cap_yuan"), at("cap_yuan"), found)
    minimum = _money(record.get("minimum_yuan"), at("minimum_yuan"), found)
    if cap is not None and minimum is not None and minimum > cap:
        found.add(at("minimum_yuan"), "the minimum is above the cap", "swap them?")
    start = day_or(record.get("valid_from"), FIRST_DAY, at("valid_from"), found)
    end = day_or(record.get("valid_to"), LAST_DAY, at("valid_to"), found)
    if start > end:
        found.add(at("valid_to"), "ends before it begins", "valid_to is the last day that counts")
    if len(found.problems) > before or kind is None:
        return None
    terms = Terms(rate_pct, tiers, cap, minimum)
    return Rate(
        kind, terms, clean(record.get("bank") or ""), account, start, end,
        clean(record.get("document") or ""), clean(record.get("confidence") or ""),
    )  # fmt: skip


def percent(value: Any, where: str, found: Collector, *, confirmed: bool = False) -> Fraction:
    """A percent as an exact fraction; problems go to `found` (then 0)."""
    try:
        pct = Fraction(Decimal(clean(value).removesuffix("%").strip()))
    except (InvalidOperation, ValueError, OverflowError):
        found.add(where, f"{value!r} is not a rate in percent", "0.5 means 0.5 %")
        return Fraction(0)
    if not 0 <= pct <= 100:
        found.add(where, f"a rate of {value} % is out of range", "percent between 0 and 100")
    elif 0 < pct < SUSPICIOUS_PCT and not confirmed:
        times = pct_text(pct * 100)
        found.add(
            where, f"a rate of {value} % looks like a ratio",
            f"write {times} for {times} %, or put 'yes' into the column confirmed",
        )  # fmt: skip
    return pct


def _tiers(
    value: Any, where: str, found: Collector, *, confirmed: bool
) -> tuple[tuple[int | None, Fraction], ...]:
    """Tiers from ``[(10_000_000, 0.5), (None, 0.3)]`` or the text ``10000000=0.5; 0.3``."""
    if value is None:
        return ()
    pairs: list[tuple[Any, Any]]
    if isinstance(value, str):
        pieces = [p.rpartition("=") for p in value.replace("；", ";").split(";") if p.strip()]
        pairs = [(bound.strip() or None, pct) for bound, _, pct in pieces]
    else:
        pairs = [tuple(p) for p in value]
    tiers: list[tuple[int | None, Fraction]] = []
    for bound, pct in pairs:
        upper = None if bound is None else _money(bound, where, found)
        tiers.append((upper, percent(pct, where, found, confirmed=confirmed)))
    bounds = [b for b, _ in tiers]
    inner = [b for b in bounds[:-1] if b is not None]
    rising = len(inner) == len(bounds) - 1 and inner == sorted(set(inner)) and 0 not in inner
    if not tiers or bounds[-1] is not None or not rising:
        found.add(where, f"tiers {value!r} do not rise to an open end", "e.g. 10000000=0.5; 0.3")
    return tuple(tiers)


def _money(value: Any, where: str, found: Collector) -> int | None:
    if value is None:
        return None
    fen = exact_fen(value)
    if isinstance(fen, str) or fen < 0:
        found.add(where, fen if isinstance(fen, str) else f"{value} is negative", "an amount in 元")
        return None
    return fen


def day_or(value: Any, default: int, where: str, found: Collector) -> int:
    """Day of a date cell, `default` for an empty one; problems go to `found`."""
    if value is None:
        return default
    day = parse_day(value)
    if day is None:
        found.add(where, f"{str(value)!r} is not a date", "write 2024-07-01")
        return default
    return day


def _overlaps(rates: Sequence[tuple[str, Rate]], found: Collector) -> None:
    for i, (where, a) in enumerate(rates):
        for earlier, b in rates[:i]:
            same = (a.kind, a.bank, a.account) == (b.kind, b.bank, b.account)
            if same and a.valid_from <= b.valid_to and b.valid_from <= a.valid_to:
                found.add(where, f"two rates for {a.kind} on one day (see {earlier})",
                          "end the old one on the day before the new one begins")  # fmt: skip


def rate_on(rates: Sequence[Rate], bank: str, kind: str, account: str, day: int) -> Rate | None:
    """The rate for one receipt: its bank's own before the account's before the general one."""
    best: Rate | None = None
    best_rank = -1
    for rate in rates:
        fits = rate.kind == kind and rate.bank in ("", bank) and rate.account in ("", account)
        if fits and rate.valid_from <= day <= rate.valid_to:
            rank = 2 * bool(rate.bank) + bool(rate.account)
            if rank > best_rank:
                best, best_rank = rate, rank
    return best


def date_text(day: int) -> str:
    """ISO date of a day number; open ends are empty."""
    if day in (FIRST_DAY, LAST_DAY):
        return ""
    return (dt.date(1970, 1, 1) + dt.timedelta(days=day)).isoformat()


def need_rates(rates: Sequence[Rate]) -> None:
    """Refuse an empty table of rates."""
    if not rates:
        raise InputError("rates", "no rate is given", "one line per kind: kind, rate_pct")
