"""The rows of a clearance plan: contracts, sources and quotas, checked one by one."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import Any

from fiscalmodel.debt.plan_kinds import kind_of, nameless
from fiscalmodel.debt.plan_periods import parse_period
from fiscalmodel.debt.plan_tables import Table, day, flag, number
from fiscalmodel.errors import Collector

#: Yearly rates in percent below the first look like ratios, above the second like basis points.
RATE_RANGE_PCT = (0.5, 36.0)

REPAYMENTS = {
    "bullet": "bullet", "到期一次还本": "bullet", "一次还本": "bullet", "到期还本": "bullet",
    "equal_principal": "equal_principal", "等额本金": "equal_principal",
    "equal_instalment": "equal_instalment", "等额本息": "equal_instalment",
    "custom": "custom", "自定义": "custom", "约定日期": "custom",
}  # fmt: skip
#: Months between two instalments.
INSTALMENT_MONTHS = {
    "year": 12, "yearly": 12, "annual": 12, "y": 12, "a": 12, "按年": 12, "年": 12, "1": 12,
    "half_year": 6, "half-year": 6, "half-yearly": 6, "half_yearly": 6, "semiannual": 6, "h": 6,
    "按半年": 6, "半年": 6, "2": 6,
    "quarter": 3, "quarterly": 3, "q": 3, "按季": 3, "季": 3, "季度": 3, "4": 3,
    "month": 1, "monthly": 1, "m": 1, "按月": 1, "月": 1, "12": 1,
}  # fmt: skip


@dataclass(frozen=True)
class Contract:
    """One hidden-debt contract; money in 万元, rate in % a year."""

    contract_id: str
    principal: float
    rate_pct: float
    category: str
    start: dt.date | None
    maturity: dt.date | None
    repayment: str
    step: int | None
    overdue: bool
    replaceable: bool
    prepayable: bool
    prepay_fee_pct: float
    extendable_to: dt.date | None
    minimum: float
    clear_by: dt.date | None
    by_contract: bool
    instalments: tuple[tuple[dt.date, float], ...]
    where: str


@dataclass(frozen=True)
class Source:
    """One source of money in one period; `cap` before the haircut, 万元."""

    source_id: str
    category: str
    kind: str
    period: str
    first: dt.date
    last: dt.date
    available_from: dt.date | None
    cap: float
    haircut_pct: float
    earmark: tuple[str, ...]
    carry: bool
    where: str

    @property
    def net(self) -> float:
        """What can be paid with it."""
        return self.cap * (1 - self.haircut_pct / 100)


@dataclass(frozen=True)
class Quota:
    """Replacement-bond quota of one period; `amount` is what is not used yet, 万元."""

    period: str
    first: dt.date
    last: dt.date
    available_from: dt.date | None
    amount: float
    rate_pct: float
    tenor_years: float
    repayment: str
    where: str


def rate(value: Any, where: str, found: Collector) -> float:
    """A yearly rate in percent, refused where it looks like a ratio or basis points."""
    if value is None:
        found.add(where, "the rate is missing", "write percent a year, as 5.5; 0 if there is none")
        return 0.0
    pct = number(value, where, found, 0.0)
    low, high = RATE_RANGE_PCT
    if pct < 0:
        found.add(where, f"the rate {pct:g} is negative", "write percent a year, as 5.5")
    elif 0 < pct < low:
        found.add(where, f"{pct:g} % looks like a ratio", f"did you mean {pct * 100:g}?")
    elif pct > high:
        near = pct / (100 if pct >= 100 else 10)
        found.add(where, f"{pct:g} % is above {high:g} % a year", f"did you mean {near:g}?")
    return pct


def _amount(value: Any, where: str, found: Collector, what: str) -> float:
    if value is None:
        found.add(where, f"the {what} is missing", "write an amount in 万元; 0 if there is none")
        return 0.0
    result = number(value, where, found, 0.0)
    if result < 0:
        found.add(where, f"the {what} {result:g} is negative", "amounts are 0 or more")
    return result


def _choice(
    value: Any, words: dict[str, Any], default: Any, where: str, found: Collector, hint: str
) -> Any:
    if value is None:
        return default
    key = str(value).strip().lower().removesuffix(".0")
    if key not in words:
        found.add(where, f"{value!r} is not known", hint)
        return default
    return words[key]


def read_contract(table: Table, row: int, found: Collector) -> Contract:
    """One row of the ledger."""
    cells = table.rows[row]
    get = cells.get

    def at(column: str) -> str:
        return table.where(row, column)

    name = get("contract_id")
    if name is None:
        found.add(at("contract_id"), "the contract has no id", "each contract needs its own id")
    start = day(get("start"), at("start"), found)
    maturity = day(get("maturity"), at("maturity"), found)
    overdue = flag(get("overdue"), at("overdue"), found)
    if start and maturity and maturity < start:
        found.add(
            at("maturity"), f"maturity {maturity} is before start {start}", "check both dates"
        )
    if get("maturity") is None and "maturity" in table.columns and not overdue:
        found.add(at("maturity"), "the maturity is missing", "write it, or mark the debt overdue")
    fee = number(get("prepay_fee_pct"), at("prepay_fee_pct"), found, 0.0)
    if not 0 <= fee <= 20:
        found.add(at("prepay_fee_pct"), f"a fee of {fee:g} % is outside 0 to 20", "write percent")
    principal = _amount(get("principal_wan"), at("principal_wan"), found, "principal")
    minimum = number(get("min_instalment_wan"), at("min_instalment_wan"), found, 0.0)
    if minimum < 0:
        found.add(at("min_instalment_wan"), f"{minimum:g} is negative", "write 0 or more")
    elif 0 < principal < minimum:
        found.add(
            at("min_instalment_wan"),
            f"the minimum instalment {minimum:g} is above the principal {principal:g}",
            "both in 万元; at most what is still owed",
        )
    return Contract(
        contract_id="" if name is None else str(name),
        principal=principal,
        rate_pct=rate(get("rate_pct"), at("rate_pct"), found),
        category=str(get("category") or ""),
        start=start,
        maturity=maturity,
        repayment=_choice(
            get("repayment"), REPAYMENTS, "bullet", at("repayment"), found,
            "write bullet, equal_principal, equal_instalment or custom",
        ),
        step=_choice(
            get("frequency"), INSTALMENT_MONTHS, None, at("frequency"), found,
            "write year, half_year, quarter or month",
        ),
        overdue=overdue,
        replaceable=flag(get("replaceable"), at("replaceable"), found),
        prepayable=flag(get("prepayable"), at("prepayable"), found),
        prepay_fee_pct=fee,
        extendable_to=day(get("extendable_to"), at("extendable_to"), found),
        minimum=minimum,
        clear_by=day(get("clear_by"), at("clear_by"), found),
        by_contract=flag(get("by_contract"), at("by_contract"), found),
        instalments=(),
        where=table.where(row),
    )  # fmt: skip


def _window(
    cells: dict[str, Any], where: str, found: Collector, what: str
) -> tuple[dt.date, dt.date]:
    value = cells.get("period")
    window = None if value is None else parse_period(value)
    if value is None:
        found.add(where, f"the {what} has no year", "write its period, as 2027, 2027Q3 or 2027-09")
    elif window is None:
        found.add(where, f"{value!r} is no period", "write 2027, 2027Q3 or 2027-09")
    return window or (dt.date(1, 1, 1), dt.date(1, 1, 1))


def read_source(table: Table, row: int, found: Collector) -> Source:
    """One row of the funding sources."""
    cells = table.rows[row]
    get = cells.get

    def at(column: str) -> str:
        return table.where(row, column)

    name, category = str(get("source_id") or ""), str(get("category") or "")
    title = str(get("name") or "")
    if not name:
        found.add(at("source_id"), "the source has no id", "every source needs a name of its own")
    elif nameless(name) or (category and nameless(category) and nameless(title)):
        word = name if nameless(name) else category
        found.add(
            at("source_id" if nameless(name) else "category"),
            f"{word!r} without a name is not a source of money",
            "name where the money comes from, or leave the row out and see the shortfall",
        )
    first, last = _window(cells, at("period"), found, "source")
    haircut = number(get("haircut_pct"), at("haircut_pct"), found, 0.0)
    if not 0 <= haircut <= 100:
        found.add(at("haircut_pct"), f"{haircut:g} % is outside 0 to 100", "write percent, as 30")
    marks = tuple(
        mark for mark in re.split(r"[;,，；|、]\s*", str(get("earmark") or "").strip()) if mark
    )
    return Source(
        source_id=name,
        category=category or title or name,
        kind=kind_of(category or title or name),
        period=str(get("period")).removesuffix(".0"),
        first=first,
        last=last,
        available_from=day(get("available_from"), at("available_from"), found),
        cap=_amount(get("cap_wan"), at("cap_wan"), found, "cap"),
        haircut_pct=haircut,
        earmark=marks,
        carry=flag(get("carry"), at("carry"), found),
        where=table.where(row),
    )


def read_quota(table: Table, row: int, found: Collector) -> Quota:
    """One row of the replacement quotas; an optional ``used_wan`` is taken off."""
    cells = table.rows[row]
    get = cells.get

    def at(column: str) -> str:
        return table.where(row, column)

    first, last = _window(cells, at("period"), found, "quota")
    quota = _amount(get("quota_wan"), at("quota_wan"), found, "quota")
    used = number(get("used_wan"), at("used_wan"), found, 0.0)
    if used < 0:
        found.add(at("used_wan"), f"{used:g} is negative", "write what was already replaced")
    elif 0 <= quota < used:
        found.add(
            at("quota_wan"),
            f"quota {quota:g} is below the {used:g} already used",
            "check the quota notice against the replacement register",
        )
    tenor = number(get("tenor_years"), at("tenor_years"), found, 10.0)
    if not 0 < tenor <= 50:
        found.add(at("tenor_years"), f"a tenor of {tenor:g} years is outside 0 to 50", "in years")
        tenor = 10.0
    return Quota(
        period=str(get("period")).removesuffix(".0"),
        first=first,
        last=last,
        available_from=day(get("available_from"), at("available_from"), found),
        amount=max(quota - max(used, 0.0), 0.0),
        rate_pct=rate(get("rate_pct"), at("rate_pct"), found),
        tenor_years=tenor,
        repayment=_choice(
            get("repayment"), REPAYMENTS, "bullet", at("repayment"), found,
            "write bullet, equal_principal or equal_instalment",
        ),
        where=table.where(row),
    )  # fmt: skip
