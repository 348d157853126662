"""What is given to a clearance plan: contracts, money, quotas, prior claims and limits.

All tables are read and checked together: every problem at once.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cache
from typing import Any

import pandas as pd
from scipy.optimize import brentq

from fiscalmodel import days, policy
from fiscalmodel.debt.cashflow import principal_parts
from fiscalmodel.debt.ledger import (
    Contract,
    Ledger,
    coupons,
    days_of,
    finish,
    rate,
    read_hidden_ledger,
)
from fiscalmodel.debt.schedule import MONTHS_OF, is_month_end, step_months
from fiscalmodel.errors import Collector
from fiscalmodel.findings import Finding
from fiscalmodel.tables.records import Row, TableLike, read_records
from fiscalmodel.words import Text, bare, headers_in, labels, marked, official, official_words, say

#: What a plan makes least, or the order in which it pays.
OBJECTIVES = ("quota_first", "least_interest", "least_present_value")
ORDERS = ("highest_rate_first", "earliest_maturity_first", "pro_rata", "given")
#: Old names of objectives in scenario files.
ALSO = {"least_cost": "least_present_value"}
FREQUENCIES = {"year": 12, "quarter": 3, "month": 1}
LONGEST_YEARS = 40
#: Kinds of source that shocks and levers act on, told by words in the category.
KINDS = ("disposal", "land", "transfer", "project", "fiscal")


@dataclass(frozen=True)
class Source:
    """One source of money in one period; `cap_wan` before the haircut.

    Without `available_from` it comes in evenly at the ends of the period's months. What
    is not spent lapses at the end of the year unless `carry`.
    """

    source_id: str
    category: str
    kind: str
    period: str
    first: dt.date
    last: dt.date
    available_from: dt.date | None
    cap_wan: float
    haircut_pct: float
    earmark: tuple[str, ...]
    carry: bool
    name: str = ""

    @property
    def net_wan(self) -> float:
        """What can be paid with it."""
        return self.cap_wan * (1 - self.haircut_pct / 100)

    @property
    def lapses(self) -> dt.date | None:
        """Last day on which it may be spent; None if it is carried on."""
        last = max(self.last, self.available_from or self.last)
        return None if self.carry else dt.date(last.year, 12, 31)

    def arrivals(self, opened: dt.date) -> list[tuple[dt.date, float]]:
        """Days on which it comes in from `opened` on, with the share of each."""
        if self.available_from is not None:
            day = max(self.available_from, self.first, opened)
            return [(day, 1.0)] if self.lapses is None or day <= self.lapses else []
        months = (self.last.year - self.first.year) * 12 + self.last.month - self.first.month + 1
        ends = [step_months(self.first.replace(day=1), k, False) for k in range(1, months + 1)]
        made = [day for end in ends if (day := end - dt.timedelta(days=1)) >= opened]
        return [(day, 1 / len(made)) for day in made]

    def moved(self, months: int) -> Source:
        """The same money some months later (earlier where negative)."""
        first, last = (days.add_months(day, months) for day in (self.first, self.last))
        at = self.available_from and days.add_months(self.available_from, months)
        if is_month_end(self.last):
            last = step_months(self.last, months, True)
        return replace(self, first=first, last=last, available_from=at)


@dataclass(frozen=True)
class Quota:
    """A batch of replacement quota; `amount_wan` is what is not used yet."""

    name: str
    kind: str
    period: str
    first: dt.date
    last: dt.date
    amount_wan: float
    rate_pct: float
    tenor_years: float
    repayment: str
    issue_cost_pct: float
    frequency: str = "year"  # of its coupons
    row: int = 0  # of its table, from 0

    def service(self) -> list[tuple[int, float, float]]:
        """Months after issue, principal and interest of 1 of its bonds.

        The first coupon period takes what is broken; equal instalments are level on whole ones.
        """
        step, i = MONTHS_OF[self.frequency] / 12, self.rate_pct / 100
        count = max(1, int(-(-(self.tenor_years - 1e-9) // step)))
        parts = principal_parts(self.repayment, 1.0, count, i * step)
        balance, before, made = 1.0, 0.0, []
        for k, part in enumerate(parts):
            time = self.tenor_years - (count - 1 - k) * step
            made.append((round(time * 12), part, balance * i * (time - before)))
            balance, before = balance - part, time
        return made

    @property
    def yield_pct(self) -> float:
        """Yearly yield at which its service is worth what is left after the cost of issue."""
        service, left = self.service(), 1 - self.issue_cost_pct / 100

        def lacks(pct: float) -> float:
            return float(sum((p + c) * (1 + pct / 100) ** (-m / 12) for m, p, c in service) - left)

        found: float = brentq(lacks, -50.0, 100.0, xtol=1e-13)
        return found


@dataclass(frozen=True)
class Claim:
    """What ranks before the plan in a period: 三保, principal and interest of bonds."""

    item: str
    first: dt.date
    last: dt.date
    need_wan: float
    budget: str  # general or fund
    inside: bool  # already inside the spending line, so not taken off again


@dataclass(frozen=True)
class Limit:
    """Debt limits of a year, 万元; not a number where none is given."""

    year: int
    general_wan: float
    special_wan: float


@dataclass(frozen=True)
class Order:
    """One payment of a plan that is given, between two days."""

    first: dt.date
    day: dt.date
    contract_id: str
    amount_wan: float
    use: str


@dataclass(frozen=True)
class Options:
    """Options of a plan; see `plan_clearance`."""

    as_of: Any
    deadline: Any = "2028-12-31"
    rule: str = "quota_first"
    discount_pct: float | None = None
    frequency: str = "month"
    day_count: str = "30/360"
    minimums: bool = True
    capitalise: bool = False
    bond_service: bool = True
    stated_total_wan: float | None = None
    statutory_wan: float = 0.0
    special_wan: float = 0.0
    special_headroom_wan: float | None = None
    reserve_pct: float = 0.0


@dataclass(frozen=True)
class Given:
    """Checked input of one plan; contracts and sources sorted by their ids."""

    ledger: Ledger
    contracts: tuple[Contract, ...]
    sources: tuple[Source, ...]
    quotas: tuple[Quota, ...]
    claims: tuple[Claim, ...]
    limits: tuple[Limit, ...]
    orders: tuple[Order, ...]
    as_of: dt.date
    deadline: dt.date
    options: Options
    notes: tuple[Text, ...] = field(default=())

    @property
    def opened(self) -> dt.date:
        """First day of the plan: ``as_of`` is a close of day, or the opening of a month's first."""
        return self.as_of if self.as_of.day == 1 else self.as_of + dt.timedelta(days=1)

    def same(self, other: Given) -> bool:
        """Whether another input says the same in all."""
        mine, others = (
            {f.name: getattr(one, f.name) for f in fields(one) if f.name != "ledger"}
            for one in (self, other)
        )
        same = mine == others and self.ledger.found == other.ledger.found
        return same and self.ledger.table.equals(other.ledger.table)

    @property
    def discount_pct(self) -> float:
        """The rate of present values: stated, else the mean yield of the batches by amount.

        Not a number where neither is there.
        """
        if self.options.discount_pct is not None:
            return float(self.options.discount_pct)
        total = sum(q.amount_wan for q in self.quotas)
        if not total > 0:
            return float("nan")
        return sum(q.amount_wan * q.yield_pct for q in self.quotas) / total

    @property
    def coupons(self) -> list[Text]:
        """How often the bonds of the batches pay interest."""
        return list(dict.fromkeys(say(f"debt.every.{q.frequency}") for q in self.quotas))

    def special_limit(self, year: int) -> float:
        """Limit of special debt at a year's end, raised by the quota that has come by then.

        Not a number where none is given.
        """
        end = dt.date(year, 12, 31)
        stated = next((x.special_wan for x in self.limits if x.year == year), float("nan"))
        return stated + sum(q.amount_wan for q in self.quotas if q.first <= end)

    def source_names(self, ids: Iterable[Any]) -> list[str]:
        """What each source is called: its name, else its category; bonds by their batch."""
        names = {s.source_id: s.name or s.category for s in self.sources}
        return [names.get(str(name), str(name)) for name in ids]

    def table(self, what: str) -> pd.DataFrame:
        """The ``sources`` or ``quotas`` as a frame that `plan_clearance` takes again."""
        if what == "sources":
            rows = [asdict(s) | {"earmark": ";".join(s.earmark) or None, "name": s.name or None}
                    for s in self.sources]  # fmt: skip
            return pd.DataFrame(rows, columns=list(headers_in("funding")))
        rows = [asdict(q) | {"batch": q.name, "quota_wan": q.amount_wan, "available_from": q.first}
                for q in self.quotas]  # fmt: skip
        return pd.DataFrame(rows, columns=[c for c in headers_in("quotas") if c != "used_wan"])


def read_given(
    ledger: TableLike | Ledger,
    sources: TableLike,
    quotas: TableLike | None,
    options: Options,
    *,
    reserved: TableLike | Mapping[Any, float] | None = None,
    limits: TableLike | None = None,
    given: TableLike | None = None,
    custom: TableLike | None = None,
) -> Given:
    """Read and check all tables and options; see `plan_clearance` for their meaning.

    Raises
    ------
    InputError
        With every problem found, each with its file and cell.
    """
    found = Collector()
    options = replace(options, rule=ALSO.get(options.rule, options.rule))
    start, end = _dates(options, found)
    discount = _check_options(options, given is not None, found)
    made = read_hidden_ledger(
        ledger, as_of=start, deadline=end, stated_total_wan=options.stated_total_wan,
        custom=custom, found=found,
    )  # fmt: skip
    notes = [_told(f) for f in made.found]
    lines = _sources(sources, made.contracts, end, notes, found)
    batches = _quotas(quotas, notes, found)
    claims = _claims(reserved, found)
    caps = _limits(limits, found)
    orders = _orders(given, made.contracts, start, end, found)
    found.raise_if_any()
    contracts = tuple(sorted((_consented(c) for c in made.contracts), key=lambda c: c.contract_id))
    for c in contracts:
        if c.by_contract and not c.stays_wan:
            notes.append(say("debt.clearance.by_contract_early", name=c.contract_id))
    if options.capitalise:
        notes.append(say("debt.clearance.capitalised"))
    if reserved is None:
        notes.append(say("debt.clearance.no_reservation"))
    return Given(
        made, contracts, tuple(sorted(lines, key=lambda s: (s.source_id, s.first, s.period))),
        batches, claims, caps, orders, start, end,
        replace(options, discount_pct=discount), tuple(dict.fromkeys(notes)),
    )  # fmt: skip


def _told(f: Finding) -> Text:
    return Text(f"{f.where}：{f.said.zh}", f"{f.where}: {f.said.en}")


def _consented(c: Contract) -> Contract:
    """Without the creditor's consent nothing is replaced or repaid early."""
    return replace(c, replaceable=False, prepayable=False) if c.consent is False else c


def _dates(options: Options, found: Collector) -> tuple[dt.date, dt.date]:
    for name in ("as_of", "deadline"):
        if getattr(options, name) is None:
            found.add(name, "ground.date_missing")
    start, end = days_of(options.as_of, options.deadline, found)
    if start and end and end.year - start.year > LONGEST_YEARS:
        found.add("deadline", "debt.deadline_far", deadline=end, years=LONGEST_YEARS)
        end = None
    # What is reported is put right, so that the tables can be checked too.
    start = start or (dt.date(2000, 1, 1) if end is None else end.replace(year=end.year - 1, day=1))
    return start, end or dt.date(start.year + 1, 12, 31)


def _check_options(options: Options, given: bool, found: Collector) -> float | None:
    """Report options that are not known; the discount rate as a number."""
    for name, known in (
        ("rule", (*OBJECTIVES, *ORDERS, *ALSO)),
        ("frequency", tuple(FREQUENCIES)),
        # Twelfths is the old name of 30/360 with whole months.
        ("day_count", (*official_words("day_count"), "twelfths")),
    ):
        value = getattr(options, name)
        if not isinstance(value, str) or value not in known:
            found.add(name, "debt.unknown_option", text=value, known=list(known))
    for name in ("statutory_wan", "special_wan", "special_headroom_wan"):
        if (value := getattr(options, name)) is not None and not _amount(value) >= 0:
            found.add(name, "debt.no_amount", text=value)
    if not 0 <= _amount(options.reserve_pct) <= 100:
        found.add("reserve_pct", "debt.no_share", text=options.reserve_pct)
    if options.rule == "given" and not given:
        found.add("given", "debt.given_needs_table")
    if options.discount_pct is None:
        return None
    pct = _amount(options.discount_pct)
    if not 0 <= pct <= 30 or 0 < pct < 0.2:
        found.add("discount_pct", "debt.no_discount", text=options.discount_pct)
    return pct


def _amount(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return float("nan")


def _window(row: Row, what: str) -> tuple[str, dt.date, dt.date]:
    """A period's name, first and last day."""
    if row.blank("period"):
        row.report("period", "debt.no_period", thing=say(f"debt.{what}"))
    period = row.period("period", default=None)
    if period is not None and not 1950 <= period.year <= 2150:
        row.report("period", "ground.not_a_date", text=str(period))
        period = None
    if period is None:
        return "", dt.date(1950, 1, 1), dt.date(1950, 12, 31)
    return _span(period)


@cache
def _span(period: pd.Period) -> tuple[str, dt.date, dt.date]:
    return str(period), period.start_time.date(), period.end_time.date()


def _sources(
    data: TableLike,
    contracts: tuple[Contract, ...],
    deadline: dt.date,
    notes: list[Text],
    found: Collector,
) -> list[Source]:
    table = read_records(data, name="sources", columns=headers_in("funding"), found=found)
    lines: list[Source] = []
    if not table.need("source_id", "period", "cap_wan"):
        return lines
    notes += filter(None, [table.unread(headers_in("funding"))])
    known = {c.contract_id for c in contracts} | {c.category for c in contracts}
    seen: dict[tuple[Any, ...], Row] = {}
    for row in table:
        name, category, title = (row.text(c) for c in ("source_id", "category", "name"))
        category, kind, named = _told_by(name, category, title)
        if not name:
            row.report("source_id", "debt.source_no_id")
        elif not named:
            column = "source_id" if nameless(name) else "category"
            row.report(column, "debt.source_nameless", text=row.text(column))
        period, first, last = _window(row, "source")
        marks = re.split(r"[;,，；|、]\s*", row.text("earmark"))
        source = Source(
            source_id=name,
            category=category or title or name,
            kind=kind,
            period=period,
            first=first,
            last=last,
            available_from=row.day("available_from", default=None),
            cap_wan=_or_nought(row.wan("cap_wan", low=0)),
            haircut_pct=_or_nought(row.number("haircut_pct", low=0, high=100, default=0.0)),
            earmark=tuple(mark for mark in marks if mark),
            carry=row.flag("carry"),
            name=title,
        )
        key = (name, first, last, source.earmark, source.available_from)
        if key in seen and name:
            row.report("", "debt.source_twice", name=name, period=period, place=seen[key].where())
        seen.setdefault(key, row)
        for mark in source.earmark:
            if mark not in known:
                row.report("earmark", "debt.earmark_unknown", text=mark)
        _late(source, deadline, row, notes)
        lines.append(source)
    finish(table)
    return lines


@cache
def _told_by(name: str, category: str, title: str) -> tuple[str, str, bool]:
    """Category and kind of a source, and whether it is named at all."""
    code = official("source_category", category) or category
    named = not nameless(name) and not (code and nameless(code) and nameless(title))
    return code, kind_of(code or title or name), named


def _late(s: Source, deadline: dt.date, row: Row, notes: list[Text]) -> None:
    """Money that comes after its period, or never in time."""
    if s.available_from is None or s.available_from <= s.last or not s.cap_wan > 0:
        return
    values = {"name": s.source_id, "period": s.period, "day": s.available_from, "last": s.last}
    if s.available_from > deadline:
        row.report("available_from", "debt.source_too_late", **values, deadline=deadline)
    else:
        notes.append(say("debt.clearance.source_late", **values))


def _quotas(data: TableLike | None, notes: list[Text], found: Collector) -> tuple[Quota, ...]:
    table = read_records(data, name="quotas", columns=headers_in("quotas"), found=found)
    rows: list[Quota] = []
    if not table.need("period", "quota_wan", "rate_pct"):
        return ()
    notes += filter(None, [table.unread(headers_in("quotas"))])
    for row in table:
        period, first, last = _window(row, "quota")
        quota, used = row.wan("quota_wan", low=0), row.wan("used_wan", low=0, default=0.0)
        if 0 <= quota < used:
            row.report("quota_wan", "debt.quota_below_used", quota=quota, used=used)
        at = row.day("available_from", default=None)
        if at is not None and not first <= at <= last:
            row.report("available_from", "debt.quota_day_outside", day=at, period=period, last=last)
        kind = row.word("kind", "quota_kind", default="") or ""
        rule = policy.in_force("debt_package_quota_last_year", first)
        if rule is not None and first.year > (until := rule.value.get(kind, first.year)):
            notes.append(say("debt.clearance.quota_after", kind=say(f"debt.quota_{kind}"),
                             year=until, period=period))  # fmt: skip
        if at is None and quota > 0:
            notes.append(say("debt.clearance.quota_undated", period=period))
        tenor = row.number("tenor_years", low=0.1, high=50, default=10.0)
        rows.append(Quota(
            # Without a day: the last one, since a plan with it holds whenever the batch comes.
            row.text("batch") or period, kind, period, at or last, last,
            max(_or_nought(quota) - max(_or_nought(used), 0.0), 0.0), rate(row, "rate_pct"),
            tenor if tenor == tenor and tenor > 0 else 10.0,
            row.word("repayment", "repayment", default="bullet") or "bullet",
            _or_nought(row.number("issue_cost_pct", low=0, high=5, default=0.0)),
            coupons(row, "year"), len(rows),
        ))  # fmt: skip
    finish(table)
    rows.sort(key=lambda q: (q.first, q.name, q.rate_pct, q.amount_wan, q.last, q.tenor_years))
    names = [q.name for q in rows]
    return tuple(
        replace(q, name=f"{q.name} #{names[: k + 1].count(q.name)}") if names.count(q.name) > 1
        else q for k, q in enumerate(rows)
    )  # fmt: skip


def _claims(data: TableLike | Mapping[Any, float] | None, found: Collector) -> tuple[Claim, ...]:
    if isinstance(data, Mapping) and "file" not in data:
        data = [{"period": k, "need_wan": v} for k, v in data.items()]
    table = read_records(data, name="reserved", columns=headers_in("claims"), found=found)
    claims: list[Claim] = []
    if table.need("period", "need_wan"):
        for row in table:
            _, first, last = _window(row, "claim")
            need = _or_nought(row.wan("need_wan", low=0))
            budget = row.word("budget", "claim_budget", default="general")
            claims.append(Claim(row.text("item"), first, last, need, budget, row.flag("inside")))
    return tuple(claims)


def _limits(data: TableLike | None, found: Collector) -> tuple[Limit, ...]:
    table = read_records(data, name="limits", columns=headers_in("limits"), found=found)
    made: list[Limit] = []
    if table.need("year"):
        for row in table:
            year = row.period("year")
            general, special = (
                row.wan(c, low=0, default=float("nan"))
                for c in ("general_limit_wan", "special_limit_wan")
            )
            made.append(Limit(0 if year is None else year.year, general, special))
    return tuple(sorted(made, key=lambda limit: limit.year))


def _orders(
    data: TableLike | None,
    contracts: tuple[Contract, ...],
    as_of: dt.date,
    deadline: dt.date,
    found: Collector,
) -> tuple[Order, ...]:
    columns = {"period": (), "date": (), "contract_id": (), "amount_wan": (), "use": ()}
    table = read_records(data, name="given", columns=columns, found=found)
    if not table.need("contract_id", "amount_wan", *(() if table.has("date") else ("period",))):
        return ()
    known = {c.contract_id for c in contracts}
    orders = []
    for row in table:
        name, use = row.text("contract_id"), row.text("use") or "principal"
        amount = row.number("amount_wan", low=0)
        day = row.day("date", default=None)
        if day is None:
            _, first, day = _window(row, "payment")
        else:
            first = day
        if day.year > 1950 and (day <= as_of or first > deadline):
            row.report("period", "debt.order_outside", day=day, as_of=as_of, deadline=deadline)
        if name not in known:
            row.report("contract_id", "debt.not_in_ledger", name=name)
        if use not in ("principal", "replacement"):
            row.report("use", "debt.unknown_option", text=use, known=["principal", "replacement"])
        orders.append(Order(first, min(day, deadline), name, _or_nought(amount), use))
    return tuple(orders)


def _or_nought(value: float) -> float:
    """0 for what could not be read; its problem has been reported."""
    return 0.0 if value != value else value


def nameless(text: str) -> bool:
    """Whether a source is only called "other".

    >>> nameless("其他资金"), nameless("Other funds"), nameless("其他国有资产")
    (True, True, False)
    """
    name, (other, thing) = bare(text), map(_spellings, ("other", "thing"))
    return not name or any(name == a + b for a in other for b in ("", *thing))


def _spellings(name: str) -> list[str]:
    entry = labels("nameless")[name]
    return [bare(word) for word in (entry["zh"], entry["en"], *entry["also"])]


def kind_of(category: str) -> str:
    """Kind of a source from its category; ``named`` where none is recognised."""
    return next((kind for kind in KINDS if marked(category, kind)), "named")
