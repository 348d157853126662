"""Debt ledgers 债务台账: hidden debt by contract, statutory debt by bond, exact in 分.

One reader for both. It checks a whole table and tells all its problems at once; what is
merely worrying is a finding.
"""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import pandas as pd

from fiscalmodel import days, policy
from fiscalmodel.debt.cashflow import likely_rate, principal_parts, rate_problem
from fiscalmodel.debt.schedule import MONTHS_OF, is_month_end, step_months
from fiscalmodel.display import Checked
from fiscalmodel.errors import Collector, InputError
from fiscalmodel.findings import Finding, finding
from fiscalmodel.tables.records import Records, Row, TableLike, read_records
from fiscalmodel.words import Text, headers_in, marked, official, say

FEN_PER_WAN = 1_000_000


@dataclass(frozen=True)
class Contract:
    """One contract of hidden debt; money in 万元, rate in % a year.

    `consent` is the creditor's to replacement and early repayment, None where it is not
    stated. `frequency` is empty where none is stated; a year is taken then. `instalments`
    are the dated parts of the principal that is still owed, empty for debt that is due in
    one sum.
    """

    contract_id: str
    principal_wan: float
    rate_pct: float
    debtor: str = ""
    creditor: str = ""
    category: str = ""
    project: str = ""
    day_count: str = ""
    start: dt.date | None = None
    maturity: dt.date | None = None
    repayment: str = "bullet"
    frequency: str = ""
    interest_paid_to: dt.date | None = None
    overdue: bool = False
    litigation: bool = False
    replaceable: bool = False
    consent: bool | None = None
    replace_fee_pct: float = 0.0
    prepayable: bool = False
    prepay_fee_pct: float = 0.0
    extendable_to: dt.date | None = None
    min_instalment_wan: float = 0.0
    clear_by: dt.date | None = None
    by_contract: bool = False
    balance_fen: int = 0
    instalments: tuple[tuple[dt.date, float], ...] = ()

    @property
    def months(self) -> int:
        """Months between two payments."""
        at_end = self.frequency == "maturity" and self.on_demand  # there is no end ahead
        return MONTHS_OF["year" if at_end or not self.frequency else self.frequency]

    @property
    def on_demand(self) -> bool:
        """Whether it may be paid on any day: overdue, or without a maturity."""
        return self.overdue or self.maturity is None

    @property
    def stays_wan(self) -> float:
        """What is kept beyond the deadline by contract: shantytown debt due late enough for it."""
        if not self.by_contract or self.overdue or self.maturity is None:
            return 0.0
        parts = self.instalments or ((self.maturity, self.principal_wan),)
        return sum(part for day, part in parts if _by_contract(day))


@dataclass(frozen=True, repr=False)
class Ledger(Checked):
    """A checked ledger.

    Attributes
    ----------
    key
        Name of the id column: ``contract_id`` or ``bond_code``.
    table
        One row a contract or bond, columns of the design, dates as `datetime.date`, and
        ``balance_fen`` as exact integer.
    found
        What a reader should know.
    contracts
        The rows as `Contract`; none for bonds.
    """

    key: str
    table: pd.DataFrame
    found: tuple[Finding, ...] = ()
    contracts: tuple[Contract, ...] = ()

    @property
    def total_fen(self) -> int:
        """Sum of all balances, 分."""
        return sum(int(v) for v in self.table["balance_fen"])

    @property
    def total_wan(self) -> float:
        """Sum of all balances, 万元."""
        return self.total_fen / FEN_PER_WAN

    def of(self, kind: str) -> float:
        """Sum of the balances of a type of bond, 万元."""
        return int(self.table.loc[self.table["type"].eq(kind), "balance_fen"].sum()) / FEN_PER_WAN

    def balances(self) -> dict[str, int]:
        """Id -> balance in 分."""
        pairs = zip(self.table[self.key], self.table["balance_fen"], strict=True)
        return {str(k): int(v) for k, v in pairs}

    @property
    def answer(self) -> Text:
        """How many rows owe how much, and what to look at."""
        key = "debt.ledger.answer" if self.key == "contract_id" else "debt.ledger.answer_bonds"
        return say(key, count=len(self.table), total=self.total_wan, found=len(self.found))

    @property
    def short(self) -> pd.DataFrame:
        """The rows with the amounts in 万元 only."""
        return self.table.drop(columns=["balance_fen"])


def _by_contract(due: dt.date) -> bool:
    """Whether shantytown debt due on a day is repaid by contract."""
    rule = policy.in_force("debt_package_by_contract_from", due)
    return rule is not None and due >= rule.value


def read_hidden_ledger(
    data: TableLike | Ledger,
    *,
    as_of: Any = None,
    deadline: Any = None,
    stated_total_wan: float | None = None,
    custom: TableLike | None = None,
    found: Collector | None = None,
) -> Ledger:
    """Read and check the ledger of hidden debt 隐性债务台账.

    Parameters
    ----------
    data
        Frame, CSV or Excel file, ``{file, sheet, unit}`` or records; columns of the design or
        their Chinese headers. ``contract_id``, ``principal_wan`` (the balance still owed) and
        ``rate_pct`` are needed; flags that are not given are false.
        ``interest_paid_to`` is the day up to which interest is paid, see `interest_since`.
        A `Ledger` that was read before is taken by its table.
    as_of
        Day of the balances; debt that matured before it is overdue.
    deadline
        Day by which hidden debt must be 0; an extension beyond it is an error unless the
        contract stays by contract.
    stated_total_wan
        Balance that the ledger must add up to, 万元.
    custom
        Principal dates ``contract_id, date, principal_wan`` of contracts with repayment on
        agreed dates.
    found
        Collector to share with other tables; nothing is raised then.

    Raises
    ------
    InputError
        Every problem of the table at once, each with file and cell.
    """
    problems = found or Collector()
    source = data.table if isinstance(data, Ledger) else data
    table = read_records(source, name="ledger", columns=headers_in("debt"), found=problems)
    when, limit = days_of(as_of, deadline, problems)
    notes: list[Finding] = []
    contracts: list[Contract] = []
    if table.need("contract_id", "principal_wan", "rate_pct"):
        dated = _custom(custom, problems)
        seen: dict[str, Row] = {}
        for row in table:
            contract = _contract(row, when, limit, notes)
            _unique(row, "contract_id", seen)
            contracts.append(_dated(contract, row, dated.pop(contract.contract_id, None), when))
        for name, rows in dated.items():
            rows[0].report("contract_id", "debt.not_in_ledger", name=name)
        if table.rows and not table.has("prepayable") and deadline is not None:
            notes.append(_note("no_prepayable", "ledger", say("debt.ledger.no_prepayable")))
        if told := table.unread(headers_in("debt")):
            notes.append(_note("columns_unread", "ledger", told))
    frame = pd.DataFrame(
        [{f.name: getattr(c, f.name) for f in fields(Contract)[:-1]} for c in contracts],
        columns=[f.name for f in fields(Contract)[:-1]],
    )[[*headers_in("debt"), "balance_fen"]]
    made = Ledger("contract_id", frame, tuple(notes), tuple(contracts))
    _total(made, stated_total_wan, table)
    finish(table)
    if found is None:
        problems.raise_if_any()
    return made


def read_bonds(
    data: TableLike | Ledger,
    *,
    as_of: Any = None,
    stated_total_wan: float | None = None,
    limits_wan: Mapping[str, float] | None = None,
) -> Ledger:
    """Read and check the ledger of statutory bonds 法定债务台账, general and special.

    Parameters
    ----------
    data
        As in `read_hidden_ledger`; ``bond_code, type, amount_wan`` (the balance outstanding),
        ``rate_pct, start, maturity`` are needed, ``purpose`` too.
    as_of
        Day of the balances; bonds due on or before it are reported.
    stated_total_wan
        Balance that the ledger must add up to, 万元.
    limits_wan
        ``general`` and ``special`` limits 限额; a balance above one is a finding, since
        published tables sometimes break it.

    Raises
    ------
    InputError
        Every problem of the table at once, each with file and cell.
    """
    source = data.table if isinstance(data, Ledger) else data
    table = read_records(source, name="bonds", columns=headers_in("bonds"))
    when, _ = days_of(as_of, None, table.found)
    rows: list[dict[str, Any]] = []
    notes: list[Finding] = []
    seen: dict[str, Row] = {}
    if table.need("bond_code", "type", "amount_wan", "rate_pct", "start", "maturity"):
        for row in table:
            _unique(row, "bond_code", seen)
            start, maturity = row.day("start"), row.day("maturity")
            if start and maturity and maturity < start:
                row.report("maturity", "debt.maturity_before_start", maturity=maturity, start=start)
            balance = _balance(row, "amount_wan")
            if when and maturity and maturity <= when:
                notes.append(_matured(row.text("bond_code"), balance / FEN_PER_WAN))
            rows.append({
                "bond_code": row.text("bond_code"),
                "type": row.word("type", "bond_type"),
                "purpose": row.word("purpose", "bond_purpose"),
                "amount_wan": balance / FEN_PER_WAN,
                "rate_pct": rate(row, "rate_pct"),
                "start": start,
                "maturity": maturity,
                "repayment": row.word("repayment", "repayment", default="bullet"),
                "frequency": coupons(row, "year"),
                "project": row.text("project"),
                "balance_fen": balance,
            })  # fmt: skip
    made = Ledger("bond_code", pd.DataFrame(rows, columns=[*headers_in("bonds"), "balance_fen"]))
    _total(made, stated_total_wan, table)
    table.done()
    for kind, limit in (limits_wan or {}).items():
        notes += above_limit(kind, kind, limit, made.of(kind))
    return replace(made, found=tuple(notes))


def _balance(row: Row, column: str) -> int:
    """An amount in 分, 0 or more."""
    balance = row.fen(column)
    if balance < 0:
        row.report(column, "debt.negative", amount=balance / FEN_PER_WAN)
    return balance


def coupons(row: Row, default: str) -> str:
    """How often a government bond pays interest; all at its maturity is no way to pay it."""
    every = row.word("frequency", "frequency", default=default) or default
    if every == "maturity":
        row.report("frequency", "debt.bond_pays_coupons")
        return default
    return every


def rate(row: Row, column: str) -> float:
    """A yearly rate in percent, refused where it looks like a ratio or basis points."""
    pct = row.number(column)
    if pct == pct and (what := rate_problem(pct)) is not None:
        row.report(column, what, rate=pct, near=likely_rate(pct))
        return 0.0
    return 0.0 if pct != pct else pct


def fen(value: float, where: str, found: Collector) -> int:
    """万元 to integer 分, refused where it is not a whole number of 分."""
    if not abs(value) < 1e12:
        if not found.problems:  # what is no number has been reported where it was read
            found.add(where, "debt.no_amount", text=value)
        return 0
    whole = round(value * FEN_PER_WAN)
    # A double of this size still tells a hundredth of a 分.
    if abs(value * FEN_PER_WAN - whole) > max(1e-3, abs(value) * 1e-6):
        found.add(where, "debt.not_whole_fen", text=value)
    return int(whole)


def _contract(
    row: Row, as_of: dt.date | None, deadline: dt.date | None, notes: list[Finding]
) -> Contract:
    name = row.text("contract_id")
    if not name:
        row.report("contract_id", "debt.no_id")
    start, maturity = row.day("start", default=None), row.day("maturity", default=None)
    overdue = row.flag("overdue")
    backwards = start and maturity and maturity < start
    if backwards:
        row.report("maturity", "debt.maturity_before_start", maturity=maturity, start=start)
    if row.table.has("maturity") and row.blank("maturity") and not overdue:
        row.report("maturity", "debt.no_maturity")
    balance = _balance(row, "principal_wan")
    principal = max(balance, 0) / FEN_PER_WAN
    least = row.wan("min_instalment_wan", low=0, default=0.0)
    if 0 < principal < least:
        row.report("min_instalment_wan", "debt.minimum_above", least=least, principal=principal)
    if as_of and maturity and maturity <= as_of and principal > 0 and not overdue:
        unmarked = maturity < as_of and not row.blank("overdue") and not backwards
        if unmarked and deadline is not None:
            row.report("maturity", "debt.matured_unmarked", maturity=maturity, as_of=as_of)
        notes.append(_matured(name, principal))
        overdue = True
    made = Contract(
        contract_id=name,
        principal_wan=principal,
        rate_pct=rate(row, "rate_pct"),
        debtor=row.text("debtor"),
        creditor=row.text("creditor"),
        category=row.text("category"),
        project=row.text("project"),
        day_count=row.word("day_count", "day_count", default=""),
        start=start,
        maturity=maturity,
        repayment=row.word("repayment", "repayment", default="bullet") or "bullet",
        frequency=_frequency(row),
        interest_paid_to=row.day("interest_paid_to", default=None),
        overdue=overdue,
        litigation=row.flag("litigation"),
        replaceable=row.flag("replaceable"),
        consent=None if row.blank("consent") else row.flag("consent"),
        replace_fee_pct=row.number("replace_fee_pct", low=0, high=20, default=0.0),
        prepayable=row.flag("prepayable"),
        prepay_fee_pct=row.number("prepay_fee_pct", low=0, high=20, default=0.0),
        extendable_to=row.day("extendable_to", default=None),
        min_instalment_wan=0.0 if least != least else least,
        clear_by=row.day("clear_by", default=None),
        by_contract=row.flag("by_contract"),
        balance_fen=balance,
    )
    if row.flag("overdue") and as_of and maturity and maturity > as_of:
        notes.append(_note("overdue_early", name, say("debt.overdue_early", day=maturity)))
    _terms(made, row, as_of, deadline)
    _consent(made, notes)
    return made


def _frequency(row: Row) -> str:
    """How often interest is paid; 到期一次还本付息 says so in the column of repayment."""
    stated: str = row.word("frequency", "frequency", default="") or ""
    if official("interest_with_principal", row.text("repayment")) is None:
        return stated
    if stated not in ("", "maturity"):
        row.report("frequency", "debt.interest_twice", repayment=row.text("repayment"))
    return "maturity"


def _terms(c: Contract, row: Row, as_of: dt.date | None, deadline: dt.date | None) -> None:
    """Dates and flags that contradict each other."""
    if c.by_contract and not marked(c.category + c.project, "shantytown"):
        row.report("by_contract", "debt.by_contract_only_shantytown", name=c.contract_id)
    if c.frequency == "maturity" and not (c.start or c.interest_paid_to or c.on_demand):
        row.report("start", "debt.interest_from_when", name=c.contract_id)
    paid = c.interest_paid_to
    if paid and ((as_of and paid > as_of) or (c.start and paid < c.start)):
        row.report("interest_paid_to", "debt.interest_paid_outside", day=paid,
                   start=c.start or "", as_of=as_of or "")  # fmt: skip
    if c.extendable_to and c.maturity and c.extendable_to < c.maturity:
        row.report("extendable_to", "debt.extended_before_maturity", to=c.extendable_to,
                   maturity=c.maturity)  # fmt: skip
    if deadline is None:
        return
    limit = min(deadline, c.clear_by or deadline)
    if c.extendable_to and c.extendable_to > limit and not c.by_contract:
        what = "debt.extended_beyond_deadline" if limit == deadline else "debt.extended_beyond_own"
        row.report("extendable_to", what, to=c.extendable_to, limit=limit)
    if c.clear_by and c.clear_by > deadline:
        row.report("clear_by", "debt.clear_by_late", day=c.clear_by, deadline=deadline)
    elif c.clear_by and as_of and c.clear_by <= as_of:
        row.report("clear_by", "debt.clear_by_past", day=c.clear_by, as_of=as_of)


def _consent(c: Contract, notes: list[Finding]) -> None:
    for what, fee, allowed in (
        ("prepay", c.prepay_fee_pct, c.prepayable), ("replace", c.replace_fee_pct, c.replaceable)
    ):  # fmt: skip
        if fee > 0 and not allowed:
            said = say(f"debt.fee_no_{what}", fee=fee)
            notes.append(_note("fee_unused", c.contract_id, said))
    if c.consent is False and (c.replaceable or c.prepayable):
        notes.append(_note("consent_refused", c.contract_id, say("debt.consent_refused")))
    elif c.consent is None and c.replaceable and c.replace_fee_pct > 0:
        notes.append(_note("consent_unknown", c.contract_id, say("debt.consent_unknown")))


def _custom(data: TableLike | None, found: Collector) -> dict[str, list[Row]]:
    table = read_records(data, name="custom", columns=headers_in("custom"), found=found)
    dated: dict[str, list[Row]] = {}
    if table.need("contract_id", "date", "principal_wan"):
        for row in table:
            dated.setdefault(row.text("contract_id"), []).append(row)
    return dated


def _dated(c: Contract, row: Row, custom: list[Row] | None, as_of: dt.date | None) -> Contract:
    """The contract with the dated parts of the principal that it still owes.

    Without `as_of` the parts are counted from the start; with neither there are none.
    """
    if c.repayment == "custom" or custom:
        parts = [(r.day("date"), r.wan("principal_wan", low=0)) for r in custom or []]
        ahead = sorted((d, a) for d, a in parts if d and (as_of is None or d > as_of))
        total = sum(a for _, a in ahead)
        if not abs(total - c.principal_wan) <= 0.005 and not c.overdue and as_of:
            row.report("", "debt.custom_total", total=total, principal=c.principal_wan)
        last = ahead[-1][0] if ahead else c.maturity
        return replace(c, instalments=tuple(ahead), repayment="custom", maturity=last)
    since = as_of or c.start
    if c.repayment == "bullet" or c.on_demand or since is None or c.maturity is None:
        return c
    if c.maturity <= since:
        return c
    due, nominal = payment_days(c, since), c.rate_pct / 100 * c.months / 12
    amounts = principal_parts(c.repayment, c.principal_wan, len(due), nominal)
    return replace(c, instalments=tuple(zip(due, amounts, strict=True)))


def payment_days(c: Contract, after: dt.date, until: dt.date | None = None) -> list[dt.date]:
    """Days on which a contract pays, after a day and no later than another.

    Counted back from its maturity, and on from it as far as it may be extended. Debt that
    is overdue or has no maturity pays at the ends of its calendar periods, since nothing
    else is agreed, as long as it is owed.
    """
    last = until or c.maturity or after
    if c.on_demand or c.maturity is None:
        anchor = dt.date(last.year + 1, 12, 31)
    else:
        anchor, last = c.maturity, min(last, max(c.maturity, c.extendable_to or c.maturity))
    at_end = is_month_end(anchor) and (c.start is None or c.on_demand or is_month_end(c.start))
    count = ((anchor.year - after.year) * 12 + anchor.month - after.month) // c.months + 1
    ahead = ((last.year - anchor.year) * 12 + last.month - anchor.month) // c.months + 1
    made = [step_months(anchor, k * c.months, at_end) for k in range(-count, max(ahead, 0) + 1)]
    return [day for day in made if after < day <= last]


def interest_since(c: Contract, close: dt.date) -> dt.date:
    """Day from which interest is owed at the close of a day.

    What is stated; else the last day of payment by the contract's own terms (or its start,
    if later), so that the next one pays the whole period. Where neither a frequency is
    stated nor a maturity is ahead no such day is known: what accrued before the close is
    taken as paid.
    """
    since = c.interest_paid_to or close
    if c.interest_paid_to is None and c.frequency and not c.on_demand:
        paid = payment_days(c, days.add_months(close, -c.months - 1), close)
        since = max(paid[-1], c.start or paid[-1]) if paid else close
    return min(since, close)


def _unique(row: Row, column: str, seen: dict[str, Row]) -> None:
    """Report an id that stands in the table twice."""
    name = row.text(column)
    if name and name in seen:
        row.report(column, "debt.twice", name=name, place=seen[name].where())
    seen.setdefault(name, row)


def _matured(name: str, amount: float) -> Finding:
    return finding("matured", name, computed=amount, severity="warning", said=say("debt.matured"))


def _note(rule: str, where: str, said: Text) -> Finding:
    return finding(rule, where, severity="note", said=said)


def _total(ledger: Ledger, stated: float | None, table: Records) -> None:
    """Report a ledger that does not add up to the balance stated."""
    if stated is None:
        return
    try:
        wanted = float(stated)
    except (TypeError, ValueError):
        wanted = -1.0
    if not 0 <= wanted < 1e12:
        table.found.add("stated_total_wan", "debt.no_amount", text=stated)
    elif abs(gap := ledger.total_fen - round(wanted * FEN_PER_WAN)) > FEN_PER_WAN * 0.005:
        table.found.add(table.place(), "debt.total_differs", total=ledger.total_wan,
                        stated=wanted, gap=gap / FEN_PER_WAN)  # fmt: skip


def days_of(as_of: Any, deadline: Any, found: Collector) -> tuple[dt.date | None, dt.date | None]:
    """Day of the balances and deadline after it; None where one is not given or is reported."""
    made: list[dt.date | None] = []
    for name, value in (("as_of", as_of), ("deadline", deadline)):
        day = None if value is None else days.day(value)
        if value is not None and (day is None or not 1950 <= day.year <= 2150):
            day = None
            found.add(name, "ground.not_a_date", text=value)
        made.append(day)
    first, last = made
    if first and last and last <= first:
        found.add("deadline", "debt.deadline_not_after", deadline=last, as_of=first)
        return first, None
    return first, last


def finish(table: Records) -> None:
    """Check a table's totals; the collector keeps what is wrong for whoever shares it."""
    with contextlib.suppress(InputError):
        table.done()


def above_limit(where: str, kind: str, limit: float, held: float) -> list[Finding]:
    """A balance above its limit 债务余额超限额, to a 分; none where no limit is stated."""
    if limit != limit or round(held * FEN_PER_WAN) <= round(limit * FEN_PER_WAN):
        return []
    said = say("debt.above_limit", kind=say(f"debt.{kind}"))
    return [finding("debt_limit", where, stated=limit, computed=held, said=said)]
