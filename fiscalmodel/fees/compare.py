"""Our statement against the bank's own, line by line, and against the treasury's report.

A reason is given only where it explains a difference to the 分.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from typing import Any

import pandas as pd

from fiscalmodel.fees.ledger import Line
from fiscalmodel.fees.statement import LINE, CommissionStatement, Key
from fiscalmodel.fees.terms import fen_of, line_of, official_name, pct_text, period_of, rows_of
from fiscalmodel.tables.records import TableLike
from fiscalmodel.units import half_up, yuan_text
from fiscalmodel.words import EMPTY, Text, say

#: Days on either side of a period's end that a cut-off may slip by.
CUT_OFF_DAYS = 10
_DAY = pd.Timedelta(days=1)
LINE_COLUMNS = [
    *LINE, "status", "base_fen", "bank_base_fen", "base_difference_fen", "fee_fen",
    "bank_fee_fen", "fee_difference_fen", "reason",
]  # fmt: skip
#: A line that the bank, or we, do not have.
_NONE, _NOUGHT = (0, 0), {"base_fen": 0, "fee_fen": 0}
TREASURY_COLUMNS = [
    "kind", "account", "period", "base_fen", "report_fen", "difference_fen", "reason",
]  # fmt: skip


# ---- line by line ----


@dataclass(frozen=True)
class _Claim:
    """One line of ours beside the bank's, and all the others of both."""

    statement: CommissionStatement
    key: Key
    ours: Mapping[Key, dict[str, Any]]
    theirs: Mapping[Key, tuple[int, int]]

    def above(self, key: Key) -> int:
        """The bank's base of a line above ours, 分."""
        ours: int = self.ours.get(key, _NOUGHT)["base_fen"]
        return self.theirs.get(key, _NONE)[0] - ours

    @property
    def difference(self) -> int:
        """That of this line."""
        return self.above(self.key)


def reconcile_bank(
    statement: CommissionStatement, bank_statement: TableLike, *, lang: str | None = None
) -> pd.DataFrame:
    """Compare line by line with what the bank claims, and say why they may differ.

    Parameters
    ----------
    bank_statement
        Table ``bank, kind, account, period, base, fee`` (元, or ``base_fen,
        fee_fen``), periods as in the statement.
    lang
        Language of the reasons; the one in force by default.

    Returns
    -------
    DataFrame
        ``bank, kind, account, period, status, base_fen, bank_base_fen,
        base_difference_fen, fee_fen, bank_fee_fen, fee_difference_fen, reason``;
        status is matched, differs, missing at the bank or missing here. A
        reason is given only where it explains the difference to the 分.

    Raises
    ------
    InputError
        All problems of the bank's table at once.
    """
    theirs, ours = _read_claim(bank_statement), statement.by_line()
    spelled = statement.receipts.names.spelled
    rows = []
    for key in sorted({*ours, *theirs}):
        mine, (bank_base, bank_fee) = ours.get(key, _NOUGHT), theirs.get(key, _NONE)
        base, fee = mine["base_fen"], mine["fee_fen"]
        claim = _Claim(statement, key, ours, theirs)
        if key in ours and key in theirs:
            differs = (base, fee) != theirs[key]
            status = "differs" if differs else "matched"
            reason = _why_line(claim) if differs else EMPTY
        else:
            status = "missing here" if key in theirs else "missing at the bank"
            reason = _elsewhere(claim)
        rows.append((
            key[0], spelled(key[1]), spelled(key[2]), key[3], status, base, bank_base,
            bank_base - base, fee, bank_fee, bank_fee - fee, reason(lang),
        ))  # fmt: skip
    return pd.DataFrame(rows, columns=LINE_COLUMNS)


def _read_claim(source: TableLike) -> dict[Key, tuple[int, int]]:
    result: dict[Key, tuple[int, int]] = {}
    optional = ("base_yuan", "base_fen", "fee_yuan", "fee_fen")
    for row in rows_of(source, "bank statement", *LINE, optional=optional):
        key = (*line_of(row, needed=True), period_of(row, needed=True))
        if key in result:
            row.report("period", "fees.line_twice", line=" ".join(key))
        result[key] = fen_of(row, "base_fen", "base_yuan"), fen_of(row, "fee_fen", "fee_yuan")
    return result


def _why_line(claim: _Claim) -> Text:
    if not claim.difference:
        return _why_fee(claim)
    mine = claim.ours[claim.key]
    parts = {
        "fees.refunds_not_taken_off": -mine["refunds_fen"],
        "fees.unmatched_counted": mine["unmatched_fen"],
        "fees.excluded_counted": mine["excluded_fen"],
    }
    return (
        _parts_that_add_up(parts, claim.difference)
        or _elsewhere(claim)
        or _cut_off(claim)
        or _one_receipt(claim)
        or say("fees.base_not_explained")
    )


def _why_fee(claim: _Claim) -> Text:
    """The base agrees and the fee does not."""
    mine, claimed = claim.ours[claim.key], claim.theirs[claim.key][1]
    opened = claim.statement.explain(*claim.key)
    opened = opened[opened["counted_fen"].ne(0) & opened["rate_pct"].notna()]
    pairs = zip(opened["counted_fen"].tolist(), opened["rate_pct"].tolist(), strict=True)
    exact = [fen * Fraction(str(pct)) / 100 for fen, pct in pairs]
    if claimed == sum(map(half_up, exact)):
        return say("fees.rounded_each")
    if claimed == int(sum(exact)):
        return say("fees.cut_to_fen")
    lines: list[Line] = mine["lines"]
    if mine["carried_in_fen"] and claimed == sum(
        half_up(line.base * line.terms.rate_pct / 100) for line in lines if line.terms is not None
    ):
        return say("fees.carried_not_taken_off")
    rates = claim.statement.rate_book.rates
    for rate in sorted({r.terms.rate_pct for r in rates if r.terms.plain}):
        if claimed == half_up(mine["chargeable_fen"] * rate / 100):
            return say("fees.fee_of_rate", pct=pct_text(rate))
    return say("fees.fee_not_explained")


def _elsewhere(claim: _Claim) -> Text:
    """The same amount is too much under another kind or account."""
    bank, kind, _, period = claim.key
    difference = claim.difference
    for other in sorted({*claim.ours, *claim.theirs}):
        beside = other != claim.key and (other[0], other[3]) == (bank, period)
        if difference and beside and claim.above(other) == -difference:
            what = say("fees.the_kind" if other[1] != kind else "fees.the_account")
            key = "fees.bank_has_it_under" if difference < 0 else "fees.here_it_is_under"
            names = {"kind": official_name(other[1]), "account": official_name(other[2])}
            return say(key, what=what, **names)
    return EMPTY


def _cut_off(claim: _Claim) -> Text:
    """Days just inside or outside the period that add up to the difference."""
    statement, key = claim.statement, claim.key
    opened = statement.explain(*key[:3])
    sums = opened.groupby("paid_in")["counted_fen"].sum()
    by_day = {pd.Timestamp(str(day)): int(fen) for day, fen in sums.items()}
    period = pd.Period(key[3], freq={"month": "M", "quarter": "Q", "year": "Y"}[statement.period])
    first, last = period.start_time.normalize(), period.end_time.normalize()
    for name, sign, start, step in (
        ("fees.last_days_left", -1, last, -1),
        ("fees.next_days_counted", 1, last + _DAY, 1),
        ("fees.first_days_before", -1, first, 1),
        ("fees.days_before_counted", 1, first - _DAY, -1),
    ):
        total = 0
        for number in range(CUT_OFF_DAYS):
            total += sign * by_day.get(start + step * number * _DAY, 0)
            if total == claim.difference:
                return say(name, days=number + 1)
    return EMPTY


def _one_receipt(claim: _Claim) -> Text:
    opened = claim.statement.explain(*claim.key)
    missing = opened[opened["counted_fen"].eq(-claim.difference)]
    if len(missing) != 1:
        return EMPTY
    row = missing.iloc[0]
    key = "fees.refund_missing" if row["role"] == "refund" else "fees.receipt_missing"
    return say(key, receipt=row["receipt_id"], amount=yuan_text(-claim.difference))


def _parts_that_add_up(parts: Mapping[str, int], difference: int) -> Text:
    """The fewest parts that together are the difference."""
    known = {name: fen for name, fen in parts.items() if fen}
    for size in range(1, len(known) + 1):
        for names in combinations(known, size):
            if sum(known[name] for name in names) == difference:
                return Text.joined(map(say, names))
    return EMPTY


# ---- the treasury's report ----


def reconcile_treasury(
    statement: CommissionStatement, totals: TableLike, *, lang: str | None = None
) -> pd.DataFrame:
    """Totals of kinds and accounts against the treasury's report.

    Parameters
    ----------
    totals
        Table ``kind, account, period, base`` (元, or ``base_fen``): what the
        treasury or fiscal account reports as received, net of refunds.
    lang
        Language of the reasons; the one in force by default.

    Returns
    -------
    DataFrame
        ``kind, account, period, base_fen, report_fen, difference_fen, reason``.
    """
    report: dict[tuple[str, str, str], int] = defaultdict(int)
    optional = ("amount", "base_yuan", "base_fen")
    for row in rows_of(totals, "treasury report", *LINE[1:], optional=optional):
        kind, account = row.word("kind", "receipt_kind"), row.word("account", "account")
        key = (kind, account, period_of(row, needed=True))
        report[key] += fen_of(row, "base_fen", "base_yuan", "amount")
    ours: dict[tuple[str, str, str], dict[str, int]] = {}
    for (_, kind, account, period), line in statement.by_line().items():
        total = ours.setdefault((kind, account, period), defaultdict(int))
        for name in ("base_fen", "refunds_fen", "unmatched_fen", "excluded_fen"):
            total[name] += line[name]
    spelled = statement.receipts.names.spelled
    rows = []
    for key in sorted({*ours, *report}):
        mine, stated = ours.get(key, defaultdict(int)), report.get(key, 0)
        reason = _why_treasury(stated - mine["base_fen"], mine, key in report)
        rows.append((spelled(key[0]), spelled(key[1]), key[2], mine["base_fen"], stated,
                     stated - mine["base_fen"], reason(lang)))  # fmt: skip
    return pd.DataFrame(rows, columns=TREASURY_COLUMNS)


def _why_treasury(difference: int, mine: Mapping[str, int], reported: bool) -> Text:
    if not difference:
        return EMPTY
    if not reported:
        return say("fees.not_in_report")
    parts = {
        "fees.unmatched_receipts": mine["unmatched_fen"],
        "fees.excluded_lines": mine["excluded_fen"],
        "fees.refunds_shown_gross": -mine["refunds_fen"],
    }
    more = "fees.report_has_more" if difference > 0 else "fees.report_has_less"
    return _parts_that_add_up(parts, difference) or say(more)
